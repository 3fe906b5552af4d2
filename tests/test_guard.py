"""How a command ends: always with an exit code and at most one line."""

import os
import signal
import subprocess
import sys
import time
import warnings
from functools import wraps
from pathlib import Path

import numpy as np
import pytest

from normenc import recordings
from normenc.cli.printing import warnings_in_one_line
from normenc.errors import InputError, NormencWarning, quoted, shortened

PROGRAM = "import sys; from normenc.cli import main; sys.exit(main())"
WRONG = {  # command lines that each command refuses with exit code 2, and a part of what is said
    "run": (["nothing.toml"], "there is no such study file"),
    "check": (["nothing.npz"], "there is no such file"),
    "power": (["nothing.toml"], "there is no such study file"),
    "figures": (["nothing"], "nothing"),
    "compare": (["nothing", "other"], "nothing: there is no such folder"),
    "open": (["nothing", "--no-browser"], "nothing"),
    "doctor": (["--last"], "there is no report"),
    "recordings": (["fetch", "monkey"], "there is no recording"),
    "identify": (["nothing.toml"], "there is no such study file"),
    "design": (["nothing.toml"], "there is no such study file"),
    "report": (["nothing"], "nothing"),
    "reproduce": (["nothing"], "no publication has this name"),
    "export": (["nothing", "--zip"], "nothing"),
    "verify": (["nothing.zip"], "nothing.zip"),
    "examples": (["nothing"], "no example has this name"),
}
WITHOUT_INPUT = {"schema"}


def test_all_commands_are_tried_with_bad_input():
    from typer.main import get_command

    from normenc.cli import app

    assert set(get_command(app).commands) == set(WRONG) | WITHOUT_INPUT


@pytest.mark.parametrize("command", WRONG)
def test_every_command_refuses_bad_input_in_one_line_and_exit_2(normenc, command):
    arguments, message = WRONG[command]
    code, _, err = normenc(command, *arguments)
    assert code == 2
    assert message in err
    assert len(err.splitlines()) == 1
    code, _, err = normenc(command, "--no-such-option")
    assert code == 2
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "error, code, said",
    [
        (KeyboardInterrupt(), 130, "normenc: interrupted"),
        (InputError("say which"), 2, "normenc: error: say which"),
        (OSError(28, "No space left", "a.csv"), 1, "normenc: error: a.csv: the disk is full"),
        (ConnectionError("nobody answers"), 1, "normenc: error: nobody answers"),
        (MemoryError(), 1, "normenc: error: there is not enough memory"),
        (KeyError("x"), 1, "normenc: error: this is a bug in normenc (KeyError: 'x')"),
    ],
    ids=["interrupted", "input", "disk", "network", "memory", "bug"],
)
def test_exit_codes_are_the_same_for_all_commands(normenc, monkeypatch, error, code, said):
    from typer.main import get_command

    from normenc.cli import app
    from normenc.cli.recordings import recordings_app

    for typed in [*app.registered_commands, *recordings_app.registered_commands]:

        @wraps(typed.callback)
        def fails(*arguments, **options):
            raise error

        monkeypatch.setattr(typed, "callback", fails)
    commands = get_command(app).commands
    lines = {(name,): command for name, command in commands.items() if name != "recordings"}
    lines |= {("recordings", name): command for name, command in commands["recordings"].commands.items()}
    assert len(lines) > 14
    for line, command in lines.items():
        assert not any(given.required for given in command.params if given.param_type_name == "option"), line
        needed = ["x" for given in command.params if given.required]
        ended, out, err = normenc(*line, *needed)
        assert (ended, out, len(err.splitlines())) == (code, "", 1), line
        assert err.startswith(said)


