"""Any architecture of timm, trained from scratch."""

import difflib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import nn

from normenc.errors import InputError, quoted, shortened
from normenc.keys import Count, named
from normenc.networks.base import IMAGE_SIZE, NETWORKS, Network

__all__ = ["Timm"]

BODY = "body"
N_LAYERS = 8  # where neither names nor a number are given
N_PROBES = 3  # images; a layer gives a row for each
NAMED = 3  # names in a message


@named(NETWORKS, "timm")
class Timm(Network):
    """An architecture of timm, from random weights, with its own classifier in place of ``fc`` and ``out``.

    It takes grey images from 0 to 1 as they are, at their own size. An architecture with a fixed size of images, such
    as a transformer, is built for this one. Nothing is downloaded.

    Parameters
    ----------
    image_size, n_outputs, output
        See :class:`Network`.
    model : str
        timm's name of the architecture, such as ``"resnet10t"``; ``timm.list_models()`` gives all.
    layers : sequence of str
        Layers to compare, by name or pattern, as timm names them: ``["layer*"]``, ``["blocks.0", "blocks.3"]``. Those
        that begin with an exclamation mark leave layers out. By default all that have weights, except the last.
    n : int, optional
        At most this many of them, evenly spaced over depth. By default all that `layers` names; without `layers`, 8.

    Raises
    ------
    InputError
        If timm is missing or has no such model, the model cannot process images of this size, a pattern matches no
        layer, a size is not positive, or the output is unknown.

    Notes
    -----
    ``layers()`` gives names with ``body.`` before timm's, as in ``body.layer1``. A layer runs once, and gives at least
    two numbers for each image.

    References
    ----------
    Wightman, "PyTorch image models", https://github.com/huggingface/pytorch-image-models.
    """

    packages: ClassVar[tuple[str, ...]] = ("timm",)  # whose version decides the result
    title_key: ClassVar[str] = "model"  # what tables call it by default

    def __init__(
        self,
        image_size: tuple[int, int] = IMAGE_SIZE,
        *,
        model: Annotated[str, Field(min_length=1)],
        layers: Sequence[str] = (),
        n: Count | None = None,
        n_outputs: int = 1,
        output: str = "probability",
    ) -> None:
        super().__init__(image_size, n_outputs=n_outputs, output=output)
        if isinstance(layers, str):
            raise InputError(f"layers is the text {layers!r}; give a list of names or patterns, such as [{layers!r}]")
        if n is not None and n < 1:
            raise InputError(f"n is {n}; give at least 1 layer")
        self.model = model
        self.body = _built(model, self.image_size, n_outputs)
        there = _layers_there(model, self.body, self.image_size)
        chosen = _matching(there, layers) if layers else _with_weights(self.body, there)
        n = n or (len(chosen) if layers else N_LAYERS)
        self._chosen = tuple(f"{BODY}.{name}" for name in _evenly_spaced(chosen, n))

    def layers(self) -> tuple[str, ...]:
        """Names of the layers to compare, from first to last, without the output."""
        return self._chosen

    def _outputs(self, images: torch.Tensor) -> torch.Tensor:
        return self.body(images)


def _built(model: str, image_size: tuple[int, int], n_outputs: int) -> nn.Module:
    try:
        import timm
        from timm.models import get_pretrained_cfg
    except (ImportError, RuntimeError) as error:
        raise InputError(
            f"timm cannot be imported ({error}): pip install 'normenc[models]', in builds that fit your torch"
        ) from None
    there = timm.list_models()
    if model not in there:
        near = difflib.get_close_matches(model.partition(".")[0], there, n=NAMED)
        hint = f"did you mean {', '.join(near)}?" if near else f"there are {len(there)}, such as {there[0]}"
        raise InputError(f"model: given {quoted(model)}; timm has no architecture of this name; {hint}")
    stated = get_pretrained_cfg(model)
    fixed = {"img_size": image_size} if stated is not None and stated.fixed_input_size else {}
    with _refused(model, image_size):
        built: nn.Module = timm.create_model(model, pretrained=False, in_chans=1, num_classes=n_outputs, **fixed)
    return built


@contextmanager
def _refused(model: str, image_size: tuple[int, int]) -> Iterator[None]:
    """Say which model fails for which images; architectures raise errors of many types."""
    try:
        yield
    except Exception as error:
        said = shortened(f"{type(error).__name__}: {error}", 200)
        raise InputError(
            f"model: given {quoted(model)}, which cannot process grey images of {image_size[0]} x {image_size[1]} "
            f"pixels ({said}); use images of another size, or another model"
        ) from error


def _layers_there(model: str, body: nn.Module, image_size: tuple[int, int]) -> list[str]:
    """Modules that run once and give at least two numbers for each image, in order of running, without the answer."""
    runs: Counter[str] = Counter()
    outputs: dict[str, Any] = {}

    def keep(name: str, output: Any) -> None:
        runs[name] += 1
        outputs[name] = output

    hooks = [
        module.register_forward_hook(lambda _module, _images, output, name=name: keep(name, output))
        for name, module in body.named_modules()
        if name
    ]
    body.eval()
    try:
        with _refused(model, image_size), torch.no_grad():
            answer = body(torch.zeros(N_PROBES, 1, *image_size))
    finally:
        for hook in hooks:
            hook.remove()
        body.train()
    return [name for name, output in outputs.items() if runs[name] == 1 and _is_layer(output, answer)]


def _is_layer(output: Any, answer: torch.Tensor) -> bool:
    if not isinstance(output, torch.Tensor) or output is answer or not output.is_floating_point() or output.ndim < 2:
        return False
    return len(output) == N_PROBES and output[0].numel() > 1


def _with_weights(body: nn.Module, names: Sequence[str]) -> list[str]:
    """Those with weights, but for sequences, which give what their last part gives."""
    parts = {name: body.get_submodule(name) for name in names}
    return [
        name
        for name, part in parts.items()
        if not isinstance(part, nn.Sequential) and next(part.parameters(), None) is not None
    ]


def _matching(names: Sequence[str], patterns: Sequence[str]) -> list[str]:
    """Names that match any pattern, and none of those that begin with an exclamation mark."""
    wanted = [pattern for pattern in patterns if not pattern.startswith("!")] or ["*"]
    without = [pattern.removeprefix("!") for pattern in patterns if pattern.startswith("!")]
    for pattern in (*wanted, *without):
        if not any(fnmatchcase(name, pattern) for name in names):
            near = difflib.get_close_matches(pattern.strip("*"), names, n=NAMED, cutoff=0.4) or names[:NAMED]
            raise InputError(
                f"layers: given {quoted(pattern)}, which matches no layer that runs once and gives one row per image; "
                f"there are {len(names)}, such as {', '.join(near)}"
            )
    found = [name for name in names if any(fnmatchcase(name, pattern) for pattern in wanted)]
    chosen = [name for name in found if not any(fnmatchcase(name, pattern) for pattern in without)]
    if not chosen:
        raise InputError(f"layers: given {list(patterns)}, which leave no layer")
    return chosen


def _evenly_spaced(names: Sequence[str], n: int) -> list[str]:
    places = np.unique(np.linspace(0, len(names) - 1, min(n, len(names))).round().astype(int))
    return [names[place] for place in places]
