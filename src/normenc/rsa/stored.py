"""RDMs of many stimuli in files, of which only what is asked for is in memory."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.rsa.pairs import MANY_STIMULI

__all__ = ["Matrix", "StoredRdm", "mean_rdm", "of_stimuli"]

WRITTEN_ROWS = 256

Places = npt.NDArray[np.intp]


class StoredRdm:
    """An RDM in a file, in single precision; slices of its rows and of its columns are read when they are asked for.

    Parameters
    ----------
    path : Path
        Of nothing but the n_stimuli x n_stimuli values, row by row.
    n_stimuli : int
    some : ndarray of int, optional
        Stimuli that it is of, in their order; all by default.
    owner : object, optional
        What removes the file when nothing refers to it any more.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     stored = StoredRdm.write(Path(folder) / "rdm", np.array([[0.0, 1, 2], [1, 0, 3], [2, 3, 0]]))
    ...     stored.shape, float(stored[0, 2]), stored[1:].tolist(), of_stimuli(stored, np.array([2, 0]))[0].tolist()
    ((3, 3), 2.0, [[1.0, 0.0, 3.0], [2.0, 3.0, 0.0]], [0.0, 2.0])
    """

    ndim = 2
    dtype = np.dtype(np.float32)

    def __init__(self, path: Path, n_stimuli: int, some: Places | None = None, owner: object = None) -> None:
        self._path, self._n_all, self._some, self._owner = path, n_stimuli, some, owner

    @classmethod
    def write(cls, path: Path, matrix: npt.NDArray[np.floating[Any]], owner: object = None) -> "StoredRdm":
        """Write an RDM to a file, in single precision."""
        with path.open("wb") as file:
            for start in range(0, len(matrix), WRITTEN_ROWS):  # a copy of few rows at a time
                matrix[start : start + WRITTEN_ROWS].astype(cls.dtype, copy=False).tofile(file)
        return cls(path, len(matrix), owner=owner)

    @property
    def shape(self) -> tuple[int, int]:
        """(n_stimuli, n_stimuli)."""
        return len(self), len(self)

    def __len__(self) -> int:
        return self._n_all if self._some is None else len(self._some)

    def of_stimuli(self, some: Places) -> "StoredRdm":
        """The same of some stimuli, in their order."""
        own = some if self._some is None else self._some[some]
        return StoredRdm(self._path, self._n_all, own, self._owner)

    def __getitem__(self, key: Any) -> Any:
        """As of an array, but copied: of rows, or of rows and then columns; any other key reads all."""
        rows, columns = key if isinstance(key, tuple) and len(key) == 2 else (key, slice(None))
        if not isinstance(rows, slice | int | np.integer) or not isinstance(columns, slice | int | np.integer):
            return np.asarray(self)[key]
        if self._some is None and isinstance(rows, slice) and rows == columns == slice(None):
            return np.fromfile(self._path, self.dtype).reshape(self._n_all, self._n_all)  # once, and not mapped besides
        file = np.memmap(self._path, self.dtype, "r", shape=(self._n_all, self._n_all))
        if self._some is None:
            return np.array(file[rows, columns])
        return np.array(file[self._some[rows]][..., self._some[columns]])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.asarray(self[:], dtype)


class _Mean(StoredRdm):
    """The mean of RDMs in files."""

    def __init__(self, rdms: Sequence[StoredRdm]) -> None:
        self._rdms = list(rdms)

    def __len__(self) -> int:
        return len(self._rdms[0])

    def of_stimuli(self, some: Places) -> "StoredRdm":
        return _Mean([one.of_stimuli(some) for one in self._rdms])

    def __getitem__(self, key: Any) -> Any:
        return sum(one[key] for one in self._rdms) / np.float32(len(self._rdms))


Matrix = npt.NDArray[Any] | StoredRdm


def mean_rdm(rdms: Sequence[Matrix]) -> Matrix:
    """The mean of RDMs, which stays in their files.

    Examples
    --------
    >>> mean_rdm([np.array([[0, 1], [1, 0]]), np.array([[0, 2], [2, 0]])])[0].tolist()
    [0.0, 1.5]
    """
    if len(rdms) == 1:
        return rdms[0]
    stored = [one for one in rdms if isinstance(one, StoredRdm)]
    return _Mean(stored) if len(stored) == len(rdms) else np.asarray(np.mean([np.asarray(one) for one in rdms], axis=0))


def of_stimuli(matrix: Matrix, some: Any) -> Matrix:
    """An RDM of some stimuli, in their order, or all for a slice; that of a file stays there, but for few stimuli."""
    if isinstance(some, slice):
        return matrix
    if not isinstance(matrix, StoredRdm):
        return matrix[np.ix_(some, some)]
    own = matrix.of_stimuli(some)
    return own if len(some) > MANY_STIMULI else np.asarray(own)
