"""Stacks of images that are read from disk when asked: a folder, an array in a file, or some of either.

Each has the ``shape``, ``dtype``, ``len()`` and slicing of a NumPy array, holds no more than what it is asked for, and
can be pickled: files are opened anew where it is unpickled.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from normenc.errors import InputError
from normenc.stimuli.fitting import fitted
from normenc.stimuli.folders import of_faults
from normenc.stimuli.images import Header, read_image

__all__ = ["ArrayFile", "FileStack", "Joined", "Some", "Stack", "blocks", "is_stack", "split_place"]

BLOCK_BYTES = 2**26  # read at once
KEPT_BYTES = 2**27  # of decoded files, in memory
PLACE = re.compile(r"(.*\.(?:h5|hdf5|hdf|he5|nc|nwb|mat|zarr)):(/?.*)", re.IGNORECASE | re.DOTALL)


class Stack:
    """Images on disk, as an array whose first axis counts them; reading is all that a kind of stack adds."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    is_checked = False  # whether all values were read once, and can be used

    def read(self, places: npt.NDArray[np.intp]) -> npt.NDArray[Any]:
        """The images at `places`, in this order."""
        raise NotImplementedError

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
        first, *rest = key if isinstance(key, tuple) else (key,)
        places = np.arange(len(self))[first]
        values = self.read(np.atleast_1d(places))
        values = values[0] if np.ndim(places) == 0 else values
        return values[(slice(None),) * (np.ndim(places) > 0) + tuple(rest)] if rest else values

    def __iter__(self) -> Iterator[npt.NDArray[Any]]:
        return (self[place] for place in range(len(self)))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        values = self.read(np.arange(len(self)))
        return values if dtype is None else values.astype(dtype, copy=False)


@dataclass(eq=False)
class FileStack(Stack):
    """Files of images of one size, or each cut and resized to `fit_to`; a few that were read stay in memory."""

    files: tuple[Path, ...]
    headers: tuple[Header, ...]
    fit_to: tuple[int, int] | None = None
    fit: str = "crop"
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
        pixels = read_image(self.files[place])
        if pixels.shape[:2] != self.headers[place][:2]:
            raise InputError(f"{self.files[place]}: this image has changed since its folder was read; start again")
        if pixels.dtype != self.dtype and pixels.dtype == np.uint8:
            pixels = pixels.astype(np.float32) / np.float32(255)
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
        """A digest of the files as they are, which need not be decoded for it."""
        digest = sha256(f"files {self.fit_to} {self.fit}".encode())
        for path in self.files:
            with path.open("rb") as opened:
                digest.update(file_digest(opened, "sha256").digest())
        return digest.digest()

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_kept": {}}


@dataclass(eq=False)
class ArrayFile(Stack):
    """An array in a file: ``.npy``, or one in HDF5 or Zarr by its path there."""

    path: Path
    inside: str | None
    _array: Any = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        array = self._opened()
        self.shape, self.dtype = tuple(array.shape), np.dtype(array.dtype)

    def _opened(self) -> Any:
        if self._array is None:
            self._array = _open_array(self.path, self.inside)
        return self._array

    def read(self, places: npt.NDArray[np.intp]) -> npt.NDArray[Any]:
        """The images at `places`: one after another at once, others each by itself once."""
        array = self._opened()
        if len(places) and (np.diff(places) == 1).all():
            return np.asarray(array[int(places[0]) : int(places[-1]) + 1])
        once, back = np.unique(places, return_inverse=True)
        values = [np.asarray(array[place : place + 1]) for place in once.tolist()]
        return np.concatenate(values)[back] if values else np.asarray(array[:0])

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_array": None}


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
        self.is_checked = getattr(self.stack, "is_checked", False)

    def read(self, places: npt.NDArray[np.intp]) -> npt.NDArray[Any]:
        """The images at `places` of these; where images are not the stack's first axis, all of it is read."""
        wanted = self.places[places]
        if self.axes[0] == 0:
            values = self.stack.read(wanted) if isinstance(self.stack, Stack) else np.asarray(self.stack)[wanted]
            return np.transpose(values, self.axes)
        return np.transpose(np.asarray(self.stack), self.axes)[wanted]


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
                own = stack[places[rows] - first]
                if own.dtype != self.dtype and own.dtype == np.uint8:
                    own = own.astype(np.float32) / np.float32(255)
                values[rows] = own[..., None] if own.ndim < self.ndim else own[..., :3] if self.ndim == 4 else own
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


