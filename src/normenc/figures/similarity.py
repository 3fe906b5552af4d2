"""Figures of results: similarities with confidence intervals, noise ceiling and tests."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from normenc.csv_tables import did_not_learn, encoders_of
from normenc.encoders import EncoderKind
from normenc.errors import InputError
from normenc.figures.common import NOT_LEARNED, PALE, check_columns, style, wrapped
from normenc.figures.sizes import narrow, place_legend, within
from normenc.rsa.measures import Measure, facts_of

__all__ = ["similarity_bars"]

BARS = {  # name in the legend and colour of each kind of bar
    EncoderKind.TRAINED: ("trained", "#0072B2"),
    EncoderKind.PRETRAINED: ("pretrained", "#009E73"),
    EncoderKind.TWIN: ("untrained twin", "#9ecae1"),
    EncoderKind.CONTROL: ("control", "#999999"),
    None: ("model", "#0072B2"),
}
ALPHA = 0.05
CEILING = "#cccccc"
VALUE, WING = 0.62, 0.11  # inches, width of the column of values and of each wing


def similarity_bars(similarity: pd.DataFrame, pairs: pd.DataFrame | None = None, *, axes: Axes | None = None) -> Axes:
    """Figure 3: similarity of each model's RDM with that of the recording, with intervals, ceiling and tests.

    Whiskers are 95 % confidence intervals, the grey band is the noise ceiling (lower to upper), and a dot at the foot
    of a bar marks a similarity above chance (Holm-corrected). On the right, each model that is significantly more
    similar than another has a wing: a dot in its own row, and a tick in the row of each less similar model. Bars of
    networks that did not learn their task are pale, with a dashed outline.

    Parameters
    ----------
    similarity : DataFrame
        The rows of ``similarity.csv``, one per bar from top to bottom, of one recording and one comparison. Rows
        without a ``kind`` are plain models, named by ``encoder``.
    pairs : DataFrame, optional
        Of :class:`normenc.rsa.Inference`: tests between all pairs of rows, in their order.
    axes : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        When a column is missing, or the rows are of several recordings or comparisons.
    """
    check_columns(similarity, ("recording", "encoder", "kind", "comparison", "similarity"))
    if similarity.empty or similarity["recording"].nunique() != 1 or similarity["comparison"].nunique() != 1:
        raise InputError("similarity must contain the rows of one recording and one comparison")
    first = similarity.iloc[0]
    winners = _winners(similarity, pairs)
    handles = _legend(similarity, bool(winners))
    labels = [str(handle.get_label()) for handle in handles]
    names = [wrapped(name, 20 if narrow() else 40) for name in _bar_names(similarity)]
    with style():
        if axes is None:
            width = 6.6 + WING * max(0, len(winners) - 4)
            size = within(width, 1.1 + 0.33 * len(similarity), legend=labels, by_rows=True)
            _, axes = plt.subplots(figsize=size, layout="constrained")
        if np.isfinite(first["ceiling_lower"]):
            axes.axvspan(first["ceiling_lower"], first["ceiling_upper"], color=CEILING, alpha=0.6)
        measure = facts_of(first["comparison"])
        foot = 0.015 * scale_of(similarity, measure)
        for position, (row, failed) in enumerate(zip(similarity.itertuples(), did_not_learn(similarity), strict=True)):
            axes.barh(position, row.similarity, height=0.7, **bar_look(BARS[_kind(row.kind)][1], failed=failed))
            axes.plot([row.low, row.high], [position] * 2, color="black", linewidth=1.1, solid_capstyle="butt")
            if row.p_permutations_holm <= ALPHA:
                axes.plot(np.copysign(foot, row.similarity), position, "o", color="white", markersize=3.5)
        axes.set_yticks(range(len(similarity)), names)
        axes.invert_yaxis()
        axes.axvline(0, color="black", linewidth=0.8)
        best = "" if narrow() or np.isinf(measure.range[1]) else f"; {measure.range[1]:g} is the same geometry"
        axes.set_xlabel(f"similarity of RDMs ({measure.symbol}{best})")
        axes.set_title(wrapped(f"similarity with “{first['recording']}”", 30 if narrow() else 60))
        place_legend(axes, handles, labels)
        _draw_columns(axes, similarity, winners, measure)
    return axes


def bar_look(colour: str, *, failed: bool) -> dict[str, Any]:
    """How a bar looks: pale with a dashed outline, of a network that did not learn its task."""
    if not failed:
        return {"color": colour}
    return {"facecolor": (colour, PALE / 2), "edgecolor": colour, "linestyle": "--", "linewidth": 0.8}


def scale_of(table: pd.DataFrame, measure: Measure) -> float:
    """The highest possible similarity or, if the measure has none above 0, the largest in the table."""
    if 0 < measure.range[1] < np.inf:
        return measure.range[1]
    return float(table[["similarity", "low", "high"]].abs().max(axis=None)) or 1.0


def _winners(similarity: pd.DataFrame, pairs: pd.DataFrame | None) -> dict[int, list[int]]:
    """For each row that is significantly more similar than others, the rows of the others."""
    if pairs is None:
        return {}
    first, second = np.triu_indices(len(similarity), k=1)
    if len(pairs) != len(first):
        raise InputError(f"there are {len(pairs)} pairs for {len(similarity)} rows; give {len(first)}")
    winners: dict[int, list[int]] = {}
    for one, other, difference, p in zip(first, second, pairs["difference"], pairs["p_holm"], strict=True):
        if p <= ALPHA:
            better, worse = (one, other) if difference > 0 else (other, one)
            winners.setdefault(int(better), []).append(int(worse))
    return winners


def _draw_columns(axes: Axes, similarity: pd.DataFrame, winners: dict[int, list[int]], measure: Measure) -> None:
    """Write the values to the right of the bars, draw the wings next to them, and set the axis limits."""
    scale = scale_of(similarity, measure)
    lowest = float(similarity[["similarity", "low"]].min(axis=None))  # an interval may be unknown
    left = min(0.0, lowest - 0.03 * scale)
    top = scale if measure.range[1] > 0 else 0.0
    right = float(np.nanmax([top, similarity["high"].max(), similarity["ceiling_upper"].iloc[0]]))
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()  # this determines the width of the axes
    inches = axes.get_window_extent().width / figure.dpi
    beside = VALUE + WING * len(winners)
    unit = (right - left) / max(inches - beside, 0.3 * inches)  # of the scale in an inch
    for position, value in enumerate(similarity["similarity"]):
        number = f"{value:.3f}" if scale == 1 else f"{value:.3g}"
        text = "unknown" if np.isnan(value) else number.replace("-", "−")
        axes.text(right + 0.06 * unit, position, text, va="center", fontsize=8)
    end = _draw_wings(axes, winners, right + VALUE * unit, WING * unit)
    axes.set_xlim(left, end)
    step = next(step for step in (0.25, 0.5, 1.0) if step == 1 or step * scale / unit > 0.36)  # room for a label
    ticks = np.arange(-1, 1.01, step) if scale == 1 else MaxNLocator(round(1 / step)).tick_values(left, right)
    axes.set_xticks([tick for tick in ticks if left <= tick <= right])


def _draw_wings(axes: Axes, winners: dict[int, list[int]], start: float, step: float) -> float:
    """Draw one column for each winner, from `start`; returns where the axis should end."""
    for column, (better, worse) in enumerate(sorted(winners.items())):
        x = start + step * column
        rows = [better, *worse]
        axes.plot([x, x], [min(rows), max(rows)], color="black", linewidth=0.9)
        axes.plot(x, better, "o", color="black", markersize=4)
        for row in worse:
            axes.plot([x, x + step / 2], [row, row], color="black", linewidth=0.9)
    return start + step * len(winners)


def _legend(similarity: pd.DataFrame, with_wings: bool) -> list[Any]:
    """The entries of the legend."""
    handles: list[Any] = []
    if np.isfinite(similarity["ceiling_lower"].iloc[0]):
        handles.append(Rectangle((0, 0), 1, 1, color=CEILING, alpha=0.6, label="noise ceiling"))
    for name, colour in dict.fromkeys(BARS[_kind(cell)] for cell in similarity["kind"]):
        handles.append(Rectangle((0, 0), 1, 1, color=colour, label=name))
    if did_not_learn(similarity).any():
        handles.append(
            Rectangle((0, 0), 1, 1, label=NOT_LEARNED, **bar_look(BARS[EncoderKind.TRAINED][1], failed=True))
        )
    if similarity["low"].notna().any():
        handles.append(Line2D([], [], color="black", linewidth=1.1, label="95 % CI"))
    dot: dict[str, Any] = {"marker": "o", "linestyle": "none", "markersize": 4}
    if (similarity["p_permutations_holm"] <= ALPHA).any():
        handles.append(Line2D([], [], markerfacecolor="white", markeredgecolor="#777777", label="above chance", **dot))
    if with_wings:
        handles.append(Line2D([], [], color="black", label="more similar\nthan the ticks", **dot))
    return handles


def _kind(cell: Any) -> EncoderKind | None:
    return None if pd.isna(cell) else EncoderKind(cell)


def _bar_names(similarity: pd.DataFrame) -> list[str]:
    of_encoders = similarity[similarity["kind"].notna()]
    encoders = iter([] if of_encoders.empty else encoders_of(of_encoders))
    names = []
    for row in similarity.itertuples():
        if pd.isna(row.kind):
            names.append(str(row.encoder))
            continue
        encoder = next(encoders)
        several = f" ({row.n_seeds:g} seeds)" if encoder.seed is not None and row.n_seeds > 1 else ""
        names.append(encoder.bar_name + several)
    return names
