"""Time and memory of the regressions of a study that predicts neurons from images, step by step.

``python benchmarks/encoding_study.py [500 1000 2000 ...]`` takes so many images, 5,000 neurons that read a layer, and 2
repeats, with the options that studies use: predictivity of a layer of 288 units and of one of 5,000 units, all controls
together (20,000 units) fitted once, and what each layer adds to them. CPU time is that of the step, and peak memory
that of the process up to its end; each size runs in a process of its own.
"""

import resource
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from normenc import encoding
from normenc.study.responses import MANY_STIMULI, MOST_COMPONENTS

N_NEURONS, N_REPEATS, N_SAMPLES = 5000, 2, 200
UNITS = {"layer of 288 units": 288, "layer of 5,000 units": 5000, "controls": 20_000}


def made(n_images: int) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Features that fall off as those of images do, and trials of neurons that read the larger layer."""
    rng = np.random.default_rng(n_images)
    common = rng.standard_normal((n_images, 600), np.float32) / np.arange(1, 601, dtype=np.float32) ** 0.5
    features = {}
    for name, n_units in UNITS.items():
        values = common @ rng.standard_normal((600, n_units), np.float32)
        features[name] = values + rng.standard_normal(values.shape, np.float32)
    read = features["layer of 5,000 units"] @ rng.standard_normal((5000, N_NEURONS), np.float32)
    read /= read.std()
    trials = np.concatenate([read + rng.standard_normal(read.shape, np.float32) for _ in range(N_REPEATS)])
    return features, trials, np.tile(np.arange(n_images), N_REPEATS)


def steps(n_images: int) -> None:
    """Print name, CPU seconds and peak MiB of every step."""
    features, trials, index = made(n_images)
    folds = encoding.stimulus_folds(np.arange(n_images), 5)
    averages = trials.reshape(N_REPEATS, n_images, -1).mean(axis=0)
    choose = "generalised" if n_images > MANY_STIMULI else None
    most = MOST_COMPONENTS if n_images > MOST_COMPONENTS else None

    def timed(name: str, step: Callable[[], Any]) -> Any:
        start = time.process_time()
        found = step()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{name}\t{time.process_time() - start:.1f}\t{peak:.0f}", flush=True)
        return found

    print(f"data\t0\t{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}")
    controls = features.pop("controls")
    for name, layer in features.items():
        reduce_to = most if most and layer.shape[1] > most else None
        options: dict[str, Any] = {"folds": folds, "choose": choose, "reduce_to": reduce_to}
        predicted = timed(
            f"predict from a {name}",
            lambda: encoding.cross_validated_predictions(layer, averages, **options),  # noqa: B023
        )
        timed(
            "its predictivity",
            lambda: encoding.predictivity(predicted, trials, index, n_samples=N_SAMPLES),  # noqa: B023
        )
    fitted = timed(
        "fit the controls",
        lambda: encoding.fit_controls(controls, trials, index, folds=folds, choose=choose, reduce_to=most),
    )
    for name, layer in features.items():
        timed(f"add a {name}", lambda: encoding.unique_variance(layer, fitted, n_samples=N_SAMPLES))  # noqa: B023


def main() -> None:
    if sys.argv[1:2] == ["--steps"]:
        steps(int(sys.argv[2]))
        return
    table = Table("images", "step", "CPU s", "peak MiB")
    for n_images in map(int, sys.argv[1:] or (500, 1000, 2000)):
        call = [sys.executable, __file__, "--steps", str(n_images)]
        done = subprocess.run(call, capture_output=True, text=True, check=True)
        for line in done.stdout.splitlines():
            table.add_row(f"{n_images:,}", *line.split("\t"))
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
