"""The main job in memory: train, represent, compare, always beside controls."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
import xarray as xr
from torch import nn

from normenc import controls, networks, rsa, stimuli, tasks
from normenc.embedding import MIN_STIMULI, embed, embed_rdm
from normenc.errors import InputError
from normenc.recordings import Recording, load
from normenc.representations import Encoder, represent
from normenc.rsa.inference import MIN_STIMULI as MIN_STIMULI_RESAMPLED
from normenc.rsa.neurons import MIN_NEURONS
from normenc.study.settings import Study
from normenc.study.tables import difference_table, seed_table, similarity_table
from normenc.training import Progress, TrainingResult, initialise, train

__all__ = ["Evaluation", "Prepared", "Representation", "evaluate", "prepare", "represent_all"]

MAX_IMAGES_GIB = 8
CONTROLS = {
    "Fourier amplitude": controls.fourier_amplitude,
    "Gabor energy": controls.gabor_energy,
    "orientation model": controls.orientation_model,
    "pixels": controls.pixels,
}


@dataclass(frozen=True)
class Representation:
    """One encoder's layer: its responses to the recording's stimuli and their RDM.

    ``seed`` is None for a control, which has none.
    """

    model: str
    layer: str
    trained: bool
    seed: int | None
    responses: xr.DataArray
    rdm: npt.NDArray[np.float64]

    @property
    def label(self) -> str:
        """For pictures and comparisons: the layer, or the control's name; all seeds share it."""
        if self.seed is None:
            return self.model
        return self.layer if self.trained else f"{self.layer}, untrained"

    @property
    def key(self) -> str:
        """For variables in files."""
        if self.seed is None:
            return self.model.replace(" ", "_")
        return f"{self.model}_{self.layer}_{'trained' if self.trained else 'untrained'}_seed{self.seed}"


@dataclass(frozen=True)
class Prepared:
    """A study whose every part has been made and fits, before anything is trained."""

    study: Study
    recording: Recording
    task: tasks.TiltDiscrimination
    build_network: partial[nn.Module]


@dataclass(frozen=True)
class Evaluation:
    """Everything a study found.

    Attributes
    ----------
    study : Study
    recording : Recording
    recording_rdm : ndarray, shape (n_stimuli, n_stimuli)
    trainings : dict of int to TrainingResult
        By seed.
    representations : tuple of Representation
        The trained network's layers, the same layers of its untrained twins, then the other controls.
    inference : Inference
        Of the models by label, see :func:`normenc.rsa.infer`.
    embeddings : dict of str to ndarray, shape (n_stimuli, 2)
        By label, of the recording and the first seed of every representation.
    similarity, differences, by_seed, training_log : DataFrame
        As written to ``similarity.csv``, ``differences.csv``, ``similarity_by_seed.csv`` and ``training.csv``.
    """

    study: Study
    recording: Recording
    recording_rdm: npt.NDArray[np.float64]
    trainings: dict[int, TrainingResult]
    representations: tuple[Representation, ...]
    inference: rsa.Inference
    embeddings: dict[str, npt.NDArray[np.float64]]
    similarity: pd.DataFrame
    differences: pd.DataFrame
    by_seed: pd.DataFrame
    training_log: pd.DataFrame

    @property
    def firsts(self) -> tuple[Representation, ...]:
        """Of every label the representation of the first seed, which the pictures show."""
        return tuple({r.label: r for r in reversed(self.representations)}[label] for label in self.labels)

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of the representations, in order, each once."""
        return tuple(dict.fromkeys(r.label for r in self.representations))

    @property
    def recording_label(self) -> str:
        """The recording's label, told from a layer or control of the same name."""
        return _recording_label(self.recording, self.representations)


def prepare(study: Study) -> Prepared:
    """Load the recording and try out task and network, so that bad input is found before anything is trained.

    Raises
    ------
    InputError
        When the recording cannot be used, or the network does not fit the stimuli.
    """
    settings = study.recording
    recording = load(settings.source, bin_width=settings.bin_width, n_neurons=settings.n_neurons, seed=settings.seed)
    if recording.n_stimuli < MIN_STIMULI:
        raise InputError(
            f"{recording.name}: there are {recording.n_stimuli} stimuli; a study needs at least {MIN_STIMULI}"
        )
    if recording.rdm is not None and study.comparison.rdm_metric != "correlation":
        raise InputError(
            f"{recording.name} is known only by its RDM of correlation distances; comparison.rdm_metric must be "
            f"'correlation', not {study.comparison.rdm_metric!r}"
        )
    size = stimuli.image_size(study.stimuli.resolution)
    needed = max(study.task.n_train, study.task.n_test, recording.n_stimuli) * size[0] * size[1] * 4 / 2**30
    if needed > MAX_IMAGES_GIB:
        raise InputError(
            f"stimuli.resolution and task.n_train: the images would take {needed:.0f} GiB of memory, more than "
            f"{MAX_IMAGES_GIB}; make one of them smaller"
        )
    task = tasks.TiltDiscrimination(n_train=study.task.n_train, n_test=study.task.n_test, **study.stimuli.model_dump())
    options = study.network.model_dump(exclude={"name"})
    if study.network.name != "ConvPoolFC":
        del options["pool_size"]
    if study.network.name == "FC":
        del options["n_channels"], options["filter_size"]
    build_network = partial(getattr(networks, study.network.name), size, **options)
    try:
        build_network()
    except InputError as error:
        raise InputError(f"network: {error}") from None
    return Prepared(study, recording, task, build_network)


