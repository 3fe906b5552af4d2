"""Fit a network to the responses of neurons.

Order of random numbers: from one ``seed`` come a torch generator, which draws the initial weights, where the network is
built here, then the seed of the readout's own generator, then a permutation an epoch where there are several batches;
and ``numpy.random.default_rng([seed, 1])``, which draws the stimuli to hold out. No global generator changes. On a CPU
the same seed gives the same bytes; a GPU adds numbers up in an order of its own.
"""

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import nn

from normenc.arrays import as_responses
from normenc.encoding.cores import as_images
from normenc.encoding.descent import Descent, DivergenceError, Penalties, predicted
from normenc.encoding.folds import fold_of_each
from normenc.encoding.held_out import FittedData, Rows, check_rows
from normenc.encoding.schedule import Schedule
from normenc.errors import InputError
from normenc.showing import Listed
from normenc.training.seeding import check_seed, resolve_device, seeded_network
from normenc.training.steps import Progress, reporter

__all__ = ["CrossValidatedFit", "DivergenceError", "FittedNetwork", "cross_validated_fit", "fit"]

Builder = Callable[[tuple[int, int], int], nn.Module]
COLUMNS = ("epoch", "step", "training_loss", "penalty", "held_out_loss", "learning_rate")
CHOICES = {"loss": ("mse", "poisson"), "optimiser": ("adam", "sgd"), "decay": ("plateau", "cosine", None)}


@dataclass(frozen=True, repr=False)
class FittedNetwork(Listed):
    """A network fitted to neurons, and the log of the fit.

    Attributes
    ----------
    network, untrained : Module
        In evaluation mode; the second is a copy from before the first step.
    log : DataFrame
        One row per epoch: ``epoch``, ``step`` (steps so far), ``training_loss`` and ``penalty`` (means over the epoch's
        batches, each before its step), ``held_out_loss`` (after the epoch, without penalties; NaN where nothing was
        held out), ``learning_rate``.
    best_epoch : int
        The epoch from which `network` was taken.
    held_out : ndarray of int
        Rows that were held out to choose the best epoch.
    seed : int
    checkpoints : dict of int to Module
        Copies from after these epochs; 0 is before the first step.
    """

    network: nn.Module
    untrained: nn.Module
    log: pd.DataFrame
    best_epoch: int
    held_out: Rows
    seed: int
    checkpoints: dict[int, nn.Module] = field(default_factory=dict)

    @property
    def best_step(self) -> int:
        """Steps taken up to the end of the best epoch."""
        return int(self.log["step"].iloc[self.best_epoch - 1])

    def predict(self, images: Any) -> npt.NDArray[np.float32]:
        """Responses to images (n, height, width), shape (n, n_neurons)."""
        device = next(self.network.parameters()).device
        return predicted(self.network, as_images(images).to(device)).cpu().numpy()


