"""Which units are tuned to any stimulus, to orientation or to direction, with control of false discoveries."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from normenc.arrays import as_array
from normenc.errors import InputError
from normenc.tuning.curves import Cells, around_zero, cells, checked, steady
from normenc.tuning.permuting import permuted_anova
from normenc.tuning.reliability import labelled_trials

__all__ = ["direction_p_values", "discoveries", "orientation_p_values", "stimulus_p_values"]

Floats = npt.NDArray[np.float64]
BLOCK = 2**22  # responses processed at a time
REPEATED = 1.5  # mean trials per stimulus from which the variance within stimuli is used as the error
MIN_WITHIN = 16  # degrees of freedom within stimuli for the same
MIN_LEFT = 5  # minimum residual degrees of freedom of a fit: 8 averages for orientation
NO_NOISE = 1e-9  # share of the squares below which responses to a stimulus differ only by rounding
UNEVEN = 2.2, 4.3  # largest share of one trial in an effect, relative to the mean, for orientation and for direction
WIDEST_GAP = 90.0  # largest gap in degrees between neighbouring directions, none of which has its opposite


def stimulus_p_values(responses: Any, stimulus: Any) -> npt.NDArray[np.float64]:
    """Whether a unit's responses differ between stimuli: a one-way analysis of variance by permutation.

    Labels of trials are permuted, all permutations at once: the p-value comes from the exact mean, variance and
    skewness of the F statistic's permutation distribution (Pearson type III), so that it can be small enough for a
    correction for many units. It agrees with :func:`scipy.stats.f_oneway` for normal noise, and keeps its level where
    that test does not: with two or three trials per stimulus, sparse spike counts, or unequal numbers of trials.

    Parameters
    ----------
    responses : array_like, shape (n_trials, n_units)
    stimulus : array_like, shape (n_trials,)
        Labels; equal labels are the same stimulus. Degrees need :func:`around_zero` first.

    Returns
    -------
    ndarray, shape (n_units,)
        NaN with fewer than 1.5 trials per stimulus on average, for example for averages; 1 for units that do not vary.

    Raises
    ------
    InputError
        If shapes disagree, or values are not finite.

    References
    ----------
    Mielke & Berry, Permutation Methods: A Distance Function Approach, 2007.

    Examples
    --------
    >>> stimulus = np.repeat([0, 1, 2], 8)
    >>> noise = np.random.default_rng(0).normal(size=(24, 2))
    >>> stimulus_p_values(noise + [[0, 3]] * (stimulus == 1)[:, None], stimulus).round(4)
    array([0.3401, 0.    ])
    """
    values, labels = labelled_trials(responses, stimulus)
    different, index = np.unique(labels, return_inverse=True)
    if len(different) < 2 or len(values) < REPEATED * len(different):
        return np.full(values.shape[1], np.nan)
    return _by_blocks(values, lambda part: permuted_anova(part, index))


def orientation_p_values(responses: Any, stimulus: Any, *, period: float = 180.0) -> npt.NDArray[np.float64]:
    """Whether a unit is tuned to orientation: an F test of the cosine and sine of twice the angle.

    These are fitted to the mean responses by least squares weighted by the numbers of trials; for directions together
    with the cosine and sine of the angle itself, so that a preference for one of two opposite directions does not count
    as error. The test is for a single preferred orientation: it cannot detect units that prefer two orthogonal
    orientations equally.

    Parameters
    ----------
    responses : array_like, shape (n_trials, n_units)
        Trials, or averages. For averages the residual of the fit is the error; also if there are fewer than 16 degrees
        of freedom within stimuli, or if responses to a stimulus are always the same, as in network units.
    stimulus : array_like, shape (n_trials,)
        Degrees.
    period : float
        Period of the stimuli: 180 (orientations) or 360 (directions of drift).

    Returns
    -------
    ndarray, shape (n_units,)
        NaN if the residual has fewer than 5 degrees of freedom: with fewer than 8 averages (10 for directions). Also
        NaN if numbers of trials differ so much that a few trials dominate, such as 2 for most stimuli and 15 for some:
        skewed noise would pass as tuning. 1 for units that do not vary.

    Raises
    ------
    InputError
        If shapes disagree, values are not finite, or the period is neither.

    References
    ----------
    Nelson et al., "Methods for cosinor-rhythmometry", Chronobiologia 1979 (the test of zero amplitude).

    Examples
    --------
    >>> degrees = np.repeat(np.arange(0, 360, 30), 10)
    >>> tuned = np.cos(np.radians(2 * degrees))[:, None] + np.random.default_rng(0).normal(size=(120, 2)) * [1, 100]
    >>> orientation_p_values(tuned, degrees, period=360).round(4)
    array([0.    , 0.8884])
    """
    values, degrees = checked(responses, stimulus, period)
    labels = around_zero(degrees, period)
    beside = 1 if period == 360 and _axes_shown_both_ways(np.unique(labels)) >= 2 else None
    return _by_blocks(values, lambda part: _harmonic(cells(part, labels), 2, beside))


def direction_p_values(responses: Any, stimulus: Any) -> npt.NDArray[np.float64]:
    """Whether a unit is tuned to direction: whether it prefers one of two opposite directions.

    Differences between mean responses to opposite directions cannot come from orientation tuning. Their cosine and sine
    are tested with a separate variance for each orientation (Welch, James and Johansen), since responses to a preferred
    orientation vary more: with a common variance, the false-positive rate for neurons tuned only to orientation would
    be up to 0.1 at a level of 0.05, and twenty times the level at 0.001.

    Parameters
    ----------
    responses : array_like, shape (n_trials, n_units)
        Trials, or averages. For averages, cosine and sine of the angle, fitted together with those of twice the angle,
        are tested against the residual.
    stimulus : array_like, shape (n_trials,)
        Degrees of drift.

    Returns
    -------
    ndarray, shape (n_units,)
        NaN if no direction was shown with its opposite (for averages: if neighbouring directions are more than 90
        degrees apart, or there are fewer than 10), if numbers of trials differ too much, as for
        :func:`orientation_p_values`, and for units without noise; 1 for units that do not vary.

    Raises
    ------
    InputError
        If shapes disagree, or values are not finite.

    References
    ----------
    Johansen, "The Welch-James approximation to the distribution of the residual sum of squares in a weighted linear
    regression", Biometrika 1980.

    Examples
    --------
    >>> degrees = np.repeat(np.arange(0, 360, 30), 10)
    >>> angle, noise = np.radians(degrees)[:, None], np.random.default_rng(0).normal(size=(120, 1))
    >>> to_both = np.hstack([np.cos(2 * angle), np.cos(2 * angle) + np.cos(angle)])
    >>> direction_p_values(to_both + noise, degrees).round(4)
    array([0.4116, 0.    ])
    """
    values, degrees = checked(responses, stimulus, 360.0)
    labels = around_zero(degrees, 360.0)
    shown = np.unique(labels)
    if len(labels) >= REPEATED * len(shown):
        return _by_blocks(values, lambda part: _opposite(cells(part, labels)))
    if np.diff(shown, append=shown[0] + 360).max() > WIDEST_GAP:
        return np.full(values.shape[1], np.nan)
    return _by_blocks(values, lambda part: _harmonic(cells(part, labels), 1, 2))


def discoveries(p_values: Any, *, alpha: float = 0.05) -> npt.NDArray[np.bool_]:
    """Which units are significant at a false discovery rate, among those that could be tested.

    Parameters
    ----------
    p_values : array_like, shape (n_units,)
        NaN for units that could not be tested, which are ignored.
    alpha : float
        False discovery rate (Benjamini & Hochberg).

    Returns
    -------
    ndarray of bool, shape (n_units,)

    Raises
    ------
    InputError
        If p-values, or alpha, are not between 0 and 1.

    Examples
    --------
    >>> discoveries([0.01, 0.04, np.nan, 0.9]).tolist()
    [True, False, False, False]
    """
    values = as_array(p_values, "p_values").astype(np.float64)
    if not 0 < alpha < 1:
        raise InputError(f"alpha is {alpha}; it must be between 0 and 1")
    tested = ~np.isnan(values)
    if values.ndim != 1 or not ((values[tested] >= 0) & (values[tested] <= 1)).all():
        raise InputError(f"p_values have shape {values.shape}; give one per unit, each from 0 to 1, or NaN")
    significant = np.zeros(len(values), dtype=bool)
    if tested.any():
        significant[tested] = stats.false_discovery_control(values[tested]) <= alpha
    return significant


def _by_blocks(values: npt.NDArray[Any], test: Callable[[npt.NDArray[Any]], Floats]) -> Floats:
    """P-values in blocks of units, because the test copies their responses in float64."""
    width = max(1, BLOCK // len(values))
    blocks = []
    for start in range(0, values.shape[1], width):
        part = values[:, start : start + width].astype(np.float64)
        part[:, steady(values[:, start : start + width])] = 0
        blocks.append(test(part))
    return np.concatenate(blocks)


def _waves(degrees: npt.NDArray[Any], harmonic: int) -> Floats:
    angle = harmonic * np.radians(degrees)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _basis(columns: Floats, without: Floats | None = None) -> Floats:
    """Orthonormal columns that span the given ones after projecting out the span of `without`."""
    size = np.linalg.norm(columns)
    if without is not None:
        columns = columns - without @ (without.T @ columns)
    vectors, lengths, _ = np.linalg.svd(columns, full_matrices=False)
    return vectors[:, lengths > 1e-6 * size]


def _harmonic(averages: Cells, harmonic: int, beside: int | None) -> Floats:
    """F test of a harmonic of the cells' degrees, fitted with a constant and, if given, another harmonic."""
    root = np.sqrt(averages.counts)[:, None]
    others = [np.ones((len(root), 1))] + ([] if beside is None else [_waves(averages.labels, beside)])
    known = _basis(root * np.hstack(others))
    tested = _basis(root * _waves(averages.labels, harmonic), known)
    n_trials, n_stimuli, size = averages.counts.sum(), len(root), tested.shape[1]
    if not size or _uneven(np.square(tested).sum(axis=1) / averages.counts, averages.counts, UNEVEN[0]):
        return np.full(averages.mean.shape[1], np.nan)
    weighted = root * averages.mean
    effect = np.square(tested.T @ weighted).sum(axis=0)
    within = averages.squares.sum(axis=0)
    left = weighted - known @ (known.T @ weighted)
    total = np.square(left).sum(axis=0) + within
    left = np.square(left - tested @ (tested.T @ left)).sum(axis=0)
    exact = within <= NO_NOISE * total
    error, dof = left + within, n_trials - known.shape[1] - size
    if n_trials >= REPEATED * n_stimuli and n_trials - n_stimuli >= MIN_WITHIN:
        error, dof = np.where(exact, left, within), n_trials - n_stimuli
    each = np.where(exact, n_stimuli - known.shape[1] - size, dof)
    with np.errstate(invalid="ignore", divide="ignore"):
        p_values = stats.f.sf(effect / size / (error / each), size, each)
    testable = np.where(_constant(averages), dof, each) >= MIN_LEFT
    return np.where(testable, np.where(_constant(averages), 1.0, p_values), np.nan)


