"""Noise ceilings: the similarity with the recording that the best possible model would reach."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_array, as_count, as_seed
from normenc.errors import InputError
from normenc.rsa.cross_validated import cross_validated_rdm
from normenc.rsa.dissimilarity import rdm
from normenc.rsa.labelled import labels_of, labels_of_rdm, turned, turned_stack
from normenc.rsa.labels import check_same
from normenc.rsa.linear import Linear
from normenc.rsa.measures import Measure, Method, as_measure
from normenc.rsa.neurons import NeuronGroups, Neurons, added_up, deal, half_of_neurons
from normenc.rsa.own_neurons import Population, similarities_of_neurons
from normenc.rsa.pairs import MANY_STIMULI, as_rdms, n_stimuli_of, upper
from normenc.rsa.quadratic import are_many
from normenc.rsa.recorded import CROSSNOBIS, check_kind, check_metric, groups_of, packed, whose_rdms
from normenc.rsa.ties import check_spread
from normenc.rsa.trials import half_splits
from normenc.rsa.weighted import similarities

__all__ = ["Ceiling", "noise_ceiling", "spearman_brown"]

Floats = npt.NDArray[np.float64]
KINDS = {
    "animals": "several animals: the lower with one left out, the upper with all",
    "sessions": "several sessions: the lower with one left out, the upper with all",
    "repeats": "split halves of the repeated trials",
    "neurons": "split halves of the neurons",
    "none": "none: a single RDM carries no information about its noise",
    "no formula": "none: halves of a recording give a ceiling only for correlation measures",
}
SPLITS = {"repeats": 20, "neurons": 100}
HALVES_BYTES = 2**21  # of dissimilarities of halves of the neurons that are computed at once


@dataclass(frozen=True)
class Ceiling:
    """A noise ceiling.

    Attributes
    ----------
    kind : str
        ``"animals"``, ``"sessions"``, ``"repeats"`` or ``"neurons"``: what it was estimated from. ``"none"`` for a
        single RDM; ``"no formula"`` if halves could be compared, but the measure is not a correlation.
    lower, upper : float
        In the units of the measure, higher is better; NaN if there is none.
    """

    kind: str
    lower: float
    upper: float

    def describe(self, who: str = "animals") -> str:
        """Describe what the ceiling was estimated from; `who` is the word for its subjects.

        Examples
        --------
        >>> Ceiling("animals", 0.25, 0.61).describe()
        'several animals: the lower with one left out, the upper with all'
        """
        return KINDS[self.kind].replace("animals", who)


def noise_ceiling(
    rdms: Any = None,
    *,
    subject: Any = None,
    session: Any = None,
    repeats: Any = None,
    responses: Any = None,
    method: Method = "pearson",
    rdm_metric: str = "correlation",
    n_splits: int | None = None,
    seed: int = 0,
) -> Ceiling:
    """Noise ceiling of a recording, by the first of these methods that the data allow.

    Several animals, or several sessions of one animal (`rdms`)
        Upper: mean similarity of each animal's RDM with the RDM that is most similar to all, which is their mean after
        normalising each to unit length in the measure's metric, or their mean rank [1]_. No model can do better, except
        for tau-a, where the mean rank is close to the best. Lower: the same, leaving the animal's own RDM out of the
        mean. The whitened measures use the whitened length (rsatoolbox 0.3.2 does not, so its ceiling is not maximal).
    Repeated trials (`repeats`), or one averaged recording (`responses`)
        The RDMs of two halves of the trials, or of the neurons, are compared in many random splits. From their mean
        similarity r, the Spearman-Brown formula gives the reliability of the full recording, 2r / (1 + r). Lower: this
        reliability, the expected similarity with a second recording of the same size. Upper: its square root, the
        similarity with the noise-free RDM. The formula assumes that a half has twice the noise variance of the whole;
        if noise far exceeds the signal it has more, and the ceiling is too low. Noise shared by the halves (of a
        session, of the stimuli; between neurons, common fluctuations) is not detected.

    Parameters
    ----------
    rdms : array_like, shape (n_rdms, n_stimuli, n_stimuli), optional
        An array or a list. Stimulus labels (xarray, pandas) must agree with those of all other inputs.
    subject : array_like, shape (n_rdms,), optional
        The animal of each RDM; its sessions are left out together. By default the coordinates ``subject`` or
        ``animal``, and ``session``, of an xarray stack; without any, each RDM counts as a different animal or, if
        `session` is given, all as one.
    session : array_like, shape (n_rdms,), optional
        The session of each RDM. With a single animal, sessions are left out instead.
    repeats : array_like, shape (n_repeats, n_stimuli, n_neurons), optional
    responses : array_like, shape (n_stimuli, n_neurons), optional
        Ignored if there are several RDMs.
    method : str, Measure or callable
        As :func:`normenc.rsa.compare_rdms` takes it. Halves give a ceiling only for measures that are correlations.
    rdm_metric : str
        Metric of the halves' RDMs: one of :data:`normenc.rsa.METRICS` except ``"mahalanobis"``, which needs a noise
        covariance; for halves of neurons, ``"correlation"``, ``"cosine"`` or ``"euclidean"``. For `repeats` also
        ``"crossnobis"``: RDMs are cross-validated within each half, which needs 4 repeats.
    n_splits : int, optional
        Number of random splits; by default 100 of the neurons, 20 of the repeats.
    seed : int
        Seed of the splits.

    Returns
    -------
    Ceiling
        Of kind "none" for a single RDM and nothing else.

    Raises
    ------
    InputError
        If nothing is given; if there are fewer than two repeats or fewer than 4 neurons; if labels differ; or if a
        single RDM is not the one that `rdm_metric` gives for the responses or, without these, the repeats.

    References
    ----------
    .. [1] Nili et al., PLoS Comput. Biol. 2014; Schuett et al., eLife 2023.

    Examples
    --------
    >>> noise_ceiling([[0, 1, 2], [1, 0, 3], [2, 3, 0]]).kind
    'none'
    """
    measure = as_measure(method)
    check_metric(rdm_metric)
    seed = as_seed(seed)
    n_splits = None if n_splits is None else as_count(n_splits, "n_splits")
    if rdms is None and repeats is None and responses is None:
        raise InputError("no data to estimate a noise ceiling from; give rdms, repeats or responses")
    repeats = turned_stack(repeats, "repeats")
    responses = turned(responses, "responses")
    labels = [
        ("the data", labels_of_rdm(rdms)),
        ("repeats", labels_of(repeats, -2)),
        ("responses", labels_of(responses, -2)),
    ]
    check_same(labels)
    matrices = None if rdms is None else as_rdms(rdms, "the data")
    if matrices is not None:
        groups, kind = groups_of(*whose_rdms(rdms, subject, session), len(matrices))
        if kind:
            return ceiling_of_rdms(upper(matrices), groups, kind, measure)
    check_metric(rdm_metric, responses=responses, repeats=repeats)
    if matrices is not None and len(matrices) == 1:
        check_kind(matrices, [] if responses is None else [responses], repeats, rdm_metric)
    if repeats is not None:
        return ceiling_of_repeats(repeats, rdm_metric, measure, n_splits, seed)
    if responses is not None:
        neurons = deal(responses, rdm_metric, seed=seed)
        return ceiling_of_neurons(
            neurons if len(neurons.values) > MANY_STIMULI else added_up(neurons), measure, n_splits, seed
        )
    return Ceiling("none", float("nan"), float("nan"))


def ceiling_of_rdms(vectors: Floats, groups: npt.NDArray[np.int64], kind: str, measure: Measure) -> Ceiling:
    """From RDMs of several animals or sessions, shape (n_rdms, n_pairs)."""
    n_stimuli = n_stimuli_of(vectors.shape[1])
    everyone, stimuli = np.ones((1, len(vectors)), dtype=np.int64), np.ones((1, n_stimuli), dtype=np.int64)
    compared = similarities(vectors[:1], vectors, stimuli, measure, rdm_counts=everyone, subject=groups)
    lower, highest = compared.ceiling[0]
    return Ceiling(kind, float(lower), float(highest))


def ceiling_of_repeats(
    repeats: Any,
    rdm_metric: str,
    measure: Measure,
    n_splits: int | None,
    seed: int,
    see: Callable[[Floats, Floats], object] | None = None,
) -> Ceiling:
    """From halves of the trials; `see` is given those of every split."""

    def seen() -> Iterator[tuple[Floats, Floats]]:
        for halves in repeat_halves(repeats, rdm_metric, n_splits or SPLITS["repeats"], seed):
            if see is not None:
                see(*halves)
            yield halves

    return _from_halves("repeats", seen(), measure)


def ceiling_of_neurons(neurons: NeuronGroups | Neurons, measure: Measure, n_splits: int | None, seed: int) -> Ceiling:
    """From halves of the neurons."""
    if isinstance(neurons, Neurons) and isinstance(measure.arithmetic, Linear):
        return _from_similarities(
            "neurons", _of_halves(neurons, measure.arithmetic, n_splits or SPLITS["neurons"], seed)
        )
    once = np.ones((1, neurons.n_groups), dtype=np.int64)
    halves = neuron_halves(neurons, once, n_splits or SPLITS["neurons"], seed)
    return _from_halves("neurons", ((first[0], second[0]) for first, second in halves), measure)


def spearman_brown(similarity: Any, times: Any = 2.0) -> Any:
    """Reliability of the whole from the similarity r of its halves: 2r / (1 + r), or r itself if r is negative.

    For negative r the formula would diverge to minus infinity. Of parts that are contained k `times` in the whole, it
    is kr / (1 + (k - 1) r).

    References
    ----------
    Spearman, "Correlation calculated from faulty data", Br. J. Psychol. 1910; Brown, "Some experimental results in the
    correlation of mental abilities", ibid.

    Examples
    --------
    >>> float(spearman_brown(0.5).round(4))
    0.6667
    """
    values = as_array(similarity, "the similarity").astype(np.float64)
    return np.where(values > 0, times * values / (1 + (times - 1) * np.abs(values)), values)


def bounds(similarity: Any, times: Any = 2.0) -> tuple[Any, Any]:
    """Lower and upper ceiling from the mean similarity of halves, contained so many `times` in the whole."""
    lower = spearman_brown(similarity, times)
    return lower, np.sqrt(np.maximum(lower, 0))


def repeat_halves(repeats: Any, rdm_metric: str, n_splits: int, seed: int) -> Iterator[tuple[Floats, Floats]]:
    """Dissimilarities of two halves of the trials, each of shape (n_pairs,), once for each different one of the splits.

    Of stimuli with more trials than others, the first ones; see :func:`normenc.rsa.trials.half_splits`.
    """
    trials = as_array(repeats, "repeats")
    if rdm_metric != CROSSNOBIS and trials.ndim == 3 and np.isnan(trials).any():
        values, n_trials = packed(trials)
        if n_trials.min() < 2:
            raise InputError(
                f"repeats have shape {trials.shape}, with {n_trials.min()} of stimulus {n_trials.argmin()}; halves of "
                "the trials need at least 2 of each. Leave such stimuli out"
            )
        trials = values[: n_trials.min()]
    least = 4 if rdm_metric == CROSSNOBIS else 2
    if trials.ndim != 3 or len(trials) < least:
        why = " for cross-validation within each half" if least > 2 else ""
        raise InputError(
            f"repeats have shape {trials.shape}; they must be (n_repeats, n_stimuli, n_neurons) with at least {least} "
            f"repeats{why}"
        )
    for parts in half_splits(len(trials), n_splits, seed):
        first, second = (
            upper(
                cross_validated_rdm(trials[part])
                if rdm_metric == CROSSNOBIS
                else rdm(trials[part[0]] if len(part) == 1 else trials[part].mean(axis=0), metric=rdm_metric)
            )
            for part in parts
        )
        yield first, second


def neuron_halves(
    neurons: NeuronGroups | Neurons, counts: npt.NDArray[np.int64], n_splits: int, seed: int
) -> Iterator[tuple[Floats, Floats]]:
    """Dissimilarities of two halves of the neurons, each of shape (n_samples, n_pairs), split by split.

    See :func:`random_halves` for `counts`. As many splits are computed together as fit in a little memory, because the
    work is fast for many samples at once.
    """
    splits = random_halves(counts, n_splits, seed)
    if isinstance(neurons, Neurons):
        for first, second in splits:
            yield half_of_neurons(neurons, first[0] > 0)[None], half_of_neurons(neurons, second[0] > 0)[None]
        return
    at_once = max(1, HALVES_BYTES // (16 * len(counts) * neurons.products.shape[1]))
    while some := list(islice(splits, at_once)):
        firsts, seconds = (neurons.vectors(np.concatenate(halves)) for halves in zip(*some, strict=True))
        yield from zip(np.split(firsts, len(some)), np.split(seconds, len(some)), strict=True)


def random_halves(counts: npt.NDArray[Any], n_splits: int, seed: int) -> Iterator[tuple[Any, Any]]:
    """Two halves of the groups of neurons that are in each sample, split by split: no group is in both.

    From how often each group is in each sample, (n_samples, n_groups), that in each half.
    """
    rng = np.random.default_rng([seed, 3])
    for _ in range(n_splits):
        order = rng.permutation(counts.shape[1])
        there = counts[:, order] > 0
        first = np.empty(counts.shape, dtype=bool)
        first[:, order] = there.cumsum(axis=1) <= there.sum(axis=1, keepdims=True) // 2
        yield counts * first, counts * ~first


def _from_halves(kind: str, halves: Iterable[tuple[Floats, Floats]], measure: Measure) -> Ceiling:
    if not measure.is_correlation:
        return Ceiling("no formula", float("nan"), float("nan"))
    try:
        return _from_similarities(kind, [_similarity(first, second, measure) for first, second in halves])
    except InputError as error:
        raise InputError(f"the noise ceiling, from halves of the {kind}: {error}") from None


def _similarity(first: Floats, second: Floats, measure: Measure) -> Any:
    """Similarity of two vectors of dissimilarities, of which those of many stimuli are not copied."""
    if not are_many(len(first)) or not isinstance(measure.arithmetic, Linear):
        return measure.compare(first[None], second[None])[0, 0]
    for vector, what in ((second, "second"), (first, "first")):
        check_spread(vector[None], centred=measure.arithmetic.centred, what=what)
    everyone = np.ones((1, n_stimuli_of(len(first))), dtype=np.int64)
    return np.clip(similarities(first[None], second[None], everyone, measure).models[0, 0, 0], -1, 1)


def _from_similarities(kind: str, similarities_of_halves: Any) -> Ceiling:
    lower, highest = bounds(np.mean(similarities_of_halves))
    return Ceiling(kind, float(lower), float(highest))


def _of_halves(neurons: Neurons, measure: Linear, n_splits: int, seed: int) -> Floats:
    """Similarity of the halves of many stimuli's neurons in every split, shape (n_splits,)."""
    every = np.ones((1, neurons.n_groups), dtype=np.int64)
    both = zip(*random_halves(every, n_splits, seed), strict=True)
    halves = [Population(neurons, np.concatenate(half)) for half in both]
    once = np.ones((1, len(neurons.values)), dtype=np.int64)
    none = np.empty((0, 0))
    (_, between) = similarities_of_neurons(none, halves, [once], centred=measure.centred, whitened=measure.whitened)[0]
    return np.asarray(between[:, 0, 1])
