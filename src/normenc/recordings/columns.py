"""Columns of a table of trials other than the stimuli: labels, other stimulus parameters, rows to choose."""

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.recordings.labels import as_text
from normenc.texts import argument

__all__ = [
    "BLANK_COLUMNS",
    "SYNONYMS",
    "Condition",
    "named_columns",
    "neuron_column",
    "parse_where",
    "rows_where",
    "varying",
]

SYNONYMS = {  # other names for labels in people's files
    "animal": ("subject", "subject_id", "animal_id", "mouse", "mouse_id", "monkey"),
    "session": ("session_id", "day", "date"),
    "repeat": ("repetition", "rep"),
    "neuron": ("roi", "roi_id", "cell", "cell_id", "unit", "unit_id", "cluster_id", "neuroid_id"),
    "region": ("brain_area", "brain_region", "location"),
    "quality": ("unit_quality", "cluster_quality", "KSLabel", "group"),
}
BLANK_COLUMNS = ("blank", "is_blank", "blank_sweep", "is_blank_sweep")
WORDS = dict.fromkeys(("true", "1", "yes", "on", "t", "y"), True)
WORDS |= dict.fromkeys(("false", "0", "no", "off", "f", "n"), False)
DAY_AND_TIME = re.compile(r"(\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4})[T ]+\d{1,2}:\d{2}")
PARAMETERS = (  # of stimuli, with any number of values
    *("contrast", "phase", "sf", "spatial_frequency", "spatialfrequency", "tf", "temporal_frequency"),
    *("temporalfrequency", "size", "diameter", "luminance"),
)
MOST_VALUES = 50  # of a stimulus parameter; a column with more was measured
NAMED_BY = "neurons are named by "
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
        Whether the array of this name can be a label of these.
    notes : list of str
        Gets a note if a label has another name in the file.
    """
    columns = {}
    for label in known:
        if label in arrays:
            columns[label] = arrays[label]
            continue
        others = [own for name in (label, *SYNONYMS.get(label, ())) for own in arrays if own.lower() == name.lower()]
        other = next((own for own in others if fits(own)), None)
        if other is None:
            continue
        values, said = _days(arrays[other], other) if label == "session" else (arrays[other], other)
        if values is None:
            notes.append(said)
            continue
        columns[label] = values
        notes.append(f"{NAMED_BY}{said}" if label == "neuron" else _read_from(label, said, values))
    return columns


def neuron_column(notes: Iterable[str]) -> str:
    """The file's own name of the column that names neurons, if it is not ``neuron``; otherwise empty.

    Examples
    --------
    >>> neuron_column(["neurons are named by roi"])
    'roi'
    """
    return next((note.removeprefix(NAMED_BY) for note in notes if note.startswith(NAMED_BY)), "")


def _read_from(label: str, said: str, values: Any) -> str:
    """A note that a label has another name in the file, with its value if there is only one."""
    own = np.unique(np.ravel(np.asarray(getattr(values, "array", values))).astype(str))
    return f"{label} is {own[0]} (from {said})" if len(own) == 1 else f"{label} is read from {said}"


def _days(values: Any, name: str) -> tuple[Any, str]:
    """Days from dates with a time, and their description; None, with a reason, if they differ in every trial."""
    raw = np.ravel(np.asarray(values))
    texts = np.strings.strip(np.datetime_as_string(raw) if raw.dtype.kind == "M" else as_text(raw, name))
    matches = [DAY_AND_TIME.match(text) for text in texts.tolist()]
    days = [match[1] for match in matches if match is not None]
    if len(days) == len(texts):
        texts = np.array(days)
    if len(texts) > 2 and len(np.unique(texts)) == len(texts):
        return (
            None,
            f"{name} differs in every trial, so it is not read as sessions; to do so, pass "
            f"{argument(names={'session': name})}",
        )
    if not days or len(days) < len(texts):
        return values, name
    return np.reshape(texts, np.shape(values)), f"the day in {name}"


def parse_where(text: str) -> dict[str, list[str]]:
    """Conditions on rows from a text.

    Examples
    --------
    >>> parse_where("temporal_frequency=2, contrast=0.5|1")
    {'temporal_frequency': ['2'], 'contrast': ['0.5', '1']}
    """
    conditions: dict[str, list[str]] = {}
    for part in text.split(","):
        name, sign, values = part.partition("=")
        wanted = [value.strip() for value in values.split("|") if value.strip()]
        if not (name.strip() and sign and wanted) or name.strip() in conditions:
            raise InputError(
                f"{argument(where=text)}: each part must be NAME=VALUE, or NAME=VALUE|VALUE, as in temporal_frequency=2"
            )
        conditions[name.strip()] = wanted
    return conditions


def rows_where(
    columns: Mapping[str, npt.NDArray[Any]],
    where: Condition | None,
    n_rows: int,
    *,
    blank: npt.NDArray[np.bool_] | None = None,
    labels: Container[str] = (),
) -> tuple[npt.NDArray[np.bool_], str]:
    """Select the rows that are asked for, and describe the selection.

    Parameters
    ----------
    columns : mapping of str to array_like, shape (n_rows,)
    where : mapping, optional
    n_rows : int
    blank : ndarray of bool, shape (n_rows,), optional
        Trials without a stimulus; they have no stimulus parameters, so they are kept whatever those are.
    labels : container of str
        Columns that are not stimulus parameters, such as the session, and also apply to trials without a stimulus.

    Raises
    ------
    InputError
        If there is no such column, or no row with such a value; the message lists those that exist.
    """
    kept = np.ones(n_rows, dtype=bool)
    if not where:
        return kept, ""
    blank = np.zeros(n_rows, dtype=bool) if blank is None else blank
    said = []
    for name, wanted in where.items():
        if name not in columns:
            raise InputError(
                f"where: there is no column {name!r} besides the stimuli; the others are "
                f"{_some(sorted(columns)) or 'none'}"
            )
        values = [wanted] if isinstance(wanted, str) or not isinstance(wanted, Sequence) else list(wanted)
        own = columns[name]
        each = [_equal(own, value) for value in values]
        absent = [str(value) for value, rows in zip(values, each, strict=True) if not rows.any()]
        if absent:
            raise InputError(f"where: no row has {name} {' or '.join(absent)}; its values are {_some(_values(own))}")
        kept &= np.any(each, axis=0) | (blank if name not in labels else False)
        said.append(f"{name} {' or '.join(map(str, values))}")
    shown, n_blanks = kept & ~blank, int((kept & blank).sum())
    if not shown.any():
        raise InputError(f"where: no row with a stimulus has {' and '.join(said)} together")
    also = f" and {n_blanks:,} blank{'s' * (n_blanks != 1)}" if n_blanks else ""
    return kept, f"kept {shown.sum():,}{also} of {n_rows:,} trials ({', '.join(said)})"


def _equal(own: npt.NDArray[Any], value: Any) -> npt.NDArray[np.bool_]:
    if own.dtype.kind in "iuf":
        try:
            # Compare at the precision of the column: 0.1 in single precision is 0.1.
            digits = 1e-9 if own.dtype.itemsize > 4 or own.dtype.kind != "f" else 10 * np.finfo(own.dtype).eps
            return np.isclose(own.astype(np.float64), float(value), rtol=float(digits), atol=1e-12)
        except (TypeError, ValueError):
            return np.zeros(len(own), dtype=bool)
    if own.dtype.kind == "b":
        word = str(value).strip().lower()
        return np.zeros(len(own), dtype=bool) if word not in WORDS else own == WORDS[word]
    return np.char.strip(as_text(own, "a column")) == str(value).strip()


def varying(columns: Mapping[str, npt.NDArray[Any]], stimulus: npt.NDArray[Any]) -> list[str]:
    """Sentences on stimulus parameters that vary between trials of one stimulus and are averaged over."""
    _, index = np.unique(stimulus, return_inverse=True)
    said = []
    for name, column in columns.items():
        if name in BLANK_COLUMNS:
            continue
        values = _values(column)
        is_parameter = name.lower().replace(" ", "_") in PARAMETERS
        if len(values) < 2 or (len(values) > min(MOST_VALUES, len(column) // 2) and not is_parameter):
            continue
        _, of_rows = np.unique(as_text(column, name), return_inverse=True)
        pairs = np.unique(np.stack([index, of_rows]), axis=1)
        if pairs.shape[1] > len(np.unique(index)):
            said.append(
                f"{name} ({_some(values)}) varies between trials of the same stimulus, which are averaged over it; "
                f"choose one value with {argument(where={name: values[0]})}"
            )
    return said


def _values(column: npt.NDArray[Any]) -> list[str]:
    """The distinct values in order; whole numbers are written without a decimal point."""
    if column.dtype.kind in "iuf":
        return [f"{value:g}" for value in np.unique(column[np.isfinite(column.astype(np.float64))])]
    return [value for value in np.unique(as_text(column, "a column")).tolist() if value.strip()]


def _some(values: Sequence[str]) -> str:
    shown = ", ".join(values[:MOST_NAMED])
    return shown if len(values) <= MOST_NAMED else f"{shown} and {len(values) - MOST_NAMED} more"
