"""The table of what networks reach in docs/norms.md, and the simple solutions beside it."""

import importlib
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from normenc import tasks
from normenc.stimuli import gratings

ROOT = Path(__file__).parents[1]


@pytest.fixture
def norms(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    found = importlib.import_module("norms")
    monkeypatch.setattr(found, "N_FITTED", 400)  # patches that simple solutions are fitted to
    return found


def test_the_page_has_the_scores_of_the_file(norms):
    known = norms.read(ROOT / "docs" / "norms.csv")
    assert known
    assert not any(math.isnan(number) for result in known.values() for number in result)
    text = (ROOT / "docs" / "norms.md").read_text(encoding="utf-8")
    assert norms.written(text, known) == text, "run python benchmarks/norms.py --table"


def test_a_row_has_the_median_and_the_range_over_its_seeds(norms):
    known = {
        ("rotation", 0): norms.Result(20.0, 31.0, 23.0),
        ("rotation", 4): norms.Result(8.125, 30.0, 22.0),
        ("rotation", 1): norms.Result(0.98765, 35.0, 24.5),
        ("sparse coding", 2): norms.Result(0.5, 1.0, 0.75),
    }
    head, line, rotation, sparse = norms.table_of(known)
    assert dict(zip(head, rotation, strict=True)) == {
        "norm": "rotation",
        "network": "`DeepConvPoolFC`, 16, 32, 64, 64 channels, 64 hidden units",
        "fresh stimuli": "30,000",
        "CPU s": "32",
        "chance": "22.5",
        "simple solution": "23.0",
        "reached": "8.12 (0.988 to 20.0)",
        "seeds": "3",
    }
    assert len(line) == len(head)
    assert sparse[1] == "`FC`, 300 hidden units" and sparse[-2:] == ("0.5 (0.5 to 0.5)", "1")


def test_what_a_file_has_is_kept(norms, tmp_path):
    file = tmp_path / "scores.csv"
    file.write_text("norm,seed,score,cpu_s\nold,3,0.5,1.0\ntilt,1,0.99,8.0\n")  # without simple solutions
    assert math.isnan(norms.read(file)["tilt", 1].simple)
    one = norms.write(file, {("tilt", 1): norms.Result(0.99, 8.0, 1.0)})
    two = norms.write(file, {("tilt", 1): norms.Result(0.99, 8.0), ("tilt", 0): norms.Result(0.98, 7.0, 0.9)})
    assert two == one | {("tilt", 0): norms.Result(0.98, 7.0, 0.9), ("old", 3): two["old", 3]}
    assert list(norms.read(file)) == [("tilt", 0), ("tilt", 1), ("old", 3)]
    assert two["old", 3][:2] == (0.5, 1.0) and math.isnan(two["old", 3].simple)
    assert [path.name for path in tmp_path.iterdir()] == ["scores.csv"]


def test_simple_solutions_are_scored_on_the_stimuli_given(norms):
    rng = np.random.default_rng(0)
    task = tasks.OrientationEstimation()
    shown, answers = gratings([-30.0, 70.0]), torch.tensor([[0.5, -(0.75**0.5)], [-0.766044, 0.642788]])
    assert norms.simply(task, shown, answers, rng) < 0.3
    assert norms.simply(task, shown, -answers, rng) > 89.7  # told to be at right angles
    both = tasks.SeveralTasks()
    targets = torch.cat([torch.tensor([[0.0], [1.0]]), answers], dim=1)
    # a tilt that is told wrong takes a perfect 1 to -1, and the mean of both tasks to 0
    for told, score in ((targets, 1.0), (targets * torch.tensor([-1.0, 1, 1]) + torch.tensor([1.0, 0, 0]), 0.0)):
        assert norms.simply(both, shown, told, rng) == pytest.approx(score, abs=0.01)


def test_a_wiener_filter_of_patches_without_noise_leaves_them_as_they_are(norms):
    task = tasks.Denoising(noise=0.0, middle=(4, 6), resolution=0.025)
    shown = torch.rand(5, *task.image_size, generator=torch.Generator().manual_seed(0))
    middle = shown[:, 4:8, 5:11].flatten(1)
    assert norms.simply(task, shown, middle, np.random.default_rng(0)) == pytest.approx(1.0)


def test_what_is_hidden_is_expected_from_what_is_shown(norms):
    """Components of photographs say more about hidden pixels of other photographs than the mean of these does (0)."""
    task, rng = tasks.MaskedAutoencoding(resolution=0.025, block=4), np.random.default_rng(0)
    shown, hidden = task.sample_test(50, rng)
    assert 0.2 < norms.simply(task, shown, hidden, rng) < 1
