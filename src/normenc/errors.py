"""The one error that every room raises when its input is at fault, and how much of a text a message quotes."""

from typing import Any

__all__ = ["InputError", "quoted", "shortened"]

MOST_SAID, MOST_QUOTED = 2000, 80  # characters of a message, and of what it quotes


class InputError(ValueError):
    """The input cannot be used; the message says what was given, what is needed and what to do.

    The command line prints it as one message without a traceback. Anything else that is raised is a fault of
    normenc itself. A message is at most 2,000 characters long, whatever it quotes.
    """

    def __init__(self, *message: Any) -> None:
        super().__init__(*(shortened(part, MOST_SAID) if isinstance(part, str) else part for part in message))


def shortened(text: str, most: int = MOST_QUOTED) -> str:
    """A text of at most `most` characters: its middle is left out, and said to be, where it is longer.

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
    """A value as a message quotes it: as Python writes it, and no longer than is good for a message.

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
    except (ValueError, RecursionError):  # a number of too many digits in a list, or lists too deep
        return f"a value of type {type(value).__name__} that is too long to show"


def _digits(value: int) -> str:
    """A whole number as text; of one with thousands of digits, which Python refuses to write, how many it has."""
    try:
        return str(value)
    except ValueError:
        return f"a number of about {int(value.bit_length() * 0.30103):,} digits"
