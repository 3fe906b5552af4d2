"""Linear measures: the Pearson correlation, the cosine, and both in the metric of whitened dissimilarities."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from normenc.rsa.linear_samples import LinearSamples, SamplesOfMany, linear_ceiling, linear_samples
from normenc.rsa.pairs import n_stimuli_of, whole
from normenc.rsa.quadratic import Rows, are_many, n_pairs_in
from normenc.rsa.stored import Matrix
from normenc.rsa.ties import TIES, check_spread
from normenc.rsa.whitening import row_effects, row_sums

__all__ = ["Linear"]

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
BLOCK_BYTES = 2**20  # of RDMs at a time, which stay in the processor's cache between two passes
CACHE_BYTES = 2**21  # of samples at a time, if each has its own data and every pass goes over all of them
ROWS = 32  # of an RDM in another order at a time
CHUNK_VALUES = 2**19  # of such rows of several RDMs
WEIGHT_BYTES = 2**27  # of pair weights at a time
SAMPLE_BYTES = 2**27  # of samples of many stimuli at a time


@dataclass(frozen=True)
class Linear:
    """The cosine of two vectors of dissimilarities, after subtracting their means if `centred`.

    With `whitened`, in the metric of :mod:`normenc.rsa.whitening`. For the methods see
    :class:`normenc.rsa.one_by_one.OneByOne`.
    """

    centred: bool
    whitened: bool = False

    def compare(self, x: Floats, y: Floats) -> Floats:
        """Similarities of vectors of pairs: shape (n_x, n_y)."""
        if len(y) > len(x):
            return self.compare(y, x).T
        compare = _whitened if self.whitened else _correlation
        return compare(x, y, centred=self.centred)

    def samples(
        self, models: Floats | Sequence[Matrix], data: Floats | Sequence[Matrix]
    ) -> Callable[..., tuple[Floats, Floats]]:
        """A function that gives similarities and ceilings for counts of stimuli."""
        if are_many(n_pairs_in(data[0])):
            return SamplesOfMany(models, data, centred=self.centred, whitened=self.whitened).compare
        options = {"centred": self.centred, "whitened": self.whitened}
        return LinearSamples(np.asarray(models), np.asarray(data), **options).compare

    def at_once(self, n_vectors: int, n_pairs: int) -> int:
        """How many samples fit in memory at a time."""
        if are_many(n_pairs):
            return max(1, SAMPLE_BYTES // (8 * n_stimuli_of(n_pairs) * (n_vectors if self.whitened else 1)))
        return max(1, WEIGHT_BYTES // (8 * n_pairs))

    def own_samples(self, models: Floats, data: Floats, counts: Counts) -> Floats:
        """Similarities if every sample has its own data."""
        step = max(1, CACHE_BYTES // (8 * data.shape[1]))
        parts = []
        for start in range(0, len(data), step):
            chosen = slice(start, start + step)
            own = models if models.ndim == 2 else models[:, chosen]
            parts.append(
                linear_samples(own, data[chosen], counts[chosen], centred=self.centred, whitened=self.whitened)
            )
        return np.concatenate(parts)

    def own_ceilings(
        self, data: Floats, counts: Counts, amounts: Counts, subject: npt.NDArray[np.int64], weigh: bool
    ) -> Floats:
        """Ceilings if every sample has its own RDMs."""
        between = np.stack([self.own_samples(data, own, counts) for own in data], axis=2)
        return linear_ceiling(between, amounts.astype(float), subject, weigh)

    def permuted(self, models: Floats, data: Floats, orders: npt.NDArray[np.intp]) -> Floats:
        """Mean similarities with the data in other orders of the stimuli."""
        n_stimuli = orders.shape[1]
        x, y = (self._unit_vectors(vectors, n_stimuli) for vectors in (models, data))
        pooled = y.mean(axis=0, keepdims=True)
        products = permuted_products(x, pooled[0], orders)
        if self.whitened:
            effects = row_effects(row_sums(pooled, n_stimuli), np.ones(n_stimuli))[0]
            products += effects[orders] @ row_sums(x, n_stimuli).T
        return products

    def rounding(self, models: Floats, data: Floats) -> Floats:
        """At least 32 machine epsilons times the largest value over the spread, if the mean is subtracted."""
        if not self.centred:
            return np.full(len(models), TIES)
        ratios = [1 / (vectors / largest_of(vectors)).std(axis=1) for vectors in (models, data)]
        return np.asarray(np.maximum(TIES, 32 * np.finfo(float).eps * np.maximum(ratios[0], ratios[1].max())))

    def _unit_vectors(self, vectors: Floats, n_stimuli: int) -> Floats:
        """Vectors whose inner product, in the measure's metric, is the similarity."""
        values = vectors / largest_of(vectors)
        if self.centred:
            values = values - values.mean(axis=1, keepdims=True)
        squares = np.einsum("ij,ij->i", values, values)
        if self.whitened:
            sums = row_sums(values, n_stimuli)
            squares = squares + np.einsum("ij,ij->i", sums, row_effects(sums, np.ones(n_stimuli)))
        return values / np.sqrt(squares)[:, None]


