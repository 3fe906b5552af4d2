"""Fewer units, as the layers come: a sparse random projection, or a sample."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError

__all__ = ["KINDS", "Projection", "Reduction", "as_reduction"]

KINDS = ("projection", "sample")
N_UNITS = 4096


@dataclass(frozen=True)
class Reduction:
    r"""How layers of more units than `n_units` are reduced to that number.

    ``"projection"``
        A sparse random projection (scikit-learn's). Only what differs from each pattern's mean over units is projected,
        and the mean is added again: with x a pattern of N units, :math:`\bar x` its mean, and P the projection to k
        units, :math:`y = \sqrt{k^2 / (k - 1) N}\,(z - \bar z) + \bar x`, where :math:`z = P (x - \bar x)`. Means over
        units are thus exact, and so are covariances and distances per unit on average over projections; a projection of
        the patterns as they are would turn correlations into cosines.
    ``"sample"``
        Units drawn without replacement.

    Parameters
    ----------
    kind : str
        ``"projection"`` or ``"sample"``.
    n_units : int
        At least 2; smaller layers stay as they are.
    seed : int

    References
    ----------
    Li, Hastie & Church, "Very sparse random projections", KDD 2006.

    Examples
    --------
    >>> Reduction("projection", 1000)
    Reduction(kind='projection', n_units=1000, seed=0)
    >>> Reduction("pca")
    Traceback (most recent call last):
    normenc.errors.InputError: reduce is 'pca'; it must be 'projection' or 'sample', ...
    """

    kind: str
    n_units: int = N_UNITS
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(
                f"reduce is {self.kind!r}; it must be {' or '.join(map(repr, KINDS))}, or left out. Means and maxima "
                "over positions are layers of their own, such as 'conv1@mean'"
            )
        if self.n_units < 2:
            raise InputError(f"n_units of a reduction is {self.n_units}; it must be at least 2")

    def of_layer(self, n_units: int) -> "Reducer | None":
        """What reduces a layer of this size; None if it is small enough."""
        if n_units <= self.n_units:
            return None
        return Projection(self, n_units) if self.kind == "projection" else _Sample(self, n_units)


def as_reduction(reduce: str | Reduction | None) -> Reduction | None:
    """The reduction of this name, with its usual number of units."""
    return reduce if reduce is None or isinstance(reduce, Reduction) else Reduction(reduce)


class _Sample:
    """Some of a layer's units."""

    def __init__(self, reduction: Reduction, n_units: int) -> None:
        chosen = np.random.default_rng(reduction.seed).choice(n_units, reduction.n_units, replace=False)
        self._chosen = np.sort(chosen)
        self.n_units = reduction.n_units
        self.note = f"{self.n_units:,} of {n_units:,} units, drawn with seed {reduction.seed}"

    def __call__(self, rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The chosen units of some patterns, shape (n_stimuli, n_units)."""
        return rows[:, self._chosen]


class Projection:
    """A sparse random projection of a layer's units that keeps the mean of each pattern."""

    def __init__(self, reduction: Reduction, n_units: int) -> None:
        from sklearn.random_projection import SparseRandomProjection

        k = self.n_units = reduction.n_units
        made = SparseRandomProjection(k, random_state=reduction.seed).fit(np.zeros((1, n_units), dtype=np.float32))
        self._components = made.components_
        self._of_ones = np.asarray(self._components.sum(axis=1), dtype=np.float64).ravel()
        self._scale = np.sqrt(k * k / ((k - 1) * n_units))
        self.note = f"{n_units:,} units projected to {k:,} at random, with seed {reduction.seed}"

    def __call__(self, rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Projections of some patterns, shape (n_stimuli, n_units)."""
        return self.of_blocks([rows])

    def of_blocks(self, blocks: Iterable[npt.NDArray[Any]]) -> npt.NDArray[Any]:
        """Projections of patterns that come some units at a time, in order, each shape (n_stimuli, n_block_units)."""
        projected: Any = 0.0
        total: Any = 0.0
        start = 0
        for block in blocks:
            components = self._components[:, start : start + block.shape[1]]
            projected = projected + (components @ np.ascontiguousarray(block.T)).T
            total = total + block.sum(axis=1, dtype=np.float64, keepdims=True)
            start, dtype = start + block.shape[1], block.dtype
        mean = total / start
        projected = projected - mean * self._of_ones
        projected = projected - projected.mean(axis=1, keepdims=True)
        return np.asarray(projected * self._scale + mean).astype(dtype, copy=False)


Reducer = _Sample | Projection
