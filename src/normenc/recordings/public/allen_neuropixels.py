"""The Allen Brain Observatory, Neuropixels: spikes of mouse visual areas under natural scenes and gratings.

Files are those of DANDI:000021, of NWB 2; the layout was read from AllenSDK (``brain_observatory/ecephys``). Natural
scenes are not in the file, and are fetched from where the Allen Institute keeps them.
"""

from collections.abc import Mapping
from io import SEEK_END, BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError, quoted
from normenc.recordings.formats.guards import readable
from normenc.recordings.formats.trial_windows import spike_counts
from normenc.recordings.public.allen import (
    PARAMETERS,
    STIMULI,
    Presentations,
    check_session,
    chosen,
    item,
    made,
    numbers,
    opened_nwb,
    scene_labels,
    text,
    texts,
    window_of,
)
from normenc.recordings.public.collection import Collection, Option, RemoteFile
from normenc.recordings.recording import Recording

__all__ = ["COLLECTION"]

Floats = npt.NDArray[np.float64]
N_SCENES = 118
WINDOWS = {"natural_scenes": "0,0.25", "static_gratings": "0,0.25", "drifting_gratings": "0,2"}
SCENES = (
    "https://allen-brain-observatory.s3.us-west-2.amazonaws.com/visual-coding-neuropixels/ecephys-cache/"
    "natural_scene_templates/natural_scene_{}.tiff"
)
CRITERIA = {"amplitude_cutoff": ("<=", 0.1), "isi_violations": ("<=", 0.5), "presence_ratio": (">=", 0.95)}
MOST_SAID = 10  # areas in a message


def _files(session: str | None) -> tuple[RemoteFile, ...]:
    if session is None or not (session.isascii() and session.isdecimal()):
        given = "" if session is None else f"the session is {quoted(session)}; "
        raise InputError(f"allen-neuropixels: {given}give the number of a session, as in allen-neuropixels/715093703")
    shown = (("stimulus", "natural_scenes"), ("images", "yes"))
    spikes = RemoteFile(f"{session}.nwb", f"dandi:000021/draft/sub-*/sub-*_ses-{session}.nwb")
    return (
        spikes,
        *(RemoteFile(f"natural_scenes/{k}.tiff", SCENES.format(k), when=shown) for k in range(N_SCENES)),
    )


def _read(files: Mapping[str, Any], session: str | None, options: Mapping[str, str]) -> Recording:
    stimulus = options["stimulus"]
    scenes = {name: source for name, source in files.items() if name.endswith(".tiff")}
    (source,) = (source for name, source in files.items() if name not in scenes)
    window = window_of(WINDOWS[stimulus] if options["window"] == "auto" else options["window"], "window")
    with opened_nwb(source) as file:
        check_session(file, session)
        shown, left_out = _shown(file, stimulus)
        kept, steps, cautions = chosen(shown, options, stimulus)
        shown = shown.kept(kept)
        units, areas, said = _units(file, options)
        responses = _counts(file, units, shown.onset, window)
        names, quality = (texts(item(file, f"units/{own}")[()]) for own in ("id", "quality"))
        notes = [_about(file)]
    counted = f"counted spikes from {window[0]:g} s up to {window[1]:g} s after the onset of each presentation"
    return made(
        shown,
        responses,
        stimulus,
        images=_images(scenes) if scenes else None,
        steps=(*said, *left_out, *steps, counted),
        notes=notes,
        cautions=cautions,
        neurons={
            "neuron": [names[unit] for unit in units],
            "region": areas,
            "quality": [quality[unit] for unit in units],
        },
        **COLLECTION.facts
        | {"area": ", ".join(np.unique(areas).tolist()), "units": f"spikes in {window[1] - window[0]:g} s"},
    )


