"""Measures of single units, of kernels with corrections, and of trial covariances, against peers and by hand."""

from functools import partial
from itertools import permutations, product

import numpy as np
import pytest
from scipy.linalg import sqrtm

from normenc import rsa
from normenc.errors import InputError
from normenc.rsa.kernels import bures, kernel_products, products_of_units
from normenc.rsa.matching import matched, one_to_one

RNG = np.random.default_rng(3)
X, Y, W = (RNG.integers(0, 20, (12, n)).astype(float) for n in (4, 6, 5))
HALF = partial(matched, fraction=0.5)
COUNTS = np.array([1, 2, 0, 1, 3, 1, 1, 2, 0, 1, 1, 1])


@pytest.mark.parametrize(
    ("x", "y", "whole", "parts"),
    [
        (X, Y, 0.20114438550566816, {0.25: 0.5058129249292832, 0.5: 0.36457164141380854, 0.8: 0.2721303364051354}),
        (X, W, 0.2551188068783148, {0.25: 0.5321078425094927, 0.5: 0.4154298370599279, 0.8: 0.3167531242753881}),
        (Y, W, 0.23426041474595438, {0.25: 0.45758810543771666, 0.5: 0.38384030591956714, 0.8: 0.29068236051078983}),
    ],
)
def test_matching_is_the_optimal_transport_of_pot(x, y, whole, parts):
    """ot.emd and ot.partial.partial_wasserstein of POT 0.9.7, with uniform masses and the cost 1 - r."""
    assert rsa.soft_matching(x, y) == pytest.approx(whole, abs=1e-12)
    for fraction, value in parts.items():
        assert rsa.partial_soft_matching(x, y, fraction=fraction) == pytest.approx(value, abs=1e-9)
    assert rsa.partial_soft_matching(x, y, fraction=1) == pytest.approx(whole, abs=1e-12)


def test_matching_of_as_many_units_is_the_best_permutation():
    own = [np.corrcoef(X.T, Y[:, :4].T)[:4, 4:][np.arange(4), list(order)].mean() for order in permutations(range(4))]
    assert rsa.soft_matching(X, Y[:, :4]) == pytest.approx(max(own), abs=1e-12)
    # Of half the units: two pairs, no unit twice.
    r = np.corrcoef(X.T, Y[:, :4].T)[:4, 4:]
    two = max((r[a, c] + r[b, d]) / 2 for a, b in permutations(range(4), 2) for c, d in permutations(range(4), 2))
    assert rsa.partial_soft_matching(X, Y[:, :4], fraction=0.5) == pytest.approx(two, abs=1e-12)


def test_the_linear_programme_agrees_with_the_assignment(monkeypatch):
    values = [rsa.soft_matching(X, Y), rsa.partial_soft_matching(X, Y, fraction=0.5)]
    monkeypatch.setattr("normenc.rsa.matching.MOST_ASSIGNED", 1)
    assert [rsa.soft_matching(X, Y), rsa.partial_soft_matching(X, Y, fraction=0.5)] == pytest.approx(values, abs=1e-9)


def test_a_part_of_the_units_is_left_out_and_silent_units_count_nothing():
    mixed = np.hstack([X[:, :2] * [3, 0.1], RNG.normal(size=(12, 2))])
    assert rsa.partial_soft_matching(X, mixed, fraction=0.5) == pytest.approx(1, abs=1e-12)
    assert rsa.soft_matching(X, mixed) < 0.9
    silent = np.hstack([X, np.full((12, 4), 7.3)])
    # Every unit of X then shares its mass between its copy and a silent one.
    assert rsa.soft_matching(X, silent) == pytest.approx(0.5, abs=1e-12)


def test_one_to_one_is_of_stimuli_that_did_not_choose():
    """By hand: both ways of a split into halves, whose members follow from the seed."""
    first = np.isin(np.arange(12), np.random.default_rng([0, 5]).permutation(12)[:6])

    def best(half):
        r = np.corrcoef(X[half].T, Y[half].T)[:4, 4:]
        return max(permutations(range(6), 4), key=lambda order: r[np.arange(4), list(order)].sum())

    by_hand = np.mean(
        [
            np.corrcoef(X[other].T, Y[other].T)[:4, 4:][np.arange(4), list(best(half))].mean()
            for half, other in ((first, ~first), (~first, first))
        ]
    )
    assert rsa.one_to_one_correlation(X, Y) == pytest.approx(by_hand, abs=1e-12)


