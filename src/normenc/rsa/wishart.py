r"""RDMs of simulated recordings, without the recordings: the neurons' products are drawn themselves.

Responses of neurons that are drawn independently, with normal signal and noise, have products
:math:`X X^T` over n neurons that follow a Wishart distribution, and after each stimulus's mean over neurons is
subtracted, as a correlation does, one of n - 1 degrees of freedom. Its Bartlett decomposition takes as many random
numbers as there are pairs of stimuli, however many neurons there are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.rsa.pairs import as_rdm
from normenc.rsa.unequal_neurons import UnequalNeurons, groups_of
from normenc.rsa.unequal_stimuli import UnequalStimuli

__all__ = ["SimulatedRdms", "covariance_of", "driven"]

Floats = npt.NDArray[np.float64]
CHUNK_BYTES = 2**25  # of matrices at a time


def covariance_of(rdm: Any, metric: str = "correlation") -> Floats:
    """Covariance of stimuli over neurons that have an RDM, shape (n_stimuli, n_stimuli): 1 for a stimulus on average.

    For ``"correlation"`` and ``"cosine"`` it is 1 - RDM. Squared Euclidean distances leave the stimuli's mean open,
    which is put at 0, and have a unit, which is put at the mean variance of a stimulus.

    Examples
    --------
    >>> covariance_of([[0, 1, 2], [1, 0, 1], [2, 1, 0]])
    array([[ 1.,  0., -1.],
           [ 0.,  1.,  0.],
           [-1.,  0.,  1.]])
    """
    matrix = as_rdm(rdm, "the RDM")
    if metric != "euclidean":
        return np.asarray(1 - matrix)
    rows = matrix.mean(axis=0)
    centred = (rows[:, None] + rows[None] - matrix - rows.mean()) / 2
    size = float(np.trace(centred)) / len(centred)
    if not size > 0:
        raise InputError("all dissimilarities of an RDM are 0; there is nothing to simulate")
    return np.asarray(centred / size)


def driven(covariance: Floats, metric: str, stimuli: UnequalStimuli | None) -> Floats:
    """Covariance of stimuli that drive neurons unequally; squared distances have the strengths in them already."""
    if stimuli is None or metric == "euclidean":
        return covariance
    return covariance * np.outer(stimuli.strength, stimuli.strength)


@dataclass(frozen=True)
class SimulatedRdms:
    """RDMs of recordings whose neurons represent stimuli with a given RDM, see :func:`simulate_responses`.

    Parameters
    ----------
    rdm : array_like, shape (n_stimuli, n_stimuli)
        Negative eigenvalues of its covariance are set to 0.
    n_neurons : int or UnequalNeurons
        At least 2.
    noise : float
        Standard deviation of the noise of a mean response, in those of the signal over neurons.
    metric : str
        Of the RDM, and of those that are drawn: "correlation", "cosine" or "euclidean".
    stimuli : UnequalStimuli, optional
        How strongly and how noisily each stimulus drives neurons; all equally by default.

    Examples
    --------
    >>> drawn = SimulatedRdms([[0, 1, 2], [1, 0, 1], [2, 1, 0]], 10_000, noise=0).draw(5, np.random.default_rng(0))
    >>> drawn.shape, drawn.mean(axis=0).round(1)
    ((5, 3), array([1., 2., 1.]))
    """

    rdm: Any
    n_neurons: int | UnequalNeurons
    noise: float
    metric: str = "correlation"
    stimuli: UnequalStimuli | None = None

    def draw(self, n_simulations: int, rng: np.random.Generator) -> Floats:
        """Dissimilarities above the diagonal, shape (n_simulations, n_pairs)."""
        values, directions = np.linalg.eigh(driven(covariance_of(self.rdm, self.metric), self.metric, self.stimuli))
        values = np.maximum(values, 0)
        of_noise = self.noise**2 * (1.0 if self.stimuli is None else np.square(self.stimuli.noise))
        groups = []
        for n, signal, noise in groups_of(self.n_neurons, centred=self.metric == "correlation"):
            if n > 0 and (factor := _factor(values * signal, directions, of_noise * noise)).size:
                groups.append((factor, n))
        return np.concatenate(list(self._vectors(groups, n_simulations, rng)))

    def _vectors(
        self, groups: list[tuple[Floats, int]], n_simulations: int, rng: np.random.Generator
    ) -> Iterator[Floats]:
        n_stimuli = len(groups[0][0])
        pairs = np.triu_indices(n_stimuli, k=1)
        step = max(1, CHUNK_BYTES // (8 * n_stimuli**2))
        for start in range(0, n_simulations, step):
            products: Any = 0.0
            for factor, freedom in groups:
                root = factor @ _roots(factor.shape[1], freedom, min(step, n_simulations - start), rng)
                products += root @ root.transpose(0, 2, 1)
            squares = np.diagonal(products, axis1=1, axis2=2)
            above = products[:, pairs[0], pairs[1]]
            if self.metric == "euclidean":
                yield squares[:, pairs[0]] + squares[:, pairs[1]] - 2 * above
            else:
                lengths = np.sqrt(squares)
                above /= lengths[:, pairs[0]]
                above /= lengths[:, pairs[1]]
                yield 1 - above


def _factor(values: Floats, directions: Floats, noise: Any) -> Floats:
    """F with F F' the covariance of a signal, given by its eigenvectors, plus that of the noise, of any width."""
    if np.ndim(noise) and values.any() and noise.any():
        covariance = (directions * values) @ directions.T
        covariance[np.diag_indices_from(covariance)] += noise
        try:
            return np.asarray(np.linalg.cholesky(covariance))
        except np.linalg.LinAlgError:  # where stimuli have no noise, or hardly any
            values, directions = np.linalg.eigh(covariance)
            return _factor(np.maximum(values, 0), directions, 0.0)
    if np.ndim(noise) and noise.any():
        return np.diag(np.sqrt(noise))
    own = values + np.max(noise)
    there = own > own.max() * len(own) * np.finfo(float).eps
    return np.asarray(directions[:, there] * np.sqrt(own[there]))


def _roots(rank: int, freedom: int, n: int, rng: np.random.Generator) -> Floats:
    """Roots of standard Wishart matrices, shape (n, rank, min(rank, freedom)): their Bartlett decomposition.

    With fewer degrees of freedom than dimensions, where the matrices are singular, they are the first columns: the
    triangular factor of a normal matrix in its LQ decomposition.
    """
    width = min(rank, freedom)
    roots = np.zeros((n, rank, width))
    below = np.tril_indices(rank, k=-1, m=width)
    roots[:, below[0], below[1]] = rng.standard_normal((n, len(below[0])))
    places = np.arange(width)
    roots[:, places, places] = np.sqrt(rng.chisquare(freedom - places, size=(n, width)))
    return roots
