"""The results of a check as a few lines of text."""

import math
import re

from normenc.quality.checking import Quality
from normenc.quality.neurons import Count, splits_in_words
from normenc.quality.rdm_reliability import MIN_STIMULI, MOST_TESTED
from normenc.quality.verdict import counted
from normenc.recordings.steps import only_responsive
from normenc.stimulus_types import as_type

__all__ = ["lines"]

COUNTS = "spike counts"  # whole numbers look like this, but rates in a window of one second do too
RATES = re.compile(r"hz\b|/ ?s(ec)?\b|per second|s\^?-1", re.IGNORECASE)
NEGATIVE = re.compile(r"(?<![^\s(])-(?=\d)")
AS_GIVEN = "read as", "done"  # they quote names of files and columns
Z_SCORES = "z-score over stimuli"  # as normenc.recordings.z_score calls them


def lines(quality: Quality) -> list[tuple[str, str]]:
    """Pairs of a heading and a result, with a minus sign before negative numbers.

    Examples
    --------
    >>> from normenc.quality import check
    >>> from normenc.recordings import load
    >>> dict(lines(check(load("simulated-v1", n_neurons=100))))["stimuli"]
    '181 orientations, −90 to 90 degrees from vertical (period 180), largest gap 1: all around the circle'
    """
    rows = [("read as", quality.read_as)] * bool(quality.read_as)
    rows += [("stimuli", _stimuli(quality)), *[("images", quality.images_cut)] * bool(quality.images_cut)]
    rows += [*[("alike", " ".join(quality.alike))] * bool(quality.alike), ("responses", _responses(quality))]
    if quality.raw is not None:
        rows += [("values", _values(quality)), ("odd neurons", _odd(quality))]
    if quality.neurons is not None:
        rows += [("neurons repeat", _neurons(quality)), *_tuned(quality)]
    rows += [("RDM repeats", _rdm(quality)), ("noise ceiling", _ceiling(quality))]
    rows += [("done", "; ".join(quality.notes))] * bool(quality.notes)
    return [(name, said if name in AS_GIVEN else NEGATIVE.sub("−", said)) for name, said in rows]


def _stimuli(quality: Quality) -> str:
    shown = quality.shown
    said = shown.described(quality.n_stimuli, quality.first, quality.last)
    if quality.largest_gap is not None:
        circle = "all around the circle" if quality.covers_circle else "not all around the circle"
        said += f", largest gap {quality.largest_gap:g}: {circle}"
    return said if quality.has_images else f"{said}, {shown.without_images}"


def _responses(quality: Quality) -> str:
    if quality.n_neurons is None:
        return "not known; only RDMs are"
    low, high = quality.n_repeats
    if quality.n_trials is None:
        trials = "averages, or one trial per stimulus"
    else:
        trials = f"{quality.n_trials:,} trials, {low}{'' if low == high else f' to {high}'} per stimulus"
    animals = f", {counted(quality.n_animals, 'animal')}" if quality.n_animals else ", animals not stated"
    sessions = f", {counted(quality.n_sessions, 'session')}" if quality.n_sessions else ""
    return f"{counted(quality.n_neurons, 'neuron')}, {trials}{animals}{sessions}"


def _values(quality: Quality) -> str:
    raw = quality.raw
    assert raw is not None
    missing = f"{raw.missing:,} missing" if raw.missing else "none missing"
    infinite = f", {raw.infinite:,} infinite" if raw.infinite else ""
    units = quality.units_looked_at
    are = "are whole numbers" if raw.scale == COUNTS and RATES.search(units) else f"look like {raw.scale}"
    said = f"which {are}{'' if units == 'not stated' else f' (stated: {units})'}"
    if units == Z_SCORES and quality.n_trials is not None:  # single trials exceed these by far
        said = "in standard deviations of each neuron's averages over the stimuli (z-scored)"
    return f"{raw.smallest:.3g} to {raw.largest:.3g}, {said}; {missing}{infinite}"


