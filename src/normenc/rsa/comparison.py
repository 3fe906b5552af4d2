"""Similarity of representational dissimilarity matrices."""

from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.rsa.labelled import labels_of_rdm, square
from normenc.rsa.labels import check_same
from normenc.rsa.measures import METHODS, Measure, Method, as_measure
from normenc.rsa.pairs import as_rdms, as_vectors, check_missing, check_pairs, upper

__all__ = ["METHODS", "compare_rdms", "compare_vectors"]

Floats = npt.NDArray[np.float64]
MIN_PAIRS = 3  # that both RDMs must share: those of 3 stimuli


def compare_rdms(
    a: Any, b: Any, method: Method = "pearson", *, missing: str = "error", return_counts: bool = False
) -> Any:
    r"""Similarity of RDMs, from their upper triangles without the diagonal. Higher is always more similar.

    "pearson", "spearman", "cosine"
        Correlation of the dissimilarities, or of their ranks (ties share their mean rank); cosine of the angle between
        them, for dissimilarities with a meaningful zero.
    "rho-a", "kendall-tau-a"
        The Spearman correlation expected when ties are broken at random, which gives no advantage to a model that
        predicts ties [2]_; concordant minus discordant pairs of dissimilarities, over all pairs of them [1]_.
    "whitened-cosine", "whitened-correlation"
        The cosine, plain or after subtracting the mean dissimilarity, in the metric :math:`V^{-1}`, where V is the
        covariance of the dissimilarities under equal and independent noise in the responses [3]_. This accounts for the
        correlation of dissimilarities that share a stimulus.

    All lie between -1 and 1. :data:`normenc.rsa.MEASURES` describes each of them.

    For rank measures, neighbouring dissimilarities in sorted order are tied if they differ by at most 1e-12 of the
    largest, because differences due to rounding are meaningless.

    Parameters
    ----------
    a, b : array_like, shape (n_stimuli, n_stimuli) or (n_rdms, n_stimuli, n_stimuli)
        Dissimilarities of the same stimuli in the same order. If both are labelled (xarray, pandas), their labels must
        agree.
    method : str, Measure or callable
        One of :data:`METHODS`, a :class:`normenc.rsa.Measure`, or a function ``f(x, y) -> float`` of two vectors of
        dissimilarities (slow).
    missing : str
        How to handle dissimilarities that are NaN or masked: ``"error"`` raises an error, ``"pairs"`` compares two RDMs
        on the pairs of stimuli that both have. The whitened measures need all pairs.
    return_counts : bool
        Whether to return also the number of pairs left out of each similarity.

    Returns
    -------
    similarities : float, or ndarray of shape (n_a, n_b)
        An array if either is a stack of RDMs.
    left_out : int, or ndarray of int, shape (n_a, n_b)
        Pairs of stimuli; only with `return_counts`.

    Raises
    ------
    InputError
        If a matrix is not square, symmetric and finite with at least 3 stimuli; if the numbers, labels or order of
        stimuli differ; if all dissimilarities of one are equal up to rounding, so that the similarity is undefined; or
        if fewer than 3 pairs are left.

    References
    ----------
    .. [1] Nili et al., "A toolbox for representational similarity analysis", PLoS Comput. Biol. 2014.
    .. [2] Schuett et al., "Statistical inference on representational geometries", eLife 2023, section 4.
    .. [3] Diedrichsen et al., "Comparing representational geometries using whitened unbiased-distance-matrix
       similarity", Neurons Behav. Data Anal. Theory 2021.

    Examples
    --------
    >>> a = [[0, 1, 2], [1, 0, 3], [2, 3, 0]]
    >>> b = [[0, 1, 4], [1, 0, 9], [4, 9, 0]]
    >>> round(compare_rdms(a, b), 3), compare_rdms(a, b, method="spearman"), compare_rdms(a, b, "kendall-tau-a")
    (0.99, 1.0, 1.0)
    >>> c = [[0, 1, 2, 3], [1, 0, np.nan, 5], [2, np.nan, 0, 6], [3, 5, 6, 0]]
    >>> compare_rdms(c, c, "spearman", missing="pairs", return_counts=True)
    (1.0, 1)
    """
    measure = as_measure(method)
    pairs = check_missing(missing)
    one, other = square(a, "the first RDM", missing=pairs), square(b, "the second RDM", missing=pairs)
    first, second = (as_rdms(v, f"the {what} RDM", missing=pairs) for v, what in ((one, "first"), (other, "second")))
    if first.shape[1:] != second.shape[1:]:
        raise InputError(
            f"the RDMs have {first.shape[1]} and {second.shape[1]} stimuli; both must hold the same stimuli in the "
            "same order"
        )
    check_same([("the first RDM", labels_of_rdm(a)), ("the second RDM", labels_of_rdm(b))])
    similarities, left_out = _compare(upper(first), upper(second), measure, pairs)
    if one.ndim == other.ndim == 2:
        return (float(similarities[0, 0]), int(left_out[0, 0])) if return_counts else float(similarities[0, 0])
    return (similarities, left_out) if return_counts else similarities


