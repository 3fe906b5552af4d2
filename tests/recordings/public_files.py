"""Public recordings in miniature, in exactly the layout of the real ones, each with an independent reading of it."""

import io
import pickle
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field

import h5py
import numpy as np
import pandas as pd
import scipy.io
import xarray as xr
from matlab_files import Mat73
from PIL import Image

from normenc.recordings.public import (
    brainio,
    cadena2019,
    kriegeskorte2008,
    minimodel,
    sensorium2022,
    stringer2019,
    stringer2021,
)

MAJAJ, FREEMAN = brainio.COLLECTIONS
RNG = np.random.default_rng(22)


def fresh():
    """The same numbers for each test, whichever others run."""
    global RNG
    RNG = np.random.default_rng(22)


@dataclass(frozen=True)
class Mini:
    """How a recording is written, and how it is read without normenc: {stimulus: mean response of each neuron}."""

    collection: object
    session: str | None
    write: Callable
    averages: Callable
    images: Callable | None = None  # {stimulus: image}
    options: dict = field(default_factory=dict)
    blanks: int = 0

    def read(self, files, **options):
        return self.collection.read(files, self.session, self.options | options)


# stringer2021


def write_course(folder):
    path = folder / "W3D4_stringer_oribinned1.npz"
    np.savez(path, resp=RNG.normal(size=(9, 5)), stimuli=np.arange(9) * 45.0)
    return {path.name: path}


def course_averages(files):
    with np.load(*files.values()) as file:
        return {angle - 90: row for angle, row in zip(file["stimuli"], file["resp"], strict=True) if angle <= 180}


def write_gratings(folder, stem="gratings_drifting_GT1_2019_04_12_1", *, protocol=None):
    """Angles that come again, one trial without any, trials beyond those with an angle, and a silent neuron."""
    angles = np.concatenate([np.tile(np.arange(6) * np.pi / 3, 4), [np.nan]])
    mean, spread = RNG.uniform(1, 2, 7), RNG.uniform(1, 3, 7)
    spread[4] = 0
    saved = {
        "sresp": (RNG.gamma(2.0, size=(7, len(angles) + 3)) * 5).astype(np.float32),
        "istim": angles.astype(np.float32),
        "mean_spont": mean,
        "std_spont": spread,
        "u_spont": np.linalg.qr(RNG.normal(size=(7, 3)))[0],
        "stat": np.array([{"med": [1.0, np.float32(2)], "npix": np.arange(3)} for _ in range(7)], dtype=object),
    }
    path = folder / f"{stem}.npy"
    if protocol is None:
        np.save(path, saved)
    else:
        with path.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, {"descr": "|O", "fortran_order": False, "shape": ()})
            pickle.dump(np.array(saved, dtype=object), file, protocol=protocol)
    return {path.name: path}


def gratings_rows(files, n_components):
    saved = np.load(*files.values(), allow_pickle=True).item()
    n_trials = len(saved["istim"])
    kept = [neuron for neuron in range(7) if saved["std_spont"][neuron] > 0]
    normal = np.array([(saved["sresp"][n] - saved["mean_spont"][n]) / saved["std_spont"][n] for n in kept])
    u = saved["u_spont"][kept, :n_components]
    normal = normal - u @ (u.T @ normal)
    normal = normal[:, :n_trials]
    normal = (normal - normal.mean(axis=1, keepdims=True)) / (normal.std(axis=1, keepdims=True) + 1e-6)
    return np.round(np.degrees(saved["istim"].astype(float)) - 90, 4) % 360, normal.T


def gratings_averages(files):
    angles, rows = gratings_rows(files, 2)
    return {angle: rows[angles == angle].mean(axis=0) for angle in np.unique(angles[~np.isnan(angles)])}


# stringer2019

NUMBERS = np.array([5, 2, 1, 3, 4, 2, 3, 5, 1, 3, 5])  # 5 is grey; image 3 comes three times, image 4 once


def natural():
    stim = {
        "resp": RNG.gamma(2.0, size=(len(NUMBERS), 8)),
        "istim": NUMBERS[:, None].astype(float),
        "spont": RNG.gamma(1.0, size=(40, 8)),
    }
    stim["resp"][4, 5] = np.nan
    images = RNG.integers(0, 256, (5, 7, 4), dtype=np.uint8)
    return stim, images, np.array([0, 0, 1, 0, 0, 0, 0, 0])


