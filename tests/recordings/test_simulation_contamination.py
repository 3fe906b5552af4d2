import numpy as np
import pytest

from normenc import tuning
from normenc.errors import InputError
from normenc.recordings import Recording, load, simulated_v1
from normenc.recordings.simulation import contaminate, simulated_natural


@pytest.fixture(scope="module")
def recording():
    return simulated_v1(40, n_repeats=6, n_stimuli=25, n_animals=2, noise="poisson")


def saved(arrays, tmp_path):
    np.savez(tmp_path / "file.npz", **arrays)
    return tmp_path / "file.npz"


def pictures():
    rng = np.random.default_rng(0)
    return simulated_natural(rng.random((6, 9)), rng.random((6, 4, 5)), n_neurons=8, n_repeats=3).recording


@pytest.mark.parametrize(
    "made",
    [
        lambda: simulated_v1(8),
        lambda: simulated_v1(8, n_repeats=3, n_animals=2, n_stimuli=13),
        lambda: simulated_v1(8, n_repeats=2, direction=True, n_stimuli=12),
        pictures,
    ],
    ids=["averages", "trials", "directions", "images"],
)
def test_without_faults_it_is_the_same_recording_again(made, tmp_path):
    recording = made()
    again = load(saved(contaminate(recording), tmp_path))
    assert again.responses.identical(recording.responses)
    if recording.trials is None:
        assert again.trials is None
    else:
        assert again.trials.identical(recording.trials)
    if recording.images is not None:
        np.testing.assert_array_equal(again.images, recording.images)
    facts = ("kind", "units", "species", "area", "source", "citation", "licence", "simulated", "animals")
    for fact in facts:
        assert getattr(again, fact) == getattr(recording, fact)


def test_dead_neurons_are_silent(recording):
    responses = contaminate(recording, dead=0.25)["responses"]
    assert (responses == 0).all(axis=0).sum() == 10
    alive = ~(responses == 0).all(axis=0)
    np.testing.assert_array_equal(responses[:, alive], recording.trials.values[:, alive])


def test_missing_responses_are_as_many_as_asked_for_and_refused(recording, tmp_path):
    arrays = contaminate(recording, missing=0.02)
    assert np.isnan(arrays["responses"]).sum() == round(0.02 * 150 * 40)
    with pytest.raises(InputError, match="120 of 6,000 responses are missing"):
        load(saved(arrays, tmp_path))


def test_drift_moves_baselines_by_standard_deviations(recording):
    moved = contaminate(recording, drift=2.0)["responses"] - recording.trials.values
    spread = recording.trials.values.std(axis=0)
    np.testing.assert_allclose(np.abs(moved[-1] - moved[0]), 2 * spread, rtol=1e-4)
    np.testing.assert_allclose(moved.mean(axis=0), 0, atol=1e-4)
    assert 10 < (moved[-1] > moved[0]).sum() < 30  # up or down
    np.testing.assert_allclose(np.diff(moved, axis=0), (moved[-1] - moved[0]) / 149 + np.zeros((149, 1)), atol=1e-4)


def test_shuffled_stimuli_explain_nothing(recording):
    arrays = contaminate(recording, shuffled=True)
    np.testing.assert_array_equal(arrays["responses"], recording.trials)
    np.testing.assert_array_equal(np.sort(arrays["orientation"]), np.sort(recording.trials["orientation"]))
    assert tuning.explainable_variance(recording.trials, recording.trials["orientation"].values).mean() > 0.2
    assert tuning.explainable_variance(arrays["responses"], arrays["orientation"]).mean() == pytest.approx(0, abs=0.02)


def test_duplicated_neurons_stand_twice(recording):
    arrays = contaminate(recording, duplicated=3, dead=0.5, missing=0.01)
    responses = arrays["responses"]
    assert responses.shape == (150, 43)
    assert arrays["neuron_animal"].shape == (43,)
    for copy in responses[:, 40:].T:
        same = [np.array_equal(copy, other, equal_nan=True) for other in responses[:, :40].T]
        assert sum(same) == 1
        assert np.nanmax(copy) > 0
    named = Recording.from_responses("named", np.eye(3), [0, 60, 120], neurons={"neuron": ["a", "b", "c"]})
    assert len(set(contaminate(named, duplicated=2)["neuron"])) == 5


def test_is_seeded(recording):
    options = {"dead": 0.2, "missing": 0.1, "drift": 1.0, "shuffled": True}
    first, again, other = (contaminate(recording, seed=seed, **options) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first["responses"], again["responses"])
    np.testing.assert_array_equal(first["orientation"], again["orientation"])
    assert not np.array_equal(first["responses"], other["responses"], equal_nan=True)
    assert not np.array_equal(first["orientation"], other["orientation"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dead": 1.5}, "dead is 1.5; it must be a share"),
        ({"missing": -0.1}, "missing is -0.1"),
        ({"drift": float("inf")}, "drift is inf"),
        ({"dead": 0.5, "duplicated": 21}, "duplicated is 21; only the 20 neurons that are not dead"),
    ],
)
def test_impossible_faults_are_refused(recording, options, message):
    with pytest.raises(InputError, match=message):
        contaminate(recording, **options)


def test_a_recording_without_responses_is_refused():
    with pytest.raises(InputError, match="known only by its RDM"):
        contaminate(Recording.from_rdm("rdm", 1 - np.eye(3), [0, 60, 120]))
