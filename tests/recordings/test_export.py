"""Recordings and RDMs written to files, and read back."""

import os
import zipfile
from dataclasses import replace
from pathlib import Path
from pkgutil import resolve_name

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from normenc.errors import InputError
from normenc.recordings import Recording, load, z_score
from normenc.recordings.export import save, save_rdm
from normenc.rsa import rdm

RNG = np.random.default_rng(0)
TRIALS = RNG.normal(size=(12, 5))
DEGREES = np.tile([135.0, 0, 45, 90], 3)
FACTS = {"species": "Mus musculus", "area": "V1", "units": "spikes/s", "source": "lab", "citation": "A & B, 2020"}


@pytest.fixture(params=[".npz", ".nc", ".h5", ".hdf5", ".zarr", ".nwb", ".csv"])
def suffix(request):
    needed = {".nwb": "pynwb", ".zarr": "zarr"}.get(request.param)
    if needed is not None:
        pytest.importorskip(needed)
    return request.param


def oriented():
    return Recording.from_trials(
        "gratings",
        TRIALS.astype(np.float32),
        DEGREES,
        trials={
            "animal": np.repeat(["b", "a", "b"], 4),
            "session": np.repeat(["3", "3", "4"], 4),
            "repeat": np.repeat([0, 1, 2], 4),
        },
        neurons={
            "neuron": ["a 1", "b,2", "c", "ö", "ü"],
            "region": ["V1", "V1", "LM", "V1", "LM"],
            "quality": np.arange(5) / 7,
        },
        licence="CC0",
        **FACTS,
    )


def directed():
    return Recording.from_responses("drifting", TRIALS[:8], direction=np.arange(8) * 45.0, units="dF/F", area="LM")


def in_colour():
    images = RNG.integers(0, 256, (4, 6, 5, 3), dtype=np.uint8)
    return Recording.from_trials("coloured", TRIALS, image=np.tile(["dog", "ape", "cup", "é"], 3), images=images)


def of_images():
    images = RNG.random((4, 6, 5)).astype(np.float32)
    return Recording.from_trials("pictures", TRIALS, image=np.tile(["dog", "ape", "cup", "é"], 3), images=images)


def labels_of(array, dimension):
    return {name: coord.to_numpy().tolist() for name, coord in array.coords.items() if coord.dims == (dimension,)}


def assert_same(found, wanted, *, named=False, rtol=0.0):
    """Equal in every label, fact and number; with `named` but for neurons that have got numbers for names."""
    for name in ("kind", "species", "area", "units", "source", "citation", "licence", "simulated"):
        assert getattr(found, name) == getattr(wanted, name), name
    np.testing.assert_array_equal(found.stimulus, wanted.stimulus)
    np.testing.assert_array_equal(found.images, wanted.images)
    for name in ("responses", "trials"):
        one, other = getattr(found, name), getattr(wanted, name)
        assert (one is None) == (other is None)
        if other is None:
            continue
        # A table's numbers are float64, and so are the averages of what was float32.
        np.testing.assert_allclose(one, other, rtol=1e-6 if name == "responses" and rtol else rtol)
        assert one.attrs == other.attrs
        for dimension in other.dims:
            labels, there = labels_of(other, dimension), labels_of(one, dimension)
            if named and dimension == "neuron" and "neuron" not in labels:
                assert there.pop("neuron") == [str(number) for number in range(other.sizes["neuron"])]
            assert there == labels


@pytest.mark.parametrize("make", [oriented, directed, of_images, in_colour])
def test_what_is_saved_is_loaded_again(tmp_path, suffix, make):
    recording = make()
    if suffix == ".csv":
        recording = replace(recording, images=None)
    save(recording, tmp_path / f"again{suffix}")
    found = load(tmp_path / f"again{suffix}")
    assert_same(found, recording, named=suffix == ".csv", rtol=1e-15 if suffix == ".csv" else 0)
    if suffix != ".csv":
        assert found.responses.dtype == recording.responses.dtype
    assert [path.name for path in tmp_path.iterdir()] == [f"again{suffix}"]


