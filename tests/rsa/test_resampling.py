import numpy as np
import pytest
from planted_pairs import PlantedPairs
from rsatoolbox.util.inference_util import _dual_bootstrap

from normenc.errors import InputError
from normenc.rsa import rdm
from normenc.rsa.resampling import (
    block_length_of,
    draw_blocks,
    draw_counts,
    inflation,
    tiles_range,
    total_variance,
    why_not_tiled,
)

BOTH = [{"a": [1.0]}, {"b": [1.0]}, {"a": [1.0], "b": [1.0]}]


def test_counts_are_draws_with_replacement():
    counts = draw_counts(7, 20_000, np.random.default_rng(0))
    assert set(counts.sum(axis=1)) == {7}
    np.testing.assert_allclose(counts.mean(axis=0), 1, atol=0.03)
    np.testing.assert_allclose(counts.var(axis=0), 1 - 1 / 7, atol=0.03)


def test_blocks_are_neighbours_on_the_circle():
    counts = draw_blocks(12, 5000, 4, np.random.default_rng(0))
    assert set(counts.sum(axis=1)) == {12}
    np.testing.assert_allclose(counts.mean(axis=0), 1, atol=0.05)  # no stimulus is at an end
    covariance = np.cov(counts.T)
    expected = [1 - 4 / 12, 3 / 4 - 4 / 12, 2 / 4 - 4 / 12, 1 / 4 - 4 / 12, -4 / 12]  # blocks that hold both
    for lag, value in enumerate(expected):
        circle = np.arange(12)
        assert covariance[circle, (circle + lag) % 12].mean() == pytest.approx(value, abs=0.03)
    with pytest.raises(InputError, match="block_length is 13; it must lie between 1 and the number of stimuli, 12"):
        draw_blocks(12, 1, 13, np.random.default_rng(0))


def test_block_length_follows_the_profile():
    angle = np.deg2rad(np.arange(0, 360, 2))
    distance = 1 - np.exp((np.cos(angle[:, None] - angle) - 1) * 20)
    assert 15 <= block_length_of(distance[None]) <= 30
    assert block_length_of((1 - np.eye(60))[None]) == 3  # no neighbour is more alike than any other


def test_two_factors_are_the_correction_of_schuett_et_al():
    rng = np.random.default_rng(0)
    for _ in range(20):
        n_animals, n_stimuli = rng.integers(4, 20, 2)
        animals, stimuli, together = rng.random(3)
        v_animals = (animals + together) * (1 - 1 / n_animals)
        v_stimuli = (stimuli + together) * (1 - 1 / n_stimuli)
        v_both = v_animals + v_stimuli + together * (1 - 1 / n_animals) * (1 - 1 / n_stimuli)
        rows = [{"a": [1 - 1 / n_animals]}, {"b": [1 - 1 / n_stimuli]}]
        rows.append(rows[0] | rows[1])
        found, _ = total_variance([v_animals, v_stimuli, v_both], rows, {"a": n_animals, "b": n_stimuli})
        assert found == pytest.approx(animals + stimuli + together)
        # rsatoolbox gives the same, and then no more than the bootstrap over both
        theirs = _dual_bootstrap(np.array([v_both, v_animals, v_stimuli]), n_animals, n_stimuli)
        assert min(found, v_both) == pytest.approx(theirs)


def test_no_part_is_negative():
    found, dof = total_variance([1.0, 1.0, 5.0], BOTH, {"a": 10, "b": 10})
    assert found > 0
    assert 9 <= dof <= 18


def test_degrees_of_freedom_are_those_of_the_factor_that_varies():
    sizes = {"a": 5, "b": 50}
    assert total_variance([1.0, 1e-9, 1.0], BOTH, sizes)[1] == pytest.approx(4, abs=0.01)
    assert total_variance([1e-9, 1.0, 1.0], BOTH, sizes)[1] == pytest.approx(49, abs=0.1)
    assert total_variance([0.0, 0.0, 0.0], BOTH, sizes)[1] == 4


