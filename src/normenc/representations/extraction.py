"""Layers that may be larger than memory: one pass over the images for all of them."""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy.typing as npt
import torch

from normenc.errors import InputError
from normenc.freed_memory import freed_memory_kept
from normenc.progress import counting
from normenc.representations.identity import digest_of_encoder, digest_of_few, digest_of_images
from normenc.representations.image_batches import ImageBatches
from normenc.representations.memory import as_bytes
from normenc.representations.panels import InMemory
from normenc.representations.planning import Plan, plan_for
from normenc.representations.readers import LayerReader
from normenc.representations.reductions import Reduction, as_reduction
from normenc.representations.representing import Encoder, layer_reader
from normenc.representations.responses import Extracted, LayerResponses
from normenc.representations.scratch import Scratch

__all__ = ["extract"]

DTYPES = {"float32": None, "bfloat16": torch.bfloat16, "float16": torch.float16}


def extract(
    encoder: Encoder,
    images: Any,
    layers: Sequence[str] | None = None,
    *,
    memory: int | str | None = None,
    scratch: str | Path | None = None,
    reduce: str | Reduction | None = None,
    dtype: str = "float32",
    batch_size: int | None = None,
) -> Extracted:
    """Responses of an encoder's layers, which may be larger than memory, in one pass over the images.

    Layers that fit in half of the memory, the smallest first, stay there; the others are written to a file, and
    :func:`normenc.rsa.rdm` reads them in blocks. Values are those of :func:`represent` with the same batches.

    Parameters
    ----------
    encoder : Module or callable
        As for :func:`represent`.
    images : Tensor, array_like, or anything with a length whose slices are tensors, of n_stimuli images
        The latter, such as a :class:`normenc.stimuli.ImageSet`, are read a batch at a time.
    layers : sequence of str, optional
        As for :func:`represent`.
    memory : int or str, optional
        What responses and batches may take together: bytes, or a text such as ``"4GiB"``; default: half of what is
        free. The size of a batch follows from what three images take.
    scratch : str or Path, optional
        Folder for layers that do not fit, where a process that was killed, or stopped with Ctrl-C, is continued by
        another with the same encoder, images and layers: then all layers are written if they do not fit together.
        Default: the system's folder for temporary files, without continuing.
    reduce : {"projection", "sample"} or Reduction, optional
        Reduce layers of more than 4,096 units to that number, or to another, see :class:`Reduction`; the note of such a
        layer says how much the dissimilarities of some of the images change.
    dtype : {"float32", "bfloat16", "float16"}
        Of the network's operations, which :class:`torch.autocast` chooses; ``"float32"`` leaves the network as it is.
        Responses are float32 in any case, and RDMs are computed from these.
    batch_size : int, optional
        Images at a time, instead of what fits.

    Returns
    -------
    Extracted
        A dict of layers' names to :class:`LayerResponses`, in the requested order; files are removed at the end of a
        ``with`` block, by ``close()``, or when nothing refers to the layers any more.

    Raises
    ------
    InputError
        As :func:`represent`; also if the disk has too little room for layers that do not fit (nothing of them stays
        there), and for memory, reductions and precisions that do not exist.

    Examples
    --------
    >>> from normenc import networks, rsa, stimuli
    >>> images = stimuli.gratings([-45, 0, 45])
    >>> with extract(networks.ConvPoolFC(), images, ["conv", "pool"], reduce="sample") as layers:
    ...     rdms = {name: rsa.rdm(responses) for name, responses in layers.items()}
    >>> layers["pool"].shape, layers["conv"].shape
    ((3, 288), (3, 4096))
    """
    if dtype not in DTYPES:
        raise InputError(f"dtype is {dtype!r}; it must be one of {', '.join(DTYPES)}")
    if batch_size is not None and batch_size < 1:
        raise InputError(f"batch_size is {batch_size}; it must be at least 1")
    budget, reduction, shown = as_bytes(memory), as_reduction(reduce), ImageBatches(images)
    own = None if scratch is None else digest_of_encoder(encoder)  # as it is before it is read
    with layer_reader(encoder, shown, layers, DTYPES[dtype], measure=batch_size is None) as reader:
        plan = plan_for(reader, shown, budget, reduction, batch_size)
        key = (
            None
            if own is None or plan.fits
            else _key(own, shown, plan, f"{reduction} {dtype} {digest_of_few(reader, plan.shapes)}")
        )
        return _extracted(reader, shown, plan, None if scratch is None else Path(scratch).expanduser(), key)


def _key(encoder: str, images: ImageBatches, plan: Plan, settings: str) -> str:
    """What decides the values, as a digest."""
    forms = [(name, shape, str(plan.dtypes[name])) for name, shape in plan.shapes.items()]
    return sha256(f"{encoder} {digest_of_images(images.given)} {forms} {settings}".encode()).hexdigest()


def _extracted(
    reader: LayerReader, images: ImageBatches, plan: Plan, folder: Path | None, key: str | None
) -> Extracted:
    """The layers, read batch by batch; in a folder that is continued, all of them are on disk."""
    forms = {name: (shape, plan.dtypes[name]) for name, shape in plan.shapes.items()}
    written = {name: form for name, form in forms.items() if key is not None or name not in plan.in_memory}
    scratch = Scratch(folder, key, written, plan.batch_size) if written else None
    kept = {name: InMemory(*form) for name, form in forms.items() if name not in written}
    try:
        _fill(reader, images, plan, scratch, kept)
    except BaseException as error:
        if scratch is not None:
            scratch.remove() if key is None or isinstance(error, Exception) else scratch.leave()
        raise
    layers = {}
    for name in forms:
        stored = kept[name] if scratch is None or name in kept else scratch.panels[name]
        layers[name] = LayerResponses(name, stored, plan.notes[name], scratch if name in written else None)
    return Extracted(layers, scratch)


def _fill(
    reader: LayerReader, images: ImageBatches, plan: Plan, scratch: Scratch | None, kept: dict[str, InMemory]
) -> None:
    first, size = (0, plan.batch_size) if scratch is None else (scratch.n_done, scratch.batch_size)
    with freed_memory_kept(), counting("extraction") as tell:
        for start, batch in images.batches(first, min(size, plan.batch_size)):
            sums: dict[str, int] = {}

            def take(name: str, rows: npt.NDArray[Any], start: int = start, sums: dict[str, int] = sums) -> None:
                rows = plan.reducers[name](rows) if name in plan.reducers else rows
                if name in kept:
                    kept[name].write(start, rows)
                elif scratch is not None:
                    sums[name] = scratch.write(name, start, rows)

            reader.read(start, batch, take)
            if scratch is not None:
                scratch.finish(start, start + len(batch), sums)
            tell(start + len(batch), len(images))
    reader.check()
