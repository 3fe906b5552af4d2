"""The interface of types of stimuli, and types whose stimuli are names, or ordered numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["MANY", "Quantity", "StimulusType"]

Floats = npt.NDArray[np.float64]
MANY = 8  # minimum number of stimuli around a circle for drawing blocks of neighbours


class StimulusType:
    """Stimuli that are names, without unit or order; also documents what other types have.

    Attributes
    ----------
    name : str
        As arrays, columns and coordinates are called, and as `Recording.kind` and the files of a run have it.
    plural : str
    units : str
        Of the stimuli's coordinate in files: ``"degrees from vertical"``.
    period : float or None
        Period after which stimuli repeat; None if they are not on a circle.
    start : float
        Where the period begins that figures show, degrees.
    is_named : bool
        Whether stimuli are names, not numbers.
    is_grating : bool
        Whether the images can be drawn from the stimuli; of other types they come with the recording.
    tunings : tuple of str
        Tuning that can be described and decoded: ``"orientation"``, ``"direction"``. None of any other type.
    folds_onto, folded_from : str or None
        The type onto which opposite stimuli can be folded, and the type that can be folded onto this one.
    alike : str
        Why several stimuli are the same image to a model, as a clause.
    wider : str
        What angles may be that span more than one period, as a clause.
    shown_as, pictures : str
        In the methods paragraph, and in the report: ``"drifting grating"``, ``"gratings"``.
    without_images : str
        What is said of a recording that comes without the images.
    columns : str
        A pattern of the names of a column in NWB files that leave no doubt about what it holds.
    """

    name: str = ""
    plural: str = ""
    units: str = "name"
    period: float | None = None
    start: float = 0.0
    is_named: bool = True
    is_grating: bool = False
    tunings: tuple[str, ...] = ()
    folds_onto: str | None = None
    folded_from: str | None = None
    alike: str = ""
    wider: str = ""
    shown_as: str = "image"
    pictures: str = "images"
    without_images: str = "known by name only"
    columns: str = ""

    @property
    def differing(self) -> str:
        """How the images differ, for the methods paragraph."""
        return ""

    @property
    def description(self) -> str:
        """Of a column of these stimuli."""
        return f"Name of the {self.noun}."

    @property
    def image_period(self) -> float | None:
        """Period after which images repeat, for gratings half a turn; None without a circle."""
        return None

    @property
    def noun(self) -> str:
        """One stimulus, in words."""
        return self.name.replace("_", " ")

    @property
    def unit(self) -> str:
        """The unit after a number; empty after a name."""
        return ""

    @property
    def axis_label(self) -> str:
        """Of an axis or a colour bar."""
        return self.noun

    @property
    def unshiftable(self) -> str:
        """Why the stimuli cannot be shifted around a circle, as a clause."""
        return f"{self.plural} have no order in which they could be shifted"

    def text(self, value: Any) -> str:
        """A stimulus as shown in figures."""
        return str(value)

    def title(self, value: Any) -> Any:
        """The label above a stimulus: text, or degrees that the figure formats."""
        return self.text(value)

    def places(self, stimulus: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Positions of stimuli on an axis."""
        return np.arange(len(stimulus))

    def ticks(self, stimulus: npt.NDArray[Any], *, few: bool = False) -> list[float]:
        """Ticks of an axis: stimuli, or round numbers between them."""
        return []

    def references(self, stimulus: npt.NDArray[Any]) -> Sequence[float]:
        """Stimuli from which rows of an RDM are drawn."""
        return ()

    def distance(self, stimulus: npt.NDArray[Any], other: float) -> Floats:
        """Distances of stimuli from another one."""
        return np.abs(np.asarray(stimulus, dtype=np.float64) - other)

    def in_order(self, stimulus: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[np.intp]]:
        """Stimuli as the figures of a run show them, in their order, and the place of each among those given."""
        return stimulus, np.arange(len(stimulus))

    def colours(self, stimulus: npt.NDArray[Any]) -> tuple[Floats, float, float] | None:
        """Numbers that set the colours of stimuli, and the limits of their scale; None for a single colour."""
        return None

    def rounded(self, stimulus: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Stimuli in a form in which identical ones are equal."""
        return stimulus

    def covers_circle(self, stimulus: npt.NDArray[Any]) -> bool:
        """Whether stimuli cover their whole circle in similar steps."""
        return False

    def has_neighbours(self, stimulus: npt.NDArray[Any]) -> bool:
        """Whether stimuli can be drawn in blocks of neighbours around their circle."""
        return len(stimulus) >= MANY and self.covers_circle(stimulus)

    def largest_gap(self, stimulus: npt.NDArray[Any]) -> float | None:
        """The largest step around the circle; None without one."""
        return None

    def orientation_of(self, stimulus: npt.NDArray[Any]) -> Floats | None:
        """Orientation of gratings, degrees from vertical; None for other stimuli."""
        return None

    def n_different_images(self, stimulus: npt.NDArray[Any]) -> int:
        """How many different images the stimuli are to a model."""
        return len(stimulus)

    def counted(self, n: int) -> str:
        """A number of stimuli, in words."""
        return f"{n:,} {self.noun if n == 1 else self.plural}"

    def described(self, n: int, first: float | None, last: float | None) -> str:
        """Number and range of stimuli."""
        return self.counted(n)


class Quantity(StimulusType):
    """Stimuli that are numbers, in the order of which they stand, such as a spatial frequency; not around a circle.

    A subclass says at least `name`, `plural` and `units`.
    """

    units = "not stated"
    is_named = False
    without_images = "without their images"

    @property
    def unit(self) -> str:
        """What stands after a number."""
        return self.units

    @property
    def axis_label(self) -> str:
        """With the unit."""
        return f"{self.noun} ({self.unit})"

    @property
    def unshiftable(self) -> str:
        """Why the stimuli cannot be shifted around a circle, as a clause."""
        return f"{self.plural} are not on a circle, so that they cannot be shifted around it"

    @property
    def differing(self) -> str:
        """How the images differ, for the methods paragraph."""
        return f" of different {self.plural}"

    @property
    def description(self) -> str:
        """Of a column of these stimuli."""
        return f"{self.noun.capitalize()}, {self.units}."

    def text(self, value: Any) -> str:
        """A number with a minus sign where it is negative."""
        return f"{value:g}".replace("-", "−")

    def title(self, value: Any) -> Any:
        """What the number is, and the number."""
        return f"{self.noun} {self.text(value)}"

    def places(self, stimulus: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The stimuli themselves."""
        return stimulus

    def ticks(self, stimulus: npt.NDArray[Any], *, few: bool = False) -> list[float]:
        """Some of the stimuli, evenly chosen."""
        some = np.linspace(0, len(stimulus) - 1, min(len(stimulus), 3 if few else 5)).round().astype(np.intp)
        return [float(value) for value in np.sort(stimulus)[np.unique(some)]]

    def references(self, stimulus: npt.NDArray[Any]) -> Sequence[float]:
        """Four of the stimuli, evenly chosen."""
        return [float(np.sort(stimulus)[len(stimulus) * place // 8]) for place in (1, 3, 5, 7)]

    def colours(self, stimulus: npt.NDArray[Any]) -> tuple[Floats, float, float] | None:
        """The places of the stimuli in their order, as they are often spaced by their logarithm."""
        different, places = np.unique(stimulus, return_inverse=True)
        return places.astype(np.float64), 0.0, float(len(different) - 1)

    def described(self, n: int, first: float | None, last: float | None) -> str:
        """How many stimuli, from where to where, and in which unit."""
        span = "" if first is None or last is None else f", {first:g} to {last:g} {self.units}"
        return f"{n} {self.plural}{span}"
