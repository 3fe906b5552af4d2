from contextlib import nullcontext

import numpy as np
import pytest
import torch

from normenc import tasks
from normenc.errors import InputError
from normenc.stimuli import PHOTOGRAPHS
from normenc.tasks import (
    ContrastiveInvariance,
    Denoising,
    MaskedAutoencoding,
    NaturalRotation,
    NextFramePrediction,
    ObjectLocation,
    ObjectRecognition,
    SeveralTasks,
    TiltDiscrimination,
    VICReg,
    check_chance,
)

TASKS = {
    "tilt": TiltDiscrimination(n_train=200, n_test=200),
    "orientation": tasks.OrientationEstimation(n_train=200, n_test=200),
    "rotation": NaturalRotation(n_train=200, n_test=200),
    "digits": ObjectRecognition(n_train=200, n_test=1000),
    "denoising": Denoising(n_train=200, n_test=200, resolution=0.05),
    "contrastive": ContrastiveInvariance(n_train=100, n_test=200),
    "contrastive gratings": ContrastiveInvariance(n_train=100, n_test=200, views="gratings"),
    "vicreg": VICReg(n_train=100, n_test=200, resolution=0.05),
    "next frame": NextFramePrediction(n_train=100, n_test=200, resolution=0.05),
    "masked": MaskedAutoencoding(n_train=200, n_test=200, resolution=0.05),
    "sparse": tasks.SparseCoding(n_train=200, n_test=200, resolution=0.05, middle=(4, 4), n_atoms=20),
    "orientation and frequency": tasks.OrientationAndFrequency(n_train=200, n_test=200),
    "place and size": ObjectLocation(n_train=200, n_test=200),
    "several": SeveralTasks(n_train=200, n_test=200),
}


@pytest.mark.parametrize("task", TASKS.values(), ids=list(TASKS))
def test_what_a_task_states_is_what_it_draws(task):
    images, targets = task.sample(20, np.random.default_rng(0))
    views = (task.n_views,) if task.n_views > 1 else ()
    assert images.shape == (20, *views, *task.image_size)
    assert images.dtype == torch.float32
    assert 0 <= images.min() < images.max() <= 1
    outputs = torch.rand(20, *views, task.n_outputs, requires_grad=True)
    task.loss(outputs, targets).backward()
    assert outputs.grad.abs().sum() > 0
    assert np.isfinite(task.score(outputs.detach(), targets))
    again, same = task.sample(20, np.random.default_rng(0))
    assert torch.equal(images, again)
    assert torch.equal(targets.nan_to_num(-1), same.nan_to_num(-1))


@pytest.mark.parametrize("task", TASKS.values(), ids=list(TASKS))
def test_no_constant_answer_beats_a_tasks_chance(task):
    _, targets = task.sample(task.n_train, np.random.default_rng(0))
    _, fresh = task.sample_test(task.n_test, np.random.default_rng(1))
    check_chance(task, targets, fresh)


@pytest.mark.parametrize("name", ["rotation", "digits", "orientation"])
def test_chance_is_what_blind_answers_reach(name):
    """And none too low a bar: an answer that ignores the stimulus gets about as far."""
    task = TASKS[name]
    _, targets = task.sample_test(1000, np.random.default_rng(1))
    blind = torch.zeros(1000, task.n_outputs)
    blind[:, 0] = 0 if name == "rotation" else 1
    assert task.score(blind, targets) == pytest.approx(task.chance, rel=0.12)


def test_a_chance_that_is_beaten_by_a_constant_is_named():
    class Modest(NaturalRotation):
        chance = 40.0

    _, targets = Modest().sample(100, np.random.default_rng(0))
    with pytest.raises(InputError, match=r"reaches 2.* \(mean absolute error in degrees\).*the task states as 40"):
        check_chance(Modest(), targets, targets)


@pytest.mark.parametrize(("right", "refused"), [(201, False), (206, True)])
def test_a_constant_answer_may_be_ahead_by_a_hundredth_of_the_way(right, refused):
    """Of 400 targets in each of the ten parts, so that the standard error is 0; the way is from 0.5 to 1."""
    part = torch.zeros(400, 1)
    part[:right] = 1
    targets = part.repeat(10, 1)
    with pytest.raises(InputError, match=r"reaches 0\.515") if refused else nullcontext():
        check_chance(TiltDiscrimination(), torch.ones(100, 1), targets)


def test_rotation_by_hand():
    task = NaturalRotation(rotation=30)
    outputs, targets = torch.tensor([[0.5], [-1.0]]), torch.tensor([[0.0], [-0.5]])
    assert task.score(outputs, targets) == pytest.approx(15)
    assert float(task.loss(outputs, targets)) == pytest.approx(0.25)
    assert task.chance == 15


