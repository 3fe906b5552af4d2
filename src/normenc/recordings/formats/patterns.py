"""Patterns of names, such as ``D.neuron*``: what they match, and whether all matches can be neurons."""

import re
from collections import Counter
from collections.abc import Callable, Container, Sequence
from fnmatch import fnmatchcase

from normenc.errors import InputError
from normenc.recordings.formats.columns import FACTS, OF_NEURONS, few, is_of_trials, ranges, stem
from normenc.texts import argument

__all__ = ["check_alike", "is_other", "matches_of", "words_of"]

# Words for what is measured or set in each trial, or for moments of one trace, but not for neurons.
OTHER_WORDS = frozenset(
    re.findall(
        r"\w+",
        """trial trials block run order condition count number index idx id unnamed row column level date day hour
        time t s sec ms hz start stop begin end onset offset duration delay interval frame frames sample bin lag
        stim stimulus image scene orientation ori direction dir angle theta phi phase size radius diameter x y z pos
        position depth eccentricity frequency freq tf sf cpd contrast luminance coherence temperature laser led opto
        speed velocity running locomotion wheel pupil eye gaze face whisk whisker motion lick licks reward choice
        response reaction rt correct outcome hit miss weight age p pc pca factor latent lfp power baseline mean std
        sem isi iti soa gain temp celsius heart heartrate hr bpm respiration breathing arousal ecg emg eeg score error
        accuracy threshold noise snr""",
    )
)
LABELS = frozenset((*OF_NEURONS, *FACTS, "neuron", "images", "rdm"))


def words_of(name: str) -> list[str]:
    """The words that a name is made of.

    Examples
    --------
    >>> words_of("runningSpeed_2")
    ['running', 'speed']
    """
    return re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower())


def is_other(name: str) -> bool:
    """Whether a name contains a word for something other than neurons."""
    return bool(OTHER_WORDS & set(words_of(name)))


def matches_of(pattern: str, names: Container[str], match: Callable[[str], list[str]]) -> list[str]:
    """All that `match` finds for the patterns that ``|`` divides, unless one of the names is written so.

    Examples
    --------
    >>> matches_of("D.n*|D.speed", ["D.n1", "D.speed"], {"D.n*": ["D.n1"], "D.speed": ["D.speed"]}.get)
    ['D.n1', 'D.speed']
    """
    matches: dict[str, None] = {}
    for part in [pattern] if pattern in names else filter(None, map(str.strip, pattern.split("|"))):
        own = match(part)
        check_alike(own, part, pattern)
        matches |= dict.fromkeys(own)
    return list(matches)


def check_alike(names: Sequence[str], pattern: str, whole: str) -> None:
    """Raise InputError if a pattern for neurons matches names that are not like the others.

    These are names of other things (``speed``) and, among names that differ only by their numbers (``neuron1``,
    ``neuron2``), all names without such a number. Names given without ``*``, ``?`` and ``[`` are always accepted.

    Parameters
    ----------
    names : sequence of str
        What matches.
    pattern : str
    whole : str
        The whole pattern as given by the user, of which `pattern` may be a part.

    Examples
    --------
    >>> check_alike(["D.neuron1", "D.neuron2", "D.speed"], "D.*", "D.*")
    Traceback (most recent call last):
    normenc.errors.InputError: responses=D.* matches D.neuron1, D.neuron2, and also D.speed, which ...
    """
    if not set("*?[") & set(pattern):
        return
    sizes = Counter(map(stem, names))
    numbered = {family for family, size in sizes.items() if size > 1 and not _is_no_neuron(family)}
    alike = [name for name in names if stem(name) in numbered]
    if not alike:
        alike = [name for name in names if not _is_no_neuron(name)]
    odd = [name for name in names if name not in set(alike)]
    if not (alike and odd):
        return
    short = _shorter(alike, odd)
    what, they = (
        ("which does not look like a neuron", "it is")
        if len(odd) == 1
        else ("which do not look like neurons", "they are")
    )
    advice = (
        f"; for the first alone, pass {argument(names={'responses': whole.replace(pattern, short)})}" if short else ""
    )
    both = "|".join([short or "NAME*", *(odd if len(odd) <= 3 else ["OTHER*"])])
    raise InputError(
        f"responses={pattern} matches {ranges(alike)}, and also {few(odd)}, {what}{advice}; if {they} after all, give "
        f"all patterns, with | between them: {argument(names={'responses': both})}"
    )


def _is_no_neuron(name: str) -> bool:
    """Whether the last part of a name says that it is something else, or a label."""
    last = re.split(r"[./]", name)[-1]
    return is_of_trials(last) or last in LABELS or any(len(word) > 1 for word in OTHER_WORDS & set(words_of(last)))


def _shorter(alike: Sequence[str], odd: Sequence[str]) -> str:
    """A pattern that matches the names that are alike and none of the odd ones; empty if a beginning cannot tell."""
    first, last = min(alike), max(alike)
    n_same = next((place for place, (one, two) in enumerate(zip(first, last, strict=False)) if one != two), len(first))
    start = first[:n_same].rstrip("0123456789")
    digit = first[len(start) : len(start) + 1].isdecimal() and last[len(start) : len(start) + 1].isdecimal()
    for pattern in [f"{start}*"] * bool(start) + [f"{start}[0-9]*"] * digit:
        if all(fnmatchcase(name, pattern) for name in alike) and not any(fnmatchcase(name, pattern) for name in odd):
            return pattern
    return ""
