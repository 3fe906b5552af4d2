"""Stringer et al. 2021: 20,000 neurons of mouse V1 that see gratings of any angle; the course's file, and sessions."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError, quoted
from normenc.recordings.angles import LOST
from normenc.recordings.contents import Contents
from normenc.recordings.formats.archives import read_npz
from normenc.recordings.naming import understand
from normenc.recordings.preparation import Preparation
from normenc.recordings.provenance import reads
from normenc.recordings.public.collection import Collection, Option, RemoteFile
from normenc.recordings.public.parts import as_count, file_of, filled, needs
from normenc.recordings.public.pickles import load_npy
from normenc.recordings.recording import Recording
from normenc.stimulus_types.angles import DECIMALS

__all__ = ["COLLECTION", "course"]

COURSE = "W3D4_stringer_oribinned1.npz"
FIGSHARE = 8279387
SESSIONS = {  # short names of those that were met most in public code
    "gt1": "gratings_drifting_GT1_2019_04_12_1",
    "gt2": "gratings_drifting_GT2_2019_04_05_1",
    "gt3": "gratings_drifting_GT3_2019_04_05_1",
    "gt1-static": "gratings_static_GT1_2019_04_17_1",
    "tx34-random": "static_sin_rand_TX34_2019_10_21_1",
    "tx36-random": "static_sin_rand_TX36_2019_10_21_1",
    "tx38-random": "static_sin_rand_TX38_2019_10_17_3",
}
STEM = re.compile(r"(?P<shown>\w+?)_(?P<mouse>[A-Za-z]+\d+)_(?P<date>\d{4}_\d\d_\d\d)_(?P<block>\d+)")
FLOOR = 1e-6  # added to standard deviations over trials, as published
FULL = 2 * np.pi
RAW = "deconvolved fluorescence, arbitrary units"
Floats = npt.NDArray[np.floating[Any]]


def _files(session: str | None) -> tuple[RemoteFile, ...]:
    if session is None:
        return (RemoteFile(COURSE, "osf:683xc", checksum="md5:436599dfd8ebe6019f066c38aed20580"),)
    stem = SESSIONS.get(session.casefold(), session)
    if STEM.fullmatch(stem) is None:
        raise InputError(
            f"stringer2021 has no recording {quoted(session)}; there are {', '.join(SESSIONS)}, and others by the "
            "names of their files, such as gratings_static_GT1_2019_04_17_1"
        )
    return (RemoteFile(f"{stem}.npy", f"figshare:{FIGSHARE}/{stem}.npy"),)


class _Session(NamedTuple):
    """What the name of a file says."""

    kind: str
    mouse: str
    session: str


def course(path: Path, asked: Preparation | None = None) -> Contents:
    """The course's file, of 181 bins of orientation.

    Parameters
    ----------
    path : Path
        ``W3D4_stringer_oribinned1.npz``, with ``resp`` (n_stimuli, n_neurons) and ``stimuli``, degrees from 0 to 360.
    asked : Preparation, optional
        Whose bins come first in this format, see :mod:`normenc.recordings.reference_format`.

    Raises
    ------
    InputError
        If it holds something else.
    """
    reads(path)
    arrays = read_npz(path, {})
    needs(arrays, ("resp", "stimuli"), "the course's file")
    facts = COLLECTION.facts
    content = understand(arrays, COLLECTION.name, asked)
    return replace(content, facts=facts | dict(content.facts))


def _read(files: Mapping[str, Path], session: str | None, options: Mapping[str, str]) -> Recording:
    asked = filled(COLLECTION, options)
    if session is None:
        given = [name for name in options if asked[name] != COLLECTION.options[name].default]
        if given:
            raise InputError(f"stringer2021: {', '.join(given)} is for single sessions, such as stringer2021/gt1")
        with file_of(files, ".npz", "the course") as path:
            return course(path).recording()
    with file_of(files, ".npy", "a session") as path:
        named = _session_of(next(name for name, own in files.items() if own == path))
        saved = load_npy(path)
        needs(saved, ("sresp", "istim"), "a session of stringer2021")
        return _of_session(saved, f"stringer2021/{session}", named, asked).recording()


def _session_of(name: str) -> _Session:
    """The type of the stimuli, the mouse and the session, from the name of a file."""
    match = STEM.fullmatch(Path(name).stem)
    if match is None:
        raise InputError(f"its name {name!r} is not that of a session, such as gratings_static_GT1_2019_04_17_1.npy")
    kind = "direction" if "drifting" in match["shown"] else "orientation"
    return _Session(kind, match["mouse"], f"{match['date']}_{match['block']}")


def _of_session(saved: Mapping[str, Any], name: str, named: _Session, asked: Mapping[str, str]) -> Contents:
    responses, angles = np.asarray(saved["sresp"]), np.ravel(np.asarray(saved["istim"])).astype(np.float64)
    if responses.ndim != 2 or responses.dtype.kind not in "iuf" or responses.shape[1] < len(angles):
        raise InputError(
            f"sresp has shape {responses.shape} and istim {angles.shape}; sresp must be neurons x trials, with a trial "
            "for each value of istim"
        )
    n_known = np.size(saved.get("mean_spont", np.empty(len(responses))))
    if n_known != len(responses):  # else trials would be read as neurons, without a word
        raise InputError(
            f"sresp has shape {responses.shape}, so {len(responses):,} neurons, but mean_spont is of {n_known:,}; "
            "sresp must be neurons x trials"
        )
    shown = angles[np.isfinite(angles)]
    if not len(shown) or shown.min() < 0 or shown.max() > FULL + 1e-3:
        said = f"runs from {shown.min():g} to {shown.max():g}" if len(shown) else "holds no number"
        raise InputError(f"istim {said}; it must be radians from 0 to 2 pi")
    steps = []
    if responses.shape[1] > len(angles):
        steps.append(f"kept the first {len(angles):,} of {responses.shape[1]:,} trials, which have a stimulus")
    values, kept = responses[:, : len(angles)].T.astype(np.float32), np.arange(len(responses))
    units = RAW
    if asked["processing"] == "published":
        values, kept, taken = _published(values, saved, asked["components"])
        steps += taken
        units = "z-score over trials of responses normalised by spontaneous activity"
    elif asked["components"] != "0":
        raise InputError("components are taken out of normalised responses; use processing=published, or components=0")
    degrees = np.round(np.degrees(angles) - 90, DECIMALS - LOST)
    low, period = (0, 360) if named.kind == "direction" else (-90, 180)
    n_trials, n_neurons = values.shape
    notes = [
        "angles are those of the file minus 90 degrees, so that 0 is vertical, as in the course's file; no public code "
        "says which angle is vertical"
    ]
    if named.kind == "orientation":
        notes.append("gratings do not drift, as the file's name says; angles 180 degrees apart are one orientation")
    return Contents(
        name,
        named.kind,
        (degrees - low) % period + low,
        values,
        trials={"animal": np.full(n_trials, named.mouse), "session": np.full(n_trials, named.session)},
        neurons={"neuron": kept.astype(str)},
        facts=COLLECTION.facts | {"units": units, "source": f"https://doi.org/10.25378/janelia.{FIGSHARE}"},
        read_as=f"{n_trials:,} trials x {n_neurons:,} neurons",
        notes=tuple(notes),
        steps=tuple(steps),
    )


def _published(
    values: Floats, saved: Mapping[str, Any], components: str
) -> tuple[Floats, npt.NDArray[np.intp], list[str]]:
    """Responses, trials x neurons, normalised as published; which neurons they are; and what was done."""
    needs(saved, ("mean_spont", "std_spont"), "a session with spontaneous activity (else use processing=none)")
    mean, spread = (np.ravel(np.asarray(saved[name])).astype(np.float64) for name in ("mean_spont", "std_spont"))
    if not len(mean) == len(spread) == values.shape[1]:
        raise InputError(
            f"mean_spont and std_spont are of {len(mean):,} and {len(spread):,} neurons, but sresp of "
            f"{values.shape[1]:,}; use processing=none"
        )
    active = np.isfinite(mean) & np.isfinite(spread) & (spread > 0)
    if not active.any():
        raise InputError("no neuron has spontaneous activity (mean_spont, std_spont); use processing=none")
    steps = []
    if not active.all():
        steps.append(f"left out {(~active).sum():,} of {len(active):,} neurons without spontaneous activity")
    normal = values[:, active].astype(np.float64)
    normal -= mean[active]  # in place, because it is large
    normal /= spread[active]
    steps.append("normalised each neuron by the mean and standard deviation of its spontaneous activity")
    if n_components := as_count(components, "components"):
        part = _components(saved, n_components, len(active))[active]
        normal -= (normal @ part) @ part.T
        steps.append(f"took out the first {part.shape[1]} components of spontaneous activity")
    centre, width = normal.mean(axis=0), normal.std(axis=0) + FLOOR
    normal -= centre
    normal /= width
    steps.append("z-scored each neuron over trials")
    return normal.astype(np.float32), np.flatnonzero(active), steps


def _components(saved: Mapping[str, Any], n: int, n_neurons: int) -> Floats:
    needs(saved, ("u_spont",), "a session with components of spontaneous activity")
    every = np.asarray(saved["u_spont"])
    if every.ndim != 2 or every.shape[0] != n_neurons or every.dtype.kind not in "iuf":
        raise InputError(f"u_spont has shape {every.shape}; it must be neurons ({n_neurons:,}) x components")
    if n > every.shape[1]:
        raise InputError(f"components is {n}, but the file has {every.shape[1]}")
    part = every[:, :n].astype(np.float64)
    lengths = np.linalg.norm(part, axis=0)
    if not np.allclose(lengths, 1, atol=1e-2):  # else more, or less, than the component would be subtracted
        raise InputError(
            f"the components in u_spont have lengths from {lengths.min():g} to {lengths.max():g}; each must have "
            "length 1. Use components=0"
        )
    return part


COLLECTION = Collection(
    name="stringer2021",
    what="static and drifting gratings of any angle, about 20,000 neurons a session; without a session, the 181 bins "
    "of orientation of the course",
    species="mouse",
    area="V1",
    units="z-score over stimuli of responses normalised by spontaneous activity",
    citation="Stringer, Michaelos, Tsyboulski, Lindo & Pachitariu, High-precision coding in visual cortex, "
    "Cell 184 (2021)",
    licence="as stated at the source",
    source="https://osf.io/683xc",
    files=_files,
    read=_read,
    sessions=tuple(SESSIONS),
    as_file=(None,),
    options={
        "processing": Option(
            "published",
            "published normalises by spontaneous activity and z-scores over trials; none leaves responses as they are",
            ("published", "none"),
        ),
        "components": Option("0", "how many components of spontaneous activity are taken out; the paper also shows 32"),
    },
    processing=(
        "fluorescence was deconvolved before it was published",
        "responses are normalised by the mean and standard deviation of spontaneous activity, and z-scored over trials",
    ),
)
