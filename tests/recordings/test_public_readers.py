"""Readers of public recordings, on miniature files in exactly their layouts, against independent readings."""

import pickle
import re
import shutil
import zipfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import scipy.io
import xarray as xr
from public_files import (
    FREEMAN,
    MAJAJ,
    MINIS,
    RDMS,
    SHOWN,
    TIERS,
    fresh,
    gratings_rows,
    human_rdms,
    natural_parts,
    scan_arrays,
    tree,
    write_gratings,
    write_macaque,
    write_objects,
    write_scan,
    write_textures,
)

from normenc.errors import InputError
from normenc.recordings import load
from normenc.recordings.grey_values import as_shown
from normenc.recordings.preparation import Preparation
from normenc.recordings.public import cadena2019, kriegeskorte2008, minimodel, sensorium2022, stringer2019, stringer2021
from normenc.recordings.public.stringer2021 import course


@pytest.fixture(autouse=True)
def same_numbers():
    fresh()


EVERY = MINIS | RDMS
COLLECTIONS = {mini.collection.name: mini.collection for mini in EVERY.values()}


@pytest.fixture(params=EVERY, ids=str)
def mini(request):
    return EVERY[request.param]


def test_averages_are_those_of_an_independent_reading(mini, tmp_path):
    files = mini.write(tmp_path)
    recording = mini.read(files)
    if mini in RDMS.values():
        expected = human_rdms(files).reshape(8, 5, 5)
        np.testing.assert_allclose(recording.rdms, expected, rtol=1e-6)
        return
    expected = mini.averages(files)
    assert recording.n_stimuli == len(expected)
    for stimulus, row in zip(recording.stimulus.tolist(), recording.responses.to_numpy(), strict=True):
        own = stimulus if isinstance(stimulus, str) else min(expected, key=lambda angle: abs(angle - stimulus))
        np.testing.assert_allclose(row, expected[own], rtol=2e-5, atol=2e-6)
    if recording.trials is not None:
        index = recording.trials["stimulus_index"].to_numpy()
        means = [recording.trials.to_numpy()[index == place].mean(axis=0) for place in range(recording.n_stimuli)]
        np.testing.assert_allclose(recording.responses, means, rtol=1e-5, atol=1e-6)
    assert (0 if recording.blanks is None else len(recording.blanks)) == mini.blanks


def test_every_image_is_the_one_that_was_shown(mini, tmp_path):
    files = mini.write(tmp_path)
    recording = mini.read(files)
    if mini.images is None:
        assert recording.images is None
        return
    expected = mini.images(files)
    images = np.asarray(recording.images)
    assert images.dtype == np.uint8
    for name, image in zip(recording.stimulus.tolist(), images, strict=True):
        np.testing.assert_array_equal(image, expected[name])
    assert mini.read(files, images="no").images is None
    only = {name: path for name, path in files.items() if name == next(iter(files))}
    np.testing.assert_array_equal(mini.read(only, images="no").responses, recording.responses)


def test_facts_are_known_of_every_recording(mini, tmp_path):
    recording = mini.read(mini.write(tmp_path))
    for fact in ("species", "area", "units", "source", "citation", "licence"):
        assert getattr(recording, fact) not in ("", "not stated"), fact
    assert recording.citation == mini.collection.citation
    assert recording.species in ("mouse", "macaque", "human")
    assert recording.read_as
    assert not recording.simulated
    assert mini.collection.what
    assert mini.collection.processing
    assert mini.collection.met == (mini.collection.name == "kriegeskorte2008")
    if recording.trials is not None:
        assert recording.trials.attrs["units"] == recording.units


def test_unknown_options_are_refused_by_name(mini, tmp_path):
    files = mini.write(tmp_path)
    with pytest.raises(InputError, match=f"{mini.collection.name} has no option 'colour'"):
        mini.read(files, colour="red")
    for name, option in mini.collection.options.items():
        if (allowed := vars(option)["values"]) is not None:
            with pytest.raises(InputError, match=f"{name} is 'nonsense'; it can be {allowed[0]}"):
                mini.read(files, **{name: "nonsense"})


