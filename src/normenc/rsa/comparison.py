"""Similarity of representational dissimilarity matrices."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import kendalltau

from normenc.errors import InputError
from normenc.rsa.labelled import check_same, labels_of_rdm, square
from normenc.rsa.pairs import as_rdms, as_vectors, check_missing, check_pairs, n_stimuli_of, upper
from normenc.rsa.ties import begins, is_flat
from normenc.rsa.whitening import row_effects, row_sums

try:  # SciPy's own count of discordant pairs; its public function sorts twice more than is needed here
    from scipy.stats._stats import _kendall_dis
except ImportError:  # pragma: no cover - for a SciPy that moved it
    _kendall_dis = None

__all__ = ["METHODS", "compare_rdms", "compare_vectors"]

METHODS = (
    "pearson",
    "spearman",
    "kendall-tau-a",
    "rho-a",
    "cosine",
    "whitened-cosine",
    "whitened-correlation",
)
CENTRED = ("pearson", "spearman", "rho-a", "whitened-correlation")
RANKED = ("spearman", "rho-a")
WHITENED = ("whitened-cosine", "whitened-correlation")

Floats = npt.NDArray[np.float64]
BLOCK_BYTES = 2**20  # of RDMs at a time: what stays in the processor's cache between two passes
MIN_PAIRS = 3  # that both RDMs must have: those of 3 stimuli


def compare_rdms(
    a: Any, b: Any, method: str = "pearson", *, missing: str = "error", return_counts: bool = False
) -> Any:
    r"""Similarity of RDMs from their upper triangles, diagonals left out. Higher is always more similar.

    ``"pearson"``, -1 to 1
        Correlation of the dissimilarities.
    ``"spearman"``, -1 to 1
        Pearson correlation of ranks, ties sharing their mean rank.
    ``"rho-a"``, -1 to 1
        The Spearman correlation expected when ties are broken at random; unlike "spearman" it gives no advantage to
        a model that predicts ties [2]_.
    ``"kendall-tau-a"``, -1 to 1
        Concordant minus discordant pairs of dissimilarities, over all pairs of them; the same holds for ties [1]_.
    ``"cosine"``, -1 to 1
        Cosine of the angle between the dissimilarities: for those whose zero means something.
    ``"whitened-cosine"``, ``"whitened-correlation"``, -1 to 1
        The cosine, plain or after the mean dissimilarity is taken out, in the metric :math:`V^{-1}`, where V is the
        covariance that equal and independent noise of the responses gives the dissimilarities [3]_. Dissimilarities
        that share a stimulus are correlated; this takes it into account.

    To the comparisons by rank, dissimilarities are tied where, in order, each differs from the next by no more than
    1e-12 of the largest: rounding has no order.

    Parameters
    ----------
    a, b : array_like, shape (n_stimuli, n_stimuli) or (n_rdms, n_stimuli, n_stimuli)
        Dissimilarities of the same stimuli in the same order. Where both are labelled (xarray, pandas), their labels
        must agree.
    method : str
        One of :data:`METHODS`.
    missing : str
        What becomes of dissimilarities that are NaN, or masked: ``"error"`` refuses them, ``"pairs"`` compares each two
        RDMs by the pairs of stimuli that both have. The whitened comparisons need all pairs.
    return_counts : bool
        Whether to return, too, how many pairs were left out of each similarity.

    Returns
    -------
    similarities : float, or ndarray of shape (n_a, n_b)
        An array when either is a stack of RDMs.
    left_out : int, or ndarray of int, shape (n_a, n_b)
        Pairs of stimuli; only where `return_counts` asks for it.

    Raises
    ------
    InputError
        When a matrix is not square, symmetric and finite with at least 3 stimuli, when the numbers, labels or order
        of stimuli differ, when all dissimilarities of one are equal but for rounding, so that the similarity is
        undefined, or when fewer than 3 pairs are left.

    References
    ----------
    .. [1] Nili et al., "A toolbox for representational similarity analysis", PLoS Comput. Biol. 2014.
    .. [2] Schuett et al., "Statistical inference on representational geometries", eLife 2023, section 4.
    .. [3] Diedrichsen et al., "Comparing representational geometries using whitened unbiased-distance-matrix
       similarity", Neurons Behav. Data Anal. Theory 2021.

    Examples
    --------
    >>> a = [[0, 1, 2], [1, 0, 3], [2, 3, 0]]
    >>> b = [[0, 1, 4], [1, 0, 9], [4, 9, 0]]
    >>> round(compare_rdms(a, b), 3), compare_rdms(a, b, method="spearman"), compare_rdms(a, b, "kendall-tau-a")
    (0.99, 1.0, 1.0)
    >>> c = [[0, 1, 2, 3], [1, 0, np.nan, 5], [2, np.nan, 0, 6], [3, 5, 6, 0]]
    >>> compare_rdms(c, c, "spearman", missing="pairs", return_counts=True)
    (1.0, 1)
    """
    check_method(method)
    pairs = check_missing(missing)
    one, other = square(a, "the first RDM", missing=pairs), square(b, "the second RDM", missing=pairs)
    first, second = (as_rdms(v, f"the {what} RDM", missing=pairs) for v, what in ((one, "first"), (other, "second")))
    if first.shape[1:] != second.shape[1:]:
        raise InputError(
            f"the RDMs have {first.shape[1]} and {second.shape[1]} stimuli; both must hold the same stimuli in one "
            "order"
        )
    check_same([("the first RDM", labels_of_rdm(a)), ("the second RDM", labels_of_rdm(b))])
    similarities, left_out = _compare(upper(first), upper(second), method, pairs)
    if one.ndim == other.ndim == 2:
        return (float(similarities[0, 0]), int(left_out[0, 0])) if return_counts else float(similarities[0, 0])
    return (similarities, left_out) if return_counts else similarities


def compare_vectors(
    x: Any, y: Any, method: str = "pearson", *, missing: str = "error", return_counts: bool = False
) -> Any:
    """Like :func:`compare_rdms`, for RDMs that are vectors already; nothing is copied.

    Parameters
    ----------
    x, y : array_like, shape (n_x, n_pairs) and (n_y, n_pairs)
        Dissimilarities above the diagonal, row by row, as ``scipy.spatial.distance.squareform`` orders them. Where both
        label their pairs (xarray, pandas), the labels must agree.
    method : str
        One of :data:`METHODS`.
    missing, return_counts
        As in :func:`compare_rdms`.

    Returns
    -------
    similarities : ndarray, shape (n_x, n_y)
    left_out : ndarray of int, shape (n_x, n_y)
        Only where `return_counts` asks for it.

    Raises
    ------
    InputError
        As in :func:`compare_rdms`.

    Examples
    --------
    >>> compare_vectors([[1, 2, 3]], [[2, 4, 6], [3, 2, 1]])
    array([[ 1., -1.]])
    """
    check_method(method)
    pairs = check_missing(missing)
    first, second = (as_vectors(v, f"the {what} RDM", missing=pairs) for v, what in ((x, "first"), (y, "second")))
    if first.shape[1] != second.shape[1]:
        raise InputError(f"the RDMs have {first.shape[1]} and {second.shape[1]} pairs of stimuli; they must agree")
    check_pairs(("the first RDM", x), ("the second RDM", y))
    similarities, left_out = _compare(first, second, method, pairs)
    return (similarities, left_out) if return_counts else similarities


def _compare(first: Floats, second: Floats, method: str, missing: bool) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Similarities of all vectors, and how many pairs each leaves out, shape (n_first, n_second)."""
    gaps = [np.isnan(vectors) for vectors in (first, second)] if missing else []
    if not any(map(np.any, gaps)):
        return _similarities(first, second, method), np.zeros((len(first), len(second)), dtype=np.int64)
    if method in WHITENED:
        raise InputError(
            f"pairs of stimuli are missing, and method {method!r} needs all pairs; leave out stimuli without some "
            "(normenc.rsa.match_stimuli), or use another method"
        )
    found, left_out = np.empty((len(first), len(second))), np.zeros((len(first), len(second)), dtype=np.int64)
    for row, (x, x_gaps) in enumerate(zip(first, gaps[0], strict=True)):
        for column, (y, y_gaps) in enumerate(zip(second, gaps[1], strict=True)):
            there = ~(x_gaps | y_gaps)
            left_out[row, column] = len(there) - there.sum()
            if there.sum() < MIN_PAIRS:
                raise InputError(
                    f"RDM {row} of the first and RDM {column} of the second have {there.sum()} pairs of stimuli in "
                    f"common; a comparison needs at least {MIN_PAIRS}"
                )
            found[row, column] = _similarities(x[there][None], y[there][None], method)[0, 0]
    return found, left_out


