"""What neurons did in each trial of an NWB file: rates of spikes, or means of imaged signals, within windows."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.recordings.nwb_export import written_series

__all__ = [
    "Signals",
    "checked_places",
    "choose_signals",
    "path_of",
    "read_responses",
    "spike_counts",
    "subtract_baseline",
    "window_means",
]

BLOCK_BYTES = 2**26
Floats = npt.NDArray[np.float64]


class Signals(NamedTuple):
    """Spike times or a series of signals, and what they are."""

    path: str
    kind: str  # "spikes", "dF/F", "fluorescence" or "other"
    units: str
    series: Any


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


def read_responses(
    chosen: Signals, starts: Floats, stops: Floats, seconds: tuple[float, float] | None, what: str, notes: list[str]
) -> npt.NDArray[Any]:
    """Rates, or means of signals, within the window of each trial, shape (n_trials, n_neurons)."""
    begin, end, duration = _windows(starts, stops, seconds, what)
    if chosen.kind != "spikes":
        return _means(chosen.series, begin, end, what, notes)
    spikes = chosen.series["spike_times"]
    ends = checked_places(spikes.data[:], len(spikes.target.data) + 1, "spike_times_index of the units")
    if np.ndim(spikes.target.data) != 1 or spikes.target.data.dtype.kind not in "iuf" or (np.diff(ends) < 0).any():
        raise InputError("spike_times of the units are no times unit after unit; the file is damaged, export it again")
    return spike_counts(spikes.target.data, ends, begin, end) / duration[:, np.newaxis]


def checked_places(values: Any, length: int, what: str) -> npt.NDArray[np.int64]:
    """Places in another column of `length` rows; raises InputError for any outside of it."""
    places = np.asarray(values)
    whole = places.ndim == 1 and places.dtype.kind in "iu"
    if not whole or (len(places) and not 0 <= int(places.min()) <= int(places.max()) < length):
        raise InputError(f"{what} leads outside of what it counts; the file is damaged, export it again")
    return places.astype(np.int64)


def _windows(
    starts: Floats, stops: Floats, seconds: tuple[float, float] | None, what: str
) -> tuple[Floats, Floats, Floats]:
    """Where the window of each trial begins and ends, and how long it is; seconds."""
    if seconds is None:
        begin, end, duration = starts, stops, stops - starts
    elif len(seconds) == 2 and np.isfinite(seconds).all() and seconds[0] < seconds[1]:
        begin, end = starts + seconds[0], starts + seconds[1]
        duration = np.full(len(starts), seconds[1] - seconds[0])
    else:
        raise InputError(f"{what} is {seconds}; it must be two times in seconds, the first before the second")
    if len(bad := np.flatnonzero(~(np.isfinite(begin) & np.isfinite(end) & (begin < end)))):
        advice = "mend its start_time" if seconds else f"say which seconds from its start count: --{what} FROM,TO"
        raise InputError(f"the {what} of trial {bad[0]} runs from {begin[bad[0]]:g} to {end[bad[0]]:g} s; {advice}")
    return begin, end, duration


def choose_signals(file: Any, wanted: str | None, notes: list[str]) -> Signals:
    """The spike times, as series ``units``, or the signals to take responses from."""
    from pynwb.ophys import RoiResponseSeries

    found = [_signal(item) for item in file.objects.values() if isinstance(item, RoiResponseSeries)]
    if (own := written_series(file)) is not None:
        found.append(Signals(path_of(own), "other", str(own.unit), own))
    if file.units is not None and "spike_times" in file.units.colnames and hasattr(file.units["spike_times"], "target"):
        found.append(Signals("units", "spikes", "Hz", file.units))
    found.sort(key=lambda one: one.path)
    there = ", ".join(one.path for one in found)
    if not found:
        raise InputError("it has no units with spike_times, and no RoiResponseSeries; there are no responses to read")
    if wanted is not None:
        chosen = [one for one in found if f"/{one.path}".endswith(f"/{wanted}")]
        if len(chosen) != 1:
            raise InputError(f"{len(chosen) or 'no'} signals are named {wanted!r}; there are {there}")
        return chosen[0]
    if len(found) == 1:
        return found[0]
    dff = [one for one in found if one.kind == "dF/F"]
    if len(dff) != 1 or any(one.kind == "spikes" for one in found):
        raise InputError(f"there are several signals, {there}; choose one: --series {found[0].path}")
    notes.append(f"responses are of {dff[0].path}, out of {there}")
    return dff[0]


def path_of(item: Any) -> str:
    """Where an object lies in its file."""
    parts = [item.name]
    while item.parent is not None and item.parent.parent is not None:
        item = item.parent
        parts.insert(0, item.name)
    return "/".join(parts)


def _signal(series: Any) -> Signals:
    """Whether a RoiResponseSeries is dF/F or fluorescence, by what it lies in and is called."""
    from pynwb.ophys import DfOverF, Fluorescence

    path = path_of(series)
    said = f"{path} {series.unit}".lower()
    if any(word in series.name.lower() for word in ("deconv", "event", "spike")):
        return Signals(path, "other", str(series.unit), series)
    if isinstance(series.parent, DfOverF) or any(word in said for word in ("df/f", "dff", "df_over_f", "dfoverf")):
        return Signals(path, "dF/F", "dF/F", series)
    if isinstance(series.parent, Fluorescence) or "fluor" in said:
        return Signals(path, "fluorescence", "fluorescence", series)
    return Signals(path, "other", str(series.unit), series)


def _means(series: Any, begin: Floats, end: Floats, what: str, notes: list[str]) -> npt.NDArray[Any]:
    """Means of all signals within the windows, shape (n_windows, n_signals)."""
    data = series.data if len(series.data.shape) == 2 else np.asarray(series.data[:])[:, np.newaxis]
    n_samples = len(data)
    n_signals = len(series.rois.data) if hasattr(series, "rois") else data.shape[1]
    if 0 in data.shape or data.shape[1] != n_signals:
        raise InputError(f"{series.name} has shape {data.shape}, but {n_signals} ROIs; it must be (times, ROIs)")
    sample, moments = _sampling(series, n_samples)
    first, last = sample(begin), sample(end)
    if len(empty := np.flatnonzero(first >= last)):
        raise InputError(
            f"{len(empty):,} of {len(first):,} trials have no sample of {series.name} in their {what}, the first from "
            f"{begin[empty[0]]:g} to {end[empty[0]]:g} s; samples run from {moments[0]:g} to {moments[1]:g} s"
        )
    spacing = (moments[1] - moments[0]) / max(n_samples - 1, 1)
    cut = (begin < moments[0] - spacing * (1 + 1e-6)) | (end > moments[1] + spacing * (1 + 1e-6))
    if n_samples > 1 and cut.any():
        notes.append(f"the {what} of {cut.sum():,} trials reaches beyond the samples of {series.name}")
    means = window_means(data, first, last) * float(series.conversion) + float(series.offset or 0.0)
    return means.astype(np.float32) if data.dtype == np.float32 else means


def _sampling(series: Any, n_samples: int) -> tuple[Callable[[Floats], npt.NDArray[np.int64]], tuple[float, float]]:
    """What gives the first sample not before given times, and the times of the first and the last sample."""
    if series.timestamps is None:
        start, rate = float(series.starting_time or 0.0), float(series.rate or 0.0)
        if not (np.isfinite(start) and 0 < rate < np.inf):
            raise InputError(f"{series.name} is sampled at {rate:g} Hz from {start:g} s; its rate must be above 0")

        def regular(times: Floats) -> npt.NDArray[np.int64]:
            # A sample's time is computed: one that falls short of an edge by a rounding error lies on it.
            return np.clip(np.ceil((times - start) * rate - 1e-6), 0, n_samples).astype(np.int64)

        return regular, (start, start + (n_samples - 1) / rate)
    raw = np.asarray(series.timestamps[:])
    stamps = raw.astype(np.float64) if raw.dtype.kind in "iuf" and raw.ndim == 1 else np.empty(0)
    if len(stamps) != n_samples or not (np.diff(stamps) >= 0).all():
        raise InputError(f"{series.name} has {n_samples} samples, {len(stamps)} timestamps; they must agree, and rise")
    return (lambda times: np.searchsorted(stamps, times)), (float(stamps[0]), float(stamps[-1]))


def subtract_baseline(found: dict[str, Any], baseline: npt.NDArray[Any], kind: str, notes: list[str]) -> None:
    """Make responses what they are above the baseline of their trial, and say so in their units."""
    if kind != "fluorescence":
        found["responses"] = found["responses"] - baseline
        found["units"] += " above baseline"
        return
    lacking = ~(baseline > 0)
    if lacking.any():
        notes.append(f"{lacking.sum():,} responses are missing (NaN): their baseline fluorescence is not above 0")
    valid = np.where(lacking, np.nan, baseline)
    found["responses"] = (found["responses"] - valid) / valid
    found["units"] = "dF/F"
    notes.append("dF/F is (F - F0) / F0, F0 the mean fluorescence in the baseline of each trial")
