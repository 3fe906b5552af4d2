"""Which units respond to any stimulus, compared with blank trials."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from normenc.arrays import as_responses
from normenc.errors import InputError
from normenc.tuning.curves import steady

__all__ = ["responsiveness_p_values"]

Floats = npt.NDArray[np.float64]
FEW = 5  # minimum number of trials, or blanks, for the t distribution
FAR = 30.0  # standard deviations beyond which tails are not distinguished


def responsiveness_p_values(responses: Any, stimulus: Any, blanks: Any) -> npt.NDArray[np.float64]:
    """Whether a unit responds to at least one stimulus, with more or less activity than in blank trials.

    The trials of each stimulus are compared with the blanks by Student's t test, two-sided, and the smallest p-value is
    multiplied by the number of stimuli (Bonferroni). Numbers of blanks and trials often differ, and responses are
    skewed: then the mean of the smaller group has the longer tail, and t tests, especially Welch's, give false
    positives for silent neurons. The p-value is therefore multiplied by the factor by which the skewness of the
    permutation distribution makes a normal tail heavier (Pearson type III).

    Parameters
    ----------
    responses : array_like, shape (n_trials, n_units)
    stimulus : array_like, shape (n_trials,)
        Labels; equal labels are the same stimulus. Stimuli shown once are left out.
    blanks : array_like, shape (n_blanks, n_units)
        Responses in trials without a stimulus.

    Returns
    -------
    ndarray, shape (n_units,)
        At most 1, and 1 for units that do not vary. All NaN if there are fewer than 2 blanks, or no stimulus was shown
        twice.

    Raises
    ------
    InputError
        If shapes disagree, or values are not finite.

    References
    ----------
    Mielke & Berry, Permutation Methods: A Distance Function Approach, 2007.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> trials = rng.normal(size=(40, 2)) + [0, 1]
    >>> responsiveness_p_values(trials, np.repeat([0, 45, 90, 135], 10), rng.normal(size=(20, 2))).round(4)
    array([0.1502, 0.0059])
    """
    values, without = as_responses(responses, in_range=True), as_responses(blanks, in_range=True)
    labels = np.asarray(stimulus)
    if labels.shape != (len(values),) or values.shape[1] != without.shape[1]:
        raise InputError(
            f"responses have shape {values.shape}, stimulus {labels.shape} and blanks {without.shape}; give one label "
            "per trial, and the same units in blanks"
        )
    index = np.unique(labels, return_inverse=True)[1]
    repeated = np.flatnonzero(np.bincount(index) >= 2)
    smallest = np.full(values.shape[1], np.inf)
    if len(without) < 2 or not len(repeated):
        return np.full(values.shape[1], np.nan)
    for label in repeated:
        smallest = np.minimum(smallest, _against(values[index == label], without))
    return np.minimum(smallest * len(repeated), 1)


def _against(trials: npt.NDArray[Any], blanks: npt.NDArray[Any]) -> Floats:
    """Two-sided p-values of a difference between the means of trials and blanks."""
    n, n_all = len(trials), len(trials) + len(blanks)
    together = np.concatenate([trials, blanks]).astype(np.float64)
    together[:, steady(np.concatenate([trials, blanks]))] = 0
    level = np.abs(together).max(axis=0)
    together -= together.mean(axis=0)
    second, third = np.square(together).mean(axis=0), (together**3).mean(axis=0)
    varies = second > (1e-12 * level) ** 2
    total = together[:n].sum(axis=0)
    # For the sum of n responses drawn from all without replacement.
    variance = np.where(varies, n * (n_all - n) / (n_all - 1) * second, 1)
    skewness = n * (n_all - n) * (n_all - 2 * n) / ((n_all - 1) * max(n_all - 2, 1)) * third / variance**1.5
    deviation = np.where(varies, total, 0) / np.sqrt(variance)
    far = np.minimum(np.abs(deviation), FAR)
    # The tail on the side of the difference; a normal one if the distribution is skewed the other way.
    permuted = 2 * stats.pearson3.sf(far, np.maximum(np.sign(deviation) * skewness, 0))
    if min(n, n_all - n) < FEW:
        return np.where(varies, np.minimum(permuted, 1), 1.0)
    heavier = permuted / (2 * stats.norm.sf(far))
    share = np.minimum(np.square(deviation) / (n_all - 1), 1)  # of the variance that the difference explains
    with np.errstate(divide="ignore"):
        t = np.sqrt(share * (n_all - 2) / (1 - share))
    student = 2 * stats.t.sf(t, n_all - 2)
    return np.where(varies, np.minimum(student * np.maximum(heavier, 1), 1), 1.0)
