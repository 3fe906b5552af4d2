"""The sections of a study file, each with its keys, their types and defaults.

Those of tasks, networks and controls are made from these themselves, see :mod:`normenc.study.parts`.
"""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from normenc.keys import Count, Finite, Positive, Seed
from normenc.recordings.preparation import Preparation
from normenc.rsa import FACTORS
from normenc.study.own_measures import MeasureName
from normenc.study.parts import AnyControl
from normenc.study.section_base import Once, Settings

COURSE_NETWORK = "course network"
COURSE_RESOLUTION = 0.025  # 12 x 16 pixels
FITTED_NAMES = (COURSE_NETWORK, "point readout", "factorised readout", "linear readout")
Name = Annotated[str, Field(min_length=1)]
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
    """The training, see :func:`normenc.training.train`."""

    seed: Seed = 12
    n_seeds: Annotated[int, Field(ge=1, le=1000)] = 1
    n_untrained: Annotated[int, Field(ge=2, le=1000)] = 5
    n_epochs: Count = 25
    batch_size: Count = 100
    learning_rate: Positive = 5e-4
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.99
    checkpoints: Annotated[list[Annotated[int, Field(ge=0)]], Once] = Field(default=[])


class ComparisonSettings(Settings):
    """What is compared, and how, see :mod:`normenc.rsa`."""

    layers: Annotated[list[str], Field(min_length=1)] | Literal["all"] | None = None
    controls: Annotated[list[AnyControl], Field(min_length=1), Once] = Field(
        default=["Fourier amplitude", "Gabor energy", "orientation model", "pixels"]
    )
    rdm_metric: Literal["correlation", "cosine", "euclidean"] | None = None  # that of a given RDM, else correlation
    method: MeasureName = "pearson"
    other_measures: Annotated[list[MeasureName], Once] = Field(default=["spearman", "cosine", "whitened-correlation"])
    generalise_to: Annotated[list[Literal[FACTORS]] | None, Field(min_length=1), Once] = None  # type: ignore[valid-type]
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
