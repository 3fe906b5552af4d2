"""Images as they are given, brought into one form and checked, block by block where they lie on disk."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_array
from normenc.errors import InputError
from normenc.stimuli.details import Details
from normenc.stimuli.stacks import FileStack, Joined, Some, Stack, blocks, ordered, without_alpha

__all__ = ["as_stack", "check_values"]

COLOURS = (3, 4)  # channels


def as_stack(images: Any) -> Any:
    """An array or a stack with images first and colours last."""
    if hasattr(images, "detach"):  # a tensor
        images = images.detach().cpu().numpy()
        images = np.moveaxis(images, 1, -1) if images.ndim == 4 and images.shape[1] in COLOURS else images
    if isinstance(images, Mapping):
        images = list(images.values())
    if not isinstance(images, Stack):
        raw = np.asarray(images) if not hasattr(images, "dtype") else images
        images = raw if raw.dtype.kind in "uib" else as_array(raw, "images")
    shape = tuple(images.shape)
    if not (len(shape) == 3 or (len(shape) == 4 and shape[3] in COLOURS)):
        order = _order_of(shape)
        if order is not None:
            return Some(images, np.arange(shape[0]), order) if isinstance(images, Stack) else ordered(images, order)
        raise InputError(
            f"images have shape {shape}; they must be (n, height, width), or (n, height, width, 3) in colour"
        )
    if 0 in shape:
        raise InputError(f"images have shape {shape}; there must be at least one image, and one pixel")
    return images


def _order_of(shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """Axes of images, height, width and colours of images whose colours come second, or are a single channel."""
    if len(shape) != 4:
        return None
    known = ((shape[1] in COLOURS, (0, 2, 3, 1)), (shape[3] == 1, (0, 1, 2)), (shape[1] == 1, (0, 2, 3)))
    return next((order for fits, order in known if fits), None)


def check_values(stack: Any) -> Details:
    """Read all images once, and tell what they are like; InputError where one cannot be used."""
    known = stack.details if isinstance(stack, Stack) else None
    if known is not None:
        return known
    parts, n_seen = [], 0
    for block in _checked_blocks(stack):
        if block.dtype.kind == "f":
            _check_range(block, n_seen, stack)
        elif block.dtype != np.uint8 and not 0 <= block.min() <= block.max() <= 1:
            raise InputError(
                f"images hold {block.dtype} numbers from {block.min()} to {block.max()} without a known white level; "
                "save them as bytes (uint8), or divide them by the value of white"
            )
        parts.append(Details.of(without_alpha(block)))
        n_seen += len(block)
    details = Details.joined(parts)
    if isinstance(stack, Stack):
        stack.details = details
    return details


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