def fit(
    network: Builder | nn.Module,
    images: Any,
    responses: Any,
    *,
    seed: int,
    loss: str = "mse",
    validation: Any = 0.2,
    optimiser: str = "adam",
    learning_rate: float = 1e-2,
    momentum: float = 0.9,
    decay: str | None = "plateau",
    patience: int | None = 10,
    max_epochs: int = 200,
    batch_size: int | None = 64,
    penalties: Penalties = (),
    checkpoints: Sequence[int] = (),
    device: str | torch.device = "auto",
    progress: bool | Progress = True,
) -> FittedNetwork:
    r"""Fit a network to neurons by gradient descent, and keep the epoch that predicted held-out stimuli best.

    The loss is the mean over images and neurons of :math:`(y - \hat y)^2`, or of :math:`\hat y - y \log \hat y`, plus
    the penalties.

    Parameters
    ----------
    network : callable, or Module
        A callable takes the images' (height, width) and the number of neurons, and builds the network from the seed:
        :func:`normenc.encoding.encoding_network`, or a ``functools.partial`` of it. Such networks start at the neurons'
        means and locations, see :meth:`EncodingNetwork.start_from`. A module is copied, and not changed.
    images : array_like, shape (n, height, width)
        Grey values: the stimulus of each row of `responses`.
    responses : array_like, shape (n, n_neurons)
        Averages over a stimulus's trials, or one row per trial. At least 0 for the Poisson loss.
    seed : int
        0 to 2**32 - 1.
    loss : str
        ``"mse"`` (squared) or ``"poisson"``, which needs a network with a positive output.
    validation : float, array_like of int, (images, responses) or None
        Held-out data, predicted after every epoch: a share of the different images (rows of an image stay together);
        these rows; other data; or nothing.
    optimiser : str
        ``"adam"``, or ``"sgd"`` with `momentum`.
    learning_rate, momentum : float
        The first is above 0; the second at least 0 and below 1.
    decay : str or None
        ``"plateau"``: when patience runs out, continue from the best weights with 0.3 times the rate, three times;
        ``"cosine"``: the rate falls along half a cosine until `max_epochs`; None: it is constant.
    patience : int or None
        Epochs without a better held-out loss after which to stop, keeping the best weights. None, or nothing held out:
        run all epochs, and keep the last weights.
    max_epochs : int
        At least 1.
    batch_size : int or None
        Rows per batch; None uses all at once.
    penalties : sequence of callables
        Functions of the network that return a number, such as :class:`normenc.encoding.Penalty`.
    checkpoints : sequence of int
        Epochs after which to keep a copy; 0 is before the first step.
    device : str or torch.device
        ``"auto"`` (a GPU if available), ``"cpu"``, ``"cuda"``.
    progress : bool or callable
        True draws a bar with the loss on a terminal; a callable is called as (step, n_steps, loss) after every step.

    Returns
    -------
    FittedNetwork

    Raises
    ------
    InputError
        If data or settings are impossible. ``DivergenceError``, if the loss becomes NaN or explodes: the message gives
        step, loss and learning rate.

    References
    ----------
    Lurz et al., "Generalization in data-driven models of primary visual cortex", ICLR 2021 (early stopping and decay).

    Examples
    --------
    >>> from normenc import stimuli
    >>> from normenc.encoding import encoding_network
    >>> angles = np.arange(-90, 90, 6)
    >>> responses = np.cos(np.deg2rad(2 * (angles[:, None] - [0, 45, 90])))
    >>> images = stimuli.gratings(angles, resolution=0.025)
    >>> fitted = fit(encoding_network, images, responses, seed=1, max_epochs=3, device="cpu", progress=False)
    >>> fitted.predict(images).shape, len(fitted.log), len(fitted.held_out)
    ((30, 3), 3, 6)
    """
    _check_settings(locals())
    target = resolve_device(device)
    data = FittedData.of(images, responses, validation, seed, target)
    model, generator = _built(network, data, seed)
    of_readout = torch.Generator(target).manual_seed(int(torch.randint(2**31, (), generator=generator)))
    run = Descent(model, data, loss, penalties, batch_size, generator, of_readout)
    schedule = Schedule(run.optimiser(optimiser, learning_rate, momentum), decay, patience, max_epochs)
    untrained = copy.deepcopy(model).eval()
    kept = {0: untrained} if 0 in checkpoints else {}
    rows: list[tuple[float, ...]] = []
    step = 0
    with reporter(progress) as report:
        for epoch in range(1, max_epochs + 1):
            rate = schedule.start(epoch)
            costs = []
            for cost, penalty in run.steps(schedule.optimizer):
                step += 1
                costs.append((cost, penalty))
                run.check_converging(cost if math.isfinite(penalty) else penalty, step, rate)
                report(step, max_epochs * run.n_batches, cost)
            rows.append((epoch, step, *np.mean(costs, axis=0), run.held_out_loss(), rate))
            if epoch in checkpoints:
                kept[epoch] = copy.deepcopy(model).eval()
            if schedule.stops(epoch, rows[-1][4], model):
                break
    best = schedule.back_to_best(model) or epoch
    if not all(bool(torch.isfinite(values).all()) for values in model.parameters()):
        run.check_converging(math.nan, step, rate)
    log = pd.DataFrame(rows, columns=list(COLUMNS)).astype({"epoch": int, "step": int})
    return FittedNetwork(model.eval(), untrained, log, best, data.held_out, seed, kept)


