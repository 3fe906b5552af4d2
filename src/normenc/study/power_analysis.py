"""How much data does it take: simulate recordings from every candidate, and see whether the right one is found."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from normenc import figures, rsa
from normenc.errors import InputError
from normenc.rsa.neurons import MIN_NEURONS
from normenc.study.representing import Prepared, prepare, represent_all
from normenc.study.sections import PowerSettings
from normenc.study.settings import Study
from normenc.study.store import check_free, staged
from normenc.study.sweep import Tell
from normenc.training import resolve_device

__all__ = ["Power", "power", "simulate_power"]

Floats = npt.NDArray[np.float64]
ALPHA = 0.05
NOISE_STEPS = 8  # halvings of the range in which the noise is looked for
NOISE_SIMULATIONS = 4
MAX_NOISE = 20.0


@dataclass(frozen=True)
class Power:
    """What :func:`power` found.

    Attributes
    ----------
    recovery : DataFrame
        As in ``power.csv``: one row a generating model and amount of data: ``generating``, ``n_stimuli``,
        ``n_neurons``, ``n_animals``, ``n_repeats``, ``noise``, ``n_simulations``, ``recovered`` (how often the
        generating model is the most similar of all).
    pairs : DataFrame
        As in ``power_pairs.csv``: the same, with ``other`` and ``power``: how often the paired test finds, at 0.05 and
        uncorrected, that the generating model is more similar than the other.
    folder : Path or None
        Where it was written.
    """

    recovery: pd.DataFrame
    pairs: pd.DataFrame
    folder: Path | None = None


def power(
    study: Study | None = None,
    out: str | Path | None = None,
    *,
    device: str = "auto",
    n_jobs: int | None = None,
    progress: bool | Tell = True,
    tick: Callable[[int, int], None] | None = None,
) -> Power:
    """Simulate recordings from each of a study's candidates, and see how often the right one is found.

    Candidates are the trained network's layers, their untrained twins and the controls. How noisy a recording is
    follows from the study's own, whose RDMs of halves of the neurons are as similar as the simulated one's shall be,
    or from ``power.noise``.

    Parameters
    ----------
    study : Study, optional
        Its section ``[power]`` says what to try.
    out : str or Path, optional
        A new folder for ``power.csv``, ``power_pairs.csv``, ``study.toml`` and a heat map,
        ``runs/<study>-<recording>-power`` by default.
    device : str
        Where to train.
    n_jobs : int, optional
        Processes; one a core by default.
    progress : bool or callable
        Of the training, see :func:`normenc.training.train`.
    tick : callable, optional
        Is given (done, all) after every amount of data.

    Returns
    -------
    Power

    Raises
    ------
    InputError
        When the noise is neither stated nor follows from the recording, or more stimuli are asked for than it has.
    """
    study = study or Study()
    target = resolve_device(device)
    if out is not None:
        check_free(Path(out))
    prepared = prepare(study)
    folder = Path(out) if out is not None else Path("runs") / f"{study.name}-{prepared.recording.name}-power"
    check_free(folder)
    _check(prepared)
    _, _, representations = represent_all(prepared, device=target.type, workers=n_jobs or 1, progress=progress)
    candidates = {r.label: r.rdm for r in reversed(representations)}
    candidates = {label: candidates[label] for label in dict.fromkeys(r.label for r in representations)}
    noise = dict.fromkeys(candidates, study.power.noise)
    if study.power.noise is None:
        responses = prepared.recording.responses
        assert responses is not None
        noise = {
            label: matching_noise(rdm, responses.to_numpy(), study.power.seed) for label, rdm in candidates.items()
        }
    found = simulate_power(
        candidates,
        noise,
        study.power,
        method=study.comparison.method,
        ordered=prepared.recording.has_neighbours,
        n_jobs=n_jobs,
        tick=tick,
    )
    with staged(folder) as stage:
        (stage / "study.toml").write_text(study.to_toml(), encoding="utf-8")
        for table, name in ((found.recovery, "power.csv"), (found.pairs, "power_pairs.csv")):
            table.to_csv(stage / name, index=False, float_format="%.9g", lineterminator="\n")
        figures.save(figures.power_map(found.recovery), stage, "power")
    return Power(found.recovery, found.pairs, folder)


def simulate_power(
    candidates: Mapping[str, Any],
    noise: Mapping[str, float | None],
    settings: PowerSettings,
    *,
    method: str = "pearson",
    ordered: bool = False,
    n_jobs: int | None = None,
    tick: Callable[[int, int], None] | None = None,
) -> Power:
    """Simulate recordings from candidates' RDMs for every amount of data.

    Parameters
    ----------
    candidates : mapping of str to array_like, shape (n_stimuli, n_stimuli)
        Correlation RDMs; fewer stimuli are taken evenly from theirs.
    noise : mapping of str to float
        Of each candidate's recordings: standard deviation of a trial's noise, see
        :func:`normenc.rsa.simulate_responses`.
    settings : PowerSettings
    method : str
    ordered : bool
        Whether the stimuli lie in order on a circle.
    n_jobs : int, optional
    tick : callable, optional

    Returns
    -------
    Power
    """
    amounts = list(product(settings.n_stimuli, settings.n_neurons, settings.n_animals, settings.n_repeats))
    tasks = [
        _Task(dict(candidates), label, float(noise[label] or 0), amount, settings, method, ordered, index)
        for index, (amount, label) in enumerate(product(amounts, candidates))
    ]
    rows: list[dict[str, Any]] = []
    pairs: list[dict[str, Any]] = []
    if n_jobs == 1:
        results: Any = map(_simulate, tasks)
        _collect(results, len(tasks), rows, pairs, tick)
    else:
        # Forked workers could inherit locks that torch's threads hold.
        with ProcessPoolExecutor(n_jobs, mp_context=get_context("spawn")) as pool:
            _collect(pool.map(_simulate, tasks), len(tasks), rows, pairs, tick)
    return Power(pd.DataFrame(rows), pd.DataFrame(pairs))


def matching_noise(rdm: Any, responses: Any, seed: int = 0) -> float:
    """Noise with which recordings simulated from `rdm` are as reliable as a real one.

    Halves of the simulated neurons, as many as the real ones, give RDMs as similar as halves of the real ones do.

    Parameters
    ----------
    rdm : array_like, shape (n_stimuli, n_stimuli)
    responses : array_like, shape (n_stimuli, n_neurons)
    seed : int

    Returns
    -------
    float
        Standard deviation of the noise, in those of the signal; 0 to 20.
    """
    wanted = rsa.noise_ceiling(responses=responses, n_splits=20, seed=seed).lower
    n_neurons = np.shape(responses)[1]
    low, high = 0.0, MAX_NOISE
    for _ in range(NOISE_STEPS):
        middle = (low + high) / 2
        found = [
            rsa.noise_ceiling(
                responses=rsa.simulate_responses(rdm, n_neurons, middle, np.random.default_rng([seed, 6, k]))[0, 0],
                n_splits=5,
                seed=seed,
            ).lower
            for k in range(NOISE_SIMULATIONS)
        ]
        low, high = (middle, high) if np.mean(found) > wanted else (low, middle)
    return (low + high) / 2


@dataclass(frozen=True)
class _Task:
    """One generating model and amount of data."""

    candidates: dict[str, Any]
    generating: str
    noise: float
    amount: tuple[int, int, int, int]
    settings: PowerSettings
    method: str
    ordered: bool
    index: int


def _simulate(task: _Task) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    n_stimuli, n_neurons, n_animals, n_repeats = task.amount
    available = len(next(iter(task.candidates.values())))
    chosen = np.floor(np.arange(n_stimuli) * available / n_stimuli).astype(int)
    models = {label: np.asarray(rdm)[np.ix_(chosen, chosen)] for label, rdm in task.candidates.items()}
    won, better = 0, dict.fromkeys((label for label in models if label != task.generating), 0)
    for simulation in range(task.settings.n_simulations):
        rng = np.random.default_rng([task.settings.seed, 7, task.index, simulation])
        trials = rsa.simulate_responses(
            models[task.generating], n_neurons, task.noise, rng, n_repeats=n_repeats, n_animals=n_animals
        )
        averages = trials.mean(axis=1)
        data: dict[str, Any] = {"responses": averages[0]}
        if n_animals > 1:
            data = {"data": np.stack([rsa.rdm(average) for average in averages])}
        found = rsa.infer(
            models,
            **data,
            method=task.method,
            ordered=task.ordered,
            n_samples=task.settings.n_samples,
            n_permutations=1,
            seed=simulation,
        )
        won += found.models["model"][found.models["similarity"].idxmax()] == task.generating
        for row in found.pairs.itertuples():
            if task.generating in (row.model, row.other) and row.p <= ALPHA:
                ahead = row.difference if row.model == task.generating else -row.difference
                better[row.other if row.model == task.generating else row.model] += ahead > 0
    facts = {
        "generating": task.generating,
        "n_stimuli": n_stimuli,
        "n_neurons": n_neurons,
        "n_animals": n_animals,
        "n_repeats": n_repeats,
        "noise": task.noise,
        "n_simulations": task.settings.n_simulations,
    }
    total = task.settings.n_simulations
    return facts | {"recovered": won / total}, [facts | {"other": o, "power": n / total} for o, n in better.items()]


def _collect(
    results: Any,
    total: int,
    rows: list[dict[str, Any]],
    pairs: list[dict[str, Any]],
    tick: Callable[[int, int], None] | None,
) -> None:
    for done, (row, own_pairs) in enumerate(results, start=1):
        rows.append(row)
        pairs.extend(own_pairs)
        if tick is not None:
            tick(done, total)


def _check(prepared: Prepared) -> None:
    settings, recording = prepared.study.power, prepared.recording
    too_many: Sequence[int] = [n for n in settings.n_stimuli if n > recording.n_stimuli]
    if too_many:
        raise InputError(
            f"power.n_stimuli: given {too_many[0]}, but {recording.name} has {recording.n_stimuli} stimuli; simulated "
            "recordings take theirs from among these"
        )
    if prepared.study.comparison.rdm_metric != "correlation":
        raise InputError("comparison.rdm_metric: power simulates correlation RDMs; it must be 'correlation'")
    if settings.noise is None and (recording.n_neurons or 0) < MIN_NEURONS:
        raise InputError(
            f"power.noise is not given and {recording.name} has no neurons' responses to take it from; state it: the "
            "standard deviation of a trial's noise, in standard deviations of the signal over neurons"
        )
