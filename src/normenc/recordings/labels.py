"""Labels of stimuli, trials and neurons, checked."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_array
from normenc.errors import InputError, quoted
from normenc.recordings.on_disk import on_disk
from normenc.stimulus_types import StimulusType, as_type
from normenc.stimulus_types.angles import DECIMALS, decimals_of
from normenc.stimulus_types.known import listed_names
from normenc.texts import argument, visible_array

__all__ = [
    "NEURON_LABELS",
    "TRIAL_LABELS",
    "as_images",
    "as_labels",
    "as_stimulus",
    "as_text",
    "check_names",
    "check_same_neurons",
    "visible_labels",
    "without_missing",
    "without_stimulus",
]

TRIAL_LABELS = ("animal", "session", "repeat")
NEURON_LABELS = ("neuron", "region", "quality", "neuron_animal", "neuron_session")
NAMED = ("animal", "session", "neuron_animal", "neuron_session")
MISSING_NAMES = ("", "nan", "nat", "<na>")
MISSING = ("error", "neurons", "trials")
SAME = 10.0**-DECIMALS
MOST_NAME = 10_000  # characters
MOST_CODES = 5  # of trials without a stimulus
FAR = 1e6  # degrees beyond any real stimulus
WHOLE = 2.0**53  # numbers up to which float64 has every whole one


def as_stimulus(n_rows: int, what: str, given: Mapping[str, Any]) -> tuple[npt.NDArray[Any], StimulusType]:
    """The stimulus of every row, and its type; raises InputError unless one type is given by its name, and fits."""
    given = {name: values for name, values in given.items() if values is not None}
    if len(given) != 1:
        said = " and ".join(given) or "none"
        raise InputError(f"the stimuli are given as {said}; give one of {listed_names()}")
    ((name, values),) = given.items()
    kind = as_type(name)
    labels = visible_labels(as_text(values, name), name) if kind.is_named else as_array(values, name).astype(np.float64)
    if labels.ndim != 1 or len(labels) != n_rows:
        raise InputError(
            f"{name} has shape {labels.shape} but there are responses to {n_rows} {what}; the numbers must agree"
        )
    if n_rows < 2:
        one = what.removesuffix("s") if what == "trials" else "stimulus"
        raise InputError(f"there is {n_rows} {one}; a comparison needs at least 3 stimuli, and many more to be useful")
    if kind.is_named:
        return labels, kind
    bad = ~np.isfinite(labels) if what != "trials" else np.isinf(labels)  # NaN is a blank trial
    if bad.any():
        row, one = np.flatnonzero(bad)[0], "trial" if what == "trials" else "stimulus"
        numbers = "numbers" if kind.period is None else kind.unit
        raise InputError(f"{name} of {one} {row} is not finite; give {numbers}, or leave out that {one}")
    shown = labels[~without_stimulus(labels)]
    if not len(shown):
        raise InputError(f"no trial has a stimulus: every {kind.noun} is missing (NaN)")
    if kind.period is not None:
        _check_span(shown, kind, kind.period)
    return kind.rounded(labels) if what == "trials" else labels, kind


def _check_span(degrees: npt.NDArray[np.float64], kind: StimulusType, period: float) -> None:
    """Raise InputError for degrees that span more than one period, with what they may be instead."""
    low, high = float(degrees.min()), float(degrees.max())
    if high - low <= period + 10.0 ** -decimals_of(period) and max(-low, high) <= FAR:
        return
    said = f"{kind.name} runs from {low:g} to {high:g}, over more than {period:g} degrees; "
    codes = np.unique(degrees[np.abs(degrees) > 360 + SAME])
    others = degrees[np.abs(degrees) <= 360 + SAME]
    if len(codes) <= MOST_CODES and len(others) and np.ptp(others) <= period + 10.0 ** -decimals_of(period):
        named = ", ".join(f"{code:g}" for code in codes)
        blank = f"if {named} marks trials without a stimulus, pass blank={f'[{named}]' if len(codes) > 1 else named}"
        raise InputError(f"{said}give degrees that span one period of {period:g}; {blank}")
    if kind.wider and np.ptp(degrees) <= 360 + SAME:
        raise InputError(said + kind.wider)
    raise InputError(f"{said}give degrees that span one period of {period:g}")


def without_stimulus(labels: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Which rows show no stimulus: degrees that are NaN, names that are empty."""
    if labels.dtype.kind in "iub":
        return np.zeros(labels.shape, dtype=bool)
    return np.isnan(labels) if labels.dtype.kind == "f" else np.strings.strip(labels) == ""


