"""How similar the networks' layers are to the recording in the course of training."""

import pandas as pd

from normenc import rsa
from normenc.progress import ProgressCallback, each
from normenc.rsa.stored import Matrix
from normenc.study.inferring import infer_alike
from normenc.study.rdm_folder import RdmFolder
from normenc.study.represented import Represented, whole
from normenc.study.representing import Representation, by_layer
from normenc.study.tables import epoch_table

__all__ = ["over_training"]


def over_training(represented: Represented, own: rsa.Inference, progress: ProgressCallback) -> pd.DataFrame | None:
    """Similarities of the checkpoints, with intervals: ``over_training.csv``; None where there are none to compare.

    Intervals generalise to the same as those of the study's `own` inference.
    """
    prepared = represented.prepared
    if not prepared.study.training.checkpoints:
        return None
    groups: dict[str, list[tuple[int, Representation]]] = {}
    for epoch, representation in _checkpoints(represented):
        groups.setdefault(representation.encoder.encoder_name, []).append((epoch, representation))
    tables = []
    # Apart, because the differences between all of them are not needed.
    for at_epochs in each(progress, "comparing over training", groups.values()):
        models: dict[str, list[Matrix]] = {}
        for epoch, representation in at_epochs:
            models.setdefault(f"{representation.label}, epoch {epoch}", []).append(representation.rdm)
        tables.append(epoch_table(prepared.recording.label, at_epochs, infer_alike(prepared, models, own)))
    return pd.concat(tables, ignore_index=True) if tables else None


def _checkpoints(represented: Represented) -> list[tuple[int, Representation]]:
    """Epoch and representation of every checkpoint, several seeds of one after the other.

    A layer that has no dissimilarities at some checkpoint is left out there, and one that has died by the end
    altogether: it is left out of the comparison.
    """
    prepared, compared = represented.prepared, represented.firsts
    rows: list[tuple[int, Representation]] = []
    rdms = RdmFolder(represented.scratch)
    for (task, network), units in whole(prepared, represented.failures).items():
        for epoch in sorted(set(prepared.study.training.checkpoints)):
            encoders = {unit.seed: represented.trainings[unit].checkpoints[epoch] for unit in units}
            layers, _ = by_layer(prepared, encoders, task, network, rdms)
            rows += [(epoch, r) for of_layer in layers.values() for r in of_layer if r.label in compared]
    return rows
