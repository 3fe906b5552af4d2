"""Variance of dissimilarities by regression, in many samples at once, from products of vectors alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

from normenc.rsa.pairs import pair_weights
from normenc.rsa.stored import Matrix

__all__ = [
    "STATISTICS",
    "Products",
    "non_negative_parts",
    "products_in_samples",
    "products_of_matrices",
    "variance_parts",
]

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
STATISTICS = ("semipartial", "partial", "controls")
SAME = 1e-9  # share of a vector's variance below which what the controls leave of it is rounding error
CHUNK_BYTES = 2**26  # of products of vectors, or of rows of RDMs, at a time


@dataclass(frozen=True)
class Products:
    """Correlations of controls, layers and data in samples of pairs of stimuli.

    Attributes
    ----------
    controls : ndarray, shape (n_samples, n_controls, n_controls)
    layers : ndarray, shape (n_samples, n_controls, n_layers)
        Of each control with each layer.
    data : ndarray, shape (n_samples, n_controls + n_layers, n_rdms)
        Of each control, then each layer, with each of the data's RDMs.
    """

    controls: Floats
    layers: Floats
    data: Floats


def products_in_samples(
    models: Floats, n_controls: int, data: Floats, counts: Counts, own: Floats | None = None
) -> Products:
    """Correlations in samples of the stimuli.

    Parameters
    ----------
    models : ndarray, shape (n_models, n_pairs)
        Vectors of dissimilarities, controls first.
    n_controls : int
    data : ndarray, shape (n_rdms, n_pairs)
        Ignored if each sample has its own.
    counts : ndarray of int, shape (n_samples, n_stimuli)
        How often each stimulus is in each sample.
    own : ndarray, shape (n_rdms, n_samples, n_pairs), optional
        The data's dissimilarities in each sample.

    Returns
    -------
    Products
    """
    weights = pair_weights(counts)
    total = weights.sum(axis=0)
    x = _unit(models)
    n = n_controls
    mean = x @ weights / total
    first, second = np.triu_indices(n)
    rows = np.concatenate([first, np.tile(np.arange(n), len(x) - n), np.arange(n, len(x))])
    columns = np.concatenate([second, np.repeat(np.arange(n, len(x)), n), np.arange(n, len(x))])
    inner = _weighted(x, rows, columns, weights) - total * mean[rows] * mean[columns]
    table = np.zeros((len(x), len(x), len(total)))
    table[rows, columns] = table[columns, rows] = inner
    norms = _lengths(np.einsum("iib->ib", table), total)
    if own is None:
        y = _unit(data)
        crossed = np.stack([x @ (weights * one[:, None]) for one in y], axis=1)
        mean_y, squares = y @ weights / total, np.square(y) @ weights
    else:
        centred = _unit(own)
        crossed = np.stack([x @ (weights * one.T) for one in centred], axis=1)
        mean_y = np.einsum("rbp,pb->rb", centred, weights) / total
        squares = np.einsum("rbp,rbp,pb->rb", centred, centred, weights)
    crossed -= total * mean[:, None] * mean_y
    norms_y = _lengths(squares - total * mean_y**2, total)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = table / norms[:, None] / norms[None]
        to_data = crossed / norms[:, None] / norms_y
    between, to_data = between.transpose(2, 0, 1), to_data.transpose(2, 0, 1)
    return Products(between[:, :n, :n], between[:, :n, n:], to_data)


def products_of_matrices(models: Sequence[Matrix], n_controls: int, data: Floats) -> Products:
    """The same for all stimuli once, from RDMs of any precision read a few rows at a time; sums are in float64."""
    matrices, n_stimuli = [*models, *data], data.shape[-1]
    step = max(1, CHUNK_BYTES // (8 * len(matrices) * n_stimuli))
    scale = np.array([_scale(matrix) for matrix in matrices])[:, None]
    shift = np.array([np.mean(matrix[0, 1:], dtype=np.float64) for matrix in matrices])[:, None] / scale
    sums, inner = np.zeros(len(matrices)), np.zeros((len(matrices), len(matrices)))
    for start in range(0, n_stimuli - 1, step):
        stop = min(start + step, n_stimuli)
        above = np.arange(n_stimuli) > np.arange(start, stop)[:, None]
        rows = np.stack([matrix[start:stop][above].astype(np.float64) for matrix in matrices]) / scale - shift
        sums += rows.sum(axis=1)
        inner += rows @ rows.T
    inner -= np.outer(sums, sums) / (n_stimuli * (n_stimuli - 1) / 2)
    norms = np.sqrt(np.diagonal(inner))
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (inner / np.outer(norms, norms))[None]
    n, m = n_controls, len(models)
    return Products(between[:, :n, :n], between[:, :n, n:m], between[:, :m, m:])


def variance_parts(products: Products) -> dict[str, Floats]:
    """What each layer explains beyond the controls, in each sample.

    Returns
    -------
    dict
        :data:`STATISTICS`. Of each layer, shape (n_samples, n_layers, n_rdms): ``semipartial`` and ``partial``
        correlation with the data given the controls. Of the controls together, shape (n_samples, 1, n_rdms): their
        share of the variance, ``controls``. NaN where a control or layer has equal dissimilarities, or a layer is a
        combination of the controls.
    """
    n = products.controls.shape[1]
    known = np.asarray(np.isfinite(products.controls).all(axis=(1, 2)))
    controls = np.where(known[:, None, None], products.controls, np.eye(n))
    of_controls, of_layers = products.data[:, :n], products.data[:, n:]
    weights = np.linalg.pinv(controls, rcond=SAME, hermitian=True) @ np.concatenate(
        [products.layers, of_controls], axis=2
    )
    n_layers = products.layers.shape[2]
    by_controls, fitted = weights[:, :, :n_layers], weights[:, :, n_layers:]
    left = 1 - np.einsum("bcl,bcl->bl", products.layers, by_controls)[:, :, None]
    explained = np.einsum("bcr,bcr->br", of_controls, fitted)[:, None]
    inner = of_layers - np.einsum("bcl,bcr->blr", by_controls, of_controls)
    left = np.where((left > SAME) & known[:, None, None], left, np.nan)
    explained = np.where(known[:, None, None], np.clip(explained, 0, 1), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        semipartial = inner / np.sqrt(left)
        partial = np.clip(semipartial / np.sqrt(1 - explained), -1, 1)
    return dict(zip(STATISTICS, (semipartial, partial, explained), strict=True))


def non_negative_parts(products: Products) -> tuple[Floats, Floats]:
    """Shares of variance with weights of at least 0: of the controls, and of what each layer adds to them.

    Shapes are (n_samples, 1, n_rdms) and (n_samples, n_layers, n_rdms).
    """
    n, n_layers = products.controls.shape[1], products.layers.shape[2]
    n_samples, _, n_rdms = products.data.shape
    alone, together = np.full((n_samples, 1, n_rdms), np.nan), np.full((n_samples, n_layers, n_rdms), np.nan)
    for sample in range(n_samples):
        between = products.controls[sample]
        for which in range(n_rdms):
            target = products.data[sample, :, which]
            alone[sample, 0, which] = explained_share(between, target[:n])
            for layer in range(n_layers):
                beside = products.layers[sample, :, [layer]]
                with_layer = np.block([[between, beside.T], [beside, np.ones((1, 1))]])
                together[sample, layer, which] = explained_share(with_layer, np.append(target[:n], target[n + layer]))
    gain = together - alone
    return alone, np.where(gain < SAME, 0.0, gain)


def explained_share(between: Floats, target: Floats) -> float:
    """Share of a vector's variance that others explain with non-negative weights, from correlations alone.

    Parameters
    ----------
    between : ndarray, shape (n, n)
        Correlations of the others with each other.
    target : ndarray, shape (n,)
        Their correlations with the vector.

    Examples
    --------
    Of two unrelated vectors, the one that is negatively related to the target is left out:

    >>> round(explained_share(np.eye(2), np.array([0.6, -0.5])), 6)
    0.36
    """
    if not (np.isfinite(between).all() and np.isfinite(target).all()):
        return float("nan")
    values, axes = np.linalg.eigh(between)
    kept = values > SAME
    roots = np.sqrt(values[kept])
    weights = nnls((axes[:, kept] * roots).T, axes[:, kept].T @ target / roots)[0]
    return float(weights @ target)


def _weighted(x: Floats, rows: Counts, columns: Counts, weights: Floats) -> Floats:
    """Weighted inner products of pairs of vectors, shape (n_products, n_samples)."""
    inner = np.empty((len(rows), weights.shape[1]))
    step = max(1, CHUNK_BYTES // (8 * x.shape[1]))
    for start in range(0, len(rows), step):
        chosen = slice(start, start + step)
        inner[chosen] = (x[rows[chosen]] * x[columns[chosen]]) @ weights
    return inner


def _lengths(squares: Floats, total: Floats) -> Floats:
    """Square roots; NaN for what is only rounding error of values of size 1: all dissimilarities are equal."""
    return np.sqrt(np.where(squares > 1e-14 * total, squares, np.nan))


def _scale(matrix: Matrix) -> float:
    """A power of two, by which division is exact, near the largest of some dissimilarities, whose squares overflow."""
    places = (0, len(matrix) // 2, len(matrix) - 1)
    largest = max(float(np.abs(matrix[place]).max()) for place in places)
    return float(2.0 ** np.floor(np.log2(largest))) if largest > 0 else 1.0


def _unit(vectors: Floats) -> Floats:
    """Centred and scaled, which changes no correlation, so that sums in samples stay precise."""
    centred = vectors - vectors.mean(axis=-1, keepdims=True)
    largest = np.abs(centred).max(axis=-1, keepdims=True)
    return np.asarray(centred / np.where(largest > 0, largest, 1))
