"""Read a torch module's layers while it runs, and find the stimulus axis of their outputs."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn.parameter import UninitializedParameter

from normenc.errors import InputError
from normenc.representations.layer_names import LayerName, elements_of, parse_layer
from normenc.representations.probing import (
    N_PROBES,
    SWAPPED,
    TOLERANCE,
    Fingerprints,
    check_alone,
    check_chance,
    probe_images,
)
from normenc.representations.readers import LayerReader, TakeRows
from normenc.representations.running import Reading, Runs, Shapes, reading

__all__ = ["layers_that_run", "module_reader", "plain_module"]

PROBES = (2, N_PROBES)  # numbers of images; the axis that grows from the first to the second is the stimulus axis
ON_GPU = 1e-2  # relative to the largest value, if convolutions round to 10 bits
EPSILONS = 16  # of the coarsest number type involved


@dataclass
class _Probed:
    """A layer's name, its axis of stimuli, its shape without that axis, shapes of maps, and values."""

    layer: LayerName
    axis: int
    shape: tuple[int, ...]
    maps: Shapes
    rows: npt.NDArray[Any]


def plain_module(network: nn.Module) -> tuple[nn.Module, str]:
    """The module whose submodules run as Python, and the prefix of their names.

    Compiled modules and those that spread over devices are unwrapped.

    Raises
    ------
    InputError
        For TorchScript, whose parts cannot have hooks.
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
                    f"the {type(network).__name__} around {type(inner).__name__} has its own hooks, which would be "
                    "ignored; put them on the inner module"
                )
        network, prefix = inner, prefix + name
    if any(isinstance(part, torch.jit.ScriptModule) for part in network.modules()):
        raise InputError(
            f"{type(network).__name__} is, or contains, a TorchScript module, whose layers cannot be read. Give the "
            "original Python module, with its weights"
        )
    lazy = [name for name, value in network.named_parameters() if isinstance(value, UninitializedParameter)]
    if lazy:
        raise InputError(
            f"{type(network).__name__} has lazy layers ({lazy[0]}), whose weights are not initialised yet; run it once"
        )
    return network, prefix


@contextmanager
def module_reader(
    network: nn.Module,
    images: Any,
    layers: Sequence[str] | None,
    precision: torch.dtype | None = None,
    measure: bool = False,
) -> Iterator["ModuleReader"]:
    """The module's layers, in the requested order or in order of running, tried with few images."""
    network, prefix = plain_module(network)
    places, few = probe_images(images)
    _check_type(network, few)
    modules = {name: module for name, module in network.named_modules() if name}
    wanted = None
    if layers is not None:
        wanted = {name: parse_layer(name.removeprefix(prefix), modules) for name in layers}
    read = set(modules) if wanted is None else {layer.module for layer in wanted.values()}
    rounding = max(_rounding(network), EPSILONS * torch.finfo(precision).eps if precision is not None else 0.0)
    with reading(network, {name: modules[name] for name in read}, precision) as run:
        yield ModuleReader(run, wanted, places, few, rounding, measure)


