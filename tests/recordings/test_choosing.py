"""Neurons chosen by reliability, in trials that are not compared; stimuli that all animals saw."""

import numpy as np
import pytest
from scipy import stats

from normenc import quality, tuning
from normenc.errors import InputError
from normenc.recordings import Recording, keep_reliable, load
from normenc.recordings.reliable import choosing_trials


def noise(rng, n_repeats=4, n_stimuli=30, n_neurons=150):
    names = [f"image {number:02d}" for number in range(n_stimuli)]
    return Recording.from_trials(
        "noise", rng.normal(size=(n_repeats * n_stimuli, n_neurons)), image=np.tile(names, n_repeats)
    )


def mean_correlation(recording):
    """Of halves of the trials, over neurons; uncorrected, because a corrected one is not 0 on average under noise."""
    trials = recording.trials
    one, other = (stats.zscore(half) for half in tuning.split_halves(trials.values, trials["stimulus_index"].values))
    return float((one * other).mean())


def chosen_and_compared(recording, least):
    """What is usually done, and must not be: the same trials choose neurons and are compared."""
    trials = recording.trials
    found = tuning.split_half_reliability(trials.values, trials["stimulus_index"].values)
    return float(found[found >= least].mean())


def test_choosing_on_the_trials_that_are_compared_inflates_and_ours_does_not():
    rng = np.random.default_rng(0)
    usual, ours = np.transpose(
        [
            (chosen_and_compared(recording, 0.2), mean_correlation(keep_reliable(recording, 0.2)))
            for recording in (noise(rng) for _ in range(60))
        ]
    )
    assert usual.min() > 0.2  # neurons of noise alone look reliable
    # Ours are of mean 0, and a t-test at the level 0.05 would be right.
    assert stats.ttest_1samp(ours, 0).pvalue > 0.01
    assert abs(ours.mean()) < 0.01


def test_trials_alternate_within_animals_and_sessions():
    rows = np.arange(28.0).reshape(14, 2) % 5
    seen = {"animal": list("aaabbbbb") + list("aabbbb"), "session": ["1"] * 14}
    shown = ["x"] * 8 + ["y", "z"] + ["y"] * 4
    recording = Recording.from_trials("toy", rows, image=shown, trials=seen)
    # x: a a a, b b b b b; y: a, b b b b; z: one trial, which chooses nothing.
    expected = [0, 1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 1]
    assert choosing_trials(recording.trials).astype(int).tolist() == expected


@pytest.mark.parametrize(
    ("n_trials", "compared"),  # of every stimulus in each animal and session
    [
        ({("a", ""): 3, ("b", ""): 3}, {("a", ""): 2, ("b", ""): 2}),
        ({("a", ""): 4, ("b", ""): 1, ("c", ""): 1}, {("a", ""): 2, ("b", ""): 1, ("c", ""): 1}),
        ({("a", ""): 5, ("b", ""): 2}, {("a", ""): 3, ("b", ""): 1}),
        ({("a", "1"): 2, ("a", "2"): 2}, {("a", "1"): 1, ("a", "2"): 1}),
        ({("a", "1"): 3, ("a", "2"): 1, ("b", "1"): 2}, {("a", "1"): 2, ("a", "2"): 1, ("b", "1"): 1}),
        ({("a", ""): 7}, {("a", ""): 4}),
    ],
)
@pytest.mark.parametrize("shuffled", [False, True])
def test_each_animal_and_session_keeps_at_least_half_of_its_trials(n_trials, compared, shuffled):
    rng = np.random.default_rng(0)
    rows = [
        (animal, session, image) for (animal, session), n in n_trials.items() for image in range(12) for _ in range(n)
    ]
    if shuffled:
        rows = [rows[place] for place in rng.permutation(len(rows))]
    animal, session, shown = map(np.array, zip(*rows, strict=True))
    values = rng.normal(size=(12, 6))[shown] + 0.1 * rng.normal(size=(len(rows), 6))
    labels = {"animal": animal} | ({"session": session} if session[0] else {})
    recording = Recording.from_trials("toy", values, image=shown, trials=labels)
    kept = keep_reliable(recording, 0.5)
    assert kept.animals == recording.animals and kept.sessions == recording.sessions
    of_kept = list(
        zip(kept.trials["animal"].values, *([kept.trials["session"].values] if session[0] else []), strict=True)
    )
    for (name, day), n in compared.items():
        assert of_kept.count((name, day) if day else (name,)) == 12 * n
    assert kept.n_trials == 12 * sum(compared.values())


