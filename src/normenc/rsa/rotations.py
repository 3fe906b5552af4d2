"""Similarity after the stimuli of a model were turned, or mirrored, around their circle so that it is largest."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from normenc.rsa.circle import DECIMALS, Circle, circle_of, why_not_even
from normenc.rsa.circular_measure import PartMeasure
from normenc.rsa.inputs import Inputs
from normenc.rsa.measures import Measure
from normenc.rsa.pairs import upper

__all__ = ["Aligned", "best_alignments", "why_not_aligned"]

Floats = npt.NDArray[np.float64]
SAME = 1e-9  # similarities that differ by less are equal, and the smallest turn is chosen


@dataclass(frozen=True)
class Aligned:
    """The best alignment of each model, shape (n_models,).

    Attributes
    ----------
    similarity : ndarray
        After it; that of the model as it is, if no other is higher.
    shift : ndarray
        Degrees of 360, above -180 and up to 180: the model's response to the angle a stands for that to a + shift or,
        if mirrored, to shift - a.
    mirrored : ndarray of bool
    """

    similarity: Floats
    shift: Floats
    mirrored: npt.NDArray[np.bool_]


def why_not_aligned(circle: Circle) -> str:
    """Why the stimuli cannot be turned around their circle onto each other; empty if they can."""
    angles = circle.angles[_different(circle)]
    why_not = why_not_even(len(angles), angles)
    return why_not and f"{why_not}, so that they cannot be turned onto each other"


def best_alignments(inputs: Inputs, circle: Circle, measure: Measure, part: str | None, similarity: Floats) -> Aligned:
    """Turn the stimuli of all models by every step around the circle, and mirror them too, and take the best.

    All seeds of a model, and all animals, have the same alignment. Of stimuli at the same angle one is turned, because
    those angles have one place on the circle. The maximum of all alignments is at least the similarity as it is, also
    of unrelated RDMs, and is not tested: under circular shifts it is the same, so that these cannot tell.

    Parameters
    ----------
    inputs : Inputs
    circle : Circle
        With even spacing, see :func:`why_not_aligned`.
    measure : Measure
    part : str or None
        Of RDMs, that is compared; None for the whole.
    similarity : ndarray, shape (n_models,)
        Of the models as they are.
    """
    some = _different(circle)
    own = inputs.of_stimuli(some)
    n, first = len(some), float(circle.angles[some[0]])
    if part is not None:
        measure = PartMeasure.of(measure, circle_of(n, circle.angles[some]), part)
    places = np.arange(n)
    orders = np.concatenate([(places + places[:, None]) % n, (places[:, None] - places) % n])
    mirrored = np.repeat([False, True], n)
    shift = np.concatenate([places * 360 / n, 2 * first + places * 360 / n])
    shift = np.round(180 - (180 - shift) % 360, DECIMALS)
    by_size = np.lexsort((shift < 0, np.abs(shift), mirrored))
    found = measure.arithmetic.permuted(own.models, upper(own.matrices), orders[by_size])
    found = inputs.average(found[:, :, None], None, None)
    best = np.argmax(found >= found.max(axis=0) - SAME, axis=0)
    as_it_is = best == 0
    value = np.where(as_it_is, similarity, found[best, np.arange(found.shape[1])])
    return Aligned(np.maximum(value, similarity), shift[by_size][best], mirrored[by_size][best])


def _different(circle: Circle) -> npt.NDArray[np.intp]:
    """Places of stimuli at different angles, in order around the circle."""
    rounded = np.round(circle.angles, DECIMALS) % 360
    return np.asarray(np.unique(rounded, return_index=True)[1])
