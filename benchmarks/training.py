"""Time training against the plain PyTorch loop, alternating in one run.

``python benchmarks/training.py`` prints three tables in Markdown: one network and 20 seeds of it by the study's
training; a step of AdamW of two networks at two sizes of batches; and training on fresh stimuli that are slow to draw,
with processes that draw them. The first two are in docs/scale.md. ``--seeds`` and ``--device cuda`` are for a GPU.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import numpy as np
import torch
from rich import box
from rich.console import Console
from rich.table import Table
from torch import nn

from normenc import networks, tasks, training

TASK = tasks.TiltDiscrimination()


def plain_loop(seed: int, n_epochs: int, device: str) -> list[float]:
    """The study's CNN as one would write it: PyTorch's layers, its optimizer, its autograd."""
    rng = np.random.RandomState(seed)
    torch.manual_seed(seed)
    network = nn.Sequential(
        nn.Conv2d(1, 6, 7, padding=3),
        nn.ReLU(),
        nn.MaxPool2d(8),
        nn.Flatten(),
        nn.Linear(288, 10),
        nn.ReLU(),
        nn.Linear(10, 1),
        nn.Sigmoid(),
    )
    network[0].weight.data.copy_(networks.initial_filters())
    network[0].bias.data.zero_()
    images, targets = (x.to(device) for x in TASK.sample(TASK.n_train, rng))
    network.to(device)
    optimizer = torch.optim.SGD(network.parameters(), lr=5e-4, momentum=0.99)
    losses = []
    for _ in range(n_epochs):
        for batch in torch.randperm(len(images)).to(device).split(100):
            optimizer.zero_grad()
            loss = nn.functional.binary_cross_entropy(network(images[batch][:, None]), targets[batch])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return losses


def one(seed: int, n_epochs: int, device: str) -> list[float]:
    """One network by normenc."""
    return training.train(
        networks.ConvPoolFC, TASK, seed=seed, n_epochs=n_epochs, device=device, progress=False
    ).log.loss.tolist()


def ensemble(seeds: range, n_epochs: int, device: str, shared: bool) -> list[float]:
    """All seeds at once by normenc; the first one's losses."""
    members = training.train_ensemble(
        networks.ConvPoolFC,
        TASK,
        seeds=seeds,
        n_epochs=n_epochs,
        device=device,
        shared_data=shared,
        progress=False,
    )
    return members[seeds[0]].log.loss.tolist()


def _single_threaded() -> None:
    torch.set_num_threads(1)


def processes(pool: ProcessPoolExecutor, seeds: range, n_epochs: int) -> list[float]:
    """Every seed on its own, one single-threaded process a core: what `normenc run --workers` does."""
    return next(iter(list(pool.map(partial(one, n_epochs=n_epochs, device="cpu"), seeds))))


STEPS = 12  # of AdamW, timed together
NETWORKS = {
    "ConvPoolFC": networks.ConvPoolFC,
    "DeepConvPoolFC": partial(networks.DeepConvPoolFC, normalisation="batch"),
}


