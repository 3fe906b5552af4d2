import numpy as np
import pytest

from normenc import controls, stimuli, tuning
from normenc.errors import InputError
from normenc.recordings.simulation import divisive_normalisation, simulated_natural


@pytest.fixture(scope="module")
def images():
    return stimuli.natural_patches(24, np.random.default_rng(0)).images


@pytest.fixture(scope="module")
def energy(images):
    return controls.gabor_energy(images)["energy"]


def test_normalisation_by_hand():
    # root mean squares over images: 5 / sqrt(2) and 1; squares over them: 18/25 x 2, 32/25 x 2, and 1, 1.
    found = divisive_normalisation([[3.0, 1.0], [4.0, 1.0]], semisaturation=2.0)
    drive = np.array([[0.72, 1.0], [1.28, 1.0]])
    np.testing.assert_allclose(found, drive / (4 + drive.mean(axis=1, keepdims=True)))


def test_normalisation_knows_no_unit_of_energy_and_saturates():
    energy = np.random.default_rng(0).random((6, 9))
    np.testing.assert_allclose(divisive_normalisation(1000 * energy), divisive_normalisation(energy))
    pattern = np.random.default_rng(1).random(9)
    responses = divisive_normalisation(np.array([0.1, 1.0, 10.0])[:, None] * pattern)
    size = np.sqrt((0.1**2 + 1 + 10**2) / 3)
    contrast = np.array([0.1, 1.0, 10.0]) / size  # alike in all units, whatever the pattern
    np.testing.assert_allclose(responses, np.repeat((contrast**2 / (1 + contrast**2))[:, None], 9, axis=1))


def test_neurons_read_one_unit_of_normalised_energy(energy, images):
    names = [f"image {index}" for index in np.random.default_rng(3).permutation(24)]
    made = simulated_natural(energy, images, names, n_neurons=40)
    order = np.argsort(names)
    assert ((made.mixing > 0).sum(axis=0) == 1).all()
    np.testing.assert_allclose(made.signal, (divisive_normalisation(energy) @ made.mixing)[order])
    np.testing.assert_array_equal(made.recording.images, images.numpy()[order])
    assert (made.recording.kind, made.recording.simulated, made.recording.units) == ("image", True, "spikes per trial")


def test_rates_are_log_normal(energy, images):
    made = simulated_natural(energy, images, n_neurons=4000, n_repeats=1, median_rate=3.0, rate_spread=0.7)
    rates = np.log(made.signal.mean(axis=0))
    assert rates.mean() == pytest.approx(np.log(3), abs=0.05)
    assert rates.std() == pytest.approx(0.7, abs=0.03)


@pytest.mark.parametrize(("fano", "gain_sd"), [(1.0, 0.0), (1.5, 0.0), (1.0, 0.4)])
def test_explainable_variance_is_known(energy, images, fano, gain_sd):
    made = simulated_natural(energy, images, n_neurons=200, n_repeats=60, fano=fano, gain_sd=gain_sd, n_animals=40)
    trials = made.recording.trials
    found = tuning.explainable_variance(trials, trials["image"].values)
    assert np.mean(found - made.explainable_variance) == pytest.approx(0, abs=0.01)
    assert np.corrcoef(found, made.explainable_variance)[0, 1] > 0.95
    variance = fano * made.signal + (gain_sd * made.signal) ** 2
    np.testing.assert_allclose(np.square(made.noise_sd), variance.mean(axis=0))
    residual = trials.values - made.signal[trials["stimulus_index"].values]
    assert np.mean(np.square(residual)) == pytest.approx(np.mean(variance), rel=0.1)


def test_is_seeded(energy, images):
    first, again, other = (simulated_natural(energy, images, n_neurons=10, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.recording.trials, again.recording.trials)
    assert not np.array_equal(first.mixing, other.mixing)
    assert first.recording.stimulus[0] == "image 01"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_repeats": 0}, "n_repeats is 0"),
        ({"n_neurons": 3, "n_animals": 2}, "n_animals is 2"),
        ({"median_rate": 0}, "median_rate is 0"),
        ({"gain_sd": -1}, "gain_sd -1"),
        ({"fano": 0.9}, "fano is 0.9"),
        ({"names": ["a", "b"]}, "image has shape"),
    ],
)
def test_impossible_parameters_are_refused(energy, images, options, message):
    with pytest.raises(InputError, match=message):
        simulated_natural(energy, images, **options)


def test_impossible_energy_is_refused(images):
    with pytest.raises(InputError, match="lowest energy is -1"):
        divisive_normalisation([[1.0, -1.0], [1.0, 2.0]])
    with pytest.raises(InputError, match="exponent is 0"):
        divisive_normalisation([[1.0, 1.0], [1.0, 2.0]], exponent=0)
    with pytest.raises(InputError, match="no unit's energy varies"):
        simulated_natural(np.ones((24, 5)), images)
    with pytest.raises(InputError, match="24 images but 23 stimuli"):
        simulated_natural(np.random.default_rng(0).random((23, 5)), images)
