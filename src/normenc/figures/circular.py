"""The two parts of RDMs of stimuli on a circle: matrices of recording and layer, and similarities."""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes

from normenc.errors import InputError
from normenc.figures.common import AxesArray, check_columns, style, wrapped
from normenc.figures.sizes import narrow, place_legend, within
from normenc.rsa.measures import facts_of
from normenc.stimulus_types import StimulusType
from normenc.stimulus_types.known import drawn_type

__all__ = ["circular_parts"]

PARTS = {"whole": "#777777", "profile": "#0072B2", "rest": "#D55E00"}
MOST_DRAWN = 12  # encoders, the most similar ones
OFFSETS = (-0.22, 0.0, 0.22)


def circular_parts(
    table: pd.DataFrame,
    matrices: Mapping[str, Mapping[str, npt.NDArray[Any]]],
    orientation: npt.ArrayLike,
    *,
    comparison: str = "pearson",
    period: float | None = 180,
    shown: str | StimulusType | None = None,
    axes: AxesArray | None = None,
) -> AxesArray:
    """RDMs of the recording and of a layer in their two parts, and the similarity of encoders in each.

    A matrix is coloured from 0 to its population's largest dissimilarity; the rest, which is above or below the
    profile, from blue to red, as far as its largest value. The range is written below. Of more than 12 encoders, those
    of the highest similarity are drawn.

    Parameters
    ----------
    table : DataFrame
        The rows of ``circular_parts.csv`` of one recording.
    matrices : mapping of str to mapping of str to array, shape (n_stimuli, n_stimuli)
        By population, its ``whole``, ``profile`` and ``rest``; the recording comes first.
    orientation : array_like, shape (n_stimuli,)
        Degrees, ascending.
    comparison : str
        The measure, for the label of the axis.
    period : float or None
        180 (orientation) or 360 (direction).
    shown : str or StimulusType, optional
        The type of the stimuli, if `period` does not determine it.
    axes : array of Axes, optional
        Three for each population, and one for the similarities.

    Returns
    -------
    ndarray of Axes

    Raises
    ------
    InputError
        If a column is missing, no similarity is known, or the rows are of several recordings.
    """
    check_columns(table, ("recording", "encoder", "part", "share", "share_of_data", "similarity", "low", "high"))
    known = table[(table["part"] == "whole") & table["similarity"].notna()]
    if known.empty or table["recording"].nunique() != 1:
        raise InputError("the table must hold the rows of one recording, with a similarity")
    names = known.loc[known["similarity"].nlargest(MOST_DRAWN).index, "encoder"].tolist()
    stimulus, kind = np.asarray(orientation), drawn_type(shown, period)
    with style():
        panels = _panels(len(matrices), len(names)) if axes is None else np.asarray(axes, dtype=object)
        if panels.size != 3 * len(matrices) + 1:
            raise InputError(f"there are {panels.size} axes; give three for each population, and one more")
        for row, (label, parts) in enumerate(matrices.items()):
            own = table[table["encoder"] == label].set_index("part")["share"]
            if row == 0:
                own = table.drop_duplicates("part").set_index("part")["share_of_data"]
            for panel, part in zip(panels[3 * row : 3 * row + 3], PARTS, strict=True):
                _draw_matrix(panel, part, parts, own, row == len(matrices) - 1)
                ticks = kind.ticks(stimulus, few=True)
                texts = [kind.text(tick) for tick in ticks]
                places = np.interp(ticks, stimulus, np.arange(len(stimulus)))
                panel.set_xticks(places, texts, fontsize=7)
                panel.set_yticks(places, texts if part == "whole" else [""] * len(texts), fontsize=7)
            panels[3 * row].set_ylabel(wrapped(label, 22))
        _draw_similarities(panels[-1], table, names, comparison)
    return panels


def _panels(n_populations: int, n_encoders: int) -> AxesArray:
    """Matrices on the left, or above on a narrow page, and similarities beside them."""
    high = max(1.75 * n_populations, 0.9 + 0.3 * n_encoders)
    below = narrow()
    size = within(9.6, high, by_rows=True)
    if below:
        size = (size[0], 0.45 * size[0] * n_populations + 0.9 + 0.3 * n_encoders)
    figure = plt.figure(figsize=size, layout="constrained")
    parts: npt.NDArray[Any]
    if below:
        heights = [0.45 * size[0] * n_populations, 0.9 + 0.3 * n_encoders]
        parts = np.asarray(figure.subfigures(2, 1, height_ratios=heights))
    else:
        parts = np.asarray(figure.subfigures(1, 2, width_ratios=[1.25, 1]))
    left, right = parts
    matrices = left.subplots(n_populations, 3, squeeze=False)
    return np.array([*matrices.flat, right.subplots()], dtype=object)


def _draw_matrix(
    panel: Axes, part: str, parts: Mapping[str, npt.NDArray[Any]], shares: "pd.Series[float]", last: bool
) -> None:
    matrix = np.asarray(parts[part], dtype=np.float64)
    pairs = matrix[np.triu_indices(len(matrix), k=1)]
    largest = float(np.abs(pairs).max()) or 1.0
    if part == "rest":
        panel.imshow(matrix, cmap="RdBu_r", vmin=-largest, vmax=largest, interpolation="nearest")
    else:
        panel.imshow(matrix, cmap="viridis", vmin=0, vmax=float(np.max(parts["whole"])), interpolation="nearest")
    share = shares.get(part, np.nan)
    known = "" if part == "whole" or pd.isna(share) else f", {100 * share:.{0 if share > 0.1 else 1}f} %"
    panel.set_title(f"{part}{known}")
    digits = 2 if largest >= 0.1 else 4
    panel.set_xlabel(f"{pairs.min():.{digits}f} to {pairs.max():.{digits}f}".replace("-", "−"), fontsize=7)


def _draw_similarities(panel: Axes, table: pd.DataFrame, names: list[str], comparison: str) -> None:
    places = {name: place for place, name in enumerate(names)}
    handles = []
    for (part, colour), offset in zip(PARTS.items(), OFFSETS, strict=True):
        rows = table[(table["part"] == part) & table["encoder"].isin(names)]
        y = [places[name] + offset for name in rows["encoder"]]
        panel.hlines(y, rows["low"], rows["high"], color=colour, linewidth=1.1)
        handles += panel.plot(rows["similarity"], y, "o", color=colour, markersize=4, label=part)
    panel.set_yticks(range(len(names)), [wrapped(name, 24) for name in names])
    panel.set_ylim(len(names) - 0.5, -0.5)
    panel.axvline(0, color="black", linewidth=0.8)
    panel.set_xlabel(wrapped(f"similarity with the recording ({facts_of(comparison).symbol}) and 95 % CI", 34))
    place_legend(panel, handles, list(PARTS))
