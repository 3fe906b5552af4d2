"""Predicting the next frame of a moving image."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch.nn import functional

from normenc import stimuli
from normenc.controls import gabor_energy
from normenc.errors import InputError
from normenc.keys import NotNegative, Positive, Size, Units, named
from normenc.tasks.references import N_SCORED, Reference, ReferencedTask
from normenc.tasks.scenes import check_folder, patches
from normenc.tasks.task import TASKS, Rng
from normenc.tasks.views import GROUP, share_found

__all__ = ["NextFramePrediction"]

N_FRAMES = 3


@named(TASKS, "next-frame-prediction")
@dataclass(frozen=True)
class NextFramePrediction(ReferencedTask):
    r"""Predict the next frame of a photograph that moves past a window, in the network's own representation.

    Every scene has three frames, between which the window moves by the same step; each scene has a step of its own.
    The network sees one frame at a time. With :math:`z_t` its outputs for frame t, scaled to length 1, the prediction
    is the straight line through the first two, :math:`2 z_2 - z_1`. It must be nearer (by cosine) to the third frame
    than to the third frames of all other scenes, which asks for what identifies the scene, and than to the second
    frames of all scenes, its own among them, which asks for what changes: a representation that is invariant to the
    motion predicts no change, and fails. The loss is the cross-entropy of this choice, at the temperature
    :math:`\tau`.

    Its simple solution is the same straight line through the pixels, or through Gabor energy if this is better; three
    quarters of the way from chance to it count as learned. A solution that sees both frames at once, and shifts the
    second by the step between them, would do better, but is no code of single frames.

    Parameters
    ----------
    n_train, n_test : int
        Scenes, three frames each; test scenes come from different photographs.
    step : int
        Largest step between frames, down or up and left or right, in pixels; all steps up to it are as likely, but for
        none at all.
    noise : float
        Standard deviation of Gaussian noise on every pixel, of every frame for itself.
    temperature : float
        :math:`\tau`. Lower values separate similar frames more finely.
    n_outputs : int
        Units of the output.
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
    van den Oord, Li & Vinyals, "Representation learning with contrastive predictive coding", arXiv 1807.03748, 2018;
    Hénaff, Goris & Simoncelli, "Perceptual straightening of natural videos", Nature Neuroscience 2019.

    Examples
    --------
    >>> images, targets = NextFramePrediction().sample(4, np.random.default_rng(0))
    >>> images.shape, targets.shape
    (torch.Size([4, 3, 48, 64]), torch.Size([4]))
    """

    step: Size = 4
    noise: NotNegative = 0.05
    temperature: Positive = 0.1
    n_outputs: Units = 32
    resolution: float = 0.1
    folder: Annotated[str, Field(min_length=1)] | None = None

    n_views: ClassVar[int] = N_FRAMES
    score_name: ClassVar[str] = "fraction of next frames found"

    def __post_init__(self) -> None:
        super().__post_init__()
        stimuli.image_size(self.resolution)
        if self.step < 1:
            raise InputError(f"step is {self.step}; the window must move by at least 1 pixel")
        for name in ("noise", "temperature"):
            value, least = getattr(self, name), 0 if name == "noise" else np.finfo(float).tiny
            if not (np.isfinite(value) and value >= least):
                raise InputError(f"{name} is {value}; it must be a {'positive number' if least else 'number from 0'}")
        if self.n_outputs < 2:
            raise InputError(f"n_outputs is {self.n_outputs}; the task needs at least 2 output units")
        if self.n_test < 2:
            raise InputError(f"n_test is {self.n_test}; finding the next frame needs at least 2 scenes")
        check_folder(self)

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return stimuli.image_size(self.resolution)

    @property
    def chance(self) -> float:
        """One over the number of candidates: two frames of each of 100 scenes, or of all if there are fewer."""
        return 1 / (2 * min(GROUP, self.n_test))

    def sample(self, n: int, rng: Rng) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw the frames of `n` scenes, shape (n, 3, height, width); targets, shape (n,), number the scenes."""
        return self._draw(n, rng, "train")

    def sample_test(self, n: int, rng: Rng) -> tuple[torch.Tensor, torch.Tensor]:
        """The same, from photographs that are not used for training."""
        return self._draw(n, rng, "test")

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Mean cross-entropy in nats; `outputs` have shape (n, 3, n_outputs). Lower is better."""
        scenes = torch.arange(len(outputs), device=outputs.device)
        return functional.cross_entropy(_likeness(outputs) / self.temperature, scenes)

    def score(self, outputs: torch.Tensor, targets: torch.Tensor) -> float:
        """Fraction of scenes whose next frame is nearest to its prediction, of 200 frames; higher is better.

        Ties share the hit; a last group of fewer than 100 scenes is left out.
        """
        group = min(GROUP, len(outputs))
        parts = [part for part in outputs.double().split(group) if len(part) == group]
        return float(np.mean([share_found(_likeness(part)) for part in parts]))

    def reference(self, rng: Rng) -> Reference:
        """A straight line through pixels, or through Gabor energy, whichever finds more."""
        images, _ = self.sample_test(N_SCORED, rng)
        energy = gabor_energy(images.flatten(0, 1))["energy"]
        codes = {"pixels": images.flatten(0, 1).flatten(1), "Gabor energy": energy}
        found = []
        for name, code in codes.items():
            outputs = (code - code.mean(dim=0)).unflatten(0, (-1, N_FRAMES))
            groups = outputs.split(min(GROUP, self.n_test))
            scores = [share_found(_likeness(part)) for part in groups if len(part) == len(groups[0])]
            found.append(Reference(f"straight line through {name}", float(np.mean(scores))))
        return max(found, key=lambda reference: reference.score)

    def _draw(self, n: int, rng: Rng, which: str) -> tuple[torch.Tensor, torch.Tensor]:
        (height, width), room = self.image_size, (N_FRAMES - 1) * self.step
        larger = 1 + room / min(height, width)
        scenes = patches(n, rng, which, self.folder, resolution=self.resolution * larger).images
        spare = np.array(scenes.shape[1:]) - (height, width)
        steps = _steps(n, self.step, rng)
        low = np.maximum(0, -steps * (N_FRAMES - 1))
        starts = low + np.floor(rng.random((n, 2)) * (spare - np.abs(steps) * (N_FRAMES - 1) + 1)).astype(int)
        frames = torch.empty((n, N_FRAMES, height, width))
        for row, (scene, start, step) in enumerate(zip(scenes, starts, steps, strict=True)):
            for frame in range(N_FRAMES):
                top, left = start + frame * step
                frames[row, frame] = scene[top : top + height, left : left + width]
        frames += self.noise * torch.from_numpy(rng.standard_normal(frames.shape)).float()
        return frames.clamp_(0, 1), torch.arange(n)


def _steps(n: int, largest: int, rng: Rng) -> np.ndarray:
    """Steps (down, right) in pixels, shape (n, 2), of all up to the largest but (0, 0)."""
    side = 2 * largest + 1
    places = rng.choice(side**2 - 1, size=n)
    places += places >= side**2 // 2  # leaves out the middle, which is no step
    return np.stack(np.divmod(places, side), axis=1) - largest


def _likeness(outputs: torch.Tensor) -> torch.Tensor:
    """Cosines of predictions with third frames, then with second frames, shape (n, 2 * n)."""
    first, second, third = functional.normalize(outputs, dim=2).unbind(dim=1)
    return functional.normalize(2 * second - first, dim=1) @ torch.cat([third, second]).T
