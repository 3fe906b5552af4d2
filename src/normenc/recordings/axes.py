"""Identify the axes of an array by their names, by lengths of labels, or by what the user says; never by guessing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from normenc.errors import InputError
from normenc.recordings.labels import as_text
from normenc.stimulus_types import STIMULUS_TYPES
from normenc.texts import argument

__all__ = ["ROLES", "Shaped", "counted", "repeats_first", "role_of", "roles_of", "shaped", "stated_axes"]

ROLES = ("trial", "stimulus", "repeat", "neuron", "time")
OF_RDMS = ("animal", "session", "stimulus")
SYNONYMS = {
    "trial": ("trial", "presentation", "row", "epoch"),
    "stimulus": ("stimulus", "condition", "stim", "scene"),  # and the names of types
    "repeat": ("repeat", "repetition", "rep"),
    "neuron": ("neuron", "unit", "cell", "roi", "neuroid", "cluster", "electrode", "channel"),
    "time": ("time", "sample", "frame", "time_bin", "bin", "timestep"),
    "animal": ("animal", "subject", "mouse", "monkey", "participant"),
    "session": ("session", "day"),
}
PLURALS = {"trial": "trials", "repeat": "repeats", "stimulus": "stimuli", "neuron": "neurons", "time": "samples"}
MOST_AXES = 4


@dataclass(frozen=True)
class Shaped:
    """An array whose axes may have names; None if the file does not name one."""

    array: Any
    dims: tuple[str | None, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        return tuple(int(length) for length in np.shape(self.array))


@dataclass(frozen=True)
class Lengths:
    """Lengths of the labels along the axes of an array, which identify the axes.

    ``stimulus`` is the shape of the stimulus labels and ``dims`` the names of their axes, if known, with repeats first
    if there are two; ``repeats_last`` says that the file has them in the other order. ``others`` holds the lengths of
    other labels by the axis that they would label.
    """

    stimulus: tuple[int, ...]
    dims: tuple[str | None, ...]
    unique: bool  # no stimulus occurs twice
    repeats_last: bool = False
    others: Mapping[str, Sequence[int]] = field(default_factory=dict)


def shaped(values: Any) -> Shaped:
    """An array with the names of its axes, as xarray objects have them, and arrays on disk if the file gives them."""
    if isinstance(values, Shaped):
        return values
    if isinstance(values, xr.Variable | xr.DataArray):
        return Shaped(values.values, tuple(str(dim) for dim in values.dims))
    return Shaped(values, tuple(getattr(values, "dims", ())) or (None,) * np.ndim(values))


def stated_axes(axes: str | Sequence[str], known: Sequence[str] = ROLES) -> tuple[str, ...]:
    """The roles of axes as the user names them: ``"trial,time,neuron"``.

    Raises
    ------
    InputError
        If a name is unknown, or occurs twice.

    Examples
    --------
    >>> stated_axes("neuron, stimuli, repeats")
    ('neuron', 'stimulus', 'repeat')
    """
    names = [part.strip() for part in axes.split(",")] if isinstance(axes, str) else [str(part) for part in axes]
    roles = [role_of(name, known) for name in names]
    for name, role in zip(names, roles, strict=True):
        if role is None:
            raise InputError(f"axes: there is no axis {name!r}; the names are {', '.join(known)}")
        if roles.count(role) > 1 and not (role == "stimulus" and known == OF_RDMS):
            raise InputError(f"axes: {role} occurs {roles.count(role)} times; give each name once")
    return tuple(role for role in roles if role is not None)


def role_of(name: str | None, known: Sequence[str] = ROLES) -> str | None:
    """The role of an axis with this name; None for a name that says nothing."""
    if name is None:
        return None
    plain = name.strip().lower()
    singular = {"stimuli": "stimulus", "mice": "mouse", "axis": "axis"}.get(plain, plain)
    if {singular, singular.removesuffix("s")} & STIMULUS_TYPES.keys() and "stimulus" in known:
        return "stimulus"
    for role in known:
        if singular in SYNONYMS[role] or singular.removesuffix("s") in SYNONYMS[role]:
            return role
    return None


def repeats_first(label: Shaped, shape: tuple[int, ...], stated: Sequence[str] | None) -> tuple[Shaped, bool]:
    """Stimulus labels with two axes, repeats first, and whether repeats are last in the file.

    Names of axes decide; then lengths, if axes are stated; then the values, because stimuli are the same across
    repeats. If none of these decides, the order is that of the responses.

    Parameters
    ----------
    label : Shaped
        The stimuli's labels.
    shape : tuple of int
        Of the responses.
    stated : sequence of str, optional
        Roles of the axes of the responses, if the user or the file states them.
    """
    if len(label.shape) != 2:
        return label, False
    repeats_last = _stay_the_same(label) == 1
    if any(label.dims):
        roles = [role_of(dim) for dim in label.dims]
        known = [role if role in ("stimulus", "trial") else "" for role in roles]
        repeats_last = known[0] != known[1] and (known[0] == "stimulus" or known[1] == "")
    elif stated is not None and len(stated) == len(shape) and "repeat" in stated:
        order = [axis for axis, role in enumerate(stated) if role in ("repeat", "trial", "stimulus")]
        as_responses = tuple(shape[axis] for axis in order)
        is_last = stated[order[-1]] == "repeat"
        if as_responses[0] != as_responses[-1]:
            repeats_last = is_last == (label.shape == as_responses)
        elif _stay_the_same(label) is None:
            repeats_last = is_last
    if not repeats_last:
        return label, False
    return Shaped(np.asarray(label.array).T, label.dims[::-1]), True


def _stay_the_same(label: Shaped) -> int | None:
    """The one of two axes along which no value changes; None if that holds for both or for neither."""
    texts = as_text(np.asarray(label.array), "the stimuli")
    same = [bool((texts == texts[:1]).all()), bool((texts == texts[:, :1]).all())]
    return same.index(True) if sum(same) == 1 else None


def roles_of(
    responses: Shaped, labels: Lengths, stated: Sequence[str] | None, kind: str, *, timed: bool = False
) -> tuple[str, ...]:
    """What each axis of the responses is.

    Parameters
    ----------
    responses : Shaped
    labels : Lengths
    stated : sequence of str, optional
        What the user or the file says; it is checked against the labels.
    kind : str
        The name of the stimulus labels, for messages.
    timed : bool
        Whether the user asks for a time window, which implies that one axis is time.

    Returns
    -------
    tuple of str
        From :data:`ROLES`. One axis (two, for labels with two dimensions) is that of the labels; at most one axis is
        that of the neurons.

    Raises
    ------
    InputError
        If the labels fit no axis, or nothing says what an axis is; the message names the likely reading.
    """
    shape = responses.shape
    if 0 in shape:
        raise InputError(f"responses have shape {shape}; there must be trials and neurons")
    if not 1 <= len(shape) <= MOST_AXES:
        raise InputError(
            f"responses have shape {shape}; they must be trial x neuron, at most with further axes of repeats and times"
        )
    if stated is not None:
        return _checked(tuple(stated), shape, labels, kind)
    roles = _by_name(responses, labels)
    if not _labelled(roles):
        roles = _with_labelled_axes(roles, responses, labels, kind)
    roles = _by_length(roles, shape, labels)
    unknown = [axis for axis, role in enumerate(roles) if role is None]
    last = "neuron" if "neuron" not in roles else "time" if timed and "time" not in roles else None
    if len(unknown) == 1 and last is not None:
        roles = tuple(last if role is None else role for role in roles)
    elif unknown:
        raise _ambiguous(roles, responses, labels, kind)
    return _checked(tuple(role for role in roles if role is not None), shape, labels, kind)


def _labelled(roles: Sequence[str | None]) -> bool:
    return "trial" in roles or "stimulus" in roles


def _by_name(responses: Shaped, labels: Lengths) -> tuple[str | None, ...]:
    """Roles by the names of axes: the stimulus labels lie along the trials, whatever the name of that axis."""
    own = [dim for dim in labels.dims if dim is not None]
    along = "stimulus" if labels.unique else "trial"
    if not own or not set(own) <= set(responses.dims):
        return tuple(role_of(dim) for dim in responses.dims)
    roles = []
    for dim in responses.dims:
        role = role_of(dim)
        if dim == own[-1]:
            role = along
        elif dim in own or role in ("trial", "stimulus"):  # axes other than the labelled one are repeats
            role = "repeat"
        roles.append(role)
    return tuple(roles)


def _with_labelled_axes(
    roles: tuple[str | None, ...], responses: Shaped, labels: Lengths, kind: str
) -> tuple[str | None, ...]:
    """The axis (or axes) of the same length as the labels; raises InputError unless there is exactly one."""
    shape = responses.shape
    along = "stimulus" if labels.unique else "trial"
    free = [axis for axis, role in enumerate(roles) if role is None]
    if len(labels.stimulus) == 1:
        matches: list[tuple[int, ...]] = [(axis,) for axis in free if shape[axis] == labels.stimulus[0]]
    else:
        wanted = labels.stimulus[::-1] if labels.repeats_last else labels.stimulus
        matches = [(one, two) for one in free for two in free if one < two and (shape[one], shape[two]) == wanted]
    if not matches:
        raise InputError(
            f"{kind} has shape {labels.stimulus} but responses have shape {shape}; {kind} must have one value for each "
            "trial (or stimulus), along one axis of the responses"
        )
    if len(matches) > 1:
        if len(shape) > 2 or len(labels.stimulus) != 1:
            raise _ambiguous(roles, responses, labels, kind)
        matches = matches[:1]  # a square matrix: trial x neuron, as documented; a caution says so
    named = list(roles)
    both = (along, "repeat") if labels.repeats_last else ("repeat", along)
    for axis, role in zip(matches[0], both if len(matches[0]) == 2 else (along,), strict=True):
        named[axis] = role
    return tuple(named)


def _by_length(roles: tuple[str | None, ...], shape: tuple[int, ...], labels: Lengths) -> tuple[str | None, ...]:
    """Roles of axes as long as some other labels, if these labels fit only that axis and the axis fits only them."""
    named = list(roles)
    free = [axis for axis, role in enumerate(roles) if role is None]
    fits = {
        role: [axis for axis in free if shape[axis] in lengths]
        for role, lengths in labels.others.items()
        if role not in roles
    }
    for role, axes in fits.items():
        rivals = [other for other, places in fits.items() if other != role and set(places) & set(axes)]
        if len(axes) == 1 and not rivals:
            named[axes[0]] = role
    return tuple(named)


def _checked(roles: tuple[str, ...], shape: tuple[int, ...], labels: Lengths, kind: str) -> tuple[str, ...]:
    """The roles, if they fit the array and its labels."""
    if len(roles) != len(shape):
        raise InputError(
            f"axes names {len(roles)} axes ({', '.join(roles)}), but responses have shape {shape}; name every axis"
        )
    if not _labelled(roles):
        raise InputError(
            f"axes: {', '.join(roles)} include no trials (or stimuli), which {kind} labels; name that axis trial"
        )
    if "trial" in roles and "stimulus" in roles:
        raise InputError("axes: trial and stimulus are both named; call the axis of a stimulus's trials repeat")
    place = roles.index("trial" if "trial" in roles else "stimulus")
    n_labels = labels.stimulus[-1]
    if shape[place] != n_labels or (len(labels.stimulus) == 2 and shape[roles.index("repeat")] != labels.stimulus[0]):
        raise InputError(
            f"{kind} has shape {labels.stimulus}, but responses of shape {shape}, read as "
            f"{counted(shape, roles)}, need {shape[place]} values"
        )
    return roles


def _ambiguous(roles: tuple[str | None, ...], responses: Shaped, labels: Lengths, kind: str) -> InputError:
    shape = responses.shape
    likely = _likely(roles, shape, labels)
    size = " x ".join(map(str, labels.stimulus))
    named = ", ".join("nothing" if dim is None else dim for dim in responses.dims)
    untold = f"their axes are called {named}, which does not say" if any(responses.dims) else "nothing says"
    return InputError(
        f"responses have shape {shape} and {kind} has {size} values; {untold} which axis is which. Name them: "
        f"{argument(axes=','.join(likely))} would read {counted(shape, likely)}. The names are {', '.join(ROLES)}"
    )


def _likely(roles: tuple[str | None, ...], shape: tuple[int, ...], labels: Lengths) -> tuple[str, ...]:
    """The reading that fits most files of this shape; it is shown in messages and never assumed."""
    along = "stimulus" if labels.unique else "trial"
    named = list(roles)
    if not _labelled(named):
        places = [axis for axis, role in enumerate(named) if role is None and shape[axis] == labels.stimulus[-1]]
        named[places[0] if places else named.index(None)] = along
    rest = ("neuron", "repeat" if along == "stimulus" else "time", "time", "repeat")
    for axis in reversed(range(len(named))):
        if named[axis] is None:
            named[axis] = next(role for role in rest if role not in named)
    return tuple(str(role) for role in named)


def counted(shape: Sequence[int], roles: Sequence[str]) -> str:
    """Describe how an array is read.

    Examples
    --------
    >>> counted((13, 24, 1), ("repeat", "stimulus", "neuron"))
    '13 repeats x 24 stimuli x 1 neuron'
    """
    singular = {"time": "sample"}
    return " x ".join(
        f"{length:,} {PLURALS[role] if length != 1 else singular.get(role, role)}"
        for length, role in zip(shape, roles, strict=True)
    )
