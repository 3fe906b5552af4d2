"""Neurons of which some carry more signal than others, or more noise."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from normenc.arrays import as_count
from normenc.rsa.neurons import MIN_NEURONS

__all__ = ["NeuronShares", "Size", "UnequalNeurons", "as_size", "groups_of"]


@dataclass(frozen=True)
class UnequalNeurons:
    """Neurons of which some carry more signal than others, or more noise, as numbers of equal ones.

    Attributes
    ----------
    signal, noise : int
        How many equal neurons would have signals, and noise, whose products vary as much.
    both : int
        How many of these have both.
    """

    signal: int
    noise: int
    both: int

    def scaled(self, factor: float) -> "UnequalNeurons":
        """Of so many times as many neurons, as unequal as these; at least as many as can be resampled.

        Examples
        --------
        >>> UnequalNeurons(signal=10, noise=40, both=10).scaled(2)
        UnequalNeurons(signal=20, noise=80, both=20)
        """
        signal, noise = (max(2, round(factor * n)) for n in (self.signal, self.noise))
        both = min(round(factor * self.both), signal, noise)
        return UnequalNeurons(signal, noise if max(signal, noise) >= MIN_NEURONS else MIN_NEURONS, both)

    @property
    def groups(self) -> list[tuple[int, float, float]]:
        """Numbers of neurons, and the variance of signal and of noise of each; each adds up to 1."""
        signal, noise = 1 / self.signal, 1 / self.noise
        return [
            (self.both, signal, noise),
            (self.signal - self.both, signal, 0.0),
            (self.noise - self.both, 0.0, noise),
        ]


def groups_of(n_neurons: int | UnequalNeurons, *, centred: bool) -> list[tuple[int, float, float]]:
    """See :attr:`UnequalNeurons.groups`; where their mean over neurons is subtracted, the largest has one less."""
    own = n_neurons if isinstance(n_neurons, UnequalNeurons) else UnequalNeurons(n_neurons, n_neurons, n_neurons)
    groups = own.groups
    most = max(range(3), key=lambda k: groups[k][0])
    groups[most] = (groups[most][0] - centred, *groups[most][1:])
    return groups


Size: TypeAlias = int | UnequalNeurons


def as_size(own: Any) -> Size:
    """A number of neurons, checked: at least 4."""
    return own if isinstance(own, UnequalNeurons) else as_count(own, "n_neurons", MIN_NEURONS)


@dataclass(frozen=True)
class NeuronShares:
    """Sums over neurons of squared shares of the signal, of the noise, and of their product.

    Of equal neurons each is one over the degrees of freedom of their correlations.

    Examples
    --------
    >>> NeuronShares.of(101)
    NeuronShares(signal=0.01, noise=0.01, both=0.01)
    """

    signal: float
    noise: float
    both: float

    @classmethod
    def of(cls, n_neurons: int | UnequalNeurons, n_animals: int = 1) -> "NeuronShares":
        """Of each of so many animals."""
        n, *variances = (np.array(own, dtype=float) for own in zip(*groups_of(n_neurons, centred=True), strict=True))
        signal, noise = (own / (n * own).sum() for own in variances)
        return cls(
            *(
                float((n * one * other).sum()) / n_animals
                for one, other in ((signal, signal), (noise, noise), (signal, noise))
            )
        )

    def diagonals(self, reliability: Any) -> tuple[Any, Any]:
        r"""Diagonals of Q, and of H times :math:`\sqrt{(c - b^2 / a) / a}`, see :mod:`normenc.rsa.discriminability`.

        Parameters
        ----------
        reliability : ndarray or Tensor, of any shape
        """
        of_signal, ratio = reliability**2, self.both / self.signal
        left = max(0.0, self.noise / self.signal - ratio**2) ** 0.5
        return of_signal + ratio * (1 - of_signal), left * (1 - of_signal)
