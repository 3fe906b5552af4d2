"""Images as they are given, brought into one form and checked, block by block where they lie on disk."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from normenc.arrays import as_array
from normenc.errors import InputError
from normenc.stimuli.stacks import FileStack, Joined, Some, Stack, blocks

__all__ = ["as_stack", "check_values"]

OPAQUE = {"u": 255, "f": 1}  # of a fourth channel, in bytes and in numbers up to 1
COLOURS = (3, 4)  # channels


def as_stack(images: Any) -> Any:
    """An array or a stack with images first and colours last."""
    if isinstance(images, torch.Tensor):
        images = images.detach().cpu().numpy()
        images = np.moveaxis(images, 1, -1) if images.ndim == 4 and images.shape[1] in COLOURS else images
    if isinstance(images, Mapping):
        images = list(images.values())
    if not isinstance(images, Stack):
        raw = np.asarray(images) if not hasattr(images, "dtype") else images
        images = raw if raw.dtype.kind in "uib" else as_array(raw, "images")
    shape = tuple(images.shape)
    if not (len(shape) == 3 or (len(shape) == 4 and shape[3] in COLOURS)):
        if len(shape) == 4 and shape[1] == 1:
            return Some(images, np.arange(shape[0]), (0, 2, 3)) if isinstance(images, Stack) else images[:, 0]
        if len(shape) == 4 and shape[1] in COLOURS:
            order = (0, 2, 3, 1)
            return (
                Some(images, np.arange(shape[0]), order) if isinstance(images, Stack) else np.transpose(images, order)
            )
        raise InputError(
            f"images have shape {shape}; they must be (n, height, width), or (n, height, width, 3) in colour"
        )
    if 0 in shape:
        raise InputError(f"images have shape {shape}; there must be at least one image, and one pixel")
    return images


def check_values(stack: Any) -> bool:
    """Read all images once; InputError where one cannot be used. Returns whether any is in colour."""
    if getattr(stack, "is_checked", False):
        return stack.ndim == 4 and any((block[..., :1] != block[..., 1:3]).any() for block in blocks(stack))
    is_colour, n_seen = False, 0
    for block in _checked_blocks(stack):
        if block.dtype.kind == "f":
            _check_range(block, n_seen, stack)
        elif block.dtype != np.uint8 and not 0 <= block.min() <= block.max() <= 1:
            raise InputError(
                f"images hold {block.dtype} numbers from {block.min()} to {block.max()} without a known white level; "
                "save them as bytes (uint8), or divide them by the value of white"
            )
        if block.ndim == 4:
            if block.shape[3] == 4 and (block[..., 3] < OPAQUE.get(block.dtype.kind, 1)).any():
                raise InputError(
                    "images are partly transparent (their fourth channel), so the background is unknown; give them "
                    "with three channels, on the background that was shown"
                )
            is_colour = is_colour or bool((block[..., :1] != block[..., 1:3]).any())
        n_seen += len(block)
    if isinstance(stack, Stack):
        stack.is_checked = True
    return is_colour


def _checked_blocks(stack: Any) -> Iterator[npt.NDArray[Any]]:
    """All images; files one by one, so that all that are broken are counted."""
    places = None
    while isinstance(stack, Some) and stack.axes[0] == 0 and isinstance(stack.stack, FileStack | Joined | Some):
        places, stack = stack.places if places is None else stack.places[places], stack.stack
    if isinstance(stack, FileStack | Joined):
        return stack.checked(places)
    return blocks(stack if places is None else Some(stack, places, tuple(range(stack.ndim))))


def _check_range(block: npt.NDArray[Any], first: int, stack: Any) -> None:
    low, high = float(block.min()), float(block.max())
    if low >= 0 and high <= 1:
        return
    wrong = ~np.isfinite(block)
    bad = wrong if wrong.any() else (block < 0) | (block > 1)
    row = int(np.flatnonzero(bad.reshape(len(block), -1).any(axis=1))[0])
    place = first + row
    while isinstance(stack, Some):  # as the file counts them
        place, stack = int(stack.places[place]), stack.stack
    if wrong.any():
        raise InputError(f"image {place} holds NaN or infinity; images must be numbers from 0 (black) to 1 (white)")
    raise InputError(
        f"image {place} has values from {block[row].min():g} to {block[row].max():g}; they must be "
        "numbers from 0 (black) to 1 (white), or bytes (uint8)"
    )
