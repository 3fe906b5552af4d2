"""Workers: who may speak to them, whose software they have, and what happens where they are gone."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import dask
import numpy as np
import psutil
import pytest
from distributed import Client
from test_sweep import SWEEP, command, environment, units, write_study

import normenc
from normenc.errors import InputError
from normenc.progress import Stage
from normenc.study import Scheduler, SchedulerWarning, SweepProgress
from normenc.study.errands import Errands, Job, Kept
from normenc.study.provenance import made
from normenc.study.sweep import train_units
from normenc.tasks import TiltDiscrimination

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
def attacked_sweep(posix, tmp_path_factory):
    """What was seen of a sweep of two workers while it ran: its ports, and who got in; then one of them was killed."""
    seen = {}
    mine = units(n_seeds=4, n_epochs=20)
    before = list(sys.path)  # where clusters of other tests were, too

    def look(tally: SweepProgress) -> None:
        if tally.done and not seen:
            ports = listening()
            seen["ports"] = ports
            seen["said"] = [" ".join([*process.cmdline(), *process.environ().values()]) for process in own_processes()]
            seen["imports"] = [
                Path(place) for place in sys.path if place not in before and "dask-scratch-space" in place
            ]
            seen["without the key"] = attack(ports, os.getuid())
            if os.getuid() == 0:
                seen["as nobody"] = attack(ports, NOBODY)
            [victim, *_] = [process for process in own_processes() if "spawn_main" in " ".join(process.cmdline())]
            victim.kill()

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NORMENC_CACHE", str(tmp_path_factory.mktemp("attacked")))
        seen["units"], (seen["results"], seen["failures"]) = mine, train_units(mine, workers=2, progress=look)
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


def test_a_worker_that_dies_loses_nothing_but_time(attacked_sweep):
    mine, results = attacked_sweep["units"], attacked_sweep["results"]
    assert attacked_sweep["failures"] == []
    assert list(results) == list(mine)
    alone, _ = train_units(mine[-1:], progress=False)
    np.testing.assert_array_equal(results[mine[-1]].log.loss, alone[mine[-1]].log.loss)


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


def test_the_attack_gets_into_a_cluster_that_is_open(posix):
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
    end = time.monotonic() + 600
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
    with cluster_here(1) as cluster, cluster.get_client() as busy, ExitStack() as stack:
        stack.callback(free.touch)
        blocker = busy.submit(wait_for, str(free), workers=list(cluster.scheduler.workers))

        def other_joins() -> None:
            """After the first look at the workers, while the good one has something else to do."""
            until(lambda: given(cluster))
            stack.enter_context(worker_of(cluster.scheduler_address, tmp_path / "path", tmp_path))
            until(lambda: any(task.worker_restrictions for task in given(cluster)))
            free.touch()  # the other worker has given its unit back

        joining = threading.Thread(target=other_joins)
        joining.start()
        with pytest.warns(SchedulerWarning, match=r"^worker tcp://\S+ has other code of normenc .*; it is left out$"):
            results, failures = train_units(mine, scheduler=cluster.scheduler_address, progress=False)
        joining.join()
        assert failures == []
        assert list(results) == list(mine)
        with pytest.raises(InputError, match=r"has other code of normenc .* install the same versions on all machines"):
            train_units(units(7, 1), scheduler=cluster.scheduler_address, progress=False)
        assert blocker.result() is None


def given(cluster) -> list:
    return [task for key, task in list(cluster.scheduler.tasks.items()) if str(key).startswith("normenc-")]


def wait_for(path: str) -> None:
    until(Path(path).exists)


@contextmanager
def silent_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@contextmanager
def web_server():
    class Page(SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@contextmanager
def greeting_port():
    """As of SSH or mail: whoever connects is spoken to at once."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    connection.sendall(b"SSH-2.0-OpenSSH_9.6 Ubuntu-3\r\n")
                    connection.close()

        threading.Thread(target=greet, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


@contextmanager
def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    yield port


@pytest.mark.parametrize(
    ("service", "said"),
    [
        (silent_port, "a program listens at this address, but does not answer as a Dask scheduler does"),
        (
            web_server,
            "does not answer as a Dask scheduler does|is not a Dask scheduler",
        ),  # as HTTP is read for a length
        (greeting_port, "the program that answers is not a Dask scheduler"),
        (closed_port, "no program listens at this address"),
    ],
)
def test_what_is_no_scheduler_is_told_and_waited_for_no_longer_than_asked(service, said):
    tallies, before = [], set(threading.enumerate())
    with service() as port, pytest.raises(InputError, match=f"^scheduler 'tcp://127.0.0.1:{port}' cannot be reached"):
        scheduler = Scheduler(f"127.0.0.1:{port}", wait=1)
        train_units(units(n_seeds=1, n_epochs=1), scheduler=scheduler, progress=tallies.append)
    assert any(re.search(said, tally.note) for tally in tallies)
    left = set(threading.enumerate()) - before
    assert not [thread for thread in left if thread.name.startswith(("IO loop", "asyncio_"))]


def test_a_worker_is_no_scheduler():
    with cluster_here(1) as cluster:
        (worker,) = cluster.scheduler.workers
        with pytest.raises(InputError, match="a Dask worker answers at this address, not a scheduler"):
            train_units(units(1, 1), scheduler=Scheduler(worker, wait=0.2), progress=False)


def test_a_scheduler_without_workers_is_told():
    tallies = []
    with (
        cluster_here(0) as cluster,
        pytest.raises(InputError, match=r"^no worker for 1 s at scheduler tcp://\S+; start"),
    ):
        scheduler = Scheduler(cluster.scheduler_address, wait=1)
        train_units(units(n_seeds=1, n_epochs=1), scheduler=scheduler, progress=tallies.append)
    assert any("no worker" in tally.note for tally in tallies)


def test_where_all_workers_go_what_was_trained_is_kept():
    mine = units(n_seeds=40, n_epochs=1)
    with cluster_here(1) as cluster:

        def go(tally: SweepProgress) -> None:
            if tally.done == 1:
                cluster.scale(0)
                until(lambda: not cluster.scheduler.workers)

        scheduler = Scheduler(cluster.scheduler_address, wait=1)
        with pytest.raises(ConnectionError, match=r"kept, and the same command continues from there$"):
            train_units(mine, scheduler=scheduler, progress=go)
    assert list(Path(os.environ["NORMENC_CACHE"]).glob("units/*.safetensors"))


def test_a_scheduler_that_dies_ends_in_one_line(tmp_path):
    """In a process of its own, as is the worker: they are killed, and the command says one thing."""
    write_study(tmp_path, SWEEP.replace("n_seeds = 2", "n_seeds = 20"))
    place = tmp_path / "scheduler.json"
    options = ["--port", "0", "--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(place)]
    with (tmp_path / "log").open("wb") as log:
        dying = subprocess.Popen([sys.executable, "-m", "distributed.cli.dask_scheduler", *options], stderr=log)
    try:
        until(lambda: place.exists() and place.read_text().endswith("}"))
        address = json.loads(place.read_text())["address"]
        with worker_of(address, SOURCES, tmp_path):
            run = subprocess.Popen(  # quiet: without progress, of which a slow machine is told
                command(tmp_path / "run", "--scheduler", address, "--quiet"),
                cwd=tmp_path,
                env=environment(tmp_path / "cache"),
                stderr=subprocess.PIPE,
                text=True,
            )
            until(lambda: len(list(tmp_path.glob("cache/units/*.safetensors"))) >= 2 or run.poll() is not None)
            dying.kill()
            _, said = run.communicate(timeout=600)
    finally:
        dying.kill()
        dying.wait()
    assert run.returncode == 1
    lines = said.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"normenc: error: scheduler {address} no longer answers; the ")
    assert lines[0].endswith("networks that were trained are kept, and the same command continues from there")


def test_a_scheduler_elsewhere_without_encryption_is_warned_of_once():
    assert not Scheduler("tcp://127.0.0.1:9").is_open
    assert not Scheduler(f"tcp://{socket.gethostname()}:9").is_open
    assert not Scheduler("tls://192.0.2.1:9").is_open
    with (
        pytest.warns(SchedulerWarning, match="anyone who can reach it on the network can read") as warned,
        pytest.raises(InputError),
    ):
        train_units(units(1, 1), scheduler=Scheduler("tcp://192.0.2.1:9", wait=0.1), progress=False)
    assert len(warned) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"address": "tls://127.0.0.1:9"}, "tls_ca= and tls_cert= are missing"),
        ({"address": "tcp://127.0.0.1:9", "tls_ca": "ca.pem"}, "is not encrypted, but certificates were given"),
        ({"address": "tls://127.0.0.1:9", "tls_ca": "no.pem", "tls_cert": "no.pem"}, r"^no.pem: .* cannot be read"),
        ({"address": "127.0.0.1"}, "does not name a host and a port"),
        ({"address": "tcp://127.0.0.1:99999"}, "does not name a host and a port"),
        ({"address": "http://127.0.0.1:9"}, "begins with http://"),
        ({"address": "tcp://127.0.0.1:9", "wait": 0}, "wait is 0"),
        ({"address": "tcp://127.0.0.1:9", "wait": float("nan")}, "wait is nan"),
        ({"address": "tcp://127.0.0.1:9", "wait": float("inf")}, "wait is inf"),
    ],
)
def test_addresses_and_certificates_that_do_not_fit_are_refused(arguments, said):
    with pytest.raises(InputError, match=said):
        Scheduler(**arguments).security()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """Two certificates with their keys, as openssl would write them."""
    from distributed import Security

    places = []
    for name in ("own", "other"):
        folder, security = tmp_path_factory.mktemp(name), Security.temporary()
        (folder / "cert.pem").write_text(security.tls_client_cert)
        (folder / "key.pem").write_text(security.tls_client_key)
        (folder / "key.pem").chmod(0o600)
        places.append({"tls_ca": folder / "cert.pem", "tls_cert": folder / "cert.pem", "tls_key": folder / "key.pem"})
    return places


