"""How simulated neurons vary from trial to trial, and which animal each belongs to."""

from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError

__all__ = ["GAIN_SD", "NOISES", "animal_labels", "check_numbers", "draw_trials", "one_presentation"]

NOISES = ("gaussian", "poisson")
GAIN_SD = 0.3  # standard deviation, over trials, of the gain that an animal's neurons share
Floats = npt.NDArray[np.float64]


def check_numbers(
    *, n_neurons: int, n_repeats: int | None, n_animals: int, animal_sd: float, noise: str, fano: float
) -> None:
    """Raise InputError when a population of this size, with this noise, cannot be simulated."""
    if n_neurons < 2:
        raise InputError(f"n_neurons is {n_neurons}; a population needs at least 2 neurons")
    if n_repeats is not None and n_repeats < 1:
        raise InputError(f"n_repeats is {n_repeats}; every stimulus must be shown at least once")
    if n_animals < 1:
        raise InputError(f"n_animals is {n_animals}; there must be at least 1 animal")
    if 2 * n_animals > n_neurons:
        raise InputError(
            f"n_animals is {n_animals} but n_neurons, of all animals together, is {n_neurons}; each animal needs at "
            "least 2 neurons of its own"
        )
    if not 0 <= animal_sd < np.inf:
        raise InputError(f"animal_sd is {animal_sd}; a standard deviation must be a number, 0 or more")
    if noise not in NOISES:
        raise InputError(f"noise is {noise!r}; it must be one of {', '.join(NOISES)}")
    if not 1 <= fano < np.inf:
        raise InputError(f"fano is {fano}; the Fano factor must be 1 (Poisson) or more")
    if noise == "gaussian" and fano != 1:
        raise InputError(f"fano is {fano} but noise is 'gaussian'; the Fano factor applies only to noise='poisson'")


def animal_labels(n_neurons: int, n_animals: int) -> tuple[npt.NDArray[np.intp], dict[str, list[str]]]:
    """The animal of each neuron, from 0, as even as can be, and the label that says so (none for a single animal)."""
    animal = np.sort(np.arange(n_neurons) % n_animals)
    width = len(str(n_animals))
    names = [f"animal {index + 1:0{width}d}" for index in animal]
    return animal, {"neuron_animal": names} if n_animals > 1 else {}


def one_presentation(
    mean: Floats,
    animal: npt.NDArray[np.intp],
    rng: np.random.Generator,
    *,
    noise: str = "gaussian",
    sd: Any = 0.0,
    loadings: Floats | None = None,
    gain_sd: float = 0.0,
    fano: float = 1.0,
) -> Floats:
    """One noisy response of every neuron to each stimulus; an animal's neurons share gains and latent signals.

    Parameters
    ----------
    mean : ndarray, shape (n_stimuli, n_neurons)
        Not negative for Poisson-like noise.
    animal : ndarray of int, shape (n_neurons,)
    rng : Generator
    noise : str
        "gaussian": gain x mean + loadings x latent signals + private noise. "poisson": spike counts, of a gamma-Poisson
        mixture (negative binomial) whose variance is `fano` times gain x mean.
    sd : float or ndarray, shape (n_neurons,)
        Of the Gaussian private noise.
    loadings : ndarray, shape (n_latent, n_neurons), optional
        Of the Gaussian latent signals, which have variance 1.
    gain_sd : float
        The gain is gamma distributed with mean 1 and this standard deviation.
    fano : float
        At least 1.

    Returns
    -------
    ndarray, shape (n_stimuli, n_neurons)
    """
    n_stimuli, n_animals = len(mean), int(animal.max()) + 1
    if gain_sd > 0:
        mean = mean * rng.gamma(gain_sd**-2, gain_sd**2, (n_stimuli, n_animals))[:, animal]
    if noise == "poisson":
        rate = mean if fano == 1 else (fano - 1) * rng.gamma(mean / (fano - 1))
        return rng.poisson(rate).astype(np.float64)
    response = mean + sd * rng.standard_normal(mean.shape)
    if loadings is not None:
        latent = rng.standard_normal((n_animals, n_stimuli, len(loadings)))
        for index in range(n_animals):
            own = animal == index
            response[:, own] += latent[index] @ loadings[:, own]
    return response


def draw_trials(
    mean: Floats, animal: npt.NDArray[np.intp], n_repeats: int, rng: np.random.Generator, **noise: Any
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Trials in the order of time: all stimuli, in an order of their own, once a repeat.

    Parameters
    ----------
    mean, animal, rng, **noise
        See :func:`one_presentation`.
    n_repeats : int

    Returns
    -------
    trials : ndarray of float32, shape (n_repeats * n_stimuli, n_neurons)
    index : ndarray of int, shape (n_repeats * n_stimuli,)
        Row of `mean` that each trial shows.
    repeat : ndarray of int, shape (n_repeats * n_stimuli,)
        From 0.
    """
    n_stimuli, n_neurons = mean.shape
    trials = np.empty((n_repeats, n_stimuli, n_neurons), dtype=np.float32)
    index = np.empty((n_repeats, n_stimuli), dtype=np.intp)
    for repeat in range(n_repeats):
        index[repeat] = rng.permutation(n_stimuli)
        trials[repeat] = one_presentation(mean[index[repeat]], animal, rng, **noise)
    return trials.reshape(-1, n_neurons), index.ravel(), np.repeat(np.arange(n_repeats), n_stimuli)
