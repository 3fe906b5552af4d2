"""The lesson's checkers tell right from wrong, and wrong from wrong; the lesson runs, and its pair agrees."""

import json
import re
import warnings
from pathlib import Path

import jupytext
import nbformat
import numpy as np
import pytest
import torch
from nbclient import NotebookClient
from scipy import stats
from scipy.spatial.distance import cdist, pdist, squareform
from torch import nn

import checkers
from checkers import Verdict, check_comparison, check_rdm
from normenc import rsa, stimuli, tasks, training


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
    assert set(checkers.__all__) == {"Verdict", "check_comparison", "check_rdm"}


DOCS = Path(__file__).parents[1] / "docs"
TEXT = "\n".join(cell.source for cell in jupytext.read(DOCS / "tutorial.py").cells if cell.cell_type == "markdown")
TOLD = """
import json

across = float(matrices["pool"][89, 91])
elsewhere = [float(matrices["pool"][k - 1, k + 1]) for k in range(1, 180)]
of_these = rsa.infer(
    {label: models[label] for label in ("fc, trained", "fc, untrained")}, responses=responses, ordered=True
)
told = {
    "of_these": of_these.pairs.loc[0, ["difference", "low", "high", "p"]].tolist(),
    "identified": [evenly.matrix().loc["pool, trained", label] for label in ("pool, trained", "pool, untrained")],
    "rates": [evenly.rate().rate, named(chosen).rate().rate],
    "similarity": {label: np.ravel(rsa.compare_rdms(model, v1)).tolist() for label, model in models.items()},
    "p": pairs.loc[interesting, "p_holm"].tolist(),
    "p_permutations": found.models["p_permutations_holm"].tolist(),
    "p_shifts": found.models["p_shifts_holm"].tolist(),
    "width_ratio": ((table["high"] - table["low"]) / (naive.models["high"] - naive.models["low"])).min(),
    "scores": [fc_score, result.log.held_out_score],
    "losses": result.log.epoch_loss()[np.array(epochs) - 1].tolist(),
    "filters": np.corrcoef(
        result.untrained.conv.weight.detach().flatten(1), result.network.conv.weight.detach().flatten(1)
    )[np.arange(6), np.arange(6) + 6].tolist(),
    "ceilings": [2 * r / (1 + r), ceiling.lower, ceiling.upper],
    "at_random": [min(at_random), max(at_random)],
    "turned": [min(turned), max(turned), float(np.mean(np.array(turned) >= observed))],
    "diagonal": [np.mean(with_diagonal), np.mean(without)],
    "corners": [float(matrices[label][0, -1]) for label in (name, "pool", "fc")],
    "neighbours": [float(np.diagonal(matrices[name], 1).mean()), float(np.diagonal(matrices["pool"], 1).mean())],
    "tear": [across, *np.quantile(elsewhere, [0.05, 0.95])],
    "halves": float(matrices["fc"][10:80, 10:80].mean() / matrices["fc"][10:80, 101:171].mean()),
}
print("told:" + json.dumps(told, default=float))
"""
DRAWN = "from normenc import figures, stimuli\npanels = figures.example_stimuli(stimuli.gratings([0]).numpy(), [0])"


def executed(notebook):
    """Run a notebook in place; what it printed, by cell."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of Jupyter itself
        NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": DOCS}}).execute()
    return [
        "".join(output.get("text", output.get("data", {}).get("text/plain", "")) for output in cell.outputs)
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


@pytest.fixture(scope="module")
def notebook():
    """The lesson from top to end, unsolved, then what its words rest on and a picture twice; and what was printed."""
    notebook = jupytext.read(DOCS / "tutorial.py")
    notebook.cells += [nbformat.v4.new_code_cell(code) for code in (TOLD, DRAWN, DRAWN)]
    return notebook, executed(notebook)


@pytest.fixture(scope="module")
def lesson(notebook):
    """What the lesson's cells printed, and the numbers that its words rest on."""
    *printed, told, _, _ = notebook[1]
    return printed, json.loads(told.split("told:")[1])


