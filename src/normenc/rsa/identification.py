"""Could a recording have told which candidate is true: recordings are simulated from each, and a measure chooses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import binomtest

from normenc.arrays import as_count, as_seed
from normenc.errors import InputError
from normenc.rsa.labelled import labels_of_rdm
from normenc.rsa.labels import check_same
from normenc.rsa.measures import Measure, Method, as_measure
from normenc.rsa.neurons import METRICS, MIN_NEURONS
from normenc.rsa.pairs import as_rdms, upper
from normenc.rsa.wishart import SimulatedRdms

__all__ = ["Identification", "Rate", "identification", "same_rdms"]

Floats = npt.NDArray[np.float64]
SAME = 1e-6  # of the largest dissimilarity: differences up to this are rounding errors of float32 responses
TIE = 1e-9  # of a similarity
CHUNK_BYTES = 2**27  # of simulated RDMs at a time


class Rate(NamedTuple):
    """A share of simulated recordings, and its 95 % interval over simulations (Wilson)."""

    rate: float
    low: float
    high: float


@dataclass(frozen=True)
class Identification:
    """What :func:`identification` found.

    Attributes
    ----------
    table : DataFrame
        A row for each measure, truth and candidate: ``measure``, ``truth``, ``is_candidate`` (whether the truth is one
        of the candidates), ``chosen``, ``n`` (simulated recordings of this truth that chose it), ``share``.
    n_simulations : int
        Of each truth.
    same : dict of str to str
        Candidates that were left out because another one has the same RDM, and that other one.
    flat : dict of str to tuple of str
        By measure, candidates that it cannot choose, because all their dissimilarities are equal.
    """

    table: pd.DataFrame
    n_simulations: int
    same: dict[str, str] = field(default_factory=dict)
    flat: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def measures(self) -> list[str]:
        """Names of the measures."""
        return list(self.table["measure"].unique())

    def matrix(self, measure: str = "pearson") -> pd.DataFrame:
        """Shares of each truth's recordings that chose each candidate, a row for each truth."""
        own = self._own(measure)
        shares = own.pivot_table(index="truth", columns="chosen", values="share")
        return shares.loc[own["truth"].unique(), own["chosen"].unique()]

    def rate(self, measure: str = "pearson", truth: str | None = None) -> Rate:
        """How often the true candidate is chosen: of all candidates' recordings, or of one truth's.

        Truths that are none of the candidates do not count. The interval is Wilson's, over simulations: it says
        nothing about the noise, which is taken as known.
        """
        own = self._own(measure)
        own = own[own["is_candidate"] & (own["truth"] == own["chosen"])]
        own = own if truth is None else own[own["truth"] == truth]
        if own.empty:
            raise InputError(f"{truth!r} is none of the candidates that {measure} can choose")
        n, total = int(own["n"].sum()), self.n_simulations * len(own)
        low, high = binomtest(n, total).proportion_ci(method="wilson")
        return Rate(n / total, float(low), float(high))

    def _own(self, measure: str) -> pd.DataFrame:
        own = self.table[self.table["measure"] == measure]
        if own.empty:
            raise InputError(f"there are no choices by {measure!r}; the measures are {', '.join(self.measures)}")
        return own


