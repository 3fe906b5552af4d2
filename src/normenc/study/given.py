"""What functions of studies are given: arguments of the wrong type are refused, with what to give instead."""

from os import PathLike, fspath
from typing import Any

from normenc.errors import InputError
from normenc.recordings import Recording

__all__ = ["check_is", "recording_name"]


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
