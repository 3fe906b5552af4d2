"""What layers predict of neurons beyond all controls, and how well animals predict each other."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from normenc import encoding
from normenc.errors import InputError
from normenc.progress import ProgressCallback, each, stage
from normenc.recordings import Recording
from normenc.study.partitioning import COLUMNS, partitioned, row_labels
from normenc.study.represented import Represented
from normenc.study.representing import Prepared, Representation
from normenc.study.sections import EncodingSettings

__all__ = ["between_animals", "regression_options", "response_partition", "size_notes", "trials_of"]

MANY_STIMULI = 400  # above which penalties are chosen by generalised cross-validation, which the notes say
MOST_COMPONENTS = 1000  # of a layer, of more stimuli than that
COMPONENTS = f"the first {MOST_COMPONENTS:,} principal components of the training stimuli"
REDUCED = f"the layer and all controls together were each reduced to {COMPONENTS}, if they had more units"
ALL_VARIANCE = "shares are of all variance, because no stimulus was repeated"
GENERALISED = "penalties were chosen by generalised cross-validation"


def trials_of(recording: Recording) -> tuple[npt.NDArray[Any], npt.NDArray[Any] | None]:
    """Single trials and the stimulus of each, or averages and None."""
    if recording.trials is None:
        assert recording.responses is not None
        return recording.responses.to_numpy(), None
    return recording.trials.to_numpy(), recording.trials["stimulus_index"].to_numpy()


def regression_options(recording: Recording, settings: EncodingSettings, n_units: int) -> dict[str, Any]:
    """Options of the regression from so many units, see :func:`normenc.encoding.cross_validated_predictions`.

    Of more than 400 images, penalties are chosen by generalised cross-validation; of more than 1,000, a larger layer is
    reduced to the first 1,000 principal components of each fold's training stimuli.
    """
    pls = settings.method == "pls"
    reduced = MOST_COMPONENTS if _are_reduced(recording) and not pls and n_units > MOST_COMPONENTS else None
    return {
        "method": settings.method,
        "n_components": settings.n_components if pls else None,
        "reduce_to": None if pls else settings.n_components or reduced,
        "choose": "generalised" if _are_many(recording) and not pls else None,
    }


def size_notes(recording: Recording, settings: EncodingSettings, n_units: int) -> list[str]:
    """What :func:`regression_options` shortens because there are many stimuli, in words."""
    options = regression_options(recording, settings, n_units)
    notes = [GENERALISED] if options["choose"] == "generalised" else []
    if options["reduce_to"] and not settings.n_components:
        notes.append(f"the {n_units:,} units were reduced to {COMPONENTS}")
    return notes


def _are_many(recording: Recording) -> bool:
    return recording.n_stimuli > MANY_STIMULI and recording.shown.image_period is None


def _are_reduced(recording: Recording) -> bool:
    return _are_many(recording) and recording.n_stimuli > MOST_COMPONENTS


def response_partition(
    represented: Represented, folds: Sequence[Any], labels: Any, progress: ProgressCallback
) -> pd.DataFrame | None:
    """The rows of ``partitioning.csv`` about responses, means over seeds; None without a layer or a control."""
    layers, controls = partitioned(represented)
    if not layers or not controls:
        return None
    prepared = represented.prepared
    shorter = [GENERALISED] * _are_many(prepared.recording) + [REDUCED] * _are_reduced(prepared.recording)
    try:
        fitted, why = _fitted_controls(controls, prepared, folds, labels), ""
    except InputError as error:
        fitted, why = None, f"the controls cannot be fitted: {error}"
    rows = []
    for label, own in each(progress, "predicting neurons beyond the controls", layers.items()):
        row: dict[str, Any] = dict.fromkeys(COLUMNS, np.nan) | {"why_unknown": why}
        row |= {name: values[0] for name, values in row_labels(prepared, own[:1]).items()}
        row |= {"n_seeds": len(own), "variance_of": "responses", "controls": ", ".join(controls)}
        if fitted is not None:
            row |= _beyond(label, own, fitted, prepared.study.encoding)
        notes = shorter + [ALL_VARIANCE] * row.pop("of_all", False)
        rows.append(row | {"notes": "; ".join(notes)})
    names = [*row_labels(prepared, []), *COLUMNS]
    return pd.DataFrame(rows)[names].astype({"seed": "Int64", "n_seeds": "Int64"})


def _fitted_controls(
    controls: dict[str, list[Representation]], prepared: Prepared, folds: Sequence[Any], labels: Any
) -> encoding.FittedControls:
    """All controls together, fitted once for all layers."""
    settings, recording = prepared.study.encoding, prepared.recording
    many = _are_many(recording)
    joined = _joined({label: own[0].responses for label, own in controls.items()}, np.float32 if many else np.float64)
    return encoding.fit_controls(
        joined,
        *trials_of(recording),
        seed=settings.seed,
        labels=labels,
        folds=folds,
        ordered=recording.has_neighbours,
        n_folds=settings.n_folds,
        choose="generalised" if many else None,
        reduce_to=MOST_COMPONENTS if _are_reduced(recording) else None,
    )


def _beyond(
    label: str, own: Sequence[Representation], fitted: encoding.FittedControls, settings: EncodingSettings
) -> dict[str, Any]:
    """Shares of a layer, and whether they are of all variance (``of_all``); or why they are unknown."""
    seeds = [r.responses.to_numpy() for r in own if r.responses is not None]
    try:
        found = encoding.unique_variance(seeds, fitted, n_samples=settings.n_samples, seed=settings.seed)
    except InputError as error:
        return {"why_unknown": f"{label} cannot be fitted: {error}"}
    shares = _shares(found)
    return shares | {"of_all": bool(found.parts["feve"].isna().all()) and not shares["why_unknown"]}


def animals_of(recording: Recording) -> npt.NDArray[np.str_] | None:
    """The animal of each neuron; None unless there are several."""
    responses = recording.responses
    if responses is None or "neuron_animal" not in responses.coords:
        return None
    animal = responses["neuron_animal"].to_numpy().astype(str)
    return animal if len(set(animal)) > 1 else None


def between_animals(
    recording: Recording, settings: EncodingSettings, folds: Sequence[Any], labels: Any, progress: ProgressCallback
) -> pd.DataFrame | None:
    """The table ``between_animals.csv``; None unless neurons are of several animals."""
    animal = animals_of(recording)
    if animal is None:
        return None
    trials, index = trials_of(recording)
    with stage(progress, "predicting animals from each other"):
        found = encoding.between_animals(
            trials,
            animal,
            index,
            n_stimuli=recording.n_stimuli,
            n_samples=settings.n_samples,
            seed=settings.seed,
            labels=labels,
            folds=folds,
            ordered=recording.has_neighbours,
            **regression_options(recording, settings, len(animal)),
        )
    notes = [*found.warnings, *size_notes(recording, settings, len(animal))]
    table = found.table.assign(notes="; ".join(notes))
    table.insert(0, "recording", recording.label)
    return table


def _joined(controls: dict[str, Any], kind: Any) -> npt.NDArray[Any]:
    """All controls side by side, each with the same variance over stimuli; one that does not vary adds nothing."""
    sizes = [len(responses[0]) for responses in controls.values()]
    joined = np.empty((len(next(iter(controls.values()))), sum(sizes)), kind)
    for last, responses, n_units in zip(np.cumsum(sizes), controls.values(), sizes, strict=True):
        values = np.array(responses, dtype=kind)
        values -= values.mean(axis=0, dtype=np.float64)
        size = np.linalg.norm(values)
        joined[:, last - n_units : last] = values / (size if size > 0 else 1)
    return joined


def _shares(found: encoding.ExplainedVariance) -> dict[str, Any]:
    """The shares of a layer, of the explainable variance or, without repeated trials, of all."""
    measure = "feve" if found.parts["feve"].notna().any() else "r2"
    controls, both, unique = (found.row(part, measure) for part in ("controls", "all", "unique"))
    ends = {"": "median", "_low": "low", "_high": "high"}
    shares = {f"explained_by_controls{end}": controls[key] for end, key in ends.items()}
    shares |= {f"unique{end}": unique[key] for end, key in ends.items()} | {"explained": both["median"]}
    why = "" if np.isfinite(unique["median"]) else "no neuron is reliable enough to be counted"
    return shares | {"why_unknown": why}
