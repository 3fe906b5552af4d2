"""Could a recording have told which candidate is true: recordings are simulated from each, and a measure chooses."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from normenc.arrays import as_count, as_seed
from normenc.errors import InputError
from normenc.rsa.candidates import (
    Neurons,
    Noise,
    checked_candidates,
    checked_truths,
    noises_of,
    simulated,
    sizes_of,
    stimuli_of,
)
from normenc.rsa.measures import Measure, Method, as_measure
from normenc.rsa.neurons import METRICS
from normenc.rsa.pairs import upper
from normenc.rsa.rates import Rate, mean_rate
from normenc.rsa.unequal_stimuli import UnequalStimuli
from normenc.rsa.wishart import SimulatedRdms
from normenc.showing import Listed

__all__ = ["COLUMNS", "Identification", "Rate", "choices", "identification"]

Floats = npt.NDArray[np.float64]
TIE = 1e-9  # of a similarity
COLUMNS = ["measure", "truth", "is_candidate", "chosen", "n", "share", "share_left_out"]
CHUNK_BYTES = 2**27  # of simulated RDMs at a time


@dataclass(frozen=True, repr=False)
class Identification(Listed):
    """What :func:`identification` found.

    Attributes
    ----------
    table : DataFrame
        A row for each measure, truth and candidate: ``measure``, ``truth``, ``is_candidate`` (whether the truth is one
        of the candidates), ``chosen``, ``n`` (simulated recordings of this truth that chose it), ``share``, and
        ``share_left_out``: the share if the truth were not among the candidates; NaN where it is not, or too few are.
    n_simulations : int
        Of each truth; measures of responses may choose from fewer.
    same : dict of str to str
        Candidates that were left out because another one has the same RDM, and that other one.
    flat : dict of str to tuple of str
        By measure, candidates that it cannot choose, because all their dissimilarities are equal.
    """

    TABLE: ClassVar = "table"

    table: pd.DataFrame
    n_simulations: int
    same: dict[str, str] = field(default_factory=dict)
    flat: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def measures(self) -> list[str]:
        """Names of the measures."""
        return list(self.table["measure"].unique())

    def matrix(self, measure: str = "pearson", *, left_out: bool = False) -> pd.DataFrame:
        """Shares of each truth's recordings that chose each candidate, a row for each truth.

        With `left_out`, what each candidate would be taken for if it were not among them.
        """
        own = self._own(measure)
        values = "share_left_out" if left_out else "share"
        shares = own.pivot_table(index="truth", columns="chosen", values=values, dropna=False)
        return shares.loc[own["truth"].unique(), own["chosen"].unique()]

    def rate(self, measure: str = "pearson", truth: str | None = None) -> Rate:
        """How often the true candidate is chosen: of all candidates' recordings, or of one truth's.

        Truths that are none of the candidates do not count. The interval is over simulations of these truths: it says
        nothing about other truths, nor about the noise, which is taken as known.
        """
        own = self._own(measure)
        own = own[own["is_candidate"] & (own["truth"] == own["chosen"])]
        own = own if truth is None else own[own["truth"] == truth]
        if own.empty:
            raise InputError(f"{truth!r} is none of the candidates that {measure} can choose")
        return mean_rate(own["n"], self.simulations(measure))

    def simulations(self, measure: str = "pearson") -> int:
        """Recordings of each truth from which the measure chose."""
        own = self._own(measure)
        return int(own["n"].sum()) // own["truth"].nunique()

    def _own(self, measure: str) -> pd.DataFrame:
        own = self.table[self.table["measure"] == measure]
        if own.empty:
            raise InputError(f"there are no choices by {measure!r}; the measures are {', '.join(self.measures)}")
        return own


def identification(
    candidates: Mapping[str, Any],
    *,
    n_neurons: Neurons | Mapping[str, Neurons],
    noise: Noise | Mapping[str, Noise],
    n_repeats: int = 1,
    n_animals: int = 1,
    measures: Sequence[Method] = ("pearson",),
    n_simulations: int = 100,
    truths: Mapping[str, Any] | None = None,
    simulate: Sequence[str] | None = None,
    rdm_metric: str = "correlation",
    stimuli: UnequalStimuli | Mapping[str, UnequalStimuli] | None = None,
    seed: int = 0,
) -> Identification:
    r"""How often recordings simulated from each candidate would name it, and which others they would name.

    A recording's neurons are those of :func:`normenc.rsa.simulate_responses`: independent, with normal signal and
    noise. The candidate with the highest similarity is chosen; of several that are equally similar, one at random.
    Similarities are means over animals, and over the seeds of a candidate, as in :func:`normenc.rsa.infer`.
    Recordings of a candidate with several seeds are simulated from the mean of their RDMs: a population of neurons
    from all of them. All measures choose from the same recordings.

    Parameters
    ----------
    candidates : mapping of str to array_like, shape (n_stimuli, n_stimuli) or (n_seeds, n_stimuli, n_stimuli)
        RDMs. Those with the same RDM are one candidate, named by the first: see ``same`` of the result.
    n_neurons : int, UnequalNeurons, sequence or mapping of these
        Of each animal, at least 4; a number for each of them, where they differ; of each candidate and truth by name.
    noise : float, sequence of float or mapping of these
        Standard deviation of a trial's noise, in standard deviations of the signal over neurons; a number for each
        animal, where they differ; of each candidate and truth by name. For ``"euclidean"``, in those of the signal over
        neurons and stimuli.
    n_repeats : int
        Trials of each stimulus, whose mean is compared.
    n_animals : int
    measures : sequence of str, Measure or callable
        As :func:`normenc.rsa.compare_rdms` takes them.
    n_simulations : int
        Of each truth.
    truths : mapping of str to array_like, optional
        Truths that are none of the candidates, such as a mixture: which candidate they are taken for.
    simulate : sequence of str, optional
        Candidates from which recordings are simulated; all by default.
    rdm_metric : str
        Of all RDMs: "correlation", "cosine" or "euclidean".
    stimuli : UnequalStimuli or mapping of str to UnequalStimuli, optional
        How strongly and how noisily each stimulus drives neurons; of each candidate and truth by name, where they
        differ. All stimuli drive neurons equally by default.
    seed : int

    Returns
    -------
    Identification

    Raises
    ------
    InputError
        If there are fewer than two candidates with different RDMs, if RDMs have different stimuli, if dissimilarities
        are none of the metric, as negative ones, or if a number is not one that can be simulated.

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
    stacks, same = checked_candidates(candidates, rdm_metric)
    others = checked_truths(truths, candidates, stacks, rdm_metric)
    n_simulations, seed = as_count(n_simulations, "n_simulations"), as_seed(seed)
    n_repeats, n_animals = as_count(n_repeats, "n_repeats"), as_count(n_animals, "n_animals")
    sizes = {name: sizes_of(name, n_neurons, n_animals) for name in (*stacks, *others)}
    noises = {name: noises_of(name, noise, n_repeats, len(own)) for name, own in sizes.items()}
    if isinstance(measures, str) or not isinstance(measures, Collection):
        raise InputError(f"measures is {measures!r}; give a list of measures, such as ['pearson']")
    choosers = [_Chooser.of(as_measure(method), stacks) for method in measures]
    if not choosers or len({c.measure.name for c in choosers}) < len(choosers):
        raise InputError("measures must name at least one measure, and each once")
    wanted = simulated(simulate, stacks, same) | others
    rows = []
    for name, stack in wanted.items():
        own = stimuli_of(name, stimuli, stack.shape[1])
        truth = stack.mean(axis=0)
        animals = zip(sizes[name], noises[name], strict=True)
        draws = [SimulatedRdms(truth, size, of_mean, rdm_metric, own) for size, of_mean in animals]
        place = [*stacks, *others].index(name)
        rng = np.random.default_rng([seed, 8, place])
        for chooser, similarity in zip(choosers, _similarities(draws, choosers, n_simulations, rng), strict=True):
            rows += choices(chooser.measure.name, chooser.names, name, similarity, rng)
    table = pd.DataFrame(rows, columns=COLUMNS)
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


