"""Decoding the stimulus from a population, and the population's dimensionality."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_array, as_responses
from normenc.errors import InputError
from normenc.showing import Listed
from normenc.tuning.curves import around_zero, checked

__all__ = ["Decoding", "cross_validated_spectrum", "decode_orientation", "participation_ratio", "power_law_exponent"]

PENALTIES = np.geomspace(1e-4, 1e4, 17)  # ridge penalties, relative to the mean squared length of a row
MAX_LAGS = 50  # pairs per trial for estimating the threshold
FOLDS = (2, 3, 4, 5)  # of the decoder
RANKS = (11, 500)  # ranks of the eigenvalues that the exponent is fitted to, as in Stringer et al. 2019


@dataclass(frozen=True, repr=False)
class Decoding(Listed):
    """The stimulus decoded from the population, by a decoder that was not trained on the trial.

    Attributes
    ----------
    decoded : ndarray, shape (n_trials,)
        Degrees, within half a period of 0.
    error : ndarray, shape (n_trials,)
        Decoded minus shown, the shorter way around: degrees.
    median_error : float
        Median absolute error, degrees; a quarter of the period at chance.
    threshold : float
        Discrimination threshold, degrees: the difference between two stimuli at which the decoder identifies the larger
        angle in 75 % of pairs of trials. This is the median absolute difference of two trials' errors, assuming the
        same errors for all stimuli. NaN if no difference up to a quarter of the period suffices.
    """

    decoded: npt.NDArray[np.float64]
    error: npt.NDArray[np.float64]
    median_error: float
    threshold: float


def decode_orientation(
    responses: Any,
    stimulus: Any,
    *,
    period: float = 180.0,
    decoder: str = "ridge",
    n_folds: int | None = None,
    seed: int = 0,
) -> Decoding:
    """Decode orientation (or direction) by linear regression onto its cosine and sine, cross-validated.

    Folds are random, each spread around the circle as evenly as possible. Shrinkage is towards the mean of all angles,
    not of the training angles, which points away from those held out: noise would be decoded as the opposite.

    With single trials, other trials of the same stimulus may be in the training set: this measures how well a single
    trial identifies the stimulus. With mean responses each stimulus is one row, decoded from the others only: this
    measures generalisation to new stimuli.

    Parameters
    ----------
    responses : array_like, shape (n_trials, n_units)
        Single trials, or mean responses to stimuli close enough to interpolate between (the error is that of averages).
    stimulus : array_like, shape (n_trials,)
        Degrees.
    period : float
        180 or 360 degrees.
    decoder : str
        ``"ridge"``: with the penalty that best predicts left-out training rows; ``"linear"``: without a penalty (least
        squares; the minimum-norm solution).
    n_folds : int, optional
        Folds of the rows, each decoded from the others: 5 by default or, if no angle occurs twice, as for mean
        responses, the largest number from 2 to 5 that divides the number of rows.
    seed : int
        Seed of the folds.

    Returns
    -------
    Decoding

    Raises
    ------
    InputError
        If there are fewer rows than folds plus 2, or fewer than 3 different angles, shapes disagree, values are not
        finite, or the period or the decoder is unknown.

    References
    ----------
    Stringer et al., "High-precision coding in visual cortex", Cell 2021 (similar decoders and thresholds).

    Examples
    --------
    >>> degrees = np.arange(0, 180, 5.0)
    >>> units = np.cos(np.radians(2 * (degrees[:, None] - np.arange(0, 180, 30))))
    >>> decode_orientation(units, degrees, decoder="linear").median_error < 1e-6
    True
    """
    values, degrees = checked(responses, stimulus, period)
    if decoder not in ("ridge", "linear"):
        raise InputError(f"decoder is {decoder!r}; it must be 'ridge' or 'linear'")
    if n_folds is None:
        n_folds = _even_folds(around_zero(degrees, period))
    if not 2 <= n_folds <= len(values) - 2:
        raise InputError(f"n_folds is {n_folds} for {len(values)} rows; it must be between 2 and {len(values) - 2}")
    n_angles = len(np.unique(around_zero(degrees, period)))
    if n_angles < 3:
        raise InputError(f"there are {n_angles} different angles around {period:g} degrees; decoding needs at least 3")
    angle = np.radians(degrees * 360 / period)
    targets = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    rows = _coordinates(values.astype(np.float64))
    fold = _folds(np.mod(angle, 2 * np.pi), n_folds, np.random.default_rng(seed))
    predicted = np.empty_like(targets)
    for part in range(n_folds):
        test = fold == part
        predicted[test] = _predict(rows[~test], rows[test], targets[~test], targets.mean(axis=0), decoder)
    decoded = np.degrees(np.arctan2(predicted[:, 1], predicted[:, 0])) * period / 360
    error = np.mod(decoded - degrees + period / 2, period) - period / 2
    return Decoding(decoded, error, float(np.median(np.abs(error))), _threshold(error, period, seed))


def participation_ratio(responses: Any) -> float:
    """Participation ratio: (sum of the covariance's eigenvalues)^2 / sum of their squares.

    Parameters
    ----------
    responses : array_like, shape (n_stimuli, n_units)
        Noise adds dimensions: average trials first, and compare populations with equal numbers of units.

    Returns
    -------
    float
        From 1 to the smaller of n_units and n_stimuli - 1; NaN if nothing varies.

    References
    ----------
    Gao et al., "A theory of multineuronal dimensionality, dynamics and measurement", bioRxiv 2017.

    Examples
    --------
    >>> angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    >>> round(participation_ratio(np.stack([np.cos(angle), np.sin(angle)], axis=1)), 6)
    2.0
    """
    values = as_responses(responses, in_range=True).astype(np.float64)
    centred = values - values.mean(axis=0)
    gram = centred @ centred.T if len(centred) <= centred.shape[1] else centred.T @ centred
    squares = np.square(gram).sum()
    return float(np.trace(gram) ** 2 / squares) if squares > 0 else float("nan")


def cross_validated_spectrum(responses: Any, *, n_components: int | None = None) -> npt.NDArray[np.float64]:
    """Variances of the principal components of the reproducible part of the responses (cross-validated PCA).

    Components are computed from one repeat; both repeats are projected onto them, and the covariance of the two
    projections over stimuli estimates the signal variance along each, without bias from noise. The roles are exchanged
    and the results averaged. Each unit's mean over stimuli is subtracted within each repeat. Noise shared by both
    repeats, such as running or arousal, counts as signal unless it is removed first.

    Parameters
    ----------
    responses : array_like, shape (2, n_stimuli, n_units)
        Two repeats of each stimulus, or the means of two halves of the trials.
    n_components : int, optional
        All by default: the smaller of n_units and n_stimuli - 1.

    Returns
    -------
    ndarray, shape (n_components,)
        In squared units of the responses, summed over units. The last ones, mostly noise, scatter around 0.

    Raises
    ------
    InputError
        If the shape is wrong, values are not finite, or there are fewer components.

    References
    ----------
    Stringer et al., "High-dimensional geometry of population responses in visual cortex", Nature 2019.

    Examples
    --------
    >>> signal = np.random.default_rng(0).normal(size=(50, 8)) * [4, 2, 1, 0.5, 0.25, 0.1, 0.1, 0.1]
    >>> spectrum = cross_validated_spectrum(np.stack([signal, signal]))
    >>> bool(np.allclose(spectrum, np.linalg.eigvalsh(np.cov(signal.T, ddof=0))[::-1]))
    True
    """
    values = as_array(responses, "responses").astype(np.float64)
    if values.ndim != 3 or len(values) != 2 or min(values.shape) < 2:
        raise InputError(
            f"responses have shape {values.shape}; they must be (2 repeats, stimuli, units), with at least 2 stimuli "
            "and units"
        )
    if not np.isfinite(values).all():
        raise InputError("responses are not all finite; leave out the stimuli or units with NaN or infinity")
    values = values - values.mean(axis=1, keepdims=True)
    most = min(values.shape[2], values.shape[1] - 1)
    if n_components is not None and not 1 <= n_components <= most:
        raise InputError(f"n_components is {n_components}; it must be between 1 and {most}")
    kept = most if n_components is None else n_components
    spectra = []
    for one, other in ((values[0], values[1]), (values[1], values[0])):
        # Components V in units: one V = sqrt(L) U with U, L of one one'; other V = other one' U / sqrt(L).
        variances, stimuli = np.linalg.eigh(one @ one.T)
        variances, stimuli = variances[::-1][:kept], stimuli[:, ::-1][:, :kept]
        projected = (other @ one.T) @ stimuli
        there = variances > 1e-10 * variances[0]
        spectra.append(np.where(there, (stimuli * projected).sum(axis=0), 0) / len(one))
    return np.mean(spectra, axis=0)


def power_law_exponent(spectrum: Any, *, ranks: tuple[int, int] = RANKS) -> tuple[float, float]:
    """Exponent a of spectrum ~ rank^-a, and the R2 of the straight line in logarithms.

    Least squares with weight 1 / rank, so that all parts of the logarithmic axis have the same weight.

    Parameters
    ----------
    spectrum : array_like, shape (n_components,)
        Variances by rank, as from :func:`cross_validated_spectrum`; ranks with a variance of 0 or less are left out.
        Stop before ranks where there are many of these: the remaining positive ones would look flat.
    ranks : (int, int)
        First and last, counted from 1; the last is limited to the length of the spectrum. The default suits thousands
        of stimuli.

    Returns
    -------
    (float, float)
        Exponent and R2. Larger exponents mean fewer dimensions; 1 is the smallest for which a high-dimensional code is
        smooth.

    Raises
    ------
    InputError
        If fewer than 3 ranks are left.

    References
    ----------
    Stringer et al., "High-dimensional geometry of population responses in visual cortex", Nature 2019.

    Examples
    --------
    >>> exponent, r2 = power_law_exponent(np.arange(1, 101) ** -1.5)
    >>> round(exponent, 6), round(r2, 6)
    (1.5, 1.0)
    """
    variances = as_array(spectrum, "spectrum").astype(np.float64)
    if variances.ndim != 1 or ranks[0] < 1:
        raise InputError(
            f"spectrum has shape {variances.shape} and ranks are {ranks}; give a 1-D spectrum, and ranks from 1"
        )
    rank = np.arange(ranks[0], min(ranks[1], len(variances)) + 1)
    rank = rank[variances[rank - 1] > 0] if rank.size else rank
    if len(rank) < 3:
        raise InputError(
            f"there are {len(rank)} positive variances from rank {ranks[0]} to {ranks[1]} of {len(variances)}; a power "
            "law needs at least 3"
        )
    x, y, weight = np.log(rank), np.log(variances[rank - 1]), 1 / rank
    x, y = x - np.average(x, weights=weight), y - np.average(y, weights=weight)
    slope = (weight * x * y).sum() / (weight * x**2).sum()
    total = (weight * y**2).sum()
    r2 = 1 - (weight * (y - slope * x) ** 2).sum() / total if total > 0 else 1.0
    return float(-slope), float(r2)


def _even_folds(angle: npt.NDArray[np.float64]) -> int:
    """Number of folds: 5 for trials; for rows that all have different angles, the largest number of equal folds."""
    if len(np.unique(angle)) < len(angle):
        return max(FOLDS)
    return max((n for n in FOLDS if len(angle) % n == 0 and n <= len(angle) - 2), default=max(FOLDS))


def _folds(angle: npt.NDArray[np.float64], n_folds: int, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """The fold of each row: assigned in turn around the circle, equal angles in random order."""
    order = np.lexsort((rng.random(len(angle)), np.round(angle, 9)))
    fold = np.empty(len(angle), dtype=np.intp)
    fold[order] = (np.arange(len(angle)) + rng.integers(n_folds)) % n_folds
    return fold


def _coordinates(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The rows in at most as many dimensions as there are rows, with the same distances."""
    centred = values - values.mean(axis=0)
    if centred.shape[1] <= len(centred):
        return centred
    squares, vectors = np.linalg.eigh(centred @ centred.T)
    return vectors * np.sqrt(np.maximum(squares, 0))


def _predict(
    train: npt.NDArray[np.float64],
    test: npt.NDArray[np.float64],
    targets: npt.NDArray[np.float64],
    middle: npt.NDArray[np.float64],
    decoder: str,
) -> npt.NDArray[np.float64]:
    """Least squares or ridge, shrunk to `middle`; the left-out errors of all penalties come from one decomposition."""
    left, squares, scores = _decompose(train, test)
    offset = targets.mean(axis=0)
    y = targets - offset
    rotated = left.T @ y
    best = 0.0
    if decoder == "ridge":
        lowest = np.inf
        for penalty in PENALTIES * max(squares.sum() / len(train), np.finfo(float).tiny):
            shrunk = squares / (squares + penalty)
            leverage = 1 / len(y) + np.square(left) @ shrunk  # the intercept, which is not shrunk, comes first
            residual = y - left @ (shrunk[:, None] * rotated)
            loss = np.square(residual / (1 - leverage)[:, None]).sum()  # of each row left out
            if loss < lowest:
                lowest, best = loss, penalty
    predicted = scores @ ((np.sqrt(squares) / (squares + best))[:, None] * rotated)
    fitted = left @ ((squares / (squares + best))[:, None] * rotated)
    kept = np.linalg.lstsq(y, fitted, rcond=None)[0]  # fraction of a difference between targets that shrinkage leaves
    return predicted + middle + (offset - middle) @ kept


def _decompose(
    train: npt.NDArray[np.float64], test: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Left singular vectors and squared singular values of the centred rows, and test rows along the right vectors."""
    mean = train.mean(axis=0)
    train, test = train - mean, test - mean
    few = train.shape[1] <= len(train)
    squares, vectors = np.linalg.eigh(train.T @ train if few else train @ train.T)
    kept = squares > 1e-12 * squares[-1]
    squares, vectors = squares[kept], vectors[:, kept]
    if few:
        return train @ vectors / np.sqrt(squares), squares, test @ vectors
    return vectors, squares, test @ train.T @ vectors / np.sqrt(squares)


def _threshold(error: npt.NDArray[np.float64], period: float, seed: int) -> float:
    """The difference at which 75 % of pairs of trials are discriminated, pairing any two errors."""
    shuffled = np.random.default_rng(seed).permutation(error)
    lags = range(1, min(MAX_LAGS + 1, len(error)))
    # A pair that differs by d is discriminated if d plus the difference D of its errors is above 0. As D is symmetric,
    # a quarter of D is below -d if d is the median of its absolute values.
    apart = np.concatenate([np.abs(shuffled - np.roll(shuffled, lag)) for lag in lags])
    needed = float(np.median(apart))
    return needed if needed <= period / 4 else float("nan")
