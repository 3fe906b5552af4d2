"""A run, or one page, on a computer without a screen: a server for the browser at the other end of an SSH tunnel.

The server listens on 127.0.0.1 alone. Its address holds a random token. A request without the token, by another host
name, or for anything but a file of the run, always gets the same answer: not found.
"""

import hmac
import os
import secrets
import shutil
import socketserver
import sys
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote

from normenc.errors import InputError
from normenc.runs.marker import check_settled
from normenc.runs.schema import REPORT
from normenc.runs.taking import FolderTakenError, UnwritableError

__all__ = ["PageServer", "page_of", "serve", "server_of"]

HOST = "127.0.0.1"
NOT_FOUND = b"not found\n"
TYPES = {
    **dict.fromkeys((".html", ".htm"), "text/html; charset=utf-8"),
    **dict.fromkeys((".toml", ".txt", ".md", ".log"), "text/plain; charset=utf-8"),
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}
# The page is self-contained: nothing may be loaded, sent, framed or submitted.
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; font-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
}


class PageServer(ThreadingHTTPServer):
    """Serves one folder or one page on 127.0.0.1 until it is closed.

    Parameters
    ----------
    page : Path or bytes
        The page at the address itself: a file that is read for each request, or the content of a page.
    folder : Path, optional
        Its files are served too; without a folder, only the page is.
    port : int
        0 chooses a free one.

    Attributes
    ----------
    address : str
        With the token; keep it secret from people who should not see the run.

    Raises
    ------
    InputError
        When the port is in use or not permitted.
    """

    daemon_threads = True  # an open connection does not delay the end
    allow_reuse_address = os.name == "posix"  # elsewhere it would let two servers share a port

    def __init__(self, page: Path | bytes, folder: Path | None = None, *, port: int = 0):
        self.page = page
        self.folder = None if folder is None else folder.resolve()
        self.token = secrets.token_urlsafe(24)
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as error:
            raise InputError(
                f"port {port} cannot be used ({error.strerror}); choose another with port=, or leave it out for a free "
                "one"
            ) from None
        self.address = f"http://{HOST}:{self.server_port}/{self.token}/"

    def server_bind(self) -> None:
        """Bind without looking up a name for the address, which would use the network."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]

    def hosts(self) -> set[str]:
        """Names by which a browser on this computer addresses the server."""
        names = {f"{HOST}:{self.server_port}", f"localhost:{self.server_port}"}
        return names | ({HOST, "localhost"} if self.server_port == 80 else set())

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore browsers that closed the connection; other errors are faults and keep their traceback."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)

    def opened(self, target: str) -> tuple[str, BinaryIO] | None:
        """Content type and content of a request's target, or None if there is nothing to serve."""
        path = target.partition("?")[0]
        start, slash, rest = path.removeprefix("/").partition("/")
        known = hmac.compare_digest(start.encode("utf-8", "replace"), self.token.encode())
        if not (path.startswith("/") and slash and known):
            return None
        if isinstance(self.page, bytes) and rest in ("", REPORT):
            return TYPES[".html"], BytesIO(self.page)
        file = self._file(rest)
        try:
            return None if file is None else (_content_type(file), file.open("rb"))
        except OSError:
            return None

    def _file(self, rest: str) -> Path | None:
        name = self.page.name if isinstance(self.page, Path) else REPORT
        parts = _parts(rest) if rest else [name]
        if parts is None:
            return None
        if self.folder is None:
            return self.page if isinstance(self.page, Path) and parts == [name] and self.page.is_file() else None
        try:
            file = self.folder.joinpath(*parts).resolve(strict=True)
        except (OSError, RuntimeError, ValueError):  # missing, a cycle of links, or not a file name
            return None
        if not file.is_relative_to(self.folder) or not file.is_file():
            return None
        hidden = any(part.startswith(".") for part in file.relative_to(self.folder).parts)
        return None if hidden else file


def _parts(rest: str) -> list[str] | None:
    """Names of folders and file in the part of an address after the token; None if it is not a plain path."""
    if any(code in rest.lower() for code in ("%2f", "%5c")):
        return None
    try:
        text = unquote(rest, errors="strict")
    except UnicodeDecodeError:
        return None
    if "\\" in text or any(ord(letter) < 32 or ord(letter) == 127 for letter in text):
        return None
    parts = text.split("/")
    plain = all(part and not part.startswith(".") and not Path(part).drive for part in parts)
    return parts if plain else None


