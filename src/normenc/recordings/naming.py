"""The meaning of a file's arrays, from their names and from what the user maps, and from nothing else."""

from collections.abc import Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_array
from normenc.errors import InputError, quoted
from normenc.recordings.angles import APART, checked_numbers, joined, unit_of
from normenc.recordings.arranging import arrange
from normenc.recordings.axes import Shaped, shaped
from normenc.recordings.blanks import without_blanks
from normenc.recordings.columns import rows_where, varying
from normenc.recordings.contents import Contents
from normenc.recordings.dissimilarities import read_rdms
from normenc.recordings.formats import listed, not_there
from normenc.recordings.formats.columns import ranges
from normenc.recordings.formats.listing import ASIDE
from normenc.recordings.formats.patterns import matches_of
from normenc.recordings.labels import without_stimulus
from normenc.recordings.named_axes import at_chosen_values
from normenc.recordings.on_disk import picked
from normenc.recordings.pictures import images_of_numbers, labelled_by_images, match_images
from normenc.recordings.preparation import Preparation
from normenc.recordings.rdm_labels import unnamed_labels
from normenc.recordings.reference_format import of_reference
from normenc.recordings.squares import question_square
from normenc.recordings.steps import compares_numbers
from normenc.stimulus_types import STIMULUS_TYPES, as_type
from normenc.stimulus_types.known import listed_names
from normenc.texts import argument, natural_order

__all__ = ["FORMATS", "TEXTS", "understand"]

FORMATS = (
    "'responses' (trial or stimulus x neuron) with 'orientation' or 'direction' (degrees) or 'image' (names), 'resp' "
    "and 'stimuli' (stimulus x neuron, degrees 0 to 360), or 'rdm' with one of these"
)
TEXTS = ("species", "area", "units", "source", "citation", "licence")
DATA = ("responses", "rdm", "resp")
PROBABILITY = "iscell_probability"  # of suite2p
OF_TRIALS = ("times", "window", "baseline", "where", "blank", "missing")  # options
MOST_FACT = 2000  # characters, such as of a citation


def understand(
    arrays: Mapping[str, Any],
    name: str,
    preparation: Preparation | None = None,
    *,
    images: Any = None,
    one_based: bool = False,
    mapped: bool = False,
    windowed: bool = False,
) -> Contents:
    """Work out what the arrays of a file mean.

    Parameters
    ----------
    arrays : mapping of str to array_like
        Those of xarray bring the names of their axes.
    name : str
        The recording's name.
    preparation : Preparation, optional
    images : array_like or mapping, optional
        The stimuli's images, or images by their names; else those in `arrays`.
    one_based : bool
        Whether images are numbered from 1, as MATLAB does, where numbers leave it open.
    mapped, windowed : bool
        Whether names and windows have been applied when the file was read.

    Raises
    ------
    InputError
        If names are missing, or arrays do not fit together.
    """
    asked = preparation or Preparation()
    notes = list(notes) if isinstance(notes := arrays.get("notes"), list) else []  # else the file's own
    known = _renamed(arrays, asked.names or {}, mapped, notes)
    _judge_by_numbers(known, asked, notes)
    facts = _facts(known) | asked.facts
    common: dict[str, Any] = {"facts": facts, "steps": _steps(known)}
    known = known if images is None else labelled_by_images(known, notes)
    images = images if images is not None else known.get("images")
    _check_one_of_data(known)
    if "rdm" in known:
        _check_needs_no_trials(asked)
        return _of_rdm(known, name, asked, images, common | {"notes": notes})
    if {"resp", "stimuli"} <= known.keys() and "responses" not in known:
        return of_reference(known, name, replace(asked, angles=_angles(known, asked)), common | {"notes": notes})
    if asked.rdm_metric is not None:
        raise InputError(
            "rdm_metric describes a given RDM, but the file has responses, from which the RDM is computed; leave it out"
        )
    kind, _ = _stimulus(known)
    known, where, chosen = at_chosen_values(known, kind, asked.where, is_stated=asked.axes is not None)
    asked = replace(asked, where=where or None)
    kind, stimulus = _stimulus(known)
    arranged = arrange(known, kind, stimulus, asked, windowed=windowed)
    _check_numbers(arranged.responses)
    cautions = list(arranged.cautions)
    if asked.axes is None and "responses" not in (asked.names or {}):
        question_square(arranged.responses)
    if arranged.unit and "units" in facts:
        facts["units"] += arranged.unit
    pictures = list(images) if isinstance(images, Mapping) else np.ravel(shaped(known.get("image_names", [])).array)
    labels = without_blanks(arranged, as_type(kind), asked, set(map(str, pictures)))
    choosing = arranged.columns | arranged.trials | {kind: np.asarray(arranged.stimulus)}
    blank = without_stimulus(labels)
    rows, step = rows_where(choosing, asked.where, len(labels), blank=blank, labels=arranged.trials)
    notes += arranged.notes
    shown = as_type(kind)
    if shown.is_named:
        of_kept, images, counted = match_images(
            labels[rows], images, known.get("image_names"), one_based=one_based, every=labels
        )
        notes += counted
        labels = np.full(len(rows), "", dtype=of_kept.dtype)
        labels[rows] = of_kept
    else:
        every, labels = labels, np.where(rows, labels, np.nan)
        labels[rows] = checked_numbers(labels[rows], shown, _angles(known, asked))
        if shown.period is not None and not _ends_apart(known):
            labels, said = joined(labels, kind, shown.period)
            notes += said
        images = images_of_numbers(images, shown, every, labels)
    is_shown = rows & ~without_stimulus(labels)
    others = {key: column[is_shown] for key, column in arranged.columns.items() if key not in (asked.where or {})}
    cautions += varying(others, labels[is_shown])
    return Contents(
        name,
        kind,
        labels,
        arranged.responses,
        rows=None if rows.all() else rows,
        images=images,
        trials=arranged.trials,
        neurons=arranged.neurons,
        facts=facts,
        read_as=arranged.read_as,
        notes=tuple(notes),
        cautions=tuple(cautions),
        steps=(*common["steps"], *chosen, *([step] if step else [])),
    )


