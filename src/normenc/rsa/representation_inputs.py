"""The inputs of :func:`normenc.rsa.infer_representations`, checked once: responses of models and of a recording."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import lcm
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_array, as_responses
from normenc.errors import InputError
from normenc.rsa.dissimilarity import rdm
from normenc.rsa.inputs import Inputs, sessions_of
from normenc.rsa.labelled import labels_of, turned, turned_stack
from normenc.rsa.labels import Labels, check_same
from normenc.rsa.neurons import MIN_NEURONS, deal
from normenc.rsa.paired import centred, coordinates
from normenc.rsa.recorded import groups_of, packed
from normenc.rsa.representation_measures import RepresentationMeasure
from normenc.rsa.representation_samples import MatchedAlignment

__all__ = ["RepresentationInputs", "compared_neurons", "number_of_units", "reduced_to"]

Floats = npt.NDArray[np.float64]
MOST_COPIES = 480  # of units that share mass, in a bootstrap sample of twice the neurons
ROUND = 12  # units that are matched are a multiple of this number, which many others divide


@dataclass(frozen=True)
class RepresentationInputs(Inputs):
    """Responses of models and recordings; `matrices` are the recordings' Euclidean RDMs, for what asks how stimuli lie.

    Attributes
    ----------
    responses : tuple of ndarray, shape (n_stimuli, n_units)
        Of each seed of each model, centred; rotated into fewer dimensions, or some units, where the measure allows it.
    recorded : tuple of ndarray, shape (n_stimuli, n_neurons)
        Of each animal or session, centred.
    repeats : ndarray, shape (n_repeats, n_stimuli, n_neurons), or None
        Repeats of a single recording, of the same neurons as `recorded`.
    drawn_units : str
        What of the units is compared, if not all; a sentence.
    """

    undefined: ClassVar[str] = (
        "that of {} is undefined: too few stimuli for the components that the measure compares, or they differ no more "
        "than by chance"
    )
    responses: tuple[Floats, ...] = ()
    recorded: tuple[Floats, ...] = ()
    repeats: Floats | None = None
    drawn_units: str = ""
    pairs_matter: bool = True

    @property
    def stimuli_in_pairs(self) -> bool:
        """Whether values depend on pairs of stimuli, as kernels do."""
        return self.pairs_matter

    @classmethod
    def of_responses(
        cls,
        models: Mapping[str, Any],
        responses: Any,
        repeats: Any,
        measure: RepresentationMeasure,
        whose: tuple[Any, Any],
        seed: int,
    ) -> "RepresentationInputs":
        """Check models and recording against each other; see :func:`normenc.rsa.infer_representations`."""
        if not isinstance(models, Mapping) or not models:
            raise InputError("there are no models to compare; give a mapping of names to responses")
        stacks = {name: _seeds(values, f"the model {name!r}") for name, values in models.items()}
        trials, mean = (None, None) if repeats is None else _trials(repeats)
        recorded, labels, same_neurons = _recorded(responses, mean)
        _check_stimuli(stacks, recorded, measure)
        named = [(f"the model {name!r}", _labels(values)) for name, values in models.items()]
        check_same([*named, ("the responses", labels), ("the repeats", labels_of(repeats, -2))])
        given = [(f"the model {name!r}", own) for name, stack in stacks.items() for own in stack]
        for what, own in (*given, *(("the recording", array) for array in recorded)):
            _check_no_rdm(what, own)
        subject, session = whose
        if same_neurons and len(recorded) > 1 and session is None:
            session = np.arange(len(recorded))
        group, grouped_by = groups_of(subject, session, len(recorded))
        places = [compared_neurons(own.shape[1], measure, seed) for own in recorded]
        own = [centred(array[:, some], "the recording") for array, some in zip(recorded, places, strict=True)]
        several = {name: len(stack) for name, stack in stacks.items() if len(stack) > 1}
        if len(set(several.values())) > 1:
            raise InputError(f"models have different numbers of seeds: {several}; give each the same seeds, or one")
        resampled = not grouped_by or (same_neurons and grouped_by == "sessions")
        n_neurons = own[0].shape[1]
        dealt = [deal(array, "euclidean", seed=seed) for array in own if resampled and n_neurons >= MIN_NEURONS]
        if measure.most_units is not None:  # neurons one by one, so that all samples have the same size
            dealt = [replace(v, members=list(np.arange(n_neurons)[:, None])) for v in dealt]
        return cls(
            names=list(stacks),
            owner=np.repeat(np.arange(len(stacks)), [len(stack) for stack in stacks.values()]),
            member=np.concatenate([np.arange(len(s)) if len(s) > 1 else [-1] for s in stacks.values()]),
            model_matrices=(),
            matrices=np.stack([rdm(array, "euclidean") for array in own]),
            group=group,
            grouped_by=grouped_by,
            neurons=tuple(dealt),
            members=dealt[0].members if dealt else [],
            n_neurons=n_neurons if resampled else 0,
            responses=tuple(reduced_to(array, measure, n_neurons, seed) for s in stacks.values() for array in s),
            recorded=tuple(own),
            repeats=None if trials is None or grouped_by else trials[:, :, places[0]],
            n_repeats=0 if trials is None else len(trials),
            why_no_trials="" if trials is None else "measures of representations do not draw trials by themselves",
            drawn_units=_told(stacks, recorded, measure),
            pairs_matter=measure.arithmetic.pairs_matter,
            matched=measure.most_units is not None,
        )

    def _of_vectors(self, places: list[int]) -> dict[str, Any]:
        return {"responses": tuple(self.responses[place] for place in places)}

    def of_stimuli(self, some: npt.NDArray[np.intp]) -> "RepresentationInputs":
        """Responses to some stimuli, in their order."""
        if len(some) == self.n_stimuli:
            return self
        chosen = [tuple(v[some] - v[some].mean(axis=0) for v in group) for group in (self.responses, self.recorded)]
        matrices = np.stack([matrix[np.ix_(some, some)] for matrix in self.matrices])
        return replace(
            self, responses=chosen[0], recorded=chosen[1], matrices=matrices, neurons=(), members=[], repeats=None
        )

    def seeds_of(self, model: int) -> Floats:
        """Euclidean RDMs of a model, (n_seeds, n_stimuli, n_stimuli)."""
        own = [self.responses[k] for k in np.flatnonzero(self.owner == model).tolist()]
        return np.stack([rdm(array, "euclidean") for array in own])

    def weights_of_neurons(self, counts: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        """How often each neuron is in each sample, from how often each group of neurons is."""
        weights = np.empty((len(counts), self.n_neurons), dtype=np.int64)
        for group, places in enumerate(self.members):
            weights[:, places] = counts[:, [group]]
        return weights


def number_of_units(n_units: int, n_neurons: int, most: int | None) -> int:
    """How many of a model's units are compared: all or, if they share the neurons' mass, a number that divides it well.

    Examples
    --------
    >>> number_of_units(500, 96, None), number_of_units(500, 96, 96), number_of_units(50, 96, 96)
    (500, 96, 48)
    """
    if most is None:
        return n_units
    return next(n for n in range(min(n_units, most), 0, -1) if lcm(n, 2 * n_neurons) <= MOST_COPIES)


def reduced_to(array: Any, measure: RepresentationMeasure, n_neurons: int, seed: int) -> Floats:
    """What of a model's responses the measure needs."""
    n = _kept(array.shape[1], n_neurons, measure)
    if n < array.shape[1]:  # the same places in layers of the same size: of a network and its twin
        some = np.sort(np.random.default_rng([seed, 6, array.shape[1]]).permutation(array.shape[1])[:n])
        array = array[:, some]
    values = centred(array.astype(np.float64), "a model")
    return coordinates(values) if measure.arithmetic.turns else values


