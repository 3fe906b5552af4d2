"""Files and their names, as all formats need them."""

from pathlib import Path

__all__ = ["is_file", "is_folder", "is_other", "one_line"]


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


def one_line(error: BaseException) -> str:
    """What an error says, in one line of at most 200 characters."""
    return " ".join(str(error).split())[:200] or type(error).__name__
