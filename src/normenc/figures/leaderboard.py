"""Figures of many encoders: the leaderboard, and similarity over training."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator, MultipleLocator

from normenc.csv_tables import ENCODER_COLUMNS, did_not_learn, encoders_of
from normenc.encoders import EncoderKind
from normenc.errors import InputError
from normenc.figures.common import (
    AxesArray,
    check_columns,
    figure_of,
    looks_of,
    new_panels,
    opacities,
    pale_point,
    style,
    wrapped,
)
from normenc.figures.similarity import scale_of
from normenc.figures.sizes import legend_height, narrow, place_legend, within
from normenc.rsa.measures import facts_of

__all__ = ["leaderboard", "over_training"]

CONTROL = "#555555"
OTHERS = ("untrained twins", "controls")  # titles below that of the networks that learned


def leaderboard(similarity: pd.DataFrame, *, axes: AxesArray | None = None) -> AxesArray:
    """Similarity of the layers of each encoder with the recording, best encoder first; controls are separate.

    Lines are 95 % confidence intervals, the grey band is the noise ceiling (lower to upper), and the dashed line is the
    best control. Networks that did not learn their task are pale, and come last.

    Parameters
    ----------
    similarity : DataFrame
        The rows of ``similarity.csv``, of one recording and one comparison.
    axes : array of Axes, shape (3,), optional
        For trained and pretrained networks, untrained twins, and controls.

    Returns
    -------
    ndarray of Axes, shape (3,)

    Raises
    ------
    InputError
        When a column is missing, or the rows are of several recordings or comparisons.
    """
    check_columns(similarity, ("recording", *ENCODER_COLUMNS, "comparison", "similarity"))
    if similarity.empty or similarity["recording"].nunique() != 1 or similarity["comparison"].nunique() != 1:
        raise InputError("similarity must contain the rows of one recording and one comparison")
    twins, controls = (similarity["kind"] == kind for kind in (EncoderKind.TWIN, EncoderKind.CONTROL))
    groups = [_ranked(similarity[rows]) for rows in (~twins & ~controls, twins, controls)]
    looks = looks_of(list(dict.fromkeys(similarity[~controls]["layer"])))
    best_control = similarity[controls]["similarity"].max()
    first = similarity.iloc[0]
    handles = [*_handles(looks, first, bool(controls.any())), *pale_point(similarity)]
    labels = [str(handle.get_label()) for handle in handles]
    with style():
        if axes is None:
            axes = _three_panels([_places(group)[1] for group in groups], labels)
        titles = (_learned(similarity["kind"]), *OTHERS)
        for panel, group, title in zip(axes, groups, titles, strict=True):
            if np.isfinite(first["ceiling_lower"]):
                panel.axvspan(first["ceiling_lower"], first["ceiling_upper"], color="#cccccc", alpha=0.6, linewidth=0)
            if controls.any():
                panel.axvline(float(best_control), color=CONTROL, linestyle="--", linewidth=1)
            places, total = _places(group)
            for place, (_, rows) in zip(places, group, strict=True):
                _draw_encoder(panel, place, rows, looks)
            panel.set_yticks(places, [wrapped(name, 20 if narrow() else 40) for name, _ in group])
            panel.set_ylim(total - 0.4, -0.6)
            panel.set_title(title, loc="left")
            panel.grid(axis="x", color="#e5e5e5", linewidth=0.6)
            panel.set_axisbelow(True)
        low, high = axes[-1].get_xlim()
        measure = facts_of(first["comparison"])
        step = MultipleLocator(0.5 if high - low > 1.3 or narrow() else 0.25)
        axes[-1].xaxis.set_major_locator(step if measure.range[1] == 1 else MaxNLocator(3 if narrow() else 6))
        what = f"similarity of RDMs ({measure.symbol}) with “{first['recording']}”"
        axes[-1].set_xlabel(wrapped(what, 30 if narrow() else 70))
        _place_outside(axes, handles, labels)
    return axes


def _learned(kinds: pd.Series) -> str:
    """The title above the networks that learned."""
    names = {EncoderKind.TRAINED: "trained", EncoderKind.PRETRAINED: "pretrained"}
    return " and ".join(name for kind, name in names.items() if (kinds == kind).any()) or "trained"


def _three_panels(heights: list[float], labels: list[str]) -> AxesArray:
    """Panels below each other, as high as their rows; the figure is at least as high as its legend."""
    height = max(1.4 + 0.3 * (sum(heights) + 2.7), 0.2 * len(labels) + 0.5)
    ratios = [height + 0.9 for height in heights]
    size = within(8.6, height, legend=labels, by_rows=True)
    options: Any = {"sharex": True, "gridspec_kw": {"height_ratios": ratios}, "layout": "constrained"}
    panels: AxesArray = plt.subplots(3, 1, figsize=size, **options)[1]
    return panels


def _places(group: list[tuple[str, pd.DataFrame]]) -> tuple[list[float], float]:
    """Position of each encoder's row, whose height depends on its layers, and the total height (at least 1)."""
    sizes = [max(1.0, 0.3 * len(rows)) for _, rows in group]
    ends = np.cumsum([0.0, *sizes])
    middles = (ends[:-1] + ends[1:]) / 2 - 0.5
    return middles.tolist(), max(1.0, float(ends[-1]))


