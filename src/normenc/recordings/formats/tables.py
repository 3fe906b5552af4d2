"""Tables in long form: one row a trial and neuron."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from normenc.errors import InputError
from normenc.recordings.formats.guards import check_packing, check_size, readable
from normenc.recordings.labels import NEURON_LABELS, TRIAL_LABELS

__all__ = ["facts_of_table", "read_csv", "read_table"]

OF_TRIALS = ("orientation", "direction", "image", "stimulus", *TRIAL_LABELS)
OF_NEURONS = tuple(label for label in NEURON_LABELS if label != "neuron")
FACTS = ("species", "area", "units", "source", "citation", "licence", "simulated", "angles")

MISSING = ("", "NaN", "nan")  # of labels; of responses also what other programs write
MISSING_RESPONSES = ("NA", "N/A", "n/a", "null", "NULL", "None")


def read_csv(path: Path) -> pd.DataFrame:
    """A table in a CSV file, UTF-8; columns that are not all numbers stay text."""
    with readable("table", "save it as CSV with one head line"), path.open("rb") as file:
        options: dict[str, Any] = {"encoding": "utf-8-sig", "skipinitialspace": True}
        try:
            head = pd.read_csv(file, header=None, nrows=1, dtype=str, na_filter=False, **options)
            file.seek(0)
            table = pd.read_csv(file, low_memory=False, keep_default_na=False, na_values=list(MISSING), **options)
        except UnicodeDecodeError as error:
            byte = error.object[error.start]
            raise InputError(f"byte {byte:#04x} is no UTF-8; save the table as UTF-8") from None
        columns = head.iloc[0].str.strip().tolist()
        if not isinstance(table.index, pd.RangeIndex):  # pandas takes the first cells of longer rows for their names
            n_cells = len(columns) + table.index.nlevels
            raise InputError(
                f"rows have {n_cells} cells, but the head names {len(columns)} columns; give every column a name"
            )
        table.columns = columns
    _check_columns(table)
    return table


def _check_columns(table: pd.DataFrame) -> None:
    doubled = table.columns[table.columns.duplicated()]
    if len(doubled):
        raise InputError(f"column {doubled[0]!r} stands twice; give every column a name of its own")


def read_table(path: Path, names: Mapping[str, str]) -> dict[str, Any]:
    """A CSV or Parquet table in long form as arrays, trial x neuron.

    Columns: ``trial``, ``neuron``, ``response``, and ``orientation``, ``direction`` or ``image``; labels of trials and
    neurons where known.
    """
    table = _read_parquet(path) if path.suffix.lower() == ".parquet" else read_csv(path)
    if table.empty:
        raise InputError("the table has no rows; it must have one for each trial and neuron")
    there = ", ".join(table.columns)
    for name, column in names.items():
        if column not in table:
            raise InputError(f"there is no column {column!r} (for {name}); the columns are {there}")
    table = table.rename(
        columns={column: "response" if name == "responses" else name for name, column in names.items()}
    )
    _check_columns(table)
    for column in ("trial", "neuron", "response"):
        if column not in table:
            raise InputError(
                f"there is no column {column!r} among {there}; a table in long form has trial, neuron, response and "
                "orientation, direction or image. Name yours with --map "
                f"{'responses' if column == 'response' else column}=COLUMN"
            )
    known = [column for column in ("trial", "neuron", *OF_TRIALS, *OF_NEURONS, *FACTS) if column in table]
    return _pivoted(table.assign(**{column: _plain(table[column]) for column in known}))


def _plain(values: pd.Series) -> pd.Series:
    """Numbers as they are, all else as text; missing ones stay missing."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(object).infer_objects()
    if values.dtype != object:
        return values
    kinds = {type(item) for item in values if not pd.api.types.is_scalar(item)}
    if kinds:
        raise InputError(
            f"column {values.name!r} holds {', '.join(sorted(kind.__name__ for kind in kinds))}; every row must hold "
            "one number or name"
        )
    try:
        return values.map(lambda item: item.decode("utf-8") if isinstance(item, bytes) else str(item), "ignore")
    except UnicodeDecodeError as error:
        raise InputError(
            f"column {values.name!r} holds a name that is not UTF-8 ({error.object!r}); write names as UTF-8 text"
        ) from None


