"""Optimizers, schedules and all else that a recipe holds, against plain loops of PyTorch."""

import threading
import time
from dataclasses import dataclass, fields
from functools import partial
from typing import get_args, get_type_hints

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from normenc import networks, tasks
from normenc.errors import InputError
from normenc.training import Recipe, train, train_ensemble
from normenc.training.drawn import Data, validation_set
from normenc.training.optimisation import Optimisation, undecayed
from normenc.training.recipe import RecipeChanges

SIZE = (12, 16)
TILT = tasks.TiltDiscrimination(n_train=70, n_test=60, resolution=0.025)
SMALL = partial(networks.ConvPoolFC, SIZE, n_channels=3, filter_size=3, pool_size=4)
ORIENTATION = tasks.OrientationEstimation(n_train=70, n_test=60, resolution=0.025)
ESTIMATING = partial(SMALL, n_outputs=2, output="linear")
DEEP = partial(networks.DeepConvPoolFC, SIZE, n_blocks=2, n_channels=4, normalisation="batch")
QUICK = {"n_epochs": 3, "batch_size": 30, "learning_rate": 1e-3, "progress": False, "device": "cpu"}


def plain_loop(network, seed, optimizers, schedules, *, clip=None, smoothing=0.0):
    """Losses of a loop as one would write it, with the optimizers and schedules given."""
    torch.manual_seed(seed)
    model = network()
    images, targets = TILT.sample(TILT.n_train, np.random.RandomState(seed))
    own = optimizers(model)
    rates = [schedules(one) for one in own]
    losses = []
    for _ in range(3):
        for batch in torch.randperm(TILT.n_train).split(30):
            loss = functional.binary_cross_entropy(
                model(images[batch]), targets[batch] * (1 - smoothing) + smoothing / 2
            )
            model.zero_grad()
            loss.backward()
            if clip is not None:
                nn.utils.clip_grad_norm_(model.parameters(), clip)
            for part in (*own, *rates):
                part.step()
            losses.append(loss.item())
    return losses


def split(model):
    """Parameters with weight decay, and without: written for the deep network alone."""
    decayed = [value for name, value in model.named_parameters() if name.endswith("weight") and value.ndim > 1]
    rest = [value for name, value in model.named_parameters() if not (name.endswith("weight") and value.ndim > 1)]
    return [{"params": decayed, "weight_decay": 0.3}, {"params": rest, "weight_decay": 0.0}]


