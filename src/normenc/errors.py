"""The one error that every room raises when its input is at fault."""

__all__ = ["InputError"]


class InputError(ValueError):
    """The input cannot be used; the message says what was given, what is needed and what to do.

    The command line prints it as one message without a traceback. Anything else that is raised is a fault of
    normenc itself and keeps its traceback.
    """
