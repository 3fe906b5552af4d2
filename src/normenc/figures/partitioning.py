"""What layers explain beyond all controls together."""

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from normenc.csv_tables import did_not_learn
from normenc.encoders import EncoderKind
from normenc.errors import InputError
from normenc.figures.common import NOT_LEARNED, check_columns, style, wrapped
from normenc.figures.similarity import BARS, bar_look
from normenc.figures.sizes import narrow, place_legend, within

__all__ = ["unique_variance"]

MOST_DRAWN = 24  # layers, those with the largest part of their own
AXIS = {
    "dissimilarities": "share of the variance of dissimilarities explained beyond all controls",
    "responses": "share of the variance of responses explained beyond all controls",
}


def unique_variance(partitioning: pd.DataFrame, *, axes: Axes | None = None) -> Axes:
    """What each layer explains beyond all controls together: a bar per layer, with its 95 % confidence interval.

    Of more than 24 layers, those of the largest part of their own are drawn. The title says what the controls explain.
    Bars of networks that did not learn their task are pale, with a dashed outline.

    Parameters
    ----------
    partitioning : DataFrame
        The rows of ``partitioning.csv`` of one recording and one ``variance_of``.
    axes : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        If a column is missing, no share is known, or the rows are of several recordings or kinds of variance.
    """
    import matplotlib.pyplot as plt

    needed = ("recording", "encoder", "kind", "variance_of", "explained_by_controls", "unique")
    check_columns(partitioning, (*needed, "unique_low", "unique_high"))
    if partitioning["recording"].nunique() != 1 or partitioning["variance_of"].nunique() != 1:
        raise InputError("partitioning must hold the rows of one recording and one kind of variance")
    known = partitioning[partitioning["unique"].notna()]
    if known.empty:
        raise InputError(f"no share of variance is known in any of the {len(partitioning)} rows; nothing can be drawn")
    kept = known.nlargest(MOST_DRAWN, "unique").index
    drawn = known.loc[known.index.isin(kept)]
    kinds = list(dict.fromkeys(drawn["kind"]))
    named = [BARS[EncoderKind(kind)] for kind in kinds]
    handles: list[Artist] = [Patch(color=colour, label=f"{name} layer") for name, colour in named]
    if did_not_learn(drawn).any():
        handles.append(Patch(label=NOT_LEARNED, **bar_look(BARS[EncoderKind.TRAINED][1], failed=True)))
    handles.append(Line2D([], [], color="black", linewidth=1.1, label="95 % CI"))
    names = [wrapped(str(name), 20 if narrow() else 40) for name in drawn["encoder"]]
    with style():
        if axes is None:
            labels = [str(handle.get_label()) for handle in handles]
            size = within(5.6, 1.3 + 0.33 * len(drawn), legend=labels, by_rows=True)
            _, axes = plt.subplots(figsize=size, layout="constrained")
        for position, (row, failed) in enumerate(zip(drawn.to_dict("records"), did_not_learn(drawn), strict=True)):
            look = bar_look(BARS[EncoderKind(row["kind"])][1], failed=failed)
            axes.barh(position, row["unique"], height=0.7, **look)
            ends = [row["unique_low"], row["unique_high"]]
            axes.plot(ends, [position] * 2, color="black", linewidth=1.1, solid_capstyle="butt")
        axes.set_yticks(range(len(drawn)), names)
        axes.invert_yaxis()
        axes.axvline(0, color="black", linewidth=0.8)
        first = drawn.iloc[0]
        axes.set_xlabel(wrapped(AXIS[first["variance_of"]], 40))
        share = f"{first['explained_by_controls']:.2f}".replace("-", "−")
        title = f"all controls together explain {share} of the variance of {first['variance_of']}"
        axes.set_title(wrapped(title, 30 if narrow() else 60))
        place_legend(axes, handles, [str(handle.get_label()) for handle in handles])
    return axes
