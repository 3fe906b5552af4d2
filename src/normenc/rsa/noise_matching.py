r"""How noisy recordings must be simulated to be like a real one: by its trials, or by halves of its neurons.

Simulated neurons are equally reliable and independent. Real ones are not: with gains that differ, a few neurons carry
most of the signal, and noise that neurons share averages out less. Both make dissimilarities vary as those of fewer
neurons would, which is the number that is simulated.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.rsa.ceiling import noise_ceiling, spearman_brown
from normenc.rsa.wishart import SimulatedRdms, covariance_of

__all__ = ["MAX_NOISE", "TrialNoise", "equal_neurons", "expected_reliability", "matching_noise", "trial_noise"]

Floats = npt.NDArray[np.float64]
MAX_NOISE = 20.0
STEPS = 12  # halvings of the range in which the noise is looked for
FEW_NEURONS = 100  # below which halves are drawn: the formula for their similarity is of the first order
N_DRAWN = 16
MOST_TRIALS = 600  # whose noise is correlated with each other's


@dataclass(frozen=True)
class TrialNoise:
    """What single trials say of a recording.

    Attributes
    ----------
    signal : float
        Variance over stimuli of the noiseless responses, mean over neurons: noise in the averages is subtracted.
    noise : float
        Variance of a trial's noise, mean over neurons.
    n_repeats : float
        Trials of each stimulus; if stimuli differ, the number that averages out as much noise.
    n_neurons : float
        How many equal and independent neurons have averages whose products vary as much.
    """

    signal: float
    noise: float
    n_repeats: float
    n_neurons: float

    def of_average(self, rdm: Any, metric: str = "correlation") -> float:
        """Noise of average responses for recordings simulated from an RDM, as :func:`simulate_responses` takes it.

        It stands to the variance of the simulated signal over stimuli as in the recording.

        Raises
        ------
        InputError
            If the trials show no signal.
        """
        if not self.signal > self.noise / self.n_repeats / MAX_NOISE**2:
            raise InputError(
                f"averages over trials show no signal: its variance over stimuli is {self.signal:.3g}, that of a "
                f"trial's noise {self.noise:.3g}"
            )
        return float(np.sqrt(self.noise / self.n_repeats / self.signal * _spread(covariance_of(rdm, metric))))


def trial_noise(trials: Any, stimulus: Any) -> TrialNoise:
    """Signal and noise of a recording from its single trials.

    Parameters
    ----------
    trials : array_like, shape (n_trials, n_neurons)
    stimulus : array_like of int, shape (n_trials,)
        Number of each trial's stimulus, from 0 on; every stimulus at least twice.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> signal = np.repeat(rng.normal(size=(20, 500)), 4, axis=0)
    >>> found = trial_noise(signal + 2 * rng.normal(size=signal.shape), np.repeat(np.arange(20), 4))
    >>> round(found.signal, 1), round(found.noise, 1), found.n_repeats, round(found.n_neurons, -2)
    (1.0, 4.0, 4.0, 500.0)
    """
    values, index = np.asarray(trials, dtype=np.float64), np.asarray(stimulus)
    counts = np.bincount(index)
    if counts.min() < 2:
        raise InputError("a stimulus has fewer than two trials; its noise is not known")
    means = np.zeros((len(counts), values.shape[1]))
    np.add.at(means, index, values)
    means /= counts[:, None]
    residuals = values - means[index]
    of_neuron = np.square(residuals).sum(axis=0) / (len(values) - len(counts))
    n_repeats = float(len(counts) / (1 / counts).sum())
    noise = float(of_neuron.mean())
    signal = float(means.var(axis=0, ddof=1).mean()) - noise / n_repeats
    share = noise / n_repeats / (max(signal, 0.0) + noise / n_repeats) if noise > 0 else 0.0
    n_neurons = 1 / (1 / equal_neurons(means) + share**2 * _shared(residuals, index, counts, of_neuron))
    return TrialNoise(signal, noise, n_repeats, float(np.clip(n_neurons, 1, values.shape[1])))


def equal_neurons(responses: Any) -> float:
    r"""How many neurons of equal variance have products that vary as much as those of these neurons.

    With :math:`v_n` the expected variance of a neuron over stimuli, :math:`(\sum v)^2 / \sum v^2`. Variances of normal
    responses differ by chance as well, the more the fewer dimensions responses have, which is allowed for.

    Parameters
    ----------
    responses : array_like, shape (n_stimuli, n_neurons)

    Returns
    -------
    float
        1 to n_neurons.

    Examples
    --------
    >>> few = np.random.default_rng(0).normal(size=(100, 400)) * np.repeat([3.0, 0.01], [40, 360])
    >>> round(equal_neurons(few))
    40
    """
    values = np.asarray(responses, dtype=np.float64)
    centred = values - values.mean(axis=0)
    of_neuron = np.square(centred).sum(axis=0)
    total, n = of_neuron.sum(), float(values.shape[1])
    if not total > 0:
        raise InputError("responses do not differ between stimuli")
    products = centred @ centred.T
    observed = float(np.square(products).sum() / total**2)
    found = n
    for _ in range(20):
        # Of a Wishart matrix of n degrees of freedom: E tr(W^2) = n (n + 1) tr(K^2) + n tr(K)^2.
        dimensions = np.clip((found * observed - 1) / (found + 1 - 2 * observed), 1 / len(values), 1)
        found = float(np.clip(total**2 * (1 + 2 * dimensions) / np.square(of_neuron).sum(), 1, n))
    return found


def _shared(residuals: Floats, index: npt.NDArray[Any], counts: npt.NDArray[Any], of_neuron: Floats) -> float:
    """What neurons' common noise adds to one over the number of neurons: tr(C^2) beyond its diagonal, over tr(C)^2."""
    some = np.random.default_rng(0).permutation(len(residuals))[:MOST_TRIALS]
    shrunk = residuals[some] / np.sqrt(1 - 1 / counts[index[some]])[:, None]
    products = np.square(shrunk @ shrunk.T)
    apart = index[some][:, None] != index[some][None]
    if not apart.any():
        return 0.0
    return float((products[apart].mean() - np.square(of_neuron).sum()) / of_neuron.sum() ** 2)