def _check_one_of_data(arrays: Mapping[str, Any]) -> None:
    """Raise InputError for a file with two things that could be the recording."""
    names = [name for name in ("responses", "rdm") if name in arrays]
    if {"resp", "stimuli"} <= arrays.keys() and np.ndim(shaped(arrays["resp"]).array) > 1:
        names.append("resp")
    if len(names) > 1:
        ways = " or ".join(argument(names={name: name}) for name in names)
        raise InputError(f"it holds {' and '.join(names)}; choose one of them with {ways}")


def _check_needs_no_trials(asked: Preparation) -> None:
    """Raise InputError for options that choose among trials or neurons, which an RDM does not have."""
    given = [f"{name}=" for name in asked.given() if name in OF_TRIALS]
    if given:
        raise InputError(f"it is an RDM, which has no trials and no neurons; leave out {', '.join(given)}")


def _of_rdm(arrays: Mapping[str, Any], name: str, asked: Preparation, images: Any, common: dict[str, Any]) -> Contents:
    """A population known only by its RDM, or several."""
    given = [kind for kind in STIMULUS_TYPES if kind in arrays]
    if len(given) > 1:
        raise _several_stimuli(given)
    shown = as_type(kind := given[0] if given else "image")
    stimulus = np.ravel(shaped(arrays[kind]).array) if given else None
    read = read_rdms(
        arrays, next((np.size(arrays[key]) for key in (kind, "stimulus") if key in arrays), None), asked.axes
    )
    notes = [*common["notes"], *read.notes]
    if stimulus is None:
        stimulus = unnamed_labels(arrays, read.rdm.shape[-1], images, notes)
    if shown.is_named:
        labels, images, counted = match_images(stimulus, images, arrays.get("image_names"))
        notes += counted if given else ()
        # As images come in the order of their names, and the matrix in that of its rows.
        if images is not None:
            images = picked(images, np.searchsorted(np.unique(labels), labels))
    else:
        labels = checked_numbers(stimulus, shown, _angles(arrays, asked))
        if shown.period is not None and unit_of(labels, shown.period) == APART and not _ends_apart(arrays):
            notes.append(f"{labels.min():g} and {labels.max():g} degrees, the same {kind}, count as two stimuli")
        images = None if shown.is_grating else images_of_numbers(images, shown, labels, labels)
        if images is not None:
            images = picked(images, np.searchsorted(np.unique(labels), labels))
    metric = asked.rdm_metric or (str(arrays["metric"]) if np.ndim(arrays.get("metric", [])) == 0 else "correlation")
    return Contents(
        name,
        kind,
        labels,
        rdm=read.rdm,
        subjects=read.subjects,
        rdm_metric=metric,
        images=images,
        read_as=read.read_as + ("" if metric == "correlation" else f" ({metric} dissimilarities)"),
        **common | {"notes": tuple(notes)},
    )


def _renamed(arrays: Mapping[str, Any], names: Mapping[str, str], mapped: bool, notes: list[str]) -> dict[str, Any]:
    """The arrays, each under the name that it is mapped to and no other; of what is mapped, rivals are left out.

    With `mapped`, the format has given names already, as those do that arrange their columns while they read.
    """
    moved: dict[str, Any] = {}
    used: set[str] = set()
    for name, own in names.items():
        if mapped:
            moved |= {name: arrays[name]} if name in arrays else {}
        elif own in arrays:
            moved[name] = arrays[own]
            used.add(own)
        elif "*" in own and (matching := _matching(arrays, own, set(names.values()))):
            moved[name] = _side_by_side({key: arrays[key] for key in matching}, own)
            used |= set(matching)
            notes.append(f"{name} are {len(matching):,} arrays, {ranges(matching)}, one per neuron")
        else:
            raise InputError(not_there(arrays, name, own))
    kept = {key: value for key, value in arrays.items() if key not in used} | moved
    for rivals in (tuple(STIMULUS_TYPES), DATA):
        if set(rivals) & moved.keys():
            kept = {key: value for key, value in kept.items() if key not in rivals or key in moved}
    return kept


