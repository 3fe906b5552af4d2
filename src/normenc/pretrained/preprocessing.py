"""Preparation of images for networks that need colours, another size and normalised values."""

from dataclasses import dataclass

import torch

from normenc.errors import InputError
from normenc.stimuli.fitting import FITS, fitted, luminance

__all__ = ["FITS", "IMAGENET", "Preprocessing"]

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))  # means and standard deviations of red, green and blue
RGB = 3  # channels of an image in colour
SLACK = 1e-3  # of values that resizing takes beyond 0 and 1


@dataclass(frozen=True)
class Preprocessing:
    """How images, grey or in colour, values 0 to 1, are prepared for a network.

    Attributes
    ----------
    size : (int, int) or None
        Height and width in pixels that images are resized to (bilinear, antialiased); None keeps their size.
    n_channels : int
        Of the network's input. Grey images are copied to each; colours go in as they are where there are 3, and become
        grey by their luminance (ITU-R BT.709) where there is 1.
    mean, std : tuple of float
        Of each channel; the mean is subtracted, then the standard deviation divides.
    fit : str
        How images with another aspect ratio than `size` are fitted without stretching: ``"crop"`` cuts them at the
        centre, ``"pad"`` adds grey (0.5) on both sides.

    Examples
    --------
    >>> print(Preprocessing((224, 224), 3, *IMAGENET))
    colours as they are, grey to 3 channels, cut to 1:1 in the middle, resized to 224 x 224 pixels, normalised with \
mean (0.485, 0.456, 0.406) and SD (0.229, 0.224, 0.225)
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
        colour = {1: "colours by their luminance", RGB: f"colours as they are, grey to {RGB} channels"}
        size = [] if self.size is None else [self._ratio_said, "resized to {} x {} pixels".format(*self.size)]
        return ", ".join([colour.get(self.n_channels, f"grey to {self.n_channels} channels"), *size, self._scale_said])

    @property
    def _ratio_said(self) -> str:
        assert self.size is not None
        height, width = self.size
        ratio = "1:1" if height == width else f"{height}:{width} (height to width)"
        return f"cut to {ratio} in the middle" if self.fit == "crop" else f"padded with grey to {ratio}"

    @property
    def _scale_said(self) -> str:
        if self.mean == (0.0,) and self.std == (1.0,):
            return "values 0 to 1"
        mean, std = (values[0] if len(values) == 1 else values for values in (self.mean, self.std))
        return f"normalised with mean {mean} and SD {std}"

    def describe(self, image_size: tuple[int, int], *, is_colour: bool, degrees: float | None = None) -> str:
        """Say what is done to images of this size and kind, and how many degrees of visual angle are left of them.

        Parameters
        ----------
        image_size : (int, int)
            Height and width in pixels.
        is_colour : bool
        degrees : float, optional
            Width of an image in degrees of visual angle.

        Examples
        --------
        >>> wanted = Preprocessing((224, 224), 3, *IMAGENET)
        >>> wanted.describe((480, 640), is_colour=True, degrees=40)
        'in colour, cut to 1:1 in the middle (25 % of the width left out), resized from 480 x 480 to 224 x 224 pixels \
(30 x 30 degrees), normalised with mean (0.485, 0.456, 0.406) and SD (0.229, 0.224, 0.225)'
        """
        said = ["in colour" if is_colour and self.n_channels == RGB else "grey by luminance" if is_colour else "grey"]
        if not is_colour and self.n_channels > 1:
            said = [f"grey in {self.n_channels} equal channels"]
        height, width = float(image_size[0]), float(image_size[1])
        if self.size is not None:
            kept = min(height / self.size[0], width / self.size[1])
            if self.fit == "pad":
                kept = max(height / self.size[0], width / self.size[1])
            new = (max(1, round(self.size[0] * kept)), max(1, round(self.size[1] * kept)))
            if new != image_size:
                said.append(self._ratio_said + self._left_out(image_size, new))
            if new == self.size:
                said.append("at {} x {} pixels".format(*new))
            else:
                said.append("resized from {} x {} to {} x {} pixels".format(*new, *self.size))
            height, width = float(new[0]), float(new[1])
        else:
            said.append("at {} x {} pixels".format(*image_size))
        if degrees is not None:
            a_pixel = degrees / image_size[1]
            said[-1] += f" ({width * a_pixel:.3g} x {height * a_pixel:.3g} degrees)"
        return ", ".join([*said, self._scale_said])

    def _left_out(self, own: tuple[int, int], new: tuple[int, int]) -> str:
        if self.fit == "pad":
            return ""
        side, share = ("height", new[0] / own[0]) if new[0] < own[0] else ("width", new[1] / own[1])
        return f" ({100 * (1 - share):.2g} % of the {side} left out)"

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Images as the network takes them, shape (n, n_channels, height, width).

        Parameters
        ----------
        images : Tensor, shape (n, height, width), (n, 1, height, width) or (n, 3, height, width)
            Values 0 to 1, of any type; bytes (uint8) are divided by 255.

        Raises
        ------
        InputError
            If images have another shape, or values outside of 0 and 1.
        """
        images = self._with_channels(images)
        if not images.is_floating_point():
            images = images.float() / (255 if images.dtype == torch.uint8 else 1)
        low, high = float(images.min()), float(images.max())
        if not (-SLACK <= low <= high <= 1 + SLACK):
            raise InputError(f"images have values from {low:g} to {high:g}; they must be values from 0 to 1, or bytes")
        if self.n_channels == 1:
            images = luminance(images)[:, None]
        if self.size is not None:
            images = fitted(images, self.size, self.fit)
        mean, std = (images.new_tensor(value)[:, None, None] for value in (self.mean, self.std))
        scaled = (images - mean) / std
        return scaled.repeat(1, self.n_channels // scaled.shape[1], 1, 1)

    def _with_channels(self, images: torch.Tensor) -> torch.Tensor:
        """Images with one channel, or with three colours where the network takes them."""
        if images.ndim == 3:
            images = images[:, None]
        if images.ndim != 4 or images.shape[1] not in (1, RGB):
            raise InputError(
                f"images have shape {tuple(images.shape)}; they must be grey, shape (n, height, width) or "
                f"(n, 1, height, width), or in colour, shape (n, {RGB}, height, width)"
            )
        if images.shape[1] == RGB and self.n_channels not in (1, RGB):
            raise InputError(
                f"images are in colour, but this network takes {self.n_channels} channels; give it grey images"
            )
        return images
