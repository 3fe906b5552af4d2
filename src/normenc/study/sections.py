"""The sections of a study file, each with its keys, their types and defaults."""

import math
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag

from normenc.errors import quoted
from normenc.rsa.measures import MEASURES
from normenc.texts import visible

CONTROL_NAMES = (
    "Fourier amplitude",
    "Gabor energy",
    "orientation model",
    "pixels",
    "random features",
    "steerable pyramid",
)
FITTED_NAMES = ("course network", "point readout", "factorised readout", "linear readout")
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Size = Annotated[int, Field(ge=1, le=10_000)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Fraction = Annotated[float, Field(ge=0, le=1)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Frequency = Annotated[float, Field(gt=0, le=math.pi, allow_inf_nan=False)]  # up to Nyquist's
Range = Annotated[list[Annotated[float, Field(allow_inf_nan=False)]], Field(min_length=2, max_length=2)]
Name = Annotated[str, Field(min_length=1)]
Value = bool | int | float | str  # in a table of trials


def _seen(label: str) -> str:
    if not label.strip() or visible(label) != label or "/" in label or "\\" in label:
        raise ValueError(
            f"given {visible(label)!r}; a label may hold no slashes, and no characters that cannot be seen"
        )
    return label


Label = Annotated[str, Field(min_length=1, max_length=60), AfterValidator(_seen)]


def _once(values: list[Any] | None) -> list[Any] | None:
    for place, value in enumerate(values or ()):
        if values is not None and value in values[:place]:
            raise ValueError(f"{quoted(value)} is listed twice")
    return values


Once = AfterValidator(_once)  # of a list


def _registered(name: str) -> str:
    if name not in MEASURES:
        *others, last = (repr(known) for known in MEASURES)
        raise ValueError(f"given {quoted(name)}; it should be {', '.join(others)} or {last}")
    return name


MeasureName = Annotated[str, AfterValidator(_registered)]  # of normenc.rsa.MEASURES, when the study is read


class Settings(BaseModel):
    """A section of a study: unknown keys and wrong types are refused, nothing changes afterwards."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class RecordingSettings(Settings):
    """Which recording to compare with, and how to read and prepare it: see :class:`normenc.recordings.Preparation`."""

    source: Name = "simulated-v1"
    n_neurons: Annotated[int, Field(ge=2, le=1_000_000)] | None = None
    seed: Seed | None = None
    names: dict[Name, Name] | None = None
    axes: list[Name] | Name | None = None
    times: Range | None = None
    window: Range | Name | None = None
    baseline: Range | Name | None = None
    intervals: Name | None = None
    series: Name | None = None
    where: dict[Name, Value | list[Value]] | None = None
    blank: list[Value] | None = None
    images: Name | None = None
    angles: Literal["degrees", "radians"] | None = None
    rdm_metric: Name | None = None
    species: Name | None = None
    area: Name | None = None
    units: Name | None = None
    citation: Name | None = None
    licence: Name | None = None
    simulated: bool | None = None
    missing: Literal["error", "neurons", "trials"] | None = None
    region: Annotated[list[Name] | None, Once] = None
    quality: Annotated[list[Name] | None, Once] = None
    responsive: bool | None = None
    fold_directions: bool | None = None
    bin_width: Annotated[float, Field(gt=0, le=180, allow_inf_nan=False)] | None = None
    z_score: bool | None = None

    @property
    def options(self) -> dict[str, Any]:
        """Arguments for :func:`normenc.recordings.load` beside the source."""
        return self.model_dump(exclude={"source"}, exclude_none=True)


class StimulusSettings(Settings):
    """The gratings, see :func:`normenc.stimuli.gratings`."""

    spatial_frequency: Frequency = 1 / 28
    resolution: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 0.1
    patch: bool = False


class TrainingChanges(Settings):
    """What a task or network is trained with where that differs from the study's section ``[training]``."""

    n_epochs: Count | None = None
    batch_size: Count | None = None
    learning_rate: Positive | None = None
    momentum: Annotated[float, Field(ge=0, lt=1)] | None = None


class TaskSettings(Settings):
    """What all tasks have in common, see :mod:`normenc.tasks`."""

    name: str
    label: Label | None = None
    n_train: Count = 1000
    n_test: Count = 1000
    training: TrainingChanges = TrainingChanges()

    @property
    def title(self) -> str:
        """What it is called in tables and pictures."""
        return self.label or self.name


class GratingTaskSettings(TaskSettings):
    """A task with gratings; the study's section ``[stimuli]`` says what is left out."""

    spatial_frequency: Frequency | Range | None = None
    patch: bool | None = None
    contrast: Fraction | Range = 1.0
    random_phase: bool = False
    noise: NotNegative = 0.0
    waveform: Literal["square", "sine"] = "square"
    aperture: Literal["hard", "gaussian"] | None = None


class TiltDiscriminationSettings(GratingTaskSettings):
    """See :class:`normenc.tasks.TiltDiscrimination`."""

    name: Literal["tilt-discrimination"] = "tilt-discrimination"


class OrientationEstimationSettings(GratingTaskSettings):
    """See :class:`normenc.tasks.OrientationEstimation`."""

    name: Literal["orientation-estimation"] = "orientation-estimation"


class NaturalRotationSettings(TaskSettings):
    """See :class:`normenc.tasks.NaturalRotation`."""

    name: Literal["natural-rotation"] = "natural-rotation"
    rotation: Annotated[float, Field(gt=0, le=90)] = 45.0


class ObjectRecognitionSettings(TaskSettings):
    """See :class:`normenc.tasks.ObjectRecognition`."""

    name: Literal["object-recognition"] = "object-recognition"
    folder: Annotated[str, Field(min_length=1)] | None = None
    rotation: Annotated[float, Field(ge=0, le=180)] = 30.0
    background: Literal["natural", "plain"] = "natural"


class DenoisingSettings(TaskSettings):
    """See :class:`normenc.tasks.Denoising`."""

    name: Literal["denoising"] = "denoising"
    noise: NotNegative = 0.2


class ContrastiveInvarianceSettings(GratingTaskSettings):
    """See :class:`normenc.tasks.ContrastiveInvariance`."""

    name: Literal["contrastive-invariance"] = "contrastive-invariance"
    views: Literal["natural", "gratings"] = "natural"
    temperature: Positive = 0.1
    n_outputs: Annotated[int, Field(ge=2, le=10_000)] = 16
    contrast: Fraction | Range = [0.5, 1.0]
    random_phase: bool = True
    noise: NotNegative = 0.05


class NetworkSettings(Settings):
    """What all architectures have in common, see :mod:`normenc.networks`."""

    name: str
    label: Label | None = None
    n_hidden: Annotated[int, Field(ge=2, le=10_000)] = 10  # the RDM of a single unit's layer is undefined
    training: TrainingChanges = TrainingChanges()

    @property
    def title(self) -> str:
        """What it is called in tables and pictures."""
        return self.label or self.name

    @property
    def features(self) -> tuple[str, ...]:
        """Layers before ``fc`` whose patterns can be compared."""
        return ()

    @property
    def layers(self) -> tuple[str, ...]:
        """Layers that stimulus x unit patterns can be compared of ("out" may be a single unit)."""
        return (*self.features, "fc", "fc_relu")

    @property
    def default_layers(self) -> tuple[str, ...]:
        """The last convolutional or pooling layer, and ``fc``."""
        return (*self.features[-1:], "fc")


class FCSettings(NetworkSettings):
    """See :class:`normenc.networks.FC`."""

    name: Literal["FC"] = "FC"


class ConvFCSettings(NetworkSettings):
    """See :class:`normenc.networks.ConvFC`."""

    name: Literal["ConvFC"] = "ConvFC"
    n_channels: Size = 6
    filter_size: Size = 7
    initial: Literal["study", "gabor", "random"] = "study"

    @property
    def features(self) -> tuple[str, ...]:
        """Layers before ``fc``."""
        return ("conv",)


class ConvPoolFCSettings(NetworkSettings):
    """See :class:`normenc.networks.ConvPoolFC`."""

    name: Literal["ConvPoolFC"] = "ConvPoolFC"
    n_channels: Size = 6
    filter_size: Size = 7
    pool_size: Size = 8
    initial: Literal["study", "gabor", "random"] = "study"

    @property
    def features(self) -> tuple[str, ...]:
        """Layers before ``fc``."""
        return ("conv", "pool")


class DeepConvPoolFCSettings(NetworkSettings):
    """See :class:`normenc.networks.DeepConvPoolFC`."""

    name: Literal["DeepConvPoolFC"] = "DeepConvPoolFC"
    n_blocks: Annotated[int, Field(ge=2, le=5)] = 3
    n_channels: Size | list[Size] = 8
    filter_size: Size = 7
    initial: Literal["study", "gabor", "random"] = "study"
    normalisation: Literal["none", "batch", "divisive"] = "none"

    @property
    def features(self) -> tuple[str, ...]:
        """Layers before ``fc``."""
        return tuple(f"block{k}" for k in range(1, self.n_blocks + 1))


class TrainingSettings(Settings):
    """The training, see :func:`normenc.training.train`."""

    seed: Seed = 12
    n_seeds: Annotated[int, Field(ge=1, le=1000)] = 1
    n_untrained: Annotated[int, Field(ge=2, le=1000)] = 5
    n_epochs: Count = 25
    batch_size: Count = 100
    learning_rate: Positive = 5e-4
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.99
    checkpoints: Annotated[list[Annotated[int, Field(ge=0)]], Once] = []


class ComparisonSettings(Settings):
    """What is compared, and how, see :mod:`normenc.rsa`."""

    layers: Annotated[list[str], Field(min_length=1)] | Literal["all"] | None = None
    controls: Annotated[list[Literal[CONTROL_NAMES]], Field(min_length=1), Once] = [  # type: ignore[valid-type]
        "Fourier amplitude",
        "Gabor energy",
        "orientation model",
        "pixels",
    ]
    rdm_metric: Literal["correlation", "cosine", "euclidean"] | None = None  # that of a given RDM, else correlation
    method: MeasureName = "pearson"
    also: Annotated[list[MeasureName], Once] = ["spearman", "cosine", "whitened-correlation"]
    n_samples: Annotated[int, Field(ge=50, le=1_000_000)] = 200
    n_permutations: Annotated[int, Field(ge=19, le=1_000_000)] = 1000
    block_length: Annotated[int, Field(ge=1, le=10_000)] | None = None
    seed: Seed = 0


class PowerSettings(Settings):
    """What ``normenc power`` tries, see :func:`normenc.study.power`; by default what the recording has, and more."""

    n_stimuli: Annotated[list[Annotated[int, Field(ge=6, le=5000)]], Field(min_length=1), Once] | None = None
    n_neurons: Annotated[list[Annotated[int, Field(ge=4)]], Field(min_length=1), Once] | None = None
    n_animals: Annotated[list[Count], Field(min_length=1), Once] | None = None
    n_repeats: Annotated[list[Count], Field(min_length=1), Once] | None = None
    noise: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    n_simulations: Annotated[int, Field(ge=2, le=100_000)] = 20
    n_samples: Annotated[int, Field(ge=50, le=100_000)] = 200
    seed: Seed = 0


class EncodingSettings(Settings):
    """Whether and how neurons are predicted too, see :mod:`normenc.encoding`."""

    enabled: bool = False
    method: Literal["ridge", "pls"] = "ridge"
    n_folds: Annotated[int, Field(ge=2, le=1000)] = 5
    fold_arc: Positive = 10.0
    n_components: Annotated[int, Field(ge=1, le=10_000)] | None = None
    networks: Annotated[list[Literal[FITTED_NAMES]], Once] = list(FITTED_NAMES[:2])  # type: ignore[valid-type]
    resolution: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 0.05
    max_epochs: Count = 100
    n_samples: Annotated[int, Field(ge=50, le=1_000_000)] = 200
    seed: Seed = 0


def _name_in(default: str) -> Discriminator:
    """Tell sections apart by their key ``name``."""
    return Discriminator(lambda v: v.get("name", default) if isinstance(v, dict) else getattr(v, "name", default))


AnyTask = Annotated[
    Annotated[TiltDiscriminationSettings, Tag("tilt-discrimination")]
    | Annotated[OrientationEstimationSettings, Tag("orientation-estimation")]
    | Annotated[NaturalRotationSettings, Tag("natural-rotation")]
    | Annotated[ObjectRecognitionSettings, Tag("object-recognition")]
    | Annotated[DenoisingSettings, Tag("denoising")]
    | Annotated[ContrastiveInvarianceSettings, Tag("contrastive-invariance")],
    _name_in("tilt-discrimination"),
]
AnyNetwork = Annotated[
    Annotated[FCSettings, Tag("FC")]
    | Annotated[ConvFCSettings, Tag("ConvFC")]
    | Annotated[ConvPoolFCSettings, Tag("ConvPoolFC")]
    | Annotated[DeepConvPoolFCSettings, Tag("DeepConvPoolFC")],
    _name_in("ConvPoolFC"),
]
KINDS: dict[str, type[Settings]] = {
    "tilt-discrimination": TiltDiscriminationSettings,
    "orientation-estimation": OrientationEstimationSettings,
    "natural-rotation": NaturalRotationSettings,
    "object-recognition": ObjectRecognitionSettings,
    "denoising": DenoisingSettings,
    "contrastive-invariance": ContrastiveInvarianceSettings,
    "FC": FCSettings,
    "ConvFC": ConvFCSettings,
    "ConvPoolFC": ConvPoolFCSettings,
    "DeepConvPoolFC": DeepConvPoolFCSettings,
}
