"""Tasks without labels: denoising and contrastive learning."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from torch.nn import functional

from normenc import stimuli
from normenc.errors import InputError
from normenc.keys import Fraction, NotNegative, Positive, Range, Units, named
from normenc.tasks.gratings import GratingTask
from normenc.tasks.task import TASKS, Rng, Task

__all__ = ["ContrastiveInvariance", "Denoising"]

GROUP = 100  # stimuli among which a partner is searched
MARGIN = 1.25  # size of the patch that views are cut from, relative to a view


@named(TASKS, "denoising")
@dataclass(frozen=True)
class Denoising(Task):
    """Denoise a patch of a photograph, through the network's few hidden units.

    Test patches come from different photographs than training patches.

    Parameters
    ----------
    n_train, n_test : int
        Patches.
    noise : float
        Standard deviation of Gaussian noise on every pixel of the input; grey values of the patches are between 0 and
        1.
    resolution : float
        See :func:`normenc.stimuli.natural_patches`.

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
    resolution: float = 0.1

    score_name: ClassVar[str] = "explained variance"
    chance: ClassVar[float] = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (np.isfinite(self.noise) and self.noise >= 0):
            raise InputError(f"noise is {self.noise}; it must be a standard deviation of at least 0")
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

    def sample(self, n: int, rng: Rng) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw `n` noisy patches; targets, shape (n, height * width), are the patches without noise."""
        return self._draw(n, rng, "train")

    def sample_test(self, n: int, rng: Rng) -> tuple[torch.Tensor, torch.Tensor]:
        """The same, from photographs that are not used for training."""
        return self._draw(n, rng, "test")

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Mean squared error over pixels. Lower is better; 0 is perfect."""
        return functional.mse_loss(outputs, targets)

    def score(self, outputs: torch.Tensor, targets: torch.Tensor) -> float:
        """Explained variance: 1 is perfect, 0 as good as the mean patch, higher is better."""
        truth = targets.double()
        left = (outputs.double() - truth).square().sum()
        return float(1 - left / (truth - truth.mean(dim=0)).square().sum())

    def _draw(self, n: int, rng: Rng, which: str) -> tuple[torch.Tensor, torch.Tensor]:
        clean = stimuli.natural_patches(
            n, rng, photographs=stimuli.PHOTOGRAPHS[which], resolution=self.resolution
        ).images
        noisy = clean + self.noise * torch.from_numpy(rng.standard_normal(clean.shape)).float()
        return noisy.clamp_(0, 1), clean.flatten(1)


