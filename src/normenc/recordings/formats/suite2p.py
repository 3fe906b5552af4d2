"""Folders of suite2p with a table of trials: regions of interest x frames, cut into trials."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.recordings.formats.archives import mapped_array
from normenc.recordings.formats.trial_files import Trials, read_trials, with_names
from normenc.recordings.formats.trial_windows import (
    Transposed,
    means_within,
    regular,
    subtract_baseline,
    windows_of,
)
from normenc.texts import argument

__all__ = ["place_of_suite2p", "read_suite2p"]

SIGNALS = {  # what `series` may be: its kind, its unit, and the files whose weighted sum it is
    "F": ("fluorescence", "fluorescence", {"F": 1.0}),
    "F-0.7Fneu": ("fluorescence", "fluorescence without neuropil", {"F": 1.0, "Fneu": -0.7}),
    "spks": ("other", "deconvolved activity", {"spks": 1.0}),
}
INSIDE = ("", "combined", "plane0", "suite2p", "suite2p/combined", "suite2p/plane0")


def place_of_suite2p(folder: Path) -> Path | None:
    """Where suite2p's files lie in a folder; None if there are none."""
    for inside in INSIDE:
        place = folder / inside
        if (place / "F.npy").is_file() or ((place / "spks.npy").is_file() and (place / "iscell.npy").is_file()):
            return place
    return None


def read_suite2p(
    folder: Path,
    names: Mapping[str, str],
    *,
    window: tuple[float, float] | None = None,
    baseline: tuple[float, float] | None = None,
    series: str | None = None,
) -> dict[str, Any]:
    """The mean signal of each region of interest (ROI) in each trial.

    Parameters
    ----------
    folder : Path
        That of the files ``F.npy``, ``Fneu.npy``, ``spks.npy`` and ``iscell.npy``, or one that has it as ``plane0``;
        with ``trials.csv``, see :func:`normenc.recordings.formats.trial_files.read_trials`. ``ops.npy`` and
        ``stat.npy`` are pickles, which are never loaded: the table gives the frame rate.
    names : mapping of str to str
        From the names that normenc knows, ``start`` and ``start_frame`` among them, to columns of the table.
    window, baseline : pair of float, optional
        Seconds from each trial's start, see :func:`normenc.recordings.formats.nwb.read_nwb`.
    series : str, optional
        ``"F"``, raw fluorescence; ``"F-0.7Fneu"``, that without neuropil; or ``"spks"``, deconvolved.

    Returns
    -------
    dict
        ``responses``, shape (n_trials, n_rois), the columns of the table, ``neuron`` (the numbers of the ROIs, counted
        from 0), ``quality`` (``"cell"`` or ``"not cell"``) and ``iscell_probability`` of each ROI, ``units``,
        ``notes``.

    Raises
    ------
    InputError
        If a file is missing or damaged, files do not fit together, or trials cannot be placed in time.
    """
    place = place_of_suite2p(folder)
    assert place is not None
    notes = _other_planes(place)
    name, parts = _chosen(place, series, notes)
    kind, units, weights = SIGNALS[name]
    n_rois, n_frames = next(iter(parts.values())).shape
    trials = read_trials([folder, place], names, counted="frame", rate=None, n_samples=n_frames)
    sampling = regular(0.0, trials.rate or 1.0, n_frames)

    def read(seconds: tuple[float, float] | None, what: str) -> npt.NDArray[Any]:
        begin, end = _window(trials, seconds, what)
        means = (
            weight
            * means_within(
                Transposed(parts[part]), sampling, begin, end, what, name=part, unit=trials.unit, notes=notes
            )
            for part, weight in weights.items()
        )
        return np.sum(list(means), axis=0)

    arrays: dict[str, Any] = {"responses": read(window, "window"), "units": units}
    if baseline is not None:
        subtract_baseline(arrays, read(baseline, "baseline"), kind, notes)
    labels = _labels(place, n_rois, notes)
    arrays = (
        trials.columns | arrays | labels | {"axes": "trial,neuron", "notes": list(dict.fromkeys(trials.notes + notes))}
    )
    return with_names(arrays, names, trials)


def _other_planes(place: Path) -> list[str]:
    """A note on planes that are not read."""
    others = sorted(plane.name for plane in place.parent.glob("plane*") if plane != place and plane.is_dir())
    if place.name != "plane0" or not others:
        return []
    return [
        f"only plane0 is read; there {'is' if len(others) == 1 else 'are'} also {', '.join(others)}. Give the folder "
        "of another plane to read it, or let suite2p write the folder combined, which holds all planes"
    ]


def _chosen(place: Path, series: str | None, notes: list[str]) -> tuple[str, dict[str, Any]]:
    """Which signal is read, and its files, neurons x frames."""
    there = [
        name for name, (_, _, parts) in SIGNALS.items() if all((place / f"{part}.npy").is_file() for part in parts)
    ]
    if series is not None and series not in there:
        raise InputError(f"there is no signal {series!r}; the signals are {', '.join(there)}")
    name = series or there[0]
    if series is None and len(there) > 1:
        notes.append(
            f"responses are {SIGNALS[name][1]} ({name}); "
            f"{' or '.join(argument(series=one) for one in there[1:])} chooses another signal"
        )
    parts = {part: mapped_array(place / f"{part}.npy") for part in SIGNALS[name][2]}
    shape = next(iter(parts.values())).shape
    for part, array in parts.items():
        if array.ndim != 2 or 0 in array.shape or array.shape != shape or array.dtype.kind not in "iuf":
            raise InputError(
                f"{part}.npy holds an array of shape {array.shape}; it must be ROIs x frames"
                + (f", {shape} like the others" if array.shape != shape else "")
            )
    return name, parts


def _window(
    trials: Trials, seconds: tuple[float, float] | None, what: str
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    if trials.unit != "s" and seconds is not None:
        raise InputError(
            f"{what}= is in seconds, but the frame rate is not known: give it (Hz) in a column rate of trials.csv"
        )
    if trials.stops is None and seconds is None:
        stop = "stop" if trials.unit == "s" else "stop_frame"
        raise InputError(
            f"trials.csv does not say when trials end: add a column {stop}"
            + (
                ", or give a window in seconds from the start of each trial: window=(FROM, TO)"
                if trials.unit == "s"
                else ""
            )
        )
    begin, end, _ = windows_of(trials.starts, trials.stops, seconds, what, trials.unit)
    return begin, end


def _labels(place: Path, n_rois: int, notes: list[str]) -> dict[str, Any]:
    labels: dict[str, Any] = {"neuron": np.arange(n_rois).astype(str)}
    if not (place / "iscell.npy").is_file():
        return labels
    judged = np.asarray(mapped_array(place / "iscell.npy"))
    judged = judged[:, np.newaxis] if judged.ndim == 1 else judged
    if judged.ndim != 2 or len(judged) != n_rois or not np.isin(judged[:, 0], (0, 1)).all():
        raise InputError(
            f"iscell.npy has shape {judged.shape}; it must hold 0 or 1 for each of the {n_rois} ROIs, and perhaps a "
            "probability"
        )
    is_cell = judged[:, 0] == 1
    labels["quality"] = np.where(is_cell, "cell", "not cell")
    if judged.shape[1] > 1:
        labels["iscell_probability"] = judged[:, 1].astype(np.float64)
    notes.append(f"{is_cell.sum():,} of {n_rois:,} ROIs are cells by iscell; quality='cell' keeps only these")
    return labels
