"""Several runs in one figure."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from normenc.encoders import EncoderKind
from normenc.errors import InputError
from normenc.figures.common import check_columns, looks_of, opacities, pale_point, style, wrapped
from normenc.rsa.measures import facts_of

__all__ = ["run_comparison"]

COLUMNS = ("label", "encoder", "kind", "similarity", "low", "high", "comparison", "ceiling_lower", "ceiling_upper")
ROW = 0.2  # inches of each run in an encoder's row
SPREAD = 0.62  # share of a row that its runs fill
CEILING = "noise ceiling"


def run_comparison(table: pd.DataFrame, *, runs: Sequence[str] | None = None, axes: Axes | None = None) -> Axes:
    """Similarities of the same encoders in several runs: one row per encoder, one colour and marker per run.

    Lines are 95 % confidence intervals. The top row shows the noise ceiling of each run, from lower to upper; with at
    most three runs, a dotted line extends each lower ceiling to the encoders. Networks that did not learn their task
    are pale.

    Parameters
    ----------
    table : DataFrame
        A row for each run and encoder: ``label`` (of the run), ``encoder``, ``kind``, ``similarity``, ``low``,
        ``high``, ``comparison``, ``ceiling_lower``, ``ceiling_upper``. Rows without a similarity are blank.
    runs : sequence of str, optional
        Labels of all runs, if others are drawn elsewhere: each run then has the same colour and marker everywhere.
    axes : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        When a column is missing, there are no rows, or there are several comparison methods.
    """
    check_columns(table, COLUMNS)
    if table.empty or table["comparison"].nunique() != 1:
        raise InputError("the table must contain rows of one comparison method; draw a figure for each method")
    labels = list(dict.fromkeys(table["label"]))
    ceilings = table.dropna(subset=["ceiling_lower"]).groupby("label", sort=False)[["ceiling_lower", "ceiling_upper"]]
    encoders = dict.fromkeys(zip(table["kind"], table["encoder"], strict=True))
    rows = ([(CEILING, CEILING)] if ceilings.ngroups else []) + list(encoders)
    looks = looks_of(list(runs or labels))
    step = SPREAD / len(labels)
    offsets = {label: step * (k - (len(labels) - 1) / 2) for k, label in enumerate(labels)}
    with style():
        if axes is None:
            inches = 1.2 + 0.25 * len(labels) + max(0.28, ROW * len(labels)) * len(rows)
            _, axes = plt.subplots(figsize=(6.8, inches), layout="constrained")
        for label, band in ceilings.first().iterrows():
            _draw_ceiling(axes, band, looks[str(label)][0], offsets[str(label)], 0.7 * step, lead=len(labels) <= 3)
        for row, alpha in zip(table.itertuples(), opacities(table), strict=True):
            if np.isfinite(row.similarity):
                place = rows.index((row.kind, row.encoder))
                _draw_encoder(axes, row, place + offsets[row.label], *looks[row.label], alpha)
        _draw_rows(axes, rows)
        axes.set_xlabel(f"similarity of RDMs ({facts_of(table['comparison'].iloc[0]).symbol})")
        handles: list[Any] = [*(_handle(*looks[label], label) for label in labels), *pale_point(table)]
        axes.figure.legend(handles=handles, loc="outside upper left")
    return axes


def _draw_encoder(axes: Axes, row: Any, y: float, colour: str, marker: str, alpha: float) -> None:
    if np.isfinite([row.low, row.high]).all():
        axes.plot([row.low, row.high], [y, y], color=colour, linewidth=1.2, alpha=alpha, solid_capstyle="butt")
    face = "white" if row.kind == EncoderKind.TWIN else colour
    axes.plot(row.similarity, y, marker=marker, color=colour, markerfacecolor=face, markersize=4.5, alpha=alpha)


def _draw_ceiling(axes: Axes, band: pd.Series, colour: str, y: float, height: float, *, lead: bool) -> None:
    lower, upper = float(band["ceiling_lower"]), float(band["ceiling_upper"])
    axes.add_patch(Rectangle((lower, y - height / 2), upper - lower, height, color=colour, alpha=0.8, linewidth=1))
    if lead:
        axes.axvline(lower, color=colour, linestyle=":", linewidth=1, zorder=0)


def _draw_rows(axes: Axes, rows: list[tuple[str, str]]) -> None:
    """Names of rows, and a line between kinds of encoders."""
    axes.set_yticks(range(len(rows)), [wrapped(name) for _, name in rows])
    axes.set_ylim(len(rows) - 0.45, -0.55)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#e5e5e5", linewidth=0.6)
    axes.set_axisbelow(True)
    for position, (above, below) in enumerate(pairwise(rows)):
        if above[0] != below[0]:
            axes.axhline(position + 0.5, color="#999999", linewidth=0.6)


def _handle(colour: str, marker: str, label: str) -> Line2D:
    return Line2D([], [], color=colour, marker=marker, markersize=4.5, linewidth=1.2, label=wrapped(label, 60))
