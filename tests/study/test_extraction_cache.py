import os
from types import MethodType

import numpy as np
import pytest
import torch
from torch import nn

from normenc import rsa
from normenc.errors import InputError, NormencWarning
from normenc.representations import represent
from normenc.stimuli import ImageSet
from normenc.study import extraction
from normenc.study.extraction import extracted

IMAGES = torch.rand(12, 3, 16, 16, generator=torch.Generator().manual_seed(1))


def network(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(784, 5))


@pytest.fixture
def ran(monkeypatch):
    """Extract, and tell whether the network was shown all images."""
    passes, extract = [], extraction.extract
    monkeypatch.setattr(
        extraction, "extract", lambda *args, **options: (passes.append(0), extract(*args, **options))[1]
    )

    def ran(*args, **options):
        before = len(passes)
        return extracted(*args, **options), len(passes) > before

    return ran


def test_what_was_computed_before_is_read(tmp_path, ran):
    found, first = ran(network(), IMAGES, ["1", "3"], cache=tmp_path)
    again, second = ran(network(), IMAGES, ["3", "1"], cache=tmp_path)
    assert (first, second) == (True, False)
    assert list(again) == ["3", "1"]
    for name, layer in represent(network(), IMAGES, ["1", "3"]).items():
        for results in (found, again):
            np.testing.assert_array_equal(results[name].rdm, rsa.rdm(layer))
            np.testing.assert_array_equal(results[name].responses, layer)
            assert results[name].n_units == layer.shape[1]


def test_anything_that_decides_a_result_counts(tmp_path, ran):
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
        (network(), IMAGES, {"known": {"options": {"power": 2}}}),
    ):
        assert ran(other, images, ["1"], cache=tmp_path, **options)[1]
    assert not ran(network(), IMAGES, ["1"], cache=tmp_path)[1]
    assert ran(network(), IMAGES, ["1", "3"], cache=tmp_path)[1]  # of which one is there
    assert len(list(tmp_path.iterdir())) == 9


@pytest.mark.parametrize("harm", ["cut", "changed", "of another layer", "a folder"])
def test_damaged_files_are_computed_again(tmp_path, harm, ran):
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


def test_damage_to_files_of_several_networks_is_told_once(tmp_path):
    def read():
        for seed in (0, 1):
            extracted(network(seed), IMAGES, ["1", "3"], cache=tmp_path)

    read()
    for file in tmp_path.iterdir():
        file.write_bytes(b"damaged")
    with (
        pytest.warns(NormencWarning, match="what was kept of 4 layers was damaged") as told,
        extraction.damage_told_once(),
    ):
        read()
    assert len(told) == 1


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


GAIN = 1.0


def doubled(x):
    return 2 * x


def with_global(gain):
    """A network whose function reads a global value that decides what it gives."""
    globals()["GAIN"] = gain
    return Scaled(lambda x: x.abs() ** GAIN)


class Scaled(nn.Sequential):
    power = 1.0

    def __init__(self, function=None):
        torch.manual_seed(0)
        super().__init__(nn.Conv2d(3, 4, 3))
        self.function = function

    def forward(self, x):
        x = super().forward(x)
        return x.abs() ** self.power if self.function is None else self.function(x)


def with_class_attribute(power):
    Scaled.power = power
    return Scaled()


def with_own_forward(factor):
    network = Scaled()

    def forward(self, x):
        return self[0](x) ** 2 if factor == 1 else self[0](x).exp()

    network.forward = MethodType(forward, network)
    return network


def with_environment(factor):
    """What no digest can know."""
    os.environ["NORMENC_TEST_FACTOR"] = str(factor)
    return Scaled(lambda x: x.abs() ** float(os.environ["NORMENC_TEST_FACTOR"]))


def with_a_hook(factor):
    network = Scaled(doubled)
    names = {}
    exec(f"def helper(x):\n    return x ** {factor}\ndef hook(module, args, output):\n    return helper(output)", names)
    network[0].register_forward_hook(names["hook"])
    return network


@pytest.mark.parametrize("build", [with_global, with_class_attribute, with_own_forward, with_environment, with_a_hook])
def test_what_the_code_reads_elsewhere_counts(tmp_path, monkeypatch, build):
    monkeypatch.setenv("NORMENC_TEST_FACTOR", "1")
    whole = {}
    for value in (1, 3):
        network = nn.Sequential(build(value))
        found = extracted(network, IMAGES, ["0"], cache=tmp_path)["0"]
        whole[value] = rsa.rdm(represent(network, IMAGES, ["0"])["0"])
        np.testing.assert_array_equal(found.rdm, whole[value])
    assert np.abs(whole[1] - whole[3]).max() > 0.01
    Scaled.power = 1.0
