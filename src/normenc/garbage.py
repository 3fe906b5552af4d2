"""Garbage collection in processes that are normenc's own, such as its command."""

import atexit
import gc

__all__ = ["collect_rarely"]

HOW_OFTEN = (20_000, 20, 20)  # new objects before the young are looked at, and times before older ones are


def collect_rarely() -> None:
    """Look for garbage in this process less often than Python does, and not once more as it ends.

    Importing torch, and drawing, make hundreds of thousands of objects, of which next to none is garbage. What nothing
    refers to is freed at once in any case.
    """
    gc.set_threshold(*HOW_OFTEN)
    atexit.unregister(gc.freeze)  # where this was called before
    atexit.register(gc.freeze)
