"""Similarities of RDMs in many bootstrap samples of the stimuli at once.

A sample that holds stimulus i :math:`c_i` times holds the pair of stimuli i and j :math:`c_i c_j` times; pairs of a
stimulus with itself are no pairs. Every comparison is then a weighted one, with the same result as that of the
resampled matrices, and the sums behind all samples are one matrix product.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from normenc.rsa.comparison import CENTRED, RANKED, WHITENED, sort_order, tau_a_sorted
from normenc.rsa.ties import begins
from normenc.rsa.whitening import row_effects

__all__ = ["Similarities", "sample_ceilings", "sample_similarities", "similarities"]

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
CHUNK_BYTES = 2**27  # of pair weights, and of products of vectors, at a time
CACHE_BYTES = 2**21  # of samples at a time, where each has data of its own and every pass goes over all of them


@dataclass(frozen=True)
class Similarities:
    """What the comparisons gave in every sample; NaN where a similarity is undefined there.

    Attributes
    ----------
    models : ndarray, shape (n_samples, n_models, n_rdms)
        Of each model with each of the data's RDMs.
    ceiling : ndarray, shape (n_samples, 2)
        Lower and upper noise ceiling; NaN where none was asked for.
    """

    models: Floats
    ceiling: Floats


def similarities(
    models: Floats,
    data: Floats,
    counts: Counts,
    method: str,
    *,
    rdm_counts: Counts | None = None,
    subject: npt.NDArray[np.int64] | None = None,
    weigh_subjects: bool = False,
) -> Similarities:
    """Compare models with data in every sample.

    Parameters
    ----------
    models, data : ndarray, shape (n_models, n_pairs) and (n_rdms, n_pairs)
        Vectors of dissimilarities.
    counts : ndarray of int, shape (n_samples, n_stimuli)
        How often each stimulus is in each sample.
    method : str
        One of :data:`normenc.rsa.METHODS`.
    rdm_counts : ndarray of int, shape (n_samples, n_rdms), optional
        How often each of the data's RDMs is in each sample, for the ceiling. With a single sample of stimuli, as many
        ceilings as there are rows here.
    subject : ndarray of int, shape (n_rdms,), optional
        Whom each RDM is of; the ceiling is computed where it is given.
    weigh_subjects : bool
        Whether an animal that is twice in a sample counts twice in the ceiling's mean over animals, and not only in
        the mean RDM that each is compared with, as in rsatoolbox.

    Returns
    -------
    Similarities
    """
    step = max(1, CHUNK_BYTES // (8 * data.shape[1]))
    parts = []
    prepared = _Ranked(models, data, method) if method in (*RANKED, "kendall-tau-a") else _Linear(models, data, method)
    for start in range(0, len(counts), step):
        chosen = slice(start, start + step)
        weights_of_rdms = None if subject is None or rdm_counts is None else rdm_counts[chosen]
        with np.errstate(divide="ignore", invalid="ignore"):
            parts.append(prepared.compare(counts[chosen], weights_of_rdms, subject, weigh_subjects))
    return Similarities(np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts]))


def sample_similarities(models: Floats, data: Floats, counts: Counts, method: str) -> Floats:
    """The same where every sample has data of its own, as bootstrap samples of neurons have.

    Parameters
    ----------
    models : ndarray, shape (n_models, n_pairs), or (n_models, n_samples, n_pairs) where they differ too
    data : ndarray, shape (n_samples, n_pairs)
    counts : ndarray of int, shape (n_samples, n_stimuli) or (1, n_stimuli)
    method : str

    Returns
    -------
    ndarray, shape (n_samples, n_models)
    """
    n_samples = len(data)
    counts = np.broadcast_to(counts, (n_samples, counts.shape[1]))
    if method in (*RANKED, "kendall-tau-a"):
        return _ranked_samples(models, data, counts, method)
    step = max(1, CACHE_BYTES // (8 * data.shape[1]))
    parts = []
    for start in range(0, n_samples, step):
        chosen = slice(start, start + step)
        own = models if models.ndim == 2 else models[:, chosen]
        with np.errstate(divide="ignore", invalid="ignore"):
            parts.append(_linear_samples(own, data[chosen], counts[chosen], method))
    return np.concatenate(parts)


def sample_ceilings(
    data: Floats,
    counts: Counts,
    method: str,
    *,
    rdm_counts: Counts,
    subject: npt.NDArray[np.int64],
    weigh_subjects: bool = False,
) -> Floats:
    """Lower and upper ceiling where every sample has RDMs of its own.

    Parameters
    ----------
    data : ndarray, shape (n_rdms, n_samples, n_pairs)
    counts : ndarray of int, shape (n_samples, n_stimuli) or (1, n_stimuli)
    method : str
    rdm_counts : ndarray of int, shape (n_samples, n_rdms) or (1, n_rdms)
    subject, weigh_subjects
        See :func:`similarities`.

    Returns
    -------
    ndarray, shape (n_samples, 2)
    """
    n_samples = data.shape[1]
    counts = np.broadcast_to(counts, (n_samples, counts.shape[1]))
    amounts = np.broadcast_to(rdm_counts, (n_samples, rdm_counts.shape[1]))
    if method in (*RANKED, "kendall-tau-a"):
        ceilings = []
        for sample in range(n_samples):
            weight = pair_weights(counts[[sample]])[:, 0]
            ranks = np.stack([_weighted_ranks(vector, weight) for vector in data[:, sample]])
            ceilings.append(_rank_ceiling(ranks, weight, amounts[sample], subject, method, weigh_subjects))
        return np.array(ceilings)
    between = np.stack([sample_similarities(data, own, counts, method) for own in data], axis=2)
    with np.errstate(divide="ignore", invalid="ignore"):
        return _linear_ceiling(between, amounts.astype(float), subject, weigh_subjects)


def _ranked_samples(models: Floats, data: Floats, counts: Counts, method: str) -> Floats:
    shared = _Ranked(models, models[:0], method) if models.ndim == 2 else None
    found = np.empty((len(data), len(models)))
    for sample, vector in enumerate(data):
        weight = pair_weights(counts[[sample]])[:, 0]
        own = _weighted_ranks(vector, weight)[None]
        x = shared.ranks(weight) if shared else np.stack([_weighted_ranks(v, weight) for v in models[:, sample]])
        found[sample] = _rank_similarity(x, own, weight, method)[:, 0]
    return found


def _weighted_ranks(vector: Floats, weight: Floats) -> Floats:
    """Centred ranks of one vector in a sample; ties share theirs."""
    order, ordered = sort_order(vector)
    running = np.concatenate(([0.0], weight[order].cumsum()))
    starts = np.flatnonzero(begins(ordered))
    sizes = np.diff(starts, append=len(ordered))
    ranks = np.empty(len(vector))
    ranks[order] = np.repeat((running[starts] + running[starts + sizes] - running[-1]) / 2, sizes)
    return ranks


def _rank_similarity(x: Floats, y: Floats, weight: Floats, method: str) -> Floats:
    if weight.sum() < 2:  # a single dissimilarity, or none, has no order
        return np.full((len(x), len(y)), np.nan)
    if method == "kendall-tau-a":
        times = weight.astype(int)
        return _tau_a_table(*(np.repeat(v, times, axis=1) for v in (x, y)))
    return _weighted_correlation(x, y, weight, method)


def _linear_samples(models: Floats, data: Floats, counts: Counts, method: str) -> Floats:
    weights = pair_weights(counts).T
    total = weights.sum(axis=1)
    x, y = models, data
    means = np.zeros((len(x), len(y)))
    if method in CENTRED:
        x = x - x.mean(axis=-1, keepdims=True)  # so that the sample's own means are small
        means = _weighted_sums(x, weights) / total
        y = y - (np.einsum("bp,bp->b", weights, y) / total)[:, None]
    # Since y is centred in the sample, centring x would change no product with it.
    products = _weighted_sums(x, weights * y)
    uncentred = _weighted_sums(x * x, weights)
    squares = uncentred - means**2 * total
    own = np.einsum("bp,bp,bp->b", weights, y, y)
    if method in WHITENED:
        amounts = counts.astype(np.float64)
        matrices = _matrices(x, counts.shape[1])
        sums_x = np.einsum("vij,bj->vbi" if x.ndim == 2 else "vbij,bj->vbi", matrices, amounts, optimize=True)
        sums_x -= means[:, :, None] * (amounts.sum(axis=1, keepdims=True) - amounts)
        sums_y = np.einsum("bij,bj->bi", _matrices(y, counts.shape[1]), amounts)
        effects_x, effects_y = (row_effects(v, amounts) * amounts for v in (sums_x, sums_y))
        products += np.einsum("vbi,bi->vb", sums_x, effects_y)
        squares += np.einsum("vbi,vbi->vb", sums_x, effects_x)
        own += np.einsum("bi,bi->b", sums_y, effects_y)
    size = np.abs(data).max(axis=1)
    if method in CENTRED:  # an offset says nothing, but leaves its rounding
        size = np.maximum(np.ptp(data, axis=1), 1e-8 * size)
    own = _without_rounding(own, total * size**2)
    return (products / np.sqrt(_without_rounding(squares, uncentred) * own)).T


def _without_rounding(squares: Floats, reference: Floats) -> Floats:
    """Squared lengths; NaN where they are nothing but rounding beside a reference: all dissimilarities are equal."""
    return np.where(squares > 1e-14 * reference, squares, np.nan)


def _weighted_sums(x: Floats, weights: Floats) -> Floats:
    return x @ weights.T if x.ndim == 2 else np.einsum("vbp,bp->vb", x, weights)


def _matrices(vectors: Floats, n_stimuli: int) -> Floats:
    rows, columns = np.triu_indices(n_stimuli, k=1)
    matrices = np.zeros((*vectors.shape[:-1], n_stimuli, n_stimuli))
    matrices[..., rows, columns] = matrices[..., columns, rows] = vectors
    return matrices


def pair_weights(counts: Counts) -> Floats:
    """Weight of every pair, shape (n_pairs, n_samples)."""
    rows, columns = np.triu_indices(counts.shape[1], k=1)
    transposed = np.ascontiguousarray(counts.T, dtype=np.float64)
    return transposed[rows] * transposed[columns]


class _Linear:
    """Pearson, cosine and their whitened forms: all from products of pairs of vectors."""

    def __init__(self, models: Floats, data: Floats, method: str):
        self.centred, self.whitened = method in CENTRED, method in WHITENED
        vectors = np.vstack([models, data])
        if self.centred:
            vectors = vectors - vectors.mean(axis=1, keepdims=True)
        vectors = vectors / np.maximum(np.abs(vectors).max(axis=1, keepdims=True), np.finfo(float).tiny)
        self.vectors = np.vstack([vectors, np.ones(vectors.shape[1])])
        self.n_models, self.n_rdms = len(models), len(data)
        everyone, ours = np.arange(len(vectors)), np.arange(len(models), len(vectors))
        constant = len(vectors)
        # Products asked for: models x data, data x data, everyone with itself, and with the constant vector.
        first, second = np.meshgrid(everyone, ours, indexing="ij")
        needed = first.ravel() <= second.ravel()
        self.first = np.concatenate([first.ravel()[needed], np.arange(len(models)), everyone, [constant]])
        self.second = np.concatenate(
            [second.ravel()[needed], np.arange(len(models)), *[[constant] * len(vectors)], [constant]]
        )

    def compare(
        self, counts: Counts, rdm_counts: Counts | None, subject: npt.NDArray[np.int64] | None, weigh: bool
    ) -> tuple[Floats, Floats]:
        weights = pair_weights(counts)
        products = self._products(weights, counts)
        n_vectors = self.n_models + self.n_rdms
        if self.centred:
            means = (self.vectors[:-1] @ weights) / weights.sum(axis=0)
            constant = products[-1 - n_vectors : -1]
            inner = self.first[: -1 - n_vectors], self.second[: -1 - n_vectors]
            products = (
                products[: -1 - n_vectors]
                - means[inner[0]] * constant[inner[1]]
                - means[inner[1]] * constant[inner[0]]
                + means[inner[0]] * means[inner[1]] * products[-1]
            )
        table = np.full((n_vectors, n_vectors, len(counts)), np.nan)
        n_inner = len(self.first) - 1 - n_vectors
        table[self.first[:n_inner], self.second[:n_inner]] = products[:n_inner]
        squares = np.einsum("iib->ib", table)
        largest = np.max(squares, axis=1, keepdims=True, where=np.isfinite(squares), initial=0)
        norms = np.sqrt(_without_rounding(squares, largest))
        found = table[: self.n_models, self.n_models :] / norms[: self.n_models, None] / norms[None, self.n_models :]
        ceiling = np.full((len(counts), 2), np.nan)
        if subject is not None and rdm_counts is not None:
            between = (
                table[self.n_models :, self.n_models :] / norms[self.n_models :, None] / norms[None, self.n_models :]
            )
            between = np.where(np.isnan(between), between.transpose(1, 0, 2), between)
            ceiling = _linear_ceiling(between.transpose(2, 0, 1), rdm_counts.astype(float), subject, weigh)
        return found.transpose(2, 0, 1), ceiling

    def _products(self, weights: Floats, counts: Counts) -> Floats:
        found = np.empty((len(self.first), weights.shape[1]))
        step = max(1, CHUNK_BYTES // (8 * self.vectors.shape[1]))
        for start in range(0, len(self.first), step):
            chosen = slice(start, start + step)
            found[chosen] = (self.vectors[self.first[chosen]] * self.vectors[self.second[chosen]]) @ weights
        if self.whitened:
            amounts = counts.astype(np.float64)
            sums = np.einsum("vij,bj->bvi", _matrices(self.vectors, counts.shape[1]), amounts, optimize=True)
            effects = row_effects(sums, amounts[:, None]) * amounts[:, None]
            crossed = sums @ effects.transpose(0, 2, 1)
            found += crossed[:, self.first, self.second].T
        return found


class _Ranked:
    """Spearman, rho-a and tau-a: ranks differ between samples, so that samples are taken one by one.

    Every vector is sorted once; a sample's ranks are then running sums of the pairs' weights in that order.
    """

    def __init__(self, models: Floats, data: Floats, method: str):
        self.method = method
        self.vectors = np.vstack([models, data])
        self.n_models = len(models)
        order = np.argsort(self.vectors, axis=1, kind="stable")
        ordered = np.take_along_axis(self.vectors, order, axis=1)
        places = np.broadcast_to(np.arange(order.shape[1]), order.shape)
        fresh = np.ones((len(order), order.shape[1] + 1), dtype=bool)
        fresh[:, :-1] = [begins(row) for row in ordered]
        first = np.maximum.accumulate(np.where(fresh[:, :-1], places, 0), axis=1)
        last = np.minimum.accumulate(np.where(fresh[:, 1:], places, order.shape[1])[:, ::-1], axis=1)[:, ::-1]
        # Of every pair: where its ties begin and end in the running sums, which start with a zero.
        rows = np.arange(len(order))[:, None] * (order.shape[1] + 1)
        self.order = order
        self.begin, self.end = np.empty_like(order), np.empty_like(order)
        np.put_along_axis(self.begin, order, first + rows, axis=1)
        np.put_along_axis(self.end, order, last + 1 + rows, axis=1)

    def compare(
        self, counts: Counts, rdm_counts: Counts | None, subject: npt.NDArray[np.int64] | None, weigh: bool
    ) -> tuple[Floats, Floats]:
        weights = pair_weights(counts).T
        found = np.empty((len(counts), self.n_models, len(self.vectors) - self.n_models))
        wanted = counts[:0] if subject is None or rdm_counts is None else rdm_counts
        ceiling = np.full((max(len(counts), len(wanted)), 2), np.nan)
        for sample, weight in enumerate(weights):
            ranked = self.ranks(weight)
            models, data = ranked[: self.n_models], ranked[self.n_models :]
            found[sample] = _rank_similarity(models, data, weight, self.method)
            own = slice(sample, sample + 1) if len(weights) == len(wanted) else slice(None)
            for place in range(len(wanted))[own]:
                assert subject is not None
                ceiling[place] = _rank_ceiling(data, weight, wanted[place], subject, self.method, weigh)
        return found, ceiling

    def ranks(self, weight: Floats) -> Floats:
        """Ranks in the sample, centred: shape (n_vectors, n_pairs)."""
        running = np.zeros((len(self.order), self.order.shape[1] + 1))
        np.cumsum(weight[self.order], axis=1, out=running[:, 1:])
        ranks = running.ravel()[self.begin]
        ranks += running.ravel()[self.end]
        ranks -= running[0, -1]  # from the mean of begin and end, and a half, to the distance from the mean rank
        ranks /= 2
        return ranks


def _weighted_correlation(x: Floats, y: Floats, weight: Floats, method: str) -> Floats:
    products = (x * weight) @ y.T
    if method == "rho-a":
        total = weight.sum()
        return products * 12 / (total**3 - total)
    norms = [np.sqrt((v * v) @ weight) for v in (x, y)]
    return products / np.outer(*(np.where(norm > 0, norm, np.nan) for norm in norms))


def _tau_a_table(x: Floats, y: Floats) -> Floats:
    found = np.empty((len(x), len(y)))
    for column, vector in enumerate(y):
        order = np.argsort(vector, kind="stable")
        ordered = vector[order]
        dense = begins(ordered).cumsum(dtype=np.intp)
        found[:, column] = [tau_a_sorted(other[order], dense) for other in x]
    return found


def _linear_ceiling(between: Floats, amounts: Floats, subject: npt.NDArray[np.int64], weigh: bool) -> Floats:
    """Ceilings from the data's similarities with each other, shape (n_samples, n_rdms, n_rdms).

    The RDM that is most similar to several on average is the mean of these once each has unit length (in the
    comparison's own metric), so that its similarity with each follows from theirs with each other.
    """
    lower, upper, present = [], [], []
    everyone = _similarity_with_mean(between, amounts)
    for one in np.unique(subject):
        own = subject == one
        others = amounts * ~own
        left_out = _similarity_with_mean(between, others)
        lower.append(left_out[:, own].mean(axis=1))
        upper.append(everyone[:, own].mean(axis=1))
        present.append(amounts[:, own].max(axis=1))
    times = np.array(present)
    enough = (times > 0).sum(axis=0) > 1
    times = times if weigh else (times > 0).astype(float)
    means = [np.where(times > 0, np.array(v) * times, 0).sum(axis=0) / times.sum(axis=0) for v in (lower, upper)]
    return np.where(enough, means, np.nan).T


def _similarity_with_mean(between: Floats, amounts: Floats) -> Floats:
    products = np.einsum("brs,bs->br", between, amounts)
    return products / np.sqrt(np.einsum("br,br->b", products, amounts))[:, None]


def _rank_ceiling(
    ranks: Floats, weight: Floats, amounts: Counts, subject: npt.NDArray[np.int64], method: str, weigh: bool
) -> Floats:
    """Ceilings from mean ranks, whose order no other RDM's exceeds in mean rank correlation.

    For tau-a the best RDM cannot be computed in practice; that by mean ranks is close to it.
    """
    if weight.sum() < 2:
        return np.full(2, np.nan)
    there = weight > 0
    inside, own = weight[there], ranks[:, there]
    present = [one for one in np.unique(subject) if amounts[subject == one].max() > 0]
    if len(present) < 2:
        return np.full(2, np.nan)
    pooled = _pooled_ranks(np.stack([amounts, *(amounts * (subject != one) for one in present)]) @ own, inside)
    table = _rank_similarity(pooled, own, inside, method)
    mine = [subject == one for one in present]
    times = [amounts[own_rdms].max() if weigh else 1 for own_rdms in mine]
    lower = [table[1 + index, own_rdms].mean() for index, own_rdms in enumerate(mine)]
    upper = [table[0, own_rdms].mean() for own_rdms in mine]
    return np.array([np.average(lower, weights=times), np.average(upper, weights=times)])


def _pooled_ranks(totals: Floats, weight: Floats) -> Floats:
    """Centred weighted ranks of each row of `totals`, sums of ranks, whose doubles are whole numbers."""
    n_rows, n_pairs = totals.shape
    width = max(1, int(n_pairs - 1).bit_length())
    keys = np.rint(2 * totals).astype(np.int64) * (1 << width) + np.arange(n_pairs)
    keys.sort(axis=1)
    order, values = keys & ((1 << width) - 1), keys >> width
    running = np.zeros((n_rows, n_pairs + 1))
    np.cumsum(weight[order], axis=1, out=running[:, 1:])
    fresh = np.pad(values[:, 1:] != values[:, :-1], ((0, 0), (1, 1)), constant_values=True)
    begin = np.maximum.accumulate(np.where(fresh[:, :-1], running[:, :-1], 0), axis=1)
    end = np.minimum.accumulate(np.where(fresh[:, 1:], running[:, 1:], np.inf)[:, ::-1], axis=1)[:, ::-1]
    pooled = np.empty_like(totals)
    np.put_along_axis(pooled, order, (begin + end - running[:, -1:]) / 2, axis=1)
    return pooled
