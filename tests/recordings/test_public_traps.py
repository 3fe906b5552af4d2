"""Files in the layout of public recordings that hold one trap each: it is refused, or said, and never read silently."""

import pickle
import zipfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import scipy.io
import xarray as xr
from public_files import (
    MAJAJ,
    NUMBERS,
    SHOWN,
    TIERS,
    fresh,
    natural,
    tree,
    write_course,
    write_gratings,
    write_macaque,
    write_mouse,
    write_natural,
    write_objects,
    write_scan,
)

from normenc.errors import InputError
from normenc.recordings import Collection, RemoteFile, load, register
from normenc.recordings.grey_values import as_shown
from normenc.recordings.public import (
    cadena2019,
    kriegeskorte2008,
    minimodel,
    registry,
    sensorium2022,
    stringer2019,
    stringer2021,
)
from normenc.recordings.public.names import parse

STATIC, DRIFTING = "gratings_static_GT1_2019_04_17_1", "gratings_drifting_GT1_2019_04_12_1"


@pytest.fixture(autouse=True)
def _same_numbers():
    fresh()


def mouse(folder, **changed):
    files = write_mouse(folder)
    path = files["FX20_nat60k_2023_09_29.npz"]
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **arrays | {name: change(arrays[name]) for name, change in changed.items()})
    return minimodel.COLLECTION.read(files, "FX20", {})


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"ss_all": lambda own: own.transpose(0, 2, 1)}, r"so 4 neurons, but xpos is of 5"),
        ({"istim_ss": lambda own: own * 0 + 8}, "holds the image 8 twice"),
        ({"ss_all": lambda own: own[:, :0]}, r"shape \(3, 0, 5\), and holds no response"),
        ({"ss_all": lambda own: own * np.nan}, "all of its 60 values are missing"),
        ({"ss_all": lambda own: np.float64(3)}, r"ss_all has shape \(\)"),
        ({"istim_ss": lambda own: own + 0.5}, "8.5, which is not the number of an image"),
    ],
)
def test_images_that_a_mouse_saw_several_times(changed, message, tmp_path):
    with pytest.raises(InputError, match=message):
        mouse(tmp_path, **changed)


def test_an_array_that_is_there_twice_is_not_chosen_from(tmp_path):
    files = write_mouse(tmp_path)
    with zipfile.ZipFile(files["FX20_nat60k_2023_09_29.npz"], "a") as archive:
        archive.writestr("ss_all", archive.read("ss_all.npy"))
    with pytest.raises(InputError, match="it holds 'ss_all' twice"):
        minimodel.COLLECTION.read(files, "FX20", {})


def gratings(folder, changed, **options):
    files = write_gratings(folder)
    (path,) = files.values()
    saved = np.load(path, allow_pickle=True).item()
    np.save(path, saved | changed)
    return stringer2021.COLLECTION.read(files, DRIFTING, options)


@pytest.mark.parametrize(
    ("changed", "options", "message"),
    [
        ({"sresp": np.ones((28, 28))}, {"processing": "none"}, "28 neurons, but mean_spont is of 7"),
        ({"std_spont": np.zeros(7)}, {}, "no neuron has spontaneous activity"),
        ({"u_spont": np.ones((7, 3))}, {"components": "2"}, "each must have length 1"),
        ({"u_spont": np.full((7, 3), np.nan)}, {"components": "2"}, "each must have length 1"),
        ({}, {"components": "٣"}, "must be a whole number"),
        ({}, {"components": "9" * 5000}, "must be a whole number"),
    ],
)
def test_sessions_of_gratings(changed, options, message, tmp_path):
    with pytest.raises(InputError, match=message):
        gratings(tmp_path, changed, **options)


def test_neurons_whose_spontaneous_activity_is_not_known_are_left_out_and_counted(tmp_path):
    spread = np.array([1, np.inf, 1, np.nan, 0, 1, 1.0])
    recording = gratings(tmp_path, {"std_spont": spread})
    assert recording.responses["neuron"].to_numpy().tolist() == ["0", "2", "5", "6"]
    assert "left out 3 of 7 neurons without spontaneous activity" in recording.steps


def photographs(folder, *, pictures=None, **changed):
    files = write_natural(folder)
    stim, images, _ = natural()
    path, stack = files.values()
    scipy.io.savemat(path, {"stim": stim | changed})
    scipy.io.savemat(stack, {"imgs": images if pictures is None else pictures})
    return stringer2019.COLLECTION.read(files, "M170714_MP032_2017-09-14", {"components": "0"})


