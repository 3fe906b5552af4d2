"""What all pictures share: their look, their panels, colours and angles, and how they are saved.

Colours are those of Okabe & Ito (2008), which colour-blind readers can tell apart; controls are grey.
"""

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
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from normenc.arrays import as_array
from normenc.errors import InputError

__all__ = [
    "COLOURS",
    "CONTROL_STYLES",
    "ORIENTATION_TICKS",
    "AxesArray",
    "Populations",
    "Values",
    "angle_axis",
    "angle_ticks",
    "degrees",
    "figure_of",
    "known",
    "line_styles",
    "new_panels",
    "panels_in_rows",
    "per_unit",
    "save",
    "say_unknown",
    "style",
    "units_text",
    "wrapped",
]

AxesArray = npt.NDArray[Any]  # of Axes
Populations = Mapping[str, npt.NDArray[Any]]
Values = Mapping[str, npt.ArrayLike | None]  # None: known only by its RDM

COLOURS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
CONTROL_STYLES = (("#777777", (0, (5, 2))), ("#777777", (0, (1, 1.5))), ("#aaaaaa", "-."), ("#aaaaaa", "-"))
ORIENTATION_TICKS = (-90, -45, 0, 45, 90)
DIRECTION_TICKS = (-180, -90, 0, 90, 180, 270, 360)


@contextmanager
def style() -> Iterator[None]:
    """The look of all pictures, for the time of a ``with`` block; nothing global changes."""
    settings: Any = {
        "font.size": 9,
        "axes.titlesize": 9,
        "axes.labelsize": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.linewidth": 0.8,
        "legend.frameon": False,
        "legend.fontsize": 8,
        "figure.dpi": 100,
        "savefig.dpi": 200,
        "svg.hashsalt": "normenc",  # the same picture gives the same file
        "text.parse_math": False,  # a dollar sign in a name is a dollar sign
    }
    with mpl.rc_context(settings):
        yield
        # A notebook's backend loads with the first figure and turns this on; turned off again, no later one is shown.
        interactive = mpl.is_interactive()
    mpl.interactive(interactive)


def save(axes: Axes | AxesArray, folder: Path, name: str) -> list[Path]:
    """Save the figure of `axes` as ``name.png`` (200 dpi) and ``name.svg`` in `folder`, and close it.

    Returns
    -------
    list of Path
    """
    figure = figure_of(axes)
    paths = [folder / f"{name}.{kind}" for kind in ("png", "svg")]
    with style():
        for path in paths:
            options: Any = (
                {"metadata": {"Date": None}}
                if path.suffix == ".svg"
                else {"metadata": {"Software": "normenc"}, "pil_kwargs": {"compress_level": 3}}
            )
            figure.savefig(path, facecolor="white", **options)
            figure.set_layout_engine("none")  # the first file's layout serves the second
    plt.close(figure)
    return paths


def figure_of(axes: Axes | AxesArray) -> Figure:
    """The figure that axes are in."""
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
    sharey: bool = False,
    polar: bool = False,
) -> AxesArray:
    """New panels of `width` x `height` inches, or those that were given, where there are enough."""
    if axes is None:
        return plt.subplots(
            n_rows,
            n_columns,
            figsize=(n_columns * width + 0.6, n_rows * height + 0.3),
            squeeze=False,
            sharey=sharey,
            layout="constrained",
            subplot_kw={"projection": "polar"} if polar else None,
        )[1]
    given = np.atleast_1d(np.asarray(axes, dtype=object))
    if given.size < n_rows * n_columns:
        raise InputError(f"{given.size} axes were given; this picture needs {n_rows * n_columns}")
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
    polar: bool = False,
) -> tuple[AxesArray, list[tuple[Axes, str, Any]]]:
    """A row of panels for the populations and one for the controls; panels left over are blank."""
    rows = [list(group.items()) for group in (populations, controls) if group]
    if not rows:
        raise InputError("there is no population to draw")
    if axes is not None:
        items = [item for row in rows for item in row]
        panels = new_panels(axes, 1, len(items), width=width, height=height, polar=polar)
        return panels, [(panel, *item) for panel, item in zip(panels.flat, items, strict=True)]
    panels = new_panels(None, len(rows), max(map(len, rows)), width=width, height=height, polar=polar)
    drawn = []
    for row, items in zip(panels, rows, strict=True):
        drawn += [(panel, *item) for panel, item in zip(row, items, strict=False)]
        for panel in row[len(items) :]:
            panel.set_axis_off()
    return panels, drawn


def line_styles(populations: Mapping[str, Any], controls: Mapping[str, Any] | None) -> list[tuple[str, Any]]:
    """Colour and dashes of every population, then of every control."""
    solid = [(colour, "-") for colour, _ in zip(cycle(COLOURS), populations, strict=False)]
    broken = [line for line, _ in zip(cycle(CONTROL_STYLES), controls or {}, strict=False)]
    return [*solid, *broken]


def known(populations: Values, controls: Values | None) -> dict[str, npt.ArrayLike]:
    """Populations and controls together, without those known only by their RDM."""
    twice = set(populations) & set(controls or {})
    if twice:
        raise InputError(f"{min(twice)!r} names a population and a control; every name must stand once")
    return {label: values for label, values in {**populations, **(controls or {})}.items() if values is not None}


def say_unknown(panel: Axes, label: str) -> None:
    """Leave a panel blank but for the reason."""
    panel.set_axis_off()
    text = f"{wrapped(label)}\nknown only by its RDM,\nno neuron's responses"
    panel.text(0.5, 0.5, text, transform=panel.transAxes, ha="center", va="center")


def per_unit(values: Any, label: str) -> npt.NDArray[Any]:
    """A value for each unit; raises InputError where it is no vector."""
    vector = as_array(values, label)
    if vector.ndim != 1 or not vector.size:
        raise InputError(f"{label!r} has shape {vector.shape}; there must be one value for each unit")
    return vector


def wrapped(name: str, width: int = 28) -> str:
    """A name of at most two lines of `width` characters; what does not fit gives way to an ellipsis."""
    lines = textwrap.wrap(name, width)
    if len(lines) > 2:
        lines = [lines[0], " ".join(lines[1:])[: width - 1].rstrip() + "…"]
    return "\n".join(lines)


def units_text(n: int, neurons: bool) -> str:
    """How many neurons or units: "2,000 neurons", "1 unit"."""
    return f"{n:,} {'neuron' if neurons else 'unit'}{'' if n == 1 else 's'}"


def degrees(value: float) -> str:
    """An angle as pictures write it."""
    return f"{value:g}°".replace("-", "−")


def angle_ticks(angles: npt.NDArray[Any], period: float = 180.0) -> list[int]:
    """The ticks that lie within the range of `angles`."""
    ticks: Sequence[int] = ORIENTATION_TICKS if period == 180 else DIRECTION_TICKS
    return [tick for tick in ticks if angles.min() <= tick <= angles.max()]


def angle_axis(panel: Axes, angles: npt.NDArray[Any], *, period: float = 180.0, label: bool = True) -> None:
    """Ticks, and where wanted labels, of a horizontal axis of orientations (period 180) or directions (360)."""
    inside = angle_ticks(angles, period)
    panel.set_xticks(inside, [degrees(tick) for tick in inside])
    panel.tick_params(labelbottom=label)
    if label:
        panel.set_xlabel("orientation" if period == 180 else "direction")
