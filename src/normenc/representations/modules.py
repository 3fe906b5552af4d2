"""Reading a torch module's layers while it runs, and finding the axis of the stimuli in what they give."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn.parameter import UninitializedParameter

from normenc.errors import InputError
from normenc.representations.layer_names import LayerName, elements_of, parse_layer

__all__ = ["layers_that_run", "module_outputs", "plain_module"]

PROBES = (2, 3)  # images; an axis that grows from the first to the second number is that of the stimuli
Runs = dict[tuple[str, int], Any]  # what every module gave in each of its runs, in the order of running
Axes = dict[str, int]


def plain_module(network: nn.Module) -> tuple[nn.Module, str]:
    """The module whose submodules run as Python, and what their names began with around it.

    Compiled modules and those that spread over devices are unwrapped.

    Raises
    ------
    InputError
        For TorchScript, whose parts no hook can be put on.
    """
    prefix = ""
    while True:
        wrapped = getattr(network, "_orig_mod", None)
        if isinstance(wrapped, nn.Module):
            inner, name = wrapped, "_orig_mod."
        elif isinstance(network, nn.DataParallel | nn.parallel.DistributedDataParallel):
            inner, name = network.module, "module."
        else:
            break
        for hooks in ("_forward_pre_hooks", "_forward_hooks"):
            own = network.__dict__.get(hooks)
            if own and own is not inner.__dict__[hooks]:
                raise InputError(
                    f"the {type(network).__name__} around {type(inner).__name__} has hooks of its own, which would be "
                    "left out; put them on the module within"
                )
        network, prefix = inner, prefix + name
    if any(isinstance(part, torch.jit.ScriptModule) for part in network.modules()):
        raise InputError(
            f"{type(network).__name__} is, or holds, a TorchScript module, which runs as a whole: its layers cannot be "
            "read. Give the Python module that it was made from, with its weights"
        )
    lazy = [name for name, value in network.named_parameters() if isinstance(value, UninitializedParameter)]
    if lazy:
        raise InputError(
            f"{type(network).__name__} has lazy layers ({lazy[0]}), whose weights would only be drawn now; run it once"
        )
    return network, prefix


def module_outputs(
    network: nn.Module, images: torch.Tensor, layers: Sequence[str] | None, batch_size: int
) -> dict[str, npt.NDArray[Any]]:
    """Responses of a module's layers, shape (n_stimuli, n_units), in the order asked for, or of running."""
    network, prefix = plain_module(network)
    modules = {name: module for name, module in network.named_modules() if name}
    wanted = None
    if layers is not None:
        wanted = {name: parse_layer(name.removeprefix(prefix), modules) for name in layers}
    read = set(modules) if wanted is None else {layer.module for layer in wanted.values()}
    with _reading(network, {name: modules[name] for name in read}) as run:
        known, axes = _probed(run, images, wanted)
        blocks: dict[str, list[npt.NDArray[Any]]] = {name: [] for name in axes}
        for batch in images.split(batch_size):
            runs = run(_at_least_two(batch))
            for name, axis in axes.items():
                blocks[name].append(_rows(known[name], runs, axis, len(batch)))
    return {name: np.concatenate(rows) for name, rows in blocks.items()}


def layers_that_run(network: nn.Module, images: torch.Tensor) -> list[str]:
    """Names of the layers that give one row an image, in the order of running."""
    network, _ = plain_module(network)
    modules = {name: module for name, module in network.named_modules() if name}
    with _reading(network, modules) as run:
        return list(_probed(run, images, None)[1])


def _probed(
    run: Any, images: torch.Tensor, wanted: Mapping[str, LayerName] | None
) -> tuple[dict[str, LayerName], Axes]:
    """Which layers give one row a stimulus, and along which axis, told by two numbers of images.

    Of layers that were asked for, one that does not is refused; else it is left out.
    """
    few = [images[np.arange(n) % len(images)] for n in PROBES]
    first, second = (run(part) for part in few)
    known = dict(wanted) if wanted is not None else _all_layers(first)
    axes: Axes = {}
    for name, layer in known.items():
        try:
            shapes = [_output(layer, runs) for runs in (first, second)]
            axes[name] = _stimulus_axis(name, [tuple(output.shape) for output in shapes])
        except InputError:
            if wanted is not None:
                raise
    if wanted is None and not axes:
        raise InputError("no layer of the network gives one row a stimulus; give layers by name to see why")
    return {name: known[name] for name in axes}, axes


