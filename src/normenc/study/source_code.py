"""What source code does, told from how it is written: code without comments, docstrings and layout."""

import ast
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

__all__ = ["digest_of_code", "parsed"]

DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def parsed(source: str | bytes) -> str:
    r"""The code as a text that is the same whatever its comments, docstrings and layout are.

    It does not depend on Python's version, as what :func:`ast.dump` gives does.

    Examples
    --------
    >>> parsed("def f(x):\n    'Twice.'\n    return 2 * x  # doubled") == parsed("def f(x): return 2*x")
    True
    >>> parsed("x = 2") == parsed("x = 2.0")
    False
    """
    return repr(_plain(ast.parse(source)))


def _plain(node: Any) -> Any:
    """A part of the parsed code as nested tuples; fields that are not given, which versions differ in, are left out."""
    if isinstance(node, list):
        return tuple(map(_plain, node))
    if not isinstance(node, ast.AST):
        return node
    fields = dict(ast.iter_fields(node))
    if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
        fields["body"] = node.body[1:]
    given = ((name, _plain(value)) for name, value in fields.items() if value is not None and value != [])
    return (type(node).__name__, *given)


def digest_of_code(files: Iterable[Path], root: Path) -> str:
    """A digest of what the files' code does, and of their places below `root`."""
    digest = sha256()
    for path in sorted(files):
        digest.update(f"{path.relative_to(root).as_posix()}\0{parsed(path.read_bytes())}".encode())
    return digest.hexdigest()
