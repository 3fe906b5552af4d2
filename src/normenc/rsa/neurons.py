"""A population's RDM in bootstrap samples and halves of its neurons."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_responses, as_seed
from normenc.errors import InputError
from normenc.rsa.labelled import turned
from normenc.rsa.pairs import upper

__all__ = [
    "NeuronGroups",
    "Neurons",
    "added_up",
    "deal",
    "dissimilarities",
    "half_of_neurons",
    "rdm_invariants",
]

METRICS = ("correlation", "cosine", "euclidean")  # metrics that are sums over neurons
MIN_NEURONS = 4
MIN_GROUPS, MAX_GROUPS = 20, 100
MAX_BYTES = 2**28  # limit on the groups' products
BLOCK_ROWS = 128  # stimuli whose products with all others are computed at once
FEW_STIMULI = 64  # of which no row is long enough to be worth a step of its own
FLAT = 1e-13  # of the mean square: a variance over neurons below this is only rounding error

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class NeuronGroups:
    """Sums over groups of neurons, from which the RDM of any sample of groups follows.

    Attributes
    ----------
    products : ndarray, shape (n_groups, n_pairs)
        Products of the responses to two stimuli, summed over the neurons of a group.
    squares, sums : ndarray, shape (n_groups, n_stimuli)
        The same for the responses to one stimulus.
    sizes : ndarray, shape (n_groups,)
        Neurons.
    responses : ndarray, shape (n_stimuli, n_neurons)
        Group by group.
    metric : str
    """

    products: npt.NDArray[np.float64]
    squares: npt.NDArray[np.float64]
    sums: npt.NDArray[np.float64]
    sizes: npt.NDArray[np.float64]
    responses: npt.NDArray[np.float64]
    metric: str

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return len(self.sizes)

    def vectors(self, counts: npt.NDArray[Any]) -> Floats:
        """Dissimilarities of samples with counts[:, g] copies of group g, shape (n_samples, n_pairs).

        A stimulus with the same response in all neurons of a sample (for the cosine, no response) has correlation 0
        with all others.
        """
        weights = counts / (counts @ self.sizes)[:, None]
        means = weights @ self.sums
        return dissimilarities(weights @ self.products, weights @ self.squares, means, self.metric)


def dissimilarities(products: Floats, squares: Floats, means: Floats, metric: str) -> Floats:
    """Dissimilarities from means over neurons, shape (n_samples, n_pairs); `products` are overwritten.

    Parameters
    ----------
    products : ndarray, shape (n_samples, n_pairs)
        Of the responses to two stimuli.
    squares, means : ndarray, shape (n_samples, n_stimuli)
        Of the squared responses to a stimulus, and of the responses.
    metric : str
    """
    n_stimuli = squares.shape[1]
    if metric == "euclidean":
        products *= -2
        for pairs, one, others in _rows_of_pairs(n_stimuli):
            products[:, pairs] += squares[:, one] + squares[:, others]
        return products
    varying = squares - means**2 if metric == "correlation" else squares
    scale = inverse_root(varying, squares)
    for pairs, one, others in _rows_of_pairs(n_stimuli):
        own = products[:, pairs]
        if metric == "correlation":
            own -= means[:, one] * means[:, others]
        own *= scale[:, one]
        own *= scale[:, others]
    return np.subtract(1, products, out=products)


@dataclass(frozen=True)
class Neurons:
    """Responses of neurons divided into groups.

    Attributes
    ----------
    values : ndarray, shape (n_stimuli, n_neurons)
    shift, scale : ndarray, that broadcast with `values`
        Subtracted mean and divided scale, on which the metric does not depend.
    members : list of ndarray
        Indices of each group's neurons.
    metric : str
    """

    values: npt.NDArray[Any]
    shift: Floats
    scale: Floats
    members: list[npt.NDArray[np.intp]]
    metric: str

    def part(self, members: npt.NDArray[np.intp], dtype: npt.DTypeLike = np.float64) -> npt.NDArray[Any]:
        """Responses of some neurons, shifted and scaled in double precision."""
        part = self.values[:, members].astype(np.float64)
        part -= self.shift if self.shift.shape[1] == 1 else self.shift[:, members]
        part /= self.scale
        return part.astype(dtype, copy=False)

    def of_stimuli(self, some: npt.NDArray[np.intp]) -> "Neurons":
        """The same of some stimuli."""
        shift, scale = (v if len(v) == 1 else v[some] for v in (self.shift, self.scale))
        return Neurons(self.values[some], shift, scale, self.members, self.metric)

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return len(self.members)


def _rows_of_pairs(n_stimuli: int) -> Iterator[tuple[slice, Any, Any]]:
    """Of each row of the matrix: its places in a vector of all pairs, the row itself, and the other stimuli.

    Of few stimuli, all rows at once.
    """
    if n_stimuli <= FEW_STIMULI:
        yield slice(None), *np.triu_indices(n_stimuli, k=1)
        return
    first = 0
    for one in range(n_stimuli - 1):
        stop = first + n_stimuli - 1 - one
        yield slice(first, stop), slice(one, one + 1), slice(one + 1, n_stimuli)
        first = stop


def deal(responses: Any, metric: str = "correlation", *, seed: int = 0) -> Neurons:
    """Divide the neurons randomly into at most 100 groups.

    Correlations do not depend on a stimulus's mean or scale, nor distances on a neuron's mean, so these are removed to
    keep precision. The median replaces a stimulus's mean, because it is the mean of most neurons in a half without the
    few that respond.

    Parameters
    ----------
    responses : array_like, shape (n_stimuli, n_neurons)
    metric : str
        ``"correlation"``, ``"cosine"`` or ``"euclidean"``; other dissimilarities are not sums over neurons.
    seed : int

    Raises
    ------
    InputError
        If there are fewer than 4 neurons, or for another metric.
    """
    values = as_responses(turned(responses, "responses"))
    if metric not in METRICS:
        raise InputError(f"neurons cannot be resampled for the metric {metric!r}; use one of {', '.join(METRICS)}")
    n_stimuli, n_neurons = values.shape
    if n_neurons < MIN_NEURONS:
        there = "is 1 neuron" if n_neurons == 1 else f"are {n_neurons} neurons"
        raise InputError(f"there {there}; resampling them needs at least {MIN_NEURONS}")
    shift, scale = rdm_invariants(values, metric)
    n_groups = int(np.clip(MAX_BYTES / (8 * n_stimuli**2), MIN_GROUPS, MAX_GROUPS))
    order = np.random.default_rng(as_seed(seed)).permutation(n_neurons)
    return Neurons(values, shift, scale, np.array_split(order, min(n_neurons, n_groups)), metric)


def rdm_invariants(values: npt.NDArray[Any], metric: str) -> tuple[Floats, Floats]:
    """A shift and a scale of responses (n_stimuli, n_neurons) on which the metric does not depend, to broadcast."""
    shift, scale = np.zeros((len(values), 1)), np.ones((len(values), 1))
    if metric == "euclidean":
        shift = values.mean(axis=0, keepdims=True, dtype=np.float64)
    for index, row in enumerate(values if metric != "euclidean" else ()):
        if metric == "correlation":
            shift[index] = np.median(row.astype(np.float64))
        scale[index] = np.abs(row - shift[index]).max() or 1
    return shift, scale


def added_up(neurons: Neurons) -> NeuronGroups:
    """Products of each group, from which the RDM of any sample of groups follows.

    The expected variance of an estimate over samples of groups equals that over samples of neurons, at a fraction of
    the work.
    """
    n_stimuli, n_groups = len(neurons.values), len(neurons.members)
    products = np.empty((n_groups, n_stimuli * (n_stimuli - 1) // 2))
    squares, sums = np.empty((n_groups, n_stimuli)), np.empty((n_groups, n_stimuli))
    responses = neurons.part(np.concatenate(neurons.members))
    stops = np.cumsum([len(members) for members in neurons.members])
    for index, part in enumerate(np.split(responses, stops[:-1], axis=1)):
        product = part @ part.T
        products[index], squares[index], sums[index] = upper(product), np.diagonal(product), part.sum(axis=1)
    sizes = np.array([float(len(members)) for members in neurons.members])
    return NeuronGroups(products, squares, sums, sizes, responses, neurons.metric)


def half_of_neurons(neurons: Neurons, groups: npt.NDArray[np.bool_]) -> Floats:
    """Dissimilarities from the neurons of some groups, shape (n_pairs,), with little additional memory."""
    part = neurons.part(np.concatenate([m for m, there in zip(neurons.members, groups, strict=True) if there]))
    size = np.einsum("ij,ij->i", part, part)
    if neurons.metric == "correlation":
        part -= part.mean(axis=1, keepdims=True)
    squares = np.einsum("ij,ij->i", part, part)
    if neurons.metric != "euclidean":
        part *= inverse_root(squares, size)[:, None]
    n_stimuli = len(part)
    half, filled = np.empty(n_stimuli * (n_stimuli - 1) // 2), 0
    for start in range(0, n_stimuli, BLOCK_ROWS):
        products = part[start : start + BLOCK_ROWS] @ part[start:].T
        for place, row in enumerate(products):
            beyond = row[place + 1 :]
            if neurons.metric == "euclidean":
                own = start + place
                half[filled : filled + len(beyond)] = (squares[own] + squares[own + 1 :] - 2 * beyond) / part.shape[1]
            else:
                np.subtract(1, beyond, out=half[filled : filled + len(beyond)])
            filled += len(beyond)
    return half


def inverse_root(squares: Floats, size: Floats) -> Floats:
    """One over the square root, and 0 for squares that are only rounding error relative to their size."""
    there = squares > FLAT * size
    return np.where(there, 1 / np.sqrt(np.where(there, squares, 1)), 0)