def test_one_to_one_of_noise_is_nothing_though_the_best_match_is_not():
    rng = np.random.default_rng(2)
    noise = [(rng.normal(size=(40, 30)), rng.normal(size=(40, 30))) for _ in range(40)]
    held_out = [rsa.one_to_one_correlation(*pair) for pair in noise]
    assert abs(np.mean(held_out)) < 4 * np.std(held_out) / np.sqrt(40)
    assert min(rsa.soft_matching(*pair) for pair in noise) > 0.2


@pytest.mark.parametrize("measure", [one_to_one, matched, HALF, bures])
def test_weights_of_stimuli_are_repeats_of_them(measure):
    if measure is one_to_one:  # the split is of the stimuli before they are drawn
        halved = measure(X, Y, COUNTS)
        assert halved == measure(X, Y, 3 * COUNTS) and np.isfinite(halved)
        return
    x, y = (np.repeat(v, COUNTS, axis=0) for v in (X, Y))
    assert measure(X, Y, COUNTS) == pytest.approx(measure(*(v - v.mean(axis=0) for v in (x, y))), abs=1e-12)


@pytest.mark.parametrize("measure", [matched, HALF, bures])
def test_weights_of_neurons_are_repeats_of_them(measure):
    x, y = (v - v.mean(axis=0) for v in (X, Y))
    drawn = np.array([2, 0, 1, 1, 1, 1])
    assert measure(x, y, None, drawn) == pytest.approx(measure(x, np.repeat(y, drawn, axis=1)), abs=1e-12)


def test_bures_is_the_fidelity_of_kernels_and_the_cosine_of_procrustes():
    kernels = [(v - v.mean(axis=0)) @ (v - v.mean(axis=0)).T for v in (X, Y)]
    root = np.real(sqrtm(kernels[0] + 1e-12 * np.eye(12)))
    fidelity = np.sqrt(np.abs(np.linalg.eigvals(root @ kernels[1] @ root))).sum()
    fidelity /= np.sqrt(np.trace(kernels[0]) * np.trace(kernels[1]))
    assert rsa.bures_similarity(X, Y) == pytest.approx(fidelity, abs=1e-5)
    assert rsa.bures_similarity(X, Y) == pytest.approx(1 - rsa.procrustes_distance(X, Y) ** 2 / 2, abs=1e-12)
    assert np.arccos(rsa.bures_similarity(X, Y)) == pytest.approx(rsa.angular_distance(X, Y), abs=1e-12)


def over_tuples(k, m, w, different):
    """A - 2B + C of two kernels, by enumeration."""
    n = len(k)

    def mean(size, value):
        tuples = [t for t in product(range(n), repeat=size) if not different or len(set(t)) == size]
        weights = [np.prod(w[list(t)]) for t in tuples]
        return np.average([value(*t) for t in tuples], weights=weights)

    return (
        mean(2, lambda i, j: k[i, j] * m[i, j])
        - 2 * mean(3, lambda i, j, u: k[i, j] * m[i, u])
        + mean(4, lambda i, j, u, v: k[i, j] * m[u, v])
    )


@pytest.mark.parametrize("unbiased", [False, True])
def test_products_of_kernels_are_means_over_tuples_of_stimuli(unbiased):
    x, y, w = X[:6], Y[:6], np.array([1.0, 2, 0, 3, 1, 1])
    kernels = x @ x.T, y @ y.T
    found = kernel_products(kernels[0][None], kernels[1], np.stack([np.ones(6), w]), unbiased=unbiased)[0]
    assert found == pytest.approx([over_tuples(*kernels, v, unbiased) for v in (np.ones(6), w)], rel=1e-10)
    own = products_of_units(x, w[None])[0]
    each = [np.outer(unit, unit) for unit in x.T]
    if unbiased:
        assert own == pytest.approx([over_tuples(k, k, w, True) for k in each], rel=1e-10)


