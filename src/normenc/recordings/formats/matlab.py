"""MATLAB's files: version 4 to 7 here, version 7.3 in :mod:`normenc.recordings.formats.matlab73`."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from normenc.errors import InputError
from normenc.recordings.formats.guards import check_size, readable
from normenc.recordings.formats.mat_elements import Variable, variables_of
from normenc.recordings.formats.structures import Structures, Unreadable, as_objects, named_arrays

__all__ = ["read_mat"]

ITEM_BYTES = {"double": 8, "single": 4, "int32": 4, "int16": 2, "uint16": 2}


def read_mat(path: Path, names: Mapping[str, str]) -> dict[str, Any]:
    """All arrays of a ``.mat`` file before version 7.3, see :func:`normenc.recordings.formats.structures.named_arrays`.

    Objects that only MATLAB can read (strings, tables, dates, handles of functions) are left out, with a note.
    """
    from scipy.io import loadmat

    with readable("MATLAB file", "save it again, for example with -v7"):
        variables = variables_of(path) or _of_version_4(path)
        for name, count in Counter(variable.name for variable in variables).items():
            if count > 1:
                raise InputError(f"{name!r} occurs {count} times; save each under its own name")
        wanted = [variable.name for variable in variables if variable.opaque is None and variable.name]
        loaded = loadmat(path, appendmat=False, variable_names=wanted, struct_as_record=True, squeeze_me=False)
        roots: dict[str, Any] = {
            name: _tree(name, loaded[name]) if opaque is None else Unreadable(opaque)
            for name, opaque in variables
            if name  # what has none belongs to MATLAB's objects
        }
    return named_arrays(roots, names.values())


def _of_version_4(path: Path) -> list[Variable]:
    from scipy.io import whosmat

    declared = whosmat(path, appendmat=False)
    for name, shape, kind in declared:
        if kind != "sparse":
            check_size(name, int(np.prod(shape, dtype=object)) * ITEM_BYTES.get(kind, 1))
    return [Variable(name, None) for name, _, _ in declared]


def _tree(name: str, value: Any) -> Any:
    """What SciPy has read, with cells as arrays of objects and without what is no data."""
    from scipy.io.matlab import MatlabFunction, MatlabOpaque

    if value is None or (
        isinstance(value, np.ndarray) and value.dtype == object and value.size and value.flat[0] is None
    ):
        return Structures((0,), {})  # without fields
    if isinstance(value, MatlabFunction):
        return Unreadable("function_handle")
    if isinstance(value, MatlabOpaque):
        return Unreadable(_text(value["s2"].flat[0]) or "opaque")
    if hasattr(value, "toarray"):
        return _dense(name, value)
    if not isinstance(value, np.ndarray):
        return Unreadable(type(value).__name__)
    if value.dtype.names is not None:
        fields = {
            field: as_objects((_tree(name, item) for item in value[field].flat), value.shape)
            for field in value.dtype.names
        }
        return Structures(value.shape, fields)
    if value.dtype.hasobject:
        return as_objects((_tree(name, item) for item in value.flat), value.shape)
    if value.dtype.kind == "U":  # rows of characters, filled up with spaces where there are several
        return np.strings.rstrip(value, " ") if value.size > 1 else value.item() if value.size else ""
    return value


def _text(value: Any) -> str:
    return value.decode("latin1") if isinstance(value, bytes) else str(value)


def _dense(name: str, value: Any) -> Any:
    from scipy.sparse import csc_matrix

    check_size(name, int(np.prod(value.shape, dtype=object)) * value.dtype.itemsize)
    value = csc_matrix(value)
    value.check_format(full_check=True)  # places outside of its shape would be written to
    return value.toarray()
