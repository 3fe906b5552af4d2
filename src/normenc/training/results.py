"""The result of training, from what the loop found."""

import numpy as np
from torch import nn

from normenc.tasks import Task
from normenc.training.drawn import Data
from normenc.training.log import TrainingLog, TrainingResult
from normenc.training.loop import Course
from normenc.training.steps import score

__all__ = ["result_of"]


def result_of(
    course: Course, last: nn.Module, untrained: nn.Module, seed: int, task: Task, data: Data, learning_rate: float
) -> TrainingResult:
    """A member's result: the network of its best epoch, or the last one where none was chosen."""
    network = last if course.best is None else course.best
    log = TrainingLog(
        loss=np.array(course.losses),
        epoch=np.array(course.epochs),
        train_score=score(network, seed, task, data.images, data.targets),
        held_out_score=score(network, seed, task, data.test_images, data.test_targets),
        untrained_score=score(untrained, seed, task, data.test_images, data.test_targets),
        learning_rate=learning_rate,
        kept_epoch=course.epochs[-1] if course.best is None else course.best_epoch,
        validation_loss=np.array(course.validation),
    )
    return TrainingResult(network=network, untrained=untrained, log=log, checkpoints=course.kept)
