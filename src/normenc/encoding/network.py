"""The network fitted to neurons: a core and a readout."""

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from normenc.arrays import grey_images
from normenc.encoding.cores import ConvCore
from normenc.encoding.readouts import Factorised, FullLinear, GaussianPoint, Readout
from normenc.errors import InputError

__all__ = ["OUTPUTS", "EncodingNetwork", "encoding_network"]

OUTPUTS = ("identity", "softplus", "elu+1")
LOOKED_FOR_IN = 1000  # images
READOUTS: dict[str, Any] = {"linear": FullLinear, "factorised": Factorised, "gaussian": GaussianPoint}


class EncodingNetwork(nn.Module):
    """A core, a readout, and the nonlinearity of the responses.

    Parameters
    ----------
    core : Module
        Images in, features out, such as :class:`normenc.encoding.ConvCore`.
    readout : FullLinear, Factorised or GaussianPoint
    output : str
        ``"identity"`` for the squared loss; ``"softplus"`` or ``"elu+1"``, which are positive, for the Poisson loss.

    Raises
    ------
    InputError
        If the output is unknown, or the image size differs from the readout's.

    Examples
    --------
    >>> network = EncodingNetwork(ConvCore(n_channels=6), GaussianPoint((6, 12, 16), 50), output="elu+1")
    >>> network(torch.zeros(3, 12, 16)).shape
    torch.Size([3, 50])
    """

    readout: Readout

    def __init__(self, core: nn.Module, readout: Readout, *, output: str = "identity") -> None:
        super().__init__()
        if output not in OUTPUTS:
            raise InputError(f"output is {output!r}; it must be one of {', '.join(map(repr, OUTPUTS))}")
        self.core, self.readout, self.output = core, readout, output

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Predicted responses, shape (n, n_neurons)."""
        images = grey_images(images)
        wanted = tuple(self.readout.in_shape[1:])
        if tuple(images.shape[2:]) != wanted:
            raise InputError(
                f"images have {images.shape[2]} x {images.shape[3]} pixels, but the network takes {wanted[0]} x "
                f"{wanted[1]}; give images of that size, or fit a network to images of this size"
            )
        values = self.readout(self.core(images))
        if self.output == "identity":
            return values
        return functional.softplus(values) if self.output == "softplus" else functional.elu(values) + 1

    def start_from(self, images: torch.Tensor, responses: torch.Tensor) -> None:
        """Initialise from the data: the neurons' mean responses, and their locations in the image.

        Parameters
        ----------
        images : Tensor, shape (n, height, width)
        responses : Tensor, shape (n, n_neurons)
        """
        mean = responses.mean(dim=0)
        if self.output != "identity":
            mean = mean.clamp(min=1e-3)
        if self.output == "softplus":
            mean = mean + torch.log(-torch.expm1(-mean))
        elif self.output == "elu+1":
            mean = torch.where(mean < 1, mean.log(), mean - 1)
        with torch.no_grad():
            self.readout.bias.copy_(mean)
            if isinstance(self.readout, Factorised | GaussianPoint):
                self.core.eval()
                self.readout.look_for(self.core(images[:LOOKED_FOR_IN]), responses[:LOOKED_FOR_IN])


def encoding_network(
    image_size: tuple[int, int],
    n_neurons: int,
    *,
    readout: str = "gaussian",
    output: str = "identity",
    **core: Any,
) -> EncodingNetwork:
    """Build a network for images and neurons, for :func:`normenc.encoding.fit` (with ``functools.partial``).

    Parameters
    ----------
    image_size : (int, int)
        Height and width in pixels.
    n_neurons : int
    readout : str
        ``"linear"``, ``"factorised"`` or ``"gaussian"``.
    output : str
        See :class:`EncodingNetwork`.
    **core
        See :class:`normenc.encoding.ConvCore`.

    Returns
    -------
    EncodingNetwork

    Raises
    ------
    InputError
        If a choice is unknown or a size impossible.

    Examples
    --------
    >>> encoding_network((12, 16), 50, readout="factorised", n_channels=8).readout.in_shape
    (8, 12, 16)
    """
    if readout not in READOUTS:
        raise InputError(f"readout is {readout!r}; it must be one of {', '.join(map(repr, READOUTS))}")
    features = ConvCore(**core)
    return EncodingNetwork(features, READOUTS[readout]((features.n_channels, *image_size), n_neurons), output=output)
