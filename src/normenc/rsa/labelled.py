"""Axes of labelled arrays: which one holds the stimuli, and which stimuli these are.

xarray's objects name their dimensions and label them by coordinates; pandas' tables label rows and columns. All public
functions of the room read their inputs here: axes are put in the required order, and the labels of two inputs must
agree.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_array, is_frame
from normenc.errors import InputError
from normenc.rsa.labels import Labels, as_labels, check_same, first_difference, key, relate
from normenc.stimulus_types import STIMULUS_TYPES

__all__ = [
    "labels_of",
    "labels_of_rdm",
    "square",
    "turned",
    "turned_stack",
    "whose",
    "with_gaps",
]

WORDS = {
    "unit": {"unit", "neuron", "cell", "roi", "neuroid", "voxel", "channel", "feature", "electrode"},
    "stimulus": {"stimulus", "stimuli", "condition", "presentation", "item"},  # and the names of types
    "stack": {
        "repeat",
        "repetition",
        "rep",
        "trial",
        "run",
        "session",
        "day",
        "animal",
        "subject",
        "participant",
        "rdm",
    }
    | {"seed", "model", "layer", "sample"},
    "pair": {"pair", "dissimilarity"},
}
NOUNS = {"unit": "units", "stimulus": "stimuli", "stack": "repeats or sessions", "pair": "pairs"}


# ---- which axis is which -------------------------------------------------------------------------------------------


def turned(values: Any, what: str, places: Sequence[str] = ("stimulus", "unit")) -> Any:
    """Put the axes of a labelled array in order: of responses, stimulus x unit.

    Axes without a name, or with an unknown one, fill the remaining places in order. Unlabelled inputs, and those with
    another number of axes, are unchanged.

    Parameters
    ----------
    values : array_like
    what : str
        Names them in messages.
    places : sequence of str
        The required axes, of :data:`WORDS`; a stack is one of repeats, sessions or RDMs.

    Raises
    ------
    InputError
        If two names mean the same.

    Examples
    --------
    >>> import xarray as xr
    >>> turned(xr.DataArray(np.ones((5, 3)), dims=("neuron", "image")), "responses").dims
    ('image', 'neuron')
    """
    names = _axis_names(values)
    if names is None or len(names) != len(places):
        return values
    kinds = [kind if (kind := _kind(name)) in places else None for name in names]
    for kind in places:
        if kinds.count(kind) > 1:
            raise InputError(
                f"{what}: two of the dimensions {', '.join(map(str, names))} are named like {NOUNS[kind]}; rename "
                f"them, for example to {', '.join(places).replace('stack', 'repeat')}"
            )
    left = iter([axis for axis, kind in enumerate(kinds) if kind is None])
    order = [kinds.index(kind) if kind in kinds else next(left) for kind in places]
    if order == list(range(len(places))):
        return values
    return values.T if len(places) == 2 else values.transpose(*(values.dims[axis] for axis in order))


def turned_stack(values: Any, what: str) -> Any:
    """The same for repeats or sessions, which may also be a list of labelled matrices.

    Raises
    ------
    InputError
        Also if matrices in a list are not labelled with the same stimuli and units.
    """
    if not isinstance(values, (list, tuple)) or not any(map(_is_labelled, values)):
        return turned(values, what, ("stack", "stimulus", "unit"))
    matrices = [turned(value, f"{what}[{index}]") for index, value in enumerate(values)]
    for axis, noun in ((0, "stimuli"), (-1, "units")):
        named = [(f"{what}[{index}]", labels_of(own, axis)) for index, own in enumerate(matrices)]
        check_same(named, "put them in the same order", noun=noun)
    return matrices


def _axis_names(values: Any) -> tuple[Any, ...] | None:
    if is_frame(values):
        return (values.index.name, values.columns.name) if values.ndim == 2 else None
    return tuple(values.dims) if hasattr(values, "coords") and hasattr(values, "dims") else None


def _kind(name: Any) -> str | None:
    """What an axis with this name holds."""
    word = str(name).lower().removesuffix("_id").removesuffix("_index")
    if {word, word.removesuffix("s")} & STIMULUS_TYPES.keys():
        return "stimulus"
    for kind, words in WORDS.items():
        if word in words or word.removesuffix("s") in words:
            return kind
    return None


def square(values: Any, what: str, *, missing: bool = False) -> npt.NDArray[Any]:
    """One RDM, or a stack of them with the stack first, as numbers; rows and columns in the same order.

    If dissimilarities may be missing, masked ones become NaN.

    Raises
    ------
    InputError
        If rows and columns are labelled with different stimuli, or RDMs in a list have different stimuli.
    """
    if isinstance(values, (list, tuple)) and any(map(_is_labelled, values)):
        check_same((f"{what}[{index}]", labels_of_rdm(own)) for index, own in enumerate(values))
        return as_array([square(own, f"{what}[{index}]", missing=missing) for index, own in enumerate(values)], what)
    if not _is_labelled(values):
        return as_array(with_gaps(values) if missing else values, what)
    values = _stack_first(values)
    numbers = as_array(values, what)
    rows, columns = (labels_of(values, axis) for axis in (-2, -1)) if numbers.ndim > 1 else ([], [])
    columns = [Labels(_without_number(own.name), own.values, own.sure) for own in columns]
    relation, first, second = relate(rows, columns)
    if relation == "same":
        return numbers
    places = {key(label): place for place, label in enumerate(second.values)}
    if relation != "order" or len(places) < len(second.values):
        raise InputError(
            f"the rows and columns of {what} are labelled differently: {first_difference(first, second)}; an RDM must "
            "have the same stimuli along both"
        )
    return np.asarray(numbers[..., [places[key(label)] for label in first.values]])


def with_gaps(values: Any) -> Any:
    """A masked array, or a list with some, with NaN for masked values."""
    if isinstance(values, (list, tuple)):
        return [with_gaps(value) for value in values] if any(map(_has_mask, values)) else values
    return np.ma.filled(values.astype(np.float64), np.nan) if _has_mask(values) else values


def _has_mask(values: Any) -> bool:
    return isinstance(values, np.ma.MaskedArray)


def _stack_first(values: Any) -> Any:
    """A stack of RDMs with the stack axis first."""
    names = _axis_names(values) or ()
    if len(names) != 3:
        return values
    kinds = [_kind(name) for name in names]
    stacks = [axis for axis in range(3) if kinds[axis] == "stack"]
    bases = [_without_number(str(name)) for name in names]
    odd = [axis for axis in range(3) if bases.count(bases[axis]) == 1]
    axis = odd[0] if len(odd) == 1 else stacks[0] if len(stacks) == 1 else 0
    return values.transpose(names[axis], ...)


def _without_number(name: str | None) -> str | None:
    """The name of the rows' dimension, from that of the columns: ``stimulus_2`` becomes ``stimulus``."""
    return None if name is None else name.removesuffix("_2")


