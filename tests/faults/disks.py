"""Disks that are full before the run is done."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from kills import STAGES, left_in_peace
from workplace import Workplace, differences, leftovers

ROOM = "64m"


def full(folder: Path, seed: int, n: int, options: tuple[str, ...] = STAGES) -> Iterator[str | None]:
    """Runs on disks of n sizes, from nearly nothing to nearly enough; then on one that has room."""
    place = Workplace(folder, options=options)
    wanted, _, kept = left_in_peace(place)
    needed = kept + sum(map(len, wanted.values()))
    rng = np.random.default_rng(seed)
    disk = folder / "disk"
    disk.mkdir()
    for size in np.geomspace(8_192, 0.98 * needed, n) * rng.uniform(0.9, 1, n):
        if not _mount(disk, f"{int(size)}"):
            return
        try:
            yield _on_a_full_disk(place, disk, wanted, int(size))
        finally:
            subprocess.run(["umount", disk], check=True)


def _on_a_full_disk(place: Workplace, disk: Path, wanted: dict[str, bytes], size: int) -> str | None:
    run = lambda: place.normenc(place.arguments("disk/out"), cache=disk / "cache")  # noqa: E731
    ended = run()
    if not ended.in_words:
        return f"{size:,} bytes: ended in {ended.code}: {ended.err.strip()[-300:]}"
    if ended.code and (disk / "out").exists():
        return f"{size:,} bytes: there is a part of a run"
    if ended.code and leftovers(disk):
        return f"{size:,} bytes: left behind {leftovers(disk)}"
    _mount(disk, ROOM, again=True)
    ended = run() if ended.code else ended
    if ended.code:
        return f"{size:,} bytes: with room, the same command ended in {ended.code}: {ended.err.strip()[-300:]}"
    changed = differences(disk / "out", wanted)
    return f"{size:,} bytes: these differ: {changed[:4]}" if changed else None


def _mount(disk: Path, size: str, *, again: bool = False) -> bool:
    options = f"{'remount,' if again else ''}size={size}"
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
