"""Candidates as functions of images that can be differentiated: layers of networks, and controls written in torch."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import torch
from torch import nn

from normenc.encoders import EncoderKind
from normenc.errors import InputError
from normenc.representations.layer_names import LayerName, parse_layer
from normenc.representations.modules import plain_module
from normenc.stimuli.fitting import fitted, luminance
from normenc.study.represented import Represented
from normenc.study.representing import Prepared, Representation
from normenc.training import initialise

__all__ = ["Responses", "differentiable"]

Responses = Callable[[torch.Tensor], torch.Tensor]  # images, values 0 to 1, to (n_images, n_units)


def differentiable(
    represented: Represented, labels: Iterable[str], images: torch.Tensor
) -> tuple[dict[str, Responses], dict[str, str]]:
    """Candidates that give the gradient of their responses by images, and why the others do not.

    Parameters
    ----------
    represented : Represented
        Of the pool.
    labels : iterable of str
    images : Tensor, shape (n, height, width) or (n, 3, height, width)
        Some of them, on which candidates are tried.
    """
    found: dict[str, Responses] = {}
    left_out: dict[str, str] = {}
    few = images[:2].clone().requires_grad_()
    for label in labels:
        try:
            if label not in represented.firsts:
                raise InputError("it sees no images")
            responses = _responses(represented, represented.firsts[label])
            (gradient,) = torch.autograd.grad(responses(few).square().sum(), few)
            if not gradient.isfinite().all():
                raise InputError("its gradient is not finite")
            found[label] = responses
        except InputError as error:
            left_out[label] = str(error)
        except (RuntimeError, TypeError) as error:  # of torch, where values leave it
            left_out[label] = str(error).splitlines()[0]
    return found, left_out


def _responses(represented: Represented, of: Representation) -> Responses:
    prepared, own = represented.prepared, of.encoder
    if own.kind is EncoderKind.CONTROL:
        return partial(_of_control, *_control(prepared, own.network, own.layer), prepared)
    unit = next((unit for unit in prepared.encoders if unit.title == own.network), None)
    if unit is not None:
        network = unit.pretrained() if own.kind is EncoderKind.PRETRAINED else unit.untrained(int(own.seed or 0))
        return _Layer(network, str(own.layer))
    size = (int(prepared.images.shape[-2]), int(prepared.images.shape[-1]))
    return _Layer(_network(represented, of), str(own.layer), size)


def _network(represented: Represented, of: Representation) -> nn.Module:
    own = of.encoder
    if own.kind is EncoderKind.TRAINED:
        for unit, result in represented.trainings.items():
            if (unit.task_label, unit.network_label, unit.seed) == (own.task, own.network, own.seed):
                return result.network
    build = next(build for network, build in represented.prepared.twins if network.title == own.network)
    return initialise(build, int(own.seed or 0))


class _Layer:
    """A layer of a network; networks of the study see images grey and at their own size."""

    def __init__(self, network: nn.Module, layer: str, size: tuple[int, int] | None = None) -> None:
        self.network = network.cpu().eval()
        for value in self.network.parameters():
            value.requires_grad_(False)
        self.size = size
        inner, prefix = plain_module(self.network)
        modules = {name: module for name, module in inner.named_modules() if name}
        self.layer: LayerName = parse_layer(layer.removeprefix(prefix), modules)
        self.module = modules[self.layer.module]

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        outputs: list[Any] = []
        handle = self.module.register_forward_hook(lambda module, given, output: outputs.append(output))
        try:
            self.network(images if self.size is None else fitted(luminance(images), self.size))
        finally:
            handle.remove()
        chosen = self.layer.choose(outputs[-1 if self.layer.run is None else self.layer.run])
        return self.layer.pooled(chosen).flatten(1)


def _control(prepared: Prepared, title: str, layer: str | None) -> tuple[Callable[..., Mapping[str, Any]], str | None]:
    control = next(control for control in prepared.all_controls if control.title == title)
    return partial(control.origin.part, **control.options), layer


def _of_control(
    control: Callable[..., Mapping[str, Any]], layer: str | None, prepared: Prepared, images: torch.Tensor
) -> torch.Tensor:
    outputs = control(fitted(images, prepared.shown.to_controls.image_size, "stretch"))
    values = outputs[layer] if layer is not None else next(iter(outputs.values()))
    if not isinstance(values, torch.Tensor):
        raise InputError("it does not compute with torch")
    return values.flatten(1)
