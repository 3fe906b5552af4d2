"""The study file: TOML, validated once, at the door.

``Study()`` is the reference study, so that every default is a value of that study.
"""

import difflib
import math
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from normenc.errors import InputError
from normenc.recordings.files import is_file
from normenc.recordings.simulation import N_NEURONS
from normenc.rsa.comparison import METHODS

__all__ = ["Study", "load_study"]

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Size = Annotated[int, Field(ge=1, le=10_000)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]

# The layers of each network that stimulus x unit patterns can be compared of ("out" is a single unit).
LAYERS = {"FC": ("fc",), "ConvFC": ("conv", "fc"), "ConvPoolFC": ("conv", "pool", "fc")}


class Settings(BaseModel):
    """A section of a study: unknown keys and wrong types are refused, nothing changes afterwards."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class RecordingSettings(Settings):
    """Which recording to compare with, see :func:`normenc.recordings.load`."""

    source: Annotated[str, Field(min_length=1)] = "simulated-v1"
    bin_width: Annotated[float, Field(gt=0, le=180, allow_inf_nan=False)] | None = None
    n_neurons: Annotated[int, Field(ge=2, le=1_000_000)] | None = None
    seed: Seed | None = None


class StimulusSettings(Settings):
    """The gratings, see :func:`normenc.stimuli.gratings`."""

    spatial_frequency: Annotated[float, Field(gt=0, le=math.pi, allow_inf_nan=False)] = 1 / 28  # up to Nyquist's
    resolution: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 0.1
    patch: bool = False


class TaskSettings(Settings):
    """The task, see :mod:`normenc.tasks`."""

    name: Literal["tilt-discrimination"] = "tilt-discrimination"
    n_train: Count = 1000
    n_test: Count = 1000


class NetworkSettings(Settings):
    """The architecture, see :mod:`normenc.networks`."""

    name: Literal["FC", "ConvFC", "ConvPoolFC"] = "ConvPoolFC"
    n_channels: Size = 6
    filter_size: Size = 7
    pool_size: Size = 8
    n_hidden: Annotated[int, Field(ge=2, le=10_000)] = 10  # the RDM of a single unit's layer is undefined


class TrainingSettings(Settings):
    """The training, see :func:`normenc.training.train`."""

    seed: Seed = 12
    n_seeds: Annotated[int, Field(ge=1, le=1000)] = 1
    n_untrained: Annotated[int, Field(ge=2, le=1000)] = 5
    n_epochs: Count = 25
    batch_size: Count = 100
    learning_rate: Positive = 5e-4
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.99


class ComparisonSettings(Settings):
    """What is compared, and how, see :mod:`normenc.rsa`."""

    layers: Annotated[list[str], Field(min_length=1)] | None = None
    rdm_metric: Literal["correlation", "cosine", "euclidean"] = "correlation"
    method: Literal[METHODS] = "pearson"  # type: ignore[valid-type]
    n_samples: Annotated[int, Field(ge=50, le=1_000_000)] = 200
    n_permutations: Annotated[int, Field(ge=19, le=1_000_000)] = 1000
    block_length: Annotated[int, Field(ge=1, le=10_000)] | None = None
    seed: Seed = 0


class PowerSettings(Settings):
    """What ``normenc power`` tries out, see :func:`normenc.study.power`."""

    n_stimuli: Annotated[list[Annotated[int, Field(ge=6)]], Field(min_length=1)] = [15, 30, 60]
    n_neurons: Annotated[list[Annotated[int, Field(ge=4)]], Field(min_length=1)] = [30, 100, 300]
    n_animals: Annotated[list[Count], Field(min_length=1)] = [1, 5]
    n_repeats: Annotated[list[Count], Field(min_length=1)] = [1]
    noise: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    n_simulations: Annotated[int, Field(ge=2, le=100_000)] = 20
    n_samples: Annotated[int, Field(ge=50, le=100_000)] = 200
    seed: Seed = 0


class Study(Settings):
    """All settings of a study; its defaults are the reference study."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")] = "reference"
    recording: RecordingSettings = RecordingSettings()
    stimuli: StimulusSettings = StimulusSettings()
    task: TaskSettings = TaskSettings()
    network: NetworkSettings = NetworkSettings()
    training: TrainingSettings = TrainingSettings()
    comparison: ComparisonSettings = ComparisonSettings()
    power: PowerSettings = PowerSettings()

    @model_validator(mode="after")
    def _layers_are_there(self) -> "Study":
        there = LAYERS[self.network.name]
        layers = self.comparison.layers or []
        for layer in layers:
            if layer not in there:
                raise ValueError(
                    f"comparison.layers: given {layer!r}; layers of {self.network.name} that can be compared are "
                    f"{', '.join(there)}"
                )
        if len(set(layers)) < len(layers):
            raise ValueError(f"comparison.layers: given {layers}; each layer may stand once")
        return self

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers to compare: those asked for, or the last convolutional or pooling layer and ``fc``."""
        return tuple(self.comparison.layers or LAYERS[self.network.name][-2:])

    @property
    def seeds(self) -> list[int]:
        """The training seeds: ``n_seeds`` of them from ``seed`` on."""
        return [(self.training.seed + k) % 2**32 for k in range(self.training.n_seeds)]

    @property
    def untrained_seeds(self) -> list[int]:
        """The untrained twins' seeds: those of training, or ``n_untrained`` of them where only one is trained."""
        n = self.training.n_seeds if self.training.n_seeds > 1 else self.training.n_untrained
        return [(self.training.seed + k) % 2**32 for k in range(n)]

    def with_changes(
        self, *, recording: str | None = None, seed: int | None = None, n_seeds: int | None = None
    ) -> "Study":
        """Give this study another recording or other training seeds; settings of the former recording are dropped."""
        settings = self.model_dump()
        if recording is not None and recording != self.recording.source:
            settings["recording"] = {"source": _absolute(recording, Path())}
        if seed is not None:
            settings["training"]["seed"] = seed
        if n_seeds is not None:
            settings["training"]["n_seeds"] = n_seeds
        return _validated(settings, "command line")

    def to_toml(self) -> str:
        """Write out every setting, with its default where none was given, as a study file that gives this study."""
        settings = self.model_dump(exclude_none=True)
        if self.recording.source == "simulated-v1":
            settings["recording"] = {"n_neurons": N_NEURONS, "seed": 0} | settings["recording"]
        settings["comparison"] = {"layers": list(self.layers)} | settings["comparison"]
        lines = [f"name = {_toml_value(settings.pop('name'))}"]
        for section, values in settings.items():
            lines += ["", f"[{section}]", *(f"{key} = {_toml_value(value)}" for key, value in values.items())]
        return "\n".join(lines) + "\n"


