"""A cluster that is not there, not whole, not the same, or dies."""

import http.server
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from kills import in_peace
from workplace import Ended, Workplace, differences

import normenc

WAIT = "4"  # seconds for workers
STARTS_WITHIN = 60.0


def nobody_there(folder: Path) -> Iterator[str | None]:
    """No one listens at the address."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield _told(folder, f"tcp://127.0.0.1:{unused.getsockname()[1]}")


def another_service(folder: Path) -> Iterator[str | None]:
    """A web server answers."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    server.RequestHandlerClass.log_message = lambda *args: None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield _told(folder, f"tcp://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()


def silent_port(folder: Path) -> Iterator[str | None]:
    """Something takes the connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield _told(folder, f"tcp://127.0.0.1:{server.getsockname()[1]}")


def no_workers(folder: Path) -> Iterator[str | None]:
    """A scheduler alone."""
    with _cluster(folder, 0) as (address, _):
        yield _told(folder, address, "worker")


def without_normenc(folder: Path) -> Iterator[str | None]:
    """Workers that cannot import normenc."""
    package = folder / "bare" / "normenc"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise ModuleNotFoundError(\"No module named 'normenc'\")\n")
    with _cluster(folder, 1, {"PYTHONPATH": str(package.parent)}) as (address, _):
        yield _told(folder, address, "normenc")


def other_code(folder: Path) -> Iterator[str | None]:
    """Workers with another version of the code that trains: nothing of theirs is kept."""
    package = folder / "other" / "normenc"
    shutil.copytree(Path(normenc.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    trains = package / "training" / "single.py"
    trains.write_text(trains.read_text() + "\nANOTHER_VERSION = True\n")
    with _cluster(folder, 1, {"PYTHONPATH": str(package.parent)}) as (address, _):
        yield _told(folder, address, "code")


def worker_dies(folder: Path) -> Iterator[str | None]:
    """One of two workers is killed while it trains: the other takes over."""
    place = Workplace(folder, n_seeds=6)
    wanted, _ = in_peace(place)
    shutil.rmtree(folder / "cache")
    with _cluster(folder, 2) as (address, processes):
        ended = place.normenc(
            place.arguments("out", "--scheduler", address), meanwhile=lambda pid: _kill_after_one(folder, processes[1])
        )
    yield _whole(ended, folder / "out", wanted)


def all_workers_die(folder: Path) -> Iterator[str | None]:
    """All workers are killed: said in one line; what was trained is kept, and the same command without them goes on."""
    yield from _dies(folder, "worker", which=1)


def scheduler_dies(folder: Path) -> Iterator[str | None]:
    """The scheduler is killed."""
    yield from _dies(folder, "scheduler", which=0)


FAULTS: dict[str, Callable[[Path], Iterator[str | None]]] = {
    "no one at the address": nobody_there,
    "another service at the address": another_service,
    "a silent port": silent_port,
    "no workers": no_workers,
    "workers without normenc": without_normenc,
    "workers with other code": other_code,
    "a worker dies": worker_dies,
    "all workers die": all_workers_die,
    "the scheduler dies": scheduler_dies,
}
SHORT = ("no one at the address", "workers with other code")


def _told(folder: Path, address: str, word: str = "") -> str | None:
    place = Workplace(folder)
    ended = place.normenc(place.arguments("out", "--scheduler", address, "--wait", WAIT))
    if ended.code == 0 or not ended.in_words or word not in ended.err:
        return f"ended in {ended.code}: {ended.err.strip()[-300:]}"
    kept = list((folder / "cache").rglob("*.safetensors"))
    return f"kept {len(kept)} networks" if kept else None


def _dies(folder: Path, word: str, which: int) -> Iterator[str | None]:
    place = Workplace(folder, n_seeds=8)
    wanted, _ = in_peace(place)
    shutil.rmtree(folder / "cache")
    with _cluster(folder, 1) as (address, processes):
        ended = place.normenc(
            place.arguments("out", "--scheduler", address, "--wait", WAIT),
            meanwhile=lambda pid: _kill_after_one(folder, processes[which]),
        )
    if ended.code == 0:
        yield "it ended before anything died"
    elif not ended.in_words or word not in ended.err:
        yield f"ended in {ended.code}: {ended.err.strip()[-300:]}"
    elif not list((folder / "cache").rglob("*.safetensors")):
        yield "what was trained is not kept"
    else:
        yield _whole(place.normenc(place.arguments("out")), folder / "out", wanted)


def _whole(ended: Ended, out: Path, wanted: Mapping[str, bytes]) -> str | None:
    if ended.code:
        return f"ended in {ended.code}: {ended.err.strip()[-300:]}"
    changed = differences(out, wanted)
    return f"these differ: {changed[:4]}" if changed else None


def _kill_after_one(folder: Path, process: subprocess.Popen[bytes]) -> None:
    """Kill it as soon as a network is kept."""
    end = time.monotonic() + STARTS_WITHIN
    while not list((folder / "cache").rglob("*.safetensors")) and time.monotonic() < end:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def _cluster(
    folder: Path, n_workers: int, environment: Mapping[str, str] | None = None
) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and workers as `dask` starts them; all are killed at the end."""
    where = folder / "scheduler.json"
    own = {**os.environ, "OMP_NUM_THREADS": "1", **(environment or {})}
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    local = ["--host", "127.0.0.1", "--no-dashboard"]
    commands = [[*dask, *local, "--port", "0", "--scheduler-file", str(where)]]
    work = [sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", str(where), "--nthreads", "1"]
    commands += [[*work, *local, "--no-nanny", "--local-directory", str(folder / "scratch")]] * n_workers
    processes = []
    try:
        for command in commands:
            processes.append(
                subprocess.Popen(
                    command,
                    env=own,
                    start_new_session=True,
                    cwd=folder,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )
            end = time.monotonic() + STARTS_WITHIN
            while not (where.exists() and where.stat().st_size) and time.monotonic() < end:
                time.sleep(0.05)
        yield _address(where), processes
    finally:
        for process in processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _address(where: Path) -> str:
    import json

    return str(json.loads(where.read_text())["address"])
