"""The JSON schema of study files and the settings that read them say the same, whatever is changed in a study."""

import copy
import tomllib
from pathlib import Path

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from normenc.study import Study
from normenc.study.json_schema import study_schema
from normenc.study.own_code import importing_from
from normenc.study.parts import PART_KINDS

EXAMPLES = Path(__file__).parents[2] / "examples"
SCHEMA = study_schema()
KNOWN = jsonschema.Draft202012Validator(SCHEMA)
OF_KEY = ("name", "label", "n", "n_epochs", "layers", "training", "size", "images")
VALUES = [
    *(True, 0, 1, -1, 0.5, 10**7, "", "a", "all", "pixels", "pearson", "x:y", {}, {"a": 1}, {"name": "pixels"}),
    *([], [1], [1, 2], [0.5, 1.5], ["a"], ["a", "a"], ["pearson"], ["linear-cka"], ["pixels", "pixels"], [{}], [[]]),
]


def written(**given):
    return tomllib.loads(Study(**given).to_toml())


STUDIES = [
    *(tomllib.loads(file.read_text(encoding="utf-8")) for file in sorted(EXAMPLES.glob("*.toml"))),
    *(
        written(**{kind: {"name": name}})
        for kind in ("task", "network")
        for name in PART_KINDS[kind].table
        if name != "timm"
    ),
    {"network": {"name": "timm", "model": "resnet18", "training": {"n_epochs": 3}}},
    written(comparison={"controls": [{"name": name} for name in PART_KINDS["control"].table]}),
    written(encoder=[{"model": "timm:resnet18"}], comparison={"measures": ["pearson", "linear-cka"]}),
]


def places(table):
    for key, value in table.items() if isinstance(table, dict) else enumerate(table):
        yield table, key
        if isinstance(value, dict | list):
            yield from places(value)


@given(st.data())
@settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
def test_the_schema_refuses_what_the_study_refuses_for_one_key_and_nothing_else(data):
    changed = copy.deepcopy(data.draw(st.sampled_from(STUDIES)))
    table, key = data.draw(st.sampled_from(list(places(changed))))
    how = data.draw(st.sampled_from(["set", "set", "add", "drop", "wrap"]))
    if how == "drop":
        del table[key]
    elif how == "wrap":
        table[key] = [table[key]]
    elif how == "add" and isinstance(table, dict):
        table[data.draw(st.sampled_from(OF_KEY))] = copy.deepcopy(data.draw(st.sampled_from(VALUES)))
    else:
        table[key] = copy.deepcopy(data.draw(st.sampled_from(VALUES)))
    try:
        with importing_from(EXAMPLES):
            Study(**copy.deepcopy(changed))
        faults = None
    except ValidationError as error:
        faults = {problem["type"] for problem in error.errors()}
    allowed = KNOWN.is_valid(changed)
    assert allowed or faults is not None, changed  # the schema allows all that runs
    assert not allowed or faults in (None, {"value_error"}), (faults, changed)  # and what is left are rules of several


@pytest.mark.parametrize(
    ("study", "place", "said"),
    [
        ({"recording": {"soruce": "a"}}, ["recording"], "'soruce'"),
        ({"recording": [{}, {"soruce": "a"}]}, ["recording", 1], "'soruce'"),
        ({"recording": []}, ["recording"], "[]"),
        ({"stimuli": {"resolutoin": 0.1}}, ["stimuli"], "'resolutoin'"),
        ({"stimuli": [{"name": "a", "images": "a", "szie": [9, 9]}]}, ["stimuli", 0], "'szie'"),
        ({"task": {"n_trian": 5}}, ["task"], "'n_trian'"),
        ({"task": [{"name": "denoising", "nosie": 5}]}, ["task", 0], "'nosie'"),
        ({"task": {"name": "denosing"}}, ["task", "name"], "'denosing'"),
        ({"network": {"name": "timm"}}, ["network"], "'model'"),
        ({"network": {"training": {"n_epoch": 3}}}, ["network", "training"], "'n_epoch'"),
        ({"encoder": [{"model": "resnet18"}]}, ["encoder", 0, "model"], "'resnet18'"),
        ({"comparison": {"controls": ["pixls"]}}, ["comparison", "controls", 0], "'pixls'"),
        ({"comparison": {"controls": [{"name": "random features", "n": 5}]}}, ["comparison", "controls", 0], "'n'"),
        ({"comparison": {"controls": [{"n_features": 5}]}}, ["comparison", "controls", 0], "'name'"),
        ({"comparison": {"measures": ["perason"]}}, ["comparison", "measures", 0], "'perason'"),
        ({"identify": {"measures": ["perason"]}}, ["identify", "measures", 0], "'perason'"),
        ({"power": {"n_animals": [2, 2]}}, ["power", "n_animals"], "non-unique"),
        ({"stages": ["represent"]}, ["stages"], "does not contain"),
    ],
)
def test_a_fault_is_told_once_and_of_the_key_itself(study, place, said):
    (fault,) = KNOWN.iter_errors(study)
    assert (list(fault.absolute_path), said in fault.message) == (place, True), fault.message
    with pytest.raises(ValidationError):
        Study(**study)


def test_what_only_code_could_tell_is_left_to_the_study():
    for own in (
        {"task": {"name": "my_lab:Mine", "size": 3}},
        {"comparison": {"controls": [{"name": "a:b", "n": "x"}]}},
    ):
        KNOWN.validate(own)
