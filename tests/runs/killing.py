"""A small process whose children are killed at any step: it forks in a moment, unlike one that has imported everything.

Each line that it reads says what a child writes, and before which of its calls that change the disk it is killed.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from normenc.runs.publishing import add, destination
from normenc.runs.replacing import replaceable

CALLS = ("rename", "replace", "unlink", "mkdir", "rmdir", "open")


def fill(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def publish(folder: Path, files: dict[str, bytes], *, force: bool = True) -> list[Path]:
    """Publish a run of a few small files as `run` does."""
    admit = partial(replaceable, force=force, wanted=files["study.toml"].decode())
    with destination(folder, "run", admit) as place, place.staged() as stage:
        fill(stage, files)
    return place.kept


def killed_at(step: int, work: Callable[[], object]) -> bool:
    """Whether a process that does `work` is killed before its step-th call that changes the disk; else it ended."""
    child = os.fork()
    if child == 0:
        left = step

        def counted(call):
            def do(*arguments, **options):
                nonlocal left
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return call(*arguments, **options)

            return do

        for name in CALLS:
            setattr(os, name, counted(getattr(os, name)))
        try:
            work()
        except BaseException:
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def asked(step: int, work: str, folder: Path, files: dict[str, bytes]) -> str:
    """A line for this process."""
    return json.dumps([step, work, str(folder), {name: content.decode() for name, content in files.items()}]) + "\n"


if __name__ == "__main__":
    for line in sys.stdin:
        step, work, folder, files = json.loads(line)
        content = {name: text.encode() for name, text in files.items()}
        print(killed_at(step, partial({"publish": publish, "add": add}[work], Path(folder), content)), flush=True)
