"""Recordings written as NWB files, and what these files say that others do not.

The stimulus of every trial is a column of the table ``trials``, next to the labels of trials. The responses are one
series, ``responses`` of the processing module of that name, with one sample at the start of each trial and one column
for each neuron; the rows of the table ``neurons`` there are these neurons. They are not called a RoiResponseSeries,
whatever their units: a recording here knows neither masks nor imaging planes, and none are made up. Nor does it know
times: trials follow each other at one second each.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.recordings.angles import APART, unit_of
from normenc.recordings.labels import NEURON_LABELS, TRIAL_LABELS
from normenc.recordings.recording import Recording
from normenc.recordings.rows import all_rows
from normenc.stimulus_types import as_type
from normenc.whole_files import beside

__all__ = ["write_nwb", "written_facts", "written_images", "written_neurons", "written_series"]

NAME = "responses"
IMAGES = "The stimuli; the description of each is its name, and its first axis runs from left to right, as NWB has it."
COLUMNS = {
    "animal": "The animal that was recorded.",
    "session": "The session of the recording.",
    "repeat": "Number of the repeat of the stimulus.",
    "neuron": "Name of the neuron.",
    "region": "Region of the brain.",
    "quality": "Quality of the neuron's isolation.",
    "neuron_animal": "The animal of the neuron.",
    "neuron_session": "The session of the neuron.",
}
NO_FIELD = ("area", "source", "licence")  # NWB has none for them: they are lines of the file's notes


def write_nwb(recording: Recording, path: str | Path, *, overwrite: bool = False) -> None:
    """Write a recording as an NWB file: single trials if they are known, otherwise one row for each stimulus.

    :func:`normenc.recordings.formats.nwb.read_nwb` reads the same responses back. The start of the session is not
    known and stands as 1970-01-01; trials follow each other at one second each.

    Parameters
    ----------
    recording : Recording
        With responses.
    path : str or Path
        Ends in ``.nwb``; the file appears when it is whole.
    overwrite : bool
        Whether to replace an existing file.

    Raises
    ------
    InputError
        If pynwb is missing, the recording is known only by its RDM, there is such a file already, or it cannot be
        written.
    """
    path = Path(path)
    try:
        import pynwb
    except ImportError:
        raise InputError(f"{path}: writing an NWB file needs pynwb; install normenc[nwb]") from None
    if recording.responses is None:
        raise InputError(f"{recording.name} is known only by its RDM; an NWB file holds responses")
    if path.suffix.lower() != ".nwb":
        raise InputError(f"{path}: the name of an NWB file ends in .nwb; change it")
    if path.exists() and not (overwrite and path.is_file()):
        raise InputError(f"{path}: this file already exists; choose another name, or pass overwrite=True to replace it")
    file = _file(recording)
    try:
        with beside(path, path.suffix) as aside, pynwb.NWBHDF5IO(str(aside), "w") as io:
            io.write(file)
    except OSError as error:
        raise InputError(f"{path}: this file cannot be written ({error.strerror or error})") from None


def _file(recording: Recording) -> Any:
    from pynwb import NWBFile, TimeSeries
    from pynwb.file import Subject

    assert recording.responses is not None
    rows = all_rows(recording)
    starts = np.arange(len(rows), dtype=np.float64)
    file = NWBFile(
        session_description=recording.describe(),
        identifier=str(uuid4()),
        session_start_time=datetime(1970, 1, 1, tzinfo=UTC),
        notes=_notes(recording),
        related_publications=None if recording.citation == "not stated" else [recording.citation],
    )
    animals = set(rows["animal"].values.tolist()) if "animal" in rows.coords else set()
    one = str(animals.pop()) if len(animals) == 1 else None
    if one is not None or recording.species != "not stated":
        file.subject = Subject(species=None if recording.species == "not stated" else recording.species, subject_id=one)
    file.trials = _trials(rows, recording.kind, starts)
    module = file.create_processing_module(NAME, "Responses of neurons to the stimuli of the table trials.")
    module.add(
        TimeSeries(
            name=NAME,
            description="One sample for each trial, at its start; columns are the rows of the table neurons.",
            data=rows.values,
            unit=recording.units,
            timestamps=starts,
            comments="; ".join(recording.steps) or "no comments",
        )
    )
    if any(label in rows.coords for label in NEURON_LABELS):
        module.add(_neurons(rows))
    if recording.images is not None:
        if not recording.shown.is_named:
            raise InputError(
                f"{recording.name} has images of {recording.shown.plural}, but NWB files keep images by their names; "
                "save it as .npz or .nc"
            )
        file.add_stimulus_template(_images(recording.images, recording.stimulus))
    return file


def _images(images: Any, names: npt.NDArray[Any]) -> Any:
    from pynwb.base import Images
    from pynwb.image import GrayscaleImage, RGBImage

    kind = GrayscaleImage if images.ndim == 3 else RGBImage
    shown = [
        kind(name=f"image_{number:06d}", data=np.ascontiguousarray(_across(image)), description=str(name))
        for number, (image, name) in enumerate(zip(images, names, strict=True))
    ]
    return Images(name="images", images=shown, description=IMAGES)


def _trials(rows: Any, kind: str, starts: npt.NDArray[np.float64]) -> Any:
    from hdmf.common import VectorData
    from pynwb.epoch import TimeIntervals

    seconds = [
        VectorData(name="start_time", description="Seconds; trials are counted, not timed.", data=starts),
        VectorData(name="stop_time", description="Seconds; trials are counted, not timed.", data=starts + 1),
    ]
    there = [label for label in TRIAL_LABELS if label in rows.coords]
    return TimeIntervals(
        name="trials",
        description="Trials, or where they are averaged stimuli, in the order of the responses.",
        columns=seconds + [_column(rows, label) for label in (kind, *there)],
    )


def _neurons(rows: Any) -> Any:
    from hdmf.common import DynamicTable

    columns = [_column(rows, label) for label in NEURON_LABELS if label in rows.coords]
    return DynamicTable(name="neurons", description="The neurons, in the order of the responses.", columns=columns)


def _column(rows: Any, label: str) -> Any:
    from hdmf.common import VectorData

    values = rows[label].values
    return VectorData(
        name=label,
        description=COLUMNS[label] if label in COLUMNS else as_type(label).description,
        data=values if values.dtype.kind in "iufb" else values.astype(str).tolist(),
    )


def _notes(recording: Recording) -> str:
    facts = {name: getattr(recording, name) for name in NO_FIELD}
    lines = [f"{name}: {' '.join(value.split())}" for name, value in facts.items() if value != "not stated"]
    lines += [f"steps: {'; '.join(recording.steps)}"] if recording.steps else []
    if recording.period is not None and unit_of(recording.stimulus, recording.period) == APART:
        lines.append(f"angles: {APART}")
    lines += ["simulated: yes"] if recording.simulated else []
    return "\n".join([*lines, "The start of the session and the times of trials are not known; they are placeholders."])


def written_series(file: Any) -> Any:
    """The responses in a file of :func:`write_nwb`, as pynwb reads it; None in those of others."""
    module = file.processing.get(NAME)
    series = None if module is None else module.data_interfaces.get(NAME)
    return series if type(series).__name__ == "TimeSeries" else None


def written_neurons(file: Any) -> Any:
    """The table of the neurons in a file of :func:`write_nwb`; None if it has no labels of them."""
    return file.processing[NAME].data_interfaces.get("neurons")


def written_facts(file: Any) -> tuple[dict[str, Any], list[str]]:
    """Facts that NWB has no field for, and remarks, from a file of :func:`write_nwb`."""
    said = dict(line.split(": ", 1) for line in str(file.notes or "").splitlines() if ": " in line)
    facts: dict[str, Any] = {name: said[name] for name in (*NO_FIELD, "angles") if name in said}
    facts["simulated"] = said.get("simulated") == "yes"
    return facts, [f"done before it was written: {said['steps']}"] if "steps" in said else []


def written_images(file: Any, names: npt.NDArray[Any]) -> dict[str, Any]:
    """The images of these names, sorted: ``images``, grey or in colour, and ``image_names``."""
    container = file.stimulus_template.get("images")
    if getattr(container, "description", "") != IMAGES:
        return {}
    by_name = {image.description: image for image in container.images.values()}
    wanted = [name for name in np.unique(names).tolist() if name in by_name]
    if not wanted:
        return {}
    return {"images": np.stack([_across(by_name[name].data[:]) for name in wanted]), "image_names": wanted}


def _across(image: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Height and width exchanged: NWB keeps x before y."""
    return np.swapaxes(image, 0, 1)
