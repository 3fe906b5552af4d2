"""Names of public recordings, such as ``allen-2p/511510753?stimulus=static_gratings``: what each asks for."""

import difflib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from normenc.errors import InputError, NotHereError, quoted
from normenc.recordings.files import is_file, is_folder
from normenc.recordings.public.cache import collections_folder
from normenc.recordings.public.collection import Collection, RemoteFile
from normenc.recordings.public.registry import catalogue, collection_named

__all__ = ["Asked", "beside", "is_name", "is_read_as_file", "near", "parse", "place_of"]

MOST_LISTED = 8
LOCAL, STREAM = "from", "stream"


@dataclass(frozen=True)
class Asked:
    """What a name asks for.

    Attributes
    ----------
    collection : Collection
    session : str or None
    options : mapping of str to str
        All options of the collection, with defaults where none was given.
    local : Path or None
        The file, or the folder, to read instead of what would be downloaded: the option ``from``.
    streams : bool
        Whether the file is read where it lies, in ranges, without being downloaded: the option ``stream``.
    """

    collection: Collection
    session: str | None
    options: Mapping[str, str]
    local: Path | None = None
    streams: bool = False

    @property
    def files(self) -> tuple[RemoteFile, ...]:
        """The files that are needed with these options."""
        there = self.collection.files(self.session)
        return tuple(file for file in there if all(self.options.get(name) == value for name, value in file.when))

    @property
    def fetched(self) -> str:
        """The name of what is downloaded, for the advice to fetch it: options that need other files are in it."""
        needed = {name for file in self.collection.files(self.session) for name, _ in file.when}
        return self._written(needed)

    @property
    def name(self) -> str:
        """The name with the options that are not at their defaults; where the file lies does not belong to it."""
        return self._written(set(self.options))

    @property
    def is_as_file(self) -> bool:
        """Whether its only file is read like any file of one's own."""
        return self.session in self.collection.as_file

    def _written(self, names: set[str]) -> str:
        known = self.collection.options
        chosen = {name: own for name, own in self.options.items() if name in names and own != known[name].default}
        given = [f"{name}={value}" for name, value in chosen.items()]
        session = "" if self.session is None else f"/{self.session}"
        return f"{self.collection.name}{session}{'?' if given else ''}{'&'.join(given)}"

    def paths(self) -> dict[str, Path]:
        """Where its files are, or will be, by name."""
        files, local = self.files, self.local
        if local is None:
            folder = collections_folder() / self.collection.name
            return {file.name: folder / file.name for file in files}
        if len(files) == 1 and not local.is_dir():
            return {files[0].name: local}
        return {file.name: local / file.name for file in files}


def is_name(text: str) -> bool:
    """Whether a text begins with the name of a collection; a file of that name is written ``./NAME``.

    Examples
    --------
    >>> is_name("simulated-v1"), is_name("mine/v1.npz"), is_name("./simulated-v1")
    (True, False, False)
    """
    return collection_named(_first(text)) is not None


def parse(text: str) -> Asked:
    """Work out what a name asks for.

    Parameters
    ----------
    text : str
        ``COLLECTION``, ``COLLECTION/SESSION``, and options after ``?``, with ``&`` between them.

    Raises
    ------
    InputError
        If collection, session or an option is not known; the message gives the closest names.

    Examples
    --------
    >>> asked = parse("allen-2p/511510753?stimulus=static_gratings")
    >>> asked.session, asked.options["stimulus"], asked.name
    ('511510753', 'static_gratings', 'allen-2p/511510753?stimulus=static_gratings')
    >>> parse("allen-2q/5")
    Traceback (most recent call last):
        ...
    normenc.errors.NotHereError: there is no recording 'allen-2q/5'; the closest names are allen-2p and allen-2p-pooled
    """
    name, question, said = text.partition("?")
    collection = collection_named(_first(text))
    if collection is None:
        known = list(catalogue())
        raise NotHereError(f"there is no recording {quoted(text)}; {near(_first(text), known, what='name')}")
    _, slash, session = name.partition("/")
    if slash and not session:
        raise InputError(f"{quoted(text)} ends with '/'; give a session after it, or leave it out")
    given = _options(text, said) if question else {}
    local, streams = given.pop(LOCAL, None), given.pop(STREAM, "no")
    _check_streams(text, collection, streams, local)
    options = {key: option.default for key, option in collection.options.items()}
    for key, value in given.items():
        option = collection.options.get(key)
        if option is None:
            others = [*collection.options, LOCAL, *([STREAM] if collection.read_opened else [])]
            raise InputError(f"{collection.name} has no option {quoted(key)}; {near(key, others, what='option')}")
        if option.values is not None and value not in option.values:
            closest = near(value, option.values, what="value")
            raise InputError(f"{collection.name}: {key} is {quoted(value)}; {closest}")
        options[key] = value
    own = None if local is None else Path(local).expanduser()
    asked = Asked(collection, session or None, options, own, streams == "yes")
    _check_session(text, asked)
    if own is not None and not asked.files:
        raise InputError(
            f"{collection.name} has no file that {LOCAL}= could stand for; leave {LOCAL}= out, or give {local} alone"
        )
    return asked


