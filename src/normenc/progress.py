"""How far long work is: one count for all stages, shown by bars, in a notebook or in a log, or passed to a function.

A command or function that works long opens :func:`reporting`. All that it calls may then tell of a :func:`stage` of its
own: it passes :func:`listener`, or the callback that it was given.
"""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeVar

from normenc.progress_showing import is_notebook, shown

__all__ = ["ProgressCallback", "Stage", "SweepProgress", "counting", "each", "listener", "reporting", "stage"]

REPORT_EVERY = 0.2  # seconds between reports within a step
SHORT = 1.0  # seconds in which a function that is called in a notebook shows nothing
Item = TypeVar("Item")


@dataclass(frozen=True)
class SweepProgress:
    """Progress of a stage of the work.

    Attributes
    ----------
    done, running, failed, total : int
        Steps of the stage: networks in training, comparisons, pictures, and so on. ``done + failed`` never exceeds
        ``total``.
    seconds_left : float
        Until the stage ends, as fast as it has gone so far; NaN while that is not known.
    stage : str
        Such as ``"training"``; the stages come one after the other.
    part : float
        How much of the current step is done, 0 to 1.
    note : str
        What the work waits for, if it waits.

    Examples
    --------
    >>> print(SweepProgress(1, 2, 0, 4, 3661.0))
    training: 1 of 4 done, 2 running, 1:01:01 left
    >>> print(SweepProgress(0, 0, 0, 4, math.nan, note="no worker yet"))
    training: 0 of 4 done (no worker yet)
    >>> print(SweepProgress(1, 1, 0, 4, 30.0, "comparing", part=0.4))
    comparing: 35 %, 1 of 4 done, 0:30 left
    """

    done: int
    running: int
    failed: int
    total: int
    seconds_left: float
    stage: str = "training"
    part: float = 0.0
    note: str = ""

    @property
    def share(self) -> float:
        """How much of the stage is done, 0 to 1."""
        return (self.done + self.failed + self.part) / self.total if self.total else 1.0

    def __str__(self) -> str:
        parts = [f"{self.done} of {self.total} done"]
        if self.part > 0:
            parts.insert(0, f"{100 * self.share:.0f} %")
        if self.running > 1:
            parts.append(f"{self.running} running")
        if self.failed:
            parts.append(f"{self.failed} failed")
        if self.share < 1 and math.isfinite(self.seconds_left):
            parts.append(f"{_clock(self.seconds_left)} left")
        return f"{self.stage}: {', '.join(parts)}" + (f" ({self.note})" if self.note else "")


ProgressCallback = Callable[[SweepProgress], None]


@dataclass
class Stage:
    """Counts the steps of a stage and estimates the time left from those that were done here.

    ``before`` of them were done by an earlier run, and cost nothing; ``lanes`` go on side by side.
    """

    callback: ProgressCallback
    name: str
    total: int
    before: int = 0
    lanes: int = 1
    done: int = 0
    failed: int = 0
    part: float = 0.0
    note: str = ""
    started: float = field(default_factory=time.monotonic)
    told: float = 0.0

    def step(self, *, failed: bool = False) -> None:
        """Count the current step as done."""
        self.part = 0.0
        self.failed += failed
        self.done += not failed
        self.report()

    def progress(self, done: int, total: int) -> None:
        """Report how much of the current step is done, for work that counts itself."""
        self.part = min(done / total, 1.0) if total else 0.0
        if time.monotonic() - self.told >= REPORT_EVERY:
            self.report()

    def notice(self, note: str) -> None:
        """Report what the work waits for, or that it no longer waits: once, until that changes."""
        if note != self.note:
            self.note = note
            self.report()

    def over(self, items: Iterable[Item]) -> Iterator[Item]:
        """Go through `items` once the step before them is done, each of them a step."""
        self.step()
        for item in items:
            yield item
            self.step()

    def report(self) -> None:
        """Report how far the stage is."""
        self.told = time.monotonic()
        left = self.total - self.before - self.done - self.failed
        part = self.part if left else 0.0
        here = self.done + self.failed + part
        seconds = (self.told - self.started) / here * (left - part) if here else float("nan")
        running = min(left, self.lanes)
        self.callback(
            SweepProgress(
                self.before + self.done, running, self.failed, self.total, seconds, self.name, part, self.note
            )
        )


@contextmanager
def stage(progress: ProgressCallback, name: str, total: int = 1, *, before: int = 0, lanes: int = 1) -> Iterator[Stage]:
    """Report the start of a stage, and its end if its block succeeds: steps not counted by then are done.

    Examples
    --------
    >>> with stage(lambda state: print(state.done, state.total), "checking"):
    ...     pass
    0 1
    1 1
    """
    counted = Stage(progress, name, total, before, lanes)
    if total:
        counted.report()
    yield counted
    while counted.before + counted.done + counted.failed < total:
        counted.step()


def each(progress: ProgressCallback, name: str, items: Iterable[Item]) -> Iterator[Item]:
    """Go through `items`, each of them a step of a stage; without any there is no stage."""
    items = list(items)
    if not items:
        return
    with stage(progress, name, len(items)) as counted:
        for item in items:
            yield item
            counted.step()


_LISTENER: ContextVar[ProgressCallback | None] = ContextVar("listener", default=None)


def listener() -> ProgressCallback:
    """Who is told of progress here: what the innermost :func:`reporting` shows, or nobody.

    Examples
    --------
    >>> with reporting(lambda state: print(state)), stage(listener(), "checking"):
    ...     pass
    checking: 0 of 1 done
    checking: 1 of 1 done
    """
    return _LISTENER.get() or _nobody


@contextmanager
def reporting(progress: bool | ProgressCallback) -> Iterator[ProgressCallback]:
    """Show progress until the block ends, also that of work which asks for the :func:`listener`.

    Parameters
    ----------
    progress : bool or callable
        A callback is given each :class:`SweepProgress`. True shows it as a :func:`reporting` around this one does; if
        there is none, by bars on a terminal, by a line that changes in a notebook, and by lines of a log elsewhere.
        False shows nothing.

    Yields
    ------
    callable
        To which progress is told.
    """
    with _shown(progress) as show:
        before = _LISTENER.set(show)
        try:
            yield show
        finally:
            _LISTENER.reset(before)


@contextmanager
def counting(name: str, progress: Callable[[int, int], None] | None = None) -> Iterator[Callable[[int, int], None]]:
    """Tell how much of its work a function of the library has done, for those that make no stages.

    Parameters
    ----------
    name : str
        What it does, such as ``"inference"``.
    progress : callable, optional
        Who is told (done, all). By default a notebook shows it, of work that lasts longer than a second and is no part
        of other work that shows its own.

    Yields
    ------
    callable
        To be called as (done, all).
    """
    if progress is not None or _LISTENER.get() is not None or not is_notebook():
        yield progress or _uncounted
        return
    with reporting(True) as show:
        counted = Stage(show, name, 1)

        def tell(done: int, total: int) -> None:
            if time.monotonic() - counted.started >= SHORT:
                counted.progress(done, total)

        yield tell


@contextmanager
def _shown(progress: bool | ProgressCallback) -> Iterator[ProgressCallback]:
    if callable(progress):
        yield progress
        return
    if not progress:
        yield _nobody
        return
    if (around := _LISTENER.get()) is not None:
        yield around
        return
    with shown() as show:
        yield show


def _nobody(state: SweepProgress) -> None:
    pass


def _uncounted(done: int, total: int) -> None:
    pass


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
