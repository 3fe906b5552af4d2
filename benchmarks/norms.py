"""Which norms are really learned: held-out scores of networks beside chance, reference, and what is wanted.

``python benchmarks/norms.py`` prints the table (1 to 2 CPU minutes a network, 9 for partners of gratings);
``--seeds 5`` gives medians of five, ``--only digits`` some rows alone. With ``--out FILE.csv`` each network's score
is written as soon as it is known, and what the file has already is not trained again; several processes may write the
same file. Networks are trained by AdamW with a one-cycle schedule, on stimuli that are fresh in every epoch. Simple
solutions are scored on the networks' own test stimuli.

``--table`` trains nothing: it writes docs/norms.md from docs/norms.csv, in which it first scores what simple solutions
are missing.
"""

import argparse
import copy
import csv
import math
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial, singledispatch
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from filelock import FileLock
from rich.console import Console
from rich.table import Table

from normenc import networks, tasks, training
from normenc.tasks.patches import middle_of
from normenc.tasks.references import N_FITTED, inpainted, wiener_filtered
from normenc.training.drawn import OF_TEST

DOCS = Path(__file__).parents[1] / "docs"
PART = re.compile(r"(<!-- reached: written by benchmarks/norms\.py -->\n).*?(?=<!-- end -->)", flags=re.DOTALL)
HEAD = ("norm", "network", "fresh stimuli", "CPU s", "chance", "simple solution", "reached", "seeds")
OF_FITTING = 7  # after the seed, in the seed of the stimuli that simple solutions are fitted to

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
DIGIT_AND_PLACE = partial(tasks.SeveralTasks, names=("object-recognition", "object-location"))


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
    Row("digits, and their place and size, at once", DIGIT_AND_PLACE, WIDE, 60, "reference", batch_size=50),
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


class Result(NamedTuple):
    """What a network reached, the CPU seconds of its training, and what the simple solution reaches; NaN: not known."""

    score: float
    cpu_s: float
    simple: float = math.nan


Known = dict[tuple[str, int], Result]  # by the names of rows and seeds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", default="", help="rows whose name contains this")
    parser.add_argument("--out", type=Path, help="CSV file of scores, to which those that it lacks are added")
    parser.add_argument("--table", action="store_true", help="write docs/norms.md from docs/norms.csv, and do no more")
    arguments = parser.parse_args()
    rows = [row for row in ROWS if arguments.only in row.name]
    if arguments.table:
        known = filled(ROWS, read(DOCS / "norms.csv"), DOCS / "norms.csv")
        page = DOCS / "norms.md"
        page.write_text(written(page.read_text(encoding="utf-8"), known), encoding="utf-8")
        return
    known = read(arguments.out)
    for seed in range(arguments.seeds):
        for row in rows:
            if (row.name, seed) not in known:
                known = write(arguments.out, known | {(row.name, seed): trained(row, seed)})
            known = filled([row], known, arguments.out)
    shown = {(name, seed): result for (name, seed), result in known.items() if seed < arguments.seeds}
    table = Table(title="Held-out scores, median (and range) over seeds; CPU seconds a network")
    for column in (*HEAD, "learned at", "wanted"):
        table.add_column(column, justify="left" if column in HEAD[:2] else "right")
    for row in rows:
        table.add_row(*cells(row, shown), figure(row.task(**FRESH).learned_at), row.wanted)
    Console(width=200).print(table)


def trained(row: Row, seed: int) -> Result:
    """Train a network."""
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
    return Result(log.held_out_score, time.process_time() - start)


def filled(rows: Iterable[Row], known: Known, path: Path | None) -> Known:
    """Score the simple solutions that are missing, and write each."""
    for row in rows:
        for name, seed in list(known):
            if name == row.name and math.isnan(known[name, seed].simple):
                task = row.task(**FRESH)
                images, targets = task.sample_test(task.n_test, np.random.default_rng([seed, OF_TEST]))
                simple = simply(task, images, targets, np.random.default_rng([seed, OF_FITTING]))
                known = write(path, known | {(name, seed): known[name, seed]._replace(simple=simple)})
    return known


@singledispatch
def simply(task: tasks.Task, images: torch.Tensor, targets: torch.Tensor, rng: np.random.Generator) -> float:
    """The score of a task's simple solution on these test stimuli; what it is fitted to is drawn from `rng`."""
    same = copy.copy(task)
    object.__setattr__(same, "sample_test", lambda n, rng: (images, targets))  # a frozen dataclass
    return same.reference(rng).score


