"""Dask workers: started here with their own certificates, or reached through an existing scheduler."""

import asyncio
import logging
import pickle
import ssl
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import dask
from distributed import Client, Nanny, Security, Worker
from distributed import Scheduler as DaskScheduler
from distributed.comm.core import CommClosedError
from distributed.core import rpc
from distributed.deploy.spec import SpecCluster

from normenc.errors import InputError
from normenc.garbage import collect_rarely
from normenc.progress import Stage
from normenc.study.provenance import Errand, OtherSoftwareError, differences, software
from normenc.study.scheduler import Scheduler, host_and_port

__all__ = ["client_of", "local_client", "remote_client", "threads", "unlike"]

PATIENCE = 5.0  # seconds, for one answer
LOADING = 60.0  # seconds, for a worker to load torch
SHOWN = 300  # characters of what a worker says
LOGGERS = ("distributed", "distributed.client", "tornado", "tornado.application", "asyncio")
SETTINGS = {
    "distributed.nanny.pre-spawn-environ": dict.fromkeys(
        ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"
    ),
    "distributed.admin.tick.limit": "1 hour",
    "distributed.admin.tick.interval": "1 s",  # each tick takes the interpreter from the training
    "distributed.worker.profile.enabled": False,  # as each sample does
    # They may start processes that draw stimuli, and end with this one even so: each watches a pipe that it holds.
    "distributed.worker.daemon": False,
}


class _NoPages:
    """Without Dask's web server, which answers anyone."""

    def start_http_server(self, *arguments: Any, **options: Any) -> None:
        """Start none."""


class _LocalScheduler(_NoPages, DaskScheduler):
    pass


class LocalWorker(_NoPages, Worker):
    """A worker that can only be reached with the certificate of its run, in a process of its own."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        collect_rarely()
        super().__init__(*arguments, **options)


@contextmanager
def client_of(n_workers: int, scheduler: Scheduler | None, counted: Stage) -> Iterator[Client]:
    """The client of a scheduler, or of as many processes that are started here."""
    with local_client(n_workers) if scheduler is None else remote_client(scheduler, counted) as client:
        yield client


@contextmanager
def local_client(n_workers: int) -> Iterator[Client]:
    """Start processes on this machine that only answer this process.

    They speak TLS with a key that is made for them, kept in memory, and handed to them through a pipe. Their folder for
    temporary files is nobody else's either: Dask imports from it.
    """
    security = Security.temporary()
    common = {"host": "127.0.0.1", "protocol": "tls://", "security": security}
    worker = common | {
        "nthreads": 1,
        "worker_class": LocalWorker,
        "memory_limit": 1 / n_workers,
        "silence_logs": logging.CRITICAL,
    }
    with (
        _quiet(),
        tempfile.TemporaryDirectory(prefix="normenc-workers-", ignore_cleanup_errors=True) as own,
        dask.config.set(SETTINGS | {"temporary-directory": own}),
    ):
        try:
            cluster = SpecCluster(
                scheduler={"cls": _LocalScheduler, "options": common | {"dashboard": False}},
                workers={index: {"cls": Nanny, "options": worker} for index in range(n_workers)},
                security=security,
                silence_logs=logging.CRITICAL,
            )
        except (RuntimeError, OSError) as error:
            raise InputError(
                f"worker processes cannot be started here ({_root(error)}); train with one worker, or guard the main "
                'part of your script by if __name__ == "__main__":'
            ) from None
        with cluster, Client(cluster, set_as_default=False) as client:
            yield client


@contextmanager
def remote_client(scheduler: Scheduler, counted: Stage) -> Iterator[Client]:
    """Connect to a scheduler, and wait for it as long as its ``wait`` says; its workers are not managed here."""
    security = scheduler.security()
    with _quiet():
        _await_answer(scheduler, security, counted)
        try:
            client = Client(scheduler.address, timeout=PATIENCE, set_as_default=False, security=security)
        except (OSError, ValueError, TypeError, ImportError) as error:
            raise _unreachable(scheduler, _describe_fault(error)) from None
        try:
            yield client
        finally:
            with suppress(OSError, TimeoutError, AssertionError):  # where it is gone
                client.close(timeout=PATIENCE)


def threads(client: Client) -> dict[str, int] | None:
    """Threads by worker; None where the scheduler does not answer."""
    remote: Any = client.scheduler
    try:
        return dict(client.sync(remote.ncores, callback_timeout=PATIENCE))
    except (OSError, TimeoutError, AttributeError, RuntimeError):
        return None


def unlike(client: Client, addresses: Iterable[str], counted: Stage) -> dict[str, str]:
    """Workers that would give other numbers, or none, and why; workers that do not answer in time are not included."""
    errand, here = pickle.dumps(Errand(software)), software()
    answers: dict[str, Any] = dict.fromkeys(addresses)
    for patience in (PATIENCE, LOADING):
        silent = [address for address, answer in answers.items() if answer is None]
        if not silent:
            break
        if patience == LOADING:
            counted.notice("waiting for the workers to report their software")
        with suppress(OSError, TimeoutError, AttributeError, RuntimeError):
            answers |= client.sync(_ask, client, silent, errand, patience)
    faults = {address: _fault(answer, here) for address, answer in answers.items() if answer is not None}
    return {address: fault for address, fault in faults.items() if fault is not None}


async def _ask(client: Client, addresses: list[str], errand: bytes, patience: float) -> dict[str, Any]:
    async def one(address: str) -> Any:
        try:
            asked = client.run(pickle.loads, errand, workers=[address], on_error="return")
            answer = (await asyncio.wait_for(asked, patience)).get(address)
        except (OSError, TimeoutError):
            return None
        return None if isinstance(answer, (OSError, TimeoutError)) else answer  # it is gone, or busy

    return dict(zip(addresses, await asyncio.gather(*map(one, addresses)), strict=True))


def _fault(answer: Any, here: dict[str, str]) -> str | None:
    if isinstance(answer, ModuleNotFoundError) and answer.name == "normenc":
        return f"has no normenc; install normenc {here['normenc']} where it runs"
    if isinstance(answer, OtherSoftwareError):
        return f"has {answer}"
    if isinstance(answer, Exception):
        return f"has another normenc, or cannot load it ({type(answer).__name__}: {answer})"[:SHOWN]
    differ = differences(answer, here)
    return None if differ is None else f"has {differ}"


def _await_answer(scheduler: Scheduler, security: Security, counted: Stage) -> None:
    """Wait until a scheduler answers."""
    started = time.monotonic()
    patience = min(PATIENCE, scheduler.wait / 2)
    while True:
        fault = _fault_of_address(scheduler.address, security, patience)
        if fault is None:
            return
        left = scheduler.wait - (time.monotonic() - started)
        if left <= 0:
            raise _unreachable(scheduler, fault)
        counted.notice(f"scheduler {scheduler.address} cannot be reached: {fault}; gives up after {scheduler.wait:g} s")
        time.sleep(min(1.0, left))


def _fault_of_address(address: str, security: Security, patience: float) -> str | None:
    """Why no scheduler answers, in a thread that ends: the client's own attempt has no time limit here."""
    if address.startswith("inproc://"):
        return None
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, _greet(address, security, patience)).result()


