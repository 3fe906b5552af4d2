"""The loop that trains one network, or many at once."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from normenc.freed_memory import freed_memory_kept
from normenc.tasks import Task
from normenc.training.drawn import Epochs
from normenc.training.kept import Kept, fill, filled, values_of
from normenc.training.optimisation import Optimisation, clipped, undecayed
from normenc.training.recipe import Recipe
from normenc.training.seeding import OF_RUNNING, lent
from normenc.training.steps import Progress, diverged, mean_loss

__all__ = ["Course", "Members", "Validation", "fit"]

Validation = tuple[torch.Tensor, torch.Tensor]  # images and targets


class Members(Protocol):
    """One network, or several that are stacked."""

    stacked: bool

    @property
    def seeds(self) -> Sequence[int]:
        """Of each member."""

    @property
    def parameters(self) -> Mapping[str, torch.Tensor]:
        """Those to optimise, by name."""

    @property
    def untrained(self) -> Sequence[nn.Module]:
        """The networks before the first step."""

    def losses(
        self, task: Task, images: torch.Tensor, targets: Sequence[torch.Tensor], active: Sequence[bool]
    ) -> torch.Tensor:
        """Each member's loss, shape (n_members,): NaN where outputs are not finite, 0 where it is not active."""

    def copies(self) -> list[nn.Module]:
        """Networks with the current parameters and buffers, in evaluation mode."""

    def values(self) -> dict[str, torch.Tensor]:
        """The current parameters and buffers, by name."""

    @property
    def is_restorable(self) -> bool:
        """Whether these are all that changed in training."""


@dataclass
class Course:
    """What one member's training was, and the networks kept.

    ``best`` is the network with the least loss on the validation set, and ``best_epoch`` its epoch; 0 if none was
    better than the untrained one.
    """

    losses: list[float] = field(default_factory=list)
    epochs: list[int] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    kept: dict[int, nn.Module] = field(default_factory=dict)
    best: nn.Module | None = None
    best_epoch: int = 0
    stopped: bool = False

    def validated(self, epoch: int, loss: float, network: nn.Module, patience: int) -> None:
        """Take note of the loss on the validation set after an epoch."""
        if self.best is None or loss < min(self.validation):
            self.best, self.best_epoch = network, epoch
        self.validation.append(loss)
        self.stopped = epoch - self.best_epoch >= patience

    def state(self) -> dict[str, Any]:
        """All of it, for a file."""
        plain = {name: getattr(self, name) for name in ("losses", "epochs", "validation", "best_epoch", "stopped")}
        kept = {epoch: values_of(network) for epoch, network in self.kept.items()}
        return plain | {"kept": kept, "best": None if self.best is None else values_of(self.best)}

    def restore(self, state: Mapping[str, Any], untrained: nn.Module) -> None:
        """Go on from a state."""
        for name in ("losses", "epochs", "validation", "best_epoch", "stopped"):
            setattr(self, name, state[name])
        self.kept |= {epoch: filled(untrained, values) for epoch, values in state["kept"].items() if epoch}
        if state["best"] is not None:
            self.best = filled(untrained, state["best"])


def fit(
    members: Members,
    task: Task,
    recipe: Recipe,
    epochs: Epochs,
    *,
    learning_rate: float,
    validation: Sequence[Validation] = (),
    report: Progress,
    kept: Kept | None = None,
) -> list[Course]:
    """Train to the end of the recipe, or until no member improves.

    Parameters
    ----------
    members : Members
        They are changed.
    task : Task
    recipe : Recipe
    epochs : Epochs
    learning_rate : float
    validation : sequence of (images, targets)
        For each member, if the recipe has a patience.
    report : callable
        Called as (step, n_steps, mean loss) after every batch.
    kept : Kept, optional
        Where the state is kept between epochs, and found after training was killed.

    Raises
    ------
    InputError
        If the outputs or the loss of a member are not finite.
    """
    return _Fit(members, task, recipe, epochs, learning_rate, validation, report, kept).run()


