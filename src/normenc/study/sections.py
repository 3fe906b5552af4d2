"""The sections of a study file, each with its keys, their types and defaults.

Those of tasks, networks and controls are made from these themselves, see :mod:`normenc.study.parts`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from normenc.keys import Count, Finite, Fraction, NotNegative, Positive, Seed
from normenc.recordings.preparation import Preparation
from normenc.rsa import FACTORS
from normenc.rsa.discriminability import MOST_NOISE
from normenc.stimuli import POOLS
from normenc.study.own_measures import AnyMeasureName, MeasureName, Measures, can_be_used
from normenc.study.parts import AnyControl
from normenc.study.section_base import Once, Settings
from normenc.study.training_changes import LearningRate, PartBelowOne
from normenc.training.recipe import Optimizer, Precision, Schedule

COURSE_NETWORK = "course network"
COURSE_RESOLUTION = 0.025  # 12 x 16 pixels
FITTED_NAMES = (COURSE_NETWORK, "point readout", "factorised readout", "linear readout")
Name = Annotated[str, Field(min_length=1)]
Noise = Annotated[float, Field(ge=0, le=MOST_NOISE, allow_inf_nan=False)]  # of a trial, in those of the signal
Range = Annotated[list[Finite], Field(min_length=2, max_length=2)]
SIMULATION = ("n_neurons", "seed", "reads")  # what is set of simulated recordings
Value = bool | int | float | str  # in a table of trials
Listed = BeforeValidator(lambda value: value if value is None or isinstance(value, list) else [value])


class RecordingSettings(Settings):
    """Which recording to compare with, and how to read and prepare it: see :class:`normenc.recordings.Preparation`."""

    source: Name = "simulated-v1"
    n_neurons: Annotated[int, Field(ge=2, le=1_000_000)] | None = None
    seed: Seed | None = None
    reads: Name | None = None
    names: dict[Name, Name] | None = None
    axes: list[Name] | Name | None = None
    times: Range | None = None
    window: Range | Name | None = None
    baseline: Range | Name | None = None
    intervals: Name | None = None
    series: Name | None = None
    where: dict[Name, Value | list[Value]] | None = None
    blank: Annotated[list[Value] | None, Listed] = None
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
    stimuli: Literal["all", "shared"] | None = None
    region: Annotated[list[Name] | None, Listed, Once] = None
    quality: Annotated[list[Name] | None, Listed, Once] = None
    responsive: bool | None = None
    reliability: Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)] | None = None
    fold_directions: bool | None = None
    bin_width: Annotated[float, Field(gt=0, le=180, allow_inf_nan=False)] | None = None
    z_score: bool | None = None

    @property
    def preparation(self) -> Preparation:
        """How the recording is read and prepared."""
        return Preparation(**self.model_dump(exclude={"source", *SIMULATION}, exclude_none=True))

    @property
    def simulation(self) -> dict[str, Any]:
        """What is set of a simulated recording: arguments for :func:`normenc.recordings.load`."""
        return self.model_dump(include=set(SIMULATION), exclude_none=True)


class TrainingSettings(Settings):
    """The training, see :class:`normenc.training.Recipe`."""

    seed: Seed = 12
    n_seeds: Annotated[int, Field(ge=1, le=1000)] = 1
    n_untrained: Annotated[int, Field(ge=2, le=1000)] = 5
    n_epochs: Count = 25
    batch_size: Count = 100
    optimizer: Optimizer = "sgd"
    learning_rate: LearningRate = 5e-4
    momentum: PartBelowOne = 0.99
    weight_decay: NotNegative = 0.0
    schedule: Schedule = "constant"
    warm_up: Fraction = 0.1
    clip: Positive | None = None
    label_smoothing: PartBelowOne = 0.0
    patience: Count | None = None
    accumulate: Count = 1
    precision: Precision = "full"
    compile: bool = False
    checkpoints: Annotated[list[Annotated[int, Field(ge=0)]], Once] = Field(default=[])
    drawing_processes: Annotated[int, Field(ge=0, le=100)] = Field(
        default=0,
        description="Processes that draw fresh stimuli while a network trains; 0 for a thread. The number changes no "
        "result, and networks that were trained with another one are not trained again.",
    )


class ComparisonSettings(Settings):
    """What is compared, and how, see :mod:`normenc.rsa`."""

    layers: Annotated[list[str], Field(min_length=1)] | Literal["all"] | None = None
    controls: Annotated[list[AnyControl], Field(min_length=1), Once] = Field(
        default=["Fourier amplitude", "Gabor energy", "orientation model", "pixels"]
    )
    rdm_metric: Literal["correlation", "cosine", "euclidean"] | None = None  # that of a given RDM, else correlation
    measures: Annotated[Measures, Field(min_length=1), Once] | None = Field(default=None, exclude=True)
    method: MeasureName = "pearson"
    other_measures: Annotated[list[AnyMeasureName], Once] = Field(
        default=["spearman", "cosine", "whitened-correlation"]
    )
    generalise_to: Annotated[list[Literal[FACTORS]] | None, Field(min_length=1), Once] = None  # type: ignore[valid-type]
    n_samples: Annotated[int, Field(ge=50, le=1_000_000)] = 200
    n_permutations: Annotated[int, Field(ge=19, le=1_000_000)] = 1000
    block_length: Annotated[int, Field(ge=1, le=10_000)] | None = None
    seed: Seed = 0

    @model_validator(mode="before")
    @classmethod
    def _first_measure_answers(cls, settings: Any) -> Any:
        """Take `measures` apart: the first is that of the answer, the others stand beside it."""
        if not isinstance(settings, Mapping) or not isinstance(given := settings.get("measures"), list) or not given:
            return settings
        if beside := [key for key in ("method", "other_measures") if key in settings]:
            raise ValueError(
                f"measures is given beside {' and '.join(beside)}; list all measures in measures, that of the answer "
                "first, and leave the others out"
            )
        if not can_be_used(given):  # the fault is then told of measures alone
            return settings
        return {**settings, "method": given[0], "other_measures": given[1:]}


class PowerSettings(Settings):
    """What ``normenc power`` tries, see :func:`normenc.study.power`; by default what the recording has, and more."""

    n_stimuli: Annotated[list[Annotated[int, Field(ge=6, le=5000)]], Field(min_length=1), Once] | None = None
    n_neurons: Annotated[list[Annotated[int, Field(ge=4)]], Field(min_length=1), Once] | None = None
    n_animals: Annotated[list[Count], Field(min_length=1), Once] | None = None
    n_repeats: Annotated[list[Count], Field(min_length=1), Once] | None = None
    noise: Noise | None = None
    n_simulations: Annotated[int, Field(ge=2, le=100_000)] = 20
    n_samples: Annotated[int, Field(ge=50, le=100_000)] = 200
    seed: Seed = 0


class DesignSettings(Settings):
    """What ``normenc design`` chooses stimuli from, and for what experiment, see :func:`normenc.study.design`."""

    pool: Annotated[list[Name], Field(min_length=1), Listed, Once] = Field(default=["gratings"])
    pool_size: Annotated[int, Field(ge=10, le=5000)] = 1000
    resolution: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 0.4
    n: Annotated[int, Field(ge=5, le=1000)] = 60
    trials: Count = 10
    n_neurons: Annotated[int, Field(ge=4, le=1_000_000)] | None = None
    noise: Noise | None = None
    blanks: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.1
    synthesise: bool = False
    n_simulations: Annotated[int, Field(ge=20, le=100_000)] = 200
    n_random: Annotated[int, Field(ge=2, le=100)] = 5
    seed: Seed = 0

    def beside(self, folder: Path) -> "DesignSettings":
        """These settings with the path of a pool of one's own, which lies in `folder`, made absolute."""
        pool = [own if own in POOLS else str(folder.resolve() / Path(own).expanduser()) for own in self.pool]
        return self.model_copy(update={"pool": pool})


