"""Values, code and modules as texts that are the same in every process, and differ where they do different things."""

import enum
import functools
import inspect
import pickle
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import nn

from normenc.import_roots import INSTALLED, STANDARD

__all__ = ["Describing", "UnknownError", "add_tensor"]

PLAIN = (bool, int, float, complex, str, bytes, type(None), torch.dtype, torch.device, torch.Size, slice, range)
DEEPEST = 16
PLAIN_SIZE = type("Plain", (), {}).__basicsize__  # of objects whose attributes are all that they are
OWN_OF_MODULES = frozenset(vars(nn.Module()))  # parameters, buffers, hooks, the mode and the like
HOOKS = (("_forward_pre_hooks", "_forward_pre_hooks_with_kwargs"), ("_forward_hooks", "_forward_hooks_with_kwargs"))
ACCESSORS = (staticmethod, classmethod)
ABOUT = ("__dict__", "__weakref__", "__doc__", "__module__", "__qualname__", "__annotations__", "__dataclass_fields__")
PICKLED = "__slotnames__"  # which a class gets when an object of it is pickled
# From Python 3.13 and 3.14 on; the cache is made when somebody asks for a class's annotations.
LATER = ("__firstlineno__", "__static_attributes__", "__annotate__", "__annotate_func__", "__annotations_cache__")
KNOWN = ("torch", "builtins", "numpy")  # modules that follow from their version, which is part of every digest


class UnknownError(Exception):
    """A value of which nothing is known that would be the same in every process."""


def add_tensor(digest: Any, value: torch.Tensor) -> None:
    """Add a tensor's type, shape, device and values to a digest."""
    if value.is_meta:
        raise UnknownError
    digest.update(f"\0{value.dtype}\0{tuple(value.shape)}\0{value.device.type}\0".encode())
    plain = value.detach().cpu()
    plain = plain.dequantize() if plain.is_quantized else plain.to_dense()
    plain = plain.resolve_conj().resolve_neg().contiguous()
    digest.update(plain.reshape(-1).view(torch.uint8).numpy().data if plain.numel() else b"")


def _array(value: np.ndarray[Any, Any]) -> str:
    if value.dtype.kind not in "fiubcmMSU" or value.dtype.itemsize > 8 * (1 + (value.dtype.kind in "cSU")):
        raise UnknownError  # such as objects, and numbers with bytes that mean nothing
    return f"{value.dtype.str} {value.shape} {sha256(np.ascontiguousarray(value).tobytes()).hexdigest()}"


