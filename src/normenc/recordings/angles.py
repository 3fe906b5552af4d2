"""Degrees, distinguished from blanks, from radians and from condition numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_array
from normenc.errors import InputError
from normenc.stimulus_types import StimulusType
from normenc.stimulus_types.angles import decimals_of
from normenc.texts import argument

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
APART = "degrees, ends apart"  # the unit in files whose two ends of the circle are two stimuli
LOST = 2  # decimals of degrees lost when radians are stored as float32
MOST_LABELS = 36  # whole numbers counting up to at most this are condition numbers, whatever range they span
MOST_SKIPPED = 3  # conditions that may be missing at the start
FEW = 3  # different values, too few to judge
BLANK_NAMES = ("", "nan", "null", "none", "n/a", "na", "blank", "gray", "grey", "gray screen", "grey screen")


def as_numbers(values: Any, kind: str) -> npt.NDArray[np.float64]:
    """Convert to numbers, with NaN for blanks: NaN itself, and texts such as "blank".

    Raises
    ------
    InputError
        If a text is neither a number nor a name for blanks.

    Examples
    --------
    >>> as_numbers(["0", "45.5", "blank", ""], "orientation")
    array([ 0. , 45.5,  nan,  nan])
    """
    array = np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)
    if array.dtype.kind not in "OUST":
        return as_array(array, kind).astype(np.float64)
    numbers = np.empty(array.shape)
    for place, item in np.ndenumerate(array):
        text = (item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item)).strip()
        try:
            numbers[place] = np.nan if text.lower() in BLANK_NAMES else float(text)
        except ValueError:
            raise InputError(
                f"{kind} holds {text[:60]!r}, which is not a number of degrees; if it marks trials without a "
                f"stimulus, pass {argument(blank=text[:60])}"
            ) from None
    return numbers


def without_codes(values: npt.NDArray[Any], blank: Sequence[Any] | None) -> npt.NDArray[Any]:
    """Replace codes for blanks by missing values: NaN among numbers, empty among names.

    Raises
    ------
    InputError
        If a code does not occur.

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
                coded = values == float(code)
            except (TypeError, ValueError):
                coded = np.zeros(values.shape, dtype=bool)
        else:
            coded = np.array([str(item).strip() == str(code).strip() for item in values.ravel()]).reshape(values.shape)
        missing += [] if coded.any() else [str(code)]
        is_blank |= coded
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
        ``"degrees"`` takes them as they are, ``"radians"`` converts them. By default they must be degrees, and
        values that look like radians or like condition or image numbers are refused.
    name : str
        For messages; the type's name by default.

    Raises
    ------
    InputError
        If they are not numbers, or do not look like degrees.

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
    distinct = np.unique(degrees[np.isfinite(degrees)])
    if angles == "degrees" or len(distinct) <= FEW:
        return degrees
    span = f"{name} runs from {distinct[0]:g} to {distinct[-1]:g}, which looks like"
    if _are_radians(distinct):
        raise InputError(
            f"{span} radians; convert them with numpy.degrees, or pass angles='radians' (or angles='degrees' if "
            "they are degrees after all)"
        )
    if _are_counted(distinct):
        numbers = _without_code(distinct)
        codes = "".join(
            f" {code:g} seems to mark trials without a stimulus: add blank={code:g}."
            for code in np.setdiff1d(distinct, numbers)
        )
        step = f"{kind.period / len(numbers):g}"
        raise InputError(
            f"{span} the numbers of {len(numbers)} conditions or images.{codes} If they are images, map them: "
            f"{argument(names={'image': 'NAME'})}; otherwise give the degrees they stand for, such as number * {step} "
            f"(or angles='degrees' if they are degrees of {kind.noun} after all)"
        )
    return degrees


