"""The stimuli that networks are trained on, epoch after epoch, and those that they are scored on."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from itertools import islice
from typing import NamedTuple

import numpy as np
import torch

from normenc.errors import InputError
from normenc.tasks import Task, check_chance
from normenc.training.ahead import Drawn, drawn_ahead, of_epoch

__all__ = ["Batch", "Data", "Epochs", "apart", "validation_set"]

OF_TEST, OF_VALIDATION = 1, 2  # after the seed, in seeds of NumPy's generators
FEWEST = 0.5  # of the validation stimuli that must be others than those trained on


class Batch(NamedTuple):
    """Images of one batch, for all members or stacked, and the targets of each member, or of all."""

    images: torch.Tensor
    targets: list[torch.Tensor]


@dataclass(frozen=True)
class Data:
    """Stimuli of one data seed, with their targets: the training set, or that of the first epoch; the held-out set."""

    images: torch.Tensor
    targets: torch.Tensor
    test_images: torch.Tensor
    test_targets: torch.Tensor

    @classmethod
    def of(cls, task: Task, seed: int, device: torch.device) -> "Data":
        """Draw them, and check the task's chance level."""
        try:
            drawn = _drawn_once(task, seed)
        except TypeError:  # a task that is not hashable
            drawn = _drawn(task, seed)
        return cls(*(x.to(device) for x in drawn))


def _drawn(task: Task, seed: int) -> tuple[torch.Tensor, ...]:
    if task.n_train == "fresh":
        images, targets = of_epoch(task, seed, 1)
    else:
        images, targets = task.sample(task.n_train, np.random.RandomState(seed))
    test_images, test_targets = task.sample_test(task.n_test, np.random.default_rng([seed, OF_TEST]))
    check_chance(task, targets, test_targets)
    return images, targets, test_images, test_targets


# In a sweep, successive networks see the same stimuli.
_drawn_once = lru_cache(maxsize=1)(_drawn)


class Epochs:
    """The batches of every epoch, each as :class:`Batch`.

    A training set is visited in a new order each epoch. Fresh stimuli are drawn for every epoch, from a generator of
    its own, while earlier ones train: see :func:`normenc.training.ahead.drawn_ahead`.

    Parameters
    ----------
    task : Task
    seeds : sequence of int
        Data seeds.
    data : sequence of Data
        Of each seed.
    generators : sequence of Generator
        Of the order.
    batch_size : int
    fresh : bool
        Whether stimuli of later epochs are drawn; otherwise every epoch has those of `data`.
    n_processes : int
        Processes that draw them; 0 for a thread.
    """

    def __init__(
        self,
        task: Task,
        seeds: Sequence[int],
        data: Sequence[Data],
        generators: Sequence[torch.Generator],
        batch_size: int,
        *,
        fresh: bool,
        n_processes: int = 0,
    ) -> None:
        self.task, self.seeds, self.data, self.generators = task, seeds, data, generators
        self.batch_size, self.n, self.fresh = batch_size, len(data[0].images), fresh
        self.device = data[0].images.device
        self.n_processes = n_processes
        self.ahead: Iterator[Drawn] | None = None

    @property
    def n_batches(self) -> int:
        """Of an epoch."""
        return -(-self.n // self.batch_size)

    @contextmanager
    def drawing(self, first: int, last: int) -> Iterator[None]:
        """Draw fresh stimuli in the background of this block, for epochs that follow each other."""
        if not self.fresh:
            yield
            return
        with drawn_ahead(self.task, self.seeds, range(max(first, 2), last + 1), self.n_processes) as self.ahead:
            try:
                yield
            finally:
                self.ahead = None

    def batches(self, epoch: int) -> Iterator[Batch]:
        """The batches of an epoch, counted from 1."""
        if not self.fresh:
            yield from self._in_a_new_order()
            return
        drawn = [(images.to(self.device), targets.to(self.device)) for images, targets in self._fresh(epoch)]
        for start in range(0, self.n, self.batch_size):
            part = slice(start, start + self.batch_size)
            yield _batch([images[part] for images, _ in drawn], [targets[part] for _, targets in drawn])

    def _in_a_new_order(self) -> Iterator[Batch]:
        orders = torch.stack([torch.randperm(self.n, generator=generator) for generator in self.generators])
        for batches in orders.split(self.batch_size, dim=1):
            chosen = list(zip(self.data, batches.to(self.device), strict=True))
            yield _batch([own.images[rows] for own, rows in chosen], [own.targets[rows] for own, rows in chosen])

    def _fresh(self, epoch: int) -> list[Drawn]:
        """Stimuli of an epoch for each data seed."""
        if epoch == 1:
            return [(own.images, own.targets) for own in self.data]
        if self.ahead is None:
            raise RuntimeError("fresh stimuli are drawn in the block of Epochs.drawing alone")
        return list(islice(self.ahead, len(self.seeds)))


def _batch(images: list[torch.Tensor], targets: list[torch.Tensor]) -> Batch:
    return Batch(images[0] if len(images) == 1 else torch.stack(images), targets)


def validation_set(task: Task, seed: int, data: Data) -> tuple[torch.Tensor, torch.Tensor]:
    """Stimuli to stop by: as for training, but others than those trained on, and than those scores are reported on.

    Raises
    ------
    InputError
        If the task draws hardly any stimulus that was not trained on, as from a folder with fewer images.
    """
    images, targets = task.sample_validation(task.n_test, np.random.default_rng([seed, OF_VALIDATION]))
    known = set(_digests(data.images)) | set(_digests(data.test_images))
    new = torch.tensor([own not in known for own in _digests(images)])
    if new.double().mean() < FEWEST:
        raise InputError(
            f"{type(task).__name__} draws {len(new) - int(new.sum())} of {len(new)} validation stimuli among those it "
            "trains or scores on: it has too few images to stop by others; leave out patience, lower n_train, or give "
            "the task a sample_validation that draws from images kept for it"
        )
    device = data.images.device
    return images[new].to(device), targets[new].to(device)


def apart(images: torch.Tensor, share: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows of images for training and for validation, in order; equal images are on the same side.

    Raises
    ------
    InputError
        If all images are equal.

    Examples
    --------
    >>> apart(torch.tensor([[0.0], [1.0], [2.0], [0.0], [2.0]]), 0.2)
    (tensor([0, 1, 3]), tensor([2, 4]))
    """
    digests = _digests(images)
    places = {digest: place for place, digest in enumerate(dict.fromkeys(digests))}
    n_kept = len(places) - max(round(share * len(places)), 1)
    if n_kept < 1:
        raise InputError("all images of the training set are equal; draw others, or state learning_rate as a number")
    kept = torch.tensor([places[digest] < n_kept for digest in digests])
    return kept.nonzero()[:, 0], (~kept).nonzero()[:, 0]


def _digests(images: torch.Tensor) -> list[bytes]:
    return [blake2b(image.tobytes(), digest_size=16).digest() for image in images.contiguous().cpu().numpy()]