class Describing:
    """Values as texts that are the same in every process; each module, class and function is described once."""

    def __init__(self) -> None:
        self._seen: dict[int, str] = {}
        self._kept: list[Any] = []  # so that no other object has the number of one that was seen

    def module(self, module: nn.Module) -> str:
        """A module with all its parts."""
        digest = sha256()
        for name, part in module.named_modules(remove_duplicate=False):
            digest.update(f"\0{name}\0{self._type(type(part), DEEPEST)}".encode())
            if id(part) in self._seen:
                digest.update(self._seen[id(part)].encode())
                continue
            self._seen[id(part)] = name
            own = {key: value for key, value in vars(part).items() if key not in OWN_OF_MODULES}
            hooks = [[(hook, key in vars(part)[how]) for key, hook in vars(part)[of].items()] for of, how in HOOKS]
            digest.update(self.value([own, hooks], DEEPEST).encode())
            for key, value in [*part._parameters.items(), *part._buffers.items()]:
                digest.update(f"\0{key}".encode())
                if value is not None:
                    add_tensor(digest, value)
        return digest.hexdigest()

    def value(self, value: Any, depth: int) -> str:
        """Any value; `depth` tells how far it is followed."""
        if type(value) in PLAIN or isinstance(value, np.generic):
            return f"{type(value).__name__} {value!r}" if isinstance(value, np.generic) else repr(value)
        if isinstance(value, nn.Module):
            return self._seen[id(value)] if id(value) in self._seen else self.module(value)
        if depth <= 0:
            raise UnknownError
        if isinstance(value, type):
            return self._type(value, depth - 1)
        if isinstance(value, ModuleType):
            return _module(value)
        if isinstance(value, FunctionType | MethodType | BuiltinFunctionType | functools.partial):
            return self._callable(value, depth - 1)
        return self._object(value, depth - 1)

    def _object(self, value: Any, depth: int) -> str:
        """What an object holds, and its own attributes, which those of a list may have too."""
        held = self._held(value, depth)
        own = getattr(value, "__dict__", None)
        if held is None and (own is None or type(value).__basicsize__ > PLAIN_SIZE):
            try:
                held = sha256(pickle.dumps(value, protocol=4)).hexdigest()
            except Exception:  # of any class, by its own methods
                raise UnknownError from None
            own = None
        told = self.value(dict(own), depth) if own else ""
        return f"{self._type(type(value), depth)}({held} {told})"

    def _held(self, value: Any, depth: int) -> str | None:
        """The content of numbers, texts, arrays and collections; None for objects of another kind."""
        if isinstance(value, torch.Tensor):
            digest = sha256()
            add_tensor(digest, value)
            return digest.hexdigest()
        if isinstance(value, enum.Enum):
            return f"{value.name} {self.value(value.value, depth)}"
        if isinstance(value, np.ndarray):
            return _array(value)
        if isinstance(value, Mapping):
            pairs = (f"{self.value(key, depth)}: {self.value(of, depth)}" for key, of in value.items())
            return f"{{{', '.join(pairs)}}}"
        if isinstance(value, list | tuple):
            return f"[{', '.join(self.value(of, depth) for of in value)}]"
        if isinstance(value, set | frozenset):
            return f"{{{', '.join(sorted(self.value(of, depth) for of in value))}}}"
        plain = next((kind for kind in (int, float, complex, str, bytes) if isinstance(value, kind)), None)
        return None if plain is None else plain.__repr__(value)

    def _callable(self, value: Any, depth: int) -> str:
        if isinstance(value, functools.partial):
            return self.value(["partial", value.func, value.args, value.keywords, vars(value)], depth)
        if isinstance(value, MethodType):
            return f"{self.value(value.__func__, depth)} of {self.value(value.__self__, depth)}"
        if isinstance(value, BuiltinFunctionType):
            owner = value.__self__
            whose = "" if owner is None or isinstance(owner, ModuleType) else self.value(owner, depth)
            return f"{value.__module__}.{value.__qualname__} {whose}"
        return self._once(value, lambda: self._function(value, depth))

    def _function(self, value: FunctionType, depth: int) -> str:
        """A function's code, the values that it holds and, of own code, those of the globals that it names."""
        held = [cell.cell_contents for cell in value.__closure__ or () if _is_filled(cell)]
        told = self.value([*held, value.__defaults__, value.__kwdefaults__, value.__dict__], depth)
        named = self._globals(value, depth) if _is_own(_file_of(value)) else ""
        return f"{value.__module__}.{value.__qualname__} {_code(value.__code__)} {told} {named}"

    def _globals(self, function: FunctionType, depth: int) -> str:
        around = function.__globals__
        return self._as_far_as_known(
            {name: around[name] for name in _names(function.__code__) if name in around}, depth
        )

    def _type(self, kind: type, depth: int) -> str:
        """A class by its name and code, and of own code by the values of its attributes, its bases' alike."""
        return self._once(kind, lambda: " ".join(self._class(base, depth) for base in kind.__mro__))

    def _class(self, kind: type, depth: int) -> str:
        name = f"{kind.__module__}.{kind.__qualname__}"
        if kind.__module__.partition(".")[0] in KNOWN and _is_there(kind):
            return name
        file = _file_of(kind)
        digest = "" if file is None else _digest(file)
        if not _is_own(file):
            return f"{name} {digest}"
        own = {key: of for key, of in vars(kind).items() if key not in (*ABOUT, *LATER, PICKLED)}
        return f"{name} {digest} {self._as_far_as_known(own, depth)}"

    def _as_far_as_known(self, values: Mapping[str, Any], depth: int) -> str:
        """Values by name; those of which nothing is known count by their type, as a logger or a lock does."""
        told = []
        for name, value in sorted(values.items()):
            for part in _parts(value):
                try:
                    told.append(f"{name}: {self.value(part, depth)}")
                except Exception:  # of any class, by its own methods
                    told.append(f"{name}: a {type(part).__qualname__}")
        return f"{{{', '.join(told)}}}"

    def _once(self, value: Any, describe: Callable[[], str]) -> str:
        """A digest of what `describe` gives, or where it stands that was seen before, such as a function's own name."""
        if id(value) not in self._seen:
            self._seen[id(value)] = f"{value.__module__}.{value.__qualname__}"
            self._kept.append(value)
            self._seen[id(value)] = sha256(describe().encode()).hexdigest()
        return self._seen[id(value)]


def _parts(value: Any) -> Iterable[Any]:
    """The functions behind what stands in a class; any other value as it is."""
    if isinstance(value, property):
        return [part for part in (value.fget, value.fset) if part is not None]
    if isinstance(value, functools.cached_property):
        return [value.func]
    return [value.__func__] if isinstance(value, ACCESSORS) else [value]


def _names(code: CodeType) -> list[str]:
    """Names that a function's code, and the functions inside, look up."""
    inside = [name for const in code.co_consts if isinstance(const, CodeType) for name in _names(const)]
    return sorted({*code.co_names, *inside})


def _code(code: CodeType) -> str:
    """What a function's code does, with the functions inside."""
    return sha256(f"{code.co_code!r} {_constant(code.co_consts)} {code.co_names!r}".encode()).hexdigest()


def _constant(value: Any) -> str:
    """A constant of a function's code, among which are sets, whose order differs between processes."""
    if isinstance(value, CodeType):
        return _code(value)
    if isinstance(value, tuple):
        return f"({', '.join(map(_constant, value))})"
    return f"{{{', '.join(sorted(map(_constant, value)))}}}" if isinstance(value, frozenset) else repr(value)


def _is_filled(cell: Any) -> bool:
    try:
        _ = cell.cell_contents
    except ValueError:
        return False
    return True


def _module(module: ModuleType) -> str:
    """A module by its name and file."""
    file = getattr(module, "__file__", None)
    known = module.__name__.partition(".")[0] in KNOWN or file is None or not file.endswith(".py")
    return module.__name__ if known else f"{module.__name__} {_digest(Path(str(file)))}"


def _is_there(kind: type) -> bool:
    """Whether a class is that of its module; one made by exec may only name it."""
    try:
        return functools.reduce(getattr, kind.__qualname__.split("."), sys.modules[kind.__module__]) is kind
    except (AttributeError, KeyError):
        return False


def _file_of(part: Any) -> Path | None:
    try:
        file = Path(inspect.getfile(part))
    except (OSError, TypeError):
        return None
    return file if file.is_file() else None


def _is_own(file: Path | None) -> bool:
    """Whether code is of no installed package; what has no file, as in a notebook, is."""
    if file is None:
        return True
    return not {*INSTALLED} & {*file.parts} and not file.is_relative_to(STANDARD)


@lru_cache(maxsize=4096)
def _digest(file: Path) -> str:
    try:
        return sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""