def _similarities(
    animals: list[SimulatedRdms], choosers: list[_Chooser], n_simulations: int, rng: np.random.Generator
) -> list[Floats]:
    """By each measure, the mean over animals, (n_simulations, n_names)."""
    step = max(1, CHUNK_BYTES // (4 * len(animals[0].rdm) ** 2))
    parts: list[list[Floats]] = [[] for _ in choosers]
    for start in range(0, n_simulations, step):
        sums: list[Any] = [0.0] * len(choosers)
        for animal in animals:
            vectors = animal.draw(min(step, n_simulations - start), rng)
            sums = [own + chooser.similarities(vectors) for own, chooser in zip(sums, choosers, strict=True)]
        for part, own in zip(parts, sums, strict=True):
            part.append(own / len(animals))
    return [np.concatenate(part) for part in parts]


def choices(
    measure: str, names: Sequence[str], truth: str, similarities: Floats, rng: np.random.Generator
) -> list[tuple[Any, ...]]:
    """Rows of the table: how often each candidate has the highest of the similarities, (n_simulations, n_names).

    A similarity that is undefined, NaN, is none of the highest, unless all are.
    """
    total, n_names, known = len(similarities), len(names), truth in names
    n = np.bincount(_best(similarities, rng), minlength=n_names)
    left_out = np.full(n_names, np.nan)
    if known and n_names > 2:
        rest = np.arange(n_names) != list(names).index(truth)
        left_out[rest] = np.bincount(_best(similarities[:, rest], rng), minlength=n_names - 1) / total
    return [
        (measure, truth, known, name, int(own), float(own / total), float(without))
        for name, own, without in zip(names, n, left_out, strict=True)
    ]


def _best(similarities: Floats, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """Place of the highest value of each row; of several, one at random."""
    values = np.where(np.isnan(similarities), -np.inf, similarities)
    highest = values.max(axis=1, keepdims=True)
    ties = values >= highest - TIE * np.maximum(1, np.abs(highest))
    return np.where(ties, rng.random(values.shape), -1.0).argmax(axis=1)
