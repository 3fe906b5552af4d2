"""Is a predicted identification rate right? Simulate recordings whose truth is known, predict from each, and count.

Every cell of the table is a way of recording. From each of four candidates recordings are simulated neuron by neuron
and trial by trial. Realised is how often the most similar candidate is the true one. Predicted is what
`normenc.rsa.identification` says, given a single one of these recordings, whose noise and neurons it estimates from
the trials or, of averages, from halves of the neurons. Candidates are Gabor energy, the Fourier amplitude, and
populations tuned to orientation with two widths, for 24 orientations.

Run with ``python benchmarks/identification.py [--recordings 1000] [--nested 12] [--cells 0 1] [--write FILE.csv]``;
with ``--short`` it trains the networks of the default run instead, and times what a run says in short.
"""

import argparse
import statistics
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from normenc import controls, stimuli
from normenc.errors import InputError
from normenc.representations import represent
from normenc.rsa import compare_rdms, identification, rdm, simulate_responses
from normenc.rsa.likeness import NeuronProducts, like_averages, like_trials
from normenc.rsa.single_trials import trial_noise
from normenc.rsa.unequal_stimuli import StimulusVariances, UnequalStimuli, patterns
from normenc.study import Study, prepare
from normenc.study import represented as encoders
from normenc.study.identifying import identified_in_short

Floats = npt.NDArray[np.float64]
N_STIMULI = 24


@dataclass(frozen=True)
class Cell:
    """A way of recording; spreads are standard deviations of logarithms over neurons."""

    n_neurons: int
    noise: float
    n_repeats: int
    gains: float = 0.0
    noises: float = 0.0
    shared: float = 0.0  # part of the noise variance that all neurons have in common, with loadings of their own
    strengths: float = 0.0  # of stimuli, as of neurons; those of a recording are drawn anew for each truth
    stimulus_noises: float = 0.0  # likewise
    measure: str = "pearson"

    @property
    def name(self) -> str:
        """What neurons differ in."""
        parts = [
            *["gain"] * (self.gains > 0),
            *["noise"] * (self.noises > 0),
            *[f"{self.shared:.0%} of the noise shared"] * (self.shared > 0),
        ]
        return "unequal " + " and ".join(parts) if parts else "equal"

    @property
    def stimuli(self) -> str:
        """What stimuli differ in."""
        parts = [
            *[f"strength ({self.strengths:g})"] * (self.strengths > 0),
            *[f"noise ({self.stimulus_noises:g})"] * (self.stimulus_noises > 0),
        ]
        return "unequal " + " and ".join(parts) if parts else "equal"


CELLS = (
    Cell(50, 1, 2),
    Cell(50, 3, 4),
    Cell(50, 6, 10),
    Cell(200, 3, 2),
    Cell(200, 6, 4),
    Cell(200, 6, 10),
    Cell(1000, 6, 2),
    Cell(1000, 10, 10),
    Cell(200, 6, 4, measure="spearman"),
    Cell(200, 6, 4, measure="whitened-correlation"),
    Cell(50, 3, 4, gains=0.7),
    Cell(200, 3, 4, gains=0.7),
    Cell(200, 4, 10, gains=1.0),
    Cell(200, 6, 4, noises=0.7),
    Cell(200, 4, 4, gains=0.7, noises=0.7),
    Cell(1000, 8, 4, gains=0.7, noises=0.7),
    Cell(200, 4, 4, shared=0.05),
    Cell(200, 4, 4, shared=0.2),
    Cell(200, 3, 4, strengths=0.5),
    Cell(200, 3, 4, strengths=1.0),
    Cell(200, 2, 10, strengths=1.5),
    Cell(1000, 6, 4, strengths=1.0),
    Cell(200, 3, 4, stimulus_noises=0.7),
    Cell(200, 3, 4, strengths=1.0, stimulus_noises=0.7),
    Cell(200, 3, 4, gains=0.7, strengths=1.0),
    Cell(200, 3, 4, strengths=1.0, measure="spearman"),
)


