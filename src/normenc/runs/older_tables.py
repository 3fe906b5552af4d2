"""Tables of runs of older formats.

In format 1, ``model`` meant a network in some tables and an encoder's label in others. Up to format 2, one test against
chance was made, which the column ``chance`` named. Up to format 3, tables did not tell whether networks learned their
tasks.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from normenc.csv_tables import encoder_columns, encoders_of, read_table
from normenc.encoders import EncoderId, EncoderKind, Naming
from normenc.errors import InputError
from normenc.runs.column_groups import COMPETENCE_COLUMNS
from normenc.runs.columns import TABLES
from normenc.runs.schema import FORMAT

__all__ = [
    "BY_ENCODER",
    "check_format",
    "read_run_table",
    "upgraded",
    "with_both_tests",
    "with_competence_unknown",
    "with_todays_inference",
]

BY_ENCODER = 2  # from this format on, all tables name encoders in the same columns
BOTH_TESTS = 3  # and have both tests against chance
COMPETENCE = 4  # and tell whether networks learned their tasks
TESTS = {"label permutations": "p_permutations", "circular shifts": "p_shifts"}
OTHERS = {"layer": EncoderKind.TRAINED}  # kinds that differences.csv called otherwise


def check_format(folder: Path, environment: Mapping[str, Any]) -> int:
    """The format of a run's tables, as its ``environment.json`` tells it.

    Raises
    ------
    InputError
        When a newer version of normenc made the run.
    """
    version = environment.get("format", 1)
    if type(version) is not int or version < 1:
        raise InputError(f"{folder}: environment.json is not from a run: its format is {version!r}")
    if version > FORMAT:
        raise InputError(
            f"{folder}: the run has format {version}, and this version of normenc reads formats up to {FORMAT}; use "
            f"the version that made the run ({environment.get('normenc', 'unknown')}), or a newer one"
        )
    return version


def read_run_table(path: Path, environment: Mapping[str, Any], similarity: pd.DataFrame | None = None) -> pd.DataFrame:
    """Read a table of a run of any format, in today's columns; see :func:`upgraded`."""
    table = read_table(path)
    version = check_format(path.parent, environment)
    try:
        table = upgraded(table, similarity) if version < BY_ENCODER else table
        table = with_both_tests(table, environment) if version < BOTH_TESTS else table
        return with_competence_unknown(table, path.name) if version < COMPETENCE else table
    except InputError as error:
        raise InputError(f"{path}: {error}; run the study again") from None


def upgraded(table: pd.DataFrame, similarity: pd.DataFrame | None = None) -> pd.DataFrame:
    """A table of a run of format 1 in today's columns.

    Parameters
    ----------
    table : DataFrame
        Any table of the run, by its columns. One that lacks the columns of its format is left as it is.
    similarity : DataFrame, optional
        The run's ``similarity.csv``, upgraded, for tables that know encoders by label alone.

    Raises
    ------
    InputError
        When a column does not hold what it must.

    Examples
    --------
    >>> old = pd.DataFrame({"task": ["tilt", None], "model": "FC", "layer": "fc", "trained": [True, False], "seed": 1})
    >>> upgraded(old)[["encoder", "network", "kind"]].to_numpy().tolist()
    [['fc', 'FC', 'trained layer'], ['fc, untrained', 'FC', 'untrained twin']]
    """
    if "trained" in table and table["trained"].dtype != bool:
        raise InputError("column trained must hold True and False")
    known: dict[str, EncoderId] = {}
    if similarity is not None:
        known = dict(zip(similarity["encoder"], encoders_of(similarity), strict=True))
    if {"model", "other", "kind"} <= set(table):
        return _of_differences(table, known)
    if "population" in table and "kind" not in table:
        return _of_populations(table, known)
    if "model" not in table:
        return table
    if "layer" not in table:  # of networks as wholes
        return table.rename(columns={"model": "network"})
    own = [_encoder(row, known.values()) for row in table.to_dict("records")]
    labels = table["label"].astype(str).tolist() if "label" in table else _labels(own, known.values())
    rest = table.drop(columns=["task", "model", "layer", "label", "trained", "seed", "kind"], errors="ignore")
    return _with(rest, 1 if "recording" in rest else 0, encoder_columns(own, labels))


def with_both_tests(table: pd.DataFrame, environment: Mapping[str, Any]) -> pd.DataFrame:
    """A table of a run of format 2 in today's columns: its test against chance in those of the test that it was.

    Raises
    ------
    InputError
        When neither the table nor the run's ``environment.json`` says which test it was.

    Examples
    --------
    >>> old = pd.DataFrame({"p_chance": [0.01, 0.2], "chance": ["circular shifts", "label permutations"]})
    >>> with_both_tests(old, {}).to_dict("list")
    {'p_permutations': [nan, 0.2], 'p_shifts': [0.01, nan]}
    """
    old = [name for name in table if str(name).startswith("p_chance")]
    if not old:
        return table
    named = environment.get("inference", {}).get("chance")
    tests = table["chance"] if "chance" in table else pd.Series(named, index=table.index, dtype=object)
    if not tests.isin(TESTS).all():
        raise InputError("column p_chance is there, but nothing says which test against chance it is of")
    columns = {}
    for name in table.columns:
        if name not in old and name != "chance":
            columns[name] = table[name]
        elif name == old[0]:
            for test, new in TESTS.items():
                columns |= {p.replace("p_chance", new): table[p].where(tests == test) for p in old}
    return pd.DataFrame(columns, index=table.index)


