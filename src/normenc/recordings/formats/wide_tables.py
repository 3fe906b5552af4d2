"""Tables in wide form: one row per trial, one column per neuron, and columns of the stimuli."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from normenc.errors import InputError
from normenc.recordings.formats.columns import (
    FACTS,
    OF_NEURONS,
    as_numbers,
    beside,
    few,
    is_of_trials,
    plain,
    plain_facts,
    ranges,
    stem,
)
from normenc.recordings.formats.long_tables import of_each, placed_in_grid, trials_of
from normenc.recordings.formats.patterns import is_other, matches_of, words_of
from normenc.recordings.formats.side_tables import labels_of_neurons
from normenc.texts import argument

__all__ = ["from_wide", "has_neurons", "neurons_of"]

NEURON_WORDS = frozenset(("neuron", "neurons", "cell", "cells", "unit", "units", "roi", "rois", "cluster", "clusters"))
NEURON_LETTERS = frozenset(("", "n", "u"))
MANY_LETTERS = 8  # columns; with at least this many, a letter with a number, or a number alone, is a neuron
MANY = 20  # columns; at least this many unknown columns of numbers are neurons
MOST_LISTED = 60  # columns that a note lists
ADVICE = f"say which columns are neurons, for example {argument(names={'responses': 'n*'})}"


def from_wide(table: pd.DataFrame, pattern: str | None, path: Path, notes: list[str]) -> dict[str, Any]:
    """Arrays of a table with one column per neuron.

    Without a pattern, neurons are the columns that are called alike but for numbers (``n0``, ``cell 12``,
    ``mouse1_roi3``), or else 20 or more columns of numbers that have no known other meaning.

    Parameters
    ----------
    table : DataFrame
        With the names that normenc knows.
    pattern : str, optional
        Of the names of neurons' columns; ``*`` stands for anything, ``?`` for one character, ``|`` divides patterns; or
        the first and the last of neighbouring columns, ``first:last``.
    path : Path
        Of the table; the table ``....neurons.csv`` next to it labels the neurons, if there is one.
    notes : list of str
        Gets a note on which columns are neurons.

    Raises
    ------
    InputError
        If it is not clear which columns are neurons, the pattern also matches others, a response is not a number, or
        rows are not trials.
    """
    neurons, are_told = neurons_of(table) if pattern is None else (_matching(table, pattern), True)
    responses = np.stack([as_numbers(table[column]) for column in neurons], axis=1)
    others = table.drop(columns=neurons)
    facts = plain_facts(others)
    others = others.drop(columns=list(facts))
    notes.append(_said(neurons, list(others.columns)))
    if not are_told:
        notes.append(
            f"the names of these columns do not say that they are neurons: {_long_list(neurons)}; to choose "
            f"neighbouring ones, pass {argument(names={'responses': 'FIRST:LAST'})}"
        )
    arrays: dict[str, Any] = {"neuron": np.array(neurons)} | _rows(responses, others) | facts
    return arrays | labels_of_neurons(path, arrays["neuron"], [name for name in arrays if name != "neuron"])


def _said(neurons: Sequence[str], others: Sequence[str]) -> str:
    columns, are = ("columns", "are neurons") if len(neurons) > 1 else ("column", "is a neuron")
    said = f"{len(neurons):,} {columns}, {ranges(neurons)}, {are}"
    if others:
        said += f"; {ranges(others)} {'are columns' if len(others) > 1 else 'is a column'} of trials"
    return said


def _matching(table: pd.DataFrame, pattern: str) -> list[str]:
    columns = list(map(str, table.columns))

    def match(part: str) -> list[str]:
        matches = [part] if part in columns else [column for column in columns if fnmatchcase(column, part)]
        for place in (place for place, sign in enumerate(part) if sign == ":" and not matches):
            first, last = part[:place], part[place + 1 :]
            if first in columns and last in columns:
                matches = columns[columns.index(first) : columns.index(last) + 1]
        if not matches:
            raise InputError(f"there is no column {part!r} (for responses); the columns are {few(columns)}")
        return matches

    return matches_of(pattern, columns, match)


def neurons_of(table: pd.DataFrame) -> tuple[list[str], bool]:
    """Columns that are neurons by their names, or else by their values; and whether their names tell it.

    Raises
    ------
    InputError
        If it is not clear which columns are neurons.
    """
    free = _free(table)
    if families := _families(free):
        own = {column for family in families.values() for column in family}
        return [column for column in table if column in own], True
    numbers = [column for column in free if pd.api.types.is_numeric_dtype(table[column])]
    neurons = [column for column in numbers if not is_other(column)]
    if len(neurons) < MANY:
        raise InputError(
            f"it is not clear which columns are neurons ({few(table.columns)}); {ADVICE}. A table in long form "
            "has the columns trial, neuron and response"
        )
    first, last = numbers.index(neurons[0]), numbers.index(neurons[-1])
    among = [column for column in numbers[first:last] if column not in neurons]
    if among:
        raise InputError(
            f"it is not clear which columns are neurons: the names of {len(neurons)} columns of numbers do not "
            f"say, and {few(among)} among them may be something else; say which neighbouring columns are neurons: "
            f"{argument(names={'responses': 'FIRST:LAST'})}, such as {numbers[0]}:{numbers[-1]}"
        )
    return neurons, False


def has_neurons(table: pd.DataFrame) -> bool:
    """Whether any columns are neurons by their names."""
    return bool(_families(_free(table)))


def _free(table: pd.DataFrame) -> list[str]:
    known = {*OF_NEURONS, *FACTS, "trial", "time"}
    return [column for column in table if column not in known and not is_of_trials(column)]


def _families(columns: Sequence[str]) -> dict[str, list[str]]:
    """Columns of neurons that are called alike but for a number; raises InputError if several families may be."""
    families = {name: list(own) for name, own in groupby(sorted(columns, key=stem), key=stem) if "#" in name}
    certain = {name: own for name, own in families.items() if _is_of_neurons(name, len(own))}
    many = {name: own for name, own in families.items() if len(own) >= MANY and not is_other(name)}
    chosen = certain or many
    if len(chosen) > 1:
        alike = [f"{len(own):,} columns {own[0]} to {own[-1]}" for own in chosen.values()]
        raise InputError(f"neurons may be the {' or the '.join(alike)}; {ADVICE}")
    return chosen


def _long_list(names: Sequence[str]) -> str:
    if len(names) <= MOST_LISTED:
        return ", ".join(names)
    half = MOST_LISTED // 2
    return f"{', '.join(names[:half])}, ... (and {len(names) - 2 * half:,} more), {', '.join(names[-half:])}"


def _is_of_neurons(name: str, n_columns: int) -> bool:
    words = words_of(name)
    if NEURON_WORDS & set(words):
        return not is_other(name)
    return n_columns >= MANY_LETTERS and "".join(words) in NEURON_LETTERS and len(words) <= 1


def _rows(responses: Any, others: pd.DataFrame) -> dict[str, Any]:
    """Responses and the other columns; with their times if each trial has several rows."""
    columns = {str(column): plain(others[column]) for column in others}
    code, trials = trials_of(others)
    if trials is None or not pd.Series(code).duplicated().any():
        return {"responses": responses, "axes": "trial,neuron"} | beside(columns, "trials")
    if "time" not in others:
        first = int(code[pd.Series(code).duplicated()][0])
        raise InputError(
            f"trial {trials[first]} has {(code == first).sum():,} rows; give one row per trial, or add a column time, "
            "or, in long form, a column neuron"
        )
    moment, moments = pd.factorize(others["time"], sort=True)
    values = placed_in_grid(responses, (code, moment), (trials, moments), ("trial", "time"), "give each its own number")
    arrays = {
        "responses": xr.Variable(("trial", "time", "neuron"), values),
        "time": xr.Variable(("time",), as_numbers(pd.Series(moments, name="time"))),
    }
    owned = {name: values for name, values in columns.items() if name not in ("trial", "time")}
    return arrays | beside(
        {name: of_each(values, name, code, trials, "trial") for name, values in owned.items()}, "trials"
    )
