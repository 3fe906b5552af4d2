"""Types of keys, as a class or function states them, and as a TOML file can hold them: lists stand for tuples there."""

from collections.abc import Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import Field

from normenc.errors import InputError, quoted

__all__ = ["in_toml", "is_list", "plain"]

SIMPLE = (bool, int, float, str, NoneType)
NEEDED = (
    "a study file holds truth values, numbers, texts, and lists of them, as in int, Literal['a', 'b'] or list[float]"
)


def in_toml(annotation: Any) -> Any:
    """The type under which pydantic reads a key: that of the code, with lists for tuples.

    Raises
    ------
    InputError
        If a study file cannot contain the type; the caller's message names the key.

    Examples
    --------
    >>> in_toml(tuple[float, ...])
    list[float]
    """
    origin, own = get_origin(annotation), get_args(annotation)
    if annotation in SIMPLE:
        return annotation
    if origin is Literal and all(isinstance(value, bool | int | str) for value in own):
        return annotation
    if origin is Annotated:
        return Annotated[(in_toml(own[0]), *own[1:])]
    if origin in (Union, UnionType):
        return Union[tuple(map(in_toml, own))]  # noqa: UP007
    if origin is tuple and Ellipsis not in own and own and all(each == own[0] for each in own):
        return Annotated[list[in_toml(own[0])], Field(min_length=len(own), max_length=len(own))]  # type: ignore[misc]
    if origin in (list, Sequence) or (origin is tuple and own[1:] == (Ellipsis,)):
        return list[in_toml(own[0])]  # type: ignore[misc]
    name = getattr(annotation, "__name__", None) if origin is None else None
    raise InputError(f"has the type {quoted(annotation) if name is None else name}; {NEEDED}")


def is_list(annotation: Any) -> bool:
    """Whether a list is given to the code as such, and not as a tuple."""
    return get_origin(annotation) in (list, Sequence) or any(map(is_list, get_args(annotation)))


def plain(default: Any) -> Any:
    """A default as a TOML file holds it."""
    return [plain(value) for value in default] if isinstance(default, list | tuple) else default
