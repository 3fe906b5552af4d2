"""Model similarities and noise ceilings in the samples of a bootstrap."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.rsa.ceiling import bounds, different_splits, neuron_halves, random_halves
from normenc.rsa.inputs import Inputs
from normenc.rsa.linear import Linear
from normenc.rsa.linear_samples import linear_ceiling
from normenc.rsa.measures import Measure
from normenc.rsa.neurons import Neurons, added_up
from normenc.rsa.own_neurons import Population, similarities_of_neurons
from normenc.rsa.pairs import MANY_STIMULI
from normenc.rsa.quadratic import are_many
from normenc.rsa.weighted import sample_ceilings, sample_similarities, similarities

__all__ = ["Draws", "Evaluator", "Halves", "KeptHalves", "n_splits"]

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Halves = Sequence[tuple[npt.NDArray[Any], npt.NDArray[Any]]]
CEILING_PAIRS = 40_000  # limit on dissimilarities of halves in a bootstrap sample; only the estimate uses all splits
NEURON_SAMPLES = 20  # bootstrap samples of neurons at a time, each with its own RDM,
NEURON_BYTES = 2**28  # and at most this many dissimilarities, if at least two samples fit


@dataclass(frozen=True)
class Draws:
    """Weights of a factor's members in every sample, shape (n_samples, n_members), and their effect on a variance."""

    weights: Counts
    inflation: tuple[float, ...]


