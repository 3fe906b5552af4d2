"""Simulated recordings with known true representations, for testing statistics."""

from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_count
from normenc.errors import InputError
from normenc.rsa.pairs import as_rdm
from normenc.rsa.unequal_neurons import UnequalNeurons
from normenc.rsa.unequal_stimuli import UnequalStimuli

__all__ = ["gains_of", "simulate_responses"]

Floats = npt.NDArray[np.float64]


def simulate_responses(
    rdm: Any,
    n_neurons: int | UnequalNeurons,
    noise: float,
    rng: np.random.Generator,
    *,
    n_repeats: int = 1,
    n_animals: int = 1,
    stimuli: UnequalStimuli | None = None,
) -> Floats:
    r"""Noisy responses of neurons that represent stimuli with a given correlation RDM.

    With :math:`1 - RDM = L L^T`, neurons are :math:`L w` for independent standard normal :math:`w`: each stimulus has
    a pattern of variance 1 over neurons, and two stimuli's patterns correlate as the RDM says, exactly so with
    infinitely many neurons. Every trial adds independent normal noise.

    Parameters
    ----------
    rdm : array_like, shape (n_stimuli, n_stimuli)
        Correlation dissimilarities; negative eigenvalues of 1 - RDM, as a published RDM may have, are set to 0.
    n_neurons : int or UnequalNeurons
        Each animal has its own neurons. Of unequal ones, some have no signal, and some no noise; the mean variances of
        both over neurons are those of equal ones.
    n_repeats, n_animals : int
    noise : float
        Standard deviation of single-trial noise, in standard deviations of the signal over neurons.
    rng : numpy.random.Generator
    stimuli : UnequalStimuli, optional
        How strongly and how noisily each stimulus drives neurons; all equally by default.

    Returns
    -------
    ndarray, shape (n_animals, n_repeats, n_stimuli, n_neurons)

    Raises
    ------
    InputError
        If a number is below 1 (neurons: 2), noise is negative, or several RDMs are given.

    Examples
    --------
    >>> rdm = [[0, 1, 2], [1, 0, 1], [2, 1, 0]]
    >>> simulate_responses(rdm, 10, 0.5, np.random.default_rng(0), n_repeats=4).shape
    (1, 4, 3, 10)
    """
    n_repeats, n_animals = as_count(n_repeats, "n_repeats"), as_count(n_animals, "n_animals")
    own = n_neurons if isinstance(n_neurons, UnequalNeurons) else as_count(n_neurons, "n_neurons", 2)
    if not 0 <= noise < np.inf:
        raise InputError(f"noise is {noise}; it must be a finite standard deviation of at least 0")
    if not isinstance(rng, np.random.Generator):
        raise InputError(f"rng is {rng!r}; give a NumPy generator, such as numpy.random.default_rng(0)")
    matrix = as_rdm(rdm, "the RDM")
    values, directions = np.linalg.eigh(1 - matrix)
    factor = directions * np.sqrt(np.maximum(values, 0))
    gains, noises = gains_of(own)
    signal = factor @ rng.standard_normal((n_animals, len(matrix), len(gains))) * gains
    of_trials = noise * rng.standard_normal((n_animals, n_repeats, len(matrix), len(gains))) * noises
    if stimuli is not None:
        signal *= stimuli.strength[:, None]
        of_trials *= stimuli.noise[:, None]
    return signal[:, None] + of_trials


def gains_of(n_neurons: int | UnequalNeurons) -> tuple[Floats, Floats]:
    """Factors of each neuron's signal and noise, whose squares have a mean of 1, each of shape (n_neurons,).

    Examples
    --------
    >>> gains_of(UnequalNeurons(signal=2, noise=4, both=2))
    (array([1.41421356, 1.41421356, 0.        , 0.        ]), array([1., 1., 1., 1.]))
    """
    if not isinstance(n_neurons, UnequalNeurons):
        return np.ones(n_neurons), np.ones(n_neurons)
    numbers, *variances = zip(*n_neurons.groups, strict=True)
    gains, noises = (np.sqrt(sum(numbers) * np.repeat(own, numbers)) for own in variances)
    return gains, noises
