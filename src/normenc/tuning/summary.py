"""Every unit's tuning in one table, and how preferences and widths are distributed over the population."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from normenc.arrays import as_array
from normenc.errors import InputError
from normenc.tuning.curves import TuningCurves, around_zero, checked, tuning_curves
from normenc.tuning.fits import MIN_STIMULI, fit_von_mises
from normenc.tuning.reliability import explainable_variance, split_half_reliability
from normenc.tuning.selectivity import (
    direction_selectivity_index,
    global_selectivity,
    orientation_selectivity_index,
    preferred,
    selectivity_p_values,
)

__all__ = ["CircularStatistics", "PopulationSummary", "circular_statistics", "population_summary"]

N_BINS = 12  # of the histograms

Histogram = tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]


@dataclass(frozen=True)
class CircularStatistics:
    """How angles are spread around their circle.

    Attributes
    ----------
    n : int
        Of angles that are not NaN.
    mean : float
        Circular mean, degrees, within half a period of 0.
    resultant_length : float
        Mean resultant length: from 0 (no mean direction) to 1 (all the same); 1 - circular variance.
    standard_deviation : float
        Circular standard deviation, degrees of the stimulus.
    p_value : float
        Of Rayleigh's test: small where the angles have one preferred direction.
    """

    n: int
    mean: float
    resultant_length: float
    standard_deviation: float
    p_value: float


@dataclass(frozen=True)
class PopulationSummary:
    """Units described one by one, and those that are selective as a population.

    Attributes
    ----------
    units : DataFrame
        One row a unit. `preferred_deg`, `gosi`, `osi` (with period 360 also `gdsi`, `dsi`); of the von Mises fit
        `fit_preferred_deg`, `width_deg`, `r2`, NaN with too few stimuli for one; `p_value`, and `selective`, whether
        the false discovery rate allows to call the unit so; `reliability` and `explainable_variance`, NaN without
        repeats.
    preferences : CircularStatistics
        Of the selective units' `preferred_deg`.
    preference_histogram : (ndarray, ndarray)
        Numbers of selective units by `preferred_deg`, and the bins' edges in degrees, one more, as
        :func:`numpy.histogram` gives them.
    width_histogram : (ndarray, ndarray)
        Likewise by `width_deg`.
    width_quartiles : ndarray, shape (3,)
        25th, 50th and 75th percentile of the selective units' `width_deg`; NaN without any.
    period : float
    """

    units: pd.DataFrame
    preferences: CircularStatistics
    preference_histogram: Histogram
    width_histogram: Histogram
    width_quartiles: npt.NDArray[np.float64]
    period: float


def circular_statistics(degrees: Any, *, period: float = 180.0) -> CircularStatistics:
    """Circular mean, spread and Rayleigh's test of uniformity, of preferences for example.

    Parameters
    ----------
    degrees : array_like, shape (n,)
        NaN are left out.
    period : float
        Degrees after which the circle closes: 180 for orientations, 360 for directions. Rayleigh's test sees one
        cluster, not two that face each other: with period 90, orientations are asked whether they cluster around the
        cardinal (mean near 0) or the oblique ones (mean near 45).

    Returns
    -------
    CircularStatistics
        All NaN without any angle.

    Raises
    ------
    InputError
        When the angles are not one-dimensional, or one is infinite, or the period is not positive.

    References
    ----------
    Fisher, Statistical Analysis of Circular Data, 1993; the p-value's approximation is that of Zar, Biostatistical
    Analysis, 1999. Neighbouring neurons are not independent, for which it is too small.

    Examples
    --------
    >>> found = circular_statistics([-85.0, 85.0, 90.0])
    >>> found.mean, round(found.resultant_length, 3), round(found.p_value, 3)
    (-90.0, 0.99, 0.037)
    """
    from scipy import stats

    angles = as_array(degrees, "degrees").astype(np.float64)
    if angles.ndim != 1 or np.isinf(angles).any() or not 0 < period < np.inf:
        raise InputError(
            f"degrees have shape {angles.shape} and the period is {period}; give one finite angle (or NaN) a unit, and "
            "a positive period in degrees"
        )
    angles = angles[~np.isnan(angles)]
    n = len(angles)
    if not n:
        return CircularStatistics(0, np.nan, np.nan, np.nan, np.nan)
    circle = {"low": -period / 2, "high": period / 2}
    mean = float(stats.circmean(angles, **circle))
    length = 1 - float(stats.circvar(angles, **circle))
    p_value = np.exp(np.sqrt(1 + 4 * n + 4 * n**2 * (1 - length**2)) - (1 + 2 * n))
    return CircularStatistics(
        n=n,
        mean=mean if mean < period / 2 - 1e-9 else -period / 2,
        resultant_length=length,
        standard_deviation=float(stats.circstd(angles, **circle)),
        p_value=float(min(p_value, 1)),
    )


def population_summary(
    responses: Any,
    stimulus: Any,
    *,
    period: float = 180.0,
    bin_width: float | None = None,
    negative: str = "zero",
    n_permutations: int = 1000,
    n_splits: int = 20,
    alpha: float = 0.05,
    seed: int = 0,
) -> PopulationSummary:
    """Describe all units and, of those that are selective, the distribution of preferences and widths.

    Parameters
    ----------
    responses : array_like, shape (n_trials, n_units)
        Trials, or mean responses. Indices and fits take the mean over trials, the test takes the trials.
    stimulus : array_like, shape (n_trials,)
        Degrees.
    period : float
        180 (orientation; opposite directions count as repeats) or 360 (direction). Preferences, fits and the test are
        of this period; with 360, units that prefer an orientation but neither of its directions are not selective.
    bin_width : float, optional
        See :func:`tuning_curves`; the test takes the stimuli as they were, reliability the bins.
    negative : str
        See :func:`preferred`.
    n_permutations : int
        See :func:`selectivity_p_values`.
    n_splits : int
        See :func:`split_half_reliability`.
    alpha : float
        False discovery rate (Benjamini & Hochberg) among the units that are called selective.
    seed : int

    Returns
    -------
    PopulationSummary

    Raises
    ------
    InputError
        When shapes disagree, values are not finite, there is one stimulus, or a setting is out of its range.

    Examples
    --------
    >>> degrees = np.tile(np.arange(0, 180, 15.0), 4)
    >>> tuned = np.exp(2 * np.cos(np.radians(2 * (degrees[:, None] - [-60, 0, 5, 10]))))
    >>> noise = np.random.default_rng(0).normal(size=(48, 6))
    >>> found = population_summary(np.hstack([tuned, noise[:, :2]]) + noise, degrees, n_permutations=199)
    >>> found.units.selective.tolist(), found.preferences.n
    ([True, True, True, True, False, False], 4)
    """
    from scipy import stats

    values, degrees = checked(responses, stimulus, period)
    if not 0 < alpha < 1:
        raise InputError(f"alpha is {alpha}; it must lie between 0 and 1")
    curves = tuning_curves(values, degrees, period=period, bin_width=bin_width)
    units = _tuning(curves, negative)
    units["p_value"] = selectivity_p_values(values, degrees, period=period, n_permutations=n_permutations, seed=seed)
    units["selective"] = stats.false_discovery_control(units["p_value"]) <= alpha
    trials = (values, around_zero(degrees, period, bin_width))
    repeats = (curves.n_trials >= 2).sum() >= 2
    units["reliability"] = split_half_reliability(*trials, n_splits=n_splits, seed=seed) if repeats else np.nan
    units["explainable_variance"] = explainable_variance(*trials) if repeats else np.nan
    angles = units.loc[units["selective"], "preferred_deg"].dropna().to_numpy()
    widths = units.loc[units["selective"], "width_deg"].dropna().to_numpy()
    return PopulationSummary(
        units=units,
        preferences=circular_statistics(angles, period=period),
        preference_histogram=np.histogram(angles, N_BINS, (-period / 2, period / 2)),
        width_histogram=np.histogram(widths, N_BINS, (0, period / 2)),  # no von Mises curve is wider than a cosine
        width_quartiles=np.percentile(widths, [25, 50, 75]) if len(widths) else np.full(3, np.nan),
        period=float(period),
    )


def _tuning(curves: TuningCurves, negative: str) -> pd.DataFrame:
    """Preferences, indices and fits of mean responses, one row a unit."""
    mean, degrees, period = curves.mean, curves.stimulus, curves.period
    columns = {
        "preferred_deg": preferred(mean, degrees, period=period, negative=negative),
        "gosi": global_selectivity(mean, degrees, negative=negative),
        "osi": orientation_selectivity_index(mean, degrees, period=period, negative=negative),
    }
    if period == 360:
        columns["gdsi"] = global_selectivity(mean, degrees, period=period, negative=negative)
        columns["dsi"] = direction_selectivity_index(mean, degrees, negative=negative)
    table = pd.DataFrame(columns).rename_axis("unit")
    if len(degrees) < MIN_STIMULI[period]:
        return table.assign(fit_preferred_deg=np.nan, width_deg=np.nan, r2=np.nan)
    fit = fit_von_mises(mean, degrees, period=period)
    return table.assign(fit_preferred_deg=fit.preferred, width_deg=fit.width, r2=fit.r2)
