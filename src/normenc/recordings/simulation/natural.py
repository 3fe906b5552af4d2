"""Simulated V1 neurons under natural images: Gabor energy, divisive normalisation, log-normal rates, spikes."""

from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_responses
from normenc.errors import InputError
from normenc.recordings.recording import Recording
from normenc.recordings.simulation.layer import SimulatedRecording, recorded
from normenc.recordings.simulation.noise import GAIN_SD, check_numbers

__all__ = ["divisive_normalisation", "simulated_natural"]

MEDIAN_RATE = 0.5  # spikes per trial: the median neuron's mean over images
RATE_SPREAD = 1.0  # standard deviation of the logarithm of the neurons' mean rates
EXPONENT = 2.0  # of the energy, in numerator and denominator
SEMISATURATION = 1.0  # in root mean squares of the energy: the average image is half way to saturation
Floats = npt.NDArray[np.float64]


def divisive_normalisation(
    energy: Any, *, exponent: float = EXPONENT, semisaturation: float = SEMISATURATION
) -> Floats:
    r"""Divide each unit's energy by what all units have in the same image.

    With :math:`e` the energy over its root mean square over images, unit by unit,
    :math:`e^n / (\sigma^n + \overline{e^n})`, where the mean runs over the units.

    Parameters
    ----------
    energy : array_like, shape (n_images, n_units)
        Not negative, such as :func:`normenc.controls.gabor_energy`.
    exponent : float
        :math:`n`, above 0.
    semisaturation : float
        :math:`\sigma`, above 0: energy at which responses are half of the most that contrast can make them.

    Returns
    -------
    ndarray, shape (n_images, n_units)
        0 for units without energy in any image.

    Raises
    ------
    InputError
        If energy is negative, or a parameter is not above 0.

    References
    ----------
    Heeger, "Normalization of cell responses in cat striate cortex", Vis. Neurosci. 1992; Carandini & Heeger,
    "Normalization as a canonical neural computation", Nat. Rev. Neurosci. 2012, equation 10.

    Examples
    --------
    >>> divisive_normalisation([[1.0, 1.0], [1.0, 1.0]])
    array([[0.5, 0.5],
           [0.5, 0.5]])
    """
    values = as_responses(energy).astype(np.float64)
    if values.min() < 0:
        raise InputError(f"the lowest energy is {values.min():g}; it must not be negative")
    if not (0 < exponent < np.inf and 0 < semisaturation < np.inf):
        raise InputError(f"exponent is {exponent} and semisaturation {semisaturation}; both must be numbers above 0")
    size = np.sqrt(np.square(values).mean(axis=0))
    drive = (values / np.where(size > 0, size, 1)) ** exponent
    return drive / (semisaturation**exponent + drive.mean(axis=1, keepdims=True))


def simulated_natural(
    energy: Any,
    images: Any,
    names: Any = None,
    *,
    n_neurons: int = 200,
    n_repeats: int = 10,
    n_animals: int = 1,
    median_rate: float = MEDIAN_RATE,
    rate_spread: float = RATE_SPREAD,
    gain_sd: float = GAIN_SD,
    fano: float = 1.0,
    seed: int = 0,
) -> SimulatedRecording:
    r"""Simulate spike counts of V1 neurons that see images, from the images' Gabor energy.

    Each neuron reads one unit, that is one place, orientation and scale, of the energy after
    :func:`divisive_normalisation`. Mean rates are log-normal over neurons; counts are Poisson-like, with a gain that an
    animal's neurons share. For neurons that read many units, or vary by a wanted amount, give the normalised energy to
    :func:`simulated_from_layer`.

    Parameters
    ----------
    energy : array_like, shape (n_images, n_units)
        Not negative, such as :func:`normenc.controls.gabor_energy`.
    images : array_like, shape (n_images, height, width)
        Grey values 0 to 1; they are kept in the recording.
    names : array_like of str, shape (n_images,), optional
        "image 1" and so on by default.
    n_neurons : int
        Of all animals together, at least 2 each.
    n_repeats : int
        Trials of every image.
    n_animals : int
        Each has neurons and gains of its own (label ``neuron_animal``).
    median_rate : float
        Spikes a trial, above 0: the median over neurons of the mean over images.
    rate_spread : float
        Standard deviation of the logarithm of the neurons' mean rates.
    gain_sd, fano : float
        See :func:`simulated_v1`.
    seed : int

    Returns
    -------
    SimulatedRecording
        `mixing` has one weight per neuron, and ``divisive_normalisation(energy) @ mixing`` is `signal` (in the order of
        the names). The variance around it, for each image, is ``fano * signal + (gain_sd * signal) ** 2``.

    Raises
    ------
    InputError
        If energy, images and names disagree, or a number is impossible.

    Examples
    --------
    >>> from normenc import controls
    >>> images = np.random.default_rng(0).random((20, 48, 64))
    >>> made = simulated_natural(controls.gabor_energy(images)["energy"], images, n_neurons=30, n_repeats=5)
    >>> made.recording.trials.shape, made.recording.kind, made.recording.images.shape
    ((100, 30), 'image', (20, 48, 64))
    """
    check_numbers(
        n_neurons=n_neurons, n_repeats=n_repeats, n_animals=n_animals, animal_sd=0, noise="poisson", fano=fano
    )
    if not (0 < median_rate < np.inf and 0 <= rate_spread < np.inf and 0 <= gain_sd < np.inf):
        raise InputError(
            f"median_rate is {median_rate}, rate_spread {rate_spread} and gain_sd {gain_sd}; a rate must be above "
            "0, and a standard deviation 0 or more"
        )
    normalised = divisive_normalisation(energy)
    if names is None:
        names = [f"image {index + 1:0{len(str(len(normalised)))}d}" for index in range(len(normalised))]
    shown = Recording.from_responses("simulated-natural", normalised, image=names, images=images)
    assert shown.responses is not None
    units = shown.responses.values
    varying = np.flatnonzero(np.ptp(units, axis=0) > 0)
    if not varying.size:
        raise InputError("no unit's energy varies over the images; there is nothing for neurons to read")
    rng, of_trials = np.random.default_rng(seed).spawn(2)
    read = rng.choice(varying, n_neurons)
    mixing = np.zeros((units.shape[1], n_neurons))
    mixing[read, np.arange(n_neurons)] = (
        median_rate * rng.lognormal(0, rate_spread, n_neurons) / units[:, read].mean(axis=0)
    )
    signal = units @ mixing
    variance = (fano * signal + np.square(gain_sd * signal)).mean(axis=0)
    signal_variance = signal.var(axis=0, ddof=1)
    recording = recorded(
        shown,
        signal,
        n_repeats,
        n_animals,
        of_trials,
        source="simulated_natural",
        noise="poisson",
        fano=fano,
        gain_sd=gain_sd,
    )
    return SimulatedRecording(
        recording, mixing, signal, np.sqrt(variance), signal_variance / (signal_variance + variance)
    )
