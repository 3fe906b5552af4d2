"""Recordings simulated from candidates' RDMs, and how often the right candidate is found."""

import pickle
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from scipy.spatial.distance import squareform

from normenc import rsa
from normenc.errors import InputError
from normenc.progress import ProgressCallback, Stage, reporting, stage
from normenc.rsa.against import against_others
from normenc.rsa.candidates import same_rdms
from normenc.rsa.measures import Measure, Method, as_measure
from normenc.rsa.pairs import upper
from normenc.rsa.unequal_neurons import UnequalNeurons
from normenc.rsa.wishart import SimulatedRdms
from normenc.showing import Listed
from normenc.study.processes import processes
from normenc.study.sections import PowerSettings
from normenc.study.simulated_populations import Population
from normenc.study.sweep import Failure

__all__ = ["AMOUNTS", "Power", "distinct", "simulate_power"]

AMOUNTS = ["n_stimuli", "n_neurons", "n_animals", "n_repeats"]
ALPHA = 0.05


@dataclass(frozen=True, repr=False)
class Power(Listed):
    """What :func:`power` found.

    Attributes
    ----------
    recovery : DataFrame
        As in ``power.csv``, a row for each generating model and amount of data: ``generating``, ``n_stimuli``,
        ``n_neurons``, ``n_animals``, ``n_repeats``, ``noise``, ``n_simulations``, ``recovered`` (how often it is best).
    pairs : DataFrame
        As in ``power_pairs.csv``: the same, with ``other`` and ``power``: how often the paired test finds, at 0.05 and
        uncorrected, that the generating model is more similar than the other.
    folder : Path or None
        Where it was written.
    failures : tuple of Failure
        Networks and layers that are not candidates, and why.
    skipped : dict of str to str
        Controls that are not candidates, and why.
    same : dict of str to str
        Candidates that were left out because another one has the same RDM, and that other one.
    noise_from : str
        Where the noise, and how unequal neurons and stimuli are, is from.
    notes : tuple of str
        What was assumed of the simulated recordings.
    """

    TABLE: ClassVar = "recovery"

    recovery: pd.DataFrame
    pairs: pd.DataFrame
    folder: Path | None = None
    failures: tuple[Failure, ...] = ()
    skipped: dict[str, str] = field(default_factory=dict)
    same: dict[str, str] = field(default_factory=dict)
    noise_from: str = "the settings"
    notes: tuple[str, ...] = ()

    @property
    def weakest(self) -> pd.DataFrame:
        """The row of `pairs` with the smallest power, for each amount of data; the first of several."""
        return self.pairs.loc[self.pairs.groupby(AMOUNTS)["power"].idxmin()].reset_index(drop=True)


def distinct(candidates: Mapping[int, Mapping[str, Any]]) -> tuple[dict[int, dict[str, Any]], dict[str, str]]:
    """Candidates with different RDMs, and of each of the others the one that has the same, for all numbers of stimuli.

    Examples
    --------
    >>> pool, pixels = 1 - np.eye(3), np.ones((3, 3))
    >>> kept, same = distinct({3: {"pool": pool, "pixels": pixels, "flatten": pool}})
    >>> list(kept[3]), same
    (['pool', 'pixels'], {'flatten': 'pool'})
    """
    kept: list[str] = []
    same: dict[str, str] = {}
    for label in next(iter(candidates.values()), {}):
        twin = next((other for other in kept if _are_same(candidates, label, other)), None)
        if twin is None:
            kept.append(label)
        else:
            same[label] = twin
    return {n: {label: rdms[label] for label in kept} for n, rdms in candidates.items()}, same


def _are_same(candidates: Mapping[int, Mapping[str, Any]], label: str, other: str) -> bool:
    return all(same_rdms(rdms[label], rdms[other]) for rdms in candidates.values())


def simulate_power(
    candidates: Mapping[int, Mapping[str, Any]],
    populations: Mapping[int, Mapping[str, Population]],
    settings: PowerSettings,
    *,
    method: Method = "pearson",
    ordered: Collection[int] = (),
    workers: int | None = None,
    progress: bool | ProgressCallback = True,
) -> Power:
    """Simulate recordings from candidates' RDMs for every amount of data.

    Parameters
    ----------
    candidates : mapping of int to mapping of str to array_like
        Correlation RDMs by label, (n_stimuli, n_stimuli) or (n_seeds, n_stimuli, n_stimuli), for each number of
        stimuli; the same labels for each. Recordings are simulated from the mean over seeds.
    populations : mapping of int to mapping of str to Population
        Neurons that represent each candidate from which recordings are simulated, for each number of stimuli.
    settings : PowerSettings
        With all amounts of data.
    method : str, Measure or callable
        A function must be one that other processes can import, if there are several.
    ordered : collection of int
        The numbers of stimuli that lie in order on a circle.
    workers : int, optional
    progress : bool or callable

    Returns
    -------
    Power
    """
    measure = as_measure(method)
    if workers != 1:
        _check_importable(measure)
    amounts = list(product(candidates, settings.n_neurons or [], settings.n_animals or [], settings.n_repeats or []))
    tasks = [
        _Task(label, populations[amount[0]][label], amount, settings, measure, amount[0] in ordered, index)
        for index, (amount, label) in enumerate((a, label) for a in amounts for label in populations[a[0]])
    ]
    rows: list[dict[str, Any]] = []
    pairs: list[dict[str, Any]] = []
    with reporting(progress) as progress, stage(progress, "simulating", len(tasks)) as counted:
        simulate = _Simulate({n: dict(rdms) for n, rdms in candidates.items()})
        if workers == 1:
            _collect(map(simulate, tasks), rows, pairs, counted)
        else:
            with processes(simulate, workers) as results_of:
                _collect(results_of(tasks), rows, pairs, counted)
    return Power(pd.DataFrame(rows), pd.DataFrame(pairs))


