"""Animals, or sessions, that each have neurons of their own: trials are joined, or refused with what is needed."""

import numpy as np
import pytest

from normenc import quality, rsa
from normenc.errors import InputError
from normenc.recordings import Recording, load

SHOWN = np.arange(0, 180, 15.0)
NAMES = ("m1", "m2", "m3")


def blocks(n_repeats=(3, 3, 3), what="animal", seed=0):
    """Each animal with 4 neurons of its own, tuned alike; trials in random order, animal by animal."""
    rng = np.random.default_rng(seed)
    rows, shown, whose = [], [], []
    for place, n in enumerate(n_repeats):
        own = rng.permutation(np.repeat(SHOWN, n))
        values = np.full((len(own), 4 * len(n_repeats)), np.nan)
        tuned = 2 * np.cos(np.radians(2 * (own[:, None] - np.array([0, 45, 90, 135.0]))))
        values[:, 4 * place : 4 * place + 4] = tuned + 0.3 * rng.normal(size=tuned.shape)
        rows, shown, whose = [*rows, values], [*shown, own], [*whose, *[NAMES[place]] * len(own)]
    of_neurons = np.repeat(NAMES[: len(n_repeats)], 4)
    return {
        "responses": np.concatenate(rows),
        "orientation": np.concatenate(shown),
        what: np.array(whose),
        f"neuron_{what}": of_neurons,
    }


def without(arrays, name):
    return {key: values for key, values in arrays.items() if key != name}


@pytest.mark.parametrize("what", ["animal", "session"])
@pytest.mark.parametrize("told", ["both", "trials", "neurons"])
def test_trials_are_joined_by_stimulus_and_number(tmp_path, what, told):
    arrays = blocks(what=what)
    given = {"both": arrays, "trials": without(arrays, f"neuron_{what}"), "neurons": without(arrays, what)}[told]
    np.savez(tmp_path / "own.npz", **given)
    recording = load(tmp_path / "own.npz")
    assert (recording.n_stimuli, recording.n_trials, recording.n_repeats) == (12, 36, (3, 3))
    assert recording.responses[f"neuron_{what}"].values.tolist() == arrays[f"neuron_{what}"].tolist()
    assert (recording.animals if what == "animal" else recording.sessions) == NAMES
    for place, name in enumerate(NAMES):  # by hand: the k-th trial of each stimulus
        own = arrays[what] == name
        for stimulus in SHOWN:
            expected = arrays["responses"][own & (arrays["orientation"] == stimulus), 4 * place : 4 * place + 4]
            found = recording.trials.values[recording.trials["orientation"].values == stimulus]
            np.testing.assert_array_equal(found[:, 4 * place : 4 * place + 4], expected)
    assert recording.steps[0].startswith(f"joined 108 trials of 3 {what}s with different neurons into 36")
    inputs = quality.rdms_for_inference(recording)
    by_hand = [rsa.rdm(recording.responses.values[:, 4 * k : 4 * k + 4]) for k in range(3)]
    np.testing.assert_allclose(inputs["data"], by_hand)
    assert inputs["subject" if what == "animal" else "session"].tolist() == list(NAMES)
    checked = quality.check(tmp_path / "own.npz")
    assert checked.raw.missing == 0 and checked.n_trials == 36 and checked.verdict == "reliable"


def test_python_gives_the_same_and_unequal_trials_are_told(tmp_path):
    arrays = blocks((5, 3))
    np.savez(tmp_path / "own.npz", **arrays)
    recording = load(tmp_path / "own.npz")
    same = Recording.from_trials(
        "own",
        arrays["responses"],
        arrays["orientation"],
        trials={"animal": arrays["animal"]},
        neurons={"neuron_animal": arrays["neuron_animal"]},
    )
    np.testing.assert_array_equal(recording.trials, same.trials)
    assert recording.steps == same.steps and recording.n_repeats == (3, 3)
    assert recording.steps[:2] == (
        "left out 24 of 96 trials without a counterpart in every animal",
        "joined 72 trials of 2 animals with different neurons into 36 (the first trial of each stimulus in every "
        "animal, the second, and so on)",
    )


