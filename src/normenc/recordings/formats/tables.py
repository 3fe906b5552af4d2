"""Tables: in long form, one row per trial and neuron; in wide form, one row per trial; or square, as RDMs are."""

from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from normenc.errors import InputError
from normenc.recordings.formats.columns import few, renamed
from normenc.recordings.formats.guards import check_packing, check_size, readable
from normenc.recordings.formats.long_tables import from_long
from normenc.recordings.formats.rdm_tables import rdm_of
from normenc.recordings.formats.text_tables import Layout, layout_of, read_cells, read_csv
from normenc.recordings.formats.wide_tables import from_wide, has_neurons
from normenc.texts import argument

__all__ = ["read_table"]

LONG = ("trial", "neuron", "response")


def read_table(path: Path, names: Mapping[str, str]) -> dict[str, Any]:
    """The arrays of a table in a text or Parquet file, with `names` in place of its own.

    In long form, with the columns ``trial``, ``neuron`` and ``response``, responses are pivoted; in wide form, the
    columns of neurons are found by their names, or by the pattern that `names` has for ``responses``. Square tables of
    dissimilarities, and columns or rows of those of all pairs, are RDMs. Other columns describe trials or neurons.

    Raises
    ------
    InputError
        If it cannot be read, or it is not plain which columns are neurons.
    """
    notes: list[str] = []
    table = _read_parquet(path) if path.suffix.lower() == ".parquet" else None
    if not {"responses", "trial", "neuron"} & names.keys():  # which no RDM has
        for cells in _cells_of_text(path) if table is None else _cells_of(table):
            if (rdm := rdm_of(cells, names)) is not None:
                return rdm
    table = read_csv(path) if table is None else table
    if table.empty:
        raise InputError("the table has no rows; it needs one per trial, or one per trial and neuron")
    wanted = names.get("responses")
    by_column = {name: own for name, own in names.items() if name != "responses"}
    if wanted in table and _is_long(table, names):
        by_column["response"], wanted = str(wanted), None
    table = renamed(table, by_column, notes)
    if wanted is None and _is_long(table, {}):
        return _long(table, notes) | {"notes": notes}
    return from_wide(table, wanted, path, notes) | {"notes": notes}


def _is_long(table: pd.DataFrame, names: Mapping[str, str]) -> bool:
    """Whether any column is there that only a table in long form has.

    In a table with columns of neurons, ``response`` is what the animal did.
    """
    return "neuron" in names or "neuron" in table or ("response" in table and not has_neurons(table))


def _long(table: pd.DataFrame, notes: list[str]) -> dict[str, Any]:
    or_wide = (
        ""
        if "neuron" in table
        else f"; or, if each column is a neuron, give a pattern: {argument(names={'responses': 'n*'})}"
    )
    for column in LONG:
        if column not in table:
            raise InputError(
                f"there is no column {column!r} among {few(table.columns)}; a table in long form has trial, neuron, "
                "response and orientation, direction or image. Name yours with "
                f"{argument(names={'responses' if column == 'response' else column: 'COLUMN'})}{or_wide}"
            )
    return from_long(table, notes)


def _cells_of_text(path: Path) -> list[npt.NDArray[Any]]:
    """All cells of a table that may be an RDM by its shape."""
    with readable("table", "save it as CSV with one header line"):
        layout = layout_of(path)
        return [read_cells(path, layout)] if _may_be_rdm(_n_lines(path, layout), layout.n_cells) else []


def _n_lines(path: Path, layout: Layout) -> int:
    """How many lines of a table have text; of a table in long form no more are counted than is needed to know it."""
    most = None if layout.n_cells == 1 else layout.n_cells + 2
    with path.open(encoding=layout.encoding, errors="replace") as text:
        return sum(1 for line in islice((line for line in text if line.strip()), most)) - layout.n_before


def _may_be_rdm(n_lines: int, n_cells: int) -> bool:
    return n_cells > 0 and (1 in (n_lines, n_cells) or abs(n_lines - n_cells) <= 1)


def _cells_of(table: pd.DataFrame) -> list[npt.NDArray[Any]]:
    """All cells of a Parquet table that may be an RDM by its shape, the names of its columns in the first line.

    Also with the last column, where pandas puts the labels of rows, as the first.
    """
    if not _may_be_rdm(len(table) + 1, table.shape[1]):
        return []
    texts = table.astype(object).where(table.notna(), "").to_numpy()
    rows = [[str(cell) for cell in row] for row in texts]
    cells = np.array([list(map(str, table.columns)), *rows], dtype=object)
    return [cells, np.roll(cells, 1, axis=1)]


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        from pyarrow import parquet
    except ImportError:
        raise InputError("a Parquet table needs the package pyarrow; install normenc[parquet]") from None
    with readable("Parquet file", "save it again"), path.open("rb") as file:
        opened = parquet.ParquetFile(file)
        columns, n_rows = pd.Index(opened.schema_arrow.names), opened.metadata.num_rows
        if columns.has_duplicates:
            raise InputError(
                f"column {columns[columns.duplicated()][0]!r} occurs twice; give every column its own name"
            )
        check_size("the table", 8 * n_rows * len(columns))
        check_packing("a column", 8 * n_rows, lambda: path.stat().st_size)
        return opened.read().to_pandas(ignore_metadata=True)  # an index is a column as well
