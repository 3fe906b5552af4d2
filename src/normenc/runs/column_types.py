"""What a column of a run's tables is, and how columns are listed."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

__all__ = [
    "Column",
    "Table",
    "boolean_columns",
    "encoder_of_row",
    "integer_columns",
    "number_columns",
    "table_of",
    "text_columns",
]


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    name : str
        ``*`` if the file of the recording names it.
    type : str
        ``"text"``, ``"integer"``, ``"number"`` or ``"boolean"`` (``True`` or ``False``); any cell may be empty.
    meaning : str
        What it says, with its unit; related columns share it.
    when : str
        When it is there.
    """

    name: str
    type: str
    meaning: str
    when: str = "always"


@dataclass(frozen=True)
class Table:
    """A table of a run.

    Attributes
    ----------
    rows : str
        What a row is.
    columns : tuple of Column
        In their order.
    """

    rows: str
    columns: tuple[Column, ...]


def table_of(rows: str, *groups: Iterator[Column]) -> Table:
    """A table of groups of columns."""
    return Table(rows, tuple(column for group in groups for column in group))


def _columns(column_type: str, names: str, meaning: str, when: str = "always") -> Iterator[Column]:
    return (Column(name, column_type, meaning, when) for name in names.split())


text_columns, integer_columns = partial(_columns, "text"), partial(_columns, "integer")
number_columns, boolean_columns = partial(_columns, "number"), partial(_columns, "boolean")


def encoder_of_row(
    meaning: str = "whose row it is", *, before: str = "recording", prefix: str = ""
) -> Iterator[Column]:
    """The columns that identify the encoder of a row."""
    first = [*before.split(), "other" if prefix else "encoder"]
    yield from text_columns(
        " ".join([*first, *(f"{prefix}{name}" for name in ("task", "network", "layer", "kind"))]), meaning
    )
    yield from integer_columns(f"{prefix}seed", meaning)
