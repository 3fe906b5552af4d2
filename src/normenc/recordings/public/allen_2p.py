"""The Allen Brain Observatory, two-photon: mouse visual areas under natural scenes and gratings.

Files are those of NWB 1, as the Allen Institute publishes them, or of NWB 2, as converted for DANDI:000728. Layouts
were read from AllenSDK (``core/brain_observatory_nwb_data_set.py``) and catalystneuro/visual-coding-to-nwb-v2.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError, quoted
from normenc.recordings.formats.trial_windows import Transposed, means_within, stamped
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

__all__ = ["BUCKET", "COLLECTION", "Session", "read_session"]

Floats = npt.NDArray[np.float64]
PIPELINE = "processing/brain_observatory_pipeline"
SIGNALS = f"{PIPELINE}/DfOverF/imaging_plane_1"
OPHYS = "processing/ophys"
WINDOWS = {"natural_scenes": "0,0.5", "static_gratings": "0,0.5", "drifting_gratings": "0,2"}
BUCKET = "https://allen-brain-observatory.s3.us-west-2.amazonaws.com/visual-coding-2p/ophys_experiment_data"
CUT_ROWS = 3  # to which the conversion to NWB 2 cut the table of static gratings


def _files(session: str | None) -> tuple[RemoteFile, ...]:
    if session is None or not (session.isascii() and session.isdecimal()):
        given = "" if session is None else f"the session is {quoted(session)}; "
        raise InputError(f"allen-2p: {given}give the number of an experiment, as in allen-2p/511510753")
    return (
        RemoteFile(
            f"{session}.nwb",
            f"{BUCKET}/{session}.nwb",
            when=(("format", "nwb1"),),
        ),
        RemoteFile(
            f"{session}_nwb2.nwb",
            f"dandi:000728/0.240827.1809/sub-*/sub-*_ses-{session}-Stim*_behavior+image+ophys.nwb",
            when=(("format", "nwb2"),),
        ),
    )


@dataclass(frozen=True)
class Session:
    """What a session gives, before it becomes a recording.

    Attributes
    ----------
    shown : Presentations
    responses : ndarray, shape (n_presentations, n_cells)
        DF/F.
    neurons : tuple of str
        Names of the cells.
    area : str
    images : ndarray, shape (n_images, height, width), or None
        All natural scenes.
    steps, notes, cautions : tuple of str
    """

    shown: Presentations
    responses: Floats
    neurons: tuple[str, ...]
    area: str
    images: Any
    steps: tuple[str, ...]
    notes: tuple[str, ...]
    cautions: tuple[str, ...]


def read_session(source: Any, session: str | None, options: Mapping[str, str]) -> Session:
    """Read one file, from the disk or from where it lies.

    Parameters
    ----------
    source : Path or file object
    session : str or None
        Its number; a file that says another is refused.
    options : mapping of str to str
        Those of the collection.

    Raises
    ------
    InputError
        If it is not of the published layout, or what is asked for is not in it.
    """
    stimulus = options["stimulus"]
    with opened_nwb(source) as file:
        check_session(file, session)
        is_first = item(file, "processing").get("brain_observatory_pipeline") is not None
        signals, stamps, names = _signals_1(file) if is_first else _signals_2(file)
        shown, images = (_shown_1 if is_first else _shown_2)(file, stimulus, stamps)
        kept, steps, cautions = chosen(shown, options, stimulus)
        shown = shown.kept(kept)
        notes = [_about(file, is_first)]
        responses, averaged = _averaged(signals, stamps, shown.onset, options, stimulus, notes)
        place = "general/optophysiology/" + ("imaging_plane_1" if is_first else "ImagingPlane") + "/location"
        area = text(file, place) or "not stated"
    steps = (*COLLECTION.processing[:1], *steps, *averaged)
    return Session(shown, responses, tuple(names), area, images, steps, tuple(notes), cautions)


def _read(files: Mapping[str, Any], session: str | None, options: Mapping[str, str]) -> Recording:
    (source,) = files.values()
    own = read_session(source, session, options)
    return made(
        own.shown,
        own.responses,
        options["stimulus"],
        images=own.images,
        steps=own.steps,
        notes=own.notes,
        cautions=own.cautions,
        neurons={"neuron": list(own.neurons), "region": [own.area] * len(own.neurons)},
        **COLLECTION.facts | {"area": own.area},
    )


def _signals_1(file: Any) -> tuple[Any, Floats, list[str]]:
    """Signals (samples, cells), their times, and the names of cells, of NWB 1."""
    data, stamps = item(file, f"{SIGNALS}/data"), numbers(file, f"{SIGNALS}/timestamps")
    declared = file.get(f"{SIGNALS}/num_samples")
    if declared is not None and int(declared[()]) != data.shape[-1]:
        raise InputError(
            f"{SIGNALS} says that it has {int(declared[()]):,} samples, but holds {data.shape[-1]:,}: the file was "
            "cut; fetch it again"
        )
    names = file.get(f"{PIPELINE}/ImageSegmentation/cell_specimen_ids")
    if names is None:
        names = item(file, f"{PIPELINE}/ImageSegmentation/roi_ids")
    return Transposed(_checked(data, (len(names), len(stamps)))), stamps, texts(names[()])


def _signals_2(file: Any) -> tuple[Any, Floats, list[str]]:
    """The same of NWB 2, whose signals are (samples, cells)."""
    place, table = f"{OPHYS}/DfOverF/DfOverF", f"{OPHYS}/ImageSegmentation/PlaneSegmentation"
    data, stamps = item(file, f"{place}/data"), numbers(file, f"{place}/timestamps")
    column = file.get(f"{table}/global_roi_id")
    every = texts((column if column is not None else item(file, f"{table}/id"))[()])
    rows = np.asarray(item(file, f"{place}/rois")[()])
    if rows.ndim != 1 or rows.dtype.kind not in "iu" or (len(rows) and not 0 <= rows.min() <= rows.max() < len(every)):
        raise InputError(f"{place}/rois does not lead to rows of {table}")
    return _checked(data, (len(stamps), len(rows))), stamps, [every[row] for row in rows]


def _checked(data: Any, shape: tuple[int, int]) -> Any:
    if tuple(data.shape) != shape or data.dtype.kind not in "iuf":
        raise InputError(f"dF/F has the shape {tuple(data.shape)}; cells and times say {shape}")
    return data


def _shown_1(file: Any, stimulus: str, stamps: Floats) -> tuple[Presentations, Any]:
    """Presentations, and all images, of NWB 1, which counts in frames of the microscope."""
    place = f"stimulus/presentation/{stimulus}_stimulus"
    _check_shown(file, stimulus, f"{stimulus}_stimulus")
    frames = np.asarray(item(file, f"{place}/frame_duration")[()])
    values = np.asarray(item(file, f"{place}/data")[()])
    if frames.ndim != 2 or len(frames) != len(values):
        raise InputError(f"{place} has {len(values):,} presentations, and times of shape {frames.shape}")
    first = frames[:, 0]
    wrong = ~((first >= 0) & (first < len(stamps)))
    if wrong.any():
        raise InputError(f"{place} starts at frame {first[wrong][0]:,}, but there are {len(stamps):,}, counted from 0")
    first = first.astype(np.int64)
    onset = stamps[first]
    if stimulus == "natural_scenes":
        images = _images(item(file, "stimulus/templates/natural_scenes_image_stack/data"))
        return Presentations(onset, scene_labels(values, len(images))), images
    names = texts(item(file, f"{place}/features")[()])
    if values.ndim != 2 or values.shape[1] != len(names):
        raise InputError(f"{place} has values of shape {values.shape}, and {len(names)} names: {', '.join(names)}")
    columns = {name: values[:, k].astype(np.float64) for k, name in enumerate(names)}
    if "orientation" not in columns:
        raise InputError(f"{place} holds {', '.join(names)}, and no orientation")
    return _gratings(onset, columns, columns.get("blank_sweep")), None


def _shown_2(file: Any, stimulus: str, stamps: Floats) -> tuple[Presentations, Any]:
    """The same of NWB 2, which counts in seconds."""
    if stimulus == "natural_scenes":
        _check_shown(file, stimulus, "natural_scenes_stimulus")
        place = "stimulus/presentation/natural_scenes_stimulus"
        template = item(file, "stimulus/templates/natural_scenes_template")
        # In the order of their numbers: by name, the tenth would come before the second.
        by_number = {number: name for name in template if (number := _number(name)) is not None}
        if sorted(by_number) != list(range(len(by_number))):
            raise InputError(f"{template.name} has images {', '.join(by_number.values())[:80]}, ...; they count from 0")
        images = _images([template[by_number[number]] for number in sorted(by_number)])
        frames = np.asarray(item(file, f"{place}/data")[()])
        return Presentations(numbers(file, f"{place}/timestamps"), scene_labels(frames, len(images))), images
    _check_shown(file, stimulus, stimulus)
    place = f"stimulus/presentation/{stimulus}"
    onset = numbers(file, f"{place}/start_time")
    if stimulus == "static_gratings" and len(onset) <= CUT_ROWS:
        raise InputError(
            f"{place} has {len(onset)} rows instead of thousands: the conversion to NWB 2 lost the others; read NWB 1, "
            "with format=nwb1"
        )
    known = {"orientation": "orientation_in_degrees", "phase": "phase"}
    known |= {"spatial_frequency": "spatial_frequency_in_cycles_per_degree"}
    known |= {"temporal_frequency": "temporal_frequency_in_hz"}
    columns = {name: numbers(file, f"{place}/{own}") for name, own in known.items() if f"{place}/{own}" in file}
    _ = item(file, f"{place}/{known['orientation']}")
    return _gratings(onset, columns, numbers(file, f"{place}/is_blank_sweep")), None


def _gratings(onset: Floats, columns: dict[str, Floats], blank: Floats | None) -> Presentations:
    """Presentations of gratings; a blank has no orientation, or is marked."""
    degrees = columns["orientation"].copy()
    if blank is not None:
        degrees[blank == 1] = np.nan
    parameters = {name: own.copy() for name, own in columns.items() if name in PARAMETERS}
    for name, own in parameters.items():
        if np.isnan(own[~np.isnan(degrees)]).any():
            raise InputError(f"{name} is missing where a grating was shown")
        own[np.isnan(degrees)] = np.nan
    return Presentations(onset, degrees, parameters)


def _number(name: str) -> int | None:
    digits = name.removeprefix("NaturalScene")
    return int(digits) if digits.isdecimal() else None


def _images(stack: Any) -> npt.NDArray[np.uint8]:
    """Images as bytes, whatever numbers they are stored as; one is read at a time."""
    if len(getattr(stack, "shape", (1, 1, 1))) != 3 or not len(stack):
        raise InputError("the natural scenes are no stack of images")
    first = np.asarray(stack[0])
    images = np.empty((len(stack), *first.shape), dtype=np.uint8)
    for k in range(len(stack)):
        own = np.asarray(stack[k])
        if own.shape != first.shape or not ((own >= 0) & (own <= 255) & (own == np.round(own))).all():
            raise InputError(
                f"natural scene {k} holds other values than whole numbers from 0 to 255, or differs in size"
            )
        images[k] = own
    return images


def _check_shown(file: Any, stimulus: str, name: str) -> None:
    """Raise InputError where the session did not show a stimulus, with those that it did."""
    there = item(file, "stimulus/presentation")
    if name in there:
        return
    others = [own for own in STIMULI if own in there or f"{own}_stimulus" in there]
    kind = text(file, "general/session_type")
    raise InputError(
        f"this session{f' ({kind})' if kind else ''} did not show {stimulus}; it showed {', '.join(others) or 'others'}"
        ": choose one of them with the option stimulus"
    )


def _averaged(
    signals: Any, stamps: Floats, onset: Floats, options: Mapping[str, str], stimulus: str, notes: list[str]
) -> tuple[Floats, tuple[str, ...]]:
    """DF/F of each presentation, and in words over what it is averaged."""
    if len(stamps) < 2 or not (np.diff(stamps) > 0).all():
        raise InputError("the times of the samples do not rise")
    sampling = stamped(stamps)

    def mean(said: str, what: str) -> tuple[Floats, str]:
        first, last = window_of(said, what)
        values = means_within(signals, sampling, onset + first, onset + last, what, name="dF/F", unit="s", notes=notes)
        return np.asarray(values, dtype=np.float64), f"{first:g} to {last:g} s after the onset of each presentation"

    window = WINDOWS[stimulus] if options["window"] == "auto" else options["window"]
    values, said = mean(window, "window")
    if options["baseline"] == "none":
        return values, (f"averaged dF/F from {said}",)
    before, said_before = mean(options["baseline"], "baseline")
    return values - before, (f"averaged dF/F from {said}", f"subtracted its mean from {said_before}")


def _about(file: Any, is_first: bool) -> str:
    own = {
        "session type": text(file, "general/session_type"),
        "depth": text(file, "general/optophysiology/imaging_plane_1/imaging depth"),
        "indicator": text(file, "general/optophysiology/imaging_plane_1/indicator"),
        "animal": text(file, "general/subject/subject_id"),
        "genotype": text(file, "general/subject/genotype"),
        "experiment container": text(file, "general/experiment_container_id"),
    }
    known = ", ".join(f"{name} {value}" for name, value in own.items() if value)
    return f"a file of NWB {1 if is_first else 2}: {known or 'it says nothing about the session'}"


COLLECTION = Collection(
    name="allen-2p",
    what="natural scenes, static and drifting gratings; two-photon, six visual areas; a session by its experiment",
    species="mouse",
    area="as the file says",
    units="dF/F",
    citation=(
        "de Vries, Lecoq, Buice et al., A large-scale standardized physiological survey reveals functional "
        "organization of the mouse visual cortex, Nature Neuroscience 23 (2020)"
    ),
    licence=(
        "Allen Institute Terms of Use (https://alleninstitute.org/terms-of-use/): research, not commerce; NWB 2 as "
        "stated at DANDI:000728"
    ),
    source="https://observatory.brain-map.org/visualcoding",
    files=_files,
    read=_read,
    read_opened=_read,
    options={
        "stimulus": Option("natural_scenes", "what was shown", STIMULI),
        "format": Option("nwb1", "the Allen Institute's own file, or that of DANDI:000728", ("nwb1", "nwb2")),
        "window": Option(
            "auto",
            "seconds after the onset over which dF/F is averaged, FROM,TO; by default 0,0.5, and 0,2 of drifting "
            "gratings",
        ),
        "baseline": Option("none", "seconds after the onset, FROM,TO, whose mean dF/F is subtracted, as in -0.25,0"),
        **PARAMETERS,
    },
    processing=("dF/F as published, from demixed traces without neuropil",),
    restricted=True,
)
