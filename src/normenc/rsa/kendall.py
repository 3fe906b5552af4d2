"""Kendall's tau-a: vectors are sorted once, and a sample repeats each pair of stimuli as often as it holds it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import kendalltau

from normenc.rsa.kendall_samples import Divided, taus_in_samples
from normenc.rsa.pairs import pair_weights, whole
from normenc.rsa.ranked import ByRank, in_threads, sort_order, sort_ranks
from normenc.rsa.ties import begins, check_spread

try:  # SciPy's own count of discordant pairs; its public function sorts twice more than is needed here
    from scipy.stats._stats import _kendall_dis
except ImportError:  # pragma: no cover - for a SciPy that moved it
    _kendall_dis = None

__all__ = ["Kendall"]

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
AT_ONCE = 2**20  # entries in other orders


@dataclass(frozen=True)
class Kendall(ByRank):
    """Kendall's tau-a."""

    def compare(self, x: Floats, y: Floats) -> Floats:
        """Similarities of vectors of pairs: shape (n_x, n_y)."""
        if len(y) > len(x):
            return self.compare(y, x).T
        for what, values in (("first", x), ("second", y)):
            check_spread(values, centred=True, what=what)
        data = [_InSample(_Sorted.of(vector)) for vector in y]

        def of(vector: Floats) -> list[float]:
            ranks = _Sorted.of(vector).ranks
            return [own.tau(ranks) for own in data]

        return np.array(in_threads(of, x))

    def table(self, x: Floats, y: Floats, weight: Floats, wanted: npt.NDArray[np.bool_] | None = None) -> Floats:
        """Of vectors that are sorted for this sample alone."""
        wanted = np.ones((len(x), len(y)), dtype=bool) if wanted is None else wanted
        there = weight > 0
        times, models = weight[there].astype(np.intp), [own.ranks for own in _Sorted.of_ranks(x[:, there])]
        taus = np.full((len(x), len(y)), np.nan)
        for column, data in enumerate(_Sorted.of_ranks(y[:, there])):
            own = _InSample(data, times)
            for row in np.flatnonzero(wanted[:, column]):
                taus[row, column] = own.tau(models[row])
        return taus

    def pooled(self, shares: Floats, own: Floats, weight: Floats) -> Floats:
        """Sums of ranks, which are in the order of mean ranks; tau-a asks no more of them.

        The best RDM for tau-a cannot be computed in practice; that by mean ranks is close to it.
        """
        return np.asarray(shares @ own)

    def samples(self, models: Floats, data: Floats) -> Callable[..., tuple[Floats, Floats]]:
        """As for any measure, but from vectors that are sorted once for all samples; each pair is compared once."""
        ceilings = super().samples(models[:0], data)
        every = [_Sorted.of(vector) for vector in (*models, *data)]
        first: dict[bytes, int] = {}  # of vectors with the same ranks, as animals that are compared with each other
        same = [first.setdefault(own.ranks.dense.tobytes(), place) for place, own in enumerate(every)]
        wanted = [[(min(own), max(own)) for own in product([row], same[len(models) :])] for row in same[: len(models)]]
        pairs = sorted({pair for row in wanted for pair in row})
        columns = np.array([[pairs.index(pair) for pair in row] for row in wanted], dtype=np.intp)
        vectors = [Divided(own.ranks.dense, own.order) for own in every]

        def compare(counts: npt.NDArray[np.int64], *options: Any) -> tuple[Floats, Floats]:
            taus = taus_in_samples(vectors, pairs, pair_weights(counts).T)
            return taus[:, columns], ceilings(counts, *options)[1]

        return compare

    def own_samples(self, models: Floats, data: Floats, counts: npt.NDArray[np.int64]) -> Floats:
        """The same if every sample has its own data: shape (n_samples, n_models)."""
        shared = [_Sorted.of(vector).ranks for vector in models] if models.ndim == 2 else None
        similarity = np.empty((len(data), len(models)))
        for sample, vector in enumerate(data):
            ranks = shared or [_Sorted.of(own).ranks for own in models[:, sample]]
            similarity[sample] = _taus(ranks, _Sorted.of(vector), pair_weights(counts[[sample]]).T)[0]
        return similarity

    def permuted(self, models: Floats, data: Floats, orders: Places) -> Floats:
        """Mean similarities with the data in other orders of the stimuli, which change no rank."""
        own = [_InSample(_Sorted.of(vector)) for vector in models]
        taus = np.zeros((len(orders), len(models)))
        step = max(1, AT_ONCE // data.shape[1])
        for ranks in (_Sorted.of(vector).ranks for vector in data):
            for start in range(0, len(orders), step):
                part = slice(start, start + step)
                turned = _in_orders(ranks.dense, orders[part])
                for column, model in enumerate(own):
                    taus[part, column] += model.taus(ranks, turned)
        return taus / len(data)


@dataclass(frozen=True)
class _Ranks:
    """Ranks of a vector from 1 without gaps, ties sharing one, and how many ordered pairs of values are equal."""

    dense: Places
    equal: int  # each value with itself among them

    @classmethod
    def of(cls, dense: Places) -> "_Ranks":
        return cls(dense, int(np.square(np.bincount(dense)).sum()))

    @property
    def tied(self) -> bool:
        return self.equal > len(self.dense)

    def joint(self, other: "_Ranks") -> "_Ranks | None":
        """Ranks that two values share only if they are tied in both vectors; None if no values are."""
        if not (self.tied and other.tied):
            return None
        order, ordered = sort_order((self.dense * (len(other.dense) + 1) + other.dense).astype(np.float64))
        fresh = np.append(True, ordered[1:] != ordered[:-1])  # whole numbers, which no rounding makes equal
        return _Ranks.of(_dense(order, fresh))


@dataclass(frozen=True)
class _Sorted:
    """A vector's ranks, and the order that sorts it."""

    ranks: _Ranks
    order: Places

    @classmethod
    def of(cls, vector: Floats) -> "_Sorted":
        order, ordered = sort_order(vector)
        return cls(_Ranks.of(_dense(order, begins(ordered))), order)

    @classmethod
    def of_ranks(cls, vectors: Floats) -> "list[_Sorted]":
        """The same of ranks or sums of ranks, shape (n_vectors, n_entries), whose doubles are whole numbers."""
        orders, values = sort_ranks(vectors)
        fresh = np.pad(values[:, 1:] != values[:, :-1], ((0, 0), (1, 0)), constant_values=True)
        return [cls(_Ranks.of(_dense(order, own)), order) for order, own in zip(orders, fresh, strict=True)]


def _dense(order: Places, fresh: npt.NDArray[np.bool_]) -> Places:
    dense = np.empty(len(order), dtype=np.intp)
    dense[order] = fresh.cumsum(dtype=np.intp)
    return dense


class _InSample:
    """A sorted vector in a sample that has each value some `times`, or once; other vectors are counted against it."""

    def __init__(self, own: _Sorted, times: Places | None = None):
        self.own, self.times = own, times
        self.places = own.order if times is None else np.repeat(own.order, times[own.order])
        self.steps = own.ranks.dense[self.places]
        self.copies = len(self.steps) if times is None else int(times @ times)
        self.ties = self._equal(own.ranks)

    def tau(self, other: _Ranks, joint: _Ranks | None = None) -> float:
        """Concordant minus discordant pairs of entries, divided by all pairs; `joint` is known for many samples."""
        values = other.dense[self.places]
        n = len(values)
        both = self._equal(joint or self.own.ranks.joint(other))
        different = (n * n - self.ties - self._equal(other) + both) // 2  # pairs that differ in both vectors
        return (different - 2 * _discordant(self.steps, values, different)) / (n * (n - 1) // 2)

    def taus(self, other: _Ranks, turned: Places) -> Floats:
        """The same for the entries of another vector in different orders, (n_orders, n_entries); each is there once."""
        if self.own.ranks.tied and other.tied:  # which entries are tied in both differs from order to order
            return np.array([self.tau(replace(other, dense=dense)) for dense in turned])
        n = len(self.steps)
        different = (n * n - self.ties - other.equal + n) // 2
        discordant = [_discordant(self.steps, values, different) for values in turned[:, self.places]]
        return (different - 2 * np.array(discordant)) / (n * (n - 1) // 2)

    def _equal(self, ranks: _Ranks | None) -> int:
        """Ordered pairs of entries of equal rank, each with itself among them."""
        if ranks is None or not ranks.tied:
            return self.copies
        if self.times is None:
            return ranks.equal
        sizes = np.bincount(ranks.dense, weights=self.times).astype(np.int64)
        return int(sizes @ sizes)


def _in_orders(vector: npt.NDArray[Any], orders: npt.NDArray[np.intp]) -> npt.NDArray[Any]:
    """A vector of pairs when the stimuli stand in other orders: shape (n_orders, n_pairs)."""
    n_stimuli = orders.shape[1]
    rows, columns = np.triu_indices(n_stimuli, k=1)
    flat = np.take(orders, rows, axis=1) * n_stimuli
    flat += np.take(orders, columns, axis=1)
    return np.take(whole(vector, n_stimuli).ravel(), flat)


def _taus(models: Sequence[_Ranks], data: _Sorted, weights: Floats) -> Floats:
    """Similarities in samples with pair counts `weights`: shape (n_samples, n_models); NaN if undefined."""
    joint = [data.ranks.joint(model) for model in models]
    taus = np.full((len(weights), len(models)), np.nan)
    for sample, weight in enumerate(weights):
        if weight.sum() >= 2:
            own = _InSample(data, weight.astype(np.intp))
            taus[sample] = [own.tau(model, both) for model, both in zip(models, joint, strict=True)]
    return taus


def _discordant(steps: Places, values: Places, different: int) -> int:
    """Pairs of entries that `values` has in the opposite order of the sorted `steps`."""
    if _kendall_dis is not None:
        return int(_kendall_dis(steps, values))
    untied = [len(v) ** 2 - int(np.square(np.bincount(v)).sum()) for v in (steps, values)]
    tau_b = kendalltau(steps, values).statistic if all(untied) else 0.0
    return (different - round(tau_b * np.sqrt(float(untied[0])) * np.sqrt(float(untied[1])) / 2)) // 2
