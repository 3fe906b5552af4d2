"""What decides an encoder's responses, as a digest: so that kept responses are used for the same encoder alone."""

import inspect
import pickle
from collections.abc import Mapping
from functools import lru_cache, partial
from hashlib import sha256
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType
from typing import Any

import numpy as np
import torch
from torch import nn

__all__ = ["digest_of_encoder", "digest_of_images"]

PLAIN = (bool, int, float, complex, str, bytes, type(None), np.generic, torch.dtype, torch.device, torch.Size, slice)
DEEPEST = 6
OWN_OF_MODULES = frozenset(vars(nn.Module()))  # parameters, buffers, hooks, the mode and the like
HOOKS = ("_forward_pre_hooks", "_forward_hooks")
AT_ONCE = 2**26  # bytes of images


def digest_of_encoder(encoder: Any) -> str | None:
    """A digest of a module's weights, buffers, settings, hooks, and the code of its parts.

    The code is that of the files in which the classes of its parts are defined. The settings are the attributes of its
    parts: numbers, texts, arrays, functions, other modules, and objects made of these.

    Parameters
    ----------
    encoder : Module or callable

    Returns
    -------
    str or None
        None if it cannot be known: for callables that are no modules, and modules with attributes that cannot be
        described, such as open files.

    Examples
    --------
    >>> one, other = nn.Linear(2, 3), nn.Linear(2, 3)
    >>> digest_of_encoder(one) == digest_of_encoder(one), digest_of_encoder(one) == digest_of_encoder(other)
    (True, False)
    """
    if not isinstance(encoder, nn.Module):
        return None
    try:
        return sha256(f"torch {torch.__version__} {_Describing().module(encoder)}".encode()).hexdigest()
    except _UnknownError:
        return None


def digest_of_images(images: Any) -> str:
    """A digest of images' values, types and shapes: their own attribute `digest`, or of what slices give.

    Parameters
    ----------
    images : Tensor, ndarray, or anything with a length whose slices are tensors
    """
    own = getattr(images, "digest", None)
    if isinstance(own, str):
        return own
    digest = sha256()
    first = torch.as_tensor(images[:1])
    step = max(1, AT_ONCE // max(1, first.nbytes))
    for start in range(0, len(images), step):
        _add_tensor(digest, torch.as_tensor(images[start : start + step]))
    return digest.hexdigest()


def _add_tensor(digest: Any, value: torch.Tensor) -> None:
    digest.update(f"\0{value.dtype}\0{tuple(value.shape)}\0{value.device.type}\0".encode())
    plain = value.detach().cpu()
    plain = (plain.dequantize() if plain.is_quantized else plain.to_dense()).contiguous()
    digest.update(plain.reshape(-1).view(torch.uint8).numpy().data if plain.numel() else b"")


class _UnknownError(Exception):
    """A value of which nothing is known that would be the same in every process."""


class _Describing:
    """Values as texts that are the same in every process; each module is described once."""

    def __init__(self) -> None:
        self._seen: dict[int, str] = {}

    def module(self, module: nn.Module) -> str:
        """A module with all its parts."""
        digest = sha256()
        for name, part in module.named_modules(remove_duplicate=False):
            digest.update(f"\0{name}\0{_type(type(part))}".encode())
            if id(part) in self._seen:
                digest.update(self._seen[id(part)].encode())
                continue
            self._seen[id(part)] = name
            settings = {key: value for key, value in vars(part).items() if key not in OWN_OF_MODULES}
            settings |= {hooks: list(part.__dict__[hooks].values()) for hooks in HOOKS}
            digest.update(self.value(settings, DEEPEST).encode())
            for key, value in [*part._parameters.items(), *part._buffers.items()]:
                digest.update(f"\0{key}".encode())
                if value is not None:
                    _add_tensor(digest, value)
        return digest.hexdigest()

    def value(self, value: Any, depth: int) -> str:
        """Any value; `depth` tells how far it is followed."""
        if isinstance(value, PLAIN):
            return repr(value)
        if isinstance(value, torch.Tensor) or (isinstance(value, np.ndarray) and value.dtype.kind in "fiub"):
            digest = sha256()
            _add_tensor(digest, torch.as_tensor(value))
            return digest.hexdigest()
        if isinstance(value, nn.Module):
            return self._seen[id(value)] if id(value) in self._seen else self.module(value)
        if isinstance(value, type):
            return _type(value)
        if depth <= 0:
            raise _UnknownError
        return self._object(value, depth - 1)

    def _object(self, value: Any, depth: int) -> str:
        if isinstance(value, MethodType):
            return f"{value.__func__.__qualname__} of {self.value(value.__self__, depth)}"
        if isinstance(value, FunctionType):
            return self._function(value, depth)
        if isinstance(value, partial):
            return self.value([value.func, value.args, value.keywords], depth)
        if isinstance(value, Mapping):
            pairs = (f"{self.value(key, depth)}: {self.value(of, depth)}" for key, of in value.items())
            return f"{{{', '.join(pairs)}}}"
        if isinstance(value, list | tuple):
            return f"[{', '.join(self.value(of, depth) for of in value)}]"
        if isinstance(value, set | frozenset):
            return f"{{{', '.join(sorted(self.value(of, depth) for of in value))}}}"
        if hasattr(value, "__dict__") and not isinstance(value, BuiltinFunctionType):
            return f"{_type(type(value))}({self.value(vars(value), depth)})"
        try:
            return sha256(pickle.dumps(value, protocol=4)).hexdigest()
        except Exception:  # of any class, by its own methods
            raise _UnknownError from None

    def _function(self, value: FunctionType, depth: int) -> str:
        """A function's code, and the values that it holds."""
        held = [cell.cell_contents for cell in value.__closure__ or () if _is_filled(cell)]
        told = self.value([*held, value.__defaults__, value.__kwdefaults__], depth)
        return f"{value.__module__}.{value.__qualname__} {_code(value.__code__)} {told}"


def _code(code: CodeType) -> str:
    """What a function's code does, with the functions inside."""
    consts = [_code(const) if isinstance(const, CodeType) else repr(const) for const in code.co_consts]
    return sha256(f"{code.co_code!r} {consts} {code.co_names!r}".encode()).hexdigest()


def _is_filled(cell: Any) -> bool:
    try:
        _ = cell.cell_contents
    except ValueError:
        return False
    return True


def _type(kind: type) -> str:
    """A class by its name and the file that defines it; torch's classes follow its version."""
    name = f"{kind.__module__}.{kind.__qualname__}"
    return name if kind.__module__.split(".")[0] in ("torch", "builtins", "numpy") else f"{name} {_source(kind)}"


@lru_cache(maxsize=4096)
def _source(kind: type) -> str:
    """A digest of the file that defines a class, or of its code where there is no file."""
    try:
        return sha256(Path(inspect.getfile(kind)).read_bytes()).hexdigest()
    except (OSError, TypeError):
        functions = {key: _code(of.__code__) for key, of in vars(kind).items() if isinstance(of, FunctionType)}
        return sha256(repr(functions).encode()).hexdigest()
