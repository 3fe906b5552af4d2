import numpy as np
import pytest
import torch
from scipy.linalg import orthogonal_procrustes
from sklearn.cross_decomposition import CCA

from normenc.errors import InputError
from normenc.rsa import ALIGNMENTS, compare_rdms, compare_representations, linear_cka, pwcca, rdm, svcca
from normenc.rsa.alignment import angular_distance, procrustes_distance

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(20, 6)), RNG.normal(size=(20, 9))
Y[:, :4] += X[:, :4]
DISTANCES = ("procrustes", "angular")


def rotation(n, seed=0):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(n, n)))[0]


def test_cka_by_hand():
    # Centred: x = (1, 0, -1), y = (1, -2, 1): orthogonal. With itself: 1.
    assert linear_cka([[1], [0], [-1]], [[1], [-2], [1]]) == pytest.approx(0, abs=1e-15)
    assert linear_cka([[1], [0], [-1]], [[5], [3], [1]]) == pytest.approx(1)
    x, y = X - X.mean(axis=0), Y - Y.mean(axis=0)
    by_features = np.linalg.norm(x.T @ y) ** 2 / np.linalg.norm(x.T @ x) / np.linalg.norm(y.T @ y)
    assert linear_cka(X, Y) == pytest.approx(by_features, abs=1e-12)


def test_cka_is_the_whitened_cosine_of_euclidean_rdms():
    from rsatoolbox.rdm import RDMs, compare

    rdms = [rdm(v, metric="euclidean") for v in (X, Y)]
    assert linear_cka(X, Y) == pytest.approx(compare_rdms(*rdms, method="whitened-cosine"), abs=1e-12)
    oracle = compare(*(RDMs(r[None]) for r in rdms), method="cosine_cov")[0, 0]
    assert linear_cka(X, Y) == pytest.approx(oracle, abs=1e-12)
    # -H D H / 2 of squared distances D is the centred kernel, whose cosine both are.
    centring = np.eye(20) - 1 / 20
    a, b = (-centring @ r @ centring / 2 for r in rdms)
    assert linear_cka(X, Y) == pytest.approx(np.sum(a * b) / np.linalg.norm(a) / np.linalg.norm(b), abs=1e-12)


def hsic_1(x, y):
    """Song et al. 2012, equation 4, as printed."""
    n, one = len(x), np.ones(len(x))
    k, m = (v @ v.T * (1 - np.eye(n)) for v in (x, y))
    total = np.trace(k @ m) + (one @ k @ one) * (one @ m @ one) / (n - 1) / (n - 2) - 2 / (n - 2) * one @ k @ m @ one
    return total / (n * (n - 3))


def test_debiased_cka_is_the_printed_formula():
    expected = hsic_1(X, Y) / np.sqrt(hsic_1(X, X) * hsic_1(Y, Y))  # no centring: HSIC_1 centres by itself
    assert linear_cka(X, Y, debiased=True) == pytest.approx(expected, abs=1e-12)


def test_debiased_cka_of_noise_is_nothing():
    rng = np.random.default_rng(1)
    plain, debiased = np.transpose(
        [
            (linear_cka(x, y), linear_cka(x, y, debiased=True))
            for x, y in (rng.normal(size=(2, 15, 40)) for _ in range(200))
        ]
    )
    assert plain.mean() > 0.5
    assert debiased.mean() == pytest.approx(0, abs=0.02)
    assert linear_cka(X, X, debiased=True) == pytest.approx(1)


def test_procrustes_is_the_best_rotation():
    padded = np.pad(X, ((0, 0), (0, 3)))
    a, b = (v - v.mean(axis=0) for v in (padded, Y))
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    turn, nuclear = orthogonal_procrustes(b, a)
    assert procrustes_distance(X, Y) == pytest.approx(np.linalg.norm(a - b @ turn), abs=1e-12)
    assert procrustes_distance(X, Y) == pytest.approx(np.sqrt(2 - 2 * nuclear), abs=1e-12)
    assert angular_distance(X, Y) == pytest.approx(np.arccos(nuclear), abs=1e-12)