def identification(
    candidates: Mapping[str, Any],
    *,
    n_neurons: int | Sequence[int],
    noise: float | Mapping[str, float],
    n_repeats: int = 1,
    n_animals: int = 1,
    measures: Sequence[Method] = ("pearson",),
    n_simulations: int = 100,
    truths: Mapping[str, Any] | None = None,
    rdm_metric: str = "correlation",
    seed: int = 0,
) -> Identification:
    r"""How often recordings simulated from each candidate would name it, and which others they would name.

    A recording's neurons are those of :func:`normenc.rsa.simulate_responses`: independent, equally reliable, with
    normal signal and noise. The candidate with the highest similarity is chosen; of several that are equally similar,
    one at random. Similarities are means over animals, and over the seeds of a candidate, as in
    :func:`normenc.rsa.infer`. Recordings of a candidate with several seeds are simulated from each seed in turn. All
    measures choose from the same recordings.

    Parameters
    ----------
    candidates : mapping of str to array_like, shape (n_stimuli, n_stimuli) or (n_seeds, n_stimuli, n_stimuli)
        RDMs. Those with the same RDM are one candidate, named by the first: see ``same`` of the result.
    n_neurons : int or sequence of int
        Of each animal; a number for each of them, where they differ. At least 4.
    noise : float or mapping of str to float
        Standard deviation of a trial's noise, in standard deviations of the signal over neurons; of each candidate and
        truth by name, where they differ. For ``"euclidean"``, in those of the signal over neurons and stimuli.
    n_repeats : int
        Trials of each stimulus, whose mean is compared.
    n_animals : int
    measures : sequence of str, Measure or callable
        As :func:`normenc.rsa.compare_rdms` takes them.
    n_simulations : int
        Of each truth.
    truths : mapping of str to array_like, optional
        Truths that are none of the candidates, such as a mixture: which candidate they are taken for.
    rdm_metric : str
        Of all RDMs: "correlation", "cosine" or "euclidean".
    seed : int

    Returns
    -------
    Identification

    Raises
    ------
    InputError
        If there are fewer than two candidates with different RDMs, if RDMs have different stimuli, or if a number is
        not one that can be simulated.

    References
    ----------
    Schuett et al., "Statistical inference on representational geometries", eLife 2023 (recovery of models from
    simulated data); Bartlett, "On the theory of statistical regression", Proc. R. Soc. Edinburgh 1933 (how Wishart
    matrices are drawn).

    Examples
    --------
    >>> ring = 1 - np.cos(np.radians(np.subtract.outer(np.arange(0, 360, 45), np.arange(0, 360, 45))))
    >>> candidates = {"ring": ring, "halves": np.kron([[0, 1], [1, 0]], np.ones((4, 4)))}
    >>> found = identification(candidates, n_neurons=50, noise=1, n_simulations=50)
    >>> found.matrix().loc["halves", "ring"], found.rate().rate
    (np.float64(0.0), 1.0)
    >>> found.rate().rate
    1.0
    """
    if rdm_metric not in METRICS:
        raise InputError(f"rdm_metric is {rdm_metric!r}; it must be one of {', '.join(METRICS)}, sums over neurons")
    stacks, same = _checked(candidates)
    others = _others(truths, candidates, stacks)
    named = [(f"the candidate {name!r}", labels_of_rdm(values)) for name, values in candidates.items()]
    check_same([*named, *((f"the truth {name!r}", labels_of_rdm(values)) for name, values in (truths or {}).items())])
    sizes = _sizes(n_neurons, n_animals)
    n_simulations, seed = as_count(n_simulations, "n_simulations"), as_seed(seed)
    n_repeats = as_count(n_repeats, "n_repeats")
    noises = {name: _noise_of(name, noise, n_repeats) for name in (*stacks, *others)}
    choosers = [_Chooser.of(as_measure(method), stacks) for method in measures]
    if not choosers or len({c.measure.name for c in choosers}) < len(choosers):
        raise InputError("measures must name at least one measure, and each once")
    rows = []
    for place, (name, stack) in enumerate((stacks | others).items()):
        simulate = [[SimulatedRdms(rdm, size, noises[name], rdm_metric) for size in sizes] for rdm in stack]
        chosen = _choices(simulate, choosers, n_simulations, np.random.default_rng([seed, 8, place]))
        for chooser, choices in zip(choosers, chosen, strict=True):
            for label, n in zip(chooser.names, np.bincount(choices, minlength=len(chooser.names)), strict=True):
                known = name in chooser.names
                rows.append((chooser.measure.name, name, known, label, int(n), float(n / n_simulations)))
    table = pd.DataFrame(rows, columns=["measure", "truth", "is_candidate", "chosen", "n", "share"])
    flat = {c.measure.name: tuple(name for name in stacks if name not in c.names) for c in choosers}
    return Identification(table, n_simulations, same, {name: missing for name, missing in flat.items() if missing})


@dataclass(frozen=True)
class _Chooser:
    """A measure, and the candidates that it can compare."""

    measure: Measure
    names: list[str]
    vectors: Floats
    average: Floats  # (n_vectors, n_names): over seeds

    @classmethod
    def of(cls, measure: Measure, stacks: Mapping[str, Floats]) -> "_Chooser":
        vectors = {name: upper(stack) for name, stack in stacks.items()}
        known = {k: own for k, own in vectors.items() if not any(measure.is_undefined(vector) for vector in own)}
        if len(known) < 2:
            why = "all dissimilarities of the others are equal"
            raise InputError(f"by {measure.name}, {len(known)} of {len(stacks)} candidates can be chosen: {why}")
        counts = [len(own) for own in known.values()]
        average = np.repeat(np.eye(len(known)), counts, axis=0) / np.repeat(counts, counts)[:, None]
        return cls(measure, list(known), np.concatenate(list(known.values())), average)

    def similarities(self, vectors: Floats) -> Floats:
        """Of simulated RDMs with each candidate, shape (n_vectors, n_names)."""
        return self.measure.compare(vectors, self.vectors) @ self.average


