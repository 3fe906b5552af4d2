"""Stacks of images that are read from disk when asked: a folder, an array in a file, or some of either.

Each has the ``shape``, ``dtype``, ``len()`` and slicing of a NumPy array, holds no more than what it is asked for, and
can be pickled: files are opened anew where it is unpickled.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.extras import needs_nets
from normenc.stimuli.details import Details
from normenc.stimuli.first_read import FirstRead
from normenc.stimuli.fitting import fitted
from normenc.stimuli.folders import of_faults
from normenc.stimuli.images import Header, read_bytes, read_image
from normenc.stimuli.indexing import first_and_rest

__all__ = [
    "FileStack",
    "Joined",
    "Resized",
    "Some",
    "Stack",
    "as_floats",
    "blocks",
    "ordered",
    "without_alpha",
]

BLOCK_BYTES = 2**26  # read at once
KEPT_BYTES = 2**27  # of decoded files, in memory
OPAQUE = {"u": 255, "f": 1}  # of a fourth channel, in bytes and in numbers up to 1


class Stack(ABC):
    """Images on disk, as an array whose first axis counts them; reading is all that a kind of stack adds."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    details: Details | None = None  # of each image, once all values were read, and can be used

    @abstractmethod
    def read(self, places: npt.NDArray[np.intp]) -> npt.NDArray[Any]:
        """The images at `places`, in this order."""

    def content(self) -> bytes:
        """A digest of all that the images hold."""
        digest = sha256(f"{self.shape} {self.dtype.str}".encode())
        for block in blocks(self):
            digest.update(np.ascontiguousarray(block).data)
        return digest.digest()

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of values."""
        return int(np.prod(self.shape, dtype=float))

    @property
    def nbytes(self) -> int:
        """Bytes of all values in memory."""
        return self.size * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> npt.NDArray[Any]:
        """As an array in memory gives it; only the images that it takes are read."""
        wanted, rest = first_and_rest(key, self.shape)
        if isinstance(wanted, slice):
            places = np.arange(len(self))[wanted]
            return self.read(places)[(*rest[0], slice(None), *rest[1])]
        chosen = np.arange(len(self))[wanted]
        places, back = np.unique(chosen, return_inverse=True)
        here = back.reshape(chosen.shape) if chosen.ndim else 0
        return self.read(places)[(*rest[0], here, *rest[1])]

    def sizes_in_files(self, places: npt.NDArray[np.intp]) -> set[tuple[int, int]]:
        """Height and width of the images at `places` before any was cut or resized."""
        return {(self.shape[1], self.shape[2])}

    def __iter__(self) -> Iterator[npt.NDArray[Any]]:
        return (self[place] for place in range(len(self)))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        values = self.read(np.arange(len(self)))
        return values if dtype is None else values.astype(dtype, copy=False)


@dataclass(eq=False)
class FileStack(Stack):
    """Files of images of one size, or each cut and resized to `fit_to`; a few that were read stay in memory.

    ``left_out`` names files beside them that look like images but cannot be read.
    """

    files: tuple[Path, ...]
    headers: tuple[Header, ...]
    fit_to: tuple[int, int] | None = None
    fit: str = "crop"
    left_out: tuple[str, ...] = ()
    first_read: FirstRead = field(default_factory=FirstRead, repr=False)
    _kept: dict[int, npt.NDArray[Any]] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        height, width = self.fit_to or self.headers[0][:2]
        is_colour = any(header.is_colour for header in self.headers)
        self.shape = (len(self.files), height, width, *[3] * is_colour)
        is_byte = self.fit_to is None and all(header.is_byte for header in self.headers)
        self.dtype = np.dtype(np.uint8 if is_byte else np.float32)

    def read(self, places: npt.NDArray[np.intp]) -> npt.NDArray[Any]:
        """The images at `places`, decoded; grey ones among colours get three equal channels."""
        values = np.empty((len(places), *self.shape[1:]), dtype=self.dtype)
        for row, place in enumerate(places.tolist()):
            values[row] = self._one(place)
        return values

    def _one(self, place: int) -> npt.NDArray[Any]:
        if place in self._kept:
            return self._kept[place]
        file = self.files[place]
        data = read_bytes(file)
        self.first_read.check(place, data, str(file))
        pixels, header = read_image(file, data), self.headers[place]
        if pixels.shape != (header.height, header.width, *[3] * header.is_colour):
            raise self.first_read.refusal(str(file))
        if pixels.dtype != self.dtype and pixels.dtype == np.uint8:
            pixels = as_floats(pixels)
        if pixels.ndim == 2 and self.ndim == 4:
            pixels = np.repeat(pixels[..., None], 3, axis=2)
        if self.fit_to is not None:
            pixels = _resized(pixels, self.fit_to, self.fit)
        if (len(self._kept) + 1) * pixels.nbytes <= KEPT_BYTES:
            self._kept[place] = pixels
        return pixels

    def checked(self, places: npt.NDArray[np.intp] | None = None) -> Iterator[npt.NDArray[Any]]:
        """Every image by itself, or those at `places`; at the end one InputError for all that cannot be decoded."""
        every = range(len(self)) if places is None else places.tolist()
        faults = []
        for place in every:
            try:
                yield self._one(place)[None]
            except InputError as error:
                faults.append((self.files[place], str(error)))
        if faults:
            raise of_faults(faults, len(every))

    def content(self) -> bytes:
        """A digest of the files as they were first read, which need not be decoded for it."""
        digest, known = sha256(f"files {self.fit_to} {self.fit}".encode()), self.first_read.digests
        for place, file in enumerate(self.files):
            digest.update(known.get(place) or self.first_read.check(place, read_bytes(file), str(file)))
        return digest.digest()

    def sizes_in_files(self, places: npt.NDArray[np.intp]) -> set[tuple[int, int]]:
        """Height and width of the images at `places` before any was cut or resized."""
        return {(self.headers[place].height, self.headers[place].width) for place in places.tolist()}

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_kept": {}}


@dataclass(eq=False)
class Some(Stack):
    """Some images of a stack, in an order of their own, whose axes may come in another order than in the file.

    ``axes`` gives the axis of the stack for images, height, width and, if there are any, colours.
    """

    stack: Any
    places: npt.NDArray[np.intp]
    axes: tuple[int, ...]

    def __post_init__(self) -> None:
        self.shape = (len(self.places), *(self.stack.shape[axis] for axis in self.axes[1:]))
        self.dtype = np.dtype(self.stack.dtype)
        if self.axes[0] == 0 and isinstance(self.stack, Stack) and self.stack.details is not None:
            self.details = self.stack.details.chosen(self.places)

    def read(self, places: npt.NDArray[np.intp]) -> npt.NDArray[Any]:
        """The images at `places` of these; where images are not the stack's first axis, all of it is read."""
        wanted = self.places[places]
        if self.axes[0] == 0:
            values = self.stack.read(wanted) if isinstance(self.stack, Stack) else np.asarray(self.stack)[wanted]
            return ordered(values, self.axes)
        return ordered(np.asarray(self.stack), self.axes)[wanted]

    def sizes_in_files(self, places: npt.NDArray[np.intp]) -> set[tuple[int, int]]:
        """Height and width of the images at `places` before any was cut or resized."""
        if isinstance(self.stack, FileStack | Joined | Resized | Some):
            return self.stack.sizes_in_files(self.places[places])
        return super().sizes_in_files(places)