def test_both_halves_of_the_pair_say_the_same():
    # Whoever changes docs/tutorial.py runs, in this order: jupytext --update --to ipynb docs/tutorial.py, and
    # jupyter execute --inplace docs/tutorial.ipynb
    script, notebook = jupytext.read(DOCS / "tutorial.py"), nbformat.read(DOCS / "tutorial.ipynb", as_version=4)
    assert [(c.cell_type, c.source) for c in script.cells] == [(c.cell_type, c.source) for c in notebook.cells]
    assert notebook.metadata["jupytext"]["formats"] == "ipynb,py:percent"


def test_the_notebook_was_run_before_it_was_kept():
    notebook = nbformat.read(DOCS / "tutorial.ipynb", as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell.outputs]
    assert not [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"]
    assert sum("image/png" in o.get("data", {}) for o in outputs) == 11
    assert (DOCS / "tutorial.ipynb").stat().st_size < 1_500_000
    assert not re.search(r"/(home|root|work|tmp|Users)/", (DOCS / "tutorial.ipynb").read_text(encoding="utf-8"))


def test_the_lesson_runs_unsolved_and_the_checker_says_so(lesson):
    printed, _ = lesson
    assert sum("Your function returns None." in text for text in printed) == 2


def test_what_the_lesson_says_of_scopes_and_smaller_experiments_is_so(lesson):
    _, told = lesson
    assert told["of_these"] == pytest.approx([0.217, 0.081, 0.354, 0.019], abs=0.02) and told["of_these"][-1] < 0.05
    own, twin = told["identified"]
    assert own < 0.5 and abs(own - twin) < 0.15
    assert told["rates"][1] > told["rates"][0] + 0.05


def test_what_the_lesson_says_of_networks_is_so(lesson):
    _, told = lesson
    fc, cnn = told["scores"]
    assert fc > 0.97 and cnn > 0.97
    np.testing.assert_allclose(told["losses"], [4.10e-01, 5.17e-02, 1.32e-02, 2.27e-03, 8.15e-05], rtol=0.02)
    assert min(told["filters"]) > 0.98  # "hardly changed"


def test_what_the_lesson_says_of_similarities_is_so(lesson):
    _, told = lesson
    mean = {label: np.mean(values) for label, values in told["similarity"].items()}
    assert abs(mean["pool, trained"] - mean["pool, untrained"]) < 0.03
    assert mean["Fourier amplitude"] > max(told["similarity"]["pool, trained"])
    assert mean["fc, untrained"] < min(told["similarity"]["fc, trained"])
    assert max(told["similarity"]["fc, trained"]) < min(mean[label] for label in ("Gabor energy", "pool, untrained"))
    assert len(set(np.round(told["similarity"]["pool, untrained"], 12))) == 1
    assert np.ptp(told["similarity"]["fc, untrained"]) > 0.01
    assert min(told["p"]) > 0.05  # "whether that holds is open"
    assert max(told["p_permutations"]) <= 0.05 < min(told["p_shifts"])  # a white dot each, and "a turn looks ordinary"
    assert told["width_ratio"] > 2.5  # "far too narrow"


def test_what_the_lesson_says_of_ceiling_and_chance_is_so(lesson):
    _, told = lesson
    by_hand, lower, upper = told["ceilings"]
    assert by_hand == pytest.approx(lower, abs=0.002)
    assert upper == pytest.approx(np.sqrt(lower), abs=1e-9)
    assert max(told["similarity"]["Fourier amplitude"]) < lower
    right = told["similarity"]["pool, trained"][0]
    assert max(map(abs, told["at_random"])) < 0.1 < right
    assert told["turned"][0] > 0.6 and told["turned"][1] > right and 0.05 < told["turned"][2] < 0.4
    assert told["diagonal"][0] > 0.5 and abs(told["diagonal"][1]) < 0.05


def test_what_the_lesson_says_of_the_matrices_is_so(lesson):
    _, told = lesson
    recording, pool, fc = told["corners"]
    assert recording > 0.7 and pool < 0.1 and fc < 0.1  # -90 and 90 are one image, but two directions
    assert told["neighbours"][0] == pytest.approx(0.3, abs=0.05) and told["neighbours"][1] < 0.1
    across, low, high = told["tear"]
    assert low < across < high
    assert told["halves"] < 0.2


def test_the_solutions_please_the_checker():
    notebook = jupytext.read(DOCS / "tutorial.py")
    stubs = [cell.source for cell in notebook.cells if cell.cell_type == "code" and "# your code here" in cell.source]
    solutions = re.findall(r"<summary>Solution</summary>\n\n```python\n(.*?)```", TEXT, flags=re.DOTALL)
    assert len(stubs) == len(solutions) == 2
    for stub, solution in zip(stubs, solutions, strict=True):
        name, called = re.search(r"def (\w+)\(", stub)[1], stub.strip().splitlines()[-1]
        assert solution.startswith(f"def {name}(")
        assert called in (f"checkers.check_rdm({name})", f"checkers.check_comparison({name})")
        names = {"np": np, "checkers": checkers}
        exec(solution, names)
        assert eval(called, names)
        exec(stub, names)
        assert eval(called, names).mistakes == ("returns None",)


def test_the_lesson_takes_about_seventy_minutes():
    minutes = re.findall(r"^## \d\. .* \((\d+) minutes\)$", TEXT, flags=re.MULTILINE)
    assert len(minutes) == 9 and sum(map(int, minutes)) == 70


def test_the_lessons_links_lead_somewhere_and_its_folds_close():
    links = re.findall(r"\]\(([^)]+)\)", TEXT)
    assert {"statistics.md", "leaderboard.md", "recordings.md", "encoding.md", "encoders.md"} <= set(links)
    assert all((DOCS / link.partition("#")[0]).is_file() for link in links)
    assert TEXT.count("<details") == TEXT.count("</details>") == TEXT.count("<summary>") == TEXT.count("</summary>")


@pytest.mark.parametrize(("random_phase", "solved"), [(False, True), (True, False)])
def test_a_single_weighted_sum_solves_the_task_at_one_phase_alone(random_phase, solved):
    result = training.train(
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(48 * 64, 1), nn.Sigmoid()),
        tasks.TiltDiscrimination(random_phase=random_phase),
        seed=12,
        device="cpu",
        progress=False,
    )
    score = result.log.held_out_score
    assert score > 0.97 if solved else score < 0.6


