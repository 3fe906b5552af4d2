"""Time and memory of the inference of a run, in both scopes and with every factor that a recording has.

``python benchmarks/infer.py`` prints two tables. The first has gratings all around their circle, as in the default run,
and images with 5,000 neurons; 8 models with 3 seeds each, two trials, 200 bootstrap samples, and the 1,000
permutations of a run. The gratings are taken as all there are, so that neurons, seeds and trials are drawn, and beside
it as a sample of others; the images the other way round. The second table has Kendall's tau-a beside Spearman, for one
animal and for 12. Every inference has a process of its own; numbers are medians of three.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

GRATINGS = "181 gratings"
SIZES = {GRATINGS: (181, 2000), "500 images": (500, 5000), "1,000 images": (1000, 5000)}
SIZES |= {"2,000 images": (2000, 5000)}
N_MODELS, N_SEEDS, N_SAMPLES, N_PERMUTATIONS = 8, 3, 200, 1000
ROUNDS = 3


def positions() -> np.ndarray:
    """Of the default run's gratings around the circle of orientations, degrees of 360; the ends are one grating."""
    return np.linspace(-180, 180, SIZES[GRATINGS][0])


def features_around() -> np.ndarray:
    """Smooth functions of orientation: waves with 1 to 20 periods, the higher the weaker."""
    periods = np.arange(1, 21)
    angles = np.radians(positions())[:, None] * periods
    weights = 4 * np.exp(-periods / 4)
    return np.concatenate([weights * np.cos(angles), weights * np.sin(angles)], axis=1).astype(np.float32)


def recording(features: np.ndarray, n_neurons: int) -> np.ndarray:
    """Two trials of neurons that read the features, in single precision."""
    rng = np.random.default_rng(0)
    n_stimuli = len(features)
    signal = features @ rng.standard_normal((40, n_neurons), np.float32)
    noise = 10 * rng.standard_normal((2, n_stimuli, n_neurons), np.float32)
    return np.asarray(signal + noise)


def models_of(features: np.ndarray, n_seeds: int) -> dict[str, Any]:
    """RDMs of models, the later the less like the features: by their weights, and by what each stimulus adds."""
    from normenc import rsa

    rng = np.random.default_rng(1)

    def seed(k: int) -> np.ndarray:
        weights = np.exp(0.2 * k * rng.standard_normal(features.shape[1], np.float32))
        noise = 0.5 * k * rng.standard_normal(features.shape, np.float32)
        return np.asarray(rsa.rdm(features * weights + noise), dtype=np.float32)

    return {f"model {k}": [seed(k) for _ in range(n_seeds)] for k in range(N_MODELS)}


def of_size(n_stimuli: int, n_neurons: int, *, around: bool) -> dict[str, Any]:
    """Models, data, and what else is known of a recording of gratings or images."""
    from normenc import rsa

    rng = np.random.default_rng(2)
    features = features_around() if around else rng.standard_normal((n_stimuli, 40), np.float32)
    trials = recording(features, n_neurons)
    responses = trials.mean(axis=0)
    models = models_of(features, N_SEEDS)
    if n_stimuli <= 400:
        models = {name: np.stack(own).astype(float) for name, own in models.items()}
    recorded = {"responses": responses, "repeats": trials}
    recorded |= {"ordered": True, "positions": positions()} if around else {}
    return {"models": models, "data": np.asarray(rsa.rdm(responses), dtype=float), "recorded": recorded}


def of_animals(n_animals: int) -> dict[str, Any]:
    """The same for animals, of which several are known by their RDMs alone."""
    from normenc import rsa

    if n_animals == 1:
        return of_size(181, 400, around=False)
    rng = np.random.default_rng(2)
    features = rng.standard_normal((60, 40)).astype(np.float32)
    animals = [features @ rng.standard_normal((40, 60)) + 3 * rng.standard_normal((60, 60)) for _ in range(n_animals)]
    return {
        "models": {name: np.stack(own).astype(float) for name, own in models_of(features, 1).items()},
        "data": np.stack([rsa.rdm(own) for own in animals]),
        "recorded": {"subject": [f"animal {k}" for k in range(n_animals)]},
    }


def once(what: str, method: str) -> None:
    """Print seconds, CPU seconds, the peak of this process's memory in MiB, and what was drawn in each scope."""
    from normenc import rsa
    from normenc.rsa.inference import infer_in_scopes

    given = of_size(*SIZES[what], around=what == GRATINGS) if what in SIZES else of_animals(int(what))
    warm = np.random.default_rng(0).normal(size=(8, 9))  # imports what is loaded by the first use
    rsa.infer({"warm": rsa.rdm(warm**2)}, rsa.rdm(warm), n_samples=2)
    wall, cpu = time.perf_counter(), time.process_time()
    found = infer_in_scopes(**given, method=method, n_samples=N_SAMPLES, n_permutations=N_PERMUTATIONS)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    print(json.dumps([[wall, cpu, peak], [", ".join(own.factors) for own in found if own is not None]]))


def measured(what: str, method: str) -> tuple[list[float], list[str]]:
    """Medians of the rounds, and what was drawn."""
    call = [sys.executable, __file__, "--once", what, method]
    rounds = []
    for _ in range(ROUNDS):
        done = subprocess.run(call, check=True, stdout=subprocess.PIPE, text=True)
        numbers, drawn = json.loads(done.stdout.splitlines()[-1])
        rounds.append(numbers)
    return [statistics.median(own) for own in zip(*rounds, strict=True)], drawn


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="rows of the first table whose name holds this, and no second one")
    parser.add_argument("--once", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.once:
        once(*arguments.once)
        return
    table = Table("recording", "method", "seconds", "CPU s", "peak, MiB", "drawn", "in the other scope")
    for what in (name for name in SIZES if arguments.only in name):
        for method in ("pearson", "whitened-correlation"):
            (wall, cpu, peak), drawn = measured(what, method)
            table.add_row(what, method, f"{wall:.1f}", f"{cpu:.1f}", f"{peak:,.0f}", *drawn)
    Console(width=130).print(table)
    if arguments.only:
        return
    table = Table("animals", "Spearman, CPU s", "Kendall's tau-a, CPU s", "ratio")
    for animals in ("1", "12"):
        spearman, kendall = (measured(animals, method)[0][1] for method in ("spearman", "kendall-tau-a"))
        table.add_row(animals, f"{spearman:.2f}", f"{kendall:.2f}", f"{kendall / spearman:.1f}")
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
