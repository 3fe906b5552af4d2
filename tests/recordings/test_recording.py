import numpy as np
import pytest

from normenc.errors import InputError
from normenc.recordings import Recording, load

RDM = np.array([[0, 0.5, 1], [0.5, 0, 1.5], [1, 1.5, 0]])


def test_stimuli_are_sorted_with_their_responses():
    recording = Recording.from_responses("toy", [[1, 2], [3, 4], [5, 6]], [10, -20, 0], units="Hz", species="ferret")
    np.testing.assert_array_equal(recording.orientation, [-20, 0, 10])
    np.testing.assert_array_equal(recording.responses, [[3, 4], [5, 6], [1, 2]])
    np.testing.assert_array_equal(recording.responses["orientation"], [-20, 0, 10])
    assert recording.responses.dims == ("stimulus", "neuron")
    assert (recording.n_stimuli, recording.n_neurons, recording.units) == (3, 2, "Hz")
    assert recording.responses.attrs["units"] == "Hz"


def test_rdm_is_sorted_on_both_sides():
    recording = Recording.from_rdm("toy", RDM, [10, -20, 0])
    np.testing.assert_array_equal(recording.rdm, [[0, 1.5, 0.5], [1.5, 0, 1], [0.5, 1, 0]])
    assert recording.n_neurons is None
    assert "3 stimuli, known only by an RDM" in recording.describe()


def test_simulated_is_said_everywhere():
    recording = Recording.from_responses("toy", np.eye(3), [0, 1, 2], simulated=True)
    assert recording.label == "toy (simulated)"
    assert "no animal was recorded" in recording.describe()


@pytest.mark.parametrize(
    ("responses", "orientation", "message"),
    [
        (np.eye(3), [0, 1], r"orientation has shape \(2,\) but there are responses to 3"),
        (np.eye(3), [0, 1, 1], "orientation 1 occurs 2 times"),
        (np.eye(3), [0, 1, np.nan], "orientation of stimulus 2 is not finite"),
        (np.ones((1, 3)), [0], "1 stimulus"),
        (np.full((3, 3), np.nan), [0, 1, 2], "not finite"),
        (np.ones(3), [0, 1, 2], r"shape \(3,\)"),
        (np.ones((3, 0)), [0, 1, 2], r"shape \(3, 0\)"),
    ],
)
def test_bad_responses_are_named(responses, orientation, message):
    with pytest.raises(InputError, match=message):
        Recording.from_responses("toy", responses, orientation)


@pytest.mark.parametrize(
    ("rdm", "message"),
    [
        (RDM[:2], "must be square"),
        (RDM + np.triu(RDM), "not symmetric"),
        (1 - RDM, "similarities"),
        (-RDM, r"rdm is -1.5 for stimuli \d and \d; correlation distances lie between 0 and 2"),
        (3 * RDM, "between 0 and 2"),
        (np.where(RDM == 1.5, np.nan, RDM), "nan for stimuli 1 and 2"),
    ],
)
def test_bad_rdms_are_named(rdm, message):
    with pytest.raises(InputError, match=message):
        Recording.from_rdm("toy", rdm, [0, 1, 2])


def test_neurons_that_some_animals_share_are_kept_as_asked(tmp_path):
    rng, names = np.random.default_rng(0), np.repeat(["m1", "m2"], 8)
    values = rng.normal(size=(16, 5))
    values[names == "m2", 4] = np.nan
    np.savez(tmp_path / "some.npz", responses=values, orientation=np.tile([0.0, 45, 90, 135], 4), animal=names)
    assert load(tmp_path / "some.npz", missing="neurons").n_neurons == 4
    assert load(tmp_path / "some.npz", missing="trials").n_trials == 8


def test_a_label_by_another_name_is_said_with_its_value(tmp_path):
    given = {"responses": np.random.default_rng(0).normal(size=(8, 3)), "orientation": np.tile([0.0, 45, 90, 135], 2)}
    np.savez(tmp_path / "one.npz", mouse="AB12", **given)
    recording = load(tmp_path / "one.npz")
    assert recording.animals == ("AB12",)
    assert "animal is AB12 (from mouse)" in recording.notes
    np.savez(tmp_path / "two.npz", mouse=np.repeat(["a", "b"], 4), **given)
    assert "animal is read from mouse" in load(tmp_path / "two.npz").notes
