"""Read a file in ranges where it lies, without downloading it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from normenc.errors import InputError
from normenc.recordings.files import one_line
from normenc.recordings.public.asking import SourceError
from normenc.recordings.public.names import Asked
from normenc.recordings.public.places import locate

__all__ = ["opened_at", "opened_where_they_lie"]

MISSING = (
    "{} cannot be read where it lies: neither remfile nor fsspec with aiohttp is installed; install normenc[stream], "
    "or leave stream=yes out and fetch the whole file"
)


@contextmanager
def opened_where_they_lie(asked: Asked) -> Iterator[tuple[dict[str, Any], tuple[str, ...]]]:
    """The files of a recording, open for reading in ranges, by name; and notes on what they are.

    Parameters
    ----------
    asked : Asked

    Raises
    ------
    InputError
        If no library for it is installed, or the source cannot be reached or breaks off; the message says what to do.
    """
    files: dict[str, Any] = {}
    notes = []
    with ExitStack() as stack:
        for file in asked.files:
            try:
                located = locate(file.place)
            except SourceError as error:
                raise InputError(f"{asked.name}: {error}. Try again later, or leave stream=yes out") from None
            files[file.name] = own = opened_at(located.address, asked.name)
            if hasattr(own, "close"):
                stack.callback(own.close)
            known = f"its published checksum is {located.checksum}" if located.checksum else "no checksum is published"
            notes.append(f"{file.name} was read in parts from {file.place}, and not checked as a whole; {known}")
        yield files, tuple(notes if len(notes) < 3 else [notes[0], f"{len(notes) - 1} more files were read likewise"])


def opened_at(address: str, name: str, option: str = "stream=yes") -> Any:
    """Open an address for reading in ranges.

    Parameters
    ----------
    address : str
    name : str
        Of the recording, for messages.
    option : str
        Which asked for it, also for messages.

    Raises
    ------
    InputError
        If no library for it is installed, or the address cannot be read so.
    """
    try:
        return _opened(address, name)
    except InputError:
        raise
    except Exception as error:  # of the library that reads it, whatever it raises
        raise InputError(
            f"{name}: {address} cannot be read in ranges ({one_line(error)}). Try again later, or leave {option} out "
            "and fetch whole files"
        ) from None


def _opened(address: str, name: str) -> Any:
    try:
        import remfile
    except ImportError:
        pass
    else:
        return remfile.File(address)
    try:
        import aiohttp  # noqa: F401 - fsspec needs it for addresses of the web
        import fsspec
    except ImportError:
        raise InputError(MISSING.format(name)) from None
    return fsspec.open(address, "rb").open()
