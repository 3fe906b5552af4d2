"""Is a similarity more than chance? The stimuli of one RDM are exchanged, never the entries of the RDM."""

from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.rsa.comparison import CENTRED, RANKED, WHITENED, check_method, compare_vectors, ranks
from normenc.rsa.pairs import as_rdms, upper
from normenc.rsa.whitening import row_effects, row_sums

__all__ = ["chance_p_values", "permuted_similarities"]

Floats = npt.NDArray[np.float64]
CHUNK_PAIRS = 2**22


def chance_p_values(
    models: Any, data: Any, method: str = "pearson", *, ordered: bool = False, n_permutations: int = 1000, seed: int = 0
) -> Floats:
    """Probability of a similarity as high as this, or higher, if the stimuli had nothing to do with each other.

    The data's stimuli are permuted as whole rows and columns. Permuting the RDM's entries instead would treat
    dissimilarities that share a stimulus as independent, and call chance significant three times too often. Where the
    stimuli lie in order on a circle (`ordered`), neighbours are alike in every smooth representation; there all
    circular shifts are taken instead, which ask whether the match is bound to the very orientations. For an RDM that
    is the same all around the circle every shift is as good, and nothing can be concluded.

    Parameters
    ----------
    models : array_like, shape (n_models, n_stimuli, n_stimuli)
    data : array_like, shape (n_stimuli, n_stimuli) or (n_rdms, n_stimuli, n_stimuli)
        The mean similarity with these is tested.
    method : str
        One of :data:`normenc.rsa.METHODS`.
    ordered : bool
        Whether the stimuli lie in order on a circle.
    n_permutations : int
        Random ones; ignored where `ordered`, which has n_stimuli - 1 shifts.
    seed : int

    Returns
    -------
    ndarray, shape (n_models,)
        One-sided; the observed order counts as one permutation, so that p is at least 1 / (n_permutations + 1).

    References
    ----------
    Phipson & Smyth, "Permutation p-values should never be zero", Stat. Appl. Genet. Mol. Biol. 2010.
    """
    first, second = as_rdms(models, "the models"), as_rdms(data, "the data")
    orders = orders_of(first.shape[1], ordered=ordered, n_permutations=n_permutations, seed=seed)
    chance = permuted_similarities(first, second, orders, method)
    observed = compare_vectors(upper(first), upper(second), method).mean(axis=1)
    # An order that changes nothing but the last digit is as good as the observed one.
    as_high = (chance >= observed - 1e-12).sum(axis=0)
    return (as_high + 1) / (len(orders) + 1)


def orders_of(n_stimuli: int, *, ordered: bool, n_permutations: int, seed: int) -> npt.NDArray[np.int64]:
    """Orders of the stimuli under chance: all circular shifts, or random permutations."""
    if ordered:
        return (np.arange(n_stimuli) + np.arange(1, n_stimuli)[:, None]) % n_stimuli
    if n_permutations < 1:
        raise InputError(f"n_permutations is {n_permutations}; it must be at least 1")
    rng = np.random.default_rng([seed, 4])
    return rng.permuted(np.tile(np.arange(n_stimuli), (n_permutations, 1)), axis=1)


def permuted_similarities(models: Any, data: Any, orders: npt.NDArray[np.int64], method: str = "pearson") -> Floats:
    """Mean similarity of each model with the data when the data's stimuli stand in other orders.

    Parameters
    ----------
    models, data : array_like, shape (n, n_stimuli, n_stimuli)
    orders : ndarray of int, shape (n_orders, n_stimuli)
        Each a permutation of the stimuli.
    method : str

    Returns
    -------
    ndarray, shape (n_orders, n_models)
    """
    check_method(method)
    first, second = as_rdms(models, "the models"), as_rdms(data, "the data")
    n_stimuli = first.shape[1]
    if second.shape[1] != n_stimuli:
        raise InputError(f"the models have {n_stimuli} stimuli and the data {second.shape[1]}; they must agree")
    if method == "kendall-tau-a":
        return np.stack(
            [compare_vectors(upper(first), upper(second[:, o][:, :, o]), method).mean(axis=1) for o in orders]
        )
    # A permutation changes no mean, norm or rank of an RDM, so that these are taken out once and only products remain.
    x, y = (_unit_vectors(upper(v), n_stimuli, method) for v in (first, second))
    pooled = y.mean(axis=0, keepdims=True)
    rows, columns = np.triu_indices(n_stimuli, k=1)
    matrix = np.zeros((n_stimuli, n_stimuli))
    matrix[rows, columns] = matrix[columns, rows] = pooled[0]
    found = np.empty((len(orders), len(first)))
    step = max(1, CHUNK_PAIRS // len(rows))
    for start in range(0, len(orders), step):
        chosen = orders[start : start + step]
        flat = np.take(chosen, rows, axis=1) * n_stimuli
        flat += np.take(chosen, columns, axis=1)
        found[start : start + step] = np.take(matrix.ravel(), flat) @ x.T
    if method in WHITENED:
        effects = row_effects(row_sums(pooled, n_stimuli), np.ones(n_stimuli))[0]
        found += effects[orders] @ row_sums(x, n_stimuli).T
    return found


def _unit_vectors(vectors: Floats, n_stimuli: int, method: str) -> Floats:
    """Vectors whose inner product, in the comparison's metric, is the similarity."""
    values = np.stack([ranks(v) for v in vectors]) if method in RANKED else vectors
    if method in CENTRED:
        values = values - values.mean(axis=1, keepdims=True)
    squares = np.einsum("ij,ij->i", values, values)
    if method == "rho-a":
        n_pairs = values.shape[1]
        squares = np.full(len(values), (n_pairs**3 - n_pairs) / 12)
    if method in WHITENED:
        sums = row_sums(values, n_stimuli)
        squares = squares + np.einsum("ij,ij->i", sums, row_effects(sums, np.ones(n_stimuli)))
    return values / np.sqrt(squares)[:, None]
