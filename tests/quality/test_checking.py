import json
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from normenc import quality, recordings, rsa
from normenc.cli.commands import app
from normenc.errors import InputError
from normenc.quality import check, comparison_notes, lines, rdm_reliability, rdms_for_inference
from normenc.tuning.reliability import half_averages

neurons_room = sys.modules["normenc.quality.neurons"]
rdm_reliability_room = sys.modules["normenc.quality.rdm_reliability"]  # the function has its name
RNG = np.random.default_rng(0)


def saved(tmp_path, recording, **faults):
    path = tmp_path / "mine.npz"
    np.savez(path, **recordings.contaminate(recording, **faults))
    return path


@pytest.fixture(scope="module")
def trials():
    return recordings.simulated_v1(100, n_repeats=6, n_stimuli=36)


def test_a_good_recording_is_called_so(tmp_path, trials):
    found = check(saved(tmp_path, trials))
    assert (found.verdict, found.warnings) == ("reliable", ())
    assert (found.n_stimuli, found.n_neurons, found.n_trials, found.n_repeats) == (36, 100, 216, (6, 6))
    assert (found.first, found.last) == (-90, 90)
    assert found.covers_circle
    assert found.rdm.p_value == pytest.approx(1 / 100)
    assert found.neurons.tuned.tested == 100 and found.neurons.tuned_orientation.share > 0.5
    assert found.neurons.tuned_direction.tested == 0 and found.neurons.direction is None
    assert found.neurons.orientation.error < 10
    assert found.ceiling == rsa.Ceiling("repeats", 0, 0).describe()
    expected = rsa.noise_ceiling(**{"rdms": None, "repeats": rdms_for_inference(trials)["repeats"]})
    assert found.ceiling_lower == pytest.approx(expected.lower)


@pytest.mark.parametrize("kind", ["gratings", "images"])
def test_trials_that_do_not_match_their_labels_are_unreliable(tmp_path, trials, kind):
    path = saved(tmp_path, trials, shuffled=True)
    if kind == "images":  # as in a real file of 118 natural scenes
        scenes = RNG.normal(size=(118, 60)) + RNG.normal(size=(8, 118, 60))
        np.savez(path, responses=RNG.permutation(scenes.reshape(-1, 60)), image=np.tile(np.arange(118), 8))
    found = check(path)
    assert found.verdict == "unreliable"
    assert abs(found.neurons.reliability) < 0.05
    assert abs(found.rdm.halves) < 0.15
    assert found.warnings[0].startswith("unreliable: ")
    assert "no model comparison on this recording means anything" in found.warnings[0]


def test_labels_that_do_not_match_are_caught_without_repeats_too(tmp_path):
    averages = recordings.simulated_v1(100, n_stimuli=60)
    assert check(averages).verdict == "unknown"
    shuffled = recordings.Recording.from_responses(
        "mine", averages.responses.values, RNG.permutation(averages.orientation)
    )
    found = check(shuffled)
    assert found.verdict == "unreliable"
    assert "a decoder of orientation only guesses" in found.warnings[0]


def test_cells_tuned_to_orientation_under_drifting_gratings_are_advised_to_be_folded():
    rng = np.random.default_rng(0)
    direction = np.tile(np.arange(0, 360, 30.0), 10)
    rates = 3 + 2 * np.cos(np.radians(2 * (direction[:, None] - rng.uniform(0, 180, 20))))
    found = check(recordings.Recording.from_trials("f", rng.poisson(rates), direction=direction))
    assert found.verdict == "reliable"
    assert (found.neurons.tuned_orientation.n, found.neurons.tuned_direction.n) == (20, 0)
    said = "\n".join(found.warnings)
    assert (
        "neurons are tuned to orientation (20 of 20), not to direction (0): fold_directions=True compares orientations"
        in said
    )
    assert "labels" not in said and "guesses" not in said  # though a decoder of direction does


def test_responses_that_differ_between_no_stimuli_are_said_to():
    rng = np.random.default_rng(0)
    direction = np.tile(np.arange(0, 360, 30.0), 8)
    found = check(recordings.Recording.from_trials("f", rng.normal(size=(96, 40)), direction=direction))
    assert "responses differ between stimuli in none of 40 neurons." in found.warnings
    assert found.neurons.direction.p_value > 0.01 and found.neurons.orientation.p_value > 0.01


