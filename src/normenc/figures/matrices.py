"""Figures of dissimilarity matrices: RDMs, and their rows."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from scipy.stats import rankdata

from normenc.figures.common import (
    AxesArray,
    Populations,
    first_in_row,
    line_styles,
    new_panels,
    panels_in_rows,
    stimulus_axis,
    stimulus_ticks,
    style,
    titled,
)
from normenc.figures.sizes import colour_bar, legend_height, narrow, place_legend
from normenc.stimulus_types import StimulusType
from normenc.stimulus_types.known import drawn_type

__all__ = ["are_flat", "drawn", "rdm_rows", "rdms"]

MOST_DRAWN = 400  # stimuli of an RDM, about as many as a panel has dots
BOUNDED = ("correlation", "cosine")  # metrics whose dissimilarities are always between 0 and 2
FLAT = 0.05  # of the shared scale: a matrix that covers less of it looks like a single colour


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
    """Figure 2: RDMs side by side, with controls in a second row.

    All have the same colour scale. Of images, whose dissimilarities often differ little, and where a matrix would look
    like a single colour on that scale (see `are_flat`), colours are percentiles of the dissimilarities in each matrix,
    whose range is written below. Of more than 400 stimuli, 400 at even distances are drawn, and a label says so.

    Parameters
    ----------
    populations, controls : mapping of str to array, shape (n_stimuli, n_stimuli)
        Dissimilarities.
    orientation : array_like, shape (n_stimuli,)
        Degrees from vertical, ascending.
    metric : str
        Correlation and cosine distances share a scale from 0 to 2. Other metrics have a different unit in each
        population: each matrix is divided by its largest value.
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
    given = {label: matrix[np.ix_(some, some)] for label, matrix in [*populations.items(), *(controls or {}).items()]}
    ranked = stimulus_type.is_named or are_flat(given, metric)
    with style():
        panels, shown_ones = panels_in_rows(populations, controls, axes, width=2.2, height=2.4 if ranked else 2.2)
        for panel, label, matrix in shown_ones:
            if ranked:
                scaled, highest = _percentiles(given[label]), 100
            else:
                scaled, highest = given[label] if bounded else given[label] / matrix.max(), 2 if bounded else 1
            image = panel.imshow(scaled, cmap="viridis", vmin=0, vmax=highest, interpolation="nearest")
            positions, names = _places_of_ticks(every[some], stimulus_type, panel)
            panel.set_xticks(positions, names, fontsize=8)
            inner = narrow(panel) and not first_in_row(panel)
            panel.set_yticks(positions, [""] * len(names) if inner else names, fontsize=8)
            panel.set_title(titled(label, panel))
            if ranked:
                panel.set_xlabel(_range(given[label]), fontsize=8)
        if len(some) < of_all:
            first = panels.flat[0]
            first.set_xlabel("\n".join(filter(None, [first.get_xlabel(), f"{len(some)} of {of_all:,} stimuli"])))
        if ranked:
            what = f"{_dissimilarity(metric)},\npercentile in each matrix"
        else:
            what = _dissimilarity(metric) if bounded else f"{_dissimilarity(metric)}, largest is 1"
        scale = [0, 25, 50, 75, 100] if ranked else [0, 0.5, 1, 1.5, 2] if bounded else [0, 0.5, 1]
        colour_bar(image, [panel for panel, _, _ in shown_ones], what, shrink=0.7, ticks=scale)
    return panels


def are_flat(matrices: Mapping[Any, npt.NDArray[Any]], metric: str) -> bool:
    """Whether one of the matrices would look like a single colour on a scale that all of them share.

    Its dissimilarities, without the 2 % smallest and the 2 % largest, cover less than a twentieth of the scale. A
    matrix whose dissimilarities are all equal does not count: it has a single colour on any scale.

    Examples
    --------
    >>> close, wide = 1 - np.eye(3), 1 - np.eye(3)
    >>> close[0, 1], wide[0, 1] = 1.01, 1.5
    >>> are_flat({"close": close}, "correlation"), are_flat({"wide": wide}, "correlation")
    (True, False)
    """
    for matrix in matrices.values():
        own = _pairs(matrix)
        if not own.size or np.ptp(own) == 0:
            continue
        low, high = np.percentile(own, [2, 98])
        if high - low < FLAT * (2 if metric in BOUNDED else own.max()):
            return True
    return False


def _pairs(matrix: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """The dissimilarities that are known, once for each pair."""
    own = np.asarray(matrix, dtype=np.float64)[np.triu_indices(len(matrix), k=1)]
    return own[np.isfinite(own)]


def _percentiles(matrix: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Each dissimilarity as a percentile of all in the matrix; 0 on the diagonal, NaN where it is not known."""
    upper = np.triu_indices(len(matrix), k=1)
    own = np.asarray(matrix, dtype=np.float64)[upper]
    known = np.isfinite(own)
    ranks = np.full(len(own), np.nan)
    ranks[known] = 100 * (rankdata(own[known]) - 0.5) / max(1, known.sum())
    whole = np.zeros((len(matrix), len(matrix)))
    whole[upper] = ranks
    return whole + whole.T


def _range(matrix: npt.NDArray[Any]) -> str:
    """From the smallest to the largest dissimilarity of two stimuli."""
    own = _pairs(matrix)
    if not own.size:
        return ""
    largest = float(np.abs(own).max())
    digits = int(np.clip(2 - np.floor(np.log10(largest)), 0, 8)) if largest else 0
    return f"{own.min():.{digits}f} to {own.max():.{digits}f}".replace("-", "−")


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
            axes, 1, len(chosen), width=2.2, height=2.4, sharey=True, least=1.6, below=legend_height(names)
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


def _dissimilarity(metric: str) -> str:
    return "dissimilarity (1 − r)" if metric == "correlation" else f"dissimilarity ({metric})"


def _places_of_ticks(stimulus: npt.NDArray[Any], shown: StimulusType, panel: Axes) -> tuple[npt.ArrayLike, list[str]]:
    """Positions and labels of ticks on an axis of stimulus indices; named stimuli have no ticks."""
    ticks, names = stimulus_ticks(stimulus, shown, panel)
    return np.interp(ticks, stimulus, np.arange(len(stimulus))) if ticks else [], names
