"""Dockerfile and apptainer.def make the same image, of everything that its build reads."""

import re
import tomllib
from pathlib import Path

import pytest
from pathspec import GitIgnoreSpec

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT, WHEEL = PYPROJECT["project"], PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
BUILT_FROM = ["pyproject.toml", "constraints.txt", PROJECT["readme"], *PROJECT["license-files"]]
BUILT_FROM += [*WHEEL["packages"], *WHEEL["force-include"]]
SOURCES = "/usr/src/normenc"


def header(text):
    """What comments before the first instruction say."""
    return re.match(r"(?:#.*\n)+", text)[0]


def commands(text):
    """Commands of a shell, one after the other, with their variables named alike."""
    text = re.sub(r"\$\{(\w+)\}|\{\{ (\w+) \}\}", lambda name: f"<{(name[1] or name[2]).lower()}>", text)
    return [one.strip() for one in re.split(r"&&|\n", text) if one.strip() and not one.strip().startswith("#")]


@pytest.fixture(scope="module")
def docker():
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = re.sub(r"\\\n", " ", text).splitlines()
    found = [tuple(line.split(" ", 1)) for line in lines if line and not line.startswith("#")]
    return {"header": header(text), "all": found, **{word: said for word, said in found if word != "ARG"}}


@pytest.fixture(scope="module")
def apptainer():
    text = (ROOT / "apptainer.def").read_text(encoding="utf-8")
    top, *sections = re.split(r"^%(?=[a-z]+$)", text, flags=re.MULTILINE)
    parts = dict(section.split("\n", 1) for section in sections)
    return {"header": header(text), **dict(re.findall(r"^(\w+): (.+)$", top, flags=re.MULTILINE)), **parts}


@pytest.fixture(scope="module")
def copied(apptainer):
    return [line.split() for line in apptainer["files"].splitlines() if line.strip()]


@pytest.mark.parametrize("path", BUILT_FROM)
def test_all_that_the_build_reads_is_there(copied, path):
    within = [Path(source) for source, _ in copied if Path(path).is_relative_to(source)]
    assert within, f"{path} is not in %files of apptainer.def"
    assert (ROOT / path).exists()


def test_copies_exist_and_keep_their_places(copied):
    assert all((ROOT / source).exists() and target == f"{SOURCES}/{source}" for source, target in copied)


@pytest.mark.parametrize("path", BUILT_FROM)
def test_nothing_that_the_build_reads_is_ignored(docker, path):
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    ignored = GitIgnoreSpec.from_lines(f"/{line}" for line in lines)  # Docker's patterns begin at the root
    assert ignored.match_file(".git/config")
    assert ignored.match_file("src/normenc/__pycache__/x.pyc")
    files = [ROOT / path, *(ROOT / path).rglob("*.*")]
    kept = [one for one in files if "__pycache__" not in one.parts]
    assert [one for one in kept if ignored.match_file(one.relative_to(ROOT).as_posix())] == []
    assert docker["COPY"] == f". {SOURCES}"


def test_both_begin_with_the_same_python(docker, apptainer):
    assert (apptainer["Bootstrap"], apptainer["From"]) == ("docker", docker["FROM"])
    version = re.fullmatch(r"python:(3\.\d+)-slim-[a-z]+", docker["FROM"])[1]
    assert f"Programming Language :: Python :: {version}" in PROJECT["classifiers"]


def test_both_install_the_same(docker, apptainer):
    steps = commands(docker["RUN"])
    assert [f"cd {SOURCES}", *steps[:-1]] == commands(apptainer["post"])
    assert steps[-1].startswith("useradd ")
    assert next(said for word, said in docker["all"] if word == "WORKDIR") == SOURCES
    extras = re.search(r'"\.\[(.+)\]"', docker["RUN"])[1].split(",")
    assert set(extras) <= set(PROJECT["optional-dependencies"])


def test_both_name_the_same_builds_of_torch(docker, apptainer):
    settings = dict(said.split("=") for word, said in docker["all"] if word == "ARG")
    others = dict(re.findall(r"^    (\w+)=(.*)$", apptainer["arguments"], flags=re.MULTILINE))
    assert {name.lower(): value.strip('"') for name, value in settings.items()} == others
    cpu = others["torch_index"]
    assert cpu.endswith("/cpu")
    named = [re.findall(r"torch_index=(\S+)", text["header"], flags=re.IGNORECASE) for text in (docker, apptainer)]
    assert named[0] == named[1]
    assert len(named[0]) == 1
    assert re.fullmatch(rf"{re.escape(cpu.removesuffix('cpu'))}cu\d+", named[0][0])


def test_the_image_is_not_used_as_root(docker):
    words = [word for word, _ in docker["all"]]
    assert int(docker["USER"]) > 0
    assert f"--uid {docker['USER']} " in docker["RUN"]
    assert words.index("RUN") < words.index("USER") < words.index("ENTRYPOINT")
