"""The state of a module besides its parameters and buffers, in a comparable form.

Tensors, numbers, lists, objects and functions with their closures. Ensemble members share it, so it must be equal for
all, and must not change as they run.
"""

import hashlib
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

import numpy as np
import torch
from torch import nn

__all__ = ["attributes", "first_difference", "overlaps", "structure"]

OF_TORCH = frozenset(vars(nn.Module()))  # common to all modules: registries, hooks by number, the mode
HOOKS = ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks")


def attributes(network: nn.Module) -> dict[str, Any]:
    """Attributes, hooks and class attributes by name, in a form that is equal only if the modules agree."""
    read = _Reader(network)
    values: dict[str, Any] = {}
    for path, part in network.named_modules():
        start = f"{path}." if path else ""
        values |= {start + name: read(value) for name, value in vars(part).items() if name not in OF_TORCH}
        values |= {start + name: read(list(getattr(part, name).values())) for name in HOOKS}
        own = [cls for cls in type(part).__mro__ if cls.__module__.split(".")[0] not in ("torch", "builtins")]
        for cls in own:
            names = [name for name in vars(cls) if not (name.startswith("__") and name.endswith("__"))]
            values |= {f"{cls.__name__}.{name}": read(vars(cls)[name]) for name in names}
    return values


def structure(network: nn.Module) -> dict[str, Any]:
    """Types of a module's parts, and shapes and types of its parameters and buffers, by name."""
    parts: dict[str, Any] = {path: _class_name(type(part)) for path, part in network.named_modules()}
    for name, value in _registered(network).items():
        parts[name] = (type(value).__name__, tuple(value.shape), value.dtype, value.requires_grad)
    return parts


def overlaps(network: nn.Module) -> dict[str, list[str]]:
    """For each parameter or buffer, the names of all others that share its memory."""
    spans = {name: _span(value) for name, value in _registered(network).items()}
    return {name: _within(span, spans, name) for name, span in spans.items()}


def first_difference(one: dict[str, Any], other: dict[str, Any]) -> str | None:
    """The first name whose values are not equal."""
    return next((name for name in one | other if one.get(name) != other.get(name)), None)


def _registered(network: nn.Module) -> dict[str, torch.Tensor]:
    return {**dict(network.named_parameters()), **dict(network.named_buffers())}


class _Reader:
    """Turns values into nested tuples of text; repeated objects become numbers, so that cycles end."""

    def __init__(self, network: nn.Module) -> None:
        tensors = _registered(network)
        known = [*network.named_modules(), *tensors.items()]
        self.met: dict[int, Any] = {id(value): ("registered", name) for name, value in known}
        self.spans = {name: _span(value) for name, value in tensors.items()}
        self.kept: list[Any] = []  # so that no id is reused

    def __call__(self, value: Any) -> Any:
        if value is None or isinstance(value, (bool, int, float, complex, str, bytes, np.generic)):
            return type(value).__name__, repr(value)
        if isinstance(value, type):
            return "class", _class_name(value)
        if id(value) in self.met:
            return self.met[id(value)]
        self.met[id(value)] = ("again", len(self.kept))
        self.kept.append(value)
        try:
            return _class_name(type(value)), *self.parts(value)
        except (
            Exception
        ):  # an object's methods may raise anything: for objects that cannot be inspected, only the class
            return _class_name(type(value)), "closed"

    def parts(self, value: Any) -> Iterator[Any]:
        """The parts of a value that is not a plain number or text."""
        if isinstance(value, torch.Tensor):
            dense = value.detach().cpu().to_dense() if value.layout != torch.strided else value.detach().cpu()
            flat = dense.resolve_conj().resolve_neg().contiguous().reshape(-1)
            yield from (str(value.dtype), tuple(value.shape), _digest(flat.view(torch.uint8).numpy().tobytes()))
            yield str(_within(_span(value), self.spans))
        elif isinstance(value, torch.Generator):
            yield from self.parts(value.get_state())
        elif isinstance(value, np.ndarray) and value.dtype != object:
            yield from (value.dtype.str, value.shape, _digest(value.tobytes()))
            yield str(_within(np.lib.array_utils.byte_bounds(value), self.spans))
        elif isinstance(value, dict):
            yield from ((self(key), self(held)) for key, held in value.items())
        elif isinstance(value, (list, tuple)):
            yield from map(self, value)
        elif isinstance(value, (set, frozenset)):
            yield from sorted(repr(self(held)) for held in value)
        elif isinstance(value, FunctionType):
            yield value.__code__
            yield from map(self, (_closed_over(value), value.__defaults__, value.__kwdefaults__, vars(value)))
        elif isinstance(value, (staticmethod, classmethod)):
            yield self(value.__func__)
        elif isinstance(value, property):
            yield self(value.fget)
        else:
            reduced = value.__reduce_ex__(4)
            yield from [self(reduced)] if isinstance(reduced, str) else map(self, map(_listed, reduced))


def _span(value: torch.Tensor) -> tuple[int, int]:
    """First and last address of a tensor in memory; None without own elements."""
    if value.layout != torch.strided or not value.numel():
        return 0, 0
    extent = 1 + sum((size - 1) * stride for size, stride in zip(value.shape, value.stride(), strict=True))
    return value.data_ptr(), value.data_ptr() + extent * value.element_size()


def _within(span: tuple[int, int], spans: dict[str, tuple[int, int]], but: str | None = None) -> list[str]:
    return [name for name, (start, stop) in spans.items() if name != but and max(start, span[0]) < min(stop, span[1])]


def _closed_over(function: Callable[..., Any]) -> list[Any]:
    contents = []
    for cell in getattr(function, "__closure__", None) or ():
        try:
            contents.append(cell.cell_contents)
        except ValueError:  # not filled yet
            contents.append(None)
    return contents


def _listed(part: Any) -> Any:
    return list(part) if isinstance(part, Iterator) else part


def _class_name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
