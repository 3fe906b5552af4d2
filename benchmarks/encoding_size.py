"""Time and memory of cross-validated ridge regression from large layers to many neurons, beside himalaya.

Run with ``python benchmarks/encoding_size.py``, or with stimuli, features and neurons after it, such as ``5000 1000
20000``. Everything is float32, 20 penalties, 5 folds. Each way runs in a process of its own: its CPU time, and its
peak memory beyond what the process has with the data alone. himalaya's RidgeCV chooses penalties by 5 inner folds, as
"inner folds" does; with more features than stimuli its KernelRidgeCV does.
"""

import resource
import subprocess
import sys
import time

import numpy as np
from rich.console import Console
from rich.table import Table

SIZES = [(1000, 500, 5000), (2000, 1000, 5000), (5000, 1000, 20_000)]
WAYS = ("generalised", "leave-one-out", "inner folds", "reduced to 200", "banded with 200", "himalaya")
PENALTIES = np.logspace(-1, 5, 20, dtype=np.float32)


def data(n_stimuli: int, n_features: int, n_neurons: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    features = rng.standard_normal((n_stimuli, n_features), np.float32)
    weights = rng.standard_normal((n_features, n_neurons), np.float32) / np.float32(np.sqrt(n_features))
    responses = features @ weights
    responses += rng.standard_normal(responses.shape, np.float32)
    return features, responses


def predict(way: str, features: np.ndarray, responses: np.ndarray) -> np.ndarray:
    from normenc.encoding import banded_predictions, cross_validated_predictions

    options = {"penalties": PENALTIES, "relative": False}
    if way in ("generalised", "leave-one-out"):
        return cross_validated_predictions(features, responses, choose=way, **options).predicted
    if way == "inner folds":
        return cross_validated_predictions(features, responses, choose="folds", **options).predicted
    if way == "reduced to 200":
        return cross_validated_predictions(
            features, responses, choose="generalised", reduce_to=200, **options
        ).predicted
    if way == "banded with 200":
        bands = {"layer": features[:, 200:], "controls": features[:, :200]}
        return banded_predictions(bands, responses, choose="generalised").predicted
    return himalaya(features, responses)


def himalaya(features: np.ndarray, responses: np.ndarray) -> np.ndarray:
    from himalaya.kernel_ridge import KernelRidgeCV
    from himalaya.ridge import RidgeCV

    from normenc.encoding import stimulus_folds

    predicted = np.empty_like(responses)
    for test in stimulus_folds(len(features), 5):
        train = np.setdiff1d(np.arange(len(features)), test)
        kind = RidgeCV if features.shape[1] < len(train) else KernelRidgeCV
        solver = {"n_targets_batch": 1000, "n_targets_batch_refit": 1000, "n_alphas_batch": 5}
        model = kind(alphas=PENALTIES, fit_intercept=True, cv=5, solver_params=solver)
        predicted[test] = model.fit(features[train], responses[train]).predict(features[test])
    return predicted


def peak() -> float:
    """MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measured(way: str, size: tuple[int, int, int]) -> tuple[float, float, float]:
    """CPU time in seconds, MiB beyond the data, and the median correlation of predictions."""
    features, responses = data(*size)
    before, start = peak(), time.process_time()
    predicted = predict(way, features, responses)
    took, memory = time.process_time() - start, peak() - before
    r = [np.corrcoef(predicted[:, k], responses[:, k])[0, 1] for k in range(0, size[2], max(1, size[2] // 200))]
    return took, memory, float(np.median(r))


def main() -> None:
    if len(sys.argv) == 5:
        print(*measured(sys.argv[1], tuple(map(int, sys.argv[2:]))))  # type: ignore[arg-type]
        return
    sizes = [tuple(map(int, sys.argv[1:]))] if len(sys.argv) == 4 else SIZES
    table = Table("stimuli x features x neurons", "way", "CPU time", "memory beyond the data", "median r of held-out")
    for size in sizes:
        for way in WAYS:
            call = [sys.executable, __file__, way, *map(str, size)]
            done = subprocess.run(call, capture_output=True, text=True, check=False)
            if done.returncode:
                table.add_row(" x ".join(f"{n:,}" for n in size), way, (done.stderr.strip() or "failed")[-60:])
                continue
            took, memory, r = map(float, done.stdout.split())
            row = (f"{took:,.1f} s", f"{memory:,.0f} MiB", f"{r:.3f}")
            table.add_row(" x ".join(f"{n:,}" for n in size), way, *row)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
