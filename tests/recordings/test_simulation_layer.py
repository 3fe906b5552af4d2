import numpy as np
import pytest

from normenc import controls, representations, rsa, stimuli, tuning
from normenc.errors import InputError
from normenc.recordings.simulation import simulated_from_layer

ANGLES = np.arange(-90.0, 90, 7.5)
READOUTS = {
    "dense": {},
    "sparse": {"n_inputs": 4},
    "nonnegative": {"n_inputs": 4, "nonnegative": True},
    "one unit": {"n_inputs": 1},
}


@pytest.fixture(scope="module")
def layer():
    """Twelve stimuli x 20 units, of which none is negative."""
    return np.random.default_rng(0).exponential(size=(12, 20))


@pytest.fixture(scope="module")
def layers():
    images = stimuli.gratings(ANGLES)
    return {
        "energy": representations.represent(controls.gabor_energy, images)["energy"].values,
        "pixels": representations.represent(controls.pixels, images)["pixels"].values,
    }


def stimulus_of(layer):
    return np.arange(len(layer)) * 15.0


def by_stimulus(recording):
    """Trials as an array (n_stimuli, n_repeats, n_neurons)."""
    order = np.argsort(recording.trials["stimulus_index"].values, kind="stable")
    return recording.trials.values[order].reshape(recording.n_stimuli, -1, recording.n_neurons).astype(float)


