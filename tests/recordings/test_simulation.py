import numpy as np
import pytest

from normenc import rsa, tuning
from normenc.errors import InputError
from normenc.recordings import load, simulated_v1
from normenc.recordings.simulation import v1

DIFFERENCES = [1, 2, 5, 10, 20, 30, 45, 60, 90, 120, 150, 180]
PUBLISHED = [0.29, 0.37, 0.41, 0.53, 0.78, 0.96, 1.08, 1.13, 1.15, 1.13, 1.01, 0.84]


@pytest.fixture
def without_noise(monkeypatch):
    """Gaussian neurons without noise; give gain_sd=0 as well."""
    monkeypatch.setattr(v1, "PRIVATE_NOISE", 0.0)
    monkeypatch.setattr(v1, "SHARED_NOISE", 0.0)


def by_stimulus(recording):
    """Trials as an array (n_stimuli, n_repeats, n_neurons)."""
    order = np.argsort(recording.trials["stimulus_index"].values, kind="stable")
    return recording.trials.values[order].reshape(recording.n_stimuli, -1, recording.n_neurons).astype(float)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_looks_like_v1(seed, v1_rdm):
    matrix = rsa.rdm(simulated_v1(seed=seed).responses)
    assert rsa.compare_rdms(matrix, v1_rdm) >= 0.97


@pytest.mark.parametrize(
    "options", [{}, {"noise": "poisson"}, {"noise": "poisson", "fano": 1.5}, {"n_animals": 4}], ids=str
)
def test_trials_that_are_averaged_look_like_v1(options, v1_rdm):
    recording = simulated_v1(n_repeats=12, **options)
    assert rsa.compare_rdms(rsa.rdm(recording.responses), v1_rdm) >= 0.95


@pytest.mark.parametrize("seed", range(4))
def test_dissimilarity_by_difference_is_that_of_v1(seed):
    matrix = rsa.rdm(simulated_v1(seed=seed).responses)
    profile = [np.diagonal(matrix, k).mean() for k in DIFFERENCES]
    np.testing.assert_allclose(profile, PUBLISHED, atol=0.10)


@pytest.mark.parametrize(
    ("n_neurons", "seed", "first", "last"),
    [
        (2000, 0, [-1.240997, 2.3244796, 0.19830166], -0.649627),
        (10, 0, [-1.6114445, 2.6366093, -0.05418162], 0.19245192),
        (17, 3, [-1.2422515, 2.5291765, 0.13244341], -0.26540068),
    ],
)
def test_the_default_stays_what_figures_were_made_of(n_neurons, seed, first, last):
    responses = simulated_v1(n_neurons, seed=seed).responses.values  # as of the first release
    np.testing.assert_allclose(responses[90, :3], first, rtol=1e-5)
    np.testing.assert_allclose(responses[0, -1], last, rtol=1e-5)


def test_is_seeded_and_z_scored_and_says_that_it_is_simulated():
    first, again, other = simulated_v1(), simulated_v1(), simulated_v1(seed=1)
    np.testing.assert_array_equal(first.responses, again.responses)
    assert not np.array_equal(first.responses, other.responses)
    assert first.simulated
    assert "simulated" in first.label
    assert first.responses.dtype == np.float32
    # z-scored over 360 directions, of which 181 are kept: mean and variance hold over the population.
    assert abs(float(first.responses.mean())) < 0.05
    assert float(first.responses.var()) == pytest.approx(1, abs=0.05)


def test_neurons_differ_in_preference_and_width():
    responses = simulated_v1(500).responses.values
    preferred = responses.argmax(axis=0) - 90
    counts, _ = np.histogram(preferred, bins=6, range=(-90, 90))
    assert counts.min() > 40
    above_half = (responses > (responses.max(axis=0) + np.median(responses, axis=0)) / 2).sum(axis=0)
    assert np.percentile(above_half, 90) > 2 * np.percentile(above_half, 10)


def test_any_number_of_neurons_by_name():
    assert load("simulated-v1", n_neurons=17, seed=3).n_neurons == 17
    assert load().n_neurons == 2000
    with pytest.raises(InputError, match="n_neurons is 1"):
        simulated_v1(1)


