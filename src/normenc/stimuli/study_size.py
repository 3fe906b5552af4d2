"""Images that an animal saw as networks that a study trains see them: grey, at the size of its gratings."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from normenc.errors import InputError
from normenc.stimuli.image_sets import ImageSet
from normenc.stimuli.waves import image_size

__all__ = ["describe_fit", "fit_image", "fit_images"]

BLOCK = 64  # images read at a time


def fit_image(
    image: npt.NDArray[Any], shape: tuple[int, int], what: str, *, enlarge: bool = False
) -> npt.NDArray[np.float32]:
    """Crop a grey image at the centre to the aspect ratio of `shape`, and reduce it to that size.

    Raises
    ------
    InputError
        If it is too small, and not to be enlarged; `what` names it.
    """
    from skimage import transform

    if not enlarge and (image.shape[0] < shape[0] or image.shape[1] < shape[1]):
        raise InputError(
            f"{what} is {image.shape[0]} x {image.shape[1]} pixels, too small for {shape[0]} x {shape[1]}; use a "
            "smaller resolution or larger images"
        )
    height, width = _kept(image.shape, shape)
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    cut = image[top : top + height, left : left + width]
    return transform.resize(cut, shape, anti_aliasing=True).astype(np.float32)


def fit_images(images: Any, resolution: float = 0.1) -> torch.Tensor:
    """Fit images that an animal saw to the size of a study's gratings, in grey.

    Colours become grey by their luminance. Every image is cropped at the centre and reduced to the aspect ratio and
    size of :func:`gratings` at `resolution`.

    Parameters
    ----------
    images : ImageSet or array_like, shape (n, height, width) or (n, height, width, 3)
        Values 0 (black) to 1 (white), or bytes.
    resolution : float
        Image pixels per full-resolution pixel.

    Returns
    -------
    Tensor, shape (n, 480 * resolution, 640 * resolution)
        float32.

    Raises
    ------
    InputError
        If images have another shape or values, or are too small.

    Examples
    --------
    >>> fit_images(np.ones((2, 48, 100)))[0, 0, :3]
    tensor([1., 1., 1.])
    """
    grey, shape = ImageSet.of(images).grey(), image_size(resolution)
    fitted = np.empty((len(grey), *shape), dtype=np.float32)
    for start in range(0, len(grey), BLOCK):
        for row, image in enumerate(grey[start : start + BLOCK].numpy(), start):
            fitted[row] = fit_image(image, shape, f"image {row}")
    return torch.from_numpy(fitted)


def describe_fit(image_shape: Sequence[int], resolution: float = 0.1) -> str:
    """Say in one sentence what :func:`fit_images` does to images of `image_shape`; empty if it changes nothing.

    Parameters
    ----------
    image_shape : (int, int)
        Height and width in pixels; with a third number, of colours, they are turned grey.
    resolution : float
        See :func:`fit_images`.

    Examples
    --------
    >>> describe_fit((48, 128))
    'Images of 48 x 128 pixels were cut to 4:3 in their middle, which leaves out 50 % of their width.'
    >>> describe_fit((480, 640, 3))
    'Images of 480 x 640 pixels were turned grey and reduced to 48 x 64 pixels.'
    >>> describe_fit((48, 64))
    ''
    """
    (own_height, own_width), shape = image_shape[:2], image_size(resolution)
    height, width = _kept((own_height, own_width), shape)
    done = ["turned grey"] if len(image_shape) == 3 else []
    if (height, width) != (own_height, own_width):
        side, share = ("height", height / own_height) if height < own_height else ("width", width / own_width)
        done.append(f"cut to 4:3 in their middle, which leaves out {100 * (1 - share):.2g} % of their {side}")
    if (height, width) != shape:
        done.append(f"reduced to {shape[0]} x {shape[1]} pixels")
    if not done:
        return ""
    if len(done) > 1:
        comma = "," * (done[-1].startswith("reduced") and "leaves out" in done[-2])
        done = [*done[:-2], f"{done[-2]}{comma} and {done[-1]}"]
    return f"Images of {own_height} x {own_width} pixels were {', '.join(done)}."


def _kept(own: Sequence[int], shape: tuple[int, int]) -> tuple[int, int]:
    """Height and width of the central part of an image with the aspect ratio of `shape`."""
    scale = min(own[0] / shape[0], own[1] / shape[1])
    return round(shape[0] * scale), round(shape[1] * scale)
