"""A small study in a folder of its own, and the command line run on it in processes that may be killed."""

import importlib
import os
import re
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from normenc import recordings

STUDY = """\
name = "tiny"
[stimuli]
resolution = 0.02
[task]
n_train = 40
n_test = 20
[network]
pool_size = 4
filter_size = 3
[training]
n_epochs = 2
batch_size = 20
seed = {seed}
n_seeds = {n_seeds}
n_untrained = 2
[comparison]
controls = ["pixels"]
other_measures = []
n_samples = 100
n_permutations = 200
"""
FINISHED = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00")  # when a run ended, which differs
NOTES = b"what I saw under the microscope\n"


def load() -> None:
    """Load once, and not in every process that is forked, what a run otherwise loads as it first needs it."""
    for room in ("cli.commands", "study.running", "report", "report.page"):
        importlib.import_module(f"normenc.{room}")
    for library in ("matplotlib.pyplot", "sklearn.manifold", "dask.array"):
        importlib.import_module(library)
    importlib.import_module("normenc.study.units").code_digest()


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code, or minus the signal that killed it, and what it said."""

    code: int
    out: str
    err: str

    @property
    def in_words(self) -> bool:
        """Whether it ended well or with one line of its own, and never with a traceback or a crash."""
        lines = [line for line in self.err.splitlines() if "error" in line.lower()]
        return self.code == 0 or (self.code in (1, 2, 130) and "Traceback" not in self.err and len(lines) == 1)


class Workplace:
    """A folder with a recording, a study, and a cache of trained networks of its own.

    Its runs take `options` of the command line besides their own.
    """

    def __init__(self, folder: Path, *, seed: int = 0, n_seeds: int = 2, options: tuple[str, ...] = ()) -> None:
        self.folder, self.options = folder, options
        folder.mkdir(parents=True, exist_ok=True)
        recordings.save(recordings.simulated_v1(10, n_repeats=2, n_stimuli=8), folder / "recording.npz")
        (folder / "tiny.toml").write_text(STUDY.format(seed=seed, n_seeds=n_seeds))

    def arguments(self, out: str | Path, *more: str) -> list[str]:
        """Of ``normenc run``."""
        return ["run", "tiny.toml", "--recording", "recording.npz", "--out", str(out), *self.options, *more]

    def normenc(
        self,
        arguments: Sequence[str],
        *,
        kill_after: float | None = None,
        cache: Path | None = None,
        environment: Mapping[str, str] | None = None,
        meanwhile: Callable[[int], None] | None = None,
    ) -> Ended:
        """Run a command in a process forked from this one, which has imported everything already.

        Parameters
        ----------
        arguments : sequence of str
        kill_after : float, optional
            Seconds after which it is killed with all its children, if it still runs.
        cache : Path, optional
        environment : mapping, optional
        meanwhile : callable, optional
            Called once with the process's number while it runs.
        """
        out, err = self.folder / ".stdout", self.folder / ".stderr"
        own = {"NORMENC_CACHE": str(cache or self.folder / "cache"), "OMP_NUM_THREADS": "1", **(environment or {})}
        pid = os.fork()
        if pid == 0:
            _become_the_command(self.folder, arguments, own, out, err)
        if meanwhile is not None:
            meanwhile(pid)
        status = _wait(pid, kill_after)
        code = os.waitstatus_to_exitcode(status)
        return Ended(code, out.read_text(errors="replace"), err.read_text(errors="replace"))


def _become_the_command(
    folder: Path, arguments: Sequence[str], environment: Mapping[str, str], out: Path, err: Path
) -> None:
    code = 1
    try:
        os.setsid()
        os.chdir(folder)
        os.environ.update(environment)
        for number, path in ((1, out), (2, err)):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        sys.stdout, sys.stderr = (os.fdopen(os.dup(n), "w", buffering=1) for n in (1, 2))
        sys.__stdout__, sys.__stderr__ = sys.stdout, sys.stderr
        sys.argv = ["normenc", *arguments]
        signal.signal(signal.SIGINT, signal.default_int_handler)
        from normenc.cli import main

        main()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _wait(pid: int, kill_after: float | None) -> int:
    end = None if kill_after is None else time.monotonic() + kill_after
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return status
        if end is not None and time.monotonic() > end:
            os.killpg(pid, signal.SIGKILL)
            return os.waitpid(pid, 0)[1]
        time.sleep(0.005)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a run by its name, without hidden ones, and without the time at which it was finished."""
    return {
        str(path.relative_to(folder)): FINISHED.sub(b"", path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }


def differences(folder: Path, wanted: Mapping[str, bytes]) -> list[str]:
    """Names of files that are missing, too many or other than in the run that was left in peace."""
    found = contents(folder)
    return sorted(name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name))


def leftovers(folder: Path) -> list[str]:
    """Hidden files and folders that a run leaves beside its destination, or in it, but for its marker."""
    own = {".stdout", ".stderr", ".normenc-run.json"}
    return sorted(path.name for path in folder.iterdir() if path.name.startswith(".") and path.name not in own)


def without(folder: Path) -> None:
    """Remove a folder, where it is."""
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def cache_in(folder: Path) -> Iterator[None]:
    """Keep trained networks there meanwhile."""
    before = os.environ.get("NORMENC_CACHE")
    os.environ["NORMENC_CACHE"] = str(folder)
    try:
        yield
    finally:
        os.environ.pop("NORMENC_CACHE")
        if before is not None:
            os.environ["NORMENC_CACHE"] = before
