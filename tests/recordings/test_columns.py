"""Which rows a condition on a column keeps."""

import numpy as np
import pytest

from normenc.errors import InputError
from normenc.recordings.columns import rows_where

CONTRAST = np.tile([0.1, 0.5, 1], 4)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "U8"])
@pytest.mark.parametrize("wanted", ["0.1", ["0.1", "0.5"], 0.5])
def test_values_are_found_as_precisely_as_the_column_keeps_them(dtype, wanted):
    column = CONTRAST.astype(dtype)
    kept, said = rows_where({"contrast": column}, {"contrast": wanted}, len(column))
    numbers = [float(value) for value in (wanted if isinstance(wanted, list) else [wanted])]
    np.testing.assert_array_equal(kept, np.isin(CONTRAST, numbers))
    assert said.startswith(f"kept {4 * len(numbers)} of 12 trials")


@pytest.mark.parametrize(
    ("word", "there"), [("on", True), ("Yes", True), ("1", True), ("off", False), ("false", False)]
)
def test_words_for_true_and_false(word, there):
    column = np.array([True, False, True])
    np.testing.assert_array_equal(rows_where({"opto": column}, {"opto": word}, 3)[0], column == there)


@pytest.mark.parametrize(
    ("column", "wanted", "says"),
    [
        (CONTRAST, ["0.5", "0.7"], "no row has contrast 0.7; its values are 0.1, 0.5, 1"),
        (CONTRAST > 0.3, "maybe", "no row has contrast maybe; its values are False, True"),
    ],
)
def test_every_value_that_is_asked_for_must_occur(column, wanted, says):
    with pytest.raises(InputError, match=says):
        rows_where({"contrast": column}, {"contrast": wanted}, len(column))
