"""The best known simple solution of a task, and the score from which on a network has learned it."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from normenc.controls import gabor_energy
from normenc.tasks.task import Rng, Task

__all__ = [
    "N_FITTED",
    "N_SCORED",
    "Reference",
    "ReferencedTask",
    "classified",
    "edge_orientation",
    "inpainted",
    "reference_once",
    "regressed",
    "wiener_filtered",
]

N_FITTED, N_SCORED = 1000, 500  # stimuli that a reference is fitted to, and on which it is scored
LEARNED_SHARE = 0.75  # of the way from chance to the reference
LEAST_SHARE = 0.1  # of the way from chance to a perfect answer; a reference that gets less far is no yardstick
EDGE_SCALE = 2.0  # pixels, standard deviation of the Gaussian whose derivatives measure edges
PENALTIES = np.logspace(0, 6, 13)  # of ridge regression on standardised features
INVERSE_PENALTY = 0.01  # of logistic regression on standardised features
N_COMPONENTS = 100  # principal components


class Reference(NamedTuple):
    """The best known simple solution of a task.

    Attributes
    ----------
    name : str
        What it is.
    score : float
        Its score on test stimuli, as the task scores a network.
    """

    name: str
    score: float


@dataclass(frozen=True)
class ReferencedTask(Task):
    """A task whose best simple solution is known, so that a network can be held against it.

    A network counts as having learned the task once its score is three quarters of the way from chance to the
    reference (:attr:`learned_at`): what a simple solution reaches is possible with these stimuli, and a network that
    stays far below it cannot stand for the task. A reference that covers less than a tenth of the way from chance to a
    perfect answer is no yardstick; then it is half of that way, as for any :class:`Task`.
    """

    @abstractmethod
    def reference(self, rng: Rng) -> Reference:
        """The best known simple solution, fitted to training stimuli and scored on test stimuli.

        Parameters
        ----------
        rng : Generator or RandomState
            Of the stimuli: 1,000 that it is fitted to, if it is fitted, and 500 on which it is scored.
        """

    @property
    def learned_at(self) -> float:
        """Three quarters of the way from chance to the reference, whose stimuli have the seed 0."""
        reference = reference_once(self)
        share = (reference.score - self.chance) / (self.perfect - self.chance)
        if share < LEAST_SHARE:
            return super().learned_at
        return self.chance + LEARNED_SHARE * (reference.score - self.chance)

    def _scored_reference(
        self, name: str, rng: Rng, answer: Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
    ) -> Reference:
        """The score of `answer`, which gets training images, their targets and test images."""
        images, targets = self.sample(N_FITTED, rng)
        fresh_images, fresh_targets = self.sample_test(N_SCORED, rng)
        return Reference(name, self.score(answer(images, targets, fresh_images), fresh_targets))


def reference_once(task: ReferencedTask) -> Reference:
    """The reference of a task with stimuli of the seed 0, found once."""
    try:
        return _reference_once(task)
    except TypeError:  # a task that is not hashable
        return _reference_of(task)


def _reference_of(task: ReferencedTask) -> Reference:
    return task.reference(np.random.default_rng(0))


_reference_once = lru_cache(maxsize=100)(_reference_of)


def edge_orientation(images: torch.Tensor) -> npt.NDArray[np.float64]:
    """Orientation of all edges of an image together, from its structure tensor, degrees from vertical.

    The direction in which grey values change most, over the whole image: that of the Fourier amplitude spectrum's
    second moments.

    Parameters
    ----------
    images : Tensor, shape (n, height, width)

    Returns
    -------
    ndarray, shape (n,)
        -90 to 90; positive is tilted right.

    References
    ----------
    Bigün & Granlund, "Optimal orientation detection of linear symmetry", ICCV 1987.

    Examples
    --------
    >>> from normenc.stimuli import gratings
    >>> edge_orientation(gratings([-30, 0, 80])).round()
    array([-30.,   0.,  80.])
    """
    from scipy.ndimage import gaussian_filter1d

    grey = images.double().numpy()
    margin = min(round(3 * EDGE_SCALE), (min(grey.shape[1:]) - 1) // 2)

    def slope(along: int, across: int) -> npt.NDArray[np.float64]:
        smooth = gaussian_filter1d(gaussian_filter1d(grey, EDGE_SCALE, axis=along, order=1), EDGE_SCALE, axis=across)
        return smooth[:, margin : grey.shape[1] - margin, margin : grey.shape[2] - margin]

    down, right = slope(1, 2), slope(2, 1)
    product, difference = (down * right).sum(axis=(1, 2)), (right**2 - down**2).sum(axis=(1, 2))
    return np.rad2deg(np.arctan2(2 * product, difference) / 2)


def classified(images: torch.Tensor, labels: torch.Tensor, fresh_images: torch.Tensor, n_classes: int) -> torch.Tensor:
    """Log-probabilities of classes, (n, n_classes), for fresh images by logistic regression on Gabor energy."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(C=INVERSE_PENALTY, max_iter=200))
    model.fit(gabor_energy(images)["energy"].numpy(), labels.numpy())
    found = model.predict_log_proba(gabor_energy(fresh_images)["energy"].numpy())
    scores = torch.full((len(found), n_classes), -torch.inf, dtype=torch.float64)
    scores[:, torch.from_numpy(model.classes_)] = torch.from_numpy(found).double()
    return scores


