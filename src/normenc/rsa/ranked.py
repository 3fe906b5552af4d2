"""Measures by rank: what they share, Spearman's correlation and rho-a."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.rsa.linear import permuted_products
from normenc.rsa.one_by_one import OneByOne
from normenc.rsa.ties import begins, check_spread

__all__ = ["ByRank", "Spearman", "in_threads", "ranks", "sort_order", "sort_ranks"]

Floats = npt.NDArray[np.float64]


class ByRank(OneByOne):
    """What measures by rank share: samples differ in their ranks."""

    def prepared(self, vectors: Floats) -> Callable[[Floats], Floats]:
        """Gives ranks in a sample, of vectors that are sorted once."""
        return _Sorted(vectors).ranks

    def in_sample(self, vectors: Floats, weight: Floats) -> Floats:
        """Ranks in one sample."""
        return np.stack([_weighted_ranks(vector, weight) for vector in vectors])

    def pooled(self, shares: Floats, own: Floats, weight: Floats) -> Floats:
        """Mean ranks, whose order no other RDM's exceeds in mean rank correlation."""
        return _pooled_ranks(shares @ own, weight)


@dataclass(frozen=True)
class Spearman(ByRank):
    """The Pearson correlation of ranks or, where it is not divided by the variance of tied ranks, rho-a."""

    by_variance: bool

    def compare(self, x: Floats, y: Floats) -> Floats:
        """Similarities of vectors of pairs: shape (n_x, n_y)."""
        if len(y) > len(x):
            return self.compare(y, x).T
        return _rank_correlation(x, y, by_variance=self.by_variance)

    def table(self, x: Floats, y: Floats, weight: Floats, wanted: npt.NDArray[np.bool_] | None = None) -> Floats:
        """From centred ranks; all, in one product."""
        products = (x * weight) @ y.T
        if not self.by_variance:
            total = weight.sum()
            return products * 12 / (total**3 - total)
        norms = [np.sqrt((v * v) @ weight) for v in (x, y)]
        return products / np.outer(*(np.where(norm > 0, norm, np.nan) for norm in norms))

    def permuted(self, models: Floats, data: Floats, orders: npt.NDArray[np.intp]) -> Floats:
        """Mean similarities with the data whose stimuli stand in other orders."""
        x, y = (self._unit_vectors(vectors) for vectors in (models, data))
        return permuted_products(x, y.mean(axis=0), orders)

    def _unit_vectors(self, vectors: Floats) -> Floats:
        values = np.stack([ranks(v) for v in vectors])
        values = values - values.mean(axis=1, keepdims=True)
        squares = np.einsum("ij,ij->i", values, values)
        if not self.by_variance:
            n_pairs = values.shape[1]
            squares = np.full(len(values), (n_pairs**3 - n_pairs) / 12)
        return values / np.sqrt(squares)[:, None]


def _rank_correlation(x: Floats, y: Floats, *, by_variance: bool) -> Floats:
    """Spearman correlation, or rho-a where it is not divided by the variance of tied ranks."""
    for what, values in (("first", x), ("second", y)):
        check_spread(values, centred=True, what=what)
    n_pairs = x.shape[1]
    right = np.stack([ranks(v) for v in y]) - (n_pairs + 1) / 2
    untied = (n_pairs**3 - n_pairs) / 12
    columns = right.T.copy()

    def of(vector: Floats) -> tuple[Floats, float]:
        order, ordered = sort_order(vector)
        middle, square = _tied_ranks(ordered)
        return (middle - (n_pairs + 1) / 2) @ columns[order], square

    rows, squares = zip(*in_threads(of, x), strict=True)
    similarities = np.stack(rows)
    norms = np.einsum("ij,ij->i", right, right)
    left = np.array(squares)
    similarities /= np.sqrt(np.outer(left, norms)) if by_variance else untied
    return np.clip(similarities, -1, 1)


def ranks(vector: Floats) -> Floats:
    """Ranks from 1, ties sharing their mean rank."""
    order, ordered = sort_order(vector)
    ranked = np.empty(len(vector))
    ranked[order] = _tied_ranks(ordered)[0]
    return ranked


def sort_order(vector: Floats) -> tuple[npt.NDArray[np.int64], Floats]:
    """The order that sorts `vector`, of any precision, and the sorted vector.

    Sorting is twice as fast as finding an order. So the vector's leading bits are sorted with the position in their
    last ones; where that leaves two values in the wrong order, the order is found as usual.
    """
    width = max(1, int(len(vector) - 1).bit_length())
    keys = np.add(vector, 0.0, dtype=np.float64).view(np.int64)  # adding zero makes -0.0 zero
    keys = np.where(keys < 0, keys ^ np.int64(0x7FFFFFFFFFFFFFFF), keys)  # floats in order are integers in order
    mask = np.int64((1 << width) - 1)
    keys = (keys & ~mask) | np.arange(len(vector))
    keys.sort()
    order = keys & mask
    ordered = vector[order]
    if np.any(ordered[1:] < ordered[:-1]):
        order = np.argsort(vector, kind="stable")
        ordered = vector[order]
    return order, ordered


