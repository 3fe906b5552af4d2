"""Open a file by what it is, or say why not."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import Any

from normenc.errors import InputError

__all__ = ["SUFFIXES", "opened"]

HDF5 = b"\x89HDF\r\n\x1a\n"
ZIP = b"PK"
KINDS = {  # what a file begins with, and what it should then be called
    HDF5: ("an HDF5 file", (".h5", ".hdf5", ".nc", ".mat", ".nwb")),
    b"PK\x03\x04": ("a zip archive", (".npz",)),
    b"\x93NUMPY": ("a NumPy array", (".npy",)),
    b"CDF": ("a netCDF 3 file", (".nc",)),
    b"PAR1": ("a Parquet file", (".parquet",)),
    b"MATLAB": ("a MATLAB file", (".mat",)),
    **{bytes([0x80, protocol]): ("a Python pickle", ()) for protocol in range(2, 6)},
}
SUFFIXES = (".npz", ".npy", ".mat", ".nc", ".h5", ".hdf5", ".zarr", ".csv", ".parquet", ".nwb")

Arrays = dict[str, Any]


@contextmanager
def opened(path: Path, *, names: Mapping[str, str] | None = None, **of_nwb: Any) -> Iterator[Arrays]:
    """The arrays of a file by name; large ones may be read from disk for as long as the context lasts.

    Parameters
    ----------
    path : Path
        See :func:`normenc.recordings.load` for the formats.
    names : mapping of str to str, optional
        From names that normenc knows to names in the file; needed here by tables and NWB, whose columns are arranged
        as they are read.
    **of_nwb
        ``intervals``, ``window``, ``baseline``, ``series``: see :func:`normenc.recordings.formats.nwb.read_nwb`.

    Raises
    ------
    InputError
        When it cannot be read; the message does not name the file.
    """
    suffix = _checked_suffix(path)
    given = [key for key in ("intervals", "series") if of_nwb.get(key) is not None]
    if given and suffix != ".nwb":
        raise InputError(f"{', '.join(given)} is for NWB files; leave it out for a {suffix} file")
    if suffix == ".zarr":
        from normenc.recordings.formats.zarrays import read_zarr

        yield read_zarr(path)
    elif suffix in (".h5", ".hdf5") or (suffix == ".mat" and _begins(path, HDF5)):
        from normenc.recordings.formats.hdf import opened_hdf5

        with opened_hdf5(path, matlab=suffix == ".mat") as arrays:
            yield arrays
    elif suffix == ".nwb":
        from normenc.recordings.formats.nwb import read_nwb

        yield read_nwb(path, names=names, **of_nwb)
    else:
        yield _reader(suffix)(path, names or {})


def _reader(suffix: str) -> Callable[[Path, Mapping[str, str]], Arrays]:
    from normenc.recordings.formats import archives, matlab, netcdf, tables

    return {
        ".npz": archives.read_npz,
        ".npy": archives.read_npy,
        ".mat": matlab.read_mat,
        ".nc": netcdf.read_netcdf,
        ".csv": tables.read_table,
        ".parquet": tables.read_table,
    }[suffix]


def _checked_suffix(path: Path) -> str:
    """The format by the file's name; raises InputError where its content says otherwise, or nobody may read it."""
    suffix = path.suffix.lower()
    try:
        mode = path.stat().st_mode
        if S_ISDIR(mode):
            if suffix == ".zarr" or any((path / name).is_file() for name in ("zarr.json", ".zgroup", ".zarray")):
                return ".zarr"
            raise InputError(f"this is a folder; a recording is a file ({', '.join(SUFFIXES)}) or a Zarr store")
        if not S_ISREG(mode):
            raise InputError("this is no regular file; a recording is a file or a Zarr store")
        with path.open("rb") as file:
            start = file.read(8)
    except FileNotFoundError:
        reason = "this is a link to a file that is not there" if path.is_symlink() else "there is no such file"
        raise InputError(reason) from None
    except PermissionError:
        raise InputError("this file may not be read; check its permissions") from None
    except OSError as error:  # a circle of links, a disk that fails
        raise InputError(f"this file cannot be read ({error.strerror})") from None
    if suffix == ".zarr":
        raise InputError("this is a file, but a Zarr store is a folder; unpack it")
    if suffix not in SUFFIXES:
        raise InputError(
            f"files of the kind {suffix or 'without a suffix'} are not known; known are {', '.join(SUFFIXES)}"
        )
    if not start:
        raise InputError("this file is empty; copy or export it again")
    for magic, (kind, suffixes) in KINDS.items():
        if start.startswith(magic) and suffix not in suffixes:
            advice = f"name it {' or '.join(suffixes)}" if suffixes else "export plain arrays; pickles are never loaded"
            raise InputError(f"this is {kind} and no {suffix} file; {advice}")
    return suffix


def _begins(path: Path, magic: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(magic)) == magic or (file.seek(512) == 512 and file.read(len(magic)) == magic)
