import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr, spearmanr

from normenc import rsa
from normenc.errors import InputError
from normenc.representations import represent
from normenc.rsa import METHODS, compare_rdms, compare_vectors
from normenc.stimuli import gratings


def random_rdm(seed: int, n: int = 12) -> np.ndarray:
    return rsa.rdm(np.random.default_rng(seed).normal(size=(n, 7)))


def test_hand_derived():
    a = [[0, 1, 2], [1, 0, 3], [2, 3, 0]]
    b = [[0, 3, 1], [3, 0, 2], [1, 2, 0]]
    # Upper triangles (1, 2, 3) and (3, 1, 2): covariance -1/3, variances 2/3.
    assert compare_rdms(a, b) == pytest.approx(-0.5)
    assert compare_rdms(a, b, method="spearman") == pytest.approx(-0.5)
    assert compare_rdms(a, 5 + 2 * np.array(a)) == pytest.approx(1, abs=1e-15)


ORACLE = {
    "pearson": "corr",
    "spearman": "spearman",
    "kendall-tau-a": "tau-a",
    "rho-a": "rho-a",
    "cosine": "cosine",
    "whitened-cosine": "cosine_cov",
    "whitened-correlation": "corr_cov",
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("levels", [None, 3, 12])
def test_agrees_with_rsatoolbox(method, levels):
    from rsatoolbox.rdm import RDMs, compare

    a, b = (np.stack([random_rdm(seed) for seed in seeds]) for seeds in ((0, 1, 2), (3, 4)))
    if levels:  # ties
        a, b = np.round(a * levels / 2), np.round(b * levels)
    oracle = compare(RDMs(a), RDMs(b), method=ORACLE[method])
    np.testing.assert_allclose(compare_rdms(a, b, method=method), oracle, rtol=0, atol=1e-12)
    assert isinstance(compare_rdms(a[0], b[0], method=method), float)
    assert compare_rdms(a[0], b[0], method) == pytest.approx(oracle[0, 0], abs=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_stacks_equal_one_by_one(method, monkeypatch):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 66)) + 5, rng.normal(size=(9, 66)).round(1)
    each = [[compare_vectors(a, b, method)[0, 0] for b in y] for a in x]
    np.testing.assert_allclose(compare_vectors(x, y, method), each, rtol=0, atol=1e-13)
    np.testing.assert_allclose(compare_vectors(y, x, method), np.transpose(each), rtol=0, atol=1e-13)


def test_a_mean_far_above_the_spread_costs_no_digits():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 66))
    expected = compare_vectors(x, y)[0, 0]
    assert compare_vectors(x * 1e-6 + 1, y)[0, 0] == pytest.approx(expected, abs=1e-9)
    assert compare_vectors(x * 1e200, y)[0, 0] == pytest.approx(expected, abs=1e-13)
    assert compare_vectors(x * 1e-200, y)[0, 0] == pytest.approx(expected, abs=1e-13)


def test_values_too_close_for_their_leading_bits_are_still_ranked():
    """Of 8,256 pairs the place takes 14 bits, so that the leading 38 tell apart what differs by 4e-12 or more."""
    rng = np.random.default_rng(0)
    x = 1 + rng.permutation(8256) * 1.5e-12
    y = rng.normal(size=8256)
    assert compare_vectors(x, y, "spearman")[0, 0] == pytest.approx(spearmanr(x, y).statistic, abs=1e-13)
    signed = np.concatenate([-x[:3300], x[3300:]])
    signed[:2] = 0.0, -0.0
    assert compare_vectors(signed, y, "spearman")[0, 0] == pytest.approx(spearmanr(signed, y).statistic, abs=1e-13)


def test_tau_a_by_counting_pairs():
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 5, size=(2, 45)).astype(float)
    signs = np.sign(x[:, None] - x) * np.sign(y[:, None] - y)
    assert compare_vectors(x, y, "kendall-tau-a")[0, 0] == pytest.approx(signs.sum() / (45 * 44), abs=1e-15)


