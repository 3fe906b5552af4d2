"""The lesson's checkers tell right from wrong, and wrong from wrong; the lesson runs, and its pair agrees."""

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.spatial.distance import cdist, pdist, squareform

from normenc import rsa, tutorial
from normenc.tutorial import Verdict, check_comparison, check_rdm


def z_scored(x, axis=1, ddof=0):
    return (x - x.mean(axis=axis, keepdims=True)) / x.std(axis=axis, keepdims=True, ddof=ddof)


def rdm_by_loops(responses):
    n_stimuli, n_units = responses.shape
    found = np.zeros((n_stimuli, n_stimuli))
    for i in range(n_stimuli):
        for j in range(n_stimuli):
            x, y = responses[i], responses[j]
            above = sum((x[u] - x.mean()) * (y[u] - y.mean()) for u in range(n_units)) / n_units
            found[i, j] = 1 - above / (x.std() * y.std())
    return found


def rdm_in_torch(responses):
    x = torch.tensor(responses, dtype=torch.float32, requires_grad=True)
    z = (x - x.mean(dim=1, keepdim=True)) / x.std(dim=1, keepdim=True, unbiased=False)
    return 1 - z @ z.T / x.shape[1]


RIGHT_RDMS = {
    "z-score": lambda x: 1 - z_scored(x) @ z_scored(x).T / x.shape[1],
    "sample standard deviation and N - 1": lambda x: 1 - z_scored(x, ddof=1) @ z_scored(x, ddof=1).T / (x.shape[1] - 1),
    "corrcoef": lambda x: 1 - np.corrcoef(x),
    "pdist": lambda x: squareform(pdist(x, "correlation")),
    "half the mean squared difference": lambda x: cdist(z_scored(x), z_scored(x), "sqeuclidean") / 2 / x.shape[1],
    "loops": rdm_by_loops,
    "torch": rdm_in_torch,
    "lists": lambda x: rdm_by_loops(x).tolist(),
    "normenc": rsa.rdm,
}


@pytest.mark.parametrize("function", RIGHT_RDMS.values(), ids=RIGHT_RDMS)
def test_right_rdms_pass_however_they_are_written(function):
    verdict = check_rdm(function)
    assert verdict and verdict.mistakes == ()
    assert verdict.text.startswith("Right: ")


def rdm_that_writes(responses):
    responses -= responses.mean(axis=1, keepdims=True)
    responses /= responses.std(axis=1, keepdims=True)
    return 1 - responses @ responses.T / responses.shape[1]


def rdm_that_prints(responses):
    print(rsa.rdm(responses)[0, 1])


def rdm_not_written(responses):
    raise NotImplementedError


def rdm_of_lost_axis(responses):
    z = responses - responses.mean(axis=1)
    return 1 - z @ z.T


def rdm_of_upper(responses):
    return np.triu(rsa.rdm(responses))


def rdm_of_one_size(responses):
    return 1 - z_scored(responses) @ z_scored(responses).T / 9  # the units of the first example


