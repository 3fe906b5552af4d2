"""Tasks: what a network is asked to do, never what a brain does.

A task draws stimuli with targets and owns its loss, its score and the score of chance. ``training.train`` uses
nothing else of it: ``n_train``, ``n_test``, ``sample``, ``loss``, ``score``.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from normenc.errors import InputError
from normenc.stimuli import gratings, image_size

__all__ = ["TiltDiscrimination"]


@dataclass(frozen=True)
class TiltDiscrimination:
    """The task of the reference study: is a grating tilted to the right of vertical.

    Since a grating at -90 is the same image as one at 90 degrees, the task has a second boundary there, which no
    network can place exactly.

    Parameters
    ----------
    n_train, n_test : int
        Orientations to train on, and fresh ones to test on.
    spatial_frequency, resolution, patch
        Of the gratings, see :func:`normenc.stimuli.gratings`.

    Raises
    ------
    InputError
        When there is nothing to train or test on, or a parameter of the gratings is impossible.

    Examples
    --------
    >>> images, targets = TiltDiscrimination().sample(4, np.random.default_rng(0))
    >>> images.shape, targets.shape
    (torch.Size([4, 48, 64]), torch.Size([4, 1]))
    """

    n_train: int = 1000
    n_test: int = 1000
    spatial_frequency: float = 1 / 28
    resolution: float = 0.1
    patch: bool = False

    chance = 0.5

    def __post_init__(self) -> None:
        for name in ("n_train", "n_test"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}; it must be at least 1 stimulus")
        image_size(self.resolution)

    def sample(self, n: int, rng: np.random.Generator | np.random.RandomState) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw `n` gratings with orientations uniform in (-90, 90) degrees.

        Returns
        -------
        images : Tensor, shape (n, height, width)
        targets : Tensor, shape (n, 1)
            1 where the orientation is positive, else 0.
        """
        orientations = (rng.random(n) - 0.5) * 180
        images = gratings(
            orientations,
            spatial_frequency=self.spatial_frequency,
            resolution=self.resolution,
            patch=self.patch,
        )
        targets = torch.from_numpy((orientations > 0).astype(np.float32))[:, None]
        return images, targets

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Mean binary cross-entropy of the probabilities `outputs`, shape (n, 1). Lower is better; 0 is perfect."""
        return functional.binary_cross_entropy(outputs, targets)

    def score(self, outputs: torch.Tensor, targets: torch.Tensor) -> float:
        """Accuracy: fraction of stimuli on whose side of 0.5 the probability falls, 0 to 1, higher is better."""
        return float(((outputs > 0.5) == (targets > 0.5)).double().mean())
