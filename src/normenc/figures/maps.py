"""All responses of populations, one row per unit."""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from normenc.arrays import as_array
from normenc.errors import InputError
from normenc.figures.common import (
    AxesArray,
    Values,
    known,
    panels_in_rows,
    per_unit,
    say_unknown,
    stimulus_ticks,
    style,
    units_text,
    wrapped,
)
from normenc.figures.sizes import colour_bar, narrow, room
from normenc.stimulus_types.known import drawn_type

__all__ = ["response_map"]

PERIODS = (180, 360)
MAX_ROWS, MAX_COLUMNS = 200, 400  # of a map, which has about twice as many dots; more would make large files
SHORT = 12  # characters of `sorted_by` that fit in one line with the rest
COLOUR_STEPS = 32  # of a map, for small files
SCALES: dict[str, tuple[str, tuple[float, float], str]] = {  # colour bar, its limits, colours
    "range": ("response, each unit scaled:\nlowest 0, highest 1", (0, 1), "viridis"),
    "z-score": ("response, each unit scaled:\nz-score over stimuli", (-2.5, 2.5), "RdBu_r"),
}


def response_map(
    populations: Values,
    orientation: npt.ArrayLike,
    preferences: Mapping[str, npt.ArrayLike],
    *,
    controls: Values | None = None,
    scale: str = "range",
    period: float = 180.0,
    sorted_by: str = "preference",
    recording: str | None = None,
    axes: AxesArray | None = None,
) -> AxesArray:
    """Responses of all units to all stimuli, one row per unit, sorted by preference; a panel for each population.

    Units without a preference (NaN) come last, below a line. A unit that responds equally to all stimuli is grey. With
    more than 200 units, neighbours share a row, which shows the mean of their scaled responses; the title gives their
    number. With more than 400 stimuli, neighbours share a column.

    Sorting by the responses shown produces a diagonal even from noise: take the preferences from one half of the trials
    and the responses from the other.

    Parameters
    ----------
    populations : mapping of str to array, shape (n_stimuli, n_units), or None
        Mean responses.
    orientation : array_like, shape (n_stimuli,)
        Degrees from vertical, ascending; with `period` 360, directions. One column per stimulus, whatever the spacing.
    preferences : mapping of str to array, shape (n_units,)
        Degrees, in any range, for each population and control.
    controls : mapping of str to array, optional
        Drawn in a second row.
    scale : str
        ``"range"``: each unit's lowest response is 0 and its highest 1; ``"z-score"``: each unit's responses have
        mean 0 and standard deviation 1.
    period : float
        180 (orientation) or 360 (direction).
    sorted_by : str
        What `preferences` are, for the axis label: "preferred orientation".
    recording : str, optional
        The population of neurons; others have units.
    axes : array of Axes, optional
        One for each population and control.

    Returns
    -------
    ndarray of Axes

    Raises
    ------
    InputError
        When shapes disagree, a population has no preferences, or the scale or period is not one of those above.
    """
    if scale not in SCALES or period not in PERIODS:
        raise InputError(
            f"scale is {scale!r} and period {period}; they must be one of {', '.join(SCALES)}, and 180 or 360 (degrees)"
        )
    x = as_array(orientation, "orientation")
    sorted_ones = {
        label: _sorted(values, preferences, label, len(x), period)
        for label, values in known(populations, controls).items()
    }
    bar_label, (low, high), colours = SCALES[scale]
    with style():
        panels, drawn = panels_in_rows(populations, controls, axes, width=2.2, height=2.3, lowest=1.6)
        image = None
        for panel, label, values in drawn:
            if values is None:
                say_unknown(panel, label)
                continue
            responses, n_preferring = sorted_ones[label]
            image = _draw_map(panel, _scaled(responses, scale), (low, high), colours)
            _label_map(panel, label, x, period, n_preferring, responses.shape[0], label == recording)
        if image is not None:
            said = bar_label.replace("response, each unit scaled:", "each unit:") if narrow() else bar_label
            colour_bar(image, [panel for panel, _, _ in drawn], said, shrink=0.8)
            first, label = next((panel, label) for panel, label, values in drawn if values is not None)
            noun = "neuron" if label == recording else "unit"
            apart = "\n" if narrow() or len(sorted_by) > SHORT else " "
            first.set_ylabel(f"{noun}, sorted{apart}by {sorted_by}")
    return panels


