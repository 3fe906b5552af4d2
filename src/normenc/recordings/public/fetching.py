"""Download the files of a public recording once, check them, and keep them."""

import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from normenc.errors import InputError, NotHereError
from normenc.recordings.public.asking import SourceError
from normenc.recordings.public.cache import cache_folder
from normenc.recordings.public.collection import RemoteFile
from normenc.recordings.public.kept import accepted, alone, fault_of, keep, sha256_kept, take_note
from normenc.recordings.public.names import Asked, parse, place_of
from normenc.recordings.public.places import Located, locate, page_of
from normenc.recordings.public.transfer import TIMEOUT, remove_part, transfer
from normenc.texts import visible
from normenc.whole_files import check_writable

__all__ = ["Plan", "check_accepted", "download", "fetch", "planned", "read_files"]


@dataclass(frozen=True)
class Plan:
    """What is to be downloaded.

    Attributes
    ----------
    asked : Asked
    missing : mapping of RemoteFile to Located
        Files that are not here, or are damaged, and where the archive has them.
    """

    asked: Asked
    missing: Mapping[RemoteFile, Located]

    @property
    def is_accepted(self) -> bool:
        """Whether the collection's licence was accepted before."""
        return accepted(self.asked.collection)

    @property
    def is_done(self) -> bool:
        """Whether nothing has to be downloaded, or accepted."""
        return not self.missing and not self.asked.streams

    def lines(self) -> tuple[str, ...]:
        """What everybody sees before a download: name, size, licence, and what to cite."""
        own = self.asked.collection
        terms = (f"licence: {own.licence}", f"cite: {own.citation}")
        if self.asked.streams:
            return (f"{self.asked.fetched}: {own.what}; read where it lies, at {own.source}", *terms)
        sizes = [located.size if located.size is not None else file.size for file, located in self.missing.items()]
        known = sum(size for size in sizes if size is not None)
        size = "of unknown size" if None in sizes and not known else told_size(known)
        more = f" and {sizes.count(None)} of unknown size" * (None in sizes and known > 0)
        n_files = f"{len(sizes)} file{'s' * (len(sizes) != 1)}"
        return (
            f"{self.asked.fetched}: {own.what}; {n_files}, {size}{more}, from {own.source}",
            *terms,
        )


def told_size(n_bytes: int) -> str:
    """Bytes in words.

    Examples
    --------
    >>> told_size(1_500_000), told_size(2_300_000_000)
    ('1.5 MB', '2.3 GB')
    """
    return f"{n_bytes / 1e9:,.1f} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:,.1f} MB"


def fetch(name: str, *, accept: bool = False, progress: bool = True, timeout: float = TIMEOUT) -> Path:
    """Download a recording, unless it is in the cache already, and check it.

    Call again to continue an interrupted download. A file that is not the published one, or not the one that was
    downloaded first, is never kept.

    Parameters
    ----------
    name : str
        A recording by its name, such as ``"stringer2021"`` or ``"allen-2p/511510753"``, see
        :func:`normenc.recordings.catalogue`. With the option ``stream=yes`` nothing is downloaded, and only the licence
        is accepted.
    accept : bool
        Accept the licence; needed, once, for those that forbid commercial use or derivatives.
    progress : bool
        Say on the standard error what is downloaded and under which licence; draw a progress bar on a terminal.
    timeout : float
        Seconds to wait for the server's next byte.

    Returns
    -------
    Path
        The file in the cache, or the folder with the files.

    Raises
    ------
    InputError
        If the recording is not known, its licence is not accepted, or the source cannot be reached, refuses, breaks
        off, has changed or sends something else; the message says how to put the file in place by hand.
    """
    plan = planned(name, timeout=timeout)
    if plan.is_done:
        return place_of(name)
    collection = plan.asked.collection
    if accept:
        take_note(collection)
    else:
        check_accepted(plan.asked, "accept it with accept=True")
    if progress:
        print(*map(visible, plan.lines()), sep="\n", file=sys.stderr)
    return download(plan, progress=progress, timeout=timeout)


def check_accepted(asked: Asked, advice: str) -> None:
    """Raise InputError for a licence that forbids some uses and was not accepted."""
    own = asked.collection
    if own.restricted and not accepted(own):
        raise InputError(f"{asked.fetched}: its licence is {own.licence}; {advice}. Cite: {own.citation}")


def planned(name: str, *, timeout: float = TIMEOUT) -> Plan:
    """Find out what has to be downloaded for a recording, and ask the archives for it; files that are here are checked.

    Raises
    ------
    InputError
        If the recording is not known or needs no download, or an archive does not have a file any more.
    """
    asked = parse(name)
    if not asked.files:
        raise InputError(
            f"recording {name!r} is {'simulated' if asked.collection.simulated else 'here'} and needs no download"
        )
    if asked.local is not None:
        raise InputError(f"{name}: from= is a file on this machine, and needs no download; leave it out to fetch it")
    missing: dict[RemoteFile, Located] = {}
    if asked.streams:
        return Plan(asked, missing)
    for file, path in zip(asked.files, asked.paths().values(), strict=True):
        sha256_kept(asked.collection.name, file)  # a damaged lock file shows before anything is downloaded
        _adopt(asked, file, path)
        if path.is_file() and _is_right(asked, file, path):
            continue
        check_writable(path.parent, "the cache cannot be written", "set NORMENC_CACHE to a folder that can be written")
        try:
            missing[file] = located = locate(file.place, timeout=timeout)
            _check_unchanged(file, located)
        except SourceError as error:
            raise InputError(_advice(asked, file, path, str(error))) from None
    return Plan(asked, missing)


