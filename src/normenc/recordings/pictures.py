"""Images as stimuli: matched to trials by name or by number."""

import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.recordings.files import is_folder, printable
from normenc.recordings.formats.guards import readable
from normenc.recordings.labels import as_text

__all__ = ["match_images", "read_images"]


def match_images(
    labels: Any, images: Any, image_names: Any = None, *, one_based: bool = False
) -> tuple[npt.NDArray[Any], Any, tuple[str, ...]]:
    """Names of each trial's image, one image for each different name, and in words how numbers were taken.

    Parameters
    ----------
    labels : array_like, shape (n_trials,)
        Names (with or without the file's suffix) or numbers of images.
    images : array_like, shape (n_images, height, width), or mapping of str to such, or None
        None where only the names are known.
    image_names : array_like of str, shape (n_images,), optional
    one_based : bool
        Whether the first image's number is 1, where numbers leave it open.

    Raises
    ------
    InputError
        When a label has no image.
    """
    given = np.asarray(labels)
    if isinstance(images, Mapping):
        image_names, images = list(images), list(images.values())
    elif images is not None and np.ndim(images) not in (3, 4):
        raise InputError(f"images have shape {np.shape(images)}; they must be (n_images, height, width)")
    own = None if image_names is None else np.ravel(as_text(image_names, "image_names")).tolist()
    said: tuple[str, ...] = ()
    if given.dtype.kind in "iuf":
        numbers = _whole(given)
        if images is None:
            width = len(str(numbers.max()))
            return np.array([f"{number:0{width}d}" for number in numbers]), None, ()
        index, said = _index(numbers, len(images), one_based)
    else:
        names = as_text(given.ravel(), "image")
        if images is None:
            return names, None, ()
        if own is None:
            raise InputError(
                "trials name their images, but the images have no names; give image_names, or a folder of images, or "
                "number the images from 0"
            )
        index = _by_name(names, own)
    if own is None:
        own = [f"{number:0{len(str(len(images) - 1))}d}" for number in range(len(images))]
    if len(own) != len(images):
        raise InputError(f"there are {len(own)} image_names but {len(images)} images; they must agree")
    name, count = Counter(own).most_common(1)[0]
    if count > 1:
        raise InputError(f"image {name!r} stands {count} times; give every image a name of its own")
    shown = sorted(set(index.tolist()), key=lambda number: own[number])
    return np.array(own)[index], _stacked([images[number] for number in shown]), said


def _whole(given: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    bad = ~((np.abs(given) < 2**53) & (given == np.round(given)))
    if bad.any():
        raise InputError(f"image holds {given[bad][0]}; numbers of images must be whole")
    return given.astype(np.int64)


def _index(
    numbers: npt.NDArray[np.int64], n_images: int, one_based: bool
) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    low, high = int(numbers.min()), int(numbers.max())
    first = 1 if low >= 1 and (high == n_images or one_based) else 0
    if low < first or high >= n_images + first:
        raise InputError(
            f"images are numbered from {low} to {high}, but there are {n_images}; number them from 0 to "
            f"{n_images - 1}, or from 1 to {n_images}"
        )
    said = ("images are numbered from 1",) if first else ()
    return numbers - first, said


def _by_name(names: npt.NDArray[Any], own: list[str]) -> npt.NDArray[np.int64]:
    """Where each name stands in `own`, with or without the file's suffix."""
    whole = {name: number for number, name in enumerate(own)}
    stems: dict[str, list[int]] = {}
    for number, name in enumerate(own):
        stems.setdefault(Path(name).stem, []).append(number)
    found: dict[str, list[int]] = {
        name: [whole[name]] if name in whole else stems.get(name, []) or stems.get(Path(name).stem, [])
        for name in np.unique(names).tolist()
    }
    lost = [name for name, places in found.items() if not places]
    if lost:
        raise InputError(
            f"{len(lost)} of {len(found)} images that trials name are not there, the first is {lost[0]!r}; there are "
            f"{', '.join(own[:3])}{', ...' if len(own) > 3 else ''}"
        )
    for name, places in found.items():
        if len(places) > 1:
            there = " and ".join(own[place] for place in places)
            raise InputError(f"image {name!r} may be {there}; name it with its suffix, or leave one of them out")
    return np.array([found[name][0] for name in names.tolist()], dtype=np.int64)


def _stacked(images: list[Any]) -> npt.NDArray[Any]:
    shapes = sorted({np.shape(image) for image in images})
    if len(shapes) > 1:
        raise InputError(f"images differ in size ({shapes[0]} and {shapes[-1]}); cut or resize them to one")
    return np.stack([np.asarray(image) for image in images])


def read_images(folder: str | Path) -> dict[str, npt.NDArray[Any]]:
    """Images of a folder by file name, in grey, values 0 to 1.

    Raises
    ------
    InputError
        When the folder is not there or holds no images, or one cannot be read.
    """
    from normenc.stimuli.images import IMAGE_SUFFIXES, read_grey  # brings torch, which only images need

    folder = Path(folder)
    if not is_folder(folder):
        raise InputError(f"{folder}: there is no such folder of images")
    try:
        files = sorted(file for file in folder.iterdir() if file.suffix.lower() in IMAGE_SUFFIXES and file.is_file())
    except OSError as error:
        raise InputError(f"{folder}: this folder cannot be read ({error.strerror}); check its permissions") from None
    if not files:
        raise InputError(f"{folder}: there are no images ({', '.join(sorted(IMAGE_SUFFIXES))})")
    return {printable(file.name): _read(file, read_grey) for file in files}


def _read(file: Path, read_grey: Callable[[Path], tuple[npt.NDArray[np.float32], bool]]) -> npt.NDArray[np.float32]:
    from PIL import Image

    with readable(f"image ({file})", "save it again, smaller where it is huge"):
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        return read_grey(file)[0]
