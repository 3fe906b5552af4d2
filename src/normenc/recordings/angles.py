"""Degrees, told from blanks, from radians and from numbers of conditions."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_array
from normenc.errors import InputError
from normenc.stimulus_types import StimulusType

__all__ = [
    "APART",
    "BLANK_NAMES",
    "as_numbers",
    "checked_numbers",
    "joined",
    "odd_one_out",
    "unit_of",
    "without_codes",
]

ANGLES = ("degrees", "radians")
APART = "degrees, ends apart"  # the unit of files in which both ends of the circle are meant to be two stimuli
SAME = 1e-4  # degrees that are lost where radians are float32
MOST_LABELS = 36  # numbers that count up one by one to no more than this are those of conditions, whatever they span
MOST_SKIPPED = 3  # that they may leave out at the beginning
FEW = 3  # different values of which nothing can be said
BLANK_NAMES = ("", "nan", "null", "none", "n/a", "na", "blank", "gray", "grey", "gray screen", "grey screen")


def as_numbers(values: Any, kind: str) -> npt.NDArray[np.float64]:
    """Numbers, NaN for blanks: for NaN itself, and in texts for names such as "blank".

    Raises
    ------
    InputError
        When a text is neither a number nor a name of blanks.

    Examples
    --------
    >>> as_numbers(["0", "45.5", "blank", ""], "orientation")
    array([ 0. , 45.5,  nan,  nan])
    """
    array = np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)
    if array.dtype.kind not in "OUST":
        return as_array(array, kind).astype(np.float64)
    found = np.empty(array.shape)
    for place, item in np.ndenumerate(array):
        text = (item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item)).strip()
        try:
            found[place] = np.nan if text.lower() in BLANK_NAMES else float(text)
        except ValueError:
            raise InputError(
                f"{kind} holds {text[:60]!r}, which is no number of degrees; if it stands for trials without a "
                f"stimulus, say so: --blank {text[:60]}"
            ) from None
    return found


def without_codes(values: npt.NDArray[Any], blank: Sequence[Any] | None) -> npt.NDArray[Any]:
    """Stimuli in which codes of blanks are missing: NaN among numbers, empty among names.

    Raises
    ------
    InputError
        When a code occurs nowhere.

    Examples
    --------
    >>> without_codes(np.array([0.0, 90.0, -1.0]), ["-1"])
    array([ 0., 90., nan])
    """
    if not blank:
        return values
    missing: list[str] = []
    is_blank = np.zeros(values.shape, dtype=bool)
    for code in blank:
        if values.dtype.kind in "iufb":
            try:
                found = values == float(code)
            except (TypeError, ValueError):
                found = np.zeros(values.shape, dtype=bool)
        else:
            found = np.array([str(item).strip() == str(code).strip() for item in values.ravel()]).reshape(values.shape)
        missing += [] if found.any() else [str(code)]
        is_blank |= found
    if missing:
        raise InputError(
            f"blank: no trial has the stimulus {' or '.join(missing)}; leave it out, or look at the values"
        )
    if values.dtype.kind in "iufb":
        return np.where(is_blank, np.nan, values.astype(np.float64))
    return np.where(is_blank, "", values.astype(str))


def checked_numbers(
    values: Any, kind: StimulusType, angles: str | None = None, *, name: str = ""
) -> npt.NDArray[np.float64]:
    """Stimuli that are numbers; angles in degrees.

    Parameters
    ----------
    values : array_like
        NaN for trials without a stimulus.
    kind : StimulusType
    angles : str, optional
        ``"degrees"`` takes them as they are, ``"radians"`` converts them. Where left out, they must be degrees, and
        what looks like radians or like the numbers of conditions or images is refused.

    name : str
        For messages, the type's by default.

    Raises
    ------
    InputError
        When they are no numbers, or look like something else than degrees.

    Examples
    --------
    >>> from normenc.stimulus_types import as_type
    >>> checked_numbers([0, 45, 90], as_type("orientation"))
    array([ 0., 45., 90.])
    >>> checked_numbers(np.arange(8) * np.pi / 4, as_type("direction"))
    Traceback (most recent call last):
    normenc.errors.InputError: direction runs from 0 to 5.49779, which looks like radians; ...
    """
    name = name or kind.name
    degrees = as_numbers(values, name)
    if angles is not None and angles not in ANGLES:
        raise InputError(f"angles is {angles!r}; it must be one of {', '.join(ANGLES)}")
    if kind.period is None:
        if angles is not None:
            raise InputError(f"angles is {angles!r}, but {kind.plural} are no angles; leave it out")
        return degrees
    if angles == "radians":
        return np.degrees(degrees)
    found = np.unique(degrees[np.isfinite(degrees)])
    if angles == "degrees" or len(found) <= FEW:
        return degrees
    span = f"{name} runs from {found[0]:g} to {found[-1]:g}, which looks like"
    if _are_radians(found):
        raise InputError(
            f"{span} radians; convert them with numpy.degrees, or say so: --angles radians (or, if they are degrees "
            "after all, --angles degrees)"
        )
    if _are_counted(found):
        numbers = _without_code(found)
        codes = "".join(
            f" {code:g} seems to stand for trials without a stimulus: add --blank {code:g}."
            for code in np.setdiff1d(found, numbers)
        )
        step = f"{kind.period / len(numbers):g}"
        raise InputError(
            f"{span} the numbers of {len(numbers)} conditions or images.{codes} If they are images, map them: --map "
            f"image=NAME; else give the degrees they stand for, such as number * {step} (if they are degrees of "
            f"{kind.noun} after all: --angles degrees)"
        )
    return degrees


def joined(
    degrees: npt.NDArray[np.float64], kind: str, period: float
) -> tuple[npt.NDArray[np.float64], tuple[str, ...]]:
    """Stimuli of which those a whole circle apart are one, and in words which were joined.

    Parameters
    ----------
    degrees : ndarray, shape (n_trials,)
        NaN for trials without a stimulus.
    kind : str
    period : float

    Examples
    --------
    >>> joined(np.array([0.0, 60, 120, 180]), "orientation", 180)[0]
    array([  0.,  60., 120.,   0.])
    """
    found, counts = np.unique(degrees[np.isfinite(degrees)], return_counts=True)
    if unit_of(found, period) != APART or np.ptp(found) > period + SAME:
        return degrees, ()
    low, high = float(found[0]), float(found[-1])
    at_end = degrees >= high - SAME
    said = (
        f"{low:g} and {high:g} degrees are one {kind}: {at_end.sum():,} rows at {high:g} are joined to those at {low:g}"
    )
    if _spacing(found[:-1], period) is not None and counts[0] + counts[-1] > 1.5 * np.median(counts):
        said += f" (if {low:g} or {high:g} stands for trials without a stimulus, say so: --blank {high:g})"
    return np.where(at_end, low, degrees), (said,)


def unit_of(stimulus: npt.NDArray[np.float64], period: float) -> str:
    """The unit of a recording's stimuli in files, which says where both ends of the circle are two stimuli.

    Examples
    --------
    >>> unit_of(np.array([-90.0, 0, 90]), 180)
    'degrees, ends apart'
    """
    return APART if len(stimulus) > 1 and np.ptp(stimulus) > period - SAME else "degrees"


def odd_one_out(stimulus: npt.NDArray[np.float64], period: float) -> tuple[float, float] | None:
    """The one value that breaks an otherwise even spacing around the circle, and the spacing; None where none does.

    Examples
    --------
    >>> odd_one_out(np.array([-1.0, 0, 45, 90, 135]), 180)
    (-1.0, 45.0)
    >>> odd_one_out(np.array([0.0, 45, 90, 135]), 180) is None
    True
    """
    if not 5 <= len(stimulus) <= MOST_LABELS + 1 or _spacing(stimulus, period) is not None:
        return None
    for place, value in enumerate(stimulus):
        others = np.delete(stimulus, place)
        step = _spacing(others, period)
        if step is not None:
            away = np.mod(value - others[0], step)
            return None if min(away, step - away) < 1e-3 * step else (float(value), step)  # else it is shown twice
    return None


def _spacing(stimulus: npt.NDArray[np.float64], period: float) -> float | None:
    """Degrees from each stimulus to the next, all around the circle, where that is the same everywhere."""
    around = np.unique(np.round(np.mod(stimulus, period), 6) % period)
    step = period / len(around)
    even = np.abs(np.diff(around, append=around[0] + period) - step).max() < 1e-3 * step
    return step if even and len(around) == len(stimulus) else None


def _are_counted(found: npt.NDArray[np.float64]) -> bool:
    """Whether values count conditions: nearly all whole numbers from 0 or 1, or little more, to no more than 36.

    One more value beyond them may be a code, of blanks for example. Numbers that count on are degrees only where they
    go around the circle, or half of it.
    """
    if len(_without_code(found)) < len(found):
        return True
    if len(found) <= MOST_LABELS:
        return _count_up(found)
    return found[0] in (0, 1) and bool((np.diff(found) == 1).all()) and found[-1] not in (179, 180, 359, 360)


def _without_code(found: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Numbers of conditions without the one value beyond them that may be a code; else all values."""
    if found[0] < 0 or found[-1] > MOST_LABELS:
        without = found[1:] if found[0] < 0 else found[:-1]
        if len(without) > FEW and _count_up(without):
            return without
    return found


