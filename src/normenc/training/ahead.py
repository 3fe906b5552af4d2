"""Fresh stimuli drawn ahead, while a network trains: by a thread, or by processes of PyTorch's DataLoader."""

import os
import pickle
import re
import signal
import traceback
import warnings
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import current_process, get_context, resource_tracker
from multiprocessing.connection import wait
from threading import Thread, Timer
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from normenc.arrays import as_count
from normenc.errors import InputError, shortened
from normenc.import_roots import reaching, root_of_module
from normenc.tasks import Task

__all__ = ["DaemonError", "Drawn", "check_drawing", "drawn_ahead", "of_epoch"]

ENDED = re.compile(r"DataLoader worker \(pid(?:\(s\))? ([\d, ]+)\)")
GRACE = 0.2  # seconds for processes to end by themselves
OF_EPOCHS = 3  # after the seed, in seeds of NumPy's generators
Drawn = tuple[torch.Tensor, torch.Tensor]  # images and targets


class DaemonError(InputError):
    """Processes cannot be started from here."""


def of_epoch(task: Task, seed: int, epoch: int) -> Drawn:
    """The fresh stimuli of an epoch, counted from 1, from a generator of its own."""
    return task.sample(task.n_per_epoch, np.random.default_rng([seed, OF_EPOCHS, epoch]))


def check_drawing(task: Task, n_processes: Any) -> int:
    """The number of processes that draw stimuli, 0 for a thread.

    Raises
    ------
    InputError
        If it is no whole number of at least 0; if it is above 0, and the task draws no fresh stimuli, or cannot be
        handed to another process.
    DaemonError
        If this process may not start others.
    """
    n_processes, name = as_count(n_processes, "drawing_processes", 0), type(task).__name__
    if not n_processes:
        return 0
    if task.n_train != "fresh":
        raise InputError(
            f"drawing_processes is {n_processes}, but {name} has no fresh stimuli to draw while a network trains; give "
            "it n_train='fresh', or leave out drawing_processes"
        )
    if current_process().daemon:
        raise DaemonError(
            f"drawing_processes is {n_processes}, but this process is a daemon, which may not start others; start "
            "workers of Dask with DASK_DISTRIBUTED__WORKER__DAEMON=False in their environment, or leave out "
            "drawing_processes"
        )
    try:
        pickle.dumps(task)
    except Exception as error:
        raise _not_sent(name, error) from None
    return n_processes


@contextmanager
def drawn_ahead(task: Task, seeds: Sequence[int], epochs: range, n_processes: int = 0) -> Iterator[Iterator[Drawn]]:
    """Draw stimuli in the background of this block, in advance of their use.

    They are the same, however they are drawn. One thread is ahead by the stimuli of one epoch; processes, by one for
    each data seed, but at least by one for each process.

    Parameters
    ----------
    task : Task
    seeds : sequence of int
        Data seeds.
    epochs : range
        Counted from 1.
    n_processes : int
        0 draws in a thread of this process.

    Yields
    ------
    iterator of (images, targets)
        Of the first epoch for each seed, then of the next epoch.

    Raises
    ------
    InputError
        If a process ends, or cannot load the task. Errors of the task are raised as they are, by the iterator.
    """
    draws = _Draws(task, seeds, epochs)
    n_processes = min(n_processes, len(draws))
    with _by_processes(draws, n_processes) if n_processes else _by_a_thread(draws) as drawn:
        yield drawn


class _Draws(Dataset[Drawn]):
    """One item for each epoch and data seed."""

    def __init__(self, task: Task, seeds: Sequence[int], epochs: range) -> None:
        self.task, self.seeds, self.epochs = task, list(seeds), epochs

    def __len__(self) -> int:
        return len(self.epochs) * len(self.seeds)

    def __getitem__(self, index: int) -> Drawn:
        epoch, seed = divmod(index, len(self.seeds))
        return of_epoch(self.task, self.seeds[seed], self.epochs[epoch])


class _SentDraws(Dataset[Any]):
    """The same in another process, where an item is an error if it cannot be drawn."""

    def __init__(self, draws: _Draws) -> None:
        self.n, self.name, self.n_threads = len(draws), type(draws.task).__name__, torch.get_num_threads()
        self.roots = [root for root in [root_of_module(type(draws.task).__module__)] if root is not None]
        # By itself, so that it is loaded when all of normenc is, and what fails then can be told.
        self.sent = pickle.dumps(draws)
        self.draws: _Draws | None = None

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, index: int) -> Any:
        try:
            if self.draws is None:
                torch.set_num_threads(self.n_threads)  # the last bits of some operations follow from it
                self.draws, self.sent = self._loaded(), b""
            return tuple(part.detach().cpu() for part in self.draws[index])
        except (Exception, SystemExit) as error:  # of the task
            return _Failure.of(error)

    def _loaded(self) -> _Draws:
        try:
            with reaching(self.roots):
                draws: _Draws = pickle.loads(self.sent)
        except Exception as error:
            raise _not_sent(self.name, error) from None
        return draws


