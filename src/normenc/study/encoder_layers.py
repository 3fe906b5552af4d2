"""Which layers of an encoder are compared: those that patterns name, all, or some that are evenly spaced over depth."""

import copy
import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np
import torch
from torch import nn

from normenc.errors import InputError, quoted
from normenc.pretrained import activation_layers
from normenc.representations import represent
from normenc.representations.layer_names import parse_layer
from normenc.study.encoder_settings import EncoderSettings

__all__ = ["Chosen", "choose_layers", "evenly_spaced"]

NEAR = 3  # names in a message
WILD = "*?["


@dataclass(frozen=True)
class Chosen:
    """Layers of a network in order of running, as :func:`normenc.representations.represent` takes them.

    ``n_units`` are the units of each; ``how`` says how they were chosen, as a clause, empty if each was named.
    """

    layers: tuple[str, ...]
    n_units: tuple[int, ...]
    how: str


def choose_layers(network: nn.Module, image: torch.Tensor, settings: EncoderSettings) -> Chosen:
    """The layers that a section ``[[encoder]]`` asks for, tried on one image.

    Parameters
    ----------
    network : Module
        Adapted, with the weights that are compared.
    image : Tensor, shape (1, ...)
        As it takes it.
    settings : EncoderSettings

    Raises
    ------
    InputError
        If a name or pattern matches nothing, a layer does not run, does not give one row per image, or depends on
        weights that were left out; the message has the nearest names.
    """
    whole = activation_layers(network, image)
    known = _with_weights(network, image, whole, settings.leave_out)
    if not known:
        raise InputError(
            f"leave_out: given {settings.leave_out}, but every layer depends on these weights; load them, or leave out "
            "weights of later layers alone"
        )
    asked = ["*"] if settings.layers in (None, "all") else list(settings.layers or ())
    matched = _matched(network, image, known, whole, asked)
    for name in set(matched) - set(_with_weights(network, image, matched, settings.leave_out)):
        raise _depends(name)
    units = _units(network, image, matched)
    _check_units(units, asked)
    found = [name for name in matched if units[name] > 1]
    how = "all layers that give one row per image" if settings.layers == "all" else ""
    if any(mark in pattern for pattern in asked for mark in f"!{WILD}") and not how:
        how = f"the layers that match {', '.join(asked)}"
    if (n := settings.n_layers) is not None:
        distinct = found if settings.layers else [name for name in found if _has_weights(network, name)] or found
        if settings.n is not None and n > len(distinct):
            raise InputError(f"n: given {n}, but {len(distinct)} layers can be chosen from: {_some(distinct)}")
        found, n_found = evenly_spaced(distinct, n), len(distinct)
        of = f"that match {', '.join(asked)}" if settings.layers else "with weights"
        how = f"{len(found)} of the {n_found} layers {of}, evenly spaced over depth"
    layers = _of_tokens(network, image, found, settings.tokens)
    _check_once(network, layers, whole)
    units |= _units(network, image, [name for name in layers if name not in units])
    return Chosen(tuple(layers), tuple(units[name] for name in layers), how)


def evenly_spaced(names: Sequence[str], n: int) -> list[str]:
    """`n` of some names, as evenly as may be, the first and the last among them.

    Examples
    --------
    >>> evenly_spaced(["a", "b", "c", "d", "e"], 3), evenly_spaced(["a", "b"], 8)
    (['a', 'c', 'e'], ['a', 'b'])
    """
    places = np.unique(np.linspace(0, len(names) - 1, min(n, len(names))).round().astype(int))
    return [names[place] for place in places]


def _matched(
    network: nn.Module, image: torch.Tensor, known: Sequence[str], whole: Sequence[str], patterns: Sequence[str]
) -> list[str]:
    """Layers that match any pattern, and none that begins with an exclamation mark, in order of running."""
    places = {name: (place, 0) for place, name in enumerate(known)}
    chosen: dict[str, tuple[int, int]] = {}
    without = [pattern.removeprefix("!") for pattern in patterns if pattern.startswith("!")]
    wanted = [pattern for pattern in patterns if not pattern.startswith("!")] or ["*"]
    for pattern in wanted:
        own = [name for name in known if _fits(name, pattern)]
        if own:
            chosen |= {name: places[name] for name in own}
        elif any(_fits(name, pattern) for name in whole):
            raise _depends(pattern)
        else:
            chosen[pattern] = _named(network, image, known, pattern)
    for pattern in without:
        candidates = dict.fromkeys((*known, *chosen))
        own = [name for name in candidates for called in (name, _base(name)) if _fits(called, pattern)]
        if not own:
            raise InputError(f"layers: given {quoted('!' + pattern)}, which matches no layer{_near(pattern, known)}")
        chosen = {name: place for name, place in chosen.items() if name not in own}
    if not chosen:
        raise InputError(f"layers: given {list(patterns)}, which leave no layer; there are {_some(known)}")
    return sorted(chosen, key=lambda name: chosen[name])


def _depends(name: str) -> InputError:
    return InputError(
        f"layers: given {quoted(name)}, which depends on weights that leave_out keeps from being loaded; leave it out, "
        "or load these weights"
    )


def _fits(name: str, pattern: str) -> bool:
    return name == pattern or fnmatchcase(name, pattern)


