import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from normenc.errors import InputError
from normenc.stimuli import gratings, image_size, varied_gratings
from normenc.stimuli.waves import study_gratings


def one_grating(theta: float, spatial_frequency: float, resolution: float, shape: tuple[int, int]) -> np.ndarray:
    """The study's formula, one image, pixel by pixel in float64."""
    angle = np.deg2rad(theta)
    rows, columns = np.indices(shape)
    y = spatial_frequency * rows / resolution
    x = spatial_frequency * columns / resolution
    return (np.cos(x * np.cos(angle) + y * np.sin(angle)) > 0).astype(np.float32)


@pytest.mark.parametrize(("theta", "mean"), [(0, 0.484375), (30, 0.5016276), (-45, 0.5185547), (90, 0.4583333)])
def test_mean_pixel_is_the_published_one(theta, mean):
    assert float(gratings([theta]).double().mean()) == pytest.approx(mean, abs=5e-8)


def test_many_are_bit_identical_to_the_formula_one_at_a_time():
    theta = np.random.default_rng(0).uniform(-200, 200, 300)
    expected = np.stack([one_grating(t, 1 / 28, 0.1, (48, 64)) for t in theta])
    np.testing.assert_array_equal(gratings(theta).numpy(), expected)


@settings(deadline=None, max_examples=25)
@given(
    theta=st.lists(st.floats(-360, 360), min_size=1, max_size=5),
    spatial_frequency=st.floats(1e-3, 1),
    resolution=st.sampled_from([0.025, 0.05, 0.1, 0.2]),
)
def test_formula_holds_for_any_parameters(theta, spatial_frequency, resolution):
    images = gratings(theta, spatial_frequency=spatial_frequency, resolution=resolution).numpy()
    expected = np.stack([one_grating(t, spatial_frequency, resolution, images.shape[1:]) for t in theta])
    np.testing.assert_array_equal(images, expected)


@pytest.mark.parametrize(
    ("resolution", "size"), [(0.1, (48, 64)), (0.025, (12, 16)), (0.15, (72, 96)), (0.07, (34, 45)), (1, (480, 640))]
)
def test_image_size(resolution, size):
    assert image_size(resolution) == size


def test_opposite_orientations_are_one_image():
    left, right = gratings([-90, 90])
    assert torch.equal(left, right)


def test_patch_is_a_disc_on_the_right_of_a_turned_grating():
    image = gratings([20], patch=True)[0].numpy()
    rows, columns = np.indices((48, 64))
    inside = (rows - 24.0) ** 2 + (columns - 48.0) ** 2 < (640 / 3 / 2 * 0.1) ** 2
    assert (image[~inside] == 0.5).all()
    turned = one_grating(20 + np.rad2deg(0.1), 1 / 28, 0.1, (48, 64))
    np.testing.assert_array_equal(image[inside], turned[inside])
    assert set(np.unique(image[inside])) == {0, 1}


