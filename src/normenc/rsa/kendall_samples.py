r"""Kendall's tau-a of the same vectors in many samples at once, counted by matrix products.

No sample changes the order of a vector's entries; samples differ only in how often each entry is in them. So the
entries are divided once, by their rank in each vector, into about as many groups as a group has members. Two entries
in different groups of both vectors are in a known order: they are counted from what each sample has in every cell of
the two divisions. Two that share a group are compared with each other. With n entries, both take of the order of
:math:`n^{3/2}` multiplications for each sample, which matrix products do faster than a sort of the sample.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

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

    @cached_property
    def members(self) -> Places:
        """Entries of each group of different values, (n_such_groups, largest_size); n_entries where it has fewer."""
        ordered = self.dense[self.order]
        first, last = self.starts[:-1], self.starts[1:] - 1
        differ = ordered[first] != ordered[last]
        first, last = first[differ], last[differ]
        places = first[:, None] + np.arange(np.max(last - first, initial=0) + 1)
        return np.where(places <= last[:, None], self.order[np.minimum(places, len(ordered) - 1)], len(ordered))

    @cached_property
    def signs(self) -> npt.NDArray[np.int8]:
        """Order of each two members of a group, (n_such_groups, largest_size, largest_size)."""
        return _signs(self.dense, self.members)


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
        some = np.zeros((n_entries + 1, len(weights[part])), single)  # the last is no entry
        some[:-1] = weights[part].T
        members = {one: some[vectors[one].members] for one in used}
        for column, (one, other) in enumerate(pairs):
            within = _within(members[one], vectors[one].signs * _signs(vectors[other].dense, vectors[one].members))
            apart = vectors[other].signs * _signs(vectors[one].group, vectors[other].members)
            within += _within(members[other], apart)
            signed[part, column] = within / 2 + _between(vectors[one], vectors[other], some[:-1])
    defined = np.where(total >= 2, total, np.nan)
    return np.asarray(signed / (defined * (defined - 1) / 2)[:, None])


def _signs(values: Places, members: Places) -> npt.NDArray[np.int8]:
    """Of each two members of a group: 1 if the second has the higher value, -1 if the first has."""
    own = np.append(values, 0).astype(np.int32)[members]
    return np.sign(own[:, None, :] - own[:, :, None]).astype(np.int8)


def _within(members: Any, signs: npt.NDArray[np.int8]) -> Floats:
    """Signs of the ordered pairs in each group, weighted by how often both are in each sample."""
    return _product(signs.astype(members.dtype) @ members, members)


def _between(one: Divided, other: Divided, weights: Any) -> Floats:
    """Concordant minus discordant pairs of entries in different groups of both vectors, in each sample."""
    n_entries, n_samples = weights.shape
    cell = one.group * other.n_groups + other.group
    places = np.ones(n_entries, weights.dtype), (cell, np.arange(n_entries))
    cells = csr_array(places, shape=(one.n_groups * other.n_groups, n_entries)) @ weights
    cells = cells.reshape(one.n_groups, other.n_groups, n_samples)
    before = np.zeros_like(cells)
    for index, row in enumerate(cells[:-1]):
        np.add(before[index], row, out=before[index + 1])
    groups = np.arange(other.n_groups)
    signs = np.sign(groups[:, None] - groups).astype(weights.dtype)
    return _product(signs @ before, cells)


def _product(x: Any, y: Any) -> Floats:
    """Sums of products in each sample, which double precision holds exactly."""
    return np.asarray(np.einsum("gkb,gkb->b", x, y, dtype=np.float64))