@pytest.mark.parametrize("label", ["animal", "session"])
def test_single_trials_of_animals_or_sessions_are_refused_not_left_out(label):
    rows = np.random.default_rng(0).normal(size=(40, 5))
    names = np.repeat(["a", "b", "c", "d"], 10)
    recording = Recording.from_trials("toy", rows, image=np.tile(np.arange(10), 4), trials={label: names})
    with pytest.raises(InputError, match=f"split within each {label}, .* leaves 0 trials of each stimulus to choose"):
        keep_reliable(recording, 0.1)


def test_the_other_trials_are_averaged_and_all_of_rare_stimuli_are_kept():
    rng = np.random.default_rng(2)
    shown = np.concatenate([np.tile(np.arange(0, 150, 30.0), 5), [150.0, 150.0]])
    signal = np.cos(np.radians(2 * shown))[:, None] * np.linspace(3, 5, 6)
    values = np.hstack([signal + 0.1 * rng.normal(size=signal.shape), np.zeros((27, 1))])
    recording = Recording.from_trials("toy", values, shown)
    kept = keep_reliable(recording, 0.5)
    assert kept.n_neurons == 6 and kept.n_trials == 17 and kept.n_repeats == (2, 3)
    np.testing.assert_allclose(kept.responses[0], values[[0, 10, 20], :6].mean(axis=0))
    np.testing.assert_allclose(kept.responses[5], values[25:, :6].mean(axis=0))
    assert kept.steps == (
        "kept 6 of 7 neurons with a split-half reliability of at least 0.5 (in 10 trials, every second one of each of "
        "the 5 stimuli shown 4 times or more)",
        "left these 10 of 27 trials out of the comparison",
        "averaged over the trials of each stimulus",
    )


@pytest.mark.parametrize(
    ("n_repeats", "least", "said"),
    [
        (1, 0.1, "no stimulus was shown twice, or only averages are known; .* 3 stimuli with 4 trials each"),
        (2, 0.1, "its 30 stimuli have 2 trials each; .*2 to choose neurons by, and 2 others to compare"),
        (3, 0.1, "its 30 stimuli have 3 trials each; .*leave out reliability"),
        (4, 0.99, "0 of 150 neurons have a split-half reliability of at least 0.99 .*60 trials .*the highest is 0"),
    ],
)
def test_too_few_trials_or_neurons_are_refused_with_their_numbers(n_repeats, least, said):
    with pytest.raises(InputError, match=said):
        keep_reliable(noise(np.random.default_rng(0), n_repeats), least)


def test_few_stimuli_with_enough_trials_are_told():
    rows = np.random.default_rng(0).normal(size=(14, 4))
    shown = np.repeat([0.0, 30.0, 60.0, 90.0], [4, 5, 2, 3])
    with pytest.raises(InputError, match="its 4 stimuli have 2 to 5 trials each, 2 of them 4 or more; choosing"):
        keep_reliable(Recording.from_trials("toy", rows, shown), 0.1)


def test_folding_and_bins_choose_the_same_neurons_of_both_recordings(tmp_path):
    rng = np.random.default_rng(3)
    direction = np.tile(np.arange(0, 360, 30.0), 8) + rng.choice([-1, 0, 1], 96)
    values = np.cos(np.radians(2 * (direction[:, None] - rng.uniform(0, 180, 30)))) + 2 * rng.normal(size=(96, 30))
    np.savez(tmp_path / "d.npz", responses=values, direction=direction)
    options = {"bin_width": 30, "reliability": 0.4}
    folded, apart = (load(tmp_path / "d.npz", **options, fold_directions=fold) for fold in (True, False))
    assert folded.responses["neuron"].values.tolist() == apart.responses["neuron"].values.tolist()
    assert (folded.n_stimuli, apart.n_stimuli, folded.n_trials, apart.n_trials) == (6, 12, 48, 48)
    assert 2 <= folded.n_neurons < 30


# Stimuli that all animals saw


def partly(tmp_path, **changes):
    """Three mice, one row a stimulus and mouse: m1 saw images 0 to 7, m2 2 to 9, m3 0 to 9, in colour and by name."""
    rng = np.random.default_rng(0)
    seen = [(f"m{mouse}", image) for mouse, own in ((1, range(8)), (2, range(2, 10)), (3, range(10))) for image in own]
    arrays = {
        "responses": rng.normal(size=(26, 5)),
        "image": np.array([f"i{image}" for _, image in seen]),
        "animal": np.array([mouse for mouse, _ in seen]),
        "images": np.linspace(0, 1, 10)[:, None, None] * np.ones((10, 4, 6)),
        "image_names": np.array([f"i{image}" for image in range(10)]),
    }
    np.savez(tmp_path / "partly.npz", **(arrays | changes))
    return tmp_path / "partly.npz", arrays


