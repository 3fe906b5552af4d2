"""Model similarities and noise ceilings in the samples of a bootstrap."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.rsa.ceiling import bounds, neuron_halves
from normenc.rsa.drawn_ceilings import in_draws
from normenc.rsa.halves import RepeatHalves, n_splits
from normenc.rsa.inputs import Inputs
from normenc.rsa.linear import Linear
from normenc.rsa.linear_samples import linear_ceiling
from normenc.rsa.measures import Measure
from normenc.rsa.neuron_noise import NeuronNoise
from normenc.rsa.neurons import NeuronGroups, Neurons, added_up
from normenc.rsa.own_neurons import Population, similarities_of_neurons
from normenc.rsa.pairs import MANY_STIMULI
from normenc.rsa.quadratic import are_many
from normenc.rsa.trials import BY_NEURON, DrawsByNeuron, TrialDraws, halves_of
from normenc.rsa.weighted import sample_ceilings, sample_similarities, similarities

__all__ = ["Draws", "Evaluator"]

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
PRODUCTS_BY_NEURON = 10**10  # of responses, where each group of neurons has trials of its own: about a second,
FEWEST_BY_NEURON = 50  # but not fewer samples than these
NOISE_STIMULI = 400  # of very many, from which it follows how much a ceiling varies over neurons
NEURON_SAMPLES = 20  # bootstrap samples of neurons at a time, each with its own RDM,
NEURON_BYTES = 2**28  # and at most this many dissimilarities, if at least two samples fit


@dataclass(frozen=True)
class Draws:
    """Weights of a factor's members in every sample, shape (n_samples, n_members), and their effect on a variance.

    Trials are drawn within each stimulus; theirs are :class:`normenc.rsa.trials.TrialDraws`. `beside` are the weights
    that go with :class:`normenc.rsa.neuron_parts.NeuronDraws`.
    """

    weights: Any
    inflation: tuple[float, ...]
    beside: Any = None


class Evaluator:
    """Evaluates samples of stimuli, animals or sessions, and neurons.

    For parameters see :func:`normenc.rsa.bootstrap.bootstrap`; `draws` are the samples of every factor.
    """

    def __init__(
        self,
        inputs: Inputs,
        measure: Measure,
        kind: str,
        halves: RepeatHalves | None,
        seed: int,
        draws: Mapping[str, Sequence[Any]],
    ):
        self.inputs, self.measure, self.kind, self.halves, self.seed = inputs, measure, kind, halves, seed
        self.many = inputs.n_stimuli > MANY_STIMULI
        everyone = np.ones((1, inputs.n_stimuli), dtype=np.int64)
        self.counts = [everyone, *(draw.weights for draw in draws.get("stimuli", []))]
        self.beside = [everyone, *(draw.beside for draw in draws.get("stimuli", []))]
        (self.neurons,) = draws.get("neurons", [None])
        self._ceilings: dict[int, Floats] = {}  # from halves that are the same in all samples, by weighting of stimuli
        self._own: list[tuple[Floats, Floats]] = []  # of samples of neurons, by weighting of stimuli
        self._by_place: Floats | None = None  # ceilings in samples of neurons
        self._grouped: dict[int, tuple[Floats, Floats, Floats]] = {}  # of all animals, by weighting of stimuli

    def evaluate(self, draws: Mapping[str, Any]) -> tuple[Floats, Floats]:
        """Similarity of every model's vectors with the data's, and both ceilings; one sample if all are the same.

        Parameters
        ----------
        draws : mapping of str to ndarray, shape (n_samples, n_members), or TrialDraws
            Weights of the members of the factors that are drawn. Trials are never drawn together with stimuli,
            animals or sessions, which have trials of their own.
        """
        inputs = self.inputs
        if "trials" in draws:
            return self._with_trials(draws["trials"])
        if BY_NEURON in draws:
            return self._by_neuron(draws[BY_NEURON])
        stimuli, groups, neurons = (draws.get(f) for f in ("stimuli", inputs.grouped_by, "neurons"))
        every = self.counts if neurons is None else self.beside
        place = next((k for k, own in enumerate(every) if own is stimuli), 0)
        stimuli = every[place]
        by_rdm = np.ones((len(stimuli), len(inputs.matrices)), dtype=np.int64)
        by_rdm = by_rdm if groups is None else groups[:, inputs.group]
        if neurons is not None:
            if self.many and isinstance(self.measure.arithmetic, Linear):
                estimates, ceiling = self._of_many(neurons, place, by_rdm)
            else:
                estimates, ceiling = self._with_neurons(neurons, place, by_rdm)
            fixed = self.halves is not None and not self.halves.populations
            return estimates, self._fixed_beside(place) if fixed else ceiling
        several = inputs.group if self.kind == inputs.grouped_by else None
        if several is not None and self.measure.is_correlation:
            estimates, ceiling, between = self._with_all_groups(place)
            return estimates, in_draws(ceiling, between, by_rdm, several)
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

    def _with_all_groups(self, place: int) -> tuple[Floats, Floats, Floats]:
        """Estimates, ceilings and similarities of all RDMs with each other, in samples of the stimuli alone."""
        if place not in self._grouped:
            models, data = self.inputs.models_for(self.measure), self.inputs.data_for(self.measure)
            n, stimuli = len(models), self.counts[place]
            result = similarities(
                np.vstack([models, data]) if isinstance(models, np.ndarray) else [*models, *data],
                data,
                stimuli,
                self.measure,
                rdm_counts=np.ones((len(stimuli), len(data)), dtype=np.int64),
                subject=self.inputs.group,
            )
            self._grouped[place] = result.models[:, :n], result.ceiling, result.models[:, n:]
        return self._grouped[place]

    def _fixed(self, place: int) -> Floats:
        """Ceilings from halves of the trials, or of all neurons, in samples of the stimuli."""
        if place not in self._ceilings:
            self._ceilings[place] = _half_ceilings(self._halves(), self.counts[place], self.measure)
        return self._ceilings[place]

    def _fixed_beside(self, place: int) -> Floats:
        """The same beside samples of neurons."""
        return self.neurons.beside(self._fixed(place)) if place else self._fixed(place)

    def _halves(self) -> Iterable[tuple[Floats, Floats]]:
        if self.halves is not None:
            return self.halves.vectors
        neurons = self.inputs.neurons[0]
        every = np.ones((1, neurons.n_groups), dtype=np.int64)
        splits = neuron_halves(neurons, every, n_splits(self.inputs), self.seed)
        return ((first[0], second[0]) for first, second in splits)

    def _with_neurons(self, neurons: Counts, place: int, by_rdm: Counts) -> tuple[Floats, Floats]:
        """The same if every sample has its own neurons, and so its own RDMs; the same neurons in every session."""
        inputs, measure, stimuli = self.inputs, self.measure, self.beside[place]
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
                ceiling.append(self._of_neurons([place], chosen, part, own[0])[0])
            elif self.halves is not None and self.halves.populations:
                ceiling.append(_half_ceilings(self._halves_of(chosen), counts, measure, self._times(chosen)))
            elif self.kind == "sessions":
                ceiling.append(self._of_sessions(own, counts, amounts))
            else:
                ceiling.append(np.full((len(chosen), 2), np.nan))
        return np.concatenate(estimates), np.concatenate(ceiling)

    def _of_neurons(self, places: Sequence[int], neurons: Counts, part: slice, own: Floats | None = None) -> Floats:
        """Ceilings of all neurons, changed by as much as the reliability of the samples' RDMs, `own`, differs.

        Under each of some weightings of the stimuli: shape (n_places, n_samples, 2).
        """
        if not self.measure.is_correlation:
            return np.full((len(places), len(neurons), 2), np.nan)
        some, noise = self._noise
        own = noise.neurons.vectors(neurons) if own is None or len(some) < self.inputs.n_stimuli else own
        chosen = [part if len(self.beside[place]) > 1 else slice(None) for place in places]
        ways = [self.beside[place][rows][:, some] for place, rows in zip(places, chosen, strict=True)]
        ceilings = []
        for place, rows, change in zip(places, chosen, noise.reliabilities(neurons, own, ways), strict=True):
            lower = self._fixed_beside(place)[rows, 0] + change - self._reliabilities[place][rows]
            ceilings.append(np.stack([lower, np.sqrt(np.maximum(lower, 0))], axis=1))
        return np.stack(ceilings)

    @cached_property
    def _reliabilities(self) -> list[Floats]:
        """Of the RDM of all neurons, in samples of the stimuli under each weighting, beside samples of neurons."""
        some, noise = self._noise
        every = np.ones((1, noise.neurons.n_groups), dtype=np.int64)
        own = noise.neurons.vectors(every)
        return [noise.reliabilities(every, own, [counts[:, some]])[0] for counts in self.beside]

    @cached_property
    def _noise(self) -> tuple[npt.NDArray[np.intp], NeuronNoise]:
        """What each group of neurons adds to the RDM of all stimuli or, if they are very many, of some."""
        neurons, arithmetic = self.inputs.neurons[0], self.measure.arithmetic
        centred = arithmetic.centred if isinstance(arithmetic, Linear) else True
        some = np.arange(self.inputs.n_stimuli)
        if isinstance(neurons, Neurons):
            some = np.sort(np.random.default_rng([self.seed, 8]).permutation(some)[:NOISE_STIMULI])
            neurons = added_up(neurons.of_stimuli(some))
        return some, NeuronNoise.of(neurons, centred=centred)

    def _times(self, neurons: Counts) -> Floats:
        """How many times a half of each sample is contained in the recording, for :func:`spearman_brown`."""
        sizes = np.array([len(own) for own in self.inputs.members])
        return np.asarray(2 * sizes.sum() / (neurons @ sizes))

    def _of_sessions(self, own: Floats, counts: Counts, amounts: Counts) -> Floats:
        """Ceilings of samples whose RDMs are `own`, shape (n_rdms, n_samples, n_pairs)."""
        measure, subject = self.measure, self.inputs.group
        if not measure.is_correlation:
            return sample_ceilings(own, counts, measure, rdm_counts=amounts, subject=subject, weigh_subjects=True)
        between = np.stack([sample_similarities(own, data, counts, measure) for data in own], axis=2)
        ceiling = sample_ceilings(own, counts, measure, rdm_counts=np.ones_like(amounts), subject=subject)
        return in_draws(ceiling, between, amounts, subject)

    def _halves_of(self, neurons: Counts) -> Iterator[tuple[Floats, Floats]]:
        """Dissimilarities of halves of the trials in samples of neurons."""
        assert self.halves is not None
        for first, second in self.halves.populations:
            assert isinstance(first, NeuronGroups) and isinstance(second, NeuronGroups)
            yield first.vectors(neurons), second.vectors(neurons)

    def _with_trials(self, trials: TrialDraws) -> tuple[Floats, Floats]:
        """The same if every sample has its own trials of each stimulus."""
        of_trials, found = self.inputs.trials, []
        assert of_trials is not None
        for start in range(0, len(trials), NEURON_SAMPLES):
            part = trials.part(slice(start, start + NEURON_SAMPLES))
            halves = [[of_trials.vectors(part.half(half)) for half in two] for two in self._splits]
            found.append(self._compared(of_trials.vectors(part.mean()), halves))
        return _joined(found)

    def _by_neuron(self, trials: DrawsByNeuron) -> tuple[Floats, Floats]:
        """The same if each group of neurons has trials of its own; of large recordings fewer samples."""
        of_trials, found = self.inputs.trials, []
        assert of_trials is not None
        size = self.inputs.n_stimuli**2 * self.inputs.n_neurons * (1 + 2 * len(self._splits))
        n_samples = min(trials.n_samples, max(FEWEST_BY_NEURON, PRODUCTS_BY_NEURON // size))
        for start in range(0, n_samples, NEURON_SAMPLES):
            part = [trials.of_groups(sample) for sample in range(start, min(start + NEURON_SAMPLES, n_samples))]
            halves = [[of_trials.vectors_by_neuron(halves_of(part, half)) for half in two] for two in self._splits]
            found.append(self._compared(of_trials.vectors_by_neuron([own.mean() for own in part]), halves))
        return _joined(found)

    @property
    def _splits(self) -> Sequence[tuple[list[int], list[int]]]:
        return () if self.halves is None else self.halves.splits

    def _compared(self, own: Floats, halves: list[list[Floats]]) -> tuple[Floats, Floats]:
        """Similarities, and ceilings from halves, of samples whose RDMs are `own`, (n_samples, n_pairs)."""
        once = np.ones((1, self.inputs.n_stimuli), dtype=np.int64)
        ceiling = np.full((len(own), 2), np.nan)
        if halves:
            ceiling = _half_ceilings(((first, second) for first, second in halves), once, self.measure)
        return sample_similarities(self.inputs.models, own, once, self.measure)[:, :, None], ceiling

    def _of_many(self, neurons: Counts, place: int, by_rdm: Counts) -> tuple[Floats, Floats]:
        """The same for many stimuli; all weightings of these are evaluated at once."""
        inputs, measure = self.inputs, self.measure.arithmetic
        if not self._own:
            populations = [Population(own, neurons) for own in inputs.neurons if isinstance(own, Neurons)]
            n_compared, pairs = len(populations), [*combinations(range(len(populations)), 2)]
            for two in () if self.halves is None else self.halves.populations:
                pairs.append((len(populations), len(populations) + 1))
                populations += [Population(own, neurons) for own in two if isinstance(own, Neurons)]
            self._own = similarities_of_neurons(
                inputs.model_matrices,
                populations,
                self.beside,
                centred=measure.centred,
                whitened=measure.whitened,
                n_compared=n_compared,
                pairs=pairs,
            )
        estimates, between = self._own[place]
        ceiling = np.full((len(neurons), 2), np.nan)
        if self.kind == "neurons":
            ceiling = self._of_all_weightings(neurons)[place]
        elif self.halves is not None and self.halves.populations:
            halves = [between[:, one, one + 1] for one in range(1, between.shape[1], 2)]
            ceiling = np.stack(bounds(np.mean(halves, axis=0), self._times(neurons)), axis=1)
        elif self.kind == "sessions":
            everyone = linear_ceiling(between, np.ones(between.shape[:2]), inputs.group, False)
            ceiling = in_draws(everyone, between, by_rdm, inputs.group)
        return estimates, ceiling

    def _of_all_weightings(self, neurons: Counts) -> Floats:
        """Ceilings in samples of neurons under every weighting of the stimuli, (n_weightings, n_samples, 2)."""
        if self._by_place is None:
            every = [*range(len(self.counts))]
            parts = [slice(start, start + NEURON_SAMPLES) for start in range(0, len(neurons), NEURON_SAMPLES)]
            self._by_place = np.concatenate([self._of_neurons(every, neurons[part], part) for part in parts], axis=1)
        return self._by_place


def _joined(found: list[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    return np.concatenate([own for own, _ in found]), np.concatenate([ceiling for _, ceiling in found])


def _half_ceilings(
    splits: Iterable[tuple[Floats, Floats]], counts: Counts, measure: Measure, times: Floats | float = 2.0
) -> Floats:
    """Ceilings from halves, split by split, each of shape (n_pairs,), or (n_samples, n_pairs) with one per sample."""
    each = []
    for halves in splits:
        if halves[0].ndim == 1 and are_many(len(halves[0])):
            each.append(similarities(halves[0][None], halves[1][None], counts, measure).models[:, 0, 0])
            continue
        own = [half if half.ndim == 2 else np.broadcast_to(half, (len(counts), len(half))) for half in halves]
        each.append(sample_similarities(own[0][None], own[1], counts, measure)[:, 0])
    return np.stack(bounds(np.mean(each, axis=0), times), axis=1)