def test_products_of_kernels_give_cka():
    once, (k, m) = np.ones((1, 12)), (v @ v.T for v in (X, Y))
    for debiased in (False, True):
        kk, km, mm = (kernel_products(a[None], b, once, unbiased=debiased)[0, 0] for a, b in ((k, k), (k, m), (m, m)))
        assert km / np.sqrt(kk * mm) == pytest.approx(rsa.linear_cka(X, Y, debiased=debiased), abs=1e-12)


def chun(a):
    """The product of a kernel with itself by different stimuli and units, by enumeration over units."""
    each = [np.outer(unit, unit) for unit in a.T]
    once, n = np.ones((1, len(a))), a.shape[1]
    pairs = [
        kernel_products(each[i][None], each[j], once, unbiased=True)[0, 0]
        for i, j in product(range(n), repeat=2)
        if i != j
    ]
    return sum(pairs) / (n * (n - 1))


def test_corrected_cka_leaves_out_each_unit_with_itself():
    x, y = X - X.mean(axis=0), Y - Y.mean(axis=0)
    k, m = x @ x.T / 4, y @ y.T / 6
    between, own, other = (
        kernel_products(a[None], b, np.ones((1, 12)), unbiased=True)[0, 0] for a, b in ((k, m), (k, k), (m, m))
    )
    first, second = chun(x), chun(y)
    if min(first, second) > 0:
        assert rsa.corrected_cka(X, Y) == pytest.approx(between / np.sqrt(first * second), abs=1e-12)
    assert rsa.corrected_cka(X[:, :3], X, sampled="first") == pytest.approx(
        kernel_products((x[:, :3] @ x[:, :3].T / 3)[None], k, np.ones((1, 12)), unbiased=True)[0, 0]
        / np.sqrt(chun(x[:, :3]) * own),
        abs=1e-12,
    )
    assert other > 0


def test_corrected_products_of_few_neurons_are_those_of_the_population():
    """Two populations with a planted alignment, of which 15 noisy units and 60 stimuli are seen."""
    rng = np.random.default_rng(0)
    scale = np.array([3.0, 2, 1, 1, 0.5])
    turn = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    covariances = np.diag(scale**2), turn @ np.diag(scale**2) @ turn.T
    truth = [np.sum(a * b) for a, b in ((covariances[0],) * 2, covariances, (covariances[1],) * 2)]
    found = []
    for _ in range(300):
        latent = rng.normal(size=(60, 5))
        x, y = (latent @ root @ rng.normal(size=(5, 15)) for root in (np.diag(scale), turn @ np.diag(scale)))
        y += rng.normal(scale=2, size=y.shape)  # independent noise of every neuron
        between = kernel_products((x @ x.T)[None], y @ y.T, np.ones((1, 60)), unbiased=True)[0, 0] / 15**2
        found.append((own_product(x), between, own_product(y)))
    error = np.std(found, axis=0) / np.sqrt(300)
    assert (np.abs(np.mean(found, axis=0) - truth) < 3 * error).all()


def own_product(x):
    once = np.ones((1, len(x)))
    whole = kernel_products((x @ x.T)[None], x @ x.T, once, unbiased=True)[0, 0]
    return (whole - products_of_units(x, once).sum()) / (x.shape[1] * (x.shape[1] - 1))


def test_two_samples_of_one_population_are_alike_after_correction_alone():
    rng = np.random.default_rng(1)
    found = []
    for _ in range(100):
        latent = rng.normal(size=(50, 20))
        x, y = (latent @ rng.normal(size=(20, 40)) + rng.normal(scale=3, size=(50, 40)) for _ in "xy")
        found.append((rsa.corrected_cka(x, y), rsa.linear_cka(x, y, debiased=True)))
    corrected, debiased = np.mean(found, axis=0)
    assert corrected == pytest.approx(1, abs=0.05)
    assert debiased < 0.65


