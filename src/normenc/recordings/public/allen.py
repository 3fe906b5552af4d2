"""What the Allen Institute's recordings share: files in HDF5, tables of presentations, windows, gratings and scenes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError, quoted
from normenc.recordings.formats.guards import readable
from normenc.recordings.formats.hdf import ADVICE, opened_file
from normenc.recordings.public.collection import Option
from normenc.recordings.recording import Recording

__all__ = [
    "BLANK",
    "PARAMETERS",
    "STIMULI",
    "Presentations",
    "check_session",
    "chosen",
    "item",
    "made",
    "numbers",
    "opened_nwb",
    "scene_labels",
    "text",
    "texts",
    "window_of",
]

Floats = npt.NDArray[np.float64]
STIMULI = ("natural_scenes", "static_gratings", "drifting_gratings")
KINDS = {"natural_scenes": "image", "static_gratings": "orientation", "drifting_gratings": "direction"}
BLANK = (-1, 2**32 - 1)  # the second is -1 in 32 bits without a sign
NO_VALUE = ("", "null", "nan", "none", "n/a")
MOST_SAID = 8  # values in a message
PARAMETERS: dict[str, Option] = {
    "spatial_frequency": Option("all", "only this spatial frequency, cycles per degree; all are averaged"),
    "phase": Option("all", "only this phase of static gratings, parts of a cycle; all are averaged"),
    "temporal_frequency": Option("all", "only this temporal frequency of drifting gratings, Hz; all are averaged"),
}


@dataclass(frozen=True)
class Presentations:
    """What was shown, and when.

    Attributes
    ----------
    onset : ndarray, shape (n_presentations,)
        Seconds.
    label : ndarray, shape (n_presentations,)
        Degrees, NaN for blanks; or names of images, empty for blanks.
    parameters : mapping of str to ndarray, shape (n_presentations,)
        Other parameters of gratings; NaN for blanks.
    """

    onset: Floats
    label: npt.NDArray[Any]
    parameters: Mapping[str, Floats] = field(default_factory=dict)

    def __post_init__(self) -> None:
        columns = {"what was shown": self.label, **self.parameters}
        for name, values in columns.items():
            if len(values) != len(self.onset):
                raise InputError(
                    f"presentations have {len(self.onset):,} times, but {name} has {len(values):,} rows; fetch the "
                    "file again"
                )

    @property
    def is_blank(self) -> npt.NDArray[np.bool_]:
        """Which presentations show nothing."""
        own = self.label
        return np.isnan(own) if own.dtype.kind == "f" else np.asarray(own == "", dtype=bool)

    def kept(self, rows: npt.NDArray[Any]) -> "Presentations":
        """Some of them."""
        parameters = {name: values[rows] for name, values in self.parameters.items()}
        return Presentations(self.onset[rows], self.label[rows], parameters)


@contextmanager
def opened_nwb(source: Any) -> Iterator[Any]:
    """Open a file of HDF5, from the disk or from where it lies; any error while it is read becomes an InputError."""
    import h5py

    if isinstance(source, Path):
        if not source.is_file():
            raise InputError(f"{source} is no file; give the NWB file")
        with opened_file(source) as file, readable("HDF5 file", ADVICE):
            yield file
        return
    with readable("file, read in parts,", "try again later, or fetch the whole file"), h5py.File(source, "r") as file:
        yield file


def item(file: Any, path: str) -> Any:
    """A dataset or a group; InputError where the file has none."""
    found = file.get(path)
    if found is None:
        parent = next((own for own in _parents(path) if file.get(own) is not None), "/")
        there = ", ".join(list(file[parent])[:MOST_SAID]) if hasattr(file[parent], "keys") else "no items"
        raise InputError(f"it has no {path}, so it is not of the published layout; {parent} holds {there or 'nothing'}")
    return found


def _parents(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def text(file: Any, path: str) -> str:
    """A text that may be there; empty where it is not."""
    found = file.get(path)
    value = None if found is None or getattr(found, "shape", None) is None else np.ravel(found[()])
    if value is None or not value.size:
        return ""
    return value[0].decode("utf-8", "replace") if isinstance(value[0], bytes) else str(value[0])


def check_session(file: Any, session: str | None) -> None:
    """Raise InputError for a file that says that it is another session's, whatever its name is."""
    own = text(file, "general/session_id")
    if session is not None and own.isascii() and own.isdecimal() and own != session:
        raise InputError(f"the file says that it is session {own}, and not {session}; ask for that one")


def texts(values: Any) -> list[str]:
    """Texts, stored as bytes or as text."""
    return [
        own.decode("utf-8", "replace").strip() if isinstance(own, bytes) else str(own).strip()
        for own in np.ravel(values)
    ]


def numbers(file: Any, path: str) -> Floats:
    """Numbers, which may be stored as texts ("0.04"); NaN where there is none ("null").

    Raises
    ------
    InputError
        If a value is something else, or rows hold several.
    """
    values = np.asarray(item(file, path)[()])
    if values.ndim != 1:
        raise InputError(f"{path} has the shape {values.shape}; it must hold one value for each row")
    if values.dtype.kind in "iufb":
        return values.astype(np.float64)
    given = []
    for row, own in enumerate(texts(values)):
        try:
            given.append(np.nan if own.lower() in NO_VALUE else float(own))
        except ValueError:
            raise InputError(f"{path} of row {row} is {quoted(own)}; it must be a number") from None
    return np.array(given)