def test_distances_of_near_copies_keep_their_digits():
    a = X - X.mean(axis=0)
    a /= np.linalg.norm(a)
    skew = np.random.default_rng(6).normal(size=(6, 6))
    skew = 1e-10 * a @ (skew - skew.T)  # a rotation to first order: no distance
    assert procrustes_distance(a, a + skew) < 1e-14
    # To first order what no rotation takes away is what is left: here all, but for the change in size.
    _, scale, right = np.linalg.svd(a, full_matrices=False)
    change = 1e-10 * (a @ right[0])[:, None] * right[0]
    share = scale[0] ** 2  # of the variance; the part along a itself is size
    assert procrustes_distance(a, a + change) == pytest.approx(1e-10 * np.sqrt(share - share**2), rel=1e-4)
    assert angular_distance(a, a + change) == pytest.approx(procrustes_distance(a, a + change), rel=1e-4)


def test_distances_by_hand():
    line, across = [[1], [0], [-1]], [[1], [-2], [1]]  # orthogonal: nothing can be turned into the other
    assert procrustes_distance(line, across) == pytest.approx(np.sqrt(2), abs=1e-15)
    assert angular_distance(line, across) == pytest.approx(np.pi / 2, abs=1e-15)
    # Lengths 2 and sqrt(2) on orthogonal axes; their nuclear norm with (sqrt 2, sqrt 2) is 2 + sqrt 2.
    long, even = np.array([[1, 0], [-1, 0], [0, 1], [0, -1]]) * [np.sqrt(2), 1], [[1, 0], [-1, 0], [0, 1], [0, -1]]
    cosine = (2 + np.sqrt(2)) * np.sqrt(2) / (np.sqrt(6) * 2)
    assert angular_distance(long, even) == pytest.approx(np.arccos(cosine), abs=1e-12)
    three = [X, Y, X[:, :2] + Y[:, :2]]
    for distance in (procrustes_distance, angular_distance):  # metrics
        assert distance(three[0], three[1]) <= distance(three[0], three[2]) + distance(three[2], three[1])


def test_canonical_correlations_are_scikit_learns():
    model = CCA(n_components=4, max_iter=5000, tol=1e-12).fit(X[:, :4], Y[:, :5])
    scores = model.transform(X[:, :4], Y[:, :5])
    expected = [np.corrcoef(a, b)[0, 1] for a, b in zip(scores[0].T, scores[1].T, strict=True)]
    assert svcca(X[:, :4], Y[:, :5], explained_variance=1) == pytest.approx(np.mean(expected), abs=1e-4)


def components(values, n):
    values = values - values.mean(axis=0)
    return values @ np.linalg.svd(values, full_matrices=False)[2][:n].T


def variates(x, y):
    """Canonical variates of x and their correlations, by the QR decompositions of Bjorck & Golub 1973."""
    bases = [np.linalg.qr(v - v.mean(axis=0))[0] for v in (x, y)]
    turn, correlations, _ = np.linalg.svd(bases[0].T @ bases[1], full_matrices=False)
    return bases[0] @ turn, correlations


def test_canonical_correlations_of_the_components_in_closed_form():
    shares = [np.cumsum(np.linalg.svd(v - v.mean(axis=0))[1] ** 2) for v in (X, Y)]
    k, m = (int(np.sum(s < 0.8 * s[-1])) + 1 for s in shares)
    assert k < 6 and m < 9
    x, y = components(X, k), components(Y, m)
    directions, correlations = variates(x, y)
    assert svcca(X, Y, explained_variance=0.8) == pytest.approx(correlations.mean(), abs=1e-12)
    weights = np.abs(directions.T @ x).sum(axis=1)
    expected = np.average(correlations, weights=weights)
    assert pwcca(X, Y, explained_variance=0.8) == pytest.approx(expected, abs=1e-12)
    assert pwcca(Y, X, explained_variance=0.8) != pytest.approx(expected, abs=1e-3)


def test_as_many_components_as_stimuli_say_nothing():
    # 12 stimuli: 6 + 8 components share at least 3 of the 11 dimensions that centring leaves.
    noise = np.random.default_rng(7).normal(size=(12, 14))
    correlations = variates(noise[:, :6], noise[:, 6:])[1]
    np.testing.assert_allclose(correlations[:3], 1, atol=1e-12)
    assert svcca(noise[:, :6], noise[:, 6:], explained_variance=1) == pytest.approx(correlations.mean(), abs=1e-12)
    for n_units in (11, 30):
        wide = np.random.default_rng(8).normal(size=(12, n_units))
        with pytest.raises(InputError, match=r"11 components for 12 stimuli: any two such .* or use more stimuli"):
            svcca(wide, noise[:, :2], explained_variance=1)


