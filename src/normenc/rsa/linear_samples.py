"""Linear measures in bootstrap samples: the sums behind all samples are one matrix product."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from normenc.rsa.pairs import pair_weights, whole
from normenc.rsa.quadratic import Rows, total_of_pairs
from normenc.rsa.stored import Matrix
from normenc.rsa.whitening import row_effects

__all__ = ["LinearSamples", "SamplesOfMany", "linear_ceiling", "linear_samples", "without_rounding"]

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
CHUNK_BYTES = 2**20  # of pairs' weights and products at a time, which stay in the processor's cache


class LinearSamples:
    """Similarities and ceilings in any samples of the stimuli, from products of pairs of vectors."""

    def __init__(self, models: Floats, data: Floats, *, centred: bool, whitened: bool):
        self.centred, self.whitened = centred, whitened
        vectors = np.vstack([models, data])
        if self.centred:
            vectors = vectors - vectors.mean(axis=1, keepdims=True)
        vectors = vectors / np.maximum(np.abs(vectors).max(axis=1, keepdims=True), np.finfo(float).tiny)
        self.vectors = np.vstack([vectors, np.ones(vectors.shape[1])])
        self._need_products(len(models), len(data))

    def _need_products(self, n_models: int, n_rdms: int) -> None:
        """Products needed: models x data, data x data, each vector with itself and with the constant vector."""
        self.n_models, self.n_rdms = n_models, n_rdms
        constant = n_models + n_rdms
        everyone, ours = np.arange(constant), np.arange(n_models, constant)
        first, second = np.meshgrid(everyone, ours, indexing="ij")
        needed = first.ravel() <= second.ravel()
        self.first = np.concatenate([first.ravel()[needed], np.arange(n_models), everyone, [constant]])
        self.second = np.concatenate([second.ravel()[needed], np.arange(n_models), [constant] * (constant + 1)])

    def compare(
        self, counts: Counts, rdm_counts: Counts | None, subject: npt.NDArray[np.int64] | None, weigh: bool
    ) -> tuple[Floats, Floats]:
        """See :func:`normenc.rsa.weighted.similarities`."""
        products, means = self._products(counts)
        n_vectors = self.n_models + self.n_rdms
        n_inner = len(self.first) - 1 - n_vectors
        own = np.flatnonzero(self.first[:n_inner] == self.second[:n_inner])
        uncentred = np.empty((n_vectors, len(counts)))
        uncentred[self.first[own]] = products[own]
        if self.centred:
            constant = products[-1 - n_vectors : -1]
            inner = self.first[: -1 - n_vectors], self.second[: -1 - n_vectors]
            products = (
                products[: -1 - n_vectors]
                - means[inner[0]] * constant[inner[1]]
                - means[inner[1]] * constant[inner[0]]
                + means[inner[0]] * means[inner[1]] * products[-1]
            )
        table = np.full((n_vectors, n_vectors, len(counts)), np.nan)
        table[self.first[:n_inner], self.second[:n_inner]] = products[:n_inner]
        norms = np.sqrt(without_rounding(np.einsum("iib->ib", table), uncentred))
        n = self.n_models
        similarity = table[:n, n:] / norms[:n, None] / norms[None, n:]
        ceiling = np.full((len(counts), 2), np.nan)
        if subject is not None and rdm_counts is not None:
            between = table[n:, n:] / norms[n:, None] / norms[None, n:]
            between = np.where(np.isnan(between), between.transpose(1, 0, 2), between)
            ceiling = linear_ceiling(between.transpose(2, 0, 1), rdm_counts.astype(float), subject, weigh)
        return similarity.transpose(2, 0, 1), ceiling

    def _products(self, counts: Counts) -> tuple[Floats, Floats]:
        """All products, and the mean of each vector, in every sample."""
        amounts = np.ascontiguousarray(counts.T, dtype=np.float64)
        products = np.zeros((len(self.first), len(counts)))
        rows, columns = np.triu_indices(len(amounts), k=1)
        step = max(1, CHUNK_BYTES // (8 * max(products.shape)))
        for start in range(0, len(rows), step):
            pairs = slice(start, start + step)
            vectors, weights = self.vectors[:, pairs], amounts[rows[pairs]]
            weights *= amounts[columns[pairs]]  # in place, as a third array would not stay in the cache
            products += (vectors[self.first] * vectors[self.second]) @ weights
        means = products[-len(self.vectors) : -1] / products[-1]
        if self.whitened:
            sums = np.einsum("vij,jb->bvi", whole(self.vectors, len(amounts)), amounts, optimize=True)
            products += self._crossed(sums, amounts.T)
        return products, means

    def _crossed(self, sums: Floats, amounts: Floats) -> Floats:
        """What the metric of whitened dissimilarities adds to the products."""
        effects = row_effects(sums, amounts[:, None]) * amounts[:, None]
        crossed = sums @ effects.transpose(0, 2, 1)
        return np.asarray(crossed[:, self.first, self.second].T)


class SamplesOfMany(LinearSamples):
    """The same for many stimuli, whose pairs are too many to weigh each in every sample."""

    def __init__(
        self,
        models: Floats | Sequence[Matrix],
        data: Floats | Sequence[Matrix],
        *,
        centred: bool,
        whitened: bool,
    ):
        self.centred, self.whitened = centred, whitened
        self.rows = Rows(models, data, centred=centred)
        self._need_products(len(models), len(data))

    def _products(self, counts: Counts) -> tuple[Floats, Floats]:
        amounts = counts.astype(np.float64)
        n_vectors = self.n_models + self.n_rdms
        products = np.zeros((len(self.first), len(counts)))
        sums = np.zeros((len(counts), n_vectors + 1, counts.shape[1] if self.whitened else 0))
        for rows, columns, values in self.rows.blocks():
            left, right = np.ascontiguousarray(amounts[:, rows].T), np.ascontiguousarray(amounts[:, columns].T)
            for place, (one, other) in enumerate(zip(self.first[:-1], self.second[:-1], strict=True)):
                product = values[one] if other == n_vectors else values[one] * values[other]
                of_rows = product @ right
                products[place] += np.einsum("rb,rb->b", of_rows, left)
                if self.whitened and other == n_vectors:
                    sums[:, one, rows] += of_rows.T
                    sums[:, one, columns] += left.T @ product
        products[-1] = total_of_pairs(amounts)
        means = products[-1 - n_vectors : -1] / products[-1]
        if self.whitened:
            sums[:, -1] = amounts.sum(axis=1, keepdims=True) - amounts
            products += self._crossed(sums, amounts)
        return products, means


def linear_samples(models: Floats, data: Floats, counts: Counts, *, centred: bool, whitened: bool) -> Floats:
    """Similarities if every sample has its own data: (n_samples, n_pairs) gives (n_samples, n_models)."""
    weights = pair_weights(counts).T
    total = weights.sum(axis=1)
    x, y = models, data
    means = np.zeros((len(x), len(y)))
    if centred:
        x = x - x.mean(axis=-1, keepdims=True)  # so that the sample's own means are small
        means = _weighted_sums(x, weights) / total
        y = y - (np.einsum("bp,bp->b", weights, y) / total)[:, None]
    # Since y is centred in the sample, centring x would not change their product.
    products = _weighted_sums(x, weights * y)
    uncentred = _weighted_sums(x * x, weights)
    squares = uncentred - means**2 * total
    own = np.einsum("bp,bp,bp->b", weights, y, y)
    if whitened:
        amounts = counts.astype(np.float64)
        matrices = whole(x, counts.shape[1])
        sums_x = np.einsum("vij,bj->vbi" if x.ndim == 2 else "vbij,bj->vbi", matrices, amounts, optimize=True)
        sums_x -= means[:, :, None] * (amounts.sum(axis=1, keepdims=True) - amounts)
        sums_y = np.einsum("bij,bj->bi", whole(y, counts.shape[1]), amounts)
        effects_x, effects_y = (row_effects(v, amounts) * amounts for v in (sums_x, sums_y))
        products += np.einsum("vbi,bi->vb", sums_x, effects_y)
        squares += np.einsum("vbi,vbi->vb", sums_x, effects_x)
        own += np.einsum("bi,bi->b", sums_y, effects_y)
    size = np.abs(data).max(axis=1)
    if centred:  # an offset carries no information, but causes rounding error
        size = np.maximum(np.ptp(data, axis=1), 1e-8 * size)
    own = without_rounding(own, total * size**2)
    return (products / np.sqrt(without_rounding(squares, uncentred) * own)).T


def without_rounding(squares: Floats, reference: Floats) -> Floats:
    """Squared lengths; NaN if they are only rounding error relative to a reference: all dissimilarities are equal."""
    return np.where(squares > 1e-14 * reference, squares, np.nan)


def _weighted_sums(x: Floats, weights: Floats) -> Floats:
    return x @ weights.T if x.ndim == 2 else np.einsum("vbp,bp->vb", x, weights)


def linear_ceiling(between: Floats, amounts: Floats, subject: npt.NDArray[np.int64], weigh: bool) -> Floats:
    """Ceilings from the data's similarities with each other, shape (n_samples, n_rdms, n_rdms).

    The RDM that is most similar to several on average is the mean of these after scaling each to unit length (in the
    metric of the measure), so that its similarities follow from theirs with each other.
    """
    lower, upper, present = [], [], []
    everyone = _similarity_with_mean(between, amounts)
    for one in np.unique(subject):
        own = subject == one
        others = amounts * ~own
        left_out = _similarity_with_mean(between, others)
        lower.append(left_out[:, own].mean(axis=1))
        upper.append(everyone[:, own].mean(axis=1))
        present.append(amounts[:, own].max(axis=1))
    times = np.array(present)
    enough = (times > 0).sum(axis=0) > 1
    times = times if weigh else (times > 0).astype(float)
    means = [np.where(times > 0, np.array(v) * times, 0).sum(axis=0) / times.sum(axis=0) for v in (lower, upper)]
    return np.where(enough, means, np.nan).T


def _similarity_with_mean(between: Floats, amounts: Floats) -> Floats:
    products = np.einsum("brs,bs->br", between, amounts)
    return products / np.sqrt(np.einsum("br,br->b", products, amounts))[:, None]
