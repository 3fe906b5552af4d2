"""Measures that a study names: normenc's own, registered ones, and a user's own by import path."""

from dataclasses import replace
from typing import Annotated

from pydantic import AfterValidator

from normenc.errors import InputError, quoted
from normenc.rsa.measures import MEASURES, Measure
from normenc.study.contracts import check_measure
from normenc.study.own_code import import_part, is_import_path, remember

__all__ = ["MeasureName"]

IMPORTED: set[str] = set()


def _known(name: str) -> str:
    """The name of a measure, which is registered by it."""
    if name in MEASURES and name not in IMPORTED:
        return name
    if not is_import_path(name):
        *others, last = (repr(known) for known in MEASURES if known not in IMPORTED)
        raise ValueError(
            f"given {quoted(name)}; it should be {', '.join(others)} or {last}, or the import path of your own "
            "measure, as in 'my_lab.parts:overlap'"
        )
    part = import_part(name)
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


MeasureName = Annotated[str, AfterValidator(_known)]  # of normenc.rsa.MEASURES, when the study is read
