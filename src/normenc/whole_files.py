"""Files that are there whole or not at all, and nothing left of killed processes: the one way to write a file."""

import os
import re
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from secrets import token_hex

from normenc.errors import InputError
from normenc.texts import visible

__all__ = ["WriteError", "beside", "check_writable", "remove_leftovers", "write_whole"]

STALE_AFTER = 24 * 3600.0  # seconds without a change, after which no process is believed to write a file any more
ASIDE = re.compile(r"\.normenc-(?P<host>.+)-(?P<pid>[1-9]\d{0,8})-[0-9a-f]{16}(\..*)?", re.DOTALL)


class WriteError(OSError):
    """A file of `size` bytes could not be written; nothing of it is left."""

    def __init__(self, error: OSError, path: Path, size: int) -> None:
        super().__init__(error.errno, error.strerror, str(path))
        self.size = size


def write_whole(path: str | Path, content: bytes, *, synced: bool = False) -> None:
    """Write a file that appears when it is whole, in place of the file or link that is there.

    Files are made in memory, and only their bytes meet the disk: a library that is surprised by a full one may end the
    whole process, or leave half a file. What a link leads to stays as it is. Of several processes that write the same
    file at once, the last one wins.

    Parameters
    ----------
    path : str or Path
    content : bytes
    synced : bool
        Whether the content reaches the disk before the file appears, so that not even a power cut leaves half of it.

    Raises
    ------
    WriteError
        With the file's name and size; what was there before is still there.
    """
    try:
        with beside(Path(path)) as aside, aside.open("xb") as file:
            file.write(content)
            if synced:
                file.flush()
                os.fsync(file.fileno())
    except OSError as error:
        raise WriteError(error, Path(path), len(content)) from None


@contextmanager
def beside(path: Path, suffix: str = "") -> Iterator[Path]:
    """A place beside `path` to write to, which becomes `path` when the block ends well, and vanishes if not.

    Its name tells the machine and the process, and nobody can foresee it: in a folder that others may write to, one who
    could might have a link stand there. A file takes the place of a file or a link, and a folder also that of a folder.

    Parameters
    ----------
    path : Path
    suffix : str
        With which the name ends, for libraries that want one.
    """
    start = f".normenc-{_here()}-{os.getpid()}"
    aside, old = (path.with_name(f"{start}-{token_hex(8)}{suffix}") for _ in range(2))
    try:
        yield aside
        if aside.is_dir() and path.is_dir() and not path.is_symlink():
            path.rename(old)
        aside.replace(path)
    finally:
        if old.exists() and not path.exists():
            old.rename(path)
        for place in (aside, old):
            if place.is_dir():
                shutil.rmtree(place, ignore_errors=True)
            else:
                place.unlink(missing_ok=True)


def check_writable(folder: Path, what: str, advice: str) -> Path:
    """The folder itself, or the nearest one above that is there, once a file in it could be made.

    Parameters
    ----------
    folder : Path
    what, advice : str
        What the message says cannot be done, and what to do instead.

    Raises
    ------
    InputError
        When no file can be made: for want of permission, or on a disk that is read-only or full.
    """
    there = next((place for place in (folder, *folder.absolute().parents) if place.exists()), Path("/"))
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(bytes(4096))
            file.flush()
    except OSError as error:
        raise InputError(f"{visible(str(folder))}: {what} ({error.strerror or error}); {advice}") from None
    return there


def remove_leftovers(folder: Path, older: re.Pattern[str] | None = None) -> None:
    """Remove what killed processes had begun to write to a folder.

    A file goes when the process that its name tells is dead, where that ran on this machine, or when it has not
    changed for a day: of processes on other machines, which may share the folder, nothing else is known.

    Parameters
    ----------
    folder : Path
    older : Pattern, optional
        Names of further files that go after a day.
    """
    with suppress(OSError):  # not there yet, or not to be read: then nothing can be removed either
        for path in folder.iterdir():
            written_by = ASIDE.fullmatch(path.name)
            if written_by is None and (older is None or not older.fullmatch(path.name)):
                continue
            with suppress(OSError):  # another process was faster, or it belongs to somebody else
                if (written_by and _is_dead(written_by)) or time.time() - path.lstat().st_mtime > STALE_AFTER:
                    path.unlink()


def _is_dead(written_by: re.Match[str]) -> bool:
    """Whether the process that the name of a file tells ran here, and runs no more."""
    if written_by["host"] != _here() or os.name != "posix":
        return False
    try:
        os.kill(int(written_by["pid"]), 0)
    except ProcessLookupError:
        return True
    except OSError:  # it is somebody else's
        return False
    return False


@cache
def _here() -> str:
    """Where numbers of processes mean what they mean here: this machine and, in a container, its own processes."""
    try:
        space = Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        space = 0
    return f"{re.sub(r'[^A-Za-z0-9.]', '', socket.gethostname())[:64]}.{space}"
