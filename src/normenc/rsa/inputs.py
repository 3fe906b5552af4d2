"""The inputs of :func:`normenc.rsa.infer`, checked once and turned into vectors of pairs."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_array
from normenc.errors import InputError
from normenc.rsa.dissimilarity import rdm
from normenc.rsa.labelled import labels_of, labels_of_rdm, turned, turned_stack
from normenc.rsa.labels import Labels, check_same
from normenc.rsa.linear import Linear
from normenc.rsa.measures import Measure
from normenc.rsa.neurons import METRICS, NeuronGroups, Neurons, added_up, deal
from normenc.rsa.pairs import MANY_STIMULI, as_rdm, as_rdms, upper
from normenc.rsa.recorded import check_kind, check_metric, groups_of, packed, rdm_of_repeats, whose_rdms
from normenc.rsa.stored import Matrix, StoredRdm, of_stimuli
from normenc.rsa.trials import Trials, why_not_drawn
from normenc.rsa.weighted import similarities

__all__ = ["FACTORS", "GROUPS", "Inputs", "checked_one_by_one", "recorded_rdms", "sessions_of"]

Floats = npt.NDArray[np.float64]
# In this order, which determines each one's random numbers.
FACTORS = ("stimuli", "animals", "neurons", "seeds", "sessions", "trials")
GROUPS = ("animals", "sessions")  # whose RDMs are given, and over which similarities are averaged


@dataclass(frozen=True)
class Inputs:
    """Models and data; `owner` is the model of each of the models' RDMs, `member` its seed.

    `group` is the animal, or session, of each of the data's RDMs, and `grouped_by` says which: "animals", "sessions",
    or nothing if there is only one. `neurons` are the groups of neurons behind each RDM, the same neurons in all; empty
    if they are not known; with many stimuli, their responses instead of the products of these. `members` are the
    neurons of each group. `trials` are those that can be resampled; if they cannot, `why_no_trials` says why. `matched`
    says whether neurons are matched one by one with units.
    """

    names: list[str]
    owner: npt.NDArray[np.int64]
    member: npt.NDArray[np.int64]
    model_matrices: Sequence[Matrix]
    matrices: Floats
    group: npt.NDArray[np.int64]
    grouped_by: str
    neurons: tuple[NeuronGroups | Neurons, ...]
    n_neurons: int
    members: list[npt.NDArray[np.intp]]
    undefined: ClassVar[str] = "all dissimilarities of {} are equal"  # why a model has no similarity
    n_repeats: int = 0
    trials: Trials | None = None
    why_no_trials: str = ""
    matched: bool = False

    @property
    def stimuli_in_pairs(self) -> bool:
        """Whether values depend on pairs of stimuli, as dissimilarities do."""
        return True

    @classmethod
    def of(
        cls,
        models: Mapping[str, Any],
        data: Any,
        responses: Any,
        repeats: Any,
        rdm_metric: str,
        whose: tuple[Any, Any],
        seed: int,
    ) -> "Inputs":
        """Check models and recording against each other; see :func:`normenc.rsa.infer`.

        `whose` are the labels of animals and of sessions.
        """
        if not isinstance(models, Mapping) or not models:
            raise InputError("there are no models to compare; give a mapping of names to RDMs")
        check_metric(rdm_metric, responses=responses, repeats=repeats)
        per_session, labels = sessions_of(responses)
        others = [("responses", labels), ("repeats", labels_of(repeats, -2))]
        matrices = recorded_rdms(data, per_session, repeats, rdm_metric, others)
        subject, session = whose_rdms(data, *whose)
        if len(per_session) > 1 and session is None:
            session = np.arange(len(per_session))
        group, grouped_by = groups_of(subject, session, len(matrices))
        if len(per_session) > 1 and grouped_by == "animals":
            raise InputError(
                "responses of the same neurons in several sessions come from one animal; leave subject out"
            )
        many = matrices.shape[1] > MANY_STIMULI
        stacks = {name: _of_model(values, f"the model {name!r}", many) for name, values in models.items()}
        for name, stack in stacks.items():
            if len(stack[0]) != matrices.shape[1]:
                raise InputError(
                    f"the model {name!r} has {len(stack[0])} stimuli, but the data have {matrices.shape[1]}; give the "
                    "same stimuli in the same order"
                )
        of_models = [(f"the model {name!r}", labels_of_rdm(values)) for name, values in models.items()]
        check_same([*of_models, ("the data", labels_of_rdm(data)), *others])
        several = {name: len(stack) for name, stack in stacks.items() if len(stack) > 1}
        if len(set(several.values())) > 1:
            raise InputError(f"models have different numbers of seeds: {several}; give each the same seeds, or one")
        known = rdm_metric in METRICS
        dealt = [deal(own, rdm_metric, seed=seed) for own in per_session if known]
        n_repeats, trials, why_no_trials = _trials(repeats, rdm_metric, matrices, dealt)
        return cls(
            names=list(stacks),
            owner=np.repeat(np.arange(len(stacks)), [len(s) for s in stacks.values()]),
            member=np.concatenate([np.arange(len(s)) if len(s) > 1 else [-1] for s in stacks.values()]),
            model_matrices=[matrix for stack in stacks.values() for matrix in stack],
            matrices=matrices,
            group=group,
            grouped_by=grouped_by,
            neurons=tuple(own if many else added_up(own) for own in dealt),
            n_neurons=as_array(per_session[0], "responses").shape[-1] if per_session else 0,
            members=dealt[0].members if dealt else [],
            n_repeats=n_repeats,
            trials=trials,
            why_no_trials=why_no_trials,
        )

    @cached_property
    def models(self) -> Floats:
        """The models' dissimilarities, shape (n_vectors, n_pairs)."""
        return np.stack([upper(np.asarray(matrix)) for matrix in self.model_matrices])

    def models_for(self, measure: Measure) -> Floats | Sequence[Matrix]:
        """The same or, of many stimuli, the matrices themselves, where the measure reads them row by row."""
        return self.model_matrices if self._row_by_row(measure) else self.models

    def data_for(self, measure: Measure) -> Floats | Sequence[Matrix]:
        """The data's dissimilarities, shape (n_rdms, n_pairs), or the one RDM itself, as :meth:`models_for`."""
        one = len(self.matrices) == 1 and self._row_by_row(measure)
        return list(self.matrices) if one else upper(self.matrices)

    def _row_by_row(self, measure: Measure) -> bool:
        return self.n_stimuli > MANY_STIMULI and isinstance(measure.arithmetic, Linear)

    @property
    def n_pairs(self) -> int:
        """Number of pairs of stimuli."""
        return self.n_stimuli * (self.n_stimuli - 1) // 2

    def seeds_of(self, model: int) -> Floats:
        """RDMs of a model, (n_seeds, n_stimuli, n_stimuli)."""
        return np.stack([self.model_matrices[k] for k in np.flatnonzero(self.owner == model).tolist()])

    def flat(self, measure: Measure) -> dict[str, str]:
        """Models without a similarity by this measure, and why: all dissimilarities of an RDM are equal."""
        reasons: dict[str, str] = {}
        for owner, matrix in zip(self.owner, self.model_matrices, strict=True):
            vector, value = upper(np.asarray(matrix)), matrix[0, 1]
            if measure.is_undefined(vector):
                of_one = " in one seed" if (self.owner == owner).sum() > 1 else ""
                reasons[self.names[owner]] = f"all its dissimilarities are {value:g}{of_one}"
        return reasons

    def without(self, names: Collection[str]) -> Self:
        """Leave models out.

        Raises
        ------
        InputError
            If none is left.
        """
        if not names:
            return self
        places = [index for index, name in enumerate(self.names) if name not in names]
        if not places:
            raise InputError(f"no model has a similarity: {self.undefined.format(repr(next(iter(names))))}")
        kept = np.isin(self.owner, places)
        return replace(
            self,
            names=[self.names[place] for place in places],
            owner=np.searchsorted(places, self.owner[kept]),
            member=self.member[kept],
            **self._of_vectors(np.flatnonzero(kept).tolist()),
        )

    def _of_vectors(self, places: list[int]) -> dict[str, Any]:
        """What is compared of the models' seeds in these places."""
        return {"model_matrices": [self.model_matrices[place] for place in places]}

    def of_stimuli(self, some: npt.NDArray[np.intp]) -> "Inputs":
        """Models and RDMs of some stimuli, in their order; without neurons."""
        if len(some) == self.n_stimuli:
            return self
        matrices = [of_stimuli(matrix, some) for matrix in self.model_matrices]
        own = np.stack([matrix[np.ix_(some, some)] for matrix in self.matrices])
        return replace(self, model_matrices=matrices, matrices=own, neurons=(), members=[], trials=None)

    @property
    def n_stimuli(self) -> int:
        """Number of stimuli."""
        return self.matrices.shape[1]

    @property
    def n_groups(self) -> int:
        """Number of animals, or of sessions of a single animal."""
        return int(self.group.max()) + 1

    @property
    def n_seeds(self) -> int:
        """Number of seeds of models with several seeds."""
        return int(self.member.max()) + 1

    def sizes(self, factors: tuple[str, ...]) -> dict[str, float]:
        """Members of each factor to draw from: of neurons groups, of trials one more than their degrees of freedom."""
        every = {
            "stimuli": self.n_stimuli,
            "neurons": self.neurons[0].n_groups if self.neurons else 0,
            "seeds": self.n_seeds,
            "trials": 0 if self.trials is None else 1 + int((self.trials.n_trials - 1).sum()),
        }
        every[self.grouped_by] = self.n_groups
        return {factor: float(every[factor]) for factor in factors}

    def counts(self, factors: tuple[str, ...]) -> dict[str, int]:
        """Size of each factor; neurons, not their groups, and all trials."""
        own = {"neurons": self.n_neurons, "trials": 0 if self.trials is None else int(self.trials.n_trials.sum())}
        return {factor: own.get(factor, int(n)) for factor, n in self.sizes(factors).items()}

    def average(self, values: Floats, groups: npt.NDArray[Any] | None, seeds: npt.NDArray[Any] | None) -> Floats:
        """Mean over the data's RDMs, then over seeds: (n_samples, n_vectors, n_rdms) to (n_samples, n_models)."""
        by_rdm = np.ones((1, values.shape[2])) if groups is None else groups[:, self.group]
        each = np.einsum("bvr,br->bv", values, np.broadcast_to(by_rdm, (len(values), by_rdm.shape[1])))
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

    def estimate(self, measure: Measure) -> Floats:
        """Mean similarity of each model, shape (n_models,)."""
        models, data = self.models_for(measure), self.data_for(measure)
        if isinstance(models, np.ndarray) and isinstance(data, np.ndarray):
            similarity = measure.compare(models, data)
        else:
            similarity = similarities(models, data, np.ones((1, self.n_stimuli), dtype=np.int64), measure).models[0]
        return self.average(similarity[None], None, None)[0]


