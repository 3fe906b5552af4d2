"""Compare normenc with the straightforward way, alternating in one run, and print the ratios.

Run with ``make bench``. Times depend on the machine; ratios much less.
"""

import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from normenc import rsa, stimuli

Work = dict[str, Callable[[], object]]


def gratings() -> tuple[str, Work]:
    theta = np.random.default_rng(0).uniform(-90, 90, 1000)

    def one_at_a_time() -> torch.Tensor:
        images = []
        for angle in np.deg2rad(theta):
            x, y = np.meshgrid(np.arange(64) / 28 / 0.1, np.arange(48) / 28 / 0.1)
            image = np.cos(x * np.cos(angle) + y * np.sin(angle)) > 0
            images.append(torch.tensor(image, dtype=torch.float32))
        return torch.stack(images)

    return "1000 gratings", {
        "normenc.stimuli.gratings": lambda: stimuli.gratings(theta),
        "one image at a time, NumPy": one_at_a_time,
    }


def rdm() -> tuple[str, Work]:
    from rsatoolbox.data import Dataset
    from rsatoolbox.rdm import calc_rdm
    from scipy.spatial.distance import pdist, squareform

    responses = np.random.default_rng(0).normal(size=(181, 23_589)).astype(np.float32)
    dataset = Dataset(responses)
    return "RDM, 181 stimuli x 23,589 neurons, float32", {
        "normenc.rsa.rdm": lambda: rsa.rdm(responses),
        "z @ z.T alone, NumPy": lambda: responses @ responses.T,
        "pdist, SciPy": lambda: squareform(pdist(responses, "correlation")),
        "calc_rdm, rsatoolbox": lambda: calc_rdm(dataset, method="correlation").get_matrices(),
    }


def alternate(work: Work, repeats: int) -> dict[str, list[float]]:
    """Seconds of every way in every round, after one round that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in work}
    for round_ in range(repeats + 1):
        for name, call in work.items():
            start = time.perf_counter()
            call()
            if round_:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def main() -> None:
    table = Table("work", "way", "median", "fastest", "x normenc", title="One run, alternating")
    for benchmark, repeats in ((gratings, 20), (rdm, 20)):
        title, work = benchmark()
        seconds = alternate(work, repeats)
        ours = next(iter(seconds.values()))
        for index, (name, times) in enumerate(seconds.items()):
            ratio = statistics.median(other / own for other, own in zip(times, ours, strict=True))
            table.add_row(
                title if index == 0 else "",
                name,
                f"{statistics.median(times) * 1e3:.1f} ms",
                f"{min(times) * 1e3:.1f} ms",
                f"{ratio:.2f}",
                end_section=index == len(seconds) - 1,
            )
    print(
        f"Python {sys.version.split()[0]}, NumPy {np.__version__}, torch {torch.__version__}, "
        f"{torch.get_num_threads()} threads"
    )
    Console(width=130).print(table)


if __name__ == "__main__":
    main()