def other(path):
    """Put a file of another layout in the place of a file."""
    if path.suffix == ".npz":
        np.savez(path, F=np.zeros((4, 5)))
    elif path.suffix == ".npy":
        np.save(path, {"F": np.zeros((4, 5))})
    elif path.suffix == ".mat":
        scipy.io.savemat(path, {"F": np.zeros((4, 5))})
    elif path.suffix == ".nc":
        xr.Dataset({"F": (("a", "b"), np.zeros((4, 5)))}).to_netcdf(path, engine="h5netcdf")
    elif path.suffix == ".pkl":
        path.write_bytes(pickle.dumps({"F": np.zeros((4, 5))}))
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("F.txt", "nothing")
    else:
        path.write_text("F\n1\n")


def cut(path):
    """Keep half of a file."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("damage", [other, cut])
def test_other_and_truncated_files_are_refused_by_the_name_of_the_file(mini, damage, tmp_path):
    files = mini.write(tmp_path)
    for path in files.values():
        whole = path.read_bytes()
        damage(path)
        with pytest.raises(InputError, match=re.escape(str(path))) as refused:
            mini.read(files)
        assert len(str(refused.value)) < 700
        path.write_bytes(whole)
    mini.read(files)


def test_a_file_that_is_not_there_is_named(mini, tmp_path):
    files = mini.write(tmp_path)
    with pytest.raises(InputError, match="is not among no files"):
        mini.read({})
    first = next(iter(files.values()))
    first.unlink()
    with pytest.raises(InputError, match="there is no such file; fetch the recording again"):
        mini.read(files)


@pytest.mark.parametrize("name", COLLECTIONS)
def test_files_have_places_and_unknown_sessions_are_refused(name):
    collection = COLLECTIONS[name]
    for session in collection.sessions or (None,):
        files = collection.files(session)
        assert len({file.name for file in files}) == len(files)
        for file in files:
            assert re.match(r"https://|dandi:|figshare:\d+/|osf:|gin:\w+/|zenodo:", file.place)
            assert file.checksum is None or re.fullmatch("md5:[0-9a-f]{32}|sha1:[0-9a-f]{40}", file.checksum)
    with pytest.raises(InputError, match=name):
        collection.files("no such session")


def test_sessions_need_not_be_spelled_as_published():
    (first, second) = minimodel.COLLECTION.files("fx20")
    assert (first.name, second.name) == ("FX20_nat60k_2023_09_29.npz", "nat60k_text16.mat")
    assert sensorium2022.COLLECTION.files("21067-10-18") == sensorium2022.COLLECTION.files("mouse3")
    own = "natimg2800_M170717_MP034_2017-09-11"
    assert stringer2019.COLLECTION.files(own) == stringer2019.COLLECTION.files(own.removeprefix("natimg2800_"))
    (static,) = stringer2021.COLLECTION.files("static_sin_rand_TX36_2019_10_21_1")
    assert static.place == "figshare:8279387/static_sin_rand_TX36_2019_10_21_1.npy"
    assert stringer2021.COLLECTION.files("GT1")[0].name == "gratings_drifting_GT1_2019_04_12_1.npy"
    with pytest.raises(InputError, match=r"minimodel holds several recordings; there are FX8.*minimodel/FX8"):
        minimodel.COLLECTION.files(None)


# stringer2021


def test_the_course_file_heeds_its_own_bins(tmp_path):
    (path,) = MINIS["course"].write(tmp_path).values()
    binned = load(path, bin_width=90).responses
    np.testing.assert_array_equal(course(path, Preparation(bin_width=90)).recording().responses, binned)


def test_each_step_of_gratings_is_written_down_and_can_be_left_out(tmp_path):
    files = write_gratings(tmp_path)
    mini = MINIS["gratings"]
    steps = "; ".join(mini.read(files).steps)
    for part in (
        "first 25 of 28 trials",
        "left out 1 of 7 neurons without spontaneous activity",
        "mean and standard deviation of its spontaneous activity",
        "took out the first 2 components",
        "z-scored each neuron over trials",
        "left out 1 of 25 trials without a stimulus",
    ):
        assert part in steps
    raw = mini.read(files, processing="none", components="0")
    saved = np.load(*files.values(), allow_pickle=True).item()
    np.testing.assert_array_equal(raw.trials, saved["sresp"].T[:24])
    assert raw.units == "deconvolved fluorescence, arbitrary units"
    assert "spontaneous" not in "; ".join(raw.steps)
    with pytest.raises(InputError, match="use processing=published"):
        mini.read(files, processing="none")
    with pytest.raises(InputError, match="components is 9, but the file has 3"):
        mini.read(files, components="9")
    assert mini.read(files).responses["neuron"].to_numpy().tolist() == ["0", "1", "2", "3", "5", "6"]


def test_static_gratings_have_orientations_of_which_0_is_vertical(tmp_path):
    stem = "gratings_static_GT1_2019_04_17_1"
    files = write_gratings(tmp_path, stem)
    recording = replace(MINIS["gratings"], session=stem).read(files)
    assert recording.kind == "orientation"
    np.testing.assert_allclose(recording.stimulus, [-90, -30, 30], atol=1e-4)
    angles, rows = gratings_rows(files, 2)
    at_vertical = np.isclose(angles, 90, atol=1e-3) | np.isclose(angles, 270, atol=1e-3)
    np.testing.assert_allclose(recording.responses[0], rows[at_vertical].mean(axis=0), rtol=1e-4, atol=1e-5)
    assert recording.animals == ("GT1",)
    assert any("no public code says which angle is vertical" in note for note in recording.notes)


def test_angles_in_degrees_are_refused(tmp_path):
    files = write_gratings(tmp_path)
    (path,) = files.values()
    saved = np.load(path, allow_pickle=True).item()
    np.save(path, saved | {"istim": np.degrees(saved["istim"])})
    with pytest.raises(InputError, match=r"istim runs from 0 to 300; it must be radians from 0 to 2 pi"):
        MINIS["gratings"].read(files)


# stringer2019


def test_each_step_of_natural_images_is_written_down_and_can_be_left_out(tmp_path):
    mini = MINIS["natural"]
    files = mini.write(tmp_path)
    recording = mini.read(files)
    steps = "; ".join(recording.steps)
    for part in (
        "left out 1 of 8 neurons that are labelled red",
        "set 1 of",
        "z-scored each neuron by the mean and standard deviation of its spontaneous activity",
        "took out the first 3 components",
        "subtracted each neuron's mean over presentations of images",
        "left out 1 of 4 images that were shown once",
    ):
        assert part in steps
    assert recording.n_repeats == (2, 3)
    assert any(
        "image 5, the last, is a grey screen: its 3 presentations are blanks" in note for note in recording.notes
    )
    raw = mini.read(files, processing="none", missing="trials")
    responses, numbers, *_ = natural_parts(files)
    np.testing.assert_allclose(raw.responses[0], responses[numbers == 1].mean(axis=0), rtol=1e-6)
    assert raw.n_neurons == 8
    with pytest.raises(InputError, match="are missing"):
        mini.read(files, processing="none")
    with pytest.raises(InputError, match="components is 32, but spontaneous activity of 40 times and 7 neurons"):
        mini.read(files, components="32")


def test_images_of_another_session_are_refused(tmp_path):
    mini = MINIS["natural"]
    files = mini.write(tmp_path)
    scipy.io.savemat(files["images_natimg2800_all.mat"], {"imgs": np.zeros((5, 7, 5), np.uint8)})
    with pytest.raises(InputError, match=r"istim runs to 5, but there are 5 images, so that the grey screen is not 6"):
        mini.read(files)
    assert mini.read(files, images="no").n_stimuli == 3


# sensorium2022


def test_tiers_can_be_chosen_and_repeats_are_trials(tmp_path):
    mini = MINIS["scan"]
    files = write_scan(tmp_path)
    test = mini.read(files, tiers="test")
    assert test.stimulus.tolist() == ["009", "010"]
    assert test.n_repeats == (3, 3)
    assert sorted(test.trials["repeat"].to_numpy().tolist()) == [0, 0, 1, 1, 2, 2]
    arrays = scan_arrays(files)
    order = arrays["meta/trials/trial_idx"]
    first = min(np.flatnonzero(SHOWN == 9), key=lambda trial: order[trial])
    own = test.trials[(test.trials["image"] == "009") & (test.trials["repeat"] == 0)]
    np.testing.assert_allclose(own[0], arrays[f"data/responses/{first}"], rtol=1e-6)
    assert test.responses["neuron"].to_numpy().tolist() == ["11", "5", "8"]
    assert test.responses["region"].to_numpy().tolist() == ["V1", "LM", "V1"]
    assert mini.read(files, tiers="train, validation").n_stimuli == 6
    with pytest.raises(InputError, match=r"no tier 'oracle'; the tiers are test \(6 trials\), train"):
        mini.read(files, tiers="oracle")


def test_withheld_responses_are_refused_by_name(tmp_path):
    mini = MINIS["scan"]
    files = write_scan(tmp_path, tree(withheld=("test",)))
    with pytest.raises(InputError, match="the responses of test are withheld: all are zero"):
        mini.read(files, tiers="test")
    with pytest.raises(InputError, match="the responses of test are withheld"):
        mini.read(files, tiers="train,test")
    every = mini.read(files)
    assert every.n_stimuli == 6
    assert "left out test, whose responses are withheld (all zero)" in every.notes


def test_trials_of_one_image_must_show_the_same(tmp_path):
    arrays = tree()
    arrays["data/images/9"] = arrays["data/images/9"] + 1
    with pytest.raises(InputError, match="are said to show image 010, but their images differ"):
        MINIS["scan"].read(write_scan(tmp_path, arrays, top=""))
    shutil.unpack_archive(tmp_path / f"static21067-10-18-{sensorium2022.HASH}.zip", tmp_path / "mine")
    with pytest.raises(InputError, match="are said to show image 010, but their images differ"):
        load(tmp_path / "mine")


def test_colours_are_kept_and_two_channels_refused(tmp_path):
    arrays = tree()
    for trial in range(len(SHOWN)):
        image = arrays[f"data/images/{trial}"]
        arrays[f"data/images/{trial}"] = np.concatenate([image, 255 - image, image * 0])
    recording = MINIS["scan"].read(write_scan(tmp_path, arrays, top=""))
    assert recording.images.shape == (8, 4, 6, 3)
    trial = np.flatnonzero(int(recording.stimulus[0]) == SHOWN)[0]
    np.testing.assert_array_equal(recording.images[0], np.moveaxis(arrays[f"data/images/{trial}"], 0, 2))
    shutil.unpack_archive(tmp_path / f"static21067-10-18-{sensorium2022.HASH}.zip", tmp_path / "colour")
    np.testing.assert_array_equal(np.asarray(load(tmp_path / "colour").images), recording.images)
    for trial in range(len(SHOWN)):
        arrays[f"data/images/{trial}"] = arrays[f"data/images/{trial}"][:2]
    files = write_scan(tmp_path, arrays, top="")
    with pytest.raises(InputError, match=r"has shape \(2, 4, 6\), not 1 or 3 channels .*pass images=no"):
        MINIS["scan"].read(files)
    assert MINIS["scan"].read(files, images="no").images is None
    shutil.unpack_archive(*files.values(), tmp_path / "mine")
    folder = load(tmp_path / "mine")
    assert folder.images is None
    assert re.match(r"the images were left out: the image of trial \d+ has shape \(2, 4, 6\)", folder.notes[0])


def test_classes_of_images_are_part_of_their_names(tmp_path):
    arrays = tree() | {"meta/trials/frame_image_class": np.where(TIERS == "test", "imagenet", "gabor")}
    recording = MINIS["scan"].read(write_scan(tmp_path, arrays))
    assert recording.stimulus.tolist()[:2] == ["gabor/002", "gabor/003"]
    assert recording.stimulus.tolist()[-1] == "imagenet/010"


def test_any_folder_of_this_layout_is_read(tmp_path):
    mini = MINIS["scan"]
    arrays = tree(withheld=("validation",))
    files = write_scan(tmp_path, arrays, top="")
    shutil.unpack_archive(*files.values(), tmp_path / "mine")
    recording = load(tmp_path / "mine", where={"tier": "test"})
    expected = mini.read(files, tiers="test")
    np.testing.assert_array_equal(recording.responses, expected.responses)
    np.testing.assert_array_equal(np.asarray(recording.images), np.asarray(expected.images))
    assert recording.stimulus.tolist() == expected.stimulus.tolist()
    assert recording.notes == ("left out the tier validation, whose responses are withheld (all zero)",)
    assert recording.responses["region"].to_numpy().tolist() == ["V1", "LM", "V1"]
    with pytest.raises(InputError, match="validation"):
        load(tmp_path / "mine", where={"tier": "validation"})
    (tmp_path / "mine/data/responses/3.npy").unlink()
    with pytest.raises(InputError, match=r"data/responses/3\.npy is not there"):
        load(tmp_path / "mine")


# minimodel


@pytest.mark.parametrize("name", ["mouse", "mouse, ragged"])
def test_uneven_repeats_stay_trials(name, tmp_path):
    mini = MINIS[name]
    recording = mini.read(mini.write(tmp_path), tiers="test")
    counts = np.bincount(recording.trials["stimulus_index"].to_numpy())
    assert dict(zip(recording.stimulus.tolist(), counts.tolist(), strict=True)) == (
        {"00008": 4, "00000": 3, "00005": 3} if name == "mouse" else {"00008": 4, "00000": 2, "00005": 3}
    )
    assert any("left out 2 of 12 repeats that hold no response" in note for note in recording.notes) == (
        name == "mouse"
    )
    train = mini.read(mini.write(tmp_path), tiers="train")
    assert train.trials is None
    assert train.n_stimuli == 6


def test_images_beyond_the_file_of_images_are_refused(tmp_path):
    mini = MINIS["mouse"]
    files = mini.write(tmp_path)
    scipy.io.savemat(files["nat60k_text16.mat"], {"img": np.zeros((4, 6, 11), np.uint8)})
    with pytest.raises(InputError, match="trials show images up to number 11"):
        mini.read(files)


# cadena2019


def test_neurons_of_fewer_repeats_are_chosen_by_option(tmp_path):
    mini = MINIS["macaque"]
    files = write_macaque(tmp_path)
    four = mini.read(files)
    assert four.n_neurons == 2
    assert four.n_repeats == (3, 4)  # the first photograph lacks its fourth
    assert four.responses["neuron"].to_numpy().tolist() == ["1/1", "1/2"]
    assert four.responses["neuron_animal"].to_numpy().tolist() == ["31", "31"]
    two = mini.read(files, repeats="2", type="all")
    assert (two.n_neurons, two.n_stimuli, two.n_repeats) == (4, 10, (2, 2))
    trials = mini.read(files, repeats="2", type="all", missing="trials")
    assert (trials.n_neurons, trials.n_stimuli) == (5, 9)  # the photograph that a neuron did not see is left out
    assert len(trials.images) == 9
    with pytest.raises(InputError, match="are missing"):
        mini.read(files, repeats="2", type="all", missing="error")
    assert "BY-NC-ND" in four.licence
    assert cadena2019.COLLECTION.restricted


# brainio


def test_windows_average_the_bins_that_lie_within_them(tmp_path):
    files = write_textures(tmp_path)
    read = lambda **options: FREEMAN.read(files, None, options)  # noqa: E731
    assert "averaged over 3 of 6 bins of time within 50 to 200 ms" in read().steps
    with xr.open_dataset(next(iter(files.values()))) as dataset:
        values = dataset["data"].to_numpy()[:, :2, :2].mean(axis=2)
    np.testing.assert_allclose(read(window="0,100").responses[0], values[1:3].mean(axis=0))
    with pytest.raises(InputError, match="no bin of time lies within 10,40 ms; bins run from 0 to 300 ms, each of 50"):
        read(window="10,40")
    with pytest.raises(InputError, match="window is '50'; it must be two numbers"):
        read(window="50")
    assert (read(region="V2").n_neurons, read(region="all").n_neurons) == (1, 3)
    assert read(region="V2").area == "V2"


def test_objects_are_chosen_by_region_and_variation(tmp_path):
    files = write_objects(tmp_path)
    read = lambda **options: MAJAJ.read(files, None, options)  # noqa: E731
    assert read().n_repeats == (2, 3)
    assert read().animals == ("Chabo", "Tito")
    assert read(variation="3").stimulus.tolist() == ["b3", "c2"]
    assert read(region="V4").responses["neuron"].to_numpy().tolist() == ["Chabo_2"]
    assert read(region="all").n_neurons == 4
    with pytest.raises(InputError, match="all trials show one stimulus"):
        read(variation="0")


def test_what_the_assembly_does_not_say_of_images_is_in_their_table(tmp_path):
    files = write_objects(tmp_path)
    path, table, _ = files.values()
    with xr.open_dataset(path) as dataset:
        bare = dataset.drop_vars("variation").load()
    bare.to_netcdf(path, engine="h5netcdf")
    with pytest.raises(InputError, match="variation is not there"):
        MAJAJ.read(files, None, {"variation": "3"})
    rows = pd.read_csv(table).assign(variation=lambda rows: np.where(rows["image_id"] == "a1", 0, 3))
    rows.to_csv(table, index=False)
    assert MAJAJ.read(files, None, {"variation": "3"}).stimulus.tolist() == ["b3", "c2"]
    rows[rows["image_id"] != "c2"].to_csv(table, index=False)
    with pytest.raises(InputError, match="1 images that were shown are not in it, the first is 'c2'"):
        MAJAJ.read(files, None, {})


def test_numbers_of_images_may_be_texts(tmp_path):
    arrays = tree()
    arrays["meta/trials/frame_image_id"] = SHOWN.astype(float)
    floats = MINIS["scan"].read(write_scan(tmp_path, arrays))
    arrays["meta/trials/frame_image_id"] = SHOWN.astype(str)
    texts = MINIS["scan"].read(write_scan(tmp_path, arrays))
    assert floats.stimulus.tolist() == texts.stimulus.tolist() == sorted({f"{number:03d}" for number in SHOWN})
    np.testing.assert_array_equal(floats.responses, texts.responses)


# kriegeskorte2008


def test_the_real_rdms_are_read_as_by_their_names(shared_data):
    path = shared_data / "human_it_92.npz"
    recording = kriegeskorte2008.COLLECTION.read({path.name: path}, None, {})
    own = load(path, names={"rdm": "rdms"})
    np.testing.assert_array_equal(recording.rdms, own.rdms)
    assert recording.animals == own.animals
    assert recording.sessions == own.sessions
    assert recording.stimulus.tolist() == own.stimulus.tolist()
    second = kriegeskorte2008.COLLECTION.read({path.name: path}, None, {"session": "2"})
    np.testing.assert_array_equal(second.rdms, np.load(path)["rdms"][:, 1])
    assert second.whose == "subjects"


# grey values


@pytest.mark.parametrize(
    ("images", "expected", "said"),
    [
        (np.array([[[0.0, 1.0]]]), [[[0.0, 1.0]]], None),
        (np.array([[[0.0, 254.0]]]), [[[0, 254]]], None),
        (np.array([[[0.4, 254.6]]]), [[[0, 255]]], "rounded to whole numbers"),
        (np.array([[[-2.0, 0.0, 2.0]]]), [[[0, 128, 255]]], "values from -2 to 2; they are shown from black"),
        (np.array([[[7, 300]]]), [[[0, 255]]], "values from 7 to 300"),
    ],
)
def test_grey_values_become_bytes_and_what_changed_is_said(images, expected, said):
    shown, notes = as_shown(images, [0])
    np.testing.assert_array_equal(shown, np.array(expected, np.float32))
    assert (said is None) == (not notes)
    assert said is None or said in notes[0]
    with pytest.raises(InputError, match="NaN or infinity"):
        as_shown(np.array([[[np.nan, 1.0]]]), [0])
