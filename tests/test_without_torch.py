"""The core works without torch and gives the same numbers; what needs networks says so in one line."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

import without_torch
from normenc import recordings, report, runs
from normenc.errors import InputError, NotInstalledError
from normenc.extras import BROUGHT_BY, needs_nets
from normenc.study import Study, run

PROGRAM = Path(without_torch.__file__)
N_IMAGES, SIDE = 8, 80  # larger than what a check shows to its models


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Two small recordings, one with photographs in files, and a finished run."""
    folder = tmp_path_factory.mktemp("core")
    recordings.save(recordings.simulated_v1(20, n_stimuli=12), folder / "mine.npz")
    (folder / "images").mkdir()
    names = [f"{k}.png" for k in range(N_IMAGES)]
    for k, name in enumerate(names):
        Image.fromarray(data.astronaut()[40 * k : 40 * k + SIDE, 100 : 100 + SIDE]).save(folder / "images" / name)
    trials = np.random.default_rng(0).normal(size=(3 * N_IMAGES, 6)) + np.tile(np.eye(N_IMAGES, 6), (3, 1))
    np.savez(folder / "seen.npz", responses=trials, image=names * 3)
    (folder / "study.toml").write_text('name = "mine"\n')
    study = Study(
        name="toy",
        recording={"source": str(folder / "mine.npz")},
        stimuli={"resolution": 0.03},
        task={"n_train": 20, "n_test": 20},
        network={"name": "FC", "n_hidden": 4},
        training={"n_epochs": 1, "batch_size": 10, "n_untrained": 2},
        comparison={"other_measures": [], "controls": ["pixels"], "n_samples": 50, "n_permutations": 19},
        identify={"enabled": False},
    )
    before = os.environ.get("NORMENC_CACHE")
    os.environ["NORMENC_CACHE"] = str(folder / "cache")
    try:
        run(study, folder / "toy", page=report.write, progress=False, device="cpu")
    finally:
        os.environ.pop("NORMENC_CACHE") if before is None else os.environ.update(NORMENC_CACHE=before)
    shutil.copytree(folder / "toy", folder / "twin")
    runs.export(folder / "toy", folder / "toy.zip")
    return folder


@pytest.fixture(scope="module")
def found(place):
    """What a process gives that has no torch."""
    alone = os.environ | {"NORMENC_CACHE": str(place / "empty")}
    done = subprocess.run(
        [sys.executable, PROGRAM, place], capture_output=True, text=True, check=False, env=alone, cwd=place
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", without_torch.PIECES)
def test_the_core_gives_the_same_without_torch(found, place, name):
    expected = json.loads(json.dumps(without_torch.PIECES[name](place), default=str))
    assert found["pieces"][name] == expected


@pytest.mark.parametrize("room", without_torch.ROOMS)
def test_examples_of_the_core_hold_without_torch(found, room):
    tried, failed = found["examples"][room]
    assert tried > 0 and not failed, "".join(failed)


def test_nothing_of_the_extra_was_loaded(found):
    assert found["loaded"] == []


@pytest.mark.parametrize("name", without_torch.commands(Path()))
def test_commands_of_the_core_work_without_torch(found, name):
    code, out, err = found["commands"][name]
    assert (code, err) == (0, "") and out


@pytest.mark.parametrize("what", without_torch.doors())
def test_every_door_to_networks_gives_one_line(found, what):
    kinds, said = found["doors"][what]
    package = "distributed" if what == "a scheduler" else "torch"
    assert said == f"{what} needs {package}, which is not installed: pip install 'normenc[nets]'"
    assert {"NotInstalledError", "InputError", "ModuleNotFoundError"} <= set(kinds)


@pytest.mark.parametrize("name", without_torch.CLOSED)
def test_commands_that_train_say_what_they_need(found, place, name):
    what, _ = without_torch.CLOSED[name]
    code, out, err = found["closed"][name]
    assert (code, out) == (2, "")
    what = what if name != "verify" else f"{place}/{what}"
    assert err == f"normenc: error: {what} needs torch, which is not installed: pip install 'normenc[nets]'\n"


def test_published_numbers_that_need_networks_are_told_apart(found):
    code, out, err = found["reproduced"]
    assert (code, err) == (0, "")
    assert "not tried (it needs networks)" in out and "pip install 'normenc[nets]'" in out


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("raise OSError('libcudart.so: no such file')", "OSError: libcudart.so: no such file"),
        ("raise ImportError('undefined symbol')", "ImportError: undefined symbol"),
        ("import not_there_either", "ModuleNotFoundError: No module named 'not_there_either'"),
        ("import sys; sys.exit('no licence')", "SystemExit: no licence"),
        (None, "ImportError: its folder is there, but empty"),
    ],
)
def test_a_package_that_does_not_load_is_no_bug_of_normenc(tmp_path, monkeypatch, program, said):
    name = f"broken_{tmp_path.name}"
    (tmp_path / name).mkdir()
    if program is not None:
        (tmp_path / name / "__init__.py").write_text(program)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(NotInstalledError) as error:
        needs_nets("this", name)
    assert (
        str(error.value) == f"this needs {name}, which is installed but cannot be imported ({said}); install it again"
    )
    assert error.value.name == name


def test_nothing_is_said_where_all_is_installed_and_other_packages_are_not_named():
    needs_nets("this")
    assert set(BROUGHT_BY.values()) == {"nets"}
    error = NotInstalledError("this needs torch")
    assert isinstance(error, InputError) and isinstance(error, ImportError)
