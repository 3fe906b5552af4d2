"""Whether a number that was computed agrees with the published one."""

import math
from dataclasses import dataclass

from normenc.errors import InputError

__all__ = ["CANNOT_BE_TOLD", "DOES_NOT_HOLD", "HOLDS", "Found", "judge"]

HOLDS, DOES_NOT_HOLD, CANNOT_BE_TOLD = "holds", "does not hold", "cannot be told"
ROUNDING = 1e-9  # relative: tables have nine digits


@dataclass(frozen=True)
class Found:
    """A number that was computed for a published one.

    Attributes
    ----------
    value : float
        NaN where it is undefined; `note` then says why.
    low, high : float
        How far it could be otherwise: by what the publication leaves open, such as how trials were split, or by the
        sampling of another recording. NaN where nothing is left open.
    note : str
        What a reader must know about it.
    """

    value: float
    low: float = math.nan
    high: float = math.nan
    note: str = ""

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise InputError(f"the interval is {self.low:g} to {self.high:g}; its low end must not be above its high")

    @property
    def has_interval(self) -> bool:
        """Whether anything is left open."""
        return not (math.isnan(self.low) or math.isnan(self.high))


def judge(lowest: float, highest: float, found: Found) -> str:
    """Compare what was found with the range in which the published number counts as reproduced.

    Parameters
    ----------
    lowest, highest : float
        The published number less, and plus, its tolerance; infinite where it has no such end.
    found : Found

    Returns
    -------
    str
        "holds" if all of the interval, or the number without one, is in the range; "does not hold" if none of it is;
        "cannot be told" if the interval has parts within and beyond, or the number is undefined.

    Examples
    --------
    >>> judge(0.9, 1.1, Found(1.04)), judge(0.9, 1.1, Found(1.2)), judge(0.9, 1.1, Found(1.04, 0.8, 1.3))
    ('holds', 'does not hold', 'cannot be told')
    >>> judge(0.0, math.inf, Found(0.2, 0.1, 0.3)), judge(0.0, math.inf, Found(math.nan))
    ('holds', 'cannot be told')
    """
    if math.isnan(lowest) or math.isnan(highest) or lowest > highest:
        raise InputError(f"the range is {lowest:g} to {highest:g}; give two numbers, the smaller first")
    if math.isnan(found.value):
        return CANNOT_BE_TOLD
    low, high = (found.low, found.high) if found.has_interval else (found.value, found.value)
    low, high = min(low, found.value), max(high, found.value)
    below, above = lowest - ROUNDING * abs(lowest), highest + ROUNDING * abs(highest)
    if math.isinf(lowest):
        below = lowest
    if math.isinf(highest):
        above = highest
    if below <= low and high <= above:
        return HOLDS
    return DOES_NOT_HOLD if high < below or low > above else CANNOT_BE_TOLD
