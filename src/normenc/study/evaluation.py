"""The main job in memory, in stages: represent, compare, describe, predict; always beside controls."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from normenc import rsa
from normenc.errors import InputError
from normenc.progress import ProgressCallback, reporting, stage
from normenc.quality import Quality
from normenc.recordings import Recording
from normenc.recordings.provenance import ReadFile
from normenc.runs.stages import in_order
from normenc.showing import Listed
from normenc.study.comparing import Compared, compare
from normenc.study.competence import with_competence
from normenc.study.describing import Description
from normenc.study.fitness import quality_of
from normenc.study.identifying import Identified, identification_table
from normenc.study.inferring import check_scope
from normenc.study.populations import Populations, describe
from normenc.study.predicting import Predicted, predict
from normenc.study.represented import Represented, represent
from normenc.study.representing import Prepared, Representation
from normenc.study.scheduler import Scheduler
from normenc.study.settings import Study
from normenc.study.sweep import Failure
from normenc.study.tables import training_table
from normenc.study.units import Unit
from normenc.training import TrainingResult

__all__ = ["Evaluation", "evaluate"]

T = TypeVar("T")


@dataclass(frozen=True, repr=False)
class Evaluation(Listed):
    """Everything a study found, stage by stage.

    The results of each stage are also attributes of the evaluation itself: ``evaluation.similarity`` is
    ``evaluation.compared.similarity``. If that stage was left out, an InputError says so.

    Attributes
    ----------
    stages : tuple of str
        What was asked for, of ``"represent"``, ``"compare"``, ``"describe"``, ``"predict"`` and ``"draw"``.
    represented : Represented
        What the encoders respond.
    compared : Compared or None
        How similar they are to the recording.
    populations : Populations or None
        How they and the recording are tuned.
    predicted : Predicted or None
        How well neurons are predicted, where ``encoding.enabled``.
    quality : Quality or None
        Of the recording, see :func:`normenc.quality.check`; known where models are compared with it.
    changed : tuple of Path
        Files of the recording that changed since they were read, and do not count.
    """

    stages: tuple[str, ...]
    represented: Represented
    compared: Compared | None = None
    populations: Populations | None = None
    predicted: Predicted | None = None
    quality: Quality | None = None
    changed: tuple[Path, ...] = ()

    def summary(self) -> pd.DataFrame:
        """What is most to the point: similarities, or the fields where nothing was compared."""
        return super().summary() if self.compared is None else self.compared.summary()

    def _title(self) -> str:
        return f"{self.prepared._title()}; {', '.join(self.stages)}"

    @property
    def prepared(self) -> Prepared:
        """The study and its recording, before anything was trained."""
        return self.represented.prepared

    @property
    def study(self) -> Study:
        """The settings."""
        return self.prepared.study

    @property
    def recording(self) -> Recording:
        """What models are compared with."""
        return self.prepared.recording

    @property
    def described(self) -> Recording:
        """Whose tuning is described: the same, but for directions that are folded for the comparison."""
        return self.prepared.described

    @property
    def recording_rdm(self) -> npt.NDArray[np.float64]:
        """Of the recording, shape (n_stimuli, n_stimuli)."""
        return self.prepared.recording_rdm

    @property
    def images(self) -> torch.Tensor:
        """What the animal saw, as networks saw it, shape (n_stimuli, height, width)."""
        return self.prepared.images

    @property
    def files(self) -> tuple[ReadFile, ...]:
        """What the recording was read from, before anything was trained."""
        return self.prepared.files

    @property
    def skipped(self) -> dict[str, str]:
        """Controls that could not be used, and why."""
        return self.prepared.skipped_controls

    @property
    def trainings(self) -> dict[Unit, TrainingResult]:
        """The trained networks."""
        return self.represented.trainings

    @property
    def training_log(self) -> pd.DataFrame | None:
        """As written to ``training.csv``; None where nothing was trained."""
        return training_table(self.trainings) if self.trainings else None

    @property
    def failures(self) -> tuple[Failure, ...]:
        """Units that could not be trained, and layers that have no dissimilarities."""
        return self.represented.failures

    @property
    def representations(self) -> tuple[Representation, ...]:
        """Layers of trained and pretrained networks, those of their untrained twins, then the other controls."""
        return self.represented.representations

    @property
    def recording_label(self) -> str:
        """The recording's label, told from a layer or control of the same name."""
        return self.represented.recording_label

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of the representations, in order, each once."""
        return tuple(self.represented.firsts)

    @property
    def shown(self) -> tuple[Representation, ...]:
        """The first seed of every label that the pictures show, see :attr:`Compared.shown`; all if not compared."""
        return tuple(self.represented.firsts.values()) if self.compared is None else self.compared.shown

    @property
    def inference(self) -> rsa.Inference:
        """Of the models by label, see :func:`normenc.rsa.infer`."""
        return self._compared.inference

    @property
    def similarity(self) -> pd.DataFrame:
        """As written to ``similarity.csv``."""
        return self._compared.similarity

    @property
    def differences(self) -> pd.DataFrame:
        """As written to ``differences.csv``."""
        return self._compared.differences

    @property
    def by_seed(self) -> pd.DataFrame:
        """As written to ``similarity_by_seed.csv``."""
        return self._compared.by_seed

    @property
    def similarity_by_scope(self) -> pd.DataFrame | None:
        """As written to ``similarity_by_scope.csv``, where something can be resampled in the other scope."""
        return self._compared.similarity_by_scope

    @property
    def differences_by_scope(self) -> pd.DataFrame | None:
        """As written to ``differences_by_scope.csv``, likewise."""
        return self._compared.differences_by_scope

    @property
    def circular_parts(self) -> pd.DataFrame | None:
        """As written to ``circular_parts.csv``, where stimuli go all around a circle."""
        return self._compared.circular_parts

    @property
    def by_method(self) -> pd.DataFrame | None:
        """As written to ``similarity_by_method.csv``, where the study asks for other methods."""
        return self._compared.by_method

    @property
    def refused(self) -> dict[str, str]:
        """Methods that could not be used, and why."""
        return self._compared.refused

    @property
    def animals(self) -> pd.DataFrame | None:
        """As written to ``animals.csv``, where the recording has several animals: of RDMs, and of regressions."""
        return _joined(self._compared.animals, None if self.predicted is None else self.predicted.animals)

    @property
    def partitioning(self) -> pd.DataFrame | None:
        """As written to ``partitioning.csv``: of dissimilarities, and of responses where neurons are predicted."""
        return _joined(self._compared.partitioning, None if self.predicted is None else self.predicted.partitioning)

    @property
    def identified(self) -> Identified | None:
        """What recordings simulated from each encoder would be taken for; None where the study does not want it."""
        return self._compared.identified

    @property
    def identification(self) -> pd.DataFrame | None:
        """As written to ``identification.csv``; None where the recording's noise is not known."""
        table = None if self.identified is None else identification_table(self.represented, self.identified)
        return None if table is None else with_competence(table, self.trainings)

    @property
    def over_training(self) -> pd.DataFrame | None:
        """As written to ``over_training.csv``, where the study has checkpoints."""
        return self._compared.over_training

    @property
    def components(self) -> dict[str, npt.NDArray[np.float64]]:
        """Principal components by label, see :class:`Populations`."""
        return self._populations.components

    @property
    def embeddings(self) -> dict[str, npt.NDArray[np.float64]]:
        """Points of each stimulus by label, see :class:`Populations`."""
        return self._populations.embeddings

    @property
    def descriptions(self) -> dict[str, Description]:
        """Tuning by label, see :class:`Populations`."""
        return self._populations.descriptions

    @property
    def _compared(self) -> Compared:
        return _found(self.compared, "compare")

    @property
    def _populations(self) -> Populations:
        return _found(self.populations, "describe")


