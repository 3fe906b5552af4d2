"""RDMs checked, and converted to vectors of pairs of stimuli."""

from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_array
from normenc.errors import InputError
from normenc.rsa.labelled import labels_of, labels_of_rdm, square, turned, with_gaps
from normenc.rsa.labels import Labels, as_labels, check_same, key

__all__ = [
    "as_rdm",
    "as_rdms",
    "as_vectors",
    "check_missing",
    "check_pairs",
    "match_stimuli",
    "pair_weights",
    "upper",
    "whole",
]

BLOCK_ROWS = 256  # of an RDM, checked at a time
VECTORS = ("stack", "pair")  # the axes of vectors of dissimilarities


def as_rdms(values: Any, what: str, *, missing: bool = False, keep: bool = False) -> npt.NDArray[np.float64]:
    """Check one RDM or a stack of them.

    Parameters
    ----------
    values : array_like, shape (n_stimuli, n_stimuli) or (n_rdms, n_stimuli, n_stimuli)
    what : str
        Names them in messages.
    missing : bool
        Whether dissimilarities may be NaN.
    keep : bool
        Whether single precision is kept, which takes half the memory.

    Returns
    -------
    ndarray, shape (n_rdms, n_stimuli, n_stimuli)
        float64, or float32 if that is kept.

    Raises
    ------
    InputError
        If they are not square, symmetric and finite, or have fewer than 3 stimuli.
    """
    matrices = square(values, what, missing=missing)
    if not (keep and matrices.dtype == np.float32):
        matrices = matrices.astype(np.float64, copy=False)
    shape = matrices.shape
    if matrices.ndim == 2:
        matrices = matrices[None]
    if matrices.ndim != 3 or matrices.shape[1] != matrices.shape[2] or matrices.shape[1] < 3 or not len(matrices):
        raise InputError(
            f"{what} has shape {shape}; an RDM must be square, of at least 3 stimuli, and several of them "
            "(n_rdms, n_stimuli, n_stimuli)"
        )
    for index, matrix in enumerate(matrices):
        _check_matrix(matrix, what if len(matrices) == 1 else f"{what}, RDM {index}", missing)
    return matrices


def as_rdm(values: Any, what: str, *, keep: bool = False) -> npt.NDArray[np.float64]:
    """Check a single RDM, shape (n_stimuli, n_stimuli), like :func:`as_rdms`; a stack of several raises InputError."""
    matrices = as_rdms(values, what, keep=keep)
    if len(matrices) > 1:
        raise InputError(f"{what} is a stack of {len(matrices)} RDMs; give one, or their mean")
    return matrices[0]


def _check_matrix(matrix: npt.NDArray[np.float64], name: str, missing: bool) -> None:
    bad = np.isinf(matrix) if missing else ~np.isfinite(matrix)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        todo = (
            ""
            if missing or np.isinf(matrix[row, column])
            else (
                ". Leave such stimuli out (normenc.rsa.match_stimuli), or compare only the pairs in both RDMs: "
                'compare_rdms(..., missing="pairs")'
            )
        )
        raise InputError(
            f"{name} is {matrix[row, column]} for stimuli {row} and {column}; dissimilarities must be finite{todo}"
        )
    blocks = [matrix[start : start + BLOCK_ROWS] for start in range(0, len(matrix), BLOCK_ROWS)]
    largest = max(np.abs(block).max(initial=0, where=~np.isnan(block)) for block in blocks)
    turned_over = (matrix.T[start : start + BLOCK_ROWS] for start in range(0, len(matrix), BLOCK_ROWS))
    tolerances: dict[str, Any] = {"rtol": 1e-5, "atol": 1e-6 * largest, "equal_nan": missing}
    if not all(np.allclose(one, other, **tolerances) for one, other in zip(blocks, turned_over, strict=True)):
        difference = np.abs(matrix - matrix.T)
        difference[np.isnan(matrix) != np.isnan(matrix.T)] = np.inf
        row, column = np.unravel_index(np.nanargmax(difference), matrix.shape)
        raise InputError(
            f"{name} is not symmetric: {matrix[row, column]:g} for stimuli {row} and {column}, but "
            f"{matrix[column, row]:g} for {column} and {row}"
        )


def check_missing(missing: Any) -> bool:
    """Whether pairs may be missing, from the argument `missing`.

    Raises
    ------
    InputError
        If it is neither "error" nor "pairs".
    """
    if missing not in ("error", "pairs"):
        raise InputError(f"missing is {missing!r}; it must be 'error' or 'pairs'")
    return bool(missing == "pairs")


