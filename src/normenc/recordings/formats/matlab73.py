"""MATLAB's files of version 7.3, which are HDF5, and HDF5 that other programs wrote under the name ``.mat``."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.recordings.formats.columns import few
from normenc.recordings.formats.guards import check_size, readable
from normenc.recordings.formats.hdf import ADVICE, facts_of, opened_file, plain_dataset
from normenc.recordings.formats.structures import Structures, Unreadable, as_objects, named_arrays

__all__ = ["opened_mat73"]

WHOLE = (f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))
PLAIN = frozenset(("char", "cell", "struct", "double", "single", "logical", "canonical empty", *WHOLE))
OBJECT = "MATLAB_object_decode"  # an attribute of objects and handles of functions
DEEPEST = 100  # cells within cells
LARGE = 2**20  # bytes of an array that has one place in the file


@contextmanager
def opened_mat73(path: Path, names: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """All arrays of a ``.mat`` file of version 7.3, see :func:`normenc.recordings.formats.structures.named_arrays`.

    MATLAB writes arrays with their dimensions reversed, text as numbers, cells as references, and arrays of structures
    as groups with a dataset of references for each field; what it wrote has the attribute ``MATLAB_class``. What has
    none was written by another program, and is read unchanged.
    """
    with opened_file(path) as file:
        with readable("HDF5 file", ADVICE):
            reader = _Reader(file, path.stat().st_size)
            arrays = named_arrays(reader.roots(), names.values())
            if reader.foreign:
                said = (
                    "was not written by MATLAB, so its"
                    if len(reader.foreign) == 1
                    else "were not written by MATLAB, so their"
                )
                arrays["notes"].append(f"{few(reader.foreign)} {said} axes were not reversed")
        yield arrays | facts_of(file, arrays)


class _Reader:
    """What the variables of a file are."""

    def __init__(self, file: Any, n_bytes: int) -> None:
        self._file, self._n_bytes = file, n_bytes
        self._followed, self._seen = 0, set[int]()
        self.foreign: list[str] = []  # arrays with several axes that another program wrote

    def roots(self) -> dict[str, Any]:
        """All variables of the file."""
        return {name: self._item(item, name, 0) for name, item in self._children(self._file)}

    def _children(self, group: Any) -> Iterator[tuple[str, Any]]:
        """What lies in a group; links that lead elsewhere in the file are followed to arrays, not to groups."""
        import h5py

        self._seen.add(h5py.h5o.get_info(group.id).addr)
        for name in group:
            item = None if name.startswith("#") else group.get(name)  # None for a link to nothing
            if isinstance(item, h5py.Group):
                is_own = isinstance(group.get(name, getlink=True), h5py.HardLink)
                if is_own and h5py.h5o.get_info(item.id).addr not in self._seen:
                    yield name, item
            elif isinstance(item, h5py.Dataset) and item.shape is not None:
                yield name, item

    def _item(self, item: Any, name: str, depth: int) -> Any:
        import h5py

        kind = _as_text(item.attrs.get("MATLAB_class", ""))
        if OBJECT in item.attrs or (kind and kind not in PLAIN):
            return Unreadable(kind or "opaque")
        if isinstance(item, h5py.Group):
            return self._sparse(item, name) if "MATLAB_sparse" in item.attrs else self._structures(item, name, depth)
        if "MATLAB_empty" in item.attrs:
            return "" if kind == "char" else Structures((0,), {}) if kind == "struct" else np.empty(0)
        if h5py.check_dtype(ref=item.dtype) is not None:
            references = self._values(item, name)
            return self._cells(references.T if kind else references, name, depth)
        if not kind:
            self.foreign += [name] if item.ndim > 1 and min(item.shape) > 1 else []
            return plain_dataset(item, name)
        values = self._values(item, name).T
        if values.dtype.names == ("real", "imag"):
            return values["real"] + 1j * values["imag"]
        return _characters(values) if kind == "char" else values

    def _values(self, item: Any, name: str) -> npt.NDArray[Any]:
        """All of a dataset, which is read once if it is large."""
        import h5py

        n_bytes = item.size * item.dtype.itemsize
        check_size(name, n_bytes, item.id.get_storage_size)
        place = h5py.h5o.get_info(item.id).addr
        if n_bytes > LARGE and place in self._seen:
            raise ValueError(f"many cells of {name} refer to the same array")
        self._seen.add(place)
        return np.asarray(item[()])

    def _cells(self, references: npt.NDArray[Any], name: str, depth: int) -> npt.NDArray[np.object_]:
        self._followed += references.size
        if depth > DEEPEST or self._followed > self._n_bytes // 16:  # each leads to a head of many more bytes
            raise ValueError(f"cells of {name} refer to each other in a circle")
        items = (self._item(self._file[reference], name, depth + 1) for reference in references.ravel())
        return as_objects(items, references.shape)

    def _structures(self, group: Any, name: str, depth: int) -> Structures:
        """One structure, or an array of them, of which each field is a dataset of references without a class."""
        import h5py

        items = dict(self._children(group))
        if items and all(
            isinstance(item, h5py.Dataset) and h5py.check_dtype(ref=item.dtype) and "MATLAB_class" not in item.attrs
            for item in items.values()
        ):
            arrays = {field: self._values(item, f"{name}.{field}").T for field, item in items.items()}
            fields = {field: self._cells(array, f"{name}.{field}", depth) for field, array in arrays.items()}
            return Structures(next(iter(arrays.values())).shape, fields)
        read = {field: self._item(item, f"{name}.{field}", depth + 1) for field, item in items.items()}
        return Structures((1,), {field: as_objects([item], (1,)) for field, item in read.items()})

    def _sparse(self, group: Any, name: str) -> npt.NDArray[Any]:
        from scipy.sparse import csc_matrix

        data, rows, ends = (
            self._values(group[part], name) if part in group else np.empty(0) for part in ("data", "ir", "jc")
        )
        shape = int(group.attrs["MATLAB_sparse"]), len(ends) - 1
        check_size(name, shape[0] * shape[1] * 8)
        matrix = csc_matrix((data, rows.astype(np.int64), ends.astype(np.int64)), shape=shape)
        matrix.check_format(full_check=True)  # places outside of its shape would be written to
        return np.asarray(matrix.toarray())


def _as_text(value: Any) -> str:
    return value.decode("latin1") if isinstance(value, bytes) else str(value)


def _characters(codes: npt.NDArray[Any]) -> Any:
    """Text, or an array of texts where there are several rows of characters."""
    rows = np.atleast_2d(codes).astype(np.uint16)
    texts = [row.tobytes().decode("utf-16-le", errors="replace") for row in rows]
    return texts[0] if len(texts) == 1 else np.strings.rstrip(np.array(texts), " ")  # rows are filled up with spaces
