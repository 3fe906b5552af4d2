"""The Allen Brain Observatory, two-photon: the neurons of all sessions of an area and a depth, as if recorded at once.

Which sessions there are is read from the list of experiments that the Allen Institute publishes; its layout was read
from AllenSDK (``api/queries/brain_observatory_api.py``). Sessions are read one by one, and only responses are kept.
"""

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError, NotHereError, quoted
from normenc.recordings.formats.guards import readable
from normenc.recordings.provenance import reads
from normenc.recordings.public import allen_2p
from normenc.recordings.public.allen import Presentations, made
from normenc.recordings.public.collection import Collection, Option, RemoteFile
from normenc.recordings.public.fetching import read_files
from normenc.recordings.public.kept import accepted
from normenc.recordings.public.names import parse
from normenc.recordings.public.streams import opened_at
from normenc.recordings.recording import Recording

__all__ = ["COLLECTION"]

LIST = "ophys_experiments.json"
QUERY = (
    "https://api.brain-map.org/api/v2/data/query.json?criteria=model::OphysExperiment,"
    "rma::include,targeted_structure,specimen(donor(transgenic_lines)),rma::options[num_rows$eq'all'][count$eqfalse]"
)
SHOWN = {  # by the session's type, as AllenSDK maps them
    "natural_scenes": ("three_session_B",),
    "static_gratings": ("three_session_B",),
    "drifting_gratings": ("three_session_A",),
}
DEPTH = re.compile(r"(\d{1,4})-(\d{1,4})")
MOST_SAID = 5


@dataclass(frozen=True)
class Experiment:
    """A session, as the list describes it: its number, area, depth (um), type and Cre lines."""

    number: int
    area: str
    depth: int
    kind: str
    lines: tuple[str, ...]


def _files(session: str | None) -> tuple[RemoteFile, ...]:
    if session is not None:
        raise InputError(
            f"allen-2p-pooled holds no session {quoted(session)}: it pools all of an area; choose by area, depth and "
            "cre_line, as in allen-2p-pooled?area=VISp&depth=0-249"
        )
    return (RemoteFile(LIST, QUERY),)


def _read(files: Mapping[str, Path], session: str | None, options: Mapping[str, str]) -> Recording:
    path = files[LIST]
    chosen = _chosen(_experiments(path), options)
    sources = _sources(path.parent, chosen, streams=options["sessions"] == "stream")
    pool = _Pool(options["stimulus"])
    for experiment, source in zip(chosen, sources, strict=True):
        try:
            pool.add(experiment, _one(source, experiment.number, options))
        except InputError as error:
            raise InputError(f"session {experiment.number} ({source}): {error}") from None
    return pool.recording(options)


def _experiments(path: Path) -> list[Experiment]:
    """All sessions of the list, as the archive answers it, or as AllenSDK keeps it (without its frame)."""
    with readable("list of experiments", "fetch it again"):
        content = json.loads(path.read_text(encoding="utf-8"))
    rows = content.get("msg") if isinstance(content, dict) else content
    if not isinstance(rows, list) or not rows:
        raise InputError(f"{path}: it holds no list of experiments; fetch it again")
    try:
        found = [
            Experiment(
                int(row["id"]),
                str(row["targeted_structure"]["acronym"]),
                int(row["imaging_depth"]),
                str(row["stimulus_name"]),
                tuple(str(line["name"]) for line in row["specimen"]["donor"]["transgenic_lines"]),
            )
            for row in rows
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: an experiment lacks {error}; the list must have id, targeted_structure, imaging_depth, "
            "stimulus_name and specimen of each, as the Allen Institute's ophys_experiments has"
        ) from None
    if len({own.number for own in found}) < len(found):
        raise InputError(f"{path}: an experiment is listed twice; fetch it again")
    return sorted(found, key=lambda own: own.number)


