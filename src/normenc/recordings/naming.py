"""What arrays of a file mean, by their names."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_array
from normenc.errors import InputError
from normenc.recordings.angles import checked_degrees
from normenc.recordings.files import study_selection
from normenc.recordings.labels import NEURON_LABELS, TRIAL_LABELS
from normenc.recordings.pictures import match_images
from normenc.recordings.recording import Recording

__all__ = ["FORMATS", "Contents", "understand"]

FORMATS = (
    "'responses' (trial or stimulus x neuron) with 'orientation' or 'direction' (degrees) or 'image' (names), 'resp' "
    "and 'stimuli' (stimulus x neuron, degrees 0 to 360), or 'rdm' with one of these"
)
TEXTS = ("species", "area", "units", "source", "citation", "licence")
STIMULI = ("orientation", "direction", "image")


@dataclass(frozen=True)
class Contents:
    """What a file holds: labels that are checked, and responses that may still have NaN or lie on disk.

    ``stimulus`` holds the stimuli's labels of all rows, ``images`` one image for each different stimulus, ``notes`` how
    the file was understood, ``steps`` what had been done before it was written.
    """

    name: str
    kind: str
    stimulus: Any
    responses: Any = None
    rdm: Any = None
    images: Any = None
    trials: Mapping[str, Any] = field(default_factory=dict)
    neurons: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()

    def recording(self, *, missing: str = "error") -> Recording:
        """Make the recording; see :meth:`Recording.from_trials`."""
        stimulus = {self.kind: self.stimulus}
        if self.responses is None:
            found = Recording.from_rdm(self.name, self.rdm, **stimulus, **self.facts)
            return replace(found, steps=self.steps)
        found = Recording.from_trials(
            self.name,
            np.asarray(self.responses),
            **stimulus,
            images=self.images,
            trials=self.trials,
            neurons=self.neurons,
            missing=missing,
            **self.facts,
        )
        return replace(found, steps=self.steps + tuple(step for step in found.steps if step not in self.steps))


def understand(
    arrays: Mapping[str, Any],
    name: str,
    *,
    names: Mapping[str, str] | None = None,
    images: Any = None,
    angles: str | None = None,
    bin_width: float | None = None,
    one_based: bool = False,
    facts: Mapping[str, Any] | None = None,
) -> Contents:
    """What the arrays of a file mean.

    Parameters
    ----------
    arrays : mapping of str to array_like
    name : str
        Of the recording.
    names : mapping of str to str, optional
        From names that normenc knows to names in the file, ``{"responses": "F", "orientation": "theta"}``.
    images : array_like or mapping, optional
        The stimuli's images, or images by their names; else those in `arrays`.
    angles : str, optional
        ``"degrees"`` or ``"radians"``; where left out, degrees are expected, and what looks like something else is
        refused.
    bin_width : float, optional
        For the reference study's format alone, whose stimuli are put into bins before they are selected.
    one_based : bool
        Whether images are numbered from 1, as MATLAB does, where numbers leave it open.
    facts : mapping, optional
        Override what the file says.

    Raises
    ------
    InputError
        When names are missing, or arrays do not fit together.
    """
    arrays = _renamed(arrays, names or {})
    known: dict[str, Any] = {key: _text(arrays[key]) for key in TEXTS if key in arrays and np.ndim(arrays[key]) == 0}
    if "simulated" in arrays:
        known["simulated"] = _is_true(arrays["simulated"])
    known |= facts or {}
    angles = angles or (str(arrays["angles"]) if np.ndim(arrays.get("angles", [])) == 0 else None)
    steps = tuple(_text(arrays["steps"]).splitlines()) if np.ndim(arrays.get("steps", [])) == 0 else ()
    said = arrays.get("notes")
    notes = tuple(said) if isinstance(said, list) else ()  # else the file's own
    if {"resp", "stimuli"} <= arrays.keys() and "responses" not in arrays:
        degrees = checked_degrees(np.asarray(arrays["stimuli"]), "'stimuli'", angles)
        responses, orientation = study_selection(np.asarray(arrays["resp"]), degrees, bin_width)
        return Contents(name, "orientation", orientation, responses, facts=known, notes=notes, steps=steps)
    kind, stimulus = _stimulus(arrays)
    if "responses" not in arrays:
        if 0 in np.shape(arrays["rdm"]):
            raise InputError(f"rdm has shape {np.shape(arrays['rdm'])}; it must be square, stimulus x stimulus")
        labels = _labels(np.asarray(stimulus), kind, angles)
        return Contents(name, kind, labels, rdm=np.asarray(arrays["rdm"]), facts=known, notes=notes, steps=steps)
    responses, stimulus, trials = _rows(arrays, kind, stimulus)
    images = images if images is not None else arrays.get("images")
    if kind == "image":
        labels, images, counted = match_images(stimulus, images, arrays.get("image_names"), one_based=one_based)
        notes += counted
    else:
        if images is not None:
            raise InputError(
                f"there are images and {kind}s; say which of them the stimuli are, and leave the others out"
            )
        labels = _labels(stimulus, kind, angles)
    neurons = {key: arrays[key] for key in NEURON_LABELS if key in arrays}
    return Contents(name, kind, labels, responses, None, images, trials, neurons, known, notes, steps)


def _renamed(arrays: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    found = dict(arrays)
    for name, own in names.items():
        if own not in arrays:
            raise InputError(f"there is no array {own!r} (for {name}); it holds {_listed(arrays)}")
        found[name] = arrays[own]
    return found


def _listed(arrays: Mapping[str, Any]) -> str:
    shapes = [
        f"{name} {np.shape(value)}" if np.ndim(value) else name for name, value in arrays.items() if name != "notes"
    ]
    return ", ".join(shapes[:12]) + (f" and {len(shapes) - 12} more" if len(shapes) > 12 else "") or "no arrays"


def _stimulus(arrays: Mapping[str, Any]) -> tuple[str, Any]:
    given = [kind for kind in STIMULI if kind in arrays]
    if len(given) > 1:
        raise InputError(
            f"it holds {' and '.join(given)}; keep the one that the stimuli shall be compared by, or choose it by "
            "leaving out the others"
        )
    if given and ("responses" in arrays or "rdm" in arrays):
        return given[0], arrays[given[0]]
    if "stimulus" in arrays and "responses" in arrays and not given:
        if np.asarray(arrays["stimulus"]).dtype.kind in "OUST":
            return "image", arrays["stimulus"]
        raise InputError(
            "'stimulus' holds numbers, which could be orientations, directions or images; say which, for example with "
            "--map orientation=stimulus"
        )
    raise InputError(
        f"it holds {_listed(arrays)}; it must hold {FORMATS}. Where names differ, say which is which: --map "
        "responses=NAME,orientation=NAME"
    )


def _rows(arrays: Mapping[str, Any], kind: str, stimulus: Any) -> tuple[Any, Any, dict[str, Any]]:
    """Responses as trial x neuron, with the stimulus and the labels of every trial."""
    responses = arrays["responses"]
    shape, of_labels = np.shape(responses), np.shape(stimulus)
    if not hasattr(responses, "chunks"):  # else it lies on disk
        _check_numbers(responses)
    trials = {key: arrays[key] for key in TRIAL_LABELS if key in arrays}
    if 0 in shape:
        raise InputError(f"responses have shape {shape}; there must be trials and neurons")
    if len(shape) == 3:
        if of_labels != shape[1:2]:
            raise InputError(
                f"responses have shape {shape}, taken as repeat x stimulus x neuron, but {kind} has shape "
                f"{of_labels}; there must be {shape[1]} values"
            )
        repeat = np.repeat(np.arange(shape[0]), shape[1])
        return np.reshape(responses, (-1, shape[2])), np.tile(np.asarray(stimulus), shape[0]), {"repeat": repeat}
    if len(shape) != 2:
        raise InputError(f"responses have shape {shape}; they must be trial x neuron, or repeat x stimulus x neuron")
    if of_labels != shape[:1]:
        if of_labels == shape[1:]:
            raise InputError(
                f"responses have shape {shape} and {kind} has {of_labels[0]} values: responses are transposed. They "
                "must be trial x neuron; save responses.T"
            )
        raise InputError(f"{kind} has shape {of_labels} but responses have {shape[0]} rows (trials); they must agree")
    return responses, np.asarray(stimulus), trials


def _check_numbers(responses: Any) -> None:
    array = np.asarray(responses)
    if array.dtype.kind in "OUST":
        for place, item in np.ndenumerate(array):
            try:
                float(item)
            except (TypeError, ValueError):
                said = repr(item.item() if isinstance(item, np.generic) else item)[:60]
                raise InputError(f"responses hold {said} at {place}; they must be numbers") from None
    as_array(array, "responses")


def _labels(stimulus: Any, kind: str, angles: str | None) -> Any:
    return stimulus if kind == "image" else checked_degrees(stimulus, kind, angles)


def _text(value: Any) -> str:
    """A text that can be written as UTF-8, whatever bytes it is made of."""
    raw = value.item() if isinstance(value, np.ndarray | np.generic) else value
    if isinstance(raw, bytes):
        return raw.decode("utf-8", "backslashreplace")
    return str(raw).encode("utf-8", "backslashreplace").decode("utf-8")


def _is_true(value: Any) -> bool:
    array: npt.NDArray[Any] = np.asarray(value)
    if array.dtype.kind in "US":
        return str(array).lower() in ("true", "yes", "1")
    return bool(as_array(array, "'simulated'").any())
