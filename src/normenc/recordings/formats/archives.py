"""NumPy files; every array is checked before it is read, so no pickle is loaded and no zip bomb unpacked."""

import struct
import zipfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from normenc.errors import InputError
from normenc.recordings.formats.guards import PICKLED, check_packing, check_size, readable
from normenc.recordings.provenance import reads
from normenc.texts import argument

__all__ = ["mapped_array", "plain_array", "read_head", "read_npy", "read_npz"]

MANY_FRAMES = 500  # along one axis; an array with more may be a continuous recording


def read_npz(path: Path, names: Mapping[str, str]) -> dict[str, Any]:
    """All arrays of an ``.npz`` file."""
    with readable(".npz file", "save or copy it again"), zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        counts = Counter(member.filename.removesuffix(".npy") for member in members)
        for name, count in counts.items():
            if count > 1:
                raise InputError(
                    f"it holds {count} arrays called {name!r}; save it again with a different name for each"
                )
        check_packing("it", sum(member.file_size for member in members), lambda: path.stat().st_size)
        return {member.filename.removesuffix(".npy"): _member(archive, member) for member in members}


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Any:
    name = member.filename.removesuffix(".npy")
    check_packing(name, member.file_size, lambda: member.compress_size)
    with archive.open(member) as file:
        return plain_array(file, name, member.file_size)


def plain_array(file: IO[bytes], name: str, size: int) -> Any:
    """One array from an open file of `size` bytes; InputError for pickled objects."""
    _head(file, name, size)
    file.seek(0)
    return np.lib.format.read_array(file, allow_pickle=False)


def read_head(file: IO[bytes], name: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, order and type of an array, as its file declares them."""
    try:
        version = np.lib.format.read_magic(file)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        return read_header(file)
    except (ValueError, SyntaxError, TypeError, struct.error):  # a head is a literal of Python
        raise InputError(f"{name} is not a NumPy array; save it again with numpy.savez") from None


def _head(file: IO[bytes], name: str, size: int) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, order and type of an array, if they are plausible and the file has as many bytes."""
    shape, is_fortran, dtype = read_head(file, name)
    if dtype.hasobject:
        raise InputError(PICKLED.format(name))
    declared = int(np.prod([int(side) for side in shape], dtype=object)) * max(dtype.itemsize, 1)
    check_size(name, declared)
    if not 0 <= declared <= size:
        raise InputError(
            f"{name} declares shape {shape}, {declared:,} bytes, but has {size:,}: the file is damaged or forged; "
            "save it again"
        )
    return shape, is_fortran, dtype


def mapped_array(path: Path) -> Any:
    """The array of an ``.npy`` file, read from disk as it is needed; raises InputError for pickled objects."""
    reads(path)
    with readable(f".npy file ({path.name})", "copy it again"), path.open("rb") as file:
        shape, is_fortran, dtype = _head(file, path.name, path.stat().st_size)
        if 0 in shape:
            return np.empty(shape, dtype)
        return np.memmap(path, dtype, "r", file.tell(), shape, "F" if is_fortran else "C")


def read_npy(path: Path, names: Mapping[str, str]) -> dict[str, Any]:
    """``responses`` from an ``.npy`` file, and labels from the tables next to it.

    ``mine.npy`` goes with ``mine.csv`` (one row per trial) and, if it exists, ``mine.neurons.csv`` (one row per
    neuron). Without tables it must hold dissimilarities, which become ``rdm``: a square matrix, the values of all
    pairs, or several of either.
    """
    from normenc.recordings.formats.side_tables import of_neurons, of_trials, read_beside

    with readable(".npy file", "save or copy it again"), path.open("rb") as file:
        array = plain_array(file, "the array", path.stat().st_size)
    beside = {"trial": path.with_suffix(".csv"), "neuron": path.with_suffix(".neurons.csv")}
    if not beside["trial"].is_file():
        return _without_labels(path, array, names)
    tables = {what: read_beside(table) for what, table in beside.items() if table.is_file()}
    for what, table in tables.items():
        _check_rows(beside[what].name, len(table), array, what)
    arrays = {"responses": array} | of_trials(tables["trial"])
    return arrays | (of_neurons(tables["neuron"], arrays) if "neuron" in tables else {})


def _check_rows(name: str, n_rows: int, array: Any, what: str) -> None:
    """Raise InputError unless one axis of the array is as long as a table, or as all pairs of its rows."""
    from normenc.recordings.formats.rdm_tables import condensed_side

    sides = set(array.shape) | {condensed_side(side) for side in array.shape[-1:]}
    if n_rows not in sides:
        raise InputError(
            f"{name} has {n_rows} rows, but the array has shape {array.shape}; a table of {what}s must have one row "
            f"for each along one axis{_if_frames(array.shape)}"
        )


def _without_labels(path: Path, array: Any, names: Mapping[str, str]) -> dict[str, Any]:
    from normenc.recordings.formats.phy import is_phy
    from normenc.recordings.formats.rdm_tables import condensed_side, looks_like_rdm
    from normenc.recordings.formats.suite2p import place_of_suite2p

    if "responses" in names.values():  # as the user says
        return {"responses": array}
    if array.dtype.kind in "iuf":
        is_square = array.ndim in (2, 3) and array.shape[-1] == array.shape[-2] > 2
        squares = array.reshape(-1, *array.shape[-2:]) if is_square else []
        if (array.ndim == 1 and condensed_side(len(array))) or (is_square and all(map(looks_like_rdm, squares))):
            return {"rdm": array}
    for is_there, what in ((place_of_suite2p(path.parent), "suite2p"), (is_phy(path.parent), "Kilosort")):
        if is_there:
            raise InputError(f"this is a file of {what}: give its folder, which must contain a table trials.csv")
    table = path.with_suffix(".csv").name
    raise InputError(
        f"the stimuli are missing: put a table {table} with one row per trial next to it{_if_frames(array.shape)}"
        f"{_if_rdms(array)}"
    )


def _if_frames(shape: tuple[int, ...]) -> str:
    """What to do with an array that may be a continuous recording, ROIs x frames, as part of a message."""
    if len(shape) != 2 or max(shape) < MANY_FRAMES:
        return ""
    axis, rois = ("columns", "") if shape[0] < shape[1] else ("rows", ", transposed,")
    return (
        f"; if its {max(shape):,} {axis} are frames of a continuous recording, put it{rois} as F.npy into a folder of "
        "its own, with a table trials.csv (when each trial starts and stops, and its stimulus), and give the folder"
    )


def _if_rdms(array: Any) -> str:
    """What to do with an array that may hold RDMs, as part of a message."""
    from normenc.recordings.formats.rdm_tables import condensed_side

    shape, advice = array.shape, argument(names={"rdm": "responses"})
    if array.dtype.kind not in "iuf" or array.ndim not in (2, 3):
        return ""
    if len(set(shape)) < len(shape):
        return f"; if it holds RDMs, pass {advice}"
    if side := condensed_side(shape[-1]):
        return f"; if it holds RDMs, in each row the {shape[-1]} pairs of {side} stimuli, pass {advice}"
    if array.ndim == 2 and (side := condensed_side(shape[0])):
        advice += ", axes='stimulus,animal'"
        return f"; if it holds RDMs, in each column the {shape[0]} pairs of {side} stimuli, pass {advice}"
    return ""
