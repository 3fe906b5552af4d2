"""Checks of published RDMs."""

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError

__all__ = ["checked_rdm"]

Floats = npt.NDArray[np.float64]


def checked_rdm(matrix: Floats, metric: str = "correlation") -> Floats:
    """Check that a matrix can be an RDM of this dissimilarity; a diagonal of NaN becomes zeros.

    Rows are checked one by one, because the matrix may be large.

    Raises
    ------
    InputError
        If it is not square, symmetric, finite and zero on its diagonal, or has values impossible for the dissimilarity.
    """
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise InputError(f"rdm has shape {matrix.shape}; it must be square, stimulus x stimulus")
    if np.isnan(np.diagonal(matrix)).any():
        matrix = matrix.copy()
        np.fill_diagonal(matrix, np.nan_to_num(np.diagonal(matrix), nan=0.0))
    for row, values in enumerate(matrix):
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            raise InputError(f"rdm is {values[bad[0]]} for stimuli {row} and {bad[0]}; it must be finite")
    scale = 1.0 if metric == "correlation" else max(1e-300, float(np.abs(matrix).max(initial=0)))
    if any(not np.allclose(values, matrix[:, row], atol=1e-5 * scale) for row, values in enumerate(matrix)):
        raise InputError("rdm is not symmetric; values above and below the diagonal must be equal")
    if np.abs(np.diagonal(matrix)).max(initial=0) > 1e-5 * scale:
        raise InputError("rdm is not zero on its diagonal; it must hold dissimilarities, not similarities")
    if metric == "correlation":
        _check_range(matrix)
    return matrix


def _check_range(matrix: Floats) -> None:
    columns = [int(np.abs(values - 1).argmax()) for values in matrix]
    row = int(np.argmax([abs(matrix[row, column] - 1) for row, column in enumerate(columns)]))
    worst = matrix[row, columns[row]]
    if not -1e-5 <= worst <= 2 + 1e-5:
        raise InputError(
            f"rdm is {worst:g} for stimuli {row} and {columns[row]}; correlation distances lie between 0 and 2. If it "
            "holds another dissimilarity, name it, for example rdm_metric='euclidean'"
        )