def as_labels(
    labels: Mapping[str, Any] | None, known: Sequence[str], length: int, what: str
) -> dict[str, npt.NDArray[Any]]:
    """Labels of trials or neurons as text, or numbers where they are numbers; raises InputError for unknown ones.

    Every neuron gets a name: without one it is its number among these, counted from 0.
    """
    checked = {}
    for name, values in (labels or {}).items():
        if name not in known:
            raise InputError(f"there is no {what} label {name!r}; the labels are {', '.join(known)}")
        if np.shape(values) != (length,):  # known before they are read
            raise InputError(
                f"{name} has shape {np.shape(values)}, but there are {length} {what}s; give one value for each"
            )
        array = np.asarray(values)
        if name in (*NAMED, "neuron") or array.dtype.kind not in "iufb":
            array = visible_labels(as_text(values, name), name)
        if name in NAMED:
            array = np.strings.strip(array)
            nameless = np.isin(np.strings.lower(array), MISSING_NAMES)
            if nameless.all():
                continue
            if nameless.any():
                raise InputError(
                    f"{name} is missing in {nameless.sum():,} of {length:,} {what}s; name all of them, or none"
                )
        checked[name] = array
    if "neuron" in known:
        checked["neuron"] = _neuron_names(checked.get("neuron"), length)
        names, counts = np.unique(checked["neuron"], return_counts=True)
        if len(names) and counts.max() > 1:
            raise InputError(
                f"neuron {str(names[counts.argmax()])!r} occurs {counts.max()} times; give every neuron its own name"
            )
    return checked


def _neuron_names(names: npt.NDArray[Any] | None, length: int) -> npt.NDArray[Any]:
    if names is None:
        return np.arange(length).astype(str)
    plain = np.strings.strip(names)
    every, which, counts = np.unique(plain, return_inverse=True, return_counts=True)
    # Only one neuron may be called nan; several are without a name.
    no_name = (every == "") | (np.isin(np.strings.lower(every), ("nan", "none")) & (counts > 1))
    nameless = no_name[which]
    numbers = np.array([f"no. {number}" for number in range(length)])
    return np.where(nameless, numbers, names)


def as_text(values: Any, what: str) -> npt.NDArray[Any]:
    """Names as an array of text; whole numbers are written without a point.

    Raises
    ------
    InputError
        If a name is not UTF-8; `what` says which names they are.
    """
    array = np.asarray(values)
    if array.dtype.kind in "iub":
        return array.astype(str)
    if array.dtype.kind == "f":  # NaN is no name
        there = ~np.isnan(array)
        whole = ((np.abs(array) < WHOLE) & (array == np.round(array)))[there].all()
        written = np.where(there, array, 0).astype(np.int64).astype(str) if whole else array.astype(str)
        return np.where(there, written, "")
    items = [item if isinstance(item, bytes) else _plain(item) for item in array.ravel().tolist()]
    try:
        texts = [item.decode("utf-8") if isinstance(item, bytes) else item for item in items]
        "".join(texts).encode("utf-8")
    except UnicodeError:
        bad = next(item for item in items if not _is_utf8(item))
        raise InputError(f"{what} holds a name that is not UTF-8 ({bad!r}); write names as UTF-8 text") from None
    check_names(texts, what)
    return np.array(texts, dtype=str).reshape(array.shape)


def visible_labels(labels: npt.NDArray[Any], what: str) -> npt.NDArray[Any]:
    r"""Labels of text as they are shown, see :func:`normenc.texts.visible`; blank ones stay blank.

    Raises
    ------
    InputError
        If two of them would be shown alike; `what` says what they are.

    Examples
    --------
    >>> visible_labels(np.array(["V1\n", "LM"]), "region").tolist()
    ['V1\\n', 'LM']
    """
    visible = visible_array(labels)
    if visible is labels:
        return labels
    visible = np.where(np.strings.strip(labels) == "", labels, visible)
    raw = np.unique(labels)
    names, counts = np.unique(visible_array(raw), return_counts=True)
    if len(names) < len(raw):
        raise InputError(
            f"{what} holds two names that both appear as {str(names[counts.argmax()])!r}: one has an invisible "
            "character; rename it"
        )
    return visible


def check_names(names: Sequence[str], what: str) -> None:
    """Raise InputError for a very long name, because a text array reserves its length for every entry."""
    longest = max(names, key=len, default="")
    if len(longest) > MOST_NAME:
        raise InputError(
            f"{what} holds a text of {len(longest):,} characters ({quoted(longest)}); names have at most {MOST_NAME:,}"
        )


def _plain(item: Any) -> str:
    """A name; nothing for one that is missing, as pandas has it."""
    return "" if item is None or (isinstance(item, float) and np.isnan(item)) else str(item)


