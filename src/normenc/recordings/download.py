"""Download a published recording once, and keep it."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from normenc.errors import InputError
from normenc.recordings.sources import SOURCES, Source

__all__ = ["cache_folder", "cached_file", "fetch", "place_of"]

CHUNK = 1 << 14  # bytes; a broken connection loses less than one chunk
TIMEOUT = 30.0  # seconds without a byte


def cache_folder() -> Path:
    """The folder that keeps downloads: ``$NORMENC_CACHE``, or the user's cache folder."""
    import pooch

    return Path(os.environ.get("NORMENC_CACHE") or pooch.os_cache("normenc"))


def cached_file(name: str) -> Path:
    """Where the recording `name` is kept, whether or not it is there yet.

    Raises
    ------
    InputError
        If there is no recording of that name to download.
    """
    source = SOURCES.get(name)
    if source is None or source.filename is None:
        there = ", ".join(name for name, source in SOURCES.items() if source.url)
        reason = "is simulated and needs no download" if source else "is unknown"
        raise InputError(f"recording {name!r} {reason}; recordings to download are {there}")
    return cache_folder() / source.filename


def place_of(source: str) -> Path:
    """The file of a recording given by name or path; a simulated recording has none.

    Examples
    --------
    >>> place_of("mine/v1.npz").as_posix()
    'mine/v1.npz'
    """
    return cached_file(source) if source in SOURCES and SOURCES[source].url else Path(source)


def fetch(name: str, *, progress: bool = True, timeout: float = TIMEOUT) -> Path:
    """Download a recording, unless it is in the cache already, and check it.

    Call again to continue an interrupted download. A file with a wrong MD5 is never kept.

    Parameters
    ----------
    name : str
        A recording in :data:`normenc.recordings.SOURCES` that has an address.
    progress : bool
        Draw a progress bar on a terminal.
    timeout : float
        Seconds to wait for the server's next byte.

    Returns
    -------
    Path
        The file in the cache.

    Raises
    ------
    InputError
        If the server cannot be reached, refuses, breaks off, or sends something else; the message says how to put the
        file in place by hand.
    """
    import pooch
    import requests

    path = cached_file(name)
    source = SOURCES[name]
    assert source.url is not None and source.filename is not None
    pooch.get_logger().setLevel("WARNING")  # the progress bar shows it already
    partial = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        keeper = pooch.create(
            path=path.parent,
            base_url="",
            registry={source.filename: f"md5:{source.md5}"},
            urls={source.filename: source.url},
        )
        keeper.fetch(source.filename, downloader=_continued_download(partial, progress, timeout))
    except requests.HTTPError as error:
        raise InputError(_advice(source, path, f"the server answered {error}")) from None
    except requests.Timeout:
        raise InputError(_advice(source, path, f"the server sent nothing for {timeout:g} s")) from None
    except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
        got = partial.stat().st_size if partial.exists() else 0
        reason = f"the connection broke after {got:,} bytes; call again to continue" if got else "no connection"
        raise InputError(_advice(source, path, reason)) from None
    except requests.RequestException as error:
        raise InputError(_advice(source, path, f"the download failed ({error})")) from None
    except ValueError:  # pooch raises it for a wrong hash, after removing the file
        reason = f"the downloaded file is truncated or altered (its MD5 is not {source.md5}) and was removed"
        raise InputError(_advice(source, path, reason)) from None
    except OSError as error:
        raise InputError(_advice(source, path, f"the cache cannot be written ({error})")) from None
    return path


def _advice(source: Source, path: Path, reason: str) -> str:
    return f"{source.name}: {reason}. Try again later, or download {source.url} by hand and save it as {path}"


def _continued_download(partial: Path, progress: bool, timeout: float) -> Callable[[str, Any, Any], None]:
    """Return a downloader for pooch that writes to `partial` first and resumes at its end."""

    def download(url: str, output_file: str | Path, _pooch: Any) -> None:
        import requests

        done = partial.stat().st_size if partial.exists() else 0
        headers = {"Range": f"bytes={done}-", "Accept-Encoding": "identity"} if done else {}
        with requests.get(url, headers=headers, stream=True, timeout=timeout) as answer:
            if done and answer.status_code == 416:  # nothing is left to send; the hash decides
                partial.replace(output_file)
                return
            answer.raise_for_status()
            continued = answer.status_code == 206
            length = int(answer.headers.get("Content-Length", 0)) or None
            start = done if continued else 0
            with (
                partial.open("ab" if continued else "wb") as file,
                _progress_bar(progress, start, start + length if length else None) as advance,
            ):
                for chunk in answer.iter_content(CHUNK):
                    file.write(chunk)
                    advance(len(chunk))
        partial.replace(output_file)

    return download


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
