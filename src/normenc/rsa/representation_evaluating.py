"""Similarities of representations, and their noise ceilings, in the samples of a bootstrap."""

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.rsa.ceiling import Ceiling, bounds, random_halves
from normenc.rsa.drawn_ceilings import in_draws
from normenc.rsa.matching import reliabilities
from normenc.rsa.representation_inputs import RepresentationInputs
from normenc.rsa.representation_measures import RepresentationMeasure
from normenc.rsa.representation_samples import KernelAlignment
from normenc.rsa.trials import half_splits

__all__ = ["RepresentationEvaluator", "representation_ceiling"]

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[Any]
SPLITS, SPLITS_IN_SAMPLES = 20, 10  # of so few as 2, ceilings vary twice as much over samples as over recordings
NONE = (float("nan"), float("nan"))


def representation_ceiling(inputs: RepresentationInputs, measure: RepresentationMeasure, seed: int) -> Ceiling:
    """The noise ceiling of a recording for a measure of representations.

    Of several animals, or sessions, the lower end is the mean similarity of each with the neurons of all others taken
    together, each population of the same total variance; the upper, for measures that are cosines of kernels, with all.
    Of one recording, halves of the trials or else of the neurons give it as the measure's `halves` say.
    """
    evaluator = RepresentationEvaluator(inputs, measure, seed, SPLITS)
    once = np.ones((1, inputs.n_stimuli), dtype=np.int64)
    lower, upper = evaluator.ceilings(once, None, None)[0]
    kind = evaluator.kind
    return Ceiling(kind, float(lower), float(upper)) if kind else Ceiling(evaluator.why_none, *NONE)


