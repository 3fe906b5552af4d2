"""The width of figures on a page, and layouts that fit it.

Without a width, figures are sized for a screen. Within :func:`sized`, functions lay out panels, legends and labels for
the width of a column, with text of 7 to 8 points.
"""

import re
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from normenc.errors import InputError

__all__ = [
    *(
        "COLUMNS",
        "colour_bar",
        "fitting",
        "keep_right",
        "legend_height",
        "millimetres",
        "narrow",
        "place_legend",
        "room",
        "sized",
    ),
    "within",
]

COLUMNS = {"single": 85.0, "double": 180.0}  # mm, on a page with two columns
LEAST, MOST = 20.0, 400.0  # mm
UNITS = {"mm": 1.0, "cm": 10.0, "in": 25.4}
INCH = 25.4  # mm
CHARACTER = 4.3  # points, a character of 8-point text, on average
NARROW = 5.2  # inches, of a page on which legends and colour bars are below
NARROW_PANEL = 1.9  # inches, of a panel with room for few labels
ROOM = 28  # characters of a name in a line, without a page

_page: ContextVar[float | None] = ContextVar("page", default=None)  # inches


def millimetres(width: float | str) -> float:
    """A width in millimetres: a number of them, a text such as "85mm", "8.5 cm" or "3.3in", "single" or "double".

    Raises
    ------
    InputError
        When it is not one of these, or not between 20 and 400 mm.

    Examples
    --------
    >>> millimetres("single"), millimetres("8.5 cm"), millimetres(180)
    (85.0, 85.0, 180.0)
    """
    text = str(width).strip().lower()
    match = re.fullmatch(r"(\d+\.?\d*|\.\d+)\s*(mm|cm|in)?", text)
    if text not in COLUMNS and not match:
        raise InputError(f"the width is {width!r}; give it as in 85mm, 8.5cm, 3.3in, single (85 mm) or double (180 mm)")
    value = COLUMNS[text] if match is None else float(match[1]) * UNITS[match[2] or "mm"]
    if not LEAST <= value <= MOST:
        raise InputError(f"the width is {width!r}, which is {value:g} mm; it must be between {LEAST:g} and {MOST:g} mm")
    return round(value, 6)


@contextmanager
def sized(width: float | str | None) -> Iterator[None]:
    """Lay out new figures for a page or column of `width`, within a ``with`` block; None for a screen.

    Parameters
    ----------
    width : float, str or None
        See :func:`millimetres`.

    Examples
    --------
    >>> import numpy as np
    >>> from normenc import figures
    >>> with figures.sized("single"):
    ...     axes = figures.embeddings({"V1": np.eye(2)}, [0, 45])
    >>> print(round(axes[0, 0].figure.get_figwidth() * 25.4, 6), "mm")
    85.0 mm
    """
    token = _page.set(None if width is None else millimetres(width) / INCH)
    try:
        yield
    finally:
        _page.reset(token)


def within(width: float, height: float, *, legend: Sequence[str] = (), by_rows: bool = False) -> tuple[float, float]:
    """The size in inches of a new figure that would be `width` x `height` on a screen.

    A legend below adds to the height; otherwise the figure is at least as high as its legend. A figure with one row per
    item, `by_rows`, keeps its height.
    """
    page = _page.get()
    if page is None:
        return width, height
    own = height if by_rows else height * min(1.0, max(0.75, page / width))
    return page, own + legend_height(legend) if narrow() else max(own, 1.1 * _legend_lines(legend) + 0.4)


def legend_height(names: Sequence[str]) -> float:
    """What a legend below adds to a figure's height, in inches; 0 if it is not below."""
    return _legend_lines(names) / _legend_columns(names) + 0.2 if narrow() and names else 0.0


def fitting(
    n_columns: int, width: float, height: float, *, least: float, lowest: float = 0.85
) -> tuple[int, float, float]:
    """How many of `n_columns` panels are side by side, and the width and height of each, in inches.

    Panels are `width` x `height` on a screen; on a page at least `least` wide and `lowest` high.
    """
    page = _page.get()
    if page is None:
        return n_columns, width, height
    together = max(1, min(n_columns, int(page / least)))
    rows = -(-n_columns // together)
    together = -(-n_columns // rows)  # as many in every row
    own = page / together
    return together, own, max(lowest, height * min(1.0, own / width))


def room(panel: Axes, most: int = ROOM) -> int:
    """How many characters fit in a line above `panel`, at most `most`."""
    page, spec = _page.get(), panel.get_subplotspec()
    if page is None or spec is None:
        return most
    return max(8, min(most, int(0.85 * 72 * page / spec.get_gridspec().ncols / CHARACTER)))


def narrow(panel: Axes | None = None) -> bool:
    """Whether the page, or a panel on it, is narrow."""
    page = _page.get()
    if page is None or panel is None:
        return page is not None and page < NARROW
    spec = panel.get_subplotspec()
    return spec is not None and page / spec.get_gridspec().ncols < NARROW_PANEL


def colour_bar(image: Any, panels: Sequence[Axes], label: str, *, shrink: float, **options: Any) -> Any:
    """Draw the colour bar to the right of `panels`, or below them on a narrow page."""
    figure = panels[0].get_figure(root=True)
    assert figure is not None
    if not narrow():
        bar = figure.colorbar(image, ax=list(panels), shrink=shrink, **options)
        bar.set_label(label)
        _keep_inside(bar.ax.yaxis.label, figure)
        return bar
    bar = figure.colorbar(image, ax=list(panels), location="bottom", shrink=0.6, aspect=25, **options)
    bar.set_label(" ".join(label.split()))
    return bar


def _keep_inside(label: Text, figure: Figure) -> None:
    """Break a vertical label that is longer than the figure is high."""
    length, room = label.get_window_extent().height, 0.95 * figure.bbox.height
    if length > room:
        text = " ".join(label.get_text().split())
        label.set_text("\n".join(textwrap.wrap(text, max(1, int(len(text) * room / length)))))


def keep_right(panels: Any, share: float) -> None:
    """Keep a share of the figure's width free on the right, for titles that are wider than their panels."""
    engine = panels.flat[0].get_figure(root=True).get_layout_engine()
    if engine is not None:
        engine.set(rect=(0, 0, 1 - share, 1))


def place_legend(axes: Axes, handles: Sequence[Any], names: Sequence[str], **options: Any) -> None:
    """Draw the legend to the right of `axes`, or below the figure on a narrow page."""
    figure = axes.get_figure(root=True)
    if not narrow() or not isinstance(figure, Figure):
        axes.legend(handles, names, **{"loc": "upper left", "bbox_to_anchor": (1.01, 1)} | options)
        return
    figure.legend(handles, names, loc="outside lower left", ncols=_legend_columns(names), columnspacing=1.2)


def _legend_lines(names: Sequence[str]) -> float:
    """Height in inches of names below each other."""
    return sum(0.125 * (name.count("\n") + 1) + 0.055 for name in names)


def _legend_columns(names: Sequence[str]) -> int:
    """How many names fit side by side below a figure."""
    longest = max((len(line) for name in names for line in name.split("\n")), default=1)
    return max(1, int((_page.get() or NARROW) * 72 / CHARACTER / (longest + 9)))
