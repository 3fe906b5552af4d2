"""What is given together must belong together: RDMs with their responses or repeats, and pairs that two RDMs have."""

import tracemalloc

import numpy as np
import pytest
from scipy.stats import kendalltau, pearsonr, spearmanr

from normenc.errors import InputError
from normenc.rsa import (
    METHODS,
    METRICS,
    compare_rdms,
    compare_vectors,
    cross_validated_rdm,
    infer,
    linear_cka,
    match_stimuli,
    noise_ceiling,
    rdm,
)
from normenc.rsa.blocks import sums_of

FAST = {"n_samples": 10, "n_permutations": 10}


def recording(seed=0, n_stimuli=16, n_neurons=60, n_repeats=8, noise=0.5):
    """Repeats of stimuli that drive one pattern with different strength, and the distances of the strengths."""
    rng = np.random.default_rng(seed)
    gain, pattern = np.linspace(0, 3, n_stimuli)[:, None], rng.normal(size=n_neurons)
    signal = 5 * pattern + gain * pattern
    return signal + noise * rng.normal(size=(n_repeats, *signal.shape)), (gain - gain.T) ** 2


REPEATS, TRUTH = recording()
MEAN = REPEATS.mean(axis=0)


# ---- RDMs with what they were computed from ------------------------------------------------------------------------


@pytest.mark.parametrize("given", [{"repeats": REPEATS}, {"responses": MEAN}], ids=["repeats", "responses"])
@pytest.mark.parametrize("metric", ["cosine", "euclidean", "poisson"])
def test_rdms_of_another_kind_are_refused(given, metric):
    data = rdm(np.abs(MEAN), metric)
    message = (
        rf"not the RDM that rdm_metric 'correlation' gives for the {next(iter(given))}: .*Leave the data out, or gi"
    )
    for function in (lambda: infer({"m": TRUTH}, data, **given, **FAST), lambda: noise_ceiling(data, **given)):
        with pytest.raises(InputError, match=message):
            function()


def test_nor_may_they_be_of_other_stimuli_or_cross_validated():
    turned, crossnobis = rdm(MEAN[::-1], "euclidean"), cross_validated_rdm(REPEATS)
    for metric, data in (("euclidean", turned), ("euclidean", crossnobis), ("crossnobis", rdm(MEAN, "euclidean"))):
        with pytest.raises(InputError, match=f"the data are not the RDM that rdm_metric '{metric}'"):
            infer({"m": TRUTH}, data, repeats=REPEATS, rdm_metric=metric, **FAST)
    with pytest.raises(InputError, match="'crossnobis' is computed from repeats; do not give responses"):
        infer({"m": TRUTH}, crossnobis, responses=MEAN, rdm_metric="crossnobis", **FAST)
    with pytest.raises(InputError, match="'mahalanobis' needs a noise covariance; give responses that are whitened"):
        noise_ceiling(repeats=REPEATS, rdm_metric="mahalanobis")
    with pytest.raises(InputError, match="the repeats have 16 stimuli, but the data have 15; they must agree"):
        infer({"m": TRUTH}, rdm(MEAN[:15]), repeats=REPEATS, **FAST)


@pytest.mark.parametrize("metric", [*METRICS, "crossnobis"])
def test_rdms_that_fit_change_nothing(metric):
    if metric == "mahalanobis":
        return
    repeats = np.abs(REPEATS)
    data = cross_validated_rdm(repeats) if metric == "crossnobis" else rdm(repeats.mean(axis=0), metric)
    alone = infer({"m": TRUTH}, repeats=repeats, rdm_metric=metric, **FAST)
    both = infer({"m": TRUTH}, data, repeats=repeats, rdm_metric=metric, **FAST)
    assert alone.models.equals(both.models)
    assert alone.ceiling == both.ceiling == noise_ceiling(data, repeats=repeats, rdm_metric=metric)
    assert alone.models["similarity"][0] == compare_rdms(TRUTH, data)


@pytest.mark.parametrize(
    ("metric", "kind"), [("crossnobis", "repeats"), ("euclidean", "repeats"), ("euclidean", "neurons")]
)
def test_the_ceiling_is_that_of_the_datas_own_kind(metric, kind):
    """The truth is as similar to a recording as the upper ceiling says, and a second recording as the lower one."""

    def recorded(trials):
        return cross_validated_rdm(trials) if metric == "crossnobis" else rdm(trials.mean(axis=0), metric)

    found = []
    for seed in range(12):
        signal = recording(seed, noise=0)[0]
        rng = np.random.default_rng(seed + 99)
        repeats, again = (signal + 2 * rng.normal(size=signal.shape) for _ in range(2))
        given = {"repeats": repeats} if kind == "repeats" else {"responses": repeats.mean(axis=0)}
        inference = infer({"truth": TRUTH}, recorded(repeats), rdm_metric=metric, **given, **FAST)
        assert inference.ceiling.kind == kind
        second = compare_rdms(recorded(repeats), recorded(again))
        of_correlations = noise_ceiling(**given).upper
        found.append(
            (
                inference.models["similarity"][0],
                inference.ceiling.upper,
                second,
                inference.ceiling.lower,
                of_correlations,
            )
        )
    truth, upper, second, lower, of_correlations = np.mean(found, axis=0)
    assert truth == pytest.approx(upper, abs=0.02)
    assert second == pytest.approx(lower, abs=0.04)
    assert of_correlations < upper - 0.1


# ---- pairs that are missing ----------------------------------------------------------------------------------------

PLAIN = [method for method in METHODS if not method.startswith("whitened")]
N = 8
PAIRS = np.triu_indices(N, 1)


