"""Responses of an encoder to images, layer by layer."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import nn

from normenc.arrays import as_array
from normenc.errors import InputError
from normenc.freed_memory import freed_memory_kept
from normenc.progress import counting
from normenc.representations.modules import layers_that_run, module_reader
from normenc.representations.readers import CallableReader, LayerReader

__all__ = ["Encoder", "as_tensor", "layer_reader", "layers_in_order", "represent"]

Encoder = nn.Module | Callable[[torch.Tensor], Mapping[str, Any]]


def represent(
    encoder: Encoder,
    images: Any,
    layers: Sequence[str] | None = None,
    *,
    batch_size: int = 256,
) -> dict[str, xr.DataArray]:
    """An encoder's responses to images, layer by layer.

    Parameters
    ----------
    encoder : Module or callable
        A ``torch.nn.Module`` is read at its submodules' outputs (so that ``fc`` of the study's networks is the linear
        output before its relu), in evaluation mode, on the device where it is; its state (modes, buffers, attributes)
        and torch's global generator are restored. Any other callable maps images to ``{layer: stimulus x unit}``, like
        the controls.
    images : Tensor or array_like, shape (n_stimuli, ...)
        As the encoder takes them; for a module they are converted to its own floating-point type. Bytes (uint8) are
        divided by 255, truth values are 0 and 1; other whole numbers, whose range is unknown, only reach callables and
        modules with an embedding. They are never changed, even if the encoder modifies its input.
    layers : sequence of str, optional
        Names of submodules, nested ones with dots (``"features.0"``), or of the callable's layers. By default all that
        give one row per stimulus, in order of running. If a module runs several times, ``"relu:0"`` is the first run
        and ``"relu"`` the last; if it returns a tuple or a dictionary, ``"attn[0]"`` or ``"out[logits]"`` is an
        element; ``"blocks.3@class"`` is the class token (the first), ``"blocks.3@mean"`` and ``"blocks.3@max"`` the
        mean and the maximum over tokens, for outputs of shape (stimulus, token, unit). For maps, the last two are over
        positions, if a convolution, normalisation or pooling in the network has inputs or outputs of that shape (or of
        that shape with channels last); otherwise the channel axis is unknown.
    batch_size : int
        Images at a time.

    Returns
    -------
    dict of str to DataArray
        Dimensions (stimulus, unit), in the requested order; further dimensions of an output are flattened. A layer's
        stimulus axis is the one that grows with the number of stimuli, determined with two small batches. Each image is
        represented independently: small batches in another order, and shown twice, test whether values depend on the
        other images, are random or depend on earlier calls.

    Raises
    ------
    InputError
        If a layer does not exist, does not run, or does not give one row per stimulus, of dense, real numbers; the
        message lists the layers. If
        a layer depends on the other images in a batch, is random or depends on earlier calls, or gives different rows
        or runs more often in one batch than in another; the message names it. If the network cannot process the images,
        or a callable returns anything but a mapping from names of layers to arrays of real numbers.
        Also for TorchScript modules, whose layers cannot be read.

    Examples
    --------
    >>> from normenc import networks, stimuli
    >>> layers = represent(networks.ConvPoolFC(), stimuli.gratings([-45, 0, 45]), ["pool", "fc"])
    >>> {name: responses.shape for name, responses in layers.items()}
    {'pool': (3, 288), 'fc': (3, 10)}
    """
    if batch_size < 1:
        raise InputError(f"batch_size is {batch_size}; it must be at least 1")
    shown = as_tensor(images)
    with layer_reader(encoder, shown, layers) as reader:
        outputs = {name: np.empty((len(shown), n), reader.dtypes[name]) for name, n in reader.sizes.items()}
        with freed_memory_kept(), counting("representing") as tell:
            for start in range(0, len(shown), batch_size):

                def take(name: str, rows: np.ndarray, start: int = start) -> None:
                    outputs[name][start : start + len(rows)] = rows

                reader.read(start, shown[start : start + batch_size], take)
                tell(start + batch_size, len(shown))
        reader.check()
    return {name: xr.DataArray(rows, dims=("stimulus", "unit"), name=name) for name, rows in outputs.items()}


@contextmanager
def layer_reader(
    encoder: Encoder,
    images: Any,
    layers: Sequence[str] | None,
    precision: torch.dtype | None = None,
    measure: bool = False,
) -> Iterator[LayerReader]:
    """The layers of any encoder, tried with few of the images, to be read batch by batch.

    With `measure`, the memory that an image takes is measured with these few.
    """
    if isinstance(layers, str):
        raise InputError(f"layers is the string {layers!r}; it must be a list of names, such as [{layers!r}]")
    if isinstance(encoder, nn.Module):
        with module_reader(encoder, images, layers, precision, measure) as reader:
            yield reader
    else:
        with torch.random.fork_rng(devices=[]):
            yield CallableReader(encoder, images, layers, measure)


def layers_in_order(network: nn.Module, images: Any) -> list[str]:
    """Names of all layers that give one row per image, in order of running.

    Parameters
    ----------
    network : Module
    images : Tensor or array_like
        As the module takes them.

    Examples
    --------
    >>> from normenc import networks
    >>> layers_in_order(networks.FC(), torch.rand(2, 48, 64))
    ['fc', 'fc_relu', 'out']
    """
    return layers_that_run(network, as_tensor(images))


def as_tensor(images: Any) -> torch.Tensor:
    """Images in a torch type; bytes as values from 0 to 1, truth values as 0 and 1."""
    if not isinstance(images, torch.Tensor):
        images = torch.from_numpy(_as_plain_array(images))
    if images.layout != torch.strided or images.is_meta or images.is_complex():
        kind = "sparse" if images.layout != torch.strided else "without values" if images.is_meta else "complex"
        raise InputError(f"images are a {kind} tensor; they must be dense, real numbers")
    if images.ndim == 0 or len(images) == 0:
        raise InputError("there are no images to represent")
    images = images.dequantize() if images.is_quantized else images.detach()
    if images.dtype == torch.uint8:
        return images.float() / 255
    return images.float() if images.dtype == torch.bool else images


def _as_plain_array(images: Any) -> np.ndarray:
    if not isinstance(images, np.ndarray) or isinstance(images, np.ma.MaskedArray) or images.dtype == object:
        checked = as_array(images, "images")
        array = np.asarray(images) if hasattr(images, "dtype") else _of_list(images, checked)
        array = checked if array.dtype == object else array
    else:
        array = images
    if array.dtype.kind not in "fiub":
        raise InputError(f"images have type {array.dtype}; they must be numbers")
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        array = array.astype(np.float64)
    elif array.dtype.kind == "u" and array.dtype.itemsize > 1:
        array = array.astype(np.int64)
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))


def _of_list(images: Any, checked: np.ndarray) -> np.ndarray:
    """A list's numbers in their own type, or as checked if NumPy cannot join them."""
    try:
        return np.asarray(images)
    except (RuntimeError, TypeError, ValueError):
        return checked
