"""Run a torch module and record the outputs of its parts, without changing it."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from normenc.errors import InputError

__all__ = ["Runs", "Shapes", "reading"]

Runs = dict[tuple[str, int], Any]  # output of every module in each of its runs, in order of running
Shapes = set[tuple[int, ...]]
POSITIONS = {  # types of modules with channels before positions, and their number of position axes
    1: (
        nn.Conv1d,
        nn.ConvTranspose1d,
        nn.BatchNorm1d,
        nn.InstanceNorm1d,
        nn.MaxPool1d,
        nn.AvgPool1d,
        nn.AdaptiveAvgPool1d,
    ),
    2: (
        nn.Conv2d,
        nn.ConvTranspose2d,
        nn.BatchNorm2d,
        nn.InstanceNorm2d,
        nn.MaxPool2d,
        nn.AvgPool2d,
        nn.AdaptiveAvgPool2d,
    ),
}
FAILURES = (
    RuntimeError,
    ValueError,
    TypeError,
    IndexError,
    AssertionError,
)  # raised by networks for input they cannot process


@contextmanager
def reading(network: nn.Module, modules: Mapping[str, nn.Module]) -> Iterator[tuple[Any, Shapes]]:
    """A function from images to the outputs of `modules` in each of their runs, and the shapes of maps.

    The set is filled as the network runs: shapes (channel, position) and (channel, height, width) that convolutions,
    and other modules that have the channels first for certain, take and give.

    Outputs are copied immediately, because the next layer may overwrite them, and so are images, because the network
    may. The network runs in evaluation mode, without gradients or compilation, each time from its original state;
    state, hooks, modes and torch's global generator are always restored.
    """
    runs: Runs = {}
    maps: Shapes = set()
    parts = list(network.modules())
    modes = [part.training for part in parts]
    compiled = [getattr(part, "_compiled_call_impl", None) for part in parts]
    parameter = next((p for p in network.parameters() if p.is_floating_point()), None)
    if any(p.is_meta for p in network.parameters()):
        raise InputError(
            f"{type(network).__name__} has weights on the device 'meta', which stores no values; load them"
        )

    def run(images: torch.Tensor) -> Runs:
        runs.clear()
        if state is not None:
            state.restore()
        shown = images.clone()
        if parameter is not None:
            shown = shown.to(parameter.device, parameter.dtype if shown.is_floating_point() else None)
        _call(network, shown)
        return dict(runs)

    hooks = []
    state: _State | None = None
    try:
        for part, mode in zip(parts, compiled, strict=True):
            if mode is not None:
                part._compiled_call_impl = None
        network.eval()
        state = _State(network)
        for name, module in modules.items():
            hooks.append(module.register_forward_hook(_keeper(runs, name)))
        for part in parts:
            hooks += [
                part.register_forward_hook(_shapes(maps, n)) for n, of in POSITIONS.items() if isinstance(part, of)
            ]
        with _as_python(), _own_generator(parameter), torch.no_grad():
            yield run, maps
    finally:
        for hook in hooks:
            hook.remove()
        if state is not None:
            state.restore()
        for part, training, call in zip(parts, modes, compiled, strict=True):
            part.training = training
            if call is not None:
                part._compiled_call_impl = call


def _call(network: nn.Module, shown: torch.Tensor) -> None:
    try:
        network(shown)
    except InputError:
        raise
    except torch.OutOfMemoryError:
        raise
    except FAILURES as error:
        said = " ".join(str(error).split())[:300]
        raise InputError(
            f"{type(network).__name__} cannot process images of shape {tuple(shown.shape)} and type {shown.dtype} "
            f"({type(error).__name__}: {said}); give images in the form that the network expects, with stimuli along "
            "the first axis. normenc.pretrained.adapt adapts networks to grey images, shape (n, height, width)"
        ) from error


class _State:
    """The state of a network besides its parameters: buffers, and the attributes of its parts."""

    def __init__(self, network: nn.Module) -> None:
        self.parts = [(part, dict(vars(part)), dict(part._buffers)) for part in network.modules()]
        held = [value for _, *kinds in self.parts for kind in kinds for value in kind.values()]
        tensors = [value for value in held if isinstance(value, torch.Tensor) and not isinstance(value, nn.Parameter)]
        if any(is_lazy(tensor) for tensor in tensors):
            raise InputError(f"{type(network).__name__} has lazy layers, which are not initialised; run it once")
        plain = {id(tensor): tensor for tensor in tensors if tensor.layout == torch.strided}
        self.tensors = [(tensor, tensor.detach().clone()) for tensor in plain.values()]

    @torch.no_grad()
    def restore(self) -> None:
        """Restore everything, in place if it was changed in place."""
        for part, attributes, buffers in self.parts:
            for now, before in ((vars(part), attributes), (part._buffers, buffers)):
                for name in set(now) - set(before):
                    del now[name]
                now.update(before)
        for tensor, kept in self.tensors:
            if not torch.equal(tensor, kept):
                tensor.copy_(kept)


@contextmanager
def _as_python() -> Iterator[None]:
    """Run compiled parts as their original Python code, so that hooks inside them are called."""
    with ExitStack() as stack:
        if "torch._dynamo" in sys.modules and hasattr(torch.compiler, "set_stance"):  # from torch 2.6 on
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        yield


@contextmanager
def _own_generator(parameter: torch.Tensor | None) -> Iterator[None]:
    """Restore torch's global generators, on the CPU and the network's GPU."""
    devices = [parameter.device] if parameter is not None and parameter.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        yield


def _keeper(runs: Runs, name: str) -> Any:
    def keep(_module: nn.Module, _args: Any, output: Any) -> None:
        runs[name, sum(module == name for module, _ in runs)] = _copied(output)

    return keep


def _shapes(maps: Shapes, n_axes: int) -> Any:
    def note(_module: nn.Module, args: Any, output: Any) -> None:
        for value in (*args[:1], output):
            if isinstance(value, torch.Tensor) and value.ndim == n_axes + 2:
                maps.add(tuple(value.shape[1:]))

    return note


def _copied(output: Any) -> Any:
    """A module's output, as copies on the CPU."""
    if isinstance(output, torch.Tensor):
        return output.detach().to("cpu", copy=True)
    if isinstance(output, dict) or hasattr(output, "keys"):
        return {key: _copied(value) for key, value in output.items()}
    if isinstance(output, list):
        return [_copied(value) for value in output]
    return tuple(_copied(value) for value in output) if isinstance(output, tuple) else output
