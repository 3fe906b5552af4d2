"""Trials without a stimulus, told by missing values, by names, by codes and by a column of their own."""

from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.recordings.angles import as_numbers, without_codes
from normenc.recordings.arranging import Arranged
from normenc.recordings.columns import BLANK_COLUMNS
from normenc.recordings.preparation import Preparation

__all__ = ["without_blanks"]


def without_blanks(found: Arranged, kind: str, asked: Preparation) -> npt.NDArray[Any]:
    """The stimulus of each row: degrees, names or numbers; missing where a code or a column says that it is a blank."""
    labels = without_codes(np.asarray(found.stimulus), asked.blank)
    labels = as_numbers(labels, kind) if kind != "image" else labels
    for column in (found.columns[name] for name in BLANK_COLUMNS if name in found.columns):
        is_blank = np.isin(np.char.lower(column.astype(str)), ("true", "1", "1.0", "yes"))
        if labels.dtype.kind in "iuf":
            labels = np.where(is_blank, np.nan, labels.astype(np.float64))
        else:
            labels = np.where(is_blank, "", labels.astype(str))
    return labels
