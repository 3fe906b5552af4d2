"""What encoders respond that a study does not train: with their weights, and untrained; here, or read by workers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

import torch

from normenc.encoders import EncoderKind
from normenc.errors import InputError
from normenc.progress import ProgressCallback, Stage, stage
from normenc.recordings import cache_folder
from normenc.stimuli import ImageSet
from normenc.study.encoder_jobs import EncoderJob, jobs_of
from normenc.study.encoder_units import EncoderUnit
from normenc.study.extraction import damage_told_once
from normenc.study.layer_files import LayerResult, read_layers
from normenc.study.rdm_folder import Reading
from normenc.study.representing import Prepared, Representation, of_result
from normenc.study.scheduler import Scheduler
from normenc.study.spreading import read_by_workers
from normenc.study.sweep import Failure
from normenc.study.unit_files import DamagedError

__all__ = ["encoder_representations"]

Results = Mapping[str, LayerResult | InputError]


def encoder_representations(
    prepared: Prepared, reading: Reading, workers: int | Scheduler, progress: ProgressCallback
) -> tuple[list[Representation], list[Failure]]:
    """Layers of all encoders and of their untrained twins, and those that have no dissimilarities.

    Parameters
    ----------
    prepared : Prepared
    reading : Reading
    workers : int or Scheduler
        Processes of this machine, or a cluster's scheduler.
    progress : callable

    Returns
    -------
    representations : list of Representation
        Encoder by encoder, layer by layer: with its weights, then untrained, seed by seed.
    failures : list of Failure
        A layer without dissimilarities is left out with its weights, untrained, or both.
    """
    study = prepared.study
    jobs = jobs_of(prepared.encoders, study.untrained_seeds, study.rdm_metric)
    representations: list[Representation] = []
    failures: list[Failure] = []
    if not jobs:
        return representations, failures
    with damage_told_once(), stage(progress, "responses of encoders", len(jobs)) as counted:
        for unit, results in groupby(_results(prepared, jobs, reading, workers, counted), lambda pair: pair[0].unit):
            found, lacking = _of_unit(prepared, unit, dict(results))
            representations += found
            failures += lacking
    return representations, failures


def _results(
    prepared: Prepared, jobs: Sequence[EncoderJob], reading: Reading, workers: int | Scheduler, counted: Stage
) -> Iterator[tuple[EncoderJob, Results]]:
    """Each network's layers, in order: as workers left them, or read here, one network at a time in memory."""
    cache = cache_folder() / "layers"
    sets: dict[tuple[int, int] | None, ImageSet] = {}

    def shown(job: EncoderJob) -> ImageSet:
        size = job.unit.preprocessing.size
        if size not in sets:
            sets[size] = prepared.shown.to_encoder(size)
        return sets[size]

    # Networks that were read before, by workers with a GPU, are only tried here.
    device = "cpu" if isinstance(workers, Scheduler) and not torch.cuda.is_available() else reading.device
    with read_by_workers(jobs, shown, cache, reading, workers, counted) as files:
        for job in jobs:
            try:
                if job in files:
                    yield job, read_layers(files[job], len(shown(job)), reading.rdms)
                    continue
            except DamagedError:  # it was changed within seconds
                pass
            yield job, job.read(shown(job), cache, reading, device)
            counted.step()


def _of_unit(
    prepared: Prepared, unit: EncoderUnit, results: Mapping[EncoderJob, Results]
) -> tuple[list[Representation], list[Failure]]:
    """Layers of one encoder and of its twins."""
    found: dict[tuple[EncoderKind, str], list[Representation]] = {}
    dead: dict[tuple[EncoderKind, str], str] = {}
    for job, outputs in results.items():
        for layer, result in outputs.items():
            own = replace(job.encoder, layer=layer)
            try:
                representation = of_result(prepared, own, result)
            except InputError as error:
                dead.setdefault((own.kind, layer), str(error))
            else:
                found.setdefault((own.kind, layer), []).append(representation)
    failures = [Failure(unit, why, layer, kind is EncoderKind.TWIN) for (kind, layer), why in dead.items()]
    return [r for key, of_layer in found.items() if key not in dead for r in of_layer], failures
