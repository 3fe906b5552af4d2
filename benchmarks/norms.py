"""Which norms are really learned: held-out scores of networks beside chance, reference, and what is wanted.

``python benchmarks/norms.py`` prints the table (1 to 2 CPU minutes a network, 9 for partners of gratings);
``--seeds 5`` gives medians of five, ``--only digits`` some rows alone. With ``--out FILE.csv`` each network's score
is written as soon as it is known, and what the file has already is not trained again. Networks are trained by AdamW
with a one-cycle schedule, on stimuli that are fresh in every epoch.
"""

import argparse
import csv
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from normenc import networks, tasks, training

FRESH: dict[str, Any] = {"n_train": "fresh", "n_per_epoch": 1000}
DEEP = partial(
    networks.DeepConvPoolFC,
    n_blocks=4,
    n_channels=(16, 32, 64, 64),
    n_hidden=64,
    initial="random",
    normalisation="batch",
)
SMALL = partial(DEEP, n_blocks=3, n_channels=(8, 16, 32))
WIDE = partial(DEEP, n_channels=(8, 32, 64, 128), n_hidden=128, filter_size=5)
RESIDUAL = partial(networks.ResidualConv, n_channels=(32, 32, 64), n_hidden=128, pool_size=4, initial="random")
FC = partial(networks.FC, n_hidden=300)
LOCAL = partial(networks.LocalFC, n_hidden=600, n_blocks=1, n_channels=16)
POOLED = partial(networks.ConvPoolFC, n_hidden=600, n_channels=16, pool_size=2, initial="random")
MIDDLE = partial(tasks.Denoising, middle=(12, 16))


@dataclass(frozen=True)
class Row:
    """A norm, the network that it is tried on, how this is trained, and the score that is wanted."""

    name: str
    task: Callable[..., tasks.ReferencedTask]
    network: Callable[..., Any]
    n_epochs: int
    wanted: str
    learning_rate: float = 3e-3
    weight_decay: float = 1e-2
    batch_size: int = 100


ROWS = (
    Row("tilt", tasks.TiltDiscrimination, SMALL, 15, "0.995"),
    Row("orientation", tasks.OrientationEstimation, DEEP, 15, "below 1"),
    Row(
        "orientation, noise 0.2 and random phase",
        partial(tasks.OrientationEstimation, random_phase=True, noise=0.2),
        DEEP,
        20,
        "below 3",
    ),
    Row("orientation and frequency", tasks.OrientationAndFrequency, DEEP, 15, "reference"),
    Row("rotation", tasks.NaturalRotation, DEEP, 30, "below 8"),
    Row("digits, plain", partial(tasks.ObjectRecognition, background="plain"), WIDE, 40, "0.95", batch_size=50),
    Row("digits, natural", tasks.ObjectRecognition, WIDE, 60, "0.85", batch_size=50),
    Row("place and size", tasks.ObjectLocation, DEEP, 20, "reference"),
    Row("denoising, whole", tasks.Denoising, FC, 100, "reference", weight_decay=1e-4),
    Row("denoising, middle, FC", MIDDLE, partial(FC, n_hidden=600), 550, "reference", weight_decay=1e-4),
    Row("denoising, middle, LocalFC", MIDDLE, LOCAL, 250, "reference", weight_decay=1e-4),
    Row("denoising, middle, ConvPoolFC", MIDDLE, POOLED, 200, "reference", weight_decay=1e-4),
    Row(
        "masked autoencoding", tasks.MaskedAutoencoding, partial(DEEP, n_hidden=400), 60, "reference", weight_decay=1e-4
    ),
    Row("sparse coding", tasks.SparseCoding, FC, 200, "reference", weight_decay=1e-4),
    Row(
        "contrastive, gratings",
        partial(tasks.ContrastiveInvariance, views="gratings", temperature=0.05),
        RESIDUAL,
        380,
        "0.95",
        batch_size=50,
    ),
    Row("contrastive, natural", tasks.ContrastiveInvariance, DEEP, 20, "0.80"),
    Row("VICReg, natural", partial(tasks.VICReg, n_outputs=32), DEEP, 20, "reference"),
    Row("next frame", tasks.NextFramePrediction, DEEP, 30, "reference"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", default="", help="rows whose name contains this")
    parser.add_argument("--out", type=Path, help="CSV file of scores, to which those that it lacks are added")
    arguments = parser.parse_args()
    rows = [row for row in ROWS if arguments.only in row.name]
    known = read(arguments.out)
    for seed in range(arguments.seeds):
        for row in rows:
            if (row.name, seed) not in known:
                known[row.name, seed] = trained(row, seed)
                write(arguments.out, known)
    table = Table(title=f"Held-out scores, median (and range) of {arguments.seeds} seeds; CPU seconds a network")
    for column in ("norm", "chance", "learned at", "reference", "reached", "wanted", "CPU s"):
        table.add_column(column, justify="left" if column == "norm" else "right")
    for row in rows:
        table.add_row(row.name, *cells(row, [known[row.name, seed] for seed in range(arguments.seeds)]))
    Console(width=140).print(table)


def trained(row: Row, seed: int) -> tuple[float, float]:
    """The held-out score of a network, and the CPU seconds of its training."""
    task = row.task(**FRESH)
    network = partial(row.network, task.image_size, n_outputs=task.n_outputs, output=task.output)
    recipe: dict[str, Any] = {
        "optimizer": "adamw",
        "schedule": "one-cycle",
        "n_epochs": row.n_epochs,
        "batch_size": row.batch_size,
        "learning_rate": row.learning_rate,
        "weight_decay": row.weight_decay,
    }
    start = time.process_time()
    log = training.train(network, task, seed=seed, progress=False, **recipe).log
    return log.held_out_score, time.process_time() - start


def cells(row: Row, results: list[tuple[float, float]]) -> list[str]:
    """The cells of a row, after its name."""
    task = row.task(**FRESH)
    scores, seconds = zip(*results, strict=True)
    numbers = [task.chance, task.learned_at, task.reference(np.random.default_rng(0)).score]
    reached = f"{statistics.median(scores):.3g} ({min(scores):.3g} to {max(scores):.3g})"
    return [*(f"{number:.3g}" for number in numbers), reached, row.wanted, f"{statistics.mean(seconds):.0f}"]


def read(path: Path | None) -> dict[tuple[str, int], tuple[float, float]]:
    if path is None or not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {
            (row["norm"], int(row["seed"])): (float(row["score"]), float(row["cpu_s"])) for row in csv.DictReader(file)
        }


def write(path: Path | None, known: dict[tuple[str, int], tuple[float, float]]) -> None:
    """Into another file first, so that a run that is killed leaves a whole one."""
    if path is None:
        return
    part = path.with_suffix(".part")
    with part.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["norm", "seed", "score", "cpu_s"])
        lines.writerows([name, seed, f"{score:.6g}", f"{cpu:.1f}"] for (name, seed), (score, cpu) in known.items())
    part.replace(path)


if __name__ == "__main__":
    main()
