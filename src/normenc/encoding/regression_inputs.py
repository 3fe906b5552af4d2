"""What regressions onto neurons are given, checked: features, labels of stimuli, memory, and folds within folds."""

from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_array, check_finite
from normenc.errors import InputError
from normenc.rsa.labelled import labels_of, turned
from normenc.rsa.labels import check_same

__all__ = ["as_features", "check_apart", "check_memory", "check_same_stimuli", "inner_folds"]

Indices = npt.NDArray[np.intp]


def as_features(features: Any, memory_gib: float) -> npt.NDArray[Any]:
    """Features as a matrix of their own type, memory-mapped if they were; blocks become float64 later."""
    if getattr(features, "chunks", None) is not None and features.nbytes > memory_gib * 2**30:
        raise InputError(
            f"features of shape {tuple(features.shape)} are not in memory and would need {features.nbytes / 2**30:.1f} "
            f"GiB, more than memory_gib={memory_gib:g}; save them and give a memory-mapped array, select fewer units, "
            "or increase memory_gib"
        )
    array = as_array(turned(features, "features"), "features")
    if array.ndim != 2 or 0 in array.shape or array.dtype.kind not in "fiub":
        raise InputError(
            f"features have shape {array.shape} and type {array.dtype}; give a stimulus x unit matrix of real numbers"
        )
    try:
        check_finite(array, features)
    except InputError as error:
        raise InputError(f"features: {error}") from None
    return array


def check_same_stimuli(*named: tuple[str, Any]) -> None:
    """Raise InputError if labelled matrices (stimulus x unit), each with its name, differ in stimuli or their order."""
    labelled = [(what, labels_of(turned(values, what))) for what, values in named]
    check_same(labelled, "select and reorder the rows of one")


def check_apart(labels: npt.NDArray[Any], fold: Indices) -> None:
    """Raise InputError if rows of one stimulus are in different folds."""
    different, index = np.unique(labels, return_inverse=True)
    low, high = np.full(len(different), fold.max() + 1), np.full(len(different), -1)
    np.minimum.at(low, index, fold)
    np.maximum.at(high, index, fold)
    if (split := np.flatnonzero(low < high)).size:
        raise InputError(
            f"stimulus {different[split[0]]} is in folds {low[split[0]]} and {high[split[0]]}; put all rows of a "
            "stimulus in one fold, so that it is not both fitted and tested"
        )


def check_memory(features: npt.NDArray[Any], fold: Indices, memory_gib: float) -> None:
    """Raise InputError if stimulus x stimulus or stimulus x unit matrices would be too large."""
    n_train, n_units = len(features) - int(np.bincount(fold).min()), features.shape[1]
    needed = 8 * 8 * n_train * min(n_train, n_units) / 2**30
    if needed > memory_gib:
        raise InputError(
            f"regression from {n_units:,} units with {n_train:,} training stimuli needs about {needed:.1f} GiB, more "
            f"than memory_gib={memory_gib:g}; use fewer stimuli, reduce the units to fewer than the stimuli, or "
            "increase memory_gib"
        )


def inner_folds(deal: partial[list[Indices]], labels: npt.NDArray[Any]) -> list[Indices]:
    """Folds of the training stimuli, made like the outer ones; fewer, with fewer arcs, if there are few stimuli."""
    n_stimuli = len(np.unique(labels))
    if n_stimuli < 2:
        raise InputError("a fold leaves only one stimulus to train on; give more stimuli, or more folds")
    wanted = deal.keywords
    n_folds = min(wanted["n_folds"], n_stimuli)
    return deal(labels, n_folds=n_folds, blocks_per_fold=min(wanted["blocks_per_fold"], n_stimuli // n_folds))
