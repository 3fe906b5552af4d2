from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from normenc import networks, tasks
from normenc.errors import InputError
from normenc.training import train, train_ensemble

SIZE = (12, 16)
TILT = tasks.TiltDiscrimination(n_train=70, n_test=60, resolution=0.025)
ORIENTATION = tasks.OrientationEstimation(n_train=70, n_test=60, resolution=0.025)
CONTRASTIVE = tasks.ContrastiveInvariance(n_train=70, n_test=60, resolution=0.025)
OPTIONS = {"n_epochs": 3, "batch_size": 30, "learning_rate": 1e-3, "momentum": 0.9, "progress": False}

NETWORKS = {
    "FC": partial(networks.FC, SIZE),
    "ConvFC": partial(networks.ConvFC, SIZE, n_channels=3),
    "ConvPoolFC": partial(networks.ConvPoolFC, SIZE, pool_size=4),
    "ConvPoolFC random": partial(networks.ConvPoolFC, SIZE, pool_size=4, n_channels=14, initial="random"),
    "deep": partial(networks.DeepConvPoolFC, SIZE, n_blocks=2, n_channels=4),
    "deep batch": partial(networks.DeepConvPoolFC, SIZE, n_blocks=2, n_channels=4, normalisation="batch"),
    "deep divisive": partial(networks.DeepConvPoolFC, SIZE, n_blocks=2, n_channels=4, normalisation="divisive"),
}


