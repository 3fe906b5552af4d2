"""Representational dissimilarity matrices."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from normenc.arrays import as_matrix, check_finite, stimulus_name
from normenc.errors import InputError
from normenc.rsa.blocks import BLOCK_UNITS, check_shape, constant_stimulus, one_minus_correlation, sums_of
from normenc.rsa.labelled import turned
from normenc.rsa.noise import check_units, whiten
from normenc.rsa.ties import settled

__all__ = ["METRICS", "rdm"]

METRICS = ("correlation", "cosine", "euclidean", "mahalanobis", "poisson")

BLOCK_VALUES = 2_000_000  # responses in double precision at once: 16 MB
SMALL = 1_000_000  # responses for which double precision costs little time
CANCELLED = 1e-5  # a squared distance below this share of the squared norms has lost at least 5 of its 16 digits
DIGITS = float(np.finfo(np.float64).eps) / CANCELLED  # relative precision of any result
PRIOR = (1.0, 0.1)
SAME_DIRECTION = 8 * float(np.finfo(np.float64).eps) ** 2  # cosine dissimilarity of two copies, by rounding
CONSTANT = 4  # spread of a constant by rounding, in machine epsilons of the largest response

Floats = npt.NDArray[np.float64]
Factors = Callable[[Floats, npt.NDArray[np.intp]], tuple[Floats, Floats]]


def rdm(
    responses: Any,
    metric: str = "correlation",
    *,
    noise_covariance: Any = None,
    prior_lambda: float = PRIOR[0],
    prior_weight: float = PRIOR[1],
) -> Floats:
    r"""Dissimilarity of every pair of stimuli, computed from their responses.

    With :math:`x_i` the responses of :math:`N` units to stimulus i:

    - ``"correlation"``: :math:`1 - Z Z^T / N`, with :math:`Z` the responses z-scored over units, that is one minus
      the Pearson correlation of two stimuli's response patterns; 0 (same pattern) to 2 (opposite pattern).
    - ``"cosine"``: :math:`1 - x_i \cdot x_j / (|x_i| |x_j|)`; 0 (same direction) to 2 (opposite direction).
    - ``"euclidean"``: :math:`|x_i - x_j|^2 / N`, squared and per unit, in the response's unit squared; 0 or more.
    - ``"mahalanobis"``: :math:`(x_i - x_j)^T \Sigma^{-1} (x_i - x_j) / N`, squared and per unit, with
      :math:`\Sigma` the `noise_covariance`; in units of the noise, 0 or more.
    - ``"poisson"``: :math:`\sum_u (\lambda_{iu} - \lambda_{ju}) (\log \lambda_{iu} - \log \lambda_{ju}) / N`, the
      symmetrised Kullback-Leibler divergence of Poisson counts, in nats per unit, 0 or more, with the rates
      :math:`\lambda = (x + \lambda_0 w) / (1 + w)` under a Gamma prior of rate :math:`\lambda_0` and weight w.

    Parameters
    ----------
    responses : array_like, shape (n_stimuli, n_units)
        NumPy array, torch tensor, xarray or pandas object; any unit of response (``"poisson"``: counts or rates, not
        negative). Named axes may be in either order: an axis named ``neuron``, ``unit``, ``cell``, ``roi``, ``voxel``,
        ``neuroid``, ``channel`` or ``feature`` holds the units. For ``"correlation"``, more than a million float32
        responses are multiplied in float32 over blocks of 1024 units, or of n_stimuli units if that is more, which are
        summed in float64; the error is about 1e-8 for noisy responses, and a few 1e-6 if most are equal. Everything
        else is computed in float64, a block at a time, and distances between stimuli with almost identical responses
        keep their relative precision.
    metric : str
        One of :data:`METRICS`.
    noise_covariance : array_like, shape (n_units, n_units) or (n_units,), optional
        Required for ``"mahalanobis"``, not used otherwise: covariance of the noise, or its variances if units are
        independent, as :func:`normenc.rsa.noise_covariance` estimates them.
    prior_lambda, prior_weight : float
        For ``"poisson"`` only: the prior rate, in the unit of the responses, and the number of observations that it
        counts for; both above 0, so that the logarithm of a zero response is finite.

    Returns
    -------
    ndarray, shape (n_stimuli, n_stimuli)
        float64, symmetric, exactly zero on the diagonal. Dissimilarities that differ only by rounding, as for stimuli
        evenly spaced on a circle, are exactly equal. ``"correlation"`` and ``"cosine"`` are exactly zero for stimuli
        whose responses are equal up to rounding and scale: with :math:`\epsilon` the relative precision of the
        responses' type (2.2e-16 for float64, 1.2e-7 for float32), cosines up to :math:`\epsilon^2 / 4` + 4e-31, and
        correlations up to :math:`(\epsilon / 2)^2 (1 + |mean| / std)^2`, summed over the two stimuli, + 4e-15, or 5e-7
        if multiplied in float32.

    Raises
    ------
    InputError
        If there are fewer than two stimuli (or units, for ``"correlation"``), if values are not finite, if the
        dissimilarities of a stimulus are undefined (the same response in all units for ``"correlation"``, no response
        for ``"cosine"``, a negative one for ``"poisson"``; the message names it), if the noise covariance is missing or
        invalid, or if the metric does not use an argument.

    References
    ----------
    Kriegeskorte, Mur & Bandettini, "Representational similarity analysis", Front. Syst. Neurosci. 2008;
    Walther et al., "Reliability of dissimilarity measures for multi-voxel pattern analysis", NeuroImage 2016
    (Euclidean and Mahalanobis); Schütt et al., "Statistical inference on representational geometries", eLife 2023
    (conventions, Poisson).

    Examples
    --------
    >>> rdm([[1, 2, 3], [3, 2, 1], [2, 4, 6]]).round(6)
    array([[0., 2., 0.],
           [2., 0., 2.],
           [0., 2., 0.]])
    >>> rdm([[1, 2], [4, 6]], "euclidean")  # (3 ** 2 + 4 ** 2) / 2 units
    array([[ 0. , 12.5],
           [12.5,  0. ]])
    >>> rdm([[1, 2], [4, 6]], "mahalanobis", noise_covariance=[9, 16])
    array([[0., 1.],
           [1., 0.]])
    >>> rdm([[1, 2], [4, 6]], "mahalanobis")
    Traceback (most recent call last):
    normenc.errors.InputError: metric 'mahalanobis' needs noise_covariance, ...
    """
    check_arguments(metric, METRICS, "mahalanobis", noise_covariance, prior_lambda, prior_weight)
    responses = turned(responses, "responses")
    values = as_matrix(responses)
    check_shape(len(values), values.shape[1], metric)
    if metric == "correlation":
        return _correlation(values, responses)
    check_finite(values, responses)
    if metric == "cosine":
        dissimilarities = np.minimum(pair_sums(values[None], _directions(values, responses)) / 2, 2)
        dissimilarities[dissimilarities <= float(np.finfo(values.dtype).eps) ** 2 / 4 + SAME_DIRECTION] = 0
        return settled(dissimilarities, relative=DIGITS)
    factors: Factors = unchanged
    if metric == "mahalanobis":
        if noise_covariance is None:
            raise InputError(
                "metric 'mahalanobis' needs noise_covariance, shape (n_units, n_units) or (n_units,); estimate it with "
                "normenc.rsa.noise_covariance, or use metric 'euclidean', which assumes equal and independent noise"
            )
        check_units(responses, noise_covariance)
        values = whiten(values, noise_covariance)
    elif metric == "poisson":
        _check_counts(values, responses)
        factors = poisson_factors(prior_lambda, prior_weight)
    return settled(np.maximum(pair_sums(values[None], factors) / values.shape[1], 0), relative=DIGITS)


def check_arguments(
    metric: str,
    metrics: tuple[str, ...],
    whitened: str,
    noise_covariance: Any,
    prior_lambda: float,
    prior_weight: float,
) -> None:
    """Raise InputError for an unknown metric, an argument that it does not use, or an invalid prior."""
    if metric not in metrics:
        raise InputError(f"metric is {metric!r}; it must be one of {', '.join(metrics)}")
    if noise_covariance is not None and metric != whitened:
        raise InputError(f"metric {metric!r} does not use noise_covariance; leave it out, or use metric {whitened!r}")
    if metric != "poisson" and (prior_lambda, prior_weight) != PRIOR:
        raise InputError(
            f"metric {metric!r} does not use prior_lambda and prior_weight; leave them out, or use metric 'poisson'"
        )
    for name, value in (("prior_lambda", prior_lambda), ("prior_weight", prior_weight)):
        if not 0 < value < np.inf:
            raise InputError(f"{name} is {value}; it must be a number above 0")


def _correlation(values: npt.NDArray[Any], responses: Any) -> Floats:
    """One minus the correlation of the rows."""
    dtype = values.dtype
    if values.size <= SMALL:
        values = values.astype(np.float64)
    sums = sums_of(values)
    if not sums.need_care():
        return one_minus_correlation(sums, sums.noise(dtype))
    # Rare: NaN, a constant stimulus, or numbers so large or small that their squares overflow or underflow.
    check_finite(values, responses)
    values = values.astype(np.float64)
    largest = np.abs(values).max(axis=1)
    # Halves, because the difference of the largest numbers would overflow.
    constant = values.max(axis=1) / 2 - values.min(axis=1) / 2 <= CONSTANT / 2 * float(np.finfo(dtype).eps) * largest
    if constant.any():
        raise constant_stimulus(constant, responses, values.shape[1])
    values = values / largest[:, None]
    mean = values.mean(axis=1, keepdims=True)
    values = values - mean
    size = np.abs(values).max(axis=1, keepdims=True)
    sums = sums_of(values / size)
    level = (np.abs(mean) / size)[:, 0] / np.sqrt(np.diagonal(sums.covariance))
    return one_minus_correlation(sums, float(np.finfo(dtype).eps) / 2 * (1 + level))


def unchanged(part: Floats, rows: npt.NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Factors whose product of differences is the squared distance."""
    return part, part


