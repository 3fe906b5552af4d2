import numpy as np
import pytest
from scipy.ndimage import rotate

from normenc.errors import InputError
from normenc.stimuli import PHOTOGRAPHS, natural_patches, photograph
from normenc.stimuli.natural import placed, turned_patch


def test_photographs_for_testing_are_others():
    assert not set(PHOTOGRAPHS["train"]) & set(PHOTOGRAPHS["test"])
    for name in (*PHOTOGRAPHS["train"], *PHOTOGRAPHS["test"]):
        image = photograph(name)
        assert image.ndim == 2
        assert 0 <= image.min() < image.max() <= 1


def test_patches_are_what_the_photograph_shows_there():
    ramp = np.add.outer(np.linspace(0, 0.5, 90), np.linspace(0, 0.5, 100)).astype(np.float32)
    drawn = natural_patches(10, np.random.default_rng(0), photographs=[ramp], rotation=0, resolution=0.1, zoom=1)
    for image, row in zip(drawn.images.numpy(), drawn.parameters.itertuples(), strict=True):
        rows = row.row + np.arange(48) - 23.5
        columns = row.column + np.arange(64) - 31.5
        np.testing.assert_allclose(image, np.add.outer(rows * 0.5 / 89, columns * 0.5 / 99), atol=1e-5)


def test_a_positive_rotation_is_clockwise():
    image = np.random.default_rng(0).random((101, 101)).astype(np.float32)
    found = turned_patch(image, (50, 50), 90, (21, 21))
    np.testing.assert_allclose(found, rotate(image, -90, reshape=False)[40:61, 40:61], atol=1e-5)
    np.testing.assert_allclose(found, np.rot90(image[40:61, 40:61], k=-1), atol=1e-5)


def test_a_turned_patch_has_no_border():
    """Every pixel comes from within the photograph: one whose rim is marked never shows the mark."""
    marked = np.random.default_rng(1).uniform(0.3, 0.7, (120, 130)).astype(np.float32)
    marked[[0, -1]] = 1
    marked[:, [0, -1]] = 1
    drawn = natural_patches(200, np.random.default_rng(0), photographs=[marked], rotation=180, zoom=1)
    assert drawn.images.max() < 0.71
    assert drawn.parameters["rotation"].abs().max() > 150


def test_the_same_generator_gives_the_same_patches():
    one, other = (natural_patches(5, np.random.default_rng(3), rotation=45) for _ in range(2))
    assert one.images.equal(other.images)
    assert one.parameters.equals(other.parameters)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 0}, "n is 0"),
        ({"rotation": 200.0}, "rotation is 200"),
        ({"photographs": ["moon base"]}, "there is no photograph 'moon base'"),
        ({"photographs": []}, "no photographs"),
        ({"photographs": [np.zeros((20, 20))], "zoom": 1}, "is 20 x 20 pixels"),
        ({"photographs": [np.zeros((200, 200))], "zoom": 1}, "is nearly uniform"),
        ({"photographs": [np.full((200, 200), 7.0)]}, "values 0 to 1"),
        ({"photographs": [np.zeros((9, 9, 3))]}, r"shape \(9, 9, 3\)"),
    ],
)
def test_bad_input_is_named(options, message):
    with pytest.raises(InputError, match=message):
        natural_patches(**{"n": 1, "rng": np.random.default_rng(0)} | options)


def test_an_image_is_placed_turned_and_scaled():
    image = np.random.default_rng(0).random((9, 9)).astype(np.float32)
    middle = (4.0, 4.0)
    np.testing.assert_array_equal(placed(image, (5, 6), (0, 1), (3, 3), angle=0), image[5:8, 5:8])
    np.testing.assert_allclose(placed(image, middle, middle, (9, 9), angle=90), np.rot90(image, -1), atol=1e-5)
    np.testing.assert_array_equal(placed(image, middle, (2, 2), (5, 5), angle=0, scale=2), image[::2, ::2])
    beyond = [placed(image, (0, 0), (1, 1), (2, 2), angle=0, mode=mode)[0, 0] for mode in ("constant", "edge")]
    assert beyond == [0, image[0, 0]]
