"""What sections of a study file have in common."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from normenc.errors import quoted
from normenc.keys import Count, Fraction, Frequency, NotNegative, Positive
from normenc.texts import visible
from normenc.training.recipe import Optimizer, Precision, Schedule

__all__ = [
    "MOST_OF_LABEL",
    "GratingSettings",
    "Label",
    "LearningRate",
    "Once",
    "PartBelowOne",
    "Settings",
    "TrainingChanges",
    "check_label",
]

LearningRate = Positive | Literal["auto"]
PartBelowOne = Annotated[float, Field(ge=0, lt=1)]


def check_label(label: str) -> str:
    """A label that can stand in tables and names of files; ValueError for any other."""
    if not label.strip() or visible(label) != label or "/" in label or "\\" in label:
        raise ValueError(
            f"given {visible(label)!r}; a label may hold no slashes, and no characters that cannot be seen"
        )
    return label


MOST_OF_LABEL = 60  # characters
Label = Annotated[str, Field(min_length=1, max_length=MOST_OF_LABEL), AfterValidator(check_label)]


def _once(values: list[Any] | None) -> list[Any] | None:
    for place, value in enumerate(values or ()):
        if values is not None and value in values[:place]:
            raise ValueError(f"{quoted(value)} is listed twice")
    return values


Once = AfterValidator(_once)  # of a list


class Settings(BaseModel):
    """A section of a study: unknown keys and wrong types are refused, nothing changes afterwards."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class GratingSettings(Settings):
    """The gratings, see :func:`normenc.stimuli.gratings`."""

    spatial_frequency: Frequency = 1 / 28
    resolution: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 0.1
    patch: bool = False


class TrainingChanges(Settings):
    """What a task or network is trained with where that differs from the study's section ``[training]``."""

    n_epochs: Count | None = None
    batch_size: Count | None = None
    optimizer: Optimizer | None = None
    learning_rate: LearningRate | None = None
    momentum: PartBelowOne | None = None
    weight_decay: NotNegative | None = None
    schedule: Schedule | None = None
    warm_up: Fraction | None = None
    clip: Positive | None = None
    label_smoothing: PartBelowOne | None = None
    patience: Count | None = None
    accumulate: Count | None = None
    precision: Precision | None = None
    compile: bool | None = None
