"""How well networks learned their tasks, against how similar they are to the recording."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from normenc.encoders import EncoderKind
from normenc.errors import InputError
from normenc.figures.common import MARKERS, OKABE_ITO, check_columns, opacities, pale_point, palette, style, wrapped
from normenc.figures.sizes import narrow, place_legend, within
from normenc.rsa.measures import facts_of

__all__ = ["competence", "with_known_competence"]

COLUMNS = ("recording", "task", "network", "layer", "kind", "seed", "similarity", "score", "chance", "perfect")
LOWEST = -0.5  # of the axis; a score further below chance is drawn at its end
CONTROL = "#555555"
COLOURS = (*OKABE_ITO[:6], "#882255", "#999933", "#44AA99", "#000000")  # of tasks: no order that a gradient could show


def with_known_competence(by_seed: pd.DataFrame) -> pd.DataFrame:
    """Trained layers whose score can be scaled and whose similarity is known, with the column ``competence``.

    It is 0 at chance and 1 for a perfect answer.

    Examples
    --------
    >>> table = pd.DataFrame({"kind": "trained layer", "similarity": [0.5, 0.6], "score": [0.75, 9.0],
    ...     "chance": [0.5, 45.0], "perfect": [1.0, 0.0]})
    >>> with_known_competence(table)["competence"].tolist()
    [0.5, 0.8]
    """
    if not {"score", "chance", "perfect"} <= set(by_seed):  # a run of an older version
        return by_seed.iloc[:0].assign(competence=[])
    scaled = (by_seed["score"] - by_seed["chance"]) / (by_seed["perfect"] - by_seed["chance"])
    known = (by_seed["kind"] == EncoderKind.TRAINED) & np.isfinite(scaled) & by_seed["similarity"].notna()
    return by_seed.assign(competence=scaled)[known]


def competence(by_seed: pd.DataFrame, similarity: pd.DataFrame | None = None, *, axes: Axes | None = None) -> Axes:
    """Whether networks that learned their task better match better: similarity against the score in the task.

    One point for each network and seed, of the layer that is most similar in the mean over seeds; its colour is the
    task, its marker the network. Scores are scaled: 0 is chance, 1 a perfect answer. Networks that did not learn their
    task are pale.

    Parameters
    ----------
    by_seed : DataFrame
        The rows of ``similarity_by_seed.csv``, of one recording.
    similarity : DataFrame, optional
        The rows of ``similarity.csv``; their noise ceiling and best control are drawn.
    axes : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        If a column is missing, no score can be scaled, or the rows are of several recordings.
    """
    import matplotlib.pyplot as plt

    check_columns(by_seed, COLUMNS)
    if by_seed["recording"].nunique() != 1:
        raise InputError("by_seed must hold the rows of one recording")
    points = _best_layers(with_known_competence(by_seed))
    if points.empty:
        raise InputError("no trained layer has a similarity and a score whose chance and best are known; none is drawn")
    tasks, networks = (list(dict.fromkeys(points[name])) for name in ("task", "network"))
    colours = dict(zip(tasks, palette(len(tasks), COLOURS), strict=True))
    markers = {name: MARKERS[k % len(MARKERS)] for k, name in enumerate(networks)}
    handles = [*_handles(colours, markers), *pale_point(points, "none"), *_references(similarity)]
    labels = [str(handle.get_label()) for handle in handles]
    with style():
        if axes is None:
            size = within(6.6, max(3.6, 0.2 * len(labels) + 0.6), legend=labels, by_rows=True)
            _, axes = plt.subplots(figsize=size, layout="constrained")
        _draw_references(axes, similarity)
        axes.axvline(0, color="black", linewidth=0.8)
        for row, alpha in zip(points.to_dict("records"), opacities(points), strict=True):
            look: Any = {"color": colours[row["task"]], "marker": markers[row["network"]], "markersize": 5}
            place = max(row["competence"], LOWEST)
            axes.plot(place, row["similarity"], linestyle="none", alpha=alpha, clip_on=False, **look)
        _label(axes, points, similarity)
        place_legend(axes, handles, labels)
    return axes


def _best_layers(points: pd.DataFrame) -> pd.DataFrame:
    """The rows of each network's layer that is most similar in the mean over its seeds."""
    if points.empty:
        return points
    means = points.groupby(["task", "network", "layer"], sort=False)["similarity"].mean().reset_index()
    best = means.loc[means.groupby(["task", "network"], sort=False)["similarity"].idxmax()]
    return points.merge(best[["task", "network", "layer"]], on=["task", "network", "layer"])


def _label(axes: Axes, points: pd.DataFrame, similarity: pd.DataFrame | None) -> None:
    low = max(LOWEST, min(0.0, float(points["competence"].min())))
    axes.set_xlim(low - 0.04, max(1.0, float(points["competence"].max())) + 0.04)
    cut = bool((points["competence"] < LOWEST).any())
    less = f"; worse than {LOWEST:g} is drawn there".replace("-", "−") if cut else ""
    axes.set_xlabel(wrapped(f"score on stimuli not trained on (0: chance, 1: perfect{less})", 36 if narrow() else 70))
    symbol = "" if similarity is None else f" ({facts_of(similarity['comparison'].iloc[0]).symbol})"
    what = f"similarity of the best layer{symbol} with “{points['recording'].iloc[0]}”"
    axes.set_ylabel(wrapped(what, 30 if narrow() else 44))


def _draw_references(axes: Axes, similarity: pd.DataFrame | None) -> None:
    if similarity is None:
        return
    first = similarity.iloc[0]
    if np.isfinite(first["ceiling_lower"]):
        axes.axhspan(first["ceiling_lower"], first["ceiling_upper"], color="#cccccc", alpha=0.6, linewidth=0)
    controls = similarity.loc[similarity["kind"] == EncoderKind.CONTROL, "similarity"]
    if controls.notna().any():
        axes.axhline(float(controls.max()), color=CONTROL, linestyle="--", linewidth=1)


def _references(similarity: pd.DataFrame | None) -> list[Any]:
    """What a legend says of them."""
    handles: list[Any] = []
    if similarity is not None and similarity.loc[similarity["kind"] == EncoderKind.CONTROL, "similarity"].notna().any():
        handles.append(Line2D([], [], color=CONTROL, linestyle="--", linewidth=1, label="best control"))
    if similarity is not None and np.isfinite(similarity["ceiling_lower"].iloc[0]):
        handles.append(Rectangle((0, 0), 1, 1, color="#cccccc", alpha=0.6, label="noise ceiling"))
    return handles


def _handles(colours: dict[str, str], markers: dict[str, str]) -> list[Any]:
    """An entry for each task and, where there are several, for each network."""
    of_tasks: list[Any] = [Rectangle((0, 0), 1, 1, color=own, label=task) for task, own in colours.items()]
    if len(markers) == 1:
        return of_tasks
    plain: Any = {"color": "black", "linestyle": "none", "markersize": 5}
    return [
        *of_tasks,
        *(Line2D([], [], marker=own, label=name, **plain) for name, own in markers.items()),
    ]
