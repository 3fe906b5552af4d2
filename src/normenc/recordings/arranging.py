"""Arrange the responses of a file as trial x neuron, with all labels along them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.recordings.angles import as_numbers
from normenc.recordings.axes import (
    PLURALS,
    ROLES,
    Lengths,
    Shaped,
    counted,
    repeats_first,
    roles_of,
    shaped,
    stated_axes,
)
from normenc.recordings.columns import BLANK_COLUMNS, named_columns
from normenc.recordings.labels import NEURON_LABELS, TRIAL_LABELS, as_text
from normenc.recordings.plan import BOTH, Plan, flat
from normenc.recordings.preparation import Preparation
from normenc.recordings.times import averaged_over_time, questionable, seconds_of
from normenc.stimulus_types import STIMULUS_TYPES
from normenc.texts import argument

__all__ = ["Arranged", "arrange"]

KNOWN = ("responses", "rdm", "images", "image_names", "stimulus", "averages")
IN_MEMORY_GIB = 4.0  # of responses whose axes must be transposed


@dataclass(frozen=True)
class Arranged:
    """Responses, trial x neuron, and the labels along them.

    ``columns`` are all other arrays with one value per trial; ``read_as`` says how the array was read, ``unit`` what
    its unit has become.
    """

    responses: Any
    stimulus: npt.NDArray[Any]
    trials: dict[str, Any]
    neurons: dict[str, Any]
    columns: dict[str, npt.NDArray[Any]]
    read_as: str
    unit: str = ""
    notes: list[str] = field(default_factory=list)
    cautions: list[str] = field(default_factory=list)


def arrange(
    arrays: Mapping[str, Any], kind: str, stimulus: Shaped, asked: Preparation, *, windowed: bool = False
) -> Arranged:
    """Find out which axis is which, average over time, and make one row per trial.

    Parameters
    ----------
    arrays : mapping of str to array_like
        With ``responses``.
    kind : str
        What `stimulus` is called.
    stimulus : Shaped
        Labels of the stimuli, along one axis of the responses, or of two.
    asked : Preparation
    windowed : bool
        Whether the window was already applied.

    Raises
    ------
    InputError
        If nothing says what an axis is, or labels do not fit.
    """
    responses, stimulus = shaped(arrays["responses"]), flat(stimulus)
    notes: list[str] = []
    own_axes = asked.axes if asked.axes is not None else _own_axes(arrays)
    stated = None if own_axes is None else stated_axes(own_axes)
    stimulus, repeats_last = repeats_first(stimulus, responses.shape, stated)
    roles = roles_of(
        responses,
        _lengths(arrays, stimulus, kind, repeats_last),
        stated,
        kind,
        timed=asked.window is not None or asked.times is not None,
    )
    read_as, cautions = _read_as(responses.shape, roles), []
    if stated is None and len(roles) == 2 and len(set(responses.shape)) == 1 and not any(responses.dims):
        cautions.append(
            f"responses have as many rows as columns; they are read as {read_as}. If each row is a neuron, pass "
            + argument(axes=f"neuron,{roles[0]}")
        )
    sizes = dict(zip(roles, responses.shape, strict=True))
    along = "trial" if "trial" in roles else "stimulus"
    plan = Plan(roles, responses.dims, sizes.get("repeat"), sizes[along], sizes.get("neuron", 1), along)
    values: Any = responses.array
    if roles not in (("trial", "neuron"), ("stimulus", "neuron")):
        values = _in_memory(values)
    unit = ""
    if "time" in roles:
        values, said = averaged_over_time(
            values,
            roles.index("time"),
            _times(arrays, asked, sizes["time"], notes, cautions),
            *asked.windows,
            likely=_maybe_times(arrays, sizes["time"]),
        )
        read_as += f", {said}"
        unit = " above baseline" if asked.baseline is not None else ""
    elif not windowed and (asked.window is not None or asked.baseline is not None or asked.times is not None):
        raise InputError(f"window=, baseline= and times= are for responses with an axis of time; these are {read_as}")
    values, absent = plan.rows_of(values)
    of_trials = {**_labels(arrays, TRIAL_LABELS, plan.on_trials, plan, notes)}
    if "repeat" in sizes and "repeat" not in of_trials:
        of_trials["repeat"] = np.repeat(np.arange(sizes["repeat"]), sizes[along])
    of_neurons = _neuron_labels(arrays, plan, notes)
    columns = _columns(arrays, plan, {*of_trials, *of_neurons}, notes)
    labels = np.ravel(np.asarray(stimulus.array)) if len(stimulus.shape) == 2 else plan.spread(stimulus)
    if labels is None:  # raised above
        raise AssertionError(stimulus.shape)
    if absent.any():
        notes.append(f"left out {absent.sum():,} of {len(absent):,} repeats that hold no response (NaN)")
        values, labels = values[~absent], labels[~absent]
        of_trials = {key: column[~absent] for key, column in of_trials.items()}
        columns = {key: column[~absent] for key, column in columns.items()}
    return Arranged(values, labels, of_trials, of_neurons, columns, read_as, unit, notes, cautions)


def _own_axes(arrays: Mapping[str, Any]) -> str | None:
    """What the file says about its axes."""
    axes = arrays.get("axes")
    return None if axes is None or np.ndim(axes) else str(axes)


def _lengths(arrays: Mapping[str, Any], stimulus: Shaped, kind: str, repeats_last: bool) -> Lengths:
    """Lengths of all labels that could identify an axis."""
    if not 1 <= len(stimulus.shape) <= 2 or 0 in stimulus.shape:
        raise InputError(f"the stimuli's labels have shape {stimulus.shape}; give one for each trial")
    values = np.asarray(stimulus.array)
    others: dict[str, list[int]] = {
        "neuron": [
            shaped(arrays[name]).shape[0] for name in NEURON_LABELS if name in arrays and shaped(arrays[name]).shape
        ],
        "time": [shaped(arrays["time"]).shape[0]] if "time" in arrays and shaped(arrays["time"]).shape else [],
        "repeat": [shaped(arrays["repeat"]).shape[0]] if "repeat" in arrays and shaped(arrays["repeat"]).shape else [],
    }
    others["repeat"] = [length for length in others["repeat"] if length not in stimulus.shape]
    unique = len(np.unique(as_text(values, kind))) == values.size
    return Lengths(stimulus.shape, stimulus.dims, unique, repeats_last, others)


def _read_as(shape: Sequence[int], roles: Sequence[str]) -> str:
    said = counted(shape, roles)
    return said if "neuron" in roles else f"{said} of 1 neuron"


def _in_memory(values: Any) -> npt.NDArray[Any]:
    gib = float(np.prod(np.shape(values), dtype=float)) * np.dtype(getattr(values, "dtype", float)).itemsize / 2**30
    if hasattr(values, "chunks") and gib > IN_MEMORY_GIB:
        raise InputError(
            f"responses of {gib:.1f} GiB are read in blocks only if they are trial x neuron; save them in that form, "
            "averaged over time"
        )
    return np.asarray(values)


def _times(
    arrays: Mapping[str, Any], asked: Preparation, n_samples: int, notes: list[str], cautions: list[str]
) -> npt.NDArray[np.float64] | None:
    """Times of the samples in seconds, from the user or the file."""
    if asked.times is not None:
        first, last = asked.times
        return np.linspace(first, last, n_samples)
    if "time" not in arrays:
        return None
    raw = np.asarray(shaped(arrays["time"]).array)
    if raw.dtype.kind == "m":
        return np.ravel(raw / np.timedelta64(1, "s"))
    times = np.ravel(as_numbers(raw, "time"))
    unit = getattr(arrays["time"], "attrs", {}).get("units")
    if isinstance(unit, str) and unit.strip():
        if seconds_of(unit) != 1:
            notes.append(f"times are in {unit} and were converted to seconds")
        return times * seconds_of(unit)
    said = questionable(times)
    cautions += [] if said is None else [said]
    return times


def _maybe_times(arrays: Mapping[str, Any], n_samples: int) -> list[str]:
    """Names of arrays that may hold the times of samples: as many increasing numbers."""
    labels = {
        name: flat(shaped(values))
        for name, values in arrays.items()
        if name not in KNOWN and name not in STIMULUS_TYPES
    }
    names = []
    for name, label in labels.items():
        if label.shape == (n_samples,) and not hasattr(label.array, "chunks"):
            values = np.asarray(label.array)
            if n_samples > 1 and values.dtype.kind in "iuf" and (np.diff(values.astype(np.float64)) > 0).all():
                names.append(name)
    return names


def _labels(
    arrays: Mapping[str, Any], known: Sequence[str], fits: Any, plan: Plan, notes: list[str]
) -> dict[str, npt.NDArray[Any]]:
    """Labels of the rows; labels with such a name that lie along the neurons belong to the neurons."""
    columns = named_columns(arrays, known, lambda name: fits(flat(shaped(arrays[name])), name), notes)
    spread = {}
    for name, values in columns.items():
        label = flat(shaped(values))
        if plan.lies_along(label) == "neuron" and name != "repeat":
            continue
        plan.check_plain(label, name, notes)
        rows = plan.spread(label, name)
        if rows is None:
            raise InputError(
                f"{name} has shape {label.shape}, but there are {plan.n_along} {PLURALS[plan.along]}"
                f"{'' if plan.n_repeats is None else f' and {plan.n_repeats} repeats'}; give one value for each"
            )
        spread[name] = rows
    return spread


def _neuron_labels(arrays: Mapping[str, Any], plan: Plan, notes: list[str]) -> dict[str, Any]:
    """Labels of the neurons; for animals and sessions also those that only their length distinguishes from trials."""

    def fits(name: str) -> bool:
        return plan.on_neurons(flat(shaped(arrays[name])))

    labels = named_columns(arrays, NEURON_LABELS, fits, notes)
    for name in ("animal", "session"):
        own = f"neuron_{name}"
        if own not in labels and name in arrays and plan.lies_along(flat(shaped(arrays[name]))) == "neuron":
            labels[own] = arrays[name]
    if "region" not in labels and "area" in arrays and np.ndim(arrays["area"]) and fits("area"):
        labels["region"] = arrays["area"]
    dim = plan.dims[plan.roles.index("neuron")] if "neuron" in plan.roles else None
    if "neuron" not in labels and dim is not None and dim in arrays and fits(dim):
        labels["neuron"] = arrays[dim]
    plain = {}
    for name, values in labels.items():
        label = flat(shaped(values))
        if any(label.dims) and plan.lies_along(label) != "neuron":
            along = ", ".join(map(str, label.dims)) or "nothing"
            raise InputError(f"{name} lies along {along}; it must lie along {dim}, with one value for each neuron")
        plain[name] = np.asarray(label.array)
    return plain


def _columns(arrays: Mapping[str, Any], plan: Plan, used: set[str], notes: list[str]) -> dict[str, npt.NDArray[Any]]:
    """All other arrays with a value for each row."""
    columns = {}
    for name, values in arrays.items():
        if name in used or name in STIMULUS_TYPES or name in (*KNOWN, "notes", *ROLES):
            continue
        if not np.ndim(shaped(values).array):
            continue
        label = flat(shaped(values))
        if len(label.shape) > 2 or label.shape == (1,) or hasattr(label.array, "chunks"):
            continue
        if plan.n_repeats == plan.n_along and label.shape == (plan.n_along,) and not any(label.dims):
            if name in BLANK_COLUMNS:
                plan.check_plain(label, name, notes)
            notes.append(f"{name} is left out, because it may label the repeats or the {PLURALS[plan.along]}")
        elif plan.lies_along(label) in ("rows", *BOTH):
            rows = plan.spread(label)
            assert rows is not None
            columns[name] = rows if rows.dtype.kind in "iufb" else as_text(rows, name)
    return columns
