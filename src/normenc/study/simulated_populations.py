"""Simulated neurons that are like those of a recording."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from normenc.rsa.unequal_neurons import UnequalNeurons
from normenc.rsa.unequal_stimuli import UnequalStimuli

__all__ = ["Population", "Populations"]


@dataclass(frozen=True)
class Population:
    """Simulated neurons that represent a candidate, and are like those of a recording.

    Attributes
    ----------
    noises : tuple of float
        Of each recorded animal, the standard deviation of a trial's noise, in those of the signal over neurons.
    animals : tuple of (int, UnequalNeurons)
        Of each recorded animal, the number of neurons, and how unequal they are.
    stimuli : UnequalStimuli
        How strongly and how noisily each stimulus drives neurons.
    """

    noises: tuple[float, ...]
    animals: tuple[tuple[int, UnequalNeurons], ...]
    stimuli: UnequalStimuli

    @classmethod
    def equal(cls, noise: float, n_neurons: Sequence[int], stimuli: UnequalStimuli) -> "Population":
        """Equal neurons of each animal."""
        return cls((noise,) * len(n_neurons), tuple((n, UnequalNeurons(n, n, n)) for n in n_neurons), stimuli)

    @property
    def noise(self) -> float:
        """Of all animals, by variances."""
        return float(np.sqrt(np.mean(np.square(self.noises))))

    def neurons(self, n_neurons: int | None = None, n_animals: int = 1) -> list[UnequalNeurons]:
        """Of each of so many animals, like those recorded in turn: as many neurons as asked for, as unequal."""
        recorded = [self.animals[k % len(self.animals)] for k in range(n_animals)]
        return [own.scaled((n_neurons or n) / n) for n, own in recorded]

    def noises_of(self, n_animals: int) -> list[float]:
        """Of a trial of each of so many animals, like those recorded in turn."""
        return [self.noises[k % len(self.noises)] for k in range(n_animals)]

    def pooled(self, n_neurons: int) -> UnequalNeurons:
        """As many of all animals together as are asked for."""
        whole = UnequalNeurons(*(sum(getattr(own, f.name) for _, own in self.animals) for f in fields(UnequalNeurons)))
        return whole.scaled(n_neurons / sum(n for n, _ in self.animals))


@dataclass(frozen=True)
class Populations:
    """Populations that are like a recording's.

    Attributes
    ----------
    of : dict of str to Population
        By candidate.
    recorded : list of int
        Neurons of each animal; empty where they are not known.
    noise_from : str
        Where noise and inequality are from.
    notes : list of str
        What was assumed.
    """

    of: dict[str, Population]
    recorded: list[int]
    noise_from: str
    notes: list[str]