def _choices(
    simulate: list[list[SimulatedRdms]], choosers: list[_Chooser], n_simulations: int, rng: np.random.Generator
) -> list[npt.NDArray[np.intp]]:
    """Places of the candidates that each measure chooses; `simulate` draws RDMs of each seed and animal."""
    n_stimuli = len(simulate[0][0].rdm)
    step = max(1, CHUNK_BYTES // (4 * n_stimuli**2))
    parts: list[list[Floats]] = [[] for _ in choosers]
    for seed, animals in enumerate(simulate):
        n_own = len(range(seed, n_simulations, len(simulate)))
        for start in range(0, n_own, step):
            n = min(step, n_own - start)
            sums: list[Any] = [0.0] * len(choosers)
            for animal in animals:
                vectors = animal.draw(n, rng)
                sums = [own + chooser.similarities(vectors) for own, chooser in zip(sums, choosers, strict=True)]
            for part, own in zip(parts, sums, strict=True):
                part.append(own / len(animals))
    return [_best(np.concatenate(part), rng) for part in parts]


def _best(similarities: Floats, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """Place of the highest value of each row; of several, one at random."""
    highest = similarities.max(axis=1, keepdims=True)
    ties = similarities >= highest - TIE * np.maximum(1, np.abs(highest))
    return np.where(ties, rng.random(similarities.shape), -1.0).argmax(axis=1)


def same_rdms(one: Any, other: Any) -> bool:
    """Whether two RDMs, or stacks of them, are the same up to the rounding of float32 responses.

    Examples
    --------
    >>> same_rdms(np.ones((3, 3)), np.ones((3, 3)) + 1e-9), same_rdms(np.ones((3, 3)), np.zeros((3, 3)))
    (True, False)
    """
    a, b = np.asarray(one), np.asarray(other)
    if a.shape != b.shape:
        return False
    return bool(np.allclose(a, b, rtol=0, atol=SAME * float(np.nanmax(np.abs(b), initial=0)), equal_nan=True))


def _checked(candidates: Mapping[str, Any]) -> tuple[dict[str, Floats], dict[str, str]]:
    """Stacks of RDMs by name, and those that are the same as another."""
    if not isinstance(candidates, Mapping) or len(candidates) < 2:
        raise InputError("there is nothing to choose from; give a mapping of at least two candidates' names to RDMs")
    stacks: dict[str, Floats] = {}
    same: dict[str, str] = {}
    for name, values in candidates.items():
        stack = as_rdms(values, f"the candidate {name!r}")
        twin = next((other for other, own in stacks.items() if same_rdms(stack, own)), None)
        if twin is None:
            stacks[name] = stack
        else:
            same[name] = twin
    first = next(iter(stacks))
    for name, stack in stacks.items():
        _check_stimuli(f"the candidate {name!r}", stack, first, stacks[first])
    if len(stacks) < 2:
        raise InputError(f"all candidates have the same RDM as {first!r}; no recording can tell them apart")
    return stacks, same


def _check_stimuli(what: str, stack: Floats, first: str, own: Floats) -> None:
    if stack.shape[1] != own.shape[1]:
        raise InputError(
            f"{what} has {stack.shape[1]} stimuli, but {first!r} has {own.shape[1]}; give the same stimuli in the "
            "same order"
        )


def _others(truths: Mapping[str, Any] | None, names: Mapping[str, Any], stacks: dict[str, Floats]) -> dict[str, Floats]:
    others = {name: as_rdms(values, f"the truth {name!r}") for name, values in (truths or {}).items()}
    first = next(iter(stacks))
    for name, stack in others.items():
        if name in names:
            raise InputError(f"the truth {name!r} has the name of a candidate; candidates are tried as truths anyway")
        _check_stimuli(f"the truth {name!r}", stack, first, stacks[first])
    return others


def _sizes(n_neurons: int | Sequence[int], n_animals: int) -> list[int]:
    """Neurons of each animal."""
    n_animals = as_count(n_animals, "n_animals")
    if isinstance(n_neurons, str) or not isinstance(n_neurons, Sequence | np.ndarray):
        return [as_count(n_neurons, "n_neurons", MIN_NEURONS)] * n_animals
    if n_animals not in (1, len(n_neurons)) or not len(n_neurons):
        raise InputError(f"n_neurons are given for {len(n_neurons)} animals, but n_animals is {n_animals}")
    return [as_count(own, "n_neurons", MIN_NEURONS) for own in n_neurons]


def _noise_of(name: str, noise: float | Mapping[str, float], n_repeats: int) -> float:
    """Of mean responses to this truth."""
    if isinstance(noise, Mapping) and name not in noise:
        raise InputError(f"noise is not given for {name!r}; give it for every candidate and truth")
    own = noise[name] if isinstance(noise, Mapping) else noise
    if not 0 <= own < np.inf:
        raise InputError(f"the noise of {name!r} is {own}; it must be a finite standard deviation of at least 0")
    return float(own / np.sqrt(n_repeats))