def _joined(*parts: pd.DataFrame | None) -> pd.DataFrame | None:
    known = [part for part in parts if part is not None]
    return pd.concat(known, ignore_index=True) if known else None


def _found(result: T | None, name: str) -> T:
    if result is None:
        raise InputError(f"the stage {name} was left out of this evaluation; add it to its stages")
    return result


def evaluate(
    prepared: Prepared,
    *,
    stages: Sequence[str] | None = None,
    device: str = "cpu",
    workers: int | str | Scheduler = 1,
    memory: int | str | None = None,
    scratch: Path | None = None,
    progress: bool | ProgressCallback = True,
) -> Evaluation:
    """Train the networks, compare their layers and the controls with the recording.

    Parameters
    ----------
    prepared : Prepared
        From :func:`prepare`.
    stages : sequence of str, optional
        Which of ``"represent"``, ``"compare"``, ``"describe"`` and ``"predict"`` to take; those of the study by
        default, see :func:`normenc.study.run`.
    device, workers, memory, progress
        See :func:`normenc.study.run`.
    scratch : Path, optional
        Folder for layers of encoders that are larger than `memory`; a temporary one by default.

    Returns
    -------
    Evaluation

    Raises
    ------
    InputError
        When nothing could be trained, a layer has no dissimilarities, or these cannot be compared; or when a stage
        lacks one that it needs.
    """
    study = prepared.study
    asked = in_order(study.stages if stages is None else stages, predict=study.encoding.enabled)
    with reporting(progress) as progress:
        if "compare" in asked:
            _ = prepared.inputs  # what is wrong with the recording shows before anything is trained
            check_scope(prepared)
        represented = represent(
            prepared, device=device, workers=workers, memory=memory, scratch=scratch, progress=progress
        )
        compared = compare(represented, progress=progress) if "compare" in asked else None
        predicted = None
        if compared is not None and "predict" in asked:
            predicted = predict(compared, device=device, progress=progress)
        populations = describe(represented, compared, progress=progress) if "describe" in asked else None
        if compared is None:
            return Evaluation(asked, represented, populations=populations)
        with stage(progress, "checking the recording"):
            quality, changed = quality_of(prepared, compared.inference)
        prepared.forget_inputs()
    return Evaluation(asked, represented, compared, populations, predicted, quality, changed)