def adamw_plain(name: str, batch_size: int, device: str) -> float:
    """Seconds a step of AdamW takes in the loop as one would write it: torch's own defaults."""
    torch.manual_seed(1)
    network = NETWORKS[name]().to(device)
    images, targets = (x.to(device) for x in TASK.sample(4 * batch_size, np.random.RandomState(1)))
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
    start = time.process_time() if device == "cpu" else time.perf_counter()
    for _ in range(STEPS // 4):
        for batch in torch.randperm(len(images)).to(device).split(batch_size):
            optimizer.zero_grad()
            loss = nn.functional.binary_cross_entropy(network(images[batch]), targets[batch])
            loss.backward()
            optimizer.step()
            loss.item()
    return ((time.process_time() if device == "cpu" else time.perf_counter()) - start) / STEPS


def adamw_normenc(name: str, batch_size: int, device: str) -> float:
    """The same by normenc, from the first step's report to the last one's."""
    task = tasks.TiltDiscrimination(n_train=4 * batch_size, n_test=50)
    times: list[float] = []

    def report(step: int, n_steps: int, loss: float) -> None:
        if step in (1, n_steps):
            times.append(time.process_time() if device == "cpu" else time.perf_counter())

    training.train(
        NETWORKS[name],
        task,
        seed=1,
        n_epochs=STEPS // 4,
        batch_size=batch_size,
        optimizer="adamw",
        learning_rate=1e-3,
        device=device,
        progress=report,
    )
    return (times[1] - times[0]) / (STEPS - 1)


def steps_of_adamw(rounds: int, device: str) -> Table:
    """A table of a step of AdamW: the medians of alternating rounds, after a first one that does not count."""
    kind = "CPU" if device == "cpu" else "wall"
    table = Table(
        "network", "batch", f"plain loop, {kind} ms a step", f"normenc, {kind} ms a step", "ratio", box=box.MARKDOWN
    )
    for name in NETWORKS:
        for batch_size in (100, 256):
            pairs = [
                (adamw_plain(name, batch_size, device), adamw_normenc(name, batch_size, device))
                for _ in range(rounds + 1)
            ][1:]
            plain, own = (statistics.median(seconds) * 1e3 for seconds in zip(*pairs, strict=True))
            ratio = statistics.median(own / plain for plain, own in pairs)
            table.add_row(f"`{name}`", str(batch_size), f"{plain:.2f}", f"{own:.2f}", f"{ratio:.2f}")
    return table


def on_digits(n_processes: int, device: str, n_epochs: int = 10) -> tuple[float, float]:
    """Wall and CPU seconds of training on 1,000 fresh digits an epoch, processes that draw them included."""
    task = tasks.ObjectRecognition(n_train="fresh", n_test=100)
    network = partial(networks.FC, n_outputs=10, output="linear")
    start, before = time.perf_counter(), os.times()
    training.train(
        network, task, seed=1, n_epochs=n_epochs, device=device, drawing_processes=n_processes, progress=False
    )
    return time.perf_counter() - start, sum(os.times()[:4]) - sum(before[:4])


def drawing(rounds: int, device: str) -> Table:
    """A table of drawing by a thread and by processes: the medians of alternating rounds."""
    table = Table("drawing processes", "wall s", "CPU s, all processes", box=box.MARKDOWN)
    timed = [[on_digits(n, device) for n in (0, 1, 2)] for _ in range(rounds)]
    for n, of_number in enumerate(zip(*timed, strict=True)):
        wall, cpu = (statistics.median(seconds) for seconds in zip(*of_number, strict=True))
        table.add_row(str(n) if n else "0 (a thread)", f"{wall:.1f}", f"{cpu:.1f}")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=25, help="25 are the study's")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--only", choices=["study", "adamw", "drawing"])
    options = parser.parse_args()
    n_threads = torch.get_num_threads()
    print(f"Python {sys.version.split()[0]}, torch {torch.__version__}, {n_threads} threads, {options.device}")
    tables: dict[str, Callable[[], Table]] = {
        "study": lambda: study_training(options),
        "adamw": lambda: steps_of_adamw(options.rounds, options.device),
        "drawing": lambda: drawing(options.rounds, options.device),
    }
    for name, made in tables.items():
        if options.only in (None, name):
            Console(width=160).print(made())  # no cell of a Markdown table may wrap


def study_training(options: argparse.Namespace) -> Table:
    """A table of the study's training: one network, and many seeds of it."""
    seeds, n_epochs, device = range(12, 12 + options.seeds), options.epochs, options.device
    n_cores = torch.get_num_threads()
    pool = ProcessPoolExecutor(n_cores, mp_context=get_context("spawn"), initializer=_single_threaded)
    ways: dict[str, tuple[int, Callable[[], list[float]]]] = {
        "plain PyTorch loop": (1, partial(plain_loop, 12, n_epochs, device)),
        "train": (1, partial(one, 12, n_epochs, device)),
        "train_ensemble, shared batches": (len(seeds), partial(ensemble, seeds, n_epochs, device, True)),
        "train_ensemble, own batches": (len(seeds), partial(ensemble, seeds, n_epochs, device, False)),
    }
    if device == "cpu":
        ways["train, a process a core"] = (len(seeds), partial(processes, pool, seeds, n_epochs))
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    losses = {}
    for round_ in range(options.rounds + 1):
        for name, (_, call) in ways.items():
            start = time.perf_counter()
            losses[name] = call()
            if round_:
                seconds[name].append(time.perf_counter() - start)
    pool.shutdown()
    first = next(iter(ways))
    n_steps = n_epochs * TASK.n_train // 100
    table = Table(
        "way", "seconds", "ms a step and seed", "of the plain loop", "largest difference in loss", box=box.MARKDOWN
    )
    for name, (n, _) in ways.items():
        ratios = [own / n / plain for own, plain in zip(seconds[name], seconds[first], strict=True)]
        apart = np.abs(np.subtract(losses[name], losses[first])).max()
        table.add_row(
            f"{name} ({n} seed{'s' if n > 1 else ''})",
            f"{statistics.median(seconds[name]):.2f}",
            f"{statistics.median(seconds[name]) / n / n_steps * 1e3:.2f}",
            f"{statistics.median(ratios):.2f}",
            f"{apart:.1e}",
        )
    return table


if __name__ == "__main__":
    main()
