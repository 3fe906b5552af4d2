"""Degrees, told from radians as rounded as they may be, and from numbers of conditions."""

import numpy as np
import pytest

from normenc.errors import InputError
from normenc.recordings.angles import checked_numbers
from normenc.stimulus_types import as_type

EIGHT = np.arange(8) * np.pi / 8


@pytest.mark.parametrize("decimals", [2, 3, 4, 5, 12])
@pytest.mark.parametrize(
    "angles", [EIGHT, 2 * EIGHT, EIGHT - np.pi / 2, np.arange(12) * np.pi / 6, np.linspace(0, np.pi, 7)]
)
def test_radians_are_questioned_however_rounded(angles, decimals):
    with pytest.raises(InputError, match="looks like radians"):
        checked_numbers(np.round(angles, decimals), as_type("direction"))


@pytest.mark.parametrize(
    "numbers",
    [
        np.r_[1:9],
        np.r_[0:8],
        np.r_[-1, 1:9],
        np.r_[1:9, 99],
        [1, 2, 3, 5, 6, 7, 8, 9],
        np.r_[2:10],
        np.r_[0, 1:13, 255],
    ],
)
def test_numbers_of_conditions_are_questioned_with_a_code_beside_or_one_missing(numbers):
    with pytest.raises(InputError, match="looks like the numbers of"):
        checked_numbers(np.tile(numbers, 3), as_type("orientation"))
    np.testing.assert_array_equal(checked_numbers(numbers, as_type("orientation"), "degrees"), numbers)


@pytest.mark.parametrize(
    "degrees",
    [
        np.arange(0, 180, 22.5),
        np.arange(181),
        np.arange(-90, 91),
        np.arange(41, 50),  # fine discrimination
        np.arange(-4, 5),
        [-1, 0, 45, 90, 135],
        [0, 5, 10, 15, 20],
        np.arange(8) * 0.5,
        [0, 2.5, 5],
        [0.0, 1, 2, 4, 8, 16, 32],
    ],
)
def test_degrees_are_taken(degrees):
    np.testing.assert_array_equal(checked_numbers(degrees, as_type("orientation")), degrees)