def _odd(quality: Quality) -> str:
    raw = quality.raw
    assert raw is not None
    drifting = "" if quality.neurons is None else f", {_drifting(quality.neurons.drifting)}"
    return f"{raw.constant:,} constant, {raw.duplicated:,} duplicated{drifting}"


def _neurons(quality: Quality) -> str:
    neurons = quality.neurons
    assert neurons is not None
    if math.isnan(neurons.reliability):
        return "not known: at least 3 stimuli with two trials each are needed"
    return (
        f"median split-half reliability {neurons.reliability:z.2f} ({neurons.low:z.2f} to {neurons.high:z.2f}), "
        f"quartiles {neurons.quartiles[0]:z.2f} and {neurons.quartiles[1]:z.2f}; {_share(neurons.reliable)} at 0.3 or "
        f"more{splits_in_words(quality.n_stimuli)}"
    )


def _tuned(quality: Quality) -> list[tuple[str, str]]:
    neurons = quality.neurons
    assert neurons is not None
    rows = []
    if neurons.n_blanks:
        said = f"{_count(neurons.responsive, 'to at least one stimulus')}, against {counted(neurons.n_blanks, 'blank')}"
        chosen = "; the others were left out before" if only_responsive(quality.notes) else ""
        rows.append(("neurons respond", said + chosen))
    tunings = as_type(quality.neurons_kind).tunings
    counts = {"to anything" if tunings else f"to some {quality.shown.plural}": neurons.tuned}
    counts |= {f"to {name}": getattr(neurons, f"tuned_{name}") for name in tunings}
    said = ", ".join(_count(count, name) for name, count in counts.items())
    folded = ", directions as recorded, before folding" if quality.neurons_kind != quality.kind else ""
    rows.append(("neurons are tuned", f"{said}; false discovery rate 0.05{folded}"))
    if neurons.decoded:
        errors = [f"{name} {own.error:.3g} (chance {own.chance:g})" for name, own in neurons.decoded.items()]
        only = "; images determine only the orientation" if len(neurons.decoded) > 1 else ""
        rows.append(("decoding error", f"{_decoded_rows(quality)}, median, degrees: {', '.join(errors)}{only}"))
    return rows


def _decoded_rows(quality: Quality) -> str:
    return "of averages" if quality.neurons_averaged else "of single trials"


def _count(count: Count, what: str) -> str:
    if not count.tested:
        return f"{what}: not tested (too few trials, or too uneven)"
    return f"{count.n:,} of {count.tested:,} ({count.share:.0%}) {what}"


def _rdm(quality: Quality) -> str:
    if quality.rdm is None:
        return f"not known: at least {MIN_STIMULI} stimuli with two trials each are needed"
    some, n_all = quality.rdm.n_stimuli, quality.rdm.n_all
    of_some = f"; estimated from {some:,} of the {n_all:,} stimuli" if some < n_all else ""
    tested = f" from {MOST_TESTED} stimuli" if some > MOST_TESTED else ""
    return (
        f"split-half reliability {quality.rdm.reliability:z.2f} ({quality.rdm.low:z.2f} to {quality.rdm.high:z.2f}, "
        f"p = {quality.rdm.p_value:.3f}{tested}); halves correlate by {quality.rdm.halves:z.2f}"
        f"{splits_in_words(quality.n_stimuli)}{of_some}"
    )


def _ceiling(quality: Quality) -> str:
    if math.isnan(quality.ceiling_lower):
        return quality.ceiling
    return f"{quality.ceiling_lower:.3f} to {quality.ceiling_upper:.3f} (Pearson), from {quality.ceiling}"


def _drifting(share: float) -> str:
    return "drift not known" if math.isnan(share) else f"{share:.0%} drifting"


def _share(value: float) -> str:
    return "unknown" if math.isnan(value) else f"{value:.0%}"