class ModuleReader(LayerReader):
    """Layers of a module that give one row per stimulus, read while it runs."""

    def __init__(
        self,
        run: Reading,
        wanted: Mapping[str, LayerName] | None,
        places: list[int],
        few: torch.Tensor,
        rounding: float,
        measure: bool,
    ) -> None:
        self._run = run
        self._probed, first, swapped = _probed(run, few, wanted)
        counts = _counts(first)
        self._counts = {layer.layer.module: counts[layer.layer.module] for layer in self._probed.values()}
        self._names: dict[tuple[str, int], list[str]] = {}
        for name, layer in self._probed.items():
            number = counts[layer.layer.module] - 1 if layer.layer.run is None else layer.layer.run
            self._names.setdefault((layer.layer.module, number), []).append(name)
        rows = {name: layer.rows for name, layer in self._probed.items()}
        super().__init__(rows, Fingerprints(places, rows, rounding))

        def same(name: str, values: npt.NDArray[Any]) -> None:
            check_chance(name, rows[name], values, rounding)

        self._measured(lambda: self.show(few, same), measure)
        for name, layer in self._probed.items():
            check_alone(name, layer.rows[SWAPPED], _rows(layer, _output(layer.layer, swapped), PROBES[0]), rounding)
            layer.rows = layer.rows[:, :0]  # which are as large as the layers

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return self._run.device

    def show(self, batch: torch.Tensor, take: TakeRows) -> None:
        """Give every layer's rows to `take` while the network runs, which may write over them afterwards."""
        shown = (
            batch if len(batch) > 1 else torch.cat([batch, batch])
        )  # because layers that squeeze remove an axis of 1
        odd: dict[str, InputError] = {}

        def take_output(module: str, number: int, output: Any) -> None:
            for name in self._names.get((module, number), ()):
                layer = self._probed[name]
                try:
                    rows = _rows(layer, _tensor(layer.layer, layer.layer.choose(output)), len(shown))
                except InputError as error:
                    odd[name] = error  # unless the module runs more often than it did, which explains it
                    continue
                take(name, rows)

        self._run.run(shown, take_output)
        for name, layer in self._probed.items():
            module = layer.layer.module
            _check_runs(module, self._counts[module], self._run.counts[module], len(shown))
            if name in odd:
                raise odd[name]


def _check_type(network: nn.Module, images: torch.Tensor) -> None:
    """Raise InputError for whole numbers, unless the network has an embedding."""
    if not images.is_floating_point() and not any(
        isinstance(part, nn.Embedding | nn.EmbeddingBag) for part in network.modules()
    ):
        raise InputError(
            f"images have type {images.dtype}, whole numbers of unknown range; give floating-point numbers in the "
            "range that the network expects, such as images / 255, or bytes (uint8), which are divided by 255"
        )


def layers_that_run(network: nn.Module, images: torch.Tensor) -> list[str]:
    """Names of the layers that give one row per image, in order of running."""
    network, _ = plain_module(network)
    _check_type(network, images)
    modules = {name: module for name, module in network.named_modules() if name}
    with reading(network, modules) as run:
        return list(_probed(run, probe_images(images)[1], None)[0])


def _probed(
    run: Reading, images: torch.Tensor, wanted: Mapping[str, LayerName] | None
) -> tuple[dict[str, _Probed], Runs, Runs]:
    """Which layers give one row per stimulus, and along which axis, tested with three images, and two in another order.

    A requested layer that does not raises InputError; others are left out. Also returns the outputs for three and two.
    """
    swapped, runs = run.runs(images[SWAPPED]), run.runs(images)
    counts = [_counts(of) for of in (swapped, runs)]
    known = dict(wanted) if wanted is not None else _all_layers(runs)
    probed = {}
    for name, layer in known.items():
        try:
            outputs = [_output(layer, of) for of in (swapped, runs)]
            _check_real(name, outputs[1])
            _check_runs(layer.module, counts[0][layer.module], counts[1][layer.module], N_PROBES, PROBES[0])
            axis = _stimulus_axis(name, [tuple(output.shape) for output in outputs])
        except InputError:
            if wanted is not None:
                raise
            continue
        shape = outputs[1].shape
        rows = _pooled(layer, outputs[1], axis, run.maps)
        probed[name] = _Probed(layer, axis, shape[:axis] + shape[axis + 1 :], run.maps, rows)
    if wanted is None and not probed:
        raise InputError("no layer of the network gives one row per stimulus; name layers to see why")
    return probed, runs, swapped


def _rounding(network: nn.Module) -> float:
    """Rounding error relative to a layer's largest value, by the types of the weights and the device."""
    weights = [p for p in network.parameters() if p.is_floating_point()]
    coarsest = max((torch.finfo(p.dtype).eps for p in weights), default=0.0)
    return max(TOLERANCE, EPSILONS * coarsest, ON_GPU if any(p.device.type != "cpu" for p in weights) else 0)


def _counts(runs: Runs) -> Counter[str]:
    """How often each module ran."""
    return Counter(module for module, _ in runs)