def test_decoding_noise_is_called_more_than_guessing_as_rarely_as_it_should():
    rng = np.random.default_rng(0)
    direction = np.tile(np.arange(0, 360, 45.0), 6)
    found = [neurons_room._decoded(rng.normal(size=(48, 20)), direction, 360.0, seed) for seed in range(300)]
    p_values = np.array([one.p_value for one in found])
    # 0.027 is 3 standard errors from 0.01; a binomial test, to which trials are independent, gives more.
    assert (p_values <= 0.01).mean() <= 0.027
    assert np.median([one.error for one in found]) == pytest.approx(90, abs=5)


def test_what_cannot_be_tested_is_no_percentage():
    averages = recordings.Recording.from_responses("six", RNG.poisson(5, (6, 30)), np.arange(6) * 30)
    said = dict(quality.lines(check(averages)))
    assert said["neurons are tuned"].startswith(
        "to anything: not tested (too few trials, or too uneven), to orientation: not tested (too"
    )
    assert "neurons respond" not in said and "decoding error" not in said


def test_noise_is_rarely_called_reliable_and_signal_rarely_unreliable():
    label = np.tile(np.arange(20), 4)
    few = {"n_splits": 2, "n_samples": 50, "n_permutations": 19}
    noise = [rdm_reliability(RNG.normal(size=(80, 15)), label, **few) for _ in range(400)]
    # 0.05 expected; 0.083 is 3 standard errors off. Permuting one half's stimuli gave 0.10.
    assert np.mean([found.p_value <= 0.05 for found in noise]) <= 0.083
    assert np.mean([found.low <= 0 <= found.high for found in noise]) >= 0.9
    signal = RNG.normal(size=(20, 40))
    weak = [
        rdm_reliability((signal + RNG.normal(size=(4, 20, 40))).reshape(80, 40), label, **few | {"n_splits": 5})
        for _ in range(20)
    ]
    assert all(found.p_value <= 0.05 for found in weak)


def test_distances_from_products_of_trials_are_those_of_averages():
    rng = np.random.default_rng(0)
    trials, index = rng.normal(3, 1, size=(30, 9)), np.repeat(np.arange(6), 5)
    centred = trials - trials.mean(axis=1, keepdims=True)
    for part in half_averages(index, 6, rng):
        found = rdm_reliability_room._dissimilarities(centred @ centred.T, part)
        np.testing.assert_allclose(found, rsa.rdm(part @ trials)[np.triu_indices(6, 1)])


def test_reliability_is_that_of_a_second_recording():
    """Spearman-Brown: the reliability of all trials is the correlation of two whole recordings' RDMs."""
    rng = np.random.default_rng(1)
    label = np.tile(np.arange(30), 6)
    found, expected = [], []
    for _ in range(10):
        signal = rng.normal(size=(30, 60))
        one, two = (signal + rng.normal(size=(6, 30, 60)) for _ in range(2))
        found.append(rdm_reliability(one.reshape(180, 60), label, n_splits=10, n_samples=50).reliability)
        expected.append(rsa.compare_rdms(rsa.rdm(one.mean(axis=0)), rsa.rdm(two.mean(axis=0))))
    assert np.mean(found) == pytest.approx(np.mean(expected), abs=0.03)


def test_unequal_numbers_of_trials_count():
    rng = np.random.default_rng(0)
    index = np.repeat(np.arange(12), rng.integers(1, 6, 12))
    assert (np.bincount(index) == 1).any()
    found = rdm_reliability(rng.normal(size=(12, 30))[index] + 0.1 * rng.normal(size=(len(index), 30)), index)
    assert found.reliability > 0.9


def test_a_stimulus_of_few_trials_does_not_pass_for_reliability():
    """Its noise sets it apart in both halves, however trials are labelled."""
    index = np.concatenate([np.tile(np.arange(8), 16), np.full(4, 8)])
    found = [
        rdm_reliability(np.random.default_rng(k).normal(size=(132, 40)), index, n_splits=4, n_samples=50).halves
        for k in range(20)
    ]
    assert abs(np.mean(found)) < 0.1  # 0.6 with the ninth stimulus


def test_odd_values_are_counted(tmp_path, trials):
    path = saved(tmp_path, trials, dead=0.05, missing=0.001, duplicated=3)
    with np.load(path) as arrays:
        responses = arrays["responses"]
    found = check(path)
    assert found.raw.missing == np.isnan(responses).sum() > 0
    assert found.raw.neurons_missing == np.isnan(responses).any(axis=0).sum()
    assert found.raw.trials_missing == np.isnan(responses).any(axis=1).sum()
    constant = [np.ptp(column[np.isfinite(column)]) == 0 for column in responses.T]
    assert found.raw.constant == sum(constant) >= 5
    assert found.raw.duplicated == 3
    said = "\n".join(found.warnings)
    assert "missing='neurons'" in said
    assert "never change their response" in said
    assert "3 neurons repeat another one exactly" in said


