import numpy as np
import pytest
import torch

from normenc.errors import InputError
from normenc.stimuli import gratings
from normenc.tasks import TiltDiscrimination


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


@pytest.mark.parametrize("options", [{"n_train": 0}, {"n_test": 0}, {"resolution": -1.0}])
def test_the_impossible_is_named(options):
    with pytest.raises(InputError, match=next(iter(options))):
        TiltDiscrimination(**options)
