"""Bins of degrees around the circle, centred on the multiples of their width."""

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.stimulus_types import as_type

__all__ = ["bin_centres"]

Floats = npt.NDArray[np.float64]
APART = 0.25  # of a width: stimuli further apart than this are different
SLACK = 1e-9  # of a width


def bin_centres(stimulus: Floats, counts: Floats, kind: str, width: float) -> Floats:
    """Mean of each stimulus's bin in degrees, with every stimulus weighted by `counts`.

    Raises
    ------
    InputError
        See :func:`normenc.recordings.bin_stimuli`.

    Examples
    --------
    >>> bin_centres(np.array([0.2, 30.1, 29.9, 179.8]), np.ones(4), "orientation", 30)
    array([ 0., 30., 30.,  0.])
    """
    period = as_type(kind).period
    assert period is not None
    if not 0 < width <= period / 2:
        raise InputError(f"bin_width is {width}; it must be between 0 and {period / 2:g} degrees")
    n_bins = round(period / width)
    if abs(n_bins * width - period) > 1e-6 * width:
        raise InputError(
            f"bin_width is {width:g}; bins go around the circle, so {period:g} degrees must be a whole number of bins, "
            f"as with {min(_plain_widths(period), key=lambda other: abs(other - width)):g}"
        )
    index = _bins(stimulus, width) % n_bins
    _check_whole(stimulus, width, period)
    if len(np.unique(index)) < 2:
        raise InputError(f"all stimuli fall into one bin of {width:g} degrees; make bin_width smaller")
    centre = _near(stimulus, width, period)[index]
    away = np.mod(stimulus - centre + period / 2, period) - period / 2
    mean = np.bincount(index, counts * away, n_bins) / np.maximum(np.bincount(index, counts, n_bins), 1)
    return np.round(centre + mean[index], 9) + 0.0


def _bins(stimulus: Floats, width: float) -> npt.NDArray[np.int64]:
    """The multiple of the width nearest to each stimulus; halfway between two, the upper one."""
    return np.floor(stimulus / width + 0.5 + SLACK).astype(np.int64)


def _near(stimulus: Floats, width: float, period: float) -> Floats:
    """The centre of every bin: from 0 if no stimulus is negative, otherwise from half a circle below 0."""
    low = stimulus.min() + width / 2
    start = next((begin for begin in (0.0, -period / 2) if low >= begin), low - width / 2)
    return np.mod(np.arange(round(period / width)) * width - start + SLACK, period) - SLACK + start


def _check_whole(stimulus: Floats, width: float, period: float) -> None:
    """Raise InputError if a bin edge separates stimuli that are close together and far from others."""
    halved = _cut(stimulus, width, period)
    if halved is None:
        return
    narrower = (other for other in _plain_widths(period) if other < width)
    others = [other for other in narrower if _cut(stimulus, other, period, width) is None]
    said = f"; {others[0]:g} would not" if others else ""
    raise InputError(
        f"bins of {width:g} degrees, centred on its multiples, would separate stimuli near {halved:g} degrees that "
        f"are close together; choose another bin_width{said}"
    )


def _plain_widths(period: float) -> list[float]:
    """Round widths that divide the circle, the widest first."""
    return [period / n for n in range(2, 10 * int(period)) if period / n == round(period / n, 3)]


def _cut(stimulus: Floats, width: float, period: float, coarse: float | None = None) -> float | None:
    """Mean of the first group of close stimuli that bins separate; None if there is no such group."""
    around = np.unique(np.mod(stimulus, period))
    first = int(np.argmax(np.diff(around, append=around[0] + period))) + 1
    around = np.concatenate([around[first:], around[:first] + period])
    groups = np.split(around, np.flatnonzero(np.diff(around) > APART * (coarse or width)) + 1)
    if any(np.ptp(group) > 0.5 * (coarse or width) for group in groups):
        return None  # they are spread over the circle
    parted = (group for group in groups if len(np.unique(_bins(group, width))) > 1)
    return next((float(group.mean()) % period for group in parted), None)
