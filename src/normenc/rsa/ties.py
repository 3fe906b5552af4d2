"""Dissimilarities that are equal up to rounding count as equal: detection of ties, and of RDMs without any order."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError

__all__ = ["TIES", "begins", "check_spread", "is_flat", "settled"]

TIES = 1e-12  # of the largest magnitude: sorted neighbours that differ by less are equal
CHAIN = 10  # times that: a chain of neighbours that spans more is not rounding; then only identical values are tied
STEP = 1_000_000  # values processed at once
BINS = 2**16

Floats = npt.NDArray[np.float64]


def begins(ordered: Floats) -> npt.NDArray[np.bool_]:
    """Where, along sorted values, each different value begins.

    Values are equal if each differs from the next by at most 1e-12 of the largest magnitude. This uses the gaps between
    values, because rounding to a grid would separate equal values at its boundaries.

    Examples
    --------
    >>> begins(np.array([0.1, 0.3 - 0.2, 0.2, 1.0])).tolist()
    [True, False, True, True]
    """
    fresh = np.ones(len(ordered), dtype=bool)
    if len(ordered) < 2:
        return fresh
    tolerance = TIES * max(abs(ordered[0]), abs(ordered[-1]))
    gaps = ordered[1:] - ordered[:-1]
    np.greater(gaps, tolerance, out=fresh[1:])
    starts = np.flatnonzero(fresh)
    if len(starts) == len(ordered):
        return fresh
    sizes = np.diff(starts, append=len(ordered))
    long = ordered[starts + sizes - 1] - ordered[starts] > CHAIN * tolerance
    if long.any():
        fresh[1:] |= np.repeat(long, sizes)[1:] & (gaps > 0)
    return fresh


def is_flat(vector: Floats) -> bool:
    """Whether all values are equal up to rounding, so that they have no order and no correlation."""
    low, high = float(vector.min()), float(vector.max())
    return high - low <= TIES * max(abs(low), abs(high))


def check_spread(
    vectors: Floats, *, centred: bool | None, what: str, rows: Sequence[int] | None = None, noun: str = ""
) -> None:
    """Raise InputError if the similarity of a vector (one of `rows`) is undefined: not finite, or without spread.

    `centred` is True if equal dissimilarities have no similarity, False if only those that are all 0, None if neither.
    `noun` names the undefined similarity.
    """
    for row in range(len(vectors)) if rows is None else rows:
        vector = vectors[row]
        name = f"the {what} RDM" if len(vectors) == 1 else f"RDM {row} of the {what} stack"
        if not np.isfinite(vector.min()) or not np.isfinite(vector.max()):
            pair = int(np.flatnonzero(~np.isfinite(vector))[0])
            raise InputError(f"{name} is {vector[pair]} at pair {pair}; dissimilarities must be finite")
        if centred and is_flat(vector):
            noun = noun or "correlation"
            raise InputError(f"all dissimilarities in {name} are {vector[0]:g}; their {noun} is undefined")
        if centred is not None and not vector.any():
            raise InputError(f"all dissimilarities in {name} are 0; their {noun or 'cosine'} is undefined")


def settled(matrix: Floats, *, absolute: float = 0.0, relative: float = 0.0) -> Floats:
    """Set dissimilarities that differ only by rounding to the same value, in place.

    By symmetry many pairs of stimuli may be equally far apart, as gratings are; summed in different orders they differ
    in the last digits. The middle one of such sorted neighbours replaces all of them. Exact zeros stay separate: they
    are copies.

    Parameters
    ----------
    matrix : ndarray, shape (n_stimuli, n_stimuli)
        Symmetric, 0 on the diagonal.
    absolute, relative : float
        Absolute and relative rounding error of a dissimilarity.

    Examples
    --------
    >>> one, other = 0.3, 0.1 + 0.2
    >>> settled(np.array([[0, one, other], [one, 0, one], [other, one, 0]]), absolute=1e-15)
    array([[0. , 0.3, 0.3],
           [0.3, 0. , 0.3],
           [0.3, 0.3, 0. ]])
    """
    ordered = np.concatenate([row[place + 1 :] for place, row in enumerate(matrix)])
    ordered.sort()
    joined = np.zeros(len(ordered) + 1, dtype=bool)  # whether a value exceeds the one before only by rounding
    for start in range(1, len(ordered), STEP):
        values = ordered[start - 1 : start + STEP]
        near = np.diff(values) <= absolute + relative * np.abs(values[1:])
        joined[start : start + len(near)] = near & (values[1:] != 0) & (values[:-1] != 0)
    edges = np.flatnonzero(joined[1:] != joined[:-1])
    first, last = edges[::2], edges[1::2]
    low, high, middle = ordered[first], ordered[last], ordered[(first + last) // 2]
    rounding = (high > low) & (high - low <= CHAIN * (absolute + relative * np.abs(high)))
    if not rounding.any():
        return matrix
    _replace(matrix, low[rounding], high[rounding], middle[rounding])
    np.fill_diagonal(matrix, 0)
    return matrix


def _replace(matrix: Floats, low: Floats, high: Floats, value: Floats) -> None:
    """Replace all values within each interval by one value; intervals are sorted and do not overlap."""
    # Most values lie in no interval; a table of bins finds this faster than a search.
    width = (high[-1] - low[0]) / BINS or 1.0

    def bins(values: Floats) -> npt.NDArray[np.intp]:
        return np.clip((values - low[0]) / width, -1, BINS + 1).astype(np.intp) + 1

    steps = np.bincount(bins(low), minlength=BINS + 4) - np.bincount(bins(high) + 1, minlength=BINS + 4)
    taken = steps.cumsum() > 0
    for row in matrix:
        there = np.flatnonzero(taken[bins(row)])
        place = np.searchsorted(low, row[there], side="right") - 1
        inside = (place >= 0) & (row[there] <= high[place])
        row[there[inside]] = value[place[inside]]
