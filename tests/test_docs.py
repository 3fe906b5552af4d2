"""The examples in the documentation run, and what it says of settings is so."""

import importlib.util
import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from generate import PAGES, renewed
from normenc import cli, rsa
from normenc.runs.columns import TABLES
from normenc.study import Study, prepare, run
from normenc.study.settings import load_study

DOCS = Path(__file__).parents[1] / "docs"
BOARDS = ("leaderboard", "leaderboard_trial")


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / name).read_text(encoding="utf-8"), flags=re.DOTALL)


IN_ONE_PROCESS = (
    *("start.md", "norms.md", "measures.md", "design.md", "encoders.md", "peers.md"),
    *("recordings.md", "public_recordings.md", "tuning.md", "simulation.md", "encoding.md", "figures.md"),
)
DRIVER = """
import atexit, gc, json, os, sys
gc.disable()
atexit.register(gc.freeze)
for page, program in json.loads(sys.stdin.read()).items():
    os.mkdir(page)
    os.chdir(page)
    print("page", page)
    exec(compile(program, page, "exec"), {"__name__": "__main__"})
    os.chdir("..")
"""


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """What the Python blocks of each page print: one program a page, in a folder of its own, all in one process."""
    ignored = ("-W", "ignore::DeprecationWarning:rsatoolbox", "-W", "ignore::SyntaxWarning")  # of rsatoolbox, for peers
    done = subprocess.run(
        [sys.executable, "-W", "error", *ignored, "-c", DRIVER],
        input=json.dumps({page: "\n".join(blocks(page, "python")) for page in IN_ONE_PROCESS}),
        cwd=tmp_path_factory.mktemp("pages"),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    parts = re.split(r"^page (\S+)\n", done.stdout, flags=re.MULTILINE)[1:]
    return {page: text.splitlines() for page, text in zip(parts[::2], parts[1::2], strict=True)}


def test_the_examples_of_tasks_and_encoders_run(printed):
    score, preprocessing, layer = printed["encoders.md"]
    assert float(score) > 0.6  # the task of one's own is learned
    told = "colours as they are, grey to 3 channels, cut to 1:1 in the middle, resized to 64 x 64"
    assert preprocessing.startswith(told)
    assert layer == "<LayerResponses '0': 60 stimuli x 61,504 units, float32, on disk>"


def test_the_examples_of_recordings_run(printed):
    described = "mine: 12 stimuli x 30 neurons, 8 trials each, species not stated, area not stated"
    said = {
        "recordings.md": ["reliable 6", described],
        "simulation.md": ["Gabor energy"],
        "encoding.md": ["Gabor energy"],
        "figures.md": ["rdms.pdf", "rdms.svg"],
    }
    assert {page: printed[page] for page in said} == said
    assert {"public_recordings.md", "tuning.md"} < set(printed)  # they say nothing, and end well


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


@pytest.fixture(scope="module")
def calibration():
    """What the page on calibration says, its table, and the program that made it."""
    spec = importlib.util.spec_from_file_location("calibration", DOCS.parent / "benchmarks" / "calibration.py")
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    text = (DOCS / "calibration.md").read_text(encoding="utf-8")
    return text, pd.read_csv(DOCS / "calibration.csv").set_index("recording"), program


def test_the_page_on_calibration_counts_the_goals_that_its_table_reaches(calibration):
    text, table, program = calibration
    said = " ".join(text.split()).replace("error rates and coverages are within", "error rates and coverages within")
    assert program.goals(table) + "." in said.replace("power is at least", "power at least")
    shown = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|") and line.count("|") == 9]
    assert [row[0].strip() for row in shown[2:]] == list(table.index)
    for name, *cells in ([cell.strip(" *") for cell in row] for row in shown[2:]):
        numbers = [float(cell.replace("–", "nan")) for cell in cells]
        expected = table.loc[name].iloc[:7].to_numpy()
        assert numbers[:6] == pytest.approx(expected[:6], abs=1e-9, nan_ok=True)
        assert numbers[6] == pytest.approx(expected[6], abs=0.0051)  # two digits


def test_the_page_on_calibration_says_what_a_t_test_of_so_few_reaches(calibration):
    text, table, _ = calibration
    difference, reach = stats.norm.ppf(0.975) + stats.norm.ppf(0.8), stats.norm.ppf(0.975)
    oracle = stats.norm.sf(reach - difference) + stats.norm.cdf(-reach - difference)
    rows = re.findall(r"^  \| ([^|]+) \| (0\.\d+) \| (.+) \|$", text, flags=re.MULTILINE)
    assert {name for name, *_ in rows} == set(table.index[table["power of the oracle's"] < 0.85])
    for name, power, bounds in rows:
        assert float(power) == table.loc[name, "power of the oracle's"]
        for n, said in re.findall(r"(\d+) \w+: (0\.\d+)", bounds):
            dof = int(n) - 1
            critical = stats.t.ppf(0.975, dof)
            reached = stats.nct.sf(critical, dof, difference) + stats.nct.cdf(-critical, dof, difference)
            assert float(said) == pytest.approx(reached / oracle, abs=6e-4)


def test_the_page_on_calibration_has_the_table_of_measures_of_responses(monkeypatch):
    monkeypatch.syspath_prepend(DOCS.parent / "benchmarks")
    table = pd.read_csv(DOCS / "calibration_responses.csv")
    written = importlib.import_module("calibration_responses").page_table(table)
    assert written in (DOCS / "calibration.md").read_text(encoding="utf-8"), "calibration_responses.py --table"


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


def test_peers_can_be_gone_to_and_come_from(printed):
    similarity, nearest, feve = printed["peers.md"]
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
