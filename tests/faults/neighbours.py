"""Another user of the same computer, who looks and knocks."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
from workplace import Workplace

NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
KNOCK = """
import os, sys, urllib.request
from distributed import Client, Security
own = Security.temporary()  # a certificate that anyone can make
for address in sys.argv[1:]:
    security = own if address.startswith("tls") else None
    try:
        with Client(address, timeout=2, set_as_default=False, security=security) as client:
            print("RAN", address, client.run(os.getuid), client.run_on_scheduler(os.getuid))
    except Exception:
        pass
    try:
        answer = urllib.request.urlopen("http" + address[address.index(":"):], timeout=2).status
        print("ANSWERED", address, answer)
    except Exception:
        pass
print("DONE")
"""
SECRET = b"PRIVATE KEY"


def hostile_user(folder: Path) -> Iterator[str | None]:
    """While a sweep trains in two processes, connect to all that listens, and read all that can be read."""
    if os.getuid() != 0 or shutil.which("setpriv") is None:
        print("    another user cannot be played here: this takes root and setpriv", file=sys.stderr)
    place = Workplace(folder, n_seeds=16, options=("--stages", "represent,compare"))
    found: list[str | None] = []
    ended = place.normenc(place.arguments("out", "--workers", "2"), meanwhile=lambda pid: found.extend(_look(pid)))
    if ended.code:
        yield f"the sweep ended in {ended.code}: {ended.err.strip()[-300:]}"
    yield from found


def _look(pid: int) -> Iterator[str | None]:
    ports: set[int] = set()
    end = time.monotonic() + 600
    process = psutil.Process(pid)
    while process.is_running() and len(process.children(recursive=True)) < 3 and time.monotonic() < end:
        time.sleep(0.25)
    time.sleep(2)  # until the workers listen, too
    family = [process, *process.children(recursive=True)]
    for member in family:
        try:
            ports |= {c.laddr.port for c in member.net_connections("tcp") if c.status == psutil.CONN_LISTEN}
            readable = [*member.cmdline(), *member.environ().values()]
        except psutil.NoSuchProcess:
            continue
        yield "a key stands in a command line" if any(SECRET.decode() in text for text in readable) else None
    yield from _open_keys()
    addresses = [f"{kind}://127.0.0.1:{port}" for port in sorted(ports) for kind in ("tcp", "tls")]
    as_nobody = NOBODY if os.getuid() == 0 and shutil.which("setpriv") else []
    told = subprocess.run(
        [*as_nobody, sys.executable, "-c", KNOCK, *addresses], capture_output=True, text=True, cwd="/", check=False
    )
    lines = told.stdout.splitlines()
    if "DONE" not in lines:
        yield f"the other user could not knock: {told.stderr[-300:]}"
    for address in addresses:
        said = [line for line in lines if f" {address} " in line]
        yield f"the other user got in: {said[0]}" if said else None


def _open_keys() -> Iterator[str | None]:
    """Files that others may read, among the temporary ones, that hold a key."""
    there = os.walk(tempfile.gettempdir())  # which passes over folders that others remove meanwhile
    for path in (Path(folder, name) for folder, _, names in there for name in names if name.endswith(".pem")):
        try:
            ways = [parent for parent in path.parents if parent.is_relative_to(tempfile.gettempdir())]
            is_open = path.stat().st_mode & 0o044 and all(way.stat().st_mode & 0o011 for way in ways)
            is_open = is_open and SECRET in path.read_bytes()
        except OSError:
            continue
        yield f"others can read {path}" if is_open else None
