"""Tuning curves of a few neurons or units of each population."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from normenc.arrays import as_array
from normenc.errors import InputError
from normenc.figures.common import COLOURS, AxesArray, new_panels, stimulus_axis, style, wrapped
from normenc.figures.sizes import keep_right, narrow
from normenc.stimulus_types.known import drawn_type

__all__ = ["tuning_curves"]

NAME, NARROW_NAME = 18, 10  # characters of a unit's name in a line, and in one above a narrow panel
ROW_NAME = 20  # characters of a population's name in a line


def tuning_curves(
    populations: Mapping[str, npt.NDArray[Any] | None],
    orientation: npt.ArrayLike,
    *,
    n_units: int = 3,
    seed: int = 0,
    scores: Mapping[str, npt.ArrayLike] | None = None,
    score: str = "score",
    chosen: Mapping[str, Sequence[int]] | None = None,
    names: Mapping[str, npt.ArrayLike] | None = None,
    standard_errors: Mapping[str, npt.NDArray[Any]] | None = None,
    fits: Mapping[str, npt.NDArray[Any]] | None = None,
    fit_orientation: npt.ArrayLike | None = None,
    period: float = 180.0,
    recording: str | None = None,
    units: str = "not stated",
    axes: AxesArray | None = None,
) -> AxesArray:
    """Figure 5: responses of a few neurons or units of each population: random, the best, or chosen ones.

    With a fit, responses are dots and the fit is a line; without one, responses are a line.

    Parameters
    ----------
    populations : mapping of str to array, shape (n_stimuli, n_units), or None
        Mean responses, a row of panels for each; None for a population known only by its RDM, whose row says so.
    orientation : array_like, shape (n_stimuli,)
        Degrees from vertical, rising; with `period` 360, directions.
    n_units : int
        Number of neurons or units from each population; random without `scores` or `chosen`.
    seed : int
        For the random choice.
    scores : mapping of str to array, shape (n_units,), optional
        Draw the `n_units` with the highest score, best first; units with a score of NaN are not drawn. Titles give the
        scores. The best of many look good by chance alone: compute the scores from other trials, or state how the units
        were chosen.
    score : str
        What the scores are, such as "reliability".
    chosen : mapping of str to sequence of int, optional
        Draw these units, numbered from 0, in this order.
    names : mapping of str to array_like of str, shape (n_units,), optional
        Names of a population's units, for the titles; by default their numbers, from 0.
    standard_errors : mapping of str to array, shape (n_stimuli, n_units), optional
        Of the means, drawn as a band of plus or minus one standard error; no band where NaN.
    fits : mapping of str to array, shape (n_points, n_units), optional
        Curves fitted to the responses.
    fit_orientation : array_like, shape (n_points,), optional
        Stimuli at which `fits` are evaluated; those of the responses by default.
    period : float
        180 (orientation) or 360 (direction), for the axis.
    recording : str, optional
        The population of neurons; others have units.
    units : str
        Unit of the recording's responses; those of networks are arbitrary.
    axes : array of Axes, optional
        Shape (n_populations, n_units).

    Returns
    -------
    ndarray of Axes

    Raises
    ------
    InputError
        When shapes disagree, scores or chosen units of a population are missing, or a chosen unit does not exist.
    """
    x = as_array(orientation, "orientation")
    stimulus_type = drawn_type(None, period)
    at = x if fit_orientation is None else as_array(fit_orientation, "fit_orientation")
    known = {k: _curves(r, len(x), f"responses of {k!r}") for k, r in populations.items() if r is not None}
    called = {
        label: _names(own, label, known[label].shape[1]) for label, own in (names or {}).items() if label in known
    }
    picked = {label: _picked(label, mean.shape[1], n_units, seed, scores, chosen) for label, mean in known.items()}
    n_columns = n_units if chosen is None else max([1, *map(len, picked.values())])
    height = 1.5 if scores is None else 1.65
    with style():
        panels = new_panels(axes, len(populations), n_columns, width=2.1, height=height, lowest=0.72 * height)
        if axes is None and narrow(panels[0, 0]):
            keep_right(panels, 0.05)  # for the titles of the last column
        for index, (label, row) in enumerate(zip(populations, panels, strict=True)):
            shown = picked.get(label, [])
            for panel in row[len(shown) :]:
                panel.set_axis_off()
            if label not in known:
                text = f"{wrapped(label)}: known only by its RDM,\nno neuron's responses"
                row[0].text(0, 0.5, text, transform=row[0].transAxes, in_layout=False)
                continue
            mean = known[label]
            error = _beside(standard_errors, label, "standard_errors", mean.shape)
            fit = _beside(fits, label, "fits", (len(at), mean.shape[1]))
            below = [len(picked.get(other, [])) for other in list(populations)[index + 1 :]]
            titles = _titles(row[0], label, shown, called.get(label), scores, score, neurons=label == recording)
            for column, (panel, unit) in enumerate(zip(row, shown, strict=False)):
                _draw(panel, (x, mean, error), None if fit is None else (at, fit), unit, COLOURS[index % len(COLOURS)])
                _title(panel, label, titles, column)
                stimulus_axis(panel, x, stimulus_type, label=column >= max(below, default=0))
            stated = label == recording and units != "not stated"
            row[0].set_ylabel(f"response\n({wrapped(units, 16) if stated else 'a.u.'})")
    return panels


def _draw(panel: Axes, data: tuple[Any, Any, Any], fit: tuple[Any, Any] | None, unit: int, colour: str) -> None:
    x, mean, error = data
    if error is not None:
        low, high = mean[:, unit] - error[:, unit], mean[:, unit] + error[:, unit]
        panel.fill_between(x, low, high, color=colour, alpha=0.25, linewidth=0)
    look: Any = {"linewidth": 1.1} if fit is None else {"linestyle": "none", "marker": ".", "markersize": 3}
    panel.plot(x, mean[:, unit], color=colour, alpha=1 if fit is None else 0.6, **look)
    if fit is not None:
        panel.plot(fit[0], fit[1][:, unit], color=colour, linewidth=1.3)


def _titles(
    panel: Axes,
    label: str,
    units: Sequence[int],
    names: Sequence[str] | None,
    scores: Mapping[str, npt.ArrayLike] | None,
    score: str,
    *,
    neurons: bool,
) -> list[str]:
    """Names and scores of a row's units, in lines that fit its panels."""
    word = "neuron" if neurons else "unit"
    titles = []
    for unit in units:
        name = f"{unit}" if names is None else names[unit]
        told = "" if scores is None else f"{score} {np.asarray(scores[label])[unit]:.2f}"
        if narrow(panel):
            lines = [wrapped(f"{word} {name}", NARROW_NAME), wrapped(told, NARROW_NAME)]
        else:
            lines = [f"{word} {wrapped(name, NAME)}", told]
        titles.append("\n".join(filter(None, lines)))
    return titles


