"""NumPy's files, of which every array is checked before it is read: no pickle is loaded, no bomb unpacked."""

import struct
import zipfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from normenc.errors import InputError
from normenc.recordings.formats.guards import PICKLED, check_packing, check_size, readable

__all__ = ["read_npy", "read_npz"]


def read_npz(path: Path, names: Mapping[str, str]) -> dict[str, Any]:
    """All arrays of an ``.npz`` file."""
    with readable(".npz file", "save or copy it again"), zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        counts = Counter(member.filename.removesuffix(".npy") for member in members)
        for name, count in counts.items():
            if count > 1:
                raise InputError(f"it holds {count} arrays called {name!r}; save it again, each with a name of its own")
        check_packing("it", sum(member.file_size for member in members), lambda: path.stat().st_size)
        return {member.filename.removesuffix(".npy"): _member(archive, member) for member in members}


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Any:
    name = member.filename.removesuffix(".npy")
    check_packing(name, member.file_size, lambda: member.compress_size)
    with archive.open(member) as file:
        return _array(file, name, member.file_size)


def _array(file: IO[bytes], name: str, size: int) -> Any:
    """One array from an open file of `size` bytes."""
    try:
        version = np.lib.format.read_magic(file)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read_header(file)
    except (ValueError, SyntaxError, TypeError, struct.error):  # a head is a literal of Python
        raise InputError(f"{name} is no NumPy array; save it again with numpy.savez") from None
    if dtype.hasobject:
        raise InputError(PICKLED.format(name))
    declared = int(np.prod([int(side) for side in shape], dtype=object)) * max(dtype.itemsize, 1)
    check_size(name, declared)
    if not 0 <= declared <= size:
        raise InputError(
            f"{name} declares shape {shape}, {declared:,} bytes, but {size:,} are there: the file is damaged or false; "
            "save it again"
        )
    file.seek(0)
    return np.lib.format.read_array(file, allow_pickle=False)


def read_npy(path: Path, names: Mapping[str, str]) -> dict[str, Any]:
    """``responses`` from an ``.npy`` file, and labels from the tables beside it.

    ``mine.npy`` goes with ``mine.csv`` (one row a trial) and, where it is there, ``mine.neurons.csv`` (one row a
    neuron).
    """
    from normenc.recordings.formats.columns import plain_facts as facts_of_table
    from normenc.recordings.formats.text_tables import read_csv

    labels = path.with_suffix(".csv")
    if not labels.is_file():
        raise InputError(f"the stimuli are missing: put a table {labels.name} with one row a trial beside it")
    with readable(".npy file", "save or copy it again"), path.open("rb") as file:
        responses = _array(file, "the array", path.stat().st_size)
    arrays: dict[str, Any] = {"responses": responses}
    for file_of_labels, what in ((labels, "trial"), (path.with_suffix(".neurons.csv"), "neuron")):
        if file_of_labels.is_file():
            try:
                table = read_csv(file_of_labels)
            except InputError as error:
                raise InputError(f"{file_of_labels.name}: {error}") from None
            side = responses.shape[0 if what == "trial" else -1] if responses.ndim else 0
            if len(table) != side:
                raise InputError(
                    f"{file_of_labels.name} has {len(table)} rows, but the array of shape {responses.shape} has {side} "
                    f"{what}s; they must agree (responses are trial x neuron)"
                )
            arrays |= {str(column): table[column].to_numpy() for column in table} | facts_of_table(table)
    return arrays
