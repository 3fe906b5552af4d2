"""What is known about downloaded files: the lock file in the cache, and whether a file is still what it was.

The first download of a file, or the first look at one that was put there by hand, writes its SHA-256 into the lock
file; later ones must equal it. Published checksums are checked as well.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from normenc.errors import InputError
from normenc.recordings.public.cache import collections_folder
from normenc.recordings.public.collection import Collection, RemoteFile
from normenc.recordings.public.names import Asked
from normenc.whole_files import write_whole

__all__ = ["accepted", "alone", "digests", "fault_of", "is_here", "keep", "lock_file", "sha256_kept", "take_note"]

FILES, ACCEPTED = "files", "accepted"


def lock_file() -> Path:
    """Where digests of downloaded files, and accepted licences, are kept."""
    return collections_folder() / "lock.json"


def sha256_kept(collection: str, file: RemoteFile) -> str | None:
    """The SHA-256 of a file when it was first here; None if it never was."""
    entry = _read()[FILES].get(f"{collection}/{file.name}")
    return None if entry is None else str(entry["sha256"])


def keep(collection: str, file: RemoteFile, path: Path, sha256: str, *, place: str) -> None:
    """Write down what a file is, which is here for the first time."""
    entry = {"sha256": sha256, "bytes": path.stat().st_size, "place": place, "since": _now()}
    with _changing() as content:
        content[FILES].setdefault(f"{collection}/{file.name}", entry)


def accepted(collection: Collection) -> bool:
    """Whether the licence of a collection, as it is now, was accepted before."""
    entry = _read()[ACCEPTED].get(collection.name)
    return entry is not None and entry.get("licence") == collection.licence


def take_note(collection: Collection) -> None:
    """Write down that the licence of a collection was accepted, so that nobody is asked again."""
    with _changing() as content:
        content[ACCEPTED][collection.name] = {"licence": collection.licence, "since": _now()}


def is_here(asked: Asked) -> bool:
    """Whether all files that are asked for are here, unchecked."""
    return all(path.exists() for path in asked.paths().values())


def digests(path: Path, checksums: Iterator[str] | list[str]) -> dict[str, str]:
    """The SHA-256 of a file, and its digests of the kinds of these checksums, by the name of the kind.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "a")
    >>> _ = path.write_bytes(b"abc")
    >>> digests(path, ["md5:900150983cd24fb0d6963f7d28e17f72"])["md5"]
    '900150983cd24fb0d6963f7d28e17f72'
    """
    kinds = dict.fromkeys(["sha256", *(checksum.partition(":")[0] for checksum in checksums)])
    running = {kind: hashlib.new(kind, usedforsecurity=False) for kind in kinds}
    with path.open("rb") as file:
        while block := file.read(2**20):
            for own in running.values():
                own.update(block)
    return {kind: own.hexdigest() for kind, own in running.items()}


def fault_of(
    collection: str, file: RemoteFile, path: Path, published: str | None = None
) -> tuple[str | None, dict[str, str]]:
    """What is wrong with a file that is here, in words, or None; and its digests.

    Parameters
    ----------
    collection : str
    file : RemoteFile
    path : Path
    published : str, optional
        The checksum that the archive states now.
    """
    known = [checksum for checksum in (file.checksum, published) if checksum is not None]
    own, kept = digests(path, known), sha256_kept(collection, file)
    for checksum in known:
        kind, _, digest = checksum.partition(":")
        if own[kind] != digest.lower():
            return f"it is truncated or altered (its {_called(kind)} is not {digest})", own
    if file.size is not None and not known and path.stat().st_size != file.size:
        return f"it has {path.stat().st_size:,} bytes, but the published file has {file.size:,}", own
    if kept is not None and own["sha256"] != kept:
        return (
            f"it differs from the file that was here first (its SHA-256 was {kept}, see {lock_file()}; if the new one "
            f"is meant, remove {collection}/{file.name} there)",
            own,
        )
    return None, own


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold a file against other processes that would download it at the same time.

    Raises
    ------
    InputError
        If another process downloads it.
    """
    from filelock import FileLock, Timeout

    try:
        with FileLock(_lock_of(path), timeout=0):
            yield
    except Timeout:
        raise InputError(f"{path.name}: another process is downloading this file; wait until it has ended") from None


def _called(kind: str) -> str:
    return {"md5": "MD5", "sha1": "SHA-1", "sha256": "SHA-256", "sha512": "SHA-512"}[kind]


def _lock_of(path: Path) -> Path:
    folder = collections_folder() / ".locks"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{hashlib.sha256(os.fsencode(path)).hexdigest()[:32]}.lock"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _read() -> dict[str, dict[str, Any]]:
    path = lock_file()
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        content = {}
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: this file cannot be read ({error}); {ADVICE}") from None
    entries = {name: content.get(name, {}) for name in (FILES, ACCEPTED)} if isinstance(content, dict) else {}
    several = [own for section in entries.values() if isinstance(section, dict) for own in section.values()]
    is_whole = len(entries) == 2 and all(isinstance(section, dict) for section in entries.values())
    if not is_whole or not all(isinstance(own, dict) for own in several):
        raise InputError(f"{path}: this is no list of digests; {ADVICE}")
    if not all(isinstance(own.get("sha256"), str) for own in entries[FILES].values()):
        raise InputError(f"{path}: a file in it has no SHA-256; {ADVICE}")
    return entries


ADVICE = "restore it, or remove it: digests of the files that are here are then taken anew, and compared with nothing"


@contextmanager
def _changing() -> Iterator[dict[str, dict[str, Any]]]:
    """The content of the lock file, which is written again, whole, when the block ends.

    Raises
    ------
    InputError
        If the file cannot be read or written.
    """
    from filelock import FileLock

    try:
        with FileLock(_lock_of(lock_file()), timeout=60):
            content = _read()
            yield content
            write_whole(lock_file(), (json.dumps(content, indent=2, sort_keys=True) + "\n").encode())
    except OSError as error:
        raise InputError(
            f"{lock_file()}: this file cannot be written ({error.strerror or error}); set NORMENC_CACHE to a folder "
            "that can be written"
        ) from None
