r"""Sums over pairs of many stimuli in all bootstrap samples at once, as quadratic forms.

With counts :math:`c` of the stimuli in a sample, the sum over pairs of a product of two RDMs is
:math:`\sum_{i<j} c_i c_j x_{ij} y_{ij}`: a matrix product for some rows of the RDMs and all samples. Nothing
of the size of pairs times samples is made.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from normenc.rsa.pairs import MANY_STIMULI, n_stimuli_of
from normenc.rsa.stored import Matrix

__all__ = ["Rows", "are_many", "n_pairs_in", "total_of_pairs"]

Floats = npt.NDArray[np.float64]
BLOCK_BYTES = 2**25  # of RDMs' rows at a time
MOST_ROWS = 128  # at a time: what is below the diagonal of a block is computed in vain


def are_many(n_pairs: int) -> bool:
    """Whether there are more than 400 stimuli.

    Examples
    --------
    >>> are_many(400 * 399 // 2), are_many(401 * 400 // 2)
    (False, True)
    """
    return n_pairs > MANY_STIMULI * (MANY_STIMULI - 1) // 2


def n_pairs_in(rdm: Matrix) -> int:
    """Number of pairs of stimuli, of a vector of dissimilarities or of a matrix."""
    return len(rdm) if rdm.ndim == 1 else len(rdm) * (len(rdm) - 1) // 2


def total_of_pairs(counts: Floats) -> Floats:
    """How many pairs of different stimuli are in each sample: counts (n_samples, n_stimuli) give (n_samples,)."""
    return np.asarray((counts.sum(axis=1) ** 2 - np.square(counts).sum(axis=1)) / 2)


class Rows:
    """Vectors of dissimilarities, read in blocks of rows of their matrices, each shifted and scaled.

    Parameters
    ----------
    *stacks : ndarray, shape (n_vectors, n_pairs), or sequence of matrices, shape (n_stimuli, n_stimuli)
        One after the other; matrices are not copied, and may be in files.
    centred : bool
        Whether each vector's mean is subtracted.
    """

    def __init__(self, *stacks: Floats | Sequence[Matrix], centred: bool):
        self.vectors = [vector for stack in stacks for vector in stack]
        first = self.vectors[0]
        self.n_stimuli = n_stimuli_of(len(first)) if first.ndim == 1 else len(first)
        self.shift, largest = np.zeros(len(self.vectors)), []
        for index, vector in enumerate(self.vectors):
            values = np.asarray(vector)  # of one that is in a file, no longer than it is needed
            shift = self.shift[index] = _mean(values) if centred else 0.0
            largest.append(max(values.max() - shift, shift - values.min()))
        self.scale = np.maximum(np.array(largest, dtype=np.float64), np.finfo(float).tiny)

    def blocks(self, n_rows: int | None = None) -> Iterator[tuple[slice, slice, Floats]]:
        """Row by row above the diagonal.

        Yields
        ------
        rows, columns : slice
            Of the matrices.
        values : ndarray, shape (n_vectors, n_rows, n_columns)
            0 on the diagonal and below; overwritten by the next block.
        """
        n = self.n_stimuli
        step = n_rows or int(np.clip(BLOCK_BYTES // (8 * len(self.vectors) * n), 1, MOST_ROWS))
        room = np.zeros((len(self.vectors), step, n))
        for start in range(0, n - 1, step):
            rows, columns = slice(start, min(start + step, n - 1)), slice(start + 1, n)
            values = room[:, : rows.stop - start, : n - start - 1]
            for index, vector in enumerate(self.vectors):
                self._fill(values[index], vector, start)
                values[index] -= self.shift[index]
                values[index] /= self.scale[index]
            below(values)
            yield rows, columns, values

    def _fill(self, values: Floats, vector: Matrix, start: int) -> None:
        n = self.n_stimuli
        if vector.ndim == 2:
            values[:] = vector[start : start + len(values), start + 1 :]
            return
        for place in range(len(values)):
            row = start + place
            first = row * n - row * (row + 1) // 2
            values[place, place:] = vector[first : first + n - row - 1]


def _mean(vector: Floats) -> float:
    """Of the dissimilarities in a vector, or in a matrix with 0 on its diagonal."""
    return float(vector.sum(dtype=np.float64)) / (vector.size - len(vector) * (vector.ndim - 1))


def below(values: Floats) -> None:
    """Set what is not above the diagonal to 0, in a block (..., n_rows, n_columns) that begins right of it."""
    for place in range(1, values.shape[-2]):
        values[..., place, :place] = 0
