"""Simulated recordings whose true representation is known: what statistics are tried out on."""

from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.rsa.pairs import as_rdms

__all__ = ["simulate_responses"]

Floats = npt.NDArray[np.float64]


def simulate_responses(
    rdm: Any,
    n_neurons: int,
    noise: float,
    rng: np.random.Generator,
    *,
    n_repeats: int = 1,
    n_animals: int = 1,
) -> Floats:
    r"""Responses of neurons that represent stimuli with a given correlation RDM, and noise.

    With :math:`1 - RDM = L L^T`, neurons are :math:`L w` for independent standard normal :math:`w`: each stimulus has
    a pattern of variance 1 over neurons, and two stimuli's patterns correlate as the RDM says, exactly so with
    infinitely many neurons. Every trial adds independent normal noise.

    Parameters
    ----------
    rdm : array_like, shape (n_stimuli, n_stimuli)
        Correlation dissimilarities; negative eigenvalues of 1 - RDM, as a published RDM may have, are set to 0.
    n_neurons, n_repeats, n_animals : int
        Each animal has neurons of its own.
    noise : float
        Standard deviation of one trial's noise, in standard deviations of the signal over neurons.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (n_animals, n_repeats, n_stimuli, n_neurons)

    Raises
    ------
    InputError
        When a number is below 1 (neurons: 2), or noise is negative.

    Examples
    --------
    >>> rdm = [[0, 1, 2], [1, 0, 1], [2, 1, 0]]
    >>> simulate_responses(rdm, 10, 0.5, np.random.default_rng(0), n_repeats=4).shape
    (1, 4, 3, 10)
    """
    for name, value, least in (("n_neurons", n_neurons, 2), ("n_repeats", n_repeats, 1), ("n_animals", n_animals, 1)):
        if value < least:
            raise InputError(f"{name} is {value}; it must be at least {least}")
    if not noise >= 0:
        raise InputError(f"noise is {noise}; a standard deviation is not negative")
    matrix = as_rdms(rdm, "the RDM")[0]
    values, directions = np.linalg.eigh(1 - matrix)
    factor = directions * np.sqrt(np.maximum(values, 0))
    signal = factor @ rng.standard_normal((n_animals, len(matrix), n_neurons))
    return signal[:, None] + noise * rng.standard_normal((n_animals, n_repeats, len(matrix), n_neurons))
