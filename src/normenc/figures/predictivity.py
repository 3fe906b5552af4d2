"""Two ways to compare encoders with neurons, one against the other."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from normenc.errors import InputError
from normenc.figures.common import COLOURS, style, wrapped
from normenc.figures.sizes import place_legend, within

__all__ = ["MEASURES", "predictivity"]

MEASURES = {  # columns of predictivity.csv and what they are called
    "feve": "fraction of explainable variance explained, median",
    "noise_corrected_r": "noise-corrected correlation, median",
    "r": "correlation of predicted and recorded responses, median",
    "r2": "R², median",
}
KINDS = {  # what a point is, its colour, marker, and whether it is filled
    "trained layer": (COLOURS[1], "o", True),
    "untrained twin": (COLOURS[1], "o", False),
    "control": ("#777777", "s", True),
    "fitted to the neurons": (COLOURS[2], "D", True),
}
MOST_NAMED = 14


def predictivity(table: pd.DataFrame, *, measure: str | None = None, ax: Axes | None = None) -> Axes:
    """Similarity of RDMs against predictivity of neurons, a point for each encoder.

    Lines are 95 % intervals. The grey band is the noise ceiling of the RDMs; where noise is accounted for, the dotted
    line is what a model without error would reach.

    Parameters
    ----------
    table : DataFrame
        The rows of ``predictivity.csv``, of one recording.
    measure : str, optional
        One of :data:`MEASURES`; the first of which anything is known by default.
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        When there are no rows, or no such measure.
    """
    import matplotlib.pyplot as plt

    known = [name for name in MEASURES if name in table and table[name].notna().any()]
    chosen = (known[0] if known else "") if measure is None else measure
    if table.empty or chosen not in known or table["recording"].nunique() != 1:
        raise InputError(
            f"measure is {measure!r} for a table of {len(table)} rows; it must be one of {', '.join(known) or 'none'}, "
            "and the rows of one recording"
        )
    with style():
        if ax is None:
            named = [wrapped(str(label), 30) for label in table["label"].head(MOST_NAMED)]
            ax = plt.subplots(figsize=within(7.2, 4.4, legend=named), layout="constrained")[1]
        first = table.iloc[0]
        if np.isfinite(first["ceiling_lower"]):
            ax.axvspan(first["ceiling_lower"], first["ceiling_upper"], color="#cccccc", alpha=0.6, linewidth=0)
        if chosen in ("feve", "noise_corrected_r"):
            ax.axhline(1, color="black", linestyle=":", linewidth=0.9)
        for number, row in enumerate(table.to_dict("records"), start=1):
            colour, marker, filled = KINDS[row["kind"]]
            x, y = row["similarity"], row[chosen]
            ax.plot([row["similarity_low"], row["similarity_high"]], [y, y], color=colour, linewidth=0.8, alpha=0.5)
            if f"{chosen}_low" in row:
                ax.plot([x, x], [row[f"{chosen}_low"], row[f"{chosen}_high"]], color=colour, linewidth=0.8, alpha=0.5)
            face = colour if filled else "white"
            ax.plot(x, y, marker=marker, color=colour, markerfacecolor=face, markersize=6, linestyle="none")
            if number <= MOST_NAMED:
                beside: Any = {"xytext": (5, 4), "textcoords": "offset points", "in_layout": False}
                ax.annotate(str(number), (x, y), fontsize=8, **beside)
        ax.set_xlabel("similarity of RDMs")
        ax.set_ylabel(wrapped(MEASURES[chosen], 40))
        handles = _legend(table)
        names = [str(handle.get_label()) for handle in handles]
        place_legend(ax, handles, names, loc="center left", bbox_to_anchor=(1.01, 0.5))
    return ax


def _legend(table: pd.DataFrame) -> list[Line2D]:
    handles = []
    for number, row in enumerate(table.head(MOST_NAMED).to_dict("records"), start=1):
        colour, marker, filled = KINDS[row["kind"]]
        look: Any = {
            "color": colour,
            "marker": marker,
            "markerfacecolor": colour if filled else "white",
            "linestyle": "none",
        }
        handles.append(Line2D([], [], label=f"{number}  {wrapped(str(row['label']), 30)}", **look))
    return handles
