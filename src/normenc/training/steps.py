"""Shared steps of training one network and training many."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from normenc.arrays import as_count
from normenc.errors import InputError
from normenc.tasks import Task, check_chance
from normenc.training.seeding import OF_RUNNING, copied, lent

__all__ = [
    "Data",
    "Progress",
    "Settings",
    "answer",
    "check_batches",
    "check_fits",
    "check_settings",
    "diverged",
    "reporter",
    "score",
]

Progress = Callable[[int, int, float], None]
SCORED_AT_ONCE = 1000  # images


@dataclass(frozen=True)
class Data:
    """Stimuli of one data seed, with their targets: the training set and the held-out set."""

    images: torch.Tensor
    targets: torch.Tensor
    fresh_images: torch.Tensor
    fresh_targets: torch.Tensor

    @classmethod
    def of(cls, task: Task, seed: int, device: torch.device) -> "Data":
        """Draw them, and check the task's chance level."""
        try:
            drawn = _drawn_once(task, seed)
        except TypeError:  # a task that is not hashable
            drawn = _drawn(task, seed)
        return cls(*(x.to(device) for x in drawn))


def _drawn(task: Task, seed: int) -> tuple[torch.Tensor, ...]:
    images, targets = task.sample(task.n_train, np.random.RandomState(seed))
    fresh_images, fresh_targets = task.sample_test(task.n_test, np.random.default_rng([seed, 1]))
    check_chance(task, targets, fresh_targets)
    return images, targets, fresh_images, fresh_targets


# In a sweep, successive networks see the same stimuli.
_drawn_once = lru_cache(maxsize=1)(_drawn)


class Settings(NamedTuple):
    """Training settings, as Python numbers."""

    n_epochs: int
    batch_size: int
    learning_rate: float
    momentum: float
    checkpoints: list[int]


def check_settings(n_epochs: Any, batch_size: Any, learning_rate: Any, momentum: Any, checkpoints: Any) -> Settings:
    """The settings, from Python or NumPy numbers; raises InputError if one is impossible."""
    n_epochs, batch_size = as_count(n_epochs, "n_epochs"), as_count(batch_size, "batch_size")
    if not (_is_number(learning_rate) and np.isfinite(learning_rate) and learning_rate > 0):
        raise InputError(f"learning_rate is {learning_rate!r}; it must be a positive number")
    if not (_is_number(momentum) and 0 <= momentum < 1):
        raise InputError(f"momentum is {momentum!r}; it must be a number of at least 0 and below 1")
    if isinstance(checkpoints, str) or not isinstance(checkpoints, Iterable):
        raise InputError(f"checkpoints is {checkpoints!r}; give a list of epochs, such as [0, {n_epochs}]")
    epochs = [as_count(epoch, "an epoch in checkpoints", 0) for epoch in checkpoints]
    for epoch in epochs:
        if epoch > n_epochs:
            raise InputError(f"checkpoints contain epoch {epoch}; they must be between 0 (untrained) and {n_epochs}")
    return Settings(n_epochs, batch_size, float(learning_rate), float(momentum), epochs)


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


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


def diverged(step: int, epoch: int, learning_rate: float, momentum: float, seeds: Sequence[int] = ()) -> InputError:
    """The error for outputs or a loss that are not finite."""
    which = f" of seed {', '.join(map(str, seeds))}" if seeds else ""
    return InputError(
        f"training{which} diverged at step {step} (epoch {epoch}): outputs or loss are not finite; use a learning_rate "
        f"below {learning_rate:g} or a momentum below {momentum:g}"
    )


@contextmanager
def reporter(progress: bool | Progress) -> Iterator[Progress]:
    """Something to report steps to: the given callable, a bar on a terminal, or nothing."""
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
