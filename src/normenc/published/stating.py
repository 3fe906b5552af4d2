"""The files that state what was published: TOML, validated when it is read."""

import math
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, model_validator

from normenc.errors import InputError, quoted
from normenc.keys import Finite, NotNegative
from normenc.study.reading import read_toml
from normenc.study.section_base import Once, Settings
from normenc.texts import visible

__all__ = ["Claim", "NeededRecording", "Publication", "load_publication", "publications"]

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
Text = Annotated[str, Field(min_length=1)]
MOST_FAULTS = 8  # that are told at once


class NeededRecording(Settings):
    """A recording that claims need.

    ``sources`` are its names or files, in order of preference: the first that is on this computer is used. ``get`` says
    how to get one, ``sha256`` which bytes the published numbers were computed from.
    """

    sources: Annotated[list[Text], Field(min_length=1), Once]
    get: Text
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None


class Claim(Settings):
    """One published number, or an inequality, and how it is computed.

    ``measure`` is the name of a function of :data:`normenc.published.MEASURES`, ``options`` are its arguments.
    ``minus_study`` are sections of the study that are otherwise in the run from which a subtracted number is read.
    ``differs`` says in what the computation is not the published one; ``long`` marks those that take hours.
    """

    name: Annotated[str, Field(min_length=1, max_length=200)]
    what: Text
    where: Text
    value: Finite | None = None
    tolerance: NotNegative | None = None
    at_least: Finite | None = None
    at_most: Finite | None = None
    recording: Name | None = None
    measure: Text
    options: dict[str, Any] = Field(default={})
    minus_study: dict[str, Any] | None = None
    differs: str = ""
    long: bool = False

    @model_validator(mode="after")
    def _says_what_counts(self) -> "Claim":
        bounded = self.at_least is not None or self.at_most is not None
        if (self.tolerance is None) != (self.value is None or bounded):
            raise ValueError("give value and tolerance or, of an inequality, at_least, at_most or both")
        if bounded and not self.lowest <= self.highest:
            raise ValueError(f"at_least is {self.lowest:g} and at_most {self.highest:g}; the first must not be larger")
        return self

    @property
    def lowest(self) -> float:
        """The smallest number that counts as reproduced."""
        if self.tolerance is not None and self.value is not None:
            return self.value - self.tolerance
        return -math.inf if self.at_least is None else self.at_least

    @property
    def highest(self) -> float:
        """The largest number that counts as reproduced."""
        if self.tolerance is not None and self.value is not None:
            return self.value + self.tolerance
        return math.inf if self.at_most is None else self.at_most

    @property
    def published(self) -> str:
        """What was published, in words.

        Examples
        --------
        >>> stated = {"name": "pool", "what": "similarity", "where": "Fig. 1", "measure": "table"}
        >>> Claim(**stated, value=0.717, tolerance=0.015).published, Claim(**stated, at_least=0.0).published
        ('0.717 ± 0.015', 'at least 0')
        """
        if self.tolerance is not None:
            return f"{self.value:.4g} ± {self.tolerance:.2g}"
        if self.at_least is not None and self.at_most is not None:
            value = "" if self.value is None else f"{self.value:.4g}, "
            return f"{value}{self.at_least:.4g} to {self.at_most:.4g}"
        return f"at most {self.at_most:.4g}" if self.at_least is None else f"at least {self.at_least:.4g}"


class Publication(Settings):
    """What one publication states.

    ``recordings`` are those that its claims need, ``study`` the sections of a study file, from whose run claims with
    the measure ``table`` read their numbers. ``folder`` is where its file is.
    """

    name: Name
    title: Text
    citation: Text
    recordings: dict[str, NeededRecording] = Field(default={})
    study: dict[str, Any] | None = None
    claims: Annotated[list[Claim], Field(min_length=1)]
    folder: Path = Field(default=Path(), exclude=True)

    @model_validator(mode="after")
    def _parts_agree(self) -> "Publication":
        names = [claim.name for claim in self.claims]
        if again := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"two claims have the name {quoted(again[0])}; give each its own")
        for claim in self.claims:
            if claim.recording is not None and claim.recording not in self.recordings:
                there = ", ".join(self.recordings) or "none"
                raise ValueError(
                    f"the claim {quoted(claim.name)} needs the recording {quoted(claim.recording)}; [recordings] has "
                    f"{there}"
                )
        return self


def publications() -> dict[str, Publication]:
    """Those that come with normenc, by name.

    Examples
    --------
    >>> [claim.value for claim in publications()["reference"].claims if claim.name.startswith("similarity")]
    [0.717, 0.564]
    """
    folder = Path(str(files("normenc.published"))) / "files"
    found = [load_publication(path) for path in sorted(folder.glob("*.toml"))]
    return {own.name: own for own in found}


def load_publication(path: str | Path) -> Publication:
    """Read the file of a publication.

    Parameters
    ----------
    path : str or Path
        A TOML file, whose keys are those of :class:`Publication`, :class:`NeededRecording` and :class:`Claim`.

    Raises
    ------
    InputError
        If it is missing or not TOML, or a key is unknown, missing or wrong; the message names each.
    """
    path = Path(path)
    return _validated(read_toml(path), path.parent, str(path))


def _validated(stated: Mapping[str, Any], folder: Path, origin: str) -> Publication:
    if "folder" in stated:
        raise InputError(f"{origin}: folder: no such key; leave it out")
    try:
        return Publication(**stated, folder=folder)
    except ValidationError as error:
        faults = [
            f"{visible(origin)}: {visible('.'.join(str(part) for part in fault['loc']) or 'file')}: {fault['msg']}"
            for fault in error.errors()
        ]
        more = len(faults) - MOST_FAULTS
        raise InputError(*faults[:MOST_FAULTS], *[f"about {more:,} more errors"] * (more > 0)) from None
