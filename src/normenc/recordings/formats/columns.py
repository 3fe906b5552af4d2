"""Names of table columns, how they are renamed, and how messages and notes list them."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from normenc.errors import InputError
from normenc.recordings.labels import NEURON_LABELS, TRIAL_LABELS
from normenc.stimulus_types import STIMULUS_TYPES

__all__ = [
    "BLANK",
    "FACTS",
    "MISSING_RESPONSES",
    "OF_NEURONS",
    "as_degrees",
    "as_numbers",
    "beside",
    "few",
    "is_of_trials",
    "is_stimulus",
    "plain",
    "plain_facts",
    "ranges",
    "renamed",
    "stem",
]

NAMES = ("stimulus", *TRIAL_LABELS, *NEURON_LABELS)  # columns of names, even if these look like numbers
OF_NEURONS = tuple(label for label in NEURON_LABELS if label != "neuron")
FACTS = ("species", "area", "units", "source", "citation", "licence", "simulated", "angles")
# Names of arrays that no column of trials may take.
ARRAYS = frozenset(
    ("responses", "rdm", "resp", "stimuli", "images", "image_names", "notes", "axes", "left_out", "steps")
)
BLANK = ("", "nan", "null", "none", "n/a", "na", "blank", "gray", "grey", "gray screen", "grey screen")
MISSING_RESPONSES = ("NA", "N/A", "n/a", "null", "NULL", "None")
MOST_NAMES = 10  # of columns that a message lists


def is_stimulus(name: Any) -> bool:
    """Whether a column of this name holds the stimuli."""
    return name == "stimulus" or name in STIMULUS_TYPES


def is_of_trials(name: Any) -> bool:
    """Whether a column of this name holds stimuli, or labels of trials."""
    return is_stimulus(name) or name in TRIAL_LABELS


def few(names: Iterable[Any]) -> str:
    """Names for a message, ten at most.

    Examples
    --------
    >>> few(["a", "b"])
    'a, b'
    >>> few(range(800))
    '0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 790 more'
    """
    listed = list(map(str, names))
    more = f" and {len(listed) - MOST_NAMES:,} more" if len(listed) > MOST_NAMES else ""
    return ", ".join(listed[:MOST_NAMES]) + more


def ranges(names: Sequence[str]) -> str:
    """List names in order; neighbours that differ only by their numbers become one range.

    Examples
    --------
    >>> ranges(["n0", "n1", "n2", "speed"])
    'n0 to n2, speed'
    """
    parts = []
    for _, group in groupby(names, key=stem):
        own = list(group)
        parts += [f"{own[0]} to {own[-1]}"] if len(own) > 2 else own
    return few(parts)


def stem(name: str) -> str:
    """The name with ``#`` for each number in it.

    Examples
    --------
    >>> stem("mouse1_cell23")
    'mouse#_cell#'
    """
    return "".join("#" if is_number else "".join(part) for is_number, part in groupby(name, key=str.isdecimal))


def renamed(table: pd.DataFrame, names: Mapping[str, str], notes: list[str]) -> pd.DataFrame:
    """Rename the columns of a table to the names that normenc knows; a column whose name is taken is dropped.

    Raises
    ------
    InputError
        If there is no such column.
    """
    if not names:
        return table
    for name, own in names.items():
        if own not in table:
            raise InputError(f"there is no column {own!r} (for {name}); the columns are {few(table.columns)}")
    lost = [name for name in names if name in table and name not in names.values()]
    for name in lost:
        notes.append(f"column {name} was left out, because you mapped {name} to column {names[name]}")
    first: dict[str, str] = {}
    for name, own in names.items():
        first.setdefault(own, name)
    others = {name: table[own] for name, own in names.items() if first[own] != name}
    return table.drop(columns=lost).rename(columns=first).assign(**others)


def plain(values: pd.Series) -> npt.NDArray[Any]:
    """A column as an array: numbers, with NaN for words such as "none", if all values allow it; otherwise text.

    Missing texts are empty. Labels of trials and images are names, which may be such words.

    Examples
    --------
    >>> plain(pd.Series(["0", "blank", "22.5"], name="orientation"))
    array([ 0. ,  nan, 22.5])
    >>> plain(pd.Series(["a", None], name="region"))
    array(['a', ''], dtype='<U1')
    """
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(object).infer_objects()
    if pd.api.types.is_numeric_dtype(values.dtype):
        if isinstance(values.dtype, np.dtype):
            return values.to_numpy()
        return values.to_numpy(dtype=np.float64, na_value=np.nan)  # whole numbers or truths with gaps
    place, different = np.arange(len(values)), values
    if pd.api.types.infer_dtype(values, skipna=True) == "string":
        place, different = pd.factorize(values, use_na_sentinel=False)
    texts = _as_text(pd.Series(different, name=values.name))
    kind = STIMULUS_TYPES.get(str(values.name))
    are_names = values.name in NAMES or (kind is not None and kind.is_named)
    numbers = None if are_names else as_degrees(texts)
    return texts[place] if numbers is None or np.isnan(numbers).all() else numbers[place]


def as_degrees(texts: npt.NDArray[Any]) -> npt.NDArray[np.float64] | None:
    """Numbers written as text, with NaN for words such as "none"; None if there are other words."""
    numbers = [np.nan if str(item).strip().lower() in BLANK else item for item in texts.tolist()]
    degrees = pd.to_numeric(pd.Series(numbers, dtype=object), errors="coerce").to_numpy(dtype=np.float64)
    return None if any(item is not np.nan for item in np.array(numbers, dtype=object)[np.isnan(degrees)]) else degrees


def _as_text(values: pd.Series) -> npt.NDArray[Any]:
    kinds = {type(item) for item in values if not pd.api.types.is_scalar(item)}
    if kinds:
        raise InputError(
            f"column {values.name!r} holds {', '.join(sorted(kind.__name__ for kind in kinds))}; every row must hold "
            "one number or name"
        )
    try:
        return np.array([_as_written(item) for item in values], dtype=str)
    except UnicodeDecodeError as error:
        raise InputError(
            f"column {values.name!r} holds a name that is not UTF-8 ({error.object!r}); write names as UTF-8 text"
        ) from None


def _as_written(item: Any) -> Any:
    if isinstance(item, bytes):
        return item.decode("utf-8")
    return "" if pd.isna(item) else str(item)


def as_numbers(values: pd.Series) -> npt.NDArray[np.float64]:
    """Responses, NaN where they are empty.

    Raises
    ------
    InputError
        If one is not a number; the message names its row.
    """
    if isinstance(values.dtype, np.dtype) and values.dtype.kind in "iufb":
        return values.to_numpy(np.float64)
    if values.dtype.kind not in "iufb":
        values = values.where(~values.isin(MISSING_RESPONSES), np.nan)
    try:
        dates = values.dtype.kind in "mM"  # would be taken for nanoseconds
        numeric = pd.Series(np.nan, values.index) if dates else pd.to_numeric(values, errors="coerce")
    except TypeError:  # lists, for example
        numeric = pd.Series(np.nan, values.index)
    bad = numeric.isna() & values.notna()
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        said = repr(str(values.iloc[row]))[:60]
        raise InputError(f"row {row + 1}: {values.name} {said} is not a number; write it as 1.5, or leave it empty")
    return numeric.to_numpy(dtype=np.float64, na_value=np.nan)


def plain_facts(table: pd.DataFrame) -> dict[str, str]:
    """What is known about the recording as a whole: columns of known names that hold one value in all rows."""
    return {fact: str(table[fact].dropna().iloc[0]) for fact in FACTS if fact in table and table[fact].nunique() == 1}


def beside(columns: Mapping[str, Any], table: str, taken: Iterable[str] = NEURON_LABELS) -> dict[str, Any]:
    """Columns of trials under their own names, or as ``table.column`` where a name means something else.

    Parameters
    ----------
    columns : mapping of str to array
    table : str
        What the table is called.
    taken : iterable of str
        Names that are taken, in addition to those of arrays.

    Examples
    --------
    >>> beside({"contrast": [0.5], "responses": ["no lick"]}, "trials")
    {'contrast': [0.5], 'trials.responses': ['no lick']}
    """
    forbidden = ARRAYS | set(taken)
    return {f"{table}.{name}" if name in forbidden else name: values for name, values in columns.items()}
