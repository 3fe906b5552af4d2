"""A network and the neurons it is fitted to: the loss, and steps that lower it."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import nn

from normenc.encoding.held_out import FittedData
from normenc.errors import InputError
from normenc.optimizers import uncompiled

__all__ = ["Descent", "DivergenceError", "Penalties", "predicted"]

Penalties = Sequence[Callable[[nn.Module], torch.Tensor]]
PREDICTED_AT_ONCE = 64  # images
EXPLODED = 1000  # times the scale of the responses
TINY = 1e-6  # added to rates before their logarithm is taken


class DivergenceError(InputError):
    """The loss became NaN or infinite, or exploded."""


class Descent:
    """A network, its data, and the loss."""

    def __init__(
        self,
        model: nn.Module,
        data: FittedData,
        loss: str,
        penalties: Penalties,
        batch_size: int | None,
        generator: torch.Generator,
        of_readout: torch.Generator,
    ) -> None:
        self.model, self.data, self.loss, self.penalties = model, data, loss, penalties
        self.generator, self.of_readout = generator, of_readout
        self.drawing: list[Any] = [module for module in model.modules() if hasattr(module, "generator")]
        self.constrained: list[Any] = [module for module in model.modules() if hasattr(module, "constrain")]
        self.batch_size = batch_size or len(data.images)
        self.n_batches = -(-len(data.images) // self.batch_size)
        mean = data.responses.mean(dim=0, keepdim=True)
        self.constant = float(self.cost(mean.clamp(min=0) if loss == "poisson" else mean, data.responses))
        self.size = float(
            data.responses.square().mean() if loss == "mse" else data.responses.mean() + abs(self.constant)
        )
        self.check_fits()

    def cost(self, answer: torch.Tensor, responses: torch.Tensor) -> torch.Tensor:
        """Loss of an output, a mean over images and neurons."""
        if self.loss == "mse":
            return (answer - responses).square().mean()
        return (answer - responses * torch.log(answer + TINY)).mean()

    def optimiser(self, name: str, learning_rate: float, momentum: float) -> torch.optim.Optimizer:
        """Build the optimiser with this name, see :func:`normenc.encoding.fit`."""
        if name == "adam":
            return uncompiled(torch.optim.Adam)(self.model.parameters(), lr=learning_rate)
        return uncompiled(torch.optim.SGD)(self.model.parameters(), lr=learning_rate, momentum=momentum)

    def steps(self, optimizer: torch.optim.Optimizer) -> Iterator[tuple[float, float]]:
        """Take the steps of one epoch; returns loss and penalty before each."""
        n = len(self.data.images)
        order = torch.randperm(n, generator=self.generator) if self.n_batches > 1 else torch.arange(n)
        self.model.train()
        self._lend(self.of_readout)
        for batch in order.to(self.data.images.device).split(self.batch_size):
            whole = self.n_batches == 1
            images, responses = self.data.images, self.data.responses
            answer = self.model(images if whole else images[batch])
            cost = self.cost(answer, responses if whole else responses[batch])
            penalty = sum((own(self.model) for own in self.penalties), cost.new_zeros(()))
            optimizer.zero_grad()
            (cost + penalty).backward()
            optimizer.step()
            for module in self.constrained:
                module.constrain()
            yield cost.item(), penalty.item()
        self._lend(None)

    def _lend(self, generator: torch.Generator | None) -> None:
        for module in self.drawing:
            module.generator = generator

    def held_out_loss(self) -> float:
        """Loss on the held-out images; NaN if nothing was held out."""
        if self.data.other_images is None or self.data.other_responses is None:
            return math.nan
        return float(self.cost(predicted(self.model, self.data.other_images), self.data.other_responses))

    def check_fits(self) -> None:
        """Raise InputError if the network does not have these neurons as outputs, or the loss is unsuitable."""
        if self.loss == "poisson" and (lowest := float(self.data.responses.min())) < 0:
            raise InputError(
                f"responses go down to {lowest:.3g}, but the Poisson loss needs counts or rates of at least 0; use "
                "loss='mse', or responses that are not z-scored"
            )
        answer = predicted(self.model, self.data.images[:2])
        wanted = (len(self.data.images[:2]), self.data.responses.shape[1])
        name = type(self.model).__name__
        if tuple(answer.shape) != wanted:
            raise InputError(
                f"the output of {name} has shape {tuple(answer.shape)}, not {wanted}; build it for {wanted[1]} neurons"
            )
        if self.loss == "poisson" and (getattr(self.model, "output", "") == "identity" or (answer < 0).any()):
            raise InputError(
                f"the Poisson loss needs positive outputs, but {name} gives others; build it with output='elu+1' or "
                "'softplus'"
            )

    def check_converging(self, cost: float, step: int, rate: float) -> None:
        """Raise DivergenceError if the loss is not a number, or exploded."""
        if not cost <= (EXPLODED * self.size or math.inf):
            raise DivergenceError(
                f"fitting diverged at step {step}: the training loss is {cost:.3g}, while a constant output has "
                f"{self.constant:.3g}; use a learning_rate below {rate:.3g}"
            )


def predicted(network: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Output for the images in evaluation mode, without gradients."""
    network.eval()
    with torch.no_grad():
        return torch.cat([network(batch) for batch in images.split(PREDICTED_AT_ONCE)])
