"""The population's summary: its columns one by one, planted populations, astropy's circular statistics."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from normenc import tuning
from normenc.errors import InputError


def population(n_tuned, n_untuned, *, period=180.0, step=15.0, n_repeats=6, noise=0.7, seed=0):
    """Trials of a population whose tuned units prefer 20 degrees, more or less, and are all as wide."""
    rng = np.random.default_rng(seed)
    degrees = np.tile(np.arange(0, period, step), n_repeats)
    at = 20 + 10 * rng.normal(size=n_tuned)
    tuned = np.stack([tuning.von_mises(degrees, each, 3.0, period=period) for each in at], axis=1)
    means = np.hstack([3 * tuned, np.ones((len(degrees), n_untuned))])
    return means + noise * rng.normal(size=means.shape), degrees, at


def test_columns_are_what_their_functions_give():
    trials, degrees, _ = population(8, 4)
    blanks = np.random.default_rng(1).normal(size=(10, 12))
    found = tuning.population_summary(trials, degrees, blanks=blanks, seed=3)
    curves = tuning.tuning_curves(trials, degrees)
    fit = tuning.fit_von_mises(curves.mean, curves.stimulus)
    expected = {
        "preferred_orientation_deg": tuning.preferred(curves.mean, curves.stimulus),
        "gosi": tuning.global_selectivity(curves.mean, curves.stimulus),
        "osi": tuning.orientation_selectivity_index(curves.mean, curves.stimulus),
        "fit_preferred_deg": fit.preferred,
        "width_deg": fit.width,
        "r2": fit.r2,
        "p_stimulus": tuning.stimulus_p_values(trials, degrees),
        "p_orientation": tuning.orientation_p_values(trials, degrees),
        "p_responsive": tuning.responsiveness_p_values(trials, degrees, blanks),
        "reliability": tuning.split_half_reliability(trials, degrees, seed=3),
        "explainable_variance": tuning.explainable_variance(trials, degrees),
    }
    called = {"tuned": "p_stimulus", "tuned_orientation": "p_orientation", "responsive": "p_responsive"}
    assert set(found.units.columns) == {*expected, *called, "width_bound"}
    assert found.units["width_bound"].tolist() == fit.bound.tolist()
    for name, values in expected.items():
        np.testing.assert_allclose(found.units[name], values, err_msg=name)
    for name, p_values in called.items():
        assert found.units[name].tolist() == tuning.discoveries(expected[p_values]).tolist(), name


def test_the_planted_population_is_found():
    trials, degrees, at = population(300, 100)
    found = tuning.population_summary(trials, degrees)
    tuned = found.units["tuned_orientation"].to_numpy(dtype=bool)
    assert tuned[:300].all()
    assert tuned[300:].sum() <= 0.06 * tuned.sum()
    assert (found.orientation.n_tuned, found.orientation.n_tested) == (tuned.sum(), 400)
    assert (found.n_tuned, found.n_tested) == (found.units["tuned"].sum(), 400)
    assert found.orientation.preferences.mean == pytest.approx(at.mean(), abs=1.5)
    assert found.orientation.preferences.p_value < 1e-10
    half = np.degrees(np.arccos(1 + np.log((1 + np.exp(-6)) / 2) / 3)) / 2
    assert found.orientation.width_quartiles[1] == pytest.approx(2 * half, rel=0.05)
    assert (np.diff(found.orientation.width_quartiles) > 0).all()
    assert found.direction is None


def test_directions_are_described_beside_their_orientations():
    trials, degrees, at = population(6, 2, period=360.0, step=30.0)
    found = tuning.population_summary(trials, degrees, period=360)
    curves = tuning.tuning_curves(trials, degrees, period=360)
    np.testing.assert_allclose(found.units["dsi"], tuning.direction_selectivity_index(curves.mean, curves.stimulus))
    gdsi = tuning.global_selectivity(curves.mean, curves.stimulus, period=360)
    np.testing.assert_allclose(found.units["gdsi"], gdsi)
    np.testing.assert_allclose(found.units["gosi"], tuning.global_selectivity(curves.mean, curves.stimulus))
    np.testing.assert_allclose(found.units["p_direction"], tuning.direction_p_values(trials, degrees))
    np.testing.assert_allclose(found.units["p_orientation"], tuning.orientation_p_values(trials, degrees, period=360))
    assert found.units["tuned_direction"].tolist() == [True] * 6 + [False] * 2
    away = found.units["preferred_direction_deg"][:6] - at % 360
    assert (np.abs((away + 180) % 360 - 180) < 20).all()
    assert found.units["preferred_direction_deg"].between(0, 360).all()
    assert (found.direction.n_tuned, found.direction.n_tested, found.direction.preferences.n) == (6, 8, 6)


def test_what_cannot_be_known_is_nan():
    trials, degrees, _ = population(3, 1, step=45.0, n_repeats=1)  # 4 stimuli, once each
    found = tuning.population_summary(trials, degrees)
    unknown = ["width_deg", "r2", "fit_preferred_deg", "reliability", "explainable_variance", "p_stimulus", "tuned"]
    assert found.units[[*unknown, "p_orientation", "tuned_orientation"]].isna().all(axis=None)
    assert found.units.gosi.notna().all()
    assert (found.n_tested, found.n_tuned, found.orientation.n_tested, found.orientation.n_tuned) == (0, 0, 0, 0)
    assert found.orientation.preferences.n == 0 and np.isnan(found.orientation.preferences.mean)
    assert np.isnan(found.orientation.width_quartiles).all()


def test_stimuli_shown_once_are_described_in_bins():
    rng = np.random.default_rng(0)
    degrees = rng.uniform(0, 180, 600)
    trials = tuning.von_mises(degrees, 40.0, 3.0)[:, None] + 0.3 * rng.normal(size=(600, 3))
    found = tuning.population_summary(trials, degrees, bin_width=15)
    assert (found.units.preferred_orientation_deg - 40).abs().max() < 5
    assert found.units.reliability.min() > 0.8
    assert found.units[["tuned", "tuned_orientation"]].all(axis=None)


def test_stimuli_of_a_circle_closed_twice_are_described_like_any():
    responses = tuning.von_mises(np.arange(-90.0, 91), 10.0, 4.0)[:, None]
    found = tuning.population_summary(responses, np.arange(-90.0, 91))
    assert found.units.preferred_orientation_deg[0] == pytest.approx(10, abs=1e-6)
    assert np.isnan(found.units.reliability[0])  # one stimulus alone was shown twice
    assert found.units["tuned_orientation"][0] and found.units["tuned"].isna()[0]


@settings(deadline=None)
@given(st.lists(st.floats(-180, 180), min_size=2, max_size=40), st.sampled_from([90.0, 180.0, 360.0]))
def test_circular_statistics_are_astropys(degrees, period):
    circular = pytest.importorskip("astropy.stats", reason="astropy is not installed")
    found = tuning.circular_statistics(degrees, period=period)
    angle = np.asarray(degrees) * 2 * np.pi / period
    length = 1 - circular.circvar(angle)
    assert found.n == len(degrees)
    assert found.resultant_length == pytest.approx(length, abs=1e-9)
    if length > 1e-6:
        mean = np.degrees(circular.circmean(angle)) * period / 360
        assert (found.mean - mean + period / 2) % period == pytest.approx(period / 2, abs=1e-4)
        spread = np.sqrt(-2 * np.log(min(length, 1)))
        assert found.standard_deviation == pytest.approx(np.degrees(spread) * period / 360, abs=1e-4)
    assert -period / 2 <= found.mean < period / 2


def test_rayleighs_test_is_the_published_one():
    # The example of pingouin's circ_rayleigh, in radians there; astropy's is another approximation of the same.
    radians = np.array([0.785, 1.570, 3.141, 0.839, 5.934])
    assert tuning.circular_statistics(np.degrees(radians), period=360).p_value == pytest.approx(0.304844, abs=1e-6)
    circular = pytest.importorskip("astropy.stats", reason="astropy is not installed")
    rng = np.random.default_rng(1)
    for spread in (1.0, 2.0, 5.0):
        angle = spread * rng.normal(size=45)
        p_value = tuning.circular_statistics(np.degrees(angle), period=360).p_value
        assert p_value == pytest.approx(circular.rayleightest(angle), abs=2e-3)


def test_rayleighs_test_is_as_often_small_as_it_should_be():
    rng = np.random.default_rng(2)
    p_values = [tuning.circular_statistics(each).p_value for each in rng.uniform(-90, 90, (1000, 30))]
    assert stats.kstest(p_values, "uniform").pvalue > 0.01


def test_cardinal_preferences_are_seen_at_a_period_of_a_quarter_turn():
    rng = np.random.default_rng(3)
    degrees = rng.choice([0.0, -90.0], 200) + 8 * rng.normal(size=200)
    assert tuning.circular_statistics(degrees, period=180).p_value > 0.01
    cardinal = tuning.circular_statistics(degrees, period=90)
    assert abs(cardinal.mean) < 2 and cardinal.p_value < 1e-10


def test_nan_are_left_out_of_circular_statistics():
    with_nan = tuning.circular_statistics([10.0, np.nan, 30.0])
    assert with_nan == tuning.circular_statistics([10.0, 30.0])
    assert with_nan.n == 2 and with_nan.mean == pytest.approx(20)


def test_bad_input():
    with pytest.raises(InputError, match="alpha is 5"):
        tuning.population_summary([[1.0], [2.0]], [0, 90], alpha=5)
    with pytest.raises(InputError, match="one finite angle"):
        tuning.circular_statistics([[1.0, 2.0]])
    with pytest.raises(InputError, match="positive period"):
        tuning.circular_statistics([1.0, 2.0], period=0)
    with pytest.raises(InputError, match="one finite angle"):
        tuning.circular_statistics([1.0, np.inf])
