"""Files that look odd and are whole, and whole ones that are damaged at random."""

import os
import sys

import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from broken_stores import in_circles
from whole_files import (
    BAD_NAME,
    DEGREES,
    GOOD,
    RESPONSES,
    csv,
    hdf5,
    linked,
    long_form,
    mat,
    mat73,
    netcdf,
    netcdf3,
    npy,
    npz,
    nwb,
    parquet,
    pictures,
    zarr2,
    zarr3,
)

from normenc import cli
from normenc.errors import InputError
from normenc.recordings import load

AVERAGES = RESPONSES.reshape(2, 4, 3).mean(axis=0)
WRITERS = [npz, npy, mat, mat73, netcdf, netcdf3, hdf5, zarr2, zarr3, csv, parquet, nwb]


def packed(folder):
    return mat(folder, compressed=True)


def packed_cells(folder):
    """A MATLAB file of text, cells, a structure and a sparse array."""
    names = np.array(["a", "b", "c"], dtype=object)
    return mat(
        folder, neuron=names, area="V1", data={"F": RESPONSES, "t": {"u": 1}}, s=scipy.sparse.eye(4, format="csc")
    )


def wide(folder):
    """A table of one column a neuron, as a spreadsheet in Europe writes it."""
    table = pd.DataFrame(np.round(RESPONSES, 3), columns=["cell1", "cell2", "cell3"]).assign(orientation=DEGREES)
    table.to_csv(folder / "r.csv", sep=";", decimal=",", index=False)
    return folder / "r.csv"


def sorted_spikes(folder):
    """A folder of Kilosort's."""
    store = folder / "probe"
    store.mkdir()
    rng = np.random.default_rng(0)
    np.save(store / "spike_times.npy", rng.integers(0, 8000, 500))
    np.save(store / "spike_clusters.npy", rng.integers(0, 3, 500))
    (store / "params.py").write_text("sample_rate = 1000.0\n")
    (store / "cluster_group.tsv").write_text("cluster_id\tgroup\n0\tgood\n1\tgood\n")
    trials = pd.DataFrame({"start": np.arange(8.0), "stop": np.arange(8.0) + 0.5, "orientation": DEGREES})
    trials.to_csv(store / "trials.csv", index=False)
    return store


def texts(folder):
    return npz(folder, animal=list("aabbaabb"), neuron=list("abc"), area="V1", simulated=True)


