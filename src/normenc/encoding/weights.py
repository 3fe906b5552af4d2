"""The weights of a ridge regression, fitted to all stimuli at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_count, as_responses
from normenc.encoding.axes import Features
from normenc.encoding.regression_inputs import check_same_stimuli
from normenc.encoding.ridge import check_penalties, choose_and_predict
from normenc.errors import InputError
from normenc.rsa.labelled import turned

__all__ = ["RidgeWeights", "ridge_weights"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class RidgeWeights:
    """Results of :func:`ridge_weights`.

    Attributes
    ----------
    weights : ndarray, shape (n_units, n_neurons)
    intercept : ndarray, shape (n_neurons,)
    penalty : ndarray, shape (n_neurons,)
        The chosen penalty; NaN for neurons that do not vary, whose weights are 0.
    """

    weights: Floats
    intercept: Floats
    penalty: Floats


def ridge_weights(
    features: Any,
    responses: Any,
    penalties: Any,
    *,
    relative: bool = True,
    inner: Sequence[Any] | None = None,
    scale: bool = False,
    reduce_to: int | None = None,
) -> RidgeWeights:
    """Fit every neuron by ridge regression on a layer, with the penalty that best predicts held-out stimuli.

    Parameters
    ----------
    features : array_like, shape (n_stimuli, n_units)
    responses : array_like, shape (n_stimuli, n_neurons)
    penalties : array_like, shape (n_penalties,)
        Above 0, in increasing order.
    relative : bool
        Whether penalties are multiples of the mean variance along the features' principal axes, see
        :func:`normenc.encoding.cross_validated_predictions`.
    inner : sequence of array_like of int, optional
        Rows held out together to choose the penalties; leave-one-out by default.
    scale : bool
        Whether units are divided by their standard deviation before fitting. Weights refer to unscaled units.
    reduce_to : int, optional
        Principal components of the features that are kept; all by default.

    Returns
    -------
    RidgeWeights
        ``features @ weights + intercept`` are the predictions.

    Raises
    ------
    InputError
        If shapes disagree, values are not finite, no unit varies, `reduce_to` is below 1, or penalties are not positive
        and increasing.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> layer, true = rng.normal(size=(60, 5)), rng.normal(size=(5, 3))
    >>> ridge = ridge_weights(layer, layer @ true + 2, [1e-6, 1.0])
    >>> bool(np.allclose(ridge.weights, true, atol=1e-4)), ridge.intercept.round(3)
    (True, array([2., 2., 2.]))
    """
    check_same_stimuli(("the features", features), ("the responses", responses))
    x, y = (as_responses(turned(values, "responses")) for values in (features, responses))
    y = y.astype(np.float64)
    if len(x) != len(y):
        raise InputError(f"features have {len(x)} rows and responses {len(y)}; give one row per stimulus in both")
    every, nothing = np.arange(len(x)), np.empty(0, dtype=np.intp)
    n_components = None if reduce_to is None else as_count(reduce_to, "reduce_to")
    axes = Features(x, scale).axes(every, nothing, n_components)
    if not axes.eigenvalues.size:
        raise InputError(f"no unit varies over the {len(x)} stimuli, so that nothing can be predicted from this layer")
    grid = check_penalties(penalties)
    absolute = grid * (axes.eigenvalues.mean() if relative else 1)
    folds = None if inner is None else [np.asarray(fold, dtype=np.intp) for fold in inner]
    chosen = choose_and_predict(axes, y, every, absolute, folds, np.empty((0, y.shape[1])))
    mean, varies = y.mean(axis=0), chosen >= 0
    # With Z = U S V^T the weights are Z^T U (S^2 + penalty)^-1 U^T y: no matrix of units x units is made.
    along = axes.left.T @ np.where(varies, y - mean, 0.0) / (axes.eigenvalues[:, None] + absolute[chosen])
    centre = x.mean(axis=0, dtype=np.float64)
    spread = _spread(x) if scale else 1.0
    z = (x - centre) / spread
    weights = z.T @ (axes.left @ along) / np.reshape(spread, (-1, 1))
    return RidgeWeights(weights, mean - centre @ weights, np.append(grid, np.nan)[chosen])


def _spread(features: npt.NDArray[Any]) -> Floats:
    """Standard deviation of each unit, infinite if it does not vary, which gives it weight 0."""
    spread = features.std(axis=0, dtype=np.float64)
    still = np.ptp(features, axis=0) <= 1e-12 * np.abs(features).max(axis=0)
    return np.where(still, np.inf, spread)
