"""From a study to representations: of trained networks, their untrained twins and the controls."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec

import numpy as np
import numpy.typing as npt
import torch
import xarray as xr
from torch import nn

from normenc import controls, rsa, stimuli
from normenc.embedding import MIN_STIMULI
from normenc.encoders import EncoderId, EncoderKind, Naming
from normenc.errors import InputError
from normenc.recordings import Recording, load
from normenc.recordings.provenance import ReadFile, files_read
from normenc.representations import Encoder, represent
from normenc.rsa.measures import as_measure
from normenc.study.building import build_network, build_task
from normenc.study.progress import Tell, each, reporting
from normenc.study.scheduler import Scheduler
from normenc.study.sections import NetworkSettings
from normenc.study.settings import Study
from normenc.study.sweep import Failure, train_units
from normenc.study.units import Unit
from normenc.training import TrainingResult, initialise

__all__ = ["Prepared", "Representation", "control_representations", "prepare", "represent_all", "represent_checkpoints"]

MAX_IMAGES_GIB = 8
RDM_METRICS = ("correlation", "cosine", "euclidean")  # of the models
EXTRAS = {"steerable pyramid": ("plenoptic", "pyramid")}  # controls that need a package, and the extra that brings it
ORIENTATION_MODEL = "orientation model"
CONTROLS = {
    "Fourier amplitude": controls.fourier_amplitude,
    "Gabor energy": controls.gabor_energy,
    ORIENTATION_MODEL: controls.orientation_model,
    "pixels": controls.pixels,
    "random features": controls.random_features,
    "steerable pyramid": controls.steerable_pyramid,
}


@dataclass(frozen=True)
class Representation:
    """One encoder's layer: its responses to the recording's stimuli and their RDM.

    ``responses`` are kept of every label's first seed, and of all seeds where the study has one task and one network.
    ``label`` is for pictures and comparisons: all seeds share it; ``key`` for variables in files.
    """

    encoder: EncoderId
    label: str
    key: str
    responses: xr.DataArray | None
    rdm: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Prepared:
    """A study whose every part has been made and fits, before anything is trained.

    ``recording`` is what models are compared with, and ``described`` what tuning is described of: the same, but for
    directions that are folded for the comparison. ``units`` are one for each task, network and seed; ``twins`` build
    the network of each architecture; ``images``, shape (n_stimuli, height, width), are what the animal saw; ``files``
    those that the recording was read from.
    """

    study: Study
    recording: Recording
    described: Recording
    units: tuple[Unit, ...]
    twins: tuple[tuple[NetworkSettings, partial[nn.Module]], ...]
    images: torch.Tensor
    files: tuple[ReadFile, ...] = ()

    @property
    def controls(self) -> list[str]:
        """The study's controls, without those that are skipped."""
        return [name for name in self.study.comparison.controls if name not in self.skipped_controls]

    @property
    def skipped_controls(self) -> dict[str, str]:
        """Why controls of the study are left out, by name."""
        found = {}
        for name in self.study.comparison.controls:
            package, extra = EXTRAS.get(name, (None, None))
            if package is not None and find_spec(package) is None:
                found[name] = f"it needs {package}, which is not installed: pip install 'normenc[{extra}]'"
            elif name == ORIENTATION_MODEL and self.recording.orientation is None:
                found[name] = f"{self.recording.shown.plural} have no orientation that it could be given"
        return found


def prepare(study: Study) -> Prepared:
    """Load the recording and try out task and network, so that bad input is found before anything is trained.

    Raises
    ------
    InputError
        When the recording cannot be used, or the network does not fit the stimuli.
    """
    if len(study.recording) > 1:
        raise InputError(f"this study has {len(study.recording)} recordings; run each of Study.per_recording()")
    settings = study.recording[0]
    with files_read() as files:
        recording = described = load(settings.source, **settings.options)
        if settings.fold_directions and recording.responses is not None:
            described = load(settings.source, **settings.options | {"fold_directions": False})
    if recording.n_stimuli < MIN_STIMULI:
        raise InputError(
            f"{recording.name}: there are {recording.n_stimuli} stimuli; a study needs at least {MIN_STIMULI}"
        )
    study = _with_metric(study, recording)
    if study.encoding.enabled and recording.responses is None:
        raise InputError(
            f"{recording.name} is known only by its RDM, and has no neurons to predict; leave [encoding] out, or "
            "choose a recording of neurons"
        )
    units, twins = _units(study, recording)
    read = tuple(files.values())
    prepared = Prepared(study, recording, described, units, twins, _images(study, recording), read)
    if not prepared.controls:
        reasons = "; ".join(f"{name}: {why}" for name, why in prepared.skipped_controls.items())
        raise InputError(f"comparison.controls: none of them can be used ({reasons}); add another one, such as pixels")
    return prepared