def test_directions_are_the_same_neurons_all_around_the_circle():
    half, whole = simulated_v1(30, seed=2), simulated_v1(30, seed=2, direction=True)
    assert (whole.kind, whole.n_stimuli, whole.covers_circle) == ("direction", 360, True)
    rows = (half.stimulus % 360).astype(int)
    np.testing.assert_array_equal(whole.responses.values[rows], half.responses.values)
    np.testing.assert_allclose(whole.responses.mean("stimulus"), 0, atol=1e-5)
    np.testing.assert_allclose(whole.responses.std("stimulus"), 1, atol=1e-5)


def test_any_number_of_stimuli():
    np.testing.assert_allclose(simulated_v1(4, n_stimuli=13).stimulus, np.arange(-90, 91, 15))
    np.testing.assert_allclose(simulated_v1(4, n_stimuli=8, direction=True).stimulus, np.arange(8) * 45)


def test_repeats_are_kept_each_in_an_order_of_its_own():
    recording = simulated_v1(5, n_repeats=3, n_stimuli=25)
    assert (recording.n_trials, recording.n_repeats) == (75, (3, 3))
    index = recording.trials["stimulus_index"].values.reshape(3, 25)
    np.testing.assert_array_equal(recording.trials["repeat"].values, np.repeat([0, 1, 2], 25))
    np.testing.assert_array_equal(np.sort(index, axis=1), np.tile(np.arange(25), (3, 1)))
    assert not (index[0] == index[1]).all()
    np.testing.assert_array_equal(recording.trials, simulated_v1(5, n_repeats=3, n_stimuli=25).trials)
    assert not np.array_equal(recording.trials, simulated_v1(5, n_repeats=3, n_stimuli=25, seed=1).trials)


def test_units_are_said_as_they_are():
    assert simulated_v1(4, noise="poisson").units == "z-score over stimuli"
    assert simulated_v1(4, n_repeats=2).units == "arbitrary (1 is the median peak response above baseline)"
    counts = simulated_v1(4, n_repeats=2, noise="poisson")
    assert counts.units == counts.trials.attrs["units"] == "spikes per trial"
    np.testing.assert_array_equal(counts.trials, np.round(counts.trials))
    assert counts.trials.min() >= 0


def test_the_median_peak_is_one(without_noise):
    recording = simulated_v1(2000, n_repeats=1, gain_sd=0, direction=True)
    peaks = recording.responses.max("stimulus") - recording.responses.min("stimulus")
    assert float(peaks.median()) == pytest.approx(1, abs=0.04)


def test_noise_does_not_change_which_neurons_they_are(without_noise):
    gaussian = simulated_v1(20, n_repeats=1, n_stimuli=13, gain_sd=0)
    counts = simulated_v1(20, n_repeats=2000, n_stimuli=13, noise="poisson")
    np.testing.assert_allclose(counts.responses / v1.PEAK_SPIKES, gaussian.responses, atol=0.15)


@pytest.mark.parametrize("fano", [1.0, 1.7])
def test_variance_of_counts_is_fano_times_mean_plus_that_of_the_gain(fano):
    for gain_sd in (0.0, 0.4):
        recording = simulated_v1(
            150, n_repeats=400, n_stimuli=7, noise="poisson", fano=fano, gain_sd=gain_sd, n_animals=50
        )
        trials = by_stimulus(recording)
        mean, variance = trials.mean(axis=1), trials.var(axis=1, ddof=1)
        enough = mean > 0.5
        curvature, slope = np.polyfit(mean[enough], (variance / np.where(enough, mean, 1))[enough], 1)
        assert slope == pytest.approx(fano, abs=0.08)
        assert curvature == pytest.approx(gain_sd**2, abs=0.03)


def test_gaussian_variance_is_that_of_private_and_shared_noise_and_of_the_gain():
    trials = by_stimulus(simulated_v1(400, n_repeats=200, n_stimuli=5, gain_sd=0.5, n_animals=100))
    mean, variance = trials.mean(axis=1).ravel(), trials.var(axis=1, ddof=1).ravel()
    curvature, constant = np.polyfit(mean**2, variance, 1)
    assert curvature == pytest.approx(0.5**2, abs=0.03)
    assert constant == pytest.approx(0.5**2 + 3 * 0.05**2, abs=0.01)


