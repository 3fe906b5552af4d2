"""Images that stay on disk, see :mod:`normenc.stimuli.stacks`, beside those in memory."""

from typing import Any

import numpy as np

__all__ = ["is_ordered", "on_disk", "picked"]


def on_disk(images: Any) -> bool:
    """Whether images are a stack that is read when asked, see :mod:`normenc.stimuli.stacks`."""
    return hasattr(images, "read") and hasattr(images, "content")


def is_ordered(images: Any) -> bool:
    """Whether it is known that the first axis counts images: those of files, which have no other."""
    from normenc.stimuli.array_files import ArrayFile

    return on_disk(images) and not isinstance(images, ArrayFile)


def picked(images: Any, places: Any) -> Any:
    """The images at these places, in this order; those on disk stay there."""
    if not on_disk(images):
        return np.asarray(images)[places]
    from normenc.stimuli.stacks import Some

    return Some(images, np.asarray(places), tuple(range(images.ndim)))
