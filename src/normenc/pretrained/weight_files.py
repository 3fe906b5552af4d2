"""Files of weights as libraries and trainers write them, loaded into a module without running code from them."""

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import torch
from torch import nn

from normenc.errors import InputError

__all__ = ["load_weights"]

NAMED = 3  # keys in a message
AROUND = ("state_dict", "model_state_dict", "model", "model_ema", "net", "network", "weights")  # of whole checkpoints
PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "network.", "backbone.", "encoder.")  # of what held the module
COUNTERS = "num_batches_tracked"  # of batch normalisation, which files of old have not and evaluation does not need
DENSENET = re.compile(r"(norm|relu|conv)\.([12])\.")  # torchvision's file calls norm.1 what its module calls norm1


def load_weights(module: nn.Module, path: Path, name: str, leave_out: Sequence[str] = ()) -> None:
    """Load a file of weights into a module, all of them or none.

    Names may begin with ``module.`` and the like, as wrappers leave them, and the state dict may lie in a checkpoint
    under ``state_dict`` or ``model``.

    Parameters
    ----------
    module : Module
    path : Path
        A ``.safetensors`` file, or one that torch.save wrote.
    name : str
        Of the model, for messages.
    leave_out : sequence of str
        Patterns of weights that keep the values they have.

    Raises
    ------
    InputError
        When the file is not there or cannot be read, or weights do not fit; the module is then as it was.
    """
    state = _state_dict(_read(path), path)
    own = module.state_dict()
    state = _renamed(state, own)
    unused = [pattern for pattern in leave_out if not any(fnmatchcase(key, pattern) for key in own)]
    if unused:
        raise InputError(f"leave_out: {name} has no weights {unused[0]!r}; it has {_some(list(own))}")
    kept = [key for key in own if any(fnmatchcase(key, pattern) for pattern in leave_out)]
    state = {key: value for key, value in state.items() if not any(fnmatchcase(key, p) for p in leave_out)}
    wanted = [key for key in own if key not in kept and not key.endswith(COUNTERS)]
    faults = {
        "missing": [key for key in wanted if key not in state],
        "unknown": [key for key in state if key not in own],
        "of another shape": [key for key in own if key in state and state[key].shape != own[key].shape],
    }
    if any(faults.values()):
        told = "; ".join(f"{kind}: {_some(keys)}" for kind, keys in faults.items() if keys)
        raise InputError(f"{path}: these weights do not fit {name}; {told}{_head(faults)}")
    module.load_state_dict(own | state)


def _read(path: Path) -> Any:
    from pickle import UnpicklingError

    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file():
        raise InputError(f"{path}: there is no such file of weights")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, UnpicklingError, RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        said = " ".join(str(error).split())[:200]
        raise InputError(
            f"{path}: these weights cannot be read ({said}); they must be a .safetensors file, or a state dict saved "
            "by torch.save. Of a whole module, or a TorchScript file, save the state_dict()"
        ) from None


def _state_dict(found: Any, path: Path) -> dict[str, torch.Tensor]:
    """The state dict itself, out of the checkpoint that it may lie in."""
    for _ in range(2):
        if isinstance(found, Mapping) and not _is_state(found):
            found = next((found[key] for key in AROUND if isinstance(found.get(key), Mapping)), found)
    if not _is_state(found):
        raise InputError(f"{path}: this file holds no state dict; save the model's state_dict()")
    return dict(found)


def _is_state(found: Any) -> bool:
    return isinstance(found, Mapping) and bool(found) and all(isinstance(v, torch.Tensor) for v in found.values())


def _renamed(state: dict[str, torch.Tensor], own: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The names that the module uses, where a common beginning or an old way of writing is all that differs."""
    old = {DENSENET.sub(r"\1\2.", key): value for key, value in state.items()}
    candidates = [state, old]
    for prefix in PREFIXES:
        if all(key.startswith(prefix) for key in state):
            candidates.append({key.removeprefix(prefix): value for key, value in state.items()})
    return max(candidates, key=lambda found: sum(key in own for key in found))


def _some(keys: Sequence[str]) -> str:
    return f"{', '.join(keys[:NAMED])}{f' and {len(keys) - NAMED} more' if len(keys) > NAMED else ''}"


def _head(faults: Mapping[str, Sequence[str]]) -> str:
    """What to do about a head of another size, where nothing else differs."""
    shapes = faults["of another shape"]
    if faults["missing"] or faults["unknown"] or len(shapes) > 2:
        return ""
    stem = shapes[0].rpartition(".")[0]
    return f". If that is a head that is not needed, keep its initial weights: leave_out=['{stem}.*']"
