"""The one error that every room raises when its input is at fault, and the one warning."""

__all__ = ["InputError", "NormencWarning"]


class InputError(ValueError):
    """The input cannot be used; the message says what was given, what is needed and what to do.

    The command line prints it as one message without a traceback. Anything else that is raised is a fault of
    normenc itself and keeps its traceback.
    """


class NormencWarning(UserWarning):
    """Something that does not stop the work, but that its user must know; the command line prints it as one line."""
