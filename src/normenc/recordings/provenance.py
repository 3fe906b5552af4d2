"""Which files a recording was read from: their digests, taken when reading begins, and whether they changed since.

Readers report every file before they open it (:func:`reads`). Loading fails if a file changes meanwhile
(:func:`unchanged`), and :func:`files_read` collects the digests.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

from normenc.errors import InputError
from normenc.texts import visible

__all__ = ["ReadFile", "changed", "digest_of", "files_read", "listing", "lists", "name_of", "reads", "unchanged"]

Stamp = tuple[int, int, int]  # bytes, time of the last change in ns, inode
_stamps: ContextVar[dict[Path, Stamp] | None] = ContextVar("stamps", default=None)
_files_read: ContextVar[dict[Path, "ReadFile"] | None] = ContextVar("files_read", default=None)


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file that was read.

    Attributes
    ----------
    path : Path
        Absolute.
    sha256 : str
        Of its content when reading began.
    stamp : (int, int, int)
        Bytes, time of the last change in nanoseconds, and inode, at that moment.
    store : Path or None
        The folder whose files are one thing (a Zarr store, a folder of images), where it lies in one.
    """

    path: Path
    sha256: str
    stamp: Stamp
    store: Path | None = None


def reads(path: Path, store: Path | None = None) -> None:
    """Report that a file is about to be opened; its reader handles any problem with it.

    Raises
    ------
    InputError
        If it is read for the second time and has changed since the first.
    """
    path, stamps, files = path.absolute(), _stamps.get(), _files_read.get()
    if stamps is None or path in stamps:
        return
    try:
        stamps[path] = stamp = _stamp(path)
        if files is None:
            return
        if path not in files:
            files[path] = ReadFile(path, _sha256(path), stamp, store)
        elif changed([files[path]]):
            raise _refusal(path)
    except OSError:
        stamps.pop(path, None)


def lists(folder: Path) -> None:
    """Report that a folder's files are about to be listed, to notice files that appear or disappear meanwhile."""
    stamps = _stamps.get()
    if stamps is not None:
        with suppress(OSError):
            stamps.setdefault(folder.absolute(), _stamp(folder))


@contextmanager
def unchanged() -> Iterator[None]:
    """Raise InputError if a file that is read within the block, or a folder that is listed, changes meanwhile."""
    stamps: dict[Path, Stamp] = {}
    token = _stamps.set(stamps)
    try:
        yield
    except Exception:
        _check(stamps)  # any other error follows from the change
        raise
    else:
        _check(stamps)
    finally:
        _stamps.reset(token)


@contextmanager
def files_read() -> Iterator[dict[Path, ReadFile]]:
    """The files that are read within the block, with their digests, by path, in the order in which they are opened."""
    files: dict[Path, ReadFile] = {}
    token = _files_read.set(files)
    try:
        yield files
    finally:
        _files_read.reset(token)


def changed(files: Iterable[ReadFile]) -> list[Path]:
    """The files whose content has changed since it was read, or that are gone.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "mine.csv")
    >>> _ = path.write_text("orientation,a,b")
    >>> with files_read() as files, unchanged():
    ...     reads(path)
    >>> changed(files.values())
    []
    >>> _ = path.write_text("orientation,a,c")
    >>> changed(files.values()) == [path]
    True
    """
    return [file.path for file in files if _differs(file.path, file.stamp, file.sha256)]


def digest_of(files: Iterable[ReadFile], source: Path) -> str | None:
    """The SHA-256 of a file that was read, or of all that were read within a folder.

    That of a folder is the SHA-256 of what ``sha256sum`` prints for these files: a line for each, by its name within
    the folder, in the order of the names' bytes.
    """
    source = source.absolute()
    inside = {file.path.relative_to(source).as_posix(): file for file in files if file.path.is_relative_to(source)}
    if "." in inside:
        return inside["."].sha256
    lines = [f"{inside[name].sha256}  {name}\n" for name in sorted(inside, key=_as_bytes)]
    return sha256(b"".join(map(_as_bytes, lines))).hexdigest() if lines else None


def listing(files: Iterable[ReadFile], source: Path) -> list[dict[str, Any]]:
    """Name, bytes and SHA-256 of each file, as plain values; of a store, or a folder of images, as one.

    For names see :func:`name_of`.
    """
    by_store: dict[Path, list[ReadFile]] = {}
    for file in files:
        by_store.setdefault(file.store or file.path, []).append(file)
    entries = []
    for place, own in by_store.items():
        entry: dict[str, Any] = {"name": name_of(place, source)}
        if own[0].store is not None:
            entry["n_files"] = len(own)
        entries.append(entry | {"bytes": sum(file.stamp[0] for file in own), "sha256": digest_of(own, place)})
    return entries


def name_of(path: Path, source: Path) -> str:
    """A file's name within the folder that `source` lies in; the last part alone where it lies elsewhere."""
    parent = source.absolute().parent
    return visible(path.relative_to(parent).as_posix() if path.is_relative_to(parent) else path.name)


def _check(stamps: dict[Path, Stamp]) -> None:
    files = _files_read.get() or {}
    for path, stamp in stamps.items():
        if _differs(path, stamp, files[path].sha256 if path in files else None):
            raise _refusal(path) from None


def _refusal(path: Path) -> InputError:
    return InputError(
        f"{visible(str(path))}: this changed while it was being read; wait until it is written, or read a copy"
    )


def _differs(path: Path, stamp: Stamp, digest: str | None) -> bool:
    """Whether the content of a file has changed; without a digest, judged by its size and time."""
    try:
        now = _stamp(path)
        if now == stamp:
            return False
        return now[:2] != stamp[:2] if digest is None else _sha256(path) != digest
    except OSError:
        return True


def _stamp(path: Path) -> Stamp:
    status = path.stat()
    return status.st_size, status.st_mtime_ns, status.st_ino


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _as_bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
