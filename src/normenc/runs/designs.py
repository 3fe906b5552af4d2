"""A design of stimuli, read from its folder, and whether it is of the same question as a run."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from normenc.csv_tables import read_table
from normenc.errors import InputError
from normenc.runs.files import parsed
from normenc.runs.marker import read_marker
from normenc.runs.older_keys import settings_of
from normenc.runs.reading import Run
from normenc.runs.schema import SETTINGS

__all__ = ["FACTS", "RunDesign"]

FACTS = "design.json"  # of the folder of a design
SECTIONS = ("task", "network", "encoder", "stimuli", "training")
COMPARED = ("layers", "controls", "rdm_metric", "method")
NO_RESULT = {"training": ("drawing_processes",), "recording": ("source",)}  # keys that change none


@dataclass(frozen=True)
class RunDesign:
    """What ``normenc design`` found for the recording, candidates and measure of a run.

    Attributes
    ----------
    rate : float
        How often a recording of the stimuli would name the true candidate.
    n_stimuli, trials, n_neurons, n_candidates : int
    noise_is_stated : bool
    """

    rate: float
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
            at = _planned(read_table(folder / "predicted.csv"), own["trials"])
            found = cls(
                float(at["rate"]),
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


def _planned(rates: pd.DataFrame, trials: int) -> Any:
    """The row of the chosen stimuli, changed ones if there are any, with the trials that were planned."""
    return rates[(rates["trials"] == trials) & rates["stimuli"].isin(["chosen", "synthesised"])].iloc[-1]


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
