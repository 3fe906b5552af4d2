"""Tables as CSV: the one way in which they are written, and the one in which they are read back."""

from pathlib import Path
from typing import Any, TextIO

import pandas as pd

from normenc.texts import bare, harmless, visible

__all__ = ["read_table", "write_table"]

TEXTS = (  # columns that hold text, whatever it looks like: a network may be called 007, NA or True
    *("recording", "task", "model", "layer", "label", "other", "kind", "comparison", "rdm_metric", "chance", "ceiling"),
    *("resampled", "reason", "settings", "population", "neuron", "network", "notes", "generating"),
)


def write_table(table: pd.DataFrame, path: str | Path | TextIO, **options: Any) -> None:
    r"""Write a table as CSV in UTF-8, of which no cell can be taken for a formula.

    Texts are written as they are shown (:func:`normenc.texts.visible`). Where a spreadsheet would take one for a
    formula, as it begins with ``=``, ``+``, ``-`` or ``@``, an apostrophe stands before it, which
    :func:`read_table` takes away. Missing values are empty cells.

    Parameters
    ----------
    table : DataFrame
    path : str, Path or text file
    **options
        Of :meth:`pandas.DataFrame.to_csv`; ``index=False`` by default.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_table(pd.DataFrame({"model": ["=1+1", "NA"], "similarity": [-0.5, None]}), f"{folder}/t.csv")
    ...     Path(folder, "t.csv").read_text()
    ...     read_table(f"{folder}/t.csv").to_dict("list")
    "model,similarity\n'=1+1,-0.5\nNA,\n"
    {'model': ['=1+1', 'NA'], 'similarity': [-0.5, nan]}
    """
    texts = {place: table.iloc[:, place].map(_written) for place in range(table.shape[1]) if _is_text(table, place)}
    columns = [texts.get(place, table.iloc[:, place]) for place in range(table.shape[1])]
    written = pd.concat(columns, axis=1) if columns else table.copy()
    written.columns = pd.Index([_written(name) for name in table.columns])
    if options.get("index"):
        written.index = table.index.map(_written)
    written.to_csv(path, encoding="utf-8", lineterminator="\n", **{"index": False, **options})


def read_table(path: str | Path) -> pd.DataFrame:
    """Read a table that :func:`write_table` wrote.

    Only an empty cell is a missing value: ``NA``, ``null`` and ``nan`` are labels like others. Columns of labels are
    text, also where all of them are numbers; other columns are what they hold.

    Raises
    ------
    ValueError
        Of pandas, where this is no table.
    """
    table = pd.read_csv(
        path,
        dtype=dict.fromkeys(TEXTS, object),
        keep_default_na=False,
        na_values=[""],
        low_memory=False,
        encoding="utf-8",
    )
    table.columns = pd.Index([_read(name) for name in table.columns])
    for place in range(table.shape[1]):
        if _is_text(table, place):
            table.isetitem(place, table.iloc[:, place].map(_read))
    if {"population", "recording"} <= set(table.columns):  # of tuning.csv: whether the population is the recording
        table["recording"] = table["recording"] == "True"
    return table


def _is_text(table: pd.DataFrame, place: int) -> bool:
    kind = table.dtypes.iloc[place]
    return pd.api.types.is_object_dtype(kind) or isinstance(kind, pd.StringDtype | pd.CategoricalDtype)


def _written(cell: Any) -> Any:
    return harmless(visible(cell)) if isinstance(cell, str) else cell


def _read(cell: Any) -> Any:
    return visible(bare(cell)) if isinstance(cell, str) else cell
