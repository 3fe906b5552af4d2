"""RDMs as numbers to compute with: checked, labelled, and as vectors of their pairs of stimuli."""

from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_array
from normenc.errors import InputError

__all__ = ["as_rdms", "as_vectors", "match_stimuli", "stimulus_labels", "upper"]

LABELS = ("stimulus", "orientation", "direction", "image", "condition")


def as_rdms(values: Any, what: str) -> npt.NDArray[np.float64]:
    """Check one RDM or a stack of them.

    Parameters
    ----------
    values : array_like, shape (n_stimuli, n_stimuli) or (n_rdms, n_stimuli, n_stimuli)
    what : str
        Names them in messages.

    Returns
    -------
    ndarray, shape (n_rdms, n_stimuli, n_stimuli)
        float64.

    Raises
    ------
    InputError
        When they are not square, symmetric and finite, or have fewer than 3 stimuli.
    """
    matrices = as_array(values, what).astype(np.float64, copy=False)
    if matrices.ndim == 2:
        matrices = matrices[None]
    if matrices.ndim != 3 or matrices.shape[1] != matrices.shape[2] or matrices.shape[1] < 3 or not len(matrices):
        raise InputError(
            f"{what} has shape {np.shape(values)}; an RDM must be square, of at least 3 stimuli, and several of them "
            "(n_rdms, n_stimuli, n_stimuli)"
        )
    for index, matrix in enumerate(matrices):
        name = what if len(matrices) == 1 else f"{what}, RDM {index}"
        if not np.isfinite(matrix).all():
            row, column = np.argwhere(~np.isfinite(matrix))[0]
            raise InputError(
                f"{name} is {matrix[row, column]} for stimuli {row} and {column}; dissimilarities must be finite"
            )
        if not np.allclose(matrix, matrix.T, rtol=1e-5, atol=1e-6 * np.abs(matrix).max()):
            row, column = np.unravel_index(np.abs(matrix - matrix.T).argmax(), matrix.shape)
            raise InputError(
                f"{name} is not symmetric: {matrix[row, column]:g} for stimuli {row} and {column}, but "
                f"{matrix[column, row]:g} for {column} and {row}"
            )
    return matrices


def upper(matrices: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The dissimilarities above the diagonal, row by row: shape (..., n, n) gives (..., n * (n - 1) / 2)."""
    n_stimuli = matrices.shape[-1]
    rows, columns = np.triu_indices(n_stimuli, k=1)
    flat = np.ascontiguousarray(matrices).reshape(*matrices.shape[:-2], n_stimuli * n_stimuli)
    return np.take(flat, rows * n_stimuli + columns, axis=-1)


def as_vectors(values: Any, what: str) -> npt.NDArray[np.float64]:
    """Check vectors of dissimilarities, shape (n_rdms, n_pairs) or (n_pairs,), in the order of :func:`upper`.

    Raises
    ------
    InputError
        When no number of stimuli has that many pairs, or there are fewer than 3.
    """
    vectors = np.atleast_2d(as_array(values, what).astype(np.float64, copy=False))
    if vectors.ndim != 2 or not len(vectors) or n_stimuli_of(vectors.shape[1]) < 3:
        raise InputError(
            f"{what} has shape {np.shape(values)}; it must be (n_rdms, n_pairs) with n_pairs = n (n - 1) / 2 for "
            "n stimuli, 3 at least"
        )
    return vectors


def n_stimuli_of(n_pairs: int) -> int:
    """How many stimuli have `n_pairs` pairs; 0 when no number has."""
    n_stimuli = round((1 + np.sqrt(1 + 8 * n_pairs)) / 2)
    return n_stimuli if n_stimuli * (n_stimuli - 1) // 2 == n_pairs else 0


def stimulus_labels(values: Any) -> npt.NDArray[Any] | None:
    """The labels that an xarray object carries along its last dimension, or None.

    Raises
    ------
    InputError
        When a label stands twice.
    """
    coords = getattr(values, "coords", None)
    if coords is None:
        return None
    for name in (*LABELS, *(f"{label}_2" for label in LABELS)):
        if name in coords and coords[name].dims in (values.dims[-1:], values.dims[-2:-1]):
            labels = np.asarray(coords[name].values)
            found, counts = np.unique(labels, return_counts=True)
            if counts.max() > 1:
                raise InputError(
                    f"the {name} {found[counts.argmax()]} stands {counts.max()} times; each stimulus may stand once"
                )
            return labels
    return None


def check_same_stimuli(a: Any, b: Any, what_a: str, what_b: str) -> None:
    """Raise InputError when both carry labels and these differ, naming the first stimulus that does."""
    first, second = stimulus_labels(a), stimulus_labels(b)
    if first is None or second is None or np.array_equal(first, second):
        return
    strangers = sorted({str(x) for x in first} ^ {str(x) for x in second})
    if strangers:
        raise InputError(f"{what_a} and {what_b} hold different stimuli: {strangers[0]} is in one of them only")
    position = int(np.flatnonzero(first != second)[0])
    raise InputError(
        f"{what_a} and {what_b} hold their stimuli in different orders: position {position} is {first[position]} in "
        f"one and {second[position]} in the other; reorder one with normenc.rsa.match_stimuli"
    )


def match_stimuli(rdm: Any, labels: Any, wanted: Any) -> npt.NDArray[np.float64]:
    """Reorder one or several RDMs to hold the stimuli `wanted`, found by their labels.

    Parameters
    ----------
    rdm : array_like, shape (n_stimuli, n_stimuli) or (n_rdms, n_stimuli, n_stimuli)
    labels : array_like, shape (n_stimuli,)
        Of the RDM's stimuli, each once.
    wanted : array_like, shape (n_wanted,)
        Labels in the order asked for; stimuli that are not named are left out.

    Returns
    -------
    ndarray, shape (n_wanted, n_wanted) or (n_rdms, n_wanted, n_wanted)

    Raises
    ------
    InputError
        When a label is missing or stands twice; the message names it.

    Examples
    --------
    >>> match_stimuli([[0, 1, 2], [1, 0, 3], [2, 3, 0]], ["cat", "dog", "cup"], ["cup", "cat", "dog"])
    array([[0., 2., 3.],
           [2., 0., 1.],
           [3., 1., 0.]])
    """
    matrices = as_rdms(rdm, "the RDM")
    there, asked = np.asarray(labels), np.asarray(wanted)
    if there.shape != (matrices.shape[1],):
        raise InputError(f"labels have shape {there.shape} but the RDM has {matrices.shape[1]} stimuli")
    for name, values in (("labels", there), ("wanted", asked)):
        found, counts = np.unique(values, return_counts=True)
        if counts.max(initial=0) > 1:
            raise InputError(f"{name}: {found[counts.argmax()]} stands {counts.max()} times; each stimulus once")
    place = {label: position for position, label in enumerate(there.tolist())}
    missing = [label for label in asked.tolist() if label not in place]
    if missing:
        raise InputError(f"the RDM has no stimulus {missing[0]!r} ({len(missing)} of those wanted are missing)")
    order = [place[label] for label in asked.tolist()]
    ordered = matrices[:, order][:, :, order]
    return ordered[0] if np.ndim(rdm) == 2 else ordered
