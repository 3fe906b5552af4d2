"""Recordings in files: the reference study's format, and what all formats share."""

import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_array
from normenc.errors import InputError

__all__ = ["is_file", "is_folder", "is_other", "one_line", "printable", "study_selection"]


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


def study_selection(
    responses: npt.NDArray[Any], stimuli: npt.NDArray[Any], bin_width: float | None
) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
    """Bin, keep stimuli up to 180 degrees and centre them, as the reference study does."""
    responses = as_array(responses, "'resp'")
    degrees = as_array(stimuli, "'stimuli'").astype(np.float64)
    if responses.ndim != 2:
        raise InputError(f"'resp' has shape {responses.shape}; it must be stimulus x neuron")
    if degrees.shape != (len(responses),):
        raise InputError(
            f"'stimuli' has shape {degrees.shape} but 'resp' has {len(responses)} rows (stimuli) and "
            f"{responses.shape[1]} columns (neurons); 'stimuli' must have one value a row"
        )
    if not np.isfinite(degrees).all() or degrees.min(initial=0) < 0 or degrees.max(initial=0) > 360:
        raise InputError(
            f"'stimuli' run from {degrees.min():g} to {degrees.max():g}; they must be degrees between 0 and 360"
        )
    if bin_width is not None:
        if not 0 < bin_width <= 180:
            raise InputError(f"bin_width is {bin_width}; it must lie between 0 and 180 degrees")
        bins = np.floor(degrees / bin_width)
        edges = np.unique(bins)
        with np.errstate(invalid="ignore", over="ignore"):  # what is infinite is told of later
            responses = np.stack([responses[bins == edge].mean(axis=0) for edge in edges])
        degrees = np.array([degrees[bins == edge].mean() for edge in edges])
    kept = degrees <= 180
    if kept.sum() < 2:
        raise InputError(f"{kept.sum()} of {len(degrees)} stimuli lie between 0 and 180 degrees; 2 are needed at least")
    return responses[kept], degrees[kept] - 90