def test_simulated_stays_simulated(tmp_path, suffix):
    save(replace(directed(), simulated=True), tmp_path / f"toy{suffix}")
    assert load(tmp_path / f"toy{suffix}").label == "toy (simulated)"


def test_a_table_has_one_row_for_each_trial_and_neuron(tmp_path):
    save(replace(oriented(), simulated=True), tmp_path / "toy.csv")
    table = pd.read_csv(tmp_path / "toy.csv")
    assert len(table) == 60
    row = table[(table["trial"] == 7) & (table["neuron"] == "c")].iloc[0]
    assert row["response"] == np.float32(TRIALS[7, 2])
    assert (row["orientation"], row["animal"], row["repeat"], row["region"]) == (90, "a", 1, "LM")
    assert (row["species"], row["units"], row["simulated"]) == ("Mus musculus", "spikes/s", True)
    means = table.pivot_table("response", "orientation", "neuron", aggfunc="mean")
    np.testing.assert_allclose(means[oriented().responses["neuron"].to_numpy()], oriented().responses, atol=1e-6)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ({"animal": ["007", "008", "007"]}, "the animal '007' would be read as 7"),
        ({"animal": ["1.50", "2", "3"]}, r"the animal '1.50' would be read as 1.5"),
    ],
)
def test_labels_that_a_table_would_change_are_refused(tmp_path, labels, said):
    recording = Recording.from_trials("toy", TRIALS[:3], [0, 0, 90], trials=labels)
    with pytest.raises(InputError, match=f"{said}.* from a table; save it as .npz"):
        save(recording, tmp_path / "toy.csv")
    assert not list(tmp_path.iterdir())
    for suffix in (".npz", ".nc", ".h5"):
        save(recording, tmp_path / f"toy{suffix}")
        assert_same(load(tmp_path / f"toy{suffix}"), recording)


def test_names_of_images_that_are_numbers_keep_their_zeros(tmp_path):
    recording = Recording.from_responses("toy", TRIALS, image=[f"{number:02d}" for number in range(12)])
    save(recording, tmp_path / "toy.csv")
    assert_same(load(tmp_path / "toy.csv"), recording, named=True, rtol=1e-15)


def test_neurons_of_a_table_come_back_by_name(tmp_path):
    neurons = {"neuron": ["n10", "n2", "n1"], "region": ["a", "b", "c"]}
    save(Recording.from_responses("toy", [[1, 2, 3], [4, 5, 7]], [0, 90], neurons=neurons), tmp_path / "toy.csv")
    responses = load(tmp_path / "toy.csv").responses
    np.testing.assert_array_equal(responses.sel(neuron=["n10", "n2", "n1"]), [[1, 2, 3], [4, 5, 7]])
    assert responses["region"].sel(neuron="n2") == "b"


def test_a_table_says_what_it_cannot_hold(tmp_path):
    with pytest.raises(InputError, match=r"pictures has images, which a table cannot hold; save it as \.npz"):
        save(of_images(), tmp_path / "toy.csv")
    with pytest.raises(InputError, match="by rdm is known only by its RDM; write that to a table with save_rdm"):
        save(Recording.from_rdm("by rdm", rdm(TRIALS[:4]), [0, 1, 3, 6]), tmp_path / "toy.csv")
    assert not list(tmp_path.iterdir())


def test_nothing_is_pickled(tmp_path):
    recording = oriented()
    as_objects = recording.trials.assign_coords(animal=("trial", recording.trials["animal"].to_numpy().astype(object)))
    save(replace(recording, trials=as_objects), tmp_path / "toy.npz")
    with np.load(tmp_path / "toy.npz", allow_pickle=False) as arrays:
        assert not any(arrays[name].dtype.hasobject for name in arrays.files)
        assert arrays["animal"].tolist() == recording.trials["animal"].to_numpy().tolist()
    assert zipfile.ZipFile(tmp_path / "toy.npz").testzip() is None


