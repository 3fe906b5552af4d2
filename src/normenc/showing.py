"""How results are displayed: as one line at the prompt, and as a small table in a notebook."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from normenc.texts import visible

__all__ = ["Shown", "facts", "plain_number", "plain_values"]

MAX_ROWS = 60  # in a notebook's table


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


def facts(pairs: Iterable[tuple[str, Any]]) -> pd.DataFrame:
    """A table with one row per fact: names are the index, values the column ``value``.

    Examples
    --------
    >>> facts([("stimuli", 12), ("units", "dF/F")]).loc["units", "value"]
    'dF/F'
    """
    names, values = zip(*pairs, strict=True)
    return pd.DataFrame({"value": pd.Series(values, index=names, dtype=object)})


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
