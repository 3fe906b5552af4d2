"""Hold the folder of a run to its schema: its files, and in every table the columns, their order and their types."""

import re
from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import pandas as pd
import xarray as xr

from normenc.runs.columns import Table
from normenc.runs.schema import FILES

CELLS = {"integer": r"-?\d+", "number": r"-?(\d+(\.\d+)?(e[+-]\d+)?|inf)", "boolean": "True|False", "text": r"(?s).*"}


def check_run(folder: Path, *, without: Collection[str]) -> None:
    """Check that a run holds all files of the schema but those named, no others, and what the schema says of each."""
    there = {path.name + "/" * path.is_dir() for path in folder.iterdir()}
    assert there == {file.name for file in FILES} - set(without)
    for file in FILES:
        if file.name not in there:
            continue
        if file.table is not None:
            table = pd.read_csv(folder / file.name, dtype=str, keep_default_na=False)
            check_columns(list(table), file.table)
            check_types(table, file.table)
        if file.variables:
            with xr.open_dataset(folder / file.name, engine="h5netcdf") as arrays:
                assert all(
                    any(
                        fnmatchcase(str(name), own.name)
                        and len(array.dims) == len(own.dims)
                        and all(fnmatchcase(str(dim), like) for dim, like in zip(array.dims, own.dims, strict=True))
                        for own in file.variables
                    )
                    for name, array in arrays.variables.items()
                    if name in arrays.data_vars or str(name).startswith("unit_")
                ), (file.name, arrays)
                names = [str(name) for name in arrays.variables]
                assert all(any(fnmatchcase(name, own.name) for name in names) for own in file.variables), file.name


def check_columns(found: Sequence[str], table: Table) -> None:
    """Check that these are the columns of a table, in their order; those of one condition are there all or none."""
    known = {column.name for column in table.columns}
    named_elsewhere = [name for name in found if name not in known]
    assert len(named_elsewhere) <= ("*" in known), named_elsewhere
    expected: list[str] = []
    for column in table.columns:
        if column.name == "*":
            expected += named_elsewhere
        elif column.when == "always" or column.name in found:
            expected.append(column.name)
    assert list(found) == expected
    for when in {column.when for column in table.columns}:
        group = {column.name for column in table.columns if column.when == when} - {"*"}
        assert group <= set(found) or not group & set(found), when


def check_types(table: pd.DataFrame, of: Table) -> None:
    for column in of.columns:
        if column.name in table:
            wrong = [cell for cell in table[column.name] if cell and not re.fullmatch(CELLS[column.type], cell)]
            assert not wrong, (column.name, column.type, wrong[:3])