@pytest.mark.parametrize("error", [RuntimeError("cannot " + "x" * 9000), RecursionError(), ZeroDivisionError("a\nb")])
def test_the_unexpected_is_one_line_and_a_file_for_a_report(normenc, tmp_path, monkeypatch, error):
    def fails(*arguments, **options):
        secret = 0.123456789  # a value, which no report may hold  # noqa: F841
        raise error

    monkeypatch.setattr("normenc.quality.check", fails)
    code, out, err = normenc("check", "simulated-v1", "--seed", "5")
    assert (code, out, len(err.splitlines())) == (1, "", 1)
    assert type(error).__name__ in err
    assert len(err) < 800
    (report,) = (tmp_path / "cache" / "reports").iterdir()
    assert str(report) in err
    assert os.name != "posix" or report.stat().st_mode & 0o777 == 0o600
    text = report.read_text()
    for part in ("normenc check simulated-v1 --seed 5", "Traceback", "in fails", "torch", "Python"):
        assert part in text
    assert "0.123456789" not in text.replace("secret = 0.123456789", "")
    code, out, _ = normenc("doctor", "--last")
    assert code == 0
    assert out.splitlines()[2:] == text.splitlines()
    assert "1, the last is shown by: normenc doctor --last" in normenc("doctor")[1]


def test_a_cache_that_cannot_be_written_hides_no_error(normenc, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr("normenc.quality.check", lambda *a, **o: 1 / 0)
    monkeypatch.setenv("NORMENC_CACHE", str(tmp_path / "file"))
    code, _, err = normenc("check", "simulated-v1")
    assert code == 1
    assert "ZeroDivisionError: division by zero); run the same command with --debug" in err


@pytest.mark.parametrize("place", ["before", "after", "environment"])
def test_debug_shows_where_an_error_was_raised(normenc, monkeypatch, place):
    words = {"before": ["--debug", "check", "no.npz"], "after": ["check", "no.npz", "--debug"]}
    monkeypatch.setenv("NORMENC_DEBUG", "1" if place == "environment" else "0")
    code, _, err = normenc(*words.get(place, ["check", "no.npz"]))
    assert code == 2
    assert "Traceback" in err
    assert err.splitlines()[-1].startswith("normenc: error: no.npz: there is no such file")


def test_doctor_says_what_is_there_and_what_is_missing(normenc, tmp_path, monkeypatch):
    code, out, err = normenc("doctor")
    assert (code, err) == (0, "")
    for part in ("normenc ", "torch: built for", "threads: ", "not made yet; it can be written", "simulated-v1: here"):
        assert part in out
    assert "stringer2021: not here: normenc recordings fetch stringer2021" in out
    monkeypatch.setitem(sys.modules["normenc.cli.doctor"].EXTRAS, "no-such-package", ("zarr", "what is missing"))
    assert "no-such-package is not installed: pip install 'normenc[zarr]'" in normenc("doctor")[1]


@pytest.mark.parametrize("command", [["check", "simulated-v1"], ["compare", "a", "b"]], ids=" ".join)
@pytest.mark.parametrize("seconds", [0.1, 0.3])
def test_ctrl_c_during_start_is_one_line_and_exit_130(posix, tmp_path, command, seconds):
    environment = os.environ | {"NORMENC_CACHE": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-c", f"from normenc.cli import main; print(flush=True); {PROGRAM}", *command],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=tmp_path,
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.readline()  # from here on main() answers for it
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=600)
    if process.returncode != 2:  # it was done before
        assert (process.returncode, err) == (130, "normenc: interrupted\n")


def test_a_reader_that_leaves_early_is_no_fault(posix, tmp_path):
    command = f'"{sys.executable}" -c "{PROGRAM}" recordings | head -1; exit ${{PIPESTATUS[0]}}'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode in (0, 1)
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_a_full_disk_behind_the_output_is_one_line(tmp_path):
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, "recordings"], stdout=full, stderr=subprocess.PIPE, text=True, cwd=tmp_path
        )
    assert done.returncode == 1
    assert "normenc: error: " in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_messages_are_never_a_wall():
    assert len(str(InputError("x" * 10**6))) <= 2000
    assert shortened("abc") == "abc"
    for text in ("x" * 81, "x" * 10**6):
        short = shortened(text, 80)
        assert len(short) <= 80
        assert short.startswith("x")
    assert quoted(10**6000) == "a number of about 6,000 digits"
    assert len(quoted(["x" * 500])) <= 80


@pytest.mark.parametrize("scale", [1e300, -1e300, 1e155, 1e-300, 1e-160])
def test_responses_that_cannot_be_squared_are_named(normenc, tmp_path, scale):
    arrays = recordings.contaminate(recordings.simulated_v1(20, n_repeats=4, n_stimuli=12))
    arrays["responses"] = arrays["responses"].astype(float) * scale
    np.savez(tmp_path / "mine.npz", **arrays)
    code, _, err = normenc("check", "mine.npz")
    assert code == 2, err
    assert "to be squared" in err
    assert len(err.splitlines()) == 1


