"""Runs killed at any moment, from the first line read to the last file moved."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from workplace import NOTES, Workplace, contents, differences, leftovers, without

STAGES = ("--stages", "represent,compare,draw")  # without those that compute for long and write as these do
FEW = ("--quick",)  # the same stages, one seed and three pictures
PEACE: dict[tuple[Path, tuple[str, ...]], tuple[dict[str, bytes], float, int]] = {}


def in_peace(place: Workplace, name: str = "peace") -> tuple[dict[str, bytes], float]:
    """What a run writes that nobody disturbs, and the seconds that it takes."""
    start = time.monotonic()
    ended = place.normenc(place.arguments(name))
    if ended.code:
        raise RuntimeError(f"a run that was left in peace ended in {ended}")
    return contents(place.folder / name), time.monotonic() - start


def left_in_peace(place: Workplace) -> tuple[dict[str, bytes], float, int]:
    """The same, and how large the networks are in bytes; once for all attacks in one folder with the same options."""
    key = place.folder, place.options
    if key not in PEACE:
        wanted, takes = in_peace(place)
        PEACE[key] = wanted, takes, sum(path.stat().st_size for path in (place.folder / "cache").rglob("*.*"))
    return PEACE[key]


def anywhere(folder: Path, seed: int, n: int, options: tuple[str, ...] = STAGES) -> Iterator[str | None]:
    """Kill a run into a new folder, with an empty cache; the same command then ends in the same bytes."""
    rng = np.random.default_rng(seed)
    place = Workplace(folder, options=options)
    wanted, takes, _ = left_in_peace(place)
    for index in range(n):
        without(folder / "cache")
        without(folder / "out")
        # Some into the last part, where files are moved to their place.
        after = takes * (rng.uniform() if index % 2 else rng.uniform(0.8, 1.05))
        yield _killed_and_resumed(place, wanted, after, [])


def over_another(folder: Path, seed: int, n: int, options: tuple[str, ...] = STAGES) -> Iterator[str | None]:
    """Kill a run that replaces another: there is the old, or the new, and the user's own files stay."""
    rng = np.random.default_rng(seed)
    place = Workplace(folder, options=options)
    wanted, takes, _ = left_in_peace(place)
    (folder / "tiny.toml").write_text((folder / "tiny.toml").read_text().replace('["pixels"]', '["Fourier amplitude"]'))
    other, _ = in_peace(place, "other")
    for index in range(n):
        without(folder / "out")
        shutil.copytree(folder / "other", folder / "out")
        for name in ("notes.txt", "figures/mine.png"):
            (folder / "out" / name).write_bytes(NOTES)
        (folder / "tiny.toml").write_text(
            (folder / "tiny.toml").read_text().replace('["Fourier amplitude"]', '["pixels"]')
        )
        after = takes * (rng.uniform(0.2, 1) if index % 2 else rng.uniform(0.8, 1.05))
        with_notes = [{**run, "notes.txt": NOTES, "figures/mine.png": NOTES} for run in (wanted, other)]
        yield _killed_and_resumed(place, with_notes[0], after, ["--force"], other=with_notes[1])
        (folder / "tiny.toml").write_text(
            (folder / "tiny.toml").read_text().replace('["pixels"]', '["Fourier amplitude"]')
        )


def _killed_and_resumed(
    place: Workplace,
    wanted: dict[str, bytes],
    after: float,
    more: list[str],
    *,
    other: dict[str, bytes] | None = None,
) -> str | None:
    out = place.folder / "out"
    when = f"killed after {after:.2f} s"
    place.normenc(place.arguments("out", *more), kill_after=after)
    whole = False
    if out.exists():
        whole = not differences(out, wanted)
        if not whole and (other is None or differences(out, other)) and not _is_being_moved(out):
            return f"{when}: there is half a run, {differences(out, wanted)[:4]}"
    again = place.normenc(place.arguments("out", *more))
    if again.code and not (whole and again.code == 2 and "this folder already contains a run" in again.err):
        return f"{when}: the same command ended in {again.code}: {again.err.strip()[-200:]}"
    if differences(out, wanted):
        return f"{when}: after the same command these differ: {differences(out, wanted)[:4]}"
    if left := [*leftovers(place.folder), *leftovers(out)]:
        return f"{when}: left behind {left}"
    return None


def _is_being_moved(out: Path) -> bool:
    """Whether a whole run is on the way into the folder: no command takes what stands there for a run."""
    return (out / ".normenc-next" / ".normenc-run.json").exists()
