"""Move a file from a server to the disk: a broken transfer continues where it ended, and two versions never mix."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

from normenc.recordings.public.asking import SourceError, refusal
from normenc.recordings.public.places import Located

__all__ = ["TIMEOUT", "remove_part", "transfer"]

CHUNK = 1 << 14  # bytes; a broken connection loses less than one chunk
TIMEOUT = 30.0  # seconds without a byte
PAGES = (".html", ".htm", ".xml")
RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)")


class _AnewError(Exception):
    """What is there does not fit what the server has now: the transfer must begin again."""


def transfer(located: Located, part: Path, *, progress: bool = True, timeout: float = TIMEOUT) -> None:
    """Download a file to `part`, or continue at its end; the file is whole when this returns, but not yet verified.

    A transfer is continued only if the server still has the same file: by its ETag or date, or if a checksum is known.

    Parameters
    ----------
    located : Located
    part : Path
        Beside it lies what identifies the version that it is a part of.
    progress : bool
        Draw a progress bar on a terminal.
    timeout : float
        Seconds to wait for the server's next byte.

    Raises
    ------
    SourceError
        If the server refuses, breaks off or sends something else; in one line.
    OSError
        If the disk cannot be written.
    """
    import requests

    try:
        try:
            _attempt(located, part, progress, timeout)
        except _AnewError:
            remove_part(part)
            _attempt(located, part, progress, timeout)
    except _AnewError:
        remove_part(part)
        raise SourceError("the server answers requests for parts of the file wrongly") from None
    except requests.Timeout:
        raise SourceError(f"the server sent nothing for {timeout:g} s") from None
    except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
        got = _length(part)
        said = f"the connection broke after {got:,} bytes; call again to continue" if got else "no connection"
        raise SourceError(said) from None
    except requests.RequestException as error:
        raise SourceError(f"the download failed ({' '.join(str(error).split())[:200]})") from None
    if located.size is not None and (got := _length(part)) != located.size:
        remove_part(part)
        raise SourceError(f"the server sent {got:,} bytes, but the file has {located.size:,}; they were removed")


def remove_part(part: Path) -> None:
    """Remove what was downloaded, and what identifies it."""
    part.unlink(missing_ok=True)
    _about(part).unlink(missing_ok=True)


def _attempt(located: Located, part: Path, progress: bool, timeout: float) -> None:
    import requests

    version = _version(part)
    done = _length(part) if version or located.checksum else 0
    headers = {"Accept-Encoding": "identity"}
    if done:
        headers["Range"] = f"bytes={done}-"
        if version and not version.startswith("W/"):
            headers["If-Range"] = version
    with requests.get(located.address, headers=headers, stream=True, timeout=timeout) as answer:
        if done and answer.status_code == 416:
            match = RANGE.match(answer.headers.get("Content-Range", ""))
            total = located.size if match is None or match[2] == "*" else int(match[2])
            if total is not None and total != done:
                raise _AnewError
            if total is None and not located.checksum:
                raise _AnewError
            return  # nothing is left to send
        _check_answer(answer, located)
        start = _start(answer, done, version)
        length = int(answer.headers.get("Content-Length", 0)) or None
        total = start + length if length else None
        chunks = answer.iter_content(CHUNK)
        first = next(chunks, b"")
        if start == 0 and _is_page(first) and not located.address.endswith(PAGES):
            remove_part(part)
            raise SourceError(WEB_PAGE)
        if located.size is not None and total is not None and total != located.size:
            remove_part(part)
            raise SourceError(
                f"the server offers {total:,} bytes, but the file has {located.size:,}: the source has changed"
            )
        _check_room(part, length or 0)
        _about(part).write_text(json.dumps({"version": _version_of(answer)}), encoding="utf-8")
        with part.open("ab" if start else "wb") as file, _progress_bar(progress, start, total) as advance:
            for chunk in chain([first], chunks):
                file.write(chunk)
                advance(len(chunk))


WEB_PAGE = "the server sent a web page instead of the file; it may want you to log in, or to accept its terms"


def _check_answer(answer: Any, located: Located) -> None:
    said = refusal(answer.status_code)
    if said is not None:
        raise SourceError(said)
    if answer.url.startswith("http://") and located.address.startswith("https://"):
        raise SourceError("the server redirects to an address that is not secure (http)")
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind in ("text/html", "application/xhtml+xml") and not located.address.endswith(PAGES):
        raise SourceError(WEB_PAGE)


def _start(answer: Any, done: int, version: str | None) -> int:
    """Where what the server sends begins in the file."""
    if answer.status_code != 206:
        return 0
    match = RANGE.match(answer.headers.get("Content-Range", ""))
    if match is not None and match[1] is not None and int(match[1]) != done:
        raise _AnewError
    now = _version_of(answer)
    if version and now and version != now:
        raise _AnewError
    return done


def _is_page(chunk: bytes) -> bool:
    return chunk[:512].lstrip().lower().startswith((b"<!doctype html", b"<html"))


def _version_of(answer: Any) -> str | None:
    """What identifies the version that the server sends."""
    own = answer.headers.get("ETag") or answer.headers.get("Last-Modified")
    return None if own is None else str(own)


def _about(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _version(part: Path) -> str | None:
    """What identifies the version that a part is of; None where this is not known."""
    try:
        own = json.loads(_about(part).read_text(encoding="utf-8"))["version"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return own if isinstance(own, str) else None


def _length(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _check_room(part: Path, needed: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if needed > free:
        raise SourceError(
            f"the disk has {free / 2**30:,.1f} GiB left, but {needed / 2**30:,.1f} are needed; make room, or set "
            "NORMENC_CACHE to a folder on another disk"
        )


@contextmanager
def _progress_bar(visible: bool, start: int, total: int | None) -> Iterator[Callable[[int], None]]:
    """Draw a bar from `start` to `total` bytes; yields the function that advances it by some bytes."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    console = Console(stderr=True)
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not (visible and console.is_terminal)) as bar:
        task = bar.add_task("download", total=total, completed=start)
        yield lambda n: bar.advance(task, n)
