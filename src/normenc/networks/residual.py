"""A residual convolutional network."""

from collections.abc import Sequence
from typing import Annotated, Literal, get_args

import torch
from pydantic import Field
from torch import nn

from normenc.errors import InputError
from normenc.keys import Size, Units, named
from normenc.networks.base import IMAGE_SIZE, NETWORKS, ConvPool, Initial, channels_of, check_choice

__all__ = ["ResidualConv"]

Normalisation = Literal["none", "batch"]
MAX_BLOCKS = 5


@named(NETWORKS, "ResidualConv")
class ResidualConv(ConvPool):
    r"""Residual: ``conv``, relu, ``pool``, then blocks that add to their input; ``fc``, ``fc_relu``, ``out``.

    Block k is :math:`\mathrm{relu}(s(x) + f(x))`. The branch f is a convolution, relu and a convolution, 3 x 3 pixels
    each. The shortcut s is the identity where a block keeps size and channels, and a convolution of 1 x 1 pixels
    without bias where it does not. All blocks but the first halve height and width, rounded up.

    Parameters
    ----------
    image_size, n_hidden, n_outputs, output
        See :class:`Network`.
    n_blocks : int
        ``block1``, ``block2``, ...: 1 to 5.
    n_channels : int or sequence of int
        Channels of all blocks, or one number per block; ``conv`` has those of the first.
    filter_size, pool_size, initial
        Of ``conv`` and ``pool``, see :class:`ConvPoolFC`.
    normalisation : str
        ``"batch"``: after each convolution of a block, with ``conv`` left as it is; or ``"none"``.

    Raises
    ------
    InputError
        If a size is not positive, the filter size is even, a choice is unknown, or the image is smaller than a pooled
        window.

    References
    ----------
    He, Zhang, Ren & Sun, "Deep residual learning for image recognition", CVPR 2016.

    Examples
    --------
    >>> ResidualConv().layers()
    ('conv', 'pool', 'block1', 'block2', 'block3', 'fc', 'fc_relu')
    """

    def __init__(
        self,
        image_size: tuple[int, int] = IMAGE_SIZE,
        *,
        n_hidden: Units = 10,
        n_blocks: Annotated[int, Field(ge=1, le=MAX_BLOCKS)] = 3,
        n_channels: Size | Sequence[Size] = 16,
        filter_size: Size = 7,
        pool_size: Size = 4,
        n_outputs: int = 1,
        output: str = "probability",
        initial: Initial = "study",
        normalisation: Normalisation = "batch",
    ) -> None:
        super().__init__(image_size, n_hidden=n_hidden, n_outputs=n_outputs, output=output)
        if not 1 <= n_blocks <= MAX_BLOCKS:
            raise InputError(f"n_blocks is {n_blocks}; it must be between 1 and {MAX_BLOCKS}")
        channels = channels_of(n_channels, n_blocks)
        check_choice("normalisation", normalisation, get_args(Normalisation))
        self.n_blocks = n_blocks
        height, width = self._add_conv_pool(channels[0], filter_size, pool_size, initial)
        for index, n in enumerate(channels):
            stride = 1 if index == 0 else 2
            self.add_module(f"block{index + 1}", _Block(channels[max(index - 1, 0)], n, stride, normalisation))
            height, width = -(-height // stride), -(-width // stride)
        self._add_answer(channels[-1] * height * width)

    def _features(self, images: torch.Tensor) -> torch.Tensor:
        features = self._pooled(images)
        for index in range(self.n_blocks):
            features = self.get_submodule(f"block{index + 1}")(features)
        return features


class _Block(nn.Module):
    """``relu(shortcut(x) + branch(x))``."""

    def __init__(self, n_in: int, n_out: int, stride: int, normalisation: str) -> None:
        super().__init__()
        bias = normalisation == "none"  # which batch normalisation takes out
        self.branch = nn.Sequential(
            nn.Conv2d(n_in, n_out, 3, stride=stride, padding=1, bias=bias),
            *([] if bias else [nn.BatchNorm2d(n_out)]),
            nn.ReLU(),
            nn.Conv2d(n_out, n_out, 3, padding=1, bias=bias),
            *([] if bias else [nn.BatchNorm2d(n_out)]),
        )
        same = stride == 1 and n_in == n_out
        self.shortcut = nn.Identity() if same else nn.Conv2d(n_in, n_out, 1, stride=stride, bias=False)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.shortcut(features) + self.branch(features))
