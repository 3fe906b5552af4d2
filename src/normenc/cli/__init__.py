"""The ``normenc`` command: commands, progress, and errors for people."""

from typing import Any

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line, see :func:`normenc.cli.guard.run`; Ctrl-C ends it from the first import on."""
    import os
    import signal
    import sys
    from contextlib import suppress
    from threading import current_thread, main_thread

    def leave(*_: object) -> None:  # a KeyboardInterrupt may be lost in an import, which then fails for another reason
        os.write(2, b"normenc: interrupted\n")
        os._exit(130)

    heeded = current_thread() is main_thread() and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if heeded:
        signal.signal(signal.SIGINT, leave)
    from normenc.cli.guard import run
    from normenc.garbage import collect_rarely

    collect_rarely()
    if heeded:
        signal.signal(signal.SIGINT, signal.default_int_handler)
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