def joined(
    degrees: npt.NDArray[np.float64], kind: str, period: float
) -> tuple[npt.NDArray[np.float64], tuple[str, ...]]:
    """Join stimuli that are a full circle apart, and describe which were joined.

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
    distinct, counts = np.unique(degrees[np.isfinite(degrees)], return_counts=True)
    if unit_of(distinct, period) != APART or np.ptp(distinct) > period + _same(period):
        return degrees, ()
    low, high = float(distinct[0]), float(distinct[-1])
    at_end = degrees >= high - _same(period)
    said = f"{low:g} and {high:g} degrees are one {kind}: {at_end.sum():,} rows at {high:g} are merged with {low:g}"
    if _spacing(distinct[:-1], period) is not None and counts[0] + counts[-1] > 1.5 * np.median(counts):
        said += f" (if {low:g} or {high:g} marks trials without a stimulus, pass blank={high:g})"
    return np.where(at_end, low, degrees), (said,)


def unit_of(stimulus: npt.NDArray[np.float64], period: float) -> str:
    """The unit of a recording's stimuli in files, which says if the two ends of the circle are two stimuli.

    Examples
    --------
    >>> unit_of(np.array([-90.0, 0, 90]), 180)
    'degrees, ends apart'
    """
    return APART if len(stimulus) > 1 and np.ptp(stimulus) > period - _same(period) else "degrees"


def odd_one_out(stimulus: npt.NDArray[np.float64], period: float) -> tuple[float, float] | None:
    """The one value that breaks an otherwise even spacing around the circle, and the spacing; None if there is none.

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
            return None if min(away, step - away) < 1e-3 * step else (float(value), step)  # otherwise it is shown twice
    return None


def _spacing(stimulus: npt.NDArray[np.float64], period: float) -> float | None:
    """Degrees from each stimulus to the next around the circle, if they are equally spaced."""
    around = np.unique(np.round(np.mod(stimulus, period), 6) % period)
    step = period / len(around)
    even = np.abs(np.diff(around, append=around[0] + period) - step).max() < 1e-3 * step
    return step if even and len(around) == len(stimulus) else None


def _are_counted(values: npt.NDArray[np.float64]) -> bool:
    """Whether values number conditions: nearly all whole numbers from 0 or 1, or slightly more, up to at most 36.

    One more value beyond them may be a code, for example for blanks. Consecutive numbers are degrees only if they
    go around the circle, or half of it.
    """
    if len(_without_code(values)) < len(values):
        return True
    if len(values) <= MOST_LABELS:
        return _count_up(values)
    return values[0] in (0, 1) and bool((np.diff(values) == 1).all()) and values[-1] not in (179, 180, 359, 360)


def _without_code(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Condition numbers without the one value beyond them that may be a code; otherwise all values."""
    if values[0] < 0 or values[-1] > MOST_LABELS:
        without = values[1:] if values[0] < 0 else values[:-1]
        if len(without) > FEW and _count_up(without):
            return without
    return values


def _count_up(values: npt.NDArray[np.float64]) -> bool:
    """Whether these are whole numbers in steps of one, with at most a few missing."""
    low, high = values[0], values[-1]
    whole = bool((values == np.round(values)).all())
    return whole and 0 <= low <= MOST_SKIPPED and high <= MOST_LABELS and 4 * len(values) >= 3 * (high - low + 1)


def _are_radians(values: npt.NDArray[np.float64]) -> bool:
    if np.abs(values).max() > 2 * np.pi + 1e-2 or np.ptp(values) < 1:
        return False
    if np.abs(values * 20 - np.round(values * 20)).max() < 1e-6:  # already rounded
        return False
    round_in_degrees = np.abs(np.degrees(values) * 2 - np.round(np.degrees(values) * 2)).max() < 1e-2
    # Drawn from the whole circle, or half of it, rather than in steps.
    covers = any(abs(np.ptp(values) - circle) < 0.05 * circle for circle in (np.pi, 2 * np.pi))
    return round_in_degrees or _divide_a_circle(values) or (covers and len(values) >= 20)


def _divide_a_circle(values: npt.NDArray[np.float64]) -> bool:
    """Whether values, given their rounding, are in even steps that divide a circle in radians, or half of one."""
    decimals = next((n for n in range(2, 6) if np.abs(values - np.round(values, n)).max() < 1e-9), 6)
    rounding, n_steps = 10.0**-decimals, len(values) - 1
    step = np.ptp(values) / n_steps
    if np.abs(np.diff(values) - step).max() > 1.5 * rounding:
        return False
    return any(abs(step * n - circle) <= 2 * rounding for n in (n_steps, n_steps + 1) for circle in (np.pi, 2 * np.pi))


def _same(period: float) -> float:
    """Degrees by which angles may differ that are the same: 0.0001 on a circle of 180 or 360."""
    return 10.0 ** (LOST - decimals_of(period))
