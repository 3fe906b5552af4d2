"""Helpers on files and their names for all formats."""

from pathlib import Path

__all__ = ["is_file", "is_folder", "is_other", "one_line"]


def is_file(path: str | Path) -> bool:
    """Whether there is a file at `path`; also False for an impossible file name."""
    try:
        return Path(path).is_file()
    except (OSError, ValueError):  # too long for a file name, or containing NUL
        return False


def is_folder(path: str | Path) -> bool:
    """Whether there is a folder at `path`; also False for an impossible folder name."""
    try:
        return Path(path).is_dir()
    except (OSError, ValueError):
        return False


def is_other(path: str | Path) -> bool:
    """Whether something other than a file or folder is at `path`: a broken link, a device, an unreadable file."""
    try:
        return Path(path).is_symlink() or Path(path).exists()
    except PermissionError:
        return True
    except (OSError, ValueError):
        return False


def one_line(error: BaseException) -> str:
    """The message of an error, in one line of at most 200 characters."""
    return " ".join(str(error).split())[:200] or type(error).__name__
