"""The main job in memory: train, represent, compare, always beside controls."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from normenc import rsa
from normenc.embedding import N_COMPONENTS, embed_components, principal_components, principal_components_of_rdm
from normenc.encoders import EncoderKind
from normenc.errors import InputError
from normenc.quality import Quality, rdms_for_inference
from normenc.recordings import Recording
from normenc.recordings.provenance import ReadFile
from normenc.rsa.inference import MIN_STIMULI as MIN_STIMULI_RESAMPLED
from normenc.study.describing import Description, describe
from normenc.study.fitness import quality_of
from normenc.study.predicting import Predicted, predict_neurons
from normenc.study.progress import Tell, each, reporting, stage
from normenc.study.representing import Prepared, Representation, represent_all, represent_checkpoints
from normenc.study.scheduler import Scheduler
from normenc.study.settings import Study
from normenc.study.sweep import Failure
from normenc.study.tables import difference_table, epoch_table, seed_table, similarity_table, training_table
from normenc.study.units import Unit
from normenc.training import TrainingResult

__all__ = ["Evaluation", "evaluate", "samples_of_other_methods"]

UNCERTAIN = (
    *("low", "high", "standard_error", "dof", "p", "p_holm", "p_fdr"),
    *("p_ceiling", "p_ceiling_holm", "p_ceiling_fdr"),
)
PERMUTATIONS_A_MODEL = 40  # so that a p-value of 0.05 remains when it is corrected for all models
MOST_SAMPLES_ALSO = 100  # of the bootstrap of other methods
MAX_SHOWN = 4  # trained layers in the pictures of a grid, the most similar ones


@dataclass(frozen=True)
class Evaluation:
    """Everything a study found.

    Attributes
    ----------
    study : Study
    recording : Recording
    described : Recording
        Whose tuning is described: the same, but for directions that are folded for the comparison.
    recording_rdm : ndarray, shape (n_stimuli, n_stimuli)
    trainings : dict of Unit to TrainingResult
    failures : tuple of Failure
        Units that could not be trained: a task and network of which a seed failed are left out of the comparison;
        and layers that have no dissimilarities.
    representations : tuple of Representation
        The trained networks' layers, the same layers of their untrained twins, then the other controls.
    inference : Inference
        Of the models by label, see :func:`normenc.rsa.infer`.
    components, embeddings : dict of str to ndarray, shape (n_stimuli, 20) or fewer, and (n_stimuli, 2)
        By label, of the recording and of what is shown: principal components, and t-SNE of these.
    similarity, differences, by_seed, training_log : DataFrame
        As written to ``similarity.csv``, ``differences.csv``, ``similarity_by_seed.csv`` and ``training.csv``.
    by_method : DataFrame or None
        As written to ``similarity_by_method.csv``, where the study asks for other methods.
    refused : dict of str to str
        Methods that could not be used, and why.
    skipped : dict of str to str
        Controls that could not be used, and why.
    quality : Quality
        Of the recording, see :func:`normenc.quality.check`.
    over_training : DataFrame or None
        As written to ``over_training.csv``, where the study has checkpoints.
    descriptions : dict of str to Description
        Tuning of the recording, of the trained layers that are shown and of controls, by label.
    predicted : Predicted or None
        How well neurons are predicted, where ``encoding.enabled``.
    images : Tensor, shape (n_stimuli, height, width)
        What the animal saw, as networks were given it.
    files : tuple of ReadFile
        That the recording was read from, before anything was trained.
    changed : tuple of Path
        Those of them that changed since, and do not count.
    """

    study: Study
    recording: Recording
    described: Recording
    recording_rdm: npt.NDArray[np.float64]
    trainings: dict[Unit, TrainingResult]
    failures: tuple[Failure, ...]
    representations: tuple[Representation, ...]
    inference: rsa.Inference
    components: dict[str, npt.NDArray[np.float64]]
    embeddings: dict[str, npt.NDArray[np.float64]]
    similarity: pd.DataFrame
    differences: pd.DataFrame
    by_seed: pd.DataFrame
    training_log: pd.DataFrame
    by_method: pd.DataFrame | None
    refused: dict[str, str]
    skipped: dict[str, str]
    quality: Quality
    over_training: pd.DataFrame | None
    descriptions: dict[str, Description]
    predicted: Predicted | None
    images: torch.Tensor
    files: tuple[ReadFile, ...]
    changed: tuple[Path, ...]

    @property
    def shown(self) -> tuple[Representation, ...]:
        """Of every label that the pictures show the first seed: all, or of a grid the most similar trained layers."""
        firsts = _firsts(self.representations)
        return tuple(firsts[label] for label in _shown(self.study, self.representations, self.similarity))

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of the representations, in order, each once."""
        return tuple(dict.fromkeys(r.label for r in self.representations))

    @property
    def recording_label(self) -> str:
        """The recording's label, told from a layer or control of the same name."""
        return _recording_label(self.recording, self.representations)