def regressed(images: torch.Tensor, targets: torch.Tensor, fresh_images: torch.Tensor) -> torch.Tensor:
    """Targets of fresh images, shape (n, n_targets), by ridge regression on Gabor energy.

    The penalty of each target is chosen by generalised cross-validation.
    """
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), RidgeCV(PENALTIES, alpha_per_target=targets.shape[1] > 1))
    model.fit(gabor_energy(images)["energy"].double().numpy(), targets.double().numpy())
    found = torch.from_numpy(model.predict(gabor_energy(fresh_images)["energy"].double().numpy()))
    return found.reshape(len(fresh_images), -1)


def wiener_filtered(noisy: torch.Tensor, clean: torch.Tensor, fresh: torch.Tensor) -> torch.Tensor:
    """Fresh noisy images through the Wiener filter of other images, the best linear filter for stationary ones.

    It works on cosines, which continue an image by its mirror image: otherwise the filter would take borders for edges.

    Parameters
    ----------
    noisy, clean : Tensor, shape (n, height, width)
        From which the mean image, the mean power spectrum and the noise are estimated.
    fresh : Tensor, shape (n_fresh, height, width)

    Returns
    -------
    Tensor, shape (n_fresh, height, width)
        float64.

    References
    ----------
    Wiener, "Extrapolation, interpolation, and smoothing of stationary time series", 1949.
    """
    from scipy.fft import dctn, idctn

    noise = float((noisy.double() - clean.double()).var())
    mean = clean.double().mean(dim=0)

    def spectrum(images: torch.Tensor) -> npt.NDArray[np.float64]:
        return dctn((images.double() - mean).numpy(), axes=(1, 2), norm="ortho")

    power = np.square(spectrum(clean)).mean(axis=0)
    kept = spectrum(fresh) * (power / np.maximum(power + noise, np.finfo(float).tiny))
    return torch.from_numpy(idctn(kept, axes=(1, 2), norm="ortho")) + mean


def inpainted(images: torch.Tensor, fresh: torch.Tensor, shown: torch.Tensor) -> torch.Tensor:
    """Whole images from the pixels of fresh ones that are shown, by principal components of other images.

    The expected image of a Gaussian distribution whose covariance is that of `images` in its 100 leading components,
    and the same in all other directions (probabilistic principal component analysis).

    Parameters
    ----------
    images : Tensor, shape (n, n_pixels)
    fresh : Tensor, shape (n_fresh, n_pixels)
        Only pixels that are shown are used.
    shown : bool Tensor, shape (n_fresh, n_pixels)

    Returns
    -------
    Tensor, shape (n_fresh, n_pixels)
        float64.

    References
    ----------
    Tipping & Bishop, "Probabilistic principal component analysis", J. R. Statist. Soc. B 1999.
    """
    from sklearn.decomposition import PCA

    n_components = min(N_COMPONENTS, len(images) - 1, images.shape[1] - 1)
    model = PCA(n_components, svd_solver="randomized", random_state=0).fit(images.double().numpy())
    spread = np.sqrt(np.maximum(model.explained_variance_ - model.noise_variance_, 0))
    loadings = model.components_.T * spread
    whole = np.empty(fresh.shape)
    for row, (image, seen) in enumerate(zip(fresh.double().numpy(), shown.numpy(), strict=True)):
        known = loadings[seen]
        precision = known.T @ known + model.noise_variance_ * np.eye(n_components)
        factors = np.linalg.solve(precision, known.T @ (image - model.mean_)[seen])
        whole[row] = model.mean_ + loadings @ factors
    return torch.from_numpy(whole)