def test_a_scheduler_with_certificates_trains_for_who_has_them(certificates):
    from distributed import LocalCluster, Security

    own, other = certificates
    roles = ("scheduler", "worker", "client")
    both = {f"tls_{role}_{kind}": str(own[f"tls_{kind}"]) for role in roles for kind in ("cert", "key")}
    security = Security(require_encryption=True, tls_ca_file=str(own["tls_ca"]), **both)
    options = {"protocol": "tls://", "security": security, "dashboard_address": "127.0.0.1:0", "silence_logs": 50}
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, **options) as cluster:
        address = cluster.scheduler_address
        results, failures = train_units(units(2, 1), scheduler=Scheduler(address, **own), progress=False)
        assert len(results) == 2
        assert not failures
        with pytest.raises(InputError, match="does not accept these certificates"):
            train_units(units(3, 1), scheduler=Scheduler(address, **other), progress=False)
        plain = Scheduler(address.replace("tls", "tcp"), wait=0.2)
        with pytest.raises(InputError, match="or needs tls://"):
            train_units(units(3, 1), scheduler=plain, progress=False)


def test_a_cluster_that_grows_with_its_work_is_given_some():
    with cluster_here(0) as cluster:
        cluster.adapt(minimum=0, maximum=1, interval="100 ms")
        results, failures = train_units(units(2, 1), scheduler=cluster.scheduler_address, progress=False)
    assert len(results) == 2
    assert not failures


