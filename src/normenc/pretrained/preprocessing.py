"""Preparation of grey images for networks that need colours, another size and normalised values."""

from dataclasses import dataclass

import torch
from torch.nn import functional

from normenc.arrays import grey_images
from normenc.errors import InputError

__all__ = ["FITS", "IMAGENET", "Preprocessing"]

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))  # means and standard deviations of red, green and blue
FITS = ("crop", "pad")
GREY = 0.5  # of what is padded
SLACK = 1e-3  # of values that resizing takes beyond 0 and 1


@dataclass(frozen=True)
class Preprocessing:
    """How grey images, values 0 to 1, are prepared for a network.

    Attributes
    ----------
    size : (int, int) or None
        Height and width in pixels that images are resized to (bilinear, antialiased); None keeps their size.
    n_channels : int
        Copies of the grey image.
    mean, std : tuple of float
        Of each channel; the mean is subtracted, then the standard deviation divides.
    fit : str
        How images with another aspect ratio than `size` are fitted without stretching: ``"crop"`` cuts them at the
        centre, ``"pad"`` adds grey (0.5) on both sides.

    Examples
    --------
    >>> print(Preprocessing((224, 224), 3, *IMAGENET))
    grey to 3 channels, cut to 1:1 in the middle, resized to 224 x 224 pixels, minus (0.485, 0.456, 0.406), over \
(0.229, 0.224, 0.225)
    """

    size: tuple[int, int] | None
    n_channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    fit: str = "crop"

    def __post_init__(self) -> None:
        if self.n_channels < 1:
            raise InputError(f"n_channels is {self.n_channels}; a network takes at least 1")
        if self.size is not None and (len(self.size) != 2 or min(self.size) < 1):
            raise InputError(f"size is {self.size}; it must be (height, width), both at least 1 pixel")
        for name in ("mean", "std"):
            if len(getattr(self, name)) not in (1, self.n_channels):
                raise InputError(f"{name} is {getattr(self, name)}; it must be one number, or {self.n_channels}")
        if not all(value > 0 for value in self.std):
            raise InputError(f"std is {self.std}; standard deviations must be positive")
        if self.fit not in FITS:
            raise InputError(f"fit is {self.fit!r}; it must be one of {', '.join(FITS)}")

    def __str__(self) -> str:
        size = ""
        if self.size is not None:
            height, width = self.size
            ratio = "1:1" if height == width else f"{height}:{width} (height to width)"
            how = f"cut to {ratio} in the middle" if self.fit == "crop" else f"padded with grey to {ratio}"
            size = f", {how}, resized to {height} x {width} pixels"
        return f"grey to {self.n_channels} channels{size}, minus {self.mean}, over {self.std}"

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Images as the network takes them, shape (n, n_channels, height, width).

        Parameters
        ----------
        images : Tensor, shape (n, height, width) or (n, 1, height, width)
            Values 0 to 1, of any type; bytes (uint8) are divided by 255.

        Raises
        ------
        InputError
            If images have another shape, or values outside of 0 and 1.
        """
        images = grey_images(images)
        if not images.is_floating_point():
            images = images.float() / (255 if images.dtype == torch.uint8 else 1)
        low, high = float(images.min()), float(images.max())
        if not (-SLACK <= low <= high <= 1 + SLACK):
            raise InputError(
                f"images have values from {low:g} to {high:g}; they must be grey values from 0 to 1, or bytes"
            )
        if self.size is not None and tuple(images.shape[2:]) != self.size:
            images = _of_ratio(images, self.size, self.fit)
            images = functional.interpolate(images, self.size, mode="bilinear", antialias=True, align_corners=False)
        mean, std = (images.new_tensor(value)[:, None, None] for value in (self.mean, self.std))
        return ((images - mean) / std).repeat(1, self.n_channels // len(self.mean), 1, 1)


def _of_ratio(images: torch.Tensor, size: tuple[int, int], fit: str) -> torch.Tensor:
    """Images cut, or padded, to the ratio of `size`, to the next pixel."""
    height, width = images.shape[2:]
    choose = min if fit == "crop" else max
    scale = choose(height / size[0], width / size[1])
    new = [max(1, round(side * scale)) for side in size]
    if fit == "crop":
        top, left = (height - new[0]) // 2, (width - new[1]) // 2
        return images[..., top : top + new[0], left : left + new[1]]
    down, across = new[0] - height, new[1] - width
    return functional.pad(images, (across // 2, across - across // 2, down // 2, down - down // 2), value=GREY)