def _shown(file: Any, stimulus: str) -> tuple[Presentations, tuple[str, ...]]:
    """Presentations outside invalid times."""
    name, there = f"{stimulus}_presentations", item(file, "intervals")
    if name not in there:
        others = [own for own in STIMULI if f"{own}_presentations" in there]
        raise InputError(
            f"this session did not show {stimulus}; it showed {', '.join(others) or 'others'}: choose one of them with "
            "the option stimulus"
        )
    place = f"intervals/{name}"
    onset, stop = numbers(file, f"{place}/start_time"), numbers(file, f"{place}/stop_time")
    if stimulus == "natural_scenes":
        shown = Presentations(onset, scene_labels(numbers(file, f"{place}/frame"), N_SCENES))
    else:
        degrees = numbers(file, f"{place}/orientation")
        parameters = {own: numbers(file, f"{place}/{own}") for own in PARAMETERS if f"{place}/{own}" in file}
        is_blank = np.isnan(degrees)
        for own, values in parameters.items():
            if np.isnan(values[~is_blank]).any():
                raise InputError(f"{place}/{own} is missing where a grating was shown")
            values[is_blank] = np.nan
        shown = Presentations(onset, degrees, parameters)
    if len(stop) != len(onset):
        raise InputError(f"the columns of {place} have {len(stop):,} and {len(onset):,} rows")
    if np.isnan(onset).any():
        raise InputError(f"{place}/start_time is missing in {np.isnan(onset).sum():,} rows")
    invalid = _invalid(file, onset, stop)
    if not invalid.any():
        return shown, ()
    said = f"left out {invalid.sum():,} of {len(invalid):,} presentations in invalid times"
    return shown.kept(~invalid), (said,)


def _invalid(file: Any, onset: Floats, stop: Floats) -> npt.NDArray[np.bool_]:
    """Which presentations overlap times that the file calls invalid."""
    if "invalid_times" not in file["intervals"]:
        return np.zeros(len(onset), dtype=bool)
    first, last = (numbers(file, f"intervals/invalid_times/{own}") for own in ("start_time", "stop_time"))
    overlaps = (onset[:, None] < last) & (stop[:, None] > first)
    return np.asarray(overlaps.any(axis=1))


def _units(file: Any, options: Mapping[str, str]) -> tuple[list[int], list[str], tuple[str, ...]]:
    """Which units are kept, their areas, and in words why."""
    ids = item(file, "units/id")[()]
    electrodes = "general/extracellular_ephys/electrodes"
    channels = np.asarray(item(file, f"{electrodes}/id")[()]).tolist()
    location = dict(zip(channels, texts(item(file, f"{electrodes}/location")[()]), strict=True))
    peaks = np.asarray(numbers(file, "units/peak_channel_id")).astype(np.int64).tolist()
    for name in ("peak_channel_id", "quality", *CRITERIA):
        column = file.get(f"units/{name}")
        if column is not None and len(column) != len(ids):
            raise InputError(f"units/{name} has {len(column):,} rows, but there are {len(ids):,} units; fetch it again")
    lost = [peak for peak in peaks if peak not in location]
    if lost:
        raise InputError(f"units/peak_channel_id leads to {lost[0]}, which is none of the {len(location):,} electrodes")
    areas = np.array([location[peak] or "none" for peak in peaks])
    kept, said = np.ones(len(ids), dtype=bool), []
    if options["area"] != "all":
        wanted = options["area"].split(",")
        absent = [own for own in wanted if own not in areas]
        if absent:
            names, counts = np.unique(areas, return_counts=True)
            order = np.argsort(-counts)[:MOST_SAID]
            there = ", ".join(f"{names[k]} ({counts[k]:,})" for k in order)
            raise InputError(f"no unit lies in {' or '.join(absent)}; there are {there}")
        kept &= np.isin(areas, wanted)
        said.append(f"area {', '.join(wanted)}")
    if options["quality"] != "all":
        quality = np.array(texts(item(file, "units/quality")[()]))
        if options["quality"] not in quality:
            raise InputError(f"no unit has the quality {options['quality']}; there are {', '.join(np.unique(quality))}")
        kept &= quality == options["quality"]
        said.append(f"quality {options['quality']}")
    if options["criteria"] == "published":
        for name, (sign, bound) in CRITERIA.items():
            values = numbers(file, f"units/{name}")
            kept &= values <= bound if sign == "<=" else values >= bound  # not where the value is missing
            said.append(f"{name} {sign} {bound:g}")
    if kept.sum() < 2:
        raise InputError(
            f"{kept.sum()} of {len(ids):,} units are left ({', '.join(said)}); ask for more areas, or others"
        )
    units = np.flatnonzero(kept)
    step = (f"kept {len(units):,} of {len(ids):,} units ({', '.join(said)})",) if said else ()
    return units.tolist(), areas[kept].tolist(), step