class RepresentationEvaluator:
    """Evaluates samples of stimuli, animals or sessions, and neurons.

    Parameters
    ----------
    inputs : RepresentationInputs
    measure : RepresentationMeasure
    seed : int
        Of the splits into halves.
    n_splits : int
        Splits into halves in every sample.
    """

    def __init__(
        self, inputs: RepresentationInputs, measure: RepresentationMeasure, seed: int, n_splits: int = SPLITS_IN_SAMPLES
    ):
        self.inputs, self.measure, self.seed, self.n_splits = inputs, measure, seed, n_splits
        self._fixed: dict[bytes, Floats] = {}  # ceilings that are the same in all samples but for the stimuli

    @property
    def kind(self) -> str:
        """What the ceiling is estimated from, see :class:`normenc.rsa.Ceiling`; empty without one."""
        inputs = self.inputs
        if inputs.grouped_by:
            return inputs.grouped_by
        if self.measure.halves == "none":
            return ""
        if inputs.repeats is not None:
            return "repeats"
        return "neurons" if inputs.neurons else ""

    @property
    def corrected(self) -> KernelAlignment | None:
        """The measure if it leaves out every neuron's product with itself, as corrected CKA does.

        Then the same neurons in other trials, or sessions, must not be multiplied with themselves, and no population
        with one that it is part of, so that there is no upper end.
        """
        arithmetic = self.measure.arithmetic
        return arithmetic if isinstance(arithmetic, KernelAlignment) and arithmetic.corrected else None

    @property
    def why_none(self) -> str:
        """Kind of a ceiling that there is not."""
        return "no formula" if self.inputs.repeats is not None or self.inputs.neurons else "none"

    def evaluate(self, draws: Mapping[str, Counts]) -> tuple[Floats, Floats]:
        """Similarity of every model's seeds with every recording, and both ceilings; one sample if all are the same.

        Parameters
        ----------
        draws : mapping of str to ndarray, shape (n_samples, n_members)
            Weights of the members of the factors that are drawn.
        """
        inputs = self.inputs
        once = np.ones((1, inputs.n_stimuli), dtype=np.int64)
        stimuli = draws.get("stimuli", once)
        neurons = inputs.weights_of_neurons(draws["neurons"]) if "neurons" in draws else None
        estimates = [
            self.measure.arithmetic.samples(inputs.responses, own, stimuli, neurons) for own in inputs.recorded
        ]
        groups = draws.get(inputs.grouped_by) if inputs.grouped_by else None
        return np.stack(estimates, axis=2), self.ceilings(stimuli, groups, neurons)

    def ceilings(self, stimuli: Counts, groups: Counts | None, neurons: Counts | None) -> Floats:
        """Lower and upper ceiling in samples, shape (n_samples, 2); one sample if all are the same."""
        if not self.kind:
            return np.full((1, 2), np.nan)
        if self.inputs.grouped_by:
            return self._of_groups(stimuli, groups, neurons)
        if neurons is not None and (self.kind == "neurons" or self.measure.halves == "trials" or self.corrected):
            return self._of_halves(stimuli, neurons)
        key = stimuli.tobytes()
        if key not in self._fixed:
            self._fixed[key] = self._of_halves(stimuli, None)
        return self._fixed[key]

    def _of_halves(self, stimuli: Counts, neurons: Counts | None) -> Floats:
        if self.kind == "repeats" and self.measure.halves == "trials":
            return self._of_single_neurons(stimuli, neurons)
        if self.kind == "repeats" and self.corrected:
            same = self.corrected.of_same_neurons
            return _lower_alone(np.mean([same(*own[:2], stimuli, neurons) for own in self._halves(None)], axis=0))
        values = [
            self.measure.arithmetic.between(first, second, stimuli, units)
            for first, second, units in self._halves(neurons)
        ]
        similarity = np.mean(values, axis=0)
        if self.measure.halves == "formula":
            if neurons is None or self.kind == "repeats":
                return np.stack(bounds(similarity), axis=1)
            times = 2 * neurons.shape[1] / (neurons > 0).sum(axis=1)
            return np.stack(bounds(similarity, times), axis=1)
        return _lower_alone(similarity)

    def _of_single_neurons(self, stimuli: Counts, neurons: Counts | None) -> Floats:
        """From each neuron's reliability: another recording of the neuron, and its noise-free tuning, match it best."""
        halves = [(first, second) for first, second, _ in self._halves(None)]
        own = reliabilities(halves, stimuli)
        counts = np.ones((1, own.shape[1]), dtype=np.int64) if neurons is None else neurons
        ends = []
        for sample in range(max(len(own), len(counts))):
            drawn = np.repeat(own[sample % len(own)], counts[sample % len(counts)])
            best = np.sort(drawn)[::-1][: max(1, round(self.measure.fraction * len(drawn)))]
            ends.append((best.mean(), np.sqrt(np.maximum(best, 0)).mean()))
        return np.array(ends)

    def _halves(self, neurons: Counts | None) -> Iterator[tuple[Floats, Floats, tuple[Counts, Counts] | None]]:
        inputs = self.inputs
        if self.kind == "repeats":
            assert inputs.repeats is not None
            for parts in half_splits(len(inputs.repeats), self.n_splits, self.seed):
                first, second = (_centred(inputs.repeats[part].mean(axis=0)) for part in parts)
                yield first, second, None
            return
        y = inputs.recorded[0]
        if neurons is None:
            for halves in random_halves(np.ones((1, len(inputs.members))), self.n_splits, self.seed):
                first, second = (inputs.weights_of_neurons(half)[0] > 0 for half in halves)
                yield y[:, first], y[:, second], None
            return
        of_groups = neurons[:, [own[0] for own in inputs.members]]
        for first, second in random_halves(of_groups, self.n_splits, self.seed):
            yield y, y, (inputs.weights_of_neurons(first), inputs.weights_of_neurons(second))

    def _of_groups(self, stimuli: Counts, groups: Counts | None, neurons: Counts | None) -> Floats:
        """From several animals or sessions.

        They are not computed from drawn ones: one that is drawn twice would be among the others it is compared with.
        Of cosines of kernels they follow the similarity of pairs, as those of RDMs do. Those of other measures change
        with an animal's share by as much as they do without it, as in a jackknife.
        """
        everyone = self._of_all(stimuli, neurons)
        if groups is None:
            return everyone
        inputs, n = self.inputs, self.inputs.n_groups
        if self.measure.arithmetic.pairs_matter and not self.corrected:
            return in_draws(everyone, self._between(stimuli, neurons), groups[:, inputs.group], inputs.group)
        if n == 2:  # of which one is nothing to be compared with
            return np.broadcast_to(everyone, (len(groups), 2))
        without = np.stack([self._of_all(stimuli, neurons, left_out=one) for one in range(n)])
        shares = groups / groups.sum(axis=1, keepdims=True)
        return everyone - (n - 1) * np.einsum("bg,gbk->bk", shares, without - without.mean(axis=0))

    def _of_all(self, stimuli: Counts, neurons: Counts | None, left_out: int | None = None) -> Floats:
        """Of all animals or sessions but one, in samples of stimuli and neurons; each is computed once."""
        rows = [own for own in (stimuli, neurons) if own is not None]
        key = b"".join(own.tobytes() for own in rows) + str(left_out).encode()
        if key not in self._fixed:
            n_samples = max(map(len, rows))
            each = [np.broadcast_to(own, (n_samples, own.shape[1])) for own in rows]
            kept = [one for one in range(self.inputs.n_groups) if one != left_out]
            self._fixed[key] = np.array(
                [
                    self._of_sample(each[0][[k]], kept, None if neurons is None else each[1][[k]])
                    for k in range(n_samples)
                ]
            )
        return self._fixed[key]

    def _between(self, stimuli: Counts, neurons: Counts | None) -> Floats:
        """Similarities of the recordings of different animals or sessions, (n_samples, n_recordings, n_recordings)."""
        inputs = self.inputs
        n, n_samples = len(inputs.recorded), max(len(own) for own in (stimuli, neurons) if own is not None)
        found = np.full((n_samples, n, n), np.nan)
        for one, other in combinations(range(n), 2):
            if inputs.group[one] != inputs.group[other]:
                two = inputs.recorded[one], inputs.recorded[other]
                units = None if neurons is None else (neurons, neurons)
                value = self.measure.arithmetic.between(*two, stimuli, units)
                found[:, one, other] = found[:, other, one] = value
        return found

    def _of_sample(self, stimuli: Any, kept: list[int], neurons: Any) -> Floats:
        """In one sample, of the animals or sessions that are kept."""
        inputs, arithmetic = self.inputs, self.measure.arithmetic
        scaled = [own / np.linalg.norm(own) for own in inputs.recorded]
        if arithmetic.pairs_matter:  # cosines of kernels: all kernels of the same length
            scaled = [own / np.sqrt(np.linalg.norm(own @ own.T)) for own in inputs.recorded]
        upper = arithmetic.pairs_matter and not self.corrected
        found: list[list[float]] = [[], []]
        for place in np.flatnonzero(np.isin(inputs.group, kept)).tolist():
            for end, left_out in enumerate((inputs.group[place], None) if upper else (inputs.group[place],)):
                others = [k for k, group in enumerate(inputs.group) if group in kept and group != left_out]
                if self.corrected and inputs.n_neurons:  # the same neurons in several sessions
                    mean = np.mean([scaled[k] for k in others], axis=0)
                    value = self.corrected.of_same_neurons(mean, inputs.recorded[place], stimuli, neurons)[0]
                else:
                    pooled = np.hstack([scaled[k] for k in others])
                    units = None
                    if neurons is not None:
                        units = np.tile(neurons, len(others)), neurons
                    elif not arithmetic.pairs_matter:  # as in samples of neurons
                        units = _once(pooled), _once(inputs.recorded[place])
                    value = arithmetic.between(pooled, inputs.recorded[place], stimuli, units)[0]
                found[end].append(float(value))
        return np.array([np.mean(own) if own else np.nan for own in found])


def _lower_alone(similarity: Floats) -> Floats:
    """Ceilings of which the upper end is unknown."""
    return np.stack([similarity, np.full(len(similarity), np.nan)], axis=1)


def _once(population: Floats) -> Counts:
    """Each neuron once."""
    return np.ones((1, population.shape[1]), dtype=np.int64)


def _centred(values: Floats) -> Floats:
    return np.asarray(values - values.mean(axis=0))
