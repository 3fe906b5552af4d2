"""What a class or function must be to serve as a task, network, control or measure, and which keys it has."""

import dataclasses
import inspect
import sys
from collections.abc import Callable, Iterable
from functools import partial
from types import SimpleNamespace
from typing import Any, TypeAlias, get_type_hints

from torch import nn

from normenc.errors import InputError
from normenc.tasks import Task

__all__ = ["Keys", "check_measure", "keys_of_control", "keys_of_network", "keys_of_task"]

Keys: TypeAlias = dict[str, tuple[Any, Any]]  # type and default; an ellipsis where there is none
OF_THE_STUDY = "resolution"  # of a task: all images of a study have one size
SEEN = ("images", "orientation")  # what a control may be given
NETWORK = "def __init__(self, image_size, *, n_outputs, output, ...)"


def keys_of_task(part: Any) -> Keys:
    """The fields of a task's dataclass, without its resolution.

    Raises
    ------
    InputError
        If it is not a task; the caller's message names it.

    Examples
    --------
    >>> from normenc.tasks import Denoising
    >>> list(keys_of_task(Denoising))
    ['n_train', 'n_test', 'n_per_epoch', 'folder', 'noise', 'middle']
    """
    if not (isinstance(part, type) and issubclass(part, Task)):
        raise InputError("it is not a task: a task is a dataclass that inherits from normenc.tasks.Task")
    missing = sorted(getattr(part, "__abstractmethods__", ()))
    if missing:
        raise InputError(f"this task lacks {', '.join(missing)}; see normenc.tasks.Task for what each is")
    if "__dataclass_fields__" not in vars(part) and inspect.get_annotations(part):
        raise InputError(
            "this task is not a dataclass, so it has no keys; write @dataclass(frozen=True) above its class"
        )
    keys = {}
    for field in dataclasses.fields(part):
        if field.init and field.name != OF_THE_STUDY:
            default = ... if field.default is dataclasses.MISSING else field.default
            if field.default_factory is not dataclasses.MISSING:
                default = field.default_factory()
            keys[field.name] = _type_of_field(part, field), default
    if not {"n_train", "n_test"} <= keys.keys():
        raise InputError(
            "this task cannot be given n_train and n_test; leave these fields as normenc.tasks.Task has them"
        )
    return keys


def keys_of_network(part: Any) -> Keys:
    """The parameters of a network beside the image's size and its answer.

    Raises
    ------
    InputError
        If it is not a network; the caller's message names it.
    """
    if isinstance(part, type):
        if not issubclass(part, nn.Module):
            raise InputError(
                "it is not a network: a network inherits from normenc.networks.Network, or is any torch.nn.Module"
            )
        if not callable(getattr(part, "layers", None)):
            raise InputError(
                "this network lacks layers(), which gives the names of its layers that can be compared; write it, or "
                "inherit from normenc.networks.Network"
            )
    signature = _signature(part)
    try:
        signature.bind_partial((1, 1), n_outputs=1, output="linear")
    except TypeError:
        signature = inspect.Signature()
    if next(iter(signature.parameters), None) != "image_size":
        raise InputError(f"a network is given the size of images, and its answer by name: {NETWORK}")
    return _keys_of_call(part, signature, ("image_size", "n_outputs", "output"))


def keys_of_control(part: Any) -> Keys:
    """The parameters of a control beside the images, or orientations, that it is given first.

    Raises
    ------
    InputError
        If it is not a control; the caller's message names it.
    """
    signature = _signature(part)
    first = next(iter(signature.parameters), "")
    if isinstance(part, type) or first not in SEEN:
        raise InputError(
            "it is not a control: a control is a function whose first parameter is called images, or orientation, and "
            "that gives {layer: stimulus x unit}"
        )
    return _keys_of_call(part, signature, (first,))


def check_measure(part: Any) -> None:
    """Raise InputError if something is not a function of two vectors; the caller's message names it."""
    try:
        if isinstance(part, type):
            raise TypeError
        _signature(part).bind(0, 0)
    except TypeError:
        raise InputError(
            "it is not a measure: a measure is a function of two vectors of dissimilarities, or a normenc.rsa.Measure"
        ) from None


def _keys_of_call(part: Any, signature: inspect.Signature, given: Iterable[str]) -> Keys:
    names, keys = _names_beside(part), {}
    for name, parameter in signature.parameters.items():
        if name in given or parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if parameter.kind is parameter.POSITIONAL_ONLY:
            raise InputError(
                f"its parameter {name!r} cannot be passed by name, as keys are; remove the / from its signature"
            )
        if parameter.annotation is parameter.empty:
            raise InputError(f"its parameter {name!r} has no type, which its key needs; add one, as in {name}: int = 3")
        annotation = _resolved(name, parameter.annotation, names)
        keys[name] = annotation, ... if parameter.default is parameter.empty else parameter.default
    return keys


def _type_of_field(part: type, field: Any) -> Any:
    """The type of a dataclass's field, by the names of the module in which it stands."""
    owner = next(base for base in part.__mro__ if field.name in inspect.get_annotations(base))
    return _resolved(field.name, field.type, vars(sys.modules[owner.__module__]) | vars(owner))


def _names_beside(part: Any) -> dict[str, Any]:
    """The names that are known in the module where a function, or a class's ``__init__``, is written."""
    while isinstance(part, partial):
        part = part.func
    target = part.__init__ if isinstance(part, type) else part  # type: ignore[misc]
    target = target if inspect.isroutine(target) else type(target).__call__
    return getattr(inspect.unwrap(target), "__globals__", {})


def _resolved(key: str, annotation: Any, names: dict[str, Any]) -> Any:
    """The type that an annotation states, which may be a text; others beside it need not be known when Python runs."""
    try:
        return get_type_hints(SimpleNamespace(__annotations__={key: annotation}), names, include_extras=True)[key]
    except Exception as error:
        raise InputError(
            f"the types of its keys cannot be read ({type(error).__name__}: {error}); correct that of {key!r}, and "
            "import what it names outside of 'if TYPE_CHECKING'"
        ) from None


def _signature(part: Callable[..., Any]) -> inspect.Signature:
    try:
        return inspect.signature(part)
    except (TypeError, ValueError):
        raise InputError("it is neither a class nor a function that can be called") from None
