"""The course's own network fitted to neurons, the tests that it lacks, and the linear model that it amounts to.

The course (Neuromatch Academy, computational neuroscience, deep-learning day, tutorial 4) shows 60 gratings of 12 x 16
pixels, at directions 6 degrees apart, to a convolution without nonlinearity and a linear readout to every neuron. What
it leaves unsaid:

- Gratings at t and t + 180 degrees are one image, so that no model of the image tells them apart, though neurons that
  prefer a direction do: half of the 60 stimuli are copies of the other half.
- Its test is on other trials of the same stimuli: a model that knew its training responses by heart would do well.
  Here whole images can be held out, too, with all their directions.
- A convolution and a linear readout make a linear model of the pixels, with more weights than it needs.
- The loss is a mean over neurons, and its penalties are sums: learning rate and penalties are for the course's 23,589
  neurons. With 200 neurons the rate of 2 diverges (:func:`largest_learning_rate`).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from normenc.arrays import as_array, as_responses
from normenc.encoding.cores import GREY, ConvCore, same_images
from normenc.encoding.fitting import DivergenceError, FittedNetwork, fit
from normenc.encoding.penalties import Penalty
from normenc.encoding.readouts import EncodingNetwork, FullLinear
from normenc.errors import InputError
from normenc.recordings import Recording
from normenc.training.steps import Progress

__all__ = [
    "CourseFit",
    "PixelModel",
    "course_network",
    "explained_variance",
    "fit_course_network",
    "fit_pixel_model",
    "halves_of_trials",
    "largest_learning_rate",
    "linear_filters",
]

LEARNING_RATE, MOMENTUM, N_STEPS = 2.0, 0.9, 200
L2, L1 = 5e-4, 1e-6
N_CHANNELS, FILTER_SIZE = 6, 7
COURSE_NEURONS = 23_589
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class PixelModel:
    """A linear model of the pixels.

    Attributes
    ----------
    weights : ndarray, shape (n_neurons, height, width)
    intercept : ndarray, shape (n_neurons,)
        Response to a grey image.
    """

    weights: npt.NDArray[np.float64]
    intercept: npt.NDArray[np.float64]

    def predict(self, images: Any) -> npt.NDArray[np.float64]:
        """Responses to images (n, height, width), shape (n, n_neurons)."""
        return _flat(images) @ self.weights.reshape(len(self.weights), -1).T + self.intercept


@dataclass(frozen=True)
class CourseFit:
    """A model fitted as the course does, and how well it predicts.

    Attributes
    ----------
    model : FittedNetwork or PixelModel
    explained_variance : DataFrame, n_neurons rows
        R squared over stimuli of each neuron, 1 at best, below 0 where the mean would do better: ``training``;
        ``held_out_trials`` (other trials of the stimuli that were fitted), the course's test; and ``held_out_images``
        (the same trials of the images that were not; NaN where none were held out).
    held_out_images : ndarray of int
        Rows of the stimuli whose images were held out.
    """

    model: FittedNetwork | PixelModel
    explained_variance: pd.DataFrame
    held_out_images: Rows


def fit_course_network(
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
) -> CourseFit:
    r"""Fit the course's network to neurons, and test it on other trials and, where wanted, on other images.

    One convolution (:func:`course_network`) and a linear readout; gradient descent with momentum on all stimuli at
    once; the mean squared error plus ``l2`` times the sum of the readout's squared weights and ``l1`` times that of
    their absolute values. What differs from the course: biases start at the neurons' means, which are 0 in z-scores.

    Parameters
    ----------
    images : array_like, shape (n_stimuli, height, width)
        Grey values 0 to 1; the course's have 12 x 16 pixels, ``stimuli.gratings(..., resolution=0.025)``.
    responses : array_like, shape (n_stimuli, n_neurons)
        Averages over the trials to fit; z-scores over stimuli in the course, see :func:`halves_of_trials`.
    held_out : array_like, shape (n_stimuli, n_neurons)
        Averages over other trials of the same stimuli.
    share_of_images : float
        Of the different images, how many to hold out, with all stimuli that show them; 0 is the course.
    n_steps : int
    learning_rate, momentum, l2, l1 : float
        For `n` neurons, each neuron's readout takes the course's path with a rate of ``2 * n / 23589`` and penalties
        multiplied by ``23589 / n``.
    seed : int
    device : str or torch.device
        ``"auto"`` (a GPU where there is one), ``"cpu"``, ``"cuda"``.
    progress : bool or callable
        See :func:`normenc.encoding.fit`.

    Returns
    -------
    CourseFit
        Its model is a FittedNetwork, whose log has the loss on the fitted stimuli's other trials as ``held_out_loss``.

    Raises
    ------
    InputError
        When data disagree or a number is impossible; as ``DivergenceError`` when the loss explodes, with the largest
        learning rate that the readout bears.

    References
    ----------
    Neuromatch Academy, Computational Neuroscience, W1D5 (formerly W3D4) tutorial 4, section 3.2.

    Examples
    --------
    >>> from normenc import recordings, stimuli
    >>> recording = recordings.simulated_v1(20, n_repeats=4, direction=True, n_stimuli=24)
    >>> images = stimuli.gratings(recording.orientation, resolution=0.025)
    >>> options = {"learning_rate": 0.002, "n_steps": 5, "device": "cpu", "progress": False}
    >>> fitted = fit_course_network(images, *halves_of_trials(recording), share_of_images=0.2, **options)
    >>> fitted.held_out_images.tolist(), fitted.explained_variance.shape
    ([2, 9, 14, 21], (20, 3))
    """
    data = _Split.of(images, responses, held_out, share_of_images, seed)
    penalties = [Penalty("l2", l2, average=False), Penalty("l1", l1, average=False)]
    try:
        model = fit(
            course_network,
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
            f"{error}: for {n_neurons} neurons the readout bears {bound:.3g} at most, and takes the course's path with "
            f"{LEARNING_RATE * n_neurons / COURSE_NEURONS:.2g}"
        ) from None
    return data.scored(model)


def fit_pixel_model(
    images: Any, responses: Any, held_out: Any, *, share_of_images: float = 0.0, l2: float = L2, seed: int = 0
) -> CourseFit:
    r"""Fit a linear model of the pixels beside the course's network, with the same test and the same penalty.

    Ridge regression in closed form: the minimum over :math:`w` of the mean over stimuli and neurons of
    :math:`(y - x w - b)^2`, plus ``l2`` times the sum of squared weights.

    Parameters
    ----------
    images, responses, held_out, share_of_images, seed
        See :func:`fit_course_network`; the same seed holds out the same images.
    l2 : float
        Above 0. A sum over neurons, as in the course.

    Returns
    -------
    CourseFit
        Its model is a PixelModel.

    Raises
    ------
    InputError
        When data disagree or a number is impossible.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> images, weights = rng.random((50, 3, 4)), rng.normal(size=(12, 2))
    >>> responses = images.reshape(50, -1) @ weights
    >>> fitted = fit_pixel_model(images, responses, responses, l2=1e-9)
    >>> bool(np.allclose(fitted.model.weights.reshape(2, -1), weights.T, atol=1e-4))
    True
    """
    if not 0 < l2 < np.inf:
        raise InputError(f"l2 is {l2}; it must be a positive number, since there are more pixels than stimuli")
    data = _Split.of(images, responses, held_out, share_of_images, seed)
    shown, wanted = _flat(data.images[data.fitted]), data.responses[data.fitted]
    centre, mean = shown.mean(axis=0), wanted.mean(axis=0)
    x, y = shown - centre, wanted - mean
    # As many equations as stimuli, which are fewer than pixels.
    weights = x.T @ np.linalg.solve(x @ x.T + l2 * y.size * np.eye(len(x)), y)
    return data.scored(PixelModel(weights.T.reshape(-1, *data.images.shape[1:]), mean - centre @ weights))


def course_network(image_size: tuple[int, int], n_neurons: int) -> EncodingNetwork:
    """Build the course's network: 6 filters of 7 x 7 pixels, no nonlinearity, a weight for every feature and neuron.

    Filters start at :func:`normenc.networks.initial_filters`, from each of which, as in the course's tutorial 4 but not
    in its tutorial 3, its mean is taken.

    Examples
    --------
    >>> network = course_network((12, 16), 50)
    >>> tuple(network.readout.weight.shape), network.core.filters().mean(dim=(1, 2)).abs().max().item() < 1e-7
    ((50, 6, 12, 16), True)
    """
    core = ConvCore(n_channels=N_CHANNELS, filter_size=FILTER_SIZE, nonlinearity="none", initial="study")
    filters = core.filters()[:, None]
    core.set_filters(filters - filters.mean(dim=(2, 3), keepdim=True))
    return EncodingNetwork(core, FullLinear((N_CHANNELS, *image_size), n_neurons))


def halves_of_trials(recording: Recording, *, seed: int = 0) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Average a random half of each stimulus' trials and the other half apart, as z-scores over the first's stimuli.

    Parameters
    ----------
    recording : Recording
        With trials, at least 2 a stimulus.
    seed : int

    Returns
    -------
    responses, held_out : ndarray, shape (n_stimuli, n_neurons)
        Both less the mean and over the standard deviation, over stimuli, of `responses`. The second has a trial more
        where their number is odd.

    Raises
    ------
    InputError
        When trials are not known, a stimulus has only one, or a neuron does not vary.

    Examples
    --------
    >>> from normenc import recordings
    >>> responses, held_out = halves_of_trials(recordings.simulated_v1(5, n_repeats=4, n_stimuli=10))
    >>> responses.shape, bool(np.allclose(responses.std(axis=0), 1))
    ((10, 5), True)
    """
    if recording.trials is None or recording.n_repeats[0] < 2:
        raise InputError(
            f"{recording.label} has stimuli with a single trial, or only averages; halves need at least 2 trials of "
            "every stimulus"
        )
    index, trials = recording.trials["stimulus_index"].to_numpy(), recording.trials.to_numpy().astype(np.float64)
    rng = np.random.default_rng([seed, 2])
    first, second = np.empty((2, recording.n_stimuli, trials.shape[1]))
    for stimulus in range(recording.n_stimuli):
        own = rng.permutation(np.flatnonzero(index == stimulus))
        first[stimulus], second[stimulus] = trials[own[: len(own) // 2]].mean(0), trials[own[len(own) // 2 :]].mean(0)
    mean, sd = first.mean(axis=0), first.std(axis=0)
    if (still := np.flatnonzero(sd == 0)).size:
        raise InputError(f"neuron {still[0]} does not vary over stimuli in half of the trials; leave it out")
    return (first - mean) / sd, (second - mean) / sd


def largest_learning_rate(images: Any, n_neurons: int, *, momentum: float = MOMENTUM, l2: float = L2) -> float:
    r"""Rate above which the course's readout diverges, with its filters as they start.

    Gradient descent with momentum :math:`\beta` on a quadratic converges for rates below
    :math:`2 (1 + \beta) / \lambda`, where :math:`\lambda` is its largest curvature. Here that is
    :math:`2 \lambda_X / n + 2 l_2`, with :math:`\lambda_X` the largest eigenvalue of the features' (and the bias's)
    mean outer product over stimuli and :math:`n` the number of neurons: fewer neurons bear a smaller rate. With many
    neurons the filters, which are trained too, set the limit, and it is lower: of simulated neurons 400 bear a rate of
    2 and not of 4 (3.8 by this formula), but 2,000 bear 4 and not 8 (19).

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
    network = course_network(_flat_shape(images), 1)
    with torch.no_grad():
        features = network.core(torch.from_numpy(as_array(images, "images")).float()).flatten(1).double().numpy()
    design = np.column_stack((features, np.ones(len(features))))
    curvature = 2 * np.linalg.norm(design, 2) ** 2 / len(design) / n_neurons + 2 * l2
    return float(2 * (1 + momentum) / curvature)


def linear_filters(model: FittedNetwork | PixelModel, image_size: tuple[int, int]) -> npt.NDArray[np.float64]:
    """What each pixel adds to each neuron's response, shape (n_neurons, height, width).

    The difference that one white pixel makes to a grey image, over its contrast: the whole of a linear model, and the
    receptive field around grey of any other.

    Examples
    --------
    >>> model = PixelModel(np.arange(12.0).reshape(1, 3, 4), np.zeros(1))
    >>> bool(np.allclose(linear_filters(model, (3, 4)), model.weights))
    True
    """
    n_pixels = image_size[0] * image_size[1]
    points = np.full((n_pixels + 1, n_pixels), GREY)
    points[np.arange(n_pixels), np.arange(n_pixels)] = 1
    answers = model.predict(points.reshape(-1, *image_size)).astype(np.float64)
    return ((answers[:-1] - answers[-1]) / (1 - GREY)).T.reshape(-1, *image_size)


def explained_variance(responses: npt.NDArray[Any], predicted: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    r"""R squared over stimuli, shape (n_neurons,): :math:`1 - \sum (y - \hat y)^2 / \sum (y - \bar y)^2`.

    NaN where a neuron does not vary.
    """
    error = np.square(responses - predicted).sum(axis=0)
    total = np.square(responses - responses.mean(axis=0)).sum(axis=0)
    return 1 - np.divide(error, total, out=np.full(total.shape, np.nan), where=total > 0)


@dataclass(frozen=True)
class _Split:
    """Stimuli to fit and stimuli whose images are held out."""

    images: npt.NDArray[Any]
    responses: npt.NDArray[Any]
    held_out: npt.NDArray[Any]
    fitted: Rows
    others: Rows

    @classmethod
    def of(cls, images: Any, responses: Any, held_out: Any, share: float, seed: int) -> "_Split":
        shown, first, second = as_array(images, "images"), as_responses(responses), as_responses(held_out)
        if not len(shown) == len(first) == len(second) or first.shape != second.shape:
            raise InputError(
                f"there are {len(shown)} images, responses {first.shape} and held-out responses {second.shape}; give a "
                "row a stimulus, and the same neurons, in all of them"
            )
        number = same_images(shown)
        n_different = int(number.max()) + 1
        n_others = round(share * n_different)
        if share < 0 or (share > 0 and not 1 < n_others < n_different - 1):
            raise InputError(
                f"share_of_images is {share}, of {n_different} different images {n_others}; at least 2 must be held "
                "out, for a variance to explain, and 2 left, or give 0"
            )
        chosen = np.random.default_rng([seed, 3]).permutation(n_different)[:n_others]
        others = np.isin(number, chosen)
        return cls(shown, first, second, np.flatnonzero(~others), np.flatnonzero(others))

    def scored(self, model: FittedNetwork | PixelModel) -> CourseFit:
        predicted = model.predict(self.images)
        scores = {
            "training": explained_variance(self.responses[self.fitted], predicted[self.fitted]),
            "held_out_trials": explained_variance(self.held_out[self.fitted], predicted[self.fitted]),
            "held_out_images": np.full(predicted.shape[1], np.nan),
        }
        if self.others.size:
            scores["held_out_images"] = explained_variance(self.held_out[self.others], predicted[self.others])
        return CourseFit(model, pd.DataFrame(scores), self.others)


def _flat(images: Any) -> npt.NDArray[np.float64]:
    """Pixels around grey, shape (n, n_pixels)."""
    values = as_array(images, "images").astype(np.float64) - GREY
    return values.reshape(len(values), -1)


def _flat_shape(images: Any) -> tuple[int, int]:
    height, width = as_array(images, "images").shape[-2:]
    return height, width
