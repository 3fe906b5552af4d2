"""Von Mises fits: planted parameters, SciPy's least squares, and what does not vary."""

import numpy as np
import pytest
from scipy import optimize

from normenc import tuning
from normenc.errors import InputError

ORIENTATIONS = np.arange(-90, 90, 7.5)
DIRECTIONS = np.arange(0, 360, 15.0)


def test_planted_orientation_tuning_is_recovered():
    rng = np.random.default_rng(0)
    preferred, concentration = rng.uniform(-90, 90, 200), rng.uniform(0.3, 12, 200)
    amplitude, baseline = rng.uniform(0.5, 5, 200), rng.normal(size=200)
    bumps = np.stack([tuning.von_mises(ORIENTATIONS, *x) for x in zip(preferred, concentration, strict=True)], axis=1)
    fit = tuning.fit_von_mises(baseline + amplitude * bumps, ORIENTATIONS)
    np.testing.assert_allclose((fit.preferred - preferred + 90) % 180, 90, atol=1e-4)
    np.testing.assert_allclose(fit.concentration, concentration, rtol=1e-4)
    np.testing.assert_allclose(fit.amplitude, amplitude, rtol=1e-3)
    np.testing.assert_allclose(fit.r2, 1, atol=1e-9)
    np.testing.assert_allclose(fit(ORIENTATIONS), baseline + amplitude * bumps, atol=1e-4)


def test_planted_direction_tuning_is_recovered():
    rng = np.random.default_rng(1)
    preferred, concentration = rng.uniform(-180, 180, 200), rng.uniform(1, 15, 200)
    opposite = rng.uniform(0, 0.9, 200)
    bumps = np.stack(
        [
            tuning.von_mises(DIRECTIONS, at, k, period=360)
            + share * tuning.von_mises(DIRECTIONS, at + 180, k, period=360)
            for at, k, share in zip(preferred, concentration, opposite, strict=True)
        ],
        axis=1,
    )
    fit = tuning.fit_von_mises(2 + bumps, DIRECTIONS, period=360)
    np.testing.assert_allclose((fit.preferred - preferred + 180) % 360, 180, atol=1e-3)
    np.testing.assert_allclose(fit.concentration, concentration, rtol=1e-3)
    np.testing.assert_allclose(fit.opposite_amplitude / fit.amplitude, opposite, atol=1e-3)
    np.testing.assert_allclose(fit(DIRECTIONS), 2 + bumps, atol=1e-4)


def test_width_is_where_the_curve_is_at_half_of_its_height():
    for concentration in (0.2, 1.0, 5.0, 30.0):
        curve = tuning.von_mises(ORIENTATIONS, 0.0, concentration)[:, None]
        half = tuning.fit_von_mises(curve, ORIENTATIONS).width[0] / 2
        top, bottom = 1.0, np.exp(-2 * concentration)
        assert tuning.von_mises(half, 0.0, concentration) == pytest.approx((top + bottom) / 2, rel=1e-4)


@pytest.mark.parametrize(("degrees", "period"), [(ORIENTATIONS, 180), (DIRECTIONS, 360)])
def test_random_neurons_have_the_parameters_that_scipys_curve_fit_finds(degrees, period):
    rng = np.random.default_rng(5)
    n_units = 30
    baseline, amplitude, opposite = rng.normal(size=n_units), rng.uniform(3, 6, n_units), rng.uniform(0.5, 2, n_units)
    preferred, concentration = rng.uniform(-period / 2, period / 2, n_units), rng.uniform(1, 10, n_units)

    def single(x, base, height, at, k):
        return base + height * tuning.von_mises(x, at, k, period=period)

    def double(x, base, height, at, k, other):
        return single(x, base, height, at, k) + other * tuning.von_mises(x, at + 180, k, period=period)

    curve = single if period == 180 else double
    planted = np.stack([baseline, amplitude, preferred, concentration, opposite][: 4 if period == 180 else 5], axis=1)
    responses = np.stack([curve(degrees, *each) for each in planted], axis=1)
    responses += 0.3 * rng.normal(size=responses.shape)
    fit = tuning.fit_von_mises(responses, degrees, period=period)
    lowest = [-np.inf, 0, -np.inf, 0, 0][: planted.shape[1]]
    peer = np.stack(
        [
            optimize.curve_fit(curve, degrees, own, start, bounds=(lowest, np.inf), ftol=1e-12, xtol=1e-12)[0]
            for own, start in zip(responses.T, planted, strict=True)
        ]
    )
    np.testing.assert_allclose(fit.baseline, peer[:, 0], atol=1e-4)
    np.testing.assert_allclose(fit.amplitude, peer[:, 1], atol=1e-4)
    np.testing.assert_allclose((fit.preferred - peer[:, 2] + period / 2) % period, period / 2, atol=1e-3)
    np.testing.assert_allclose(fit.concentration, peer[:, 3], rtol=1e-3)
    if period == 360:
        np.testing.assert_allclose(fit.opposite_amplitude, peer[:, 4], atol=1e-4)


