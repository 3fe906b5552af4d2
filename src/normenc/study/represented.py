"""The first stage of an evaluation: train the networks, and read what all encoders respond to the stimuli."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from normenc.errors import InputError
from normenc.progress import ProgressCallback, each, reporting
from normenc.study.control_representing import control_representations
from normenc.study.encoder_representing import encoder_representations
from normenc.study.parts import NetworkSettings
from normenc.study.rdm_folder import Reading
from normenc.study.representing import Prepared, Representation, by_layer
from normenc.study.scheduler import Scheduler
from normenc.study.sweep import Failure, train_units
from normenc.study.units import Unit
from normenc.training import TrainingResult, initialise

__all__ = ["Represented", "represent", "whole"]


@dataclass(frozen=True)
class Represented:
    """What a study's encoders respond to the recording's stimuli.

    Attributes
    ----------
    prepared : Prepared
    trainings : dict of Unit to TrainingResult
    failures : tuple of Failure
        Units that could not be trained: a task and network of which a seed failed are left out of the comparison;
        and layers that have no dissimilarities.
    representations : tuple of Representation
        The layers of trained and pretrained networks, the same layers of their untrained twins, then the other
        controls.
    scratch : Path, optional
        Folder for RDMs that are needed for a while; that of temporary files by default.
    """

    prepared: Prepared
    trainings: dict[Unit, TrainingResult]
    failures: tuple[Failure, ...]
    representations: tuple[Representation, ...]
    scratch: Path | None = None

    @cached_property
    def firsts(self) -> dict[str, Representation]:
        """The first seed of every label, in order."""
        firsts: dict[str, Representation] = {}
        for representation in self.representations:
            firsts.setdefault(representation.label, representation)
        return firsts

    @property
    def recording_label(self) -> str:
        """The recording's label, told from a layer or control of the same name."""
        label = self.prepared.recording.label
        taken = {name for r in self.representations for name in (r.label, r.key)}
        return f"{label} (recording)" if label in taken else label


def represent(
    prepared: Prepared,
    *,
    device: str = "cpu",
    workers: int | str | Scheduler = 1,
    memory: int | str | None = None,
    scratch: Path | None = None,
    progress: bool | ProgressCallback = True,
) -> Represented:
    """Train the networks and read their layers, those of encoders, of untrained twins, and the controls.

    Parameters
    ----------
    prepared : Prepared
        From :func:`normenc.study.prepare`.
    device, workers, progress
        See :func:`normenc.study.run`.
    memory : int or str, optional
        For the responses of encoders that the study does not train: bytes, or a text such as ``"4GiB"``; by default
        that of :func:`normenc.study.memory_limit`, or half of what is free. Larger layers lie on the disk meanwhile.
    scratch : Path, optional
        Folder for layers that are larger than `memory`; a temporary one by default.

    Returns
    -------
    Represented

    Raises
    ------
    InputError
        When nothing could be trained, or no layer has dissimilarities.
    """
    reading = Reading(device, memory, scratch)
    n_processes, scheduler = (workers, None) if isinstance(workers, int) else (1, Scheduler.of(workers))
    with reporting(progress) as progress:
        # Controls come first: what is wrong with the stimuli shows before anything is trained.
        plain = control_representations(prepared, progress, reading)
        trainings, failures = train_units(
            prepared.units, device=device, workers=n_processes, scheduler=scheduler, progress=progress
        )
        layers: list[Representation] = []
        for (task, network), units in each(progress, "responses of layers", whole(prepared, failures).items()):
            encoders = {unit.seed: trainings[unit].network for unit in units}
            of_layers, dead = by_layer(prepared, encoders, task, network, reading.rdms)
            layers += [r for of_layer in of_layers.values() for r in of_layer]
            failures += [Failure(units[0], reason, layer) for layer, reason in dead.items()]
        found, lacking = encoder_representations(prepared, reading, scheduler or n_processes, progress)
        layers += [r for r in found if r.encoder.kind.is_learned]
        untrained = [r for r in found if not r.encoder.kind.is_learned]
        failures += lacking
        if not layers and not untrained:
            raise InputError("; ".join(dict.fromkeys(failure.told for failure in failures)))
        for network, build in each(progress, "responses of untrained layers", prepared.twins):
            twins = {seed: initialise(build, seed) for seed in prepared.study.untrained_seeds}
            of_layers, _ = by_layer(prepared, twins, None, network, reading.rdms)
            layers += [r for of_layer in of_layers.values() for r in of_layer]
    return Represented(prepared, trainings, tuple(failures), (*layers, *untrained, *plain), scratch)


def whole(prepared: Prepared, failures: Sequence[Failure]) -> dict[tuple[str, NetworkSettings], list[Unit]]:
    """Units by task and network, without those pairs of which a seed failed."""
    failed = {(f.encoder.task, f.encoder.network) for f in failures if f.layer is None}
    networks = {network.title: network for network in prepared.study.network}
    groups: dict[tuple[str, NetworkSettings], list[Unit]] = {}
    for unit in prepared.units:
        if (unit.task_label, unit.network_label) not in failed:
            groups.setdefault((unit.task_label, networks[unit.network_label]), []).append(unit)
    return groups
