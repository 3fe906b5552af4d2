"""Dissimilarities that are equal but for rounding are equal: what tells ties, and RDMs without any order."""

import numpy as np
import numpy.typing as npt

__all__ = ["TIES", "begins", "is_flat"]

TIES = 1e-12  # of the largest magnitude: what neighbours in order may differ by and be equal
CHAIN = 10  # times that: a chain of neighbours that spans more is no rounding, and only equal bits are tied

Floats = npt.NDArray[np.float64]


def begins(ordered: Floats) -> npt.NDArray[np.bool_]:
    """Where, along sorted values, each different value begins.

    Values are equal where each differs from the next by no more than 1e-12 of the largest magnitude. They are told by
    the gaps between them, since rounding to a grid would part equal values at its lines.

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
    """Whether all values are equal but for rounding, so that they have no order and no correlation."""
    low, high = float(vector.min()), float(vector.max())
    return high - low <= TIES * max(abs(low), abs(high))
