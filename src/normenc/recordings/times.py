"""Windows of time: which samples count, and responses averaged over them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.texts import argument

__all__ = ["Window", "averaged_over_time", "parse_window", "questionable", "seconds_of"]

Floats = npt.NDArray[np.float64]
NUMBER = r"\s*([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)\s*"
TEXT = re.compile(rf"([\[(])?{NUMBER},{NUMBER}([\])])?")
UNITS = {  # seconds in each
    1.0: ("s", "sec", "secs", "second", "seconds"),
    1e-3: ("ms", "msec", "msecs", "millisecond", "milliseconds"),
    1e-6: ("us", "µs", "\u03bcs", "usec", "usecs", "microsecond", "microseconds"),
    1e-9: ("ns", "nanosecond", "nanoseconds"),
    60.0: ("min", "mins", "minute", "minutes"),
}
LONG = 100.0  # seconds that few trials last


@dataclass(frozen=True)
class Window:
    """Seconds from `start` to `stop`: as a rule with the first moment and without the last, [start, stop)."""

    start: float
    stop: float
    with_start: bool = True
    with_stop: bool = False

    @property
    def is_all(self) -> bool:
        """Whether it holds every moment, so that no times are needed."""
        return (self.start, self.stop) == (-np.inf, np.inf)

    def __str__(self) -> str:
        """As it is written: brackets say which ends count; or "all"."""
        if self.is_all:
            return "all"
        return f"{'[' if self.with_start else '('}{self.start:g}, {self.stop:g}{']' if self.with_stop else ')'} s"

    def holds(self, times: Floats) -> npt.NDArray[np.bool_]:
        """Which times lie in the window; those that miss an end by a rounding error lie on it."""
        slack = 1e-9 * max(1.0, abs(self.start), abs(self.stop))
        after = times >= self.start - slack if self.with_start else times > self.start + slack
        before = times <= self.stop + slack if self.with_stop else times < self.stop - slack
        return after & before


def parse_window(value: str | Sequence[float] | Window, what: str = "window") -> Window:
    """Make a window from two numbers of seconds, or from a text; "all" holds all samples, and is no baseline.

    Examples
    --------
    >>> str(parse_window([0, 0.5])), str(parse_window("(0, 2]")), str(parse_window("all"))
    ('[0, 0.5) s', '(0, 2] s', 'all')
    """
    if isinstance(value, Window):
        return value
    if isinstance(value, str) and value.strip().lower() == "all" and what == "window":
        return Window(-np.inf, np.inf, True, True)
    fault = InputError(
        f"{what} is {value!r}; it must be two times in seconds, the first before the second, such as {what}=(0, 0.5) "
        f"(or {what}='(0, 2]' to include the last moment and exclude the first)"
        + (", or 'all'" if what == "window" else "")
    )
    if isinstance(value, str):
        match = TEXT.fullmatch(value.strip())
        if match is None:
            raise fault
        opening, first, last, closing = match.groups()
        try:
            start, stop = float(first), float(last)
        except ValueError:
            raise fault from None
        window = Window(start, stop, opening != "(", closing == "]")
    else:
        try:
            start, stop = (float(part) for part in value)
        except (TypeError, ValueError):
            raise fault from None
        window = Window(start, stop)
    if not (np.isfinite([window.start, window.stop]).all() and window.start < window.stop):
        raise fault
    return window


def seconds_of(unit: str) -> float:
    """How many seconds a unit of time has, by its first word.

    Raises
    ------
    InputError
        If it is no unit of time.

    Examples
    --------
    >>> seconds_of("ms"), seconds_of("Seconds from onset")
    (0.001, 1.0)
    """
    word = (unit.strip().lower().split() or [""])[0].strip("()[].,;")
    factor = next((seconds for seconds, names in UNITS.items() if word in names), None)
    if factor is None:
        raise InputError(
            f"time has the unit {unit[:60]!r}, which is not a known one (s, ms, us, ns, min); give the times of the "
            "first and of the last sample in seconds instead: times=(FIRST, LAST)"
        )
    return factor


def questionable(times: Floats) -> str | None:
    """What speaks against times being seconds, where nothing says their unit; None if nothing does.

    Examples
    --------
    >>> questionable(np.arange(-500.0, 1500, 100))
    'times run from -500 to 1400 in steps of 100, and are read as seconds; if ... pass times=(-0.5, 1.4)'
    """
    if len(times) < 2 or not np.isfinite(times).all():
        return None
    step = float(np.median(np.abs(np.diff(times))))
    if step < 1 or np.ptp(times) <= LONG:
        return None
    first, last = times[0], times[-1]
    return (
        f"times run from {first:g} to {last:g} in steps of {step:g}, and are read as seconds; if they are "
        f"milliseconds, pass times=({first / 1000:g}, {last / 1000:g})"
    )


def averaged_over_time(
    values: npt.NDArray[Any],
    axis: int,
    times: Floats | None,
    window: Window | None,
    baseline: Window | None,
    likely: Sequence[str] = (),
) -> tuple[npt.NDArray[Any], str]:
    """Mean of the samples in the window, less that in the baseline, and in words what was done.

    Parameters
    ----------
    values : ndarray
    axis : int
        That of the samples.
    times : ndarray, shape (n_samples,), optional
        Seconds; None if they are not known.
    window, baseline : Window, optional
    likely : sequence of str
        Names of arrays that may hold the times, for messages.

    Raises
    ------
    InputError
        If times or window are missing, or a window holds no sample.
    """
    n_samples = values.shape[axis]
    if window is None:
        known = "" if times is None else f", which run from {times.min():g} to {times.max():g} s"
        raise InputError(
            f"responses have an axis of {n_samples} samples{known}; give the seconds to average over: window=(FROM, TO)"
            + (f", with {_how_timed(likely)}" if times is None else "")
            + "; or pass window='all' for the mean of all samples"
        )
    if window.is_all and baseline is None:
        averaged = values.mean(axis=axis, dtype=np.float64)
        return _as_precise(averaged, values), f"averaged over all {n_samples:,} samples"
    if times is None:
        raise InputError(
            f"the times of the {n_samples} samples are not known, so window= and baseline= cannot choose among them; "
            f"give {_how_timed(likely)}; or take the mean of all samples: window='all'"
        )
    if times.shape != (n_samples,) or not np.isfinite(times).all():
        raise InputError(
            f"time has shape {times.shape}; it must hold one number of seconds for each of {n_samples} samples"
        )
    inside = _samples(times, window, "window")
    averaged = values.compress(inside, axis=axis).mean(axis=axis, dtype=np.float64)
    said = f"averaged over {inside.sum():,} of {n_samples:,} samples in {window}"
    if window.is_all:
        said = f"averaged over all {n_samples:,} samples"
    if baseline is not None:
        before = _samples(times, baseline, "baseline")
        averaged = averaged - values.compress(before, axis=axis).mean(axis=axis, dtype=np.float64)
        n_before = int(before.sum())
        said += f", less the mean of {n_before:,} sample{'s' * (n_before != 1)} in {baseline}"
    return _as_precise(averaged, values), said


def _as_precise(averaged: npt.NDArray[Any], values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return averaged.astype(values.dtype) if values.dtype == np.float32 else averaged


def _how_timed(likely: Sequence[str]) -> str:
    """How to say when samples were taken, in an InputError."""
    stated = "the times of the first and of the last sample: times=(FIRST, LAST) (seconds)"
    if not likely:
        return f"{stated}, or an array called time"
    mapped = argument(names={"time": likely[0]})
    if len(likely) == 1:
        return f"the times of the samples, if they are {likely[0]}: {mapped}; or {stated}"
    return f"the array that holds the times of the samples ({', '.join(likely)}): {mapped}; or {stated}"


def _samples(times: Floats, window: Window, what: str) -> npt.NDArray[np.bool_]:
    inside = window.holds(times)
    if not inside.any():
        raise InputError(f"the {what} {window} holds no sample; times run from {times.min():g} to {times.max():g} s")
    return inside
