"""Tasks with oriented gratings: tilt discrimination and orientation estimation."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch.nn import functional

from normenc import stimuli
from normenc.errors import InputError
from normenc.keys import Fraction, Frequency, NotNegative, Range, named
from normenc.tasks.task import TASKS, Rng, Task

__all__ = ["GratingTask", "OrientationEstimation", "TiltDiscrimination"]


@dataclass(frozen=True)
class GratingTask(Task):
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

    def _gratings(self, orientations: np.ndarray, rng: Rng) -> torch.Tensor:
        options: dict[str, Any] = {
            name: getattr(self, name) for name in ("noise", "waveform", "aperture", "resolution", "patch")
        }
        ranges: dict[str, Any] = {
            name: _as_range(getattr(self, name), name) for name in ("spatial_frequency", "contrast")
        }
        phase = (0.0, 360.0) if self.random_phase else (0.0, 0.0)
        return stimuli.varied_gratings(orientations, rng, phase=phase, **ranges, **options).images


@named(TASKS, "tilt-discrimination")
@dataclass(frozen=True)
class TiltDiscrimination(GratingTask):
    """The task of the reference study: whether a grating is tilted to the right of vertical.

    Since a grating at -90 is the same image as one at 90 degrees, the task has a second, hidden boundary there, which
    no network can place exactly. For its parameters see :class:`normenc.tasks.gratings.GratingTask`.

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
        return self._gratings(orientations, rng), targets

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Mean binary cross-entropy of the probabilities `outputs`, shape (n, 1). Lower is better; 0 is perfect."""
        return functional.binary_cross_entropy(outputs, targets)

    def smoothed(self, targets: torch.Tensor, share: float) -> torch.Tensor:
        """Probabilities of tilt to the right, of which a share is spread evenly over right and left."""
        return targets * (1 - share) + share / 2

    def score(self, outputs: torch.Tensor, targets: torch.Tensor) -> float:
        """Accuracy: fraction of stimuli on whose side of 0.5 the probability falls, 0 to 1, higher is better."""
        return float(((outputs > 0.5) == (targets > 0.5)).double().mean())


@named(TASKS, "orientation-estimation")
@dataclass(frozen=True)
class OrientationEstimation(GratingTask):
    r"""Estimate the orientation, on its circle of 180 degrees: :math:`\cos 2\theta` and :math:`\sin 2\theta`.

    For its parameters see :class:`normenc.tasks.gratings.GratingTask`.

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
        doubled = np.deg2rad(2 * orientations)
        targets = torch.from_numpy(np.stack([np.cos(doubled), np.sin(doubled)], axis=1).astype(np.float32))
        return self._gratings(orientations, rng), targets

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Mean squared error. Lower is better; 0 is perfect, 0.5 a constant answer."""
        return functional.mse_loss(outputs, targets)

    def score(self, outputs: torch.Tensor, targets: torch.Tensor) -> float:
        """Mean circular error of the orientation in degrees, 0 to 90, lower is better."""
        told, true = (torch.atan2(values[:, 1], values[:, 0]) for values in (outputs.double(), targets.double()))
        away = torch.remainder(told - true + torch.pi, 2 * torch.pi) - torch.pi
        return float(torch.rad2deg(away.abs()).mean()) / 2


def _as_range(value: float | Range, name: str) -> tuple[float, float]:
    if isinstance(value, int | float):
        return float(value), float(value)
    if len(value) != 2:
        raise InputError(f"{name} is {value}; it must be one number, or the smallest and the largest")
    return float(value[0]), float(value[1])
