"""Tuning curves: mean responses by orientation or direction, with standard errors."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_array, as_responses
from normenc.errors import InputError
from normenc.showing import Listed

__all__ = ["PERIODS", "Cells", "TuningCurves", "around_zero", "cells", "checked", "steady", "tuning_curves"]

PERIODS = (180.0, 360.0)  # degrees: of orientation, of direction
PER_DEGREE = 10**6  # stimuli are distinguished to a millionth of a degree
STEADY, STEADY_SINGLE = 1e-12, 2e-6  # of the largest response: rounding error in float64 and in float32


@dataclass(frozen=True, repr=False)
class TuningCurves(Listed):
    """Mean responses by stimulus, of neurons or of a layer's units alike.

    Attributes
    ----------
    stimulus : ndarray, shape (n_stimuli,)
        Degrees, rising, each within half a period of 0.
    mean : ndarray, shape (n_stimuli, n_units)
        Mean over trials.
    standard_error : ndarray, shape (n_stimuli, n_units)
        Standard error of the mean over trials; NaN for a stimulus with one trial.
    n_trials : ndarray, shape (n_stimuli,)
    period : float
        180 for orientation, 360 for direction.
    """

    stimulus: npt.NDArray[np.float64]
    mean: npt.NDArray[np.float64]
    standard_error: npt.NDArray[np.float64]
    n_trials: npt.NDArray[np.intp]
    period: float


def tuning_curves(
    responses: Any, stimulus: Any, *, period: float = 180.0, bin_width: float | None = None
) -> TuningCurves:
    """Average the trials of every stimulus.

    Parameters
    ----------
    responses : array_like, shape (n_trials, n_units)
        One row per trial, or per stimulus for averages.
    stimulus : array_like, shape (n_trials,)
        Degrees. Stimuli that differ by a multiple of `period` are the same.
    period : float
        180 (orientation: a grating turned by 180 degrees is the same grating) or 360 (direction of drift). Directions
        with period 180 are folded onto orientations.
    bin_width : float, optional
        Degrees; the period must be a multiple of it. Stimuli are rounded to the nearest multiple, for stimuli that were
        each shown once.

    Returns
    -------
    TuningCurves

    Raises
    ------
    InputError
        If shapes disagree, values are not finite, the period is neither, the bins do not fit into it, or there is only
        one stimulus.

    Examples
    --------
    >>> curves = tuning_curves([[1.0], [3.0], [5.0], [5.0]], [0, 180, 90, 90])
    >>> curves.stimulus, curves.mean[:, 0], curves.standard_error[:, 0]
    (array([-90.,   0.]), array([5., 2.]), array([0., 1.]))
    >>> tuning_curves([[1.0], [3.0], [5.0], [5.0]], [2.5, 178, 50, 130], bin_width=45).stimulus
    array([-45.,   0.,  45.])
    """
    values, degrees = checked(responses, stimulus, period)
    averaged = cells(values, around_zero(degrees, period, bin_width))
    if len(averaged.labels) < 2:
        raise InputError(
            f"all trials show the same stimulus, {averaged.labels[0]:g} degrees; a tuning curve needs at least 2 "
            "stimuli"
        )
    counts = averaged.counts[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.sqrt(averaged.squares / (counts - 1) / counts)
    error[averaged.counts < 2] = np.nan
    return TuningCurves(averaged.labels, averaged.mean, error, averaged.counts, float(period))


@dataclass(frozen=True)
class Cells:
    """Trials by stimulus: sorted labels, numbers of trials, and means and sums of squares around them for each unit."""

    labels: npt.NDArray[Any]
    counts: npt.NDArray[np.intp]
    mean: npt.NDArray[np.float64]
    squares: npt.NDArray[np.float64]


def cells(values: npt.NDArray[Any], labels: npt.NDArray[Any]) -> Cells:
    """Mean, and sum of squares around it, of the rows of each label: both (n_labels, n_units), in float64."""
    different, inverse, counts = np.unique(labels, return_inverse=True, return_counts=True)
    ordered = values[np.argsort(inverse, kind="stable")].astype(np.float64)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    mean = np.add.reduceat(ordered, starts) / counts[:, None]
    ordered -= np.repeat(mean, counts, axis=0)
    return Cells(different, counts, mean, np.add.reduceat(np.square(ordered, out=ordered), starts))


def around_zero(degrees: Any, period: float = 180.0, bin_width: float | None = None) -> npt.NDArray[np.float64]:
    """Degrees as labels of stimuli: the same number for stimuli that are the same, or in the same bin.

    Parameters
    ----------
    degrees : array_like
    period : float
        180 or 360 degrees.
    bin_width : float, optional
        See :func:`tuning_curves`.

    Returns
    -------
    ndarray, shape of `degrees`
        From -period / 2 up to but not including period / 2, to a millionth of a degree.

    Raises
    ------
    InputError
        If the bins do not fit into the period.

    Examples
    --------
    >>> around_zero([-90, 0.0, 90, 180.0])
    array([-90.,   0., -90.,   0.])
    """
    degrees = as_array(degrees, "degrees").astype(np.float64)
    if bin_width is not None:
        n_bins = round(period / bin_width) if bin_width > 0 else 0
        if n_bins < 2 or abs(n_bins * bin_width - period) > 1e-6:
            raise InputError(f"bin_width is {bin_width}; {period:g} degrees must be a whole number of bins, at least 2")
        degrees = np.floor(np.mod(degrees, period) / bin_width + 0.5) * bin_width
    half = round(period * PER_DEGREE) // 2
    whole = np.rint(np.mod(degrees, period) * PER_DEGREE).astype(np.int64)  # whole numbers are compared exactly
    return (np.mod(whole + half, 2 * half) - half) / PER_DEGREE


def checked(responses: Any, stimulus: Any, period: float) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
    """Responses and degrees, checked to have equal length."""
    values = as_responses(responses, in_range=True)
    degrees = as_array(stimulus, "stimulus").astype(np.float64)
    if period not in PERIODS:
        raise InputError(f"period is {period}; it must be 180 (orientation) or 360 (direction)")
    if degrees.shape != (len(values),):
        raise InputError(
            f"stimulus has shape {degrees.shape} but responses have {len(values)} rows; give one value, in degrees, "
            "per row"
        )
    if not np.isfinite(degrees).all():
        raise InputError(f"stimulus of row {np.flatnonzero(~np.isfinite(degrees))[0]} is not finite")
    return values, degrees


def steady(values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Which units always respond the same, up to rounding in the type of the values.

    The rounding error of such units depends on the library and its number of threads, and must not affect results.

    Parameters
    ----------
    values : ndarray, shape (n_trials, n_units)
    """
    share = STEADY_SINGLE if values.dtype == np.float32 else STEADY
    return np.asarray(np.ptp(values, axis=0) <= share * np.abs(values).max(axis=0))
