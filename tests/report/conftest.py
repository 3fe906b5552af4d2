"""A run whose every text is hostile, and a real browser to look at its page with."""

import os
import shutil

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


@pytest.fixture(scope="session")
def launch():
    """A function that starts Chromium; without one the test is skipped, or fails where it must not be."""
    api = pytest.importorskip("playwright.sync_api")
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        said = "no chromium is on the path; install the Debian package chromium"
        if os.environ.get("NORMENC_REQUIRE_BROWSER"):
            pytest.fail(said)
        pytest.skip(said)
    quiet = ("--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync")
    with api.sync_playwright() as playwright:
        started = []

        def start(*options: str):
            browser = playwright.chromium.launch(executable_path=path, args=[*quiet, *options])
            started.append(browser)
            return browser

        yield start
        for browser in started:
            browser.close()


@pytest.fixture(scope="session")
def browser(launch):
    """Without WebGL, which is slow to draw where there is no graphics card."""
    return launch("--disable-3d-apis")
