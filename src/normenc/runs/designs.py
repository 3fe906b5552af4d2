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

__all__ = ["FACTS", "PAIRS", "RunDesign", "of_own"]

FACTS, PAIRS = "design.json", "predicted_pairs.csv"  # of the folder of a design
SECTIONS = ("task", "network", "encoder", "stimuli", "training")
COMPARED = ("layers", "controls", "rdm_metric", "method")
COUNTS = ("n_simulations", "n_stimuli", "trials")
MOST_NAMED = 3  # candidates that a message names
NO_RESULT = {"training": ("drawing_processes",), "recording": ("source",)}  # keys that change none


@dataclass(frozen=True)
class RunDesign:
    """What ``normenc design`` found for the recording, candidates and measure of a run.

    Attributes
    ----------
    pairs : DataFrame
        The rows of ``predicted_pairs.csv``, of the stimuli that it proposes and of the study's own.
    best : str
        The stimuli that it proposes: "synthesised" or "chosen".
    n_stimuli, trials, n_neurons : int
    same : dict of str to str
        Candidates that no stimulus of the pool tells from another, and that other one.
    noise_is_stated : bool
    """

    pairs: pd.DataFrame
    best: str
    n_stimuli: int
    trials: int
    n_neurons: int
    same: dict[str, str]
    noise_is_stated: bool

    @classmethod
    def open(cls, folder: Path, run: Run) -> "RunDesign":
        """Read the folder of a design.

        Raises
        ------
        InputError
            When it is none, is damaged, is of something else than the run, or does not have the same candidates.
        """
        marker = read_marker(folder)
        if marker is None or marker.folder_kind != "design":
            raise InputError(f"{folder}: this is not the folder of a design; give one that normenc design has written")
        for file, untold in ((FACTS, "of which recording it is"), (PAIRS, "what candidates would be taken for")):
            if file not in marker.files:
                raise InputError(
                    f"{folder}: this design does not tell {untold}, because an older version made it; "
                    "run normenc design again"
                )
        settings, facts = parsed(folder, SETTINGS, settings_of), parsed(folder, FACTS, json.loads)
        try:
            differs = _difference(run, settings, facts)
            own, same, pairs = settings["design"], facts["same"], read_table(folder / PAIRS)
            if not isinstance(same, dict) or not all(name in facts["candidates"] for name in same.values()):
                raise ValueError(f"same in {FACTS} must give a candidate for each name, and is {same}")
            candidates, left_out = {*facts["candidates"], *same}, {**facts["left_out"]}
            if not {*pairs["encoder"]} == {*pairs["other"]} == {*facts["candidates"]}:
                raise ValueError(f"{PAIRS} has other candidates than {FACTS}")
            best = "synthesised" if (pairs["stimuli"] == "synthesised").any() else "chosen"
            trials = _count(own["trials"], f"design.trials in {SETTINGS}")
            pairs = _checked(pairs, best, trials)
            found = cls(
                pairs,
                best,
                int(pairs.loc[(pairs["stimuli"] == best) & (pairs["trials"] == trials), "n_stimuli"].iloc[0]),
                trials,
                _count(facts["n_neurons"], f"n_neurons in {FACTS}"),
                same,
                own.get("noise") is not None,
            )
        except KeyError as error:
            raise InputError(
                f"{folder}: this design is damaged ({error.args[0]} is missing); run normenc design again"
            ) from None
        except (TypeError, ValueError, OSError) as error:
            raise InputError(f"{folder}: this design is damaged ({error}); run normenc design again") from None
        if differs:
            raise InputError(
                f"{folder}: this design has {differs} than the run {run.folder}; give a design of the same"
            )
        _check_candidates(folder, candidates, left_out, run)
        return found

    def rates(self, truth: str, named: str) -> pd.DataFrame:
        """How often recordings of a truth would name a candidate, with each set of stimuli: the rows of the pair."""
        truth, named = self.same.get(truth, truth), self.same.get(named, named)
        return self.pairs[(self.pairs["encoder"] == truth) & (self.pairs["other"] == named)]


