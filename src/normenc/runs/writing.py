"""Writing a run's folder: tables as CSV, and the message if a file cannot be written."""

import errno
import shutil
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from normenc.errors import InputError
from normenc.whole_files import WriteError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["csv_bytes", "explained"]

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
AGAIN = "and run the study again: trained networks are kept"


def csv_bytes(table: "pd.DataFrame") -> bytes:
    """A table as a run's folder holds it: CSV in UTF-8, numbers with nine significant digits."""
    from normenc.csv_tables import write_table

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
        return InputError(f"{shown}: this file cannot be written ({why}); choose another folder with out=, {AGAIN}")
    size = error.size if isinstance(error, WriteError) else 0
    so_far = sum(part.stat().st_size for part in stage.rglob("*") if part.is_file()) + size
    own = f" of {in_bytes(size)}" if size else ""
    if error.errno == errno.EFBIG:
        return InputError(
            f"{shown}: this file{own} is larger than the limit on file size ({why}); raise the limit (ulimit -f), or "
            f"choose another folder with out=, {AGAIN}"
        )
    there = next(place for place in (stage, *stage.parents) if place.exists())
    return InputError(
        f"{shown}: there is no room for this file{own} ({why}; {in_bytes(shutil.disk_usage(there).free)} are free). "
        f"All files so far take {in_bytes(so_far)}, and a whole run takes more: make room, or choose another folder "
        f"with out=, {AGAIN}"
    )


def in_bytes(size: int) -> str:
    """A size in words.

    >>> in_bytes(512), in_bytes(3_250_000)
    ('0.001 MB', '3.2 MB')
    """
    mega = size / 1e6
    return f"{mega:.3f} MB" if 0 < mega < 0.1 else f"{mega:.1f} MB"
