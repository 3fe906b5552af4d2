"""Banded ridge regression: several layers or controls at once, each with a penalty of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_count, as_responses, as_seed
from normenc.encoding.axes import Features, varying
from normenc.encoding.bands import Bands
from normenc.encoding.choosing import Generalised, in_threads
from normenc.encoding.folds import fold_of_each, stimulus_folds
from normenc.encoding.regression import CHOICES, PENALTIES
from normenc.encoding.regression_inputs import as_features, check_apart, check_memory, check_same_stimuli, inner_folds
from normenc.encoding.ridge import check_penalties, errors_of
from normenc.errors import InputError
from normenc.rsa.labelled import turned
from normenc.showing import Listed

__all__ = ["BandedPrediction", "as_bands", "banded_predictions"]

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

OF_TWO = (0.0, 0.003, 0.01, 0.03, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97, 0.99, 0.997, 1.0)  # shares of the first of two bands
CHUNK = 512  # neurons at a time
MEMORY_GIB = 4.0


@dataclass(frozen=True, repr=False)
class BandedPrediction(Listed):
    """Results of :func:`banded_predictions`.

    Attributes
    ----------
    predicted : ndarray, shape (n_stimuli, n_neurons)
        By all bands together; each row by a model fitted to stimuli of other folds.
    parts : dict of str to ndarray, shape (n_stimuli, n_neurons)
        What each band adds to the prediction of the mean; their sum is the prediction.
    fold : ndarray of int, shape (n_stimuli,)
    penalty : ndarray, shape (n_folds, n_neurons)
        The chosen penalty; NaN if a neuron does not vary over the training stimuli.
    scaling : ndarray, shape (n_folds, n_bands, n_neurons)
        The chosen shares of the bands; 0 where a band is left out. They sum to 1.
    ordered : bool
    """

    predicted: npt.NDArray[Any] = field(repr=False)
    parts: dict[str, npt.NDArray[Any]] = field(repr=False)
    fold: Indices = field(repr=False)
    penalty: Floats = field(repr=False)
    scaling: npt.NDArray[Any] = field(repr=False)
    ordered: bool = False


def banded_predictions(
    features: Mapping[str, Any],
    responses: Any,
    *,
    penalties: Any = None,
    n_scalings: int = 50,
    choose: str | None = None,
    scale: bool = False,
    reduce_to: int | None = None,
    labels: Any = None,
    n_folds: int = 5,
    ordered: bool = False,
    blocks_per_fold: int = 1,
    folds: Sequence[Any] | None = None,
    memory_gib: float = MEMORY_GIB,
    seed: int = 0,
) -> BandedPrediction:
    r"""Predict every neuron from several sets of features at once, with a regression fitted to other stimuli.

    Ridge regression with a penalty for each band, :math:`\alpha / \gamma_k`: features are centred, divided by the root
    of their mean variance along principal axes, so that one grid suits bands of any size, and multiplied by
    :math:`\sqrt{\gamma_k}`. For each neuron, the shares :math:`\gamma` (which sum to 1) and the penalty are those that
    predict held-out training stimuli best. A share of 0 leaves a band out.

    Parameters
    ----------
    features : mapping of str to array_like, shape (n_stimuli, n_units)
        The bands, such as layers and controls.
    responses : array_like, shape (n_stimuli, n_neurons)
        Averages over trials.
    penalties : array_like, shape (n_penalties,), optional
        Above 0, rising; by default 20 from 1e-5 to 1e4, in units of the mean variance along principal axes.
    n_scalings : int
        Sets of shares to try for more than two bands: equal ones, each band alone, and random ones. Two bands have a
        fixed grid of 13.
    reduce_to : int, optional
        Principal components of each band that are kept; all by default.
    choose, scale, n_folds, ordered, blocks_per_fold, folds, memory_gib, seed
        See :func:`normenc.encoding.cross_validated_predictions`. The time grows with the number of shares. It is
        shortest with fewer features in all than training stimuli, and ``"generalised"`` cross-validation.
    labels : array_like, shape (n_stimuli,), optional
        Rows with equal labels are the same stimulus, and stay in one fold.

    Returns
    -------
    BandedPrediction

    Raises
    ------
    InputError
        As :func:`normenc.encoding.cross_validated_predictions`, or if there are no bands.

    References
    ----------
    Dupre la Tour, Eickenberg, Nunez-Elizalde & Gallant, "Feature-space selection with banded ridge regression",
    NeuroImage 2022 (the random search, as in himalaya); Nunez-Elizalde, Huth & Gallant, NeuroImage 2019.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> layer, control = rng.normal(size=(100, 8)), rng.normal(size=(100, 200))
    >>> neurons = layer @ rng.normal(size=(8, 30)) + 0.1 * rng.normal(size=(100, 30))
    >>> banded = banded_predictions({"layer": layer, "control": control}, neurons)
    >>> bool(np.allclose(banded.scaling[:, 0].mean(), 1, atol=0.05))
    True
    """
    bands, y = as_bands(features, memory_gib, scale), as_responses(turned(responses, "responses"))
    named = ((f"the features {name!r}", own) for name, own in features.items())
    check_same_stimuli(*named, ("the responses", responses))
    labels = np.arange(len(y)) if labels is None else np.asarray(labels)
    for name, band in bands.items():
        if (n_rows := len(band.values)) != len(y) or labels.shape != (len(y),):
            raise InputError(
                f"the features {name!r} have {n_rows} rows, responses {len(y)} and labels {labels.size}; give one row, "
                "and one label, per stimulus"
            )
    if choose is not None and choose not in CHOICES:
        raise InputError(f"choose is {choose!r}; it must be one of {', '.join(map(repr, CHOICES))}")
    reduce_to = None if reduce_to is None else as_count(reduce_to, "reduce_to")
    grid = check_penalties(PENALTIES if penalties is None else penalties)
    deal = partial(stimulus_folds, n_folds=n_folds, ordered=ordered, blocks_per_fold=blocks_per_fold, seed=seed)
    fold = fold_of_each(deal(labels) if folds is None else folds, len(y))
    check_apart(labels, fold)
    check_memory(np.broadcast_to(np.float64(0), (len(y), len(y))), fold, memory_gib / (1 + len(bands) / 4))
    scalings = _scalings(len(bands), as_count(n_scalings, "n_scalings"), as_seed(seed))
    alone = choose == "leave-one-out" or (choose is None and not ordered and len(np.unique(labels)) == len(labels))
    layers = list(bands.values())
    parts = np.zeros((len(layers), *y.shape), y.dtype)
    predicted, n = np.empty(y.shape, y.dtype), int(fold.max()) + 1
    penalty, shares = np.full((n, y.shape[1]), np.nan), np.zeros((n, len(layers), y.shape[1]))
    for number in range(n):
        test, train = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
        inner = choose if choose == "generalised" else None if alone else inner_folds(deal, labels[train])
        search = _Search.of(Bands.of(layers, list(bands), train, test, reduce_to), train, len(test), y, inner)
        for scaling in scalings:
            search.try_out(scaling, grid)
        parts[:, test], predicted[test] = search.parts, search.parts.sum(axis=0) + search.mean
        penalty[number] = np.where(search.still, np.nan, grid[search.best])
        shares[number] = scalings[search.scaling].T
    return BandedPrediction(predicted, dict(zip(bands, parts, strict=True)), fold, penalty, shares, ordered)


@dataclass
class _Search:
    """The best shares and penalty of each neuron so far, and what each band then predicts."""

    bands: Bands
    inner: Any
    targets: npt.NDArray[Any]
    coordinates: npt.NDArray[Any]
    mean: npt.NDArray[Any]
    still: npt.NDArray[np.bool_]
    error: npt.NDArray[Any]
    best: Indices
    scaling: Indices
    parts: npt.NDArray[Any]
    tried: int = 0

    @classmethod
    def of(cls, bands: Bands, train: Indices, n_test: int, responses: npt.NDArray[Any], inner: Any) -> "_Search":
        n_neurons, kind = responses.shape[1], responses.dtype
        n_rows = len(bands.products[0][0])
        coordinates = np.empty((n_rows, n_neurons), kind)
        # Generalised cross-validation needs no errors of single stimuli, and so the coordinates alone.
        apart = bands.basis is not None and not isinstance(inner, str)
        targets = np.empty((len(train), n_neurons), kind) if apart else coordinates
        mean, still = np.empty(n_neurons, kind), np.empty(n_neurons, np.bool_)

        def describe(neurons: slice) -> None:
            own = responses[train, neurons]
            still[neurons] = ~varying(own)
            mean[neurons] = own.mean(axis=0, dtype=np.float64)
            own -= mean[neurons]
            coordinates[:, neurons] = bands.coordinates(own)
            if apart:
                targets[:, neurons] = own

        in_threads(describe, _chunks(n_neurons))
        parts = np.zeros((len(bands.products), n_test, n_neurons), kind)
        error = np.full(n_neurons, np.inf, kind)
        first = np.zeros(n_neurons, np.intp)
        return cls(bands, inner, targets, coordinates, mean, still, error, first, first.copy(), parts)

    def try_out(self, scaling: Floats, penalties: Floats) -> None:
        """Fit with these shares, and keep them for the neurons that they suit better than all before."""
        axes, kind, products = self.bands.axes(scaling), self.coordinates.dtype, self.bands.products
        if isinstance(self.inner, str):
            held_out: Any = Generalised(axes, penalties, kind, self.bands.n_train)
        else:
            held_out = errors_of(self.bands.of_stimuli(axes), penalties, self.inner, kind)
        project = np.ascontiguousarray(axes.left.T, kind)
        inverse = (1 / (axes.eigenvalues[:, None] + penalties)).astype(kind)
        maps = [
            (share * across).astype(kind) @ project.T if share else None
            for share, (_, across) in zip(scaling, products, strict=True)
        ]

        def fit(neurons: slice) -> None:
            errors = held_out.errors(np.ascontiguousarray(self.targets[:, neurons]))
            best = errors.argmin(axis=0)
            lowest = errors[best, np.arange(len(best))]
            better = np.flatnonzero((lowest < self.error[neurons]) & ~self.still[neurons])
            if not better.size:
                return
            chosen = np.arange(self.targets.shape[1])[neurons][better]
            weights = inverse[:, best[better]] * (project @ self.coordinates[:, chosen])
            for band, transform in enumerate(maps):
                self.parts[band][:, chosen] = 0 if transform is None else transform @ weights
            self.error[chosen], self.best[chosen], self.scaling[chosen] = lowest[better], best[better], self.tried

        in_threads(fit, _chunks(self.targets.shape[1]))
        self.tried += 1


def _chunks(n_neurons: int) -> list[slice]:
    return [slice(start, start + CHUNK) for start in range(0, n_neurons, CHUNK)]


def as_bands(features: Mapping[str, Any], memory_gib: float = MEMORY_GIB, scale: bool = False) -> dict[str, Features]:
    """Bands by name, checked; those that are :class:`Features` already are unchanged."""
    if not isinstance(features, Mapping) or not features:
        raise InputError("there are no features; give a mapping of names to stimulus x unit matrices")
    bands = {}
    for name, values in features.items():
        try:
            known = isinstance(values, Features)
            bands[name] = values if known else Features(as_features(values, memory_gib), scale)
        except InputError as error:
            raise InputError(f"{name!r}: {error}") from None
    return bands


def _scalings(n_bands: int, n_scalings: int, seed: int) -> Floats:
    """Shares of the bands to try, shape (n_scalings, n_bands); the simplest ones first."""
    if n_bands == 1:
        return np.ones((1, 1))
    if n_bands == 2:
        first = np.array(OF_TWO)
        shares = np.stack([first, 1 - first], axis=1)
        return shares[np.argsort(-np.abs(shares[:, 0] - 0.5), kind="stable")]
    rng = np.random.default_rng([seed, 29])
    n_random = max(0, n_scalings - n_bands - 1)
    concentration = np.where(np.arange(n_random) % 2, 1.0, 0.1)
    random = np.array([rng.dirichlet(np.full(n_bands, value)) for value in concentration]).reshape(-1, n_bands)
    return np.concatenate([np.eye(n_bands), np.full((1, n_bands), 1 / n_bands), random])
