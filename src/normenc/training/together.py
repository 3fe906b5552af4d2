"""Members of an ensemble as one module, and a test before training that joint training gives the same results."""

import random
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.func import functional_call, stack_module_state, vmap

from normenc.errors import InputError
from normenc.optimizers import uncompiled
from normenc.tasks import Task
from normenc.training.attributes import attributes, first_difference, overlaps, structure
from normenc.training.drawn import Data
from normenc.training.seeding import copied
from normenc.training.steps import answer, whole_precision

__all__ = ["Stack", "check_together"]

State = dict[str, torch.Tensor]
TRIED = 8  # stimuli of the test step
ALIKE = 1e-4  # relative to a gradient and to the largest, by which float32 sums in another order may differ


class Stack:
    """The members' stacked parameters and buffers, and one module that runs them all."""

    stacked = True

    def __init__(self, models: Sequence[nn.Module], seeds: Sequence[int], *, shared_images: bool) -> None:
        self.seeds = seeds
        self.untrained = [copied(model).eval() for model in models]
        self.parameters, self.buffers = stack_module_state(list(models))
        self.shell = copied(models[0]).train()  # not moved, because that would untie shared weights
        self.run = vmap(self._one, in_dims=(0, 0, None if shared_images else 0), randomness="error")

    def _one(self, parameters: State, buffers: State, images: torch.Tensor) -> torch.Tensor:
        return functional_call(self.shell, (parameters, buffers), (images,))

    def losses(
        self, task: Task, images: torch.Tensor, targets: Sequence[torch.Tensor], active: Sequence[bool]
    ) -> torch.Tensor:
        """Each member's loss, shape (n_members,): NaN where outputs are not finite, 0 where it is not active."""
        shown = images if task.n_views == 1 else images.flatten(-4, -3)
        outputs = self.run(self.parameters, self.buffers, shown).float()
        if task.n_views > 1:
            outputs = outputs.unflatten(1, (-1, task.n_views))
        finite = torch.isfinite(outputs).flatten(1).all(dim=1).tolist()
        losses = []
        for k, is_active in enumerate(active):
            if is_active and finite[k]:
                with whole_precision(outputs):
                    losses.append(task.loss(outputs[k], targets[k if len(targets) > 1 else 0]))
            else:
                losses.append(outputs.new_tensor(float("nan") if is_active else 0.0))
        return torch.stack(losses)

    def copies(self) -> list[nn.Module]:
        """The members as networks of their own, in evaluation mode."""
        members = [copied(model).eval() for model in self.untrained]
        for index, member in enumerate(members):
            with torch.no_grad():
                for name, own in chain(member.named_parameters(), member.named_buffers()):
                    own.copy_(self.values()[name][index])
        return members

    def values(self) -> State:
        """The current stacked parameters and buffers, by name."""
        return self.parameters | self.buffers

    @property
    def is_restorable(self) -> bool:
        """Whether these are all that changed in training, which :func:`check_together` makes sure of."""
        return True


def check_together(models: Sequence[nn.Module], seeds: Sequence[int], task: Task, data: Data) -> None:
    """Raise InputError unless training members together gives the same results as training each alone.

    They must have the same structure and the same attributes other than parameters and buffers; a step must not change
    these, or any random generator; and a joint step must give each the gradients of a separate step.
    """
    name, images, targets = type(models[0]).__name__, data.images[:TRIED], data.targets[:TRIED]
    _check_alike(models, seeds)
    alone = [_stepped(model, seed, task, images.clone(), targets) for model, seed in zip(models, seeds, strict=True)]
    together = Stack([copied(model) for model in models], seeds, shared_images=True)
    try:
        together.losses(task, images.clone(), [targets], [True] * len(seeds)).sum().backward()
    except InputError:
        raise
    except (RuntimeError, NotImplementedError, ValueError, TypeError) as error:
        raise _refused(name, f"it cannot be run for several members at once ({error})") from error
    for index, (seed, stepped) in enumerate(zip(seeds, alone, strict=True)):
        apart = _apart(together, index, stepped, models[index])
        if apart:
            raise _refused(
                name, f"a joint step gives {apart} of seed {seed} a different value than a step of this seed alone"
            )


