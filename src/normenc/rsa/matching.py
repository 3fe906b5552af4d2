r"""Similarity of the units of two representations: how well each unit's tuning can be found among the other's units.

Unlike the measures in :mod:`normenc.rsa.alignment`, these change when a representation is rotated: they ask whether
single units agree, not only what they span together. A unit that responds alike to all stimuli correlates 0 with every
other.
"""

from collections.abc import Sequence
from math import lcm
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.optimize import linear_sum_assignment, linprog

from normenc.arrays import as_count, as_seed
from normenc.errors import InputError
from normenc.rsa.ceiling import spearman_brown
from normenc.rsa.paired import checked_pair

__all__ = [
    "assigned",
    "correlations",
    "matched",
    "one_to_one",
    "one_to_one_correlation",
    "partial_soft_matching",
    "reliabilities",
    "soft_matching",
]

Floats = npt.NDArray[np.float64]
Weights = npt.NDArray[Any] | None
LEAST_ONE_TO_ONE = 6  # stimuli: three in each half
MOST_ASSIGNED = 2000  # copies of units that are assigned; beyond, the linear programme is solved,
MOST_PAIRS = 250_000  # of at most so many pairs of units
FRACTION = 0.5


def soft_matching(x: Any, y: Any) -> float:
    r"""Soft matching: mean correlation of units under the best transport between them; higher is more similar.

    :math:`\max_P \sum_{ij} P_{ij} \, r(x_i, y_j)`, with r the correlation over stimuli of a unit of one with a unit of
    the other, over all couplings :math:`P \ge 0` in which every unit of x has the mass :math:`1 / N_x` and every unit
    of y :math:`1 / N_y`. With as many units in both, it is the mean correlation of the best one-to-one assignment. The
    soft-matching distance of units of length 1 is :math:`\sqrt{2 - 2s}`.

    Parameters
    ----------
    x, y : array_like, shape (n_stimuli, n_x) and (n_stimuli, n_y)
        The same stimuli in the same order; any unit of response.

    Returns
    -------
    float
        -1 to 1. Between noise it is above 0, the more units the higher, because the best partner is chosen.

    Raises
    ------
    InputError
        If stimuli differ, are fewer than 3, or all evoke the same response, if responses are not finite, or if there
        are too many pairs of units.

    References
    ----------
    Khosla & Williams, "Soft matching distance: a metric on neural representations that captures single-neuron tuning",
    UniReps 2024.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(20, 3))
    >>> round(soft_matching(x, -5 * x[:, [2, 0]] + 1), 3) < 0.5, round(soft_matching(x, 5 * x[:, [2, 0, 1]] + 1), 6)
    (True, 1.0)
    """
    return matched(*checked_pair(x, y))


def partial_soft_matching(x: Any, y: Any, *, fraction: float = FRACTION) -> float:
    r"""Partial soft matching: mean correlation of the best-matched part of the units; higher is more similar.

    :math:`\max_P \frac{1}{f} \sum_{ij} P_{ij} \, r(x_i, y_j)`, as :func:`soft_matching`, over couplings of mass f in
    which every unit has *at most* its mass, so that units without a counterpart stay unmatched.

    Parameters
    ----------
    x, y : array_like, shape (n_stimuli, n_x) and (n_stimuli, n_y)
    fraction : float
        f, above 0 and at most 1, where it is :func:`soft_matching`. The source chooses it by the bend of the cost over
        f; a value that is stated keeps models comparable.

    Returns
    -------
    float
        -1 to 1.

    Raises
    ------
    InputError
        As :func:`soft_matching`; also if the fraction is out of range.

    References
    ----------
    Kapoor, Williams & Khosla, "Partial soft-matching distance for neural representational comparison with partial unit
    correspondence", ICLR 2026.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(20, 4))
    >>> round(partial_soft_matching(x, np.hstack([x[:, :2], x[:, 2:] ** 2]), fraction=0.5), 6)
    1.0
    """
    if not 0 < fraction <= 1:
        raise InputError(f"fraction is {fraction}; it must be above 0 and at most 1")
    return matched(*checked_pair(x, y), fraction=fraction)


