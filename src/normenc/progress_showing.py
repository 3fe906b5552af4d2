"""How progress looks: bars on a terminal, a line that changes in a notebook, and lines of a log elsewhere."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from normenc.progress import SweepProgress

__all__ = ["is_notebook", "shown"]

QUIET_EVERY = 30.0  # seconds between lines of progress where there is no terminal
NOTEBOOK_EVERY = 0.5  # seconds between changes of what a notebook shows


def is_notebook() -> bool:
    """Whether a cell of a notebook, which rich knows, runs this."""
    if "IPython" not in sys.modules:
        return False
    from rich.console import Console

    return Console(stderr=True).is_jupyter


@contextmanager
def shown() -> Iterator["Callable[[SweepProgress], None]"]:
    """Show progress until the block ends, in the way that fits where this runs."""
    if is_notebook():
        with _in_notebook() as show:
            yield show
        return
    from rich.console import Console

    console = Console(stderr=True)
    if console.is_terminal and not console.is_dumb_terminal:
        with _bars(console) as show:
            yield show
        return
    lines = _Lines()
    try:
        yield lines
    finally:
        lines.stop()


@contextmanager
def _in_notebook() -> Iterator["Callable[[SweepProgress], None]"]:
    """One line that changes in the output of a cell, from the first report on; it is empty at the end."""
    from IPython.display import display

    line: Any = None
    told, last = 0.0, ""

    def show(state: "SweepProgress") -> None:
        nonlocal line, told, last
        now = time.monotonic()
        if state.stage != last or now - told >= NOTEBOOK_EVERY:
            told, last = now, state.stage
            line = line or display({"text/plain": ""}, raw=True, display_id=True)
            line.update({"text/plain": str(state)}, raw=True)

    try:
        yield show
    finally:
        if line is not None:
            line.update({"text/plain": ""}, raw=True)


@contextmanager
def _bars(console: Any) -> Iterator["Callable[[SweepProgress], None]"]:
    """A bar for each stage; all disappear at the end."""
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

    rows: dict[str, Any] = {}
    with Progress(
        SpinnerColumn(), BarColumn(), TextColumn("{task.description}", markup=False), console=console, transient=True
    ) as bars:

        def show(state: "SweepProgress") -> None:
            if state.stage not in rows:
                rows[state.stage] = bars.add_task(state.stage, total=1.0)
            bars.update(rows[state.stage], completed=state.share, description=str(state))

        yield show


class _Lines:
    """Lines of progress for logs: one every half minute, one at the end of a stage that had any, and one for each note.

    A separate thread writes them, so a long step is not silent.
    """

    def __init__(self) -> None:
        self.state: SweepProgress | None = None
        self.spoken_of = ""
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._write_every, daemon=True)
        self.thread.start()

    def __call__(self, state: "SweepProgress") -> None:
        before, self.state = self.state, state
        if state.note and (before is None or state.note != before.note):
            self._write(state)
        elif state.stage == self.spoken_of and state.done + state.failed == state.total:
            self._write(state)
            self.spoken_of = ""

    def stop(self) -> None:
        """End the thread."""
        self.stopped.set()
        self.thread.join()

    def _write_every(self) -> None:
        while not self.stopped.wait(QUIET_EVERY):
            state = self.state
            if state is not None and state.share < 1:
                self.spoken_of = state.stage
                self._write(state)

    @staticmethod
    def _write(state: "SweepProgress") -> None:
        print(f"normenc: {state}", file=sys.stderr, flush=True)
