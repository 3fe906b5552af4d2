import numpy as np
import pytest
import torch

from normenc import stimuli
from normenc.errors import InputError
from normenc.tasks import (
    ContrastiveInvariance,
    Denoising,
    MaskedAutoencoding,
    NaturalRotation,
    NextFramePrediction,
    SparseCoding,
    VICReg,
)

KINDS = (
    NaturalRotation,
    Denoising,
    MaskedAutoencoding,
    SparseCoding,
    ContrastiveInvariance,
    VICReg,
    NextFramePrediction,
)


@pytest.fixture
def folder(tmp_path):
    """Eight photographs: dark ones, and every fourth, for testing, bright."""
    from skimage import io

    rng = np.random.default_rng(0)
    for index in range(8):
        low = 150 if index % 4 == 3 else 0
        image = rng.integers(low, low + 100, size=(120, 160), dtype=np.uint8).repeat(2, axis=0).repeat(2, axis=1)
        io.imsave(tmp_path / f"scene {index}.png", image, check_contrast=False)
    return tmp_path


def test_every_fourth_photograph_is_for_testing(folder):
    assert [len(stimuli.photograph_folder(folder, test=test)) for test in (False, True)] == [6, 2]
    halved = stimuli.photograph_folder(folder, zoom=2, test=True)
    assert halved[0].shape == (120, 160)
    assert min(image.min() for image in halved) > 0.58


@pytest.mark.parametrize("kind", KINDS)
def test_tasks_take_patches_of_a_users_photographs(folder, kind):
    task = kind(folder=str(folder), resolution=0.05)
    train, test = (draw(4, np.random.default_rng(0))[0] for draw in (task.sample, task.sample_test))
    assert train.median() < test.median()
    assert torch.equal(train, task.sample(4, np.random.default_rng(0))[0])


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_that_cannot_be_used_is_named(tmp_path, kind):
    with pytest.raises(InputError, match="there are no images"):
        kind(folder=str(tmp_path))
    from skimage import io

    for index in range(3):
        image = np.random.default_rng(index).integers(0, 255, size=(300, 400), dtype=np.uint8)
        io.imsave(tmp_path / f"{index}.png", image, check_contrast=False)
    with pytest.raises(InputError, match="there are 3 photographs; give at least 4"):
        kind(folder=str(tmp_path))
    io.imsave(tmp_path / "3.png", np.zeros((20, 20), dtype=np.uint8), check_contrast=False)
    with pytest.raises(InputError, match=r"testing photographs.* photograph .0. is 10 x 10 pixels;.* need at least"):
        kind(folder=str(tmp_path))


def test_gratings_have_no_photographs(folder):
    with pytest.raises(InputError, match="but the views are gratings"):
        VICReg(views="gratings", folder=str(folder))
