"""How much data does it take: simulate recordings from every candidate, and see whether the right one is found."""

import pickle
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from normenc import figures, rsa
from normenc.errors import InputError
from normenc.recordings import Preparation
from normenc.renamed import renamed
from normenc.rsa.measures import Measure, Method, as_measure
from normenc.rsa.neurons import MIN_NEURONS
from normenc.runs.publishing import Earlier, destination, holds_nothing
from normenc.runs.schema import SETTINGS
from normenc.runs.writing import csv_bytes
from normenc.study.amounts import amounts_of, candidates_of, first_rdms, mean_repeats, with_stimuli
from normenc.study.processes import processes
from normenc.study.progress import ProgressCallback, Stage, each, reporting, stage
from normenc.study.represented import represent
from normenc.study.representing import Prepared, prepare
from normenc.study.sections import PowerSettings
from normenc.study.settings import Study, asked_study
from normenc.study.sweep import Failure
from normenc.texts import file_stem
from normenc.training import resolve_device
from normenc.whole_files import write_whole

__all__ = ["Power", "power", "simulate_power"]

Floats = npt.NDArray[np.float64]
AMOUNTS = ["n_stimuli", "n_neurons", "n_animals", "n_repeats"]
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
    """

    recovery: pd.DataFrame
    pairs: pd.DataFrame
    folder: Path | None = None
    failures: tuple[Failure, ...] = ()
    skipped: dict[str, str] = field(default_factory=dict)

    @property
    def weakest(self) -> pd.DataFrame:
        """The row of `pairs` with the smallest power, for each amount of data; the first of several."""
        return self.pairs.loc[self.pairs.groupby(AMOUNTS)["power"].idxmin()].reset_index(drop=True)


@renamed(n_jobs="workers")
def power(
    study: Study | None = None,
    out: str | Path | None = None,
    *,
    recording: str | Path | None = None,
    preparation: Preparation | None = None,
    device: str = "auto",
    workers: int | None = None,
    progress: bool | ProgressCallback = True,
    **options: Any,
) -> Power:
    """Simulate recordings from each of a study's candidates, and see how often the right one is found.

    Candidates are the trained network's layers, their untrained twins and the controls. How noisy a trial is follows
    from the study's recording, whose RDMs of halves of the neurons are as similar as those of a simulated one of its
    size, or from ``power.noise``. Amounts of data that the section leaves out start from what the recording has and go
    up: stimuli to twice and four times as many (up to 200), neurons and trials a stimulus to twice as many, animals to
    twice as many and at least 5. More gratings than the animal saw need no guess, because candidates are computed from
    images; of images there are never more than the recording's.

    Parameters
    ----------
    study : Study, optional
        Its section ``[power]`` says what to try.
    out : str or Path, optional
        A new folder for ``power.csv``, ``power_pairs.csv``, ``study.toml`` and heat maps of both,
        ``runs/<study>-<recording>-power`` by default.
    recording, preparation, device, progress, **options
        See :func:`normenc.study.run`.
    workers : int, optional
        Processes; one per core by default.

    Returns
    -------
    Power

    Raises
    ------
    InputError
        When the noise is neither stated nor follows from the recording, or more images are asked for than it has.
    """
    study = asked_study(study, recording, preparation, options, out)
    target = resolve_device(device)
    with reporting(progress) as progress:
        early = _read(study, progress) if out is None else None  # its name is part of the folder's
        folder = Path(f"runs/{study.name}-{file_stem(early.recording.name)}-power" if early else out or "")
        with destination(folder, "power", _nothing) as place:
            prepared = early or _read(study, progress)
            settings = amounts_of(prepared.recording, study.power)
            assert settings.n_stimuli is not None
            represented = represent(prepared, device=target.type, workers=workers or 1, progress=progress)
            own = first_rdms(represented.representations)
            candidates = candidates_of(prepared, own, settings.n_stimuli, target.type, progress)
            simulated = simulate_power(
                candidates,
                _noise(prepared, own, progress),
                settings,
                method=study.comparison.method,
                ordered=[n for n in candidates if with_stimuli(prepared.recording, n).has_neighbours],
                workers=workers,
                progress=progress,
            )
            with place.staged() as aside:
                _write(simulated, study.model_copy(update={"power": settings}), aside)
    return Power(simulated.recovery, simulated.pairs, folder, represented.failures, prepared.skipped_controls)


def _read(study: Study, progress: ProgressCallback) -> Prepared:
    with stage(progress, "reading the recording"):
        prepared = prepare(study)
    _check(prepared)
    return prepared


def _nothing(folder: Path) -> Earlier:
    if not holds_nothing(folder):
        raise InputError(f"{folder}: this folder is not empty; choose another folder with out=")
    return {}


def _write(power: Power, study: Study, folder: Path) -> None:
    write_whole(folder / SETTINGS, study.to_toml().encode("utf-8"))
    write_whole(folder / "power.csv", csv_bytes(power.recovery))
    write_whole(folder / "power_pairs.csv", csv_bytes(power.pairs))
    figures.save(figures.power_map(power.recovery), folder, "power")
    figures.save(figures.power_map(power.pairs, value="power"), folder, "power_pairs")


def simulate_power(
    candidates: Mapping[int, Mapping[str, Any]],
    noise: Mapping[str, float],
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
    candidates : mapping of int to mapping of str to array_like, shape (n_stimuli, n_stimuli)
        Correlation RDMs by label, for each number of stimuli; the same labels for each.
    noise : mapping of str to float
        Of each candidate's recordings: standard deviation of a trial's noise, see
        :func:`normenc.rsa.simulate_responses`.
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
        _Task(label, noise[label], amount, settings, measure, amount[0] in ordered, index)
        for index, (amount, label) in enumerate(product(amounts, noise))
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
        Standard deviation of the responses' noise, in those of the signal; 0 to 20. Of averages over r trials it is
        that of a trial by the root of r.
    """
    wanted = rsa.noise_ceiling(responses=responses, n_splits=20, seed=seed).lower
    n_neurons = np.shape(responses)[1]
    low, high = 0.0, MAX_NOISE
    for _ in range(NOISE_STEPS):
        middle = (low + high) / 2
        reliabilities = [
            rsa.noise_ceiling(
                responses=rsa.simulate_responses(rdm, n_neurons, middle, np.random.default_rng([seed, 6, k]))[0, 0],
                n_splits=5,
                seed=seed,
            ).lower
            for k in range(NOISE_SIMULATIONS)
        ]
        low, high = (middle, high) if np.mean(reliabilities) > wanted else (low, middle)
    return (low + high) / 2


