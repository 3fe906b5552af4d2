"""The scale on which the noise ceiling of several animals, or sessions, is equally uncertain wherever it lies."""

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["CeilingScale"]

STRAIGHT = 1e3  # unit of a scale that is straight: similarities are at most 1


@dataclass(frozen=True)
class CeilingScale:
    r"""A generalised logarithm of the lower ceiling.

    Where animals differ in how noisy they are, few of them may lack good ones: then the ceiling is low, *and* so is its
    standard error. How far single animals move a ceiling c is proportional to it, as the similarity of two animals is
    a product of what each shares with the truth; all else that moves it is not. So its variance is proportional to
    :math:`c^2 + k^2`, and that of

    .. math:: \operatorname{arcsinh}(c / k)

    the same for all c: a logarithm far above k, straight far below it.

    Attributes
    ----------
    unit : float
        The k.

    References
    ----------
    Bartlett, "The use of transformations", Biometrics 1947; Durbin, Hardin, Hawkins & Rocke, "A variance-stabilizing
    transformation for gene-expression microarray data", Bioinformatics 2002.

    Examples
    --------
    Single animals cause a standard error of 0.12 of a ceiling of 0.3, and all else one of 0.04:

    >>> scale = CeilingScale.of(0.3, of_animals=0.12**2, total=0.12**2 + 0.04**2)
    >>> round(scale.unit, 3)
    0.1
    >>> reach = 2 * np.hypot(0.12, 0.04) * scale.slope(0.3)
    >>> [round(float(scale.back(scale.place(0.3) + way * reach)), 3) for way in (-1, 1)]
    [0.12, 0.682]
    """

    unit: float

    @classmethod
    def of(cls, ceiling: float, of_animals: float, total: float) -> "CeilingScale":
        """From the variance of the ceiling that depends on single animals, and all of it.

        A ceiling that is less than its standard error counts as that.
        """
        level = max(abs(ceiling), float(np.sqrt(total)))
        unit = level * np.sqrt((total - of_animals) / of_animals) if of_animals > 0 else STRAIGHT
        return cls(float(np.clip(unit, 1 / STRAIGHT**2, STRAIGHT)))

    def place(self, ceiling: Any) -> Any:
        """Where it is on the scale."""
        return np.arcsinh(ceiling / self.unit)

    def back(self, place: Any) -> Any:
        """The ceiling at a place: a correlation, from -1 to 1."""
        return self.unit * np.sinh(np.clip(place, self.place(-1), self.place(1)))

    def slope(self, ceiling: Any) -> Any:
        """By how much the place changes with the ceiling."""
        return 1 / np.hypot(ceiling, self.unit)

    def bend(self, ceiling: float, error: float) -> float:
        """How curved the scale is in an interval of two standard errors to both sides, from 0, not at all, to 1.

        That is the square of the interval's length on the scale, as curvature changes a variance in second order.
        """
        return float(np.minimum((4 * error * self.slope(ceiling)) ** 2, 1))