def test_tau_a_without_scipys_private_count(monkeypatch):
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 9, size=(2, 45)).astype(float)
    expected = compare_vectors(x, y, "kendall-tau-a")
    monkeypatch.setattr("normenc.rsa.kendall._kendall_dis", None)
    np.testing.assert_allclose(compare_vectors(x, y, "kendall-tau-a"), expected, atol=1e-15)


def test_undefined_similarities_of_a_stack_are_named():
    x = np.random.default_rng(0).random((4, 10))
    y = x[:2].copy()
    x[2] = 1
    for method in METHODS:
        if method == "cosine" or method == "whitened-cosine":
            continue
        with pytest.raises(InputError, match="all dissimilarities in RDM 2 of the first stack are 1"):
            compare_vectors(x, y, method)
    x[2] = 0
    with pytest.raises(InputError, match="all dissimilarities in RDM 2 of the first stack are 0; their cosine"):
        compare_vectors(x, y, "cosine")
    x[2, 5] = np.nan
    for method in METHODS:
        with pytest.raises(InputError, match="RDM 2 of the first stack is nan at pair 5"):
            compare_vectors(x, y, method)


@settings(deadline=None)
@given(seed=st.integers(0, 1000), levels=st.integers(2, 8))
def test_agrees_with_scipy_with_ties_too(seed, levels):
    a, b = random_rdm(seed), np.round(random_rdm(seed + 5000) * levels)
    pairs = np.triu_indices(len(a), 1)
    assert compare_rdms(a, b) == pytest.approx(pearsonr(a[pairs], b[pairs]).statistic, abs=1e-12)
    assert compare_rdms(a, b, method="spearman") == pytest.approx(spearmanr(a[pairs], b[pairs]).statistic, abs=1e-12)


@settings(deadline=None)
@given(seed=st.integers(0, 100), scale=st.floats(1e-100, 1e100), data=st.data())
def test_properties(seed, scale, data):
    a, b = random_rdm(seed), random_rdm(seed + 1)
    similarity = compare_rdms(a, b)
    assert -1 <= similarity <= 1
    assert compare_rdms(b, a) == pytest.approx(similarity, abs=1e-12)
    assert compare_rdms(a * scale, b) == pytest.approx(similarity, abs=1e-9)
    order = data.draw(st.permutations(range(len(a))))
    assert compare_rdms(a[np.ix_(order, order)], b[np.ix_(order, order)]) == pytest.approx(similarity, abs=1e-12)


def test_published_similarities_with_v1(v1_rdm, reference):
    images = gratings(np.arange(-90, 91))
    found = {
        (name, layer): compare_rdms(rsa.rdm(responses), v1_rdm)
        for name, network in (("trained", reference.network), ("untrained", reference.untrained))
        for layer, responses in represent(network, images, ["pool", "fc"]).items()
    }
    assert found["trained", "pool"] == pytest.approx(0.725, abs=0.01)
    assert found["trained", "fc"] == pytest.approx(0.567, abs=0.01)
    assert found["untrained", "pool"] == pytest.approx(0.726, abs=0.005)


GOOD = random_rdm(3, 4)


def spoilt(row: int, column: int, value: float) -> np.ndarray:
    matrix = GOOD.copy()
    matrix[row, column] = value
    return matrix


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (random_rdm(3, 5), "the RDMs have 4 and 5 stimuli"),
        (np.ones((4, 3)), r"shape \(4, 3\)"),
        (np.zeros((2, 2)), "at least 3 stimuli"),
        (spoilt(1, 2, np.nan), "nan for stimuli 1 and 2"),
        (spoilt(1, 2, 1.9), "not symmetric"),
        (1 - np.eye(4), "all dissimilarities in the second RDM are 1"),
        ("abc", "real numbers"),
    ],
)
def test_bad_input_is_named(bad, message):
    with pytest.raises(InputError, match=message):
        compare_rdms(GOOD, bad)
