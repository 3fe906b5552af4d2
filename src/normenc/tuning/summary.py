"""Every unit's tuning in one table, and how preferences and widths are distributed over the population."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from normenc.arrays import as_array
from normenc.errors import InputError
from normenc.showing import Shown
from normenc.tuning.curves import TuningCurves, around_zero, checked, tuning_curves
from normenc.tuning.fits import MIN_STIMULI, fit_von_mises
from normenc.tuning.reliability import explainable_variance, split_half_reliability
from normenc.tuning.responsiveness import responsiveness_p_values
from normenc.tuning.selectivity import (
    direction_selectivity_index,
    global_selectivity,
    orientation_selectivity_index,
    preferred,
)
from normenc.tuning.significance import direction_p_values, discoveries, orientation_p_values, stimulus_p_values

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

__all__ = ["CircularStatistics", "PopulationSummary", "Tuned", "circular_statistics", "population_summary"]


@dataclass(frozen=True)
class CircularStatistics:
    """Distribution of angles around their circle.

    Attributes
    ----------
    n : int
        Number of angles that are not NaN.
    mean : float
        Circular mean, degrees, within half a period of 0.
    resultant_length : float
        Mean resultant length: from 0 (no mean direction) to 1 (all the same); 1 - circular variance.
    standard_deviation : float
        Circular standard deviation, degrees of the stimulus.
    p_value : float
        Of Rayleigh's test: small if the angles cluster around one direction.
    """

    n: int
    mean: float
    resultant_length: float
    standard_deviation: float
    p_value: float


@dataclass(frozen=True)
class Tuned:
    """The units that are tuned to orientation, or to direction.

    Attributes
    ----------
    n_tested : int
        Units that could be tested.
    n_tuned : int
        Units that are significantly tuned after control of the false discovery rate.
    preferences : CircularStatistics
        Distribution of the tuned units' preferred orientations, or directions.
    width_quartiles : ndarray, shape (3,)
        25th, 50th and 75th percentile of the tuned units' `width_deg`; NaN without any.
    n_at_bound : int
        Tuned units whose width is a bound (`width_at_bound`).
    """

    n_tested: int
    n_tuned: int
    preferences: CircularStatistics
    width_quartiles: npt.NDArray[np.float64]
    n_at_bound: int = 0


@dataclass(frozen=True, repr=False)
class PopulationSummary(Shown):
    """Tuning of each unit, and of the tuned units as a population.

    Attributes
    ----------
    units : DataFrame
        One row a unit. Preferences and selectivity: `preferred_orientation_deg` (-90 up to 90), `gosi`, `osi`, with
        period 360 also `preferred_direction_deg` (0 up to 360), `gdsi`, `dsi`. Of the von Mises fit
        `fit_preferred_deg`, `width_deg`, `width_at_bound` (see :class:`VonMisesFit`) and `r2`, missing with too few
        stimuli for one; with period 360 it is that of
        directions, whose two bumps are equally wide. P-values: `p_stimulus`, `p_orientation`, with
        period 360 `p_direction`, with blanks `p_responsive`, each NaN if the test is impossible; and whether the unit
        is significant after control of the false discovery rate: `tuned` (to any stimulus), `tuned_orientation`,
        `tuned_direction`, `responsive`, missing if not tested. `reliability` and `explainable_variance`, NaN without
        repeats.
    n_tested, n_tuned : int
        Units tested for any difference between stimuli, and those with a significant one.
    orientation : Tuned
    direction : Tuned or None
        With period 360.
    period : float
    """

    units: pd.DataFrame
    n_tested: int
    n_tuned: int
    orientation: Tuned
    direction: Tuned | None
    period: float

    def _title(self) -> str:
        tuned = self.orientation
        return f"{len(self.units):,} units; {tuned.n_tuned:,} of {tuned.n_tested:,} tested are tuned to orientation"

    def summary(self) -> pd.DataFrame:
        """How many units are tuned, and to what: rows ``anything``, ``orientation`` and, if known, ``direction``.

        Columns are ``n_tested``, ``n_tuned``, the circular ``mean`` of the tuned units' preferences and their
        ``resultant_length``, Rayleigh's ``p_value``, and the median ``width`` (degrees).
        """
        rows: dict[str, dict[str, float]] = {"anything": {"n_tested": self.n_tested, "n_tuned": self.n_tuned}}
        for name, tuned in (("orientation", self.orientation), ("direction", self.direction)):
            if tuned is not None:
                spread = {key: getattr(tuned.preferences, key) for key in ("mean", "resultant_length", "p_value")}
                counts = {"n_tested": tuned.n_tested, "n_tuned": tuned.n_tuned}
                rows[name] = counts | spread | {"width": float(tuned.width_quartiles[1])}
        return pd.DataFrame.from_dict(rows, orient="index")

    def plot(self, *, axes: "Axes | None" = None) -> "Axes":
        """Draw the preferred orientations of the tuned units, or of all if tuning cannot be tested.

        Parameters
        ----------
        axes : Axes, optional
            Polar; a new figure by default.

        Returns
        -------
        Axes
        """
        from normenc import figures

        tested = self.orientation.n_tested > 0
        called = self.units["tuned_orientation"].fillna(False).to_numpy(dtype=bool)
        return figures.preference_histogram(
            {"population": self.units["preferred_orientation_deg"].to_numpy()},
            tuned={"population": called} if tested else None,
            axes=None if axes is None else np.array([axes], dtype=object),
        ).flat[0]

    def to_xarray(self) -> "xr.Dataset":
        """The table of units as a Dataset, one variable per column along ``unit``; truth values become 1, 0 or NaN."""
        called = self.units.select_dtypes("boolean").columns
        return self.units.astype(dict.fromkeys(called, float)).to_xarray()


def circular_statistics(degrees: Any, *, period: float = 180.0) -> CircularStatistics:
    """Circular mean, spread and Rayleigh's test of uniformity, for example of preferences.

    Parameters
    ----------
    degrees : array_like, shape (n,)
        NaN values are left out.
    period : float
        Degrees after which the circle closes: 180 for orientations, 360 for directions. Rayleigh's test detects one
        cluster, not two opposite ones; with period 90, it tests whether orientations cluster around the cardinal (mean
        near 0) or the oblique ones (mean near 45).

    Returns
    -------
    CircularStatistics
        All NaN without any angle.

    Raises
    ------
    InputError
        If the angles are not one-dimensional, or one is infinite, or the period is not positive.

    References
    ----------
    Fisher, Statistical Analysis of Circular Data, 1993; the p-value's approximation is that of Zar, Biostatistical
    Analysis, 1999. Neighbouring neurons are not independent, which makes it too small.

    Examples
    --------
    >>> circular = circular_statistics([-85.0, 85.0, 90.0])
    >>> circular.mean, round(circular.resultant_length, 3), round(circular.p_value, 3)
    (-90.0, 0.99, 0.037)
    """
    from scipy import stats

    angles = as_array(degrees, "degrees").astype(np.float64)
    if angles.ndim != 1 or np.isinf(angles).any() or not 0 < period < np.inf:
        raise InputError(
            f"degrees have shape {angles.shape} and the period is {period}; give one finite angle (or NaN) per unit, "
            "and a positive period in degrees"
        )
    angles = angles[~np.isnan(angles)]
    n = len(angles)
    if not n:
        return CircularStatistics(0, np.nan, np.nan, np.nan, np.nan)
    circle = {"low": -period / 2, "high": period / 2}
    mean = float(stats.circmean(angles, **circle))
    with np.errstate(divide="ignore"):  # infinite where angles cancel out
        deviation = float(stats.circstd(angles, **circle))
    length = 1 - float(stats.circvar(angles, **circle))
    p_value = np.exp(np.sqrt(1 + 4 * n + 4 * n**2 * (1 - length**2)) - (1 + 2 * n))
    return CircularStatistics(
        n=n,
        mean=mean if mean < period / 2 - 1e-9 else -period / 2,
        resultant_length=length,
        standard_deviation=deviation,
        p_value=float(min(p_value, 1)),
    )


def population_summary(
    responses: Any,
    stimulus: Any,
    *,
    period: float = 180.0,
    bin_width: float | None = None,
    blanks: Any = None,
    negative: str = "zero",
    n_splits: int = 20,
    alpha: float = 0.05,
    seed: int = 0,
) -> PopulationSummary:
    """Describe all units and, for the tuned ones, the distribution of preferences and widths.

    Parameters
    ----------
    responses : array_like, shape (n_trials, n_units)
        Trials, or mean responses. Indices and fits use the mean over trials, tests the trials.
    stimulus : array_like, shape (n_trials,)
        Degrees.
    period : float
        180 (orientation; opposite directions count as repeats) or 360 (direction; orientation is described as well).
    bin_width : float, optional
        See :func:`tuning_curves`.
    blanks : array_like, shape (n_blanks, n_units), optional
        Responses in trials without a stimulus, for :func:`responsiveness_p_values`.
    negative : str
        See :func:`preferred`.
    n_splits : int
        See :func:`split_half_reliability`.
    alpha : float
        False discovery rate, see :func:`discoveries`.
    seed : int
        Seed of the random halves.

    Returns
    -------
    PopulationSummary

    Raises
    ------
    InputError
        If shapes disagree, values are not finite, there is only one stimulus, or a setting is out of range.

    Examples
    --------
    >>> degrees = np.tile(np.arange(0, 180, 15.0), 4)
    >>> tuned = np.exp(2 * np.cos(np.radians(2 * (degrees[:, None] - [-60, 0, 5, 10]))))
    >>> noise = np.random.default_rng(0).normal(size=(48, 6))
    >>> population = population_summary(np.hstack([tuned, noise[:, :2]]) + noise, degrees)
    >>> population.units.tuned_orientation.tolist(), population.orientation.n_tuned
    ([True, True, True, True, False, False], 4)
    """
    values, degrees = checked(responses, stimulus, period)
    labels = around_zero(degrees, period, bin_width)
    curves = tuning_curves(values, labels, period=period)
    units = _tuning(curves, negative)
    tests = {"stimulus": ("tuned", stimulus_p_values(values, labels))}
    tests["orientation"] = ("tuned_orientation", orientation_p_values(values, labels, period=period))
    if period == 360:
        tests["direction"] = ("tuned_direction", direction_p_values(values, labels))
    if blanks is not None:
        tests["responsive"] = ("responsive", responsiveness_p_values(values, labels, blanks))
    units = units.assign(**{f"p_{name}": p_values for name, (_, p_values) in tests.items()})
    units = units.assign(**{name: _called(p_values, alpha) for name, p_values in tests.values()})
    repeats = (curves.n_trials >= 2).sum() >= 2
    units["reliability"] = split_half_reliability(values, labels, n_splits=n_splits, seed=seed) if repeats else np.nan
    units["explainable_variance"] = explainable_variance(values, labels) if repeats else np.nan
    return PopulationSummary(
        units=units,
        n_tested=int(units["tuned"].notna().sum()),
        n_tuned=int(units["tuned"].sum()),
        orientation=_of_tuned(units, "orientation", 180.0),
        direction=_of_tuned(units, "direction", 360.0) if period == 360 else None,
        period=float(period),
    )


def _called(p_values: npt.NDArray[np.float64], alpha: float) -> Any:
    """Whether each unit is a discovery; missing if not tested."""
    return pd.Series(discoveries(p_values, alpha=alpha), dtype="boolean").mask(np.isnan(p_values)).array


def _of_tuned(units: pd.DataFrame, kind: str, period: float) -> Tuned:
    called = units[f"tuned_{kind}"]
    tuned = units[called.fillna(False).astype(bool)]
    widths = tuned["width_deg"].dropna().to_numpy()
    return Tuned(
        n_tested=int(called.notna().sum()),
        n_tuned=len(tuned),
        preferences=circular_statistics(tuned[f"preferred_{kind}_deg"], period=period),
        width_quartiles=np.percentile(widths, [25, 50, 75]) if len(widths) else np.full(3, np.nan),
        n_at_bound=int(tuned["width_at_bound"].fillna(False).sum()),
    )


def _tuning(curves: TuningCurves, negative: str) -> pd.DataFrame:
    """Preferences, indices and fits of mean responses, one row a unit."""
    mean, degrees, period = curves.mean, curves.stimulus, curves.period
    columns = {
        "preferred_orientation_deg": preferred(mean, degrees, negative=negative),
        "gosi": global_selectivity(mean, degrees, negative=negative),
        "osi": orientation_selectivity_index(mean, degrees, period=period, negative=negative),
    }
    if period == 360:
        columns["preferred_direction_deg"] = preferred(mean, degrees, period=period, negative=negative) % 360
        columns["gdsi"] = global_selectivity(mean, degrees, period=period, negative=negative)
        columns["dsi"] = direction_selectivity_index(mean, degrees, negative=negative)
    table = pd.DataFrame(columns).rename_axis("unit")
    if len(degrees) < MIN_STIMULI[period]:
        return table.assign(fit_preferred_deg=np.nan, width_deg=np.nan, width_at_bound=pd.NA, r2=np.nan)
    fit = fit_von_mises(mean, degrees, period=period)
    at = fit.preferred % 360 if period == 360 else fit.preferred
    return table.assign(fit_preferred_deg=at, width_deg=fit.width, width_at_bound=fit.at_bound, r2=fit.r2)