def _trials(repeats: Any, metric: str, matrices: Floats, dealt: Sequence[Neurons]) -> tuple[int, Trials | None, str]:
    """The largest number of repeats, the trials if they can be resampled by themselves, and why they cannot."""
    if repeats is None:
        return 0, None, ""
    if metric not in METRICS:
        return len(repeats), None, f"rdm_metric {metric!r} is not computed from means over trials by sums over neurons"
    values, n_trials = packed(repeats)
    why_not = why_not_drawn(values, n_trials, metric, matrices)
    return len(repeats), None if why_not else Trials.of(values, n_trials, metric, dealt[0] if dealt else None), why_not


def _of_model(values: Any, what: str, many: bool) -> Sequence[Matrix]:
    """RDMs of a model's seeds, checked; of many stimuli, a list of them is not copied into a stack."""
    if many and isinstance(values, (list, tuple)) and all(getattr(own, "ndim", 0) == 2 for own in values):
        return checked_one_by_one(values, what)
    return list(as_rdms(values, what))


def checked_one_by_one(values: Sequence[Any], what: str) -> list[Matrix]:
    """A list of RDMs, each checked; those in files stay there, and others keep single precision."""
    matrices: list[Matrix] = []
    for index, own in enumerate(values):
        name = what if len(values) == 1 else f"{what}, RDM {index}"
        checked = as_rdm(np.asarray(own) if isinstance(own, StoredRdm) else own, name, keep=True)
        matrices.append(own if isinstance(own, StoredRdm) else checked)
    return matrices


