"""How much memory there is, and how much a network takes while it runs."""

import re
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from normenc.errors import InputError

__all__ = ["as_bytes", "free_bytes", "memory_limit", "peak_bytes", "readable", "stated_bytes"]

UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
FORM = re.compile(r"\s*(?P<number>\d+(\.\d+)?)\s*(?P<unit>[kmgt]?i?)b?\s*", re.IGNORECASE)
LEAST = 2**20
UNKNOWN = 2**32  # where the system does not say
NO_LIMIT = 2**60  # cgroups write about this much, or "max", where there is none

STATED: ContextVar[int | None] = ContextVar("memory limit", default=None)
MEMINFO, CGROUPS = Path("/proc/meminfo"), Path("/sys/fs/cgroup")


def as_bytes(memory: int | str | None) -> int:
    """An amount of memory in bytes.

    Parameters
    ----------
    memory : int or str, optional
        Bytes, or a text such as ``"4GiB"``, ``"500 MB"`` or ``"1.5 GiB"``; default: that of
        :func:`memory_limit`, or half of what is free.

    Raises
    ------
    InputError
        For another text, and for less than 1 MiB.

    Examples
    --------
    >>> as_bytes("4GiB"), as_bytes("500 MB"), as_bytes(2**30)
    (4294967296, 500000000, 1073741824)
    >>> as_bytes("much")
    Traceback (most recent call last):
    normenc.errors.InputError: memory is 'much'; give bytes, or a text such as '4GiB' or '500MB'
    """
    if memory is None:
        return STATED.get() or max(LEAST, free_bytes() // 2)
    match = FORM.fullmatch(memory) if isinstance(memory, str) else None
    known = match is not None and match["unit"].lower() in UNITS
    if not known and (isinstance(memory, bool) or not isinstance(memory, int)):
        raise InputError(f"memory is {memory!r}; give bytes, or a text such as '4GiB' or '500MB'")
    amount = int(float(match["number"]) * UNITS[match["unit"].lower()]) if match is not None else int(memory)
    if amount < LEAST:
        raise InputError(f"memory is {memory!r}, which is {amount:,} bytes; give at least 1MiB")
    return amount


@contextmanager
def memory_limit(memory: int | str | None) -> Iterator[None]:
    """Limit what responses of existing networks take where nothing else is stated, as in a whole run.

    Parameters
    ----------
    memory : int or str, optional
        See :func:`as_bytes`; None changes nothing.

    Raises
    ------
    InputError
        For an impossible amount.

    Examples
    --------
    >>> with memory_limit("4GiB"):
    ...     as_bytes(None)
    4294967296
    """
    before = STATED.set(STATED.get() if memory is None else as_bytes(memory))
    try:
        yield
    finally:
        STATED.reset(before)


def stated_bytes(memory: int | str | None) -> int | None:
    """An amount of memory in bytes, or that of :func:`memory_limit`; None where neither is stated."""
    return STATED.get() if memory is None else as_bytes(memory)


def readable(n_bytes: float) -> str:
    """Bytes as a person reads them.

    Examples
    --------
    >>> readable(3 * 2**30), readable(5000)
    ('3.0 GiB', '4.9 KiB')
    """
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if n_bytes < 1024:
            return f"{n_bytes:.0f} bytes" if unit == "bytes" else f"{n_bytes:.1f} {unit}"
        n_bytes /= 1024
    return f"{n_bytes:.1f} TiB"


def free_bytes() -> int:
    """Memory that this process may still take: what the system has available, and its control groups allow."""
    try:
        lines = MEMINFO.read_text(encoding="ascii").splitlines()
        there = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError, IndexError):
        there = UNKNOWN
    return max(0, min([there, *_left_in_groups()]))


def _left_in_groups() -> list[int]:
    """What is left below the limits of control groups, of both versions; what their caches hold can be given up."""
    left = []
    try:
        named = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError):
        named = []
    places = [(CGROUPS, "memory.max", "memory.current"), (CGROUPS / "memory", *OLDER)]
    for _, kinds, path in (parts for parts in named if len(parts) == 3):
        if not kinds:
            places += [(folder, "memory.max", "memory.current") for folder in _up(CGROUPS, path)]
        elif "memory" in kinds.split(","):
            places += [(folder, *OLDER) for folder in _up(CGROUPS / "memory", path)]
    for folder, limit, used in places:
        try:
            most, now = (int((folder / name).read_text(encoding="ascii")) for name in (limit, used))
        except (OSError, ValueError):  # there is no such group, or "max"
            continue
        if most < NO_LIMIT:
            left.append(most - now + _cached(folder))
    return left


OLDER = ("memory.limit_in_bytes", "memory.usage_in_bytes")


def _up(root: Path, path: str) -> list[Path]:
    """The folder of a group, and of those around it."""
    parts = [part for part in path.split("/") if part not in ("", "..")]
    return [root.joinpath(*parts[:n]) for n in range(len(parts), 0, -1)]


def _cached(folder: Path) -> int:
    """Bytes of files that a group holds and that the system takes back when memory is short."""
    try:
        lines = (folder / "memory.stat").read_text(encoding="ascii").splitlines()
        sizes = dict(line.split() for line in lines)
        return int(sizes.get("inactive_file", sizes.get("total_inactive_file", 0)))
    except (OSError, ValueError):
        return 0


def peak_bytes(run: Callable[[], None]) -> int:
    """The most that tensors made by `run` take at once, on any device, without what operations need inside."""
    with _Counting() as counting:
        run()
    return counting.peak


class _Counting(TorchDispatchMode):
    """Counts the bytes of tensors from when an operation makes them until they are let go."""

    def __init__(self) -> None:
        super().__init__()
        self.peak = self._now = 0
        self._known: set[int] = set()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """No: nothing is compiled here, and to skip it, torch imports its compiler, which takes more than a pass."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        for value in tree_leaves(output):
            if isinstance(value, torch.Tensor) and value.layout == torch.strided:
                self._count(value.untyped_storage())
        return output

    def _count(self, storage: Any) -> None:
        place, size = storage._cdata, storage.nbytes()
        if place not in self._known:
            self._known.add(place)
            self._now += size
            self.peak = max(self.peak, self._now)
            weakref.finalize(storage, self._let_go, place, size)

    def _let_go(self, place: int, size: int) -> None:
        self._known.discard(place)
        self._now -= size
