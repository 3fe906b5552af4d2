"""Tasks with objects: which one it is, and where and how large it is."""

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
from normenc.stimuli.objects import SIZES
from normenc.tasks.references import Reference, ReferencedTask, classified, regressed
from normenc.tasks.scores import explained_variance
from normenc.tasks.task import TASKS, Rng

__all__ = ["ObjectLocation", "ObjectRecognition"]


@named(TASKS, "object-recognition")
@dataclass(frozen=True)
class ObjectRecognition(ReferencedTask):
    """Classify objects: handwritten digits, a folder of images with one subfolder per class, or a set of torchvision.

    Its simple solution is logistic regression on Gabor energy; three quarters of the way from chance to it count as
    learned.

    Parameters
    ----------
    n_train, n_test : int
        Images; those of a folder are drawn with replacement.
    folder : str, optional
        See :func:`normenc.stimuli.image_folder`; digits by default. With `dataset`, where its files lie.
    dataset : str, optional
        A data set of torchvision, such as "CIFAR10", see :func:`normenc.stimuli.torchvision_set`.
    augment : tuple of str
        Ways in which training images of a folder are varied each time they are drawn, once before training or, with
        ``n_train="fresh"``, every epoch: "crop", "flip", "colour" (brightness and contrast), "rotation", see
        :func:`normenc.stimuli.augmented`.
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
    dataset: Annotated[str, Field(min_length=1)] | None = None
    augment: tuple[Literal["crop", "flip", "colour", "rotation"], ...] = ()
    rotation: Annotated[float, Field(ge=0, le=180)] = 30.0
    background: Literal["natural", "plain"] = "natural"
    resolution: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.augment and self.folder is None:
            raise InputError(
                f"augment is {list(self.augment)}, but there is no folder; digits vary in place, size and rotation as "
                "they are drawn"
            )
        if self.dataset is not None and self.folder is None:
            raise InputError(f"dataset is {self.dataset!r}, but no folder says where its files lie; give one")
        stimuli.check_augmentations(self.augment)
        if self.folder is None:
            self._digits(1, np.random.default_rng(0), test=False)
        else:
            _ = self._labels  # raises InputError if the folder cannot be used

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return stimuli.image_size(self.resolution)

    @cached_property
    def n_outputs(self) -> int:
        """The number of classes."""
        return 10 if self.folder is None else int(max(labels.max() for labels in self._labels.values())) + 1

    @cached_property
    def chance(self) -> float:
        """The accuracy of always answering with the most frequent class: a tenth for digits."""
        if self.folder is None:
            return 0.1
        return float(np.bincount(self._labels[True]).max() / len(self._labels[True]))

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

    def reference(self, rng: Rng) -> Reference:
        """Logistic regression on Gabor energy."""

        def answer(images: torch.Tensor, labels: torch.Tensor, fresh: torch.Tensor) -> torch.Tensor:
            return classified(images, labels, fresh, self.n_outputs)

        return self._scored_reference("logistic regression on Gabor energy", rng, answer)

    @cached_property
    def _images(self) -> dict[bool, StimulusSet]:
        """The folder's images, for training (False) and testing (True)."""
        folder = Path(self.folder or "")
        return {test: stimuli.image_folder(folder, resolution=self.resolution, test=test) for test in (False, True)}

    @cached_property
    def _set(self) -> dict[bool, stimuli.LabelledImages]:
        """The data set's images, for training (False) and testing (True)."""
        name, folder = self.dataset or "", Path(self.folder or "")
        return {test: stimuli.torchvision_set(name, folder, test=test) for test in (False, True)}

    @cached_property
    def _labels(self) -> dict[bool, np.ndarray]:
        """The numbers of classes of a folder's or data set's images, for training (False) and testing (True)."""
        if self.dataset is not None:
            return {test: images.labels for test, images in self._set.items()}
        return {test: images.parameters["label"].to_numpy() for test, images in self._images.items()}

    def _digits(self, n: int, rng: Rng, *, test: bool) -> StimulusSet:
        return stimuli.digits(
            n, rng, rotation=self.rotation, background=self.background, resolution=self.resolution, test=test
        )

    def _draw(self, n: int, rng: Rng, *, test: bool) -> tuple[torch.Tensor, torch.Tensor]:
        if self.folder is None:
            drawn = self._digits(n, rng, test=test)
            return drawn.images, torch.from_numpy(drawn.parameters["digit"].to_numpy().astype(np.int64))
        chosen = rng.choice(len(self._labels[test]), size=n)
        labels = self._labels[test][chosen]
        if self.dataset is not None:
            images = self._set[test].images(chosen, self.image_size)
        else:
            images = self._images[test].images[torch.from_numpy(chosen)]
        if not test:
            images = stimuli.augmented(images, self.augment, rng)
        return images, torch.from_numpy(labels.astype(np.int64))