def _similarities(first: Floats, second: Floats, method: str) -> Floats:
    if len(second) > len(first):
        return _similarities(second, first, method).T
    if method == "kendall-tau-a":
        return _tau_a(first, second)
    if method in WHITENED:
        return _whitened(first, second, centred=method in CENTRED)
    if method in RANKED:
        return _rank_correlation(first, second, by_variance=method == "spearman")
    return _correlation(first, second, centred=method in CENTRED)


def check_method(method: str) -> None:
    """Raise InputError when there is no such comparison."""
    if method not in METHODS:
        raise InputError(f"method is {method!r}; it must be one of {', '.join(METHODS)}")


def _correlation(x: Floats, y: Floats, *, centred: bool) -> Floats:
    """Pearson correlation or cosine in one pass over the longer stack `x`.

    With `y` centred, its products with `x` need no centring of `x`; the variance of `x` does, by the difference of
    two sums, which is exact enough unless the mean is far larger than the spread.
    """
    n_pairs = x.shape[1]
    check_spread(y, centred=centred, what="second")
    right = np.ones((len(y) + 1, n_pairs))
    right[:-1] = _centred(y) if centred else y / largest_of(y)
    norms = np.sqrt(np.einsum("ij,ij->i", right[:-1], right[:-1]))
    products, squares = np.empty((len(x), len(right))), np.empty(len(x))
    step = max(1, BLOCK_BYTES // (8 * n_pairs))
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(x), step):  # each part is read from memory once
            part = x[start : start + step]
            if len(y) < 8:  # a product with few columns is slower than they are one by one
                for row, vector in enumerate(part, start):
                    squares[row] = vector @ vector
                    for column, other in enumerate(right):
                        products[row, column] = vector @ other
            else:
                products[start : start + step] = part @ right.T
                squares[start : start + step] = np.einsum("ij,ij->i", part, part)
        spread = squares - products[:, -1] ** 2 / n_pairs if centred else squares
        careful = ~(spread > 1e-3 * squares) | ~(squares < 1e300) | ~(squares > 1e-280)
    similarities = products[:, :-1]
    similarities[~careful] /= np.sqrt(spread[~careful])[:, None] * norms
    if careful.any():
        check_spread(x, centred=centred, what="first", rows=np.flatnonzero(careful).tolist())
        left = _centred(x[careful]) if centred else x[careful] / largest_of(x[careful])
        length = np.sqrt(np.einsum("ij,ij->i", left, left))
        similarities[careful] = left @ right[:-1].T / np.outer(length, norms)
    return np.clip(similarities, -1, 1)


