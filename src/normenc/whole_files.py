"""Write files completely or not at all, and clean up after killed processes; every file is written this way."""

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

__all__ = ["WriteError", "aside_of", "beside", "check_writable", "remove_leftovers", "write_whole"]

STALE_AFTER = 24 * 3600.0  # seconds without a change after which a file is taken to be abandoned
ASIDE = re.compile(r"\.normenc-(?P<host>.+)-(?P<pid>[1-9]\d{0,8})-[0-9a-f]{16}(\..*)?", re.DOTALL)


class WriteError(OSError):
    """A file of `size` bytes could not be written; no part of it is left."""

    def __init__(self, error: OSError, path: Path, size: int) -> None:
        super().__init__(error.errno, error.strerror, str(path))
        self.size = size


def write_whole(path: str | Path, content: bytes, *, synced: bool = False) -> None:
    """Write a file that appears only when complete, replacing an existing file or link.

    Files are built in memory first, because a library that hits a full disk may end the process or leave half a file.
    The target of a link is not changed. If several processes write the same file, the last one wins.

    Parameters
    ----------
    path : str or Path
    content : bytes
    synced : bool
        Whether to flush the content to disk before the file appears, so that even a power cut cannot leave half of it.

    Raises
    ------
    WriteError
        With the file's name and size; an existing file is unchanged.
    """
    try:
        with beside(Path(path)) as aside, aside.open("xb") as file:
            file.write(content)
            if synced:
                file.flush()
                os.fsync(file.fileno())
    except OSError as error:
        raise WriteError(error, Path(path), len(content)) from None


def aside_of(path: Path, suffix: str = "") -> Path:
    """A new name beside `path` that nobody can foresee; :func:`remove_leftovers` removes it once this process ended."""
    return path.with_name(f".normenc-{_here()}-{os.getpid()}-{token_hex(8)}{suffix}")


@contextmanager
def beside(path: Path, suffix: str = "") -> Iterator[Path]:
    """A temporary path beside `path`, which is moved to `path` if the block succeeds and removed otherwise.

    Its name contains the machine and the process, and is unpredictable, so that in a shared folder nobody can place a
    link there in advance. A file replaces a file or a link; a folder also replaces a folder.

    Parameters
    ----------
    path : Path
    suffix : str
        Ending of the name, for libraries that need one.
    """
    aside, old = aside_of(path, suffix), aside_of(path, suffix)
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
    """The folder, or its nearest existing parent, after checking that a file can be created in it.

    Parameters
    ----------
    folder : Path
    what, advice : str
        For the message: what is impossible, and what to do instead.

    Raises
    ------
    InputError
        If no file can be created, for lack of permission or because the disk is read-only or full.
    """
    there = next((place for place in (folder, *folder.absolute().parents) if os.path.lexists(place)), Path("/"))
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(bytes(4096))
            file.flush()
    except OSError as error:
        raise InputError(f"{visible(str(folder))}: {what} ({error.strerror or error}); {advice}") from None
    return there


def remove_leftovers(folder: Path, older: re.Pattern[str] | None = None) -> None:
    """Remove unfinished files that killed processes left in a folder.

    A file is removed if the process in its name ran on this machine and has ended, or if it has not changed for a day;
    processes on other machines cannot be checked.

    Parameters
    ----------
    folder : Path
    older : Pattern, optional
        Names of other files to remove after a day.
    """
    with suppress(OSError):  # missing or unreadable: nothing can be removed either
        for path in folder.iterdir():
            written_by = ASIDE.fullmatch(path.name)
            if written_by is None and (older is None or not older.fullmatch(path.name)):
                continue
            with suppress(OSError):  # another process was faster, or it belongs to another user
                if (written_by and _is_dead(written_by)) or time.time() - path.lstat().st_mtime > STALE_AFTER:
                    path.unlink()


def _is_dead(written_by: re.Match[str]) -> bool:
    """Whether the process in a file's name ran on this machine and has ended."""
    if written_by["host"] != _here() or os.name != "posix":
        return False
    try:
        os.kill(int(written_by["pid"]), 0)
    except ProcessLookupError:
        return True
    except OSError:  # it belongs to another user
        return False
    return False


@cache
def _here() -> str:
    """The scope of process numbers: this machine and, in a container, the container."""
    try:
        space = Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        space = 0
    return f"{re.sub(r'[^A-Za-z0-9.]', '', socket.gethostname())[:64]}.{space}"
