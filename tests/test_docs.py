"""The examples in the documentation run, and what it says of settings is so."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

from generate import PAGES, renewed
from normenc import cli, rsa
from normenc.encoders import Naming
from normenc.runs import PICTURES, Run
from normenc.runs.columns import TABLES
from normenc.runs.schema import FILES
from normenc.study import Study, prepare, run
from normenc.study.settings import load_study
from normenc.study.tables import failure_table
from run_schema import check_columns, check_run

DOCS = Path(__file__).parents[1] / "docs"
BOARDS = ("leaderboard", "leaderboard_trial")


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / name).read_text(encoding="utf-8"), flags=re.DOTALL)


def test_the_examples_of_tasks_and_encoders_run(tmp_path):
    program = "\n".join(blocks("encoders.md", "python"))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=tmp_path,
        env=os.environ | {"OMP_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    score, preprocessing, layer = done.stdout.splitlines()
    assert float(score) > 0.6  # the task of one's own is learned
    told = "colours as they are, grey to 3 channels, cut to 1:1 in the middle, resized to 64 x 64"
    assert preprocessing.startswith(told)
    assert layer == "<LayerResponses '0': 60 stimuli x 61,504 units, float32, on disk>"


@pytest.mark.parametrize(
    "page", ["recordings.md", "public_recordings.md", "tuning.md", "simulation.md", "encoding.md", "figures.md"]
)
def test_the_examples_of_recordings_run(tmp_path, page):
    programs = blocks(page, "python")
    assert programs
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join(programs)], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    described = "mine: 12 stimuli x 30 neurons, 8 trials each, species not stated, area not stated"
    said = {
        "recordings.md": f"reliable 6\n{described}\n",
        "simulation.md": "Gabor energy\n",
        "encoding.md": "Gabor energy\n",
        "figures.md": "rdms.pdf\nrdms.svg\n",
    }
    assert done.stdout == said.get(page, done.stdout)


def test_the_recordings_section_is_one(tmp_path, monkeypatch):
    (tmp_path / "study.toml").write_text(blocks("recordings.md", "toml")[0])
    recording = load_study(tmp_path / "study.toml").recording[0]
    assert recording.preparation.window == [0.05, 0.55]
    assert recording.images == str(tmp_path / "scenes")


def test_an_own_task_takes_about_twenty_lines():
    text = blocks("encoders.md", "python")[0]
    lines = [line for line in text.split("@dataclass")[1].split("result =")[0].splitlines() if line.strip()]
    assert len(lines) <= 22


def test_the_sweeps_study_is_one():
    study = Study(**tomllib.loads(blocks("sweeps.md", "toml")[0]))
    assert len(prepare(study).units) == 2 * 2 * 5


@pytest.mark.parametrize("example", sorted((DOCS.parent / "examples").glob("*.toml")), ids=lambda path: path.stem)
def test_every_example_study_can_be_prepared(example):
    for study in load_study(example).per_recording():
        prepared = prepare(study)
        assert prepared.units or prepared.encoders


def test_the_winner_on_trial_is_trained_as_on_the_leaderboard_from_other_seeds():
    board, trial = (load_study(DOCS.parent / "examples" / f"{name}.toml") for name in BOARDS)
    (task,), (network,) = trial.task, trial.network
    own_task = next(own for own in board.task if own.name == task.name)
    own_network = next(own for own in board.network if own.title == network.title)
    assert (task.options, network.options) == (own_task.options, own_network.options)
    assert trial.training_of(task, network) == board.training_of(own_task, own_network)
    assert set(trial.layers_of(network)) < set(board.layers_of(own_network))
    assert not set(trial.seeds) & set(board.seeds)


def test_the_leaderboards_example_asks_only_for_other_seeds(tmp_path):
    orientation = np.arange(-90.0, 90.0, 15.0)
    np.savez(tmp_path / "v1.npz", rdm=rsa.rdm(np.random.default_rng(0).normal(size=(12, 30))), orientation=orientation)
    study = Study(
        stages=["represent", "compare"],
        recording={"source": str(tmp_path / "v1.npz")},
        task={"n_train": 50, "n_test": 20},
        network={"name": "FC"},
        stimuli={"resolution": 0.03},
        training={"n_seeds": 3, "n_epochs": 1},
        comparison={"layers": ["fc"], "generalise_to": ["seeds"], "n_samples": 2000, "other_measures": []},
    )
    found = run(study, out=tmp_path / "run", progress=False)
    namespace: dict = {}
    exec(blocks("leaderboard.md", "python")[0], namespace)
    (row,) = namespace["difference_over_seeds"](tmp_path / "run", "pixels").to_dict("records")
    table = found.similarity_by_seed.set_index("kind")["similarity"]
    expected = stats.ttest_1samp(table["trained layer"], table["control"].iloc[-1])
    assert found.similarity["encoder"].iloc[-1] == "pixels"
    assert row["difference"] == pytest.approx(table["trained layer"].mean() - table["control"].iloc[-1])
    assert row["p"] == pytest.approx(expected.pvalue, rel=0.1)  # of two thousand bootstrap samples


TOGETHER = ("start.md", "norms.md", "measures.md", "design.md")
DRIVER = """
import json, sys
for page, program in json.loads(sys.stdin.read()).items():
    print("page", page)
    exec(compile(program, page, "exec"), {"__name__": "__main__"})
