"""The examples in the documentation run, and what it says of settings is so."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from normenc import rsa
from normenc.study import Study, prepare
from normenc.study.settings import load_study

DOCS = Path(__file__).parents[1] / "docs"


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
    score, preprocessing = done.stdout.splitlines()
    assert float(score) > 0.6  # the task of one's own is learned
    assert preprocessing.startswith("grey to 3 channels, resized to 64 x 64")


@pytest.mark.parametrize("page", ["recordings.md", "tuning.md", "simulation.md", "encoding.md", "figures.md"])
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
    assert recording.options["window"] == [0.05, 0.55]
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
        assert prepare(study).units


def test_the_leaderboards_example_asks_only_for_other_seeds(tmp_path):
    rng = np.random.default_rng(0)
    v1 = rsa.rdm(rng.normal(size=(12, 30)))
    trained = [rsa.rdm(rng.normal(size=(12, 30))) for _ in range(3)]
    named = {"v1_rdm_digitised": v1, "Fourier_amplitude": rsa.rdm(rng.normal(size=(12, 30)))}
    named |= {f"ConvPoolFC_fc_relu_trained_seed{seed}": rdm for seed, rdm in enumerate(trained)}
    table = xr.DataArray(
        np.stack(list(named.values())), {"population": list(named)}, ("population", "stimulus", "stimulus_2")
    )
    table.to_dataset(name="dissimilarity").to_netcdf(tmp_path / "rdms.nc")
    namespace: dict = {}
    exec(blocks("leaderboard.md", "python")[0], namespace)
    (row,) = namespace["difference_over_seeds"](tmp_path).to_dict("records")
    similarity = [rsa.compare_rdms(rdm, v1) for rdm in trained]
    expected = stats.ttest_1samp(similarity, rsa.compare_rdms(named["Fourier_amplitude"], v1))
    assert row["difference"] == pytest.approx(np.mean(similarity) - rsa.compare_rdms(named["Fourier_amplitude"], v1))
    assert row["p"] == pytest.approx(expected.pvalue, rel=0.1)  # of a thousand bootstrap samples