def sort_ranks(vectors: Floats) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The order that sorts each row of ranks or sums of ranks, whose doubles are whole numbers; these, sorted."""
    n_entries = vectors.shape[1]
    width = max(1, int(n_entries - 1).bit_length())
    keys = np.rint(2 * vectors).astype(np.int64) * (1 << width) + np.arange(n_entries)
    keys.sort(axis=1)
    return keys & ((1 << width) - 1), keys >> width


def _tied_ranks(ordered: Floats) -> tuple[Floats, float]:
    """Mean ranks of sorted values, and the sum of their squares about the mean."""
    n = len(ordered)
    starts = np.flatnonzero(begins(ordered))
    untied = (float(n) ** 3 - n) / 12
    if len(starts) == n:
        return np.arange(1.0, n + 1), untied
    sizes = np.diff(starts, append=n)
    return np.repeat(starts + (sizes + 1) / 2, sizes), untied - float((sizes.astype(float) ** 3 - sizes).sum()) / 12


def in_threads(function: Callable[[Floats], Any], rows: Floats) -> list[Any]:
    """Apply `function` to every row; sorting leaves Python's lock to others, so that two threads are faster."""
    if rows.size < 100_000:
        return [function(row) for row in rows]
    with ThreadPoolExecutor() as pool:
        return list(pool.map(function, rows))


def _weighted_ranks(vector: Floats, weight: Floats) -> Floats:
    """Centred ranks of one vector in a sample; ties share theirs."""
    order, ordered = sort_order(vector)
    running = np.concatenate(([0.0], weight[order].cumsum()))
    starts = np.flatnonzero(begins(ordered))
    sizes = np.diff(starts, append=len(ordered))
    ranks = np.empty(len(vector))
    ranks[order] = np.repeat((running[starts] + running[starts + sizes] - running[-1]) / 2, sizes)
    return ranks


def _pooled_ranks(totals: Floats, weight: Floats) -> Floats:
    """Centred weighted ranks of each row of `totals`, sums of ranks."""
    n_rows, n_pairs = totals.shape
    order, values = sort_ranks(totals)
    running = np.zeros((n_rows, n_pairs + 1))
    np.cumsum(weight[order], axis=1, out=running[:, 1:])
    fresh = np.pad(values[:, 1:] != values[:, :-1], ((0, 0), (1, 1)), constant_values=True)
    begin = np.maximum.accumulate(np.where(fresh[:, :-1], running[:, :-1], 0), axis=1)
    end = np.minimum.accumulate(np.where(fresh[:, 1:], running[:, 1:], np.inf)[:, ::-1], axis=1)[:, ::-1]
    pooled = np.empty_like(totals)
    np.put_along_axis(pooled, order, (begin + end - running[:, -1:]) / 2, axis=1)
    return pooled


class _Sorted:
    """Vectors that are sorted once; a sample's ranks are then running sums of the pairs' weights in that order."""

    def __init__(self, vectors: Floats):
        order = np.argsort(vectors, axis=1, kind="stable")
        ordered = np.take_along_axis(vectors, order, axis=1)
        places = np.broadcast_to(np.arange(order.shape[1]), order.shape)
        fresh = np.ones((len(order), order.shape[1] + 1), dtype=bool)
        fresh[:, :-1] = [begins(row) for row in ordered]
        first = np.maximum.accumulate(np.where(fresh[:, :-1], places, 0), axis=1)
        last = np.minimum.accumulate(np.where(fresh[:, 1:], places, order.shape[1])[:, ::-1], axis=1)[:, ::-1]
        # Of every pair: where its ties begin and end in the running sums, which start with a zero.
        rows = np.arange(len(order))[:, None] * (order.shape[1] + 1)
        self.order = order
        self.begin, self.end = np.empty_like(order), np.empty_like(order)
        np.put_along_axis(self.begin, order, first + rows, axis=1)
        np.put_along_axis(self.end, order, last + 1 + rows, axis=1)

    def ranks(self, weight: Floats) -> Floats:
        """Ranks in the sample, centred: shape (n_vectors, n_pairs)."""
        running = np.zeros((len(self.order), self.order.shape[1] + 1))
        np.cumsum(weight[self.order], axis=1, out=running[:, 1:])
        ranks = running.ravel()[self.begin]
        ranks += running.ravel()[self.end]
        ranks -= running[0, -1]  # from the mean of begin and end, and a half, to the distance from the mean rank
        ranks /= 2
        return ranks
