"""Old public names: they still work in this version, with a warning.

Each renamed function, class, constant, parameter or study-file key has one line here or in its room; the next version
removes these lines.
"""

import functools
import sys
import warnings
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from normenc.errors import InputError, NormencWarning

__all__ = ["RenamedWarning", "keep_old_names", "removed", "renamed", "with_new_keys"]

Function = TypeVar("Function", bound=Callable[..., Any])


class RenamedWarning(NormencWarning, FutureWarning):
    """An old name was used. Python shows where; the command line prints one line."""


def _warn(old: str, new: str) -> None:
    """Warn the caller's caller that a name has changed."""
    warnings.warn(f"{old} is now called {new}; the old name works in this version only", RenamedWarning, stacklevel=3)


def _renamed_attribute(holder: Any, *, old: str, new: str) -> Any:
    """The attribute `new` of an object, which was asked for as `old`."""
    _warn(old, new)
    return getattr(holder, new)


def renamed(**new_names: str) -> Callable[[Function], Function]:
    """Decorate a function, or a class, whose keyword arguments have been renamed; of a dataclass also its fields.

    Parameters
    ----------
    **new_names : str
        Old name = new name. Calls with the old name raise a RenamedWarning and do the same as calls with the new one.

    Examples
    --------
    >>> import warnings
    >>> @renamed(zscore="z_score")
    ... def scaled(*, z_score=True):
    ...     return z_score
    >>> with warnings.catch_warnings(record=True) as told:
    ...     warnings.simplefilter("always")
    ...     scaled(zscore=False), str(told[0].message)
    (False, 'zscore is now called z_score; the old name works in this version only')
    """

    def decorate(function: Function) -> Function:
        if isinstance(function, type):
            function.__init__ = decorate(function.__init__)  # type: ignore[misc]
            for old, new in new_names.items():
                if new in getattr(function, "__dataclass_fields__", ()):
                    setattr(function, old, property(functools.partial(_renamed_attribute, old=old, new=new)))
            return function

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            for old in new_names.keys() & kwargs.keys():
                if new_names[old] in kwargs:
                    raise InputError(
                        f"{old} is the old name of {new_names[old]}; give only {new_names[old]} (dataclasses.replace, "
                        "which gives every field again, knows only the new name)"
                    )
                _warn(old, new_names[old])
                kwargs[new_names[old]] = kwargs.pop(old)
            return function(*args, **kwargs)

        return call  # type: ignore[return-value]

    return decorate


def removed(**reasons: str) -> Callable[[Function], Function]:
    """Decorate a function some of whose keyword arguments are gone.

    Parameters
    ----------
    **reasons : str
        Old name = what to do instead. Calls with the old name raise an InputError.

    Examples
    --------
    >>> @removed(speed="it is always fast")
    ... def work():
    ...     return 1
    >>> work(speed=2)
    Traceback (most recent call last):
        ...
    normenc.errors.InputError: the option speed is gone: it is always fast
    """

    def decorate(function: Function) -> Function:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            for old in reasons.keys() & kwargs.keys():
                raise InputError(f"the option {old} is gone: {reasons[old]}")
            return function(*args, **kwargs)

        return call  # type: ignore[return-value]

    return decorate


def keep_old_names(room: str, **new_names: str) -> None:
    """Keep old names of a module working, with a warning for each; call it at the end of the module.

    Parameters
    ----------
    room : str
        The module's ``__name__``.
    **new_names : str
        Old name = new name.
    """
    module = sys.modules[room]
    before = getattr(module, "__getattr__", None)  # for a module that loads its names when they are first used

    def old_name(name: str) -> Any:
        if name in new_names:
            _warn(f"{room}.{name}", new_names[name])
            return getattr(module, new_names[name])
        if before is not None:
            return before(name)
        raise AttributeError(f"module {room!r} has no attribute {name!r}")

    module.__getattr__ = old_name  # type: ignore[method-assign]


def with_new_keys(section: Any, name: str, new_names: Mapping[str, str], *, warn: bool) -> Any:
    """A section of a study file with its old keys replaced by the new ones.

    Parameters
    ----------
    section : mapping, or anything else, which is returned unchanged
    name : str
        The section's.
    new_names : mapping of str to str
        Old key to new key.
    warn : bool
        Whether to warn about each old key.

    Raises
    ------
    InputError
        If a key is given by both names.
    """
    if not isinstance(section, Mapping) or not (old_keys := [key for key in section if key in new_names]):
        return section
    section = dict(section)
    for old in old_keys:
        if new_names[old] in section:
            raise InputError(f"{name}: {old} is the old name of {new_names[old]}; keep only {new_names[old]}")
        if warn:
            _warn(f"{name}.{old}", f"{name}.{new_names[old]}")
        section[new_names[old]] = section.pop(old)
    return section
