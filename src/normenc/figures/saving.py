"""Save figures, for a screen or for the column of a paper."""

import re
import warnings
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from normenc.errors import InputError
from normenc.figures.common import AxesArray, figure_of, style
from normenc.figures.sizes import INCH, millimetres
from normenc.texts import visible_lines
from normenc.whole_files import write_whole

__all__ = ["FORMATS", "TooNarrowError", "as_png", "fits", "save"]

FORMATS = ("png", "svg", "pdf")
POINTS = (7.0, 8.0)  # the smallest and largest text on a page
DPI = 600  # dots per inch, on a page
DPI_OF_NOTEBOOKS = 100
OPTIONS: dict[str, dict[str, Any]] = {  # the same figure gives the same file
    "png": {"metadata": {"Software": "normenc"}, "pil_kwargs": {"compress_level": 3}},
    "svg": {"metadata": {"Date": None}},
    "pdf": {"metadata": {"Creator": "normenc", "CreationDate": None}},
}
HASHED = r"([A-Za-z]+[0-9a-f]{10})"  # an identifier that matplotlib derives from the content
DEFINED = re.compile(rf'<[A-Za-z][^<>]*? id="{HASHED}"')
USED = re.compile(rf'( id="|url\(#|href="#){HASHED}("|\))')


class TooNarrowError(InputError):
    """Texts of a figure would overlap or be cut off at this width in millimetres."""

    def __init__(self, message: str, width: float) -> None:
        super().__init__(message)
        self.width = width


