r"""Populations that are simulated to be like a recorded one: how much noise they have, and how unequal neurons are.

Few neurons often carry most of a population's signal, and noise that neurons share averages out less. Both make
dissimilarities vary as those of fewer neurons would. What is needed are sums over neurons of the squared variance of
the signal, of the noise, and of their product. The products of different neurons' responses give them: with
:math:`x_n` the responses of neuron n to all stimuli, minus their mean, of covariance
:math:`g_n K + s_n H` (K the signal's, of mean 1, and H the centring matrix), the expected
:math:`(x_n \cdot x_m)^2` is :math:`g_n g_m (tr K^2 - tr K)` above what neurons without signal have. Where different
neurons have nothing in common beyond chance, as where one carries the signal, trials tell each neuron's own variance.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.rsa.single_trials import TrialNoise
from normenc.rsa.unequal_neurons import UnequalNeurons
from normenc.rsa.unequal_stimuli import StimulusVariances, UnequalStimuli, patterns
from normenc.rsa.wishart import covariance_of, driven

__all__ = ["COULD_HAVE_TOLD_NOTHING", "Likeness", "NeuronProducts", "like_averages", "like_trials"]

Floats = npt.NDArray[np.float64]
ROUNDS = 3  # in which strengths and noise that follow from averages agree with each other
SURE_NEURON = 3  # standard errors from which on a neuron's signal is taken out of that of all
LEAST = 0.05  # of the signal, that is left for other neurons
BEYOND_CHANCE = 2  # standard errors of a signal where there is none
COULD_HAVE_TOLD_NOTHING = "could have told nothing"  # of a recording without signal
NOTHING_SHARED = "responses of its neurons have nothing in common beyond chance"
SURE = 0.05  # error of a signal, in parts of it, at which what is certain and what is expected weigh the same


@dataclass(frozen=True)
class Likeness:
    """A simulated population that is like a recorded one.

    Attributes
    ----------
    noise : float
        Of averages over trials, as :func:`normenc.rsa.identification` takes it.
    n_neurons : UnequalNeurons
    stimuli : UnequalStimuli or None
        None where all are taken to drive neurons equally.
    are_unseen : bool
        Whether neurons are taken to carry equal signals since how unequal they are cannot be seen.
    """

    noise: float
    n_neurons: UnequalNeurons
    stimuli: UnequalStimuli | None = None
    are_unseen: bool = False


def like_trials(
    rdm: Any,
    averages: "NeuronProducts",
    noise: TrialNoise,
    metric: str = "correlation",
    stimuli: StimulusVariances | None = None,
) -> Likeness:
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
    stimuli : StimulusVariances, optional
        Of the same trials; without it, all stimuli are taken to drive neurons equally.

    Raises
    ------
    InputError
        If the averages show no signal.
    """
    unequal = stimuli.unequal() if stimuli else None
    moments = _Moments.of(averages, rdm, metric, unequal)
    left = noise.variances / noise.n_repeats
    of_noise = float(left.sum())
    signal = _signal(averages.products, moments.covariance, of_noise, noise.n_independent, unequal)
    own, n = np.sqrt(of_noise / signal * moments.spread), len(left)
    squared = float(np.square(left).sum()) * noise.freedom / (noise.freedom + 2)
    if not moments.shared > 0:
        gains = moments.variances - left
        squares = moments.squares_of(gains, left, noise)
        if squares is None:
            return replace(_likeness(own, (n, noise.n_independent, 1.0), n, unequal), are_unseen=True)
        n_noise = min(noise.n_independent, of_noise**2 / squared) if of_noise > 0 else n
        both = max(0.0, float((gains * left).sum())) / signal / of_noise if of_noise > 0 else 1.0
        return _likeness(own, (signal**2 / squares, n_noise, both), n, unequal)
    products = float((moments.gains * left).sum())
    squares = moments.squares_given(products, squared)
    n_noise = min(noise.n_independent, of_noise**2 / squared) if of_noise > 0 else n
    both = products / np.sqrt(moments.shared + squares) / of_noise if of_noise > 0 else 1.0
    return _likeness(own, (1 + moments.shared / squares, n_noise, both), n, unequal)