def _check_runs(module: str, once: int, now: int, n: int, n_probes: int = N_PROBES) -> None:
    """Raise InputError if a module runs more or less often than it did for few images."""
    if once != now:
        raise InputError(
            f"layer {module!r} runs {_times(now)} for {n} images and {_times(once)} for {n_probes}: it is unclear "
            "which rows belong to which images. If the network processes images in parts, give a batch_size no larger "
            "than a part; or name other layers"
        )


def _times(n: int) -> str:
    return "once" if n == 1 else f"{n} times"


def _all_layers(runs: Runs) -> dict[str, LayerName]:
    """Every output tensor by name, including the run if there are several, and the element if there is one."""
    layers = {}
    for (module, number), output in runs.items():
        run = number if (module, 1) in runs else None
        for path in elements_of(output):
            name = module + ("" if run is None else f":{run}") + "".join(f"[{key}]" for key in path)
            if name in layers:
                raise InputError(
                    f"two layers have the name {name!r}: a module, and an output of another; rename the module"
                )
            layers[name] = LayerName(name, module, run, path)
    return layers


def _output(layer: LayerName, runs: Runs) -> torch.Tensor:
    n_runs = sum(module == layer.module for module, _ in runs)
    if not n_runs:
        raise InputError(f"layer {layer.text!r} does not run when the network processes images")
    if layer.run is not None and layer.run >= n_runs:
        raise InputError(f"layer {layer.text!r}: the module runs {_times(n_runs)}; runs are counted from 0")
    return _tensor(layer, layer.choose(runs[layer.module, n_runs - 1 if layer.run is None else layer.run]))


def _tensor(layer: LayerName, output: Any) -> torch.Tensor:
    if not isinstance(output, torch.Tensor):
        inside = ", ".join("".join(f"[{key}]" for key in path) for path in elements_of(output))
        choose = f"; choose one of its elements, {inside}, as in {layer.text}[0]" if inside else ""
        raise InputError(f"layer {layer.text!r} returns a {type(output).__name__}, not a tensor{choose}")
    return output


def _check_real(name: str, output: torch.Tensor) -> None:
    """Raise InputError for values of which there are no dissimilarities."""
    kind = "a nested tensor" if output.is_nested else "complex numbers" if output.is_complex() else ""
    if output.layout != torch.strided:
        kind = "a sparse tensor"
    if kind:
        raise InputError(
            f"layer {name!r} gives {kind}; a layer must give dense, real numbers. Name other layers, or give such "
            "numbers by a module of its own (to_dense, torch.view_as_real)"
        )


def _stimulus_axis(name: str, shapes: Sequence[tuple[int, ...]]) -> int:
    """The one axis that grows with the number of images."""
    one, two = shapes
    if len(one) == len(two):
        grown = [axis for axis in range(len(one)) if one[axis] != two[axis]]
        if len(grown) == 1 and (one[grown[0]], two[grown[0]]) == PROBES:
            return grown[0]
    raise InputError(
        f"layer {name!r} gives shape {one} for {PROBES[0]} images and {two} for {PROBES[1]}: it must give one row per "
        "stimulus, along one axis"
    )


def _rows(probed: _Probed, output: torch.Tensor, n: int) -> npt.NDArray[Any]:
    """A layer's values, shape (n, n_units); raises InputError if they do not belong to n images."""
    expected = (*probed.shape[: probed.axis], n, *probed.shape[probed.axis :])
    if tuple(output.shape) != expected:
        raise InputError(
            f"layer {probed.layer.text!r} gives shape {tuple(output.shape)} for {n} images, but {N_PROBES} images "
            f"imply {expected}; it must give one row per stimulus, all of the same shape"
        )
    return _pooled(probed.layer, output, probed.axis, probed.maps)


def _pooled(layer: LayerName, output: torch.Tensor, axis: int, maps: Shapes) -> npt.NDArray[Any]:
    """One row per stimulus, on the CPU; may share memory with the output."""
    output = output.detach()
    values = layer.pooled((output.dequantize() if output.is_quantized else output).movedim(axis, 0), maps)
    is_short = values.is_floating_point() and values.dtype not in (torch.float32, torch.float64)
    array = (values.float() if is_short else values).cpu()
    return np.ascontiguousarray(array.numpy()).reshape(len(array), -1)
