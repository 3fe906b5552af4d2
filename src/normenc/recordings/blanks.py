"""Find trials without a stimulus by missing values, by names, by codes and by a column for blanks."""

from collections.abc import Container
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.recordings.angles import BLANK_NAMES, as_numbers, without_codes
from normenc.recordings.arranging import Arranged
from normenc.recordings.columns import BLANK_COLUMNS
from normenc.recordings.preparation import Preparation
from normenc.stimulus_types import StimulusType

__all__ = ["without_blanks"]


YES = ("true", "1", "1.0", "yes", "t", "y", "x", "blank")
NO = ("false", "0", "0.0", "no", "f", "n", "", "nan", "none")


def without_blanks(
    arranged: Arranged, kind: StimulusType, asked: Preparation, pictures: Container[str] = (), *, name: str = ""
) -> npt.NDArray[Any]:
    """The stimulus of each row: degrees, names or numbers; missing for blanks.

    A name, a code or a column of its own says which rows are blanks.

    Parameters
    ----------
    arranged : Arranged
    kind : StimulusType
    asked : Preparation
    pictures : container of str
        Names of images, which may equal a name for blanks.
    name : str
        Of the stimuli, for messages; the type's name by default.

    Raises
    ------
    InputError
        If the values of a column of blanks are not clear.
    """
    labels = without_codes(np.asarray(arranged.stimulus), asked.blank)
    if not kind.is_named:
        labels = as_numbers(labels, name or kind.name)
    elif labels.dtype.kind not in "iufb":
        labels = labels.astype(str)
        names = np.strings.lower(np.strings.strip(labels))
        called = [name for name in np.unique(labels) if name.strip().lower() in BLANK_NAMES and name not in pictures]
        said = [repr(str(name)) for name in called if name.strip()]
        if said:
            arranged.notes.append(f"image {' and '.join(said)} marks trials without a stimulus (blanks)")
        labels = np.where(np.isin(labels, called) & np.isin(names, BLANK_NAMES), "", labels)
    for name in BLANK_COLUMNS:
        if name not in arranged.columns:
            continue
        words = np.strings.lower(np.strings.strip(arranged.columns[name].astype(str)))
        unknown = np.setdiff1d(words, (*YES, *NO))
        if unknown.size:
            raise InputError(f"the column {name} holds {str(unknown[0])!r}; it must be true or false for each trial")
        is_blank = np.isin(words, YES)
        if labels.dtype.kind in "iufb":
            labels = np.where(is_blank, np.nan, labels.astype(np.float64))
        else:
            labels = np.where(is_blank, "", labels.astype(str))
    return labels
