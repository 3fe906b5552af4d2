"""Any architecture of timm, trained from scratch."""

import difflib
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import nn

from normenc.errors import InputError, shortened
from normenc.keys import Count, named
from normenc.networks.base import IMAGE_SIZE, NETWORKS, Network

__all__ = ["Timm"]

BODY = "body."
N_LAYERS = 8  # by default
N_PROBES = 3  # images; a layer gives one row for each


@named(NETWORKS, "timm")
class Timm(Network):
    """An architecture of timm with its own classifier in place of ``fc`` and ``out``, from random weights.

    It takes grey images at their own size, from 0 to 1 as they are. Where an architecture is built for one size of
    images, such as a transformer, it is built for this one. Weights are timm's initial ones; nothing is downloaded.

    Parameters
    ----------
    image_size, n_outputs, output
        See :class:`Network`.
    model : str
        timm's name of the architecture, such as ``"resnet10t"`` (``timm.list_models()``).
    layers : sequence of str
        Names or patterns of layers to compare, as timm calls them: ``["layer*"]``, ``["blocks.0", "blocks.3"]``. Those
        that begin with an exclamation mark leave layers out. By default all that have weights.
    n : int
        At most so many of these, evenly spaced over depth.

    Raises
    ------
    InputError
        If timm is missing or has no such model, the model cannot process images of this size, a pattern matches no
        layer, or the output is unknown.

    Notes
    -----
    A layer must run once, and give one row for each image. ``layers()`` names them as this network does, with ``body.``
    before the name that timm gives: ``body.layer1``.
    """

    packages: ClassVar[tuple[str, ...]] = ("timm",)
    title_key: ClassVar[str] = "model"

    def __init__(
        self,
        image_size: tuple[int, int] = IMAGE_SIZE,
        *,
        model: Annotated[str, Field(min_length=1)],
        layers: Sequence[str] = (),
        n: Count = N_LAYERS,
        n_outputs: int = 1,
        output: str = "probability",
    ) -> None:
        super().__init__(image_size, n_hidden=1, n_outputs=n_outputs, output=output)
        if isinstance(layers, str) or n < 1:
            raise InputError(f"layers is {layers!r} and n is {n}; give a list of names or patterns, and n of at least 1")
        self.model = model
        self.body = _built(model, self.image_size, n_outputs)
        self.chosen = _evenly_spaced(_matching(self._run_once(), layers), n)

    def layers(self) -> tuple[str, ...]:
        """Names of the layers to compare, from first to last, without the output."""
        return self.chosen

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        outputs = self.body(self._checked(images))
        return torch.sigmoid(outputs) if self.output == "probability" else outputs

