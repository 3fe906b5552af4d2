"""Tuning curves: mean responses by orientation or direction, with standard errors."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_array, as_responses
from normenc.errors import InputError

__all__ = ["PERIODS", "TuningCurves", "checked", "tuning_curves"]

PERIODS = (180.0, 360.0)  # degrees: of orientation, of direction
SAME = 1e-6  # degrees within which stimuli are the same


@dataclass(frozen=True)
class TuningCurves:
    """Mean responses by stimulus, of neurons or of a layer's units alike.

    Attributes
    ----------
    stimulus : ndarray, shape (n_stimuli,)
        Degrees, rising, each within half a period of 0.
    mean : ndarray, shape (n_stimuli, n_units)
        Over trials.
    standard_error : ndarray, shape (n_stimuli, n_units)
        Of the mean over trials; NaN for a stimulus with one trial.
    n_trials : ndarray, shape (n_stimuli,)
    period : float
        180 for orientation, 360 for direction.
    """

    stimulus: npt.NDArray[np.float64]
    mean: npt.NDArray[np.float64]
    standard_error: npt.NDArray[np.float64]
    n_trials: npt.NDArray[np.intp]
    period: float


def tuning_curves(responses: Any, stimulus: Any, *, period: float = 180.0) -> TuningCurves:
    """Average the trials of every stimulus.

    Parameters
    ----------
    responses : array_like, shape (n_trials, n_units)
        One row a trial, or a stimulus where these are averages already.
    stimulus : array_like, shape (n_trials,)
        Degrees. Stimuli that differ by a multiple of `period` are one.
    period : float
        180 (orientation: a grating turned by 180 degrees is the same grating) or 360 (direction of drift). Directions
        with period 180 are folded onto orientations.

    Returns
    -------
    TuningCurves

    Raises
    ------
    InputError
        When shapes disagree, values are not finite, the period is another, or there is one stimulus.

    Examples
    --------
    >>> curves = tuning_curves([[1.0], [3.0], [5.0], [5.0]], [0, 180, 90, 90])
    >>> curves.stimulus, curves.mean[:, 0], curves.standard_error[:, 0]
    (array([-90.,   0.]), array([5., 2.]), array([0., 1.]))
    """
    values, degrees = checked(responses, stimulus, period)
    degrees = np.round(degrees / SAME) * SAME
    centred = np.mod(degrees + period / 2, period) - period / 2
    centred[np.isclose(centred, period / 2, atol=SAME)] = -period / 2
    found, inverse, counts = np.unique(np.round(centred, 6), return_inverse=True, return_counts=True)
    if len(found) < 2:
        raise InputError(f"all trials show one stimulus, {found[0]:g} degrees; a tuning curve needs 2 at least")
    ordered = values[np.argsort(inverse, kind="stable")].astype(np.float64)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    mean = np.add.reduceat(ordered, starts) / counts[:, None]
    ordered -= np.repeat(mean, counts, axis=0)
    squares = np.add.reduceat(np.square(ordered, out=ordered), starts)
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.sqrt(squares / (counts - 1)[:, None] / counts[:, None])
    error[counts < 2] = np.nan
    return TuningCurves(found, mean, error, counts, float(period))


def checked(responses: Any, stimulus: Any, period: float) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
    """Responses and degrees of equal length; raises InputError where they are not."""
    values = as_responses(responses)
    degrees = as_array(stimulus, "stimulus").astype(np.float64)
    if period not in PERIODS:
        raise InputError(f"period is {period}; it must be 180 (orientation) or 360 (direction)")
    if degrees.shape != (len(values),):
        raise InputError(
            f"stimulus has shape {degrees.shape} but responses have {len(values)} rows; there must be one value, in "
            "degrees, a row"
        )
    if not np.isfinite(degrees).all():
        raise InputError(f"stimulus of row {np.flatnonzero(~np.isfinite(degrees))[0]} is not finite")
    return values, degrees
