"""Recordings in NWB files: a table of intervals with the stimuli, and spike times or signals of imaged cells."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.recordings.formats.columns import FACTS, beside
from normenc.recordings.formats.nwb_files import opened_nwb
from normenc.recordings.formats.nwb_signals import (
    Signals,
    checked_places,
    choose_signals,
    read_responses,
)
from normenc.recordings.formats.nwb_tables import (
    as_given,
    column_of,
    kinds_of_others,
    labels_of,
    numbers_of,
    plain_place,
    stimuli_of,
    tables_of,
)
from normenc.recordings.formats.trial_windows import subtract_baseline
from normenc.recordings.labels import without_stimulus
from normenc.recordings.nwb_export import written_facts, written_images, written_neurons, written_series
from normenc.stimulus_types import STIMULUS_TYPES, as_type

__all__ = ["read_nwb"]

OF_TRIALS = {"animal": ("animal", "subject_id"), "session": ("session", "session_id"), "repeat": ("repeat",)}
OF_NEURONS = {
    "neuron": ("neuron",),
    "region": ("region", "location", "brain_area", "brain_region"),
    "quality": ("quality", "unit_quality", "cluster_quality", "group", "KSLabel", "ks_label"),
    "neuron_animal": ("neuron_animal",),
    "neuron_session": ("neuron_session",),
}


def read_nwb(
    path: str | Path,
    *,
    intervals: str | None = None,
    window: tuple[float, float] | None = None,
    baseline: tuple[float, float] | None = None,
    series: str | None = None,
    names: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Read the responses of single trials from an NWB 2 file.

    The response of a neuron is its rate of spikes (Hz) within a window of each trial, or the mean of its signal over
    the samples within it. Windows hold their first moment and not their last. Angles are taken as they are; an
    orientation that spans more than 180 degrees without being mapped is a direction.

    Parameters
    ----------
    path : str or Path
    intervals : str, optional
        The table of trials; by default ``trials``, or else the only one with stimuli.
    window : pair of float, optional
        Seconds from each trial's start; by default from its start to its stop.
    baseline : pair of float, optional
        Seconds from each trial's start, negative before it. Rates and dF/F become differences to their mean there;
        raw fluorescence F becomes (F - F0) / F0, its F0 the mean there, and NaN unless F0 is above 0.
    series : str, optional
        The signals, where there are several: a name, or as much of its path as makes it unique; ``units`` for spikes.
    names : mapping of str to str, optional
        Columns that hold ``orientation``, ``direction`` or ``image``; ``animal``, ``session``, ``repeat`` of trials;
        ``neuron``, ``region``, ``quality`` of neurons; any other name is of a column of trials. Columns of common names
        are found without.

    Returns
    -------
    dict
        ``responses``, shape (n_trials, n_neurons), and one of ``orientation``, ``direction`` (degrees) and ``image``
        (text, or whole numbers), shape (n_trials,): NaN, or an empty text, in trials without a stimulus (of images also
        those of negative number). If known: ``animal``, ``session``, ``repeat`` of each trial, and all other columns
        of the table of trials that hold one number or text a row; ``neuron``, ``region``, ``quality`` of each neuron;
        the texts ``units``, ``species``, ``area``, ``source``, ``citation``. Of files that normenc wrote also
        ``images``, ``image_names``, ``licence``, ``simulated``. A list of str, ``notes``, says what was chosen and left
        out.

    Raises
    ------
    InputError
        If pynwb is missing, the file cannot be read or refers to other files, stimuli or responses are missing or
        ambiguous, or a window contains no sample; the message does not name the file.
    """
    names = dict(names or {})
    _check_names(names)
    notes: list[str] = []
    with opened_nwb(Path(path)) as file:
        table, kind, column, stimulus = stimuli_of(tables_of(file), intervals, names, notes)
        chosen = choose_signals(file, series, notes)
        rows, arrays = _of_all_trials(table, chosen, ~without_stimulus(stimulus), window, baseline, notes)
        arrays |= _of_trials(file, table, names, column, rows)
        arrays |= _of_neurons(file, chosen, names, notes)
        arrays |= _facts(file, notes) | {kind: as_given(stimulus[rows]), "axes": "trial,neuron"}
        if as_type(kind).is_named:
            arrays |= written_images(file, arrays[kind])
    if len(regions := np.unique(arrays.get("region", []))) == 1 and regions[0]:
        arrays.setdefault("area", str(regions[0]))
    return arrays | {"notes": notes}


def _check_names(names: Mapping[str, str]) -> None:
    for name in ("responses", "rdm", "images"):
        if name in names:
            known = ", ".join((*STIMULUS_TYPES, *OF_TRIALS, *OF_NEURONS))
            raise InputError(
                f"{name} cannot be mapped to a column: series= chooses the signals, and names= maps columns ({known})"
            )
    if len(kinds := [name for name in names if name in STIMULUS_TYPES]) > 1:
        raise InputError(f"columns are mapped to {' and '.join(kinds)}; the stimuli can be only one of them")