def poisson_factors(prior_lambda: float, prior_weight: float) -> Factors:
    """Rates and their logarithms: factors whose product of differences is the symmetrised divergence."""

    def factors(part: Floats, rows: npt.NDArray[np.intp]) -> tuple[Floats, Floats]:
        rates = (part + prior_lambda * prior_weight) / (1 + prior_weight)
        return rates, np.log(rates)

    return factors


def _directions(values: npt.NDArray[Any], responses: Any) -> Factors:
    """Responses of length 1, whose squared distance is twice the cosine dissimilarity, precise also for near copies."""
    peaks = np.abs(values).max(axis=1).astype(np.float64)[:, None, None]
    silent = np.flatnonzero(peaks == 0)
    if silent.size:
        raise InputError(
            f"{stimulus_name(responses, int(silent[0]))} has no response in any of the {values.shape[1]} units "
            f"({silent.size} such stimuli in all), so that its cosine with other stimuli is undefined; remove these "
            "stimuli, or use metric 'euclidean'"
        )
    # Divided by their largest value first, because squares of very large or small ones overflow or underflow.
    lengths = np.array([np.linalg.norm(row / peak) for row, peak in zip(values, peaks[:, 0], strict=True)])

    def factors(part: Floats, rows: npt.NDArray[np.intp]) -> tuple[Floats, Floats]:
        unit = part / peaks[rows] / lengths[rows, None, None]
        return unit, unit

    return factors