def compare_vectors(
    x: Any, y: Any, method: Method = "pearson", *, missing: str = "error", return_counts: bool = False
) -> Any:
    """Like :func:`compare_rdms`, for RDMs given as vectors; nothing is copied.

    Parameters
    ----------
    x, y : array_like, shape (n_x, n_pairs) and (n_y, n_pairs)
        Dissimilarities above the diagonal, row by row, as ``scipy.spatial.distance.squareform`` orders them. If both
        label their pairs (xarray, pandas), the labels must agree.
    method : str, Measure or callable
        One of :data:`METHODS`, a :class:`normenc.rsa.Measure`, or a function ``f(x, y) -> float`` of two vectors of
        dissimilarities (slow).
    missing, return_counts
        As in :func:`compare_rdms`.

    Returns
    -------
    similarities : ndarray, shape (n_x, n_y)
    left_out : ndarray of int, shape (n_x, n_y)
        Only with `return_counts`.

    Raises
    ------
    InputError
        As in :func:`compare_rdms`.

    Examples
    --------
    >>> compare_vectors([[1, 2, 3]], [[2, 4, 6], [3, 2, 1]])
    array([[ 1., -1.]])
    """
    measure = as_measure(method)
    pairs = check_missing(missing)
    first, second = (as_vectors(v, f"the {what} RDM", missing=pairs) for v, what in ((x, "first"), (y, "second")))
    if first.shape[1] != second.shape[1]:
        raise InputError(f"the RDMs have {first.shape[1]} and {second.shape[1]} pairs of stimuli; they must agree")
    check_pairs(("the first RDM", x), ("the second RDM", y))
    similarities, left_out = _compare(first, second, measure, pairs)
    return (similarities, left_out) if return_counts else similarities


def _compare(first: Floats, second: Floats, measure: Measure, missing: bool) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Similarities of all vectors, and the number of pairs left out of each, shape (n_first, n_second)."""
    gaps = [np.isnan(vectors) for vectors in (first, second)] if missing else []
    if not any(map(np.any, gaps)):
        return measure.compare(first, second), np.zeros((len(first), len(second)), dtype=np.int64)
    measure.check_pairs_missing(*(np.nan_to_num(vectors) for vectors in (first, second)))
    similarity, left_out = np.empty((len(first), len(second))), np.zeros((len(first), len(second)), dtype=np.int64)
    for row, (x, x_gaps) in enumerate(zip(first, gaps[0], strict=True)):
        for column, (y, y_gaps) in enumerate(zip(second, gaps[1], strict=True)):
            there = ~(x_gaps | y_gaps)
            left_out[row, column] = len(there) - there.sum()
            if there.sum() < MIN_PAIRS:
                raise InputError(
                    f"RDM {row} of the first and RDM {column} of the second share {there.sum()} pairs of stimuli; a "
                    f"comparison needs at least {MIN_PAIRS}"
                )
            similarity[row, column] = measure.compare(x[there][None], y[there][None])[0, 0]
    return similarity, left_out