@pytest.mark.parametrize("readout", READOUTS)
def test_many_neurons_have_the_rdm_of_the_layer(layer, readout):
    made = simulated_from_layer(
        layer, stimulus_of(layer), n_neurons=4000, explainable_variance=1, n_repeats=1, **READOUTS[readout]
    )
    np.testing.assert_allclose(made.recording.responses, made.signal, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(rsa.rdm(made.recording.responses), rsa.rdm(layer), atol=0.1)
    assert rsa.compare_rdms(rsa.rdm(made.recording.responses), rsa.rdm(layer)) > 0.98


@pytest.mark.parametrize("readout", READOUTS)
def test_the_mixing_is_what_was_read(layer, readout):
    order = np.random.default_rng(1).permutation(len(layer))
    made = simulated_from_layer(layer[order], stimulus_of(layer)[order], n_neurons=50, **READOUTS[readout])
    np.testing.assert_array_equal(made.recording.stimulus, stimulus_of(layer))
    np.testing.assert_allclose(made.signal, layer @ made.mixing)
    total = 0 if readout in ("dense", "sparse") else 1
    np.testing.assert_allclose(made.mixing.sum(axis=0), total, atol=1e-12)
    read = READOUTS[readout].get("n_inputs", 20)
    assert ((made.mixing != 0).sum(axis=0) == read).all()
    assert (made.mixing.min() >= 0) == (total == 1)


def test_units_that_do_not_vary_are_not_read(layer):
    still = np.concatenate([layer, np.full((12, 30), 3.0)], axis=1)
    made = simulated_from_layer(still, stimulus_of(layer), n_neurons=20)
    assert (made.mixing[20:] == 0).all()
    with pytest.raises(InputError, match="between 1 and 20, the units that vary"):
        simulated_from_layer(still, stimulus_of(layer), n_inputs=21)


def test_rectified_neurons_respond_above_their_mean(layer):
    made = simulated_from_layer(layer, stimulus_of(layer), n_neurons=50, rectified=True)
    linear = layer @ made.mixing
    np.testing.assert_allclose(made.signal, np.maximum(linear - linear.mean(axis=0), 0))


@pytest.mark.parametrize("noise", ["gaussian", "poisson"])
def test_explainable_variance_is_as_wanted(layer, noise):
    wanted = np.repeat([0.1, 0.5, 0.9], 100)
    made = simulated_from_layer(
        layer,
        stimulus_of(layer),
        n_neurons=300,
        explainable_variance=wanted,
        noise=noise,
        rectified=noise == "poisson",
        n_repeats=40,
    )
    np.testing.assert_array_equal(made.explainable_variance, wanted)
    trials = made.recording.trials
    found = tuning.explainable_variance(trials, trials["orientation"].values)
    np.testing.assert_allclose(found.reshape(3, 100).mean(axis=1), [0.1, 0.5, 0.9], atol=0.015)
    residual = by_stimulus(made.recording) - made.signal[:, None]
    np.testing.assert_allclose(
        np.square(residual).mean(axis=(0, 1)).reshape(3, 100).mean(axis=1),
        np.square(made.noise_sd).reshape(3, 100).mean(axis=1),
        rtol=0.05,
    )


def test_counts_have_the_fano_factor(layer):
    made = simulated_from_layer(
        layer,
        stimulus_of(layer),
        n_neurons=100,
        nonnegative=True,
        n_inputs=3,
        noise="poisson",
        fano=1.5,
        n_repeats=200,
    )
    trials = by_stimulus(made.recording)
    np.testing.assert_array_equal(trials, np.round(trials))
    assert made.recording.units == "spikes per trial"
    assert np.mean(trials.var(axis=1, ddof=1) / made.signal) == pytest.approx(1.5, abs=0.03)


@pytest.mark.parametrize(("true", "other"), [("energy", "pixels"), ("pixels", "energy")])
def test_rsa_finds_the_layer_that_the_neurons_read(layers, true, other):
    models = np.stack([rsa.rdm(layers[name]) for name in (true, other)])
    for seed in range(4):
        made = simulated_from_layer(layers[true], ANGLES, explainable_variance=0.2, n_repeats=8, seed=seed)
        similarity = rsa.compare_rdms(models, rsa.rdm(made.recording.responses))
        assert similarity[0] > similarity[1] + 0.4


def test_animals_read_alike_unless_told_otherwise(layer):
    def between(animal_sd):
        made = simulated_from_layer(
            layer,
            stimulus_of(layer),
            n_neurons=6001,
            n_animals=2,
            animal_sd=animal_sd,
            explainable_variance=1,
            n_repeats=1,
        )
        animal = made.recording.responses["neuron_animal"].values
        assert sorted(np.unique(animal, return_counts=True)[1]) == [3000, 3001]
        return rsa.compare_rdms(*(rsa.rdm(made.signal[:, animal == name]) for name in made.recording.animals))

    assert between(0.0) > 0.98
    assert between(1.0) < 0.9


def test_images_stay_with_their_responses(layer):
    shown = np.random.default_rng(2).random((12, 4, 5)).astype(np.float32)
    names = [f"picture {index}" for index in range(12)]
    made = simulated_from_layer(layer, image=names, images=shown, n_neurons=5, explainable_variance=1)
    order = np.argsort(names)
    np.testing.assert_array_equal(made.recording.images, shown[order])
    np.testing.assert_allclose(made.recording.responses, (layer @ made.mixing)[order], rtol=1e-5, atol=1e-5)


def test_is_seeded_and_simulated(layer):
    first, again, other = (simulated_from_layer(layer, direction=stimulus_of(layer), seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.recording.trials, again.recording.trials)
    assert not np.array_equal(first.mixing, other.mixing)
    assert not np.array_equal(first.recording.trials, other.recording.trials)
    assert (first.recording.simulated, first.recording.kind, first.recording.n_repeats) == (True, "direction", (10, 10))
    assert first.recording.source == "normenc.recordings.simulated_from_layer"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_repeats": 0}, "n_repeats is 0"),
        ({"n_neurons": 10, "n_animals": 6}, "n_animals is 6"),
        ({"explainable_variance": 0}, r"explainable_variance is 0 to 0; it must lie in \(0, 1\]"),
        ({"explainable_variance": [0.5, 0.5]}, r"shape \(2,\)"),
        ({"explainable_variance": 1, "noise": "poisson"}, "spike counts always vary"),
        ({"noise": "poisson"}, "spike counts cannot be negative; give rectified=True"),
        ({"n_inputs": 0}, "n_inputs is 0"),
        ({"n_inputs": 1, "animal_sd": 0.2}, "animals cannot weight units differently"),
    ],
)
def test_impossible_parameters_are_refused(layer, options, message):
    with pytest.raises(InputError, match=message):
        simulated_from_layer(layer, stimulus_of(layer), **options)


def test_a_layer_without_signal_is_refused(layer):
    with pytest.raises(InputError, match="no unit of the layer varies"):
        simulated_from_layer(np.ones((12, 5)), stimulus_of(layer))
    with pytest.raises(InputError, match="the units that it reads cancel"):
        simulated_from_layer(np.repeat(layer[:, :1], 3, axis=1), stimulus_of(layer))
    with pytest.raises(InputError, match="orientation has shape"):
        simulated_from_layer(layer, [0, 10])
