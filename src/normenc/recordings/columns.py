"""What stands beside the stimuli in a table of trials: labels, other parameters of the stimuli, rows to choose."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.recordings.labels import as_text

__all__ = ["BLANK_COLUMNS", "SYNONYMS", "Condition", "named_columns", "parse_where", "rows_where", "varying"]

SYNONYMS = {  # other names that labels have in people's files
    "animal": ("subject", "subject_id", "animal_id", "mouse", "mouse_id", "monkey"),
    "session": ("session_id", "day", "date"),
    "repeat": ("repetition", "rep"),
    "neuron": ("roi", "roi_id", "cell", "cell_id", "unit", "unit_id", "cluster_id", "neuroid_id"),
    "region": ("brain_area", "brain_region", "location"),
    "quality": ("unit_quality", "cluster_quality", "KSLabel", "group"),
}
BLANK_COLUMNS = ("blank", "is_blank", "blank_sweep", "is_blank_sweep")
MOST_VALUES = 50  # of a parameter of stimuli; what has more was measured
MOST_NAMED = 5  # in a sentence

Condition = Mapping[str, Any]


def named_columns(arrays: Mapping[str, Any], known: Sequence[str], fits: Any, notes: list[str]) -> dict[str, Any]:
    """Labels of trials or neurons by the names that normenc knows.

    Parameters
    ----------
    arrays : mapping of str to array_like
    known : sequence of str
        Labels.
    fits : callable
        Whether an array can be a label of these, by its name.
    notes : list of str
        Is told where a label goes by another name.
    """
    found = {}
    for label in known:
        if label in arrays:
            found[label] = arrays[label]
            continue
        other = next((name for name in SYNONYMS.get(label, ()) if name in arrays and fits(name)), None)
        if other is not None:
            found[label] = arrays[other]
            notes.append(f"{label}s are named by {other}" if label == "neuron" else _read_from(label, other, arrays))
    return found


def _read_from(label: str, other: str, arrays: Mapping[str, Any]) -> str:
    """That a label goes by another name in the file; with its value, where there is only one."""
    values = np.unique(np.ravel(np.asarray(getattr(arrays[other], "array", arrays[other]))).astype(str))
    return f"{label} is {values[0]} (from {other})" if len(values) == 1 else f"{label} is read from {other}"


def parse_where(text: str) -> dict[str, list[str]]:
    """Conditions on rows from a text.

    Examples
    --------
    >>> parse_where("temporal_frequency=2, contrast=0.5|1")
    {'temporal_frequency': ['2'], 'contrast': ['0.5', '1']}
    """
    found: dict[str, list[str]] = {}
    for part in text.split(","):
        name, sign, values = part.partition("=")
        wanted = [value.strip() for value in values.split("|") if value.strip()]
        if not (name.strip() and sign and wanted) or name.strip() in found:
            raise InputError(
                f"--where {text}: each part must be NAME=VALUE, or NAME=VALUE|VALUE, as in temporal_frequency=2"
            )
        found[name.strip()] = wanted
    return found


def rows_where(
    columns: Mapping[str, npt.NDArray[Any]], where: Condition | None, n_rows: int
) -> tuple[npt.NDArray[np.bool_], str]:
    """Which rows are asked for, and in words which.

    Raises
    ------
    InputError
        When there is no such column, or no row with such a value; the message lists what there is.
    """
    kept = np.ones(n_rows, dtype=bool)
    if not where:
        return kept, ""
    said = []
    for name, wanted in where.items():
        if name not in columns:
            raise InputError(
                f"where: there is no column {name!r} beside the stimuli; there are {_some(sorted(columns)) or 'none'}"
            )
        values = [wanted] if isinstance(wanted, str) or not isinstance(wanted, Sequence) else list(wanted)
        own = columns[name]
        chosen = np.any([_equal(own, value) for value in values], axis=0)
        if not chosen.any():
            raise InputError(
                f"where: no row has {name} {' or '.join(map(str, values))}; its values are {_some(_values(own))}"
            )
        kept &= chosen
        said.append(f"{name} {' or '.join(map(str, values))}")
    if not kept.any():
        raise InputError(f"where: no row has {' and '.join(said)} together")
    return kept, f"kept {kept.sum():,} of {n_rows:,} trials ({', '.join(said)})"


def _equal(own: npt.NDArray[Any], value: Any) -> npt.NDArray[np.bool_]:
    if own.dtype.kind in "iuf":
        try:
            return np.isclose(own.astype(np.float64), float(value), rtol=1e-9, atol=1e-12)
        except (TypeError, ValueError):
            return np.zeros(len(own), dtype=bool)
    if own.dtype.kind == "b":
        return own == (str(value).lower() in ("true", "1", "yes"))
    return np.char.strip(as_text(own, "a column")) == str(value).strip()


def varying(columns: Mapping[str, npt.NDArray[Any]], stimulus: npt.NDArray[Any]) -> list[str]:
    """Sentences on parameters of the stimuli that differ between trials of one stimulus, which are averaged over."""
    _, index = np.unique(stimulus, return_inverse=True)
    said = []
    for name, column in columns.items():
        values = _values(column)
        if not 2 <= len(values) <= min(MOST_VALUES, len(column) // 2):
            continue
        _, of_rows = np.unique(as_text(column, name), return_inverse=True)
        pairs = np.unique(np.stack([index, of_rows]), axis=1)
        if pairs.shape[1] > len(np.unique(index)):
            said.append(
                f"{name} ({_some(values)}) varies between trials of the same stimulus, which are averaged over it; "
                f"choose with --where {name}={values[0]}"
            )
    return said


def _values(column: npt.NDArray[Any]) -> list[str]:
    """The different values, in order; of numbers, whole ones without a point."""
    if column.dtype.kind in "iuf":
        return [f"{value:g}" for value in np.unique(column[np.isfinite(column.astype(np.float64))])]
    return [value for value in np.unique(as_text(column, "a column")).tolist() if value.strip()]


def _some(values: Sequence[str]) -> str:
    shown = ", ".join(values[:MOST_NAMED])
    return shown if len(values) <= MOST_NAMED else f"{shown} and {len(values) - MOST_NAMED} more"