def evaluate(prepared: Prepared, *, device: str = "auto", progress: bool | Progress = True) -> Evaluation:
    """Train the network, compare its layers and the controls with the recording.

    Parameters
    ----------
    prepared : Prepared
        From :func:`prepare`.
    device : str
        ``"auto"``, ``"cpu"`` or ``"cuda"``.
    progress : bool or callable
        See :func:`normenc.training.train`.

    Returns
    -------
    Evaluation

    Raises
    ------
    InputError
        When training diverges, a layer has no dissimilarities, or these cannot be compared.
    """
    study, recording = prepared.study, prepared.recording
    recording_rdm = recording.rdm
    if recording_rdm is None:
        try:
            recording_rdm = rsa.rdm(recording.responses, metric=study.comparison.rdm_metric)
        except InputError as error:
            raise InputError(f"{recording.name}: {error}") from None
    trainings, representations = represent_all(prepared, device=device, progress=progress)
    inference = _infer(study, recording, recording_rdm, representations)
    own = embed_rdm(recording_rdm) if recording.responses is None else embed(recording.responses)
    firsts = {r.label: r for r in reversed(representations)}
    logs = [
        pd.DataFrame(
            {
                "model": study.network.name,
                "seed": seed,
                "epoch": training.log.epoch,
                "step": np.arange(1, len(training.log.loss) + 1),
                "loss": training.log.loss,
            }
        )
        for seed, training in trainings.items()
    ]
    label = _recording_label(recording, representations)
    return Evaluation(
        study=study,
        recording=recording,
        recording_rdm=recording_rdm,
        trainings=trainings,
        representations=representations,
        inference=inference,
        embeddings={label: own} | {name: embed(r.responses) for name, r in reversed(firsts.items())},
        similarity=similarity_table(study, recording.label, representations, inference),
        differences=difference_table(recording.label, representations, inference),
        by_seed=seed_table(study, recording.label, recording_rdm, representations),
        training_log=pd.concat(logs, ignore_index=True),
    )


def represent_all(
    prepared: Prepared, *, device: str = "auto", progress: bool | Progress = True
) -> tuple[dict[int, TrainingResult], tuple[Representation, ...]]:
    """Train the network and read its layers, those of its untrained twins, and the controls.

    Returns
    -------
    trainings : dict of int to TrainingResult
        By seed.
    representations : tuple of Representation

    Raises
    ------
    InputError
        When training diverges or a layer has no dissimilarities.
    """
    study = prepared.study
    # Controls come first: what is wrong with the stimuli shows before anything is trained.
    plain = [
        found
        for name, control in CONTROLS.items()
        for found in _representations(prepared, control, name, trained=False, seed=None)
    ]
    options = study.training.model_dump(exclude={"seed", "n_seeds", "n_untrained"})
    trainings = {
        seed: train(prepared.build_network, prepared.task, seed=seed, device=device, progress=progress, **options)
        for seed in study.seeds
    }
    twins = {
        seed: trainings[seed].untrained if seed in trainings else initialise(prepared.build_network, seed)
        for seed in study.untrained_seeds
    }
    layers = [
        found
        for trained, encoders in ((True, {s: t.network for s, t in trainings.items()}), (False, twins))
        for layer in study.layers
        for seed, network in encoders.items()
        for found in _representations(prepared, network, study.network.name, trained=trained, seed=seed, layers=[layer])
    ]
    return trainings, (*layers, *plain)


def _infer(
    study: Study,
    recording: Recording,
    recording_rdm: npt.NDArray[np.float64],
    representations: Sequence[Representation],
) -> rsa.Inference:
    models: dict[str, list[npt.NDArray[np.float64]]] = {}
    for r in representations:
        models.setdefault(r.label, []).append(r.rdm)
    options = study.comparison.model_dump(exclude={"layers"})
    responses = None
    if recording.responses is not None and recording.responses.shape[1] >= MIN_NEURONS:
        responses = recording.responses.to_numpy()
    # Too few stimuli to speak of others: of these alone, seeds still vary.
    few = recording.n_stimuli < MIN_STIMULI_RESAMPLED
    return rsa.infer(
        {label: np.stack(rdms) for label, rdms in models.items()},
        recording_rdm,
        responses=responses,
        ordered=recording.covers_circle,
        factors=["seeds"] if few else None,
        **options,
    )


def _representations(
    prepared: Prepared,
    encoder: Encoder,
    model: str,
    *,
    trained: bool,
    seed: int | None,
    layers: Sequence[str] | None = None,
) -> Iterator[Representation]:
    """Each layer of a network, or of a control."""
    study, orientation = prepared.study, prepared.recording.orientation
    if encoder is controls.orientation_model:
        images = torch.as_tensor(orientation)
    else:
        images = stimuli.gratings(orientation, **study.stimuli.model_dump())
    for layer, responses in represent(encoder, images, layers).items():
        responses = responses.assign_coords(orientation=("stimulus", orientation))
        try:
            matrix = rsa.rdm(responses, metric=study.comparison.rdm_metric)
        except InputError as error:
            raise InputError(f"{model}, layer {layer}: {error}") from None
        yield Representation(model, layer, trained, seed, responses, matrix)


def _recording_label(recording: Recording, representations: Sequence[Representation]) -> str:
    taken = {r.label for r in representations} | {r.key for r in representations}
    return f"{recording.label} (recording)" if recording.label in taken else recording.label