def _count_up(found: npt.NDArray[np.float64]) -> bool:
    """Whether these are whole numbers in steps of one, but for a few that are missing."""
    low, high = found[0], found[-1]
    whole = bool((found == np.round(found)).all())
    return whole and 0 <= low <= MOST_SKIPPED and high <= MOST_LABELS and 4 * len(found) >= 3 * (high - low + 1)


def _are_radians(found: npt.NDArray[np.float64]) -> bool:
    if np.abs(found).max() > 2 * np.pi + 1e-2 or np.ptp(found) < 1:
        return False
    if np.abs(found * 20 - np.round(found * 20)).max() < 1e-6:  # round as given
        return False
    round_in_degrees = np.abs(np.degrees(found) * 2 - np.round(np.degrees(found) * 2)).max() < 1e-2
    # Drawn from all of the circle, or of its half, rather than in steps.
    covers = any(abs(np.ptp(found) - circle) < 0.05 * circle for circle in (np.pi, 2 * np.pi))
    return round_in_degrees or _divide_a_circle(found) or (covers and len(found) >= 20)


def _divide_a_circle(found: npt.NDArray[np.float64]) -> bool:
    """Whether values, as rounded as they are, stand in even steps that divide a circle in radians, or its half."""
    decimals = next((n for n in range(2, 6) if np.abs(found - np.round(found, n)).max() < 1e-9), 6)
    rounding, n_steps = 10.0**-decimals, len(found) - 1
    step = np.ptp(found) / n_steps
    if np.abs(np.diff(found) - step).max() > 1.5 * rounding:
        return False
    return any(abs(step * n - circle) <= 2 * rounding for n in (n_steps, n_steps + 1) for circle in (np.pi, 2 * np.pi))
