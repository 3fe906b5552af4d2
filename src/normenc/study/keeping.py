"""Files of the cache: whole or not there, shared as the umask says, and nothing left of killed runs."""

import errno
import os
import re
import shutil
import socket
import tempfile
import time
from functools import cache
from pathlib import Path
from secrets import token_hex

from normenc.errors import InputError
from normenc.texts import visible

__all__ = ["check_writable", "remove_leftovers", "write_whole"]

STALE_AFTER = 24 * 3600.0  # seconds without a change, after which no process is believed to write a file any more
ASIDE = re.compile(r"\.[0-9a-f]{32}-(?:(?P<host>.+)-(?P<pid>[1-9]\d{0,8})-[0-9a-f]{8}|.*)", re.DOTALL)
FULL = (errno.ENOSPC, errno.EDQUOT)
ADVICE = "set NORMENC_CACHE to a folder that can be written"


def write_whole(place: Path, content: bytes) -> None:
    """Write a file that appears when it is whole, in place of whatever was there.

    It is written beside its place under a name that tells the machine and the process, and reaches the disk before it
    is renamed. Of several processes that write the same file at once, the last one wins.

    Raises
    ------
    InputError
        When it cannot be written; the message tells how much room it needs where the disk is full.
    """
    aside = place.with_name(f".{place.stem}-{_here()}-{os.getpid()}-{token_hex(4)}")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            with aside.open("xb") as file:  # for whom the umask says, so that a lab can share the folder
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            if place.is_dir() and not place.is_symlink():
                shutil.rmtree(place)
            aside.replace(place)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(_refusal(place, len(content), error)) from None


def check_writable(folder: Path, what: str = "trained networks cannot be kept here", advice: str = ADVICE) -> Path:
    """The folder itself, or the nearest one above that is there, once a file in it could be made.

    Raises
    ------
    InputError
        When none can: for want of permission, or on a disk that is read-only or full.
    """
    there = next((place for place in (folder, *folder.absolute().parents) if place.exists()), Path("/"))
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(bytes(4096))
            file.flush()
    except OSError as error:
        raise InputError(f"{visible(str(folder))}: {what} ({error.strerror or error}); {advice}") from None
    return there


def remove_leftovers(folder: Path) -> None:
    """Remove what killed processes had begun to write to a folder.

    A file goes when the process that its name tells is dead, where that ran on this machine, or when it has not
    changed for a day: of processes on other machines, which may share the folder, nothing else is known.
    """
    try:
        found = [path for path in folder.iterdir() if ASIDE.fullmatch(path.name)]
    except OSError:
        return  # not there yet, or not to be read: then nothing can be removed either
    for path in found:
        try:
            if _is_left(path):
                path.unlink()
        except OSError:
            continue  # another process was faster, or it belongs to somebody else


def _is_left(path: Path) -> bool:
    written_by = ASIDE.fullmatch(path.name)
    assert written_by is not None
    if written_by["host"] == _here() and os.name == "posix" and not _runs(int(written_by["pid"])):
        return True
    return time.time() - path.lstat().st_mtime > STALE_AFTER


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is somebody else's
        return True
    return True


@cache
def _here() -> str:
    """Where numbers of processes mean what they mean here: this machine and, in a container, its own processes."""
    try:
        space = Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        space = 0
    return f"{re.sub(r'[^A-Za-z0-9.]', '', socket.gethostname())[:64]}.{space}"


def _refusal(place: Path, n_bytes: int, error: OSError) -> str:
    if error.errno not in FULL:
        return f"{place.parent}: trained networks cannot be kept here ({error.strerror}); {ADVICE}"
    return (
        f"{place}: the disk is full ({error.strerror}). This network takes {n_bytes:,} bytes, and "
        f"{shutil.disk_usage(place.parent).free:,} bytes are free. Make room, or set NORMENC_CACHE to a folder with "
        "more; networks that were kept before are not trained again"
    )