def test_the_same_units_twice_are_not_multiplied_with_themselves():
    """The correction leaves them out of the denominator; in the numerator they would raise it above 1."""
    rng = np.random.default_rng(2)
    latent = rng.normal(size=(40, 4))
    tuning = latent @ rng.normal(size=(4, 8))
    assert rsa.corrected_cka(tuning, tuning, same_units=True) == pytest.approx(1, abs=1e-12)
    found = []
    for _ in range(100):
        one, other = (tuning + rng.normal(size=tuning.shape) for _ in range(2))
        found.append((rsa.corrected_cka(one, other, same_units=True), rsa.corrected_cka(one, other)))
    same, apart = np.mean(found, axis=0)
    assert same == pytest.approx(1, abs=0.05) and apart > 1.15
    weights = rng.integers(0, 3, size=(3, 40)).astype(float)
    kernels = [[np.outer(unit, unit) for unit in a.T] for a in (one, other)]
    each = [kernel_products(a[None], b, weights, unbiased=True)[0] for a, b in zip(*kernels, strict=True)]
    np.testing.assert_allclose(products_of_units(one, weights, other), np.transpose(each), atol=1e-9)


def test_the_stochastic_shape_distance_is_that_of_netrep():
    """GaussianStochasticMetric of netrep (GitHub, commit 014e8de), 3,000 steps, of centred means and covariances."""
    rng = np.random.default_rng(5)
    a, b = rng.integers(0, 20, (7, 6, 4)).astype(float), rng.integers(0, 20, (9, 6, 4)).astype(float)
    assert rsa.stochastic_shape_distance(a, b) == pytest.approx(6.071176101413104, abs=1e-6)
    turn = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    assert rsa.stochastic_shape_distance(a, a @ turn + 3) == pytest.approx(0, abs=1e-5)
    assert rsa.stochastic_shape_distance(1e170 * a, 1e170 * b) == pytest.approx(6.071176101413104e170, rel=1e-6)


def test_the_stochastic_shape_distance_by_hand():
    """One unit: means alike, standard deviations of 1 and 3, so that the Bures distance is 2 for every stimulus."""
    ones = np.array([-1, 1])[:, None, None] / np.sqrt(2)
    mean = np.array([0.0, 5, 1, 8])[None, :, None]
    assert rsa.stochastic_shape_distance(mean + ones, mean + 3 * ones) == pytest.approx(2, abs=1e-6)
    # Without noise in one, the other's variance is added to the distance of the means.
    assert rsa.stochastic_shape_distance(mean + 0 * ones, mean + 3 * ones) == pytest.approx(3, abs=1e-6)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: rsa.soft_matching(X, Y[:5]), "12 and 5 stimuli"),
        (lambda: rsa.partial_soft_matching(X, Y, fraction=0), "fraction is 0"),
        (lambda: rsa.one_to_one_correlation(X[:5], Y[:5]), "needs at least 6"),
        (lambda: rsa.one_to_one_correlation(X, Y, n_splits=0), "n_splits is 0"),
        (lambda: rsa.corrected_cka(X, Y, sampled="x"), "sampled is 'x'"),
        (lambda: rsa.corrected_cka(X, X), "are the same responses.* give same_units=True"),
        (lambda: rsa.corrected_cka(X, X[:, :2], same_units=True), "same_units needs as many in both"),
        (lambda: rsa.corrected_cka(X[:, :1], Y), "first representation has one unit"),
        (lambda: rsa.corrected_cka(np.eye(12), Y), "share does not vary"),
        (lambda: rsa.bures_similarity(X, np.full((12, 3), 2.0)), "all stimuli evoke the same response"),
        (lambda: rsa.stochastic_shape_distance(X, Y), "must be \\(n_repeats, n_stimuli, n_units\\)"),
        (lambda: rsa.stochastic_shape_distance(X[None], Y[None]), "number of first repeats is 1, of 12 stimuli"),
        (lambda: rsa.soft_matching(RNG.normal(size=(5, 997)), RNG.normal(size=(5, 1009))), "997 and 1,009 units"),
    ],
)
def test_what_cannot_be_compared_is_refused(call, says):
    with pytest.raises(InputError, match=says):
        call()