@dataclass(frozen=True, repr=False)
class CrossValidatedFit(Listed):
    """Results of :func:`cross_validated_fit`.

    Attributes
    ----------
    predicted : ndarray, shape (n, n_neurons)
        Every row, predicted by a network that was fitted without its fold.
    first : FittedNetwork
        The network that predicted the first fold, for inspection.
    """

    predicted: npt.NDArray[np.float32]
    first: FittedNetwork


def cross_validated_fit(
    network: Builder, images: Any, responses: Any, folds: Sequence[Any], *, seed: int, **options: Any
) -> CrossValidatedFit:
    """Predict the rows of each fold with a network fitted to all others; all networks have the same seed.

    Parameters
    ----------
    network, images, responses, seed
        See :func:`fit`; the network must be a callable, since an existing one may have been trained on the rows to
        predict.
    folds : sequence of array_like of int
        The rows of each fold, such as :func:`normenc.encoding.stimulus_folds` gives; rows of an image should be in one
        fold.
    **options
        Options of :func:`fit`; validation is a share of the rows that are fitted, or None. With None all epochs are
        run, and the log has the loss on the predicted fold, which is not used to choose anything.

    Returns
    -------
    CrossValidatedFit

    Raises
    ------
    InputError
        As :func:`fit`, and if a row is in no fold or in two.

    Examples
    --------
    >>> from normenc.encoding import encoding_network
    >>> rng = np.random.default_rng(0)
    >>> images, responses = rng.random((12, 8, 8)), rng.random((12, 3))
    >>> folds = [np.arange(0, 12, 2), np.arange(1, 12, 2)]
    >>> options = {"max_epochs": 2, "device": "cpu", "progress": False}
    >>> cross_validated_fit(encoding_network, images, responses, folds, seed=1, **options).predicted.shape
    (12, 3)
    """
    if isinstance(network, nn.Module):
        raise InputError(
            "network is a Module, which may have been trained on the rows to predict; give a callable that builds it"
        )
    if not isinstance(options.get("validation", 0.2), float | None):
        raise InputError(
            "validation gives rows or data, but each fold fits different rows; give a share of them, or None"
        )
    shown, recorded = as_images(images), as_responses(responses)
    check_rows(shown, recorded)
    fold = fold_of_each(folds, len(recorded))
    predictions = np.empty(recorded.shape, dtype=np.float32)
    watched = options.get("validation", 0.2) is None
    first = None
    for number in range(len(folds)):
        tested = torch.from_numpy(fold == number)
        if watched:
            options |= {"validation": (shown[tested], recorded[fold == number]), "patience": None}
        fitted = fit(network, shown[~tested], recorded[fold != number], seed=seed, **options)
        predictions[fold == number] = fitted.predict(shown[tested])
        first = first or fitted
    assert first is not None
    return CrossValidatedFit(predictions, first)


def _built(network: Builder | nn.Module, data: FittedData, seed: int) -> tuple[nn.Module, torch.Generator]:
    device, (height, width), n_neurons = data.images.device, data.images.shape[1:], data.responses.shape[1]
    there = isinstance(network, nn.Module)
    build: Any = network if there else partial(network, (height, width), n_neurons)
    model, generator = seeded_network(build, seed)
    model.to(device)
    if not there and hasattr(model, "start_from"):
        model.start_from(data.images, data.responses)  # type: ignore[operator]
    return model, generator


def _check_settings(given: dict[str, Any]) -> None:
    check_seed(given["seed"])
    for name, allowed in CHOICES.items():
        if given[name] not in allowed:
            raise InputError(f"{name} is {given[name]!r}; it must be one of {', '.join(map(repr, allowed))}")
    for name in ("max_epochs", "batch_size", "patience"):
        if given[name] is not None and given[name] < 1:
            raise InputError(f"{name} is {given[name]}; it must be at least 1")
    if not 0 < given["learning_rate"] < math.inf or not 0 <= given["momentum"] < 1:
        raise InputError(
            f"learning_rate is {given['learning_rate']} and momentum {given['momentum']}; learning_rate must be above "
            "0, and momentum at least 0 and below 1"
        )
    for epoch in given["checkpoints"]:
        if not 0 <= epoch <= given["max_epochs"]:
            raise InputError(
                f"checkpoints contain epoch {epoch}; they must be between 0 (untrained) and {given['max_epochs']}"
            )
