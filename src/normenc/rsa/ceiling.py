"""Noise ceilings: how similar to the recording the best possible model would be."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_array
from normenc.errors import InputError
from normenc.rsa.comparison import check_method, compare_vectors
from normenc.rsa.dissimilarity import rdm
from normenc.rsa.neurons import NeuronGroups, group_neurons
from normenc.rsa.pairs import as_rdms, upper
from normenc.rsa.weighted import similarities

__all__ = ["Ceiling", "noise_ceiling", "spearman_brown"]

Floats = npt.NDArray[np.float64]
KINDS = {
    "animals": "several animals: the lower with one left out, the upper with all",
    "sessions": "several sessions: the lower with one left out, the upper with all",
    "repeats": "split halves of the repeated trials",
    "neurons": "split halves of the neurons",
    "none": "none: there is a single RDM, which tells nothing about its noise",
}


@dataclass(frozen=True)
class Ceiling:
    """A noise ceiling.

    Attributes
    ----------
    kind : str
        ``"animals"``, ``"sessions"``, ``"repeats"``, ``"neurons"``, or ``"none"``: what it was estimated from.
    lower, upper : float
        In the comparison's own units, higher is better; NaN where the kind is "none".
    """

    kind: str
    lower: float
    upper: float

    def describe(self) -> str:
        """Say in words what the ceiling was estimated from.

        Examples
        --------
        >>> Ceiling("animals", 0.25, 0.61).describe()
        'several animals: the lower with one left out, the upper with all'
        """
        return KINDS[self.kind]


def noise_ceiling(
    rdms: Any = None,
    *,
    subject: Any = None,
    session: Any = None,
    repeats: Any = None,
    responses: Any = None,
    method: str = "pearson",
    rdm_metric: str = "correlation",
    n_splits: int | None = None,
    seed: int = 0,
) -> Ceiling:
    """Noise ceiling of a recording, by the first of three ways that it allows.

    Several animals, or several sessions of one animal (`rdms`)
        Upper: mean similarity of each animal's RDM with the one RDM that is most similar to all, which is their mean
        after each has unit length in the comparison's metric, or their mean rank [1]_. No model can be better, apart
        from tau-a, where the mean rank is close to the best. Lower: the same with the animal's own RDM left out of
        the mean. The whitened comparisons use the whitened length (rsatoolbox 0.3.2 does not, and is not maximal).
    Repeated trials (`repeats`), or one averaged recording (`responses`)
        The RDMs of two halves of the trials, or of the neurons, are compared, in many random splits; the
        Spearman-Brown formula gives from their mean similarity r the reliability 2r / (1 + r) of the whole. Lower:
        that reliability, the similarity with a second recording of the same size. Upper: its square root, the
        similarity with the RDM free of noise. The formula takes a half's noise variance to be twice the whole's;
        where noise far outweighs the signal it is more, and the ceiling too low. Noise that the halves share (of a
        session, of the stimuli; between neurons, their common fluctuations) is not noticed.

    Parameters
    ----------
    rdms : array_like, shape (n_rdms, n_stimuli, n_stimuli), optional
    subject : array_like, shape (n_rdms,), optional
        Whom each RDM is of; an animal's sessions are left out together. By default each is of an animal of its own,
        or, where `session` is given, all are of one.
    session : array_like, shape (n_rdms,), optional
        Which session each RDM is of. Sessions are what is left out where there are not several animals.
    repeats : array_like, shape (n_repeats, n_stimuli, n_neurons), optional
    responses : array_like, shape (n_stimuli, n_neurons), optional
        Not looked at where there are several RDMs.
    method : str
        One of :data:`normenc.rsa.METHODS`.
    rdm_metric : str
        Of the halves' RDMs.
    n_splits : int, optional
        Random splits: 100 of the neurons, 20 of the repeats.
    seed : int
        Of the splits.

    Returns
    -------
    Ceiling
        Of kind "none" when there is a single RDM and nothing else.

    Raises
    ------
    InputError
        When nothing is given, or it is unfit: fewer than two repeats, fewer than 4 neurons.

    References
    ----------
    .. [1] Nili et al., PLoS Comput. Biol. 2014; Schuett et al., eLife 2023.

    Examples
    --------
    >>> noise_ceiling([[0, 1, 2], [1, 0, 3], [2, 3, 0]]).kind
    'none'
    """
    check_method(method)
    if rdms is None and repeats is None and responses is None:
        raise InputError("there is nothing to estimate a noise ceiling from: give rdms, repeats or responses")
    if rdms is not None:
        matrices = as_rdms(rdms, "the data")
        groups, kind = groups_of(subject, session, len(matrices))
        if kind:
            vectors = upper(matrices)
            everyone = np.ones((1, len(vectors)), dtype=np.int64)
            stimuli = np.ones((1, matrices.shape[1]), dtype=np.int64)
            found = similarities(vectors[:1], vectors, stimuli, method, rdm_counts=everyone, subject=groups)
            lower, highest = found.ceiling[0]
            return Ceiling(kind, float(lower), float(highest))
    if repeats is not None:
        halves = repeat_halves(repeats, rdm_metric, n_splits or 20, seed)
        return _from_halves("repeats", halves, method)
    if responses is not None:
        neurons = group_neurons(responses, rdm_metric, seed=seed)
        counts = np.ones((1, len(neurons.sizes)), dtype=np.int64)
        return _from_halves("neurons", neuron_halves(neurons, counts, n_splits or 100, seed)[:, :, 0], method)
    return Ceiling("none", float("nan"), float("nan"))


def spearman_brown(similarity: Any) -> Any:
    """Reliability of the whole from the similarity r of its halves: 2r / (1 + r), and r itself where r is negative.

    References
    ----------
    Spearman, Br. J. Psychol. 1910; Brown, ibid.

    Examples
    --------
    >>> float(spearman_brown(0.5).round(4))
    0.6667
    """
    values = np.asarray(similarity, dtype=np.float64)
    return np.where(values > 0, 2 * values / (1 + np.abs(values)), values)


def bounds(similarity: Any) -> tuple[Any, Any]:
    """Lower and upper ceiling from the mean similarity of halves."""
    lower = spearman_brown(similarity)
    return lower, np.sqrt(np.maximum(lower, 0))


def repeat_halves(repeats: Any, rdm_metric: str, n_splits: int, seed: int) -> Floats:
    """Dissimilarities of two halves of the trials, shape (2, n_splits, n_pairs); an odd trial is left out."""
    trials = as_array(repeats, "repeats")
    if trials.ndim != 3 or len(trials) < 2:
        raise InputError(
            f"repeats have shape {trials.shape}; they must be (n_repeats, n_stimuli, n_neurons) with 2 repeats or more"
        )
    rng = np.random.default_rng([seed, 2])
    half = len(trials) // 2
    halves = []
    for _ in range(n_splits):
        order = rng.permutation(len(trials))
        parts = order[:half], order[half : 2 * half]
        halves.append([upper(rdm(trials[part].mean(axis=0), metric=rdm_metric)) for part in parts])
    return np.array(halves).transpose(1, 0, 2)


def neuron_halves(neurons: NeuronGroups, counts: npt.NDArray[np.int64], n_splits: int, seed: int) -> Floats:
    """Dissimilarities of two halves of the neurons, shape (2, n_splits, n_samples, n_pairs).

    The groups are split, and then drawn `counts` times each, so that no neuron is ever in both halves.
    """
    rng = np.random.default_rng([seed, 3])
    n_groups = len(neurons.sizes)
    halves = []
    for _ in range(n_splits):
        first = np.isin(np.arange(n_groups), rng.permutation(n_groups)[: n_groups // 2])
        halves.append([neurons.vectors(counts * part) for part in (first, ~first)])
    return np.array(halves).transpose(1, 0, 2, 3)


def groups_of(subject: Any, session: Any, n_rdms: int) -> tuple[npt.NDArray[np.int64], str]:
    """Number from 0 which animal, or else which session, each RDM is of, and say which of the two that is.

    Without labels each RDM is of an animal of its own; with those of sessions alone, all are of one animal. The kind
    is empty where there is one of either.
    """
    given = [("subject", "animals", subject), ("session", "sessions", session)]
    for name, kind, labels in given:
        if labels is None:
            continue
        if np.shape(labels) != (n_rdms,):
            raise InputError(
                f"{name} has shape {np.shape(labels)}; it must be ({n_rdms},): the {kind.removesuffix('s')} of each RDM"
            )
        found, index = np.unique(np.asarray(labels), return_inverse=True)
        if len(found) > 1:
            return index.astype(np.int64), kind
    if subject is None and session is None and n_rdms > 1:
        return np.arange(n_rdms), "animals"
    return np.zeros(n_rdms, dtype=np.int64), ""


def _from_halves(kind: str, halves: Floats, method: str) -> Ceiling:
    similarity = np.mean([compare_vectors(a, b, method)[0, 0] for a, b in zip(*halves, strict=True)])
    lower, highest = bounds(similarity)
    return Ceiling(kind, float(lower), float(highest))
