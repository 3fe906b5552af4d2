"""Tuning curves against averages made one by one, and pynapple's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normenc import tuning
from normenc.errors import InputError


def test_means_and_standard_errors_are_those_of_each_stimulus():
    rng = np.random.default_rng(0)
    degrees = rng.choice([-60.0, -10.0, 45.0, 80.0], 50)
    responses = rng.normal(size=(50, 3))
    curves = tuning.tuning_curves(responses, degrees)
    for row, stimulus in enumerate(curves.stimulus):
        own = responses[degrees == stimulus]
        np.testing.assert_allclose(curves.mean[row], own.mean(axis=0))
        np.testing.assert_allclose(curves.standard_error[row], own.std(axis=0, ddof=1) / np.sqrt(len(own)))
        assert curves.n_trials[row] == len(own)


def test_directions_are_told_apart_or_folded_onto_orientations():
    directions = np.array([0.0, 90.0, 180.0, 270.0])
    responses = np.array([[4.0], [1.0], [2.0], [1.0]])
    apart = tuning.tuning_curves(responses, directions, period=360)
    np.testing.assert_allclose(apart.stimulus, [-180, -90, 0, 90])
    np.testing.assert_allclose(apart.mean[:, 0], [2, 1, 4, 1])
    folded = tuning.tuning_curves(responses, directions)
    np.testing.assert_allclose(folded.stimulus, [-90, 0])
    np.testing.assert_allclose(folded.mean[:, 0], [1, 3])


def test_one_trial_has_no_standard_error():
    curves = tuning.tuning_curves([[1.0], [2.0], [4.0]], [0, 45, 45])
    assert np.isnan(curves.standard_error[0, 0])
    assert curves.standard_error[1, 0] == 1


@settings(deadline=None)
@given(st.integers(-(10**6), 10**6), st.integers(-3, 3))
def test_a_multiple_of_the_period_changes_nothing(thousandths, turns):
    degrees = thousandths / 1000
    stimuli = np.array([degrees, degrees + 45, degrees + 180 * turns])
    curves = tuning.tuning_curves([[1.0], [5.0], [3.0]], stimuli)
    assert sorted(curves.n_trials) == [1, 2]
    assert sorted(curves.mean[:, 0]) == pytest.approx([2, 5])
    assert (curves.stimulus >= -90).all() and (curves.stimulus < 90).all()


def test_a_circle_that_is_closed_twice_has_its_ends_averaged():
    degrees = np.arange(-90.0, 91)
    curves = tuning.tuning_curves(degrees[:, None], degrees)
    assert len(curves.stimulus) == 180 and curves.n_trials.tolist() == [2] + 179 * [1]
    assert curves.mean[0, 0] == 0 and curves.standard_error[0, 0] == 90
    near = tuning.tuning_curves([[1.0], [2.0], [3.0]], [89.9995, 90.0, 0.0])
    np.testing.assert_array_equal(near.stimulus, [-90, 0, 89.9995])


def test_bins_are_centred_on_multiples_of_their_width_and_go_around():
    curves = tuning.tuning_curves([[1.0], [3.0], [5.0], [7.0], [9.0]], [-88, 85.1, 14.9, -15, 44], bin_width=30)
    np.testing.assert_array_equal(curves.stimulus, [-90, 0, 30])
    np.testing.assert_array_equal(curves.mean[:, 0], [2, 6, 9])
    directions = tuning.tuning_curves([[1.0], [3.0], [5.0]], [359, 1, 181], period=360, bin_width=45)
    np.testing.assert_array_equal(directions.stimulus, [-180, 0])
    np.testing.assert_array_equal(directions.mean[:, 0], [5, 2])


@pytest.mark.parametrize("width", [7.0, 0.0, -10.0, 180.0, np.nan])
def test_bins_that_do_not_fill_the_circle_are_refused(width):
    with pytest.raises(InputError, match="a whole number of bins"):
        tuning.tuning_curves([[1.0], [2.0]], [0, 90], bin_width=width)


def test_agree_with_pynapple():
    nap = pytest.importorskip("pynapple", reason="pynapple is not installed")
    rng = np.random.default_rng(1)
    degrees = rng.uniform(-15, 165, 300)
    responses = rng.normal(size=(len(degrees), 4))
    time = np.arange(len(degrees), dtype=float)
    peer = nap.compute_tuning_curves(
        nap.TsdFrame(t=time, d=responses), nap.Tsd(t=time, d=degrees), bins=[np.arange(-15, 180, 30.0)]
    )
    curves = tuning.tuning_curves(responses, degrees, bin_width=30)
    order = np.argsort(np.mod(curves.stimulus, 180))
    np.testing.assert_allclose(curves.mean[order].T, peer.values)


@pytest.mark.parametrize(
    ("responses", "stimulus", "period", "words"),
    [
        ([[1.0], [2.0]], [0, 90, 45], 180, "2 rows"),
        ([[1.0], [2.0]], [0, np.nan], 180, "row 1 is not finite"),
        ([[1.0], [2.0]], [0, 180], 180, "the same stimulus"),
        ([[1.0], [2.0]], [0, 90], 90, "180 .orientation. or 360"),
        ([[1.0], [np.inf]], [0, 90], 180, "not finite"),
    ],
)
def test_bad_input(responses, stimulus, period, words):
    with pytest.raises(InputError, match=words):
        tuning.tuning_curves(responses, stimulus, period=period)