@dataclass(eq=False)
class Resized(Stack):
    """Images of a stack, cut or padded and resized to a size as they are read."""

    stack: Any
    size_of_each: tuple[int, int]
    fit: str

    def __post_init__(self) -> None:
        self.shape = (len(self.stack), *self.size_of_each, *[3] * (len(self.stack.shape) == 4))
        self.dtype = np.dtype(np.float32)

    def read(self, places: npt.NDArray[np.intp]) -> npt.NDArray[Any]:
        """The images at `places`, resized."""
        values = np.empty((len(places), *self.shape[1:]), dtype=np.float32)
        for row, place in enumerate(places.tolist()):
            image = without_alpha(np.asarray(self.stack[place : place + 1]))[0]
            values[row] = _resized(as_floats(image), self.size_of_each, self.fit)
        return values

    def sizes_in_files(self, places: npt.NDArray[np.intp]) -> set[tuple[int, int]]:
        """Height and width of the images at `places` before any was cut or resized."""
        return self.stack.sizes_in_files(places)


@dataclass(eq=False)
class Joined(Stack):
    """Several stacks of images of one size, one after another; grey ones among colours get three equal channels."""

    stacks: tuple[Any, ...]

    def __post_init__(self) -> None:
        shape = self.stacks[0].shape[1:3]
        is_colour = any(len(stack.shape) == 4 for stack in self.stacks)
        self.shape = (sum(map(len, self.stacks)), *shape, *[3] * is_colour)
        kinds = {np.dtype(stack.dtype) for stack in self.stacks}
        self.dtype = kinds.pop() if len(kinds) == 1 else np.dtype(np.float32)

    def read(self, places: npt.NDArray[np.intp]) -> npt.NDArray[Any]:
        """The images at `places`, each from its own stack."""
        values = np.empty((len(places), *self.shape[1:]), dtype=self.dtype)
        first = 0
        for stack in self.stacks:
            rows = np.flatnonzero((places >= first) & (places < first + len(stack)))
            if rows.size:
                own = without_alpha(stack[places[rows] - first])
                own = own if own.dtype == self.dtype else as_floats(own)
                values[rows] = own[..., None] if own.ndim < self.ndim else own
            first += len(stack)
        return values

    def checked(self, places: npt.NDArray[np.intp] | None = None) -> Iterator[npt.NDArray[Any]]:
        """Every image, or those at `places`; those of files one by one, so that all broken ones are counted."""
        wanted, first = np.arange(len(self)) if places is None else places, 0
        for stack in self.stacks:
            own = wanted[(wanted >= first) & (wanted < first + len(stack))] - first
            if len(own):
                chosen = Some(stack, own, tuple(range(len(stack.shape))))
                yield from stack.checked(own) if isinstance(stack, FileStack) else blocks(chosen)
            first += len(stack)

    def sizes_in_files(self, places: npt.NDArray[np.intp]) -> set[tuple[int, int]]:
        """Height and width of the images at `places` before any was cut or resized."""
        sizes, first = set[tuple[int, int]](), 0
        for stack in self.stacks:
            own = places[(places >= first) & (places < first + len(stack))] - first
            sizes |= stack.sizes_in_files(own) if len(own) else set()
            first += len(stack)
        return sizes


