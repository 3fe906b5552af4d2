"""The ``normenc`` command: commands, progress, and errors for people."""

from typing import Any

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line, see :func:`normenc.cli.guard.run`; Ctrl-C ends it from the first import on."""
    import signal
    import sys
    from contextlib import suppress

    try:
        from normenc.cli.guard import run
    except KeyboardInterrupt:
        sys.stderr.write("normenc: interrupted\n")
        sys.exit(130)
    try:
        run(sys.argv[1:])
    finally:
        with suppress(ValueError):  # not in the main thread
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # while Python ends, there is nothing left to tell


def __getattr__(name: str) -> Any:
    """The application, whose imports main() guards."""
    if name == "app":
        from normenc.cli.commands import app

        return app
    raise AttributeError(f"module 'normenc.cli' has no attribute {name!r}")