def _of_all_trials(
    table: Any,
    chosen: Signals,
    shown: npt.NDArray[np.bool_],
    window: tuple[float, float] | None,
    baseline: tuple[float, float] | None,
    notes: list[str],
) -> tuple[npt.NDArray[np.int64], dict[str, Any]]:
    """Rows of trials, and responses in them: all with a stimulus, and blanks where responses in them are known."""
    starts, stops = (numbers_of(table, column) for column in ("start_time", "stop_time"))
    has_times = np.isfinite(starts) & ((stops > starts) | (window is not None))

    def read(rows: npt.NDArray[np.int64]) -> tuple[dict[str, Any], list[str]]:
        said: list[str] = []
        responses = read_responses(chosen, starts[rows], stops[rows], window, "window", said)
        arrays = {"responses": responses, "units": chosen.units}
        if baseline is not None:
            before = read_responses(chosen, starts[rows], stops[rows], baseline, "baseline", said)
            subtract_baseline(arrays, before, chosen.kind, said)
        return arrays, said

    rows = np.flatnonzero(shown | has_times)
    try:
        arrays, said = read(rows)
    except InputError:
        if shown[rows].all():
            raise
        rows = np.flatnonzero(shown)
        arrays, said = read(rows)
    notes += said
    if n_lost := len(shown) - len(rows):
        notes.append(f"left out {n_lost:,} of {len(shown):,} trials, without a stimulus and without responses")
    if len(blanks := rows[~shown[rows]]):
        notes.append(
            f"{len(blanks):,} of {len(shown):,} trials have no stimulus and are blanks" + kinds_of_others(table, shown)
        )
    return rows, arrays


def _of_trials(
    file: Any, table: Any, names: Mapping[str, str], stimulus: str, rows: npt.NDArray[np.int64]
) -> dict[str, Any]:
    """Labels of trials, and all other columns of their table but that of the stimuli."""
    of_neurons = set(OF_NEURONS) - {*OF_TRIALS, *STIMULUS_TYPES}
    own = {name: (column,) for name, column in names.items() if name not in {*STIMULUS_TYPES, *of_neurons}}
    labels = labels_of(table, OF_TRIALS | own, names, rows)
    animal = None if file.subject is None else file.subject.subject_id
    for label, value in (("animal", animal), ("session", file.session_id)):
        if label not in labels and value:
            labels[label] = np.full(len(rows), str(value))
    mapped = {names[name] for name in names if name not in of_neurons}
    columns = {
        column: values[rows]
        for column in table.colnames
        if column not in {"start_time", "stop_time", stimulus, *mapped, *labels}
        and (values := column_of(table, column)) is not None
    }
    return labels | beside(columns, table.name, [*STIMULUS_TYPES, *OF_NEURONS, *FACTS])


def _of_neurons(file: Any, chosen: Signals, names: Mapping[str, str], notes: list[str]) -> dict[str, Any]:
    """Labels of the neurons, whose names are their ids where no column names them."""
    if chosen.kind != "spikes" and not hasattr(chosen.series, "rois"):
        table, rows = written_neurons(file), np.arange(chosen.series.data.shape[1])
        return {} if table is None else labels_of(table, OF_NEURONS, names, rows)
    rois = None if chosen.kind == "spikes" else chosen.series.rois
    table = file.units if rois is None else rois.table
    rows = np.arange(len(table))
    if rois is not None:
        rows = checked_places(rois.data[:], len(table), f"rois of {chosen.series.name}")
    if "obs_intervals" in table.colnames:
        notes.append("obs_intervals of the units are ignored")
    labels = labels_of(table, OF_NEURONS, names, rows)
    if "neuron" not in labels:
        labels["neuron"] = np.asarray(table.id[:])[rows].astype(str)
        if len(np.unique(labels["neuron"])) < len(rows):
            labels["neuron"] = np.arange(len(rows)).astype(str)
            notes.append(f"ids of {table.name} are not unique; neurons are named by their position")
    if "region" not in labels:
        plane = getattr(getattr(table, "imaging_plane", None), "location", None)
        regions = _electrode_regions(file) if rois is None else np.full(len(rows), plane or "")
        if regions is not None and not np.isin(regions, ("", "unknown")).all():
            labels["region"] = regions
    if "region" in labels and labels["region"].dtype.kind in "OUST":
        labels["region"] = np.array([plain_place(str(place)) for place in labels["region"]], dtype=str)
    return labels


def _electrode_regions(file: Any) -> npt.NDArray[Any] | None:
    """Where most of each unit's electrodes lie, by ``electrodes`` or ``peak_channel_id``; empty if not known."""
    units, electrodes = file.units, file.electrodes
    locations = None
    if electrodes is not None and "location" in electrodes.colnames:
        locations = column_of(electrodes, "location")
    if locations is None:
        return None
    if "electrodes" in units.colnames and hasattr(region := units["electrodes"], "target"):
        places = checked_places(region.target.data[:], len(locations), "electrodes of the units")
        parts = np.split(places, np.asarray(region.data[:], np.int64)[:-1])
        tallies = [np.unique(locations[part], return_counts=True) for part in parts]
        return np.array([where[n.argmax()] if len(n) else "" for where, n in tallies], dtype=str)
    if "peak_channel_id" in units.colnames and (peaks := column_of(units, "peak_channel_id")) is not None:
        place = dict(zip(np.asarray(electrodes.id[:]).tolist(), locations.tolist(), strict=True))
        return np.array([place.get(peak, "") for peak in peaks.tolist()], dtype=str)
    return None


def _facts(file: Any, notes: list[str]) -> dict[str, Any]:
    """What is known about the recording as a whole."""
    known: dict[str, Any] = {"source": f"NWB file {file.identifier}: {' '.join(str(file.session_description).split())}"}
    if file.subject is not None and file.subject.species:
        known["species"] = str(file.subject.species)
    if file.related_publications is not None and len(file.related_publications):
        known["citation"] = "; ".join(map(str, file.related_publications))
    if file.invalid_times is not None and len(file.invalid_times):
        notes.append(f"{len(file.invalid_times):,} invalid_times are ignored")
    if written_series(file) is None:
        return known
    del known["source"]
    facts, remarks = written_facts(file)
    notes += remarks
    return known | facts