def _as_numbers(values: pd.Series) -> npt.NDArray[np.float64]:
    """Responses, NaN where they are empty."""
    if values.dtype.kind not in "iufb":
        values = values.where(~values.isin(MISSING_RESPONSES), np.nan)
    try:
        dates = values.dtype.kind in "mM"  # would be taken for nanoseconds
        found = pd.Series(np.nan, values.index) if dates else pd.to_numeric(values, errors="coerce")
    except TypeError:  # lists, for example
        found = pd.Series(np.nan, values.index)
    bad = found.isna() & values.notna()
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        said = repr(str(values.iloc[row]))[:60]
        raise InputError(f"row {row + 1}: response {said} is no number; write it like 1.5, or leave it empty")
    return found.to_numpy(dtype=np.float64, na_value=np.nan)


def _pivoted(table: pd.DataFrame) -> dict[str, Any]:
    response = _as_numbers(table["response"])
    if table[["trial", "neuron"]].isna().any().any():
        row = int(np.flatnonzero(table[["trial", "neuron"]].isna().any(axis=1))[0])
        raise InputError(f"row {row + 1} names no trial or no neuron; every row needs both")
    trial, trials = pd.factorize(table["trial"], sort=True)
    neuron, neurons = pd.factorize(table["neuron"], sort=True)
    pair = trial.astype(np.int64) * len(neurons) + neuron
    doubled = pd.Series(pair).duplicated()
    if doubled.any():
        row = int(np.flatnonzero(doubled)[0])
        raise InputError(
            f"row {row + 1}: trial {table['trial'].iloc[row]} has two responses of neuron {table['neuron'].iloc[row]}; "
            "give each trial a number of its own"
        )
    n_pairs = len(trials) * len(neurons)
    if len(table) < n_pairs:  # told before there is an array of all of them
        first = int((np.sort(pair) == np.arange(len(pair))).sum())
        row, place = divmod(first, len(neurons))
        raise InputError(
            f"the table is ragged: {n_pairs - len(table):,} of {n_pairs:,} pairs of trial and neuron are missing, the "
            f"first of trial {trials[row]} and neuron {neurons[place]}; add rows with an empty response where it is "
            "not known"
        )
    responses = np.full((len(trials), len(neurons)), np.nan)
    responses[trial, neuron] = response
    arrays: dict[str, Any] = {"responses": responses, "neuron": np.asarray(neurons).astype(str)}
    for columns, index, owners, what in ((OF_TRIALS, trial, trials, "trial"), (OF_NEURONS, neuron, neurons, "neuron")):
        for column in [column for column in columns if column in table]:
            arrays[column] = _of_each(table[column], index, owners, what)
    return arrays | facts_of_table(table)


def facts_of_table(table: pd.DataFrame) -> dict[str, str]:
    """What is known about the recording as a whole: columns of known names that hold one value in all rows."""
    return {fact: str(table[fact].dropna().iloc[0]) for fact in FACTS if fact in table and table[fact].nunique() == 1}


def _of_each(values: pd.Series, index: Any, owners: Any, what: str) -> Any:
    """The one value that each trial or neuron has."""
    pairs = pd.DataFrame({"owner": index, "value": values.to_numpy()}).drop_duplicates()
    doubled = pairs["owner"].duplicated()
    if doubled.any():
        owner = owners[int(pairs["owner"][doubled].iloc[0])]
        found = pairs["value"][pairs["owner"] == pairs["owner"][doubled].iloc[0]].tolist()
        raise InputError(
            f"{what} {owner} has several values of {values.name}: {found[0]} and {found[1]}; it must have one"
        )
    return pairs.sort_values("owner")["value"].to_numpy()


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        from pyarrow import parquet
    except ImportError:
        raise InputError("a Parquet table needs the package pyarrow; install normenc[parquet]") from None
    with readable("Parquet file", "save it again"), path.open("rb") as file:
        opened = parquet.ParquetFile(file)
        columns, n_rows = opened.schema_arrow.names, opened.metadata.num_rows
        _check_columns(pd.DataFrame(columns=columns))
        check_size("the table", 8 * n_rows * len(columns))
        check_packing("a column", 8 * n_rows, lambda: path.stat().st_size)
        return opened.read().to_pandas(ignore_metadata=True)  # an index is a column as well