def candidates() -> dict[str, Floats]:
    """Correlation RDMs."""
    orientation = np.arange(-90, 90, 180 / N_STIMULI)
    images = stimuli.gratings(orientation, resolution=0.1)
    apart = np.radians(2 * (orientation[:, None] - np.arange(-90, 90, 1)))
    return {
        "Gabor energy": rdm(represent(controls.gabor_energy, images)["energy"]),
        "Fourier amplitude": rdm(represent(controls.fourier_amplitude, images)["amplitude"]),
        "tuned widely": rdm(np.exp(2 * np.cos(apart)) + 0.2 * np.cos(2 * apart)),
        "tuned narrowly": rdm(np.exp(6 * np.cos(apart))),
    }


def unequal(cell: Cell, rng: np.random.Generator) -> UnequalStimuli:
    """How strongly and how noisily stimuli drive neurons."""
    return UnequalStimuli.relative(
        *(np.exp(sd * rng.standard_normal(N_STIMULI)) for sd in (cell.strengths, cell.stimulus_noises))
    )


def trials_of(own: Floats, cell: Cell, stimuli: UnequalStimuli, rng: np.random.Generator) -> Floats:
    """Single trials, shape (n_repeats, n_stimuli, n_neurons)."""
    gains, noises = (np.exp(sd * rng.standard_normal(cell.n_neurons)) for sd in (cell.gains, cell.noises))
    gains, noises = gains / np.sqrt(np.square(gains).mean()), noises / np.sqrt(np.square(noises).mean())
    signal = gains * simulate_responses(own, cell.n_neurons, 0.0, rng, stimuli=stimuli)[0]
    shape = (cell.n_repeats, len(own), cell.n_neurons)
    noise = np.sqrt(1 - cell.shared) * rng.standard_normal(shape)
    if cell.shared:
        noise += np.sqrt(cell.shared) * rng.standard_normal((*shape[:2], 1)) * rng.standard_normal(cell.n_neurons)
    return np.asarray(signal + cell.noise * noises * stimuli.noise[:, None] * noise)


def realised(
    models: dict[str, Floats], cell: Cell, truth: str, stimuli: UnequalStimuli, n: int, rng: np.random.Generator
) -> float:
    """How often the truth is the most similar candidate."""
    drawn = [rdm(trials_of(models[truth], cell, stimuli, rng).mean(axis=0)) for _ in range(n)]
    similarity = compare_rdms(np.stack(drawn), np.stack(list(models.values())), cell.measure)
    ties = similarity >= similarity.max(axis=1, keepdims=True) - 1e-9  # are broken at random
    return float((ties[:, list(models).index(truth)] / ties.sum(axis=1)).mean())


def predicted(models: dict[str, Floats], cell: Cell, trials: Floats, source: str, seed: int) -> pd.Series:
    """Rates of every candidate, from one recording."""
    if source == "trials":
        flat, index = trials.reshape(-1, cell.n_neurons), np.tile(np.arange(N_STIMULI), cell.n_repeats)
        noise, averages = trial_noise(patterns(flat, "correlation"), index)
        products = NeuronProducts.of(averages, "correlation")
        found = StimulusVariances.of_trials(flat, index, noise.n_independent)
        like = {name: like_trials(own, products, noise, stimuli=found) for name, own in models.items()}
    else:
        averages = trials.mean(axis=0)
        found, products = StimulusVariances.of(averages), NeuronProducts.of(averages, "correlation")
        like = {name: like_averages(own, products, stimuli=found) for name, own in models.items()}
    answer = identification(
        models,
        n_neurons={name: own.n_neurons for name, own in like.items()},
        noise={name: own.noise for name, own in like.items()},
        stimuli={name: own.stimuli for name, own in like.items() if own.stimuli},
        measures=[cell.measure],
        n_simulations=200,
        seed=seed,
    )
    return pd.Series({name: answer.rate(cell.measure, name).rate for name in models})


