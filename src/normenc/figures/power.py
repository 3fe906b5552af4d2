"""Power by the amount of data, as a map."""

import numpy as np
import pandas as pd

from normenc.errors import InputError
from normenc.figures.common import AxesArray, new_panels, style
from normenc.figures.sizes import colour_bar

__all__ = ["power_map"]

DRAWN = {  # how rows are combined, their file, and the label of the colour bar
    "recovered": ("mean", "power.csv", "how often the correct model wins"),
    "power": ("min", "power_pairs.csv", "power of the test for the weakest pair"),
}
AMOUNTS = ("n_stimuli", "n_neurons", "n_animals", "n_repeats")
CELL = (0.62, 0.42)  # inches, width and height of a number
SMALLEST = (2.2, 1.9)  # inches, of a panel


def power_map(power: pd.DataFrame, *, value: str = "recovered", axes: AxesArray | None = None) -> AxesArray:
    """How often the correct model wins, by numbers of stimuli and neurons; a row of panels for each number of animals.

    Parameters
    ----------
    power : DataFrame
        The rows of ``power.csv``: ``n_stimuli``, ``n_neurons``, ``n_animals``, ``n_repeats``, ``recovered``, averaged
        over generating models; or those of ``power_pairs.csv``.
    value : str
        ``"recovered"``, or for pairs ``"power"``, which draws that of the weakest pair.
    axes : array of Axes, optional
        One for each number of animals and of repeats.

    Returns
    -------
    ndarray of Axes, shape (n_numbers_of_animals, n_numbers_of_repeats)

    Raises
    ------
    InputError
        When there are no rows, a column is missing, or `value` is neither of the two.
    """
    if value not in DRAWN:
        raise InputError(f"value is {value!r}; it must be one of {', '.join(DRAWN)}")
    summary, file, label = DRAWN[value]
    missing = [name for name in (*AMOUNTS, value) if name not in power]
    if missing or power.empty:
        what = f"no column {missing[0]!r}" if missing else "no rows"
        raise InputError(f"power has {what}; give the rows of {file}")
    values = {name: sorted(power[name].unique().tolist()) for name in AMOUNTS}
    sides = zip(CELL, (len(values["n_stimuli"]), len(values["n_neurons"])), SMALLEST, strict=True)
    width, height = (max(least, 0.9 + cell * n) for cell, n, least in sides)
    with style():
        panels = new_panels(axes, len(values["n_animals"]), len(values["n_repeats"]), width=width, height=height)
        for row, n_animals in zip(panels, values["n_animals"], strict=True):
            for panel, n_repeats in zip(row, values["n_repeats"], strict=True):
                rows = power[(power["n_animals"] == n_animals) & (power["n_repeats"] == n_repeats)]
                table = rows.pivot_table(index="n_neurons", columns="n_stimuli", values=value, aggfunc=summary)
                table = table.reindex(index=values["n_neurons"], columns=values["n_stimuli"])
                image = panel.imshow(table.values, cmap="viridis", vmin=0, vmax=1, origin="lower", aspect="auto")
                for (line, column), number in np.ndenumerate(table.values):
                    shade = "white" if number < 0.6 else "black"
                    panel.text(column, line, f"{number:.2f}", ha="center", va="center", color=shade, fontsize=8)
                panel.set_xticks(range(len(table.columns)), [f"{n:,}" for n in table.columns])
                panel.set_yticks(range(len(table.index)), [f"{n:,}" for n in table.index])
                panel.set_title(f"{_counted(n_animals, 'animal')}, {_counted(n_repeats, 'repeat')}")
        for panel in panels[-1]:
            panel.set_xlabel("stimuli")
        for panel in panels[:, 0]:
            panel.set_ylabel("neurons of each animal" if max(values["n_animals"]) > 1 else "neurons")
        colour_bar(image, list(panels.flat), label, shrink=0.8)
    return panels


def _counted(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'s' * (n != 1)}"
