"""The three networks of the reference study, for any size.

Every one maps images (n, height, width) or (n, 1, height, width) to the probability, shape (n, 1), that the answer
is "right". Modules bear the study's layer names; ``fc`` is the linear layer before its relu.
"""

import torch
from torch import nn

from normenc.errors import InputError
from normenc.networks.filters import check_filters, initial_filters
from normenc.networks.pooling import conv_relu_max_pool

__all__ = ["FC", "ConvFC", "ConvPoolFC"]

IMAGE_SIZE = (48, 64)


class FC(nn.Module):
    """Fully connected: flatten, ``fc``, relu, ``out``, sigmoid.

    Parameters
    ----------
    image_size : (int, int)
        Height and width in pixels.
    n_hidden : int
        Units of the layer ``fc``.

    Raises
    ------
    InputError
        When a size is not positive.

    Examples
    --------
    >>> FC()(torch.zeros(2, 48, 64)).shape
    torch.Size([2, 1])
    """

    def __init__(self, image_size: tuple[int, int] = IMAGE_SIZE, *, n_hidden: int = 10) -> None:
        super().__init__()
        self.image_size = _checked_size(image_size, n_hidden)
        self.fc = nn.Linear(image_size[0] * image_size[1], n_hidden)
        self.out = nn.Linear(n_hidden, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Probability of "right", shape (n, 1)."""
        images = _as_batch(images, self)
        hidden = self.fc(images.flatten(1))
        return torch.sigmoid(self.out(torch.relu(hidden)))


class ConvFC(nn.Module):
    """Convolutional: ``conv``, relu, flatten, ``fc``, relu, ``out``, sigmoid.

    ``conv`` starts at :func:`initial_filters` with a bias of zero, and is trained like the rest.

    Parameters
    ----------
    image_size : (int, int)
        Height and width in pixels.
    n_channels, filter_size : int
        Filters of ``conv``, and their height and width (odd) in pixels.
    n_hidden : int
        Units of the layer ``fc``.

    Raises
    ------
    InputError
        When a size is not positive or the filter size is even.

    Examples
    --------
    >>> ConvFC()(torch.zeros(2, 48, 64)).shape
    torch.Size([2, 1])
    """

    def __init__(
        self,
        image_size: tuple[int, int] = IMAGE_SIZE,
        *,
        n_channels: int = 6,
        filter_size: int = 7,
        n_hidden: int = 10,
    ) -> None:
        super().__init__()
        self.image_size = _checked_size(image_size, n_hidden)
        self.conv = _convolution(n_channels, filter_size)
        self.fc = nn.Linear(n_channels * image_size[0] * image_size[1], n_hidden)
        self.out = nn.Linear(n_hidden, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Probability of "right", shape (n, 1)."""
        convolved = torch.relu(self.conv(_as_batch(images, self)))
        hidden = self.fc(convolved.flatten(1))
        return torch.sigmoid(self.out(torch.relu(hidden)))


class ConvPoolFC(nn.Module):
    """The CNN of the study: ``conv``, relu, ``pool`` (maximum), flatten, ``fc``, relu, ``out``, sigmoid.

    ``conv`` starts at :func:`initial_filters` with a bias of zero, and is trained like the rest. In training mode
    the first three steps run as one (:func:`normenc.networks.pooling.conv_relu_max_pool`), with the same result.

    Parameters
    ----------
    image_size : (int, int)
        Height and width in pixels.
    n_channels, filter_size : int
        Filters of ``conv``, and their height and width (odd) in pixels.
    pool_size : int
        Height and width in pixels of a pooled window, and its stride.
    n_hidden : int
        Units of the layer ``fc``.

    Raises
    ------
    InputError
        When a size is not positive, the filter size is even, or the image is smaller than a pooled window.

    Examples
    --------
    >>> network = ConvPoolFC()
    >>> network.fc
    Linear(in_features=288, out_features=10, bias=True)
    """

    def __init__(
        self,
        image_size: tuple[int, int] = IMAGE_SIZE,
        *,
        n_channels: int = 6,
        filter_size: int = 7,
        pool_size: int = 8,
        n_hidden: int = 10,
    ) -> None:
        super().__init__()
        self.image_size = _checked_size(image_size, n_hidden)
        if pool_size < 1 or pool_size > min(image_size):
            raise InputError(
                f"pool_size is {pool_size} but images are {image_size[0]} x {image_size[1]} pixels; "
                f"it must lie between 1 and {min(image_size)}, or the images must be larger"
            )
        # The order of these lines is the order in which initial weights are drawn.
        self.conv = _convolution(n_channels, filter_size)
        self.pool = nn.MaxPool2d(pool_size)
        self.pool_size = pool_size
        self.fc = nn.Linear(n_channels * (image_size[0] // pool_size) * (image_size[1] // pool_size), n_hidden)
        self.out = nn.Linear(n_hidden, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Probability of "right", shape (n, 1)."""
        images = _as_batch(images, self)
        if self.training and not images.requires_grad:
            pooled = conv_relu_max_pool(images, self.conv.weight, self.conv.bias, self.pool_size)
        else:
            pooled = self.pool(torch.relu(self.conv(images)))
        hidden = self.fc(pooled.flatten(1))
        return torch.sigmoid(self.out(torch.relu(hidden)))


def _convolution(n_channels: int, filter_size: int) -> nn.Conv2d:
    check_filters(n_channels, filter_size)
    conv = nn.Conv2d(1, n_channels, filter_size, padding=filter_size // 2)
    with torch.no_grad():
        conv.weight.copy_(initial_filters(n_channels, filter_size))
        conv.bias.zero_()  # type: ignore[union-attr]
    return conv


def _checked_size(image_size: tuple[int, int], n_hidden: int) -> tuple[int, int]:
    if len(image_size) != 2 or min(image_size) < 1:
        raise InputError(f"image_size is {tuple(image_size)}; it must be (height, width), both at least 1 pixel")
    if n_hidden < 1:
        raise InputError(f"n_hidden is {n_hidden}; the layer fc needs at least 1 unit")
    return image_size[0], image_size[1]


def _as_batch(images: torch.Tensor, network: FC | ConvFC | ConvPoolFC) -> torch.Tensor:
    height, width = network.image_size
    if images.shape[1:] not in ((height, width), (1, height, width)):
        raise InputError(
            f"{type(network).__name__} was built for images of {height} x {width} pixels, shape (n, {height}, "
            f"{width}), but was given shape {tuple(images.shape)}; build it with image_size=(height, width)"
        )
    return images.reshape(-1, 1, height, width)
