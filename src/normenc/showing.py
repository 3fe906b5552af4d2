"""How results are displayed: as one line at the prompt, and as a small table in a notebook."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import fields
from html import escape
from pathlib import PurePath
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from normenc.texts import visible

__all__ = ["Listed", "Shown", "facts", "in_short", "plain_number", "plain_values"]

MAX_ROWS = 60  # in a notebook's table
MAX_TEXT = 60  # characters of a value in a line
MAX_NAMES = 4  # of a collection
MAX_FACTS = 4  # in a line


class Shown(ABC):
    """A result with a title, a table and notes, which its ``repr`` and its notebook display show.

    Text from a user is shown as text, never as HTML or as a formula.
    """

    @abstractmethod
    def summary(self) -> pd.DataFrame:
        """The result as a small table."""

    @abstractmethod
    def _title(self) -> str:
        """What the result is, in one line."""

    def _notes(self) -> Iterable[str]:
        """Sentences below the table."""
        return ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {visible(self._title())}>"

    def _repr_html_(self) -> str:
        """Title, table and notes, for a notebook."""
        table = self.summary().copy()
        for name in table.select_dtypes(include=["object", "string"]):
            table[name] = [visible(value) if isinstance(value, str) else value for value in table[name]]
        index = not isinstance(table.index, pd.RangeIndex)
        # Longer texts would be truncated, and dollar signs read as formulas.
        with pd.option_context("display.max_colwidth", None, "display.html.use_mathjax", False):
            shown = table.to_html(index=index, header=list(table) != ["value"], border=0, max_rows=MAX_ROWS,
                                  float_format=plain_number, na_rep="unknown")  # fmt: skip
        title = f"<strong>{type(self).__name__}</strong> {_as_text(self._title())}"
        notes = "".join(f"<p>{_as_text(note)}</p>" for note in self._notes())
        return f'<div class="tex2jax_ignore mathjax_ignore"><p>{title}</p>{shown}{notes}</div>'


class Listed(Shown):
    """A dataclass that shows what its fields hold, in short: arrays by their shapes, without reading them.

    A class whose main result is a table names that field ``TABLE``; other fields stand in the line above it.
    """

    TABLE: ClassVar[str] = ""

    def summary(self) -> pd.DataFrame:
        """The main table; or a row for each field: names are the index, what they hold is the column ``value``."""
        if self.TABLE:
            table: pd.DataFrame = getattr(self, self.TABLE)
            return table.copy()
        return facts((own.name, in_short(getattr(self, own.name))) for own in fields(self))  # type: ignore[arg-type]

    def _title(self) -> str:
        held = ((own.name, getattr(self, own.name)) for own in fields(self))  # type: ignore[arg-type]
        told = [f"{name} {in_short(value)}" for name, value in held if not _is_empty(value)]
        return ", ".join(told[:MAX_FACTS]) + (", …" if len(told) > MAX_FACTS else "")


def facts(pairs: Iterable[tuple[str, Any]]) -> pd.DataFrame:
    """A table with one row per fact: names are the index, values the column ``value``.

    Examples
    --------
    >>> facts([("stimuli", 12), ("units", "dF/F")]).loc["units", "value"]
    'dF/F'
    """
    names, values = zip(*pairs, strict=True)
    return pd.DataFrame({"value": pd.Series(values, index=names, dtype=object)})


def in_short(value: Any) -> str:
    """What a value is, in a few words: arrays by their shapes, collections by their first names.

    Examples
    --------
    >>> in_short(np.zeros((3, 4))), in_short({"fc": 1, "out": 2}), in_short(0.25), in_short(())
    ('3 × 4 float64', '2: fc, out', '0.25', 'none')
    """
    if isinstance(value, str):
        text = value
    elif _is_empty(value):
        text = "none"
    elif isinstance(value, float | np.floating):
        text = plain_number(float(value))
    elif isinstance(value, Shown):
        text = value._title()
    elif isinstance(value, pd.DataFrame):
        text = f"{len(value):,} rows: {_first(value)}"
    elif hasattr(value, "shape") and hasattr(value, "dtype"):
        names = getattr(value, "dims", None) or ("",) * len(value.shape)
        sizes = " × ".join(f"{name} {n:,}".strip() for name, n in zip(names, value.shape, strict=True))
        text = f"{sizes} {str(value.dtype).removeprefix('torch.')}".strip()
    elif isinstance(value, Mapping):
        text = f"{len(value):,}: {_first(value)}"
    elif isinstance(value, list | tuple | set | frozenset):
        plain = all(isinstance(own, str | int | float) for own in value)
        text = _first(value) if plain else f"{len(value):,} × {type(next(iter(value))).__name__}"
    else:
        text = str(value) if isinstance(value, int | PurePath | np.generic) else type(value).__name__
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str | Mapping | list | tuple | set | frozenset) and not value)


def _first(names: Iterable[Any]) -> str:
    names = list(names)
    return ", ".join(str(name) for name in names[:MAX_NAMES]) + (", …" if len(names) > MAX_NAMES else "")


def plain_number(value: float) -> str:
    """A number with three digits, as in notebook tables.

    Examples
    --------
    >>> plain_number(0.8834), plain_number(0.000999), plain_number(12.0)
    ('0.883', '0.000999', '12')
    """
    return f"{value:.3g}"


def _as_text(text: str) -> str:
    return escape(visible(text))


def plain_values(value: Any) -> Any:
    """Python values as JSON has them: lists, numbers, and None in place of NaN and infinity."""
    if isinstance(value, dict):
        return {key: plain_values(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_values(item) for item in value]
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value
