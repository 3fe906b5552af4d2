"""Kriegeskorte et al. 2008: RDMs of human inferior temporal cortex, four subjects in two sessions, 92 object images."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError, quoted
from normenc.recordings.formats import opened
from normenc.recordings.labels import as_text
from normenc.recordings.public.collection import Collection, Option, RemoteFile
from normenc.recordings.public.parts import file_of, filled, needs, numbered
from normenc.recordings.recording import Recording

__all__ = ["COLLECTION"]

FILE = "92_brainRDMs.mat"
PLACE = f"https://raw.githubusercontent.com/rsagroup/rsatoolbox/main/demos/92imageData/{FILE}"


def _files(session: str | None) -> tuple[RemoteFile, ...]:
    if session is not None:
        raise InputError(f"kriegeskorte2008 is one recording; leave out {quoted(session)}, or pass session={session}")
    return (RemoteFile(FILE, PLACE),)


def _read(files: Mapping[str, Path], session: str | None, options: Mapping[str, str]) -> Recording:
    asked = filled(COLLECTION, options)
    suffix = ".npz" if any(name.endswith(".npz") for name in files) else ".mat"
    with file_of(files, suffix, "the RDMs") as path, opened(path) as arrays:
        name, labels, notes = ("rdms", ("subject", "session"), []) if suffix == ".npz" else _of_matlab(arrays)
        needs(arrays, (name, *labels), "the file of RDMs of kriegeskorte2008")
        rdms = np.asarray(arrays[name])
        if rdms.ndim != 4 or rdms.shape[2] != rdms.shape[3]:
            raise InputError(f"{name} has shape {rdms.shape}; it must be subjects x sessions x images x images")
        subjects, sessions = _labels(arrays, labels, rdms.shape[:2])
        kept = np.arange(len(sessions)) if asked["session"] == "all" else np.flatnonzero(sessions == asked["session"])
        if not len(kept):
            raise InputError(f"session is {asked['session']}; the sessions are {', '.join(sessions)}")
        n_images = rdms.shape[-1]
        made = Recording.from_rdm(
            COLLECTION.name,
            rdms[:, kept].reshape(-1, n_images, n_images),
            image=numbered(np.arange(1, n_images + 1), n_images),
            subjects={
                "animal": np.repeat(subjects, len(kept)),
                "session": np.tile(sessions[kept], len(subjects)),
            },
            **COLLECTION.facts,
        )
    read_as = f"RDMs of {len(subjects)} subjects x {len(kept)} sessions x {n_images} images"
    steps = () if len(kept) == len(sessions) else (f"kept session {asked['session']} of {len(sessions)}",)
    notes.append(
        f"images are counted from 1 to {n_images} in the order of the RDMs; the images are not published with them"
    )
    return replace(made, read_as=read_as, steps=steps, notes=tuple(notes))


def _of_matlab(arrays: Mapping[str, Any]) -> tuple[str, tuple[str, ...], list[str]]:
    """Where RDMs lie in rsatoolbox's file: structures of subjects x sessions, with a name each."""
    names = np.ravel(np.asarray(arrays.get("RDMs.name", "")))
    said = f", the first {str(names[0])!r} and the last {str(names[-1])!r}" if names[0] else ""
    return "RDMs.RDM", (), [f"subjects and sessions are counted from 1 in the order of the file{said}"]


def _labels(
    arrays: Mapping[str, Any], names: tuple[str, ...], sizes: tuple[int, ...]
) -> tuple[npt.NDArray[np.str_], npt.NDArray[np.str_]]:
    labels = [as_text(np.ravel(np.asarray(arrays[name])), name) for name in names]
    if not names:
        labels = [np.arange(1, size + 1).astype(str) for size in sizes]
    if [len(label) for label in labels] != list(sizes):
        raise InputError(
            f"subject and session are of {' and '.join(str(len(label)) for label in labels)}, RDMs of {sizes}"
        )
    for name, label in zip(names, labels, strict=False):
        if len(np.unique(label)) < len(label):
            raise InputError(f"{name} holds a label twice ({', '.join(label)}); each {name} needs its own")
    return labels[0], labels[1]


COLLECTION = Collection(
    name="kriegeskorte2008",
    what="RDMs of 92 object images, 4 subjects x 2 sessions, functional magnetic resonance imaging",
    species="human",
    area="IT",
    units="1 - Pearson correlation",
    citation="Kriegeskorte, Mur, Ruff, Kiani, Bodurka, Esteky, Tanaka & Bandettini, Matching categorical object "
    "representations in inferior temporal cortex of man and monkey, Neuron 60 (2008)",
    licence="MIT, as distributed with the demonstrations of rsatoolbox",
    source="https://github.com/rsagroup/rsatoolbox/tree/main/demos/92imageData",
    files=_files,
    read=_read,
    options={"session": Option("all", "1, 2 or all", ("1", "2", "all"))},
    processing=("only dissimilarities are published, correlation distances of voxels of inferior temporal cortex",),
    met=True,
)
