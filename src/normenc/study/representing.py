"""From a study to representations: of trained networks and their untrained twins."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import xarray as xr
from torch import nn

from normenc import rsa, stimuli
from normenc.controls import EXTRAS
from normenc.embedding import MIN_STIMULI
from normenc.encoders import EncoderId, EncoderKind, Naming
from normenc.errors import InputError
from normenc.quality import rdms_for_inference
from normenc.recordings import Preparation, Recording, load
from normenc.recordings.provenance import ReadFile, files_read
from normenc.representations import represent
from normenc.rsa.measures import as_measure
from normenc.rsa.pairs import upper
from normenc.rsa.stored import Matrix
from normenc.showing import Listed
from normenc.study.asked import asked_study
from normenc.study.building import build_network, build_task
from normenc.study.encoder_units import EncoderUnit, encoder_unit
from normenc.study.layer_files import LayerResult
from normenc.study.parts import ControlSettings, NetworkSettings, control_of
from normenc.study.rdm_folder import RdmFolder
from normenc.study.settings import Study
from normenc.study.shown import Shown
from normenc.study.units import Unit

__all__ = ["Prepared", "Representation", "by_layer", "check_apart", "of_result", "prepare", "representations_of"]

MAX_IMAGES_GIB = 8
RDM_METRICS = ("correlation", "cosine", "euclidean")  # of the models


@dataclass(frozen=True, repr=False)
class Representation(Listed):
    """One encoder's layer: its responses to the recording's stimuli and their RDM.

    ``responses`` are kept of every label's first seed, of all seeds where the study has one task and one network, and
    of all seeds of trained networks where neurons are predicted. ``label`` is for pictures and comparisons: all seeds
    share it; ``key`` for variables in files. ``note`` says what was done to responses that are too large to be kept,
    whose RDM is that of the whole layer; ``reduced`` what was done before the RDM was computed. The RDMs of more than
    400 stimuli are in single precision, those of more than 1,000 in files.
    """

    encoder: EncoderId
    label: str
    key: str
    responses: xr.DataArray | None
    rdm: Matrix
    note: str = ""
    reduced: str = ""


@dataclass(frozen=True, repr=False)
class Prepared(Listed):
    """A study whose parts have all been made and fit together, before anything is trained.

    ``recording`` is what models are compared with, and ``described`` what tuning is described of: the same, but for
    directions that are folded for the comparison. ``units`` are one for each task, network and seed; ``twins`` build
    the network of each architecture; ``shown`` is what the animal saw, and what of it encoders see; ``files`` are those
    that the recording was read from; ``encoders`` are networks that the study does not train.
    """

    study: Study
    recording: Recording
    described: Recording
    units: tuple[Unit, ...]
    twins: tuple[tuple[NetworkSettings, partial[nn.Module]], ...]
    shown: Shown
    files: tuple[ReadFile, ...] = ()
    encoders: tuple[EncoderUnit, ...] = ()

    def _title(self) -> str:
        return f"{self.study.name} and {self.recording.name}, {len(self.units)} to train"

    @cached_property
    def images(self) -> torch.Tensor:
        """What networks are shown that the study trains, shape (n_stimuli, height, width)."""
        return self.shown.to_networks()

    @cached_property
    def inputs(self) -> dict[str, Any]:
        """What :func:`normenc.rsa.infer` is given of the recording: its RDM, or one for each animal, and the rest."""
        return rdms_for_inference(self.recording, self.study.rdm_metric)

    def forget_inputs(self) -> None:
        """Keep no more of :attr:`inputs` than the recording's RDM; of many stimuli the rest takes hundreds of MB."""
        _ = self.recording_rdm
        vars(self).pop("inputs", None)

    @cached_property
    def recording_rdm(self) -> npt.NDArray[np.float64]:
        """The recording's RDM, shape (n_stimuli, n_stimuli): of several animals or sessions that of all together."""
        data: npt.NDArray[np.float64] = self.inputs["data"]
        if data.ndim == 2:
            return data
        own, responses = self.recording.rdm, self.recording.responses
        if responses is None:
            assert own is not None
            return own
        return rsa.rdm(responses, metric=self.study.rdm_metric)

    @property
    def controls(self) -> list[ControlSettings]:
        """The study's controls, without those that are skipped."""
        return [control for control in self.all_controls if control.title not in self.skipped_controls]

    @property
    def skipped_controls(self) -> dict[str, str]:
        """Why controls of the study are left out, by name."""
        reasons = {}
        for control in self.all_controls:
            package, extra = EXTRAS.get(control.name, (None, None))
            if package is not None and find_spec(package) is None:
                reasons[control.title] = f"it needs {package}, which is not installed: pip install 'normenc[{extra}]'"
            elif control.sees == "orientation" and self.recording.orientation is None:
                shown = self.recording.shown.plural
                reasons[control.title] = f"{shown} have no orientation that it could be given"
        return reasons

    @property
    def all_controls(self) -> list[ControlSettings]:
        """The study's controls, with those that are skipped."""
        return [control_of(entry) for entry in self.study.comparison.controls]


