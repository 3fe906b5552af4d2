"""A run's folder, written elsewhere and moved into place in one step.

A new folder is renamed to its name. Where the folder is there already, the new run is written to ``.normenc-new`` in it
and renamed to ``.normenc-next`` when it is whole: from then on it counts. Its files are then moved to their places, one
by one, and files of the earlier run are removed. A process that is killed in between leaves everything needed, and the
next command that writes to the folder finishes the move first.

Files that the earlier run's marker does not list, or that have changed, are never overwritten or deleted: if one is
in the way, it is moved to a folder ``kept``. Links are never followed.
"""

import json
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from normenc.errors import InputError
from normenc.runs.marker import Marker, check_settled, is_inside, made_of, read_marker, same_content, write_marker
from normenc.runs.schema import LOCK, NEW, NEXT, PLAN, REPORT, RUN_MARKER
from normenc.runs.taking import Held, UnwritableError, taken
from normenc.runs.writing import explained
from normenc.whole_files import WriteError, remove_leftovers, write_whole

__all__ = ["Destination", "add", "check_path", "destination", "holds_nothing"]

Earlier = Mapping[str, str | None]  # files that are replaced, and their SHA-256 where it is known


class Destination:
    """The folder of a run in progress.

    Attributes
    ----------
    folder : Path
    kept : list of Path
        What was moved out of the way of the run because it was the user's, as it stands now.
    """

    def __init__(self, folder: Path, folder_kind: str, admit: Callable[[Path], Earlier], held: Held) -> None:
        self.folder = folder
        self.kept: list[Path] = []
        self._folder_kind = folder_kind
        self._admit = admit
        self._held = held

    @contextmanager
    def staged(self) -> Iterator[Path]:
        """A new folder to write a run to, which becomes the destination when the block ends well, and vanishes if not.

        Raises
        ------
        InputError
            When a file cannot be written, or what stands at the destination now may not be replaced.
        """
        stage = self.folder / NEW if self.folder.is_dir() else _beside(self.folder)
        try:
            _remove(stage)
            stage.mkdir()
            yield stage
            write_marker(stage, made_of(stage, self._folder_kind))
            self._publish(stage)
        except OSError as error:
            raise explained(error, stage, self.folder) from error
        except UnwritableError as error:  # while the report was added
            raise UnwritableError(str(error).replace(str(stage), str(self.folder))) from error
        finally:
            with suppress(OSError):
                _remove(stage)

    def _publish(self, stage: Path) -> None:
        check_path(self.folder)
        if not self.folder.exists():
            with suppress(OSError):  # of a folder that appeared just then
                stage.rename(self.folder)
                return
        self._held.take()  # it may have appeared meanwhile
        plan = {"kept": _free_name(self.folder), "earlier": dict(self._admit(self.folder))}
        write_whole(stage / PLAN, json.dumps(plan).encode())
        stage.rename(self.folder / NEXT)
        self.kept += _finish(self.folder)


@contextmanager
def destination(folder: Path, folder_kind: str, admit: Callable[[Path], Earlier]) -> Iterator[Destination]:
    """Lock a folder for a run before it begins, and remove what dead processes left there.

    Parameters
    ----------
    folder : Path
    folder_kind : str
        Of the marker.
    admit : callable
        Given the folder where it is there already, gives what may be replaced, or raises InputError. It is asked at the
        start, and again before anything is replaced.

    Raises
    ------
    FolderTakenError
        When another process writes there.
    InputError
        When the folder cannot be written, or may not be replaced.
    """
    check_path(folder)
    if folder.is_dir() and not (folder / NEXT).exists():
        admit(folder)
    with taken(folder) as held:
        here = Destination(folder, folder_kind, admit, held)
        try:
            for leftover in (_beside(folder), folder / NEW):
                _remove(leftover)
            remove_leftovers(folder)
            here.kept += _finish(folder)
        except OSError as error:
            raise InputError(
                f"{error.filename or folder}: files that an earlier run left cannot be removed ({error.strerror}); "
                "choose another folder with out="
            ) from None
        if folder.is_dir():
            admit(folder)
        yield here


def check_path(folder: Path) -> None:
    """Raise InputError when no run's folder can be there: it is a file or a link, or lies below a file."""
    if folder.is_symlink() and not folder.exists():
        raise InputError(f"{folder}: this is a broken link; choose another folder with out=")
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: this is a file; choose a folder with out=")
    if folder.is_symlink():
        raise InputError(
            f"{folder}: this is a link to {folder.resolve()}, and files are never replaced through links; give that "
            "folder itself with out="
        )
    for parent in folder.absolute().parents:
        if parent.exists() and not parent.is_dir():
            raise InputError(
                f"{folder}: {parent} is a file, so no folder can be made there; choose another folder with out="
            )


def holds_nothing(folder: Path) -> bool:
    """Whether a folder is empty but for files of this very run."""
    return {path.name for path in folder.iterdir()} <= {LOCK, NEW}


