"""Distance of two representations that vary from trial to trial: of their means, and of their trial covariances."""

from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_array
from normenc.errors import InputError
from normenc.rsa.labelled import labels_of, turned_stack
from normenc.rsa.labels import check_same

__all__ = ["stochastic_shape_distance"]

Floats = npt.NDArray[np.float64]
MOST_STEPS = 1000
SETTLED = 1e-12  # of what a step still gains, relative to the squared sizes


def stochastic_shape_distance(x: Any, y: Any) -> float:
    r"""Stochastic shape distance: how far apart the distributions of responses are; **lower** is more similar.

    :math:`\min_Q \sqrt{\frac{1}{S} \sum_i |\mu_i - \nu_i Q|^2 + B^2(\Sigma_i, Q^T \Lambda_i Q)}` over rotations and
    reflections Q, with :math:`\mu_i, \Sigma_i` the mean and the trial covariance of x for stimulus i and
    :math:`\nu_i, \Lambda_i` those of y, and B the Bures distance: the 2-Wasserstein distance of Gaussians. Each unit's
    mean over stimuli is subtracted first; the scale is not, so bring both to the same unit of response before. The
    narrower representation is padded with zeros. Q alternates with the rotation of each stimulus's noise, from the
    best rotation of the means on; this never gets worse, but may end in a local minimum.

    Parameters
    ----------
    x, y : array_like, shape (n_repeats_x, n_stimuli, n_x) and (n_repeats_y, n_stimuli, n_y)
        Repeats of the same stimuli in the same order, at least two each.

    Returns
    -------
    float
        In the unit of response. Covariances of few trials are noisy, so that it is above 0 for two recordings of one
        population.

    Raises
    ------
    InputError
        If there are fewer than two repeats or three stimuli, if stimuli differ, or responses are not finite.

    References
    ----------
    Duong, Zhou, Nassar, Berman, Olieslagers & Williams, "Representational dissimilarity metric spaces for stochastic
    neural networks", ICLR 2023.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(5, 4, 3))
    >>> round(stochastic_shape_distance(x, x[..., ::-1]), 6)
    0.0
    """
    parts, labels = [], []
    for name, given in (("first", x), ("second", y)):
        given = turned_stack(given, name)
        labels.append((f"the {name} repeats", labels_of(given, -2)))
        parts.append(_parts(given, name))
    (mean_x, noise_x), (mean_y, noise_y) = parts
    if len(mean_x) != len(mean_y):
        raise InputError(f"x and y have {len(mean_x)} and {len(mean_y)} stimuli; both must have the same stimuli")
    check_same(labels, "select and reorder the stimuli of one")
    largest = max(float(np.abs(v).max()) for v in (mean_x, noise_x, mean_y, noise_y))
    if not largest:
        return 0.0
    # So that no square overflows or underflows.
    mean_x, noise_x, mean_y, noise_y = (v / largest for v in (mean_x, noise_x, mean_y, noise_y))
    size = sum(float(np.square(v).sum()) for v in (mean_x, noise_x, mean_y, noise_y))
    kept, last = mean_y.T @ mean_x, -np.inf
    for _ in range(MOST_STEPS):
        rotation = _rotation(kept)
        turned_noise = np.einsum("itv,vu->itu", noise_y, rotation)
        between = np.einsum("isu,itu->ist", noise_x, turned_noise)
        left, strengths, right = np.linalg.svd(between, full_matrices=False)
        gained = float(np.sum(mean_x * (mean_y @ rotation)) + strengths.sum())
        if gained <= last + SETTLED * size:
            break
        last = gained
        kept = mean_y.T @ mean_x + np.einsum("itv,ist,isu->vu", noise_y, left @ right, noise_x)
    return float(largest * np.sqrt(max(size - 2 * max(gained, last), 0.0) / len(mean_x)))


def _parts(given: Any, name: str) -> tuple[Floats, Floats]:
    """Centred means (n_stimuli, n_units), and trials less means, whose products are each stimulus's covariance."""
    trials = as_array(given, name).astype(np.float64)
    if trials.ndim != 3 or 0 in trials.shape:
        raise InputError(f"the {name} repeats have shape {trials.shape}; they must be (n_repeats, n_stimuli, n_units)")
    if len(trials) < 2 or trials.shape[1] < 3:
        raise InputError(
            f"the number of {name} repeats is {len(trials)}, of {trials.shape[1]} stimuli; the trial covariance needs "
            "at least 2 repeats, and an alignment 3 stimuli"
        )
    if not np.isfinite(trials).all():
        raise InputError(
            f"the {name} repeats have responses that are NaN or infinite; leave out those stimuli or units"
        )
    mean = trials.mean(axis=0)
    noise = (trials - mean).transpose(1, 0, 2) / np.sqrt(len(trials) - 1)
    return mean - mean.mean(axis=0), noise


def _rotation(products: Floats) -> Floats:
    """The matrix Q, with orthonormal rows or columns, of the largest sum of Q * products."""
    left, _, right = np.linalg.svd(products, full_matrices=False)
    return np.asarray(left @ right)
