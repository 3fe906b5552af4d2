"""One run at a time in a folder: the process that writes there holds a lock, which ends with it."""

import errno
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from stat import S_ISREG
from typing import Any

from normenc.errors import InputError
from normenc.runs.schema import LOCK

try:
    import fcntl
except ImportError:  # no such locks on this system: nothing is locked there
    fcntl = None  # type: ignore[assignment]

__all__ = ["ELSEWHERE", "FolderTakenError", "Held", "UnwritableError", "taken"]

ELSEWHERE = "choose another folder with out="  # for what is written to any folder
TRIES = 50  # to lock a file that others are removing just then


class FolderTakenError(InputError):
    """Another process writes to the folder."""


class UnwritableError(InputError):
    """The folder cannot be written; it may be readable."""


class Held:
    """A folder that this process has taken."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self._stack = stack
        self._paths: set[Path] = set()

    def take(self) -> None:
        """Take the folder: by a file in it, or beside it where it is not there yet. Taking it again does no harm."""
        for path in (_beside(self.folder), self.folder / LOCK):
            needed = path.parent == self.folder if self.folder.is_dir() else path.parent != self.folder
            # Where the folder is there, someone may still hold it from before it was.
            if path not in self._paths and (needed or (self.folder.is_dir() and path.exists())):
                self._stack.enter_context(_locked(path, self.folder))
                self._paths.add(path)


@contextmanager
def taken(folder: Path) -> Iterator[Held]:
    """Take a folder for this process, until the block ends.

    A lock that a dead process left is taken over. Folders above it that are made for the lock are removed again where
    nothing was written to them.

    Raises
    ------
    FolderTakenError
        When another process holds it; the message says which.
    UnwritableError
        When nothing can be written there.
    """
    name = folder.name if folder.name not in ("", "..") else ""
    place = folder.parent.resolve() / name if name else folder.resolve()
    above = [parent for parent in place.parents if not parent.exists()]
    with ExitStack() as stack:
        stack.callback(_remove_empty, above)
        held = Held(place, stack)
        held.take()
        yield held


def _beside(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}{LOCK}") if folder.name else folder / LOCK


@contextmanager
def _locked(path: Path, folder: Path) -> Iterator[None]:
    handle = _open_locked(path, folder)
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink()  # before the lock ends, so that nobody else's file is removed
        os.close(handle)


def _open_locked(path: Path, folder: Path) -> int:
    missing: OSError | None = None
    for _ in range(TRIES):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        except FileNotFoundError as error:
            missing = error
            continue  # the folder above was removed by another run that failed
        except OSError as error:
            raise UnwritableError(f"{folder}: this folder cannot be written ({error.strerror}); {ELSEWHERE}") from None
        try:
            if not S_ISREG(os.fstat(handle).st_mode):
                raise UnwritableError(f"{path}: this is not a file, so the folder cannot be locked; remove it")
            if not _lock(handle):
                raise FolderTakenError(_taken_by(_holder(handle), folder))
            if _is_at(handle, path):
                _sign(handle, path, folder)
                return handle
        except BaseException:
            os.close(handle)
            raise
        missing = None
        os.close(handle)  # its holder removed it just then
    if missing is not None:
        raise UnwritableError(f"{folder}: this folder cannot be written ({missing.strerror}); {ELSEWHERE}")
    raise FolderTakenError(_taken_by({}, folder))


def _lock(handle: int) -> bool:
    if fcntl is None:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return False
        return not _lives(_holder(handle))  # a file system without locks
    return True


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.lstat())
    except FileNotFoundError:
        return False


def _sign(handle: int, path: Path, folder: Path) -> None:
    """Write who holds the lock; refuse the lock of a process on another computer, which may still run."""
    before = _holder(handle, wait=False)
    if before.get("host", socket.gethostname()) != socket.gethostname():
        raise FolderTakenError(
            f"{folder}: process {before.get('pid')} on another computer, {before['host']}, locked this folder on "
            f"{before.get('since')}, and normenc cannot tell from here whether it is still running; if it is not, "
            f"delete {path} and run the same command again"
        )
    since = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
    content = json.dumps({"host": socket.gethostname(), "pid": os.getpid(), "since": since}).encode()
    try:
        os.ftruncate(handle, 0)
        os.lseek(handle, 0, os.SEEK_SET)
        os.write(handle, content)
    except OSError as error:
        with suppress(OSError):
            path.unlink()
        raise UnwritableError(
            f"{folder}: this folder cannot be written ({error.strerror}); make room, or {ELSEWHERE}"
        ) from None


def _holder(handle: int, *, wait: bool = True) -> dict[str, Any]:
    """What the holder wrote about itself; waits a moment for it."""
    for _ in range(10 if wait else 1):
        try:
            os.lseek(handle, 0, os.SEEK_SET)
            content = json.loads(os.read(handle, 4096))
            return content if isinstance(content, dict) else {}
        except (OSError, ValueError, RecursionError):
            time.sleep(0.02 * wait)
    return {}


def _lives(holder: dict[str, Any]) -> bool:
    if holder.get("host") != socket.gethostname() or holder.get("pid") == os.getpid():
        return False
    try:
        os.kill(int(holder["pid"]), 0)
    except PermissionError:
        return True
    except (OSError, KeyError, ValueError, TypeError):
        return False
    return True


def _taken_by(holder: dict[str, Any], folder: Path) -> str:
    who = f"process {holder['pid']} on {holder.get('host')}" if "pid" in holder else "another process"
    since = f" since {holder['since']}" if "since" in holder else ""
    return f"{folder}: {who} has been writing to this folder{since}; wait until it ends, or {ELSEWHERE}"


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()
