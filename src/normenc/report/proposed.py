"""Which stimuli would tell two encoders apart, as far as a design of the same study and recording says."""

from math import hypot, isnan
from pathlib import Path

import pandas as pd

from normenc.errors import InputError
from normenc.report.learned import spoken
from normenc.rsa.rates import mean_rate
from normenc.runs import Run
from normenc.runs.designs import RunDesign, of_own
from normenc.runs.schema import NEW
from normenc.stimulus_types import as_type
from normenc.texts import file_stem

__all__ = ["SEARCHES", "SURE", "Remedy"]

SEARCHES = "`normenc design` searches for stimuli that would"
SURE = 0.9  # share of recordings of a truth, named by which it is told from the others


class Remedy:
    """What ``normenc design`` found for a run, or that it searches.

    Parameters
    ----------
    run : Run
    design : str or Path, optional
        The folder of a design. By default the one that lies beside the run under its usual name, if it is of the same
        recording, candidates and measure.

    Raises
    ------
    InputError
        When the design that is given is not of this run.
    """

    def __init__(self, run: Run, design: str | Path | None = None) -> None:
        self.run = run
        self.design = _beside(run) if design is None else RunDesign.open(Path(design), run)

    def __call__(self, truth: str, other: str) -> str:
        """How often the design's stimuli would name a truth that the run's take for another encoder: a clause."""
        own, recording = self.design, self.run.environment["recording"]
        if own is None:
            return SEARCHES
        if own.same.get(truth, truth) == own.same.get(other, other):
            return f"nor can any stimuli in the pool of `normenc design` tell {spoken(truth)} from {spoken(other)}"
        named, mistaken = (own.rates(truth, one) for one in (truth, other))
        (rate, own_rate), (taken, own_taken) = (_at(rows, own) for rows in (named, mistaken))
        neurons = f" and {own.n_neurons:,} neurons" if own.n_neurons != recording["n_neurons"] else ""
        trials = f"{own.trials:,} trials of each" if own.trials != 1 else "one trial of each"
        stated = ", and the noise that was stated" if own.noise_is_stated else ""
        given = f"with {trials}{neurons}{stated}"
        said = (
            f"{spoken(truth)} would be named {100 * rate:.0f} times in 100 and {spoken(other)} {100 * taken:.0f} times"
        )
        proposed = f"`normenc design` proposes {own.n_stimuli:,} stimuli"
        chosen = f"the {own.n_stimuli:,} stimuli that `normenc design` chose would"
        if isnan(own_rate):
            return f"{proposed}{' that would' * (rate >= SURE)}: {given}, {said}"
        said += f", against {100 * own_rate:.0f} and {100 * own_taken:.0f} times"
        these = f"as many presentations of these {as_type(recording['stimuli']).pictures}"
        if min(rate, own_rate) >= SURE:
            return f"{chosen}, {given}, and so would {these}: {said}"
        if _is_surely_more(named, own) or (rate >= own_rate and _is_surely_more(mistaken, own, less=True)):
            verdict = f"{proposed} that would{' tell more' * (rate < SURE)}"
        else:
            verdict = f"{chosen} {'not surely tell more' if rate > own_rate else 'tell no more'}"
        return f"{verdict}: {given}, {said} with {these}"


def _beside(run: Run) -> RunDesign | None:
    here = run.folder.parent if run.folder.name == NEW else run.folder
    recording = run.environment["recording"]["name"].removesuffix(" (simulated)")
    study = f"{run.settings['name']}-{file_stem(recording)}"
    for name in dict.fromkeys([f"{here.name}-design", f"{study}-design"]):
        try:
            return RunDesign.open(here.absolute().parent / name, run)
        except InputError:
            continue
    return None


def _at(rows: pd.DataFrame, design: RunDesign) -> tuple[float, float]:
    """The share of a pair with the stimuli of a design, and with the study's own in as many presentations."""
    new = rows[rows["stimuli"] == design.best].sort_values("trials", ignore_index=True)
    (at,) = new.index[new["trials"] == design.trials]
    return float(new["share"][at]), float(of_own(rows, design.best)[at])


def _is_surely_more(rows: pd.DataFrame, design: RunDesign, *, less: bool = False) -> bool:
    """Whether the first of these is the higher one, or the lower: the interval of a difference (Newcombe 1998)."""
    rates = [mean_rate(round(share * n), n) for share, n in zip(rows["share"], rows["n_simulations"], strict=True)]
    (low, own_low), (rate, own), (high, own_high) = (
        _at(rows.assign(share=[own[place] for own in rates]), design) for place in (1, 0, 2)
    )
    return own - rate > hypot(own - own_low, high - rate) if less else rate - own > hypot(rate - low, own_high - own)
