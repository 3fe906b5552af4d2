"""Objects that many processes use, handed to them by files: arrays in memory are mapped, not copied."""

import pickle
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import numpy as np

from normenc.errors import InputError
from normenc.representations.memory import readable
from normenc.representations.scratch import abandoned_removed, own_folder, remove_folder
from normenc.texts import visible

__all__ = ["handed", "shared_folder", "taken"]

OBJECT = "object"
LARGE = 2**16  # bytes of an array that has a file of its own


@contextmanager
def shared_folder(place: Path | None) -> Iterator[Path]:
    """A new folder for files of one run that others read and write too; it is removed at the end.

    Parameters
    ----------
    place : Path, optional
        Where it is made; the system's folder for temporary files by default.

    Raises
    ------
    InputError
        If it cannot be made.
    """
    place = Path(gettempdir()) if place is None else place
    try:
        place.mkdir(parents=True, exist_ok=True)
        abandoned_removed(place)
        folder, lock = own_folder(place)
    except OSError as error:
        raise InputError(
            f"{visible(str(place))}: images for other processes cannot be written here ({error.strerror or error}); "
            "choose another folder for the run, or read encoders in one process (workers = 1)"
        ) from None
    try:
        yield folder.absolute()
    finally:
        remove_folder(folder, lock)


def handed(given: Any, folder: Path) -> Path:
    """Write an object and, each in a file of its own, the arrays in it; returns the new folder with the files.

    Parameters
    ----------
    given : object
        That can be pickled. Images on disk are named, not copied.
    folder : Path

    Raises
    ------
    InputError
        If the disk is full, or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     place = handed({"images": np.arange(9000.0).reshape(3, 3000)}, Path(folder))
    ...     found = taken(place)["images"]
    >>> found.sum(), found.flags.writeable
    (np.float64(40495500.0), False)
    """
    place = folder / f"handed{len(list(folder.glob('handed*')))}"
    buffers: list[pickle.PickleBuffer] = []

    def apart(buffer: pickle.PickleBuffer) -> bool:
        if buffer.raw().nbytes < LARGE:
            return True  # which keeps it among the rest
        buffers.append(buffer)
        return False

    content = pickle.dumps(given, protocol=5, buffer_callback=apart)
    raw = [buffer.raw() for buffer in buffers]
    size = len(content) + sum(part.nbytes for part in raw)
    try:
        place.mkdir()
        for number, part in enumerate(raw):
            (place / f"{number}").write_bytes(part)
        (place / OBJECT).write_bytes(content)
    except OSError as error:
        free = shutil.disk_usage(folder).free
        raise InputError(
            f"{visible(str(folder.parent))}: images for other processes, {readable(size)}, cannot be written here "
            f"({error.strerror or error}; {readable(free)} are free); make room on this disk, or read encoders in one "
            "process (workers = 1)"
        ) from None
    return place


@lru_cache(maxsize=2)
def taken(place: Path) -> Any:
    """What was handed over, its arrays mapped from their files and read-only; the last two are remembered."""
    n_parts = len(list(place.iterdir())) - 1
    parts = [_mapped(place / f"{number}") for number in range(n_parts)]
    return pickle.loads((place / OBJECT).read_bytes(), buffers=parts)


def _mapped(path: Path) -> Any:
    return np.memmap(path, np.uint8, "r")
