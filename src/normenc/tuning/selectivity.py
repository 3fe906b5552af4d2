"""Selectivity of units for orientation or direction, from their tuning curves."""

from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.tuning.curves import around_zero, checked, steady, tuning_curves

__all__ = [
    "direction_selectivity_index",
    "global_selectivity",
    "orientation_selectivity_index",
    "preferred",
    "selectivity_p_values",
]

NEGATIVE = ("zero", "shift", "error")
BLOCK = 2**22  # values per block of permutations


def preferred(
    responses: Any, stimulus: Any, *, period: float = 180.0, negative: str = "zero"
) -> npt.NDArray[np.float64]:
    """Preferred orientation (period 180) or direction (period 360): the angle of the responses' vector sum.

    Parameters
    ----------
    responses : array_like, shape (n_stimuli, n_units)
        Mean responses, or trials: rows of the same stimulus are averaged first (:func:`tuning_curves`). Stimuli should
        be evenly spaced around the circle, since the sum is biased to where they are dense.
    stimulus : array_like, shape (n_stimuli,)
        Degrees. With period 180, opposite directions are the same stimulus.
    period : float
        180 or 360 degrees.
    negative : str
        How to treat negative mean responses (dF/F, z-scores), for which these indices are not defined: ``"zero"`` sets
        them to 0, ``"shift"`` subtracts the smallest response of each unit that has any, ``"error"`` raises an error.

    Returns
    -------
    ndarray, shape (n_units,)
        Degrees, from -period / 2 up to but not including period / 2; NaN for units without a preference.

    Raises
    ------
    InputError
        If shapes disagree, values are not finite, the period is neither, or there is only one stimulus; with
        ``negative="error"``, if a mean response is negative.

    Examples
    --------
    >>> preferred([[1.0, 2.0], [2.0, 1.0], [1.0, 0.0], [0.0, 1.0]], [-90, -45, 0, 45]).round(6)
    array([-45., -90.])
    """
    total, _ = _vector_sum(responses, stimulus, period, negative)
    with np.errstate(invalid="ignore"):
        angle = np.degrees(np.angle(total)) * period / 360
    angle = np.where(np.isclose(angle, period / 2, rtol=0, atol=1e-9), -period / 2, angle)
    return np.where(np.abs(total) > 0, angle, np.nan)


def global_selectivity(
    responses: Any, stimulus: Any, *, period: float = 180.0, negative: str = "zero"
) -> npt.NDArray[np.float64]:
    """Length of the responses' vector sum over their sum: 1 - circular variance.

    Known as global OSI (gOSI) with period 180, and as global DSI with period 360.

    Parameters
    ----------
    responses, stimulus, period, negative
        See :func:`preferred`.

    Returns
    -------
    ndarray, shape (n_units,)
        From 0 (same response to all) to 1 (response to one only); NaN for units without any response. Noise biases it
        upwards: with few trials also use :func:`orientation_p_values` or :func:`direction_p_values`.

    Raises
    ------
    InputError
        See :func:`preferred`.

    References
    ----------
    Ringach, Shapley & Hawken, "Orientation selectivity in macaque V1", J. Neurosci. 2002; Mazurek, Kager & Van Hooser,
    "Robust quantification of orientation selectivity and direction selectivity", Front. Neural Circuits 2014.

    Examples
    --------
    >>> global_selectivity([[1.0, 1.0], [0.0, 1.0], [0.0, 1.0], [0.0, 1.0]], [-90, -45, 0, 45]).round(6)
    array([1., 0.])
    """
    total, sums = _vector_sum(responses, stimulus, period, negative)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(sums > 0, np.abs(total) / sums, np.nan)


