"""Are the statistics calibrated? Simulate recordings whose truth is known, and count.

Every cell of the table is a way of recording, and a scope: what the inference generalises over (stimuli, animals,
sessions, neurons, trials, network seeds). In each of many simulations the members of these factors are drawn anew, all
others stay the same, and `normenc.rsa.infer` is asked what it makes of them:

- type-I error at 0.05 of the tests against chance (a model of unrelated features), between two models (whose
  features make up one half of the recording's each; where stimuli are fixed, the test asks whether the difference is
  its mean over all simulations), and against the lower ceiling (a model as far from the truth as one more recording
  would be);
- coverage of the 95 % intervals of a similarity, of a difference and of the lower ceiling, around their mean over
  all simulations, which is what they estimate;
- power to find a difference, as a share of the power of an oracle that knows the true standard error. The difference
  is that which the oracle finds 8 times in 10, added to those of the simulations;
- recovery: how often the features that made the recording win over their two halves, noisy copies and strangers.

Run with ``python benchmarks/calibration.py [--simulations 1000] [--out docs/calibration.csv]``.
"""

import argparse
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from normenc.rsa import noise_ceiling, rdm, simulate_responses
from normenc.rsa.inference import Inference, infer


@dataclass(frozen=True)
class Cell:
    """A way of recording."""

    name: str
    n_stimuli: int = 40
    n_animals: int = 1
    n_sessions: int = 1  # of the same neurons
    session_sd: float = 0.0  # of responses to the stimuli that only one session has
    n_neurons: int = 60
    n_repeats: int = 1
    noise: float = 1.0
    unequal: float = 0.0  # standard deviation over animals of the logarithm of their noise
    n_seeds: int = 1
    ordered: bool = False
    natural: bool = False  # features of power-law spectrum, as responses to photographs have
    method: str = "pearson"
    scope: tuple[str, ...] | None = None  # what the inference generalises over; by default all that it can
    ceiling_noise: float = 0.0  # of the model that is as good as the lower ceiling; tuned before

    @property
    def random_stimuli(self) -> bool:
        return self.scope is None or "stimuli" in self.scope

    @property
    def random_neurons(self) -> bool:
        """Whether neurons are drawn anew: with their animals, or by themselves."""
        return self.scope is None or bool({"neurons", "animals"} & {*self.scope})


CELLS = (
    Cell("12 animals, low noise", n_animals=12),
    Cell("12 animals, high noise", n_animals=12, noise=3.0),
    Cell("5 animals, low noise", n_animals=5),
    Cell("5 animals, high noise", n_animals=5, noise=3.0),
    Cell("8 animals, Spearman", n_animals=8, method="spearman", noise=2.0),
    Cell("8 animals, whitened correlation", n_animals=8, method="whitened-correlation", noise=2.0),
    Cell("8 animals, 5 seeds", n_animals=8, n_seeds=5, noise=2.0),
    Cell("one animal, neurons, low noise", n_neurons=200),
    Cell("one animal, neurons, high noise", n_neurons=200, noise=3.0),
    Cell("one animal, 4 repeats", n_neurons=200, n_repeats=4, noise=3.0),
    Cell("one animal, 2 sessions that hardly differ", n_neurons=200, n_sessions=2, session_sd=0.3),
    Cell("one animal, 2 sessions that differ", n_neurons=200, n_sessions=2, session_sd=1.0),
    Cell("one animal, 5 sessions that differ", n_neurons=200, n_sessions=5, session_sd=1.0),
    Cell("8 animals, stimuli on a circle", n_animals=8, n_stimuli=90, ordered=True, scope=("stimuli", "animals")),
    Cell("one animal, stimuli on a circle", n_neurons=200, n_stimuli=90, ordered=True, scope=("stimuli", "neurons")),
    Cell("12 animals, fixed stimuli", n_animals=12, scope=("animals",)),
    Cell("5 animals, fixed stimuli", n_animals=5, noise=3.0, scope=("animals",)),
    Cell("6 animals of unequal noise", n_animals=6, noise=2.0, unequal=0.8),
    Cell("6 animals of unequal noise, fixed stimuli", n_animals=6, noise=2.0, unequal=0.8, scope=("animals",)),
    Cell("one animal, fixed stimuli", n_neurons=200, scope=("neurons",)),
    Cell("one animal, fixed circle", n_neurons=200, n_stimuli=90, ordered=True, scope=("neurons",)),
    Cell("one animal, 4 repeats, trials", n_neurons=200, n_repeats=4, noise=3.0, scope=("trials",)),
    Cell("one animal, 10 repeats, trials", n_neurons=200, n_repeats=10, noise=3.0, scope=("trials",)),
    Cell(
        "one animal, 4 repeats, neurons and trials",
        n_neurons=200,
        n_repeats=4,
        noise=3.0,
        scope=("neurons", "trials"),
    ),
    Cell("100 natural images", n_neurons=200, n_stimuli=100, natural=True),
    Cell("100 natural images, fixed", n_neurons=200, n_stimuli=100, natural=True, scope=("neurons",)),
    Cell("1,000 natural images", n_neurons=200, n_stimuli=1000, natural=True),
)


