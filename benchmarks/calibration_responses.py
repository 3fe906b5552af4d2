"""Are the statistics of measures of responses calibrated? Simulate recordings whose truth is known, and count.

As calibration.py does for comparisons of RDMs, for :func:`normenc.rsa.infer_representations`: type-I error of the
tests, coverage of the intervals and power, for each measure and some ways of recording. The truth is the mean of an
estimate over all simulations, which differs from what infinitely many neurons and stimuli would give: most measures
are biased with few of either.

A stimulus has two sets of features. Each neuron responds to a random mixture of both, with independent noise. Models
are the features themselves or, for measures that match units, fixed random mixtures of them.

Run with ``python benchmarks/calibration_responses.py [--simulations 300] [--out docs/calibration_responses.csv]``.
"""

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from calibration import Cell, estimates, features, summary, tuned
from normenc.rsa import REPRESENTATION_MEASURES
from normenc.rsa.inference import Inference
from normenc.rsa.representation_evaluating import representation_ceiling
from normenc.rsa.representation_inference import infer_representations
from normenc.rsa.representation_inputs import RepresentationInputs

POWER = "power of the oracle's"
HEADINGS = ("measure", "recording", "chance", "pair", "ceiling", "coverage: similarity")
HEADINGS += ("difference", "lower ceiling", "power", "n")
UNITS = 48  # of a model, for measures that match them
NEURONS = 48
RECORDINGS = {
    "8 animals": {"n_animals": 8},
    "8 animals, fixed stimuli": {"n_animals": 8, "scope": ("animals",)},
    "one animal": {},
    "one animal, fixed stimuli": {"scope": ("neurons",)},
    "one animal, 4 repeats": {"n_repeats": 4, "noise": 2.0},
    "100 natural images": {"n_stimuli": 100, "natural": True},
}
MANY_STIMULI = ("svcca", "pwcca")  # have as many components as neurons, so that they need more stimuli
CELLS = tuple(
    Cell(recording, method=measure, n_neurons=NEURONS, **settings)
    for measure in REPRESENTATION_MEASURES
    if measure != "angular-similarity"  # the same order of models as Bures similarity
    for recording, settings in RECORDINGS.items()
    if measure not in MANY_STIMULI or "n_stimuli" in settings
)


