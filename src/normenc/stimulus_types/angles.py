"""Types of stimuli on a circle."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.stimulus_types.base import MANY, Floats, Quantity

__all__ = ["DECIMALS", "Angle", "Grating", "decimals_of", "degrees"]

DECIMALS = 6  # of degrees on a circle of 180 or 360; angles that differ by less are the same
MOST_DECIMALS = 300  # beyond them numbers have none
FEW_ANGLES = 24  # up to which ticks stand where a stimulus was shown


class Angle(Quantity):
    """Angles, which repeat after their period."""

    units = "degrees"
    period: float = 360.0

    @property
    def image_period(self) -> float | None:
        """That of the stimuli."""
        return self.period

    @property
    def unit(self) -> str:
        """Degrees, whatever they are counted from."""
        return "degrees"

    @property
    def axis_label(self) -> str:
        """Without the unit, as every tick has its sign."""
        return self.noun

    @property
    def unshiftable(self) -> str:
        """Why the stimuli cannot be shifted around their circle, as a clause."""
        return f"{self.plural} with a gap in their circle cannot be shifted around it"

    def text(self, value: Any) -> str:
        """See :func:`degrees`; of a small circle with more decimals."""
        return degrees(value, max(2, decimals_of(self.period) - DECIMALS + 2))

    def ticks(self, stimulus: npt.NDArray[Any], *, few: bool = False) -> list[float]:
        """Quarters of the period within the range of the stimuli, halves where few fit; of few stimuli, some of these.

        Examples
        --------
        >>> Angle().ticks(np.arange(181.0)), Angle().ticks(np.arange(5) * 72.0)
        ([0.0, 90.0, 180.0], [0.0, 144.0, 288.0])
        """
        wanted = np.arange(-1, 3) * self.period / 2 if few else np.arange(-2, 5) * self.period / 4
        inside = [float(tick) for tick in wanted if stimulus.min() <= tick <= stimulus.max()]
        if len(stimulus) > FEW_ANGLES or all(np.isclose(stimulus, tick).any() for tick in inside):
            return inside
        step = -(-len(stimulus) // (3 if few else 4))
        rising = np.sort(stimulus)
        return [float(angle) for angle in rising[int(np.abs(rising).argmin()) % step :: step]]

    def references(self, stimulus: npt.NDArray[Any]) -> Sequence[float]:
        """Four angles, evenly spaced around the circle."""
        return [self.start + self.period * eighths / 8 for eighths in (1, 3, 5, 7)]

    def distance(self, stimulus: npt.NDArray[Any], other: float) -> Floats:
        """Around the circle."""
        half = self.period / 2
        return np.abs((np.asarray(stimulus) - other + half) % self.period - half)

    def in_order(self, stimulus: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[np.intp]]:
        """Ascending within one period from `start`.

        Examples
        --------
        >>> Angle().in_order(np.array([-90.0, 0.0, 90.0]))
        (array([  0.,  90., 270.]), array([1, 2, 0]))
        """
        within, start, end = self.colours(stimulus)
        if not np.array_equal(within, stimulus):
            within = np.where(within == end, start, within)  # else both ends stay, as they were given
        order = np.argsort(within, kind="stable")
        return within[order], order

    def colours(self, stimulus: npt.NDArray[Any]) -> tuple[Floats, float, float]:
        """Angles within one period, both ends of which have one colour."""
        end = self.start + self.period
        beyond = (stimulus < self.start) | (stimulus > end)
        return np.where(beyond, (stimulus - self.start) % self.period + self.start, stimulus), self.start, end

    def rounded(self, stimulus: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Degrees to a millionth, where the circle has 180 or 360; see :func:`decimals_of`."""
        return np.round(stimulus, decimals_of(self.period)) + 0.0

    def covers_circle(self, stimulus: npt.NDArray[Any]) -> bool:
        """Whether no step is much larger than the others; of few, two clusters could pass for even by their median."""
        n = len(stimulus)
        steps = np.diff(stimulus, append=stimulus[0] + self.period)
        even = 1.25 * self.period / n if n < MANY else 3 * float(np.median(steps))
        return float(steps.max()) <= even + 10.0 ** -decimals_of(self.period)

    def largest_gap(self, stimulus: npt.NDArray[Any]) -> float | None:
        """The largest step around the circle, degrees."""
        return float(np.diff(stimulus, append=stimulus[0] + self.period).max())

    def described(self, n: int, first: float | None, last: float | None) -> str:
        """With the period, too."""
        return f"{super().described(n, first, last)} (period {self.period:g})"


class Grating(Angle):
    """Gratings, which are drawn from their orientation; those half a turn apart are the same image."""

    image_period: float = 180.0
    is_grating = True
    shown_as, pictures = "grating", "gratings"
    alike = "gratings half a turn apart look alike"

    def orientation_of(self, stimulus: npt.NDArray[Any]) -> Floats | None:
        """From -90 up to 90 degrees from vertical."""
        return np.mod(stimulus + 90, 180) - 90

    def n_different_images(self, stimulus: npt.NDArray[Any]) -> int:
        """Orientations that differ by a millionth of a degree or more."""
        return len(np.unique(np.round(np.mod(stimulus, self.image_period), DECIMALS) % self.image_period))


def decimals_of(period: float) -> int:
    """The decimals to which angles are distinguished: 6 on a circle of 180 or 360, more on a smaller one.

    Examples
    --------
    >>> decimals_of(360), decimals_of(180), decimals_of(1)
    (6, 6, 9)
    """
    return min(DECIMALS - round(math.log10(period / 360)), MOST_DECIMALS)


def degrees(value: float, decimals: int = 2) -> str:
    """An angle as shown in figures, to a hundredth of a degree."""
    return f"{round(float(value), decimals) + 0.0:g}°".replace("-", "−")
