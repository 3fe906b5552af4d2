"""The three networks of the reference study, for any size and task, and a deeper one.

Each maps images (n, height, width) or (n, 1, height, width) to outputs, shape (n, n_outputs): probabilities or
unbounded numbers. As in the study, the default is one probability, of the answer "right". Modules have the study's
layer names; ``fc`` is the linear layer before its relu, ``fc_relu`` the same after it.
"""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal, get_args

import torch
from pydantic import Field
from torch import nn

from normenc.errors import InputError
from normenc.keys import Size, Units, named
from normenc.networks.base import (
    IMAGE_SIZE,
    NETWORKS,
    ConvPool,
    Initial,
    Network,
    channels_of,
    check_choice,
    convolution,
)
from normenc.networks.normalisation import DivisiveNormalisation

__all__ = ["FC", "ConvFC", "ConvPoolFC", "DeepConvPoolFC"]

Normalisation = Literal["none", "batch", "divisive"]
MAX_BLOCKS = 5


@named(NETWORKS, "FC")
class FC(Network):
    """Fully connected: flatten, ``fc``, ``fc_relu``, ``out``, and a sigmoid for a probability.

    Parameters
    ----------
    image_size, n_hidden, n_outputs, output
        See :class:`Network`.

    Raises
    ------
    InputError
        If a size is not positive, or the output is unknown.

    Examples
    --------
    >>> FC()(torch.zeros(2, 48, 64)).shape
    torch.Size([2, 1])
    """

    def __init__(
        self,
        image_size: tuple[int, int] = IMAGE_SIZE,
        *,
        n_hidden: Units = 10,
        n_outputs: int = 1,
        output: str = "probability",
    ) -> None:
        super().__init__(image_size, n_hidden=n_hidden, n_outputs=n_outputs, output=output)
        self._add_answer(image_size[0] * image_size[1])


@named(NETWORKS, "ConvFC")
class ConvFC(Network):
    """Convolutional: ``conv``, relu, flatten, ``fc``, ``fc_relu``, ``out``, and a sigmoid for a probability.

    ``conv`` is trained like the rest, from the filters that `initial` names.

    Parameters
    ----------
    image_size, n_hidden, n_outputs, output
        See :class:`Network`.
    n_channels, filter_size : int
        Filters of ``conv``, and their height and width (odd) in pixels.
    initial : str
        ``"study"``: :func:`initial_filters`, with a bias of zero; ``"gabor"``: :func:`gabor_filters`, the same;
        ``"random"``: as torch draws them.

    Raises
    ------
    InputError
        If a size is not positive, the filter size is even, or a choice is unknown.

    Examples
    --------
    >>> ConvFC()(torch.zeros(2, 48, 64)).shape
    torch.Size([2, 1])
    """

    def __init__(
        self,
        image_size: tuple[int, int] = IMAGE_SIZE,
        *,
        n_hidden: Units = 10,
        n_channels: Size = 6,
        filter_size: Size = 7,
        n_outputs: int = 1,
        output: str = "probability",
        initial: Initial = "study",
    ) -> None:
        super().__init__(image_size, n_hidden=n_hidden, n_outputs=n_outputs, output=output)
        self.conv = convolution(n_channels, filter_size, initial)
        self._add_answer(n_channels * image_size[0] * image_size[1])

    def _features(self, images: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.conv(images))


@named(NETWORKS, "ConvPoolFC")
class ConvPoolFC(ConvPool):
    """The CNN of the study: ``conv``, relu, ``pool`` (maximum), flatten, ``fc``, ``fc_relu``, ``out``, sigmoid.

    ``conv`` is trained like the rest, from the filters that `initial` names. In training mode the first three steps
    run as one (:func:`normenc.networks.pooling.conv_relu_max_pool`), with the same result.

    Parameters
    ----------
    image_size, n_hidden, n_outputs, output
        See :class:`Network`.
    n_channels, filter_size, initial
        See :class:`ConvFC`.
    pool_size : int
        Height and width in pixels of a pooled window, and its stride.

    Raises
    ------
    InputError
        If a size is not positive, the filter size is even, a choice is unknown, or the image is smaller than a pooled
        window.

    Examples
    --------
    >>> network = ConvPoolFC()
    >>> network.fc
    Linear(in_features=288, out_features=10, bias=True)
    >>> network.layers()
    ('conv', 'pool', 'fc', 'fc_relu')
    """

    def __init__(
        self,
        image_size: tuple[int, int] = IMAGE_SIZE,
        *,
        n_hidden: Units = 10,
        n_channels: Size = 6,
        filter_size: Size = 7,
        pool_size: Size = 8,
        n_outputs: int = 1,
        output: str = "probability",
        initial: Initial = "study",
    ) -> None:
        super().__init__(image_size, n_hidden=n_hidden, n_outputs=n_outputs, output=output)
        height, width = self._add_conv_pool(n_channels, filter_size, pool_size, initial)
        self._add_answer(n_channels * height * width)

    def _features(self, images: torch.Tensor) -> torch.Tensor:
        return self._pooled(images)