# ---- which stimuli these are ---------------------------------------------------------------------------------------


def labels_of(values: Any, axis: int = 0) -> list[Labels]:
    """All labels along an axis of an xarray object, a table of pandas, or the first labelled one of a list of these."""
    if isinstance(values, (list, tuple)):
        inner = axis if axis < 0 else axis - 1
        return next((labels for own in values if _is_labelled(own) and (labels := labels_of(own, inner))), [])
    if is_frame(values):
        index = values.index if values.ndim == 1 or axis in (0, -2) else values.columns
        counted = type(index).__name__ == "RangeIndex" and index.name is None and (index.start, index.step) == (0, 1)
        return [Labels(index.name, as_labels(index), not counted)]
    if not _is_labelled(values) or not -values.ndim <= axis < values.ndim:  # a wrong shape is reported elsewhere
        return []
    dimension = values.dims[axis]
    labels = []
    for name, coord in values.coords.items():
        if coord.dims == (dimension,):
            sure = name == dimension or _kind(name) in ("stimulus", "unit") or coord.dtype.kind in "OSU"
            labels.append(Labels(str(name), as_labels(coord.values), sure))
    return labels


def labels_of_rdm(values: Any) -> list[Labels]:
    """Labels of the stimuli of an RDM, a stack or a list."""
    if isinstance(values, (list, tuple)):
        return next((labels for own in values if _is_labelled(own) and (labels := labels_of_rdm(own))), [])
    if not _is_labelled(values):
        return []
    values = _stack_first(values)
    rows, columns = labels_of(values, -2), labels_of(values, -1)
    sure = [own for own in rows if own.sure]
    return rows if sure else [Labels(_without_number(own.name), own.values, own.sure) for own in columns] or rows


def whose(values: Any, name: str) -> Any:
    """The animal, or session, of each RDM in a labelled stack; None if it is not labelled so.

    Parameters
    ----------
    values : array_like
    name : str
        ``"subject"`` or ``"session"``.
    """
    names = (name, "animal", "participant") if name == "subject" else (name,)
    if getattr(values, "ndim", 0) != 3 or not hasattr(values, "coords"):
        return None
    stack = _stack_first(values)
    present = [key for key in names if key in stack.coords and stack.coords[key].dims == stack.dims[:1]]
    return stack.coords[present[0]].values if present else None


def _is_labelled(values: Any) -> bool:
    return is_frame(values) or (hasattr(values, "coords") and hasattr(values, "dims"))