async def _greet(address: str, security: Security, patience: float) -> str | None:
    """Ask who answers; another program's answer is read as a Dask message, and may break it anywhere."""
    try:
        async with asyncio.timeout(patience):
            # First by hand, for Dask would try again and say that its time was up.
            _, writer = await asyncio.open_connection(*host_and_port(address))
            writer.close()
            # Shorter, so that it is this attempt that ends and says why.
            remote = rpc(address, connection_args=security.get_connection_args("client"), timeout=patience * 0.8)
            try:
                answer = await remote.identity()
            finally:
                await remote.close_rpc()
    except TimeoutError:
        return "a program listens at this address, but does not answer as a Dask scheduler does"
    except (OSError, ValueError) as error:
        root = _root(error)
        if isinstance(root, ssl.SSLError) and root.reason != "WRONG_VERSION_NUMBER":
            raise InputError(
                f"scheduler {address!r} does not accept these certificates ({root}); give the files that it "
                "was started with"
            ) from None
        return _describe_fault(root)
    except Exception as error:
        return f"the program that answers is not a Dask scheduler ({type(error).__name__})"
    server = answer.get("type") if isinstance(answer, dict) else None
    if str(server).endswith("Scheduler"):
        return None
    return f"a Dask {str(server).lower()} answers at this address, not a scheduler"


def _unreachable(scheduler: Scheduler, fault: str) -> InputError:
    return InputError(
        f"scheduler {scheduler.address!r} cannot be reached: {fault}; give the address that it printed, such as "
        "tls://10.0.0.1:8786, or wait longer for it with wait="
    )


def _describe_fault(error: BaseException) -> str:
    root = _root(error)
    if isinstance(root, ConnectionRefusedError):
        return "no program listens at this address"
    if isinstance(root, (ConnectionResetError, CommClosedError)):
        return "the program at this address closes the connection: it is not a Dask scheduler, or needs tls://"
    if isinstance(root, ssl.SSLError):
        return "the program at this address is not encrypted: it is not a Dask scheduler, or needs tcp://"
    if isinstance(root, (TimeoutError, asyncio.CancelledError)):
        return "it does not answer"
    return str(root) or type(root).__name__


def _root(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Dask's log: this package reports lost workers and schedulers itself."""
    loggers = [logging.getLogger(name) for name in LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
