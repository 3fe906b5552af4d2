import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from normenc.errors import InputError
from normenc.study import load_study
from normenc.study.shipped import copy_example, examples, study_file

ROOT = Path(__file__).parents[2]
NAMES = sorted(path.stem for path in (ROOT / "examples").glob("*.toml"))


def test_every_example_is_listed_once_with_its_purpose():
    found = examples()
    files = [path.name for example in found.values() for path in example.files]
    assert sorted([*files, "study.json"]) == sorted(
        path.name for path in (ROOT / "examples").iterdir() if path.is_file()
    )
    assert [name for name, example in found.items() if example.is_study] == NAMES
    assert all(example.purpose[-1] in ".?" and len(example.purpose) < 230 for example in found.values())
    assert [path.name for path in found["natural"].files] == ["natural.toml", "natural_models.py"]


@pytest.mark.parametrize("name", NAMES)
def test_a_study_is_run_by_its_name(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).mkdir()  # a folder is no study
    assert study_file(name) == ROOT / "examples" / f"{name}.toml"
    assert load_study(name) == load_study(ROOT / "examples" / f"{name}.toml")


def test_an_own_file_comes_before_an_example(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reference").write_text('name = "mine"')
    assert load_study("reference").name == "mine"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("refrence", "refrence: there is no such study file, and no study .*; did you mean 'reference'"),
        ("zzz", "zzz: .*; these do: contrastive, encoding"),
        ("two_days.py", r"two_days\.py: there is no such study file"),
        ("reference.toml", r"reference\.toml: there is no such study file"),
        ("folder/reference", r"folder/reference: there is no such study file"),
    ],
)
def test_another_name_is_refused(name, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=message):
        load_study(name)


def test_an_example_is_copied_whole_or_not_at_all(normenc, tmp_path):
    code, out, _ = normenc("examples", "natural", "--out", tmp_path / "mine")
    written = [tmp_path / "mine" / name for name in ("natural.toml", "study.json", "natural_models.py")]
    assert (code, out.split()) == (0, [*map(str, written)])
    own = tmp_path / "mine" / "natural_models.py"
    assert own.read_bytes() == (ROOT / "examples" / "natural_models.py").read_bytes()
    own.write_text("changed")
    (tmp_path / "mine" / "natural.toml").unlink()
    code, _, err = normenc("examples", "natural", "--out", tmp_path / "mine")
    assert code == 2
    assert "natural_models.py: this file exists" in err
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == ["natural_models.py", "study.json"]
    copy_example("natural", tmp_path / "mine", force=True)
    assert own.read_text() != "changed"
    (tmp_path / "other" / "natural_models.py").mkdir(parents=True)
    with pytest.raises(InputError, match="other: cannot be written to"):
        copy_example("natural", tmp_path / "other", force=True)
    (tmp_path / "other" / "reference.toml").symlink_to("elsewhere")
    with pytest.raises(InputError, match=r"reference\.toml: this file exists"):
        copy_example("reference", tmp_path / "other")
    assert sorted(path.name for path in (tmp_path / "other").iterdir()) == ["natural_models.py", "reference.toml"]
    with pytest.raises(InputError, match=r"mine/natural_models\.py: cannot be written to"):
        copy_example("reference", own)
    with pytest.raises(InputError, match="referenc: no example has this name; did you mean 'reference'"):
        copy_example("referenc", tmp_path)


def test_the_copy_of_a_study_leads_editors_to_the_schema(tmp_path):
    schema = (ROOT / "examples" / "study.json").read_bytes()
    (tmp_path / "study.json").write_bytes(schema.replace(b"n_epochs", b"epochs"))  # as an older normenc wrote it
    study = copy_example("natural", tmp_path)[0]
    (named,) = re.findall(r"\A#:schema (.*)\n", study.read_text(encoding="utf-8"))
    assert (study.parent / named).read_bytes() == schema
    assert [path.name for path in copy_example("two_days.py", tmp_path / "script")] == ["two_days.py"]
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "study.json").write_text('{"mine": {"title": "normenc study"}}')
    (tmp_path / "link").mkdir()
    (tmp_path / "link" / "study.json").symlink_to("nowhere")
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "study.json").symlink_to(ROOT / "examples" / "study.json")
    for folder in (tmp_path / "own", tmp_path / "link", tmp_path / "linked"):
        with pytest.raises(InputError, match=r"study\.json: this is not the schema of study files"):
            copy_example("natural", folder, force=True)
        assert [path.name for path in folder.iterdir()] == ["study.json"]
    assert (tmp_path / "own" / "study.json").read_text() == '{"mine": {"title": "normenc study"}}'


def test_a_wheel_holds_all_that_the_package_reads(tmp_path):
    """Built from a copy of the sources, without a repository; a study of it runs by its name from elsewhere."""
    from hatchling.builders.wheel import WheelBuilder

    source = tmp_path / "source"
    for part in ("src", "examples", "docs/checkers"):
        shutil.copytree(ROOT / part, source / part, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    (wheel,) = WheelBuilder(str(source)).build(directory=str(tmp_path / "dist"))
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        archive.extractall(tmp_path / "installed")
    own = {path.relative_to(source / "src").as_posix() for path in (source / "src").rglob("*") if path.is_file()}
    own |= {f"normenc/examples/{path.name}" for path in (source / "examples").iterdir() if path.is_file()}
    own |= {f"normenc/examples/checkers/{path.name}" for path in (source / "docs" / "checkers").iterdir()}
    assert {name for name in names if ".dist-info/" not in name} == own
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'installed')!r}); from normenc.study import shipped; "
        "print(shipped.study_file('natural'), len(shipped.examples()))"
    )
    alone = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path)
    # The lesson may stand alone: its first cell finds the checkers that come with normenc.
    text = (ROOT / "docs" / "tutorial.py").read_text(encoding="utf-8")
    (setup,) = re.findall(r"^# %%\n(.*?)^import matplotlib", text, flags=re.MULTILINE | re.DOTALL)[:1]
    path = f"import sys; sys.path.insert(0, {str(tmp_path / 'installed')!r})"
    lesson = f"{path}\n{setup}\nimport checkers; print(checkers.__file__)"
    found = subprocess.run([sys.executable, "-c", lesson], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert Path(found.stdout.strip()).parent == tmp_path / "installed/normenc/examples/checkers"
    assert alone.stdout.split() == [str(tmp_path / "installed/normenc/examples/natural.toml"), str(len(examples()))]
