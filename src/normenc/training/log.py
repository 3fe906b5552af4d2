"""What training leaves: networks and a log."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from torch import nn

__all__ = ["TrainingLog", "TrainingResult"]


@dataclass(frozen=True)
class TrainingLog:
    """What happened during training.

    Attributes
    ----------
    loss : ndarray, shape (n_steps,)
        Loss of each batch, before its step.
    epoch : ndarray, shape (n_steps,)
        The epoch of each step, from 1.
    train_score, held_out_score : float
        The task's score after training, on the training set and on fresh stimuli.
    untrained_score : float
        The same on the fresh stimuli before training.
    """

    loss: npt.NDArray[np.float64]
    epoch: npt.NDArray[np.int64]
    train_score: float
    held_out_score: float
    untrained_score: float

    def epoch_loss(self) -> npt.NDArray[np.float64]:
        """Loss of the last batch of every epoch, shape (n_epochs,), as the reference study prints it."""
        return self.loss[np.flatnonzero(np.diff(self.epoch, append=self.epoch[-1] + 1))]


@dataclass(frozen=True)
class TrainingResult:
    """A trained network, its twin from before the first step, the log, and copies from in between.

    ``checkpoints`` are by epoch: 0 is before the first step.
    """

    network: nn.Module
    untrained: nn.Module
    log: TrainingLog
    checkpoints: dict[int, nn.Module] = field(default_factory=dict)
