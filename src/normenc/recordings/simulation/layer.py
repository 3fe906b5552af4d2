"""Simulated neurons that read an encoder's layer: recordings with a known true model."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_array, as_responses
from normenc.errors import InputError
from normenc.recordings.recording import Recording
from normenc.recordings.simulation.facts import V1
from normenc.recordings.simulation.noise import animal_labels, check_numbers, draw_trials
from normenc.showing import Listed

__all__ = ["SimulatedRecording", "simulated_from_layer"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class SimulatedRecording(Listed):
    """A recording, and what is true of its neurons.

    Attributes
    ----------
    recording : Recording
    mixing : ndarray, shape (n_units, n_neurons)
        What each neuron reads from each unit.
    signal : ndarray, shape (n_stimuli, n_neurons)
        Mean responses, in the order of the recording's stimuli.
    noise_sd : ndarray, shape (n_neurons,)
        Standard deviation of single trials around `signal`: the root of its mean square over stimuli.
    explainable_variance : ndarray, shape (n_neurons,)
        Share of the variance of single trials that `signal` makes up, 0 to 1. The signal-to-noise ratio is
        ``explainable_variance / (1 - explainable_variance)``.
    """

    recording: Recording
    mixing: Floats
    signal: Floats
    noise_sd: Floats
    explainable_variance: Floats


def simulated_from_layer(
    layer: Any,
    orientation: Any = None,
    *,
    direction: Any = None,
    image: Any = None,
    images: Any = None,
    n_neurons: int = 200,
    n_inputs: int | None = None,
    nonnegative: bool = False,
    rectified: bool = False,
    explainable_variance: Any = 0.5,
    noise: str = "gaussian",
    fano: float = 1.0,
    n_repeats: int = 10,
    n_animals: int = 1,
    animal_sd: float = 0.0,
    seed: int = 0,
    name: str = "simulated-from-layer",
) -> SimulatedRecording:
    r"""Simulate neurons that linearly read the units of a layer, and vary from trial to trial by a known amount.

    With the layer :math:`R` (stimulus x unit) and random weights :math:`W` the mean responses are :math:`R W`. The
    weights of a neuron add up to 0 (to 1 where they are nonnegative), and no unit is preferred: without noise the
    correlation RDM of many neurons is that of the layer's units that vary over stimuli.

    Parameters
    ----------
    layer : array_like, shape (n_stimuli, n_units)
        An encoder's responses, such as one layer of :func:`normenc.representations.represent`.
    orientation, direction, image : array_like, shape (n_stimuli,), optional
        The stimuli, see :meth:`Recording.from_responses`; one of the three must be given.
    images : array_like, shape (n_stimuli, height, width), optional
        The images, in the same order, grey values 0 to 1.
    n_neurons : int
        Of all animals together, at least 2 each.
    n_inputs : int, optional
        Units that each neuron reads, drawn at random; all by default. With 1 a neuron is a unit. Units that do not
        vary over stimuli are not read.
    nonnegative : bool
        Weights are exponentially distributed instead of normally, and scaled to add up to 1 instead of 0.
    rectified : bool
        A neuron responds by how much :math:`R w` exceeds its mean over stimuli, and else by 0.
    explainable_variance : float or array_like, shape (n_neurons,)
        Wanted share of the variance of single trials that the stimuli explain, above 0; 1 is without noise.
    noise : str
        ``"gaussian"``: of the same standard deviation for all stimuli. ``"poisson"``: spike counts, whose variance is
        `fano` times their mean; weights are scaled so that the explainable variance is as wanted. Mean responses must
        not be negative.
    fano : float
        At least 1.
    n_repeats : int
        Trials of every stimulus.
    n_animals : int
        Each has neurons of its own (label ``neuron_animal``).
    animal_sd : float
        Each animal multiplies the weights of every unit by a factor of its own, the standard deviation of whose
        logarithm this is. By default animals read the layer alike, and differ only by the neurons that were drawn.
    seed : int
    name : str

    Returns
    -------
    SimulatedRecording

    Raises
    ------
    InputError
        If the layer, its stimuli or a number is impossible, or Poisson-like responses would be negative.

    See Also
    --------
    normenc.rsa.simulate_responses : from an RDM.

    Examples
    --------
    >>> from normenc import controls
    >>> angles = np.arange(-90, 90, 15)
    >>> layer = controls.orientation_model(angles)["orientation"]
    >>> made = simulated_from_layer(layer, angles, n_neurons=50, explainable_variance=0.3, n_repeats=4)
    >>> made.recording.trials.shape, made.mixing.shape == (layer.shape[1], 50)
    ((48, 50), True)
    >>> bool(np.allclose(made.signal, layer @ made.mixing))
    True
    """
    check_numbers(
        n_neurons=n_neurons, n_repeats=n_repeats, n_animals=n_animals, animal_sd=animal_sd, noise=noise, fano=fano
    )
    wanted = _wanted(explainable_variance, n_neurons, noise)
    facts = {"orientation": orientation, "direction": direction, "image": image, "images": images}
    shown = Recording.from_responses(name, as_responses(layer).astype(np.float64), **facts)
    assert shown.responses is not None
    units = shown.responses.values
    animal, _ = animal_labels(n_neurons, n_animals)
    rng, of_trials = np.random.default_rng(seed).spawn(2)
    mixing = _mixing(units, animal, n_inputs, nonnegative, animal_sd, rng)
    signal = units @ mixing
    if rectified:
        signal = np.maximum(signal - signal.mean(axis=0), 0)
    signal_variance = signal.var(axis=0, ddof=1)
    if (still := np.flatnonzero(signal_variance <= 1e-20 * np.square(units).max())).size:
        raise InputError(
            f"neuron {still[0]} does not vary over stimuli, because the units that it reads cancel; let neurons read "
            "more units (n_inputs), or make weights nonnegative"
        )
    noise_sd = np.sqrt(signal_variance * (1 / wanted - 1))
    if noise == "poisson":
        scale = _scale_of_counts(signal, noise_sd, fano)
        mixing, signal, noise_sd = mixing * scale, signal * scale, noise_sd * scale
    recording = recorded(
        shown,
        signal,
        n_repeats,
        n_animals,
        of_trials,
        noise=noise,
        fano=fano,
        sd=noise_sd,
        source="simulated_from_layer",
    )
    return SimulatedRecording(recording, mixing, signal, noise_sd, wanted)


def recorded(
    shown: Recording,
    signal: Floats,
    n_repeats: int,
    n_animals: int,
    rng: np.random.Generator,
    *,
    source: str,
    **noise: Any,
) -> Recording:
    """The recording of noisy trials around a signal, under the stimuli of another recording."""
    animal, neuron_labels = animal_labels(signal.shape[1], n_animals)
    trials, index, repeat = draw_trials(signal, animal, n_repeats, rng, **noise)
    facts = V1 | {
        "species": "simulated",
        "area": "simulated",
        "units": "spikes per trial" if noise["noise"] == "poisson" else "arbitrary units",
        "source": f"normenc.recordings.{source}",
    }
    stimulus: dict[str, Any] = {shown.kind: shown.stimulus[index], "images": shown.images}
    return Recording.from_trials(
        shown.name, trials, trials={"repeat": repeat}, neurons=neuron_labels, **stimulus, **facts
    )


def _scale_of_counts(signal: Floats, noise_sd: Floats, fano: float) -> Floats:
    """By what each neuron's signal and noise must be multiplied for the noise's variance to be `fano` x mean."""
    if signal.min() < 0:
        raise InputError(
            f"the lowest mean response is {signal.min():g}, but spike counts cannot be negative; give rectified=True "
            "or, for a layer that is not negative itself, nonnegative=True"
        )
    return fano * signal.mean(axis=0) / np.square(noise_sd)


def _wanted(explainable_variance: Any, n_neurons: int, noise: str) -> Floats:
    wanted = as_array(explainable_variance, "explainable_variance").astype(np.float64)
    if wanted.shape not in ((), (n_neurons,)):
        raise InputError(
            f"explainable_variance has shape {wanted.shape}; give one number, or one for each of {n_neurons} neurons"
        )
    if not ((wanted > 0) & (wanted <= 1)).all():
        raise InputError(f"explainable_variance is {np.min(wanted):g} to {np.max(wanted):g}; it must lie in (0, 1]")
    if noise == "poisson" and (wanted == 1).any():
        raise InputError("explainable_variance is 1, without noise, but spike counts always vary; make it smaller")
    return np.broadcast_to(wanted, n_neurons).copy()


def _mixing(
    units: Floats,
    animal: npt.NDArray[np.intp],
    n_inputs: int | None,
    nonnegative: bool,
    animal_sd: float,
    rng: np.random.Generator,
) -> Floats:
    """Random weights, shape (n_units, n_neurons), that add up to the same number for every neuron."""
    varying = np.flatnonzero(np.ptp(units, axis=0) > 1e-12 * np.abs(units).max(axis=0))
    if not varying.size:
        raise InputError("no unit of the layer varies over the stimuli; there is nothing for neurons to read")
    n_read = len(varying) if n_inputs is None else n_inputs
    if not 1 <= n_read <= len(varying):
        raise InputError(
            f"n_inputs is {n_inputs}; it must lie between 1 and {len(varying)}, the units that vary over the stimuli"
        )
    if animal_sd and n_read == 1:
        raise InputError(
            f"animal_sd is {animal_sd}, but animals cannot weight units differently when each neuron reads only one"
        )
    factors = rng.lognormal(0, animal_sd, (animal.max() + 1, units.shape[1]))
    mixing = np.zeros((units.shape[1], len(animal)))
    for neuron, own in enumerate(animal):
        read = rng.choice(varying, n_read, replace=False)
        if nonnegative or n_read == 1:
            weights = rng.exponential(size=n_read) * factors[own, read]
            mixing[read, neuron] = weights / weights.sum()
        else:
            weights = rng.standard_normal(n_read) * factors[own, read]
            weights -= weights.mean()
            mixing[read, neuron] = weights / np.linalg.norm(weights)
    return mixing
