"""What decides an encoder's responses, as a digest: so that kept responses are used for the same encoder alone.

A digest knows what is written down. Whatever else decides responses shows in those to a few images.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from normenc.representations.descriptions import Describing, add_tensor
from normenc.representations.probing import differ
from normenc.representations.readers import LayerReader

__all__ = ["digest_of_encoder", "digest_of_few", "digest_of_images", "few_images", "few_values", "same_values"]

AT_ONCE = 2**26  # bytes of images
FEW = 3
UNITS = 1000  # of a layer, whose responses to the few images tell one encoder from another
ROUNDING = 1e-5  # of the largest value: what the number of threads may change

Values = dict[str, npt.NDArray[Any]]


def digest_of_encoder(encoder: Any) -> str | None:
    """A digest of a module's weights, buffers, settings, hooks, and the code of its parts.

    The code is that of the classes of its parts and of their bases, of hooks, and of methods that were put in the place
    of others: their files and, of code that is not installed, the values of class attributes, and of the globals that
    functions name. The settings are the attributes of its parts: numbers, texts, arrays, functions, other modules, and
    objects made of these.

    Parameters
    ----------
    encoder : Module or callable

    Returns
    -------
    str or None
        None if it cannot be known: for callables that are no modules, and modules with attributes that cannot be
        described, such as open files.

    Examples
    --------
    >>> one, other = nn.Linear(2, 3), nn.Linear(2, 3)
    >>> digest_of_encoder(one) == digest_of_encoder(one), digest_of_encoder(one) == digest_of_encoder(other)
    (True, False)
    """
    if not isinstance(encoder, nn.Module):
        return None
    try:
        return sha256(f"torch {torch.__version__} {Describing().module(encoder)}".encode()).hexdigest()
    except Exception:  # of any class, by its own methods
        return None


def digest_of_images(images: Any) -> str:
    """A digest of images' values, types and shapes: their own attribute `digest`, or of what slices give.

    Parameters
    ----------
    images : Tensor, ndarray, or anything with a length whose slices are tensors
    """
    own = getattr(images, "digest", None)
    if isinstance(own, str):
        return own
    digest = sha256()
    first = torch.as_tensor(images[:1])
    step = max(1, AT_ONCE // max(1, first.nbytes))
    for start in range(0, len(images), step):
        add_tensor(digest, torch.as_tensor(images[start : start + step]))
    return digest.hexdigest()


def few_images(images: Any) -> torch.Tensor:
    """Three of the images, or all where there are fewer, always the same places."""
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(1))[:FEW].tolist()
    return torch.cat([torch.as_tensor(images[place : place + 1]) for place in order])


def few_values(reader: LayerReader) -> Values:
    """What each layer gives for few images: of some units, and mean and root mean square of these and others."""
    found = {}
    for name, rows in reader.few.items():
        plain = rows.astype(np.float64)
        whole = [plain.mean(axis=1, keepdims=True), np.sqrt(np.square(plain).mean(axis=1, keepdims=True))]
        found[name] = np.hstack([plain[:, :: -(-plain.shape[1] // UNITS) or 1], *whole]).astype(np.float32)
    return found


def same_values(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> bool:
    """Whether a layer gave the same values for few images, apart from rounding."""
    return not differ(one, other, ROUNDING)


def digest_of_few(reader: LayerReader, layers: Sequence[str] | Mapping[str, Any]) -> str:
    """A digest of what layers give for few images, of every bit: for the same machine."""
    digest = sha256()
    for name in layers:
        digest.update(name.encode())
        add_tensor(digest, torch.from_numpy(np.ascontiguousarray(reader.few[name])))
    return digest.hexdigest()
