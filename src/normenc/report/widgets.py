"""Interactive figures of a run for a notebook, which hold all their data and load nothing."""

from collections import Counter
from collections.abc import Iterable
from html import escape
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import plotly.io as pio

from normenc.errors import InputError, quoted
from normenc.report.explorer import MOST_POPULATIONS, facts_of, placed
from normenc.report.stages import stages_of
from normenc.runs import Run
from normenc.texts import visible

__all__ = ["Widget", "rdm_widget", "tuning_widget"]

CONFIG = {"displaylogo": False, "responsive": True}
TOLD = {
    "preferred_orientation_deg": "prefers orientation {:.3g}°",
    "preferred_direction_deg": "prefers direction {:.3g}°",
    "gosi": "gOSI {:.2f}",
    "gdsi": "gDSI {:.2f}",
    "reliability": "reliability {:.2f}",
}
MENU = {"x": 0.52, "xanchor": "left", "y": 1.15, "yanchor": "top"}
BAR = {"orientation": "h", "y": -0.14, "yanchor": "top", "len": 0.42, "thickness": 12}


class Widget(go.Figure):
    """A Plotly figure that shows itself in a notebook without a request to the network.

    Front ends that know Plotly's own format draw that; others show HTML that holds the library.
    """

    _ipython_display_ = None  # Plotly's own would choose a single format, and may load the library

    def __repr__(self) -> str:
        return f"<Widget: {self.layout.title.text}>"

    def _repr_html_(self) -> str:
        html: str = self.to_html(config=CONFIG, full_html=False, include_plotlyjs=True, include_mathjax=False)
        return html

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **_: Any) -> dict[str, Any]:
        bundle = pio.renderers["plotly_mimetype"].to_mimebundle(self.to_dict())
        return bundle | {"text/html": self._repr_html_(), "text/plain": repr(self)}


def rdm_widget(run: Run) -> Widget:
    """The recording's RDM beside one of an encoder, which a menu chooses; zooming in one zooms in both.

    Parameters
    ----------
    run : Run

    Returns
    -------
    Widget
        Of at most 24 populations, the recording's first, and 200 stimuli, taken at even distances from more.

    Raises
    ------
    InputError
        When a version of normenc that did not store populations made the run, or the stage ``describe`` was left out.
    """
    shown, stimulus, _, chosen = placed(run, _populations(run))
    rdms = run.rdms_of(chosen.tolist())[:MOST_POPULATIONS]
    names = _different(shown.text(own) for own in stimulus)
    labels = _different(run.shown["population"].iloc[: len(rdms)])
    figure = Widget()
    hover = "%{y} and %{x}: %{z:.3g}<extra></extra>"
    for place, (label, matrix) in enumerate(zip(labels, rdms.to_numpy(), strict=True)):
        figure.add_heatmap(
            x=names,
            y=names,
            z=matrix.astype(np.float32),
            name=label,
            colorscale="Viridis",
            hovertemplate=hover,
            visible=place < 2,
            xaxis="x2" if place else "x",
            yaxis="y2" if place else "y",
            colorbar=BAR | {"x": 0.76 if place else 0.24},
        )
    others = range(1, len(labels))
    buttons = [
        {"label": labels[own], "method": "restyle", "args": [{"visible": [own == o for o in others]}, list(others)]}
        for own in others
    ]
    axis = {"type": "category", "nticks": 8, "constrain": "domain"}
    figure.update_layout(
        title={"text": f"Dissimilarities ({_text(str(rdms.attrs['metric']))})", "y": 0.97},
        xaxis=axis | {"domain": [0, 0.48], "title": {"text": labels[0]}, "side": "top"},
        xaxis2=axis | {"domain": [0.52, 1], "matches": "x", "showticklabels": False},
        yaxis=axis | {"autorange": "reversed", "scaleanchor": "x"},
        yaxis2=axis | {"matches": "y", "anchor": "x2", "showticklabels": False},
        template="plotly_white",
        height=540,
        width=900,
        updatemenus=[MENU | {"buttons": buttons}] if buttons else [],
    )
    return figure


def tuning_widget(run: Run, population: str | None = None) -> Widget:
    """Tuning curves of a population, mean and standard error, one at a time, which a slider chooses.

    Parameters
    ----------
    run : Run
    population : str, optional
        Its label; the recording's by default.

    Returns
    -------
    Widget

    Raises
    ------
    InputError
        When the run describes no tuning of that population, as of images.
    """
    populations = _populations(run)
    labels = run.shown["population"].tolist()
    tuned = [label for place, label in enumerate(labels) if f"tuning_{place}" in populations]
    if not tuned:
        raise InputError(f"{run.folder}: this run has no tuning; orientations or directions have, images have none")
    label = tuned[0] if population is None else population
    if label not in tuned:
        raise InputError(f"there is no tuning of {quoted(label)}; this run has that of {', '.join(tuned)}")
    place = labels.index(label)
    own = populations.isel(population=place)
    mean, error = (own[f"{what}_{place}"].to_numpy() for what in ("tuning", "standard_error"))
    numbers, names = own[f"unit_{place}"].to_numpy(), own[f"name_{place}"].to_numpy()
    units = pd.DataFrame(columns=["population", "unit"]) if run.tuning_units is None else run.tuning_units
    known = facts_of(units[units["population"] == label], numbers)
    titles = [
        ", ".join(
            [
                _text(str(name)),
                *(said.format(known[fact][k]) for fact, said in TOLD.items() if _is_known(known, fact, k)),
            ]
        )
        for k, name in enumerate(names)
    ]
    errors = np.nan_to_num(error).T.tolist()
    curves = mean.T.tolist()
    steps = [
        {
            "label": str(k + 1),
            "method": "update",
            "args": [{"y": [curves[k]], "error_y.array": [errors[k]]}, {"xaxis.title.text": titles[k]}],
        }
        for k in range(len(names))
    ]
    figure = Widget()
    figure.add_scatter(
        x=own["tuned_stimulus"].to_numpy().tolist(),
        y=curves[0],
        error_y={"type": "data", "array": errors[0]},
        hovertemplate="%{x}°: %{y:.3g}<extra></extra>",
    )
    figure.update_layout(
        title={"text": f"Tuning of {_text(label)}, {len(names)} units"},
        xaxis={"title": {"text": titles[0]}, "ticksuffix": "°"},
        yaxis={"title": {"text": "mean response"}},
        template="plotly_white",
        height=460,
        width=700,
        sliders=[{"steps": steps, "pad": {"t": 60}, "currentvalue": {"visible": False}}],
    )
    return figure


def _populations(run: Run) -> Any:
    if run.populations is None:
        if "describe" not in stages_of(run.settings):
            raise InputError(
                f"{run.folder}: this run left out the stage describe, which gives the units that are shown; run the "
                "study with it, and not as a quick run"
            )
        raise InputError(f"{run.folder}: a run of an older version has no such figure; run the study again")
    return run.populations


def _is_known(facts: dict[str, list[float | None]], name: str, place: int) -> bool:
    return name in facts and facts[name][place] is not None


def _text(text: str) -> str:
    """A text that Plotly shows as it is: neither as markup, nor as a formula."""
    return escape(visible(text), quote=False).replace("$", "&#36;")


def _different(texts: Iterable[str]) -> list[str]:
    """Texts for Plotly; of equal ones, which it would take for one, the later are numbered."""
    counts: Counter[str] = Counter()
    numbered = []
    for text in map(_text, texts):
        counts[text] += 1
        numbered.append(text if counts[text] == 1 else f"{text} ({counts[text]})")
    return numbered
