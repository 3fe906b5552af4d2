"""Files and their names, as all formats need them."""

import unicodedata
from pathlib import Path

__all__ = ["is_file", "is_folder", "is_other", "one_line", "printable"]


def is_file(path: str | Path) -> bool:
    """Whether there is a file at `path`; False too for a name that no file can have."""
    try:
        return Path(path).is_file()
    except (OSError, ValueError):  # longer than a file's name may be, or with a NUL in it
        return False


def is_folder(path: str | Path) -> bool:
    """Whether there is a folder at `path`; False too for a name that no folder can have."""
    try:
        return Path(path).is_dir()
    except (OSError, ValueError):
        return False


def is_other(path: str | Path) -> bool:
    """Whether something is at `path` that is neither file nor folder: a broken link, a device, what may not be read."""
    try:
        return Path(path).is_symlink() or Path(path).exists()
    except PermissionError:
        return True
    except (OSError, ValueError):
        return False


def printable(text: str) -> str:
    r"""A text, such as a file's name, as it can be printed in one line, whatever bytes it is made of.

    Examples
    --------
    >>> import os
    >>> printable(os.fsdecode(b"caf\xe9\n.npz"))
    'caf\\xe9\\n.npz'
    """
    return "".join(character if _is_plain(character) else _escaped(character) for character in text)


def _is_plain(character: str) -> bool:
    return unicodedata.category(character) not in ("Cc", "Cs", "Zl", "Zp")  # controls, surrogates, breaks of lines


def _escaped(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # what Python makes of a byte that is no UTF-8
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()


def one_line(error: BaseException) -> str:
    """What an error says, in one line of at most 200 characters."""
    return " ".join(str(error).split())[:200] or type(error).__name__
