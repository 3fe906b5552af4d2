"""Train many seeds of one network together.

Members are stacked and run as one: layers become batched matrix products, and members that see the same batches share
one convolution with the filters of all (``torch.func``). Each member's result is that of training it alone.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from normenc.errors import InputError
from normenc.tasks import Task
from normenc.training.log import TrainingLog, TrainingResult
from normenc.training.seeding import OF_RUNNING, check_seed, copied, lent, resolve_device, seeded_network
from normenc.training.steps import Data, Progress, check_batches, check_fits, check_settings, diverged, reporter, score
from normenc.training.together import Stack, check_together

__all__ = ["train_ensemble"]


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

    Member k equals the result of :func:`train` with ``seed=seeds[k]`` and, for shared data, ``data_seed=seeds[0]``, up
    to rounding.

    Parameters
    ----------
    network : class or function without arguments that builds a Module
        Its layers must not depend on the seed, and everything that differs between members, or changes during training,
        must be a parameter or buffer.
    task : Task
    seeds : sequence of int
        Each once.
    shared_data : bool
        All members see the training set of the first seed, in its order, and differ only in initial weights: the
        fastest way. Otherwise each draws its own set and order, and images need as many times the memory.
    n_epochs, batch_size, learning_rate, momentum, checkpoints, device
        See :func:`train`.
    progress : bool or callable
        See :func:`train`; the loss is the mean over members.

    Returns
    -------
    dict of int to TrainingResult
        By seed.

    Raises
    ------
    InputError
        As :func:`train`. Also, before training, if seeds repeat, or if training together would change results: the
        network is built differently for different seeds, draws random numbers as it runs (dropout), branches on the
        values it sees, or has attributes other than parameters and buffers that differ between members or change during
        training (tensors, numbers). Train each member of such a network separately.

    Examples
    --------
    >>> from normenc import networks, tasks
    >>> members = train_ensemble(
    ...     networks.FC, tasks.TiltDiscrimination(n_train=100), seeds=[1, 2], n_epochs=2, progress=False)
    >>> {seed: result.log.loss.shape for seed, result in members.items()}
    {1: (2,), 2: (2,)}
    """
    seeds = _checked(seeds)
    settings = check_settings(n_epochs, batch_size, learning_rate, momentum, checkpoints)
    n_epochs, batch_size, learning_rate, momentum, checkpoints = settings
    target_device = resolve_device(device)
    data = [Data.of(task, seed, target_device) for seed in (seeds[:1] if shared_data else seeds)]
    few = data[0].images[:2].cpu().flatten(0, 1) if task.n_views > 1 else data[0].images[:2].cpu()
    built = [seeded_network(network, seed, few.clone()) for seed in seeds]
    models = [model.to(target_device) for model, _ in built]
    check_fits(models[0], seeds[0], task, data[0].images)
    check_batches(models[0], seeds[0], task, data[0], batch_size)
    untrained = [copied(model).eval() for model in models]
    with lent(seeds[0] + OF_RUNNING, target_device):
        check_together(models, seeds, task, data[0])
    stack = Stack(models, shared_images=shared_data)
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
            train_score=score(trained[index], seed, task, own.images, own.targets),
            held_out_score=score(trained[index], seed, task, own.fresh_images, own.fresh_targets),
            untrained_score=score(untrained[index], seed, task, own.fresh_images, own.fresh_targets),
        )
        checkpoint = {epoch: members[index] for epoch, members in kept.items()}
        results[seed] = TrainingResult(trained[index], untrained[index], log, checkpoint)
    return results


def _checked(seeds: Any) -> list[int]:
    if isinstance(seeds, str) or not isinstance(seeds, Iterable):
        raise InputError(f"seeds is {seeds!r}; give several whole numbers, such as range(20)")
    numbers = [check_seed(seed) for seed in seeds]
    if not numbers or len(set(numbers)) < len(numbers):
        raise InputError(f"seeds are {numbers}; give at least one, each only once")
    return numbers


def _drawn(data: Sequence[Data], batches: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """One batch for all members, or one per member, stacked, and their targets."""
    targets = [own.targets[batch] for own, batch in zip(data, batches, strict=True)]
    if len(data) == 1:
        return data[0].images[batches[0]], targets
    return torch.stack([own.images[batch] for own, batch in zip(data, batches, strict=True)]), targets