def of_own(rates: pd.DataFrame, stimuli: str, column: str = "share") -> npt.NDArray[np.float64]:
    """What the study's own stimuli give with as many presentations as in each row of `stimuli`, by ascending trials.

    Values are interpolated over the logarithm of the number of trials. NaN where each could not be shown once, or the
    design has none of the study's own.

    Parameters
    ----------
    rates : DataFrame
        The rows of ``predicted.csv``, or of one pair in ``predicted_pairs.csv``.
    stimuli : str
        "chosen" or "synthesised".
    column : str
        That is interpolated.
    """
    new, own = (rates[rates["stimuli"] == name].sort_values("trials") for name in (stimuli, "own stimuli"))
    if own.empty:
        return np.full(len(new), np.nan)
    n_own, presentations = int(own["n_stimuli"].iloc[0]), new["n_stimuli"] * new["trials"]
    found = np.interp(np.log(presentations / n_own), np.log(own["trials"]), own[column])
    return np.where(presentations < n_own, np.nan, found)


def _count(value: Any, name: str) -> int:
    """A number of something; ValueError where it is none."""
    if type(value) is not int or value < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, and is {value!r}")
    return value


def _checked(pairs: pd.DataFrame, best: str, trials: int) -> pd.DataFrame:
    """The rows of the best and of the study's own stimuli, one for each pair; ValueError where this cannot be.

    Parameters
    ----------
    pairs : DataFrame
        All rows of ``predicted_pairs.csv``.
    best : str
    trials : int
        For which there must be rows of the best stimuli.
    """
    names = sorted({*pairs["encoder"]})
    for name in ("share", *COUNTS):
        own, needed = pd.to_numeric(pairs[name], errors="coerce").astype(float), "be a whole number of at least 1"
        possible = (own >= 1) & (own < np.inf) & ((own % 1 == 0) | (name == "trials"))
        if name == "share":
            possible, needed = own.round(9).between(0, 1), "lie between 0 and 1"
        if not possible.all():
            at = int(np.argmin(possible))
            raise ValueError(f"{name} must {needed}, and is {pairs[name].iloc[at]} in line {at + 2} of {PAIRS}")
        pairs = pairs.assign(**{name: own})
    pairs = pairs[pairs["stimuli"].isin([best, "own stimuli"])].astype({"n_simulations": int})
    numbers = pairs.groupby("stimuli")["n_stimuli"].nunique()
    if (numbers > 1).any():
        raise ValueError(f"n_stimuli differs among rows of the {numbers.idxmax()} in {PAIRS}")
    sets = {*zip(pairs["stimuli"], pairs["trials"], strict=True), (best, float(trials))}
    needed_rows = [(*own, truth, other) for own in sorted(sets) for truth in names for other in names]
    rows = pairs.groupby(["stimuli", "trials", "encoder", "other"]).size().reindex(needed_rows, fill_value=0)
    if (rows != 1).any():
        of, n, truth, other = (rows != 1).idxmax()
        pair = f"{truth} taken for {other}, {of}, {n:g} trials"
        raise ValueError(f"{PAIRS} must have one row of {pair}, and has {rows[of, n, truth, other]}")
    return pairs


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
    return ""


def _check_candidates(folder: Path, candidates: set[str], left_out: Mapping[str, str], run: Run) -> None:
    """Raise InputError where rates would be those of other candidates than the run's simulated recordings named."""
    table = run.identification
    if table is None:
        raise InputError(
            f"{run.folder}: this run does not tell which encoders its data could have told apart, so that no design "
            "can be compared with it; run its study with [identify] enabled, on a recording whose noise is known"
        )
    own = {*table["other"], *run.environment.get("identification", {}).get("same", {})}
    differ = [
        f"it {verb} {name}" + (f" ({left_out[name]})" if name in left_out else "")
        for verb, names in (("lacks", own - candidates), ("adds", candidates - own))
        for name in sorted(names)
    ]
    if differ:
        more = f" and {len(differ) - MOST_NAMED} more" if len(differ) > MOST_NAMED else ""
        raise InputError(
            f"{folder}: this design has other candidates than the run {run.folder}, and their rates cannot be "
            f"compared: {'; '.join(differ[:MOST_NAMED])}{more}. Choose from another pool, or give "
            "both the same candidates"
        )


def _without(section: Any, name: str) -> Any:
    """A section without keys that change no result; of several, each."""
    if isinstance(section, list):
        return [_without(one, name) for one in section]
    if not isinstance(section, dict):
        return section
    return {key: value for key, value in section.items() if key not in NO_RESULT.get(name, ())}