def _sorted(
    values: Any, preferences: Mapping[str, npt.ArrayLike], label: str, n_stimuli: int, period: float
) -> tuple[npt.NDArray[Any], int]:
    """Responses with one row per unit, sorted by preference, and the number of units that have one."""
    responses = as_array(values, label)
    if responses.ndim != 2 or len(responses) != n_stimuli or not responses.size:
        raise InputError(f"{label!r} has shape {responses.shape}; it must be {n_stimuli} stimuli x units")
    if label not in preferences:
        raise InputError(f"preferences has none for {label!r}; give them for each population and control")
    preference = per_unit(preferences[label], label)
    if len(preference) != responses.shape[1]:
        raise InputError(f"{label!r} has {len(preference)} preferences for {responses.shape[1]} units")
    order = np.argsort(np.mod(preference + period / 2, period), kind="stable")  # NaN comes last
    return responses.T[order], int(np.isfinite(preference).sum())


def _scaled(responses: npt.NDArray[Any], scale: str) -> npt.NDArray[Any]:
    """Each row scaled; NaN if it is constant."""
    if scale == "range":
        zero, one = responses.min(axis=1, keepdims=True), np.ptp(responses, axis=1, keepdims=True)
    else:
        zero, one = responses.mean(axis=1, keepdims=True), responses.std(axis=1, keepdims=True)
    return (responses - zero) / np.where(np.ptp(responses, axis=1, keepdims=True) > 0, one, np.nan)


def _averaged(rows: npt.NDArray[Any], most: int) -> tuple[npt.NDArray[Any], int]:
    """Means of neighbouring rows, for at most `most` rows, and how many are averaged; NaN is ignored."""
    together = -(-len(rows) // most)
    if together == 1:
        return rows, 1
    starts = np.arange(0, len(rows), together)
    sums = np.add.reduceat(np.nan_to_num(rows), starts)
    counts = np.add.reduceat(np.isfinite(rows).astype(np.float64), starts)
    return np.divide(sums, counts, out=np.full_like(counts, np.nan), where=counts > 0), together


def _draw_map(panel: Axes, scaled: npt.NDArray[Any], limits: tuple[float, float], colours: str) -> Any:
    fewer, high = _averaged(scaled, MAX_ROWS)
    fewer, wide = _averaged(fewer.T, MAX_COLUMNS)
    image = panel.imshow(
        fewer.T,
        cmap=plt.get_cmap(colours, COLOUR_STEPS),
        vmin=limits[0],
        vmax=limits[1],
        aspect="auto",
        interpolation="none",
        extent=(-0.5, len(fewer) * wide - 0.5, fewer.shape[1] * high - 0.5, -0.5),
    )
    panel.set_xlim(-0.5, scaled.shape[1] - 0.5)
    panel.set_ylim(len(scaled) - 0.5, -0.5)
    panel.set_facecolor("#999999")
    return image


def _label_map(
    panel: Axes, label: str, x: npt.NDArray[Any], period: float, n_preferring: int, n_units: int, neurons: bool
) -> None:
    stimulus_type = drawn_type(None, period)
    ticks, names = stimulus_ticks(x, stimulus_type, panel)
    panel.set_xticks(np.interp(ticks, x, np.arange(len(x))), names, fontsize=8)
    panel.set_yticks([0, n_units - 1][:n_units], ["1", f"{n_units:,}"][:n_units], fontsize=8)
    panel.set_xlabel(stimulus_type.axis_label)
    lines = [wrapped(label, room(panel)), units_text(n_units, neurons)]
    if n_units > MAX_ROWS:
        lines[1] += f",{chr(10) if narrow(panel) else ' '}{-(-n_units // MAX_ROWS):,} per row"
    if n_preferring < n_units:
        if n_preferring:
            panel.axhline(n_preferring - 0.5, color="white", linewidth=1.2)
        lines.append(f"{n_units - n_preferring:,} prefer none")
    panel.set_title("\n".join(lines))