def test_takes_tensors_and_gives_float32():
    images = gratings(torch.tensor([0.0, 45.0]))
    assert images.dtype == torch.float32
    assert images.shape == (2, 48, 64)
    assert gratings([]).shape == (0, 48, 64)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"orientations": [0, float("nan")]}, "orientation 1 is nan"),
        ({"orientations": [[0, 1]]}, r"shape \(1, 2\)"),
        ({"orientations": 5.0}, r"shape \(\)"),
        ({"orientations": ["left"]}, "real numbers"),
        ({"orientations": [0], "resolution": 0}, "resolution is 0"),
        ({"orientations": [0], "spatial_frequency": -1}, "spatial_frequency is -1"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(InputError, match=message):
        gratings(**arguments)


def test_sine_phase_and_contrast_follow_the_formula():
    rows, columns = np.indices((48, 64))
    wave = np.cos(0.05 * columns / 0.1 * np.cos(0.3) + 0.05 * rows / 0.1 * np.sin(0.3) + np.deg2rad(70))
    found = gratings([np.rad2deg(0.3)], spatial_frequency=0.05, phase=70, contrast=0.4, waveform="sine")
    np.testing.assert_allclose(found[0], 0.5 + 0.4 * wave / 2, atol=1e-6)


def test_half_a_period_of_phase_inverts_a_sine():
    one, other = gratings([20, 20], phase=[10, 190], waveform="sine")
    torch.testing.assert_close(one, 1 - other)


def test_parameters_may_differ_from_image_to_image():
    both = gratings([0, 30], spatial_frequency=[0.02, 0.05], phase=[0, 40], contrast=[1, 0.5])
    assert torch.equal(both[0], gratings([0], spatial_frequency=0.02)[0])
    assert torch.equal(both[1], gratings([30], spatial_frequency=0.05, phase=40, contrast=0.5)[0])


@pytest.mark.parametrize(("aperture", "size"), [("hard", 0.5), ("gaussian", 0.1), ("hard", None)])
def test_apertures_are_round_and_grey_outside(aperture, size):
    image = gratings([0], spatial_frequency=0.01, aperture=aperture, aperture_size=size, resolution=0.2)[0]
    full = gratings([0], spatial_frequency=0.01, resolution=0.2)[0]
    window = (image - 0.5) / (full - 0.5)
    torch.testing.assert_close(window, window.flip(0))
    torch.testing.assert_close(window, window.flip(1))
    rows, columns = np.indices(image.shape)
    distance = np.hypot(rows - 47.5, columns - 63.5) / 96
    if aperture == "hard":
        np.testing.assert_array_equal(window, distance < (size or 1) / 2)
    else:
        np.testing.assert_allclose(window, np.exp(-(distance**2) / (2 * size**2)), atol=1e-5)


def test_varied_gratings_state_what_they_were_drawn_with():
    rng = np.random.default_rng(0)
    orientations = rng.uniform(-90, 90, 200)
    drawn = varied_gratings(orientations, rng, spatial_frequency=(0.02, 0.08), phase=(0, 360), contrast=(0.2, 0.8))
    table = drawn.parameters
    again = gratings(table["orientation"], **{name: table[name] for name in ("spatial_frequency", "phase", "contrast")})
    assert torch.equal(drawn.images, again)
    octaves = np.log2(table["spatial_frequency"] / 0.02)
    assert abs(octaves.mean() - 1) < 0.15
    assert octaves.between(0, 2).all()


def test_noise_has_its_standard_deviation():
    drawn = varied_gratings(np.zeros(50), np.random.default_rng(0), contrast=(0, 0), noise=0.05)
    assert float(drawn.images.std()) == pytest.approx(0.05, rel=0.02)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"contrast": 1.5}, "contrast is 1.5 to 1.5"),
        ({"phase": [0, 1, 2]}, r"phase has shape \(3,\) for 1 orientations"),
        ({"phase": float("inf")}, "phase is inf"),
        ({"waveform": "triangle"}, "waveform is 'triangle'"),
        ({"aperture": "square"}, "aperture is 'square'"),
        ({"aperture": "hard", "patch": True}, "one window"),
        ({"aperture_size": 0.5}, "there is no aperture"),
        ({"aperture": "hard", "aperture_size": 0}, "aperture_size is 0"),
    ],
)
def test_impossible_options_are_named(options, message):
    with pytest.raises(InputError, match=message):
        gratings([0], **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"contrast": (0.8, 0.2)}, r"contrast is \(0.8, 0.2\)"), ({"noise": -1.0}, "noise is -1")],
)
def test_impossible_ranges_are_named(options, message):
    with pytest.raises(InputError, match=message):
        varied_gratings([0], np.random.default_rng(0), **options)


def test_the_study_s_gratings_need_no_torch_to_be_the_same_to_the_bit():
    degrees = np.r_[np.arange(-180, 181), np.random.default_rng(0).uniform(-360, 360, 200)]
    own = study_gratings(degrees)
    assert own.dtype == np.float32
    np.testing.assert_array_equal(own, gratings(degrees))
