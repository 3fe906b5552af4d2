"""Both tests of all models against chance: label permutations and, for stimuli in order on a circle, shifts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.rsa.inputs import Inputs
from normenc.rsa.measures import Measure
from normenc.rsa.pairs import MANY_STIMULI
from normenc.rsa.permutation import Chance, circular_shifts, label_permutations, rounding_of, with_observed

__all__ = ["Tested", "chance_tests"]

Floats = npt.NDArray[np.float64]
AT_ONCE = 16  # RDMs of many stimuli that are permuted together


@dataclass(frozen=True)
class Tested:
    """P-values of all models that have a similarity, and the smallest possible ones, shape (n_models,), by test."""

    permutations: tuple[Floats, Floats]
    shifts: tuple[Floats, Floats]
    n_orders: int
    n_shifts: int

    def p_values(self, known: npt.NDArray[np.bool_]) -> dict[str, tuple[Floats, Floats]]:
        """The same by the name of their column, NaN for models without a similarity."""
        return {
            "p_permutations": (_spread(self.permutations[0], known), _spread(self.permutations[1], known)),
            "p_shifts": (_spread(self.shifts[0], known), _spread(self.shifts[1], known)),
        }


def chance_tests(inputs: Inputs, measure: Measure, shifted: bool, n_permutations: int, seed: int) -> Tested:
    """Test whether models and data are related at all and, for stimuli in order, whether the match is tied to places.

    Parameters
    ----------
    inputs : Inputs
        Of the stimuli that are permuted.
    measure : Measure
    shifted : bool
        Whether the stimuli are in order on a circle, evenly spaced.
    n_permutations, seed : int
    """
    models = _Stacks(inputs)
    tests = [label_permutations(models, inputs.matrices, n_permutations=n_permutations, seed=seed)]
    tests += [circular_shifts(models, inputs.matrices)] if shifted else []
    unknown = (np.full(len(inputs.names), np.nan),) * 2
    found = _tested(inputs, measure, tests)
    sizes = [len(test.orders) + 1 for test in tests]
    return Tested(found[0], found[1] if shifted else unknown, sizes[0], sizes[1] if shifted else 0)


def _tested(inputs: Inputs, measure: Measure, tests: Sequence[Chance]) -> list[tuple[Floats, Floats]]:
    """P-value of each model's mean over seeds, and the smallest possible one, by permuting the data's stimuli."""
    matrices, roundings = inputs.model_matrices, []
    similarities: list[list[Floats]] = [[] for _ in tests]
    step = len(matrices) if inputs.n_stimuli <= MANY_STIMULI else AT_ONCE
    for start in range(0, len(matrices), step):
        models = np.stack([np.asarray(own, np.float64) for own in matrices[start : start + step]])
        for test, similar in zip(tests, similarities, strict=True):
            similar.append(with_observed(models, inputs.matrices, test.orders, measure))
        roundings.append(rounding_of(models, inputs.matrices, measure))
    rounding = np.zeros(len(inputs.names))
    np.maximum.at(rounding, inputs.owner, np.concatenate(roundings))
    found = []
    for test, similar in zip(tests, similarities, strict=True):
        each = inputs.average(np.concatenate(similar, axis=1)[:, :, None], None, None)
        found.append((test.p_values(each[1:], each[0], rounding), test.smallest_p))
    return found


def _spread(values: Floats, known: npt.NDArray[np.bool_]) -> Floats:
    spread = np.full(len(known), np.nan)
    spread[known] = values
    return spread


class _Stacks(Sequence[Floats]):
    """RDMs of each model, (n_seeds, n_stimuli, n_stimuli), no more than one of them at a time."""

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs

    def __len__(self) -> int:
        return len(self._inputs.names)

    def __getitem__(self, model: Any) -> Any:
        if model >= len(self):
            raise IndexError(model)
        return self._inputs.seeds_of(model)
