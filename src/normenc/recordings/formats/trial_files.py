"""A table of trials for continuous signals: when each began and ended, and its stimulus."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from normenc.errors import InputError
from normenc.recordings.formats.columns import few, plain, renamed
from normenc.recordings.formats.listing import not_there
from normenc.recordings.formats.side_tables import of_trials, read_beside
from normenc.texts import argument

__all__ = ["RATE_PLACES", "TRIALS", "Trials", "read_trials", "with_names"]

TRIALS = "trials.csv"
# What columns of the beginning and the end of trials are called, by the unit that their names tell.
SECONDS = {
    "start": ("start_s", "start_time", "start", "onset_s", "onset_time", "onset"),
    "stop": ("stop_s", "stop_time", "stop", "end_s", "end_time", "end", "offset_s", "offset_time", "offset"),
}
RATE_NAMES = {"frame": "frame rate", "sample": "sampling rate"}
RATE_PLACES = {"frame": "in a column rate", "sample": "as sample_rate = 30000 in params.py, or in a column rate"}
RATES = ("rate", "fs", "sampling_rate", "frame_rate")
Floats = npt.NDArray[np.float64]


class Trials(NamedTuple):
    """Trials of a recording; times are in `unit`, seconds (``"s"``) where the rate is known."""

    starts: Floats
    stops: Floats | None
    unit: str
    rate: float | None  # samples per second
    columns: dict[str, Any]
    mapped: frozenset[str]  # names that were given to columns
    notes: list[str]


def read_trials(
    folders: Sequence[Path],
    names: Mapping[str, str],
    *,
    counted: str,
    rate: float | None,
    n_samples: int,
    is_whole: bool = True,
) -> Trials:
    """The table ``trials.csv``, one row per trial.

    Its columns are ``start`` and, unless a window is given later, ``stop``, in seconds from the first sample; or
    ``start_frame`` and ``stop_frame`` (of spikes ``start_sample`` and ``stop_sample``), numbers of samples counted from
    0, of which the last is not part of the trial. ``rate`` (Hz) may be given in every row. All other columns describe
    the trials: the stimulus, contrast and the like.

    Parameters
    ----------
    folders : sequence of Path
        Where it may lie.
    names : mapping of str to str
        From the names above to those in the table.
    counted : str
        What numbers of samples count: ``"frame"`` or ``"sample"``.
    rate : float, optional
        Samples a second, if they are known.
    n_samples : int
        Of the recording, or, unless `is_whole`, until the last spike.
    is_whole : bool
        Whether the recording ends there.

    Raises
    ------
    InputError
        If it is not there, or it is not plain whether its times are seconds or numbers of samples.
    """
    path = next((folder / TRIALS for folder in folders if (folder / TRIALS).is_file()), None)
    if path is None:
        raise InputError(
            f"the trials are missing; add a table {TRIALS}, one row per trial, with the columns start and stop "
            f"(seconds) or start_{counted} and stop_{counted}, and orientation, direction or image"
        )
    table = read_beside(path)
    try:
        return _trials(table, names, counted, rate, (n_samples, is_whole))
    except InputError as error:
        raise InputError(f"{TRIALS}: {error}") from None


def _trials(
    table: pd.DataFrame, names: Mapping[str, str], counted: str, rate: float | None, end: tuple[int, bool]
) -> Trials:
    in_samples = {
        "start": (f"start_{counted}", counted, f"onset_{counted}"),
        "stop": (f"stop_{counted}", f"end_{counted}", f"offset_{counted}"),
    }
    times = {name for known in (in_samples, SECONDS) for one in known.values() for name in one}
    for name, own in names.items():
        if own not in table and name in {*times, *RATES}:
            raise InputError(f"it has no column {own!r} (for {name}); it has {few(table.columns)}")
    notes: list[str] = []
    mapped = {name: own for name, own in names.items() if own in table}
    table = renamed(table, mapped, notes)
    rate = _rate(table, rate, mapped)
    start = _column(table, in_samples["start"])
    in_seconds = {name: _column(table, names) for name, names in SECONDS.items()}
    is_whole = start is not None and _column(table, in_samples["stop"]) is not None
    if start is not None and not is_whole and rate is not None and None not in in_seconds.values():
        start = None  # of the seconds, both are there
    known = in_samples if start is not None else SECONDS
    start = start if start is not None else in_seconds["start"]
    if start is None:
        raise InputError(
            f"it has no column start (seconds) or start_{counted}; it has {few(table.columns)}. Name yours with "
            f"{argument(names={'start': 'COLUMN'})} or {argument(names={f'start_{counted}': 'COLUMN'})}"
        )
    stop = _column(table, known["stop"])
    starts, stops = _numbers(table, start), None if stop is None else _numbers(table, stop)
    if known is in_samples:
        _check_whole(start, starts, counted)
        unit = f"{counted}s" if rate is None else "s"
        starts, stops = starts / (rate or 1.0), None if stops is None else stops / (rate or 1.0)
    else:
        _check_seconds(start, starts, rate, end, counted)
        unit = "s"
    others = [name for name in table if name in times and name not in (start, stop)]
    if others:
        notes.append(f"{few(others)} of {TRIALS} not used, because {start} says when trials begin")
    kept = [column for column in table if column not in {*times, *RATES}]
    return Trials(starts, stops, unit, rate, of_trials(table[kept]), frozenset(mapped), notes)


def with_names(arrays: dict[str, Any], names: Mapping[str, str], trials: Trials) -> dict[str, Any]:
    """What was read, with the names that are asked for in place of those of labels of neurons.

    Raises
    ------
    InputError
        If there is neither such a column of trials nor such a label.
    """
    for name, own in names.items():
        if name in trials.mapped:
            continue
        if own not in arrays:
            raise InputError(not_there(arrays, name, own))
        arrays = {name if key == own else key: value for key, value in arrays.items() if key == own or key != name}
    return arrays


def _column(table: pd.DataFrame, known: Sequence[str]) -> str | None:
    """The column of the first of these names that is there."""
    return next((name for name in known if name in table), None)


def _rate(table: pd.DataFrame, rate: float | None, mapped: Mapping[str, str]) -> float | None:
    """Samples a second, by the column that the user names, or by all that bear such a name."""
    columns = [name for name in RATES if name in mapped] or [name for name in RATES if name in table]
    if not columns:
        return rate
    rates = {column: np.unique(_numbers(table, column)) for column in columns}
    for column, values in rates.items():
        if len(values) != 1 or not 0 < values[0] < np.inf:
            raise InputError(f"{column} must hold one number of samples per second (Hz) in all rows, above 0")
    column, values = next(iter(rates.items()))
    for other, own in rates.items():
        if abs(own[0] - values[0]) > 1e-3 * values[0]:
            raise InputError(
                f"{column} is {values[0]:g} Hz, but {other} is {own[0]:g} Hz; choose the rate of the samples with "
                f"{argument(names={'rate': column})} or {argument(names={'rate': other})}"
            )
    if rate is not None and abs(rate - values[0]) > 1e-3 * rate:
        raise InputError(f"{column} is {values[0]:g} Hz, but the recording says {rate:g} Hz; correct one of them")
    return float(values[0]) if rate is None else rate


def _numbers(table: pd.DataFrame, column: str) -> Floats:
    values = plain(table[column])
    if values.dtype.kind not in "iuf":
        raise InputError(f"column {column} holds text; it must hold one number per trial")
    if (bad := ~np.isfinite(values.astype(np.float64))).any():
        raise InputError(f"row {int(np.flatnonzero(bad)[0]) + 1} has no {column}; every trial needs one")
    return values.astype(np.float64)


def _check_whole(column: str, values: Floats, counted: str) -> None:
    bad = (values < 0) | (values != np.round(values))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise InputError(
            f"row {row + 1}: {column} is {values[row]:g}; {counted} numbers are whole and count from 0. If these "
            "are seconds, call the column start"
        )


def _check_seconds(column: str, starts: Floats, rate: float | None, end: tuple[int, bool], counted: str) -> None:
    """Raise InputError unless the name of the times and the length of the recording show that they are seconds."""
    if rate is None:
        said = "is in seconds" if column in SECONDS["start"] and column not in ("start", "onset") else "may be seconds"
        raise InputError(
            f"{column} {said}, but the {RATE_NAMES[counted]} is not known; give it (Hz) {RATE_PLACES[counted]}; or, if "
            f"these are {counted} numbers, call the column start_{counted}"
        )
    (n_samples, is_whole), late = end, starts >= end[0] / rate
    if late.mean() > 0.5 or (is_whole and late.any() and (starts == np.round(starts)).all()):
        what = "the recording ends" if is_whole else "the last spike comes"
        raise InputError(
            f"{column} runs to {starts.max():g}, but {what} after {n_samples / rate:g} s ({n_samples:,} {counted}s at "
            f"{rate:g} Hz); if these are {counted} numbers, call the column start_{counted}"
        )
