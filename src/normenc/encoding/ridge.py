"""Ridge regression of every neuron on one set of features: all penalties at once, and one chosen for each neuron."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_array, as_responses
from normenc.encoding.axes import Features, PrincipalAxes, varying
from normenc.encoding.choosing import FoldsOut, Generalised, LeftOut, in_threads
from normenc.encoding.regression_inputs import check_same_stimuli
from normenc.errors import InputError
from normenc.rsa.labelled import turned

__all__ = ["RidgePredictions", "check_penalties", "choose_and_predict", "errors_of", "ridge_predictions"]

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

CHUNK_BYTES = 2**19  # of responses at a time: they and intermediate results stay in the cache


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
    check_same_stimuli(("the features", features), ("the responses", responses))
    x, y, t = (as_responses(turned(values, "responses")) for values in (features, responses, test_features))
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


def errors_of(
    axes: PrincipalAxes, penalties: Floats, inner: Sequence[Indices] | str | None, kind: Any
) -> LeftOut | Generalised | FoldsOut:
    """What gives errors of held-out stimuli: by leaving one out, "generalised", or by folds."""
    if inner is None:
        return LeftOut(axes, penalties, kind)
    if isinstance(inner, str):
        return Generalised(axes, penalties, kind)
    return FoldsOut(axes, penalties, inner, kind)


def choose_and_predict(
    axes: PrincipalAxes,
    responses: npt.NDArray[Any],
    train: Indices,
    penalties: Floats,
    inner: Sequence[Indices] | str | None,
    out: npt.NDArray[Any],
) -> Indices:
    """Choose a penalty for every neuron, by its index, and write the predictions of the test stimuli to `out`.

    The index is -1 for neurons that do not vary over the rows `train` of `responses`. Chunks of neurons are distributed
    over threads, each with single-threaded linear algebra: this is robust to load from other processes, and results do
    not depend on the number of threads.
    """
    kind = responses.dtype
    held_out = errors_of(axes, penalties, inner, kind)
    project, test = np.ascontiguousarray(axes.left.T, kind), axes.test.astype(kind)
    shrinkage = (axes.eigenvalues[:, None] / (axes.eigenvalues[:, None] + penalties)).astype(kind)
    chosen = np.empty(responses.shape[1], np.intp)

    def fit(neurons: slice) -> None:
        targets = responses[train, neurons]
        varies, mean = varying(targets), targets.mean(axis=0, dtype=np.float64).astype(kind)
        targets -= mean
        best = held_out.errors(targets).argmin(axis=0)
        out[:, neurons] = test @ (shrinkage[:, best] * (project @ targets)) + mean
        chosen[neurons] = np.where(varies, best, -1)

    size = max(256, CHUNK_BYTES // (kind.itemsize * len(train)))
    in_threads(fit, [slice(start, start + size) for start in range(0, responses.shape[1], size)])
    return chosen
