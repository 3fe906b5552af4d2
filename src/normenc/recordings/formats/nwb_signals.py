"""What neurons did in each trial of an NWB file: rates of spikes, or means of imaged signals, within windows."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.recordings.formats.trial_windows import (
    Sampling,
    Transposed,
    means_within,
    regular,
    spike_counts,
    stamped,
    windows_of,
)
from normenc.recordings.nwb_export import written_series
from normenc.texts import argument

__all__ = ["Signals", "checked_places", "choose_signals", "path_of", "read_responses"]

Floats = npt.NDArray[np.float64]


class Signals(NamedTuple):
    """Spike times or a series of signals, and what they are."""

    path: str
    kind: str  # "spikes", "dF/F", "fluorescence" or "other"
    units: str
    series: Any


def read_responses(
    chosen: Signals, starts: Floats, stops: Floats, seconds: tuple[float, float] | None, what: str, notes: list[str]
) -> npt.NDArray[Any]:
    """Rates, or means of signals, within the window of each trial, shape (n_trials, n_neurons)."""
    begin, end, duration = windows_of(starts, stops, seconds, what)
    if chosen.kind != "spikes":
        return _means(chosen.series, begin, end, what, notes)
    spikes = chosen.series["spike_times"]
    ends = checked_places(spikes.data[:], len(spikes.target.data) + 1, "spike_times_index of the units")
    if np.ndim(spikes.target.data) != 1 or spikes.target.data.dtype.kind not in "iuf" or (np.diff(ends) < 0).any():
        raise InputError(
            "spike_times of the units are not increasing times for each unit; the file is damaged, so export it again"
        )
    return spike_counts(spikes.target.data, ends, begin, end) / duration[:, np.newaxis]


def checked_places(values: Any, length: int, what: str) -> npt.NDArray[np.int64]:
    """Places in another column of `length` rows; raises InputError for any outside of it."""
    places = np.asarray(values)
    whole = places.ndim == 1 and places.dtype.kind in "iu"
    if not whole or (len(places) and not 0 <= int(places.min()) <= int(places.max()) < length):
        raise InputError(f"{what} points outside its range; the file is damaged, so export it again")
    return places.astype(np.int64)


def choose_signals(file: Any, wanted: str | None, notes: list[str]) -> Signals:
    """The spike times, as series ``units``, or the signals to take responses from."""
    from pynwb.ophys import RoiResponseSeries

    signals = [_signal(item) for item in file.objects.values() if isinstance(item, RoiResponseSeries)]
    if (own := written_series(file)) is not None:
        signals.append(Signals(path_of(own), "other", str(own.unit), own))
    if file.units is not None and "spike_times" in file.units.colnames and hasattr(file.units["spike_times"], "target"):
        signals.append(Signals("units", "spikes", "Hz", file.units))
    signals.sort(key=lambda one: one.path)
    there = ", ".join(one.path for one in signals)
    if not signals:
        raise InputError("it has no units with spike_times, and no RoiResponseSeries; there are no responses to read")
    if wanted is not None:
        chosen = [one for one in signals if f"/{one.path}".endswith(f"/{wanted}")]
        if len(chosen) != 1:
            raise InputError(f"{len(chosen) or 'no'} signals are named {wanted!r}; the signals are {there}")
        return chosen[0]
    if len(signals) == 1:
        return signals[0]
    dff = [one for one in signals if one.kind == "dF/F"]
    if len(dff) != 1 or any(one.kind == "spikes" for one in signals):
        raise InputError(f"there are several signals, {there}; choose one, such as {argument(series=signals[0].path)}")
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
    data = _by_time(series, notes)
    sampling = _sampling(series, len(data))
    means = means_within(data, sampling, begin, end, what, name=series.name, unit="s", notes=notes)
    means = means * float(series.conversion) + float(series.offset or 0.0)
    return means.astype(np.float32) if data.dtype == np.float32 else means


def _by_time(series: Any, notes: list[str]) -> Any:
    """The signals as (samples, signals), turned where their number says that they are stored the other way."""
    data = series.data if len(series.data.shape) == 2 else np.asarray(series.data[:])[:, np.newaxis]
    n_signals = len(series.rois.data) if hasattr(series, "rois") else data.shape[1]
    if 0 in data.shape or n_signals not in data.shape:
        raise InputError(f"{series.name} has shape {data.shape}, but {n_signals} ROIs; it must be (times, ROIs)")
    if hasattr(series, "rois") and data.shape[0] == n_signals == data.shape[1] > 1:
        raise InputError(
            f"{series.name} has shape {data.shape} and {n_signals} ROIs, so times and ROIs cannot be told apart; "
            "leave out one sample, or one ROI"
        )
    if data.shape[1] == n_signals:
        return data
    said = f"{series.name} is stored as (ROIs, times), as the number of its ROIs shows, and was transposed"
    notes += [said] if said not in notes else []  # read again for its baseline
    return Transposed(data)


def _sampling(series: Any, n_samples: int) -> Sampling:
    if series.timestamps is None:
        start, rate = float(series.starting_time or 0.0), float(series.rate or 0.0)
        if not (np.isfinite(start) and 0 < rate < np.inf):
            raise InputError(f"{series.name} is sampled at {rate:g} Hz from {start:g} s; its rate must be above 0")
        return regular(start, rate, n_samples)
    raw = np.asarray(series.timestamps[:])
    stamps = raw.astype(np.float64) if raw.dtype.kind in "iuf" and raw.ndim == 1 else np.empty(0)
    if len(stamps) != n_samples or not (np.diff(stamps) >= 0).all():
        raise InputError(
            f"{series.name} has {n_samples} samples, {len(stamps)} timestamps; they must agree in number and increase"
        )
    return stamped(stamps)
