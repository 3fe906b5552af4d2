"""Similarity of two representational dissimilarity matrices."""

from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_array
from normenc.errors import InputError

__all__ = ["METHODS", "compare_rdms"]

METHODS = ("pearson", "spearman")


def compare_rdms(a: Any, b: Any, method: str = "pearson") -> float:
    """Correlation of the upper triangles of two RDMs, diagonal left out. Higher is more similar.

    Parameters
    ----------
    a, b : array_like, shape (n_stimuli, n_stimuli)
        Dissimilarities of the same stimuli in the same order.
    method : str
        ``"pearson"``, or ``"spearman"``: the Pearson correlation of ranks, ties sharing their mean rank.

    Returns
    -------
    float
        Between -1 and 1; 1 when they agree up to a linear ("pearson") or a rising ("spearman") relation.

    Raises
    ------
    InputError
        When a matrix is not square, symmetric and finite with at least 3 stimuli, when the two shapes differ, or
        when all dissimilarities of one are equal, so that a correlation is undefined.

    References
    ----------
    Nili et al., "A toolbox for representational similarity analysis", PLoS Comput. Biol. 2014.

    Examples
    --------
    >>> a = [[0, 1, 2], [1, 0, 3], [2, 3, 0]]
    >>> b = [[0, 1, 4], [1, 0, 9], [4, 9, 0]]
    >>> round(compare_rdms(a, b), 3), round(compare_rdms(a, b, method="spearman"), 3)
    (0.99, 1.0)
    """
    if method not in METHODS:
        raise InputError(f"method is {method!r}; it must be one of {', '.join(METHODS)}")
    first, second = _as_rdm(a, "the first RDM"), _as_rdm(b, "the second RDM")
    if first.shape != second.shape:
        raise InputError(
            f"the RDMs have shapes {first.shape} and {second.shape}; both must hold the same stimuli in one order"
        )
    pairs = np.triu_indices(len(first), k=1)
    x, y = first[pairs], second[pairs]
    for values, what in ((x, "the first RDM"), (y, "the second RDM")):
        if np.ptp(values) == 0:
            raise InputError(f"all dissimilarities in {what} are {values[0]:g}; their correlation is undefined")
    if method == "spearman":
        from scipy.stats import rankdata

        x, y = rankdata(x), rankdata(y)
    return float(np.clip(_unit(x) @ _unit(y), -1, 1))


def _unit(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    centred = values - values.mean()
    centred /= np.abs(centred).max()  # so that no square leaves the number range
    return centred / np.sqrt(centred @ centred)


def _as_rdm(values: Any, what: str) -> npt.NDArray[np.float64]:
    matrix = as_array(values, what).astype(np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or len(matrix) < 3:
        raise InputError(f"{what} has shape {matrix.shape}; it must be square, of at least 3 stimuli")
    bad = np.argwhere(~np.isfinite(matrix))
    if bad.size:
        row, column = bad[0]
        raise InputError(
            f"{what} is {matrix[row, column]} for stimuli {row} and {column}; dissimilarities must be finite"
        )
    if not np.allclose(matrix, matrix.T, rtol=1e-5, atol=1e-6 * np.abs(matrix).max()):
        raise InputError(f"{what} is not symmetric; it must hold the same dissimilarity above and below the diagonal")
    return matrix
