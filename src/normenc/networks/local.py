"""A network of locally connected layers: convolutions whose weights are not shared between positions."""

from typing import Annotated, get_args

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional

from normenc.errors import InputError
from normenc.keys import Size, Units, named
from normenc.networks.base import IMAGE_SIZE, NETWORKS, Initial, Network, check_choice, filters_of
from normenc.networks.filters import check_filters

__all__ = ["LocalFC", "LocallyConnected"]

MAX_BLOCKS = 3
LATER_FILTER = 3  # pixels of the layer before


@named(NETWORKS, "LocalFC")
class LocalFC(Network):
    """Locally connected, as V1 is: ``local1``, ``local2``, ..., then ``fc``, ``fc_relu``, ``out``.

    Each unit sees its own surroundings with weights of its own (:class:`LocallyConnected`), so that what is learned in
    one part of the visual field is not known in another. Layers are read after their relu.

    Parameters
    ----------
    image_size, n_hidden, n_outputs, output
        See :class:`Network`.
    n_blocks : int
        1 to 3 layers. The first has positions `stride` pixels apart; later ones have as many positions, and each unit
        sees 3 x 3 of them.
    n_channels : int
        Units at each position, in each layer.
    filter_size : int
        Height and width (odd) in pixels of what a unit of the first layer sees.
    stride : int
        Distance of positions in pixels, at most the image's height and width.
    initial : str
        See :class:`ConvFC`. Every position of ``local1`` starts from the same filters, and with ``"random"`` from its
        own, in the range of a convolution's. Later layers start at random.

    Raises
    ------
    InputError
        If a size is not positive, the filter size is even, a choice is unknown, or the image is smaller than the
        stride.

    Examples
    --------
    >>> network = LocalFC()
    >>> network.layers()
    ('local1', 'local2', 'fc', 'fc_relu')
    >>> network.local1[0].weight.shape  # of 12 x 16 positions
    torch.Size([192, 8, 49])
    """

    def __init__(
        self,
        image_size: tuple[int, int] = IMAGE_SIZE,
        *,
        n_hidden: Units = 10,
        n_blocks: Annotated[int, Field(ge=1, le=MAX_BLOCKS)] = 2,
        n_channels: Size = 8,
        filter_size: Size = 7,
        stride: Size = 4,
        n_outputs: int = 1,
        output: str = "probability",
        initial: Initial = "study",
    ) -> None:
        super().__init__(image_size, n_hidden=n_hidden, n_outputs=n_outputs, output=output)
        if not 1 <= n_blocks <= MAX_BLOCKS:
            raise InputError(f"n_blocks is {n_blocks}; it must be between 1 and {MAX_BLOCKS}")
        if not 1 <= stride <= min(image_size):
            raise InputError(
                f"stride is {stride} but images are {image_size[0]} x {image_size[1]} pixels; "
                f"give 1 to {min(image_size)}, or larger images"
            )
        check_filters(n_channels, filter_size)
        check_choice("initial", initial, get_args(Initial))
        self.n_blocks = n_blocks
        first = LocallyConnected(1, n_channels, self.image_size, filter_size, stride, initial)
        self.local1 = nn.Sequential(first, nn.ReLU())
        for index in range(1, n_blocks):
            later = LocallyConnected(n_channels, n_channels, first.grid, LATER_FILTER)
            self.add_module(f"local{index + 1}", nn.Sequential(later, nn.ReLU()))
        self._add_answer(n_channels * first.grid[0] * first.grid[1])

    def _features(self, images: torch.Tensor) -> torch.Tensor:
        for index in range(self.n_blocks):
            images = self.get_submodule(f"local{index + 1}")(images)
        return images


class LocallyConnected(nn.Module):
    """A convolution with its own weights and biases at every position; images are zero-padded by half a filter.

    Parameters
    ----------
    n_in, n_out : int
        Channels.
    image_size : (int, int)
        Height and width in pixels.
    filter_size : int
        Odd, in pixels.
    stride : int
        Distance of positions in pixels.
    initial : str
        See :class:`LocalFC`; of images with one channel.

    Attributes
    ----------
    grid : (int, int)
        Rows and columns of positions.
    weight : Parameter, shape (n_positions, n_out, n_in * filter_size ** 2)
        Positions row by row.
    bias : Parameter, shape (n_positions, n_out)

    References
    ----------
    LeCun, "Generalization and network design strategies", 1989 (local connections with and without shared weights).

    Examples
    --------
    >>> LocallyConnected(1, 4, (12, 16), 5, stride=4)(torch.zeros(2, 1, 12, 16)).shape
    torch.Size([2, 4, 3, 4])
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        image_size: tuple[int, int],
        filter_size: int,
        stride: int = 1,
        initial: Initial = "random",
    ) -> None:
        super().__init__()
        self.filter_size, self.stride = filter_size, stride
        self.grid = -(-image_size[0] // stride), -(-image_size[1] // stride)
        n_positions, n_seen = self.grid[0] * self.grid[1], n_in * filter_size**2
        filters = filters_of(initial, n_out, filter_size)
        if filters is None:
            bound = n_seen**-0.5  # torch's for a convolution
            self.weight = nn.Parameter(torch.empty(n_positions, n_out, n_seen).uniform_(-bound, bound))
            self.bias = nn.Parameter(torch.empty(n_positions, n_out).uniform_(-bound, bound))
        else:
            self.weight = nn.Parameter(filters.flatten(1).repeat(n_positions, 1, 1))
            self.bias = nn.Parameter(torch.zeros(n_positions, n_out))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Responses, shape ``(n, n_out, *grid)``, of images, shape (n, n_in, height, width)."""
        seen = functional.unfold(images, self.filter_size, padding=self.filter_size // 2, stride=self.stride)
        responses = torch.einsum("nkp,pok->nop", seen, self.weight) + self.bias.T
        return responses.unflatten(2, self.grid)
