"""A run's folder is opened as one object, and what is not a complete run is refused by name."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import normenc
from normenc import recordings, report, runs
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
    assert names == {
        "similarity",
        "similarity_by_scope",
        "similarity_by_seed",
        "differences",
        "differences_by_scope",
        "partitioning",
        "identification",
        "circular_parts",
        "training",
        "tuning",
        "tuning_units",
    }
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


@pytest.mark.parametrize(("kind", "said"), [("power", "a power analysis"), ("pictures", "figures of a run")])
def test_folders_of_another_kind_are_refused(folder, kind, said):
    write_marker(folder, made_of(folder, kind))
    for read in (Run.open, report.render, redraw):
        with pytest.raises(InputError, match=f"this folder holds {said}.*; give the folder of a run"):
            read(folder)


def test_a_run_that_is_on_its_way_is_refused(folder):
    (folder / NEXT).mkdir()
    write_marker(folder / NEXT, made_of(folder, "run"))
    with pytest.raises(InputError, match="moving a new run here was interrupted"):
        Run.open(folder)


@pytest.mark.parametrize("name", ["training.csv", "rdms.nc", "populations.nc", "differences.csv"])
def test_damage_is_said_of_the_file_that_is_asked_for(folder, name):
    (folder / name).write_bytes(b"\xff\xfe\x00")
    opened = Run.open(folder)
    with pytest.raises(InputError, match=f"{name}: this file is damaged"):
        getattr(opened, name.partition(".")[0])


@pytest.mark.parametrize("name", ["similarity.csv", "differences.csv", "training.csv", "tuning_units.csv"])
def test_a_table_that_is_cut_anywhere_within_its_rows_is_refused(folder, name):
    whole = (folder / name).read_text(encoding="utf-8")
    lines = whole.splitlines(keepends=True)
    for cut in (whole[:-1], whole[: whole.rindex(",")] + "\n", *("".join(lines[:2])[:-n] for n in (1, 3, 12))):
        (folder / name).write_text(cut, encoding="utf-8")
        with pytest.raises(InputError, match=rf"{name}: this table is damaged: .*line \d+.*run the study again"):
            getattr(Run.open(folder), name.partition(".")[0])
    short = [lines[0], lines[1].replace(",", "", 1), *lines[2:]]
    long = [lines[0], lines[1].replace(",", ",,", 1), *lines[2:]]
    for edited in (short, long):
        (folder / name).write_text("".join(edited), encoding="utf-8")
        with pytest.raises(InputError, match=rf"{name}.*: line 2 has \d+ cells instead of {lines[0].count(',') + 1}"):
            getattr(Run.open(folder), name.partition(".")[0])


def test_tables_that_disagree_are_refused_by_name(folder):
    path = folder / "similarity.csv"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    twin = next(place for place, line in enumerate(lines) if "untrained twin" in line)
    path.write_text("".join(lines[:twin] + lines[twin + 1 :]), encoding="utf-8")
    opened = Run.open(folder)
    for read in (lambda: opened.differences, lambda: opened.figures["rdms"], lambda: report.render(folder)):
        with pytest.raises(InputError, match=r"similarity.csv: this table has no row for the encoder 'fc, untrained'"):
            read()
    path.write_text("".join([*lines, lines[1]]), encoding="utf-8")
    with pytest.raises(InputError, match=r"similarity.csv: this table has two rows for fc"):
        Run.open(folder)


def test_what_fails_on_an_edited_file_is_said_of_that_file(folder):
    path = folder / "environment.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    del content["recording"]["n_stimuli"]
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match=r"environment.json: not as the run wrote it.*KeyError: 'n_stimuli'"):
        report.render(folder)


@pytest.mark.parametrize(("key", "value"), [("recording", "x"), ("scores", 5), ("scores", ["x"]), ("inference", None)])
def test_facts_of_the_wrong_type_are_damage(folder, key, value):
    path = folder / "environment.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {key: value}), encoding="utf-8")
    with pytest.raises(InputError, match=rf"environment.json: this file is damaged \({key} must be a "):
        Run.open(folder)


def test_quality_that_is_a_list_is_damage(folder):
    (folder / "quality.json").write_text("[]", encoding="utf-8")
    with pytest.raises(InputError, match=r"quality.json: this file is damaged"):
        _ = Run.open(folder).quality


@pytest.mark.parametrize("given", [None, 3, b"x", ["runs"]])
def test_what_is_no_folder_is_refused(given):
    for read in (Run.open, report.write, report.render, redraw, lambda given: runs.open_all([given, given])):
        with pytest.raises(InputError, match=rf"the run is a {type(given).__name__}; it must be the folder of a run"):
            read(given)


def test_pictures_of_an_old_run_stand_in_the_same_order(folder):
    new = Run.open(folder)
    order, pictures = list(new.figures), dict(new.figures)
    old = Run.open(folder)
    old.source_data = dict(sorted(pictures.items()))  # as older versions kept them: whole
    assert list(old.figures) == order


def test_stimuli_of_a_type_that_is_not_known_here_are_named(folder):
    path = folder / "environment.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["recording"]["stimuli"] = "hue"
    path.write_text(json.dumps(content), encoding="utf-8")
    for read in (lambda: Run.open(folder).plot("rdms"), lambda: report.write(folder), lambda: redraw(folder)):
        with pytest.raises(InputError, match=r"of the type 'hue', which is not known here; import the module"):
            read()


def test_a_picture_that_the_run_has_not_is_named(made):
    with pytest.raises(
        InputError, match="there is no figure 'leaderboard'; this run has example_stimuli, rdms, embeddings"
    ):
        Run.open(made.folder).plot("leaderboard")
