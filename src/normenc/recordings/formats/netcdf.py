"""netCDF files, and what xarray's names of dimensions tell."""

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from normenc.errors import InputError
from normenc.recordings.formats.guards import check_size, readable
from normenc.recordings.labels import NEURON_LABELS, TRIAL_LABELS

__all__ = ["NEURON_DIMENSIONS", "arrays_of", "bare", "mapped", "placed", "read_netcdf"]

STIMULI = ("orientation", "direction", "image", "stimulus")

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
            return arrays_of(mapped(dataset.load(), names))


def mapped(dataset: xr.Dataset, names: Mapping[str, str]) -> xr.Dataset:
    """The Dataset with the names that normenc knows beside its own."""
    for name, own in names.items():
        if own not in dataset.variables:
            there = ", ".join(map(str, dataset.variables))
            raise InputError(f"there is no variable {own!r} (for {name}); there are {there}")
    return dataset.assign({name: dataset[own].variable for name, own in names.items()})


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
    """Arrays by name, responses with trials before neurons; attributes of the whole, and of responses, are facts."""
    own = next((dataset[key].attrs for key in ("responses", "rdm", "resp") if key in dataset.variables), {})
    arrays: dict[str, Any] = {str(name): item.to_numpy() for name, item in placed(dataset).variables.items()}
    facts = {str(key): value for key, value in {**own, **dataset.attrs}.items()}
    return {key: value for key, value in facts.items() if isinstance(value, str | int | np.integer)} | arrays


def placed(dataset: xr.Dataset) -> xr.Dataset:
    """Responses with trials before neurons, and labels called by what they lie along."""
    stimulus = next((dataset[kind] for kind in STIMULI if kind in dataset), None)
    if stimulus is None or stimulus.ndim != 1 or "responses" not in dataset:
        return dataset
    (row,) = stimulus.dims
    others = [dim for dim in dataset["responses"].dims if dim != row]
    if len(others) == dataset["responses"].ndim or not 1 <= len(others) <= 2:
        return dataset
    if len(others) == 2:
        dataset, row, others = _stacked(dataset, row, others)
    neuron = others[0]
    dataset = dataset.assign(responses=dataset["responses"].transpose(row, neuron))
    if "neuron" not in dataset.variables and neuron in dataset.coords:
        dataset = dataset.assign_coords(neuron=(neuron, dataset[neuron].to_numpy()))
    for label in (label for label in TRIAL_LABELS if label in dataset.variables):
        if f"neuron_{label}" in NEURON_LABELS and dataset[label].dims == (neuron,):
            dataset = dataset.rename_vars({label: f"neuron_{label}"})
        elif dataset[label].ndim == 0:  # one for all, as is left when one is selected
            dataset[label] = (row, np.repeat(dataset[label].to_numpy(), dataset.sizes[row]))
    for labels, dim in ((TRIAL_LABELS, row), (NEURON_LABELS, neuron)):
        for label in labels:
            if label in dataset.variables and dataset[label].dims != (dim,):
                along = ", ".join(map(str, dataset[label].dims)) or "nothing"
                raise InputError(f"{label} lies along {along}; it must lie along {dim}, with one value for each")
    return dataset


def _stacked(dataset: xr.Dataset, row: Hashable, others: list[Hashable]) -> tuple[xr.Dataset, Hashable, list[Hashable]]:
    """Repeats of stimuli as trials; gives the dimension of these, and that of the neurons."""
    neurons: list[Hashable] = [dim for dim in others if dim in NEURON_DIMENSIONS]
    if len(neurons) != 1:
        raise InputError(
            f"of the dimensions {others[0]} and {others[1]} one must be that of the neurons and the other that of the "
            "repeats; call the first 'neuron'"
        )
    (repeat,) = (dim for dim in others if dim not in neurons)
    if "repeat" not in dataset.variables:
        dataset = dataset.assign_coords(repeat=(repeat, np.arange(dataset.sizes[repeat])))
    trial = f"{repeat} of {row}"
    return dataset.stack({trial: [repeat, row]}, create_index=False), trial, neurons


def bare(dataset: xr.Dataset) -> xr.Dataset:
    """The same variables without attributes; those of the Dataset stay."""
    bare = dataset.copy(deep=False)
    for variable in bare.variables.values():
        variable.attrs = {}
    return bare
