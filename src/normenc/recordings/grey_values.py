"""Images of other programs as bytes, whatever their white is."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError

__all__ = ["as_shown"]

WHITE = 255  # of bytes


def as_shown(images: Any, places: Sequence[int] | npt.NDArray[np.int64]) -> tuple[npt.NDArray[Any], tuple[str, ...]]:
    """The images at these places, as bytes, and in words what was changed.

    Parameters
    ----------
    images : array_like, shape (n, height, width) or (n, height, width, 3)
        Bytes; grey values from 0 to 255; values from 0 (black) to 1 (white), which are kept; or any others, which are
        scaled so that the lowest of these images is black and the highest white. Whole numbers of which all are 0 or 1,
        and truth values, are black and white, too.
    places : sequence of int

    Raises
    ------
    InputError
        If a value is not finite, or no number, or if images of other values are all of one grey.

    Examples
    --------
    >>> as_shown(np.full((3, 2, 2), [[0.2, 255.0]]), [1])[0].tolist()
    [[[0, 255], [0, 255]]]
    """
    picked = np.asarray(images)[np.asarray(places)]
    if picked.dtype.kind not in "iufb":
        raise InputError(f"images are of type {picked.dtype}; they must be numbers")
    if not picked.size:
        return picked, ()
    if picked.dtype.kind in "iub" and picked.max() == 1 and picked.min() == 0:  # as bytes all would be black
        return picked.astype(np.float32), ("images hold 0 and 1, and nothing else; they are shown as black and white",)
    if picked.dtype == np.uint8:
        return picked, ()
    low, high = float(picked.min()), float(picked.max())
    if not np.isfinite([low, high]).all():
        raise InputError("an image holds NaN or infinity; fetch the images again")
    if picked.dtype.kind == "f" and low >= 0 and high <= 1:
        return picked.astype(np.float32, copy=False), ()
    shown = np.empty(picked.shape, np.uint8)
    fits = low >= 0 and high <= WHITE
    if not fits and low == high:
        raise InputError(f"all images hold {low:g}, and nothing else; fetch the images again")
    scale = 1.0 if fits else WHITE / (high - low)
    changed = False
    for place, image in enumerate(picked):  # one by one, because there may be many
        values = np.rint(image if fits else (image - low) * scale)
        changed = changed or bool((values != image).any())
        shown[place] = values
    if not fits:
        said = f"images hold values from {low:g} to {high:g}; they are shown from black (lowest) to white (highest)"
        return shown, (said,)
    return shown, ("grey values of the images are rounded to whole numbers from 0 to 255",) if changed else ()
