"""Keep the stimuli that all animals, or all sessions, saw."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.recordings.contents import Contents
from normenc.recordings.labels import without_stimulus
from normenc.recordings.on_disk import picked

__all__ = ["CHOICES", "with_shared"]

CHOICES = ("all", "shared")
MOST_NAMED = 6
Mask = npt.NDArray[np.bool_]
ADVICE = "label the trials with animal or session, or the neurons with neuron_animal or neuron_session"


def with_shared(content: Contents) -> Contents:
    """What a file holds of the stimuli that all animals saw or, if no two animals are named, all sessions.

    If trials are labelled, an animal saw the stimuli of its trials. If neurons are labelled, it saw those to which one
    of its neurons has a response: the others are NaN for all of its neurons.

    Raises
    ------
    InputError
        If no animal or session is named, they share fewer than 2 stimuli, or only an RDM is known.
    """
    if content.responses is None:
        raise InputError("stimuli='shared' needs responses, and only RDMs are known; leave it out")
    labels, values = np.asarray(content.stimulus), np.asarray(content.responses)
    shows = ~without_stimulus(labels)
    if content.rows is not None:
        shows &= content.rows
    every, index = np.unique(labels[shows], return_inverse=True)
    what, seen = _seen(content, values[shows], shows, index, len(every))
    kept = np.all(list(seen.values()), axis=0)
    who = f"the one {what}" if len(seen) == 1 else f"both {what}s" if len(seen) == 2 else f"all {len(seen)} {what}s"
    if kept.sum() < 2:
        each = ", ".join(f"{name} saw {own.sum():,}" for name, own in list(seen.items())[:MOST_NAMED])
        more = ", ..." if len(seen) > MOST_NAMED else ""
        raise InputError(
            f"stimuli='shared': {kept.sum()} of {len(every):,} stimuli were seen by {who} ({each}{more}); a comparison "
            f"needs at least 2. Leave out {what}s that saw other stimuli, for example with where={{'{what}': [...]}}"
        )
    rows = np.ones(len(labels), dtype=bool) if content.rows is None else np.array(content.rows)
    rows[shows] = kept[index]
    images = None if content.images is None else picked(content.images, np.flatnonzero(kept))
    said = f"kept {kept.sum():,} of {len(every):,} stimuli (seen by {who})"
    return replace(content, rows=rows, images=images, steps=(*content.steps, said))


def _seen(
    content: Contents, values: npt.NDArray[Any], shows: Mask, index: npt.NDArray[np.intp], n_stimuli: int
) -> tuple[str, Mapping[str, Mask]]:
    """Whether each animal, or session, saw each stimulus: by the labels of trials, or of neurons."""
    found: dict[str, dict[str, Mask]] = {}
    for what in ("animal", "session"):
        of_trials, of_neurons = content.trials.get(what), content.neurons.get(f"neuron_{what}")
        seen: dict[str, Mask] = {}
        if of_trials is not None:
            own = np.asarray(of_trials)[shows].astype(str)
            seen = {name: np.bincount(index[own == name], minlength=n_stimuli) > 0 for name in np.unique(own).tolist()}
        elif of_neurons is not None:
            owner = np.asarray(of_neurons).astype(str)
            for name in np.unique(owner).tolist():
                responded = ~np.isnan(values[:, owner == name]).all(axis=1)
                seen[name] = np.bincount(index[responded], minlength=n_stimuli) > 0
        if len(seen) > 1:
            return what, seen
        if seen:
            found[what] = seen
    if not found:
        raise InputError(f"stimuli='shared' keeps what all animals, or sessions, saw, but none are named; {ADVICE}")
    return next(iter(found.items()))
