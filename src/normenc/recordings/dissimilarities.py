"""Published RDMs: square or as vectors of pairs, of one population or of several subjects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_array
from normenc.errors import InputError
from normenc.recordings.axes import OF_RDMS, Shaped, role_of, shaped, stated_axes
from normenc.recordings.columns import SYNONYMS
from normenc.texts import argument

__all__ = ["Rdms", "read_rdms"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Rdms:
    """One RDM (n_stimuli, n_stimuli), or a stack of several with their subjects."""

    rdm: Floats
    subjects: dict[str, npt.NDArray[Any]]
    read_as: str
    notes: list[str] = field(default_factory=list)


def read_rdms(arrays: Mapping[str, Any], n_labels: int | None, axes: str | Sequence[str] | None) -> Rdms:
    """Read RDMs from an array of any common shape.

    Parameters
    ----------
    arrays : mapping of str to array_like
        With ``rdm``: (n, n), a vector of its n (n - 1) / 2 pairs above the diagonal, row by row, or several of
        either along further axes; if known, ``animal`` or ``session`` label these axes.
    n_labels : int, optional
        Number of stimuli that have labels.
    axes : str or sequence of str, optional
        What the axes are: ``"animal,session,stimulus,stimulus"``; a vector has one axis ``stimulus``.

    Raises
    ------
    InputError
        If the shape does not fit an RDM, or nothing says which axis is that of the subjects.
    """
    given = shaped(arrays["rdm"])
    if 0 in given.shape:
        raise InputError(f"rdm has shape {given.shape}; it must be square, stimulus x stimulus")
    values = as_array(given.array, "rdm").astype(np.float64, copy=False)
    roles = list(_stated(axes, given.shape) or _roles(given, n_labels, arrays))
    others = [axis for axis, role in enumerate(roles) if role != "stimulus"]
    pairs = [axis for axis, role in enumerate(roles) if role == "stimulus"]
    values = np.transpose(values, (*others, *pairs))
    notes = []
    if len(pairs) == 1:
        values = _square(values)
        notes.append(
            f"RDMs are vectors of pairs; they are read as the rows above the diagonal of {values.shape[-1]} stimuli"
        )
    sizes = values.shape[:-2]
    subjects = _subjects(arrays, [roles[axis] for axis in others], sizes)
    n_stimuli = values.shape[-1]
    if not others:
        return Rdms(values, {}, f"an RDM of {n_stimuli:,} stimuli", notes)
    counts = " x ".join(f"{size} {_named(roles[axis], arrays, size)}" for axis, size in zip(others, sizes, strict=True))
    return Rdms(values.reshape(-1, n_stimuli, n_stimuli), subjects, f"RDMs of {counts} x {n_stimuli:,} stimuli", notes)


def _named(role: str, arrays: Mapping[str, Any], size: int) -> str:
    word = "session" if role == "session" else "subject"
    return word if size == 1 else f"{word}s"


def _stated(axes: str | Sequence[str] | None, shape: tuple[int, ...]) -> tuple[str, ...] | None:
    if axes is None:
        return None
    roles = stated_axes(axes, OF_RDMS)
    n_pairs = roles.count("stimulus")
    if len(roles) != len(shape) or n_pairs not in (1, 2):
        raise InputError(
            f"axes: {', '.join(roles)} do not fit an rdm of shape {shape}; name every axis, and stimulus twice "
            "(or once if RDMs are vectors)"
        )
    return roles


def _roles(given: Shaped, n_labels: int | None, arrays: Mapping[str, Any]) -> tuple[str, ...]:
    """The role of each axis, by its name or its length: stimuli have two equal axes, or one as long as all pairs."""
    shape, named = given.shape, [role_of(dim, OF_RDMS) for dim in given.dims]
    if len(shape) > 4:
        raise InputError(f"rdm has shape {shape}; it must be square, or a stack of squares over subjects and sessions")
    square = [
        (one, two)
        for one in range(len(shape))
        for two in range(one + 1, len(shape))
        if shape[one] == shape[two]
        and shape[one] == (n_labels if n_labels is not None else shape[one])
        and not {named[one], named[two]} & {"animal", "session"}
    ]
    if len(shape) == 2 and square:
        return ("stimulus", "stimulus")
    if len(square) > 1:
        raise _ambiguous(shape)
    if square:
        return _with_subjects(["stimulus" if axis in square[0] else None for axis in range(len(shape))], given, arrays)
    pairs = [
        axis
        for axis, length in enumerate(shape)
        if (n_stimuli := _n_stimuli(length)) is not None
        and n_stimuli == (n_labels or n_stimuli)
        and named[axis] not in ("animal", "session")
    ]
    if not pairs:
        wanted = "" if n_labels is None else f"; there are {n_labels} labels of stimuli"
        raise InputError(
            f"rdm has shape {shape}; it must be square, stimulus x stimulus, or a vector of n (n - 1) / 2 pairs{wanted}"
        )
    labels = [label for what in ("animal", "session") if (label := _label(arrays, what)) is not None]
    of_subjects = {axis for axis in pairs if any(len(label) == shape[axis] for label in labels)}
    if len(pairs) > 1 and len(set(pairs) - of_subjects) != 1:
        raise _several_pairs(shape, pairs)
    place = pairs[0] if len(pairs) == 1 else (set(pairs) - of_subjects).pop()
    return _with_subjects(["stimulus" if axis == place else named[axis] for axis in range(len(shape))], given, arrays)


def _several_pairs(shape: tuple[int, ...], pairs: Sequence[int]) -> InputError:
    may_be = " and ".join(f"{shape[axis]} of {_n_stimuli(shape[axis])}" for axis in pairs)
    rest = ["animal", "session", "session"]
    said = []
    for axis in pairs:
        others = iter(rest)
        said.append(",".join("stimulus" if one == axis else next(others) for one in range(len(shape))))
    return InputError(
        f"rdm has shape {shape}, in which several axes may be all pairs of stimuli ({may_be} stimuli); say which one: "
        + " or ".join(argument(axes=one) for one in said)
    )


def _with_subjects(roles: list[str | None], given: Shaped, arrays: Mapping[str, Any]) -> tuple[str, ...]:
    free = [axis for axis, role in enumerate(roles) if role is None]
    lengths = {what: _label(arrays, what) for what in ("animal", "session")}
    for what, label in lengths.items():
        fits = [axis for axis in free if label is not None and given.shape[axis] == len(label)]
        rivals = [axis for axis in fits if lengths["session" if what == "animal" else "animal"] is not None]
        if len(fits) == 1 and (len(free) == 1 or not rivals or _alone(lengths, what, given.shape[fits[0]])):
            roles[fits[0]] = roles[fits[0]] or what
    free = [axis for axis, role in enumerate(roles) if role is None]
    if len(free) == 1:
        roles[free[0]] = "session" if "animal" in roles else "animal"
    elif free:
        raise _ambiguous(given.shape)
    return tuple(str(role) for role in roles)


def _alone(lengths: Mapping[str, Any], what: str, length: int) -> bool:
    """Whether no other label has this length."""
    return all(label is None or len(label) != length for other, label in lengths.items() if other != what)


def _ambiguous(shape: tuple[int, ...]) -> InputError:
    return InputError(
        f"rdm has shape {shape}, and nothing says which axes are stimuli, subjects and sessions; say so with "
        + argument(axes=",".join([*["animal", "session"][: max(0, len(shape) - 2)], "stimulus", "stimulus"]))
    )


def _label(arrays: Mapping[str, Any], what: str) -> npt.NDArray[Any] | None:
    for name in (what, *SYNONYMS[what]):
        if name in arrays and np.ndim(shaped(arrays[name]).array):
            return np.ravel(np.asarray(shaped(arrays[name]).array))
    return None


def _subjects(arrays: Mapping[str, Any], roles: list[str], sizes: Sequence[int]) -> dict[str, npt.NDArray[Any]]:
    """The subject of each RDM of the stack."""
    labels: dict[str, npt.NDArray[Any]] = {}
    for axis, (role, size) in enumerate(zip(roles, sizes, strict=True)):
        label = _label(arrays, role)
        if label is None or len(label) != size:
            label = np.arange(1, size + 1)
        grid = np.broadcast_to(label.reshape([-1 if one == axis else 1 for one in range(len(sizes))]), tuple(sizes))
        labels[role] = np.ravel(grid)
    if len(roles) == 1:  # both labels may lie along this axis
        other = "session" if roles[0] == "animal" else "animal"
        label = _label(arrays, other)
        if label is not None and len(label) == sizes[0]:
            labels[other] = label
    return labels


def _n_stimuli(n_pairs: int) -> int | None:
    n = round((1 + np.sqrt(1 + 8 * n_pairs)) / 2)
    return n if n >= 3 and n * (n - 1) // 2 == n_pairs else None


def _square(vectors: Floats) -> Floats:
    n = _n_stimuli(vectors.shape[-1])
    if n is None:
        raise InputError(
            f"rdm has {vectors.shape[-1]} values, which is not the number of pairs of any number of stimuli"
        )
    square = np.zeros((*vectors.shape[:-1], n, n))
    rows, columns = np.triu_indices(n, k=1)
    square[..., rows, columns] = square[..., columns, rows] = vectors
    return square
