"""Figures of populations: stimuli, RDMs and their rows, embeddings.

Populations are mappings from a label to an array, in the order in which they are drawn; the recording, if any, comes
first. Controls are given and drawn separately.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.markers import MarkerStyle
from matplotlib.path import Path

from normenc.figures.common import (
    COLOURS,
    AxesArray,
    Populations,
    first_in_row,
    line_styles,
    new_panels,
    panels_in_rows,
    stimulus_axis,
    stimulus_ticks,
    style,
    wrapped,
)
from normenc.figures.sizes import colour_bar, legend_height, narrow, place_legend, room
from normenc.stimulus_types import StimulusType
from normenc.stimulus_types.angles import degrees
from normenc.stimulus_types.known import drawn_type

__all__ = ["drawn", "embeddings", "example_stimuli", "rdm_rows", "rdms", "shown_stimuli"]

MOST_DRAWN = 400  # stimuli of an RDM, about as many as a panel has dots
FEW = 12  # stimuli, of which axes name some, and no values between them
BOUNDED = ("correlation", "cosine")  # metrics whose dissimilarities are always between 0 and 2


def example_stimuli(
    images: Any, orientation: Sequence[float] | Sequence[str] | npt.ArrayLike, *, axes: AxesArray | None = None
) -> AxesArray:
    """Figure 1: stimuli side by side, each below its orientation or name.

    Parameters
    ----------
    images : array_like, shape (n, height, width) or (n, height, width, 3)
        Values 0 to 1.
    orientation : array_like, shape (n,)
        Degrees from vertical, or names.
    axes : array of Axes, optional
        At least n.

    Returns
    -------
    ndarray of Axes
    """
    orientation = np.asarray(orientation)
    with style():
        panels = new_panels(axes, 1, len(orientation), width=1.6, height=1.6, least=0.65, lowest=0.5)
        for panel, image, angle in zip(panels.flat, images, orientation, strict=False):
            _draw_image(panel, image)
            panel.set_title(wrapped(angle, room(panel, 16)) if isinstance(angle, str) else degrees(angle))
    return panels


def shown_stimuli(images: Mapping[str, Any], names: Sequence[Any], *, axes: AxesArray | None = None) -> AxesArray:
    """Stimuli, and what each network was shown of them: a row for each.

    Parameters
    ----------
    images : mapping of str to array_like, shape (n, height, width) or (n, height, width, 3)
        Values 0 to 1, by who was shown them; sizes may differ.
    names : sequence of str or of float, length n
        Of the stimuli, or their degrees.
    axes : array of Axes, optional
        At least one for each image.

    Returns
    -------
    ndarray of Axes
    """
    with style():
        panels = new_panels(axes, len(images), len(names), width=1.6, height=1.6, least=0.65, lowest=0.5)
        rows = np.reshape(panels, (len(images), -1))
        for place, (row, (label, own)) in enumerate(zip(rows, images.items(), strict=True)):
            for panel, image, name in zip(row, own, names, strict=False):
                _draw_image(panel, image)
                if place == 0:
                    panel.set_title(wrapped(name, room(panel, 16)) if isinstance(name, str) else degrees(name))
            row[0].set_ylabel(wrapped(label, 14))
    return panels


def _draw_image(panel: Axes, image: Any) -> None:
    panel.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    panel.set_xticks([])
    panel.set_yticks([])
    for spine in panel.spines.values():
        spine.set_visible(True)


def rdms(
    populations: Populations,
    orientation: npt.ArrayLike,
    *,
    controls: Populations | None = None,
    metric: str = "correlation",
    period: float | None = 180,
    shown: str | StimulusType | None = None,
    n_stimuli: int | None = None,
    axes: AxesArray | None = None,
) -> AxesArray:
    """Figure 2: RDMs side by side on the same colour scale, with controls in a second row.

    Of more than 400 stimuli, 400 at even distances are drawn, and a label says so.

    Parameters
    ----------
    populations, controls : mapping of str to array, shape (n_stimuli, n_stimuli)
        Dissimilarities.
    orientation : array_like, shape (n_stimuli,)
        Degrees from vertical, ascending.
    metric : str
        Correlation and cosine distances share a scale from 0 to 2. Other metrics have a different unit in each
        population, and each matrix is divided by its largest value.
    period : float or None
        180 (orientation), 360 (direction), or None for images.
    shown : str or StimulusType, optional
        The type of the stimuli, if `period` does not determine it.
    n_stimuli : int, optional
        How many stimuli there are, if those given are some of them.
    axes : array of Axes, optional
        One for each population and control.

    Returns
    -------
    ndarray of Axes
    """
    every, stimulus_type = np.asarray(orientation), drawn_type(shown, period)
    bounded, of_all = metric in BOUNDED, n_stimuli or len(every)
    some = drawn(len(every))
    with style():
        panels, shown_ones = panels_in_rows(populations, controls, axes, width=2.2, height=2.2)
        for panel, label, matrix in shown_ones:
            scaled = (matrix if bounded else matrix / matrix.max())[np.ix_(some, some)]
            image = panel.imshow(scaled, cmap="viridis", vmin=0, vmax=2 if bounded else 1, interpolation="nearest")
            positions, names = _places_of_ticks(every[some], stimulus_type, panel)
            panel.set_xticks(positions, names, fontsize=7)
            inner = narrow(panel) and not first_in_row(panel)
            panel.set_yticks(positions, [""] * len(names) if inner else names, fontsize=7)
            panel.set_title(_title(label, panel))
        if len(some) < of_all:
            panels.flat[0].set_xlabel(f"{len(some)} of {of_all:,} stimuli")
        what = _dissimilarity(metric) if bounded else f"{_dissimilarity(metric)}, largest is 1"
        scale = [0, 0.5, 1, 1.5, 2] if bounded else [0, 0.5, 1]
        colour_bar(image, [panel for panel, _, _ in shown_ones], what, shrink=0.7, ticks=scale)
    return panels


def drawn(n_stimuli: int) -> npt.NDArray[np.intp]:
    """The stimuli that pictures of RDMs show: all or, of more than 400, as many at even distances.

    Examples
    --------
    >>> drawn(3).tolist(), len(drawn(5000))
    ([0, 1, 2], 400)
    """
    return np.unique(np.linspace(0, n_stimuli - 1, min(n_stimuli, MOST_DRAWN)).round().astype(np.intp))


def rdm_rows(
    populations: Populations,
    orientation: npt.ArrayLike,
    *,
    at: Sequence[float] | None = None,
    controls: Populations | None = None,
    metric: str = "correlation",
    period: float = 180,
    shown: str | StimulusType | None = None,
    axes: AxesArray | None = None,
) -> AxesArray:
    """Figure 4: rows of the RDMs, the dissimilarity between a reference orientation and all others.

    Parameters
    ----------
    populations, controls : mapping of str to array, shape (n_stimuli, n_stimuli)
        Dissimilarities.
    orientation : array_like, shape (n_stimuli,)
        Degrees from vertical, ascending.
    at : sequence of float
        Reference orientations in degrees, by default -75, -25, 25 and 75; for directions 45, 135, 225 and 315. The
        stimulus nearest to each on the circle is drawn, once; those by default in ascending order.
    metric : str
        As in :func:`rdms`.
    period : float
        180 (orientation) or 360 (direction).
    shown : str or StimulusType, optional
        The type of the stimuli, if `period` does not determine it.
    axes : array of Axes, optional
        One for each reference orientation.

    Returns
    -------
    ndarray of Axes
    """
    orientation, stimulus_type = np.asarray(orientation), drawn_type(shown, period)
    # Stimuli that are not on a circle are evenly spaced, as in the matrices: their spacing is often logarithmic.
    places = None if stimulus_type.period is not None else np.arange(len(orientation))
    x = orientation if places is None else places
    references = at if at is not None else stimulus_type.references(orientation)
    chosen = list(
        dict.fromkeys(int(stimulus_type.distance(orientation, reference).argmin()) for reference in references)
    )
    if at is None:
        chosen.sort()
    with style():
        names = [*populations, *(controls or {})]
        panels = new_panels(
            axes, 1, len(chosen), width=2.3, height=2.4, sharey=True, least=1.6, below=legend_height(names)
        )
        for panel, row in zip(panels.flat, chosen, strict=False):
            for (label, matrix), (colour, line) in zip(
                [*populations.items(), *(controls or {}).items()],
                line_styles(populations, controls),
                strict=True,
            ):
                scale = 1 if metric in BOUNDED else matrix.max()
                panel.plot(x, matrix[row] / scale, color=colour, linestyle=line, linewidth=1.3, label=label)
            panel.axvline(x[row], color="black", linewidth=0.8, alpha=0.6)
            panel.set_title(f"from {stimulus_type.text(orientation[row])}")
            stimulus_axis(panel, orientation, stimulus_type, places=places)
        for row_of_panels in panels:
            row_of_panels[0].set_ylabel(_dissimilarity(metric))
        last = panels.flat[len(chosen) - 1]
        place_legend(last, *last.get_legend_handles_labels(), loc="center left", bbox_to_anchor=(1.02, 0.5))
    return panels


def embeddings(
    populations: Populations,
    orientation: npt.ArrayLike,
    *,
    controls: Populations | None = None,
    period: float | None = 180,
    shown: str | StimulusType | None = None,
    axes: AxesArray | None = None,
) -> AxesArray:
    """Figure 6: two-dimensional embedding of each population, one point per stimulus, coloured by orientation.

    Stimuli at the same point share it, each with a slice in its own colour.

    Parameters
    ----------
    populations, controls : mapping of str to array, shape (n_stimuli, 2)
        As returned by :func:`normenc.embedding.embed`. Stimuli that are NaN were not embedded; a label says how many
        were.
    orientation : array_like, shape (n_stimuli,)
        Degrees from vertical, in any range; colours are cyclic: -90 and 90 have the same.
    period : float or None
        180 (orientation), 360 (direction), or None for images, which all have the same colour.
    shown : str or StimulusType, optional
        The type of the stimuli, if `period` does not determine it.
    axes : array of Axes, optional
        One for each population and control.

    Returns
    -------
    ndarray of Axes
    """
    orientation, stimulus_type = np.asarray(orientation), drawn_type(shown, period)
    scale = stimulus_type.colours(orientation)
    colours: Any = {"color": COLOURS[1]}
    if scale is not None:
        cyclic = stimulus_type.period is not None
        colours = {"c": scale[0], "cmap": "twilight" if cyclic else "viridis", "vmin": scale[1], "vmax": scale[2]}
    n_stimuli, least = len(orientation), len(orientation)
    size = float(np.clip(600 / n_stimuli, 14, 40))
    with style():
        panels, drawn = panels_in_rows(populations, controls, axes, width=2.1, height=2.2)
        for panel, label, given in drawn:
            there = np.isfinite(given).all(axis=1)
            points, least = given[there], min(least, int(there.sum()))
            if scale is not None:
                colours["c"] = scale[0][there]
            dots = panel.scatter(points[:, 0], points[:, 1], s=size, linewidth=0.3, edgecolor="#666666", **colours)
            if scale is not None:
                _share_dots(panel, points, size, colours)
            panel.set_title(_title(label, panel))
            panel.set_xticks([])
            panel.set_yticks([])
            panel.set_aspect("equal", adjustable="datalim")
            panel.set_facecolor("#f4f4f0")
        of_all = "" if least == n_stimuli else f" ({least} of {n_stimuli:,} stimuli)"
        panels.flat[0].set_xlabel(f"t-SNE 1{of_all}")
        panels.flat[0].set_ylabel("t-SNE 2")
        if scale is None:
            return panels
        ticks = stimulus_type.ticks(np.array(scale[1:]) if stimulus_type.period is not None else orientation)
        at = ticks if stimulus_type.period is not None else np.searchsorted(np.unique(orientation), ticks)
        bar = colour_bar(dots, [panel for panel, _, _ in drawn], stimulus_type.axis_label, shrink=0.7, ticks=at)
        bar.set_ticklabels([stimulus_type.text(tick) for tick in ticks])
    return panels


def _share_dots(panel: Axes, points: npt.NDArray[Any], size: float, colours: Mapping[str, Any]) -> None:
    """Draw stimuli at the same point as slices of the dot, each in its own colour."""
    _, group, counts = np.unique(points, axis=0, return_inverse=True, return_counts=True)
    for index in np.flatnonzero(counts > 1):
        members = np.flatnonzero(group.ravel() == index)
        for place, member in enumerate(members):
            own: Any = {**colours, "c": [colours["c"][member]], "marker": _slice(place, len(members))}
            panel.scatter(points[member, 0], points[member, 1], s=size, linewidth=0, **own)


def _slice(place: int, n: int) -> MarkerStyle:
    """One of `n` equal slices of a dot of the same size, anticlockwise from the left."""
    start = 90 + 360 * place / n
    wedge = Path.wedge(start, start + 360 / n)
    # A marker is scaled by its largest coordinate: an invisible point makes that 1, as for a whole dot.
    vertices, codes = np.vstack([wedge.vertices, [[1, 0]]]), np.append(np.asarray(wedge.codes), Path.MOVETO)
    return MarkerStyle(Path(vertices, codes))


def _dissimilarity(metric: str) -> str:
    return "dissimilarity (1 − r)" if metric == "correlation" else f"dissimilarity ({metric})"


def _title(label: str, panel: Axes) -> str:
    """A label, broken to its panel's width on a narrow page."""
    return wrapped(label, room(panel)) if narrow(panel) else label


def _places_of_ticks(stimulus: npt.NDArray[Any], shown: StimulusType, panel: Axes) -> tuple[npt.ArrayLike, list[str]]:
    """Positions and labels of ticks on an axis of stimulus indices; named stimuli have no ticks."""
    ticks, names = stimulus_ticks(stimulus, shown, panel)
    return np.interp(ticks, stimulus, np.arange(len(stimulus))) if ticks else [], names