def write_natural(folder):
    """As version 5 of MATLAB, with a structure for each neuron."""
    stim, images, red = natural()
    stat = np.zeros((1, 8), dtype=[("npix", object), ("redcell", object), ("ipix", object)])
    for place in range(8):
        stat[0, place] = (float(place), float(red[place]), np.arange(place + 1.0))
    path, pictures = folder / "natimg2800_M170714_MP032_2017-09-14.mat", folder / "images_natimg2800_all.mat"
    scipy.io.savemat(path, {"stim": stim, "med": RNG.normal(size=(8, 3)), "stat": stat})
    scipy.io.savemat(pictures, {"imgs": images})
    return {path.name: path, pictures.name: pictures}


def write_natural_73(folder):
    """As version 7.3, which reverses all axes."""
    stim, images, red = natural()
    path, pictures = folder / "natimg2800_M170714_MP032_2017-09-14.mat", folder / "images_natimg2800_all.mat"
    with Mat73(path) as file:
        file.put("stim", stim)
        file.put_structures("stat", (1, 8), redcell=[np.float64(one) for one in red])
    with Mat73(pictures) as file:
        file.put("imgs", images)
    return {path.name: path, pictures.name: pictures}


def natural_parts(files):
    path, pictures = files.values()
    if h5py.is_hdf5(path):
        with h5py.File(path) as file, h5py.File(pictures) as images:
            stim = {name: file["stim"][name][()].T for name in ("resp", "istim", "spont")}
            red = np.array([file[one][0, 0] for one in file["stat/redcell"][:, 0]])
            return stim["resp"], stim["istim"][:, 0], stim["spont"], red, images["imgs"][()].T
    file = scipy.io.loadmat(path)
    stim, images = file["stim"][0, 0], scipy.io.loadmat(pictures)["imgs"]
    red = np.array([one[0, 0] for one in file["stat"]["redcell"][0]])
    return stim["resp"], stim["istim"][:, 0], stim["spont"], red, images


def natural_averages(files, n_components=3):
    """The published steps, as the notebook beside the data takes them."""
    responses, numbers, spontaneous, red, _ = natural_parts(files)
    responses, spontaneous = responses[:, red == 0], spontaneous[:, red == 0]
    shown = numbers < numbers.max()
    responses, numbers = np.nan_to_num(responses[shown]), numbers[shown]
    mu, sd = spontaneous.mean(axis=0), spontaneous.std(axis=0) + 1e-6
    responses, spontaneous = (responses - mu) / sd, (spontaneous - mu) / sd
    values, vectors = np.linalg.eigh(spontaneous.T @ spontaneous)
    u = vectors[:, np.argsort(values)[::-1][:n_components]]
    responses = responses - (responses @ u) @ u.T
    responses = responses - responses.mean(axis=0)
    return {str(n): responses[numbers == n].mean(axis=0) for n in (1, 2, 3)}


def natural_images(files):
    images = natural_parts(files)[4]
    return {str(n): images[:, :, n - 1] for n in (1, 2, 3)}


# sensorium2022

TIERS = np.array(["train"] * 4 + ["validation"] * 2 + ["test"] * 6)
SHOWN = np.array([7, 101, 3, 12, 44, 2, 9, 10, 9, 10, 10, 9])


def tree(*, withheld=()):
    arrays = {
        "meta/trials/tiers": TIERS,
        "meta/trials/frame_image_id": SHOWN,
        "meta/trials/trial_idx": RNG.permutation(len(SHOWN)),
        "meta/neurons/unit_ids": np.array([11, 5, 8]),
        "meta/neurons/area": np.array(["V1", "LM", "V1"]),
        "meta/neurons/layer": np.array(["L2/3"] * 3),
        "meta/neurons/cell_motor_coordinates": np.zeros((3, 3)),
        "meta/statistics/responses/all/mean": np.zeros(3),
    }
    pictures = {number: RNG.integers(0, 256, (1, 4, 6)).astype(np.float32) for number in np.unique(SHOWN)}
    for trial, (tier, number) in enumerate(zip(TIERS, SHOWN, strict=True)):
        arrays[f"data/images/{trial}"] = pictures[number]
        arrays[f"data/responses/{trial}"] = np.zeros(3) if tier in withheld else RNG.gamma(2.0, size=3)
        arrays[f"data/behavior/{trial}"], arrays[f"data/pupil_center/{trial}"] = np.zeros(3), np.zeros(2)
    return arrays


