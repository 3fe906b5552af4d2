"""Train many seeds of one network together.

Members are stacked and run as one: layers become batched matrix products, and members that see the same batches share
one convolution with the filters of all (``torch.func``). Each member's result is that of training it alone.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.func import functional_call, stack_module_state, vmap

from normenc.errors import InputError
from normenc.tasks import Task
from normenc.training.log import TrainingLog, TrainingResult
from normenc.training.seeding import copied, resolve_device, seeded_network
from normenc.training.steps import Data, Progress, answer, check_fits, check_settings, diverged, reporter, score

__all__ = ["train_ensemble"]

State = dict[str, torch.Tensor]
TRIED = 8  # stimuli of the first step that is tried both ways
ALIKE = 1e-4  # of a value and of the largest step, by which float32 sums in another order may differ


def train_ensemble(
    network: Callable[[], nn.Module],
    task: Task,
    *,
    seeds: Sequence[int] = range(20),
    shared_data: bool = True,
    n_epochs: int = 25,
    batch_size: int = 100,
    learning_rate: float = 5e-4,
    momentum: float = 0.99,
    checkpoints: Sequence[int] = (),
    device: str | torch.device = "auto",
    progress: bool | Progress = True,
) -> dict[int, TrainingResult]:
    """Train a network from several seeds at once.

    Member k is what :func:`train` gives with ``seed=seeds[k]`` and, for shared data, ``data_seed=seeds[0]``, but for
    rounding.

    Parameters
    ----------
    network : class or function without arguments that builds a Module
        Its layers' sizes may not depend on the seed, and nothing that differs between members may lie outside of its
        parameters and buffers.
    task : Task
    seeds : sequence of int
        Each once.
    shared_data : bool
        All members see the training set of the first seed, in its order, and differ in initial weights alone: the
        fastest way. Else each draws its own set and order, and images take as many times the memory.
    n_epochs, batch_size, learning_rate, momentum, checkpoints, device
        See :func:`train`.
    progress : bool or callable
        See :func:`train`; the loss is the members' mean.

    Returns
    -------
    dict of int to TrainingResult
        By seed.

    Raises
    ------
    InputError
        As :func:`train` does; also when seeds repeat, or a first step of members together is not that of each alone,
        because the network decides by the values that it sees, draws random numbers as it runs (dropout), or holds
        plain tensors: train such a network seed by seed.

    Examples
    --------
    >>> from normenc import networks, tasks
    >>> members = train_ensemble(
    ...     networks.FC, tasks.TiltDiscrimination(n_train=100), seeds=[1, 2], n_epochs=2, progress=False)
    >>> {seed: result.log.loss.shape for seed, result in members.items()}
    {1: (2,), 2: (2,)}
    """
    seeds = list(seeds)
    if not seeds or len(set(seeds)) < len(seeds):
        raise InputError(f"seeds are {seeds}; there must be at least one, and each once")
    check_settings(seeds, n_epochs, batch_size, learning_rate, momentum, checkpoints)
    target_device = resolve_device(device)
    data = [Data.of(task, seed, target_device) for seed in (seeds[:1] if shared_data else seeds)]
    few = data[0].images[:2].cpu().flatten(0, 1) if task.n_views > 1 else data[0].images[:2].cpu()
    built = [seeded_network(network, seed, few.clone()) for seed in seeds]
    models = [model.to(target_device) for model, _ in built]
    check_fits(models[0], task, data[0].images)
    _check_together(models[:2], task, data[0], learning_rate)
    stack = _Stack(models, shared_images=shared_data)
    untrained = [copied(model).eval() for model in models]
    kept = {0: untrained} if 0 in checkpoints else {}

    optimizer = torch.optim.SGD(list(stack.parameters.values()), lr=learning_rate, momentum=momentum)
    n_train = len(data[0].images)
    n_steps = n_epochs * -(-n_train // batch_size)
    losses: list[npt.NDArray[np.float64]] = []
    epochs: list[int] = []
    generators = [generator for _, generator in built[: len(data)]]
    with reporter(progress) as report:
        for epoch in range(1, n_epochs + 1):
            orders = torch.stack([torch.randperm(n_train, generator=generator) for generator in generators])
            for batches in orders.split(batch_size, dim=1):
                images, targets = _drawn(data, batches.to(target_device))
                losses.append(stack.step(task, images, targets, optimizer))
                epochs.append(epoch)
                lost = [seed for seed, loss in zip(seeds, losses[-1], strict=True) if not np.isfinite(loss)]
                if lost:
                    raise diverged(len(losses), epoch, learning_rate, momentum, lost)
                report(len(losses), n_steps, float(losses[-1].mean()))
            if epoch in checkpoints:
                kept[epoch] = stack.members(untrained)
    trained = stack.members(untrained)
    results = {}
    for index, (seed, loss) in enumerate(zip(seeds, np.stack(losses, axis=1), strict=True)):
        own = data[0 if shared_data else index]
        log = TrainingLog(
            loss=loss,
            epoch=np.array(epochs),
            train_score=score(trained[index], task, own.images, own.targets),
            held_out_score=score(trained[index], task, own.fresh_images, own.fresh_targets),
            untrained_score=score(untrained[index], task, own.fresh_images, own.fresh_targets),
        )
        checkpoint = {epoch: members[index] for epoch, members in kept.items()}
        results[seed] = TrainingResult(trained[index], untrained[index], log, checkpoint)
    return results


class _Stack:
    """The members' parameters and buffers, one on top of the other, and one module that runs them all."""

    def __init__(self, models: Sequence[nn.Module], *, shared_images: bool) -> None:
        self.n_members = len(models)
        self.parameters, self.buffers = stack_module_state(list(models))
        self.shell = copied(models[0]).train()  # moved nowhere, for that would untie weights that modules share
        self.run = vmap(self._one, in_dims=(0, 0, None if shared_images else 0), randomness="different")

    def _one(self, parameters: State, buffers: State, images: torch.Tensor) -> torch.Tensor:
        return functional_call(self.shell, (parameters, buffers), (images,))

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Outputs of all members, shape (n_members, n, n_outputs)."""
        return self.run(self.parameters, self.buffers, images)

    def step(
        self, task: Task, images: torch.Tensor, targets: Sequence[torch.Tensor], optimizer: torch.optim.Optimizer
    ) -> npt.NDArray[np.float64]:
        """Take one step of all; gives every member's loss before it, NaN where its outputs are no numbers."""
        optimizer.zero_grad()
        outputs = self(images if task.n_views == 1 else images.flatten(-4, -3))
        if task.n_views > 1:
            outputs = outputs.unflatten(1, (-1, task.n_views))
        finite = torch.isfinite(outputs).flatten(1).all(dim=1)
        if not finite.all():
            return np.where(finite.cpu().numpy(), 0.0, np.nan)
        losses = torch.stack(
            [task.loss(outputs[k], targets[k if len(targets) > 1 else 0]) for k in range(self.n_members)]
        )
        losses.sum().backward()  # a member's loss depends on its own parameters alone
        optimizer.step()
        return losses.detach().double().cpu().numpy()

    def members(self, like: Sequence[nn.Module]) -> list[nn.Module]:
        """Copies of `like`, in evaluation mode, with the state that members have now."""
        state = {name: value.detach() for name, value in (self.parameters | self.buffers).items()}
        found = []
        for index, model in enumerate(like):
            member = copied(model).eval()
            member.load_state_dict({name: value[index] for name, value in state.items()}, strict=False)
            found.append(member)
        return found


