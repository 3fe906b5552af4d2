"""What two parts of a page say of the same thing agrees, or it is said what differs."""

import numpy as np
import pytest

from normenc import quality
from normenc.recordings import Recording, load
from normenc.study.describing import descriptions_of

DIRECTIONS = np.arange(0, 360, 30.0)


def tuned(degrees, *, noise=1.0, n_blanks=0, seed=0):
    """Trials of 40 neurons that prefer orientations, half of them a direction, the last 8 nothing."""
    rng = np.random.default_rng(seed)
    preferred = rng.uniform(0, 360, 40)
    away = np.deg2rad(np.asarray(degrees)[:, None] - preferred)
    signal = np.exp(2 * np.cos(2 * away) - 2) * np.where(np.arange(40) < 16, 1 + 0.6 * np.cos(away), 1)
    signal[:, 32:] = 0
    trials = 2 * signal + noise * rng.normal(size=signal.shape)
    return np.vstack([trials, noise * rng.normal(size=(n_blanks, 40))])


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("one_page")
    degrees = np.tile(DIRECTIONS, 8)
    np.savez(
        folder / "mine.npz",
        responses=tuned(degrees, n_blanks=20),
        direction=np.append(degrees, np.full(20, np.nan)),
    )
    return folder / "mine.npz"


@pytest.mark.parametrize("options", [{}, {"fold_directions": True}, {"fold_directions": True, "responsive": True}])
def test_check_and_table_count_the_same_neurons_of_the_same_trials(file, options):
    recording = load(file, **options | {"fold_directions": False})
    summary = descriptions_of(recording, "mine", [])["mine"].summary
    found = quality.check(file, **options)
    neurons = found.neurons
    assert found.neurons_kind == "direction" and found.kind == ("orientation" if options else "direction")
    assert (neurons.tuned.n, neurons.tuned.tested) == (summary.n_tuned, summary.n_tested)
    for kind in ("orientation", "direction"):
        own = getattr(summary, kind)
        count = getattr(neurons, f"tuned_{kind}")
        assert (count.n, count.tested) == (own.n_tuned, own.n_tested)
    assert neurons.responsive.n == summary.units["responsive"].sum()
    assert neurons.reliability == pytest.approx(summary.units["reliability"].median())


def test_lines_say_that_directions_were_folded_later_and_neurons_chosen_before(file):
    said = dict(quality.lines(quality.check(file, fold_directions=True, responsive=True)))
    assert said["neurons are tuned"].endswith("directions as recorded, before folding")
    assert said["neurons respond"].endswith("blanks; the others were left out before")
    plain = dict(quality.lines(quality.check(file)))
    assert "folded" not in plain["neurons are tuned"] and "left out" not in plain["neurons respond"]
    assert said["decoding error"].startswith("of single trials, median") and "direction " in said["decoding error"]


@pytest.mark.parametrize("n", [20, 21, 24, 36])
def test_averages_are_decoded_alike_by_check_and_table(n):
    degrees = np.arange(n) * 180.0 / n - 90
    recording = Recording.from_responses("mine", tuned(degrees, noise=0.3), degrees)
    found = quality.check(recording)
    described = descriptions_of(recording, "mine", [])["mine"]
    assert found.neurons.orientation.error == pytest.approx(described.orientation_error, abs=1e-9)
    assert dict(quality.lines(found))["decoding error"].startswith("of averages, median")


@pytest.mark.parametrize(("period", "n"), [(180, 25), (360, 25), (360, 24)])
def test_both_ends_of_a_circle_are_one_stimulus_to_check_and_table(period, n):
    kind = "orientation" if period == 180 else "direction"
    degrees = np.linspace(-period / 2, period / 2, n, endpoint=n % 2 == 1)
    recording = Recording.from_responses("mine", tuned(degrees, noise=0.3), **{kind: degrees})
    found = quality.check(recording).neurons
    described = descriptions_of(recording, "mine", [])["mine"]
    for name, own in found.decoded.items():
        assert own.error == pytest.approx(getattr(described, f"{name}_error"), abs=1e-9)
    assert dict(quality.lines(quality.check(recording)))["stimuli"].startswith(f"{n} {kind}s, −")
