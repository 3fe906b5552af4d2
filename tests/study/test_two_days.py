"""The commonest experiment from its files to the page: one mouse, two days, twelve directions, blanks."""

import html
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from normenc import report
from normenc.study import load_study, read_source_data, run

EXAMPLE = Path(__file__).parents[2] / "examples" / "two_days.py"
N_NEURONS = 60
STUDY = """
name = "two-days"
recording = { source = "mouse.npy", missing = "neurons" }
stimuli = { resolution = 0.05 }
task = { n_train = 60, n_test = 40 }
network = { name = "ConvPoolFC", pool_size = 4, n_channels = 3 }
training = { n_epochs = 1, n_untrained = 2 }
comparison = { n_samples = 50, n_permutations = 19, other_measures = ["spearman"] }
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What the example writes, as a user calls it."""
    place = tmp_path_factory.mktemp("two_days")
    command = [sys.executable, "-W", "error", str(EXAMPLE), str(place), "--neurons", str(N_NEURONS)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"wrote 260 trials x {N_NEURONS} neurons to {place}\n"
    (place / "study.toml").write_text(STUDY)
    return place


@pytest.fixture(scope="module")
def kept(folder):
    """The truth about the neurons whose trace did not break off."""
    truth = pd.read_csv(folder / "truth.csv")
    assert truth["lost"].sum() == 3
    return truth[~truth["lost"]]


@pytest.fixture(scope="module")
def finished(folder):
    return run(load_study(folder / "study.toml"), folder / "run", progress=False, device="cpu").folder


@pytest.fixture(scope="module")
def page(finished):
    """The report's text, without what only scripts and readers of code see."""
    text = report.write(finished).read_text(encoding="utf-8")
    text = re.sub(r"<(script|style|pre)\b.*?</\1>", " ", text, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


@pytest.fixture(scope="module")
def recorded(finished):
    return json.loads((finished / "environment.json").read_text())["recording"]


def test_check_tells_what_was_read_and_what_it_can_decide(normenc, folder, kept):
    code, out, _ = normenc("check", folder / "mouse.npy", "--missing", "neurons")
    said = " ".join(out.split())
    assert code == 0
    assert f"260 trials x {N_NEURONS} neurons" in said
    assert "12 directions, 0 to 330 degrees of drift" in said
    assert f"{len(kept)} neurons, 240 trials, 20 per stimulus, animals not stated, 2 sessions" in said
    assert "left out 20 of 260 trials without a stimulus (blanks)" in said
    assert "verdict: reliable" in said
    assert "The 12 directions are 6 different images to a model" in said
    assert "can be tested by permuting the stimuli" in said
    source = folder / "mouse.npy"
    commands = re.findall(r"^next: (.*)$", out, flags=re.MULTILINE)
    assert commands == [
        f"normenc run --recording {source} --missing neurons",
        f"normenc run --recording {source} --missing neurons --fold",
        f"normenc power --recording {source} --missing neurons",
    ]


def test_the_next_step_leaves_out_what_the_check_left_out(normenc, folder):
    _, out, _ = normenc("check", folder / "mouse.npy")
    assert f"next: normenc run --recording {folder / 'mouse.npy'} --missing neurons" in out


def test_stimuli_trials_and_blanks_are_counted(recorded, kept):
    assert (recorded["n_stimuli"], recorded["n_different_images"], recorded["stimuli"]) == (12, 6, "direction")
    assert (recorded["n_trials"], recorded["n_repeats"], recorded["n_blanks"]) == (240, [20, 20], 20)
    assert recorded["n_neurons"] == len(kept)
    assert (recorded["animals"], recorded["sessions"]) == ([], ["day1", "day2"])
    assert (recorded["species"], recorded["area"], recorded["units"]) == ("mouse", "V1", "dF/F")
    assert (recorded["read_as"], recorded["folded"]) == (f"260 trials x {N_NEURONS} neurons", None)
    assert recorded["simulated"]


def test_neurons_have_the_names_of_their_rois(finished, kept):
    with xr.open_dataset(finished / "populations.nc", engine="h5netcdf") as populations:
        names = populations["name_0"].to_numpy().astype(str)
    assert sorted(names, key=int) == [str(roi) for roi in kept["roi"]]


def test_pictures_show_the_directions_that_were_shown(finished):
    pictures = read_source_data(finished)
    shown = pictures["example_stimuli"].arguments
    assert shown["orientation"] == [f"direction {d}°" for d in (0, 60, 120, 180, 240, 300)]
    np.testing.assert_array_equal(shown["images"][0], shown["images"][3])  # opposite directions
    assert not np.array_equal(shown["images"][0], shown["images"][1])


def test_models_tuned_to_orientation_match_better_than_pixels(finished):
    similarity = pd.read_csv(finished / "similarity.csv").set_index("network")["similarity"]
    assert similarity["orientation model"] > 0.8 > similarity["pixels"] + 0.1
    assert similarity["Gabor energy"] > 0.8


def test_the_page_says_what_was_recorded_and_what_is_drawn(page, kept):
    assert "mouse, V1" in page and "dF/F" in page
    methods = page[page.index("A paragraph for a paper") :]
    assert f"{len(kept)} neurons" in methods and "mouse" in methods and "V1" in methods
    assert "12 drifting gratings" in methods
    assert "Some of the 12 directions that were shown, in the form in which networks received them." in page
    assert "Networks are shown still gratings, which are the same for opposite directions." in page
    assert "One point for each of 12 directions, coloured by direction" in page
    assert "For networks and controls, opposite directions are the same image" in page
    assert "−90° and 90°" not in page


def test_the_page_says_what_can_be_decided(page, finished):
    quality = json.loads((finished / "quality.json").read_text())
    assert len(quality["decisions"]) == 3
    for decision in quality["decisions"]:
        assert decision in page
    assert quality["decidable"]["n_models"] == 8
    assert "the 8 models of this run" in quality["decisions"][2]


def test_nobody_speaks_of_animals_where_none_is_named(page, finished):
    assert "animals" not in page.replace("animals not stated", "")
    resampled = set(pd.read_csv(finished / "similarity.csv")["resampled"])
    assert resampled == {"stimuli neurons seeds sessions"}
