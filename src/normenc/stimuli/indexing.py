"""Keys of images on disk as NumPy reads them: what a key takes along the first axis, and what remains of it."""

from typing import Any

import numpy as np

__all__ = ["first_and_rest"]


def first_and_rest(key: Any, shape: tuple[int, ...]) -> tuple[Any, tuple[list[Any], list[Any]]]:
    """What a key takes along the first axis, and its parts before (new axes) and after."""
    parts = _without_masks(key if isinstance(key, tuple) else (key,), shape)
    n_taken = sum(part is not None and part is not ... for part in parts)
    if n_taken > len(shape):
        raise IndexError(f"too many indices: images have {len(shape)} axes, but {n_taken} were given")
    places = [place for place, part in enumerate(parts) if part is ...] or [len(parts)]
    if len(places) > 1:
        raise IndexError("an index can hold one ellipsis ('...')")
    parts[places[0] : places[0] + 1] = [slice(None)] * (len(shape) - n_taken)
    first = next(place for place, part in enumerate(parts) if part is not None)
    wanted = parts[first]
    if not isinstance(wanted, slice):
        wanted = np.asarray(wanted, dtype=None if np.size(wanted) else np.intp)
    return wanted, (parts[:first], parts[first + 1 :])


def _without_masks(parts: tuple[Any, ...], shape: tuple[int, ...]) -> list[Any]:
    """The parts of a key, with the places that are true in place of masks, as NumPy reads them."""
    found: list[Any] = []
    for number, part in enumerate(parts):
        if part is None or part is ... or isinstance(part, slice) or np.asarray(part).dtype != bool:
            found.append(part)
            continue
        mask = np.asarray(part)
        taken = sum(own is not None and own is not ... for own in found)
        axes = () if any(own is ... for own in found) else shape[taken : taken + mask.ndim]
        if mask.ndim == 0 or (axes and mask.shape != axes):
            raise IndexError(f"part {number} of the index is a mask of shape {mask.shape}; images have shape {shape}")
        found += mask.nonzero()
    return found