def upper(matrices: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The dissimilarities above the diagonal, row by row: shape (..., n, n) gives (..., n * (n - 1) / 2)."""
    return np.concatenate([matrices[..., row, row + 1 :] for row in range(matrices.shape[-1])], axis=-1)


def whole(vectors: npt.NDArray[np.float64], n_stimuli: int) -> npt.NDArray[np.float64]:
    """The inverse of :func:`upper`: symmetric matrices with 0 on the diagonal."""
    matrices = np.zeros((*vectors.shape[:-1], n_stimuli, n_stimuli), vectors.dtype)
    start = 0
    for row in range(n_stimuli - 1):
        part = vectors[..., start : start + n_stimuli - row - 1]
        matrices[..., row, row + 1 :] = matrices[..., row + 1 :, row] = part
        start += n_stimuli - row - 1
    return matrices


def pair_weights(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Weight of every pair, shape (n_pairs, n_samples), from counts of stimuli in samples, (n_samples, n_stimuli)."""
    rows, columns = np.triu_indices(counts.shape[1], k=1)
    transposed = np.ascontiguousarray(counts.T, dtype=np.float64)
    return transposed[rows] * transposed[columns]


def as_vectors(values: Any, what: str, *, missing: bool = False) -> npt.NDArray[np.float64]:
    """Check vectors of dissimilarities, shape (n_rdms, n_pairs) or (n_pairs,), in the order of :func:`upper`.

    Named axes (xarray), such as ``rdm`` and ``pair``, may be in either order.

    Raises
    ------
    InputError
        If no number of stimuli gives this many pairs, or there are fewer than 3.
    """
    given = turned(with_gaps(values) if missing else values, what, VECTORS)
    vectors = np.atleast_2d(as_array(given, what).astype(np.float64, copy=False))
    if vectors.ndim != 2 or not len(vectors) or n_stimuli_of(vectors.shape[1]) < 3:
        raise InputError(
            f"{what} has shape {vectors.shape}; it must be (n_rdms, n_pairs) with n_pairs = n (n - 1) / 2 for n "
            "stimuli, at least 3"
        )
    return vectors


def check_pairs(*named: tuple[str, Any]) -> None:
    """Raise InputError if vectors, given as (name, vector), label their pairs of stimuli differently."""
    check_same(
        [(what, labels_of(turned(values, what, VECTORS), -1)) for what, values in named],
        "put them in the same order",
        noun="pairs",
    )


def n_stimuli_of(n_pairs: int) -> int:
    """The number of stimuli with `n_pairs` pairs; 0 if there is none."""
    n_stimuli = round((1 + np.sqrt(1 + 8 * n_pairs)) / 2)
    return n_stimuli if n_stimuli * (n_stimuli - 1) // 2 == n_pairs else 0


def match_stimuli(rdm: Any, labels: Any, wanted: Any) -> npt.NDArray[np.float64]:
    """Select and reorder the stimuli of one or several RDMs by their labels.

    Parameters
    ----------
    rdm : array_like, shape (n_stimuli, n_stimuli) or (n_rdms, n_stimuli, n_stimuli)
        Dissimilarities may be NaN.
    labels : array_like, shape (n_stimuli,), or None
        Labels of the RDM's stimuli, each once; None to use the RDM's own.
    wanted : array_like, shape (n_wanted,)
        Labels in the requested order; other stimuli are left out.

    Returns
    -------
    ndarray, shape (n_wanted, n_wanted) or (n_rdms, n_wanted, n_wanted)

    Raises
    ------
    InputError
        If a label is missing or occurs twice, or differs from the RDM's own; the message names it.

    Examples
    --------
    >>> match_stimuli([[0, 1, 2], [1, 0, 3], [2, 3, 0]], ["cat", "dog", "cup"], ["cup", "cat", "dog"])
    array([[0., 2., 3.],
           [2., 0., 1.],
           [3., 1., 0.]])
    """
    numbers = square(rdm, "the RDM", missing=True)
    matrices = as_rdms(numbers, "the RDM", missing=True)
    carried = labels_of_rdm(rdm)
    if labels is None:
        if not carried:
            raise InputError("the RDM has no stimulus labels; give them with the argument labels")
        labels = next((own for own in carried if own.sure), carried[0]).values
    there, asked = as_labels(labels), as_labels(wanted)
    if len(there) != matrices.shape[1]:
        raise InputError(f"labels have shape ({len(there)},) but the RDM has {matrices.shape[1]} stimuli")
    check_same([("the RDM", carried), ("labels", [Labels(None, there, True)])])
    for name, values in (("labels", there), ("wanted", asked)):
        often, times = Counter(map(key, values)).most_common(1)[0] if values else ("", 0)
        if times > 1:
            label = next(label for label in values if key(label) == often)
            raise InputError(f"{name}: {label} occurs {times} times; give each stimulus once")
    place = {key(label): position for position, label in enumerate(there)}
    missing = [label for label in asked if key(label) not in place]
    if missing:
        raise InputError(
            f"the RDM has no stimulus {missing[0]!r} ({len(missing)} of the requested stimuli are missing)"
        )
    order = [place[key(label)] for label in asked]
    ordered = matrices[:, order][:, :, order]
    return ordered[0] if numbers.ndim == 2 else ordered
