"""The course's network fitted to neurons, additional tests, and the equivalent linear model.

The course (Neuromatch Academy, computational neuroscience, deep-learning day, tutorial 4) shows 60 gratings of 12 x 16
pixels, at directions 6 degrees apart, to a convolution without nonlinearity and a linear readout to every neuron. What
the course does not mention:

- Gratings at t and t + 180 degrees are one image, so no model of the image can distinguish them, although
  direction-selective neurons do: half of the 60 stimuli are copies of the other half.
- Its test is on other trials of the same stimuli: a model that memorised its training responses would do well. Here
  whole images can be held out as well, with all their directions.
- A convolution with a linear readout is a linear model of the pixels, with more weights than necessary.
- The loss is a mean over neurons, and its penalties are sums: learning rate and penalties are tuned to the course's
  23,589 neurons. With 200 neurons the rate of 2 diverges (:func:`largest_learning_rate`).
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from normenc.arrays import as_array
from normenc.encoding.cores import ConvCore
from normenc.encoding.fitting import DivergenceError, fit
from normenc.encoding.network import EncodingNetwork
from normenc.encoding.penalties import Penalty
from normenc.encoding.pixel_model import L2, NeuromatchFit, Split
from normenc.encoding.readouts import FullLinear
from normenc.errors import InputError
from normenc.recordings import Recording
from normenc.training.steps import Progress

__all__ = [
    "L2",
    "fit_neuromatch_network",
    "halves_of_trials",
    "largest_learning_rate",
    "neuromatch_network",
]

LEARNING_RATE, MOMENTUM, N_STEPS = 2.0, 0.9, 200
L1 = 1e-6
N_CHANNELS, FILTER_SIZE = 6, 7
COURSE_NEURONS = 23_589


def fit_neuromatch_network(
    images: Any,
    responses: Any,
    held_out: Any,
    *,
    share_of_images: float = 0.0,
    n_steps: int = N_STEPS,
    learning_rate: float = LEARNING_RATE,
    momentum: float = MOMENTUM,
    l2: float = L2,
    l1: float = L1,
    seed: int = 0,
    device: str | torch.device = "auto",
    progress: bool | Progress = True,
) -> NeuromatchFit:
    r"""Fit the course's network to neurons, and test it on other trials and, optionally, on other images.

    One convolution (:func:`neuromatch_network`) and a linear readout; gradient descent with momentum on all stimuli at
    once; the mean squared error plus ``l2`` times the sum of the readout's squared weights and ``l1`` times that of
    their absolute values. One difference from the course: biases start at the neurons' means, which are 0 for z-scores.

    Parameters
    ----------
    images : array_like, shape (n_stimuli, height, width)
        Grey values 0 to 1; the course's have 12 x 16 pixels, ``stimuli.gratings(..., resolution=0.025)``.
    responses : array_like, shape (n_stimuli, n_neurons)
        Averages over the trials to fit; z-scores over stimuli in the course, see :func:`halves_of_trials`.
    held_out : array_like, shape (n_stimuli, n_neurons)
        Averages over other trials of the same stimuli.
    share_of_images : float
        Share of the different images to hold out, with all stimuli that show them; 0 as in the course.
    n_steps : int
    learning_rate, momentum, l2, l1 : float
        For `n` neurons, a rate of ``2 * n / 23589`` and penalties multiplied by ``23589 / n`` reproduce the course's
        training of each neuron's readout.
    seed : int
    device : str or torch.device
        ``"auto"`` (a GPU where there is one), ``"cpu"``, ``"cuda"``.
    progress : bool or callable
        See :func:`normenc.encoding.fit`.

    Returns
    -------
    NeuromatchFit
        Its model is a FittedNetwork, whose log has the loss on the fitted stimuli's other trials as ``held_out_loss``.

    Raises
    ------
    InputError
        If data disagree or a number is impossible; ``DivergenceError`` if the loss explodes, with the largest stable
        learning rate of the readout.

    References
    ----------
    Neuromatch Academy, Computational Neuroscience, W1D5 (formerly W3D4) tutorial 4, section 3.2.

    Examples
    --------
    >>> from normenc import recordings, stimuli
    >>> recording = recordings.simulated_v1(20, n_repeats=4, direction=True, n_stimuli=24)
    >>> images = stimuli.gratings(recording.orientation, resolution=0.025)
    >>> options = {"learning_rate": 0.002, "n_steps": 5, "device": "cpu", "progress": False}
    >>> fitted = fit_neuromatch_network(images, *halves_of_trials(recording), share_of_images=0.2, **options)
    >>> fitted.held_out_images.tolist(), fitted.explained_variance.shape
    ([2, 9, 14, 21], (20, 3))
    """
    data = Split.of(images, responses, held_out, share_of_images, seed)
    penalties = [Penalty("l2", l2, average=False), Penalty("l1", l1, average=False)]
    try:
        model = fit(
            neuromatch_network,
            data.images[data.fitted],
            data.responses[data.fitted],
            seed=seed,
            validation=(data.images[data.fitted], data.held_out[data.fitted]),
            optimiser="sgd",
            learning_rate=learning_rate,
            momentum=momentum,
            decay=None,
            patience=None,
            max_epochs=n_steps,
            batch_size=None,
            penalties=penalties,
            device=device,
            progress=progress,
        )
    except DivergenceError as error:
        n_neurons = data.responses.shape[1]
        bound = largest_learning_rate(data.images[data.fitted], n_neurons, momentum=momentum, l2=l2)
        raise DivergenceError(
            f"{error}: with {n_neurons} neurons the readout is stable up to {bound:.3g}, and "
            f"{LEARNING_RATE * n_neurons / COURSE_NEURONS:.2g} reproduces the course's training"
        ) from None
    return data.scored(model)


def neuromatch_network(image_size: tuple[int, int], n_neurons: int) -> EncodingNetwork:
    """Build the course's network: 6 filters of 7 x 7 pixels, no nonlinearity, a weight for every feature and neuron.

    Filters start at :func:`normenc.networks.initial_filters` minus their means, as in the course's tutorial 4 but not
    in its tutorial 3.

    Examples
    --------
    >>> network = neuromatch_network((12, 16), 50)
    >>> tuple(network.readout.weight.shape), network.core.filters().mean(dim=(1, 2)).abs().max().item() < 1e-7
    ((50, 6, 12, 16), True)
    """
    core = ConvCore(n_channels=N_CHANNELS, filter_size=FILTER_SIZE, nonlinearity="none", initial="study")
    filters = core.filters()[:, None]
    core.set_filters(filters - filters.mean(dim=(2, 3), keepdim=True))
    return EncodingNetwork(core, FullLinear((N_CHANNELS, *image_size), n_neurons))


def halves_of_trials(recording: Recording, *, seed: int = 0) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Average random halves of each stimulus's trials, both z-scored with the first half's mean and standard deviation.

    Parameters
    ----------
    recording : Recording
        With at least 2 trials per stimulus.
    seed : int

    Returns
    -------
    responses, held_out : ndarray, shape (n_stimuli, n_neurons)
        Both minus the mean and divided by the standard deviation over stimuli of `responses`. The second has one more
        trial if their number is odd.

    Raises
    ------
    InputError
        If trials are not known, a stimulus has only one, or a neuron does not vary.

    Examples
    --------
    >>> from normenc import recordings
    >>> responses, held_out = halves_of_trials(recordings.simulated_v1(5, n_repeats=4, n_stimuli=10))
    >>> responses.shape, bool(np.allclose(responses.std(axis=0), 1))
    ((10, 5), True)
    """
    if recording.trials is None or recording.n_repeats[0] < 2:
        raise InputError(
            f"{recording.label} has stimuli with a single trial, or only averages; splitting into halves needs at "
            "least 2 trials of every stimulus"
        )
    index, trials = recording.trials["stimulus_index"].to_numpy(), recording.trials.to_numpy().astype(np.float64)
    rng = np.random.default_rng([seed, 2])
    first, second = np.empty((2, recording.n_stimuli, trials.shape[1]))
    for stimulus in range(recording.n_stimuli):
        own = rng.permutation(np.flatnonzero(index == stimulus))
        first[stimulus], second[stimulus] = trials[own[: len(own) // 2]].mean(0), trials[own[len(own) // 2 :]].mean(0)
    mean, sd = first.mean(axis=0), first.std(axis=0)
    if (still := np.flatnonzero(sd == 0)).size:
        raise InputError(f"neuron {still[0]} does not vary over stimuli in one half of the trials; leave it out")
    return (first - mean) / sd, (second - mean) / sd


def largest_learning_rate(images: Any, n_neurons: int, *, momentum: float = MOMENTUM, l2: float = L2) -> float:
    r"""Learning rate above which the course's readout diverges, with the initial filters.

    Gradient descent with momentum :math:`\beta` on a quadratic converges for rates below
    :math:`2 (1 + \beta) / \lambda`, where :math:`\lambda` is its largest curvature. Here that is
    :math:`2 \lambda_X / n + 2 l_2`, with :math:`\lambda_X` the largest eigenvalue of the features' (and the bias's)
    mean outer product over stimuli and :math:`n` the number of neurons: the limit is lower for fewer neurons. With many
    neurons the filters, which are trained too, set a lower limit: with simulated neurons, 400 are stable at a rate of 2
    but not 4 (3.8 by this formula), and 2,000 at 4 but not 8 (19).

    References
    ----------
    Polyak, "Some methods of speeding up the convergence of iteration methods", USSR Comput. Math. Math. Phys. 1964.

    Examples
    --------
    >>> from normenc import stimuli
    >>> images = stimuli.gratings(np.arange(-180, 180, 6), resolution=0.025)
    >>> [round(largest_learning_rate(images, n), 2) for n in (200, 2000, 23589)]
    [1.91, 18.99, 212.49]
    """
    network = neuromatch_network(_flat_shape(images), 1)
    with torch.no_grad():
        features = network.core(torch.from_numpy(as_array(images, "images")).float()).flatten(1).double().numpy()
    design = np.column_stack((features, np.ones(len(features))))
    curvature = 2 * np.linalg.norm(design, 2) ** 2 / len(design) / n_neurons + 2 * l2
    return float(2 * (1 + momentum) / curvature)


def _flat_shape(images: Any) -> tuple[int, int]:
    height, width = as_array(images, "images").shape[-2:]
    return height, width
