"""A design of stimuli, read from its folder, and whether it is of the same question as a run."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from normenc.csv_tables import read_table
from normenc.errors import InputError
from normenc.runs.files import parsed
from normenc.runs.marker import read_marker
from normenc.runs.older_keys import settings_of
from normenc.runs.reading import Run
from normenc.runs.schema import SETTINGS

__all__ = ["FACTS", "RunDesign", "rates_of_own"]

FACTS = "design.json"  # of the folder of a design
SECTIONS = ("task", "network", "encoder", "stimuli", "training")
COMPARED = ("layers", "controls", "rdm_metric", "method")
NO_RESULT = {"training": ("drawing_processes",), "recording": ("source",)}  # keys that change none


@dataclass(frozen=True)
class RunDesign:
    """What ``normenc design`` found for the recording, candidates and measure of a run.

    Attributes
    ----------
    rate, rate_of_own : float
        How often a recording of the stimuli would name the true candidate, the mean over all; and of the study's own
        stimuli with as many presentations, NaN if that is not known.
    tells_more : bool
        Whether the first is certainly the higher one.
    n_stimuli, trials, n_neurons, n_candidates : int
    noise_is_stated : bool
    """

    rate: float
    rate_of_own: float
    tells_more: bool
    n_stimuli: int
    trials: int
    n_neurons: int
    n_candidates: int
    noise_is_stated: bool

    @classmethod
    def open(cls, folder: Path, run: Run) -> "RunDesign":
        """Read the folder of a design.

        Raises
        ------
        InputError
            When it is none, is damaged, or is of something else than the run.
        """
        marker = read_marker(folder)
        if marker is None or marker.folder_kind != "design":
            raise InputError(f"{folder}: this is not the folder of a design; give one that normenc design has written")
        if FACTS not in marker.files:
            raise InputError(
                f"{folder}: this design does not tell of which recording it is, because an older version made it; "
                "run normenc design again"
            )
        settings, facts = parsed(folder, SETTINGS, settings_of), parsed(folder, FACTS, json.loads)
        try:
            differs = _difference(run, settings, facts)
            own = settings["design"]
            rates = read_table(folder / "predicted.csv")
            best = "synthesised" if (rates["stimuli"] == "synthesised").any() else "chosen"
            chosen = rates[rates["stimuli"] == best].sort_values("trials", ignore_index=True)
            at = chosen[chosen["trials"] == own["trials"]].iloc[0]
            rate_of_own = float(rates_of_own(rates, best)[at.name])
            found = cls(
                float(at["rate"]),
                rate_of_own,
                bool(rate_of_own < at["low"]),
                int(at["n_stimuli"]),
                own["trials"],
                int(facts["n_neurons"]),
                len(facts["candidates"]),
                own.get("noise") is not None,
            )
        except (KeyError, IndexError, TypeError, ValueError, OSError) as error:
            raise InputError(f"{folder}: this design is damaged ({error}); run normenc design again") from None
        if differs:
            raise InputError(
                f"{folder}: this design has {differs} than the run {run.folder}; give a design of the same"
            )
        return found


def rates_of_own(rates: pd.DataFrame, stimuli: str) -> npt.NDArray[np.float64]:
    """Rates of the study's own stimuli with as many presentations as in each row of `stimuli`, by ascending trials.

    They are interpolated over the logarithm of the number of trials. NaN where each could not be shown once, or the
    design has none of the study's own.
    """
    new, own = (rates[rates["stimuli"] == name].sort_values("trials") for name in (stimuli, "own stimuli"))
    if own.empty:
        return np.full(len(new), np.nan)
    n_own, presentations = int(own["n_stimuli"].iloc[0]), new["n_stimuli"] * new["trials"]
    found = np.interp(np.log(presentations / n_own), np.log(own["trials"]), own["rate"])
    return np.where(presentations < n_own, np.nan, found)


def _difference(run: Run, settings: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    """In what a design is of something else than the run; empty where it is not."""
    recording = run.environment["recording"]
    theirs, own = (_without(one.get("recording"), "recording") for one in (settings, run.settings))
    known = {"name": recording["name"], "sha256": recording.get("sha256")}
    if facts["recording"] != known or theirs != own:
        return "another recording"
    if known["sha256"] is None and settings.get("recording") != run.settings.get("recording"):
        return "another recording"
    if settings["comparison"].get("method") != run.settings["comparison"].get("method"):
        return "another measure"
    for name in SECTIONS:
        if _without(settings.get(name), name) != _without(run.settings.get(name), name):
            return f"another section [{name}]"
    for name in COMPARED:
        if settings["comparison"].get(name) != run.settings["comparison"].get(name):
            return f"other {name.replace('rdm_metric', 'RDMs')}"
    if not {*facts["candidates"]} <= {*run.similarity["encoder"]}:
        return "other candidates"
    return ""


def _without(section: Any, name: str) -> Any:
    """A section without keys that change no result; of several, each."""
    if isinstance(section, list):
        return [_without(one, name) for one in section]
    if not isinstance(section, dict):
        return section
    return {key: value for key, value in section.items() if key not in NO_RESULT.get(name, ())}
