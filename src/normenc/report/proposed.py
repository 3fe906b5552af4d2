"""Which stimuli would tell, as far as a design of the same study and recording says."""

from pathlib import Path

from normenc.errors import InputError
from normenc.runs import Run
from normenc.runs.designs import RunDesign
from normenc.runs.schema import NEW
from normenc.texts import file_stem

__all__ = ["SEARCHES", "proposal"]

SEARCHES = "`normenc design` searches for stimuli that would"
SURE = 0.9  # rate from which stimuli are said to tell


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
    n = own.n_stimuli
    neurons = f" of {own.n_neurons:,} neurons" if own.n_neurons != run.environment["recording"]["n_neurons"] else ""
    trials = f"{own.trials:,} trials" if own.trials != 1 else "one trial"
    each = f"{trials}{neurons} each{' and the noise that was stated' if own.noise_is_stated else ''}"
    rate = f"{100 * own.rate:.0f} of 100 over all {own.n_candidates} candidates"
    if own.rate < SURE:
        return f"the {n:,} stimuli that `normenc design` proposes would not always, either: with {each}, {rate}"
    return f"`normenc design` proposes {n:,} stimuli that would, with {each}: {rate}"
