"""Figures of populations: stimuli and embeddings.

Populations are mappings from a label to an array, in the order in which they are drawn; the recording, if any, comes
first. Controls are given and drawn separately.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.markers import MarkerStyle
from matplotlib.path import Path

from normenc.errors import InputError
from normenc.figures.common import (
    COLOURS,
    OKABE_ITO,
    AxesArray,
    Populations,
    new_panels,
    panels_in_rows,
    style,
    titled,
    wrapped,
)
from normenc.figures.sizes import colour_bar, room
from normenc.stimulus_types import StimulusType
from normenc.stimulus_types.angles import degrees
from normenc.stimulus_types.known import drawn_type

__all__ = ["embeddings", "example_stimuli", "shown_stimuli"]


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


def embeddings(
    populations: Populations,
    orientation: npt.ArrayLike,
    *,
    controls: Populations | None = None,
    period: float | None = 180,
    shown: str | StimulusType | None = None,
    values: npt.ArrayLike | None = None,
    values_label: str = "",
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
        180 (orientation), 360 (direction), or None for images, which have the colours of `values` or, without them,
        all the same.
    shown : str or StimulusType, optional
        The type of the stimuli, if `period` does not determine it.
    values : array_like of float or str, shape (n_stimuli,), optional
        By what images are coloured: numbers, or names of at most seven groups.
    values_label : str
        What the values are, beside the colour bar.
    axes : array of Axes, optional
        One for each population and control.

    Returns
    -------
    ndarray of Axes

    Raises
    ------
    InputError
        If there is not one value for each stimulus, or the values are names of more than seven groups.
    """
    orientation, stimulus_type = np.asarray(orientation), drawn_type(shown, period)
    scale = _scale(stimulus_type, orientation, values, values_label)
    colours: Any = {"color": COLOURS[1]} if scale is None else dict(scale.colours)
    n_stimuli, least = len(orientation), len(orientation)
    size = float(np.clip(600 / n_stimuli, 14, 40))
    with style():
        panels, drawn = panels_in_rows(populations, controls, axes, width=2.1, height=2.2)
        for panel, label, given in drawn:
            there = np.isfinite(given).all(axis=1)
            points, least = given[there], min(least, int(there.sum()))
            if scale is not None:
                colours["c"] = scale.colours["c"][there]
            dots = panel.scatter(points[:, 0], points[:, 1], s=size, linewidth=0.3, edgecolor="#666666", **colours)
            if scale is not None:
                _share_dots(panel, points, size, colours)
            panel.set_title(titled(label, panel))
            panel.set_xticks([])
            panel.set_yticks([])
            panel.set_aspect("equal", adjustable="datalim")
            panel.set_facecolor("#f4f4f0")
        of_all = "" if least == n_stimuli else f" ({least} of {n_stimuli:,} stimuli)"
        panels.flat[0].set_xlabel(f"t-SNE 1{of_all}")
        panels.flat[0].set_ylabel("t-SNE 2")
        if scale is None:
            return panels
        bar = colour_bar(dots, [panel for panel, _, _ in drawn], scale.label, shrink=0.7, ticks=scale.ticks)
        if scale.texts is not None:
            bar.set_ticklabels(scale.texts)
            bar.ax.minorticks_off()
    return panels


@dataclass(frozen=True)
class _Scale:
    """The colours of the stimuli, and the ticks of their bar: matplotlib's own where none are given."""

    colours: dict[str, Any]
    label: str
    ticks: Any = None
    texts: list[str] | None = None


def _scale(stimulus_type: StimulusType, stimulus: npt.NDArray[Any], values: Any, label: str) -> _Scale | None:
    own = stimulus_type.colours(stimulus)
    if own is None:
        return None if values is None else _scale_of(np.asarray(values), len(stimulus), label)
    cyclic = stimulus_type.period is not None
    colours = {"c": own[0], "cmap": "twilight" if cyclic else "viridis", "vmin": own[1], "vmax": own[2]}
    ticks = stimulus_type.ticks(np.array(own[1:]) if cyclic else stimulus)
    at = ticks if cyclic else np.searchsorted(np.unique(stimulus), ticks)
    return _Scale(colours, stimulus_type.axis_label, at, [stimulus_type.text(tick) for tick in ticks])


def _scale_of(values: npt.NDArray[Any], n_stimuli: int, label: str) -> _Scale:
    """Of numbers, or of names of groups, in their order."""
    if values.shape != (n_stimuli,):
        raise InputError(f"values have shape {values.shape}; give one for each of the {n_stimuli} stimuli")
    if values.dtype.kind in "fiub":
        numbers = values.astype(np.float64)
        ends = {"vmin": float(np.nanmin(numbers)), "vmax": float(np.nanmax(numbers))}
        return _Scale({"c": numbers, "cmap": "viridis", **ends}, label)
    names, group = np.unique(values.astype(str), return_inverse=True)
    if len(names) > len(OKABE_ITO):
        raise InputError(
            f"values are names of {len(names)} groups; colours can tell {len(OKABE_ITO)} apart, so give numbers, or "
            "fewer groups"
        )
    colours = {"c": group, "cmap": ListedColormap(OKABE_ITO[: len(names)]), "vmin": -0.5, "vmax": len(names) - 0.5}
    return _Scale(colours, label, list(range(len(names))), [wrapped(name, 16) for name in names])


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
