"""HDF5 files; those of MATLAB 7.3 in :mod:`normenc.recordings.formats.matlab73`."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from normenc.errors import InputError
from normenc.recordings.formats.guards import LAZY_BYTES, OnDisk, check_chunk, check_size, readable
from normenc.recordings.formats.structures import Unreadable
from normenc.recordings.labels import check_names

__all__ = ["check_inside", "facts_of", "is_of_matlab", "opened_file", "opened_hdf5", "plain_dataset"]

ADVICE = "copy it again"


@contextmanager
def opened_hdf5(path: Path) -> Iterator[dict[str, Any]]:
    """All datasets of an HDF5 file; those in groups are called ``group/dataset``. Large ones stay on disk.

    They bring the names of their axes, where they have any.
    """
    with opened_file(path) as file:
        with readable("HDF5 file", ADVICE):
            items: dict[str, Any] = {}
            _collect(file, "", items, set())
            arrays = {name: item for name, item in items.items() if not isinstance(item, Unreadable)}
            left_out = {name: item for name, item in items.items() if isinstance(item, Unreadable)}
            if left_out:
                arrays["notes"] = [f"{name} was left out: {item.why(name)}" for name, item in left_out.items()]
                arrays["left_out"] = {name: item.what for name, item in left_out.items()}
        yield arrays | facts_of(file, arrays)


@contextmanager
def opened_file(path: Path) -> Iterator[Any]:
    """Open an HDF5 file whose data are all inside it."""
    import h5py

    with ExitStack() as stack:
        with readable("HDF5 file", ADVICE):
            file = stack.enter_context(h5py.File(path, "r"))
            check_inside(file)
        yield file


def is_of_matlab(path: Path) -> bool:
    """Whether an HDF5 file follows MATLAB's conventions, whatever it is called."""
    with opened_file(path) as file, readable("HDF5 file", ADVICE):
        return any("MATLAB_class" in item.attrs for item in map(file.get, file) if item is not None)