def _title(panel: Axes, label: str, titles: Sequence[str], column: int) -> None:
    """Name the unit and its population; on a narrow page only above the first unit, higher than all titles."""
    if not narrow(panel):
        name = wrapped(label, ROW_NAME)
        together = len(name.split("\n")[-1]) + len(titles[column].split("\n")[0]) <= ROW_NAME
        panel.set_title(f"{name}:{' ' if together else chr(10)}{titles[column]}", fontsize=8)
        return
    panel.locator_params(axis="y", nbins=3)
    above = ""
    if column == 0:
        most = max(title.count("\n") for title in titles)
        _draw_name(panel, label, 2 + most)
        above = "\n" * (1 + most - titles[0].count("\n"))
    panel.set_title(above + titles[column], fontsize=8, loc="left")


def _draw_name(panel: Axes, label: str, line: int) -> None:
    """The population's name above its first unit, `line` lines above the panel."""
    place: Any = {"xytext": (0, 5 + 9.9 * (line - 1)), "textcoords": "offset points", "in_layout": False}
    panel.annotate(wrapped(label, 60), (0, 1), xycoords="axes fraction", fontsize=8, va="bottom", **place)


def _picked(
    label: str,
    n: int,
    n_units: int,
    seed: int,
    scores: Mapping[str, npt.ArrayLike] | None,
    chosen: Mapping[str, Sequence[int]] | None,
) -> list[int]:
    """The units to draw from a population of `n`, in order."""
    if scores is not None and chosen is not None:
        raise InputError("both scores and chosen are given; give one of them to say which units are drawn")
    if chosen is not None:
        if label not in chosen:
            raise InputError(f"chosen has no units of {label!r}; give a list for each population")
        wrong = [unit for unit in chosen[label] if not 0 <= unit < n]
        if wrong:
            raise InputError(f"chosen of {label!r} has unit {wrong[0]}; there are {n}, numbered from 0")
        return [int(unit) for unit in chosen[label]]
    if scores is None:
        return [int(unit) for unit in np.random.default_rng(seed).permutation(n)[:n_units]]
    if label not in scores:
        raise InputError(f"scores has none for {label!r}; give scores for each population")
    values = as_array(scores[label], f"scores of {label!r}")
    if values.shape != (n,):
        raise InputError(f"scores of {label!r} have shape {values.shape}; there must be one for each of {n} units")
    order = np.argsort(-values, kind="stable")
    return [int(unit) for unit in order[~np.isnan(values[order])][:n_units]]


def _curves(values: Any, n_stimuli: int, what: str) -> npt.NDArray[Any]:
    array = as_array(values, what)
    if array.ndim != 2 or len(array) != n_stimuli:
        raise InputError(f"{what} have shape {array.shape}; they must be {n_stimuli} stimuli x units")
    return array


def _names(given: npt.ArrayLike, label: str, n_units: int) -> list[str]:
    own = [str(name) for name in np.asarray(given)]
    if len(own) != n_units:
        raise InputError(f"there are {len(own)} names for {label!r}; give one for each of the {n_units} units")
    return own


def _beside(
    given: Mapping[str, npt.NDArray[Any]] | None, label: str, what: str, shape: tuple[int, ...]
) -> npt.NDArray[Any] | None:
    """Additional data to draw with a population's responses, if given."""
    if given is None or label not in given:
        return None
    array = as_array(given[label], what)
    if array.shape != shape:
        raise InputError(f"{what} of {label!r} have shape {array.shape}; it must be {shape}")
    return array
