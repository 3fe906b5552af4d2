"""Which room of the package imports from which, read from the code, and drawn as a map in which data go down."""

import ast
from functools import cache
from pathlib import Path
from textwrap import fill

PACKAGE = Path(__file__).parents[1] / "src" / "normenc"
FLOOR = (
    "arrays",
    "csv_tables",
    "encoders",
    "errors",
    "extras",
    "freed_memory",
    "garbage",
    "import_roots",
    "keys",
    "optimizers",
    "progress",
    "progress_showing",
    "renamed",
    "showing",
    "stimulus_types",
    "texts",
    "whole_files",
)
SHOWING = ("plot", "report", "rdm_widget", "tuning_widget")  # methods by which results show themselves
BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")  # statements within a statement


@cache
def rooms() -> dict[str, set[str]]:
    """All rooms, each with those that it imports from; the floor, on which all stand, is left out."""
    places = [path for path in PACKAGE.iterdir() if path.is_dir() or path.suffix == ".py"]
    names = {path.stem: path for path in places if not path.stem.startswith("_") and path.stem not in FLOOR}
    return {name: imports_of(path)[0] - {name, *FLOOR, "__version__"} for name, path in sorted(names.items())}


def imports_of(place: Path) -> tuple[set[str], set[str]]:
    """Rooms that a module or a folder imports, and those that only methods of SHOWING import when called."""
    found = [_imports_of_file(file) for file in ([place] if place.is_file() else sorted(place.rglob("*.py")))]
    return {room for always, _ in found for room in always}, {room for _, to_plot in found for room in to_plot}


@cache
def _imports_of_file(file: Path) -> tuple[set[str], set[str]]:
    found: set[str] = set()
    to_plot: set[str] = set()
    todo: list[tuple[ast.AST, bool]] = [(ast.parse(file.read_text(encoding="utf-8")), False)]
    while todo:  # statements alone, for expressions import nothing
        node, shows = todo.pop()
        (to_plot if shows else found).update(_named(node))
        shows = shows or (isinstance(node, ast.FunctionDef) and node.name in SHOWING)
        todo += [(part, shows) for name in BLOCKS for part in getattr(node, name, ())]
    return found, to_plot


def _named(node: ast.AST) -> set[str]:
    """Rooms that a statement imports."""
    if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "normenc":
        parts = node.module.split(".")
        return {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
    if isinstance(node, ast.Import):
        parts_of = (alias.name.split(".") for alias in node.names)
        return {parts[1] for parts in parts_of if parts[0] == "normenc" and len(parts) > 1}
    return set()


def storeys(imports: dict[str, set[str]]) -> list[list[str]]:
    """Rooms from the top down: each imports only from those above it.

    Raises
    ------
    ValueError
        When rooms import each other in a circle.
    """
    left, found = dict(imports), []
    while left:
        ready = sorted(name for name, needed in left.items() if not needed & left.keys())
        if not ready:
            raise ValueError(f"these rooms import each other: {', '.join(sorted(left))}")
        found.append(ready)
        left = {name: needed for name, needed in left.items() if name not in ready}
    return found


@cache
def room_map() -> str:
    """The map: a line a room, with those that it imports from, which stand above it."""
    imports = rooms()
    width = max(map(len, imports))
    drawn = []
    for storey in storeys(imports):
        lines = (f"{name:<{width}}  <- {', '.join(sorted(imports[name]))}".removesuffix("  <- ") for name in storey)
        drawn.append("\n".join(fill(line, 100, subsequent_indent=" " * (width + 5)).rstrip() for line in lines))
    return "```\n" + "\n\n".join(drawn) + "\n```"


@cache
def sizes() -> dict[str, tuple[int, int]]:
    """Modules of each room, and their lines."""
    found = {}
    for name in rooms():
        place = PACKAGE / name
        files = sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
        found[name] = (len(files), sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files))
    return found


def shortest(imports: dict[str, set[str]]) -> dict[str, set[str]]:
    """Imports without those that follow from others: from what is imported by another room that is imported, too."""
    above: dict[str, set[str]] = {}
    for storey in storeys(imports):
        for name in storey:
            above[name] = set().union(imports[name], *(above[other] for other in imports[name]))
    return {
        name: {one for one in own if not any(one in above[other] for other in own)} for name, own in imports.items()
    }
