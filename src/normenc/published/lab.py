"""Make the file of a publication from a run, so that a paper can ship it."""

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import tomli_w

from normenc.errors import InputError
from normenc.published.stating import load_publication
from normenc.published.tables import TABLE
from normenc.runs import Run
from normenc.runs.marker import read_marker, same_content
from normenc.runs.schema import ENVIRONMENT, SETTINGS, SIMILARITY
from normenc.texts import escaped, file_stem
from normenc.whole_files import check_writable, write_whole

__all__ = ["write_publication"]

KEY = "recording"  # of the one recording
IDENTITY = ("task", "network", "layer", "kind")


def write_publication(
    run: str | Path,
    path: str | Path,
    *,
    only: Sequence[str] | None = None,
    tolerance: float | None = None,
    citation: str | None = None,
    force: bool = False,
) -> Path:
    """State the similarities of a run as published numbers, with their intervals as tolerance.

    The file holds the study with all its settings, and the digest of the recording. Paths of files in it are relative
    to it: put the recording beside it, or where it was.

    Parameters
    ----------
    run : str or Path
        The folder of a finished run.
    path : str or Path
        The TOML file to write.
    only : sequence of str, optional
        Encoders, by their labels in ``similarity.csv``; by default all whose similarity has an interval.
    tolerance : float, optional
        For encoders without an interval.
    citation : str, optional
        Of the paper.
    force : bool
        Replace an existing file.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If the run is incomplete or was edited, an encoder is unknown or has no interval and no tolerance is given, or
        the file is there already.

    Examples
    --------
    >>> write_publication("runs/mine", "paper.toml", citation="We et al., 2026")  # doctest: +SKIP
    """
    opened, path = Run.open(run), Path(path)
    if tolerance is not None and not 0 <= tolerance < math.inf:
        raise InputError(f"tolerance is {tolerance:g}; it must be 0 or more")
    if path.exists() and not force:
        raise InputError(f"{path}: this file is there already; pass force=True to replace it, or give another name")
    check_writable(path.absolute().parent, "no file can be written here", "choose another folder with out=")
    _check_unchanged(opened)
    stated = _stated(opened, path.absolute().parent, only, tolerance, citation)
    text = tomli_w.dumps(stated)
    shown = [escaped(line, lambda character: f"\\U{ord(character):08x}") for line in text.split("\n")]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, "\n".join(shown).encode())
    load_publication(path)
    return path


def _check_unchanged(run: Run) -> None:
    """Raise InputError if a file whose numbers would be published is not as the run wrote it."""
    marker = read_marker(run.folder)
    written = {} if marker is None else marker.files
    for name in (SETTINGS, ENVIRONMENT, SIMILARITY):
        if name in written and not same_content(run.folder / name, written[name]):
            raise InputError(
                f"{run.folder / name}: this file is not as the run wrote it; undo the change, or run the study again "
                "before its numbers are published"
            )


def _stated(
    run: Run, folder: Path, only: Sequence[str] | None, tolerance: float | None, citation: str | None
) -> dict[str, Any]:
    name = file_stem(str(run.settings["name"]))
    recording = run.recording
    own = run.settings["recording"]
    source = str((own[0] if isinstance(own, list) else own)["source"])
    settings = {key: _relative(value, folder) for key, value in run.settings.items()}
    needed: dict[str, Any] = {"sources": _sources(source, folder), "get": _how_to_get(run, source)}
    if recording.get("sha256") is not None:
        needed["sha256"] = recording["sha256"]
    method = run.similarity["comparison"].iloc[0]
    return {
        "name": name,
        "title": f"{run.settings['name']} and {recording['name']}",
        "citation": citation or f"a run of normenc {run.environment['normenc']}, {run.environment.get('finished', '')}",
        "recordings": {KEY: needed},
        "study": settings,
        "claims": [_claim(row, method, tolerance) for row in _chosen(run.similarity, only, tolerance)],
    }


def _chosen(table: pd.DataFrame, only: Sequence[str] | None, tolerance: float | None) -> list[dict[str, Any]]:
    """Rows of the encoders that are asked for; of all, those that have a similarity and what counts as the same."""
    rows = table.to_dict("records")
    there = [row["encoder"] for row in rows]
    if only is None:
        known = [row for row in rows if _is_known(row, tolerance)]
        if known:
            return known
        raise InputError(
            "no similarity of this run has an interval (one seed, or a recording that is a single RDM); give tolerance="
        )
    if unknown := [name for name in only if name not in there]:
        raise InputError(f"this run has no encoder {unknown[0]!r}; it has {', '.join(there)}")
    chosen = [row for row in rows if row["encoder"] in only]
    if without := [row["encoder"] for row in chosen if not _is_known(row, tolerance)]:
        raise InputError(f"{without[0]}: its similarity has no interval; give tolerance=, or leave it out")
    return chosen


def _is_known(row: dict[str, Any], tolerance: float | None) -> bool:
    has_interval = not (math.isnan(row["low"]) or math.isnan(row["high"]))
    return not math.isnan(row["similarity"]) and (has_interval or tolerance is not None)


def _claim(row: dict[str, Any], method: str, tolerance: float | None) -> dict[str, Any]:
    where = {key: str(row[key]) for key in IDENTITY if not pd.isna(row[key])}
    bounds = {"at_least": float(row["low"]), "at_most": float(row["high"])}
    if math.isnan(row["low"]) or math.isnan(row["high"]):
        assert tolerance is not None  # as was checked
        bounds = {"tolerance": float(tolerance)}
    return {
        "name": file_stem(str(row["encoder"])),
        "what": f"similarity of {row['encoder']} ({row['kind']}; {method})",
        "where": f"{SIMILARITY} of the run",
        "value": float(row["similarity"]),
        **bounds,
        "recording": KEY,
        "measure": TABLE,
        "options": {"file": SIMILARITY, "column": "similarity", "where": where},
    }


def _sources(source: str, folder: Path) -> list[str]:
    """A name as it is; a file beside the publication's, or where it is now as seen from there."""
    if not Path(source).is_absolute():
        return [source]
    return list(dict.fromkeys([Path(source).name, _relative(source, folder)]))


def _how_to_get(run: Run, source: str) -> str:
    if not Path(source).is_absolute():
        return f"normenc recordings fetch {source}"
    known = run.recording.get("source")
    said = "" if known in (None, "", "not stated") else f" (its source: {known})"
    return f"put the file {Path(source).name} beside this one, or into the folder that is given as data{said}"


def _relative(value: Any, folder: Path) -> Any:
    """Settings whose paths on this computer are as seen from a folder; names that only look like paths stay."""
    if isinstance(value, dict):
        return {key: _relative(own, folder) for key, own in value.items()}
    if isinstance(value, list):
        return [_relative(own, folder) for own in value]
    if isinstance(value, str) and Path(value).is_absolute() and _is_of_this_computer(value):
        try:
            return Path(os.path.relpath(value, folder)).as_posix()
        except ValueError:  # on another drive
            return value
    return value


def _is_of_this_computer(value: str) -> bool:
    place = Path(value[:2] + value[2:].partition(":")[0])  # of "file.h5:/array", also on a drive "C:"
    return place.exists() or (place.parent.is_dir() and place.parent != place.parent.parent)
