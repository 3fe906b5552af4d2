"""Responses in memory or in a file: written some stimuli at a time, read some units at a time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

__all__ = ["InMemory", "Panels", "Stored", "as_memory"]

PANEL_BYTES = 2**26
LEAST_UNITS, MOST_UNITS = 256, 8192  # of a panel


class InMemory:
    """Responses in memory, shape (n_stimuli, n_units)."""

    def __init__(self, shape: tuple[int, int], dtype: npt.DTypeLike) -> None:
        self.shape, self.dtype = shape, np.dtype(dtype)
        # Not np.empty, which asks for huge pages: where a virtual machine lends memory, these took six times as long.
        self._values = torch.from_numpy(np.empty(0, dtype)).new_empty(shape).numpy()

    def write(self, start: int, rows: npt.NDArray[Any]) -> None:
        """Copy the responses to some stimuli, from number `start` on."""
        self._values[start : start + len(rows)] = rows

    def values(self) -> npt.NDArray[Any]:
        """All responses."""
        return self._values

    def rows(self, start: int, stop: int) -> npt.NDArray[Any]:
        """Responses to the stimuli from `start` to before `stop`."""
        return self._values[start:stop]

    def blocks(self) -> Iterator[npt.NDArray[Any]]:
        """Responses to all stimuli, some units at a time."""
        width = _width(self.shape, self.dtype)
        for start in range(0, self.shape[1], width):
            yield self._values[:, start : start + width]


class Panels:
    """Responses in a part of a file, as panels: those of all stimuli to some units, then those to the next units.

    Both a batch of stimuli and a panel are then a few long pieces of the file.

    Parameters
    ----------
    path : Path
    offset : int
        Where they begin, in bytes.
    shape : tuple
        (n_stimuli, n_units).
    dtype : dtype
    """

    def __init__(self, path: Path, offset: int, shape: tuple[int, int], dtype: npt.DTypeLike) -> None:
        self.shape, self.dtype = shape, np.dtype(dtype)
        self._path, self._offset = path, offset
        self._width = _width(shape, self.dtype)

    @property
    def nbytes(self) -> int:
        """Size in the file."""
        return self.shape[0] * self.shape[1] * self.dtype.itemsize

    def write(self, start: int, rows: npt.NDArray[Any]) -> None:
        """Write the responses to some stimuli, from number `start` on."""
        with self._path.open("r+b", buffering=0) as file:
            for first, width in self._panels():
                file.seek(self._place(first, width, start))
                left = as_memory(np.ascontiguousarray(rows[:, first : first + width], self.dtype))
                while len(left):  # a disk that is almost full takes a part
                    left = left[file.write(left) :]

    def values(self) -> npt.NDArray[Any]:
        """All responses, which must fit in memory."""
        return self.rows(0, self.shape[0])

    def rows(self, start: int, stop: int) -> npt.NDArray[Any]:
        """Responses to the stimuli from `start` to before `stop`."""
        found = np.empty((stop - start, self.shape[1]), self.dtype)
        for first, width in self._panels():
            found[:, first : first + width] = self._read(first, width, start, stop)
        return found

    def blocks(self) -> Iterator[npt.NDArray[Any]]:
        """Responses to all stimuli, some units at a time."""
        for first, width in self._panels():
            yield self._read(first, width, 0, self.shape[0])

    def _panels(self) -> Iterator[tuple[int, int]]:
        """First unit and number of units of each panel."""
        for first in range(0, self.shape[1], self._width):
            yield first, min(self._width, self.shape[1] - first)

    def _place(self, first: int, width: int, start: int) -> int:
        """Where the responses of a panel to stimulus `start` begin."""
        return self._offset + (self.shape[0] * first + start * width) * self.dtype.itemsize

    def _read(self, first: int, width: int, start: int, stop: int) -> npt.NDArray[Any]:
        values = np.empty((stop - start, width), self.dtype)
        left = as_memory(values)
        with self._path.open("rb", buffering=0) as file:
            file.seek(self._place(first, width, start))
            while len(left):
                n_read = file.readinto(left)
                if not n_read:
                    raise EOFError(f"{self._path} is shorter than what was written there")
                left = left[n_read:]
        return values


Stored = InMemory | Panels


def as_memory(values: npt.NDArray[Any]) -> memoryview:
    """The bytes of an array whose values lie in one piece."""
    return values.reshape(-1).view(np.uint8).data


def _width(shape: tuple[int, int], dtype: np.dtype[Any]) -> int:
    """Units of a panel, which depend on nothing that differs between two runs."""
    fitting = PANEL_BYTES // (shape[0] * dtype.itemsize)
    return max(1, min(max(LEAST_UNITS, min(fitting, MOST_UNITS)), shape[1]))
