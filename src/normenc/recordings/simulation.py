"""A simulated population of V1 neurons, for trials without a recording."""

import numpy as np

from normenc.errors import InputError
from normenc.recordings.recording import Recording
from normenc.recordings.sources import SOURCES

__all__ = ["simulated_v1"]

N_NEURONS = 2000
N_REPEATS = 12  # trials a stimulus: about 4,000 trials over 360 degrees in the recording that this imitates
HALF_WIDTH = 13.0  # median half width at half height of the tuning curves, degrees
HALF_WIDTH_SPREAD = 0.4  # standard deviation of its logarithm
OPPOSITE_SHAPE = 3.3  # the response to the opposite direction is Beta(1, 3.3) of that to the preferred one
GAIN_SPREAD = 0.4  # standard deviation of the logarithm of the gains
BASELINE = 0.3  # mean of the (exponential) baselines, in units of the median peak response
PRIVATE_NOISE = 0.5  # standard deviation of one neuron's noise on a trial, same units
SHARED_NOISE = 0.05  # the same for each of the latent signals that neurons share
N_SHARED = 3


def simulated_v1(n_neurons: int = N_NEURONS, *, seed: int = 0) -> Recording:
    """A simulated recording that looks like mouse V1 under drifting gratings.

    Every neuron has a von Mises tuning curve around a preferred direction and a weaker one around the opposite
    direction, with its own width, gain and baseline. Twelve trials at each of 360 directions carry private noise and
    noise shared through a few latent signals; they are averaged and z-scored over the 360 stimuli. The 181 directions
    that the reference study keeps are returned, as orientations -90 to 90.

    The parameters are chosen so that the RDM imitates that of Stringer et al. (2021): dissimilarity by difference in
    orientation, up to the 180 degrees that direction selectivity tells apart. No animal was recorded.

    Parameters
    ----------
    n_neurons : int
        At least 2.
    seed : int
        The same seed gives the same recording.

    Returns
    -------
    Recording
        181 stimuli; responses are float32 z-scores, and ``simulated`` is True.

    Raises
    ------
    InputError
        When there are fewer than 2 neurons.

    Examples
    --------
    >>> simulated_v1(10).responses.shape
    (181, 10)
    """
    if n_neurons < 2:
        raise InputError(f"n_neurons is {n_neurons}; a population needs at least 2 neurons")
    rng = np.random.default_rng(seed)
    directions = np.deg2rad(np.arange(360.0))[:, None]
    preferred = rng.uniform(0, 2 * np.pi, n_neurons)
    half_width = np.deg2rad(np.clip(HALF_WIDTH * rng.lognormal(0, HALF_WIDTH_SPREAD, n_neurons), 3, 80))
    concentration = np.log(2) / (1 - np.cos(half_width))  # so that the curve is at half height at half_width
    opposite = rng.beta(1, OPPOSITE_SHAPE, n_neurons)
    gain = rng.lognormal(0, GAIN_SPREAD, n_neurons)
    baseline = rng.exponential(BASELINE, n_neurons)

    towards = np.cos(directions - preferred)
    tuning = np.exp(concentration * (towards - 1)) + opposite * np.exp(concentration * (-towards - 1))
    # The mean of N_REPEATS independent normal trials is normal itself: draw it at once.
    private = PRIVATE_NOISE / np.sqrt(N_REPEATS) * rng.standard_normal((360, n_neurons))
    latent = SHARED_NOISE / np.sqrt(N_REPEATS) * rng.standard_normal((360, N_SHARED))
    responses = baseline + gain * tuning + private + latent @ rng.standard_normal((N_SHARED, n_neurons))
    responses = (responses - responses.mean(axis=0)) / responses.std(axis=0)
    return Recording.from_responses(
        "simulated-v1",
        responses[:181].astype(np.float32),
        np.arange(181.0) - 90,
        **SOURCES["simulated-v1"].facts(),
    )