def add(folder: Path, files: Mapping[str, bytes], folder_kind: str | None = None) -> list[Path]:
    """Write files into the folder of a finished run, to which they belong from then on.

    Parameters
    ----------
    folder : Path
    files : mapping of str to bytes
        By their paths in the folder.
    folder_kind : str, optional
        Of the marker that a folder gets which has none.

    Returns
    -------
    list of Path
        Where files that stood in the way are kept: the user's own, and those changed since the run wrote them.

    Raises
    ------
    InputError
        When another run is being written there, or a folder on the way to a file is a link.
    WriteError
        When a file cannot be written.
    """
    with taken(folder):
        check_settled(folder)
        for name in files:
            if (wrong := _no_folder(folder, name)) is not None:
                raise InputError(f"{wrong}: this is a link or a file, but a run needs a folder here; move it elsewhere")
        marker = read_marker(folder)
        listed = {} if marker is None else marker.files
        aside, kept = folder / _free_name(folder), []
        for name, content in files.items():
            target = folder / name
            # An older run does not say who wrote its report, so it is written again.
            own = same_content(target, listed.get(name)) or (marker is None and folder_kind is None and name == REPORT)
            if _is_there(target) and not own and (target.is_symlink() or target.read_bytes() != content):
                kept.append(_keep(folder, name, aside))
        if marker is None and folder_kind is not None:
            marker = Marker(folder_kind, {})
        if marker is not None:
            new = {name: sha256(content).hexdigest() for name, content in files.items()}
            write_marker(folder, Marker(marker.folder_kind, marker.files | new))
        stage = folder / NEW
        try:
            _remove(stage)
            stage.mkdir()
            for name, content in files.items():
                try:
                    write_whole(stage / "part", content)
                except WriteError as error:
                    raise WriteError(error, folder / name, len(content)) from None
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (stage / "part").replace(folder / name)
        finally:
            _remove(stage)
    return kept


def _finish(folder: Path) -> list[Path]:
    """Move a whole run from ``.normenc-next`` to its place, or go on with that; gives what was kept aside."""
    source = folder / NEXT
    kept: list[Path] = []
    if source.is_symlink() or not source.is_dir():
        return kept
    marker = read_marker(source)
    if marker is not None:
        earlier, aside = _plan(source, marker, folder)
        for name, known in earlier.items():
            # What is not in the source any more has been replaced already: the new file stands there.
            if name not in marker.files or (source / name).exists():
                kept += _retire(folder, name, (known, marker.files.get(name)), aside)
        for name in marker.files:
            if (source / name).exists():
                kept += _move_in(source, folder, name, marker.files[name], aside)
        _remove_empty_folders(folder, earlier)
        (source / RUN_MARKER).replace(folder / RUN_MARKER)
    _remove(source)
    return kept


def _plan(source: Path, marker: Marker, folder: Path) -> tuple[dict[str, str | None], Path]:
    """What a run that is being moved replaces, and where kept files go; everything is checked first.

    Raises
    ------
    InputError
        If the run is not as it was written: it may come from elsewhere, and point outside the folder.
    """
    try:
        plan = json.loads((source / PLAN).read_text(encoding="utf-8"))
        earlier, kept = dict(plan["earlier"]), plan["kept"]
        if not re.fullmatch(r"kept(-[1-9]\d*)?", kept) or (folder / kept).is_symlink():
            raise ValueError("it keeps files elsewhere")
        for name, known in earlier.items():
            if not is_inside(name) or not (known is None or isinstance(known, str)):
                raise ValueError("it replaces something that is not a file of a run")
        for name, content in marker.files.items():
            if _no_folder(source, name) is not None or (
                _is_there(source / name) and not same_content(source / name, content)
            ):
                raise ValueError(f"{name} is not as it was written")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            f"{source}: this run was being moved into place, and is damaged ({error}); none of it is moved. Move "
            "it elsewhere, and run the same command again"
        ) from None
    return earlier, folder / kept


def _retire(folder: Path, name: str, known: Iterable[str | None], aside: Path) -> list[Path]:
    """Remove a file of known content; one that has changed is kept aside, and what links lead to is left alone."""
    path = folder / name
    if not _is_there(path) or _no_folder(folder, name) is not None:
        return []
    if any(same_content(path, content) for content in known):
        path.unlink()
        return []
    return [_keep(folder, name, aside)]


def _move_in(source: Path, folder: Path, name: str, content: str, aside: Path) -> list[Path]:
    """Move a new file into place, and anything else out of its way."""
    kept = []
    while (wrong := _no_folder(folder, name)) is not None:
        kept.append(_keep(folder, wrong.relative_to(folder).as_posix(), aside))
    kept += _retire(folder, name, [content], aside)
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (source / name).rename(folder / name)
    return kept


def _keep(folder: Path, name: str, aside: Path) -> Path:
    """Move a user's file out of the way."""
    target = aside / name
    number = 1
    while _is_there(target):
        number += 1
        target = (aside / name).with_name(f"{Path(name).name}.{number}")
    target.parent.mkdir(parents=True, exist_ok=True)
    (folder / name).rename(target)
    return target


def _no_folder(folder: Path, name: str) -> Path | None:
    """A link or a file on the path to a file, where a folder is needed."""
    for parent in [*Path(name).parents][-2::-1]:
        path = folder / parent
        if path.is_symlink() or (path.exists() and not path.is_dir()):
            return path
    return None


def _remove_empty_folders(folder: Path, names: Mapping[str, object]) -> None:
    parents = {parent for name in names for parent in Path(name).parents if parent.parts}
    for parent in sorted(parents, key=lambda parent: -len(parent.parts)):
        path = folder / parent
        if path.is_dir() and _no_folder(folder, f"{parent}/x") is None and not any(path.iterdir()):
            path.rmdir()


def _free_name(folder: Path) -> str:
    """The name of a folder for what is kept, in which there is nothing yet."""
    number = 1
    while _is_there(path := folder / ("kept" if number == 1 else f"kept-{number}")):
        if path.is_dir() and not path.is_symlink() and not any(path.iterdir()):
            break
        number += 1
    return path.name


def _beside(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}{NEW}")


def _is_there(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def _remove(path: Path) -> None:
    """Remove a folder of normenc's own; of a link, the link."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)
