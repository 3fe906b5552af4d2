"""The error raised for bad input, the warning, and how messages quote values."""

from typing import Any

from normenc.texts import visible

__all__ = ["InputError", "NormencWarning", "NotHereError", "NotInstalledError", "quoted", "shortened"]

MOST_SAID, MOST_QUOTED = 2000, 80  # characters in a message, and in a quoted value


class InputError(ValueError):
    r"""The input cannot be used; the message says what was given, what is needed and what to do.

    The command line prints it as one message without a traceback. Any other exception is a bug in
    normenc. A message has at most about 2,000 characters. It advises by naming parameters of Python, such as
    ``names={'responses': 'F'}``, for which the command line shows its own options.

    Parameters
    ----------
    *messages : str
        Each becomes one line. Line breaks and control characters in quoted text are shown as escapes.

    Examples
    --------
    >>> print(InputError("area is 'V1\nverdict: reliable'", "a second fault"))
    area is 'V1\nverdict: reliable'
    a second fault
    """

    def __init__(self, *messages: object) -> None:
        most = MOST_SAID // max(len(messages), 1)
        super().__init__(*(shortened(visible(shortened(str(message), MOST_SAID)), most) for message in messages))

    def __str__(self) -> str:
        return "\n".join(self.args)


class NotHereError(InputError):
    """A recording that was asked for is not on this computer; all else about the question may be right."""


class NotInstalledError(InputError, ModuleNotFoundError):
    """What was asked for needs a package that one of normenc's extras brings, and that is not installed, or broken."""


class NormencWarning(UserWarning):
    """A problem that does not stop the work, but that the user must know; the command line prints it as one line."""


def shortened(text: str, most: int = MOST_QUOTED) -> str:
    """Shorten a text to at most `most` characters, with a note in place of its middle.

    Examples
    --------
    >>> shortened("short")
    'short'
    >>> shortened("x" * 5000, 40)
    'xxxxxx ... (4,992 characters more) ...xx'
    """
    if len(text) <= most:
        return text
    room = max(most - len(" ... ( characters more) ...") - len(f"{len(text):,}"), 2)
    start, end = text[: room - room // 3], text[len(text) - room // 3 :]
    return f"{start} ... ({len(text) - len(start) - len(end):,} characters more) ...{end}"


def quoted(value: Any, most: int = MOST_QUOTED) -> str:
    """Quote a value in a message: as Python writes it, shortened if it is long.

    Examples
    --------
    >>> quoted("V1")
    "'V1'"
    >>> quoted(10**4000, 40)
    '100000 ... (3,993 characters more) ...00'
    """
    if isinstance(value, str):
        return repr(shortened(value, most))
    if isinstance(value, int) and not isinstance(value, bool):
        return shortened(_digits(value), most)
    try:
        return shortened(repr(value), most)
    except (ValueError, RecursionError):  # a list with a number of too many digits, or lists nested too deeply
        return f"a value of type {type(value).__name__} that is too long to show"


def _digits(value: int) -> str:
    """A whole number as text; its number of digits if there are too many for Python to write."""
    try:
        return str(value)
    except ValueError:
        return f"a number of about {int(value.bit_length() * 0.30103):,} digits"