def _resized(pixels: npt.NDArray[Any], size: tuple[int, int], fit: str) -> npt.NDArray[Any]:
    with_channels = pixels if pixels.ndim == 3 else pixels[..., None]
    resized = fitted(torch.from_numpy(np.moveaxis(with_channels, 2, 0)[None].copy()), size, fit)[0].numpy()
    return np.ascontiguousarray(np.moveaxis(resized, 0, 2)).reshape(*size, *pixels.shape[2:])


def is_stack(images: Any) -> bool:
    """Whether images are on disk, and read when asked."""
    return isinstance(images, Stack)


def blocks(images: Any, n_bytes: int = BLOCK_BYTES) -> Iterator[npt.NDArray[Any]]:
    """All images, a block after another, at least one image each."""
    n = max(1, int(n_bytes // max(1, np.prod(images.shape[1:], dtype=float) * images.dtype.itemsize)))
    for start in range(0, len(images), n):
        yield np.asarray(images[start : start + n])


def split_place(source: str) -> tuple[str, str | None]:
    """The file, and the path inside, of ``file.h5:/images``.

    Examples
    --------
    >>> split_place("scenes.h5:/day1/images"), split_place("scenes.npy")
    (('scenes.h5', '/day1/images'), ('scenes.npy', None))
    """
    match = PLACE.fullmatch(source)
    return (source, None) if match is None else (match[1], match[2])


def _open_array(path: Path, inside: str | None) -> Any:
    suffix = path.suffix.lower()
    try:
        if suffix == ".npy":
            return np.load(path, mmap_mode="r", allow_pickle=False)
        if suffix == ".zarr" or path.is_dir():
            import zarr

            opened: Any = zarr.open(str(path), mode="r")
            if hasattr(opened, "shape"):
                return opened
            arrays = {f"/{name}": array for name, array in _members(opened)}
        else:
            import h5py

            opened, arrays = h5py.File(path, "r"), {}
            opened.visititems(lambda name, item: _keep(arrays, name, item))
    except ImportError as error:
        raise InputError(f"{path}: {error.name} is not installed: pip install 'normenc[files]'") from None
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path}: this file cannot be read ({error}); check it, or save it again") from None
    return _chosen(arrays, path, inside)


def _keep(arrays: dict[str, Any], name: str, item: Any) -> None:
    if hasattr(item, "shape") and hasattr(item, "dtype"):
        arrays[f"/{name}"] = item


def _members(group: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    for name, item in group.members():
        if hasattr(item, "shape"):
            yield f"{above}{name}", item
        else:
            yield from _members(item, f"{above}{name}/")


def _chosen(arrays: dict[str, Any], path: Path, inside: str | None) -> Any:
    """The array at `inside`, or the only one that can be images: of three or four axes, and numbers."""
    if inside is not None:
        name = f"/{inside.strip('/')}"
        if name in arrays:
            return arrays[name]
        raise InputError(f"{path}: there is no array {name}; there are {_some(list(arrays))}")
    like = [name for name, array in arrays.items() if len(array.shape) in (3, 4) and array.dtype.kind in "uifb"]
    if len(like) == 1:
        return arrays[like[0]]
    raise InputError(
        f"{path}: {'several arrays' if like else 'no array'} in this file can be images, "
        f"{_some(like or list(arrays))}; name the right one: {path.name}:/NAME"
    )


def _some(names: Sequence[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + f" and {len(names) - most} more" * (len(names) > most) or "none"
