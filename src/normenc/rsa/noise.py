"""Noise covariance of units, from residuals or repeats, and whitening."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import cholesky, solve_triangular

from normenc.arrays import as_array
from normenc.errors import InputError
from normenc.rsa.labelled import labels_of, square, turned, turned_stack
from normenc.rsa.labels import check_same

__all__ = ["SHRINKAGE", "check_units", "noise_covariance", "whiten"]

SHRINKAGE = ("diagonal", "identity", "none", "variances")

Floats = npt.NDArray[np.float64]


def noise_covariance(residuals: Any, shrinkage: str = "diagonal", *, dof: float | None = None) -> Floats:
    r"""Covariance of the noise of units, shrunk so that it can be inverted.

    With :math:`x_t` observation t of n, less the mean, the sample covariance is :math:`S = \sum_t x_t x_t^T / dof`.

    - ``"diagonal"``: :math:`S` with its covariances, not its variances, multiplied by :math:`1 - \lambda`, where
      :math:`\lambda`, between 0 and 1, is the variance of the correlations over their sum of squares (Schäfer &
      Strimmer 2005). The default: units keep their own variances. With two observations :math:`\\lambda` is 0, and the
      covariance has no inverse.
    - ``"identity"``: :math:`(1 - \lambda) S + \lambda m I` with :math:`m` the mean variance (Ledoit & Wolf 2004,
      equation 14), for units of similar variance.
    - ``"none"``: :math:`S`. It has no inverse unless dof is at least n_units.
    - ``"variances"``: the diagonal of :math:`S` alone, for units assumed independent, or too many for a matrix.

    Parameters
    ----------
    residuals : array_like, shape (n_observations, n_units) or (n_repeats, n_stimuli, n_units)
        Residuals of a model or responses to one stimulus, whose mean over observations is subtracted; or repeats, whose
        mean over repeats is subtracted for each stimulus. Any unit of response.
    shrinkage : str
        One of :data:`SHRINKAGE`.
    dof : float, optional
        Degrees of freedom of the residuals; fewer if they come from a model with fitted parameters. Default:
        n_observations - 1, or (n_repeats - 1) * n_stimuli.

    Returns
    -------
    ndarray, shape (n_units, n_units); (n_units,) for ``"variances"``
        float64, symmetric, in the response's unit squared.

    Raises
    ------
    InputError
        If there are fewer than two observations or repeats, values are not finite, a unit never varies (the message
        names it), or the degrees of freedom are not above 0.

    Notes
    -----
    rsatoolbox 0.3.2 gives the same with the same dof, except for the weight :math:`\lambda` of ``"diagonal"``: for n
    observations minus their mean it is :math:`1 / (n - 1)^2` smaller than in the paper, and for repeats it uses the
    number of observations instead of the degrees of freedom. Its ``cov_from_measurements`` takes (n_stimuli - 1) *
    n_repeats degrees of freedom by default, which is incorrect after subtracting each stimulus's mean.

    References
    ----------
    Ledoit & Wolf, "A well-conditioned estimator for large-dimensional covariance matrices", J. Multivar. Anal. 2004;
    Schäfer & Strimmer, "A shrinkage approach to large-scale covariance matrix estimation and implications for
    functional genomics", Stat. Appl. Genet. Mol. Biol. 2005.

    Examples
    --------
    >>> noise_covariance([[1, 0], [-1, 0], [0, 2], [0, -2]], "none", dof=4)
    array([[0.5, 0. ],
           [0. , 2. ]])
    >>> noise_covariance([[[1, 5], [2, 5]], [[3, 9], [2, 5]]], "variances")  # 2 repeats of 2 stimuli
    array([1., 4.])
    >>> noise_covariance([[1, 5], [2, 5]])
    Traceback (most recent call last):
    normenc.errors.InputError: unit 1 has the same value in all observations ...
    """
    if shrinkage not in SHRINKAGE:
        raise InputError(f"shrinkage is {shrinkage!r}; it must be one of {', '.join(SHRINKAGE)}")
    values, left = _residuals(residuals)
    if dof is None:
        dof = left
    if not 0 < dof < np.inf:
        raise InputError(f"dof is {dof}; degrees of freedom must be above 0 (these residuals have {left} by default)")
    if shrinkage == "variances":
        return np.einsum("ij,ij->j", values, values) / dof
    covariance = values.T @ values / dof
    if shrinkage == "diagonal":
        variances = np.diagonal(covariance).copy()
        covariance *= 1 - _diagonal_weight(values, covariance, dof)
        np.fill_diagonal(covariance, variances)
    elif shrinkage == "identity":
        weight, mean = _identity_weight(values, covariance, dof)
        covariance *= 1 - weight
        covariance[np.diag_indices_from(covariance)] += weight * mean
    return covariance


def _residuals(residuals: Any) -> tuple[Floats, int]:
    """Observations x units minus their mean, in float64, and the remaining degrees of freedom."""
    flat = getattr(residuals, "ndim", 3) == 2
    residuals = turned(residuals, "residuals") if flat else turned_stack(residuals, "residuals")
    array = as_array(residuals, "residuals")
    if array.ndim not in (2, 3) or 0 in array.shape:
        raise InputError(
            f"residuals have shape {array.shape}; they must be (n_observations, n_units) or "
            "(n_repeats, n_stimuli, n_units), not empty"
        )
    what = "observations" if array.ndim == 2 else "repeats"
    if len(array) < 2:
        raise InputError(f"residuals have {len(array)} {what}; a covariance needs at least 2 {what}")
    bad = np.flatnonzero(~np.isfinite(array).reshape(-1, array.shape[-1]).all(axis=0))
    if bad.size:
        raise InputError(
            f"residuals of unit {bad[0]} are not finite ({bad.size} such units in all); remove these units, or the "
            f"{what} that contain them"
        )
    # The spread, not the variance: subtracting the mean of a constant can leave rounding error.
    constant = np.flatnonzero((np.ptp(array, axis=0) == 0).reshape(-1, array.shape[-1]).all(axis=0))
    if constant.size:
        raise InputError(
            f"unit {constant[0]} has the same value in all {what} ({constant.size} such units in all), so that its "
            "noise variance is zero; remove these units"
        )
    values = array - array.mean(axis=0, dtype=np.float64)
    return values.reshape(-1, array.shape[-1]), (len(array) - 1) * int(np.prod(array.shape[1:-1]))


def _diagonal_weight(values: Floats, covariance: Floats, dof: float) -> float:
    """Weight of the diagonal: the correlations' summed sampling variance over their summed squares.

    With z the residuals of n observations, divided so that a unit's squares add up to 1, a correlation is a sum of
    products, and its variance n / dof times their sum of squares about their mean; dof is n - 1 in the paper.
    """
    n_observations = len(values)
    scale = np.sqrt(np.diagonal(covariance) * dof)
    correlations = covariance * dof / np.outer(scale, scale)
    np.fill_diagonal(correlations, 0)
    squared = (correlations**2).sum()
    if squared == 0:
        return 1.0
    # Over all pairs of units, the squared product of their values sums to the square of the sum of their squares.
    squares = (values / scale) ** 2
    products = (squares.sum(axis=1) ** 2).sum() - (squares**2).sum()
    variance = n_observations / dof * (products - squared / n_observations)
    return float(np.clip(variance / squared, 0, 1))


def _identity_weight(values: Floats, covariance: Floats, dof: float) -> tuple[float, float]:
    """Weight of the identity, and the mean variance that multiplies it."""
    n_observations = len(values)
    mean = float(np.trace(covariance)) / len(covariance)
    # The weight uses n, not dof, as in the paper.
    sample = covariance * (dof / n_observations)
    products = ((values**2).sum(axis=1) ** 2).sum() / n_observations
    error = (products - (sample**2).sum()) / n_observations
    sample[np.diag_indices_from(sample)] -= mean * dof / n_observations
    distance = (sample**2).sum()
    return (float(min(error, distance) / distance) if distance > 0 else 1.0), mean


def whiten(values: npt.NDArray[Any], covariance: Any) -> Floats:
    r"""Responses relative to the first stimulus, in units whose noise is independent and of variance 1.

    With the Cholesky factor :math:`\Sigma = L L^T` these are :math:`L^{-1} (x_i - x_0)`: their squared distances are
    the squared Mahalanobis distances of the responses, and a component shared by all stimuli costs no precision.

    Parameters
    ----------
    values : ndarray, shape (..., n_stimuli, n_units)
        Finite responses; the first stimulus is subtracted within each (n_stimuli, n_units).
    covariance : array_like, shape (n_units, n_units) or (n_units,)
        Noise covariance, or variances of independent noise, in the response's unit squared.

    Returns
    -------
    ndarray, shape (..., n_stimuli, n_units)
        float64.

    Raises
    ------
    InputError
        If the covariance has the wrong shape, values that are not finite, is not symmetric or not positive definite, or
        if a variance is not above 0.

    Examples
    --------
    >>> whiten(np.array([[0.0, 0.0], [3.0, 8.0]]), [[9, 0], [0, 16]])
    array([[0., 0.],
           [1., 2.]])
    """
    noise = square(covariance, "noise_covariance").astype(np.float64)
    n_units = values.shape[-1]
    if noise.shape not in ((n_units, n_units), (n_units,)):
        raise InputError(
            f"noise_covariance has shape {noise.shape}, but the responses have {n_units} units; it must be "
            f"({n_units}, {n_units}), or ({n_units},) variances"
        )
    if not np.isfinite(noise).all():
        raise InputError("noise_covariance contains values that are not finite; estimate it from finite residuals")
    relative = values - values[..., :1, :].astype(np.float64)
    if noise.ndim == 1:
        low = np.flatnonzero(noise <= 0)
        if low.size:
            raise InputError(
                f"noise_covariance gives unit {low[0]} the variance {noise[low[0]]:g} ({low.size} such units in all); "
                "variances must be above 0, so remove these units"
            )
        relative /= np.sqrt(noise)
        return relative
    factor = _factor(noise)
    flat = relative.reshape(-1, n_units)
    return solve_triangular(factor, flat.T, lower=True, overwrite_b=True, check_finite=False).T.reshape(values.shape)


def check_units(responses: Any, covariance: Any) -> None:
    """Raise InputError if responses and their noise covariance label their units differently."""
    given = [("responses", labels_of(responses, -1)), ("noise_covariance", labels_of(covariance))]
    check_same(given, "reorder one", noun="units")


def _factor(covariance: Floats) -> Floats:
    """Lower Cholesky factor, after checking that the covariance has one."""
    asymmetry = np.abs(covariance - covariance.T).max()
    if asymmetry > 1e-6 * np.abs(covariance).max():
        row, column = np.unravel_index(np.argmax(np.abs(covariance - covariance.T)), covariance.shape)
        raise InputError(
            f"noise_covariance is not symmetric: units {row} and {column} have {covariance[row, column]:g} and "
            f"{covariance[column, row]:g}; a covariance matrix must be symmetric"
        )
    try:
        factor = cholesky(covariance, lower=True, check_finite=False)
        # Rounding can let a singular matrix pass; then the others explain a unit up to rounding.
        rest = np.diagonal(factor) ** 2 / np.diagonal(covariance)
        definite = bool((rest > 10 * len(covariance) * np.finfo(np.float64).eps).all())
    except np.linalg.LinAlgError:
        definite = False
    if not definite:
        raise InputError(
            f"noise_covariance of {len(covariance)} units is not positive definite, so that it has no inverse, for "
            "example because it comes from fewer observations than units without shrinkage, or from only two "
            'observations; estimate it with normenc.rsa.noise_covariance(residuals, shrinkage="diagonal") or '
            '"identity" from three or more, and from two use only the variances, shrinkage="variances"'
        )
    return factor