def orientation_selectivity_index(
    responses: Any, stimulus: Any, *, period: float = 180.0, negative: str = "zero"
) -> npt.NDArray[np.float64]:
    """(R_preferred - R_orthogonal) / (R_preferred + R_orthogonal), where the response is largest at the preferred one.

    With period 360, responses to opposite directions are averaged first. Responses between stimuli are interpolated
    linearly.

    Parameters
    ----------
    responses, stimulus, period, negative
        See :func:`preferred`.

    Returns
    -------
    ndarray, shape (n_units,)
        From 0 to 1; NaN for units without any response. Taking the largest of noisy responses biases it upwards.

    Raises
    ------
    InputError
        See :func:`preferred`.

    References
    ----------
    Niell & Stryker, "Highly selective receptive fields in mouse visual cortex", J. Neurosci. 2008.

    Examples
    --------
    >>> orientation_selectivity_index([[3.0], [1.0], [1.0], [0.0]], [0, 45, 90, 135])
    array([0.5])
    """
    values, degrees = _not_negative(responses, stimulus, period, negative)
    if period == 360:
        folded = tuning_curves((values + _at(values, degrees, degrees[:, None] + 180, 360.0)) / 2, degrees)
        values, degrees = folded.mean, folded.stimulus
    return _contrast(values, degrees, 90.0, 180.0)


def direction_selectivity_index(responses: Any, stimulus: Any, *, negative: str = "zero") -> npt.NDArray[np.float64]:
    """(R_preferred - R_opposite) / (R_preferred + R_opposite), where the response is largest at the preferred one.

    Parameters
    ----------
    responses, stimulus, negative
        See :func:`preferred`; `stimulus` is the direction, degrees 0 to 360.

    Returns
    -------
    ndarray, shape (n_units,)
        From 0 to 1; NaN for units without any response. Taking the largest of noisy responses biases it upwards.

    Raises
    ------
    InputError
        See :func:`preferred`.

    References
    ----------
    Niell & Stryker, "Highly selective receptive fields in mouse visual cortex", J. Neurosci. 2008.

    Examples
    --------
    >>> direction_selectivity_index([[3.0], [0.0], [1.0], [0.0]], [0, 90, 180, 270])
    array([0.5])
    """
    values, degrees = _not_negative(responses, stimulus, 360.0, negative)
    return _contrast(values, degrees, 180.0, 360.0)