class IdentifySettings(Settings):
    """What ``normenc identify`` asks, and in short every run, see :func:`normenc.study.identify`.

    Amounts of data are by default the recording's own; neurons and repeats are of each animal.
    """

    enabled: bool = True
    measures: Annotated[list[AnyMeasureName], Field(min_length=1), Once] | None = None
    n_neurons: Annotated[int, Field(ge=4, le=1_000_000)] | None = None
    n_repeats: Count | None = None
    noise: Noise | None = None
    mixtures: Annotated[list[Annotated[float, Field(gt=0, lt=1)]], Once] = Field(default=[0.5])
    n_simulations: Annotated[int, Field(ge=10, le=100_000)] = 200
    seed: Seed = 0


class EncodingSettings(Settings):
    """Whether and how neurons are predicted too, see :mod:`normenc.encoding`."""

    enabled: bool = False
    method: Literal["ridge", "pls"] = "ridge"
    n_folds: Annotated[int, Field(ge=2, le=1000)] = 5
    fold_arc: Positive = 10.0
    n_components: Annotated[int, Field(ge=1, le=10_000)] | None = None
    networks: Annotated[list[Literal[FITTED_NAMES]], Once] = Field(  # type: ignore[valid-type]
        default=list(FITTED_NAMES[:2])
    )
    resolution: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 0.05
    max_epochs: Count = 100
    n_samples: Annotated[int, Field(ge=50, le=1_000_000)] = 200
    seed: Seed = 0

    @property
    def resolutions(self) -> dict[str, float]:
        """Resolution at which each network fitted to the neurons sees stimuli; the course's has its own."""
        if not self.enabled:
            return {}
        return {name: COURSE_RESOLUTION if name == COURSE_NETWORK else self.resolution for name in self.networks}
