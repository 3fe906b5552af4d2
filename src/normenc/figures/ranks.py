"""Whether the order of encoders depends on the measure of similarity."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from normenc.encoders import EncoderKind
from normenc.errors import InputError
from normenc.figures.common import check_columns, opacities, pale_point, palette, style, wrapped
from normenc.figures.sizes import narrow
from normenc.rsa.representation_measures import symbol_of

__all__ = ["measure_ranks"]

COLUMNS = ("encoder", "kind", "comparison", "similarity")
MOST = 30  # encoders whose lines can be told apart
ROW, COLUMN = 0.23, 1.0  # inches
OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
CONTROLS = ("#555555", "#8a8a8a", "#b0b0b0", "#6f6f6f")
DASHES = ("-", (0, (4, 1.5)), (0, (1, 1)), "-.")


def measure_ranks(table: pd.DataFrame, *, axes: Axes | None = None) -> Axes:
    """Rank of each encoder under each measure of similarity, the most similar on top.

    One line an encoder: in colour, of a layer that learned, with filled circles; of its untrained twin, in the same
    colour, dashed, with open circles; of a control, grey, with squares. Encoders that are equally similar share a
    rank. A line has a gap where a similarity is unknown. Of more than 30 encoders, those most similar by the first
    measure are drawn, with their ranks among each other. Networks that did not learn their task are pale.

    Parameters
    ----------
    table : DataFrame
        A row for each encoder and measure: ``encoder``, ``kind``, ``comparison`` (the measure), ``similarity``; also
        ``learned``, and ``twin_of``, the encoder whose untrained twin it is, where they are known. The first measure is
        the answer's.
    axes : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        When a column is missing, or there is only one measure.
    """
    check_columns(table, COLUMNS)
    wide = table.pivot_table("similarity", "encoder", "comparison", sort=False, dropna=False, observed=True)
    wide = wide.reindex(columns=list(dict.fromkeys(table["comparison"])), index=list(dict.fromkeys(table["encoder"])))
    if wide.shape[1] < 2:
        raise InputError("the table must contain rows of at least two measures (comparison)")
    n_all = len(wide)
    wide = wide.sort_values(wide.columns[0], ascending=False, na_position="last", kind="stable").iloc[:MOST]
    ranks = wide.rank(ascending=False)
    kinds = table.drop_duplicates("encoder").set_index("encoder")["kind"]
    looks = _looks(kinds, table)
    with style():
        if axes is None:
            size = (1.9 + COLUMN * wide.shape[1] + 0.2, 0.9 + ROW * len(ranks))
            _, axes = plt.subplots(figsize=size, layout="constrained")
        places = np.arange(wide.shape[1])
        alphas = dict(zip(table["encoder"], opacities(table), strict=True))
        for encoder in ranks.index:
            axes.plot(places, ranks.loc[encoder], **looks[encoder], alpha=alphas[encoder])
        _write(axes, ranks, n_all=n_all)
        axes.set_xticks(places, [wrapped(symbol_of(name), 14) for name in wide.columns])
        handles = [*(handle for kind, handle in _handles().items() if kind in set(kinds)), *pale_point(table)]
        axes.figure.legend(handles=handles, loc="outside upper left", ncols=len(handles))
    return axes


def _write(axes: Axes, ranks: pd.DataFrame, *, n_all: int) -> None:
    """Names beside the first rank, in order and apart, and the axes."""
    first = ranks.iloc[:, 0]
    order = np.arange(len(ranks)) + 1
    axes.set_yticks([])
    axes.set_ylim(len(ranks) + 0.6, 0.4)
    axes.set_xlim(-0.12, ranks.shape[1] - 0.88)
    for encoder, rank, place in zip(ranks.index, first, order, strict=True):
        text = f"{wrapped(str(encoder), 24 if narrow(axes) else 40)}  {'–' if np.isnan(rank) else f'{rank:g}'}"
        axes.annotate(
            text,
            (-0.12, place),
            xytext=(-4, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            annotation_clip=False,
        )
    axes.tick_params(axis="x", length=0)
    axes.spines[["left", "right", "top", "bottom"]].set_visible(False)
    axes.grid(axis="x", color="#e5e5e5", linewidth=0.6)
    axes.set_axisbelow(True)
    note = f"\nthe first {len(ranks)} of {n_all} encoders" if len(ranks) < n_all else ""
    axes.set_xlabel(f"measure; rank 1, the most similar, is on top{note}")


def _looks(kinds: "pd.Series[Any]", table: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """How each encoder's line looks."""
    twins = kinds.index[kinds == EncoderKind.TWIN]
    controls = kinds.index[kinds == EncoderKind.CONTROL]
    learned = [name for name in kinds.index if name not in twins and name not in controls]
    of = {}
    if "twin_of" in table:
        of = table.drop_duplicates("encoder").set_index("encoder")["twin_of"].to_dict()
    alone = [name for name in twins if of.get(name) not in learned]
    colours = dict(zip([*learned, *alone], palette(len(learned) + len(alone), OKABE_ITO), strict=True))
    common = {"markersize": 5.0, "linewidth": 1.4, "clip_on": False}
    looks = {name: common | {"color": colours[name], "marker": "o"} for name in learned}
    for name in twins:
        colour = colours[name] if name in colours else colours[of[name]]
        looks[name] = common | {"color": colour, "marker": "o", "markerfacecolor": "white", "linestyle": (0, (3, 1.5))}
    for k, name in enumerate(controls):
        grey, dash = CONTROLS[k % len(CONTROLS)], DASHES[k // len(CONTROLS) % len(DASHES)]
        looks[name] = common | {"color": grey, "marker": "s", "markersize": 4.2, "linestyle": dash, "linewidth": 1.0}
    return looks


def _handles() -> dict[str, Line2D]:
    """One for each kind of encoder."""
    learned: dict[str, Any] = {"color": "#0072B2", "marker": "o", "markersize": 5}
    return {
        str(EncoderKind.TRAINED): Line2D([], [], **learned, label="trained layer"),
        str(EncoderKind.PRETRAINED): Line2D([], [], **learned, label="pretrained layer"),
        str(EncoderKind.TWIN): Line2D(
            [], [], **learned, markerfacecolor="white", linestyle=(0, (3, 1.5)), label="untrained twin"
        ),
        str(EncoderKind.CONTROL): Line2D([], [], color="#8a8a8a", marker="s", markersize=4.2, label="control"),
    }