def matching_noise(
    rdm: Any, responses: Any, seed: int = 0, *, metric: str = "correlation", n_neurons: float | None = None
) -> float:
    """Noise with which recordings simulated from `rdm` are as reliable as a real one.

    Halves of the simulated neurons give RDMs as similar as halves of the real ones do. Noise that neurons share makes
    halves agree and is not seen.

    Parameters
    ----------
    rdm : array_like, shape (n_stimuli, n_stimuli)
    responses : array_like, shape (n_stimuli, n_neurons)
    seed : int
        Of the halves.
    metric : str
        "correlation", "cosine" or "euclidean".
    n_neurons : float, optional
        How many are simulated; as many as the real ones by default.

    Returns
    -------
    float
        Standard deviation of the responses' noise, in those of the signal; 0 to 20. Of averages over r trials it is
        that of a trial by the root of r.
    """
    wanted = noise_ceiling(responses=responses, rdm_metric=metric, n_splits=20, seed=seed).lower
    size = np.shape(responses)[1] if n_neurons is None else n_neurons
    return noise_of_reliability(rdm, wanted, size, metric)


def noise_of_reliability(rdm: Any, wanted: float, n_neurons: float, metric: str = "correlation") -> float:
    """Noise with which halves of so many neurons have this reliability, 0 to 20."""
    reliability = _drawn_reliability if n_neurons < FEW_NEURONS else expected_reliability
    low, high = 0.0, MAX_NOISE
    for _ in range(STEPS):
        middle = (low + high) / 2
        higher = reliability(rdm, n_neurons, middle, metric) > wanted
        low, high = (middle, high) if higher else (low, middle)
    return (low + high) / 2


def expected_reliability(rdm: Any, n_neurons: float, noise: float, metric: str = "correlation") -> float:
    r"""Reliability of a simulated recording's RDM, as :func:`noise_ceiling` estimates it from halves of the neurons.

    The expected correlation of two halves is the variance of the expected dissimilarities, over this and the mean
    variance of a dissimilarity: :math:`(1 - \rho^2)^2 / n` of a correlation (Fisher, Biometrika 1915). What all
    dissimilarities share is subtracted from it.

    Examples
    --------
    >>> ring = 1 - np.cos(np.radians(np.subtract.outer(np.arange(0, 360, 45), np.arange(0, 360, 45))))
    >>> round(expected_reliability(ring, 100, 0.5), 2), round(expected_reliability(ring, 100, 5), 2)
    (0.98, 0.06)
    """
    covariance = covariance_of(rdm, metric)
    n = len(covariance)
    freedom = max(n_neurons / 2 - (metric == "correlation"), 1.0)
    total = covariance + noise**2 * np.eye(n)
    above = np.triu_indices(n, k=1)
    n_pairs = len(above[0])
    if metric == "euclidean":
        diagonal = np.diagonal(total)
        means = (diagonal[:, None] + diagonal - 2 * total)[above]
        variances = 2 * means**2 / freedom
        weights = (n * np.eye(n) - 1) / n_pairs
    else:
        roots = np.sqrt(np.diagonal(total))
        total = total / roots / roots[:, None]
        rho = total[above]
        means = rho * (1 - (1 - rho**2) / (2 * freedom))
        variances = (1 - rho**2) ** 2 / freedom * (1 + 5.5 * rho**2 / freedom)
        weights = (1 - np.eye(n)) / (2 * n_pairs)
        weights[np.diag_indices(n)] = -(total.sum(axis=1) - 1) / (2 * n_pairs)
    product = weights @ total
    of_mean = 2 * float((product * product.T).sum()) / freedom
    signal = float(means.var())
    return float(spearman_brown(signal / (signal + max(float(variances.mean()) - of_mean, 0.0)))) if signal > 0 else 0.0


def _drawn_reliability(rdm: Any, n_neurons: float, noise: float, metric: str) -> float:
    """The same from pairs of drawn halves, always with the same random numbers."""
    rng = np.random.default_rng(0)
    halves = SimulatedRdms(rdm, max(2, round(n_neurons / 2)), noise, metric).draw(2 * N_DRAWN, rng)
    halves -= halves.mean(axis=1, keepdims=True)
    halves /= np.linalg.norm(halves, axis=1, keepdims=True)
    return float(spearman_brown(np.einsum("ij,ij->", halves[::2], halves[1::2]) / N_DRAWN))


def _spread(covariance: Floats) -> float:
    """Variance over stimuli of a simulated neuron's signal; negative eigenvalues are set to 0, as in a simulation."""
    values, directions = np.linalg.eigh(covariance)
    values = np.maximum(values, 0)
    means = directions.mean(axis=0)
    n = len(values)
    return float((values * (1 - n * means**2)).sum() / (n - 1))
