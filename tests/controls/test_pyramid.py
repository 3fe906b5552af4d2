import sys

import numpy as np
import pytest
import torch

from normenc.controls import steerable_pyramid
from normenc.errors import InputError
from normenc.stimuli import gratings

plenoptic = pytest.importorskip("plenoptic", reason="plenoptic, the optional extra 'pyramid', is not installed")


def bands(images: torch.Tensor, n_scales: int, n_orientations: int) -> list[np.ndarray]:
    """Amplitudes of each scale, shape (n, n_orientations, height, width)."""
    flat = steerable_pyramid(images, n_scales=n_scales, n_orientations=n_orientations)["amplitude"].numpy()
    found, start = [], 0
    for scale in range(n_scales):
        shape = (n_orientations, images.shape[1] >> scale, images.shape[2] >> scale)
        found.append(flat[:, start : start + np.prod(shape)].reshape(-1, *shape))
        start += np.prod(shape)
    assert start == flat.shape[1]
    return found


def test_bands_prefer_their_orientation():
    orientations = np.arange(0, 180, 30)
    images = gratings(orientations, spatial_frequency=0.08, waveform="sine", resolution=0.1)
    second = bands(images, 3, 6)[1].mean(axis=(2, 3))
    best = second.argmax(axis=1)
    assert len(set(best)) == 6  # each orientation has a band of its own
    steps = np.diff(best) % 6
    assert set(steps) in ({1}, {5})  # and neighbours are neighbours


def test_amplitude_does_not_depend_on_phase():
    phases = np.arange(0, 360, 30.0)
    size = 64
    x = np.arange(size) * 2 * np.pi * 8 / size  # whole periods: edges meet
    images = torch.from_numpy(np.cos(x[None, None, :] + np.deg2rad(phases)[:, None, None]) * np.ones((1, size, 1)))
    found = steerable_pyramid(images)["amplitude"]
    torch.testing.assert_close(found, found[:1].expand_as(found), atol=1e-9, rtol=1e-6)


def test_all_energy_is_there_but_the_residuals():
    """A tight frame: for a wave in the pyramid's range the squared amplitudes sum to its energy."""
    size = 64
    x = np.arange(size) * 2 * np.pi * 8 / size
    image = torch.from_numpy(np.cos(x)[None, None, :] * np.ones((1, size, 1)))
    found = steerable_pyramid(image)["amplitude"]
    assert float(found.square().sum()) == pytest.approx(float(image.square().sum()), rel=1e-5)


@pytest.mark.parametrize(
    ("size", "options", "message"),
    [
        ((48, 64), {"n_scales": 4}, "n_scales is 4 but images are 48 x 64"),
        ((6, 6), {}, "n_scales is 0"),
        ((48, 64), {"n_orientations": 1}, "n_orientations is 1"),
    ],
)
def test_bad_input_is_named(size, options, message):
    with pytest.raises(InputError, match=message):
        steerable_pyramid(torch.rand(1, *size), **options)


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "plenoptic.process", None)
    with pytest.raises(InputError, match=r"pip install 'normenc\[pyramid\]'"):
        steerable_pyramid(torch.rand(1, 48, 64))
