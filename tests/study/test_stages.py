"""An evaluation in stages: each by itself, some of them left out, and what a run of some of them holds."""

import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest

from normenc import recordings, report, rsa, study
from normenc.errors import InputError
from normenc.report import comparison_rows
from normenc.runs.schema import FILES
from normenc.study import Study, run

SMALL = Study(
    name="small",
    recording={"source": "simulated-v1", "n_neurons": 30},
    stimuli={"resolution": 0.05},
    task={"n_train": 60, "n_test": 40},
    network={"pool_size": 4, "n_channels": 3},
    training={"seed": 4, "n_epochs": 2, "batch_size": 25, "n_untrained": 2},
    comparison={"n_samples": 50, "n_permutations": 19, "other_measures": [], "controls": ["pixels"]},
)
ONLY = ("represent", "compare")


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    path = tmp_path_factory.mktemp("mine") / "mine.npz"
    recordings.save(recordings.simulated_v1(20, n_repeats=2, n_stimuli=24), path)
    return SMALL.with_changes(recording=str(path))


@pytest.fixture(scope="module")
def described(mine, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "described"
    return run(mine, folder, progress=False, device="cpu", stages=(*ONLY, "describe"), page=report.write)


@pytest.fixture(scope="module")
def similarities(mine, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "similarities"
    return run(mine, folder, progress=False, device="cpu", stages=ONLY, page=report.write)


def files_of(folder):
    marker = json.loads((folder / ".normenc-run.json").read_text())
    return set(marker["files"])


def test_one_stage_after_the_other_gives_what_all_at_once_do(mine, described):
    prepared = study.prepare(mine)
    represented = study.represent(prepared, progress=False)
    pixels = represented.firsts["pixels"]
    np.testing.assert_array_equal(pixels.rdm, rsa.rdm(prepared.images.flatten(1).numpy()))
    compared = study.compare(represented, progress=False)
    pd.testing.assert_frame_equal(compared.similarity, described.evaluation.similarity)
    pd.testing.assert_frame_equal(compared.differences, described.evaluation.differences)
    populations = study.describe(represented, compared, progress=False)
    assert list(populations.descriptions) == list(described.evaluation.descriptions)
    np.testing.assert_array_equal(populations.embeddings["pixels"], described.evaluation.embeddings["pixels"])


def test_a_run_of_some_stages_holds_whole_files_of_these_alone(described, similarities):
    others = {file.name for file in FILES if "`describe`" in file.when}
    assert files_of(similarities.folder) == files_of(described.folder) - others
    assert {name for name in files_of(similarities.folder) if "/" in name} == {
        "figures/source_data.h5",
        "models/ConvPoolFC_seed4.safetensors",
        "models/ConvPoolFC_seed4_untrained.safetensors",
    }
    for name in ("similarity.csv", "differences.csv", "similarity_by_seed.csv", "training.csv"):
        assert (similarities.folder / name).read_bytes() == (described.folder / name).read_bytes()
    settings = study.load_study(similarities.folder / "study.toml")
    assert settings.stages == list(ONLY)
    assert "stages" not in settings.model_copy(update={"stages": None}).to_toml()


def test_the_page_says_what_was_not_asked_for_and_shows_no_trace_of_it(described, similarities):
    page = (similarities.folder / "report.html").read_text(encoding="utf-8")
    said = "Not requested: tuning, embeddings and figures. The command normenc figures draws them from this folder."
    assert said in page
    assert "<img" not in page and "<figcaption" not in page and "fail" not in page
    assert "t-SNE" not in page
    targets, anchors = re.findall(r'href="#([\w-]+)"', page), re.findall(r' id="([\w-]+)"', page)
    assert set(targets) <= set(anchors)
    full = (described.folder / "report.html").read_text(encoding="utf-8")
    assert "Not requested: figures. The command normenc" in full and "t-SNE" in full
    answer = re.compile(r'<div class="answer".*?</div>', re.DOTALL)
    assert answer.search(page).group() == answer.search(full).group()


def test_such_a_run_is_read_like_any_other(described, similarities, tmp_path):
    folders = [described.folder, similarities.folder]
    assert "similarities" in str(comparison_rows.rows_to_print(folders))
    page = report.write_comparison(folders, tmp_path / "both.html").read_text()
    assert "represent, compare" in page  # as the setting in which they differ
    shutil.copytree(similarities.folder, tmp_path / "run")
    drawn = study.draw(similarities.evaluation, tmp_path / "pictures", progress=False)
    assert {path.stem for path in drawn} == {
        "circular_parts",
        "example_stimuli",
        "identification",
        "rdms",
        "rdm_rows",
        "similarity_bars",
        "unique_variance",
    }
    again = study.redraw(tmp_path / "run", only=["rdms", "similarity_bars"], formats=["svg"])
    for path in again.paths:
        assert path.read_bytes() == (tmp_path / "pictures" / path.name).read_bytes()
    page = report.render(tmp_path / "run")
    assert page.count("<img") == 2  # drawn into the run, they appear on the page that is made anew


def test_a_run_of_more_stages_does_not_count_as_done(similarities, mine):
    with pytest.raises(InputError, match="this folder already contains a run; pass force=True"):
        run(mine, similarities.folder, progress=False, device="cpu", page=report.write)


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        (["represent"], "every run needs the stage compare"),
        (["compare"], "the stage compare needs represent; add it, or leave compare out"),
        (["represent", "predict"], "the stage predict needs compare; add it"),
        (["draw"], "the stage draw needs represent and compare; add them"),
        (["represent", "compare", "paint"], "there is no stage 'paint'; the stages are represent, compare, describe"),
        (["represent", "compare", "predict"], "predict needs enabled = true in the section"),
        (["represent", "compare", "compare"], "'compare' is listed twice"),
        ([], "it must be a list of some of represent"),
    ],
)
def test_stages_that_cannot_be_are_refused_before_anything_is_done(stages, message, tmp_path):
    with pytest.raises(InputError, match=message):
        run(SMALL, tmp_path / "run", stages=stages, progress=False)
    assert list(tmp_path.iterdir()) == []


def test_what_a_stage_that_was_left_out_would_have_found_is_said_to_be_missing(mine):
    evaluation = study.evaluate(study.prepare(mine), stages=["represent"], progress=False)
    assert evaluation.labels[-1] == "pixels"
    with pytest.raises(InputError, match="the stage compare was left out of this evaluation"):
        _ = evaluation.similarity
    with pytest.raises(InputError, match="the stage describe was left out"):
        _ = evaluation.descriptions
    with pytest.raises(InputError, match="the stage compare needs represent"):
        study.evaluate(study.prepare(mine), stages=["compare"], progress=False)


def test_the_command_takes_stages(normenc, tmp_path):
    (tmp_path / "small.toml").write_text(SMALL.to_toml())
    code, out, _ = normenc("run", "small.toml", "--out", "run", "--stages", "represent, compare", "--device", "cpu")
    assert code == 0
    assert "similarity (pearson)" in out
    assert not (tmp_path / "run" / "populations.nc").exists()
    code, _, err = normenc("run", "small.toml", "--out", "other", "--stages", "draw")
    assert (code, err) == (
        2,
        "normenc: error: study: the stage draw needs represent and compare; add them, or leave draw out\n",
    )
