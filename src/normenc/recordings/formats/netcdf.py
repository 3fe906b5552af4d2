"""netCDF files, whose arrays bring the names of their dimensions."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from normenc.recordings.formats.guards import check_size, readable

__all__ = ["NEURON_DIMENSIONS", "arrays_of", "bare", "read_netcdf"]

NEURON_DIMENSIONS = ("neuron", "unit", "cell", "roi")


def read_netcdf(path: Path, names: Mapping[str, str]) -> dict[str, Any]:
    """All variables and coordinates of a netCDF file; text attributes are facts."""
    with readable("netCDF file", "save it again"):
        with path.open("rb") as file:
            engine = "scipy" if file.read(3) == b"CDF" else "h5netcdf"
        if engine == "h5netcdf":
            _check_hdf5(path)
        with xr.open_dataset(path, engine=engine, decode_times=False, cache=False) as dataset:
            for name, variable in dataset.variables.items():
                check_size(str(name), variable.size * max(variable.dtype.itemsize, 1))
            return arrays_of(dataset.load())


def _check_hdf5(path: Path) -> None:
    """Raise InputError for what lies in other files, and for what was declared but never written."""
    import h5py

    from normenc.recordings.formats.hdf import check_inside

    with h5py.File(path, "r") as file:
        check_inside(file)
        for name, item in file.items():
            if isinstance(item, h5py.Dataset) and item.shape is not None:
                check_size(name, item.size * item.dtype.itemsize, item.id.get_storage_size)


def arrays_of(dataset: xr.Dataset) -> dict[str, Any]:
    """Variables by name, with the names of their dimensions; attributes of the whole are facts."""
    arrays: dict[str, Any] = {
        str(name): item if item.ndim else item.to_numpy() for name, item in dataset.variables.items()
    }
    facts = {str(key): value for key, value in dataset.attrs.items() if isinstance(value, str | int | np.integer)}
    return facts | arrays


def bare(dataset: xr.Dataset) -> xr.Dataset:
    """The same variables without attributes; those of the Dataset stay."""
    bare = dataset.copy(deep=False)
    for variable in bare.variables.values():
        variable.attrs = {}
    return bare
