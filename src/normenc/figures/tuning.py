"""Figures of how populations are tuned: the preferences and selectivity of their units.

Populations are mappings from a label to an array, in the order in which they are drawn: the recording first, then the
layers of networks. None is a recording known only by its RDM. Controls are given separately, and grey.
"""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from normenc.errors import InputError
from normenc.figures.common import (
    AxesArray,
    Values,
    figure_of,
    known,
    line_styles,
    panels_in_rows,
    per_unit,
    say_unknown,
    style,
    units_text,
    wrapped,
)
from normenc.figures.sizes import narrow, place_legend, room, within
from normenc.stimulus_types.angles import degrees

__all__ = ["preference_histogram", "selectivity_distributions"]

CONTROL = "#777777"
PREFERRED = {180: "preferred orientation (degrees from vertical)", 360: "preferred direction (degrees)"}
AROUND = {180: (-90, -45, 0, 45, 90), 360: tuple(range(0, 360, 45))}  # labelled degrees

NICE = [step * ten for ten in (0.01, 0.1, 1, 10) for step in (1, 2, 4, 8)] + [100]  # percent


def preference_histogram(
    preferences: Values,
    *,
    tuned: Mapping[str, npt.ArrayLike] | None = None,
    controls: Values | None = None,
    period: float = 180.0,
    n_bins: int = 18,
    recording: str | None = None,
    axes: AxesArray | None = None,
) -> AxesArray:
    """Polar histogram of preferred orientations, or directions, a panel for each population.

    The area of a wedge is proportional to the share of the counted units that prefer its angles (its radius to the
    square root), on the same scale in all panels. The dashed ring marks an even distribution.

    Orientations fill the upper half circle and point in the direction of the bars of their gratings: 0 degrees,
    vertical, is up, and positive angles are tilted to the right. One half of the bin around 90 degrees, which is -90,
    is drawn at each end. Directions fill the circle, clockwise with 0 at the top.

    Parameters
    ----------
    preferences : mapping of str to array, shape (n_units,), or None
        Degrees, in any range; units without a preference (NaN) are not counted.
    tuned : mapping of str to bool array, shape (n_units,), optional
        Which units are counted; all units of a population that is not included.
    controls : mapping of str to array, optional
        Drawn in a second row.
    period : float
        180 (orientation) or 360 (direction).
    n_bins : int
        Even: one bin is centred on 0 and one on half the period. If preferences are stimuli with the largest response,
        there should be no more bins than stimuli.
    recording : str, optional
        The population of neurons; others have units.
    axes : array of Axes, optional
        Polar, one for each population and control.

    Returns
    -------
    ndarray of Axes

    Raises
    ------
    InputError
        When a population is not a vector, a mask has another shape, period or bins are invalid, or axes are not polar.
    """
    if period not in AROUND or n_bins < 4 or n_bins % 2:
        raise InputError(
            f"period is {period} and n_bins {n_bins}; they must be 180 or 360 (degrees), and even and at least 4"
        )
    kept = {label: _counted(values, label, tuned) for label, values in known(preferences, controls).items()}
    shares = {label: _shares(values, period, n_bins) for label, (values, _) in kept.items()}
    largest = max([1.5 / n_bins, *(share.max() for share in shares.values())])
    with style():
        height = 2.0 if period == 180 else 2.4
        panels, drawn = panels_in_rows(
            preferences, controls, axes, width=2.4, height=height, least=1.6, lowest=1.4, polar=True
        )
        for (panel, label, values), colour in zip(drawn, _colours(preferences, controls), strict=True):
            if values is None:
                say_unknown(panel, label)
                continue
            _draw_rose(panel, shares[label], period, largest, colour)
            counted, n_units = kept[label]
            which = "tuned " if tuned is not None and label in tuned else ""
            number = _number(len(counted), n_units, label == recording, which)
            title = f"{wrapped(label, room(panel))}\n{wrapped(number, room(panel)) if narrow(panel) else number}"
            # The half circle ends at three quarters of its panel; 17 points are room for the label of 0 degrees.
            place: Any = {"y": 0.75, "pad": 17} if period == 180 else {}
            panel.set_title(title, **place)
        what = f"{PREFERRED[int(period)]}\ndashed: even distribution of preferences"
        if axes is None:
            figure_of(panels).supxlabel(what)
        else:
            drawn[0][0].set_xlabel(what)
    return panels


def selectivity_distributions(
    selectivity: Values,
    *,
    controls: Values | None = None,
    index: str = "selectivity",
    recording: str | None = None,
    axes: Axes | None = None,
) -> Axes:
    """Cumulative distributions of a selectivity index: the share of units up to each value, with medians as dots.

    Parameters
    ----------
    selectivity : mapping of str to array, shape (n_units,), or None
        A line for each; units without an index (NaN) are not counted.
    controls : mapping of str to array, optional
        Grey lines, dashed or dotted.
    index : str
        Its name for the axis, such as "global OSI".
    recording : str, optional
        The population of neurons; others have units.
    axes : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        When a population is not a vector.
    """
    indices = {label: per_unit(values, label) for label, values in known(selectivity, controls).items()}
    looks = dict(zip([*selectivity, *(controls or {})], line_styles(selectivity, controls), strict=True))
    names = [_median_and_number(values, label, label == recording) for label, values in indices.items()]
    handles = []
    with style():
        if axes is None:
            _, axes = plt.subplots(figsize=within(6.0, 3.2, legend=names), layout="constrained")
        for label, values in indices.items():
            x = np.sort(values[np.isfinite(values)])
            handles.append(_draw_steps(axes, x, *looks[label]))
        everything = np.concatenate([*indices.values(), [0.0, 1.0]])
        if np.nanmin(everything) >= 0 and np.nanmax(everything) <= 1:
            axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(-0.02, 1.02)
        axes.axhline(0.5, color="#cccccc", linewidth=0.8, zorder=0)
        axes.set_xlabel(index)
        axes.set_ylabel("cumulative share of units")
        place_legend(axes, handles, names, labelspacing=0.5 if narrow() else 0.8)
    return axes


