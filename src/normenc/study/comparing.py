"""How similar the models are to the recording: by the study's measure, by others, and over training."""

from dataclasses import dataclass, replace

import pandas as pd

from normenc import rsa
from normenc.csv_tables import did_not_learn
from normenc.encoders import LEARNED, EncoderKind
from normenc.errors import InputError
from normenc.progress import ProgressCallback, each, reporting, stage
from normenc.showing import Listed
from normenc.study.circling import circular_table
from normenc.study.competence import BY_SEED, IN_FULL, IN_SHORT, with_competence
from normenc.study.identifying import Identified, identified_in_short
from normenc.study.inferring import infer_alike, infer_models, rdms_by_label, stimuli_compared
from normenc.study.over_training import over_training
from normenc.study.partitioning import rdm_partition
from normenc.study.representation_inferring import infer_responses
from normenc.study.represented import Represented
from normenc.study.representing import Representation
from normenc.study.tables import difference_table, seed_table, similarity_table
from normenc.study.yardstick import animal_table

__all__ = ["Compared", "compare"]

COMPETENCE = {  # tables that tell whether networks learned their tasks, by attribute, and in which columns
    **dict.fromkeys(("similarity", "similarity_by_scope", "by_method"), IN_FULL),
    "by_seed": BY_SEED,
    **dict.fromkeys(("differences", "differences_by_scope", "animals", "partitioning"), IN_SHORT),
    **dict.fromkeys(("circular_parts", "over_training"), IN_SHORT),
}
MAX_SHOWN = 4  # trained layers in the pictures of a grid, the most similar ones


@dataclass(frozen=True, repr=False)
class Compared(Listed):
    """How similar a study's models are to its recording.

    Attributes
    ----------
    represented : Represented
        What was compared.
    inference : Inference
        Of the models by label, see :func:`normenc.rsa.infer`.
    other_scope : Inference or None
        The same from the same bootstraps, but with random stimuli where they are fixed, and with fixed ones where they
        are random; None where nothing could be resampled.
    similarity, differences, by_seed : DataFrame
        As written to ``similarity.csv``, ``differences.csv`` and ``similarity_by_seed.csv``.
    similarity_by_scope, differences_by_scope : DataFrame or None
        The first two in the other scope, as written to ``similarity_by_scope.csv`` and ``differences_by_scope.csv``.
    by_method : DataFrame or None
        As written to ``similarity_by_method.csv``, where the study asks for other methods.
    refused : dict of str to str
        Methods that could not be used, and why.
    animals : DataFrame or None
        As written to ``animals.csv``, where the recording has several animals.
    partitioning : DataFrame or None
        The rows of ``partitioning.csv`` about dissimilarities; None without a control, or with too few stimuli.
    circular_parts : DataFrame or None
        As written to ``circular_parts.csv``, where stimuli go all around a circle.
    over_training : DataFrame or None
        As written to ``over_training.csv``, where the study has checkpoints.
    identified : Identified or None
        What recordings simulated from each encoder would be taken for; None where the study does not want it.
    """

    represented: Represented
    inference: rsa.Inference
    other_scope: rsa.Inference | None
    similarity: pd.DataFrame
    differences: pd.DataFrame
    by_seed: pd.DataFrame
    similarity_by_scope: pd.DataFrame | None
    differences_by_scope: pd.DataFrame | None
    by_method: pd.DataFrame | None
    refused: dict[str, str]
    animals: pd.DataFrame | None
    partitioning: pd.DataFrame | None
    circular_parts: pd.DataFrame | None
    over_training: pd.DataFrame | None
    identified: Identified | None = None

    def summary(self) -> pd.DataFrame:
        """The similarities in short, one row per encoder."""
        return self.similarity[["encoder", "similarity", "low", "high"]].copy()

    def _title(self) -> str:
        return f"{self.represented.prepared._title()}, {len(self.similarity)} compared"

    @property
    def shown(self) -> tuple[Representation, ...]:
        """The first seed of every label that pictures show: all labels or, in a grid, of the most similar layers.

        These are the most similar trained or pretrained layers, their untrained twins and the controls.
        """
        firsts = self.represented.firsts
        if not self.represented.prepared.study.is_grid:
            return tuple(firsts.values())
        learned = self.similarity[self.similarity["kind"].isin(LEARNED)]
        if learned.empty:  # untrained networks alone
            learned = self.similarity[self.similarity["kind"] == EncoderKind.TWIN]
        learned = learned.assign(failed=did_not_learn(learned))  # networks that did not learn come last
        best = (
            learned.sort_values(["failed", "similarity"], ascending=[True, False])["encoder"].head(MAX_SHOWN).tolist()
        )
        twins = {firsts[label].encoder.twin.of_all_seeds for label in best}
        others = [
            r
            for label, r in firsts.items()
            if r.encoder.kind is EncoderKind.CONTROL or (r.encoder.of_all_seeds in twins and label not in best)
        ]
        return (*(firsts[label] for label in best), *others)


