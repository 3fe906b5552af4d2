import copy

import numpy as np
import pytest
import torch
from torch import nn

from normenc import networks, tasks
from normenc.errors import InputError
from normenc.training import resolve_device, train, train_ensemble

SMALL = tasks.TiltDiscrimination(n_train=60, n_test=40, resolution=0.025)


def small_network() -> nn.Module:
    return networks.ConvPoolFC((12, 16), n_channels=3, filter_size=3, pool_size=4)


def plain_reference_training(n_epochs: int) -> list[float]:
    """The study as its text reads: global generators, one image after another, plain layers."""
    np.random.seed(12)
    torch.manual_seed(12)
    conv, fc, out = nn.Conv2d(1, 6, 7, padding=3), nn.Linear(288, 10), nn.Linear(10, 1)
    conv.weight.data = networks.initial_filters()
    conv.bias.data.zero_()
    orientations = (np.random.rand(1000) - 0.5) * 180
    rows, columns = np.indices((48, 64))
    images = []
    for theta in np.deg2rad(orientations):
        phase = columns / 28 / 0.1 * np.cos(theta) + rows / 28 / 0.1 * np.sin(theta)
        images.append(torch.tensor(np.cos(phase) > 0, dtype=torch.float32))
    x, y = torch.stack(images)[:, None], torch.tensor(orientations > 0, dtype=torch.float32)[:, None]
    parameters = [*conv.parameters(), *fc.parameters(), *out.parameters()]
    optimizer = torch.optim.SGD(parameters, lr=5e-4, momentum=0.99)
    losses = []
    for _ in range(n_epochs):
        order = torch.randperm(1000)
        for start in range(0, 1000, 100):
            batch = order[start : start + 100]
            hidden = torch.relu(fc(torch.max_pool2d(torch.relu(conv(x[batch])), 8).flatten(1)))
            loss = nn.functional.binary_cross_entropy(torch.sigmoid(out(hidden)), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return losses


def test_published_training_log(reference):
    published = [4.10e-01, 5.17e-02, 1.32e-02, 2.29e-03, 8.08e-05]
    found = reference.log.epoch_loss()[[4, 9, 14, 19, 24]]
    np.testing.assert_allclose(found[:4], published[:4], rtol=0.02)
    np.testing.assert_allclose(found[4], published[4], rtol=0.05)
    assert round(reference.log.train_score, 3) == 0.999
    assert reference.log.held_out_score > 0.98
    assert 0.3 < reference.log.untrained_score < 0.7
    assert reference.log.loss.shape == reference.log.epoch.shape == (250,)


def test_every_step_is_the_studys_own(reference):
    np.testing.assert_allclose(reference.log.loss[:30], plain_reference_training(3), rtol=1e-4)


def test_untrained_twin_is_the_network_before_the_first_step(reference):
    torch.manual_seed(12)
    initial = networks.ConvPoolFC()
    for name, value in initial.state_dict().items():
        assert torch.equal(value, reference.untrained.state_dict()[name])
    assert not torch.equal(reference.network.fc.weight, reference.untrained.fc.weight)


def test_no_global_generator_is_disturbed():
    numpy_state, torch_state = np.random.get_state()[1].copy(), torch.get_rng_state()
    train(small_network, SMALL, seed=3, n_epochs=1, progress=False)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)
    assert torch.equal(torch.get_rng_state(), torch_state)


def test_same_seed_same_result_other_seed_another():
    first, second, other = (train(small_network, SMALL, seed=seed, n_epochs=2, progress=False) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first.log.loss, second.log.loss)
    assert not np.array_equal(first.log.loss, other.log.loss)


def test_a_module_keeps_its_weights_and_is_trained_from_them():
    model = small_network()
    before = copy.deepcopy(model.state_dict())
    result = train(model, SMALL, seed=1, n_epochs=1, progress=False)
    for name, value in before.items():
        assert torch.equal(model.state_dict()[name], value)
        assert torch.equal(result.untrained.state_dict()[name], value)
    assert not torch.equal(result.network.fc.weight, model.fc.weight)


