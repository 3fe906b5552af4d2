"""What labelled arrays say of their axes: which one holds the stimuli, and which stimuli these are.

xarray's objects name their dimensions and label them by coordinates; pandas' tables label rows and columns. All public
functions of the room take them through this door: axes are put in the order that a function asks for, and where two
inputs meet, their labels must agree.
"""

import unicodedata
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_array, is_frame
from normenc.errors import InputError
from normenc.stimulus_types import STIMULUS_TYPES

__all__ = [
    "Labels",
    "as_labels",
    "check_same",
    "key",
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
EXACT = 1e-12  # of the largest label: what differs by less is the same number
MISSING = "nan"  # every label that is missing, such as the orientation of a blank


@dataclass(frozen=True)
class Labels:
    """One set of labels of an axis: its name, or None, the labels, and whether they surely say which stimuli these are.

    Numbers that merely go along with the stimuli, such as how often each was shown, may differ between recordings.
    """

    name: str | None
    values: tuple[Hashable, ...]
    sure: bool


# ---- which axis is which -------------------------------------------------------------------------------------------


def turned(values: Any, what: str, places: Sequence[str] = ("stimulus", "unit")) -> Any:
    """Put the axes of a labelled array in order: of responses, stimulus x unit.

    Axes without a name, or with one that tells nothing, fill the places that are left in their order. What is not
    labelled, or has another number of axes, stays as it is.

    Parameters
    ----------
    values : array_like
    what : str
        Names them in messages.
    places : sequence of str
        What the axes shall be, of :data:`WORDS`; a stack is of repeats, sessions or RDMs.

    Raises
    ------
    InputError
        When two names say the same.

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
                f"{what}: of the dimensions {', '.join(map(str, names))} two are named as {NOUNS[kind]} are; rename "
                f"them, as in {', '.join(places).replace('stack', 'repeat')}"
            )
    left = iter([axis for axis, kind in enumerate(kinds) if kind is None])
    order = [kinds.index(kind) if kind in kinds else next(left) for kind in places]
    if order == list(range(len(places))):
        return values
    return values.T if len(places) == 2 else values.transpose(*(values.dims[axis] for axis in order))


def turned_stack(values: Any, what: str) -> Any:
    """The same for repeats or sessions, which may also come as a list of labelled matrices.

    Raises
    ------
    InputError
        Also when matrices of a list are not labelled with the same stimuli and units.
    """
    if not isinstance(values, (list, tuple)) or not any(map(_is_labelled, values)):
        return turned(values, what, ("stack", "stimulus", "unit"))
    matrices = [turned(value, f"{what}[{index}]") for index, value in enumerate(values)]
    for axis, noun in ((0, "stimuli"), (-1, "units")):
        named = [(f"{what}[{index}]", labels_of(own, axis)) for index, own in enumerate(matrices)]
        check_same(named, "put them in one order", noun=noun)
    return matrices


def _axis_names(values: Any) -> tuple[Any, ...] | None:
    if is_frame(values):
        return (values.index.name, values.columns.name) if values.ndim == 2 else None
    return tuple(values.dims) if hasattr(values, "coords") and hasattr(values, "dims") else None


def _kind(name: Any) -> str | None:
    """What an axis of that name holds."""
    word = str(name).lower().removesuffix("_id").removesuffix("_index")
    if {word, word.removesuffix("s")} & STIMULUS_TYPES.keys():
        return "stimulus"
    for kind, words in WORDS.items():
        if word in words or word.removesuffix("s") in words:
            return kind
    return None


def square(values: Any, what: str, *, missing: bool = False) -> npt.NDArray[Any]:
    """One RDM, or a stack of them with the stack first, as numbers; rows and columns in the same order.

    Where dissimilarities may be missing, masked ones are NaN.

    Raises
    ------
    InputError
        When rows and columns are labelled with different stimuli, or RDMs of a list are not of the same stimuli.
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
    relation, first, second = _relate(rows, columns)
    if relation == "same":
        return numbers
    places = {key(label): place for place, label in enumerate(second.values)}
    if relation != "order" or len(places) < len(second.values):
        raise InputError(
            f"the rows and columns of {what} are labelled differently: {_first_difference(first, second)}; an RDM has "
            "the same stimuli along both"
        )
    return np.asarray(numbers[..., [places[key(label)] for label in first.values]])


def with_gaps(values: Any) -> Any:
    """A masked array, or a list that holds some, with NaN in the place of what is masked."""
    if isinstance(values, (list, tuple)):
        return [with_gaps(value) for value in values] if any(map(_has_mask, values)) else values
    return np.ma.filled(values.astype(np.float64), np.nan) if _has_mask(values) else values


def _has_mask(values: Any) -> bool:
    return isinstance(values, np.ma.MaskedArray)


def _stack_first(values: Any) -> Any:
    """A stack of RDMs with the axis first that is none of the two of stimuli."""
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
        return next((found for own in values if _is_labelled(own) and (found := labels_of(own, inner))), [])
    if is_frame(values):
        index = values.index if values.ndim == 1 or axis in (0, -2) else values.columns
        counted = type(index).__name__ == "RangeIndex" and index.name is None and (index.start, index.step) == (0, 1)
        return [Labels(index.name, as_labels(index), not counted)]
    if not _is_labelled(values) or not -values.ndim <= axis < values.ndim:  # a wrong shape is told of elsewhere
        return []
    dimension = values.dims[axis]
    found = []
    for name, coord in values.coords.items():
        if coord.dims == (dimension,):
            sure = name == dimension or _kind(name) in ("stimulus", "unit") or coord.dtype.kind in "OSU"
            found.append(Labels(str(name), as_labels(coord.values), sure))
    return found


def labels_of_rdm(values: Any) -> list[Labels]:
    """Labels of an RDM's stimuli, or of a stack's or list's."""
    if isinstance(values, (list, tuple)):
        return next((found for own in values if _is_labelled(own) and (found := labels_of_rdm(own))), [])
    if not _is_labelled(values):
        return []
    values = _stack_first(values)
    rows, columns = labels_of(values, -2), labels_of(values, -1)
    sure = [own for own in rows if own.sure]
    return rows if sure else [Labels(_without_number(own.name), own.values, own.sure) for own in columns] or rows


def whose(values: Any, name: str) -> Any:
    """Labels of a stack of RDMs that say of which animal, or session, each is; None where it says nothing.

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
    found = [key for key in names if key in stack.coords and stack.coords[key].dims == stack.dims[:1]]
    return stack.coords[found[0]].values if found else None


def check_same(
    labelled: Iterable[tuple[str, Sequence[Labels]]], remedy: str | None = None, noun: str = "stimuli"
) -> None:
    """Raise InputError when two inputs' labels differ, naming the first stimulus that does.

    Parameters
    ----------
    labelled : iterable of (str, sequence of Labels)
        What each input is called, and its labels; none where it carries none.
    remedy : str, optional
        What to do about different orders; to reorder RDMs by default.
    noun : str
        What is labelled.
    """
    known = [(what, labels) for what, labels in labelled if labels]
    for what, labels in known[1:]:
        relation, first, second = _relate(known[0][1], labels)
        if relation == "same":
            continue
        both = f"{known[0][0]} and {what}"
        if relation == "order":
            how = f"hold their {noun} in different orders"
            todo = remedy or "reorder one with normenc.rsa.match_stimuli"
        elif relation == "type":
            how, todo = f"label their {noun} with different types", "convert the labels of one"
        elif relation == "names":
            how = f"label their {noun} differently, by {first.name or 'index'} and by {second.name or 'index'}"
            todo = "give both the same labels, or plain arrays in the same order"
        else:
            _check_once(first, second)
            how, todo = f"hold different {noun}", "select those that both have"
        by = f" ({first.name})" if first.name == second.name not in (None, "stimulus") else ""
        raise InputError(f"{both} {how}{by}: {_first_difference(first, second)}; {todo}")


def _check_once(*labels: Labels) -> None:
    """Raise InputError when a label stands twice, since labels do not tell then which stimulus is which."""
    for own in labels:
        label, times = Counter(own.values).most_common(1)[0]
        if times > 1:
            raise InputError(
                f"the {own.name or 'label'} {label} stands {times} times; to tell stimuli apart, each may stand once"
            )


def _relate(one: Sequence[Labels], other: Sequence[Labels]) -> tuple[str, Labels, Labels]:
    """How two axes' labels relate, by those that carry the same name if there are any: and by which labels.

    "same" also where nothing can be compared; else "order", "type", "different", or "names" where no name is shared.
    """
    nothing = Labels(None, (), False)
    shared = [(a, b) for a in one for b in other if a.name == b.name]
    related = [(_relation(a, b), a, b) for a, b in shared]
    related = [r for r in related if r[0] in ("same", "order") or (r[1].sure and r[2].sure)]
    for found in related:
        if found[0] != "same":
            return found
    if related:
        return "same", nothing, nothing
    crossed = [(_relation(a, b), a, b) for a in one for b in other if a.sure or b.sure]
    if any(relation == "same" for relation, *_ in crossed):
        return "same", nothing, nothing
    for found in crossed:
        if found[0] == "order" or (found[0] == "type" and found[1].sure and found[2].sure):
            return found
    for _, a, b in crossed:
        if a.sure and b.sure:
            return ("different" if None in (a.name, b.name) else "names"), a, b
    return "same", nothing, nothing


def _relation(a: Labels, b: Labels) -> str:
    if len(a.values) != len(b.values):
        return "same"  # numbers of stimuli are compared elsewhere
    scale = max((abs(v) for v in (*a.values, *b.values) if isinstance(v, float)), default=0.0)
    if all(_equal(x, y, scale) for x, y in zip(a.values, b.values, strict=True)):
        return "same"
    if sorted(map(key, a.values)) == sorted(map(key, b.values)):
        return "order"
    if sorted(map(str, a.values)) == sorted(map(str, b.values)):
        return "type"
    return "different"


def _equal(x: Hashable, y: Hashable, scale: float) -> bool:
    numbers = isinstance(x, (int, float)) and isinstance(y, (int, float))
    if numbers and (isinstance(x, float) or isinstance(y, float)):
        return bool(abs(x - y) <= EXACT * scale)  # type: ignore[operator]
    return x == y


def _first_difference(a: Labels, b: Labels) -> str:
    """Which label stands in one alone or, where all stand in both, the first place where they differ."""
    ours, theirs = ({key(v) for v in own.values} for own in (a, b))
    texts = [{str(v) for v in own.values} for own in (a, b)]
    if texts[0] != texts[1]:
        alone = next(v for v in (*a.values, *b.values) if (key(v) in ours) != (key(v) in theirs))
        return f"{alone} is in one of them only"
    scale = max((abs(v) for v in a.values if isinstance(v, float)), default=0.0)
    pairs = enumerate(zip(a.values, b.values, strict=True))
    place, (x, y) = next((k, pair) for k, pair in pairs if not _equal(*pair, scale))
    if str(x) == str(y):
        x, y = (f"the {'text' if isinstance(v, str) else 'number'} {v!r}" for v in (x, y))
    return f"position {place} is {x} in one and {y} in the other"


def key(value: Hashable) -> str:
    """A label as a text that tells types apart, and numbers only as far as rounding leaves them."""
    if isinstance(value, (int, float)):
        return f"number {value if isinstance(value, int) else float(f'{value:.12g}'):.17g}"
    return f"{type(value).__name__} {value}"


def as_labels(values: Any) -> tuple[Hashable, ...]:
    """Labels as Python's values that compare as what they mean: text in one form, and all that are missing alike."""
    if getattr(values, "ndim", 1) != 1:
        raise InputError(f"labels have shape {tuple(values.shape)}; give one a stimulus")
    if hasattr(values, "detach"):
        values = as_array(values, "labels")
    return tuple(map(_label, np.asarray(values) if hasattr(values, "dtype") else values))  # in their own precision


def _label(value: Any) -> Hashable:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return MISSING
    if hasattr(value, "to_datetime64"):
        value = value.to_datetime64()
    if isinstance(value, (np.datetime64, np.timedelta64)):
        return MISSING if np.isnat(value) else str(value.astype(f"{value.dtype.kind}8[us]"))  # whatever its unit
    if isinstance(value, np.floating) and not isinstance(value, float):
        value = float(str(value))  # 0.1 in single precision is meant to be 0.1
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, tuple):
        return tuple(map(_label, value))
    if isinstance(value, float) and value != value:
        return MISSING
    return value if isinstance(value, Hashable) else str(value)


def _is_labelled(values: Any) -> bool:
    return is_frame(values) or (hasattr(values, "coords") and hasattr(values, "dims"))
