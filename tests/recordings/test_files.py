import numpy as np
import pytest

from normenc.errors import InputError
from normenc.recordings import load


def save(path, **arrays):
    np.savez(path, **arrays)
    return path


def test_the_studys_selection_and_centring(tmp_path):
    degrees = np.arange(360.0)
    responses = np.random.default_rng(0).normal(size=(360, 5)).astype(np.float32)
    recording = load(save(tmp_path / "study.npz", resp=responses, stimuli=degrees))
    np.testing.assert_array_equal(recording.orientation, np.arange(-90, 91))
    np.testing.assert_array_equal(recording.responses, responses[:181])
    assert recording.responses.dtype == np.float32
    assert recording.name == "study"


def test_binning_by_hand(tmp_path):
    degrees = np.array([0.0, 1, 2, 3, 179, 180, 182, 350])
    responses = np.arange(16.0).reshape(8, 2)
    recording = load(save(tmp_path / "a.npz", resp=responses, stimuli=degrees), bin_width=2)
    # Bins [0, 2), [2, 4), [178, 180), [180, 182), ...: the one with 180 keeps it, 182 and 350 fall out.
    np.testing.assert_array_equal(recording.orientation, [-89.5, -87.5, 89, 90])
    np.testing.assert_array_equal(recording.responses, [[1, 2], [5, 6], [8, 9], [10, 11]])


def test_repeated_stimuli_are_trials_or_averaged_by_bins(tmp_path):
    path = save(tmp_path / "a.npz", resp=np.arange(8.0).reshape(4, 2), stimuli=[10.0, 10, 20, 20])
    repeated, binned = load(path), load(path, bin_width=10)
    np.testing.assert_array_equal(repeated.responses, [[1, 2], [5, 6]])
    np.testing.assert_array_equal(binned.responses, [[1, 2], [5, 6]])
    assert (repeated.n_trials, binned.n_trials) == (4, None)
    assert repeated.steps == ("averaged over the trials of each stimulus",)
    assert binned.steps == ("averaged within bins of 10 degrees",)


def test_own_recordings_and_their_facts(tmp_path):
    path = save(
        tmp_path / "mine.npz",
        responses=np.eye(4),
        orientation=[-45, 0, 45, 90],
        species="tree shrew",
        area="V1",
        simulated=True,
    )
    recording = load(path)
    assert (recording.species, recording.area, recording.simulated) == ("tree shrew", "V1", True)
    np.testing.assert_array_equal(recording.orientation, [-45, 0, 45, 90])


def test_published_rdm(v1_file):
    recording = load(v1_file)
    assert recording.n_stimuli == 181
    assert recording.n_neurons is None
    assert not recording.simulated
    # Section 7 of the study.
    profile = [np.diagonal(recording.rdm, k).mean() for k in (1, 10, 45, 90, 180)]
    np.testing.assert_allclose(profile, [0.29, 0.53, 1.08, 1.15, 0.84], atol=0.005)


GOOD = {"resp": np.eye(4), "stimuli": [0.0, 10, 20, 30]}


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({}, "no arrays"),
        ({"x": [1]}, r"it holds x \(1,\); it must hold 'responses' .* with 'orientation' or 'direction'"),
        ({"resp": np.eye(4)}, "it must hold"),
        (GOOD | {"stimuli": [0.0, 10, 20]}, r"'stimuli' has shape \(3,\) but 'resp' has 4 rows"),
        (GOOD | {"resp": np.ones((9, 4))}, r"but 'resp' has 9 rows \(stimuli\) and 4 columns"),
        (GOOD | {"resp": np.ones(4)}, "must be stimulus x neuron"),
        (GOOD | {"stimuli": [0.0, 10, 20, 400]}, "run from 0 to 400"),
        (GOOD | {"stimuli": [-90.0, 10, 20, 30]}, "run from -90 to 30"),
        (GOOD | {"stimuli": [np.inf, 10, 20, 30]}, "degrees between 0 and 360"),
        (GOOD | {"stimuli": [200.0, 210, 220, 230]}, "0 of 4 stimuli are between"),
        (GOOD | {"stimuli": ["a", "b", "c", "d"]}, "'stimuli' holds 'a', which is not a number"),
        (GOOD | {"resp": np.full((4, 4), np.inf)}, "neuron 0 in trial 0 is infinite"),
        (GOOD | {"resp": np.full((4, 4), np.nan)}, "16 of 16 responses are missing"),
        ({"resp": np.empty((0, 4)), "stimuli": np.empty(0)}, "0 of 0 stimuli"),
        (GOOD | {"resp": np.array([{}, 1, 2, 3])}, "pickled Python objects, which are never loaded"),
        ({"rdm": np.ones((4, 4)), "orientation": [0, 10, 20, 30]}, "not zero on its diagonal"),
        ({"rdm": np.zeros((4, 4)), "orientation": [0, 10, 20]}, "must be square, .* 3 labels of stimuli"),
    ],
)
def test_bad_contents_are_named_with_the_file(tmp_path, arrays, message):
    path = save(tmp_path / "bad.npz", **arrays)
    with pytest.raises(InputError, match=message) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize("bin_width", [0, -1, 181, float("nan")])
def test_impossible_bins_are_named(tmp_path, bin_width):
    with pytest.raises(InputError, match="bin_width"):
        load(save(tmp_path / "a.npz", **GOOD), bin_width=bin_width)


def test_own_recordings_are_binned_after_trials_are_known(tmp_path):
    path = save(tmp_path / "a.npz", responses=np.arange(8.0).reshape(4, 2), orientation=[0, 10, 20, 30])
    binned = load(path, bin_width=20)
    np.testing.assert_array_equal(binned.orientation, [0, 15, 30])  # bins begin at -90: [-10, 10), [10, 30), [30, 50)
    np.testing.assert_array_equal(binned.responses, [[0, 1], [3, 4], [6, 7]])
    assert binned.steps == ("averaged within bins of 20 degrees", "averaged over the trials of each stimulus")


def broken_files(folder):
    whole = save(folder / "whole.npz", **GOOD).read_bytes()
    flipped = bytearray(whole)
    flipped[80] ^= 0xFF
    np.save(folder / "array.npy", np.eye(3))
    return {
        "text": b"orientation,response\n0,1\n",
        "empty": b"",
        "truncated": whole[: len(whole) // 2],
        "flipped": bytes(flipped),
        "single array": (folder / "array.npy").read_bytes(),
        "zip of something else": b"PK\x05\x06" + bytes(18),
    }


@pytest.mark.parametrize("kind", ["text", "empty", "truncated", "flipped", "single array", "zip of something else"])
def test_damaged_files_are_named(tmp_path, kind):
    path = tmp_path / "damaged.npz"
    path.write_bytes(broken_files(tmp_path)[kind])
    with pytest.raises(InputError, match=r"damaged\.npz: ") as caught:
        load(path)
    assert "pickle" not in str(caught.value)


def test_missing_files_and_folders_are_named(tmp_path):
    with pytest.raises(
        InputError, match="no such file, and no recording of that name; the recordings are simulated-v1"
    ):
        load(tmp_path / "nothing.npz")
    with pytest.raises(InputError, match="this is a folder"):
        load(tmp_path)
