"""Learning-rate schedule, early stopping, and choice of the weights to keep."""

import math

import torch
from torch import nn

__all__ = ["Schedule"]

DECAY, N_DECAYS = 0.3, 3


class Schedule:
    """The learning rate, when to stop, and the best weights so far."""

    def __init__(
        self, optimizer: torch.optim.Optimizer, decay: str | None, patience: int | None, n_epochs: int
    ) -> None:
        self.optimizer, self.decay, self.patience, self.n_epochs = optimizer, decay, patience, n_epochs
        self.initial_rate = optimizer.param_groups[0]["lr"]
        self.best_loss, self.best_epoch, self.waited_from, self.n_decays = math.inf, 0, 0, 0
        self.best_weights: dict[str, torch.Tensor] = {}

    def start(self, epoch: int) -> float:
        """Set the epoch's learning rate."""
        rate = self.initial_rate * DECAY**self.n_decays
        if self.decay == "cosine":
            rate *= (1 + math.cos(math.pi * (epoch - 1) / self.n_epochs)) / 2
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        return rate

    def stops(self, epoch: int, held_out_loss: float, model: nn.Module) -> bool:
        """Whether patience has finally run out."""
        if self.patience is None or math.isnan(held_out_loss):
            return False
        if held_out_loss < self.best_loss:
            self.best_loss, self.best_epoch, self.waited_from = held_out_loss, epoch, epoch
            self.best_weights = {name: values.clone() for name, values in model.state_dict().items()}
        if epoch - self.waited_from < self.patience:
            return False
        if self.decay != "plateau" or self.n_decays == N_DECAYS:
            return True
        self.n_decays, self.waited_from = self.n_decays + 1, epoch
        self.back_to_best(model)
        return False

    def back_to_best(self, model: nn.Module) -> int:
        """Load the best weights into `model`; returns their epoch, or 0 if all epochs count the same."""
        if self.best_weights:
            model.load_state_dict(self.best_weights)
        return self.best_epoch
