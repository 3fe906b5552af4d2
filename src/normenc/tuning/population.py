"""What a population as a whole says of the stimulus, and how many dimensions it uses."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_array, as_responses
from normenc.errors import InputError
from normenc.tuning.curves import around_zero, checked

__all__ = [
    "Decoding",
    "cross_validated_spectrum",
    "decode_orientation",
    "participation_ratio",
    "power_law_exponent",
]

PENALTIES = np.geomspace(1e-4, 1e4, 17)  # of the ridge, times the mean squared length of a row
MAX_LAGS = 50  # pairs of each trial that the threshold is taken from
FOLDS = (2, 3, 4, 5)  # of the decoder
RANKS = (11, 500)  # of the eigenvalues that the exponent is fitted to, as in Stringer et al. 2019


@dataclass(frozen=True)
class Decoding:
    """The stimulus read from the population, by a decoder that never saw the trial.

    Attributes
    ----------
    decoded : ndarray, shape (n_trials,)
        Degrees, within half a period of 0.
    error : ndarray, shape (n_trials,)
        Decoded less shown, the short way around: degrees.
    median_error : float
        Of the absolute errors, degrees; a quarter of the period at chance.
    threshold : float
        Discrimination threshold: the difference of two stimuli, degrees, of which the decoder tells in 75 % of pairs of
        trials which has the larger angle. That is the median absolute difference of two trials' errors, which are taken
        to be alike for all stimuli. NaN where no difference up to a quarter of the period suffices.
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

    Parts of the rows are left out that go all around the circle, as far as their numbers allow; within that, chance
    decides. What is shrunk away is replaced by the mean of all angles, not of those trained on, which point away from
    those left out: noise would be decoded as the opposite of what was shown.

    Of trials, others of the same stimulus may be among those trained on: this asks how well a single trial tells which
    of the stimuli was shown. Of mean responses each stimulus is one row, decoded from the others alone: this asks
    whether stimuli in between can be read, too.

    Parameters
    ----------
    responses : array_like, shape (n_trials, n_units)
        Of single trials, or mean responses to stimuli that lie close enough for one to tell of its neighbours; the
        error is then that of averages, not of trials.
    stimulus : array_like, shape (n_trials,)
        Degrees.
    period : float
        180 or 360 degrees.
    decoder : str
        ``"ridge"``: with the penalty that predicts the training folds' own left-out rows best; ``"linear"``: without
        one (least squares; of many solutions the smallest).
    n_folds : int, optional
        Parts of the rows, each of which is decoded from the others: 5 by default, or where no angle comes twice, as of
        mean responses, the most from 2 to 5 that divide the number of rows.
    seed : int
        Of the parts.

    Returns
    -------
    Decoding

    Raises
    ------
    InputError
        When there are fewer rows than folds and 2 more, or fewer than 3 different angles, shapes disagree, values are
        not finite, or the period or the decoder is another.

    References
    ----------
    Stringer et al., "High-precision coding in visual cortex", Cell 2021 (decoders and thresholds of the kind).

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
        raise InputError(f"n_folds is {n_folds} for {len(values)} rows; it must be from 2 to {len(values) - 2}")
    n_angles = len(np.unique(around_zero(degrees, period)))
    if n_angles < 3:
        raise InputError(f"there are {n_angles} different angles around {period:g} degrees; decoding takes at least 3")
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
    """Dimensions that the population uses: (sum of the covariance's eigenvalues)^2 / sum of their squares.

    Parameters
    ----------
    responses : array_like, shape (n_stimuli, n_units)
        Noise counts as dimensions too: average trials first, and compare populations of equally many units.

    Returns
    -------
    float
        From 1 to the smaller of n_units and n_stimuli - 1; NaN where nothing varies.

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
    """Variances of the principal components of the part of the responses that repeats (cross-validated PCA).

    Components are found in one repeat alone; both repeats are projected onto them, and the covariance over stimuli of
    the two projections estimates the variance of the signal along each, without what noise adds. The roles are
    exchanged and the results averaged. Each unit's mean over stimuli is taken off within each repeat. Noise that both
    repeats share, such as running or arousal, counts as signal unless it is taken off before.

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
        When the shape is another, values are not finite, or there are not that many components.

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
            f"responses have shape {values.shape}; they must be two repeats x stimuli x units, at least 2 of each"
        )
    if not np.isfinite(values).all():
        raise InputError("responses are not all finite; leave out the stimuli or units that are not")
    values = values - values.mean(axis=1, keepdims=True)
    most = min(values.shape[2], values.shape[1] - 1)
    if n_components is not None and not 1 <= n_components <= most:
        raise InputError(f"n_components is {n_components}; it must be from 1 to {most}")
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

    Least squares in which every rank weighs 1 / rank, so that each stretch of the logarithmic axis weighs the same.

    Parameters
    ----------
    spectrum : array_like, shape (n_components,)
        Variances by rank, as from :func:`cross_validated_spectrum`; ranks whose variance is not positive are left out.
        Stop before ranks where many are: what scatters above 0 only looks flat.
    ranks : (int, int)
        First and last, counted from 1; the last is cut to what there is. The default suits thousands of stimuli.

    Returns
    -------
    (float, float)
        Larger exponents are of fewer dimensions; 1 is the least at which a code of many dimensions is smooth.

    Raises
    ------
    InputError
        When fewer than 3 ranks are left.

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
        raise InputError(f"spectrum has shape {variances.shape} and ranks are {ranks}; it must be 1-D, ranks from 1")
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
    """How many folds: of trials 5, of rows at different angles the most that are equally large."""
    if len(np.unique(angle)) < len(angle):
        return max(FOLDS)
    return max((n for n in FOLDS if len(angle) % n == 0 and n <= len(angle) - 2), default=max(FOLDS))


def _folds(angle: npt.NDArray[np.float64], n_folds: int, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """The fold of each row: dealt out in turn around the circle, equal angles in random order."""
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
    """Least squares or ridge, shrunk to `middle`; every penalty's left-out rows follow from one decomposition."""
    left, squares, scores = _decompose(train, test)
    offset = targets.mean(axis=0)
    y = targets - offset
    rotated = left.T @ y
    best = 0.0
    if decoder == "ridge":
        lowest = np.inf
        for penalty in PENALTIES * max(squares.sum() / len(train), np.finfo(float).tiny):
            shrunk = squares / (squares + penalty)
            leverage = (
                1 / len(y) + np.square(left) @ shrunk
            )  # the intercept's, along which nothing is shrunk, comes first
            residual = y - left @ (shrunk[:, None] * rotated)
            loss = np.square(residual / (1 - leverage)[:, None]).sum()  # of each row left out
            if loss < lowest:
                lowest, best = loss, penalty
    predicted = scores @ ((np.sqrt(squares) / (squares + best))[:, None] * rotated)
    fitted = left @ ((squares / (squares + best))[:, None] * rotated)
    kept = np.linalg.lstsq(y, fitted, rcond=None)[0]  # of a difference between targets, what shrinking leaves
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
    """Where the share of pairs of trials told apart crosses 75 %, any two errors going together."""
    shuffled = np.random.default_rng(seed).permutation(error)
    lags = range(1, min(MAX_LAGS + 1, len(error)))
    # A pair that differs by d is told apart where d and the difference D of its errors add up to more than 0. As D and
    # -D are as frequent, the quarter of D that lies below -d lies beyond the median of their size.
    apart = np.concatenate([np.abs(shuffled - np.roll(shuffled, lag)) for lag in lags])
    needed = float(np.median(apart))
    return needed if needed <= period / 4 else float("nan")
