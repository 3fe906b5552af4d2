"""Convolutional cores: from images to features shared by all neurons."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from normenc.arrays import as_array, grey_images
from normenc.errors import InputError
from normenc.networks.filters import check_filters, gabor_filters, initial_filters

__all__ = ["NONLINEARITIES", "ConvCore", "as_images", "same_images"]

NONLINEARITIES: dict[str, Callable[[], nn.Module]] = {
    "elu": nn.ELU,
    "relu": nn.ReLU,
    "softplus": nn.Softplus,
    "none": nn.Identity,
}
INITIAL = {"study": initial_filters, "gabor": gabor_filters, "random": None}
LATER_FILTERS = 3  # pixels
GREY = 0.5  # grey value of the background


class ConvCore(nn.Module):
    """Layers of convolution, optional batch normalisation, and a nonlinearity; features keep the image's size.

    The background grey is subtracted from the images first, so that zero padding is background, too.

    Parameters
    ----------
    n_layers : int
        At least 1.
    n_channels : int or sequence of int
        Channels of all layers, or one number per layer.
    filter_size : int or sequence of int
        Height and width (odd) in pixels: of the first layer (later ones have 3), or one number per layer.
    nonlinearity : str
        After every layer: ``"elu"``, ``"relu"``, ``"softplus"`` or ``"none"``, which leaves the core linear.
    batch_norm : bool
        Normalise each channel over the batch, before the nonlinearity.
    initial : str
        Filters of the first layer: ``"study"``, :func:`normenc.networks.initial_filters`; ``"gabor"``,
        :func:`normenc.networks.gabor_filters`; both with a bias of zero; or ``"random"``, as torch draws them, like
        those of all later layers.
    grey : float
        Grey value that is subtracted from the images.

    Raises
    ------
    InputError
        If a number is impossible or a choice unknown.

    References
    ----------
    Cadena, Denfield, Walker, Gatys, Tolias, Bethge & Ecker, "Deep convolutional models improve predictions of macaque
    V1 responses to natural images", PLoS Comput. Biol. 2019.

    Examples
    --------
    >>> ConvCore(n_layers=2, n_channels=8)(torch.zeros(5, 12, 16)).shape
    torch.Size([5, 8, 12, 16])
    """

    def __init__(
        self,
        *,
        n_layers: int = 1,
        n_channels: int | Sequence[int] = 16,
        filter_size: int | Sequence[int] = 7,
        nonlinearity: str = "elu",
        batch_norm: bool = False,
        initial: str = "study",
        grey: float = GREY,
    ) -> None:
        super().__init__()
        if n_layers < 1:
            raise InputError(f"n_layers is {n_layers}; a core needs at least 1 layer")
        for name, value, allowed in (("nonlinearity", nonlinearity, NONLINEARITIES), ("initial", initial, INITIAL)):
            if value not in allowed:
                raise InputError(f"{name} is {value!r}; it must be one of {', '.join(map(repr, allowed))}")
        channels = _per_layer("n_channels", n_channels, n_layers, later=None)
        sizes = _per_layer("filter_size", filter_size, n_layers, later=LATER_FILTERS)
        self.n_channels, self.nonlinearity, self.grey = channels[-1], nonlinearity, grey
        self.layers = nn.ModuleList()
        for index, (n, size) in enumerate(zip(channels, sizes, strict=True)):
            check_filters(n, size)
            conv = nn.Conv2d(channels[index - 1] if index else 1, n, size, padding=size // 2)
            norm = nn.BatchNorm2d(n) if batch_norm else nn.Identity()
            self.layers.append(nn.Sequential(conv, norm, NONLINEARITIES[nonlinearity]()))
        first = INITIAL[initial]
        if first is not None:
            self.set_filters(first(channels[0], sizes[0]))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Features, shape (n, n_channels, height, width), of images (n, height, width) or (n, 1, height, width)."""
        features = grey_images(images) - self.grey
        for layer in self.layers:
            features = layer(features)
        return features

    def weights(self) -> list[torch.Tensor]:
        """Filters of every layer, shape (n_channels, n_channels before, size, size), for penalties."""
        return [layer[0].weight for layer in self.layers]  # type: ignore[index]

    def spatial_weights(self) -> list[torch.Tensor]:
        """The same: all weights of a core have a place in the image."""
        return self.weights()

    def filters(self) -> torch.Tensor:
        """Copy of the first layer's filters, shape (n_channels, size, size), on the CPU."""
        return self.weights()[0].detach().cpu()[:, 0].clone()

    def set_filters(self, filters: torch.Tensor) -> None:
        """Give the first layer these filters, shape (n_channels, 1, size, size), and a bias of zero."""
        with torch.no_grad():
            self.weights()[0].copy_(filters)
            self.layers[0][0].bias.zero_()  # type: ignore[index]


def as_images(images: Any) -> torch.Tensor:
    """Grey images as a float32 tensor on the CPU, shape (n, height, width).

    Raises
    ------
    InputError
        If they are not grey, there are none, or a value is not finite.
    """
    values = as_array(images, "images")
    if values.ndim == 4 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 3 or not values.size:
        raise InputError(
            f"images have shape {values.shape}; they must be grey, shape (n, height, width), and not empty"
        )
    if not np.isfinite(values).all():
        raise InputError("images contain NaN or infinity; give grey values, 0 (black) to 1 (white)")
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))


def same_images(images: Any) -> npt.NDArray[np.intp]:
    """A number for each image, equal for identical images, shape (n,), from 0 in order of appearance.

    Examples
    --------
    Gratings at -180 and 0 degrees are one image:

    >>> from normenc import stimuli
    >>> same_images(stimuli.gratings([-180, -90, 0, 90], resolution=0.025))
    array([0, 1, 0, 1])
    """
    numbers: dict[bytes, int] = {}
    return np.array([numbers.setdefault(image.tobytes(), len(numbers)) for image in as_images(images).numpy()])


def _per_layer(name: str, value: int | Sequence[int], n_layers: int, *, later: int | None) -> list[int]:
    """One number per layer; if a single one is given, later layers have `later`, if that is a number."""
    if isinstance(value, int):
        return [value] + [value if later is None else later] * (n_layers - 1)
    if len(value) != n_layers:
        raise InputError(f"{name} has {len(value)} numbers for {n_layers} layers; give one number, or one per layer")
    return list(value)
