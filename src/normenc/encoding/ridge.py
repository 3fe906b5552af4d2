"""Ridge regression of every neuron on one set of features: all penalties at once, and one chosen for each neuron."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_array, as_responses
from normenc.errors import InputError

__all__ = [
    "Features",
    "PrincipalAxes",
    "RidgePredictions",
    "check_penalties",
    "choose_and_predict",
    "in_threads",
    "ridge_predictions",
]

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

BLOCK_BYTES = 2**25  # of features, in float64, at a time
CHUNK_BYTES = 2**19  # of responses at a time: they and intermediate results stay in the cache
MAPS_BYTES = 2**28  # limit on what is kept for all penalties; beyond it, recomputed for every chunk
SAME = 1e-12  # relative to a value: smaller differences are rounding error


@dataclass(frozen=True)
class RidgePredictions:
    """Results of :func:`ridge_predictions`.

    Attributes
    ----------
    predicted : ndarray, shape (n_test, n_neurons)
    penalty : ndarray, shape (n_neurons,)
        NaN for neurons that do not vary over the training stimuli, for which every penalty predicts the mean.
    """

    predicted: npt.NDArray[Any]
    penalty: Floats


@dataclass(frozen=True)
class PrincipalAxes:
    r"""Principal axes of the features of training stimuli, and projections of test stimuli onto them.

    With the centred training features :math:`Z = U S V^T`, ridge regression with penalty :math:`\alpha` predicts
    :math:`T \, diag(\lambda / (\lambda + \alpha)) \, U^T y`.

    Attributes
    ----------
    left : ndarray, shape (n_train, n_axes)
        U; its columns have mean 0 and length 1.
    eigenvalues : ndarray, shape (n_axes,)
        :math:`\lambda = S^2`, falling, above 0.
    test : ndarray, shape (n_test, n_axes)
        T: test features, centred likewise, times :math:`V S^{-1}`.
    """

    left: Floats
    eigenvalues: Floats
    test: Floats

    @property
    def scores(self) -> Floats:
        """Principal component scores of the training stimuli, shape (n_train, n_axes)."""
        return self.left * np.sqrt(self.eigenvalues)

    @property
    def test_scores(self) -> Floats:
        """Principal component scores of the test stimuli, shape (n_test, n_axes)."""
        return self.test * np.sqrt(self.eigenvalues)


class Features:
    """Features of stimuli; :meth:`axes` computes principal axes for any training set.

    With more units than stimuli, only products between stimuli are used, summed over blocks of units: memory beyond the
    features themselves does not grow with the number of units, and features may be a memory-mapped array.

    Parameters
    ----------
    values : ndarray, shape (n_stimuli, n_units)
    scale : bool
        Whether units are divided by their standard deviation over the training stimuli. All are centred on the training
        stimuli.
    """

    def __init__(self, values: npt.NDArray[Any], scale: bool = False) -> None:
        self.values, self.scale = values, scale
        self._products: Floats | None = None

    def axes(self, train: Indices, test: Indices, n_components: int | None = None) -> PrincipalAxes:
        """Principal axes of training stimuli: all, or only the first `n_components`."""
        if self.values.shape[1] < len(train):
            left, eigenvalues, right = self._from_features(train, test)
        else:
            left, eigenvalues, right = self._from_products(train, test)
        largest = eigenvalues[0] if eigenvalues.size else 0.0
        kept = eigenvalues > max(self.values.shape[1], len(train)) * np.finfo(np.float64).eps * largest
        if n_components is not None:
            kept[n_components:] = False
        left, eigenvalues = left[:, kept], eigenvalues[kept]
        return PrincipalAxes(left, eigenvalues, right[:, kept] / eigenvalues)

    def _from_features(self, train: Indices, test: Indices) -> tuple[Floats, Floats, Floats]:
        """U, squared S and test features times V S, by a singular value decomposition."""
        fitted, tested = _centred(self.values, train, test, self.scale)
        left, singular, v = np.linalg.svd(fitted, full_matrices=False)
        return left, np.square(singular), tested @ v.T * singular

    def _from_products(self, train: Indices, test: Indices) -> tuple[Floats, Floats, Floats]:
        """The same from products between stimuli, K = Z Z^T: test features times V S are K[test, train] U."""
        between, across = (self._scaled_products if self.scale else self._centred_products)(train, test)
        eigenvalues, left = np.linalg.eigh(between)
        eigenvalues, left = eigenvalues[::-1].copy(), np.ascontiguousarray(left[:, ::-1])
        eigenvalues[len(train) - 1 :] = 0  # centred features span one dimension less than the number of stimuli
        return left, eigenvalues, across @ left

    def _scaled_products(self, train: Indices, test: Indices) -> tuple[Floats, Floats]:
        between, across = np.zeros((len(train), len(train))), np.zeros((len(test), len(train)))
        for block in self._blocks():
            fitted, tested = _centred(block, train, test, True)
            between += fitted @ fitted.T
            across += tested @ fitted.T
        return between, across

    def _centred_products(self, train: Indices, test: Indices) -> tuple[Floats, Floats]:
        """From the products of all stimuli, computed once: centring them is equivalent to centring the features."""
        if self._products is None:
            n_stimuli = len(self.values)
            self._products = np.zeros((n_stimuli, n_stimuli))
            for block in self._blocks():
                block -= block.mean(axis=0)
                self._products += block @ block.T
        between, across = self._products[np.ix_(train, train)], self._products[np.ix_(test, train)]
        mean = between.mean(axis=0)
        centred = between - mean - mean[:, None] + mean.mean()
        return centred, across - across.mean(axis=1, keepdims=True) - mean + mean.mean()

    def _blocks(self) -> Iterator[Floats]:
        n_stimuli, n_units = self.values.shape
        size = max(1, BLOCK_BYTES // (8 * n_stimuli))
        for start in range(0, n_units, size):
            yield self.values[:, start : start + size].astype(np.float64)


def ridge_predictions(
    features: Any,
    responses: Any,
    test_features: Any,
    penalties: Any,
    *,
    inner: Sequence[Any] | None = None,
    scale: bool = False,
) -> RidgePredictions:
    r"""Predict responses to test stimuli by ridge regression, with the best penalty for each neuron.

    For each neuron, the intercept b and weights w minimise :math:`\|y - b - X w\|^2 + \alpha \|w\|^2`. For each neuron,
    the chosen :math:`\alpha` predicts held-out training stimuli with the smallest mean squared error.

    Parameters
    ----------
    features : array_like, shape (n_train, n_units)
    responses : array_like, shape (n_train, n_neurons)
        For float32: eigenvectors are float64, and computations for each neuron float32, which changes predictions by
        about 1e-6 of the responses' standard deviation and may change the choice between two almost equally good
        penalties.
    test_features : array_like, shape (n_test, n_units)
    penalties : array_like, shape (n_penalties,)
        Above 0, in increasing order.
    inner : sequence of array_like of int, optional
        Training rows held out together; folds have equal weight. By default leave-one-out in closed form, like
        scikit-learn's ``RidgeCV(alpha_per_target=True)``; `inner` folds are like himalaya's ``RidgeCV(cv=...)``.
    scale : bool
        Whether units are divided by their standard deviation over all training stimuli.

    Returns
    -------
    RidgePredictions

    Raises
    ------
    InputError
        If shapes disagree, values are not finite, or penalties are not positive and increasing.

    References
    ----------
    Hoerl & Kennard, Technometrics 1970; the left-out errors: Allen, Technometrics 1974.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x, w = rng.normal(size=(60, 5)), rng.normal(size=(5, 3))
    >>> ridge = ridge_predictions(x[:50], x[:50] @ w, x[50:], [0.001, 1.0, 1000.0])
    >>> ridge.penalty, bool(np.allclose(ridge.predicted, x[50:] @ w, atol=1e-3))
    (array([0.001, 0.001, 0.001]), True)
    """
    x, y, t = as_responses(features), as_responses(responses), as_responses(test_features)
    if len(x) != len(y) or x.shape[1] != t.shape[1]:
        raise InputError(
            f"features have shape {x.shape}, responses {y.shape} and test_features {t.shape}; the first two must agree "
            "in rows, the first and the last in columns"
        )
    grid = check_penalties(penalties)
    train, test = np.arange(len(x)), np.arange(len(x), len(x) + len(t))
    axes = Features(np.concatenate([x, t]), scale).axes(train, test)
    folds = None if inner is None else [np.asarray(fold, dtype=np.intp) for fold in inner]
    predicted = np.empty((len(t), y.shape[1]), y.dtype)
    chosen = choose_and_predict(axes, y, train, grid, folds, predicted)
    return RidgePredictions(predicted, np.append(grid, np.nan)[chosen])


def check_penalties(penalties: Any) -> Floats:
    """Penalties as an array; InputError unless they are finite, above 0 and increasing."""
    grid = as_array(penalties, "penalties").astype(np.float64)
    if grid.ndim != 1 or not grid.size or not np.isfinite(grid).all() or grid[0] <= 0 or (np.diff(grid) <= 0).any():
        raise InputError(
            f"penalties are {np.array2string(grid, threshold=6)}; give at least one, all above 0, in increasing order"
        )
    return grid


def choose_and_predict(
    axes: PrincipalAxes,
    responses: npt.NDArray[Any],
    train: Indices,
    penalties: Floats,
    inner: Sequence[Indices] | None,
    out: npt.NDArray[Any],
) -> Indices:
    """Choose a penalty for every neuron, by its index, and write the predictions of the test stimuli to `out`.

    The index is -1 for neurons that do not vary over the rows `train` of `responses`. Chunks of neurons are distributed
    over threads, each with single-threaded linear algebra: this is robust to load from other processes, and results do
    not depend on the number of threads.
    """
    kind = responses.dtype
    held_out = _LeftOut(axes, penalties, kind) if inner is None else _FoldsOut(axes, penalties, inner, kind)
    project, test = np.ascontiguousarray(axes.left.T, kind), axes.test.astype(kind)
    shrinkage = (axes.eigenvalues[:, None] / (axes.eigenvalues[:, None] + penalties)).astype(kind)
    chosen = np.empty(responses.shape[1], np.intp)

    def fit(neurons: slice) -> None:
        targets = responses[train, neurons]
        varies, mean = _varying(targets), targets.mean(axis=0, dtype=np.float64).astype(kind)
        targets -= mean
        best = held_out.errors(targets).argmin(axis=0)
        out[:, neurons] = test @ (shrinkage[:, best] * (project @ targets)) + mean
        chosen[neurons] = np.where(varies, best, -1)

    size = max(256, CHUNK_BYTES // (kind.itemsize * len(train)))
    in_threads(fit, [slice(start, start + size) for start in range(0, responses.shape[1], size)])
    return chosen


def in_threads(work: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    """Do the work for every item in parallel threads, with single-threaded linear algebra in each."""
    from threadpoolctl import threadpool_info, threadpool_limits

    n_threads = max([library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"] or [1])
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(n_threads, "normenc-ridge") as pool:
        return list(pool.map(work, items))


class _LeftOut:
    r"""Leave-one-out mean squared errors, for every penalty.

    The error of a stimulus left out is :math:`e_i / (1 - h_i)`, with the residuals e and leverages h of the fit to all:
    :math:`e = U \, diag(\alpha / (\lambda + \alpha)) \, U^T y` plus the component outside the axes.
    """

    def __init__(self, axes: PrincipalAxes, penalties: Floats, kind: Any) -> None:
        n_train, n_axes = axes.left.shape
        self.complete = n_axes == n_train - 1
        self.left = axes.left.astype(kind)
        remaining = penalties[:, None] / (axes.eigenvalues + penalties[:, None])
        squared = np.square(axes.left)
        outside = np.zeros(n_train) if self.complete else np.maximum(1 - 1 / n_train - squared.sum(axis=1), 0)
        factor = 1 / (outside + remaining @ squared.T)
        self.remaining, self.factor = remaining.astype(kind), factor.astype(kind)
        keep = len(penalties) * self.left.nbytes <= MAPS_BYTES
        self.maps = [self._map(number) for number in range(len(penalties))] if keep else None

    def _map(self, number: int) -> npt.NDArray[Any]:
        return self.factor[number][:, None] * (self.left * self.remaining[number])

    def errors(self, targets: npt.NDArray[Any]) -> npt.NDArray[Any]:
        projected = self.left.T @ targets
        outside = None if self.complete else targets - self.left @ projected
        means = np.empty((len(self.factor), targets.shape[1]), targets.dtype)
        for number, factor in enumerate(self.factor):
            error = (self.maps[number] if self.maps else self._map(number)) @ projected
            if outside is not None:
                error += factor[:, None] * outside
            np.einsum("st,st->t", error, error, out=means[number])
        return means


class _FoldsOut:
    """Mean squared errors of stimuli held out together, averaged over folds, for every penalty."""

    def __init__(self, axes: PrincipalAxes, penalties: Floats, folds: Sequence[Indices], kind: Any) -> None:
        scores, every = axes.scores, np.arange(len(axes.left))

        def part(fold: Indices) -> tuple[Any, ...]:
            rest = np.setdiff1d(every, fold)
            inner = Features(scores).axes(rest, fold)
            shrinkage = inner.eigenvalues / (inner.eigenvalues + penalties[:, None])
            maps = (inner.test * shrinkage[:, None, :]).astype(kind)
            return rest, fold, np.ascontiguousarray(inner.left.T, kind), maps

        self.n_penalties, self.parts = len(penalties), in_threads(part, folds)

    def errors(self, targets: npt.NDArray[Any]) -> npt.NDArray[Any]:
        total = np.zeros((self.n_penalties, targets.shape[1]), targets.dtype)
        for rest, fold, project, maps in self.parts:
            fitted = targets[rest]
            mean = fitted.mean(axis=0)
            projected = project @ (fitted - mean)
            truth = targets[fold] - mean
            for number, transform in enumerate(maps):
                error = transform @ projected
                error -= truth
                total[number] += np.einsum("st,st->t", error, error) / len(fold)
        return total


def _varying(values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Which columns differ over rows by more than rounding."""
    return np.ptp(values, axis=0) > SAME * np.abs(values).max(axis=0)


def _centred(values: npt.NDArray[Any], train: Indices, test: Indices, scale: bool) -> tuple[Floats, Floats]:
    """Training and test features z-scored with the training mean and standard deviation; constant units 0."""
    fitted, tested = values[train].astype(np.float64), values[test].astype(np.float64)
    mean = fitted.mean(axis=0)
    varies = _varying(fitted)
    fitted -= mean
    tested -= mean
    if scale:
        inverse = np.where(varies, 1 / np.where(varies, fitted.std(axis=0), 1), 0.0)
        fitted *= inverse
        tested *= inverse
    return fitted, tested
