"""Measures that a study names: normenc's own, registered ones, and a user's own by import path."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

from pydantic import AfterValidator

from normenc.errors import InputError, quoted
from normenc.rsa.measures import MEASURES, METHODS, Measure
from normenc.rsa.representation_measures import INSTEAD, REPRESENTATION_MEASURES, RepresentationMeasure
from normenc.study.contracts import check_measure
from normenc.study.own_code import import_part, is_import_path, remember

__all__ = ["AnyMeasureName", "MeasureName", "Measures", "can_be_used"]

IMPORTED: set[str] = set()


def _known(name: str) -> str:
    """The name of a measure of RDMs, which is registered by it."""
    if name in REPRESENTATION_MEASURES or name in INSTEAD:
        raise ValueError(
            f"given {quoted(name)}; it compares responses, and the measure of the answer compares RDMs: list one of "
            f"{', '.join(METHODS)} first in measures, and this one after it"
        )
    if name in MEASURES and name not in IMPORTED:
        return name
    if not is_import_path(name):
        *others, last = (repr(known) for known in MEASURES if known not in IMPORTED)
        raise ValueError(
            f"given {quoted(name)}; it should be {', '.join(others)} or {last}, or the import path of your own "
            "measure, as in 'my_lab.parts:overlap'"
        )
    part = import_part(name)
    if isinstance(part, RepresentationMeasure):
        raise ValueError(
            f"given {quoted(name)}; it compares responses, and the measure of the answer compares RDMs: list one of "
            f"{', '.join(METHODS)} first in measures, and this one after it"
        )
    try:
        if isinstance(part, Measure):
            remember(part.by)
            MEASURES[name] = replace(part, name=name).try_out()
        else:
            check_measure(part)
            MEASURES[name] = Measure(name, part).try_out()
    except InputError as error:
        raise ValueError(f"given {quoted(name)}; {error}") from None
    IMPORTED.add(name)
    return name


def _known_of_any_kind(name: str) -> str:
    """The name of a measure of RDMs or of representations, which is registered by it."""
    if name in INSTEAD:
        raise ValueError(f"given {quoted(name)}; {INSTEAD[name]}")
    if name in REPRESENTATION_MEASURES and name not in IMPORTED:
        return name
    part = import_part(name) if is_import_path(name) else None
    if not isinstance(part, RepresentationMeasure):
        try:
            return _known(name)
        except ValueError as error:
            others = ", ".join(repr(known) for known in REPRESENTATION_MEASURES if known not in IMPORTED)
            raise ValueError(f"{error}; or, of measures of responses, {others}") from None
    try:
        remember(part.by)
        REPRESENTATION_MEASURES[name] = replace(part, name=name).try_out()
    except InputError as error:
        raise ValueError(f"given {quoted(name)}; {error}") from None
    IMPORTED.add(name)
    return name


def _listed(names: list[str]) -> list[str]:
    """Measures, of which the first is that of the answer."""
    return [*map(_known, names[:1]), *names[1:]]


def can_be_used(names: Sequence[Any]) -> bool:
    """Whether the names, that of the answer first, are all those of measures."""
    try:
        _listed([_known_of_any_kind(name) if isinstance(name, str) else _known(str(name)) for name in names])
    except ValueError:
        return False
    return True


AnyMeasureName = Annotated[str, AfterValidator(_known_of_any_kind)]  # also of normenc.rsa.REPRESENTATION_MEASURES
MeasureName = Annotated[str, AfterValidator(_known)]  # of normenc.rsa.MEASURES, when the study is read
Measures = Annotated[list[AnyMeasureName], AfterValidator(_listed)]
