"""What an inference generalises over: factors that are resampled, and factors that are taken as all there are."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.rsa.inputs import FACTORS, Inputs
from normenc.rsa.resampling import why_not_tiled

__all__ = ["MIN_STIMULI", "Asked", "Scope", "asked_scope", "other_scope"]

Floats = npt.NDArray[np.float64]
MIN_STIMULI = 6  # to generalise to others
NESTING = ("stimuli", "animals", "sessions")  # factors each of whose members has trials of its own
NEEDS = {
    "animals": "RDMs of at least two animals",
    "neurons": "responses, and a metric that is a sum over neurons",
    "seeds": "at least one model with several seeds",
    "sessions": "RDMs of at least two sessions of one animal",
    "trials": "repeats of one recording",
}
TILED = (
    "The stimuli cover their whole circle (the largest gap is at most half the distance over which dissimilarities "
    "rise half way from neighbours to their maximum), so there are no others to generalise to."
)
NOT_TILED = "The stimuli are taken as a sample from more than there are, for they were not shown to tile their circle"
REQUESTED = "The scope of intervals and tests was set by generalise_to."


@dataclass(frozen=True)
class Scope:
    """What an inference generalises over.

    Attributes
    ----------
    drawn : tuple of str
        Factors that are resampled, in the order of :data:`normenc.rsa.inputs.FACTORS`.
    through : tuple of str
        Factors whose variance is in that of others: trials, where the stimuli, animals or sessions that have them are
        resampled.
    fixed : tuple of str
        Factors of the data and models that are taken as all there are.
    why : str
        Why stimuli are fixed or resampled, or trials are fixed, as a sentence.
    """

    drawn: tuple[str, ...]
    through: tuple[str, ...]
    fixed: tuple[str, ...]
    why: str

    @property
    def factors(self) -> tuple[str, ...]:
        """All factors that the scope generalises over."""
        return tuple(f for f in FACTORS if f in self.drawn or f in self.through)


@dataclass(frozen=True)
class Asked:
    """Which factors a caller that does not know them all asks for.

    Attributes
    ----------
    names : tuple of str or None
        As `generalise_to` of :func:`normenc.rsa.infer`, but those that cannot be resampled are left out; None for the
        default.
    not_tiled : str or None
        Why stimuli in order on a circle are not known to tile it; empty if they do, None for stimuli in no such order.
    why : str
        Why these names, as a sentence.
    """

    names: tuple[str, ...] | None = None
    not_tiled: str | None = None
    why: str = REQUESTED

    @classmethod
    def by_default(cls, rdms: Floats, ordered: bool, positions: Any = None) -> "Asked":
        """For the recording's RDMs, shape (n_rdms, n_stimuli, n_stimuli); see :func:`asked_scope`."""
        if positions is not None and not ordered:
            raise InputError("positions are those of stimuli in order on a circle; also give ordered=True")
        return cls(None, why_not_tiled(rdms, positions) if ordered else None)


def asked_scope(
    inputs: Inputs, asked: Sequence[str] | Asked | None, *, ordered: bool = False, positions: Any = None
) -> Scope:
    """The scope that was asked for, or the default one.

    By default all factors that the input allows are random, but stimuli that tile their circle are fixed.

    Parameters
    ----------
    inputs : Inputs
    asked : sequence of str, Asked or None
    ordered : bool
        Whether the stimuli are in order on a circle.
    positions : array_like, shape (n_stimuli,), optional
        See :func:`normenc.rsa.resampling.tiles_range`.

    Raises
    ------
    InputError
        If a factor does not exist or cannot be resampled, if there is none, or if there are fewer than 6 stimuli to
        generalise from.
    """
    if asked is not None and not isinstance(asked, Asked):
        return _scope(inputs, _checked(inputs, asked), REQUESTED)
    asked = asked or Asked.by_default(inputs.matrices, ordered, positions)
    if asked.names is not None:
        why_not = _why_not(inputs, asked.names)
        return _scope(inputs, [f for f in asked.names if not why_not[f]], asked.why)
    there = _there(inputs)
    every = [f for f in FACTORS if there[f] and not (f == "stimuli" and asked.not_tiled == "")]
    why_not = _why_not(inputs, every)
    return _scope(inputs, [f for f in every if not why_not[f]], _why(asked.not_tiled))


def other_scope(inputs: Inputs, scope: Scope) -> Scope | None:
    """The same with random stimuli where these are fixed, and the other way round; None if nothing is left to draw."""
    names = [f for f in FACTORS if (f in scope.factors) != (f == "stimuli")]
    if "stimuli" in names and inputs.n_stimuli < MIN_STIMULI:
        return None
    random = "The stimuli are taken as a sample from more than there are."
    why = random if "stimuli" in names else "The stimuli of the recording are taken as all there are."
    why_not = _why_not(inputs, names)
    names = [f for f in names if not why_not[f]]
    return _scope(inputs, names, why) if names else None


def _why(not_tiled: str | None) -> str:
    if not_tiled is None:
        return "The stimuli are taken as a sample from more than there are."
    return f"{NOT_TILED}: {not_tiled}." if not_tiled else TILED


def _checked(inputs: Inputs, names: Sequence[str]) -> list[str]:
    """The factors asked for; InputError if one cannot be resampled."""
    if isinstance(names, str):
        raise InputError(f"generalise_to is {names!r}; give a list of factors, such as ['{names}']")
    if not isinstance(names, Collection):
        raise InputError(f"generalise_to is {names!r}; give a list of factors, of {', '.join(FACTORS)}")
    for name in names:
        if name not in FACTORS:
            raise InputError(f"generalise_to: {name!r} is not one of {', '.join(FACTORS)}")
    for name, why_not in _why_not(inputs, names).items():
        if why_not:
            raise InputError(f"generalise_to: {name!r} cannot be resampled; {why_not}")
    if not names:
        raise InputError("generalise_to is empty; name at least one of " + ", ".join(FACTORS))
    return list(names)


def _why_not(inputs: Inputs, names: Sequence[str]) -> dict[str, str]:
    """For each of the factors, why it cannot be resampled together with the others; empty if it can."""
    there = _there(inputs)
    found = {name: "" if there[name] else f"that needs {NEEDS[name]}" for name in names}
    nested = any(name in NESTING and not why_not for name, why_not in found.items())
    if "trials" in found and nested and inputs.grouped_by:
        found["trials"] = ""  # each animal, or session, has trials of its own
    elif "trials" in found and not nested:
        found["trials"] = found["trials"] or inputs.why_no_trials
    return found


def _there(inputs: Inputs) -> dict[str, bool]:
    """Whether data and models have several members of each factor."""
    return {
        "stimuli": True,
        "animals": inputs.grouped_by == "animals",
        "neurons": bool(inputs.neurons),
        "seeds": inputs.n_seeds > 1,
        "sessions": inputs.grouped_by == "sessions",
        "trials": inputs.n_repeats > 1,
    }


def _scope(inputs: Inputs, names: Sequence[str], why: str) -> Scope:
    nested = any(name in NESTING for name in names)
    through = ("trials",) if "trials" in names and nested else ()
    drawn = tuple(f for f in FACTORS if f in names and f not in through)
    if "stimuli" in drawn and inputs.n_stimuli < MIN_STIMULI:
        raise InputError(
            f"there are {inputs.n_stimuli} stimuli; generalising to other stimuli needs at least {MIN_STIMULI}. To "
            "draw conclusions only about these stimuli, leave 'stimuli' out of generalise_to"
        )
    fixed = tuple(f for f, there in _there(inputs).items() if there and f not in (*drawn, *through))
    return Scope(drawn, through, fixed, why)
