r"""How reliable a population's RDM is in samples of its neurons, without halves.

Halves say little of how a ceiling varies: which neurons are in which half matters more than which are in the sample,
unless there are as many splits as neurons. The mean over all splits is known, though. An RDM is a mean over n groups of
neurons, of the part :math:`x_g` that each adds to it, so that its noise has the variance
:math:`\\overline{|x_g|^2} / (n - 1)`, and its reliability is one minus the share of that in the RDM's own variance.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.rsa.neurons import FLAT, NeuronGroups, inverse_root
from normenc.rsa.pairs import upper
from normenc.rsa.quadratic import total_of_pairs

__all__ = ["NeuronNoise"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class NeuronNoise:
    """What each group of neurons adds to an RDM.

    Correlations and cosines are ratios; their parts are those of the denominator less those of the numerator. Squared
    distances are of the same form: twice a ratio that is 1, less the products of the responses.

    Attributes
    ----------
    neurons : NeuronGroups
    responses : ndarray, shape (n_stimuli, n_neurons)
        Of unit variance over neurons, group by group; of the metric "euclidean" as they are.
    ratios : ndarray, shape (n_stimuli, n_stimuli)
        Correlations or cosines, and 0 on the diagonal.
    variances : ndarray, shape (n_stimuli,)
        Of the responses over neurons, by which parts are divided; ones if they are not.
    centred : bool
        Whether only differences between dissimilarities count.
    """

    neurons: NeuronGroups
    responses: Floats
    ratios: Floats
    variances: Floats
    centred: bool

    @classmethod
    def of(cls, neurons: NeuronGroups, *, centred: bool) -> "NeuronNoise":
        """From groups of neurons."""
        responses, n_stimuli = neurons.responses, neurons.squares.shape[1]
        if neurons.metric == "euclidean":
            return cls(neurons, responses, 1 - np.eye(n_stimuli), np.ones(n_stimuli), centred)
        size = np.mean(responses**2, axis=1)
        if neurons.metric == "correlation":
            responses = responses - responses.mean(axis=1, keepdims=True)
        variances = np.mean(responses**2, axis=1)
        variances[variances <= FLAT * size] = 0
        responses = responses * inverse_root(variances, size)[:, None]
        ratios = responses @ responses.T / responses.shape[1]
        np.fill_diagonal(ratios, 0)
        return cls(neurons, responses, ratios, variances, centred)

    @property
    def parts(self) -> Floats:
        """By how much the RDM would change, times the number of groups, if a group had more weight: their mean is 0.

        Shape (n_groups, n_pairs).
        """
        rows, columns = np.triu_indices(len(self.ratios), k=1)
        ratios = upper(self.ratios)
        parts = np.empty((self.neurons.n_groups, len(rows)))
        for part, own, squares in zip(parts, self._members, self._squares, strict=True):
            part[:] = ratios * (squares[rows] + squares[columns]) / 2 - upper(own @ own.T) / own.shape[1]
        parts -= self._of_all @ parts
        return parts * self._times

    def reliabilities(self, counts: npt.NDArray[np.int64], vectors: Floats, stimuli: Sequence[Any]) -> Floats:
        """Reliabilities of the RDM of all neurons, as samples of them show it.

        Parameters
        ----------
        counts : ndarray, shape (n_samples, n_groups) or (1, n_groups)
            1 for each group in the sample, 0 for the others.
        vectors : ndarray, shape (n_samples, n_pairs) or (1, n_pairs)
            Dissimilarities of the sample.
        stimuli : sequence of ndarray of int, shape (n_samples, n_stimuli) or (1, n_stimuli)
            How often each stimulus is in each sample, in one way to weigh stimuli or several.

        Returns
        -------
        ndarray, shape (n_weightings, n_samples)
            At most 1; NaN where noise explains all, and where all dissimilarities are equal.
        """
        share = counts * self.neurons.sizes
        share = share / share.sum(axis=1, keepdims=True)
        n_groups, drawn = counts.shape[1], counts.sum(axis=1)
        n_samples = max(len(counts), *map(len, stimuli))
        times = np.stack([np.broadcast_to(own, (n_samples, own.shape[1])) for own in stimuli]).astype(np.float64)
        total, scales = np.stack([total_of_pairs(own) for own in times]), self._scales(share)
        noise = _over_pairs(share @ self._squared_parts, times * scales**2) / total
        vectors = vectors - vectors.mean(axis=1, keepdims=True) if self.centred else vectors
        size = squares = _over_pairs(vectors**2, times) / total
        if self.centred:
            noise -= np.sum(share * (self._over_pairs_of_parts(times * scales) / total[:, :, None]) ** 2, axis=2)
            size = size - (_over_pairs(vectors, times) / total) ** 2
        noise /= n_groups - 1
        size = size - noise * (n_groups / drawn - 1)  # fewer neurons have more noise
        return np.asarray(1 - noise / np.where(size > FLAT * squares, size, np.nan))

    def _scales(self, share: Floats) -> Floats:
        """By how much responses are larger where a sample's neurons vary less, shape (n_samples, n_stimuli)."""
        if self.neurons.metric == "euclidean":
            return np.ones((len(share), len(self.variances)))
        sizes = self.neurons.sizes[:, None]
        own = share @ (self.neurons.squares / sizes)
        if self.neurons.metric == "correlation":
            own = own - (share @ (self.neurons.sums / sizes)) ** 2
        return np.asarray(np.sqrt(self.variances) * inverse_root(own, self.variances))

    def _over_pairs_of_parts(self, amounts: Floats) -> Floats:
        """Sums of each part over pairs weighted by `amounts`, (..., n_stimuli): shape (..., n_groups).

        A sum of products over pairs is half the square of a sum, less that of squares: no part is needed.
        """
        squared = np.add.reduceat((amounts @ self.responses) ** 2, self._starts, axis=-1) / self.neurons.sizes
        found = (amounts * (amounts @ self.ratios) + amounts**2) @ self._squares.T - squared
        return np.asarray((found - found @ self._of_all[:, None]) * (self._times / 2))

    @property
    def _times(self) -> int:
        return 2 if self.neurons.metric == "euclidean" else 1

    @property
    def _of_all(self) -> Floats:
        return self.neurons.sizes / self.neurons.sizes.sum()

    @property
    def _starts(self) -> npt.NDArray[np.intp]:
        """The first neuron of each group."""
        return np.append(0, np.cumsum(self.neurons.sizes)[:-1]).astype(np.intp)

    @property
    def _members(self) -> list[Floats]:
        """Responses of each group."""
        return np.split(self.responses, self._starts[1:], axis=1)

    @cached_property
    def _squares(self) -> Floats:
        """Mean square of each group's responses, (n_groups, n_stimuli)."""
        return np.stack([np.mean(own**2, axis=1) for own in self._members])

    @cached_property
    def _squared_parts(self) -> Floats:
        return np.square(self.parts)


def _over_pairs(vectors: Floats, amounts: Floats) -> Floats:
    """Sums over pairs weighted by (n_weightings, n_samples, n_stimuli): shape (n_weightings, n_samples).

    `vectors` are those of each sample, (n_samples, n_pairs), or of all, (1, n_pairs).
    """
    weights, first = np.ascontiguousarray(amounts.transpose(1, 2, 0)), 0
    found = np.zeros((len(weights), weights.shape[2]))
    for row in range(amounts.shape[2] - 1):
        others = weights[:, row + 1 :]
        own = vectors[:, None, first : first + others.shape[1]]
        found += (own @ others)[:, 0] * weights[:, row]
        first += others.shape[1]
    return found.T
