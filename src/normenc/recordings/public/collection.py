"""What a collection of public recordings is: where its files lie, what may be asked of it, and how it is read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from normenc.recordings.recording import Recording

__all__ = ["Collection", "Option", "Read", "ReadOpened", "RemoteFile"]

Read = Callable[[Mapping[str, Path], str | None, Mapping[str, str]], Recording]
ReadOpened = Callable[[Mapping[str, Any], str | None, Mapping[str, str]], Recording]
FACTS = ("species", "area", "units", "source", "citation", "licence", "simulated")


@dataclass(frozen=True)
class RemoteFile:
    """A file of a recording.

    Attributes
    ----------
    name : str
        Path in the folder of the collection in the cache, with forward slashes; `read` finds the file under it.
    place : str
        Where it lies: an address (``https://...``), or ``dandi:DANDISET/VERSION/PATH``, ``figshare:ARTICLE/FILE``,
        ``osf:ID``, ``gin:OWNER/REPOSITORY/PATH``, ``zenodo:RECORD/FILE``; see :mod:`normenc.recordings.public.places`.
    size : int, optional
        Bytes, where known.
    checksum : str, optional
        As published, such as ``"md5:436599dfd8ebe6019f066c38aed20580"``.
    when : tuple of (str, str)
        Options and their values, for which alone the file is needed; without any, it always is.
    """

    name: str
    place: str
    size: int | None = None
    checksum: str | None = None
    when: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Option:
    """What may be asked of a recording, as ``?name=value`` after its name."""

    default: str
    meaning: str
    values: tuple[str, ...] | None = None  # None: any


@dataclass(frozen=True)
class Collection:
    """Recordings that were published together, in one layout.

    Attributes
    ----------
    name : str
        By which it is called.
    what, species, area, units : str
        For the list of recordings; `units` of the responses as they are read.
    citation, licence, source : str
        `source` is the address of the publication of the data.
    files : callable
        Gives the files of a session, by its name; of the only one, or of the default one, for None. Raises InputError,
        with the names, for a session that it does not know.
    read : callable
        Gives the recording: takes the files (name to path), the session and the options, all of them filled in.
    sessions : tuple of str
        Names of sessions that are known beforehand; may be empty where `files` takes any.
    options : mapping
    processing : tuple of str
        What was done to the responses before they were published, and what is done while they are read.
    met : bool
        Whether a real file of this collection was ever read by this reader.
    restricted : bool
        Whether the licence forbids commercial use or derivatives.
    as_file : tuple of str or None
        Sessions (None: the default one) whose only file is read like any file of one's own, with all options of
        :class:`normenc.recordings.Preparation`, instead of by `read`.
    read_opened : callable, optional
        Like `read`, from files that are open for reading in ranges, where they lie; None where this is not possible.
    """

    name: str
    what: str
    species: str
    area: str
    units: str
    citation: str
    licence: str
    source: str
    files: Callable[[str | None], tuple[RemoteFile, ...]]
    read: Read
    sessions: tuple[str, ...] = ()
    options: Mapping[str, Option] = field(default_factory=dict)
    processing: tuple[str, ...] = ()
    simulated: bool = False
    met: bool = False
    restricted: bool = False
    as_file: tuple[str | None, ...] = ()
    read_opened: ReadOpened | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """What is known of every recording of the collection, as a Recording takes it."""
        return {name: getattr(self, name) for name in FACTS}