def evaluate(
    prepared: Prepared,
    *,
    device: str = "cpu",
    workers: int = 1,
    scheduler: str | Scheduler | None = None,
    progress: bool | Tell = True,
) -> Evaluation:
    """Train the networks, compare their layers and the controls with the recording.

    Parameters
    ----------
    prepared : Prepared
        From :func:`prepare`.
    device, workers, scheduler
        See :func:`normenc.study.sweep.train_units`.
    progress : bool or callable
        See :func:`normenc.study.run`.

    Returns
    -------
    Evaluation

    Raises
    ------
    InputError
        When nothing could be trained, a layer has no dissimilarities, or these cannot be compared.
    """
    with reporting(progress) as tell:
        return _evaluate(prepared, device, workers, scheduler, tell)


def _evaluate(
    prepared: Prepared, device: str, workers: int, scheduler: str | Scheduler | None, tell: Tell
) -> Evaluation:
    study, recording = prepared.study, prepared.recording
    metric = study.rdm_metric
    inputs = rdms_for_inference(recording, metric)
    recording_rdm = inputs["data"]
    if recording_rdm.ndim == 3:  # of several animals or sessions: the pictures show that of all together
        known = recording.responses is not None
        recording_rdm = rsa.rdm(recording.responses, metric=metric) if known else recording.rdm
    trainings, failures, representations = represent_all(
        prepared, device=device, workers=workers, scheduler=scheduler, progress=tell
    )
    with stage(tell, "comparing") as counted:
        inference = _infer_models(study, recording, inputs, _rdms_by_label(representations), progress=counted.tick)
    similarity = similarity_table(study, recording.label, representations, inference)
    firsts = _firsts(representations)
    own_label = _recording_label(recording, representations)
    shown = _shown(study, representations, similarity)
    if recording.responses is None:
        components = {own_label: principal_components_of_rdm(recording_rdm, N_COMPONENTS)}
    else:
        components = {own_label: principal_components(recording.responses, N_COMPONENTS)}
    components |= {label: principal_components(firsts[label].responses, N_COMPONENTS) for label in shown}
    described = [firsts[label] for label in shown if firsts[label].encoder.kind is not EncoderKind.TWIN]
    predicted = None
    if study.encoding.enabled:
        predicted = predict_neurons(
            prepared, list(firsts.values()), similarity, inputs["data"], device=device, tell=tell
        )
    by_method, refused = _by_other_methods(study, recording, inputs, representations, tell)
    over_training = _over_training(prepared, inputs, trainings, failures, tell)
    with stage(tell, "describing tuning", 1 + len(described)) as counted:
        descriptions = describe(prepared.described, own_label, counted.over(described), recording)
    with stage(tell, "checking the recording"):
        quality, changed_files = quality_of(prepared, inference)
    return Evaluation(
        study=study,
        recording=recording,
        described=prepared.described,
        recording_rdm=recording_rdm,
        trainings=trainings,
        failures=tuple(failures),
        representations=representations,
        inference=inference,
        components=components,
        embeddings={label: embed_components(own) for label, own in each(tell, "embedding", components.items())},
        similarity=similarity,
        differences=difference_table(recording.label, representations, inference),
        by_seed=seed_table(study, recording.label, inputs["data"], representations),
        training_log=training_table(trainings),
        by_method=by_method,
        refused=refused,
        skipped=prepared.skipped_controls,
        quality=quality,
        over_training=over_training,
        descriptions=descriptions,
        predicted=predicted,
        images=prepared.images,
        files=prepared.files,
        changed=changed_files,
    )


def _over_training(
    prepared: Prepared,
    inputs: Mapping[str, Any],
    trainings: dict[Unit, TrainingResult],
    failures: Sequence[Failure],
    tell: Tell,
) -> pd.DataFrame | None:
    """Similarities of the checkpoints, with intervals."""
    if not prepared.study.training.checkpoints:
        return None
    groups: dict[str, list[tuple[int, Representation]]] = {}
    for epoch, representation in represent_checkpoints(prepared, trainings, failures):
        groups.setdefault(representation.encoder.encoder_name, []).append((epoch, representation))
    tables = []
    # Apart, for nobody asks for the differences between all.
    for found in each(tell, "comparing over training", groups.values()):
        models: dict[str, list[npt.NDArray[np.float64]]] = {}
        for epoch, representation in found:
            models.setdefault(f"{representation.label}, epoch {epoch}", []).append(representation.rdm)
        inference = _infer_models(prepared.study, prepared.recording, inputs, models)
        tables.append(epoch_table(prepared.recording.label, found, inference))
    return pd.concat(tables, ignore_index=True)


