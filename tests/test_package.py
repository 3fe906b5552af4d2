import ast
import importlib
from pathlib import Path

import pytest

import normenc


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


def imports_of(path: Path) -> tuple[set[str], set[str]]:
    """Rooms that a module imports, and those that only its methods `plot` import, when they are called."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    drawing = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "plot"]
    inside = {node for method in drawing for node in ast.walk(method)}
    return rooms_of(set(ast.walk(tree)) - inside), rooms_of(inside)


def rooms_of(nodes: set[ast.AST]) -> set[str]:
    found = set()
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "normenc":
            parts = node.module.split(".")
            found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
    return found


FLOOR = {"arrays", "csv_tables", "encoders", "errors", "renamed", "showing", "texts", "__version__"}
ROOMS = {  # what each room may import, beside the floor that all stand on
    "stimuli": set(),
    "networks": set(),
    "rsa": set(),
    "pretrained": {"representations"},
    "embedding.py": set(),
    "tuning": {"rsa"},
    "figures": {"rsa"},  # what measures are called
    "tasks": {"stimuli"},
    "controls": {"stimuli", "networks"},
    "training": {"tasks", "networks"},
    "representations": set(),
    "recordings": {"stimuli", "rsa", "tuning"},  # rsa, for what is too large to be anything but an RDM
    "encoding": {"networks", "recordings", "representations", "rsa", "stimuli", "training", "tuning"},
    "quality": {"controls", "recordings", "representations", "rsa", "stimuli", "tuning"},
    "estimators.py": {"encoding", "quality", "recordings", "rsa"},
    "report": {"figures", "rsa", "study"},
    "cli": {"study", "report", "recordings", "quality"},
}


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_import_only_from_their_left(room):
    place = Path(normenc.__file__).parent / room
    files = [place] if place.is_file() else sorted(place.rglob("*.py"))
    own = room.removesuffix(".py")
    for file in files:
        imported, to_plot = imports_of(file)
        assert imported <= ROOMS[room] | FLOOR | {own}, file
        assert to_plot <= {"figures"}, file  # results show themselves; what draws is loaded when they are asked to


MOST_LINES = 350  # of a module
LONGER = {"recordings/recording.py", "cli/commands.py", "study/sections.py"}  # and still to be shortened


def test_modules_are_short():
    home = Path(normenc.__file__).parent
    lines = {file: len(file.read_text(encoding="utf-8").splitlines()) for file in home.rglob("*.py")}
    assert {file.relative_to(home).as_posix() for file, n in lines.items() if n > MOST_LINES} <= LONGER


MOST_PARAMETERS = 8  # of a function; a command's are the options of the command line


@pytest.mark.parametrize("room", ["study", "runs", "report", "cli"])
def test_functions_have_few_parameters(room):
    for file in (Path(normenc.__file__).parent / room).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not is_command(node):
                parameters = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                assert len(parameters) <= MOST_PARAMETERS, (file, node.name)


def is_command(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any("command(" in ast.unparse(decorator) for decorator in function.decorator_list)
