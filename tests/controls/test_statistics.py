"""Controls for natural images, by hand."""

import numpy as np
import pytest
import torch

from normenc import rsa
from normenc.controls import (
    colour_histogram,
    gabor_energy,
    image_identity,
    luminance_and_contrast,
    pooled_gabor_energy,
)
from normenc.errors import InputError
from normenc.representations import represent

FOR_IMAGES = [pooled_gabor_energy, colour_histogram, luminance_and_contrast, image_identity]


def waves(orientation: float, period: float, side: int = 64) -> torch.Tensor:
    y, x = torch.meshgrid(*[torch.arange(side, dtype=torch.float64)] * 2, indexing="ij")
    angle = np.radians(orientation)
    return 0.5 + 0.5 * torch.cos(2 * np.pi / period * (x * np.cos(angle) + y * np.sin(angle)))


def test_pooled_energy_is_where_the_grating_is():
    image = torch.full((1, 64, 64), 0.5, dtype=torch.float64)
    image[0, 16:32, 48:64] = waves(45, 8)[16:32, 48:64]  # second row of cells, last column
    energy = pooled_gabor_energy(image, n_orientations=4, periods=[8])["energy"].reshape(4, 4, 4)
    assert np.unravel_index(int(energy.argmax()), energy.shape) == (1, 1, 3)
    assert float(energy[1, 1, 3]) > 20 * float(energy[:, 3, 0].max())


