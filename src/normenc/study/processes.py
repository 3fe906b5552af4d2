"""Processes that all compute one function, and that end when this one is interrupted."""

import os
import pickle
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any

from normenc.garbage import collect_rarely

__all__ = ["n_cores", "processes"]

_function: Callable[[Any], Any] | None = None  # of this process


def n_cores() -> int:
    """Cores that this process may use; all of the machine where the system does not say."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def processes(
    function: Callable[[Any], Any], workers: int | None = None
) -> Iterator[Callable[[Iterable[Any]], Iterator[Any]]]:
    """Start processes for a function; gives one like :func:`map`, whose results are in order.

    Each process is given the function, with all that it holds, as it starts. What it is called with should be small:
    a call that is larger than a pipe (64 kB) could wait for processes that are gone.

    Parameters
    ----------
    function : callable
        That can be pickled.
    workers : int, optional
        One per core by default.
    """
    # Forked processes could inherit locks that torch's threads hold.
    pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=_keep, initargs=(pickle.dumps(function),))
    try:
        yield lambda tasks: pool.map(_call, tasks)
    except BaseException:
        for process in list(
            (pool._processes or {}).values()
        ):  # they could compute for minutes, and this one would wait for them
            process.kill()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _keep(function: bytes) -> None:
    global _function
    collect_rarely()  # before what the function needs is imported
    _function = pickle.loads(function)


def _call(task: Any) -> Any:
    assert _function is not None
    return _function(task)
