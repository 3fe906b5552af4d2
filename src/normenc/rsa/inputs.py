"""Models and a recording as :func:`normenc.rsa.infer` takes them, checked once and turned into vectors of pairs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_array
from normenc.errors import InputError
from normenc.rsa.ceiling import subject_indices
from normenc.rsa.comparison import compare_vectors
from normenc.rsa.dissimilarity import rdm
from normenc.rsa.neurons import METRICS, NeuronGroups, group_neurons
from normenc.rsa.pairs import as_rdms, check_same_stimuli, upper

__all__ = ["FACTORS", "Inputs"]

Floats = npt.NDArray[np.float64]
FACTORS = ("stimuli", "animals", "neurons", "seeds")


@dataclass(frozen=True)
class Inputs:
    """Models and data as vectors of pairs; `owner` says which model each vector is of, `member` which seed."""

    names: list[str]
    owner: npt.NDArray[np.int64]
    member: npt.NDArray[np.int64]
    models: Floats
    model_matrices: Floats
    matrices: Floats
    subject: npt.NDArray[np.int64]
    neurons: NeuronGroups | None
    n_neurons: int

    @classmethod
    def of(
        cls,
        models: Mapping[str, Any],
        data: Any,
        responses: Any,
        repeats: Any,
        rdm_metric: str,
        subject: Any,
        seed: int,
    ) -> "Inputs":
        """Check models and recording against each other; :func:`normenc.rsa.infer` says what they are."""
        if not models:
            raise InputError("there are no models to compare")
        if data is None:
            if responses is None and repeats is None:
                raise InputError("there is no recording: give data (its RDMs), responses or repeats")
            data = rdm(
                responses if responses is not None else as_array(repeats, "repeats").mean(axis=0), metric=rdm_metric
            )
        matrices = as_rdms(data, "the data")
        if (responses is not None or repeats is not None) and len(matrices) > 1:
            raise InputError(f"responses and repeats are of one recording, but the data are {len(matrices)} RDMs")
        stacks = {name: as_rdms(values, f"the model {name!r}") for name, values in models.items()}
        for name, stack in stacks.items():
            if stack.shape[1] != matrices.shape[1]:
                raise InputError(
                    f"the model {name!r} has {stack.shape[1]} stimuli and the data {matrices.shape[1]}; they must be "
                    "the same stimuli in one order"
                )
            check_same_stimuli(models[name], data, f"the model {name!r}", "the data")
        several = {name: len(stack) for name, stack in stacks.items() if len(stack) > 1}
        if len(set(several.values())) > 1:
            raise InputError(f"models have different numbers of seeds: {several}; give each the same seeds, or one")
        neurons = None
        if responses is not None and rdm_metric in METRICS:
            neurons = group_neurons(responses, rdm_metric, seed=seed)
        all_matrices = np.concatenate(list(stacks.values()))
        return cls(
            names=list(stacks),
            owner=np.repeat(np.arange(len(stacks)), [len(s) for s in stacks.values()]),
            member=np.concatenate([np.arange(len(s)) if len(s) > 1 else [-1] for s in stacks.values()]),
            models=upper(all_matrices),
            model_matrices=all_matrices,
            matrices=matrices,
            subject=subject_indices(subject, len(matrices)),
            neurons=neurons,
            n_neurons=0 if responses is None else int(np.shape(responses)[1]),
        )

    @property
    def n_stimuli(self) -> int:
        """Number of stimuli."""
        return self.matrices.shape[1]

    @property
    def n_animals(self) -> int:
        """Number of animals, or of sessions where these count as such."""
        return int(self.subject.max()) + 1

    @property
    def n_seeds(self) -> int:
        """Number of seeds of the models that have several."""
        return int(self.member.max()) + 1

    def sizes(self, factors: tuple[str, ...]) -> dict[str, float]:
        """How many members of each factor are drawn from; of neurons, their groups."""
        n_groups = 0 if self.neurons is None else len(self.neurons.sizes)
        every = dict(zip(FACTORS, (self.n_stimuli, self.n_animals, n_groups, self.n_seeds), strict=True))
        return {factor: float(every[factor]) for factor in factors}

    def counts(self, factors: tuple[str, ...]) -> dict[str, int]:
        """How many there are of each factor; neurons themselves, not their groups."""
        return {f: self.n_neurons if f == "neurons" else int(n) for f, n in self.sizes(factors).items()}

    def average(self, found: Floats, animals: npt.NDArray[Any] | None, seeds: npt.NDArray[Any] | None) -> Floats:
        """Mean over the data's RDMs, then over seeds: (n_samples, n_vectors, n_rdms) to (n_samples, n_models)."""
        by_rdm = np.ones((1, found.shape[2])) if animals is None else animals[:, self.subject]
        each = np.einsum("bvr,br->bv", found, np.broadcast_to(by_rdm, (len(found), by_rdm.shape[1])))
        each = each / by_rdm.sum(axis=1, keepdims=True)
        by_seed = np.ones((1, max(1, self.n_seeds))) if seeds is None else seeds
        weights = np.where(self.member >= 0, by_seed[:, self.member], 1.0)
        weights = np.broadcast_to(weights, each.shape)
        sums = np.zeros((len(each), len(self.names)))
        totals = np.zeros_like(sums)
        for vector, owner in enumerate(self.owner):
            sums[:, owner] += each[:, vector] * weights[:, vector]
            totals[:, owner] += weights[:, vector]
        return sums / totals

    def estimate(self, method: str) -> Floats:
        """Mean similarity of each model, shape (n_models,)."""
        found = compare_vectors(self.models, upper(self.matrices), method)
        return self.average(found[None], None, None)[0]

    def chosen_factors(self, factors: Sequence[str] | None) -> tuple[str, ...]:
        """Those of `factors` in the order of :data:`FACTORS`; all that can be resampled where None is given."""
        possible = {
            "stimuli": True,
            "animals": self.n_animals > 1,
            "neurons": self.neurons is not None,
            "seeds": self.n_seeds > 1,
        }
        if factors is None:
            return tuple(f for f in FACTORS if possible[f])
        needs = {
            "animals": "RDMs of at least two animals or sessions",
            "neurons": "responses, and a metric that is a sum over neurons",
            "seeds": "at least one model with several seeds",
        }
        for factor in factors:
            if factor not in FACTORS:
                raise InputError(f"factors: {factor!r} is none of {', '.join(FACTORS)}")
            if not possible[factor]:
                raise InputError(f"factors: {factor!r} cannot be resampled; that needs {needs[factor]}")
        if not factors:
            raise InputError("factors is empty; name at least one of " + ", ".join(FACTORS))
        return tuple(f for f in FACTORS if f in factors)
