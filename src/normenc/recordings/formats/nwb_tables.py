"""Interval tables in NWB files: which one holds the trials, their stimuli, and its other columns."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.recordings.formats.columns import BLANK, as_degrees, few
from normenc.recordings.formats.nwb_signals import checked_places, path_of
from normenc.recordings.labels import as_text, without_stimulus
from normenc.stimulus_types import STIMULUS_TYPES, as_type
from normenc.texts import argument

__all__ = [
    "as_given",
    "column_of",
    "kinds_of_others",
    "labels_of",
    "numbers_of",
    "plain_place",
    "stimuli_of",
    "tables_of",
]

PLACES = ("region", "brain_region", "area", "brain_area", "location", "structure", "acronym")  # of a location in parts
ADVICE = f"name the column of orientation, direction or image: {argument(names={'orientation': 'COLUMN'})}, for example"
Floats = npt.NDArray[np.float64]


def tables_of(file: Any) -> dict[str, Any]:
    """All tables of intervals by name, but for that of times that are not valid."""
    from pynwb.epoch import TimeIntervals

    tables = [item for item in file.objects.values() if isinstance(item, TimeIntervals)]
    return {table.name: table for table in sorted(tables, key=path_of) if table.name != "invalid_times"}


def stimuli_of(
    tables: Mapping[str, Any], wanted: str | None, names: Mapping[str, str], notes: list[str]
) -> tuple[Any, str, str, npt.NDArray[Any]]:
    """The table of trials, what its stimuli are, their column, and the stimulus of every row."""
    if not tables:
        raise InputError("it has no table of trials or other intervals; stimuli and their times are needed")
    if wanted is not None and wanted not in tables:
        raise InputError(f"it has no table of intervals {wanted!r}; it has {', '.join(tables)}")
    by_table = {name: _candidates(tables[name], names) for name in ([wanted] if wanted is not None else tables)}
    having = [name for name, candidates in by_table.items() if candidates]
    chosen = "trials" if "trials" in having else having[0] if len(having) == 1 else None
    if not having:
        for kind in (kind for kind in STIMULUS_TYPES if kind in names):
            if not any(names[kind] in tables[name].colnames for name in by_table):
                raise InputError(f"{' and '.join(by_table)} have no column {names[kind]!r} (for {kind})")
        there = "; ".join(f"{name} has {few(tables[name].colnames)}" for name in by_table)
        column = next(
            (f"column {names[kind]} holds no {own.plural}" for kind, own in STIMULUS_TYPES.items() if kind in names),
            "no column has stimuli",
        )
        raise InputError(f"{column} that differ between trials ({there}); {ADVICE}")
    if chosen is None:
        raise InputError(
            f"several tables hold stimuli ({', '.join(having)}); choose one, such as {argument(intervals=having[0])}"
        )
    if len(by_table[chosen]) > 1:
        columns = ", ".join(column for _, column in by_table[chosen])
        raise InputError(f"the stimulus of {chosen} may be any of the columns {columns}; {ADVICE}")
    (((kind, column), values),) = by_table[chosen].items()
    shown = as_type(kind)
    if shown.folded_from and kind not in names and np.nanmax(values) - np.nanmin(values) > (shown.period or np.inf):
        kind = shown.folded_from
        notes.append(
            f"{column} spans more than {shown.period:g} degrees, and is read as {kind}; fold it if the gratings did "
            "not drift"
        )
    if column != kind or chosen != "trials":
        notes.append(f"{kind} is column {column} of {chosen}")
    return tables[chosen], kind, column, values


def _candidates(table: Any, names: Mapping[str, str]) -> dict[tuple[str, str], npt.NDArray[Any]]:
    """Stimuli of every column that may hold them; a mapped column is the only candidate."""
    mapped = {kind: re.escape(names[kind]) for kind in STIMULUS_TYPES if kind in names}
    candidates = {}
    # "angle" and "theta" are no patterns: they may be orientations or directions.
    plain = {kind.name: kind.columns or re.escape(kind.name) for kind in STIMULUS_TYPES.values()}
    for kind, pattern in (mapped or plain).items():
        there = [name for name in table.colnames if re.fullmatch(pattern, name, 0 if mapped else re.IGNORECASE)]
        for column in [kind] if kind in there else there:
            values = column_of(table, column)
            values = None if values is None else _pictured(values) if as_type(kind).is_named else as_degrees(values)
            if values is not None:
                values = values if values.dtype.kind == "U" else np.where(np.isfinite(values), values, np.nan)
                if len(np.unique(values[~without_stimulus(values)])) > 1:  # a movie's frames all have orientation 0
                    candidates[kind, column] = values
    return candidates


def _pictured(values: npt.NDArray[Any]) -> npt.NDArray[Any] | None:
    """Names of images, empty for blanks, or their whole numbers, NaN for blanks; None for other numbers."""
    if values.dtype.kind == "U":
        return np.array(["" if item.strip().lower() in BLANK else item for item in values.tolist()], dtype=str)
    numbers = np.where(np.isfinite(values) & (values >= 0), values, np.nan)
    return numbers if (np.isnan(numbers) | (numbers == np.round(numbers))).all() else None


def as_given(stimulus: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Numbers of images as whole ones where all are."""
    is_whole = stimulus.dtype.kind == "f" and (stimulus == np.round(stimulus)).all()
    return stimulus.astype(np.int64) if is_whole else stimulus


