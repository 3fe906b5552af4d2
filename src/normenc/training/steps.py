"""Shared steps of training one network and training many."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn

from normenc.errors import InputError
from normenc.tasks import Task
from normenc.training.drawn import Data
from normenc.training.recipe import Recipe
from normenc.training.seeding import OF_RUNNING, copied, lent

__all__ = [
    "DivergedError",
    "Progress",
    "answer",
    "check_batches",
    "check_fits",
    "check_smoothing",
    "diverged",
    "mean_loss",
    "reporter",
    "score",
    "whole_precision",
]

Progress = Callable[[int, int, float], None]
SCORED_AT_ONCE = 100  # images, whose maps stay in the cache


class DivergedError(InputError):
    """Outputs or a loss that are not finite."""


def whole_precision(outputs: torch.Tensor) -> torch.autocast:
    """A block in which losses are computed in the outputs' own precision: PyTorch refuses some in a lower one."""
    return torch.autocast(outputs.device.type, enabled=False)


def check_fits(network: nn.Module, seed: int, task: Task, images: torch.Tensor) -> None:
    """Raise InputError if the outputs of `network` do not suit `task`.

    The network gets copies of the images, because other networks use them too.
    """
    name, few = type(network).__name__, images[:2]
    probe = copied(network).eval()  # a copy, because a network may count its runs
    try:
        with torch.no_grad(), lent(seed + OF_RUNNING, images.device):
            outputs = probe((few.flatten(0, 1) if task.n_views > 1 else few).clone())
    except InputError:
        raise
    except (RuntimeError, ValueError, TypeError) as error:
        raise InputError(
            f"{name} cannot process the images of {type(task).__name__}, shape (n, {few.shape[-2]}, {few.shape[-1]}): "
            f"{error}"
        ) from error
    wanted = (len(few) * task.n_views, task.n_outputs)
    shape = tuple(outputs.shape) if isinstance(outputs, torch.Tensor) else type(outputs).__name__
    if shape != wanted:
        raise InputError(
            f"{name} maps {wanted[0]} images to outputs of shape {shape}, but {type(task).__name__} needs {wanted}: "
            f"build it with n_outputs={task.n_outputs}"
        )
    if task.output == "probability" and not ((outputs >= 0) & (outputs <= 1)).all():
        raise InputError(
            f"{name} gives outputs outside 0 to 1, but {type(task).__name__} needs probabilities: build it with "
            "output='probability', or end it with a sigmoid"
        )


def check_batches(network: nn.Module, seed: int, task: Task, data: Data, batch_size: int) -> None:
    """Raise InputError if `network` cannot be trained on the smallest batch, the last of an epoch.

    Batch normalisation, for example, has no variance if a batch has a single value per channel.
    """
    n_train = len(data.images)
    size = n_train % batch_size or min(batch_size, n_train)
    probe = copied(network).train()
    try:
        with torch.no_grad(), lent(seed + OF_RUNNING, data.images.device):
            answer(probe, task, data.images[:size].clone())
    except InputError:
        raise
    except (RuntimeError, ValueError, TypeError) as error:
        raise InputError(
            f"{type(network).__name__} cannot be trained on a batch of {size}, the last of an epoch with {n_train} "
            f"stimuli and batch_size={batch_size} ({error}); choose another batch_size or number of stimuli (n_train)"
        ) from error


def answer(network: Callable[[torch.Tensor], torch.Tensor], task: Task, images: torch.Tensor) -> torch.Tensor:
    """Outputs of `network`, shape (n, n_outputs), or (n, n_views, n_outputs) for several views."""
    if task.n_views == 1:
        return network(images)
    return network(images.flatten(0, 1)).unflatten(0, (-1, task.n_views))


def score(network: nn.Module, seed: int, task: Task, images: torch.Tensor, targets: torch.Tensor) -> float:
    """The task's score of `network` on all images; random numbers drawn during the run follow from the seed."""
    with torch.no_grad(), lent(seed + OF_RUNNING, images.device):
        # Copies, because a network may overwrite its input, and other networks use these stimuli.
        batches = images.split(SCORED_AT_ONCE // task.n_views)
        outputs = torch.cat([answer(network, task, batch.clone()) for batch in batches])
    return task.score(outputs, targets)


def check_smoothing(task: Task, data: Data, recipe: Recipe) -> None:
    """Raise InputError if labels are to be smoothed, and the task has no classes."""
    if recipe.label_smoothing:
        task.smoothed(data.targets[:1], recipe.label_smoothing)


def mean_loss(
    network: nn.Module, seed: int, task: Task, images: torch.Tensor, targets: torch.Tensor, batch_size: int
) -> float:
    """The task's loss of `network`: the mean over batches of the size used in training, weighted by their size.

    NaN if outputs are not finite.
    """
    total = 0.0
    with torch.no_grad(), lent(seed + OF_RUNNING, images.device):
        for part, wanted in zip(images.split(batch_size), targets.split(batch_size), strict=True):
            outputs = answer(network, task, part.clone())
            if not torch.isfinite(outputs).all():
                return float("nan")  # a loss may raise its own error for such outputs
            total += float(task.loss(outputs, wanted)) * len(part)
    return total / len(images)


def diverged(step: int, epoch: int, recipe: Recipe, learning_rate: float, seeds: Sequence[int] = ()) -> DivergedError:
    """The error for outputs or a loss that are not finite."""
    which = f" of seed {', '.join(map(str, seeds))}" if seeds else ""
    momentum = f" or a momentum below {recipe.momentum:g}" if recipe.optimizer == "sgd" else ""
    return DivergedError(
        f"training{which} diverged at step {step} (epoch {epoch}): outputs or loss are not finite; use a learning_rate "
        f"below {learning_rate:g}{momentum}"
    )


@contextmanager
def reporter(progress: bool | Progress) -> Iterator[Progress]:
    """Something to report steps to: the given callable, a bar on a terminal, a line in a notebook, or nothing."""
    if callable(progress):
        yield progress
        return
    if not progress:
        yield lambda step, n_steps, loss: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    if console.is_jupyter:
        from normenc.progress import reporting, stage

        with reporting(progress) as show, stage(show, "training") as counted:
            yield lambda step, n_steps, loss: counted.progress(step, n_steps)
        return
    columns = (
        TextColumn("training"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]:.2e}"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=console, disable=not console.is_terminal) as bar:
        row = bar.add_task("training", total=None, loss=float("nan"))
        yield lambda step, n_steps, loss: bar.update(row, completed=step, total=n_steps, loss=loss)