def test_a_layer_that_is_left_out_is_exit_1(normenc, tmp_path):
    (tmp_path / "dead.toml").write_text(
        '[recording]\nsource = "simulated-v1"\nn_neurons = 30\nbin_width = 15\n[stimuli]\nresolution = 0.05\n'
        "[task]\nn_train = 40\nn_test = 20\n[network]\npool_size = 4\nn_hidden = 2\n"
        '[training]\nn_epochs = 2\nlearning_rate = 1.0\n[comparison]\nlayers = ["pool", "fc_relu"]\n'
        'n_samples = 60\nn_permutations = 19\nother_measures = []\ncontrols = ["pixels"]\n'
    )
    code, _, err = normenc("run", "--stages", "represent,compare", "dead.toml")
    assert code == 1
    assert "layer fc_relu is left out" in err
    assert (tmp_path / "runs" / "dead-simulated-v1" / "report.html").is_file()


@pytest.mark.parametrize(("number", "code"), [(15, 143), (1, 129)], ids=["SIGTERM", "SIGHUP"])
def test_a_command_that_is_told_to_end_says_so_and_leaves_nothing(posix, tmp_path, number, code):
    (tmp_path / "tmp").mkdir()
    environment = os.environ | {"NORMENC_CACHE": str(tmp_path / "cache"), "TMPDIR": str(tmp_path / "tmp")}
    program = (
        "import os, normenc.study.evaluation as stage\n"
        f"stage.represent = lambda *given, **options: os.kill(os.getpid(), {number})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program + PROGRAM, "run", "--out", "run"],
        capture_output=True, text=True, env=environment, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == code
    assert done.stderr.splitlines()[-1].startswith("normenc: interrupted; nothing was written")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tmp"]
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_closed_output_is_no_fault(posix, tmp_path):
    command = f'"{sys.executable}" -c "{PROGRAM}" doctor >&-'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_processes_here_and_those_of_a_cluster_exclude_each_other(normenc):
    code, _, err = normenc("run", "--workers", 2, "--scheduler", "tcp://127.0.0.1:9")
    assert code == 2
    assert "--workers starts processes here and --scheduler uses those of a cluster; give one of them" in err


def test_a_warning_is_told_once(capsys):
    with warnings_in_one_line():
        for _ in range(3):
            warnings.warn("an open scheduler", NormencWarning, stacklevel=1)
    assert capsys.readouterr().err == "normenc: warning: an open scheduler\n"


def test_pictures_and_p_values_do_not_depend_on_threads_or_hashes(tmp_path):
    """Units that are constant but for the rounding of a product of matrices, and the leaderboard."""
    program = (
        "import sys, hashlib; sys.path.insert(0, sys.argv[1])\n"
        "import numpy as np; from test_leaderboard import similarity\n"
        "from normenc import figures, tuning\n"
        "rng = np.random.default_rng(0); weights = rng.random((400, 40)); weights /= weights.sum(axis=0)\n"
        "trials = np.full((60, 400), 0.1) @ weights; degrees = np.tile(np.arange(12) * 15.0, 5)\n"
        "print(tuning.stimulus_p_values(trials, degrees).tolist())\n"
        "print(tuning.orientation_p_values(trials, degrees).tolist())\n"
        "figures.save(figures.leaderboard(similarity()), sys.argv[2], 'leaderboard', ['svg', 'png'])\n"
        "from pathlib import Path\n"
        "print([hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(Path(sys.argv[2]).glob('leader*'))])\n"
    )
    said = set()
    for number in ("1", "2"):
        environment = os.environ | {"OMP_NUM_THREADS": number, "OPENBLAS_NUM_THREADS": number, "PYTHONHASHSEED": number}
        done = subprocess.run(
            [sys.executable, "-c", program, str(Path(__file__).parent), str(tmp_path)],
            capture_output=True, text=True, env=environment, check=True,
        )  # fmt: skip
        said.add(done.stdout)
    assert len(said) == 1
    assert "1.0, 1.0" in said.pop()  # none of these units is tuned
