r"""The metric of whitened comparisons, also for resampled stimuli.

Noise of equal variance, independent between responses, gives squared distances the covariance V whose inverse is the
inner product :math:`x^T V^{-1} y` of two vectors of dissimilarities. Up to a constant, it equals the product of the
residuals of x and y after subtracting a term for each stimulus of a pair,

.. math:: \min_a \; 2 \sum_{i<j} c_i c_j (x_{ij} + a_i + a_j)^2 + \sum_i c_i (2 a_i)^2,

which for counts :math:`c = 1` is the double centring of Diedrichsen et al. (2021). A bootstrap sample that holds
stimulus i :math:`c_i` times, and leaves out the pairs of a stimulus with itself, has the same form with these counts;
its minimum has the closed form of :func:`row_effects`, so that no n_pairs x n_pairs matrix is ever solved.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["row_effects", "row_sums"]

Floats = npt.NDArray[np.float64]


def row_sums(vectors: Floats, n_stimuli: int) -> Floats:
    """Sum of the dissimilarities of each stimulus: shape (n_rdms, n_pairs) gives (n_rdms, n_stimuli)."""
    rows, columns = np.triu_indices(n_stimuli, k=1)
    matrices = np.zeros((len(vectors), n_stimuli, n_stimuli))
    matrices[:, rows, columns] = vectors
    return matrices.sum(axis=1) + matrices.sum(axis=2)


def row_effects(rows: Floats, counts: Any) -> Floats:
    r"""The terms :math:`a_i` that minimise the sum above.

    Setting its derivative by :math:`a_i` to zero gives, with N the sum and A the :math:`c`-weighted sum of the terms,
    :math:`a_i (N - 2 c_i + 2) = -(r_i + A)`; summing that over i gives A. If a stimulus fills half of the sample plus
    one, its factor is zero: then A is :math:`-r_i`, and its term is the remainder of A.

    Parameters
    ----------
    rows : ndarray, shape (..., n_stimuli)
        :math:`r_i = \sum_{j \ne i} c_j x_{ij}`.
    counts : ndarray, shape (..., n_stimuli), that broadcasts with `rows`
        How often each stimulus is in the sample.

    Returns
    -------
    ndarray, shape (..., n_stimuli)
    """
    factors = counts.sum(axis=-1, keepdims=True) - 2 * counts + 2
    half = factors == 0  # at most one stimulus of a sample
    steps = np.where(half, 0, 1 / np.where(half, 1, factors))
    total = -(counts * rows * steps).sum(axis=-1, keepdims=True) / (1 + (counts * steps).sum(axis=-1, keepdims=True))
    if not half.any():
        return np.asarray(-(rows + total) * steps)
    total = np.where(half.any(axis=-1, keepdims=True), -(half * rows).sum(axis=-1, keepdims=True), total)
    effects = -(rows + total) * steps
    left = (total - (counts * effects).sum(axis=-1, keepdims=True)) / np.where(half, counts, 1)
    return np.where(half, left, effects)
