"""Split-half reliability of a recording's RDM."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc import rsa
from normenc.errors import InputError
from normenc.rsa.measures import Method, as_measure
from normenc.rsa.pairs import upper
from normenc.rsa.resampling import block_length_of, draw_blocks, draw_counts
from normenc.rsa.weighted import similarities
from normenc.tuning import repeated, split_halves
from normenc.tuning.reliability import half_averages

__all__ = ["RdmReliability", "rdm_reliability"]

MIN_STIMULI = 6  # that can be resampled
MOST_STIMULI = 1000  # that say enough of the RDM of more,
MOST_TESTED = 500  # and of whether it repeats at all
TEST_SPLITS, MOST_TRIALS = 4, 3000  # of the permutation test
LARGEST = 1 - 1e-12  # correlation of which Fisher's z is finite


@dataclass(frozen=True)
class RdmReliability:
    """Split-half reliability of an RDM.

    Attributes
    ----------
    halves : float
        Mean correlation of the RDMs of two halves of the trials; higher is better, 0 if nothing repeats.
    reliability : float
        The same for all trials, by Spearman and Brown's formula.
    low, high : float
        95 % confidence interval of `reliability` over stimuli; NaN with fewer than 6 stimuli.
    p_value : float
        Probability of halves at least this similar if trials were assigned to stimuli at random; one-sided.
    n_stimuli : int
        Stimuli that were used: those shown often enough, at most 1,000.
    n_all : int
        Stimuli shown often enough.
    """

    halves: float
    reliability: float
    low: float
    high: float
    p_value: float
    n_stimuli: int
    n_all: int


def rdm_reliability(
    responses: Any,
    stimulus: Any,
    *,
    ordered: bool = False,
    method: Method = "pearson",
    n_splits: int = 20,
    n_samples: int = 200,
    n_permutations: int = 99,
    seed: int = 0,
) -> RdmReliability:
    """Correlate the correlation RDMs of random halves of each stimulus's trials.

    Stimuli with less than half the median number of trials are left out, and so are those shown once: noisier stimuli
    stand out in both halves, which would look like reliability even if nothing repeats. The interval is
    normal in Fisher's z, with the standard error over bootstrap samples of the stimuli, the same ones for every split;
    it is rather wide, because resampled stimuli count the noise of each dissimilarity more than once.

    Of more than 1,000 stimuli, 1,000 are used, drawn at random or, if `ordered`, at even distances; the interval is
    that of so many. Of more than 500, the test uses 500.

    The test permutes the labels of the trials and splits them again. Permuting the stimuli of one half instead would
    be wrong: splits share trials, and their mean would be significant twice too often.

    Parameters
    ----------
    responses : array_like, shape (n_trials, n_neurons)
    stimulus : array_like, shape (n_trials,)
        Labels; equal labels are one stimulus, and sorted labels lie in order on a circle if `ordered`.
    ordered : bool
        Draw stimuli in blocks of neighbours.
    method : str, Measure or callable
        As :func:`normenc.rsa.compare_rdms` takes it; it must be a correlation, for which the formula holds.
    n_splits, n_samples, n_permutations, seed : int

    Returns
    -------
    RdmReliability

    Raises
    ------
    InputError
        If fewer than 3 stimuli were shown twice, an RDM is undefined, or the measure is unfit.

    References
    ----------
    Nili et al., "A toolbox for representational similarity analysis", PLoS Comput. Biol. 2014; Spearman, Br. J.
    Psychol. 1910; Brown, ibid.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> signal, noise = rng.normal(size=(30, 20)), rng.normal(size=(4, 30, 20))
    >>> label = np.tile(np.arange(30), 4)
    >>> round(rdm_reliability((signal + noise).reshape(120, 20), label).reliability, 1)
    0.6
    >>> abs(rdm_reliability(noise.reshape(120, 20), label).reliability) < 0.1
    True
    """
    measure = as_measure(method)
    if not measure.is_correlation:
        raise InputError(
            f"the measure {measure.name!r} is not declared a correlation; the Spearman-Brown formula holds only for "
            "correlations. Give another method"
        )
    rng = np.random.default_rng([seed, 5])
    responses, stimulus = _much_alike(responses, stimulus)
    n_all = len(np.unique(stimulus))
    responses, stimulus = _at_most(MOST_STIMULI, responses, stimulus, ordered, rng)
    pairs = []
    for _ in range(n_splits):
        halves = split_halves(responses, stimulus, seed=rng)
        if len(halves[0]) < 3:
            raise InputError(f"{len(halves[0])} stimuli were shown twice; the reliability of an RDM needs at least 3")
        pairs.append([rsa.rdm(half) for half in halves])
    n_stimuli = len(pairs[0][0])
    counts = np.ones((1, n_stimuli), dtype=np.int64)
    if n_stimuli >= MIN_STIMULI:
        block = block_length_of(np.array([matrix for pair in pairs for matrix in pair])) if ordered else 1
        drawn = draw_blocks(n_stimuli, n_samples, block, rng) if ordered else draw_counts(n_stimuli, n_samples, rng)
        counts = np.concatenate([counts, drawn])
    vectors = [[upper(half[None]) for half in pair] for pair in pairs]
    reliability = np.mean([similarities(one, two, counts, measure).models[:, 0, 0] for one, two in vectors], axis=0)
    low = high = np.nan
    if len(reliability) > 1:
        # Samples contain stimuli twice, and blocks contain neighbours: their spread is right, their mean is not.
        z = np.arctanh(np.clip(reliability, -LARGEST, LARGEST))
        low, high = rsa.spearman_brown(np.tanh(z[0] + np.array([-1.96, 1.96]) * np.nanstd(z[1:])))
    p_value = _p_value(*_at_most(MOST_TESTED, responses, stimulus, ordered, rng), measure, n_permutations, rng)
    whole = float(rsa.spearman_brown(reliability[0]))
    return RdmReliability(float(reliability[0]), whole, float(low), float(high), p_value, n_stimuli, n_all)


def _much_alike(responses: Any, stimulus: Any) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Trials of stimuli shown at least half as often as the median stimulus."""
    values, index, labels = repeated(responses, stimulus)
    counts = np.bincount(index)
    kept = (2 * counts >= np.median(counts))[index]
    return values[kept], labels[index[kept]]


