"""Images cut, padded and resized to a size, in blocks of tensors; colours turned into luminance."""

import torch
from torch.nn import functional

from normenc.errors import InputError

__all__ = ["FITS", "fitted", "luminance", "of_ratio", "sides_of_ratio"]

FITS = ("crop", "pad")
GREY = 0.5  # of what is padded
LUMINANCE = (0.2125, 0.7154, 0.0721)  # of red, green and blue (ITU-R BT.709), as skimage.color.rgb2gray has it


def luminance(images: torch.Tensor) -> torch.Tensor:
    """Grey images, shape (n, height, width), from colours (n, 3, height, width); others as they are without a channel.

    The weights of red, green and blue are 0.2125, 0.7154 and 0.0721 (ITU-R BT.709).

    Raises
    ------
    InputError
        If images have another number of channels than 1 and 3.

    Examples
    --------
    >>> luminance(torch.tensor([1.0, 0.0, 0.0])[None, :, None, None])
    tensor([[[0.2125]]])
    """
    if images.ndim == 3:
        return images
    if images.ndim != 4 or images.shape[1] not in (1, 3):
        raise InputError(
            f"images have shape {tuple(images.shape)}; they must be grey, shape (n, height, width) or "
            "(n, 1, height, width), or in colour, shape (n, 3, height, width)"
        )
    if images.shape[1] == 1:
        return images[:, 0]
    red, green, blue = images.unbind(1)
    return LUMINANCE[0] * red + LUMINANCE[1] * green + LUMINANCE[2] * blue


def fitted(images: torch.Tensor, size: tuple[int, int], fit: str = "crop") -> torch.Tensor:
    """Images of `size` (height, width), bilinear and antialiased, values 0 to 1.

    Parameters
    ----------
    images : Tensor, shape (n, height, width) or (n, channels, height, width)
    size : (int, int)
    fit : str
        ``"crop"`` cuts them at the centre to the ratio of `size`, ``"pad"`` adds grey (0.5) on both sides, and
        ``"stretch"`` lets the ratio change.

    Examples
    --------
    >>> fitted(torch.ones(1, 10, 30), (5, 5)).shape
    torch.Size([1, 5, 5])
    """
    if tuple(images.shape[-2:]) == tuple(size):
        return images
    with_channels = images if images.ndim == 4 else images[:, None]
    with_channels = with_channels if fit == "stretch" else of_ratio(with_channels, size, fit)
    resized = functional.interpolate(with_channels, size, mode="bilinear", antialias=True, align_corners=False)
    return resized if images.ndim == 4 else resized[:, 0]


def sides_of_ratio(own: tuple[int, int], size: tuple[int, int], fit: str) -> tuple[int, int]:
    """Height and width that are left of images of size `own`, or to which they are padded, before they are resized.

    Examples
    --------
    >>> sides_of_ratio((120, 160), (60, 60), "crop"), sides_of_ratio((120, 160), (60, 160), "pad")
    ((120, 120), (120, 320))
    """
    if tuple(own) == tuple(size):
        return own
    scale = (min if fit == "crop" else max)(own[0] / size[0], own[1] / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def of_ratio(images: torch.Tensor, size: tuple[int, int], fit: str) -> torch.Tensor:
    """Images cut, or padded, to the ratio of `size`, to the next pixel."""
    height, width = images.shape[-2:]
    new = sides_of_ratio((height, width), size, fit)
    if fit == "crop":
        top, left = (height - new[0]) // 2, (width - new[1]) // 2
        return images[..., top : top + new[0], left : left + new[1]]
    down, across = new[0] - height, new[1] - width
    return functional.pad(images, (across // 2, across - across // 2, down // 2, down - down // 2), value=GREY)
