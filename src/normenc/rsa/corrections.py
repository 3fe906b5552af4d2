"""P-values corrected for how many there are."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

__all__ = ["benjamini_hochberg", "holm"]

Floats = npt.NDArray[np.float64]


def holm(p_values: Any) -> Floats:
    """Holm's correction: adjusted p-values that bound the chance of any false positive. NaN stays NaN.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    array([0.03, 0.06, 0.06])
    """
    values = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full_like(values, np.nan)
    known = np.flatnonzero(~np.isnan(values))
    order = known[np.argsort(values[known], kind="stable")]
    steps = values[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return adjusted


def benjamini_hochberg(p_values: Any) -> Floats:
    """Adjusted p-values that bound the expected fraction of false positives. NaN stays NaN."""
    values = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full_like(values, np.nan)
    known = ~np.isnan(values)
    if known.any():
        adjusted[known] = stats.false_discovery_control(values[known])
    return adjusted
