"""The types of stimuli that are known, to which others are added."""

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from normenc.errors import InputError
from normenc.stimulus_types.angles import Grating
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

RESERVED = frozenset(  # names that arrays, columns and coordinates have already
    (
        *("stimulus", "stimuli", "trial", "trials", "neuron", "neurons", "unit", "units", "response", "responses"),
        *("resp", "rdm", "rdms", "images", "image_names", "axes", "angles", "steps", "notes", "averages"),
        *("population", "subject", "animal", "session", "repeat", "region", "quality", "time", "times", "species"),
        *("area", "source", "citation", "licence", "simulated", "name", "kind", "missing", "metric", "rdm_metric"),
    )
)


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
        When the name is none that a column can have, or stands for something else.
    """
    if not kind.name.isidentifier() or kind.name in RESERVED | STIMULUS_TYPES.keys() or not kind.plural:
        raise InputError(
            f"a type of stimuli is called {kind.name!r} (plural {kind.plural!r}); give it a name of letters, digits "
            "and _ that is not taken, and a plural"
        )
    STIMULUS_TYPES[kind.name] = kind
    return kind


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