def _counts(file: Any, units: list[int], onset: Floats, window: tuple[float, float]) -> Floats:
    """Spikes of each presentation and unit; only the spikes of these units are read."""
    ends = np.asarray(item(file, "units/spike_times_index")[()], dtype=np.int64)
    spikes = item(file, "units/spike_times")
    if len(ends) <= max(units) or (np.diff(ends) < 0).any() or ends[-1] != len(spikes):
        raise InputError("units/spike_times_index does not fit the spikes and the units")
    starts = np.concatenate([[0], ends[:-1]])
    columns = []
    for unit in units:
        own = np.asarray(spikes[starts[unit] : ends[unit]])
        if not np.isfinite(own).all():
            raise InputError(f"a spike of unit {unit} has no time (NaN); fetch the file again")
        columns.append(spike_counts(own, np.array([len(own)]), onset + window[0], onset + window[1])[:, 0])
    counts = np.stack(columns, axis=1)
    if not counts.any():
        raise InputError(
            f"no unit has a spike in any window, {onset.min() + window[0]:g} to {onset.max() + window[1]:g} s; the "
            "times of spikes and of presentations may be of different clocks"
        )
    return counts


def _images(scenes: Mapping[str, Any]) -> npt.NDArray[np.uint8]:
    """Natural scenes in the order of their numbers, as bytes."""
    from PIL import Image

    images = []
    for k in range(len(scenes)):
        with readable(f"image natural_scenes/{k}.tiff", "fetch it again"):
            images.append(np.asarray(Image.open(_whole(scenes[f"natural_scenes/{k}.tiff"]))))
        if images[-1].dtype != np.uint8 or images[-1].ndim != 2 or images[-1].shape != images[0].shape:
            raise InputError(f"natural_scenes/{k}.tiff has type {images[-1].dtype} and shape {images[-1].shape}")
    return np.stack(images)


def _whole(source: Any) -> Any:
    """A small file that is read in parts as a whole, because libraries of images ask for its rest without a length."""
    if isinstance(source, Path):
        return source
    source.seek(0, SEEK_END)
    n_bytes = source.tell()
    source.seek(0)
    return BytesIO(source.read(n_bytes))


def _about(file: Any) -> str:
    own = {
        "animal": text(file, "general/subject/subject_id"),
        "genotype": text(file, "general/subject/genotype"),
        "stimuli": text(file, "general/stimulus_notes") or text(file, "stimulus_notes"),
    }
    known = ", ".join(f"{name} {value}" for name, value in own.items() if value)
    return f"a file of NWB 2: {known or 'it says nothing about the session'}"


COLLECTION = Collection(
    name="allen-neuropixels",
    what="spikes under natural scenes, static and drifting gratings; six visual areas and others; by session",
    species="mouse",
    area="VISp, or as asked for",
    units="spikes in a window",
    citation=(
        "Siegle, Jia, Durand et al., Survey of spiking in the mouse visual system reveals functional hierarchy, "
        "Nature 592 (2021)"
    ),
    licence="as stated at DANDI:000021",
    source="https://dandiarchive.org/dandiset/000021",
    files=_files,
    read=_read,
    read_opened=_read,
    options={
        "stimulus": Option("natural_scenes", "what was shown", STIMULI),
        "area": Option("VISp", "areas of the units, with commas between several, or all"),
        "quality": Option("good", "quality of the units as sorted, or all"),
        "criteria": Option(
            "published",
            "units by AllenSDK's criteria (amplitude_cutoff up to 0.1, isi_violations up to 0.5, presence_ratio from "
            "0.95), or none",
            ("published", "none"),
        ),
        "window": Option(
            "auto",
            "seconds after the onset in which spikes are counted, FROM,TO; by default 0,0.25, and 0,2 of drifting "
            "gratings",
        ),
        "images": Option("yes", "whether natural scenes are fetched and given with the recording", ("yes", "no")),
        **PARAMETERS,
    },
    processing=("spikes as sorted by Kilosort 2 and published",),
)