def _kept(n_units: int, n_neurons: int, measure: RepresentationMeasure) -> int:
    if isinstance(measure.arithmetic, MatchedAlignment):
        return number_of_units(n_units, n_neurons, measure.most_units)
    return n_units if measure.most_units is None else min(n_units, measure.most_units)


def compared_neurons(n_neurons: int, measure: RepresentationMeasure, seed: int) -> npt.NDArray[np.intp]:
    """The neurons that are compared."""
    most = measure.most_units
    n = n_neurons if most is None else min(most, n_neurons)
    if most is not None and isinstance(measure.arithmetic, MatchedAlignment):  # in a number that many others divide
        n = max(n // ROUND * ROUND, min(n, ROUND))
    if n == n_neurons:
        return np.arange(n_neurons)
    return np.sort(np.random.default_rng([seed, 7, n_neurons]).permutation(n_neurons)[:n])


def _told(stacks: Mapping[str, Sequence[Any]], recorded: Sequence[Any], measure: RepresentationMeasure) -> str:
    most = measure.most_units
    if most is None:
        return ""
    kept = [len(compared_neurons(own.shape[1], measure, 0)) for own in recorded]
    neurons = [f"{n} of {own.shape[1]}" for n, own in zip(kept, recorded, strict=True)]
    units = {v.shape[1]: _kept(v.shape[1], kept[0], measure) for stack in stacks.values() for v in stack}
    less = [f"{n} of {every} units of a model" for every, n in sorted(units.items()) if n < every]
    if any(n < own.shape[1] for n, own in zip(kept, recorded, strict=True)):
        less.append(f"{', '.join(dict.fromkeys(neurons))} neurons")
    if not less:
        return ""
    divide = ", in numbers with a small common multiple" if isinstance(measure.arithmetic, MatchedAlignment) else ""
    return f"By {measure.phrase}, {' and '.join(less)} were matched, drawn at random: at most {most}{divide}."


def _seeds(values: Any, what: str) -> list[Any]:
    """Responses of a model's seeds, each (n_stimuli, n_units), checked; in their own precision."""
    several = _matrices(values)
    if several is None:
        array = as_array(values, what)
        several = [values] if array.ndim == 2 else list(array) if array.ndim == 3 else []
        if not len(several):
            raise InputError(
                f"{what} has responses of shape {array.shape}; they must be (n_stimuli, n_units) or (n_seeds, "
                "n_stimuli, n_units), or a list of the former"
            )
    try:
        return [as_responses(turned(own, what)) for own in several]
    except InputError as error:
        raise InputError(f"{what}: {error}") from None


def _matrices(values: Any) -> list[Any] | None:
    """The parts of a list of matrices, whose numbers of units may differ; None for anything else."""
    if isinstance(values, (list, tuple)) and len(values) and all(np.ndim(own) == 2 for own in values):
        return list(values)
    return None


def _labels(values: Any) -> Sequence[Labels]:
    several = _matrices(values)
    if several is None:
        return labels_of(values, -2)
    return [label for own in several for label in labels_of(turned(own, "responses"))]


def _trials(repeats: Any) -> tuple[Floats, Floats]:
    """The trials that all stimuli have, (n_repeats, n_stimuli, n_neurons), and the mean over all trials."""
    values, n_trials = packed(turned_stack(repeats, "repeats"))
    if n_trials.min() < 2:
        raise InputError(
            f"repeats have shape {values.shape}, with {n_trials.min()} of stimulus {n_trials.argmin()}; a ceiling from "
            "halves of the trials needs at least 2 of each"
        )
    return values[: n_trials.min()], values.sum(axis=0, dtype=np.float64) / n_trials[:, None]


def _recorded(responses: Any, mean: Floats | None) -> tuple[list[Any], Sequence[Labels], bool]:
    """Responses of each population, their stimuli's labels, and whether all are of the same neurons."""
    if responses is None and mean is None:
        raise InputError("no recording given; give responses or repeats")
    if responses is None:
        return [as_responses(mean)], [], True
    several = _matrices(responses)
    if several is not None and len(several) > 1:
        if mean is not None:
            raise InputError("repeats belong to one recording, but responses are of several; leave the repeats out")
        return [as_responses(turned(own, "responses")) for own in several], _labels(responses), False
    per_session, labels = sessions_of(responses if several is None else several[0])
    if mean is not None and len(per_session) > 1:
        raise InputError("repeats belong to one recording, but responses are of several sessions; leave them out")
    own = [as_responses(array) for array in per_session]
    if mean is not None and mean.shape != own[0].shape:
        raise InputError(
            f"repeats are of {' stimuli and '.join(map(str, mean.shape))} neurons, but responses of "
            f"{' and '.join(map(str, own[0].shape))}; give repeats of the same"
        )
    return own, labels, True


def _check_no_rdm(what: str, values: Any) -> None:
    """Raise InputError for an RDM in place of responses: symmetric, with a diagonal of zeros."""
    array = np.asarray(values)
    square = array.shape[0] == array.shape[1] and not np.diagonal(array).any()
    if square and array.any() and np.allclose(array, array.T):
        raise InputError(
            f"{what} is a symmetric matrix with zeros on the diagonal, as an RDM is; measures of representations "
            "compare responses, shape (n_stimuli, n_units)"
        )


def _check_stimuli(
    stacks: Mapping[str, Sequence[Any]], recorded: Sequence[Any], measure: RepresentationMeasure
) -> None:
    n_stimuli = len(recorded[0])
    if any(len(own) != n_stimuli for own in recorded):
        raise InputError(
            f"recordings have {', '.join(str(len(own)) for own in recorded)} stimuli; give the same ones of each"
        )
    for name, stack in stacks.items():
        for own in stack:
            if len(own) != n_stimuli:
                raise InputError(
                    f"the model {name!r} has {len(own)} stimuli, but the recording has {n_stimuli}; give the same "
                    "stimuli in the same order"
                )
    if n_stimuli < measure.least_stimuli:
        raise InputError(f"there are {n_stimuli} stimuli; {measure.name} needs at least {measure.least_stimuli}")
