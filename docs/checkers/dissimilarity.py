"""The first exercise: a function that computes the RDM."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist
from scipy.stats import rankdata

from checkers.verdict import Option, Verdict, answer_of, changed_input, mistaken, same, searched, wrong
from normenc import rsa

__all__ = ["check_rdm"]

Floats = npt.NDArray[np.float64]
SHAPES = ((6, 9), (5, 12), (9, 7))  # stimuli x units; never as many of one as of the other
SEED = 2021
RIGHT = (
    "Right: your function gives the RDM of {n} sets of responses, of {shapes} stimuli x units.\n"
    "Worth knowing: nothing changes when all responses to one stimulus are doubled, or raised by the same amount. The "
    "correlation sees their pattern alone. That is why neurons and units can be compared though nobody knows how much "
    "response of the one equals how much of the other."
)


def _z_scored(x: Floats, axis: int | None) -> Floats:
    return (x - x.mean(axis=axis, keepdims=True)) / x.std(axis=axis, keepdims=True)


# What the answer is made of, step by step; the first option of each step is the right one.
AXIS = (
    Option("", "", lambda scale, x: scale(x, 1)),
    Option(
        "wrong axis",
        "The z-score runs over the wrong axis: each unit has mean 0 over the stimuli. Two stimuli are compared by "
        "their patterns over the units, so that each stimulus, a row, must have mean 0. Look at `axis`.",
        lambda scale, x: scale(x, 0),
    ),
    Option(
        "no axis",
        "The z-score takes one mean and one standard deviation of the whole matrix. Each stimulus, a row, needs its "
        "own. Look at `axis`.",
        lambda scale, x: scale(x, None),
    ),
    Option(
        "z-score over stimuli too",
        "Each unit is z-scored over the stimuli before the stimuli are compared. That gives every unit the same say "
        "and is another measure. Here the responses are taken as they are: leave that step out.",
        lambda scale, x: scale(_z_scored(x, 0), 1),
    ),
)
SCALE = (
    Option("", "", _z_scored),
    Option(
        "no z-score",
        "The responses are multiplied as they are. Then a stimulus that drives all units strongly is similar to "
        "everything. First z-score each stimulus' responses over the units.",
        lambda x, axis: x,
    ),
    Option(
        "not divided by the standard deviation",
        "The mean is subtracted, but nothing is divided by the standard deviation: this is a covariance, which grows "
        "with the size of the responses.",
        lambda x, axis: x - x.mean(axis=axis, keepdims=True),
    ),
    Option(
        "mean not subtracted",
        "The responses are divided by their standard deviation, but their mean is not subtracted first.",
        lambda x, axis: x / x.std(axis=axis, keepdims=True),
    ),
    Option(
        "sample standard deviation",
        "The standard deviation is that of a sample (it divides by N - 1), while the product is divided by N. Then a "
        "pattern's correlation with itself is not 1. Look at `ddof`; torch and pandas take 1 by default, NumPy 0.",
        lambda x, axis: (x - x.mean(axis=axis, keepdims=True)) / x.std(axis=axis, keepdims=True, ddof=1),
    ),
    Option(
        "divided by the variance",
        "The responses are divided by their variance. A z-score divides by its square root.",
        lambda x, axis: (x - x.mean(axis=axis, keepdims=True)) / x.var(axis=axis, keepdims=True),
    ),
)
DIVISOR = (
    Option("", "", lambda x: x.shape[1]),
    Option(
        "divided by the number of stimuli",
        "The product is divided by the number of stimuli. It is a sum over units, and their number makes it a mean.",
        lambda x: x.shape[0],
    ),
    Option(
        "not divided",
        "The product is not divided by anything, so that it is a sum over the units and grows with their number. A "
        "correlation is a mean over them.",
        lambda x: 1,
    ),
    Option(
        "divided by N - 1",
        "The product is divided by N - 1 although the standard deviation was divided by N. Either will do, but both "
        "must be the same.",
        lambda x: x.shape[1] - 1,
    ),
)
SIGN = (
    Option("", "", lambda r: 1 - r),
    Option(
        "similarity",
        "It is a similarity: 1 for equal patterns. A dissimilarity is 0 for equal patterns, and grows as they differ.",
        lambda r: r,
    ),
    Option(
        "sign", "The sign is turned around without the 1: equal patterns get -1, and they should get 0.", lambda r: -r
    ),
    Option("r - 1", "The difference is the wrong way around: a dissimilarity is never negative.", lambda r: r - 1),
)


def _correlation(x: Floats) -> Floats:
    return 1 - rsa.rdm(x)


def _z_rows(x: Floats) -> Floats:
    return _z_scored(x, 1)


# Other measures, which no slip in those steps leads to.
OTHERS = (
    Option(
        "Euclidean distance",
        "It is the Euclidean distance of the responses, which grows with their size and with the number of units. "
        "Asked for is one minus the correlation of the two patterns.",
        lambda x: cdist(x, x),
    ),
    Option(
        "squared Euclidean distance",
        "It is the squared Euclidean distance of the responses. Asked for is one minus the correlation of the two "
        "patterns.",
        lambda x: cdist(x, x, "sqeuclidean"),
    ),
    Option(
        "squared Euclidean distance",
        "It is the mean squared difference of the responses. Asked for is one minus the correlation of the two "
        "patterns.",
        lambda x: cdist(x, x, "sqeuclidean") / x.shape[1],
    ),
    Option(
        "Euclidean distance of z-scores",
        "It is the Euclidean distance of the z-scored patterns. You are close: multiply out its square, and what is "
        "asked for is among the terms.",
        lambda x: cdist(_z_rows(x), _z_rows(x)),
    ),
    Option(
        "squared Euclidean distance of z-scores",
        "It is the squared Euclidean distance of the z-scored patterns, a sum over units. What is asked for differs "
        "by a factor. What would two opposite patterns get, and what should they?",
        lambda x: cdist(_z_rows(x), _z_rows(x), "sqeuclidean"),
    ),
    Option(
        "twice the dissimilarity",
        "Every entry is twice what it should be: opposite patterns must get 2.",
        lambda x: 2 * rsa.rdm(x),
    ),
    Option(
        "half the dissimilarity",
        "Every entry is half of what it should be: opposite patterns must get 2, unrelated ones 1.",
        lambda x: rsa.rdm(x) / 2,
    ),
    Option(
        "cosine distance",
        "It is the cosine distance. The cosine of two patterns is their correlation only once each has mean 0.",
        lambda x: cdist(x, x, "cosine"),
    ),
    Option(
        "rank correlation",
        "It is one minus the correlation of ranks (Spearman's). Asked for is Pearson's correlation, of the responses "
        "themselves.",
        lambda x: rsa.rdm(rankdata(x, axis=1)),
    ),
    Option(
        "sign of the correlation lost",
        "Opposite patterns count as equal, since the sign of the correlation is lost. One minus r is asked for, not "
        "one minus its absolute value.",
        lambda x: 1 - np.abs(_correlation(x)),
    ),
    Option(
        "squared correlation",
        "The correlation is squared, so that opposite patterns count as equal. One minus r is asked for.",
        lambda x: 1 - _correlation(x) ** 2,
    ),
)


def check_rdm(function: Callable[[Floats], Any]) -> Verdict:
    """Whether a function computes the RDM, and if not, what is wrong with it, in words.

    Right is one minus the Pearson correlation of two stimuli's responses, as :func:`normenc.rsa.rdm` computes it.
    The checker calls the function with some small matrices, and compares its answers with those that usual mistakes,
    and up to four of them together, lead to.

    Parameters
    ----------
    function : callable
        Takes responses, shape (n_stimuli, n_units), and gives their RDM, shape (n_stimuli, n_stimuli), as a NumPy
        array or anything that becomes one.

    Returns
    -------
    Verdict
        Shows itself as words at the prompt and as the last line of a notebook's cell; ``print`` it elsewhere. True
        when the function is right.

    Examples
    --------
    >>> check_rdm(lambda responses: np.corrcoef(responses))
    It is a similarity: 1 for equal patterns. A dissimilarity is 0 for equal patterns, and grows as they
    differ.
    >>> check_rdm(lambda responses: 1 - np.corrcoef(responses.T)).mistakes
    ('unit x unit',)
    >>> bool(check_rdm(lambda responses: 1 - np.corrcoef(responses)))
    True
    """
    responses = _examples()
    answers, handed = [], []
    for x in responses:
        handed.append(x.copy())
        given = f"a NumPy array of shape {x.shape}: {x.shape[0]} stimuli x {x.shape[1]} units"
        answer = answer_of(function, [handed[-1]], given)
        if isinstance(answer, Verdict):
            return answer
        if (trouble := _shape_trouble(answer, x)) is not None:
            return trouble
        answers.append(answer)
    expected = [rsa.rdm(x) for x in responses]
    if not same(answers, expected):
        return _explained(answers, expected, responses)
    if (trouble := changed_input(responses, handed)) is not None:
        return trouble
    return Verdict(True, (), RIGHT.format(n=len(SHAPES), shapes=", ".join(f"{s} x {u}" for s, u in SHAPES)))


def _examples() -> list[Floats]:
    """Responses whose units and stimuli all have means and sizes of their own, so that every mistake shows."""
    rng = np.random.default_rng(SEED)
    return [
        rng.normal(size=(s, u)) * rng.uniform(0.5, 3, size=u) * rng.uniform(0.5, 2, size=(s, 1))
        + rng.uniform(0, 2, size=u)
        + rng.uniform(0, 1, size=(s, 1))
        for s, u in SHAPES
    ]


def _shape_trouble(answer: Floats, x: Floats) -> Verdict | None:
    n_stimuli, n_units = x.shape
    if answer.shape == (n_stimuli, n_stimuli):
        return None
    found = f"For {n_stimuli} stimuli x {n_units} units your answer has shape {answer.shape}"
    if answer.shape == (n_units, n_units):
        return wrong(
            "unit x unit",
            f"{found}: it compares units with each other. An RDM compares stimuli. Which of the two factors of the "
            "product must be transposed?",
        )
    if answer.shape == (n_stimuli * (n_stimuli - 1) // 2,):
        return wrong(
            "vector of pairs",
            f"{found}: every pair of stimuli once, as SciPy's pdist gives them. Asked for is the square matrix; SciPy "
            "has a function that turns the one into the other.",
        )
    if answer.shape == x.shape:
        return wrong(
            "not compared",
            f"{found}, that of the responses. The stimuli have not been compared yet: multiply each pattern with "
            "every other.",
        )
    return wrong("wrong shape", f"{found}. It must be {(n_stimuli, n_stimuli)}: a row and a column for every stimulus.")


def _explained(answers: Sequence[Floats], expected: Sequence[Floats], responses: Sequence[Floats]) -> Verdict:
    """What is wrong with answers that have the right shape."""
    for axis, scale, divisor, sign in searched([AXIS, SCALE, DIVISOR, SIGN]):
        patterns = [axis.compute(scale.compute, x) for x in responses]
        made = [sign.compute(z @ z.T / divisor.compute(x)) for z, x in zip(patterns, responses, strict=True)]
        if same(answers, made):
            return mistaken([option for option in (axis, scale, divisor, sign) if option.name])
    for other in OTHERS:
        if same(answers, [other.compute(x) for x in responses]):
            return mistaken([other])
    found = _half_right(answers, expected)
    return _first_difference(answers, expected, responses) if found is None else found


def _half_right(answers: Sequence[Floats], expected: Sequence[Floats]) -> Verdict | None:
    """What is wrong with matrices that are right in part."""
    if same([_without_diagonal(a) for a in answers], [_without_diagonal(e) for e in expected]):
        return wrong(
            "diagonal",
            f"All is right but for the diagonal: stimulus 0 differs from itself by {answers[0][0, 0]:.4g}. Nothing "
            "differs from itself.",
        )
    for name, part in (("above", np.triu), ("below", np.tril)):
        if same(answers, [part(e) for e in expected]):
            return wrong(
                "one triangle",
                f"The entries {name} the diagonal are right, and all others are 0. The stimuli i and j differ as much "
                "as j and i: the matrix must be symmetric.",
            )
    for answer in answers:
        finite = np.isfinite(answer)
        if not finite.all():
            i, j = np.argwhere(~finite)[0]
            return wrong(
                "not finite",
                f"The entry for stimuli {i} and {j} is {answer[i, j]}. Look for a division by 0, or the logarithm or "
                "root of a negative number.",
            )
        if not same([answer], [answer.T]):
            i, j = np.argwhere(~np.isclose(answer, answer.T))[0]
            return wrong(
                "not symmetric",
                f"The matrix is not symmetric: stimuli {i} and {j} differ by {answer[i, j]:.4g}, {j} and {i} by "
                f"{answer[j, i]:.4g}. How much two stimuli differ cannot depend on which is named first.",
            )
    return None


def _first_difference(answers: Sequence[Floats], expected: Sequence[Floats], responses: Sequence[Floats]) -> Verdict:
    right = [same([a], [e]) for a, e in zip(answers, expected, strict=True)]
    index = right.index(False)
    answer, correct = answers[index], expected[index]
    i, j = np.argwhere(~np.isclose(answer, correct, rtol=1e-5, atol=1e-5))[0]
    said = (
        f"For {len(correct)} stimuli x {responses[index].shape[1]} units, the first entry that differs is that of "
        f"stimuli {i} and {j} (counted from 0): expected {correct[i, j]:.4f}, got {answer[i, j]:.4f}. It is none of "
        "the usual mistakes. Compute this one entry by hand, step by step, and see where your function leaves the way."
    )
    if any(right):
        passed = responses[right.index(True)].shape
        said += (
            f" For {passed[0]} stimuli x {passed[1]} units the answer is right: does your function hold a number that "
            "only fits that size?"
        )
    return wrong("unknown", said)


def _without_diagonal(matrix: Floats) -> Floats:
    return np.where(np.eye(len(matrix), dtype=bool), 0, matrix)
