"""Train many units: here, in processes of this machine, or on an existing Dask cluster."""

import pickle
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from normenc.encoders import EncoderId
from normenc.errors import InputError
from normenc.extras import needs_nets
from normenc.progress import ProgressCallback, Stage, SweepProgress, reporting, stage
from normenc.study.scheduler import Scheduler, warn_if_open
from normenc.study.units import Unit, load_results, store_result, train_unit
from normenc.training import TrainingResult
from normenc.training.ahead import DaemonError

if TYPE_CHECKING:
    from normenc.study.encoder_units import EncoderUnit

__all__ = ["Failure", "SweepProgress", "reason_of", "train_units"]

REASON_LENGTH = 500


@dataclass(frozen=True)
class Failure:
    """A unit that could not be trained, or a layer of all its seeds that cannot be compared, and why.

    ``untrained`` tells a layer of an encoder's untrained networks.
    """

    unit: "Unit | EncoderUnit"
    reason: str
    layer: str | None = None
    untrained: bool = False

    @property
    def encoder(self) -> EncoderId:
        """The network that failed; of a layer, without a seed."""
        whole = self.unit.encoder.twin if self.untrained else self.unit.encoder
        return whole if self.layer is None else replace(whole, layer=self.layer, seed=None)

    @property
    def told(self) -> str:
        """The reason, which names the network or layer."""
        return self.reason if isinstance(self.unit, Unit) else self.describe()

    def describe(self) -> str:
        """Say which network, or layer, could not be used, and why."""
        own = self.encoder
        what = f"seed {own.seed}" if self.layer is None else f"layer {self.layer} is left out"
        who = [own.task, own.network, "untrained" if self.untrained else None, what]
        return f"{', '.join(filter(None, who))}: {self.reason}"


def train_units(
    units: Sequence[Unit],
    *,
    device: str = "cpu",
    workers: int = 1,
    scheduler: str | Scheduler | None = None,
    progress: bool | ProgressCallback = True,
) -> tuple[dict[Unit, TrainingResult], list[Failure]]:
    """Train what was not trained before; a failed unit does not stop the others.

    Parameters
    ----------
    units : sequence of Unit
    device : str
        "cpu" or "cuda".
    workers : int
        Processes on this machine, one thread each; 1 trains in this one.
    scheduler : str or Scheduler, optional
        A Dask scheduler whose workers train instead, by its address, or with certificates.
    progress : bool or callable
        True draws a bar on a terminal, and prints lines elsewhere; a callable receives a
        :class:`normenc.study.SweepProgress`.

    Returns
    -------
    results : dict of Unit to TrainingResult
    failures : list of Failure

    Raises
    ------
    InputError
        When the scheduler cannot be reached or has no workers, these have other software than is here or may not start
        the processes that draw stimuli, or results cannot be kept.
    ConnectionError
        When the scheduler or all its workers are lost on the way; what was trained is kept.
    """
    if workers < 1:
        raise InputError(f"workers is {workers}; it must be at least 1")
    remote = None if scheduler is None else Scheduler.of(scheduler)
    results = load_results(units, device)
    todo = {unit: unit.key(device) for unit in units if results[unit] is None}
    failures: list[Failure] = []
    if todo:
        if remote is not None:
            warn_if_open(remote)
        lanes = 1 if remote is None and (workers == 1 or len(todo) == 1) else min(workers, len(todo))
        before = len(units) - len(todo)
        with (
            reporting(progress) as progress,
            stage(progress, "training", len(units), before=before, lanes=lanes) as counted,
        ):
            if lanes == 1 and remote is None:
                made = _here(todo, device, counted)
            else:
                made = _by_workers(todo, device, lanes, remote, counted)
            for unit, result in made:
                if isinstance(result, bytes):
                    results[unit] = store_result(unit, device, result)
                elif isinstance(result, DaemonError):  # no unit can be trained there
                    raise result
                else:
                    failures.append(Failure(unit, reason_of(result)))
                counted.step(failed=not isinstance(result, bytes))
    failures.sort(key=lambda failure: units.index(failure.unit))
    return {unit: result for unit, result in results.items() if result is not None}, failures


def _by_workers(
    units: Mapping[Unit, str], device: str, workers: int, scheduler: Scheduler | None, counted: Stage
) -> Iterator[tuple[Unit, bytes | Exception]]:
    """Results as they come, of units by key."""
    # Dask takes a while to import, and one process does without it.
    needs_nets("work in several processes", "distributed", "cryptography")
    from normenc.study.errands import Errands, Job, Kept
    from normenc.study.provenance import made
    from normenc.study.workers import client_of

    kept = Kept(
        "no network was trained",
        "the one network that was trained is kept",
        "the {n} networks that were trained are kept",
    )
    jobs = {unit: Job(key, made, (pickle.dumps(unit), unit.roots, device, key)) for unit, key in units.items()}
    with client_of(workers, scheduler, counted) as client:
        yield from Errands(client, jobs, kept, counted, scheduler).results()


def _here(units: Iterable[Unit], device: str, counted: Stage) -> Iterator[tuple[Unit, bytes | Exception]]:
    for unit in units:
        try:
            yield unit, train_unit(unit, device, lambda step, n_steps, loss: counted.progress(step, n_steps))
        except Exception as error:
            yield unit, error
        except SystemExit as error:  # of the user's own code, which would end the command without a word
            yield unit, InputError(f"the task or network ends Python (SystemExit: {error}); correct its code")


def reason_of(error: BaseException, done: str = "trained") -> str:
    """Why something that is trained, or read, failed, in words."""
    if isinstance(error, InputError):
        return str(error)
    if type(error).__name__ == "KilledWorker":
        return f"the workers that {done} it died, one after the other: it may need more memory than they have"
    if isinstance(error, MemoryError) or "out of memory" in str(error).lower():
        return f"out of memory: {error}"[:REASON_LENGTH]
    return f"{type(error).__name__}: {error}"[:REASON_LENGTH]