def _check_alike(models: Sequence[nn.Module], seeds: Sequence[int]) -> None:
    name, built, held = type(models[0]).__name__, structure(models[0]), attributes(models[0])
    own = copied(models[0])
    tied = first_difference(overlaps(models[0]), overlaps(own)) or first_difference(held, attributes(own))
    if tied is not None:
        why = (
            f"its {tied} differs in a copy of it: it may share memory with a parameter, or refer to the network itself"
        )
        raise _refused(name, why)
    for seed, model in zip(seeds[1:], models[1:], strict=True):
        part = first_difference(built, structure(model))
        if part is not None:
            where = f"in its {part}" if part else "in kind"
            raise _refused(name, f"the networks of seeds {seeds[0]} and {seed} differ {where}")
        attribute = first_difference(held, attributes(model))
        if attribute is not None:
            raise _refused(
                name,
                f"its attribute {attribute}, neither parameter nor buffer, differs between seeds {seeds[0]} and {seed}",
            )


def _stepped(model: nn.Module, seed: int, task: Task, images: torch.Tensor, targets: torch.Tensor) -> nn.Module:
    """A copy that took one step, with its gradients."""
    alone, name = copied(model).train(), type(model).__name__
    held, drawn, optimizer = attributes(alone), _generators(images.device), _sgd(alone.parameters())
    outputs = answer(alone, task, images)
    if not torch.isfinite(outputs).all():
        raise InputError(f"outputs of {name} of seed {seed} are not finite, before training")
    if _generators(images.device) != drawn:
        raise _refused(name, "it draws random numbers as it runs (for example dropout), which members would share")
    task.loss(outputs, targets).backward()
    optimizer.step()  # for code that reads the parameters' memory
    changed = first_difference(held, attributes(alone))
    if changed is not None:
        raise _refused(name, f"its attribute {changed}, neither parameter nor buffer, changes during training")
    return alone


def _apart(together: Stack, index: int, alone: nn.Module, before: nn.Module) -> str | None:
    """The name of a parameter or buffer that differs between a joint and a separate step."""
    old = dict(before.named_buffers())
    # Gradients that are 0 up to rounding, such as of a bias before batch normalisation, have no scale of their own.
    steps = [value.grad.abs().max() for value in alone.parameters() if value.grad is not None and value.numel()]
    largest = float(max(steps, default=torch.tensor(0.0)))
    for name, parameter in alone.named_parameters():
        stacked = _gradient(together.parameters[name])[index]
        if not _alike(stacked, _gradient(parameter), largest):
            return name
    for name, value in alone.named_buffers():
        change = float((value.double() - old[name].double()).abs().max()) if value.numel() else 0.0
        if not _alike(together.buffers[name][index], value, change):
            return name
    return None


def _alike(one: torch.Tensor, other: torch.Tensor, largest: float) -> bool:
    one, other = one.detach().double(), other.detach().double()
    return one.shape == other.shape and bool(((one - other).abs() <= ALIKE * (other.abs() + largest)).all())


def _gradient(parameter: torch.Tensor) -> torch.Tensor:
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad


def _generators(device: torch.device) -> tuple[Any, ...]:
    """The state of every global generator from which a module may draw."""
    on_device = torch.cuda.get_rng_state(device).numpy().tobytes() if device.type == "cuda" else b""
    return torch.get_rng_state().numpy().tobytes(), on_device, str(np.random.get_state()), random.getstate()


def _sgd(parameters: Any) -> torch.optim.Optimizer:
    return uncompiled(torch.optim.SGD)(list(parameters), lr=1e-3)


def _refused(name: str, why: str) -> InputError:
    return InputError(
        f"{name} cannot be trained as an ensemble: {why}; train each seed separately, with normenc.training.train"
    )
