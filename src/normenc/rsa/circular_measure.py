"""Any measure, of one part of RDMs of stimuli on a circle: the profile over the angle between stimuli, or the rest."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.rsa.circle import BYTES, Circle, circle_of
from normenc.rsa.linear import Linear
from normenc.rsa.measures import Measure
from normenc.rsa.one_by_one import Arithmetic
from normenc.rsa.pairs import pair_weights, upper, whole
from normenc.rsa.ties import TIES

__all__ = ["OfPart", "PartMeasure"]

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class OfPart(Arithmetic):
    """Takes one part of both RDMs, in each sample anew where stimuli are drawn, and then compares as `by` does."""

    by: Linear | Arithmetic
    circle: Circle
    which: str

    def of(self, vectors: Floats, weights: Floats | None = None) -> Floats:
        """The part of vectors of pairs; see :meth:`normenc.rsa.circle.Circle.part`."""
        return self.circle.part(self.which, vectors, weights)

    def compare(self, x: Floats, y: Floats) -> Floats:
        """Similarities of vectors of pairs: shape (n_x, n_y)."""
        return np.asarray(self.by.compare(self.of(x), self.of(y)))

    def samples(self, models: Floats, data: Floats) -> Callable[..., tuple[Floats, Floats]]:
        """Similarities and ceilings for counts of stimuli; see :func:`normenc.rsa.weighted.similarities`."""
        shared: list[Callable[..., tuple[Floats, Floats]]] = []

        def compare(
            counts: Counts, rdm_counts: Counts | None, subject: npt.NDArray[np.int64] | None, weigh: bool
        ) -> tuple[Floats, Floats]:
            if _are_all(counts):
                if not shared:
                    shared.append(self.by.samples(self.of(np.asarray(models)), self.of(data)))
                return shared[0](counts, rdm_counts, subject, weigh)
            drawn = [np.broadcast_to(own, (len(counts), len(own))) for own in data]
            similarity = np.stack([self.own_samples(models, own, counts) for own in drawn], axis=2)
            ceiling = np.full((len(counts), 2), np.nan)
            if subject is not None and rdm_counts is not None:
                ceiling = self.own_ceilings(np.stack(drawn), counts, rdm_counts, subject, weigh)
            return similarity, ceiling

        return compare

    def at_once(self, n_vectors: int, n_pairs: int) -> int:
        """How many samples fit in memory at a time."""
        return max(1, BYTES // (8 * n_pairs * n_vectors))

    def own_samples(self, models: Floats, data: Floats, counts: Counts) -> Floats:
        """Similarities if every sample has its own data, (n_samples, n_pairs): shape (n_samples, n_models)."""
        if _are_all(counts):
            return np.asarray(self.by.own_samples(self.of(models), self.of(data), counts))
        step, found = self.at_once(len(models) + 1, data.shape[1]), []
        for start in range(0, len(data), step):
            some = slice(start, start + step)
            weights = pair_weights(counts[some]).T
            own = models[:, None] if models.ndim == 2 else models[:, some]
            parts = self.of(np.broadcast_to(own, (len(models), *weights.shape)), weights)
            found.append(self.by.own_samples(parts, self.of(data[some], weights), counts[some]))
        return np.concatenate(found)

    def own_ceilings(
        self, data: Floats, counts: Counts, amounts: Counts, subject: npt.NDArray[np.int64], weigh: bool
    ) -> Floats:
        """Ceilings if every sample has its own RDMs, (n_rdms, n_samples, n_pairs): shape (n_samples, 2)."""
        weights = None if _are_all(counts) else pair_weights(counts).T
        parts = np.stack([self.of(own, weights) for own in data])
        return np.asarray(self.by.own_ceilings(parts, counts, amounts, subject, weigh))

    def permuted(self, models: Floats, data: Floats, orders: npt.NDArray[np.intp]) -> Floats:
        """Mean similarities with the data in other orders of the stimuli: shape (n_orders, n_models)."""
        own, matrices = self.of(models), whole(data, orders.shape[1])
        step = max(1, BYTES // (16 * data.shape[1]))
        found = np.zeros((len(orders), len(models)))
        for start in range(0, len(orders), step):
            some = orders[start : start + step]
            for matrix in matrices:
                turned = upper(matrix[some[:, :, None], some[:, None, :]])
                found[start : start + step] += self.by.compare(own, self.of(turned)).T
        return found / len(matrices)

    def rounding(self, models: Floats, data: Floats) -> Floats:
        """At least 32 machine epsilons times the largest dissimilarity over the spread of the part."""
        ratios = [
            np.abs(vectors).max(axis=1) / np.maximum(self.of(vectors).std(axis=1), np.finfo(float).tiny)
            for vectors in (models, data)
        ]
        worst = np.minimum(32 * np.finfo(float).eps * np.maximum(ratios[0], ratios[1].max()), 1.0)
        return np.asarray(np.maximum(TIES, worst))


@dataclass(frozen=True)
class PartMeasure(Measure):
    """A measure of one part of RDMs, which is undefined where that part is the same for all pairs."""

    @classmethod
    def of(cls, measure: Measure, circle: Circle, which: str) -> "PartMeasure":
        """The same measure of one part."""
        facts: dict[str, Any] = {one.name: getattr(measure, one.name) for one in fields(measure) if one.init}
        name = f"{measure.name} of the {which}"
        return cls(**facts | {"name": name, "by": OfPart(measure.arithmetic, circle, which)})

    def of_stimuli(self, places: npt.NDArray[np.intp]) -> "PartMeasure":
        """The same part of RDMs of some of the stimuli."""
        own = self.arithmetic
        if len(places) == len(own.circle.angles):
            return self
        return replace(self, by=OfPart(own.by, circle_of(len(places), own.circle.angles[places]), own.which))

    def is_undefined(self, vector: Floats) -> bool:
        """Whether this part of an RDM has no similarity with any other."""
        return super().is_undefined(self.arithmetic.of(vector))

    def check_defined(self, vectors: Floats, what: str) -> None:
        """Raise InputError if this part of an RDM has no similarity with any other."""
        super().check_defined(self.arithmetic.of(vectors), what)


def _are_all(counts: Counts) -> bool:
    """Whether every sample has every stimulus equally often, so that no stimuli are drawn."""
    return bool((counts == counts.flat[0]).all())
