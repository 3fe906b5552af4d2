"""Time sweeps: one worker against two, and how the cost grows with the number of units.

``python benchmarks/sweep.py`` prints both tables; it takes some minutes.
"""

import argparse
import os
import tempfile
import time

from rich.console import Console
from rich.table import Table

from normenc.study import Study, prepare
from normenc.study.sweep import train_units


def units(n_seeds: int, *, tiny: bool):
    """Units of the study's CNN, or of a network so small that the scheduler's own work shows."""
    settings = {"training": {"n_seeds": n_seeds, "n_epochs": 25}, "task": {}}
    if tiny:
        settings = {
            "stimuli": {"resolution": 0.025},
            "network": {"name": "FC", "n_hidden": 2},
            "task": {"n_train": 20, "n_test": 20},
            "training": {"n_seeds": n_seeds, "n_epochs": 1, "learning_rate": 1e-4},
        }
    return prepare(Study(**settings)).units


def seconds(work, workers: int) -> float:
    """Train all units from nothing."""
    with tempfile.TemporaryDirectory() as cache:
        os.environ["NORMENC_CACHE"] = cache
        start = time.perf_counter()
        results, failures = train_units(work, workers=workers, progress=False)
        taken = time.perf_counter() - start
    assert len(results) == len(work) and not failures
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=int, default=24, help="of the study's CNN")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--numbers", type=int, nargs="+", default=[10, 100, 1000])
    options = parser.parse_args()
    console = Console(width=100)

    work = units(options.units, tiny=False)
    table = Table("workers", "seconds", "x one worker", title=f"{options.units} units of the study's CNN, alternating")
    times: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(options.rounds):
        for workers, taken in times.items():
            taken.append(seconds(work, workers))
    for workers, taken in times.items():
        gain = min(one / own for one, own in zip(times[1], taken, strict=True))
        table.add_row(str(workers), ", ".join(f"{value:.1f}" for value in taken), f"{gain:.2f}")
    console.print(table)

    table = Table(
        "units", "in process, s", "ms a unit", "2 workers, s", "ms a unit", "overhead, ms a unit", title="tiny units"
    )
    start_up = seconds(units(2, tiny=True), 2)
    for n in options.numbers:
        work = units(n, tiny=True)
        here, there = seconds(work, 1), seconds(work, 2)
        overhead = (there - start_up - here / 2) / n * 1e3
        table.add_row(
            str(n), f"{here:.2f}", f"{here / n * 1e3:.1f}", f"{there:.2f}", f"{there / n * 1e3:.1f}", f"{overhead:.1f}"
        )
    console.print(table)
    console.print(f"starting and stopping two workers: {start_up:.1f} s, left out of the overhead")


if __name__ == "__main__":
    main()