"""


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """What the Python blocks of each page print: one program a page, all in one process, warnings as errors."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", DRIVER],
        input=json.dumps({page: "\n".join(blocks(page, "python")) for page in TOGETHER}),
        cwd=tmp_path_factory.mktemp("pages"),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    parts = re.split(r"^page (\S+)\n", done.stdout, flags=re.MULTILINE)[1:]
    return {page: text.splitlines() for page, text in zip(parts[::2], parts[1::2], strict=True)}


def test_the_example_of_the_first_steps_shows_that_fourier_wins(printed):
    similarity = {name: float(value) for name, value in (line.split(": ") for line in printed["start.md"])}
    assert list(similarity) == ["trained", "untrained", "Fourier"]
    assert similarity["Fourier"] > max(similarity["trained"], similarity["untrained"])


def test_the_example_of_norms_learns_its_task_and_moves_the_layer(printed):
    score, trained, untrained = printed["norms.md"]
    assert float(re.search(r": ([\d.]+), chance 45", score)[1]) < 10
    assert float(trained.rpartition(" ")[2]) > float(untrained.rpartition(" ")[2])


def test_formulas_of_measures_are_what_is_computed(printed):
    overlap, correlation, dimensions = printed["measures.md"]  # the page itself asserts the formulas
    assert 0 < float(overlap.removeprefix("overlap ")) < 1
    cosine, pearson = (float(value) for value in re.findall(r"-?\d\.\d+", correlation))
    assert cosine > 0.9 and abs(pearson) < 0.3  # the cosine of unrelated RDMs is high, as the page warns
    assert dimensions.startswith("gOSI 0.34")


def test_the_page_of_measures_names_all_of_them():
    text = (DOCS / "measures.md").read_text(encoding="utf-8")
    for metric in (*rsa.METRICS, *rsa.CROSS_VALIDATED):
        assert f'"{metric}"' in text, metric
    flat = {"undefined": "no similarity", "defined unless 0": "has one, unless all are 0", "defined": "has one"}
    for name, measure in rsa.MEASURES.items():
        assert f"### `{name}`" in text, name
        low, high = (f"{end:g}".replace("-", "−") for end in measure.range)
        row = f"| `{name}` | {measure.symbol} | {measure.formula} | {low} to {high} | {flat[measure.flat]} |"
        assert row in text, row
    for name, own in rsa.REPRESENTATION_MEASURES.items():
        assert f"| `{name}` | {own.symbol} | {own.formula} |" in text, name
    for function in ("bures_similarity", "corrected_cka", "soft_matching", "partial_soft_matching"):
        assert f"rsa.{function}(" in text, function
    for function in ("one_to_one_correlation", "stochastic_shape_distance", *rsa.alignment.__all__):
        if function not in ("ALIGNMENTS", "compare_representations"):
            assert f"rsa.{function}(" in text, function
    parts = re.split(r"^### ", text.split("## Sources")[0], flags=re.MULTILINE)[1:]
    for part in parts:
        assert all(f"**{word}:**" in part for word in ("Range", "Not for", "Source")), part.splitlines()[0]