def without_alpha(images: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Images without a fourth channel; InputError where this is not opaque everywhere."""
    if images.ndim < 4 or images.shape[3] < 4:
        return images
    if (images[..., 3] < OPAQUE.get(images.dtype.kind, 1)).any():
        raise InputError(
            "images are partly transparent (their fourth channel), so the background is unknown; give them with three "
            "channels, on the background that was shown"
        )
    return images[..., :3]


def as_floats(images: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Images in single precision, from 0 to 1 where they are bytes."""
    return images.astype(np.float32) / np.float32(255 if images.dtype == np.uint8 else 1)


def ordered(values: Any, axes: tuple[int, ...]) -> npt.NDArray[Any]:
    """An array with its axes in this order; one of length 1 that is not named goes."""
    values = np.asarray(values)
    left_out = tuple(axis for axis in range(values.ndim) if axis not in axes)
    return np.transpose(values, (*axes, *left_out)).reshape([values.shape[axis] for axis in axes])


def _resized(pixels: npt.NDArray[Any], size: tuple[int, int], fit: str) -> npt.NDArray[Any]:
    needs_nets("bringing images of several sizes to one")
    import torch

    with_channels = pixels if pixels.ndim == 3 else pixels[..., None]
    resized = fitted(torch.from_numpy(np.moveaxis(with_channels, 2, 0)[None].copy()), size, fit)[0].numpy()
    return np.ascontiguousarray(np.moveaxis(resized, 0, 2)).reshape(*size, *pixels.shape[2:])


def blocks(images: Any, n_bytes: int = BLOCK_BYTES) -> Iterator[npt.NDArray[Any]]:
    """All images, a block after another, at least one image each."""
    n = max(1, int(n_bytes // max(1, np.prod(images.shape[1:], dtype=float) * images.dtype.itemsize)))
    for start in range(0, len(images), n):
        yield np.asarray(images[start : start + n])
