"""Reliability against planted signal and noise, sums written out, and NumPy's correlations."""

import numpy as np
import pytest
from scipy import stats

from normenc import tuning
from normenc.errors import InputError


def trials(n_stimuli, n_repeats, n_units, signal, noise, seed=0):
    """Trials of the stimuli 0, 1, ... with known standard deviations of signal and noise."""
    rng = np.random.default_rng(seed)
    means = signal * rng.normal(size=(n_stimuli, n_units))
    stimulus = np.repeat(np.arange(n_stimuli), n_repeats)
    return means[stimulus] + noise * rng.normal(size=(len(stimulus), n_units)), stimulus


@pytest.mark.parametrize(("signal", "noise"), [(1.0, 1.0), (1.0, 3.0), (0.0, 1.0)])
def test_split_half_reliability_is_signal_over_signal_and_noise_of_the_average(signal, noise):
    responses, stimulus = trials(400, 8, 60, signal, noise)
    found = tuning.split_half_reliability(responses, stimulus)
    assert np.mean(found) == pytest.approx(signal**2 / (signal**2 + noise**2 / 8), abs=0.02)


def test_labels_that_do_not_belong_to_their_trials_are_unreliable():
    responses, stimulus = trials(100, 4, 50, 1.0, 0.5)
    shuffled = np.random.default_rng(0).permutation(stimulus)
    assert np.mean(tuning.split_half_reliability(responses, stimulus)) > 0.9
    assert abs(np.mean(tuning.split_half_reliability(responses, shuffled))) < 0.1


@pytest.mark.parametrize("signal", [0.0, 0.5, 2.0])
def test_explainable_variance_has_no_bias(signal):
    responses, stimulus = trials(200, 5, 200, signal, 1.0)
    assert np.mean(tuning.explainable_variance(responses, stimulus)) == pytest.approx(
        signal**2 / (signal**2 + 1), abs=0.01
    )


def test_explainable_variance_of_unequal_repeats_by_hand():
    # Within: (0.5 + 0 + 2) / (7 - 3); means 0.5, 3, 1; grand (2 x 0.5 + 2 x 3 + 3 x 1) / 7 = 10 / 7.
    responses = np.array([0.0, 1.0, 3.0, 3.0, 0.0, 1.0, 2.0])[:, None]
    within = 2.5 / 4
    between = (2 * (0.5 - 10 / 7) ** 2 + 2 * (3 - 10 / 7) ** 2 + 3 * (1 - 10 / 7) ** 2) / 2
    signal = (between - within) / ((7 - (4 + 4 + 9) / 7) / 2)
    found = tuning.explainable_variance(responses, [0, 0, 1, 1, 2, 2, 2])
    assert found[0] == pytest.approx(signal / (signal + within))


def test_explainable_variance_follows_from_scipys_analysis_of_variance():
    responses, stimulus = trials(12, 6, 5, 1.0, 1.5, seed=3)
    groups = [responses[stimulus == k] for k in range(12)]
    ratio = stats.f_oneway(*groups).statistic  # of n signal + noise to noise
    np.testing.assert_allclose(tuning.explainable_variance(responses, stimulus), (ratio - 1) / (ratio - 1 + 6))


def test_spearman_brown_undoes_the_halving():
    # 2 x 0.5 / 1.5 and 2 x 0.8 / 1.8.
    np.testing.assert_allclose(tuning.spearman_brown([0.5, 0.8]).round(2), [0.67, 0.89])
    whole = 0.7
    half = whole / (2 - whole)  # the signal's share where noise is twice as much
    assert tuning.spearman_brown(half) == pytest.approx(whole)


def test_halves_hold_every_trial_once():
    stimulus = np.array([3, 1, 1, 3, 3, 2, 1, 1])
    responses = np.eye(8)
    one, two = tuning.split_halves(responses, stimulus, seed=1)
    kept = [0, 1, 2, 3, 4, 6, 7]  # the only trial of stimulus 2 is left out
    in_one, in_two = (one > 0).any(axis=0), (two > 0).any(axis=0)
    assert (in_one ^ in_two)[kept].all() and not (in_one | in_two)[5]
    np.testing.assert_allclose(one.sum(axis=1), 1)
    assert {int((half[0] > 0).sum()) for half in (one, two)} == {2}
    assert sorted(int((half[1] > 0).sum()) for half in (one, two)) == [1, 2]


