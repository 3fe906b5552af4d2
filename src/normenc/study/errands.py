"""What workers receive and return: jobs, such as networks to train, which workers with other software refuse."""

import pickle
import time
import warnings
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import uuid4

from distributed import Client, Future, as_completed

from normenc.errors import InputError
from normenc.progress import Stage
from normenc.study.provenance import Errand, OtherSoftwareError, software
from normenc.study.scheduler import WAIT, Scheduler, SchedulerWarning
from normenc.study.workers import threads, unlike

__all__ = ["Errands", "Job", "Kept"]

LOOK_EVERY = 1.0  # seconds between looks at the workers
SAY_AFTER = 5.0  # seconds without workers
PAUSE = 0.02  # seconds
NAMED = 5  # workers in a message
TRIES = 3  # of a job that workers cannot load
U = TypeVar("U", bound=Hashable)


@dataclass(frozen=True)
class Job:
    """What a worker does for a unit: call a function, whose last argument is the software that must be there.

    The function returns the key of what it did, and the result.
    """

    key: str
    function: Callable[..., tuple[str, Any]]
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Kept:
    """What of the work stays where the workers are lost, as clauses: of none, of one, and of several ("{n}")."""

    none: str
    one: str
    several: str

    def said(self, n: int) -> str:
        """What stays of `n` units, and how to go on."""
        if not n:
            return f"{self.none}; give the same command again"
        return f"{self.one if n == 1 else self.several.format(n=n)}, and the same command continues from there"


