"""How reliable responses are from trial to trial, and how units vary together."""

from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_responses
from normenc.errors import InputError
from normenc.rsa.ceiling import spearman_brown

__all__ = [
    "explainable_variance",
    "labelled_trials",
    "noise_correlations",
    "repeated",
    "signal_correlations",
    "split_half_reliability",
    "split_halves",
]

MAX_PAIRS_GIB = 4
BLOCK_UNITS = 1024  # whose halves are in memory at once
SAME = 1e-12  # relative to a response: smaller differences are rounding error


def labelled_trials(responses: Any, stimulus: Any) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Responses of trials and the label of each; InputError unless there is one a trial."""
    values, labels = as_responses(responses, in_range=True), np.asarray(stimulus)
    if labels.shape != (len(values),):
        raise InputError(
            f"stimulus has shape {labels.shape} but responses have {len(values)} rows (trials); give one label per "
            "trial"
        )
    return values, labels


def repeated(responses: Any, stimulus: Any) -> tuple[npt.NDArray[Any], npt.NDArray[np.intp], npt.NDArray[Any]]:
    """Trials of the stimuli that were shown at least twice.

    Parameters
    ----------
    responses : array_like, shape (n_trials, n_units)
    stimulus : array_like, shape (n_trials,)
        A label, such as degrees or an image's name; equal labels are the same stimulus.

    Returns
    -------
    responses : ndarray, shape (n_kept_trials, n_units)
    index : ndarray, shape (n_kept_trials,)
        Of the stimulus, from 0.
    labels : ndarray, shape (n_stimuli,)

    Raises
    ------
    InputError
        If shapes disagree, or fewer than 2 stimuli were shown twice.
    """
    values, labels = labelled_trials(responses, stimulus)
    different, index, counts = np.unique(labels, return_inverse=True, return_counts=True)
    kept = counts >= 2
    if kept.sum() < 2:
        raise InputError(
            f"{kept.sum()} of {len(different)} stimuli were shown more than once; reliability needs at least 2 such "
            "stimuli"
        )
    of_kept = kept[index]
    return values[of_kept], (np.cumsum(kept) - 1)[index[of_kept]], different[kept]


def split_halves(
    responses: Any, stimulus: Any, *, seed: int | np.random.Generator = 0
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Mean responses in two random halves of each stimulus's trials, both of shape (n_stimuli, n_units).

    With an odd number of trials, one half has one more. Stimuli shown once are left out.

    Parameters
    ----------
    responses, stimulus
        See :func:`repeated`.
    seed : int or Generator

    Raises
    ------
    InputError
        See :func:`repeated`.
    """
    values, index, labels = repeated(responses, stimulus)
    halves = half_averages(index, len(labels), np.random.default_rng(seed))
    return halves[0] @ values, halves[1] @ values


def split_half_reliability(
    responses: Any, stimulus: Any, *, n_splits: int = 20, seed: int = 0
) -> npt.NDArray[np.float64]:
    """How well each unit's tuning repeats.

    The correlation over stimuli between halves of the trials, averaged over random splits and corrected to the full
    number of trials (:func:`normenc.rsa.spearman_brown`).

    Parameters
    ----------
    responses, stimulus
        See :func:`repeated`.
    n_splits : int
    seed : int

    Returns
    -------
    ndarray, shape (n_units,)
        At most 1; around 0 or below for unreliable units; NaN for units whose responses do not vary over stimuli in a
        half of one of the splits.

    Raises
    ------
    InputError
        See :func:`repeated`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> signal, noise = rng.normal(size=(200, 1)), rng.normal(size=(2, 200, 1))  # as much noise as signal
    >>> trials = (signal + noise).reshape(400, 1)
    >>> round(float(split_half_reliability(trials, np.tile(np.arange(200), 2))[0]), 1)
    0.7
    """
    values, index, labels = repeated(responses, stimulus)
    if n_splits < 1:
        raise InputError(f"n_splits is {n_splits}; it must be at least 1")
    rng = np.random.default_rng(seed)
    splits = [half_averages(index, len(labels), rng) for _ in range(n_splits)]
    total = np.zeros(values.shape[1])
    for start in range(0, values.shape[1], BLOCK_UNITS):
        part = values[:, start : start + BLOCK_UNITS]
        part = part - part.mean(axis=0)
        for halves in splits:
            one, two = (_standardised(half @ part) for half in halves)
            total[start : start + BLOCK_UNITS] += np.einsum("su,su->u", one, two)
    return spearman_brown(total / n_splits)


