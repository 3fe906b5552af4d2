"""The optimizers and schedules of :mod:`torch.optim` that a recipe names."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.optim import lr_scheduler

from normenc.optimizers import uncompiled
from normenc.training.recipe import Recipe

__all__ = ["Optimisation", "clipped", "undecayed"]


def undecayed(network: nn.Module) -> set[str]:
    """Names of the parameters without weight decay: biases, all with one dimension, and those of normalisation."""
    names = set()
    for path, part in network.named_modules():
        is_norm = "norm" in type(part).__name__.lower() and not any(part.children())
        for name, value in part.named_parameters(recurse=False):
            if is_norm or value.ndim < 2 or name.endswith("bias"):
                names.add(f"{path}.{name}" if path else name)
    return names


class Optimisation:
    """The optimizers of a recipe, in most cases one, and the schedule of each.

    Parameters
    ----------
    recipe : Recipe
    learning_rate : float
    parameters : mapping of str to Parameter
        By name; those of several members are stacked, if `stacked`.
    without_decay : set of str
    n_steps : int
        Of the whole training.
    stacked : bool
    """

    def __init__(
        self,
        recipe: Recipe,
        learning_rate: float,
        parameters: Mapping[str, torch.Tensor],
        without_decay: set[str],
        *,
        n_steps: int,
        stacked: bool,
    ) -> None:
        self.parameters = [value for value in parameters.values() if value.requires_grad]
        self.slices: list[tuple[nn.Parameter, torch.Tensor, int]] = []
        matrices: list[torch.Tensor] = []
        rest = dict(parameters)
        if recipe.optimizer == "muon":
            names = [name for name, value in parameters.items() if value.ndim == (3 if stacked else 2)]
            chosen = [rest.pop(name) for name in names]
            matrices = [part for value in chosen for part in self._sliced(value)] if stacked else chosen
        self.optimizers = [_muon(recipe, learning_rate, matrices)] if matrices else []
        if rest:
            groups = _groups(rest, without_decay, recipe.weight_decay)
            self.optimizers.append(_elementwise(recipe, learning_rate, groups))
        self.schedulers = [
            scheduler for one in self.optimizers if (scheduler := _scheduler(recipe, learning_rate, one, n_steps))
        ]

    def _sliced(self, stacked: torch.Tensor) -> list[torch.Tensor]:
        """Each member's own matrix, in the memory of all."""
        own = [nn.Parameter(part) for part in stacked.detach()]
        self.slices += [(part, stacked, index) for index, part in enumerate(own)]
        return list(own)

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for value in self.parameters:
            value.grad = None

    def step(self) -> None:
        """Take a step, and move on in the schedule."""
        for part, whole, index in self.slices:
            part.grad = None if whole.grad is None else whole.grad[index]
        for optimizer in self.optimizers:
            optimizer.step()
        for scheduler in self.schedulers:
            scheduler.step()

    @property
    def _parts(self) -> list[Any]:
        return [*self.optimizers, *self.schedulers]

    def state_dict(self) -> list[dict[str, Any]]:
        """What is needed to go on from here."""
        return [own.state_dict() for own in self._parts]

    def load_state_dict(self, states: Sequence[dict[str, Any]]) -> None:
        """Go on from where the states were taken."""
        for own, state in zip(self._parts, states, strict=True):
            own.load_state_dict(state)


def clipped(parameters: Sequence[torch.Tensor], largest: float, *, stacked: bool) -> None:
    """Scale gradients down to the largest norm, each member's own where members are stacked."""
    if not stacked:
        torch.nn.utils.clip_grad_norm_(list(parameters), largest)
        return
    gradients = [value.grad for value in parameters if value.grad is not None]
    norms = torch.stack([torch.linalg.vector_norm(own.flatten(1), dim=1) for own in gradients])
    factors = (largest / (torch.linalg.vector_norm(norms, dim=0) + 1e-6)).clamp(max=1.0)  # as torch has it for one
    for own in gradients:
        own.mul_(factors.view(-1, *[1] * (own.ndim - 1)))


def _groups(parameters: Mapping[str, torch.Tensor], without_decay: set[str], decay: float) -> list[dict[str, Any]]:
    if decay == 0:
        return [{"params": list(parameters.values()), "weight_decay": 0.0}]
    apart = {
        decay: [value for name, value in parameters.items() if name not in without_decay],
        0.0: [value for name, value in parameters.items() if name in without_decay],
    }
    return [{"params": values, "weight_decay": own} for own, values in apart.items() if values]


def _elementwise(recipe: Recipe, rate: float, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
    if recipe.optimizer == "sgd":
        return uncompiled(torch.optim.SGD)(groups, lr=rate, momentum=recipe.momentum)
    kind = torch.optim.Adam if recipe.optimizer == "adam" else torch.optim.AdamW
    real = all(not value.is_complex() for group in groups for value in group["params"])
    return uncompiled(kind)(groups, lr=rate, fused=real)


def _muon(recipe: Recipe, rate: float, matrices: list[torch.Tensor]) -> torch.optim.Optimizer:
    return uncompiled(torch.optim.Muon)(
        matrices, lr=rate, weight_decay=recipe.weight_decay, adjust_lr_fn="match_rms_adamw"
    )


def _scheduler(
    recipe: Recipe, rate: float, optimizer: torch.optim.Optimizer, n_steps: int
) -> lr_scheduler.LRScheduler | None:
    warm = round(recipe.warm_up * n_steps)
    if recipe.schedule == "constant":
        return None
    if recipe.schedule == "one-cycle":
        # torch divides by zero if exactly one step rises, or all do
        share = 0.0 if warm == 0 or n_steps < 3 else min(max(warm, 2), n_steps - 1) / n_steps
        return lr_scheduler.OneCycleLR(optimizer, rate, max(n_steps, 2), pct_start=share, cycle_momentum=False)
    cosine = lr_scheduler.CosineAnnealingLR(optimizer, max(n_steps - warm, 1))
    if warm == 0:
        return cosine
    rise = lr_scheduler.LinearLR(optimizer, start_factor=1 / (warm + 1), total_iters=warm)
    return lr_scheduler.SequentialLR(optimizer, [rise, cosine], milestones=[warm])
