"""Images of any kind, read as tensors some at a time."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch

from normenc.representations.representing import as_tensor

__all__ = ["ImageBatches"]


class ImageBatches:
    """Images in memory, or anything with a length whose slices are images, one batch of which is read in advance.

    Attributes
    ----------
    given : object
        The images; as a tensor, if they were a list.
    """

    def __init__(self, images: Any) -> None:
        sliced = hasattr(images, "__getitem__") and hasattr(images, "__len__") and not isinstance(images, list | tuple)
        self.given = images if sliced and getattr(images, "shape", True) != () else as_tensor(images)
        self._in_memory = isinstance(self.given, torch.Tensor | np.ndarray)
        if not len(self.given):
            as_tensor(self.given[:0])  # which says that there are none

    def __len__(self) -> int:
        return len(self.given)

    def __getitem__(self, part: slice) -> torch.Tensor:
        return as_tensor(self.given[part])

    def batches(self, start: int, size: int) -> Iterator[tuple[int, torch.Tensor]]:
        """Batches with the number of their first image, from image `start` on."""
        starts = range(start, len(self), size)
        if self._in_memory:
            yield from ((first, self[first : first + size]) for first in starts)
            return
        # One thread: with a team of threads of its own there would be more threads than processors, and OpenMP then
        # puts those of the network to sleep after every operation.
        with ThreadPoolExecutor(1, "normenc-images", torch.set_num_threads, (1,)) as reader:
            coming = None
            for first in starts:
                batch = self[first : first + size] if coming is None else coming.result()
                if first + size < len(self):
                    coming = reader.submit(self.__getitem__, slice(first + size, first + 2 * size))
                yield first, batch
