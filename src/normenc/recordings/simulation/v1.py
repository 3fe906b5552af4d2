"""A simulated population of V1 neurons under drifting gratings, for trials without a recording."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.recordings.recording import Recording
from normenc.recordings.simulation.facts import V1
from normenc.recordings.simulation.noise import GAIN_SD, animal_labels, check_numbers, draw_trials, one_presentation

__all__ = ["N_NEURONS", "simulated_v1"]

N_NEURONS = 2000
N_REPEATS = 12  # trials per stimulus: about 4,000 trials over 360 degrees in the recording that this imitates
HALF_WIDTH = 13.0  # median half width at half height of the tuning curves, degrees
HALF_WIDTH_SPREAD = 0.4  # standard deviation of its logarithm
OPPOSITE_SHAPE = 3.3  # the response to the opposite direction is Beta(1, 3.3) of that to the preferred one
PEAK_SPREAD = 0.4  # standard deviation of the logarithm of the peak responses
BASELINE = 0.3  # mean of the (exponential) baselines, in units of the median peak response
PRIVATE_NOISE = 0.5  # standard deviation of one neuron's noise on a trial, same units
SHARED_NOISE = 0.05  # the same for each of the latent signals that neurons share
N_SHARED = 3
PEAK_SPIKES = 5.0  # median peak response above baseline of Poisson-like neurons, spikes per trial
ANIMAL_SD = 0.2  # standard deviation of the logarithm of an animal's factors on widths and on peaks

Floats = npt.NDArray[np.float64]
UNITS = {
    "gaussian": "arbitrary (1 is the median peak response above baseline)",
    "poisson": "spikes per trial",
}


def simulated_v1(
    n_neurons: int = N_NEURONS,
    *,
    seed: int = 0,
    n_repeats: int | None = None,
    n_animals: int = 1,
    animal_sd: float = ANIMAL_SD,
    noise: str = "gaussian",
    gain_sd: float | None = None,
    fano: float = 1.0,
    direction: bool = False,
    n_stimuli: int | None = None,
) -> Recording:
    """A simulated recording that looks like mouse V1 under drifting gratings.

    Every neuron has a von Mises tuning curve around a preferred direction and a weaker one around the opposite
    direction, with its own width, peak and baseline. By default twelve trials at each of 360 directions carry private
    noise and noise shared through a few latent signals; they are averaged and z-scored over the 360 stimuli. The 181
    directions that the reference study keeps are returned, as orientations -90 to 90.

    The parameters are chosen so that the RDM imitates that of Stringer et al. (2021): dissimilarity by difference in
    orientation, up to the 180 degrees that direction selectivity distinguishes. No animal was recorded.
    docs/simulation.md lists each parameter and what it imitates.

    Parameters
    ----------
    n_neurons : int
        Of all animals together, at least 2 each.
    seed : int
        The same seed gives the same recording, and the same tuning curves whatever the noise and the stimuli.
    n_repeats : int, optional
        Keep this many trials of every stimulus, as they are; each repeat shows the stimuli in an order of its own.
        By default twelve are averaged, z-scored and not kept.
    n_animals : int
        Each has neurons of its own (label ``neuron_animal``), as many as the others or one more, and varies by itself
        from trial to trial.
    animal_sd : float
        Of several animals each has a factor on all its tuning widths and one on all its peaks: the standard deviation
        of the logarithm of both.
    noise : str
        ``"gaussian"``: the same private noise for every response, and latent signals. ``"poisson"``: spike counts,
        whose variance is `fano` times their mean.
    gain_sd : float, optional
        Standard deviation, over trials, of a gain of mean 1 (gamma distributed) that multiplies the mean responses of
        all neurons of an animal alike (Goris et al. 2014): it adds ``(gain_sd * mean) ** 2`` to the variance and makes
        noise correlations positive. By default 0.3 where trials are kept, and 0 in averages.
    fano : float
        Variance over mean of Poisson-like responses at a gain of 1, at least 1.
    direction : bool
        Return all directions, as directions, instead of half of them as orientations.
    n_stimuli : int, optional
        Orientations from -90 to 90, both included (181 by default), or directions around the circle (360).

    Returns
    -------
    Recording
        Responses, and trials, are float32, and ``simulated`` is True. Averages are z-scores; single trials are in
        units of the median peak response above baseline, or spikes.

    Raises
    ------
    InputError
        If there are fewer than 2 neurons per animal, 3 stimuli or 1 repeat, or a parameter of the noise is impossible.

    References
    ----------
    Goris, Movshon & Simoncelli, "Partitioning neuronal variability", Nat. Neurosci. 2014.

    Examples
    --------
    >>> simulated_v1(10).responses.shape
    (181, 10)
    >>> recording = simulated_v1(10, n_repeats=4, n_animals=2, noise="poisson", direction=True, n_stimuli=24)
    >>> recording.trials.shape, recording.kind, recording.animals
    ((96, 10), 'direction', ('animal 1', 'animal 2'))
    """
    check_numbers(
        n_neurons=n_neurons, n_repeats=n_repeats, n_animals=n_animals, animal_sd=animal_sd, noise=noise, fano=fano
    )
    if gain_sd is None:
        gain_sd = 0.0 if n_repeats is None else GAIN_SD
    if not 0 <= gain_sd < np.inf:
        raise InputError(f"gain_sd is {gain_sd}; a standard deviation must be a number, 0 or more")
    degrees, stimulus, kind = _stimuli(direction, n_stimuli)
    animal, neuron_labels = animal_labels(n_neurons, n_animals)
    facts: dict[str, Any] = {"neurons": neuron_labels, **V1}

    rng = np.random.default_rng(seed)
    of_animals, of_trials = rng.spawn(2)
    population = _draw_population(n_neurons, rng)
    if n_animals > 1:
        population = _varied(population, animal, animal_sd, of_animals)
    mean = population.responses(degrees) * (PEAK_SPIKES if noise == "poisson" else 1)
    if n_repeats is None and noise == "gaussian" and n_animals == 1 and not gain_sd:
        return _from_averages(_average_at_once(mean, rng), stimulus, kind, facts)
    variability: dict[str, Any] = {"noise": noise, "gain_sd": gain_sd, "fano": fano}
    if noise == "gaussian":
        loadings = SHARED_NOISE * of_trials.standard_normal((N_SHARED, n_neurons))
        variability |= {"sd": PRIVATE_NOISE, "loadings": loadings}
    if n_repeats is None:
        total = np.zeros_like(mean)
        for _ in range(N_REPEATS):
            total += one_presentation(mean, animal, of_trials, **variability)
        return _from_averages(total / N_REPEATS, stimulus, kind, facts)
    trials, index, repeat = draw_trials(mean[: len(stimulus)], animal, n_repeats, of_trials, **variability)
    facts |= {"units": UNITS[noise], "trials": {"repeat": repeat}, kind: stimulus[index]}
    return Recording.from_trials("simulated-v1", trials, **facts)


@dataclass(frozen=True)
class _Population:
    """Tuning curves: radians, and units of the median peak response; all of shape (n_neurons,)."""

    preferred: Floats
    half_width: Floats
    opposite: Floats
    peak: Floats
    baseline: Floats

    def responses(self, degrees: Floats) -> Floats:
        """Mean responses to directions of drift, shape (n_directions, n_neurons)."""
        concentration = np.log(2) / (1 - np.cos(self.half_width))  # so that the curve is at half height at half_width
        towards = np.cos(np.deg2rad(degrees)[:, None] - self.preferred)
        tuning = np.exp(concentration * (towards - 1)) + self.opposite * np.exp(concentration * (-towards - 1))
        return self.baseline + self.peak * tuning


def _draw_population(n_neurons: int, rng: np.random.Generator) -> _Population:
    return _Population(
        preferred=rng.uniform(0, 2 * np.pi, n_neurons),
        half_width=_as_half_width(HALF_WIDTH * rng.lognormal(0, HALF_WIDTH_SPREAD, n_neurons)),
        opposite=rng.beta(1, OPPOSITE_SHAPE, n_neurons),
        peak=rng.lognormal(0, PEAK_SPREAD, n_neurons),
        baseline=rng.exponential(BASELINE, n_neurons),
    )


def _as_half_width(degrees: Floats) -> Floats:
    return np.deg2rad(np.clip(degrees, 3, 80))


def _varied(
    population: _Population, animal: npt.NDArray[np.intp], animal_sd: float, rng: np.random.Generator
) -> _Population:
    """Widths and peaks times the factors of each neuron's animal."""
    wider, stronger = rng.lognormal(0, animal_sd, (2, animal.max() + 1))
    return replace(
        population,
        half_width=_as_half_width(np.rad2deg(population.half_width) * wider[animal]),
        peak=population.peak * stronger[animal],
    )


