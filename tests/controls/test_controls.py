import math

import numpy as np
import pytest
import torch
from skimage.color import rgb2gray

from normenc import rsa
from normenc.controls import CONTROLS, fourier_amplitude, gabor_energy, orientation_model, pixels
from normenc.errors import InputError
from normenc.representations import represent
from normenc.stimuli import gratings


def test_fourier_amplitude_of_a_plane_wave_by_hand():
    column = torch.arange(16)
    image = (3 + 2 * torch.cos(2 * torch.pi * 3 * column / 16)).expand(1, 8, 16)
    amplitude = fourier_amplitude(image)["amplitude"].reshape(8, 16).numpy()
    expected = np.zeros((8, 16))
    expected[0, [3, 13]] = 8 * 16  # amplitude 2, half of it at each sign of the frequency, over 8 x 16 pixels
    np.testing.assert_allclose(amplitude, expected, atol=1e-4)


def test_fourier_amplitude_ignores_mean_and_circular_shift():
    image = torch.rand(1, 12, 16, dtype=torch.float64)
    shifted = torch.roll(image, (3, 5), dims=(1, 2)) + 0.7
    expected = fourier_amplitude(image)["amplitude"]
    torch.testing.assert_close(fourier_amplitude(shifted)["amplitude"], expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    ("control", "layer", "r", "rho"),
    [(pixels, "pixels", 0.558, 0.18), (fourier_amplitude, "amplitude", 0.883, 0.75)],
)
def test_published_similarity_with_v1(v1_rdm, control, layer, r, rho):
    matrix = rsa.rdm(control(gratings(np.arange(-90, 91)))[layer])
    assert rsa.compare_rdms(matrix, v1_rdm) == pytest.approx(r, abs=0.001)
    assert rsa.compare_rdms(matrix, v1_rdm, method="spearman") == pytest.approx(rho, abs=0.006)


@pytest.mark.parametrize("control", [pixels, fourier_amplitude, gabor_energy])
def test_channel_is_optional_and_colours_are_their_luminance(control):
    images = torch.rand(2, 6, 8)
    (plain,), (channel,) = control(images).values(), control(images[:, None]).values()
    assert torch.equal(plain, channel)
    colours = torch.rand(2, 3, 6, 8, dtype=torch.float64)
    luminance = torch.from_numpy(rgb2gray(colours.numpy(), channel_axis=1))
    if control is pixels:
        assert torch.equal(control(colours)["pixels"], colours.flatten(1))
    else:
        torch.testing.assert_close(*(control(given).popitem()[1] for given in (colours, luminance)))
    with pytest.raises(InputError, match=r"shape \(2, 4, 6, 8\)"):
        control(torch.rand(2, 4, 6, 8))


def wave(theta: float, period: float, phase: float = 0.0, side: int = 96) -> torch.Tensor:
    """A sinusoidal grating in float64 that fills the image, degrees from vertical, period in pixels."""
    y, x = torch.meshgrid(*[torch.arange(side, dtype=torch.float64)] * 2, indexing="ij")
    angle = math.radians(theta)
    return 0.5 + 0.5 * torch.cos(2 * math.pi / period * (x * math.cos(angle) + y * math.sin(angle)) + phase)


def by_place(images: torch.Tensor, period: int, n_orientations: int) -> torch.Tensor:
    """Energy of one scale, shape (n, n_orientations, rows, columns): filters stand half a period apart."""
    rows, columns = (math.ceil(side / (period / 2)) for side in images.shape[1:])
    energy = gabor_energy(images, n_orientations=n_orientations, periods=[period])["energy"]
    return energy.reshape(len(images), n_orientations, rows, columns)


