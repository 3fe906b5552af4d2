"""Time training: one network, and 20 seeds of it, against the plain PyTorch loop, alternating in one run.

``python benchmarks/training.py`` prints the table; ``--seeds`` and ``--device cuda`` are for a GPU.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import numpy as np
import torch
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
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
    table = Table("way", "seconds", "ms a step and seed", "of the plain loop", "largest difference in loss")
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
    print(f"Python {sys.version.split()[0]}, torch {torch.__version__}, {n_cores} threads, {device}")
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