def test_steps_are_written_down(tmp_path):
    recording = z_score(oriented())
    save(recording, tmp_path / "toy.npz")
    with np.load(tmp_path / "toy.npz") as arrays:
        assert tuple(str(arrays["steps"]).splitlines()) == recording.steps
    assert load(tmp_path / "toy.npz").units == "z-score over stimuli"


def test_large_responses_are_chunked_by_neurons(tmp_path):
    import h5py

    responses = np.arange(4, dtype=np.float32)[:, None] + np.zeros(300_000, dtype=np.float32)
    wide = Recording.from_responses("wide", responses, DEGREES[:4])
    save(wide, tmp_path / "wide.h5")
    with h5py.File(tmp_path / "wide.h5") as file:
        assert file["responses"].chunks == (4, 2**22 // 16)
        assert file["orientation"].chunks is None


def test_nothing_is_overwritten_unasked(tmp_path, suffix):
    path = tmp_path / f"toy{suffix}"
    save(directed(), path)
    with pytest.raises(
        InputError, match=f"toy{suffix}: this file already exists; choose another name, or pass overwrite"
    ):
        save(oriented(), path)
    assert load(path).kind == "direction"
    save(oriented(), path, overwrite=True)
    assert load(path).kind == "orientation"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["toy.npz", "toy.zarr"])
def test_folders_of_others_are_never_replaced(tmp_path, name):
    (tmp_path / name).mkdir()
    (tmp_path / name / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"the existing file is not a \.\w+ file and is not replaced"):
        save(directed(), tmp_path / name, overwrite=True)
    assert (tmp_path / name / "notes.txt").read_text() == "mine"


WRITERS = {
    ".npz": "numpy.savez",
    ".nc": "xarray.Dataset.to_netcdf",
    ".h5": "h5py.Group.create_dataset",
    ".zarr": "zarr.Group.create_array",
    ".csv": "pandas.DataFrame.to_csv",
}


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize("there", [False, True])
def test_a_write_that_fails_leaves_what_was_there(tmp_path, monkeypatch, suffix, there):
    """The disk is full after the first bytes."""
    path = tmp_path / f"toy{suffix}"
    if there:
        save(directed(), path)
    original, calls = resolve_name(WRITERS[suffix]), []

    def failing(*arguments, **options):
        calls.append(1)
        if suffix in (".npz", ".csv", ".nc") or len(calls) > 1:
            target = next((item for item in arguments if isinstance(item, Path)), None)
            if target is not None:
                target.write_bytes(b"half")
            elif suffix == ".npz":
                arguments[0].write(b"half")
            raise OSError(28, "No space left on device")
        return original(*arguments, **options)

    monkeypatch.setattr(WRITERS[suffix], failing)
    with pytest.raises(InputError, match=f"toy{suffix}: this file cannot be written .No space left on device"):
        save(oriented(), path, overwrite=True)
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == ([path] if there else [])
    if there:
        assert_same(load(path), directed(), named=suffix == ".csv", rtol=1e-15)


