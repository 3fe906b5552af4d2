"""Tests of tuning: by hand, against SciPy's and all permutations, and how often they call noise tuned."""

from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from normenc import tuning
from normenc.errors import InputError
from normenc.tuning.permuting import between_moments, permuted_anova

DIRECTIONS, ORIENTATIONS = np.repeat(np.arange(0, 360, 30.0), 20), np.repeat(np.arange(0, 180, 30.0), 10)
UNEQUAL = np.repeat(np.arange(0, 360, 45.0), [4, 9, 12, 5, 8, 7, 10, 6])


def noise(kind: str, shape: tuple[int, int], seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return {
        "Gaussian": lambda: rng.normal(size=shape),
        "Poisson 0.2": lambda: rng.poisson(0.2, shape).astype(float),
        "lognormal": lambda: rng.lognormal(size=shape),
        "sparse dF/F": lambda: (
            rng.lognormal(sigma=0.8, size=shape) * (rng.random(shape) < 0.2) + 0.1 * rng.normal(size=shape)
        ),
    }[kind]()


@pytest.mark.parametrize("counts", [(2, 2, 3), (1, 3, 4), (2, 5), (1, 1, 1, 5)])
def test_moments_are_those_of_all_permutations(counts):
    n = sum(counts)
    values = np.random.default_rng(0).gamma(0.5, size=(n, 2))
    scaled = (values - values.mean(axis=0)) / values.std(axis=0)
    ends = np.cumsum(counts)
    orders = np.array(list(permutations(range(n)))) if n < 8 else np.stack([*_orders(n)])
    parts = np.split(scaled[orders], ends[:-1], axis=1)
    between = sum(part.sum(axis=1) ** 2 / part.shape[1] for part in parts)
    mean, variance, skewness = between_moments(scaled, np.array(counts, dtype=float))
    np.testing.assert_allclose(mean, between.mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(variance, between.var(axis=0), rtol=1e-9)
    np.testing.assert_allclose(skewness, stats.skew(between, axis=0), rtol=1e-7)


def _orders(n):
    return (np.array(order) for order in permutations(range(n)))


def test_any_tuning_is_scipys_analysis_of_variance_where_noise_is_normal():
    labels = np.repeat(np.arange(12), [15, 25, 20, 20, 18, 22, 20, 20, 24, 16, 20, 20])
    responses = noise("Gaussian", (240, 400)) + 0.25 * np.linspace(0, 1, 400) * np.sin(labels)[:, None]
    found = tuning.stimulus_p_values(responses, labels)
    expected = stats.f_oneway(*(responses[labels == label] for label in range(12)), axis=0).pvalue
    body = expected > 1e-3
    assert body.sum() > 200
    np.testing.assert_allclose(found[body], expected[body], rtol=0.12)


def test_any_tuning_is_a_permutation_test_whatever_the_noise():
    rng = np.random.default_rng(1)
    values = rng.exponential(size=(48, 60))  # 12 stimuli, 4 trials of each
    orders = np.argsort(rng.random((3000, 48)), axis=1)
    between = np.square(values[orders].reshape(3000, 12, 4, 60).sum(axis=2)).sum(axis=1)
    shown = np.square(values.reshape(12, 4, 60).sum(axis=1)).sum(axis=0)
    found = permuted_anova(values, np.repeat(np.arange(12), 4))
    np.testing.assert_allclose(found, (between >= shown).mean(axis=0), atol=0.04)


def test_one_spike_tells_nothing_and_constant_units_are_not_tuned():
    responses = np.zeros((60, 3))
    responses[17, 0] = 1
    responses[:, 2] = 7.3
    for p_values in (
        tuning.stimulus_p_values(responses, ORIENTATIONS),
        tuning.orientation_p_values(responses, ORIENTATIONS)[1:],
        tuning.direction_p_values(responses, 2 * ORIENTATIONS)[1:],
    ):
        np.testing.assert_array_equal(p_values, 1)
    assert tuning.orientation_p_values(responses, ORIENTATIONS)[0] > 0.1


def least_squares(responses, degrees, harmonics):
    """Sum of squares that is left, of a regression of trials onto harmonics."""
    angle = np.radians(degrees)
    columns = [np.ones(len(degrees)), *(wave(k * angle) for k in harmonics for wave in (np.cos, np.sin))]
    design = np.stack(columns, axis=1)
    return np.square(responses - design @ np.linalg.lstsq(design, responses, rcond=None)[0]).sum(axis=0)


def within(responses, labels):
    return sum(responses[labels == label].var(axis=0) * (labels == label).sum() for label in np.unique(labels))


@pytest.mark.parametrize("degrees", [DIRECTIONS, UNEQUAL, ORIENTATIONS])
def test_orientation_is_an_f_test_of_its_harmonic_against_the_variance_within_stimuli(degrees):
    period = 180 if degrees is ORIENTATIONS else 360
    angle = np.radians(degrees)[:, None]
    responses = noise("Gaussian", (len(degrees), 5)) + np.array([0, 0, 0.3, 0, 1]) * np.cos(2 * angle - 1)
    responses += np.array([0, 1, 0, 3, 1]) * np.cos(angle) * (period == 360)
    beside = [1] if period == 360 else []
    gained = least_squares(responses, degrees, beside) - least_squares(responses, degrees, [*beside, 2])
    dof = len(degrees) - len(np.unique(degrees))
    expected = stats.f.sf(gained / 2 / (within(responses, degrees) / dof), 2, dof)
    found = tuning.orientation_p_values(responses, degrees, period=period)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert found[4] < 1e-3


def test_two_orientations_are_compared_as_by_a_t_test():
    degrees = np.repeat([0.0, 90.0], [12, 9])
    responses = noise("Gaussian", (21, 4))
    expected = stats.ttest_ind(responses[:12], responses[12:], axis=0).pvalue
    np.testing.assert_allclose(tuning.orientation_p_values(responses, degrees), expected, rtol=1e-9)


@pytest.mark.parametrize(("degrees", "period"), [(np.arange(0, 180, 20.0), 180), (np.arange(0, 360, 30.0), 360)])
def test_of_averages_the_residual_of_the_fit_is_the_error(degrees, period):
    responses = noise("Gaussian", (len(degrees), 6)) + np.cos(2 * np.radians(degrees))[:, None] * [0, 0, 0, 1, 2, 9]
    harmonics = [2] if period == 180 else [1, 2]
    full = least_squares(responses, degrees, harmonics)
    dof = len(degrees) - 1 - 2 * len(harmonics)
    for tested, found in (
        (2, tuning.orientation_p_values(responses, degrees, period=period)),
        (1, tuning.direction_p_values(responses, degrees)),
    ):
        if tested in harmonics:
            gained = least_squares(responses, degrees, [k for k in harmonics if k != tested]) - full
            np.testing.assert_allclose(found, stats.f.sf(gained / 2 / (full / dof), 2, dof), rtol=1e-6)
    assert np.isnan(tuning.stimulus_p_values(responses, degrees)).all()


def test_what_cannot_be_tested_is_nan():
    six, seven, eight = (noise("Gaussian", (n, 3)) for n in (6, 7, 8))
    assert np.isnan(tuning.orientation_p_values(six, np.arange(6) * 30)).all()
    assert np.isnan(tuning.orientation_p_values(seven, np.arange(7) * 25)).all()
    assert np.isfinite(tuning.orientation_p_values(eight, np.arange(8) * 22.5)).all()
    # Directions of half a circle cannot tell direction from orientation; nor can averages of them.
    half = np.repeat(np.arange(0, 180, 30.0), 8)
    assert np.isnan(tuning.direction_p_values(noise("Gaussian", (48, 3)), half)).all()
    assert np.isfinite(tuning.orientation_p_values(noise("Gaussian", (48, 3)), half, period=360)).all()
    assert np.isnan(tuning.direction_p_values(noise("Gaussian", (18, 3)), np.arange(0, 180, 10))).all()
    assert np.isnan(
        tuning.orientation_p_values(noise("Gaussian", (20, 3)), np.repeat([0.0, 180.0], 10), period=360)
    ).all()


def test_units_without_noise_are_averaged_first():
    degrees = np.arange(-90, 90, 10.0)
    once = np.stack([tuning.von_mises(degrees, at, 2.0) for at in (-30, 0, 50)], axis=1) + noise("Gaussian", (18, 3))
    repeated = tuning.orientation_p_values(np.repeat(once, 5, axis=0), np.repeat(degrees, 5))
    np.testing.assert_allclose(repeated, tuning.orientation_p_values(once, degrees))
    six = np.repeat(once[::3], 20, axis=0)
    assert np.isnan(tuning.orientation_p_values(six, np.repeat(degrees[::3], 20))).all()
    rounded = six.astype(np.float32) * (1 + 1e-7 * np.random.default_rng(0).normal(size=six.shape))
    assert np.isnan(tuning.orientation_p_values(rounded, np.repeat(degrees[::3], 20))).all()


def test_one_axis_of_directions_is_compared_as_by_a_t_test():
    degrees = np.repeat([45.0, 225.0], [8, 13])
    responses = noise("Gaussian", (21, 4))
    expected = stats.ttest_ind(responses[:8], responses[8:], axis=0).pvalue
    np.testing.assert_allclose(tuning.direction_p_values(responses, degrees), expected, rtol=1e-9)


def test_direction_is_johansens_statistic_by_hand():
    responses = noise("lognormal", (len(UNEQUAL), 4)) * (1 + np.cos(np.radians(2 * UNEQUAL)))[:, None]
    found = tuning.direction_p_values(responses, UNEQUAL)
    for unit, own in enumerate(responses.T):
        rows, weights, differences, variances, freedom = [], [], [], [], []
        for axis in (0.0, 45.0, 90.0, 135.0):
            one, other = own[axis == UNEQUAL], own[axis + 180 == UNEQUAL]
            rows.append([np.cos(np.radians(axis)), np.sin(np.radians(axis))])
            weights.append(1 / (1 / len(one) + 1 / len(other)))
            differences.append(one.mean() - other.mean())
            freedom.append(len(one) + len(other) - 2)
            pooled = (len(one) * one.var() + len(other) * other.var()) / freedom[-1]
            variances.append(pooled * (1 / len(one) + 1 / len(other)))
        contrast = np.transpose(rows) * weights
        covariance = contrast @ np.diag(variances) @ contrast.T
        effect = contrast @ differences
        statistic = effect @ np.linalg.solve(covariance, effect)
        parts = [np.linalg.solve(covariance, np.outer(c, c) * v) for c, v in zip(contrast.T, variances, strict=True)]
        a = sum((np.trace(q @ q) + np.trace(q) ** 2) / f for q, f in zip(parts, freedom, strict=True)) / 2
        factor, dof = 2 + 2 * a - 6 * a / 4, 2 * 4 / (3 * a)
        assert found[unit] == pytest.approx(stats.f.sf(statistic / factor, 2, dof), rel=1e-6)


def test_neither_hides_or_fakes_the_other_however_unequal_the_trials():
    angle = np.radians(UNEQUAL)[:, None]
    to_orientation, to_direction = np.exp(4 * np.cos(2 * angle) - 4), np.cos(angle - 1)
    little = 1e-3 * noise("Gaussian", (len(UNEQUAL), 1))
    assert tuning.direction_p_values(to_orientation + little, UNEQUAL)[0] > 0.05
    assert tuning.orientation_p_values(to_direction + little, UNEQUAL, period=360)[0] > 0.05
    both = to_direction + 0.002 * np.cos(2 * angle) + little
    assert tuning.orientation_p_values(both, UNEQUAL, period=360)[0] < 1e-4


def test_a_unit_that_is_silent_but_for_one_axis_is_tested_there():
    responses = np.zeros((240, 2))
    responses[DIRECTIONS == 60] = np.random.default_rng(0).poisson(5, (20, 2))
    responses[DIRECTIONS == 240] = np.random.default_rng(1).poisson([1, 5], (20, 2))
    expected = stats.ttest_ind(responses[DIRECTIONS == 60], responses[DIRECTIONS == 240], axis=0).pvalue
    np.testing.assert_allclose(tuning.direction_p_values(responses, DIRECTIONS), expected, rtol=1e-6)


@pytest.mark.parametrize("kind", ["Gaussian", "Poisson 0.2", "lognormal", "sparse dF/F"])
@pytest.mark.parametrize("degrees", [DIRECTIONS, ORIENTATIONS], ids=["240 trials", "60 trials"])
def test_noise_is_called_tuned_as_rarely_as_it_should(degrees, kind):
    responses = noise(kind, (len(degrees), 20_000), seed=3)
    period = 360 if degrees is DIRECTIONS else 180
    p_values = [tuning.stimulus_p_values(responses, degrees)]
    p_values.append(tuning.orientation_p_values(responses, degrees, period=period))
    p_values += [tuning.direction_p_values(responses, degrees)] if period == 360 else []
    for values in p_values:
        for level, most in ((0.05, 1.1), (0.01, 1.3), (0.001, 2.2)):  # 2.7 standard errors at 0.001, and 1.4
            assert (values <= level).mean() <= most * level
    if kind == "Gaussian":
        assert all(stats.kstest(values, "uniform").pvalue > 1e-3 for values in p_values)


@pytest.mark.parametrize("n", [2, 3])
def test_few_trials_of_sparse_responses_do_not_pass_for_tuning(n):
    """Where both spikes fall to one stimulus an F test takes them for a signal without noise: 16 times 0.001."""
    degrees = np.repeat(np.arange(0, 180, 22.5), n)
    for kind in ("Poisson 0.2", "sparse dF/F"):
        responses = noise(kind, (8 * n, 20_000), seed=4)
        f_test = stats.f_oneway(*(responses[degrees == label] for label in np.unique(degrees)), axis=0).pvalue
        assert (f_test <= 0.001).mean() > 0.0025
        assert (tuning.stimulus_p_values(responses, degrees) <= 0.001).mean() < 0.0015
        assert (tuning.orientation_p_values(responses, degrees) <= 0.001).mean() < 0.0025


def test_neurons_tuned_to_orientation_alone_are_not_called_tuned_to_direction():
    """Counts vary most where they are high; of one variance for all, 8 per cent of them would be."""
    rng = np.random.default_rng(5)
    rates = 0.2 + 5 * tuning.von_mises(DIRECTIONS[:, None], rng.uniform(0, 180, 20_000), 4.0)
    counts = rng.poisson(rates)
    p_values = tuning.direction_p_values(counts, DIRECTIONS)
    assert (p_values <= 0.05).mean() == pytest.approx(0.05, abs=0.006)
    assert (p_values <= 0.001).mean() < 0.002
    assert (tuning.orientation_p_values(counts, DIRECTIONS, period=360) <= 0.001).mean() > 0.99


def test_of_averages_the_f_test_agrees_with_permuted_labels():
    degrees = np.arange(0, 180, 5.0)
    responses = noise("Gaussian", (36, 300)) + np.linspace(0, 1, 300) * np.cos(2 * np.radians(degrees))[:, None]
    found = tuning.orientation_p_values(responses, degrees)
    permuted = tuning.selectivity_p_values(responses, degrees, n_permutations=2000)
    np.testing.assert_allclose(found, permuted, atol=0.04)


@pytest.mark.parametrize("blocks", [1, 10**9])
def test_p_values_do_not_depend_on_blocks_of_units(monkeypatch, blocks):
    responses = noise("lognormal", (60, 7))
    expected = tuning.stimulus_p_values(responses, ORIENTATIONS), tuning.orientation_p_values(responses, ORIENTATIONS)
    monkeypatch.setattr("normenc.tuning.significance.BLOCK", blocks)
    found = tuning.stimulus_p_values(responses, ORIENTATIONS), tuning.orientation_p_values(responses, ORIENTATIONS)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_discoveries_are_benjamini_and_hochbergs_of_what_was_tested():
    p_values = np.array([0.001, np.nan, 0.02, 0.03, 0.5, np.nan])
    assert tuning.discoveries(p_values).tolist() == [True, False, True, True, False, False]  # 0.03 <= 3 / 4 of 0.05
    assert tuning.discoveries(p_values, alpha=0.03).tolist() == [True, False, False, False, False, False]
    assert not tuning.discoveries([np.nan, np.nan]).any()
    with pytest.raises(InputError, match="alpha is 5"):
        tuning.discoveries([0.1], alpha=5)
    with pytest.raises(InputError, match="each from 0 to 1"):
        tuning.discoveries([0.1, 1.1])


def test_bad_input():
    with pytest.raises(InputError, match="one label per trial"):
        tuning.stimulus_p_values(np.ones((4, 2)), [0, 1])
    with pytest.raises(InputError, match="period is 90"):
        tuning.orientation_p_values(np.ones((4, 2)), [0, 1, 2, 3], period=90)
    with pytest.raises(InputError, match="not finite"):
        tuning.direction_p_values(np.ones((2, 2)), [0, np.nan])


@pytest.mark.parametrize(
    ("counts", "orientation", "direction"),
    [
        ([3, 10, 7, 6, 9, 10, 3, 8, 10, 3, 10, 6], True, True),
        ([2, 20] * 6, True, True),
        ([2] + [20] * 11, True, True),
        ([2, 2, 2, 30, 2, 2, 2, 2, 30, 2, 2, 2], False, False),
        ([2] * 6 + [20] * 6, False, False),
        ([2] * 11 + [20], False, False),
    ],
)
def test_where_few_trials_decide_nothing_is_tested(counts, orientation, direction):
    # In 60 recordings of 300 neurons of lognormal noise each, up to 87 % of those refused had a tuned neuron at a false
    # discovery rate of 0.05, and no more than 7 % of the others.
    degrees = np.repeat(np.arange(0, 360, 30.0), counts)
    noise = np.exp(np.random.default_rng(0).normal(size=(len(degrees), 4)))
    assert np.isfinite(tuning.orientation_p_values(noise, degrees, period=360)).all() == orientation
    assert np.isfinite(tuning.direction_p_values(noise, degrees)).all() == direction
    assert np.isfinite(tuning.stimulus_p_values(noise, degrees)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_units_that_vary_by_rounding_alone_are_constant(dtype):
    """Rounding error depends on the number of threads, and must not affect results."""
    degrees = np.repeat(np.arange(0, 180, 15.0), 4)
    rng = np.random.default_rng(0)
    step = np.spacing(dtype(0.7))
    values = (dtype(0.7) + step * rng.integers(-2, 3, (48, 20))).astype(dtype)
    for p_values in (
        tuning.stimulus_p_values(values, degrees),
        tuning.orientation_p_values(values, degrees),
        tuning.selectivity_p_values(values, degrees, n_permutations=99),
    ):
        np.testing.assert_array_equal(p_values, 1)
