"""Where the RDMs of a study's encoders are: in memory or, of many stimuli, in files until they are no longer needed."""

import shutil
import weakref
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import gettempdir
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.representations.scratch import abandoned_removed, own_folder, remove_folder
from normenc.rsa.stored import Matrix, StoredRdm
from normenc.texts import visible

__all__ = ["MANY_STIMULI", "RdmFolder", "Reading"]

MANY_STIMULI = 400  # of more, RDMs are kept in single precision
IN_FILES = 1000  # of more, in files: 100 MB each for 5,000 stimuli, of hundreds of layers and twins

T = TypeVar("T")


class RdmFolder:
    """RDMs as they are kept; their files are removed when nothing refers to them any more, and at the end of Python.

    Parameters
    ----------
    place : Path, optional
        The folder in which a folder of their own is made; the system's for temporary files by default.
    """

    def __init__(self, place: Path | None = None) -> None:
        self._place = Path(gettempdir()) if place is None else place
        self._folder: Path | None = None
        self._n_kept = 0

    def keep(self, matrix: npt.NDArray[Any]) -> Matrix:
        """The same RDM: in single precision if it is of more than 400 stimuli, in a file if of more than 1,000.

        Raises
        ------
        InputError
            When the file cannot be written.
        """
        n_stimuli = len(matrix)
        if n_stimuli <= IN_FILES:
            return matrix.astype(np.float32) if n_stimuli > MANY_STIMULI else matrix
        return self._written(lambda path: StoredRdm.write(path, matrix, owner=self), 4 * n_stimuli**2)

    def keep_responses(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Responses, shape (n_stimuli, n_units): the same or, of more than 1,000 stimuli, in a file, read when used."""
        if len(values) <= IN_FILES:
            return values

        def write(path: Path) -> npt.NDArray[Any]:
            values.tofile(path)
            return np.memmap(path, values.dtype, "r", shape=values.shape)

        return self._written(write, values.nbytes)

    def _written(self, write: Callable[[Path], T], size: int) -> T:
        try:
            path = self._own() / f"{self._n_kept}"
            self._n_kept += 1
            return write(path)
        except OSError as error:
            free = shutil.disk_usage(self._place).free / 2**30 if self._place.exists() else 0.0
            raise InputError(
                f"{visible(str(self._place))}: what was computed of a layer, {size / 2**20:.0f} MiB, cannot be "
                f"written here ({error.strerror or error}; {free:.1f} GiB are free); make room on this disk"
            ) from None

    def _own(self) -> Path:
        if self._folder is None:
            self._place.mkdir(parents=True, exist_ok=True)
            abandoned_removed(self._place)
            self._folder, lock = own_folder(self._place)
            weakref.finalize(self, _remove, self._folder, lock)
        return self._folder


def _remove(folder: Path, lock: Any) -> None:
    remove_folder(folder, lock)
    with suppress(OSError):  # where other things are
        if folder.parent.name.endswith("normenc-scratch"):
            folder.parent.rmdir()


@dataclass(frozen=True)
class Reading:
    """How layers are read: on which device, with how much memory, and where what is larger lies meanwhile.

    Attributes
    ----------
    device : str
    memory : int or str, optional
    scratch : Path, optional
    rdms : RdmFolder
        In `scratch` too.
    """

    device: str = "cpu"
    memory: int | str | None = None
    scratch: Path | None = None
    rdms: RdmFolder = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rdms", RdmFolder(self.scratch))