def _signal(
    products: Floats, covariance: Floats, noise: float, n_independent: float, stimuli: UnequalStimuli | None
) -> float:
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
    of_noise = everywhere if stimuli is None else everywhere @ np.diag(np.square(stimuli.noise)) @ everywhere
    found = float((weights * (products - noise * of_noise)).sum())
    by_chance = noise * float(np.sqrt(2 / n_independent)) * float(np.linalg.norm(weights))
    if not found > BEYOND_CHANCE * by_chance:
        raise InputError("averages over trials vary no more between stimuli than their noise does")
    return found / float((weights * covariance).sum())


def like_averages(
    rdm: Any, averages: "NeuronProducts", metric: str = "correlation", stimuli: StimulusVariances | None = None
) -> Likeness:
    """Simulated from an RDM, with neurons that have as much in common as those of a recording without trials.

    The squared covariances of stimuli beyond those of noise are, summed up, as large as in the recording: so are those
    of halves of the neurons. Noise that neurons share counts as signal, and noise is taken to be as large for every
    stimulus.

    Parameters
    ----------
    rdm, averages, metric, stimuli
        See :func:`like_trials`.

    Raises
    ------
    InputError
        If neurons have nothing in common.
    """
    if stimuli is None:
        return _like_averages(rdm, averages, metric, None)
    found = _like_averages(rdm, averages, metric, stimuli.unequal())
    for _ in range(ROUNDS):
        found = _like_averages(rdm, averages, metric, stimuli.unequal(found.noise))
    return found


def _like_averages(rdm: Any, averages: "NeuronProducts", metric: str, stimuli: UnequalStimuli | None) -> Likeness:
    """With stimuli that drive neurons as given."""
    moments = _Moments.of(averages, rdm, metric, stimuli)
    total = float(moments.variances.sum())
    if not moments.shared > 0:
        raise InputError(NOTHING_SHARED)
    squares, products, of_noise = moments.all_squares()
    signal = min(float(np.sqrt(moments.shared + squares)), total)  # products are of different neurons alone
    noise = total - signal
    n = len(moments.variances)
    n_noise = noise**2 / of_noise if of_noise > 0 else n
    both = products / np.sqrt(moments.shared + squares) / noise if noise > 0 else 1.0
    own = np.sqrt(noise / signal * moments.spread)
    return _likeness(own, (1 + moments.shared / squares, n_noise, both), n, stimuli)


