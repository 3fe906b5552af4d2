"""Responses of one layer, in memory or on disk, read in blocks of units."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["LayerResponses"]

BLOCK_UNITS = 4096


class LayerResponses:
    """One layer's responses to all stimuli, which may be larger than memory.

    :func:`normenc.rsa.rdm` takes it as it is, and reads it block by block.

    Attributes
    ----------
    name : str
        The layer as it was asked for.
    shape : tuple
        (n_stimuli, n_units).
    note : str
        What was done to the layer, as a sentence says it; empty for all units as they are.
    """

    def __init__(self, name: str, values: npt.NDArray[Any], note: str = "") -> None:
        self.name, self.note = name, note
        self._values = values
        self.shape: tuple[int, int] = values.shape
        self.dtype = values.dtype

    def values(self) -> npt.NDArray[Any]:
        """All responses in memory, shape (n_stimuli, n_units)."""
        return self._values

    def blocks(self) -> Iterator[npt.NDArray[Any]]:
        """Responses to all stimuli, some units at a time: arrays of shape (n_stimuli, n_block_units), in order."""
        for start in range(0, self.shape[1], BLOCK_UNITS):
            yield self._values[:, start : start + BLOCK_UNITS]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.array(self.values(), dtype=dtype, copy=copy)
