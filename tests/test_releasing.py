"""What is needed for a release names the same version, packages and files everywhere."""

import importlib.util
import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import normenc

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONDA = {"matplotlib": "matplotlib-base"}  # names at conda-forge


def tool(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_all_files_name_the_version_of_the_package():
    assert set(tool("check_release").versions().values()) == {normenc.__version__}


def test_a_release_that_is_not_ready_is_refused(capsys):
    check = tool("check_release")
    with pytest.raises(SystemExit, match=r"v9\.9\.9: not ready: src/normenc/__init__\.py says "):
        check.main("v9.9.9")
    heading, text = check.notes()
    assert heading.startswith(normenc.__version__)
    assert text.startswith(("- ", "### "))


def test_zenodo_and_the_citation_agree():
    zenodo = json.loads((ROOT / ".zenodo.json").read_text(encoding="utf-8"))
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert (zenodo["title"], zenodo["license"]) == (citation["title"], citation["license"])
    assert zenodo["license"] == PROJECT["license"]
    assert [one["name"] for one in zenodo["creators"]] == [one["name"] for one in citation["authors"]]
    assert zenodo["keywords"] == PROJECT["keywords"]


def test_the_recipe_asks_for_what_the_package_does():
    text = re.sub(r"\$\{\{.*?\}\}", "X", (ROOT / "packaging" / "recipe.yaml").read_text(encoding="utf-8"))
    recipe = yaml.safe_load(text)
    asked = recipe["requirements"]["run"][1:]
    wanted = [re.sub(r"^[\w-]+", lambda name: CONDA.get(name[0], name[0]), one) for one in PROJECT["dependencies"]]
    assert [one.replace(" ", "") for one in asked] == wanted
    assert recipe["context"]["python_min"] == PROJECT["requires-python"].removeprefix(">=")


def test_the_lock_and_the_constraints_name_the_same_versions():
    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    locked = [(one["name"], one["version"]) for one in lock["package"] if one["name"] != "normenc"]
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert [tuple(line.split("==")) for line in lines if not line.startswith("#")] == sorted(locked)
    assert len(dict(locked)) == len(locked)
    assert {one["source"].get("registry", "https://pypi.org/simple") for one in lock["package"]} == {
        "https://pypi.org/simple"
    }


def test_the_lock_is_of_todays_project():
    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    (own,) = (one for one in lock["package"] if one["name"] == "normenc")
    found = {(one["name"], str(SpecifierSet(one.get("specifier", "")))) for one in own["metadata"]["requires-dist"]}
    stated = [*PROJECT["dependencies"], *(one for extra in PROJECT["optional-dependencies"].values() for one in extra)]
    wanted = {(one.name, str(one.specifier)) for one in map(Requirement, stated)}
    assert found - {("normenc", "")} == wanted - {("normenc", "")}


@pytest.mark.parametrize("name", ["tests.yml", "release.yml", "docs.yml"])
def test_actions_are_pinned_and_tools_exist(name):
    text = (ROOT / ".github" / "workflows" / name).read_text(encoding="utf-8")
    yaml.safe_load(text)
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v[\d.]+", used) for used in re.findall(r"uses: (.+)", text))
    called = re.findall(r"tools/\w+\.\w+", text)
    assert called
    assert all((ROOT / path).is_file() for path in called)


def test_python_versions_are_the_same_everywhere():
    matrix = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8"))
    tested = matrix["jobs"]["matrix"]["strategy"]["matrix"]["python"]
    named = [one.rpartition(" ")[2] for one in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", one)]
    assert tested == named
    assert tested[0] == PROJECT["requires-python"].removeprefix(">=")
