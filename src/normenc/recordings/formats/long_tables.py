"""Tables in long form: one row per trial and neuron, and moment where there are several."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from normenc.errors import InputError
from normenc.recordings.formats.columns import (
    OF_NEURONS,
    as_numbers,
    beside,
    few,
    is_of_trials,
    plain,
    plain_facts,
)
from normenc.recordings.labels import as_text

__all__ = ["from_long", "of_each", "placed_in_grid", "trials_of"]


def from_long(table: pd.DataFrame, notes: list[str]) -> dict[str, Any]:
    """Arrays of a table with the columns ``trial``, ``neuron`` and ``response``.

    Where a trial has several responses of a neuron, the column ``time`` tells them apart. Other columns that have one
    value in each trial are of trials, and those that have one for each neuron of neurons.

    Raises
    ------
    InputError
        If a row is duplicated or missing, a response is not a number, or a label has several values.
    """
    axes = ["trial", "neuron"]
    for column in axes:
        if table[column].isna().any():
            row = int(np.flatnonzero(table[axes].isna().any(axis=1))[0])
            raise InputError(f"row {row + 1} lacks a trial or a neuron; every row needs both")
    response = as_numbers(table["response"])
    table = table.assign(**{column: plain(table[column]) for column in axes})
    trial, trials = trials_of(table)
    neuron, neurons = pd.factorize(table["neuron"], sort=True)
    codes, sides = [trial, neuron], [trials, neurons]
    if "time" in table and pd.DataFrame({"trial": trial, "neuron": neuron}).duplicated().any():
        moment, moments = pd.factorize(table["time"], sort=True)
        axes, codes, sides = [*axes, "time"], [*codes, moment], [*sides, moments]
    values = placed_in_grid(response, codes, sides, axes, "give each trial its own number")
    arrays: dict[str, Any] = {"neuron": as_text(np.asarray(sides[1]), "neuron")}
    if len(axes) == 2:
        arrays |= {"responses": values, "axes": "trial,neuron"}
    else:
        arrays["responses"] = xr.Variable(axes, values)
        arrays["time"] = xr.Variable(("time",), as_numbers(pd.Series(moments, name="time")))
    of_trials, of_neurons = _others(table.drop(columns=[*axes, "response"]), codes, sides, notes)
    return arrays | beside(of_trials, "trials") | of_neurons | plain_facts(table)


def trials_of(table: pd.DataFrame) -> tuple[npt.NDArray[np.int64], Any]:
    """The trial of each row, and the names of the trials; None instead of names if no column gives them.

    Trials are identified by their numbers and, if these restart in each, by animals and sessions.
    """
    if "trial" not in table:
        return np.arange(len(table)), None
    keys = [column for column in ("animal", "session", "trial") if column in table]
    if len(keys) == 1 or len(table[keys].drop_duplicates()) == table["trial"].nunique(dropna=False):
        return pd.factorize(table["trial"], sort=True, use_na_sentinel=False)
    code = table.groupby(keys, dropna=False).ngroup().to_numpy()
    rows = np.sort(np.unique(code, return_index=True)[1])
    order = rows[np.argsort(code[rows])]
    said = [f"{table['trial'].iloc[row]} of {keys[-2]} {table[keys[-2]].iloc[row]}" for row in order]
    return code, np.array(said)


def placed_in_grid(
    values: npt.NDArray[Any], codes: Sequence[Any], sides: Sequence[Any], axes: Sequence[str], advice: str
) -> npt.NDArray[Any]:
    """Values where their places on each of the axes say, each place taken once.

    Parameters
    ----------
    values : ndarray, shape (n_rows, ...)
    codes : sequence of ndarray of int, shape (n_rows,)
        The place of each row on each axis.
    sides : sequence of array_like
        The labels along each axis.
    axes : sequence of str
    advice : str
        What to do about rows of one place.
    """
    lengths = tuple(len(side) for side in sides)
    n_places = int(np.prod(lengths, dtype=object))
    place = np.zeros(len(values), dtype=np.int64)
    for code, length in zip(codes, lengths, strict=True):
        place = place * length + np.asarray(code)
    doubled = pd.Series(place).duplicated()
    if doubled.any():
        row = int(np.flatnonzero(doubled)[0])
        where = [f"{axis} {side[code[row]]}" for axis, side, code in zip(axes, sides, codes, strict=True)]
        of_neuron = f" of {where.pop(1)}" if axes[1] == "neuron" else ""
        raise InputError(f"row {row + 1}: {' at '.join(where)} has two responses{of_neuron}; {advice}")
    if len(values) < n_places:  # told before there is an array of all of them
        first = int((np.sort(place) == np.arange(len(place))).sum())
        where = []
        for axis, side, length in zip(axes[::-1], sides[::-1], lengths[::-1], strict=True):
            first, own = divmod(first, length)
            where.insert(0, f"{axis} {side[own]}")
        raise InputError(
            f"the table is ragged: {n_places - len(values):,} of {n_places:,} pairs of {' and '.join(axes)} are "
            f"missing, the first of {' and '.join(where)}; add rows with an empty response if it is not known"
        )
    return values[np.argsort(place)].reshape(*lengths, *values.shape[1:])


def _others(
    table: pd.DataFrame, codes: Sequence[Any], sides: Sequence[Any], notes: list[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """All other columns, as of trials and as of neurons; what is of neither is left out, and said."""
    labels: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
    owners = (("trial", codes[0], sides[0]), ("neuron", codes[1], sides[1]))
    facts, left_out = plain_facts(table), []
    for column in (column for column in table if column not in facts):
        values = plain(table[column])
        known = 0 if is_of_trials(column) else 1 if column in OF_NEURONS else None
        fitting = [place for place, (_, code, _) in enumerate(owners) if known == place or _is_one_each(values, code)]
        if not fitting:
            left_out.append(str(column))
            continue
        place = fitting[0] if known is None else known
        what, code, side = owners[place]
        labels[place][str(column)] = of_each(values, str(column), code, side, what)
    if left_out:
        were = "was" if len(left_out) == 1 else "were"
        notes.append(f"{few(left_out)} {were} left out, because the values vary with both trials and neurons")
    return labels


def _is_one_each(values: npt.NDArray[Any], index: npt.NDArray[Any]) -> bool:
    pairs = pd.DataFrame({"owner": index, "value": values}).drop_duplicates()
    return not pairs["owner"].duplicated().any()


def of_each(values: npt.NDArray[Any], name: str, index: Any, owners: Any, what: str) -> npt.NDArray[Any]:
    """The one value that each trial or neuron has; raises InputError if one has several."""
    pairs = pd.DataFrame({"owner": index, "value": values}).drop_duplicates()
    doubled = pairs["owner"].duplicated()
    if doubled.any():
        owner = owners[int(pairs["owner"][doubled].iloc[0])]
        rivals = pairs["value"][pairs["owner"] == pairs["owner"][doubled].iloc[0]].tolist()
        raise InputError(
            f"{what} {owner} has several values of {name}: {rivals[0]} and {rivals[1]}; it must have only one"
        )
    found_values = pairs.sort_values("owner")["value"].to_numpy()
    return found_values if found_values.dtype.kind in "iufb" else found_values.astype(str)
