"""Output to the terminal: text is shown as text alone, in colour only if colour is wanted."""

import json
import logging
import math
import os
import shutil
import sys
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from contextvars import ContextVar
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from normenc.texts import as_json, visible

__all__ = [
    "Commands",
    "echo",
    "echo_json",
    "echo_result",
    "in_colour",
    "only_json",
    "saying",
    "says",
    "says_warnings",
    "tell",
    "with_any_letter",
]

_OUTPUT: ContextVar[str] = ContextVar("output", default="everything")
_WARNINGS: ContextVar[bool] = ContextVar("warnings", default=True)


@contextmanager
def saying(what: str, *, warnings: bool = True) -> Iterator[None]:
    """Print less: ``"everything"``, ``"results"`` (where they are), or ``"nothing"``, which leaves room for JSON.

    Without warnings, other libraries log errors alone.
    """
    before, logged = (_OUTPUT.set(what), _WARNINGS.set(warnings)), logging.root.manager.disable
    if not warnings:
        logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logged)
        _OUTPUT.reset(before[0])
        _WARNINGS.reset(before[1])


@contextmanager
def only_json() -> Iterator[None]:
    """What a user's own code, a library or a process that they start prints goes to the standard error meanwhile."""
    output, errors = _duplicate(1), _duplicate(2)
    instead = os.open(os.devnull, os.O_WRONLY) if errors is None else errors
    if instead != 1:  # as it is if the standard output was closed
        os.dup2(instead, 1)
        os.close(instead)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        if output is None:
            os.close(1)
        else:
            os.dup2(output, 1)
            os.close(output)


def _duplicate(descriptor: int) -> int | None:
    """Another one of the same file; None if it is closed."""
    try:
        return os.dup(descriptor)
    except OSError:
        return None


def says(what: str = "everything") -> bool:
    """Whether this is printed."""
    return _OUTPUT.get() == what


def says_warnings() -> bool:
    """Whether warnings are printed."""
    return _WARNINGS.get()


def with_any_letter() -> None:
    """Have letters that the terminal's encoding lacks written as escapes, where they would end in an error."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def in_colour() -> bool:
    """Whether colours and bold text may be used: not with ``NO_COLOR``, and not on a terminal that has none."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") not in ("dumb", "unknown")


def echo(*lines: object, err: bool = False, fg: str | None = None, bold: bool = False, wrapped: bool = False) -> None:
    """Print lines, in which advice for Python becomes advice for the command line.

    A character that would act on the terminal, or hide, is shown as its escape.

    Parameters
    ----------
    *lines : object
        Each is one line, even if its text has several.
    err : bool
        To the standard error.
    fg : str, optional
        A colour of typer.
    bold : bool
    wrapped : bool
        On a terminal, break lines between words, below an indent of "- ". Not for what is to be copied: commands and
        paths.
    """
    from normenc.cli.advice import as_options

    if not (err or says()):
        return
    shown = [visible(as_options(str(line))) for line in lines]
    stream = sys.stderr if err else sys.stdout
    if stream is None:  # it was closed before
        return
    on_terminal = stream.isatty()
    text = "\n".join(_between_words(line) for line in shown) if wrapped and on_terminal else "\n".join(shown)
    if in_colour() and on_terminal:
        text = typer.style(text, fg=fg, bold=bold or None)
    print(text, file=stream, flush=True)


def _between_words(line: str) -> str:
    indent = "  " if line.startswith("- ") else ""
    columns = shutil.get_terminal_size().columns
    return textwrap.fill(line, columns, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def echo_result(what: str, where: object) -> None:
    """Print where a result is, which ``--quiet`` prints alone."""
    if says("results"):
        print(visible(str(where)), flush=True)
    else:
        echo(f"{what}: {where}" if what else where)


def tell(problem: object, *, fg: str = typer.colors.YELLOW) -> None:
    """Say on the standard error what is wrong; an InputError may have several lines."""
    from normenc.errors import InputError

    lines = str(problem).split("\n") if isinstance(problem, InputError) else [str(problem)]
    echo(f"normenc: {'error: ' * isinstance(problem, Exception)}{lines[0]}", *lines[1:], err=True, fg=fg)


def echo_json(value: Any) -> None:
    """Print a value as JSON, in which null stands for what is not known."""
    if sys.stdout is None:  # it was closed before
        return
    value = _plain(value)
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(value, indent=2)
    print(as_json(text), flush=True)


def _plain(value: Any) -> Any:
    """A value as JSON has it: NaN, and an infinity, is null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(own) for key, own in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(own) for own in value]
    if hasattr(value, "tolist"):  # of NumPy
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


class Commands(TyperGroup):
    """Commands whose faults of usage, which quote what was typed, are shown as text alone too."""

    def make_context(self, *args: Any, **options: Any) -> Any:
        """As usual."""
        try:
            return super().make_context(*args, **options)
        except Exception as error:
            _raise_shown(error)

    def invoke(self, *args: Any, **options: Any) -> Any:
        """As usual."""
        try:
            return super().invoke(*args, **options)
        except Exception as error:
            _raise_shown(error)


def _raise_shown(error: Exception) -> NoReturn:
    if hasattr(error, "format_message"):  # of click
        error.message = visible(error.message)  # type: ignore[attr-defined]
    raise error
