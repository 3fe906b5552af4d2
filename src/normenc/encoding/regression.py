"""Cross-validated regression from an encoder's layer to every neuron of a recording."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_responses
from normenc.encoding.axes import Features, PrincipalAxes
from normenc.encoding.choosing import in_threads
from normenc.encoding.folds import fold_of_each, stimulus_folds
from normenc.encoding.regression_inputs import as_features, check_apart, check_memory, check_same_stimuli, inner_folds
from normenc.encoding.ridge import check_penalties, choose_and_predict
from normenc.errors import InputError
from normenc.rsa.labelled import turned
from normenc.showing import Listed

__all__ = ["METHODS", "PENALTIES", "Prediction", "cross_validated_predictions"]

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

METHODS = ("ridge", "pls")
CHOICES = ("leave-one-out", "folds", "generalised")
PENALTIES: Floats = np.logspace(-5, 4, 20)
PENALTIES.setflags(write=False)
PLS_COMPONENTS = 25


@dataclass(frozen=True, repr=False)
class Prediction(Listed):
    """Results of :func:`cross_validated_predictions`.

    Attributes
    ----------
    predicted : ndarray, shape (n_stimuli, n_neurons)
        Each row is predicted by a model fitted to stimuli of other folds. Same type as the responses.
    fold : ndarray of int, shape (n_stimuli,)
        The fold in which each stimulus was predicted.
    method : str
    penalties : ndarray, shape (n_penalties,), or None
        The given grid; None for partial least squares.
    penalty : ndarray, shape (n_folds, n_neurons), or None
        The chosen penalty; NaN if a neuron does not vary over the training stimuli.
    ordered : bool
        Whether folds were arcs of neighbours on a circle.
    warnings : tuple of str
        Caveats to report with the predictions: penalties at an end of the grid, neurons that do not vary.
    """

    predicted: npt.NDArray[Any] = field(repr=False)
    fold: Indices = field(repr=False)
    method: str
    penalties: Floats | None = field(default=None, repr=False)
    penalty: Floats | None = field(default=None, repr=False)
    ordered: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def at_lowest(self) -> Floats | None:
        """Share of folds in which each neuron chose the lowest penalty, shape (n_neurons,)."""
        return self._share(0)

    @property
    def at_highest(self) -> Floats | None:
        """Share of folds in which each neuron chose the highest penalty, shape (n_neurons,)."""
        return self._share(-1)

    def _share(self, member: int) -> Floats | None:
        if self.penalty is None or self.penalties is None:
            return None
        return np.mean(self.penalty == self.penalties[member], axis=0)


def cross_validated_predictions(
    features: Any,
    responses: Any,
    *,
    method: str = "ridge",
    penalties: Any = None,
    relative: bool = True,
    choose: str | None = None,
    n_components: int | None = None,
    scale: bool = False,
    reduce_to: int | None = None,
    stimulus: Any = None,
    n_folds: int = 5,
    ordered: bool = False,
    blocks_per_fold: int = 1,
    folds: Sequence[Any] | None = None,
    memory_gib: float = 4.0,
    seed: int = 0,
) -> Prediction:
    r"""Predict every neuron's responses to each stimulus from a layer, with a regression fitted to other stimuli.

    Everything (means, standard deviations, principal components, penalties, weights) is estimated only from the
    training stimuli of each fold.

    Parameters
    ----------
    features : array_like, shape (n_stimuli, n_units)
        An encoder's layer, such as one of :func:`normenc.representations.represent`. If there are more units than
        stimuli they are read in blocks, so it may be a memory-mapped array.
    responses : array_like, shape (n_stimuli, n_neurons)
        Averages over trials. float32 is fitted in float32, see :func:`normenc.encoding.ridge.ridge_predictions`.
    method : str
        ``"ridge"``: with one penalty per neuron. ``"pls"``: partial least squares onto all neurons at once
        (scikit-learn's ``PLSRegression(scale=False)``), which weights neurons by their variance.
    penalties : array_like, shape (n_penalties,), optional
        Above 0, rising; by default 20 from 1e-5 to 1e4.
    relative : bool
        True: penalties are multiples of the mean variance of the training features along their principal axes (the
        mean of the nonzero eigenvalues of :math:`Z Z^T`), so that one grid suits layers of any size and scale. False:
        they are absolute, as in scikit-learn and himalaya.
    choose : str, optional
        How each neuron's penalty is chosen within the training stimuli: ``"leave-one-out"``; ``"folds"``, made like the
        outer ones; or ``"generalised"`` cross-validation, nearly the first at a fraction of its time with thousands of
        stimuli and neurons. By default the first; the second if stimuli are ordered or have several rows, since leaving
        out a row while fitting similar ones would select too small a penalty.
    n_components : int, optional
        Components of partial least squares; by default 25, or the dimension of the features if that is lower.
    scale : bool
        Whether units are divided by their standard deviation. By default they are only centred, which preserves the
        geometry of the layer.
    reduce_to : int, optional
        Principal components of the features that are kept; all by default.
    stimulus : array_like, shape (n_stimuli,), optional
        Labels; rows with equal labels are the same stimulus and stay in one fold. For orientations from -90 to 90 give
        ``orientation % 180``.
    n_folds, ordered, blocks_per_fold
        See :func:`normenc.encoding.folds.stimulus_folds`. Give `ordered` for orientations all around the circle.
    folds : sequence of array_like of int, optional
        Rows tested in each fold, instead of these three.
    memory_gib : float
        Memory limit for the calculation, besides inputs and outputs.
    seed : int
        Seed of the folds.

    Returns
    -------
    Prediction

    Raises
    ------
    InputError
        If features and responses differ in stimuli, values are not finite, there are fewer stimuli than folds, a
        stimulus is in two folds, no unit varies, an argument is impossible, or memory is insufficient.

    References
    ----------
    Naselaris et al., "Encoding and decoding in fMRI", NeuroImage 2011; Dupre la Tour et al., "Feature-space selection
    with banded ridge regression", NeuroImage 2022; partial least squares onto neurons: Yamins et al., PNAS 2014.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> layer = rng.normal(size=(100, 8))
    >>> neurons = layer @ rng.normal(size=(8, 30)) + 0.1 * rng.normal(size=(100, 30))
    >>> prediction = cross_validated_predictions(layer, neurons)
    >>> bool(np.corrcoef(prediction.predicted[:, 0], neurons[:, 0])[0, 1] > 0.99), prediction.penalty.shape
    (True, (5, 30))
    """
    check_same_stimuli(("the features", features), ("the responses", responses))
    x, y = as_features(features, memory_gib), as_responses(turned(responses, "responses"))
    labels = np.arange(len(y)) if stimulus is None else np.asarray(stimulus)
    if len(x) != len(y) or labels.shape != (len(y),):
        raise InputError(
            f"features have {len(x)} rows, responses {len(y)} and stimulus {labels.size}; give one row, and one label, "
            "per stimulus"
        )
    _check_options(method, choose, n_components=n_components, reduce_to=reduce_to)
    grid = check_penalties(PENALTIES if penalties is None else penalties)
    deal = partial(stimulus_folds, n_folds=n_folds, ordered=ordered, blocks_per_fold=blocks_per_fold, seed=seed)
    fold = fold_of_each(deal(labels) if folds is None else folds, len(y))
    check_apart(labels, fold)
    check_memory(x, fold, memory_gib)
    alone = choose == "leave-one-out" or (choose is None and not ordered and len(np.unique(labels)) == len(labels))
    layer, predicted, notes = Features(x, scale), np.empty(y.shape, y.dtype), []
    chosen = np.empty((fold.max() + 1, y.shape[1]), np.intp)
    for number in range(len(chosen)):
        test, train = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
        axes, part = _axes(layer, train, test, reduce_to), np.empty((len(test), y.shape[1]), y.dtype)
        if method == "pls":
            notes += _partial_least_squares(axes, y, train, n_components, part)
        else:
            absolute = grid * (axes.eigenvalues.mean() if relative else 1)
            inner = choose if choose == "generalised" else None if alone else inner_folds(deal, labels[train])
            chosen[number] = choose_and_predict(axes, y, train, absolute, inner, part)
        predicted[test] = part
    if method == "pls":
        return Prediction(predicted, fold, method, ordered=ordered, warnings=tuple(dict.fromkeys(notes)))
    penalty = np.append(grid, np.nan)[chosen]
    return Prediction(predicted, fold, method, grid, penalty, ordered, _at_edges(grid, penalty))


def _axes(layer: Features, train: Indices, test: Indices, reduce_to: int | None) -> PrincipalAxes:
    axes = layer.axes(train, test, reduce_to)
    if not axes.eigenvalues.size:
        raise InputError(
            f"no unit varies over the {len(train)} training stimuli of a fold, so that nothing can be predicted from "
            "this layer; leave it out"
        )
    return axes


def _check_options(method: str, choose: str | None, **counts: int | None) -> None:
    if method not in METHODS:
        raise InputError(f"method is {method!r}; it must be one of {', '.join(METHODS)}")
    if choose is not None and choose not in CHOICES:
        raise InputError(f"choose is {choose!r}; it must be one of {', '.join(map(repr, CHOICES))}")
    for name, count in counts.items():
        if count is not None and count < 1:
            raise InputError(f"{name} is {count}; it must be at least 1")


def _partial_least_squares(
    axes: PrincipalAxes, responses: npt.NDArray[Any], train: Indices, n_components: int | None, out: npt.NDArray[Any]
) -> list[str]:
    """Write predictions of the test stimuli to `out`; return warnings.

    Partial least squares is equivariant to rotations of features and responses, so both enter as principal component
    scores: at most as many columns as stimuli, for any number of units and neurons.
    """
    products = np.zeros((len(train), len(train)))
    chunks = [slice(start, start + 1024) for start in range(0, responses.shape[1], 1024)]
    for neurons in chunks:
        targets, _ = _centred(responses, train, neurons)
        products += targets @ targets.T
    variances, rotation = np.linalg.eigh(products)
    kept = variances > len(train) * np.finfo(np.float64).eps * max(variances[-1], 0)
    lengths, rotation = np.sqrt(variances[kept]), rotation[:, kept]
    wanted, possible = n_components or PLS_COMPONENTS, len(axes.eigenvalues)
    coefficients = _pls_coefficients(axes.scores, rotation * lengths, min(wanted, possible))
    weights = axes.test_scores @ coefficients / lengths @ rotation.T

    def predict(neurons: slice) -> None:
        targets, mean = _centred(responses, train, neurons)
        out[:, neurons] = weights @ targets + mean

    in_threads(predict, chunks)
    if n_components is None or wanted <= possible:
        return []
    return [f"n_components is {wanted}, but the features of a fold have {possible} dimensions; all of them were used"]


def _pls_coefficients(features: Floats, responses: Floats, n_components: int) -> Floats:
    """Coefficients (n_features, n_responses) of partial least squares, for centred data.

    Each component is the leading singular vector of the covariance with the residual, from a singular value
    decomposition: power iterations (NIPALS) stop early if the first two singular values are similar.
    """
    coefficients = np.zeros((features.shape[1], responses.shape[1]))
    x, weights, loadings, of_responses = features.copy(), [], [], []
    size = np.linalg.norm(features) * np.linalg.norm(responses)
    for _ in range(n_components):
        left, singular, _ = np.linalg.svd(x.T @ responses, full_matrices=False)
        if not singular.size or singular[0] <= 1e-12 * size:
            break
        score = x @ left[:, 0]
        loading = x.T @ score / (score @ score)
        x -= np.outer(score, loading)
        weights.append(left[:, 0])
        loadings.append(loading)
        of_responses.append(responses.T @ score / (score @ score))
    if not weights:
        return coefficients
    w, p, q = (np.stack(vectors, axis=1) for vectors in (weights, loadings, of_responses))
    return w @ np.linalg.solve(p.T @ w, q.T)


def _centred(responses: npt.NDArray[Any], train: Indices, neurons: slice) -> tuple[Floats, Floats]:
    targets = responses[train, neurons].astype(np.float64)
    mean = targets.mean(axis=0)
    return targets - mean, mean


def _at_edges(grid: Floats, penalty: Floats) -> tuple[str, ...]:
    notes = []
    n_still = int(np.isnan(penalty).any(axis=0).sum())
    if n_still:
        notes.append(
            f"{n_still:,} neurons do not vary over a fold's training stimuli; they are predicted by their mean"
        )
    shares = [float((penalty == edge).mean()) for edge in (grid[0], grid[-1])]
    if len(grid) > 1 and shares[0]:
        notes.append(
            f"{shares[0]:.1%} of the neurons' penalties lie at the lower edge of the grid, {grid[0]:g}; "
            "begin the grid lower (argument penalties), unless errors hardly depend on penalties so small"
        )
    if len(grid) > 1 and shares[1]:
        notes.append(
            f"{shares[1]:.1%} of the neurons' penalties lie at the upper edge of the grid, {grid[-1]:g}; that is so "
            "for neurons that the layer does not predict, and else a reason to end the grid higher (argument penalties)"
        )
    return tuple(notes)
