"""Sums over units of products of differences, for every pair of stimuli, from which distances follow."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from normenc.errors import InputError
from normenc.rsa.blocks import BLOCK_UNITS, Blocks, ReadAnew, checked_blocks
from normenc.rsa.single import Single, squared_distances

__all__ = ["CANCELLED", "Factors", "Floats", "Stack", "Stream", "pair_sums"]

BLOCK_VALUES = 2_000_000  # responses in double precision at once: 16 MB
CANCELLED = 1e-5  # a squared distance below this share of the squared norms has lost at least 5 of its 16 digits

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
Factors = Callable[[Floats, Rows], tuple[Floats, Floats]]
Products = tuple[Floats, Floats | None]


class Stack:
    """Responses in memory, shape (n_repeats, n_stimuli, n_units)."""

    def __init__(self, repeats: npt.NDArray[Any]) -> None:
        self._repeats = repeats
        self.n_repeats, self.n_stimuli, self.n_units = repeats.shape

    def __iter__(self) -> Iterator[npt.NDArray[Any]]:
        yield from self._repeats

    def products(self, factors: Factors, groups: Sequence[Rows]) -> list[Products]:
        """Products within each group of stimuli: within repeats, summed, and between repeats, averaged if several."""
        return [self._products(factors, rows) for rows in groups]

    def _products(self, factors: Factors, rows: Rows) -> Products:
        block = max(BLOCK_UNITS, BLOCK_VALUES // (self.n_repeats * len(rows)))
        sums = _Sums(len(rows), self.n_repeats)
        everyone = len(rows) == self.n_stimuli  # then in their own order, so that no copy is needed
        for start in range(0, self.n_units, block):
            part = self._repeats[:, :, start : start + block]
            part = part if everyone else part[:, rows]
            sums.add(*factors(part.transpose(1, 0, 2).astype(np.float64, order="C"), rows))
        return sums.products()

    def largest(self) -> float:
        """The largest magnitude of a response."""
        return float(np.abs(self._repeats).max())

    def lengths(self) -> Floats:
        """Length of each row, of a single repeat."""
        return _lengths(self)


class Stream:
    """Responses that are read in blocks of units, as often as needed; looping over it gives them, checked."""

    n_repeats = 1

    def __init__(self, responses: Blocks) -> None:
        self._responses = responses
        self.n_stimuli, self.n_units = responses.shape

    def __iter__(self) -> Iterator[npt.NDArray[Any]]:
        return checked_blocks(ReadAnew(self._responses))

    def products(self, factors: Factors, groups: Sequence[Rows]) -> list[Products]:
        """Products within each group of stimuli, as those of a :class:`Stack`, in one reading for all groups."""
        sums = [_Sums(len(rows), 1) for rows in groups]
        for part in _of_width(self, max(BLOCK_UNITS, BLOCK_VALUES // self.n_stimuli)):
            for rows, sum_ in zip(groups, sums, strict=True):
                sum_.add(*factors(part[rows][:, None].astype(np.float64), rows))
        return [sum_.products() for sum_ in sums]

    def largest(self) -> float:
        """The largest magnitude of a response."""
        return max(float(np.abs(part).max()) for part in self)

    def lengths(self) -> Floats:
        """Length of each row."""
        return _lengths(self)

    def peaks_and_lengths(self) -> tuple[Floats, Floats]:
        """Largest magnitude of each row, and its length in units of this."""
        peaks, squares = np.zeros((2, self.n_stimuli))
        for part in self:
            np.maximum(peaks, np.abs(part).max(axis=1), out=peaks)
        safe = np.where(peaks > 0, peaks, 1)[:, None]
        for part in self:
            scaled = part / safe
            squares += np.einsum("ij,ij->i", scaled, scaled)
        return peaks, np.sqrt(squares)


def _lengths(blocks: Iterable[npt.NDArray[np.float32]]) -> Floats:
    """Length of each row of responses in float32, whose squares float64 can hold."""
    return np.sqrt(sum(np.einsum("ij,ij->i", part, part, dtype=np.float64) for part in blocks))


def pair_sums(responses: Stack | Stream, factors: Factors, single: Single | None = None) -> Floats:
    r"""Sum over units of :math:`(a_i - a_j)(b_i - b_j)` for every pair of stimuli; a and b are the factors.

    With one repeat, a and b are from that repeat. With more, the result is the mean over ordered pairs of different
    repeats, a from one and b from the other, which equals leave-one-repeat-out cross-validation averaged over folds.
    Identical stimuli give exactly 0 if they have identical factors.

    Parameters
    ----------
    responses : Stack or Stream
    factors : callable
        Takes float64 responses of shape (n_rows, n_repeats, n_block) and the stimuli's indices (n_rows,); returns a and
        b in the same shape, which are then overwritten.
    single : Single, optional
        The factor, the same for a and b, in single precision, for responses without repeats; then double precision is
        used only where this does not resolve a pair.
    """
    sums = None if single is None else _single_sums(responses, factors, single)
    if sums is None:
        sums = _pair_sums(responses, factors, [np.arange(responses.n_stimuli)])[0]
    if not np.isfinite(sums).all():
        raise InputError(
            f"dissimilarities overflow, because the largest response is {responses.largest():g}; divide the "
            "responses by it"
        )
    return sums


def _single_sums(responses: Stack | Stream, factors: Factors, single: Single) -> Floats | None:
    """The sums by products in single precision; None if it has not the range."""
    found = squared_distances(responses, responses.n_stimuli, single)
    if found is not None:
        sums, close = found
        groups = [(members, close[np.ix_(members, members)]) for members in _connected(close)]
        exact = _pair_sums(responses, factors, [members for members, _ in groups]) if groups else []
        for (members, of_group), own in zip(groups, exact, strict=True):
            _put(sums, members, of_group, own)
    return None if found is None else sums


def _put(sums: Floats, members: Rows, which: npt.NDArray[np.bool_], values: Floats) -> None:
    """Replace the sums of some of the pairs of a group of stimuli."""
    block = np.ix_(members, members)
    sums[block] = np.where(which, values, sums[block])


def _pair_sums(responses: Stack | Stream, factors: Factors, groups: Sequence[Rows]) -> list[Floats]:
    """Differences of products, recomputed for groups of stimuli too close together for the products to resolve.

    Products are taken relative to the first stimulus of each group, whose distance from each other stimulus is
    therefore exact. A group that is close together compared with its distance from the first is recomputed relative to
    its own first stimulus, which always leaves one stimulus fewer.
    """
    results, finer = [], []
    with np.errstate(over="ignore", invalid="ignore"):
        for number, (within, crossed) in enumerate(responses.products(factors, groups)):
            scale = _differences(within)
            results.append(scale if crossed is None else _differences(crossed))
            size = np.diagonal(within)
            doubtful = scale < CANCELLED * np.add.outer(size, size)
            doubtful[0] = doubtful[:, 0] = False
            np.fill_diagonal(doubtful, False)
            finer += [(number, members, doubtful[np.ix_(members, members)]) for members in _connected(doubtful)]
    if finer:
        again = _pair_sums(responses, factors, [groups[number][members] for number, members, _ in finer])
        for (number, members, doubtful), sums in zip(finer, again, strict=True):
            _put(results[number], members, doubtful, sums)
    return results


def _connected(doubtful: npt.NDArray[np.bool_]) -> list[Rows]:
    """Groups of at least two stimuli that are connected by pairs."""
    if not doubtful.any():
        return []
    _, group = connected_components(csr_array(doubtful), directed=False)
    return [np.flatnonzero(group == label) for label in np.flatnonzero(np.bincount(group) > 1)]


class _Sums:
    """Products of stimuli, summed over blocks of units, relative to the first stimulus."""

    def __init__(self, n_stimuli: int, n_repeats: int) -> None:
        self._n_repeats = n_repeats
        self._within = np.zeros((n_stimuli, n_stimuli))
        self._total = np.zeros((n_stimuli, n_stimuli)) if n_repeats > 1 else None

    def add(self, a: Floats, b: Floats) -> None:
        """Add a block of units' factors, shape (n_stimuli, n_repeats, n_block), which are overwritten."""
        same, n = a is b, len(a)
        a -= a[0].copy()
        if not same:
            b -= b[0].copy()
        self._within += _product(a.reshape(n, -1), None if same else b.reshape(n, -1))
        if self._total is not None:
            self._total += _product(a.sum(axis=1), None if same else b.sum(axis=1))

    def products(self) -> Products:
        """Within repeats, summed, and between different repeats, averaged (None for one repeat)."""
        if self._total is None:
            return self._within, None
        # Every repeat with the sum of the others: the sum of all with itself, minus each with itself.
        return self._within, (self._total - self._within) / (self._n_repeats * (self._n_repeats - 1))


def _product(a: Floats, b: Floats | None) -> Floats:
    """Products of the rows of a with those of b, or with themselves, which takes half the time."""
    return a @ (a if b is None else b).T


def _differences(products: Floats) -> Floats:
    """From products p of every pair, the sums p_ii + p_jj - p_ij - p_ji: symmetric, exactly zero on the diagonal."""
    size = np.diagonal(products)
    sums = np.add.outer(size, size)
    sums -= products + products.T
    np.fill_diagonal(sums, 0)
    return sums


def _of_width(blocks: Stream, width: int) -> Iterator[npt.NDArray[Any]]:
    """The same units in blocks of a width, but for the last."""
    kept: npt.NDArray[Any] | None = None
    for block in blocks:
        joined = block if kept is None else np.concatenate([kept, block], axis=1)
        stop = joined.shape[1] - joined.shape[1] % width
        for start in range(0, stop, width):
            yield joined[:, start : start + width]
        kept = joined[:, stop:].copy()
    if kept is not None and kept.shape[1]:
        yield kept
