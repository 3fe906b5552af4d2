"""Sets of images at their own size and in their own colours, read when asked."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch

from normenc.arrays import as_array
from normenc.errors import InputError
from normenc.stimuli.fitting import fitted, luminance
from normenc.stimuli.folders import list_images, read_headers
from normenc.stimuli.stacks import ArrayFile, FileStack, Joined, Some, Stack, blocks, split_place

__all__ = ["ImageSet", "open_stack"]

OPAQUE = {"u": 255, "f": 1}  # of a fourth channel, in bytes and in numbers up to 1
COLOURS = (3, 4)  # channels


@dataclass(frozen=True)
class ImageSet:
    """Images of one size, grey or in colour, in memory or on disk, of which no more is read than is asked for.

    Make one with :meth:`of` or :meth:`open`. Slices, and arrays of places, give tensors; values are 0 to 1.

    Attributes
    ----------
    stack : array_like, shape (n, height, width) or (n, height, width, 3)
        As stored: bytes (uint8), or numbers from 0 (black) to 1 (white).
    names : tuple of str
        Of the images: file names, or their numbers from 0.
    image_size : (int, int)
        Height and width in pixels of the images that it gives.
    is_colour : bool
        Whether it gives three channels. A stack whose channels are all equal is grey.
    made : tuple of callables
        What is done to images after they are read, in order; each says it as ``str()``.

    Examples
    --------
    >>> photographs = ImageSet.of(np.zeros((5, 60, 80, 3), dtype=np.uint8) + np.uint8([255, 0, 0]))
    >>> len(photographs), photographs.image_size, photographs.is_colour, photographs[1:3].shape
    (5, (60, 80), True, torch.Size([2, 3, 60, 80]))
    """

    stack: Any
    names: tuple[str, ...]
    image_size: tuple[int, int]
    is_colour: bool
    made: tuple[Callable[[torch.Tensor], torch.Tensor], ...] = ()

    @classmethod
    def of(cls, images: Any, names: Sequence[str] | None = None) -> Self:
        """A set of the images of an array, in memory or on disk, checked block by block.

        Parameters
        ----------
        images : array_like, shape (n, height, width), (n, height, width, 3) or, of a tensor, (n, 3, height, width)
            Bytes (uint8), or numbers from 0 (black) to 1 (white). A fourth channel must be opaque everywhere.
        names : sequence of str, optional
            By default numbers from 0.

        Raises
        ------
        InputError
            If the shape is another, or a value is not finite, below 0 or above white.

        Examples
        --------
        >>> ImageSet.of(np.full((2, 4, 6), 0.5))[0:2].shape
        torch.Size([2, 4, 6])
        """
        if isinstance(images, cls):
            return images
        stack = _as_stack(images)
        is_colour = _check_values(stack)
        own = tuple(map(str, range(len(stack)))) if names is None else tuple(map(str, names))
        if len(own) != len(stack):
            raise InputError(f"there are {len(own)} names but {len(stack)} images; give one for each")
        return cls(stack, own, (stack.shape[1], stack.shape[2]), is_colour)

    @classmethod
    def open(cls, source: str | Path, *, size: tuple[int, int] | None = None) -> Self:
        """The images of a folder, of an ``.npy`` file, or of an array in HDF5 or Zarr.

        Parameters
        ----------
        source : str or Path
            A folder of images; ``"stack.npy"``; ``"file.h5:/images"`` or ``"file.zarr:/images"``, or the file alone
            where it holds one array that can be images.
        size : (int, int), optional
            Height and width in pixels to which every image is cut and resized; needed where files differ in size.

        Raises
        ------
        InputError
            If there are no images, sizes differ, or an image cannot be read or used; files are named.
        """
        stack, names = open_stack(source, size=size)
        opened = cls.of(stack, names)
        return opened if size is None else opened.resized(size)

    def __len__(self) -> int:
        return len(self.stack)

    def __getitem__(self, key: Any) -> torch.Tensor:
        """Images by a slice or an array of places: float32, shape (k, height, width) or (k, 3, height, width)."""
        places = np.arange(len(self))[key.cpu().numpy() if isinstance(key, torch.Tensor) else key]
        images = _as_tensor(np.asarray(self.stack[np.atleast_1d(places)]))
        if images.ndim == 4:
            images = images if self._stack_is_colour else images[:, 0]
        for step in self.made:
            images = step(images)
        return images if np.ndim(places) else images[0]

    @property
    def _stack_is_colour(self) -> bool:
        return self.is_colour or any(isinstance(step, _Grey) for step in self.made)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of all images as a tensor."""
        return (len(self), *[3] * self.is_colour, *self.image_size)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the images as stored, in order, and of what is done to them; names do not count."""
        content = self.stack.content() if isinstance(self.stack, Stack) else _content(self.stack)
        return sha256(content + "; ".join(map(str, self.made)).encode()).hexdigest()

    def chosen(self, places: Any) -> Self:
        """The set of some of the images, in the order of `places`."""
        places = np.arange(len(self))[places]
        stack = Some(self.stack, places, tuple(range(np.ndim(self.stack))))
        stack = stack if isinstance(self.stack, Stack) else self.stack[places]
        return replace(self, stack=stack, names=tuple(self.names[place] for place in places.tolist()))

    def field(self, x0: int, y0: int, x1: int, y1: int) -> Self:
        """The part of every image from column `x0` up to `x1`, and from row `y0` up to `y1`, in pixels.

        Raises
        ------
        InputError
            If it is empty, or reaches beyond the images.

        Examples
        --------
        >>> ImageSet.of(np.zeros((1, 20, 40))).field(10, 5, 30, 20).image_size
        (15, 20)
        """
        height, width = self.image_size
        if not (0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height):
            raise InputError(
                f"field is [{x0}, {y0}, {x1}, {y1}]; it must lie within images of {width} x {height} pixels (width x "
                "height), as [left, top, right, bottom] from their top left corner"
            )
        return replace(self, image_size=(y1 - y0, x1 - x0), made=(*self.made, _Field(x0, y0, x1, y1)))

    def resized(self, size: tuple[int, int]) -> Self:
        """Every image cut at its centre to the ratio of `size`, and resized (bilinear, antialiased)."""
        size = (int(size[0]), int(size[1]))
        return self if size == self.image_size else replace(self, image_size=size, made=(*self.made, _Resize(size)))

    def at_most(self, longest: int) -> Self:
        """Images reduced to at most `longest` pixels on the longer side, of the same ratio to the next pixel."""
        scale = longest / max(self.image_size)
        height, width = (max(1, round(side * scale)) for side in self.image_size)
        if scale >= 1:
            return self
        return replace(self, image_size=(height, width), made=(*self.made, _Squeeze((height, width))))

    def grey(self) -> Self:
        """Colours become grey by their luminance (ITU-R BT.709); grey images stay as they are."""
        return replace(self, is_colour=False, made=(*self.made, _Grey())) if self.is_colour else self

    def all(self) -> torch.Tensor:
        """All images at once."""
        return self[:]


@dataclass(frozen=True)
class _Field:
    x0: int
    y0: int
    x1: int
    y1: int

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        return images[..., self.y0 : self.y1, self.x0 : self.x1]

    def __str__(self) -> str:
        return f"the part [{self.x0}, {self.y0}, {self.x1}, {self.y1}]"


@dataclass(frozen=True)
class _Resize:
    size: tuple[int, int]

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        return fitted(images, self.size)

    def __str__(self) -> str:
        return f"cut at the centre and resized to {self.size[0]} x {self.size[1]} pixels"


@dataclass(frozen=True)
class _Squeeze:
    size: tuple[int, int]

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        return fitted(images, self.size, "stretch")

    def __str__(self) -> str:
        return f"reduced to {self.size[0]} x {self.size[1]} pixels"


@dataclass(frozen=True)
class _Grey:
    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        return luminance(images)

    def __str__(self) -> str:
        return "grey by luminance"


def open_stack(
    source: str | Path, *, size: tuple[int, int] | None = None, told: Callable[[Path], None] | None = None
) -> tuple[Any, tuple[str, ...] | None]:
    """The stack of a folder or a file, and names where it has some; sizes, not values, are checked.

    Parameters
    ----------
    source, size
        See :meth:`ImageSet.open`; files of other sizes than `size` are cut and resized as they are read.
    told : callable, optional
        Called with every file before it is opened.
    """
    name, inside = split_place(str(source))
    path = Path(name).expanduser()
    if path.is_dir() and path.suffix.lower() != ".zarr" and not (path / "zarr.json").exists():
        files = list_images(path)
        for file in files if told else ():
            told(file)  # type: ignore[misc]
        headers = read_headers(path, files, one_size=size is None)
        return FileStack(tuple(files), tuple(headers), size), tuple(file.name for file in files)
    if not path.exists():
        raise InputError(f"{path}: there is no such folder or file of images")
    if path.is_file() and told:
        told(path)
    if path.suffix.lower() not in (".npy", ".h5", ".hdf5", ".hdf", ".nc", ".nwb", ".mat", ".zarr") and path.is_file():
        raise InputError(f"{path}: images must be a folder of images, an .npy file, or an array in HDF5 or Zarr")
    return ArrayFile(path, inside), None


def _as_stack(images: Any) -> Any:
    """An array or a stack with images first and colours last."""
    if isinstance(images, torch.Tensor):
        images = images.detach().cpu().numpy()
        images = np.moveaxis(images, 1, -1) if images.ndim == 4 and images.shape[1] in COLOURS else images
    if isinstance(images, Mapping):
        images = list(images.values())
    if not isinstance(images, Stack):
        raw = np.asarray(images) if not hasattr(images, "dtype") else images
        images = raw if raw.dtype.kind in "uib" else as_array(raw, "images")
    shape = tuple(images.shape)
    if not (len(shape) == 3 or (len(shape) == 4 and shape[3] in COLOURS)):
        if len(shape) == 4 and shape[1] == 1:
            return Some(images, np.arange(shape[0]), (0, 2, 3)) if isinstance(images, Stack) else images[:, 0]
        if len(shape) == 4 and shape[1] in COLOURS:
            order = (0, 2, 3, 1)
            return (
                Some(images, np.arange(shape[0]), order) if isinstance(images, Stack) else np.transpose(images, order)
            )
        raise InputError(
            f"images have shape {shape}; they must be (n, height, width), or (n, height, width, 3) in colour"
        )
    if 0 in shape:
        raise InputError(f"images have shape {shape}; there must be at least one image, and one pixel")
    return images


def _check_values(stack: Any) -> bool:
    """Read all images once; InputError where one cannot be used. Returns whether any is in colour."""
    is_colour, n_seen = False, 0
    for block in _checked_blocks(stack):
        if block.dtype.kind == "f":
            _check_range(block, n_seen, stack)
        elif block.dtype != np.uint8 and not 0 <= block.min() <= block.max() <= 1:
            raise InputError(
                f"images hold {block.dtype} numbers from {block.min()} to {block.max()} without a known white level; "
                "save them as bytes (uint8), or divide them by the value of white"
            )
        if block.ndim == 4:
            if block.shape[3] == 4 and (block[..., 3] < OPAQUE.get(block.dtype.kind, 1)).any():
                raise InputError(
                    "images are partly transparent (their fourth channel), so the background is unknown; give them "
                    "with three channels, on the background that was shown"
                )
            is_colour = is_colour or bool((block[..., :1] != block[..., 1:3]).any())
        n_seen += len(block)
    return is_colour


def _checked_blocks(stack: Any) -> Iterator[npt.NDArray[Any]]:
    """All images; files one by one, so that all that are broken are counted."""
    places = None
    while isinstance(stack, Some) and stack.axes[0] == 0 and isinstance(stack.stack, FileStack | Joined | Some):
        places, stack = stack.places if places is None else stack.places[places], stack.stack
    if isinstance(stack, FileStack | Joined):
        return stack.checked(places)
    return blocks(stack if places is None else Some(stack, places, tuple(range(stack.ndim))))


def _check_range(block: npt.NDArray[Any], first: int, stack: Any) -> None:
    low, high = float(block.min()), float(block.max())
    if low >= 0 and high <= 1:
        return
    wrong = ~np.isfinite(block)
    bad = wrong if wrong.any() else (block < 0) | (block > 1)
    row = int(np.flatnonzero(bad.reshape(len(block), -1).any(axis=1))[0])
    place = first + row
    while isinstance(stack, Some):  # as the file counts them
        place, stack = int(stack.places[place]), stack.stack
    if wrong.any():
        raise InputError(f"image {place} holds NaN or infinity; images must be numbers from 0 (black) to 1 (white)")
    raise InputError(
        f"image {place} has values from {block[row].min():g} to {block[row].max():g}; they must be "
        "numbers from 0 (black) to 1 (white), or bytes (uint8)"
    )


def _as_tensor(block: npt.NDArray[Any]) -> torch.Tensor:
    """Images as float32 with their three colours, if any, second."""
    values = block.astype(np.float32)
    if block.dtype == np.uint8:
        values /= np.float32(255)
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(values[..., :3], 3, 1)) if values.ndim == 4 else values)


def _content(array: npt.NDArray[Any]) -> bytes:
    digest = sha256(f"{array.shape} {array.dtype.str}".encode())
    for block in blocks(array):
        digest.update(np.ascontiguousarray(block).data)
    return digest.digest()
