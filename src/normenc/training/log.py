"""Results of training: networks and a log."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
from torch import nn

from normenc.showing import Listed, Shown, facts

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

__all__ = ["TrainingLog", "TrainingResult"]


@dataclass(frozen=True, repr=False)
class TrainingLog(Listed):
    """The course of training.

    Attributes
    ----------
    loss : ndarray, shape (n_steps,)
        Loss of each batch, before its step.
    epoch : ndarray, shape (n_steps,)
        The epoch of each step, from 1.
    train_score, held_out_score : float
        The task's score after training, on the training set (of fresh stimuli: that of the first epoch) and on
        held-out stimuli.
    untrained_score : float
        The same on the held-out stimuli before training.
    learning_rate : float
        The rate used, which a search may have chosen; with a schedule, the largest.
    kept_epoch : int
        The epoch after which the network was kept: the last one, or the best one where training stopped by a patience.
    validation_loss : ndarray, shape (n_epochs + 1,)
        Loss on the validation set before training and after each epoch; empty without a patience.
    """

    loss: npt.NDArray[np.float64]
    epoch: npt.NDArray[np.int64]
    train_score: float
    held_out_score: float
    untrained_score: float
    learning_rate: float = np.nan
    kept_epoch: int = 0
    validation_loss: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    def epoch_loss(self) -> npt.NDArray[np.float64]:
        """Loss of the last batch of every epoch, shape (n_epochs,), as the reference study prints it."""
        return self.loss[np.flatnonzero(np.diff(self.epoch, append=self.epoch[-1] + 1))]


@dataclass(frozen=True, repr=False)
class TrainingResult(Shown):
    """A trained network, its untrained twin, the log, and copies from intermediate epochs.

    ``checkpoints`` are by epoch: 0 is before the first step.
    """

    network: nn.Module
    untrained: nn.Module
    log: TrainingLog
    checkpoints: dict[int, nn.Module] = field(default_factory=dict)

    def _title(self) -> str:
        return (
            f"{self._name}, {len(self.log.loss):,} steps; held-out score {self.log.held_out_score:.3f}, "
            f"{self.log.untrained_score:.3f} before training"
        )

    @property
    def _name(self) -> str:
        return type(self.network).__name__

    def summary(self) -> pd.DataFrame:
        """The network, its training and its scores: names are the index, values the column ``value``."""
        log = self.log
        return facts(
            [
                ("network", self._name),
                ("parameters", sum(parameter.numel() for parameter in self.network.parameters())),
                ("steps", len(log.loss)),
                ("epochs", int(log.epoch[-1]) if len(log.epoch) else 0),
                ("kept_epoch", log.kept_epoch),
                ("learning_rate", log.learning_rate),
                ("last_loss", float(log.loss[-1]) if len(log.loss) else np.nan),
                ("train_score", log.train_score),
                ("held_out_score", log.held_out_score),
                ("untrained_score", log.untrained_score),
                ("checkpoints", ", ".join(map(str, self.checkpoints)) or "none"),
            ]
        )

    def plot(self, *, axes: "Axes | None" = None) -> "Axes":
        """Draw the loss of every batch over the steps.

        Parameters
        ----------
        axes : Axes, optional
            A new figure by default.

        Returns
        -------
        Axes
        """
        from normenc import figures

        steps = np.arange(1, len(self.log.loss) + 1)
        table = pd.DataFrame({"step": steps, "training_loss": self.log.loss, "held_out_loss": np.nan})
        return figures.loss_curves({self._name: table}, axes=axes)

    def to_xarray(self) -> "xr.DataArray":
        """Loss of every batch as a DataArray (step) with the coordinate ``epoch``; scores are attributes."""
        import xarray as xr

        log = self.log
        scores = {name: getattr(log, name) for name in ("train_score", "held_out_score", "untrained_score")}
        coords = {"step": np.arange(1, len(log.loss) + 1), "epoch": ("step", log.epoch)}
        return xr.DataArray(log.loss, coords, ("step",), "loss", {"network": self._name} | scores)