class Errands(Generic[U]):
    """Units of work in the hands of workers.

    The scheduler receives all of them at once, so an adaptive cluster grows as needed. A worker that has other
    software returns them untouched; from then on only the others receive them.
    """

    def __init__(
        self, client: Client, jobs: Mapping[U, Job], kept: Kept, counted: Stage, scheduler: Scheduler | None = None
    ) -> None:
        self.client, self.kept, self.counted, self.scheduler = client, kept, counted, scheduler
        self.jobs = dict(jobs)
        self.here = software()
        self.wait = scheduler.wait if scheduler else WAIT
        self.done = as_completed(loop=client.loop, with_results=True, raise_errors=False)
        self.units: dict[Future, U] = {}
        self.given_to: dict[Future, set[str]] = {}  # where not to all
        self.held: list[U] = []  # while there is no worker for them
        self.tries: dict[U, int] = {}
        self.workers: dict[str, int] = {}  # threads of those that may work
        self.refused: dict[str, str] = {}
        self.n_done = 0
        self.seen = self.looked = time.monotonic()

    def results(self) -> Iterator[tuple[U, Any]]:
        """Results as they arrive, or the errors in their place. If a worker dies, another trains its unit."""
        if self.scheduler is not None:
            self._check_first()
        for unit in self.jobs:
            self._give(unit)
        while self.units or self.held:
            batch = self.done.next_batch(block=False)
            for future, result in batch:
                self.given_to.pop(future, None)
                if future in self.units:
                    yield from self._take(self.units.pop(future), future, result)
                future.release()
            if not batch:
                time.sleep(PAUSE)
            if time.monotonic() - self.looked > min(LOOK_EVERY, self.wait / 4):
                self._look()

    def _give(self, unit: U) -> None:
        if self.refused and not self.workers:
            self.held.append(unit)
            return
        job = self.jobs[unit]
        errand = pickle.dumps(Errand(job.function, *job.arguments, self.here))
        only = {"workers": list(self.workers), "allow_other_workers": False} if self.refused else {}
        # A key of its own: a scheduler that outlives a client must not answer with what failed before.
        future = self.client.submit(pickle.loads, errand, key=f"normenc-{uuid4()}", pure=False, **only)
        self.units[future] = unit
        if self.refused:
            self.given_to[future] = set(self.workers)
        self.done.add(future)

    def _take(self, unit: U, future: Future, result: Any) -> Iterator[tuple[U, Any]]:
        # The worker may have died since its result was fetched: the result counts, not what became of the future.
        if isinstance(result, tuple) and isinstance(result[0], str):
            key, done = result
            if key == self.jobs[unit].key:
                self.n_done += 1
                yield unit, done
            else:
                why = f"a worker returned {key} instead of {self.jobs[unit].key}; its result is discarded"
                yield unit, InputError(why)
            return
        if future.status != "error":
            answers = self.client.status == "running"
            raise self._lost("lost what it had been given" if answers else "no longer answers")
        error = result[1]
        self.tries[unit] = self.tries.get(unit, 0) + 1
        if isinstance(error, (OtherSoftwareError, ImportError, AttributeError)) and self.tries[unit] <= TRIES:
            before = set(self.refused)
            self._look(closely=True)
            for address in self.refused.keys() - before:
                text = f"worker {address} {self.refused[address]}; it is left out"
                warnings.warn(text, SchedulerWarning, stacklevel=2)
            self._give(unit)
        else:
            yield unit, error

    def _check_first(self) -> None:
        """Refuse workers with other software before they receive anything."""
        self._look(closely=True)
        if self.refused:
            raise self._refusal()

    def _look(self, *, closely: bool = False) -> None:
        """Look for workers (closely: and their software), and give up if there were none for too long."""
        if self.client.status != "running":
            raise self._lost("no longer answers")
        there = threads(self.client)
        if there is not None:
            self.refused = {address: fault for address, fault in self.refused.items() if address in there}
            if closely:
                self.refused |= unlike(self.client, there.keys() - self.refused.keys(), self.counted)
            self.workers = {address: n for address, n in there.items() if address not in self.refused}
        self.looked = time.monotonic()
        if self.workers and there is not None:
            self.seen = self.looked
            self.counted.lanes = max(1, sum(self.workers.values()))
            self.counted.notice("")
            self._give_again()
        else:
            self._wait_on("no worker" if there is not None else "no answer from the scheduler")

    def _give_again(self) -> None:
        """Submit what was held back, and what only lost workers have."""
        stuck = [future for future, places in self.given_to.items() if not places & self.workers.keys()]
        units, self.held = self.held, []
        for future in stuck:
            del self.given_to[future]
            units.append(self.units.pop(future))
            future.cancel()
        for unit in units:
            self._give(unit)

    def _wait_on(self, what: str) -> None:
        if self.refused and not (self.n_done and self.scheduler):
            raise self._refusal()
        idle = self.looked - self.seen
        if idle > self.wait:
            raise self._given_up(what)
        if idle > min(SAY_AFTER, self.wait / 2):
            self.counted.notice(f"{what} at {self._where}; gives up after {self.wait:g} s")

    @property
    def _where(self) -> str:
        return f"scheduler {self.scheduler.address}" if self.scheduler else "this machine"

    def _refusal(self) -> InputError:
        named = [f"worker {address} {fault}" for address, fault in self.refused.items()]
        more = f"; and {len(named) - NAMED} more" if len(named) > NAMED else ""
        return InputError(
            f"{'; '.join(named[:NAMED])}{more}. Workers with other software give different numbers: install the same "
            "versions on all machines"
        )

    def _given_up(self, what: str) -> Exception:
        said = f"{what} for {self.wait:g} s at {self._where}"
        if self.refused:
            said += f", except for those left out ({'; '.join(f'{a} {fault}' for a, fault in self.refused.items())})"
        if self.n_done or self.scheduler is None:
            return ConnectionError(f"{said}; {self.kept.said(self.n_done)}")
        return InputError(
            f"{said}; start workers with: dask worker {self.scheduler.address}, or wait longer for them with wait="
        )

    def _lost(self, how: str) -> ConnectionError:
        return ConnectionError(f"{self._where} {how}; {self.kept.said(self.n_done)}")
