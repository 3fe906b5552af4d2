"""Tables next to a file: one row per trial, one row per neuron."""

from pathlib import Path
from typing import Any

import numpy.typing as npt
import pandas as pd

from normenc.errors import InputError
from normenc.recordings.formats.columns import beside, plain, plain_facts
from normenc.recordings.formats.text_tables import read_csv
from normenc.recordings.labels import NEURON_LABELS, as_text
from normenc.recordings.provenance import reads

__all__ = ["labels_of_neurons", "of_neurons", "of_trials", "read_beside"]


def read_beside(path: Path) -> pd.DataFrame:
    """Read a table next to a file; InputError names it."""
    reads(path)
    try:
        return read_csv(path)
    except InputError as error:
        raise InputError(f"{path.name}: {error}") from None


def of_trials(table: pd.DataFrame) -> dict[str, Any]:
    """Columns of a table with one row per trial, and what it says of the whole recording."""
    facts = plain_facts(table)
    columns = {str(column): plain(table[column]) for column in table if column not in facts}
    return beside(columns, "trials", [*NEURON_LABELS, "neuron"]) | facts


def of_neurons(table: pd.DataFrame, taken: Any = ()) -> dict[str, Any]:
    """Columns of a table with one row per neuron, and what it says of the whole recording.

    ``animal`` and ``session`` are those of the neurons, and other names that `taken` has are ``neurons.name``.
    """
    facts = plain_facts(table)
    columns = {str(column): plain(table[column]) for column in table if column not in facts}
    for label in ("animal", "session"):
        if label in columns:
            columns[f"neuron_{label}"] = columns.pop(label)
    return beside(columns, "neurons", [name for name in taken if name not in facts]) | facts


def labels_of_neurons(path: Path, names: npt.NDArray[Any], taken: Any) -> dict[str, Any]:
    """Labels of neurons of these names, from the table ``....neurons.csv`` next to a file, if there is one.

    Rows are in the order of the neurons, unless a column ``neuron`` has the same names in another one.
    """
    beside_it = path.with_suffix(".neurons.csv")
    if not beside_it.is_file():
        return {}
    table = read_beside(beside_it)
    if len(table) != len(names):
        raise InputError(f"{beside_it.name} has {len(table)} rows, but there are {len(names)} neurons; they must agree")
    if "neuron" in table:
        own = as_text(plain(table["neuron"]), "neuron")
        if sorted(own.tolist()) == sorted(names.tolist()):
            order = {name: row for row, name in enumerate(own.tolist())}
            table = table.iloc[[order[name] for name in names.tolist()]]
    return of_neurons(table, taken)