def selectivity_p_values(
    responses: Any, stimulus: Any, *, period: float = 180.0, n_permutations: int = 1000, seed: int = 0
) -> npt.NDArray[np.float64]:
    """Permutation test of whether a unit's responses depend on orientation (or direction).

    The statistic is the length of the vector sum of the responses, after subtracting each unit's mean: it tests for a
    single preference, and cannot detect a unit that prefers two orthogonal orientations equally. It makes no
    assumptions about the noise. But no p-value is below 1 / (1 + n_permutations): a false discovery rate of 0.05 among
    m units needs more than 20 m permutations, whereas :func:`orientation_p_values` and :func:`direction_p_values` need
    none. With period 360, tuning to orientation counts as noise.

    Parameters
    ----------
    responses : array_like, shape (n_trials, n_units)
        Negative ones need no special treatment here. Rows are permuted, so give single trials if available. Averages
        over equal numbers of trials may also be given; with few of them no p-value is small, since rotating or
        reversing the circle of labels does not change the length: 4 orientations never give less than 1/3.
    stimulus : array_like, shape (n_trials,)
        Degrees.
    period : float
        180 or 360 degrees.
    n_permutations : int
    seed : int

    Returns
    -------
    ndarray, shape (n_units,)
        (1 + permutations at least as selective) / (1 + permutations); 1 for constant units. Correct for the number of
        units, for example with :func:`scipy.stats.false_discovery_control`.

    Raises
    ------
    InputError
        If shapes disagree, values are not finite, the period is neither, or `n_permutations` is below 1.

    References
    ----------
    Phipson & Smyth, "Permutation p-values should never be zero", Stat. Appl. Genet. Mol. Biol. 2010.

    Examples
    --------
    >>> degrees = np.arange(36) * 5.0
    >>> tuned = 1 + np.cos(np.radians(2 * degrees))
    >>> selectivity_p_values(np.stack([tuned, np.ones(36)], axis=1), degrees, n_permutations=99)
    array([0.01, 1.  ])
    """
    values, degrees = checked(responses, stimulus, period)
    if n_permutations < 1:
        raise InputError(f"n_permutations is {n_permutations}; it must be at least 1")
    rng = np.random.default_rng(seed)
    angle = np.radians(degrees * 360 / period)
    orders = np.stack([np.arange(len(values)), *(rng.permutation(len(values)) for _ in range(n_permutations))])
    waves = np.concatenate([np.cos(angle)[orders], np.sin(angle)[orders]])
    waves = (waves - waves.mean(axis=1, keepdims=True)).astype(values.dtype)
    p_values = np.ones(values.shape[1])
    width = max(1, BLOCK // len(waves))
    ties = 1e-10 if values.dtype == np.float64 else 1e-5  # relative rounding error of equal sums
    for start in range(0, values.shape[1], width):
        part = values[:, start : start + width]
        varies = ~steady(part)
        part = part - part.mean(axis=0)
        sums = waves @ part
        lengths = np.hypot(sums[: n_permutations + 1], sums[n_permutations + 1 :])
        least = ties * np.abs(part).sum(axis=0)  # rounding error of sums that cancel
        as_selective = (lengths[1:] * (1 + ties) + least >= lengths[0]).sum(axis=0)
        p_values[start : start + width] = np.where(varies, (1 + as_selective) / (1 + n_permutations), 1.0)
    return p_values


def _vector_sum(
    responses: Any, stimulus: Any, period: float, negative: str
) -> tuple[npt.NDArray[np.complex128], npt.NDArray[np.float64]]:
    values, degrees = _not_negative(responses, stimulus, period, negative)
    total = np.exp(2j * np.pi * degrees / period) @ values
    sums = values.sum(axis=0)
    return np.where(np.abs(total) > 1e-12 * sums, total, 0), sums


def _not_negative(
    responses: Any, stimulus: Any, period: float, negative: str
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Non-negative mean responses to each stimulus in the order of degrees, and these degrees."""
    if negative not in NEGATIVE:
        raise InputError(f"negative is {negative!r}; it must be one of {', '.join(NEGATIVE)}")
    curves = tuning_curves(responses, stimulus, period=period)
    values, degrees = curves.mean, curves.stimulus
    lowest = values.min(axis=0)
    if negative == "error" and (lowest < 0).any():
        unit = int(lowest.argmin())
        raise InputError(
            f"unit {unit} has a mean response of {lowest[unit]:g}; selectivity indices are defined only for responses "
            "of at least 0. Give rates or dF/F above a baseline, or choose how to treat negative responses: "
            "negative='zero' or 'shift'"
        )
    if negative == "shift":
        return values - np.minimum(lowest, 0), degrees
    return np.maximum(values, 0), degrees


def _contrast(
    values: npt.NDArray[np.float64], degrees: npt.NDArray[np.float64], apart: float, period: float
) -> npt.NDArray[np.float64]:
    best = values.argmax(axis=0)
    largest = values[best, np.arange(values.shape[1])]
    other = _at(values, degrees, (degrees[best] + apart)[None], period)[0]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(largest > 0, (largest - other) / (largest + other), np.nan)


def _at(
    values: npt.NDArray[np.float64], degrees: npt.NDArray[np.float64], where: npt.NDArray[np.float64], period: float
) -> npt.NDArray[np.float64]:
    """Each unit's response at `where`, (n, 1) or (n, n_units), interpolated around the circle of rising `degrees`."""
    where = around_zero(where, period)
    after = np.searchsorted(degrees, where, side="right") % len(degrees)
    before = (after - 1) % len(degrees)
    share = np.mod(where - degrees[before], period) / np.mod(degrees[after] - degrees[before], period)
    columns = np.arange(values.shape[1])
    return values[before, columns] * (1 - share) + values[after, columns] * share
