"""Types of settings with their bounds, and tables of what a study file can name.

A task, network or control states the bounds of its own keys with these types. Pydantic enforces them in study files; in
Python they document what is meant.
"""

import math
from collections.abc import Callable
from typing import Annotated, TypeVar

from pydantic import Field

from normenc.errors import InputError

__all__ = [
    "Count",
    "Finite",
    "Fraction",
    "Frequency",
    "NotNegative",
    "Positive",
    "Range",
    "Seed",
    "Size",
    "Units",
    "named",
]

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Frequency = Annotated[float, Field(gt=0, le=math.pi, allow_inf_nan=False)]  # up to the Nyquist frequency
Finite = Annotated[float, Field(allow_inf_nan=False)]
Range = tuple[Finite, Finite]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Size = Annotated[int, Field(ge=1, le=10_000)]
Units = Annotated[int, Field(ge=2, le=10_000)]  # the RDM of a single unit is undefined
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Part = TypeVar("Part")


def named(table: dict[str, Part], name: str) -> Callable[[Part], Part]:
    """Enter the decorated object in `table`, so that a study file can name it.

    Raises
    ------
    InputError
        If the name is taken.

    Examples
    --------
    >>> controls = {}
    >>> @named(controls, "mean grey")
    ... def mean_grey(images):
    ...     return {"grey": images.mean(dim=(1, 2))[:, None]}
    >>> list(controls)
    ['mean grey']
    """

    def enter(part: Part) -> Part:
        if table.setdefault(name, part) is not part:
            raise InputError(f"{name!r} is already registered; choose another name")
        return part

    return enter
