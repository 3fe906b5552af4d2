"""MATLAB's files: version 5 to 7 here, version 7.3 in :mod:`normenc.recordings.formats.hdf`."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from normenc.errors import InputError
from normenc.recordings.formats.guards import check_size, readable
from normenc.recordings.formats.mat_elements import check_elements

__all__ = ["read_mat"]

ITEM_BYTES = {"double": 8, "single": 4, "int64": 8, "uint64": 8, "int32": 4, "uint32": 4, "int16": 2, "uint16": 2}


def read_mat(path: Path, names: Mapping[str, str]) -> dict[str, Any]:
    """All arrays of a ``.mat`` file before version 7.3; fields of structures are called ``structure.field``."""
    from scipy.io import loadmat, whosmat

    arrays: dict[str, Any] = {}
    with readable("MATLAB file", "save it again, for example with -v7"):
        check_elements(path)
        declared = whosmat(path, appendmat=False)
        for name, count in Counter(name for name, _, _ in declared).items():
            if count > 1:
                raise InputError(f"{name!r} stands {count} times; save each under a name of its own")
        for name, shape, kind in declared:
            if kind != "sparse":
                check_size(name, int(np.prod(shape, dtype=object)) * ITEM_BYTES.get(kind, 1))
        loaded = loadmat(path, appendmat=False, struct_as_record=True, squeeze_me=False)
        for name, value in loaded.items():
            if not name.startswith("__"):
                _flatten(name, value, arrays)
    return arrays


def _flatten(name: str, value: Any, arrays: dict[str, Any]) -> None:
    """Arrays as MATLAB has them; vectors have one dimension, cells of text are arrays of text."""
    if hasattr(value, "toarray"):  # sparse
        check_size(name, int(np.prod(value.shape, dtype=object)) * value.dtype.itemsize)
        value.check_format(full_check=True)  # places outside of its shape would be written to
        value = value.toarray()
    if value.dtype.names is not None:
        if value.size == 1:
            for field in value.dtype.names:
                _flatten(f"{name}.{field}", value[field].flat[0], arrays)
        return
    if value.dtype.hasobject:
        cells = list(value.flat)
        if all(isinstance(item, np.ndarray) and item.dtype.kind == "U" and item.size <= 1 for item in cells):
            arrays[name] = np.array([item.item() if item.size else "" for item in cells])
        return
    if value.ndim == 2 and 1 in value.shape and value.dtype.kind != "U":
        value = value.ravel()
    arrays[name] = value.item() if value.dtype.kind == "U" and value.size == 1 else value
