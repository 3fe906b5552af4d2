"""The second exercise: a function that compares two RDMs."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from checkers.verdict import Option, Verdict, answer_of, changed_input, mistaken, same, searched, wrong
from normenc import rsa

__all__ = ["check_comparison"]

Floats = npt.NDArray[np.float64]
Pair = tuple[Floats, Floats]
SIZES = (6, 9, 12)  # stimuli
SEED = 679324
RIGHT = (
    "Right: your function gives the similarity of {n} pairs of RDMs, one of them negative.\n"
    "Worth knowing: 181 stimuli make 181 x 180 / 2 = 16,290 pairs, but these are not 16,290 independent facts, since "
    "every stimulus takes part in 180 of them. A p-value that treats them as independent, such as that of "
    "scipy.stats.pearsonr, is far too small."
)


def _upper(matrix: Floats) -> Floats:
    return matrix[np.triu_indices(len(matrix), k=1)]


def _centred(x: Floats) -> Floats:
    return x - x.mean()


def _pearson(x: Floats, y: Floats) -> float:
    return _cosine(_centred(x), _centred(y))


def _cosine(x: Floats, y: Floats) -> float:
    return float(x @ y / (np.linalg.norm(x) * np.linalg.norm(y)))


# What the answer is made of, step by step; the first option of each step is the right one.
ENTRIES = (
    Option("", "", _upper),
    Option(
        "diagonal included",
        "The whole matrices are compared, with the diagonal in them. It is 0 in every RDM, whatever the brain does, "
        "and makes all RDMs look alike. Compare the pairs of different stimuli, each once.",
        np.ravel,
    ),
    Option(
        "diagonal included",
        "The triangle holds the diagonal. It is 0 in every RDM, whatever the brain does, and makes all RDMs look "
        "alike. Look at `k`, which says where the triangle starts.",
        lambda matrix: matrix[np.triu_indices(len(matrix))],
    ),
    Option(
        "zeros of the other triangle",
        "A triangle is taken, but the zeros in place of the other one are compared too: `np.triu` gives a whole "
        "matrix. Take only the entries above the diagonal, as a vector; `np.triu_indices` tells where they are.",
        lambda matrix: np.triu(matrix, k=1).ravel(),
    ),
)
MEASURE = (
    Option("", "", _pearson),
    Option(
        "covariance",
        "It is a covariance, which grows with the size of the dissimilarities. A correlation is divided by both "
        "standard deviations, and lies between -1 and 1.",
        lambda x, y: _centred(x) @ _centred(y) / len(x),
    ),
    Option(
        "covariance",
        "It is a covariance (as np.cov gives it), which grows with the size of the dissimilarities. A correlation is "
        "divided by both standard deviations, and lies between -1 and 1.",
        lambda x, y: _centred(x) @ _centred(y) / (len(x) - 1),
    ),
    Option(
        "rank correlation",
        "It is Spearman's correlation, of the ranks. That is a sensible choice, but the study takes Pearson's, of the "
        "dissimilarities themselves.",
        lambda x, y: _pearson(rankdata(x), rankdata(y)),
    ),
    Option(
        "mean not subtracted",
        "It is the cosine of the two vectors: their means are not subtracted. As all dissimilarities are positive, it "
        "is high for any two RDMs.",
        _cosine,
    ),
    Option(
        "inner product",
        "The entries are multiplied and added up, and that is all. Neither are the means subtracted, nor is anything "
        "divided by the standard deviations.",
        lambda x, y: x @ y,
    ),
    Option(
        "distance",
        "It is a Euclidean distance of the RDMs: 0 when they are equal. Asked for is a correlation: 1 when they are.",
        lambda x, y: np.linalg.norm(x - y),
    ),
    Option(
        "distance",
        "It is the mean squared difference of the RDMs: 0 when they are equal. Asked for is a correlation: 1 when they "
        "are.",
        lambda x, y: np.mean((x - y) ** 2),
    ),
    Option(
        "squared correlation",
        "The correlation is squared, so that opposite RDMs look alike.",
        lambda x, y: _pearson(x, y) ** 2,
    ),
    Option(
        "sign of the correlation lost",
        "The sign is lost, so that opposite RDMs look alike.",
        lambda x, y: abs(_pearson(x, y)),
    ),
)
SIGN = (
    Option("", "", lambda r: r),
    Option("sign", "The sign is turned around: equal RDMs must get 1, not -1.", lambda r: -r),
    Option(
        "dissimilarity",
        "It is one minus the correlation, a dissimilarity: 0 for equal RDMs. Asked for is the similarity.",
        lambda r: 1 - r,
    ),
)
OTHERS = (
    Option(
        "compared with itself",
        "Every RDM gets 1. Does your function compare one of its arguments with itself?",
        lambda a, b: 1.0,
    ),
    Option(
        "row by row",
        "It is the mean of the rows' correlations. All pairs of stimuli belong into one correlation: take them out of "
        "each matrix as one long vector.",
        lambda a, b: np.mean([_pearson(x, y) for x, y in zip(a, b, strict=True)]),
    ),
)


def check_comparison(function: Callable[[Floats, Floats], Any]) -> Verdict:
    """Whether a function gives the similarity of two RDMs, and if not, what is wrong with it, in words.

    Right is the Pearson correlation of the dissimilarities of all pairs of different stimuli, as
    :func:`normenc.rsa.compare_rdms` computes it. The checker calls the function with some small RDMs, and compares
    its answers with those that usual mistakes, and up to three of them together, lead to.

    Parameters
    ----------
    function : callable
        Takes two RDMs, both of shape (n_stimuli, n_stimuli), and gives a number.

    Returns
    -------
    Verdict
        Shows itself as words at the prompt and as the last line of a notebook's cell; ``print`` it elsewhere. True
        when the function is right.

    Examples
    --------
    >>> check_comparison(lambda a, b: np.cov(_upper(a), _upper(b))[0, 1]).mistakes
    ('covariance',)
    >>> check_comparison(lambda a, b: print("no return"))
    no return
    Your function returns None. Whatever it computes, and even prints, is lost unless it ends with
    `return`.
    """
    pairs = _examples()
    expected = [rsa.compare_rdms(a, b) for a, b in pairs]
    answers, handed = [], []
    for (a, b), correct in zip(pairs, expected, strict=True):
        handed.append((a.copy(), b.copy()))
        answer = answer_of(function, handed[-1], f"two RDMs, NumPy arrays of shape {a.shape}")
        if isinstance(answer, Verdict):
            return answer
        if answer.size != 1:
            return _no_number(answer, len(a), correct)
        answers.append(float(answer.reshape(())))
    if not same(answers, expected):
        return _explained(answers, expected, pairs)
    trouble = changed_input([m for pair in pairs for m in pair], [m for pair in handed for m in pair])
    return Verdict(True, (), RIGHT.format(n=len(SIZES))) if trouble is None else trouble


def _examples() -> list[Pair]:
    """RDMs that are alike, opposite, and hardly related."""
    rng = np.random.default_rng(SEED)
    pairs = []
    for n, sign in zip(SIZES, (1, -1, 0.2), strict=True):
        a, noise = (rsa.rdm(rng.normal(size=(n, 8))) for _ in range(2))
        b = 1 + 0.5 * sign * (a - 1) + 0.4 * (noise - 1)
        np.fill_diagonal(b, 0)
        pairs.append((a, b))
    return pairs


def _no_number(answer: Floats, n_stimuli: int, correct: float) -> Verdict:
    found = f"For two RDMs of {n_stimuli} stimuli your answer has shape {answer.shape}; it must be one number."
    if answer.shape == (2, 2):
        return wrong(
            "matrix of correlations",
            f"{found} `np.corrcoef` and `np.cov` of two vectors give a 2 x 2 matrix: each vector with itself, and with "
            "the other. Which of the four entries do you want?",
        )
    if answer.shape == (2,) and np.isclose(answer[0], correct, atol=1e-5):
        return wrong(
            "p-value too",
            f"{found} SciPy gives the correlation and a p-value. Return the correlation alone. The p-value takes all "
            "pairs of stimuli for independent, which they are not.",
        )
    if answer.shape in ((n_stimuli, n_stimuli), (2 * n_stimuli, 2 * n_stimuli)):
        return wrong(
            "matrix of correlations",
            f"{found} This correlates the rows of the matrices with each other. First make each RDM one vector, of all "
            "pairs of stimuli.",
        )
    return wrong("no number", found)


def _explained(answers: Sequence[float], expected: Sequence[float], pairs: Sequence[Pair]) -> Verdict:
    for entries, measure, sign in searched([ENTRIES, MEASURE, SIGN]):
        made = [sign.compute(measure.compute(entries.compute(a), entries.compute(b))) for a, b in pairs]
        if same(answers, made):
            return mistaken([option for option in (entries, measure, sign) if option.name])
    for other in OTHERS:
        if same(answers, [other.compute(a, b) for a, b in pairs]):
            return mistaken([other])
    index = [same([a], [e]) for a, e in zip(answers, expected, strict=True)].index(False)
    n_stimuli = len(pairs[index][0])
    if not np.isfinite(answers[index]):
        return wrong(
            "not finite",
            f"For two RDMs of {n_stimuli} stimuli your function gives {answers[index]}. Look for a division by 0, or "
            "for NaN put in place of the diagonal.",
        )
    return wrong(
        "unknown",
        f"For two RDMs of {n_stimuli} stimuli, expected {expected[index]:.4f}, got {answers[index]:.4f}. It is none of "
        "the usual mistakes. How many numbers do you take from each matrix? There are "
        f"{n_stimuli * (n_stimuli - 1) // 2} pairs of different stimuli.",
    )
