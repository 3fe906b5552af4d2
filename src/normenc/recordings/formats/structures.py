"""MATLAB's structures and cells as named arrays: what is alike in every element is stacked, the elements first."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.recordings.formats.columns import few

__all__ = ["Structures", "Unreadable", "as_objects", "named_arrays", "simple"]

ADVICE = {  # MATLAB expressions that turn an object into something other programs can read
    "string": "char({0}) or, of several, cellstr({0}) would be read",
    "categorical": "cellstr({0}) would be read",
    "datetime": "datenum({0}) would be read",
    "duration": "seconds({0}) would be read",
    "table": "table2struct({0}, 'ToScalar', true) would be read",
    "timetable": "table2struct(timetable2table({0}), 'ToScalar', true) would be read",
    "function_handle": "func2str({0}) would be read",
}
OTHERS = "save its numbers, texts and cells separately"
PART = re.compile(r"\.?([A-Za-z]\w*)|\((\d+(?:,\d+)*)\)|\{(\d+(?:,\d+)*)\}")


@dataclass(frozen=True)
class Structures:
    """An array of structures: of each field as many values as there are structures."""

    shape: tuple[int, ...]
    fields: Mapping[str, npt.NDArray[np.object_]]

    @property
    def size(self) -> int:
        """How many structures there are."""
        return int(np.prod(self.shape, dtype=object))


@dataclass(frozen=True)
class Unreadable:
    """What cannot be read: a MATLAB object of this class, or values of a kind that no program agrees on."""

    kind: str
    is_object: bool = True

    @property
    def what(self) -> str:
        """In words."""
        if not self.is_object:
            return self.kind
        return "a MATLAB function handle" if self.kind == "function_handle" else f"a MATLAB {self.kind} object"

    def why(self, name: str) -> str:
        """What it is, and what to do."""
        if not self.is_object:
            return f"it holds {self.kind}; write plain numbers and text"
        return f"it is {self.what}, which only MATLAB can read; {ADVICE.get(self.kind, OTHERS).format(name)}"


def as_objects(items: Iterable[Any], shape: tuple[int, ...]) -> npt.NDArray[np.object_]:
    """An array of anything, whatever it holds."""
    listed = list(items)
    array = np.empty(len(listed), dtype=object)
    for place, item in enumerate(listed):
        array[place] = item
    return array.reshape(shape)


def named_arrays(roots: Mapping[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    """Everything in a MATLAB file by its path, ``structure.field``.

    Cells of numbers or texts, and fields of an array of structures, become one array where all elements are alike in
    shape: its first axes are those of the cells or structures. An empty element among single numbers is NaN.

    Parameters
    ----------
    roots : mapping of str to object
        Variables: arrays, text, arrays of objects (cells), :class:`Structures` and :class:`Unreadable`; None is left
        out without a word.
    paths : iterable of str
        Single elements that are wanted, such as ``neurons(3).resp`` or ``traces{3}``, counted from 1 as in MATLAB.

    Returns
    -------
    dict
        Arrays and texts; ``notes``, what was left out, in sentences; and where anything was, ``left_out``: what each
        is, by its path.

    Raises
    ------
    InputError
        If there is no element of that number.
    """
    collected = _Found()
    for name, value in roots.items():
        collected.add(name, value)
    for path in paths:
        if path not in collected.arrays and (item := _element(roots, path)) is not None:
            collected.add(path, item)
    return collected.arrays | collected.said()


def simple(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Rows and columns have one dimension."""
    return array.ravel() if array.ndim == 2 and 1 in array.shape else array


