"""Test of similarity against chance, by permuting the stimuli of one RDM (never its entries)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_array, as_count, as_seed
from normenc.errors import InputError
from normenc.rsa.circle import distinct_places, places_around, why_not_even
from normenc.rsa.labelled import labels_of_rdm
from normenc.rsa.labels import check_same
from normenc.rsa.measures import Measure, Method, as_measure
from normenc.rsa.pairs import as_rdms, upper
from normenc.rsa.ties import TIES

__all__ = [
    "PERMUTATIONS",
    "SHIFTS",
    "Chance",
    "chance_p_values",
    "circular_shifts",
    "label_permutations",
    "permuted_similarities",
    "permuted_stimuli",
    "why_not_shifted",
]

Floats = npt.NDArray[np.float64]
SHIFTS, PERMUTATIONS = "circular shifts", "label permutations"
EXHAUSTIVE = 7  # stimuli: up to here all orders (5,040) are used
MOST_PERMUTED = 1000  # stimuli; of more, so many say whether models and data are related


@dataclass(frozen=True)
class Chance:
    """A test against chance.

    Attributes
    ----------
    kind : str
        :data:`SHIFTS` or :data:`PERMUTATIONS`.
    orders : ndarray of int, shape (n_orders, n_stimuli)
        Orders of the stimuli other than the observed one.
    unchanged : ndarray of bool, shape (n_orders, n_models)
        Whether an order leaves a model's RDMs, or all of the data's, unchanged, so that the similarity equals the
        observed one.
    """

    kind: str
    orders: npt.NDArray[np.int64]
    unchanged: npt.NDArray[np.bool_]

    @property
    def smallest_p(self) -> Floats:
        """The smallest possible p-value for each model, shape (n_models,)."""
        return np.asarray((self.unchanged.sum(axis=0) + 1) / (len(self.orders) + 1))

    def p_values(self, similarities: Floats, observed: Floats, tolerance: Any = TIES) -> Floats:
        """One-sided p-value of each model.

        Parameters
        ----------
        similarities : ndarray, shape (n_orders, n_models)
            Similarities under every order.
        observed : ndarray, shape (n_models,)
            Computed in the same way.
        tolerance : float or ndarray, shape (n_models,)
            By how much equal similarities may differ, see :func:`rounding_of`.
        """
        as_high = ~(similarities < observed - tolerance) | self.unchanged
        return np.asarray((as_high.sum(axis=0) + 1) / (len(self.orders) + 1))


def chance_p_values(
    models: Any,
    data: Any,
    method: Method = "pearson",
    *,
    ordered: bool = False,
    positions: Any = None,
    n_permutations: int = 1000,
    seed: int = 0,
) -> Floats:
    """Probability of a similarity at least this high if the stimuli of model and data were unrelated.

    The data's stimuli are permuted as whole rows and columns. Permuting the RDM's entries would treat dissimilarities
    that share a stimulus as independent, and give three times too many false positives. If the stimuli are ordered on a
    circle (`ordered`), neighbours are similar in every smooth representation; then all circular shifts are used
    instead, which test whether the match depends on the positions of the stimuli on the circle. For an RDM that is the
    same all around the circle all shifts are equivalent, and nothing can be concluded.

    Parameters
    ----------
    models : array_like, shape (n_models, n_stimuli, n_stimuli)
    data : array_like, shape (n_stimuli, n_stimuli) or (n_rdms, n_stimuli, n_stimuli)
        The test uses the mean similarity with these.
    method : str, Measure or callable
        As :func:`normenc.rsa.compare_rdms` takes it.
    ordered : bool
        Whether the stimuli are ordered on a circle, evenly spaced.
    positions : array_like, shape (n_stimuli,), optional
        Of stimuli in order on a circle, ascending, in degrees of 360 (orientations times 2); evenly spaced by default.
    n_permutations : int
        Number of random permutations; ignored if `ordered`, with n_stimuli - 1 shifts, and for 7 stimuli or fewer, for
        which all orders are used and p is exact.
    seed : int

    Returns
    -------
    ndarray, shape (n_models,)
        One-sided; the observed order counts as one permutation, so that p is at least 1 / (n_permutations + 1).

    Raises
    ------
    InputError
        As in :func:`compare_rdms`; also if the labels of models and data differ, a number is invalid, or stimuli in
        order on a circle are not evenly spaced (steps differ from their mean by more than 1 %), because a shift by one
        place then turns no two stimuli by the same angle.

    References
    ----------
    Phipson & Smyth, "Permutation p-values should never be zero", Stat. Appl. Genet. Mol. Biol. 2010.
    """
    measure = as_measure(method)
    first, second = _checked(models, data, measure)
    stacks = list(first[:, None])
    if ordered:
        _check_even(positions, second.shape[1])
        test = circular_shifts(stacks, second)
    elif positions is not None:
        raise InputError("positions are those of stimuli in order on a circle; also give ordered=True")
    else:
        test = label_permutations(stacks, second, n_permutations=n_permutations, seed=seed)
    similarity = with_observed(first, second, test.orders, measure)
    return test.p_values(similarity[1:], similarity[0], rounding_of(first, second, measure))


def _check_even(positions: Any, n_stimuli: int) -> None:
    if why_not := why_not_even(n_stimuli, positions):
        raise InputError(f"circular shifts need equal steps, but {why_not}; use ordered=False for label permutations")


def with_observed(models: Floats, data: Floats, orders: npt.NDArray[np.int64], measure: Measure) -> Floats:
    """Observed similarities, then those in all orders, computed in the same way: (1 + n_orders, n_models)."""
    observed = np.arange(data.shape[-1])[None]
    return permuted_similarities(models, data, np.concatenate([observed, orders]), measure)


def rounding_of(models: Floats, data: Floats, measure: Measure) -> Floats:
    """By how much equal similarities may differ, shape (n_models,).

    1e-12; for measures that subtract the mean dissimilarity, at least 32 machine epsilons times the largest
    dissimilarity over the standard deviation, because an offset costs precision; for a user's function, whose order of
    summation is unknown, 1e-9 of its value.

    Parameters
    ----------
    models, data : ndarray, shape (n, n_stimuli, n_stimuli)
    measure : Measure
    """
    return np.asarray(measure.arithmetic.rounding(upper(models), upper(data)))


def _checked(models: Any, data: Any, measure: Measure) -> tuple[Floats, Floats]:
    """Models and data, checked to have the same stimuli and a similarity by the measure."""
    first, second = as_rdms(models, "the models"), as_rdms(data, "the data")
    if second.shape[1] != first.shape[1]:
        raise InputError(
            f"the models have {first.shape[1]} stimuli, but the data have {second.shape[1]}; they must agree"
        )
    check_same([("the models", labels_of_rdm(models)), ("the data", labels_of_rdm(data))])
    for what, matrices in (("first", first), ("second", second)):
        measure.check_defined(upper(matrices), what)
    return first, second


def label_permutations(models: Sequence[Floats], data: Floats, *, n_permutations: int = 1000, seed: int = 0) -> Chance:
    """The test whether models and data are related at all: random orders of the stimuli, or all orders of few.

    Parameters
    ----------
    models : sequence of ndarray, shape (n_seeds, n_stimuli, n_stimuli)
        Of each model, its RDMs.
    data : ndarray, shape (n_rdms, n_stimuli, n_stimuli)
    n_permutations, seed : int
        With 7 stimuli or fewer, all orders are used.
    """
    n_stimuli, n_permutations = data.shape[-1], as_count(n_permutations, "n_permutations")
    if n_stimuli <= EXHAUSTIVE:
        orders = np.array(list(permutations(range(n_stimuli)))[1:])
    else:
        rng = np.random.default_rng([as_seed(seed), 4])
        orders = rng.permuted(np.tile(np.arange(n_stimuli), (n_permutations, 1)), axis=1)
    return Chance(PERMUTATIONS, orders, _unchanged(models, data, orders))


def circular_shifts(models: Sequence[Floats], data: Floats) -> Chance:
    """The test whether the match depends on the positions of stimuli in order on a circle: all circular shifts.

    Stimuli must be evenly spaced, see :func:`normenc.rsa.circle.why_not_even`.

    n stimuli have n shifts, so p is never below 1 / n; it is at least twice that where a model's RDM is the same half a
    circle further, as it is for gratings that drift in opposite directions.

    Parameters
    ----------
    models, data
        See :func:`label_permutations`.
    """
    n_stimuli = data.shape[-1]
    shifts = (np.arange(n_stimuli) + np.arange(1, n_stimuli)[:, None]) % n_stimuli
    return Chance(SHIFTS, shifts, _unchanged(models, data, shifts))


def permuted_stimuli(n_stimuli: int, *, ordered: bool, positions: Any = None, seed: int = 0) -> npt.NDArray[np.intp]:
    """The stimuli that the tests permute: all or, of more than 1,000, as many, drawn at random.

    Where stimuli are in order on a circle, those drawn stand at equal distances, as far as their number allows, and a
    last one at the angle of the first is left out. The test of these is exact; it would only be less powerful, if 1,000
    were not enough for any similarity above 0.01.

    Parameters
    ----------
    n_stimuli : int
    ordered : bool
        Whether the stimuli are in order on a circle.
    positions : array_like, shape (n_stimuli,), optional
        See :func:`normenc.rsa.circle.steps_around`.
    seed : int
    """
    if ordered:
        distinct = distinct_places(n_stimuli, positions)
        return distinct[places_around(len(distinct), MOST_PERMUTED)]
    if n_stimuli <= MOST_PERMUTED:
        return np.arange(n_stimuli)
    return np.sort(np.random.default_rng([seed, 8]).permutation(n_stimuli)[:MOST_PERMUTED])


def why_not_shifted(n_stimuli: int, ordered: bool, positions: Any, some: npt.NDArray[np.intp]) -> str:
    """Why some of the stimuli in order on a circle cannot be shifted, as a clause; empty if they can, or have no order.

    Parameters
    ----------
    n_stimuli, ordered, positions
        See :func:`permuted_stimuli`.
    some : ndarray of int
        Places of the stimuli that are shifted.
    """
    if not ordered:
        return ""
    places = np.arange(n_stimuli) * 360 / n_stimuli if positions is None else np.asarray(positions)
    distinct = distinct_places(n_stimuli, positions)
    if why_not := why_not_even(len(distinct), places[distinct]):
        return why_not
    why_not = why_not_even(len(some), places[some])
    return why_not and f"of {n_stimuli:,} stimuli, the {len(some):,} that are permuted are not evenly spaced"


def _unchanged(models: Sequence[Floats], data: Floats, orders: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Whether each order leaves all RDMs of each model, or all of the data's, as they are: (n_orders, n_models)."""
    of_data = _same_in(data, orders)
    return np.stack([of_data | _same_in(stack, orders) for stack in models], axis=1)