def _named(network: nn.Module, image: torch.Tensor, known: Sequence[str], name: str) -> tuple[int, int]:
    """The place of a layer that is named in full, as one of several runs, or pooled."""
    bases = [_base(other) for other in known]
    base = _base(name)
    if any(mark in base for mark in WILD) or base not in dict(network.named_modules()):
        raise InputError(f"layers: given {quoted(name)}, which matches no layer that runs{_near(name, known)}")
    try:
        represent(network, image, [name])
    except InputError as error:
        raise InputError(f"layers: given {quoted(name)}; {error}{_near(name, known)}") from None
    if base not in bases:
        raise InputError(f"layers: given {quoted(name)}, whose place in the network is not known{_near(name, known)}")
    return len(bases) - 1 - bases[::-1].index(base), 1


def _base(name: str) -> str:
    """The module of a layer's name, without its run, the element of its output, and how it is pooled."""
    return name.partition("@")[0].partition("[")[0].partition(":")[0]


def _with_weights(
    network: nn.Module, image: torch.Tensor, layers: Sequence[str], leave_out: Sequence[str]
) -> list[str]:
    """Layers that do not depend on weights that were left out, tried with other values in the place of these.

    Rectified units may all be silent on one image, so the image is also shown turned, and noise in its range.
    """
    left = [key for key in network.state_dict() if any(fnmatchcase(key, pattern) for pattern in leave_out)]
    if not left:
        return list(layers)
    other = copy.deepcopy(network)
    state = other.state_dict()
    generator = torch.Generator().manual_seed(0)
    for key in left:
        if state[key].is_floating_point() or state[key].is_complex():  # above 0, as variances among buffers must stay
            state[key] = state[key] + 0.5 + torch.rand(state[key].shape, generator=generator).to(state[key])
    other.load_state_dict(state)
    low, high = image.min(), image.max()
    noise = low + (high - low if high > low else 1) * torch.rand((6, *image.shape[1:]), generator=generator).to(image)
    shown = torch.cat([image, image.flip(-1), noise])
    one, changed = (represent(each, shown, layers) for each in (network, other))
    return [name for name in layers if np.array_equal(one[name], changed[name], equal_nan=True)]


def _has_weights(network: nn.Module, name: str) -> bool:
    """Whether a layer, or a part of it, has weights; a sequence gives what its last part gives, and does not count."""
    module = network.get_submodule(_base(name))
    return not isinstance(module, nn.Sequential) and next(module.parameters(), None) is not None


def _of_tokens(network: nn.Module, image: torch.Tensor, layers: Sequence[str], tokens: str) -> list[str]:
    """The layers, those of tokens (stimulus, token, unit) by their class token or their mean."""
    if tokens == "all":
        return list(layers)
    plain = [name for name in layers if "@" not in name]
    pooled = {name: f"{name}@{tokens}" for name in _with_tokens(network, image, plain)}
    if not pooled:
        raise InputError(
            f"tokens: given {tokens!r}, which is for outputs (stimulus, token, unit), but none of the layers "
            f"{_some(layers)} has such an output; leave it out"
        )
    return [pooled.get(name, name) for name in layers]


def _with_tokens(network: nn.Module, image: torch.Tensor, layers: Sequence[str]) -> list[str]:
    """Those of some layers whose outputs are tokens: of all at once where they are, else found by halves."""
    if not layers:
        return []
    try:
        represent(network, image, [f"{name}@class" for name in layers])
    except InputError:
        half = len(layers) // 2
        parts = (layers[:half], layers[half:]) if half else ()
        return [name for part in parts for name in _with_tokens(network, image, part)]
    return list(layers)


def _units(network: nn.Module, image: torch.Tensor, layers: Sequence[str]) -> dict[str, int]:
    """How many units each layer has."""
    if not layers:
        return {}
    return {name: responses.sizes["unit"] for name, responses in represent(network, image, layers).items()}


def _check_once(network: nn.Module, layers: Sequence[str], whole: Sequence[str]) -> None:
    """Raise InputError where two names are those of one output, as of a module and of its last run."""
    modules = dict(network.named_modules())
    last: dict[str, int] = {}
    for known in (parse_layer(name, modules) for name in whole):
        last[known.module] = max(last.get(known.module, 0), known.run or 0)
    names: dict[object, str] = {}
    for name in layers:
        own = parse_layer(name, modules)
        output = (own.module, last.get(own.module, 0) if own.run is None else own.run, own.path, own.pool)
        if output in names:
            what = "is given twice" if names[output] == name else f"and {quoted(names[output])} are the same output"
            raise InputError(f"layers: {quoted(name)} {what}; name it once")
        names[output] = name


def _check_units(units: Mapping[str, int], patterns: Sequence[str]) -> None:
    """Raise InputError where a layer that is named in full, or every layer, has a single unit."""
    for name, n in units.items():
        if n < 2 and name in patterns:
            raise InputError(f"layers: given {quoted(name)}, which has a single unit, whose RDM is undefined")
    if max(units.values()) < 2:
        raise InputError("layers: each of them has a single unit, whose RDM is undefined; name other layers")


def _near(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name.strip("!*"), known, n=NEAR, cutoff=0.4)
    return f"; did you mean {', '.join(near)}?" if near else f"; there are {_some(known)}"


def _some(names: Sequence[str]) -> str:
    shown = 12
    more = f", ... ({len(names)} in all)" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