def permuted_products(x: Floats, pooled: Floats, orders: npt.NDArray[np.intp]) -> Floats:
    """Products of unit vectors with the mean of the data in other orders of the stimuli: (n_orders, n_models).

    A permutation does not change the mean, norm or ranks of an RDM, so these are computed once.
    """
    matrix, models = whole(pooled, orders.shape[1]), Rows(x, centred=False)
    products = np.zeros((len(orders), len(x)))
    for rows, columns, values in models.blocks(ROWS):
        columns_of_models = values.reshape(len(x), -1).T
        step = max(1, CHUNK_VALUES // len(columns_of_models))
        for start in range(0, len(orders), step):
            part = orders[start : start + step]
            # Of a few rows at a time, whose values in another order are near each other in memory.
            turned = np.stack([np.take(matrix[order[rows]], order[columns], axis=1) for order in part])
            products[start : start + step] += turned.reshape(len(part), -1) @ columns_of_models
    return products * models.scale


def _correlation(x: Floats, y: Floats, *, centred: bool) -> Floats:
    """Pearson correlation or cosine in one pass over the longer stack `x`.

    With `y` centred, its products with `x` need no centring of `x`; the variance of `x` does, by the difference of
    two sums, which is exact enough unless the mean is far larger than the spread.
    """
    n_pairs = x.shape[1]
    check_spread(y, centred=centred, what="second")
    right = np.ones((len(y) + 1, n_pairs))
    right[:-1] = _centred(y) if centred else y / largest_of(y)
    norms = np.sqrt(np.einsum("ij,ij->i", right[:-1], right[:-1]))
    products, squares = np.empty((len(x), len(right))), np.empty(len(x))
    step = max(1, BLOCK_BYTES // (8 * n_pairs))
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(x), step):  # each part is read from memory once
            part = x[start : start + step]
            if len(y) < 8:  # a product with few columns is slower than single columns
                for row, vector in enumerate(part, start):
                    squares[row] = vector @ vector
                    for column, other in enumerate(right):
                        products[row, column] = vector @ other
            else:
                products[start : start + step] = part @ right.T
                squares[start : start + step] = np.einsum("ij,ij->i", part, part)
        spread = squares - products[:, -1] ** 2 / n_pairs if centred else squares
        careful = ~(spread > 1e-3 * squares) | ~(squares < 1e300) | ~(squares > 1e-280)
    similarities = products[:, :-1]
    similarities[~careful] /= np.sqrt(spread[~careful])[:, None] * norms
    if careful.any():
        check_spread(x, centred=centred, what="first", rows=np.flatnonzero(careful).tolist())
        left = _centred(x[careful]) if centred else x[careful] / largest_of(x[careful])
        length = np.sqrt(np.einsum("ij,ij->i", left, left))
        similarities[careful] = left @ right[:-1].T / np.outer(length, norms)
    return np.clip(similarities, -1, 1)


def _whitened(x: Floats, y: Floats, *, centred: bool) -> Floats:
    n_stimuli = n_stimuli_of(x.shape[1])
    vectors, rows, effects, norms = [], [], [], []
    for what, values in (("first", x), ("second", y)):
        check_spread(values, centred=centred, what=what)
        vector = _centred(values) if centred else values / largest_of(values)
        row = row_sums(vector, n_stimuli)
        effect = row_effects(row, np.ones(n_stimuli))
        square = np.einsum("ij,ij->i", vector, vector) + np.einsum("ij,ij->i", row, effect)
        vectors.append(vector)
        rows.append(row)
        effects.append(effect)
        norms.append(np.sqrt(square))
    products = vectors[0] @ vectors[1].T + rows[0] @ effects[1].T
    return np.clip(products / np.outer(*norms), -1, 1)


def _centred(vectors: Floats) -> Floats:
    centred = vectors - vectors.mean(axis=1, keepdims=True)
    centred /= largest_of(centred)  # so that no square overflows or underflows
    return centred


def largest_of(vectors: Floats) -> Floats:
    """The largest magnitude of each vector, shape (n, 1); 1 if all are 0."""
    largest = np.maximum(vectors.max(axis=1, keepdims=True), -vectors.min(axis=1, keepdims=True))
    return np.where(largest > 0, largest, 1)
