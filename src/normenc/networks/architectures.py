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
from normenc.networks.filters import check_filters, gabor_filters, initial_filters
from normenc.networks.normalisation import DivisiveNormalisation
from normenc.networks.pooling import conv_relu_max_pool

__all__ = ["FC", "NETWORKS", "ConvFC", "ConvPoolFC", "DeepConvPoolFC", "Network"]

IMAGE_SIZE = (48, 64)
OUTPUTS = ("probability", "linear")
Initial = Literal["study", "gabor", "random"]
Normalisation = Literal["none", "batch", "divisive"]
MAX_BLOCKS = 5
NETWORKS: dict[str, type["Network"]] = {}
"""Networks by their names in study files."""


class Network(nn.Module):
    """Base class of the networks: images, hidden layer ``fc``, output.

    Parameters
    ----------
    image_size : (int, int)
        Height and width in pixels.
    n_hidden : int
        Units of the layer ``fc``.
    n_outputs : int
        Units of the output; a task defines how many it needs.
    output : str
        ``"probability"`` (a sigmoid at the end) or ``"linear"``.

    Raises
    ------
    InputError
        If a size is not positive, or the output is neither of the two.
    """

    def __init__(self, image_size: tuple[int, int], *, n_hidden: int, n_outputs: int, output: str) -> None:
        super().__init__()
        if len(image_size) != 2 or min(image_size) < 1:
            raise InputError(f"image_size is {tuple(image_size)}; it must be (height, width), both at least 1 pixel")
        if n_hidden < 1:
            raise InputError(f"n_hidden is {n_hidden}; the layer fc needs at least 1 unit")
        if n_outputs < 1:
            raise InputError(f"n_outputs is {n_outputs}; the output needs at least 1 unit")
        _check_choice("output", output, OUTPUTS)
        self.image_size = image_size[0], image_size[1]
        self.n_hidden, self.n_outputs, self.output = n_hidden, n_outputs, output

    def layers(self) -> tuple[str, ...]:
        """Names of the layers with a pattern of responses, from first to last, without the output."""
        return tuple(name for name, _ in self.named_children() if name != "out")

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """The output, shape (n, n_outputs)."""
        height, width = self.image_size
        if images.shape[1:] not in ((height, width), (1, height, width)):
            raise InputError(
                f"{type(self).__name__} was built for images of {height} x {width} pixels, shape (n, {height}, "
                f"{width}), but was given shape {tuple(images.shape)}; build it with image_size=(height, width)"
            )
        hidden = self.fc_relu(self.fc(self._features(images.reshape(-1, 1, height, width)).flatten(1)))
        outputs = self.out(hidden)
        return torch.sigmoid(outputs) if self.output == "probability" else outputs

    def _features(self, images: torch.Tensor) -> torch.Tensor:
        """The input of ``fc`` for images, shape (n, 1, height, width)."""
        return images

    def _add_answer(self, n_features: int) -> None:
        """Add the last layers; the order of creation determines the order in which initial weights are drawn."""
        self.fc = nn.Linear(n_features, self.n_hidden)
        self.fc_relu = nn.ReLU()
        self.out = nn.Linear(self.n_hidden, self.n_outputs)


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
        self.conv = _convolution(n_channels, filter_size, initial)
        self._add_answer(n_channels * image_size[0] * image_size[1])

    def _features(self, images: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.conv(images))


@named(NETWORKS, "ConvPoolFC")
class ConvPoolFC(Network):
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
        if pool_size < 1 or pool_size > min(image_size):
            raise InputError(
                f"pool_size is {pool_size} but images are {image_size[0]} x {image_size[1]} pixels; "
                f"give 1 to {min(image_size)}, or larger images"
            )
        self.conv = _convolution(n_channels, filter_size, initial)
        self.pool = nn.MaxPool2d(pool_size)
        self.pool_size = pool_size
        self._add_answer(n_channels * (image_size[0] // pool_size) * (image_size[1] // pool_size))

    def _features(self, images: torch.Tensor) -> torch.Tensor:
        if self.training and not images.requires_grad:
            return conv_relu_max_pool(images, self.conv.weight, self.conv.bias, self.pool_size)  # type: ignore[arg-type]
        return self.pool(torch.relu(self.conv(images)))


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
        channels = [n_channels] * n_blocks if isinstance(n_channels, int) else list(n_channels)
        if len(channels) != n_blocks or min(channels) < 1:
            raise InputError(
                f"n_channels is {n_channels}; give one number of at least 1, or one for each of {n_blocks} blocks"
            )
        _check_choice("normalisation", normalisation, get_args(Normalisation))
        self.n_blocks = n_blocks
        for index, n in enumerate(channels):
            first = index == 0
            conv = _convolution(n, filter_size, initial) if first else nn.Conv2d(channels[index - 1], n, 3, padding=1)
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


def _convolution(n_channels: int, filter_size: int, initial: Initial) -> nn.Conv2d:
    check_filters(n_channels, filter_size)
    _check_choice("initial", initial, get_args(Initial))
    conv = nn.Conv2d(1, n_channels, filter_size, padding=filter_size // 2)
    if initial != "random":
        filters = initial_filters if initial == "study" else gabor_filters
        with torch.no_grad():
            conv.weight.copy_(filters(n_channels, filter_size))
            conv.bias.zero_()  # type: ignore[union-attr]
    return conv


def _check_choice(name: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise InputError(f"{name} is {value!r}; it must be one of {', '.join(map(repr, allowed))}")
