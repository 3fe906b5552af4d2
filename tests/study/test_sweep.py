"""Sweeps: on several workers, killed, resumed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from normenc.study import Study, SweepProgress, load_study, prepare, run
from normenc.study.sweep import train_units

SWEEP = """
name = "sweep"
recording = { source = "mine.npz" }
stimuli = { resolution = 0.05 }
training = { seed = 4, n_seeds = 2, n_epochs = 20, batch_size = 25, learning_rate = 1e-4 }
comparison = { n_samples = 50, n_permutations = 19 }
[[task]]
n_train = 400
n_test = 40
[[task]]
name = "orientation-estimation"
n_train = 400
n_test = 40
[[network]]
name = "ConvPoolFC"
pool_size = 4
"""
QUICK = ("represent", "compare")  # pictures are not the point
TABLES = ("similarity.csv", "training.csv", "differences.csv", "similarity_by_seed.csv")


def write_study(folder: Path, text: str = SWEEP) -> None:
    """The study's file, and a small recording beside it."""
    (folder / "sweep.toml").write_text(text)
    responses = np.random.default_rng(0).normal(size=(18, 40))
    np.savez(folder / "mine.npz", responses=responses, orientation=np.arange(18) * 10 - 90)


def command(folder: Path, *options: str) -> list[str]:
    program = "from normenc.cli import main; main()"
    return [sys.executable, "-c", program, "run", "sweep.toml", "--out", str(folder), *options]


def environment(cache: Path) -> dict[str, str]:
    return os.environ | {"NORMENC_CACHE": str(cache), "MPLBACKEND": "Agg"}


def contents(folder: Path) -> dict[str, bytes]:
    files = [folder / name for name in TABLES] + sorted((folder / "models").iterdir())
    return {path.name: path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """A run that nothing disturbed, in this process."""
    folder = tmp_path_factory.mktemp("unbroken")
    write_study(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NORMENC_CACHE", str(folder / "cache"))
        run(load_study(folder / "sweep.toml"), folder / "run", workers=1, stages=QUICK, progress=False)
    return contents(folder / "run")


def test_a_killed_sweep_goes_on_and_gives_the_same_bytes(posix, unbroken, tmp_path, normenc):
    write_study(tmp_path)
    cache = tmp_path / "cache"
    again = command(tmp_path / "run", "--workers", "2", "--stages", ",".join(QUICK))
    process = subprocess.Popen(
        again, cwd=tmp_path, env=environment(cache), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    while not list((cache / "units").glob("*.safetensors")) and process.poll() is None:
        time.sleep(0.05)  # until the first of four units is finished
    assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = {path.suffix for path in cache.rglob("*") if path.is_file() and path.name[0] != "."}
    assert kept <= {".safetensors", ".training"}  # the latter on a slow machine: a state of half a minute ago
    assert not (tmp_path / "run").exists()
    ages = {path: path.stat().st_mtime_ns for path in (cache / "units").glob("*.safetensors")}
    code, _, said = normenc(*again[again.index("run") :], "--force")  # in this process, with the same cache
    assert code == 0, said
    assert contents(tmp_path / "run") == unbroken
    assert not list(cache.rglob("*.training"))
    assert {path: path.stat().st_mtime_ns for path in ages} == ages  # what was finished is not done again


def units(n_seeds: int, n_epochs: int):
    study = Study(
        recording={"n_neurons": 40},
        stimuli={"resolution": 0.05},
        task={"n_train": 400, "n_test": 40},
        network={"name": "ConvPoolFC", "pool_size": 4},
        training={"n_seeds": n_seeds, "n_epochs": n_epochs, "batch_size": 25, "learning_rate": 1e-4},
    )
    return prepare(study).units


def test_progress_counts_units():
    seen: list[SweepProgress] = []
    mine = units(n_seeds=3, n_epochs=1)
    train_units(mine[:1], progress=False)
    train_units(mine, progress=seen.append)
    counts = list(dict.fromkeys((t.stage, t.done, t.running, t.failed, t.total) for t in seen))
    assert counts == [("training", 1, 1, 0, 3), ("training", 2, 1, 0, 3), ("training", 3, 0, 0, 3)]
    assert np.isnan(seen[0].seconds_left)
    assert seen[-1].seconds_left == 0


def test_out_of_memory_and_other_errors_are_told_with_the_unit(monkeypatch):
    mine = units(n_seeds=3, n_epochs=1)
    original = train_units.__globals__["train_unit"]
    errors = {mine[0].seed: MemoryError("of 9 TiB"), mine[2].seed: RuntimeError("a bug")}

    def train_unit(unit, device, progress):
        if unit.seed in errors:
            raise errors[unit.seed]
        return original(unit, device, progress)

    monkeypatch.setitem(train_units.__globals__, "train_unit", train_unit)
    results, failures = train_units(mine, progress=False)
    assert list(results) == [mine[1]]
    assert [(failure.unit, failure.reason) for failure in failures] == [
        (mine[0], "out of memory: of 9 TiB"),
        (mine[2], "RuntimeError: a bug"),
    ]


def test_the_exit_code_tells_of_a_failure(tmp_path, normenc):
    text = SWEEP.replace(
        'name = "orientation-estimation"', 'name = "orientation-estimation"\ntraining.learning_rate = 1e30'
    )
    write_study(tmp_path, text.replace("n_epochs = 20", "n_epochs = 2"))
    code, _, said = normenc("run", "sweep.toml", "--out", "run", "--stages", ",".join(QUICK))
    assert code == 1
    assert "orientation-estimation, ConvPoolFC, seed 5: training diverged" in said
    assert "2 of 4 units failed" in said
    assert "Traceback" not in said
    assert (tmp_path / "run" / "report.html").is_file()
    assert len(pd.read_csv(tmp_path / "run" / "failures.csv")) == 2


def test_no_more_threads_than_asked_for(monkeypatch):
    import torch

    threads = []
    original = train_units.__globals__["train_unit"].__globals__["train"]

    def train(*args, **kwargs):
        threads.append(torch.get_num_threads())
        return original(*args, **kwargs)

    monkeypatch.setattr("normenc.study.units.train", train)
    before = torch.get_num_threads()
    train_units(units(n_seeds=1, n_epochs=1), progress=False)
    assert threads == [1]
    assert torch.get_num_threads() == before