def _place_outside(panels: AxesArray, handles: list[Artist], labels: list[str]) -> None:
    """Draw the legend to the right of all panels, or below them on a narrow page."""
    figure = panels.flat[0].get_figure()
    if narrow() or not isinstance(figure, Figure) or figure.get_layout_engine() is None:
        place_legend(panels.flat[0], handles, labels)
    else:
        figure.legend(handles, labels, loc="outside right upper")


def over_training(
    table: pd.DataFrame, similarity: pd.DataFrame | None = None, *, axes: AxesArray | None = None
) -> AxesArray:
    """Similarity with the recording at checkpoints of training: whether learning the task increases it.

    Networks that did not learn their task are pale.

    Parameters
    ----------
    table : DataFrame
        The rows of ``over_training.csv``, of one recording; epoch 0 is before training.
    similarity : DataFrame, optional
        The rows of ``similarity.csv``; their noise ceiling and best control are drawn.
    axes : array of Axes, optional
        One for each task and network.

    Returns
    -------
    ndarray of Axes
        A panel for each task and network.

    Raises
    ------
    InputError
        When a column is missing, there are no rows, or rows of several recordings.
    """
    check_columns(table, ("recording", "task", "network", "layer", "epoch", "similarity"))
    if table.empty or table["recording"].nunique() != 1:
        raise InputError("table must contain the rows of one recording")
    tasks = list(dict.fromkeys(table["task"]))
    networks = list(dict.fromkeys(table["network"]))
    epochs = sorted(table["epoch"].unique())
    places = {epoch: place for place, epoch in enumerate(epochs)}
    looks = looks_of(list(dict.fromkeys(table["layer"])))
    with style():
        handles = [*(_handle(*looks[layer], layer) for layer in looks), *pale_point(table)]
        names = [str(handle.get_label()) for handle in handles]
        below = legend_height(names)
        panels = new_panels(axes, len(networks), len(tasks), width=2.7, height=2.1, lowest=1.3, below=below)
        for panel, (network, task) in zip(panels.flat, [(n, t) for n in networks for t in tasks], strict=True):
            _draw_references(panel, similarity)
            rows = table[(table["task"] == task) & (table["network"] == network)]
            layers = [(str(layer), own) for layer, own in rows.groupby("layer", sort=False)]
            for index, (layer, own) in enumerate(layers):
                colour, marker = looks[layer]
                x = own["epoch"].map(places) + 0.06 * (index - (len(layers) - 1) / 2)
                alpha = opacities(own)[0]
                panel.vlines(x, own["low"], own["high"], color=colour, linewidth=0.8, alpha=0.6 * alpha)
                panel.plot(x, own["similarity"], color=colour, marker=marker, markersize=4, linewidth=1.2, alpha=alpha)
            panel.set_xticks(range(len(epochs)), [str(epoch) for epoch in epochs])
            panel.set_title(f"{task}\n{network}" if len(networks) > 1 else str(task), fontsize=8)
        measure = facts_of("pearson" if similarity is None else similarity["comparison"].iloc[0])
        scale = scale_of(table, measure)
        low = min(0.0, float(table[["similarity", "low"]].min(axis=None)))  # an interval may be unknown
        for panel in panels.flat:
            panel.set_ylim(low - 0.03 * scale, (scale if measure.range[1] > 0 else 0) + 0.03 * scale)
            panel.label_outer()
        figure = figure_of(panels)
        figure.supylabel(wrapped(f"similarity with “{table['recording'].iloc[0]}”", 40))
        if narrow():
            panels[-1, panels.shape[1] // 2].set_xlabel("epoch (0 is untrained)")
            place_legend(panels.flat[0], handles, names)
        else:
            figure.supxlabel("epoch (0 is untrained)")
            figure.legend(handles=handles, loc="outside right upper")
    return panels


def _ranked(rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Encoders with the rows of their layers; that of the most similar layer first, those that did not learn last."""
    if rows.empty:
        return []
    names = np.array([encoder.encoder_name for encoder in encoders_of(rows)])
    groups = [(str(name), group) for name, group in rows.groupby(names, sort=False)]
    best = {name: float(group["similarity"].fillna(-np.inf).max()) for name, group in groups}
    return sorted(groups, key=lambda item: (did_not_learn(item[1]).any(), -best[item[0]]))


def _draw_encoder(panel: Axes, position: float, rows: pd.DataFrame, looks: dict[str, tuple[str, str]]) -> None:
    reach = max(0.28, 0.125 * (len(rows) - 1))
    offsets = np.linspace(-reach, reach, len(rows)) if len(rows) > 1 else np.zeros(1)
    for offset, row, alpha in zip(offsets, rows.itertuples(), opacities(rows), strict=True):
        colour, marker = (CONTROL, "o") if row.kind == EncoderKind.CONTROL else looks[str(row.layer)]
        y = position + offset
        panel.plot([row.low, row.high], [y, y], color=colour, linewidth=1.1, alpha=alpha, solid_capstyle="butt")
        fill = "white" if row.kind == EncoderKind.TWIN else colour
        point: Any = {"marker": marker, "color": colour, "markerfacecolor": fill, "markersize": 4.5}
        panel.plot(row.similarity, y, alpha=alpha, **point)


def _draw_references(panel: Axes, similarity: pd.DataFrame | None) -> None:
    if similarity is None:
        return
    first = similarity.iloc[0]
    if np.isfinite(first["ceiling_lower"]):
        panel.axhspan(first["ceiling_lower"], first["ceiling_upper"], color="#cccccc", alpha=0.6, linewidth=0)
    controls = similarity[similarity["kind"] == EncoderKind.CONTROL]
    if len(controls):
        panel.axhline(float(controls["similarity"].max()), color=CONTROL, linestyle="--", linewidth=1)


def _handles(looks: dict[str, tuple[str, str]], first: pd.Series, has_controls: bool) -> list[Artist]:
    handles: list[Artist] = [_handle(*look, name) for name, look in looks.items()]
    if has_controls:
        handles.append(Line2D([], [], color=CONTROL, linestyle="--", linewidth=1, label="best control"))
    if np.isfinite(first["ceiling_lower"]):
        handles.append(Rectangle((0, 0), 1, 1, color="#cccccc", alpha=0.6, label="noise ceiling"))
    return handles


def _handle(colour: str, marker: str, label: str) -> Line2D:
    return Line2D([], [], color=colour, marker=marker, markersize=4.5, linewidth=1.1, label=label)
