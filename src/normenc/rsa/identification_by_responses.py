"""Could a recording have told which candidate is true, by a measure of responses: populations are simulated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.rsa.identification import choices
from normenc.rsa.paired import centred, coordinates
from normenc.rsa.representation_inputs import compared_neurons, reduced_to
from normenc.rsa.representation_measures import RepresentationMeasure
from normenc.rsa.simulation import gains_of
from normenc.rsa.unequal_neurons import UnequalNeurons
from normenc.rsa.unequal_stimuli import UnequalStimuli

__all__ = ["Truth", "choices_by_responses"]

Floats = npt.NDArray[np.float64]
SAME = 1e-6  # of the range of similarities: differences up to this are rounding errors of float32 responses


@dataclass(frozen=True)
class Truth:
    """Populations that respond as the units of one or more representations do, with the noise of a recording.

    Attributes
    ----------
    parts : tuple of (float, ndarray)
        Shares of the neurons, and the responses (n_stimuli, n_units) from which these are made.
    animals : tuple of (int, UnequalNeurons)
        The number of neurons of each, and how unequal they are.
    noise : sequence of float
        Of each animal, the standard deviation of the noise of a mean response, in those of the signal over neurons.
    stimuli : UnequalStimuli
        How noisily each drives neurons; how strongly, the representations say themselves.
    metric : str
        Of the RDMs by which signal and noise are measured.
    equally_tuned : bool
        Whether neurons of all parts vary equally over stimuli, as those of the least tuned part do.
    """

    parts: tuple[tuple[float, Floats], ...]
    animals: tuple[tuple[int, UnequalNeurons], ...]
    noise: Sequence[float]
    stimuli: UnequalStimuli
    metric: str = "correlation"
    equally_tuned: bool = False

    def scaled(self) -> list[tuple[float, Floats]]:
        """The parts, each unit about its mean over stimuli, in standard deviations of the signal over units."""
        parts = [(share, _scaled(np.asarray(own, dtype=np.float64), self.metric)) for share, own in self.parts]
        if not self.equally_tuned:
            return parts
        sizes = [np.square(own).mean() for _, own in parts]
        return [(share, own * np.sqrt(min(sizes) / size)) for (share, own), size in zip(parts, sizes, strict=True)]


def choices_by_responses(
    candidates: Mapping[str, Sequence[Any]],
    truths: Mapping[str, Truth],
    measure: RepresentationMeasure,
    *,
    n_simulations: int,
    seed: int = 0,
) -> tuple[list[tuple[Any, ...]], dict[str, str]]:
    """How often recordings simulated from each truth would name each candidate: rows of an ``Identification``.

    Candidates that are as similar as another one to every recording are one candidate, such as the same units in
    another order. They are given by name, with the other one.

    Where a rotation of the units changes nothing, neurons are random mixtures of all units, as unequal as those of the
    recording. Elsewhere each neuron is one of the units, drawn at random, and neurons are equally noisy. Candidates
    whose similarity is always undefined are left out, as truths too.

    Parameters
    ----------
    candidates : mapping of str to sequence of ndarray, shape (n_stimuli, n_units)
        Responses of each seed, whose similarities are averaged, as those of several animals are.
    truths : mapping of str to Truth
    measure : RepresentationMeasure
    n_simulations : int
        Of each truth.
    seed : int

    Raises
    ------
    InputError
        If stimuli are too few for the measure, or it can compare fewer than two candidates.
    """
    n_stimuli = len(next(iter(truths.values())).stimuli.noise)
    if n_stimuli < measure.least_stimuli:
        raise InputError(f"there are {n_stimuli} stimuli; {measure.name} needs at least {measure.least_stimuli}")
    found = {}
    for place, (name, truth) in enumerate(truths.items()):
        rng = np.random.default_rng([seed, 10, place])
        found[name] = _similarities(list(candidates.values()), truth, measure, n_simulations, (rng, seed)), rng
    every = np.concatenate([similarities for similarities, _ in found.values()])
    defined: npt.NDArray[np.bool_] = np.asarray(np.isfinite(every).any(axis=0))
    same = _same([name for name, own in zip(candidates, defined, strict=True) if own], every[:, defined])
    kept = [own and name not in same for name, own in zip(candidates, defined, strict=True)]
    names = [name for name, own in zip(candidates, kept, strict=True) if own]
    if defined.sum() < 2:
        raise InputError(
            f"the similarities of {len(candidates) - defined.sum()} of {len(candidates)} candidates are undefined: the "
            "stimuli are too few for the measure, or differ no more than by chance"
        )
    if len(names) < 2:
        raise InputError(f"no recording can tell the candidates apart: all are as similar to it as {names[0]!r} is")
    rows = []
    for name, (similarities, rng) in found.items():
        if name in names or name not in candidates:
            rows += choices(measure.name, names, name, similarities[:, kept], rng)
    return rows, same


def _same(names: Sequence[str], similarities: Floats) -> dict[str, str]:
    """Candidates that are as similar as one before them to every recording, shape (n_recordings, n_names)."""
    same: dict[str, str] = {}
    rounding = SAME * float(np.nanmax(similarities, initial=-np.inf) - np.nanmin(similarities, initial=np.inf))
    for place, name in enumerate(names):
        own, others = similarities[:, place], similarities.T[:place]
        alike = [np.allclose(own, other, rtol=0, atol=rounding, equal_nan=True) for other in others]
        twin = next((other for other, is_alike in zip(names, alike, strict=False) if is_alike), None)
        if twin is not None:
            same[name] = same.get(twin, twin)
    return same


def _similarities(
    candidates: Sequence[Sequence[Any]],
    truth: Truth,
    measure: RepresentationMeasure,
    n_simulations: int,
    chance: tuple[np.random.Generator, int],
) -> Floats:
    """Of each simulated recording with each candidate, (n_simulations, n_candidates): means over animals and seeds."""
    rng, seed = chance
    sizes = [len(compared_neurons(n, measure, seed)) for n, _ in truth.animals]
    models = [reduced_to(own, measure, sizes[0], seed) for seeds in candidates for own in seeds]
    n_seeds = [len(seeds) for seeds in candidates]
    parts = truth.scaled()
    factor = np.hstack([np.sqrt(share / own.shape[1]) * coordinates(own) for share, own in parts])
    once = np.ones((1, len(factor)))
    similarities = np.zeros((n_simulations, len(candidates)))
    for row in similarities:
        for n, (_, unequal), of_mean in zip(sizes, truth.animals, truth.noise, strict=True):
            if measure.arithmetic.turns:
                gains, noises = gains_of(unequal)
                signal = factor @ rng.standard_normal((factor.shape[1], len(gains))) * gains
            else:
                signal, noises = _drawn_units(parts, n, rng), np.ones(n)
            noise = of_mean * truth.stimuli.noise[:, None] * rng.standard_normal(signal.shape) * noises
            recorded = centred(signal + noise, "a simulated recording")
            own = measure.arithmetic.samples(models, recorded, once, None)[0]
            row += [np.mean(v) for v in np.split(own, np.cumsum(n_seeds)[:-1])]
    return similarities / len(truth.animals)


def _drawn_units(parts: Sequence[tuple[float, Floats]], n: int, rng: np.random.Generator) -> Floats:
    shares = np.array([share for share, _ in parts])
    numbers = rng.multinomial(n, shares / shares.sum())
    drawn = [own[:, rng.integers(own.shape[1], size=k)] for k, (_, own) in zip(numbers, parts, strict=True)]
    return np.hstack(drawn)


def _scaled(responses: Floats, metric: str) -> Floats:
    about = responses - responses.mean(axis=0)
    patterns = {"correlation": responses - responses.mean(axis=1, keepdims=True), "euclidean": about}
    size = np.sqrt(np.square(patterns.get(metric, responses)).mean())
    return about / size
