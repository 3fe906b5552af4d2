"""Ctrl-C at any stage of a run: what is finished is kept, nothing half-written stays, and the next run goes on."""

import os
from pathlib import Path

import pandas as pd
import pytest

from normenc.study import Study, run

STUDY = Study(
    recording={"source": "simulated-v1", "n_neurons": 20, "bin_width": 10},
    stimuli={"resolution": 0.05},
    task={"n_train": 40, "n_test": 20},
    network={"pool_size": 4},
    training={"n_epochs": 1, "batch_size": 20, "n_seeds": 2},
    comparison={"n_samples": 50, "n_permutations": 19, "controls": [{"name": "pixels"}]},
    stages=["represent", "compare", "draw"],
)


class Interrupting:
    """A reporter of progress that is pressed Ctrl-C on once, when a stage has done a part; it keeps what it is told."""

    def __init__(self, stage: str) -> None:
        self.stage, self.told = stage, []

    def __call__(self, state) -> None:
        self.told.append(state)
        if state.stage == self.stage and state.share > 0:
            raise KeyboardInterrupt


def test_an_interrupted_run_is_continued_with_the_same_numbers(tmp_path, monkeypatch):
    folder, cache = tmp_path / "run", Path(os.environ["NORMENC_CACHE"])
    trained = []
    for stage in ["training", "responses of layers", "comparing", "drawing"]:
        told = Interrupting(stage)
        with pytest.raises(KeyboardInterrupt) as interrupt:
            run(STUDY, folder, progress=told, device="cpu")
        assert interrupt.value.__notes__ == [
            "nothing was written, but trained networks are kept: run the same again to continue from them"
        ]
        assert list(tmp_path.iterdir()) == [], stage
        assert not [path for path in cache.rglob("*") if path.name.endswith((".tmp", ".part"))], stage
        trained.append([state.done for state in told.told if state.stage == "training"])
    assert trained[0][-1] == 1  # interrupted after the first network, which is kept
    assert trained[1][0] == 1 and trained[2:] == [[], []]  # nothing is trained again
    continued = run(STUDY, folder, progress=False, device="cpu")
    monkeypatch.setenv("NORMENC_CACHE", str(tmp_path / "other"))
    whole = run(STUDY, tmp_path / "whole", stages=["represent", "compare"], progress=False, device="cpu")
    pd.testing.assert_frame_equal(continued.similarity, whole.similarity)
    pd.testing.assert_frame_equal(continued.similarity_by_seed, whole.similarity_by_seed)