def _noise(prepared: Prepared, candidates: Mapping[str, Any], progress: ProgressCallback) -> dict[str, float]:
    """Of one trial, for each candidate."""
    stated, responses = prepared.study.power.noise, prepared.recording.responses
    if stated is not None:
        return dict.fromkeys(candidates, stated)
    assert responses is not None
    of_a_trial = float(np.sqrt(mean_repeats(prepared.recording)))
    noises = {}
    for label, rdm in each(progress, "matching the noise", candidates.items()):
        noise = matching_noise(rdm, responses.to_numpy(), prepared.study.power.seed)
        if noise > MAX_NOISE * (1 - 2**-NOISE_STEPS):
            raise InputError(
                f"{prepared.recording.name}: the RDMs of halves of its neurons have almost nothing in common, so "
                f"its noise, more than {MAX_NOISE:g} times the signal, is not known; set power.noise, or inspect the "
                "recording with normenc check"
            )
        noises[label] = of_a_trial * noise
    return noises


@dataclass(frozen=True)
class _Task:
    """One generating model and amount of data."""

    generating: str
    noise: float
    amount: tuple[int, int, int, int]
    settings: PowerSettings
    measure: Measure
    ordered: bool
    index: int


@dataclass(frozen=True)
class _Simulate:
    """Simulates the recordings of a task; candidates are RDMs by label for each number of stimuli."""

    candidates: dict[int, dict[str, Any]]

    def __call__(self, task: _Task) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The row of ``power.csv``, and those of ``power_pairs.csv``."""
        n_stimuli, n_neurons, n_animals, n_repeats = task.amount
        models = self.candidates[n_stimuli]
        won, better = 0, dict.fromkeys((label for label in models if label != task.generating), 0)
        for simulation in range(task.settings.n_simulations):
            rng = np.random.default_rng([task.settings.seed, 7, task.index, simulation])
            # The mean of so many trials, of independent noise, is one trial of less noise.
            of_mean = task.noise / np.sqrt(n_repeats)
            averages = rsa.simulate_responses(models[task.generating], n_neurons, of_mean, rng, n_animals=n_animals)
            each_rdm = n_animals > 1
            data = {"data": np.stack([rsa.rdm(a[0]) for a in averages])} if each_rdm else {"responses": averages[0, 0]}
            inference = rsa.infer(
                models,
                **data,
                method=task.measure,
                ordered=task.ordered,
                n_samples=task.settings.n_samples,
                n_permutations=1,
                seed=simulation,
            )
            won += inference.models["model"][inference.models["similarity"].idxmax()] == task.generating
            for row in inference.pairs.itertuples():
                if task.generating in (row.model, row.other) and row.p <= ALPHA:
                    ahead = row.difference if row.model == task.generating else -row.difference
                    better[row.other if row.model == task.generating else row.model] += ahead > 0
        facts = {"generating": task.generating, **dict(zip(AMOUNTS, task.amount, strict=True)), "noise": task.noise}
        facts["n_simulations"] = total = task.settings.n_simulations
        return facts | {"recovered": won / total}, [facts | {"other": o, "power": n / total} for o, n in better.items()]


def _collect(results: Any, rows: list[dict[str, Any]], pairs: list[dict[str, Any]], counted: Stage) -> None:
    for row, own_pairs in results:
        rows.append(row)
        pairs.extend(own_pairs)
        counted.step()


def _check(prepared: Prepared) -> None:
    settings, recording = prepared.study.power, prepared.recording
    if prepared.study.rdm_metric != "correlation":
        raise InputError("comparison.rdm_metric: power simulates correlation RDMs; it must be 'correlation'")
    if settings.noise is None and (recording.n_neurons or 0) < MIN_NEURONS:
        raise InputError(
            f"power.noise is not given and {recording.name} has too few neurons to estimate it from; set it to the "
            "standard deviation of a trial's noise, in standard deviations of the signal over neurons"
        )
