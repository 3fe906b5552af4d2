"""Noise ceilings of several animals, or sessions, when these are drawn anew."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["in_draws", "inflation_of_pairs", "mean_of_pairs", "upper_with", "why_pairs_unknown"]

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


def in_draws(ceilings: Floats, between: Floats, amounts: Counts, subject: npt.NDArray[np.int64]) -> Floats:
    r"""Ceilings as they would be if animals were drawn so many times.

    With n animals of which two have RDMs of the mean similarity s, the ceilings are about

    .. math:: \sqrt{n - 1} \, s / \sqrt{1 + (n - 2) s}, \qquad \sqrt{(1 + (n - 1) s) / n}.

    A draw changes s, the mean over pairs of different animals, and through it the ceilings. They are not computed from
    the drawn RDMs themselves: an animal that is drawn twice would bring its noise twice to the mean of the others, so
    that ceilings of few animals vary two to three times as much over draws as over recordings.

    Parameters
    ----------
    ceilings : ndarray, shape (n_samples, 2) or (1, 2)
        Lower and upper, of all animals.
    between : ndarray, shape (n_samples, n_rdms, n_rdms) or (1, n_rdms, n_rdms)
        Similarities of their RDMs, by a measure that is a correlation.
    amounts : ndarray of int, shape (n_samples, n_rdms) or (1, n_rdms)
        How often each RDM is drawn.
    subject : ndarray of int, shape (n_rdms,)
        The animal of each RDM.

    Returns
    -------
    ndarray, shape (n_samples, 2)
        NaN where only one animal is drawn.

    Examples
    --------
    Two animals of similarity 0.5 and a third that is like neither, which is drawn less or more often:

    >>> between = np.array([[[1, 0.5, 0], [0.5, 1, 0], [0, 0, 1]]])
    >>> in_draws(np.array([[0.2, 0.6]]), between, np.array([[1, 1, 1], [2, 2, 1], [1, 1, 2]]), np.arange(3)).round(3)
    array([[ 0.2  ,  0.6  ],
           [ 0.354,  0.664],
           [-0.018,  0.511]])
    """
    n = len(np.unique(subject))
    everyone = mean_of_pairs(between, np.ones_like(amounts[:1]), subject)
    drawn = mean_of_pairs(between, amounts, subject)
    return np.asarray(ceilings + _expected(drawn, n) - _expected(everyone, n))


def why_pairs_unknown(sizes: Mapping[str, float]) -> str:
    """Why nothing is known of how statistics of pairs of animals, or sessions, vary over these; empty if it is.

    Noise ceilings, and the similarity of animals with each other, are such statistics. Of two animals there is one
    pair, which is in all samples that have a pair at all, so that resampling would find no variance.

    Parameters
    ----------
    sizes : mapping of str to float
        Sizes of the resampled factors.

    Examples
    --------
    >>> why_pairs_unknown({"stimuli": 40, "animals": 2})
    'two animals have one similarity with each other, and how much it varies over animals is unknown'
    >>> why_pairs_unknown({"stimuli": 40, "animals": 3})
    ''
    """
    for factor in ("animals", "sessions"):
        if sizes.get(factor) == 2:
            return f"two {factor} have one similarity with each other, and how much it varies over {factor} is unknown"
    return ""


def _expected(similarity: Floats, n: int) -> Floats:
    """Both ceilings, shape (..., 2).

    The mean similarity of n vectors with each other is at least -1 / (n - 1); in draws it may be less.
    """
    similarity = np.maximum(similarity, -1 / (n - 1))
    lower = np.sqrt((n - 1) / (1 + (n - 2) * similarity)) * similarity
    return np.stack([lower, np.sqrt((1 + (n - 1) * similarity) / n)], axis=-1)


def upper_with(lower: Any, n: int) -> Floats:
    """The upper ceiling of n animals whose mean similarity with each other gives them this lower one.

    Examples
    --------
    >>> upper_with([0.0, 1.0], 4).tolist()
    [0.5, 1.0]
    """
    squared = np.square(lower)
    root = np.sqrt(((n - 2) * squared) ** 2 + 4 * (n - 1) * squared)
    similarity = ((n - 2) * squared + np.sign(lower) * root) / (2 * (n - 1))
    return _expected(similarity, n)[..., 1]


def mean_of_pairs(between: Floats, amounts: npt.NDArray[Any], subject: npt.NDArray[np.int64]) -> Floats:
    """Mean similarity over pairs of RDMs of different animals, when each animal is drawn so many times.

    An animal's share in the pairs changes by as much as in a mean over animals. Pairs that are weighted by how often
    both animals are drawn give it less, (n - 2) / (n - 1) of that for n animals, because it is in no pair with itself;
    the difference between a mean over animals and one over pairs, such as that of a model from the ceiling, would then
    be of other shares of each animal, and could vary half as much as over recordings.

    Parameters
    ----------
    between : ndarray, shape (n_samples, n_rdms, n_rdms) or (1, n_rdms, n_rdms)
        Those of one animal do not matter, and may be NaN.
    amounts, subject
        See :func:`in_draws`.

    Returns
    -------
    ndarray, shape (n_samples,)
        NaN where only one animal is drawn.

    Examples
    --------
    Of four animals, one has similarity 0.4 with all others, and these 0.1: a mean of 0.25. If it is drawn twice, and
    another not at all, its share in the mean over animals doubles from 1/4 to 1/2, and that of its pairs likewise:

    >>> between = np.full((1, 4, 4), 0.1)
    >>> between[0, 0] = between[0, :, 0] = 0.4
    >>> amounts = np.array([[1, 1, 1, 1], [2, 1, 1, 0]])
    >>> mean_of_pairs(between, amounts, np.arange(4)).round(3).tolist()
    [0.25, 0.4]
    """
    values = np.where(subject[:, None] != subject, between, 0.0)
    return np.asarray((values * _shares(amounts, subject)).sum(axis=(1, 2)))


def inflation_of_pairs(weights: Counts) -> float:
    """By how much samples multiply the variance of :func:`mean_of_pairs` that depends on two animals at once.

    That which depends on one is multiplied as in a mean over animals, :func:`normenc.rsa.resampling.inflation`.

    Parameters
    ----------
    weights : ndarray of int, shape (n_samples, n_animals)

    Examples
    --------
    >>> counts = np.random.default_rng(0).multinomial(12, np.full(12, 1 / 12), size=5000)
    >>> round(inflation_of_pairs(counts), 1)
    2.9
    """
    rows, columns = np.triu_indices(weights.shape[1], k=1)
    shares = 2 * _shares(weights, np.arange(weights.shape[1]))[:, rows, columns]
    shares = shares[np.isfinite(shares).all(axis=1)]
    return float(len(rows) * shares.var(axis=0, ddof=1).sum()) if len(shares) > 1 else 0.0


def _shares(amounts: npt.NDArray[Any], subject: npt.NDArray[np.int64]) -> Floats:
    """Of each pair of RDMs of different animals in their mean, (n_samples, n_rdms, n_rdms)."""
    shares, once = _plain(amounts, subject), np.ones_like(amounts[:1])
    of_animal = (subject[:, None] == np.unique(subject)).astype(float)
    n = of_animal.shape[1]
    if n <= 2:
        return shares
    lacking = _lacking(amounts, shares, of_animal) - _lacking(once, _plain(once, subject), of_animal)
    of_rdm = (lacking @ of_animal.T)[:, :, None]
    n_rdms = of_animal.sum(axis=0) @ of_animal.T
    added = (of_rdm + of_rdm.transpose(0, 2, 1)) / (n - 2) / np.outer(n_rdms, n_rdms)
    return np.asarray(shares + np.where(subject[:, None] != subject, added, 0))


def _plain(amounts: npt.NDArray[Any], subject: npt.NDArray[np.int64]) -> Floats:
    """Of each pair of RDMs of different animals, by how often both are drawn; NaN without any."""
    weights = amounts[:, :, None] * (subject[:, None] != subject) * amounts[:, None, :]
    total = weights.sum(axis=(1, 2), keepdims=True)
    return np.asarray(weights / np.where(total > 0, total, np.nan))


def _lacking(amounts: npt.NDArray[Any], shares: Floats, of_animal: Floats) -> Floats:
    """What the animals' shares in the pairs lack of those in a mean over all RDMs, shape (n_samples, n_animals)."""
    return np.asarray((amounts / amounts.sum(axis=1, keepdims=True) - shares.sum(axis=2)) @ of_animal)
