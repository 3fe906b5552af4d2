"""Selectivity against hand-derived values, astropy's circular statistics and permutations' own distribution."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from normenc import tuning
from normenc.errors import InputError

DEGREES = np.arange(-90, 90, 10.0)


def tuned(preferred, concentration, period=180.0, degrees=DEGREES):
    return tuning.von_mises(degrees, preferred, concentration, period=period)[:, None]


@pytest.mark.parametrize("concentration", [0.5, 2.0, 6.0])
def test_global_selectivity_of_a_von_mises_curve_is_a_ratio_of_bessel_functions(concentration):
    expected = special.i1(concentration) / special.i0(concentration)
    assert tuning.global_selectivity(tuned(20, concentration), DEGREES)[0] == pytest.approx(expected, abs=1e-6)
    assert tuning.preferred(tuned(20, concentration), DEGREES)[0] == pytest.approx(20)


def test_global_selectivity_and_preference_agree_with_astropy():
    circular = pytest.importorskip("astropy.stats", reason="astropy is not installed")
    rates = np.random.default_rng(0).exponential(size=(18, 5))
    doubled = np.radians(2 * DEGREES)
    for unit, own in enumerate(rates.T):
        one = tuning.global_selectivity(rates, DEGREES)[unit]
        assert one == pytest.approx(1 - circular.circvar(doubled, weights=own))
        mean = np.degrees(circular.circmean(doubled, weights=own)) / 2
        assert (tuning.preferred(rates, DEGREES)[unit] - mean + 90) % 180 == pytest.approx(90)


@settings(deadline=None)
@given(st.integers(-20, 20))
def test_preference_turns_with_the_stimulus(steps):
    curve = tuned(0, 3.0)
    turned = np.roll(curve, steps, axis=0)
    found = tuning.preferred(turned, DEGREES)[0]
    assert (found - 10 * steps + 90) % 180 == pytest.approx(90)
    assert -90 <= found < 90
    assert tuning.global_selectivity(turned, DEGREES) == pytest.approx(tuning.global_selectivity(curve, DEGREES))


def test_indices_by_hand():
    directions = np.arange(0, 360, 45.0)
    rates = np.array([[8.0], [2.0], [1.0], [0.0], [4.0], [2.0], [3.0], [0.0]])
    assert tuning.direction_selectivity_index(rates, directions)[0] == pytest.approx((8 - 4) / (8 + 4))
    # Preferred axis (8 + 4) / 2, orthogonal (1 + 3) / 2.
    assert tuning.orientation_selectivity_index(rates, directions, period=360)[0] == pytest.approx((6 - 2) / (6 + 2))
    assert tuning.global_selectivity([[1.0], [0], [0], [0]], [0, 90, 180, 270], period=360)[0] == pytest.approx(1)


def test_the_orthogonal_response_is_interpolated_between_stimuli():
    # At 0, 60, 120 the orthogonal of 0 is 90, half way between 60 and 120.
    assert tuning.orientation_selectivity_index([[4.0], [1.0], [2.0]], [0, 60, 120])[0] == pytest.approx(2.5 / 5.5)


def test_negative_responses_are_cut_shifted_or_refused():
    responses = np.array([[3.0], [-1.0], [-1.0], [-1.0]])
    at = [-90, -45, 0, 45]
    assert tuning.global_selectivity(responses, at)[0] == pytest.approx(1)
    assert tuning.global_selectivity(responses, at, negative="shift")[0] == pytest.approx(1)
    assert tuning.global_selectivity(responses + 2, at, negative="shift")[0] == pytest.approx(4 / 8)
    with pytest.raises(InputError, match="unit 0 has a mean response of -1"):
        tuning.global_selectivity(responses, at, negative="error")
    with pytest.raises(InputError, match="zero, shift, error"):
        tuning.global_selectivity(responses, at, negative="drop")


def test_silent_units_have_no_selectivity():
    silent = np.zeros((18, 1))
    assert np.isnan(tuning.global_selectivity(silent, DEGREES)[0])
    assert np.isnan(tuning.preferred(silent, DEGREES)[0])
    assert np.isnan(tuning.orientation_selectivity_index(silent, DEGREES)[0])


def test_trials_are_averaged_before_anything_else():
    # Means 3, 1, -1, 1: the trial of -5 is no negative response, the stimulus with four trials weighs as the others.
    responses = np.array([1.0, 5.0, 1.0, 3.0, -5.0, 1.0, 1.0, 1.0, 1.0])[:, None]
    degrees = np.array([0, 0, 45, 90, 90, -45, 135, -45, 135])
    expected = [[3.0], [1.0], [-1.0], [1.0]], [0, 45, 90, 135]
    for measure in (tuning.preferred, tuning.global_selectivity, tuning.orientation_selectivity_index):
        np.testing.assert_allclose(measure(responses, degrees), measure(*expected), atol=1e-12)
    assert tuning.global_selectivity(responses, degrees)[0] == pytest.approx(3 / 5)
    directions = tuning.direction_selectivity_index([[2.0], [6.0], [1.0], [3.0]], [0, 360, 180, -180])
    assert directions[0] == pytest.approx((4 - 2) / (4 + 2))


def test_a_circle_that_is_closed_twice_leans_nowhere():
    constant, degrees = np.full((181, 1), 0.1), np.arange(-90.0, 91)
    assert np.isnan(tuning.preferred(constant, degrees)[0])
    assert tuning.global_selectivity(constant, degrees)[0] == pytest.approx(0, abs=1e-12)


@settings(deadline=None)
@given(st.integers(3, 12), st.integers(0, 10**6))
def test_orientation_selectivity_does_not_depend_on_how_opposite_directions_are_given(n_axes, seed):
    rates = np.random.default_rng(seed).exponential(size=(2 * n_axes, 3))
    directions = np.arange(2 * n_axes) * 180 / n_axes
    folded = (rates[:n_axes] + rates[n_axes:]) / 2
    expected = tuning.orientation_selectivity_index(folded, directions[:n_axes])
    for period in (180, 360):
        found = tuning.orientation_selectivity_index(rates, directions, period=period)
        np.testing.assert_allclose(found, expected)


def test_of_four_orientations_no_p_value_is_below_a_third():
    # 8 of the 24 orders are turns and reflections of the circle, which leave the length as it is.
    p_value = tuning.selectivity_p_values([[9.0], [1.0], [0.0], [2.0]], [0, 45, 90, 135], n_permutations=4999)
    assert p_value[0] == pytest.approx(1 / 3, abs=0.03)


def test_untuned_units_are_called_selective_as_often_as_they_should():
    rng = np.random.default_rng(0)
    degrees = np.tile(DEGREES, 5)
    p_values = tuning.selectivity_p_values(rng.normal(size=(90, 2000)), degrees, n_permutations=199)
    assert stats.kstest(p_values, "uniform").pvalue > 0.01
    assert abs((p_values <= 0.05).mean() - 0.05) < 0.015


def test_tuned_units_are_found_whatever_their_baseline():
    degrees = np.tile(DEGREES, 5)
    noise = np.random.default_rng(1).normal(size=(90, 50))
    signal = 3 * tuned(30, 2.0, degrees=degrees)
    assert (tuning.selectivity_p_values(noise + signal - 5, degrees, n_permutations=199) == 1 / 200).all()


def test_permutations_do_not_depend_on_blocks_of_units(monkeypatch):
    responses = np.random.default_rng(2).normal(size=(36, 7))
    degrees = np.tile(DEGREES, 2)
    whole = tuning.selectivity_p_values(responses, degrees, n_permutations=99)
    monkeypatch.setattr("normenc.tuning.selectivity.BLOCK", 1)
    np.testing.assert_array_equal(tuning.selectivity_p_values(responses, degrees, n_permutations=99), whole)


def test_too_few_permutations_are_refused():
    with pytest.raises(InputError, match="n_permutations is 0"):
        tuning.selectivity_p_values([[1.0], [2.0]], [0, 90], n_permutations=0)
