"""What all pictures share: their look, their panels, and how they are saved."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from normenc.errors import InputError

__all__ = ["AxesArray", "figure_of", "new_panels", "save", "style"]

AxesArray = npt.NDArray[Any]  # of Axes


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
    }
    with mpl.rc_context(settings):
        yield


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
    axes: AxesArray | None, n_rows: int, n_columns: int, *, width: float, height: float, sharey: bool = False
) -> AxesArray:
    """New panels of `width` x `height` inches, or those that were given, where there are enough."""
    if axes is None:
        size = (n_columns * width + 0.6, n_rows * height + 0.3)
        return plt.subplots(n_rows, n_columns, figsize=size, squeeze=False, sharey=sharey, layout="constrained")[1]
    given = np.atleast_1d(np.asarray(axes, dtype=object))
    if given.size < n_rows * n_columns:
        raise InputError(f"{given.size} axes were given; this picture needs {n_rows * n_columns}")
    return given.flat[: n_rows * n_columns].reshape(n_rows, n_columns)
