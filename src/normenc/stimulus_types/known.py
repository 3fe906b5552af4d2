"""The types of stimuli that are known, to which others are added."""

import math
from collections.abc import Sequence
from keyword import iskeyword
from numbers import Real
from typing import Any

import numpy.typing as npt

from normenc.errors import InputError, quoted
from normenc.stimulus_types.angles import Angle, Grating
from normenc.stimulus_types.base import Floats, StimulusType
from normenc.texts import argument

__all__ = [
    "STIMULUS_TYPES",
    "Direction",
    "Images",
    "Orientation",
    "as_type",
    "drawn_as",
    "drawn_type",
    "listed_names",
    "register",
]

RESERVED = frozenset(  # names of arrays, axes, columns, coordinates, facts and parameters
    (
        *("stimulus", "stimuli", "stim", "condition", "scene", "responses", "response", "resp", "rdm", "rdms"),
        *("trial", "trials", "presentation", "row", "epoch", "repeat", "repeats", "repetition", "rep"),
        *("neuron", "neurons", "unit", "units", "cell", "roi", "neuroid", "cluster", "electrode", "channel"),
        *("time", "times", "sample", "frame", "time_bin", "bin", "timestep", "window", "baseline"),
        *("animal", "subject", "mouse", "monkey", "participant", "subjects", "session", "day", "population"),
        *("neuron_animal", "neuron_session", "region", "quality", "kept", "blanks", "blank", "map", "fold"),
        *("images", "image_names", "axes", "angles", "steps", "notes", "averages", "read_as", "cautions", "missing"),
        *("species", "area", "source", "citation", "licence", "simulated", "metric", "rdm_metric", "name", "kind"),
        *("names", "where", "intervals", "series", "responsive", "fold_directions", "bin_width", "z_score"),
        *("preparation", "options", "facts", "n_neurons", "seed", "reads", "in_memory_gib", "name_or_path", "path"),
        *("recording", "overwrite", "layer", "encoder", "label", "period", "shown", "reliability"),
    )
)
PERIODS = (1e-100, 1e100)  # between which angles can be told apart


class Orientation(Grating):
    """Orientations of gratings, degrees from vertical."""

    name, plural, units = "orientation", "orientations", "degrees from vertical"
    period, start = 180.0, -90.0
    tunings = ("orientation",)
    folded_from = "direction"
    wider = (
        f"if they are directions of drift, map them: {argument(names={'direction': 'NAME'})}, and add "
        "fold_directions=True to compare orientations"
    )
    description = "Orientation of the grating, degrees from vertical."
    columns = r"(stimulus_|gratings?_)?(orientation|ori)(_deg|_degrees|_in_degrees)?"

    def title(self, value: Any) -> Any:
        """The number alone."""
        return value

    def references(self, stimulus: npt.NDArray[Any]) -> Sequence[float]:
        """Beside vertical and horizontal, which are the axes of symmetry of most models."""
        return (-75, -25, 25, 75)

    def orientation_of(self, stimulus: npt.NDArray[Any]) -> Floats | None:
        """The stimuli themselves."""
        return stimulus


class Direction(Grating):
    """Directions of drift of gratings, degrees; the grating of direction d has the orientation d."""

    name, plural, units = "direction", "directions", "degrees of drift"
    tunings = ("orientation", "direction")
    folds_onto = "orientation"
    shown_as = "drifting grating"
    alike = "gratings that drift in opposite directions look alike, so no model of images can distinguish them"
    description = "Direction of drift of the grating, degrees."
    columns = r"(stimulus_|gratings?_|drift_|motion_)?direction(_deg|_degrees|_in_degrees)?"


class Images(StimulusType):
    """Images, which have names."""

    name, plural = "image", "images"
    columns = r"(stimulus_|natural_)?(image|scene)(_name|_id|_index|_number)?"


STIMULUS_TYPES: dict[str, StimulusType] = {kind.name: kind for kind in (Orientation(), Direction(), Images())}
OF_PERIOD = {180.0: Orientation.name, 360.0: Direction.name, None: Images.name}  # where a picture is told no more


def register(kind: StimulusType) -> StimulusType:
    """Make a type of stimuli known by its name, to recordings, files, pictures and reports.

    Returns
    -------
    StimulusType
        `kind` itself.

    Raises
    ------
    InputError
        When the name is none that a column can have, or stands for something else, or the period is no positive
        finite number.
    """
    if not isinstance(kind, StimulusType):
        given = f"the class {kind.__name__}" if isinstance(kind, type) else f"a {type(kind).__name__}"
        raise InputError(f"given {given}; register an object of a subclass of StimulusType, as in register(Hue())")
    name, texts = kind.name, all(isinstance(own, str) and own.strip() for own in (kind.plural, kind.units))
    is_free = isinstance(name, str) and name.isidentifier() and not iskeyword(name)
    if not is_free or name.casefold() in {*RESERVED, *STIMULUS_TYPES} or not texts:
        raise InputError(
            f"a type of stimuli is called {quoted(name)} (plural {quoted(kind.plural)}, units {quoted(kind.units)}); "
            "give it a name of letters, digits and _ that is not taken by an array, column or option, a plural, and "
            "units"
        )
    _check_circle(kind)
    STIMULUS_TYPES[kind.name] = kind
    return kind


def _check_circle(kind: StimulusType) -> None:
    """Raise InputError unless the periods are positive finite numbers; stimuli that are no angles may have none."""
    for what in ("period", "image_period"):
        value = getattr(kind, what)
        if value is None and not isinstance(kind, Angle):
            continue
        if not _is_number(value) or not PERIODS[0] <= value <= PERIODS[1]:
            raise InputError(f"the {what} of {kind.name} is {quoted(value)}; it must be a finite number above 0")
    if isinstance(kind, Angle) and not _is_number(kind.start):
        raise InputError(f"the start of {kind.name} is {quoted(kind.start)}; it must be a finite number")


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def as_type(kind: str | StimulusType) -> StimulusType:
    """The type of that name.

    Raises
    ------
    InputError
        When there is none; the message lists those that are.

    Examples
    --------
    >>> as_type("direction").plural
    'directions'
    """
    if isinstance(kind, StimulusType):
        return kind
    if kind not in STIMULUS_TYPES:
        raise InputError(f"kind is {kind!r}; it must be one of {', '.join(STIMULUS_TYPES)}")
    return STIMULUS_TYPES[kind]


def drawn_type(shown: str | StimulusType | None, period: float | None) -> StimulusType:
    """The type that a picture draws: the one named, or else orientations (period 180), directions (360) or images.

    Raises
    ------
    InputError
        For another period, or name.
    """
    if shown is not None:
        return as_type(shown)
    if period not in OF_PERIOD:
        raise InputError(f"period is {period}; it must be 180 (orientation), 360 (direction) or None (images)")
    return as_type(OF_PERIOD[period])


def drawn_as(kind: StimulusType) -> dict[str, Any]:
    """By which arguments of a picture :func:`drawn_type` finds this type.

    Examples
    --------
    >>> drawn_as(as_type("direction"))
    {'period': 360.0}
    """
    known = OF_PERIOD.get(kind.period) == kind.name
    return {"period": kind.period} | ({} if known else {"shown": kind.name})


def listed_names(last: str = "and", *, plural: bool = False) -> str:
    """The names of all types, or their plurals, for a message.

    Examples
    --------
    >>> listed_names("or", plural=True)
    'orientations, directions or images'
    """
    names = [kind.plural if plural else kind.name for kind in STIMULUS_TYPES.values()]
    return f"{', '.join(names[:-1])} {last} {names[-1]}"