def _check_counts(values: npt.NDArray[Any], responses: Any) -> None:
    """Raise InputError if a response is negative, naming the stimulus."""
    lowest = values.min(axis=1)
    negative = np.flatnonzero(lowest < 0)
    if negative.size:
        raise InputError(
            f"{stimulus_name(responses, int(negative[0]))} has negative responses, down to {lowest[negative[0]]:g} "
            f"({negative.size} such stimuli in all); metric 'poisson' needs counts or rates, so do not subtract a "
            "baseline, or use another metric"
        )


def pair_sums(repeats: npt.NDArray[Any], factors: Factors) -> Floats:
    r"""Sum over units of :math:`(a_i - a_j)(b_i - b_j)` for every pair of stimuli; a and b are the factors.

    With one repeat, a and b are from that repeat. With more, the result is the mean over ordered pairs of different
    repeats, a from one and b from the other, which equals leave-one-repeat-out cross-validation averaged over folds.
    Identical stimuli give exactly 0 if they have identical factors.

    Parameters
    ----------
    repeats : ndarray, shape (n_repeats, n_stimuli, n_units)
    factors : callable
        Takes float64 responses of shape (n_rows, n_repeats, n_block) and the stimuli's indices (n_rows,); returns a and
        b in the same shape, which are then overwritten.
    """
    sums = _pair_sums(repeats, factors, np.arange(repeats.shape[1]))
    if not np.isfinite(sums).all():
        raise InputError(
            f"dissimilarities overflow, because the largest response is {np.abs(repeats).max():g}; divide the "
            "responses by it"
        )
    return sums