def test_shared_stimuli_are_those_that_all_animals_saw(tmp_path):
    path, arrays = partly(tmp_path)
    recording = load(path, stimuli="shared")
    assert recording.stimulus.tolist() == [f"i{image}" for image in range(2, 8)]
    assert "kept 6 of 10 stimuli (seen by all 3 animals)" in recording.steps
    assert (recording.n_trials, recording.n_repeats) == (18, (3, 3))
    expected = arrays["responses"][(arrays["image"] == "i4")].mean(axis=0)
    np.testing.assert_allclose(recording.responses[2], expected)
    # Each keeps its own image.
    np.testing.assert_allclose(recording.images.reshape(6, -1)[:, 0], np.linspace(0, 1, 10)[2:8], atol=0.003)
    inputs = quality.rdms_for_inference(recording)
    assert inputs["subject"].tolist() == ["m1", "m2", "m3"]
    whole = load(path)
    assert whole.n_stimuli == 10
    assert any("m1 saw 8; " in note for note in quality.comparison_notes(whole))  # as it is said without


def test_sessions_count_where_one_animal_is_named(tmp_path):
    _, arrays = partly(tmp_path)
    both = load(partly(tmp_path, animal="only one", session=arrays["animal"])[0], stimuli="shared")
    assert "kept 6 of 10 stimuli (seen by all 3 sessions)" in both.steps
    one = load(partly(tmp_path, animal="only one")[0], stimuli="shared")
    assert one.n_stimuli == 10 and "kept 10 of 10 stimuli (seen by the one animal)" in one.steps


def test_an_animal_whose_neurons_are_missing_did_not_see_the_image(tmp_path):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(10, 6))
    values[:2, :3] = np.nan  # m1 did not see the first two
    values[9, 3:] = np.nan  # nor m2 the last one
    owner = np.repeat(["m1", "m2"], 3)
    np.savez(tmp_path / "own.npz", responses=values, orientation=np.arange(0, 150, 15.0), neuron_animal=owner)
    with pytest.raises(InputError, match="9 of 60 responses are missing"):
        load(tmp_path / "own.npz")
    recording = load(tmp_path / "own.npz", stimuli="shared")
    assert recording.stimulus.tolist() == list(range(30, 135, 15))
    assert "kept 7 of 10 stimuli (seen by both animals)" in recording.steps
    values[4, 1] = np.nan  # one neuron's hole is not its animal's
    np.savez(tmp_path / "own.npz", responses=values, orientation=np.arange(0, 150, 15.0), neuron_animal=owner)
    with pytest.raises(InputError, match="1 of 42 responses are missing"):
        load(tmp_path / "own.npz", stimuli="shared")
    assert load(tmp_path / "own.npz", stimuli="shared", missing="neurons").responses.shape == (7, 5)
    assert "kept 7 of 10 stimuli (seen by both animals)" in quality.check(tmp_path / "own.npz", stimuli="shared").notes


def test_blanks_stay_and_what_shares_nothing_is_refused(tmp_path):
    rows = np.random.default_rng(0).normal(size=(8, 3))
    shown, seen = [0, 30, 60, np.nan, 30, 60, 90, np.nan], ["a"] * 4 + ["b"] * 4
    np.savez(tmp_path / "blank.npz", responses=rows, orientation=shown, animal=seen)
    recording = load(tmp_path / "blank.npz", stimuli="shared")
    assert (len(recording.blanks), recording.stimulus.tolist(), recording.n_trials) == (2, [30, 60], 4)
    np.savez(tmp_path / "apart.npz", responses=rows[:6], orientation=[0, 30, 60, 60, 90, 120], animal=list("aaabbb"))
    with pytest.raises(InputError, match="1 of 5 stimuli were seen by both animals \\(a saw 3, b saw 3\\)"):
        load(tmp_path / "apart.npz", stimuli="shared")
    np.savez(tmp_path / "rdm.npz", rdm=1 - np.eye(3), orientation=[0, 30, 60])
    with pytest.raises(InputError, match="only RDMs are known"):
        load(tmp_path / "rdm.npz", stimuli="shared")
