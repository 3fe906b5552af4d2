"""Representational dissimilarity matrices."""

from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_matrix, check_finite, stimulus_name
from normenc.errors import InputError

__all__ = ["METRICS", "rdm"]

METRICS = ("correlation",)

BLOCK_UNITS = 1024  # units a block: short enough for the processor's cache, and for sums in single precision
SMALL = 1_000_000  # responses that double precision costs no time worth saving


def rdm(responses: Any, metric: str = "correlation") -> npt.NDArray[np.float64]:
    r"""Dissimilarity of every pair of stimuli, from the responses to them.

    ``"correlation"``: :math:`1 - Z Z^T / N`, with :math:`Z` the responses z-scored over the :math:`N` units, that is
    one minus the Pearson correlation of two stimuli's response patterns.

    Parameters
    ----------
    responses : array_like, shape (n_stimuli, n_units)
        NumPy array, torch tensor or xarray object; any unit of response. More than a million float32 responses
        are multiplied in float32 over blocks of 1024 units, which are summed in float64; the error is about 1e-8 for
        noisy responses, and a few 1e-6 where most are equal. All else is float64 throughout.
    metric : str
        One of :data:`METRICS`.

    Returns
    -------
    ndarray, shape (n_stimuli, n_stimuli)
        float64, symmetric, exactly zero on the diagonal, between 0 (same pattern) and 2 (opposite pattern).

    Raises
    ------
    InputError
        When there are fewer than two stimuli or units, values that are not finite, or a stimulus that all units
        respond to alike, whose correlation with others is undefined; the message names the stimulus.

    References
    ----------
    Kriegeskorte, Mur & Bandettini, "Representational similarity analysis", Front. Syst. Neurosci. 2008.

    Examples
    --------
    >>> rdm([[1, 2, 3], [3, 2, 1], [2, 4, 6]]).round(6)
    array([[0., 2., 0.],
           [2., 0., 2.],
           [0., 2., 0.]])
    """
    if metric not in METRICS:
        raise InputError(f"metric is {metric!r}; it must be one of {', '.join(METRICS)}")
    values = as_matrix(responses)
    if values.size <= SMALL:
        values = values.astype(np.float64)
    n_stimuli, n_units = values.shape
    if n_stimuli < 2 or n_units < 2:
        raise InputError(
            f"responses are {n_stimuli} stimuli x {n_units} units; a correlation RDM needs at least 2 stimuli "
            "and 2 units"
        )
    with np.errstate(over="ignore", invalid="ignore"):
        covariance = _covariance(values)
        careful = _needs_care(covariance, values)
    if careful:
        # Rare: NaN, a constant stimulus, or numbers so large or small that their squares leave the number range.
        check_finite(values, responses)
        constant = np.flatnonzero(np.ptp(values, axis=1) == 0)
        if constant.size:
            raise InputError(
                f"{stimulus_name(responses, int(constant[0]))} has the same response in all {n_units} units "
                f"({constant.size} such stimuli in all), so that its correlation with other stimuli is undefined; "
                "remove these stimuli, or compare a layer or population that responds to them"
            )
        values = values.astype(np.float64)
        values = values / np.abs(values).max(axis=1, keepdims=True)
        values = values - values.mean(axis=1, keepdims=True)
        covariance = _covariance(values / np.abs(values).max(axis=1, keepdims=True))
    scale = 1 / np.sqrt(np.diagonal(covariance))
    covariance *= np.outer(scale, scale)
    dissimilarities = np.clip(1 - covariance, 0, 2, out=covariance)
    np.fill_diagonal(dissimilarities, 0)
    return dissimilarities


def _covariance(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Covariance of the rows over the columns in one pass, block by block of columns.

    The columns are shifted by the first block's mean, and what is left of the mean is taken out of the product at
    the end. That loses nothing: a block of a fraction f of the columns has a mean within std / sqrt(f) of the row's.
    """
    n_stimuli, n_units = values.shape
    block = min(BLOCK_UNITS, n_units)
    shift = values[:, :block].mean(axis=1, dtype=np.float64).astype(values.dtype)[:, None]
    product = np.zeros((n_stimuli + 1, n_stimuli + 1))
    shifted = np.ones((n_stimuli + 1, block), dtype=values.dtype)  # the last row's product is the sum of the others
    for start in range(0, n_units, block):
        part = shifted[:, : min(block, n_units - start)]
        np.subtract(values[:, start : start + block], shift, out=part[:-1])
        product += part @ part.T
    total = product[-1, :-1]
    return (product[:-1, :-1] - np.outer(total, total) / n_units) / n_units


def _needs_care(covariance: npt.NDArray[np.float64], values: npt.NDArray[Any]) -> bool:
    """Whether a variance is no number, near the end of its type's range, or nothing but rounding."""
    variance = np.diagonal(covariance)
    limits = np.finfo(values.dtype)
    rounding = 100 * float(limits.eps) * np.abs(values[:, 0].astype(np.float64))
    floor = np.maximum(float(limits.tiny) / float(limits.eps), rounding**2)
    return bool(np.any(~np.isfinite(variance) | (variance <= floor)))