def test_each_gabor_prefers_its_orientation_and_period():
    periods, angles = (6, 12, 24), range(0, 180, 30)
    images = torch.stack([wave(theta, period, 0.7) for period in periods for theta in angles])
    for scale, period in enumerate(periods):
        energy = by_place(images, period, 6)
        middle = energy[:, :, energy.shape[2] // 2, energy.shape[3] // 2]
        assert middle.argmax(dim=0).tolist() == [6 * scale + i for i in range(6)]  # of stimuli, for each filter
    together = gabor_energy(images, n_orientations=6, periods=periods)["energy"]
    assert torch.equal(together, torch.cat([by_place(images, p, 6).flatten(1) for p in periods], dim=1))


@pytest.mark.parametrize("period", [8, 16])
@pytest.mark.parametrize("orientation", [0, 30, 60])
def test_gabor_energy_ignores_phase(period, orientation):
    images = torch.stack([wave(orientation, period, phase) for phase in torch.arange(16) * (math.pi / 8)])
    inside = by_place(images, period, 6)[:, orientation // 30, 4:-4, 4:-4]  # away from the edges
    assert float((inside.amax(dim=0) - inside.amin(dim=0)).max() / inside.mean()) < 0.01
    pattern = images.flatten(1) - 0.5
    assert float(pattern[0] @ pattern[8]) < 0  # as images they are opposites


@pytest.mark.parametrize("turn", [15, 45, 90])
def test_turning_a_grating_turns_the_preferred_orientation(turn):
    first, turned = by_place(torch.stack([wave(theta, 12, 0.3) for theta in (30, 30 + turn)]), 12, 12)[:, :, 8, 8]
    assert int(first.argmax()) == 30 // 15
    assert int(turned.argmax()) == (30 + turn) // 15
    # The whole curve moves; pixels are square, so that it changes a little.
    torch.testing.assert_close(turned, first.roll(turn // 15), rtol=0, atol=0.02 * float(first.max()))


def test_gabor_energy_of_a_plain_image_is_nothing_and_contrast_scales_it():
    plain = torch.full((1, 24, 32), 0.3, dtype=torch.float64)
    assert float(gabor_energy(plain)["energy"].max()) < 1e-12
    image = torch.rand(1, 24, 32, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    energy = gabor_energy(image)["energy"]
    torch.testing.assert_close(gabor_energy(5 - 3 * image)["energy"], 3 * energy, rtol=0, atol=1e-12)
    assert energy.dtype == torch.float64
    single = gabor_energy(image.float())["energy"]
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), energy, rtol=0, atol=1e-4)
    whole = (image * 255).to(torch.uint8)
    torch.testing.assert_close(gabor_energy(whole)["energy"], gabor_energy(whole.float())["energy"])


def test_a_period_of_two_pixels_has_no_odd_filter():
    # sin(pi x) is 0 at each pixel; of its rounding, a filter of unit length would be a slope, which sees slow waves.
    slow = wave(0, 16)[None]
    energy = by_place(slow, 2, 1)[0, 0, 8:-8, 8:-8]
    assert float(energy.max()) < 0.02 * float(by_place(slow, 16, 1).max())


def test_gabor_energy_batch_by_batch_is_the_same():
    images = gratings(np.arange(0, 180, 20))
    once = represent(gabor_energy, images)["energy"]
    assert once.shape == (9, 12 * (12 * 16 + 6 * 8 + 3 * 4))  # periods 8, 16 and 32 on 48 x 64 pixels
    np.testing.assert_allclose(represent(gabor_energy, images, batch_size=4)["energy"], once, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    "arguments", [{"n_orientations": 0}, {"periods": []}, {"periods": [8, 1.5]}, {"periods": [math.nan]}]
)
def test_gabors_that_cannot_be_are_refused(arguments):
    with pytest.raises(InputError, match="at least 1 orientation, and periods of at least 2 pixels"):
        gabor_energy(torch.zeros(1, 8, 8), **arguments)


def circular_distance(orientation: np.ndarray) -> np.ndarray:
    apart = np.abs(orientation[:, None] - orientation) % 180
    return np.minimum(apart, 180 - apart)


def test_orientation_model_is_the_circular_distance():
    orientation = np.arange(-90, 271)
    responses = represent(orientation_model, torch.as_tensor(orientation))["orientation"]
    np.testing.assert_allclose(rsa.rdm(responses), circular_distance(orientation) / 45, rtol=0, atol=1e-12)
    # In whole numbers there is no rounding at all: 2 of 360 units change sign with each half degree.
    signs = responses.values.astype(int)
    assert np.array_equal(360 - signs @ signs.T, 8 * circular_distance(orientation))
    assert not signs.sum(axis=1).any()


def test_orientation_model_is_the_sign_of_a_cosine():
    orientation = torch.arange(0, 180, 7, dtype=torch.float64)
    preferred = torch.arange(360) / 2 + 0.25
    expected = torch.sign(torch.cos(torch.deg2rad(2 * (orientation[:, None] - preferred)))).float()
    assert torch.equal(orientation_model(orientation)["orientation"], expected)
    assert torch.equal(orientation_model(orientation - 540)["orientation"], expected)


def test_orientations_must_be_numbers():
    with pytest.raises(InputError, match=r"orientation has shape \(2, 48, 64\)"):
        orientation_model(torch.zeros(2, 48, 64))
    with pytest.raises(InputError, match="orientation 1 is nan; orientations must be finite degrees"):
        orientation_model(torch.tensor([0.0, math.nan]))


def similarities(matrix: np.ndarray, data: np.ndarray) -> list[float]:
    return [float(rsa.compare_rdms(matrix, data, method=method)) for method in ("pearson", "spearman")]


def test_published_similarity_of_circular_distance_with_v1(v1_rdm):
    orientation = np.arange(-90, 91)
    matrix = rsa.rdm(orientation_model(torch.as_tensor(orientation))["orientation"])
    assert similarities(matrix, v1_rdm) == pytest.approx([0.855, 0.949], abs=0.001)


def test_published_similarity_of_gabor_energy_with_v1(v1_rdm):
    images = gratings(np.arange(-90, 91))
    assert similarities(rsa.rdm(gabor_energy(images)["energy"]), v1_rdm) == pytest.approx([0.874, 0.952], abs=0.002)
    # The published bank has no positions.
    pooled = torch.cat([by_place(images, period, 12).mean(dim=(2, 3)) for period in (8, 16, 32)], dim=1)
    assert similarities(rsa.rdm(pooled), v1_rdm) == pytest.approx([0.856, 0.949], abs=0.03)


@pytest.mark.parametrize("control", sorted(set(CONTROLS) - {"orientation model"}))
@pytest.mark.parametrize("kind", [torch.zeros, np.zeros])
def test_no_images_are_refused_and_arrays_will_do(control, kind):
    with pytest.raises(InputError, match="there must be at least one image"):
        CONTROLS[control](kind((0, 48, 64)))
    for values in CONTROLS[control](kind((2, 48, 64))).values():
        assert len(values) == 2


@pytest.mark.parametrize("control", [pixels, fourier_amplitude, gabor_energy])
@pytest.mark.parametrize("kind", ["float32", "float64", "uint8"])
@pytest.mark.parametrize("shape", [(3, 30, 41), (2, 3, 25, 18)], ids=["grey", "colour"])
def test_arrays_give_the_arrays_of_what_tensors_give(control, kind, shape):
    images = np.random.default_rng(0).integers(0, 2, shape).astype(kind)
    (own,), (expected,) = (control(given).values() for given in (images, torch.from_numpy(images)))
    assert type(own) is np.ndarray
    assert own.dtype == expected.numpy().dtype
    np.testing.assert_allclose(own, expected, rtol=1e-5, atol=1e-5)


def test_orientations_as_arrays_give_the_same_code():
    degrees = np.r_[-90.0, 0.25, 17, 400]
    own, expected = (orientation_model(given)["orientation"] for given in (degrees, torch.from_numpy(degrees)))
    assert own.dtype == np.float32 and isinstance(expected, torch.Tensor)
    np.testing.assert_array_equal(own, expected)