def load_study(path: str | Path) -> Study:
    """Read a study file.

    A recording's file in it is looked for beside the study file.

    Raises
    ------
    InputError
        When the file is not there, is no TOML, or a key is unknown, has the wrong type or an impossible value; the
        message names file, key, what was given and what is allowed.
    """
    path = Path(path)
    try:
        settings = tomllib.loads(path.read_bytes().decode("utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such study file") from None
    except OSError as error:
        raise InputError(f"{path}: this study file cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: a study file is TOML in UTF-8; byte {error.start} is not") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: this is no valid TOML: {error}") from None
    settings.setdefault("name", path.stem)
    study = _validated(settings, str(path))
    source = _absolute(study.recording.source, path.parent)
    return study.model_copy(update={"recording": study.recording.model_copy(update={"source": source})})


def _validated(settings: dict[str, Any], origin: str) -> Study:
    try:
        return Study(**settings)
    except ValidationError as error:
        raise InputError("\n".join(f"{origin}: {_in_words(problem)}" for problem in error.errors())) from None


def _absolute(source: str, folder: Path) -> str:
    """A recording's file in `folder` by its absolute path; a name, or a file that is not there, as it stands."""
    return str((folder / source).resolve()) if is_file(folder / source) else source


def _in_words(problem: Any) -> str:
    key = ".".join(str(part) for part in problem["loc"])
    given = problem["input"]
    if problem["type"] == "extra_forbidden":
        allowed = _allowed_keys(problem["loc"])
        near = difflib.get_close_matches(key.rpartition(".")[2], allowed, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        return f"{key}: there is no such key; {hint}allowed here: {', '.join(allowed)}"
    message = (
        problem["msg"]
        .removeprefix("Value error, ")
        .removeprefix("Input ")
        .removeprefix("String ")
        .removeprefix("List ")
    )
    if problem["type"] == "value_error":
        return message
    if problem["type"] == "model_type":
        message = f"should be a section [{key}]"
    if problem["type"] == "string_pattern_mismatch":
        message = "should be a name of letters, digits, '.', '_' and '-', which begins with a letter or digit"
    return f"{key}: given {given!r}; it {message}"


def _allowed_keys(location: tuple[Any, ...]) -> list[str]:
    model: Any = Study
    for part in location[:-1]:
        model = model.model_fields[part].annotation
    return list(model.model_fields)


def _toml_value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _toml_string(value)
    if isinstance(value, list):
        return f"[{', '.join(_toml_value(item) for item in value)}]"
    return repr(value)


def _toml_string(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c >= " " and c != "\x7f" else f"\\u{ord(c):04x}" for c in escaped) + '"'
