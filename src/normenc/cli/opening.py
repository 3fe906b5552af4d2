"""Show a page in this computer's browser, or serve it to one elsewhere."""

import signal
import tempfile
import webbrowser
from pathlib import Path

from normenc.cli.terminal import echo

__all__ = ["open_in_browser", "serve_page"]


def open_in_browser(page: Path | bytes) -> None:
    """Have the browser show a page; one that is on no disk is written to a folder of its own."""
    if isinstance(page, bytes):
        content, page = page, Path(tempfile.mkdtemp(prefix="normenc-"), "report.html")
        page.write_bytes(content)
    echo(str(page))
    if not webbrowser.open(page.resolve().as_uri()):
        echo("normenc: no browser was found; use --serve, and open the address that it prints", err=True)


def serve_page(run: Path, port: int) -> None:
    """Serve a run, or a page, to browsers that can reach this computer's own address, until Ctrl-C."""
    from normenc.report import serving

    # A shell that starts a job in the background may have it ignore Ctrl-C.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.default_int_handler)
    server = serving.server_of(run, port=port)
    serving.serve(server, ready=lambda address: echo(f"{run}: {address}", "Press Ctrl-C to end."))
    echo("normenc: closed")
