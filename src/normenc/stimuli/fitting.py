"""Images cut, padded and resized to a size; colours turned into luminance: of tensors tensors, of arrays arrays."""

from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError

__all__ = ["FITS", "fitted", "luminance", "of_ratio", "sides_of_ratio"]

FITS = ("crop", "pad")
GREY = 0.5  # of what is padded
LUMINANCE = (0.2125, 0.7154, 0.0721)  # of red, green and blue (ITU-R BT.709), as skimage.color.rgb2gray has it


def luminance(images: Any) -> Any:
    """Grey images, shape (n, height, width), from colours (n, 3, height, width); others as they are without a channel.

    The weights of red, green and blue are 0.2125, 0.7154 and 0.0721 (ITU-R BT.709).

    Raises
    ------
    InputError
        If images have another number of channels than 1 and 3.

    Examples
    --------
    >>> luminance(np.array([1.0, 0.0, 0.0])[None, :, None, None])
    array([[[0.2125]]])
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
    red, green, blue = (images[:, channel] for channel in range(3))
    return LUMINANCE[0] * red + LUMINANCE[1] * green + LUMINANCE[2] * blue


def fitted(images: Any, size: tuple[int, int], fit: str = "crop") -> Any:
    """Images of `size` (height, width), bilinear and antialiased, values 0 to 1.

    Parameters
    ----------
    images : Tensor or ndarray, shape (n, height, width) or (n, channels, height, width)
        Arrays are resized by Pillow, to what torch makes of tensors but for rounding.
    size : (int, int)
    fit : str
        ``"crop"`` cuts them at the centre to the ratio of `size`, ``"pad"`` adds grey (0.5) on both sides, and
        ``"stretch"`` lets the ratio change.

    Examples
    --------
    >>> fitted(np.ones((1, 10, 30)), (5, 5)).shape
    (1, 5, 5)
    """
    if tuple(images.shape[-2:]) == tuple(size):
        return images
    with_channels = images if images.ndim == 4 else images[:, None]
    with_channels = with_channels if fit == "stretch" else of_ratio(with_channels, size, fit)
    resized = _resized(with_channels, size)
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


def of_ratio(images: Any, size: tuple[int, int], fit: str) -> Any:
    """Images cut, or padded, to the ratio of `size`, to the next pixel."""
    height, width = images.shape[-2:]
    new = sides_of_ratio((height, width), size, fit)
    if fit == "crop":
        top, left = (height - new[0]) // 2, (width - new[1]) // 2
        return images[..., top : top + new[0], left : left + new[1]]
    down, across = new[0] - height, new[1] - width
    sides = (across // 2, across - across // 2, down // 2, down - down // 2)
    if isinstance(images, np.ndarray):
        return np.pad(images, ((0, 0), (0, 0), sides[2:], sides[:2]), constant_values=GREY)
    from torch.nn import functional

    return functional.pad(images, sides, value=GREY)


def _resized(images: Any, size: tuple[int, int]) -> Any:
    """Images of shape (n, channels, height, width), resized."""
    if isinstance(images, np.ndarray):
        return _resized_by_pillow(images, size)
    from torch.nn import functional

    return functional.interpolate(images, size, mode="bilinear", antialias=True, align_corners=False)


def _resized_by_pillow(images: npt.NDArray[Any], size: tuple[int, int]) -> npt.NDArray[np.float32]:
    from PIL import Image

    resized = np.empty((*images.shape[:2], *size), dtype=np.float32)
    for place in np.ndindex(images.shape[:2]):
        plane = Image.fromarray(np.ascontiguousarray(images[place], dtype=np.float32))
        resized[place] = np.asarray(plane.resize((size[1], size[0]), Image.Resampling.BILINEAR))
    return resized
