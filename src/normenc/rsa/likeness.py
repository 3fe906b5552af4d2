r"""Populations that are simulated to be like a recorded one: how much noise they have, and how unequal neurons are.

Few neurons often carry most of a population's signal, and noise that neurons share averages out less. Both make
dissimilarities vary as those of fewer neurons would. What is needed are sums over neurons of the squared variance of
the signal, of the noise, and of their product. The products of different neurons' responses give them: with
:math:`x_n` the responses of neuron n to all stimuli, minus their mean, of covariance
:math:`g_n K + s_n H` (K the signal's, of mean 1, and H the centring matrix), the expected
:math:`(x_n \cdot x_m)^2` is :math:`g_n g_m (tr K^2 - tr K)` above what neurons without signal have.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.rsa.wishart import UnequalNeurons, covariance_of

__all__ = ["Likeness", "NeuronProducts", "TrialNoise", "like_averages", "like_trials", "trial_noise"]

Floats = npt.NDArray[np.float64]
BEYOND_CHANCE = 2  # standard errors of a signal where there is none
NOTHING_SHARED = "neurons have nothing in common beyond chance, so that their noise is not known"
SURE = 0.05  # error of a signal, in parts of it, at which what is certain and what is expected weigh the same
MOST_TRIALS = 600  # whose noise is correlated with each other's


@dataclass(frozen=True)
class Likeness:
    """A simulated population that is like a recorded one.

    Attributes
    ----------
    noise : float
        Of averages over trials, as :func:`normenc.rsa.identification` takes it.
    n_neurons : UnequalNeurons
    """

    noise: float
    n_neurons: UnequalNeurons


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


def like_trials(rdm: Any, averages: "NeuronProducts", noise: TrialNoise, metric: str = "correlation") -> Likeness:
    """Simulated from an RDM, with the signal-to-noise of a recording's trials.

    The variance of the signal over stimuli stands to that of the noise as in the recording, where the noise that is
    left in averages is subtracted.

    Parameters
    ----------
    rdm : array_like, shape (n_stimuli, n_stimuli)
    averages : NeuronProducts
        Of the averages over trials.
    noise : TrialNoise
    metric : str
        "correlation", "cosine" or "euclidean".

    Raises
    ------
    InputError
        If the averages show no signal.
    """
    moments = _Moments.of(averages, rdm, metric)
    left = noise.variances / noise.n_repeats
    of_noise = float(left.sum())
    signal = _signal(averages.products, moments.covariance, of_noise, noise.n_independent)
    own, n = np.sqrt(of_noise / signal * moments.spread), len(left)
    if not moments.signal > 0:  # how unequal neurons are cannot be seen
        return _likeness(own, n, noise.n_independent, 1.0, n)
    products = float((moments.gains * left).sum())
    squared = float(np.square(left).sum()) * noise.freedom / (noise.freedom + 2)
    squares = moments.squares_given(products, squared)
    n_noise = min(noise.n_independent, of_noise**2 / squared) if of_noise > 0 else n
    both = products / moments.signal / of_noise if of_noise > 0 else 1.0
    return _likeness(own, moments.signal**2 / squares, n_noise, both, n)


def _signal(products: Floats, covariance: Floats, noise: float, n_independent: float) -> float:
    """Variance of all neurons' signal over stimuli, if its covariance is as given, of mean 1; InputError without any.

    It is the mean over stimuli or, the more uncertain this is, the part of the covariance as given, which less noise
    gets into.
    """
    n = len(covariance)
    everywhere = np.eye(n) - 1 / n
    plain = float(np.trace(products)) / (n - 1) - noise
    error = noise * float(np.sqrt(2 / n_independent / (n - 1)))
    share = error / (error + SURE * max(plain, error)) if error > 0 else 0.0
    weights = share * covariance / np.square(covariance).sum() * (n - 1) + (1 - share) * everywhere
    found = float((weights * products).sum()) - noise * float(np.trace(weights))
    by_chance = noise * float(np.sqrt(2 / n_independent)) * float(np.linalg.norm(weights))
    if not found > BEYOND_CHANCE * by_chance:
        raise InputError("averages over trials vary no more between stimuli than their noise does")
    return found / float((weights * covariance).sum())


def like_averages(rdm: Any, averages: "NeuronProducts", metric: str = "correlation") -> Likeness:
    """Simulated from an RDM, with neurons that have as much in common as those of a recording without trials.

    The squared covariances of stimuli beyond those of noise are, summed up, as large as in the recording: so are those
    of halves of the neurons. Noise that neurons share counts as signal.

    Parameters
    ----------
    rdm, averages, metric
        See :func:`like_trials`.

    Raises
    ------
    InputError
        If neurons have nothing in common.
    """
    moments = _Moments.of(averages, rdm, metric)
    total = float(moments.variances.sum())
    if not moments.signal > 0:
        raise InputError(NOTHING_SHARED)
    squares, products, of_noise = moments.all_squares()
    signal = min(float(np.sqrt(moments.signal**2 + squares)), total)  # products are of different neurons alone
    noise = total - signal
    n = len(moments.variances)
    n_noise = noise**2 / of_noise if of_noise > 0 else n
    both = products / moments.signal / noise if noise > 0 else 1.0
    own = np.sqrt(noise / signal * moments.spread)
    return _likeness(own, moments.signal**2 / squares, n_noise, both, n)


def _likeness(noise: float, n_signal: float, n_noise: float, both: float, n_neurons: int) -> Likeness:
    """With whole numbers of neurons; `both` is the sum of their products, of signal and noise that each add up to 1."""
    signal, of_noise = (int(np.clip(round(n), 2, n_neurons)) for n in (n_signal, n_noise))
    shared = int(np.clip(round(both * signal * of_noise), 0, min(signal, of_noise)))
    return Likeness(float(noise), UnequalNeurons(signal, of_noise, shared))


@dataclass(frozen=True)
class NeuronProducts:
    """Squared products of each neuron's responses with others', beyond those of neurons without signal.

    Attributes
    ----------
    products : ndarray, shape (n_stimuli, n_stimuli)
        Of stimuli, summed over neurons, after each neuron's mean is subtracted.
    variances : ndarray, shape (n_neurons,)
        Over stimuli.
    halves : ndarray, shape (2, n_neurons)
        Sums over two random halves of the other neurons, whose own fluctuations are independent.
    """

    products: Floats
    variances: Floats
    halves: Floats

    @classmethod
    def of(cls, averages: Any) -> "NeuronProducts":
        """Of responses, shape (n_stimuli, n_neurons)."""
        values = np.asarray(averages, dtype=np.float64)
        centred = values - values.mean(axis=0)
        n, freedom = centred.shape[1], len(centred) - 1
        variances = np.square(centred).sum(axis=0) / freedom
        first = np.random.default_rng(0).permutation(n) < n // 2
        halves, whole = [], np.zeros((len(values), len(values)))
        for half in (first, ~first):
            products = centred[:, half] @ centred[:, half].T
            whole += products
            with_half = np.einsum("in,in->n", centred, products @ centred) / freedom
            own = np.where(half, variances, 0.0)
            halves.append(with_half - freedom * own**2 - variances * (variances[half].sum() - own))
        return cls(whole, variances, np.stack(halves))


@dataclass(frozen=True)
class _Moments:
    """Sums over neurons, if the signal's covariance is that of an RDM, of mean 1 over stimuli.

    `signal` is that of all neurons, 0 if they have nothing in common. `gains` are unbiased estimates of each neuron's,
    and `halves` is the sum over neurons of the product of two that are independent but for the neuron's own responses.
    `spread` is the covariance's mean before scaling.
    """

    covariance: Floats
    spread: float
    variances: Floats
    signal: float
    gains: Floats
    halves: float

    @classmethod
    def of(cls, averages: NeuronProducts, rdm: Any, metric: str) -> "_Moments":
        covariance, spread = _centred(covariance_of(rdm, metric))
        beyond = float(np.square(covariance).sum()) / (len(covariance) - 1) - 1
        shared = float(averages.halves.sum())
        # Of normal responses without signal, d cos^2 of two neurons has a variance of 2 (d - 1) / (d + 2).
        d = len(covariance) - 1
        by_chance = 2 * float(np.square(averages.variances).sum()) * np.sqrt((d - 1) / (d + 2))
        signal = float(np.sqrt(shared / beyond)) if beyond > 1e-6 and shared > BEYOND_CHANCE * by_chance else 0.0
        scale = signal * beyond
        if not scale > 0:
            return cls(covariance, spread, averages.variances, 0.0, np.zeros_like(averages.variances), 0.0)
        halves = float(averages.halves.prod(axis=0).sum()) / (scale / 2) ** 2  # each half has half of the signal
        return cls(covariance, spread, averages.variances, signal, averages.halves.sum(axis=0) / scale, halves)

    def _traces(self) -> tuple[float, float, float, float, float]:
        """Chance variation of `halves`, by squared signal, signal times noise and squared noise; and of `gains`."""
        own = self.covariance
        freedom = len(own) - 1
        apart = own - np.eye(len(own)) + 1 / len(own)
        beyond = float(np.square(own).sum()) / freedom - 1
        product = apart @ own
        factor = 2 / freedom**2 / beyond**2
        signal = factor * float((product * product.T).sum())
        mixed = factor * 2 * float((product * apart.T).sum())
        noise = factor * freedom * beyond
        return signal, mixed, noise, 2 / freedom**2 / beyond * float((product * own.T).sum()), 4 / freedom

    def squares_given(self, products: float, of_noise: float) -> float:
        """Sum of squared signal variances, given those of noise and of signal times noise."""
        signal, mixed, noise, *_ = self._traces()
        found = (self.halves - mixed * products - noise * of_noise) / (1 + signal)
        return float(np.clip(found, self.signal**2 / len(self.variances), self.signal**2))

    def all_squares(self) -> tuple[float, float, float]:
        """Sums of squared signal variances, of signal times noise, and of squared noise variances."""
        signal, mixed, noise, with_signal, with_noise = self._traces()
        freedom = len(self.covariance) - 1
        kappa = float(np.square(self.covariance).sum()) / freedom
        # Unknown: squares of signal, signal times noise, squares of noise.
        # Known: halves, gains times variances, squared variances; each with its chance variation.
        system = [
            [1 + signal, mixed, noise],
            [1 + with_signal, 1 + with_noise, 0.0],
            [1 + 2 * kappa / freedom, 2 + 4 / freedom, 1 + 2 / freedom],
        ]
        known = [
            self.halves,
            float((self.gains * self.variances).sum()),
            float(np.square(self.variances).sum()),
        ]
        squares, products, of_noise = np.linalg.solve(system, known).tolist()
        low, high = self.signal**2 / len(self.variances), self.signal**2
        return float(np.clip(squares, low, high)), max(products, 0.0), max(of_noise, 0.0)


def _centred(covariance: Floats) -> tuple[Floats, float]:
    """Of responses minus their mean over stimuli, scaled to a mean variance of 1, and that before scaling.

    Negative eigenvalues are set to 0, as in a simulation.
    """
    values, directions = np.linalg.eigh(covariance)
    positive = (directions * np.maximum(values, 0)) @ directions.T
    rows = positive.mean(axis=0)
    centred = positive - rows - rows[:, None] + rows.mean()
    spread = float(np.trace(centred)) / (len(centred) - 1)
    if not spread > 0:
        raise InputError("all dissimilarities of an RDM are 0; there is nothing to simulate")
    return centred / spread, spread
