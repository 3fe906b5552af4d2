"""Representational dissimilarity matrices."""

from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_matrix, check_finite, stimulus_name
from normenc.errors import InputError
from normenc.rsa.blocks import (
    Blocks,
    ReadAnew,
    check_shape,
    constant_stimulus,
    is_in_blocks,
    one_minus_correlation,
    rdm_from_blocks,
    sums_of,
)
from normenc.rsa.labelled import turned
from normenc.rsa.noise import check_units, whiten
from normenc.rsa.products import CANCELLED, Factors, Floats, Stack, Stream, pair_sums
from normenc.rsa.single import Single
from normenc.rsa.ties import settled

__all__ = ["METRICS", "rdm"]

METRICS = ("correlation", "cosine", "euclidean", "mahalanobis", "poisson")
STREAMED = METRICS[:3]
FLOAT32_RANGE = 1e-25, 1e25  # of lengths by which responses in float32 are divided in float32

SMALL = 1_000_000  # responses for which double precision costs little time
DIGITS = float(np.finfo(np.float64).eps) / CANCELLED  # relative precision of any result
PARALLEL = 2e-4  # squared distance of directions, of which float32 keeps too few digits below
PRIOR = (1.0, 0.1)
SAME_DIRECTION = 8 * float(np.finfo(np.float64).eps) ** 2  # cosine dissimilarity of two copies, by rounding
CONSTANT = 4  # spread of a constant by rounding, in machine epsilons of the largest response


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
        ``neuroid``, ``channel`` or ``feature`` holds the units. For the first three metrics, more than a million
        float32 responses are multiplied in float32 over blocks of 1024 units, or of n_stimuli units if that is more,
        which are summed in float64; the error of correlations is about 1e-8 for noisy responses, and a few 1e-6 if most
        are equal, that of the others below 1e-6 of the squared distances from the mean response. Everything else is
        computed in float64, a block at a time. Distances between stimuli with almost identical responses keep their
        relative precision, except for ``"correlation"`` in float32. Layers of
        :func:`normenc.representations.extract` that are on disk are read a block of units at a time for the first three
        metrics; the others need all responses in memory.
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
    if is_in_blocks(responses):
        if metric in STREAMED and responses.on_disk and responses.shape[0] * responses.shape[1] > SMALL:
            return _streamed(responses, metric)
        responses = responses.values()
    responses = turned(responses, "responses")
    values = as_matrix(responses)
    check_shape(len(values), values.shape[1], metric)
    if metric == "correlation":
        return _correlation(values, responses)
    check_finite(values, responses)
    if values.dtype == np.float32 and values.size > SMALL and metric in STREAMED:
        return _in_single(Stack(values[None]), metric, responses)
    if metric == "cosine":
        return _cosine(Stack(values[None]), _directions(*_peaks_and_lengths(values), responses), values.dtype)
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
    return _per_unit(Stack(values[None]), factors)


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


def _streamed(responses: Blocks, metric: str) -> Floats:
    """The RDM of responses that are read in blocks of units."""
    check_shape(*responses.shape, metric)
    if metric == "correlation":
        return rdm_from_blocks(ReadAnew(responses))
    stream = Stream(responses)
    if responses.dtype == np.float32:
        return _in_single(stream, metric, responses)
    if metric == "euclidean":
        return _per_unit(stream, unchanged)
    return _cosine(stream, _directions(*stream.peaks_and_lengths(), responses), responses.dtype)


def _in_single(own: Stack | Stream, metric: str, responses: Any) -> Floats:
    """Cosine or squared Euclidean distances of many float32 responses, by products in float32."""
    if metric == "euclidean":
        return _per_unit(own, unchanged, Single(lambda block: block))
    lengths = own.lengths()
    directions = _directions((lengths > 0).astype(np.float64), lengths, responses)
    scale = (1 / lengths).astype(np.float32)[:, None]
    plain = FLOAT32_RANGE[0] < lengths.min() and lengths.max() < FLOAT32_RANGE[1]
    return _cosine(own, directions, np.float32, Single(lambda block: block * scale, PARALLEL) if plain else None)


def _per_unit(responses: Stack | Stream, factors: Factors, single: Single | None = None) -> Floats:
    sums = pair_sums(responses, factors, single)
    sums /= responses.n_units
    return settled(np.maximum(sums, 0, out=sums), relative=_digits(single))


def _cosine(
    responses: Stack | Stream, directions: Factors, dtype: npt.DTypeLike, single: Single | None = None
) -> Floats:
    dissimilarities = pair_sums(responses, directions, single)
    dissimilarities /= 2
    np.minimum(dissimilarities, 2, out=dissimilarities)
    dissimilarities[dissimilarities <= float(np.finfo(dtype).eps) ** 2 / 4 + SAME_DIRECTION] = 0
    return settled(dissimilarities, relative=_digits(single))


def _digits(single: Single | None) -> float:
    """Relative rounding of equal dissimilarities; by products in float32, others come as close by chance."""
    return DIGITS if single is None else DIGITS * CANCELLED


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


def _peaks_and_lengths(values: npt.NDArray[Any]) -> tuple[Floats, Floats]:
    """Largest magnitude of each row, and its length in units of this: squares of large or small numbers overflow."""
    peaks = np.abs(values).max(axis=1).astype(np.float64)
    safe = np.where(peaks > 0, peaks, 1)
    return peaks, np.array([np.linalg.norm(row / peak) for row, peak in zip(values, safe[:, None], strict=True)])


def _directions(peaks: Floats, lengths: Floats, responses: Any) -> Factors:
    """Responses of length 1, whose squared distance is twice the cosine dissimilarity, precise also for near copies."""
    silent = np.flatnonzero(peaks == 0)
    if silent.size:
        raise InputError(
            f"{stimulus_name(responses, int(silent[0]))} has no response in any of the {responses.shape[1]} units "
            f"({silent.size} such stimuli in all), so that its cosine with other stimuli is undefined; remove these "
            "stimuli, or use metric 'euclidean'"
        )

    def factors(part: Floats, rows: npt.NDArray[np.intp]) -> tuple[Floats, Floats]:
        unit = part / peaks[rows, None, None] / lengths[rows, None, None]
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
