"""Measures whose bootstrap samples are compared one by one, because no sum over pairs of stimuli is common to all."""

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from normenc.rsa.pairs import pair_weights, upper, whole
from normenc.rsa.ties import TIES

__all__ = ["Arithmetic", "OneByOne"]

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
WEIGHT_BYTES = 2**27  # of pair weights at a time


class Arithmetic(ABC):
    """How a measure is computed that is not :class:`normenc.rsa.linear.Linear`, which computes all samples at once."""

    @abstractmethod
    def compare(self, x: Floats, y: Floats) -> Floats:
        """Similarities of vectors of pairs, (n_x, n_pairs) and (n_y, n_pairs): shape (n_x, n_y)."""

    @abstractmethod
    def samples(self, models: Floats, data: Floats) -> Callable[..., tuple[Floats, Floats]]:
        """Gives similarities and ceilings for counts of stimuli; see :func:`normenc.rsa.weighted.similarities`."""

    @abstractmethod
    def at_once(self, n_vectors: int, n_pairs: int) -> int:
        """How many samples fit in memory at a time."""

    @abstractmethod
    def own_samples(self, models: Floats, data: Floats, counts: Counts) -> Floats:
        """Similarities if every sample has its own data, (n_samples, n_pairs): shape (n_samples, n_models)."""

    @abstractmethod
    def own_ceilings(
        self, data: Floats, counts: Counts, amounts: Counts, subject: npt.NDArray[np.int64], weigh: bool
    ) -> Floats:
        """Ceilings if every sample has its own RDMs, (n_rdms, n_samples, n_pairs): shape (n_samples, 2)."""

    @abstractmethod
    def permuted(self, models: Floats, data: Floats, orders: npt.NDArray[np.intp]) -> Floats:
        """Mean similarities with the data in other orders of the stimuli: shape (n_orders, n_models)."""

    @abstractmethod
    def rounding(self, models: Floats, data: Floats) -> Floats:
        """By how much equal similarities with the data may differ, shape (n_models,)."""


class OneByOne(Arithmetic):
    """Compares one sample at a time, by a table of similarities in it."""

    @abstractmethod
    def table(self, x: Floats, y: Floats, weight: Floats, wanted: npt.NDArray[np.bool_] | None = None) -> Floats:
        """The same in one sample with pair counts `weight`, from :meth:`in_sample` of each; NaN if undefined.

        Those that are not `wanted`, shape (n_x, n_y), may have any value; all are by default.
        """

    def in_sample(self, vectors: Floats, weight: Floats) -> Floats:
        """What :meth:`table` needs of each vector in a sample: ranks, for example."""
        return vectors

    def prepared(self, vectors: Floats) -> Callable[[Floats], Floats]:
        """:meth:`in_sample` of vectors shared by many samples."""
        return lambda weight: self.in_sample(vectors, weight)

    def pooled(self, shares: Floats, own: Floats, weight: Floats) -> Floats:
        """The vectors most similar to several on average; `shares` are the weights of each, (n_pooled, n_rdms)."""
        return np.asarray(shares @ own / shares.sum(axis=1, keepdims=True))

    def samples(self, models: Floats, data: Floats) -> Callable[..., tuple[Floats, Floats]]:
        """Gives similarities and ceilings for counts of stimuli; see :func:`normenc.rsa.weighted.similarities`."""
        vectors_in, n_models = self.prepared(np.vstack([models, data])), len(models)

        def compare(
            counts: Counts, rdm_counts: Counts | None, subject: npt.NDArray[np.int64] | None, weigh: bool
        ) -> tuple[Floats, Floats]:
            weights = pair_weights(counts).T
            similarity = np.empty((len(counts), n_models, len(data)))
            wanted = counts[:0] if subject is None or rdm_counts is None else rdm_counts
            ceiling = np.full((max(len(counts), len(wanted)), 2), np.nan)
            for sample, weight in enumerate(weights):
                vectors = vectors_in(weight)
                own = vectors[n_models:]
                similarity[sample] = self._similarity(vectors[:n_models], own, weight)
                chosen = slice(sample, sample + 1) if len(weights) == len(wanted) else slice(None)
                for place in range(len(wanted))[chosen]:
                    assert subject is not None
                    ceiling[place] = self._ceiling(own, weight, wanted[place], subject, weigh)
            return similarity, ceiling

        return compare

    def at_once(self, n_vectors: int, n_pairs: int) -> int:
        """How many samples fit in memory at a time."""
        return max(1, WEIGHT_BYTES // (8 * n_pairs))

    def own_samples(self, models: Floats, data: Floats, counts: Counts) -> Floats:
        """Similarities if every sample has its own data, (n_samples, n_pairs): shape (n_samples, n_models)."""
        shared = self.prepared(models) if models.ndim == 2 else None
        similarity = np.empty((len(data), len(models)))
        for sample, vector in enumerate(data):
            weight = pair_weights(counts[[sample]])[:, 0]
            own = self.in_sample(vector[None], weight)
            x = shared(weight) if shared else self.in_sample(models[:, sample], weight)
            similarity[sample] = self._similarity(x, own, weight)[:, 0]
        return similarity

    def own_ceilings(
        self, data: Floats, counts: Counts, amounts: Counts, subject: npt.NDArray[np.int64], weigh: bool
    ) -> Floats:
        """Ceilings if every sample has its own RDMs, (n_rdms, n_samples, n_pairs): shape (n_samples, 2)."""
        ceilings = []
        for sample, drawn in enumerate(amounts):
            weight = pair_weights(counts[[sample]])[:, 0]
            own = self.in_sample(data[:, sample], weight)
            ceilings.append(self._ceiling(own, weight, drawn, subject, weigh))
        return np.array(ceilings)

    def permuted(self, models: Floats, data: Floats, orders: npt.NDArray[np.intp]) -> Floats:
        """Mean similarities with the data in other orders of the stimuli: shape (n_orders, n_models)."""
        matrices = whole(data, orders.shape[1])
        return np.stack([self.compare(models, upper(matrices[:, o][:, :, o])).mean(axis=1) for o in orders])

    def rounding(self, models: Floats, data: Floats) -> Floats:
        """By how much equal similarities with the data may differ, shape (n_models,)."""
        return np.full(len(models), TIES)

    def _similarity(self, x: Floats, y: Floats, weight: Floats, wanted: npt.NDArray[np.bool_] | None = None) -> Floats:
        if weight.sum() < 2:  # a single dissimilarity, or none, has no order
            return np.full((len(x), len(y)), np.nan)
        return self.table(x, y, weight, wanted)

    def _ceiling(
        self, vectors: Floats, weight: Floats, amounts: Counts, subject: npt.NDArray[np.int64], weigh: bool
    ) -> Floats:
        """Lower and upper ceiling in one sample: leaving each animal out, and with all animals."""
        present = [one for one in np.unique(subject) if amounts[subject == one].max() > 0]
        if weight.sum() < 2 or len(present) < 2:
            return np.full(2, np.nan)
        there = weight > 0
        inside, own = weight[there], vectors[:, there]
        shares = np.stack([amounts, *(amounts * (subject != one) for one in present)])
        mine = [subject == one for one in present]
        wanted = np.stack([np.any(mine, axis=0), *mine])
        table = self._similarity(self.pooled(shares, own, inside), own, inside, wanted)
        times = [amounts[own_rdms].max() if weigh else 1 for own_rdms in mine]
        lower = [table[1 + index, own_rdms].mean() for index, own_rdms in enumerate(mine)]
        highest = [table[0, own_rdms].mean() for own_rdms in mine]
        return np.array([np.average(lower, weights=times), np.average(highest, weights=times)])
