r"""How well a recording could tell candidates apart: their expected difference, over its standard deviation.

Responses are Gaussian over neurons, as :func:`normenc.rsa.simulate_responses` draws them. If candidate i is the truth,
the covariance of the stimuli's patterns is :math:`\Sigma = S_i + T`, with :math:`S_i` that of the signal and :math:`T`
diagonal, that of the noise. The matrix :math:`P` of expected correlations has the entries
:math:`\Sigma_{st} / \sqrt{\Sigma_{ss} \Sigma_{tt}}`, so that the expected RDM is :math:`1 - P`. By Pearson's r, the
recording's RDM d is more similar to i than to j if and only if :math:`w \cdot d > 0`, with w the difference of the two
standardised RDMs. This is linear in d, and its variance follows from the moments of the Wishart distribution: with A
the symmetric matrix of :math:`w_{st} / 2`, and :math:`-\frac12 \sum_t w_{st} P_{st}` on its diagonal (the part that
comes from dividing covariances by standard deviations), it is :math:`2\, tr(A P A P)` over the degrees of freedom of
the neurons. It holds to the first order in one over the number of neurons.

Unequal neurons have shares :math:`g_n` of the signal and :math:`h_n` of the noise, which each add up to 1. With
:math:`P = K + H`, the parts of signal and noise (H is diagonal), the covariance of neuron n is :math:`g_n K + h_n H`,
and the variance is :math:`2 \sum_n tr(A (g_n K + h_n H) A (g_n K + h_n H))`. With the sums :math:`a = \sum_n g_n^2`,
:math:`b = \sum_n g_n h_n` and :math:`c = \sum_n h_n^2` this is
:math:`2 a\, tr(A Q A Q) + 2 (c - b^2 / a)\, tr(A H A H)` with :math:`Q = K + \frac b a H`, which is P but for its
diagonal. Neurons that are all equal have a = b = c: one over their degrees of freedom.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from normenc.arrays import as_count
from normenc.errors import InputError
from normenc.rsa.labelled import labels_of_rdm
from normenc.rsa.labels import check_same
from normenc.rsa.pairs import as_rdm, upper
from normenc.rsa.ties import is_flat
from normenc.rsa.unequal_neurons import NeuronShares, Size, as_size

__all__ = [
    "Experiment",
    "as_candidates",
    "as_noise",
    "check_possible",
    "discriminability",
    "leads",
]

Floats = npt.NDArray[np.float64]
ROUNDING = 1e-6  # of the largest eigenvalue, in RDMs of single precision
MOST_NOISE = 1e9  # in standard deviations of the signal
TINY = 1e-30  # variance of a candidate's difference from itself


class Experiment:
    """What is recorded: the noise of an average in each stimulus, for every candidate, and what neurons there are.

    Attributes
    ----------
    reliability : ndarray, shape (n_candidates, n_stimuli)
        The standard deviation of the signal over that of the responses, averaged over trials.
    shares : list of NeuronShares
        Of all animals' neurons, for every candidate.
    """

    def __init__(
        self,
        names: list[str],
        n_stimuli: int,
        *,
        n_neurons: Size | Mapping[str, Size],
        noise: float | Mapping[str, float],
        n_repeats: int = 1,
        n_animals: int = 1,
        strength: Mapping[str, Any] | None = None,
    ) -> None:
        n_repeats, n_animals = as_count(n_repeats, "n_repeats"), as_count(n_animals, "n_animals")
        sizes = [_entry(n_neurons, name, "n_neurons") for name in names]
        self.shares = [NeuronShares.of(as_size(own), n_animals) for own in sizes]
        self.reliability = np.empty((len(names), n_stimuli))
        for row, name in zip(self.reliability, names, strict=True):
            of_trial = as_noise(_entry(noise, name, "noise"))
            variance = 1.0 if strength is None else _strength(_entry(strength, name, "strength"), n_stimuli, name) ** 2
            row[:] = np.sqrt(variance / (variance + of_trial**2 / n_repeats))


def check_possible(rdms: Floats, what: str, metric: str = "correlation") -> None:
    """Raise InputError if dissimilarities are none that responses could have, up to rounding.

    Correlations, and cosines, are -1 to 1, so that these dissimilarities are 0 to 2; no other is negative.
    """
    highest = 2.0 if metric in ("correlation", "cosine") else np.inf
    low, high = float(np.min(rdms)), float(np.max(rdms)) + 0.0
    if low < -ROUNDING * max(1.0, high) or high > highest + ROUNDING:
        reach = "0 to 2" if np.isfinite(highest) else "at least 0"
        raise InputError(
            f"{what} has dissimilarities from {low:.3g} to {high:.3g}; by {metric} they are {reach}, and responses are "
            "simulated from them. Give its RDM by this metric"
        )


def as_noise(given: Any, what: str = "noise") -> float:
    """A standard deviation of noise, in standard deviations of the signal, checked.

    Raises
    ------
    InputError
        If it is not a number from 0 to 1e9, beyond which rounding leaves nothing of a signal.
    """
    number = not isinstance(given, bool) and isinstance(given, int | float | np.number)
    if not (number and 0 <= given <= MOST_NOISE):
        raise InputError(
            f"{what} is {given!r}; it must be a finite standard deviation of at least 0, in standard deviations of the "
            f"signal, and at most {MOST_NOISE:g}"
        )
    return float(given)


def _entry(given: Any, name: str, what: str) -> Any:
    """Of one candidate, if there is one of each."""
    if not isinstance(given, Mapping):
        return given
    if name not in given:
        raise InputError(f"{what} has no entry for the candidate {name!r}; give one for each")
    return given[name]


def _strength(given: Any, n_stimuli: int, name: str) -> Floats:
    values = np.asarray(given, dtype=np.float64)
    if values.shape != (n_stimuli,) or not (np.isfinite(values).all() and (values > 0).all()):
        raise InputError(
            f"strength of {name!r} has shape {values.shape}; it must be one positive number for each of the "
            f"{n_stimuli} stimuli"
        )
    return values


def as_candidates(candidates: Mapping[str, Any]) -> tuple[list[str], Floats]:
    """Names and RDMs, shape (n_candidates, n_stimuli, n_stimuli), of at least two candidates.

    Each is that of the correlations which :func:`normenc.rsa.simulate_responses` simulates: negative eigenvalues of
    1 - RDM, as a published RDM may have, are set to 0.

    Raises
    ------
    InputError
        If there are fewer, their stimuli differ or are fewer than three, or a candidate's dissimilarities are all
        equal, so that it has no similarity.
    """
    names = list(candidates)
    if len(names) < 2:
        raise InputError(f"there are {len(names)} candidates; give at least 2, by name")
    matrices = [as_rdm(candidates[name], f"the RDM of {name!r}") for name in names]
    for name, matrix in zip(names, matrices, strict=True):
        if len(matrix) != len(matrices[0]):
            raise InputError(
                f"{names[0]!r} has {len(matrices[0])} stimuli, but {name!r} has {len(matrix)}; candidates' RDMs must "
                "be of the same stimuli"
            )
    check_same([(f"the RDM of {name!r}", labels_of_rdm(candidates[name])) for name in names])
    if len(matrices[0]) < 3:
        raise InputError(f"there are {len(matrices[0])} stimuli; RDMs are correlated over pairs of at least 3")
    for name, matrix in zip(names, matrices, strict=True):
        check_possible(matrix, f"the RDM of {name!r}")
        if is_flat(upper(matrix)):
            raise InputError(f"all dissimilarities of {name!r} are equal, so its similarity is undefined; leave it out")
    return names, np.stack([_of_correlations(matrix) for matrix in matrices])


def _of_correlations(rdm: Floats) -> Floats:
    values, directions = np.linalg.eigh(1 - rdm)
    if values[0] >= -ROUNDING * values[-1]:
        return rdm
    covariance = (directions * np.maximum(values, 0)) @ directions.T
    deviation = np.sqrt(np.diag(covariance))
    possible = 1 - covariance / np.outer(deviation, deviation)
    np.fill_diagonal(possible, 0)
    return np.asarray((possible + possible.T) / 2)


def discriminability(
    candidates: Mapping[str, Any],
    *,
    n_neurons: Size | Mapping[str, Size],
    noise: float | Mapping[str, float],
    n_repeats: int = 1,
    n_animals: int = 1,
    strength: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    r"""How surely each candidate, were it the truth, would have a higher similarity (Pearson's r) than each other.

    The expected difference of the two similarities over its standard deviation, d', under noise that is Gaussian and
    independent between stimuli and neurons (the formula stands in the module's docstring). The truth has the higher
    similarity with the probability :math:`\Phi(d')`.

    Parameters
    ----------
    candidates : mapping of str to array_like, shape (n_stimuli, n_stimuli)
        Correlation RDMs by name, of the same stimuli, at least three.
    n_neurons : int or UnequalNeurons, or mapping of str to these
        Of each animal, at least 4; for all, or for each candidate.
    noise : float, or mapping of str to float
        Standard deviation of single-trial noise, in standard deviations of the signal over neurons; for all, or for
        each candidate.
    n_repeats, n_animals : int
        Trials of each stimulus, and animals, whose responses are as many neurons more.
    strength : mapping of str to array_like, shape (n_stimuli,), optional
        Standard deviation over neurons of the signal that each stimulus evokes according to a candidate; 1 by default.

    Returns
    -------
    DataFrame, shape (n_candidates, n_candidates)
        d': a row for each truth, a column for each rival; NaN on the diagonal, 0 for candidates with the same RDM.

    Raises
    ------
    InputError
        If there are fewer than two candidates or three stimuli, a candidate's dissimilarities are all equal, or a
        number is out of range.

    References
    ----------
    Diedrichsen et al., "Comparing representational geometries using whitened unbiased-distance-matrix similarity",
    2021 (the covariance of dissimilarities); Schütt et al., "Statistical inference on representational geometries",
    eLife 2023; Olkin & Siotani, "Asymptotic distribution of functions of a correlation matrix", 1976.

    Examples
    --------
    >>> near, far = np.array([[0, 0.2, 1], [0.2, 0, 1], [1, 1, 0]]), np.array([[0, 1, 0.2], [1, 0, 1], [0.2, 1, 0]])
    >>> few, many = (discriminability({"near": near, "far": far}, n_neurons=n, noise=1.0) for n in (50, 200))
    >>> float(few.loc["near", "far"].round(2)), float(many.loc["near", "far"].round(2))
    (2.14, 4.32)
    """
    names, matrices = as_candidates(candidates)
    experiment = Experiment(
        names,
        matrices.shape[1],
        n_neurons=n_neurons,
        noise=noise,
        n_repeats=n_repeats,
        n_animals=n_animals,
        strength=strength,
    )
    lead, spread = leads(matrices, experiment.reliability, experiment.shares)
    found = lead / spread
    np.fill_diagonal(found, np.nan)
    return pd.DataFrame(found, index=pd.Index(names, name="truth"), columns=pd.Index(names, name="rival"))


def leads(rdms: Any, reliability: Any, shares: Sequence[NeuronShares]) -> tuple[Any, Any]:
    """The lead of every truth (row) over every rival (column), of NumPy arrays or torch tensors, which keep gradients.

    Parameters
    ----------
    rdms : ndarray or Tensor, shape (n_candidates, n_stimuli, n_stimuli)
        0 on the diagonal.
    reliability : ndarray or Tensor, shape (n_candidates, n_stimuli)
    shares : sequence of NeuronShares, length n_candidates

    Returns
    -------
    lead, spread : ndarray or Tensor, shape (n_candidates, n_candidates)
        Expected difference of similarities times the standard deviation of the recording's dissimilarities, 0 on the
        diagonal; and its standard deviation.
    """
    n_stimuli = rdms.shape[-1]
    off = 1 - np.eye(n_stimuli)
    if not isinstance(rdms, np.ndarray):
        off = rdms.new_tensor(off)
    centred = (rdms - (rdms.sum(-1).sum(-1) / (n_stimuli * (n_stimuli - 1)))[:, None, None]) * off
    standard = centred / (((centred**2).sum(-1).sum(-1) / 2) ** 0.5)[:, None, None]
    rows = [
        _of_truth(rdms[truth], standard[truth] - standard, reliability[truth], off, shares[truth])
        for truth in range(len(rdms))
    ]
    lead, spread = zip(*rows, strict=True)
    if isinstance(rdms, np.ndarray):
        return np.stack(lead), np.stack(spread)
    import torch

    return torch.stack(lead), torch.stack(spread)


def _of_truth(rdm: Any, weights: Any, reliability: Any, off: Any, shares: NeuronShares) -> tuple[Any, Any]:
    """The lead of a truth over rivals by the weights of pairs, shape (n_rivals, n_stimuli, n_stimuli)."""
    correlations = (1 - rdm) * reliability[:, None] * reliability[None, :] * off
    products = weights / 2 * correlations
    balanced = weights / 2 - products.sum(-1)[..., None] * (1 - off)
    own, left = shares.diagonals(reliability)
    root = balanced @ (correlations + (1 - off) * own)
    squares = root * root.swapaxes(-1, -2) + balanced**2 * left[:, None] * left
    variance = 2 * shares.signal * squares.sum(-1).sum(-1)
    return -products.sum(-1).sum(-1), (variance + TINY) ** 0.5
