"""The JSON schema of study files, by which an editor completes keys and marks faults.

It is made from the settings themselves. It allows all that a study file may hold; rules about several keys together,
and whether what is named is there, are checked when the study is read.
"""

import inspect
import re
from collections.abc import Iterable
from typing import Any

from normenc.recordings.preparation import Preparation
from normenc.rsa import MEASURES, REPRESENTATION_MEASURES
from normenc.runs.stages import STAGES
from normenc.study.parts import PART_KINDS, section_of
from normenc.study.settings import Study
from normenc.training import Recipe

__all__ = ["study_schema"]

OPEN = {"additionalProperties": True}  # allows all, in words for editors that take what is not allowed as forbidden
OWN = {"pattern": ":", "description": "The import path of your own part, as in 'my_lab.parts:Mine'."}
ROLE = re.compile(r":\w+:`~?([^`]+)`")
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
    identify = defs["IdentifySettings"]["properties"]
    for measures in (
        comparison["other_measures"],
        comparison["measures"]["anyOf"][0],
        identify["measures"]["anyOf"][0],
    ):
        measures["items"] = _name((*MEASURES, *REPRESENTATION_MEASURES))
    comparison["method"].update(_name(MEASURES))
    defs["EncoderSettings"]["properties"]["model"]["pattern"] = "^[^:]+:[^:]"
    parts = {kind: _part(kind, defs) for kind in PART_KINDS}
    names = _name(PART_KINDS["control"].table)
    comparison["controls"]["items"] = {
        **{"type": ["string", "object"], "anyOf": [names, parts["control"], OPEN], **OPEN},
        **{"if": {"type": "string"}, "then": names, "else": parts["control"]},
    }
    shown = defs["StimulusSettings"]
    keys = {"name": {"type": "string"}} | {key: own for key, own in shown["properties"].items() if key != "sets"}
    image_set = shown | {"properties": keys, "required": ["name", "images"]}  # [[stimuli]] several times
    sections = made["properties"]
    sections["stages"] = {"type": "array", "items": {"enum": list(STAGES)}, "uniqueItems": True}
    sections["stages"]["contains"] = {"const": "compare"}
    sections["recording"] |= _one_or_array(defs["RecordingSettings"])
    sections["encoder"] |= _one_or_array(defs["EncoderSettings"])
    sections["task"] |= _one_or_array(parts["task"])
    sections["network"] |= _one_or_array(parts["network"])
    sections["stimuli"] = _one_or_array(shown, image_set) | {"minItems": 1}
    schema: dict[str, Any] = _tidied(_resolved(made, defs))
    schema["$defs"] = {name: _tidied(_resolved(own, defs)) for name, own in defs.items() if "-" in name}
    about = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "normenc study"}
    return (
        about | {"description": _first(Study)} | {k: v for k, v in schema.items() if k not in ("title", "description")}
    )


def _name(known: Iterable[str]) -> dict[str, Any]:
    """One of these names, or an import path; a fault is said of the name itself."""
    return {"type": "string", "anyOf": [{"enum": [name for name in known if ":" not in name]}, OWN]}


def _one_or_array(one: dict[str, Any], of_several: dict[str, Any] | None = None) -> dict[str, Any]:
    """A section that may stand several times.

    What is said of keys holds for tables alone, and what is said of items for arrays, so that no choice between the two
    is needed, of which an editor could only say that neither fits.
    """
    return {**one, "type": ["object", "array"], "items": {"type": "object", **(of_several or one)}}


def _part(kind: str, defs: dict[str, Any]) -> dict[str, Any]:
    """The section of any task, network or control, without its type; each of them becomes one of the definitions.

    The keys depend on the name, which "if" finds, so that a fault is said of the key. Some editors complete only what
    "anyOf" lists, which here allows all. The keys of an own part are open.
    """
    table = PART_KINDS[kind].table
    rest: dict[str, Any] = {"properties": {"name": _name(table)}, "required": ["name"], **OPEN}
    choices: list[dict[str, Any]] = []
    for name, part in reversed([*table.items()]):
        own = section_of(kind, name).model_json_schema()
        _describe(own, part)
        own["properties"]["name"] = {"const": name}
        del own["type"]  # which may also be an array of such sections
        given = [] if name == PART_KINDS[kind].default and kind != "control" else ["name"]
        own["required"] = [*given, *(key for key in own.get("required", ()) if key != "name")]
        known = f"{kind}-{name}".replace(" ", "-")
        defs[known] = _resolved(own, own.pop("$defs", {}))
        choices.insert(0, {"$ref": f"#/$defs/{known}"})
        is_it = {"properties": {"name": {"const": name}}, "required": given, **OPEN}
        rest = {"if": is_it, "then": choices[0], "else": rest}
    return rest | {"anyOf": [*choices, OPEN], **OPEN}


def _resolved(schema: Any, defs: dict[str, Any]) -> Any:
    """A schema with what it refers to in its place, but for tasks, networks and controls."""
    if isinstance(schema, list):
        return [_resolved(own, defs) for own in schema]
    if not isinstance(schema, dict):
        return schema
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    if name and "-" not in name:
        return _resolved(defs[name], defs)
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
