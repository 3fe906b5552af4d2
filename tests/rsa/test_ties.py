"""Dissimilarities that are equal up to rounding count as equal: no measure, and no test, ranks rounding errors."""

from math import factorial

import numpy as np
import pytest
from scipy.stats import rankdata

from normenc import rsa
from normenc.rsa import (
    CROSS_VALIDATED,
    METHODS,
    METRICS,
    chance_p_values,
    compare_rdms,
    cross_validated_rdm,
    infer,
    rdm,
    rdm_from_blocks,
)
from normenc.rsa.ties import CHAIN, TIES, begins, settled

RANKED = ("spearman", "kendall-tau-a", "rho-a")
SHIFTABLE = (*RANKED, "pearson", "whitened-correlation")  # what an offset of the dissimilarities does not change
CATEGORIES = (np.arange(6)[:, None] // 3 != np.arange(6) // 3).astype(float)


def tuned(n, width=3.0):
    """Responses of n neurons to n directions that each prefers one of: every step around the circle is alike."""
    angle = np.arange(n) * 2 * np.pi / n
    return np.exp(width * np.cos(angle[:, None] - angle))


def noisy(seed, n, n_units=40):
    return rdm(np.random.default_rng(seed).normal(size=(n, n_units)))


def raised(matrix, offset, scale=1.0):
    return (scale * matrix + offset) * (1 - np.eye(len(matrix)))


def assert_circulant(matrix):
    """As many values as there are steps around the circle, one for each."""
    n = len(matrix)
    steps = (np.arange(n) - np.arange(n)[:, None]) % n
    np.testing.assert_array_equal(matrix, matrix[0][steps])
    assert len(np.unique(matrix[np.triu_indices(n, 1)])) == n // 2


# ---- in RDMs -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_stimuli_around_a_circle_have_a_dissimilarity_for_each_step(metric, dtype):
    for n in [*range(4, 26), 60, 181]:
        noise = {"noise_covariance": np.full(n, 0.3)} if metric == "mahalanobis" else {}
        responses = tuned(n).astype(dtype)
        first = responses[0]  # in single precision, rounding of the angles is no rounding of sums
        responses = np.stack([np.roll(first, k) for k in range(n)])
        assert_circulant(rdm(responses, metric, **noise))
        assert_circulant(rdm(responses + dtype(0.1), metric, **noise))
        if dtype is np.float64:
            assert_circulant(rdm(tuned(n, 0.5), metric, **noise))


def test_whatever_their_baseline_and_however_they_are_added_up():
    for n in (12, 25, 60):
        for offset in (0.1, 1e3, 1e5):
            assert_circulant(rdm(tuned(n) + offset))
        assert_circulant(rdm_from_blocks(np.array_split(tuned(n), 5, axis=1)))


@pytest.mark.parametrize("metric", CROSS_VALIDATED)
def test_cross_validated_dissimilarities_have_ties_too(metric):
    for n in (6, 12, 25):
        assert_circulant(cross_validated_rdm(np.stack([tuned(n), 1.5 * tuned(n), tuned(n) + 0.1]), metric))


def test_small_differences_that_are_no_rounding_stay():
    # Distances from 0, and squared distances between 1 and what is a little more: 1e-8, 1.000001e-8, 4.000002e-8.
    points = np.array([[0.0], [1.0], [1 + 1e-4], [1 - 1.0000005e-4]])
    found = rdm(points, "euclidean")
    np.testing.assert_allclose(found, (points - points.T) ** 2, rtol=1e-10)
    assert len(np.unique(found[np.triu_indices(4, 1)])) == 6


def square(*values):
    """The RDM of 3 or 4 stimuli with these dissimilarities."""
    n = {3: 3, 6: 4}[len(values)]
    matrix = np.zeros((n, n))
    matrix[np.triu_indices(n, 1)] = values
    return matrix + matrix.T


def test_what_is_settled_by_hand():
    found = settled(square(1.0, 1 + 2e-13, 1 + 4e-13, 5.0, 0.0, 1e-13), absolute=2.5e-13)
    np.testing.assert_array_equal(found, square(*[1 + 2e-13] * 3, 5.0, 0.0, 1e-13))  # 0 is no rounding, but a copy
    in_proportion = square(1e-9, 1e-9 * (1 + 1e-12), 2e-9, 1e3, 1e3 * (1 + 1e-12), 2e3)
    found = settled(in_proportion.copy(), relative=1.1e-12)
    assert len(np.unique(found[np.triu_indices(4, 1)])) == 4
    np.testing.assert_array_equal(settled(in_proportion.copy(), relative=1e-13), in_proportion)
    n = 12  # a chain of neighbours that leads far is no rounding
    chain = np.zeros((n, n))
    chain[np.triu_indices(n, 1)] = 1 + 0.9 * TIES * np.arange(n * (n - 1) // 2)
    np.testing.assert_array_equal(settled((chain + chain.T).copy(), absolute=TIES), chain + chain.T)


def test_where_values_begin_by_hand():
    assert begins(np.array([1, 1 + 5e-13, 1 + 1e-12, 1 + 3e-12])).tolist() == [True, False, False, True]
    assert begins(np.array([-1e-13, 0, 1e-13, 1.0])).tolist() == [True, False, False, True]
    chain = 1 + 0.9 * TIES * np.arange(2 * CHAIN)
    assert begins(chain).all()
    assert not begins(np.repeat(chain, 2))[1::2].any()


# ---- in comparisons ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["spearman", "kendall-tau-a"])
@pytest.mark.parametrize(("scale", "offset"), [(3.0, 0.0), (1 / 3, 0.7), (7e-5, 1e-3), (1e8, -5e7), (1.1, 1e3)])
def test_affine_copies_have_a_rank_correlation_of_exactly_one(method, scale, offset):
    for seed in range(5):
        matrix = noisy(seed, 15)
        copy = raised(matrix, offset, scale)
        assert compare_rdms(matrix, copy, method) == 1.0
        assert compare_rdms(matrix, -copy, method) == -1.0
        other = noisy(seed + 50, 15)
        assert compare_rdms(matrix, other, method) == compare_rdms(copy, other, method)


@pytest.mark.parametrize("method", RANKED)
def test_models_that_are_affine_copies_do_not_differ(method):
    model, data = rdm(tuned(9)), noisy(3, 9)
    models = {"one": model, "copy": raised(model, 0.3, 1.7), "same": model.round(12)}
    found = infer(models, data, method=method, n_samples=20, n_permutations=20)
    assert (found.pairs["difference"] == 0).all()
    assert (found.pairs["p"] == 1).all()
    assert found.models["p_permutations"].nunique() == 1


@pytest.mark.parametrize("method", METHODS)
def test_rounding_changes_no_comparison(method):
    """Ties by hand: the steps around the circle, 1 to 6, are 12, 12, 12, 12, 12 and 6 pairs."""
    model, data = rdm(tuned(12)), noisy(1, 12)
    steps = np.abs(np.arange(12)[:, None] - np.arange(12))
    steps = np.minimum(steps, 12 - steps)
    jitter = np.random.default_rng(0).uniform(-1e-13, 1e-13, (12, 12))
    jittered = model + (jitter + jitter.T) * (1 - np.eye(12))
    if method in RANKED:
        assert compare_rdms(jittered, data, method) == compare_rdms(steps, data, method)
        x, y = (rankdata(v[np.triu_indices(12, 1)]) for v in (steps, data))
        if method == "spearman":
            assert compare_rdms(jittered, data, method) == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-12)
    assert compare_rdms(jittered, data, method) == pytest.approx(compare_rdms(model, data, method), abs=1e-11)


# ---- in tests against chance ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_shifts_tell_nothing_of_what_is_alike_all_around(method):
    around, other = rdm(tuned(12)), rdm(tuned(12, 0.5))
    data = rdm(tuned(12) + 0.3 * np.random.default_rng(0).normal(size=(12, 12)))
    for model, recorded in ((around, around), (around, other), (around, data), (data, around), (around + 0, around)):
        assert chance_p_values(model, recorded, method, ordered=True)[0] == 1
    raised_model = raised(around, 1e6)
    assert chance_p_values(raised_model, data, method, ordered=True)[0] == 1
    found = infer({"m": around}, data, method=method, ordered=True, n_samples=6)
    assert found.models["p_shifts"][0] == found.models["p_shifts_smallest"][0] == 1


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("model", "symmetries"),
    [
        (CATEGORIES, 2 * factorial(3) ** 2),  # order within two categories of three, and which is which
        (rdm(tuned(6)), 12),  # turns of the hexagon, and turns turned over
        (rdm(tuned(5)), 10),
        (np.abs(np.arange(6.0)[:, None] - np.arange(6)), 2),  # a row, and the row turned over
    ],
    ids=["categories", "hexagon", "pentagon", "row"],
)
def test_no_p_is_below_what_symmetry_allows(model, symmetries, method):
    """With itself, a model is as similar under its symmetries alone; with anything, under these at least."""
    smallest = symmetries / factorial(len(model))
    assert chance_p_values(model, model, method)[0] == pytest.approx(smallest)
    for seed in range(1 if method == "kendall-tau-a" else 3):
        data = noisy(seed, len(model))
        for one, other in ((model, data + model / 3), (data + model / 3, model)):
            p = chance_p_values(one, other, method)[0]
            assert p >= smallest - 1e-12
            assert p / smallest == pytest.approx(round(p / smallest))  # orders come in cosets