def kinds_of_others(table: Any, shown: npt.NDArray[np.bool_]) -> str:
    """What a column of texts says about trials without a stimulus only, which may show something else."""
    for column in table.colnames:
        values = column_of(table, column)
        if values is not None and values.dtype.kind == "U":
            others = np.unique(values[~shown])
            if not set(others.tolist()) & set(values[shown].tolist()) and not set(map(str.lower, others)) <= set(BLANK):
                return f"; their {column} is {few(others)} (if these are not blanks, leave them out with where=)"
    return ""


def column_of(table: Any, name: str) -> npt.NDArray[Any] | None:
    """One number or text a row; None if rows hold several values, or something else."""
    from hdmf.common import DynamicTableRegion, VectorIndex

    column = table[name]
    if isinstance(column, VectorIndex | DynamicTableRegion):
        return None
    values = np.asarray(column.data[:])
    if hasattr(column, "elements"):  # numbers that encode texts
        elements = np.asarray(column.elements.data[:])
        values = elements[checked_places(values, len(elements), f"column {name}")]
    if values.ndim != 1 or values.dtype.kind in "iufb":
        return values if values.ndim == 1 else None
    return as_text(values, name) if all(isinstance(item, str | bytes) for item in values.tolist()) else None


def numbers_of(table: Any, name: str) -> Floats:
    """A column of seconds; raises InputError for anything else."""
    values = column_of(table, name)
    if values is None or values.dtype.kind not in "iuf":
        raise InputError(f"column {name} of {table.name} holds no number of seconds for each trial")
    return values.astype(np.float64)


def labels_of(
    table: Any, known: Mapping[str, tuple[str, ...]], names: Mapping[str, str], rows: npt.NDArray[Any]
) -> dict[str, npt.NDArray[Any]]:
    """Labels of the rows, from the columns that `names` maps, or else from the first of a known name."""
    labels = {}
    for label, columns in known.items():
        if label in names and names[label] not in table.colnames:
            raise InputError(
                f"{table.name} has no column {names[label]!r} for {label}; it has {', '.join(table.colnames)}"
            )
        for column in (names[label],) if label in names else columns:
            if column in table.colnames and (values := column_of(table, column)) is not None:
                labels[label] = values[rows]
                break
    return labels


def plain_place(said: str) -> str:
    """The brain region of a location that lists several things by name; otherwise the unchanged location.

    Examples
    --------
    >>> plain_place("brain_region: ALM; brain_subregion: N/A; cortical_layer: 5")
    'ALM'
    >>> plain_place("{'depth': 200, 'area': 'V1'}"), plain_place("V1, layer 5")
    ('V1', 'V1, layer 5')
    """
    parts = [re.split(r"\s*[:=]\s*", part, maxsplit=1) for part in re.split(r"[;,\n]\s*", said.strip("{} \n"))]
    values = {part[0].strip("\"' ").lower(): part[1].strip("\"' ") for part in parts if len(part) == 2}
    if len(values) < len(parts) or len(values) < 2:
        return said
    known = {name: value for name, value in values.items() if value.lower() not in BLANK}
    return next((known[name] for name in PLACES if name in known), said)
