"""Images as stimuli: matched to trials by name or by number."""

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.recordings.image_files import NamedImages
from normenc.recordings.image_stacks import first_axis_counts, places_of_numbers
from normenc.recordings.labels import as_text, visible_labels, without_stimulus
from normenc.recordings.named_sets import ImageSets, joined
from normenc.recordings.on_disk import is_ordered, picked
from normenc.stimulus_types import STIMULUS_TYPES, StimulusType
from normenc.texts import natural_order

__all__ = ["images_of_numbers", "labelled_by_images", "match_images"]

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".ppm", ".pgm", ".npy", ".mat", ".svg")
IN_ORDER = "in the natural order of their names"
LAST_NUMBER = re.compile(r"(.*?)([0-9]+)([^0-9]*)")


def labelled_by_images(arrays: Mapping[str, Any], notes: list[str]) -> dict[str, Any]:
    """The arrays of a file whose images were given: names of images label the stimuli, not what they show.

    So it is in the order of presentation that ``normenc design`` writes, which holds orientations of gratings, too.

    Parameters
    ----------
    arrays : mapping of str to array_like
        By the package's names.
    notes : list of str
        Gets a sentence on what does not label the stimuli.
    """
    others = [kind for kind in STIMULUS_TYPES if kind in arrays and kind != "image"]
    if "image" not in arrays or not others:
        return dict(arrays)
    notes.append(f"image labels the stimuli, whose images were given, and not {' or '.join(others)}")
    return {name: values for name, values in arrays.items() if name not in others}


def match_images(
    labels: Any, images: Any, image_names: Any = None, *, one_based: bool = False, every: Any = None
) -> tuple[npt.NDArray[Any], Any, tuple[str, ...]]:
    """Names of each trial's image, one image for each different name, and in words how numbers were taken.

    Parameters
    ----------
    labels : array_like, shape (n_trials,)
        Names (with or without the file's suffix) or numbers of images; NaN or empty in trials without one, which get an
        empty name.
    images : array_like, shape (n_images, height, width), or mapping of str to such, or None
        None where only the names are known.
    image_names : array_like of str, shape (n_images,), optional
    one_based : bool
        Whether the first image's number is 1, where numbers leave it open.
    every : array_like, optional
        Labels of all trials in the file, including those left out: their numbers show whether the first image is 0 or
        1, and which axis counts images.

    Raises
    ------
    InputError
        If a label has no image.
    """
    given, shown = _shown(labels)
    if not shown.any():
        raise InputError("no trial shows an image: every one is missing (NaN or empty)")
    of_all, all_shown = (given, shown) if every is None else _shown(every)
    told: tuple[str, ...] = ()
    if isinstance(images, ImageSets):
        images, renamed, told = joined(images, _as_names(of_all[all_shown]), one_based=one_based)
        if renamed:
            given, of_all = (
                _renamed(labels, named, renamed) for labels, named in ((given, shown), (of_all, all_shown))
            )
    counting = _Counting(_numbers(of_all[all_shown]), one_based)
    names, pictures, said = _matched(given[shown], images, image_names, counting)
    said = told + said
    if shown.all():
        return names, pictures, said
    every = np.zeros(len(given), dtype=names.dtype)
    every[shown] = names
    return every, pictures, said


def _as_names(labels: npt.NDArray[Any]) -> npt.NDArray[np.str_]:
    return labels if labels.dtype.kind == "U" else _whole(labels).astype(str)


def _renamed(
    labels: npt.NDArray[Any], shown: npt.NDArray[np.bool_], renamed: Mapping[str, str]
) -> npt.NDArray[np.str_]:
    names = np.full(len(labels), "", dtype=object)
    names[shown] = [renamed.get(name, name) for name in _as_names(labels[shown]).tolist()]
    return names.astype(str)


class _Counting(NamedTuple):
    """How images are counted: the numbers of all trials, if all are numbers, and the convention of the file."""

    numbers: npt.NDArray[np.int64] | None
    one_based: bool


def _shown(labels: Any) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
    given = np.ravel(np.asarray(labels))
    if given.dtype.kind not in "iuf":
        given = visible_labels(as_text(given, "image"), "image")
    return given, ~without_stimulus(given) if given.dtype.kind in "fU" else np.ones(len(given), dtype=bool)


def _numbers(labels: npt.NDArray[Any]) -> npt.NDArray[np.int64] | None:
    """Whole numbers from 0, also those that are written as text; None if labels are anything else."""
    if labels.dtype.kind == "U":
        decimal = all(name.isdecimal() and len(name) < 16 for name in np.unique(labels).tolist())
        return labels.astype(np.int64) if decimal else None
    whole = (np.abs(labels) < 2**53) & (labels == np.round(labels)) & (labels >= 0)
    return labels.astype(np.int64) if whole.all() else None