WRONG_RDMS = {  # what a student writes; names of the mistakes, and words that the message must hold
    "not a function": (np.zeros((2, 2)), ["not a function"], "name without brackets"),
    "stub": (lambda x: ..., ["no numbers"], "ellipsis"),
    "returns None": (rdm_that_prints, ["returns None"], "`return`"),
    "not written": (rdm_not_written, ["raises an exception"], "not written yet"),
    "no argument": (lambda: 0, ["raises an exception"], "TypeError"),
    "lost axis": (rdm_of_lost_axis, ["raises an exception"], "keepdims=True"),
    "names": (lambda x: [["a"]], ["no numbers"], "must hold real numbers"),
    "a number": (lambda x: 1.0, ["wrong shape"], "shape ()"),
    "pdist": (lambda x: pdist(x, "correlation"), ["vector of pairs"], "square matrix"),
    "unit x unit": (lambda x: 1 - np.corrcoef(x, rowvar=False), ["unit x unit"], "compares units"),
    "only z-scored": (z_scored, ["not compared"], "every other"),
    "SciPy's default axis": (
        lambda x: 1 - stats.zscore(x) @ stats.zscore(x).T / x.shape[1],
        ["wrong axis"],
        "Look at `axis`",
    ),
    "no axis": (lambda x: 1 - z_scored(x, None) @ z_scored(x, None).T / x.shape[1], ["no axis"], "its own"),
    "both axes": (lambda x: 1 - np.corrcoef(stats.zscore(x)), ["z-score over stimuli too"], "leave that step out"),
    "raw": (lambda x: 1 - x @ x.T / x.shape[1], ["no z-score"], "z-score each stimulus"),
    "covariance": (
        lambda x: 1 - np.cov(x, ddof=0),
        ["not divided by the standard deviation"],
        "covariance",
    ),
    "not centred": (
        lambda x: 1 - (x / x.std(1, keepdims=True)) @ (x / x.std(1, keepdims=True)).T / x.shape[1],
        ["mean not subtracted"],
        "mean is not subtracted",
    ),
    "torch's default std": (
        lambda x: 1 - z_scored(x, ddof=1) @ z_scored(x, ddof=1).T / x.shape[1],
        ["sample standard deviation"],
        "`ddof`",
    ),
    "variance": (
        lambda x: 1 - (z_scored(x) / x.std(1, keepdims=True)) @ (z_scored(x) / x.std(1, keepdims=True)).T / x.shape[1],
        ["divided by the variance"],
        "square root",
    ),
    "number of stimuli": (
        lambda x: 1 - z_scored(x) @ z_scored(x).T / len(x),
        ["divided by the number of stimuli"],
        "sum over units",
    ),
    "sum": (lambda x: 1 - z_scored(x) @ z_scored(x).T, ["not divided"], "mean over them"),
    "N - 1": (lambda x: 1 - z_scored(x) @ z_scored(x).T / (x.shape[1] - 1), ["divided by N - 1"], "the same"),
    "similarity": (np.corrcoef, ["similarity"], "0 for equal patterns"),
    "minus r": (lambda x: -np.corrcoef(x), ["sign"], "get -1"),
    "r - 1": (lambda x: np.corrcoef(x) - 1, ["r - 1"], "never negative"),
    "Euclidean": (lambda x: squareform(pdist(x)), ["Euclidean distance"], "Euclidean"),
    "squared Euclidean": (lambda x: cdist(x, x) ** 2, ["squared Euclidean distance"], "squared Euclidean"),
    "mean square": (lambda x: rsa.rdm(x, "euclidean"), ["squared Euclidean distance"], "mean squared difference"),
    "Euclidean of z": (
        lambda x: cdist(z_scored(x), z_scored(x)),
        ["Euclidean distance of z-scores"],
        "multiply out",
    ),
    "squared Euclidean of z": (
        lambda x: cdist(z_scored(x), z_scored(x), "sqeuclidean"),
        ["squared Euclidean distance of z-scores"],
        "differs by a factor",
    ),
    "twice": (lambda x: 2 - 2 * np.corrcoef(x), ["twice the dissimilarity"], "twice"),
    "half": (lambda x: (1 - np.corrcoef(x)) / 2, ["half the dissimilarity"], "half"),
    "cosine": (lambda x: squareform(pdist(x, "cosine")), ["cosine distance"], "mean 0"),
    "Spearman": (lambda x: 1 - stats.spearmanr(x.T).statistic, ["rank correlation"], "Spearman"),
    "absolute": (lambda x: 1 - np.abs(np.corrcoef(x)), ["sign of the correlation lost"], "absolute value"),
    "squared": (lambda x: 1 - np.corrcoef(x) ** 2, ["squared correlation"], "squared"),
    "diagonal": (lambda x: 1 - np.corrcoef(x) + np.eye(len(x)), ["diagonal"], "differs from itself by 1"),
    "diagonal of NaN": (
        lambda x: np.where(np.eye(len(x)) > 0, np.nan, rsa.rdm(x)),
        ["diagonal"],
        "differs from itself by nan",
    ),
    "upper triangle": (rdm_of_upper, ["one triangle"], "above the diagonal"),
    "lower triangle": (lambda x: rdm_of_upper(x).T, ["one triangle"], "below the diagonal"),
    "logarithm": (lambda x: 1 - np.log(x) @ np.log(x).T, ["not finite"], "logarithm"),
    "not symmetric": (
        lambda x: x[:, : len(x)] @ x[:, : len(x)] if len(x) < 7 else 0 * x[:, :1] * x[:, 0],
        ["not symmetric"],
        "which is named first",
    ),
    "writes": (rdm_that_writes, ["changes its input"], "make a new array"),
    "one size": (rdm_of_one_size, ["unknown"], "only fits that size"),
    "wrong axis and similarity": (
        lambda x: stats.zscore(x) @ stats.zscore(x).T / x.shape[1],
        ["wrong axis", "similarity"],
        "Two things",
    ),
    "inner product": (lambda x: x @ x.T, ["no z-score", "not divided", "similarity"], "Three things"),
}


