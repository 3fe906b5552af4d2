"""Compare regression onto neurons with scikit-learn and himalaya, alternating in one run, and print the ratios.

Run with ``python benchmarks/encoding.py``, or ``make bench``. The work: 288 features x 181 stimuli, 23,589 neurons, 20
penalties, 5 folds. scikit-learn's RidgeCV goes neuron by neuron, which takes it minutes: it does 40 of the neurons and
its time is multiplied. himalaya tries four ways with 3,000 neurons (RidgeCV and KernelRidgeCV, with NumPy and torch
on the CPU) and does all neurons in the fastest. Predictions of the same folds are compared on the way. The last rows
are memory that a call allocates at its peak, its result included. In float32 a neuron with two penalties nearly as good
may have the other one, and predictions that differ by more than rounding.
"""

import statistics
import sys
import time
import tracemalloc
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import sklearn
from himalaya import __version__ as himalaya_version
from himalaya.backend import set_backend
from himalaya.kernel_ridge import KernelRidgeCV
from himalaya.ridge import RidgeCV as HimalayaRidgeCV
from rich.console import Console
from rich.table import Table
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import PredefinedSplit

from normenc.encoding import cross_validated_predictions, fold_of_each, predictivity, stimulus_folds

warnings.simplefilter("ignore")
N_STIMULI, N_FEATURES, N_NEURONS, N_REPEATS = 181, 288, 23_589, 4
PENALTIES = np.logspace(-1, 5, 20)
FOLDS = stimulus_folds(N_STIMULI, 5)
ROUNDS = 3
ONE_BY_ONE, TRIED = 40, 3000
HIMALAYA = [(kind, backend) for kind in (HimalayaRidgeCV, KernelRidgeCV) for backend in ("numpy", "torch")]


def data(kind: Any) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(N_STIMULI, N_FEATURES))
    signal = features @ rng.normal(size=(N_FEATURES, N_NEURONS)) / np.sqrt(N_FEATURES)
    return features.astype(kind), (signal + rng.normal(size=signal.shape)).astype(kind)


def ours(features: np.ndarray, responses: np.ndarray, choose: str) -> np.ndarray:
    found = cross_validated_predictions(
        features, responses, penalties=PENALTIES, relative=False, choose=choose, n_folds=5
    )
    return found.predicted


def over_folds(responses: np.ndarray, predict: Callable[[np.ndarray, np.ndarray], Any]) -> np.ndarray:
    predicted = np.empty_like(responses)
    for test in FOLDS:
        predicted[test] = predict(np.setdiff1d(np.arange(N_STIMULI), test), test)
    return predicted


def neuron_by_neuron(features: np.ndarray, responses: np.ndarray) -> np.ndarray:
    def predict(train: np.ndarray, test: np.ndarray) -> np.ndarray:
        fits = (RidgeCV(PENALTIES).fit(features[train], neuron) for neuron in responses[train].T)
        return np.stack([fit.predict(features[test]) for fit in fits], axis=1)

    return over_folds(responses, predict)


def all_at_once(features: np.ndarray, responses: np.ndarray) -> np.ndarray:
    def predict(train: np.ndarray, test: np.ndarray) -> np.ndarray:
        fit = RidgeCV(PENALTIES, alpha_per_target=True).fit(features[train], responses[train])
        return fit.predict(features[test])

    return over_folds(responses, predict)


def himalaya(features: np.ndarray, responses: np.ndarray, kind: Any, backend: str) -> np.ndarray:
    to_array = set_backend(backend).asarray

    def predict(train: np.ndarray, test: np.ndarray) -> np.ndarray:
        inner = PredefinedSplit(fold_of_each(stimulus_folds(len(train), 5), len(train)))
        model = kind(alphas=PENALTIES.astype(features.dtype), fit_intercept=True, cv=inner)
        model.fit(to_array(features[train]), to_array(responses[train]))
        return np.asarray(model.predict(to_array(features[test])))

    predicted = over_folds(responses, predict)
    set_backend("numpy")
    return predicted


