"""How well neurons are predicted: from every encoder's layer, and by networks fitted to the neurons themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from normenc import encoding, rsa
from normenc.csv_tables import ENCODER_COLUMNS, encoder_columns
from normenc.encoders import EncoderId, EncoderKind
from normenc.encoding import neuromatch
from normenc.errors import InputError
from normenc.progress import ProgressCallback, Stage, each, reporting, stage
from normenc.recordings import Recording
from normenc.runs.schema import FAILED_FIT
from normenc.showing import Listed
from normenc.study.comparing import Compared
from normenc.study.competence import with_competence
from normenc.study.representing import Prepared
from normenc.study.responses import between_animals, regression_options, response_partition, size_notes, trials_of
from normenc.study.sections import COURSE_NETWORK, EncodingSettings
from normenc.study.yardstick import predicted_animal_table
from normenc.training import Progress
from normenc.tuning import around_zero

__all__ = ["Predicted", "predict"]

Floats = npt.NDArray[np.float64]
FAR_BELOW = -1.0  # a constant scores 0; a lower score has twice its error
READOUTS = {"point readout": "gaussian", "factorised readout": "factorised", "linear readout": "linear"}


@dataclass(frozen=True, repr=False)
class Predicted(Listed):
    """How well neurons are predicted.

    Attributes
    ----------
    table : DataFrame
        As written to ``predictivity.csv``.
    fitted : dict of str to FittedNetwork
        By name, the networks fitted to the neurons, as they predicted the first fold.
    partitioning : DataFrame or None
        The rows of ``partitioning.csv`` about responses.
    between_animals : DataFrame or None
        As written to ``between_animals.csv``.
    animals : DataFrame or None
        The rows of ``animals.csv`` about regressions.
    """

    TABLE: ClassVar = "table"

    table: pd.DataFrame
    fitted: dict[str, encoding.FittedNetwork]
    partitioning: pd.DataFrame | None = None
    between_animals: pd.DataFrame | None = None
    animals: pd.DataFrame | None = None


def predict(compared: Compared, *, device: str = "cpu", progress: bool | ProgressCallback = True) -> Predicted:
    """Predict neurons from every layer, twin and control, and by networks fitted to the neurons.

    Parameters
    ----------
    compared : Compared
        From :func:`normenc.study.compare`, of a recording of neurons. The study's section ``[encoding]`` says how.
    device : str
        Where networks are fitted.
    progress : bool or callable
        See :func:`normenc.study.run`.

    Returns
    -------
    Predicted

    Raises
    ------
    InputError
        When the recording has no neurons.
    """
    if compared.represented.prepared.recording.responses is None:
        name = compared.represented.prepared.recording.name
        raise InputError(f"{name} is known only by its RDM, and has no neurons to predict")
    with reporting(progress) as progress:
        return _predict(compared, device, progress)


def _predict(compared: Compared, device: str, progress: ProgressCallback) -> Predicted:
    prepared, similarity = compared.represented.prepared, compared.similarity
    representations, rdms = list(compared.represented.firsts.values()), prepared.inputs["data"]
    settings, recording = prepared.study.encoding, prepared.recording
    folds = _folds(recording, settings)
    rows = []
    networks = {}
    rows_of_similarity = zip(representations, similarity.to_dict("records"), strict=True)
    for r, similar in each(progress, "predicting neurons", rows_of_similarity):
        assert r.responses is not None and recording.responses is not None
        predictions = encoding.cross_validated_predictions(
            r.responses.to_numpy(),
            recording.responses.to_numpy(),
            **regression_options(recording, settings, r.responses.shape[1]),
            stimulus=_labels(recording),
            ordered=recording.has_neighbours,
            folds=folds,
            seed=settings.seed,
        )
        labels = {key: similar[key] for key in ("recording", *ENCODER_COLUMNS)}
        alike = {
            "similarity": similar["similarity"],
            "similarity_low": similar["low"],
            "similarity_high": similar["high"],
        }
        scores = _scores(predictions.predicted, predictions.fold, recording, settings)
        rows.append(
            labels
            | {"method": settings.method, "n_units": r.responses.shape[1]}
            | alike
            | scores
            | {
                "notes": "; ".join(
                    [
                        *_failure(scores),
                        *predictions.warnings,
                        *size_notes(recording, settings, r.responses.shape[1]),
                        *filter(None, (r.reduced, r.note)),
                    ]
                )
            }
        )
    same = _labels(recording)
    partitioning = response_partition(compared.represented, folds, same, progress)
    between = between_animals(recording, settings, folds, same, progress)
    try:
        animals = predicted_animal_table(compared.represented, compared.inference, folds, same, progress)
    except InputError as error:  # the predictions stand without it
        animals = None
        if between is not None:
            between["notes"] = (between["notes"] + f"; not compared in both directions: {error}").str.removeprefix("; ")
    with stage(progress, "fitting networks to neurons", len(settings.networks)) as counted:
        for name in settings.networks:
            try:
                of_fold = _fitted(name, prepared, folds, device, counted)
            except encoding.DivergenceError as error:  # the others' predictions stand without it
                rows.append(_row_without_fit(name, prepared, rows[0], f"{FAILED_FIT}: {str(error).partition(';')[0]}"))
                counted.step(failed=True)
                continue
            networks[name] = of_fold.first
            rows.append(_row_of_fit(name, prepared, of_fold.predicted, folds, rdms))
            counted.step()
    ceilings = {name: similarity[name].iloc[0] for name in ("ceiling", "ceiling_lower", "ceiling_upper")}
    table = pd.DataFrame(rows).astype({"seed": "Int64"}).assign(**ceilings)
    trainings = compared.represented.trainings
    if partitioning is not None:
        partitioning = with_competence(partitioning, trainings)
    animals = None if animals is None else with_competence(animals, trainings)
    return Predicted(with_competence(table, trainings), networks, partitioning, between, animals)


def _row_of_fit(name: str, prepared: Prepared, predicted: Any, folds: Sequence[Any], rdms: Floats) -> dict[str, Any]:
    """The row of a network that was fitted to the neurons."""
    settings, recording = prepared.study.encoding, prepared.recording
    fold = encoding.fold_of_each(folds, recording.n_stimuli)
    scores = _scores(predicted, fold, recording, settings)
    notes = _failure(scores)
    try:
        alike = float(np.mean(rsa.compare_rdms(rsa.rdm(predicted), rdms, prepared.study.comparison.method)))
    except InputError as error:
        alike = np.nan
        notes.append(f"its predictions have no dissimilarities: {error}")
    return (
        _labels_of_fit(name, prepared)
        | {"similarity": alike, "similarity_low": np.nan, "similarity_high": np.nan}
        | scores
        | {"notes": "; ".join(notes)}
    )


def _row_without_fit(name: str, prepared: Prepared, like: Mapping[str, Any], why: str) -> dict[str, Any]:
    """The row of a network that could not be fitted, with the columns of another row."""
    counts = ("n_reliable", "n_unreliable", "n_unknown")  # of neurons, whoever predicts them
    known = _labels_of_fit(name, prepared) | {key: like[key] for key in counts} | {"notes": why}
    return {key: known.get(key, np.nan) for key in like}


def _labels_of_fit(name: str, prepared: Prepared) -> dict[str, Any]:
    settings, recording = prepared.study.encoding, prepared.recording
    assert recording.n_neurons is not None
    fitted = EncoderId(None, name, "output", EncoderKind.FITTED, settings.seed)
    return {
        "recording": recording.label,
        **{column: values[0] for column, values in encoder_columns([fitted], [name]).items()},
        "method": "gradient descent",
        "n_units": recording.n_neurons,
    }


def _failure(scores: Mapping[str, Any]) -> list[str]:
    """Whether predictions are so much worse than a constant that the fit has failed, in words."""
    for measure, said in (("feve", "fraction of explainable variance explained"), ("r2", "R²")):
        if np.isfinite(scores[measure]):
            score = f"{scores[measure]:.3g}".replace("-", "−")
            worse = (
                f"{FAILED_FIT}: other stimuli are predicted far worse than by a constant ({said} {score} in the median)"
            )
            return [worse] * bool(scores[measure] < FAR_BELOW)
    return []


def _labels(recording: Recording) -> npt.NDArray[Any]:
    """The same for stimuli that are one image: orientations half a circle apart, and opposite directions."""
    period = recording.shown.image_period
    return np.arange(recording.n_stimuli) if period is None else around_zero(recording.stimulus, period)


def _folds(recording: Recording, settings: EncodingSettings) -> list[npt.NDArray[np.intp]]:
    """Of whole stimuli; of gratings all around the circle, in arcs of about as many degrees as the study says."""
    circle = recording.shown.image_period or 0.0
    arcs = max(1, round(circle / settings.n_folds / settings.fold_arc)) if recording.has_neighbours else 1
    labels = _labels(recording)
    most = max(1, len(np.unique(labels)) // settings.n_folds)
    return encoding.stimulus_folds(
        labels,
        settings.n_folds,
        ordered=recording.has_neighbours,
        blocks_per_fold=min(arcs, most),
        seed=settings.seed,
    )


def _scores(predicted: Any, fold: Any, recording: Recording, settings: EncodingSettings) -> dict[str, Any]:
    rows, index = trials_of(recording)
    return encoding.predictivity(
        predicted,
        rows,
        index,
        fold=fold,
        ordered=recording.has_neighbours,
        n_samples=settings.n_samples,
        seed=settings.seed,
    ).row()


def _fitted(
    name: str, prepared: Prepared, folds: Sequence[Any], device: str, counted: Stage
) -> encoding.CrossValidatedFit:
    """Cross-validated predictions of a network fitted to the neurons."""
    settings, recording = prepared.study.encoding, prepared.recording
    assert recording.responses is not None
    responses = recording.responses.to_numpy()
    if name == COURSE_NETWORK:
        builder: Any = encoding.neuromatch_network
        options: dict[str, Any] = _course_options(responses.shape[1])
    else:
        builder = partial(encoding.encoding_network, readout=READOUTS[name])
        options = {"max_epochs": settings.max_epochs}
    return encoding.cross_validated_fit(
        builder,
        prepared.shown.to_networks(settings.resolutions[name]),
        responses,
        folds,
        seed=settings.seed,
        device=device,
        progress=_progress_of_folds(counted, len(folds)),
        **options,
    )


def _progress_of_folds(counted: Stage, n_folds: int) -> Progress:
    """Progress of one fold's fit after the other as parts of a step."""
    begun = 0

    def progress(step: int, n_steps: int, loss: float) -> None:
        nonlocal begun
        begun += step == 1
        counted.progress((begun - 1) * n_steps + step, n_folds * n_steps)

    return progress


def _course_options(n_neurons: int) -> dict[str, Any]:
    """The course's options for fitting; its learning rate suits its neurons, and fewer neurons need a smaller one."""
    return {
        "validation": None,
        "optimiser": "sgd",
        "learning_rate": neuromatch.LEARNING_RATE * n_neurons / neuromatch.COURSE_NEURONS,
        "momentum": neuromatch.MOMENTUM,
        "decay": None,
        "patience": None,
        "max_epochs": neuromatch.N_STEPS,
        "batch_size": None,
        "penalties": [
            encoding.Penalty("l2", neuromatch.L2, average=False),
            encoding.Penalty("l1", neuromatch.L1, average=False),
        ],
    }