def test_drift_is_noticed(tmp_path, trials):
    assert check(saved(tmp_path, trials)).neurons.drifting < 0.05
    rows = trials.trials.values + np.linspace(0, 3, len(trials.trials))[:, None]
    with_drift = recordings.Recording.from_trials("mine", rows, trials.trials["orientation"].values)
    found = check(with_drift)
    assert found.neurons.drifting > 0.9
    assert any("drift over the trials" in warning for warning in found.warnings)


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        (RNG.poisson(2, size=(40, 30)), "spike counts"),
        (RNG.poisson(2, size=(40, 30)) / 0.3, "firing rates"),
        (RNG.normal(size=(40, 30)), "z-scores"),
        (RNG.normal(0.1, 0.2, size=(40, 30)), "values with a baseline subtracted, such as dF/F"),
        (RNG.uniform(800, 1200, size=(40, 30)), "values above 0, such as raw fluorescence"),
    ],
)
def test_the_scale_is_recognised(values, scale):
    assert quality.raw.look_at(values).scale == scale


def test_what_cannot_be_known_is_said(v1_file):
    found = check(v1_file)
    assert (found.verdict, found.n_neurons, found.raw, found.rdm) == ("unknown", None, None, None)
    assert found.warnings == ("only the RDM is known, so its reliability cannot be estimated.",)
    few = recordings.Recording.from_responses("few", RNG.normal(size=(5, 8)), [0, 10, 20, 30, 40])
    said = "\n".join(check(few).warnings)
    assert "5 stimuli are few" in said
    assert "leave a gap of 140 degrees" in said
    assert "8 neurons are few" in said


def test_everything_is_plain_json(tmp_path, trials):
    found = check(saved(tmp_path, trials)).to_dict()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["rdm"]["reliability"] > 0


def test_options_of_load_are_taken_and_others_refused(tmp_path, trials):
    path = saved(tmp_path, trials)
    found = check(path, bin_width=15, z_score=True)
    assert found.n_stimuli == 12  # -90 and 90 lie in one bin
    assert found.notes[-1] == "z-scored each neuron over stimuli"
    with pytest.raises(InputError, match="there is no option 'colour' to prepare a recording"):
        check(path, colour="red")
    with pytest.raises(InputError, match="the recording is loaded already"):
        check(trials, bin_width=10)


def test_animals_and_sessions_enter_as_rdms_of_their_own():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(24, 9))
    orientation = np.tile(np.arange(6) * 30.0, 4)
    animal, session = np.repeat(["a", "b"], 12), np.tile(np.repeat(["1", "2"], 6), 2)
    both = recordings.Recording.from_trials("r", rows, orientation, trials={"animal": animal, "session": session})
    found = rdms_for_inference(both)
    assert found["subject"].tolist() == ["a", "a", "b", "b"]
    np.testing.assert_allclose(found["data"], [rsa.rdm(part) for part in rows.reshape(4, 6, 9)])
    alone = recordings.Recording.from_trials("r", rows, orientation, trials={"session": session})
    found = rdms_for_inference(alone)
    assert (sorted(found), found["session"].tolist()) == (["data", "responses", "session"], ["1", "2"])
    np.testing.assert_allclose(found["data"][0], rsa.rdm(rows.reshape(2, 2, 6, 9)[:, 0].mean(axis=0)))
    np.testing.assert_allclose(found["responses"], rows.reshape(2, 2, 6, 9).mean(axis=0))  # of the same neurons
    one = recordings.Recording.from_trials("r", rows, orientation)
    found = rdms_for_inference(one)
    np.testing.assert_array_equal(found["repeats"], rows.reshape(4, 6, 9))
    assert found["data"].shape == (6, 6)


