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
    """Images by name, read when asked: ``stack`` has them in the order of their names."""

    names: tuple[str, ...]
    stack: Any

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
    NamedImages, or a stack
        By file name, those of named sets as ``set/name``; from an array without names the stack itself.

    Raises
    ------
    InputError
        If there are no images, files cannot be read (all are counted), or sizes differ.
    """
    asked = source if isinstance(source, ImageSource) else ImageSource({"": str(source)})
    if list(asked.sets) == [""]:
        names, stack = _one(asked.sets[""], asked)
        return stack if names is None else NamedImages(names, stack)
    from normenc.stimuli.stacks import Joined

    every, stacks = [], {}
    for name, place in asked.sets.items():
        own, stacks[name] = _one(place, asked)
        width = len(str(len(stacks[name]) - 1))
        own = tuple(f"{number:0{width}d}" for number in range(len(stacks[name]))) if own is None else own
        every += [f"{name}/{image}" for image in own]
    sizes = {tuple(stack.shape[1:3]): name for name, stack in stacks.items()}
    if len(sizes) > 1:
        (one, a), (two, b) = list(sizes.items())[:2]
        raise InputError(
            f"images of the set {a!r} have {one[0]} x {one[1]} pixels, those of {b!r} {two[0]} x {two[1]}; give one "
            "size = [height, width] in the section [stimuli]"
        )
    return NamedImages(tuple(every), Joined(tuple(stacks.values())))


def _one(source: str, asked: ImageSource) -> tuple[tuple[str, ...] | None, Any]:
    """Names, if there are any, and the stack of one source."""
    from normenc.stimuli.image_sets import open_stack  # brings torch, which only images need
    from normenc.stimuli.stacks import split_place

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
