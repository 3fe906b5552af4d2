"""Pictures of results: similarities with intervals, noise ceiling and tests."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from normenc.errors import InputError
from normenc.figures.common import style, wrapped
from normenc.figures.sizes import narrow, place_legend, within

__all__ = ["similarity_bars"]

BAR_COLOURS = {"trained": "#0072B2", "untrained twin": "#9ecae1", "control": "#999999", "model": "#0072B2"}
SYMBOLS = {
    "pearson": "Pearson r",
    "spearman": "Spearman ρ",
    "kendall-tau-a": "Kendall τ_a",
    "rho-a": "ρ_a",
    "cosine": "cosine",
    "whitened-cosine": "whitened cosine",
    "whitened-correlation": "whitened correlation",
}
ALPHA = 0.05


def similarity_bars(similarity: pd.DataFrame, pairs: pd.DataFrame | None = None, *, axes: Axes | None = None) -> Axes:
    """Picture 3: similarity of each model's RDM with the recording's, with all that tells whether it means anything.

    Whiskers are 95 % intervals, the grey band runs from the lower to the upper noise ceiling, and a dot at the foot
    of a bar says that it is above chance (Holm-corrected). To the right stands a wing for every model that beats
    another: its dot in the model's own row, a tick in the row of each model that is significantly less similar.

    Parameters
    ----------
    similarity : DataFrame
        The rows of ``similarity.csv``: one a bar, from top to bottom. Rows with a seed and ``trained`` false are
        untrained twins, those without a seed are controls; where ``trained`` is missing, plain models. One recording,
        one comparison.
    pairs : DataFrame, optional
        Of :class:`normenc.rsa.Inference`: tests between all pairs of the rows, by position.
    axes : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        When the rows are of several recordings or comparisons.
    """
    if similarity.empty or similarity["recording"].nunique() != 1 or similarity["comparison"].nunique() != 1:
        raise InputError("similarity must hold the rows of one recording and one comparison")
    first = similarity.iloc[0]
    with style():
        if axes is None:
            kinds = list(dict.fromkeys(_kind(row) for row in similarity.itertuples()))
            size = within(6.6, 1.1 + 0.33 * len(similarity), legend=["noise ceiling", *kinds], by_rows=True)
            _, axes = plt.subplots(figsize=size, layout="constrained")
        if np.isfinite(first["ceiling_lower"]):
            axes.axvspan(
                first["ceiling_lower"], first["ceiling_upper"], color="#cccccc", alpha=0.6, label="noise ceiling"
            )
        seen = set()
        kinds = [_kind(row) for row in similarity.itertuples()]
        for position, row in enumerate(similarity.itertuples()):
            kind = kinds[position]
            axes.barh(
                position, row.similarity, color=BAR_COLOURS[kind], height=0.7, label=None if kind in seen else kind
            )
            seen.add(kind)
            axes.plot([row.low, row.high], [position] * 2, color="black", linewidth=1.1, solid_capstyle="butt")
            if row.p_chance_holm <= ALPHA:
                axes.plot(0.015, position, "o", color="white", markersize=3.5)
        right = max(1.0, float(similarity["high"].max()), float(np.nan_to_num(first["ceiling_upper"])))
        for position, value in enumerate(similarity["similarity"]):
            axes.text(right + 0.02, position, f"{value:.3f}", va="center", fontsize=8)
        end = _draw_wings(axes, len(similarity), _winners(similarity, pairs), right + (0.45 if narrow() else 0.24))
        names = [_bar_name(row) for row in similarity.itertuples()]
        axes.set_yticks(range(len(similarity)), [wrapped(name, 20) if narrow() else name for name in names])
        axes.invert_yaxis()
        axes.axvline(0, color="black", linewidth=0.8)
        lowest = float(similarity[["similarity", "low"]].min(axis=None))  # an interval may be unknown
        axes.set_xlim(min(0.0, lowest - 0.03), end)
        axes.set_xticks([tick for tick in np.arange(-1, 1.01, 0.5 if narrow() else 0.25) if tick >= axes.get_xlim()[0]])
        comparison = SYMBOLS[first["comparison"]]
        axes.set_xlabel(f"similarity of RDMs ({comparison}{'' if narrow() else '; 1 is the same geometry'})")
        axes.set_title(f"similarity with {first['recording']}")
        place_legend(axes, *axes.get_legend_handles_labels())
    return axes


def _winners(similarity: pd.DataFrame, pairs: pd.DataFrame | None) -> dict[int, list[int]]:
    """Of each row that is significantly more similar than others, these others' rows."""
    if pairs is None:
        return {}
    first, second = np.triu_indices(len(similarity), k=1)
    if len(pairs) != len(first):
        raise InputError(f"there are {len(pairs)} pairs for {len(similarity)} rows; there must be {len(first)}")
    found: dict[int, list[int]] = {}
    for one, other, difference, p in zip(first, second, pairs["difference"], pairs["p_holm"], strict=True):
        if p <= ALPHA:
            better, worse = (one, other) if difference > 0 else (other, one)
            found.setdefault(int(better), []).append(int(worse))
    return found


def _draw_wings(axes: Axes, n_rows: int, winners: dict[int, list[int]], start: float) -> float:
    """Draw one column for each winner from `start` on; gives where the axis should end."""
    for column, (better, worse) in enumerate(sorted(winners.items())):
        x = start + 0.05 * column
        rows = [better, *worse]
        axes.plot([x, x], [min(rows), max(rows)], color="black", linewidth=0.9)
        axes.plot(x, better, "o", color="black", markersize=4)
        for row in worse:
            axes.plot([x, x + 0.025], [row, row], color="black", linewidth=0.9)
    return start + 0.05 * len(winners)


def _kind(row: Any) -> str:
    if pd.isna(row.trained):
        return "model"
    return "trained" if row.trained else "control" if pd.isna(row.seed) else "untrained twin"


def _bar_name(row: Any) -> str:
    if pd.isna(row.seed):
        return str(row.model)
    several = f" ({row.n_seeds} seeds)" if row.n_seeds > 1 else ""
    return f"{row.model} {row.layer}" + ("" if row.trained else ", untrained") + several
