"""Stringer et al. 2019: 10,000 neurons of mouse V1 that see 2,800 natural images, each shown twice."""

import re
from collections.abc import Mapping
from dataclasses import replace
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
    as_count,
    file_of,
    filled,
    is_yes,
    known_session,
    needs,
    numbered,
    repeats_of,
    whole_numbers,
)
from normenc.recordings.recording import Recording

__all__ = ["COLLECTION"]

FIGSHARE = 6845348
PICTURES = "images_natimg2800_all.mat"
SESSIONS = (
    "M160825_MP027_2016-12-14",
    "M161025_MP030_2017-05-29",
    "M170604_MP031_2017-06-28",
    "M170714_MP032_2017-08-07",
    "M170714_MP032_2017-09-14",
    "M170717_MP033_2017-08-20",
    "M170717_MP034_2017-09-11",
)
PREFIX = "natimg2800_"
STEM = re.compile(r"M\d+_(?P<mouse>\w+?)_(?P<date>\d{4}-\d\d-\d\d)")
FLOOR = 1e-6  # added to standard deviations of spontaneous activity, as published
NORMAL = "z-score relative to spontaneous activity"
RAW = "deconvolved fluorescence, arbitrary units"
Floats = npt.NDArray[np.float64]


def _files(session: str | None) -> tuple[RemoteFile, ...]:
    bare = None if session is None else session.removeprefix(PREFIX)
    name = f"{PREFIX}{known_session('stringer2019', bare, dict.fromkeys(SESSIONS))}.mat"
    return tuple(RemoteFile(one, f"figshare:{FIGSHARE}/{one}") for one in (name, PICTURES))


def _read(files: Mapping[str, Path], session: str | None, options: Mapping[str, str]) -> Recording:
    asked = filled(COLLECTION, options)
    pictures = _pictures(files) if is_yes(asked, "images") else None
    sessions = {name: path for name, path in files.items() if name != PICTURES}
    with file_of(sessions, ".mat", "the session") as path, opened(path) as arrays:
        needs(arrays, ("stim.resp", "stim.istim"), "a session of stringer2019")
        match = STEM.search(next(iter(sessions)))
        n_images = None if pictures is None else len(pictures)
        content = _contents(arrays, f"stringer2019/{session}", n_images, asked, match)
    if pictures is not None:
        with file_of(files, PICTURES, "the images"):
            used = np.asarray(content.stimulus) if content.rows is None else np.asarray(content.stimulus)[content.rows]
            images, said = as_shown(pictures, np.unique(used[used != ""]).astype(np.int64) - 1)
            content = replace(content, images=images, notes=(*content.notes, *said))
    with file_of(sessions, ".mat", "the session"):
        return content.recording(missing=asked["missing"])


def _pictures(files: Mapping[str, Path]) -> npt.NDArray[Any]:
    """The images, the first axis counts them."""
    with file_of(files, PICTURES, "the images; without it, pass images=no") as path, opened(path) as arrays:
        needs(arrays, ("imgs",), "the file of images")
        images = np.asarray(arrays["imgs"])
        if images.ndim != 3:
            raise InputError(f"imgs has shape {images.shape}; it must be height x width x images")
        return np.moveaxis(images, 2, 0)


def _contents(
    arrays: Mapping[str, Any],
    name: str,
    n_images: int | None,
    asked: Mapping[str, str],
    match: re.Match[str] | None,
) -> Contents:
    responses, numbers = np.asarray(arrays["stim.resp"]), whole_numbers(arrays["stim.istim"], "istim")
    if responses.ndim != 2 or responses.dtype.kind not in "iuf" or len(responses) != len(numbers):
        raise InputError(
            f"stim.resp has shape {responses.shape} and stim.istim {numbers.shape}; stim.resp must be presentations x "
            "neurons, with an image for each presentation"
        )
    grey = _grey(numbers, n_images)
    shown = numbers < grey
    values = responses.astype(np.float64)
    kept, steps = np.arange(values.shape[1]), list[str]()
    units = RAW
    if asked["processing"] == "published":
        values, kept, shown_twice, steps = _published(values, numbers, shown, arrays, asked["components"])
        units = NORMAL
        rows = shown_twice | ~shown
    else:
        rows = np.ones(len(numbers), dtype=bool)
    notes = [
        "images are numbered from 1 (istim)",
        f"image {grey}, the last, is a grey screen: its {(~shown).sum():,} presentations are blanks",
    ]
    names = np.where(shown, numbered(numbers, grey), "")
    n_rows = int(rows.sum())
    trials: dict[str, Any] = {"repeat": repeats_of(numbers)}
    if match is not None:
        trials |= {key: np.full(len(numbers), match[own]) for key, own in (("animal", "mouse"), ("session", "date"))}
    return Contents(
        name,
        "image",
        names,
        values.astype(np.float32),
        rows=None if rows.all() else rows,
        trials=trials,
        neurons={"neuron": kept.astype(str)},
        facts=COLLECTION.facts | {"units": units},
        read_as=f"{n_rows:,} presentations x {values.shape[1]:,} neurons",
        notes=tuple(notes),
        steps=tuple(steps),
    )


def _grey(numbers: npt.NDArray[np.int64], n_images: int | None) -> int:
    """The number of the grey screen, which is the largest, one more than there are images."""
    low, high = int(numbers.min()), int(numbers.max())
    if low < 1:
        raise InputError(f"istim holds {low}; images are numbered from 1")
    if n_images is not None and high != n_images + 1:
        raise InputError(
            f"istim runs to {high}, but there are {n_images:,} images, so that the grey screen is not {n_images + 1}; "
            "these images belong to another session, or no grey screen was shown. Pass images=no to take the largest "
            "number for grey"
        )
    return high


