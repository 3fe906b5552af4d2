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
    "Related",
    "non_negative_parts",
    "products_in_samples",
    "products_of_matrices",
    "related",
    "unit",
    "variance_parts",
]

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Places = npt.NDArray[np.intp]
STATISTICS = ("semipartial", "partial", "semipartial_own", "controls")
SAME = 1e-9  # share of a vector's variance below which what the controls leave of it is rounding error
CHUNK_BYTES = 2**26  # of products of vectors, or of rows of RDMs, at a time


@dataclass(frozen=True)
class Products:
    """Correlations of controls, layers and data in samples of pairs of stimuli.

    Attributes
    ----------
    controls : ndarray, shape (n_samples, n_controls, n_controls)
    layers : ndarray, shape (n_samples, n_controls, n_layers + n_own)
        Of each control with each layer, then with each control that only some layers have.
    data : ndarray, shape (n_samples, n_controls + n_layers + n_own, n_rdms)
        Of all these, in the same order, with each of the data's RDMs.
    own : ndarray, shape (n_samples, n_layers)
        Of each layer with the control of its own; NaN without one.
    which : ndarray of int, shape (n_layers,)
        Its place among the n_own; -1 without one.
    """

    controls: Floats
    layers: Floats
    data: Floats
    own: Floats
    which: Places

    @classmethod
    def of(cls, between: Floats, to_data: Floats, n_controls: int, which: Places) -> "Products":
        """From the correlations of all with each other, of which those of layers with each other are not needed."""
        n, layer = n_controls, np.arange(len(which))
        own = between[:, n + layer, n + len(which) + which] if (which >= 0).any() else between[:, n + layer, n + layer]
        own = np.where(which >= 0, own, np.nan)
        return cls(between[:, :n, :n], between[:, :n, n:], to_data, own, which)


@dataclass(frozen=True)
class Related:
    """How controls and layers are related in samples of the stimuli, which no sample of neurons changes.

    Attributes
    ----------
    between : ndarray, shape (n_samples, n_models, n_models)
        Their correlations, of which those of layers with each other are 0.
    mean, norms : ndarray, shape (n_models, n_samples)
        Of the weighted dissimilarities.
    which : ndarray of int, shape (n_layers,)
        See :class:`Products`.
    """

    between: Floats
    mean: Floats
    norms: Floats
    which: Places


def related(models: Floats, n_controls: int, counts: Counts, which: Places | None = None) -> Related:
    """Relations of controls and layers; parameters as of :func:`products_in_samples`."""
    weights = pair_weights(counts)
    total = weights.sum(axis=0)
    n, m = n_controls, len(models)
    which = _none(m - n) if which is None else which
    paired = np.flatnonzero(which >= 0)
    mean = models @ weights / total
    first, second = np.triu_indices(n)
    rows = np.concatenate([first, np.tile(np.arange(n), m - n), np.arange(n, m), n + paired])
    columns = np.concatenate([second, np.repeat(np.arange(n, m), n), np.arange(n, m), n + len(which) + which[paired]])
    inner = _weighted(models, rows, columns, weights) - total * mean[rows] * mean[columns]
    table = np.zeros((m, m, len(total)))
    table[rows, columns] = table[columns, rows] = inner
    norms = _lengths(np.einsum("iib->ib", table), total)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = table / norms[:, None] / norms[None]
    return Related(between.transpose(2, 0, 1), mean, norms, which)


def products_in_samples(
    models: Floats,
    n_controls: int,
    data: Floats,
    counts: Counts,
    own: Floats | None = None,
    to: Related | None = None,
) -> Products:
    """Correlations in samples of the stimuli.

    Parameters
    ----------
    models : ndarray, shape (n_models, n_pairs)
        Vectors of dissimilarities, controls first, then layers, then controls of single layers; each centred and scaled
        by :func:`unit`.
    n_controls : int
    data : ndarray, shape (n_rdms, n_pairs)
        Ignored if each sample has its own.
    counts : ndarray of int, shape (n_samples, n_stimuli) or (1, n_stimuli)
        How often each stimulus is in each sample, or in all.
    own : ndarray, shape (n_rdms, n_samples, n_pairs), optional
        The data's dissimilarities in each sample.
    to : Related, optional
        Of these models in these samples; by default no layer has a control of its own.

    Returns
    -------
    Products
    """
    to = related(models, n_controls, counts) if to is None else to
    weights = pair_weights(counts)
    total = weights.sum(axis=0)
    if own is None:
        y = unit(data)
        crossed = np.stack([models @ (weights * one[:, None]) for one in y], axis=1)
        mean_y, squares = y @ weights / total, np.square(y) @ weights
    else:
        centred = unit(own)
        crossed = np.stack([models @ (weights * one.T) for one in centred], axis=1)
        mean_y = np.einsum("rbp,pb->rb", centred, weights) / total
        squares = np.einsum("rbp,rbp,pb->rb", centred, centred, weights)
    crossed -= total * to.mean[:, None] * mean_y
    norms_y = _lengths(squares - total * mean_y**2, total)
    with np.errstate(divide="ignore", invalid="ignore"):
        to_data = (crossed / to.norms[:, None] / norms_y).transpose(2, 0, 1)
    between = np.broadcast_to(to.between, (len(to_data), *to.between.shape[1:]))
    return Products.of(between, to_data, n_controls, to.which)


