"""The marker of a run's folder: a hidden file that makes it a run's, and lists the files that belong to the run.

Files that the marker does not list belong to the user, and so do listed files that have changed since.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path, PurePosixPath

from normenc import __version__
from normenc.errors import InputError
from normenc.runs.schema import NEXT, RUN_MARKER
from normenc.whole_files import write_whole

__all__ = [
    "FOLDER_KINDS",
    "Marker",
    "belongs",
    "check_settled",
    "digest",
    "is_inside",
    "made_of",
    "read_marker",
    "same_content",
    "unlike_marker",
    "write_marker",
]

FORMAT = 1
FOLDER_KINDS = {  # and what messages call such a folder's content
    "run": "a run",
    "power": "a power analysis",
    "identify": "what simulated recordings are taken for",
    "design": "a design of stimuli",
    "pictures": "figures of a run",
    "reproduction": "published results that were computed again",
}


@dataclass(frozen=True)
class Marker:
    """What a marker says.

    Attributes
    ----------
    folder_kind : str
        One of `FOLDER_KINDS`.
    files : dict of str to str
        The SHA-256 of every file that belongs to it, by its path in the folder.
    """

    folder_kind: str
    files: dict[str, str]


def read_marker(folder: Path) -> Marker | None:
    """Read the marker of a folder; None where there is none.

    Raises
    ------
    InputError
        If it is damaged, is a link, lists files outside the folder, or is of a newer version.
    """
    path = folder / RUN_MARKER
    if not path.exists() and not path.is_symlink():
        return None
    try:
        if path.is_symlink():
            raise ValueError("it is a link")
        content = json.loads(path.read_text(encoding="utf-8"))
        if (version := int(content["format"])) > FORMAT:
            raise InputError(f"{path}: its format is {version}, this version knows up to {FORMAT}; use a newer normenc")
        folder_kind, files = content["kind"], dict(content["files"])
        if folder_kind not in FOLDER_KINDS or not all(
            is_inside(name) and isinstance(files[name], str) for name in files
        ):
            raise ValueError("it lists something that is not a file of a run")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            f"{path}: this list of a run's files is damaged ({error}), so normenc replaces nothing in this folder; "
            "choose another folder with out="
        ) from None
    return Marker(folder_kind, files)


def write_marker(folder: Path, marker: Marker) -> None:
    """Write the marker of a folder; it is replaced in one step."""
    content = {
        "format": FORMAT,
        "kind": marker.folder_kind,
        "normenc": __version__,
        "files": dict(sorted(marker.files.items())),
    }
    write_whole(folder / RUN_MARKER, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())


def made_of(folder: Path, folder_kind: str) -> Marker:
    """The marker of a new folder, in which every file belongs to the run."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".normenc-"))
    return Marker(folder_kind, {path.relative_to(folder).as_posix(): digest(path) for path in files})


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def same_content(path: Path, expected: str | None) -> bool:
    """Whether a path is a file, and no link, of that SHA-256; False where it cannot be read."""
    try:
        return expected is not None and not path.is_symlink() and path.is_file() and digest(path) == expected
    except OSError:
        return False


def unlike_marker(folder: Path) -> tuple[str, ...]:
    """Files of a run that are not as its marker says, or that it does not list, or lists in vain; all without one."""
    marker = read_marker(folder)
    listed: Mapping[str, str] = {} if marker is None else marker.files
    there = made_of(folder, "run").files
    return tuple(sorted(name for name in listed.keys() | there.keys() if listed.get(name) != there.get(name)))


def belongs(folder: Path, names: Iterable[str]) -> set[str]:
    """Those of some files that are a run's, by their paths in its folder: all, where the folder has no marker."""
    marker = read_marker(folder)
    listed: Mapping[str, str] | None = None if marker is None else marker.files
    return {name for name in names if listed is None or name in listed}


def check_settled(folder: Path) -> None:
    """Raise InputError if a run is being moved into place: the folder then contains parts of two runs."""
    if (folder / NEXT / RUN_MARKER).exists():
        raise InputError(
            f"{folder}: moving a new run here was interrupted; repeat the `normenc run` command that was "
            "interrupted to finish it"
        )


def is_inside(name: str) -> bool:
    """Whether a name is that of a file in a folder, and of none that is normenc's own."""
    path = PurePosixPath(name)
    plain = not path.is_absolute() and bool(path.parts) and path.as_posix() == name and "\\" not in name
    return plain and not any(part == ".." or part.startswith(".normenc-") for part in path.parts)
