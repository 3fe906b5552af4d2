"""How a task or network of a study file is trained, where that differs from the study's section."""

from typing import Annotated, Literal

from pydantic import Field

from normenc.keys import Count, Fraction, NotNegative, Positive
from normenc.study.section_base import Settings
from normenc.training.recipe import Optimizer, Precision, Schedule

__all__ = ["LearningRate", "PartBelowOne", "TrainingChanges"]

LearningRate = Positive | Literal["auto"]
PartBelowOne = Annotated[float, Field(ge=0, lt=1)]


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
