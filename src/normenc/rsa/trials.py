r"""Trials of one recording: its RDM, and those of halves of the trials, when each stimulus's trials are drawn again.

To a mean over :math:`r` trials, noise is added: for each of them, that of a trial of the same stimulus drawn at random
(its deviation from the stimulus's mean), times :math:`t \\sqrt{r / (r - 1)}`. So the mean varies by :math:`t^2` times
its true variance, whatever :math:`r` is. With :math:`t = 1` this is the bootstrap of residuals, corrected for few
trials; a smaller t keeps the RDM's own noise, and so its bias, close to the recording's.

The noise of a half is drawn from the trials of that half, because that by which the halves differ already would change
how much they differ. If a half is a single trial, there is no other, and intervals of the ceiling are too wide.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from normenc.rsa.dissimilarity import rdm
from normenc.rsa.neurons import Neurons, dissimilarities, rdm_invariants
from normenc.rsa.pairs import MANY_STIMULI, upper
from normenc.rsa.recorded import SAME_KIND

__all__ = [
    "BY_NEURON",
    "DrawsByNeuron",
    "TrialDraws",
    "Trials",
    "draw_trials",
    "half_splits",
    "halves_of",
    "why_not_drawn",
]

Floats = npt.NDArray[np.float64]
BY_NEURON = "neurons x trials"  # the name of this way to draw, beside those of factors
MAX_BYTES = 2**28  # of the products of all trials with each other
MAX_AT_ONCE = 2**18  # responses whose groups of neurons are averaged at once
NEURONS_A_PRODUCT = 30  # so many neurons take as long as one pair of repeats


@dataclass(frozen=True)
class TrialDraws:
    """Which trial's noise is added for each trial, and how much of it.

    Attributes
    ----------
    uniform : ndarray, shape (n_samples, n_stimuli, n_repeats)
        From 0 to below 1: the place of the trial among those that it is drawn from.
    n_trials : ndarray of int, shape (n_stimuli,)
    strength : float
        t, the standard deviation of the noise in units of its own.
    """

    uniform: npt.NDArray[np.float32]
    n_trials: npt.NDArray[np.int64]
    strength: float

    def __len__(self) -> int:
        return len(self.uniform)

    def part(self, some: slice) -> "TrialDraws":
        """Some of the samples."""
        return replace(self, uniform=self.uniform[some])

    def mean(self) -> Floats:
        """Shares of the trials in the mean over all trials of each stimulus, (n_samples, n_stimuli, n_repeats)."""
        return self._shares(np.arange(self.uniform.shape[2])[None] < self.n_trials[:, None])

    def half(self, repeats: Sequence[int]) -> Floats:
        """The same for the mean over some repeats that all stimuli have; a single one gets the noise of any trial."""
        n_repeats = self.uniform.shape[2]
        own = np.broadcast_to(np.isin(np.arange(n_repeats), repeats), self.uniform.shape[1:])
        if len(repeats) > 1:
            return self._shares(own)
        each = self.n_trials[:, None]
        there = np.arange(n_repeats) < each
        drawn = (self.uniform[:, :, repeats] * each).astype(np.intp) == np.arange(n_repeats)
        noise = self.strength * np.sqrt(each / (each - 1)) * (drawn - 1 / each)
        return np.where(there, own + noise, 0.0)

    def _shares(self, own: npt.NDArray[np.bool_]) -> Floats:
        """Of the trials marked in (n_stimuli, n_repeats), with noise drawn from among themselves."""
        n, marked = own.sum(axis=1), np.flatnonzero(own)
        each, before = np.repeat(n, n), np.repeat(np.cumsum(n) - n, n)
        drawn = before + (self.uniform.reshape(len(self), -1)[:, marked] * each).astype(np.intp)
        of_sample = np.arange(len(self))[:, None] * len(marked)
        counts = np.bincount((of_sample + drawn).ravel(), minlength=drawn.size).reshape(drawn.shape)
        shares = np.zeros(self.uniform.shape)
        shares.reshape(len(self), -1)[:, marked] = 1 / each + self.strength / np.sqrt(each * (each - 1)) * (counts - 1)
        return shares


def draw_trials(
    n_trials: npt.NDArray[np.int64], n_samples: int, rng: np.random.Generator, strengths: Sequence[float]
) -> list[TrialDraws]:
    """Draw trials within each stimulus, once for all strengths.

    They are drawn evenly over the stimuli, so that noise that is alike in all of them, such as that by which two halves
    differ, does not add up by chance.

    Parameters
    ----------
    n_trials : ndarray of int, shape (n_stimuli,)
        At least 2 each.
    n_samples : int
    rng : Generator
    strengths : sequence of float
    """
    shape = (n_samples, len(n_trials), int(n_trials.max()))
    uniform = (np.argsort(rng.random(shape), axis=1) + rng.random(shape)) / len(n_trials)
    single = np.minimum(uniform.astype(np.float32), np.nextafter(np.float32(1), np.float32(0)))
    return [TrialDraws(single, n_trials, strength) for strength in strengths]


def halves_of(draws: Sequence[TrialDraws], repeats: Sequence[int]) -> list[Floats]:
    """:meth:`TrialDraws.half` of each; of small recordings many are computed together, which is faster."""
    at_once, found = max(1, MAX_AT_ONCE // draws[0].uniform.size), []
    for start in range(0, len(draws), at_once):
        some = draws[start : start + at_once]
        joined = replace(some[0], uniform=np.concatenate([own.uniform for own in some]))
        found += np.split(joined.half(repeats), len(some))
    return found


@dataclass(frozen=True)
class DrawsByNeuron:
    """The same, but each group of neurons gets noise of other trials: noise that neurons share is not kept together.

    Attributes
    ----------
    n_samples, n_groups : int
    n_trials : ndarray of int, shape (n_stimuli,)
    strength : float
    seed : tuple of int
        From which each sample's trials are drawn.
    """

    n_samples: int
    n_groups: int
    n_trials: npt.NDArray[np.int64]
    strength: float
    seed: tuple[int, ...]

    def of_groups(self, sample: int) -> TrialDraws:
        """The draws of one sample, (n_groups, n_stimuli, n_repeats) in place of (n_samples, ...)."""
        rng = np.random.default_rng([*self.seed, sample])
        return draw_trials(self.n_trials, self.n_groups, rng, [self.strength])[0]


@dataclass(frozen=True)
class Trials:
    """Trials of one recording.

    Attributes
    ----------
    values : ndarray, shape (n_repeats, n_stimuli, n_neurons)
        Responses less what the metric does not depend on; 0 where a stimulus has fewer trials.
    n_trials : ndarray of int, shape (n_stimuli,)
    group : ndarray of int, shape (n_neurons,)
        The group in which each neuron is resampled.
    metric : str
    products : ndarray, shape (n_repeats * n_stimuli, n_repeats * n_stimuli), or None
        Of all trials with each other, summed over neurons; None where it is faster not to have them.
    """

    values: Floats
    n_trials: npt.NDArray[np.int64]
    group: npt.NDArray[np.intp]
    metric: str
    products: Floats | None

    @classmethod
    def of(cls, values: Floats, n_trials: npt.NDArray[np.int64], metric: str, neurons: Neurons | None) -> "Trials":
        """From trials as :func:`normenc.rsa.recorded.packed` gives them; `neurons` are in groups to be resampled."""
        n_repeats, n_stimuli, n_neurons = values.shape
        there = np.arange(n_repeats)[:, None] < n_trials
        mean = values.sum(axis=0) / n_trials[:, None]
        shift, scale = rdm_invariants(mean, metric)
        own = np.where(there[:, :, None], (values - shift) / scale, 0.0)
        group = np.zeros(n_neurons, dtype=np.intp)
        for index, members in enumerate(neurons.members if neurons is not None else ()):
            group[members] = index
        size = n_repeats * n_stimuli
        products = None
        if n_repeats**2 * NEURONS_A_PRODUCT <= n_neurons and 8 * size**2 <= MAX_BYTES:
            flat = own.reshape(size, n_neurons)
            products = flat @ flat.T
        return cls(own, n_trials, group, metric, products)

    def vectors(self, shares: Floats) -> Floats:
        """Dissimilarities of samples, shape (n_samples, n_pairs).

        Parameters
        ----------
        shares : ndarray, shape (n_samples, n_stimuli, n_repeats)
            Of every trial in its stimulus's mean; they add up to 1.
        """
        return self._dissimilarities([self._products(share.T) for share in shares])

    def vectors_by_neuron(self, shares: Sequence[Floats]) -> Floats:
        """The same with other shares in each group of neurons, (n_groups, n_stimuli, n_repeats) for each sample."""
        found = []
        for by_group in shares:
            if self.values.size <= MAX_AT_ONCE:
                mean = np.einsum("nia,ain->in", by_group[self.group], self.values)
            else:
                mean = np.empty(self.values.shape[1:])
                for index, share in enumerate(by_group):
                    members = np.flatnonzero(self.group == index)
                    mean[:, members] = np.einsum("ia,ain->in", share, self.values[:, :, members])
            found.append((mean @ mean.T, mean.sum(axis=1)))
        return self._dissimilarities(found)

    def _dissimilarities(self, found: Sequence[tuple[Floats, Floats]]) -> Floats:
        n = self.values.shape[2]
        products = np.stack([upper(product) for product, _ in found]) / n
        squares = np.stack([np.diagonal(product) for product, _ in found]) / n
        return dissimilarities(products, squares, np.stack([sums for _, sums in found]) / n, self.metric)

    def _products(self, share: Floats) -> tuple[Floats, Floats]:
        """Products of the mean responses to all pairs of stimuli, summed over neurons, and sums over neurons."""
        n_repeats, n_stimuli, _ = self.values.shape
        if self.products is not None:
            flat = share.reshape(-1, 1)
            half = (flat * self.products).reshape(n_repeats, n_stimuli, -1).sum(axis=0)
            product = (half * flat[:, 0]).reshape(n_stimuli, n_repeats, n_stimuli).sum(axis=1)
            return product, (share * self._sums).sum(axis=0)
        mean = np.einsum("ai,ain->in", share, self.values)
        return mean @ mean.T, mean.sum(axis=1)

    @cached_property
    def _sums(self) -> Floats:
        return np.asarray(self.values.sum(axis=2))


def half_splits(n_repeats: int, n_splits: int, seed: int) -> Iterator[tuple[list[int], list[int]]]:
    """Two halves of the repeats, once for each different one of the splits; with an odd number, one is left out.

    Two repeats can be split in one way, and three or four in three.
    """
    rng = np.random.default_rng([seed, 2])
    half = n_repeats // 2
    different: dict[frozenset[frozenset[int]], tuple[list[int], list[int]]] = {}
    for order in [rng.permutation(n_repeats) for _ in range(n_splits)]:
        parts = order[:half].tolist(), order[half : 2 * half].tolist()
        different.setdefault(frozenset(map(frozenset, parts)), parts)
    yield from different.values()


def why_not_drawn(values: Floats, n_trials: npt.NDArray[np.int64], metric: str, matrices: Floats) -> str:
    """Why trials cannot be resampled by themselves, for a metric that is a sum over neurons; empty if they can.

    Parameters
    ----------
    values, n_trials
        See :func:`normenc.rsa.recorded.packed`.
    metric : str
    matrices : ndarray, shape (n_rdms, n_stimuli, n_stimuli)
        The recording's RDMs.
    """
    if n_trials.min() < 2:
        return f"stimulus {int(np.argmin(n_trials))} has a single trial"
    if len(n_trials) > MANY_STIMULI:
        return f"there are more than {MANY_STIMULI} stimuli"
    own = rdm(values.sum(axis=0) / n_trials[:, None], metric=metric)
    if np.abs(matrices[0] - own).max() > SAME_KIND * np.abs(own).max():
        return "the responses are not the mean of the repeats"
    return ""
