"""Tasks with photographs and objects: rotation estimation and classification."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch.nn import functional

from normenc import stimuli
from normenc.errors import InputError
from normenc.keys import named
from normenc.stimuli import StimulusSet
from normenc.tasks.task import TASKS, Rng, Task

__all__ = ["NaturalRotation", "ObjectRecognition"]


@named(TASKS, "natural-rotation")
@dataclass(frozen=True)
class NaturalRotation(Task):
    """Estimate by how much a patch of a photograph was rotated.

    Test patches come from different photographs than training patches.

    Parameters
    ----------
    n_train, n_test : int
        Patches.
    rotation : float
        Patches are rotated by uniform angles between minus and plus this, degrees.
    resolution : float
        See :func:`normenc.stimuli.natural_patches`.

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

    n_outputs: ClassVar[int] = 1
    score_name: ClassVar[str] = "mean absolute error in degrees"
    higher_is_better: ClassVar[bool] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.rotation <= 90:
            raise InputError(f"rotation is {self.rotation}; it must be above 0 and at most 90 degrees")
        stimuli.image_size(self.resolution)

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

    def _draw(self, n: int, rng: Rng, which: str) -> tuple[torch.Tensor, torch.Tensor]:
        drawn = stimuli.natural_patches(
            n, rng, photographs=stimuli.PHOTOGRAPHS[which], rotation=self.rotation, resolution=self.resolution
        )
        angles = drawn.parameters["rotation"].to_numpy() / self.rotation
        return drawn.images, torch.from_numpy(angles.astype(np.float32))[:, None]


@named(TASKS, "object-recognition")
@dataclass(frozen=True)
class ObjectRecognition(Task):
    """Classify objects: handwritten digits, or a folder of images with one subfolder per class.

    Parameters
    ----------
    n_train, n_test : int
        Images; those of a folder are drawn with replacement.
    folder : str, optional
        See :func:`normenc.stimuli.image_folder`; digits by default.
    rotation, background
        Of digits, see :func:`normenc.stimuli.digits`.
    resolution : float
        Image pixels per full-resolution pixel.

    Raises
    ------
    InputError
        If there is nothing to train or test on, a parameter is impossible, or the folder cannot be used.

    Examples
    --------
    >>> images, targets = ObjectRecognition().sample(4, np.random.default_rng(0))
    >>> images.shape, targets.shape
    (torch.Size([4, 48, 64]), torch.Size([4]))
    """

    folder: Annotated[str, Field(min_length=1)] | None = None
    rotation: Annotated[float, Field(ge=0, le=180)] = 30.0
    background: Literal["natural", "plain"] = "natural"
    resolution: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.folder is None:
            self._digits(1, np.random.default_rng(0), test=False)
        else:
            _ = self._images  # raises InputError if the folder cannot be used

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return stimuli.image_size(self.resolution)

    @cached_property
    def n_outputs(self) -> int:
        """The number of classes."""
        return 10 if self.folder is None else int(self._images[False].parameters["label"].max()) + 1

    @cached_property
    def chance(self) -> float:
        """The accuracy of always answering with the most frequent class: a tenth for digits."""
        if self.folder is None:
            return 0.1
        labels = self._images[True].parameters["label"]
        return float(labels.value_counts(normalize=True).max())

    def sample(self, n: int, rng: Rng) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw `n` images; targets, shape (n,), are the numbers of their classes."""
        return self._draw(n, rng, test=False)

    def sample_test(self, n: int, rng: Rng) -> tuple[torch.Tensor, torch.Tensor]:
        """The same, with objects and backgrounds that are not used for training."""
        return self._draw(n, rng, test=True)

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Mean cross-entropy in nats of `outputs`, logits of shape (n, n_outputs). Lower is better."""
        return functional.cross_entropy(outputs, targets)

    def smoothed(self, targets: torch.Tensor, share: float) -> torch.Tensor:
        """Probabilities of the classes, shape (n, n_outputs), of which a share is spread evenly over all."""
        labels = functional.one_hot(targets, self.n_outputs).float()
        return labels * (1 - share) + share / self.n_outputs

    def score(self, outputs: torch.Tensor, targets: torch.Tensor) -> float:
        """Accuracy: fraction of images whose class has the largest logit, 0 to 1, higher is better."""
        return float((outputs.argmax(dim=1) == targets).double().mean())

    @cached_property
    def _images(self) -> dict[bool, StimulusSet]:
        """The folder's images, for training (False) and testing (True)."""
        folder = Path(self.folder or "")
        return {test: stimuli.image_folder(folder, resolution=self.resolution, test=test) for test in (False, True)}

    def _digits(self, n: int, rng: Rng, *, test: bool) -> StimulusSet:
        return stimuli.digits(
            n, rng, rotation=self.rotation, background=self.background, resolution=self.resolution, test=test
        )

    def _draw(self, n: int, rng: Rng, *, test: bool) -> tuple[torch.Tensor, torch.Tensor]:
        if self.folder is None:
            drawn = self._digits(n, rng, test=test)
            return drawn.images, torch.from_numpy(drawn.parameters["digit"].to_numpy().astype(np.int64))
        there = self._images[test]
        chosen = rng.choice(len(there), size=n)
        labels = there.parameters["label"].to_numpy()[chosen]
        return there.images[torch.from_numpy(chosen)], torch.from_numpy(labels.astype(np.int64))
