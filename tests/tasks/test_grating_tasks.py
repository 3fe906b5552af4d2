import numpy as np
import pytest
import torch

from normenc.errors import InputError
from normenc.stimuli import gratings
from normenc.tasks import OrientationEstimation, TiltDiscrimination


def test_sample_follows_the_studys_formula():
    images, targets = TiltDiscrimination().sample(50, np.random.RandomState(12))
    orientations = (np.random.RandomState(12).rand(50) - 0.5) * 180
    assert torch.equal(images, gratings(orientations))
    np.testing.assert_array_equal(targets[:, 0], orientations > 0)


def test_loss_and_score_by_hand():
    task = TiltDiscrimination()
    outputs = torch.tensor([[0.9], [0.2], [0.6]])
    targets = torch.tensor([[1.0], [0.0], [0.0]])
    assert float(task.loss(outputs, targets)) == pytest.approx(-np.log([0.9, 0.8, 0.4]).mean(), rel=1e-6)
    assert task.score(outputs, targets) == pytest.approx(2 / 3)


def test_options_reach_the_gratings():
    images, _ = TiltDiscrimination(resolution=0.05, patch=True).sample(3, np.random.default_rng(0))
    assert images.shape == (3, 24, 32)
    assert (images == 0.5).any()


@pytest.mark.parametrize(
    "options",
    [{"n_train": 0}, {"n_test": 0}, {"resolution": -1.0}, {"contrast": (0, 1, 2)}, {"contrast": 2.0}, {"noise": -1.0}],
)
def test_the_impossible_is_named(options):
    with pytest.raises(InputError, match=next(iter(options))):
        TiltDiscrimination(**options)


def test_options_vary_the_gratings():
    task = TiltDiscrimination(
        spatial_frequency=(0.02, 0.08), contrast=(0.2, 1), random_phase=True, noise=0.1, waveform="sine"
    )
    images, targets = task.sample(100, np.random.default_rng(0))
    assert len(images.flatten(1).unique(dim=0)) == 100
    assert 0.35 < targets.mean() < 0.65
    again, _ = task.sample(100, np.random.default_rng(0))
    assert torch.equal(images, again)


def test_orientation_is_told_on_its_circle():
    task = OrientationEstimation()

    def answer(degrees):
        doubled = torch.deg2rad(2 * torch.tensor(degrees, dtype=torch.float64))
        return torch.stack([doubled.cos(), doubled.sin()], dim=1)

    # 88 and -88 are 4 degrees apart; a vector's length does not count.
    assert task.score(3 * answer([88.0, 10.0]), answer([-88.0, 30.0])) == pytest.approx((4 + 20) / 2)
    assert task.score(answer([0.0]), answer([90.0])) == pytest.approx(90)
    assert float(task.loss(answer([0.0]), answer([90.0]))) == pytest.approx((2**2 + 0) / 2)


def test_targets_of_orientation_are_those_of_the_images():
    task = OrientationEstimation()
    images, targets = task.sample(30, np.random.default_rng(4))
    orientations = (np.random.default_rng(4).random(30) - 0.5) * 180
    assert torch.equal(images, gratings(orientations))
    np.testing.assert_allclose(
        np.rad2deg(np.arctan2(targets[:, 1].numpy(), targets[:, 0].numpy())) / 2, orientations, atol=1e-3
    )
