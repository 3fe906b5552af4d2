"""Workers: who may speak to them, whose software they have, and what happens where they are gone."""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import psutil
import pytest
from test_sweep import SWEEP, command, environment, units, write_study

import normenc
from normenc.errors import InputError
from normenc.study import Scheduler, SchedulerWarning, Tally
from normenc.study.sweep import train_units

NOBODY = 65534
HERE = Path(__file__).parent
SOURCES = Path(normenc.__file__).parent.parent


def attack(ports: set[int], user: int) -> dict:
    done = subprocess.run(
        [sys.executable, HERE / "attack_ports.py", str(user), *map(str, ports)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def own_processes() -> list[psutil.Process]:
    return [psutil.Process(), *psutil.Process().children(recursive=True)]


def listening() -> set[int]:
    """Ports of this process and of those it has started."""
    found = [connection for process in own_processes() for connection in process.net_connections(kind="inet")]
    return {connection.laddr.port for connection in found if connection.status == psutil.CONN_LISTEN}


@pytest.fixture(scope="module")
def attacked_sweep(tmp_path_factory):
    """What was seen of a sweep of two workers while it ran: its ports, and who got in."""
    os.environ["NORMENC_CACHE"] = str(tmp_path_factory.mktemp("attacked"))
    seen = {}

    def look(tally: Tally) -> None:
        if tally.done and not seen:
            ports = listening()
            seen["ports"] = ports
            seen["said"] = [" ".join(process.cmdline() + [*process.environ().values()]) for process in own_processes()]
            seen["imports"] = [Path(place) for place in sys.path if "dask-scratch-space" in place]
            seen["without the key"] = attack(ports, os.getuid())
            if os.getuid() == 0:
                seen["as nobody"] = attack(ports, NOBODY)

    before = list(sys.path)
    results, failures = train_units(units(n_seeds=3, n_epochs=1), workers=2, progress=look)
    assert len(results) == 3
    assert not failures
    seen["added"] = [place for place in sys.path if place not in before]
    return seen


def test_nobody_without_its_key_gets_into_a_sweep(attacked_sweep):
    assert len(attacked_sweep["ports"]) >= 3  # the scheduler and two workers
    assert attacked_sweep["without the key"]["opened"] == []


def test_no_other_user_gets_into_a_sweep(attacked_sweep):
    if "as nobody" not in attacked_sweep:
        pytest.skip("only root can become another user")
    assert attacked_sweep["as nobody"] == {"user": NOBODY, "opened": []}


def test_the_key_of_a_sweep_is_told_to_nobody(attacked_sweep):
    assert not any("PRIVATE KEY" in said for said in attacked_sweep["said"])


def test_nobody_else_may_write_where_a_sweep_imports_from(attacked_sweep):
    assert attacked_sweep["imports"]
    for place in attacked_sweep["imports"]:
        assert "normenc-workers-" in str(place)  # which is gone by now, and had mode 700
    assert attacked_sweep["added"] == []


@contextmanager
def cluster_here(n_workers: int = 1, **options):
    """A cluster of threads that listens on a port without encryption, as most do."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=n_workers,
        threads_per_worker=1,
        processes=False,
        protocol="tcp://",
        dashboard_address="127.0.0.1:0",
        worker_dashboard_address="127.0.0.1:0",
        silence_logs=50,
        **options,
    ) as cluster:
        yield cluster


def test_the_attack_gets_into_a_cluster_that_is_open():
    with cluster_here(0) as cluster:
        port = int(cluster.scheduler_address.rpartition(":")[2])
        assert attack({port}, NOBODY if os.getuid() == 0 else os.getuid())["opened"] == [f"tcp {port}"]


@contextmanager
def worker_of(address: str, path: Path, folder: Path):
    """A worker's process, which finds its packages in `path` first."""
    arguments = ["--no-nanny", "--no-dashboard", "--nthreads", "1", "--local-directory", str(folder), address]
    with (folder / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "distributed.cli.dask_worker", *arguments],
            env=os.environ | {"PYTHONPATH": str(path), "OMP_NUM_THREADS": "1"},
            stderr=log,
            stdout=log,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def until(condition) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("package", "said"),
    [
        (
            {"normenc.py": "raise ModuleNotFoundError(\"No module named 'normenc'\", name='normenc')"},
            f"has no normenc; install normenc {normenc.__version__} where it runs",
        ),
        ({"normenc/__init__.py": "__version__ = '0.0.1'"}, "has another normenc, or cannot load it"),
    ],
    ids=["without normenc", "of an old normenc"],
)
def test_workers_that_cannot_train_are_named(tmp_path, package, said):
    for name, text in package.items():
        (tmp_path / "path" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "path" / name).write_text(text)
    with cluster_here(0) as cluster, worker_of(cluster.scheduler_address, tmp_path / "path", tmp_path):
        until(lambda: cluster.scheduler.workers)
        (worker,) = cluster.scheduler.workers
        with pytest.raises(InputError, match=f"^worker {worker} {said}"):
            train_units(units(n_seeds=1, n_epochs=1), scheduler=cluster.scheduler_address, progress=False)


def test_a_worker_of_other_code_trains_nothing(tmp_path):
    other = shutil.copytree(SOURCES / "normenc", tmp_path / "path" / "normenc")
    with next((other / "training").glob("*.py")).open("a") as file:
        file.write("\nLEARNING = 'otherwise'\n")
    mine, free = units(n_seeds=6, n_epochs=1), tmp_path / "free"
    with cluster_here(1) as cluster, cluster.get_client() as busy:
        started = worker_of(cluster.scheduler_address, tmp_path / "path", tmp_path)
        blocker = None

        def other_joins(tally: Tally) -> None:
            """Once a network is trained, while the good worker has something else to do."""
            nonlocal blocker
            if tally.done and blocker is None:
                blocker = busy.submit(wait_for, str(free), priority=100)
                started.__enter__()
                until(lambda: len(cluster.scheduler.workers) == 2)
            elif tally.note:
                free.touch()  # the other worker has given its unit back

        try:
            with pytest.warns(SchedulerWarning, match=r"^worker tcp://\S+ has other code of normenc .* it is left out"):
                results, failures = train_units(mine, scheduler=cluster.scheduler_address, progress=other_joins)
            assert failures == []
            assert list(results) == list(mine)
            with pytest.raises(InputError, match=r"has other code of normenc .* install the same on all machines"):
                train_units(units(7, 1), scheduler=cluster.scheduler_address, progress=False)
        finally:
            free.touch()
            started.__exit__(None, None, None)


def wait_for(path: str) -> None:
    until(Path(path).exists)
