"""A user's own code that a study names by import path: it is imported, and identified by a digest.

Only a study that is to be run imports anything. A finished run is read without it, wherever its folder came from.
"""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import cache as once
from functools import partial, reduce
from hashlib import sha256
from importlib import import_module, invalidate_caches
from importlib.metadata import Distribution, PackageNotFoundError, distribution, packages_distributions
from pathlib import Path
from typing import Any, TypeAlias

from normenc.errors import InputError, quoted, shortened
from normenc.import_roots import STANDARD, first_on_path, is_installed, root_of_module
from normenc.study.source_code import digest_of_code, files_behind

__all__ = [
    "code_of",
    "import_part",
    "importing_from",
    "is_import_path",
    "remember",
    "root_of",
]

FOLDER: ContextVar[Path | None] = ContextVar("FOLDER", default=None)
SEEN: dict[str, str] = {}  # the digest of each module's code, when it was first asked for
READ: dict[str, tuple["Stamps", str]] = {}  # the last digest of each module's code, and of which files it was
Stamps: TypeAlias = dict[Path, tuple[int, int, int]]


def is_import_path(name: str) -> bool:
    """Whether a name in a study file is an import path, as in ``"my_lab.tasks:CoarseOrFine"``."""
    return ":" in name


@contextmanager
def importing_from(folder: Path | None) -> Iterator[None]:
    """Import paths are looked up in this folder first, and then where Python looks; None looks in no other place."""
    token = FOLDER.set(None if folder is None else folder.resolve())
    try:
        yield
    finally:
        FOLDER.reset(token)


def import_part(path: str) -> Any:
    """The object at an import path ``"module:name"``; its code is recorded as it is now.

    Raises
    ------
    InputError
        If it is not an import path, the module cannot be imported or has no such name, or its code has changed since
        it was imported.
    """
    module, _, name = path.partition(":")
    if not all(part.isidentifier() for part in f"{module}.{name}".split(".")):
        raise InputError(f"given {quoted(path)}; an import path is a module and a name, as in 'my_lab.tasks:MyTask'")
    if module == "__main__":
        raise InputError(
            f"given {quoted(path)}; other processes cannot import from __main__; put its code into a file beside the "
            "study file, and name that"
        )
    loaded = _load(path, module)
    try:
        part = reduce(getattr, name.split("."), loaded)
    except AttributeError:
        raise InputError(
            f"given {quoted(path)}; {module} ({_file_of(loaded)}) has no {name!r}; name a class or function of it"
        ) from None
    _check_found_again(path, part)
    try:
        remember(part.func if isinstance(part, partial) else part)
    except InputError as error:
        raise InputError(f"given {quoted(path)}; {error}") from None
    return part


def _load(path: str, module: str) -> Any:
    """The module, from the study's folder where it is there."""
    folder, top = FOLDER.get(), module.partition(".")[0]
    here = folder is not None and ((folder / f"{top}.py").is_file() or (folder / top).is_dir())
    if folder is not None and here and top in sys.modules and not _lies_in(sys.modules[top], folder / top):
        raise InputError(
            f"given {quoted(path)}; {top} lies in {folder}, but another module of this name is already imported, from "
            f"{_file_of(sys.modules[top])}; rename one of them, or restart Python"
        )
    invalidate_caches()  # of files that are written meanwhile
    try:
        with first_on_path(folder if here else None):
            return import_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # such as SystemExit
        missing = isinstance(error, ModuleNotFoundError) and f"{module}.".startswith(f"{error.name}.")
        if missing and not here:
            where = f"neither in {folder} nor" if folder is not None else "not"
            raise InputError(
                f"given {quoted(path)}; {top} is {where} among Python's modules; put its file or folder beside the "
                "study file, install it, or add its folder to PYTHONPATH"
            ) from None
        raise InputError(
            f"given {quoted(path)}; {module} cannot be imported ({shortened(f'{type(error).__name__}: {error}', 300)});"
            " correct it first"
        ) from None


def _lies_in(module: Any, place: Path) -> bool:
    """Whether a module is the file or folder of that name."""
    own = getattr(module, "__file__", None)
    places = [Path(path).resolve() for path in ([own] if own else getattr(module, "__path__", []))]
    return any(path == place.with_suffix(".py").resolve() or path.is_relative_to(place.resolve()) for path in places)