def explainable_variance(responses: Any, stimulus: Any) -> npt.NDArray[np.float64]:
    """Share of the variance of single trials that the stimuli explain: signal / (signal + noise).

    Noise is the variance within stimuli; signal is the variance of the stimulus means minus the contribution of noise
    (one-way analysis of variance, also for unequal numbers of trials). It is also known as the intraclass correlation
    ICC(1).

    Parameters
    ----------
    responses, stimulus
        See :func:`repeated`.

    Returns
    -------
    ndarray, shape (n_units,)
        At most 1; signal and noise are estimated without bias, so it can be below 0; NaN for units that do not vary.

    Raises
    ------
    InputError
        See :func:`repeated`.

    References
    ----------
    Sahani & Linden, "How linear are auditory cortical responses?", NIPS 2002; Shrout & Fleiss, "Intraclass
    correlations: uses in assessing rater reliability", Psychol. Bull. 1979.

    Examples
    --------
    >>> explainable_variance([[0.0], [0.0], [1.0], [1.0]], [0, 0, 1, 1])
    array([1.])
    """
    values, index, labels = repeated(responses, stimulus)
    counts = np.bincount(index).astype(np.float64)
    means = _averaging(index, len(labels)) @ values
    within = np.square(values - means[index]).sum(axis=0) / (counts.sum() - len(counts))
    grand = counts @ means / counts.sum()
    between = counts @ np.square(means - grand) / (len(counts) - 1)
    typical = (counts.sum() - np.square(counts).sum() / counts.sum()) / (len(counts) - 1)
    signal = (between - within) / typical
    varies = np.sqrt(signal + within) > SAME * np.abs(values).max(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(varies, signal / (signal + within), np.nan)


def signal_correlations(responses: Any) -> npt.NDArray[np.float64]:
    """Correlations over stimuli between units' mean responses.

    Noise remaining in the means biases correlations: with few trials towards 0 or, if noise is shared, upwards.

    Parameters
    ----------
    responses : array_like, shape (n_stimuli, n_units)

    Returns
    -------
    ndarray, shape (n_units, n_units)
        NaN for units that do not vary.

    Raises
    ------
    InputError
        If there are fewer than 2 stimuli, values are not finite, or the matrix would take more than 4 GiB.

    References
    ----------
    Pospisil & Bair, "Accounting for biases in the estimation of neuronal signal correlation", J. Neurosci. 2021.

    Examples
    --------
    >>> signal_correlations([[0.0, 0.0], [1.0, -2.0], [2.0, -4.0]]).round(6)
    array([[ 1., -1.],
           [-1.,  1.]])
    """
    return _correlations(as_responses(responses, in_range=True))


def noise_correlations(responses: Any, stimulus: Any, *, z_score: bool = True) -> npt.NDArray[np.float64]:
    """Noise correlations: correlations over trials between units, after subtracting the mean response to each stimulus.

    Parameters
    ----------
    responses, stimulus
        See :func:`repeated`.
    z_score : bool
        True: responses to each stimulus are z-scored over its trials, so that all stimuli have the same weight; stimuli
        for which either unit of a pair does not vary are left out for this pair. False: deviations from the means are
        pooled without scaling. Choose this with few trials per stimulus, where z-scoring shrinks correlations: z-scores
        of two trials are 1 and -1, which turns a correlation of r into 2 arcsin(r) / pi.

    Returns
    -------
    ndarray, shape (n_units, n_units)
        NaN for units that do not vary over trials.

    Raises
    ------
    InputError
        See :func:`repeated`; also if the matrix would take more than 4 GiB.

    References
    ----------
    Cohen & Kohn, "Measuring and interpreting neuronal correlations", Nat. Neurosci. 2011.

    Examples
    --------
    >>> noise_correlations([[0.0, 0.0], [1.0, 1.0], [5.0, 9.0], [7.0, 7.0], [6.0, 8.0]], [0, 0, 1, 1, 1]).round(6)
    array([[ 1. , -0.2],
           [-0.2,  1. ]])
    """
    values, index, labels = repeated(responses, stimulus)
    _check_pairs(values.shape[1])
    averaging = _averaging(index, len(labels))
    means = averaging @ values
    residual = values - means[index]
    spread = np.sqrt(averaging @ np.square(residual))
    varies = spread > SAME * np.abs(means)
    residual *= varies[index]
    if not z_score:
        return _correlations(residual)
    residual /= np.where(varies, spread, 1)[index]
    n_common = len(values)
    if not varies.all():
        weighted = varies * np.bincount(index)[:, None]
        n_common = weighted.T.astype(np.float32) @ varies.astype(np.float32)  # whole numbers, exact
    with np.errstate(invalid="ignore"):
        return np.clip(residual.T @ residual / n_common, -1, 1)


def _averaging(index: npt.NDArray[np.intp], n_stimuli: int) -> Any:
    """The sparse matrix (n_stimuli, n_trials) that averages trials."""
    from scipy import sparse

    counts = np.bincount(index, minlength=n_stimuli)
    return sparse.csr_array((1 / counts[index], (index, np.arange(len(index)))), shape=(n_stimuli, len(index)))


def half_averages(index: npt.NDArray[np.intp], n_stimuli: int, rng: np.random.Generator) -> tuple[Any, Any]:
    """Two sparse matrices (n_stimuli, n_trials) that average random halves of each stimulus's trials."""
    from scipy import sparse

    order = np.lexsort((rng.random(len(index)), index))
    counts = np.bincount(index, minlength=n_stimuli)
    rank = np.arange(len(index)) - np.repeat(np.cumsum(counts) - counts, counts)
    extra = rng.integers(0, 2, n_stimuli)  # which half gets the odd trial
    first = np.empty(len(index), bool)
    first[order] = rank < np.repeat((counts + extra) // 2, counts)
    by_stimulus = np.argsort(index, kind="stable")
    parts = []
    for chosen in (first, ~first):
        trials = by_stimulus[chosen[by_stimulus]]
        own = np.bincount(index[trials], minlength=n_stimuli)
        weights = np.repeat(1 / np.maximum(own, 1), own)
        ends = np.concatenate([[0], np.cumsum(own)])
        parts.append(sparse.csr_array((weights, trials, ends), shape=(n_stimuli, len(index))))
    return parts[0], parts[1]


def _standardised(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Columns of mean 0 and length 1; NaN if they do not vary."""
    centred = values - values.mean(axis=0)
    length = np.linalg.norm(centred, axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(length > SAME * np.abs(values).max(axis=0), centred / length, np.nan)


def _correlations(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    if len(values) < 2:
        raise InputError(f"there is {len(values)} row; a correlation needs at least 2")
    _check_pairs(values.shape[1])
    standardised = _standardised(values.astype(np.float64))
    return np.clip(standardised.T @ standardised, -1, 1)


def _check_pairs(n_units: int) -> None:
    gib = n_units**2 * 8 / 2**30
    if gib > MAX_PAIRS_GIB:
        raise InputError(
            f"correlations between {n_units:,} units would take {gib:.0f} GiB, more than {MAX_PAIRS_GIB}; choose some "
            "of the units"
        )