def _is_utf8(text: str | bytes) -> bool:
    try:
        return bool((text.decode("utf-8") if isinstance(text, bytes) else text.encode("utf-8")) or True)
    except UnicodeError:
        return False


def as_images(images: Any, n_stimuli: int, kind: StimulusType) -> Any:
    """Images as recorded, grey or in colour: bytes (uint8), or float32 from 0 to 1; those on disk stay there."""
    from normenc.stimuli.image_sets import ImageSet

    if kind.is_grating:
        raise InputError(f"images need stimuli given as image, not as {kind.name}; leave them out")
    if not on_disk(images):
        images = images.detach().cpu().numpy() if hasattr(images, "detach") else np.asarray(images)
    if images.ndim == 4 and images.shape[3] == 1:  # one channel
        images = images[..., 0] if not on_disk(images) else ImageSet.of(images).stack
    shape = images.shape
    if 0 in shape or not (len(shape) == 3 or (len(shape) == 4 and shape[3] in (3, 4))):
        raise InputError(
            f"images have shape {shape}; they must be (n_images, height, width), optionally with 3 or 4 colour "
            "channels last"
        )
    if len(images) != n_stimuli:
        raise InputError(f"there are {len(images)} images but {n_stimuli} stimuli; give one image for each")
    stack = ImageSet.of(images).stack
    if on_disk(stack):
        return stack
    stack = stack[..., :3] if stack.ndim == 4 else stack
    return stack if stack.dtype == np.uint8 else stack.astype(np.float32)


def check_same_neurons(values: npt.NDArray[Any], of_trials: Mapping[str, npt.NDArray[Any]]) -> None:
    """Raise InputError if each animal, or session, has its own neurons, so every trial lacks some.

    Parameters
    ----------
    values : ndarray, shape (n_trials, n_neurons)
        NaN where a neuron is another animal's.
    of_trials : mapping of str to ndarray, shape (n_trials,)
    """
    missing = np.isnan(values) if values.dtype.kind == "f" else np.zeros(values.shape, dtype=bool)
    if not missing.any(axis=1).all() or not missing.any(axis=0).all():
        return
    for what in (name for name in ("animal", "session") if name in of_trials):
        names, group = np.unique(of_trials[what], return_inverse=True)
        lacks = np.array([missing[group == place].all(axis=0) for place in range(len(names))])
        if len(names) > 1 and lacks.any(axis=0).all() and lacks.any(axis=1).all() and not lacks.all(axis=0).any():
            raise InputError(
                f"the {len(names)} {what}s have different neurons: the neurons of the other {what}s are missing (NaN) "
                f"in the trials of each {what}, so no trial and no neuron is complete. Some neurons are of several "
                f"{what}s: give each {what} columns of its own, and their trials are joined; or read each {what} by "
                f"itself ({argument(where={what: str(names[0])}, missing='neurons')}, or a file of its own)"
            )


def without_missing(
    values: npt.NDArray[Any], missing: str
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], tuple[str, ...]]:
    """Which trials and neurons to keep, and what is left out; raises InputError if nothing may be left out."""
    if missing not in MISSING:
        raise InputError(f"missing is {missing!r}; it must be one of {', '.join(MISSING)}")
    n_trials, n_neurons = values.shape
    trials, neurons = np.ones(n_trials, dtype=bool), np.ones(n_neurons, dtype=bool)
    bad = ~np.isfinite(values)
    if not bad.any():
        return trials, neurons, ()
    trial, neuron = np.argwhere(bad)[0]
    if np.isinf(values[bad]).any():
        trial, neuron = np.argwhere(np.isinf(values))[0]
        raise InputError(f"the response of neuron {neuron} in trial {trial} is infinite; responses must be numbers")
    if missing == "error":
        raise InputError(
            f"{bad.sum():,} of {bad.size:,} responses are missing (NaN), the first of neuron {neuron} in trial "
            f"{trial}; leave out the {bad.any(axis=0).sum():,} neurons (missing='neurons') or the "
            f"{bad.any(axis=1).sum():,} trials (missing='trials') that have any"
        )
    if missing == "neurons":
        neurons = ~bad.any(axis=0)
    else:
        trials = ~bad.any(axis=1)
    left, all_of = (neurons, n_neurons) if missing == "neurons" else (trials, n_trials)
    if not left.any():
        raise InputError(
            f"every one of the {all_of:,} {missing} has missing responses; nothing would be left. If animals have "
            "neurons of their own, label the trials with animal, or the neurons with neuron_animal, to join the trials"
        )
    return trials, neurons, (f"left out {all_of - left.sum():,} of {all_of:,} {missing} with missing responses",)
