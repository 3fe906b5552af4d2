"""The linear pixel model equivalent to the Neuromatch Academy's network, and the tests of both."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from normenc.arrays import as_array, as_responses
from normenc.encoding.cores import GREY, same_images
from normenc.encoding.fitting import FittedNetwork
from normenc.encoding.held_out import Rows
from normenc.errors import InputError
from normenc.showing import Listed

__all__ = ["L2", "NeuromatchFit", "PixelModel", "Split", "explained_variance", "fit_pixel_model", "linear_filters"]

L2 = 5e-4


@dataclass(frozen=True, repr=False)
class PixelModel(Listed):
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


@dataclass(frozen=True, repr=False)
class NeuromatchFit(Listed):
    """A model fitted as the course does, and how well it predicts.

    Attributes
    ----------
    model : FittedNetwork or PixelModel
    explained_variance : DataFrame, n_neurons rows
        R squared over stimuli of each neuron, 1 at best, below 0 if the mean would do better: ``training``;
        ``held_out_trials`` (other trials of the stimuli that were fitted), the course's test; and ``held_out_images``
        (the same trials of the images that were not; NaN where none were held out).
    held_out_images : ndarray of int
        Rows of the stimuli whose images were held out.
    """

    model: FittedNetwork | PixelModel
    explained_variance: pd.DataFrame
    held_out_images: Rows


@dataclass(frozen=True)
class Split:
    """Stimuli to fit and stimuli whose images are held out."""

    images: npt.NDArray[Any]
    responses: npt.NDArray[Any]
    held_out: npt.NDArray[Any]
    fitted: Rows
    others: Rows

    @classmethod
    def of(cls, images: Any, responses: Any, held_out: Any, share: float, seed: int) -> "Split":
        """Hold out this share of the different images, with all stimuli that show them."""
        shown, first, second = as_array(images, "images"), as_responses(responses), as_responses(held_out)
        if not len(shown) == len(first) == len(second) or first.shape != second.shape:
            raise InputError(
                f"there are {len(shown)} images, responses {first.shape} and held-out responses {second.shape}; give "
                "one row per stimulus, and the same neurons, in all of them"
            )
        number = same_images(shown)
        n_different = int(number.max()) + 1
        n_others = round(share * n_different)
        if share < 0 or (share > 0 and not 1 < n_others < n_different - 1):
            raise InputError(
                f"share_of_images is {share}, which is {n_others} of {n_different} different images; at least 2 must "
                "be held out to have a variance to explain, and at least 2 left, or give 0"
            )
        chosen = np.random.default_rng([seed, 3]).permutation(n_different)[:n_others]
        others = np.isin(number, chosen)
        return cls(shown, first, second, np.flatnonzero(~others), np.flatnonzero(others))

    def scored(self, model: FittedNetwork | PixelModel) -> NeuromatchFit:
        """How well a model predicts the trials it was fitted to, other trials of the same stimuli, and other images."""
        predicted = model.predict(self.images)
        scores = {
            "training": explained_variance(self.responses[self.fitted], predicted[self.fitted]),
            "held_out_trials": explained_variance(self.held_out[self.fitted], predicted[self.fitted]),
            "held_out_images": np.full(predicted.shape[1], np.nan),
        }
        if self.others.size:
            scores["held_out_images"] = explained_variance(self.held_out[self.others], predicted[self.others])
        return NeuromatchFit(model, pd.DataFrame(scores), self.others)


def fit_pixel_model(
    images: Any, responses: Any, held_out: Any, *, share_of_images: float = 0.0, l2: float = L2, seed: int = 0
) -> NeuromatchFit:
    r"""Fit a linear model of the pixels, with the same test and the same penalty as the course's network.

    Ridge regression in closed form: the minimum over :math:`w` of the mean over stimuli and neurons of
    :math:`(y - x w - b)^2`, plus ``l2`` times the sum of squared weights.

    Parameters
    ----------
    images, responses, held_out, share_of_images, seed
        See :func:`normenc.encoding.fit_neuromatch_network`; the same seed holds out the same images.
    l2 : float
        Above 0. The penalty is a sum over neurons, as in the course.

    Returns
    -------
    NeuromatchFit
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
    data = Split.of(images, responses, held_out, share_of_images, seed)
    shown, wanted = _flat(data.images[data.fitted]), data.responses[data.fitted]
    centre, mean = shown.mean(axis=0), wanted.mean(axis=0)
    x, y = shown - centre, wanted - mean
    # One equation per stimulus, fewer than pixels.
    weights = x.T @ np.linalg.solve(x @ x.T + l2 * y.size * np.eye(len(x)), y)
    return data.scored(PixelModel(weights.T.reshape(-1, *data.images.shape[1:]), mean - centre @ weights))


def linear_filters(model: FittedNetwork | PixelModel, image_size: tuple[int, int]) -> npt.NDArray[np.float64]:
    """Contribution of each pixel to each neuron's response, shape (n_neurons, height, width).

    The change in response when one pixel of a grey image turns white, divided by its contrast: for a linear model its
    weights, for any other the receptive field around grey.

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

    NaN if a neuron does not vary.
    """
    error = np.square(responses - predicted).sum(axis=0)
    total = np.square(responses - responses.mean(axis=0)).sum(axis=0)
    return 1 - np.divide(error, total, out=np.full(total.shape, np.nan), where=total > 0)


def _flat(images: Any) -> npt.NDArray[np.float64]:
    """Pixels around grey, shape (n, n_pixels)."""
    values = as_array(images, "images").astype(np.float64) - GREY
    return values.reshape(len(values), -1)
