"""The command as people meet it."""

import io
import json
import os
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from normenc import cli, recordings
from normenc.cli import printing
from normenc.rsa.ceiling import Ceiling
from normenc.study import load_study

SMALL = """
[recording]
source = "simulated-v1"
n_neurons = 30
[stimuli]
resolution = 0.05
[task]
n_train = 40
n_test = 20
[network]
pool_size = 4
[training]
n_epochs = 2
"""

FEWEST = """
[comparison]
n_samples = 60
n_permutations = 19
other_measures = []
controls = ["pixels"]
"""
FEW = SMALL.replace("n_neurons = 30", "n_neurons = 30\nbin_width = 15") + FEWEST


def test_reference_study_on_real_v1(normenc, v1_file, tmp_path):
    example = Path(__file__).parents[1] / "examples" / "reference.toml"
    code, out, _ = normenc("run", example, "--recording", v1_file, "--out", "v1", "--stages", "represent,compare")
    assert code == 0
    table = pd.read_csv(tmp_path / "v1" / "similarity.csv")
    assert set(table["recording"]) == {"v1_rdm_digitised"}
    found = table.set_index(["network", "layer", "kind"])["similarity"]
    assert found["ConvPoolFC", "pool", "trained layer"] == pytest.approx(0.725, abs=0.01)
    assert found["ConvPoolFC", "fc", "trained layer"] == pytest.approx(0.567, abs=0.01)
    assert found["ConvPoolFC", "pool", "untrained twin"] == pytest.approx(0.726, abs=0.01)
    assert found["Fourier amplitude", "amplitude", "control"] == pytest.approx(0.883, abs=0.001)
    assert found["pixels", "pixels", "control"] == pytest.approx(0.558, abs=0.001)
    assert "0.883" in out
    assert str(Path("v1") / "report.html") in out
    page = (tmp_path / "v1" / "report.html").read_text(encoding="utf-8")
    assert "no animal was recorded" not in page
    assert found["ConvPoolFC", "fc", "untrained twin"] == pytest.approx(0.362, abs=0.01)  # mean of seeds 12 to 16
    assert found["Gabor energy", "energy", "control"] == pytest.approx(0.874, abs=0.01)
    assert found["orientation model", "orientation", "control"] == pytest.approx(0.855, abs=0.001)
    # An RDM has no factor of its own, and orientations at this spacing are all there are. As a sample of orientations:
    assert set(table["resampled"]) == {"seeds"}
    beside = pd.read_csv(tmp_path / "v1" / "differences_by_scope.csv").query("other_kind == 'untrained twin'")
    pool = beside.set_index("layer").loc["pool"]
    assert pool["difference"] == pytest.approx(0, abs=0.005) and pool["p_holm"] > 0.05
    assert pool["generalises_to"] == "stimuli seeds"
    assert "There is no noise ceiling: a single RDM contains no information about its noise" in page
    assert "no noise ceiling: a single RDM" in out
    # Published bars, with the reading error of the digitised matrix.
    assert found["ConvPoolFC", "pool", "trained layer"] == pytest.approx(0.717, abs=0.015)
    assert found["ConvPoolFC", "fc", "trained layer"] == pytest.approx(0.564, abs=0.015)