def _stimuli(direction: bool, n_stimuli: int | None) -> tuple[Floats, Floats, str]:
    """Directions that are shown, degrees from 0, and what the first of them are called: labels, and their kind."""
    n_kept = (360 if direction else 181) if n_stimuli is None else n_stimuli
    if n_kept < 3:
        raise InputError(f"n_stimuli is {n_kept}; a comparison needs at least 3 stimuli")
    n_shown = n_kept if direction else 2 * (n_kept - 1)
    degrees = np.arange(n_shown, dtype=np.float64) * (360 / n_shown)
    if direction:
        return degrees, np.mod(degrees - 90, 360), "direction"  # the grating of direction d has the orientation d
    return degrees, degrees[:n_kept] - 90, "orientation"


def _average_at_once(mean: Floats, rng: np.random.Generator) -> Floats:
    """Averages of trials without gains: the mean of independent normal trials is normal itself."""
    n_stimuli, n_neurons = mean.shape
    private = PRIVATE_NOISE / np.sqrt(N_REPEATS) * rng.standard_normal((n_stimuli, n_neurons))
    latent = SHARED_NOISE / np.sqrt(N_REPEATS) * rng.standard_normal((n_stimuli, N_SHARED))
    return mean + private + latent @ rng.standard_normal((N_SHARED, n_neurons))


def _from_averages(averages: Floats, stimulus: Floats, kind: str, facts: dict[str, Any]) -> Recording:
    """The recording of averages that are z-scored over all directions; a neuron that never varies stays at 0."""
    spread = averages.std(axis=0)
    z_scores = (averages - averages.mean(axis=0)) / np.where(spread > 0, spread, 1)
    kept = z_scores[: len(stimulus)].astype(np.float32)
    return Recording.from_responses("simulated-v1", kept, **facts | {kind: stimulus})
