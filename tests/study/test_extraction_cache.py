import numpy as np
import pytest
import torch
from torch import nn

from normenc import rsa
from normenc.errors import InputError, NormencWarning
from normenc.representations import represent
from normenc.stimuli import ImageSet
from normenc.study.extraction import extracted

IMAGES = torch.rand(12, 3, 16, 16, generator=torch.Generator().manual_seed(1))


class Counted(nn.Sequential):
    """A network that counts, for the test, how often it runs."""

    runs = 0

    def forward(self, x):
        type(self).runs += 1
        return super().forward(x)


def network(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return Counted(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(784, 5))


def ran(*args, **options):
    """What is extracted, and whether the network ran."""
    before = Counted.runs
    return extracted(*args, **options), Counted.runs > before


def test_what_was_computed_before_is_read(tmp_path):
    found, first = ran(network(), IMAGES, ["1", "3"], cache=tmp_path)
    again, second = ran(network(), IMAGES, ["3", "1"], cache=tmp_path)
    assert (first, second) == (True, False)
    assert list(again) == ["3", "1"]
    for name, layer in represent(network(), IMAGES, ["1", "3"]).items():
        for results in (found, again):
            np.testing.assert_array_equal(results[name].rdm, rsa.rdm(layer))
            np.testing.assert_array_equal(results[name].responses, layer)
            assert results[name].n_units == layer.shape[1]


def test_anything_that_decides_a_result_counts(tmp_path):
    extracted(network(), IMAGES, ["1"], cache=tmp_path)
    changed = network()
    changed[0].padding_mode = "reflect"  # without padding, the same values, but that is not known
    for other, images, options in (
        (network(1), IMAGES, {}),
        (changed, IMAGES, {}),
        (network(), IMAGES.flip(0), {}),
        (network(), IMAGES, {"metric": "cosine"}),
        (network(), IMAGES, {"dtype": "bfloat16"}),
        (network(), IMAGES, {"reduce": "sample"}),
    ):
        assert ran(other, images, ["1"], cache=tmp_path, **options)[1]
    assert not ran(network(), IMAGES, ["1"], cache=tmp_path)[1]
    assert ran(network(), IMAGES, ["1", "3"], cache=tmp_path)[1]  # of which one is there
    assert len(list(tmp_path.iterdir())) == 8


@pytest.mark.parametrize("harm", ["cut", "changed", "of another layer", "a folder"])
def test_damaged_files_are_computed_again(tmp_path, harm):
    expected = extracted(network(), IMAGES, ["1"], cache=tmp_path)["1"]
    (file,) = tmp_path.iterdir()
    content = file.read_bytes()
    if harm == "cut":
        file.write_bytes(content[:-5])
    elif harm == "changed":
        file.write_bytes(content[:-5] + bytes(5))
    elif harm == "of another layer":
        extracted(network(), IMAGES, ["3"], cache=tmp_path / "other")
        file.write_bytes(next((tmp_path / "other").iterdir()).read_bytes())
    else:
        file.unlink()
        file.mkdir()
    with pytest.warns(NormencWarning, match="what was kept of 1 layer was damaged, and is computed again"):
        found = extracted(network(), IMAGES, ["1"], cache=tmp_path)["1"]
    np.testing.assert_array_equal(found.rdm, expected.rdm)
    assert not ran(network(), IMAGES, ["1"], cache=tmp_path)[1]


def test_layers_without_dissimilarities_leave_the_others(tmp_path):
    silent = network()
    with torch.no_grad():
        silent[3].weight.zero_()
        silent[3].bias.zero_()
    for _ in range(2):
        found = extracted(silent, IMAGES, ["1", "3"], cache=tmp_path)
        assert isinstance(found["3"], InputError)
        assert found["1"].rdm.shape == (12, 12)


def test_callables_are_computed_each_time(tmp_path):
    found = extracted(lambda x: {"pixels": x.flatten(1)}, IMAGES, cache=tmp_path)
    np.testing.assert_allclose(found["pixels"].rdm, rsa.rdm(IMAGES.flatten(1)))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="layers cannot be kept here"):
        extracted(network(), IMAGES, ["1"], cache=tmp_path / "file" / "units")


class Changing(nn.Sequential):
    """A network during whose run another program writes to the images' file."""

    write = None

    def forward(self, x):
        if type(self).write is not None:
            type(self).write()
        return super().forward(x)


@pytest.mark.parametrize("kind", ["in place", "anew"])
def test_nothing_is_kept_of_images_that_change_during_a_run(tmp_path, kind):
    images = np.random.default_rng(0).integers(0, 256, (12, 16, 16, 3), dtype=np.uint8)
    place = tmp_path / "images.npy"
    np.save(place, images)

    def write():
        if kind == "anew":
            np.save(place, 255 - images)
        else:
            there = np.load(place, mmap_mode="r+")
            there[:] = 255 - images
            there.flush()

    torch.manual_seed(0)
    encoder = Changing(nn.Conv2d(3, 4, 3), nn.ReLU())
    Changing.write = staticmethod(write)
    with pytest.raises(InputError, match=r"images.npy: this has changed since it was first read"):
        extracted(encoder, ImageSet.open(place), ["1"], cache=tmp_path / "cache", memory="1MiB")
    assert list((tmp_path / "cache").glob("*")) == []
    Changing.write = None
    for content in (255 - images, images):
        np.save(place, content)
        found = extracted(encoder, ImageSet.open(place), ["1"], cache=tmp_path / "cache")["1"]
        np.testing.assert_allclose(found.rdm, rsa.rdm(represent(encoder, ImageSet.of(content).all(), ["1"])["1"]))
