"""Measures that a study names: normenc's own, registered ones, and a user's own by import path."""

from dataclasses import replace
from typing import Annotated

from pydantic import AfterValidator

from normenc.errors import InputError, quoted
from normenc.rsa.measures import MEASURES, METHODS, Measure
from normenc.rsa.representation_measures import INSTEAD, REPRESENTATION_MEASURES, RepresentationMeasure
from normenc.study.contracts import check_measure
from normenc.study.own_code import import_part, is_import_path, remember

__all__ = ["AnyMeasureName", "MeasureName"]

IMPORTED: set[str] = set()


def _known(name: str) -> str:
    """The name of a measure of RDMs, which is registered by it."""
    if name in REPRESENTATION_MEASURES or name in INSTEAD:
        raise ValueError(
            f"given {quoted(name)}; it compares responses, and the study's own measure compares RDMs: name one of "
            f"{', '.join(METHODS)} first, and this one among other_measures"
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
            f"given {quoted(name)}; it compares responses, and the study's own measure compares RDMs: name it among "
            "other_measures"
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


AnyMeasureName = Annotated[str, AfterValidator(_known_of_any_kind)]  # also of normenc.rsa.REPRESENTATION_MEASURES
MeasureName = Annotated[str, AfterValidator(_known)]  # of normenc.rsa.MEASURES, when the study is read
