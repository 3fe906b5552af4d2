"""HDF5 files, MATLAB 7.3 among them."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from normenc.errors import InputError
from normenc.recordings.formats.guards import LAZY_BYTES, OnDisk, check_size, readable

__all__ = ["check_inside", "opened_hdf5"]


@contextmanager
def opened_hdf5(path: Path, *, matlab: bool) -> Iterator[dict[str, Any]]:
    """All datasets of an HDF5 file; those in groups are called ``group/dataset``, or with `matlab` ``group.field``.

    MATLAB 7.3 stores arrays with their dimensions reversed, text as numbers and cells as references: they come as
    MATLAB shows them.
    """
    import h5py

    arrays: dict[str, Any] = {}
    with ExitStack() as stack:
        with readable("HDF5 file", "copy it again"):
            file = stack.enter_context(h5py.File(path, "r"))
            check_inside(file)
            _collect(file, "", matlab, arrays, set())
            for key, value in file.attrs.items():
                if isinstance(value, str | np.integer | np.bool_) and key not in arrays:
                    arrays[key] = value
        yield arrays


def check_inside(file: Any, advice: str = "copy the data into this file") -> None:
    """Raise InputError when any part of the file lies in another one, which reading would open unasked.

    By h5py's lower half, for there may be 100,000 cells of MATLAB's to look at.
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
            if is_outside or link not in (h5l.TYPE_HARD, h5l.TYPE_SOFT):  # soft ones lead to what is visited anyway
                raise InputError(f"{own} lies in another file, which is not followed; {advice}")


def _decoded(name: bytes) -> str:
    try:
        return name.decode("utf-8")
    except UnicodeDecodeError:
        raise InputError(f"it holds something by a name that is not UTF-8 ({name!r}); give it one that is") from None


def _is_outside(item: Any) -> bool:
    from h5py import h5d

    created = item.get_create_plist()
    return bool(created.get_layout() == h5d.VIRTUAL or created.get_external_count())


def _collect(group: Any, prefix: str, matlab: bool, arrays: dict[str, Any], seen: set[int]) -> None:
    """Every array under its own name; links that lead elsewhere in the file are followed to arrays, not to groups."""
    import h5py

    seen.add(h5py.h5o.get_info(group.id).addr)
    for name in group:
        own, item = prefix + name, group.get(name)  # None for a link to nothing
        if name.startswith("#"):
            continue
        if isinstance(item, h5py.Group):
            is_own = isinstance(group.get(name, getlink=True), h5py.HardLink)
            if is_own and h5py.h5o.get_info(item.id).addr not in seen:
                _collect(item, f"{own}{'.' if matlab else '/'}", matlab, arrays, seen)
        elif isinstance(item, h5py.Dataset) and item.shape is not None:
            found = _matlab(item, own) if matlab else _plain(item, own)
            if found is not None:
                arrays[own] = found


def _plain(item: Any, name: str) -> Any:
    import h5py

    n_bytes = item.size * item.dtype.itemsize
    if h5py.check_string_dtype(item.dtype) is not None:
        check_size(name, n_bytes, item.id.get_storage_size)
        texts = _as_text(item, name)
        return texts.item() if texts.ndim == 0 else texts
    if item.dtype.kind not in "iufb":
        return None
    return OnDisk(item, name, item.id.get_storage_size) if n_bytes > LAZY_BYTES else item[()]


def _as_text(item: Any, name: str) -> Any:
    try:
        return np.asarray(item.asstr()[()], dtype=str)
    except UnicodeDecodeError:
        raise InputError(f"{name} holds text that is not UTF-8; write names as UTF-8 text") from None


def _matlab(item: Any, name: str) -> Any:
    import h5py

    kind = item.attrs.get("MATLAB_class", b"")
    kind = kind.decode() if isinstance(kind, bytes) else str(kind)
    if "MATLAB_empty" in item.attrs:
        return np.empty(0)
    check_size(name, item.size * item.dtype.itemsize, item.id.get_storage_size)
    if h5py.check_dtype(ref=item.dtype) is not None:  # a cell array
        cells = [item.file[reference] for reference in item[()].T.ravel()]
        if all(isinstance(cell, h5py.Dataset) and cell.dtype == np.uint16 for cell in cells):
            return np.array([_characters(cell, name) for cell in cells])
        return None
    if kind == "char":
        return _characters(item, name)
    if item.dtype.kind not in "iufb":
        return None
    array = item[()].T
    return array.ravel() if array.ndim == 2 and 1 in array.shape else array


def _characters(item: Any, name: str) -> str:
    if "MATLAB_empty" in item.attrs or item.shape is None:
        return ""
    check_size(name, item.size * 2, item.id.get_storage_size)
    return item[()].T.astype(np.uint16).tobytes().decode("utf-16-le", errors="replace")
