r"""How reliable a population's RDM is in samples of its neurons, without halves.

Halves say little of how a ceiling varies: which neurons are in which half matters more than which are in the sample,
unless there are as many splits as neurons. The mean over all splits is known, though. An RDM is a mean over n groups of
neurons, of the part :math:`x_g` that each adds to it, so that its noise has the variance
:math:`\\overline{|x_g|^2} / (n - 1)`, and its reliability is one minus the share of that in the RDM's own variance.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from normenc.rsa.neurons import NeuronGroups, inverse_root

__all__ = ["NeuronNoise"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class NeuronNoise:
    """What each group of neurons adds to an RDM.

    Attributes
    ----------
    neurons : NeuronGroups
    parts : ndarray, shape (n_groups, n_pairs)
        By how much the RDM would change, times the number of groups, if a group had more weight: its mean is 0.
    squares : ndarray, shape (n_groups, n_pairs)
        Of `parts`.
    variances : ndarray, shape (n_stimuli,)
        Of the responses over neurons, by which parts are divided; ones if they are not.
    centred : bool
        Whether only differences between dissimilarities count.
    """

    neurons: NeuronGroups
    parts: Floats
    squares: Floats
    variances: Floats
    centred: bool

    @classmethod
    def of(cls, neurons: NeuronGroups, *, centred: bool) -> "NeuronNoise":
        """From sums over groups of neurons.

        Correlations and cosines are ratios; their parts are those of the numerator less those of the denominator.
        """
        rows, columns = np.triu_indices(neurons.squares.shape[1], k=1)
        sizes = neurons.sizes[:, None]
        share = neurons.sizes / neurons.sizes.sum()
        products, squares, sums = (own / sizes for own in (neurons.products, neurons.squares, neurons.sums))
        if neurons.metric == "euclidean":
            parts = squares[:, rows] + squares[:, columns] - 2 * products
            parts -= share @ parts
            return cls(neurons, parts, parts**2, np.ones(len(squares[0])), centred)
        if neurons.metric == "correlation":
            mean = share @ sums
            products -= mean[rows] * sums[:, columns] + sums[:, rows] * mean[columns] - mean[rows] * mean[columns]
            squares = squares - 2 * mean * sums + mean**2
        variances = share @ squares
        scale = inverse_root(variances, variances)
        own = squares * scale**2 - 1
        of_pairs = scale[rows] * scale[columns]
        similarity = (share @ products) * of_pairs
        parts = similarity * (own[:, rows] + own[:, columns]) / 2 - (products * of_pairs - similarity)
        return cls(neurons, parts, parts**2, variances, centred)

    def reliabilities(self, counts: npt.NDArray[np.int64], vectors: Floats, weights: Floats) -> Floats:
        """Reliabilities of the RDM of all neurons, as samples of them show it.

        Parameters
        ----------
        counts : ndarray of int, shape (n_samples, n_groups)
            1 for each group in the sample, 0 for the others.
        vectors : ndarray, shape (n_samples, n_pairs)
            Dissimilarities of the sample.
        weights : ndarray, shape (n_samples, n_pairs) or (1, n_pairs)
            How often each pair of stimuli is in each sample.

        Returns
        -------
        ndarray, shape (n_samples,)
            At most 1; NaN where noise explains all.
        """
        share = counts * self.neurons.sizes
        share = share / share.sum(axis=1, keepdims=True)
        n_groups, drawn = counts.shape[1], counts.sum(axis=1)
        scale = self._scales(share)
        total = weights.sum(axis=1)
        noise = np.sum(weights * scale**2 * (share @ self.squares), axis=1) / total
        if self.centred:
            means = (weights * scale) @ self.parts.T / total[:, None]
            noise -= np.sum(share * means**2, axis=1)
            vectors = vectors - (np.sum(weights * vectors, axis=1) / total)[:, None]
        size = np.sum(weights * vectors**2, axis=1) / total
        noise /= n_groups - 1
        size = size - noise * (n_groups / drawn - 1)  # fewer neurons have more noise
        return np.asarray(1 - noise / np.where(size > 0, size, np.nan))

    def _scales(self, share: Floats) -> Floats:
        """By how much parts are larger where a sample's neurons vary less, shape (n_samples, n_pairs)."""
        rows, columns = np.triu_indices(len(self.variances), k=1)
        if self.neurons.metric == "euclidean":
            return np.ones((len(share), len(rows)))
        sizes = self.neurons.sizes[:, None]
        own = share @ (self.neurons.squares / sizes)
        if self.neurons.metric == "correlation":
            own = own - (share @ (self.neurons.sums / sizes)) ** 2
        root = np.sqrt(self.variances) * inverse_root(own, self.variances)
        return np.asarray(root[:, rows] * root[:, columns])