@pytest.mark.parametrize(("n_epochs", "batch_size", "n_steps"), [(1, 100, 1), (3, 25, 9), (2, 60, 2)])
def test_any_number_of_epochs_and_batches(n_epochs, batch_size, n_steps):
    seen = []
    result = train(
        small_network,
        SMALL,
        seed=1,
        n_epochs=n_epochs,
        batch_size=batch_size,
        progress=lambda step, total, loss: seen.append((step, total, loss)),
    )
    assert [step for step, _, _ in seen] == list(range(1, n_steps + 1))
    assert {total for _, total, _ in seen} == {n_steps}
    np.testing.assert_array_equal([loss for _, _, loss in seen], result.log.loss)
    assert len(result.log.epoch_loss()) == n_epochs
    assert result.log.epoch_loss()[-1] == result.log.loss[-1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_epochs": 0}, "n_epochs is 0"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"learning_rate": 0.0}, "learning_rate is 0"),
        ({"momentum": 1.0}, "momentum is 1"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": 1.5}, r"seed is 1\.5; it must be a whole number"),
        ({"seed": "1"}, "seed is '1'; it must be a whole number"),
        ({"seed": True}, "seed is True; it must be a whole number"),
        ({"seed": 2**32}, "seed is 4294967296"),
        ({"data_seed": 1.0}, r"data_seed is 1\.0; it must be a whole number"),
        ({"n_epochs": 2.0}, r"n_epochs is 2\.0; it must be a whole number"),
        ({"batch_size": np.float64(20)}, "batch_size is .*; it must be a whole number"),
        ({"learning_rate": "fast"}, "learning_rate is 'fast'; it must be a positive number"),
        ({"momentum": None}, "momentum is None; it must be a number"),
        ({"checkpoints": 2}, "checkpoints is 2; give a list of epochs"),
        ({"checkpoints": [0.5]}, r"an epoch in checkpoints is 0\.5; it must be a whole number"),
        ({"device": "abacus"}, "device is 'abacus'"),
        ({"device": "meta"}, "device is 'meta'; it must be 'auto', 'cpu' or 'cuda'"),
        ({"network": networks.ConvPoolFC}, "built for images of 48 x 64"),
        ({"network": lambda: 3}, "built a int"),
        ({"learning_rate": 1e30}, "diverged"),
    ],
)
def test_the_impossible_is_named(options, message):
    arguments = {"network": small_network, "task": SMALL, "seed": 1, "n_epochs": 4, "progress": False} | options
    with pytest.raises(InputError, match=message):
        train(**arguments)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there_is_named():
    with pytest.raises(InputError, match="no CUDA GPU"):
        resolve_device("cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no GPU")
def test_a_gpu_gives_the_published_losses_too():
    result = train(networks.ConvPoolFC, tasks.TiltDiscrimination(), seed=12, device="cuda", progress=False)
    np.testing.assert_allclose(result.log.epoch_loss()[[4, 9, 14]], [4.10e-01, 5.17e-02, 1.32e-02], rtol=0.02)


def test_another_data_seed_changes_the_stimuli_alone():
    one, other = (train(small_network, SMALL, seed=1, data_seed=d, n_epochs=2, progress=False) for d in (1, 5))
    for name, value in one.untrained.state_dict().items():
        assert torch.equal(value, other.untrained.state_dict()[name])
    assert not np.array_equal(one.log.loss, other.log.loss)
    plain = train(small_network, SMALL, seed=1, n_epochs=2, progress=False)
    np.testing.assert_array_equal(one.log.loss, plain.log.loss)


def test_checkpoints_are_the_network_on_its_way():
    result = train(small_network, SMALL, seed=1, n_epochs=4, checkpoints=[0, 2, 4], progress=False)
    halfway = train(small_network, SMALL, seed=1, n_epochs=2, progress=False)
    assert list(result.checkpoints) == [0, 2, 4]
    for found, expected in (
        (result.checkpoints[0], result.untrained),
        (result.checkpoints[2], halfway.network),
        (result.checkpoints[4], result.network),
    ):
        assert not found.training
        for name, value in found.state_dict().items():
            assert torch.equal(value, expected.state_dict()[name])


