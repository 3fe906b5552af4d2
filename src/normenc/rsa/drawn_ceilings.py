"""Noise ceilings of several animals, or sessions, when these are drawn anew."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

__all__ = ["in_draws", "why_pairs_unknown"]

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
    array([[0.2  , 0.6  ],
           [0.298, 0.64 ],
           [0.117, 0.566]])
    """
    n = len(np.unique(subject))
    apart = subject[:, None] != subject
    values = np.where(apart, between, 0.0)
    everyone = _mean_of_pairs(values, np.ones_like(amounts[:1]), apart)
    drawn = _mean_of_pairs(values, amounts, apart)
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
    """Both ceilings, shape (n_samples, 2)."""
    left = np.maximum(1 + (n - 2) * similarity, np.finfo(float).tiny)
    pooled = np.maximum(1 + (n - 1) * similarity, 0)
    return np.stack([np.sqrt(n - 1) * similarity / np.sqrt(left), np.sqrt(pooled / n)], axis=1)


def _mean_of_pairs(between: Floats, amounts: Counts, apart: npt.NDArray[np.bool_]) -> Floats:
    """Mean over pairs of RDMs of different animals, weighted by how often both are drawn; NaN without any."""
    weights = amounts[:, :, None] * apart * amounts[:, None, :]
    total = weights.sum(axis=(1, 2))
    return np.asarray((between * weights).sum(axis=(1, 2)) / np.where(total > 0, total, np.nan))