def _content_type(file: Path) -> str:
    return TYPES.get(file.suffix.lower(), "application/octet-stream")


class _Handler(BaseHTTPRequestHandler):
    server: PageServer
    timeout = 20  # seconds that a silent connection is kept

    def version_string(self) -> str:
        """Disclose no version."""
        return "normenc"

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def _answer(self, *, body: bool) -> None:
        hosts = self.headers.get_all("Host", [])
        # Another site's name may point here, so only requests by the names of this computer are answered.
        here = len(hosts) == 1 and hosts[0].lower() in self.server.hosts()
        opened = self.server.opened(self.path) if here else None
        if opened is None:
            self._send(HTTPStatus.NOT_FOUND, "text/plain; charset=utf-8", BytesIO(NOT_FOUND), body=body)
            return
        content_type, content = opened
        with content:
            self._send(HTTPStatus.OK, content_type, content, body=body)

    def _send(self, status: HTTPStatus, content_type: str, content: BinaryIO, *, body: bool) -> None:
        size = content.seek(0, os.SEEK_END)
        content.seek(0)
        self.send_response(status)
        for name, value in {"Content-Type": content_type, "Content-Length": str(size), **HEADERS}.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            shutil.copyfileobj(content, self.wfile)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer malformed requests and other methods like everything else that is not found."""
        self.close_connection = True
        self._send(HTTPStatus.NOT_FOUND, "text/plain; charset=utf-8", BytesIO(NOT_FOUND), body=self.command != "HEAD")

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the terminal is the user's, and requests hold the token."""


def server_of(target: str | Path, *, port: int = 0) -> PageServer:
    """A server, bound but not yet serving, of a run's folder or of one page.

    Parameters
    ----------
    target : str or Path
        The folder of a run, whose report is generated again if it is missing or damaged; or an HTML file.
    port : int
        0 chooses a free one.

    Raises
    ------
    InputError
        When `target` is neither, the report cannot be generated, or the port cannot be used.
    """
    target = Path(target)
    return PageServer(page_of(target), target if target.is_dir() else None, port=port)


def page_of(target: str | Path) -> Path | bytes:
    """The page that shows a run, or the page itself.

    Parameters
    ----------
    target : str or Path
        The folder of a run, whose report is generated again if it is missing or damaged; or an HTML file.

    Returns
    -------
    Path or bytes
        The file; or the page's content if it was generated again and cannot be written to the folder.

    Raises
    ------
    InputError
        When `target` is neither, or the report cannot be generated.
    """
    target = Path(target)
    if target.is_dir():
        return _report(target)
    if not target.exists():
        raise InputError(f"{target}: this file or folder does not exist; give a run's folder, or a page (.html)")
    if target.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"{target}: this is neither a run nor a page; give a run's folder, or a page (.html)")
    return target.resolve()


def serve(server: PageServer, *, ready: Callable[[str], None] | None = None) -> None:
    """Serve until the process is interrupted (Ctrl-C), then close.

    Parameters
    ----------
    server : PageServer
    ready : callable, optional
        Called with the address once connections are accepted.
    """
    with server:
        try:
            if ready is not None:
                ready(server.address)  # the socket is listening already: early requests are answered soon
            server.serve_forever()
        except KeyboardInterrupt:
            return


def _report(folder: Path) -> Path | bytes:
    """The report of a run, generated again if missing or damaged; in memory if the folder cannot be written."""
    from normenc.runs import Run

    path = folder / REPORT
    if not path.resolve().is_relative_to(folder.resolve()):
        raise InputError(
            f"{path}: this is a link to a file outside the run; remove it, and the report is generated again"
        )
    check_settled(folder)
    if _is_whole(path):
        return path
    Run.open(folder)  # raises if something is missing or damaged
    from normenc.report.page import render, write

    try:
        try:
            return write(folder)
        except (OSError, FolderTakenError, UnwritableError):
            return render(folder).encode("utf-8")
    except InputError:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, OSError) as error:
        raise InputError(
            f"{folder}: report.html is missing or incomplete, and cannot be generated from the files in the folder "
            f"({type(error).__name__}: {error}); run the study again with force=True"
        ) from error


def _is_whole(path: Path) -> bool:
    """Whether a page is complete, by its end."""
    try:
        return path.is_file() and path.read_bytes().rstrip().endswith(b"</html>")
    except OSError:
        return False