def one_to_one_correlation(x: Any, y: Any, *, n_splits: int = 1, seed: int = 0) -> float:
    """Correlation of units matched one to one, on stimuli that did not choose the match; higher is more similar.

    On one random half of the stimuli, units are assigned so that the sum of their correlations is largest, no unit
    twice. Their mean correlation on the other half is averaged over both halves, and splits. Where one representation
    has more units, as many of them as the other has are matched.

    Parameters
    ----------
    x, y : array_like, shape (n_stimuli, n_x) and (n_stimuli, n_y)
    n_splits : int
        Random splits into halves.
    seed : int
        Of the splits.

    Returns
    -------
    float
        -1 to 1, 0 on average for unrelated noise.

    Raises
    ------
    InputError
        If stimuli differ, are fewer than 6, or all evoke the same response, or responses are not finite.

    References
    ----------
    Li, Yosinski, Clune, Lipson & Hopcroft, "Convergent learning: do different neural networks learn the same
    representations?", ICLR 2016 (assignment); Khosla, Williams, McDermott & Kanwisher, "Privileged representational
    axes in biological and artificial neural networks", bioRxiv 2024.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(20, 3))
    >>> round(one_to_one_correlation(x, x[:, [2, 0]] * 3), 6)
    1.0
    """
    n_splits, seed = as_count(n_splits, "n_splits"), as_seed(seed)
    first, second = checked_pair(x, y, LEAST_ONE_TO_ONE)
    return float(np.mean([one_to_one(first, second, seed=seed + k) for k in range(n_splits)]))


