"""Several named sets of images: along which axis arrays among them count images, and what trials call these."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.recordings.image_files import ImageSource, NamedImages
from normenc.recordings.image_stacks import first_axis_counts, places_of_numbers

__all__ = ["ImageSets", "joined"]


@dataclass(frozen=True, eq=False)
class ImageSets(Mapping[str, Any]):
    """Images by ``set/name``: the stack of each set, and the names of its images, None where it is an array."""

    stacks: Mapping[str, Any]
    names: Mapping[str, tuple[str, ...] | None]
    asked: ImageSource

    def __iter__(self) -> Iterator[str]:
        return (f"{own}/{name}" for own, names in self.names.items() for name in names or ())

    def __len__(self) -> int:
        return sum(len(names or ()) for names in self.names.values())

    def __getitem__(self, name: str) -> Any:
        own, _, within = name.partition("/")
        return self.stacks[own][(self.names[own] or ()).index(within)]


def joined(
    sets: ImageSets, labels: npt.NDArray[Any], *, one_based: bool
) -> tuple[NamedImages, dict[str, str], tuple[str, ...]]:
    """All images as ``set/name``, what labels of trials are renamed to, and in words how arrays were read.

    Images of arrays are called by their number from 0, with zeros before it: ``set/07``.

    Parameters
    ----------
    sets : ImageSets
    labels : ndarray of str
        Of all trials that show an image.
    one_based : bool
        Whether the first image's number is 1, where numbers leave it open.

    Raises
    ------
    InputError
        If an array can be read in two ways, numbers go with no image or with several, or sizes differ.
    """
    stacks, every, renamed, said = dict(sets.stacks), [], dict[str, str](), tuple[str, ...]()
    numbers = _numbers_by_set(sets, np.unique(labels).tolist())
    for own, names in sets.names.items():
        if names is None:
            shown = np.array(list(numbers[own].values()), dtype=np.int64)
            stacks[own], told = first_axis_counts(stacks[own], shown if shown.size else None, None)
            n_images = len(stacks[own])
            names = tuple(f"{number:0{len(str(n_images - 1))}d}" for number in range(n_images))
            if shown.size:
                places, counted = places_of_numbers(shown, n_images, shown, one_based=one_based)
                told += counted
                renamed |= {label: f"{own}/{names[place]}" for label, place in zip(numbers[own], places, strict=True)}
            said += tuple(f"set {own}: {text}" for text in told)
        every += [f"{own}/{name}" for name in names]
    from normenc.stimuli.stacks import Joined

    left_out = tuple(f"{own}/{name}" for own, stack in stacks.items() for name in getattr(stack, "left_out", ()))
    stack = Joined(tuple(_of_one_size(stacks, sets.asked).values()))
    return NamedImages(tuple(every), stack, in_sets=True, left_out=left_out), renamed, said


def _numbers_by_set(sets: ImageSets, labels: list[str]) -> dict[str, dict[str, int]]:
    """The numbers by which trials call images of each array: ``set/7``, or ``7`` where this can be no other image."""
    numbers: dict[str, dict[str, int]] = {own: {} for own, names in sets.names.items() if names is None}
    bare = [label for label in labels if label.isdecimal()]
    if numbers and bare == labels and len(sets.names) > 1:
        raise InputError(
            f"trials call images by numbers alone (such as {labels[0]}), but there are several sets of images, "
            f"{', '.join(sets.names)}; name images as 'set/number'"
        )
    for label in labels:
        own = next((own for own in numbers if label.startswith(f"{own}/")), None)
        number = label if own is None else label.removeprefix(f"{own}/")
        if not number.isdecimal() or not numbers:
            continue
        owners = [own] if own is not None else [*_folders_with(sets, label), *numbers]
        if len(owners) > 1:
            raise InputError(f"image {label!r} may be one of the sets {' and '.join(owners)}; name it as 'set/name'")
        numbers[owners[0]][label] = int(number)
    return numbers


def _folders_with(sets: ImageSets, label: str) -> list[str]:
    return [own for own, names in sets.names.items() if any(name.split(".")[0] == label for name in names or ())]


def _of_one_size(stacks: Mapping[str, Any], asked: ImageSource) -> dict[str, Any]:
    """The stacks, cut and resized to the size that was asked for where they differ in size."""
    sizes = {tuple(stack.shape[1:3]): name for name, stack in stacks.items()}
    if len(sizes) < 2:
        return dict(stacks)
    if asked.size is None:
        (one, a), (two, b) = list(sizes.items())[:2]
        raise InputError(
            f"images of the set {a!r} have {one[0]} x {one[1]} pixels, those of {b!r} {two[0]} x {two[1]}; give one "
            "size = [height, width] in the section [stimuli]"
        )
    from normenc.stimuli.stacks import Resized

    return {
        name: stack if tuple(stack.shape[1:3]) == asked.size else Resized(stack, asked.size, asked.fit)
        for name, stack in stacks.items()
    }