def scene_labels(frames: Any, n_images: int | None) -> npt.NDArray[Any]:
    """Names of natural scenes, which count from 0, as ``"007"``; empty for blanks.

    Raises
    ------
    InputError
        If a number is neither that of an image nor that of a blank.

    Examples
    --------
    >>> scene_labels(np.array([0, 117, 4294967295], dtype=np.uint32), 118).tolist()
    ['000', '117', '']
    """
    given = np.asarray(frames, dtype=np.float64)
    is_blank = np.isin(given, BLANK)
    wrong = ~is_blank & ~((given == np.round(given)) & (given >= 0) & (given < (n_images or np.inf)))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        most = f"0 to {n_images - 1}" if n_images else "a whole number from 0"
        raise InputError(f"the image of presentation {row} is {given[row]:g}; it must be {most}, or -1 for a blank")
    return np.array(["" if blank else f"{int(own):03d}" for own, blank in zip(given, is_blank, strict=True)], dtype=str)


def window_of(said: str, name: str) -> tuple[float, float]:
    """Seconds after the onset, from a text such as "0,0.25".

    Examples
    --------
    >>> window_of("0,0.25", "window")
    (0.0, 0.25)
    """
    try:
        first, last = (float(part) for part in said.split(","))
    except ValueError:
        first = last = np.nan
    if not (np.isfinite([first, last]).all() and first < last):
        raise InputError(f"{name} is {quoted(said)}; it must be two times in seconds after the onset, as in 0,0.25")
    return first, last


def chosen(
    shown: Presentations, options: Mapping[str, str], stimulus: str
) -> tuple[npt.NDArray[np.bool_], tuple[str, ...], tuple[str, ...]]:
    """Which presentations are asked for, in words, and over what the others are averaged.

    Blanks are kept whatever is asked for: they have no parameters.

    Parameters
    ----------
    shown : Presentations
    options : mapping of str to str
        With the names of :data:`PARAMETERS`.
    stimulus : str

    Raises
    ------
    InputError
        If the stimulus has no such parameter, or nothing was shown with this value.
    """
    blank, kept, said = shown.is_blank, np.ones(len(shown.onset), dtype=bool), []
    if blank.all():
        raise InputError(f"all {len(blank):,} presentations of {stimulus} are blanks; choose another stimulus")
    own = shown.parameters
    for name in PARAMETERS:
        if options[name] == "all":
            continue
        if name not in own:
            raise InputError(f"{stimulus} have no {name}; leave it out")
        try:
            wanted = float(options[name])
        except ValueError:
            raise InputError(f"{name} is {quoted(options[name])}; it must be a number, or all") from None
        rows = np.isclose(own[name], wanted, rtol=1e-5, atol=1e-9)
        if not rows.any():
            raise InputError(f"no presentation has {name} {wanted:g}; there are {_values(own[name])}")
        kept &= rows | blank
        said.append(f"{name} {wanted:g}")
    if not (kept & ~blank).any():
        raise InputError(f"no presentation has {' and '.join(said)} together; leave one of them out")
    steps = (f"kept {(kept & ~blank).sum():,} of {(~blank).sum():,} presentations ({', '.join(said)})",) if said else ()
    cautions = tuple(
        f"{name} ({_values(values[kept])}) varies between presentations of the same stimulus, which are averaged over "
        f"it; choose one with the option {name}"
        for name, values in shown.parameters.items()
        if len(np.unique(values[kept & ~blank])) > 1
    )
    return kept, steps, cautions


def _values(values: npt.NDArray[Any]) -> str:
    own = [f"{value:g}" for value in np.unique(values[np.isfinite(values)])]
    return ", ".join(own[:MOST_SAID]) + (f" and {len(own) - MOST_SAID} more" if len(own) > MOST_SAID else "")


def made(
    shown: Presentations, responses: Any, stimulus: str, *, steps: tuple[str, ...], images: Any = None, **known: Any
) -> Recording:
    """The recording of these presentations.

    Parameters
    ----------
    shown : Presentations
    responses : ndarray, shape (n_presentations, n_neurons)
    stimulus : str
    steps : tuple of str
        What was done to the responses before.
    images : ndarray, shape (n_images, height, width), optional
        All natural scenes, in the order of their numbers.
    **known
        ``notes``, ``cautions``, ``neurons``, and facts.
    """
    notes, cautions = list(known.pop("notes")), known.pop("cautions")
    if KINDS[stimulus] != "image":
        notes.append("angles are those of the file, and 0 is taken to be vertical; no public code says which one is")
    label: dict[str, Any] = {KINDS[stimulus]: shown.label}
    if images is not None:
        names = np.unique(shown.label[~shown.is_blank])
        label["images"] = images[names.astype(np.int64)]
    recording = Recording.from_trials("allen", responses, **label, missing="neurons", **known)
    read_as = f"{len(shown.onset):,} presentations x {responses.shape[1]:,} neurons"
    return replace(
        recording, read_as=read_as, steps=(*steps, *recording.steps), notes=tuple(notes), cautions=tuple(cautions)
    )
