"""The input of controls, and the registry of controls."""

from collections.abc import Callable
from typing import Any

import torch

from normenc.arrays import grey_images

__all__ = ["CONTROLS", "EXTRAS", "as_images"]

CONTROLS: dict[str, Callable[..., dict[str, Any]]] = {}
"""Controls by their names in study files."""
EXTRAS: dict[str, tuple[str, str]] = {}
"""Of controls that need a package: the package, and normenc's extra that brings it."""


def as_images(images: torch.Tensor) -> torch.Tensor:
    """Grey images, shape (n, height, width), with or without a channel; InputError for any other shape."""
    return grey_images(images)[:, 0]