def prepare(
    study: Study | None = None,
    *,
    recording: str | Path | None = None,
    preparation: Preparation | None = None,
    **options: Any,
) -> Prepared:
    """Load the recording and try out task and network, so that bad input is found before anything is trained.

    Parameters
    ----------
    study : Study, optional
        The reference study by default.
    recording, preparation, **options
        See :func:`normenc.study.run`.

    Returns
    -------
    Prepared

    Raises
    ------
    InputError
        When the recording cannot be used, or the network does not fit the stimuli.
    """
    study = asked_study(study, recording, preparation, options)
    return _prepare(study)


def _prepare(study: Study) -> Prepared:
    if len(study.recording) > 1:
        raise InputError(f"this study has {len(study.recording)} recordings; run each of Study.per_recording()")
    settings = study.recording[0]
    with files_read() as files:
        own = study.stimuli.with_images(settings.preparation)
        recording = described = load(settings.source, **settings.simulation, preparation=own)
        if own.fold_directions and recording.responses is not None:
            described = load(settings.source, **settings.simulation, preparation=replace(own, fold_directions=False))
    if recording.n_stimuli < MIN_STIMULI:
        raise InputError(
            f"{recording.name}: it has {recording.n_stimuli} stimuli; a study needs at least {MIN_STIMULI}"
        )
    study = _with_metric(study, recording)
    if study.encoding.enabled and recording.responses is None:
        raise InputError(
            f"{recording.name} is known only by its RDM, and has no neurons to predict; leave [encoding] out, or "
            "choose a recording of neurons"
        )
    units, twins = _units(study, recording)
    read = tuple(files.values())
    shown = Shown(recording, study.stimuli)
    shown.check()
    encoders = tuple(encoder_unit(section, study.untrained_seeds, shown.to_encoder) for section in study.encoder)
    prepared = Prepared(study, recording, described, units, twins, shown, read, encoders)
    if units:
        _ = prepared.images  # too small ones show before anything is trained
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
            "or say what the RDM holds: rdm_metric="
        )
    if given is not None and given not in RDM_METRICS and stated is None:
        raise InputError(
            f"{recording.name} holds {given} dissimilarities, which models do not have; choose in a study file which "
            f"they should have: rdm_metric in its section [comparison], one of {choices}"
        )
    return study.with_metric(stated or given or "correlation")


def _units(
    study: Study, recording: Recording
) -> tuple[tuple[Unit, ...], tuple[tuple[NetworkSettings, partial[nn.Module]], ...]]:
    height, width = stimuli.image_size(study.stimuli.resolution)
    drawing = study.training.drawing_processes
    for settings in study.task:
        options = settings.options
        is_fresh = options["n_train"] == "fresh"
        # Those of the first epoch, of the current one, and of those that are drawn ahead.
        n_train = (2 + max(1, drawing)) * options["n_per_epoch"] if is_fresh else options["n_train"]
        needed = max(n_train, options["n_test"], recording.n_stimuli) * height * width * 4 / 2**30
        if needed > MAX_IMAGES_GIB:
            key = "n_per_epoch" if is_fresh else "n_train"
            raise InputError(
                f"stimuli.resolution and task.{key}: the images would take {needed:.0f} GiB of memory, more than "
                f"{MAX_IMAGES_GIB}; make one of them smaller"
            )
    tasks = [(settings, build_task(settings, study.stimuli)) for settings in study.task]
    for settings, task in tasks:
        smoothed = [n.title for n in study.network if study.training_of(settings, n)["label_smoothing"]]
        if smoothed and not task.has_classes:
            raise InputError(
                f"training.label_smoothing: {settings.title} has no classes with labels to smooth, and {smoothed[0]} "
                "is trained on it; give label_smoothing in the training = { ... } of the tasks that have classes"
            )
    units = tuple(
        Unit(
            settings.title,
            network.title,
            task,
            build_network(network, (height, width), task),
            seed,
            study.training_of(settings, network),
            drawing if task.n_train == "fresh" else 0,
        )
        for settings, task in tasks
        for seed in study.seeds
        for network in study.network
    )
    # Of one architecture and seed, all tasks' networks start alike but for their answer, which is drawn last.
    twins = tuple((network, build_network(network, (height, width), tasks[0][1])) for network in study.network)
    return units, twins


