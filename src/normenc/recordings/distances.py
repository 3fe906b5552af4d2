"""Published RDMs, checked before anything is made of them."""

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError

__all__ = ["check_rdm"]


def check_rdm(matrix: npt.NDArray[np.float64]) -> None:
    """Raise InputError unless a matrix can be one of correlation distances; row by row, for it may be large."""
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise InputError(f"rdm has shape {matrix.shape}; it must be square, stimulus x stimulus")
    for row, values in enumerate(matrix):
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            raise InputError(f"rdm is {values[bad[0]]} for stimuli {row} and {bad[0]}; it must be finite")
    if any(not np.allclose(values, matrix[:, row], atol=1e-5) for row, values in enumerate(matrix)):
        raise InputError("rdm is not symmetric; it must hold the same value above and below the diagonal")
    if np.abs(np.diagonal(matrix)).max(initial=0) > 1e-5:
        raise InputError("rdm is not zero on its diagonal; it must hold dissimilarities, not similarities")
    columns = [int(np.abs(values - 1).argmax()) for values in matrix]
    row = int(np.argmax([abs(matrix[row, column] - 1) for row, column in enumerate(columns)]))
    worst = matrix[row, columns[row]]
    if not -1e-5 <= worst <= 2 + 1e-5:
        raise InputError(
            f"rdm is {worst:g} for stimuli {row} and {columns[row]}; correlation distances lie between 0 and 2"
        )