FOLDER = Path("runs") / "small-simulated-v1"


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The folder in which the study of few stimuli was run, whole; exit code, output and errors. Only read."""
    folder = tmp_path_factory.mktemp("ran")
    (folder / "small.toml").write_text(FEW)
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as here, redirect_stdout(out), redirect_stderr(err):
        here.chdir(folder)
        here.setenv("NORMENC_CACHE", str(folder / "cache"))
        here.setattr("normenc.progress_showing.QUIET_EVERY", 3600.0)  # however slow the machine is
        here.setattr(sys, "argv", ["normenc", "run", "small.toml", "--seed", "3"])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
            raise SystemExit(0)
    return folder, stopped.value.code or 0, out.getvalue(), err.getvalue()


def test_a_run_says_what_it_found_and_where(ran, normenc, tmp_path):
    folder, code, out, err = ran
    assert (code, err) == (0, "")
    assert "simulated" in out
    assert str(FOLDER / "report.html") in out
    assert (folder / FOLDER / "report.html").is_file()
    assert set(pd.read_csv(folder / FOLDER / "training.csv")["seed"]) == {3}
    (tmp_path / "small.toml").write_text(FEW)
    shutil.copytree(folder / FOLDER, tmp_path / FOLDER)
    code, _, err = normenc("run", "small.toml")
    assert code == 2
    assert "pass --force" in err
    assert normenc("run", "small.toml", "--force", "--stages", "represent,compare")[0] == 0


def npz(path: Path, **arrays) -> Path:
    np.savez(path, **arrays)
    return path


def bad_inputs(folder: Path) -> dict[str, tuple[list, str]]:
    """Command line and a part of its message, by name."""
    (folder / "small.toml").write_text(SMALL)
    (folder / "broken.toml").write_text("[training\n")
    (folder / "unknown.toml").write_text("[training]\nepochs = 3\n")
    (folder / "type.toml").write_text('[training]\nn_epochs = "many"\n')
    (folder / "value.toml").write_text("[network]\nfilter_size = 8\n")
    (folder / "pool.toml").write_text("[stimuli]\nresolution = 0.01\n")
    (folder / "layer.toml").write_text('[comparison]\nlayers = ["out"]\n')
    (folder / "wild.toml").write_text(SMALL + "learning_rate = 1e30\n")
    (folder / "latin.toml").write_bytes(b"# \xe9\n")
    (folder / "text.npz").write_text("no archive")
    (folder / "empty.npz").touch()
    (folder / "full").mkdir()
    (folder / "full" / "thesis.tex").touch()
    flat = np.random.default_rng(0).normal(size=(6, 5))
    flat[2] = 1
    degrees = np.arange(6.0) * 30
    return {
        "no such study": (["nothing.toml"], "nothing.toml: there is no such study file"),
        "a folder as study": (["full"], "cannot be read"),
        "broken TOML": (["broken.toml"], "not valid TOML"),
        "unknown key": (["unknown.toml"], "training.epochs: there is no such key"),
        "wrong type": (["type.toml"], "training.n_epochs: given 'many'"),
        "impossible value": (["value.toml"], "filter_size is 8"),
        "image smaller than pool": (["pool.toml"], "pool_size is 8 but images are 5 x 7"),
        "layer of one unit": (["layer.toml"], "comparison.layers: given 'out'"),
        "diverging": (["wild.toml"], "training diverged"),
        "not UTF-8": (["latin.toml"], "UTF-8"),
        "no such recording": (["small.toml", "--recording", "monkey"], "monkey: there is no such file"),
        "not fetched": (["small.toml", "--recording", "stringer2021"], "normenc recordings fetch stringer2021"),
        "folder as recording": (["small.toml", "--recording", "full"], "full: this is a folder"),
        "no archive": (["small.toml", "--recording", "text.npz"], "text.npz: "),
        "empty file": (["small.toml", "--recording", "empty.npz"], "empty.npz: "),
        "wrong arrays": (["small.toml", "--recording", npz(folder / "a.npz", x=1)], "a.npz: it holds x; it must hold"),
        "disagreeing": (
            ["small.toml", "--recording", npz(folder / "b.npz", resp=flat, stimuli=degrees[:5])],
            "b.npz: 'stimuli' has shape (5,) but 'resp' has 6 rows",
        ),
        "not finite": (
            ["small.toml", "--recording", npz(folder / "c.npz", resp=flat * np.nan, stimuli=degrees)],
            "c.npz: 30 of 30 responses are missing",
        ),
        "constant stimulus": (
            ["small.toml", "--recording", npz(folder / "d.npz", resp=flat, stimuli=degrees)],
            "stimulus 2 (orientation -30.0) has the same response",
        ),
        "pickled": (
            ["small.toml", "--recording", npz(folder / "e.npz", resp=np.array([{}, 1]), stimuli=degrees)],
            "e.npz: resp holds pickled Python objects, which are never loaded",
        ),
        "too few stimuli": (
            ["small.toml", "--recording", npz(folder / "f.npz", resp=flat[3:], stimuli=degrees[3:])],
            "it has 3 stimuli",
        ),
        "device": (["small.toml", "--device", "abacus"], "device is 'abacus'"),
        "seed": (["small.toml", "--seed", -1], "seed: given -1"),
        "file as folder": (["small.toml", "--out", "small.toml"], "small.toml: this is a file"),
        "folder in use": (["small.toml", "--out", "full", "--force"], "full: this folder holds something other"),
        "folder below a file": (["small.toml", "--out", "small.toml/run"], "small.toml"),
    }


NAMES = [
    "no such study", "a folder as study", "broken TOML", "unknown key", "wrong type", "impossible value",
    "image smaller than pool", "layer of one unit", "diverging", "not UTF-8", "no such recording", "not fetched",
    "folder as recording", "no archive", "empty file", "wrong arrays", "disagreeing", "not finite",
    "constant stimulus", "pickled", "too few stimuli", "device", "seed", "file as folder", "folder in use",
    "folder below a file",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_bad_input_ends_in_one_message_and_no_folder(normenc, tmp_path, name):
    inputs = bad_inputs(tmp_path)
    assert list(inputs) == NAMES
    arguments, message = inputs[name]
    before = sorted(tmp_path.rglob("*"))
    code, out, err = normenc("run", *arguments)
    assert code in (1, 2)
    assert message in err
    assert "Traceback" not in err
    assert err.count("normenc: error: ") == 1
    assert out == ""
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "arguments",
    [["run", "--speed", "3"], ["rum"], ["run", "a.toml", "b.toml"], ["run", "--seed", "many"], ["recordings", "fetch"]],
)
def test_a_wrong_command_line_is_exit_2(normenc, tmp_path, arguments):
    code, _, err = normenc(*arguments)
    assert code == 2
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_recordings_are_listed(normenc):
    code, out, _ = normenc("recordings")
    assert code == 0
    for part in ("simulated-v1", "stringer2021", "mouse", "yes"):
        assert part in out


def test_fetch_names_what_there_is(normenc):
    code, _, err = normenc("recordings", "fetch", "monkey")
    assert code == 2
    assert "there is no recording 'monkey'; the names are simulated-v1, " in err


def test_version_and_help(normenc):
    import normenc as package

    assert normenc("--version")[1] == f"normenc {package.__version__}\n"
    code, out, _ = normenc("run", "--help")
    assert code == 0
    for option in ("--recording", "--out", "--seed", "--device", "--force"):
        assert option in out


def commands():
    import typer

    group = typer.main.get_command(cli.app)
    found = {(name,): command for name, command in group.commands.items()}
    return found | {("recordings", name): command for name, command in group.commands["recordings"].commands.items()}


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_no_help_text_is_swallowed(normenc, words):
    code, out, _ = normenc(*words, "--help")
    said = "".join(out.split())
    command = commands()[words]
    assert code == 0
    assert "".join(command.help.split()) in said
    for parameter in command.params:
        assert "".join((parameter.help or "").split()) in said, parameter.name
    _, listed, _ = normenc(*words[:-1], "--help")
    assert "".join(command.get_short_help_str(200).split()) in "".join(listed.split())


def test_power_says_in_which_section_its_settings_stand(normenc):
    assert "section[power]" in "".join(normenc("power", "--help")[1].split())


def test_jobs_is_the_old_name_of_workers(normenc, tmp_path):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine.txt").touch()
    code, _, said = normenc("power", "--out", "taken", "--jobs", 1)
    assert (code, said.count("--jobs is now called --workers; the old name works in this version only")) == (2, 1)
    code, _, said = normenc("power", "--out", "taken", "--jobs", 1, "--workers", 1)
    assert (code, "--jobs and --workers are one option; give --workers alone" in said) == (2, True)


def test_the_tab_key_completes_commands_and_options(tmp_path):
    program = "import sys; sys.argv = ['normenc']; from normenc.cli import main; main()"
    for line, place, expected in (("normenc po", 1, "power"), ("normenc run --see", 2, "--seed")):
        environment = {"_NORMENC_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(place)}
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, env=os.environ | environment, cwd=tmp_path
        )
        assert expected in done.stdout.split(), done.stderr


def test_an_interrupt_leaves_nothing(normenc, tmp_path, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("normenc.study.units.train", interrupt)
    code, _, err = normenc("run", "--out", "run")
    assert code == 130
    assert "nothing was written" in err
    assert list(tmp_path.iterdir()) == []


def test_heavy_packages_load_when_first_used():
    heavy = "{'torch', 'sklearn', 'matplotlib', 'pandas', 'xarray', 'scipy', 'pydantic', 'pooch', 'jinja2'}"
    program = f"import sys, normenc, normenc.cli; print(*({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr.strip()) == ("", "")
    program = (
        f"import sys; sys.argv = ['normenc', '--help']\nfrom normenc.cli import main\ntry: main()\n"
        f"finally: print(*({heavy} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""
    assert "run" in done.stdout


@pytest.fixture
def mine(tmp_path):
    trials = recordings.simulated_v1(60, n_repeats=4, n_stimuli=24)
    np.savez(tmp_path / "mine.npz", **recordings.contaminate(trials))
    np.savez(tmp_path / "shuffled.npz", **recordings.contaminate(trials, shuffled=True))
    arrays = recordings.contaminate(trials)
    np.savez(tmp_path / "named.npz", F=arrays["responses"], theta=arrays["orientation"])
    return trials


def test_check_fits_one_screen_and_says_what_counts(normenc, mine):
    code, out, err = normenc("check", "mine.npz")
    assert (code, err) == (0, "")
    assert len(out.splitlines()) <= 24
    assert "24 orientations, −90 to 90 degrees from vertical (period 180)" in out
    assert "60 neurons, 96 trials, 4 per stimulus" in out
    assert "verdict: reliable" in out
    code, out, _ = normenc("check", "shuffled.npz")
    assert code == 0
    assert "verdict: unreliable" in out
    assert "no model comparison on this recording means anything" in out


def test_check_as_json(normenc, mine):
    code, out, _ = normenc("check", "mine.npz", "--json", "--bin-width", "30")
    assert code == 0
    found = json.loads(out)
    assert (found["verdict"], found["n_neurons"], found["kind"]) == ("reliable", 60, "orientation")
    assert found["n_stimuli"] == 6  # bins centred on -90 (and 90), -60, ..., 60
    assert found["rdm"]["reliability"] > 0.3


def test_names_and_preparations_are_the_same_for_check_and_run(normenc, mine, tmp_path):
    code, _, err = normenc("check", "named.npz")
    assert code == 2
    assert err.startswith("normenc: error: named.npz: it holds F (96, 60), theta (96,); it must hold 'responses'")
    options = ("--map", "responses=F,orientation=theta", "--z-score")
    code, out, _ = normenc("check", "named.npz", *options)
    assert code == 0
    assert "z-scored each neuron over stimuli" in out
    (tmp_path / "small.toml").write_text(SMALL + FEWEST)
    code, out, _ = normenc(
        "run", "small.toml", "--recording", "named.npz", *options, "--out", "run", "--stages", "represent,compare"
    )
    assert code == 0
    assert "split halves of the repeated trials" in out
    study = load_study(tmp_path / "run" / "study.toml")
    assert study.recording[0].preparation.given() == {
        "names": {"responses": "F", "orientation": "theta"},
        "z_score": True,
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--map", "responses"), "--map responses: each part must be NAME=OWN, as in responses=F,orientation=theta"),
        (("--map", "responses=F"), "there is no array 'F' (for responses)"),
        (("--window", "0"), "window is '0'; it must be two times in seconds"),
        (("--window", "0,1"), "--window, --baseline and --times are for responses with an axis of time"),
        (("--angles", "turns"), "angles is 'turns'; it must be one of degrees, radians"),
        (("--fold",), "only directions can be folded"),
        (("--region", "V1"), "the neurons have no label 'region'"),
        (("--images", "nowhere"), "there is no such folder; give a folder of images"),
    ],
)
def test_impossible_preparations_are_named(normenc, mine, options, message):
    code, _, err = normenc("check", "mine.npz", *options)
    assert code == 2
    assert message in err
    assert len(err.splitlines()) == 1


def test_figures_are_drawn_again_for_a_paper(ran, normenc, tmp_path, monkeypatch):
    monkeypatch.setattr("normenc.progress_showing.QUIET_EVERY", 3600.0)  # however slow the machine is
    (tmp_path / "small.toml").write_text(FEW)
    shutil.copytree(ran[0] / FOLDER, tmp_path / "run")
    code, out, err = normenc(
        "figures", "run", "--only", "rdms,similarity_bars", "--format", "pdf,png", "--width", "85mm"
    )
    assert (code, err) == (0, "")
    folder = Path("run") / "figures" / "85mm"
    assert out.split() == [
        str(folder / f"{name}.{kind}") for name in ("rdms", "similarity_bars") for kind in ("pdf", "png")
    ]
    code, out, err = normenc("figures", "run", "--only", "rdms,example_stimuli", "--width", "30 mm")
    assert code == 1
    assert out.split() == [str(Path("run") / "figures" / "30mm" / "example_stimuli.pdf")]
    assert err.startswith("normenc: rdms cannot be read at 30 mm: ")
    for options, message in {
        ("--only", "rmds"): "there is no figure 'rmds'; this run has example_stimuli, rdms, embeddings",
        ("--format", "tiff"): "the format is tiff; it must be some of png, svg, pdf",
        ("--width", "5"): "the width is '5', which is 5 mm; it must be between 20 and 400 mm",
        ("--width", "wide"): "the width is 'wide'; give it as in 85mm, 8.5cm, 3.3in",
        ("--out", "small.toml"): "small.toml: this folder cannot be made",
    }.items():
        code, _, err = normenc("figures", "run", *options)
        assert code == 2
        assert err.startswith(f"normenc: error: {message}")
    code, _, err = normenc("figures", "nowhere")
    assert code == 2
    assert "nowhere: there is no such folder; give the folder of a run, as `normenc run` writes it" in err


@pytest.mark.parametrize("stages", ["", ",", " "])
def test_stages_that_name_none_are_refused(normenc, tmp_path, stages):
    code, _, err = normenc("run", "--stages", stages, "--out", "new")
    assert code == 2 and "stages" in err
    assert not (tmp_path / "new").exists()


def test_a_width_of_bins_of_0_is_a_value_too(normenc):
    code, _, err = normenc("run", "--bin-width", "0", "--out", "new")
    assert code == 2 and "bin_width" in err.replace("--bin-width", "bin_width")


CEILINGS = (("neurons", 0.97, 0.97), ("repeats", 0.25, 0.61), ("no formula", np.nan, np.nan))


def test_the_noise_ceiling_is_one_number_where_its_bounds_are_alike():
    kinds = {kind: Ceiling(kind, lower, upper) for kind, lower, upper in CEILINGS}
    assert [printing._ceiling(ceiling, ceiling.describe()) for ceiling in kinds.values()] == [
        "noise ceiling: 0.970, from split halves of the neurons",
        "noise ceiling: 0.250 to 0.610, from split halves of the repeated trials",
        "no noise ceiling: halves of a recording give a ceiling only for correlation measures",
    ]


def test_an_interval_that_is_unknown_is_said_so(normenc, tmp_path):
    responses = np.random.default_rng(0).normal(size=(4, 9))
    np.savez(tmp_path / "four.npz", responses=responses, orientation=np.arange(4) * 45 - 90)
    (tmp_path / "quick.toml").write_text(SMALL + FEWEST)
    code, out, _ = normenc("run", "--stages", "represent,compare", "quick.toml", "--recording", "four.npz")
    assert code == 0
    assert "–" in out and "nan" not in out
