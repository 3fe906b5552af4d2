"""Tasks that reconstruct patches of photographs: denoising and masked autoencoding."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch.nn import functional

from normenc import stimuli
from normenc.errors import InputError
from normenc.keys import NotNegative, Size, named
from normenc.tasks.references import N_FITTED, N_SCORED, Reference, ReferencedTask, inpainted, wiener_filtered
from normenc.tasks.scenes import check_folder, patches
from normenc.tasks.scores import explained_variance
from normenc.tasks.task import TASKS, Rng

__all__ = ["Denoising", "MaskedAutoencoding", "PatchTask", "check_middle", "middle_of"]

MASK_GREY = 0.5


def check_middle(middle: tuple[int, ...], size: tuple[int, int]) -> None:
    """Raise InputError unless `middle` is a height and a width within an image of this size, in pixels."""
    if len(middle) != 2 or not all(1 <= part <= side for part, side in zip(middle, size, strict=True)):
        raise InputError(
            f"middle is {middle}; it must be a height and a width in pixels, at most those of the patch, "
            f"{size[0]} x {size[1]}"
        )


def middle_of(images: torch.Tensor, middle: tuple[int, int]) -> torch.Tensor:
    """The middle part of images, shape (n, height * width), of which `middle` is height and width in pixels."""
    top, left = ((side - part) // 2 for side, part in zip(images.shape[1:], middle, strict=True))
    return images[:, top : top + middle[0], left : left + middle[1]].flatten(1)


@dataclass(frozen=True)
class PatchTask(ReferencedTask):
    """A task whose outputs are the pixels of a patch of a photograph.

    Test patches come from different photographs than training patches.

    Parameters
    ----------
    n_train, n_test : int
        Patches.
    resolution : float
        See :func:`normenc.stimuli.natural_patches`.
    folder : str, optional
        Of upright photographs, see :func:`normenc.stimuli.photograph_folder`; those that come with normenc by default.
    """

    resolution: float = 0.1
    folder: Annotated[str, Field(min_length=1)] | None = None

    score_name: ClassVar[str] = "explained variance"
    chance: ClassVar[float] = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        stimuli.image_size(self.resolution)

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return stimuli.image_size(self.resolution)

    @property
    def n_outputs(self) -> int:
        """One per pixel."""
        height, width = self.image_size
        return height * width

    def score(self, outputs: torch.Tensor, targets: torch.Tensor) -> float:
        """Explained variance: 1 is perfect, 0 as good as the mean patch, higher is better."""
        return explained_variance(outputs, targets)

    def sample(self, n: int, rng: Rng) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw `n` images; targets have shape (n, n_outputs)."""
        return self._shown(self._patches(n, rng, "train"), rng)

    def sample_test(self, n: int, rng: Rng) -> tuple[torch.Tensor, torch.Tensor]:
        """The same, from photographs that are not used for training."""
        return self._shown(self._patches(n, rng, "test"), rng)

    def _patches(self, n: int, rng: Rng, which: str) -> torch.Tensor:
        return patches(n, rng, which, self.folder, resolution=self.resolution).images

    @abstractmethod
    def _shown(self, patches: torch.Tensor, rng: Rng) -> tuple[torch.Tensor, torch.Tensor]:
        """Images and targets from patches."""

    def _as_images(self, flat: torch.Tensor) -> torch.Tensor:
        return flat.unflatten(1, self.image_size)


