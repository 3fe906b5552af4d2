"""The interface of tasks, and a check of their chance level."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
import torch

from normenc.errors import InputError
from normenc.keys import Count
from normenc.optimizers import uncompiled

__all__ = ["TASKS", "Rng", "Task", "check_chance"]

Rng = np.random.Generator | np.random.RandomState

CONSTANT_STEPS = 200  # for the search for the best constant answer
CONSTANT_RATE = 0.05
N_PARTS = 10  # parts of the targets, for the standard error of the constant answer's score
MIN_PART = 5
MAX_ERRORS = 4.0  # standard errors by which a constant answer may beat chance,
NEGLIGIBLE = 0.01  # or this share of the way to a perfect answer: far less than what counts as learned


@dataclass(frozen=True)
class Task(ABC):
    """A task draws stimuli with targets, and defines its loss, its score and its chance level.

    A task of your own is a subclass with :meth:`sample`, :meth:`loss`, :meth:`score` and the attributes below.

    Parameters
    ----------
    n_train : int or "fresh"
        Number of training stimuli; or ``"fresh"``: every epoch draws new ones.
    n_test : int
        Number of test stimuli.
    n_per_epoch : int
        Fresh stimuli of an epoch; of use with ``n_train="fresh"`` alone.

    Attributes
    ----------
    n_outputs : int
        Output units of a network.
    output : str
        Type of the outputs: "linear", or "probability" (through a sigmoid).
    n_views : int
        Images per stimulus. With more than 1, images have shape (n, n_views, height, width), and loss and score take
        outputs of shape (n, n_views, n_outputs).
    score_name : str
        Name of the :meth:`score`, with its unit.
    higher_is_better : bool
        Whether a higher score is better.
    chance : float
        The score of the best answer that ignores the stimulus.
    perfect : float
        The score of a perfect answer: 1 where a higher score is better, otherwise 0. A task whose score ends elsewhere
        states it.
    learned_at : float
        The score from which on a network counts as having learned the task. A task that does not state it takes
        half-way between `chance` and `perfect`; NaN if `perfect` is no better than `chance`, so that nothing is known.

    Raises
    ------
    InputError
        If there is nothing to train or test on.

    Examples
    --------
    >>> from normenc.tasks import NaturalRotation
    >>> task = NaturalRotation(rotation=40.0)
    >>> task.chance, task.perfect, task.has_learned(19.0), task.has_learned(2.0)
    (20.0, 0.0, False, True)
    """

    n_train: Count | Literal["fresh"] = 1000
    n_test: Count = 1000
    n_per_epoch: Count = field(default=1000, kw_only=True)

    output: ClassVar[str] = "linear"
    n_views: ClassVar[int] = 1
    score_name: ClassVar[str] = "accuracy"
    higher_is_better: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if isinstance(self.n_train, str) and self.n_train != "fresh":
            raise InputError(f"n_train is {self.n_train!r}; it must be a number of stimuli, or 'fresh'")
        for name in ("n_train", "n_test", "n_per_epoch"):
            if getattr(self, name) != "fresh" and getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}; it must be at least 1 stimulus")

    @property
    def n_in_epoch(self) -> int:
        """Training stimuli of an epoch: all, or the fresh ones."""
        return self.n_per_epoch if isinstance(self.n_train, str) else self.n_train

    @property
    @abstractmethod
    def image_size(self) -> tuple[int, int]:
        """Height and width in pixels."""

    @property
    @abstractmethod
    def n_outputs(self) -> int:
        """Output units of a network."""

    @property
    @abstractmethod
    def chance(self) -> float:
        """The score of the best answer that ignores the stimulus."""

    @property
    def perfect(self) -> float:
        """The score of a perfect answer: 1 of a fraction, such as an accuracy, and 0 of an error."""
        return 1.0 if self.higher_is_better else 0.0

    @property
    def learned_at(self) -> float:
        """The score that counts as learned: half-way between chance and a perfect answer, if both are known."""
        ahead = self.perfect - self.chance if self.higher_is_better else self.chance - self.perfect
        return (self.chance + self.perfect) / 2 if ahead > 0 else float("nan")

    def has_learned(self, score: float) -> bool | None:
        """Whether a held-out score counts as learned.

        Parameters
        ----------
        score : float
            On stimuli that were not used for training, in the unit of ``score_name``.

        Returns
        -------
        bool or None
            None if it cannot be said: the score is NaN, or no score of the task is known to count as learned.
        """
        if np.isnan(score) or np.isnan(self.learned_at):
            return None
        return bool(score >= self.learned_at if self.higher_is_better else score <= self.learned_at)

    @abstractmethod
    def sample(self, n: int, rng: Rng) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw `n` images, shape (n, height, width), and their targets, n rows."""

    def sample_test(self, n: int, rng: Rng) -> tuple[torch.Tensor, torch.Tensor]:
        """The same for testing, from different sources if needed."""
        return self.sample(n, rng)

    def sample_validation(self, n: int, rng: Rng) -> tuple[torch.Tensor, torch.Tensor]:
        """The same to decide when training stops: from the sources of training, unless others are kept for it."""
        return self.sample(n, rng)

    @property
    def has_classes(self) -> bool:
        """Whether labels can be smoothed: whether the task states how, in :meth:`smoothed`."""
        return type(self).smoothed is not Task.smoothed

    def smoothed(self, targets: torch.Tensor, share: float) -> torch.Tensor:
        """Targets of the loss, of which a share is spread evenly over all classes, as label smoothing does.

        Raises
        ------
        InputError
            For a task without classes.
        """
        raise InputError(f"{type(self).__name__} has no classes with labels to smooth; leave out label_smoothing")

    @abstractmethod
    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Mean loss over a batch, a scalar; lower is better."""

    @abstractmethod
    def score(self, outputs: torch.Tensor, targets: torch.Tensor) -> float:
        """How well the outputs solve the task, in the unit of ``score_name``."""


TASKS: dict[str, type[Task]] = {}
"""Tasks by their names in study files."""


def check_chance(task: Task, train_targets: torch.Tensor, test_targets: torch.Tensor) -> None:
    """Raise InputError if an answer that ignores the stimulus beats the task's chance level.

    The constant answer with the least loss on `train_targets` is scored on `test_targets`; it may exceed chance by four
    standard errors, or by a hundredth of the way to a perfect answer. Fewer than 50 test stimuli are too few for this
    check, and are not checked.

    Parameters
    ----------
    task : Task
    train_targets, test_targets : Tensor
        As the task draws them.

    Raises
    ------
    InputError
        With the constant answer's score, and chance as the task states it.

    Examples
    --------
    >>> from normenc.tasks import TiltDiscrimination
    >>> check_chance(TiltDiscrimination(), torch.ones(100, 1), torch.ones(100, 1))
    Traceback (most recent call last):
    ...
    normenc.errors.InputError: TiltDiscrimination: a constant answer reaches 1 (accuracy), better than chance, ...
    """
    if len(test_targets) < N_PARTS * MIN_PART:
        return
    constant = _best_constant(task, train_targets)
    parts = [
        task.score(_answers(task, constant, len(part)), part)
        for part in test_targets.tensor_split(N_PARTS)
        if len(part)
    ]
    score = task.score(_answers(task, constant, len(test_targets)), test_targets)
    error = float(np.std(parts, ddof=1)) / np.sqrt(N_PARTS)
    ahead = score - task.chance if task.higher_is_better else task.chance - score
    allowed, negligible = MAX_ERRORS * error, NEGLIGIBLE * abs(task.perfect - task.chance)
    if ahead > (max(allowed, negligible) if np.isfinite(negligible) else allowed) + 1e-6:
        raise InputError(
            f"{type(task).__name__}: a constant answer reaches {score:.3g} ({task.score_name}), better than chance, "
            f"which the task states as {task.chance:.3g}; balance the targets, or state the score of the best constant "
            "answer"
        )


def _best_constant(task: Task, targets: torch.Tensor) -> torch.Tensor:
    """The constant outputs with the lowest loss over all stimuli, shape (n_outputs,)."""
    targets = targets[:1000]
    raw = torch.zeros(task.n_outputs, requires_grad=True, device=targets.device)
    optimizer = uncompiled(torch.optim.Adam)([raw], lr=CONSTANT_RATE)
    for _ in range(CONSTANT_STEPS):
        optimizer.zero_grad()
        task.loss(_answers(task, _output(task, raw), len(targets)), targets).backward()
        optimizer.step()
    return _output(task, raw.detach())


def _output(task: Task, raw: torch.Tensor) -> torch.Tensor:
    return torch.sigmoid(raw) if task.output == "probability" else raw


def _answers(task: Task, constant: torch.Tensor, n: int) -> torch.Tensor:
    shape = (n, task.n_outputs) if task.n_views == 1 else (n, task.n_views, task.n_outputs)
    return constant.expand(shape)