def _judge_by_numbers(known: dict[str, Any], asked: Preparation, notes: list[str]) -> None:
    """Where the quality is compared with a number and is a name, take suite2p's probability in its place."""
    if asked.quality is None or not compares_numbers(asked.quality) or PROBABILITY not in known:
        return
    if "quality" in known and np.asarray(shaped(known["quality"]).array).dtype.kind not in "iuf":
        known["quality"] = known[PROBABILITY]
        notes.append(f"quality is {PROBABILITY}, because quality= compares numbers")


def _matching(arrays: Mapping[str, Any], pattern: str, mapped: set[str]) -> list[str]:
    """Names of arrays that match and are not `mapped` otherwise; InputError if some look like no neurons."""
    names = [name for name in arrays if name not in (*ASIDE, *mapped)]

    def match(part: str) -> list[str]:
        own = [name for name in names if fnmatchcase(name, part)]
        return [own[place] for place in natural_order(own)]

    return matches_of(pattern, names, match)


def _side_by_side(arrays: Mapping[str, Any], pattern: str) -> Shaped:
    """Arrays of one shape, one a neuron."""
    order = list(arrays)
    parts = [np.asarray(shaped(arrays[key]).array) for key in order]
    for key, part in zip(order, parts, strict=True):
        if part.shape != parts[0].shape or part.dtype.kind not in "iufb":
            raise InputError(
                f"{pattern} matches {order[0]} of shape {parts[0].shape} and {key} of shape {part.shape} "
                f"({part.dtype}); the arrays of all neurons must be numbers of one shape"
            )
    return Shaped(np.stack(parts, axis=-1), (*[None] * parts[0].ndim, "neuron"))


def _stimulus(arrays: Mapping[str, Any]) -> tuple[str, Shaped]:
    given = [kind for kind in STIMULUS_TYPES if kind in arrays]
    if len(given) > 1:
        raise _several_stimuli(given)
    if given and "responses" in arrays:
        return given[0], shaped(arrays[given[0]])
    if "stimulus" in arrays and "responses" in arrays:
        stimulus = shaped(arrays["stimulus"])
        if np.asarray(stimulus.array).dtype.kind in "OUST":
            return "image", stimulus
        raise InputError(
            f"'stimulus' holds numbers, which could be {listed_names('or', plural=True)}; say which, for example with "
            + argument(names={"orientation": "stimulus"})
        )
    raise InputError(
        f"it holds {listed(arrays)}; it must hold {FORMATS}. If your names differ, map them: "
        + argument(names={"responses": "NAME", "orientation": "NAME"})
    )


def _several_stimuli(given: list[str]) -> InputError:
    return InputError(
        f"it holds {' and '.join(given)}; choose which of them labels the stimuli: "
        f"{argument(names={given[0]: given[0]})} or {argument(names={given[1]: given[1]})}"
    )


def _check_numbers(responses: Any) -> None:
    if hasattr(responses, "chunks"):  # it lies on disk
        return
    array = np.asarray(responses)
    if array.dtype.kind in "OUST":
        for place, item in np.ndenumerate(array):
            try:
                float(item)
            except (TypeError, ValueError):
                said = repr(item.item() if isinstance(item, np.generic) else item)[:60]
                raise InputError(f"responses hold {said} at {place}; they must be numbers") from None
    as_array(array, "responses")


def _angles(arrays: Mapping[str, Any], asked: Preparation) -> str | None:
    """The unit of degrees, as the user says, or else the file."""
    return asked.angles or ("degrees" if _ends_apart(arrays) else _own_angles(arrays))


def _ends_apart(arrays: Mapping[str, Any]) -> bool:
    return _own_angles(arrays) == APART


def _own_angles(arrays: Mapping[str, Any]) -> str | None:
    return _text(arrays["angles"]) if np.ndim(arrays.get("angles", [])) == 0 else None


def _facts(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """What the file says of the recording as a whole, or else as attributes of its responses."""
    own = next((getattr(arrays[key], "attrs", {}) for key in DATA if key in arrays), {})
    facts: dict[str, Any] = {key: str(own[key]) for key in TEXTS if isinstance(own.get(key), str)}
    facts |= {key: _text(arrays[key]) for key in TEXTS if key in arrays and np.ndim(arrays[key]) == 0}
    if "simulated" in arrays and np.size(arrays["simulated"]) == 1:
        facts["simulated"] = _is_true(arrays["simulated"])
    for key, said in facts.items():
        if isinstance(said, str) and len(said) > MOST_FACT:
            raise InputError(f"{key} has {len(said):,} characters ({quoted(said)}); write at most {MOST_FACT:,}")
    return facts


def _steps(arrays: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(_text(arrays["steps"]).splitlines()) if np.ndim(arrays.get("steps", [])) == 0 else ()


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
