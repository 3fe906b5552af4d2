"""The parts of normenc that need further packages: which extra brings them, and what is said where one is missing."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import lazy_loader

from normenc.errors import NotInstalledError, shortened

__all__ = ["BROUGHT_BY", "attach_stub", "needs_nets"]

BROUGHT_BY = dict.fromkeys(("torch", "safetensors", "dask", "distributed", "cryptography"), "nets")
"""The extra that brings each package that networks need, by the package's name."""


def needs_nets(what: str, *packages: str) -> None:
    """Raise NotInstalledError, which names `what`, where torch, or one of other `packages`, cannot be imported.

    Examples
    --------
    >>> needs_nets("training a network")
    """
    for package in packages or ("torch",):
        try:
            if import_module(package).__spec__.origin is None:  # type: ignore[union-attr]
                raise ImportError("its folder is there, but empty")
        except (Exception, SystemExit) as error:  # of a library that does not load
            told = _told(error, what) if isinstance(error, ModuleNotFoundError) else error
            if not isinstance(told, NotInstalledError):
                said = f"{type(error).__name__}: {shortened(str(error), 200)}"
                told = NotInstalledError(
                    f"{what} needs {package}, which is installed but cannot be imported ({said}); install it again"
                )
                told.name = package
            raise told from None


def attach_stub(package: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """The names of a room, loaded when first used, so that those that need no network work without torch.

    Parameters
    ----------
    package, file : str
        The room's ``__name__`` and ``__file__``; its stub (``.pyi``) says where each name is.

    Returns
    -------
    tuple
        Its ``__getattr__``, ``__dir__`` and ``__all__``. A name whose module needs a package of an extra that is not
        installed raises NotInstalledError.
    """
    load, names, public = lazy_loader.attach_stub(package, file)

    def loaded(name: str) -> Any:
        try:
            return load(name)
        except ModuleNotFoundError as error:
            raise _told(error, f"{package}.{name}") from None

    return loaded, names, public


def _told(error: ModuleNotFoundError, what: str) -> ModuleNotFoundError:
    """The error that says which extra brings the missing package; others as they are."""
    package = (error.name or "").partition(".")[0]
    if package not in BROUGHT_BY:
        return error
    told = NotInstalledError(
        f"{what} needs {package}, which is not installed: pip install 'normenc[{BROUGHT_BY[package]}]'"
    )
    told.name = error.name
    return told
