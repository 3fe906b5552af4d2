"""Tasks with oriented gratings: tilt discrimination, estimation of orientation, and of spatial frequency with it."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch.nn import functional

from normenc import stimuli
from normenc.errors import InputError
from normenc.keys import Fraction, Frequency, NotNegative, Range, named
from normenc.stimuli import StimulusSet
from normenc.tasks.references import Reference, ReferencedTask, edge_orientation, regressed
from normenc.tasks.scores import explained_variance
from normenc.tasks.task import TASKS, Rng

__all__ = ["GratingTask", "OrientationAndFrequency", "OrientationEstimation", "TiltDiscrimination"]


@dataclass(frozen=True)
class GratingTask(ReferencedTask):
    """A task with gratings; a pair of numbers is a range from which each grating's value is drawn.

    Parameters
    ----------
    n_train, n_test : int
        Numbers of training and test orientations, uniform in (-90, 90) degrees.
    spatial_frequency, contrast : float or (float, float)
    random_phase : bool
        Phases uniform in (0, 360) degrees; otherwise 0.
    noise : float
        Standard deviation of Gaussian noise on every pixel.
    waveform, aperture, resolution, patch
        See :func:`normenc.stimuli.gratings`.

    Raises
    ------
    InputError
        If there is nothing to train or test on, or a parameter of the gratings is impossible.
    """

    spatial_frequency: Frequency | Range = 1 / 28
    contrast: Fraction | Range = 1.0
    random_phase: bool = False
    noise: NotNegative = 0.0
    waveform: Literal["square", "sine"] = "square"
    aperture: Literal["hard", "gaussian"] | None = None
    resolution: float = 0.1
    patch: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self._gratings(np.zeros(1), np.random.default_rng(0))  # raises InputError if impossible

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return stimuli.image_size(self.resolution)

    def _orientations(self, n: int, rng: Rng) -> np.ndarray:
        return (rng.random(n) - 0.5) * 180

    def _gratings(self, orientations: np.ndarray, rng: Rng) -> StimulusSet:
        options: dict[str, Any] = {
            name: getattr(self, name) for name in ("noise", "waveform", "aperture", "resolution", "patch")
        }
        ranges: dict[str, Any] = {
            name: _as_range(getattr(self, name), name) for name in ("spatial_frequency", "contrast")
        }
        phase = (0.0, 360.0) if self.random_phase else (0.0, 0.0)
        return stimuli.varied_gratings(orientations, rng, phase=phase, **ranges, **options)


@named(TASKS, "tilt-discrimination")
@dataclass(frozen=True)
class TiltDiscrimination(GratingTask):
    """The task of the reference study: whether a grating is tilted to the right of vertical.

    Since a grating at -90 is the same image as one at 90 degrees, the task has a second, hidden boundary there. Both
    boundaries limit the accuracy in two ways. Square waves without noise, at phase 0, are the same image on both sides
    as long as no pixel crosses an edge: up to 0.011 degrees away from 0 and 0.008 from 90 degrees at 48 x 64 pixels,
    half of which must be answered wrongly, 0.0001 of all gratings. Where the boundaries lie within the gap between the
    neighbouring training stimuli, a network cannot know: with n of them the gap is 360 / n degrees wide on average,
    and a boundary drawn through its middle is 90 / n degrees away from the right one, so that 1 / n of all stimuli are
    answered wrongly by two boundaries: 0.001 of them with 1,000.

    Its simple solution is the sign of the edges' orientation (:func:`~normenc.tasks.references.edge_orientation`).
    Three quarters of the way to it count as learned, 0.875 if it is always right. For the parameters see
    :class:`normenc.tasks.gratings.GratingTask`.

    Examples
    --------
    >>> images, targets = TiltDiscrimination().sample(4, np.random.default_rng(0))
    >>> images.shape, targets.shape
    (torch.Size([4, 48, 64]), torch.Size([4, 1]))
    """

    n_outputs: ClassVar[int] = 1
    output: ClassVar[str] = "probability"
    chance: ClassVar[float] = 0.5

    def sample(self, n: int, rng: Rng) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw `n` gratings with orientations uniform in (-90, 90) degrees.

        Returns
        -------
        images : Tensor, shape (n, height, width)
        targets : Tensor, shape (n, 1)
            1 if the orientation is positive, otherwise 0.
        """
        orientations = self._orientations(n, rng)
        targets = torch.from_numpy((orientations > 0).astype(np.float32))[:, None]
        return self._gratings(orientations, rng).images, targets

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Mean binary cross-entropy of the probabilities `outputs`, shape (n, 1). Lower is better; 0 is perfect."""
        return functional.binary_cross_entropy(outputs, targets)

    def smoothed(self, targets: torch.Tensor, share: float) -> torch.Tensor:
        """Probabilities of tilt to the right, of which a share is spread evenly over right and left."""
        return targets * (1 - share) + share / 2

    def score(self, outputs: torch.Tensor, targets: torch.Tensor) -> float:
        """Accuracy: fraction of stimuli on whose side of 0.5 the probability falls, 0 to 1, higher is better."""
        return float(((outputs > 0.5) == (targets > 0.5)).double().mean())

    def reference(self, rng: Rng) -> Reference:
        """The side to which the edges are tilted, by the structure tensor."""
        return self._scored_reference(
            "orientation of the edges",
            rng,
            lambda images, targets, fresh: torch.from_numpy(edge_orientation(fresh) > 0).double()[:, None],
        )


@named(TASKS, "orientation-estimation")
@dataclass(frozen=True)
class OrientationEstimation(GratingTask):
    r"""Estimate the orientation, on its circle of 180 degrees: :math:`\cos 2\theta` and :math:`\sin 2\theta`.

    Its simple solution is the orientation of the edges (:func:`~normenc.tasks.references.edge_orientation`), a few
    hundredths of a degree away. Three quarters of the way from chance to it count as learned, 11.3 degrees, about
    what a mouse can tell apart. For the parameters see :class:`normenc.tasks.gratings.GratingTask`.

    Examples
    --------
    >>> task = OrientationEstimation()
    >>> images, targets = task.sample(4, np.random.default_rng(0))
    >>> task.score(targets, targets)
    0.0
    """

    n_outputs: ClassVar[int] = 2
    score_name: ClassVar[str] = "mean circular error in degrees"
    higher_is_better: ClassVar[bool] = False
    chance: ClassVar[float] = 45.0

    def sample(self, n: int, rng: Rng) -> tuple[torch.Tensor, torch.Tensor]:
        r"""Draw `n` gratings with orientations uniform in (-90, 90) degrees.

        Returns
        -------
        images : Tensor, shape (n, height, width)
        targets : Tensor, shape (n, 2)
            :math:`\cos 2\theta` and :math:`\sin 2\theta`.
        """
        orientations = self._orientations(n, rng)
        return self._gratings(orientations, rng).images, _on_circle(orientations).float()

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Mean squared error. Lower is better; 0 is perfect, 0.5 a constant answer."""
        return functional.mse_loss(outputs, targets)

    def score(self, outputs: torch.Tensor, targets: torch.Tensor) -> float:
        """Mean circular error of the orientation in degrees, 0 to 90, lower is better."""
        told, true = (torch.atan2(values[:, 1], values[:, 0]) for values in (outputs.double(), targets.double()))
        away = torch.remainder(told - true + torch.pi, 2 * torch.pi) - torch.pi
        return float(torch.rad2deg(away.abs()).mean()) / 2

    def reference(self, rng: Rng) -> Reference:
        """The orientation of the edges, by the structure tensor."""
        return self._scored_reference(
            "orientation of the edges", rng, lambda images, targets, fresh: _on_circle(edge_orientation(fresh))
        )