class Evaluator:
    """Evaluates samples of stimuli, animals or sessions, and neurons.

    For parameters see :func:`normenc.rsa.bootstrap.bootstrap`; `draws` are the samples of every factor.
    """

    def __init__(
        self,
        inputs: Inputs,
        measure: Measure,
        kind: str,
        halves: Halves | None,
        seed: int,
        draws: Mapping[str, Sequence[Draws]],
    ):
        self.inputs, self.measure, self.kind, self.halves, self.seed = inputs, measure, kind, halves, seed
        self.many = inputs.n_stimuli > MANY_STIMULI
        everyone = np.ones((1, inputs.n_stimuli), dtype=np.int64)
        self.counts = [everyone, *(draw.weights for draw in draws.get("stimuli", []))]
        self._ceilings: dict[int, Floats] = {}  # from halves that are the same in all samples, by weighting of stimuli
        self._own: list[tuple[Floats, Floats]] = []  # of samples of neurons, by weighting of stimuli

    def evaluate(self, draws: Mapping[str, Counts]) -> tuple[Floats, Floats]:
        """Similarity of every model's vectors with the data's, and both ceilings; one sample if all are the same.

        Parameters
        ----------
        draws : mapping of str to ndarray, shape (n_samples, n_members)
            Weights of the members of the factors that are drawn.
        """
        inputs = self.inputs
        stimuli, groups, neurons = (draws.get(f) for f in ("stimuli", inputs.grouped_by, "neurons"))
        place = next((k for k, own in enumerate(self.counts) if own is stimuli), 0)
        stimuli = self.counts[place]
        by_rdm = np.ones((len(stimuli), len(inputs.matrices)), dtype=np.int64)
        by_rdm = by_rdm if groups is None else groups[:, inputs.group]
        if neurons is not None:
            if self.many and isinstance(self.measure.arithmetic, Linear):
                estimates, ceiling = self._of_many(neurons, place, by_rdm)
            else:
                estimates, ceiling = self._with_neurons(neurons, stimuli, by_rdm)
            return estimates, ceiling if self.halves is None else self._fixed(place)
        several = inputs.group if self.kind == inputs.grouped_by else None
        result = similarities(
            inputs.models_for(self.measure),
            inputs.data_for(self.measure),
            stimuli,
            self.measure,
            rdm_counts=by_rdm,
            subject=several,
            weigh_subjects=True,
        )
        from_halves = (self.kind == "neurons" and inputs.neurons) or (several is None and self.halves is not None)
        return result.models, self._fixed(place) if from_halves else result.ceiling

    def _fixed(self, place: int) -> Floats:
        """Ceilings from halves of the trials, or of all neurons, in samples of the stimuli."""
        if place not in self._ceilings:
            self._ceilings[place] = _half_ceilings(self._halves(), self.counts[place], self.measure)
        return self._ceilings[place]

    def _halves(self) -> Iterable[tuple[Floats, Floats]]:
        if self.halves is not None:
            return self.halves
        neurons = self.inputs.neurons[0]
        every = np.ones((1, neurons.n_groups), dtype=np.int64)
        splits = neuron_halves(neurons, every, n_splits(self.inputs), self.seed)
        return ((first[0], second[0]) for first, second in splits)

    def _with_neurons(self, neurons: Counts, stimuli: Counts, by_rdm: Counts) -> tuple[Floats, Floats]:
        """The same if every sample has its own neurons, and so its own RDMs; the same neurons in every session."""
        inputs, measure = self.inputs, self.measure
        estimates, ceiling = [], []
        population = [added_up(own) if isinstance(own, Neurons) else own for own in inputs.neurons]
        step = int(np.clip(NEURON_BYTES // (8 * inputs.n_pairs), 1, NEURON_SAMPLES))
        for start in range(0, len(neurons), step):
            part = slice(start, start + step)
            chosen = neurons[part]
            counts, amounts = (rows if len(rows) == 1 else rows[part] for rows in (stimuli, by_rdm))
            own = np.stack([groups.vectors(chosen) for groups in population])
            estimates.append(
                np.stack([sample_similarities(inputs.models, data, counts, measure) for data in own], axis=2)
            )
            if self.kind == "neurons":
                splits = neuron_halves(population[0], chosen, n_splits(inputs), self.seed)
                ceiling.append(_half_ceilings(splits, counts, measure))
            elif self.kind == "sessions":
                options: dict[str, Any] = {"rdm_counts": amounts, "subject": inputs.group, "weigh_subjects": True}
                ceiling.append(sample_ceilings(own, counts, measure, **options))
            else:
                ceiling.append(np.full((len(chosen), 2), np.nan))
        return np.concatenate(estimates), np.concatenate(ceiling)

    def _of_many(self, neurons: Counts, place: int, by_rdm: Counts) -> tuple[Floats, Floats]:
        """The same for many stimuli; all weightings of these are evaluated at once."""
        inputs, measure = self.inputs, self.measure.arithmetic
        if not self._own:
            populations = [Population(own, neurons) for own in inputs.neurons if isinstance(own, Neurons)]
            n_compared, pairs = len(populations), [*combinations(range(len(populations)), 2)]
            if self.kind == "neurons":
                for first in random_halves(neurons.shape[1], n_splits(inputs), self.seed):
                    pairs.append((len(populations), len(populations) + 1))
                    populations += [Population(populations[0].neurons, neurons * half) for half in (first, ~first)]
            self._own = similarities_of_neurons(
                inputs.model_matrices,
                populations,
                self.counts,
                centred=measure.centred,
                whitened=measure.whitened,
                n_compared=n_compared,
                pairs=pairs,
            )
        estimates, between = self._own[place]
        ceiling = np.full((len(neurons), 2), np.nan)
        if self.kind == "neurons":
            halves = [between[:, one, one + 1] for one in range(1, between.shape[1], 2)]
            ceiling = np.stack(bounds(np.mean(halves, axis=0)), axis=1)
        elif self.kind == "sessions":
            amounts = np.broadcast_to(by_rdm, (len(neurons), by_rdm.shape[1])).astype(float)
            ceiling = linear_ceiling(between, amounts, inputs.group, True)
        return estimates, ceiling


class KeptHalves:
    """Of the halves of the trials that a ceiling is computed from, those that are compared in every sample.

    Of many stimuli they are in single precision, as RDMs are.
    """

    def __init__(self, inputs: Inputs, repeats: Any, seed: int) -> None:
        self.kept: list[tuple[npt.NDArray[Any], npt.NDArray[Any]]] = []
        self._n_kept = 0 if repeats is None else len(different_splits(len(repeats), n_splits(inputs), seed))
        self._precision = np.float32 if inputs.n_stimuli > MANY_STIMULI else np.float64

    def see(self, *halves: Floats) -> None:
        """Keep the dissimilarities of two halves, unless there are enough."""
        if len(self.kept) < self._n_kept:
            first, second = (half.astype(self._precision, copy=False) for half in halves)
            self.kept.append((first, second))


def n_splits(inputs: Inputs) -> int:
    """Splits into halves in every sample."""
    return int(np.clip(CEILING_PAIRS // inputs.n_pairs, 2, 10))


def _half_ceilings(splits: Iterable[tuple[Floats, Floats]], counts: Counts, measure: Measure) -> Floats:
    """Ceilings from halves, split by split, each of shape (n_pairs,), or (n_samples, n_pairs) with one per sample."""
    each = []
    for halves in splits:
        if halves[0].ndim == 1 and are_many(len(halves[0])):
            each.append(similarities(halves[0][None], halves[1][None], counts, measure).models[:, 0, 0])
            continue
        own = [half if half.ndim == 2 else np.broadcast_to(half, (len(counts), len(half))) for half in halves]
        each.append(sample_similarities(own[0][None], own[1], counts, measure)[:, 0])
    return np.stack(bounds(np.mean(each, axis=0)), axis=1)
