"""How far several measures put models into the same order."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from normenc.arrays import as_array
from normenc.errors import InputError

__all__ = ["concordance"]


def concordance(values: Any) -> float:
    r"""Kendall's coefficient of concordance W: 1 where all measures order the models alike, near 0 for no agreement.

    :math:`W = 12 S / (m^2 (n^3 - n) - m \sum_k T_k)`, with S the sum of squared deviations of the models' summed ranks
    under m measures from their mean, and :math:`T_k = \sum (t^3 - t)` over groups of t models that tie under measure k.

    Parameters
    ----------
    values : array_like, shape (n_measures, n_models)
        Similarities; only their order within each measure matters.

    Returns
    -------
    float
        NaN if all models tie under every measure.

    Raises
    ------
    InputError
        If there are fewer than two measures or models, or values are not finite.

    References
    ----------
    Kendall & Babington Smith, "The problem of m rankings", Ann. Math. Stat. 1939.

    Examples
    --------
    >>> concordance([[0.9, 0.5, 0.1], [0.3, 0.2, 0.1]]), concordance([[1, 2, 3], [3, 2, 1]])
    (1.0, 0.0)
    """
    table: npt.NDArray[np.float64] = as_array(values, "values").astype(np.float64)
    if table.ndim != 2 or min(table.shape) < 2 or not np.isfinite(table).all():
        raise InputError(
            f"values have shape {table.shape}; they must be (n_measures, n_models), at least 2 of each, and finite"
        )
    m, n = table.shape
    ranks = stats.rankdata(table, axis=1)
    sums = ranks.sum(axis=0)
    counts = [np.unique(row, return_counts=True)[1] for row in table]
    ties = sum(float((t**3 - t).sum()) for t in counts)
    most = m**2 * (n**3 - n) - m * ties
    return float(12 * np.square(sums - sums.mean()).sum() / most) if most > 0 else float("nan")
