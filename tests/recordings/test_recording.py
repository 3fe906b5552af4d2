import numpy as np
import pytest

from normenc.errors import InputError
from normenc.recordings import Recording

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
    assert "known only by its RDM" in recording.describe()


def test_simulated_is_said_everywhere():
    recording = Recording.from_responses("toy", np.eye(3), [0, 1, 2], simulated=True)
    assert recording.label == "toy (simulated)"
    assert "no animal was recorded" in recording.describe()


@pytest.mark.parametrize(
    ("responses", "orientation", "message"),
    [
        (np.eye(3), [0, 1], r"orientation has shape \(2,\) but there are responses to 3"),
        (np.eye(3), [0, 1, 1], "orientation 1 stands 2 times"),
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
