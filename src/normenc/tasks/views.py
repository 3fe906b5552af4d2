"""Tasks that match two views of a scene: contrastive learning, and self-supervised learning without negatives."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch.nn import functional

from normenc.controls import gabor_energy
from normenc.errors import InputError
from normenc.keys import Fraction, NotNegative, Positive, Range, Units, named
from normenc.tasks.gratings import GratingTask
from normenc.tasks.references import N_SCORED, Reference, edge_orientation
from normenc.tasks.scenes import check_folder, patches
from normenc.tasks.task import TASKS, Rng

__all__ = ["GROUP", "ContrastiveInvariance", "TwoViews", "VICReg", "share_found"]

GROUP = 100  # stimuli among which a partner is searched
MARGIN = 1.25  # size of the patch that views are cut from, relative to a view
TIE = 1e-12
INVARIANCE, VARIANCE, COVARIANCE = 25.0, 25.0, 1.0  # weights in VICReg's loss
SMALL_VARIANCE = 1e-4


def share_found(likeness: torch.Tensor) -> float:
    """Share of rows whose own column, the one of the same number, is the most alike; ties share the hit.

    Parameters
    ----------
    likeness : Tensor, shape (n, n_candidates)

    Examples
    --------
    >>> share_found(torch.tensor([[0.9, 0.1], [0.8, 0.2]]))
    0.5
    """
    nearest = likeness >= likeness.amax(dim=1, keepdim=True) - TIE
    return float((nearest.diagonal() / nearest.sum(dim=1)).mean())


@dataclass(frozen=True)
class TwoViews(GratingTask):
    """A task with two views of every scene, that asks which two belong together.

    For its parameters see :class:`normenc.tasks.ContrastiveInvariance`.
    """

    views: Literal["natural", "gratings"] = "natural"
    n_outputs: Units = 16
    folder: Annotated[str, Field(min_length=1)] | None = None
    contrast: Fraction | Range = (0.5, 1.0)
    random_phase: bool = True
    noise: NotNegative = 0.05

    n_views: ClassVar[int] = 2
    score_name: ClassVar[str] = "fraction of partners found"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.views not in ("gratings", "natural"):
            raise InputError(f"views is {self.views!r}; it must be 'gratings' or 'natural'")
        if self.n_outputs < 2:
            raise InputError(f"n_outputs is {self.n_outputs}; the task needs at least 2 output units")
        if self.n_test < 2:
            raise InputError(f"n_test is {self.n_test}; finding a partner needs at least 2 scenes")
        if self.folder is not None and self.views == "gratings":
            raise InputError(f"folder is {self.folder!r}, but the views are gratings; give one or views = 'natural'")
        check_folder(self)

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

    def score(self, outputs: torch.Tensor, targets: torch.Tensor) -> float:
        """Fraction of first views whose partner is nearest of 100 second views; higher is better.

        Ties share the hit; a last group of fewer than 100 is left out.
        """
        group = min(GROUP, len(outputs))
        parts = [part for part in outputs.double().split(group) if len(part) == group]
        return float(np.mean([share_found(self._likeness(part[:, 0], part[:, 1])) for part in parts]))

    def reference(self, rng: Rng) -> Reference:
        """The orientation of the edges of gratings, or the Gabor energy of photographs, as outputs."""
        images, targets = self.sample_test(N_SCORED, rng)
        flat = images.flatten(0, 1)
        if self.views == "gratings":
            doubled = torch.from_numpy(np.deg2rad(2 * edge_orientation(flat)))
            name, outputs = "orientation of the edges", torch.stack([doubled.cos(), doubled.sin()], dim=1)
        else:
            energy = gabor_energy(flat)["energy"]
            name, outputs = "Gabor energy", energy - energy.mean(dim=0)
        groups = outputs.unflatten(0, (-1, 2)).split(min(GROUP, self.n_test))
        full = [part for part in groups if len(part) == len(groups[0])]
        return Reference(name, float(np.mean([self.score(part, targets[: len(part)]) for part in full])))

    def _likeness(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """How alike outputs are, shape (n, n); by their cosine."""
        return functional.normalize(first, dim=1) @ functional.normalize(second, dim=1).T

    def _draw(self, n: int, rng: Rng, which: str) -> tuple[torch.Tensor, torch.Tensor]:
        if self.views == "gratings":
            orientations = self._orientations(n, rng)
            both = [self._gratings(orientations, rng).images for _ in range(2)]
        else:
            both = self._natural_views(n, rng, which)
        return torch.stack(both, dim=1), torch.arange(n)

    def _natural_views(self, n: int, rng: Rng, which: str) -> list[torch.Tensor]:
        scenes = patches(n, rng, which, self.folder, resolution=self.resolution * MARGIN).images
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


@named(TASKS, "contrastive-invariance")
@dataclass(frozen=True)
class ContrastiveInvariance(TwoViews):
    r"""Match two views of a scene among views of others, and so become invariant to what differs between views.

    The normalised temperature-scaled cross-entropy of SimCLR: with :math:`s_{ij}` the cosine of two outputs, view i
    of partner j has the loss :math:`-\log(e^{s_{ij} / \tau} / \sum_{k \ne i} e^{s_{ik} / \tau})`, over all other
    views of the batch.

    Its simple solution finds the partner by the orientation of the edges of gratings, and by the Gabor energy of
    photographs; three quarters of the way from chance to it count as learned.

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
    folder : str, optional
        Of upright photographs for natural views, see :func:`normenc.stimuli.photograph_folder`; those that come with
        normenc by default.
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

    temperature: Positive = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (np.isfinite(self.temperature) and self.temperature > 0):
            raise InputError(f"temperature is {self.temperature}; it must be a positive number")

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Mean loss over all views, in nats; `outputs` have shape (n, 2, n_outputs). Lower is better."""
        n = len(outputs)
        units = functional.normalize(outputs, dim=2).transpose(0, 1).reshape(2 * n, -1)  # first views, then second
        cosines = units @ units.T / self.temperature
        cosines = cosines.masked_fill(torch.eye(2 * n, dtype=torch.bool, device=outputs.device), -torch.inf)
        partners = torch.arange(2 * n, device=outputs.device).roll(n)
        return functional.cross_entropy(cosines, partners)


@named(TASKS, "vicreg")
@dataclass(frozen=True)
class VICReg(TwoViews):
    r"""Match two views of a scene without comparing it with others: variance, invariance, covariance (VICReg).

    With the two views' outputs :math:`Z` and :math:`Z'` over a batch, the loss is
    :math:`25\, s(Z, Z') + 25\, (v(Z) + v(Z')) / 2 + c(Z) + c(Z')`, as in the authors' program: :math:`s` is the mean
    squared difference; :math:`v` the mean over units of what their standard deviation lacks to 1; :math:`c` the sum of
    squared covariances between units over their number. The first asks for invariance; the others keep the outputs
    from becoming constant, and from saying the same thing.

    Parameters
    ----------
    n_train, n_test, views, n_outputs and all others
        See :class:`normenc.tasks.ContrastiveInvariance`, which also says what counts as learned.

    Raises
    ------
    InputError
        If there is nothing to train or test on, or a parameter is impossible.

    References
    ----------
    Bardes, Ponce & LeCun, "VICReg: variance-invariance-covariance regularization for self-supervised learning", ICLR
    2022.

    Examples
    --------
    >>> images, targets = VICReg().sample(4, np.random.default_rng(0))
    >>> images.shape, targets.shape
    (torch.Size([4, 2, 48, 64]), torch.Size([4]))
    """

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Mean loss over a batch; `outputs` have shape (n, 2, n_outputs). Lower is better."""
        invariance = functional.mse_loss(outputs[:, 0], outputs[:, 1])
        away = outputs - outputs.mean(dim=0)
        freedom = max(len(outputs) - 1, 1)
        variances = away.square().sum(dim=0) / freedom
        variance = functional.relu(1 - (variances + SMALL_VARIANCE).sqrt()).mean()
        covariances = torch.einsum("nvi,nvj->vij", away, away) / freedom
        others = ~torch.eye(self.n_outputs, dtype=torch.bool, device=outputs.device)
        covariance = covariances[:, others].square().sum() / self.n_outputs
        return INVARIANCE * invariance + VARIANCE * variance + COVARIANCE * covariance

    def _likeness(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """By their distance, since a constant added to all outputs does not change the loss."""
        return -torch.cdist(first, second, compute_mode="donot_use_mm_for_euclid_dist")
