"""A run's folder is opened as one object, and what is not a complete run is refused by name."""

import shutil

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import normenc
from normenc import recordings, report
from normenc.csv_tables import read_table
from normenc.encoders import EncoderId, EncoderKind
from normenc.errors import InputError
from normenc.runs import Run, redraw
from normenc.runs.marker import made_of, write_marker
from normenc.runs.schema import NEXT
from normenc.study import Study, run

STUDY = {
    "name": "toy",
    "stimuli": {"resolution": 0.03},
    "task": {"n_train": 20, "n_test": 20},
    "network": {"name": "FC", "n_hidden": 4},
    "training": {"n_epochs": 1, "batch_size": 10},
    "comparison": {"other_measures": [], "controls": ["pixels"], "n_samples": 50},
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    place = tmp_path_factory.mktemp("runs")
    recordings.save(recordings.simulated_v1(20, n_stimuli=12), place / "mine.npz")
    return run(
        Study(**STUDY, recording={"source": str(place / "mine.npz")}), place / "toy", progress=False, device="cpu"
    )


@pytest.fixture
def folder(made, tmp_path):
    return shutil.copytree(made.folder, tmp_path / "toy")


def test_every_table_of_the_folder_is_an_attribute(made):
    opened = normenc.Run.open(made.folder)
    names = {path.stem for path in made.folder.glob("*.csv")}
    assert names == {"similarity", "similarity_by_seed", "differences", "training", "tuning", "tuning_units"}
    for name in names:
        pd.testing.assert_frame_equal(getattr(opened, name), read_table(made.folder / f"{name}.csv"), check_dtype=False)
    for name in ("similarity_by_method", "over_training", "predictivity", "fitting", "failures"):
        assert getattr(opened, name) is None


def test_arrays_and_facts_are_those_of_the_files(made):
    opened = Run.open(made.folder)
    assert opened.rdms.identical(xr.load_dataset(made.folder / "rdms.nc", engine="h5netcdf")["dissimilarity"])
    np.testing.assert_array_equal(opened.rdms[0], made.evaluation.recording_rdm)
    np.testing.assert_array_equal(opened.shown_rdms[0], made.evaluation.recording_rdm)
    assert set(opened.representations) == {r.key for r in made.evaluation.representations}
    assert (opened.environment["normenc"], opened.settings["name"]) == (normenc.__version__, "toy")
    assert opened.quality["verdict"] == made.evaluation.quality.verdict
    assert opened.encoders["pixels"] == EncoderId(None, "pixels", "pixels", EncoderKind.CONTROL)
    assert opened.scores["network"].tolist() == ["FC"]


def test_what_study_run_returns_is_the_run_that_is_opened(made):
    opened = Run.open(made.folder)
    assert isinstance(made, Run) and repr(made) == repr(opened)
    pd.testing.assert_frame_equal(made.summary(), opened.summary())
    assert list(opened.summary()["encoder"]) == list(opened.encoders)


def test_its_report_is_that_of_the_room(folder):
    path = Run.open(folder).report()
    assert path.read_text(encoding="utf-8") == report.render(folder)


def test_tables_of_your_own_are_none_of_the_runs(folder):
    shutil.copy(folder / "similarity.csv", folder / "predictivity.csv")
    assert Run.open(folder).predictivity is None


def test_pictures_have_all_digits_but_edited_numbers_stay(folder, made):
    table = read_table(folder / "similarity.csv")
    exact = Run.open(folder).exact("similarity")
    np.testing.assert_array_equal(exact["similarity"], made.evaluation.similarity["similarity"])
    assert not np.array_equal(exact["similarity"], table["similarity"])
    table.loc[0, "similarity"] = 0.25
    table.to_csv(folder / "similarity.csv", index=False)
    drawn = Run.open(folder).figures["similarity_bars"].arguments["similarity"]["similarity"]
    assert drawn[0] == 0.25
    np.testing.assert_array_equal(drawn[1:], exact["similarity"][1:])


@pytest.mark.parametrize(("kind", "said"), [("power", "a power analysis"), ("pictures", "pictures that were drawn")])
def test_folders_of_another_kind_are_refused(folder, kind, said):
    write_marker(folder, made_of(folder, kind))
    for read in (Run.open, report.render, redraw):
        with pytest.raises(InputError, match=f"this folder holds {said}.*; give the folder of a run"):
            read(folder)


def test_a_run_that_is_on_its_way_is_refused(folder):
    (folder / NEXT).mkdir()
    write_marker(folder / NEXT, made_of(folder, "run"))
    with pytest.raises(InputError, match="a new run was being moved here"):
        Run.open(folder)


@pytest.mark.parametrize("name", ["training.csv", "rdms.nc", "populations.nc", "differences.csv"])
def test_damage_is_said_of_the_file_that_is_asked_for(folder, name):
    (folder / name).write_bytes(b"\xff\xfe\x00")
    opened = Run.open(folder)
    with pytest.raises(InputError, match=f"{name}: this file is damaged"):
        getattr(opened, name.partition(".")[0])


def test_a_picture_that_the_run_has_not_is_named(made):
    with pytest.raises(InputError, match=r"there is no figure 'leaderboard'; this run has .*rdms, ."):
        Run.open(made.folder).plot("leaderboard")