def test_recipes_run(torchvision, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    exec(compile("\n".join(blocks("recipes.md", "python")), "recipes.md", "exec"), {"__name__": "__main__"})
    mouse, compared, similarities, sklearn, described, sizes, error, shapes, *table, summary = (
        capsys.readouterr().out.splitlines()
    )
    assert mouse == "12 10 reliable 6"
    assert similarities == "['fc', 'fc, untrained', 'pixels']"
    r_squared, rho = (float(part.split()[-1]) for part in sklearn.split(","))
    assert 0.7 < r_squared < 1 and 0.7 < rho < 1  # noisy neurons that are tuned by the ring
    assert compared.startswith("<Inference: 1 model by pearson, noise ceiling 0.")
    assert shapes == "{'conv1': (12, 802816), 'fc': (12, 1000)}"
    assert described.startswith("mine: 12 stimuli x 20 neurons, 4 trials each")
    assert sizes == "48 20"  # read back from NWB
    assert float(error.split()[0]) < 20
    assert table[0].split() == ["model", "similarity", "low", "high", "p_permutations"]
    assert summary.startswith("(10, ")


def test_the_control_of_the_design_page_is_an_encoder(printed):
    assert printed["design.md"] == ["(4, 4) (4, 4)"]


def test_peers_can_be_gone_to_and_come_from(tmp_path):
    ignored = ("-W", "ignore::DeprecationWarning", "-W", "ignore::SyntaxWarning")  # rsatoolbox's
    done = subprocess.run(
        [sys.executable, "-W", "error", *ignored, "-c", "\n".join(blocks("peers.md", "python"))],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    similarity, nearest, feve = done.stdout.splitlines()
    assert 0.9 < float(similarity.strip("[]")) < 1
    assert nearest == "animals layer1"
    assert float(feve.split()[1]) == pytest.approx(0.9, abs=0.1)  # an error of 0.3 leaves 1 - 0.09


def commands(page: Path) -> list[str]:
    """Lines of a page's plain blocks that call normenc."""
    plain = re.findall(r"^```\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    lines = [line.split(" # ")[0].strip() for block in plain for line in block.splitlines()]
    return [line.removeprefix("next: ") for line in lines if re.match(r"(next: )?normenc [a-z-]", line)]


@pytest.mark.parametrize("page", [DOCS.parent / "README.md", *sorted(DOCS.glob("*.md"))], ids=lambda path: path.stem)
def test_commands_on_pages_are_commands_with_their_options(page):
    import typer

    for line in commands(page):
        command = typer.main.get_command(cli.app)
        words = shlex.split(line)[1:]
        while hasattr(command, "commands") and words and words[0] in command.commands:
            command = command.commands[words.pop(0)]
        known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        given = {word.split("=")[0] for word in words if word.startswith("--")}
        assert given <= known, line
        assert not hasattr(command, "commands") or not words or words[0].startswith("--") or words[0] == "recordings", (
            line
        )


def test_what_readme_runs_is_there():
    text = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"examples/\w+\.(?:toml|py)", text))
    assert {"examples/two_days.py", "examples/leaderboard.toml"} <= named
    assert all((DOCS.parent / name).is_file() for name in named)
    # After the set-up that the page names: no file that a reader does not have, but those that the page itself makes.
    files = set(re.findall(r"--recording (\S+)", "\n".join(commands(DOCS.parent / "README.md"))))
    assert files <= {"two_days/mouse.npy", "stringer2021"}


def test_studies_on_pages_are_studies():
    norms = Study(**tomllib.loads(blocks("norms.md", "toml")[0]))
    assert len(prepare(norms).units) == 2 * 5
    areas, amounts = (Study(**tomllib.loads(text)) for text in blocks("recipes.md", "toml"))
    assert [part.recording[0].region for part in areas.per_recording()] == [None, ["LM"]]
    assert amounts.power.n_animals == [1, 3]


NOT_WRITTEN = {"animals.csv", "between_animals.csv", "failures.csv", "report.html"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run that writes all that a run of one animal can write, but failures."""
    study = Study(
        recording={"source": "simulated-v1", "n_neurons": 30, "bin_width": 5},
        stimuli={"resolution": 0.05},
        task={"n_train": 60, "n_test": 40},
        network={"name": "ConvPoolFC", "pool_size": 4, "n_channels": 3},
        training={"n_epochs": 2, "n_untrained": 2, "checkpoints": [1]},
        comparison={"n_samples": 60, "n_permutations": 19, "other_measures": ["spearman"], "controls": ["pixels"]},
        encoding={"enabled": True, "networks": ["point readout"], "max_epochs": 2, "n_folds": 2, "n_samples": 60},
    )
    return run(study, tmp_path_factory.mktemp("runs") / "all", progress=False, device="cpu").folder


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


@pytest.mark.parametrize("page", PAGES)
def test_what_the_code_knows_stands_on_the_pages(page):
    text = (DOCS.parent / page).read_text(encoding="utf-8")
    assert text == renewed(text), "run `python docs/generate.py`"


def test_the_page_of_a_runs_folder_holds_every_table():
    text = (DOCS / "run_folder.md").read_text(encoding="utf-8")
    for name in ("files", "arrays", *TABLES):
        assert f"<!-- {name}: written by docs/generate.py -->" in text
    for table in TABLES.values():
        assert all(f"`{column.name}`" in text for column in table.columns)


def test_the_page_of_a_runs_folder_tells_what_arrays_hold(folder):
    with xr.open_dataset(folder / "rdms.nc") as rdms, xr.open_dataset(folder / "populations.nc") as populations:
        assert rdms["population"].to_numpy()[0] == "simulated-v1"
        largest = max(size for name, size in populations.sizes.items() if str(name).startswith("unit_"))
        assert largest == 200  # of the pixels
    weights = {path.name for path in (folder / "models").iterdir()}
    stems = ("ConvPoolFC_seed12", "ConvPoolFC_seed12_untrained", "fitted_point_readout_seed0")
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
    assert capsys.readouterr().out == "<Run: reference and simulated-v1, 5 encoders, in all>\n"


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