def _same_in(matrices: Floats, orders: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Whether all matrices are the same in each of the orders, up to the precision of single numbers.

    Where all dissimilarities are large beside what they differ by, up to a thousandth of that.
    """
    vectors = upper(matrices)
    tolerance = min(1e-6 * np.abs(vectors).max(), 1e-3 * np.ptp(vectors, axis=1).min())
    same = np.ones(len(orders), dtype=bool)
    for matrix in matrices:
        # Of nearly all orders the first row tells.
        same &= (np.abs(matrix[orders[:, :1], orders] - matrix[0]) <= tolerance).all(axis=1)
        for index in np.flatnonzero(same):
            order = orders[index]
            same[index] = (np.abs(matrix[np.ix_(order, order)] - matrix) <= tolerance).all()
    return same


def permuted_similarities(models: Any, data: Any, orders: Any, method: Method = "pearson") -> Floats:
    """Mean similarity of each model with the data when the data's stimuli stand in other orders.

    Parameters
    ----------
    models, data : array_like, shape (n, n_stimuli, n_stimuli)
    orders : array_like of int, shape (n_orders, n_stimuli)
        Each a permutation of the stimuli.
    method : str, Measure or callable

    Returns
    -------
    ndarray, shape (n_orders, n_models)

    Raises
    ------
    InputError
        As in :func:`chance_p_values`; also when an order is no permutation of the stimuli.
    """
    measure = as_measure(method)
    first, second = _checked(models, data, measure)
    n_stimuli = first.shape[1]
    orders = _as_orders(orders, n_stimuli)
    return np.asarray(measure.arithmetic.permuted(upper(first), upper(second), orders))


def _as_orders(orders: Any, n_stimuli: int) -> npt.NDArray[np.intp]:
    numbers = as_array(orders, "orders")
    if numbers.ndim != 2 or not len(numbers) or numbers.shape[1] != n_stimuli:
        raise InputError(
            f"orders have shape {numbers.shape}; they must be (n_orders, {n_stimuli}), with at least one order"
        )
    wrong = np.flatnonzero((np.sort(numbers, axis=1) != np.arange(n_stimuli)).any(axis=1))
    if wrong.size:
        raise InputError(f"order {wrong[0]} is not a permutation of the {n_stimuli} stimuli, 0 to {n_stimuli - 1}")
    return numbers.astype(np.intp)
