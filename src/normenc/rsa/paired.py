"""Two representations of the same stimuli, checked and centred for alignment."""

from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_responses
from normenc.errors import InputError
from normenc.rsa.labelled import labels_of, turned
from normenc.rsa.labels import check_same

__all__ = ["centred", "checked_pair", "coordinates"]

Floats = npt.NDArray[np.float64]


def checked_pair(x: Any, y: Any, least: int = 3) -> tuple[Floats, Floats]:
    """Both representations minus each unit's mean, scaled so that no square overflows or underflows."""
    arrays, labels = [], []
    for name, given in (("first", x), ("second", y)):
        try:
            oriented = turned(given, "responses")
            arrays.append(as_responses(oriented).astype(np.float64))
        except InputError as error:
            raise InputError(f"the {name} representation: {error}") from None
        labels.append((f"the {name} representation", labels_of(oriented)))
    if len(arrays[0]) != len(arrays[1]):
        raise InputError(
            f"the representations have {len(arrays[0])} and {len(arrays[1])} stimuli; both must have the same stimuli "
            "in the same order"
        )
    check_same(labels, "select and reorder the rows of one")
    if len(arrays[0]) < least:
        raise InputError(f"there are {len(arrays[0])} stimuli; this comparison needs at least {least}")
    return centred(arrays[0], "the first representation"), centred(arrays[1], "the second representation")


def centred(array: Floats, what: str) -> Floats:
    """Responses minus each unit's mean, scaled so that no square overflows; InputError if all are alike."""
    # Subtracting the first response makes a constant unit 0; subtracting its mean could leave rounding error.
    array = array / (np.abs(array).max() or 1)
    array = array - array[0]
    size = np.abs(array).max()
    if size == 0:
        raise InputError(
            f"all stimuli evoke the same response in {what}, so that there is nothing to compare; "
            "use a layer or population that responds to them"
        )
    array /= size
    return array - array.mean(axis=0)


def coordinates(values: Floats) -> Floats:
    """Responses with at most as many units as stimuli and the same inner products of stimuli."""
    return values if values.shape[1] <= len(values) else np.asarray(np.linalg.qr(values.T, mode="r")).T