def _with_metric(study: Study, recording: Recording) -> Study:
    """The study with the dissimilarity of its models stated: that of a given RDM where models can have it too."""
    stated, given = study.comparison.rdm_metric, None if recording.rdm is None else recording.rdm_metric
    choices = ", ".join(RDM_METRICS)
    if given in RDM_METRICS and stated not in (None, given):
        raise InputError(
            f"{recording.name} holds {given} dissimilarities, but comparison.rdm_metric is {stated!r}; leave that out, "
            "or say what the RDM holds: --rdm-metric"
        )
    if given is not None and given not in RDM_METRICS and stated is None:
        raise InputError(
            f"{recording.name} holds {given} dissimilarities, which models do not have; say in a study file which they "
            f"shall have: rdm_metric in its section [comparison], one of {choices}"
        )
    return study.with_metric(stated or given or "correlation")


def _images(study: Study, recording: Recording) -> torch.Tensor:
    """The recording's own images, or gratings as the study has them; to the pixel the same for opposite directions."""
    if recording.orientation is not None:
        return stimuli.gratings(recording.orientation, **study.stimuli.model_dump())
    if recording.images is None:
        raise InputError(
            f"{recording.name}: the images that the animal saw are not there; add them to the file as images, or name "
            "their folder: recording.images, or --images FOLDER"
        )
    try:
        return stimuli.fit_images(recording.images, study.stimuli.resolution)
    except InputError as error:
        raise InputError(f"{recording.name}: {error}") from None


def _units(
    study: Study, recording: Recording
) -> tuple[tuple[Unit, ...], tuple[tuple[NetworkSettings, partial[nn.Module]], ...]]:
    height, width = stimuli.image_size(study.stimuli.resolution)
    for settings in study.task:
        needed = max(settings.n_train, settings.n_test, recording.n_stimuli) * height * width * 4 / 2**30
        if needed > MAX_IMAGES_GIB:
            raise InputError(
                f"stimuli.resolution and task.n_train: the images would take {needed:.0f} GiB of memory, more than "
                f"{MAX_IMAGES_GIB}; make one of them smaller"
            )
    tasks = [(settings, build_task(settings, study.stimuli)) for settings in study.task]
    units = tuple(
        Unit(
            settings.title,
            network.title,
            task,
            build_network(network, (height, width), task),
            seed,
            study.training_of(settings, network),
        )
        for settings, task in tasks
        for seed in study.seeds
        for network in study.network
    )
    # Of one architecture and seed, all tasks' networks start alike but for their answer, which is drawn last.
    twins = tuple((network, build_network(network, (height, width), tasks[0][1])) for network in study.network)
    return units, twins


def represent_all(
    prepared: Prepared,
    *,
    device: str = "cpu",
    workers: int = 1,
    scheduler: str | Scheduler | None = None,
    progress: bool | Tell = True,
) -> tuple[dict[Unit, TrainingResult], list[Failure], tuple[Representation, ...]]:
    """Train the networks and read their layers, those of their untrained twins, and the controls.

    Parameters
    ----------
    prepared : Prepared
    device, workers, scheduler, progress
        See :func:`normenc.study.run`.

    Returns
    -------
    trainings : dict of Unit to TrainingResult
    failures : list of Failure
    representations : tuple of Representation

    Raises
    ------
    InputError
        When nothing could be trained, or no layer has dissimilarities.
    """
    with reporting(progress) as tell:
        return _represent_all(prepared, device, workers, scheduler, tell)


def _represent_all(
    prepared: Prepared, device: str, workers: int, scheduler: str | Scheduler | None, tell: Tell
) -> tuple[dict[Unit, TrainingResult], list[Failure], tuple[Representation, ...]]:
    study = prepared.study
    # Controls come first: what is wrong with the stimuli shows before anything is trained.
    plain = control_representations(prepared, tell)
    trainings, failures = train_units(
        prepared.units, device=device, workers=workers, scheduler=scheduler, progress=tell
    )
    layers: list[Representation] = []
    for (task, network), units in each(tell, "responses of layers", _whole(prepared, failures).items()):
        encoders = {unit.seed: trainings[unit].network for unit in units}
        found, dead = _by_layer(prepared, encoders, task, network)
        layers += [r for of_layer in found.values() for r in of_layer]
        failures += [Failure(units[0], reason, layer) for layer, reason in dead.items()]
    if not layers:
        raise InputError("; ".join(dict.fromkeys(failure.reason for failure in failures)))
    for network, build in each(tell, "responses of untrained layers", prepared.twins):
        twins = {seed: initialise(build, seed) for seed in study.untrained_seeds}
        found, _ = _by_layer(prepared, twins, None, network)
        layers += [r for of_layer in found.values() for r in of_layer]
    return trainings, failures, (*layers, *plain)


