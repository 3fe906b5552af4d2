"""Estimating by how much a photograph was rotated."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch.nn import functional

from normenc import stimuli
from normenc.errors import InputError
from normenc.keys import Size, named
from normenc.stimuli.natural import ZOOM
from normenc.tasks.references import Reference, ReferencedTask, regressed
from normenc.tasks.scenes import check_folder, patches
from normenc.tasks.task import TASKS, Rng

__all__ = ["NaturalRotation"]


@named(TASKS, "natural-rotation")
@dataclass(frozen=True)
class NaturalRotation(ReferencedTask):
    """Estimate by how much a patch of a photograph was rotated.

    Test patches come from different photographs than training patches. Its simple solution is ridge regression on Gabor
    energy, which stays near chance or does worse: few photographs have edges that are vertical or horizontal by
    themselves. It is not the best one: on the histogram of edge orientations, ridge regression gets 7 % of the way from
    chance to a perfect answer. With either as the reference, half of this way counts as learned, 11.25 degrees if
    patches are rotated by up to 45.

    Parameters
    ----------
    n_train, n_test : int
        Patches.
    rotation : float
        Patches are rotated by uniform angles between minus and plus this, degrees.
    resolution : float
        See :func:`normenc.stimuli.natural_patches`.
    zoom : int
        Photograph pixels per image pixel: a larger number shows more of the photograph.
    folder : str, optional
        Of upright photographs, see :func:`normenc.stimuli.photograph_folder`; those that come with normenc by default.

    Raises
    ------
    InputError
        If there is nothing to train or test on, or a parameter is impossible.

    Examples
    --------
    >>> images, targets = NaturalRotation().sample(4, np.random.default_rng(0))
    >>> images.shape, targets.shape, bool((targets.abs() <= 1).all())
    (torch.Size([4, 48, 64]), torch.Size([4, 1]), True)
    """

    rotation: Annotated[float, Field(gt=0, le=90)] = 45.0
    resolution: float = 0.1
    zoom: Size = ZOOM
    folder: Annotated[str, Field(min_length=1)] | None = None

    n_outputs: ClassVar[int] = 1
    score_name: ClassVar[str] = "mean absolute error in degrees"
    higher_is_better: ClassVar[bool] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.rotation <= 90:
            raise InputError(f"rotation is {self.rotation}; it must be above 0 and at most 90 degrees")
        stimuli.image_size(self.resolution)
        check_folder(self)

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return stimuli.image_size(self.resolution)

    @property
    def chance(self) -> float:
        """The error of always answering 0: half the largest rotation."""
        return self.rotation / 2

    def sample(self, n: int, rng: Rng) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw `n` rotated patches; targets, shape (n, 1), are the rotation in units of the largest."""
        return self._draw(n, rng, "train")

    def sample_test(self, n: int, rng: Rng) -> tuple[torch.Tensor, torch.Tensor]:
        """The same, from photographs that are not used for training."""
        return self._draw(n, rng, "test")

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Mean squared error, in units of the largest rotation. Lower is better; 0 is perfect, 1/3 is always 0."""
        return functional.mse_loss(outputs, targets)

    def score(self, outputs: torch.Tensor, targets: torch.Tensor) -> float:
        """Mean absolute error in degrees, lower is better."""
        return float((outputs.double() - targets.double()).abs().mean()) * self.rotation

    def reference(self, rng: Rng) -> Reference:
        """Ridge regression on Gabor energy."""
        return self._scored_reference("ridge regression on Gabor energy", rng, regressed)

    def _draw(self, n: int, rng: Rng, which: str) -> tuple[torch.Tensor, torch.Tensor]:
        drawn = patches(n, rng, which, self.folder, rotation=self.rotation, resolution=self.resolution, zoom=self.zoom)
        angles = drawn.parameters["rotation"].to_numpy() / self.rotation
        return drawn.images, torch.from_numpy(angles.astype(np.float32))[:, None]
