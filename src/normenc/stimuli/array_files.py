"""Arrays of images in files: ``.npy``, or one array of an HDF5 file or a Zarr store, by its path there."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import is_zarr
from normenc.errors import InputError
from normenc.stimuli.first_read import FirstRead
from normenc.stimuli.stacks import Stack

__all__ = ["ARRAY_SUFFIXES", "ArrayFile", "split_place", "tell_store"]

HDF_SUFFIXES = (".h5", ".hdf5", ".hdf", ".he5", ".nc", ".nwb", ".mat")
ARRAY_SUFFIXES = (".npy", *HDF_SUFFIXES, ".zarr")
PLACE = re.compile(r"(.*\.(?:h5|hdf5|hdf|he5|nc|nwb|mat|zarr)):(/?.*)", re.IGNORECASE | re.DOTALL)
NUMBERS = "uifb"  # kinds of types that can be pixels
MATLAB_5 = b"MATLAB 5.0"


@dataclass(eq=False)
class ArrayFile(Stack):
    """An array in a file, whose numbers are read when asked; a file that changes meanwhile is refused.

    ``dims`` are the names of its axes, where HDF5 or Zarr has any.
    """

    path: Path
    inside: str | None
    first_read: FirstRead = field(default_factory=FirstRead, repr=False)
    _array: Any = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        array = self._opened()
        self.shape, self.dtype = tuple(map(int, array.shape)), np.dtype(array.dtype)
        self.dims = _dims(array)

    def __str__(self) -> str:
        inside = getattr(self._array, "name", self.inside) or ""
        return f"{self.path}:/{inside.strip('/')}" if inside.strip("/") else str(self.path)

    def _opened(self) -> Any:
        if self._array is None:
            self._array = _open_array(self.path, self.inside)
        return self._array

    def read(self, places: npt.NDArray[np.intp]) -> npt.NDArray[Any]:
        """The images at `places`: one after another at once, others each by itself once."""
        with _readable(str(self)):
            array = self._opened()
            once, back = np.unique(places, return_inverse=True)
            values = np.empty((len(once), *self.shape[1:]), dtype=self.dtype)
            if len(once) and once[-1] - once[0] == len(once) - 1:
                values[:] = array[int(once[0]) : int(once[-1]) + 1]
            else:
                for row, place in enumerate(once.tolist()):
                    values[row] = array[place : place + 1][0]
        for place, image in zip(once.tolist(), values, strict=True):
            self.first_read.check(place, image.data, str(self))
        return values if len(back) == len(once) and (np.diff(places) > 0).all() else values[back]

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_array": None}


def split_place(source: str) -> tuple[str, str | None]:
    """The file, and the path inside, of ``file.h5:/images``.

    Examples
    --------
    >>> split_place("scenes.h5:/day1/images"), split_place("scenes.npy")
    (('scenes.h5', '/day1/images'), ('scenes.npy', None))
    """
    match = PLACE.fullmatch(source)
    return (source, None) if match is None else (match[1], match[2])


@contextmanager
def _readable(what: str) -> Iterator[None]:
    """Turn any error of a library into an InputError that names the file: of damaged ones it may raise any."""
    try:
        yield
    except (InputError, MemoryError, NameError):
        raise
    except ImportError as error:
        raise InputError(f"{what}: {error.name} is not installed: pip install 'normenc[files]'") from None
    except Exception as error:
        said = " ".join(str(error).split())
        raise InputError(f"{what}: this file cannot be read ({said}); check it, or save it again") from None


class _Npy:
    """The array of an ``.npy`` file, opened anew for every slice: a file that shrinks would end a map of it."""

    def __init__(self, path: Path) -> None:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        if not isinstance(array, np.memmap):
            raise InputError(
                f"{path}: this is a file of several arrays (.npz) under another name; save one array with numpy.save"
            )
        self._path, self._offset = path, int(array.offset)
        self.shape, self.dtype = array.shape, array.dtype
        self._by_rows = array.flags.c_contiguous

    def __getitem__(self, key: slice) -> npt.NDArray[Any]:
        start, stop, _ = key.indices(self.shape[0])
        if not self._by_rows:  # as Fortran and MATLAB write
            every = np.memmap(self._path, self.dtype, "r", self._offset, self.shape, "F")
            return np.array(every[start:stop])
        row = prod(self.shape[1:])
        offset = self._offset + start * row * self.dtype.itemsize
        n_values = max(0, stop - start) * row
        values = np.fromfile(self._path, self.dtype, n_values, offset=offset)
        if len(values) < n_values:
            raise ValueError("it is shorter than when it was opened")
        return values.reshape(-1, *self.shape[1:])


def _open_array(path: Path, inside: str | None) -> Any:
    with _readable(str(path)):
        if path.suffix.lower() == ".npy":
            return _of_numbers(_Npy(path), str(path))
        if path.suffix.lower() == ".zarr" or path.is_dir():
            import zarr

            _check_links(path)
            opened: Any = zarr.open(str(path), mode="r")
            if hasattr(opened, "shape"):
                if inside is not None and inside.strip("/"):
                    raise InputError(f"{path}: this store is one array, so there is no {inside}; leave it out")
                return _whole_zarr(_of_numbers(opened, str(path)), str(path))
            arrays = {f"/{name}": array for name, array in _members(opened)}
            name = _chosen(arrays, path, inside)
            return _whole_zarr(arrays[name], f"{path}:{name}")
        import h5py

        _check_version(path)
        opened, arrays = h5py.File(path, "r"), {}
        opened.visititems(lambda name, item: _keep(arrays, name, item))
        name = _chosen(arrays, path, inside)
        return _whole_dataset(arrays[name], f"{path}:{name}")


def _check_version(path: Path) -> None:
    if path.suffix.lower() == ".mat" and path.read_bytes()[: len(MATLAB_5)] == MATLAB_5:
        raise InputError(
            f"{path}: images in a file of their own are read from MATLAB files of version 7.3; save it with "
            "save(..., '-v7.3')"
        )


def _check_links(store: Path) -> None:
    """Raise InputError for links in a Zarr store that lead out of it, or nowhere."""
    inside = store.resolve()
    for place in store.rglob("*"):
        if place.is_symlink() and not (place.exists() and place.resolve().is_relative_to(inside)):
            raise InputError(
                f"{place}: this is a link out of the store, which is not followed; copy the data into the store"
            )


def _keep(arrays: dict[str, Any], name: str, item: Any) -> None:
    if hasattr(item, "shape") and hasattr(item, "dtype"):
        arrays[f"/{name}"] = item


def _members(group: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    for name, item in group.members():
        if hasattr(item, "shape"):
            yield f"{above}{name}", item
        else:
            yield from _members(item, f"{above}{name}/")


def _chosen(arrays: dict[str, Any], path: Path, inside: str | None) -> str:
    """The name of the array at `inside`, or of the only one that can be images: of three or four axes, and numbers."""
    if inside is not None and inside.strip("/"):
        name = f"/{inside.strip('/')}"
        if name in arrays:
            _of_numbers(arrays[name], f"{path}:{name}")
            return name
        raise InputError(f"{path}: there is no array {name}; there are {_some(list(arrays))}")
    like = [name for name, array in arrays.items() if len(array.shape or ()) in (3, 4) and array.dtype.kind in NUMBERS]
    if len(like) == 1:
        return like[0]
    raise InputError(
        f"{path}: {'several arrays' if like else 'no array'} in this file can be images, "
        f"{_some(like or list(arrays))}; name the right one: {path.name}:/NAME"
    )


def _some(names: Sequence[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + f" and {len(names) - most} more" * (len(names) > most) or "none"


def _of_numbers(array: Any, name: str) -> Any:
    """The array; InputError if it holds anything but real numbers."""
    dtype = np.dtype(array.dtype)
    if dtype.kind not in NUMBERS:
        what = "complex numbers" if dtype.kind == "c" else "fields" if dtype.names else f"values of type {dtype}"
        raise InputError(f"{name}: this array holds {what}; images are bytes, or numbers from 0 (black) to 1 (white)")
    return array


def _whole_dataset(dataset: Any, name: str) -> Any:
    """The dataset of HDF5; InputError if parts of it lie in other files, or were never written."""
    if dataset.is_virtual or dataset.external:
        raise InputError(f"{name} is stored in another file, which is not opened; copy the data into this file")
    if dataset.chunks is None:
        missing, n_parts = int(dataset.id.get_storage_size() == 0 and dataset.size > 0), 1
    else:
        n_parts = prod(-(-side // own) for side, own in zip(dataset.shape, dataset.chunks, strict=True))
        missing = n_parts - int(dataset.id.get_num_chunks())
    return _written(dataset, name, missing, n_parts, "save it again with its values")


def _whole_zarr(array: Any, name: str) -> Any:
    """The array of Zarr; InputError if parts of it are not there."""
    advice = "copy the store again or, if these parts are black, write it with config={'write_empty_chunks': True}"
    n_parts = int(array.nchunks)
    return _written(array, name, n_parts - int(array.nchunks_initialized), n_parts, advice)


def _written(array: Any, name: str, missing: int, n_parts: int, advice: str) -> Any:
    if missing:
        raise InputError(
            f"{name}: {missing:,} of {n_parts:,} parts (chunks) of this array are not in the file, and would be read "
            f"as if they were black; {advice}"
        )
    return array


def _dims(array: Any) -> tuple[str | None, ...]:
    """Names of the axes: dimensions of Zarr, labels or attached scales of HDF5; empty if there are none."""
    named = getattr(getattr(array, "metadata", None), "dimension_names", None)
    if named is None and hasattr(array, "attrs"):
        named = array.attrs.get("_ARRAY_DIMENSIONS")  # as xarray calls them in version 2 of Zarr
    if named is None and hasattr(array, "dims"):
        named = [dim.label or (dim[0].name.rpartition("/")[2] if len(dim) else None) for dim in array.dims]
    dims = tuple(None if name is None else str(name) for name in named) if named is not None else ()
    return dims if any(dims) and len(dims) == len(array.shape) else ()


def tell_store(path: Path, told: Callable[[Path], None]) -> None:
    """Call `told` with each file of a Zarr store, or with the file."""
    for file in sorted(path.rglob("*")) if is_zarr(path) else [path]:
        if file.is_file():
            told(file)