def control_representations(prepared: Prepared, tell: Tell | None = None) -> list[Representation]:
    """The layers of the study's controls.

    Raises
    ------
    InputError
        When one of them has no dissimilarities.
    """
    plain: list[Representation] = []
    names = prepared.controls if tell is None else each(tell, "responses of controls", prepared.controls)
    for name in names:
        control = EncoderId(None, name, None, EncoderKind.CONTROL)
        for representation in _representations(prepared, CONTROLS[name], control).values():
            if isinstance(representation, InputError):
                raise representation
            plain.append(representation)
    return plain


def represent_checkpoints(
    prepared: Prepared, trainings: dict[Unit, TrainingResult], failures: Sequence[Failure]
) -> list[tuple[int, Representation]]:
    """Epoch and representation of every checkpoint, several seeds of one after the other.

    A layer that has no dissimilarities at some checkpoint is left out there.
    """
    epochs = sorted(set(prepared.study.training.checkpoints))
    rows: list[tuple[int, Representation]] = []
    for (task, network), units in _whole(prepared, failures).items():
        for epoch in epochs:
            encoders = {unit.seed: trainings[unit].checkpoints[epoch] for unit in units}
            found, _ = _by_layer(prepared, encoders, task, network)
            rows += [(epoch, r) for of_layer in found.values() for r in of_layer]
    return rows


def _by_layer(
    prepared: Prepared, encoders: dict[int, nn.Module], task: str | None, network: NetworkSettings
) -> tuple[dict[str, list[Representation]], dict[str, str]]:
    """Representations of all seeds by layer, and why layers have none; the dead say nothing of the others."""
    study = prepared.study
    layers = study.layers_of(network)
    found: dict[str, list[Representation]] = {layer: [] for layer in layers}
    dead: dict[str, str] = {}
    kind = EncoderKind.TWIN if task is None else EncoderKind.TRAINED
    for seed, encoder in encoders.items():
        source = EncoderId(task, network.title, None, kind, seed)
        keep = not study.is_grid or seed == study.seeds[0]
        for layer, representation in _representations(prepared, encoder, source, layers, keep=keep).items():
            if isinstance(representation, InputError):
                dead.setdefault(layer, str(representation))
            else:
                found[layer].append(representation)
    return {layer: of_layer for layer, of_layer in found.items() if layer not in dead}, dead


def _whole(prepared: Prepared, failures: Sequence[Failure]) -> dict[tuple[str, NetworkSettings], list[Unit]]:
    """Units by task and network, without those pairs of which a seed failed."""
    failed = {(f.unit.task_label, f.unit.network_label) for f in failures if f.layer is None}
    networks = {network.title: network for network in prepared.study.network}
    found: dict[tuple[str, NetworkSettings], list[Unit]] = {}
    for unit in prepared.units:
        if (unit.task_label, unit.network_label) not in failed:
            found.setdefault((unit.task_label, networks[unit.network_label]), []).append(unit)
    return found


def _representations(
    prepared: Prepared, encoder: Encoder, source: EncoderId, layers: Sequence[str] | None = None, *, keep: bool = True
) -> dict[str, Representation | InputError]:
    """Each layer of a network, or of a control; the error where it has no dissimilarities."""
    study, recording = prepared.study, prepared.recording
    images = torch.as_tensor(recording.orientation) if encoder is controls.orientation_model else prepared.images
    outputs = represent(encoder, images, layers)
    owners = {layer: replace(source, layer=layer) for layer in outputs}
    naming = replace(study.naming, layered=Naming.of(owners.values()).layered)
    representations: dict[str, Representation | InputError] = {}
    for layer, found in outputs.items():
        own = owners[layer]
        responses = found.assign_coords({recording.kind: ("stimulus", recording.stimulus)})
        try:
            matrix = rsa.rdm(responses, metric=study.rdm_metric)
            if own.kind is not EncoderKind.CONTROL:  # of a control it is said beside its row that it has no similarity
                _check_apart(matrix, study.comparison.method)
        except InputError as error:
            which = ", ".join(filter(None, (own.task if study.is_grid else None, own.network, f"layer {layer}")))
            representations[layer] = InputError(f"{which}: {error}")
            continue
        representations[layer] = Representation(
            own, naming.label(own), naming.key(own), responses if keep else None, matrix
        )
    return representations


def _check_apart(rdm: npt.NDArray[np.float64], method: str) -> None:
    """Raise InputError where an RDM is similar to none: all its dissimilarities are equal, but for rounding."""
    vector = rdm[np.triu_indices(len(rdm), k=1)]
    if as_measure(method).is_undefined(vector):
        raise InputError(
            f"all its stimuli are equally far apart (dissimilarity {vector[0]:g}), so that its similarity with other "
            "RDMs is undefined"
        )