def test_degrees_of_freedom_count_how_exactly_variances_are_known():
    exact, n_samples = np.array([2.0, 1.5, 4.2]), np.array([1600, 3200, 2400])
    rng = np.random.default_rng(3)
    draws = [v * rng.chisquare(n, 4000) / n for v, n in zip(exact, n_samples, strict=True)]
    sizes = {"a": 10**6, "b": 10**6}  # so many that their variance would be known
    totals = total_variance(draws, BOTH, sizes)[0]
    _, dof = total_variance(exact, BOTH, sizes, np.diag(2 / n_samples))
    # 2 (a + b) - ab: each times its variance, squared, over its degrees of freedom
    assert 2.8**2 / float(dof) == pytest.approx(4**2 / 1600 + 3**2 / 3200 + 4.2**2 / 2400, rel=1e-3)
    assert 2 * totals.mean() ** 2 / totals.var() == pytest.approx(float(dof), rel=0.1)
    assert total_variance([0.0, 0.0, 0.0], BOTH, {"a": 5, "b": 50}, np.diag(2 / n_samples))[1] == 4
    assert total_variance([1.0, 1.0, 1.0], BOTH, sizes, 9 * np.eye(3))[1] == 1  # however little samples tell


def test_order_two_recovers_the_variance_of_a_mean_over_pairs():
    rng, planted = np.random.default_rng(1), PlantedPairs(20, single=0.3, pair=2.0)
    found, ordinary = [], []
    for _ in range(150):
        values, counts = planted.draw(rng), draw_counts(20, 200, rng)
        ways = counts, 1 + counts
        variances = [planted.means(values, weights).var(ddof=1) for weights in ways]
        found.append(total_variance(variances, [{"s": inflation(weights, 2)} for weights in ways], {"s": 20})[0])
        ordinary.append(variances[0])
    assert np.mean(found) == pytest.approx(planted.truth, rel=0.12)
    assert np.mean(ordinary) > 1.5 * planted.truth  # what an ordinary bootstrap would say


def test_inflation_of_counts_is_that_of_theory():
    counts = draw_counts(25, 20_000, np.random.default_rng(0))
    assert inflation(counts)[0] == pytest.approx(1 - 1 / 25, rel=0.02)
    assert inflation(1 + counts)[0] == pytest.approx((1 - 1 / 25) / 4, rel=0.02)
    own, between = inflation(1 + counts, 2)
    assert own == pytest.approx(0.24, rel=0.15)
    assert between == pytest.approx(1.24**2 - 1, rel=0.15)


def test_stimuli_tile_their_circle_where_the_gap_is_half_the_way_to_half():
    """Dissimilarities that rise to their maximum in a straight line, 1 at 90 degrees: half way at about 45."""

    def ramp(angles):
        apart = np.abs((np.subtract.outer(angles, angles) + 180) % 360 - 180)
        return np.minimum(apart / 90, 1)[None]

    even = np.arange(0, 360, 22.5)  # neighbours 0.25, half way 0.625, at 67.5 degrees: 45 from neighbours
    assert tiles_range(ramp(even)) and tiles_range(ramp(even), even)
    coarse = np.arange(0, 360, 45.0)  # neighbours 0.5, half way 0.75, at 90 degrees: 45 from neighbours
    assert not tiles_range(ramp(coarse)) and not tiles_range(ramp(coarse[::2]))
    gap = np.delete(even, 5)  # a gap of 45 degrees
    assert not tiles_range(ramp(gap), gap)
    assert tiles_range(ramp(gap))  # as if they were evenly spaced
    ends = np.arange(0, 361, 15.0)  # both ends of the circle are there
    assert tiles_range(ramp(ends), ends)
    assert "is 12.5 % of the circle, and at most 6.25 %" in why_not_tiled(ramp(coarse))
    assert "is 12.5 % of the circle, and at most 6.67 %" in why_not_tiled(ramp(gap), gap)
    assert "by six standard errors" in why_not_tiled((1 - np.eye(60))[None])
    assert not tiles_range((1 - np.eye(60))[None])  # no neighbour is more alike than any other
    rng = np.random.default_rng(0)
    assert not any(tiles_range(rdm(rng.normal(size=(12, 9)))[None]) for _ in range(50))  # noise alone


@pytest.mark.parametrize(
    ("positions", "message"),
    [
        (np.arange(7) * 45.0, r"positions have shape \(7,\); they must be \(8,\), one for each stimulus"),
        (np.arange(8)[::-1] * 45.0, "positions must be ascending within one turn of the circle, in degrees of 360"),
        (np.arange(8) * 90.0, "positions must be ascending within one turn"),
        ([0, 1, np.nan, 3, 4, 5, 6, 7], "positions must be ascending"),
    ],
)
def test_positions_that_are_none_are_refused(positions, message):
    with pytest.raises(InputError, match=message):
        tiles_range((1 - np.eye(8))[None], positions)
