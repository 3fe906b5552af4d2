import ast
import importlib
import re
import subprocess
import sys

import pytest

import normenc
from room_map import FLOOR, PACKAGE, imports_of, rooms, storeys


@pytest.mark.parametrize("name", normenc.__all__)
def test_every_room_is_there_and_lists_its_names(name):
    room = getattr(normenc, name)
    assert room is importlib.import_module(f"normenc.{name}")
    for public in room.__all__:
        assert hasattr(room, public)


def test_unknown_names_are_refused():
    with pytest.raises(AttributeError, match="no attribute 'utils'"):
        _ = normenc.utils
    assert set(normenc.__all__) <= set(dir(normenc))


ROOMS: dict[str, set[str]] = {  # what each room imports, beside the floor that all stand on
    "stimuli": set(),
    "networks": set(),
    "controls": set(),
    "representations": set(),
    "rsa": set(),
    "embedding": set(),
    "pretrained": {"representations", "stimuli"},
    "tasks": {"controls", "stimuli"},  # Gabor energy, of references
    "training": {"tasks"},
    "tuning": {"rsa"},
    # rsa, for what is too large to be anything but an RDM; encoders, for neurons that read their layers
    "recordings": {"controls", "pretrained", "representations", "rsa", "stimuli", "tuning"},
    "encoding": {"networks", "recordings", "rsa", "training", "tuning"},
    "quality": {"controls", "recordings", "rsa", "stimuli", "tuning"},
    "estimators": {"encoding", "quality", "recordings", "rsa"},
    "figures": {"rsa"},  # what measures are called
    "runs": {"figures"},
    "study": {
        *("stimuli", "tasks", "networks", "controls", "training", "representations", "recordings", "quality", "rsa"),
        *("tuning", "embedding", "encoding", "figures", "pretrained", "runs"),
    },
    "published": {"encoding", "recordings", "rsa", "runs", "study", "tuning"},
    "report": {"figures", "recordings", "rsa", "runs"},
    "cli": {"published", "quality", "recordings", "report", "runs", "study"},
}


def test_each_room_imports_what_is_stated_and_nothing_else():
    assert rooms() == ROOMS


def test_data_go_one_way():
    order = [room for storey in storeys(ROOMS) for room in storey]
    assert sorted(order) == sorted(ROOMS)
    with pytest.raises(ValueError, match="import each other: rsa, stimuli"):
        storeys({"stimuli": {"rsa"}, "rsa": {"stimuli"}, "tasks": set()})


def test_the_floor_imports_nothing_from_above():
    for name in FLOOR:
        place = PACKAGE / name
        found, _ = imports_of(place if place.is_dir() else PACKAGE / f"{name}.py")
        assert found <= {*FLOOR, "__version__"}, name


def test_results_load_figures_alone_to_show_themselves():
    for module in PACKAGE.rglob("*.py"):
        assert imports_of(module)[1] <= {"figures"} | ({"report"} if module.parent.name == "runs" else set()), module


def test_contributing_tells_of_every_room_and_all_of_the_floor():
    text = (PACKAGE.parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| (.*?) \|", text, flags=re.MULTILINE)
    assert {name for cell in told for name in re.findall(r"`(\w+)(?:/|\.py)`", cell)} == set(ROOMS)
    floor = text[text.index("Below all of them are") :].partition("\n\n")[0]
    assert all(f"`{name}.py`" in floor or f"`{name}/`" in floor for name in FLOOR)


OPENING = {"read_csv", "read_table", "read_run_table", "read_text", "loads", "open_dataset", "h5py", "xarray"}


def test_the_report_reads_runs_through_the_run_alone():
    for file in (PACKAGE / "report").glob("*.py"):
        nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
        named = {node.id for node in nodes if isinstance(node, ast.Name)}
        named |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
        named |= {alias.name for node in nodes if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names}
        assert not named & OPENING - ({"xarray"} if file.name == "explorer.py" else set()), file  # a type alone


def test_a_run_is_opened_without_torch():
    program = "import sys, normenc.runs.pictures, normenc.report.page; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


MOST_LINES = 350  # of a module


def test_modules_are_short():
    lines = {file: len(file.read_text(encoding="utf-8").splitlines()) for file in PACKAGE.rglob("*.py")}
    assert [file for file, n in lines.items() if n > MOST_LINES] == []


MOST_PARAMETERS = 8  # of a function; a command's are the options of the command line
MORE = {("running", "run"): 10}  # the main job


@pytest.mark.parametrize("room", ["study", "runs", "report", "cli"])
def test_functions_have_few_parameters(room):
    for file in (PACKAGE / room).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not is_command(node):
                parameters = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                assert len(parameters) <= MORE.get((file.stem, node.name), MOST_PARAMETERS), (file, node.name)


def is_command(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any("command(" in ast.unparse(decorator) for decorator in function.decorator_list)