def test_pwcca_weighs_by_the_first():
    # The first canonical direction carries all of x's variance but a little; there they agree.
    rng = np.random.default_rng(2)
    shared = rng.normal(size=(60, 1))
    x = np.hstack([10 * shared, 0.1 * rng.normal(size=(60, 1))])
    y = np.hstack([shared, rng.normal(size=(60, 1))])
    assert svcca(x, y, explained_variance=1) < 0.75
    assert pwcca(x, y, explained_variance=1) > 0.95
    assert pwcca(y, x, explained_variance=1) < 0.95


@pytest.mark.parametrize("method", ALIGNMENTS)
def test_what_changes_nothing(method):
    value = compare_representations(X, Y, method)
    same = 0 if method in DISTANCES else 1
    assert compare_representations(X, X, method) == pytest.approx(same, abs=1e-12)
    turned = 3 * X @ rotation(6) + 5
    assert compare_representations(turned, Y, method) == pytest.approx(value, abs=1e-10)
    order = np.random.default_rng(3).permutation(20)
    assert compare_representations(X[order], Y[order], method) == pytest.approx(value, abs=1e-10)
    assert compare_representations(X[:, ::-1], Y, method) == pytest.approx(value, abs=1e-10)
    assert compare_representations(torch.tensor(X), Y.astype(np.float32), method) == pytest.approx(value, abs=1e-5)
    if method not in ("pwcca",):
        assert compare_representations(Y, X, method) == pytest.approx(value, abs=1e-10)


def test_canonical_correlations_survive_any_invertible_map():
    mixed = X @ np.random.default_rng(4).normal(size=(6, 6))
    assert svcca(mixed, Y, explained_variance=1) == pytest.approx(svcca(X, Y, explained_variance=1), abs=1e-9)
    assert linear_cka(mixed, Y) != pytest.approx(linear_cka(X, Y), abs=1e-3)
    small = X * [1, 1, 1, 1, 1, 1e-8]  # a component of a 1e-16th of the variance still counts
    assert svcca(small, Y, explained_variance=1) == pytest.approx(svcca(X, Y, explained_variance=1), abs=1e-6)


def test_many_units_cost_no_square_of_them():
    wide = np.random.default_rng(5).normal(size=(12, 25_000)).astype(np.float32)
    narrow = wide[:, :8]
    for method in ("linear-cka", "debiased-cka", "procrustes"):  # 25,000 x 25,000 would be 5 GB
        assert np.isfinite(compare_representations(wide, narrow, method))
    for method in ("linear-cka", "procrustes"):  # the same units thrice are the same geometry
        same = compare_representations(np.tile(narrow, 3), narrow, method)
        assert same == pytest.approx(float(method == "linear-cka"), abs=1e-12)
    assert 0 < svcca(wide, narrow, explained_variance=0.3) < 1


def test_scale_and_baseline_cost_no_digits():
    for method in ALIGNMENTS:
        expected = compare_representations(X, Y, method)
        for scale in (1e-200, 1e200):
            assert compare_representations(X * scale, Y, method) == pytest.approx(expected, abs=1e-10)
        assert compare_representations(X + 1e6, Y, method) == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize(
    ("x", "y", "method", "message"),
    [
        (X, Y[:19], "linear-cka", "have 20 and 19 stimuli"),
        (X[:2], Y[:2], "procrustes", "there are 2 stimuli; this comparison needs at least 3"),
        (X[:3], Y[:3], "debiased-cka", "needs at least 4"),
        (np.ones((5, 2)), Y[:5], "angular", "evoke the same response in the first representation"),
        (
            X[:7],
            np.full((7, 3), 0.1),
            "procrustes",
            "evoke the same response in the second representation",
        ),  # mean is not 0.1
        (X[:6], np.eye(6), "debiased-cka", "the second representation are all equally far apart.*use linear-cka"),
        (X, np.full((20, 2), np.nan), "linear-cka", "the second representation: responses to stimulus 0 are not fin"),
        (X[0], Y, "svcca", r"the first representation: responses have shape \(6,\)"),
        (X[:4], Y[:4], "svcca", "any two such representations correlate perfectly; lower explained_variance"),
    ],
)
def test_bad_input_is_named(x, y, method, message):
    with pytest.raises(InputError, match=message):
        compare_representations(x, y, method)


def test_explained_variance_is_a_share():
    with pytest.raises(InputError, match="explained_variance is 0; it must be above 0"):
        svcca(X, Y, explained_variance=0)
