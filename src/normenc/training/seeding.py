"""Where seeds and devices become generators, networks and devices."""

import copy
from collections.abc import Callable

import torch
from torch import nn

from normenc.errors import InputError

__all__ = ["check_seed", "initialise", "resolve_device", "seeded_network"]


def initialise(network: Callable[[], nn.Module], seed: int) -> nn.Module:
    """Build a network as :func:`train` would with this seed, and leave it untrained.

    Parameters
    ----------
    network : class or function without arguments that builds a Module
    seed : int
        0 to 2**32 - 1.

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
    check_seed(seed)
    return seeded_network(network, seed)[0].eval()


def resolve_device(device: str | torch.device) -> torch.device:
    """Turn ``"auto"``, ``"cpu"``, ``"cuda"`` or a torch device into a torch device that is there.

    Raises
    ------
    InputError
        When the device is unknown, or is a GPU and none is there.

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
        raise InputError("device is 'cuda' but no CUDA GPU can be used here; use 'auto' or 'cpu'")
    return resolved


def seeded_network(network: nn.Module | Callable[[], nn.Module], seed: int) -> tuple[nn.Module, torch.Generator]:
    """The network with its initial weights, and the generator that goes on from there."""
    generator = torch.Generator().manual_seed(seed)
    if isinstance(network, nn.Module):
        return copy.deepcopy(network), generator
    # Layers draw their initial weights from torch's global generator: lend it the seed, then give it back.
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        model = network()
        generator.set_state(torch.random.get_rng_state())
    if not isinstance(model, nn.Module):
        raise InputError(f"network built a {type(model).__name__}; it must build a torch.nn.Module")
    return model, generator


def check_seed(seed: int) -> None:
    """Raise InputError when `seed` is none."""
    if not 0 <= seed < 2**32:
        raise InputError(f"seed is {seed}; it must lie between 0 and 2**32 - 1")
