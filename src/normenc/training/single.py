"""Fit a network to a task.

Order of random numbers
-----------------------
This is the one place that decides it. From one ``seed`` come

1. a legacy NumPy generator, ``numpy.random.RandomState(seed)``: the training set;
2. a torch generator seeded with ``seed``: first the initial weights, where the network is built here, then one
   ``torch.randperm(n_train)`` an epoch;
3. an independent generator, ``numpy.random.default_rng([seed, 1])``: the held-out set.

The first two are what the reference study's global generators would give after ``numpy.random.seed(seed)`` and
``torch.manual_seed(seed)``; seed 12 gives its published losses. The global generators themselves stay as they were.
"""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from normenc.errors import InputError

__all__ = ["Task", "TrainingLog", "TrainingResult", "initialise", "resolve_device", "train"]

Progress = Callable[[int, int, float], None]


class Task(Protocol):
    """What a task must offer; :class:`normenc.tasks.TiltDiscrimination` is one."""

    @property
    def n_train(self) -> int:
        """Stimuli to train on."""

    @property
    def n_test(self) -> int:
        """Fresh stimuli to test on."""

    def sample(self, n: int, rng: np.random.Generator | np.random.RandomState) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw `n` images and their targets."""

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Mean loss over a batch, a scalar."""

    def score(self, outputs: torch.Tensor, targets: torch.Tensor) -> float:
        """How well the outputs solve the task; higher is better."""


@dataclass(frozen=True)
class TrainingLog:
    """What happened during training.

    Attributes
    ----------
    loss : ndarray, shape (n_steps,)
        Loss of each batch, before its step.
    epoch : ndarray, shape (n_steps,)
        The epoch of each step, from 1.
    train_accuracy, held_out_accuracy : float
        The task's score after training, on the training set and on fresh stimuli.
    untrained_accuracy : float
        The same on the fresh stimuli before training.
    """

    loss: npt.NDArray[np.float64]
    epoch: npt.NDArray[np.int64]
    train_accuracy: float
    held_out_accuracy: float
    untrained_accuracy: float

    def epoch_loss(self) -> npt.NDArray[np.float64]:
        """Loss of the last batch of every epoch, shape (n_epochs,), as the reference study prints it."""
        return self.loss[np.flatnonzero(np.diff(self.epoch, append=self.epoch[-1] + 1))]


@dataclass(frozen=True)
class TrainingResult:
    """A trained network, its twin from before the first step, and the log."""

    network: nn.Module
    untrained: nn.Module
    log: TrainingLog


