"""Write and read tables as CSV, with the columns that identify the encoder of each row."""

import csv
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import numpy.typing as npt
import pandas as pd

from normenc.encoders import EncoderId, EncoderKind
from normenc.errors import InputError
from normenc.texts import bare, harmless, visible

__all__ = ["ENCODER_COLUMNS", "EXACT", "did_not_learn", "encoder_columns", "encoders_of", "read_table", "write_table"]

ENCODER_COLUMNS = ("encoder", "task", "network", "layer", "kind", "seed")
# For pandas to read each number as it is written, to the last bit; pandas 3.1 does so without being asked.
EXACT: dict[str, Any] = {"float_precision": "round_trip"} if pd.__version__.startswith(("2.", "3.0.")) else {}
TEXTS = (  # always columns of text: a network may be called 007, NA or True
    *("recording", "encoder", "task", "network", "layer", "kind", "comparison", "rdm_metric", "ceiling", "score_name"),
    *("other", "other_task", "other_network", "other_layer", "other_kind"),
    *("resampled", "generalises_to", "reason", "settings", "population", "neuron", "notes", "generating"),
    *("variance_of", "controls", "why_unknown", "target", "source", "animal"),
    *("model", "label"),  # in runs of older versions, and in power.csv
)


def encoder_columns(
    encoders: Sequence[EncoderId | None], labels: Sequence[str | None], *, other: bool = False
) -> dict[str, Any]:
    """Columns that identify the encoder of each row; empty for rows without one.

    Parameters
    ----------
    encoders : sequence of EncoderId or None
    labels : sequence of str or None
        Names of the encoders.
    other : bool
        Whether these are the encoders compared with: ``other``, ``other_task`` and so on.

    Examples
    --------
    >>> pixels = EncoderId(None, "pixels", "pixels", EncoderKind.CONTROL)
    >>> table = pd.DataFrame(encoder_columns([pixels], ["pixels"]))
    >>> list(table), encoders_of(table) == [pixels]
    (['encoder', 'task', 'network', 'layer', 'kind', 'seed'], True)
    """
    columns: dict[str, Any] = {"encoder": list(labels)}
    for name in ("task", "network", "layer"):
        columns[name] = [None if encoder is None else getattr(encoder, name) for encoder in encoders]
    columns["kind"] = [None if encoder is None else encoder.kind.value for encoder in encoders]
    columns["seed"] = pd.array([None if encoder is None else encoder.seed for encoder in encoders], dtype="Int64")
    return {_of_other(name): values for name, values in columns.items()} if other else columns


def encoders_of(table: pd.DataFrame, *, other: bool = False) -> list[EncoderId]:
    """The encoders of a table's rows, read from the columns of :func:`encoder_columns`.

    Raises
    ------
    InputError
        If a column is missing, or a kind of encoder is unknown.
    """
    columns = [_of_other(name) if other else name for name in ENCODER_COLUMNS[1:]]
    if missing := [column for column in columns if column not in table]:
        raise InputError(f"the table has no column {missing[0]!r}; the columns {', '.join(columns)} identify encoders")
    if wrong := set(table[columns[3]]) - set(EncoderKind):
        raise InputError(
            f"column {columns[3]} holds {next(iter(wrong))!r}, which is not a kind of encoder; the kinds are "
            f"{', '.join(EncoderKind)}"
        )
    return [
        EncoderId(_known(task), str(network), _known(layer), EncoderKind(kind), None if pd.isna(seed) else int(seed))
        for task, network, layer, kind, seed in table[columns].itertuples(index=False, name=None)
    ]


