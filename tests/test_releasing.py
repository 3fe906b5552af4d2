"""What is needed for a release names the same version, packages and files everywhere."""

import importlib.metadata
import importlib.util
import json
import re
import shutil
import sys
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


def test_all_files_name_the_same_version():
    (version,) = set(tool("check_release").versions().values())
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)


@pytest.mark.parametrize(("described", "version"), [("v3.1.4", "3.1.4"), ("v3.1.4-2-gabcdef", "3.1.5.dev2"), ("", "")])
def test_the_version_is_that_of_the_tag(tmp_path, described, version):
    """As an archive of the repository names it; without a tag, the version that files name, before its release."""
    from hatchling.metadata.core import ProjectMetadata
    from hatchling.plugin.manager import PluginManager

    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    archival = (ROOT / ".git_archival.txt").read_text(encoding="utf-8")
    (tmp_path / ".git_archival.txt").write_text(re.sub(r"\$Format.*\$", described, archival))
    found = ProjectMetadata(str(tmp_path), PluginManager()).version
    (next_one,) = set(tool("check_release").versions().values())
    assert found == (version or f"{next_one}.dev0")


def test_the_version_is_that_of_the_installed_package(monkeypatch):
    assert normenc.__version__ == importlib.metadata.version("normenc")
    monkeypatch.setattr(sys, "path", [str(ROOT / "tests")])
    assert normenc.__version__ == "0+unknown"


def test_a_release_that_is_not_ready_is_refused(capsys):
    check = tool("check_release")
    with pytest.raises(SystemExit, match=r"v9\.9\.9: not ready: pyproject\.toml says "):
        check.main("v9.9.9")
    heading, text = check.notes()
    assert heading.startswith(check.versions()["CITATION.cff"])
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
    assert recipe["extra"]["recipe-maintainers"]
    assert "pypi.org" not in recipe["context"]["repository"]
    assert recipe["about"]["license"] == PROJECT["license"]


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
