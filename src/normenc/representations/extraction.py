"""Responses of layers that may be larger than memory: one pass over the images for all layers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from normenc.representations.representing import Encoder, represent
from normenc.representations.responses import LayerResponses

__all__ = ["extract"]


def extract(
    encoder: Encoder,
    images: Any,
    layers: Sequence[str] | None = None,
    *,
    memory: int | str | None = None,
    scratch: str | Path | None = None,
    reduce: str | None = None,
    batch_size: int = 64,
) -> dict[str, LayerResponses]:
    """Responses of an encoder's layers to images that may be on disk.

    Parameters
    ----------
    encoder : Module or callable
        As for :func:`represent`.
    images : Tensor, array_like, or anything with a length whose slices are tensors
        Such as a :class:`normenc.stimuli.ImageSet`.
    layers : sequence of str, optional
        As for :func:`represent`.

    Returns
    -------
    dict of str to LayerResponses
        In the requested order.

    Examples
    --------
    >>> from normenc import networks, stimuli
    >>> layers = extract(networks.ConvPoolFC(), stimuli.gratings([-45, 0, 45]), ["pool", "fc"])
    >>> {name: responses.shape for name, responses in layers.items()}
    {'pool': (3, 288), 'fc': (3, 10)}
    """
    if not isinstance(images, torch.Tensor) and hasattr(images, "image_size"):
        images = images[0 : len(images)]
    found = represent(encoder, images, layers, batch_size=batch_size)
    return {name: LayerResponses(name, responses.to_numpy()) for name, responses in found.items()}