def _whitened(x: Floats, y: Floats, *, centred: bool) -> Floats:
    n_stimuli = n_stimuli_of(x.shape[1])
    vectors, rows, effects, norms = [], [], [], []
    for what, values in (("first", x), ("second", y)):
        check_spread(values, centred=centred, what=what)
        vector = _centred(values) if centred else values / largest_of(values)
        row = row_sums(vector, n_stimuli)
        effect = row_effects(row, np.ones(n_stimuli))
        square = np.einsum("ij,ij->i", vector, vector) + np.einsum("ij,ij->i", row, effect)
        vectors.append(vector)
        rows.append(row)
        effects.append(effect)
        norms.append(np.sqrt(square))
    products = vectors[0] @ vectors[1].T + rows[0] @ effects[1].T
    return np.clip(products / np.outer(*norms), -1, 1)


def _rank_correlation(x: Floats, y: Floats, *, by_variance: bool) -> Floats:
    """Spearman correlation, or rho-a where it is not divided by the variance of tied ranks."""
    for what, values in (("first", x), ("second", y)):
        check_spread(values, centred=True, what=what)
    n_pairs = x.shape[1]
    right = np.stack([ranks(v) for v in y]) - (n_pairs + 1) / 2
    untied = (n_pairs**3 - n_pairs) / 12
    columns = right.T.copy()

    def of(vector: Floats) -> tuple[Floats, float]:
        order, ordered = sort_order(vector)
        middle, square = _tied_ranks(ordered)
        return (middle - (n_pairs + 1) / 2) @ columns[order], square

    rows, squares = zip(*_in_threads(of, x), strict=True)
    similarities = np.stack(rows)
    norms = np.einsum("ij,ij->i", right, right)
    left = np.array(squares)
    similarities /= np.sqrt(np.outer(left, norms)) if by_variance else untied
    return np.clip(similarities, -1, 1)


def ranks(vector: Floats) -> Floats:
    """Ranks from 1, ties sharing their mean rank."""
    order, ordered = sort_order(vector)
    found = np.empty(len(vector))
    found[order] = _tied_ranks(ordered)[0]
    return found


def sort_order(vector: Floats) -> tuple[npt.NDArray[np.int64], Floats]:
    """The order that sorts `vector`, and the sorted vector.

    Sorting is twice as fast as finding an order. So the vector's leading bits are sorted with the position in their
    last ones; where that leaves two values in the wrong order, the order is found as usual.
    """
    width = max(1, int(len(vector) - 1).bit_length())
    keys = (vector + 0.0).view(np.int64)  # adding zero makes -0.0 zero
    keys = np.where(keys < 0, keys ^ np.int64(0x7FFFFFFFFFFFFFFF), keys)  # floats in order are integers in order
    mask = np.int64((1 << width) - 1)
    keys = (keys & ~mask) | np.arange(len(vector))
    keys.sort()
    order = keys & mask
    ordered = vector[order]
    if np.any(ordered[1:] < ordered[:-1]):
        order = np.argsort(vector, kind="stable")
        ordered = vector[order]
    return order, ordered


