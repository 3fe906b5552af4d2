"""A run tells of the recording that it read, whatever becomes of the file meanwhile."""

import json
from contextlib import nullcontext
from hashlib import sha256

import numpy as np
import pytest

from normenc.errors import InputError, NormencWarning
from normenc.quality import check
from normenc.study import Study, run

ORIENTATION = np.arange(12) * 15 - 90
RESPONSES = np.random.default_rng(0).normal(size=(24, 9))


def write(path, responses=RESPONSES):
    np.save(path, responses)
    path.with_suffix(".csv").write_text("orientation\n" + "\n".join(map(str, np.repeat(ORIENTATION, 2))))


def study(path) -> Study:
    return Study(
        recording={"source": str(path)},
        stimuli={"resolution": 0.02},
        task={"n_train": 20, "n_test": 10},
        network={"name": "FC"},
        training={"n_epochs": 1},
        comparison={"n_samples": 50, "n_permutations": 19, "other_measures": [], "controls": ["pixels"]},
    )


def another_recording(path):
    write(path, RESPONSES[:, :4])


def another_table(path):
    angles = np.roll(np.repeat(ORIENTATION, 2), 2)
    path.with_suffix(".csv").write_text("orientation\n" + "\n".join(map(str, angles)))


def half_a_file(path):
    path.write_bytes(path.read_bytes()[:100])


def nothing(path):
    path.unlink()


def the_same_again(path):
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("happens", "names"),
    [
        (another_recording, ["mine.npy"]),
        (another_table, ["mine.csv"]),
        (half_a_file, ["mine.npy"]),
        (nothing, ["mine.npy"]),
        (the_same_again, []),
    ],
)
def test_a_recording_that_changes_later_is_told_of_and_does_not_count(tmp_path, happens, names):
    path = tmp_path / "mine.npy"
    write(path)
    digests = {file.name: sha256(file.read_bytes()).hexdigest() for file in (path, path.with_suffix(".csv"))}
    stages = []

    def tell(tally):
        if tally.stage == "training" and "training" not in stages:
            happens(path)
        stages.append(tally.stage)

    told = pytest.warns(NormencWarning, match=f"^{', '.join(names)} changed after the recording was read; all results")
    with told if names else nullcontext() as seen:
        found = run(study(path), tmp_path / "run", progress=tell, device="cpu", stages=("represent", "compare"))
    assert "training" in stages
    assert not names or len(seen) == 1
    recording = json.loads((found.folder / "environment.json").read_text())["recording"]
    assert recording["changed"] == names
    assert recording["sha256"] == digests["mine.npy"]
    assert {file["name"]: file["sha256"] for file in recording["files"]} == digests
    write(path)
    expected, quality = check(path), json.loads((found.folder / "quality.json").read_text())
    assert (quality["n_neurons"], quality["n_trials"]) == (9, 24)
    assert quality["ceiling_lower"] == pytest.approx(expected.ceiling_lower)
    assert quality["raw"]["smallest"] == pytest.approx(RESPONSES.min())


def test_a_recording_that_changes_while_it_is_read_is_refused_before_training(tmp_path, monkeypatch):
    path = tmp_path / "mine.npy"
    write(path)
    stages = []
    understand = run.__globals__["prepare"].__globals__["load"].__globals__["understand"]

    def slowly(*arguments, **options):
        write(path, RESPONSES + 1)
        return understand(*arguments, **options)

    monkeypatch.setattr("normenc.recordings.loading.understand", slowly)
    with pytest.raises(InputError, match=r"mine.npy: this changed while it was being read"):
        run(study(path), tmp_path / "run", progress=lambda tally: stages.append(tally.stage), device="cpu")
    assert set(stages) == {"reading the recording"}
    assert not (tmp_path / "run").exists()


def test_what_is_made_has_no_file(tmp_path):
    settings = study("x").model_dump() | {"recording": {"source": "simulated-v1", "n_neurons": 20}}
    found = run(Study(**settings), tmp_path / "run", progress=False, device="cpu", stages=("represent", "compare"))
    recording = json.loads((found.folder / "environment.json").read_text())["recording"]
    assert (recording["sha256"], recording["files"], recording["changed"]) == (None, [], [])