def sessions_of(responses: Any) -> tuple[list[Any], Sequence[Labels]]:
    """Responses (n_stimuli, n_neurons) of every session (one, if two-dimensional), and their labels."""
    if responses is None:
        return [], []
    if getattr(responses, "ndim", 3) == 2:
        responses = turned(responses, "responses")
    else:
        responses = turned_stack(responses, "responses")
    values = as_array(responses, "responses")
    return list(values) if values.ndim == 3 else [responses], labels_of(responses, -2)


def recorded_rdms(
    data: Any, per_session: list[Any], repeats: Any, rdm_metric: str, labels: list[tuple[str, Sequence[Labels]]]
) -> Floats:
    """RDMs of the recording: as given, after checking them against all other inputs, or computed from these."""
    if data is not None:
        matrices = as_rdms(data, "the data")
        check_same([("the data", labels_of_rdm(data)), *labels])
        _check_one_population(len(matrices), len(per_session), repeats)
        check_kind(matrices, per_session, repeats, rdm_metric)
        return matrices
    if not per_session and repeats is None:
        raise InputError("no recording given; give data (its RDMs), responses or repeats")
    if not per_session:
        return as_rdms(rdm_of_repeats(repeats, rdm_metric), "the data")
    matrices = as_rdms([rdm(own, metric=rdm_metric) for own in per_session], "the data")
    _check_one_population(len(matrices), len(per_session), repeats)
    return matrices


def _check_one_population(n_rdms: int, n_sessions: int, repeats: Any) -> None:
    """Raise InputError if responses or repeats cannot belong to the data's RDMs."""
    if n_rdms > 1 and (repeats is not None or n_sessions == 1):
        raise InputError(
            f"responses and repeats belong to one recording, but the data are {n_rdms} RDMs; if the same neurons were "
            "recorded in several sessions, give responses (n_sessions, n_stimuli, n_neurons)"
        )
    if n_sessions > 1 and n_rdms != n_sessions:
        raise InputError(f"responses cover {n_sessions} sessions, but there are {n_rdms} RDMs; give one per session")
