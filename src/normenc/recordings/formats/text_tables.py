"""Text tables: their delimiter, encoding and decimal sign."""

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from normenc.csv_tables import EXACT
from normenc.errors import InputError
from normenc.recordings.formats.columns import MISSING_RESPONSES
from normenc.recordings.formats.guards import readable
from normenc.texts import bare

__all__ = ["Layout", "layout_of", "read_cells", "read_csv"]

MISSING = ("", "NaN", "nan")  # of labels; of responses also what other programs write
BOMS = (  # the longer first, which begin like the shorter
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
N_LINES, MOST_CHARACTERS = 50, 2**24  # that are looked at
MOST_CELLS = 200_000  # in a line
EXPONENT = r"([eE][+-]?\d+)?"
WHOLE = rf"[+-]?\d+{EXPONENT}"
WITH_COMMA = rf"[+-]?\d*,\d+{EXPONENT}"
WITH_POINT = rf"[+-]?(\d*\.\d+|\d+\.){EXPONENT}"
GROUPED = r"[+-]?[1-9]\d{0,2}(,\d{3})+"  # thousands, as they may be divided
GROUPED_TWICE = r"[+-]?\d{1,3}((,\d{3}){2,}|(\.\d{3})+,\d*|(,\d{3})+\.\d*)"  # no other reading
ADVICE = "write numbers like 1234.5, without thousands separators"


class Layout(NamedTuple):
    """How a table is written."""

    encoding: str
    delimiter: str  # "\\s+" for any number of spaces
    n_before: int  # lines before the head line
    n_cells: int  # of the widest line that was looked at

    @property
    def options(self) -> dict[str, Any]:
        """For pandas."""
        return {
            "encoding": self.encoding,
            "sep": self.delimiter,
            "skiprows": self.n_before,
            "skipinitialspace": self.delimiter != r"\s+",
            "keep_default_na": False,
        }


def layout_of(path: Path) -> Layout:
    """How a table is written, by its first lines.

    Cells are divided by tabs, semicolons, commas or, where none of these occur, spaces: by what gives most lines the
    same number of cells. Without a byte-order mark a table is UTF-8.
    """
    with path.open("rb") as file:
        start = file.read(4)
    encoding = next((name for mark, name in BOMS if start.startswith(mark)), "utf-8-sig")
    with _decoding(), path.open(encoding=encoding, newline="") as text:
        lines = _first_lines(text)
    n_before, delimiter = 0, None
    if lines and (said := re.fullmatch(r"sep=([\t;, ])", lines[0].strip("\r\n"))):  # as Excel has it
        n_before, delimiter, lines = 1, said[1], lines[1:]
    n_remarks = sum(1 for _ in takewhile(lambda line: line.startswith("#"), lines))
    others = [line for line in lines[n_remarks:] if line.strip()]
    delimiter = delimiter or _delimiter(others or lines)
    if n_remarks and others and len(set(_widths([lines[n_remarks - 1], others[0]], delimiter))) == 1:
        n_remarks -= 1  # the last of them is the head line, as numpy.savetxt writes it
    lines = [line for line in lines[n_remarks:] if line.strip()]
    n_cells = max(_widths(lines, delimiter), default=0)
    if n_cells > MOST_CELLS:
        raise InputError(
            f"it has {n_cells:,} columns, more than {MOST_CELLS:,}; save that many as arrays (.npz, .h5 or .zarr), or "
            "in long form, one row for each trial and neuron"
        )
    return Layout(encoding, delimiter, n_before + n_remarks, n_cells)


def _first_lines(text: Any) -> list[str]:
    lines: list[str] = []
    n_left = MOST_CHARACTERS
    while len(lines) < N_LINES and n_left > 0 and (line := text.readline(n_left)):
        lines.append(line)
        n_left -= len(line)
        if n_left <= 0 and len(lines) == 1:
            raise InputError(
                f"its first line has more than {MOST_CHARACTERS:,} characters; save that many columns, or texts that "
                "long, as arrays (.npz, .h5 or .zarr)"
            )
    return lines


@contextmanager
def _decoding() -> Iterator[None]:
    """Tell of bytes that are no text in their encoding."""
    try:
        yield
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise InputError(f"byte {byte:#04x} is not {error.encoding.upper()}; save the table as UTF-8") from None


def _widths(lines: list[str], delimiter: str) -> list[int]:
    sign = " " if delimiter == r"\s+" else delimiter
    lines = [line.rstrip("\r\n" + sign * (sign == " ")) for line in lines]
    limit = csv.field_size_limit(MOST_CHARACTERS)  # a line is one cell where it is divided by the wrong sign
    try:
        return [len(row) for row in csv.reader(lines, delimiter=sign, skipinitialspace=True) if row]
    finally:
        csv.field_size_limit(limit)


def _delimiter(lines: list[str]) -> str:
    if not lines:
        return ","
    if len(lines) > 1 and not re.search(r"[\t;,]", lines[0]) and all(_is_number(line.strip()) for line in lines[1:]):
        return ";" if any("," in line for line in lines) else ","  # one column, perhaps with decimal commas
    best, delimiter = 0.0, ","
    for candidate in "\t;,":
        width, count = Counter(_widths(lines, candidate)).most_common(1)[0]
        if width > 1 and count / len(lines) > best:
            best, delimiter = count / len(lines), candidate
    if best == 0 and not any(sign in line for line in lines for sign in "\t;,"):
        width, count = Counter(_widths(lines, r"\s+")).most_common(1)[0]
        return r"\s+" if width > 1 and count > len(lines) / 2 else ","
    return delimiter


def _is_number(text: str) -> bool:
    return re.fullmatch(f"{WHOLE}|{WITH_COMMA}|{WITH_POINT}|{'|'.join(MISSING)}", text) is not None


def read_cells(path: Path, layout: Layout) -> npt.NDArray[np.object_]:
    """All cells as text, the head line among them, without the spaces around them; shorter lines end in empty ones."""
    with readable("table", "save it as text again"), path.open("rb") as file:
        options = layout.options | {"header": None, "names": range(layout.n_cells), "index_col": False}
        cells = pd.read_csv(file, dtype=str, na_filter=False, **options)
    texts = cells.to_numpy(dtype=object, na_value="")
    return np.array([[bare(str(cell).strip()) for cell in row] for row in texts], dtype=object).reshape(texts.shape)


def read_csv(path: Path) -> pd.DataFrame:
    """A table with one head line in a text file; columns that are not all numbers stay text.

    Cells are divided by commas, semicolons, tabs or spaces. Where commas do not divide them, they may be decimal ones.

    Raises
    ------
    InputError
        If it cannot be read, a column occurs twice, or numbers can be read in more than one way.
    """
    with readable("table", "save it as CSV with one header line"):
        layout = layout_of(path)
        with _decoding():
            table = _parsed(path, layout, ".")
            if layout.delimiter != "," and (example := _example_with_comma(table)):
                table = _mended(_parsed(path, layout, ","), example)
    nameless = [name == "" and table.iloc[:, place].isna().all() for place, name in enumerate(table.columns)]
    table = table.loc[:, ~np.array(nameless, dtype=bool)]  # a sign at the end of every line makes one
    table.columns = [name or f"column {place + 1}" for place, name in enumerate(table.columns)]
    if len(table.columns) and all(_is_number(name) for name in table.columns):
        raise InputError(
            "the first line has only numbers; name every column in a header line. Only an RDM needs no header: it is "
            "square, symmetric and zero on its diagonal"
        )
    doubled = table.columns[table.columns.duplicated()]
    if len(doubled):
        raise InputError(f"column {doubled[0]!r} occurs twice; give every column its own name")
    return table


def _parsed(path: Path, layout: Layout, decimal: str) -> pd.DataFrame:
    with path.open("rb") as file:
        head = pd.read_csv(file, header=None, nrows=1, na_filter=False, dtype=str, **layout.options)
        file.seek(0)
        asked = layout.options | EXACT | {"low_memory": False, "na_values": list(MISSING), "decimal": decimal}
        table = pd.read_csv(file, **asked)
    columns = [bare(name) for name in head.iloc[0].astype(str).str.strip()]
    columns[0] = columns[0].lstrip("# ") if columns[0].startswith("# ") else columns[0]  # as numpy.savetxt has it
    if not isinstance(table.index, pd.RangeIndex):  # pandas takes the first cells of longer rows for their names
        n_cells = len(columns) + table.index.nlevels
        raise InputError(f"rows have {n_cells} cells, but the header names {len(columns)} columns; name every column")
    if len(table.columns) != len(columns):
        raise InputError(f"rows have {len(table.columns)} cells, but the header names {len(columns)} columns")
    table.columns = columns
    return _without_apostrophes(table)


def _without_apostrophes(table: pd.DataFrame) -> pd.DataFrame:
    """The table with its cells as they were before an apostrophe kept spreadsheets from taking them for formulas."""
    texts = {place: table.iloc[:, place] for place, kind in enumerate(table.dtypes) if kind in ("object", "str")}
    for place, values in texts.items():
        if values.astype(str).str.startswith("'").any():
            table.isetitem(place, values.map(lambda cell: bare(cell) if isinstance(cell, str) else cell))
    return table


def _texts(values: pd.Series) -> pd.Series:
    return values[values.notna() & ~values.isin(MISSING_RESPONSES)].astype(str).str.strip()


def _text_columns(table: pd.DataFrame) -> Iterator[tuple[str, pd.Series]]:
    """Columns of texts by name, without what is missing."""
    for place, kind in enumerate(table.dtypes):
        if not pd.api.types.is_numeric_dtype(kind):
            yield str(table.columns[place]), _texts(table.iloc[:, place])


def _example_with_comma(table: pd.DataFrame) -> str:
    """What shows that numbers have decimal commas; empty if none is written with a comma.

    Raises
    ------
    InputError
        If commas may as well stand between thousands.
    """
    unsure = ""
    for name, texts in _text_columns(table):
        commas = texts[texts.str.fullmatch(WITH_COMMA)]
        if (others := commas[~commas.str.fullmatch(GROUPED)]).any():
            return f"{name} holds {others.iloc[0]}"
        twice = texts[texts.str.fullmatch(GROUPED_TWICE)]
        if len(twice):
            raise InputError(f"column {name!r} holds {twice.iloc[0]!r}; {ADVICE}")
        unsure = unsure or (f"{name} holds {commas.iloc[0]}" if len(commas) else "")
    if unsure:
        raise InputError(f"column {unsure}, in which the comma may separate thousands or decimals; {ADVICE}")
    return ""


def _mended(table: pd.DataFrame, example: str) -> pd.DataFrame:
    """A table that was parsed with decimal commas; raises InputError if numbers are written in another way too."""
    numbers = {}
    for name, texts in _text_columns(table):
        twice, pointed = texts[texts.str.fullmatch(GROUPED_TWICE)], texts[texts.str.fullmatch(WITH_POINT)]
        if len(twice):
            raise InputError(f"column {name!r} holds {twice.iloc[0]!r}; {ADVICE}")
        if not len(texts) or not texts.str.fullmatch(f"{WHOLE}|{WITH_COMMA}|{WITH_POINT}").all():
            continue
        if len(pointed):
            said = f"column {example} but column {name} holds {pointed.iloc[0]}"
            raise InputError(f"{said}; write all numbers with the same decimal sign")
        numbers[name] = pd.to_numeric(texts.str.replace(",", ".", regex=False)).reindex(table.index)
    return table.assign(**numbers) if numbers else table  # of columns with words for missing numbers
