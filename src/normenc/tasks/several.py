"""Several tasks at once, over the same stimuli."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import torch

from normenc.errors import InputError
from normenc.keys import Frequency, Positive, Range, named
from normenc.tasks.references import Reference, ReferencedTask, reference_once
from normenc.tasks.task import TASKS, Rng, Task

__all__ = ["SeveralTasks"]

LARGEST_SEED = 2**31 - 1
SHARED = ("n_train", "n_test", "resolution")  # keys that all tasks are given
OF_GRATINGS = ("spatial_frequency", "patch")  # and those with the same default
Part = tuple[Task, torch.Tensor, torch.Tensor]


@named(TASKS, "several-tasks")
@dataclass(frozen=True)
class SeveralTasks(ReferencedTask):
    """Solve several tasks at once, each with outputs of its own, from the same stimuli.

    The loss is the weighted mean of the tasks' losses. The score scales that of each task so that its chance is 0 and a
    perfect answer 1, and is their weighted mean. Tasks that expect probabilities get their outputs through a sigmoid.

    Its simple solutions are those of its tasks; three quarters of the way from chance to them count as learned.

    Parameters
    ----------
    n_train, n_test : int
        Numbers of training and test stimuli.
    names : sequence of str
        At least two tasks, by the names they have in study files, with their default parameters. They must draw the
        same images from the same random numbers: those of gratings do, "tilt-discrimination" and
        "orientation-estimation", and those of digits, "object-recognition" and "object-location".
    weights : sequence of float
        Positive, one for each task; all the same by default.
    resolution : float
        Image pixels per full-resolution pixel.
    spatial_frequency, patch
        Of gratings, see :func:`normenc.stimuli.gratings`, for tasks that have the same default.

    Raises
    ------
    InputError
        If a name is unknown or listed twice, there are fewer than two, weights do not fit, or the tasks show different
        images.

    References
    ----------
    Caruana, "Multitask learning", Machine Learning 1997; Yang, Joglekar, Song, Newsome & Wang, "Task representations in
    neural networks trained to perform many cognitive tasks", Nature Neuroscience 2019.

    Examples
    --------
    >>> task = SeveralTasks(names=["object-recognition", "object-location"], weights=[1.0, 2.0])
    >>> images, targets = task.sample(4, np.random.default_rng(0))
    >>> images.shape, targets.shape, task.n_outputs
    (torch.Size([4, 48, 64]), torch.Size([4, 4]), 13)
    """

    names: Sequence[str] = ("tilt-discrimination", "orientation-estimation")
    weights: Sequence[Positive] = ()
    resolution: float = 0.1
    spatial_frequency: Frequency | Range = 1 / 28
    patch: bool = False

    score_name: ClassVar[str] = "mean score of the tasks, 0 at chance and 1 if perfect"
    chance: ClassVar[float] = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "names", tuple(self.names))  # lists are not hashable
        object.__setattr__(self, "weights", tuple(self.weights) or (1.0,) * len(self.names))
        known = [name for name, part in TASKS.items() if part is not SeveralTasks]
        for name in self.names:
            if name not in known or self.names.count(name) > 1:
                raise InputError(
                    f"names are {list(self.names)}; each must be one of {', '.join(known)}, and listed once"
                )
        if len(self.names) < 2:
            raise InputError(f"names are {list(self.names)}; several tasks are at least two")
        weights = np.array(self.weights, dtype=float)
        if len(weights) != len(self.names) or not (np.isfinite(weights) & (weights > 0)).all():
            raise InputError(
                f"weights are {list(self.weights)} for {len(self.names)} tasks; give a positive number for each"
            )
        views = {task.n_views for task in self.tasks}
        if len(views) > 1:
            raise InputError(f"tasks {', '.join(self.names)} take different numbers of images a stimulus: {views}")
        self.sample(2, np.random.default_rng(0))  # raises InputError if the images differ

    @cached_property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks themselves."""
        own, made = type(self).__dataclass_fields__, []
        for part in (TASKS[name] for name in self.names):
            fields = part.__dataclass_fields__
            options: dict[str, Any] = {key: getattr(self, key) for key in SHARED if key in fields}
            for key in OF_GRATINGS:
                if key in fields and fields[key].default == own[key].default:
                    options[key] = getattr(self, key)
            made.append(part(**options))
        return tuple(made)

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.tasks[0].image_size

    @property
    def n_outputs(self) -> int:
        """Those of all tasks together."""
        return sum(task.n_outputs for task in self.tasks)

    @property
    def n_views(self) -> int:  # type: ignore[override]
        """Images per stimulus, the same in all tasks."""
        return self.tasks[0].n_views

    def sample(self, n: int, rng: Rng) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw `n` images; targets, shape (n, n_columns), are those of all tasks side by side."""
        return self._draw(n, rng, test=False)

    def sample_test(self, n: int, rng: Rng) -> tuple[torch.Tensor, torch.Tensor]:
        """The same, as the tasks draw them for testing."""
        return self._draw(n, rng, test=True)

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Weighted mean of the tasks' losses. Lower is better."""
        losses = torch.stack([task.loss(told, true) for task, told, true in self._parts(outputs, targets)])
        weights = torch.tensor(self.weights, dtype=losses.dtype, device=losses.device)
        return (losses * weights).sum() / weights.sum()

    def score(self, outputs: torch.Tensor, targets: torch.Tensor) -> float:
        """Weighted mean of the tasks' scores, each 0 at chance and 1 if perfect; higher is better."""
        return self._mean([task.score(told, true) for task, told, true in self._parts(outputs, targets)])

    def reference(self, rng: Rng) -> Reference:
        """The simple solution of each task that has one, and half-way to a perfect answer for the others."""
        known = [reference_once(task) if isinstance(task, ReferencedTask) else None for task in self.tasks]
        scores = [
            (task.chance + task.perfect) / 2 if reference is None else reference.score
            for task, reference in zip(self.tasks, known, strict=True)
        ]
        return Reference("; ".join(reference.name for reference in known if reference), self._mean(scores))

    def _mean(self, scores: Sequence[float]) -> float:
        scaled = [
            (score - task.chance) / (task.perfect - task.chance) for task, score in zip(self.tasks, scores, strict=True)
        ]
        return float(np.average(scaled, weights=self.weights))

    @cached_property
    def _targets(self) -> list[tuple[int, bool, torch.dtype]]:
        """Of each task, the columns of its targets, whether these are a vector for all stimuli, and their type."""
        drawn = [task.sample(1, np.random.default_rng(0))[1] for task in self.tasks]
        return [(target[0].numel(), target.ndim == 1, target.dtype) for target in drawn]

    def _draw(self, n: int, rng: Rng, *, test: bool) -> tuple[torch.Tensor, torch.Tensor]:
        seed = int(rng.choice(LARGEST_SEED))
        images, columns = None, []
        for name, task in zip(self.names, self.tasks, strict=True):
            draw = task.sample_test if test else task.sample
            shown, targets = draw(n, np.random.default_rng(seed))
            if images is not None and not (images.shape == shown.shape and torch.equal(images, shown)):
                raise InputError(
                    f"{name} shows other images than {self.names[0]}; tasks at once need the same stimuli, such as "
                    "tilt-discrimination and orientation-estimation"
                )
            images = shown
            columns.append(targets.reshape(n, -1).float())
        assert images is not None
        return images, torch.cat(columns, dim=1)

    def _parts(self, outputs: torch.Tensor, targets: torch.Tensor) -> Iterator[Part]:
        """The tasks with their own outputs and targets."""
        first_output, first_column = 0, 0
        for task, (n_columns, is_vector, dtype) in zip(self.tasks, self._targets, strict=True):
            told = outputs[..., first_output : first_output + task.n_outputs]
            true = targets[:, first_column : first_column + n_columns].to(dtype)
            yield task, torch.sigmoid(told) if task.output == "probability" else told, true[:, 0] if is_vector else true
            first_output, first_column = first_output + task.n_outputs, first_column + n_columns
