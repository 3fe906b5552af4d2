"""Responses within a window of each trial: spike counts, or means of sampled signals."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError

__all__ = [
    "Sampling",
    "Transposed",
    "means_within",
    "regular",
    "spike_counts",
    "stamped",
    "subtract_baseline",
    "window_means",
    "windows_of",
]

BLOCK_BYTES = 2**26
Floats = npt.NDArray[np.float64]


def spike_counts(spikes: Any, ends: npt.NDArray[Any], begin: Floats, end: Floats) -> Floats:
    """Count the spikes of each unit with ``begin <= time < end``, shape (n_windows, n_units).

    Parameters
    ----------
    spikes : array_like or h5py.Dataset, shape (n_spikes,)
        Times of all units' spikes, unit after unit; seconds.
    ends : ndarray of int, shape (n_units,)
        Where the spikes of each unit end.
    begin, end : ndarray, shape (n_windows,)
        Seconds.

    Examples
    --------
    >>> spike_counts(np.array([0.0, 0.5, 1.0, 0.75]), np.array([3, 4]), np.array([0.0, 0.5]), np.array([1.0, 1.5]))
    array([[2., 1.],
           [2., 1.]])
    """
    edges = np.concatenate([[0], np.asarray(ends, dtype=np.int64)])
    counts = np.zeros((len(begin), len(ends)))
    unit = 0
    while unit < len(ends):  # as many units at once as fit
        last = max(unit + 1, int(np.searchsorted(edges, edges[unit] + BLOCK_BYTES // 8, side="right")) - 1)
        block = np.asarray(spikes[edges[unit] : edges[last]], dtype=np.float64)
        for one in range(unit, last):
            times = block[edges[one] - edges[unit] : edges[one + 1] - edges[unit]]
            if (np.diff(times) < 0).any():
                times = np.sort(times)
            counts[:, one] = np.searchsorted(times, end) - np.searchsorted(times, begin)
        unit = last
    return counts


def window_means(data: Any, first: npt.NDArray[np.int64], last: npt.NDArray[np.int64]) -> Floats:
    """Mean of the samples ``first`` to ``last``, exclusive, of each window, which read `data` in blocks of time.

    Parameters
    ----------
    data : array_like or h5py.Dataset, shape (n_samples, n_signals)
    first, last : ndarray of int, shape (n_windows,)
        Samples; ``0 <= first < last <= n_samples``.

    Returns
    -------
    ndarray, shape (n_windows, n_signals)

    Examples
    --------
    >>> window_means(np.array([[1.0, 0.0], [3.0, 0.0], [8.0, 6.0]]), np.array([0, 1]), np.array([2, 3]))
    array([[2. , 0. ],
           [5.5, 3. ]])
    """
    n_samples, n_signals = data.shape
    chunk = (getattr(data, "chunks", None) or (1,))[0]
    rows = max(1, BLOCK_BYTES // (8 * n_signals))
    rows = max(rows // chunk, 1) * chunk if chunk <= 4 * rows else rows  # a chunk is unpacked whole
    sums = np.zeros((len(first), n_signals))
    for start in range(0, n_samples, rows):
        stop = min(start + rows, n_samples)
        inside = np.flatnonzero((first < stop) & (last > start))
        if not len(inside):
            continue
        low, high = np.maximum(first[inside], start), np.minimum(last[inside], stop)
        start = int(low.min())
        block = np.zeros((int(high.max()) - start + 1, n_signals))  # the last row: windows may end where the block does
        block[:-1] = data[start : start + len(block) - 1]
        sums[inside] += np.add.reduceat(block, np.stack([low, high], axis=1).ravel() - start, axis=0)[::2]
    return sums / (last - first)[:, np.newaxis]


def windows_of(
    starts: Floats, stops: Floats | None, seconds: tuple[float, float] | None, what: str, unit: str = "s"
) -> tuple[Floats, Floats, Floats]:
    """Where the window of each trial begins and ends, and how long it is.

    Parameters
    ----------
    starts, stops : ndarray, shape (n_trials,)
        Of the trials; `stops` may be unknown where `seconds` are given.
    seconds : pair of float, optional
        From each trial's start; by default from its start to its stop.
    what : str
        ``"window"`` or ``"baseline"``, for messages.
    unit : str
        Of the times.
    """
    if seconds is None:
        begin, end = starts, np.full(len(starts), np.nan) if stops is None else stops
        duration = end - begin
    elif len(seconds) == 2 and np.isfinite(seconds).all() and seconds[0] < seconds[1]:
        begin, end = starts + seconds[0], starts + seconds[1]
        duration = np.full(len(starts), seconds[1] - seconds[0])
    else:
        raise InputError(f"{what} is {seconds}; it must be two times in seconds, the first before the second")
    if len(bad := np.flatnonzero(~(np.isfinite(begin) & np.isfinite(end) & (begin < end)))):
        advice = "correct its start_time" if seconds else f"give seconds from its start: {what}=(FROM, TO)"
        raise InputError(
            f"the {what} of trial {bad[0]} runs from {begin[bad[0]]:g} to {end[bad[0]]:g} {unit}; {advice}"
        )
    return begin, end, duration


class Sampling(NamedTuple):
    """When the samples of a signal were taken."""

    first: Callable[[Floats], npt.NDArray[np.int64]]  # the first sample that is not before given times
    begin: float  # of the first sample
    end: float  # of the last
    n_samples: int


def regular(begin: float, rate: float, n_samples: int) -> Sampling:
    """Samples at a rate (Hz)."""

    def first(times: Floats) -> npt.NDArray[np.int64]:
        # A sample's time is computed: one that falls short of an edge by a rounding error lies on it.
        return np.clip(np.ceil((times - begin) * rate - 1e-6), 0, n_samples).astype(np.int64)

    return Sampling(first, begin, begin + (n_samples - 1) / rate, n_samples)


def stamped(stamps: Floats) -> Sampling:
    """Samples at these times, which rise."""
    return Sampling(lambda times: np.searchsorted(stamps, times), float(stamps[0]), float(stamps[-1]), len(stamps))


class Transposed:
    """Signals that are stored as (signals, samples), read a block of samples at a time."""

    def __init__(self, data: Any) -> None:
        self._data = data
        self.shape: tuple[int, int] = tuple(map(int, data.shape))[::-1]  # type: ignore[assignment]
        self.dtype = np.dtype(data.dtype)
        self.chunks = None if getattr(data, "chunks", None) is None else data.chunks[::-1]

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, samples: slice) -> npt.NDArray[Any]:
        return np.asarray(self._data[:, samples]).T


def means_within(
    data: Any, sampling: Sampling, begin: Floats, end: Floats, what: str, *, name: str, unit: str, notes: list[str]
) -> npt.NDArray[Any]:
    """Means of all signals within windows, which hold their first moment and not their last.

    Parameters
    ----------
    data : array_like, shape (n_samples, n_signals)
    sampling : Sampling
    begin, end : ndarray, shape (n_windows,)
    what, name, unit : str
        The window, the signal and the unit of times, for messages.
    notes : list of str
        Gets a note on windows that extend beyond the samples.

    Returns
    -------
    ndarray, shape (n_windows, n_signals)

    Raises
    ------
    InputError
        If a window holds no sample.
    """
    first, last = sampling.first(begin), sampling.first(end)
    if len(empty := np.flatnonzero(first >= last)):
        raise InputError(
            f"{len(empty):,} of {len(first):,} trials have no sample of {name} in their {what}, the first from "
            f"{begin[empty[0]]:g} to {end[empty[0]]:g} {unit}; samples run from {sampling.begin:g} to {sampling.end:g} "
            f"{unit}"
        )
    spacing = (sampling.end - sampling.begin) / max(sampling.n_samples - 1, 1) * (1 + 1e-6)
    cut = (begin < sampling.begin - spacing) | (end > sampling.end + spacing)
    if sampling.n_samples > 1 and cut.any():
        trials = "1 trial" if cut.sum() == 1 else f"{cut.sum():,} trials"
        notes.append(f"the {what} of {trials} extends beyond the samples of {name}")
    return window_means(data, first, last)


def subtract_baseline(arrays: dict[str, Any], baseline: npt.NDArray[Any], kind: str, notes: list[str]) -> None:
    """Subtract the baseline of each trial from the responses, and say so in their units."""
    if kind != "fluorescence":
        arrays["responses"] = arrays["responses"] - baseline
        arrays["units"] += " above baseline"
        return
    lacking = ~(baseline > 0)
    if lacking.any():
        notes.append(f"{lacking.sum():,} responses are missing (NaN): their baseline fluorescence is not above 0")
    valid = np.where(lacking, np.nan, baseline)
    arrays["responses"] = (arrays["responses"] - valid) / valid
    arrays["units"] = "dF/F"
    notes.append("dF/F is (F - F0) / F0, with F0 the mean fluorescence in the baseline of each trial")
