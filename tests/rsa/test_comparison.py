import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr, spearmanr

from normenc import rsa
from normenc.errors import InputError
from normenc.representations import represent
from normenc.rsa import compare_rdms
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


@pytest.mark.parametrize(("method", "name"), [("pearson", "corr"), ("spearman", "spearman")])
def test_agrees_with_rsatoolbox(method, name):
    from rsatoolbox.rdm import RDMs, compare

    a, b = random_rdm(0), random_rdm(1)
    oracle = compare(RDMs(a[None]), RDMs(b[None]), method=name)[0, 0]
    assert compare_rdms(a, b, method=method) == pytest.approx(oracle, abs=1e-12)


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
        (random_rdm(3, 5), r"shapes \(4, 4\) and \(5, 5\)"),
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


def test_unknown_method_lists_those_there_are():
    with pytest.raises(InputError, match="'kendall'; it must be one of pearson, spearman"):
        compare_rdms(GOOD, GOOD, method="kendall")