def _at_most(
    most: int, responses: npt.NDArray[Any], stimulus: npt.NDArray[Any], ordered: bool, rng: np.random.Generator
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """All trials or, of more stimuli, those of some."""
    labels, index = np.unique(stimulus, return_inverse=True)
    if len(labels) <= most:
        return responses, stimulus
    some = np.linspace(0, len(labels), most, endpoint=False).astype(int) if ordered else rng.permutation(len(labels))
    kept = np.isin(index, some[:most])
    return responses[kept], stimulus[kept]


def _p_value(
    responses: Any, stimulus: Any, measure: rsa.Measure, n_permutations: int, rng: np.random.Generator
) -> float:
    """Fraction of permuted labels with halves at least as similar, including the true labels."""
    values, labels = np.asarray(responses), np.asarray(stimulus)
    if len(values) > MOST_TRIALS:
        some = np.sort(rng.permutation(len(values))[:MOST_TRIALS])
        values, labels = values[some], labels[some]
    values, index, _ = repeated(values, labels)
    # Averages over trials are linear, so products of trials, centred over neurons, are all that RDMs need.
    centred = values - values.mean(axis=1, keepdims=True)
    products = (centred @ centred.T).astype(np.float64)

    def similarity(labelled: npt.NDArray[np.intp]) -> float:
        values = []
        for _ in range(TEST_SPLITS):
            first, second = half_averages(labelled, int(labelled.max()) + 1, rng)
            one, two = (_dissimilarities(products, part)[None] for part in (first, second))
            values.append(measure.compare(one, two)[0, 0])
        return float(np.mean(values))

    observed = similarity(index)
    as_high = sum(similarity(rng.permutation(index)) >= observed - 1e-12 for _ in range(n_permutations))
    return (1 + as_high) / (1 + n_permutations)


def _dissimilarities(products: npt.NDArray[np.float64], averaging: Any) -> npt.NDArray[np.float64]:
    """Correlation distances between stimuli, from products of trials, as a vector of pairs."""
    covariance = averaging @ (averaging @ products).T
    scale = 1 / np.sqrt(np.diagonal(covariance))
    return upper((1 - covariance * np.outer(scale, scale))[None])[0]