def save(
    axes: Axes | AxesArray,
    folder: str | Path,
    name: str,
    formats: Sequence[str] = ("png", "svg"),
    width: float | str | None = None,
) -> list[Path]:
    """Save the figure of `axes` as ``name.png`` and ``name.svg`` in `folder`, and close it.

    Text in SVG and PDF can be edited. With a width, the figure is scaled to it, and text has a size of 7 to 8 points.
    Draw within :func:`sized` of the same width to lay out panels and legends for it.

    Parameters
    ----------
    axes : Axes or array of Axes
        Of one figure, as returned by the functions of this package.
    folder : str or Path
        It must exist.
    name : str
        Of the files, without the ending.
    formats : sequence of str
        Some of ``"png"`` (200 dpi, or 600 with a width), ``"svg"`` and ``"pdf"``.
    width : float or str, optional
        Millimetres, or a text such as ``"85mm"``, ``"single"`` (85 mm) or ``"double"`` (180 mm). As drawn by default.

    Returns
    -------
    list of Path

    Raises
    ------
    InputError
        When a format or width is invalid, or texts would overlap or be cut off at that width.
    OSError
        When a file cannot be written.
    """
    formats = [formats] if isinstance(formats, str) else formats
    if not formats or (wrong := [own for own in formats if own not in FORMATS]):
        raise InputError(f"the format is {wrong[0] if formats else 'none'}; give some of {', '.join(FORMATS)}")
    figure = figure_of(axes)
    paths = [Path(folder) / f"{name}.{ending}" for ending in dict.fromkeys(formats)]
    try:
        with style(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph")  # letters that the font lacks
            if width is not None:
                _resize(figure, millimetres(width))
                if why := _crowded(figure):
                    at = millimetres(width)
                    raise TooNarrowError(f"{name} cannot be read at {at:g} mm: {why}; give it a larger width", at)
            _lay_out(figure)
            for path in paths:
                options = OPTIONS[path.suffix[1:]] | ({} if width is None else {"dpi": DPI})
                content = BytesIO()
                figure.savefig(content, format=path.suffix[1:], facecolor="white", **options)
                written = content.getvalue()
                write_whole(path, _settled(written) if path.suffix == ".svg" else written)
    finally:
        plt.close(figure)
    return paths


def as_png(axes: Axes | AxesArray) -> bytes:
    """The figure of `axes` as a PNG for a notebook; it is closed."""
    figure = figure_of(axes)
    content = BytesIO()
    try:
        with style(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph")
            _lay_out(figure)
            figure.savefig(content, format="png", facecolor="white", dpi=DPI_OF_NOTEBOOKS, **OPTIONS["png"])
    finally:
        plt.close(figure)
    return content.getvalue()


def _lay_out(figure: Figure) -> None:
    """Place the panels of `figure` once, so that all files have the same layout, and none is drawn twice for it."""
    if (engine := figure.get_layout_engine()) is not None:
        engine.execute(figure)
    with plt.rc_context({"figure.constrained_layout.use": False, "figure.autolayout": False}):
        figure.set_layout_engine(None)


def _settled(svg: bytes) -> bytes:
    """An SVG with characters that XML does not allow made visible, and with identifiers numbered in order.

    Matplotlib's identifiers depend on positions to the last bit, beyond the digits that are written, and these differ
    with the number of threads.
    """
    text = visible_lines(svg.decode("utf-8"))
    names = {old: f"n{place}" for place, old in enumerate(dict.fromkeys(DEFINED.findall(text)))}
    return USED.sub(lambda use: f"{use[1]}{names.get(use[2], use[2])}{use[3]}", text).encode("utf-8")


def fits(axes: Axes | AxesArray, width: float | str) -> bool:
    """Whether the figure of `axes`, which is closed, can be read at `width`."""
    figure = figure_of(axes)
    try:
        with style():
            _resize(figure, millimetres(width))
            return _crowded(figure) is None
    finally:
        plt.close(figure)


def _crowded(figure: Figure) -> str | None:
    """Which texts of `figure` are cut off or overlap, as a clause; None if all are legible."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.filterwarnings("ignore", message="Glyph")
        try:
            figure.draw_without_rendering()
        except UserWarning:  # of matplotlib: no room is left for the panels
            return "its texts leave no room for its panels"
    edges = figure.bbox
    boxes = []
    for text in _shown_texts(figure):
        box = text.get_window_extent()
        if box.x0 < edges.x0 - 1 or box.y0 < edges.y0 - 1 or box.x1 > edges.x1 + 1 or box.y1 > edges.y1 + 1:
            return f"{_quoted(text)} is cut off"
        lines = text.get_text().split("\n")
        top = box.y1 - box.height / len(lines) * (not lines[0])  # another text may be on a blank first line
        boxes.append((box.x0, box.y0, box.x1, top, text))
    corners = np.array([box[:4] for box in boxes]).reshape(-1, 4)
    laid_out = np.array([box[4].get_in_layout() for box in boxes], dtype=bool)
    slack = figure.dpi / 72  # a point
    for place, (x0, y0, x1, y1, text) in enumerate(boxes):
        x = np.minimum(corners[place + 1 :, 2], x1) - np.maximum(corners[place + 1 :, 0], x0)
        y = np.minimum(corners[place + 1 :, 3], y1) - np.maximum(corners[place + 1 :, 1], y0)
        # Texts at data points, outside the layout, overlap at any width if the points do.
        both = np.flatnonzero((x > slack) & (y > slack) & (laid_out[place + 1 :] | text.get_in_layout()))
        if both.size:
            return f"{_quoted(text)} and {_quoted(boxes[place + 1 + both[0]][4])} overlap"
    return None


def _resize(figure: Figure, width: float) -> None:
    """Scale `figure` to `width` mm, with the text sizes of a page."""
    ratio = width / INCH / figure.get_figwidth()
    if abs(ratio - 1) > 1e-6:
        figure.set_size_inches(width / INCH, figure.get_figheight() * ratio)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of a figure without room, which is checked later
        figure.draw_without_rendering()  # this creates the ticks
    for panel in figure.axes:
        for axis in (panel.xaxis, panel.yaxis):
            labels = axis.get_ticklabels()
            if labels:
                axis.set_tick_params(which="both", labelsize=_page_points(labels[0]))
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        text.set_fontsize(_page_points(text))


def _page_points(text: Text) -> float:
    return float(np.clip(text.get_fontsize(), *POINTS))


def _shown_texts(figure: Figure) -> Iterator[Text]:
    """All texts that are drawn, without the labels of ticks beyond the axis."""
    hidden: set[Text] = set()
    for panel in figure.axes:
        axes_hidden = not panel.get_visible() or not panel.axison
        for axis in (panel.xaxis, panel.yaxis):
            low, high = sorted(axis.get_view_interval())
            slack = 0.0 if axis.get_scale() == "log" else 1e-9 * (high - low)
            for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
                beyond = not low - slack <= tick.get_loc() <= high + slack
                if axes_hidden or beyond or not axis.get_visible():
                    hidden |= {tick.label1, tick.label2}
            if axes_hidden:
                hidden |= set(axis.findobj(Text))
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        if text.get_visible() and text.get_text().strip() and text not in hidden:
            yield text


def _quoted(text: Text) -> str:
    return repr(" ".join(text.get_text().split()))