def _tied_ranks(ordered: Floats) -> tuple[Floats, float]:
    """Mean ranks of sorted values, and the sum of their squares about the mean."""
    n = len(ordered)
    starts = np.flatnonzero(begins(ordered))
    untied = (float(n) ** 3 - n) / 12
    if len(starts) == n:
        return np.arange(1.0, n + 1), untied
    sizes = np.diff(starts, append=n)
    return np.repeat(starts + (sizes + 1) / 2, sizes), untied - float((sizes.astype(float) ** 3 - sizes).sum()) / 12


def _tau_a(x: Floats, y: Floats) -> Floats:
    for what, values in (("first", x), ("second", y)):
        check_spread(values, centred=True, what=what)
    columns = []
    for vector in y:
        order, ordered = sort_order(vector)
        columns.append((order, _dense(ordered)))
    return np.array(_in_threads(lambda vector: [tau_a_sorted(vector[order], dense) for order, dense in columns], x))


def tau_a_sorted(vector: Floats, steps: npt.NDArray[np.intp]) -> float:
    """Kendall's tau-a of `vector` with another that is sorted already, whose dense ranks are `steps`."""
    n = len(vector)
    order, ordered = sort_order(vector)
    dense = np.empty(n, dtype=np.intp)
    dense[order] = _dense(ordered)
    pairs = n * (n - 1) // 2
    tied_x = tied_y = tied_both = 0
    if steps[-1] < n:  # sort by the second vector within the ties of the first
        dense = dense[np.lexsort((dense, steps))]
        tied_x = _n_tied_pairs(steps)
        tied_both = _n_tied_pairs(steps * (n + 1) + dense)
    if dense.max() < n:
        tied_y = _n_tied_pairs(np.sort(dense))
    if _kendall_dis is None:
        return _tau_a_from_tau_b(steps, dense, pairs, tied_x, tied_y)
    discordant = int(_kendall_dis(steps, dense))
    return (pairs - tied_x - tied_y + tied_both - 2 * discordant) / pairs


def _tau_a_from_tau_b(
    first: npt.NDArray[np.intp], second: npt.NDArray[np.intp], pairs: int, tied_x: int, tied_y: int
) -> float:
    tau_b = kendalltau(first, second).statistic
    return round(tau_b * np.sqrt(float(pairs - tied_x) * float(pairs - tied_y))) / pairs


def _dense(ordered: Floats) -> npt.NDArray[np.intp]:
    """Ranks of sorted values from 1 without gaps; ties share one."""
    return begins(ordered).cumsum(dtype=np.intp)


def _n_tied_pairs(ordered: npt.NDArray[np.intp]) -> int:
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    sizes = np.diff(starts, append=len(ordered))
    return int((sizes * (sizes - 1) // 2).sum())


def _in_threads(function: Callable[[Floats], Any], rows: Floats) -> list[Any]:
    """Apply `function` to every row; sorting leaves Python's lock to others, so that two threads are faster."""
    if rows.size < 100_000:
        return [function(row) for row in rows]
    with ThreadPoolExecutor() as pool:
        return list(pool.map(function, rows))


def _centred(vectors: Floats) -> Floats:
    centred = vectors - vectors.mean(axis=1, keepdims=True)
    centred /= largest_of(centred)  # so that no square leaves the number range
    return centred


def largest_of(vectors: Floats) -> Floats:
    """Of each vector the largest magnitude, shape (n, 1); 1 where all are 0."""
    largest = np.maximum(vectors.max(axis=1, keepdims=True), -vectors.min(axis=1, keepdims=True))
    return np.where(largest > 0, largest, 1)


def check_spread(vectors: Floats, *, centred: bool, what: str, rows: Sequence[int] | None = None) -> None:
    """Raise InputError where the similarity of a vector (one of `rows`) is undefined: not finite, or without spread."""
    for row in range(len(vectors)) if rows is None else rows:
        vector = vectors[row]
        name = f"the {what} RDM" if len(vectors) == 1 else f"RDM {row} of the {what} stack"
        if not np.isfinite(vector.min()) or not np.isfinite(vector.max()):
            pair = int(np.flatnonzero(~np.isfinite(vector))[0])
            raise InputError(f"{name} is {vector[pair]} at pair {pair}; dissimilarities must be finite")
        if centred and is_flat(vector):
            raise InputError(f"all dissimilarities in {name} are {vector[0]:g}; their correlation is undefined")
        if not vector.any():
            raise InputError(f"all dissimilarities in {name} are 0; their cosine is undefined")
