"""A population's RDM in bootstrap samples, and in halves, of its neurons."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_responses
from normenc.errors import InputError
from normenc.rsa.pairs import upper

__all__ = ["NeuronGroups", "group_neurons"]

METRICS = ("correlation", "cosine", "euclidean")  # those that follow from sums over neurons
MIN_NEURONS = 4
MAX_GROUPS = 100
MAX_BYTES = 2**28  # of the groups' products


@dataclass(frozen=True)
class NeuronGroups:
    """Sums over groups of neurons, from which the RDM of any sample of groups follows.

    Attributes
    ----------
    products : ndarray, shape (n_groups, n_pairs)
        Of the responses to two stimuli, summed over the neurons of a group.
    squares, sums : ndarray, shape (n_groups, n_stimuli)
        Of the responses to one.
    sizes : ndarray, shape (n_groups,)
        Neurons.
    metric : str
    """

    products: npt.NDArray[np.float64]
    squares: npt.NDArray[np.float64]
    sums: npt.NDArray[np.float64]
    sizes: npt.NDArray[np.float64]
    metric: str

    def vectors(self, counts: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Dissimilarities of samples that hold group g counts[:, g] times, shape (n_samples, n_pairs)."""
        rows, columns = np.triu_indices(self.sums.shape[1], k=1)
        weights = counts / (counts @ self.sizes)[:, None]
        products, squares = weights @ self.products, weights @ self.squares
        if self.metric == "euclidean":
            return squares[:, rows] + squares[:, columns] - 2 * products
        if self.metric == "correlation":
            means = weights @ self.sums
            products -= means[:, rows] * means[:, columns]
            squares -= means**2
        scale = 1 / np.sqrt(np.maximum(squares, np.finfo(float).tiny))
        products *= scale[:, rows]
        products *= scale[:, columns]
        return np.subtract(1, products, out=products)


def group_neurons(responses: Any, metric: str = "correlation", *, seed: int = 0) -> NeuronGroups:
    """Deal the neurons into at most 100 groups at random, and add up each group's products.

    The variance of an estimate over samples of such groups is that over samples of neurons in expectation, at a
    hundredth of the work.

    Parameters
    ----------
    responses : array_like, shape (n_stimuli, n_neurons)
    metric : str
        ``"correlation"``, ``"cosine"`` or ``"euclidean"``; other dissimilarities are no sums over neurons.
    seed : int

    Raises
    ------
    InputError
        When there are fewer than 4 neurons, or the metric is another.
    """
    values = as_responses(responses)
    if metric not in METRICS:
        raise InputError(
            f"neurons cannot be resampled for the metric {metric!r}; it must be one of {', '.join(METRICS)}"
        )
    n_stimuli, n_neurons = values.shape
    if n_neurons < MIN_NEURONS:
        raise InputError(f"there are {n_neurons} neurons; resampling them needs at least {MIN_NEURONS}")
    n_groups = int(np.clip(MAX_BYTES / (8 * n_stimuli**2), 20, MAX_GROUPS))
    groups = np.array_split(np.random.default_rng(seed).permutation(n_neurons), min(n_neurons, n_groups))
    products = np.empty((len(groups), n_stimuli * (n_stimuli - 1) // 2))
    squares, sums = np.empty((len(groups), n_stimuli)), np.empty((len(groups), n_stimuli))
    for index, members in enumerate(groups):
        part = values[:, members].astype(np.float64)
        product = part @ part.T
        products[index], squares[index], sums[index] = upper(product), np.diagonal(product), part.sum(axis=1)
    return NeuronGroups(products, squares, sums, np.array([float(len(g)) for g in groups]), metric)
