"""Time and memory of ``rsa.infer`` with every factor that a recording has, each in a process of its own.

``python benchmarks/infer.py`` prints two tables. The first has a study of gratings as in the default run, and images
with 5,000 neurons; 8 models with 3 seeds each, two trials, 200 bootstrap samples, 199 permutations, and the scope that
was not asked for. The second has Kendall's tau-a beside Spearman, for one animal and for 12.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

SIZES = {"181 gratings": (181, 2000), "500 images": (500, 5000), "1,000 images": (1000, 5000)}
SIZES |= {"2,000 images": (2000, 5000)}
N_MODELS, N_SEEDS, N_SAMPLES = 8, 3, 200


def recording(n_stimuli: int, n_neurons: int) -> tuple[np.ndarray, np.ndarray]:
    """Features of the stimuli, and two trials of neurons that read them, in single precision."""
    rng = np.random.default_rng(0)
    features = rng.standard_normal((n_stimuli, 40), np.float32)
    signal = features @ rng.standard_normal((40, n_neurons), np.float32)
    noise = 10 * rng.standard_normal((2, n_stimuli, n_neurons), np.float32)
    return features, signal + noise


def models_of(features: np.ndarray, n_seeds: int) -> dict[str, Any]:
    from normenc import rsa

    rng = np.random.default_rng(1)

    def seed(k: int) -> np.ndarray:
        noise = 0.5 * k * rng.standard_normal(features.shape, np.float32)
        return np.asarray(rsa.rdm(features + noise), dtype=np.float32)

    return {f"model {k}": [seed(k) for _ in range(n_seeds)] for k in range(N_MODELS)}


def of_size(n_stimuli: int, n_neurons: int, method: str) -> dict[str, Any]:
    from normenc import rsa

    features, trials = recording(n_stimuli, n_neurons)
    responses = trials.mean(axis=0)
    models = models_of(features, N_SEEDS)
    if n_stimuli <= 400:
        models = {name: np.stack(own).astype(float) for name, own in models.items()}
    return {
        "models": models,
        "data": np.asarray(rsa.rdm(responses), dtype=float),
        "responses": responses,
        "repeats": trials,
        "method": method,
        "n_samples": N_SAMPLES,
        "n_permutations": 199,
    }


def of_animals(n_animals: int, method: str) -> dict[str, Any]:
    from normenc import rsa

    if n_animals == 1:
        return of_size(181, 400, method)
    rng = np.random.default_rng(2)
    features = rng.standard_normal((60, 40)).astype(np.float32)
    animals = [features @ rng.standard_normal((40, 60)) + 3 * rng.standard_normal((60, 60)) for _ in range(n_animals)]
    return {
        "models": {name: np.stack(own).astype(float) for name, own in models_of(features, 1).items()},
        "data": np.stack([rsa.rdm(own) for own in animals]),
        "subject": [f"animal {k}" for k in range(n_animals)],
        "method": method,
        "n_samples": N_SAMPLES,
        "n_permutations": 199,
    }


def once(what: str, method: str) -> None:
    """Print seconds, CPU seconds and the peak of this process's memory, in MiB."""
    from normenc import rsa

    given = of_size(*SIZES[what], method) if what in SIZES else of_animals(int(what), method)
    warm = np.random.default_rng(0).normal(size=(8, 9))  # imports what is loaded by the first use
    rsa.infer({"warm": rsa.rdm(warm**2)}, rsa.rdm(warm), n_samples=2)
    wall, cpu = time.perf_counter(), time.process_time()
    rsa.infer(given.pop("models"), given.pop("data"), **given)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(json.dumps([wall, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10]))


def measured(what: str, method: str) -> list[float]:
    call = [sys.executable, __file__, "--once", what, method]
    done = subprocess.run(call, check=True, stdout=subprocess.PIPE, text=True)
    return [float(value) for value in json.loads(done.stdout.splitlines()[-1])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--once", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.once:
        once(*arguments.once)
        return
    table = Table("recording", "method", "seconds", "CPU s", "peak, MiB")
    for what in SIZES:
        for method in ("pearson", "whitened-correlation"):
            wall, cpu, peak = measured(what, method)
            table.add_row(what, method, f"{wall:.1f}", f"{cpu:.1f}", f"{peak:,.0f}")
    Console(width=100).print(table)
    table = Table("animals", "Spearman, CPU s", "Kendall's tau-a, CPU s", "ratio")
    for animals in ("1", "12"):
        spearman, kendall = (measured(animals, method)[1] for method in ("spearman", "kendall-tau-a"))
        table.add_row(animals, f"{spearman:.2f}", f"{kendall:.2f}", f"{kendall / spearman:.1f}")
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
