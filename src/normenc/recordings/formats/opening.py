"""Open a file by its format, or say why it cannot be opened."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import Any

from normenc.arrays import is_zarr
from normenc.errors import InputError
from normenc.recordings.provenance import reads

__all__ = ["SUFFIXES", "cuts_trials", "maps_names", "opened"]

HDF5 = b"\x89HDF\r\n\x1a\n"
KINDS = {  # what a file begins with, and what it should then be called
    HDF5: ("an HDF5 file", (".h5", ".hdf5", ".nc", ".mat", ".nwb")),
    b"PK\x03\x04": ("a zip archive", (".npz",)),
    b"\x93NUMPY": ("a NumPy array", (".npy",)),
    b"CDF": ("a netCDF 3 file", (".nc",)),
    b"PAR1": ("a Parquet file", (".parquet",)),
    b"MATLAB": ("a MATLAB file", (".mat",)),
    **{bytes([0x80, protocol]): ("a Python pickle", ()) for protocol in range(2, 6)},
}
TABLES = (".csv", ".tsv", ".txt", ".parquet")
SUFFIXES = (".npz", ".npy", ".mat", ".nc", ".h5", ".hdf5", ".zarr", *TABLES, ".nwb")
ZARR, SUITE2P, PHY, TREE = ".zarr", "suite2p", "phy", "trials"  # what a folder may be
CUTTING = (".nwb", SUITE2P, PHY)  # kinds that cut trials out of continuous signals, and know of windows
MAPPED = (*TABLES, *CUTTING)  # kinds that arrange columns as they read, and give arrays the names that are asked for
FOLDERS = "a Zarr store, or a folder of suite2p, of Kilosort and Phy, or with a file for each trial"

Arrays = dict[str, Any]


def cuts_trials(path: Path) -> bool:
    """Whether a reader cuts trials out of continuous signals, and so heeds ``window`` and ``baseline`` by itself."""
    return _kind(path) in CUTTING


def maps_names(path: Path) -> bool:
    """Whether a reader gives arrays the names that are asked for, so that nobody has to do it again."""
    return _kind(path) in MAPPED


def _kind(path: Path) -> str:
    return _kind_of_folder(path) if path.is_dir() else path.suffix.lower()


@contextmanager
def opened(path: Path, *, names: Mapping[str, str] | None = None, **of_signals: Any) -> Iterator[Arrays]:
    """The arrays of a file by name; large ones may be read from disk for as long as the context lasts.

    Arrays are NumPy's, on disk, text or numbers, or xarray's Variables where the file names their axes. ``axes``, where
    a reader is certain of them, are those of ``responses``; ``notes``, a list of str, say what was chosen and left out;
    ``left_out`` what could not be read, see :func:`normenc.recordings.formats.listed`.

    Parameters
    ----------
    path : Path
        See :func:`normenc.recordings.load` for the formats.
    names : mapping of str to str, optional
        From names that normenc knows to names in the file. Those of which :func:`maps_names` is true, which arrange
        columns as they read, give arrays these names; of MATLAB's, they may choose single elements of structures and
        cells.
    **of_signals
        ``window``, ``baseline``, ``intervals``, ``series``: see :func:`normenc.recordings.formats.nwb.read_nwb`; of
        files that are cut into trials already the first two are left to others, the last two refused.

    Raises
    ------
    InputError
        If it cannot be read; the message does not name the file.
    """
    kind = _checked_kind(path)
    _check_options(kind, of_signals)
    if kind == ZARR:
        from normenc.recordings.formats.zarrays import read_zarr

        yield read_zarr(path)
    elif kind == TREE:
        from normenc.recordings.formats.trial_trees import read_tree

        yield read_tree(path, names or {})
    elif kind in (".h5", ".hdf5") or (kind == ".mat" and _begins(path, HDF5)):
        with _opened_hdf5(path, kind, names or {}) as arrays:
            yield arrays
    elif kind in CUTTING:
        yield _cut(kind, path, names or {}, of_signals)
    else:
        yield _reader(kind)(path, names or {})


def _opened_hdf5(path: Path, kind: str, names: Mapping[str, str]) -> AbstractContextManager[Arrays]:
    from normenc.recordings.formats.hdf import is_of_matlab, opened_hdf5
    from normenc.recordings.formats.matlab73 import opened_mat73

    return opened_mat73(path, names) if kind == ".mat" or is_of_matlab(path) else opened_hdf5(path)


def _check_options(kind: str, of_signals: Mapping[str, Any]) -> None:
    fits = {"intervals": (".nwb",), "series": CUTTING}
    given = [key for key, kinds in fits.items() if of_signals.get(key) is not None and kind not in kinds]
    if given:
        what = f"a {kind} file" if kind.startswith(".") else f"a folder of {kind}"
        raise InputError(f"{', '.join(given)} applies to NWB files; leave it out for {what}")


def _cut(kind: str, path: Path, names: Mapping[str, str], of_signals: Mapping[str, Any]) -> Arrays:
    """Arrays of a kind that cuts trials out of signals."""
    if kind == ".nwb":
        from normenc.recordings.formats.nwb import read_nwb

        return read_nwb(path, names=names, **of_signals)
    options = {key: value for key, value in of_signals.items() if key != "intervals"}
    if kind == SUITE2P:
        from normenc.recordings.formats.suite2p import read_suite2p

        return read_suite2p(path, names, **options)
    from normenc.recordings.formats.phy import read_phy

    return read_phy(path, names, **options)


def _kind_of_folder(path: Path) -> str:
    """What a folder holds, by what lies in it; empty for none that is known."""
    from normenc.recordings.formats.phy import is_phy
    from normenc.recordings.formats.suite2p import place_of_suite2p
    from normenc.recordings.formats.trial_trees import is_tree

    if path.suffix.lower() == ZARR or is_zarr(path):
        return ZARR
    if is_tree(path):
        return TREE
    return SUITE2P if place_of_suite2p(path) is not None else PHY if is_phy(path) else ""


def _reader(suffix: str) -> Callable[[Path, Mapping[str, str]], Arrays]:
    from normenc.recordings.formats import archives, matlab, netcdf, tables

    return {
        ".npz": archives.read_npz,
        ".npy": archives.read_npy,
        ".mat": matlab.read_mat,
        ".nc": netcdf.read_netcdf,
        **dict.fromkeys(TABLES, tables.read_table),
    }[suffix]


def _checked_kind(path: Path) -> str:
    """The suffix of a file, or what a folder is; raises InputError if the content of a file says otherwise."""
    suffix = path.suffix.lower()
    try:
        mode = path.stat().st_mode
        if S_ISDIR(mode):
            if kind := _kind_of_folder(path):
                return kind
            raise InputError(f"this is a folder; a recording is a file ({', '.join(SUFFIXES)}), {FOLDERS}")
        if not S_ISREG(mode):
            raise InputError(f"this is not a regular file; a recording is a file, {FOLDERS}")
        reads(path)
        with path.open("rb") as file:
            start = file.read(8)
    except FileNotFoundError:
        reason = "this is a link to a file that does not exist" if path.is_symlink() else "there is no such file"
        raise InputError(reason) from None
    except PermissionError:
        raise InputError("this file cannot be read; check its permissions") from None
    except OSError as error:  # a circle of links, a disk that fails
        raise InputError(f"this file cannot be read ({error.strerror})") from None
    if suffix == ".zarr":
        raise InputError("this is a file, but a Zarr store is a folder; unpack it")
    if suffix == ".toml":
        raise InputError(
            "this is a study file, which names a recording and holds none; give it to normenc run, check or power, or "
            "to normenc.study.load_study"
        )
    if suffix not in SUFFIXES:
        raise InputError(
            f"cannot read files {f'of type {suffix}' if suffix else 'without a suffix'}; the types are "
            f"{', '.join(SUFFIXES)}"
        )
    if not start:
        raise InputError("this file is empty; copy or export it again")
    for magic, (kind, suffixes) in KINDS.items():
        if start.startswith(magic) and suffix not in suffixes:
            advice = f"name it {' or '.join(suffixes)}" if suffixes else "export plain arrays; pickles are never loaded"
            raise InputError(f"this is {kind}, not a {suffix} file; {advice}")
    return suffix


def _begins(path: Path, magic: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(magic)) == magic or (file.seek(512) == 512 and file.read(len(magic)) == magic)
