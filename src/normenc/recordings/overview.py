"""What is known of a recording, as a small table and as a picture."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from normenc.showing import facts

if TYPE_CHECKING:
    from normenc.recordings.recording import Recording

__all__ = ["fact_table", "own_rdm"]

UNSTATED = "not stated"


def fact_table(recording: "Recording") -> pd.DataFrame:
    """One row per fact; what a source need not say is left out where it does not."""
    return facts(_facts(recording))


def _facts(recording: "Recording") -> Iterator[tuple[str, Any]]:
    yield "stimuli", _stimuli(recording)
    if recording.responses is None:
        yield "known by", "an RDM" if recording.rdms is None else f"{len(recording.rdms)} RDMs"
        yield "rdm_metric", recording.rdm_metric
    else:
        yield "neurons", recording.n_neurons
        yield "trials", _trials(recording)
    if recording.blanks is not None:
        yield "blanks", len(recording.blanks)
    yield recording.whose, len(recording.animals) or UNSTATED
    yield "sessions", len(recording.sessions) or UNSTATED
    yield "simulated", recording.simulated
    for name in ("units", "species", "area"):
        yield name, getattr(recording, name)
    for name in ("source", "citation", "licence"):
        if getattr(recording, name) != UNSTATED:
            yield name, getattr(recording, name)
    if recording.read_as:
        yield "read_as", recording.read_as
    for name in ("steps", "notes", "cautions"):
        if said := getattr(recording, name):
            yield name, "; ".join(said)


def _stimuli(recording: "Recording") -> str:
    shown = recording.shown
    known = "" if shown.is_grating or recording.images is not None else f", {shown.without_images}"
    first, last = recording.stimulus[0], recording.stimulus[-1]
    span = "" if shown.is_named else f", {first:g} to {last:g} {shown.unit}"
    return f"{recording.n_stimuli} {shown.plural}{span}{known}"


def _trials(recording: "Recording") -> str:
    if recording.n_trials is None:
        return "not known; responses are averages, or one trial a stimulus"
    low, high = recording.n_repeats
    return f"{recording.n_trials:,}, {low}{'' if low == high else f' to {high}'} per stimulus"


def own_rdm(recording: "Recording") -> npt.NDArray[np.float64]:
    """The recording's RDM: the published one, or one minus the correlation of its averages."""
    from normenc import rsa

    return recording.rdm if recording.rdm is not None else rsa.rdm(recording.responses)
