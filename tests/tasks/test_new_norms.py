import numpy as np
import pytest
import torch

from normenc import stimuli
from normenc.errors import InputError
from normenc.tasks import (
    ContrastiveInvariance,
    Denoising,
    MaskedAutoencoding,
    NextFramePrediction,
    ObjectLocation,
    OrientationAndFrequency,
    OrientationEstimation,
    SeveralTasks,
    TiltDiscrimination,
    VICReg,
)


def rng(seed=0):
    return np.random.default_rng(seed)


def test_targets_are_orientation_and_spatial_frequency_of_the_image():
    task = OrientationAndFrequency(random_phase=False)
    images, targets = task.sample(20, rng())
    orientation = torch.rad2deg(torch.atan2(targets[:, 1], targets[:, 0])) / 2
    frequency = torch.exp2(targets[:, 2].double()) / 28  # from 1/56 to 1/14: an octave to both sides
    again = stimuli.gratings(orientation.double(), spatial_frequency=frequency)
    assert (again != images).double().mean() < 1e-3  # pixels on an edge
    half = torch.cat([targets[:, :2], torch.zeros(20, 1)], dim=1)
    assert task.score(targets, targets) == 1
    spread = (targets[:, 2] - targets[:, 2].mean()).square().sum()
    assert task.score(half, targets) == pytest.approx((1 + float(1 - targets[:, 2].square().sum() / spread)) / 2)


def test_place_and_size_are_those_of_the_ink():
    task = ObjectLocation(background="plain", rotation=0.0)
    images, targets = task.sample(200, rng())
    ink = (images - images.flatten(1).median(dim=1).values[:, None, None]).abs() > 0.1
    rows, columns = ink.any(dim=2), ink.any(dim=1)
    first, last = rows.int().argmax(dim=1), 47 - rows.flip(1).int().argmax(dim=1)
    assert np.corrcoef((first + last) / 2, targets[:, 0])[0, 1] > 0.99
    assert np.corrcoef(last - first, targets[:, 2])[0, 1] > 0.99
    left, right = columns.int().argmax(dim=1), 63 - columns.flip(1).int().argmax(dim=1)
    assert np.corrcoef((left + right) / 2, targets[:, 1])[0, 1] > 0.98
    assert targets[:, 2].abs().max() <= 1
    assert task.score(targets, targets) == 1
    assert task.score(targets.mean(dim=0).expand(200, 3), targets) == pytest.approx(0, abs=1e-6)


def test_hidden_blocks_alone_are_targets():
    task = MaskedAutoencoding(hidden=0.25, block=16)
    images, targets = task.sample(5, rng())
    hidden = ~targets.isnan().reshape(images.shape)
    assert (images[hidden] == 0.5).all()
    blocks = hidden.reshape(5, 3, 16, 4, 16).double().mean(dim=(2, 4))
    assert set(blocks.unique().tolist()) == {0.0, 1.0}
    assert (blocks.sum(dim=(1, 2)) == 3).all()
    assert len(blocks.flatten(1).unique(dim=0)) > 1
    patches = stimuli.natural_patches(5, rng()).images
    assert torch.equal(targets[hidden.flatten(1)], patches[hidden])
    assert torch.equal(images[~hidden], patches[~hidden])
    outputs = torch.zeros(5, 3072)
    assert float(task.loss(outputs, targets)) == pytest.approx(float(patches[hidden].square().mean()))
    assert task.score(patches.flatten(1), targets) == 1


def test_the_middle_is_recovered_from_the_whole_patch():
    images, targets = Denoising(middle=(12, 16)).sample(3, rng())
    whole, clean = Denoising().sample(3, rng())
    assert torch.equal(images, whole)
    assert torch.equal(targets, clean.reshape(3, 48, 64)[:, 18:30, 24:40].flatten(1))


def test_vicreg_is_the_papers():
    """Equations 1 to 6 of Bardes et al. 2022, with the scales of the authors' program."""
    views = rng().normal(size=(7, 2, 3)) * [0.5, 1.0, 2.0]
    invariance = np.mean((views[:, 0] - views[:, 1]) ** 2)
    variance, covariance = 0.0, 0.0
    for view in (0, 1):
        matrix = np.cov(views[:, view].T)
        variance += sum(max(0, 1 - np.sqrt(matrix[j, j] + 1e-4)) for j in range(3)) / 3 / 2
        covariance += sum(matrix[i, j] ** 2 for i in range(3) for j in range(3) if i != j) / 3
    loss = VICReg(n_outputs=3).loss(torch.from_numpy(views), torch.arange(7))
    assert float(loss) == pytest.approx(25 * invariance + 25 * variance + covariance, rel=1e-9)


def test_vicreg_finds_partners_wherever_the_outputs_lie():
    task = VICReg(n_test=6)
    outputs = torch.from_numpy(rng().normal(size=(6, 1, 4))).expand(6, 2, 4)
    assert task.score(outputs + 100, torch.arange(6)) == 1
    assert task.score(torch.ones(6, 2, 4), torch.arange(6)) == pytest.approx(task.chance)


def test_both_tasks_with_two_views_show_the_same():
    for views in ("natural", "gratings"):
        one, other = (kind(views=views).sample(3, rng())[0] for kind in (ContrastiveInvariance, VICReg))
        assert torch.equal(one, other)


