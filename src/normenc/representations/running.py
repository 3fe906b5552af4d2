"""Run a torch module and record the outputs of its parts, without changing it."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from normenc.errors import InputError, shortened

__all__ = ["Reading", "Runs", "Shapes", "Take", "reading"]

Runs = dict[tuple[str, int], Any]  # output of every module in each of its runs, in order of running
Shapes = set[tuple[int, ...]]
Take = Callable[[str, int, Any], None]  # is given a module's name, the number of its run, and its output
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


class Reading:
    """A network whose modules are read while it runs, each time from its original state.

    Attributes
    ----------
    maps : set
        Shapes (channel, position) and (channel, height, width) that convolutions, and other modules that have the
        channels first for certain, take and give; filled as the network runs.
    counts : Counter
        How often each module ran, the last time.
    """

    def __init__(self, network: nn.Module, precision: torch.dtype | None) -> None:
        self.maps: Shapes = set()
        self.counts: Counter[str] = Counter()
        self._network, self._precision = network, precision
        self._parameter = next((p for p in network.parameters() if p.is_floating_point()), None)
        self._state = _State(network)
        self._take: Take | None = None

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return torch.device("cpu") if self._parameter is None else self._parameter.device

    def runs(self, images: torch.Tensor) -> Runs:
        """Outputs of all modules that are read, as copies on the CPU."""
        found: Runs = {}

        def keep(name: str, number: int, output: Any) -> None:
            found[name, number] = _copied(output)

        self.run(images, keep)
        return found

    def run(self, images: torch.Tensor, take: Take) -> None:
        """Give every output to `take` when it is there; the next module may overwrite it."""
        self.counts.clear()
        self.restore()
        shown = images.clone()  # because the network may write over it
        if self._parameter is not None:
            shown = shown.to(self.device, self._parameter.dtype if shown.is_floating_point() else None)
        self._take = take
        try:
            with torch.autocast(self.device.type, self._precision, enabled=self._precision is not None):
                _call(self._network, shown)
        finally:
            self._take = None

    def restore(self) -> None:
        """Put the network back into the state in which it was given."""
        self._state.restore()

    def hook(self, name: str) -> Any:
        """A hook that reads the module of this name."""

        def read(_module: nn.Module, _args: Any, output: Any) -> None:
            number = self.counts[name]
            self.counts[name] += 1
            if self._take is not None:
                self._take(name, number, output)

        return read


@contextmanager
def reading(
    network: nn.Module, modules: Mapping[str, nn.Module], precision: torch.dtype | None = None
) -> Iterator[Reading]:
    """Read the outputs of `modules` in each of their runs.

    The network runs in evaluation mode, without gradients or compilation, each time from its original state; state,
    hooks, modes and torch's global generator are always restored. With a `precision` such as ``torch.bfloat16``, it
    runs under :class:`torch.autocast`.
    """
    parts = list(network.modules())
    modes = [part.training for part in parts]
    compiled = [getattr(part, "_compiled_call_impl", None) for part in parts]
    if any(p.is_meta for p in network.parameters()):
        raise InputError(
            f"{type(network).__name__} has weights on the device 'meta', which stores no values; load them"
        )
    hooks = []
    reader: Reading | None = None
    try:
        for part, mode in zip(parts, compiled, strict=True):
            if mode is not None:
                part._compiled_call_impl = None
        network.eval()
        reader = Reading(network, precision)
        for name, module in modules.items():
            hooks.append(module.register_forward_hook(reader.hook(name)))
        for part in parts:
            hooks += [
                part.register_forward_hook(_shapes(reader.maps, n))
                for n, of in POSITIONS.items()
                if isinstance(part, of)
            ]
        with _as_python(), _own_generator(reader.device), torch.no_grad():
            yield reader
    finally:
        for hook in hooks:
            hook.remove()
        if reader is not None:
            reader.restore()
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
        prepared = getattr(network, "preprocessing", None)  # of an adapted network
        given = f"shape {tuple(shown.shape)} and type {shown.dtype}"
        if prepared is not None:
            given += f", prepared as it states ({shortened(str(prepared), 300)})"
        raise InputError(
            f"{type(network).__name__} cannot process images of {given} "
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
def _own_generator(device: torch.device) -> Iterator[None]:
    """Restore torch's global generators, on the CPU and the network's GPU."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        yield


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