@pytest.mark.parametrize("n_stimuli", [5, 12, 60])
def test_no_fit_is_narrower_than_the_distance_between_stimuli(n_stimuli):
    rng = np.random.default_rng(6)
    degrees = np.arange(n_stimuli) * 180 / n_stimuli
    one = np.eye(n_stimuli)[:, :3]  # a response to one stimulus only
    fit = tuning.fit_von_mises(np.hstack([one, rng.normal(size=(n_stimuli, 40))]), degrees)
    assert fit.width[:3] == pytest.approx(180 / n_stimuli, rel=0.02)
    assert (fit.width[3:] >= 0.999 * 180 / n_stimuli).all() and (fit.width <= 90).all()
    np.testing.assert_allclose((fit.preferred[:3] - degrees[:3] + 90) % 180, 90, atol=1e-3)
    assert (fit.r2 >= 0).all() and (fit.r2 <= 1).all()


@pytest.mark.parametrize(("degrees", "period"), [(ORIENTATIONS, 180), (DIRECTIONS, 360)])
def test_noisy_curves_are_fitted_as_well_as_by_scipy_from_many_starts(degrees, period):
    rng = np.random.default_rng(2)
    n_units = 12
    bumps = np.stack(
        [tuning.von_mises(degrees, rng.uniform(-90, 90), 5.0, period=period) for _ in range(n_units)], axis=1
    )
    responses = bumps + 0.3 * rng.normal(size=bumps.shape)
    fit = tuning.fit_von_mises(responses, degrees, period=period)
    ours = np.square(fit(degrees) - responses).sum(axis=0)
    np.testing.assert_allclose(1 - ours / np.square(responses - responses.mean(axis=0)).sum(axis=0), fit.r2, atol=1e-9)

    def curve(x):
        rise = x[1] * tuning.von_mises(degrees, x[2], np.exp(x[3]), period=period)
        if period == 360:
            rise = rise + x[4] * tuning.von_mises(degrees, x[2] + 180, np.exp(x[3]), period=period)
        return x[0] + rise

    narrowest = np.log(np.log(2) / (1 - np.cos(np.pi / len(degrees))))  # half its height half a stimulus away
    for unit in range(n_units):
        own = responses[:, unit]
        best = np.inf
        for start in np.arange(0, period, period / 8):
            x0 = [own.mean(), np.ptp(own), start, 1.0, 0.1][: 4 if period == 180 else 5]
            low = [-np.inf, 0, -np.inf, np.log(0.02), 0][: len(x0)]
            high = [np.inf, np.inf, np.inf, narrowest, np.inf][: len(x0)]
            found = optimize.least_squares(lambda x, own=own: curve(x) - own, x0, bounds=(low, high))
            best = min(best, 2 * found.cost)
        assert ours[unit] <= best * 1.001


def test_constant_units_have_flat_curves_and_no_preference():
    responses = np.stack([np.full(24, 3.0), tuning.von_mises(ORIENTATIONS, 0, 2)], axis=1)
    fit = tuning.fit_von_mises(responses, ORIENTATIONS)
    assert np.isnan(fit.preferred[0]) and np.isnan(fit.width[0])
    assert fit.r2.round(6).tolist() == [0, 1]
    np.testing.assert_allclose(fit(ORIENTATIONS)[:, 0], 3)


def test_scale_and_offset_do_not_matter():
    rng = np.random.default_rng(3)
    responses = tuning.von_mises(ORIENTATIONS, 10, 4)[:, None] + 0.2 * rng.normal(size=(24, 20))
    one, two = (tuning.fit_von_mises(x, ORIENTATIONS) for x in (responses, 1e4 * responses - 1e5))
    np.testing.assert_allclose(one.preferred, two.preferred, atol=1e-3)
    np.testing.assert_allclose(one.amplitude, two.amplitude / 1e4, rtol=1e-3)


def test_too_few_stimuli_are_refused():
    with pytest.raises(InputError, match="4 different stimuli; a von Mises fit needs at least 5"):
        tuning.fit_von_mises(np.ones((5, 1)), [0, 45, 90, 135, 180])


@pytest.mark.parametrize("period", [180, 360])
def test_widths_at_a_bound_are_told(period):
    degrees = np.arange(0, period, period / 12)
    needle, cosine = (
        np.eye(12)[3],
        np.cos(2 * np.pi * degrees / period) if period == 180 else np.cos(np.radians(degrees)),
    )
    bump = tuning.von_mises(degrees, 20, 2.0, period=period)
    fit = tuning.fit_von_mises(np.stack([needle, cosine, bump, np.ones(12)], axis=1), degrees, period=period)
    assert fit.bound.tolist() == ["narrowest", "widest", "", ""]
    assert fit.width[0] == pytest.approx(period / 12, rel=1e-3)