def with_gaps(seed, n_gaps):
    rng = np.random.default_rng(seed)
    matrix = rdm(rng.normal(size=(N, 20)))
    for pair in rng.permutation(len(PAIRS[0]))[:n_gaps]:
        row, column = PAIRS[0][pair], PAIRS[1][pair]
        matrix[row, column] = matrix[column, row] = np.nan
    return matrix


def by_hand(a, b, method):
    x, y = (v[PAIRS] for v in (a, b))
    there = np.isfinite(x) & np.isfinite(y)
    x, y, n = x[there], y[there], there.sum()
    found = {
        "pearson": lambda: pearsonr(x, y).statistic,
        "spearman": lambda: spearmanr(x, y).statistic,
        "rho-a": lambda: spearmanr(x, y).statistic,  # no ties
        "kendall-tau-a": lambda: kendalltau(x, y).statistic,
        "cosine": lambda: x @ y / np.linalg.norm(x) / np.linalg.norm(y),
    }
    return found[method](), len(there) - n


@pytest.mark.parametrize("method", PLAIN)
def test_pairs_that_are_missing_are_left_out_and_counted(method):
    first, second = (np.stack([with_gaps(s + k, 3 * k) for k in range(3)]) for s in (0, 10))
    found, left_out = compare_rdms(first, second, method, missing="pairs", return_counts=True)
    expected = np.array([[by_hand(a, b, method) for b in second] for a in first])
    np.testing.assert_allclose(found, expected[..., 0], atol=1e-12)
    np.testing.assert_array_equal(left_out, expected[..., 1])
    vectors = first[:, *PAIRS], second[:, *PAIRS]
    for one, other in (vectors, [np.ma.masked_invalid(v) for v in vectors]):
        again, counts = compare_vectors(one, other, method, missing="pairs", return_counts=True)
        np.testing.assert_array_equal(again, found)
        np.testing.assert_array_equal(counts, left_out)
    masked = np.ma.masked_invalid(first[2]), list(map(np.ma.masked_invalid, second))
    np.testing.assert_array_equal(compare_rdms(*masked, method, missing="pairs"), found[2:])
    single = compare_rdms(first[1], second[2], method, missing="pairs", return_counts=True)
    assert single == (found[1, 2], left_out[1, 2])


@pytest.mark.parametrize("method", METHODS)
def test_where_none_is_missing_nothing_changes(method):
    one, other = with_gaps(0, 0), with_gaps(1, 0)
    expected = compare_rdms(one, other, method)
    assert compare_rdms(one, other, method, missing="pairs", return_counts=True) == (expected, 0)
    assert compare_rdms(one, other, method, return_counts=True) == (expected, 0)


def test_what_cannot_be_left_out_is_refused():
    gaps, whole = with_gaps(0, 4), with_gaps(1, 0)
    with pytest.raises(InputError, match=r'nan for stimuli .*compare_rdms\(\.\.\., missing="pairs"\)'):
        compare_rdms(gaps, whole)
    for method in set(METHODS) - set(PLAIN):
        with pytest.raises(InputError, match=rf"pairs of stimuli are missing, but method '{method}' needs all pairs"):
            compare_rdms(gaps, whole, method, missing="pairs")
    few = whole.copy()
    few[2:] = few[:, 2:] = np.nan
    with pytest.raises(InputError, match="RDM 0 of the first and RDM 0 of the second share 1 pairs of stimuli"):
        compare_rdms(few, whole, missing="pairs")
    one_sided = whole.copy()
    one_sided[1, 2] = np.nan
    with pytest.raises(InputError, match=r"not symmetric: .*stimuli (1 and 2|2 and 1)"):
        compare_rdms(one_sided, whole, missing="pairs")
    with pytest.raises(InputError, match=r"inf for stimuli 0 and 1; dissimilarities must be finite$"):
        compare_rdms(np.where(np.eye(N, k=1) + np.eye(N, k=-1), np.inf, whole), whole, missing="pairs")
    kept = match_stimuli(few, range(N), [0, 1])  # stimuli without some can be left out instead
    np.testing.assert_array_equal(kept, whole[:2, :2])


# ---- memory --------------------------------------------------------------------------------------------------------


def peak(function):
    tracemalloc.start()
    function()
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found


def test_alignment_of_many_stimuli_takes_no_square_of_them():
    x, y = np.random.default_rng(0).normal(size=(2, 30_000, 64))  # 30,000 x 30,000 would be 7 GB
    for debiased in (False, True):
        assert peak(lambda d=debiased: linear_cka(x, y, debiased=d)) < 200e6


def test_an_rdm_of_many_stimuli_takes_little_more_than_itself():
    responses = np.random.default_rng(0).normal(size=(2000, 3000)).astype(np.float32)
    assert peak(lambda: sums_of(responses)) < 1.5 * 8 * 2000**2
    repeats = np.random.default_rng(1).normal(size=(2, 2000, 40)).astype(np.float32)
    assert peak(lambda: noise_ceiling(repeats=repeats)) < 3.2 * 8 * 2000**2


@pytest.mark.parametrize("n_stimuli", [300, 1900])  # groups' products are kept, or there are too many for that
def test_halves_of_neurons_are_taken_one_by_one(n_stimuli, monkeypatch):
    if n_stimuli > 300:
        monkeypatch.setattr("normenc.rsa.neurons.MAX_BYTES", 2**20)
        n_stimuli = 300
    responses = np.random.default_rng(0).normal(size=(n_stimuli, 60))
    few, many = (peak(lambda n=n: noise_ceiling(responses=responses, n_splits=n)) for n in (2, 25))
    assert many < 1.1 * few
