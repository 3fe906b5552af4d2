"""Folders that modules are imported from, so that another process finds the same ones."""

import sys
import sysconfig
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from importlib import invalidate_caches
from pathlib import Path

__all__ = ["INSTALLED", "STANDARD", "first_on_path", "is_installed", "reaching", "root_of_module"]

INSTALLED = ("site-packages", "dist-packages")
STANDARD = Path(sysconfig.get_path("stdlib"))


def root_of_module(module: str) -> Path | None:
    """The folder from which a module was imported; None where it has no source file."""
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None or not file.endswith(".py"):
        return None
    path = Path(file).absolute()
    return path.parents[len(module.split(".")) - (path.name != "__init__.py")]


def is_installed(root: Path) -> bool:
    """Whether a folder is that of installed packages, or of Python's own modules."""
    return root.name in INSTALLED or root == STANDARD


@contextmanager
def first_on_path(folder: Path | None) -> Iterator[None]:
    """Look for modules in this folder first; afterwards it stays the last place to look, for later imports."""
    if folder is None:
        yield
        return
    place = str(folder)
    sys.path.insert(0, place)
    try:
        yield
    finally:
        sys.path.remove(place)
        if place not in sys.path:
            sys.path.append(place)


@contextmanager
def reaching(roots: Iterable[Path]) -> Iterator[None]:
    """Let what is unpickled be imported from these folders, as it was where it was pickled."""
    with ExitStack() as stack:
        for root in roots:
            if root.is_dir() and not is_installed(root):
                stack.enter_context(first_on_path(root))
        invalidate_caches()
        yield
