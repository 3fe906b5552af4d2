"""The JSON schema of study files, by which an editor completes keys and marks faults.

It is made from the settings themselves. It allows all that a study file may hold; rules about several keys together are
checked when the study is read.
"""

import inspect
import re
from typing import Any

from normenc.recordings.preparation import Preparation
from normenc.rsa import MEASURES
from normenc.runs.stages import STAGES
from normenc.study.parts import PART_KINDS, section_of
from normenc.study.settings import Study
from normenc.training import Recipe

__all__ = ["study_schema"]

OWN = {"type": "string", "pattern": ":", "description": "The import path of your own part, as in 'my_lab.parts:Mine'."}
ROLE = re.compile(r":\w+:`~?([^`]+)`")
SECTIONS = ("recording", "task", "network", "encoder", "stimuli")  # which may stand several times
ONE_OR_SEVERAL = {
    "RecordingSettings": ("blank", "region", "quality"),
    "DesignSettings": ("pool",),
    "EncoderSettings": ("size",),
}
DESCRIBED_BY = {"RecordingSettings": Preparation, "TrainingSettings": Recipe}


def study_schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of a study file.

    Examples
    --------
    >>> schema = study_schema()
    >>> schema["title"], schema["properties"]["training"]["properties"]["n_epochs"]["default"]
    ('normenc study', 25)
    """
    made = Study.model_json_schema()
    defs = made.pop("$defs")
    for name, own in defs.items():
        _describe(own, DESCRIBED_BY.get(name))
        for key in ONE_OR_SEVERAL.get(name, ()):
            own["properties"][key] = _one_or_several(own["properties"][key])
    comparison = defs["ComparisonSettings"]["properties"]
    comparison["controls"]["items"] = {"anyOf": [_names("control"), _part("control")]}
    for measures in (comparison["other_measures"], comparison["measures"]["anyOf"][0]):
        measures["items"] = _measure()
    comparison["method"] |= _measure()
    sections = made["properties"]
    sections["stages"] = {"type": "array", "items": {"enum": list(STAGES)}, "uniqueItems": True}
    for kind in ("task", "network"):
        sections[kind]["items"] = _part(kind)
    image_set = {"type": "object", "required": ["name", "images"]}  # [[stimuli]] several times
    for section in SECTIONS:
        one = sections[section].pop("items", None) or {"$ref": "#/$defs/StimulusSettings"}
        several = image_set if section == "stimuli" else one
        sections[section] = {"anyOf": [one, {"type": "array", "items": several}]}
    schema: dict[str, Any] = _tidied(_resolved(made, defs))
    about = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "normenc study"}
    return (
        about | {"description": _first(Study)} | {k: v for k, v in schema.items() if k not in ("title", "description")}
    )


def _measure() -> dict[str, Any]:
    return {"anyOf": [{"enum": list(MEASURES)}, {"type": "string"}], "type": "string"}


def _names(kind: str) -> dict[str, Any]:
    return {"anyOf": [{"enum": list(PART_KINDS[kind].table)}, OWN]}


def _part(kind: str) -> dict[str, Any]:
    """The section of any task, network or control: the keys depend on its name, and those of an own part are open."""
    choices = []
    for name, part in PART_KINDS[kind].table.items():
        own = section_of(kind, name).model_json_schema()
        _describe(own, part)
        own["properties"]["name"] = {"const": name}
        is_default = name == PART_KINDS[kind].default and kind != "control"
        choices.append(_resolved(own, own.pop("$defs", {})) | {"required": [] if is_default else ["name"]})
    open_part = {"type": "object", "properties": {"name": OWN}, "required": ["name"]}
    named = {"type": "object", "properties": {"name": _names(kind)}}
    return {**named, "anyOf": [*choices, open_part]}


def _resolved(schema: Any, defs: dict[str, Any]) -> Any:
    """A schema with what it refers to in its place."""
    if isinstance(schema, list):
        return [_resolved(own, defs) for own in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _resolved(defs[schema["$ref"].rpartition("/")[2]], defs)
    return {key: _resolved(own, defs) for key, own in schema.items()}


def _one_or_several(schema: dict[str, Any]) -> dict[str, Any]:
    array = next(own for own in schema.get("anyOf", [schema]) if own.get("type") == "array")
    return {**schema, "anyOf": [array, array["items"]]} if "anyOf" in schema else {"anyOf": [schema, array["items"]]}


def _tidied(schema: Any, *, names: bool = False) -> Any:
    """Without null, which TOML does not have, without titles that repeat keys and defaults of whole sections."""
    if isinstance(schema, list):
        return [_tidied(own) for own in schema]
    if not isinstance(schema, dict):
        return schema
    if names:  # keys of a section, of which one may be called title
        return {key: _tidied(own) for key, own in schema.items()}
    kept = {key: own for key, own in schema.items() if key not in ("title", "default")}
    tidy = {key: _tidied(own, names=key == "properties") for key, own in kept.items()}
    default = schema.get("default")
    if default is not None and not _holds_tables(default):
        tidy["default"] = default
    if "anyOf" in tidy:
        tidy["anyOf"] = [own for own in tidy["anyOf"] if own != {"type": "null"}]
        if len(tidy["anyOf"]) == 1:
            tidy |= tidy.pop("anyOf")[0]
    return tidy


def _holds_tables(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(map(_holds_tables, value)))


def _describe(section: dict[str, Any], described_by: Any = None) -> None:
    """Give a section, and its keys, what the docstrings say of them."""
    if described_by is not None:
        for key, said in _of_parameters(described_by).items():
            if key in section["properties"] and key != "source":
                section["properties"][key]["description"] = said
        section.setdefault("description", _first(described_by))
    if "description" in section:
        section["description"] = _plain(section["description"])


def _first(part: Any) -> str:
    """The first sentence of a docstring."""
    return _plain((inspect.getdoc(part) or "").partition("\n\n")[0])


def _plain(text: str) -> str:
    return " ".join(ROLE.sub(r"\1", text).replace("``", "").split())


def _of_parameters(part: Any) -> dict[str, str]:
    """What a docstring says of parameters and attributes, by name."""
    found: dict[str, str] = {}
    lines = (inspect.getdoc(part) or "").splitlines()
    for place, line in enumerate(lines):
        if not re.match(r"[a-z]\w*(, [a-z]\w*)* : ", line):
            continue
        after = []
        for said in lines[place + 1 :]:
            if said and not said.startswith(" "):
                break
            after.append(said)
        for name in line.partition(" : ")[0].split(", "):
            if after:
                found[name] = _plain(" ".join(after))
    return found
