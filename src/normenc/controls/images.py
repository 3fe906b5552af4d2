"""The input of controls, and the registry of controls."""

from collections.abc import Callable
from typing import Any

import torch

from normenc.arrays import grey_images
from normenc.errors import InputError

__all__ = ["CONTROLS", "EXTRAS", "as_colour", "as_images", "in_blocks"]

LUMINANCE = (0.2125, 0.7154, 0.0721)  # of red, green and blue, as in scikit-image
BLOCK = 64  # images at a time
CONTROLS: dict[str, Callable[..., dict[str, Any]]] = {}
"""Controls by their names in study files."""
EXTRAS: dict[str, tuple[str, str]] = {}
"""Of controls that need a package: the package, and normenc's extra that brings it."""


def as_images(images: torch.Tensor) -> torch.Tensor:
    """Grey images, shape (n, height, width): as they are, or the luminance of colours (ITU-R BT.709)."""
    images = _some(images)
    if images.ndim == 4 and images.shape[1] == 3:
        images = images if images.is_floating_point() else images.float()
        return torch.einsum("c,nchw->nhw", torch.tensor(LUMINANCE).to(images), images)
    return grey_images(images)[:, 0]


def _some(images: Any) -> torch.Tensor:
    """Images as a tensor; InputError if there are none."""
    images = torch.as_tensor(images)
    if 0 in images.shape:
        raise InputError(f"images have shape {tuple(images.shape)}; there must be at least one image, and one pixel")
    return images


def as_colour(images: torch.Tensor) -> torch.Tensor:
    """Images with their channels, shape (n, 1, height, width) if grey and (n, 3, height, width) in colour.

    Raises
    ------
    InputError
        For images of any other shape.
    """
    images = _some(images)
    if images.ndim == 4 and images.shape[1] == 3:
        return images
    try:
        return as_images(images)[:, None]
    except InputError:
        raise InputError(
            f"images have shape {tuple(images.shape)}; they must be grey, shape (n, height, width) or (n, 1, height, "
            "width), or in colour, shape (n, 3, height, width)"
        ) from None


def in_blocks(images: torch.Tensor, of_block: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
    """Units of all images, computed for a few images at a time, so that memory does not grow with their number."""
    return torch.cat([of_block(block) for block in torch.as_tensor(images).split(BLOCK)])