ORIENTATION = tasks.OrientationEstimation(n_train=60, n_test=60, resolution=0.025)


@pytest.mark.parametrize(
    ("task", "network", "message"),
    [
        (
            ORIENTATION,
            small_network,
            r"maps 2 images to outputs of shape \(2, 1\), but OrientationEstimation needs \(2, 2\)",
        ),
        (SMALL, lambda: networks.FC((12, 16), output="linear"), "outputs outside 0 to 1.*output='probability'"),
        (ORIENTATION, lambda: nn.Sequential(nn.Flatten(), nn.Linear(9, 2)), "cannot process the images"),
        (ORIENTATION, nn.Identity, r"maps 2 images to outputs of shape \(2, 12, 16\)"),
    ],
)
def test_a_network_that_does_not_fit_is_named_before_it_is_trained(task, network, message):
    with pytest.raises(InputError, match=message):
        train(network, task, seed=1, progress=lambda *told: pytest.fail("trained"))


def normalised_network() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(192, 4), nn.BatchNorm1d(4), nn.Linear(4, 1), nn.Sigmoid())


@pytest.mark.parametrize("batch_size", [1, 59])
@pytest.mark.parametrize("fit", [lambda *given, **options: train(*given, seed=1, **options), train_ensemble])
def test_a_last_batch_on_which_a_network_cannot_be_trained_is_named_before_training(fit, batch_size):
    with pytest.raises(InputError, match=r"on a batch of 1, .* 60 stimuli .*; choose another batch_size or number of"):
        fit(normalised_network, SMALL, batch_size=batch_size, progress=lambda *told: pytest.fail("trained"))
    train(normalised_network, SMALL, seed=1, batch_size=29, n_epochs=1, progress=False)  # the last is of 2


def test_numbers_of_numpy_are_numbers():
    plain = train(small_network, SMALL, seed=3, n_epochs=2, batch_size=20, checkpoints=[1], progress=False)
    numpy = train(
        small_network,
        SMALL,
        seed=np.int64(3),
        n_epochs=np.int32(2),
        batch_size=np.uint8(20),
        checkpoints=np.array([1]),
        progress=False,
    )
    np.testing.assert_array_equal(numpy.log.loss, plain.log.loss)
    assert list(numpy.checkpoints) == [1]
    members = train_ensemble(small_network, SMALL, seeds=np.arange(2), n_epochs=np.int64(1), progress=False)
    assert list(members) == [0, 1]


class AlwaysDropping(nn.Module):
    """Draws random numbers in evaluation too, and counts how often it has run."""

    def __init__(self) -> None:
        super().__init__()
        self.out, self.n_runs = nn.Linear(192, 1), 0

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.n_runs += 1
        return torch.sigmoid(self.out(nn.functional.dropout(images.flatten(1), 0.5)))


def test_the_seed_decides_the_scores_of_a_network_that_always_draws():
    found = []
    for state in (1, 2):
        torch.manual_seed(state)
        before = torch.get_rng_state()
        result = train(AlwaysDropping, SMALL, seed=5, n_epochs=2, batch_size=30, progress=False)
        assert torch.equal(torch.get_rng_state(), before)
        with pytest.raises(InputError, match="draws random numbers as it runs"):
            train_ensemble(AlwaysDropping, SMALL, seeds=[1, 2], progress=False)
        assert torch.equal(torch.get_rng_state(), before)
        found.append((result.log.train_score, result.log.held_out_score, result.log.untrained_score))
    assert found[0] == found[1]
    assert result.network.n_runs == 2 * 2 + 2  # its steps and two scores: no trial before training counts


def test_a_chance_that_a_constant_beats_is_named_before_training():
    class Modest(tasks.TiltDiscrimination):
        chance = 0.2

    with pytest.raises(InputError, match=r"a constant answer reaches 0\.\d+ \(accuracy\)"):
        train(
            small_network,
            Modest(n_train=200, n_test=200, resolution=0.025),
            seed=1,
            progress=lambda *told: pytest.fail("trained"),
        )
