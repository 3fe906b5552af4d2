"""Unpack the zip of a run, after checking that it is one, and is as it was written."""

import re
import shutil
import stat
import zipfile
import zlib
from hashlib import sha256
from pathlib import Path, PurePosixPath

from normenc.errors import InputError
from normenc.runs.crate import CITATION, CRATE
from normenc.runs.marker import is_inside
from normenc.runs.packing import CHECKSUMS, CHUNK, FOLDER
from normenc.runs.schema import ENVIRONMENT, RUN_MARKER, SETTINGS, SIMILARITY, file_of
from normenc.runs.writing import in_bytes
from normenc.texts import visible

__all__ = ["unpack"]

BESIDE = (CHECKSUMS, CITATION, CRATE)
NEEDED = (*BESIDE, *(f"{FOLDER}{name}" for name in (SETTINGS, ENVIRONMENT, SIMILARITY, RUN_MARKER)))
KINDS = (".csv", ".h5", ".html", ".json", ".nc", ".pdf", ".png", ".safetensors", ".svg", ".toml")  # none is code
LINE = re.compile(r"([0-9a-f]{64})  (\S.*)")
MOST_LISTED = 16 << 20  # bytes of the list of checksums


def unpack(path: str | Path, folder: Path) -> Path:
    """Unpack a zip that :func:`normenc.runs.export` wrote into a new, empty folder.

    Parameters
    ----------
    path : str or Path
    folder : Path

    Returns
    -------
    Path
        The folder of the run in it.

    Raises
    ------
    InputError
        If it is no such zip, is broken, was altered, or names files outside it; the message names the file in it.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: {'this is a folder' if path.is_dir() else 'there is no such file'}; give a zip file")
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _check_names(path, entries)
            _check_room(path, entries, folder)
            sums = _listed(path, archive)
            if missing := sorted(sums.keys() ^ ({entry.filename for entry in entries} - {CHECKSUMS})):
                what = "is listed, but not there" if missing[0] in sums else "is not listed"
                raise InputError(f"{path}: {visible(missing[0])} {what} in {CHECKSUMS}; the zip was altered")
            for entry in entries:
                _extract(path, archive, entry, folder, sums.get(entry.filename))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as error:
        raise InputError(f"{path}: this is no zip file, or a broken one ({error}); get it again") from None
    return folder / FOLDER


def _check_names(path: Path, entries: list[zipfile.ZipInfo]) -> None:
    seen: set[str] = set()
    for entry in entries:
        name, shown = entry.filename, visible(entry.filename)
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise InputError(f"{path}: {shown} is a link, which no run has; the zip was altered")
        if entry.flag_bits & 1:
            raise InputError(f"{path}: {shown} is encrypted, which no run is; the zip was altered")
        if not _is_of_run(name):
            raise InputError(f"{path}: {shown} is no file of a run, or lies outside the zip; it was altered")
        if name.lower() in seen:
            raise InputError(f"{path}: {shown} is in it twice; the zip was altered")
        seen.add(name.lower())
    if missing := [name for name in NEEDED if name not in {entry.filename for entry in entries}]:
        raise InputError(f"{path}: {missing[0]} is missing; this zip is not one that `normenc export` wrote")


def _is_of_run(name: str) -> bool:
    if name in NEEDED:
        return True
    own = name.removeprefix(FOLDER)
    if own == name or not is_inside(own) or ":" in own or PurePosixPath(own).suffix.lower() not in KINDS:
        return False
    try:
        file_of(own)
    except KeyError:
        return False
    return True


def _check_room(path: Path, entries: list[zipfile.ZipInfo], folder: Path) -> None:
    size, free = sum(entry.file_size for entry in entries), shutil.disk_usage(folder).free
    if size > free:
        raise InputError(f"{path}: unpacked it takes {in_bytes(size)}, and {in_bytes(free)} are free in {folder}")


def _listed(path: Path, archive: zipfile.ZipFile) -> dict[str, str]:
    """The SHA-256 of every file but the list itself."""
    entry = archive.getinfo(CHECKSUMS)
    if entry.file_size > MOST_LISTED:
        raise InputError(f"{path}: {CHECKSUMS} has {in_bytes(entry.file_size)}; the zip was altered")
    sums: dict[str, str] = {}
    for line in archive.read(entry).decode("utf-8", "replace").splitlines():
        found = LINE.fullmatch(line)
        if found is None or found[2] in sums:
            raise InputError(f"{path}: {CHECKSUMS} has the line {visible(line[:100])!r}; the zip was altered")
        sums[found[2]] = found[1]
    return sums


def _extract(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path, expected: str | None) -> None:
    target, seen = folder / entry.filename, sha256()
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(entry) as source, target.open("xb") as file:
        while part := source.read(CHUNK):
            seen.update(part)
            file.write(part)
    if expected is not None and seen.hexdigest() != expected:
        raise InputError(f"{path}: {entry.filename} is not as {CHECKSUMS} says; the zip was altered")
