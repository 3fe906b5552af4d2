"""Names of layers: a module, one of its runs, an element of what it gives, and how tokens or positions are pooled."""

import re
from dataclasses import dataclass
from typing import Any

import torch

from normenc.errors import InputError

__all__ = ["LayerName", "elements_of", "parse_layer"]

FORM = re.compile(r"(?P<module>[^:\[\]@]+)(?::(?P<run>[0-9]+))?(?P<path>(?:\[[^\[\]]+\])*)(?:@(?P<pool>\w+))?")
POOLS = ("class", "mean")
DEEPEST = 3  # elements within elements that are looked into unasked


@dataclass(frozen=True)
class LayerName:
    """What a name such as ``"blocks.3"``, ``"relu:1"``, ``"attn[0]"`` or ``"blocks.3@mean"`` stands for.

    ``run`` is None for the last of several runs; ``path`` leads into a tuple (numbers) or a dictionary (keys).
    """

    text: str
    module: str
    run: int | None = None
    path: tuple[str, ...] = ()
    pool: str | None = None

    def choose(self, output: Any) -> Any:
        """The element of a module's output that the path leads to.

        Raises
        ------
        InputError
            When it leads nowhere; the message lists what there is.
        """
        for key in self.path:
            if isinstance(output, dict) or hasattr(output, "keys"):
                there = {str(name): value for name, value in output.items()}
            elif isinstance(output, tuple | list):
                there = {str(place): value for place, value in enumerate(output)}
            else:
                there = {}
            if key not in there:
                known = ", ".join(f"[{name}]" for name in there) or "none, for it is no tuple, list or dictionary"
                raise InputError(f"layer {self.text!r}: there is no element [{key}]; there are {known}")
            output = there[key]
        return output

    def pooled(self, values: torch.Tensor) -> torch.Tensor:
        """Of what has one row a stimulus: the class token, or the mean over tokens or positions.

        Raises
        ------
        InputError
            When there are neither tokens (stimulus, token, unit) nor maps (stimulus, channel, height, width).
        """
        if self.pool is None:
            return values
        if values.ndim == 3:
            return values[:, 0] if self.pool == "class" else values.mean(dim=1)
        if values.ndim == 4 and self.pool == "mean":
            return values.mean(dim=(2, 3))
        wanted = "tokens, shape (stimulus, token, unit)" + (", or maps" if self.pool == "mean" else "")
        raise InputError(f"layer {self.text!r}: @{self.pool} is for {wanted}; the layer gives {tuple(values.shape)}")


def parse_layer(text: str, modules: Any) -> LayerName:
    """What a layer's name stands for, among the names of `modules`.

    Raises
    ------
    InputError
        When there is no such module, or no such way to pool.

    Examples
    --------
    >>> parse_layer("blocks.3@mean", ["blocks.3"]).pool, parse_layer("lstm:1[1][0]", ["lstm"]).path
    ('mean', ('1', '0'))
    """
    if text in modules:
        return LayerName(text, text)
    match = FORM.fullmatch(text)
    if match is None or match["module"] not in modules:
        raise InputError(f"there is no layer {text!r}; the layers are {', '.join(modules)}")
    if match["pool"] is not None and match["pool"] not in POOLS:
        raise InputError(f"layer {text!r}: @{match['pool']} is none of {', '.join(f'@{pool}' for pool in POOLS)}")
    path = tuple(re.findall(r"\[([^\[\]]+)\]", match["path"]))
    run = None if match["run"] is None else int(match["run"])
    return LayerName(text, match["module"], run, tuple(key.strip("'\"") for key in path), match["pool"])


def elements_of(output: Any, depth: int = 0) -> list[tuple[str, ...]]:
    """Paths to all tensors in what a module gives; the empty one for a tensor alone."""
    if isinstance(output, torch.Tensor):
        return [()]
    if depth == DEEPEST:
        return []
    if isinstance(output, dict) or hasattr(output, "keys"):
        parts = [(str(key), value) for key, value in output.items()]
    elif isinstance(output, tuple | list):
        parts = [(str(place), value) for place, value in enumerate(output)]
    else:
        return []
    return [(key, *rest) for key, value in parts for rest in elements_of(value, depth + 1)]
