"""Labels of stimuli and units: normalised for comparison, and whether those of two inputs agree."""

import unicodedata
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from normenc.arrays import as_array
from normenc.errors import InputError

__all__ = ["Labels", "as_labels", "check_same", "first_difference", "key", "relate"]

EXACT = 1e-12  # relative to the largest label: numbers that differ by less are the same
MISSING = "nan"  # any missing label, such as the orientation of a blank


@dataclass(frozen=True)
class Labels:
    """One set of labels of an axis: its name or None, the labels, and whether they certainly identify the stimuli.

    Numbers that only accompany the stimuli, such as trial counts, may differ between recordings.
    """

    name: str | None
    values: tuple[Hashable, ...]
    sure: bool


def check_same(
    labelled: Iterable[tuple[str, Sequence[Labels]]], remedy: str | None = None, noun: str = "stimuli"
) -> None:
    """Raise InputError if the labels of two inputs differ, naming the first difference.

    Parameters
    ----------
    labelled : iterable of (str, sequence of Labels)
        The name of each input and its labels; empty if it has none.
    remedy : str, optional
        Advice for different orders; by default, to reorder RDMs.
    noun : str
        What is labelled.
    """
    known = [(what, labels) for what, labels in labelled if labels]
    for what, labels in known[1:]:
        relation, first, second = relate(known[0][1], labels)
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
            how, todo = f"hold different {noun}", "select the ones in both"
        by = f" ({first.name})" if first.name == second.name not in (None, "stimulus") else ""
        raise InputError(f"{both} {how}{by}: {first_difference(first, second)}; {todo}")


def _check_once(*labels: Labels) -> None:
    """Raise InputError if a label occurs twice, since labels then do not identify stimuli."""
    for own in labels:
        label, times = Counter(own.values).most_common(1)[0]
        if times > 1:
            raise InputError(f"the {own.name or 'label'} {label} occurs {times} times; labels must be unique")


def relate(one: Sequence[Labels], other: Sequence[Labels]) -> tuple[str, Labels, Labels]:
    """How the labels of two axes relate, and by which labels; those with the same name are preferred.

    "same", also if nothing can be compared; otherwise "order", "type", "different", or "names" if no name is shared.
    """
    nothing = Labels(None, (), False)
    shared = [(a, b) for a in one for b in other if a.name == b.name]
    related = [(_relation(a, b), a, b) for a, b in shared]
    related = [r for r in related if r[0] in ("same", "order") or (r[1].sure and r[2].sure)]
    for candidate in related:
        if candidate[0] != "same":
            return candidate
    if related:
        return "same", nothing, nothing
    crossed = [(_relation(a, b), a, b) for a in one for b in other if a.sure or b.sure]
    if any(relation == "same" for relation, *_ in crossed):
        return "same", nothing, nothing
    for candidate in crossed:
        if candidate[0] == "order" or (candidate[0] == "type" and candidate[1].sure and candidate[2].sure):
            return candidate
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


def first_difference(a: Labels, b: Labels) -> str:
    """The label that is in only one of them or, if there is none, the first place where they differ."""
    ours, theirs = ({key(v) for v in own.values} for own in (a, b))
    texts = [{str(v) for v in own.values} for own in (a, b)]
    if texts[0] != texts[1]:
        alone = next(v for v in (*a.values, *b.values) if (key(v) in ours) != (key(v) in theirs))
        return f"{alone} is in only one of them"
    scale = max((abs(v) for v in a.values if isinstance(v, float)), default=0.0)
    pairs = enumerate(zip(a.values, b.values, strict=True))
    place, (x, y) = next((k, pair) for k, pair in pairs if not _equal(*pair, scale))
    if str(x) == str(y):
        x, y = (f"the {'text' if isinstance(v, str) else 'number'} {v!r}" for v in (x, y))
    return f"position {place} is {x} in one and {y} in the other"


def key(value: Hashable) -> str:
    """A label as a text that distinguishes types, and numbers up to rounding."""
    if isinstance(value, (int, float)):
        return f"number {value if isinstance(value, int) else float(f'{value:.12g}'):.17g}"
    return f"{type(value).__name__} {value}"


def as_labels(values: Any) -> tuple[Hashable, ...]:
    """Labels as Python values that compare by meaning: text in one normal form, missing labels all equal."""
    if getattr(values, "ndim", 1) != 1:
        raise InputError(f"labels have shape {tuple(values.shape)}; give one per stimulus")
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
        value = float(str(value))  # 0.1 in single precision means 0.1
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