def test_sessions_and_animals_that_saw_some_stimuli_are_said_to_be_left_out_or_put_together():
    rng = np.random.default_rng(0)
    shown = np.r_[np.tile(np.arange(6), 4), 0, 1] * 30.0
    rows = rng.normal(size=(26, 9))

    def of(**labels):
        return recordings.Recording.from_trials("r", rows, shown, trials=labels)

    third = of(session=np.repeat(["1", "2", "3"], [12, 12, 2]))
    assert rdms_for_inference(third)["session"].tolist() == ["1", "2"]
    assert comparison_notes(third) == ("Session 3 saw 2 of 6 stimuli and is left out of the comparison.",)
    alone = of(session=np.repeat(["1", "2", "3"], [3, 3, 20]))
    assert rdms_for_inference(alone)["data"].shape == (6, 6)
    assert comparison_notes(alone) == (
        "Session 1 saw 3; session 2 saw 3 of 6 stimuli, so sessions are not distinguished: their trials are averaged "
        "together.",
        "Stimuli were shown 4 to 5 times: averages use all trials, the noise ceiling the first 4.",
    )
    # An animal whose sessions saw all stimuli together, but none of them alone, has one RDM of all its trials.
    halves = of(animal=np.repeat(["a", "b"], [12, 14]), session=np.repeat(["1", "2", "1"], [3, 9, 14]))
    assert rdms_for_inference(halves)["subject"].tolist() == ["a", "b"]
    assert comparison_notes(halves) == ("Animal a, session 1 saw 3 of 6 stimuli and is left out of the comparison.",)
    thirds = of(animal=np.repeat(["a", "b"], [6, 20]), session=np.repeat(["1", "2", "1"], [3, 3, 20]))
    assert comparison_notes(thirds) == ()
    np.testing.assert_allclose(rdms_for_inference(thirds)["data"][0], rsa.rdm(rows[:6]))


def test_published_rdms_enter_with_whose_they_are():
    rdms = [rsa.rdm(np.random.default_rng(k).normal(size=(6, 9))) for k in range(3)]
    several = recordings.Recording.from_rdm("r", rdms, np.arange(6) * 30.0, subjects={"session": ["1", "2", "3"]})
    found = rdms_for_inference(several)
    np.testing.assert_array_equal(found["data"], rdms)
    assert (sorted(found), found["session"].tolist()) == (["data", "session"], ["1", "2", "3"])
    subjects = recordings.Recording.from_rdm("r", rdms, np.arange(6) * 30.0)
    assert rdms_for_inference(subjects)["subject"].tolist() == ["1", "2", "3"]
    assert rsa.noise_ceiling(found["data"], session=found["session"]).kind == "sessions"
    one = recordings.Recording.from_rdm("r", rdms[:1], np.arange(6) * 30.0)
    assert rdms_for_inference(one)["data"].shape == (6, 6)
    assert comparison_notes(one) == ()


def test_of_too_many_neurons_some_are_looked_at(tmp_path, trials, monkeypatch):
    path = saved(tmp_path, trials)
    with np.load(path) as arrays:
        itemsize = arrays["responses"].dtype.itemsize
    monkeypatch.setattr("normenc.quality.reading.MOST_GIB", 216 * itemsize * 40 / 2**30)
    found = check(path)
    assert found.n_neurons == 40
    assert found.notes[0] == "examined 40 of 100 neurons, from number 30, as many as fit in memory"


def test_sessions_that_share_no_stimulus_are_said_to():
    rng = np.random.default_rng(0)
    orientation = np.r_[np.tile([0, 30, 60.0], 12), np.tile([90, 120, 150.0], 12)]
    session = np.repeat(["a", "b"], 36)
    noise = rng.normal(size=(72, 60)) + (session == "b")[:, None] * 2 * rng.normal(size=60)
    said = "Sessions a and b share no stimulus: differences between sessions"

    def recording(orientation):
        return recordings.Recording.from_trials("two", noise, orientation, trials={"session": session})

    assert check(recording(orientation)).warnings[0].startswith(said)
    assert comparison_notes(recording(orientation))[0].startswith(said)
    orientation[0] = 90  # one trial of a in b's stimuli
    assert not any("share no stimulus" in warning for warning in check(recording(orientation)).warnings)


def test_noise_of_few_trials_does_not_drift_and_two_orientations_are_not_decoded():
    rng = np.random.default_rng(0)
    few = recordings.Recording.from_trials("few", rng.poisson(3, (24, 400)), np.tile(np.arange(0, 180, 30.0), 4))
    assert check(few).neurons.drifting < 0.02  # 0.01 of neurons by chance
    two = recordings.Recording.from_trials("two", rng.poisson(3, (40, 50)), direction=np.tile([0, 90, 180, 270.0], 10))
    assert (check(two).neurons.orientation, check(two).neurons.direction is None) == (None, False)


