"""The main job in memory: train, represent, compare, always beside controls."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from torch import nn

from normenc import controls, networks, rsa, stimuli, tasks
from normenc.embedding import MIN_STIMULI, embed, embed_rdm
from normenc.errors import InputError
from normenc.recordings import Recording, load
from normenc.representations import Encoder, represent
from normenc.study.settings import Study
from normenc.training import Progress, TrainingResult, train

__all__ = ["Evaluation", "Prepared", "Representation", "evaluate", "prepare"]

MAX_IMAGES_GIB = 8
CONTROLS = {"Fourier amplitude": controls.fourier_amplitude, "pixels": controls.pixels}


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
    similarity: float

    @property
    def label(self) -> str:
        """For pictures: the layer, or the control's name."""
        if self.seed is None:
            return self.model
        return self.layer if self.trained else f"{self.layer}, untrained"

    @property
    def key(self) -> str:
        """For variables in files."""
        if self.seed is None:
            return self.model.replace(" ", "_")
        return f"{self.model}_{self.layer}_{'trained' if self.trained else 'untrained'}"


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
    training : TrainingResult
    representations : tuple of Representation
        The trained network's layers, the same layers of its untrained twin, then the other controls.
    embeddings : dict of str to ndarray, shape (n_stimuli, 2)
        By label, of the recording and every representation.
    similarity, training_log : DataFrame
        As written to ``similarity.csv`` and ``training.csv``.
    """

    study: Study
    recording: Recording
    recording_rdm: npt.NDArray[np.float64]
    training: TrainingResult
    representations: tuple[Representation, ...]
    embeddings: dict[str, npt.NDArray[np.float64]]
    similarity: pd.DataFrame
    training_log: pd.DataFrame


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
        When training diverges or a layer has no dissimilarities.
    """
    study, recording = prepared.study, prepared.recording
    recording_rdm = recording.rdm
    if recording_rdm is None:
        try:
            recording_rdm = rsa.rdm(recording.responses, metric=study.comparison.rdm_metric)
        except InputError as error:
            raise InputError(f"{recording.name}: {error}") from None
    # Controls come first: what is wrong with the stimuli shows before anything is trained.
    plain = [
        found
        for name, control in CONTROLS.items()
        for found in _representations(prepared, recording_rdm, control, name, trained=False)
    ]
    training = train(
        prepared.build_network,
        prepared.task,
        device=device,
        progress=progress,
        **study.training.model_dump(),
    )
    layers = [
        found
        for network, trained in ((training.network, True), (training.untrained, False))
        for found in _representations(
            prepared, recording_rdm, network, study.network.name, trained=trained, layers=study.layers
        )
    ]
    representations = (*layers, *plain)
    own = embed_rdm(recording_rdm) if recording.responses is None else embed(recording.responses)
    return Evaluation(
        study=study,
        recording=recording,
        recording_rdm=recording_rdm,
        training=training,
        representations=representations,
        embeddings={recording.label: own} | {r.label: embed(r.responses) for r in representations},
        similarity=_similarity_table(study, recording, representations),
        training_log=pd.DataFrame(
            {
                "model": study.network.name,
                "seed": study.training.seed,
                "epoch": training.log.epoch,
                "step": np.arange(1, len(training.log.loss) + 1),
                "loss": training.log.loss,
            }
        ),
    )


def _representations(
    prepared: Prepared,
    recording_rdm: npt.NDArray[np.float64],
    encoder: Encoder,
    model: str,
    *,
    trained: bool,
    layers: Sequence[str] | None = None,
) -> Iterator[Representation]:
    """Each layer of a network, or of a control, which is known by having no layers to choose from."""
    study, orientation = prepared.study, prepared.recording.orientation
    seed = None if layers is None else study.training.seed
    images = stimuli.gratings(orientation, **study.stimuli.model_dump())
    for layer, responses in represent(encoder, images, layers).items():
        responses = responses.assign_coords(orientation=("stimulus", orientation))
        try:
            matrix = rsa.rdm(responses, metric=study.comparison.rdm_metric)
            similarity = rsa.compare_rdms(recording_rdm, matrix, method=study.comparison.method)
        except InputError as error:
            raise InputError(f"{model}, layer {layer}: {error}") from None
        yield Representation(model, layer, trained, seed, responses, matrix, similarity)


def _similarity_table(study: Study, recording: Recording, representations: tuple[Representation, ...]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "recording": recording.label,
            "model": [r.model for r in representations],
            "layer": [r.layer for r in representations],
            "trained": [r.trained for r in representations],
            "seed": pd.array([r.seed for r in representations], dtype="Int64"),
            "rdm_metric": study.comparison.rdm_metric,
            "comparison": study.comparison.method,
            "similarity": [r.similarity for r in representations],
        }
    )
