"""What workers receive and return: units to train, which workers with other software refuse."""

import pickle
import time
import warnings
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

from distributed import Client, Future, as_completed

from normenc.errors import InputError
from normenc.study.progress import Stage
from normenc.study.provenance import Errand, OtherSoftwareError, made, software
from normenc.study.scheduler import WAIT, Scheduler, SchedulerWarning
from normenc.study.units import Unit
from normenc.study.workers import threads, unlike

__all__ = ["Errands"]

LOOK_EVERY = 1.0  # seconds between looks at the workers
SAY_AFTER = 5.0  # seconds without workers
PAUSE = 0.02  # seconds
NAMED = 5  # workers in a message
TRIES = 3  # of a unit that workers cannot load
Result = tuple[Unit, bytes | Exception]


class Errands:
    """Units in the hands of workers.

    The scheduler receives all of them at once, so an adaptive cluster grows as needed. A worker that has other
    software returns them untouched; from then on only the others receive them.
    """

    def __init__(
        self,
        client: Client,
        units: Mapping[Unit, str],
        device: str,
        counted: Stage,
        scheduler: Scheduler | None = None,
    ) -> None:
        self.client, self.device, self.counted, self.scheduler = client, device, counted, scheduler
        self.keys = dict(units)
        self.here = software()
        self.wait = scheduler.wait if scheduler else WAIT
        self.done = as_completed(loop=client.loop, with_results=True, raise_errors=False)
        self.units: dict[Future, Unit] = {}
        self.given_to: dict[Future, set[str]] = {}  # where not to all
        self.held: list[Unit] = []  # while there is no worker for them
        self.tries: dict[Unit, int] = {}
        self.workers: dict[str, int] = {}  # threads of those that may train
        self.refused: dict[str, str] = {}
        self.trained = 0
        self.seen = self.looked = time.monotonic()

    def results(self) -> Iterator[Result]:
        """Results as they arrive. If a worker dies, another trains its unit."""
        if self.scheduler is not None:
            self._check_first()
        for unit in self.keys:
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

    def _give(self, unit: Unit) -> None:
        if self.refused and not self.workers:
            self.held.append(unit)
            return
        errand = pickle.dumps(Errand(made, pickle.dumps(unit), unit.roots, self.device, self.keys[unit], self.here))
        only = {"workers": list(self.workers), "allow_other_workers": False} if self.refused else {}
        # A key of its own: a scheduler that outlives a client must not answer with what failed before.
        future = self.client.submit(pickle.loads, errand, key=f"normenc-{uuid4()}", pure=False, **only)
        self.units[future] = unit
        if self.refused:
            self.given_to[future] = set(self.workers)
        self.done.add(future)

    def _take(self, unit: Unit, future: Future, result: Any) -> Iterator[Result]:
        # The worker may have died since its result was fetched: the result counts, not what became of the future.
        if isinstance(result, tuple) and isinstance(result[0], str):
            key, trained = result
            if key == self.keys[unit]:
                self.trained += 1
                yield unit, trained
            else:
                yield (
                    unit,
                    InputError(f"a worker trained {key} instead of {self.keys[unit]}; its result is discarded"),
                )
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
        if self.refused and not (self.trained and self.scheduler):
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
        if self.trained or self.scheduler is None:
            return ConnectionError(f"{said}; {self._kept}")
        return InputError(
            f"{said}; start workers with: dask worker {self.scheduler.address}, or wait longer for them with wait="
        )

    def _lost(self, how: str) -> ConnectionError:
        return ConnectionError(f"{self._where} {how}; {self._kept}")

    @property
    def _kept(self) -> str:
        if not self.trained:
            return "no network was trained; give the same command again"
        kept = "the one network that was" if self.trained == 1 else f"the {self.trained} networks that were"
        return f"{kept} trained {'is' if self.trained == 1 else 'are'} kept, and the same command continues from there"