def is_read_as_file(source: str) -> bool:
    """Whether a source is a file, or the name of a recording whose file is read like any other.

    Examples
    --------
    >>> is_read_as_file("mine.npz"), is_read_as_file("simulated-v1")
    (True, False)
    """
    return not is_name(source) or parse(source).is_as_file


def place_of(source: str) -> Path:
    """The file of a recording given by name or path, or the folder with its files; a simulated recording has none.

    Examples
    --------
    >>> place_of("mine/v1.npz").as_posix()
    'mine/v1.npz'
    """
    if not is_name(source):
        return Path(source)
    asked = parse(source)
    if asked.local is not None:
        return asked.local
    paths = asked.paths()
    if len(paths) == 1:
        return next(iter(paths.values()))
    return collections_folder() / asked.collection.name if paths else Path(source)


def beside(source: str, folder: Path) -> str:
    """A name whose option ``from``, if it has one, is absolute; a relative one lies in `folder`.

    Examples
    --------
    >>> beside("allen-2p/5?from=b/5.nwb&stimulus=natural_scenes", Path("/a"))
    'allen-2p/5?from=/a/b/5.nwb&stimulus=natural_scenes'
    """
    name, question, said = source.partition("?")
    parts = said.split("&")
    for k, part in enumerate(parts):
        if part.startswith(f"{LOCAL}="):
            own = Path(part.removeprefix(f"{LOCAL}=")).expanduser()
            parts[k] = f"{LOCAL}={os.path.abspath(folder.absolute() / own)}"  # noqa: PTH100 - links are kept
    return f"{name}{question}{'&'.join(parts)}"


def near(text: str, known: Iterable[str], *, what: str) -> str:
    """The closest of the known names in words, or all of them where none is close.

    Examples
    --------
    >>> near("stimulis", ["stimulus", "window"], what="option")
    'the closest option is stimulus'
    >>> near("x", ["stimulus", "window"], what="option")
    'its options are stimulus and window'
    """
    names = [str(name) for name in known]
    close = difflib.get_close_matches(text[:100], names, n=3, cutoff=0.6)
    close = close or [name for name in names if text and text.lower() in name.lower()]
    if close:
        return f"the closest {what}{'s are' if len(close) > 1 else ' is'} {_listed(close)}"
    if not names:
        return f"it has no {what}s"
    owner = "the" if what == "name" else "its"
    return f"{owner} {what}{'s are' if len(names) > 1 else ' is'} {_listed(names)}"


def _listed(names: list[str]) -> str:
    if len(names) > MOST_LISTED:
        return f"{', '.join(names[:MOST_LISTED])} and {len(names) - MOST_LISTED} more"
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


def _first(text: str) -> str:
    return text.partition("?")[0].partition("/")[0]


def _options(text: str, said: str) -> dict[str, str]:
    given: dict[str, str] = {}
    for part in said.split("&"):
        name, sign, value = part.partition("=")
        if not (name and sign and value):
            raise InputError(f"{quoted(text)}: {quoted(part)} is no option; write NAME=VALUE, with & between several")
        if name in given:
            raise InputError(f"{quoted(text)}: {name} is given twice; give it once")
        given[name] = value
    return given


def _check_streams(text: str, collection: Collection, streams: str, local: str | None) -> None:
    if streams not in ("yes", "no"):
        raise InputError(f"{quoted(text)}: stream is {quoted(streams)}; it must be yes or no")
    if streams == "yes" and collection.read_opened is None:
        raise InputError(f"{collection.name} cannot be read in parts where it lies; leave stream=yes out, and fetch it")
    if streams == "yes" and local is not None:
        raise InputError(
            f"{quoted(text)}: from= is a file on this machine, which needs no stream=yes; give one of them"
        )


def _check_session(text: str, asked: Asked) -> None:
    """Raise InputError for a session that the collection does not know, with those that are close."""
    try:
        _ = asked.files
    except InputError as error:
        close = difflib.get_close_matches(asked.session or "", asked.collection.sessions, n=1)
        meant = f"; did you mean {close[0]!r}?" if close else ""
        plain = text.partition("?")[0]
        own = f"; for your own file write ./{plain}" if "/" in plain and (is_file(plain) or is_folder(plain)) else ""
        raise InputError(f"{error}{meant}{own}") from None
