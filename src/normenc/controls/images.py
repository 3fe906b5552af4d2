"""What every control is given."""

import torch

from normenc.errors import InputError

__all__ = ["as_images"]


def as_images(images: torch.Tensor) -> torch.Tensor:
    """Grey images, shape (n, height, width), with or without a channel; InputError for any other shape."""
    if images.ndim == 4 and images.shape[1] == 1:
        images = images[:, 0]
    if images.ndim != 3:
        raise InputError(
            f"images have shape {tuple(images.shape)}; they must be grey, shape (n, height, width) or "
            "(n, 1, height, width)"
        )
    return images
