"""Stimuli whose images are the same, or mirror images of each other."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.recordings import Recording
from normenc.stimuli.stacks import blocks
from normenc.stimulus_types.angles import DECIMALS

__all__ = ["alike"]

MOST_NAMED = 3  # groups of stimuli that are named
FLIPS = {"left to right": (slice(None), slice(None, None, -1)), "top to bottom": (slice(None, None, -1), slice(None))}


def alike(recording: Recording) -> tuple[str, ...]:
    """Say which stimuli are the same image, and which are mirror images of each other, one sentence each.

    Of gratings, orientations tell: those half a turn apart are the same, and o and -o from vertical are mirror images,
    left to right as well as top to bottom. Other images are compared pixel by pixel, as they were recorded.

    Examples
    --------
    >>> toy = Recording.from_responses("toy", np.eye(4), orientation=[-45, 0, 45, 90])
    >>> alike(toy)
    ('2 stimuli are mirror images of each other, left to right: −45° and 45°.',)
    """
    shown, stimulus = recording.shown, recording.stimulus
    if recording.orientation is not None:
        rounded = np.round(recording.orientation, DECIMALS)
        own = np.round(np.mod(rounded, 180), DECIMALS).tolist()
        mirrored = {"left to right": np.round(np.mod(-rounded, 180), DECIMALS).tolist()}
    elif recording.images is not None:
        own, mirrored = _digests(recording.images)
    else:
        return ()
    names = [shown.text(value) for value in stimulus.tolist()]
    sentences = []
    groups = _same(own)
    if groups:
        sentences.append(
            f"{_counted(groups)} the same image, so that no model of images tells them apart{_named(groups, names)}."
        )
    for way, keys in mirrored.items():
        pairs = _pairs(own, keys)
        if pairs:
            sentences.append(f"{_counted(pairs)} mirror images of each other, {way}{_named(pairs, names)}.")
    return tuple(sentences)


def _digests(images: Any) -> tuple[list[Any], dict[str, list[Any]]]:
    """A digest of each image, and of its mirror images."""
    own: list[Any] = []
    mirrored: dict[str, list[Any]] = {way: [] for way in FLIPS}
    for block in blocks(images):
        for image in block:
            own.append(_digest(image))
            for way, flip in FLIPS.items():
                mirrored[way].append(_digest(image[flip]))
    return own, mirrored


def _digest(image: npt.NDArray[Any]) -> bytes:
    return blake2b(np.ascontiguousarray(image).tobytes(), digest_size=16).digest()


def _same(keys: Sequence[Any]) -> list[list[int]]:
    """Places of equal keys, of those that occur several times."""
    places: dict[Any, list[int]] = {}
    for place, key in enumerate(keys):
        places.setdefault(key, []).append(place)
    return [group for group in places.values() if len(group) > 1]


def _pairs(own: Sequence[Any], mirrored: Sequence[Any]) -> list[list[int]]:
    """Pairs of different images of which one is the other's mirror image; of identical ones, the first counts."""
    first: dict[Any, int] = {}
    for place, key in enumerate(own):
        first.setdefault(key, place)
    found = []
    for key, place in first.items():
        other = first.get(mirrored[place])
        if other is not None and mirrored[place] != key and place < other:
            found.append([place, other])
    return found


def _counted(groups: list[list[int]]) -> str:
    """How many pairs, or groups, of stimuli there are, as the subject of a sentence and its verb."""
    if len(groups) == 1:
        return f"{len(groups[0]):,} stimuli are"
    return f"{len(groups):,} {'pairs' if all(len(group) == 2 for group in groups) else 'groups'} of stimuli are"


def _named(groups: list[list[int]], names: list[str]) -> str:
    """The groups, or some evenly chosen ones, by the names of their stimuli; the end of a sentence."""
    some = np.unique(np.linspace(0, len(groups) - 1, min(len(groups), MOST_NAMED)).round().astype(np.intp))
    said = [_joined([names[place] for place in groups[index][:4]]) for index in some.tolist()]
    return (", such as " if len(groups) > len(said) else ": ") + "; ".join(said)


def _joined(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"
