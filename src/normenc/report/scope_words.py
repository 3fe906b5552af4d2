"""What a run's results generalise to, in words: once per answer, table and picture."""

from collections.abc import Mapping, Sequence
from typing import Any

from normenc.report.wording import join_factors
from normenc.rsa.scopes import NOT_TILED, TILED
from normenc.stimulus_types import as_type

__all__ = ["only_an_rdm", "other_scope_sentence", "scope_phrase", "scope_sentence", "why_not_tiled"]


def scope_phrase(environment: Mapping[str, Any], generalises_to: Sequence[str] | None = None) -> str:
    """What results are for, and over what they generalise.

    Parameters
    ----------
    environment : mapping
        As in ``environment.json``.
    generalises_to : sequence of str, optional
        Another scope than that of the run.

    Examples
    --------
    >>> recording = {"stimuli": "orientation", "n_stimuli": 181}
    >>> inference = {"generalises_to": ["neurons", "seeds"], "fixed": ["stimuli"], "scope": [TILED]}
    >>> scope_phrase({"recording": recording, "inference": inference, "seeds": {"training": [1, 2]}})
    'for these 181 orientations, which tile the circle; over neurons and seeds'
    >>> recording = {"stimuli": "image", "n_stimuli": 200}
    >>> inference = {"generalises_to": ["stimuli", "neurons", "trials"], "fixed": [], "scope": []}
    >>> scope_phrase({"recording": recording, "inference": inference, "seeds": {"training": []}})
    'over images, neurons and trials'
    """
    inference, own = environment["inference"], _these(environment)
    factors = inference.get("generalises_to", []) if generalises_to is None else list(generalises_to)
    over = _over(environment, factors)
    if "stimuli" in factors:
        return f"over {over}"
    tiled = ", which tile the circle" if _tiled(inference) and generalises_to is None else ""
    if not factors:
        return f"for these data alone: {own}{tiled}"
    return f"for {own}{tiled}; over {over}"


def scope_sentence(environment: Mapping[str, Any]) -> str:
    """The same as a sentence, which also says what a recording that is only an RDM does not tell.

    Examples
    --------
    >>> recording = {"stimuli": "orientation", "n_stimuli": 181}
    >>> inference = {"generalises_to": ["neurons", "seeds"], "fixed": ["stimuli"], "scope": [TILED]}
    >>> scope_sentence({"recording": recording, "inference": inference, "seeds": {"training": [1, 2]}})
    'Intervals and tests are for these 181 orientations, which tile the circle, and generalise over neurons and seeds.'
    """
    factors = environment["inference"].get("generalises_to", [])
    phrase = scope_phrase(environment)
    if not factors:
        said = f"Nothing here generalises beyond these data: {phrase.partition(': ')[2]}"
    elif "stimuli" in factors:
        said = f"Intervals and tests generalise {phrase}"
    else:
        said = f"Intervals and tests are {phrase.replace('; over', ', and generalise over')}"
    if not only_an_rdm(environment):
        return f"{said}."
    return f"{said}, but not over animals, neurons or trials, of which a single RDM tells nothing."


def other_scope_sentence(environment: Mapping[str, Any], generalises_to: Sequence[str]) -> str:
    """What the other scope asks.

    Examples
    --------
    >>> recording = {"stimuli": "image", "n_stimuli": 200}
    >>> inference = {"generalises_to": ["stimuli", "neurons"], "fixed": [], "scope": []}
    >>> other_scope_sentence({"recording": recording, "inference": inference, "seeds": {"training": []}}, ["neurons"])
    'This asks less: would the results be the same for these 200 images, with other neurons?'
    """
    own, plural = _these(environment), as_type(environment["recording"]["stimuli"]).plural
    if "stimuli" not in generalises_to:
        others = _over(environment, generalises_to)
        return f"This asks less: would the results be the same for {own}, with other {others}?"
    said = f"This asks more: if {own} were a sample of many, would the results be the same for other {plural}?"
    if not _tiled(environment["inference"]):
        return said
    return f"{said} They tile the circle, so there are hardly any others, and the answer does not ask this."


def only_an_rdm(environment: Mapping[str, Any]) -> bool:
    """Whether the recording of a run is known only by one RDM."""
    inference = environment["inference"]
    several = {"animals", "sessions"} & set(inference.get("resampled", {}))
    return inference.get("rdm_metric_of_recording") is not None and not several


def why_not_tiled(environment: Mapping[str, Any]) -> str:
    """Why stimuli on a circle are taken as a sample of more, as the terminal says it; empty if they are not."""
    return " ".join(why for why in environment["inference"].get("scope", []) if why.startswith(NOT_TILED))


def _tiled(inference: Mapping[str, Any]) -> bool:
    """Whether the stimuli tile their circle; older versions explain it otherwise in brackets."""
    return any(why.startswith(TILED.partition(" (")[0]) for why in inference.get("scope", []))


def _these(environment: Mapping[str, Any]) -> str:
    recording = environment["recording"]
    return f"these {as_type(recording['stimuli']).counted(recording['n_stimuli'])}"


def _over(environment: Mapping[str, Any], factors: Sequence[str]) -> str:
    """Factors in words: the stimuli by what they are."""
    one_network = len(environment["seeds"]["training"]) <= 1
    named = join_factors(factors, one_network=one_network)
    return named.replace("stimuli", as_type(environment["recording"]["stimuli"]).plural, 1)
