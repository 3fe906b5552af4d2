"""Recordings from pynapple tuning curves."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from normenc.arrays import as_array
from normenc.errors import InputError
from normenc.recordings.formats.netcdf import NEURON_DIMENSIONS
from normenc.recordings.labels import NEURON_LABELS
from normenc.recordings.naming import understand
from normenc.recordings.preparation import Preparation
from normenc.recordings.recording import Recording
from normenc.stimulus_types import as_type

__all__ = ["from_pynapple"]

OF_ONE_CIRCLE = 2 * np.pi + 0.01  # values that span no more are radians rather than degrees


def from_pynapple(
    curves: xr.DataArray | pd.DataFrame,
    name: str,
    *,
    kind: str = "orientation",
    angles: str | None = None,
    **facts: Any,
) -> Recording:
    """Make a recording from tuning curves of pynapple: one stimulus per bin, one neuron per unit.

    Parameters
    ----------
    curves : DataArray or DataFrame
        The result of ``pynapple.compute_tuning_curves`` for one feature (unit x bin), of
        ``compute_1d_tuning_curves`` in earlier versions (bin x unit), or of ``compute_response_per_epoch`` with epochs
        named by degrees or by images. Rates or other responses; `units` says which.
    name : str
        The recording's name.
    kind : str
        The feature: ``"orientation"`` (degrees from vertical, period 180), ``"direction"`` (period 360), ``"image"`` or
        another type.
    angles : str, optional
        ``"radians"``, or ``"degrees"`` for degrees that look like something else. By default degrees are expected, and
        bins that span at most one circle in radians are refused.
    **facts
        See :func:`from_xarray`.

    Returns
    -------
    Recording
        The stimuli are the bin centres in degrees; the neurons have the names of the units.

    Raises
    ------
    InputError
        If there are several features, a bin is NaN because the feature never fell into it, or the feature looks like
        radians.

    Examples
    --------
    >>> curves = xr.DataArray([[5.0, 1.0], [2.0, 8.0]], {"unit": [3, 7], "angle": [0, np.pi / 2]}, ("unit", "angle"))
    >>> recording = from_pynapple(curves, "toy", angles="radians", units="spikes/s")
    >>> recording.stimulus, recording.responses["neuron"].values.tolist()
    (array([ 0., 90.]), ['3', '7'])
    >>> from_pynapple(curves, "toy")
    Traceback (most recent call last):
    normenc.errors.InputError: toy: the bins of orientation span 3.14159, which looks like radians; ...
    """
    try:
        shown = as_type(kind)
        arrays, bins, feature = _of_curves(curves)
        _check_visited(arrays["responses"], bins, feature)
        if not shown.is_named:
            bins = _as_numbers(bins, kind)
            if shown.period is not None:
                _check_circle(bins, kind, angles)
        asked = Preparation(axes="stimulus,neuron", angles=angles, **facts)
        return understand(arrays | {kind: bins}, name, asked).recording()
    except InputError as error:
        raise InputError(f"{name}: {error}") from None


def _of_curves(curves: Any) -> tuple[dict[str, Any], npt.NDArray[Any], str]:
    """Responses, bin x unit, with labels of the units; the bins, and their name."""
    if isinstance(curves, pd.DataFrame):
        arrays = {"responses": as_array(curves.to_numpy(), "the tuning curves"), "neuron": curves.columns.to_numpy()}
        return arrays, curves.index.to_numpy(), str(curves.index.name or "index")
    if not isinstance(curves, xr.DataArray):
        raise InputError(
            f"the tuning curves are a {type(curves).__name__}; give the DataArray or DataFrame that pynapple returned"
        )
    units = [dim for dim in curves.dims if dim in NEURON_DIMENSIONS]
    if curves.ndim != 2 or len(units) != 1:
        raise InputError(
            f"the tuning curves have the dimensions {', '.join(map(str, curves.dims))}; they must be unit and one "
            "feature: average over the others, or select from them"
        )
    (feature,) = (dim for dim in curves.dims if dim not in units)
    if feature not in curves.coords:
        raise InputError(f"the tuning curves have no coordinate {feature!r}; it must hold the centres of the bins")
    curves = curves.transpose(feature, units[0])
    arrays = {label: curves[label].to_numpy() for label in NEURON_LABELS if label in curves.coords}
    if units[0] in curves.coords:
        arrays["neuron"] = curves[units[0]].to_numpy()
    return arrays | {"responses": as_array(curves, "the tuning curves")}, curves[feature].to_numpy(), str(feature)


def _check_visited(responses: npt.NDArray[Any], bins: npt.NDArray[Any], feature: str) -> None:
    bad = ~np.isfinite(responses)
    if not bad.any():
        return
    where = np.flatnonzero(bad.any(axis=1))
    raise InputError(
        f"{len(where)} of {len(bins)} bins of {feature} have no response (NaN or infinite), the first at "
        f"{bins[where[0]]}: the feature never fell into them; make bins wider, choose a range that was visited, or "
        "leave such bins out with dropna"
    )


def _as_numbers(bins: npt.NDArray[Any], kind: str) -> npt.NDArray[np.float64]:
    """Degrees from the centres of bins, or from names of epochs such as "45"."""
    try:
        return np.asarray(bins).astype(np.float64)
    except (TypeError, ValueError):
        raise InputError(f"the bins are called {str(bins[0])!r} and so on; as {kind} they must be numbers") from None


def _check_circle(bins: npt.NDArray[np.float64], kind: str, angles: str | None) -> None:
    """Refuse bins that look like radians; their edges are often not round, so neither are their centres."""
    span = float(np.ptp(bins)) * len(bins) / max(len(bins) - 1, 1)
    if angles is None and span <= OF_ONE_CIRCLE:
        raise InputError(
            f"the bins of {kind} span {span:g}, which looks like radians; pass angles='radians', or angles='degrees' "
            "if they are degrees after all"
        )
