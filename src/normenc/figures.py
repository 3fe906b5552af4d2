"""The six pictures of a study: one function each, from data to axes.

Every function takes data that is computed already and, optionally, the axes to draw on, and returns the axes.
Populations come as mappings from a label to an array, in the order in which they are drawn; the first of `populations`
is the recording where there is one. Controls come apart and are drawn apart. Colours are those of Okabe & Ito,
which colour-blind readers can tell apart.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from normenc.errors import InputError

__all__ = [
    "embeddings",
    "example_stimuli",
    "rdm_rows",
    "rdms",
    "save",
    "similarity_bars",
    "style",
    "tuning_curves",
]

Populations = Mapping[str, npt.NDArray[Any]]
AxesArray = npt.NDArray[Any]  # of Axes

COLOURS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
CONTROL_STYLES = (("#777777", (0, (5, 2))), ("#777777", (0, (1, 1.5))), ("#aaaaaa", "-."), ("#aaaaaa", "-"))
BAR_COLOURS = {"trained": "#0072B2", "untrained twin": "#9ecae1", "control": "#999999"}
ORIENTATION_TICKS = (-90, -45, 0, 45, 90)


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


def example_stimuli(
    images: Any, orientation: Sequence[float] | npt.ArrayLike, *, axes: AxesArray | None = None
) -> AxesArray:
    """Picture 1: stimuli side by side, each under its orientation.

    Parameters
    ----------
    images : array_like, shape (n, height, width)
        Grey levels 0 to 1.
    orientation : array_like, shape (n,)
        Degrees from vertical.
    axes : array of Axes, optional
        At least n.

    Returns
    -------
    ndarray of Axes
    """
    orientation = np.asarray(orientation)
    with style():
        panels = _panels(axes, 1, len(orientation), width=1.6, height=1.6)
        for panel, image, degrees in zip(panels.flat, images, orientation, strict=False):
            panel.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            panel.set_title(_degrees(degrees))
            panel.set_xticks([])
            panel.set_yticks([])
            for spine in panel.spines.values():
                spine.set_visible(True)
    return panels


def rdms(
    populations: Populations,
    orientation: npt.ArrayLike,
    *,
    controls: Populations | None = None,
    axes: AxesArray | None = None,
) -> AxesArray:
    """Picture 2: RDMs side by side on one colour scale from 0 to 2, controls in a second row.

    Parameters
    ----------
    populations, controls : mapping of str to array, shape (n_stimuli, n_stimuli)
        Dissimilarities.
    orientation : array_like, shape (n_stimuli,)
        Degrees from vertical, rising.
    axes : array of Axes, optional
        One for each population and control.

    Returns
    -------
    ndarray of Axes
    """
    orientation = np.asarray(orientation)
    with style():
        panels, drawn = _panels_in_rows(populations, controls, axes, width=2.2, height=2.2)
        for panel, label, matrix in drawn:
            image = panel.imshow(matrix, cmap="viridis", vmin=0, vmax=2, interpolation="nearest")
            positions, names = _orientation_ticks(orientation)
            panel.set_xticks(positions, names, fontsize=7)
            panel.set_yticks(positions, names, fontsize=7)
            panel.set_title(label)
        bar = _figure(panels).colorbar(
            image, ax=[panel for panel, _, _ in drawn], shrink=0.7, ticks=[0, 0.5, 1, 1.5, 2]
        )
        bar.set_label("dissimilarity (1 − r)")
    return panels


def similarity_bars(similarity: pd.DataFrame, *, axes: Axes | None = None) -> Axes:
    """Picture 3: similarity of each layer's RDM with the recording's, with untrained twins and controls.

    Parameters
    ----------
    similarity : DataFrame
        The rows of ``similarity.csv``: one a bar, from top to bottom. Rows with a seed and ``trained`` false are
        untrained twins, those without a seed are controls. One recording, one comparison.
    axes : Axes, optional

    Returns
    -------
    Axes
    """
    if similarity.empty or similarity["recording"].nunique() != 1 or similarity["comparison"].nunique() != 1:
        raise InputError("similarity must hold the rows of one recording and one comparison")
    first = similarity.iloc[0]
    with style():
        if axes is None:
            _, axes = plt.subplots(figsize=(5.2, 0.9 + 0.33 * len(similarity)), layout="constrained")
        seen = set()
        for position, row in enumerate(similarity.itertuples()):
            kind = "trained" if row.trained else "control" if pd.isna(row.seed) else "untrained twin"
            legend = None if kind in seen else kind
            seen.add(kind)
            value = float(row.similarity)
            axes.barh(position, value, color=BAR_COLOURS[kind], height=0.7, label=legend)
            axes.text(max(value, 0) + 0.015, position, f"{value:.3f}", va="center")
        names = [_bar_name(row) for row in similarity.itertuples()]
        axes.set_yticks(range(len(names)), names)
        axes.invert_yaxis()
        axes.axvline(0, color="black", linewidth=0.8)
        axes.set_xlim(min(0.0, float(similarity["similarity"].min()) - 0.05), 1.12)
        axes.set_xticks([tick for tick in np.arange(-1, 1.01, 0.25) if tick >= axes.get_xlim()[0]])
        symbol = {"pearson": "Pearson r", "spearman": "Spearman ρ"}.get(first["comparison"], first["comparison"])
        axes.set_xlabel(f"similarity of RDMs ({symbol}; 1 is the same geometry)")
        axes.set_title(f"similarity with {first['recording']}")
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1))
    return axes


def rdm_rows(
    populations: Populations,
    orientation: npt.ArrayLike,
    *,
    at: Sequence[float] = (-75, -25, 25, 75),
    controls: Populations | None = None,
    axes: AxesArray | None = None,
) -> AxesArray:
    """Picture 4: rows of the RDMs, dissimilarity from a reference orientation to all others.

    Parameters
    ----------
    populations, controls : mapping of str to array, shape (n_stimuli, n_stimuli)
        Dissimilarities.
    orientation : array_like, shape (n_stimuli,)
        Degrees from vertical, rising.
    at : sequence of float
        Reference orientations in degrees; the nearest stimulus is taken.
    axes : array of Axes, optional
        One a reference orientation.

    Returns
    -------
    ndarray of Axes
    """
    orientation = np.asarray(orientation)
    with style():
        panels = _panels(axes, 1, len(at), width=2.3, height=2.4, sharey=True)
        for panel, reference in zip(panels.flat, at, strict=False):
            row = int(np.abs(orientation - reference).argmin())
            for (label, matrix), (colour, line) in zip(
                [*populations.items(), *(controls or {}).items()],
                _line_styles(populations, controls),
                strict=True,
            ):
                panel.plot(orientation, matrix[row], color=colour, linestyle=line, linewidth=1.3, label=label)
            panel.axvline(orientation[row], color="black", linewidth=0.8, alpha=0.6)
            panel.set_title(f"from {_degrees(orientation[row])}")
            _orientation_axis(panel, orientation)
        panels.flat[0].set_ylabel("dissimilarity (1 − r)")
        panels.flat[-1].legend(loc="center left", bbox_to_anchor=(1.02, 0.5))
    return panels


def tuning_curves(
    populations: Mapping[str, npt.NDArray[Any] | None],
    orientation: npt.ArrayLike,
    *,
    n_units: int = 3,
    seed: int = 0,
    axes: AxesArray | None = None,
) -> AxesArray:
    """Picture 5: responses of a few randomly chosen neurons or units of each population.

    Parameters
    ----------
    populations : mapping of str to array, shape (n_stimuli, n_units), or None
        Responses, one row of panels each; None for a population known only by its RDM, whose row says so.
    orientation : array_like, shape (n_stimuli,)
        Degrees from vertical, rising.
    n_units : int
        Neurons or units drawn of each population.
    seed : int
        Chooses them.
    axes : array of Axes, optional
        Shape (n_populations, n_units).

    Returns
    -------
    ndarray of Axes
    """
    orientation = np.asarray(orientation)
    with style():
        panels = _panels(axes, len(populations), n_units, width=2.1, height=1.5)
        for index, (label, responses) in enumerate(populations.items()):
            row, colour = panels[index], COLOURS[index % len(COLOURS)]
            if responses is None:
                for panel in row:
                    panel.set_axis_off()
                row[0].text(
                    0, 0.5, f"{label}: known only by its RDM, no neuron's responses", transform=row[0].transAxes
                )
                continue
            chosen = np.random.default_rng(seed).permutation(responses.shape[1])[:n_units]
            for panel, unit in zip(row, chosen, strict=False):
                panel.plot(orientation, responses[:, unit], color=colour, linewidth=1.1)
                panel.set_title(f"{label}: unit {unit}", fontsize=8)
                _orientation_axis(panel, orientation, label=index == len(panels) - 1)
            for panel in row[len(chosen) :]:
                panel.set_axis_off()
            row[0].set_ylabel("response")
    return panels


def embeddings(
    populations: Populations,
    orientation: npt.ArrayLike,
    *,
    controls: Populations | None = None,
    axes: AxesArray | None = None,
) -> AxesArray:
    """Picture 6: two-dimensional embedding of each population, one point a stimulus, coloured by orientation.

    Parameters
    ----------
    populations, controls : mapping of str to array, shape (n_stimuli, 2)
        As :func:`normenc.embedding.embed` gives them.
    orientation : array_like, shape (n_stimuli,)
        Degrees from vertical; the colours are cyclic, -90 and 90 share one.
    axes : array of Axes, optional
        One for each population and control.

    Returns
    -------
    ndarray of Axes
    """
    orientation = np.asarray(orientation)
    with style():
        panels, drawn = _panels_in_rows(populations, controls, axes, width=2.1, height=2.2)
        for panel, label, points in drawn:
            dots = panel.scatter(
                points[:, 0], points[:, 1], c=orientation, cmap="twilight", vmin=-90, vmax=90, s=14, linewidth=0
            )
            panel.set_title(label)
            panel.set_xticks([])
            panel.set_yticks([])
            panel.set_aspect("equal", adjustable="datalim")
            panel.set_facecolor("#f4f4f0")
        panels.flat[0].set_xlabel("t-SNE 1")
        panels.flat[0].set_ylabel("t-SNE 2")
        bar = _figure(panels).colorbar(dots, ax=[panel for panel, _, _ in drawn], shrink=0.7, ticks=ORIENTATION_TICKS)
        bar.ax.set_yticklabels([_degrees(tick) for tick in ORIENTATION_TICKS])
        bar.set_label("orientation")
    return panels


def save(axes: Axes | AxesArray, folder: Path, name: str) -> list[Path]:
    """Save the figure of `axes` as ``name.png`` (200 dpi) and ``name.svg`` in `folder`, and close it.

    Returns
    -------
    list of Path
    """
    figure = _figure(axes)
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


def _figure(axes: Axes | AxesArray) -> Figure:
    first = axes.flat[0] if isinstance(axes, np.ndarray) else axes
    figure = first.get_figure(root=True)
    assert figure is not None
    return figure


def _panels(
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


def _panels_in_rows(
    populations: Populations,
    controls: Populations | None,
    axes: AxesArray | None,
    *,
    width: float,
    height: float,
) -> tuple[AxesArray, list[tuple[Axes, str, npt.NDArray[Any]]]]:
    """A row of panels for the populations and one for the controls; panels left over are blank."""
    rows = [list(group.items()) for group in (populations, controls) if group]
    if axes is not None:
        items = [item for row in rows for item in row]
        panels = _panels(axes, 1, len(items), width=width, height=height)
        return panels, [(panel, *item) for panel, item in zip(panels.flat, items, strict=True)]
    panels = _panels(None, len(rows), max(map(len, rows)), width=width, height=height)
    drawn = []
    for row, items in zip(panels, rows, strict=True):
        drawn += [(panel, *item) for panel, item in zip(row, items, strict=False)]
        for panel in row[len(items) :]:
            panel.set_axis_off()
    return panels, drawn


def _line_styles(populations: Populations, controls: Populations | None) -> list[tuple[str, Any]]:
    solid = [(colour, "-") for colour, _ in zip(_cycle(COLOURS), populations, strict=False)]
    broken = [line for line, _ in zip(_cycle(CONTROL_STYLES), controls or {}, strict=False)]
    return [*solid, *broken]


def _cycle(values: Sequence[Any]) -> Iterator[Any]:
    while True:
        yield from values


def _degrees(value: float) -> str:
    return f"{value:g}°".replace("-", "−")


def _orientation_ticks(orientation: npt.NDArray[Any]) -> tuple[npt.NDArray[np.float64], list[str]]:
    """Where the ticks stand on an axis whose unit is the stimulus index."""
    inside = [tick for tick in ORIENTATION_TICKS if orientation.min() <= tick <= orientation.max()]
    return np.interp(inside, orientation, np.arange(len(orientation))), [_degrees(tick) for tick in inside]


def _orientation_axis(panel: Axes, orientation: npt.NDArray[Any], *, label: bool = True) -> None:
    inside = [tick for tick in ORIENTATION_TICKS if orientation.min() <= tick <= orientation.max()]
    panel.set_xticks(inside, [_degrees(tick) for tick in inside])
    panel.tick_params(labelbottom=label)
    if label:
        panel.set_xlabel("orientation")


def _bar_name(row: Any) -> str:
    if pd.isna(row.seed):
        return str(row.model)
    return f"{row.model} {row.layer}" + ("" if row.trained else ", untrained")
