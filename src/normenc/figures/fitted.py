"""Figures of networks fitted to neurons: loss, filters, and the parts of the image that neurons read."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.ticker import MaxNLocator, NullFormatter

from normenc.arrays import as_array
from normenc.errors import InputError
from normenc.figures.common import (
    COLOURS,
    AxesArray,
    figure_of,
    new_panels,
    style,
    units_text,
    wrapped,
)
from normenc.figures.sizes import place_legend, within
from normenc.renamed import renamed
from normenc.stimulus_types.angles import degrees

__all__ = ["learned_filters", "loss_curves", "readout_maps", "readout_positions"]

COLUMNS = ("step", "training_loss", "held_out_loss")
ANGLE_TICKS = (-90, -45, 0, 45, 90)
FEW_DECADES = 20  # the largest loss over the smallest
MOST_FILTERS = 12
MOST_ELLIPSES = 200  # more would hide each other


@renamed(ax="axes")
def loss_curves(
    logs: Mapping[str, pd.DataFrame], *, best: Mapping[str, int] | None = None, axes: Axes | None = None
) -> Axes:
    """Training and held-out loss over steps, one colour per fit.

    Solid lines are the training loss, dashed lines the held-out loss; a circle marks the step whose weights were kept.
    The axis is logarithmic unless a loss is negative, which is possible for Poisson counts.

    Parameters
    ----------
    logs : mapping of str to DataFrame
        By label; ``FittedNetwork.log``, with the columns ``step``, ``training_loss`` and ``held_out_loss``.
    best : mapping of str to int, optional
        The steps whose weights were kept, by label; ``FittedNetwork.best_step``.
    axes : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        When there is no log, a column is missing, or a best step is not in the log.
    """
    if not logs:
        raise InputError("there is no log to draw; give at least one, by label")
    lowest, highest = np.inf, -np.inf
    with style():
        panel = axes if axes is not None else _new_panel(logs)
        for number, (label, log) in enumerate(logs.items()):
            if missing := [name for name in COLUMNS if name not in log]:
                raise InputError(f"the log of {label!r} has no column {missing[0]!r}; it needs {', '.join(COLUMNS)}")
            colour = COLOURS[number % len(COLOURS)]
            losses = log[["training_loss", "held_out_loss"]].to_numpy()
            lowest, highest = min(lowest, float(np.nanmin(losses))), max(highest, float(np.nanmax(losses)))
            panel.plot(log["step"], log["training_loss"], color=colour, linewidth=1.3, label=f"{label}, training")
            if log["held_out_loss"].notna().any():
                panel.plot(
                    log["step"], log["held_out_loss"], "--", color=colour, linewidth=1.3, label=f"{label}, held out"
                )
                _mark_best(panel, label, log, best, colour)
        if lowest > 0:
            panel.set_yscale("log")
            panel.yaxis.set_major_formatter("{x:g}")
            if highest < FEW_DECADES * lowest:  # else the labels between powers of ten would overlap
                panel.yaxis.set_minor_formatter("{x:g}")
            else:
                panel.yaxis.set_minor_formatter(NullFormatter())
        panel.set_xlabel("step")
        panel.set_ylabel("loss")
        place_legend(panel, *panel.get_legend_handles_labels(), loc="center left", bbox_to_anchor=(1.01, 0.5))
    return panel


def learned_filters(before: Any, after: Any, *, axes: AxesArray | None = None) -> AxesArray:
    """Filters before training and, below them, after training.

    Each filter has its own colour scale, shared by both rows: white is 0, full colour its largest weight. The title is
    the correlation of the two. Of more than 12 filters, the first 12 are drawn.

    Parameters
    ----------
    before, after : array_like, shape (n_filters, height, width)
        Such as ``network.core.filters()`` of a fit's ``untrained`` and ``network``.
    axes : array of Axes, optional
        Two rows, with a column for each filter.

    Returns
    -------
    ndarray of Axes, shape (2, n_filters)

    Raises
    ------
    InputError
        When the shapes differ, or are not those of filters.
    """
    start, learned = as_array(before, "before"), as_array(after, "after")
    if start.ndim != 3 or start.shape != learned.shape or not start.size:
        raise InputError(
            f"filters have shapes {start.shape} before and {learned.shape} after; both must be (n_filters, height, "
            "width), and the same"
        )
    n = min(len(start), MOST_FILTERS)
    with style():
        panels = new_panels(axes, 2, n, width=0.95, height=1.05)
        for column in range(n):
            pair = start[column], learned[column]
            largest = max(float(np.abs(pair).max()), 1e-12)
            for panel, own in zip(panels[:, column], pair, strict=True):
                panel.imshow(own, cmap="RdBu_r", vmin=-largest, vmax=largest, interpolation="nearest")
                _bare(panel)
            panels[0, column].set_title(f"{column + 1}", fontsize=8)
            panels[1, column].set_title(f"r = {_correlation(*pair):.2f}".replace("-", "−"), fontsize=8)
        panels[0, 0].set_ylabel("start")
        panels[1, 0].set_ylabel("learned")
        if n < len(start):
            panels[1, 0].set_xlabel(f"first {n} of {len(start)}", fontsize=8, loc="left")
    return panels


def readout_maps(
    maps: Any,
    *,
    neurons: Sequence[int] | None = None,
    labels: Sequence[str] | None = None,
    axes: AxesArray | None = None,
) -> AxesArray:
    """What some neurons read from each pixel, each on its own scale.

    Maps without negative values, such as a readout's ``maps()``, run from 0 (black) to their largest value; others,
    such as linear filters, from blue (negative) over white (0) to red.

    Parameters
    ----------
    maps : array_like, shape (n_neurons, height, width)
    neurons : sequence of int, optional
        Neurons to draw; by default 8, evenly spaced.
    labels : sequence of str, optional
        A title for each drawn neuron; its number by default.
    axes : array of Axes, optional
        One for each drawn neuron.

    Returns
    -------
    ndarray of Axes

    Raises
    ------
    InputError
        When the maps have another shape, or a neuron does not exist.
    """
    values = as_array(maps, "maps")
    if values.ndim != 3 or not values.size:
        raise InputError(f"maps have shape {values.shape}; they must be (n_neurons, height, width), not empty")
    chosen = np.unique(np.linspace(0, len(values) - 1, 8).astype(int)) if neurons is None else np.asarray(neurons)
    if not chosen.size or chosen.min() < 0 or chosen.max() >= len(values):
        raise InputError(f"neurons are {chosen.tolist()}; they must be numbers from 0 to {len(values) - 1}")
    titles = [f"neuron {neuron:,}" for neuron in chosen] if labels is None else [wrapped(own, 18) for own in labels]
    if len(titles) != len(chosen):
        raise InputError(f"there are {len(titles)} labels for {len(chosen)} neurons; give one for each")
    signed = values[chosen].min() < 0
    n_columns = len(chosen) if len(chosen) <= 5 else -(-len(chosen) // 2)
    n_rows = -(-len(chosen) // n_columns)
    with style():
        if axes is None:
            panels = new_panels(None, n_rows, n_columns, width=1.4, height=1.25)
        else:
            panels = new_panels(axes, 1, len(chosen), width=1.4, height=1.25)
        for panel, neuron, title in zip(panels.flat, chosen, titles, strict=False):
            largest = max(float(np.abs(values[neuron]).max()), 1e-12)
            colours: Any = {"cmap": "RdBu_r", "vmin": -largest} if signed else {"cmap": "gray", "vmin": 0}
            panel.imshow(values[neuron], vmax=largest, interpolation="nearest", **colours)
            panel.set_title(title, fontsize=8)
            _bare(panel)
        for panel in panels.flat[len(chosen) :]:
            panel.set_axis_off()
    return panels


@renamed(ax="axes")
def readout_positions(
    positions: Any,
    image_size: tuple[int, int],
    *,
    covariances: Any = None,
    orientation: Any = None,
    image: Any = None,
    axes: Axes | None = None,
) -> Axes:
    """Where in the image each neuron reads, one point per neuron.

    Stimuli that fill the image, such as gratings, do not distinguish positions with the same phase: the learned
    position then predicts responses, but is not a receptive field. Natural images or noise distinguish positions.

    Parameters
    ----------
    positions : array_like, shape (n_neurons, 2)
        Row and column in pixels, as ``GaussianPoint.positions()`` gives them.
    image_size : (int, int)
        Height and width in pixels.
    covariances : array_like, shape (n_neurons, 2, 2), optional
        Covariance of each neuron's Gaussian, in squared pixels; drawn as ellipses of one standard deviation for at most
        200 neurons, evenly spaced.
    orientation : array_like, shape (n_neurons,), optional
        Preferred orientations, in degrees from vertical, shown by colour; NaN is grey.
    image : array_like, shape (height, width), optional
        Drawn faintly behind the points.
    axes : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        When shapes disagree.
    """
    places = as_array(positions, "positions")
    if places.ndim != 2 or places.shape[1] != 2 or not places.size:
        raise InputError(
            f"positions have shape {places.shape}; they must be (n_neurons, 2): a row and a column for each neuron"
        )
    height, width = image_size
    with style():
        panel = axes if axes is not None else plt.subplots(figsize=within(4.4, 3.2), layout="constrained")[1]
        if image is not None:
            faint: Any = {"cmap": "gray", "vmin": 0, "vmax": 1, "alpha": 0.25, "interpolation": "nearest"}
            panel.imshow(as_array(image, "image"), zorder=0, **faint)
        if covariances is not None:
            _draw_ellipses(panel, places, as_array(covariances, "covariances"))
        _draw_points(panel, places, orientation)
        panel.set_xlim(-0.5, width - 0.5)
        panel.set_ylim(height - 0.5, -0.5)
        panel.set_aspect("equal")
        for spine in panel.spines.values():
            spine.set_visible(True)
        for axis in (panel.xaxis, panel.yaxis):
            axis.set_major_locator(MaxNLocator(integer=True))
        panel.set_facecolor("#f4f4f0" if image is None else "white")
        panel.set_xlabel("column, pixels")
        panel.set_ylabel("row, pixels")
        panel.set_title(f"where {units_text(len(places), True)} read")
    return panel


def _new_panel(logs: Mapping[str, pd.DataFrame]) -> Axes:
    names = [f"{label}, {which}" for label in logs for which in ("training", "held out")]
    return plt.subplots(figsize=within(4.6, 3.0, legend=names), layout="constrained")[1]


def _mark_best(panel: Axes, label: str, log: pd.DataFrame, best: Mapping[str, int] | None, colour: str) -> None:
    if best is None or label not in best:
        return
    rows = log[log["step"] == best[label]]
    if rows.empty:
        raise InputError(f"best of {label!r} is step {best[label]}, which is not in its log; give one of its steps")
    panel.plot(rows["step"], rows["held_out_loss"], "o", color=colour, markersize=5, markerfacecolor="white", zorder=3)


def _draw_ellipses(panel: Axes, places: npt.NDArray[Any], covariances: npt.NDArray[Any]) -> None:
    if covariances.shape != (len(places), 2, 2):
        raise InputError(
            f"covariances have shape {covariances.shape} for {len(places)} neurons; they must be (n_neurons, 2, 2)"
        )
    some = np.unique(np.linspace(0, len(places) - 1, MOST_ELLIPSES).astype(int))
    values, vectors = np.linalg.eigh(covariances[some])
    angle = np.linspace(0, 2 * np.pi, 49)
    circle = np.stack((np.cos(angle), np.sin(angle)))
    outlines = (vectors * np.sqrt(np.maximum(values, 0))[:, None]) @ circle + places[some][:, :, None]
    panel.add_collection(LineCollection(list(outlines[:, ::-1].swapaxes(1, 2)), colors="#777777", linewidths=0.6))


def _draw_points(panel: Axes, places: npt.NDArray[Any], orientation: Any) -> None:
    size = float(np.clip(4000 / len(places), 4, 16))
    look: Any = {"s": size, "linewidth": 0, "zorder": 2}
    rows, columns = places.T
    if orientation is None:
        panel.scatter(columns, rows, color=COLOURS[1], **look)
        return
    angles = as_array(orientation, "orientation")
    if angles.shape != (len(places),):
        raise InputError(f"orientation has shape {angles.shape} for {len(places)} neurons; give one for each")
    known = np.isfinite(angles)
    panel.scatter(columns[~known], rows[~known], color="#999999", **look)
    folded = np.mod(angles[known] + 90, 180) - 90
    dots = panel.scatter(columns[known], rows[known], c=folded, cmap="twilight", vmin=-90, vmax=90, **look)
    bar = figure_of(panel).colorbar(dots, ax=panel, shrink=0.8, ticks=ANGLE_TICKS)
    bar.ax.set_yticklabels([degrees(tick) for tick in ANGLE_TICKS])
    bar.set_label("preferred orientation")


def _bare(panel: Axes) -> None:
    panel.set_xticks([])
    panel.set_yticks([])
    for spine in panel.spines.values():
        spine.set_visible(True)


def _correlation(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> float:
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt(np.square(a).sum() * np.square(b).sum()))
    return float((a * b).sum()) / size if size > 0 else float("nan")
