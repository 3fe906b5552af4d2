"""Small recordings in files of every format, and what breaks a file, for the tables of broken files."""

import io
import json
import os
import pickle
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import pandas as pd
import scipy.io
import xarray as xr
import zarr
from PIL import Image

RESPONSES = np.random.default_rng(0).normal(size=(8, 3))
DEGREES = np.tile([0.0, 45, 90, 135], 2)
GOOD = {"responses": RESPONSES, "orientation": DEGREES}
TABLE = "orientation\n" + "\n".join(map(str, DEGREES))
NUMBERED = np.arange(8.0)
RADIANS = np.tile([0.0, np.pi / 4, np.pi / 2, 3 * np.pi / 4], 2)
HOLE = np.where(np.arange(24).reshape(8, 3) == 7, np.nan, RESPONSES)
INFINITE = np.where(np.arange(24).reshape(8, 3) == 10, np.inf, RESPONSES)
TEXT = RESPONSES.astype("U5").astype("U9")
TEXT[2, 1] = "n/a"
HUGE = 10**12
BAD_NAME = b"caf\xe9"  # in Latin-1
MARK = "executed"  # what a pickle that is loaded leaves behind


class Broken(NamedTuple):
    """A file of the table: what writes it into a folder, and what the message must tell."""

    name: str
    write: Callable[[Path], Path]
    says: str
    options: dict[str, Any] = {}  # noqa: RUF012, a NamedTuple's default that nobody changes


class Payload:
    """A pickle that makes a folder when it is loaded."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder / MARK),)


def given(arrays):
    return {name: array for name, array in (GOOD | arrays).items() if array is not None}


def npz(folder, **arrays):
    np.savez(folder / "r.npz", **given(arrays))
    return folder / "r.npz"


def npy(folder, array=RESPONSES, table=TABLE):
    np.save(folder / "r.npy", array)
    (folder / "r.csv").write_text(table, encoding="utf-8")
    return folder / "r.npy"


def mat(folder, compressed=False, format="5", **arrays):
    scipy.io.savemat(folder / "r.mat", given(arrays), do_compression=compressed, format=format)
    return folder / "r.mat"


def hdf5(folder, change=lambda file: None, name="r.h5"):
    with h5py.File(folder / name, "w") as file:
        for key, array in GOOD.items():
            file[key] = array
        change(file)
    return folder / name


def mat73(folder, change=lambda file: None):
    with h5py.File(folder / "r.mat", "w", userblock_size=512) as file:
        for key, array in GOOD.items():
            file.create_dataset(key, data=array.T).attrs["MATLAB_class"] = np.bytes_("double")
        change(file)
    with (folder / "r.mat").open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
    return folder / "r.mat"


def netcdf(folder, engine="h5netcdf", **arrays):
    arrays = given(arrays)
    dataset = xr.Dataset({"responses": (("trial", "neuron"), arrays.pop("responses"))})
    dataset.assign({name: ("trial", array) for name, array in arrays.items()}).to_netcdf(folder / "r.nc", engine=engine)
    return folder / "r.nc"


def netcdf3(folder):
    return netcdf(folder, "scipy")


def zarr3(folder, **arrays):
    group = zarr.open_group(str(folder / "r.zarr"), mode="w")
    with warnings.catch_warnings(action="ignore"):  # texts have no place in the specification yet
        for name, array in given(arrays).items():
            group.create_array(name, data=array)
    return folder / "r.zarr"


def zarr2(folder, name="responses", described=None, chunk=None):
    """A store of format 2, written by hand, with one array described in another way."""
    store = folder / "r.zarr"
    store.mkdir()
    (store / ".zgroup").write_text('{"zarr_format": 2}')
    for key, array in ({name: GOOD["orientation"]} | GOOD).items():
        (store / key).mkdir()
        shape = list(array.shape)
        text = {"zarr_format": 2, "shape": shape, "chunks": shape, "dtype": "<f8", "fill_value": 0, "order": "C"}
        text |= {"compressor": None, "filters": None} | ((described or {}) if key == name else {})
        (store / key / ".zarray").write_text(json.dumps(text))
        data = chunk if chunk is not None and key == name else array.tobytes()
        (store / key / (".".join("0" for _ in text["shape"]) or "0")).write_bytes(data)
    return store


def long_form(**columns):
    trial, neuron = (grid.ravel() for grid in np.meshgrid(np.arange(8), np.arange(3), indexing="ij"))
    table = {"trial": trial, "neuron": neuron, "response": RESPONSES.ravel(), "orientation": DEGREES[trial]} | columns
    return pd.DataFrame({name: values for name, values in table.items() if values is not None})


def csv(folder, change=lambda text: text, **columns):
    (folder / "r.csv").write_text(change(long_form(**columns).to_csv(index=False)), encoding="utf-8")
    return folder / "r.csv"


def parquet(folder, **columns):
    long_form(**columns).to_parquet(folder / "r.parquet")
    return folder / "r.parquet"


def nwb(folder, change=lambda file: None):
    import pynwb

    session = pynwb.NWBFile("gratings", "abc", datetime(2020, 5, 1, tzinfo=UTC))
    session.add_trial_column("orientation", "degrees")
    for trial, degrees in enumerate(DEGREES):
        session.add_trial(start_time=float(trial), stop_time=trial + 1.0, orientation=degrees)
    for _ in range(3):
        session.add_unit(spike_times=np.sort(np.random.default_rng(0).uniform(0, 8, 40)))
    with pynwb.NWBHDF5IO(str(folder / "r.nwb"), "w") as io:
        io.write(session)
    return changed(folder / "r.nwb", change)


def pictures(folder, **files):
    """A recording of images, and a folder of them; each of `files` changes one, or with None leaves it out."""
    (folder / "images").mkdir()
    stream = io.BytesIO()
    Image.fromarray(np.arange(80, dtype=np.uint8).reshape(8, 10)).save(stream, format="png")
    for name, data in ({"cat_png": stream.getvalue(), "dog_png": stream.getvalue()} | files).items():
        if data is not None:
            (folder / "images" / name.replace("_", ".")).write_bytes(data)
    return npz(folder, orientation=None, image=["cat", "dog"] * 4)


# What breaks them.


def cut(path, keep=0.5):
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    return path


def edited(path, old, new, count=-1):
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new, count))
    return path


def flipped(path, place):
    data = bytearray(path.read_bytes())
    data[place] ^= 0xFF
    path.write_bytes(bytes(data))
    return path


def changed(path, change):
    with h5py.File(path, "a") as file:
        change(file)
    return path


def written(folder, name, data):
    (folder / name).write_bytes(data)
    return folder / name


def pickled(folder, name, protocol=5):
    return written(folder, name, pickle.dumps(Payload(folder), protocol))


def linked(folder, target, name="r.npz"):
    (folder / name).symlink_to(target)
    return folder / name


def pipe(folder, name="r.npz"):
    os.mkfifo(folder / name)
    return folder / name
