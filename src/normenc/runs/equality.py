"""How far the numbers of two runs of one study are equal."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from normenc.csv_tables import read_table
from normenc.errors import InputError
from normenc.runs.columns import TABLES
from normenc.runs.reading import Run

__all__ = ["DIGITS", "Agreement", "agreement", "common_digits", "why_different"]

DIGITS = 9  # of numbers in tables
SMALL = 1e-12  # relative to the largest number of a column: rounding error
COLUMNS = ("file", "numbers", "equal", "digits", "worst")
COMPARED = ("python", "platform", "device", "threads")


@dataclass(frozen=True)
class Agreement:
    """Of one file of two runs.

    Attributes
    ----------
    file : str
    numbers, equal : int
        How many numbers there are, and how many are equal in all digits.
    digits : int
        Significant digits to which all of them agree; 9 where they are equal.
    worst : str
        Which number agrees least, and what it is in both; or in what else the files differ. Empty where all is equal.
    """

    file: str
    numbers: int
    equal: int
    digits: int
    worst: str = ""


def agreement(first: Run, second: Run) -> list[Agreement]:
    """Compare the tables, and the dissimilarity matrices, of two runs.

    Parameters
    ----------
    first, second : Run
        What was handed on, and what was found now.

    Returns
    -------
    list of Agreement
        One per file that either has.
    """
    found = [_of_tables(name, first, second) for name in TABLES if _has(first, name) or _has(second, name)]
    rdms = [(run.rdms.to_numpy().astype(np.float64), [str(own) for own in run.rdms["population"].to_numpy()])
            for run in (first, second)]  # fmt: skip
    (one, labels), (other, others) = rdms
    if labels != others or one.shape != other.shape:
        return [*found, Agreement("rdms.nc", one.size, 0, 0, "it has other populations or stimuli")]
    columns = ((label, one[k], other[k]) for k, label in enumerate(labels))
    return [*found, _compared("rdms.nc", columns, "")]


def common_digits(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Significant digits to which numbers agree, from 0 to 9; two missing ones are equal.

    Examples
    --------
    >>> common_digits(np.array([0.725, 0.725, np.nan, 1.0]), np.array([0.725, 0.7251, np.nan, -1.0])).tolist()
    [9, 3, 9, 0]
    """
    one, other = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    largest = np.maximum(np.abs(one), np.abs(other))
    finite = largest[np.isfinite(largest)]
    scale = float(finite.max()) if finite.size else 0.0
    same = (one == other) | (np.isnan(one) & np.isnan(other))
    with np.errstate(invalid="ignore", divide="ignore"):
        away = np.abs(one - other)
        same |= away <= SMALL * scale
        digits = np.floor(-np.log10(away / largest))
    digits = np.where(np.isfinite(digits), digits, 0).clip(0, DIGITS - 1)
    return np.where(same, DIGITS, digits).astype(np.int64)


def why_different(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    """In what the environments of two runs differ, as lines: data, versions, device.

    Parameters
    ----------
    first, second : mapping
        Of ``environment.json``.

    Examples
    --------
    >>> why_different({"normenc": "0.1.0", "device": "cpu"}, {"normenc": "0.2.0", "device": "cpu"})
    ['normenc: 0.1.0 then, 0.2.0 now']
    """
    lines = []
    digests = [own.get("recording", {}).get("sha256") for own in (first, second)]
    if digests[0] != digests[1]:
        lines.append(f"other data: the recording's SHA-256 was {digests[0] or 'not stated'}, and is {digests[1]} now")
    packages = [own.get("packages", {}) for own in (first, second)]
    versions = {name: (packages[0].get(name), packages[1].get(name)) for name in {**packages[0], **packages[1]}}
    versions = {name: (first.get(name), second.get(name)) for name in ("normenc", "git_commit")} | versions
    versions |= {name: (first.get(name), second.get(name)) for name in COMPARED}
    for name, (then, now) in versions.items():
        if then != now:
            lines.append(f"{name}: {then or 'not stated'} then, {now or 'not stated'} now")
    return lines


def _has(run: Run, name: str) -> bool:
    return (run.folder / name).is_file()


def _of_tables(name: str, first: Run, second: Run) -> Agreement:
    for run, when in ((first, "then"), (second, "now")):
        if not _has(run, name):
            return Agreement(name, 0, 0, 0, f"the run of {when} has no such table")
    try:
        one, other = (read_table(run.folder / name) for run in (first, second))
    except (InputError, ValueError) as error:
        return Agreement(name, 0, 0, 0, f"it cannot be read: {error}")
    if list(one) != list(other) or len(one) != len(other):
        n = int(one.select_dtypes("number").size)
        return Agreement(name, n, 0, 0, f"it has {len(other)} rows now and {len(one)} then, or other columns")
    texts = [column for column in one if not _is_number(one[column]) or not _is_number(other[column])]
    for column in texts:
        differ = _texts(one[column]) != _texts(other[column])
        if differ.any():
            row = int(np.flatnonzero(differ)[0])
            return Agreement(
                name,
                *(int(one.drop(columns=texts).size), 0, 0),
                f"{column}, row {row + 1}: {one[column].iloc[row]} then, {other[column].iloc[row]} now",
            )
    columns = ((str(column), _floats(one[column]), _floats(other[column])) for column in one if column not in texts)
    return _compared(name, columns, ", row ")


def _is_number(column: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column))


def _texts(column: pd.Series) -> npt.NDArray[np.str_]:
    return np.array(["" if pd.isna(value) else str(value) for value in column], dtype=str)


def _floats(column: pd.Series) -> npt.NDArray[np.float64]:
    return column.to_numpy(dtype=np.float64, na_value=math.nan)


def _compared(file: str, columns: Iterator[tuple[str, Any, Any]], row: str) -> Agreement:
    numbers = equal = 0
    fewest, worst = DIGITS, ""
    for name, one, other in columns:
        digits = common_digits(one, other)
        numbers, equal = numbers + digits.size, equal + int((digits == DIGITS).sum())
        if digits.size and digits.min() < fewest:
            place = np.unravel_index(int(digits.argmin()), digits.shape)
            fewest = int(digits.min())
            where = f"{name}{row}{place[0] + 1}" if row else name
            worst = f"{where}: {one[place]:.9g} then, {other[place]:.9g} now"
    return Agreement(file, numbers, equal, fewest, worst)
