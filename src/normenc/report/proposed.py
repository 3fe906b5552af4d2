"""Which stimuli would tell, as far as a design of the same study and recording says."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from normenc.csv_tables import read_table
from normenc.errors import InputError
from normenc.runs import Run
from normenc.runs.files import parsed
from normenc.runs.marker import read_marker
from normenc.runs.older_keys import settings_of
from normenc.runs.schema import NEW, SETTINGS
from normenc.texts import file_stem

__all__ = ["SEARCHES", "proposal"]

SEARCHES = "`normenc design` searches for stimuli that would"
SURE = 0.9  # rate from which stimuli are said to tell
FACTS = "design.json"
SECTIONS = ("task", "network", "encoder", "stimuli", "training")
COMPARED = ("layers", "controls", "rdm_metric", "method")
NO_RESULT = {"training": ("drawing_processes",), "recording": ("source",)}  # keys that change none


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
        if differs := _difference(run, settings, facts):
            raise InputError(
                f"{folder}: this design has {differs} than the run {run.folder}; give a design of the same"
            )
        rates, trials = read_table(folder / "predicted.csv"), settings["design"]["trials"]
        at = rates[(rates["trials"] == trials) & rates["stimuli"].isin(["chosen", "synthesised"])].iloc[-1]
        rate, n, n_candidates = float(at["rate"]), int(at["n_stimuli"]), len(facts["candidates"])
        stated = "" if settings["design"].get("noise") is None else " and the noise that was stated"
        more = facts["n_neurons"] != run.environment["recording"]["n_neurons"]
    except (KeyError, IndexError, TypeError, ValueError, OSError) as error:
        raise InputError(f"{folder}: this design is damaged ({error}); run normenc design again") from None
    if differs:
        raise InputError(f"{folder}: this design has {differs} than the run {run.folder}; give a design of the same")
    neurons = f" of {facts['n_neurons']:,} neurons" if more else ""
    each = f"{trials:,} trials{neurons} each{stated}" if trials != 1 else f"one trial{neurons} each{stated}"
    if rate < SURE:
        return (
            f"the {n:,} stimuli that `normenc design` proposes would not always, either: with {each}, "
            f"{100 * rate:.0f} of 100 over all {n_candidates} candidates"
        )
    return (
        f"`normenc design` proposes {n:,} stimuli that would, with {each}: {100 * rate:.0f} of 100 over all "
        f"{n_candidates} candidates"
    )


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