@pytest.mark.parametrize(
    ("angles", "period", "around"),
    [
        ([0, 90], 180, True),
        ([0, 180], 360, True),
        ([0, 60, 120], 180, True),
        ([0, 30, 60, 90, 120, 150], 180, True),
        ([0, 90], 360, False),
        ([0, 90, 180], 360, False),
        ([0, 30, 60, 90, 120], 180, False),
    ],
)
def test_few_angles_go_around_the_circle_where_they_are_evenly_spaced(angles, period, around):
    kind = {180: "orientation", 360: "direction"}[period]
    responses = np.random.default_rng(0).normal(size=(len(angles), 5))
    recording = recordings.Recording.from_responses("few", responses, **{kind: np.array(angles, float)})
    assert recording.covers_circle == around


def test_a_unit_is_that_of_the_values_it_stands_beside(tmp_path):
    path = saved(tmp_path, recordings.simulated_v1(20, n_repeats=2, n_stimuli=8))
    values = dict(lines(check(path, z_score=True, units="dF/F")))["values"]
    assert values == dict(lines(check(path, units="dF/F")))["values"]
    assert "(stated: dF/F)" in values
    z_scored = check(recordings.load(path, z_score=True, units="dF/F"))
    assert (
        "in standard deviations of each neuron's averages over the stimuli (z-scored)"
        in dict(lines(z_scored))["values"]
    )


@pytest.mark.parametrize(("n_stimuli", "n_neurons"), [(2, 5), (3, 5), (13, 1)])
def test_what_cannot_be_compared_is_not_recommended(tmp_path, n_stimuli, n_neurons):
    rows = RNG.normal(size=(2 * n_stimuli, n_neurons))
    np.savez(tmp_path / "few.npz", responses=rows, orientation=np.tile(np.arange(n_stimuli) * 180 / n_stimuli, 2))
    found = check(tmp_path / "few.npz")
    assert not found.is_comparable
    few = (
        "stimuli are too few to compare models: run and power need at least 4"
        if n_neurons > 1
        else "needs at least 2 neurons, and there is one"
    )
    assert few in found.warnings[0]
    assert not any("n_rdms" in warning or "1 neurons" in warning for warning in found.warnings)
    told = CliRunner().invoke(app, ["check", str(tmp_path / "few.npz")])
    assert told.exit_code == 0
    assert "next:" not in told.output


def test_folding_is_recommended_only_where_orientations_are_enough(tmp_path):
    mean = np.array([[5.0, 0, 0, 9], [0, 5, 9, 0], [5, 9, 0, 0], [9, 5, 0, 0], [5, 0, 9, 0], [0, 0, 5, 9]])
    rows = np.repeat(mean, 8, axis=0) + RNG.normal(0, 0.1, size=(48, 4))
    np.savez(tmp_path / "six.npz", responses=rows, direction=np.repeat(np.arange(0, 360, 60), 8))
    told = CliRunner().invoke(app, ["check", str(tmp_path / "six.npz")])
    assert "next: normenc run" in told.output
    assert "--fold" not in told.output.partition("next:")[2]  # of six directions, three orientations


def test_published_rdms_of_subjects_are_called_so(tmp_path):
    rdms = RNG.uniform(0.5, 1, size=(5, 66))
    np.savez(tmp_path / "subjects.npz", rdm=rdms)
    found = check(tmp_path / "subjects.npz")
    assert found.ceiling.startswith("several subjects: ")
    assert (
        found.description == "subjects: 12 stimuli, known only by RDMs, 5 subjects, species not stated, area not stated"
    )
    assert "the noise ceiling shows how far the RDMs of subjects agree" in found.warnings[0]
    np.savez(tmp_path / "one.npz", rdm=rdms[0])
    one = check(tmp_path / "one.npz")
    assert "known only by an RDM" in one.description
    assert one.warnings[0] == "only the RDM is known, so its reliability cannot be estimated."


@pytest.mark.parametrize(
    ("units", "said"),
    [
        ("Hz", "which are whole numbers (stated: Hz)"),
        ("spikes/s above baseline", "which are whole numbers (stated: spikes/s above baseline)"),
        ("spikes", "which look like spike counts (stated: spikes)"),
    ],
)
def test_whole_rates_are_not_called_counts(units, said):
    rows = np.arange(24.0).reshape(8, 3) % 7
    found = check(recordings.Recording.from_trials("toy", rows, np.tile([0, 45, 90, 135], 2), units=units))
    assert said in dict(lines(found))["values"]