@pytest.mark.parametrize(("function", "mistakes", "words"), WRONG_RDMS.values(), ids=WRONG_RDMS)
def test_wrong_rdms_are_told_what_is_wrong(function, mistakes, words):
    verdict = check_rdm(function)
    assert not verdict
    assert list(verdict.mistakes) == mistakes
    assert words in verdict.text


def test_every_mistake_has_words_of_its_own():
    for check, wrong in ((check_rdm, WRONG_RDMS), (check_comparison, WRONG_COMPARISONS)):
        said = [check(function).text for function, _, _ in wrong.values()]
        assert len(set(said)) == len(said)


def test_an_unknown_mistake_is_shown_by_the_first_entry_that_differs():
    responses = []

    def off_by_a_half(x):
        responses.append(x.copy())
        found = rsa.rdm(x)
        found[1, 3] += 0.5
        found[3, 1] += 0.5
        return found

    text = check_rdm(off_by_a_half).text
    expected = 1 - np.corrcoef(responses[0])[1, 3]
    assert "stimuli 1 and 3 (counted from 0)" in text
    assert f"expected {expected:.4f}, got {expected + 0.5:.4f}" in text


def test_the_line_that_fails_is_shown():
    assert "It happened here: `z = responses - responses.mean(axis=1)`" in check_rdm(rdm_of_lost_axis).text


def test_a_checkers_numbers_do_not_depend_on_anything_else():
    np.random.seed(0)
    first = check_rdm(rdm_of_one_size)
    np.random.seed(1)
    assert check_rdm(rdm_of_one_size) == first


def test_verdicts_show_themselves_in_lines_that_fit():
    shown = repr(check_rdm(rdm_of_lost_axis))
    assert max(map(len, shown.splitlines())) <= 100
    assert shown.replace("\n", " ") == check_rdm(rdm_of_lost_axis).text.replace("\n", " ")
    assert repr(Verdict(True, (), "Right.\nWorth knowing: so.")) == "Right.\nWorth knowing: so."


def upper(matrix, k=1):
    return matrix[np.triu_indices(len(matrix), k=k)]


def pearson_by_hand(a, b):
    pairs = [(a[i, j], b[i, j]) for i in range(len(a)) for j in range(i)]
    x, y = np.array(pairs).T
    return np.mean((x - x.mean()) * (y - y.mean())) / x.std() / y.std()


RIGHT_COMPARISONS = {
    "corrcoef": lambda a, b: np.corrcoef(upper(a), upper(b))[0, 1],
    "lower triangle": lambda a, b: np.corrcoef(upper(a.T), upper(b.T))[0, 1],
    "both triangles": lambda a, b: np.corrcoef(a[~np.eye(len(a), dtype=bool)], b[~np.eye(len(b), dtype=bool)])[1, 0],
    "SciPy": lambda a, b: stats.pearsonr(upper(a), upper(b)).statistic,
    "squareform": lambda a, b: stats.pearsonr(squareform(a, checks=False), squareform(b, checks=False))[0],
    "loops": pearson_by_hand,
    "torch": lambda a, b: torch.corrcoef(torch.tensor(np.stack([upper(a), upper(b)])))[0, 1],
    "an array of one": lambda a, b: np.corrcoef(upper(a), upper(b))[:1, 1],
    "normenc": rsa.compare_rdms,
}


@pytest.mark.parametrize("function", RIGHT_COMPARISONS.values(), ids=RIGHT_COMPARISONS)
def test_right_comparisons_pass_however_they_are_written(function):
    verdict = check_comparison(function)
    assert verdict and verdict.mistakes == ()
    assert "16,290" in verdict.text


def comparison_that_writes(a, b):
    np.fill_diagonal(a, np.nan)
    return np.corrcoef(upper(a), upper(b))[0, 1]


def first_row_alone(a, b):
    return np.corrcoef(a[0, 1:], b[0, 1:])[0, 1]


