"""Degrees, told from radians and from numbers of conditions."""

from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_array
from normenc.errors import InputError

__all__ = ["checked_degrees"]

ANGLES = ("degrees", "radians")
MOST_LABELS = 36  # more different values than these are degrees even where they count up one by one
FEW = 3  # different values of which nothing can be said


def checked_degrees(values: Any, kind: str, angles: str | None = None) -> npt.NDArray[np.float64]:
    """Orientations or directions in degrees.

    Parameters
    ----------
    values : array_like
    kind : str
        ``"orientation"`` or ``"direction"``, for messages.
    angles : str, optional
        ``"degrees"`` takes them as they are, ``"radians"`` converts them. Where left out, they must be degrees, and
        what looks like radians or like the numbers of conditions is refused.

    Raises
    ------
    InputError
        When they are no numbers, or look like something else than degrees.

    Examples
    --------
    >>> checked_degrees([0, 45, 90], "orientation")
    array([ 0., 45., 90.])
    >>> checked_degrees(np.arange(8) * np.pi / 4, "direction")
    Traceback (most recent call last):
    normenc.errors.InputError: direction runs from 0 to 5.49779, which looks like radians; ...
    """
    degrees = as_array(values, kind).astype(np.float64)
    if angles is not None and angles not in ANGLES:
        raise InputError(f"angles is {angles!r}; it must be one of {', '.join(ANGLES)}")
    if angles == "radians":
        return np.degrees(degrees)
    found = np.unique(degrees[np.isfinite(degrees)])
    if angles == "degrees" or len(found) <= FEW:
        return degrees
    span = f"{kind} runs from {found[0]:g} to {found[-1]:g}, which looks like"
    if _are_radians(found):
        raise InputError(
            f"{span} radians; convert them with numpy.degrees, or say so: --angles radians (or, if they are degrees "
            "after all, --angles degrees)"
        )
    if len(found) <= MOST_LABELS and found[0] in (0, 1) and (np.diff(found) == 1).all():
        period = 180 if kind == "orientation" else 360
        raise InputError(
            f"{span} the numbers of {len(found)} conditions; give the degrees they stand for, such as number * "
            f"{period / len(found):g} (degrees after all: --angles degrees)"
        )
    return degrees


def _are_radians(found: npt.NDArray[np.float64]) -> bool:
    if np.abs(found).max() > 2 * np.pi + 1e-3 or np.ptp(found) < 1:
        return False
    round_in_degrees = np.abs(np.degrees(found) * 2 - np.round(np.degrees(found) * 2)).max() < 1e-2
    round_as_given = np.abs(found * 20 - np.round(found * 20)).max() < 1e-6
    if round_in_degrees and not round_as_given:
        return True
    # Drawn from all of the circle, or of its half, rather than in steps.
    covers = any(abs(np.ptp(found) - circle) < 0.05 * circle for circle in (np.pi, 2 * np.pi))
    return covers and len(found) >= 20 and not round_as_given
