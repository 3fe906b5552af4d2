"""Rows of responses with their labels: one per trial, or one per stimulus."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from normenc.recordings.labels import NEURON_LABELS, TRIAL_LABELS
from normenc.stimulus_types import StimulusType
from normenc.texts import visible

if TYPE_CHECKING:
    from normenc.recordings.recording import Recording

__all__ = ["all_rows", "averaged", "stimulus_rows", "trial_rows"]

BLOCK_VALUES = 2**22  # responses at a time


def all_rows(recording: "Recording") -> xr.DataArray:
    """All known rows of responses, trials or averages, followed by blanks, whose stimulus is missing."""
    assert recording.responses is not None
    rows = recording.responses if recording.trials is None else recording.trials
    if recording.blanks is None:
        return rows
    kind, blanks = recording.kind, recording.blanks
    missing = np.full(len(blanks), "" if recording.shown.is_named else np.nan, dtype=rows[kind].dtype)
    coords: dict[str, Any] = {kind: ("trial", np.concatenate([rows[kind].to_numpy(), missing]))}
    for label in (label for label in TRIAL_LABELS if label in blanks.coords and label in rows.coords):
        coords[label] = ("trial", np.concatenate([rows[label].to_numpy(), blanks[label].to_numpy()]))
    coords |= {label: ("neuron", rows[label].to_numpy()) for label in NEURON_LABELS if label in rows.coords}
    values = np.concatenate([rows.to_numpy(), blanks.to_numpy()])
    return xr.DataArray(values, coords, ("trial", "neuron"), rows.name, rows.attrs)


def averaged(values: npt.NDArray[Any], index: npt.NDArray[np.intp], n_stimuli: int) -> npt.NDArray[Any]:
    """Mean over the rows of each stimulus, summed in float64, in the responses' own type."""
    from scipy import sparse

    counts = np.bincount(index, minlength=n_stimuli)
    averaging = sparse.csr_array((1 / counts[index], (index, np.arange(len(index)))), shape=(n_stimuli, len(index)))
    means = np.empty((n_stimuli, *values.shape[1:]), values.dtype)
    step = max(1, BLOCK_VALUES // max(1, len(values)))  # of neurons, whose responses are in double precision meanwhile
    for start in range(0, values.shape[1], step):
        means[:, start : start + step] = averaging @ values[:, start : start + step]
    return means


def trial_rows(
    values: npt.NDArray[Any],
    of_trials: Mapping[str, npt.NDArray[Any]],
    chosen: npt.NDArray[np.bool_],
    of_neurons: Mapping[str, npt.NDArray[Any]],
    facts: Mapping[str, Any],
) -> xr.DataArray:
    """Responses in the chosen trials, with the labels of these and of the neurons."""
    coords: dict[str, Any] = {key: ("trial", labels[chosen]) for key, labels in of_trials.items()}
    coords |= {key: ("neuron", labels) for key, labels in of_neurons.items()}
    return xr.DataArray(
        values, coords, ("trial", "neuron"), attrs={"units": visible(str(facts.get("units", "not stated")))}
    )


def stimulus_rows(
    values: npt.NDArray[Any],
    stimulus: npt.NDArray[Any],
    kind: StimulusType,
    neurons: Mapping[str, npt.NDArray[Any]],
    facts: Mapping[str, Any],
) -> xr.DataArray:
    """Responses to each stimulus, with the stimuli and the labels of the neurons."""
    return xr.DataArray(
        values,
        dims=("stimulus", "neuron"),
        coords={kind.name: ("stimulus", stimulus, {"units": kind.units})}
        | {key: ("neuron", labels) for key, labels in neurons.items()},
        name="responses",
        attrs={"units": visible(str(facts.get("units", "not stated")))},
    )