def test_signal_correlations_are_numpys():
    responses = np.random.default_rng(0).normal(size=(30, 6))
    np.testing.assert_allclose(tuning.signal_correlations(responses), np.corrcoef(responses.T))


def test_noise_correlations_are_those_planted():
    rng = np.random.default_rng(1)
    stimulus = np.repeat(np.arange(100), 20)
    shared = rng.normal(size=(2000, 1))
    responses = 5 * rng.normal(size=(100, 10))[stimulus] + 0.5 * shared + rng.normal(size=(2000, 10))
    found = tuning.noise_correlations(responses, stimulus)[np.triu_indices(10, 1)]
    assert np.mean(found) == pytest.approx(0.25 / 1.25, abs=0.02)


def two_trials(correlation, n_stimuli):
    rng = np.random.default_rng(2)
    noise = rng.multivariate_normal([0, 0], [[1, correlation], [correlation, 1]], 2 * n_stimuli)
    stimulus = np.repeat(np.arange(n_stimuli), 2)
    return 3 * rng.normal(size=(n_stimuli, 2))[stimulus] + noise, stimulus


@pytest.mark.parametrize("correlation", [-0.6, 0.3, 0.8])
def test_noise_correlations_of_two_trials_are_right_when_pooled_and_shrunk_when_z_scored(correlation):
    responses, stimulus = two_trials(correlation, 20_000)
    pooled = tuning.noise_correlations(responses, stimulus, z_score=False)[0, 1]
    assert pooled == pytest.approx(correlation, abs=0.02)
    z_scored = tuning.noise_correlations(responses, stimulus)[0, 1]
    assert z_scored == pytest.approx(2 / np.pi * np.arcsin(correlation), abs=0.02)


def test_stimuli_to_which_a_unit_does_not_vary_are_left_out_of_its_noise_correlations():
    rng = np.random.default_rng(4)
    counts = rng.poisson(0.4, size=(120, 4)) / 10 + 0.1
    stimulus = np.repeat(np.arange(30), 4)
    found = tuning.noise_correlations(counts, stimulus)
    for one, other in ((0, 1), (1, 3)):
        pairs = (counts[stimulus == k][:, [one, other]].T for k in range(30))
        own = [stats.pearsonr(*pair).statistic for pair in pairs if (np.ptp(pair, axis=1) > 0).all()]
        assert len(own) < 30 and found[one, other] == pytest.approx(np.mean(own))
    np.testing.assert_allclose(np.diag(found), 1)


def test_noise_correlations_are_numpys_of_z_scores():
    responses, stimulus = trials(6, 5, 4, 2.0, 1.0)
    z = np.concatenate([stats.zscore(responses[stimulus == k]) for k in range(6)])
    np.testing.assert_allclose(tuning.noise_correlations(responses, stimulus), np.corrcoef(z.T))


@pytest.mark.parametrize(("n_repeats", "constant"), [(4, 2.0), (3, 0.1), (7, 1e6 / 3)])
def test_constant_units_have_no_reliability(n_repeats, constant):
    responses, stimulus = trials(10, n_repeats, 2, 1.0, 1.0)
    responses[:, 0] = constant
    assert np.isnan(tuning.split_half_reliability(responses, stimulus)).tolist() == [True, False]
    assert np.isnan(tuning.explainable_variance(responses, stimulus)).tolist() == [True, False]
    assert np.isnan(tuning.noise_correlations(responses, stimulus)[0]).all()


def test_bad_input():
    with pytest.raises(InputError, match="1 of 2 stimuli were shown more than once"):
        tuning.split_half_reliability([[1.0], [2.0], [3.0]], [0, 0, 1])
    with pytest.raises(InputError, match="one label per trial"):
        tuning.explainable_variance([[1.0], [2.0]], [0])
    with pytest.raises(InputError, match="choose some"):
        tuning.signal_correlations(np.zeros((2, 30_000), dtype=np.float32))
    with pytest.raises(InputError, match="n_splits"):
        tuning.split_half_reliability([[1.0], [2.0], [3.0], [1.0]], [0, 0, 1, 1], n_splits=0)