WRONG_COMPARISONS = {
    "not a function": (0.7, ["not a function"], "float ()"),
    "returns None": (lambda a, b: print(rsa.compare_rdms(a, b)), ["returns None"], "`return`"),
    "one argument": (lambda a: a, ["raises an exception"], "two RDMs"),
    "matrix of corrcoef": (
        lambda a, b: np.corrcoef(upper(a), upper(b)),
        ["matrix of correlations"],
        "Which of the four",
    ),
    "pearsonr": (lambda a, b: stats.pearsonr(upper(a), upper(b)), ["p-value too"], "p-value"),
    "corrcoef of matrices": (lambda a, b: np.corrcoef(a, b), ["matrix of correlations"], "correlates the rows"),
    "vector": (lambda a, b: upper(a) * upper(b), ["no number"], "shape (15,)"),
    "whole": (lambda a, b: np.corrcoef(a.ravel(), b.ravel())[0, 1], ["diagonal included"], "whole matrices"),
    "k=0": (lambda a, b: np.corrcoef(upper(a, 0), upper(b, 0))[0, 1], ["diagonal included"], "Look at `k`"),
    "triu": (
        lambda a, b: np.corrcoef(np.triu(a, 1).ravel(), np.triu(b, 1).ravel())[0, 1],
        ["zeros of the other triangle"],
        "np.triu_indices",
    ),
    "covariance": (lambda a, b: np.cov(upper(a), upper(b))[0, 1], ["covariance"], "np.cov"),
    "population covariance": (
        lambda a, b: np.cov(upper(a), upper(b), ddof=0)[0, 1],
        ["covariance"],
        "divided by both",
    ),
    "Spearman": (lambda a, b: stats.spearmanr(upper(a), upper(b))[0], ["rank correlation"], "Spearman"),
    "cosine": (
        lambda a, b: upper(a) @ upper(b) / np.sqrt((upper(a) ** 2).sum() * (upper(b) ** 2).sum()),
        ["mean not subtracted"],
        "cosine",
    ),
    "inner product": (lambda a, b: upper(a) @ upper(b), ["inner product"], "multiplied and added"),
    "distance": (lambda a, b: np.linalg.norm(upper(a) - upper(b)), ["distance"], "Euclidean"),
    "mean square": (lambda a, b: ((upper(a) - upper(b)) ** 2).mean(), ["distance"], "mean squared"),
    "R squared": (lambda a, b: rsa.compare_rdms(a, b) ** 2, ["squared correlation"], "squared"),
    "absolute": (lambda a, b: abs(rsa.compare_rdms(a, b)), ["sign of the correlation lost"], "sign is lost"),
    "minus": (lambda a, b: -rsa.compare_rdms(a, b), ["sign"], "turned around"),
    "one minus": (lambda a, b: 1 - rsa.compare_rdms(a, b), ["dissimilarity"], "similarity"),
    "itself": (lambda a, b: np.corrcoef(upper(a), upper(a))[0, 1], ["compared with itself"], "itself"),
    "rows": (
        lambda a, b: np.mean([np.corrcoef(x, y)[0, 1] for x, y in zip(a, b, strict=True)]),
        ["row by row"],
        "one long vector",
    ),
    "NaN": (comparison_that_writes, ["changes its input"], "np.fill_diagonal"),
    "not finite": (lambda a, b: np.float64(0) / 0, ["not finite"], "nan"),
    "unknown": (first_row_alone, ["unknown"], "15 pairs"),
    "whole and covariance": (
        lambda a, b: np.cov(a.ravel(), b.ravel())[0, 1],
        ["diagonal included", "covariance"],
        "Two things",
    ),
    "whole, Spearman and one minus": (
        lambda a, b: 1 - stats.spearmanr(a.ravel(), b.ravel())[0],
        ["diagonal included", "rank correlation", "dissimilarity"],
        "Three things",
    ),
}


@pytest.mark.parametrize(("function", "mistakes", "words"), WRONG_COMPARISONS.values(), ids=WRONG_COMPARISONS)
def test_wrong_comparisons_are_told_what_is_wrong(function, mistakes, words):
    verdict = check_comparison(function)
    assert not verdict
    assert list(verdict.mistakes) == mistakes
    assert words in verdict.text


def test_the_number_that_was_expected_is_told():
    handed = []

    def too_much(a, b):
        handed.append((a, b))
        return pearson_by_hand(a, b) + 0.01

    text = check_comparison(too_much).text
    expected = pearson_by_hand(*handed[0])
    assert f"expected {expected:.4f}, got {expected + 0.01:.4f}" in text


def test_facts_that_are_told_are_so():
    rng = np.random.default_rng(0)
    responses = rng.normal(size=(5, 8))
    louder = responses * rng.uniform(0.5, 3, (5, 1)) + rng.normal(size=(5, 1))
    np.testing.assert_allclose(rsa.rdm(louder), rsa.rdm(responses), atol=1e-12)
    assert "16,290" in check_comparison(rsa.compare_rdms).text and 181 * 180 // 2 == 16290
    assert set(tutorial.__all__) == {"Verdict", "check_comparison", "check_rdm"}
