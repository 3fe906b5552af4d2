"""What functions of studies are given: arguments of the wrong type are refused, with what to give instead."""

from os import PathLike, fspath
from pathlib import Path
from typing import Any

from normenc.errors import InputError
from normenc.recordings import Recording
from normenc.recordings.files import is_file, is_folder
from normenc.recordings.public.names import beside, is_name

__all__ = ["absolute", "check_is", "recording_name", "source_in"]


def recording_name(recording: Any) -> str | None:
    """A recording's name or file, as a study has it."""
    given = fspath(recording) if isinstance(recording, PathLike) else recording
    check_is(given, "recording", str, "the name of a recording, or its file")
    return given


def check_is(given: Any, name: str, wanted: Any, needed: str) -> None:
    """Raise InputError where an argument is neither what is wanted nor None."""
    if given is None or isinstance(given, wanted):
        return
    advice = ""
    if isinstance(given, Recording):
        advice = "; save this recording with normenc.recordings.save(recording, FILE), and give recording=FILE"
    elif getattr(wanted, "__name__", "") == "Study" and isinstance(given, str | PathLike):
        advice = "; read a study file with normenc.study.load_study"
    raise InputError(f"{name} is a {type(given).__name__}; it must be {needed}{advice}")


def source_in(source: str, folder: Path) -> str:
    """A recording's file in `folder` by its absolute path; a name, or a file that is not there, as it stands."""
    if is_name(source):
        return beside(source, folder)
    there = is_file(folder / source) or is_folder(folder / source)
    return absolute(source, folder) if there else source


def absolute(name: str, folder: Path) -> str:
    """The absolute path of a file or folder that is named as it lies in `folder`."""
    path = str((folder / name).resolve())
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        raise InputError(
            f"{path}: this path is not UTF-8, as the path of a study file must be; rename the file or folder"
        ) from None
    return path