def muon_and_adamw(model):
    matrices = [value for value in model.parameters() if value.ndim == 2]
    filters = [value for value in model.parameters() if value.ndim > 2]
    rest = [value for value in model.parameters() if value.ndim < 2]
    groups = [{"params": filters, "weight_decay": 0.3}, {"params": rest, "weight_decay": 0.0}]
    return [
        torch.optim.Muon(matrices, lr=1e-3, weight_decay=0.3, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(groups, lr=1e-3),
    ]


OPTIMIZERS = {
    "sgd": lambda model: [torch.optim.SGD(split(model), lr=1e-3, momentum=0.99)],
    "adam": lambda model: [torch.optim.Adam(split(model), lr=1e-3)],
    "adamw": lambda model: [torch.optim.AdamW(split(model), lr=1e-3)],
    "muon": muon_and_adamw,
}
SCHEDULES = {
    "constant": lambda one: torch.optim.lr_scheduler.ConstantLR(one, factor=1.0),
    # 9 steps, of which 2 rise to the whole rate, and 7 fall to 0
    "cosine": lambda one: torch.optim.lr_scheduler.LambdaLR(
        one, lambda step: (step + 1) / 3 if step < 2 else 0.5 * (1 + np.cos(np.pi * (step - 2) / 7))
    ),
    "one-cycle": lambda one: torch.optim.lr_scheduler.OneCycleLR(
        one, max_lr=1e-3, total_steps=9, pct_start=2 / 9, cycle_momentum=False
    ),
}


@pytest.mark.parametrize(
    ("optimizer", "schedule", "more"),
    [
        ("sgd", "constant", {"clip": 0.5}),
        ("sgd", "one-cycle", {}),
        ("adam", "cosine", {"label_smoothing": 0.2}),
        ("adamw", "one-cycle", {"clip": 0.5}),
        ("adamw", "cosine", {}),
        ("muon", "constant", {"clip": 0.5}),
        ("muon", "cosine", {}),
    ],
)
def test_one_network_and_many_follow_the_plain_loop(optimizer, schedule, more):
    recipe = Recipe(
        **{key: QUICK[key] for key in ("n_epochs", "batch_size", "learning_rate")},
        optimizer=optimizer,
        schedule=schedule,
        weight_decay=0.3,
        warm_up=2 / 9,
        **more,
    )
    expected = plain_loop(
        DEEP,
        4,
        OPTIMIZERS[optimizer],
        SCHEDULES[schedule],
        clip=more.get("clip"),
        smoothing=more.get("label_smoothing", 0.0),
    )
    alone = train(DEEP, TILT, seed=4, recipe=recipe, progress=False, device="cpu")
    np.testing.assert_allclose(alone.log.loss, expected, rtol=2e-4)
    members = train_ensemble(DEEP, TILT, seeds=[4, 9], recipe=recipe, progress=False, device="cpu")
    np.testing.assert_allclose(members[4].log.loss, expected, rtol=2e-3)
    other = train(DEEP, TILT, seed=9, data_seed=4, recipe=recipe, progress=False, device="cpu")
    np.testing.assert_allclose(members[9].log.loss, other.log.loss, rtol=2e-3)


def test_decay_spares_biases_and_normalisation():
    assert undecayed(nn.Sequential(nn.Linear(3, 2), nn.LayerNorm([4, 2]), nn.Conv1d(4, 1, 1))) == {
        "0.bias",
        "1.weight",
        "1.bias",
        "2.bias",
    }


@pytest.mark.parametrize("schedule", ["cosine", "one-cycle"])
@pytest.mark.parametrize("warm_up", [0, 0.2, 0.5, 1])
@pytest.mark.parametrize("n_steps", [1, 2, 3, 5])
def test_schedules_of_few_steps_stay_within_the_rate(schedule, warm_up, n_steps):
    weight = nn.Parameter(torch.ones(1))
    recipe = Recipe(schedule=schedule, warm_up=warm_up)
    own = Optimisation(recipe, 0.5, {"weight": weight}, set(), n_steps=n_steps, stacked=False)
    rates = []
    for _ in range(n_steps):
        rates.append(own.optimizers[0].param_groups[0]["lr"])
        weight.grad = torch.ones(1)
        own.step()
    assert 0 < max(rates) <= 0.5
    assert min(rates) >= 0


def test_smoothed_labels_give_torchs_own_loss():
    task = tasks.ObjectRecognition()
    outputs, targets = torch.randn(6, 10), torch.arange(6)
    expected = functional.cross_entropy(outputs, targets, label_smoothing=0.3)
    torch.testing.assert_close(task.loss(outputs, task.smoothed(targets, 0.3)), expected)


def test_accumulated_batches_are_one_step():
    task = tasks.TiltDiscrimination(n_train=60, n_test=20, resolution=0.025)
    whole = train(SMALL, task, seed=1, **QUICK | {"batch_size": 60})
    parts = train(SMALL, task, seed=1, **QUICK | {"batch_size": 20}, accumulate=5)  # an epoch ends with a step
    np.testing.assert_allclose(parts.log.loss.reshape(3, 3).mean(axis=1), whole.log.loss, rtol=1e-5)
    torch.testing.assert_close(parts.network.fc.weight, whole.network.fc.weight)


@dataclass(frozen=True)
class Unlearnable(tasks.TiltDiscrimination):
    """Targets say nothing of the images: whoever learns them gets worse on others."""

    def sample(self, n, rng):
        images, targets = super().sample(n, rng)
        return images, torch.from_numpy(rng.permutation(targets.numpy()))


NOISE = Unlearnable(n_train=40, n_test=60, resolution=0.025, noise=0.5)
STOPPED = {"optimizer": "adamw", "patience": 3, "n_epochs": 30, "learning_rate": 5e-3}


@pytest.fixture(scope="module")
def stopped():
    return train(SMALL, NOISE, seed=3, **QUICK | STOPPED)


def test_training_stops_and_keeps_the_best_network(stopped):
    log = stopped.log
    best = int(log.validation_loss.argmin())
    assert log.kept_epoch == best
    assert log.epoch[-1] == best + 3 < 30
    assert len(log.validation_loss) == best + 4  # one before training
    shorter = train(SMALL, NOISE, seed=3, **QUICK | STOPPED | {"patience": None, "n_epochs": max(best, 1)})
    wanted = shorter.network if best else shorter.untrained
    for name, value in stopped.network.state_dict().items():
        assert torch.equal(value, wanted.state_dict()[name])


def test_members_stop_each_at_its_own_epoch(stopped):
    members = train_ensemble(SMALL, NOISE, seeds=[3, 5, 6], shared_data=False, **QUICK | STOPPED)
    assert len({len(member.log.loss) for member in members.values()}) > 1
    for seed, member in members.items():
        alone = stopped if seed == 3 else train(SMALL, NOISE, seed=seed, **QUICK | STOPPED)
        assert member.log.kept_epoch == alone.log.kept_epoch
        np.testing.assert_allclose(member.log.loss, alone.log.loss, rtol=1e-3)
        np.testing.assert_allclose(member.log.validation_loss, alone.log.validation_loss, rtol=1e-3)


@dataclass(frozen=True)
class FewImages(tasks.TiltDiscrimination):
    """Draws with replacement from ten images."""

    def sample(self, n, rng):
        images, targets = super().sample(10, np.random.default_rng(0))
        rows = rng.choice(10, size=n)
        return images[rows], targets[rows]

    @property
    def chance(self):
        return 1.0


def test_no_network_is_validated_on_what_it_was_trained_on():
    few = FewImages(n_train=40, resolution=0.025)
    with pytest.raises(InputError, match="FewImages draws 1000 of 1000 validation stimuli among those"):
        train(SMALL, few, seed=1, patience=2, **QUICK)


def test_validation_stimuli_are_neither_trained_on_nor_scored():
    data = Data.of(TILT, 5, torch.device("cpu"))
    images, _ = validation_set(TILT, 5, data)
    others = torch.cat([data.images, data.test_images]).flatten(1)
    assert torch.cdist(images.flatten(1), others).min() > 0


def test_the_rate_found_is_the_best_of_the_training_set():
    alone = train(SMALL, TILT, seed=2, **QUICK | {"learning_rate": "auto"}, optimizer="adamw")
    again = train(SMALL, TILT, seed=2, **QUICK | {"learning_rate": alone.log.learning_rate}, optimizer="adamw")
    np.testing.assert_array_equal(alone.log.loss, again.log.loss)
    assert alone.summary().value["learning_rate"] == alone.log.learning_rate
    scored_on_others = tasks.TiltDiscrimination(n_train=70, n_test=99, resolution=0.025)
    other = train(SMALL, scored_on_others, seed=2, **QUICK | {"learning_rate": "auto"}, optimizer="adamw")
    assert other.log.learning_rate == alone.log.learning_rate


class Scaled(nn.Module):
    """One weight, times the mean of an image."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([[0.0]]))

    def forward(self, images):
        return self.weight * images.mean(dim=(1, 2))[:, None]


@dataclass(frozen=True)
class Proportional(tasks.TiltDiscrimination):
    """Estimate the grey value of images, 10 or minus 10."""

    output = "linear"
    chance = 0.0
    score_name = "minus the mean squared error"

    def sample(self, n, rng):
        grey = torch.from_numpy(rng.choice([-10.0, 10.0], size=n)).float()[:, None]
        noise = torch.from_numpy(rng.normal(size=n)).float()[:, None, None] * 1e-3
        return grey[:, :, None].expand(n, *self.image_size) + noise, grey

    def loss(self, outputs, targets):
        return functional.mse_loss(outputs, targets)

    def score(self, outputs, targets):
        return -float(self.loss(outputs, targets))


def test_the_search_finds_a_planted_rate():
    # The loss is 100 (weight - 1)^2, so that a step leaves 1 - 200 rate of the way: 0.80 at a rate of 1e-3, 0.37 at
    # 3.16e-3, and -1 at 1e-2.
    task = Proportional(n_train=100, n_test=20, resolution=0.025)
    found = train(Scaled, task, seed=1, **QUICK | {"learning_rate": "auto", "n_epochs": 10}, momentum=0.0)
    assert found.log.learning_rate == 3.16e-3


def test_members_with_rates_of_their_own_are_as_alone():
    options = QUICK | {"learning_rate": "auto", "n_epochs": 2}
    seeds = [1, 2, 3, 4, 5]
    members = train_ensemble(SMALL, NOISE, seeds=seeds, shared_data=False, **options)
    assert list(members) == seeds
    rates = [members[seed].log.learning_rate for seed in seeds]
    assert len(set(rates)) > 1
    for seed in (1, 5):
        alone = train(SMALL, NOISE, seed=seed, **options)
        assert alone.log.learning_rate == members[seed].log.learning_rate
        np.testing.assert_allclose(members[seed].log.loss, alone.log.loss, rtol=1e-3)


FRESH = tasks.TiltDiscrimination(n_train="fresh", n_per_epoch=50, n_test=60, resolution=0.025)


def test_every_epoch_has_stimuli_of_its_own_generator():
    torch.manual_seed(6)
    model = SMALL()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.99)
    losses = []
    for epoch in (1, 2, 3):
        images, targets = FRESH.sample(50, np.random.default_rng([6, 3, epoch]))
        for part, wanted in zip(images.split(30), targets.split(30), strict=True):
            optimizer.zero_grad()
            loss = functional.binary_cross_entropy(model(part), wanted)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    found = train(SMALL, FRESH, seed=6, **QUICK)
    np.testing.assert_allclose(found.log.loss, losses, rtol=1e-4)
    members = train_ensemble(SMALL, FRESH, seeds=[6, 7], shared_data=False, **QUICK)
    np.testing.assert_allclose(members[6].log.loss, losses, rtol=1e-3)
    np.testing.assert_allclose(members[7].log.loss, train(SMALL, FRESH, seed=7, **QUICK).log.loss, rtol=1e-3)


DRAWN: list[tuple[int, int]] = []


@dataclass(frozen=True)
class Slow(tasks.TiltDiscrimination):
    """Takes its time, and counts how far ahead it is."""

    pause: float = 0.0

    def sample(self, n, rng):
        time.sleep(self.pause)
        DRAWN.append((n, threading.get_ident()))
        return super().sample(n, rng)


@pytest.mark.parametrize("pause", [0.0, 0.02])
def test_timing_changes_no_number_and_at_most_one_epoch_is_drawn_ahead(pause):
    DRAWN.clear()
    ahead = []
    slow = Slow(n_train="fresh", n_per_epoch=50, n_test=60, resolution=0.025, pause=pause)

    def report(step, n_steps, loss):
        time.sleep(0.02 - pause)
        ahead.append(sum(n == 50 for n, _ in DRAWN) - (step + 1) // 2)

    found = train(SMALL, slow, seed=6, **QUICK | {"progress": report, "n_epochs": 4})
    expected = train(SMALL, FRESH, seed=6, **QUICK | {"n_epochs": 4})
    np.testing.assert_array_equal(found.log.loss, expected.log.loss)
    assert max(ahead) <= 1
    assert len({thread for n, thread in DRAWN if n == 50}) == 2  # the first epoch's, before training, and the others


@dataclass(frozen=True)
class Breaking(tasks.TiltDiscrimination):
    def sample(self, n, rng):
        if threading.current_thread() is not threading.main_thread():
            raise OSError("the disk is gone")
        return super().sample(n, rng)


def test_errors_in_the_background_and_interrupts_surface():
    broken = Breaking(n_train="fresh", n_per_epoch=50, n_test=60, resolution=0.025)
    with pytest.raises(OSError, match="the disk is gone"):
        train(SMALL, broken, seed=1, **QUICK)

    def interrupt(step, n_steps, loss):
        raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        train(SMALL, FRESH, seed=1, **QUICK | {"progress": interrupt})
    assert threading.active_count() == before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"optimizer": "lbfgs"}, "optimizer is 'lbfgs'; it must be one of sgd, adam, adamw, muon"),
        ({"schedule": "linear"}, "schedule is 'linear'; it must be one of constant, cosine, one-cycle"),
        ({"learning_rate": "fast"}, "learning_rate is 'fast'; it must be a positive number, or 'auto'"),
        ({"weight_decay": -1}, "weight_decay is -1; it must be a number of at least 0"),
        ({"warm_up": 2}, "warm_up is 2; it must be a share of the steps"),
        ({"clip": 0}, "clip is 0; it must be a positive number"),
        ({"label_smoothing": 1}, "label_smoothing is 1; it must be a number of at least 0 and below 1"),
        ({"patience": 0}, "patience is 0"),
        ({"patience": 2, "checkpoints": [0, 2]}, "checkpoints contain epoch 2, but with a patience"),
        ({"accumulate": 0}, "accumulate is 0"),
        ({"precision": "half"}, "precision is 'half'; it must be one of full, mixed"),
        ({"precision": "mixed"}, "precision 'mixed' is of use on a GPU alone, and training is on the CPU"),
        ({"compile": True}, "compile is of use on a GPU alone"),
        ({"dropout": 0.5}, "dropout is no setting of training; these are n_epochs, batch_size, optimizer"),
        ({"recipe": {}}, "recipe is a dict; it must be a normenc.training.Recipe"),
    ],
)
def test_impossible_recipes_are_refused_by_name(changes, message):
    for call in (partial(train, seed=1), partial(train_ensemble, seeds=[1])):
        with pytest.raises(InputError, match=message):
            call(SMALL, TILT, **{"device": "cpu", "progress": False} | changes)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no GPU")
@pytest.mark.parametrize(
    ("task", "network", "changes"),
    [
        (ORIENTATION, ESTIMATING, {"precision": "mixed"}),
        (ORIENTATION, ESTIMATING, {"precision": "mixed", "compile": True}),
        (TILT, SMALL, {"precision": "mixed"}),
        (TILT, SMALL, {"compile": True}),
    ],
)
def test_a_gpu_trains_alike_in_mixed_precision_and_compiled(task, network, changes):
    plain, other = (train(network, task, seed=1, **QUICK | {"device": "cuda"} | own) for own in ({}, changes))
    mixed = "precision" in changes
    np.testing.assert_allclose(other.log.loss, plain.log.loss, rtol=1e-2 if mixed else 1e-3)
    assert not (mixed and np.array_equal(other.log.loss, plain.log.loss))


def test_tasks_without_classes_have_no_labels_to_smooth():
    with pytest.raises(InputError, match="OrientationEstimation has no classes with labels to smooth"):
        train(ESTIMATING, ORIENTATION, seed=1, label_smoothing=0.1, **QUICK)


@pytest.mark.parametrize("n_train", ["new", 0])
def test_other_numbers_of_stimuli_are_refused(n_train):
    with pytest.raises(InputError, match="n_train is"):
        tasks.TiltDiscrimination(n_train=n_train)


def test_keyword_arguments_are_the_recipes_fields():
    hints, changes = get_type_hints(Recipe), get_type_hints(RecipeChanges)
    assert list(changes) == [field.name for field in fields(Recipe)]
    assert all(hints[name] == changes[name] for name in changes)
    assert get_args(hints["learning_rate"])