@dataclass
class _Fit:
    members: Members
    task: Task
    recipe: Recipe
    epochs: Epochs
    learning_rate: float
    validation: Sequence[Validation]
    report: Progress
    kept: Kept | None

    def __post_init__(self) -> None:
        recipe, seeds = self.recipe, self.members.seeds
        self.n_batches = recipe.n_epochs * self.epochs.n_batches
        self.optimisation = Optimisation(
            recipe,
            self.learning_rate,
            self.members.parameters,
            undecayed(self.members.untrained[0]),
            n_steps=recipe.n_epochs * -(-self.epochs.n_batches // recipe.accumulate),
            stacked=self.members.stacked,
        )
        first = self.members.untrained
        self.courses = [Course(kept={0: first[k]} if 0 in recipe.checkpoints else {}) for k in range(len(seeds))]
        self.n_done = 0
        self.optimisation.zero_grad()
        if recipe.patience is not None:
            self._validate(0, first)

    def run(self) -> list[Course]:
        with freed_memory_kept(), lent(self.members.seeds[0] + OF_RUNNING, self.epochs.device):
            first, last = self._resumed() + 1, self.recipe.n_epochs
            with self.epochs.drawing(first, last):
                for epoch in range(first, last + 1):
                    self._epoch(epoch)
                    if all(course.stopped for course in self.courses):
                        break
                    if self.kept is not None and self.kept.is_due and self.members.is_restorable:
                        self.kept.write(self._state(epoch))
        return self.courses

    def _state(self, epoch: int) -> dict[str, Any]:
        """All that the next epochs follow from."""
        on_gpu = self.epochs.device.type == "cuda"
        return {
            "epoch": epoch,
            "n_done": self.n_done,
            "values": {name: value.detach() for name, value in self.members.values().items()},
            "optimisation": self.optimisation.state_dict(),
            "orders": [generator.get_state() for generator in self.epochs.generators],
            "running": [torch.get_rng_state(), *([torch.cuda.get_rng_state()] if on_gpu else [])],
            "courses": [course.state() for course in self.courses],
        }

    def _resumed(self) -> int:
        """The epoch that training goes on from."""
        state = None if self.kept is None else self.kept.read()
        if state is None:
            return 0
        fill(self.members.values(), state["values"])
        self.optimisation.load_state_dict(state["optimisation"])
        for generator, order in zip(self.epochs.generators, state["orders"], strict=True):
            generator.set_state(order)
        torch.set_rng_state(state["running"][0])
        for on_gpu in state["running"][1:]:
            torch.cuda.set_rng_state(on_gpu)
        for course, own, untrained in zip(self.courses, state["courses"], self.members.untrained, strict=True):
            course.restore(own, untrained)
        self.n_done = state["n_done"]
        return int(state["epoch"])

    def _epoch(self, epoch: int) -> None:
        last, size = self.epochs.n_batches, self.recipe.accumulate
        for number, (images, targets) in enumerate(self.epochs.batches(epoch), start=1):
            first = (number - 1) // size * size
            losses = self._batch(epoch, images, targets, share=1 / min(size, last - first))
            if number % size == 0 or number == last:
                self._step()
            self.n_done += 1
            self.report(self.n_done, self.n_batches, float(losses.mean()))
        if epoch in self.recipe.checkpoints:
            for course, network in zip(self.courses, self.members.copies(), strict=True):
                course.kept[epoch] = network
        if self.recipe.patience is not None:
            self._validate(epoch, self.members.copies())

    def _batch(
        self, epoch: int, images: torch.Tensor, targets: Sequence[torch.Tensor], share: float
    ) -> npt.NDArray[np.float64]:
        """Add the gradients of one batch; returns the losses of the members that are trained still."""
        active = [not course.stopped for course in self.courses]
        if self.recipe.label_smoothing:
            targets = [self.task.smoothed(own, self.recipe.label_smoothing) for own in targets]
        with _autocast(self.recipe, images.device):
            losses = self.members.losses(self.task, images, targets, active)
        values = losses.detach().double().cpu().numpy()
        finite = np.isfinite(values)
        if not finite.all():
            seeds = [seed for seed, own in zip(self.members.seeds, finite, strict=True) if not own]
            which = seeds if self.members.stacked else []
            raise diverged(len(self._longest.losses) + 1, epoch, self.recipe, self.learning_rate, which)
        # A member's loss depends only on its own parameters.
        total = losses.sum()
        (total if share == 1 else total * share).backward()
        for course, loss in zip(self.courses, values.tolist(), strict=True):
            if not course.stopped:
                course.losses.append(loss)
                course.epochs.append(epoch)
        return values[active]

    @property
    def _longest(self) -> Course:
        return max(self.courses, key=lambda course: len(course.losses))

    def _step(self) -> None:
        if self.recipe.clip is not None:
            clipped(self.optimisation.parameters, self.recipe.clip, stacked=self.members.stacked)
        self.optimisation.step()
        self.optimisation.zero_grad()

    def _validate(self, epoch: int, networks: Sequence[nn.Module]) -> None:
        for k, (course, network, seed) in enumerate(zip(self.courses, networks, self.members.seeds, strict=True)):
            if course.stopped:
                continue
            images, targets = self.validation[k]
            loss = mean_loss(network, seed, self.task, images, targets, self.recipe.batch_size)
            course.validated(epoch, loss, network, self.recipe.patience or 1)


def _autocast(recipe: Recipe, device: torch.device) -> Any:
    return torch.autocast(device.type, torch.bfloat16) if recipe.precision == "mixed" else nullcontext()