def test_rotation_is_tested_on_other_photographs(monkeypatch):
    used = []

    def watched(n, rng, **options):
        used.append(options["photographs"])
        return original(n, rng, **options)

    from normenc import stimuli

    original = stimuli.natural_patches
    monkeypatch.setattr(stimuli, "natural_patches", watched)
    for task in (NaturalRotation(), Denoising(), ContrastiveInvariance()):
        task.sample(2, np.random.default_rng(0))
        task.sample_test(2, np.random.default_rng(0))
    assert used == [PHOTOGRAPHS["train"], PHOTOGRAPHS["test"]] * 3


def test_denoising_by_hand():
    task = Denoising()
    targets = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    assert task.score(targets, targets) == 1
    assert task.score(torch.full((2, 2), 0.5), targets) == pytest.approx(0)
    images, clean = task.sample(50, np.random.default_rng(0))
    inner = (clean > 0.4) & (clean < 0.6)
    assert float((images.flatten(1) - clean)[inner].std()) == pytest.approx(0.2, rel=0.05)


def test_contrastive_loss_is_the_papers():
    """Equation 1 of Chen et al. 2020, pair by pair."""
    task = ContrastiveInvariance(temperature=0.3)
    outputs = torch.from_numpy(np.random.default_rng(0).normal(size=(5, 2, 4)))
    flat = outputs.reshape(10, 4)  # views 2k and 2k + 1 are partners
    unit = flat / flat.norm(dim=1, keepdim=True)
    losses = []
    for i in range(10):
        partner = i + 1 if i % 2 == 0 else i - 1
        terms = {k: float(torch.exp(unit[i] @ unit[k] / 0.3)) for k in range(10) if k != i}
        losses.append(-np.log(terms[partner] / sum(terms.values())))
    assert float(task.loss(outputs, torch.arange(5))) == pytest.approx(np.mean(losses), rel=1e-9)


def test_contrastive_score_counts_partners_found():
    task = ContrastiveInvariance(n_test=4)
    directions = torch.eye(4)
    perfect = torch.stack([directions, 2 * directions], dim=1)
    assert task.score(perfect, torch.arange(4)) == 1
    half = torch.stack([directions, directions[[0, 1, 3, 2]]], dim=1)
    assert task.score(half, torch.arange(4)) == 0.5
    assert task.score(torch.ones(4, 2, 4), torch.arange(4)) == pytest.approx(task.chance)


@pytest.mark.parametrize("views", ["natural", "gratings"])
def test_views_share_their_scene(views):
    images, _ = ContrastiveInvariance(views=views, random_phase=False, noise=0.0).sample(40, np.random.default_rng(0))
    flat = images.flatten(2) - images.flatten(2).mean(dim=2, keepdim=True)
    flat = flat / flat.norm(dim=2, keepdim=True)
    alike = flat[:, 0] @ flat[:, 1].T
    others = alike[~torch.eye(40, dtype=torch.bool)]
    assert alike.diagonal().median() > others.quantile(0.9)
    assert not torch.equal(images[:, 0], images[:, 1])


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: NaturalRotation(rotation=0), "rotation is 0"),
        (lambda: NaturalRotation(n_train=0), "n_train is 0"),
        (lambda: ObjectRecognition(background="sea"), "background is 'sea'"),
        (lambda: ObjectRecognition(folder="/nowhere"), "there is no such folder"),
        (lambda: ObjectRecognition(resolution=0.01), "too small"),
        (lambda: Denoising(noise=-1), "noise is -1"),
        (lambda: ContrastiveInvariance(views="sounds"), "views is 'sounds'"),
        (lambda: ContrastiveInvariance(temperature=0), "temperature is 0"),
        (lambda: ContrastiveInvariance(n_outputs=1), "n_outputs is 1"),
        (lambda: ContrastiveInvariance(n_test=1), "n_test is 1"),
    ],
)
def test_the_impossible_is_named(build, message):
    with pytest.raises(InputError, match=message):
        build()


def test_objects_from_a_folder(tmp_path):
    from skimage import io

    rng = np.random.default_rng(0)
    for kind, n in (("few", 4), ("many", 12)):
        (tmp_path / kind).mkdir()
        for index in range(n):
            io.imsave(tmp_path / kind / f"{index}.png", rng.integers(0, 255, (50, 70), dtype=np.uint8))
    task = ObjectRecognition(folder=str(tmp_path))
    images, labels = task.sample(50, rng)
    assert (task.n_outputs, images.shape) == (2, (50, 48, 64))
    assert task.chance == pytest.approx(3 / 4)  # 1 of 4 and 3 of 12 are for testing
    assert set(labels.tolist()) == {0, 1}
