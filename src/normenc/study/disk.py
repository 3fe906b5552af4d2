"""Files that are written whole or not at all, and what is said where they cannot be."""

import errno
import os
import shutil
from io import StringIO
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

from normenc.csv_tables import write_table
from normenc.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ASIDE", "WriteError", "csv_bytes", "explained", "put", "put_whole"]

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
ASIDE = ".part"  # how the name of a file ends that is being written
AGAIN = "and run the same command again: networks that are trained are kept"


class WriteError(OSError):
    """A file of `size` bytes could not be written; nothing of it is left."""

    def __init__(self, error: OSError, path: Path, size: int) -> None:
        super().__init__(error.errno, error.strerror, str(path))
        self.size = size


def put(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all, and never through a link.

    Files are made in memory, and only their bytes meet the disk: a library that is surprised by a full one may end the
    whole process, or leave half a file.

    Raises
    ------
    WriteError
        With the file's name and size.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0), 0o666)
    except OSError as error:
        raise WriteError(error, path, len(content)) from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise WriteError(error, path, len(content)) from None


def put_whole(path: Path, content: bytes) -> None:
    """Put a file in the place of another in one step.

    It is written beside it first, under a name that nobody can foresee: in a folder that others may write to, one who
    could might have a link stand there.

    Raises
    ------
    WriteError
        With the file's name and size.
    """
    aside = path.with_name(f".{path.name}-{token_hex(8)}{ASIDE}")
    try:
        with aside.open("xb") as file:
            file.write(content)
        aside.replace(path)
    except OSError as error:
        raise WriteError(error, path, len(content)) from None
    finally:
        aside.unlink(missing_ok=True)


def csv_bytes(table: "pd.DataFrame") -> bytes:
    """A table as a run's folder holds it: CSV in UTF-8, numbers with nine significant digits."""
    text = StringIO()
    write_table(table, text, float_format="%.9g")
    return text.getvalue().encode("utf-8")


def explained(error: OSError, stage: Path, folder: Path) -> InputError:
    """Say in one message which file of a run could not be written, and what room it takes.

    Parameters
    ----------
    error : OSError
    stage : Path
        Where the run was being written.
    folder : Path
        Where it belongs: files are named as if they stood there.
    """
    path = Path(str(error.filename or stage))
    shown = folder / path.relative_to(stage) if path.is_relative_to(stage) else path
    why = error.strerror or str(error)
    if error.errno not in NO_ROOM:
        return InputError(f"{shown}: this cannot be written ({why}); choose another folder with --out, {AGAIN}")
    size = error.size if isinstance(error, WriteError) else 0
    so_far = sum(part.stat().st_size for part in stage.rglob("*") if part.is_file()) + size
    own = f" of {in_bytes(size)}" if size else ""
    if error.errno == errno.EFBIG:
        return InputError(
            f"{shown}: this file{own} is larger than files may be here ({why}); raise the limit (ulimit -f), or choose "
            f"another folder with --out, {AGAIN}"
        )
    there = next(place for place in (stage, *stage.parents) if place.exists())
    return InputError(
        f"{shown}: there is no room for this file{own} ({why}; {in_bytes(shutil.disk_usage(there).free)} are free). "
        f"All files so far take {in_bytes(so_far)}, and a whole run takes more: make room, or choose another folder "
        f"with --out, {AGAIN}"
    )


def in_bytes(size: int) -> str:
    """A size in words.

    >>> in_bytes(512), in_bytes(3_250_000)
    ('0.001 MB', '3.2 MB')
    """
    mega = size / 1e6
    return f"{mega:.3f} MB" if 0 < mega < 0.1 else f"{mega:.1f} MB"