def test_sessions_of_animals_with_neurons_of_their_own():
    arrays = blocks((2, 2, 2))
    animal = np.where(arrays["animal"] == "m3", "b", "a")
    session = np.where(arrays["animal"] == "m2", "2", "1")
    trials = {"animal": animal, "session": session}
    recording = Recording.from_trials("own", arrays["responses"], arrays["orientation"], trials=trials)
    assert recording.responses["neuron_animal"].values.tolist() == ["a"] * 8 + ["b"] * 4
    assert recording.responses["neuron_session"].values.tolist() == ["1"] * 4 + ["2"] * 4 + ["1"] * 4
    # Sessions with the same neurons stay together, and cannot be told apart in joined trials.
    two = blocks((2, 2))
    session = np.tile(["1", "2"], 24)
    recording = Recording.from_trials(
        "own", two["responses"], two["orientation"], trials={"animal": two["animal"], "session": session}
    )
    assert "neuron_session" not in recording.responses.coords and recording.animals == ("m1", "m2")


def test_blanks_holes_reliability_and_shared_stimuli(tmp_path):
    arrays = blocks((4, 4))
    shown = arrays["orientation"].copy()
    shown[shown == 165] = np.nan  # blanks
    shown[(shown == 150) & (arrays["animal"] == "m2")] = 0  # which m2 then did not see
    responses = arrays["responses"].copy()
    hole = np.flatnonzero(arrays["animal"] == "m1")[0]
    np.savez(tmp_path / "own.npz", **(arrays | {"orientation": shown}))
    with pytest.raises(InputError, match=r"not all saw all 11 stimuli \(m1 saw 11, m2 saw 10\); stimuli='shared'"):
        load(tmp_path / "own.npz")
    recording = load(tmp_path / "own.npz", stimuli="shared", reliability=0.5)
    assert (recording.n_stimuli, recording.n_repeats, len(recording.blanks)) == (10, (2, 2), 4)
    responses[hole, 1] = np.nan
    np.savez(tmp_path / "own.npz", **(arrays | {"responses": responses}))
    with pytest.raises(InputError, match="1 of 384 responses are missing"):
        load(tmp_path / "own.npz")
    assert load(tmp_path / "own.npz", missing="neurons").n_neurons == 7
    assert load(tmp_path / "own.npz", missing="trials").n_trials == 47


@pytest.mark.parametrize("missing", ["error", "neurons", "trials"])
def test_what_is_not_told_or_contradicts_itself_is_refused(missing):
    arrays = blocks()
    responses, shown = arrays["responses"], arrays["orientation"]
    if missing != "error":
        with pytest.raises(InputError, match="label the trials with animal, or the neurons with neuron_animal"):
            Recording.from_trials("own", responses, shown, missing=missing)
    trials, neurons = {"animal": arrays["animal"]}, {"neuron_animal": np.roll(arrays["neuron_animal"], 1)}
    with pytest.raises(InputError, match="neuron 0 is labelled as of m3, but only trials of m1 have responses of it"):
        Recording.from_trials("own", responses, shown, trials=trials, neurons=neurons, missing=missing)
    some = responses.copy()
    some[arrays["animal"] == "m2", 0] = 1.0  # of m1 and m2
    with pytest.raises(InputError, match="Some neurons are of several animals: give each animal columns of its own"):
        Recording.from_trials("own", some, shown, trials=trials, missing=missing)


def test_the_check_says_that_columns_count_as_the_same_neurons():
    arrays = blocks((3, 3))
    responses = np.nan_to_num(arrays["responses"])[:, :4] + np.nan_to_num(arrays["responses"])[:, 4:]
    shared = Recording.from_trials("own", responses, arrays["orientation"], trials={"animal": arrays["animal"]})
    said = [warning for warning in quality.check(shared).warnings if "the same 4 columns" in warning]
    assert len(said) == 1 and "with NaN in the trials of the others" in said[0]
