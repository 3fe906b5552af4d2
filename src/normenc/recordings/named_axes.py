"""Axes named after stimulus parameters, along which one value is chosen."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from normenc.errors import InputError
from normenc.recordings.axes import Shaped, role_of, shaped
from normenc.recordings.columns import Condition, rows_where
from normenc.texts import argument

__all__ = ["at_chosen_values"]

PARAMETERS = frozenset(
    re.findall(
        r"\w+",
        """contrast phase frequency freq tf sf cpd size radius diameter speed velocity luminance coherence color colour
        eye position depth laser opto state level intensity duration""",
    )
)
MOST_NAMED = 5  # values in a message


def at_chosen_values(
    arrays: Mapping[str, Any], kind: str, where: Condition | None, *, is_stated: bool
) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    """Arrays at one value of each axis that is a parameter of the stimuli, further conditions, and what was chosen.

    Parameters
    ----------
    arrays : mapping of str to array_like
        With ``responses`` and `kind`. Values along an axis are the array of its name.
    kind : str
        What the stimuli's labels are called.
    where : mapping of str to object, optional
        Conditions; those on axes of the responses are used here, and must leave one value each.
    is_stated : bool
        Whether the user says what each axis is.

    Raises
    ------
    InputError
        If several values of such an axis are left; the message lists them.

    Examples
    --------
    >>> responses = xr.Variable(("neuron", "orientation", "contrast"), np.arange(12).reshape(2, 3, 2))
    >>> contrast = xr.Variable(("contrast",), [0.5, 1.0])
    >>> arrays = {"responses": responses, "contrast": contrast, "orientation": [0, 45, 90]}
    >>> chosen, _, said = at_chosen_values(arrays, "orientation", {"contrast": 1}, is_stated=False)
    >>> chosen["responses"].values.tolist(), said
    ([[1, 3, 5], [7, 9, 11]], ['kept contrast 1 of 2 values'])
    """
    responses, chosen, rest, said = shaped(arrays["responses"]), dict(arrays), dict(where or {}), list[str]()
    labelled = set(shaped(arrays[kind]).dims) | {None}
    unknown = [dim for dim in responses.dims if dim not in labelled and role_of(dim) is None]
    for dim in map(str, unknown):
        length = responses.shape[responses.dims.index(dim)]
        values = _values(arrays, dim, length)
        if dim in rest:
            if values is None:
                raise InputError(f"where: the file gives no values of the axis {dim} of the responses to choose from")
            kept, _ = rows_where({dim: values}, {dim: rest.pop(dim)}, length)
            if kept.sum() > 1:
                raise InputError(f"where: {dim} is an axis of the responses; choose one of its values, not several")
            said.append(f"kept {dim} {values[kept][0]:g} of {length} values" if values.dtype.kind in "iuf" else "")
            said[-1] = said[-1] or f"kept {dim} {values[kept][0]} of {length} values"
            place = int(np.flatnonzero(kept)[0])
        elif length == 1 and _is_parameter(dim) and not is_stated:
            place = 0
        elif not is_stated and (_is_parameter(dim) or _all_others_known(responses.dims, labelled, dim)):
            raise InputError(_choose(dim, length, values, responses.dims, _is_parameter(dim)))
        else:
            continue
        chosen = {name: _at(array, dim, place) for name, array in chosen.items() if name != dim}
    return chosen, rest, said


def _values(arrays: Mapping[str, Any], dim: str, length: int) -> Any:
    values = np.asarray(shaped(arrays[dim]).array) if dim in arrays else np.empty(0)
    return values if values.shape == (length,) else None


def _is_parameter(dim: str) -> bool:
    return bool(PARAMETERS & set(re.findall("[a-z]+", dim.lower())))


def _all_others_known(dims: Sequence[str | None], labelled: set[str | None], dim: str) -> bool:
    """Whether an axis is left although neurons and stimuli have theirs."""
    others = [other for other in dims if other != dim]
    roles = [role_of(other) for other in others]
    return "neuron" in roles and any(other in labelled - {None} for other in others)


def _choose(dim: str, length: int, values: Any, dims: Sequence[str | None], is_parameter: bool) -> str:
    if values is None:
        listed, first = f"{length} values", "VALUE"
    else:
        names = [f"{value:g}" if values.dtype.kind in "iuf" else str(value) for value in values]
        more = f" and {length - MOST_NAMED} more" if length > MOST_NAMED else ""
        listed, first = ", ".join(names[:MOST_NAMED]) + more, names[0]
    said = f"the axes of the responses are called {', '.join(map(str, dims))}"
    advice = f"choose one of its values: {argument(where={dim: first})}"
    if values is None:
        advice = "choose one of its values before you save the file, or save the values under its name"
    if is_parameter:
        what = f"; {dim} ({listed}) seems to be a parameter that varies in addition to the stimulus; {advice}"
    else:
        what = f", and {dim} ({listed}) is not a known one; {advice}"
    return f"{said}{what}, or say what each axis is with axes="


def _at(array: Any, dim: str, place: int) -> Any:
    """An array at one place of an axis, where it has that axis."""
    dims = getattr(array, "dims", ())
    if dim not in dims:
        return array
    if isinstance(array, xr.Variable | xr.DataArray):
        return array.isel({dim: place})
    index = tuple(place if own == dim else slice(None) for own in dims)
    values = array.array if isinstance(array, Shaped) else array
    return Shaped(values[index], tuple(own for own in dims if own != dim))
