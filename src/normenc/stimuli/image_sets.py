"""Sets of images at their own size and in their own colours, read when asked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from normenc.arrays import is_zarr
from normenc.errors import InputError
from normenc.extras import needs_nets
from normenc.showing import Listed
from normenc.stimuli.array_files import ARRAY_SUFFIXES, ArrayFile, split_place, tell_store
from normenc.stimuli.checked_stacks import as_stack, check_values
from normenc.stimuli.fitting import fitted, luminance
from normenc.stimuli.folders import list_images, read_headers
from normenc.stimuli.stacks import FileStack, Some, Stack, blocks

if TYPE_CHECKING:
    import torch

__all__ = ["ImageSet", "open_stack"]


@dataclass(frozen=True, repr=False)
class ImageSet(Listed):
    """Images of one size, grey or in colour, in memory or on disk, of which no more is read than is asked for.

    Make one with :meth:`of` or :meth:`open`. Slices, and arrays of places, give tensors, and :meth:`arrays` gives
    NumPy arrays, which need no torch; values are 0 to 1.

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
    >>> len(photographs), photographs.image_size, photographs.is_colour, photographs.arrays([1, 2]).shape
    (5, (60, 80), True, (2, 3, 60, 80))
    """

    stack: Any
    names: tuple[str, ...]
    image_size: tuple[int, int]
    is_colour: bool
    made: tuple[Callable[[Any], Any], ...] = ()

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
        stack = as_stack(images)
        is_colour = bool(check_values(stack).is_colour.any())
        own = tuple(map(str, range(len(stack)))) if names is None else tuple(map(str, names))
        if len(own) != len(stack):
            raise InputError(f"there are {len(own)} names but {len(stack)} images; give one for each")
        return cls(stack, own, (stack.shape[1], stack.shape[2]), is_colour)

    @classmethod
    def open(cls, source: str | Path, *, size: tuple[int, int] | None = None, fit: str = "crop") -> Self:
        """The images of a folder, of an ``.npy`` file, or of an array in HDF5 or Zarr.

        Parameters
        ----------
        source : str or Path
            A folder of images; ``"stack.npy"``; ``"file.h5:/images"`` or ``"file.zarr:/images"``, or the file alone
            where it holds one array that can be images.
        size : (int, int), optional
            Height and width in pixels to which every image is cut and resized; needed where files differ in size.
        fit : str
            Where the ratio differs: ``"crop"`` cuts images at the centre, ``"pad"`` adds grey (0.5) on both sides.

        Raises
        ------
        InputError
            If there are no images, sizes differ, or an image cannot be read or used; files are named.
        """
        stack, names = open_stack(source, size=size, fit=fit)
        opened = cls.of(stack, names)
        return opened if size is None else opened.resized(size, fit)

    def __len__(self) -> int:
        return len(self.stack)

    def __getitem__(self, key: Any) -> "torch.Tensor":
        """Images by a slice or an array of places: float32, shape (k, height, width) or (k, 3, height, width)."""
        needs_nets("an image as a tensor")
        import torch

        places = self._places(key)
        images = self._made(torch.from_numpy(self._stored(places)))
        return images if np.ndim(places) else images[0]

    def arrays(self, key: Any = slice(None)) -> npt.NDArray[np.float32]:
        """The same images as an array, all of them by default; resized ones differ by rounding."""
        places = self._places(key)
        images = self._made(self._stored(places))
        return np.asarray(images if np.ndim(places) else images[0])

    def _places(self, key: Any) -> npt.NDArray[np.intp]:
        places = np.arange(len(self))[key.cpu().numpy() if hasattr(key, "detach") else key]
        if np.ndim(places) > 1:
            raise IndexError(f"images are taken by one number, a slice, or one axis of numbers, not {np.ndim(places)}")
        return places

    def _stored(self, places: npt.NDArray[np.intp]) -> npt.NDArray[np.float32]:
        """Images as float32 with their three colours, if any, second."""
        images = _colours_second(np.asarray(self.stack[np.atleast_1d(places)]))
        return images if images.ndim == 3 or self._stack_is_colour else images[:, 0]

    def _made(self, images: Any) -> Any:
        for step in self.made:
            images = step(images)
        return images

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

    def resized(self, size: tuple[int, int], fit: str = "crop") -> Self:
        """Images cut at the centre, or padded with grey, to the ratio of `size`; resized (bilinear, antialiased)."""
        size = (int(size[0]), int(size[1]))
        if size == self.image_size:
            return self
        return replace(self, image_size=size, made=(*self.made, _Resize(size, fit)))

    def at_most(self, longest: int) -> Self:
        """Images reduced to at most `longest` pixels on the longer side, of the same ratio to the next pixel."""
        scale = longest / max(self.image_size)
        height, width = (max(1, round(side * scale)) for side in self.image_size)
        if scale >= 1:
            return self
        return replace(self, image_size=(height, width), made=(*self.made, _Resize((height, width), "stretch")))

    def grey(self) -> Self:
        """Colours become grey by their luminance (ITU-R BT.709); grey images stay as they are."""
        return replace(self, is_colour=False, made=(*self.made, _Grey())) if self.is_colour else self

    def all(self) -> "torch.Tensor":
        """All images at once."""
        return self[:]


@dataclass(frozen=True)
class _Field:
    x0: int
    y0: int
    x1: int
    y1: int

    def __call__(self, images: Any) -> Any:
        return images[..., self.y0 : self.y1, self.x0 : self.x1]

    def __str__(self) -> str:
        return f"the part [{self.x0}, {self.y0}, {self.x1}, {self.y1}]"


@dataclass(frozen=True)
class _Resize:
    size: tuple[int, int]
    fit: str

    def __call__(self, images: Any) -> Any:
        return fitted(images, self.size, self.fit)

    def __str__(self) -> str:
        return f"{self.fit} to {self.size[0]} x {self.size[1]} pixels"


@dataclass(frozen=True)
class _Grey:
    def __call__(self, images: Any) -> Any:
        return luminance(images)

    def __str__(self) -> str:
        return "grey by luminance"


def open_stack(
    source: str | Path,
    *,
    size: tuple[int, int] | None = None,
    fit: str = "crop",
    told: Callable[[Path], None] | None = None,
) -> tuple[Any, tuple[str, ...] | None]:
    """The stack of a folder or a file, and names where it has some; sizes, not values, are checked.

    Parameters
    ----------
    source, size, fit
        See :meth:`ImageSet.open`; only files that differ in size are cut and resized as they are read.
    told : callable, optional
        Called with every file before it is opened.
    """
    name, inside = split_place(str(source))
    path = Path(name).expanduser()
    if path.is_dir() and path.suffix.lower() != ".zarr" and not is_zarr(path):
        files, left_out = list_images(path)
        for file in files if told else ():
            told(file)  # type: ignore[misc]
        headers = read_headers(path, files, one_size=size is None)
        differ = len({header[:2] for header in headers}) > 1
        stack = FileStack(tuple(files), tuple(headers), size if differ else None, fit, tuple(left_out))
        return stack, tuple(file.name for file in files)
    if not path.exists():
        raise InputError(f"{path}: there is no such folder or file of images")
    if path.suffix.lower() not in ARRAY_SUFFIXES and path.is_file():
        raise InputError(f"{path}: images must be a folder of images, an .npy file, or an array in HDF5 or Zarr")
    if told:
        tell_store(path, told)
    return ArrayFile(path, inside), None


def _colours_second(block: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Images as float32 with their three colours, if any, second."""
    values = block.astype(np.float32)
    if block.dtype == np.uint8:
        values /= np.float32(255)
    return np.ascontiguousarray(np.moveaxis(values[..., :3], 3, 1)) if values.ndim == 4 else values


def _content(array: npt.NDArray[Any]) -> bytes:
    digest = sha256(f"{array.shape} {array.dtype.str}".encode())
    for block in blocks(array):
        digest.update(np.ascontiguousarray(block).data)
    return digest.digest()
