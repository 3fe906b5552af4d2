"""A run whose every text is hostile, and a real browser to look at its page with."""

import numpy as np
import pytest
from hostile import NAMES, NETWORK, ORIENTATION, PREFERRED

from normenc import recordings, report
from normenc.study import Study, run


@pytest.fixture(scope="session")
def hostile_run(tmp_path_factory):
    """Twelve gratings, four trials of each, and nine neurons that prefer what PREFERRED says."""
    folder = tmp_path_factory.mktemp("report")
    angle = np.deg2rad(2 * (ORIENTATION[:, None] - PREFERRED))
    signal = np.exp(np.cos(angle))
    trials = np.repeat(signal, 4, axis=0) + 0.2 * np.random.default_rng(0).normal(size=(48, 9))
    recording = recordings.Recording.from_trials(
        "mine",
        trials,
        orientation=np.repeat(ORIENTATION, 4),
        neurons={"neuron": NAMES},
        species="<script>alert('mouse')</script>",
        citation="Me & You, 2026",
    )
    recordings.save(recording, folder / "mine.npz")
    study = Study(
        recording={"source": str(folder / "mine.npz")},
        stimuli={"resolution": 0.05},
        task={"n_train": 40, "n_test": 20},
        network={"pool_size": 4, "label": NETWORK},
        training={"n_epochs": 2, "batch_size": 20, "n_untrained": 2, "checkpoints": [0, 2]},
        comparison={"n_samples": 60, "n_permutations": 19},
    )
    return run(study, folder / "run", progress=False, device="cpu")


@pytest.fixture(scope="session")
def hostile_page(hostile_run):
    return report.write(hostile_run.folder)
