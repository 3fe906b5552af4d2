"""A study of more stimuli than are weighed pair by pair: what is kept, written, drawn and said."""

import gc
import json
import re
import shutil

import numpy as np
import pytest
import xarray as xr

from normenc import figures, rsa, study
from normenc.embedding import embed_components
from normenc.errors import InputError
from normenc.rsa.stored import StoredRdm
from normenc.runs import Run
from normenc.study import rdm_folder, space
from normenc.study.populations import _embed
from normenc.study.readiness import check_disks
from normenc.study.settings import Study

N, RNG = 410, np.random.default_rng(5)
SETTINGS = {
    "name": "many",
    "stages": ["represent", "compare"],
    "task": {"name": "tilt-discrimination", "n_train": 20, "n_test": 20},
    "network": {"name": "FC"},
    "training": {"n_epochs": 1, "n_untrained": 2},
    "comparison": {
        "layers": ["fc"],
        "controls": ["pixels"],
        "other_measures": ["spearman"],
        "n_samples": 50,
        "n_permutations": 100,
    },
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("many")
    values = RNG.integers(0, 256, (N, 12, 16), dtype=np.uint8)
    images = values.repeat(4, axis=1).repeat(4, axis=2)
    names = [f"i{k:04}" for k in range(N)]
    responses = values.reshape(N, -1) @ RNG.normal(size=(192, 15)) + RNG.normal(scale=500, size=(2, N, 15))
    shown = {"image": np.tile(names, 2), "images": images, "image_names": names}
    np.savez(folder / "many.npz", responses=responses.reshape(2 * N, 15), **shown)
    settings = SETTINGS | {"recording": {"source": str(folder / "many.npz")}}
    return study.run(Study.model_validate(settings), out=folder / "run", progress=False)


def test_rdms_are_written_in_single_precision(made):
    """And are those of the responses that are written beside them."""
    with xr.open_dataset(made.folder / "rdms.nc", engine="h5netcdf") as file:
        rdms = file["dissimilarity"].load()
    assert rdms.dtype == np.float32 and rdms.shape == (5, N, N)
    assert rdms.attrs["metric"] == "correlation" and rdms["image_2"].to_numpy()[3] == "i0003"
    opened = Run.open(made.folder)
    responses = opened.representations["pixels"].to_numpy()
    np.testing.assert_allclose(rdms.sel(population="pixels"), rsa.rdm(responses), atol=1e-6)
    np.testing.assert_allclose(opened.rdms_of([5, 2])[0], rdms[0].to_numpy()[[5, 2]][:, [5, 2]])


def test_the_run_says_which_measures_compare_some_of_the_stimuli(made):
    notes = json.loads((made.folder / "environment.json").read_text())["inference"]["notes"]
    assert notes == [f"By the Spearman rank correlation, 250 of the {N} stimuli were compared, drawn at random."]
    opened = Run.open(made.folder)
    known = opened.similarity_by_method.groupby("comparison")["n_stimuli"].first()
    assert known.to_dict() == {"spearman": 250} and set(opened.similarity["n_stimuli"]) == {N}


def test_pictures_show_some_of_the_stimuli_and_say_so(made):
    pictures = Run.open(made.folder).figures
    assert re.fullmatch(rf"[\d.]+ to [\d.]+\n400 of {N} stimuli", pictures["rdms"].draw().flat[0].get_xlabel())
    points = np.full((N, 2), np.nan)
    points[:60] = RNG.normal(size=(60, 2))
    panel = figures.embeddings({"few": points}, np.linspace(-90, 89, N)).flat[0]
    assert panel.get_xlabel() == f"t-SNE 1 (60 of {N} stimuli)"
    assert len(panel.collections[0].get_offsets()) == 60


def test_five_hundred_of_more_stimuli_are_embedded():
    """The others are NaN, and points are those of the embedded stimuli alone."""
    components = RNG.normal(size=(6, 3))
    points = _embed(components, np.array([0, 1, 3, 5]))
    assert np.isnan(points[[2, 4]]).all()
    np.testing.assert_array_equal(points[[0, 1, 3, 5]], embed_components(components[[0, 1, 3, 5]]))


def test_rdms_in_files_give_the_same_tables(made, tmp_path, monkeypatch):
    """And the files are gone when nothing refers to them any more."""
    for room in (rdm_folder, space):
        monkeypatch.setattr(room, "IN_FILES", 400)
    again = study.run(made.evaluation.study, out=tmp_path / "run", progress=False)
    assert all(isinstance(r.rdm, StoredRdm) for r in again.evaluation.representations)
    for name in ("similarity.csv", "similarity_by_seed.csv", "similarity_by_method.csv", "partitioning.csv"):
        assert (again.folder / name).read_bytes() == (made.folder / name).read_bytes(), name
    for name in ("rdms.nc", "representations.nc"):
        with xr.open_dataset(again.folder / name) as one, xr.open_dataset(made.folder / name) as other:
            xr.testing.assert_identical(one, other)
    scratch = tmp_path / ".run.normenc-scratch"
    files = [file.stat().st_size for file in scratch.rglob("*") if file.name.isdigit()]
    assert sum(files) == space.Arrays.of(again.evaluation.prepared).meanwhile  # which is asked of the disk before
    del again, files
    gc.collect()
    assert not scratch.exists()


def test_room_for_rdms_is_asked_of_the_disk_before_anything_is_trained(made, tmp_path, monkeypatch):
    """Five RDMs of 410 stimuli, 4 bytes each, are written, and four of them are kept, with all responses."""
    pixels, fc = 410 * 3072 * 4, 410 * 4 * sum(r.responses.shape[1] for r in made.evaluation.representations[:3])
    rdm = 4 * 410**2
    arrays = space.Arrays.of(made.evaluation.prepared)
    assert (arrays.written, arrays.meanwhile) == (5 * rdm + pixels + fc, 0)
    monkeypatch.setattr(space, "IN_FILES", 400)
    assert space.Arrays.of(made.evaluation.prepared).meanwhile == 4 * rdm + pixels + fc
    free = shutil.disk_usage(tmp_path)._replace(free=2**20)
    monkeypatch.setattr("shutil.disk_usage", lambda path: free)
    with pytest.raises(InputError, match=r"about \d+ MiB for the run.* about 7 MiB for its RDMs until it is written"):
        check_disks(made.evaluation.prepared, tmp_path / "run", "cpu")


def test_an_rdm_that_cannot_be_written_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(rdm_folder, "IN_FILES", 3)
    (tmp_path / "file").touch()
    with pytest.raises(
        InputError, match=r"file: what was computed of a layer, 0 MiB, cannot be written here \(.*; make room"
    ):
        rdm_folder.RdmFolder(tmp_path / "file").keep(np.zeros((5, 5)))
