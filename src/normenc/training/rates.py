"""Choose a learning rate by a search on the training set alone."""

from dataclasses import replace

import numpy as np
import torch
from torch import nn

from normenc.errors import InputError
from normenc.tasks import Task
from normenc.training.alone import Alone
from normenc.training.drawn import Data, Epochs, apart
from normenc.training.loop import fit
from normenc.training.recipe import Recipe
from normenc.training.seeding import copied
from normenc.training.steps import DivergedError, check_batches, mean_loss

__all__ = ["RATES", "learning_rate_of"]

RATES = tuple(float(f"{10**exponent:.3g}") for exponent in np.arange(-5, 1.1, 0.5))
ALWAYS = 9  # of these are tried; larger ones only while the largest tried is the best
SHARE = 0.2  # of the training set, for validation
SHORTER = 10  # times fewer epochs


def learning_rate_of(network: nn.Module, seed: int, task: Task, data: Data, recipe: Recipe) -> float:
    """The recipe's learning rate, or for "auto" the one of :data:`RATES` that is best on the training set.

    Each rate trains a copy of the network for a tenth of the epochs, at least one, on four fifths of the training set,
    of fresh stimuli that of the first epoch. The loss on the other fifth decides, among equal ones the smaller rate.

    Raises
    ------
    InputError
        If training diverges at every rate, or the training set cannot be divided.
    """
    if recipe.learning_rate != "auto":
        return recipe.learning_rate
    short = replace(recipe, n_epochs=-(-recipe.n_epochs // SHORTER), patience=None, checkpoints=(), compile=False)
    rows, others = apart(data.images, SHARE)
    part = replace(data, images=data.images[rows], targets=data.targets[rows])
    check_batches(network, seed, task, part, recipe.batch_size)
    losses: dict[float, float] = {}
    for number, rate in enumerate(RATES):
        if number >= ALWAYS and _best(losses) != RATES[number - 1]:
            break
        tried = _fitted(network, seed, task, part, replace(short, learning_rate=rate))
        loss = np.inf
        if tried is not None:
            loss = mean_loss(tried, seed, task, data.images[others], data.targets[others], recipe.batch_size)
        losses[rate] = loss if np.isfinite(loss) else np.inf
    if min(losses.values()) == np.inf:
        raise InputError(
            f"training diverges at every learning rate tried, {min(losses):g} to {max(losses):g}; state a lower "
            "learning_rate, or a lower momentum"
        )
    return _best(losses)


def _best(losses: dict[float, float]) -> float:
    return min(losses, key=lambda rate: (losses[rate], rate))


def _fitted(network: nn.Module, seed: int, task: Task, data: Data, recipe: Recipe) -> nn.Module | None:
    """A copy of the network after training, None if it diverged."""
    members = Alone(copied(network), seed)
    order = torch.Generator().manual_seed(seed)
    epochs = Epochs(task, [seed], [data], [order], recipe.batch_size, fresh=False)
    try:
        fit(members, task, recipe, epochs, learning_rate=float(recipe.learning_rate), report=lambda *told: None)
    except DivergedError:
        return None
    return members.model.eval()