def _by_other_methods(
    study: Study,
    recording: Recording,
    inputs: Mapping[str, Any],
    representations: Sequence[Representation],
    tell: Tell,
) -> tuple[pd.DataFrame | None, dict[str, str]]:
    """Rows like those of ``similarity.csv`` for the other methods, and why some could not be used."""
    models = _rdms_by_label(representations)
    tables, refused = [], {}
    others = [method for method in study.comparison.also if method != study.comparison.method]
    for method in each(tell, "comparing by other measures", others):
        try:
            inference = _infer_models(study, recording, inputs, models, method)
        except InputError as error:
            refused[str(method)] = str(error)
        else:
            table = similarity_table(study, recording.label, representations, inference)
            tables.append(table.assign(comparison=method))
    return (pd.concat(tables, ignore_index=True) if tables else None), refused


def _rdms_by_label(representations: Sequence[Representation]) -> dict[str, list[npt.NDArray[np.float64]]]:
    models: dict[str, list[npt.NDArray[np.float64]]] = {}
    for r in representations:
        models.setdefault(r.label, []).append(r.rdm)
    return models


def _infer_models(
    study: Study,
    recording: Recording,
    inputs: Mapping[str, Any],
    models: dict[str, list[npt.NDArray[np.float64]]],
    method: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> rsa.Inference:
    """By the study's method, or by another, with no more samples than it takes to see whether that matters."""
    own = study.comparison
    options = study.comparison.model_dump(exclude={"layers", "controls", "also", "method", "n_samples"})
    options["n_permutations"] = max(own.n_permutations, PERMUTATIONS_A_MODEL * len(models))
    # Too few stimuli to speak of others: of these alone, seeds still vary.
    few = recording.n_stimuli < MIN_STIMULI_RESAMPLED
    found = rsa.infer(
        {label: np.stack(rdms) for label, rdms in models.items()},
        **inputs,
        ordered=recording.has_neighbours,
        factors=["seeds"] if few else None,
        method=method or own.method,
        n_samples=own.n_samples if method is None else samples_of_other_methods(study),
        progress=progress,
        **options,
    )
    return _without_false_certainty(found) if few else found


def samples_of_other_methods(study: Study) -> int:
    """Samples of their bootstrap: enough to see whether the answer hangs on the method."""
    return min(study.comparison.n_samples, MOST_SAMPLES_ALSO)


def _without_false_certainty(inference: rsa.Inference) -> rsa.Inference:
    """Where nothing that was resampled touches an estimate, how sure it is becomes unknown, rather than wholly sure."""
    tables = []
    for table in (inference.models, inference.pairs):
        columns = [name for name in table if name in UNCERTAIN]
        sure = table["standard_error"] < 1e-12
        tables.append(table.assign(**{name: table[name].astype(float).mask(sure) for name in columns}))
    models, pairs = tables
    unsaid = inference.models["standard_error"].lt(1e-12) & models["why_unknown"].eq("")
    models["why_unknown"] = models["why_unknown"].mask(unsaid, "there are too few stimuli to speak of others")
    return replace(inference, models=models, pairs=pairs)


def _firsts(representations: Sequence[Representation]) -> dict[str, Representation]:
    """The first seed of every label, in order."""
    firsts: dict[str, Representation] = {}
    for representation in representations:
        firsts.setdefault(representation.label, representation)
    return firsts


def _shown(study: Study, representations: Sequence[Representation], similarity: pd.DataFrame) -> list[str]:
    """Labels for the pictures: all, or of a grid the most similar trained layers, their twins and the controls."""
    firsts = _firsts(representations)
    if not study.is_grid:
        return list(firsts)
    trained = similarity[similarity["kind"] == EncoderKind.TRAINED]
    best = trained.sort_values("similarity", ascending=False)["encoder"].head(MAX_SHOWN).tolist()
    twins = {firsts[label].encoder.twin.of_all_seeds for label in best}
    return best + [
        label for label, r in firsts.items() if r.encoder.kind is EncoderKind.CONTROL or r.encoder.of_all_seeds in twins
    ]


def _recording_label(recording: Recording, representations: Sequence[Representation]) -> str:
    taken = {r.label for r in representations} | {r.key for r in representations}
    return f"{recording.label} (recording)" if recording.label in taken else recording.label