def _published(
    values: Floats,
    numbers: npt.NDArray[np.int64],
    shown: npt.NDArray[np.bool_],
    arrays: Mapping[str, Any],
    components: str,
) -> tuple[Floats, npt.NDArray[np.intp], npt.NDArray[np.bool_], list[str]]:
    """Responses as the paper prepares them, which neurons they are, which rows show an image twice, and the steps."""
    n_components = as_count(components, "components")
    steps, kept = list[str](), np.arange(values.shape[1])
    needs(arrays, ("stim.spont",), "a session with spontaneous activity (else pass processing=none)")
    spontaneous = np.asarray(arrays["stim.spont"]).astype(np.float64)
    if spontaneous.ndim != 2 or spontaneous.shape[1] != values.shape[1]:
        raise InputError(
            f"stim.spont has shape {spontaneous.shape}; it must be times x {values.shape[1]:,} neurons. Else pass "
            "processing=none"
        )
    if not np.isfinite(spontaneous).all() or not len(spontaneous):
        raise InputError("stim.spont holds missing or infinite values, or none at all. Else pass processing=none")
    red = _red(arrays, values.shape[1])
    # As published, a neuron without spontaneous activity is divided by FLOOR alone, and would outweigh all others.
    silent = ~red & (np.ptp(spontaneous, axis=0) == 0)
    if red.any():
        steps.append(f"left out {red.sum():,} of {len(red):,} neurons that are labelled red (inhibitory)")
    if silent.any():
        steps.append(f"left out {silent.sum():,} of {len(silent):,} neurons without spontaneous activity")
    if (red | silent).any():
        kept = np.flatnonzero(~(red | silent))
        values, spontaneous = values[:, kept], spontaneous[:, kept]
    if not len(kept):
        raise InputError("no neuron is left: all are red or without spontaneous activity. Else pass processing=none")
    if np.isinf(values).any():
        raise InputError("stim.resp holds infinite values; fetch the recording again")
    lost = np.isnan(values)
    if lost.any():
        values[lost] = 0
        steps.append(f"set {lost.sum():,} of {lost.size:,} missing responses to 0")
    mean, spread = spontaneous.mean(axis=0), spontaneous.std(axis=0) + FLOOR
    for array in (values, spontaneous):  # in place, because they are large
        array -= mean
        array /= spread
    steps.append("z-scored each neuron by the mean and standard deviation of its spontaneous activity")
    if n_components:
        part = _components(spontaneous, n_components)
        values -= (values @ part) @ part.T
        steps.append(f"took out the first {components} components of spontaneous activity")
    values -= values[shown].mean(axis=0)
    steps.append("subtracted each neuron's mean over presentations of images")
    counts = np.bincount(numbers)
    twice = shown & (counts[numbers] >= 2)
    once = len(np.unique(numbers[shown & ~twice]))
    if once:
        steps.append(f"left out {once:,} of {len(np.unique(numbers[shown])):,} images that were shown once")
    return values, kept, twice, steps


def _red(arrays: Mapping[str, Any], n_neurons: int) -> npt.NDArray[np.bool_]:
    """Which neurons are labelled red, as inhibitory ones are in some mice."""
    if "stat.redcell" not in arrays:
        if "stat.redcell" in arrays.get("left_out", {}):
            raise InputError("stat.redcell cannot be read, so that red neurons are not known; pass processing=none")
        return np.zeros(n_neurons, dtype=bool)
    labels = np.ravel(np.asarray(arrays["stat.redcell"]))
    if len(labels) != n_neurons or labels.dtype.kind not in "iufb" or not np.isfinite(labels).all():
        raise InputError(
            f"stat.redcell has shape {labels.shape} and type {labels.dtype}; it must be 0 or 1 for each of the "
            f"{n_neurons:,} neurons. Else pass processing=none"
        )
    return labels != 0


def _components(normal: Floats, n: int) -> Floats:
    """The first components of spontaneous activity, shape (n_neurons, n)."""
    from scipy.sparse.linalg import svds

    if n >= min(normal.shape):
        raise InputError(
            f"components is {n}, but spontaneous activity of {normal.shape[0]:,} times and {normal.shape[1]:,} neurons "
            "has fewer; give a smaller number, or 0"
        )
    start = np.random.default_rng(0).normal(size=min(normal.shape))
    vectors = svds(normal, k=n, v0=start, return_singular_vectors="vh")[2]
    return np.asarray(vectors, dtype=np.float64).T


COLLECTION = Collection(
    name="stringer2019",
    what="2,800 natural images, each shown twice, about 10,000 neurons a session",
    species="mouse",
    area="V1",
    units=NORMAL,
    citation="Stringer, Pachitariu, Steinmetz, Carandini & Harris, High-dimensional geometry of population responses "
    "in visual cortex, Nature 571 (2019)",
    licence="as stated at the source",
    source=f"https://doi.org/10.25378/janelia.{FIGSHARE}",
    files=_files,
    read=_read,
    sessions=SESSIONS,
    options={
        "processing": Option(
            "published",
            "published takes out spontaneous activity, red (inhibitory) neurons and images shown once; none leaves "
            "responses as they are",
            ("published", "none"),
        ),
        "components": Option("32", "how many components of spontaneous activity are taken out"),
        "images": IMAGES,
        "missing": MISSING,
    },
    processing=(
        "fluorescence was deconvolved before it was published",
        "responses are z-scored by spontaneous activity, and its first 32 components are taken out",
        "the mean over images is subtracted; images that were shown once are left out",
    ),
)