def timed(call: Callable[[], np.ndarray]) -> tuple[float, np.ndarray]:
    start = time.perf_counter()
    found = call()
    return time.perf_counter() - start, found


def compare(kind: Any, table: Table) -> None:
    """Add this precision's rows, of medians over rounds; each round alternates all ways."""
    x, y = data(kind)
    tried = {way: timed(lambda way=way: himalaya(x, y[:, :TRIED], *way))[0] for way in HIMALAYA}
    fastest = min(tried, key=lambda way: tried[way])
    ways: dict[str, Callable[[], np.ndarray]] = {
        "leave-one-out": lambda: ours(x, y, "leave-one-out"),
        "one by one": lambda: neuron_by_neuron(x, y[:, :ONE_BY_ONE]),
        "all at once": lambda: all_at_once(x, y),
        "inner folds": lambda: ours(x, y, "folds"),
        "himalaya": lambda: himalaya(x, y, *fastest),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    found = {}
    for _ in range(ROUNDS):
        for name, call in ways.items():
            took, found[name] = timed(call)
            seconds[name].append(took * (N_NEURONS / ONE_BY_ONE if name == "one by one" else 1))
    titles = {
        "one by one": f"scikit-learn, neuron by neuron ({ONE_BY_ONE}, scaled)",
        "all at once": "scikit-learn, alpha_per_target",
        "himalaya": f"himalaya, inner folds ({fastest[0].__name__}, {fastest[1]})",
    }
    pairs = [("leave-one-out", other) for other in titles] + [("inner folds", "himalaya")]
    for own, other in pairs:
        ratio = statistics.median(b / a for a, b in zip(seconds[own], seconds[other], strict=True))
        differences = np.abs(found[own][:, : found[other].shape[1]] - found[other])
        same = (own == "inner folds") == (other == "himalaya")
        times = (f"{statistics.median(seconds[name]):,.2f} s" for name in (own, other))
        said = f"{differences.max():.0e}" if same else ""
        table.add_row(f"{np.dtype(kind)}, {own}", titles[other], *times, f"{ratio:,.1f}", said)


def memory(call: Callable[[], object]) -> str:
    """Peak MiB that the call allocates."""
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return f"{peak / 2**20:,.0f} MiB"


def measure(responses: np.ndarray, n_samples: int) -> object:
    stimulus = np.repeat(np.arange(N_STIMULI), N_REPEATS)
    noise = np.random.default_rng(1).normal(size=(len(stimulus), N_NEURONS)).astype(np.float32)
    noise += responses[stimulus]
    return lambda: predictivity(responses, noise, stimulus, n_samples=n_samples)


def main() -> None:
    title = (
        f"Against scikit-learn {sklearn.__version__} and himalaya {himalaya_version}: {N_FEATURES} features x "
        f"{N_STIMULI} stimuli, {N_NEURONS:,} neurons, {len(PENALTIES)} penalties, {len(FOLDS)} folds; one run, "
        f"alternating, medians of {ROUNDS}"
    )
    table = Table("normenc", "peer", "normenc", "peer", "peer / normenc", "largest difference", title=title)
    for kind in (np.float64, np.float32):
        compare(kind, table)
    x, y = data(np.float64)
    for choose in ("leave-one-out", "folds"):
        table.add_row(f"memory: float64, {choose}", "", memory(lambda way=choose: ours(x, y, way)), "", "", "")
    for n_samples in (0, 1000):
        call = measure(y.astype(np.float32), n_samples)
        took, _ = timed(call)
        name = f"predictivity, {N_REPEATS} trials, {n_samples:,} samples"
        table.add_row(name, "", f"{took:.1f} s, {memory(call)}", "", "", "")
    print(f"Python {sys.version.split()[0]}, NumPy {np.__version__}")
    Console(width=160).print(table)


if __name__ == "__main__":
    main()