@pytest.mark.parametrize("write", WRITERS)
def test_a_name_that_is_no_utf8_loads_and_prints(tmp_path, monkeypatch, capsys, write):
    path = write(tmp_path)
    badly = path.rename(path.with_stem(os.fsdecode(BAD_NAME)))
    if write is npy:
        path.with_suffix(".csv").rename(badly.with_suffix(".csv"))
    recording = load(badly)
    assert recording.name == r"caf\xe9"
    if write is not nwb:  # whose responses are rates of spikes
        np.testing.assert_allclose(recording.responses, AVERAGES, rtol=1e-12)
    monkeypatch.setattr(sys, "argv", ["normenc", "check", str(badly)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    out, err = capsys.readouterr()
    assert (ended.value.code, err) == (0, "")
    assert out.startswith(r"caf\xe9: read as ")
    assert "\ncaf\\xe9: 4 stimuli x 3 neurons" in out
    assert out.encode("utf-8")


@pytest.mark.parametrize("write", [npz, hdf5, zarr2, csv])
def test_links_to_whole_files_are_followed(tmp_path, write):
    (tmp_path / "there").mkdir()
    path = write(tmp_path / "there")
    recording = load(linked(tmp_path, path, f"here{path.suffix}"))
    assert recording.name == "here"
    np.testing.assert_allclose(recording.responses, AVERAGES, rtol=1e-12)


def test_links_within_a_store_or_file_are_followed(tmp_path):
    store = zarr2(tmp_path)
    (store / "responses/0.0").rename(store / "elsewhere")
    (store / "responses/0.0").symlink_to("../elsewhere")
    np.testing.assert_allclose(load(store).responses, AVERAGES, rtol=1e-12)

    def change(file):
        file.move("responses", "F/dff")
        file["responses"] = h5py.SoftLink("/F/dff")
        in_circles(file)

    np.testing.assert_allclose(load(hdf5(tmp_path, change)).responses, AVERAGES, rtol=1e-12)


def test_a_head_of_python_2_is_read_in_silence(tmp_path):
    path = npy(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"(8, 3), } ", b"(8L, 3L),}"))
    np.testing.assert_allclose(load(path).responses, AVERAGES, rtol=1e-12)


def test_notes_and_facts_of_any_bytes_are_kept(tmp_path):
    def change(file):
        file.attrs["notes"] = "mine"
        file.attrs.create("area", np.array(BAD_NAME, dtype=object), dtype=h5py.string_dtype())

    recording = load(hdf5(tmp_path, change))
    np.testing.assert_allclose(recording.responses, AVERAGES, rtol=1e-12)
    assert recording.area.encode("utf-8") == rb"caf\udce9"
    np.savez(tmp_path / "r.npz", **GOOD, notes=["mine"], area=np.bytes_(BAD_NAME))
    assert load(tmp_path / "r.npz").area == r"caf\xe9"


def test_sparse_arrays_are_read_as_they_are(tmp_path):
    counts = np.where(RESPONSES > 0.5, 1.0, 0.0)
    recording = load(mat(tmp_path, responses=scipy.sparse.csc_matrix(counts)))
    np.testing.assert_array_equal(recording.trials, counts)


@pytest.mark.parametrize("write", [csv, parquet])
def test_every_column_of_a_table_can_be_mapped(tmp_path, write):
    names = {"trial": "t", "neuron": "n", "responses": "r", "orientation": "o"}
    table = long_form().rename(columns={"trial": "t", "neuron": "n", "response": "r", "orientation": "o"})
    path = write(tmp_path)
    table.to_csv(path, index=False) if write is csv else table.set_index("t").to_parquet(path)
    np.testing.assert_allclose(load(path, names=names).responses, AVERAGES, rtol=1e-12)


def test_images_whose_names_are_no_utf8_have_names_that_print(tmp_path):
    path = pictures(tmp_path)
    for number, name in enumerate(("cat", "dog")):
        (tmp_path / f"images/{name}.png").rename(tmp_path / "images" / os.fsdecode(BAD_NAME + b"%d.png" % number))
    np.savez(path, responses=RESPONSES, image=[0, 1] * 4)
    assert load(path, images=tmp_path / "images").stimulus.tolist() == [r"caf\xe90.png", r"caf\xe91.png"]


def hurt(data, rng, n_bytes):
    """Cut somewhere, or with up to three other bytes among the first `n_bytes`."""
    if rng.random() < 0.3:
        return data[: rng.integers(len(data))]
    changed = bytearray(data)
    for place in rng.integers(min(n_bytes, len(data)), size=rng.integers(1, 4)):
        changed[place] = rng.integers(256)
    return bytes(changed)


# Other bytes of HDF5's are left alone beyond the head: its library itself may crash, or never end, for some of them.
RANDOM = [(write, 10**9) for write in (npz, texts, npy, mat, packed, packed_cells, netcdf3, csv, wide, parquet)]
RANDOM += [(zarr2, 10**9), (zarr3, 10**9), (pictures, 10**9), (sorted_spikes, 10**9)]
RANDOM += [(hdf5, 96), (mat73, 608), (netcdf, 96)]


@pytest.mark.parametrize(("write", "n_bytes"), RANDOM, ids=[write.__name__ for write, _ in RANDOM])
def test_damage_anywhere_is_told_or_does_no_harm(tmp_path, write, n_bytes):
    path = write(tmp_path)
    images = tmp_path / "images" if write is pictures else None
    files = sorted(file for file in (images or path).rglob("*") if file.is_file()) or [path]
    whole = {file: file.read_bytes() for file in files}
    rng, n_told = np.random.default_rng(0), 0
    for _ in range(100):
        file = files[rng.integers(len(files))]
        file.write_bytes(hurt(whole[file], rng, n_bytes))
        try:
            load(path, images=images)
        except InputError as error:
            n_told += 1
            assert str(error).startswith(f"{path}: ")
            assert len(str(error).splitlines()) == 1
            assert str(error).encode("utf-8")
        file.write_bytes(whole[file])
    assert n_told >= 20


def test_damage_to_nwb_is_told_or_does_no_harm(tmp_path):
    path = nwb(tmp_path)
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    for _ in range(12):
        path.write_bytes(hurt(whole, rng, 96))
        try:
            assert load(path).n_stimuli == len(np.unique(DEGREES))
        except InputError as error:
            assert str(error).startswith(f"{path}: ")
            assert len(str(error).splitlines()) == 1
