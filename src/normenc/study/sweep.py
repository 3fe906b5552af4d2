"""Train many units: here, on a local cluster of processes, or on a Dask cluster that is there already."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from normenc.errors import InputError
from normenc.study.progress import Stage, Tell, reporting, stage
from normenc.study.units import Unit, find_all, keep, work
from normenc.training import TrainingResult

__all__ = ["Failure", "train_units"]

REASON_LENGTH = 500
REACH_WITHIN = 30  # seconds, a scheduler


@dataclass(frozen=True)
class Failure:
    """A unit that could not be trained, or a layer of all its seeds that cannot be compared, and why."""

    unit: Unit
    reason: str
    layer: str | None = None


def train_units(
    units: Sequence[Unit],
    *,
    device: str = "cpu",
    workers: int = 1,
    scheduler: str | None = None,
    progress: bool | Tell = True,
) -> tuple[dict[Unit, TrainingResult], list[Failure]]:
    """Train what was not trained before; a unit that fails does not stop the others.

    Parameters
    ----------
    units : sequence of Unit
    device : str
        "cpu" or "cuda".
    workers : int
        Processes on this machine, one thread each; 1 trains in this one.
    scheduler : str, optional
        Address of a Dask scheduler whose workers train instead.
    progress : bool or callable
        True draws a bar on a terminal, and tells by lines elsewhere; a callable is given a
        :class:`normenc.study.Tally`.

    Returns
    -------
    results : dict of Unit to TrainingResult
    failures : list of Failure

    Raises
    ------
    InputError
        When the scheduler cannot be reached, or results cannot be kept.
    """
    if workers < 1:
        raise InputError(f"workers is {workers}; it must be at least 1")
    found = find_all(units, device)
    todo = [unit for unit in units if found[unit] is None]
    failures: list[Failure] = []
    if todo:
        lanes = 1 if scheduler is None and (workers == 1 or len(todo) == 1) else workers
        before = len(units) - len(todo)
        with reporting(progress) as tell, stage(tell, "training", len(units), before=before, lanes=lanes) as counted:
            run = _here(todo, device, counted) if lanes == 1 and scheduler is None else None
            for unit, result in run or _on_dask(todo, device, min(workers, len(todo)), scheduler, counted):
                if isinstance(result, bytes):
                    found[unit] = keep(unit, device, result)
                else:
                    failures.append(Failure(unit, _in_words(result)))
                counted.step(failed=not isinstance(result, bytes))
    failures.sort(key=lambda failure: units.index(failure.unit))
    return {unit: result for unit, result in found.items() if result is not None}, failures


def _here(units: Sequence[Unit], device: str, counted: Stage) -> Iterator[tuple[Unit, bytes | Exception]]:
    for unit in units:
        try:
            yield unit, work(unit, device, lambda step, n_steps, loss: counted.tick(step, n_steps))
        except Exception as error:
            yield unit, error


def _on_dask(
    units: Sequence[Unit], device: str, workers: int, scheduler: str | None, counted: Stage
) -> Iterator[tuple[Unit, bytes | Exception]]:
    """Results as they come. What a worker had in hand when it died is given to another."""
    from distributed import as_completed

    with _client(workers, scheduler) as client:
        counted.lanes = max(1, sum(client.nthreads().values()))
        # Keys of their own: a scheduler that outlives a client must not answer with what failed before.
        futures = {client.submit(work, unit, device, pure=False, retries=0): unit for unit in units}
        for future in as_completed(list(futures), loop=client.loop):
            unit = futures.pop(future)
            error = future.exception()
            yield unit, future.result() if error is None else error
            future.release()


@contextmanager
def _client(workers: int, scheduler: str | None) -> Iterator[Any]:
    import logging

    import dask
    from distributed import Client, LocalCluster

    if scheduler is not None:
        try:
            client = Client(scheduler, timeout=REACH_WITHIN, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            raise InputError(
                f"scheduler {scheduler!r} cannot be reached ({error}); give the address that it printed, such as "
                "tcp://10.0.0.1:8786"
            ) from None
        with client:
            yield client
        return
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # a worker that dies is told as a failure, if at all
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    settings = {
        "distributed.nanny.pre-spawn-environ": threads,
        "distributed.admin.tick.limit": "1 hour",
        "distributed.admin.tick.interval": "1 s",  # each tick takes the interpreter from the training
        "distributed.worker.profile.enabled": False,  # as each sample does
    }
    with (
        dask.config.set(settings),
        LocalCluster(
            n_workers=workers, threads_per_worker=1, dashboard_address=":0", silence_logs=logging.CRITICAL
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


def _in_words(error: BaseException) -> str:
    if isinstance(error, InputError):
        return str(error)
    if type(error).__name__ == "KilledWorker":
        return "the workers that trained it died, one after the other: it may need more memory than they have"
    if isinstance(error, MemoryError) or "out of memory" in str(error).lower():
        return f"out of memory: {error}"[:REASON_LENGTH]
    return f"{type(error).__name__}: {error}"[:REASON_LENGTH]