@named(TASKS, "denoising")
@dataclass(frozen=True)
class Denoising(PatchTask):
    """Denoise a patch of a photograph, through the network's few hidden units.

    Test patches come from different photographs than training patches. Its simple solution is the Wiener filter of the
    training patches (:func:`~normenc.tasks.references.wiener_filtered`), which keeps all spatial frequencies of which
    more is signal than noise; three quarters of the way to it count as learned.

    Parameters
    ----------
    n_train, n_test : int
        Patches.
    noise : float
        Standard deviation of Gaussian noise on every pixel of the input; grey values of the patches are between 0 and
        1.
    middle : (int, int), optional
        Height and width in pixels of the middle part that is to be recovered from the whole patch; all of it by
        default. A network with a few hundred hidden units has too few for all pixels.
    resolution : float
        See :func:`normenc.stimuli.natural_patches`.
    folder : str, optional
        Of upright photographs, see :func:`normenc.stimuli.photograph_folder`; those that come with normenc by default.

    Raises
    ------
    InputError
        If there is nothing to train or test on, or a parameter is impossible.

    References
    ----------
    Vincent, Larochelle, Bengio & Manzagol, "Extracting and composing robust features with denoising autoencoders",
    ICML 2008.

    Examples
    --------
    >>> images, targets = Denoising().sample(4, np.random.default_rng(0))
    >>> images.shape, targets.shape
    (torch.Size([4, 48, 64]), torch.Size([4, 3072]))
    """

    noise: NotNegative = 0.2
    middle: tuple[Size, Size] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (np.isfinite(self.noise) and self.noise >= 0):
            raise InputError(f"noise is {self.noise}; it must be a standard deviation of at least 0")
        check_middle(self.middle or self.image_size, self.image_size)
        check_folder(self)

    @property
    def n_outputs(self) -> int:
        """One per pixel that is to be recovered."""
        height, width = self.middle or self.image_size
        return height * width

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Mean squared error over pixels. Lower is better; 0 is perfect."""
        return functional.mse_loss(outputs, targets)

    def reference(self, rng: Rng) -> Reference:
        """The Wiener filter of training patches."""
        whole = self._patches(N_FITTED, rng, "train")
        fresh = self._patches(N_SCORED, rng, "test")
        found = wiener_filtered(self._noisy(whole, rng), whole, self._noisy(fresh, rng))
        return Reference("Wiener filter", self.score(self._middle(found), self._middle(fresh)))

    def _shown(self, patches: torch.Tensor, rng: Rng) -> tuple[torch.Tensor, torch.Tensor]:
        return self._noisy(patches, rng), self._middle(patches)

    def _noisy(self, patches: torch.Tensor, rng: Rng) -> torch.Tensor:
        return (patches + self.noise * torch.from_numpy(rng.standard_normal(patches.shape)).float()).clamp_(0, 1)

    def _middle(self, patches: torch.Tensor) -> torch.Tensor:
        return middle_of(patches, self.middle or self.image_size)


@named(TASKS, "masked-autoencoding")
@dataclass(frozen=True)
class MaskedAutoencoding(PatchTask):
    """Predict the hidden parts of a photograph from what is shown of it.

    The patch is cut into square blocks, of which some are covered with grey. The targets are the pixels of these
    blocks; pixels that were shown are NaN in the targets and do not count.

    Its simple solution lets a principal component analysis of training patches fill in what is hidden
    (:func:`~normenc.tasks.references.inpainted`); three quarters of the way to it count as learned.

    Parameters
    ----------
    n_train, n_test : int
        Patches of photographs; test patches come from different photographs.
    hidden : float
        Share of the blocks that are hidden, above 0 and below 1; at least one block is, and one is not.
    block : int
        Height and width of a block in pixels, which must divide those of the image.
    resolution : float
        See :func:`normenc.stimuli.natural_patches`.
    folder : str, optional
        Of upright photographs, see :func:`normenc.stimuli.photograph_folder`; those that come with normenc by default.

    Raises
    ------
    InputError
        If there is nothing to train or test on, or a parameter is impossible.

    References
    ----------
    He, Chen, Xie, Li, Dollár & Girshick, "Masked autoencoders are scalable vision learners", CVPR 2022.

    Examples
    --------
    >>> images, targets = MaskedAutoencoding().sample(4, np.random.default_rng(0))
    >>> images.shape, targets.shape, float(targets.isnan().double().mean())
    (torch.Size([4, 48, 64]), torch.Size([4, 3072]), 0.5)
    """

    hidden: Annotated[float, Field(gt=0, lt=1)] = 0.5
    block: Size = 8

    score_name: ClassVar[str] = "explained variance of hidden pixels"

    def __post_init__(self) -> None:
        super().__post_init__()
        height, width = self.image_size
        if self.block < 1 or height % self.block or width % self.block:
            raise InputError(
                f"block is {self.block}; it must be a number of pixels that divides height and width of the image, "
                f"{height} x {width}"
            )
        if not 0 < self.hidden < 1:
            raise InputError(f"hidden is {self.hidden}; it must be a share of the blocks, above 0 and below 1")
        if self._n_blocks() < 2:
            raise InputError(f"block is {self.block}; the image must contain at least two blocks")
        check_folder(self)

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Mean squared error over hidden pixels. Lower is better; 0 is perfect."""
        hidden = ~targets.isnan()
        return functional.mse_loss(outputs[hidden], targets[hidden])

    def reference(self, rng: Rng) -> Reference:
        """What a principal component analysis of training patches expects in the hidden blocks."""
        whole = self._patches(N_FITTED, rng, "train")
        _, targets = self._shown(fresh := self._patches(N_SCORED, rng, "test"), rng)
        found = inpainted(whole.flatten(1), fresh.flatten(1), targets.isnan())
        return Reference("principal components of the photographs", self.score(found, targets))

    def _n_blocks(self) -> int:
        height, width = self.image_size
        return (height // self.block) * (width // self.block)

    def _shown(self, patches: torch.Tensor, rng: Rng) -> tuple[torch.Tensor, torch.Tensor]:
        n_blocks = self._n_blocks()
        n_hidden = min(max(round(self.hidden * n_blocks), 1), n_blocks - 1)
        hidden = np.argsort(rng.random((len(patches), n_blocks)), axis=1) < n_hidden
        height, width = (side // self.block for side in self.image_size)
        blocks = torch.from_numpy(hidden).reshape(-1, height, width)
        pixels = blocks.repeat_interleave(self.block, dim=1).repeat_interleave(self.block, dim=2)
        return patches.masked_fill(pixels, MASK_GREY), patches.masked_fill(~pixels, torch.nan).flatten(1)