def one_to_one(x: Floats, y: Floats, weights: Weights = None, neurons: Weights = None, *, seed: int = 0) -> float:
    """:func:`one_to_one_correlation` in a sample, of one split; the same stimulus is never in both halves.

    Parameters
    ----------
    x, y : ndarray, shape (n_stimuli, n_x) and (n_stimuli, n_y)
    weights : ndarray, shape (n_stimuli,), optional
        How often each stimulus is in the sample.
    neurons : ndarray, shape (n_y,), optional
        Weight of each unit of y in the mean and in the assignment.
    seed : int
    """
    weights = np.ones(len(x)) if weights is None else np.asarray(weights, dtype=float)
    counts = np.ones(y.shape[1]) if neurons is None else np.asarray(neurons, dtype=float)
    first = np.isin(np.arange(len(x)), np.random.default_rng([seed, 5]).permutation(len(x))[: len(x) // 2])
    halves = [correlations(x, y, weights * half) for half in (first, ~first)]
    values = []
    for chosen, tested in (halves, halves[::-1]):
        rows, columns = linear_sum_assignment(chosen * counts, maximize=True)
        total = counts[columns].sum()
        values.append(float(tested[rows, columns] @ counts[columns] / total) if total else np.nan)
    return float(np.mean(values))


def matched(x: Floats, y: Floats, weights: Weights = None, neurons: Weights = None, *, fraction: float = 1) -> float:
    """:func:`partial_soft_matching` in a sample.

    Parameters
    ----------
    x, y : ndarray, shape (n_stimuli, n_x) and (n_stimuli, n_y)
    weights : ndarray, shape (n_stimuli,), optional
        How often each stimulus is in the sample.
    neurons : ndarray of int, shape (n_y,), optional
        Mass of each unit of y, in whole numbers.
    fraction : float
    """
    gains = correlations(x, y, weights)
    masses = np.ones(y.shape[1], dtype=np.int64) if neurons is None else np.asarray(neurons, dtype=np.int64)
    there = masses > 0
    gains, masses = gains[:, there], masses[there]
    size = lcm(len(gains), int(masses.sum()))
    whole = abs(fraction * size - round(fraction * size)) < 1e-9
    if whole and size * (2 - fraction) <= MOST_ASSIGNED:  # copies of equal mass: the transport is then an assignment
        copies = np.repeat(gains, size // len(gains), axis=0)
        return assigned(np.repeat(copies, masses * (size // masses.sum()), axis=1), round(fraction * size))
    return _programme(gains, np.full(len(gains), 1 / len(gains)), masses / masses.sum(), fraction)


def assigned(gains: Floats, n_pairs: int) -> float:
    """Mean gain of so many pairs of rows and columns, no one twice, whose sum is largest."""
    n_rows, n_columns = gains.shape
    if n_pairs == min(gains.shape):
        return float(gains[linear_sum_assignment(gains, maximize=True)].mean())
    # As many partners without gain as stay unmatched, which cannot be matched with each other.
    padded = np.zeros((n_rows + n_columns - n_pairs,) * 2)
    padded[:n_rows, :n_columns] = gains
    padded[n_rows:, n_columns:] = -3.0 * len(padded)
    return float(padded[linear_sum_assignment(padded, maximize=True)].sum() / n_pairs)


def reliabilities(halves: Sequence[tuple[Floats, Floats]], weights: Floats) -> Floats:
    """Reliability of each neuron's mean over all trials, by the Spearman-Brown formula: shape (n_samples, n_neurons).

    Parameters
    ----------
    halves : sequence of pairs of ndarray, shape (n_stimuli, n_neurons)
        Means over two halves of the trials, in every split.
    weights : ndarray, shape (n_samples, n_stimuli)
    """
    split = [[(standardised(x, w) * standardised(y, w)).sum(axis=0) for x, y in halves] for w in weights]
    return np.asarray(spearman_brown(np.mean(split, axis=1)))


def correlations(x: Floats, y: Floats, weights: Weights = None) -> Floats:
    """Correlations of the units of x with those of y, shape (n_x, n_y), with weights of the stimuli; 0 if constant."""
    return standardised(x, weights).T @ standardised(y, weights)


def standardised(values: Floats, weights: Weights) -> Floats:
    """Units of mean 0 and length 1 over the stimuli of a sample; 0 if constant."""
    if weights is not None:
        values = values[weights > 0]
        share = (weights[weights > 0] / weights.sum())[:, None]
        values = (values - (share * values).sum(axis=0)) * np.sqrt(share)
    size = np.abs(values).max(axis=0, initial=0)
    values = values / np.where(size > 0, size, 1)
    length = np.linalg.norm(values, axis=0)
    return np.asarray(values / np.where(length > 0, length, 1))


def _programme(gains: Floats, rows: Floats, columns: Floats, mass: float) -> float:
    """The best coupling of units with these masses, of which `mass` is matched; its mean gain."""
    n_x, n_y = gains.shape
    if gains.size > MOST_PAIRS:
        raise InputError(
            f"{n_x:,} and {n_y:,} units have {gains.size:,} pairs, too many for a transport of this kind (at most "
            f"{MOST_PAIRS:,}); draw as many units of both, at most {MOST_ASSIGNED:,}, or a multiple in one of them"
        )
    of_rows = sparse.kron(sparse.eye_array(n_x), np.ones((1, n_y)), format="csr")
    of_columns = sparse.kron(np.ones((1, n_x)), sparse.eye_array(n_y), format="csr")
    both, masses = sparse.vstack([of_rows, of_columns], format="csr"), np.append(rows, columns)
    if mass == 1:
        limits = {"A_eq": both, "b_eq": masses}
    else:
        limits = {"A_ub": both, "b_ub": masses, "A_eq": np.ones((1, gains.size)), "b_eq": [mass]}
    result = linprog(-gains.ravel(), **limits, bounds=(0, None), method="highs")
    if result.status != 0:
        raise InputError(f"the transport between units was not solved: {result.message}")
    return float(-result.fun / mass)
