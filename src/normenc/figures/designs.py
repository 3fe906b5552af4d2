"""How surely chosen stimuli identify the correct model, over the number of trials."""

import pandas as pd

from normenc.errors import InputError
from normenc.figures.common import AxesArray, new_panels, style

__all__ = ["rates_over_trials"]

NEEDED = ("stimuli", "n_stimuli", "trials", "rate")
LOOKS = {"chosen": ("C0", "o"), "synthesised": ("C3", "D"), "random": ("0.5", "s"), "own stimuli": ("C1", "^")}


def rates_over_trials(predicted: pd.DataFrame, *, axes: AxesArray | None = None) -> AxesArray:
    """Identification rates over the number of trials, a line for each set of stimuli.

    Parameters
    ----------
    predicted : DataFrame
        The rows of ``predicted.csv``: ``stimuli`` ("chosen", "random", ...), ``n_stimuli``, ``trials``, ``rate``. Where
        a set has several draws, the line is their mean, and a band spans them.
    axes : array of Axes, optional
        One.

    Returns
    -------
    ndarray of Axes, shape (1, 1)

    Raises
    ------
    InputError
        When there are no rows, or a column is missing.
    """
    missing = [name for name in NEEDED if name not in predicted]
    if missing or predicted.empty:
        what = f"no column {missing[0]!r}" if missing else "no rows"
        raise InputError(f"predicted has {what}; give the rows of predicted.csv")
    with style():
        panels = new_panels(axes, 1, 1, width=5.0, height=3.2)
        panel = panels[0, 0]
        for name, rows in predicted.groupby("stimuli", sort=False):
            colour, marker = LOOKS.get(str(name), ("C2", "v"))
            by_trials = rows.groupby("trials")["rate"]
            mean, n_draws = by_trials.mean(), by_trials.size().max()
            label = f"{rows['n_stimuli'].iloc[0]:,} {name}"
            if n_draws > 1:
                panel.fill_between(mean.index, by_trials.min(), by_trials.max(), color=colour, alpha=0.2, linewidth=0)
                label += f" (mean and range of {n_draws} draws)"
            panel.plot(mean.index, mean, color=colour, marker=marker, markersize=4, label=label)
        panel.set_xscale("log")
        panel.set_xticks(trials := sorted(predicted["trials"].unique()), [f"{n:,}" for n in trials])
        panel.minorticks_off()
        panel.set_ylim(0, 1.03)
        panel.set_xlabel("trials of each stimulus")
        panel.set_ylabel("identification rate")
        panel.legend(loc="lower right", frameon=False)
    return panels
