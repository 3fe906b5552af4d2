"""Responses against blanks: SciPy's t test, all orders of the trials, and how often silence passes for a response."""

import numpy as np
import pytest
from scipy import stats

from normenc import tuning
from normenc.errors import InputError

STIMULUS = np.repeat(np.arange(8), 10)


def test_with_as_many_blanks_as_trials_it_is_students_t_test_corrected_for_stimuli():
    rng = np.random.default_rng(0)
    trials, blanks = rng.lognormal(size=(80, 200)) + np.linspace(0, 2, 200), rng.lognormal(size=(10, 200))
    each = [stats.ttest_ind(trials[label == STIMULUS], blanks, axis=0).pvalue for label in range(8)]
    found = tuning.responsiveness_p_values(trials, STIMULUS, blanks)
    np.testing.assert_allclose(found, np.minimum(8 * np.min(each, axis=0), 1), rtol=1e-9)


@pytest.mark.parametrize(
    "draw", [lambda rng, n: rng.poisson(0.2, (n, 20_000)), lambda rng, n: rng.lognormal(size=(n, 20_000))]
)
@pytest.mark.parametrize(("n_trials", "n_blanks"), [(10, 80), (5, 20), (20, 5)])
def test_silent_neurons_are_called_responsive_as_rarely_as_they_should(draw, n_trials, n_blanks):
    rng = np.random.default_rng(1)
    stimulus = np.repeat(np.arange(8), n_trials)
    p_values = tuning.responsiveness_p_values(draw(rng, 8 * n_trials), stimulus, draw(rng, n_blanks))
    assert (p_values <= 0.05).mean() < 0.05
    assert (p_values <= 0.001).mean() < 0.003


def test_welchs_test_would_call_them_so_ten_times_too_often():
    """Ten trials without a spike have no variance, and the blanks' mean seems known."""
    rng = np.random.default_rng(2)
    trials, blanks = rng.poisson(0.2, (80, 4000)), rng.poisson(0.2, (80, 4000))
    with np.errstate(all="ignore"):
        each = [
            stats.ttest_ind(trials[label == STIMULUS], blanks, axis=0, equal_var=False).pvalue for label in range(8)
        ]
    assert (8 * np.nanmin(each, axis=0) <= 0.05).mean() > 0.5
    assert (tuning.responsiveness_p_values(trials, STIMULUS, blanks) <= 0.05).mean() < 0.05


def test_more_and_less_than_without_a_stimulus_are_responses():
    rng = np.random.default_rng(3)
    trials, blanks = rng.normal(size=(80, 3)), rng.normal(size=(15, 3))
    trials[STIMULUS == 5] += [4, -4, 0]
    found = tuning.responsiveness_p_values(trials, STIMULUS, blanks)
    assert (found[:2] < 1e-5).all() and found[2] > 0.05


def test_what_does_not_vary_does_not_respond_and_what_cannot_be_tested_is_nan():
    trials, blanks = np.full((80, 2), 3.0), np.full((10, 2), 3.0)
    trials[STIMULUS == 2, 1] = 4.0
    found = tuning.responsiveness_p_values(trials, STIMULUS, blanks)
    assert found[0] == 1 and found[1] < 1e-5
    assert np.isnan(tuning.responsiveness_p_values(trials, STIMULUS, blanks[:1])).all()
    assert np.isnan(tuning.responsiveness_p_values(trials[:8], np.arange(8), blanks)).all()


def test_stimuli_shown_once_do_not_count():
    rng = np.random.default_rng(4)
    trials, blanks = rng.normal(size=(80, 5)), rng.normal(size=(10, 5))
    alone = np.vstack([trials, rng.normal(size=(3, 5)) + 50])
    found = tuning.responsiveness_p_values(alone, np.append(STIMULUS, [8, 9, 10]), blanks)
    np.testing.assert_array_equal(found, tuning.responsiveness_p_values(trials, STIMULUS, blanks))


def test_bad_input():
    with pytest.raises(InputError, match="the same units in blanks"):
        tuning.responsiveness_p_values(np.ones((4, 2)), np.arange(4), np.ones((4, 3)))
    with pytest.raises(InputError, match="one label per trial"):
        tuning.responsiveness_p_values(np.ones((4, 2)), np.arange(3), np.ones((4, 2)))