def _matched(
    labels: npt.NDArray[Any], images: Any, image_names: Any, counting: _Counting
) -> tuple[npt.NDArray[Any], Any, tuple[str, ...]]:
    """:func:`match_images` of trials that all show an image."""
    in_sets = isinstance(images, NamedImages) and images.in_sets
    left_out = images.left_out if isinstance(images, NamedImages) else ()
    if isinstance(images, NamedImages):
        image_names, images = list(images), images.stack
    elif isinstance(images, Mapping):
        image_names, images = list(images), list(images.values())
    elif images is not None and np.ndim(images) not in (3, 4):
        raise InputError(f"images have shape {np.shape(images)}; they must be (n_images, height, width)")
    if images is None and labels.dtype.kind == "f" and (labels != np.round(labels)).any():
        return (
            np.array([f"{label:g}" for label in labels]),
            None,
            ("numbers of images that are not whole are their names",),
        )
    numbers = _whole(labels) if labels.dtype.kind in "iuf" else None
    if numbers is not None and numbers.min() < 0:
        raise InputError(
            f"image holds {numbers.min()}, which is not the number of an image; if it marks trials without a stimulus, "
            f"pass blank={numbers.min()}"
        )
    if images is None:
        if numbers is None:
            return labels, None, ()
        width = len(str(numbers.max()))
        return np.array([f"{number:0{width}d}" for number in numbers]), None, ()
    own = None
    if image_names is not None:
        own = visible_labels(np.ravel(as_text(image_names, "image_names")), "image_names").tolist()
    stacked: tuple[str, ...] = ()
    if not isinstance(images, list) and not is_ordered(images):
        images, stacked = first_axis_counts(images, counting.numbers, None if own is None else len(own))
    if own is not None:
        _check_names(own, len(images))
        by_name = numbers is None
        if by_name:
            index, said = _by_name(labels, own, counting, in_sets=in_sets)
        else:
            index, said = _by_number(labels.astype(int), own, counting)
        _check_all_counted(said, left_out)
    elif numbers is not None:
        index, said = places_of_numbers(numbers, len(images), counting.numbers, one_based=counting.one_based)
        own = [f"{number:0{len(str(len(images) - 1))}d}" for number in range(len(images))]
    else:
        raise InputError(
            "trials name their images, but the images have no names; give image_names, or a folder of images, or "
            "number the images from 0"
        )
    used = sorted(set(index.tolist()), key=lambda number: own[number])
    return np.array(own)[index], _stacked(images, used), stacked + said


def _check_all_counted(said: tuple[str, ...], left_out: tuple[str, ...]) -> None:
    """Raise InputError where images are counted in order, and one that cannot be read would have counted."""
    if left_out and any(IN_ORDER in text for text in said):
        raise InputError(
            f"{said[0]}, but {', '.join(left_out[:3])}{', ...' * (len(left_out) > 3)} cannot be read as an image, so "
            "later ones may be counted wrongly; save it as .png or remove it, or name images in the trials"
        )


def _check_names(own: list[str], n_images: int) -> None:
    if len(own) != n_images:
        raise InputError(f"there are {len(own)} image_names but {n_images} images; they must agree")
    name, count = Counter(own).most_common(1)[0]
    if count > 1:
        raise InputError(f"image {name!r} occurs {count} times; give every image its own name")


