"""Cross-validated dissimilarities: noise, which differs between repeats, adds nothing to them on average."""

from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_array, stimulus_name
from normenc.errors import InputError
from normenc.rsa.dissimilarity import DIGITS, PRIOR, check_arguments, poisson_factors, unchanged
from normenc.rsa.labelled import turned_stack
from normenc.rsa.noise import check_units, whiten
from normenc.rsa.products import Floats, Stack, pair_sums
from normenc.rsa.ties import TIES, settled

__all__ = ["CROSS_VALIDATED", "cross_validated_rdm"]

CROSS_VALIDATED = ("crossnobis", "poisson")


def cross_validated_rdm(
    repeats: Any,
    metric: str = "crossnobis",
    *,
    noise_covariance: Any = None,
    prior_lambda: float = PRIOR[0],
    prior_weight: float = PRIOR[1],
) -> Floats:
    r"""Dissimilarity of every pair of stimuli that noise does not inflate, from repeated responses to them.

    A distance between noisy responses is too large by the noise they hold. Here the difference of two stimuli in one
    repeat meets their difference in the mean of the other repeats, whose noise is another. With :math:`x_i` the
    responses of :math:`N` units to stimulus i in the repeat left out, :math:`\bar x_i` the mean of the others, and
    the mean taken over the repeats left out:

    - ``"crossnobis"``: :math:`(\bar x_i - \bar x_j)^T \Sigma^{-1} (x_i - x_j) / N`, the cross-validated squared
      Mahalanobis distance per unit; without a noise covariance :math:`\Sigma` it is the cross-validated squared
      Euclidean distance. Unbiased: its expectation is the distance of the true responses.
    - ``"poisson"``: :math:`\sum_u (\bar\lambda_{iu} - \bar\lambda_{ju}) (\log \lambda_{iu} - \log \lambda_{ju}) / N`,
      the cross-validated symmetrised Kullback-Leibler divergence of Poisson counts, in nats per unit, with the rates
      :math:`\lambda = (x + \lambda_0 w) / (1 + w)` under a Gamma prior. Zero on average for stimuli that evoke the same
      response; for others, the prior and the logarithm of low counts leave a bias.

    **Dissimilarities may be negative**, which means zero within the noise. Keep them: setting them to zero reintroduces
    bias.

    Parameters
    ----------
    repeats : array_like, shape (n_repeats, n_stimuli, n_units)
        Responses in any unit (``"poisson"``: counts or rates, not negative); float32 is summed in float64, a block
        of units at a time. At least 2 repeats, whose noise must be independent. Named axes (xarray) may be in any
        order.
    metric : str
        One of :data:`CROSS_VALIDATED`.
    noise_covariance : array_like, shape (n_units, n_units) or (n_units,), optional
        For ``"crossnobis"`` alone: covariance of the noise, or its variances if units are independent, as
        :func:`normenc.rsa.noise.noise_covariance` estimates them. Default: none, equal and independent noise.
    prior_lambda, prior_weight : float
        For ``"poisson"`` alone, as for :func:`normenc.rsa.dissimilarity.rdm`.

    Returns
    -------
    ndarray, shape (n_stimuli, n_stimuli)
        float64, symmetric, exactly zero on the diagonal, negative or positive elsewhere.

    Raises
    ------
    InputError
        If there are fewer than two repeats or stimuli, if values are not finite or, for ``"poisson"``, negative (the
        message names repeat and stimulus), if the noise covariance is invalid, or if the metric does not use an
        argument.

    Notes
    -----
    The mean over folds equals the mean over ordered pairs of different repeats, which the sum over repeats gives
    without a loop over folds: :math:`\sum_{m \ne m'} X_m X_{m'}^T = S S^T - \sum_m X_m X_m^T` with
    :math:`S = \sum_m X_m`. ``"poisson"`` differs from method ``"poisson_cv"`` of rsatoolbox 0.3.2, which computes
    every fold and returns the last one.

    References
    ----------
    Walther et al., "Reliability of dissimilarity measures for multi-voxel pattern analysis", NeuroImage 2016
    (crossnobis); Schütt et al., "Statistical inference on representational geometries", eLife 2023 (Poisson).

    Examples
    --------
    >>> cross_validated_rdm([[[0, 0], [3, 1]], [[0, 0], [2, -1]]])  # (3 * 2 + 1 * -1) / 2 units
    array([[0. , 2.5],
           [2.5, 0. ]])
    >>> cross_validated_rdm([[[0, 0], [1, 1]], [[0, 0], [1, -3]]])
    array([[ 0., -1.],
           [-1.,  0.]])
    >>> cross_validated_rdm([[[0, 0], [1, 1]]])
    Traceback (most recent call last):
    normenc.errors.InputError: repeats have 1 repeat; cross-validation needs at least 2 ...
    """
    check_arguments(metric, CROSS_VALIDATED, "crossnobis", noise_covariance, prior_lambda, prior_weight)
    repeats = turned_stack(repeats, "repeats")
    values = as_array(repeats, "repeats")
    _check_repeats(values, repeats, counts=metric == "poisson")
    n_units = values.shape[2]
    factors = unchanged if metric == "crossnobis" else poisson_factors(prior_lambda, prior_weight)
    if noise_covariance is not None:
        check_units(repeats, noise_covariance)
        values = whiten(values, noise_covariance)
    dissimilarities = pair_sums(Stack(values), factors) / n_units
    return settled(dissimilarities, relative=DIGITS, absolute=TIES * 1e-2 * float(np.abs(dissimilarities).max()))


def _check_repeats(values: npt.NDArray[Any], repeats: Any, counts: bool) -> None:
    """Raise InputError if repeats cannot be cross-validated, naming repeat and stimulus."""
    if values.ndim != 3 or 0 in values.shape:
        raise InputError(
            f"repeats have shape {values.shape}; they must be a non-empty repeat x stimulus x unit array: stack one "
            "stimulus x unit matrix per repeat"
        )
    if len(values) < 2:
        raise InputError(
            "repeats have 1 repeat; cross-validation needs at least 2 repeats of every stimulus; normenc.rsa.rdm "
            "needs only one"
        )
    if values.shape[1] < 2:
        raise InputError("repeats have 1 stimulus; an RDM needs at least 2 stimuli")
    for repeat, responses in enumerate(values):
        finite = np.isfinite(responses).all(axis=1)
        if not finite.all():
            stimulus = int(np.flatnonzero(~finite)[0])
            n_bad = int((~np.isfinite(responses[stimulus])).sum())
            raise InputError(
                f"responses of repeat {repeat} to {stimulus_name(repeats[repeat], stimulus)} are not finite "
                f"({n_bad} of {values.shape[2]} units); remove these units, this stimulus or this repeat"
            )
        lowest = responses.min(axis=1)
        if counts and lowest.min() < 0:
            stimulus = int(np.flatnonzero(lowest < 0)[0])
            raise InputError(
                f"responses of repeat {repeat} to {stimulus_name(repeats[repeat], stimulus)} are negative, down to "
                f"{lowest[stimulus]:g}; metric 'poisson' needs counts or rates, so do not subtract a baseline, or use "
                "metric 'crossnobis'"
            )