def _pair_sums(repeats: npt.NDArray[Any], factors: Factors, rows: npt.NDArray[np.intp]) -> Floats:
    """Differences of products, recomputed for groups of stimuli too close together for the products to resolve.

    Products are taken relative to the first stimulus, whose distance from each other stimulus is therefore exact.
    A group that is close together compared with its distance from the first is recomputed relative to its own first
    stimulus, which always leaves one stimulus fewer.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        within, crossed = _products(repeats, factors, rows)
        scale = _differences(within)
        sums = scale if crossed is None else _differences(crossed)
        size = np.diagonal(within)
        doubtful = scale < CANCELLED * np.add.outer(size, size)
    doubtful[0] = doubtful[:, 0] = False
    np.fill_diagonal(doubtful, False)
    if doubtful.any():
        _, group = connected_components(csr_array(doubtful), directed=False)
        for label in np.flatnonzero(np.bincount(group) > 1):
            members = np.flatnonzero(group == label)
            block = np.ix_(members, members)
            sums[block] = np.where(doubtful[block], _pair_sums(repeats, factors, rows[members]), sums[block])
    return sums


def _products(repeats: npt.NDArray[Any], factors: Factors, rows: npt.NDArray[np.intp]) -> tuple[Floats, Floats | None]:
    """Products of a and b within repeats, summed, and between different repeats, averaged (None for one repeat)."""
    n_repeats, _, n_units = repeats.shape
    block = max(BLOCK_UNITS, BLOCK_VALUES // (n_repeats * len(rows)))
    within, total = np.zeros((2, len(rows), len(rows)))
    everyone = len(rows) == repeats.shape[1]  # then in their own order, so that no copy is needed
    for start in range(0, n_units, block):
        part = repeats[:, :, start : start + block] if everyone else repeats[:, rows, start : start + block]
        part = part.transpose(1, 0, 2).astype(np.float64, order="C")
        a, b = factors(part, rows)
        same = a is b
        a -= a[0].copy()
        if not same:
            b -= b[0].copy()
        within += _product(a.reshape(len(rows), -1), None if same else b.reshape(len(rows), -1))
        if n_repeats > 1:
            total += _product(a.sum(axis=1), None if same else b.sum(axis=1))
    # Every repeat with the sum of the others: the sum of all with itself, minus each with itself.
    return within, (total - within) / (n_repeats * (n_repeats - 1)) if n_repeats > 1 else None


def _product(a: Floats, b: Floats | None) -> Floats:
    """Products of the rows of a with those of b, or with themselves, which takes half the time."""
    return a @ (a if b is None else b).T


def _differences(products: Floats) -> Floats:
    """From products p of every pair, the sums p_ii + p_jj - p_ij - p_ji: symmetric, exactly zero on the diagonal."""
    size = np.diagonal(products)
    sums = np.add.outer(size, size)
    sums -= products + products.T
    np.fill_diagonal(sums, 0)
    return sums
