"""What decides optimisation, in one place: optimizer, learning rate and its schedule, epochs, when to stop."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from numbers import Real
from typing import Any, Literal, TypedDict, get_args

import numpy as np
import torch

from normenc.arrays import as_count
from normenc.errors import InputError, quoted

__all__ = ["OPTIMIZERS", "PRECISIONS", "SCHEDULES", "Optimizer", "Precision", "Recipe", "RecipeChanges", "Schedule"]

Optimizer = Literal["sgd", "adam", "adamw", "muon"]
Schedule = Literal["constant", "cosine", "one-cycle"]
Precision = Literal["full", "mixed"]
OPTIMIZERS, SCHEDULES, PRECISIONS = get_args(Optimizer), get_args(Schedule), get_args(Precision)


class RecipeChanges(TypedDict, total=False):
    """Fields of :class:`Recipe`, as keyword arguments."""

    n_epochs: int
    batch_size: int
    optimizer: Optimizer
    learning_rate: float | Literal["auto"]
    momentum: float
    weight_decay: float
    schedule: Schedule
    warm_up: float
    clip: float | None
    label_smoothing: float
    patience: int | None
    accumulate: int
    precision: Precision
    compile: bool
    checkpoints: Sequence[int]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a network is optimised. The defaults are those of the reference study.

    Parameters
    ----------
    n_epochs : int
        At least 1; with `patience`, at most so many.
    batch_size : int
        At least 1; the last batch of an epoch is smaller if `batch_size` does not divide the training set.
    optimizer : str
        ``"sgd"`` (with `momentum`), ``"adam"``, ``"adamw"`` or ``"muon"``, of :mod:`torch.optim`. Muon takes matrices
        alone, weights of linear layers; all other parameters are left to AdamW, at the same learning rate
        (``adjust_lr_fn="match_rms_adamw"``). Adam, AdamW and Muon have torch's own betas and momentum.
    learning_rate : float or "auto"
        Above 0. With a schedule, the largest. ``"auto"`` tries rates from 1e-5 to 1e-1, two a decade, and larger ones
        while the largest is the best: each for a tenth of the epochs on four fifths of the training set. It takes the
        one with the least loss on the other fifth, and the log records it. Stimuli that the score is reported on take
        no part.
    momentum : float
        Of ``"sgd"``: at least 0 and below 1.
    weight_decay : float
        At least 0; not applied to biases, to parameters with one dimension, and to normalisation layers. It is
        decoupled from the gradient in ``"adamw"`` and ``"muon"``, and an L2 penalty in ``"sgd"`` and ``"adam"``.
    schedule : str
        Of the learning rate, step by step: ``"constant"``; ``"cosine"``, to 0, after a linear rise; or
        ``"one-cycle"`` [1]_, with a constant momentum.
    warm_up : float
        Share of the steps in which a schedule rises, 0 to 1; a constant rate has none.
    clip : float, optional
        Largest norm of the gradient of all parameters; larger ones are scaled down to it.
    label_smoothing : float
        At least 0 and below 1: share of the target that is spread over all classes, where a task has classes.
    patience : int, optional
        Stop when the loss on a validation set did not fall for so many epochs, and keep the network of the best epoch.
        The validation set is drawn apart from both the training set and the stimuli that the score is reported on.
    accumulate : int
        Batches whose gradients are averaged before a step.
    precision : str
        ``"full"`` (float32), or ``"mixed"``: bfloat16 where torch.autocast allows it, on a GPU.
    compile : bool
        Whether to compile the network with :func:`torch.compile`, on a GPU.
    checkpoints : sequence of int
        Epochs after which to keep a copy; 0 is before the first step.

    Raises
    ------
    InputError
        If a setting is impossible, or `patience` might end training before a checkpoint.

    References
    ----------
    .. [1] Smith & Topin, "Super-convergence", 2018.

    Examples
    --------
    >>> Recipe(optimizer="adamw", schedule="one-cycle", learning_rate=3e-3).momentum
    0.99
    >>> Recipe(optimizer="sgdm")
    Traceback (most recent call last):
    ...
    normenc.errors.InputError: optimizer is 'sgdm'; it must be one of sgd, adam, adamw, muon
    """

    n_epochs: int = 25
    batch_size: int = 100
    optimizer: Optimizer = "sgd"
    learning_rate: float | Literal["auto"] = 5e-4
    momentum: float = 0.99
    weight_decay: float = 0.0
    schedule: Schedule = "constant"
    warm_up: float = 0.1
    clip: float | None = None
    label_smoothing: float = 0.0
    patience: int | None = None
    accumulate: int = 1
    precision: Precision = "full"
    compile: bool = False
    checkpoints: Sequence[int] = ()

    def __post_init__(self) -> None:
        for name in ("n_epochs", "batch_size", "accumulate"):
            self._set(name, as_count(getattr(self, name), name))
        for name, allowed in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES), ("precision", PRECISIONS)):
            if getattr(self, name) not in allowed:
                raise InputError(f"{name} is {quoted(getattr(self, name))}; it must be one of {', '.join(allowed)}")
        if self.learning_rate != "auto":
            self._positive("learning_rate", ", or 'auto'")
        if self.clip is not None:
            self._positive("clip", "")
        if not (_is_number(self.weight_decay) and 0 <= self.weight_decay < np.inf):
            raise InputError(f"weight_decay is {self.weight_decay!r}; it must be a number of at least 0")
        for name in ("momentum", "label_smoothing"):
            if not (_is_number(getattr(self, name)) and 0 <= getattr(self, name) < 1):
                raise InputError(f"{name} is {getattr(self, name)!r}; it must be a number of at least 0 and below 1")
        if not (_is_number(self.warm_up) and 0 <= self.warm_up <= 1):
            raise InputError(f"warm_up is {self.warm_up!r}; it must be a share of the steps, between 0 and 1")
        for name in ("momentum", "label_smoothing", "weight_decay", "warm_up"):
            self._set(name, float(getattr(self, name)))
        if self.patience is not None:
            self._set("patience", as_count(self.patience, "patience"))
        if not isinstance(self.compile, bool):
            raise InputError(f"compile is {self.compile!r}; it must be True or False")
        self._check_checkpoints()

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    def _positive(self, name: str, otherwise: str) -> None:
        value = getattr(self, name)
        if not (_is_number(value) and np.isfinite(value) and value > 0):
            raise InputError(f"{name} is {value!r}; it must be a positive number{otherwise}")
        self._set(name, float(value))

    def _check_checkpoints(self) -> None:
        if isinstance(self.checkpoints, str) or not isinstance(self.checkpoints, Iterable):
            raise InputError(
                f"checkpoints is {self.checkpoints!r}; give a list of epochs, such as [0, {self.n_epochs}]"
            )
        self._set("checkpoints", tuple(as_count(epoch, "an epoch in checkpoints", 0) for epoch in self.checkpoints))
        for epoch in self.checkpoints:
            if epoch > self.n_epochs:
                raise InputError(
                    f"checkpoints contain epoch {epoch}; they must be between 0 (untrained) and {self.n_epochs}"
                )
            if epoch and self.patience is not None:
                raise InputError(
                    f"checkpoints contain epoch {epoch}, but with a patience training may end before it; leave out "
                    "patience, or all checkpoints but 0"
                )

    @classmethod
    def of(cls, recipe: "Recipe | None", changes: RecipeChanges) -> "Recipe":
        """The recipe, or the reference study's, changed by keyword arguments.

        Raises
        ------
        InputError
            If one has a name that no setting has.
        """
        names = [field.name for field in fields(cls)]
        if unknown := [name for name in changes if name not in names]:
            raise InputError(f"{unknown[0]} is no setting of training; these are {', '.join(names)}")
        if recipe is not None and not isinstance(recipe, Recipe):
            raise InputError(f"recipe is a {type(recipe).__name__}; it must be a normenc.training.Recipe")
        return replace(recipe or cls(), **changes)

    def check_device(self, device: torch.device) -> None:
        """Raise InputError if something is asked for that is of use on a GPU alone, and the device is none."""
        for asked, name in ((self.precision == "mixed", "precision 'mixed'"), (self.compile, "compile")):
            if asked and device.type != "cuda":
                raise InputError(
                    f"{name} is of use on a GPU alone, and training is on the {device.type.upper()}; leave it out, or "
                    "choose device='cuda'"
                )


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)
