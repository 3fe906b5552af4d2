"""How an encoder represents stimuli: one stimulus x unit array a layer."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import nn

from normenc.arrays import as_array
from normenc.errors import InputError

__all__ = ["Encoder", "represent"]

Encoder = nn.Module | Callable[[torch.Tensor], Mapping[str, Any]]


def represent(
    encoder: Encoder,
    images: torch.Tensor,
    layers: Sequence[str] | None = None,
    *,
    batch_size: int = 256,
) -> dict[str, xr.DataArray]:
    """An encoder's responses to images, layer by layer.

    Parameters
    ----------
    encoder : Module or callable
        A ``torch.nn.Module`` is read at its submodules' outputs (so that ``fc`` of the study's networks is the linear
        output before its relu), in evaluation mode, on the device where it is; its state stays as it was. Any other
        callable maps images to ``{layer: stimulus x unit}``, like the controls.
    images : Tensor, shape (n_stimuli, ...)
        As the encoder takes them.
    layers : sequence of str, optional
        Names of submodules, nested ones with dots (``"features.0"``), or of the callable's layers. By default all
        that give one row a stimulus.
    batch_size : int
        Images at a time.

    Returns
    -------
    dict of str to DataArray
        Dimensions (stimulus, unit), in the order asked for; further dimensions of an output are flattened. A module
        that runs several times in a pass gives its last output.

    Raises
    ------
    InputError
        When a layer is not there, does not run, or gives no row a stimulus; the message lists the layers there are.

    Examples
    --------
    >>> from normenc import networks, stimuli
    >>> layers = represent(networks.ConvPoolFC(), stimuli.gratings([-45, 0, 45]), ["pool", "fc"])
    >>> {name: responses.shape for name, responses in layers.items()}
    {'pool': (3, 288), 'fc': (3, 10)}
    """
    if batch_size < 1:
        raise InputError(f"batch_size is {batch_size}; it must be at least 1")
    if len(images) == 0:
        raise InputError("there are no images to represent")
    if isinstance(encoder, nn.Module):
        outputs = _module_outputs(encoder, images, layers, batch_size)
    else:
        outputs = _callable_outputs(encoder, images, layers, batch_size)
    return {
        name: xr.DataArray(np.concatenate(blocks), dims=("stimulus", "unit"), name=name)
        for name, blocks in outputs.items()
    }


def _callable_outputs(
    encoder: Callable[[torch.Tensor], Mapping[str, Any]],
    images: torch.Tensor,
    layers: Sequence[str] | None,
    batch_size: int,
) -> dict[str, list[np.ndarray]]:
    blocks: dict[str, list[np.ndarray]] = {}
    for batch in images.split(batch_size):
        found = encoder(batch)
        _check_layers(layers, list(found))
        for name in found if layers is None else layers:
            blocks.setdefault(name, []).append(_rows(found[name], len(batch), name))
    return blocks


def _module_outputs(
    network: nn.Module, images: torch.Tensor, layers: Sequence[str] | None, batch_size: int
) -> dict[str, list[np.ndarray]]:
    modules = {name: module for name, module in network.named_modules() if name}
    _check_layers(layers, list(modules))
    wanted = list(modules) if layers is None else list(layers)
    parameter = next(network.parameters(), images)
    blocks: dict[str, list[np.ndarray]] = {name: [] for name in wanted}
    with _reading(network, {name: modules[name] for name in wanted}) as outputs:
        for batch in images.split(batch_size):
            outputs.clear()
            network(batch.to(parameter.device))
            for name in wanted:
                if name in outputs and (layers is not None or _has_rows(outputs[name], len(batch))):
                    blocks[name].append(_rows(outputs[name], len(batch), name))
                elif layers is not None:
                    raise InputError(f"layer {name!r} does not run when the network is given images")
    return {name: rows for name, rows in blocks.items() if rows}


@contextmanager
def _reading(network: nn.Module, modules: Mapping[str, nn.Module]) -> Iterator[dict[str, Any]]:
    """Collect the outputs of `modules` in evaluation mode; hooks and modes are put back whatever happens."""
    outputs: dict[str, Any] = {}
    modes = {module: module.training for module in network.modules()}
    hooks = []
    try:
        for name, module in modules.items():
            hooks.append(
                module.register_forward_hook(lambda _module, _args, output, name=name: outputs.update({name: output}))
            )
        network.eval()
        with torch.no_grad():
            yield outputs
    finally:
        for hook in hooks:
            hook.remove()
        for module, mode in modes.items():
            module.training = mode


def _check_layers(layers: Sequence[str] | None, there: list[str]) -> None:
    if isinstance(layers, str):
        raise InputError(f"layers is the string {layers!r}; it must be a list of names, such as [{layers!r}]")
    for name in layers or []:
        if name not in there:
            raise InputError(f"there is no layer {name!r}; the layers are {', '.join(there)}")


def _has_rows(output: Any, n: int) -> bool:
    return isinstance(output, torch.Tensor) and output.ndim >= 1 and len(output) == n


def _rows(output: Any, n: int, name: str) -> np.ndarray:
    array = as_array(output, f"the output of layer {name!r}") if not isinstance(output, tuple | dict) else None
    if array is None or array.ndim < 1 or len(array) != n:
        given = type(output).__name__ if array is None else f"shape {array.shape}"
        raise InputError(f"layer {name!r} gives {given} for {n} images; it must give one row a stimulus")
    return array.reshape(n, -1)
