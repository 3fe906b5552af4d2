"""Numbers next to points, without overlap."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

__all__ = ["place_numbers"]

SIZE = 8  # points, of the text
GAP = 1.2  # points, left and right of a text
MARKER = 4.5  # points, from a marker's middle to its edge
RINGS = (7, 11, 16, 22, 30, 40, 52, 66, 82, 100)  # points, from a marker to the middle of its number
ANGLES = np.radians([35, 145, -35, -145, 90, 0, 180, -90, 60, 120, -60, -120, 15, 165, -15, -165])
LEADER = 14  # points, beyond which a line connects number and marker


def place_numbers(axes: Axes, points: Sequence[tuple[float, float]], texts: Sequence[str]) -> None:
    """Write a short text next to each point: as close as possible, without overlap with other texts or markers.

    The axes' limits must be final. A thin line connects a distant text with its point.

    Parameters
    ----------
    axes : Axes
    points : sequence of (float, float)
        In data coordinates.
    texts : sequence of str
        One for each point.
    """
    figure = axes.get_figure(root=True)
    assert isinstance(figure, Figure)
    figure.draw_without_rendering()  # the layout is final from now on
    scale = 72 / figure.dpi
    middles = axes.transData.transform(np.asarray(points, dtype=np.float64).reshape(-1, 2)) * scale
    frame = np.asarray(axes.get_window_extent().extents) * scale
    taken = [(x - MARKER, y - MARKER, x + MARKER, y + MARKER) for x, y in middles]
    for point, middle, text in zip(points, middles, texts, strict=True):
        half = np.array([0.31 * SIZE * len(text) + GAP, 0.5 * SIZE])
        offset = _free_place(middle, half, np.array(taken), frame)
        x, y = middle + offset
        taken.append((x - half[0], y - half[1], x + half[0], y + half[1]))
        apart = np.hypot(*offset) > LEADER + half[0] - 0.31 * SIZE
        line: Any = {"arrowstyle": "-", "linewidth": 0.5, "color": "#777777", "shrinkA": 0, "shrinkB": 2}
        axes.annotate(
            text,
            point,
            xytext=tuple(offset),
            textcoords="offset points",
            fontsize=SIZE,
            ha="center",
            va="center",
            in_layout=False,
            annotation_clip=False,
            arrowprops=line if apart else None,
        )


def _free_place(
    middle: npt.NDArray[np.float64],
    half: npt.NDArray[np.float64],
    taken: npt.NDArray[np.float64],
    frame: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """The nearest offset at which a box of half the size `half` touches nothing and stays in the frame."""
    best, least = np.zeros(2), np.inf
    for ring in RINGS:
        for angle in ANGLES:
            offset = np.array([np.cos(angle), np.sin(angle)]) * (ring + half - [0.31 * SIZE, 0.5 * SIZE])
            low, high = middle + offset - half, middle + offset + half
            width = np.minimum(taken[:, 2], high[0]) - np.maximum(taken[:, 0], low[0])
            height = np.minimum(taken[:, 3], high[1]) - np.maximum(taken[:, 1], low[1])
            hidden = float((np.maximum(width, 0) * np.maximum(height, 0)).sum())
            outside = float(np.maximum(frame[:2] - low, 0).sum() + np.maximum(high - frame[2:], 0).sum())
            if hidden + outside < least:
                best, least = offset, hidden + outside
            if least == 0:
                return best
    return best
