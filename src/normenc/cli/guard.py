"""How a command ends: always with an exit code and at most one line.

An unexpected error leaves a bug report in the cache, which ``normenc doctor --last`` shows.
"""

import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from normenc.errors import InputError, shortened

__all__ = ["REPORTS", "Interrupted", "run"]

REPORTS = "reports"  # a folder in the cache
KEPT = 20  # files in it
MOST_SAID, MOST_TRACED = 300, 20_000  # characters of an error's message, and of where it was raised
FAILED, WRONG, INTERRUPTED = 1, 2, 130  # exit codes
ENDING = [number for name in ("SIGINT", "SIGTERM", "SIGHUP") if (number := getattr(signal, name, None)) is not None]
FULL = "the disk is full; free some space, and run the same command again"


class Interrupted(Exception):  # noqa: N818 - no error
    """Ctrl-C, where the command can tell what is left behind."""


class _Interrupts:
    """Whether Ctrl-C was pressed, or the process told to end: libraries may turn it into errors of their own.

    Attributes
    ----------
    pressed : bool
    code : int
        With which the command ends then: 130 for Ctrl-C, 143 and 129 where it was told to end.
    """

    pressed = False
    code = 130

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.pressed:  # while all is being ended
            os._exit(self.code)
        self.pressed, self.code = True, 128 + number
        raise KeyboardInterrupt


def run(arguments: Sequence[str]) -> None:
    """Run the command line, and end the process with its exit code.

    0 success; 1 the work failed, or part of it; 2 the command or its input is wrong;
    130 interrupted. Nothing ends in a traceback, unless ``--debug`` is given or ``NORMENC_DEBUG`` is set.
    """
    words = list(arguments)
    options = words[: words.index("--")] if "--" in words else words
    debug = "--debug" in options or os.environ.get("NORMENC_DEBUG", "") not in ("", "0")
    words = [word for word in options if word != "--debug"] + words[len(options) :]
    with _interrupts() as interrupts:
        try:
            from normenc.cli.commands import app
            from normenc.cli.printing import warnings_in_one_line
            from normenc.cli.terminal import with_any_letter

            with_any_letter()
            with warnings_in_one_line():
                app(args=words)
        except SystemExit as stop:
            if interrupts.pressed or stop.code == INTERRUPTED:
                _say("normenc: interrupted")
                sys.exit(interrupts.code)
            sys.exit(_flushed(stop.code))
        except BrokenPipeError:
            sys.exit(_flushed(FAILED))
        except BaseException as error:
            if debug:
                traceback.print_exc()
            code = _told(error, words, interrupted=interrupts.pressed)
            sys.exit(interrupts.code if code == INTERRUPTED else code)


@contextmanager
def _interrupts() -> Iterator[_Interrupts]:
    interrupts = _Interrupts()
    is_default = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # a shell may have it ignored
    if not is_default or threading.current_thread() is not threading.main_thread():
        yield interrupts
        return
    before = {
        number: signal.signal(number, interrupts) for number in ENDING if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield interrupts
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _told(error: BaseException, words: Sequence[str], *, interrupted: bool) -> int:
    """Say in one line what happened; gives the exit code."""
    if isinstance(error, Interrupted):
        _say(f"normenc: interrupted; {error}")
        return INTERRUPTED
    if interrupted or isinstance(error, KeyboardInterrupt):
        _say("normenc: interrupted")
        return INTERRUPTED
    if isinstance(error, InputError):
        first, *others = str(error).split("\n")
        _say(f"normenc: error: {first}", *others)
        return WRONG
    if isinstance(error, ConnectionError) or (isinstance(error, OSError) and error.errno is not None):
        _say(f"normenc: error: {_of_system(error)}")
        return FAILED
    if isinstance(error, MemoryError):
        _say("normenc: error: there is not enough memory; use fewer stimuli, neurons, images or workers")
        return FAILED
    said = " ".join(str(error).split())
    what = f"{type(error).__name__}: {shortened(said, MOST_SAID)}" if said else type(error).__name__
    _say(f"normenc: error: this is a bug in normenc ({what}); {_report(error, words)}")
    return FAILED


def _of_system(error: OSError) -> str:
    import errno

    if error.errno == errno.ENOSPC:
        return f"{f'{error.filename}: ' if error.filename else ''}{FULL}"
    return shortened(str(error), MOST_SAID)


def _say(*lines: str) -> None:
    import typer

    from normenc.cli.terminal import echo

    with suppress(OSError, ValueError):  # the reader is gone
        echo(*lines, err=True, fg=typer.colors.RED)


def _flushed(code: int | str | None) -> int:
    """The exit code, once all output is flushed; a reader that left early, such as ``head``, needs no more."""
    exit_code = code if isinstance(code, int) else 0 if code is None else FAILED
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except BrokenPipeError:
        _to_nowhere()
        return exit_code or FAILED
    except OSError as error:
        _say(f"normenc: error: the output could not be written ({error.strerror})")
        _to_nowhere()
        return FAILED
    return exit_code


def _to_nowhere() -> None:
    """Let Python, which flushes once more as it ends, do so without an error."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())


def _report(error: BaseException, words: Sequence[str]) -> str:
    """Write what a report needs to a file of its own; says where it is."""
    try:
        path = _written(error, words)
    except Exception:  # no room, no right to write: the line must be said all the same
        return "run the same command with --debug to see where"
    return f"the details for a bug report are in {path}; 'normenc doctor --last' shows them"


def _written(error: BaseException, words: Sequence[str]) -> Path:
    import shlex
    from datetime import UTC, datetime

    from normenc.cli.doctor import versions
    from normenc.recordings import cache_folder

    folder = cache_folder() / REPORTS
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    now = datetime.now(UTC)
    path = folder / f"{now:%Y%m%d-%H%M%S}-{os.getpid()}.txt"
    trace = "".join(traceback.format_exception(error))
    lines = [f"normenc {shlex.join(words)}", f"{now:%Y-%m-%d %H:%M:%S} UTC", "", *versions(), "", trace]
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)  # it names the user's files
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(shortened("\n".join(lines), MOST_TRACED))
    for old in sorted(folder.glob("*.txt"))[:-KEPT]:
        old.unlink(missing_ok=True)
    return path
