"""What is wrong with a study file, in words."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from normenc.errors import InputError, quoted, shortened
from normenc.study.encoder_settings import EncoderSettings
from normenc.study.parts import PART_KINDS, section_of
from normenc.study.sections import RecordingSettings

__all__ = ["describe_fault", "describe_faults"]

MOST_FAULTS = 8  # that are told at once

LISTED: dict[str, type[BaseModel]] = {"recording": RecordingSettings, "encoder": EncoderSettings}
OPTIONS = {  # of the command line that are called otherwise
    "map": "names",
    "fold": "fold_directions",
    "recording": "source",
    "seeds": "n_seeds",
}


def describe_faults(study: type[BaseModel], problems: Sequence[Any], given: Any) -> list[str]:
    """The faults that pydantic found in the settings given for `study`, one per line, and one per value."""
    said: dict[str, list[str]] = {}
    for problem in _of_their_kind(problems[:200]):
        where, _, what = describe_fault(study, problem, given).partition("; it should be ")
        said.setdefault(where, []).append(what)
    lines = [
        where
        + "".join(
            f"{'; it should be' if place == 0 else ', or'} {what}"
            for place, what in enumerate(dict.fromkeys(filter(None, whats)))
        )
        for where, whats in said.items()
    ]
    more = len(problems) - MOST_FAULTS if len(lines) > MOST_FAULTS else 0
    return lines[:MOST_FAULTS] + [f"about {more:,} more errors"] * (more > 0)


def _of_their_kind(problems: Sequence[Any]) -> list[Any]:
    """The faults without those that a list is not one of some words, where what is wrong with the list is told too."""
    lists = {problem["loc"][:-1] for problem in problems if problem["type"] == "literal_error"}
    told = {
        place
        for place in lists
        for problem in problems
        if problem["type"] not in ("literal_error", "list_type")
        and problem["loc"][: len(place)] == place
        and (isinstance(problem["input"], list) or len(problem["loc"]) > len(place) + 1)
    }
    return [own for own in problems if own["type"] != "literal_error" or own["loc"][:-1] not in told]


def describe_fault(study: type[BaseModel], problem: Any, settings: Any) -> str:
    """One fault that pydantic found in settings: where it is, what was given, what is allowed."""
    model, parts = _place(study, problem["loc"], settings)
    key = shortened(".".join(parts))
    given = problem["input"]
    if problem["type"] == "extra_forbidden":
        allowed = list(model.model_fields)
        near = _meant(parts[-1], allowed)
        if near is None and len(parts) == 1 and (own := _meant(parts[0], list(RecordingSettings.model_fields))):
            near = f"recording.{own}"
        hint = f"did you mean {near!r}? " if near else ""
        return f"{key}: there is no such key; {hint}allowed here: {', '.join(allowed)}"
    if problem["type"] == "missing":
        return f"{key}: this key is missing, and has no default"
    message = (
        problem["msg"]
        .removeprefix("Value error, ")
        .removeprefix("Input ")
        .removeprefix("String ")
        .removeprefix("List ")
        .replace(" after validation, not 0", "")
    )
    if problem["type"] == "value_error":
        return f"{key}: {message}" if key else message
    if problem["type"] == "model_type":
        message = f"should be a section [{key}]"
    if problem["type"] == "string_pattern_mismatch" and key == "name":
        message = "should be a name of letters, digits, '.', '_' and '-', which begins with a letter or digit"
    return f"{key}: given {quoted(given)}; it {message}"


def _meant(given: str, allowed: list[str]) -> str | None:
    """The key that is like the given one, or that stands for the option of that name on the command line."""
    name = given.replace("-", "_").strip("_").lower()
    known = OPTIONS.get(name)
    if known in allowed:
        return known
    if len(name) > 100:  # like nothing
        return None
    return next(iter(difflib.get_close_matches(name, allowed, n=1)), None)


def _place(study: type[BaseModel], location: tuple[Any, ...], given: Any) -> tuple[type[BaseModel], list[str]]:
    """The settings that a fault lies in, and its path as a study file has it: sections of a list by their number."""
    model = study
    parts: list[str] = []
    for part in location:
        if isinstance(part, int):
            given = given[part] if isinstance(given, list) and part < len(given) else given
            part_kind = parts[-1].removesuffix("s") if parts else ""
            model = _section(part_kind, given) if part_kind in PART_KINDS else model
            if part:
                parts.append(str(part + 1))
        elif part in model.model_fields:
            annotation = model.model_fields[part].annotation
            given = given.get(part) if isinstance(given, Mapping) else None
            parts.append(part)
            if part in LISTED:
                model = LISTED[part]
            elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
                model = annotation
        elif not any(mark in str(part) for mark in "[](){}") and part not in (
            "float",
            "int",
            "constrained-float",
            "constrained-int",
        ):
            parts.append(str(part))
    return model, parts


def _section(part_kind: str, given: Any) -> type[BaseModel]:
    """The settings of the task, network or control that a section names."""
    name = given.get("name", PART_KINDS[part_kind].default) if isinstance(given, Mapping) else given
    try:
        return section_of(part_kind, name)
    except (InputError, TypeError):
        return PART_KINDS[part_kind].base
