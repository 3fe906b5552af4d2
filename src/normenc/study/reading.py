"""Read a study file: any path gives settings, or one message."""

import tomllib
from pathlib import Path
from stat import S_ISREG
from typing import Any

from normenc.errors import InputError
from normenc.recordings.files import one_line
from normenc.texts import visible

__all__ = ["read_toml"]

MOST_MIB = 4  # of a study file
UTF8 = b"\xef\xbb\xbf"
WIDE = (b"\xff\xfe", b"\xfe\xff")  # byte-order marks of UTF-16, and of UTF-32


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file in UTF-8, with or without a byte-order mark.

    Raises
    ------
    InputError
        If it is missing, is not a regular file, cannot be read, or is not TOML.
    """
    raw = _bytes_of(path)
    if raw.startswith(WIDE):
        raise InputError(
            f"{_shown(path)}: this file is UTF-16 or UTF-32, but a study file is TOML in UTF-8; save it as UTF-8"
        )
    try:
        return tomllib.loads(raw.removeprefix(UTF8).decode("utf-8"))
    except UnicodeDecodeError as error:
        raise InputError(f"{_shown(path)}: a study file is TOML in UTF-8; byte {error.start} is not") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{_shown(path)}: this is not valid TOML: {one_line(error)}") from None
    except ValueError:  # of Python's numbers
        raise InputError(
            f"{_shown(path)}: this contains a number with thousands of digits; write it as in 1e-3"
        ) from None
    except RecursionError:
        raise InputError(f"{_shown(path)}: tables or lists are nested too deeply for settings") from None


def _bytes_of(path: Path) -> bytes:
    try:
        status = path.stat()
        if S_ISREG(status.st_mode) and status.st_size > MOST_MIB * 2**20:
            raise InputError(
                f"{_shown(path)}: this file has {status.st_size / 2**20:,.0f} MiB, but a study file has at most "
                f"{MOST_MIB}; is it a recording? Then pass it as recording="
            )
        if not (S_ISREG(status.st_mode) or path.is_dir()):  # a pipe would be waited for, a device may never end
            raise InputError(f"{_shown(path)}: this is not a regular file; save the study in one")
        return path.read_bytes()
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(f"{_shown(path)}: there is no such study file") from None
    except OSError as error:
        raise InputError(f"{_shown(path)}: this study file cannot be read ({error.strerror})") from None
    except ValueError:  # a NUL in its name
        raise InputError(f"{_shown(path)}: no file can have this name") from None


def _shown(path: Path) -> str:
    return visible(str(path))