class Deadly(TiltDiscrimination):
    """Ends the process that learns it, as a system does with one that needs more memory than there is."""

    def sample(self, *arguments, **options):
        os._exit(1)


def test_a_unit_that_kills_its_workers_fails_alone():
    good, other = units(n_seeds=2, n_epochs=1)
    deadly = replace(other, task=Deadly(**asdict(other.task)))
    with dask.config.set({"distributed.scheduler.allowed-failures": 0}):  # 3 else, which takes longer
        results, failures = train_units([good, deadly], workers=2, progress=False)
    assert list(results) == [good]
    assert [failure.unit for failure in failures] == [deadly]
    assert failures[0].reason.startswith("the workers that trained it died, one after the other")


def test_a_result_that_was_fetched_counts_though_its_worker_died_since():
    """A dying worker takes the future along; the result was here already."""
    unit = units(n_seeds=1, n_epochs=1)[0]
    with Client(processes=False, n_workers=1, threads_per_worker=1, dashboard_address=None) as client:
        errands = Errands(
            client, {unit: Job("key", made, ())}, Kept("", "", ""), Stage(lambda tally: None, "training", 1)
        )
        gone = client.submit(int)
        gone.cancel()
        assert list(errands._take(unit, gone, ("key", b"trained"))) == [(unit, b"trained")]
        with pytest.raises(ConnectionError, match="lost what it had been given"):
            list(errands._take(unit, gone, gone.exception))
