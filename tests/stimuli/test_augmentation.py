import re
import sys

import numpy as np
import pytest
import torch

from normenc import stimuli
from normenc.errors import InputError
from normenc.stimuli.augmentation import AUGMENTATIONS
from normenc.tasks import ObjectRecognition


@pytest.fixture(scope="module")
def images():
    return stimuli.natural_patches(40, np.random.default_rng(0)).images


@pytest.mark.parametrize("kind", [*AUGMENTATIONS, "all"])
def test_images_vary_by_the_given_generator_alone(torchvision, images, kind):
    kinds = list(AUGMENTATIONS) if kind == "all" else [kind]
    kept, state = images.clone(), torch.get_rng_state()
    varied = stimuli.augmented(images, kinds, np.random.default_rng(1))
    assert torch.equal(varied, stimuli.augmented(images, kinds[::-1], np.random.default_rng(1)))
    assert not torch.equal(varied, stimuli.augmented(images, kinds, np.random.default_rng(2)))
    assert varied.shape == images.shape
    assert 0 <= varied.min() < varied.max() <= 1
    assert torch.equal(images, kept)
    assert torch.equal(state, torch.get_rng_state())


def test_every_second_image_is_mirrored(torchvision, images):
    varied = stimuli.augmented(images, ["flip"], np.random.default_rng(0))
    mirrored = [torch.equal(one, other.flip(1)) for one, other in zip(varied, images, strict=True)]
    same = [torch.equal(one, other) for one, other in zip(varied, images, strict=True)]
    assert sum(mirrored) + sum(same) == 40
    assert 10 < sum(mirrored) < 30


def test_what_varies_is_what_is_stated(torchvision):
    grating = stimuli.gratings([0.0] * 30, waveform="sine", spatial_frequency=1 / 7, aperture="gaussian")
    crop, colour, rotation = (
        stimuli.augmented(grating, [kind], np.random.default_rng(0)) for kind in ("crop", "colour", "rotation")
    )
    from normenc.tasks.references import edge_orientation

    assert np.abs(edge_orientation(crop)).max() < 0.5  # enlarged, not turned
    turned = edge_orientation(rotation)
    assert 10 < np.abs(turned).max() < 16
    contrasts = colour.flatten(1).std(dim=1) / grating[0].std()
    assert contrasts.min() >= 0.6**2 - 1e-3
    assert contrasts.max() <= 1.4**2 + 1e-3
    assert np.ptp(contrasts.numpy()) > 0.3


def test_only_training_images_of_a_folder_are_varied(torchvision, tmp_path):
    from skimage import io

    for kind in ("cats", "dogs"):
        (tmp_path / kind).mkdir()
        for index in range(8):
            image = np.random.default_rng(index).integers(0, 255, (48, 64), dtype=np.uint8)
            io.imsave(tmp_path / kind / f"{index}.png", image, check_contrast=False)
    plain, varied = (
        ObjectRecognition(folder=str(tmp_path)),
        ObjectRecognition(folder=str(tmp_path), augment=("crop", "flip")),
    )
    (before, labels), (after, same) = (task.sample(20, np.random.default_rng(0)) for task in (plain, varied))
    assert torch.equal(labels, same)
    assert not torch.equal(before, after)
    before, after = (task.sample_test(20, np.random.default_rng(0))[0] for task in (plain, varied))
    assert torch.equal(before, after)


@pytest.mark.parametrize(
    ("augment", "message"),
    [(("zoom",), "augment is ['zoom']; each must be one of crop,"), (("flip", "flip"), "listed once")],
)
def test_the_impossible_is_named(augment, message):
    with pytest.raises(InputError, match=re.escape(message)):
        ObjectRecognition(folder="anywhere", augment=augment)


def test_a_torchvision_that_cannot_be_imported_is_named(monkeypatch):
    for name in ("torchvision", "torchvision.transforms.v2"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError, match=r"needs torchvision .*pip install 'normenc\[models\]'"):
        ObjectRecognition(folder="anywhere", augment=("flip",))


def test_digits_are_not_augmented():
    with pytest.raises(InputError, match="there is no folder; digits vary"):
        ObjectRecognition(augment=("flip",))