def _likeness(
    noise: float, numbers: tuple[float, float, float], n_neurons: int, stimuli: UnequalStimuli | None
) -> Likeness:
    """With whole numbers of neurons with signal, with noise, and with both.

    The last is given by the sum of products of signal and noise that each add up to 1.
    """
    signal, of_noise = (int(np.clip(round(n), 2, n_neurons)) for n in numbers[:2])
    shared = int(np.clip(round(numbers[2] * signal * of_noise), 0, min(signal, of_noise)))
    return Likeness(float(noise), UnequalNeurons(signal, of_noise, shared), stimuli)


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
    members : ndarray of bool, shape (2, n_neurons)
        Which neurons are in which half.
    """

    products: Floats
    variances: Floats
    halves: Floats
    members: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, averages: Any, metric: str = "cosine") -> "NeuronProducts":
        """Of responses, shape (n_stimuli, n_neurons), as RDMs of a metric compare them.

        A correlation does not see what all neurons do together. Less the mean over neurons, they vary against each
        other by chance: two of n equal ones correlate by -1 / (n - 1).
        """
        values = patterns(np.asarray(averages, dtype=np.float64), metric)
        centred = values - values.mean(axis=0)
        n, freedom = centred.shape[1], len(centred) - 1
        variances = np.square(centred).sum(axis=0) / freedom
        against = 1 / (n - 1) ** 2 if metric == "correlation" else 0.0
        first = np.random.default_rng(0).permutation(n) < n // 2
        halves, whole = [], np.zeros((len(values), len(values)))
        members = np.stack([first, ~first])
        for half in members:
            products = centred[:, half] @ centred[:, half].T
            whole += products
            with_half = np.einsum("in,in->n", centred, products @ centred) / freedom
            own = np.where(half, variances, 0.0)
            by_chance = 1 + against * freedom
            halves.append(with_half - freedom * own**2 - by_chance * variances * (variances[half].sum() - own))
        return cls(whole, variances, np.stack(halves), members)


@dataclass(frozen=True)
class _Moments:
    """Sums over neurons, if the signal's covariance is that of an RDM, of mean 1 over stimuli.

    `shared` is the squared signal of all neurons without the sum of their squares, 0 if they have nothing in common.
    `gains` are estimates of each neuron's signal, and `halves` is the sum over neurons of the product of two that are
    independent but for the neuron's own responses. `spread` is the covariance's mean before scaling.
    """

    covariance: Floats
    spread: float
    variances: Floats
    shared: float
    gains: Floats
    halves: float

    @classmethod
    def of(cls, averages: NeuronProducts, rdm: Any, metric: str, stimuli: UnequalStimuli | None) -> "_Moments":
        covariance, spread = _centred(driven(covariance_of(rdm, metric), metric, stimuli))
        beyond = float(np.square(covariance).sum()) / (len(covariance) - 1) - 1
        products, variances = averages.halves.sum(axis=0), averages.variances
        # Of normal responses without signal, d cos^2 of two neurons has a variance of 2 (d - 1) / (d + 2).
        d = len(covariance) - 1
        by_chance = variances * np.sqrt(2 * np.square(variances).sum() * (d - 1) / (d + 2))
        least = BEYOND_CHANCE * np.sqrt(2) * float(np.linalg.norm(by_chance))  # pairs of neurons are in the sum twice
        if not (beyond > 1e-6 and products.sum() > least):
            return cls(covariance, spread, variances, 0.0, np.zeros_like(variances), 0.0)
        shared, halves = float(products.sum()) / beyond, 0.0
        for _ in range(ROUNDS):
            # A neuron has products with the signal of all others. Where it carries much of it, that is less.
            signal = float(np.sqrt(shared + np.clip(halves, 0.0, shared)))
            gains = products / beyond / signal
            own = (signal - np.sqrt(np.maximum(signal**2 - 4 * products / beyond, 0.0))) / 2
            gains = np.where(products > SURE_NEURON * by_chance, own, gains)
            of_halves = np.array([gains[half].sum() for half in averages.members])
            others = np.maximum(
                of_halves[:, None] / of_halves.sum() * signal - averages.members * gains, LEAST * signal
            )
            halves = float((averages.halves / beyond / others).prod(axis=0).sum())
        return cls(covariance, spread, variances, shared, gains, halves)

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
        return float(np.clip(found, self.shared / len(self.variances), self.shared))

    def squares_of(self, gains: Floats, left: Floats, noise: TrialNoise) -> float | None:
        """Sum of squared signal variances, given each neuron's own beyond its noise; None if chance could make it."""
        freedom = len(self.covariance) - 1
        kappa = float(np.square(self.covariance).sum()) / freedom
        of_chance = (2 / freedom + 2 / noise.freedom) * np.square(left)
        found = float((np.square(gains) - of_chance - 4 / freedom * gains * left).sum())
        error = float(np.linalg.norm(of_chance)) * np.sqrt(2 * len(left) / noise.n_independent)
        return found / (1 + 2 * kappa / freedom) if found > SURE_NEURON * error else None

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
        low, high = self.shared / len(self.variances), self.shared
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
