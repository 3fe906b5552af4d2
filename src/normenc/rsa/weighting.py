"""Models combining several layers with non-negative weights, fitted and tested on different stimuli and animals."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import nnls

from normenc.arrays import as_count, as_seed
from normenc.errors import InputError
from normenc.rsa.ceiling import noise_ceiling
from normenc.rsa.comparison import compare_vectors
from normenc.rsa.labelled import labels_of_rdm
from normenc.rsa.labels import check_same
from normenc.rsa.measures import Method, as_measure
from normenc.rsa.pairs import as_rdm, as_rdms, as_vectors, check_pairs, upper
from normenc.rsa.recorded import groups_of, whose_rdms
from normenc.showing import Listed

__all__ = ["WeightedModel", "cross_validate_weighted", "fit_weights"]

Floats = npt.NDArray[np.float64]
MIN_TEST_STIMULI = 4


@dataclass(frozen=True, repr=False)
class WeightedModel(Listed):
    """Results of :func:`cross_validate_weighted`.

    Attributes
    ----------
    similarity : float
        Similarity of the weighted model, mean over folds, on stimuli and animals that were not used to fit it.
    ceiling : tuple of float
        Lower and upper noise ceiling on the same folds; NaN for a single animal.
    layers : DataFrame
        One row per layer: ``layer``, its own ``similarity`` on the same folds, and the ``weight``, mean over folds, of
        its dissimilarities in units of their standard deviation; weights add up to 1.
    folds : DataFrame
        One row per fold: ``stimulus_fold``, ``animal_fold``, ``similarity``, ``ceiling_lower``, ``ceiling_upper``.
    """

    TABLE: ClassVar = "layers"

    similarity: float
    ceiling: tuple[float, float]
    layers: pd.DataFrame
    folds: pd.DataFrame


def fit_weights(layers: Any, data: Any, method: Method = "pearson") -> Floats:
    """Non-negative weights whose combination of layers is most similar to the data.

    The weights solve a non-negative least-squares problem: among combinations of vectors, the one closest to a target
    also has the smallest angle to it. This is exact for "pearson" and "cosine". For other measures the Pearson
    correlation is fitted instead, or the cosine if a flat RDM has a similarity, and only the test uses the measure.

    Parameters
    ----------
    layers : array_like, shape (n_layers, n_pairs)
    data : array_like, shape (n_rdms, n_pairs)
        Each RDM has the same weight: it is normalised to unit length first.
    method : str, Measure or callable

    Returns
    -------
    ndarray, shape (n_layers,)
        At least 0; all 0 if no layer is positively related to the data.

    Raises
    ------
    InputError
        If vectors differ in length or labels or are not finite, or there is no such method.

    References
    ----------
    Khaligh-Razavi & Kriegeskorte, PLoS Comput. Biol. 2014; Jozwik et al., Neuropsychologia 2016.

    Examples
    --------
    >>> weights = fit_weights([[0, 1, 2], [1, 0, 0]], [[3, 2, 4]], "cosine")
    >>> (weights / weights.sum()).round(3)
    array([0.4, 0.6])
    """
    measure = as_measure(method)
    x, y = as_vectors(layers, "the layers"), as_vectors(data, "the data")
    if x.shape[1] != y.shape[1]:
        raise InputError(
            f"the layers have {x.shape[1]} pairs of stimuli, but the data have {y.shape[1]}; they must agree"
        )
    check_pairs(("the layers", layers), ("the data", data))
    for what, vectors in (("layers", x), ("data", y)):
        if not np.isfinite(vectors).all():
            row, pair = np.argwhere(~np.isfinite(vectors))[0]
            raise InputError(
                f"the {what} are {vectors[row, pair]} in row {row} at pair {pair}; dissimilarities must be finite"
            )
    if measure.centred:
        x, y = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(y, axis=1, keepdims=True)
    return nnls(x.T, (y / np.where(lengths > 0, lengths, 1)).mean(axis=0))[0]


def cross_validate_weighted(
    layers: Mapping[str, Any],
    data: Any,
    *,
    method: Method = "pearson",
    subject: Any = None,
    ordered: bool = False,
    n_folds: int = 4,
    seed: int = 0,
) -> WeightedModel:
    """Cross-validated similarity of a combination of layers with the recording, on held-out stimuli and animals.

    Stimuli are divided into folds, at random or, in order on a circle, as arcs of neighbours; with several animals,
    each is left out in turn. In every fold weights are fitted to the other stimuli of the other animals, and tested on
    the pairs of the fold's stimuli in the held-out animal.

    Parameters
    ----------
    layers : mapping of str to array_like, shape (n_stimuli, n_stimuli)
    data : array_like, shape (n_stimuli, n_stimuli) or (n_rdms, n_stimuli, n_stimuli)
    method : str, Measure or callable
        As :func:`normenc.rsa.compare_rdms` takes it.
    subject : array_like, shape (n_rdms,), optional
    ordered : bool
    n_folds : int
        Number of folds of the stimuli.
    seed : int
        Seed for dividing the stimuli.

    Returns
    -------
    WeightedModel

    Raises
    ------
    InputError
        If a fold would have fewer than 4 stimuli, or stimuli differ.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> from normenc.rsa import rdm
    >>> one, other = rng.normal(size=(2, 24, 10))
    >>> weighted = cross_validate_weighted({"one": rdm(one), "other": rdm(other)}, rdm(np.hstack([one, other])))
    >>> bool(weighted.similarity > weighted.layers["similarity"].max())
    True
    """
    measure = as_measure(method)
    matrices = as_rdms(data, "the data")
    if not isinstance(layers, Mapping) or not layers:
        raise InputError("there are no layers to weight; give a mapping of names to RDMs")
    stacks = {}
    for name, values in layers.items():
        stacks[name] = as_rdm(values, f"the layer {name!r}")
        if stacks[name].shape != matrices.shape[1:]:
            raise InputError(
                f"the layer {name!r} has {len(stacks[name])} stimuli, but the data have {matrices.shape[1]}; they must "
                "agree"
            )
    labels = [(f"the layer {name!r}", labels_of_rdm(values)) for name, values in layers.items()]
    check_same([("the data", labels_of_rdm(data)), *labels])
    models = np.stack(list(stacks.values()))
    animals = groups_of(whose_rdms(data, subject, None)[0], None, len(matrices))[0]
    rows, weights, alone = [], [], []
    for stimulus_fold, test in enumerate(_stimulus_folds(matrices.shape[1], n_folds, ordered, seed)):
        train = np.setdiff1d(np.arange(matrices.shape[1]), test)
        ceiling = noise_ceiling(matrices[:, test][:, :, test], subject=animals, method=measure)
        for animal in np.unique(animals):
            theirs = animals == animal
            others = ~theirs if animals.max() > 0 else theirs
            fitted = fit_weights(_pairs(models, train), _pairs(matrices[others], train), measure)
            tested, truth = _pairs(models, test), _pairs(matrices[theirs], test)
            combined = fitted @ tested if fitted.any() else tested.mean(axis=0)
            similarity = compare_vectors(combined, truth, measure).mean()
            rows.append((stimulus_fold, animal, similarity, ceiling.lower, ceiling.upper))
            weights.append(fitted * _pairs(models, train).std(axis=1))
            alone.append(compare_vectors(tested, truth, measure).mean(axis=1))
    folds = pd.DataFrame(rows, columns=["stimulus_fold", "animal_fold", "similarity", "ceiling_lower", "ceiling_upper"])
    shares = [w / w.sum() if w.any() else w for w in weights]
    table = pd.DataFrame(
        {"layer": list(stacks), "similarity": np.mean(alone, axis=0), "weight": np.mean(shares, axis=0)}
    )
    bounds = folds[["ceiling_lower", "ceiling_upper"]].mean()
    return WeightedModel(
        float(folds["similarity"].mean()), (float(bounds.iloc[0]), float(bounds.iloc[1])), table, folds
    )


def _stimulus_folds(n_stimuli: int, n_folds: int, ordered: bool, seed: int) -> list[npt.NDArray[np.intp]]:
    n_folds, seed = as_count(n_folds, "n_folds", 0), as_seed(seed)
    if n_folds < 2 or n_stimuli // n_folds < MIN_TEST_STIMULI:
        raise InputError(
            f"n_folds is {n_folds} for {n_stimuli} stimuli; there must be at least 2 folds of at least "
            f"{MIN_TEST_STIMULI} stimuli"
        )
    order = np.arange(n_stimuli) if ordered else np.random.default_rng([seed, 5]).permutation(n_stimuli)
    return [np.sort(fold) for fold in np.array_split(order, n_folds)]


def _pairs(matrices: Floats, stimuli: npt.NDArray[np.intp]) -> Floats:
    return upper(matrices[:, stimuli][:, :, stimuli])
