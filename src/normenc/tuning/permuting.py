"""Permutation analysis of variance from the exact moments of all permutations, instead of a random sample."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

__all__ = ["between_moments", "permuted_anova"]

Floats = npt.NDArray[np.float64]
Pattern = tuple[int, ...]  # exponents of responses of different trials in a product
ORDERS = (2, 4, 6)  # powers of the sum of responses to one stimulus, in the first three moments
ALIKE = 1e-9  # relative variance of the statistic below which all permutations are equivalent


def permuted_anova(values: Floats, index: npt.NDArray[np.intp]) -> Floats:
    """P-values of one-way analyses of variance under random assignment of trials to stimuli.

    The statistic is the sum of squares between stimuli, a monotonic function of F. Its mean, variance and skewness over
    all permutations are exact; its tail is that of a Pearson type III (gamma) distribution of these moments.

    Parameters
    ----------
    values : ndarray, shape (n_trials, n_units)
    index : ndarray, shape (n_trials,)
        Index of the stimulus, from 0.

    References
    ----------
    Mielke & Berry, Permutation Methods: A Distance Function Approach, 2007 (the case of squared distances); Winkler et
    al., "Faster permutation inference in brain imaging", NeuroImage 2016.
    """
    centred = values - values.mean(axis=0)
    spread = np.sqrt(np.square(centred).mean(axis=0))
    varies = spread > 1e-12 * np.abs(values).max(axis=0)
    scaled = centred / np.where(varies, spread, 1)
    counts = np.bincount(index).astype(np.float64)
    sums = np.add.reduceat(scaled[np.argsort(index, kind="stable")], np.cumsum(counts, dtype=int) - counts.astype(int))
    between = (np.square(sums) / counts[:, None]).sum(axis=0)
    mean, variance, skewness = between_moments(scaled, counts)
    varies &= variance > ALIKE * mean**2
    deviation = (between - mean) / np.sqrt(np.where(varies, variance, 1))
    # A negatively skewed distribution is bounded and would give p-values of 0; a normal tail is conservative.
    return np.where(varies, stats.pearson3.sf(deviation, np.maximum(np.where(varies, skewness, 0), 0)), 1.0)


def between_moments(scaled: Floats, counts: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean, variance and skewness of the sum of squares between stimuli over all permutations, of each unit.

    Each is a polynomial in the sums S of the responses to a stimulus, E[S^2 / n], E[S^2 S'^2 / n n'] and so on. These
    expand to products of different trials, whose expectation is the same for any choice of trials.

    Parameters
    ----------
    scaled : ndarray, shape (n_trials, n_units)
        Responses of mean 0.
    counts : ndarray, shape (n_stimuli,)
        Trials.
    """
    expected = _expected_products(scaled)
    two, four, six = (_patterns(counts, order) for order in ORDERS)
    mean = sum(own.sum() * expected(a) for a, own in two.items())
    second = sum(own.sum() * expected(a) for a, own in four.items())
    third = sum(own.sum() * expected(a) for a, own in six.items())
    for a, x in two.items():
        for b, y in two.items():
            second = second + _apart(x, y) * expected(a + b)
            for c, z in two.items():
                third = third + (_apart(x, y) * z.sum() - _apart(x * z, y) - _apart(x, y * z)) * expected(a + b + c)
        for b, y in four.items():
            third = third + 3 * _apart(x, y) * expected(a + b)
    variance = np.maximum(second - mean**2, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return mean, variance, (third - 3 * mean * second + 2 * mean**3) / variance**1.5


def _apart(x: Floats, y: Floats) -> float:
    """Sum of x_i y_j over different stimuli i and j."""
    return float(x.sum() * y.sum() - (x * y).sum())


def _patterns(counts: Floats, order: int) -> Mapping[Pattern, Floats]:
    """Number of products of different trials in the power `order` of a sum over n trials, divided by n^(order / 2)."""
    return {
        pattern: ways * _falling(counts, len(pattern)) / counts ** (order // 2)
        for pattern, ways in _set_partitions(order).items()
    }


@cache
def _set_partitions(order: int) -> dict[Pattern, int]:
    """Sizes of the parts of a set of `order` things, largest first, and how many partitions have them."""
    if order == 0:
        return {(): 1}
    numbers: dict[Pattern, int] = {}
    for pattern, ways in _set_partitions(order - 1).items():
        for place in range(len(pattern) + 1):
            grown = [*pattern, 0]
            grown[place] += 1
            key = tuple(sorted(filter(None, grown), reverse=True))
            numbers[key] = numbers.get(key, 0) + ways
    return numbers


def _expected_products(scaled: Floats) -> Any:
    """A function from exponents to the expectation of such a product of different trials' responses, (n_units,)."""
    n = len(scaled)
    powers, power = {1: np.zeros(scaled.shape[1])}, scaled  # of mean 0, up to rounding
    for exponent in range(2, max(ORDERS) + 1):
        power = power * scaled
        powers[exponent] = power.sum(axis=0)
    sums: dict[Pattern, Any] = {(): 1.0}

    def total(pattern: Pattern) -> Any:
        """Sum over different trials, from that with one trial fewer: any trial, minus those already included."""
        if pattern not in sums:
            *rest, last = pattern
            expected = powers[last] * total(tuple(rest))
            for place, exponent in enumerate(rest):
                merged = [*rest[:place], exponent + last, *rest[place + 1 :]]
                expected = expected - total(tuple(sorted(merged, reverse=True)))
            sums[pattern] = expected
        return sums[pattern]

    def expected(pattern: Pattern) -> Any:
        ordered = tuple(sorted(pattern, reverse=True))
        return total(ordered) / _falling(np.float64(n), len(ordered)) if len(ordered) <= n else 0.0

    return expected


def _falling(n: Any, length: int) -> Any:
    """Product of `length` factors n (n - 1) (n - 2) and so on."""
    return np.prod([n - k for k in range(length)], axis=0)