class _Found:
    """Arrays as they are found, and what is left out."""

    def __init__(self) -> None:
        self.arrays: dict[str, Any] = {}
        self.left_out: dict[str, str] = {}
        self._notes: list[str] = []
        self._unalike: dict[tuple[str, str], list[tuple[str, str]]] = {}

    def add(self, name: str, value: Any) -> None:
        """Whatever stands under a name."""
        if value is None:
            return
        if isinstance(value, Unreadable):
            self._leave_out(name, value)
        elif isinstance(value, Structures):
            for field, items in value.fields.items():
                if value.size == 1:
                    self.add(f"{name}.{field}", items.flat[0])
                elif value.size:
                    self._stack(f"{name}.{field}", items, f"{_sides(value.shape)} structures", f"{name}(1).{field}")
        elif _is_cells(value):
            if value.size == 1:
                self.add(name, value.flat[0])
            else:
                self._stack(name, value, f"{_sides(value.shape)} cells", f"{name}{{1}}")
        elif isinstance(value, str) and not value:
            self.arrays[name] = np.array([], dtype=str)
        else:
            self.arrays[name] = simple(value) if isinstance(value, np.ndarray) else value

    def _stack(self, name: str, items: npt.NDArray[Any], what: str, example: str) -> None:
        """One array of all elements, where they are alike."""
        shape = tuple(side for side in items.shape if side > 1)
        parts: list[Any] = list(items.flat)
        if all(isinstance(part, str) or _is_empty(part) for part in parts) and _has_text(parts):
            texts = [part if isinstance(part, str) else "" for part in parts]
            self.arrays[name] = np.array(texts).reshape(shape)
        elif _are_numbers_with_codes(parts):
            texts = [part if isinstance(part, str) else _written(part) for part in parts]
            self.arrays[name] = np.array(texts).reshape(shape)
        elif all(isinstance(part, Unreadable) for part in parts):
            self._leave_out(name, parts[0])
        elif all(_is_numeric(part) for part in parts):
            self._stack_numbers(name, parts, shape, what, example)
        elif all(isinstance(part, Structures) and part.size == 1 for part in parts) and _alike(parts, _fields):
            fields = {
                field: as_objects((part.fields[field].flat[0] for part in parts), shape) for field in _fields(parts[0])
            }
            self.add(name, Structures(shape, fields))
        elif all(_is_cells(part) for part in parts) and _alike(parts, np.shape):
            inner = as_objects((item for part in parts for item in part.flat), (*shape, *np.shape(parts[0])))
            self._stack(name, inner, what, example)
        else:
            self._differs(name, what, example)

    def _stack_numbers(self, name: str, parts: list[Any], shape: tuple[int, ...], what: str, example: str) -> None:
        values = [_as_element(part) for part in parts]
        filled = [value for value in values if value.size]
        if filled and len(filled) < len(values) and all(value.ndim == 0 for value in filled):
            values = [value if value.size else np.array(np.nan) for value in values]
            n_empty = len(values) - len(filled)
            self._notes.append(f"{name} is empty in {n_empty:,} of the {what}; these are read as NaN")
        if _alike(values, np.shape):
            self.arrays[name] = np.stack(values).reshape(*shape, *values[0].shape)
        else:
            self._differs(name, what, example)

    def _differs(self, name: str, what: str, example: str) -> None:
        self.left_out[name] = f"{what}, of different sizes or kinds"
        own = self._unalike.setdefault((name.rpartition(".")[0], what), [])
        own += [(name, example)] if (name, example) not in own else []  # which is asked for by its name too

    def _leave_out(self, name: str, item: Unreadable) -> None:
        self.left_out[name] = item.what
        self._notes.append(f"{name} was left out: {item.why(name)}")

    def said(self) -> dict[str, Any]:
        """Notes on what was left out, or read differently."""
        notes = list(self._notes)
        for (_, what), own in self._unalike.items():
            names = f"{few(name for name, _ in own)} {'was' if len(own) == 1 else 'were'} left out"
            notes.append(f"{names}: the {what} differ in size or kind; names= can map one of them, such as {own[0][1]}")
        return {"notes": notes} | ({"left_out": self.left_out} if self.left_out else {})


def _is_number(part: Any) -> bool:
    """Whether an element is one number, or none."""
    return _is_numeric(part) and np.size(part) <= 1


def _are_numbers_with_codes(parts: list[Any]) -> bool:
    """Whether most elements are single numbers and the others words, as of trials without a stimulus."""
    n_words = sum(isinstance(part, str) for part in parts)
    return 0 < 2 * n_words < len(parts) and all(isinstance(part, str) or _is_number(part) for part in parts)


def _written(number: Any) -> str:
    """A number as text; what is empty stays so."""
    return f"{np.ravel(number)[0]:.15g}" if np.size(number) else ""


def _sides(shape: tuple[int, ...]) -> str:
    return " x ".join(f"{side:,}" for side in shape)


def _alike(parts: list[Any], of: Callable[[Any], Any]) -> bool:
    return all(of(part) == of(parts[0]) for part in parts)


def _fields(part: Any) -> list[str]:
    return list(part.fields)


def _is_cells(part: Any) -> bool:
    return isinstance(part, np.ndarray) and part.dtype == object and part.size > 0


def _is_empty(part: Any) -> bool:
    return isinstance(part, np.ndarray) and part.size == 0


def _is_numeric(part: Any) -> bool:
    return isinstance(part, np.ndarray) and (part.dtype.kind in "iufbc" or part.size == 0)


def _has_text(parts: list[Any]) -> bool:
    return any(isinstance(part, str) for part in parts)


def _as_element(part: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if part.size == 0:
        return np.empty(0)
    return part.reshape(()) if part.size == 1 else simple(part)


def _element(roots: Mapping[str, Any], path: str) -> Any:
    """The item at a path with element numbers; None if the path leads nowhere."""
    compact, place, item = path.replace(" ", ""), 0, None
    while place < len(compact):
        part = PART.match(compact, place)
        if part is None:
            return None
        name, round_index, curly_index = part.groups()
        if name is not None:
            item = roots.get(name) if place == 0 else _field(item, name)
        else:
            item = _at(item, round_index or curly_index, compact[:place])
        if item is None:
            return None
        place = part.end()
    return item


def _field(item: Any, name: str) -> Any:
    if not isinstance(item, Structures) or name not in item.fields or item.size != 1:
        return None
    return item.fields[name].flat[0]


def _at(item: Any, index: str, path: str) -> Any:
    """One element of cells or structures, counted from 1, columns first."""
    if not isinstance(item, Structures) and not (isinstance(item, np.ndarray) and item.dtype == object):
        return None
    places = [int(number) - 1 for number in index.split(",")]
    shape = item.shape if len(places) > 1 else (int(np.prod(item.shape, dtype=object)),)
    if len(places) != len(shape) or not all(0 <= place < side for place, side in zip(places, shape, strict=True)):
        raise InputError(f"{path} has {_sides(item.shape)} elements, counted from 1; there is no element {index}")

    def one(array: Any) -> Any:
        return array[tuple(places)] if len(places) > 1 else array.ravel(order="F")[places[0]]

    if isinstance(item, Structures):
        return Structures((1,), {field: as_objects([one(items)], (1,)) for field, items in item.fields.items()})
    return one(item)
