"""Which stimuli would tell, as far as a design of the same study and recording says."""

from math import isnan
from pathlib import Path

from normenc.errors import InputError
from normenc.runs import Run
from normenc.runs.designs import RunDesign
from normenc.runs.schema import NEW
from normenc.texts import file_stem

__all__ = ["SEARCHES", "proposal"]

SEARCHES = "`normenc design` searches for stimuli that would"


def proposal(run: Run, design: str | Path | None = None) -> str:
    """What ``normenc design`` found for a run, or that it searches: a clause.

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
    if design is not None:
        return _proposed(run, Path(design))
    here = run.folder.parent if run.folder.name == NEW else run.folder
    recording = run.environment["recording"]["name"].removesuffix(" (simulated)")
    study = f"{run.settings['name']}-{file_stem(recording)}"
    for name in dict.fromkeys([f"{here.name}-design", f"{study}-design"]):
        try:
            return _proposed(run, here.absolute().parent / name)
        except InputError:
            continue
    return SEARCHES


def _proposed(run: Run, folder: Path) -> str:
    own = RunDesign.open(folder, run)
    if not own.tells_more and not isnan(own.rate_of_own):
        return f"the {own.n_stimuli:,} stimuli that `normenc design` chose would tell no more"
    n_recorded = run.environment["recording"]["n_neurons"]
    neurons = f" of {own.n_neurons:,} neurons" if own.n_neurons != n_recorded else ""
    trials = f"{own.trials:,} trials" if own.trials != 1 else "one trial"
    stated = " and the noise that was stated" if own.noise_is_stated else ""
    named = f"the true one of all {own.n_candidates} candidates would be named {100 * own.rate:.0f} times in 100"
    found = f"`normenc design` proposes {own.n_stimuli:,} stimuli"
    with_each = f"with {trials}{neurons} each{stated}, {named}"
    if isnan(own.rate_of_own):
        return f"{found}: {with_each}"
    these = f"{100 * own.rate_of_own:.0f} times with as many presentations of these"
    return f"{found} that would tell more: {with_each}, and {these}"
