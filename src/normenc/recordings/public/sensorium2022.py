"""The Sensorium competition of 2022: 8,000 neurons of mouse V1 a scan, 5,000 images; and any folder of that layout."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from normenc.errors import InputError, quoted
from normenc.recordings.contents import Contents
from normenc.recordings.formats.trial_trees import NoPicturesError, Tree, opened_tree
from normenc.recordings.grey_values import as_shown
from normenc.recordings.public.collection import Collection, Option, RemoteFile
from normenc.recordings.public.parts import (
    IMAGES,
    MISSING,
    file_of,
    filled,
    is_yes,
    known_session,
    repeats_of,
)
from normenc.recordings.recording import Recording

__all__ = ["COLLECTION"]

HASH = "GrayImageNet-94c6ff995dac583098847cfecd43e7b6"
SCANS = {
    "mouse1": "26872-17-20",  # SENSORIUM: test responses withheld
    "mouse2": "27204-5-13",  # SENSORIUM+: likewise
    "mouse3": "21067-10-18",
    "mouse4": "22846-10-16",
    "mouse5": "23343-5-17",
    "mouse6": "23656-14-22",
    "mouse7": "23964-4-22",
}


def _files(session: str | None) -> tuple[RemoteFile, ...]:
    by_name = SCANS | {scan: scan for scan in SCANS.values()}
    scan = by_name[known_session("sensorium2022", session, by_name)]
    name = f"static{scan}-{HASH}.zip"
    return (RemoteFile(name, f"gin:cajal/Sensorium2022/{name}"),)


def _read(files: Mapping[str, Path], session: str | None, options: Mapping[str, str]) -> Recording:
    asked = filled(COLLECTION, options)
    with file_of(files, ".zip", "the scan") as path, opened_tree(path) as tree:
        content = _contents(tree, f"sensorium2022/{session}", asked)
        return content.recording(missing=asked["missing"])


def _contents(tree: Tree, name: str, asked: Mapping[str, str]) -> Contents:
    tiers, notes, steps = _chosen(tree, asked["tiers"])
    trials = tree.trials_of(tiers)
    labels = tree.image_labels()[trials]
    responses = tree.responses(trials)
    images = None
    if is_yes(asked, "images"):
        try:
            stack = tree.images(trials, labels)
        except NoPicturesError as error:
            raise InputError(f"{error}; pass images=no to read the responses without images") from None
        images, said = as_shown(stack, np.arange(len(stack)))
        notes += said
    silent = int((~responses.any(axis=1)).sum())
    cautions = [f"no neuron responds in {silent:,} of {len(trials):,} trials (all zero)"] if silent else []
    notes.append("running, pupil size and eye position, where the scan has them, are not read")
    return Contents(
        name,
        "image",
        labels,
        responses,
        images=images,
        trials={"repeat": repeats_of(labels)},
        neurons=tree.neuron_labels(responses.shape[1]),
        facts=COLLECTION.facts,
        read_as=f"{len(trials):,} trials x {responses.shape[1]:,} neurons (tiers {', '.join(tiers)})",
        notes=tuple(notes),
        cautions=tuple(cautions),
        steps=tuple(steps),
    )


def _chosen(tree: Tree, wanted: str) -> tuple[list[str], list[str], list[str]]:
    """The tiers to read, notes on those that are withheld, and the step that chose them."""
    counts = dict(zip(*np.unique(tree.tiers, return_counts=True), strict=True))
    there = ", ".join(f"{tier} ({count:,} trials)" for tier, count in counts.items())
    tiers = (
        list(map(str, counts)) if wanted == "all" else list(dict.fromkeys(tier.strip() for tier in wanted.split(",")))
    )
    unknown = [tier for tier in tiers if tier not in counts]
    if unknown:
        raise InputError(f"there is no tier {quoted(unknown[0])}; the tiers are {there}")
    hidden = tree.withheld(tiers)
    if hidden and (wanted != "all" or len(hidden) == len(tiers)):
        raise InputError(
            f"the responses of {' and '.join(hidden)} are withheld: all are zero, as in scans of a competition; choose "
            f"other tiers. The tiers are {there}"
        )
    tiers = [tier for tier in tiers if tier not in hidden]
    notes = [f"left out {' and '.join(hidden)}, whose responses are withheld (all zero)"] if hidden else []
    n_kept = sum(counts[tier] for tier in tiers)
    steps = [] if n_kept == tree.n_trials else [f"kept {n_kept:,} of {tree.n_trials:,} trials ({', '.join(tiers)})"]
    return tiers, notes, steps


COLLECTION = Collection(
    name="sensorium2022",
    what="about 5,000 images, 100 of them shown ten times, about 8,000 neurons a scan",
    species="mouse",
    area="V1",
    units="deconvolved fluorescence, arbitrary units",
    citation="Willeke, Fahey et al., The Sensorium competition on predicting large-scale mouse primary visual cortex "
    "activity, arXiv:2206.08666 (2022)",
    licence="as stated in the file LICENSE at the source; treated as restricted until it is read",
    source="https://gin.g-node.org/cajal/Sensorium2022",
    files=_files,
    read=_read,
    sessions=tuple(SCANS),
    options={
        "tiers": Option("all", "tiers to read, with commas between them: train, validation, test, final_test"),
        "images": IMAGES,
        "missing": MISSING,
    },
    processing=(
        "fluorescence was deconvolved and summed over a window after each image before it was published",
        "test responses of the competition's scans (mouse1, mouse2) are withheld, and refused",
    ),
    restricted=True,
)