def test_shared_gain_correlates_noise_as_theory_says():
    recording = simulated_v1(40, n_repeats=300, n_stimuli=7, noise="poisson", gain_sd=0.3)
    found = tuning.noise_correlations(recording.trials, recording.trials["orientation"].values)
    pairs = np.triu_indices(40, 1)
    mean = np.maximum(recording.responses.values.astype(float), 1e-9)
    spread = np.sqrt(mean + (0.3 * mean) ** 2)
    wanted = 0.3**2 * np.einsum("si,sj->ij", mean / spread, mean / spread) / len(mean)
    np.testing.assert_allclose(found[pairs].mean(), wanted[pairs].mean(), atol=0.01)
    assert np.corrcoef(found[pairs], wanted[pairs])[0, 1] > 0.75
    without = simulated_v1(40, n_repeats=300, n_stimuli=7, noise="poisson", gain_sd=0)
    none = tuning.noise_correlations(without.trials, without.trials["orientation"].values)[pairs]
    assert abs(none.mean()) < 0.005
    # 0.01 to 0.4 is what was reported of V1 (Ecker et al. 2014, abstract)
    default = simulated_v1(200, n_repeats=12)
    by_default = tuning.noise_correlations(default.trials, default.trials["orientation"].values)
    assert 0.01 < by_default[np.triu_indices(200, 1)].mean() < 0.4


def test_animals_have_neurons_and_gains_of_their_own():
    recording = simulated_v1(32, n_repeats=400, n_stimuli=5, n_animals=3, noise="poisson", gain_sd=0.6)
    animal = recording.trials["neuron_animal"].values
    assert recording.animals == ("animal 1", "animal 2", "animal 3")
    assert sorted((animal == name).sum() for name in recording.animals) == [10, 11, 11]
    found = tuning.noise_correlations(recording.trials, recording.trials["orientation"].values)
    same = animal[:, None] == animal
    np.fill_diagonal(found, np.nan)
    assert np.nanmean(found[same]) > 0.1
    assert abs(np.nanmean(found[~same])) < 0.02
    assert "neuron_animal" not in simulated_v1(10, n_repeats=2).responses.coords
    assert simulated_v1(10, n_animals=2).animals == ("animal 1", "animal 2")


def test_animals_have_factors_of_their_own(without_noise, monkeypatch):
    monkeypatch.setattr(v1, "BASELINE", 0.0)
    options = {"n_repeats": 1, "gain_sd": 0, "direction": True}
    one = simulated_v1(12, **options).responses.max("stimulus").values
    alike = simulated_v1(12, n_animals=2, animal_sd=0, **options).responses.max("stimulus").values
    np.testing.assert_allclose(alike, one)
    several = simulated_v1(12, n_animals=2, animal_sd=0.5, **options).responses.max("stimulus").values
    ratio = (several / one).reshape(2, 6)
    np.testing.assert_allclose(ratio, ratio[:, :1] * np.ones(6), rtol=0.01)  # but for peaks between whole degrees
    assert abs(np.log(ratio[0, 0] / ratio[1, 0])) > 0.05


def test_direction_selectivity_is_that_of_the_beta_distribution(without_noise, monkeypatch):
    monkeypatch.setattr(v1, "BASELINE", 0.0)
    recording = simulated_v1(20000, n_repeats=1, gain_sd=0, direction=True, n_stimuli=72)
    index = tuning.direction_selectivity_index(recording.responses, recording.stimulus)
    opposite = 1 - 0.5 ** (1 / 3.3)  # the median of Beta(1, 3.3)
    assert np.median(index) == pytest.approx((1 - opposite) / (1 + opposite), abs=0.01)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_repeats": 0}, "n_repeats is 0"),
        ({"n_animals": 0}, "n_animals is 0"),
        ({"n_animals": 6}, "n_animals is 6 but n_neurons, of all animals together, is 10"),
        ({"animal_sd": -1}, "animal_sd is -1"),
        ({"noise": "pink"}, "noise is 'pink'; it must be one of gaussian, poisson"),
        ({"noise": "poisson", "fano": 0.5}, "fano is 0.5"),
        ({"fano": 2.0}, "fano is 2.0 but noise is 'gaussian'"),
        ({"gain_sd": float("nan")}, "gain_sd is nan"),
        ({"n_stimuli": 2}, "n_stimuli is 2"),
    ],
)
def test_impossible_parameters_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        simulated_v1(10, **options)
