"""Which encoder simulated recordings are taken for, as a map."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from normenc.errors import InputError
from normenc.figures.common import style, wrapped
from normenc.figures.sizes import colour_bar, narrow, within

__all__ = ["identification_map"]

CELL, MARGIN = 0.34, 1.9  # inches: of a share, and of the names
NUMBERED = 16  # columns up to which shares are written as numbers
TRUTH, CHOSEN = ("truth", "encoder"), ("chosen", "other")  # what columns are called by identify, and in runs


def identification_map(table: pd.DataFrame, *, axes: Axes | None = None) -> Axes:
    """Which candidate recordings simulated from each truth are taken for: a row for each truth.

    Parameters
    ----------
    table : DataFrame
        Rows of a run's ``identification.csv`` (``encoder``, ``other``, ``share``), or those of one measure as
        :func:`normenc.rsa.identification` gives them (``truth``, ``chosen``, ``share``).
    axes : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        When there are no rows, a column is missing, or a share is there twice.
    """
    import matplotlib.pyplot as plt

    truth, chosen = (next((name for name in names if name in table), None) for names in (TRUTH, CHOSEN))
    if truth is None or chosen is None or "share" not in table or table.empty:
        raise InputError(
            "the table must have rows, with the columns encoder, other and share, or truth, chosen and share"
        )
    if table.duplicated([truth, chosen]).any():
        raise InputError("a share is there twice; give the rows of one measure")
    order, columns = table[truth].unique().tolist(), table[chosen].unique().tolist()
    rows = [*[name for name in columns if name in order], *[name for name in order if name not in columns]]
    shares = table.pivot_table(index=truth, columns=chosen, values="share").reindex(index=rows, columns=columns)
    with style():
        if axes is None:
            width, height = (MARGIN + CELL * n for n in shares.shape[::-1])
            _, axes = plt.subplots(figsize=within(width + 1.3, height, by_rows=True), layout="constrained")
        image = axes.imshow(shares.to_numpy(), cmap="viridis", vmin=0, vmax=1, aspect="auto")
        if len(columns) <= (NUMBERED // 2 if narrow() else NUMBERED):
            _write_numbers(axes, shares)
        breadth = 16 if narrow() else 28
        names = [wrapped(str(name), breadth) for name in columns]
        axes.set_xticks(range(len(columns)), names, rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(rows)), [wrapped(str(name), breadth) for name in rows])
        axes.set_xlabel("taken for")
        axes.set_ylabel("truth")
        colour_bar(image, [axes], "simulated recordings", shrink=0.8, format=PercentFormatter(1.0))
    return axes


def _write_numbers(axes: Axes, shares: pd.DataFrame) -> None:
    """Shares of at least 1 % as numbers in their cells."""
    for (row, column), share in np.ndenumerate(shares.to_numpy()):
        if round(100 * share):
            shade = "white" if share < 0.6 else "black"
            axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", color=shade, fontsize=8)
