"""Load files of weights, as libraries and training code write them, into a module without running code from them."""

import re
from collections.abc import Container, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import torch
from torch import nn

from normenc.errors import InputError, shortened
from normenc.pretrained.places import is_script

__all__ = ["load_weights"]

STYLE = re.compile(r"\x1b\[[0-9;]*m|\\x1b\[[0-9;]*m")  # of text in a terminal
HOLDS = re.compile(r"(?:Unsupported global: GLOBAL|Trying to load unsupported GLOBAL) (\S+)")  # as torch says it

NAMED = 3  # keys in a message
SHORT = ("missing", "of another shape")  # what keeps its initial values when it is left out
AROUND = (  # of whole checkpoints
    *("state_dict", "model_state_dict", "model", "net", "network", "weights"),
    *("model_ema", "state_dict_ema", "ema_state_dict", "ema"),
)
PREFIXES = (  # of what held the module, one within another
    *("module.", "_orig_mod.", "model.", "net.", "network.", "backbone.", "encoder.", "encoder_q."),
)
HELD = 4  # modules, one within another
AVERAGED = "n_averaged"  # the counter of torch.optim.swa_utils.AveragedModel, beside names that begin with module.
COUNTERS = "num_batches_tracked"  # of batch normalisation, which files of old have not and evaluation does not need
DENSENET = re.compile(r"(norm|relu|conv)\.([12])\.")  # torchvision's file calls norm.1 what its module calls norm1


def load_weights(module: nn.Module, path: Path, name: str, leave_out: Sequence[str] = ()) -> None:
    """Load a file of weights into a module, all of them or none.

    Names may begin with one or more prefixes such as ``module.``, as wrappers leave them, and the state dict may be
    inside a checkpoint under ``state_dict`` or ``model``.

    Parameters
    ----------
    module : Module
    path : Path
        A ``.safetensors`` file, or one that torch.save wrote.
    name : str
        Of the model, for messages.
    leave_out : sequence of str
        Patterns of weights that keep their values, or of keys of the file that the model does not have.

    Raises
    ------
    InputError
        If the file is missing or cannot be read, or holds several state dicts, or weights do not fit or are NaN;
        the module is then unchanged.
    """
    saved = _state_dict(_read(path), path)
    own = module.state_dict()

    def is_left_out(key: str) -> bool:
        return any(fnmatchcase(key, pattern) for pattern in leave_out)

    state = _renamed({key: value for key, value in saved.items() if not is_left_out(key)}, own)
    names = [*own, *saved, *state]
    unused = [pattern for pattern in leave_out if not any(fnmatchcase(key, pattern) for key in names)]
    if unused:
        raise InputError(f"leave_out: {name} has no weights {unused[0]!r}; it has {_some(list(own))}")
    state = {key: value for key, value in state.items() if not is_left_out(key)}
    wanted = [key for key in own if not is_left_out(key) and not key.endswith(COUNTERS)]
    both = [key for key in own if key in state]
    faults = {
        "missing": [key for key in wanted if key not in state],
        "unknown": [key for key in state if key not in own],
        "of another shape": [key for key in both if state[key].shape != own[key].shape],
        "no floating-point numbers": [
            key for key in both if own[key].is_floating_point() and not state[key].is_floating_point()
        ],
    }
    if any(faults.values()):
        told = "; ".join(f"{kind}: {_some(keys)}" for kind, keys in faults.items() if keys)
        raise InputError(f"{path}: these weights do not fit {name}; {told}{_advice(faults)}")
    if not both:
        raise InputError(f"{path}: leave_out is {list(leave_out)}, and none of these weights is loaded; leave less out")
    _check_dense(state, path)
    _check_finite(state, {key for key, _ in module.named_parameters()}, path)
    module.load_state_dict(own | state)


def _check_dense(state: Mapping[str, torch.Tensor], path: Path) -> None:
    """Raise InputError for tensors without values, and for sparse ones, which modules do not take."""
    for key, value in state.items():
        if value.is_meta or value.layout != torch.strided:
            kind = "without values (on the device 'meta')" if value.is_meta else "sparse"
            advice = "save them where they have values" if value.is_meta else "save them dense, by to_dense()"
            raise InputError(f"{path}: the weights {key} are {kind}; {advice}")


