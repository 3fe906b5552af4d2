"""Optimizers of :mod:`torch.optim` without their support for :func:`torch.compile`, which takes seconds to load.

Torch wraps the methods of an optimizer so that a compiled program may contain them. The wrappers import torch._dynamo
at their first call, though nothing is compiled: one to three seconds in every process that trains. No optimizer of
normenc is part of a compiled program (:func:`torch.compile` is given networks alone), so that the wrappers do nothing.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import torch

__all__ = ["uncompiled"]

WRAPPED = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")
# Functions of torch that wrap methods: what they do is repeated below, or matters to compiled programs alone.
WRAPPERS = (
    "_disable_dynamo.<locals>.inner",
    "_use_grad_for_differentiable.<locals>._use_grad",
    "Optimizer.profile_hook_step.<locals>.wrapper",  # torch adds it to the class when an optimizer is made
)


@cache
def uncompiled(kind: type[torch.optim.Optimizer]) -> Any:
    """The same optimizer, to the bit, whose methods do not import torch._dynamo.

    The class itself is not changed. Methods that a version of torch wraps in another way are left as they are.

    Parameters
    ----------
    kind : class
        Of :mod:`torch.optim`.

    Returns
    -------
    class
        A subclass with the same name and parameters.

    Examples
    --------
    >>> weight = torch.ones(2, requires_grad=True)
    >>> optimizer = uncompiled(torch.optim.SGD)([weight], lr=0.5)
    >>> weight.sum().backward()
    >>> optimizer.step()
    >>> weight.tolist()
    [0.5, 0.5]
    """
    own_step = _unwrapped(kind.step)

    def step(self: torch.optim.Optimizer, closure: Callable[[], float] | None = None) -> Any:
        with torch.set_grad_enabled(self.defaults.get("differentiable", False)):  # as torch's wrapper does
            return own_step(self, closure)

    methods = {name: _unwrapped(getattr(kind, name)) for name in WRAPPED}
    return type(kind.__name__, (kind,), {**methods, "step": step})


def _unwrapped(method: Any) -> Any:
    while getattr(getattr(method, "__code__", None), "co_qualname", "") in WRAPPERS:
        method = method.__wrapped__
    return method