def _check_importable(measure: Measure) -> None:
    """Raise InputError where other processes could not compare by a measure."""
    try:
        pickle.dumps(measure)
    except (AttributeError, TypeError, pickle.PicklingError):
        raise InputError(
            f"the measure {measure.name!r} is made of a function that other processes cannot import; define it in a "
            "module, or use a single process"
        ) from None


@dataclass(frozen=True)
class _Task:
    """One generating model and amount of data."""

    generating: str
    population: Population
    amount: tuple[int, int, int, int]
    settings: PowerSettings
    measure: Measure
    ordered: bool
    index: int

    @property
    def neurons(self) -> list[UnequalNeurons]:
        """Of each animal."""
        return self.population.neurons(*self.amount[1:3])

    @property
    def noises(self) -> list[float]:
        """Of a trial of each animal."""
        return self.population.noises_of(self.amount[2])

    def recording(self, truth: Any, simulation: int) -> dict[str, Any]:
        """RDMs of several animals, or the responses of one, as :func:`normenc.rsa.infer` takes them."""
        rng = np.random.default_rng([self.settings.seed, 7, self.index, simulation])
        # The mean of so many trials, of independent noise, is one trial of less noise.
        of_means = [noise / np.sqrt(self.amount[3]) for noise in self.noises]
        animals, stimuli = list(zip(self.neurons, of_means, strict=True)), self.population.stimuli
        if len(animals) == 1:
            return {"responses": rsa.simulate_responses(truth, *animals[0], rng, stimuli=stimuli)[0, 0]}
        drawn = [SimulatedRdms(truth, *own, stimuli=stimuli).draw(1, rng)[0] for own in animals]
        return {"data": np.stack([squareform(own) for own in drawn])}


@dataclass(frozen=True)
class _Simulate:
    """Simulates the recordings of a task; candidates are RDMs by label for each number of stimuli."""

    candidates: dict[int, dict[str, Any]]

    def __call__(self, task: _Task) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The row of ``power.csv``, and those of ``power_pairs.csv``."""
        models = self.candidates[task.amount[0]]
        truth = _stack(models[task.generating]).mean(axis=0)
        better = dict.fromkeys((label for label in models if label != task.generating), 0)
        for simulation in range(task.settings.n_simulations):
            pairs = against_others(
                models,
                task.generating,
                **task.recording(truth, simulation),
                method=task.measure,
                ordered=task.ordered,
                n_samples=task.settings.n_samples,
                seed=simulation,
            )[1]
            for other in pairs.loc[(pairs["p"] <= ALPHA) & (pairs["difference"] > 0), "other"]:
                better[other] += 1
        facts = {
            "generating": task.generating,
            **dict(zip(AMOUNTS, task.amount, strict=True)),
            "noise": task.population.noise,
        }
        facts["n_simulations"] = total = task.settings.n_simulations
        return facts | {"recovered": self._recovered(task)}, [
            facts | {"other": o, "power": n / total} for o, n in better.items()
        ]

    def _recovered(self, task: _Task) -> float:
        """How often the generating model is named; of several with its RDM, each as often."""
        models = self.candidates[task.amount[0]]
        known = {
            name: rdm
            for name, rdm in models.items()
            if not any(task.measure.is_undefined(own) for own in upper(_stack(rdm)))
        }
        if task.generating not in known:
            return 0.0
        same = [name for name, rdm in known.items() if same_rdms(rdm, known[task.generating])]
        if len(same) == len(known):
            return 1 / len(same)
        found = rsa.identification(
            {name: rdm for name, rdm in known.items() if name not in same[1:]},
            n_neurons=task.neurons,
            noise=task.noises,
            n_repeats=task.amount[3],
            n_animals=len(task.neurons),
            measures=[task.measure],
            n_simulations=task.settings.n_simulations,
            simulate=same[:1],
            stimuli=task.population.stimuli,
            seed=task.settings.seed + task.index,
        )
        return found.rate(task.measure.name, same[0]).rate / len(same)


def _stack(rdms: Any) -> Any:
    """Of seeds, shape (n_seeds, n_stimuli, n_stimuli)."""
    values = np.asarray(rdms, dtype=np.float64)
    return values if values.ndim == 3 else values[None]


def _collect(results: Any, rows: list[dict[str, Any]], pairs: list[dict[str, Any]], counted: Stage) -> None:
    for row, own_pairs in results:
        rows.append(row)
        pairs.extend(own_pairs)
        counted.step()