def train(
    network: nn.Module | Callable[[], nn.Module],
    task: Task,
    *,
    seed: int,
    n_epochs: int = 25,
    batch_size: int = 100,
    learning_rate: float = 5e-4,
    momentum: float = 0.99,
    device: str | torch.device = "auto",
    progress: bool | Progress = True,
) -> TrainingResult:
    """Train a network on a task by stochastic gradient descent with momentum.

    Every epoch visits the training set once, in a fresh order, cut into batches. See the module for the order of
    random numbers.

    Parameters
    ----------
    network : Module, or a class or function without arguments that builds one
        What is built here draws its initial weights from the seed too: the path of the reference study. A module is
        copied, and stays as it was.
    task : Task
        For example :class:`normenc.tasks.TiltDiscrimination`.
    seed : int
        0 to 2**32 - 1.
    n_epochs, batch_size : int
        At least 1; the last batch of an epoch is smaller where `batch_size` does not divide the training set.
    learning_rate, momentum : float
        Above 0; at least 0 and below 1.
    device : str or torch.device
        ``"auto"`` (a GPU where there is one), ``"cpu"``, ``"cuda"``.
    progress : bool or callable
        True draws a bar with the loss on a terminal; a callable is given (step, n_steps, loss) after every step.

    Returns
    -------
    TrainingResult
        With ``network``, ``untrained`` and ``log``; both networks stay on the device, in evaluation mode.

    Raises
    ------
    InputError
        When a setting is impossible, the network does not fit the task's images, or the loss stops being a number.

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
    _check_settings(seed, n_epochs, batch_size, learning_rate, momentum)
    target_device = resolve_device(device)
    model, generator = _seeded_network(network, seed)
    model.to(target_device)
    untrained = copy.deepcopy(model).eval()
    images, targets = (x.to(target_device) for x in task.sample(task.n_train, np.random.RandomState(seed)))

    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate, momentum=momentum)
    n_steps = n_epochs * -(-len(images) // batch_size)
    losses: list[float] = []
    epochs: list[int] = []
    model.train()
    with _reporter(progress) as report:
        for epoch in range(1, n_epochs + 1):
            for batch in torch.randperm(len(images), generator=generator).split(batch_size):
                batch = batch.to(target_device)
                losses.append(_step(model, task, images[batch], targets[batch], optimizer))
                epochs.append(epoch)
                if not np.isfinite(losses[-1]):
                    raise InputError(
                        f"training diverged at step {len(losses)} (epoch {epoch}): outputs or loss are no numbers; "
                        f"use a learning_rate below {learning_rate:g} or a momentum below {momentum:g}"
                    )
                report(len(losses), n_steps, losses[-1])
    model.eval()

    fresh = tuple(x.to(target_device) for x in task.sample(task.n_test, np.random.default_rng([seed, 1])))
    log = TrainingLog(
        loss=np.array(losses),
        epoch=np.array(epochs),
        train_accuracy=_score(model, task, images, targets),
        held_out_accuracy=_score(model, task, *fresh),
        untrained_accuracy=_score(untrained, task, *fresh),
    )
    return TrainingResult(network=model, untrained=untrained, log=log)


def initialise(network: Callable[[], nn.Module], seed: int) -> nn.Module:
    """Build a network as :func:`train` would with this seed, and leave it untrained.

    Parameters
    ----------
    network : class or function without arguments that builds a Module
    seed : int
        0 to 2**32 - 1.

    Returns
    -------
    Module
        On the CPU, in evaluation mode.

    Examples
    --------
    >>> from normenc import networks
    >>> initialise(networks.FC, 3).fc.weight.equal(initialise(networks.FC, 3).fc.weight)
    True
    """
    _check_seed(seed)
    return _seeded_network(network, seed)[0].eval()


def resolve_device(device: str | torch.device) -> torch.device:
    """Turn ``"auto"``, ``"cpu"``, ``"cuda"`` or a torch device into a torch device that is there.

    Raises
    ------
    InputError
        When the device is unknown, or is a GPU and none is there.

    Examples
    --------
    >>> resolve_device("cpu")
    device(type='cpu')
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        resolved = torch.device(device)
    except RuntimeError:
        resolved = None
    if resolved is None or resolved.type not in ("cpu", "cuda"):
        raise InputError(f"device is {str(device)!r}; it must be 'auto', 'cpu' or 'cuda'")
    if resolved.type == "cuda" and not torch.cuda.is_available():
        raise InputError("device is 'cuda' but no CUDA GPU can be used here; use 'auto' or 'cpu'")
    return resolved


def _seeded_network(network: nn.Module | Callable[[], nn.Module], seed: int) -> tuple[nn.Module, torch.Generator]:
    generator = torch.Generator().manual_seed(seed)
    if isinstance(network, nn.Module):
        return copy.deepcopy(network), generator
    # Layers draw their initial weights from torch's global generator: lend it the seed, then give it back.
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        model = network()
        generator.set_state(torch.random.get_rng_state())
    if not isinstance(model, nn.Module):
        raise InputError(f"network built a {type(model).__name__}; it must build a torch.nn.Module")
    return model, generator


def _check_settings(seed: int, n_epochs: int, batch_size: int, learning_rate: float, momentum: float) -> None:
    _check_seed(seed)
    for name, value in (("n_epochs", n_epochs), ("batch_size", batch_size)):
        if value < 1:
            raise InputError(f"{name} is {value}; it must be at least 1")
    if not (np.isfinite(learning_rate) and learning_rate > 0):
        raise InputError(f"learning_rate is {learning_rate}; it must be a positive number")
    if not 0 <= momentum < 1:
        raise InputError(f"momentum is {momentum}; it must be at least 0 and below 1")


def _check_seed(seed: int) -> None:
    if not 0 <= seed < 2**32:
        raise InputError(f"seed is {seed}; it must lie between 0 and 2**32 - 1")


def _step(
    model: nn.Module, task: Task, images: torch.Tensor, targets: torch.Tensor, optimizer: torch.optim.Optimizer
) -> float:
    """Take one step; gives the loss before it, NaN where the outputs are no numbers."""
    optimizer.zero_grad()
    outputs = model(images)
    if not torch.isfinite(outputs).all():
        return float("nan")  # a loss may refuse such outputs with an error of its own
    loss = task.loss(outputs, targets)
    loss.backward()
    optimizer.step()
    return loss.item()


def _score(model: nn.Module, task: Task, images: torch.Tensor, targets: torch.Tensor) -> float:
    with torch.no_grad():
        outputs = torch.cat([model(batch) for batch in images.split(1000)])
    return task.score(outputs, targets)


@contextmanager
def _reporter(progress: bool | Progress) -> Iterator[Progress]:
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
