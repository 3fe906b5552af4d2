"""Encoders that a study does not train, built and tried before anything is run: with their weights, and untrained."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from normenc.encoders import EncoderId, EncoderKind
from normenc.errors import InputError, shortened
from normenc.import_roots import root_of_module
from normenc.pretrained import Preprocessing, adapt, load_model, weights_file
from normenc.pretrained.places import DOWNLOAD, digest_of_file, digest_of_weights
from normenc.pretrained.weight_files import load_weights
from normenc.study.encoder_layers import Chosen, choose_layers
from normenc.study.encoder_settings import EncoderSettings
from normenc.study.own_code import code_of, import_part
from normenc.training import initialise

__all__ = ["EncoderUnit", "encoder_unit"]


@dataclass(frozen=True, eq=False)
class EncoderUnit:
    """An encoder of a study that was built once, and whose layers were found.

    Attributes
    ----------
    section : EncoderSettings
    chosen : Chosen
        Its layers.
    preprocessing : Preprocessing
        How images are prepared for it.
    weights : dict
        ``file`` and ``sha256`` of what was loaded (of a download without a file, the digest of all weights), and
        ``n_parameters``; without weights, the last alone.
    """

    section: EncoderSettings
    chosen: Chosen
    preprocessing: Preprocessing
    weights: dict[str, Any]

    @property
    def title(self) -> str:
        """What it is called in tables."""
        return self.section.title

    @property
    def encoder(self) -> EncoderId:
        """The network as an encoder: pretrained, or untrained where it has no weights."""
        kind = EncoderKind.PRETRAINED if self.section.is_pretrained else EncoderKind.TWIN
        return EncoderId(None, self.title, None, kind)

    @property
    def settings(self) -> dict[str, Any]:
        """Its section, as plain values."""
        return self.section.model_dump(exclude_none=True)

    @property
    def known(self) -> dict[str, Any]:
        """What decides what it does, beside its weights: the model, its options, and the code that builds it."""
        return {"model": self.section.model, "options": self.section.options, "code": self.weights.get("code")}

    @property
    def roots(self) -> list[Path]:
        """The folder from which own code is imported that builds it, if any."""
        root = root_of_module(self.section.model.partition(":")[0]) if self.section.is_own else None
        return [] if root is None else [root]

    def pretrained(self) -> nn.Module:
        """Build it with its weights, which must still be those that were found.

        Raises
        ------
        InputError
            When the file of weights has changed since.
        """
        network = _loaded(self.section)
        now = _weights_of(self.section, network)
        if now != self.weights:
            raise InputError(
                f"encoder {self.title}: its weights ({self.weights.get('file')}) have changed since the study began; "
                "run it again"
            )
        return network

    def untrained(self, seed: int) -> nn.Module:
        """Build it with the initial weights of a seed."""
        return _initial(self.section, seed)


def encoder_unit(
    section: EncoderSettings, seeds: list[int], show: Callable[[tuple[int, int] | None], Any]
) -> EncoderUnit:
    """Build an encoder, load its weights, and find its layers with one image.

    Parameters
    ----------
    section : EncoderSettings
    seeds : list of int
        Of the untrained networks.
    show : callable
        The stimuli for a network that takes images of this size.

    Raises
    ------
    InputError
        When the model, its weights or its layers are not there or do not fit; the message names the encoder.
    """
    try:
        network = _loaded(section) if section.is_pretrained else _initial(section, seeds[0])
        preprocessing: Preprocessing = network.preprocessing  # type: ignore[assignment]
        if section.is_own:
            _check_seeds(section, seeds)
        chosen = choose_layers(network, show(preprocessing.size)[0:1], section)
        return EncoderUnit(section, chosen, preprocessing, _weights_of(section, network))
    except InputError as error:
        raise InputError(f"encoder {section.title}: {error}") from None


def _loaded(section: EncoderSettings) -> nn.Module:
    """The network with its weights, adapted."""
    if not section.is_own:
        return load_model(section.model, weights=section.weights, leave_out=section.leave_out, fit=section.fit)
    network = _own(section, 0)
    load_weights(network, weights_file(section.weights or ""), section.model, section.leave_out)
    return adapt(network, **section.preparation)


def _initial(section: EncoderSettings, seed: int) -> nn.Module:
    if not section.is_own:
        return load_model(section.model, seed=seed, fit=section.fit)
    return adapt(_own(section, seed), **section.preparation)


def _own(section: EncoderSettings, seed: int) -> nn.Module:
    """The network of an import path, with the initial weights of a seed; any error of its code names it."""
    build = partial(import_part(section.model), **(section.options or {}))
    try:
        network = initialise(partial(_module, build, section.model), seed)
    except InputError:
        raise
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # such as SystemExit
        said = shortened(f"{type(error).__name__}: {error}", 300)
        raise InputError(f"{section.model} fails: {said}; correct its code, or its options") from error
    return network


def _module(build: Callable[[], Any], name: str) -> nn.Module:
    network = build()
    if not isinstance(network, nn.Module):
        raise InputError(f"{name} gives a {type(network).__name__}; it must give a torch.nn.Module")
    if any(value.is_meta for value in network.parameters()):
        raise InputError(f"{name} gives weights on the device 'meta', which stores no values; build it on the CPU")
    return network


def _check_seeds(section: EncoderSettings, seeds: list[int]) -> None:
    """Raise InputError unless initial weights follow from the seed alone: twins would not be untrained."""
    one, again, other = (dict(_own(section, seed).named_parameters()) for seed in (seeds[0], seeds[0], seeds[1]))
    for name, value in one.items():
        if not value.isfinite().all():
            raise InputError(
                f"{section.model} gives initial weights ({name}) that are NaN or infinite; correct how it draws them"
            )
        if not torch.equal(value, again[name]):
            raise InputError(
                f"{section.model} gives other initial weights ({name}) each time, whatever the seed; draw them with "
                "torch's global generator, whose seed is set before"
            )
    for name, value in one.items():
        drawn = value.requires_grad and value.ndim > 1 and bool((value != value.flatten()[0]).any())
        if drawn and torch.equal(value, other[name]):
            raise InputError(
                f"{section.model} gives the same weights ({name}) from every seed, so its untrained twins would not be "
                "untrained: let it draw initial weights, and give trained ones as a file of weights. Weights that are "
                "fixed by design have requires_grad = False"
            )


def _weights_of(section: EncoderSettings, network: nn.Module) -> dict[str, Any]:
    """What was loaded: the file's name and SHA-256, or the digest of weights that a library downloaded."""
    known: dict[str, Any] = {"n_parameters": sum(value.numel() for value in network.parameters())}
    if section.weights == DOWNLOAD:
        known |= {"file": None, "sha256": digest_of_weights(network)}
    elif section.weights is not None:
        path: Path = weights_file(section.weights)
        known |= {"file": path.name, "sha256": digest_of_file(path)}
    if section.is_own:
        part = import_part(section.model)
        part = part.func if isinstance(part, partial) else part
        known |= {"code": code_of(part)} if hasattr(part, "__qualname__") else {}
    return known