def test_a_neuron_without_spontaneous_activity_does_not_outweigh_all_others(tmp_path):
    spontaneous = natural()[0]["spont"]
    spontaneous[:, 3] = 0
    recording = photographs(tmp_path, spont=spontaneous)
    assert recording.responses["neuron"].to_numpy().tolist() == ["0", "1", "2", "4", "5", "6", "7"]
    assert "left out 1 of 8 neurons without spontaneous activity" in recording.steps
    assert np.abs(recording.responses).max() < 100  # divided by 1e-6, it would be a million


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"spont": np.full((40, 8), np.nan)}, "stim.spont holds missing or infinite values"),
        ({"spont": np.zeros((0, 8))}, "or none at all"),
        ({"spont": np.ones((40, 8))}, "no neuron is left"),
        ({"resp": np.full((len(NUMBERS), 8), np.inf)}, "stim.resp holds infinite values"),
        ({"pictures": np.ones((7, 4, 4), complex)}, "images are of type complex128"),
        ({"pictures": np.full((7, 4, 4), 1000.0)}, r"images_natimg2800_all\.mat: all images hold 1000"),
    ],
)
def test_sessions_of_natural_images(changed, message, tmp_path):
    with pytest.raises(InputError, match=message):
        photographs(tmp_path, **changed)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int16])
def test_images_of_0_and_1_are_black_and_white_and_not_all_black(dtype):
    images = np.array([[[0, 1], [1, 0]]], dtype)
    shown, notes = as_shown(images, [0])
    np.testing.assert_array_equal(shown, images.astype(float))
    assert shown.dtype.kind == "f"
    assert "0 and 1" in notes[0]


def scan(folder, **changed):
    arrays = tree()
    for name, own in changed.items():
        arrays[name.replace("__", "/")] = own
    files = write_scan(folder, {name: own for name, own in arrays.items() if own is not None})
    return sensorium2022.COLLECTION.read(files, "mouse3", {})


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"meta__trials__frame_image_id": np.where(np.arange(12) == 3, np.nan, SHOWN)}, "says nan of trial 3"),
        ({"meta__trials__frame_image_id": np.where(np.arange(12) == 3, 0.5, SHOWN)}, "says 0.5 of trial 3"),
        ({"meta__trials__frame_image_id": np.where(np.arange(12) == 3, -1, SHOWN)}, "says -1 of trial 3"),
        ({"meta__trials__trial_idx": np.arange(12).astype(str)}, "no numbers of trials"),
        ({"meta__trials__trial_idx": np.full(12, np.nan)}, "no numbers of trials"),
        ({"data__responses__3": np.array(["1", "2", "3"])}, "trial 3 are of type <U1"),
        ({"data__responses__3": np.array([1j, 2, 3])}, "trial 3 are of type complex128"),
        ({"data__images__3": np.full((1, 4, 6), "a")}, "they must be numbers"),
        ({"meta__neurons__area": np.array(["V1", "V1"])}, "area.npy names 2 neurons, but responses are of 3"),
        (
            {
                "meta__trials__tiers": TIERS[:-1],
                "meta__trials__frame_image_id": SHOWN[:-1],
                "meta__trials__trial_idx": None,
            },
            "data/responses is of 12 trials, meta/trials/tiers.npy of 11",
        ),
    ],
)
def test_scans(changed, message, tmp_path):
    with pytest.raises(InputError, match=message):
        scan(tmp_path, **changed)


def test_a_tier_that_is_asked_for_twice_is_counted_once(tmp_path):
    files = write_scan(tmp_path)
    recording = sensorium2022.COLLECTION.read(files, "mouse3", {"tiers": "test,test"})
    assert recording.steps[0] == "kept 6 of 12 trials (test)"


def assembly(folder, change):
    files = write_objects(folder)
    path, table, pictures = files.values()
    with xr.open_dataset(path) as dataset:
        own = dataset.load()
    own = change(own, table, pictures)
    if own is not None:
        own.to_netcdf(path, engine="h5netcdf")
    return lambda **options: MAJAJ.read(files, None, options)


def _two_rows(_, table, __):
    rows = pd.read_csv(table)
    pd.concat([rows, rows.iloc[[0]].assign(filename=rows["filename"].iloc[1])]).to_csv(table, index=False)


def _two_images(_, __, pictures):
    with zipfile.ZipFile(pictures, "a") as archive:
        first, second, *_ = archive.namelist()
        archive.writestr(f"more/{first.rpartition('/')[2]}", archive.read(second))


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (_two_rows, {}, "it says of .* both"),
        (_two_images, {}, "two different images called im_"),
        (lambda own, *_: own.squeeze("time_bin"), {"window": "0,50"}, "have no axis of time: they are those of 70,170"),
        (
            lambda own, *_: own.assign_coords(time_bin_start=("time_bin", [170]), time_bin_end=("time_bin", [70])),
            {},
            "ends before it begins",
        ),
    ],
)
def test_assemblies(change, options, message, tmp_path):
    read = assembly(tmp_path, change)
    with pytest.raises(InputError, match=message):
        read(**options)


