r"""How strongly each stimulus drives a recorded population, and how noisy the responses to it are.

The variance of a stimulus's pattern over neurons is that of its signal plus that of its noise. Both are estimated from
a recording, and pulled towards their mean over stimuli by as much as they vary by chance (empirical Bayes): with
:math:`\sigma_s^2` the squared sampling error of an estimate, which follows from how neurons differ, and :math:`\tau^2`
the variance over stimuli beyond that of sampling errors, the difference from the mean is multiplied by
:math:`\tau^2 / (\tau^2 + \sigma_s^2)`. Stimuli that all drive neurons equally are so found to do so.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError

__all__ = ["StimulusVariances", "UnequalStimuli", "patterns"]

Floats = npt.NDArray[np.float64]
LEAST = 1e-3  # of the mean variance: what a stimulus is left with that evokes no signal


@dataclass(frozen=True)
class UnequalStimuli:
    """Stimuli of which some drive neurons more strongly than others, or more noisily.

    Attributes
    ----------
    strength : ndarray, shape (n_stimuli,)
        Standard deviation of each stimulus's signal over neurons, in that by which noise is measured.
    noise : ndarray, shape (n_stimuli,)
        Factor by which the noise of each stimulus is larger than the noise that is stated.

    Raises
    ------
    InputError
        If they are not positive numbers, one for each stimulus.

    Examples
    --------
    >>> UnequalStimuli.relative([1, 7], [3, 3])
    UnequalStimuli(strength=array([0.2, 1.4]), noise=array([1., 1.]))
    """

    strength: Floats
    noise: Floats

    def __post_init__(self) -> None:
        for name in ("strength", "noise"):
            values = np.asarray(getattr(self, name), dtype=np.float64)
            if values.ndim != 1 or not len(values) or not (np.isfinite(values).all() and (values > 0).all()):
                raise InputError(f"the {name} of stimuli must be one positive number for each stimulus")
            object.__setattr__(self, name, values)
        if len(self.strength) != len(self.noise):
            raise InputError(f"strength is given for {len(self.strength)} stimuli, but noise for {len(self.noise)}")

    @classmethod
    def relative(cls, strength: Any, noise: Any) -> "UnequalStimuli":
        """Relative to the root mean squares of both over stimuli."""
        return cls(*(np.asarray(own) / np.sqrt(np.square(own).mean()) for own in (strength, noise)))

    @classmethod
    def equal(cls, n_stimuli: int) -> "UnequalStimuli":
        """Stimuli that all drive neurons as strongly and as noisily."""
        return cls(np.ones(n_stimuli), np.ones(n_stimuli))


@dataclass(frozen=True)
class StimulusVariances:
    """Variances over neurons of a recording's averages over trials, by stimulus.

    Attributes
    ----------
    total : ndarray, shape (n_stimuli,)
        Of signal and noise.
    noise : ndarray or None, shape (n_stimuli,)
        Of the noise, pulled towards its mean over stimuli (of trials); None where no trials tell it.
    error : ndarray, shape (n_stimuli,)
        Squared sampling errors of the signal's variance.
    by_chance : float
        The mean of these, of differences from the mean over stimuli.
    """

    total: Floats
    noise: Floats | None
    error: Floats
    by_chance: float

    @classmethod
    def of(cls, averages: Any, metric: str = "correlation") -> "StimulusVariances":
        """From averages over trials, shape (n_stimuli, n_neurons)."""
        squares = np.square(patterns(np.asarray(averages, dtype=np.float64), metric))
        return cls(squares.mean(axis=1), None, *_errors(squares))

    @classmethod
    def of_trials(
        cls, trials: Any, stimulus: Any, n_independent: float, metric: str = "correlation"
    ) -> "StimulusVariances":
        """From single trials, shape (n_trials, n_neurons), each stimulus at least twice.

        Parameters
        ----------
        trials, stimulus
            See :func:`normenc.rsa.single_trials.trial_noise`.
        n_independent : float
            How many independent neurons have noise as variable.
        metric : str
            "correlation", whose patterns have no mean over neurons, "cosine" or "euclidean".
        """
        index = np.asarray(stimulus)
        values = patterns(np.asarray(trials, dtype=np.float64), metric)
        counts = np.bincount(index)[:, None]
        means = np.zeros((len(counts), values.shape[1]))
        np.add.at(means, index, values)
        means /= counts
        noise = np.zeros_like(means)
        np.add.at(noise, index, np.square(values - means[index]))
        noise /= counts - 1
        more = max(1.0, values.shape[1] / n_independent)
        of_trial = _pulled(noise.mean(axis=1), *(more * own for own in _errors(noise)))
        noise /= counts
        signal = np.square(means) - noise
        # Noise that neurons share varies as that of fewer neurons.
        shared = 2 * np.square(noise.mean(axis=1)) * (more - 1) / values.shape[1]
        of_average = of_trial / counts[:, 0]
        error, by_chance = _errors(signal)
        return cls(signal.mean(axis=1) + of_average, of_average, error + shared, by_chance + float(shared.mean()))

    def unequal(self, noise: float = 0.0) -> UnequalStimuli:
        """Strength and noise of each stimulus.

        Parameters
        ----------
        noise : float
            Where no trials tell the noise: its standard deviation in averages, in those of the signal. It is then taken
            to be as large for every stimulus.
        """
        mean = float(self.total.mean())
        own = self.noise if self.noise is not None else np.full(len(self.total), mean * noise**2 / (1 + noise**2))
        if not mean > 0:
            return UnequalStimuli.equal(len(self.total))
        signal = _pulled(self.total - own, self.error, self.by_chance)
        strength = np.sqrt(np.maximum(signal, LEAST * max(float(signal.mean()), LEAST * mean)))
        return UnequalStimuli.relative(
            strength, np.sqrt(np.maximum(own, LEAST * own.mean())) if own.any() else np.ones(len(own))
        )


def patterns(values: Floats, metric: str) -> Floats:
    """What an RDM of the metric compares: by correlation, responses less their mean over neurons, in each row."""
    return values - values.mean(axis=1, keepdims=True) if metric == "correlation" else values


def _errors(estimates: Floats) -> tuple[Floats, float]:
    """Squared standard errors of means over neurons; and the mean of those of differences from the mean of stimuli."""
    n = estimates.shape[1]
    apart = estimates - estimates.mean(axis=0)
    return estimates.var(axis=1, ddof=1) / n, float(apart.var(axis=1, ddof=1).mean() / n)


def _pulled(estimates: Floats, error: Floats, by_chance: float) -> Floats:
    """Towards their mean, by as much as they vary by chance."""
    apart = estimates - estimates.mean()
    beyond = max(0.0, float(np.square(apart).mean()) - by_chance)
    return np.asarray(estimates.mean() + (beyond / (beyond + error) if beyond > 0 else 0.0) * apart)
