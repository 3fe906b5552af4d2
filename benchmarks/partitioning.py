"""Coverage of the intervals of variance partitioning, and false alarms, in simulated recordings with planted truth.

Run with ``python benchmarks/partitioning.py``. Neurons read one control and one layer, with noise; another layer is
unrelated to them. The truth of a semipartial correlation is its mean over all simulations: of the same noise and
numbers of stimuli and neurons. A row counts how many 95 % intervals contain it, and how often the unrelated layer has
p < 0.05.
"""

import time

import numpy as np
from rich.console import Console
from rich.table import Table

from normenc.rsa import partition, rdm

N_SIMULATIONS, N_SAMPLES = 100, 200
CASES = [  # stimuli, neurons, standard deviation of the noise, weight of the layer
    (40, 60, 2.0, 1.0),
    (40, 60, 8.0, 0.5),
    (100, 60, 4.0, 0.5),
    (100, 200, 4.0, 0.3),
]


def simulated(
    rng: np.random.Generator, n_stimuli: int, n_neurons: int, noise: float, weight: float
) -> tuple[float, float, float, float, float]:
    """Estimate and interval of the planted layer, estimate and p of the unrelated one."""
    control, layer, spare = rng.normal(size=(3, n_stimuli, 30))
    mixing = rng.normal(size=(2, 30, n_neurons))
    neurons = control @ mixing[0] + weight * layer @ mixing[1] + noise * rng.normal(size=(n_stimuli, n_neurons))
    models = {"layer": rdm(layer + 0.3 * control), "spare": rdm(spare)}
    seed = int(rng.integers(2**31))
    found = partition(models, {"control": rdm(control)}, responses=neurons, n_samples=N_SAMPLES, seed=seed).models
    own, other = found.iloc[0], found.iloc[1]
    return own["semipartial"], own["semipartial_low"], own["semipartial_high"], other["semipartial"], other["p"]


def main() -> None:
    heads = ("stimuli", "neurons", "noise", "weight", "semipartial", "95 % intervals", "p < 0.05, unrelated", "CPU s")
    table = Table(*heads, title=f"{N_SIMULATIONS} simulations each, {N_SAMPLES} bootstrap samples")
    for case in CASES:
        rng = np.random.default_rng(0)
        start = time.process_time()
        found = np.array([simulated(rng, *case) for _ in range(N_SIMULATIONS)])
        truth = found[:, 0].mean()
        inside = np.mean((found[:, 1] <= truth) & (truth <= found[:, 2]))
        took = (time.process_time() - start) / N_SIMULATIONS
        alarms = np.mean(found[:, 4] < 0.05)
        table.add_row(*map(str, case), f"{truth:.3f}", f"{inside:.1%}", f"{alarms:.1%}", f"{took:.2f}")
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
