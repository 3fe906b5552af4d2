"""The candidates that :func:`normenc.rsa.identification` chooses from, and how recordings of them are simulated."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.rsa.discriminability import as_noise, check_possible
from normenc.rsa.labelled import labels_of_rdm
from normenc.rsa.labels import check_same
from normenc.rsa.pairs import as_rdms
from normenc.rsa.unequal_neurons import Size, as_size
from normenc.rsa.unequal_stimuli import UnequalStimuli

__all__ = [
    "Neurons",
    "Noise",
    "checked_candidates",
    "checked_truths",
    "noises_of",
    "same_rdms",
    "simulated",
    "sizes_of",
    "stimuli_of",
]

Floats = npt.NDArray[np.float64]
Neurons: TypeAlias = Size | Sequence[Size]
Noise: TypeAlias = float | Sequence[float]
SAME = 1e-6  # of the largest dissimilarity: differences up to this are rounding errors of float32 responses


def same_rdms(one: Any, other: Any) -> bool:
    """Whether two RDMs, or stacks of them, are the same up to the rounding of float32 responses.

    Examples
    --------
    >>> same_rdms(np.ones((3, 3)), np.ones((3, 3)) + 1e-9), same_rdms(np.ones((3, 3)), np.zeros((3, 3)))
    (True, False)
    """
    a, b = np.asarray(one), np.asarray(other)
    if a.shape != b.shape:
        return False
    return bool(np.allclose(a, b, rtol=0, atol=SAME * float(np.nanmax(np.abs(b), initial=0)), equal_nan=True))


def checked_candidates(
    candidates: Mapping[str, Any], metric: str = "correlation"
) -> tuple[dict[str, Floats], dict[str, str]]:
    """Stacks of RDMs by name, and those that are the same as another."""
    if not isinstance(candidates, Mapping) or len(candidates) < 2:
        raise InputError("there is nothing to choose from; give a mapping of at least two candidates' names to RDMs")
    stacks: dict[str, Floats] = {}
    same: dict[str, str] = {}
    for name, values in candidates.items():
        stack = as_rdms(values, f"the candidate {name!r}")
        check_possible(stack, f"the candidate {name!r}", metric)
        twin = next((other for other, own in stacks.items() if same_rdms(stack, own)), None)
        if twin is None:
            stacks[name] = stack
        else:
            same[name] = twin
    first = next(iter(stacks))
    for name, stack in stacks.items():
        _check_stimuli(f"the candidate {name!r}", stack, first, stacks[first])
    if len(stacks) < 2:
        raise InputError(f"all candidates have the same RDM as {first!r}; no recording can tell them apart")
    return stacks, same


def _check_stimuli(what: str, stack: Floats, first: str, own: Floats) -> None:
    if stack.shape[1] != own.shape[1]:
        raise InputError(
            f"{what} has {stack.shape[1]} stimuli, but {first!r} has {own.shape[1]}; give the same stimuli in the "
            "same order"
        )


def checked_truths(
    truths: Mapping[str, Any] | None,
    names: Mapping[str, Any],
    stacks: dict[str, Floats],
    metric: str = "correlation",
) -> dict[str, Floats]:
    """Stacks of RDMs of the truths that are none of the candidates, whose labels agree with theirs."""
    named = [(f"the candidate {name!r}", labels_of_rdm(values)) for name, values in names.items()]
    check_same([*named, *((f"the truth {name!r}", labels_of_rdm(values)) for name, values in (truths or {}).items())])
    others = {name: as_rdms(values, f"the truth {name!r}") for name, values in (truths or {}).items()}
    first = next(iter(stacks))
    for name, stack in others.items():
        check_possible(stack, f"the truth {name!r}", metric)
        if name in names:
            raise InputError(f"the truth {name!r} has the name of a candidate; candidates are tried as truths anyway")
        _check_stimuli(f"the truth {name!r}", stack, first, stacks[first])
    return others


def simulated(simulate: Sequence[str] | None, stacks: dict[str, Floats], same: Mapping[str, str]) -> dict[str, Floats]:
    """The candidates from which recordings are simulated."""
    if simulate is None:
        return stacks
    if isinstance(simulate, str) or not isinstance(simulate, Collection) or not len(simulate):
        raise InputError(f"simulate is {simulate!r}; give a list of candidates' names, at least one, or None for all")
    chosen = dict.fromkeys(same.get(name, name) for name in simulate)
    for name in chosen:
        if name not in stacks:
            raise InputError(f"simulate: {name!r} is none of the candidates, which are {', '.join(stacks)}")
    return {name: stacks[name] for name in chosen}


def sizes_of(name: str, n_neurons: Neurons | Mapping[str, Neurons], n_animals: int) -> list[Size]:
    """Neurons of each animal that represents this truth."""
    if isinstance(n_neurons, Mapping) and name not in n_neurons:
        raise InputError(f"n_neurons is not given for {name!r}; give it for every candidate and truth")
    own = n_neurons[name] if isinstance(n_neurons, Mapping) else n_neurons
    if isinstance(own, str) or not isinstance(own, Sequence | np.ndarray):
        return [as_size(own)] * n_animals
    if n_animals not in (1, len(own)) or not len(own):
        raise InputError(f"n_neurons are given for {len(own)} animals, but n_animals is {n_animals}")
    return [as_size(each) for each in own]


def noises_of(name: str, noise: Noise | Mapping[str, Noise], n_repeats: int, n_animals: int) -> list[float]:
    """Of mean responses of each animal to this truth."""
    if isinstance(noise, Mapping) and name not in noise:
        raise InputError(f"noise is not given for {name!r}; give it for every candidate and truth")
    own = noise[name] if isinstance(noise, Mapping) else noise
    several = own if isinstance(own, Sequence | np.ndarray) and not isinstance(own, str) else [own] * n_animals
    if len(several) != n_animals:
        raise InputError(f"the noise of {name!r} is given for {len(several)} animals, but there are {n_animals}")
    return [float(as_noise(each, f"the noise of {name!r}") / np.sqrt(n_repeats)) for each in several]


def stimuli_of(
    name: str, stimuli: UnequalStimuli | Mapping[str, UnequalStimuli] | None, n_stimuli: int
) -> UnequalStimuli | None:
    """How strongly and how noisily stimuli drive neurons that represent this truth."""
    if isinstance(stimuli, Mapping) and name not in stimuli:
        raise InputError(f"stimuli are not given for {name!r}; give them for every candidate and truth")
    own = stimuli[name] if isinstance(stimuli, Mapping) else stimuli
    if own is not None and len(own.strength) != n_stimuli:
        raise InputError(f"stimuli has {len(own.strength)} strengths, but RDMs have {n_stimuli} stimuli")
    return own