def outcomes(n_recordings: int, n_nested: int, cells: list[int], seed: int) -> pd.DataFrame:
    """A row for each cell and source of the noise."""
    models, rows = candidates(), []
    for number in cells:
        cell = CELLS[number]
        real, own, every = {}, {"trials": [], "neurons": []}, {"trials": [], "neurons": []}
        refused = dict.fromkeys(own, 0)
        for place, truth in enumerate(models):
            rng = np.random.default_rng([number, place, seed])
            stimuli = unequal(cell, rng)
            real[truth] = realised(models, cell, truth, stimuli, n_recordings, rng)
            for nested in range(n_nested):
                trials = trials_of(models[truth], cell, stimuli, rng)
                for source in own:
                    try:
                        rates = predicted(models, cell, trials, source, nested)
                    except InputError:
                        refused[source] += 1
                        continue
                    own[source].append((truth, rates[truth]))
                    every[source].append(rates.mean())
        for source, pairs in own.items():
            of_truth = pd.DataFrame(pairs, columns=["truth", "rate"]).groupby("truth")["rate"]
            rows.append(
                {
                    "neurons": cell.n_neurons,
                    "noise of a trial": cell.noise,
                    "trials": cell.n_repeats,
                    "neurons are": cell.name,
                    "stimuli are": cell.stimuli,
                    "measure": cell.measure,
                    "noise from": source,
                    "realised": np.mean(list(real.values())),
                    "predicted": of_truth.mean().mean(),
                    "sd": of_truth.std().mean(),
                    "all candidates": np.mean(every[source]),
                    "refused": refused[source] / (n_nested * len(models)),
                    "largest": (of_truth.mean() - pd.Series(real)).abs().max(),
                }
            )
            print({key: round(own, 3) if isinstance(own, float) else own for key, own in rows[-1].items()}, flush=True)
    return pd.DataFrame(rows)


def table(found: pd.DataFrame) -> str:
    """The table as Markdown, in percent."""
    shares = ["realised", "predicted", "sd", "all candidates", "refused", "largest"]
    rounded = found.assign(**{name: [f"{100 * own:.0f}" for own in found[name]] for name in shares})
    lines = [" | ".join(rounded.columns), " | ".join(["---"] * rounded.shape[1])]
    return "\n".join(f"| {line} |" for line in [*lines, *(" | ".join(map(str, row)) for row in rounded.to_numpy())])


def short_form(rounds: int = 5) -> None:
    """Print the median seconds of the short form in the default run, by its own measure and by one that sorts."""
    represented = encoders.represent(prepare(Study()), progress=False)
    for method in ("pearson", "spearman"):
        prepared = represented.prepared
        comparison = prepared.study.comparison.model_copy(update={"method": method})
        study = prepared.study.model_copy(update={"comparison": comparison})
        own = replace(represented, prepared=replace(prepared, study=study))
        seconds, cpu = [], []
        for _ in range(rounds):
            start, start_of_cpu = time.perf_counter(), time.process_time()
            said = identified_in_short(own)
            seconds.append(time.perf_counter() - start)
            cpu.append(time.process_time() - start_of_cpu)
        assert said is not None and said.found is not None
        print(
            f"{method}: {statistics.median(seconds):.1f} s ({min(seconds):.1f} to {max(seconds):.1f}), "
            f"{statistics.median(cpu):.1f} CPU s, {said.facts['n_simulations']} recordings of {len(own.firsts)} "
            "encoders"
        )


def main() -> None:
    """Run, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recordings", type=int, default=1000, help="that are counted, of each candidate and cell")
    parser.add_argument("--nested", type=int, default=12, help="from which rates are predicted")
    parser.add_argument("--write", type=Path, help="a CSV file")
    parser.add_argument("--cells", type=int, nargs="+", help="their numbers from 0 on; all by default")
    parser.add_argument("--seed", type=int, default=0, help="of all random numbers")
    parser.add_argument("--short", action="store_true", help="time the short form of the default run instead")
    options = parser.parse_args()
    if options.short:
        short_form()
        return
    found = outcomes(options.recordings, options.nested, options.cells or list(range(len(CELLS))), options.seed)
    if options.write:
        found.to_csv(options.write, index=False)
    print(table(found))


if __name__ == "__main__":
    main()