@pytest.mark.parametrize("name", ["subject", "session"])
def test_rdms_of_one_subject_are_not_taken_for_those_of_two(name, tmp_path):
    labels = {"subject": np.array(["a", "b"]), "session": np.array([1.0, 2.0])}
    rdms = np.ones((2, 2, 4, 4)) - np.eye(4)
    path = tmp_path / "human.npz"
    np.savez(path, rdms=rdms, **labels)
    read = lambda **options: kriegeskorte2008.COLLECTION.read({path.name: path}, None, options)  # noqa: E731
    assert read(session="2").sessions == ("2",)  # numbers may be stored as floats
    np.savez(path, rdms=rdms, **labels | {name: labels[name][[0, 0]]})
    with pytest.raises(InputError, match=f"{name} holds a label twice"):
        read()


# names, and own copies


def test_an_own_copy_of_another_session_is_refused(tmp_path):
    write_gratings(tmp_path, STATIC)
    with pytest.raises(InputError, match=rf"this is the file of stringer2021/{STATIC} by its name, and not of"):
        load(f"stringer2021/gt1?from={tmp_path / STATIC}.npy")
    assert load(f"stringer2021/gt1-static?from={tmp_path / STATIC}.npy").kind == "orientation"
    (tmp_path / f"{STATIC}.npy").rename(tmp_path / "mine.npy")
    assert load(f"stringer2021/gt1-static?from={tmp_path / 'mine'}.npy").kind == "orientation"


def test_a_folder_holds_one_file_by_its_name_as_it_does_several(tmp_path):
    write_course(tmp_path)
    assert load(f"stringer2021?from={tmp_path}").n_neurons == 5
    with pytest.raises(InputError, match=r"gratings_drifting_GT1_2019_04_12_1\.npy: there is no such file"):
        load(f"stringer2021/gt1?from={tmp_path}")


def test_a_file_is_not_given_for_a_recording_that_has_none():
    with pytest.raises(InputError, match="simulated-v1 has no file that from= could stand for"):
        parse("simulated-v1?from=/data/mine.npz")


def test_missing_responses_are_left_out_by_an_option_of_the_name(tmp_path):
    files = write_natural(tmp_path)
    assert len(files) == 2
    with pytest.raises(InputError, match=r"\(\?missing=neurons\) or the 1 trials \(\?missing=trials\)"):
        load(f"stringer2019/M170714_MP032_2017-09-14?processing=none&from={tmp_path}")


def test_what_a_reader_did_not_foresee_is_told_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "_registered", {})

    def read(files, session, options):
        raise KeyError("sp")

    toy = replace(
        stringer2021.COLLECTION, name="toy", read=read, files=lambda session: (RemoteFile("a.npz", "https://a"),)
    )
    assert isinstance(toy, Collection)
    register(replace(toy, as_file=()))
    (tmp_path / "a.npz").write_bytes(b"")
    with pytest.raises(InputError, match=r"toy: its files are not of the published layout.*KeyError"):
        load(f"toy?from={tmp_path / 'a.npz'}")


def test_responses_in_ragged_lists_are_told_in_one_line(tmp_path):
    (path,) = write_macaque(tmp_path).values()
    saved = pickle.loads(path.read_bytes())
    path.write_bytes(pickle.dumps(saved | {"responses": [[1.0], [1.0, 2.0]]}))
    assert cadena2019.COLLECTION.name == "cadena2019"
    with pytest.raises(InputError, match="cadena2019: its files are not of the published layout"):
        load(f"cadena2019?from={path}")


def test_labels_of_neurons_of_another_number_are_refused(tmp_path):
    (path,) = write_macaque(tmp_path).values()
    saved = pickle.loads(path.read_bytes())
    path.write_bytes(pickle.dumps(saved | {"session_id": saved["session_id"][:-1]}))
    with pytest.raises(InputError, match=r"session_id is of .* neurons, but responses are of"):
        load(f"cadena2019?from={path}")


def test_an_array_with_bytes_too_many_is_refused(tmp_path):
    files = write_mouse(tmp_path)
    path = files["FX20_nat60k_2023_09_29.npz"]
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["ss_all.npy"] += bytes(8)
    with zipfile.ZipFile(path, "w") as archive:
        for name, own in members.items():
            archive.writestr(name, own)
    with pytest.raises(InputError, match="ss_all holds more bytes than its shape says"):
        minimodel.COLLECTION.read(files, "FX20", {})


@pytest.mark.parametrize("name", ["allen-2p/٣٤", "allen-neuropixels/٣٤"])
def test_digits_of_other_scripts_are_no_session(name):
    with pytest.raises(InputError, match="give the number of"):
        parse(name)
