"""What is kept of each layer, where, and how many images are shown at a time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from normenc.representations.image_batches import ImageBatches
from normenc.representations.readers import LayerReader
from normenc.representations.reductions import Reducer, Reduction

__all__ = ["ENOUGH", "Plan", "plan_for"]

IN_OPERATIONS = 1.6  # memory that a forward pass takes, over that of its tensors: convolutions reorder theirs
MOST_IMAGES = 256  # of a batch
MOST_BYTES = 2**27  # of a batch on a CPU, which larger ones do not make faster
HELD = 0.5  # share of the memory for layers that stay there
ENOUGH = int(MOST_BYTES / (1 - HELD))  # memory with which batches on a CPU are as large as with more
COMPARED = 32  # images of which dissimilarities of all units and of fewer are compared
LEAST_COMPARED = 4
SHORT = ("f2", "f4", "i1", "u1", "i2", "u2", "b1")  # types whose values float32 holds
BLOCK_UNITS = 65_536

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Plan:
    """What is kept of each layer, and how it is read.

    Attributes
    ----------
    reducers : dict
        Of the layers of which fewer units are kept.
    shapes, dtypes, notes : dict
        Of what is kept of each layer.
    in_memory : set of str
        Layers that stay in memory.
    batch_size : int
        Images at a time.
    """

    reducers: Mapping[str, Reducer]
    shapes: Mapping[str, tuple[int, int]]
    dtypes: Mapping[str, np.dtype[Any]]
    notes: Mapping[str, str]
    in_memory: frozenset[str]
    batch_size: int

    @property
    def fits(self) -> bool:
        """Whether all layers stay in memory."""
        return len(self.in_memory) == len(self.shapes)


def plan_for(
    reader: LayerReader, images: ImageBatches, memory: int, reduction: Reduction | None, batch_size: int | None
) -> Plan:
    """Plan the reading of all images within an amount of memory, by what the few take that the reader has tried."""
    reducers = {}
    for name, n_units in reader.sizes.items():
        reducer = None if reduction is None else reduction.of_layer(n_units)
        if reducer is not None:
            reducers[name] = reducer
    units = {name: reducers[name].n_units if name in reducers else n for name, n in reader.sizes.items()}
    dtypes = {name: np.dtype("f4" if of.str[1:] in SHORT else "f8") for name, of in reader.dtypes.items()}
    bytes_of = {name: len(images) * n * dtypes[name].itemsize for name, n in units.items()}
    in_memory, held = set(), 0
    for name in sorted(bytes_of, key=lambda name: bytes_of[name]):
        if held + bytes_of[name] <= HELD * memory:
            in_memory.add(name)
            held += bytes_of[name]
    if batch_size is None:
        batch_size = min(_fitting(reader, images, memory - held), len(images))
    notes = dict.fromkeys(units, "")
    if reducers:
        errors = _reduction_errors(reader, images, reducers, batch_size)
        notes |= {name: f"{reducer.note}; {errors[name]}" for name, reducer in reducers.items()}
    shapes = {name: (len(images), n) for name, n in units.items()}
    return Plan(reducers, shapes, dtypes, notes, frozenset(in_memory), batch_size)


def _fitting(reader: LayerReader, images: ImageBatches, memory: int) -> int:
    """Number of images that fit in some memory while the network processes them."""
    largest = max(n * reader.dtypes[name].itemsize for name, n in reader.sizes.items())
    peak = IN_OPERATIONS * reader.peak
    besides = (
        3 * images[:1].nbytes + 2 * largest
    )  # images as read, coming and copied; rows as one piece, and in the file's type
    if reader.device.type == "cpu":
        return max(1, min(int(min(memory, MOST_BYTES) / (peak + besides)), MOST_IMAGES))
    on_device = (
        int(torch.cuda.mem_get_info(reader.device)[0] / 2 / peak) if reader.device.type == "cuda" else MOST_IMAGES
    )
    return max(1, min(on_device, int(memory / besides), MOST_IMAGES))


def _reduction_errors(
    reader: LayerReader, images: ImageBatches, reducers: Mapping[str, Reducer], batch_size: int
) -> dict[str, str]:
    """How much dissimilarities of some images change with fewer units, in words, by layer."""
    n = min(len(images), COMPARED, max(batch_size, LEAST_COMPARED))
    places = np.linspace(0, len(images) - 1, n).astype(int)
    found: dict[str, str] = {}

    def compare(name: str, rows: npt.NDArray[Any]) -> None:
        if name in reducers:
            found[name] = _error(rows[:n], reducers[name](rows[:n]))

    reader.show(torch.cat([images[place : place + 1] for place in places]), compare)
    return found


def _error(full: npt.NDArray[Any], reduced: npt.NDArray[Any]) -> str:
    pairs = np.triu_indices(len(full), k=1)
    one, other = (_dissimilarities(rows)[pairs] for rows in (full, reduced))
    known = np.isfinite(one) & np.isfinite(other)
    if known.sum() < 3:
        return "how much this changes dissimilarities could not be measured, for want of images"
    one, other = one[known], other[known]
    off = float(np.sqrt(np.mean((one - other) ** 2)))
    told = (
        f"of {len(full)} images, correlation dissimilarities of all units and of these differ by {off:.2g} (root mean "
        f"square; they are {one.mean():.2g} on average)"
    )
    if one.std() > 1e-9 and other.std() > 1e-9:
        told += f", and correlate by {np.corrcoef(one, other)[0, 1]:.3f}"
    return told


def _dissimilarities(rows: npt.NDArray[Any]) -> Floats:
    """One minus correlations, without a copy of all rows in double precision."""
    products, mean = np.zeros((len(rows), len(rows))), rows.mean(axis=1, dtype=np.float64, keepdims=True)
    for start in range(0, rows.shape[1], BLOCK_UNITS):
        part = rows[:, start : start + BLOCK_UNITS] - mean
        products += part @ part.T
    with np.errstate(invalid="ignore", divide="ignore"):
        size = np.sqrt(np.diagonal(products))
        matrix: Floats = 1 - products / np.outer(size, size)
        return matrix