@pytest.mark.parametrize("method", SHIFTABLE)
@pytest.mark.parametrize("n", [5, 9])  # all orders, and random ones
def test_an_offset_changes_no_p(method, n):
    """Dissimilarities are multiples of 1 / 64, which stay exact."""
    categories = (np.arange(n)[:, None] // 3 != np.arange(n) // 3).astype(float)
    dyadic = [np.round(64 * noisy(seed, n)) / 64 for seed in range(4)]
    for model, data in ((dyadic[0], dyadic[1]), (categories, dyadic[2] + 3 * categories), (categories, dyadic[3])):
        expected = chance_p_values(model, data, method, n_permutations=100)
        for offset in (1e3, 1e5, 1e8):
            assert chance_p_values(model, raised(data, offset), method, n_permutations=100) == expected, offset
            assert chance_p_values(raised(model, offset), data, method, n_permutations=100) == expected, offset


@pytest.mark.parametrize("method", rsa.METHODS)
@pytest.mark.parametrize("scale", [1e-200, 1e-300, 1e170, 1e300])
def test_p_values_do_not_depend_on_the_scale(method, scale):
    rng = np.random.default_rng(1)
    one, other = (rsa.rdm(rng.normal(size=(6, 30)) + shared) for shared in [rng.normal(size=(6, 30))] * 2)
    expected = rsa.chance_p_values([one], other, method)
    for models, data in (([one * scale], other), ([one], other * scale), ([one * scale], other * scale)):
        np.testing.assert_array_equal(rsa.chance_p_values(models, data, method), expected)