def assert_same(found, expected):
    np.testing.assert_allclose(found.log.loss, expected.log.loss, rtol=2e-4, atol=1e-6)
    np.testing.assert_array_equal(found.log.epoch, expected.log.epoch)
    assert found.log.held_out_score == pytest.approx(expected.log.held_out_score, rel=1e-2, abs=0.02)
    assert found.log.untrained_score == expected.log.untrained_score
    for one, other in ((found.network, expected.network), (found.untrained, expected.untrained)):
        state = other.state_dict()
        for name, value in one.state_dict().items():
            torch.testing.assert_close(value, state[name], rtol=1e-3, atol=1e-4)
    assert found.checkpoints.keys() == expected.checkpoints.keys()
    for epoch, network in found.checkpoints.items():
        state = expected.checkpoints[epoch].state_dict()
        for name, value in network.state_dict().items():
            torch.testing.assert_close(value, state[name], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("name", NETWORKS)
def test_each_member_is_what_training_alone_gives(name, shared):
    network, seeds = NETWORKS[name], [4, 9, 2]
    members = train_ensemble(
        network, TILT, seeds=seeds, shared_data=shared, checkpoints=[0, 1, 3], device="cpu", **OPTIONS
    )
    assert list(members) == seeds
    for seed in seeds:
        alone = train(
            network,
            TILT,
            seed=seed,
            data_seed=seeds[0] if shared else None,
            checkpoints=[0, 1, 3],
            device="cpu",
            **OPTIONS,
        )
        assert_same(members[seed], alone)
    assert not np.allclose(members[4].log.loss, members[9].log.loss)


@pytest.mark.parametrize("task", [ORIENTATION, CONTRASTIVE], ids=["several outputs", "two views"])
@pytest.mark.parametrize("shared", [True, False])
def test_other_tasks_too(task, shared):
    network = partial(NETWORKS["ConvPoolFC"], n_outputs=task.n_outputs, output=task.output)
    members = train_ensemble(network, task, seeds=[1, 2], shared_data=shared, device="cpu", **OPTIONS)
    for seed in (1, 2):
        alone = train(network, task, seed=seed, data_seed=1 if shared else None, device="cpu", **OPTIONS)
        assert_same(members[seed], alone)


def test_progress_is_the_members_mean_loss():
    seen = []
    members = train_ensemble(
        NETWORKS["FC"], TILT, seeds=[1, 2], **OPTIONS | {"progress": lambda *told: seen.append(told)}
    )
    losses = np.mean([members[seed].log.loss for seed in (1, 2)], axis=0)
    np.testing.assert_allclose([loss for _, _, loss in seen], losses)
    assert seen[-1][:2] == (9, 9)


class Tied(nn.Module):
    """Two layers with one weight."""

    def __init__(self):
        super().__init__()
        self.one, self.two, self.out = nn.Linear(192, 192), nn.Linear(192, 192), nn.Linear(192, 1)
        self.two.weight = self.one.weight

    def forward(self, images):
        return torch.sigmoid(self.out(self.two(self.one(images.flatten(1)).relu()).relu()))


class Normed(nn.Module):
    """A layer whose weight is made of its direction and its length."""

    def __init__(self):
        super().__init__()
        self.out = torch.nn.utils.parametrizations.weight_norm(nn.Linear(192, 1))

    def forward(self, images):
        return torch.sigmoid(self.out(images.flatten(1)))


class Plain(nn.Module):
    """Holds a random tensor that is neither a parameter nor a buffer."""

    def __init__(self):
        super().__init__()
        self.out, self.mask = nn.Linear(192, 1), torch.rand(192)

    def forward(self, images):
        return torch.sigmoid(self.out(images.flatten(1) * self.mask))


class Dropping(nn.Module):
    def __init__(self):
        super().__init__()
        self.drop, self.out = nn.Dropout(0.5), nn.Linear(192, 1)

    def forward(self, images):
        return torch.sigmoid(self.out(self.drop(images.flatten(1))))


class Lazy(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.LazyLinear(1)

    def forward(self, images):
        return torch.sigmoid(self.out(images.flatten(1)))


@pytest.mark.filterwarnings("ignore:There is a performance drop")  # of vmap, with weight_norm
@pytest.mark.parametrize("network", [Tied, Normed, Lazy, Plain, Dropping])
def test_members_are_those_trained_alone_or_are_refused(network):
    alone = {seed: train(network, TILT, seed=seed, data_seed=1, **OPTIONS) for seed in (1, 2)}
    if network in (Plain, Dropping):
        with pytest.raises(InputError, match=r"is not what training alone gives.*train it seed by seed"):
            train_ensemble(network, TILT, seeds=[1, 2], **OPTIONS)
        return
    members = train_ensemble(network, TILT, seeds=[1, 2], **OPTIONS)
    for seed, member in members.items():
        assert_same(member, alone[seed])
    if network is Tied:
        assert members[1].network.one.weight is members[1].network.two.weight


@pytest.mark.parametrize("network", [Dropping, Lazy, NETWORKS["FC"]])
@pytest.mark.parametrize("state", [3, 4])
def test_the_seed_decides_everything(network, state):
    torch.manual_seed(state)
    before = torch.random.get_rng_state()
    found = train(network, TILT, seed=7, **OPTIONS)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(99)
    again = train(network, TILT, seed=7, **OPTIONS)
    np.testing.assert_array_equal(found.log.loss, again.log.loss)
    assert found.log.held_out_score == again.log.held_out_score


@pytest.mark.filterwarnings("ignore")
def test_what_cannot_be_copied_is_refused():
    def build():
        return nn.Sequential(nn.Flatten(), torch.nn.utils.weight_norm(nn.Linear(192, 1)), nn.Sigmoid())

    for fit in (train, train_ensemble):
        with pytest.raises(
            InputError, match=r"cannot be copied once it has run; use .*parametrizations.weight_norm instead"
        ):
            fit(build, TILT, **OPTIONS | ({"seed": 1} if fit is train else {"seeds": [1, 2]}))


class Writing(nn.Module):
    """Writes over the images that it is given."""

    def __init__(self):
        super().__init__()
        self.out = nn.Linear(192, 1)

    def forward(self, images):
        images -= 0.5
        return torch.sigmoid(self.out(images.flatten(1)))


def test_the_next_network_sees_the_same_stimuli():
    clean = train(NETWORKS["FC"], TILT, seed=5, **OPTIONS)
    writing = train(Writing, TILT, seed=5, **OPTIONS)
    after = train(NETWORKS["FC"], TILT, seed=5, **OPTIONS)
    np.testing.assert_array_equal(after.log.loss, clean.log.loss)
    fresh, targets = TILT.sample_test(TILT.n_test, np.random.default_rng([5, 1]))
    with torch.no_grad():
        assert writing.log.held_out_score == TILT.score(writing.network(fresh), targets)


class Deciding(nn.Module):
    """Its path depends on the values, so that members cannot be run as one."""

    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(192, 1)

    def forward(self, images):
        outputs = self.out(images.flatten(1))
        return torch.sigmoid(outputs if bool(outputs.sum() > 0) else -outputs)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seeds": []}, "there must be at least one"),
        ({"seeds": [1, 1]}, "each once"),
        ({"seeds": [-1]}, "seed is -1"),
        ({"checkpoints": [7]}, "checkpoints hold epoch 7"),
        ({"network": Deciding}, "Deciding cannot be trained as an ensemble"),
        ({"task": ORIENTATION}, r"answers 2 images with \(2, 1\).*n_outputs=2"),
        ({"learning_rate": 1e30}, "of seed 1, 2 diverged"),
    ],
)
def test_the_impossible_is_named(options, message):
    arguments = OPTIONS | {"network": NETWORKS["FC"], "task": TILT, "seeds": [1, 2]} | options
    with pytest.raises(InputError, match=message):
        train_ensemble(**arguments)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no GPU")
def test_a_gpu_gives_the_same_members():
    options = OPTIONS | {"seeds": [4, 9], "checkpoints": [1]}
    on_gpu = train_ensemble(NETWORKS["ConvPoolFC"], TILT, device="cuda", **options)
    on_cpu = train_ensemble(NETWORKS["ConvPoolFC"], TILT, device="cpu", **options)
    for seed, member in on_gpu.items():
        np.testing.assert_allclose(member.log.loss, on_cpu[seed].log.loss, rtol=1e-3)