def did_not_learn(table: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Which rows are of networks that did not learn their task; where this is not known, they are not among them.

    Examples
    --------
    >>> did_not_learn(pd.DataFrame({"learned": [True, False, None]})).tolist()
    [False, True, False]
    >>> did_not_learn(pd.DataFrame({"encoder": ["pixels"]})).tolist()
    [False]
    """
    if "learned" not in table:
        return np.zeros(len(table), dtype=np.bool_)
    return np.array([value is not None and not pd.isna(value) and not value for value in table["learned"]], dtype=bool)


def _of_other(name: str) -> str:
    return "other" if name == "encoder" else f"other_{name}"


def _known(cell: Any) -> str | None:
    return None if pd.isna(cell) else str(cell)


def write_table(table: pd.DataFrame, path: str | Path | TextIO, **options: Any) -> None:
    r"""Write a table as CSV in UTF-8, so that no cell can be taken for a formula.

    Texts are written as they are shown (:func:`normenc.texts.visible`). If a spreadsheet would take a text for a
    formula, because it begins with ``=``, ``+``, ``-`` or ``@``, an apostrophe is put before it, which
    :func:`read_table` removes. Missing values are empty cells.

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
    ...     write_table(pd.DataFrame({"encoder": ["=1+1", "NA"], "similarity": [-0.5, None]}), f"{folder}/t.csv")
    ...     Path(folder, "t.csv").read_text()
    ...     read_table(f"{folder}/t.csv").to_dict("list")
    "encoder,similarity\n'=1+1,-0.5\nNA,\n"
    {'encoder': ['=1+1', 'NA'], 'similarity': [-0.5, nan]}
    """
    texts = {place: table.iloc[:, place].map(_written) for place in range(table.shape[1]) if _is_text(table, place)}
    columns = [texts.get(place, table.iloc[:, place]) for place in range(table.shape[1])]
    written = pd.concat(columns, axis=1) if columns else table.copy()
    written.columns = pd.Index([_written(name) for name in table.columns])
    if options.get("index"):
        written.index = table.index.map(_written)
    written.to_csv(path, encoding="utf-8", lineterminator="\n", **{"index": False, **options})


def read_table(path: str | Path | TextIO) -> pd.DataFrame:
    """Read a table that :func:`write_table` wrote.

    Only an empty cell is a missing value: ``NA``, ``null`` and ``nan`` are ordinary labels. Columns of labels are
    text, even if all of them are numbers; other columns keep their type.

    Raises
    ------
    InputError
        If a row has more or fewer cells than there are columns, or the file ends within a row.
    ValueError
        From pandas, if this is not a table.
    """
    text = Path(path).read_bytes().decode("utf-8-sig") if isinstance(path, str | Path) else path.read()
    _check_whole(text, path)
    table = pd.read_csv(
        StringIO(text, newline=""),
        dtype=dict.fromkeys(TEXTS, object),
        keep_default_na=False,
        na_values=[""],
        low_memory=False,
        **EXACT,
    )
    table.columns = pd.Index([_read(name) for name in table.columns])
    for place in range(table.shape[1]):
        if _is_text(table, place):
            table.isetitem(place, table.iloc[:, place].map(_read))
    if {"population", "recording"} <= set(table.columns):  # in tuning.csv: whether the population is the recording
        table["recording"] = table["recording"] == "True"
    return table


def _check_whole(text: str, name: str | Path | TextIO) -> None:
    """Raise InputError if the table ends within a row, or a row has another number of cells than the first."""
    n_columns, fault = 0, ""
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    try:
        for row in reader:
            n_columns = n_columns or len(row)
            if len(row) not in (0, n_columns):  # pandas fills up rows that are too short
                fault = f"line {reader.line_num} has {len(row)} cells instead of {n_columns}"
                break
    except csv.Error as error:
        fault = f"line {reader.line_num}: {error}"
    if not fault and text and not text.endswith(("\n", "\r")):
        fault = f"the line break at the end of line {reader.line_num} is missing"
    if fault:
        where = f"{name}: " if isinstance(name, str | Path) else ""
        raise InputError(f"{where}this table is damaged: {fault}; run the study again")


def _is_text(table: pd.DataFrame, place: int) -> bool:
    kind = table.dtypes.iloc[place]
    return pd.api.types.is_object_dtype(kind) or isinstance(kind, pd.StringDtype | pd.CategoricalDtype)


def _written(cell: Any) -> Any:
    return harmless(visible(cell)) if isinstance(cell, str) else cell


def _read(cell: Any) -> Any:
    return visible(bare(cell)) if isinstance(cell, str) else cell
