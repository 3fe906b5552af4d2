"""Two ways to compare encoders with neurons, one against the other."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from normenc.encoders import LEARNED, EncoderKind
from normenc.errors import InputError
from normenc.figures.common import COLOURS, check_columns, opacities, pale_point, style, wrapped
from normenc.figures.numbering import place_numbers
from normenc.figures.sizes import narrow, place_legend, within
from normenc.renamed import renamed

__all__ = ["MEASURES", "known_measures", "predictivity"]

MEASURES = {  # columns of predictivity.csv, and their labels
    "feve": "fraction of explainable variance explained, median",
    "noise_corrected_r": "noise-corrected correlation, median",
    "r": "correlation of predicted and recorded responses, median",
    "r2": "R², median",
}
KINDS = {  # colour and marker of each kind, and whether the marker is filled
    EncoderKind.TRAINED: (COLOURS[1], "o", True),
    EncoderKind.TWIN: (COLOURS[1], "o", False),
    EncoderKind.CONTROL: ("#777777", "s", True),
    EncoderKind.PRETRAINED: (COLOURS[3], "^", True),
    EncoderKind.FITTED: (COLOURS[2], "D", True),
}
MOST_NAMED = 40
NEAR = 0.4  # predictivity from which on the axis reaches a perfect model
LEAST_SPAN = 0.05
WIDE = 2.5  # times as wide as the points: intervals from which on the axis is cut
BOUNDS = (-1.0, 2.0)  # of the axis; a constant prediction has 0, a perfect model 1


def known_measures(table: pd.DataFrame) -> list[str]:
    """The measures, best first, that at least one row has: none if no neuron of the recording is reliable.

    Examples
    --------
    >>> known_measures(pd.DataFrame({"feve": [np.nan, np.nan], "r": [np.nan, 0.5]}))
    ['r']
    """
    return [name for name in MEASURES if name in table and table[name].notna().any()]


@renamed(ax="axes")
def predictivity(table: pd.DataFrame, *, measure: str | None = None, axes: Axes | None = None) -> Axes:
    """Predictivity of neurons against similarity of RDMs, one point per encoder.

    Lines are 95 % confidence intervals. The grey band is the noise ceiling of the RDMs; for noise-corrected measures,
    the dotted line is a perfect model, unless all encoders are far from it. Axes show the points: intervals that are
    much wider are cut at the frame, and a label says so. The axis of predictivity ends at -1 and 2: values beyond it
    are triangles at its end, labelled with the value. Of more than 40 rows, only the controls, the networks fitted to
    neurons and the most similar layers are numbered. Networks that did not learn their task are pale.

    Parameters
    ----------
    table : DataFrame
        The rows of ``predictivity.csv``, of one recording.
    measure : str, optional
        One of :data:`MEASURES`; by default the first with a known value.
    axes : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        If a column is missing, no measure or not this one is known, or the rows are not of one recording.
    """
    import matplotlib.pyplot as plt

    check_columns(table, ("recording", "encoder", "kind", "similarity"))
    known = known_measures(table)
    if not known:
        raise InputError(
            f"no measure of predictivity is known in any of the {len(table)} rows; there is nothing to draw"
        )
    chosen = known[0] if measure is None else measure
    if chosen not in known:
        raise InputError(f"measure is {measure!r}; the rows have {', '.join(known)}")
    if (n_recordings := table["recording"].nunique()) != 1:
        raise InputError(f"the rows are of {n_recordings} recordings; give those of one")
    named = _named(table)
    with style():
        if axes is None:
            names = [_name(row) for row in named.to_dict("records")]
            height = max(4.4, 0.2 * sum(name.count("\n") + 1 for name in names))
            axes = plt.subplots(figsize=within(7.2, height, legend=names), layout="constrained")[1]
        first = table.iloc[0]
        if np.isfinite(first["ceiling_lower"]):
            axes.axvspan(first["ceiling_lower"], first["ceiling_upper"], color="#cccccc", alpha=0.6, linewidth=0)
        drawn = table[table[["similarity", chosen]].notna().all(axis=1)]
        for row, alpha in zip(drawn.to_dict("records"), opacities(drawn), strict=True):
            _draw(axes, row, chosen, alpha)
        corrected = chosen in ("feve", "noise_corrected_r")
        near = corrected and bool((drawn[chosen] >= NEAR).any())
        if near:
            axes.axhline(1, color="black", linestyle=":", linewidth=0.9)
        cut = _set_limits(axes, drawn, chosen, near)
        axes.set_xlabel("similarity of RDMs" + cut * "\n(longer intervals are cut at the frame)")
        far = corrected and not near
        axes.set_ylabel(wrapped(MEASURES[chosen], 26 if narrow() else 40) + far * "\n(1 is a perfect model)")
        handles = [*_legend(table, named, drawn.index), *pale_point(drawn)]
        place_legend(
            axes, handles, [str(h.get_label()) for h in handles], loc="center left", bbox_to_anchor=(1.01, 0.5)
        )
        numbered = [row for row in named.itertuples() if row.Index in drawn.index]
        points = [(row.similarity, float(np.clip(getattr(row, chosen), *BOUNDS))) for row in numbered]
        place_numbers(axes, points, [_number(row.number, getattr(row, chosen)) for row in numbered])
    return axes


def _named(table: pd.DataFrame) -> pd.DataFrame:
    """The rows to number: all or, of very many, those of no layer that learned, and no twin, and the most similar."""
    apart = ~table["kind"].isin([*LEARNED, EncoderKind.TWIN])
    order = table.assign(apart=apart).sort_values(["apart", "similarity"], ascending=False, kind="stable")
    kept = table.loc[order.index[:MOST_NAMED].sort_values()]
    return kept.assign(number=range(1, len(kept) + 1))


def _name(row: dict[Any, Any]) -> str:
    return f"{row['number']}  {wrapped(str(row['encoder']), 30)}"


def _number(number: int, value: float) -> str:
    """The label of a point: its number and, beyond the axis, its value."""
    return f"{number}" if BOUNDS[0] <= value <= BOUNDS[1] else f"{number}: {value:.3g}".replace("-", "−")


def _draw(axes: Axes, row: dict[Any, Any], chosen: str, alpha: float) -> None:
    colour, marker, filled = KINDS[EncoderKind(row["kind"])]
    x, y = row["similarity"], float(np.clip(row[chosen], *BOUNDS))
    thin: Any = {"color": colour, "linewidth": 0.8, "alpha": 0.5 * alpha}
    if y == row[chosen]:
        axes.plot([row["similarity_low"], row["similarity_high"]], [y, y], **thin)
        if f"{chosen}_low" in row:
            axes.plot([x, x], np.clip([row[f"{chosen}_low"], row[f"{chosen}_high"]], *BOUNDS), **thin)
    else:
        marker = "v" if y > row[chosen] else "^"  # it points towards the value
    face = colour if filled else "white"
    look: Any = {"marker": marker, "color": colour, "markerfacecolor": face, "markersize": 6, "alpha": alpha}
    axes.plot(x, y, linestyle="none", clip_on=False, **look)


def _set_limits(axes: Axes, drawn: pd.DataFrame, chosen: str, near: bool) -> bool:
    """Limit the axes to the points, and to what should be seen beside them; whether intervals are cut."""
    if drawn.empty:
        return False
    x, y = drawn["similarity"], drawn[chosen].clip(*BOUNDS)
    ceiling = float(drawn["ceiling_lower"].iloc[0])
    ends = {name: drawn[name].to_numpy() for name in ("similarity_low", "similarity_high")}
    left, right, cut = _window(x, [*ends.values()], [] if np.isnan(ceiling) else [ceiling])
    axes.set_xlim(left, right)
    whiskers = [drawn[f"{chosen}_{end}"].clip(*BOUNDS) for end in ("low", "high") if f"{chosen}_{end}" in drawn]
    bottom, top, also_cut = _window(y, whiskers, [1.0] if near else [])
    axes.set_ylim(
        BOUNDS[0] if (drawn[chosen] < BOUNDS[0]).any() else bottom,
        BOUNDS[1] if (drawn[chosen] > BOUNDS[1]).any() else top,
    )
    return cut or also_cut


def _window(points: Any, intervals: list[Any], seen: list[float]) -> tuple[float, float, bool]:
    """The ends of an axis that shows the points, `seen` and, unless they are far wider, the intervals."""
    inner = [float(np.min(points)), float(np.max(points))]
    inner = [min([inner[0], *seen]), max([inner[1], *seen])]
    known = np.concatenate([inner, *(np.asarray(own, dtype=np.float64) for own in intervals)])
    low, high = float(np.nanmin(known)), float(np.nanmax(known))
    span = max(inner[1] - inner[0], LEAST_SPAN)
    cut = high - low > WIDE * span
    if cut:
        low, high = max(low, inner[0] - 0.4 * span), min(high, inner[1] + 0.4 * span)
    margin = 0.05 * (high - low) or 0.05
    return low - margin, high + margin, cut


def _legend(table: pd.DataFrame, named: pd.DataFrame, drawn: pd.Index) -> list[Line2D]:
    """An entry for each numbered row, and one for each kind of the other rows."""
    handles = []
    for index, row in zip(named.index, named.to_dict("records"), strict=True):
        missing = "" if index in drawn else " (no score)"
        handles.append(_handle(row["kind"], _name(row) + missing))
    rest = table.loc[table.index.difference(named.index)]
    for kind, n in rest["kind"].value_counts(sort=False).items():
        handles.append(_handle(str(kind), f"{n} other {kind}{'s' * (n > 1)}"))
    return handles


def _handle(kind: str, label: str) -> Line2D:
    colour, marker, filled = KINDS[EncoderKind(kind)]
    look: Any = {"color": colour, "marker": marker, "markerfacecolor": colour if filled else "white"}
    return Line2D([], [], label=label, linestyle="none", **look)
