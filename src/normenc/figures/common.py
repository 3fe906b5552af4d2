"""What all figures share: style, panels, colours and angles.

Colours are those of Okabe & Ito (2008), which colour-blind readers can distinguish; controls are grey.
"""

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from normenc.arrays import as_array
from normenc.csv_tables import did_not_learn
from normenc.errors import InputError
from normenc.figures.sizes import fitting, narrow, room
from normenc.stimulus_types import StimulusType

__all__ = [
    "COLOURS",
    "CONTROL_STYLES",
    "NOT_LEARNED",
    "PALE",
    "AxesArray",
    "Populations",
    "Values",
    "figure_of",
    "first_in_row",
    "known",
    "line_styles",
    "looks_of",
    "new_panels",
    "opacities",
    "pale_point",
    "palette",
    "panels_in_rows",
    "per_unit",
    "say_unknown",
    "stimulus_axis",
    "stimulus_ticks",
    "style",
    "titled",
    "units_text",
    "wrapped",
]

AxesArray = npt.NDArray[Any]  # of Axes
Populations = Mapping[str, npt.NDArray[Any]]
Values = Mapping[str, npt.ArrayLike | None]  # None: known only by its RDM

SHEET = mpl.rc_params_from_file(Path(__file__).with_name("normenc.mplstyle"), use_default_template=False)
COLOURS: tuple[str, ...] = tuple(SHEET["axes.prop_cycle"].by_key()["color"])
CONTROL_STYLES: tuple[tuple[str, Any], ...] = (
    *(("#777777", (0, (5, 2))), ("#777777", (0, (1, 1.5))), ("#aaaaaa", "-."), ("#aaaaaa", "-")),
    *(("#444444", (0, (9, 2))), ("#bbbbbb", (0, (3, 1, 1, 1, 1, 1)))),
)
OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
MARKERS = "osD^vPX*"
PALE = 0.3  # opacity of networks that did not learn their task
NOT_LEARNED = "did not learn its task"  # in legends
LIGHTEST = 0.92  # of the colour map viridis, that is seen on white
MOST_TOGETHER = 4  # panels side by side; of more, text would be smaller than 6 points in a print of 180 mm


@contextmanager
def style() -> Iterator[None]:
    """The style of all figures, within a ``with`` block; nothing global changes.

    The style sheet is ``normenc.mplstyle``; ``plt.style.use("normenc.figures.normenc")`` sets it permanently.
    """
    with mpl.rc_context(SHEET):
        yield
        # A notebook's backend, loaded with the first figure, turns this on; without it, no later figure is shown.
        interactive = mpl.is_interactive()
    mpl.interactive(interactive)


def check_columns(table: pd.DataFrame, columns: Sequence[str]) -> None:
    """Raise InputError if a table lacks a column that the figure needs."""
    missing = [column for column in columns if column not in table]
    if missing:
        raise InputError(f"the table has no column {missing[0]!r}; it needs {', '.join(columns)}")


def figure_of(axes: Axes | AxesArray) -> Figure:
    """The figure that contains the axes."""
    first = axes.flat[0] if isinstance(axes, np.ndarray) else axes
    figure = first.get_figure(root=True)
    assert figure is not None
    return figure