@named(TASKS, "contrastive-invariance")
@dataclass(frozen=True)
class ContrastiveInvariance(GratingTask):
    r"""Match two views of a scene among views of others, and so become invariant to what differs between views.

    The normalised temperature-scaled cross-entropy of SimCLR: with :math:`s_{ij}` the cosine of two outputs, view i
    of partner j has the loss :math:`-\log(e^{s_{ij} / \tau} / \sum_{k \ne i} e^{s_{ik} / \tau})`, over all other
    views of the batch.

    Parameters
    ----------
    n_train, n_test : int
        Scenes, two views each.
    views : str
        "gratings": one orientation; phase, contrast, spatial frequency and noise differ between views, if they vary.
        "natural": patches of one photograph, at most a fifth of their size apart, which also differ in contrast and
        noise; test views come from different photographs.
    temperature : float
        :math:`\tau`. Lower values separate similar scenes more finely.
    n_outputs : int
        Units of the output.
    spatial_frequency, contrast, random_phase, noise, waveform, aperture, resolution, patch
        See :class:`TiltDiscrimination`; for natural views only contrast, noise and resolution apply.

    Raises
    ------
    InputError
        If there is nothing to train or test on, or a parameter is impossible.

    References
    ----------
    Chen, Kornblith, Norouzi & Hinton, "A simple framework for contrastive learning of visual representations", ICML
    2020, equation 1.

    Examples
    --------
    >>> images, targets = ContrastiveInvariance().sample(4, np.random.default_rng(0))
    >>> images.shape, targets.shape
    (torch.Size([4, 2, 48, 64]), torch.Size([4]))
    """

    views: Literal["natural", "gratings"] = "natural"
    temperature: Positive = 0.1
    n_outputs: Units = 16
    contrast: Fraction | Range = (0.5, 1.0)
    random_phase: bool = True
    noise: NotNegative = 0.05

    n_views: ClassVar[int] = 2
    score_name: ClassVar[str] = "fraction of partners found"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.views not in ("gratings", "natural"):
            raise InputError(f"views is {self.views!r}; it must be 'gratings' or 'natural'")
        if not (np.isfinite(self.temperature) and self.temperature > 0):
            raise InputError(f"temperature is {self.temperature}; it must be a positive number")
        if self.n_outputs < 2:
            raise InputError(f"n_outputs is {self.n_outputs}; the task needs at least 2 output units")
        if self.n_test < 2:
            raise InputError(f"n_test is {self.n_test}; finding a partner needs at least 2 scenes")

    @property
    def chance(self) -> float:
        """One over the number of candidate scenes: 100, or all if there are fewer."""
        return 1 / min(GROUP, self.n_test)

    def sample(self, n: int, rng: Rng) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw two views of `n` scenes, shape (n, 2, height, width); targets, shape (n,), number the scenes."""
        return self._draw(n, rng, "train")

    def sample_test(self, n: int, rng: Rng) -> tuple[torch.Tensor, torch.Tensor]:
        """The same; natural views come from photographs that are not used for training."""
        return self._draw(n, rng, "test")

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Mean loss over all views, in nats; `outputs` have shape (n, 2, n_outputs). Lower is better."""
        n = len(outputs)
        units = functional.normalize(outputs, dim=2).transpose(0, 1).reshape(2 * n, -1)  # first views, then second
        cosines = units @ units.T / self.temperature
        cosines = cosines.masked_fill(torch.eye(2 * n, dtype=torch.bool, device=outputs.device), -torch.inf)
        partners = torch.arange(2 * n, device=outputs.device).roll(n)
        return functional.cross_entropy(cosines, partners)

    def score(self, outputs: torch.Tensor, targets: torch.Tensor) -> float:
        """Fraction of first views whose partner is nearest (by cosine) of 100 second views; higher is better.

        Ties share the hit; a last group of fewer than 100 is left out.
        """
        group = min(GROUP, len(outputs))
        hits = []
        for part in functional.normalize(outputs.double(), dim=2).split(group):
            if len(part) < group:
                break
            cosines = part[:, 0] @ part[:, 1].T
            nearest = cosines >= cosines.amax(dim=1, keepdim=True) - 1e-12
            hits.append((nearest.diagonal() / nearest.sum(dim=1)).mean())
        return float(torch.stack(hits).mean())

    def _draw(self, n: int, rng: Rng, which: str) -> tuple[torch.Tensor, torch.Tensor]:
        if self.views == "gratings":
            orientations = self._orientations(n, rng)
            both = [self._gratings(orientations, rng) for _ in range(2)]
        else:
            both = self._natural_views(n, rng, which)
        return torch.stack(both, dim=1), torch.arange(n)

    def _natural_views(self, n: int, rng: Rng, which: str) -> list[torch.Tensor]:
        scenes = stimuli.natural_patches(
            n, rng, photographs=stimuli.PHOTOGRAPHS[which], resolution=self.resolution * MARGIN
        ).images
        (height, width), (full_height, full_width) = self.image_size, scenes.shape[1:]
        low, high = (self.contrast, self.contrast) if isinstance(self.contrast, int | float) else self.contrast
        views = []
        for _ in range(2):
            tops = rng.choice(full_height - height + 1, size=n)
            lefts = rng.choice(full_width - width + 1, size=n)
            cut = [
                scene[top : top + height, left : left + width]
                for scene, top, left in zip(scenes, tops, lefts, strict=True)
            ]
            contrast = torch.from_numpy(rng.uniform(low, high, size=(n, 1, 1))).float()
            noise = self.noise * torch.from_numpy(rng.standard_normal((n, height, width))).float()
            views.append(((torch.stack(cut) - 0.5) * contrast + 0.5 + noise).clamp_(0, 1))
        return views