def write_scan(folder, arrays=None, top="static21067-10-18-GrayImageNet/"):
    path = folder / "static21067-10-18-GrayImageNet-94c6ff995dac583098847cfecd43e7b6.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in (tree() if arrays is None else arrays).items():
            stream = io.BytesIO()
            np.save(stream, array)
            archive.writestr(f"{top}{name}.npy", stream.getvalue())
    return {path.name: path}


def scan_arrays(files):
    (path,) = files.values()
    with zipfile.ZipFile(path) as archive:
        return {
            name.partition("/")[2].removesuffix(".npy"): np.load(io.BytesIO(archive.read(name)))
            for name in archive.namelist()
        }


def scan_averages(files):
    arrays = scan_arrays(files)
    shown = arrays["meta/trials/frame_image_id"]
    rows = np.array([arrays[f"data/responses/{trial}"] for trial in range(len(shown))])
    return {f"{number:03d}": rows[shown == number].mean(axis=0) for number in np.unique(shown)}


def scan_images(files):
    arrays = scan_arrays(files)
    shown = arrays["meta/trials/frame_image_id"]
    return {f"{n:03d}": arrays[f"data/images/{np.flatnonzero(shown == n)[0]}"][0] for n in np.unique(shown)}


# minimodel


def write_mouse(folder, *, ragged=False):
    """Repeats that differ in number: missing (NaN), or an array of arrays."""
    repeated = RNG.gamma(2.0, size=(3, 4, 5)).astype(np.float32)
    if ragged:
        several = np.empty(3, dtype=object)
        several[:] = [repeated[0], repeated[1][:2], repeated[2][:3]]
    else:
        several = repeated.copy()
        several[1, 3], several[2, 0] = np.nan, np.nan
    path, pictures = folder / "FX20_nat60k_2023_09_29.npz", folder / "nat60k_text16.mat"
    once = {"sp": RNG.gamma(2.0, size=(5, 6)).astype(np.float32), "istim_sp": np.array([3.0, 9, 4, 11, 7, 2])}
    np.savez(path, **once, ss_all=several, istim_ss=np.array([8.0, 0, 5]), xpos=np.zeros(5), ypos=np.zeros(5))
    scipy.io.savemat(pictures, {"img": RNG.integers(0, 256, (4, 6, 12), dtype=np.uint8)})
    return {path.name: path, pictures.name: pictures}


def mouse_averages(files):
    with np.load(next(iter(files.values())), allow_pickle=True) as file:
        tests = [np.nanmean(block, axis=0) for block in file["ss_all"]]
        own = dict(zip(file["istim_ss"].astype(int), tests, strict=True))
        own |= dict(zip(file["istim_sp"].astype(int), file["sp"].T, strict=True))
    return {f"{number:05d}": row for number, row in own.items()}


def mouse_images(files):
    images = scipy.io.loadmat(files["nat60k_text16.mat"])["img"]
    return {name: images[:, :, int(name)] for name in mouse_averages(files)}


# cadena2019