def test_pooled_energy_is_the_mean_of_the_energy_in_each_cell():
    image = torch.rand(2, 32, 48, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    # Filters of a period of 4 pixels stand 2 pixels apart in both: 16 x 24 places.
    places = gabor_energy(image, n_orientations=3, periods=[4])["energy"].reshape(2, 3, 4, 4, 4, 6)
    expected = places.mean(dim=(3, 5)).flatten(1)
    found = pooled_gabor_energy(image, n_orientations=3, periods=[4])["energy"]
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    # Half as far apart, whatever the period: cells of 33 / 4 pixels, with the pixels that lie in them.
    odd = torch.rand(1, 33, 33, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    maps = gabor_energy(odd, n_orientations=2, periods=[3])["energy"]
    assert pooled_gabor_energy(odd, n_orientations=2, periods=[3])["energy"].shape == (1, 2 * 16)
    assert maps.shape == (1, 2 * 17 * 17)
    first = maps.reshape(2, 17, 17)[:, :5, :5].mean(dim=(1, 2))  # pixels 0, 2, 4, 6, 8 lie before 8.25
    torch.testing.assert_close(
        pooled_gabor_energy(odd, n_orientations=2, periods=[3])["energy"].reshape(2, 16)[:, 0], first
    )


def test_default_scales_of_pooled_energy_follow_the_size():
    assert pooled_gabor_energy(torch.rand(1, 96, 96))["energy"].shape == (1, 4 * 8 * 16)
    assert pooled_gabor_energy(torch.rand(1, 48, 64))["energy"].shape == (1, 3 * 8 * 16)  # 1.5 pixels are too short
    assert pooled_gabor_energy(torch.rand(1, 6, 6))["energy"].shape == (1, 8 * 16)


def test_histograms_by_hand():
    grey = torch.tensor([[[0.0, 0.1, 0.26, 0.5], [0.74, 0.75, 0.99, 1.0]]])
    assert colour_histogram(grey, n_bins=4)["greys"].tolist() == [[0.25, 0.125, 0.25, 0.375]]
    assert colour_histogram(grey)["greys"].shape == (1, 16)
    # Red, green, blue and white pixels, in bins 4, 2, 1 and 7 of eight.
    colours = torch.tensor([[[1.0, 0, 0, 1.0]], [[0, 1.0, 0, 1.0]], [[0, 0, 1.0, 1.0]]])[None]
    assert colour_histogram(colours, n_bins=2)["colours"].tolist() == [[0, 0.25, 0.25, 0, 0.25, 0, 0, 0.25]]
    assert colour_histogram(colours)["colours"].shape == (1, 64)
    many = torch.rand(150, 3, 5, 7, generator=torch.Generator().manual_seed(0))
    expected = [np.histogramdd(image.reshape(3, -1).T, bins=[np.linspace(0, 1, 5)] * 3)[0] for image in many.numpy()]
    np.testing.assert_allclose(colour_histogram(many)["colours"], np.reshape(expected, (150, 64)) / 35, rtol=1e-6)
    whole = (many * 255).to(torch.uint8)
    assert torch.equal(colour_histogram(whole)["colours"], colour_histogram(whole.float() / 255)["colours"])


def test_luminance_and_contrast_are_distances():
    rng = np.random.default_rng(0)
    images = torch.from_numpy(rng.beta(0.5, 0.8, (70, 6, 6)) * rng.uniform(0.2, 1, (70, 1, 1)))
    found = rsa.rdm(luminance_and_contrast(images)["light"])
    mean, contrast = images.numpy().mean(axis=(1, 2)), images.numpy().std(axis=(1, 2))
    expected = np.abs(mean[:, None] - mean) + 2 * np.abs(contrast[:, None] - contrast)
    np.testing.assert_allclose(found, expected, rtol=0, atol=0.004 + 1e-9)  # two features, each in steps of 1 / 500
    halves = torch.zeros(1, 2, 4)
    halves[:, 0] = 1  # the largest contrast that there is, and a luminance of a half
    assert luminance_and_contrast(halves)["light"].reshape(4, 500).mean(dim=1).tolist() == [0, 0, 1, -1]


def test_identities_are_equally_unlike():
    images = torch.rand(80, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    units = image_identity(images, n_units=2000)["identity"]
    assert abs(float(units.mean())) < 0.01 and abs(float(units.std()) - 1) < 0.01
    pairs = rsa.rdm(units)[np.triu_indices(80, k=1)]
    assert abs(pairs.mean() - 1) < 0.002 and abs(pairs.std() * np.sqrt(2000) - 1) < 0.05
    assert not torch.equal(image_identity(images, n_units=2000, seed=1)["identity"], units)
    assert torch.equal(image_identity(-images * 0)["identity"], image_identity(images * 0)["identity"])


@pytest.mark.parametrize("control", FOR_IMAGES)
@pytest.mark.parametrize("shape", [(130, 12, 16), (130, 3, 12, 16)], ids=["grey", "colour"])
def test_images_are_represented_one_by_one(control, shape):
    images = torch.rand(*shape, generator=torch.Generator().manual_seed(0))
    (whole,) = represent(control, images).values()
    (parts,) = represent(control, images, batch_size=50).values()
    np.testing.assert_allclose(parts, whole, rtol=0, atol=1e-5)
    if len(shape) == 3:
        (with_channel,) = represent(control, images[:, None]).values()
        np.testing.assert_allclose(with_channel, whole, rtol=0, atol=1e-5)
    with pytest.raises(InputError, match=r"shape \(2, 2, 12, 16\)"):
        control(torch.rand(2, 2, 12, 16))


@pytest.mark.parametrize(
    ("control", "options", "said"),
    [
        (pooled_gabor_energy, {"grid": 9}, "grid is 9, but images are 8 x 8 pixels; give 1 to 8"),
        (pooled_gabor_energy, {"periods": [1.0]}, "periods of at least 2 pixels"),
        (pooled_gabor_energy, {"n_orientations": 0}, "at least 1 orientation"),
        (colour_histogram, {"n_bins": 1}, "n_bins is 1; give at least 2"),
        (image_identity, {"n_units": 1}, "n_units is 1; give at least 2"),
    ],
)
def test_what_cannot_be_is_refused(control, options, said):
    with pytest.raises(InputError, match=said):
        control(torch.rand(2, 8, 8), **options)


@pytest.mark.parametrize("control", [colour_histogram, luminance_and_contrast])
@pytest.mark.parametrize("value", [-0.1, 1.5, float("nan")])
def test_values_beyond_black_and_white_are_refused(control, value):
    with pytest.raises(InputError, match=r"they must be 0 \(black\) to 1 \(white\), or bytes"):
        control(torch.full((1, 4, 4), value))
