"""Du et al. 2025 ("minimodel"): mouse V1, up to 60,000 natural images once and 500 about ten times."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.recordings.contents import Contents
from normenc.recordings.formats import opened
from normenc.recordings.grey_values import as_shown
from normenc.recordings.public.collection import Collection, Option, RemoteFile
from normenc.recordings.public.parts import (
    IMAGES,
    MISSING,
    file_of,
    filled,
    is_yes,
    known_session,
    needs,
    numbered,
    repeats_of,
    whole_numbers,
)
from normenc.recordings.public.pickles import load_npz
from normenc.recordings.recording import Recording

__all__ = ["COLLECTION"]

FIGSHARE = 28797638
PICTURES = "nat60k_text16.mat"
MICE = {
    "FX8": "2023_05_16",
    "FX9": "2023_05_15",
    "FX10": "2023_05_16",
    "FX20": "2023_09_29",
    "L1_A1": "2023_03_06",
    "L1_A5": "2023_02_27",
}
TEST_AXES = "it must be images x repeats x neurons, with a number in istim_ss for each image"
TIERS = {"test": ("ss_all", "istim_ss"), "train": ("sp", "istim_sp")}
PLACES = ("xpos", "ypos")  # of the neurons
STEM = re.compile(r"(?P<mouse>\w+)_nat60k_(?P<date>\d{4}_\d\d_\d\d)")
DIGITS = 68_000  # images of the file


def _files(session: str | None) -> tuple[RemoteFile, ...]:
    mouse = known_session("minimodel", session, MICE)
    return tuple(
        RemoteFile(name, f"figshare:{FIGSHARE}/{name}") for name in (f"{mouse}_nat60k_{MICE[mouse]}.npz", PICTURES)
    )


def _read(files: Mapping[str, Path], session: str | None, options: Mapping[str, str]) -> Recording:
    asked = filled(COLLECTION, options)
    tiers = list(TIERS) if asked["tiers"] == "all" else [asked["tiers"]]
    names = [name for tier in tiers for name in TIERS[tier]]
    with file_of(files, ".npz", "the mouse") as path:
        arrays = load_npz(path, (*names, *PLACES))
        needs(arrays, names, "a recording of minimodel")
        parts = [_test(arrays) if tier == "test" else _train(arrays) for tier in tiers]
        for tier, part in zip(tiers, parts, strict=True):
            _check_neurons(arrays, part[0].shape[1], TIERS[tier][0])
        responses = parts[0][0] if len(parts) == 1 else np.concatenate([part[0] for part in parts])
        numbers = np.concatenate([part[1] for part in parts])
        notes = [note for part in parts for note in part[2]]
    notes.append("images are numbered from 0, as they lie in the file of images")
    images = None
    if is_yes(asked, "images"):
        images, said = _pictures(files, np.unique(numbers))
        notes += said
    match = STEM.search(next((name for name in files if name.endswith(".npz")), ""))
    trials: dict[str, Any] = {"repeat": repeats_of(numbers)}
    if match is not None:
        trials |= {key: np.full(len(numbers), match[own]) for key, own in (("animal", "mouse"), ("session", "date"))}
    content = Contents(
        f"minimodel/{session}",
        "image",
        numbered(numbers, DIGITS),
        responses,
        images=images,
        trials=trials,
        facts=COLLECTION.facts,
        read_as=f"{len(numbers):,} trials x {responses.shape[1]:,} neurons (tiers {', '.join(tiers)})",
        notes=tuple(notes),
        steps=() if asked["tiers"] == "all" else (f"kept the images of the tier {asked['tiers']}",),
    )
    with file_of(files, ".npz", "the mouse"):  # for the name in messages
        return content.recording(missing=asked["missing"])


def _train(arrays: Mapping[str, Any]) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64], list[str]]:
    """One row for each image that was shown once, the numbers of these, and notes."""
    responses, numbers = np.asarray(arrays["sp"]), whole_numbers(arrays["istim_sp"], "istim_sp")
    if responses.ndim != 2 or responses.dtype.kind not in "iuf" or responses.shape[1] != len(numbers):
        raise InputError(
            f"sp has shape {responses.shape} and istim_sp {numbers.shape}; sp must be neurons x images, with a number "
            "for each image"
        )
    return responses.T, numbers, []


def _test(arrays: Mapping[str, Any]) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64], list[str]]:
    """One row for each repeat of an image that was shown several times, the numbers of these, and notes."""
    every, numbers = np.asarray(arrays["ss_all"]), whole_numbers(arrays["istim_ss"], "istim_ss")
    if every.ndim == 0 or len(every) != len(numbers):
        raise InputError(f"ss_all has shape {every.shape}, and istim_ss is of {len(numbers):,} images; {TEST_AXES}")
    if len(np.unique(numbers)) < len(numbers):
        several = np.flatnonzero(np.bincount(numbers) > 1)[0]
        raise InputError(f"istim_ss holds the image {several} twice; each image has its repeats in one row of ss_all")
    blocks = [np.asarray(block) for block in every]  # an array of arrays where images differ in their repeats
    shapes = {block.shape[1:] for block in blocks}
    if len(shapes) != 1 or any(block.ndim != 2 or block.dtype.kind not in "iuf" for block in blocks):
        raise InputError(f"ss_all has shape {every.shape}; {TEST_AXES}")
    responses = np.concatenate(blocks)
    if not responses.size:
        raise InputError(f"ss_all has shape {every.shape}, and holds no response; {TEST_AXES}")
    numbers = np.repeat(numbers, [len(block) for block in blocks])
    absent = np.isnan(responses).all(axis=1) if responses.dtype.kind == "f" else np.zeros(len(responses), dtype=bool)
    if not absent.any():
        return responses, numbers, []
    if absent.all():
        raise InputError(f"ss_all holds no response: all of its {responses.size:,} values are missing (NaN)")
    said = f"left out {absent.sum():,} of {len(absent):,} repeats that hold no response (NaN)"
    return responses[~absent], numbers[~absent], [said]


def _check_neurons(arrays: Mapping[str, Any], n_neurons: int, name: str) -> None:
    """Raise InputError unless there is a place for each neuron: axes in another order would be read without a word."""
    for place in PLACES:
        if place in arrays and np.size(arrays[place]) != n_neurons:
            raise InputError(
                f"{name} has shape {np.shape(arrays[name])}, so {n_neurons:,} neurons, but {place} is of "
                f"{np.size(arrays[place]):,}; ss_all must be images x repeats x neurons, and sp neurons x images"
            )


def _pictures(files: Mapping[str, Path], used: npt.NDArray[np.int64]) -> tuple[npt.NDArray[Any], tuple[str, ...]]:
    with file_of(files, PICTURES, "the images; without it, pass images=no") as path, opened(path) as arrays:
        needs(arrays, ("img",), "the file of images")
        images = np.asarray(arrays["img"])
        if images.ndim != 3 or used.max() >= images.shape[2]:
            raise InputError(
                f"img has shape {images.shape}, and trials show images up to number {used.max():,}; it must be "
                "height x width x images"
            )
        return as_shown(np.moveaxis(images, 2, 0), used)


COLLECTION = Collection(
    name="minimodel",
    what="500 images shown about ten times (tier test) and up to 60,000 shown once (train), 2,700 to 6,600 neurons "
    "a mouse",
    species="mouse",
    area="V1",
    units="deconvolved fluorescence, arbitrary units",
    citation="Du, Núñez-Ochoa, Pachitariu & Stringer, A simplified minimodel of visual cortical neurons, Nature "
    "Communications 16 (2025)",
    licence="as stated at the source",
    source=f"https://doi.org/10.25378/janelia.{FIGSHARE}",
    files=_files,
    read=_read,
    sessions=tuple(MICE),
    options={
        "tiers": Option("test", "test: images shown several times; train: images shown once", ("test", "train", "all")),
        "images": IMAGES,
        "missing": MISSING,
    },
    processing=(
        "fluorescence was deconvolved before it was published",
        "images are given whole, not cut to receptive fields",
    ),
)
