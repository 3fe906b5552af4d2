"""Shared by the readers of all formats: size limits, errors in one line, arrays that stay on disk."""

import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.recordings.files import one_line

__all__ = ["LAZY_BYTES", "PICKLED", "OnDisk", "check_chunk", "check_packing", "check_size", "readable"]

LAZY_BYTES = 2**26  # numeric arrays above this stay on disk until they are asked for, where the format lets them
MAX_GIB = 16  # of one array in memory
MOST_CHUNK, MARGIN = 2**26, 2**16  # bytes of a part that is larger than its array, and of its head
MOST_CHUNK_GIB = 1  # of any part
BOMB_RATIO, BOMB_GIB = 200, 0.25  # what is packed tighter and larger than this is no recording
PICKLED = (
    "{} holds pickled Python objects, which are never loaded because they can run code; save plain numeric arrays with "
    "numpy.savez"
)


@contextmanager
def readable(what: str, advice: str) -> Iterator[None]:
    """Turn any error of a library into an InputError, and silence its warnings."""
    with warnings.catch_warnings(), _told(f"this {what} cannot be read, or is damaged", advice):
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _told(said: str, advice: str) -> Iterator[None]:
    # On a damaged file a library may raise any error, so no list of its errors would be complete.
    try:
        yield
    except (InputError, MemoryError, NameError):  # the last is a fault of normenc
        raise
    except Exception as error:
        traceback.clear_frames(error.__traceback__)  # closes what was half open, before warnings are heard again
        raise InputError(f"{said} ({one_line(error)}); {advice}") from None


def check_size(name: str, n_bytes: int, packed: Callable[[], int] | None = None) -> None:
    """Raise InputError when an array declares more than can be meant to be read into memory.

    Parameters
    ----------
    name : str
        What declares it.
    n_bytes : int
        That it would take.
    packed : callable, optional
        Gives the bytes that are there of it; asked for large arrays only.
    """
    if n_bytes > MAX_GIB * 2**30:
        raise InputError(
            f"{name} declares {n_bytes / 2**30:,.0f} GiB, more than {MAX_GIB}; if that is correct, save the responses "
            "as Zarr or HDF5, which are read in blocks"
        )
    if packed is not None:
        check_packing(name, n_bytes, packed)


def check_packing(name: str, n_bytes: int, packed: Callable[[], int]) -> None:
    """Raise InputError when an array would unpack to so much more than is there of it that it is none."""
    if n_bytes > BOMB_GIB * 2**30 and n_bytes > BOMB_RATIO * (there := packed()):
        raise InputError(
            f"{name} would unpack from {there / 2**20:,.1f} MiB to {n_bytes / 2**30:,.1f} GiB, like a zip bomb or an "
            "array that was never written, unlike any recording; save it again with its values"
        )


def check_chunk(name: str, chunk: Sequence[int], item_bytes: int, n_bytes: int, stored: int | None = None) -> None:
    """Raise InputError for an array in parts that are far larger than the array, because each is unpacked as a whole.

    Parameters
    ----------
    name : str
    chunk : sequence of int
        The shape of a part.
    item_bytes, n_bytes : int
        Of a value, and of the array.
    stored : int, optional
        Bytes of a part as it is stored: packed ones are not larger than what they hold.
    """
    declared = prod(map(int, chunk)) * item_bytes
    if declared > max(MOST_CHUNK, 4 * n_bytes) or declared > MOST_CHUNK_GIB * 2**30:
        raise InputError(
            f"{name} has {n_bytes / 2**20:,.1f} MiB, but is stored in parts of {declared / 2**20:,.0f} MiB, each "
            "of which is unpacked as a whole; save it again in smaller parts (chunks)"
        )
    if stored is not None and stored > 2 * declared + MARGIN:
        raise InputError(
            f"{name} has a part of {stored / 2**20:,.1f} MiB that should hold {declared / 2**20:,.1f}: the file is "
            "damaged or forged; save it again"
        )


class OnDisk:
    """An array that is read when it is asked for; damage that shows only then is an InputError as well.

    Parameters
    ----------
    array : h5py.Dataset or zarr.Array
    name : str
    packed : callable
        Gives the bytes that it takes on disk.
    """

    def __init__(self, array: Any, name: str, packed: Callable[[], int]) -> None:
        self._array, self._name, self._packed = array, name, packed
        self.shape: tuple[int, ...] = tuple(map(int, array.shape))
        self.dtype = np.dtype(array.dtype)
        self.chunks = array.chunks
        self.ndim = len(self.shape)
        self.dims: tuple[str, ...] = ()  # names of the axes, where the file has any

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Any:
        check_packing(self._name, int(np.prod(self.shape, dtype=object)) * self.dtype.itemsize, self._packed)
        # Not readable(), which would keep back the warnings of other threads.
        with _told(f"{self._name} cannot be read; it is damaged", "copy the file again"):
            return self._array[key]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.asarray(self[...], dtype=dtype)