def _opposite(averages: Cells) -> Floats:
    """Test of the first harmonic of the differences between opposite directions, a variance for each axis."""
    first, second = _pairs(averages.labels)
    counts = averages.counts
    dof = counts[first] + counts[second] - 2
    first, second, dof = first[dof > 0], second[dof > 0], dof[dof > 0][:, None]
    if not len(first):
        return np.full(averages.mean.shape[1], np.nan)
    weight = (1 / (1 / counts[first] + 1 / counts[second]))[:, None]
    waves = _basis(np.sqrt(weight) * _waves(averages.labels[first], 1)) * np.sqrt(weight)
    pulls = np.square(waves).sum(axis=1)
    shares = np.concatenate([pulls / counts[first] ** 2, pulls / counts[second] ** 2])
    if _uneven(shares, np.concatenate([counts[first], counts[second]]), UNEVEN[1]):
        return np.full(averages.mean.shape[1], np.nan)
    contrast = waves.T @ (averages.mean[first] - averages.mean[second])
    variance = (averages.squares[first] + averages.squares[second]) / dof / weight  # of each difference
    covariance = np.einsum("pa,pu,pb->uab", waves, variance, waves)
    lengths, vectors = np.linalg.eigh(covariance)
    # For a unit that responds to only one orientation, the variance has one dimension, and so does the test.
    there = lengths > NO_NOISE * lengths[:, -1:]
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = np.where(there, 1 / np.sqrt(lengths), 0)
        statistic = np.square(np.einsum("au,uab,ub->ub", contrast, vectors, scale)).sum(axis=1)
        share = np.square(np.einsum("pa,uab,ub->upb", waves, vectors, scale)).sum(axis=2).T * variance
        size = there.sum(axis=1)
        spread = (np.square(share) / dof).sum(axis=0)
        factor = size + 2 * spread - 6 * spread / (size + 2)
        p_values = stats.f.sf(statistic / factor, size, size * (size + 2) / (3 * spread))
    noisy = averages.squares.sum(axis=0) > NO_NOISE * (
        averages.counts @ np.square(averages.mean - averages.mean.mean(axis=0))
    )
    return np.where(_constant(averages), 1.0, np.where(noisy & (lengths[:, -1] > 0), p_values, np.nan))


def _uneven(shares: Floats, counts: npt.NDArray[Any], most: float) -> bool:
    """Whether single trials of some stimuli dominate an effect: their share in it, compared with the mean."""
    return bool(counts.max() > counts.min() and shares.max() * counts.sum() > most * (shares @ counts))


def _constant(averages: Cells) -> npt.NDArray[np.bool_]:
    """Which units never change their response."""
    total = averages.squares.sum(axis=0) + averages.counts @ np.square(averages.mean - averages.mean.mean(axis=0))
    return total <= 1e-24 * (averages.counts @ np.square(averages.mean))


def _pairs(directions: npt.NDArray[Any]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Places of directions and of their opposites, each pair once."""
    places = {float(direction): place for place, direction in enumerate(directions)}
    opposite = around_zero(directions + 180, 360.0)
    both = [(place, places[float(other)]) for place, other in enumerate(opposite) if float(other) in places]
    pairs = np.array([pair for pair in both if pair[0] < pair[1]], dtype=np.intp).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _axes_shown_both_ways(directions: npt.NDArray[Any]) -> int:
    return len(_pairs(directions)[0])
