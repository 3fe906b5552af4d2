"""The rows of the tables on the page that compares runs: numbers are rounded, and NaN is a dash."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from normenc.encoders import EncoderKind
from normenc.report.changed_settings import format_value
from normenc.report.matching import encoder_table
from normenc.report.wording import decimals, interval, minus, signed
from normenc.rsa.ceiling import KINDS
from normenc.runs import Run, open_all

__all__ = [
    "GROUPS",
    "Cell",
    "conclusion_row",
    "introduced",
    "made_with",
    "order_row",
    "predictivity_rows",
    "recording_rows",
    "rows_to_print",
    "similarity_rows",
]

Cell = tuple[str, list[str]]  # the main text, and lines below it
GROUPS = (
    (EncoderKind.TRAINED, "trained layers"),
    (EncoderKind.PRETRAINED, "pretrained layers"),
    (EncoderKind.TWIN, "untrained twins"),
    (EncoderKind.CONTROL, "controls, never trained"),
)
RECORDING_ROWS = (
    *(("recording", "name"), ("simulated", "simulated"), ("species", "species"), ("area", "area")),
    *(("stimuli", "n_stimuli"), ("type of stimulus", "stimuli"), ("neurons", "n_neurons"), ("trials", "n_trials")),
    *(("trials per stimulus", "n_repeats"), ("animals", "animals"), ("sessions", "sessions"), ("responses", "units")),
    *(("preparation", "steps"), ("source", "source"), ("licence", "licence"), ("SHA-256", "sha256")),
)
MEASURES = (("FEVE", "feve"), ("r", "r"))


def made_with(run: Run) -> dict[str, Any]:
    """The environment of a run, except what the page shows elsewhere."""
    apart = ("recording", "scores", "finished")
    return {key: value for key, value in run.environment.items() if key not in apart}


def introduced(run: Run) -> dict[str, Any]:
    """The introduction of a run at the top of the page."""
    seeds = run.environment["seeds"].get("training", [])
    finished = str(run.environment.get("finished") or "at an unknown time")
    return {
        "label": run.label,
        "folder": run.folder.resolve().name,
        "finished": finished.replace("T", " ").removesuffix("+00:00"),
        "version": str(run.environment["normenc"]),
        "seeds": format_value(seeds),
        "n_seeds": len(seeds) if isinstance(seeds, list) else 1,
    }


def similarity_rows(runs: Sequence[Run], table: pd.DataFrame) -> list[tuple[str, list[tuple[str, list[Cell | None]]]]]:
    """Encoders by kind, with a cell for each run: similarity, then its interval, share, range and tests."""
    ceilings: list[Cell | None] = [_ceiling_cell(run) for run in runs]
    groups = [("recording", [("noise ceiling", ceilings)])]
    for kind, title in GROUPS:
        rows = []
        for encoder, own in table[table["kind"] == kind].groupby("encoder", sort=False):
            cells = {int(row["run"]): _similarity_cell(row) for row in own.to_dict("records")}
            rows.append((str(encoder), [cells.get(number) for number in range(len(runs))]))
        if rows:
            groups.append((title, rows))
    return groups


def _ceiling_cell(run: Run) -> Cell:
    row = run.similarity.iloc[0]
    if not np.isfinite(row["ceiling_lower"]):
        return "none", ["the highest possible similarity is unknown"]
    return f"{decimals(row['ceiling_lower'])} to {_number(row['ceiling_upper'])}", [
        f"from {KINDS.get(row['ceiling'], row['ceiling']).partition(':')[0]}"
    ]


def _similarity_cell(row: dict[str, Any]) -> Cell:
    lines = []
    if np.isfinite([row["low"], row["high"]]).all():
        lines.append(interval(row["low"], row["high"]))
    if row["share"] >= 0:  # of a negative similarity, or ceiling, a share means nothing
        lines.append(f"{100 * row['share']:.0f} % of the lower ceiling")
    if row["n_seeds"] > 1:
        lines.append(f"{int(row['n_seeds'])} networks: {interval(row['seed_low'], row['seed_high'])}")
    tests = {"p_permutations_holm": "chance", "p_shifts_holm": "shifts", "p_ceiling_holm": "ceiling"}
    known = [f"{what} {_p(row[name])}" for name, what in tests.items() if row[name] >= 0]
    return minus(_number(row["similarity"])), lines + ([f"p: {', '.join(known)}"] if known else [])


def conclusion_row(runs: Sequence[Run], key: tuple[str, str], rows: pd.DataFrame) -> dict[str, Any]:
    """A conclusion about a layer, with a cell for each run: verdict, then difference and p-value."""
    cells: dict[int, Cell] = {}
    for row in rows.itertuples():
        lines = []
        if np.isfinite(row.difference):
            between = f" ({interval(row.low, row.high, '+.3f')})" if np.isfinite([row.low, row.high]).all() else ""
            lines.append(f"{signed(row.difference)}{between}")
        cells[int(row.run)] = (row.verdict, [*lines, f"p {_p(row.p)}"])
    return {"encoder": key[0], "other": key[1], "cells": [cells.get(number) for number in range(len(runs))]}


def order_row(runs: Sequence[Run], row: Any) -> tuple[str, str, int, str]:
    """Two runs, the number of encoders that they have in common, and the rank correlation."""
    return runs[row.one].label, runs[row.other].label, row.n, _number(row.rho, 2)


def predictivity_rows(runs: Sequence[Run], table: pd.DataFrame) -> list[tuple[str, str, list[Any]]]:
    """Encoders and their kinds, with a cell for each run: the known measures of predictivity."""
    rows = []
    if table.empty:
        return []
    for (encoder, kind), own in table.groupby(["encoder", "kind"], sort=False):
        cells: dict[int, Cell] = {}
        for row in own.to_dict("records"):
            measures = [(name, row[key], row[f"{key}_low"], row[f"{key}_high"]) for name, key in MEASURES]
            words = [
                f"{name} {decimals(value)}" + (f" ({interval(low, high)})" if _known(low, high) else "")
                for name, value, low, high in measures
                if _known(value)
            ]
            cells[int(row["run"])] = (words[0] if words else "–", [*words[1:], str(row["method"])])
        rows.append((str(encoder), str(kind), [cells.get(number) for number in range(len(runs))]))
    return rows


def recording_rows(runs: Sequence[Run]) -> list[tuple[str, list[str]]]:
    """What is known about the recordings, with a value for each run."""

    def said(run: Run, key: str) -> str:
        value = run.recording.get(key)
        if key == "n_repeats" and isinstance(value, list) and len(value) == 2:
            return str(value[0]) if value[0] == value[1] else f"{value[0]} to {value[1]}"
        if value is None:
            return "unknown"
        return f"{value[:12]}…" if key == "sha256" else format_value(value)

    rows = [(name, [said(run, key) for run in runs]) for name, key in RECORDING_ROWS]
    verdicts = [str((run.quality or {}).get("verdict") or "not saved in this run") for run in runs]
    ceilings = [str(run.environment["inference"].get("ceiling", "unknown")) for run in runs]
    return [*rows, ("verdict on its reliability", verdicts), ("noise ceiling", ceilings)]


def _known(*values: Any) -> bool:
    return all(value is not None and np.isfinite(value) for value in values)


def _number(value: float, digits: int = 3) -> str:
    return f"{value:.{digits}f}" if np.isfinite(value) else "–"


def _p(value: float) -> str:
    if not np.isfinite(value):
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def rows_to_print(folders: Iterable[str | Path]) -> tuple[list[str], list[tuple[str, ...]]]:
    """Columns and rows of a short table: the similarity of every encoder in every run."""
    runs = open_all(list(folders))
    table = encoder_table(runs)
    rows = []
    for (kind, encoder), own in table.groupby(["kind", "encoder"], sort=False):
        values = {int(row.run): _number(row.similarity) for row in own.itertuples()}
        rows.append((str(encoder), str(kind), *(values.get(number, "") for number in range(len(runs)))))
    return ["encoder", "kind", *(run.label for run in runs)], rows