def _whole(given: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    bad = ~((np.abs(given) < 2**53) & (given == np.round(given)))
    if bad.any():
        raise InputError(f"image holds {given[bad][0]}; image numbers must be whole")
    return given.astype(np.int64)


def _stem(name: str) -> str:
    """A name without its suffix, where it has one of images; of ``face.1`` and ``c_0.5`` all of it is the name."""
    path = Path(name)
    return path.stem if path.suffix.lower() in SUFFIXES else path.name


def _with_set(name: str) -> str:
    """A name without its suffix, with its set if it has one."""
    group, slash, within = name.rpartition("/")
    return f"{group}{slash}{_stem(within)}"


def _by_number(
    numbers: npt.NDArray[np.int64], own: list[str], counting: _Counting
) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    """Where each number's image stands: that of the same number in its name, else counted in the names' natural order.

    Numbers in names count where they are the whole stem ("7", "07"), or where all names are alike but for them ("img7",
    "img_07", "scene (7)").
    """
    wanted = set(numbers.tolist())
    stems = [_stem(name) for name in own]
    for places in (_numbered(stems, alone=True), _numbered(stems)):
        doubled = [number for number in sorted(wanted) if len(places.get(number, ())) > 1]
        if doubled:
            there = " and ".join(own[place] for place in places[doubled[0]])
            raise InputError(f"image {doubled[0]} may be {there}; leave out one of them, or name images in the trials")
        if wanted <= places.keys():
            first = min(wanted)
            said = f"images are paired by the numbers in their names ({first} is {own[places[first][0]]})"
            return np.array([places[number][0] for number in numbers.tolist()], dtype=np.int64), (said,)
    bare = next((name for name, stem in zip(own, stems, strict=True) if not re.search("[0-9]", stem)), None)
    if bare is not None and (places := _numbered(stems)):
        lost = sorted(wanted - places.keys())
        raise InputError(
            f"trials show image {lost[0]}, but names have the numbers {min(places)} to {max(places)}, and {bare} has "
            "none; name images in the trials, or leave images that have no number out of the folder"
        )
    order = natural_order(own)
    index, _ = places_of_numbers(numbers, len(own), counting.numbers, one_based=counting.one_based)
    first = int(numbers[0] - index[0])
    said = f"images are counted from {first} {IN_ORDER} ({first} is {own[order[0]]})"
    return np.array(order, dtype=np.int64)[index], (said,)


def _numbered(stems: list[str], *, alone: bool = False) -> dict[int, list[int]]:
    """Places by the number in a name, where all names are alike but for it; with `alone`, of names that are numbers.

    Names without any number are passed over, as long as most have one.
    """
    numbered: dict[int, list[int]] = {}
    around = set()
    for place, stem in enumerate(stems):
        match = LAST_NUMBER.fullmatch(stem)
        if match is None:
            continue
        before, number, after = match.groups()
        if alone and (before or after):
            continue
        around.add((before.strip(" _-.([").lower(), after.strip(" _-.)]").lower()))
        numbered.setdefault(int(number), []).append(place)
    n_numbered = sum(map(len, numbered.values()))
    return numbered if len(around) <= 1 and (alone or 2 * n_numbered > len(stems)) else {}


def images_of_numbers(images: Any, shown: StimulusType, every: Any, kept: Any) -> Any:
    """One image for each number that is kept, in increasing order, from images of `every` number in the file."""
    if images is None:
        return None
    if shown.is_grating:
        raise InputError(f"there are images and {shown.plural}; choose which are the stimuli, and leave out the others")
    if isinstance(images, Mapping):
        raise InputError(
            f"images have names, but the stimuli are {shown.plural}; give images in increasing order of these"
        )
    there = np.unique(every[~np.isnan(every)])
    if len(images) != len(there):
        raise InputError(f"there are {len(images)} images but {len(there)} {shown.plural}; give one image for each")
    rising = np.argsort(every, kind="stable")
    rising = rising[~np.isnan(kept[rising])]
    _, first = np.unique(kept[rising], return_index=True)
    return picked(images, np.searchsorted(there, every[rising][first]))


def _places(forms: list[list[str]]) -> list[dict[str, list[int]]]:
    """Places by name, for each way in which names are given, in the order in which they are tried."""
    every: list[dict[str, list[int]]] = [{} for _ in forms]
    for places, names in zip(every, forms, strict=True):
        for place, name in enumerate(names):
            places.setdefault(name, []).append(place)
    return every


def _places_in_sets(own: list[str]) -> list[dict[str, list[int]]]:
    """Places by ``set/name``, and by the name alone, which counts where no other set has it."""
    within = [name.partition("/")[2] for name in own]
    return _places([own, [_with_set(name) for name in own], within, [_stem(name) for name in within]])


def _by_name(
    names: npt.NDArray[Any], own: list[str], counting: _Counting, *, in_sets: bool
) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    """The place of each name in `own`, with or without the file's suffix; names that are numbers count as numbers."""
    places = _places_in_sets(own) if in_sets else _places([own, [_stem(name) for name in own]])
    stem = _with_set if in_sets else _stem
    by_name: dict[str, list[int]] = {
        name: next((kind[form] for kind in places for form in (name, stem(name)) if form in kind), [])
        for name in np.unique(names).tolist()
    }
    lost = [name for name, places in by_name.items() if not places]
    if lost and all(name.isdecimal() for name in by_name):
        return _by_number(names.astype(np.int64), own, counting)
    if lost:
        raise InputError(
            f"{len(lost)} of {len(by_name)} images named in trials do not exist, the first is {lost[0]!r}; the images "
            f"are {', '.join(own[:3])}{', ...' if len(own) > 3 else ''}"
        )
    for name, several in by_name.items():
        if len(several) > 1:
            there = " and ".join(own[place] for place in several)
            how = "as 'set/name'" if in_sets else "with its suffix"
            raise InputError(f"image {name!r} may be {there}; name it {how}, or leave out one of them")
    return np.array([by_name[name][0] for name in names.tolist()], dtype=np.int64), ()


def _stacked(images: Any, places: list[int]) -> Any:
    """The images at these places; those on disk stay there."""
    if not isinstance(images, list):
        return picked(images, places)
    images = [images[place] for place in places]
    shapes = sorted({np.shape(image) for image in images})
    if len(shapes) > 1:
        raise InputError(f"images differ in size ({shapes[0]} and {shapes[-1]}); crop or resize them to one size")
    return np.stack([np.asarray(image) for image in images])