def _file_of(module: Any) -> str:
    return getattr(module, "__file__", None) or "built into Python"


def _check_found_again(path: str, part: Any) -> None:
    """Raise InputError if another process would not find a class or function by its module and name."""
    module, name = getattr(part, "__module__", None), getattr(part, "__qualname__", None)
    if module is None or name is None:
        return
    try:
        again = reduce(getattr, name.split("."), sys.modules.get(module))
    except AttributeError:
        again = None
    if again is not part or module == "__main__":
        raise InputError(
            f"given {quoted(path)}; it is made inside {module}.{name}, where other processes cannot find it; define it "
            "at the top of its module, under its own name"
        )


def root_of(part: Any) -> Path | None:
    """The folder from which an own class or function is imported; None where it is normenc's."""
    module = part.__module__
    if module.partition(".")[0] == "normenc":
        return None
    root = root_of_module(module)
    if root is None:
        raise InputError(
            f"{module}.{part.__qualname__} has no source file, which is needed to identify its networks; define "
            "it in a file that can be imported"
        )
    return root


def code_of(part: Any) -> str | None:
    """A digest of the code behind an own class or function, of what it does; None where it is normenc's.

    It covers the file and all files that it imports, directly or through others, by ``import`` statements, below the
    folder that it is imported from. Comments, docstrings and layout do not count. An installed package, which may have
    thousands of files, counts by its name, its version and the digests of its files as they were installed; Python's
    own modules count by its version.

    Raises
    ------
    InputError
        When there is no source, or it has changed since it was first asked for: Python still runs the old one.
    """
    root = root_of(part)
    if root is None:
        return None
    module = part.__module__
    if (installed := _installed(module.partition(".")[0], root)) is not None:
        return installed
    stamps, digest = READ.get(module, ({}, ""))
    if not stamps or stamps != _stamps(stamps):
        files = files_behind(module, root, module.partition(".")[0] if is_installed(root) else None)
        stamps, digest = _stamps(files), digest_of_code(files, root)
        READ[module] = stamps, digest
    if SEEN.setdefault(module, digest) != digest:
        raise InputError(
            f"the code of {module}.{part.__qualname__}, or of what it imports, has changed since it was imported, and "
            "Python still runs the old code; restart Python, or the worker"
        )
    return digest


def remember(part: Any) -> None:
    """Remember the code behind a class or function that is not installed as it is now.

    Raises
    ------
    InputError
        When it has changed since Python imported it.
    """
    file = getattr(sys.modules.get(getattr(part, "__module__", "")), "__file__", None)
    if file is not None and hasattr(part, "__qualname__") and (root := root_of(part)) and not is_installed(root):
        code_of(part)


@once
def _installed(package: str, root: Path) -> str | None:
    """A digest of what was installed as a package; None where it was not installed, or nothing says from what."""
    if root == STANDARD:
        return sha256(f"Python {sys.version_info[:3]}".encode()).hexdigest()
    if not is_installed(root):
        return None
    found = _distribution(package, root, [package]) or _distribution(
        package, root, packages_distributions().get(package, [])
    )
    if found is None:
        return None
    files = [file for file in found.files or () if file.suffix == ".py" and file.parts[0] != ".."]
    known = sorted(f"{file} {file.hash.value if file.hash else ''}" for file in files)
    return sha256("\n".join([found.name, found.version, *known]).encode()).hexdigest()


def _distribution(package: str, root: Path, names: Iterable[str]) -> Distribution | None:
    """What was installed in a folder under one of these names, with the package in it."""
    for name in names:
        with suppress(PackageNotFoundError):
            found = distribution(name)
            own = any(file.parts[0] in (package, f"{package}.py") for file in found.files or ())
            if own and Path(str(found.locate_file(""))).resolve() == root.resolve():
                return found
    return None


def _stamps(files: Iterable[Path]) -> Stamps:
    """What changes when a file is written; nothing where one is gone."""
    try:
        stats = {path: path.stat() for path in files}
    except OSError:
        return {}
    return {path: (stat.st_size, stat.st_mtime_ns, stat.st_ino) for path, stat in stats.items()}