def compare(represented: Represented, *, progress: bool | ProgressCallback = True) -> Compared:
    """Compare the RDMs of layers, twins and controls with the recording's, with intervals and tests.

    Parameters
    ----------
    represented : Represented
        From :func:`normenc.study.represent`.
    progress : bool or callable
        See :func:`normenc.study.run`.

    Returns
    -------
    Compared

    Raises
    ------
    InputError
        When RDMs cannot be compared by the study's measure.
    """
    prepared, representations = represented.prepared, represented.representations
    study, label = prepared.study, prepared.recording.label
    with reporting(progress) as progress:
        with stage(progress, "comparing") as counted:
            inference, other = infer_models(prepared, rdms_by_label(representations), progress=counted.progress)
        by_method, refused = _by_other_methods(represented, inference, progress)
        partitioning, unknown = rdm_partition(represented, inference, progress)
        circular_parts, undivided = circular_table(represented, inference, progress)
        similarity_by_scope, differences_by_scope = _in_other_scope(represented, other)
        with stage(progress, "simulating recordings"):
            identified = identified_in_short(represented)
        compared = Compared(
            represented=represented,
            inference=inference,
            other_scope=other,
            similarity=similarity_table(study, label, representations, inference),
            differences=difference_table(label, representations, inference),
            by_seed=seed_table(study, label, prepared.inputs["data"], representations, stimuli_compared(prepared)),
            similarity_by_scope=similarity_by_scope,
            differences_by_scope=differences_by_scope,
            by_method=by_method,
            refused=refused | unknown | undivided,
            animals=animal_table(represented, inference),
            partitioning=partitioning,
            circular_parts=circular_parts,
            over_training=over_training(represented, inference, progress),
            identified=identified,
        )
    return _with_competence(compared)


def _with_competence(compared: Compared) -> Compared:
    """The same with the columns that tell whether networks learned their tasks."""
    trainings = compared.represented.trainings
    tables = {
        name: with_competence(table, trainings, columns, by_seed=name == "by_seed")
        for name, columns in COMPETENCE.items()
        if (table := getattr(compared, name)) is not None
    }
    return replace(compared, **tables)


def _in_other_scope(
    represented: Represented, inference: rsa.Inference | None
) -> tuple[pd.DataFrame | None, pd.DataFrame | None]:
    """Rows like those of ``similarity.csv`` and ``differences.csv``, and what each generalises to."""
    if inference is None:
        return None, None
    study, label = represented.prepared.study, represented.prepared.recording.label
    similarity = similarity_table(study, label, represented.representations, inference)
    similarity = similarity.assign(generalises_to=" ".join(inference.generalises_to))
    return similarity, difference_table(label, represented.representations, inference)


def _by_other_methods(
    represented: Represented, own: rsa.Inference, progress: ProgressCallback
) -> tuple[pd.DataFrame | None, dict[str, str]]:
    """Rows like those of ``similarity.csv`` for the other methods, and why some could not be used."""
    prepared, representations = represented.prepared, represented.representations
    study, models = prepared.study, rdms_by_label(representations)
    tables, refused = [], {}
    others = [method for method in study.comparison.other_measures if method != study.comparison.method]
    for method in each(progress, "comparing by other measures", others):
        of_responses = method in rsa.REPRESENTATION_MEASURES
        try:
            if of_responses:
                inference = infer_responses(prepared, representations, own, method)
            else:
                inference = infer_alike(prepared, models, own, method)
        except InputError as error:
            refused[str(method)] = str(error)
        else:
            table = similarity_table(study, prepared.recording.label, representations, inference)
            metric = {"rdm_metric": ""} if of_responses else {}
            some = stimuli_compared(prepared, method)
            n_stimuli = prepared.recording.n_stimuli if isinstance(some, slice) else len(some)
            tables.append(table.assign(comparison=method, n_stimuli=n_stimuli, **metric))
    return (pd.concat(tables, ignore_index=True) if tables else None), refused