def test_the_formulas_of_the_lesson_hold():
    rng = np.random.default_rng(0)
    x, noise = rng.normal(size=(4, 3)) @ rng.normal(size=(3, 200_000)), rng.normal(size=(4, 200_000))
    x = z_scored(x) * 2
    between = np.sum((z_scored(x)[:, None] - z_scored(x)) ** 2, axis=2)
    np.testing.assert_allclose(between, 2 * x.shape[1] * rsa.rdm(x), atol=1e-4)
    noisy, c = rsa.rdm(x + 3 * noise), 4 / (4 + 9)
    off = ~np.eye(4, dtype=bool)
    np.testing.assert_allclose(noisy[off], (1 - c + c * rsa.rdm(x))[off], atol=0.01)
    a, y = torch.tensor([-6.9, 0.4], requires_grad=True), torch.tensor([1.0, 0.0])
    nn.functional.binary_cross_entropy(torch.sigmoid(a), y, reduction="sum").backward()
    np.testing.assert_allclose(a.grad, (torch.sigmoid(a) - y).detach(), atol=1e-6)
    assert float(a.grad[0]) == pytest.approx(-0.999, abs=1e-4)
    assert torch.equal(stimuli.gratings([-90]), stimuli.gratings([90]))


def test_a_notebook_shows_all_its_figures(notebook):
    cells = notebook[0].cells[-2:]
    assert [cell.source for cell in cells] == [DRAWN, DRAWN]
    assert [["image/png" in o.get("data", {}) for o in cell.outputs] for cell in cells] == [[True], [True]]
