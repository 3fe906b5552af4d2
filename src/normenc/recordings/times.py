"""Windows of time: which samples count, and responses averaged over them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError

__all__ = ["Window", "averaged_over_time", "parse_window"]

Floats = npt.NDArray[np.float64]
NUMBER = r"\s*([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)\s*"
TEXT = re.compile(rf"([\[(])?{NUMBER},{NUMBER}([\])])?")


@dataclass(frozen=True)
class Window:
    """Seconds from `start` to `stop`: as a rule with the first moment and without the last, [start, stop)."""

    start: float
    stop: float
    with_start: bool = True
    with_stop: bool = False

    def __str__(self) -> str:
        """As it is written: brackets say which ends count."""
        return f"{'[' if self.with_start else '('}{self.start:g}, {self.stop:g}{']' if self.with_stop else ')'} s"

    def holds(self, times: Floats) -> npt.NDArray[np.bool_]:
        """Which times lie in the window; those that miss an end by a rounding error lie on it."""
        slack = 1e-9 * max(1.0, abs(self.start), abs(self.stop))
        after = times >= self.start - slack if self.with_start else times > self.start + slack
        before = times <= self.stop + slack if self.with_stop else times < self.stop - slack
        return after & before


def parse_window(value: str | Sequence[float] | Window, what: str = "window") -> Window:
    """Make a window from two numbers of seconds, or from a text.

    Examples
    --------
    >>> str(parse_window([0, 0.5])), str(parse_window("(0, 2]"))
    ('[0, 0.5) s', '(0, 2] s')
    """
    if isinstance(value, Window):
        return value
    fault = InputError(
        f"{what} is {value!r}; it must be two times in seconds, the first before the second, as in 0,0.5 (or (0,2] to "
        "count the last moment and not the first)"
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


def averaged_over_time(
    values: npt.NDArray[Any], axis: int, times: Floats | None, window: Window | None, baseline: Window | None
) -> tuple[npt.NDArray[Any], str]:
    """Mean of the samples in the window, less that in the baseline, and in words what was done.

    Parameters
    ----------
    values : ndarray
    axis : int
        That of the samples.
    times : ndarray, shape (n_samples,), optional
        Seconds; None where they are not known.
    window, baseline : Window, optional

    Raises
    ------
    InputError
        When times or window are missing, or a window holds no sample.
    """
    n_samples = values.shape[axis]
    if window is None:
        known = "" if times is None else f", which run from {times.min():g} to {times.max():g} s"
        raise InputError(
            f"responses have an axis of {n_samples} samples{known}; say over which seconds to average: --window FROM,TO"
            + (" with --times FIRST,LAST, the times of the first and the last sample" if times is None else "")
        )
    if times is None:
        raise InputError(
            f"the times of the {n_samples} samples are not known, so that --window cannot choose among them; give the "
            "time of the first and of the last: --times FIRST,LAST (seconds), or an array called time"
        )
    if times.shape != (n_samples,) or not np.isfinite(times).all():
        raise InputError(
            f"time has shape {times.shape}; it must hold one number of seconds for each of {n_samples} samples"
        )
    inside = _samples(times, window, "window")
    found = values.compress(inside, axis=axis).mean(axis=axis, dtype=np.float64)
    said = f"averaged over {inside.sum():,} of {n_samples:,} samples in {window}"
    if baseline is not None:
        before = _samples(times, baseline, "baseline")
        found = found - values.compress(before, axis=axis).mean(axis=axis, dtype=np.float64)
        n_before = int(before.sum())
        said += f", less the mean of {n_before:,} sample{'s' * (n_before != 1)} in {baseline}"
    return found.astype(values.dtype) if values.dtype == np.float32 else found, said


def _samples(times: Floats, window: Window, what: str) -> npt.NDArray[np.bool_]:
    inside = window.holds(times)
    if not inside.any():
        raise InputError(f"the {what} {window} holds no sample; times run from {times.min():g} to {times.max():g} s")
    return inside
