"""Compare normenc with the straightforward way, alternating in one run, and print the ratios.

Run with ``make bench``. Times depend on the machine; ratios much less. At the end it times ``normenc run --quick``.
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
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


def first_look(repeats: int = 3) -> str:
    """Seconds of a quick run in a new process with an empty cache, apart from those of its imports."""
    command = [sys.executable, "-X", "importtime", "-m", "normenc", "run", "--quick", "--quiet", "--device", "cpu"]
    rest, imports = [], []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as place:
            start = time.perf_counter()
            own = os.environ | {"NORMENC_CACHE": place}
            done = subprocess.run(command, cwd=place, env=own, capture_output=True, text=True)
            seconds = time.perf_counter() - start
        if done.returncode:
            sys.exit(re.sub(r"^import time:.*\n", "", done.stderr, flags=re.MULTILINE))
        each = re.findall(r"^import time: +(\d+) \|", done.stderr, flags=re.MULTILINE)
        imports.append(sum(map(int, each)) / 1e6)
        rest.append(seconds - imports[-1])
    return (
        f"normenc run --quick, new process, empty cache, {os.cpu_count()} cores, median of {repeats}: "
        f"{statistics.median(rest):.1f} s, and {statistics.median(imports):.1f} s of imports"
    )


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
    print(first_look())


if __name__ == "__main__":
    main()