def _all_layers(runs: Runs) -> dict[str, LayerName]:
    """Every tensor that a module gave, by its name: the run where there are several, the element where it is one."""
    found = {}
    for (module, number), output in runs.items():
        run = number if (module, 1) in runs else None
        for path in elements_of(output):
            name = module + ("" if run is None else f":{run}") + "".join(f"[{key}]" for key in path)
            found[name] = LayerName(name, module, run, path)
    return found


def _output(layer: LayerName, runs: Runs) -> torch.Tensor:
    n_runs = sum(module == layer.module for module, _ in runs)
    if not n_runs:
        raise InputError(f"layer {layer.text!r} does not run when the network is given images")
    if layer.run is not None and layer.run >= n_runs:
        times = "once" if n_runs == 1 else f"{n_runs} times"
        raise InputError(f"layer {layer.text!r}: the module runs {times}; runs are counted from 0")
    output = layer.choose(runs[layer.module, n_runs - 1 if layer.run is None else layer.run])
    if not isinstance(output, torch.Tensor):
        inside = ", ".join("".join(f"[{key}]" for key in path) for path in elements_of(output))
        choose = f"; choose one of its elements, {inside}, as in {layer.text}[0]" if inside else ""
        raise InputError(f"layer {layer.text!r} gives a {type(output).__name__} and no tensor{choose}")
    return output


def _stimulus_axis(name: str, shapes: Sequence[tuple[int, ...]]) -> int:
    """The one axis that grows with the number of images."""
    one, two = shapes
    if len(one) == len(two):
        grown = [axis for axis in range(len(one)) if one[axis] != two[axis]]
        if len(grown) == 1 and (one[grown[0]], two[grown[0]]) == PROBES:
            return grown[0]
    raise InputError(
        f"layer {name!r} gives shape {one} for {PROBES[0]} images and {two} for {PROBES[1]}: it must give one row a "
        "stimulus, along one axis"
    )


def _rows(layer: LayerName, runs: Runs, axis: int, n: int) -> npt.NDArray[Any]:
    output = _output(layer, runs)
    values = layer.pooled((output.dequantize() if output.is_quantized else output).movedim(axis, 0))
    array = values.float() if values.dtype in (torch.bfloat16, torch.float16) else values
    return np.ascontiguousarray(array.numpy()).reshape(len(array), -1)[:n]


def _at_least_two(batch: torch.Tensor) -> torch.Tensor:
    """The batch; a single image comes twice, for layers that squeeze would lose its axis."""
    return batch if len(batch) > 1 else torch.cat([batch, batch])


@contextmanager
def _reading(network: nn.Module, modules: Mapping[str, nn.Module]) -> Iterator[Any]:
    """A function from images to what each of `modules` gave in each of its runs.

    Outputs are copied when they are made, for the next layer may write over them; images are copied before they are
    handed over, for the network may do so. The network runs in evaluation mode, without gradients or compilation; hooks
    and modes are put back whatever happens.
    """
    runs: Runs = {}
    parts = list(network.modules())
    modes = [part.training for part in parts]
    compiled = [getattr(part, "_compiled_call_impl", None) for part in parts]
    parameter = next((p for p in network.parameters() if p.is_floating_point()), None)

    def run(images: torch.Tensor) -> Runs:
        runs.clear()
        shown = images.clone()
        if parameter is not None:
            shown = shown.to(parameter.device, parameter.dtype if shown.is_floating_point() else None)
        network(shown)
        return dict(runs)

    hooks = []
    try:
        for name, module in modules.items():
            hooks.append(module.register_forward_hook(_keeper(runs, name)))
        for part, mode in zip(parts, compiled, strict=True):
            if mode is not None:
                part._compiled_call_impl = None
        network.eval()
        with torch.no_grad():
            yield run
    finally:
        for hook in hooks:
            hook.remove()
        for part, training, call in zip(parts, modes, compiled, strict=True):
            part.training = training
            if call is not None:
                part._compiled_call_impl = call


def _keeper(runs: Runs, name: str) -> Any:
    def keep(_module: nn.Module, _args: Any, output: Any) -> None:
        runs[name, sum(module == name for module, _ in runs)] = _copied(output)

    return keep


def _copied(output: Any) -> Any:
    """What a module gave, as copies on the CPU."""
    if isinstance(output, torch.Tensor):
        return output.detach().to("cpu", copy=True)
    if isinstance(output, dict) or hasattr(output, "keys"):
        return {key: _copied(value) for key, value in output.items()}
    if isinstance(output, list):
        return [_copied(value) for value in output]
    return tuple(_copied(value) for value in output) if isinstance(output, tuple) else output
