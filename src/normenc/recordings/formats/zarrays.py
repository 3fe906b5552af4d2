"""Zarr stores, read from disk as they are needed."""

import os
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from normenc.errors import InputError
from normenc.recordings.formats.guards import LAZY_BYTES, PICKLED, OnDisk, check_chunk, check_size, readable
from normenc.recordings.formats.unpacking import unpacks_beyond
from normenc.recordings.labels import check_names
from normenc.recordings.provenance import lists, reads

__all__ = ["read_zarr"]

MOST_BEYOND = 2**26  # bytes to which a part may unpack beyond what it should hold


def read_zarr(path: Path) -> dict[str, Any]:
    """All arrays of a Zarr group, those in groups as ``group/array``; an array alone is ``responses``.

    They bring the names of their axes, where they have any.
    """
    try:
        import zarr
    except ImportError:
        raise InputError("a Zarr store needs the package zarr; install normenc[zarr]") from None
    with readable("Zarr store", "write it again"):
        _check_files(path)
        try:
            store = zarr.open(str(path), mode="r")
            arrays = [("responses", store)] if isinstance(store, zarr.Array) else _arrays(store)
        except ValueError as error:  # no type of values can be pickled ones
            if "'pickle'" in str(error):
                raise InputError(PICKLED.format("it")) from None
            raise
        for name, item in arrays:
            _check_parts(item, name, path)
        return {name: _values(item, name) for name, item in arrays} | _facts(store)


def _check_files(path: Path) -> None:
    """Raise InputError unless a store is files that lie in it: links lead anywhere, and pipes are waited for."""
    inside, folders = path.resolve(), [path]
    while folders:
        lists(folder := folders.pop())
        with os.scandir(folder) as entries:
            for entry in entries:
                place = Path(entry.path)
                own = place.relative_to(path)
                if entry.is_symlink():
                    if not (place.is_file() and place.resolve().is_relative_to(inside)):
                        raise InputError(
                            f"{own} is a link out of the store, which is not followed; copy the data into the store"
                        )
                elif entry.is_dir():
                    folders += [place] * (entry.name != ".git")  # a store may be kept in one
                elif not entry.is_file():
                    raise InputError(
                        f"{own} is not a regular file, as every file of a store must be; write the store again"
                    )
                if not entry.is_dir():
                    reads(place, store=path)


def _check_parts(array: Any, name: str, path: Path) -> None:
    """Raise InputError for an array whose parts would unpack to far more than it is."""
    item = max(array.dtype.itemsize, 1)
    chunk = getattr(array, "shards", None) or array.chunks
    n_bytes = array.size * item
    check_chunk(name, chunk, item, n_bytes)
    declared = prod(map(int, chunk)) * item
    packing = _packing(array.metadata)
    for file in (path / array.path).rglob("*"):
        if file.name.startswith(".") or file.name == "zarr.json" or not file.is_file():
            continue
        size = file.stat().st_size
        if array.dtype.kind in "iufb":
            check_chunk(name, chunk, item, n_bytes, size)
            # What is read only where it is asked for is too much to be unpacked beforehand.
            if unpacks_beyond(file, packing, 2 * declared + MOST_BEYOND, counted=n_bytes <= LAZY_BYTES):
                raise InputError(
                    f"{name} has a part of {size / 2**20:,.1f} MiB ({file.relative_to(path)}) that unpacks to more "
                    f"than the {declared / 2**20:,.1f} MiB that it should hold; write the store again"
                )


def _packing(described: Any) -> str:
    """What the parts of an array are packed with last, such as "blosc"; empty for nothing."""
    if described.zarr_format == 2:
        return str(getattr(described.compressor, "codec_id", "") or "")
    last = described.codecs[-1] if described.codecs else None
    return str((last.to_dict() if last is not None else {}).get("name", "")).removeprefix("numcodecs.")


def _arrays(group: Any, prefix: str = "") -> list[tuple[str, Any]]:
    import zarr

    arrays: list[tuple[str, Any]] = []
    for name, item in group.members():
        if isinstance(item, zarr.Array):
            arrays.append((prefix + name, item))
        else:
            arrays += _arrays(item, f"{prefix}{name}/")
    return arrays


def _values(array: Any, name: str) -> Any:
    described = array.metadata
    if described.zarr_format == 2:  # which alone can keep Python objects, by pickling
        codecs = [*(described.filters or ()), described.compressor]
        if any(getattr(codec, "codec_id", None) == "pickle" for codec in codecs):
            raise InputError(PICKLED.format(name))
    n_bytes = array.size * array.dtype.itemsize
    if array.dtype.kind in "iufb" and n_bytes > LAZY_BYTES:
        on_disk = OnDisk(array, name, array.nbytes_stored)
        dims = _dimensions(array)
        on_disk.dims = dims if len(dims) == len(set(dims)) == array.ndim else ()
        return on_disk
    check_size(name, n_bytes, array.nbytes_stored)
    values = np.asarray(array[...])
    if values.dtype.kind in "OT":
        check_names([str(text) for text in values.ravel().tolist()], name)
        values = values.astype(str)
    dims = _dimensions(array)
    if not values.ndim or not len(dims) == len(set(dims)) == values.ndim:
        return values
    unit = array.attrs.get("units") if values.ndim == 1 else None
    return xr.Variable(dims, values, {"units": unit} if isinstance(unit, str) else None)


def _dimensions(array: Any) -> tuple[str, ...]:
    """Names of the axes, as version 3 of the format has them, or xarray in version 2; empty if not all are named."""
    dims = getattr(array.metadata, "dimension_names", None) or array.attrs.get("_ARRAY_DIMENSIONS") or ()
    return tuple(dims) if isinstance(dims, list | tuple) and all(isinstance(dim, str) for dim in dims) else ()


def _facts(store: Any) -> dict[str, Any]:
    return {key: value for key, value in dict(store.attrs).items() if isinstance(value, str | bool | int)}
