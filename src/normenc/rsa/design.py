"""Which stimuli of a pool tell candidates apart: chosen one after the other, then exchanged."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import log_ndtr, logsumexp

from normenc.arrays import as_count, as_seed
from normenc.errors import InputError
from normenc.rsa.discriminability import Experiment, as_candidates, leads
from normenc.rsa.extending import Extension
from normenc.rsa.pairs import upper
from normenc.rsa.unequal_neurons import Size
from normenc.showing import Listed

__all__ = ["TOLD", "Chosen", "choose_stimuli", "confusion"]

Floats = npt.NDArray[np.float64]
FIRST = 5  # stimuli of the sets that choosing may start from
STARTS = 200
PASSES = 3  # of exchanges, at most
MIXED = 0.7  # of the truth, in a mixture with a rival
TRIED = 200  # stimuli, the best to be added, that each chosen one may be exchanged for
TOLD = 0.1  # d' below which nothing tells a truth from a rival
GAIN = 1e-3  # of the logarithm of the errors expected, for which a stimulus is exchanged


@dataclass(frozen=True, repr=False)
class Chosen(Listed):
    """Stimuli that tell candidates apart.

    Attributes
    ----------
    stimuli : ndarray of int, shape (n_chosen,)
        Places in the pool, in the order in which they were chosen.
    discriminability : DataFrame, shape (n_candidates, n_candidates)
        d' of each truth (row) from each rival (column) with these stimuli, see :func:`discriminability`.
    without : ndarray, shape (n_chosen, n_candidates, n_candidates)
        The same with all chosen stimuli but one; what each is for.
    """

    stimuli: npt.NDArray[np.intp]
    discriminability: pd.DataFrame
    without: Floats

    @property
    def worst(self) -> tuple[str, str]:
        """The truth and the rival that are hardest to tell apart."""
        row, column = np.unravel_index(np.nanargmin(self.discriminability.values), self.discriminability.shape)
        return str(self.discriminability.index[row]), str(self.discriminability.columns[column])

    @property
    def separates(self) -> list[tuple[str, str]]:
        """For each stimulus, the truth and the rival whose d' falls most without it, as a share of what it is.

        Pairs that nothing tells apart do not count; two empty names where there are no others.
        """
        whole = self.discriminability.to_numpy()
        pairs = []
        for left in self.without:
            lost = np.nan_to_num((whole - left) * np.exp(log_ndtr(-whole) - log_ndtr(-whole[~np.isnan(whole)].min())))
            lost[~(whole >= TOLD)] = -np.inf
            row, column = np.unravel_index(np.argmax(lost), lost.shape)
            names = str(self.discriminability.index[row]), str(self.discriminability.columns[column])
            pairs.append(names if np.isfinite(lost[row, column]) else ("", ""))
        return pairs


def confusion(lead: Any, spread: Any, shares: Any) -> Floats:
    r"""The logarithm of the number of rivals that are expected to lead, over all pairs of a truth and a rival.

    With m the lead of i over j if i is the truth, and s its standard deviation, it is the sum of
    :math:`\Phi(-m_{ij} / s_{ij})`, and of :math:`\Phi(-(a_{ij} m_{ij} - (1 - a_{ij}) m_{ji}) / s_{ij})` for a truth
    that is a mixture of both: neurons are never quite like a candidate. Pairs that are hard to tell apart count most: a
    smooth worst case.

    Parameters
    ----------
    lead, spread : ndarray, shape (..., n_candidates, n_candidates)
        See :func:`normenc.rsa.discriminability.leads`; the diagonal does not count.
    shares : ndarray, shape (n_candidates, n_candidates)
        The share a of the first in a mixture with the second, see :func:`mixing`.

    Examples
    --------
    >>> lead, spread = np.array([[0.0, 0.0], [2.0, 0.0]]), np.ones((2, 2))
    >>> float(np.exp(confusion(lead, spread, np.full((2, 2), 0.7))).round(3))
    1.329
    """
    apart = ~np.eye(lead.shape[-1], dtype=bool)
    mixed = shares * lead - (1 - shares) * lead.swapaxes(-1, -2)
    both = np.concatenate([own[..., apart] / spread[..., apart] for own in (lead, mixed)], axis=-1)
    return np.asarray(logsumexp(log_ndtr(-both), axis=-1))


def mixing(rdms: Floats) -> Floats:
    """The share of each candidate (row) in a mixture with each other (column) that makes 7 : 3 of their RDMs' spreads.

    Parameters
    ----------
    rdms : ndarray, shape (n_candidates, n_stimuli, n_stimuli)
        Of the pool.
    """
    spread = np.array([upper(rdm).std() for rdm in rdms])
    one, other = MIXED / spread[:, None], (1 - MIXED) / spread[None, :]
    return np.asarray(one / (one + other))


def choose_stimuli(
    candidates: Mapping[str, Any],
    n_chosen: int,
    *,
    n_neurons: Size | Mapping[str, Size],
    noise: float | Mapping[str, float],
    n_repeats: int = 1,
    n_animals: int = 1,
    strength: Mapping[str, Any] | None = None,
    seed: int = 0,
    step: Callable[[], None] | None = None,
) -> Chosen:
    r"""Choose the stimuli of a pool on which candidates differ most against the noise.

    The set makes the number of confusions that are expected small, over all pairs of a truth and a rival, and also
    where the truth is a mixture of 7 parts of a candidate and 3 of a rival: of 200 random sets of 5 stimuli the best is
    extended by the stimulus that lowers it most, until there are enough; then stimuli are exchanged for others while
    this lowers it further.

    Parameters
    ----------
    candidates : mapping of str to array_like, shape (n_stimuli, n_stimuli)
        Correlation RDMs of the pool, by name.
    n_chosen : int
        At least 5, at most as many as the pool has.
    n_neurons, noise, n_repeats, n_animals, strength
        See :func:`discriminability`.
    seed : int
        Of the sets that choosing starts from.
    step : callable, optional
        Called after each stimulus.

    Returns
    -------
    Chosen

    Raises
    ------
    InputError
        If there are fewer stimuli than asked for, fewer than two candidates, or two with the same RDM; if a candidate's
        dissimilarities are all equal, or are but for so few stimuli that random sets have none of them; and as
        :func:`discriminability`.

    References
    ----------
    Golan, Guo, Schütt & Kriegeskorte, "Distinguishing representational geometries with controversial stimuli: Bayesian
    experimental design and its application to face dissimilarity judgments", 2022; Schütt et al., eLife 2023.

    Examples
    --------
    >>> from normenc.rsa import rdm
    >>> rng = np.random.default_rng(0)
    >>> patterns = rng.normal(size=(100, 30))
    >>> pool = {"one": rdm(patterns), "other": rdm(patterns + 0.5 * rng.normal(size=patterns.shape))}
    >>> chosen = choose_stimuli(pool, 10, n_neurons=50, noise=1.0)
    >>> len(chosen.stimuli), chosen.discriminability.shape
    (10, (2, 2))
    """
    names, matrices = as_candidates(candidates)
    pool = matrices.shape[1]
    n_chosen = as_count(n_chosen, "n_chosen", FIRST)
    if n_chosen > pool:
        raise InputError(f"n_chosen is {n_chosen}, but the pool has {pool} stimuli; choose fewer, or give more")
    counts: Any = {"n_neurons": n_neurons, "noise": noise, "n_repeats": n_repeats, "n_animals": n_animals}
    experiment = Experiment(names, pool, **counts, strength=strength)
    problem = _Problem(matrices, experiment)
    problem.check_apart(names)
    told = step or (lambda: None)
    chosen = problem.first(np.random.default_rng(as_seed(seed)), min(FIRST, n_chosen))
    while len(chosen) < n_chosen:
        chosen.append(int(np.argmin(problem.extended(chosen))))
        told()
    chosen = problem.exchanged(chosen)
    places = np.array(chosen, dtype=np.intp)
    table = pd.DataFrame(problem.d_primes(places), index=pd.Index(names, name="truth"))
    table.columns = pd.Index(names, name="rival")
    return Chosen(places, table, np.stack([problem.d_primes(np.delete(places, k)) for k in range(n_chosen)]))


@dataclass
class _Problem:
    """Candidates' RDMs of the pool, and what is recorded."""

    rdms: Floats
    experiment: Experiment

    def __post_init__(self) -> None:
        self.shares = mixing(self.rdms)
        self.extension = Extension(self.rdms, self.experiment.reliability, self.experiment.shares)

    def leads(self, places: Any) -> tuple[Floats, Floats]:
        """Of a set of stimuli; NaN where a candidate's dissimilarities are all equal on them."""
        of_set = self.rdms[:, places][:, :, places]
        with np.errstate(invalid="ignore", divide="ignore"):
            lead, spread = leads(of_set, self.experiment.reliability[:, places], self.experiment.shares)
        return lead, spread

    def d_primes(self, places: Any) -> Floats:
        """Leads over their spread, NaN on the diagonal; 0 where a candidate's dissimilarities are all equal."""
        lead, spread = self.leads(places)
        found = np.nan_to_num(lead / spread)
        np.fill_diagonal(found, np.nan)
        return found

    def confusion(self, places: Any) -> float:
        """Of a set of stimuli; infinite where a candidate's dissimilarities are all equal on them."""
        with np.errstate(invalid="ignore", divide="ignore"):
            found = float(confusion(*self.leads(places), self.shares))
        return np.inf if np.isnan(found) else found

    def check_apart(self, names: list[str]) -> None:
        for row, name in enumerate(names):
            for other in range(row):
                if np.allclose(self.rdms[row], self.rdms[other], rtol=0, atol=1e-6 * np.abs(self.rdms[row]).max()):
                    raise InputError(
                        f"{names[other]!r} and {name!r} have the same RDM, so no stimuli of this pool tell them apart; "
                        "leave one out"
                    )

    def first(self, rng: np.random.Generator, n: int) -> list[int]:
        """The best of random sets."""
        sets = [rng.choice(self.rdms.shape[1], n, replace=False) for _ in range(STARTS)]
        scores = [self.confusion(places) for places in sets]
        if not np.isfinite(scores).any():
            raise InputError(
                f"in none of {STARTS} random sets of {n} stimuli do all candidates have a similarity: all "
                "dissimilarities of one are equal but for very few stimuli. Leave it out, or give a smaller pool with "
                "those stimuli"
            )
        return [int(place) for place in sets[int(np.argmin(scores))]]

    def extended(self, chosen: list[int], among: npt.NDArray[np.intp] | None = None) -> Floats:
        """:func:`confusion` with one more stimulus, of the pool or of those to be tried; infinite for those chosen."""
        with np.errstate(invalid="ignore", divide="ignore"):
            scores = confusion(*self.extension.leads(np.array(chosen), among), self.shares)
        scores[np.isnan(scores)] = np.inf
        if among is None:
            scores[chosen] = np.inf
        return scores

    def exchanged(self, chosen: list[int]) -> list[int]:
        """Each stimulus exchanged for the best other one, while this helps."""
        for _ in range(PASSES):
            before = now = self.confusion(np.array(chosen))
            left = [self.confusion(np.delete(chosen, k)) for k in range(len(chosen))]
            order = [chosen[k] for k in np.argsort(left)]  # first those that are missed least
            tried = np.argsort(self.extended(chosen), kind="stable")[: min(TRIED, self.rdms.shape[1] - len(chosen))]
            for stimulus in order:
                others = [place for place in chosen if place != stimulus]
                among = np.array([place for place in tried if place not in chosen], dtype=np.intp)
                scores = self.extended(others, among)
                if len(scores) and scores.min() < now - GAIN:
                    chosen, now = [*others, int(among[np.argmin(scores)])], float(scores.min())
            if before - now < GAIN:
                break
        return chosen
