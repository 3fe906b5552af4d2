"""Is predicted power right where few neurons carry most of the signal? Predict it from pilots, simulate, and count.

From each candidate of ``benchmarks/identification.py`` recordings are simulated neuron by neuron and trial by trial,
whose neurons have log-normal strengths of signal. Realised are the shares of recordings that name the true candidate,
and of paired tests (0.05) that find it more similar than another one. Predicted is what ``normenc power`` says, given
a single pilot recording of 200 neurons and 4 trials, of as much data as the pilot has, of more trials and of more
neurons. With ``--leads``, how far the probability of a lead, which ``normenc design`` chooses stimuli by, is from that
of simulated recordings.

Run with ``python benchmarks/power.py [--recordings 200] [--nested 10] [--leads 10000]``.
"""

import argparse
from dataclasses import replace
from itertools import product

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm

from identification import N_STIMULI, Cell, candidates, trials_of
from normenc.recordings import Recording
from normenc.rsa import compare_rdms, discriminability, rdm, simulate_responses
from normenc.rsa.against import against_others
from normenc.rsa.unequal_neurons import UnequalNeurons
from normenc.rsa.unequal_stimuli import UnequalStimuli
from normenc.study.population_like import populations_like
from normenc.study.power_simulation import simulate_power
from normenc.study.sections import PowerSettings

Floats = npt.NDArray[np.float64]
PILOTS = [Cell(200, 5, 4, gains=spread) for spread in (0.0, 0.7, 1.0)]
AMOUNTS = ((200, 4), (200, 16), (400, 4))  # neurons and trials
N_SAMPLES, ALPHA = 100, 0.05
EQUAL = UnequalStimuli.equal(N_STIMULI)
ORIENTATION = np.arange(-90, 90, 180 / N_STIMULI)


def realised(models: dict[str, Floats], cell: Cell, truth: str, n: int) -> tuple[float, float]:
    """How often the truth is named, and how often a paired test finds it."""
    rng = np.random.default_rng([1, list(models).index(truth)])
    named, found = [], []
    for seed in range(n):
        averages = trials_of(models[truth], cell, EQUAL, rng).mean(axis=0)
        similarity, pairs = against_others(
            models, truth, responses=averages, ordered=True, n_samples=N_SAMPLES, seed=seed
        )
        named.append(similarity.idxmax() == truth)
        found.append(((pairs["p"] <= ALPHA) & (pairs["difference"] > 0)).mean())
    return float(np.mean(named)), float(np.mean(found))


def predicted(
    models: dict[str, Floats], pilot: Cell, amount: tuple[int, int], truth: str, n: int
) -> list[tuple[float, float]]:
    """The same from each of so many pilots."""
    rng, found = np.random.default_rng([5, list(models).index(truth)]), []
    for seed in range(n):
        trials = trials_of(models[truth], pilot, EQUAL, rng).reshape(-1, pilot.n_neurons)
        recording = Recording.from_trials("pilot", trials, orientation=np.tile(ORIENTATION, pilot.n_repeats))
        like = populations_like(recording, {truth: models[truth]}, "power", None)
        settings = PowerSettings(
            n_neurons=[amount[0]],
            n_animals=[1],
            n_repeats=[amount[1]],
            n_simulations=20,
            n_samples=N_SAMPLES,
            seed=seed,
        )
        own = simulate_power(
            {N_STIMULI: models}, {N_STIMULI: like.of}, settings, ordered=[N_STIMULI], workers=1, progress=False
        )
        found.append((own.recovery["recovered"].mean(), own.pairs["power"].mean()))
    return found


def outcomes(n_recordings: int, n_nested: int) -> pd.DataFrame:
    """A row for each pilot and amount of data."""
    models, rows = candidates(), []
    for pilot in PILOTS:
        for amount in AMOUNTS:
            cell = replace(pilot, n_neurons=amount[0], n_repeats=amount[1])
            real = np.mean([realised(models, cell, truth, n_recordings) for truth in models], axis=0)
            own = np.array([predicted(models, pilot, amount, truth, n_nested) for truth in models]).mean(axis=0)
            known = {"log-sd of strengths": pilot.gains, "neurons": amount[0], "trials": amount[1]}
            names = ("named", "named, predicted", "power", "power, predicted")
            shares = (real[0], own[:, 0].mean(), real[1], own[:, 1].mean())
            rows.append(known | {name: f"{100 * share:.0f}" for name, share in zip(names, shares, strict=True)})
            print(rows[-1], flush=True)
    return pd.DataFrame(rows)


def log_normal(n: int, spread: float) -> Floats:
    """Variances of neurons, of mean 1, at even quantiles."""
    variances = np.exp(spread * norm.ppf((np.arange(n) + 0.5) / n))
    return np.asarray(variances / variances.mean())


def leads(n_simulations: int) -> pd.DataFrame:
    """How far the probability of a lead is from the share of simulated recordings in which the truth leads."""
    rng, rows = np.random.default_rng(0), []
    patterns = rng.normal(size=(12, 12))
    models = {"first": rdm(patterns), "near": rdm(patterns + 0.5 * rng.normal(size=(12, 12)))}
    models["part"] = rdm(patterns[:, :5])
    for n, spread, noisy, noise in product((20, 60), (0.0, 1.4), (False, True), (0.5, 2, 8)):
        if noisy and not spread:
            continue
        gains = log_normal(n, spread)
        noises = gains if noisy else np.ones(n)
        few = round(n**2 / np.square(gains).sum())
        known = {"equal": UnequalNeurons(n, n, n), "unequal": UnequalNeurons(few, few if noisy else n, few)}
        expected = {name: discriminability(models, n_neurons=own, noise=noise) for name, own in known.items()}
        apart: dict[str, list[float]] = {name: [] for name in known}
        for truth in models:
            signal = np.sqrt(gains) * simulate_responses(models[truth], n, 0.0, rng, n_animals=n_simulations)[:, 0]
            patterns = signal + noise * np.sqrt(noises) * rng.normal(size=signal.shape)
            patterns -= patterns.mean(axis=-1, keepdims=True)
            patterns /= np.linalg.norm(patterns, axis=-1, keepdims=True)
            drawn = 1 - patterns @ patterns.swapaxes(-1, -2)
            found = {name: compare_rdms(drawn, own) for name, own in models.items()}
            for rival in set(models) - {truth}:
                share = np.mean(found[truth] > found[rival])
                for name, own in expected.items():
                    apart[name].append(abs(share - norm.cdf(own.loc[truth, rival])))
        most = {f"off by, as {name}": f"{100 * max(own):.1f}" for name, own in apart.items()}
        rows.append({"neurons": n, "as equal ones": few, "noise unequal": noisy, "noise": noise} | most)
        print(rows[-1], flush=True)
    return pd.DataFrame(rows)


def main() -> None:
    """Run, and print tables in percent."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recordings", type=int, default=200, help="that are counted, of each candidate")
    parser.add_argument("--nested", type=int, default=10, help="pilots, of each candidate")
    parser.add_argument("--leads", type=int, help="simulated recordings of each candidate, for the leads alone")
    options = parser.parse_args()
    found = leads(options.leads) if options.leads else outcomes(options.recordings, options.nested)
    print(found.to_string(index=False))


if __name__ == "__main__":
    main()
