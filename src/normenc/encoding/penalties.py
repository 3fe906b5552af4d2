"""Penalties on the weights of a network fitted to neurons, added to its loss.

Each penalty is a sum over weights. The loss itself is a mean over neurons, so a sum over the neurons' weights would
weigh more with more neurons; :class:`Penalty` divides it by their number by default.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from normenc.errors import InputError

__all__ = ["Penalty", "group_sparsity", "l1", "l2", "smoothness"]

LAPLACIAN = ((0.0, 1.0, 0.0), (1.0, -4.0, 1.0), (0.0, 1.0, 0.0))


def l2(weights: torch.Tensor) -> torch.Tensor:
    r"""Sum of squares, :math:`\sum w^2`; large weights shrink the most.

    Examples
    --------
    >>> float(l2(torch.tensor([3.0, -4.0])))
    25.0
    """
    return weights.square().sum()


def l1(weights: torch.Tensor) -> torch.Tensor:
    r"""Sum of absolute values, :math:`\sum |w|`; many weights become zero.

    Examples
    --------
    >>> float(l1(torch.tensor([3.0, -4.0])))
    7.0
    """
    return weights.abs().sum()


def smoothness(weights: torch.Tensor) -> torch.Tensor:
    r"""Sum of squares of the Laplacian, :math:`\sum (\nabla^2 w)^2`; neighbouring weights become alike.

    The Laplacian is the sum over a pixel's four neighbours minus four times the pixel. At the edge, a missing neighbour
    counts as the pixel itself, so that uniform weights cost nothing.

    Parameters
    ----------
    weights : Tensor, shape (..., height, width)
        Filters or masks.

    Returns
    -------
    Tensor
        A number, 0 or more.

    References
    ----------
    Cadena et al., "Deep convolutional models improve predictions of macaque V1 responses to natural images", PLoS
    Comput. Biol. 2019, equation 3.

    Examples
    --------
    A point among zeros: (-4) squared, and 1 for each of the four neighbours.

    >>> point = torch.zeros(5, 5)
    >>> point[2, 2] = 1
    >>> float(smoothness(point)), float(smoothness(torch.ones(5, 5)))
    (20.0, 0.0)
    """
    images = weights.reshape(-1, 1, *weights.shape[-2:])
    kernel = torch.tensor(LAPLACIAN, dtype=weights.dtype, device=weights.device)[None, None]
    return functional.conv2d(functional.pad(images, (1, 1, 1, 1), mode="replicate"), kernel).square().sum()


def group_sparsity(weights: torch.Tensor) -> torch.Tensor:
    r"""Sum of norms, :math:`\sum_g \sqrt{\sum_{ij} w_{gij}^2}`; whole filters or masks become zero.

    Parameters
    ----------
    weights : Tensor, shape (..., height, width)
        A group is the last two dimensions, such as the filter from one channel to another.

    Returns
    -------
    Tensor
        A number, 0 or more.

    References
    ----------
    Yuan & Lin, "Model selection and estimation in regression with grouped variables", J. R. Stat. Soc. B 2006.

    Examples
    --------
    Two filters, of norms 5 and 0:

    >>> float(group_sparsity(torch.tensor([[[3.0, -4.0]], [[0.0, 0.0]]])))
    5.0
    """
    return torch.linalg.vector_norm(weights, dim=(-2, -1)).sum()


ANY_WEIGHTS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {"l2": l2, "l1": l1}
IN_SPACE: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {"smoothness": smoothness, "group": group_sparsity}


@dataclass(frozen=True)
class Penalty:
    """A penalty on one part of a network, as :func:`normenc.encoding.fit` takes it.

    Attributes
    ----------
    kind : str
        ``"l2"``, ``"l1"``, ``"smoothness"`` or ``"group"`` (:func:`group_sparsity`).
    strength : float
        0 or more.
    part : str
        ``"readout"`` or ``"core"``. Biases, and the locations of a Gaussian point readout, are not penalised.
    average : bool
        Divide by the number of neurons (readout) or filters (core), so that a strength means the same for any number.
        The course that :mod:`normenc.encoding.neuromatch` follows does not.

    Raises
    ------
    InputError
        If a choice is unknown, the strength is negative, or the part has no spatial weights to be smooth or grouped.

    Examples
    --------
    >>> from normenc.encoding import encoding_network
    >>> network = encoding_network((12, 16), 50, readout="linear", n_channels=2)
    >>> penalty = Penalty("l2", 0.1)
    >>> bool(torch.isclose(penalty(network), 0.1 * network.readout.weight.square().sum() / 50))
    True
    """

    kind: str
    strength: float
    part: str = "readout"
    average: bool = True

    def __post_init__(self) -> None:
        if self.kind not in ANY_WEIGHTS | IN_SPACE:
            raise InputError(f"kind is {self.kind!r}; it must be one of {', '.join(map(repr, ANY_WEIGHTS | IN_SPACE))}")
        if self.part not in ("readout", "core"):
            raise InputError(f"part is {self.part!r}; it must be 'readout' or 'core'")
        if not 0 <= self.strength < float("inf"):
            raise InputError(f"strength of {self.kind} is {self.strength}; it must be a number of at least 0")

    def __call__(self, network: nn.Module) -> torch.Tensor:
        """The penalty of `network`, a number."""
        part: Any = getattr(network, self.part, None)
        if not hasattr(part, "weights"):
            raise InputError(
                f"{type(network).__name__} has no {self.part} whose weights could be penalised; leave the penalty out, "
                "or build an EncodingNetwork"
            )
        weights = part.weights() if self.kind in ANY_WEIGHTS else part.spatial_weights()
        if not weights:
            raise InputError(
                f"{type(part).__name__} has no spatial weights, so {self.kind!r} does not apply; use 'l1' or 'l2', or "
                "another readout"
            )
        cost = (ANY_WEIGHTS | IN_SPACE)[self.kind]
        return self.strength * sum((cost(w) / (len(w) if self.average else 1) for w in weights), torch.zeros(()))
