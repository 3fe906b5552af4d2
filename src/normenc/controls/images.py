"""The input of controls, and the registry of controls."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from normenc.arrays import grey_images
from normenc.errors import InputError

if TYPE_CHECKING:
    import torch

__all__ = ["CONTROLS", "EXTRAS", "Values", "as_colour", "as_floats", "as_images", "as_values", "in_blocks"]

Values = TypeVar("Values")
"""A Tensor or an ndarray: controls give what they are given."""

LUMINANCE = (0.2125, 0.7154, 0.0721)  # of red, green and blue, as in scikit-image
BLOCK = 64  # images at a time
CONTROLS: dict[str, Callable[..., dict[str, Any]]] = {}
"""Controls by their names in study files."""
EXTRAS: dict[str, tuple[str, str]] = {}
"""Of controls that need a package: the package, and normenc's extra that brings it."""


def as_images(images: Any) -> Any:
    """Grey images, shape (n, height, width): as they are, or the luminance of colours (ITU-R BT.709)."""
    images = _some(images)
    if images.ndim == 4 and images.shape[1] == 3:
        if isinstance(images, np.ndarray):
            images = images if images.dtype.kind == "f" else images.astype(np.float32)
            return np.einsum("c,nchw->nhw", np.asarray(LUMINANCE, images.dtype), images)
        import torch

        images = images if images.is_floating_point() else images.float()
        return torch.einsum("c,nchw->nhw", torch.tensor(LUMINANCE).to(images), images)
    return grey_images(images)[:, 0]


def as_floats(images: Any) -> Any:
    """Grey images, shape (n, height, width), with their means removed: float64 as it is, other types as float32."""
    grey = as_images(images)
    if isinstance(grey, np.ndarray):
        grey = grey if grey.dtype == np.float64 else grey.astype(np.float32)
        return grey - grey.mean(axis=(1, 2), keepdims=True)
    grey = grey if str(grey.dtype) == "torch.float64" else grey.float()
    return grey - grey.mean(dim=(1, 2), keepdim=True)


def as_values(values: Any) -> Any:
    """A tensor, or an array of anything else."""
    return values if hasattr(values, "detach") else np.asarray(values)


def _some(images: Any) -> Any:
    """Images as a tensor or an array; InputError if there are none."""
    images = as_values(images)
    if 0 in images.shape:
        raise InputError(f"images have shape {tuple(images.shape)}; there must be at least one image, and one pixel")
    return images


def as_colour(images: Any) -> Any:
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


def in_blocks(images: Any, of_block: Callable[["torch.Tensor"], "torch.Tensor"]) -> "torch.Tensor":
    """Units of all images, computed for a few images at a time, so that memory does not grow with their number."""
    import torch

    return torch.cat([of_block(block) for block in torch.as_tensor(images).split(BLOCK)])
