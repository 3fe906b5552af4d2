"""Where images lie that are not in the recording's own file: a folder, an array in a file, or several named sets."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.recordings.files import is_file, is_folder
from normenc.recordings.labels import visible_labels
from normenc.recordings.provenance import lists, reads

__all__ = ["ImageSource", "NamedImages", "read_images"]


@dataclass(frozen=True)
class ImageSource:
    """Images by where they lie, and the size that they are cut and resized to.

    Attributes
    ----------
    sets : mapping of str to str
        Sources by the names of their sets; a single source has the name "".
    size : (int, int) or None
        Height and width in pixels to which files that differ in size are brought; None where they must not differ.
    fit : str
        Whether these are cut (``"crop"``) or padded (``"pad"``) to the ratio of `size`.
    """

    sets: Mapping[str, str]
    size: tuple[int, int] | None = None
    fit: str = "crop"

    def __str__(self) -> str:
        return ", ".join(self.sets.values())


@dataclass(frozen=True, eq=False)
class NamedImages(Mapping[str, npt.NDArray[Any]]):
    """Images by name, read when asked: ``stack`` has them in the order of their names, ``set/name`` if `in_sets`.

    ``left_out`` names files beside them that look like images but cannot be read.
    """

    names: tuple[str, ...]
    stack: Any
    in_sets: bool = False
    left_out: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        try:
            place = self.names.index(name)
        except ValueError:
            raise KeyError(name) from None
        return np.asarray(self.stack[place])

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


def read_images(source: str | Path | ImageSource) -> Any:
    """Images at their own size and in their own colours, read when asked.

    Parameters
    ----------
    source : str, Path or ImageSource
        A folder, ``stack.npy``, ``file.h5:/dataset``, ``file.zarr:/array``, or several named sets of these.

    Returns
    -------
    NamedImages, ImageSets, or a stack
        By file name; from an array without names the stack itself; named sets are joined where trials are known.

    Raises
    ------
    InputError
        If there are no images, or files cannot be read (all are counted).
    """
    asked = source if isinstance(source, ImageSource) else ImageSource({"": str(source)})
    if list(asked.sets) == [""]:
        names, stack = _one(asked.sets[""], asked)
        return stack if names is None else NamedImages(names, stack, left_out=stack.left_out)
    from normenc.recordings.named_sets import ImageSets

    each = {name: _one(place, asked) for name, place in asked.sets.items()}
    return ImageSets(
        {name: stack for name, (_, stack) in each.items()}, {name: of for name, (of, _) in each.items()}, asked
    )


def _one(source: str, asked: ImageSource) -> tuple[tuple[str, ...] | None, Any]:
    """Names, if there are any, and the stack of one source."""
    from normenc.stimuli.array_files import split_place
    from normenc.stimuli.image_sets import open_stack

    path = Path(split_place(source)[0]).expanduser()
    if not is_folder(path) and not is_file(path):
        raise InputError(f"{path}: there is no such folder; give a folder of images, or a file of them")
    if is_folder(path):
        lists(path)
    store = path if is_folder(path) else None
    stack, names = open_stack(source, size=asked.size, fit=asked.fit, told=lambda file: reads(file, store=store))
    if names is not None:
        names = tuple(visible_labels(np.array(names), "the folder of images").tolist())
    return names, stack
