"""What all networks share: the base class, the layers at its end, and the first convolution."""

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import nn

from normenc.errors import InputError
from normenc.networks.filters import check_filters, gabor_filters, initial_filters
from normenc.networks.pooling import MaxPool2d, conv_relu_max_pool

__all__ = [
    "IMAGE_SIZE",
    "NETWORKS",
    "ConvPool",
    "Initial",
    "Network",
    "channels_of",
    "check_choice",
    "convolution",
    "filters_of",
]

IMAGE_SIZE = (48, 64)
OUTPUTS = ("probability", "linear")
Initial = Literal["study", "gabor", "random"]
NETWORKS: dict[str, type["Network"]] = {}
"""Networks by their names in study files."""


class Network(nn.Module):
    """Base class of the networks: images, as a rule a hidden layer ``fc``, output.

    Parameters
    ----------
    image_size : (int, int)
        Height and width in pixels.
    n_hidden : int, optional
        Units of the layer ``fc``; None where an architecture has none.
    n_outputs : int
        Units of the output; a task defines how many it needs.
    output : str
        ``"probability"`` (a sigmoid at the end) or ``"linear"``.

    Raises
    ------
    InputError
        If a size is not positive, or the output is neither of the two.
    """

    def __init__(
        self, image_size: tuple[int, int], *, n_hidden: int | None = None, n_outputs: int, output: str
    ) -> None:
        super().__init__()
        if len(image_size) != 2 or min(image_size) < 1:
            raise InputError(f"image_size is {tuple(image_size)}; it must be (height, width), both at least 1 pixel")
        if n_hidden is not None and n_hidden < 1:
            raise InputError(f"n_hidden is {n_hidden}; the layer fc needs at least 1 unit")
        if n_outputs < 1:
            raise InputError(f"n_outputs is {n_outputs}; the output needs at least 1 unit")
        check_choice("output", output, OUTPUTS)
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
        outputs = self._outputs(images.reshape(-1, 1, height, width))
        return torch.sigmoid(outputs) if self.output == "probability" else outputs

    def _outputs(self, images: torch.Tensor) -> torch.Tensor:
        """Unbounded outputs for images, shape (n, 1, height, width)."""
        return self.out(self.fc_relu(self.fc(self._features(images).flatten(1))))

    def _features(self, images: torch.Tensor) -> torch.Tensor:
        """The input of ``fc`` for images, shape (n, 1, height, width)."""
        return images

    def _add_answer(self, n_features: int) -> None:
        """Add the last layers; the order of creation determines the order in which initial weights are drawn."""
        assert self.n_hidden is not None  # of networks that call this
        self.fc = nn.Linear(n_features, self.n_hidden)
        self.fc_relu = nn.ReLU()
        self.out = nn.Linear(self.n_hidden, self.n_outputs)


class ConvPool(Network):
    """Base class of the networks that begin with ``conv``, relu and ``pool`` (maximum).

    In training mode the three run as one (:func:`normenc.networks.pooling.conv_relu_max_pool`), with the same result.
    """

    pool_size: int

    def _add_conv_pool(self, n_channels: int, filter_size: int, pool_size: int, initial: Initial) -> tuple[int, int]:
        """Add ``conv`` and ``pool``; returns height and width after them."""
        height, width = self.image_size
        if pool_size < 1 or pool_size > min(height, width):
            raise InputError(
                f"pool_size is {pool_size} but images are {height} x {width} pixels; "
                f"give 1 to {min(height, width)}, or larger images"
            )
        self.conv = convolution(n_channels, filter_size, initial)
        self.pool = MaxPool2d(pool_size)
        self.pool_size = pool_size
        return height // pool_size, width // pool_size

    def _pooled(self, images: torch.Tensor) -> torch.Tensor:
        if self.training and not images.requires_grad:
            return conv_relu_max_pool(images, self.conv.weight, self.conv.bias, self.pool_size)  # type: ignore[arg-type]
        return self.pool(torch.relu(self.conv(images)))


def convolution(n_channels: int, filter_size: int, initial: Initial) -> nn.Conv2d:
    """A convolution of grey images that keeps their size, with the initial filters that a network's docstring names."""
    check_filters(n_channels, filter_size)
    filters = filters_of(initial, n_channels, filter_size)
    conv = nn.Conv2d(1, n_channels, filter_size, padding=filter_size // 2)
    if filters is not None:
        with torch.no_grad():
            conv.weight.copy_(filters)
            conv.bias.zero_()  # type: ignore[union-attr]
    return conv


def filters_of(initial: Initial, n_channels: int, filter_size: int) -> torch.Tensor | None:
    """Initial filters by name, shape (n_channels, 1, filter_size, filter_size); None where torch draws them."""
    check_choice("initial", initial, get_args(Initial))
    if initial == "random":
        return None
    return (initial_filters if initial == "study" else gabor_filters)(n_channels, filter_size)


def channels_of(n_channels: int | Sequence[int], n_blocks: int) -> list[int]:
    """The channels of each block, from one number for all or one for each."""
    channels = [n_channels] * n_blocks if isinstance(n_channels, int) else list(n_channels)
    if len(channels) != n_blocks or min(channels) < 1:
        raise InputError(
            f"n_channels is {n_channels}; give one number of at least 1, or one for each of {n_blocks} blocks"
        )
    return channels


def check_choice(name: str, value: str, allowed: Sequence[str]) -> None:
    """Raise InputError if a value is none of those allowed."""
    if value not in allowed:
        raise InputError(f"{name} is {value!r}; it must be one of {', '.join(map(repr, allowed))}")
