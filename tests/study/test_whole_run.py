"""A run that does all that a run of one animal can: what it says meanwhile, what it writes, what pages say of it."""

import re
import shutil
import tomllib

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from normenc.encoders import Naming
from normenc.runs import PICTURES, Run
from normenc.runs.columns import TABLES
from normenc.runs.schema import FILES
from normenc.study import Study, SweepProgress, run
from normenc.study.tables import failure_table
from run_schema import check_columns, check_run
from test_docs import DOCS, blocks

FULL = Study(
    name="full",
    recording={"source": "simulated-v1", "n_neurons": 20, "bin_width": 10},
    stimuli={"resolution": 0.05},
    task={"n_train": 40, "n_test": 20},
    network={"name": "ConvPoolFC", "pool_size": 4, "n_channels": 3},
    training={"n_epochs": 2, "n_untrained": 2, "n_seeds": 2, "checkpoints": [1]},
    comparison={"n_samples": 50, "n_permutations": 19, "other_measures": ["spearman"], "controls": ["pixels"]},
    encoding={"enabled": True, "networks": ["point readout"], "max_epochs": 2, "n_folds": 2, "n_samples": 50},
)
STAGES = [
    "reading the recording",
    "responses of controls",
    "training",
    "responses of layers",
    "responses of untrained layers",
    "comparing",
    "comparing by other measures",
    "dividing variance between layers and controls",
    "dividing dissimilarities by the angle between stimuli",
    "simulating recordings",
    "comparing over training",
    "predicting neurons",
    "predicting neurons beyond the controls",
    "fitting networks to neurons",
    "describing tuning",
    "embedding",
    "checking the recording",
    "writing tables",
    "drawing",
]


NOT_WRITTEN = {"animals.csv", "between_animals.csv", "failures.csv", "report.html"}


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The folder of a run that does and writes all that a run of one animal can, but failures, and all its tallies."""
    found: list[SweepProgress] = []
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NORMENC_CACHE", str(folder / "cache"))
        run(FULL, folder / "full", device="cpu", progress=found.append)
    return folder / "full", found


@pytest.fixture
def folder(ran):
    return ran[0]


@pytest.fixture
def told(ran):
    return ran[1]


def test_every_stage_of_a_run_tells_its_start_and_its_end(told):
    assert list(dict.fromkeys(tally.stage for tally in told)) == STAGES
    for name in STAGES:
        of_stage = [tally for tally in told if tally.stage == name]
        first, last = of_stage[0], of_stage[-1]
        assert (first.done, first.share, np.isnan(first.seconds_left)) == (0, 0, True), name
        assert (last.done + last.failed, last.share, last.seconds_left) == (last.total, 1, 0), name
        shares = [tally.share for tally in of_stage]
        assert shares == sorted(shares), name


def test_no_more_is_done_than_there_is(told):
    for tally in told:
        assert 0 <= tally.done + tally.failed <= tally.total
        assert 0 <= tally.share <= 1
        assert not tally.seconds_left < 0


def test_pictures_and_layers_are_counted_one_by_one(told):
    totals = {tally.stage: tally.total for tally in told}
    assert totals["training"] == 2  # seeds
    assert totals["comparing over training"] == 1  # network
    assert totals["describing tuning"] == 1 + 2 + 1  # the recording, pool and fc, pixels
    assert totals["drawing"] == 21


def test_a_run_is_what_its_schema_says(folder):
    check_run(folder, without=NOT_WRITTEN)
    check_columns(list(failure_table([], Naming())), TABLES["failures.csv"])
    assert set(TABLES) == {file.name for file in FILES if file.name.endswith(".csv")}


def test_an_unlisted_column_or_file_of_a_run_fails(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    differences = pd.read_csv(copy / "differences.csv")
    for wrong in (
        differences.assign(novel=1.0),
        differences.drop(columns="p_holm"),
        differences[differences.columns[::-1]],
        differences.assign(seed=0.5),
    ):
        wrong.to_csv(copy / "differences.csv", index=False)
        with pytest.raises(AssertionError):
            check_run(copy, without=NOT_WRITTEN)
    shutil.copy(folder / "differences.csv", copy)
    check_run(copy, without=NOT_WRITTEN)
    (copy / "novel.csv").write_text("a\n1\n")
    with pytest.raises(AssertionError):
        check_run(copy, without=NOT_WRITTEN)


def test_arrays_hold_what_the_page_of_a_runs_folder_tells(folder):
    with xr.open_dataset(folder / "rdms.nc") as rdms, xr.open_dataset(folder / "populations.nc") as populations:
        assert rdms["population"].to_numpy()[0] == "simulated-v1"
        largest = max(size for name, size in populations.sizes.items() if str(name).startswith("unit_"))
        assert largest == 200  # of the pixels
    weights = {path.name for path in (folder / "models").iterdir()}
    of_seeds = [f"ConvPoolFC_seed{seed}{part}" for seed in (12, 13) for part in ("", "_untrained")]
    stems = (*of_seeds, "fitted_point_readout_seed0")
    assert weights == {f"{stem}.safetensors" for stem in stems}


def test_the_page_of_figures_names_every_picture(folder):
    page = (DOCS / "figures.md").read_text(encoding="utf-8")
    assert all(f"| `{name}` |" in page for name in PICTURES)
    for name in Run.open(folder).figures:
        assert re.sub("^(filters|readouts)_.*", r"\1_<network>", name) in PICTURES


def test_the_example_of_an_opened_run_runs(folder, capsys, monkeypatch):
    (program,) = blocks("run_folder.md", "python")
    monkeypatch.chdir(folder.parent)
    exec(program.replace("runs/reference-simulated-v1", folder.name), {})
    plt.close("all")
    assert capsys.readouterr().out == "<Run: full and simulated-v1, 5 encoders, in full>\n"


def test_the_example_of_an_own_picture_draws(folder):
    try:
        exec(blocks("figures.md", "python")[-1], {})
        assert len(Run.open(folder).plot("plain_bars").patches) == 5
    finally:
        del PICTURES["plain_bars"]
    plt.close("all")


def test_the_page_of_the_report_names_its_sections_and_limits(folder):
    from normenc.report import explorer, render, sentences
    from normenc.study import exploring

    text = (DOCS / "report.md").read_text(encoding="utf-8")
    page = render(folder)
    sections = re.findall(r"^\| ([A-Z][^|]+?) \|", text, flags=re.MULTILINE)
    assert (own := "More figures") in sections  # a section for pictures that a user adds
    shown = [re.sub(r"<[^>]+>|:.*", "", heading) for heading in re.findall(r"<h2[^>]*>(.*?)</h2>", page)]
    assert [part for section in sections for part in re.split(", (?=[A-Z])", section) if part != own] == shown
    assert f"untrained twins and controls: {explorer.MOST_POPULATIONS} at most" in text
    assert f"| {explorer.MOST_STIMULI} at most" in text and f"| {exploring.MOST_UNITS} of each" in text
    assert sentences.MANY == 4 and "more than four trained layers" in text
    (settings,) = blocks("report.md", "toml")
    defaults = Study().comparison
    assert tomllib.loads(settings)["comparison"] == {"measures": [defaults.method, *defaults.other_measures]}