def test_the_window_moves_by_the_same_step_twice():
    images, _ = NextFramePrediction(noise=0.0, step=3).sample(60, rng())
    found = set()
    for first, second, third in images:
        steps = [
            (down, right)
            for down in range(-3, 4)
            for right in range(-3, 4)
            if torch.equal(seen(first, down, right), seen(second, -down, -right))
            and torch.equal(seen(second, down, right), seen(third, -down, -right))
        ]
        assert len(steps) == 1
        found.update(steps)
    assert (0, 0) not in found
    assert len(found) > 25  # of 48


def seen(image, down, right):
    """What of an image is still seen when the window has moved."""
    height, width = image.shape
    return image[max(0, down) : height + min(0, down), max(0, right) : width + min(0, right)]


def test_straight_lines_predict_and_invariance_does_not():
    task = NextFramePrediction(n_test=50)
    angles = torch.linspace(0, 6, 50)[:, None] + torch.tensor([0.0, 0.02, 0.04])
    line = torch.stack([angles.cos(), angles.sin()], dim=2)
    assert task.score(line, torch.arange(50)) == 1
    assert task.score(line[:, [0, 0, 0]], torch.arange(50)) == pytest.approx(0.5)  # its own second frame is as near
    assert task.score(line[:, [0, 1, 1]], torch.arange(50)) == pytest.approx(0.5)
    assert task.score(torch.ones(50, 3, 4), torch.arange(50)) == pytest.approx(task.chance)
    assert task.chance == 0.01
    assert float(task.loss(torch.ones(50, 3, 4), torch.arange(50))) == pytest.approx(np.log(100))


def test_several_tasks_are_their_weighted_mean():
    task = SeveralTasks(weights=[1.0, 3.0])
    tilt, orientation = TiltDiscrimination(), OrientationEstimation()
    images, targets = task.sample(50, rng())
    seed = int(rng().choice(2**31 - 1))
    shown, side = tilt.sample(50, rng(seed))
    _, circle = orientation.sample(50, rng(seed))
    assert torch.equal(images, shown)
    outputs = torch.from_numpy(rng().normal(size=(50, 3))).float()
    sides = torch.sigmoid(outputs[:, :1])
    loss = (tilt.loss(sides, side) + 3 * orientation.loss(outputs[:, 1:], circle)) / 4
    assert float(task.loss(outputs, targets)) == pytest.approx(float(loss))
    scores = 2 * tilt.score(sides, side) - 1, 1 - orientation.score(outputs[:, 1:], circle) / 45
    assert task.score(outputs, targets) == pytest.approx((scores[0] + 3 * scores[1]) / 4)
    assert task.learned_at == pytest.approx(0.75, abs=0.01)


def test_several_tasks_of_a_study_show_its_gratings():
    from normenc.study import Study
    from normenc.study.building import build_task

    study = Study.model_validate({"stimuli": {"spatial_frequency": 0.07}, "task": [{"name": "several-tasks"}]})
    task = build_task(study.task[0], study.stimuli)
    assert {part.spatial_frequency for part in task.tasks} == {0.07}


def test_several_tasks_keep_classes_whole():
    task = SeveralTasks(names=["object-recognition", "object-location"])
    _, targets = task.sample(30, rng())
    outputs = torch.zeros(30, 13)
    outputs[torch.arange(30), targets[:, 0].long()] = 9.0
    outputs[:, 10:] = targets[:, 1:]
    assert task.score(outputs, targets) == 1


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: OrientationAndFrequency(spatial_frequency=0.03), "spatial_frequency is 0.03; .* must vary"),
        (lambda: Denoising(middle=(50, 10)), r"middle is \(50, 10\).* 48 x 64"),
        (lambda: MaskedAutoencoding(block=7), "block is 7; .* divides .* 48 x 64"),
        (lambda: MaskedAutoencoding(hidden=1.0), "hidden is 1.0"),
        (lambda: NextFramePrediction(step=0), "step is 0"),
        (lambda: NextFramePrediction(temperature=0.0), "temperature is 0.0; it must be a positive number"),
        (lambda: NextFramePrediction(noise=-1.0), "noise is -1.0"),
        (lambda: NextFramePrediction(n_test=1), "n_test is 1"),
        (lambda: SeveralTasks(names=["tilt-discrimination"]), "at least two"),
        (lambda: SeveralTasks(names=["tilt-discrimination", "tilting"]), "each must be one of tilt-discrimination"),
        (lambda: SeveralTasks(names=["tilt-discrimination", "several-tasks"]), "each must be one of"),
        (lambda: SeveralTasks(weights=[1.0]), "weights are .1.0. for 2 tasks"),
        (lambda: SeveralTasks(weights=[1.0, -1.0]), "give a positive number for each"),
        (lambda: SeveralTasks(names=["tilt-discrimination", "denoising"]), "denoising shows other images than tilt"),
        (lambda: SeveralTasks(names=["tilt-discrimination", "vicreg"]), "different numbers of images"),
    ],
)
def test_the_impossible_is_named(build, message):
    with pytest.raises(InputError, match=message):
        build()