def facts_of(file: Any, arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Texts and whole numbers among the attributes of a file."""
    facts = file.attrs.items()
    return {key: value for key, value in facts if isinstance(value, str | np.integer | np.bool_) and key not in arrays}


def check_inside(file: Any, advice: str = "copy the data into this file") -> None:
    """Raise InputError when any part of the file lies in another one, which reading would open unasked.

    By h5py's lower half, because there may be 100,000 cells of MATLAB's to look at.
    """
    from h5py import h5d, h5g, h5l, h5o

    groups, seen = [(file.id, "")], set()
    while groups:
        group, path = groups.pop()
        for name in group:
            own = f"{path}/{_decoded(name)}"
            link = group.links.get_info(name).type
            item = h5o.open(group, name) if link == h5l.TYPE_HARD else None
            if isinstance(item, h5g.GroupID) and (place := h5o.get_info(item).addr) not in seen:
                seen.add(place)
                groups.append((item, own))
            is_outside = isinstance(item, h5d.DatasetID) and _is_outside(item)
            if isinstance(item, h5d.DatasetID) and not is_outside:
                _check_parts(item, own)
            if is_outside or link not in (h5l.TYPE_HARD, h5l.TYPE_SOFT):  # soft ones lead to what is visited anyway
                raise InputError(f"{own} is stored in another file, which is not opened; {advice}")


def _decoded(name: bytes) -> str:
    try:
        return name.decode("utf-8")
    except UnicodeDecodeError:
        raise InputError(f"it holds an item with a name that is not UTF-8 ({name!r}); rename it") from None


def _is_outside(item: Any) -> bool:
    from h5py import h5d

    created = item.get_create_plist()
    return bool(created.get_layout() == h5d.VIRTUAL or created.get_external_count())


def _check_parts(item: Any, name: str) -> None:
    """Raise InputError for a dataset whose parts would unpack to far more than it is."""
    from h5py import h5d

    created = item.get_create_plist()
    if created.get_layout() != h5d.CHUNKED:
        return
    chunk, size = created.get_chunk(), item.get_type().get_size()
    n_parts = prod(-(-side // own) for side, own in zip(item.shape, chunk, strict=True))
    stored = item.get_storage_size() // max(n_parts, 1)  # of one, on average
    check_chunk(name.lstrip("/"), chunk, size, prod(item.shape) * size, stored)


def _collect(group: Any, prefix: str, arrays: dict[str, Any], seen: set[int]) -> None:
    """Every array under its own name; links that lead elsewhere in the file are followed to arrays, not to groups."""
    import h5py

    seen.add(h5py.h5o.get_info(group.id).addr)
    for name in group:
        own, item = prefix + name, group.get(name)  # None for a link to nothing
        if isinstance(item, h5py.Group):
            is_own = isinstance(group.get(name, getlink=True), h5py.HardLink)
            if is_own and h5py.h5o.get_info(item.id).addr not in seen:
                _collect(item, f"{own}/", arrays, seen)
        elif isinstance(item, h5py.Dataset) and item.shape is not None and not _is_bare_dimension(item):
            arrays[own] = _with_axes(plain_dataset(item, own), _axes_of(item, own), _unit_of(item))


def _is_bare_dimension(item: Any) -> bool:
    """Whether a dataset only represents a netCDF dimension and holds no data."""
    name = item.attrs.get("NAME", b"")
    return bytes(name if isinstance(name, bytes) else str(name).encode()).startswith(
        b"This is a netCDF dimension but not a netCDF variable"
    )


def _axes_of(item: Any, name: str) -> tuple[str, ...]:
    """Names of the axes: their labels, or the scales that are attached to them; empty if none has any."""
    if item.is_scale and item.ndim == 1:
        return (item.name.rpartition("/")[2],)
    dims: list[str] = []
    for axis, dim in enumerate(item.dims):
        own = dim.label or (dim[0].name.rpartition("/")[2] if len(dim) else "")
        dims.append(own if own and own not in dims else f"{name}[{axis}]")
    return tuple(dims) if any(own != f"{name}[{axis}]" for axis, own in enumerate(dims)) else ()


def _unit_of(item: Any) -> str | None:
    """The unit of times; None for other data, and where it is not stated as a text."""
    unit = item.attrs.get("units") if item.ndim == 1 and item.name.rpartition("/")[2] == "time" else None
    return unit.decode("utf-8", "replace") if isinstance(unit, bytes) else unit if isinstance(unit, str) else None


def _with_axes(values: Any, dims: tuple[str, ...], unit: str | None) -> Any:
    """An array with the names of its axes, where it has any, and with its unit."""
    if isinstance(values, OnDisk):
        values.dims = dims
        return values
    if not isinstance(values, np.ndarray) or not (dims or unit):
        return values
    return xr.Variable(dims or ("time",), values, {"units": unit} if unit else None)


def plain_dataset(item: Any, name: str) -> Any:
    """The content of a dataset: numbers, kept on disk if there are many, or text."""
    import h5py

    n_bytes = item.size * item.dtype.itemsize
    if h5py.check_string_dtype(item.dtype) is not None:
        check_size(name, n_bytes, item.id.get_storage_size)
        texts = _as_text(item, name)
        return texts.item() if texts.ndim == 0 else texts
    if item.dtype.kind not in "iufb":
        kind = (
            "complex numbers"
            if item.dtype.kind == "c"
            else "fields"
            if item.dtype.names
            else f"values of type {item.dtype}"
        )
        return Unreadable(kind, is_object=False)
    return OnDisk(item, name, item.id.get_storage_size) if n_bytes > LAZY_BYTES else item[()]


def _as_text(item: Any, name: str) -> Any:
    try:
        texts = np.asarray(item.asstr()[()], dtype=object)
        check_names(texts.ravel().tolist(), name)
        return texts.astype(str)
    except UnicodeDecodeError:
        raise InputError(f"{name} holds text that is not UTF-8; write names as UTF-8 text") from None