def download(plan: Plan, *, progress: bool = True, timeout: float = TIMEOUT) -> Path:
    """Download what is planned.

    Returns
    -------
    Path
        The file in the cache, or the folder with the files.

    Raises
    ------
    InputError
        See :func:`fetch`.
    """
    paths = plan.asked.paths()
    for file, located in plan.missing.items():
        path = paths[file.name]
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with alone(path):
                if path.is_file() and _is_right(plan.asked, file, path):  # by another process, meanwhile
                    continue
                _download(plan.asked, file, located, path, progress, timeout)
        except SourceError as error:
            raise InputError(_advice(plan.asked, file, path, str(error))) from None
        except OSError as error:
            raise InputError(
                _advice(plan.asked, file, path, f"the cache cannot be written ({error.strerror or error})")
            ) from None
    return place_of(plan.asked.fetched)


def _download(asked: Asked, file: RemoteFile, located: Located, path: Path, progress: bool, timeout: float) -> None:
    part = path.with_name(f"{path.name}.part")
    known = Located(located.address, located.size or file.size, located.checksum or file.checksum)
    transfer(known, part, progress=progress, timeout=timeout)
    fault, own = fault_of(asked.collection.name, file, part, located.checksum)
    if fault is not None:
        remove_part(part)
        raise SourceError(f"the downloaded file was removed: {fault}")
    keep(asked.collection.name, file, part, own["sha256"], place=file.place)
    part.replace(path)
    remove_part(part)


def read_files(asked: Asked) -> dict[str, Path]:
    """The files of a recording that is here, by name, each checked anew.

    A file without a known digest, which was put there by hand, is taken as it is, and its digest is kept.

    Raises
    ------
    InputError
        If a file is not here, or no longer what it was.
    """
    own, paths = asked.collection, asked.paths()
    if asked.local is not None:
        for name, path in paths.items():
            if not path.exists():
                raise NotHereError(
                    f"{path}: there is no such file; give the file of {asked.name}, or its folder, in from="
                )
            _check_session(asked, name, path)
        return paths
    for file, path in zip(asked.files, paths.values(), strict=True):
        if not path.is_file():
            plain = f"{own.name}{'' if asked.session is None else '/' + asked.session}"
            theirs = f"; your own file of that name is ./{plain}" if Path(plain).exists() else ""
            raise NotHereError(
                f"{asked.name} is not downloaded yet; first call normenc.recordings.fetch({asked.fetched!r}) or run "
                f"'normenc recordings fetch {_quoted(asked.fetched)}' ({page_of(file.place)}){theirs}"
            )
        # Each time, because a copy in a cache may be damaged long after it was fetched.
        fault, digests = fault_of(own.name, file, path)
        if fault is not None:
            raise InputError(
                f"{path}: {fault}; download it again with normenc.recordings.fetch({asked.fetched!r}) or 'normenc "
                f"recordings fetch {_quoted(asked.fetched)}'"
            )
        _keep_new(asked, file, path, digests["sha256"])
    return paths


def _check_session(asked: Asked, name: str, path: Path) -> None:
    """Raise InputError for an own copy whose name is that of another session: it would be read as this one."""
    if path.name == name:
        return
    is_short = len(path.stem) < len(asked.session or "")  # 1.nwb is a name of one's own, and no experiment's number
    for session in (*(() if is_short else (path.stem,)), *asked.collection.sessions):
        try:
            names = {file.name for file in asked.collection.files(session)}
        except InputError:  # no session of that name
            continue
        if path.name in names:
            raise InputError(
                f"{path}: this is the file of {asked.collection.name}/{session} by its name, and not of {asked.name}; "
                "ask for that one, or rename the file"
            )


def _quoted(name: str) -> str:
    """A name as a shell takes it."""
    return f'"{name}"' if "?" in name else name


def _is_right(asked: Asked, file: RemoteFile, path: Path) -> bool:
    fault, own = fault_of(asked.collection.name, file, path)
    if fault is None:
        _keep_new(asked, file, path, own["sha256"])
    return fault is None


def _keep_new(asked: Asked, file: RemoteFile, path: Path, sha256: str) -> None:
    """Write down a file that was put there by hand."""
    if sha256_kept(asked.collection.name, file) is not None:
        return
    with suppress(InputError):  # of a cache that others filled, and that may only be read
        keep(asked.collection.name, file, path, sha256, place="put there by hand")


def _adopt(asked: Asked, file: RemoteFile, path: Path) -> None:
    """Move a file of a published checksum from where earlier versions kept it."""
    old = cache_folder() / Path(file.name).name
    if path.exists() or file.checksum is None or not old.is_file():
        return
    if fault_of(asked.collection.name, file, old)[0] is None:
        with suppress(OSError):  # of a cache that may only be read: the download tells of it
            path.parent.mkdir(parents=True, exist_ok=True)
            old.replace(path)


def _check_unchanged(file: RemoteFile, located: Located) -> None:
    """Raise SourceError where the archive states another size, or another checksum of the same kind, than is known."""
    if file.size is not None and located.size is not None and file.size != located.size:
        raise SourceError(f"the source has changed: its file has {located.size:,} bytes, not {file.size:,}")
    one, two = (file.checksum or "").lower(), located.checksum or ""
    if one and one != two and one.partition(":")[0] == two.partition(":")[0]:
        raise SourceError(f"the source has changed: its checksum is {two}, not {one}")


def _advice(asked: Asked, file: RemoteFile, path: Path, reason: str) -> str:
    return (
        f"{asked.fetched}: {reason}. Try again later, or download {Path(file.name).name} by hand from "
        f"{page_of(file.place)} ({asked.collection.source}) and save it as {path}"
    )