@named(NETWORKS, "DeepConvPoolFC")
class DeepConvPoolFC(Network):
    """Deeper: blocks of convolution, normalisation, relu and pooling, then ``fc``, ``fc_relu``, ``out``.

    ``block1``, ``block2``, ... each halve height and width. The filters of the first are those that `initial` names;
    the later ones are 3 x 3 pixels and start at random.

    Parameters
    ----------
    image_size, n_hidden, n_outputs, output
        See :class:`Network`.
    n_blocks : int
        2 to 5.
    n_channels : int or sequence of int
        Channels of all blocks, or one number per block.
    filter_size, initial
        For the first block, see :class:`ConvFC`.
    normalisation : str
        ``"none"``; ``"batch"`` (before the relu); ``"divisive"`` (after it,
        :class:`normenc.networks.DivisiveNormalisation`).

    Raises
    ------
    InputError
        If a size is not positive, the filter size is even, a choice is unknown, or the image is too small for as many
        blocks.

    Examples
    --------
    >>> DeepConvPoolFC(n_blocks=2, normalisation="divisive").layers()
    ('block1', 'block2', 'fc', 'fc_relu')
    """

    pool_size: ClassVar[int] = 2

    def __init__(
        self,
        image_size: tuple[int, int] = IMAGE_SIZE,
        *,
        n_hidden: Units = 10,
        n_blocks: Annotated[int, Field(ge=2, le=MAX_BLOCKS)] = 3,
        n_channels: Size | Sequence[Size] = 8,
        filter_size: Size = 7,
        n_outputs: int = 1,
        output: str = "probability",
        initial: Initial = "study",
        normalisation: Normalisation = "none",
    ) -> None:
        super().__init__(image_size, n_hidden=n_hidden, n_outputs=n_outputs, output=output)
        if not 2 <= n_blocks <= MAX_BLOCKS:
            raise InputError(f"n_blocks is {n_blocks}; it must be between 2 and {MAX_BLOCKS}")
        if min(image_size) < 2**n_blocks:
            raise InputError(
                f"n_blocks is {n_blocks} but images are {image_size[0]} x {image_size[1]} pixels; each block halves "
                f"them, so use images of at least {2**n_blocks} pixels, or fewer blocks"
            )
        channels = channels_of(n_channels, n_blocks)
        check_choice("normalisation", normalisation, get_args(Normalisation))
        self.n_blocks = n_blocks
        for index, n in enumerate(channels):
            first = index == 0
            conv = convolution(n, filter_size, initial) if first else nn.Conv2d(channels[index - 1], n, 3, padding=1)
            self.add_module(f"block{index + 1}", _block(conv, n, normalisation))
        self._add_answer(channels[-1] * (image_size[0] // 2**n_blocks) * (image_size[1] // 2**n_blocks))

    def _features(self, images: torch.Tensor) -> torch.Tensor:
        for index in range(self.n_blocks):
            images = self.get_submodule(f"block{index + 1}")(images)
        return images


def _block(conv: nn.Conv2d, n_channels: int, normalisation: str) -> nn.Sequential:
    block = nn.Sequential()
    block.add_module("conv", conv)
    if normalisation == "batch":
        block.add_module("norm", nn.BatchNorm2d(n_channels))
    block.add_module("relu", nn.ReLU())
    if normalisation == "divisive":
        block.add_module("norm", DivisiveNormalisation())
    block.add_module("pool", nn.MaxPool2d(DeepConvPoolFC.pool_size))
    return block
