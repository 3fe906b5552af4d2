"""Open NWB files that are complete and depend on no other file."""

import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from normenc.errors import InputError
from normenc.recordings.files import one_line
from normenc.recordings.formats.guards import check_packing, readable
from normenc.recordings.formats.hdf import check_inside

__all__ = ["opened_nwb"]


@contextmanager
def opened_nwb(path: Path) -> Iterator[Any]:
    """The file as pynwb reads it; raises InputError if it is not NWB, is damaged or needs other files."""
    try:
        import pynwb
    except ImportError:
        raise InputError("reading an NWB file needs pynwb; install normenc[nwb]") from None
    _check_file(path)
    with ExitStack() as stack, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about older versions of the schema, and conventions of other programs
        try:
            file = stack.enter_context(pynwb.NWBHDF5IO(str(path), "r")).read()
        except Exception as error:  # whatever pynwb stumbles over; of several arguments the last is the reason
            said = error if len(error.args) < 2 else ValueError(error.args[-1])
            raise InputError(f"pynwb cannot read this file ({one_line(said)}); check it with pynwb.validate") from None
        try:
            yield file
        except (OSError, RuntimeError, UnicodeDecodeError) as error:
            raise InputError(f"this file is damaged ({one_line(error)}); copy or export it again") from None


def _check_file(path: Path) -> None:
    import h5py

    if not path.is_file():
        raise InputError("there is no such file (an NWB-Zarr store is a folder: export it to HDF5 first)")
    with readable("HDF5 file", "copy it again"), h5py.File(path, "r") as file:
        version = file.attrs.get("nwb_version", b"1" if "nwb_version" in file else None)
        if version is None:
            raise InputError("this HDF5 file is not an NWB file: it has no nwb_version")
        if (version.decode() if isinstance(version, bytes) else str(version)).startswith(("1", "NWB-1")):
            raise InputError(
                "this is an NWB 1 file; convert it to NWB 2 first, or, if it is of the Allen Brain Observatory, read "
                "it as allen-2p/EXPERIMENT?from=FILE"
            )
        check_inside(file, "export this file as a whole first, with NWBHDF5IO.export and link_data=False")
        file.visititems(_check_column)


def _check_column(name: str, item: Any) -> None:
    if len(getattr(item, "shape", None) or ()) == 1:  # unlike masks, which pack tightly, these are read as a whole
        check_packing(name, item.size * item.dtype.itemsize, item.id.get_storage_size)
