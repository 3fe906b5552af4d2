"""Seeds to generators and networks, and names to devices."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import UninitializedParameter

from normenc.arrays import as_count
from normenc.errors import InputError

__all__ = ["check_seed", "copied", "initialise", "lent", "resolve_device", "seeded_network"]

OF_RUNNING = 2**32  # added to the seed for random numbers that networks draw as they run


def initialise(network: Callable[[], nn.Module], seed: int, images: torch.Tensor | None = None) -> nn.Module:
    """Build a network as :func:`train` would with this seed, and leave it untrained.

    Parameters
    ----------
    network : class or function without arguments that builds a Module
    seed : int
        0 to 2**32 - 1.
    images : Tensor, optional
        A few images for lazy layers, whose sizes follow from them, in the form that the network expects.

    Returns
    -------
    Module
        On the CPU, in evaluation mode.

    Examples
    --------
    >>> from normenc import networks
    >>> initialise(networks.FC, 3).fc.weight.equal(initialise(networks.FC, 3).fc.weight)
    True
    """
    return seeded_network(network, seed, images)[0].eval()


@contextmanager
def lent(generator: torch.Generator | int, device: torch.device | None = None) -> Iterator[None]:
    """Lend torch's global generator, from which modules draw, a state or a seed; then give it back.

    A given generator continues from where the modules left it.
    """
    devices = [torch.cuda.current_device()] if device is not None and device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        if isinstance(generator, int):
            torch.default_generator.manual_seed(generator)
            if devices:
                torch.cuda.manual_seed(generator)
            yield
        else:
            torch.random.set_rng_state(generator.get_state())
            yield
            generator.set_state(torch.random.get_rng_state())


def copied(network: nn.Module) -> nn.Module:
    """An independent copy; raises InputError for a module that cannot be copied, or only before it has run."""
    hooks = [hook for part in network.modules() for hook in part._forward_pre_hooks.values()]
    if any(type(hook).__name__ == "WeightNorm" for hook in hooks):
        raise InputError(
            f"{type(network).__name__} uses torch.nn.utils.weight_norm, and cannot be copied after it has run; use "
            "torch.nn.utils.parametrizations.weight_norm instead"
        )
    try:
        return copy.deepcopy(network)
    except (RuntimeError, TypeError, NotImplementedError) as error:
        said = " ".join(str(error).split())[:200]
        raise InputError(f"{type(network).__name__} cannot be copied ({said}), which training needs") from None


def resolve_device(device: str | torch.device) -> torch.device:
    """Turn ``"auto"``, ``"cpu"``, ``"cuda"`` or a torch device into an available torch device.

    Raises
    ------
    InputError
        If the device is unknown, or is a GPU and none is available.

    Examples
    --------
    >>> resolve_device("cpu")
    device(type='cpu')
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        resolved = torch.device(device)
    except RuntimeError:
        resolved = None
    if resolved is None or resolved.type not in ("cpu", "cuda"):
        raise InputError(f"device is {str(device)!r}; it must be 'auto', 'cpu' or 'cuda'")
    if resolved.type == "cuda" and not torch.cuda.is_available():
        raise InputError("device is 'cuda' but no CUDA GPU is available; use 'auto' or 'cpu'")
    return resolved


def seeded_network(
    network: nn.Module | Callable[[], nn.Module], seed: int, images: torch.Tensor | None = None
) -> tuple[nn.Module, torch.Generator]:
    """The network with its initial weights, and the generator, which continues from there.

    Lazy layers draw theirs from the same generator when they process `images`.
    """
    generator = torch.Generator().manual_seed(check_seed(seed))
    if isinstance(network, nn.Module):
        model = copied(network)
    else:
        with lent(generator):
            model = network()
        if not isinstance(model, nn.Module):
            raise InputError(f"network built a {type(model).__name__}; it must build a torch.nn.Module")
    lazy = [name for name, value in model.named_parameters() if isinstance(value, UninitializedParameter)]
    if lazy and images is None:
        raise InputError(
            f"{type(model).__name__} has lazy layers ({lazy[0]}), whose weights are drawn when they first process "
            "images; give their sizes, or run the network once"
        )
    if lazy:
        with lent(generator), torch.no_grad():
            model.eval()(images)
        model.train()
    return model, generator


def check_seed(seed: Any, name: str = "seed") -> int:
    """A seed as a Python integer; raises InputError if it is not one."""
    number = as_count(seed, name, 0)
    if number >= 2**32:
        raise InputError(f"{name} is {number}; it must be between 0 and 2**32 - 1")
    return number
