"""Names of layers: a module, one of its runs, an element of its output, and how tokens or positions are pooled."""

import re
from collections.abc import Container
from dataclasses import dataclass
from typing import Any

import torch

from normenc.errors import InputError

__all__ = ["LayerName", "elements_of", "parse_layer"]

FORM = re.compile(r"(?P<module>[^:\[\]@]+)(?::(?P<run>[0-9]+))?(?P<path>(?:\[[^\[\]]+\])*)(?:@(?P<pool>\w+))?")
POOLS = ("class", "mean", "max")
DEEPEST = 3  # depth to which nested elements are searched by default


@dataclass(frozen=True)
class LayerName:
    """The meaning of a name such as ``"blocks.3"``, ``"relu:1"``, ``"attn[0]"`` or ``"blocks.3@mean"``.

    ``run`` is None for the last of several runs; ``path`` leads into a tuple (numbers) or a dictionary (keys).
    """

    text: str
    module: str
    run: int | None = None
    path: tuple[str, ...] = ()
    pool: str | None = None

    def choose(self, output: Any) -> Any:
        """The element of a module's output at the path.

        Raises
        ------
        InputError
            If there is none; the message lists the elements.
        """
        for key in self.path:
            there = _parts(output)
            if key not in there:
                known = (
                    ", ".join(f"[{name}]" for name in there) or "none, because it is not a tuple, list or dictionary"
                )
                raise InputError(f"layer {self.text!r}: there is no element [{key}]; there are {known}")
            output = there[key]
        return output

    def pooled(self, values: torch.Tensor, maps: Container[tuple[int, ...]] = ()) -> torch.Tensor:
        """The class token, or the mean or maximum over tokens or positions, of an output with one row per stimulus.

        Parameters
        ----------
        values : Tensor, shape (n_stimuli, ...)
            Tokens (stimulus, token, unit), or maps that have the shape of one of `maps`, or this with channels last.
        maps : container of tuple
            Shapes (channel, position) and (channel, height, width) that convolutions and the like take or give: only
            these tell which axis is that of the channels.

        Raises
        ------
        InputError
            If there are neither tokens nor maps, or the channel axis is ambiguous.
        """
        if self.pool is None:
            return values
        shape = tuple(values.shape[1:])
        first, last = shape in maps, (*shape[-1:], *shape[:-1]) in maps
        if values.ndim == 3 and not first:
            return values[:, 0] if self.pool == "class" else self._over(values, (1,))
        if values.ndim in (3, 4) and self.pool != "class" and first != last:
            return self._over(values, tuple(range(2, values.ndim)) if first else (1, 2))
        wanted = "tokens, shape (stimulus, token, unit)"
        if self.pool != "class":
            wanted += ", or convolutional maps with a known channel axis"
        raise InputError(
            f"layer {self.text!r}: @{self.pool} is for {wanted}; the layer gives {tuple(values.shape)}. Read the whole "
            f"layer, {self.text.removesuffix('@' + self.pool)!r}, and average over the axes you need"
        )

    def _over(self, values: torch.Tensor, places: tuple[int, ...]) -> torch.Tensor:
        return values.mean(dim=places) if self.pool == "mean" else values.amax(dim=places)


def parse_layer(text: str, modules: Any) -> LayerName:
    """Parse a layer's name, given the names of `modules`.

    Raises
    ------
    InputError
        If there is no such module or pooling, or the name is ambiguous.

    Examples
    --------
    >>> parse_layer("blocks.3@mean", ["blocks.3"]).pool, parse_layer("lstm:1[1][0]", ["lstm"]).path
    ('mean', ('1', '0'))
    """
    match = FORM.fullmatch(text)
    if text in modules:
        if match is not None and match["module"] != text and match["module"] in modules:
            raise InputError(
                f"layer {text!r} is the name of a module, and also of an output of {match['module']!r}; rename the "
                "module"
            )
        return LayerName(text, text)
    if match is None or match["module"] not in modules:
        raise InputError(f"there is no layer {text!r}; the layers are {', '.join(modules)}")
    if match["pool"] is not None and match["pool"] not in POOLS:
        raise InputError(f"layer {text!r}: @{match['pool']} is not one of {', '.join(f'@{pool}' for pool in POOLS)}")
    path = tuple(re.findall(r"\[([^\[\]]+)\]", match["path"]))
    run = None if match["run"] is None else int(match["run"])
    return LayerName(text, match["module"], run, tuple(key.strip("'\"") for key in path), match["pool"])


def elements_of(output: Any, depth: int = 0) -> list[tuple[str, ...]]:
    """Paths to all tensors in a module's output; the empty path for a single tensor."""
    if isinstance(output, torch.Tensor):
        return [()]
    if depth == DEEPEST:
        return []
    return [(key, *rest) for key, value in _parts(output).items() for rest in elements_of(value, depth + 1)]


def _parts(output: Any) -> dict[str, Any]:
    """Elements of a tuple, a list or a dictionary by name; raises InputError if two have the same name."""
    if isinstance(output, tuple | list):
        return {str(place): value for place, value in enumerate(output)}
    if not (isinstance(output, dict) or hasattr(output, "keys")):
        return {}
    parts: dict[str, Any] = {}
    for key, value in output.items():
        if str(key) in parts:
            raise InputError(f"a layer returns a dictionary in which two elements are called [{key}]; rename one")
        parts[str(key)] = value
    return parts