@named(TASKS, "orientation-and-frequency")
@dataclass(frozen=True)
class OrientationAndFrequency(GratingTask):
    r"""Estimate orientation and spatial frequency together, two parameters that V1 neurons are tuned to.

    Spatial frequencies are uniform on a logarithmic axis, as the tuning of V1 neurons is (De Valois et al.).

    Its simple solution is the orientation of the edges with the spatial frequency by ridge regression on Gabor energy;
    three quarters of the way from chance to it count as learned. For the parameters see
    :class:`normenc.tasks.gratings.GratingTask`.

    References
    ----------
    De Valois, Albrecht & Thorell, "Spatial frequency selectivity of cells in macaque visual cortex", Vision Research
    1982.

    Examples
    --------
    >>> images, targets = OrientationAndFrequency().sample(4, np.random.default_rng(0))
    >>> images.shape, targets.shape
    (torch.Size([4, 48, 64]), torch.Size([4, 3]))
    """

    spatial_frequency: Frequency | Range = (1 / 56, 1 / 14)
    random_phase: bool = True

    n_outputs: ClassVar[int] = 3
    score_name: ClassVar[str] = "explained variance, mean of orientation and spatial frequency"
    chance: ClassVar[float] = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        low, high = _as_range(self.spatial_frequency, "spatial_frequency")
        if not low < high:
            raise InputError(
                f"spatial_frequency is {self.spatial_frequency}; to be estimated it must vary: give the smallest and "
                "the largest, such as (0.02, 0.07)"
            )

    def sample(self, n: int, rng: Rng) -> tuple[torch.Tensor, torch.Tensor]:
        r"""Draw `n` gratings with orientations uniform in (-90, 90) degrees.

        Returns
        -------
        images : Tensor, shape (n, height, width)
        targets : Tensor, shape (n, 3)
            :math:`\cos 2\theta`, :math:`\sin 2\theta`, and the logarithm of the spatial frequency, -1 for the lowest
            and 1 for the highest.
        """
        orientations = self._orientations(n, rng)
        drawn = self._gratings(orientations, rng)
        low, high = np.log(_as_range(self.spatial_frequency, "spatial_frequency"))
        place = 2 * (np.log(drawn.parameters["spatial_frequency"].to_numpy()) - low) / (high - low) - 1
        targets = torch.cat([_on_circle(orientations), torch.from_numpy(place)[:, None]], dim=1)
        return drawn.images, targets.float()

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Mean squared error. Lower is better; 0 is perfect, 4/9 a constant answer."""
        return functional.mse_loss(outputs, targets)

    def score(self, outputs: torch.Tensor, targets: torch.Tensor) -> float:
        """Explained variance, of orientation on its circle and of spatial frequency, averaged: 1 is perfect."""
        parts = (slice(0, 2), slice(2, 3))
        return float(np.mean([explained_variance(outputs[:, part], targets[:, part]) for part in parts]))

    def reference(self, rng: Rng) -> Reference:
        """The orientation of the edges, and the spatial frequency by ridge regression on Gabor energy."""

        def answer(images: torch.Tensor, targets: torch.Tensor, fresh: torch.Tensor) -> torch.Tensor:
            return torch.cat([_on_circle(edge_orientation(fresh)), regressed(images, targets[:, 2:], fresh)], dim=1)

        return self._scored_reference("orientation of the edges, and ridge regression on Gabor energy", rng, answer)


def _on_circle(orientations: np.ndarray) -> torch.Tensor:
    """Cosine and sine of twice the orientations in degrees, shape (n, 2)."""
    doubled = np.deg2rad(2 * orientations)
    return torch.from_numpy(np.stack([np.cos(doubled), np.sin(doubled)], axis=1))


def _as_range(value: float | Range, name: str) -> tuple[float, float]:
    if isinstance(value, int | float):
        return float(value), float(value)
    if len(value) != 2:
        raise InputError(f"{name} is {value}; it must be one number, or the smallest and the largest")
    return float(value[0]), float(value[1])