def _none(n_layers: int) -> Places:
    return np.full(n_layers, -1)


def products_of_matrices(
    models: Sequence[Matrix], n_controls: int, data: Floats, which: Places | None = None
) -> Products:
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
    return Products.of(between[:, :m, :m], between[:, :m, m:], n, _none(m - n) if which is None else which)


def variance_parts(products: Products) -> dict[str, Floats]:
    """What each layer explains beyond the controls, in each sample.

    Returns
    -------
    dict
        :data:`STATISTICS`. Of each layer, shape (n_samples, n_layers, n_rdms): ``semipartial`` and ``partial``
        correlation with the data given the controls, and ``semipartial_own``, given these and the control of its own;
        NaN without one. Of the controls together, shape (n_samples, 1, n_rdms): their
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
    n_all, n_layers = products.layers.shape[2], len(products.which)
    by_controls, fitted = weights[:, :, :n_all], weights[:, :, n_all:]
    left = 1 - np.einsum("bcl,bcl->bl", products.layers, by_controls)[:, :, None]
    explained = np.einsum("bcr,bcr->br", of_controls, fitted)[:, None]
    inner = of_layers - np.einsum("bcl,bcr->blr", by_controls, of_controls)
    left = np.where((left > SAME) & known[:, None, None], left, np.nan)
    own = _beyond_own(products, by_controls, left, inner)
    left, inner = left[:, :n_layers], inner[:, :n_layers]
    explained = np.where(known[:, None, None], np.clip(explained, 0, 1), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        semipartial = inner / np.sqrt(left)
        partial = np.clip(semipartial / np.sqrt(1 - explained), -1, 1)
    return dict(zip(STATISTICS, (semipartial, partial, own, explained), strict=True))


def _beyond_own(products: Products, by_controls: Floats, left: Floats, inner: Floats) -> Floats:
    """The semipartial correlation given the controls and the layer's own, which is partialled out of what they leave.

    Of each layer and control of a single layer, `left` is the variance that the controls leave, and `inner` the product
    of that with the data. An own control that is a combination of the controls changes nothing.
    """
    which = products.which
    n_layers = len(which)
    if (which < 0).all():
        return np.full((len(left), n_layers, inner.shape[2]), np.nan)
    place = n_layers + which
    shared = products.own - np.einsum("bcl,bcl->bl", products.layers[:, :, :n_layers], by_controls[:, :, place])
    slope = np.nan_to_num(shared[:, :, None] / left[:, place])
    slope = np.where(np.isnan(products.own)[:, :, None], np.nan, slope)
    still = left[:, :n_layers] - slope * shared[:, :, None]
    still = np.where(still > SAME, still, np.nan)
    return np.asarray((inner[:, :n_layers] - slope * inner[:, place]) / np.sqrt(still))


def non_negative_parts(products: Products) -> tuple[Floats, Floats]:
    """Shares of variance with weights of at least 0: of the controls, and of what each layer adds to them.

    Shapes are (n_samples, 1, n_rdms) and (n_samples, n_layers, n_rdms).
    """
    n, n_layers = products.controls.shape[1], len(products.which)
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


def unit(vectors: Floats) -> Floats:
    """Centred and scaled, which changes no correlation, so that sums in samples stay precise."""
    centred = vectors - vectors.mean(axis=-1, keepdims=True)
    largest = np.abs(centred).max(axis=-1, keepdims=True)
    return np.asarray(centred / np.where(largest > 0, largest, 1))