def _colours(populations: Values, controls: Values | None) -> list[str]:
    return [colour for colour, _ in line_styles(populations, None)] + [CONTROL] * len(controls or {})


def _counted(values: Any, label: str, tuned: Mapping[str, npt.ArrayLike] | None) -> tuple[npt.NDArray[Any], int]:
    """The preferences that are counted, and the number of all units."""
    vector = per_unit(values, label)
    mask = np.isfinite(vector)
    if tuned is not None and label in tuned:
        given = np.asarray(tuned[label])
        if given.shape != vector.shape or given.dtype != bool:
            raise InputError(
                f"tuned of {label!r} is {given.dtype} of shape {given.shape}; it must be bool of shape {vector.shape}"
            )
        mask &= given
    return vector[mask], len(vector)


def _shares(values: npt.NDArray[Any], period: float, n_bins: int) -> npt.NDArray[np.float64]:
    """Shares of the values in bins around the circle; the first is centred on minus half the period."""
    index = np.floor(values * n_bins / period + n_bins / 2 + 0.5).astype(np.intp) % n_bins
    return np.bincount(index, minlength=n_bins) / max(1, len(values))


def _draw_rose(panel: Any, share: npt.NDArray[np.float64], period: float, largest: float, colour: str) -> None:
    n_bins, half = len(share), period == 180
    panel.set_theta_zero_location("N")
    panel.set_theta_direction(-1)
    if half:
        panel.set_thetalim(-np.pi / 2, np.pi / 2)
    bins = np.arange(n_bins + half)  # for orientations, the first bin is repeated at the other end
    angles = np.radians(bins * period / n_bins - period / 2)
    width = np.radians(period / n_bins)
    radii = np.sqrt(share[bins % n_bins])
    panel.bar(angles, radii, width=width, color=colour, alpha=0.5, edgecolor="white", linewidth=0.6)
    around = np.radians(np.linspace(-period / 2, period / 2, 181))
    panel.plot(around, np.full(len(around), np.sqrt(1 / n_bins)), color="black", linewidth=1, linestyle="--")
    outer = max(nice for nice in NICE if nice <= 100 * largest)
    panel.set_ylim(0, 1.04 * np.sqrt(largest))
    panel.set_yticks(np.sqrt([outer / 400, outer / 100]), ["", ""])
    for ring in (outer / 4, outer):  # a quarter of the share has half the radius
        close = narrow() or narrow(
            panel
        )  # on a page, the label of the quarter is on the left, that of the whole on the right
        angle = -90 if half and close and ring < outer else 90 if half else 67.5
        place = (np.radians(angle), np.sqrt(ring / 100))
        below = -6 if close else -2  # below the degrees at the ends
        where: Any = {"xytext": (0, below), "va": "top"} if half else {"xytext": (0, 0), "va": "center"}
        told = panel.annotate(f"{ring:g} %", place, textcoords="offset points", ha="center", fontsize=6, **where)
        told.set_path_effects([withStroke(linewidth=1.5, foreground="white")])  # it is drawn on wedges
    ticks = np.array(AROUND[int(period)])
    panel.set_xticks(np.radians(ticks), [degrees(tick) for tick in ticks], fontsize=7)
    panel.tick_params(axis="x", pad=0)
    panel.grid(color="#dddddd", linewidth=0.6)
    panel.set_axisbelow(True)


def _draw_steps(axes: Axes, x: npt.NDArray[Any], colour: str, line: Any) -> Line2D:
    """Draw the cumulative distribution of sorted values, and their median."""
    if len(x):
        axes.plot(float(np.median(x)), 0.5, "o", color=colour, markersize=5, markeredgecolor="white", zorder=3)
    steps = np.linspace(0, 1, len(x) + 1) if len(x) else np.empty(0)
    return axes.plot([*x[:1], *x], steps, drawstyle="steps-post", color=colour, linestyle=line, linewidth=1.3)[0]


def _median_and_number(values: npt.NDArray[Any], label: str, neurons: bool) -> str:
    counted = values[np.isfinite(values)]
    median = f"median {np.median(counted):.2f}, " if len(counted) else ""
    return f"{wrapped(label)}\n{median}{_number(len(counted), len(values), neurons)}"


def _number(counted: int, n_units: int, neurons: bool, which: str = "") -> str:
    share = f"{counted:,} {which}of " if which or counted < n_units else ""
    return share + units_text(n_units, neurons)