def _not_sent(name: str, error: Exception) -> InputError:
    return InputError(
        f"the task {name} cannot be handed to processes that draw stimuli ({_said(error)}); define its class at the "
        "top of a file, with attributes that can be pickled, or leave out drawing_processes"
    )


@dataclass(frozen=True)
class _Failure:
    """An error of another process: pickled by itself, since not every error can be loaded here, and in words."""

    pickled: bytes
    said: str
    notes: list[str]

    @classmethod
    def of(cls, error: BaseException) -> "_Failure":
        if not isinstance(error, InputError):
            error.add_note(f"in a process that draws stimuli:\n{traceback.format_exc()}")
        try:
            pickled = pickle.dumps(error)
        except Exception:
            pickled = b""
        return cls(pickled, _said(error), getattr(error, "__notes__", []))

    def error(self) -> BaseException:
        """The error as it was, or one that says the same."""
        try:
            error = pickle.loads(self.pickled)
        except Exception:
            error = None
        if isinstance(error, BaseException):
            return error
        error = RuntimeError(self.said)
        for note in self.notes:
            error.add_note(note)
        return error


def _said(error: BaseException) -> str:
    return shortened(f"{type(error).__name__}: {error}", 300)


@contextmanager
def _by_a_thread(draws: _Draws) -> Iterator[Iterator[Drawn]]:
    pool = ThreadPoolExecutor(1, "normenc-stimuli", torch.set_num_threads, (torch.get_num_threads(),))
    begun = deque(pool.submit(draws.__getitem__, index) for index in range(min(len(draws), len(draws.seeds))))

    def drawn() -> Iterator[Drawn]:
        for index in range(len(draws)):
            one = begun.popleft().result()
            if index + len(draws.seeds) < len(draws):
                begun.append(pool.submit(draws.__getitem__, index + len(draws.seeds)))
            yield one

    try:
        yield drawn()
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _by_processes(draws: _Draws, n_processes: int) -> Iterator[Iterator[Drawn]]:
    spawn = get_context("spawn")  # forked processes could inherit locks that torch's threads hold
    watched, held = spawn.Pipe(duplex=False)
    sent = _SentDraws(draws)
    items: Any = None
    try:
        try:
            with _deaf_to_interrupts(), warnings.catch_warnings():
                warnings.filterwarnings("ignore", "This DataLoader will create")  # more processes than cores: as asked
                loader = DataLoader(
                    sent,
                    batch_size=None,
                    num_workers=n_processes,
                    prefetch_factor=-(-len(draws.seeds) // n_processes),
                    multiprocessing_context=spawn,
                    worker_init_fn=partial(_end_with, watched),
                    generator=torch.Generator(),  # which seeds processes, so that the global one stays as it is
                )
                items = iter(loader)
            sent.sent = b""  # images of a folder, say, that each process has by now
            yield _raised(items)
        finally:
            # Not before they are told, which could wait for ever for one that ends meanwhile.
            unfinished = Timer(GRACE, held.close)
            unfinished.start()
            if items is not None:
                items._shutdown_workers()  # now: what is referred to by an error that is raised may live long
            unfinished.cancel()
            unfinished.join()
            held.close()
            watched.close()
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        said = ENDED.sub(r"process \1", str(error)).partition(". ")[0].strip()
        raise InputError(
            f"drawing stimuli ended early: {said}; the system may lack memory, or shared memory, for what it draws: "
            "choose fewer drawing_processes or a smaller n_per_epoch; a script that trains must guard its main part by "
            'if __name__ == "__main__":'
        ) from None


def _end_with(watched: Any, _: int) -> None:
    """End this process when the other end of the pipe is closed, or its process is gone, whatever is being drawn."""

    def watch() -> None:
        wait([watched])
        os._exit(0)

    Thread(target=watch, daemon=True).start()


def _raised(items: Iterator[Any]) -> Iterator[Drawn]:
    for item in items:
        if isinstance(item, _Failure):
            raise item.error()
        images, targets = item
        yield images, targets


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Processes that are started in this block do not hear Ctrl-C: this one does, and ends them."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # which would end the block's effect when it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
