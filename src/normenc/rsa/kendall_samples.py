r"""Kendall's tau-a of the same vectors in many samples at once, counted by matrix products.

No sample changes the order of a vector's entries; samples differ only in how often each entry is in them. So the
entries are divided once, by their rank in each vector, into about as many groups as a group has members. Two entries
in different groups of both vectors are in a known order: they are counted from what each sample has in every cell of
the two divisions. Two that share a group are compared with each other. With n entries, both take of the order of
:math:`n^{3/2}` multiplications for each sample, which matrix products do faster than a sort of the sample.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Divided", "taus_in_samples"]

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
ENTRIES = 2**24  # of samples sorted by every vector, at a time
EXACT = 2**24  # single precision holds whole numbers below this


@dataclass(frozen=True)
class Divided:
    """Entries of a vector, sorted and divided into groups of neighbours; equal values are in one group.

    Attributes
    ----------
    dense : ndarray of int, shape (n_entries,)
        Rank of each entry, ties sharing one.
    order : ndarray of int, shape (n_entries,)
        Of the entries by rank.
    """

    dense: Places
    order: Places

    @cached_property
    def starts(self) -> Places:
        """Where each group begins in the order, and where the last one ends."""
        n = len(self.order)
        ordered = self.dense[self.order]
        first = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
        sizes = np.diff(first, append=n)
        width = int(np.ceil(np.sqrt(n)))
        large = sizes > width  # ties of which there are so many are a group of their own
        fresh = np.append(True, np.diff(first // width) > 0) | large
        fresh[1:] |= large[:-1]
        return np.append(first[fresh], n)

    @cached_property
    def group(self) -> Places:
        """Of each entry."""
        own = np.empty(len(self.order), dtype=np.intp)
        own[self.order] = np.repeat(np.arange(self.n_groups), np.diff(self.starts))
        return own

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return len(self.starts) - 1

    def groups(self) -> Iterator[tuple[slice, Places, bool]]:
        """Each group's places in the order, its entries, and whether they have different values."""
        for start, stop in zip(self.starts[:-1].tolist(), self.starts[1:].tolist(), strict=True):
            entries = self.order[start:stop]
            yield slice(start, stop), entries, bool(self.dense[entries[0]] != self.dense[entries[-1]])


def taus_in_samples(vectors: Sequence[Divided], pairs: Sequence[tuple[int, int]], weights: Floats) -> Floats:
    """Kendall's tau-a of some pairs of vectors in every sample.

    Parameters
    ----------
    vectors : sequence of Divided
        Of the same entries.
    pairs : sequence of (int, int)
        Which are compared.
    weights : ndarray, shape (n_samples, n_entries)
        How often each entry is in each sample: whole numbers.

    Returns
    -------
    ndarray, shape (n_samples, n_pairs)
        NaN in samples of fewer than two entries.

    Examples
    --------
    Of three entries, the first two are in the same order in both vectors; without the first, none are:

    >>> ranks = [np.array([1, 2, 3]), np.array([1, 3, 2])]
    >>> vectors = [Divided(own, np.argsort(own)) for own in ranks]
    >>> taus_in_samples(vectors, [(0, 1)], np.array([[1.0, 1, 1], [0, 1, 1]])).round(3).tolist()
    [[0.333], [-1.0]]
    """
    n_samples, n_entries = weights.shape
    total = weights.sum(axis=1)
    single = np.float32 if total.max(initial=0) < EXACT else np.float64
    used = sorted({one for pair in pairs for one in pair})
    signed = np.empty((n_samples, len(pairs)))
    step = max(1, ENTRIES // (n_entries * len(used)))
    for start in range(0, n_samples, step):
        part = slice(start, start + step)
        some = weights[part].astype(single)
        sorted_by = {one: some[:, vectors[one].order] for one in used}
        for column, (one, other) in enumerate(pairs):
            signed[part, column] = _signed(vectors[one], vectors[other], sorted_by[one], sorted_by[other])
    defined = np.where(total >= 2, total, np.nan)
    return np.asarray(signed / (defined * (defined - 1) / 2)[:, None])


def _signed(one: Divided, other: Divided, by_one: Any, by_other: Any) -> Floats:
    """Concordant minus discordant pairs of entries in each sample, whose weights are sorted by both vectors."""
    precision = by_one.dtype
    found = np.zeros(len(by_one))
    cells = np.empty((len(by_one), one.n_groups, other.n_groups), dtype=precision)
    columns = np.arange(other.n_groups)
    for index, (places, entries, differ) in enumerate(one.groups()):
        part = by_one[:, places]
        cells[:, index] = part @ (other.group[entries, None] == columns).astype(precision)
        if differ:
            found += _within(part, _later(one.dense[entries]) * _sign(other.dense[entries]))
    for places, entries, differ in other.groups():
        if differ:
            apart = _sign(one.dense[entries]) * (one.group[entries, None] != one.group[entries])
            found += _within(by_other[:, places], _later(other.dense[entries]) * apart)
    before = np.cumsum(cells, axis=1) - cells
    before = before.reshape(-1, other.n_groups) @ _sign(columns).astype(precision)
    return found + _product(before.reshape(len(cells), -1), cells.reshape(len(cells), -1))


def _within(part: Any, signs: npt.NDArray[np.int8]) -> Floats:
    """Signs of the pairs in a group, weighted by how often both are in each sample."""
    return _product(part @ signs.astype(part.dtype), part)


def _product(x: Any, y: Any) -> Floats:
    """Sums of products in each sample, which double precision holds exactly."""
    return np.asarray(np.einsum("bp,bp->b", x, y, dtype=np.float64))


def _later(ranks: Places) -> npt.NDArray[np.bool_]:
    """Whether the second of two entries has the higher rank."""
    return np.asarray(ranks[:, None] < ranks)


def _sign(ranks: Places) -> npt.NDArray[np.int8]:
    """1 if the second of two entries has the higher rank, -1 if the first has."""
    return (ranks[:, None] < ranks).astype(np.int8) - (ranks[:, None] > ranks).astype(np.int8)
