"""The one error that every room raises when its input is at fault, and the one warning."""

from normenc.texts import visible

__all__ = ["InputError", "NormencWarning"]


class InputError(ValueError):
    r"""The input cannot be used; the message says what was given, what is needed and what to do.

    The command line prints it as one message without a traceback. Anything else that is raised is a fault of
    normenc itself and keeps its traceback.

    Parameters
    ----------
    *messages : str
        Each becomes a line. What they quote from files is shown as text alone: an end of a line, or an order to the
        terminal, as its escape.

    Examples
    --------
    >>> print(InputError("area is 'V1\nverdict: reliable'", "a second fault"))
    area is 'V1\nverdict: reliable'
    a second fault
    """

    def __init__(self, *messages: object) -> None:
        super().__init__(*(visible(str(message)) for message in messages))

    def __str__(self) -> str:
        return "\n".join(self.args)


class NormencWarning(UserWarning):
    """Something that does not stop the work, but that its user must know; the command line prints it as one line."""