@simply.register
def _(task: tasks.Denoising, images: torch.Tensor, targets: torch.Tensor, rng: np.random.Generator) -> float:
    noisy, clean = replace(task, middle=None).sample(N_FITTED, rng)
    found = wiener_filtered(noisy, clean.view_as(noisy), images)
    return task.score(middle_of(found, task.middle or task.image_size), targets)


@simply.register
def _(task: tasks.MaskedAutoencoding, images: torch.Tensor, targets: torch.Tensor, rng: np.random.Generator) -> float:
    def whole(shown: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
        return torch.where(hidden.isnan(), shown.flatten(1), hidden)

    fitted = whole(*task.sample(N_FITTED, rng))
    return task.score(inpainted(fitted, whole(images, targets), targets.isnan()), targets)


@simply.register
def _(task: tasks.SeveralTasks, images: torch.Tensor, targets: torch.Tensor, rng: np.random.Generator) -> float:
    unused = torch.zeros(len(images), task.n_outputs)
    return task._mean([simply(part, images, true, rng) for part, _, true in task._parts(unused, targets)])


def written(text: str, known: Known) -> str:
    """A page with its table of what networks reached."""
    lines = ("| " + " | ".join(line) + " |" for line in table_of(known))
    told = "\n".join(lines)
    return PART.sub(lambda found: f"{found[1]}\n{told}\n\n", text)


def table_of(known: Known) -> list[tuple[str, ...]]:
    """The lines of this table, with its head: a row for each that has a result."""
    names = {name for name, _ in known}
    return [HEAD, ("---",) * len(HEAD), *(cells(row, known) for row in ROWS if row.name in names)]


def cells(row: Row, known: Known) -> tuple[str, ...]:
    """The cells of a row, as in `HEAD`: medians over seeds, the range of the score, and the mean CPU time."""
    results = [result for (name, _), result in known.items() if name == row.name]
    scores = [result.score for result in results]
    return (
        row.name,
        described(row.network),
        f"{row.n_epochs * FRESH['n_per_epoch']:,}",
        f"{statistics.mean(result.cpu_s for result in results):.0f}",
        figure(row.task(**FRESH).chance),
        figure(statistics.median(result.simple for result in results)),
        f"{figure(statistics.median(scores))} ({figure(min(scores))} to {figure(max(scores))})",
        str(len(scores)),
    )


def described(network: partial[Any]) -> str:
    """A network, its channels and its hidden units."""
    given, told = network.keywords, f"`{network.func.__name__}`"
    if "n_channels" in given:
        told += f", {', '.join(map(str, np.atleast_1d(given['n_channels'])))} channels"
    return f"{told}, {given['n_hidden']} hidden units"


def figure(number: float) -> str:
    """A number with three significant digits, but two decimals at most from 1 on, and one from 10 on."""
    return f"{number:.3g}" if number < 1 else f"{number:.{2 if number < 10 else 1}f}"


def read(path: Path | None) -> Known:
    """The results in a file, none where there is no file."""
    if path is None or not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {
            (row["norm"], int(row["seed"])): Result(
                float(row["score"]), float(row["cpu_s"]), float(row.get("simple") or "nan")
            )
            for row in csv.DictReader(file)
        }


def write(path: Path | None, known: Known) -> Known:
    """Add results to a file, by way of another, so that a run that is killed leaves a whole one; all that it has then.

    What another process has added meanwhile is kept.
    """
    if path is None:
        return known
    order = {row.name: place for place, row in enumerate(ROWS)}
    with FileLock(Path(tempfile.gettempdir()) / f"{path.name}.lock"):
        known |= {key: own for key, own in read(path).items() if key not in known or math.isnan(known[key].simple)}
        part = path.with_suffix(".part")
        with part.open("w", encoding="utf-8", newline="") as file:
            lines = csv.writer(file, lineterminator="\n")
            lines.writerow(["norm", "seed", "score", "cpu_s", "simple"])
            for (name, seed), own in sorted(
                known.items(), key=lambda item: (order.get(item[0][0], len(order)), item[0])
            ):
                lines.writerow([name, seed, f"{own.score:.6g}", f"{own.cpu_s:.1f}", f"{own.simple:.6g}"])
        part.replace(path)
    return known


if __name__ == "__main__":
    main()
