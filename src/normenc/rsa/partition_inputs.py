"""What :func:`normenc.rsa.partition` is given, checked once."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_array
from normenc.errors import InputError
from normenc.rsa.inputs import Inputs, checked_one_by_one, recorded_rdms, sessions_of
from normenc.rsa.labelled import labels_of, labels_of_rdm, square
from normenc.rsa.labels import check_same
from normenc.rsa.neurons import Neurons, added_up
from normenc.rsa.pairs import as_rdms, upper
from normenc.rsa.recorded import check_metric, whose_rdms
from normenc.rsa.scopes import MIN_STIMULI
from normenc.rsa.stored import Matrix, StoredRdm, mean_rdm, of_stimuli
from normenc.rsa.ties import is_flat
from normenc.rsa.variance_parts import Products, products_of_matrices

__all__ = ["Given"]

Stacks = dict[str, list[Matrix]]


@dataclass(frozen=True)
class Given:
    """RDMs of any precision, of each name one or several; controls with equal dissimilarities are left out.

    Attributes
    ----------
    models, controls : dict of str to list of RDMs, shape (n_stimuli, n_stimuli)
    own : dict of str to RDM
        Controls of single models, of those that have dissimilarities.
    data : ndarray, shape (n_rdms, n_stimuli, n_stimuli)
    responses : array_like or None
        As given.
    sessions : list of ndarray, shape (n_stimuli, n_neurons)
        The same, checked.
    whose : tuple
        Labels of animals and of sessions.
    reasons : dict of str to str
        Models that explain nothing, and why.
    notes : tuple of str
    """

    models: Stacks
    controls: Stacks
    own: dict[str, Matrix]
    data: npt.NDArray[Any]
    responses: Any
    sessions: list[npt.NDArray[Any]]
    whose: tuple[Any, Any]
    reasons: dict[str, str]
    notes: tuple[str, ...]

    @classmethod
    def of(
        cls,
        named_rdms: tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]],
        data: Any,
        recorded: tuple[Any, Any],
        rdm_metric: str,
        whose: tuple[Any, Any],
    ) -> "Given":
        """Check everything against each other: models, controls and own controls; responses and repeats."""
        models, controls, own = named_rdms
        for what, given in (("models", models), ("controls", controls)):
            if not isinstance(given, Mapping) or not given:
                raise InputError(f"there are no {what} to compare; give a mapping of names to RDMs")
        if both := set(models) & set(controls):
            raise InputError(f"{min(both)!r} is the name of a model and of a control; give each another name")
        if unknown := set(own) - set(models):
            raise InputError(f"own_controls has {min(unknown)!r}, which is no model; give names of {list(models)}")
        responses, repeats = recorded
        named = [(f"the model {name!r}", values) for name, values in models.items()]
        named += [(f"the control {name!r}", values) for name, values in controls.items()]
        named += [(f"the own control of {name!r}", values) for name, values in own.items()]
        of_rdms = [(what, labels_of_rdm(values)) for what, values in [*named, ("the data", data)]]
        check_metric(rdm_metric, responses=responses, repeats=repeats)
        sessions, labels = sessions_of(responses)
        others = [("responses", labels), ("repeats", labels_of(repeats, -2))]
        check_same([*of_rdms, *others])
        matrices = recorded_rdms(data, sessions, repeats, rdm_metric, others)
        _check_data(matrices)
        stacks = {what: _stack(values, what) for what, values in named}
        _check_stimuli(stacks, matrices.shape[1], len(controls))
        own_models = {name: stacks[f"the model {name!r}"] for name in models}
        own_controls = {name: stacks[f"the control {name!r}"] for name in controls}
        flat = _flat_controls(own_controls)
        means = {name: mean_rdm(stacks[f"the own control of {name!r}"]) for name in own}
        reasons = _reasons(own_models)
        return cls(
            own_models,
            {name: stack for name, stack in own_controls.items() if name not in flat},
            {name: mean for name, mean in means.items() if name not in reasons and not _is_flat(mean)},
            matrices,
            responses,
            [as_array(one, "responses") for one in sessions],
            whose_rdms(data, *whose),
            reasons,
            tuple(f"All dissimilarities of {name} are equal, so it explains nothing." for name in flat),
        )

    @property
    def defined(self) -> Stacks:
        """Models whose dissimilarities differ."""
        return {name: stack for name, stack in self.models.items() if name not in self.reasons}

    @property
    def which(self) -> npt.NDArray[np.intp]:
        """Of each RDM of each model that is defined, the place of its own control; -1 without one."""
        places = {name: place for place, name in enumerate(self.own)}
        return np.array([places.get(name, -1) for name, stack in self.defined.items() for _ in stack])

    def products(self) -> Products:
        """Correlations over all stimuli."""
        stacks = [*self.controls.values(), *self.defined.values(), list(self.own.values())]
        matrices = [own for stack in stacks for own in stack]
        return products_of_matrices(matrices, len(self.controls), self.data, self.which)

    def inputs(self, most_stimuli: int, rdm_metric: str, ordered: bool, seed: int) -> Inputs:
        """Controls, then models, then own controls, with at most so many stimuli."""
        n_stimuli, responses = self.data.shape[1], self.responses
        kept = np.arange(n_stimuli)
        if n_stimuli > most_stimuli:
            kept = np.arange(most_stimuli) * n_stimuli // most_stimuli
            if not ordered:
                kept = np.sort(np.random.default_rng([seed, 6]).permutation(n_stimuli)[:most_stimuli])
            chosen = [own[kept] for own in self.sessions]
            responses = None if not chosen else chosen[0] if len(chosen) == 1 else np.stack(chosen)
        every = self.controls | self.defined | {f"\0{name}": [mean] for name, mean in self.own.items()}
        own = {name: [of_stimuli(one, kept) for one in stack] for name, stack in every.items()}
        inputs = Inputs.of(own, self.data[:, kept][:, :, kept], responses, None, rdm_metric, self.whose, seed)
        groups = tuple(added_up(known) if isinstance(known, Neurons) else known for known in inputs.neurons)
        return replace(inputs, neurons=groups)


def _check_data(matrices: npt.NDArray[Any]) -> None:
    for index, matrix in enumerate(matrices):
        if _is_flat(matrix):
            which = "the data" if len(matrices) == 1 else f"the data, RDM {index}"
            raise InputError(f"all dissimilarities of {which} are equal, so there is no variance to explain")


def _check_stimuli(stacks: Stacks, n_stimuli: int, n_controls: int) -> None:
    for what, stack in stacks.items():
        if len(stack[0]) != n_stimuli:
            raise InputError(
                f"{what} has {len(stack[0])} stimuli, but the data have {n_stimuli}; give the same stimuli in the "
                "same order"
            )
    least = max(MIN_STIMULI, n_controls + 3)
    if n_stimuli < least:
        raise InputError(
            f"there are {n_stimuli} stimuli; a regression on a model and {n_controls} control{'s' * (n_controls != 1)} "
            f"needs at least {least}"
        )


def _flat_controls(controls: Stacks) -> list[str]:
    """Controls whose dissimilarities are all equal; InputError if these are all, or one is a stack."""
    for name, stack in controls.items():
        if len(stack) > 1:
            raise InputError(f"the control {name!r} is a stack of {len(stack)} RDMs; give one, or their mean")
    flat = [name for name, stack in controls.items() if _is_flat(stack[0])]
    if len(flat) == len(controls):
        raise InputError(f"all dissimilarities of the control {flat[0]!r} are equal; give a control that varies")
    return flat


def _reasons(models: Stacks) -> dict[str, str]:
    """Models whose dissimilarities are all equal; InputError if these are all."""
    flat = [name for name, stack in models.items() if any(map(_is_flat, stack))]
    if len(flat) == len(models):
        raise InputError(f"no model has different dissimilarities: those of {flat[0]!r} are all equal")
    return dict.fromkeys(flat, "all its dissimilarities are equal")


def _stack(values: Any, what: str) -> list[Matrix]:
    """RDMs in their own precision, checked one at a time; those in files stay there."""
    if isinstance(values, list | tuple) and all(isinstance(own, StoredRdm) for own in values):
        return checked_one_by_one(values, what)
    numbers = square(values, what)
    numbers = numbers[None] if numbers.ndim == 2 else numbers
    if numbers.ndim != 3 or not len(numbers):
        as_rdms(numbers, what)
    for index, matrix in enumerate(numbers):
        as_rdms(matrix, what if len(numbers) == 1 else f"{what}, RDM {index}")
    return list(numbers)


def _is_flat(matrix: Matrix) -> bool:
    return is_flat(upper(np.asarray(matrix)).astype(np.float64))
