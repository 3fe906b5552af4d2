"""Read images from files in grey, and fit them to the size that networks take."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from normenc.arrays import as_array
from normenc.errors import InputError
from normenc.stimuli.gratings import image_size

__all__ = ["IMAGE_SUFFIXES", "describe_fit", "fit_image", "fit_images", "read_grey"]

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"}


def read_grey(file: Path) -> tuple[npt.NDArray[np.float32], bool]:
    """An image in grey, values 0 to 1, and whether it was in colour; colours become grey by their luminance.

    It is rotated according to its EXIF data.

    Raises
    ------
    InputError
        If it cannot be read, or does not determine the grey values: because it is transparent, or has numbers without a
        known white level.
    """
    from PIL import Image
    from skimage import color, util

    try:
        with Image.open(file) as opened:
            image = util.img_as_float32(np.asarray(_plain(opened, file)))
    except InputError:
        raise
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError(f"{file}: this image cannot be read ({error})") from None
    if not (image.min() >= 0 and image.max() <= 1):
        raise InputError(
            f"{file}: this image has values from {image.min():g} to {image.max():g} without a known white level; "
            "save it with 8 or 16 bits, or with values from 0 (black) to 1 (white)"
        )
    colour = image.ndim == 3
    return (color.rgb2gray(image).astype(np.float32) if colour else image), colour


def _plain(opened: Any, file: Path) -> Any:
    """An image of Pillow's in grey or in red, green and blue, the right way up."""
    from PIL import ImageOps

    if getattr(opened, "n_frames", 1) > 1 and opened.format != "MPO":  # photographs with previews
        raise InputError(f"{file}: this file holds {opened.n_frames} images; save each to its own file")
    is_16_bit = opened.mode == "I" and opened.format == "PNG"
    if opened.mode == "I" and not is_16_bit:
        raise InputError(
            f"{file}: this image has 32-bit numbers without a known white level; save it with 8 or 16 bits"
        )
    turned = ImageOps.exif_transpose(opened)
    if turned.mode in ("RGBA", "RGBa", "LA", "La", "PA") or "transparency" in turned.info:
        if np.asarray(turned.convert("RGBA"))[..., 3].min() < 255:
            raise InputError(
                f"{file}: this image is partly transparent, so the background is unknown; save it on the "
                "background that was shown"
            )
        turned = turned.convert("L" if turned.mode in ("LA", "La") else "RGB")
    if is_16_bit:
        return np.asarray(turned).astype(np.uint16)
    return turned if turned.mode in ("1", "L", "F", "RGB") or turned.mode.startswith("I;16") else turned.convert("RGB")


def fit_image(image: npt.NDArray[Any], shape: tuple[int, int], what: str) -> npt.NDArray[np.float32]:
    """Crop a grey image at the centre to the aspect ratio of `shape`, and reduce it to that size.

    Raises
    ------
    InputError
        If it is too small; `what` names it.
    """
    from skimage import transform

    if image.shape[0] < shape[0] or image.shape[1] < shape[1]:
        raise InputError(
            f"{what} is {image.shape[0]} x {image.shape[1]} pixels, too small for {shape[0]} x {shape[1]}; use a "
            "smaller resolution or larger images"
        )
    height, width = _kept(image.shape, shape)
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    cut = image[top : top + height, left : left + width]
    return transform.resize(cut, shape, anti_aliasing=True).astype(np.float32)


def describe_fit(image_shape: Sequence[int], resolution: float = 0.1) -> str:
    """Say in one sentence what :func:`fit_images` does to images of `image_shape`; empty if it changes nothing.

    Parameters
    ----------
    image_shape : (int, int)
        Height and width in pixels.
    resolution : float
        See :func:`fit_images`.

    Examples
    --------
    >>> describe_fit((48, 128))
    'Images of 48 x 128 pixels were cut to 4:3 in their middle, which leaves out 50 % of their width.'
    >>> describe_fit((480, 640)), describe_fit((48, 64))
    ('Images of 480 x 640 pixels were reduced to 48 x 64 pixels.', '')
    """
    (own_height, own_width), shape = image_shape, image_size(resolution)
    height, width = _kept((own_height, own_width), shape)
    reduced = "" if (height, width) == shape else f"reduced to {shape[0]} x {shape[1]} pixels"
    cut = ""
    if (height, width) != (own_height, own_width):
        side, share = ("height", height / own_height) if height < own_height else ("width", width / own_width)
        percent = f"{100 * (1 - share):.2g} %"
        cut = f"cut to 4:3 in their middle, which leaves out {percent} of their {side}{',' * bool(reduced)}"
    done = " and ".join(part for part in (cut, reduced) if part)
    return f"Images of {own_height} x {own_width} pixels were {done}." if done else ""


def _kept(own: Sequence[int], shape: tuple[int, int]) -> tuple[int, int]:
    """Height and width of the central part of an image with the aspect ratio of `shape`."""
    scale = min(own[0] / shape[0], own[1] / shape[1])
    return round(shape[0] * scale), round(shape[1] * scale)


def fit_images(images: Any, resolution: float = 0.1) -> torch.Tensor:
    """Fit images that an animal saw to the size that networks take.

    Every image is cropped at the centre and reduced to the aspect ratio and size of :func:`gratings` at `resolution`.

    Parameters
    ----------
    images : array_like, shape (n, height, width)
        Grey values 0 (black) to 1 (white).
    resolution : float
        Image pixels per full-resolution pixel.

    Returns
    -------
    Tensor, shape (n, 480 * resolution, 640 * resolution)
        float32.

    Raises
    ------
    InputError
        If images have another shape or are too small.

    Examples
    --------
    >>> fit_images(np.ones((2, 48, 100)))[0, 0, :3]
    tensor([1., 1., 1.])
    """
    array = as_array(images, "images")
    if array.ndim != 3 or 0 in array.shape:
        raise InputError(f"images have shape {array.shape}; they must be (n, height, width)")
    shape = image_size(resolution)
    return torch.from_numpy(np.stack([fit_image(image, shape, f"image {n}") for n, image in enumerate(array)]))
