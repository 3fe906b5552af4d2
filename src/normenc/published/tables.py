"""Published numbers that stand in the tables of a run."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from normenc.errors import InputError, quoted
from normenc.published.judging import Found
from normenc.runs import Run
from normenc.runs.columns import TABLES
from normenc.runs.schema import SIMILARITY

__all__ = ["TABLE", "in_table"]

TABLE = "table"  # the measure of such claims
SCORES = "scores"  # of networks in their tasks, which are not in a table of their own
PICKS = ("only", "last", "first", "largest", "smallest", "mean")


def in_table(
    run: Run,
    other: Run | None = None,
    /,
    *,
    file: str,
    column: str,
    where: Mapping[str, Any] | None = None,
    pick: str = "only",
    minus: Mapping[str, Any] | None = None,
    with_interval: bool = True,
) -> Found:
    """A number of a run, or the difference of two.

    Parameters
    ----------
    run : Run
    other : Run, optional
        The run of the number that is subtracted, if it is not the same.
    file : str
        The table, such as ``"similarity.csv"``; ``"scores"`` for those of networks in their tasks.
    column : str
    where : mapping
        Values of other columns, of the row that is meant; a list stands for any of them.
    pick : str
        Which of the rows, if several are meant: ``"last"`` or ``"first"`` in the table, ``"largest"``, ``"smallest"``
        or ``"mean"``; ``"only"`` if it must be one.
    minus : mapping, optional
        The same as `where`, of the row whose number is subtracted. The interval of a difference is then from the low
        end of the one less the high end of the other, which is careful: rows of one run are paired.
    with_interval : bool
        Whether to give the run's interval: how far other stimuli, animals, neurons or seeds could be from the number.

    Raises
    ------
    InputError
        If the run has no such table, column or row, or several such rows.
    """
    found = _one(run, file, column, where or {}, pick, with_interval)
    if minus is None:
        return found
    less = _one(other or run, file, column, minus, pick, with_interval)
    return Found(found.value - less.value, found.low - less.high, found.high - less.low)


def _one(run: Run, file: str, column: str, where: Mapping[str, Any], pick: str, with_interval: bool) -> Found:
    table = _table(run, file)
    if missing := [name for name in (column, *where) if name not in table]:
        raise InputError(f"{file} has no column {quoted(missing[0])}; it has {', '.join(map(str, table))}")
    if pick not in PICKS:
        raise InputError(f"pick is {pick!r}; it must be one of {', '.join(PICKS)}")
    meant = table
    for name, value in where.items():
        meant = meant[meant[name].isin(value if isinstance(value, list) else [value])]
    said = ", ".join(f"{name} {value}" for name, value in where.items()) or "anything"
    if meant.empty:
        raise InputError(f"{file} has no row with {said}")
    if pick == "only" and len(meant) > 1:
        raise InputError(f"{file} has {len(meant)} rows with {said}; say more of the one that is meant, or give pick")
    numbers = pd.to_numeric(meant[column]).astype(float)
    if pick == "mean":
        return Found(float(numbers.mean()))
    if numbers.isna().all():
        return Found(math.nan, note=_why(meant))
    places = {"last": -1, "first": 0, "only": 0}
    place = int(numbers.argmax() if pick == "largest" else numbers.argmin()) if pick not in places else places[pick]
    low, high = (_end(meant, column, end, place) if with_interval else math.nan for end in ("low", "high"))
    return Found(float(numbers.iloc[place]), low, high)


def _table(run: Run, file: str) -> pd.DataFrame:
    if file == SCORES:
        return run.scores
    known = [name for name in TABLES if name == SIMILARITY or hasattr(Run, name.removesuffix(".csv"))]
    if file not in known:
        raise InputError(f"file is {quoted(file)}; it must be {SCORES}, or one of {', '.join(known)}")
    table: pd.DataFrame | None = getattr(run, file.removesuffix(".csv"))
    if table is None:
        raise InputError(f"this run has no {file}; its study must ask for it")
    return table


def _end(table: pd.DataFrame, column: str, end: str, place: int) -> float:
    """An end of the interval of a number: similarities and differences have low and high, other columns their own."""
    for name in (f"{column}_{end}", end):
        if name in table and (name != end or column in ("similarity", "difference")):
            return float(pd.to_numeric(table[name]).iloc[place])
    return math.nan


def _why(table: pd.DataFrame) -> str:
    if "why_unknown" in table and isinstance(table["why_unknown"].iloc[0], str):
        return str(table["why_unknown"].iloc[0])
    return "the run does not know it"
