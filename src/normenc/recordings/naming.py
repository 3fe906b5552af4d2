"""What arrays of a file mean: by their names, by what the user maps, and by nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_array
from normenc.errors import InputError
from normenc.recordings.angles import as_numbers, checked_degrees, without_codes
from normenc.recordings.arranging import Arranged, arrange
from normenc.recordings.axes import Shaped, shaped
from normenc.recordings.columns import BLANK_COLUMNS, rows_where, varying
from normenc.recordings.dissimilarities import read_rdms
from normenc.recordings.files import study_selection
from normenc.recordings.formats import listed, not_there
from normenc.recordings.formats.columns import ranges
from normenc.recordings.formats.listing import ASIDE
from normenc.recordings.formats.patterns import check_alike, parts_of
from normenc.recordings.pictures import match_images, natural_order
from normenc.recordings.preparation import Preparation
from normenc.recordings.recording import Recording
from normenc.recordings.steps import compares_numbers

__all__ = ["FORMATS", "STIMULI", "TEXTS", "Contents", "understand"]

FORMATS = (
    "'responses' (trial or stimulus x neuron) with 'orientation' or 'direction' (degrees) or 'image' (names), 'resp' "
    "and 'stimuli' (stimulus x neuron, degrees 0 to 360), or 'rdm' with one of these"
)
TEXTS = ("species", "area", "units", "source", "citation", "licence")
STIMULI = ("orientation", "direction", "image")
DATA = ("responses", "rdm", "resp")
PROBABILITY = "iscell_probability"  # of suite2p
TOLERANCE = 1e-6  # of a matrix that is symmetric but for rounding


@dataclass(frozen=True)
class Contents:
    """What a file holds: labels that are checked, and responses that may still have NaN or lie on disk.

    ``stimulus`` holds the stimuli's labels of all rows, missing in blanks (NaN, or an empty name); ``rows`` says which
    rows are kept, where not all are; ``images`` one image for each different stimulus that is kept; ``notes`` how the
    file was understood, ``cautions`` what speaks against it, ``steps`` what had been done before it was written.
    """

    name: str
    kind: str
    stimulus: Any
    responses: Any = None
    rdm: Any = None
    subjects: Mapping[str, Any] = field(default_factory=dict)
    rdm_metric: str = "correlation"
    rows: Any = None
    images: Any = None
    trials: Mapping[str, Any] = field(default_factory=dict)
    neurons: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    read_as: str = ""
    notes: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    binned: bool = False  # the reference study's format, whose bins come first

    def recording(self, *, missing: str = "error") -> Recording:
        """Make the recording; see :meth:`Recording.from_trials`."""
        known: dict[str, Any] = {"read_as": self.read_as, "notes": self.notes, "cautions": self.cautions}
        if self.responses is None:
            stimulus = {self.kind: self.stimulus}
            found = Recording.from_rdm(
                self.name,
                self.rdm,
                **stimulus,
                images=self.images,
                subjects=self.subjects,
                rdm_metric=self.rdm_metric,
                **self.facts,
            )
            return replace(found, steps=self.steps, **known)
        rows = slice(None) if self.rows is None else self.rows
        stimulus = {self.kind: np.asarray(self.stimulus)[rows]}
        found = Recording.from_trials(
            self.name,
            np.asarray(self.responses)[rows],
            **stimulus,
            images=self.images,
            trials={label: np.asarray(values)[rows] for label, values in self.trials.items()},
            neurons=self.neurons,
            missing=missing,
            **self.facts,
        )
        steps = self.steps + tuple(step for step in found.steps if step not in self.steps)
        return replace(found, steps=steps, **known)


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
    """What the arrays of a file mean.

    Parameters
    ----------
    arrays : mapping of str to array_like
        Those of xarray bring the names of their axes.
    name : str
        Of the recording.
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
        When names are missing, or arrays do not fit together.
    """
    asked = preparation or Preparation()
    said = arrays.get("notes")
    notes = list(said) if isinstance(said, list) else []  # else the file's own
    known = _renamed(arrays, asked.names or {}, mapped, notes)
    _judge_by_numbers(known, asked, notes)
    facts = _facts(known) | asked.facts
    common: dict[str, Any] = {"facts": facts, "steps": _steps(known)}
    images = images if images is not None else known.get("images")
    if "rdm" in known:
        return _of_rdm(known, name, asked, images, common | {"notes": notes})
    if {"resp", "stimuli"} <= known.keys() and "responses" not in known:
        return _of_study(known, name, asked, common | {"notes": notes})
    if asked.rdm_metric is not None:
        raise InputError("rdm_metric says what a given RDM holds; there are responses, from which it is computed")
    kind, stimulus = _stimulus(known)
    found = arrange(known, kind, stimulus, asked, windowed=windowed)
    _check_numbers(found.responses)
    cautions = list(found.cautions)
    if asked.axes is None and "responses" not in (asked.names or {}):
        _question_dissimilarities(found.responses)
    if found.unit and "units" in facts:
        facts["units"] += found.unit
    labels = _without_blanks(found, kind, asked)
    choosing = found.columns | found.trials | {kind: np.asarray(found.stimulus)}
    rows, step = rows_where(choosing, asked.where, len(labels))
    notes += found.notes
    if kind == "image":
        of_kept, images, counted = match_images(labels[rows], images, known.get("image_names"), one_based=one_based)
        notes += counted
        labels = np.full(len(rows), "", dtype=of_kept.dtype)
        labels[rows] = of_kept
    else:
        if images is not None:
            raise InputError(
                f"there are images and {kind}s; say which of them the stimuli are, and leave the others out"
            )
        labels = np.where(rows, labels, np.nan)
        labels[rows] = checked_degrees(labels[rows], kind, _angles(known, asked))
    others = {key: column[rows] for key, column in found.columns.items() if key not in (asked.where or {})}
    cautions += varying(others, labels[rows])
    return Contents(
        name,
        kind,
        labels,
        found.responses,
        rows=None if rows.all() else rows,
        images=images,
        trials=found.trials,
        neurons=found.neurons,
        facts=facts,
        read_as=found.read_as,
        notes=tuple(notes),
        cautions=tuple(cautions),
        steps=(*common["steps"], *([step] if step else [])),
    )


def _of_rdm(arrays: Mapping[str, Any], name: str, asked: Preparation, images: Any, common: dict[str, Any]) -> Contents:
    """A population known only by its RDM, or several."""
    given = [kind for kind in STIMULI if kind in arrays]
    if len(given) > 1:
        raise _several_stimuli(given)
    kind = given[0] if given else "image"
    stimulus = np.ravel(shaped(arrays[kind]).array) if given else None
    found = read_rdms(arrays, None if stimulus is None else len(stimulus), asked.axes)
    notes = [*common["notes"], *found.notes]
    if stimulus is None:
        n_stimuli = found.rdm.shape[-1]
        if isinstance(images, Mapping) and len(images) != n_stimuli:
            raise InputError(f"there are {len(images)} images, but the RDM has {n_stimuli} stimuli; give one for each")
        stimulus = np.arange(1, n_stimuli + 1)
        notes.append("stimuli have no labels, and are counted from 1" + _in_order_of(images))
    if kind == "image":
        labels, images, counted = match_images(stimulus, images, arrays.get("image_names"))
        notes += counted if given else ()
        # As images come in the order of their names, and the matrix in that of its rows.
        if images is not None:
            images = images[np.searchsorted(np.unique(labels), labels)]
    else:
        labels = checked_degrees(stimulus, kind, _angles(arrays, asked))
        images = None
    metric = asked.rdm_metric or (str(arrays["metric"]) if np.ndim(arrays.get("metric", [])) == 0 else "correlation")
    return Contents(
        name,
        kind,
        labels,
        rdm=found.rdm,
        subjects=found.subjects,
        rdm_metric=metric,
        images=images,
        read_as=found.read_as + ("" if metric == "correlation" else f" ({metric} dissimilarities)"),
        **common | {"notes": tuple(notes)},
    )


def _in_order_of(images: Any) -> str:
    if not isinstance(images, Mapping):
        return ""
    names = list(images)
    return f", as images are in the natural order of their names (1 is {names[natural_order(names)[0]]})"


def _of_study(arrays: Mapping[str, Any], name: str, asked: Preparation, common: dict[str, Any]) -> Contents:
    """The reference study's format, which has its own way to choose stimuli; whatever is left out is said."""
    degrees = checked_degrees(np.asarray(arrays["stimuli"]), "'stimuli'", _angles(arrays, asked))
    responses, orientation = study_selection(np.asarray(arrays["resp"]), degrees, asked.bin_width)
    others = "to take all of them: --map responses=resp,direction=stimuli"
    notes, cautions = list(common["notes"]), []
    if asked.bin_width is None and len(orientation) < len(degrees):
        n_left = len(degrees) - len(orientation)
        said = (
            f"left out {n_left:,} of {len(degrees):,} rows, of stimuli above 180 degrees, as the reference study does"
        )
        if len(np.unique(degrees)) < len(degrees):  # then these are trials, and the file is hardly that study's
            cautions.append(f"{said}; {others}")
        else:
            notes.append(said)
    if {-90.0, 90.0} <= set(orientation.tolist()):
        notes.append(
            "-90 and 90 degrees, one image, count as two stimuli: their gratings drifted in opposite directions"
        )
    rows = "trials" if len(np.unique(degrees)) < len(degrees) else "stimuli"
    binned = [] if asked.bin_width is None else [f"averaged within bins of {asked.bin_width:g} degrees"]
    read_as = f"{len(degrees):,} {rows} x {responses.shape[1]:,} neurons, in the reference study's format"
    return Contents(
        name,
        "orientation",
        orientation,
        responses,
        read_as=read_as,
        cautions=tuple(cautions),
        binned=asked.bin_width is not None,
        **common | {"notes": tuple(notes), "steps": (*common["steps"], *binned)},
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
            notes.append(f"{name} are {len(matching):,} arrays, {ranges(matching)}, one a neuron")
        else:
            raise InputError(not_there(arrays, name, own))
    found = {key: value for key, value in arrays.items() if key not in used} | moved
    for rivals in (STIMULI, DATA):
        if set(rivals) & moved.keys():
            found = {key: value for key, value in found.items() if key not in rivals or key in moved}
    return found


def _judge_by_numbers(known: dict[str, Any], asked: Preparation, notes: list[str]) -> None:
    """Where the quality is compared with a number and is a name, take suite2p's probability in its place."""
    if asked.quality is None or not compares_numbers(asked.quality) or PROBABILITY not in known:
        return
    if "quality" in known and np.asarray(shaped(known["quality"]).array).dtype.kind not in "iuf":
        known["quality"] = known[PROBABILITY]
        notes.append(f"quality is {PROBABILITY}, as --quality compares numbers")


def _matching(arrays: Mapping[str, Any], pattern: str, mapped: set[str]) -> list[str]:
    """Names of arrays that match and are not `mapped` otherwise; InputError where some look like no neurons."""
    found: dict[str, None] = {}
    names = [name for name in arrays if name not in (*ASIDE, *mapped)]
    for part in parts_of(pattern, names):
        own = [name for name in names if fnmatchcase(name, part)]
        own = [own[place] for place in natural_order(own)]
        check_alike(own, part, pattern)
        found |= dict.fromkeys(own)
    return list(found)


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
    given = [kind for kind in STIMULI if kind in arrays]
    if len(given) > 1:
        raise _several_stimuli(given)
    if given and "responses" in arrays:
        return given[0], shaped(arrays[given[0]])
    if "stimulus" in arrays and "responses" in arrays:
        stimulus = shaped(arrays["stimulus"])
        if np.asarray(stimulus.array).dtype.kind in "OUST":
            return "image", stimulus
        raise InputError(
            "'stimulus' holds numbers, which could be orientations, directions or images; say which, for example with "
            "--map orientation=stimulus"
        )
    raise InputError(
        f"it holds {listed(arrays)}; it must hold {FORMATS}. Where names differ, say which is which: --map "
        "responses=NAME,orientation=NAME"
    )


def _several_stimuli(given: list[str]) -> InputError:
    return InputError(
        f"it holds {' and '.join(given)}; say by which of them the stimuli shall be compared: --map "
        f"{given[0]}={given[0]} or --map {given[1]}={given[1]}"
    )


def _without_blanks(found: Arranged, kind: str, asked: Preparation) -> npt.NDArray[Any]:
    """The stimulus of each row: degrees, names or numbers; missing where a code or a column says that it is a blank."""
    labels = without_codes(np.asarray(found.stimulus), asked.blank)
    labels = as_numbers(labels, kind) if kind != "image" else labels
    for column in (found.columns[name] for name in BLANK_COLUMNS if name in found.columns):
        is_blank = np.isin(np.char.lower(column.astype(str)), ("true", "1", "1.0", "yes"))
        if labels.dtype.kind in "iuf":
            labels = np.where(is_blank, np.nan, labels.astype(np.float64))
        else:
            labels = np.where(is_blank, "", labels.astype(str))
    return labels


def _question_dissimilarities(responses: Any) -> None:
    """Raise InputError for responses that look like a matrix of dissimilarities."""
    shape = np.shape(responses)
    if len(shape) != 2 or shape[0] != shape[1] or shape[0] < 3 or hasattr(responses, "chunks"):
        return
    values = np.asarray(responses, dtype=np.float64)
    diagonal = np.diagonal(values)
    scale = float(np.nanmax(np.abs(values), initial=0.0))
    alike = np.allclose(values, values.T, rtol=0, atol=TOLERANCE * scale, equal_nan=True)
    if scale and alike and (np.isnan(diagonal) | (np.abs(diagonal) <= TOLERANCE * scale)).all():
        raise InputError(
            f"responses have shape {shape}, are symmetric and zero on the diagonal, as dissimilarities between stimuli "
            "are; if that is what they are: --map rdm=responses; if they are responses of neurons: --map "
            "responses=responses"
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
    return asked.angles or (str(arrays["angles"]) if np.ndim(arrays.get("angles", [])) == 0 else None)


def _facts(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """What the file says of the recording as a whole, or else as attributes of its responses."""
    own = next((getattr(arrays[key], "attrs", {}) for key in DATA if key in arrays), {})
    facts: dict[str, Any] = {key: str(own[key]) for key in TEXTS if isinstance(own.get(key), str)}
    facts |= {key: _text(arrays[key]) for key in TEXTS if key in arrays and np.ndim(arrays[key]) == 0}
    if "simulated" in arrays and np.size(arrays["simulated"]) == 1:
        facts["simulated"] = _is_true(arrays["simulated"])
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