def _chosen(every: Sequence[Experiment], options: Mapping[str, str]) -> list[Experiment]:
    """The sessions that are asked for and showed the stimulus."""
    found = [own for own in every if own.kind in SHOWN[options["stimulus"]]]
    if not found:
        raise InputError(f"no session of the list showed {options['stimulus']}")
    found = _of(found, "area", options["area"], lambda own: (own.area,))
    if options["depth"] != "all":
        match = DEPTH.fullmatch(options["depth"])
        if match is None or int(match[1]) > int(match[2]):
            raise InputError(f"depth is {quoted(options['depth'])}; it must be two depths in um, as in 150-249, or all")
        depths = sorted({own.depth for own in found})
        found = [own for own in found if int(match[1]) <= own.depth <= int(match[2])]
        if not found:
            raise InputError(f"no session lies {options['depth']} um deep; there are {', '.join(map(str, depths))}")
    return _of(found, "cre_line", options["cre_line"], lambda own: own.lines)


def _of(found: list[Experiment], name: str, wanted: str, values_of: Any) -> list[Experiment]:
    if wanted == "all":
        return found
    asked = wanted.split(",")
    there = sorted({value for own in found for value in values_of(own)})
    if absent := [own for own in asked if own not in there]:
        raise InputError(f"no session has {name} {quoted(absent[0])}; there are {', '.join(there)}")
    return [own for own in found if set(values_of(own)) & set(asked)]


def _sources(folder: Path, chosen: Sequence[Experiment], *, streams: bool) -> list[Path | str]:
    """Each session's file, beside the list or in the cache, or else its address."""
    found: list[Path | str] = []
    absent = []
    for own in chosen:
        path = folder / f"{own.number}.nwb"
        if not path.is_file():
            try:
                (path,) = read_files(parse(f"allen-2p/{own.number}")).values()
            except NotHereError:
                absent.append(own.number)
                found.append(f"{allen_2p.BUCKET}/{own.number}.nwb")
                continue
        found.append(path)
    if absent and not streams:
        first = ", ".join(map(str, absent[:MOST_SAID])) + (", ..." if len(absent) > MOST_SAID else "")
        raise NotHereError(
            f"{len(absent)} of {len(chosen)} sessions are not here ({first}); fetch each as allen-2p/{absent[0]}, put "
            f"{absent[0]}.nwb and the others beside {LIST}, or read them where they lie with sessions=stream"
        )
    if absent and not (accepted(COLLECTION) or accepted(allen_2p.COLLECTION)):
        raise InputError(
            f"its licence is {COLLECTION.licence}; accept it with 'normenc recordings fetch allen-2p-pooled' before "
            "sessions are read where they lie"
        )
    return found


def _one(source: Path | str, number: int, options: Mapping[str, str]) -> allen_2p.Session:
    if isinstance(source, Path):
        reads(source)
        return allen_2p.read_session(source, str(number), options)
    with closing(opened_at(source, COLLECTION.name, "sessions=stream")) as file:
        return allen_2p.read_session(file, str(number), options)


