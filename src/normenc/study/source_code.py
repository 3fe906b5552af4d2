"""What source code does, apart from how it is written: code without comments, docstrings and layout; and versions."""

import ast
import importlib.metadata
from collections.abc import Iterable, Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from normenc.errors import InputError

__all__ = ["digest_of_code", "files_behind", "parsed", "versions"]

DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def parsed(source: str | bytes) -> str:
    r"""The code as a text that does not depend on comments, docstrings and layout.

    It does not depend on Python's version, as what :func:`ast.dump` gives does.

    Examples
    --------
    >>> parsed("def f(x):\n    'Twice.'\n    return 2 * x  # doubled") == parsed("def f(x): return 2*x")
    True
    >>> parsed("x = 2") == parsed("x = 2.0")
    False
    """
    return _told(ast.parse(source))


def _told(node: Any) -> str:
    """A part of the parsed code as text; fields that are not given, which versions differ in, are left out."""
    if isinstance(node, ast.AST):
        kind = type(node)
        told = [f"'{kind.__name__}'"]
        for name in kind._fields:
            value = getattr(node, name, None)
            if name == "body" and isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
                value = node.body[1:]
            if value is not None and value != []:
                told.append(f"('{name}', {_told(value)})")
    elif isinstance(node, list):
        told = [_told(part) for part in node]
    else:
        return repr(node)
    return f"({told[0]},)" if len(told) == 1 else f"({', '.join(told)})"


def digest_of_code(files: Iterable[Path], root: Path) -> str:
    """A digest of what the files' code does, and of their places below `root`."""
    digest = sha256()
    for path in sorted(files):
        digest.update(f"{path.relative_to(root).as_posix()}\0{parsed(path.read_bytes())}".encode())
    return digest.hexdigest()


def files_behind(module: str, root: Path, package: str | None = None) -> list[Path]:
    """The files of a module and of all that it imports by ``import`` statements, directly or through others.

    Parameters
    ----------
    module : str
        With dots, below `root`.
    root : Path
        The folder that modules are imported from; others than those in it do not count.
    package : str, optional
        Only modules of this package count.

    Raises
    ------
    InputError
        When a file cannot be read as Python.
    """
    files_by_name: dict[str, Path] = {}
    todo = [module]
    while todo:
        parts = todo.pop().split(".")
        for n in range(1, len(parts) + 1):  # a package runs before its modules
            name, place = ".".join(parts[:n]), root.joinpath(*parts[:n])
            file = next((path for path in (place / "__init__.py", place.with_suffix(".py")) if path.is_file()), None)
            if file is None or name in files_by_name or (package is not None and parts[0] != package):
                continue
            files_by_name[name] = file
            todo += _imported(file, name if file.name == "__init__.py" else name.rpartition(".")[0])
    return sorted(files_by_name.values())


def _imported(file: Path, package: str) -> Iterator[str]:
    """Names of modules, and of what may be modules, that a file of this package imports."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, ValueError, SyntaxError) as error:
        raise InputError(f"{file}: this file cannot be read as Python ({error}); correct it first") from None
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join(filter(None, [*above, node.module]))
            yield from (f"{base}.{alias.name}" for alias in node.names)


def versions(names: Iterable[str]) -> dict[str, str]:
    """Versions of installed packages by name; each is looked up once in a process, since files are read for it.

    Examples
    --------
    >>> sorted(versions(["numpy", "scipy"]))
    ['numpy', 'scipy']
    """
    return {name: _version(name) for name in names}


_version = cache(importlib.metadata.version)
