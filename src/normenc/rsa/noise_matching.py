"""Noise with which simulated recordings of equal neurons are as reliable as a real one, by halves of the neurons."""

from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.rsa.ceiling import noise_ceiling, spearman_brown
from normenc.rsa.unequal_stimuli import UnequalStimuli
from normenc.rsa.wishart import SimulatedRdms, covariance_of, driven

__all__ = ["MAX_NOISE", "expected_reliability", "matching_noise"]

Floats = npt.NDArray[np.float64]
MAX_NOISE = 20.0
STEPS = 12  # halvings of the range in which the noise is looked for
FEW_NEURONS = 100  # below which halves are drawn: the formula for their similarity is of the first order
N_DRAWN = 16


def matching_noise(
    rdm: Any,
    responses: Any,
    seed: int = 0,
    *,
    metric: str = "correlation",
    stimuli: UnequalStimuli | None = None,
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
    stimuli : UnequalStimuli, optional
        How strongly and how noisily each stimulus drives neurons; all equally by default.

    Returns
    -------
    float
        Standard deviation of the responses' noise, in those of the signal; 0 to 20. Of averages over r trials it is
        that of a trial by the root of r.
    """
    wanted = noise_ceiling(responses=responses, rdm_metric=metric, n_splits=20, seed=seed).lower
    n_neurons = np.shape(responses)[1]
    reliability = _drawn_reliability if n_neurons < FEW_NEURONS else expected_reliability
    low, high = 0.0, MAX_NOISE
    for _ in range(STEPS):
        middle = (low + high) / 2
        higher = reliability(rdm, n_neurons, middle, metric, stimuli) > wanted
        low, high = (middle, high) if higher else (low, middle)
    return (low + high) / 2


def expected_reliability(
    rdm: Any, n_neurons: float, noise: float, metric: str = "correlation", stimuli: UnequalStimuli | None = None
) -> float:
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
    covariance = driven(covariance_of(rdm, metric), metric, stimuli)
    n = len(covariance)
    freedom = max(n_neurons / 2 - (metric == "correlation"), 1.0)
    total = covariance + noise**2 * np.diag(np.ones(n) if stimuli is None else np.square(stimuli.noise))
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


def _drawn_reliability(rdm: Any, n_neurons: float, noise: float, metric: str, stimuli: UnequalStimuli | None) -> float:
    """The same from pairs of drawn halves, always with the same random numbers."""
    rng = np.random.default_rng(0)
    halves = SimulatedRdms(rdm, max(2, round(n_neurons / 2)), noise, metric, stimuli).draw(2 * N_DRAWN, rng)
    halves -= halves.mean(axis=1, keepdims=True)
    halves /= np.linalg.norm(halves, axis=1, keepdims=True)
    return float(spearman_brown(np.einsum("ij,ij->", halves[::2], halves[1::2]) / N_DRAWN))