def write_macaque(folder, *, protocol=4):
    """Types in cells, two neurons with two repeats, one that did not see an image, one image without its fourth."""
    types = np.empty((10, 1), dtype=object)
    for row in range(10):
        types[row, 0] = np.array([("original", "conv1", "conv2", "conv3", "conv4")[row % 5]])
    responses = RNG.poisson(3.0, (4, 10, 5)).astype(float)
    responses[2:, :, [1, 3]] = np.nan
    responses[:, 5, 4] = np.nan  # neuron 4 never saw the second photograph
    responses[3, 0, :] = np.nan  # nobody has a fourth repeat of the first
    saved = {
        "images": RNG.integers(0, 256, (10, 4, 4)).astype(float),
        "responses": responses,
        "image_ids": np.arange(10)[:, None] + 100,
        "image_numbers": (np.arange(10) // 5 + 1)[:, None],
        "image_types": types,
        "repetitions": np.array([4, 2, 4, 2, 4]),
        "subject_id": np.array([31, 31, 31, 32, 32]),
        "session_id": np.array([1, 2, 1, 3, 4]),
        "unit_id": np.array([1, 1, 2, 1, 1]),
    }
    path = folder / "cadena_ploscb_data.pkl"
    path.write_bytes(pickle.dumps(saved, protocol=protocol))
    return {path.name: path}


def macaque_averages(files):
    """Neurons 0 and 2, which have four repeats and saw everything."""
    (path,) = files.values()
    responses = pickle.loads(path.read_bytes())["responses"][:, :, [0, 2]]
    return {"original 1": np.nanmean(responses[:, 0], axis=0), "original 2": np.nanmean(responses[:, 5], axis=0)}


def macaque_images(files):
    (path,) = files.values()
    images = pickle.loads(path.read_bytes())["images"]
    return {"original 1": images[0], "original 2": images[5]}


# brainio


def write_stimulus_set(folder, stem, names, *, grey=False):
    shape = (5, 5, 1) if grey else (5, 5, 3)
    images = {
        f"im_{name}.png": np.broadcast_to(RNG.integers(0, 256, shape, dtype=np.uint8), (5, 5, 3)) for name in names
    }
    table, pictures = folder / f"{stem}.csv", folder / f"{stem}.zip"
    pd.DataFrame({"degrees": 8, "image_id": names, "filename": list(images)}).sample(frac=1, random_state=0).to_csv(
        table
    )
    with zipfile.ZipFile(pictures, "w") as archive:
        for name, image in images.items():
            stream = io.BytesIO()
            Image.fromarray(np.ascontiguousarray(image)).save(stream, format="PNG")
            archive.writestr(f"{stem}/{name}", stream.getvalue())
    return {table.name: table, pictures.name: pictures}


def write_objects(folder):
    """Neurons first, one bin of time, and uneven repeats."""
    names = np.array(["b3", "a1", "c2"])
    shown, variation = np.array([0, 1, 2, 0, 1, 0, 2]), np.array([3, 0, 3])
    dataset = xr.Dataset(
        {"dicarlo.MajajHong2015.public": (("neuroid", "presentation", "time_bin"), RNG.normal(size=(4, 7, 1)))},
        {
            "image_id": ("presentation", names[shown]),
            "repetition": ("presentation", np.array([0, 0, 0, 1, 1, 2, 1])),
            "variation": ("presentation", variation[shown]),
            "object_name": ("presentation", names[shown]),
            "neuroid_id": ("neuroid", np.array(["Chabo_1", "Chabo_2", "Tito_1", "Tito_2"])),
            "animal": ("neuroid", np.array(["Chabo", "Chabo", "Tito", "Tito"])),
            "region": ("neuroid", np.array(["IT", "V4", "IT", "IT"])),
            "time_bin_start": ("time_bin", [70]),
            "time_bin_end": ("time_bin", [170]),
        },
    )
    path = folder / "assy_dicarlo_MajajHong2015_public.nc"
    dataset.to_netcdf(path, engine="h5netcdf")
    return {path.name: path} | write_stimulus_set(folder, "image_dicarlo_hvm-public", names, grey=True)


def write_textures(folder):
    """Bins of time of 50 ms, whose ends lie outside the window for the first and the last."""
    names = np.array(["x9", "x1"])
    starts = np.arange(0, 300, 50)
    dataset = xr.Dataset(
        {"data": (("presentation", "neuroid", "time_bin"), RNG.poisson(2.0, (4, 3, 6)))},
        {
            "stimulus_id": ("presentation", names[[0, 1, 1, 0]]),
            "repetition": ("presentation", np.array([0, 0, 1, 1])),
            "texture_type": ("presentation", ["noise", "texture", "texture", "noise"]),
            "neuroid_id": ("neuroid", np.array([3, 7, 9])),
            "region": ("neuroid", np.array(["V1", "V1", "V2"])),
            "time_bin_start": ("time_bin", starts),
            "time_bin_end": ("time_bin", starts + 50),
        },
    )
    path = folder / "assy_movshon_FreemanZiemba2013_public.nc"
    dataset.to_netcdf(path, engine="h5netcdf")
    return {path.name: path} | write_stimulus_set(folder, "image_movshon_FreemanZiemba2013_aperture-public", names)


def _variable(file, name):
    return file[name].asstr()[()] if h5py.check_string_dtype(file[name].dtype) else file[name][()]


def objects_averages(files):
    with h5py.File(next(iter(files.values()))) as file:
        values = file["dicarlo.MajajHong2015.public"][()][[0, 2, 3], :, 0].T
        names = _variable(file, "image_id")
    return {name: values[names == name].mean(axis=0) for name in ("a1", "b3", "c2")}


def textures_averages(files):
    with h5py.File(next(iter(files.values()))) as file:
        values = file["data"][()][:, :2, 1:4].mean(axis=2)
        names = _variable(file, "stimulus_id")
    return {name: values[names == name].mean(axis=0) for name in ("x1", "x9")}


def set_images(files):
    _, table, pictures = files.values()
    own = pd.read_csv(table, dtype=str)
    with zipfile.ZipFile(pictures) as archive:
        every = {name.rpartition("/")[2]: np.array(Image.open(archive.open(name))) for name in archive.namelist()}
    return {
        row.image_id: image[..., 0] if (image == image[..., :1]).all() else image
        for row in own.itertuples()
        for image in [every[row.filename]]
    }


# kriegeskorte2008


def rdms():
    points = RNG.normal(size=(4, 2, 5, 12))
    return np.array([[1 - np.corrcoef(session) for session in subject] for subject in points]).astype(np.float32)


def write_human(folder):
    path = folder / "human_it_92.npz"
    np.savez(path, rdms=rdms(), subject=["BE", "KO", "SN", "TI"], session=[1, 2])
    return {path.name: path}


def write_human_mat(folder):
    """An array of structures of 1 x subjects x sessions."""
    stack = np.zeros((1, 4, 2), dtype=[("RDM", object), ("name", object)])
    for place, rdm in np.ndenumerate(np.empty((4, 2))):
        del rdm
        stack[0, *place] = (rdms()[place].astype(float), f"hIT | {place}")
    path = folder / "92_brainRDMs.mat"
    scipy.io.savemat(path, {"RDMs": stack})
    return {path.name: path}


def human_rdms(files):
    (path,) = files.values()
    if path.suffix == ".mat":
        stack = scipy.io.loadmat(path)["RDMs"]
        return np.array([[stack[0, i, j]["RDM"] for j in range(2)] for i in range(4)])
    return np.load(path)["rdms"]


MINIS = {
    "course": Mini(stringer2021.COLLECTION, None, write_course, course_averages),
    "gratings": Mini(
        stringer2021.COLLECTION, "gt1", write_gratings, gratings_averages, options={"components": "2"}, blanks=1
    ),
    "natural": Mini(
        stringer2019.COLLECTION,
        "M170714_MP032_2017-09-14",
        write_natural,
        natural_averages,
        natural_images,
        {"components": "3"},
        blanks=3,
    ),
    "natural, version 7.3": Mini(
        stringer2019.COLLECTION,
        "M170714_MP032_2017-09-14",
        write_natural_73,
        natural_averages,
        natural_images,
        {"components": "3"},
        blanks=3,
    ),
    "scan": Mini(sensorium2022.COLLECTION, "mouse3", write_scan, scan_averages, scan_images),
    "mouse": Mini(minimodel.COLLECTION, "FX20", write_mouse, mouse_averages, mouse_images, {"tiers": "all"}),
    "mouse, ragged": Mini(
        minimodel.COLLECTION,
        "FX20",
        lambda folder: write_mouse(folder, ragged=True),
        mouse_averages,
        mouse_images,
        {"tiers": "all"},
    ),
    "macaque": Mini(cadena2019.COLLECTION, None, write_macaque, macaque_averages, macaque_images),
    "objects": Mini(MAJAJ, None, write_objects, objects_averages, set_images),
    "textures": Mini(FREEMAN, None, write_textures, textures_averages, set_images),
}
RDMS = {
    "human": Mini(kriegeskorte2008.COLLECTION, None, write_human, human_rdms),
    "human, MATLAB": Mini(kriegeskorte2008.COLLECTION, None, write_human_mat, human_rdms),
}
