"""A finished run as one zip file that can be handed on: its files, checksums, how to cite it, and an RO-Crate."""

import zipfile
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from normenc.errors import InputError
from normenc.runs.crate import CITATION, CRATE, citation, description
from normenc.runs.marker import digest, read_marker
from normenc.runs.publishing import holds_nothing
from normenc.runs.reading import Run
from normenc.runs.schema import NEW, NEXT, REPORT, RUN_MARKER
from normenc.whole_files import WriteError, beside, check_writable

__all__ = ["CHECKSUMS", "FOLDER", "export"]

CHECKSUMS = "SHA256SUMS"  # as `sha256sum --check` reads it
FOLDER = "run/"  # in the zip, where the run's own files are
MOMENT = (1980, 1, 1, 0, 0, 0)  # of every file: when it was zipped must not change the bytes
CHUNK = 1 << 20  # bytes


def export(
    run: str | Path,
    path: str | Path | None = None,
    *,
    authors: Sequence[str] = (),
    licence: str | None = None,
    force: bool = False,
) -> Path:
    """Write a finished run into one zip file.

    It holds the study, the environment, tables, arrays, pictures and the report in the folder ``run``, and beside it
    ``SHA256SUMS``, ``CITATION.cff`` and ``ro-crate-metadata.json`` (RO-Crate 1.1). The recording is not in it. The same
    run gives the same bytes, as long as Python's zlib is the same. Files of your own in the folder are left out.

    Parameters
    ----------
    run : str or Path
    path : str or Path, optional
        ``<name of the folder>.zip`` by default, in the current folder.
    authors : sequence of str
        As "Family, Given", or the name of a group.
    licence : str, optional
        Under which the run is handed on, such as "CC-BY-4.0".
    force : bool
        Replace an existing file.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If the folder is not a finished run, one of its files is missing or was changed, or the file is there already.
    OSError
        If the file cannot be written; nothing is left then.

    Examples
    --------
    >>> export("runs/mine", "mine.zip", authors=["Curie, Marie"], licence="CC-BY-4.0")  # doctest: +SKIP
    """
    opened = Run.open(run)
    folder = opened.folder
    files = finished_files(folder)
    path = Path(f"{folder.resolve().name}.zip") if path is None else Path(path)
    if path.is_dir():
        raise InputError(f"{path}: this is a folder; give the name of the zip file")
    if path.exists() and not force:
        raise InputError(f"{path}: this file is there already; pass force=True to replace it, or give another out=")
    check_writable(path.absolute().parent, "no file can be written here", "choose another folder with out=")
    path.parent.mkdir(parents=True, exist_ok=True)
    marker = digest(folder / RUN_MARKER)
    listed = {**files, RUN_MARKER: marker}
    texts = {
        CITATION: citation(opened, authors, licence).encode(),
        CRATE: description(
            opened, {name: (folder / name).stat().st_size for name in listed}, authors, licence
        ).encode(),
    }
    try:
        with beside(path) as aside:
            _write(aside, folder, listed, texts)
    except OSError as error:
        raise WriteError(error, path, sum((folder / name).stat().st_size for name in listed)) from None
    return path


def finished_files(folder: Path) -> dict[str, str]:
    """The files of a finished run, each with its SHA-256, after checking that they are as the run wrote them.

    Raises
    ------
    InputError
        If the run is unfinished, is of a version without the list of its files, or a file is missing or was changed.
    """
    if (folder / NEXT).exists() or (folder / NEW).exists():
        raise InputError(f"{folder}: a run is being written here; wait until it is finished")
    marker = read_marker(folder)
    if marker is None:
        what = "is empty" if holds_nothing(folder) else f"has no list of its files ({RUN_MARKER})"
        raise InputError(f"{folder}: this folder {what}, so it is no finished run of this version; run the study again")
    if REPORT not in marker.files:
        raise InputError(
            f"{folder}: this run has no report: it was broken off before, or made without one; write it with "
            "normenc.report.write(folder)"
        )
    for name, expected in sorted(marker.files.items()):
        own = folder / name
        if own.is_symlink() or not own.is_file():
            raise InputError(f"{own}: this file of the run is missing, or is a link; run the study again")
        if digest(own) != expected:
            raise InputError(
                f"{own}: this file is not as the run wrote it; undo the change, or run the study again before it is "
                "handed on"
            )
    return dict(sorted(marker.files.items()))


def _write(path: Path, folder: Path, files: dict[str, str], texts: dict[str, bytes]) -> None:
    sums = {f"{FOLDER}{name}": own for name, own in files.items()}
    sums |= {name: sha256(content).hexdigest() for name, content in texts.items()}
    listing = "".join(f"{sums[name]}  {name}\n" for name in sorted(sums)).encode()
    with zipfile.ZipFile(path, "x", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted({**texts, CHECKSUMS: listing}.items()):
            archive.writestr(_entry(name), content)
        for name in sorted(files):
            with archive.open(_entry(f"{FOLDER}{name}"), "w", force_zip64=True) as target:
                seen = sha256()
                for part in _parts(folder / name):
                    seen.update(part)
                    target.write(part)
            if seen.hexdigest() != files[name]:
                raise InputError(f"{folder / name}: this file changed while it was packed; do it again")


def _parts(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while part := file.read(CHUNK):
            yield part


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, MOMENT)
    entry.compress_type, entry.create_system, entry.external_attr = zipfile.ZIP_DEFLATED, 3, 0o100644 << 16
    return entry