@named(TASKS, "object-location")
@dataclass(frozen=True)
class ObjectLocation(ReferencedTask):
    """Tell where an object is and how large, whatever it is: handwritten digits on a background.

    Its simple solution is ridge regression on Gabor energy; three quarters of the way to it count as learned.

    Parameters
    ----------
    n_train, n_test : int
        Images.
    rotation, background
        Of digits, see :func:`normenc.stimuli.digits`.
    resolution : float
        Image pixels per full-resolution pixel.

    Raises
    ------
    InputError
        If there is nothing to train or test on, or a parameter is impossible.

    References
    ----------
    Hong, Yamins, Majaj & DiCarlo, "Explicit information for category-orthogonal object properties increases along the
    ventral stream", Nature Neuroscience 2016.

    Examples
    --------
    >>> images, targets = ObjectLocation().sample(4, np.random.default_rng(0))
    >>> images.shape, targets.shape
    (torch.Size([4, 48, 64]), torch.Size([4, 3]))
    """

    rotation: Annotated[float, Field(ge=0, le=180)] = 30.0
    background: Literal["natural", "plain"] = "natural"
    resolution: float = 0.1

    n_outputs: ClassVar[int] = 3
    score_name: ClassVar[str] = "explained variance, mean of row, column and size"
    chance: ClassVar[float] = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.sample(1, np.random.default_rng(0))  # raises InputError if impossible

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return stimuli.image_size(self.resolution)

    def sample(self, n: int, rng: Rng) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw `n` images.

        Returns
        -------
        images : Tensor, shape (n, height, width)
        targets : Tensor, shape (n, 3)
            Row and column of the object's centre, -1 to 1 from one border of the image to the other, and its height,
            -1 for the smallest and 1 for the largest.
        """
        return self._draw(n, rng, test=False)

    def sample_test(self, n: int, rng: Rng) -> tuple[torch.Tensor, torch.Tensor]:
        """The same, with objects and backgrounds that are not used for training."""
        return self._draw(n, rng, test=True)

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Mean squared error. Lower is better; 0 is perfect."""
        return functional.mse_loss(outputs, targets)

    def score(self, outputs: torch.Tensor, targets: torch.Tensor) -> float:
        """Explained variance, averaged over row, column and size: 1 is perfect, 0 a constant answer."""
        columns = zip(outputs.unbind(dim=1), targets.unbind(dim=1), strict=True)
        return float(np.mean([explained_variance(told, true) for told, true in columns]))

    def reference(self, rng: Rng) -> Reference:
        """Ridge regression on Gabor energy."""
        return self._scored_reference("ridge regression on Gabor energy", rng, regressed)

    def _draw(self, n: int, rng: Rng, *, test: bool) -> tuple[torch.Tensor, torch.Tensor]:
        drawn = stimuli.digits(
            n, rng, rotation=self.rotation, background=self.background, resolution=self.resolution, test=test
        )
        height, width = self.image_size
        smallest, largest = (share * min(height, width) for share in SIZES)
        table = drawn.parameters
        targets = np.stack(
            [
                2 * table["row"] / height - 1,
                2 * table["column"] / width - 1,
                2 * (table["height"] - smallest) / (largest - smallest) - 1,
            ],
            axis=1,
        )
        return drawn.images, torch.from_numpy(targets.astype(np.float32))
