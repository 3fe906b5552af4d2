"""Whether a run may be written to a folder, and what it may replace there."""

import json
import tomllib
from contextlib import suppress
from pathlib import Path

from normenc import __version__
from normenc.errors import InputError
from normenc.runs.marker import FOLDER_KINDS, read_marker
from normenc.runs.older_keys import with_todays_keys
from normenc.runs.older_runs import check_untouched, is_older_run, older_files
from normenc.runs.publishing import Earlier, check_path, holds_nothing
from normenc.runs.schema import ENVIRONMENT, NEXT, REPORT, SETTINGS

__all__ = ["check_destination", "is_finished", "replaceable"]


def check_destination(folder: Path, *, force: bool, wanted: str | None = None) -> None:
    """Raise InputError when a run may not be written to `folder`; see :func:`replaceable`."""
    check_path(folder)
    if folder.is_dir() and not (folder / NEXT).exists():
        replaceable(folder, force=force, wanted=wanted)


def replaceable(folder: Path, *, force: bool, wanted: str | None) -> Earlier:
    """The files of an earlier run that a new one may replace, and their SHA-256 where it is known.

    Without `force` these are the files of a run that has no report, where `wanted`, the settings of the study
    whose report will be written, are the same: it was broken off before its report.
    """
    marker = read_marker(folder)
    if marker is None and holds_nothing(folder):
        return {}
    if marker is not None and marker.folder_kind != "run":
        what = FOLDER_KINDS[marker.folder_kind]
        raise InputError(f"{folder}: this folder holds {what}; choose another folder with out=")
    if marker is None and not is_older_run(folder):
        raise InputError(f"{folder}: this folder holds something other than a run; choose another folder with out=")
    unfinished = wanted is not None and not (folder / REPORT).exists() and _is_same(folder, wanted)
    if not force and not unfinished:
        raise InputError(
            f"{folder}: this folder already contains a run; pass force=True to replace it, or choose another folder "
            "with out="
        )
    if marker is not None:
        return {REPORT: None, **marker.files}  # a report is replaced in any case: it must not stand beside other tables
    check_untouched(folder)
    return dict.fromkeys(older_files(folder))


def is_finished(folder: Path, settings: str, sha256: str | None) -> bool:
    """Whether a folder holds the whole run of a study, of the same recording and by this version of normenc.

    Parameters
    ----------
    folder : Path
    settings : str
        Of the study as it is run, with its metric stated, as ``study.toml`` holds them.
    sha256 : str or None
        Of the recording; None of one that is made.
    """
    if not folder.is_dir() or (folder / NEXT).exists():
        return False
    marker = read_marker(folder)
    if marker is None or marker.folder_kind != "run" or REPORT not in marker.files:
        return False
    if not all((folder / name).is_file() for name in marker.files) or not _is_same(folder, settings):
        return False
    with suppress(OSError, ValueError, KeyError, TypeError):
        environment = json.loads((folder / ENVIRONMENT).read_text(encoding="utf-8"))
        return bool(environment["recording"]["sha256"] == sha256 and environment["normenc"] == __version__)
    return False


def _is_same(folder: Path, settings: str) -> bool:
    """Whether a run's settings are the same as others."""
    with suppress(OSError, ValueError):
        left = tomllib.loads((folder / SETTINGS).read_text(encoding="utf-8"))
        return with_todays_keys(left, warn=False) == tomllib.loads(settings)
    return False