class _Pool:
    """Responses of sessions, joined by stimulus and repeat."""

    def __init__(self, stimulus: str) -> None:
        self.stimulus = stimulus
        self.sessions: list[tuple[Experiment, allen_2p.Session]] = []
        self.images: Any = None
        self.first = 0

    def add(self, experiment: Experiment, own: allen_2p.Session) -> None:
        """Add a session, whose stimuli must be those of the others; its images are kept once."""
        if own.area not in (experiment.area, "not stated"):
            raise InputError(f"its file says {own.area}, and the list {experiment.area}; fetch both again")
        if not self.sessions:
            self.images, self.first = own.images, experiment.number
        elif own.images is not None and not np.array_equal(own.images, self.images):
            raise InputError(f"its natural scenes are not those of session {self.first}; leave one of them out")
        else:
            one, other = (_shown(session.shown) for session in (own, self.sessions[0][1]))
            if not np.array_equal(one, other):
                differs = np.setxor1d(one, other)
                raise InputError(
                    f"it did not show what session {self.first} showed ({len(differs)} stimuli differ, the first is "
                    f"{differs[0]}); leave one of them out"
                )
        kept = allen_2p.Session(
            own.shown, own.responses.astype(np.float32), own.neurons, own.area, None, own.steps, (), own.cautions
        )
        self.sessions.append((experiment, kept))

    def recording(self, options: Mapping[str, str]) -> Recording:
        """The pool as one recording."""
        every = [own for _, own in self.sessions]
        keys = [_keys(own.shown) for own in every]
        names, fewest = _fewest(keys)
        rows = [_rows(own, names, fewest) for own in keys]
        numbers = [str(experiment.number) for experiment, own in self.sessions for _ in own.neurons]
        cells = [name for own in every for name in own.neurons]
        is_double = len(set(cells)) < len(cells)
        n_shown = sum(len(own) for own in keys)
        n_kept = sum(len(own) for own in rows)
        steps = [*every[0].steps]
        if n_kept < n_shown:
            steps.append(
                f"left out {n_shown - n_kept:,} of {n_shown:,} presentations without a counterpart in every session"
            )
        steps.append(
            f"joined {len(every)} sessions with different neurons (the first presentation of each stimulus in every "
            "session, the second, and so on), as if they had been recorded at once"
        )
        areas = [own.area for own in every for _ in own.neurons]
        depths = sorted({experiment.depth for experiment, _ in self.sessions})
        lines = sorted({line for experiment, _ in self.sessions for line in experiment.lines})
        notes = (
            f"sessions {', '.join(str(experiment.number) for experiment, _ in self.sessions)}",
            f"imaged {', '.join(map(str, depths))} um deep; lines {', '.join(lines) or 'not stated'}",
            "trials of different sessions were not simultaneous: correlations of noise between them mean nothing",
        )
        return made(
            every[0].shown.kept(rows[0]),
            np.concatenate([own.responses[row] for own, row in zip(every, rows, strict=True)], axis=1),
            self.stimulus,
            images=self.images,
            steps=tuple(steps),
            notes=notes,
            cautions=every[0].cautions,
            neurons={
                "neuron": [f"{a}/{b}" for a, b in zip(numbers, cells, strict=True)] if is_double else cells,
                "region": areas,
                "neuron_session": numbers,
            },
            **COLLECTION.facts | {"area": ", ".join(sorted(set(areas)))},
        )


def _keys(shown: Presentations) -> npt.NDArray[np.str_]:
    """What was shown at each presentation, with all parameters, as a text; empty for blanks."""
    label = shown.label
    parts = [np.where(shown.is_blank, "", label if label.dtype.kind == "U" else label.astype(str))]
    parts += [
        np.where(shown.is_blank, "", [f" {name} {own:g}" for own in values])
        for name, values in shown.parameters.items()
    ]
    return np.array(["".join(own) for own in zip(*parts, strict=True)], dtype=str)


def _shown(shown: Presentations) -> npt.NDArray[np.str_]:
    """All different stimuli, without blanks."""
    return np.unique(_keys(shown)[~shown.is_blank])


def _fewest(keys: Sequence[npt.NDArray[np.str_]]) -> tuple[npt.NDArray[np.str_], npt.NDArray[np.int64]]:
    """All stimuli, and how often each was shown in the session that showed it least; blanks may be lacking in one."""
    names = np.unique(np.concatenate(keys))
    return names, np.min([[np.count_nonzero(own == name) for name in names] for own in keys], axis=0)


def _rows(
    keys: npt.NDArray[np.str_], names: npt.NDArray[np.str_], fewest: npt.NDArray[np.int64]
) -> npt.NDArray[np.intp]:
    """Presentations of each stimulus in turn, the first ones."""
    return np.concatenate([np.flatnonzero(keys == name)[:n] for name, n in zip(names, fewest, strict=True)])


OPTIONS = {name: own for name, own in allen_2p.COLLECTION.options.items() if name != "format"}

COLLECTION = Collection(
    name="allen-2p-pooled",
    what="the neurons of all two-photon sessions of an area, a depth and a Cre line, joined by stimulus and repeat",
    species="mouse",
    area="as asked for",
    units="dF/F",
    citation=allen_2p.COLLECTION.citation,
    licence=allen_2p.COLLECTION.licence,
    source=allen_2p.COLLECTION.source,
    files=_files,
    read=_read,
    options={
        "area": Option("VISp", "area of the sessions, with commas between several, or all"),
        "depth": Option("all", "depth of imaging, um, FROM-TO, both included"),
        "cre_line": Option("all", "transgenic line, as the list spells it, with commas between several"),
        "sessions": Option(
            "here",
            "here: all sessions must be on this computer; stream: those that are not are read where they lie",
            ("here", "stream"),
        ),
        **OPTIONS,
    },
    processing=allen_2p.COLLECTION.processing,
    restricted=True,
)
