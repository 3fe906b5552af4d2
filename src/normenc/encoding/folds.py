"""Folds of stimuli for cross-validation."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError

__all__ = ["fold_of_each", "stimulus_folds"]

Indices = npt.NDArray[np.intp]


def stimulus_folds(
    stimuli: Any, n_folds: int = 5, *, ordered: bool = False, blocks_per_fold: int = 1, seed: int = 0
) -> list[Indices]:
    """Divide stimuli into folds, so that none is both fitted and tested.

    Parameters
    ----------
    stimuli : int or array_like, shape (n_rows,)
        Number of stimuli, or a label for each row; rows with equal labels are the same stimulus and stay together.
        Orientations of -90 and 90 degrees are the same stimulus: give ``orientation % 180``.
    n_folds : int
        At least 2; the number of stimuli gives leave-one-out.
    ordered : bool
        False: random folds. True: stimuli are in this order on a circle, like orientations, and a fold is an arc of
        neighbours, so that tested stimuli have no neighbours among those fitted, except at the ends of the arc. The
        start of the first arc is random.
    blocks_per_fold : int
        Only with `ordered`: number of arcs per fold, evenly spaced. More and shorter arcs test interpolation over
        shorter gaps.
    seed : int

    Returns
    -------
    list of ndarray of int
        The rows tested in each fold, sorted. Every row is in one fold; folds differ in size by at most one stimulus,
        with `ordered` one per arc.

    Raises
    ------
    InputError
        If there are fewer stimuli than folds or arcs, or the labels are not one per row.

    References
    ----------
    Roberts et al., "Cross-validation strategies for data with temporal, spatial, hierarchical, or phylogenetic
    structure", Ecography 2017.

    Examples
    --------
    >>> [fold.tolist() for fold in stimulus_folds(6, 3)]
    [[2, 4], [0, 1], [3, 5]]
    >>> orientation = np.array([-90, -60, -30, 0, 30, 60, 90])
    >>> [orientation[fold].tolist() for fold in stimulus_folds(orientation % 180, 2, ordered=True)]
    [[-90, -60, -30, 90], [0, 30, 60]]
    """
    stimulus = _numbered(stimuli)
    n_stimuli = int(stimulus.max()) + 1
    n_arcs = n_folds * blocks_per_fold if ordered else n_folds
    if n_folds < 2 or blocks_per_fold < 1 or (blocks_per_fold > 1 and not ordered):
        raise InputError(
            f"n_folds is {n_folds} and blocks_per_fold {blocks_per_fold}; n_folds must be at least 2 and "
            "blocks_per_fold at least 1; more than 1 block needs ordered=True"
        )
    if n_stimuli < n_arcs:
        blocks = f" of {blocks_per_fold} blocks each" if n_arcs > n_folds else ""
        raise InputError(
            f"there are {n_stimuli} different stimuli for {n_folds} folds{blocks}; ask for at most {n_stimuli} "
            "(n_folds x blocks_per_fold), or give more stimuli"
        )
    rng = np.random.default_rng([seed, 11])
    if ordered:
        circle = np.roll(np.arange(n_stimuli), -int(rng.integers(n_stimuli)))
        arcs = np.array_split(circle, n_arcs)
        members = [np.concatenate(arcs[fold::n_folds]) for fold in range(n_folds)]
    else:
        members = _dealt(np.bincount(stimulus), n_folds, rng)
    return [np.flatnonzero(np.isin(stimulus, chosen)) for chosen in members]


def fold_of_each(folds: Sequence[Any], n_rows: int) -> Indices:
    """The fold in which each row is tested, shape (n_rows,), from the rows tested in each.

    Raises
    ------
    InputError
        If a row is in no fold or in two, or a fold is empty or contains all rows.

    Examples
    --------
    >>> fold_of_each([[0, 3], [1, 2]], 4)
    array([0, 1, 1, 0])
    """
    rows = [np.asarray(fold, dtype=np.intp).ravel() for fold in folds]
    together = np.concatenate([np.empty(0, np.intp), *rows])
    if len(rows) < 2 or min(map(len, rows)) == 0 or not np.array_equal(np.sort(together), np.arange(n_rows)):
        raise InputError(
            f"the {len(rows)} folds contain {len(together)} rows, {len(np.unique(together))} different; each of the "
            f"{n_rows} rows must be in exactly one of at least 2 folds, none of them empty"
        )
    numbers = np.empty(n_rows, np.intp)
    for number, fold in enumerate(rows):
        numbers[fold] = number
    return numbers


def _numbered(stimuli: Any) -> Indices:
    """The number of each row's stimulus, from 0, in the order in which they first appear."""
    if np.ndim(stimuli) == 0:
        if int(stimuli) < 1:
            raise InputError(f"there are {stimuli} stimuli; give their number, or one label per row")
        return np.arange(int(stimuli))
    labels = np.asarray(stimuli)
    if labels.ndim != 1 or not labels.size:
        raise InputError(f"stimuli have shape {labels.shape}; give their number, or one label per row")
    _, first, index = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.intp)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[index]


def _dealt(n_rows: npt.NDArray[np.int64], n_folds: int, rng: np.random.Generator) -> list[Indices]:
    """Assign stimuli in random order, those with most rows first, each to the fold with the fewest rows so far."""
    order = rng.permutation(len(n_rows))
    order = order[np.argsort(-n_rows[order], kind="stable")]
    members: list[list[int]] = [[] for _ in range(n_folds)]
    filled = np.zeros(n_folds)
    for stimulus in order:
        smallest = int(filled.argmin())
        members[smallest].append(int(stimulus))
        filled[smallest] += n_rows[stimulus]
    return [np.array(chosen, dtype=np.intp) for chosen in members]