def _check_finite(state: Mapping[str, torch.Tensor], parameters: Container[str], path: Path) -> None:
    """Raise InputError for NaN, and for parameters that are infinite; masks among the buffers may be."""
    for key, value in state.items():
        if value.is_floating_point():
            number = value.float()
            bad = ~number.isfinite() if key in parameters else number.isnan()
            if bad.any():
                raise InputError(
                    f"{path}: {int(bad.sum())} of {bad.numel()} values of {key} are NaN or infinite; the training "
                    "that wrote this file diverged, or the file is damaged"
                )


def _read(path: Path) -> Any:
    from pickle import UnpicklingError

    from safetensors.torch import load_file

    if not path.is_file():
        raise InputError(f"{path}: there is no such file of weights")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:  # of any class: files that are cut or of another kind fail at any step of reading them
        said = shortened(STYLE.sub("", f"{type(error).__name__}: {error}"), 200)
        if not path.stat().st_size:
            said = "it is empty"
        elif is_script(path):
            said = "it is a TorchScript file"
        elif isinstance(error, UnpicklingError):  # of which torch says at length how to run its code
            found = HOLDS.search(str(error))
            said = f"it holds {found[1]}, which is more than weights" if found else "its content is of another kind"
        raise InputError(
            f"{path}: these weights cannot be read ({said}); they must be a .safetensors file, or a state dict saved "
            "by torch.save. For a whole module, or a TorchScript file, save the state_dict()"
        ) from None


def _state_dict(content: Any, path: Path) -> dict[str, torch.Tensor]:
    """The state dict itself, taken out of a checkpoint if needed."""
    for _ in range(2):
        if isinstance(content, Mapping) and not _is_state(content):
            inside = [key for key in AROUND if isinstance(content.get(key), Mapping)]
            if sum(_is_state(content[key]) for key in inside) > 1:
                states = [key for key in inside if _is_state(content[key])]
                raise InputError(
                    f"{path}: this file holds several state dicts, {', '.join(states)}; save the one you need to "
                    f"its own file: torch.save(torch.load(path)[{states[0]!r}], ...)"
                )
            content = next((content[key] for key in inside), content)
    if not _is_state(content):
        holds = f"; it holds {_some([str(key) for key in content])}" if isinstance(content, Mapping) and content else ""
        raise InputError(f"{path}: this file holds no state dict{holds}; save the model's state_dict()")
    return dict(content)


def _is_state(content: Any) -> bool:
    return isinstance(content, Mapping) and bool(content) and all(isinstance(v, torch.Tensor) for v in content.values())


def _renamed(state: dict[str, torch.Tensor], own: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Map names in the file to those of the module, if they differ only by prefixes or an old notation.

    Of all ways to strip prefixes, take the one that matches most names of the module and strips least.
    """
    if AVERAGED in state and all(key.startswith("module.") for key in state if key != AVERAGED):
        state = {key: value for key, value in state.items() if key != AVERAGED}
    candidates, latest = [state], [state]
    for _ in range(HELD):
        latest = [stripped for names in latest for prefix in PREFIXES if (stripped := _stripped(names, prefix))]
        candidates += latest
    candidates += [{DENSENET.sub(r"\1\2.", key): value for key, value in names.items()} for names in candidates]
    return max(candidates, key=lambda names: sum(key in own for key in names))


def _stripped(state: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    """The names without a beginning that some have; nothing where none has, or two would have one name."""
    stripped = {key.removeprefix(prefix): value for key, value in state.items()}
    return stripped if len(stripped) == len(state) and stripped.keys() != state.keys() else {}


def _some(keys: Sequence[str]) -> str:
    return f"{', '.join(keys[:NAMED])}{f' and {len(keys) - NAMED} more' if len(keys) > NAMED else ''}"


def _advice(faults: Mapping[str, Sequence[str]]) -> str:
    """What to do about a head of another size or name, or about what the model has not, where little else differs."""
    if faults["no floating-point numbers"]:
        return ""
    lacking, unknown = ([key for kind in kinds for key in faults[kind]] for kinds in (SHORT, ("unknown",)))
    stems, extra = (list(dict.fromkeys(_pattern(key) for key in keys)) for keys in (lacking, unknown))
    if len(stems) > 1 or len(extra) > 2:
        return ""
    what = (
        "that is a head that is not needed, keep its initial weights"
        if stems
        else "they are not needed, leave them out"
    )
    return f". If {what}: leave_out={[*stems, *(pattern for pattern in extra if pattern not in stems)]}"


def _pattern(key: str) -> str:
    stem = key.rpartition(".")[0]
    return f"{stem}.*" if stem else key