def features(cell: Cell, rng: np.random.Generator, n_features: int | None = None) -> np.ndarray:
    """Features of stimuli drawn from a population: independent, or changing smoothly around a circle."""
    n_features = n_features or (60 if cell.natural else 12)
    if cell.natural:
        return rng.standard_normal((cell.n_stimuli, n_features)) / np.sqrt(np.arange(1, n_features + 1))
    if not cell.ordered:
        return rng.standard_normal((cell.n_stimuli, n_features))
    angle = 2 * np.pi * np.arange(cell.n_stimuli)[:, None] / cell.n_stimuli
    harmonics = np.arange(1, 13)
    spectrum = np.exp(-0.5 * (harmonics / 5) ** 2)
    amplitude = rng.standard_normal((2, len(harmonics), n_features)) * spectrum[:, None]
    smooth = np.cos(angle * harmonics) @ amplitude[0] + np.sin(angle * harmonics) @ amplitude[1]
    return smooth / np.sqrt((spectrum**2).sum())


def simulate(cell: Cell, seed: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Models' RDMs, and trials of shape (n_animals, n_repeats, n_stimuli, n_neurons)."""
    fixed = 10**9  # the same in all simulations
    of_stimuli = np.random.default_rng([2023, 0, seed if cell.random_stimuli else fixed])
    of_neurons = np.random.default_rng([2023, 1, seed if cell.random_neurons else fixed])
    rng = np.random.default_rng([2023, 2, seed])
    one, other, extra = (features(cell, of_stimuli) for _ in range(3))
    stranger = features(cell, rng)
    both = np.hstack([one, other])

    def seeds(values: np.ndarray) -> np.ndarray:
        copies = [values + 0.5 * (cell.n_seeds > 1) * features(cell, rng, values.shape[1]) for _ in range(cell.n_seeds)]
        return np.stack([rdm(c) for c in copies])

    noisy = np.hstack([both, cell.ceiling_noise * extra])
    models = {
        "one": seeds(one),
        "other": seeds(other),
        "stranger": seeds(stranger),
        "both": rdm(both),
        "noisy": rdm(noisy),
    }
    if cell.n_sessions > 1:
        return models, sessions(cell, rdm(both), of_neurons, rng)
    signal = simulate_responses(rdm(both), cell.n_neurons, 0.0, of_neurons, n_animals=cell.n_animals)
    shape = cell.n_animals, cell.n_repeats, cell.n_stimuli, cell.n_neurons
    noise = cell.noise * np.exp(cell.unequal * of_neurons.standard_normal((cell.n_animals, 1, 1, 1)))
    return models, signal + noise * rng.standard_normal(shape)


def sessions(cell: Cell, truth: np.ndarray, of_neurons: np.random.Generator, rng: np.random.Generator) -> np.ndarray:
    """Averages of the same neurons in several sessions, each with features of its own: (1, n_sessions, ...)."""
    signal = simulate_responses(truth, cell.n_neurons, 0.0, of_neurons)[0, 0]
    shape = (cell.n_sessions, cell.n_stimuli, cell.n_neurons)
    own = np.stack(
        [features(cell, rng) @ rng.standard_normal((12, cell.n_neurons)) / np.sqrt(12) for _ in range(cell.n_sessions)]
    )
    noise = cell.noise * rng.standard_normal(shape)
    return (signal / signal.std() + cell.session_sd * own + noise)[None]


def arguments(cell: Cell, trials: np.ndarray) -> dict:
    if cell.n_sessions > 1:
        return {"responses": trials[0], "data": np.stack([rdm(session) for session in trials[0]])}
    averages = trials.mean(axis=1)
    if cell.n_animals > 1:
        return {"data": np.stack([rdm(a) for a in averages])}
    if cell.n_repeats > 1:
        return {"repeats": trials[0], "responses": averages[0]}
    return {"responses": averages[0]}


def one_simulation(task: tuple[Cell, int]) -> dict[str, float]:
    cell, seed = task
    models, trials = simulate(cell, seed)
    found = infer(
        models,
        **arguments(cell, trials),
        method=cell.method,
        ordered=cell.ordered,
        generalise_to=cell.scope,
        n_samples=400,
        n_permutations=199,
        seed=seed,
    )
    table = found.models.set_index("model")
    return {
        # on a circle any two codes are alike in that dissimilarity grows with the angle, which permutations find
        "p_chance": table.loc["stranger", "p_shifts" if cell.ordered else "p_permutations"],
        "won": float(table["similarity"].drop("noisy").idxmax() == "both"),
        **estimates(found),
    }


def estimates(found: Inference) -> dict[str, float]:
    """Of one simulation, what intervals and tests of a similarity, a pair and the lower ceiling are."""
    table = found.models.set_index("model")
    pair = found.pairs.set_index(["model", "other"]).loc[("one", "other")]
    low, high = found.ceiling_intervals[0]
    return {
        "p_ceiling": table.loc["noisy", "p_ceiling"],
        "one": table.loc["one", "similarity"],
        "one_low": table.loc["one", "low"],
        "one_high": table.loc["one", "high"],
        "pair": pair["difference"],
        "pair_error": pair["standard_error"],
        "pair_dof": pair["dof"],
        "pair_low": pair["low"],
        "pair_high": pair["high"],
        "ceiling": found.ceiling.lower,
        "ceiling_low": low,
        "ceiling_high": high,
    }


def tuned(cell: Cell, pool: ProcessPoolExecutor, margin: Callable[[tuple[Cell, int]], float], n: int) -> Cell:
    """Find how much noise makes a model, on average over so many simulations, as similar as the lower ceiling."""
    low, high = 0.0, 4.0
    for _ in range(9):
        middle = (low + high) / 2
        trial = replace(cell, ceiling_noise=middle)
        margins = list(pool.map(margin, [(trial, seed + 10**6) for seed in range(n)], chunksize=20))
        low, high = (middle, high) if np.mean(margins) > 0 else (low, middle)
    return replace(cell, ceiling_noise=(low + high) / 2)


def margin(task: tuple[Cell, int]) -> float:
    """How much more similar the noisy model is than the lower ceiling."""
    from normenc.rsa import compare_rdms

    cell, seed = task
    models, trials = simulate(cell, seed)
    given = arguments(cell, trials)
    data = given["data"] if "data" in given else rdm(given["responses"])[None]
    ceiling = noise_ceiling(
        data if len(data) > 1 else None,
        session=np.arange(len(data)) if cell.n_sessions > 1 else None,
        repeats=given.get("repeats"),
        responses=given.get("responses"),
        method=cell.method,
        n_splits=20,
    )
    return float(np.mean(compare_rdms(models["noisy"][None], data, cell.method))) - ceiling.lower


def summary(cell: Cell, rows: pd.DataFrame) -> dict[str, float | str]:
    """One row of the table."""
    difference = 0.0 if cell.random_stimuli else rows["pair"].mean()

    def covered(name: str) -> float:
        truth = difference if name == "pair" else rows[name].mean()
        known = rows.dropna(subset=f"{name}_low")  # two sessions give no interval of the ceiling
        return float(((known[f"{name}_low"] <= truth) & (truth <= known[f"{name}_high"])).mean())

    return {
        "recording": cell.name,
        "type-I, chance": float((rows["p_chance"] <= 0.05).mean()),
        "type-I, pair": 1 - covered("pair"),
        "type-I, ceiling": float((rows["p_ceiling"].dropna() <= 0.05).mean()),
        "coverage, similarity": covered("one"),
        "coverage, difference": covered("pair"),
        "coverage, lower ceiling": covered("ceiling"),
        "power of the oracle's": power(rows["pair"] - rows["pair"].mean(), rows["pair_error"], rows["pair_dof"]),
        "variance of the true one": float((rows["pair_error"] ** 2).mean() / rows["pair"].var()),
        "recovery": float(rows["won"].mean()),
        "similarity": float(rows["one"].mean()),
        "ceiling": float(rows["ceiling"].mean()),
        "simulations": len(rows),
    }


def power(deviation: pd.Series, error: pd.Series, dof: pd.Series) -> float:
    """Share of the oracle's power at the difference that the oracle, which knows the error, finds 8 times in 10."""
    true_error, reach = deviation.std(), stats.norm.ppf(0.975)
    found = deviation + (reach + stats.norm.ppf(0.8)) * true_error
    return float((found.abs() > stats.t.ppf(0.975, dof) * error).mean() / (found.abs() > reach * true_error).mean())


def goals(table: pd.DataFrame) -> str:
    """How many of the table's numbers reach their goals."""
    type_1 = table.filter(like="type-I").to_numpy().ravel()
    coverage = table.filter(like="coverage").to_numpy().ravel()
    inside = np.concatenate([(type_1 >= 0.03) & (type_1 <= 0.07), (coverage >= 0.93) & (coverage <= 0.97)])
    beyond = (type_1 > 0.08).sum() + (coverage < 0.90).sum()
    powerful = (table["power of the oracle's"] >= 0.85).sum()
    n_known = np.isfinite([*type_1, *coverage]).sum()
    return (
        f"{inside.sum()} of {n_known} error rates and coverages within their goal, {beyond} beyond 0.08 or below "
        f"0.90; power at least 0.85 of the oracle's in {powerful} of {len(table)} cells"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--simulations", type=int, default=1000)
    parser.add_argument("--only", default="", help="cells whose name holds this")
    parser.add_argument("--processes", type=int)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    rows = []
    with ProcessPoolExecutor(options.processes) as pool:
        for cell in CELLS:
            if options.only not in cell.name:
                continue
            cell = tuned(cell, pool, margin, 300 if cell.n_stimuli <= 100 else 30)
            tasks = [(cell, seed) for seed in range(options.simulations)]
            rows.append(summary(cell, pd.DataFrame(list(pool.map(one_simulation, tasks, chunksize=5)))))
            print(f"{cell.name}: done", file=sys.stderr, flush=True)
            if options.out:  # after every cell, so that nothing is lost
                pd.DataFrame(rows).to_csv(options.out, index=False, float_format="%.3f")
    print(pd.DataFrame(rows).to_string(index=False, float_format="%.3f"))
    print(goals(pd.DataFrame(rows)))


if __name__ == "__main__":
    main()
