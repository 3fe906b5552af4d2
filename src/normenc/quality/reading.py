"""What is checked: a recording without missing values, and what its file holds."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from normenc.quality.raw import RawValues, look_at
from normenc.recordings import Preparation, Recording
from normenc.recordings.contents import Contents
from normenc.recordings.loading import chosen, contents, load, prepared, with_cautions
from normenc.recordings.public.names import is_read_as_file
from normenc.texts import visible

__all__ = ["Checked", "as_given", "read", "read_again"]

MOST_GIB = 2.0  # of responses that are examined


@dataclass(frozen=True)
class Checked:
    """What is checked.

    Attributes
    ----------
    recording : Recording
        Without missing values, prepared.
    described : Recording
        Whose neurons are described: the same, but for directions that are folded for the comparison.
    raw : RawValues or None
        What the responses in the file are, before they are prepared; None if there are only RDMs.
    units : str
        Of these.
    """

    recording: Recording
    described: Recording
    raw: RawValues | None
    units: str = ""


def as_given(recording: Recording) -> Checked:
    """A recording that is in memory, of which no file is known."""
    raw = None if recording.responses is None else look_at(_rows(recording))
    return Checked(recording, recording, raw)


def read(source: str | Path, asked: Preparation, n_neurons: int | None = None) -> Checked:
    """A recording by its name or from its file."""
    recording, raw, units = _read(source, n_neurons, asked)
    described = recording
    if asked.fold_directions:
        described = _read(source, n_neurons, replace(asked, fold_directions=False))[0]
    return Checked(recording, described, raw, units)


def read_again(source: str | Path, asked: Preparation, recording: Recording, described: Recording) -> Checked:
    """The same, where the recording was loaded from this file before, in the same way; `described` without folding.

    Only the values in the file are looked at again, unless they are too many to be examined together.
    """
    with contents(source, asked) as content:
        if content.responses is not None and recording.responses is not None and _fits(content):
            raw, units = _raw(chosen(content, asked), asked)
            return Checked(recording, described, raw, units)
    return read(source, asked)


def _read(source: str | Path, n_neurons: int | None, asked: Preparation) -> tuple[Recording, RawValues | None, str]:
    """The recording without missing values, a description of the values in the file, and their unit."""
    if not is_read_as_file(str(source)):
        recording = load(source, n_neurons=n_neurons, preparation=asked)
        if recording.responses is None:
            return recording, None, ""
        return recording, look_at(_rows(recording)), recording.units
    with contents(source, asked) as content:
        if content.responses is None:
            return with_cautions(content.recording()), None, ""
        content = chosen(_within_memory(content), asked)
        raw, units = _raw(content, asked)
        missing = asked.missing
        if missing == "error":
            missing = "neurons" if 2 * raw.neurons_missing <= content.responses.shape[1] else "trials"
        recording = content.recording(missing=missing)
        return with_cautions(prepared(recording, asked, binned=content.binned)), raw, units


def _raw(content: Contents, asked: Preparation) -> tuple[RawValues, str]:
    """What the chosen values in a file are, and their unit."""
    values = np.asarray(content.responses)
    raw = look_at(values if content.rows is None else values[content.rows])
    return replace(raw, left_out=asked.missing != "error"), visible(str(content.facts.get("units", Recording.units)))


def _most_neurons(content: Contents) -> int:
    return int(MOST_GIB * 2**30 / (len(content.responses) * content.responses.dtype.itemsize))


def _fits(content: Contents) -> bool:
    return bool(content.responses.shape[1] <= _most_neurons(content))


def _within_memory(content: Contents) -> Contents:
    """Some neurons from the middle if there are too many responses; the notes say which."""
    if _fits(content):
        return content
    responses, most = content.responses, _most_neurons(content)
    start = (responses.shape[1] - most) // 2
    some = slice(start, start + most)
    neurons = {name: np.asarray(labels)[some] for name, labels in content.neurons.items()}
    said = f"examined {most:,} of {responses.shape[1]:,} neurons, from number {start:,}, as many as fit in memory"
    return replace(content, responses=responses[:, some], neurons=neurons, notes=(*content.notes, said))


def _rows(recording: Recording) -> Any:
    assert recording.responses is not None
    return (recording.responses if recording.trials is None else recording.trials).to_numpy()