def _check_together(models: Sequence[nn.Module], task: Task, data: Data, learning_rate: float) -> None:
    """Raise InputError unless a step of members together leaves each where a step alone does."""
    name, images, targets = type(models[0]).__name__, data.images[:TRIED], data.targets[:TRIED]
    together = _Stack([copied(model) for model in models], shared_images=True)
    try:
        together.step(task, images.clone(), [targets], _sgd(together.parameters.values(), learning_rate))
    except (RuntimeError, NotImplementedError) as error:
        raise InputError(f"{name} cannot be trained as an ensemble ({error}); train it seed by seed") from error
    for found, model in zip(together.members(models), models, strict=True):
        alone = copied(model).train()
        optimizer = _sgd(alone.parameters(), learning_rate)
        with torch.random.fork_rng(devices=[]):
            task.loss(answer(alone, task, images.clone()), targets).backward()
        optimizer.step()
        state, before = alone.state_dict(), model.state_dict()
        # Gradients that are 0 but for rounding, as of a bias before batch normalisation, are of no size of their own.
        largest = max(float((v - before[key]).double().abs().max()) for key, v in state.items() if v.numel())
        apart = [key for key, value in found.state_dict().items() if not _alike(value, state[key], largest)]
        if apart:
            raise InputError(
                f"{name} cannot be trained as an ensemble: after one step its {apart[0]} is not what training alone "
                "gives. It may draw random numbers as it runs (dropout), or hold tensors that are neither "
                "parameters nor buffers; train it seed by seed"
            )


def _sgd(parameters: Any, learning_rate: float) -> torch.optim.Optimizer:
    return torch.optim.SGD(list(parameters), lr=learning_rate)


def _alike(one: torch.Tensor, other: torch.Tensor, largest: float) -> bool:
    one, other = one.double(), other.double()
    return bool(((one - other).abs() <= ALIKE * (other.abs() + largest)).all())


def _drawn(data: Sequence[Data], batches: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """One batch for all members, or one each, stacked, and their targets."""
    targets = [own.targets[batch] for own, batch in zip(data, batches, strict=True)]
    if len(data) == 1:
        return data[0].images[batches[0]], targets
    return torch.stack([own.images[batch] for own, batch in zip(data, batches, strict=True)]), targets