def new_panels(
    axes: AxesArray | None,
    n_rows: int,
    n_columns: int,
    *,
    width: float,
    height: float,
    least: float = 1.0,
    lowest: float = 0.85,
    below: float = 0.0,
    sharey: bool = False,
    polar: bool = False,
) -> AxesArray:
    """New panels of `width` x `height` inches, or the given ones, if there are enough.

    On a page, a single row is broken to keep panels at least `least` inches wide and `lowest` inches high; surplus
    panels are blank. `below` inches are added for a legend.
    """
    projection = {"projection": "polar"} if polar else None
    if axes is None:
        together, own_width, own_height = fitting(
            n_columns, width, height, least=least if n_rows == 1 else 0.1, lowest=lowest
        )
        n_rows, left = n_rows * -(-n_columns // together), n_rows * (-n_columns % together)
        margins = (0.6, 0.3) if own_width == width else (0.0, 0.3 + below)
        size = (together * own_width + margins[0], n_rows * own_height + margins[1])
        options: Any = {"squeeze": False, "sharey": sharey, "layout": "constrained", "subplot_kw": projection}
        panels = plt.subplots(n_rows, together, figsize=size, **options)[1]
        for panel in panels.flat[panels.size - left :]:
            panel.set_axis_off()
        return panels
    given = np.atleast_1d(np.asarray(axes, dtype=object))
    if given.size < n_rows * n_columns:
        raise InputError(f"{given.size} axes were given; this figure needs {n_rows * n_columns}")
    if polar and any(panel.name != "polar" for panel in given.flat):
        raise InputError("the axes are not polar; make them with subplot_kw={'projection': 'polar'}")
    return given.flat[: n_rows * n_columns].reshape(n_rows, n_columns)


def panels_in_rows(
    populations: Mapping[str, Any],
    controls: Mapping[str, Any] | None,
    axes: AxesArray | None,
    *,
    width: float,
    height: float,
    least: float = 1.05,
    lowest: float = 0.85,
    polar: bool = False,
) -> tuple[AxesArray, list[tuple[Axes, str, Any]]]:
    """A row of panels for the populations and one for the controls; surplus panels are blank.

    On a page, both have as many rows as panels of at least `least` x `lowest` inches need.
    """
    groups = [list(group.items()) for group in (populations, controls) if group]
    if not groups:
        raise InputError("there is no population to draw; give at least one")
    if axes is not None:
        items = [item for row in groups for item in row]
        panels = new_panels(axes, 1, len(items), width=width, height=height, polar=polar)
        return panels, [(panel, *item) for panel, item in zip(panels.flat, items, strict=True)]
    together = fitting(max(map(len, groups)), width, height, least=least)[0]
    if together > MOST_TOGETHER:
        together = -(-together // -(-together // MOST_TOGETHER))  # as many in every row
    rows = [row[start : start + together] for row in groups for start in range(0, len(row), together)]
    below = 0.5 if narrow() else 0.0  # for a colour bar, or what the angles are
    size: dict[str, Any] = {"width": width, "height": height, "least": 0.1, "lowest": lowest, "below": below}
    panels = new_panels(None, len(rows), together, polar=polar, **size)
    drawn = []
    for row, items in zip(panels, rows, strict=True):
        drawn += [(panel, *item) for panel, item in zip(row, items, strict=False)]
        for panel in row[len(items) :]:
            panel.set_axis_off()
    return panels, drawn


def opacities(table: pd.DataFrame) -> list[float]:
    """Opacity of each row of a table: networks that did not learn their task are pale."""
    return [PALE if failed else 1.0 for failed in did_not_learn(table)]


def pale_point(table: pd.DataFrame, linestyle: str = "-") -> list[Line2D]:
    """What a legend says of pale points, if there are any."""
    look: Any = {"color": "black", "marker": "o", "markersize": 4.5, "linewidth": 1.1, "linestyle": linestyle}
    return [Line2D([], [], alpha=PALE, label=NOT_LEARNED, **look)] if did_not_learn(table).any() else []


def line_styles(populations: Mapping[str, Any], controls: Mapping[str, Any] | None) -> list[tuple[str, Any]]:
    """Colour and line style of each population, then of each control."""
    solid = [(colour, "-") for colour in palette(len(populations))]
    broken = [line for line, _ in zip(cycle(CONTROL_STYLES), controls or {}, strict=False)]
    return [*solid, *broken]


def palette(n: int, few: Sequence[str] = COLOURS) -> list[str]:
    """`n` different colours: the first of `few` or, if there are more than these, from dark to light.

    Examples
    --------
    >>> palette(2), len(set(palette(30)))
    (['#000000', '#0072B2'], 30)
    """
    if n <= len(few):
        return list(few[:n])
    return [to_hex(mpl.colormaps["viridis"](place)) for place in np.linspace(0, LIGHTEST, n)]


def looks_of(names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Colour and marker of each name; no two have the same colour."""
    colours = palette(len(names), OKABE_ITO)
    return {name: (colours[k], MARKERS[k % len(MARKERS)]) for k, name in enumerate(names)}


def known(populations: Values, controls: Values | None) -> dict[str, npt.ArrayLike]:
    """Populations and controls together, without those known only by their RDM."""
    twice = set(populations) & set(controls or {})
    if twice:
        raise InputError(f"{min(twice)!r} names a population and a control; give each a name of its own")
    return {label: values for label, values in {**populations, **(controls or {})}.items() if values is not None}


def say_unknown(panel: Axes, label: str) -> None:
    """Leave a panel blank except for the reason."""
    panel.set_axis_off()
    text = f"{wrapped(label, room(panel))}\nknown only by its RDM,\nno neuron's responses"
    panel.text(0.5, 0.5, text, transform=panel.transAxes, ha="center", va="center")


def per_unit(values: Any, label: str) -> npt.NDArray[Any]:
    """A value for each unit; raises InputError if the values are not a vector."""
    vector = as_array(values, label)
    if vector.ndim != 1 or not vector.size:
        raise InputError(f"{label!r} has shape {vector.shape}; there must be one value for each unit")
    return vector


def wrapped(name: str, width: int = 28) -> str:
    r"""A name in at most two lines of `width` characters, shortened with an ellipsis.

    Words too long for a line, such as names of networks, are broken after an underscore, dot or slash if possible.

    Examples
    --------
    >>> wrapped("mobilenetv3_small_050", 14).split("\n")
    ['mobilenetv3_', 'small_050']
    """
    lines = _Wrapper(width).wrap(name)
    if len(lines) > 2:
        lines = [lines[0], " ".join(lines[1:])[: width - 1].rstrip() + "…"]
    return "\n".join(lines)


def titled(label: str, panel: Axes) -> str:
    """A label, broken to its panel's width on a narrow page."""
    return wrapped(label, room(panel)) if narrow(panel) else label


class _Wrapper(textwrap.TextWrapper):
    def _split(self, text: str) -> list[str]:
        chunks: list[str] = super()._split(text)
        parts = [re.split(r"(?<=[_./:])", chunk) if len(chunk) > self.width else [chunk] for chunk in chunks]
        return [part for own in parts for part in own if part]


def units_text(n: int, neurons: bool) -> str:
    """The number of neurons or units: "2,000 neurons", "1 unit"."""
    return f"{n:,} {'neuron' if neurons else 'unit'}{'' if n == 1 else 's'}"


def first_in_row(panel: Axes) -> bool:
    """Whether a panel is the first of its row."""
    spec = panel.get_subplotspec()
    return spec is None or spec.is_first_col()


def stimulus_ticks(stimulus: npt.NDArray[Any], shown: StimulusType, panel: Axes) -> tuple[list[float], list[str]]:
    """Tick positions on an axis of `panel` (stimuli, or round numbers between them), and their labels."""
    ticks = shown.ticks(stimulus, few=narrow(panel))
    return ticks, [shown.text(tick) for tick in ticks]


def stimulus_axis(
    panel: Axes, stimulus: npt.NDArray[Any], shown: StimulusType, *, places: Any = None, label: bool = True
) -> None:
    """Ticks, and optionally labels, of a horizontal axis of stimuli, which are numbers or are at other `places`."""
    ticks, names = stimulus_ticks(stimulus, shown, panel)
    panel.set_xticks(ticks if places is None else np.interp(ticks, stimulus, places), names)
    panel.tick_params(labelbottom=label)
    if label:
        panel.set_xlabel(shown.axis_label.replace(" (", "\n("))
