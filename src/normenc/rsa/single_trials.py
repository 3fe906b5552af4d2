"""Noise of a recording's single trials."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError

__all__ = ["TrialNoise", "trial_noise"]

Floats = npt.NDArray[np.float64]
MOST_TRIALS = 600  # whose noise is correlated with each other's


@dataclass(frozen=True)
class TrialNoise:
    """Noise of single trials.

    Attributes
    ----------
    variances : ndarray, shape (n_neurons,)
        Of a trial's noise.
    n_repeats : float
        Trials of each stimulus; if stimuli differ, the number that averages out as much noise.
    freedom : int
        Of each variance.
    n_independent : float
        How many independent neurons have noise whose products vary as much: fewer where neurons share noise.
    """

    variances: Floats
    n_repeats: float
    freedom: int
    n_independent: float


def trial_noise(trials: Any, stimulus: Any) -> tuple[TrialNoise, Floats]:
    """Noise of a recording's single trials, and averages over them, shape (n_stimuli, n_neurons).

    Parameters
    ----------
    trials : array_like, shape (n_trials, n_neurons)
    stimulus : array_like of int, shape (n_trials,)
        Number of each trial's stimulus, from 0 on; every stimulus at least twice.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> signal = np.repeat(rng.normal(size=(20, 500)), 4, axis=0)
    >>> noise, averages = trial_noise(signal + 2 * rng.normal(size=signal.shape), np.repeat(np.arange(20), 4))
    >>> round(noise.variances.mean(), 1), noise.n_repeats, round(noise.n_independent, -2), averages.shape
    (np.float64(4.0), 4.0, 500.0, (20, 500))
    """
    values, index = np.asarray(trials, dtype=np.float64), np.asarray(stimulus)
    counts = np.bincount(index)
    if counts.min() < 2:
        raise InputError("a stimulus has fewer than two trials; its noise is not known")
    means = np.zeros((len(counts), values.shape[1]))
    np.add.at(means, index, values)
    means /= counts[:, None]
    residuals = values - means[index]
    freedom = len(values) - len(counts)
    variances = np.square(residuals).sum(axis=0) / freedom
    n_repeats = float(len(counts) / (1 / counts).sum())
    return TrialNoise(variances, n_repeats, freedom, _independent(residuals, index, counts, variances)), means


def _independent(residuals: Floats, index: npt.NDArray[Any], counts: npt.NDArray[Any], variances: Floats) -> float:
    """From products of the residuals of trials with different stimuli, whose mean square is tr(C^2) over neurons."""
    some = np.random.default_rng(0).permutation(len(residuals))[:MOST_TRIALS]
    scaled = residuals[some] / np.sqrt(1 - 1 / counts[index[some]])[:, None]
    apart = index[some][:, None] != index[some][None]
    if not variances.any() or not apart.any():
        return float(len(variances))
    found = variances.sum() ** 2 / np.square(scaled @ scaled.T)[apart].mean()
    return float(np.clip(found, 1, len(variances)))
