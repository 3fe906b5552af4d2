"""Pictures of populations: stimuli, RDMs and their rows, tuning curves, embeddings.

Populations come as mappings from a label to an array, in the order in which they are drawn; the first of `populations`
is the recording where there is one. Controls come apart and are drawn apart. Colours are those of Okabe & Ito,
which colour-blind readers can tell apart.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from normenc.figures.common import AxesArray, figure_of, new_panels, style

__all__ = ["embeddings", "example_stimuli", "rdm_rows", "rdms", "tuning_curves"]

Populations = Mapping[str, npt.NDArray[Any]]

COLOURS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
CONTROL_STYLES = (("#777777", (0, (5, 2))), ("#777777", (0, (1, 1.5))), ("#aaaaaa", "-."), ("#aaaaaa", "-"))
BOUNDED = ("correlation", "cosine")  # metrics whose dissimilarities lie between 0 and 2 in every population
ORIENTATION_TICKS = (-90, -45, 0, 45, 90)


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
        panels = new_panels(axes, 1, len(orientation), width=1.6, height=1.6)
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
    metric: str = "correlation",
    axes: AxesArray | None = None,
) -> AxesArray:
    """Picture 2: RDMs side by side on one colour scale, controls in a second row.

    Parameters
    ----------
    populations, controls : mapping of str to array, shape (n_stimuli, n_stimuli)
        Dissimilarities.
    orientation : array_like, shape (n_stimuli,)
        Degrees from vertical, rising.
    metric : str
        Correlation and cosine distances share the scale from 0 to 2; of others, which have a unit of their own in
        every population, each matrix is divided by its largest value.
    axes : array of Axes, optional
        One for each population and control.

    Returns
    -------
    ndarray of Axes
    """
    orientation = np.asarray(orientation)
    bounded = metric in BOUNDED
    with style():
        panels, drawn = _panels_in_rows(populations, controls, axes, width=2.2, height=2.2)
        for panel, label, matrix in drawn:
            shown = matrix if bounded else matrix / matrix.max()
            image = panel.imshow(shown, cmap="viridis", vmin=0, vmax=2 if bounded else 1, interpolation="nearest")
            positions, names = _orientation_ticks(orientation)
            panel.set_xticks(positions, names, fontsize=7)
            panel.set_yticks(positions, names, fontsize=7)
            panel.set_title(label)
        bar = figure_of(panels).colorbar(
            image,
            ax=[panel for panel, _, _ in drawn],
            shrink=0.7,
            ticks=[0, 0.5, 1, 1.5, 2] if bounded else [0, 0.5, 1],
        )
        bar.set_label(_dissimilarity(metric) if bounded else f"{_dissimilarity(metric)}, largest is 1")
    return panels


def rdm_rows(
    populations: Populations,
    orientation: npt.ArrayLike,
    *,
    at: Sequence[float] = (-75, -25, 25, 75),
    controls: Populations | None = None,
    metric: str = "correlation",
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
    metric : str
        As in :func:`rdms`.
    axes : array of Axes, optional
        One a reference orientation.

    Returns
    -------
    ndarray of Axes
    """
    orientation = np.asarray(orientation)
    with style():
        panels = new_panels(axes, 1, len(at), width=2.3, height=2.4, sharey=True)
        for panel, reference in zip(panels.flat, at, strict=False):
            row = int(np.abs(orientation - reference).argmin())
            for (label, matrix), (colour, line) in zip(
                [*populations.items(), *(controls or {}).items()],
                _line_styles(populations, controls),
                strict=True,
            ):
                scale = 1 if metric in BOUNDED else matrix.max()
                panel.plot(orientation, matrix[row] / scale, color=colour, linestyle=line, linewidth=1.3, label=label)
            panel.axvline(orientation[row], color="black", linewidth=0.8, alpha=0.6)
            panel.set_title(f"from {_degrees(orientation[row])}")
            _orientation_axis(panel, orientation)
        panels.flat[0].set_ylabel(_dissimilarity(metric))
        panels.flat[-1].legend(loc="center left", bbox_to_anchor=(1.02, 0.5))
    return panels


def tuning_curves(
    populations: Mapping[str, npt.NDArray[Any] | None],
    orientation: npt.ArrayLike,
    *,
    n_units: int = 3,
    seed: int = 0,
    recording: str | None = None,
    units: str = "not stated",
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
    recording : str, optional
        The population that has neurons, not units.
    units : str
        Of the recording's responses; those of networks are arbitrary.
    axes : array of Axes, optional
        Shape (n_populations, n_units).

    Returns
    -------
    ndarray of Axes
    """
    orientation = np.asarray(orientation)
    with style():
        panels = new_panels(axes, len(populations), n_units, width=2.1, height=1.5)
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
                panel.set_title(f"{label}: {'neuron' if label == recording else 'unit'} {unit}", fontsize=8)
                _orientation_axis(panel, orientation, label=index == len(panels) - 1)
            for panel in row[len(chosen) :]:
                panel.set_axis_off()
            stated = label == recording and units != "not stated"
            row[0].set_ylabel(f"response\n({units if stated else 'a.u.'})")
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
        bar = figure_of(panels).colorbar(dots, ax=[panel for panel, _, _ in drawn], shrink=0.7, ticks=ORIENTATION_TICKS)
        bar.ax.set_yticklabels([_degrees(tick) for tick in ORIENTATION_TICKS])
        bar.set_label("orientation")
    return panels


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
        panels = new_panels(axes, 1, len(items), width=width, height=height)
        return panels, [(panel, *item) for panel, item in zip(panels.flat, items, strict=True)]
    panels = new_panels(None, len(rows), max(map(len, rows)), width=width, height=height)
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


def _dissimilarity(metric: str) -> str:
    return "dissimilarity (1 − r)" if metric == "correlation" else f"dissimilarity ({metric})"


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
