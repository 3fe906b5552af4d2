"""A folder for responses that do not fit in memory: written batch by batch, continued after a kill, removed."""

import errno
import json
import os
import shutil
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.representations.memory import readable
from normenc.representations.panels import Panels, as_memory
from normenc.texts import visible

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["Scratch", "abandoned_removed", "own_folder", "remove_folder"]

PREFIX = "normenc-layers-"
FORMAT = 1
SPARE = 2**24  # bytes that stay free
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
ADVICE = (
    "name fewer layers, reduce them as they come (reduce='projection', or layers such as 'conv1@mean'), or choose a "
    "scratch folder on a larger disk"
)
Shape = tuple[int, int]


class Scratch:
    """A folder with one file of responses, a journal of finished batches, and a lock of the process that writes.

    Parameters
    ----------
    folder : Path or None
        Where the folder is made; None for the system's place for temporary files.
    key : str or None
        What decides the responses. A folder with the same key, left by a process that was killed, is continued.
    layers : mapping of str to (shape, dtype)
        Shape (n_stimuli, n_units) of each layer.
    batch_size : int
        Images at a time, which decides the last digits; a folder that is continued keeps its own.

    Raises
    ------
    InputError
        If the disk has too little room, or nothing can be written there.
    """

    def __init__(
        self, folder: Path | None, key: str | None, layers: Mapping[str, tuple[Shape, np.dtype[Any]]], batch_size: int
    ) -> None:
        self.batch_size, self.n_done = batch_size, 0
        place = Path(tempfile.gettempdir()) if folder is None else folder
        self.size = sum(shape[0] * shape[1] * dtype.itemsize for shape, dtype in layers.values())
        try:
            place.mkdir(parents=True, exist_ok=True)
            abandoned_removed(place)
            self.folder, self._lock = own_folder(place, key)
            self._remove = weakref.finalize(self, remove_folder, self.folder, self._lock)
        except OSError as error:
            raise InputError(
                f"{visible(str(place))}: layers that do not fit in memory cannot be written here "
                f"({error.strerror or error}); choose another scratch folder, or give more memory"
            ) from None
        self._file = self.folder / "responses"
        self.panels = self._laid_out(layers)
        try:
            self._begin(key)
        except BaseException:
            self.remove()
            raise

    def _laid_out(self, layers: Mapping[str, tuple[Shape, np.dtype[Any]]]) -> dict[str, Panels]:
        panels, offset = {}, 0
        for name, (shape, dtype) in layers.items():
            panels[name] = Panels(self._file, offset, shape, dtype)
            offset += panels[name].nbytes
        return panels

    def _begin(self, key: str | None) -> None:
        """Continue what a killed process has begun, or begin."""
        begun = self._journal(key)
        used = self._file.stat().st_blocks * 512 if begun and hasattr(os.stat_result, "st_blocks") else 0
        self._check_room(self.size - used)
        if begun:
            self.batch_size = begun[0]["batch_size"]
            self.n_done = self._verified(begun[1:])
        with self._guarded():
            if not self.n_done:
                with self._file.open("wb") as file:
                    file.truncate(self.size)
            lines = [{"format": FORMAT, "key": key, "batch_size": self.batch_size, "size": self.size}]
            lines += [line for line in begun[1:] if line["stop"] <= self.n_done]
            (self.folder / "journal").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="ascii")

    def _check_room(self, needed: int) -> None:
        free = shutil.disk_usage(self.folder).free
        if needed + SPARE > free:
            raise InputError(
                f"{visible(str(self.folder.parent))}: layers that do not fit in memory take {readable(needed)} here, "
                f"and {readable(free)} are free; {ADVICE}"
            )

    def write(self, name: str, start: int, rows: npt.NDArray[Any]) -> int:
        """Write a layer's responses to some stimuli, and return their checksum."""
        panels = self.panels[name]
        rows = np.ascontiguousarray(rows, panels.dtype)
        with self._guarded():
            panels.write(start, rows)
        return crc32(as_memory(rows))

    def finish(self, start: int, stop: int, sums: Mapping[str, int]) -> None:
        """Note that a batch is complete, with its checksums."""
        line = json.dumps({"start": start, "stop": stop, "sums": [sums[name] for name in self.panels]})
        with self._guarded(), (self.folder / "journal").open("a", encoding="ascii") as file:
            file.write(line + "\n")

    def check_open(self, name: str) -> None:
        """Raise InputError if the files were removed."""
        if not self._remove.alive:
            raise InputError(
                f"layer {name!r} was on disk, and its file was removed when the extracted layers were closed; read "
                "what you need before that"
            )

    def remove(self) -> None:
        """Remove the folder."""
        self._remove()

    def leave(self) -> None:
        """Leave the folder to a later process that continues."""
        self._remove.detach()
        self._lock.close()

    def _guarded(self) -> "_Guard":
        return _Guard(self)

    def _journal(self, key: str | None) -> list[dict[str, Any]]:
        """Lines of a journal for the same key, up to the first that is not complete; empty if there is none."""
        lines: list[dict[str, Any]] = []
        try:
            for text in (self.folder / "journal").read_text(encoding="ascii").splitlines(keepends=True):
                if not text.endswith("\n"):
                    break
                lines.append(json.loads(text))
            lines[1:] = [
                {"start": int(line["start"]), "stop": int(line["stop"]), "sums": line["sums"]} for line in lines[1:]
            ]
            same = key is not None and lines[0]["key"] == key and lines[0]["format"] == FORMAT
            return lines if same and lines[0]["size"] == self.size == self._file.stat().st_size else []
        except (OSError, ValueError, IndexError, KeyError, TypeError):
            return []

    def _verified(self, lines: Sequence[Mapping[str, Any]]) -> int:
        """Number of stimuli, from the first on, whose responses are in the file as they were written."""
        done = 0
        for line in lines:
            if line["start"] != done or line["sums"] != [
                crc32(as_memory(p.rows(done, line["stop"]))) for p in self.panels.values()
            ]:
                break
            done = line["stop"]
        return done


