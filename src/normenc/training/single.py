"""Train one network."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import nn

from normenc.tasks import Task
from normenc.training.log import TrainingLog, TrainingResult
from normenc.training.seeding import OF_RUNNING, check_seed, copied, lent, resolve_device, seeded_network
from normenc.training.steps import (
    Data,
    Progress,
    answer,
    check_batches,
    check_fits,
    check_settings,
    diverged,
    reporter,
    score,
)

__all__ = ["train"]


def train(
    network: nn.Module | Callable[[], nn.Module],
    task: Task,
    *,
    seed: int,
    data_seed: int | None = None,
    n_epochs: int = 25,
    batch_size: int = 100,
    learning_rate: float = 5e-4,
    momentum: float = 0.99,
    checkpoints: Sequence[int] = (),
    device: str | torch.device = "auto",
    progress: bool | Progress = True,
) -> TrainingResult:
    """Train a network on a task by stochastic gradient descent with momentum.

    Every epoch visits the training set once, in a fresh order, cut into batches. See :mod:`normenc.training` for the
    order of random numbers.

    Parameters
    ----------
    network : Module, or a class or function without arguments that builds one
        If the network is built here, its initial weights are drawn from the seed, too, as in the reference study. A
        module is copied, and not changed.
    task : Task
        For example :class:`normenc.tasks.TiltDiscrimination`.
    seed : int
        0 to 2**32 - 1.
    data_seed : int, optional
        Seed of the training set, its order and the held-out set; `seed` by default.
    n_epochs, batch_size : int
        At least 1; the last batch of an epoch is smaller if `batch_size` does not divide the training set.
    learning_rate, momentum : float
        The first is above 0; the second at least 0 and below 1.
    checkpoints : sequence of int
        Epochs after which to keep a copy; 0 is before the first step.
    device : str or torch.device
        ``"auto"`` (a GPU if available), ``"cpu"``, ``"cuda"``.
    progress : bool or callable
        True draws a bar with the loss on a terminal; a callable is called as (step, n_steps, loss) after every step.

    Returns
    -------
    TrainingResult
        With ``network``, ``untrained``, ``log`` and ``checkpoints``; networks stay on the device, in evaluation mode.

    Raises
    ------
    InputError
        Before training: if a setting is impossible, the network does not fit the task's images or outputs, it cannot be
        trained on the last batch of an epoch (batch normalisation of a single image), or a constant output beats the
        task's chance level. During training: if the loss becomes NaN or infinite.

    References
    ----------
    Neuromatch Academy, Computational Neuroscience, W1D5 (formerly W3D4) tutorial 3.

    Examples
    --------
    >>> from normenc import networks, tasks
    >>> result = train(networks.FC, tasks.TiltDiscrimination(n_train=100), seed=1, n_epochs=2, progress=False)
    >>> result.log.loss.shape
    (2,)
    """
    seed = check_seed(seed)
    data_seed = seed if data_seed is None else check_seed(data_seed, "data_seed")
    settings = check_settings(n_epochs, batch_size, learning_rate, momentum, checkpoints)
    n_epochs, batch_size, learning_rate, momentum, checkpoints = settings
    target_device = resolve_device(device)
    data = Data.of(task, data_seed, target_device)
    few = data.images[:2].cpu().flatten(0, 1) if task.n_views > 1 else data.images[:2].cpu()
    model, generator = seeded_network(network, seed, few.clone())
    if data_seed != seed:
        generator = seeded_network(network, data_seed, few.clone())[1]
    model.to(target_device)
    check_fits(model, seed, task, data.images)
    check_batches(model, seed, task, data, batch_size)
    untrained = copied(model).eval()
    kept = {0: untrained} if 0 in checkpoints else {}

    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate, momentum=momentum)
    n_steps = n_epochs * -(-len(data.images) // batch_size)
    losses: list[float] = []
    epochs: list[int] = []
    model.train()
    with reporter(progress) as report, lent(seed + OF_RUNNING, target_device):
        for epoch in range(1, n_epochs + 1):
            for batch in torch.randperm(len(data.images), generator=generator).split(batch_size):
                batch = batch.to(target_device)
                losses.append(_step(model, task, data.images[batch], data.targets[batch], optimizer))
                epochs.append(epoch)
                if not np.isfinite(losses[-1]):
                    raise diverged(len(losses), epoch, learning_rate, momentum)
                report(len(losses), n_steps, losses[-1])
            if epoch in checkpoints:
                kept[epoch] = copied(model).eval()
    model.eval()
    log = TrainingLog(
        loss=np.array(losses),
        epoch=np.array(epochs),
        train_score=score(model, seed, task, data.images, data.targets),
        held_out_score=score(model, seed, task, data.fresh_images, data.fresh_targets),
        untrained_score=score(untrained, seed, task, data.fresh_images, data.fresh_targets),
    )
    return TrainingResult(network=model, untrained=untrained, log=log, checkpoints=kept)


def _step(
    model: nn.Module, task: Task, images: torch.Tensor, targets: torch.Tensor, optimizer: torch.optim.Optimizer
) -> float:
    """Take one step; returns the loss before it, NaN if the outputs are not finite."""
    optimizer.zero_grad()
    outputs = answer(model, task, images)
    if not torch.isfinite(outputs).all():
        return float("nan")  # a loss may raise its own error for such outputs
    loss = task.loss(outputs, targets)
    loss.backward()
    optimizer.step()
    return loss.item()