def by_layer(
    prepared: Prepared, encoders: dict[int, nn.Module], task: str | None, network: NetworkSettings, rdms: RdmFolder
) -> tuple[dict[str, list[Representation]], dict[str, str]]:
    """Representations of all seeds by layer, and why layers have none; other layers are not affected."""
    study = prepared.study
    layers = study.layers_of(network)
    representations: dict[str, list[Representation]] = {layer: [] for layer in layers}
    dead: dict[str, str] = {}
    encoder_kind = EncoderKind.TWIN if task is None else EncoderKind.TRAINED
    for seed, encoder in encoders.items():
        source = EncoderId(task, network.title, None, encoder_kind, seed)
        keep = not study.is_grid or seed == study.seeds[0] or (study.encoding.enabled and task is not None)
        outputs = represent(encoder, prepared.images, layers)
        for layer, representation in representations_of(prepared, outputs, source, rdms, keep=keep).items():
            if isinstance(representation, InputError):
                dead.setdefault(layer, str(representation))
            else:
                representations[layer].append(representation)
    return {layer: of_layer for layer, of_layer in representations.items() if layer not in dead}, dead


def representations_of(
    prepared: Prepared, outputs: Mapping[str, xr.DataArray], source: EncoderId, rdms: RdmFolder, *, keep: bool = True
) -> dict[str, Representation | InputError]:
    """Each layer of a network, or of a control; the error where it has no dissimilarities."""
    study, recording = prepared.study, prepared.recording
    owners = {layer: replace(source, layer=layer) for layer in outputs}
    naming = replace(study.naming, layered=Naming.of(owners.values()).layered)
    representations: dict[str, Representation | InputError] = {}
    for layer, output in outputs.items():
        own = owners[layer]
        responses = output.assign_coords({recording.kind: ("stimulus", recording.stimulus)})
        try:
            matrix = rsa.rdm(responses, metric=study.rdm_metric)
            if own.kind is not EncoderKind.CONTROL:  # of a control it is said beside its row that it has no similarity
                check_apart(matrix, study.comparison.method)
        except InputError as error:
            which = ", ".join(filter(None, (own.task if study.is_grid else None, own.network, f"layer {layer}")))
            representations[layer] = InputError(f"{which}: {error}")
            continue
        kept = responses.copy(data=rdms.keep_responses(responses.to_numpy())) if keep else None
        representations[layer] = Representation(own, naming.label(own), naming.key(own), kept, rdms.keep(matrix))
    return representations


def of_result(prepared: Prepared, own: EncoderId, result: LayerResult | InputError) -> Representation:
    """A layer as it was extracted.

    Raises
    ------
    InputError
        Where it has no dissimilarities.
    """
    study, recording = prepared.study, prepared.recording
    if isinstance(result, InputError):
        raise result
    if own.kind is not EncoderKind.CONTROL:  # of a control it is said beside its row that it has no similarity
        check_apart(np.asarray(result.rdm), study.comparison.method)
    responses = None
    if result.responses is not None:
        coords = {recording.kind: ("stimulus", recording.stimulus)}
        responses = xr.DataArray(result.responses, dims=("stimulus", "unit"), coords=coords, name=own.layer)
    labels = study.naming.label(own), study.naming.key(own)
    return Representation(own, *labels, responses, result.rdm, result.features, result.note)


def check_apart(rdm: npt.NDArray[Any], method: str) -> None:
    """Raise InputError if the similarity of an RDM is undefined: its dissimilarities are equal, except for rounding."""
    vector = upper(rdm)
    if as_measure(method).is_undefined(vector):
        raise InputError(
            f"all its stimuli are equally far apart (dissimilarity {vector[0]:g}), so its similarity to other "
            "RDMs is undefined"
        )
