"""Sparse coding: say what a photograph consists of, with little activity."""

import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from normenc.errors import InputError
from normenc.keys import Positive, Size, Units, named
from normenc.tasks.patches import PatchTask, check_middle, middle_of
from normenc.tasks.references import N_SCORED, Reference
from normenc.tasks.scenes import patches
from normenc.tasks.task import TASKS, Rng

__all__ = ["SparseCoding"]

N_LEARNED = 2000  # training patches from which the dictionary is learned
N_PASSES = 4  # over these patches
BATCH = 100


class Dictionary(NamedTuple):
    """What patches consist of.

    Attributes
    ----------
    mean : ndarray, shape (n_pixels,)
        Mean training patch.
    scale : float
        Standard deviation of a pixel around that mean, over all training patches.
    atoms : ndarray, shape (n_atoms, n_pixels)
        Of unit length.
    """

    mean: npt.NDArray[np.float64]
    scale: float
    atoms: npt.NDArray[np.float64]


@named(TASKS, "sparse-coding")
@dataclass(frozen=True)
class SparseCoding(PatchTask):
    r"""Explain the middle of a patch of a photograph as a sum of few parts: accurate, at a low cost in activity.

    The outputs are coefficients :math:`a` of a dictionary of parts :math:`d_i`, learned from training patches. The loss
    is the energy of Olshausen & Field, :math:`\frac{1}{2} \lVert x - \sum_i a_i d_i \rVert^2 + \lambda \sum_i |a_i|`,
    for the middle :math:`x` of the patch, less the mean patch and in standard deviations of a pixel: the second term is
    the cost of activity. One pass through the network must do what is otherwise found by iteration (Gregor & LeCun).
    Patches are not whitened: a network that sees grey values then learns only the finest detail, or nothing at all.

    The score is the share of the energy that the answer saves, compared with no activity at all: 0 is no activity, and
    the best is what the lasso reaches, which minimises this energy exactly and is the reference; three quarters of the
    way to it count as learned.

    Parameters
    ----------
    n_train, n_test : int
        Patches; test patches come from different photographs than training patches.
    middle : (int, int)
        Height and width in pixels of the middle part that is to be explained.
    n_atoms : int
        Parts of the dictionary: the outputs of the network. By default somewhat more than there are pixels.
    cost : float
        :math:`\lambda`, in standard deviations of a pixel.
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
    Olshausen & Field, "Emergence of simple-cell receptive field properties by learning a sparse code for natural
    images", Nature 1996. Gregor & LeCun, "Learning fast approximations of sparse coding", ICML 2010.

    Examples
    --------
    >>> images, targets = SparseCoding().sample(4, np.random.default_rng(0))
    >>> images.shape, targets.shape, SparseCoding().n_outputs
    (torch.Size([4, 48, 64]), torch.Size([4, 192]), 256)
    """

    middle: tuple[Size, Size] = (12, 16)
    n_atoms: Units = 256
    cost: Positive = 0.5

    score_name: ClassVar[str] = "share of the energy saved"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_middle(self.middle, self.image_size)
        if not 2 <= self.n_atoms <= N_LEARNED:
            raise InputError(f"n_atoms is {self.n_atoms}; it must be at least 2 and at most {N_LEARNED}")
        if not (np.isfinite(self.cost) and self.cost > 0):
            raise InputError(f"cost is {self.cost}; it must be a positive number")
        if self.folder is not None:
            for which in ("train", "test"):
                self._patches(1, np.random.default_rng(0), which)

    @property
    def n_outputs(self) -> int:
        """One coefficient per part of the dictionary."""
        return self.n_atoms

    def dictionary(self) -> Dictionary:
        """What the patches are explained with, learned once from training patches."""
        height, width = self.middle  # a list, from a study file
        return _learned(self.folder, self.resolution, (height, width), self.n_atoms, self.cost)

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Mean energy of a patch, over the number of its pixels. Lower is better."""
        return self._energies(outputs, targets).mean() / targets.shape[1]

    def score(self, outputs: torch.Tensor, targets: torch.Tensor) -> float:
        """Share of the energy saved, compared with no activity: 0 is no activity, higher is better."""
        outputs, targets = outputs.double(), targets.double()
        return float(1 - self._energies(outputs, targets).sum() / (0.5 * targets.square().sum()))

    def reference(self, rng: Rng) -> Reference:
        """The lasso, which has the least energy that is possible."""
        from sklearn.decomposition import sparse_encode

        _, targets = self.sample_test(N_SCORED, rng)
        found = sparse_encode(
            targets.double().numpy(), self.dictionary().atoms, algorithm="lasso_lars", alpha=self.cost
        )
        return Reference("lasso, the least possible energy", self.score(torch.from_numpy(found), targets))

    def _energies(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        atoms = torch.from_numpy(self.dictionary().atoms).to(outputs)
        left = targets - outputs @ atoms
        return 0.5 * left.square().sum(dim=1) + self.cost * outputs.abs().sum(dim=1)

    def _shown(self, patches: torch.Tensor, rng: Rng) -> tuple[torch.Tensor, torch.Tensor]:
        found = self.dictionary()
        flat = middle_of(patches, self.middle).double()
        return patches, ((flat - torch.from_numpy(found.mean)) / found.scale).float()


@lru_cache(maxsize=20)
def _learned(folder: str | None, resolution: float, middle: tuple[int, int], n_atoms: int, cost: float) -> Dictionary:
    """One thread, and generators of its own: the same dictionary for every network."""
    from sklearn.decomposition import MiniBatchDictionaryLearning
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    whole = patches(N_LEARNED, np.random.default_rng(0), "train", folder, resolution=resolution).images
    flat = middle_of(whole, middle).double().numpy()
    mean = flat.mean(axis=0)
    scale = float((flat - mean).std())
    if scale == 0:
        raise InputError("the middles of all training patches are the same; there is nothing to explain")
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # nearly uniform patches; the energy hardly differs
        model = MiniBatchDictionaryLearning(
            n_atoms, alpha=cost, batch_size=BATCH, max_iter=N_PASSES, fit_algorithm="cd", random_state=0
        ).fit((flat - mean) / scale)
    return Dictionary(mean, scale, model.components_)