def simulate(cell: Cell, seed: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Responses of models, and trials of shape (n_animals, n_repeats, n_stimuli, n_neurons)."""
    fixed = 10**9  # the same in all simulations
    of_stimuli = np.random.default_rng([2026, 0, seed if cell.random_stimuli else fixed])
    of_neurons = np.random.default_rng([2026, 1, seed if cell.random_neurons else fixed])
    rng = np.random.default_rng([2026, 2, seed])
    one, other, extra = (features(cell, of_stimuli) for _ in range(3))
    both = np.hstack([one, other])
    models = {
        "one": one,
        "other": other,
        "stranger": features(cell, rng),
        "noisy": np.hstack([both, cell.ceiling_noise * extra]),
    }
    if not REPRESENTATION_MEASURES[cell.method].arithmetic.turns:
        models = {name: mixtures(values) for name, values in models.items()}
    weights = of_neurons.standard_normal((cell.n_animals, 1, both.shape[1], cell.n_neurons))
    signal = both @ weights / np.sqrt(np.square(both).sum(axis=1).mean())
    shape = cell.n_animals, cell.n_repeats, cell.n_stimuli, cell.n_neurons
    return models, signal + cell.noise * rng.standard_normal(shape)


def mixtures(values: np.ndarray) -> np.ndarray:
    """Units that mix features; always in the same way."""
    return values @ np.random.default_rng([2026, 3]).standard_normal((values.shape[1], UNITS))


def recorded(cell: Cell, trials: np.ndarray) -> tuple[object, np.ndarray | None]:
    """The responses, of one animal or in a list, and repeats."""
    averages = trials.mean(axis=1)
    return averages[0] if cell.n_animals == 1 else list(averages), trials[0] if cell.n_repeats > 1 else None


def inferred(cell: Cell, seed: int) -> Inference:
    models, trials = simulate(cell, seed)
    responses, repeats = recorded(cell, trials)
    return infer_representations(
        models,
        responses,
        repeats=repeats,
        method=cell.method,
        generalise_to=cell.scope,
        n_samples=100,
        n_permutations=39,  # as exact at 0.05 as more, and what takes longest
        seed=seed,
    )


def one_simulation(task: tuple[Cell, int]) -> dict[str, float]:
    cell, seed = task
    found = inferred(cell, seed)
    table = found.models.set_index("model")
    return {
        "p_chance": table.loc["stranger", "p_permutations"],
        "one_error": table.loc["one", "standard_error"],
        "margin": table.loc["noisy", "similarity"] - found.ceiling.lower,
        "won": np.nan,
        **estimates(found),
    }


def margin(task: tuple[Cell, int]) -> float:
    """How much more similar the noisy model is than the lower ceiling."""
    cell, seed = task
    measure = REPRESENTATION_MEASURES[cell.method]
    models, trials = simulate(cell, seed)
    noisy = {"noisy": models["noisy"]}
    inputs = RepresentationInputs.of_responses(noisy, *recorded(cell, trials), measure, (None, None), seed)
    once = np.ones((1, cell.n_stimuli), dtype=np.int64)
    similarity = [measure.arithmetic.samples(inputs.responses, own, once, None)[0, 0] for own in inputs.recorded]
    return float(np.mean(similarity)) - representation_ceiling(inputs, measure, seed).lower


def row_of(cell: Cell, rows: pd.DataFrame) -> dict[str, float | str]:
    """One row of the table; without the test against the ceiling where no model is, on average, as similar."""
    own = summary(cell, rows)
    if not abs(rows["margin"].mean()) < 0.2 * rows["margin"].std():
        own["type-I, ceiling"] = np.nan
    kept = ["type-I, chance", "type-I, pair", "type-I, ceiling"]
    kept += ["coverage, similarity", "coverage, difference", "coverage, lower ceiling", POWER]
    return {
        "measure": cell.method,
        "recording": cell.name,
        **{name: own[name] for name in kept},
        "variance of the true one, similarity": (rows["one_error"] ** 2).mean() / rows["one"].var(),
        "variance of the true one, difference": own["variance of the true one"],
        "similarity": own["similarity"],
        "ceiling": own["ceiling"],
        "simulations": len(rows),
        "simulations, ceiling": int(rows["ceiling_low"].notna().sum()),
    }


def page_table(table: pd.DataFrame) -> str:
    """The table of docs/calibration.md; in italics what is outside its goal beyond the chance of so few simulations."""
    lines = [f"| {' | '.join(HEADINGS)} |", "|---" * len(HEADINGS) + "|"]
    for row in table.to_dict("records"):
        numbers = [_shown(name, row) for name in table if name.startswith(("type-I", "coverage"))]
        n, of_ceilings = row["simulations"], row["simulations, ceiling"]
        count = f"{n}" if of_ceilings == n else f"{n}; {of_ceilings}"
        cells = [f"`{row['measure']}`", row["recording"], *numbers, f"{row[POWER]:.2f}", count]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _shown(name: str, row: dict[str, float]) -> str:
    value, n = row[name], row["simulations, ceiling" if "ceiling" in name else "simulations"]
    if np.isnan(value):
        return "–"
    low, high = (0.03, 0.07) if name.startswith("type-I") else (0.93, 0.97)
    known = stats.binomtest(round(value * n), n).proportion_ci(method="wilson")
    return f"*{value:.3f}*" if known.low > high or known.high < low else f"{value:.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--simulations", type=int, default=300)
    parser.add_argument("--only", default="", help="cells whose measure and recording hold this")
    parser.add_argument("--processes", type=int)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--table", type=Path, help="print the page's table of these results instead")
    options = parser.parse_args()
    if options.table:
        print(page_table(pd.read_csv(options.table)))
        return
    rows = []
    with ProcessPoolExecutor(options.processes) as pool:
        for cell in CELLS:
            if options.only not in f"{cell.method}, {cell.name}":
                continue
            cell = tuned(cell, pool, margin, 100)
            tasks = [(cell, seed) for seed in range(options.simulations)]
            rows.append(row_of(cell, pd.DataFrame(list(pool.map(one_simulation, tasks, chunksize=5)))))
            print(f"{cell.method}, {cell.name}: done", file=sys.stderr, flush=True)
            if options.out:  # after every cell, so that nothing is lost
                pd.DataFrame(rows).to_csv(options.out, index=False, float_format="%.3f")
    print(pd.DataFrame(rows).to_string(index=False, float_format="%.3f"))


if __name__ == "__main__":
    main()