def test_a_store_comes_back_when_its_successor_cannot_take_its_place(tmp_path, monkeypatch):
    pytest.importorskip("zarr")
    save(directed(), tmp_path / "toy.zarr")
    replace_it = Path.replace

    def failing(self, target):
        if Path(target).name == "toy.zarr":
            raise OSError(5, "Input/output error")
        return replace_it(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(InputError, match="cannot be written"):
        save(oriented(), tmp_path / "toy.zarr", overwrite=True)
    monkeypatch.undo()
    assert_same(load(tmp_path / "toy.zarr"), directed())
    assert [path.name for path in tmp_path.iterdir()] == ["toy.zarr"]


def test_places_that_cannot_be_written_to_are_named(tmp_path):
    with pytest.raises(InputError, match=r"there is no folder .*absent; create it first"):
        save(directed(), tmp_path / "absent" / "toy.npz")
    with pytest.raises(InputError, match=r"cannot write files of type \.xyz; name it \.npz, .*\.csv, \.nc, \.nwb"):
        save(directed(), tmp_path / "toy.xyz")
    with pytest.raises(InputError, match="cannot write files without a suffix"):
        save(directed(), tmp_path / "toy")
    if hasattr(os, "geteuid") and os.geteuid():
        tmp_path.chmod(0o500)
        with pytest.raises(InputError, match="cannot be written"):
            save(directed(), tmp_path / "toy.npz")
        tmp_path.chmod(0o700)


MATRIX = rdm(TRIALS[:4])


@pytest.mark.parametrize("suffix", [".npz", ".nc", ".h5", ".zarr"])
@pytest.mark.parametrize(("kind", "labels"), [("orientation", [90, 0, 45, 135]), ("image", ["b", "a", "c", "d"])])
def test_an_rdm_is_loaded_as_a_recording_known_by_it(tmp_path, suffix, kind, labels):
    if suffix == ".zarr":
        pytest.importorskip("zarr")
    save_rdm(MATRIX, labels, tmp_path / f"v1{suffix}", kind=kind, species="mouse", simulated=True)
    found = load(tmp_path / f"v1{suffix}")
    order = np.argsort(labels)
    np.testing.assert_array_equal(found.rdm, MATRIX[np.ix_(order, order)])
    np.testing.assert_array_equal(found.stimulus, np.sort(labels))
    assert (found.kind, found.responses, found.species, found.label) == (kind, None, "mouse", "v1 (simulated)")
    save(found, tmp_path / f"again{suffix}")
    np.testing.assert_array_equal(load(tmp_path / f"again{suffix}").rdm, found.rdm)


def test_a_square_table_has_its_labels_on_both_sides(tmp_path):
    save_rdm(MATRIX, ["b", "a,1", "c", "d"], tmp_path / "v1.csv", kind="image", simulated=True)
    table = pd.read_csv(tmp_path / "v1.csv", index_col=0)
    assert table.index.name == "image (simulated)"
    assert table.index.tolist() == table.columns.tolist() == ["b", "a,1", "c", "d"]
    np.testing.assert_allclose(table, MATRIX, rtol=1e-15)


def test_other_metrics_are_not_taken_for_correlations(tmp_path):
    euclidean = rdm(TRIALS[:4], "euclidean")
    for suffix in (".npz", ".nc"):
        save_rdm(euclidean, [0, 45, 90, 135], tmp_path / f"v1{suffix}", metric="euclidean")
        recording = load(tmp_path / f"v1{suffix}")
        assert recording.rdm_metric == "euclidean"
        np.testing.assert_allclose(recording.rdm, euclidean)
    with np.load(tmp_path / "v1.npz") as arrays:
        assert str(arrays["metric"]) == "euclidean"
        np.testing.assert_array_equal(arrays["rdm"], euclidean)
    with xr.open_dataset(tmp_path / "v1.nc") as dataset:
        assert dataset["rdm"].sel(stimulus=45, stimulus_2=135) == euclidean[1, 3]


@pytest.mark.parametrize(
    ("matrix", "labels", "options", "message"),
    [
        (MATRIX * 3, [0, 45, 90, 135], {}, "correlation distances lie between 0 and 2"),
        (MATRIX, [0, 45, 90], {}, r"orientation has shape \(3,\)"),
        (MATRIX, [0, 45, 90, 90], {"metric": "euclidean"}, "orientation 90 occurs 2 times"),
        (MATRIX, [0, 45, 90, 135], {"kind": "angle"}, "kind is 'angle'; it must be one of orientation, direction"),
        (np.stack([MATRIX, MATRIX]), [0, 45, 90, 135], {}, "there are 2 RDMs; a file holds one"),
    ],
)
def test_bad_rdms_are_not_written(tmp_path, matrix, labels, options, message):
    with pytest.raises(InputError, match=message):
        save_rdm(matrix, labels, tmp_path / "v1.npz", **options)
    assert not list(tmp_path.iterdir())