def with_competence_unknown(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """A table of a run of format 3, by the name of its file, with empty columns about what networks learned.

    Examples
    --------
    >>> list(with_competence_unknown(pd.DataFrame({"encoder": ["fc"], "seed": [1], "epoch": [0]}), "over_training.csv"))
    ['encoder', 'seed', 'score', 'chance', 'learned', 'epoch']
    """
    known = TABLES.get(name)
    if known is None or "seed" not in table or "learned" in table:
        return table
    new = {column.name: np.nan for column in known.columns if column.name in COMPETENCE_COLUMNS}
    return _with(table, list(table.columns).index("seed") + 1, new)


def with_todays_inference(environment: Mapping[str, Any]) -> dict[str, Any]:
    """The content of ``environment.json`` with what runs of format 2 say otherwise of their tests and their scope.

    Examples
    --------
    >>> old = {"inference": {"chance": "circular shifts", "n_orders": 60, "resampled": {"stimuli": 60}}}
    >>> new = with_todays_inference(old)["inference"]
    >>> new["n_orders"], new["n_shifts"], new["generalises_to"]
    (0, 60, ['stimuli'])
    """
    inference = environment.get("inference")
    if not isinstance(inference, Mapping) or "n_shifts" in inference or "chance" not in inference:
        return dict(environment)
    shifts = inference["chance"] == "circular shifts"
    n_orders = inference.get("n_orders")
    new = {"n_orders": 0, "n_shifts": n_orders} if shifts else {"n_orders": n_orders, "n_shifts": 0}
    scope = {"generalises_to": list(inference.get("resampled", {})), "fixed": [], "scope": [], "why_no_intervals": ""}
    return dict(environment) | {"inference": {**scope, **inference, **new}}


def _encoder(row: dict[Any, Any], known: Iterable[EncoderId]) -> EncoderId:
    """Of a row of similarities, predictivity, failures, or checkpoints of trained layers, which tell no seed."""
    task, layer, seed = (None if pd.isna(row.get(name)) else row[name] for name in ("task", "layer", "seed"))
    own = EncoderId(task, str(row["model"]), layer, _kind(row, seed), None if seed is None else int(seed))
    if "seed" in row:
        return own
    return next((encoder for encoder in known if encoder.of_all_seeds == own), own)


def _kind(row: dict[Any, Any], seed: Any) -> EncoderKind:
    if "kind" in row:
        return _read_kind(row["kind"])
    if row.get("trained", True):
        return EncoderKind.TRAINED
    return EncoderKind.CONTROL if seed is None else EncoderKind.TWIN


def _read_kind(cell: Any) -> EncoderKind:
    try:
        return OTHERS.get(cell) or EncoderKind(cell)
    except ValueError:
        raise InputError(f"column kind contains {cell!r}, which is not a kind of encoder") from None


def _labels(encoders: Iterable[EncoderId], known: Iterable[EncoderId]) -> list[str]:
    """Labels as versions made them that did not write them into the table."""
    naming = Naming.of(encoder for encoder in (*encoders, *known) if encoder.kind is EncoderKind.TRAINED)
    naming = Naming(naming.with_task, naming.with_task or naming.with_network)
    return [naming.label(encoder) for encoder in encoders]


def _of_differences(table: pd.DataFrame, known: Mapping[str, EncoderId]) -> pd.DataFrame:
    columns: dict[str, Any] = {}
    encoder_kinds = [_read_kind(cell) for cell in table["kind"]]
    for name, own in (("model", [EncoderKind.TRAINED] * len(table)), ("other", encoder_kinds)):
        labels = table[name].astype(str).tolist()
        encoders = [known.get(label, EncoderId(None, label, None, of)) for label, of in zip(labels, own, strict=True)]
        columns |= encoder_columns(encoders, labels, other=name == "other")
    rest = table.drop(columns=["model", "other", "kind"])
    return _with(rest, 1 if "recording" in rest else 0, columns)


def _of_populations(table: pd.DataFrame, known: Mapping[str, EncoderId]) -> pd.DataFrame:
    labels = table["population"].tolist()
    own = [known.get(label) for label in labels]
    names = [None if encoder is None else label for label, encoder in zip(labels, own, strict=True)]
    return _with(table, 2 if "recording" in table else 1, encoder_columns(own, names))


def _with(table: pd.DataFrame, place: int, columns: Mapping[str, Any]) -> pd.DataFrame:
    """The table with columns from a place on, in which what is missing is NaN, as in a table that was read."""
    new = pd.DataFrame(dict(columns), index=table.index).astype(
        {name: object for name in columns if "seed" not in name}
    )
    new = new.mask(new.isna())
    return pd.concat([table.iloc[:, :place], new, table.iloc[:, place:]], axis=1)