class _Guard:
    """Removes the folder when something cannot be written, and says that the disk is full where it is."""

    def __init__(self, scratch: Scratch) -> None:
        self._scratch = scratch

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if not isinstance(error, OSError):
            return
        place = self._scratch.folder.parent
        self._scratch.remove()
        why = f"the disk is full ({error.strerror})" if error.errno in FULL else f"cannot be written ({error.strerror})"
        free = readable(shutil.disk_usage(place).free)
        raise InputError(
            f"{visible(str(place))}: {why}. Layers that do not fit in memory take {readable(self._scratch.size)} here, "
            f"and {free} are free, now that they were removed; {ADVICE}"
        ) from None


def own_folder(place: Path, key: str | None = None) -> tuple[Path, Any]:
    """A folder that no other process writes to, and its lock: that of the key, unless another process is at it."""
    if key is not None:
        folder = place / (PREFIX + key[:32])
        folder.mkdir(exist_ok=True)
        lock = _locked(folder)
        if lock is not None:
            return folder, lock
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX + "own-", dir=place))
        lock = _locked(folder)
        if lock is not None:  # else a process that removes what was abandoned was faster
            return folder, lock


def _locked(folder: Path) -> Any:
    """The open lock of a folder; None if another process holds it, or removed the folder."""
    try:
        handle = (folder / "lock").open("a")
    except FileNotFoundError:
        return None
    if fcntl is not None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            handle.close()
            return None
        if not (folder / "lock").exists():  # removed in the meantime
            handle.close()
            return None
    return handle


def abandoned_removed(place: Path) -> None:
    """Remove folders that killed processes left and that no other can continue."""
    if fcntl is None:
        return
    for folder in place.glob(f"{PREFIX}own-*"):
        with suppress(OSError):  # another user's
            lock = _locked(folder)
            if lock is not None:
                remove_folder(folder, lock)


def remove_folder(folder: Path, lock: Any) -> None:
    """Remove a folder of a process's own, and close its lock."""
    shutil.rmtree(folder, ignore_errors=True)
    lock.close()
