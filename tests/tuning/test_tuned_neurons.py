"""The commonest recording, simulated with known tuning: what is found of its 900 neurons, and what check says of it."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from normenc import recordings, tuning
from normenc.quality import check, lines

EXAMPLE = Path(__file__).parents[2] / "examples" / "two_days.py"


@pytest.fixture(scope="module")
def example():
    """The neurons' truth, and the recording."""
    spec = importlib.util.spec_from_file_location("two_days", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    rng = np.random.default_rng(0)
    truth = module.truth(900, rng)
    responses, trials = module.recorded(truth, rng)
    recording = recordings.Recording.from_trials(
        "mouse", responses, direction=trials["direction"], trials={"session": trials["session"]}
    )
    return truth, recording


@pytest.fixture(scope="module")
def summary(example):
    _, recording = example
    rows = recording.trials
    return tuning.population_summary(
        rows.values, rows["direction"].values, period=360, blanks=recording.blanks.values, negative="shift"
    )


def away(found, true, period):
    return np.abs((found - true + period / 2) % period - period / 2)


def test_neurons_are_tuned_to_what_they_were_made_for(example, summary):
    truth, units = example[0], summary.units
    to = truth["tuned_to"].to_numpy()
    called = {name: units[name].to_numpy(dtype=bool) for name in ("tuned", "tuned_orientation", "tuned_direction")}
    assert called["tuned"][to != "untuned"].mean() > 0.93
    assert called["tuned_orientation"][to == "orientation"].mean() > 0.95
    assert called["tuned_direction"][to == "direction"].mean() > 0.8
    # False discoveries: 5 per cent of the discoveries, and two standard errors.
    for name, false in (("tuned_orientation", to == "untuned"), ("tuned_direction", to != "direction")):
        n = called[name].sum()
        assert called[name][false].sum() <= 0.05 * n + 2 * np.sqrt(0.05 * n), name


def test_preferences_and_widths_are_those_planted(example, summary):
    truth, units = example[0], summary.units
    to, direction = truth["tuned_to"].to_numpy(), truth["preferred_direction_deg"].to_numpy()
    both_ways = (to == "orientation") & units["tuned_orientation"].to_numpy(dtype=bool)
    one_way = (to == "direction") & units["tuned_direction"].to_numpy(dtype=bool)
    assert np.median(away(units["preferred_orientation_deg"], direction, 180)[both_ways]) < 3
    assert np.median(away(units["preferred_direction_deg"], direction, 360)[one_way]) < 8
    for chosen in (both_ways, one_way):
        error = (units["width_deg"] - truth["width_deg"])[chosen]
        assert abs(error.median()) < 2.5 and error.abs().median() < 10
    assert summary.orientation.width_quartiles[1] == pytest.approx(truth["width_deg"].median(), abs=3)


def test_those_that_respond_are_told_from_those_that_do_not(example, summary):
    responds, called = example[0]["responds"].to_numpy(), summary.units["responsive"].to_numpy(dtype=bool)
    assert called[responds].mean() > 0.8
    assert called[~responds].sum() <= 0.05 * called.sum()


def test_check_counts_the_same_neurons_and_decodes_what_can_be_told(example, summary):
    found = check(example[1])
    neurons = found.neurons
    units = summary.units
    for count, name in (
        (neurons.tuned, "tuned"),
        (neurons.tuned_orientation, "tuned_orientation"),
        (neurons.tuned_direction, "tuned_direction"),
        (neurons.responsive, "responsive"),
    ):
        assert (count.n, count.tested) == (units[name].sum(), 900), name
    said = dict(lines(found))
    n = {
        name: f"{sum(units[name])} of 900 ({sum(units[name]) / 900:.0%})" for name in units if name.startswith("tuned")
    }
    assert said["neurons are tuned"] == (
        f"{n['tuned']} to anything, {n['tuned_orientation']} to orientation, {n['tuned_direction']} to direction; "
        "false discovery rate 0.05"
    )
    assert said["neurons respond"].endswith("to at least one stimulus, against 20 blanks")
    assert (neurons.orientation.chance, neurons.direction.chance) == (45, 90)
    assert neurons.orientation.error < 5 and neurons.direction.error < 30
    assert "images determine only the orientation" in said["decoding error"]
    assert not any("tuned" in warning or "guesses" in warning for warning in found.warnings)
