"""Halves of the trials, from which the noise ceiling of repeats comes, in every way that samples need them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.rsa.inputs import Inputs
from normenc.rsa.neurons import METRICS, NeuronGroups, Neurons, added_up, rdm_invariants
from normenc.rsa.pairs import MANY_STIMULI
from normenc.rsa.recorded import packed
from normenc.rsa.trials import half_splits

__all__ = ["KeptHalves", "RepeatHalves", "n_splits"]

Population = NeuronGroups | Neurons
CEILING_PAIRS = 40_000  # limit on dissimilarities of halves in a bootstrap sample; only the estimate uses all splits


def n_splits(inputs: Inputs) -> int:
    """Splits into halves in every sample."""
    return int(np.clip(CEILING_PAIRS // inputs.n_pairs, 2, 10))


class KeptHalves:
    """Of the halves of the trials that a ceiling is computed from, those that are compared in every sample.

    Of many stimuli they are in single precision, as RDMs are.
    """

    def __init__(self, inputs: Inputs) -> None:
        self.kept: list[tuple[npt.NDArray[Any], npt.NDArray[Any]]] = []
        self._most = n_splits(inputs)
        self._precision = np.float32 if inputs.n_stimuli > MANY_STIMULI else np.float64

    def see(self, *halves: npt.NDArray[Any]) -> None:
        """Keep the dissimilarities of two halves, unless there are enough."""
        if len(self.kept) < self._most:
            first, second = (half.astype(self._precision, copy=False) for half in halves)
            self.kept.append((first, second))


@dataclass(frozen=True)
class RepeatHalves:
    """Two halves of the trials, split by split.

    Attributes
    ----------
    vectors : sequence of pairs of ndarray, shape (n_pairs,)
        Their dissimilarities; of many stimuli in single precision, as RDMs are.
    splits : sequence of pairs of list of int
        The repeats of each half.
    populations : sequence of pairs of NeuronGroups or Neurons
        Their mean responses in groups of neurons; empty if neurons are not resampled.
    """

    vectors: Sequence[tuple[npt.NDArray[Any], npt.NDArray[Any]]]
    splits: Sequence[tuple[list[int], list[int]]]
    populations: Sequence[tuple[Population, Population]]

    @classmethod
    def of(cls, kept: KeptHalves, repeats: Any, inputs: Inputs, metric: str, seed: int) -> "RepeatHalves":
        """From repeats (n_repeats, n_stimuli, n_neurons), of which stimuli may have different numbers."""
        number, many = n_splits(inputs), inputs.n_stimuli > MANY_STIMULI
        if metric not in METRICS:
            return cls(kept.kept[: len(list(half_splits(len(repeats), number, seed)))], (), ())
        values, n_trials = packed(repeats)
        splits = list(half_splits(int(n_trials.min()), number, seed))
        vectors = kept.kept[: len(splits)]
        if not inputs.members:
            return cls(vectors, splits, ())

        def population(half: list[int]) -> Population:
            mean = values[half].mean(axis=0, dtype=np.float64).astype(values.dtype, copy=False)
            own = Neurons(mean, *rdm_invariants(mean, metric), inputs.members, metric)
            return own if many else added_up(own)

        return cls(vectors, splits, [(population(first), population(second)) for first, second in splits])
